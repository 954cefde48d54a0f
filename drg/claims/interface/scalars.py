"""Single values of a settlement list as canonical text; what cannot be read is told, not lost.

A value that cannot be read stays in its column as it is written, so that grouping and audit judge
it as unreadable; null is only what is not reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from drg.claims.frame import BLANKS
from drg.claims.interface.dictionaries import dictionaries, spellings, translation
from drg.claims.interface.durations import read_duration, whole_hours
from drg.claims.interface.fields import Field
from drg.claims.interface.json_text import Number

__all__ = ["Faults", "Read", "amount", "plain", "reader_of", "scalar"]

#: Code of what was wrong, and the field it was in.
Faults = list[tuple[str, str]]
Read = Callable[[Any, Faults], str | None]

_CODES = ("code", "open", "item", "joined")
#: Powers of ten that an amount may be written with; more only says that something is wrong.
_POWERS = 18
_SEVERAL = re.compile(r"[,;|\uff0c\uff1b\u3001]")


def scalar(value: Any, name: str, faults: Faults) -> str | None:
    """A value as text without blanks around it; null when empty.

    An object, an array or a boolean is no value of a field (F170): its column says ``{…}``,
    ``[…]``, ``true`` or ``false``.
    """
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip(BLANKS)
        if isinstance(value, Number):
            return plain(text)
        return text or None
    faults.append(("F170", name))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "{…}" if isinstance(value, dict) else "[…]"


def plain(text: str) -> str:
    """A number without a power of ten, when it has a sensible one: ``1.5e3`` is ``1500``."""
    if "e" not in text and "E" not in text:
        return text
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and abs(exponent) <= _POWERS:
        return f"{number:f}"
    return text


def amount(text: str | None) -> Decimal | None:
    """An amount of money, exactly; null where there is none or it cannot be read."""
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    return number if isinstance(exponent, int) and abs(exponent) <= _POWERS else None


def reader_of(field: Field) -> Read:
    """How the value of a field becomes the text of its column."""
    name = field.field
    if field.dictionary and field.reading in _CODES:
        return _code_reader(field)
    inner = _INNER[field.reading]

    def read(value: Any, faults: Faults) -> str | None:
        text = scalar(value, name, faults)
        if text is None or not isinstance(value, str):
            return text
        return inner(text, name, faults)

    return read


def _text(text: str, name: str, faults: Faults) -> str | None:
    return text


def _whole(text: str, name: str, faults: Faults) -> str | None:
    if text.isascii() and text.isdigit():
        return text
    number = amount(text)
    if number is None:
        faults.append(("F171", name))
        return text
    # Completed years, whole grams: 0.9 years are no year.
    return str(int(number // 1)) if number >= 0 else text


def _single(text: str, name: str, faults: Faults) -> str | None:
    parts = [part.strip(BLANKS) for part in _SEVERAL.split(text) if part.strip(BLANKS)]
    if len(parts) != 1:
        faults.append(("F178", name))
        return None
    return _whole(parts[0], name, faults)


def _money(text: str, name: str, faults: Faults) -> str | None:
    if amount(text) is None:
        faults.append(("F171", name))
    return text


def _minutes(text: str, name: str, faults: Faults) -> str | None:
    minutes = read_duration(text)
    if minutes is None:
        faults.append(("F172", name))
        return text
    return str(minutes)


def _hours(text: str, name: str, faults: Faults) -> str | None:
    minutes = read_duration(text)
    if minutes is None:
        faults.append(("F172", name))
        return text
    return str(whole_hours(minutes))


_INNER: dict[str, Callable[[str, str, Faults], str | None]] = {
    "text": _text, "whole": _whole, "single": _single, "money": _money, "minutes": _minutes,
    "hours": _hours, "codes": _text, "joined": _text, "sum": _money, "item": _text,
}  # fmt: skip


def _code_reader(field: Field) -> Read:
    """Codes: translated where the canonical column has codes of its own; unknown ones told."""
    known = dictionaries().get(field.dictionary, {})
    try:
        codes = translation(field.dictionary, field.canonical)
    except KeyError:
        codes = {code: code for code in known}

    def read(value: Any, faults: Faults) -> str | None:
        text = scalar(value, field.field, faults)
        if text is None or not isinstance(value, str):
            return text
        if text in codes:
            return codes[text]
        for spelled in spellings(text):
            if spelled in known:
                return codes.get(spelled)
        if field.reading != "open":
            faults.append(("F173", field.field))
        return text

    return read
