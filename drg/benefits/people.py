"""Whom a row of a plan holds for, and which of several rows says most of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from drg.benefits.terms import DIMENSIONS, Who
from drg.payment.pricing.levels import level_of, wider_levels

__all__ = ["Person", "Unsaid", "holds", "meet", "place_of", "spelled"]


class Person(NamedTuple):
    """A visit as rows see it, by the plan's own names; ``""`` and None: not reported.

    ``off_site`` ``"home"``: at home; ``category`` ``"none"``: none.
    """

    off_site: str
    category: str
    care: str
    retired: bool | None
    region: str
    level: str
    insurance: str


class Unsaid(NamedTuple):
    """What a row asks for and a visit does not report.

    Attributes
    ----------
    dimension : str
        One of ``DIMENSIONS``.
    """

    dimension: str


def holds(who: Who, person: Person) -> bool | Unsaid:
    """Whether a row holds for a person, as far as that can be told.

    Examples
    --------
    >>> nobody = Person("home", "none", "inpatient", None, "", "", "390")
    >>> holds(Who(care="outpatient", level="三级"), nobody), holds(Who(level="三级"), nobody)
    (False, Unsaid(dimension='level'))
    """
    open_: Unsaid | None = None
    for name, has in zip(DIMENSIONS, person, strict=True):
        wants = getattr(who, name)
        if wants in (None, ()):
            continue
        if has in (None, ""):
            open_ = open_ or Unsaid(name)
        elif name == "retired":
            if has is not wants:
                return False
        elif not _among(name, str(has), wants):
            return False
    return open_ or True


def _among(name: str, has: str, wants: Sequence[str]) -> bool:
    if name != "level":
        return has in wants
    return not {level_of(level) for level in wants}.isdisjoint(wider_levels(has))


def place_of(who: Who) -> tuple[int, ...]:
    """How much a row says: of two that hold, the one with the greater place counts."""
    named = [int(getattr(who, name) not in (None, ())) for name in DIMENSIONS]
    return (*named, min((len(level_of(level)) for level in who.level), default=0))


def meet(first: Who, second: Who) -> bool:
    """Whether some person could have both rows; both name the same dimensions."""
    return all(_share(name, getattr(first, name), getattr(second, name)) for name in DIMENSIONS)


def _share(name: str, one: Sequence[str] | bool | None, other: Sequence[str] | bool | None) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or not one or not other:
        return one == other
    if name != "level":
        return not set(one).isdisjoint(other)
    # 三级甲等 lies within 三级: a hospital of it would have both.
    return any(
        level_of(a) in wider_levels(level_of(b)) or level_of(b) in wider_levels(level_of(a))
        for a in one
        for b in other
    )


def spelled(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Every spelling of a plan's names, folded, to the name."""
    return {
        text.strip().casefold(): name for name, others in names.items() for text in (name, *others)
    }
