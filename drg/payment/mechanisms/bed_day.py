"""Bed-day payment (床日): who pays of the days' price, and the acute package (spec D).

The price of the days stands in ``drg.payment.mechanisms.per_diem``. Arrays are int64 fen and days
of one shape without nulls; the caller masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.money import ratio_array
from drg.payment.mechanisms.per_diem import (
    DayPrice,
    Tier,
    VariablePerDiem,
    covered,
    day_price,
    gross_fen,
    mean_factor_e4,
    variable_per_diem,
)
from drg.payment.mechanisms.quotients import RATIO_SCALE, portion_array
from drg.payment.pricing.levels import best_level, level_of

if TYPE_CHECKING:
    from drg.payment.mechanisms.quotients import Flags, Ints
    from drg.payment.policy import BedDayPackage

__all__ = [
    "ClassShareFund", "DayPrice", "PackagePayment", "StayCheck", "Tier", "VariablePerDiem",
    "class_share_fund", "covered", "day_price", "first_of_year", "fund_less_patient", "gross_fen",
    "mean_factor_e4", "package", "stay_check", "variable_per_diem",
]  # fmt: skip


class ClassShareFund(NamedTuple):
    """Fund's payment by class A and B shares, in fen; ``payable`` is the lower one."""

    computed: Ints
    cap_amount: Ints
    payable: Ints


class PackagePayment(NamedTuple):
    """Where the package holds, and what it pays there in fen; 0 elsewhere."""

    applies: Flags
    fund: Ints
    patient: Ints


class StayCheck(NamedTuple):
    """Whether a hospital keeps to its bounds; None: the rule sets none for it."""

    days_ok: bool | None
    self_pay_ok: bool | None


def fund_less_patient(gross: Ints, patient_paid: Ints) -> Ints:
    """Gross less what the patient paid, never below zero."""
    import numpy as np

    fund: Ints = np.maximum(gross - patient_paid, 0)
    return fund


def class_share_fund(
    gross: Ints,
    class_a: Ints,
    class_b: Ints,
    whole: Ints,
    ratio_a: Fraction,
    ratio_b: Fraction,
    *,
    cap: Fraction | None = None,
    advance: Ints | None = None,
) -> ClassShareFund:
    """Gross by the fund's ratios for class A and class B items (Dongying 2022).

    ``computed = (ratio_a × A ÷ whole + ratio_b × B ÷ whole) × gross``;
    ``payable = min(computed, cap × advance)``.

    Parameters
    ----------
    gross : int64 array
        Days at their price, in fen.
    class_a, class_b, whole : int64 arrays
        Charges of class A, of class B and of the stay in one unit; ``whole`` above zero.
    ratio_a, ratio_b : Fraction
        Fund's ratio for each class.
    cap, advance : Fraction and int64 array, optional
        Most the fund pays: multiple of what the hospital reasonably advanced. Both or neither.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([1])
    >>> class_share_fund(
    ...     1_560_000 * one, 62 * one, 30 * one, 100 * one, Fraction("0.85"), Fraction("0.75"),
    ...     cap=Fraction("1.02"), advance=1_120_000 * one,
    ... )
    ClassShareFund(computed=array([1173120]), cap_amount=array([1142400]), payable=array([1142400]))
    """
    import numpy as np

    if (cap is None) != (advance is None):
        raise ValueError("a cap needs the reasonable advance, and the other way round")
    a, b = int(ratio_a * RATIO_SCALE), int(ratio_b * RATIO_SCALE)
    common = np.gcd.reduce([a, b, RATIO_SCALE])
    part = class_a * (a // common) + class_b * (b // common)
    computed = portion_array(gross, part, whole * (RATIO_SCALE // common))
    if cap is None or advance is None:
        return ClassShareFund(computed, computed, computed)
    most = ratio_array(advance, cap)
    return ClassShareFund(computed, most, np.minimum(computed, most))


# ---- package of the acute phase


def package(
    acute: Flags, first_this_year: Flags, days: Ints, rule: BedDayPackage
) -> PackagePayment:
    """One price for a stay in the acute phase (Chuxiong); other stays are paid by the day.

    Parameters
    ----------
    acute, first_this_year : bool arrays
        ``first_of_year`` finds the second.
    days : int64 array
        More than the rule's ``max_days``: by the day.
    rule : BedDayPackage

    Examples
    --------
    >>> import numpy as np
    >>> from drg.payment.policy import BedDayPackage
    >>> rule = BedDayPackage(package="15000", max_days=56, patient_ratio="0.10")
    >>> yes = np.array([True, True])
    >>> package(yes, np.array([True, False]), np.array([49, 30]), rule).fund
    array([1350000,       0])
    """
    import numpy as np

    applies = acute & (days <= rule.max_days)
    if rule.once_a_year:
        applies = applies & first_this_year
    patient = ratio_array(np.full(1, rule.package, np.int64), rule.patient_ratio)[0]
    return PackagePayment(
        applies,
        np.where(applies, rule.package - patient, 0),
        np.where(applies, patient, 0),
    )


def first_of_year(person: Ints, year: Ints, order: Ints, candidate: Flags, used: Flags) -> Flags:
    """Whether a stay is its person's first candidate of the year.

    Parameters
    ----------
    person, year, order : int64 arrays
        ``order``: day of discharge; of two on one day the earlier row is first.
    candidate : bool array
        Stays that could have the package; others use nothing up.
    used : bool array
        The person had one earlier this year, in a month settled before.

    Examples
    --------
    >>> import numpy as np
    >>> one, no = np.ones(3, np.int64), np.zeros(3, np.bool_)
    >>> first_of_year(one, one, np.array([9, 2, 5]), np.array([True, False, True]), no)
    array([False, False,  True])
    """
    import numpy as np

    rows = np.flatnonzero(candidate)
    rows = rows[np.lexsort((order[rows], year[rows], person[rows]))]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (np.diff(person[rows]) != 0) | (np.diff(year[rows]) != 0)
    first = np.zeros(len(person), np.bool_)
    first[rows[new]] = True
    return first & ~used


# ---- a hospital's bounds


def stay_check(
    average_days: Fraction,
    self_pay_share: Fraction,
    hospital_level: str,
    *,
    max_average_days: Fraction | int | None,
    self_pay_max: Mapping[str, Fraction],
) -> StayCheck:
    """Whether mean stay and patients' share of cost keep to the bounds (Dezhou 2020).

    Parameters
    ----------
    average_days : Fraction
        Days over stays of the hospital.
    self_pay_share : Fraction
        Patients' payments over cost.
    hospital_level : str
        Chooses the bound on the share.
    max_average_days, self_pay_max
        Bounds, kept at equality; ``""`` in the mapping is every other level.

    Examples
    --------
    >>> stay_check(
    ...     Fraction(58), Fraction("0.045"), "一级",
    ...     max_average_days=60, self_pay_max={"一级": Fraction("0.03")},
    ... )
    StayCheck(days_ok=True, self_pay_ok=False)
    """
    level = best_level(level_of(hospital_level), self_pay_max)
    bound = self_pay_max.get("" if level is None else level)
    return StayCheck(
        None if max_average_days is None else average_days <= max_average_days,
        None if bound is None else self_pay_share <= bound,
    )
