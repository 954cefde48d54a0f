"""Header of a DIP catalogue read into the model: the order of matching and the named conditions.

Everything is checked here, by name and by kind, so that a slip in ``catalogue.toml`` is an error
with its place and never a group that quietly matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from drg.dip.model import COMPARATORS, FIELDS, GROUP_CLASSES, KINDS, Condition, Matching
from drg.errors import TableError
from drg.schemes.folder import Folder

__all__ = [
    "check_score",
    "condition_header",
    "matching_header",
    "read_conditions",
    "read_matching",
]

#: Bits of a word that the kernel keeps the truth of conditions in.
MAX_CONDITIONS = 64
#: A number without sign or exponent: ``1e999999999`` would fill the memory.
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,40})?")
_MOST = 2**31 - 1
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "related": ("all", "most"),
    "ruling": ("principal", "highest"),
    "unlisted": ("lowest", "none"),
}
_CONDITION_KEYS = {
    "field", "from", "below", "values", "secondary", "other_category", "cci", "cost_multiple",
    "share_of", "share", "note",
}  # fmt: skip


def read_matching(folder: Folder) -> Matching:
    """``[matching]`` of a catalogue's header.

    Raises
    ------
    TableError
        T160: an entry that does not exist, or a value that it cannot have.
    """
    told = folder.header.get("matching", {})
    if not isinstance(told, dict):
        raise TableError("T160", where=folder.where, entry="matching", value=told)
    read = _Reader(folder.where)
    kinds = read.some("kinds", told.get("kinds", list(KINDS)))
    types = frozenset(f"{c}.{k}" for c in GROUP_CLASSES for k in kinds) | frozenset(GROUP_CLASSES)
    values: dict[str, object] = {"kinds": kinds}
    for key, value in told.items():
        if key in _CHOICES:
            values[key] = read.one_of(key, value, _CHOICES[key])
        elif key == "tiers":
            rows = value if isinstance(value, list) else [value]
            values[key] = tuple(read.names(key, row, types) for row in rows)
        elif key == "comparators":
            values[key] = read.names(key, value, COMPARATORS)
        elif key == "type_order":
            values[key] = read.names(key, value, types)
        elif key == "quiet":
            values[key] = frozenset(read.names(key, value, kinds))
        elif key == "attributes" and isinstance(value, dict):
            values[key] = {a: read.some(f"{key}.{a}", k, kinds) for a, k in value.items()}
        elif key != "kinds":
            raise TableError("T160", where=folder.where, entry=f"matching.{key}", value=value)
    for key in ("tiers", "comparators"):
        if key not in values:
            raise TableError("T160", where=folder.where, entry=f"matching.{key}", value="")
    return Matching(**values)  # type: ignore[arg-type]


def read_conditions(folder: Folder) -> tuple[Condition, ...]:
    """``[conditions.NAME]`` of a catalogue's header, in the order of the file.

    Raises
    ------
    TableError
        T160 an entry that does not exist or a value it cannot have · T161 a condition that asks
        nothing, or in more than one way · T158 more than 64 of them.
    """
    told = folder.header.get("conditions", {})
    if not isinstance(told, dict):
        raise TableError("T160", where=folder.where, entry="conditions", value=told)
    if len(told) > MAX_CONDITIONS:
        raise TableError("T158", where=folder.where, found=len(told), limit=MAX_CONDITIONS)
    return tuple(_condition(folder.where, name, entry) for name, entry in told.items())


def check_score(folder: Folder) -> None:
    """Check the numbers of ``[score]`` in a catalogue's header; the rest of it is told, not used.

    Raises
    ------
    TableError
        T160: ``regional_mean`` (yuan) is no decimal number, or ``scale`` no whole one above 0.
    """
    told = folder.header.get("score", {})
    if not isinstance(told, dict):
        raise TableError("T160", where=folder.where, entry="score", value=told)
    read = _Reader(folder.where, "score")
    read.number("regional_mean", told.get("regional_mean") or None)
    if not read.whole("scale", told.get("scale", 1000)):
        raise TableError("T160", where=folder.where, entry="score.scale", value=told["scale"])


def _condition(where: str, name: str, entry: object) -> Condition:
    read = _Reader(where, f"conditions.{name}")
    if not isinstance(entry, dict):
        raise TableError("T160", where=where, entry=read.path(""), value=entry)
    for odd in sorted(entry.keys() - _CONDITION_KEYS):
        raise TableError("T160", where=where, entry=read.path(odd), value=entry[odd])
    bounds = entry.get("cci", entry)
    if not isinstance(bounds, dict):
        raise TableError("T160", where=where, entry=read.path("cci"), value=bounds)
    made = Condition(
        name,
        field=read.one_of("field", entry.get("field", ""), (*FIELDS, "disposition", "")),
        start=read.whole("from", bounds.get("from")),
        stop=read.whole("below", bounds.get("below")),
        values=read.names("values", entry.get("values", [])),
        secondary=read.names("secondary", entry.get("secondary", [])),
        other_category=entry.get("other_category", False) is True,
        cci="cci" in entry,
        cost_multiple=read.number("cost_multiple", entry.get("cost_multiple")),
        share_of=str(entry.get("share_of", "")),
        share=read.number("share", entry.get("share")),
    )
    ways = (made.field, made.secondary, made.cci, made.cost_multiple is not None, made.share_of)
    bounded = made.start is not None or made.stop is not None
    whole = {
        "disposition": bool(made.values) and not bounded,
        "": bounded == made.cci and not made.values,
    }.get(made.field, bounded and not made.values)
    shared = (made.share is not None) == bool(made.share_of)
    if sum(map(bool, ways)) != 1 or not whole or not shared:
        raise TableError("T161", where=where, condition=name)
    return made


class _Reader:
    """Values of a header by kind; T160 with the entry's path for one of another kind."""

    def __init__(self, where: str, above: str = "matching") -> None:
        self.where = where
        self.above = above

    def path(self, key: str) -> str:
        """Path of an entry."""
        return f"{self.above}.{key}" if key else self.above

    def names(self, key: str, value: object, known: object = None) -> tuple[str, ...]:
        """A list of texts, all of them known."""
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise TableError("T160", where=self.where, entry=self.path(key), value=value)
        if isinstance(known, tuple | frozenset):
            for text in value:
                if text not in known:
                    raise TableError("T160", where=self.where, entry=self.path(key), value=text)
        return tuple(value)

    def some(self, key: str, value: object, known: object = None) -> tuple[str, ...]:
        """``names``, one at least."""
        if not value:
            raise TableError("T160", where=self.where, entry=self.path(key), value=value)
        return self.names(key, value, known)

    def one_of(self, key: str, value: object, known: tuple[str, ...]) -> str:
        """One of some texts."""
        if value not in known:
            raise TableError("T160", where=self.where, entry=self.path(key), value=value)
        return str(value)

    def whole(self, key: str, value: object) -> int | None:
        """A whole number of 31 bits, None where nothing is said."""
        if value is not None and (type(value) is not int or not 0 <= value <= _MOST):
            raise TableError("T160", where=self.where, entry=self.path(key), value=value)
        return value if isinstance(value, int) else None

    def number(self, key: str, value: object) -> Fraction | None:
        """A decimal number written as text, or a whole one: TOML's floats are not exact."""
        if value is None:
            return None
        if type(value) is int and 0 <= value <= _MOST:
            return Fraction(value)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return Fraction(value)
        raise TableError("T160", where=self.where, entry=self.path(key), value=value)


