"""Groups that more than diagnosis and procedure decide (draft 3.0, ch. 3 s. 2; spec B.1).

Newborns of low weight, courses of chemotherapy by the tumour among the secondary diagnoses, and
burns by age, degree and area. Drug-resistant tuberculosis has groups of its own too, by extension
codes that the draft does not list; nothing here guesses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from drg.dip.errors import Number, not_negative
from drg.dip.vocabulary import Place, covers

__all__ = [
    "CHEMOTHERAPY",
    "LOW_WEIGHTS",
    "TREATMENTS",
    "TUMOUR_RANGES",
    "AssistedGroup",
    "BurnGroup",
    "assisted_by_tumour",
    "burn_group",
    "low_birth_weight",
    "place_of",
]

#: Below this age in days, with ``P07`` as principal diagnosis: group to the weight it ends below.
LOW_WEIGHTS: tuple[tuple[str, int], ...] = (
    ("AI1", 750),
    ("AI2", 1000),
    ("AI3", 1500),
    ("AI4", 2000),
    ("AI5", 2500),
)
_NEWBORN_BELOW = 29
_SHORT_PREGNANCY = "P07"

CHEMOTHERAPY = "Z51.1"
#: Categories of secondary diagnoses: solid tumours, leukaemias.
TUMOUR_RANGES: tuple[tuple[str, str], ...] = (("C00", "C75"), ("C91", "C95"))
#: Chemotherapy, targeted drugs, immunotherapy.
TREATMENTS: tuple[str, ...] = ("化疗", "靶向", "免疫")

_BURN_SITES = ("T20", "T21", "T22", "T23", "T24", "T25")
_BURNS_OF_MANY = "T29"
#: Fourth characters of burns, then of corrosions: of unspecified, first, second, third degree.
_DEGREES = {str(4 * kind + degree): (kind, degree) for kind in (0, 1) for degree in range(4)}
#: Extent of body surface by kind: burns, corrosions; the fourth character counts tenths.
_AREAS = ("T31", "T32")


def place_of(code: str) -> Place:
    """What a diagnosis code stands for by its letters alone, whether a list has it or not.

    Examples
    --------
    >>> place_of("k35.300x001").subcategory
    'K35.3'
    """
    folded = code.strip().upper()
    return Place(folded, folded[:5] if len(folded) > 3 else "", folded[:3])


def low_birth_weight(
    principal: str,
    age_days: int | None,
    birth_weight_g: Number | None,
    *,
    groups: Sequence[tuple[str, int]] = LOW_WEIGHTS,
    younger_than: int = _NEWBORN_BELOW,
) -> str | None:
    """Pre-group of a newborn of low birth weight (table 3-4).

    Parameters
    ----------
    principal : str
        Principal diagnosis.
    age_days : int or None
        Age in days at admission; None: not reported.
    birth_weight_g : Number or None
        Grams; None: not reported.
    groups : sequence of (str, int), optional
        Group and the weight below which it ends, in order.
    younger_than : int, optional
        Days.

    Returns
    -------
    str or None
        None: in none of these groups, or a value is not reported.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be.

    Examples
    --------
    >>> low_birth_weight("P07.100", 5, 749), low_birth_weight("P07.100", 28, 1999)
    ('AI1', 'AI4')
    """
    if age_days is None or birth_weight_g is None:
        return None
    days = not_negative(age_days, "age in days")
    weight = not_negative(birth_weight_g, "birth weight")
    if place_of(principal).category != _SHORT_PREGNANCY or days >= younger_than:
        return None
    return next((group for group, below in groups if weight < below), None)


class AssistedGroup(NamedTuple):
    """A course of chemotherapy: range of the tumour's category, and what was given, in order."""

    principal: str
    tumour: tuple[str, str]
    treatments: tuple[str, ...]


def assisted_by_tumour(
    principal: str,
    secondary: Iterable[str],
    treatments: Iterable[str],
    *,
    ranges: Sequence[tuple[str, str]] = TUMOUR_RANGES,
    order: Sequence[str] = TREATMENTS,
    course: str = CHEMOTHERAPY,
) -> AssistedGroup | None:
    """Group of a course of chemotherapy by the tumour among the secondary diagnoses (table 3-7).

    Parameters
    ----------
    principal : str
        Principal diagnosis; its subcategory has to be ``course``.
    secondary : iterable of str
        Codes; the first of ``ranges`` that holds one decides.
    treatments : iterable of str
        What was given; what is not in ``order`` has no group of its own and does not count.
    ranges : sequence of (str, str), optional
        First and last category, both included.
    order : sequence of str, optional
        Treatments as the group names them; the first has to be among those given.
    course : str, optional

    Returns
    -------
    AssistedGroup or None
        None: no such group, the basic rule applies.

    Examples
    --------
    >>> assisted_by_tumour("Z51.1", ["C34.1"], ["靶向", "化疗"]).treatments
    ('化疗', '靶向')
    >>> assisted_by_tumour("Z51.1", ["I10.x"], ["化疗"]) is None
    True
    """
    if place_of(principal).subcategory != course:
        return None
    given = set(treatments)
    named = tuple(treatment for treatment in order if treatment in given)
    places = [place_of(code) for code in secondary]
    for first, last in ranges:
        if any(covers(f"{first}-{last}", place) for place in places):
            return (
                AssistedGroup(course, (first, last), named)
                if named[:1] == tuple(order[:1])
                else None
            )
    return None


class BurnGroup(NamedTuple):
    """What the groups of burns go by.

    Attributes
    ----------
    child : bool
    corrosion : bool
    many : bool
        Burns of several sites (``T29``).
    degree : int
        1 to 3; 0: not specified.
    area : int
        Tenths of the body surface, rounded down: 0 is less than 10 %, 9 is 90 % and more.
    """

    child: bool
    corrosion: bool
    many: bool
    degree: int
    area: int


def burn_group(
    principal: str, secondary: Iterable[str], age: Number | None, *, adult_from: int = 18
) -> BurnGroup | None:
    """What a burn's group goes by: age first, then degree (principal), then area (secondary).

    The draft names the axes; where the groups cut them it does not print.

    Parameters
    ----------
    principal : str
        A burn or corrosion of a site (``T20``–``T25``) or of several (``T29``).
    secondary : iterable of str
        ``T31`` or ``T32`` tells the area; of several the largest.
    age : Number or None
        Completed years; None: not reported.
    adult_from : int, optional

    Returns
    -------
    BurnGroup or None
        None: no burn as principal diagnosis, or area or age is not reported.

    Raises
    ------
    DipError
        D401, D403: an age that cannot be.

    Examples
    --------
    >>> burn_group("T29.300", ["T31.200"], 40)
    BurnGroup(child=False, corrosion=False, many=True, degree=3, area=2)
    """
    place = place_of(principal)
    kind_degree = _DEGREES.get(place.subcategory[4:5])
    if place.category not in (*_BURN_SITES, _BURNS_OF_MANY) or kind_degree is None or age is None:
        return None
    years: Fraction = not_negative(age, "age")
    kind, degree = kind_degree
    tenths = [
        int(other.subcategory[4])
        for other in map(place_of, secondary)
        if other.category == _AREAS[kind] and other.subcategory[4:5].isdecimal()
    ]
    if not tenths:
        return None
    many = place.category == _BURNS_OF_MANY
    return BurnGroup(years < adult_from, bool(kind), many, degree, max(tenths))
