"""Relative weights from a region's own history (docs/weights.md names the circular).

``RW = m_g / M``: the trimmed mean cost of a group over the mean cost of all cases. Costs are fen,
means and weights exact ratios, rounded half up once at the end. Before any adjustment the weights
of all cases add up to the number of cases, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from drg.errors import DrgError
from drg.money import PLACES, exact_sum, round_scaled
from drg.payment.costs import CostHistory
from drg.payment.spread import Spread, Trim, add_spreads, spread_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = [
    "GroupWeight",
    "HistoryError",
    "Inversion",
    "WeightStudy",
    "relative_weights",
    "renormalised",
    "weights_of_means",
]

#: Last character of a group that names its severity, the heaviest first.
_SEVERITIES = "135"


class HistoryError(DrgError, ValueError):
    """Weights cannot be computed from this history as asked."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class GroupWeight:
    """What history says of one group.

    Attributes
    ----------
    group : str
    cases : int
        Cases with a usable cost.
    spread : Spread
        Sums over the cases that trimming kept.
    whole : Spread
        Sums over all of them.
    mean : Fraction or None
        Mean cost in fen that the weight rests on; None without a case.
    computed : Fraction or None
        ``mean / M``.
    weight : Fraction or None
        After adjustment; None where the group gets none.
    rounded : int or None
        The weight, scaled 10⁴.
    adjusted : bool
        Set by the table of adjustments.
    """

    group: str
    cases: int
    spread: Spread
    whole: Spread
    mean: Fraction | None
    computed: Fraction | None = None
    weight: Fraction | None = None
    rounded: int | None = None
    adjusted: bool = False

    @property
    def note(self) -> str:
        """Why it has no weight (``no_cases``, ``few_cases``, ``too_small``), or ``adjusted``."""
        if self.rounded is not None:
            return "adjusted" if self.adjusted else ""
        if not self.cases:
            return "no_cases"
        return "few_cases" if self.weight is None else "too_small"


@dataclass(frozen=True, slots=True)
class Inversion:
    """Two groups of one ADRG of which the more severe weighs less."""

    adrg: str
    severe: GroupWeight
    light: GroupWeight


@dataclass(frozen=True, slots=True)
class WeightStudy:
    """Relative weights and what they rest on.

    Attributes
    ----------
    groups : tuple of GroupWeight
        By group.
    mean : Fraction
        ``M``, in fen.
    cases : int
        Cases with a usable cost: what the computed weights of all groups add up to.
    before, after : Fraction
        Total weight of the groups that get one, before adjustment and with what is published.
    scale : Fraction
        Factor that kept the total when groups were adjusted; 1 otherwise.
    inversions : tuple of Inversion
    kept, whole : Spread
        All cases together, those kept and all; ``riv`` between groups.
    kept_within, whole_within : Fraction
        Sums of squares within groups.
    """

    groups: tuple[GroupWeight, ...]
    mean: Fraction
    cases: int
    before: Fraction
    after: Fraction
    scale: Fraction
    inversions: tuple[Inversion, ...]
    kept: Spread
    whole: Spread
    kept_within: Fraction
    whole_within: Fraction

    @property
    def weights(self) -> dict[str, int]:
        """Group to weight, scaled 10⁴; groups without one are not there."""
        return {g.group: g.rounded for g in self.groups if g.rounded is not None}

    @property
    def riv(self) -> Fraction | None:
        """Share of the variation that lies between groups, of the cases kept."""
        return _between(self.kept, self.kept_within)

    @property
    def riv_untrimmed(self) -> Fraction | None:
        """The same of all cases."""
        return _between(self.whole, self.whole_within)


def relative_weights(
    history: CostHistory,
    *,
    trim: Trim | None = None,
    min_cases: int = 1,
    year_weights: Mapping[int, int] | None = None,
    places: int = PLACES,
    adjust: Mapping[str, Fraction] | None = None,
    keep_total: bool = True,
    adrg_of: Mapping[str, str] | None = None,
) -> WeightStudy:
    """Relative weights of every group of a history.

    Parameters
    ----------
    history : CostHistory
    trim : Trim, optional
        Which costs of a group (and year) its mean leaves out; none when omitted.
    min_cases : int, optional
        A group with fewer cases gets no weight.
    year_weights : mapping of int to int, optional
        Discharge year to weight: the mean of a group is then the mean of its yearly means, each
        with its year's weight, over the years in which it has cases. One year: as if omitted.
    places : int, optional
        Decimal places of the result, 4 at the most.
    adjust : mapping of str to Fraction, optional
        Groups whose weight is set; a group without cases may be among them.
    keep_total : bool, optional
        Scale all weights so that their total over the cases is what it was before.
    adrg_of : mapping of str to str, optional
        Group to ADRG, to look for inversions; the group without its last character when omitted.
        A group that is missing here has no severity levels.

    Returns
    -------
    WeightStudy

    Raises
    ------
    HistoryError
        W406: no case; W407: cases of a year without a weight; W408: an adjusted group is not
        among the history's groups.
    """
    adjust = adjust or {}
    if year_weights is not None and (bare := set(history.years) - set(year_weights)):
        raise HistoryError(
            "W407", years=", ".join(map(str, sorted(bare))), wanted=len(year_weights)
        )
    if strange := sorted(set(adjust) - set(history.groups)):
        raise HistoryError("W408", groups=", ".join(strange))
    trim = trim or Trim()
    found = history.by_group()
    measured = [_measured(g, found.get(g, {}), trim, year_weights) for g in sorted(history.groups)]
    cases = sum(group.cases for group in measured)
    if not cases:
        raise HistoryError("W406")
    total = sum((g.mean * g.cases for g in measured if g.mean is not None), Fraction(0))
    mean = total / cases
    measured = [replace(g, computed=None if g.mean is None else g.mean / mean) for g in measured]
    weighed, before, scale = _adjusted(measured, min_cases, adjust, keep_total)
    groups = tuple(_rounded(group, places) for group in weighed)
    scaled = sum((g.rounded or 0) * g.cases for g in groups)
    return WeightStudy(
        groups=groups,
        mean=mean,
        cases=cases,
        before=before,
        after=Fraction(scaled, 10**PLACES),
        scale=scale,
        inversions=_inversions(groups, adrg_of),
        kept=add_spreads(g.spread for g in groups),
        whole=add_spreads(g.whole for g in groups),
        kept_within=sum((g.spread.squares_about_mean for g in groups), Fraction(0)),
        whole_within=sum((g.whole.squares_about_mean for g in groups), Fraction(0)),
    )


