"""Claims as settlement lists: the fields of interface 4101 that a claim can fill.

What reads as text in a claim is text in the list; amounts and counts are numbers, digit for digit.
Reading the list again gives the claim again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from drg.claims.frame import SEPARATOR
from drg.claims.interface.dictionaries import dictionaries, translate
from drg.claims.interface.durations import duration_text
from drg.claims.interface.fields import Field, fields
from drg.claims.interface.json_text import Number
from drg.claims.interface.rows import CLASS_AMOUNTS
from drg.claims.interface.scalars import amount
from drg.claims.interface.tables import interface_folder

__all__ = ["settlement_list"]

Write = Callable[[str], str]

_WESTERN, _YES, _NO, _PRINCIPAL, _OTHER = "1", "1", "0", "1", "2"
_HOUR = 60


def settlement_list(
    claim: Mapping[str, Any], items: Sequence[Mapping[str, str | None]] = ()
) -> dict[str, Any]:
    """One claim as the nodes of a list.

    Parameters
    ----------
    claim : mapping
        Canonical column to text, null where not reported; ``diagnoses`` and ``procedures`` are
        sequences of codes, the principal one first (empty: a missing principal diagnosis).
    items : sequence of mapping, optional
        Charges by class: ``fee_class``, ``amount`` and the parts of ``CLASS_AMOUNTS``.

    Returns
    -------
    dict
        Node to object or list of objects, ready for ``json_text.dump``; empty lists left out.
    """
    setlinfo: dict[str, Any] = {}
    for name, column, write in _writers(interface_folder()):
        if (text := claim.get(column)) is not None:
            setlinfo[name] = write(text)
    if (duration := claim.get("vent_duration")) is not None:
        setlinfo["vent_used_dura"] = duration
    nodes: dict[str, Any] = {
        "diseinfo": _diagnoses(claim),
        "iteminfo": [_item(item) for item in items],
        "oprninfo": _procedures(claim),
    }
    found = {"setlinfo": setlinfo} | {name: node for name, node in nodes.items() if node}
    if (stays := _intensive_care(claim)) is not None:
        found["icuinfo"] = stays
    return found


@cache
def _writers(folder: Path) -> tuple[tuple[str, str, Write], ...]:
    """Of every canonical column the first field that it feeds, and how it is written."""
    first: dict[str, Field] = {}
    for field in fields():
        if field.node == "setlinfo" and field.canonical:
            first.setdefault(field.canonical, field)
    return tuple((field.field, column, _writer(field)) for column, field in first.items())


def _writer(field: Field) -> Write:
    if field.reading in ("code", "open"):
        return lambda text: _code(text, field)
    if field.reading == "hours":
        return lambda text: duration_text(int(text) * _HOUR) if _count(text) else text
    if field.reading == "minutes":
        return lambda text: duration_text(int(text)) if _count(text) else text
    return _number if field.reading in ("whole", "money") else str


def _count(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number(text: str) -> str:
    """A JSON number of the same digits, where the text is one."""
    digits = text.removeprefix("-")
    whole, _, _ = digits.partition(".")
    plain = amount(text) is not None and whole.isdigit() and digits[-1:].isdigit()
    leading = len(whole) > 1 and whole.startswith("0")
    return Number(text) if plain and text.isascii() and "e" not in text.lower() and not leading \
        else text  # fmt: skip


def _code(text: str, field: Field) -> str:
    """The code of the field's dictionary for a canonical value, or for its name."""
    try:
        code = translate(field.canonical, text, to=field.dictionary)
    except KeyError:
        code = None
    return code or _named(text, field.dictionary) or text


def _named(text: str, dictionary: str) -> str | None:
    """The code that has this name."""
    known = dictionaries()[dictionary].items()
    return next((code for code, e in known if text in (e.title_zh, e.title_en)), None)


def _split(claim: Mapping[str, Any], column: str, count: int) -> list[str]:
    cells = (claim.get(column) or "").split(SEPARATOR)
    return [*cells, *[""] * count][:count]


def _diagnoses(claim: Mapping[str, Any]) -> list[dict[str, Any]]:
    codes = claim.get("diagnoses") or ()
    states = _split(claim, "conditions_at_admission", len(codes))
    return [
        {
            "diag_type": _WESTERN,
            "diag_code": code,
            **({"adm_cond_type": state} if state else {}),
            "maindiag_flag": _YES if n == 0 else _NO,
        }
        for n, (code, state) in enumerate(zip(codes, states, strict=True))
        if code or state
    ]


def _procedures(claim: Mapping[str, Any]) -> list[dict[str, Any]]:
    codes = claim.get("procedures") or ()
    days = _split(claim, "procedure_dates", len(codes))
    return [
        {
            "oprn_oprt_type": _PRINCIPAL if n == 0 else _OTHER,
            "oprn_oprt_code": code,
            **({"oprn_oprt_date": day} if day else {}),
        }
        for n, (code, day) in enumerate(zip(codes, days, strict=True))
        if code or day
    ]


def _item(item: Mapping[str, str | None]) -> dict[str, Any]:
    names = {"med_chrgitm": "fee_class", "amt": "amount", **CLASS_AMOUNTS}
    found = {name: item.get(column) for name, column in names.items()}
    return {
        name: _named(text, "med_chrgitm") or text if name == "med_chrgitm" else _number(text)
        for name, text in found.items()
        if text is not None
    }


def _intensive_care(claim: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    hours, entered = claim.get("icu_hours"), claim.get("icu_from")
    if entered is not None:
        count = entered.count(SEPARATOR) + 1
        pairs = zip(_split(claim, "icu_from", count), _split(claim, "icu_to", count), strict=True)
        return [{"scs_cutd_inpool_time": a, "scs_cutd_exit_time": b} for a, b in pairs]
    if hours is None:
        return None
    if hours == "0":
        return []
    told = duration_text(int(hours) * _HOUR) if _count(hours) else hours
    return [{"scs_cutd_sum_dura": told}]
