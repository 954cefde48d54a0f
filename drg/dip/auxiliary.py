"""Auxiliary types and their coefficients (spec B.4): trigger, age, days in an ICU, wording.

Thresholds are parameters; a value that is not reported gives None, not a guess. A subtype's
coefficient is its mean cost over the group's, last year; of several that a case matches the
highest alone counts. A catalogue states the classes as conditions of ``auxiliary_class.csv``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from drg.dip.errors import DipError, Number, exact, not_negative, positive
from drg.dip.severity import Severity, TumourSeverity
from drg.text import text

__all__ = [
    "ICU_BANDS",
    "AgeClass",
    "Band",
    "Trigger",
    "age_class",
    "age_class_of",
    "applied_subtype",
    "band_name",
    "class_name",
    "completed_years",
    "icu_class",
    "subtype_coefficients",
    "trigger",
]

_NEWBORN_DAYS = 28


# ---- coefficients


def subtype_coefficients(
    group_mean: Number, subtype_means: Mapping[str, Number]
) -> dict[str, Fraction]:
    """``mean of the subtype ÷ mean of the group``, both of last year.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; the group's mean must be above zero.

    Examples
    --------
    >>> subtype_coefficients(12000, {"severity": 18000})
    {'severity': Fraction(3, 2)}
    """
    base = positive(group_mean, "group mean cost")
    return {name: not_negative(mean, name) / base for name, mean in subtype_means.items()}


def applied_subtype(coefficients: Mapping[str, Number], matched: Iterable[str]) -> str | None:
    """The matched subtype with the highest coefficient; the first of equal ones in the mapping.

    Parameters
    ----------
    coefficients : mapping of str to Number
        Coefficient of each subtype that the group has.
    matched : iterable of str
        Subtypes of the case; those that the group has not do not count.

    Examples
    --------
    >>> applied_subtype({"severity": "1.5", "age": "1.3"}, ["age", "severity", "icu"])
    'severity'
    """
    wanted = set(matched)
    own = {name: exact(value, name) for name, value in coefficients.items() if name in wanted}
    return max(own, key=lambda name: own[name]) if own else None


class Trigger(NamedTuple):
    """Whether a group is to have an auxiliary type, and the fall of its cost's variation."""

    cv_drop: Fraction
    triggered: bool


def trigger(
    n_group: int,
    n_subtype: int,
    cv_before: Number,
    cv_after: Number,
    *,
    min_group: int,
    min_subtype: int,
    min_cv_drop: Number = "0.20",
    counts_inclusive: bool = False,
    drop_inclusive: bool = True,
) -> Trigger:
    """Whether a group takes an auxiliary type: enough cases, and the variation falls enough.

    Parameters
    ----------
    n_group, n_subtype : int
        Last year's cases of the group and of the subtype.
    cv_before, cv_after : Number
        Coefficient of variation of cost in the group, and after the split.
    min_group, min_subtype : int
        Local thresholds; the draft says "超过", more than.
    min_cv_drop : Number, optional
        Relative fall; "20%以上" is the draft's example.
    counts_inclusive, drop_inclusive : bool, optional
        Whether a number at the threshold is enough.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; the variation before must be above zero.

    Examples
    --------
    >>> found = trigger(420, 36, "0.85", "0.60", min_group=300, min_subtype=15)
    >>> str(found.cv_drop), found.triggered
    ('5/17', True)
    """
    before = positive(cv_before, "variation before")
    drop = (before - not_negative(cv_after, "variation after")) / before
    enough = all(
        n > least or (counts_inclusive and n == least)
        for n, least in ((n_group, min_group), (n_subtype, min_subtype))
    )
    wanted = exact(min_cv_drop, "least fall")
    return Trigger(drop, enough and (drop > wanted or (drop_inclusive and drop == wanted)))


# ---- age


class AgeClass(StrEnum):
    """Classes of age; adults below the elders have no auxiliary type."""

    NEWBORN = "newborn"
    INFANT = "infant"
    YOUNG = "young"
    SCHOOL = "school"
    ADULT = "adult"
    ELDER = "elder"


