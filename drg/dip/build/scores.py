"""What groups cost and score: sums of fen by group and year, exact means, scores rounded once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.dip.build.settings import BuildError, YearWeights
from drg.dip.score import pooled_mean, score_by_mean, yearly_mean
from drg.dip.trimming import quantile_kept
from drg.money import round_scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from drg.dip.build.history import Cases
    from drg.dip.build.settings import BuildSettings

    Ints = NDArray[np.int64]

__all__ = [
    "Figures",
    "Scores",
    "coefficient_of_variation",
    "ratio_root",
    "score_groups",
    "weights_of_years",
]

_CV_PLACES, _DAY_PLACES = 6, 4


@dataclass(frozen=True, slots=True)
class Figures:
    """What the cases of a group say.

    Attributes
    ----------
    cases : int
    kept : int
        Those that trimming keeps; the others below are of these.
    yearly : tuple of (int, int)
        Cases and fen of each year that counts, the oldest first.
    mean : Fraction or None
        Mean cost in fen; None without a case.
    cv : Fraction or None
        Coefficient of variation of cost, all years together (sample), to six places; None of less
        than two cases.
    days : Fraction or None
        Mean length of stay of all cases where it is known, to four places.
    score : Fraction or None
        Unrounded.
    """

    cases: int
    kept: int
    yearly: tuple[tuple[int, int], ...]
    mean: Fraction | None
    cv: Fraction | None
    days: Fraction | None
    score: Fraction | None = None

    @property
    def score_e4(self) -> int | None:
        """The score, scaled 10⁴, half up once."""
        return None if self.score is None else round_scaled(self.score)

    @property
    def mean_fen(self) -> int | None:
        """The mean, half up once."""
        return None if self.mean is None else round_scaled(self.mean, 0)


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of all groups.

    Attributes
    ----------
    groups : tuple of Figures
        By place of the group.
    overall : Figures
        Of all claims: those that trimming keeps in groups, and all without a group.
    base : Fraction
        What means are divided by, in fen: the overall mean, the anchor's, or the quota.
    weights : mapping of int to int
        Year to weight.
    """

    groups: tuple[Figures, ...]
    overall: Figures
    base: Fraction
    weights: Mapping[int, int]


def weights_of_years(found: Mapping[int, int], wanted: YearWeights) -> dict[int, int]:
    """Weight of every year that counts.

    Parameters
    ----------
    found : mapping of int to int
        Year to claims.
    wanted : tuple of int or mapping of int to int
        Weights of the last years, or years by number. Of fewer years than weights the last weights
        count.

    Raises
    ------
    BuildError
        D443: no claim counts; D444: more years than weights, or none of the years named.

    Examples
    --------
    >>> weights_of_years({2023: 10, 2024: 12}, (1, 2, 7))
    {2023: 2, 2024: 7}
    """
    if not found:
        raise BuildError("D443")
    years = sorted(found)
    told = ", ".join(f"{year} ({found[year]:,})" for year in years)
    if not isinstance(wanted, tuple):
        chosen = {year: weight for year, weight in sorted(wanted.items()) if year in found}
        if not chosen:
            raise BuildError("D444", years=told, wanted=", ".join(map(str, sorted(wanted))))
        return chosen
    if len(years) > len(wanted):
        raise BuildError("D444", years=told, wanted=":".join(map(str, wanted)))
    return dict(zip(years, wanted[-len(years) :], strict=True))


def score_groups(
    cases: Cases,
    group: Ints,
    codes: Sequence[str],
    settings: BuildSettings,
    weights: Mapping[int, int],
) -> Scores:
    """Figures and scores of groups.

    Parameters
    ----------
    cases : Cases
        Of the years that have a weight.
    group : int64 array
        Place of every claim's group, -1: none.
    codes : sequence of str
        Codes of the groups.
    settings : BuildSettings
        ``means``, ``trim``, ``method`` with ``anchor``, ``quota``, ``scale``.
    weights : mapping of int to int
        Year to weight.

    Raises
    ------
    BuildError
        D445: the anchor is not among the groups, or takes no case.
    """
    kept = _kept(cases, group, settings, weights)
    spread = _spread(group, cases, kept)
    yearly = _yearly(group, cases, kept, weights)
    mean = yearly_mean if settings.means == "yearly" else pooled_mean
    shares = list(weights.values())

    def figures(place: int) -> Figures:
        sums = yearly.get(place, ((0, 0),) * len(weights))
        number, kept_cases, total, squares, days, stays = spread.get(place, (0,) * 6)
        return Figures(
            number,
            kept_cases,
            sums,
            mean([fen for _, fen in sums], [n for n, _ in sums], shares),
            coefficient_of_variation(kept_cases, total, squares),
            Fraction(round_scaled(Fraction(days, stays), _DAY_PLACES), 10**_DAY_PLACES)
            if stays
            else None,
        )

    groups = [figures(place) for place in range(len(codes))]
    overall = figures(_ALL)
    base = _base(groups, overall, codes, settings)
    scale = 1 if settings.method == "quota" else settings.scale
    scored = [g if g.mean is None else _with_score(g, base, scale) for g in groups]
    return Scores(tuple(scored), overall, base, dict(weights))


