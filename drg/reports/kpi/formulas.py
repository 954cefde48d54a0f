"""The formulas of section I on exact numbers, one function each.

``None`` stands for a figure that cannot be told: no case, nothing to divide by. Nothing is rounded
here but roots and logarithms; whoever shows a figure rounds it half up once
(``drg.money.round_scaled``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

__all__ = [
    "CaseMix", "Profit", "balance", "case_mix", "consumption_index", "growth", "mean",
    "mortality_scores", "profit", "quadrant", "ratio", "risk_grade", "rounded_cv",
]  # fmt: skip

#: Digits that logarithms are taken to; grades compare them, no money rests on them.
_DIGITS = 40
_SURE = 20


class CaseMix(NamedTuple):
    """Total weight of grouped cases, and their mean: the case mix index (None of no case)."""

    total: Fraction
    cases: int
    cmi: Fraction | None


class Profit(NamedTuple):
    """Standard less cost: the sum, cases above and below nothing, cost by standard."""

    profit: Fraction
    surplus: int
    deficit: int
    cost_to_standard: Fraction | None


def ratio(part: Fraction | int, whole: Fraction | int) -> Fraction | None:
    """A part of a whole; None where the whole is zero.

    Examples
    --------
    >>> ratio(9850, 10000), ratio(1, 0)
    (Fraction(197, 200), None)
    """
    return Fraction(part) / whole if whole else None


def mean(values: Sequence[Fraction | int]) -> Fraction | None:
    """Mean; None of no values."""
    return ratio(sum(map(Fraction, values), Fraction(0)), len(values))


def case_mix(groups: Iterable[tuple[Fraction | int, int]]) -> CaseMix:
    """``Σ RW n`` and CMI ``Σ RW n / N`` of weights with their cases, ungrouped ones left out.

    Examples
    --------
    >>> case_mix([(Fraction("0.5"), 40), (Fraction("1.2"), 50), (3, 10)]).cmi
    Fraction(11, 10)
    """
    total, cases = Fraction(0), 0
    for weight, count in groups:
        total += Fraction(weight) * count
        cases += count
    return CaseMix(total, cases, ratio(total, cases))


def consumption_index(
    cases: Iterable[tuple[Fraction | int, Fraction | int | None, int]],
) -> Fraction | None:
    """Mean over cases of days (or cost) by the regional mean of their group.

    Parameters
    ----------
    cases : iterable of (value, regional mean, number)
        Equal to ``Σ n_g (h_g / r_g) / N``; where the region has no mean, or one of zero, the cases
        are left out above and below the line.
    """
    total, counted = Fraction(0), 0
    for value, region, count in cases:
        if region:
            total += Fraction(value) / region * count
            counted += count
    return ratio(total, counted)


def rounded_cv(
    cases: int, total: int, squares: int, places: int, *, sample: bool = False
) -> int | None:
    """Coefficient of variation, standard deviation by mean, half up at the scale 10 to ``places``.

    Parameters
    ----------
    cases, total, squares : int
        Number of values, their sum and the sum of their squares: integers, such as fen.
    places : int
        Decimals of the answer's scale.
    sample : bool, optional
        Divide by n - 1 below the root. The specification does not say which; the population's is
        reported unless asked otherwise.

    Returns
    -------
    int or None
        None: no case, a mean that is not above zero, or the sample's of one case.

    Examples
    --------
    >>> costs = [8000, 10000, 12000, 14000]
    >>> rounded_cv(4, sum(costs), sum(cost**2 for cost in costs), 4)
    2033
    """
    below = cases - 1 if sample else cases
    if total <= 0 or below <= 0:
        return None
    # (n Σx² - S²) n / ((n - 1) S²), or without the factor n / (n - 1).
    top = (cases * squares - total**2) * (cases if sample else 1)
    bottom = (below if sample else 1) * total**2
    return (isqrt(4 * top * 10 ** (2 * places) // bottom) + 1) // 2


def mortality_scores(groups: Sequence[tuple[int, int]]) -> list[Decimal | None]:
    """``ln`` of each group's mortality, in standard deviations from the mean over groups.

    Parameters
    ----------
    groups : sequence of (deaths, cases)

    Returns
    -------
    list of Decimal or None
        None: nobody died (there is no logarithm), no case, or all groups are alike.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        logs = [
            (Decimal(deaths) / Decimal(cases)).ln() if deaths > 0 and cases > 0 else None
            for deaths, cases in groups
        ]
        there = [log for log in logs if log is not None]
        if not there:
            return [None] * len(logs)
        middle = sum(there, Decimal(0)) / len(there)
        spread = (sum(((log - middle) ** 2 for log in there), Decimal(0)) / len(there)).sqrt()
        if not spread or min(there) == max(there):
            return [None] * len(logs)
        # Digits beyond these are those of rounding: a group at the mean has a score of 0.
        return [None if log is None else round((log - middle) / spread, _SURE) for log in logs]


def risk_grade(score: Decimal | None, deaths: int) -> str | None:
    """Grade of a group by its score.

    ``low`` below -1, ``mid_low`` below 0, ``mid_high`` up to 1, ``high`` above it; ``zero`` where
    nobody died; None where the groups cannot be told apart.
    """
    if score is None:
        return None if deaths else "zero"
    if score < -1:
        return "low"
    if score < 0:
        return "mid_low"
    return "mid_high" if score <= 1 else "high"


def quadrant(cmi: Fraction | int | None, profit: Fraction | int | None) -> int | None:
    """Quadrant of a department.

    CMI from 1 on: 2 with a profit from 0 on, 1 with a loss; CMI below 1: 4 and 3. None where
    either is unknown.
    """
    if cmi is None or profit is None:
        return None
    if cmi >= 1:
        return 2 if profit >= 0 else 1
    return 4 if profit >= 0 else 3


def profit(cases: Iterable[tuple[Fraction | int, Fraction | int]]) -> Profit:
    """``Σ (standard - cost)`` of cases given as (standard, cost)."""
    standards = costs = Fraction(0)
    surplus = deficit = 0
    for standard, cost in cases:
        standards += standard
        costs += cost
        surplus += standard > cost
        deficit += standard < cost
    return Profit(standards - costs, surplus, deficit, ratio(costs, standards))


def balance(income: Fraction | int, spending: Fraction | int) -> Fraction:
    """What a fund has left of a period: income less spending."""
    return Fraction(income) - spending


def growth(now: Fraction | int, before: Fraction | int) -> Fraction | None:
    """Growth of a figure; None where it was zero before."""
    return ratio(Fraction(now) - before, before)
