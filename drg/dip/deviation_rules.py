"""Sets of rules for the score of a case by its cost, as published; and the classes they name.

Sources disagree on bounds, on whether a bound belongs to its class, and on where the hospital's
coefficient stands (spec B.5): each is a ``DeviationRule``, and a policy may write its own.
``drg.dip.deviation`` applies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, get_args

from drg.dip.errors import DipError, positive

__all__ = [
    "DEVIATION_CLASSES",
    "RULE_SETS",
    "DeviationClass",
    "DeviationRule",
    "ExtremeScore",
    "HighScore",
    "LowScore",
    "rule_set",
]

#: Decimal places of a bound or factor.
_PLACES = 6

LowScore = Literal["after", "none"]
HighScore = Literal["after", "inside", "normal"]
ExtremeScore = Literal["review", "normal", "high"]


class DeviationClass(StrEnum):
    """Cost class of a case; the first four as cases paid by DRG have them."""

    ULTRA_LOW = "ULTRA_LOW"
    NORMAL = "NORMAL"
    ULTRA_HIGH = "ULTRA_HIGH"
    EXTREME = "EXTREME"
    BLANK_GROUP = "BLANK_GROUP"


#: In the order of the numbers that arrays of classes hold.
DEVIATION_CLASSES: tuple[DeviationClass, ...] = tuple(DeviationClass)


@dataclass(frozen=True, slots=True)
class DeviationRule:
    """A set of rules for the score of a case.

    With ``ratio = cost ÷ reference``, ``H`` the hospital's coefficient, ``A`` the auxiliary one:
    normally ``score × H × A``; the other classes as their fields say. Numbers may be given as
    text and are held as fractions.

    Attributes
    ----------
    low, high, extreme : Fraction or None
        Multiples of the reference; None: no such class. ``*_inclusive``: a cost at the bound
        belongs to the class.
    by_coefficient : bool
        The reference is the mean (or standard) × ``H`` × ``A``, as a hospital's own standard is;
        then ``H`` and ``A`` cancel in a low score: the hospital gets its cost. Otherwise the
        reference is what is given, the mean of the hospitals of that level.
    low_score : {"after", "none"}
        ``after``: ``score × ratio × H × A``; ``none``: ``score × ratio × A``.
    high_score : {"after", "inside", "normal"}
        ``after``: ``score × (ratio - high + 1) × H × A``; ``inside``:
        ``score × (ratio - high + H) × A``; ``normal``: as a normal case.
    extreme_score : {"review", "normal", "high"}
        ``review``: experts decide, there is no score until then; ``normal``; ``high``: by
        ``high_score``.
    blank : Fraction or None
        Factor of the blank group: ``score × ratio × blank``, no coefficient. None: the blank
        group is scored as any other.
    review : tuple of DeviationClass
        Classes whose cases may be put to special review (特例单议).

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; D404: bounds out of order; D405: an unknown choice.

    Examples
    --------
    >>> DeviationRule(low="0.4", high="2.5").high
    Fraction(5, 2)
    """

    low: Fraction | None = Fraction(1, 2)
    low_inclusive: bool = False
    high: Fraction | None = Fraction(2)
    high_inclusive: bool = False
    extreme: Fraction | None = None
    extreme_inclusive: bool = False
    by_coefficient: bool = False
    low_score: LowScore = "after"
    high_score: HighScore = "after"
    extreme_score: ExtremeScore = "review"
    blank: Fraction | None = None
    review: tuple[DeviationClass, ...] = ()

    def __post_init__(self) -> None:
        for name in ("low", "high", "extreme", "blank"):
            value = getattr(self, name)
            if value is not None:
                number = positive(value, name)
                if (number * 10**_PLACES).denominator != 1:
                    raise DipError("D401", where=name, text=str(value))
                object.__setattr__(self, name, number)
        bounds = [b for b in (self.low, self.high, self.extreme) if b is not None]
        if sorted(set(bounds)) != bounds:
            raise DipError("D404", bounds=" < ".join(map(str, bounds)))
        for name, known in (
            ("low_score", LowScore),
            ("high_score", HighScore),
            ("extreme_score", ExtremeScore),
        ):
            if getattr(self, name) not in get_args(known):
                choices = ", ".join(get_args(known))
                raise DipError("D405", where=name, value=getattr(self, name), choices=choices)
        object.__setattr__(self, "review", tuple(DeviationClass(c) for c in self.review))


_HIGH_ONLY = (DeviationClass.ULTRA_HIGH,)

#: Published sets of rules. ``spec2020``: technical specification of 2020, as quoted; ``spec3``:
#: consultation draft 3.0 (2026), whose upper bound a region sets between 2 and 3, inclusive;
#: ``hubei``, ``jining``, ``taian``: an open implementation of these places' rules (2023), not
#: their circulars; ``narrow``: bounds of another city, whose formulas are not known: those of
#: 2020.
RULE_SETS: Mapping[str, DeviationRule] = MappingProxyType(
    {
        "spec2020": DeviationRule(extreme=Fraction(5), review=(DeviationClass.EXTREME,)),
        "spec3": DeviationRule(
            high_inclusive=True, by_coefficient=True, high_score="normal", review=_HIGH_ONLY
        ),
        "hubei": DeviationRule(low_inclusive=True, high_inclusive=True),
        "jining": DeviationRule(
            low_inclusive=True,
            extreme=Fraction(5),
            low_score="none",
            high_score="inside",
            extreme_score="normal",
            blank=Fraction("0.7"),
        ),
        "taian": DeviationRule(
            low_inclusive=True,
            low_score="none",
            high_score="inside",
            blank=Fraction("0.4368") * Fraction("0.9"),
        ),
        "narrow": DeviationRule(
            low=Fraction("0.4"),
            low_inclusive=True,
            high=Fraction("2.5"),
            high_inclusive=True,
            extreme=Fraction(5),
            review=(DeviationClass.EXTREME,),
        ),
    }
)


def rule_set(name: str) -> DeviationRule:
    """A published set of rules by name.

    Raises
    ------
    DipError
        D406: there is none of that name.
    """
    if name not in RULE_SETS:
        raise DipError("D406", name=name, choices=", ".join(RULE_SETS))
    return RULE_SETS[name]