#: Stands for all claims among the places of groups.
_ALL = -2


def _with_score(figures: Figures, base: Fraction, scale: int) -> Figures:
    assert figures.mean is not None
    return replace(figures, score=score_by_mean(figures.mean, base, scale))


def _base(
    groups: Sequence[Figures], overall: Figures, codes: Sequence[str], settings: BuildSettings
) -> Fraction:
    if settings.method == "quota":
        assert settings.quota is not None
        return settings.quota * 100
    if settings.method == "anchor":
        mean = groups[codes.index(settings.anchor)].mean if settings.anchor in codes else None
        if mean is None:
            near = [code for code in codes if code[:3] == settings.anchor[:3]][:5]
            raise BuildError("D445", group=settings.anchor, near=", ".join(near) or "—")
        return mean
    assert overall.mean is not None
    return overall.mean


def _kept(
    cases: Cases, group: Ints, settings: BuildSettings, weights: Mapping[int, int]
) -> NDArray[np.bool_]:
    """Which claims means rest on: trimmed in each group and year; all those without a group."""
    kept = np.ones(len(cases), np.bool_)
    if settings.trim is None:
        return kept
    inside = np.flatnonzero(group >= 0)
    year = np.searchsorted(np.array(sorted(weights)), cases.year[inside])
    low, high = settings.trim
    kept[inside] = quantile_kept(cases.fen[inside], low, high, group[inside] * len(weights) + year)
    return kept


def _yearly(
    group: Ints, cases: Cases, kept: NDArray[np.bool_], weights: Mapping[int, int]
) -> dict[int, tuple[tuple[int, int], ...]]:
    """Cases and fen of each year by group, and of all."""
    frame = pl.DataFrame({"group": group, "year": cases.year, "fen": cases.fen}).filter(
        pl.Series(kept)
    )
    named = frame.filter(pl.col("group") >= 0)
    sums = pl.concat([named, frame.with_columns(pl.lit(_ALL, pl.Int64).alias("group"))])
    sums = sums.group_by("group", "year").agg(pl.len().alias("n"), pl.col("fen").sum())
    of: dict[int, dict[int, tuple[int, int]]] = {}
    for place, year, n, fen in sums.iter_rows():
        of.setdefault(place, {})[year] = (n, fen)
    return {
        place: tuple(by_year.get(year, (0, 0)) for year in weights) for place, by_year in of.items()
    }


def _spread(
    group: Ints, cases: Cases, kept: NDArray[np.bool_]
) -> dict[int, tuple[int, int, int, int, int, int]]:
    """By group, and of all: cases; those kept, fen and squares of them; days and their stays."""
    frame = pl.DataFrame(
        {"group": group, "kept": kept, "fen": cases.fen, "days": cases.days.astype(np.int64)}
    )
    known = pl.col("days") >= 0
    fen = pl.col("fen").filter("kept").cast(pl.Int128)
    sums = (
        pl.len(),
        pl.col("kept").sum(),
        fen.sum().alias("total"),
        (fen * fen).sum().alias("squares"),
        pl.col("days").filter(known).sum().alias("days_sum"),
        known.sum().alias("stays"),
    )
    by_group = frame.filter(pl.col("group") >= 0).group_by("group").agg(sums)
    found = {row[0]: row[1:] for row in by_group.iter_rows()}
    found[_ALL] = frame.select(sums).row(0)
    return found


def coefficient_of_variation(n: int, total: int, squares: int) -> Fraction | None:
    """Standard deviation (n - 1) by mean, to six places, half up; None of less than two cases.

    Examples
    --------
    >>> coefficient_of_variation(2, 4, 10)
    Fraction(707107, 1000000)
    """
    if n < 2 or not total:
        return None
    top, bottom = n * (n * squares - total * total), (n - 1) * total * total
    return ratio_root(Fraction(top, bottom))


def ratio_root(value: Fraction) -> Fraction:
    """Square root to six places, half up.

    Examples
    --------
    >>> ratio_root(Fraction(1, 9))
    Fraction(333333, 1000000)
    """
    twice = isqrt(4 * 10 ** (2 * _CV_PLACES) * value.numerator // value.denominator)
    return Fraction((twice + 1) // 2, 10**_CV_PLACES)