def matching_header(matching: Matching) -> dict[str, object]:
    """A matching as ``read_matching`` reads it."""
    return {
        "tiers": [list(tier) for tier in matching.tiers],
        "comparators": list(matching.comparators),
        "type_order": list(matching.type_order),
        "related": matching.related,
        "ruling": matching.ruling,
        "quiet": sorted(matching.quiet),
        "kinds": list(matching.kinds),
        "unlisted": matching.unlisted,
        "attributes": {name: list(kinds) for name, kinds in matching.attributes.items()},
    }


def condition_header(condition: Condition) -> dict[str, object]:
    """A condition as ``read_conditions`` reads it."""
    bounds = {"from": condition.start, "below": condition.stop}
    said = {key: bound for key, bound in bounds.items() if bound is not None}
    entry: dict[str, object] = {"cci": said} if condition.cci else dict(said)
    for key in ("field", "share_of"):
        if value := getattr(condition, key):
            entry[key] = value
    for key in ("values", "secondary"):
        if codes := getattr(condition, key):
            entry[key] = list(codes)
    if condition.other_category:
        entry["other_category"] = True
    for key in ("cost_multiple", "share"):
        if (number := getattr(condition, key)) is not None:
            entry[key] = _decimal(number)
    return entry


def _decimal(number: Fraction) -> str:
    """An exact number of the header as it was written: it has finitely many decimals."""
    return format(Decimal(number.numerator) / Decimal(number.denominator), "f")