def renormalised(
    weights: Mapping[str, Fraction], cases: Mapping[str, int], total: Fraction
) -> tuple[dict[str, Fraction], Fraction]:
    """Weights scaled so that they add up to a total over the cases, and the factor.

    Parameters
    ----------
    weights : mapping of str to Fraction
    cases : mapping of str to int
        Cases by group; a group that is missing has none.
    total : Fraction
        What ``Σ weight × cases`` is to be.

    Raises
    ------
    HistoryError
        W406: the weights add up to nothing.
    """
    now = sum((weight * cases.get(group, 0) for group, weight in weights.items()), Fraction(0))
    if not now:
        raise HistoryError("W406")
    scale = total / now
    return {group: weight * scale for group, weight in weights.items()}, scale


def weights_of_means(
    means: Mapping[str, Fraction], cases: Mapping[str, int]
) -> tuple[dict[str, Fraction], Fraction]:
    """Relative weights from mean costs and numbers of cases, and the mean of all cases.

    Parameters
    ----------
    means : mapping of str to Fraction
        Mean cost by group, in any unit.
    cases : mapping of str to int
        Cases by group; a group that is missing has none.

    Raises
    ------
    HistoryError
        W406: no case, or none that costs anything.

    Examples
    --------
    >>> weights, mean = weights_of_means({"A": Fraction(4), "B": Fraction(12)}, {"A": 3, "B": 1})
    >>> [str(weight) for weight in weights.values()], str(mean)
    (['2/3', '2'], '6')
    """
    number = sum(cases.get(group, 0) for group in means)
    total = sum((mean * cases.get(group, 0) for group, mean in means.items()), Fraction(0))
    if not total:
        raise HistoryError("W406")
    mean = total / number
    return {group: own / mean for group, own in means.items()}, mean


def _measured(
    group: str, by_year: Mapping[int, Ints], trim: Trim, year_weights: Mapping[int, int] | None
) -> GroupWeight:
    """Cases, spread and mean cost of a group."""
    kept = {year: trim.kept(costs) for year, costs in by_year.items()}
    mean = None
    if kept:
        weighed = year_weights or dict.fromkeys(kept, 1)
        if year_weights is None:
            kept = {0: np.concatenate(list(kept.values()))}
            weighed = {0: 1}
        means = {year: Fraction(exact_sum(costs), len(costs)) for year, costs in kept.items()}
        share = sum(weighed[year] for year in means)
        mean = sum((means[year] * weighed[year] for year in means), Fraction(0)) / share
    return GroupWeight(
        group=group,
        cases=sum(map(len, by_year.values())),
        spread=add_spreads(map(spread_of, kept.values())),
        whole=add_spreads(map(spread_of, by_year.values())),
        mean=mean,
    )


def _adjusted(
    measured: Sequence[GroupWeight],
    min_cases: int,
    adjust: Mapping[str, Fraction],
    keep_total: bool,
) -> tuple[list[GroupWeight], Fraction, Fraction]:
    """Weights of the groups that get one; their total before adjustment, and the factor."""
    given = {
        g.group: g
        for g in measured
        if g.group in adjust or (g.computed is not None and g.cases >= min_cases)
    }
    before = sum((g.computed * g.cases for g in given.values() if g.computed), Fraction(0))
    weights = {
        name: adjust[name] if name in adjust else g.computed or Fraction(0)
        for name, g in given.items()
    }
    scale = Fraction(1)
    if adjust and keep_total and before:
        cases = {name: g.cases for name, g in given.items()}
        weights, scale = renormalised(weights, cases, before)
    out = [replace(g, weight=weights.get(g.group), adjusted=g.group in adjust) for g in measured]
    return out, before, scale


def _rounded(group: GroupWeight, places: int) -> GroupWeight:
    if group.weight is None:
        return group
    rounded = round_scaled(group.weight, places) * 10 ** (PLACES - places)
    return replace(group, rounded=rounded or None)


def _inversions(
    groups: Sequence[GroupWeight], adrg_of: Mapping[str, str] | None
) -> tuple[Inversion, ...]:
    split: dict[str, list[GroupWeight]] = {}
    for g in groups:
        adrg = g.group[:-1] if adrg_of is None else adrg_of.get(g.group)
        if adrg and g.rounded is not None and g.group[-1:] in _SEVERITIES:
            split.setdefault(adrg, []).append(g)
    return tuple(
        Inversion(adrg, severe, light)
        for adrg, parts in sorted(split.items())
        for severe, light in combinations(sorted(parts, key=_severity), 2)
        if (severe.rounded or 0) < (light.rounded or 0)
    )


def _severity(group: GroupWeight) -> int:
    return _SEVERITIES.index(group.group[-1])


def _between(spread: Spread, within: Fraction) -> Fraction | None:
    total = spread.squares_about_mean
    return 1 - within / total if total else None
