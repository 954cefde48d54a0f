"""Scores of groups from mean costs (spec B.3): what a group costs against what all cases cost.

Means are weighted over three years, 1:2:7 with the oldest first. Everything is exact until a
score is rounded to four decimals. The national draft does not say whether years or cases are
weighted; ``weighted_mean`` weights the yearly means, ``pooled_mean`` the cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from drg.dip.errors import DipError, Number, not_negative, positive
from drg.money import PLACES, mul_div, mul_div_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = [
    "SCALE",
    "YEAR_WEIGHTS",
    "keep_total",
    "pooled_mean",
    "score_by_mean",
    "score_by_quota",
    "scores_by_anchor",
    "scores_e4",
    "structure_score",
    "total_score",
    "weighted_mean",
    "yearly_mean",
]

#: Weights of the last three years, the oldest first.
YEAR_WEIGHTS: tuple[int, ...] = (1, 2, 7)
#: Score of a case that costs the region's mean (or what the anchor costs).
SCALE = 1000


def weighted_mean(
    values: Sequence[Number], year_weights: Sequence[Number] = YEAR_WEIGHTS
) -> Fraction:
    """Weighted mean of yearly numbers, such as mean costs, total costs or total scores.

    Parameters
    ----------
    values : sequence of Number
        The oldest year first, each zero or more.
    year_weights : sequence of Number, optional
        As many; none below zero, at least one above.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be; D407: not as many values as weights; D408: weights
        that add up to nothing.

    Examples
    --------
    >>> weighted_mean([8000, 8500, 9200]), weighted_mean([9500, 9800, 10100])
    (Fraction(8940, 1), Fraction(9980, 1))
    """
    if len(values) != len(year_weights):
        raise DipError("D407", found=len(values), wanted=len(year_weights))
    weights = [not_negative(weight, "year weight") for weight in year_weights]
    total = sum(weights, Fraction(0))
    if not total:
        raise DipError("D408")
    numbers = [not_negative(value, "yearly value") for value in values]
    return sum((n * w for n, w in zip(numbers, weights, strict=True)), Fraction(0)) / total


def yearly_mean(
    totals: Sequence[int], cases: Sequence[int], year_weights: Sequence[Number] = YEAR_WEIGHTS
) -> Fraction | None:
    """Weighted mean of yearly mean costs, over the years that have cases.

    Parameters
    ----------
    totals, cases : sequence of int
        Cost (any unit) and number of cases by year, the oldest first.
    year_weights : sequence of Number, optional

    Returns
    -------
    Fraction or None
        In the unit of the totals; None without a case in a year that counts.

    Raises
    ------
    DipError
        As ``weighted_mean``, except that no case is no error.

    Examples
    --------
    >>> yearly_mean([0, 1700, 9200], [0, 2, 10])
    Fraction(8140, 9)
    """
    if not len(totals) == len(cases) == len(year_weights):
        raise DipError("D407", found=min(len(totals), len(cases)), wanted=len(year_weights))
    years = [
        (Fraction(int(total), int(n)), not_negative(weight, "year weight"))
        for total, n, weight in zip(totals, cases, year_weights, strict=True)
        if n
    ]
    if not any(weight for _, weight in years):
        return None
    return weighted_mean([mean for mean, _ in years], [weight for _, weight in years])


def pooled_mean(
    totals: Sequence[int], cases: Sequence[int], year_weights: Sequence[Number] = YEAR_WEIGHTS
) -> Fraction | None:
    """Mean cost of the cases of all years, each case with its year's weight.

    Parameters and errors as for ``yearly_mean``.

    Examples
    --------
    >>> pooled_mean([0, 1700, 9200], [0, 2, 10])
    Fraction(33900, 37)
    """
    if not len(totals) == len(cases) == len(year_weights):
        raise DipError("D407", found=min(len(totals), len(cases)), wanted=len(year_weights))
    weights = [not_negative(weight, "year weight") for weight in year_weights]
    number = sum((w * int(n) for w, n in zip(weights, cases, strict=True)), Fraction(0))
    if not number:
        return None
    return sum((w * int(t) for w, t in zip(weights, totals, strict=True)), Fraction(0)) / number


def score_by_mean(mean: Number, overall: Number, scale: Number = SCALE) -> Fraction:
    """Mean-cost method: ``RW = m ÷ M × 1000``.

    Parameters
    ----------
    mean, overall : Number
        Mean cost of the group, and of all cases of the region, self-paying ones included.
    scale : Number, optional
        Score of a case that costs the mean.

    Returns
    -------
    Fraction
        Unrounded.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; the overall mean must be above zero.

    Examples
    --------
    >>> from drg.money import round_scaled
    >>> round_scaled(score_by_mean(8940, 9980))
    8957916
    """
    return (
        not_negative(mean, "mean cost")
        / positive(overall, "overall mean cost")
        * positive(scale, "scale")
    )


def scores_by_anchor(
    means: Mapping[str, Number], anchor: str, scale: Number = SCALE
) -> dict[str, Fraction]:
    """Anchor method: the anchor group has the score ``scale``, the others in proportion.

    Parameters
    ----------
    means : mapping of str to Number
        Mean cost by group.
    anchor : str
        A group done everywhere, with a clear pathway and a stable cost, such as laparoscopic
        appendectomy.
    scale : Number, optional

    Raises
    ------
    DipError
        D401–D403; D409: the anchor is not among the groups.

    Examples
    --------
    >>> means = {"K35.9:47.0901": 9173, "K35.9:47.0100": 13385}
    >>> scores_by_anchor(means, "K35.9:47.0100")["K35.9:47.0100"]
    Fraction(1000, 1)
    """
    if anchor not in means:
        raise DipError("D409", group=anchor)
    base = positive(means[anchor], anchor)
    return {group: score_by_mean(mean, base, scale) for group, mean in means.items()}


def score_by_quota(mean: Number, quota: Number) -> Fraction:
    """Fixed-quota method: ``RW = m ÷ M``, where ``M`` yuan are one point; not times 1000.

    Raises
    ------
    DipError
        D401–D403.

    Examples
    --------
    >>> score_by_quota(13385, 100)
    Fraction(2677, 20)
    """
    return score_by_mean(mean, quota, 1)


def structure_score(mean: Number, overall: Number) -> Fraction:
    """Drug or consumables score of a group (dRW, cRW): to watch by, not to pay by.

    Parameters
    ----------
    mean, overall : Number
        Mean drug (or consumables) cost of the group's cases, and of all cases of the region.

    Raises
    ------
    DipError
        D401–D403.

    Examples
    --------
    >>> structure_score(3600, 3000)
    Fraction(6, 5)
    """
    return score_by_mean(mean, overall, 1)


def scores_e4(mean_fen: Ints, base: Fraction | int, scale: int = SCALE) -> Ints:
    """``score_by_mean`` for a column: ``mean ÷ base × scale``, scaled 10⁴, half up once.

    Parameters
    ----------
    mean_fen : int64 array
        Mean cost of each group in fen.
    base : Fraction or int
        Overall mean, anchor's mean or quota in fen, greater than zero.
    scale : int, optional
        1 for the fixed quota.

    Raises
    ------
    DipError
        D402: no base to divide by.
    OverflowError
        A score does not fit int64.

    Examples
    --------
    >>> import numpy as np
    >>> scores_e4(np.array([894_000]), 998_000)
    array([8957916])
    """
    import numpy as np

    top, bottom = positive(base, "base").as_integer_ratio()
    factor = scale * 10**PLACES * bottom
    if max(factor, top) >= 2**63:
        return np.array([mul_div(mean, factor, top) for mean in mean_fen.tolist()], np.int64)
    return mul_div_array(mean_fen, np.full(len(mean_fen), factor, np.int64), top)


def total_score(scores: Mapping[str, Number], cases: Mapping[str, int]) -> Fraction:
    """``Σ score × cases``; a group that ``cases`` lacks has none."""
    found = (not_negative(score, group) * cases.get(group, 0) for group, score in scores.items())
    return sum(found, Fraction(0))


def keep_total(
    scores: Mapping[str, Number],
    cases: Mapping[str, int],
    changes: Mapping[str, Number],
    *,
    hold: bool = False,
) -> dict[str, Fraction]:
    """Scores after some are changed, with the total over the cases as it was.

    Parameters
    ----------
    scores : mapping of str to Number
        Score by group before.
    cases : mapping of str to int
        Cases by group; a group that is missing has none.
    changes : mapping of str to Number
        New scores of some of these groups.
    hold : bool, optional
        The changed scores stay as set and the others make up for them. Otherwise all groups are
        scaled alike.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be; D409: a changed group is not among the groups; D410:
        the total cannot be kept.

    Examples
    --------
    >>> scores, cases = {"A": 100, "B": 200}, {"A": 10, "B": 5}
    >>> {g: str(s) for g, s in keep_total(scores, cases, {"A": 150}).items()}
    {'A': '120', 'B': '160'}
    >>> {g: str(s) for g, s in keep_total(scores, cases, {"A": 150}, hold=True).items()}
    {'A': '150', 'B': '100'}
    """
    if strange := sorted(set(changes) - set(scores)):
        raise DipError("D409", group=", ".join(strange))
    before = total_score(scores, cases)
    new = {group: not_negative(changes.get(group, s), group) for group, s in scores.items()}
    fixed = {group: new[group] for group in changes} if hold else {}
    rest = before - total_score(fixed, cases)
    moving = total_score({g: s for g, s in new.items() if g not in fixed}, cases)
    if rest < 0 or (rest and not moving):
        raise DipError("D410")
    factor = rest / moving if moving else Fraction(1)
    return {group: score if group in fixed else score * factor for group, score in new.items()}