def age_class(birth: date, admission: date, *, elder_from: int = 65) -> AgeClass:
    """Class of age at admission: 0–28 days, to the first birthday, 1–6, 7–17 years, elders.

    Parameters
    ----------
    birth, admission : date
    elder_from : int, optional
        Completed years: 65 in the draft 3.0, 66 in an open implementation for Hubei.

    Raises
    ------
    DipError
        D418: admitted before birth.

    Examples
    --------
    >>> age_class(date(2004, 1, 1), date(2004, 1, 30)).value
    'infant'
    """
    days = (admission - birth).days
    if days < 0:
        raise DipError("D418", birth=birth, admission=admission)
    found = age_class_of(completed_years(birth, admission), days, elder_from=elder_from)
    assert found is not None  # both are known
    return found


def age_class_of(
    years: int | None, days: int | None = None, *, elder_from: int = 65
) -> AgeClass | None:
    """Class of a reported age.

    Parameters
    ----------
    years : int or None
        Completed years; None: not reported.
    days : int or None, optional
        Age in days of one who is not yet one year old.
    elder_from : int, optional
        First year of the elderly.

    Returns
    -------
    AgeClass or None
        None: what is reported does not tell.

    Raises
    ------
    DipError
        D403: an age below zero.

    Examples
    --------
    >>> age_class_of(70).value, age_class_of(0)
    ('elder', None)
    """
    for value in (years, days):
        if value is not None:
            not_negative(value, "age")
    if years is None:
        return AgeClass.NEWBORN if days is not None and days <= _NEWBORN_DAYS else None
    if not years:
        if days is None:
            return None
        return AgeClass.NEWBORN if days <= _NEWBORN_DAYS else AgeClass.INFANT
    if years >= elder_from:
        return AgeClass.ELDER
    if years <= 6:
        return AgeClass.YOUNG
    return AgeClass.SCHOOL if years <= 17 else AgeClass.ADULT


def completed_years(birth: date, day: date) -> int:
    """Completed years by the calendar; one born on 29 February is a year older on 1 March.

    Examples
    --------
    >>> completed_years(date(2004, 1, 1), date(2010, 12, 31))
    6
    """
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


# ---- days in an intensive care unit


class Band(NamedTuple):
    """Whole days from ``first`` to ``last``, both included; None: and more."""

    first: int
    last: int | None


#: Days in an ICU, as published for example.
ICU_BANDS: tuple[Band, ...] = (Band(2, 7), Band(8, 14), Band(15, 30), Band(31, None))


def icu_class(days: Number | None, bands: Sequence[Band] = ICU_BANDS) -> Band | None:
    """The band that the days in intensive care fall into.

    Parameters
    ----------
    days : Number or None
        Completed days count; None: not reported.
    bands : sequence of Band, optional
        In order, not overlapping.

    Returns
    -------
    Band or None
        None: in no band, or not reported.

    Raises
    ------
    DipError
        D401, D403: days that cannot be; D419: bands out of order.

    Examples
    --------
    >>> icu_class(30), icu_class(1)
    (Band(first=15, last=30), None)
    """
    most = -1
    for number, (first, last) in enumerate(bands):
        if first <= most or (last is None and number + 1 < len(bands)):
            raise DipError("D419", bands=", ".join(f"{a}-{b or ''}" for a, b in bands))
        most = first if last is None else last
        if most < first:
            raise DipError("D419", bands=f"{first}-{last}")
    if days is None:
        return None
    whole = int(not_negative(days, "days in intensive care"))
    return next((b for b in bands if b[0] <= whole and (b[1] is None or whole <= b[1])), None)


# ---- wording


def class_name(
    found: AgeClass | Severity | TumourSeverity, lang: str | None = None, *, elder_from: int = 65
) -> str:
    """A class as people read it.

    Examples
    --------
    >>> class_name(AgeClass.INFANT, "zh"), class_name(AgeClass.ELDER, "zh")
    ('29天-1周岁', '65岁及以上')
    """
    kind = {AgeClass: "age", Severity: "severity", TumourSeverity: "tumour"}[type(found)]
    return text(f"dip.dip_class.{kind}_{found.value}", lang, years=elder_from)


def band_name(band: Band, lang: str | None = None) -> str:
    """A band of days as people read it.

    Examples
    --------
    >>> band_name(Band(2, 7), "zh"), band_name(Band(31, None), "zh")
    ('2-7天', '31天及以上')
    """
    first, last = band
    key = "dip.dip_class.days_more" if last is None else "dip.dip_class.days"
    return text(key, lang, first=first, last=last)
