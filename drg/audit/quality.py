"""Quality of a settlement list: the formulas, for one list. Rules on columns use the same bounds.

Source: specification H.2 (rule page of 2023-11-06, interface 4101, DIP 3.0 chapter 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from drg.audit.lists import matcher
from drg.claims.named import clean_code

__all__ = [
    "BIRTH_CODES", "BIRTH_UNLESS", "NEWBORN_DAYS", "VENTILATED_HOURS", "WEIGHTS", "SumCheck",
    "Timeliness", "duration_hours", "duration_minutes", "length_of_stay", "newborn_fails",
    "sum_check", "timeliness",
]  # fmt: skip

#: Days of age up to which a patient is a newborn.
NEWBORN_DAYS = 28
#: Grams that a newborn can weigh.
WEIGHTS = (100, 9999)
#: Deliveries, and live births told by a mother's list: these want a birth weight.
BIRTH_CODES = ("O80*", "O81*", "O82*", "O83*", "O84*", "Z37.0*", "Z37.2*", "Z37.3*", "Z37.5*",
               "Z37.6*")  # fmt: skip
#: Not a delivery of this stay's child.
BIRTH_UNLESS = ("O83.400",)
#: Hours of invasive ventilation from which groups differ.
VENTILATED_HOURS = 96
_DURATION = re.compile(r"([0-9]{1,5})/([0-9]{1,5})/([0-9]{1,5})")
_MINUTES = (24 * 60, 60, 1)


class SumCheck(NamedTuple):
    """Whether the parts of a bill add up; None: a part is not reported.

    Attributes
    ----------
    items : bool or None
        Charges by class and total.
    payers : bool or None
        Funds, patient and hospital, and total.
    """

    items: bool | None
    payers: bool | None


class Timeliness(NamedTuple):
    """Days from discharge to the declaration of the list, and whether they are few enough."""

    days: int
    on_time: bool


def newborn_fails(
    age_days: int | None,
    diagnoses: Sequence[str],
    admission_weight: Fraction | int | str | None,
    birth_weight: Fraction | int | str | None,
    *,
    weights: tuple[Fraction | int, Fraction | int] = WEIGHTS,
    newborn_days: int = NEWBORN_DAYS,
    codes: Sequence[str] = BIRTH_CODES,
    unless: Sequence[str] = BIRTH_UNLESS,
) -> tuple[str, ...]:
    """What is wrong with the weights of a newborn's or a delivery's list.

    Parameters
    ----------
    age_days : int or None
        Age in days; None: not reported, which is not a newborn here.
    diagnoses : sequence of str
    admission_weight, birth_weight : Fraction, int, str or None
        Grams; None or blank: not reported; a text that is no number is out of range.
    weights : pair, optional
        Least and most grams, both allowed.
    newborn_days : int, optional
        Last day of age at which the weight at admission is wanted.
    codes, unless : sequence of str, optional
        Diagnoses (``prefix*``) that want a birth weight, and those among them that do not.

    Returns
    -------
    tuple of str
        Of ``nwb_bir_wt_missing``, ``nwb_bir_wt_range``, ``nwb_adm_wt_missing``,
        ``nwb_adm_wt_range``: the birth weight first, as the source lists them; empty: nothing.

    Examples
    --------
    >>> newborn_fails(12, ["P59.901"], None, Fraction(3200))
    ('nwb_adm_wt_missing',)
    """
    births, left_out = matcher(codes), matcher(unless)
    cleaned = [clean_code(code) for code in diagnoses]
    wanted = (
        ("nwb_bir_wt", any(births(c) and not left_out(c) for c in cleaned), birth_weight),
        ("nwb_adm_wt", age_days is not None and age_days <= newborn_days, admission_weight),
    )
    fails = []
    for name, applies, weight in wanted:
        if applies and (weight is None or not str(weight).strip()):
            fails.append(f"{name}_missing")
        elif applies and not _weighs(weight, weights):
            fails.append(f"{name}_range")
    return tuple(fails)


def _weighs(
    weight: Fraction | int | str | None, weights: tuple[Fraction | int, Fraction | int]
) -> bool:
    try:
        return weights[0] <= Fraction(str(weight)) <= weights[1]
    except (ValueError, ZeroDivisionError):
        return False


def sum_check(
    total: int | None,
    *,
    items: Iterable[int | None] | None = None,
    payers: Iterable[int | None] | None = None,
    tolerance: int = 1,
) -> SumCheck:
    """Whether charges by class, and what the payers bear, add up to the total.

    Parameters
    ----------
    total : int or None
        Fen; None: not reported.
    items, payers : iterable of int or None, optional
        Fen; one that is None, or no iterable at all, makes the check not assessable.
    tolerance : int, optional
        Fen that a sum may be off.

    Examples
    --------
    >>> sum_check(1000000, items=[120000, 880001], payers=[650000, 340000, 0])
    SumCheck(items=True, payers=False)
    """

    def agree(parts: Iterable[int | None] | None) -> bool | None:
        known = None if parts is None else list(parts)
        if total is None or known is None or None in known:
            return None
        return abs(sum(part for part in known if part is not None) - total) <= tolerance

    return SumCheck(agree(items), agree(payers))


def length_of_stay(admitted: date, discharged: date) -> int:
    """Days of a stay: discharge less admission; a stay within one day counts 1.

    Raises
    ------
    ValueError
        Discharge lies before admission.

    Examples
    --------
    >>> length_of_stay(date(2023, 3, 1), date(2023, 3, 9)), length_of_stay(*[date(2023, 3, 1)] * 2)
    (8, 1)
    """
    days = (discharged - admitted).days
    if days < 0:
        raise ValueError(f"discharged {discharged} before admitted {admitted}")
    return max(days, 1)


def duration_minutes(text: str) -> int | None:
    """Minutes of a duration written ``days/hours/minutes``; None: it is not written so.

    Hours past 23 and minutes past 59 are taken as they stand: hospitals write ``0/95/59``.
    """
    found = _DURATION.fullmatch(text.replace(" ", ""))
    if found is None:
        return None
    return sum(int(part) * size for part, size in zip(found.groups(), _MINUTES, strict=True))


def duration_hours(text: str) -> Fraction | None:
    """Exact hours of a duration written ``days/hours/minutes``; None: it is not written so.

    Examples
    --------
    >>> duration_hours("1/13/24"), duration_hours("0/95/59") < VENTILATED_HOURS
    (Fraction(187, 5), True)
    """
    minutes = duration_minutes(text)
    return None if minutes is None else Fraction(minutes, 60)


def timeliness(discharged: date, uploaded: date, limit_days: int) -> Timeliness:
    """Whether a list was declared in time.

    Examples
    --------
    >>> timeliness(date(2024, 3, 1), date(2024, 3, 9), 7)
    Timeliness(days=8, on_time=False)
    """
    days = (uploaded - discharged).days
    return Timeliness(days, days <= limit_days)
