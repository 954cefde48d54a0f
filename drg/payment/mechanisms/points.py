"""Points method (点数法): points of a case, and what a point is worth (spec A.7).

Points are integers scaled 10⁴, rounded half up once per case; the cost coefficient between them
is not rounded, nor is the value of a point.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from drg.money import PLACES, mul_div, mul_div_array, ratio_array, round_scaled
from drg.payment.mechanisms.quotients import quotient_array
from drg.payment.mechanisms.standard import PaymentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "base_points_e4",
    "bed_day_points_e4",
    "by_item_points_e4",
    "case_points_e4",
    "coefficient_e4",
    "month_prepay_min",
    "point_value",
    "points_fen",
    "points_fund_fen",
    "published_value",
]

_SCALE = 10**PLACES


def base_points_e4(group_mean_fen: Ints, city_mean_fen: int, scale: int = 100) -> Ints:
    """Base points of groups: ``group mean ÷ city mean × scale``.

    Parameters
    ----------
    group_mean_fen : int64 array
        City mean cost of each group, in fen.
    city_mean_fen : int
        Mean cost of all cases of the city.
    scale : int, optional
        Points of a case that costs the city's mean.

    Raises
    ------
    PaymentError
        P405: no city mean to divide by.

    Examples
    --------
    >>> base_points_e4(np.array([840_000]), 1_050_000)
    array([800000])
    """
    if city_mean_fen <= 0:
        raise PaymentError("P405")
    factor = np.full(len(group_mean_fen), scale * _SCALE, np.int64)
    return mul_div_array(group_mean_fen, factor, city_mean_fen)


def coefficient_e4(hospital_mean_fen: Ints, city_group_mean_fen: Ints) -> Ints:
    """Cost coefficient ``k`` of a hospital in a group, scaled 10⁴: to show.

    Parameters
    ----------
    hospital_mean_fen : int64 array
        The hospital's mean cost of the group; 0: the group is new to it, ``k = 1``.
    city_group_mean_fen : int64 array
        The city's, greater than zero.

    Examples
    --------
    >>> coefficient_e4(np.array([924_000, 0]), np.array([840_000, 840_000]))
    array([11000, 10000])
    """
    top = _or_city(hospital_mean_fen, city_group_mean_fen)
    return quotient_array([top, np.full(len(top), _SCALE, np.int64)], [city_group_mean_fen])


def case_points_e4(
    base_e4: Ints,
    cost_fen: Ints,
    complete: Flags,
    hospital_mean_fen: Ints,
    city_group_mean_fen: Ints,
    variant: Literal["jinhua", "zhejiang"],
) -> Ints:
    """Points of each case.

    A complete stay has ``BP × k``; an incomplete one at most its base points: ``BP × cost ÷ city
    group mean`` (jinhua) or ``BP × k × cost ÷ city group mean`` (zhejiang).

    Parameters
    ----------
    base_e4 : int64 array
        Base points, scaled 10⁴.
    cost_fen : int64 array
        Cost in fen; counts for incomplete stays alone.
    complete : bool array
    hospital_mean_fen, city_group_mean_fen : int64 array
        As ``coefficient_e4`` takes them.
    variant : {"jinhua", "zhejiang"}

    Returns
    -------
    int64 array
        Points, scaled 10⁴, rounded half up once.

    Raises
    ------
    OverflowError
        Means or costs so far apart that the points would not fit int64.

    Examples
    --------
    >>> def points(cost, complete, variant="jinhua"):
    ...     columns = (np.array([n]) for n in (800_000, cost, complete, 924_000, 840_000))
    ...     base, cost, complete, own, city = columns
    ...     return case_points_e4(base, cost, complete.astype(bool), own, city, variant).item()
    >>> points(900_000, 1), points(420_000, 0), points(420_000, 0, "zhejiang")
    (880000, 400000, 440000)
    """
    own = _or_city(hospital_mean_fen, city_group_mean_fen)
    points = quotient_array([base_e4, own], [city_group_mean_fen])
    rows = np.flatnonzero(~complete)
    if len(rows):
        base, city = base_e4[rows], city_group_mean_fen[rows]
        factors, divisors = [base, cost_fen[rows]], [city]
        if variant == "zhejiang":
            factors.append(own[rows])
            divisors.append(city)
        points[rows] = np.minimum(base, quotient_array(factors, divisors))
    return points


def _or_city(hospital_mean_fen: Ints, city_group_mean_fen: Ints) -> Ints:
    own: Ints = np.where(hospital_mean_fen > 0, hospital_mean_fen, city_group_mean_fen)
    return own


def bed_day_points_e4(days: Ints, daily_e4: Ints) -> Ints:
    """Points of stays paid by the day: ``days × daily base points``, scaled 10⁴."""
    return days * daily_e4


def by_item_points_e4(approved_fen: Ints, city_mean_fen: int, scale: int = 100) -> Ints:
    """Points of cases that special review lets be paid by item: ``approved cost ÷ city mean``.

    Parameters and errors as for ``base_points_e4``. The denominator is our reading of the rule.

    Examples
    --------
    >>> by_item_points_e4(np.array([5_200_000]), 1_300_000)
    array([4000000])
    """
    return base_points_e4(approved_fen, city_mean_fen, scale)


def point_value(fund_budget_fen: int, patient_fen: int, points_e4: int) -> Fraction:
    """``(fund budget + patients' payments) ÷ total points``, in fen a point, unrounded.

    Parameters
    ----------
    fund_budget_fen, patient_fen : int
        Of the region and the period, in fen.
    points_e4 : int
        Total points, scaled 10⁴.

    Raises
    ------
    PaymentError
        P406: no points to divide by.

    Examples
    --------
    >>> published_value(point_value(78_000_000_000, 22_000_000_000, 96_000_000_000))
    1041667
    """
    if points_e4 <= 0:
        raise PaymentError("P406")
    return Fraction((fund_budget_fen + patient_fen) * _SCALE, points_e4)


def published_value(value: Fraction, places: int = PLACES) -> int:
    """A point value as it is published: yuan scaled 10 to the ``places``, half up."""
    return round_scaled(value / 100, places)


def points_fen(points_e4: Ints, value: Fraction) -> Ints:
    """What the points of each case are worth at a value in fen, half up to the fen once.

    Examples
    --------
    >>> points_fen(np.array([880_000]), Fraction(10_417))
    array([916696])
    """
    return ratio_array(points_e4, value / _SCALE)


def points_fund_fen(points_e4: int, value: Fraction, patient_fen: int) -> int:
    """What the fund owes a hospital: ``points × value - its patients' payments``.

    Parameters
    ----------
    points_e4 : int
        The hospital's points of the period, scaled 10⁴.
    value : Fraction
        Fen a point; unrounded, or the hospital gets what is not there (case A37: 16 yuan).
    patient_fen : int

    Returns
    -------
    int
        Fen, half up once. Below zero where the patients paid more: carried, not clawed back.

    Examples
    --------
    >>> value = point_value(78_000_000_000, 22_000_000_000, 96_000_000_000)
    >>> points_fund_fen(4_800_000_000, value, 1_150_000_000)
    3850000000
    """
    worth = mul_div(points_e4 * value.numerator, 1, value.denominator * _SCALE)
    return worth - patient_fen


def month_prepay_min(month_fund_fen: int, ratio: Fraction) -> int:
    """Least that is paid in advance for a month, in fen, half up.

    Examples
    --------
    >>> month_prepay_min(312_000_000, Fraction("0.85"))
    265200000
    """
    return mul_div(month_fund_fen, ratio.numerator, ratio.denominator)
