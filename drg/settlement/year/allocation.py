"""A region's budget given out: what weight or points are worth when the year is known.

Point values and floating rates are published rounded and applied unrounded. The fund's part of the
budget, with what the patients paid, is given out by largest remainder, ties by hospital, so that
the sum is the budget to the fen (spec 0.3, A.2, A.7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from drg.money import PLACES, allocate, round_scaled
from drg.payment.mechanisms.points import point_value, points_fund_fen, published_value
from drg.payment.mechanisms.rates import elastic

__all__ = [
    "Allocation",
    "PointsSettlement",
    "SettledValue",
    "allocate_budget",
    "elastic_total",
    "settle_points",
]


class PointsSettlement(NamedTuple):
    """A hospital's year by points.

    Attributes
    ----------
    value : Fraction
        Fen a point, unrounded.
    published_e : int
        The value in yuan as published, scaled 10 to its places.
    fund, fund_published : int
        Fen owed by the unrounded value, and by the published one: to compare, never to pay.
    """

    value: Fraction
    published_e: int
    fund: int
    fund_published: int


def settle_points(
    fund_budget: int,
    patient_total: int,
    total_points_e4: int,
    hospital_points_e4: int,
    hospital_patient: int,
    *,
    places: int = PLACES,
) -> PointsSettlement:
    """Value of a point from the budget, and what one hospital is owed by it.

    Parameters
    ----------
    fund_budget, patient_total : int
        Of the region, fen.
    total_points_e4, hospital_points_e4 : int
        Scaled 10⁴.
    hospital_patient : int
        What the hospital's patients paid, fen.
    places : int, optional
        Decimals of the published value.

    Raises
    ------
    PaymentError
        P406: there are no points.

    Examples
    --------
    >>> settle_points(78_000_000_000, 22_000_000_000, 96_000_000_000, 4_800_000_000,
    ...               1_150_000_000)[2:]
    (3850000000, 3850001600)
    """
    value = point_value(fund_budget, patient_total, total_points_e4)
    published = published_value(value, places)
    shown = Fraction(published * 100, 10**places)
    return PointsSettlement(
        value,
        published,
        points_fund_fen(hospital_points_e4, value, hospital_patient),
        points_fund_fen(hospital_points_e4, shown, hospital_patient),
    )


class SettledValue(NamedTuple):
    """Settlement point value of an insurance (DIP, spec B.7).

    Attributes
    ----------
    score_e4 : int
        Total score, scaled 10⁴.
    pay_ratio : Fraction or None
        What was booked to the fund ÷ cost, of the region's cases; None: nothing was booked.
    value : Fraction or None
        Yuan a point, unrounded: ``pool ÷ pay ratio ÷ score``, or ``pool ÷ Σ (score × its own pay
        ratio)``.
    """

    score_e4: int
    pay_ratio: Fraction | None
    value: Fraction | None


@dataclass(frozen=True, slots=True)
class Allocation:
    """A budget given out to the hospitals of a region.

    Attributes
    ----------
    insurance : str
    mode : str
        ``floating``, ``elastic``, ``points`` or ``score``.
    budget : int
        Fund's budget of the insurance, fen; ``taken_out`` what is paid from it by other modes.
    pool : int
        What is given out: the rest of the budget and what the patients paid.
    patient : int
        The latter; 0 where the fund's part alone is given out.
    value : Fraction
        Pool for one unit of share: for weight the factor on the year's first rate, for points fen
        a point.
    shares, parts : mapping of str to int
        By hospital: unrounded worth at the first rate, or points; and the part of the pool, fen.
    settled : SettledValue or None
        Of ``score``: point value of the year's end.
    """

    insurance: str
    mode: str
    budget: int
    taken_out: int
    patient: int
    pool: int
    value: Fraction
    shares: Mapping[str, int]
    parts: Mapping[str, int]
    settled: SettledValue | None = None


def allocate_budget(
    insurance: str,
    mode: str,
    budget: int,
    taken_out: int,
    patient: int,
    shares: Mapping[str, int],
    *,
    total: int | None = None,
    settled: SettledValue | None = None,
) -> Allocation:
    """Give out what a budget leaves after the modes that come before it.

    Parameters
    ----------
    insurance, mode : str
        As in ``Allocation``.
    budget, taken_out, patient : int
        Fen.
    shares : mapping of str to int
        By hospital, zero or more.
    total : int, optional
        What is given out, if a cap leaves a part of the budget over.
    settled : SettledValue, optional
        As in ``Allocation``.

    Raises
    ------
    ValueError
        Nothing is left to give out, or nobody has a share.

    Examples
    --------
    >>> found = allocate_budget("310", "floating", 100, 10, 20, {"H2": 1, "H1": 1, "H3": 1})
    >>> found.pool, dict(found.parts)
    (110, {'H2': 37, 'H1': 37, 'H3': 36})
    """
    left = budget - taken_out
    if left < 0:
        raise ValueError("the budget does not cover what is taken out of it")
    pool = left + patient if total is None else total
    whole = sum(shares.values())
    if not whole:
        raise ValueError("nobody has a share of the budget")
    parts = allocate(pool, shares)
    value = Fraction(pool, whole)
    return Allocation(
        insurance, mode, budget, taken_out, patient, pool, value, shares, parts, settled
    )


def elastic_total(
    pool: int, worth: Fraction, weight: Fraction, base_weight: Fraction, cap: int | None
) -> int:
    """What a region is paid by an elastic rate: the base at its rate, the increment as it floats.

    Parameters
    ----------
    pool : int
        Budget for both, fen, greater than zero.
    worth : Fraction
        Worth of all weight at the fixed rate, fen, unrounded.
    weight, base_weight : Fraction
        Total weight of the year, and the part of it that has the fixed rate.
    cap : int or None
        Most that weight 1 of the increment is paid, fen.

    Examples
    --------
    >>> elastic_total(11_200, Fraction(11_700), Fraction(13), Fraction(10), 900)
    11200
    """
    fixed = worth / weight
    base = min(base_weight, weight)
    found = elastic(pool, base, weight - base, fixed, cap)
    return round_scaled(found.base + (found.rate or 0) * (weight - base), 0)
