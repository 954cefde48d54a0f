"""Numbers the user gives: ``drg.outliers.low=0.3``, ``drg.rates.310=9000``, ``drg.rates=FILE``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel

from drg.payment.policy import (
    BedDay,
    CoefficientRow,
    DayRate,
    PayRatioRow,
    PointValueRow,
    Policy,
    RateRow,
)
from drg.payment.policy.errors import PolicyError, SupplyError, near
from drg.payment.policy.paths import bare_type, inner_type
from drg.payment.policy.read import SECTIONS, Draft, Leaf, Origin
from drg.payment.policy.tables import KINDS, fill_tables

__all__ = ["ROWS", "TABLES", "read_supply", "supply_numbers"]

SUPPLIED = Origin(status="supplied", by_user=True)
#: What an error names in place of a file.
FILE = "--set"
#: Row to the keys that the parts of a path fill, and the key of its number.
ROWS: Mapping[Any, tuple[tuple[str, ...], str]] = {
    RateRow: (("insurance", "hospital_level"), "rate"),
    CoefficientRow: (("hospital", "group"), "coefficient"),
    DayRate: (("hospital_level", "category"), "per_diem"),
    PointValueRow: (("insurance", "hospital_level"), "yuan"),
    PayRatioRow: (("insurance", "hospital"), "ratio"),
}
_BED_DAYS = tuple[BedDay, ...]
#: Suffixes of files that stand for a whole table.
TABLES = (".csv", ".tsv", ".xlsx", ".parquet")
_BOOLS = {"true": True, "false": False, "是": True, "否": False}


def read_supply(words: Iterable[str]) -> dict[str, str]:
    """``path=value`` texts as a mapping.

    Raises
    ------
    SupplyError
        P475: no ``=``, an empty part, or one path twice.

    Examples
    --------
    >>> read_supply(["month.retention=0.1"])
    {'month.retention': '0.1'}
    """
    found: dict[str, str] = {}
    for word in words:
        path, sign, value = (part.strip() for part in word.partition("="))
        if not (path and sign and value) or path in found:
            raise SupplyError("P475", where=FILE, text=word)
        found[path] = value
    return found


def supply_numbers(
    draft: Draft,
    supply: Mapping[str, str],
    kind: type[BaseModel] = Policy,
    sections: Sequence[str] = SECTIONS,
) -> None:
    """Put what the user gives into a policy's tree, with the status ``supplied``.

    Parameters
    ----------
    draft : Draft
    supply : mapping of str to str
        Path of a number to its text. A path may go on below a list or a mapping:
        ``drg.rates.<insurance>[.<level>]``, or ``drg.rates.<row>.<field>`` with the row that
        ``drg policies show`` names; ``drg.coefficients.<hospital>[.<group>]``,
        ``bed_day.<id>.rates[.<level>[.<category>]]``, ``drg.outliers.high.<level>``; or name a
        table file for the whole of it.
    kind : type, optional
        Whose fields the sections are; a policy's when omitted.
    sections : sequence of str, optional
        Where numbers may stand.

    Raises
    ------
    SupplyError
        P476: no such path.
    """
    for path, text in supply.items():
        parts = path.split(".")
        if parts[0] not in sections:
            raise SupplyError("P476", where=FILE, path=path, near=near(parts[0], sections))
        _supply(draft, kind, path, parts, text.strip())


def _supply(
    draft: Draft, kind: type[BaseModel], path: str, parts: Sequence[str], text: str
) -> None:
    place: Any = draft.tree
    annotation: Any = kind
    for depth, part in enumerate(parts, start=1):
        if annotation is _BED_DAYS:
            there: dict[str, Any] = draft.tree.get("bed_day", {})
            if part not in there:
                raise SupplyError("P476", where=FILE, path=path, near=near(part, [*there]))
            place, annotation = there[part], BedDay
            continue
        by_id = get_origin(annotation) is Mapping
        inner = bare_type(inner_type(annotation, part))
        if inner is None or (by_id and part not in place):
            known = [*place] if by_id else [*annotation.model_fields]
            raise SupplyError("P476", where=FILE, path=path, near=near(part, known))
        if inner == _BED_DAYS:
            annotation = _BED_DAYS
        elif depth == len(parts) or not _holds_models(inner):
            _set(draft, place, part, inner, parts[:depth], parts[depth:], text)
            return
        else:
            place, annotation = _opened(place, part), inner
    raise SupplyError("P476", where=FILE, path=path, near="—")


def _set(
    draft: Draft, place: dict[str, Any], name: str, annotation: Any, path: Sequence[str],
    rest: Sequence[str], text: str,
) -> None:  # fmt: skip
    """One number, one entry of a mapping, one row of a list, or a table for all of them."""
    kind = bare_type(annotation)
    row = inner_type(kind, "") if get_origin(kind) is tuple else None
    if not rest and Path(text).suffix.lower() in TABLES and (table := _table_at(path)):
        _read_table(draft, table, path, Path(text))
    elif row in ROWS:
        place[name] = _with_row(place.get(name), row, rest, text)
    elif get_origin(kind) is Mapping and rest:
        value = _typed(inner_type(kind, ""), text)
        _opened(place, name)[".".join(rest)] = Leaf(value, SUPPLIED, FILE)
    elif rest or _is_model(kind) or get_origin(kind) is Mapping:
        raise SupplyError("P476", where=FILE, path=".".join([*path, *rest]), near="—")
    else:
        place[name] = Leaf(_typed(kind, text), SUPPLIED, FILE)


def _with_row(node: Any, row: Any, rest: Sequence[str], text: str) -> list[Any]:
    """Rows with one more, which takes the place of what stood for the same scope."""
    keys, number = ROWS[row]
    rows = node if isinstance(node, list) else []
    if len(rest) > 1 and rest[-1] in row.model_fields:
        return _with_field(rows, row, rest, text)
    if len(rest) > len(keys):
        raise SupplyError("P476", where=FILE, path=".".join(rest), near=", ".join(keys))
    entry = dict(zip(keys, rest, strict=False))
    kept = [
        old for old in rows
        if {k: _text(old.get(k)) for k in keys} != {k: entry.get(k, "") for k in keys}
    ]  # fmt: skip
    entry[number] = text
    return [*kept, {key: Leaf(value, SUPPLIED, FILE) for key, value in entry.items()}]


def _with_field(rows: list[Any], row: Any, rest: Sequence[str], text: str) -> list[Any]:
    """Rows with one field of one of them changed: ``0.rate``, as paths of numbers name rows."""
    number, *more = rest
    if more[1:] or not number.isdecimal() or int(number) >= len(rows):
        known = ", ".join(f"{n}.{rest[-1]}" for n in range(len(rows))) or "—"
        raise SupplyError("P476", where=FILE, path=".".join(rest), near=known)
    field = more[0]
    leaf = Leaf(_typed(row.model_fields[field].annotation, text), SUPPLIED, FILE)
    return [{**old, field: leaf} if n == int(number) else old for n, old in enumerate(rows)]


def _read_table(draft: Draft, table: str, path: Sequence[str], file: Path) -> None:
    kind = KINDS[table]
    inner = Draft(Path(FILE), {}, {}, {table: {"file": str(file.absolute())}}, origin=SUPPLIED)
    fill_tables(inner)
    source: Any = inner.tree
    place: Any = draft.tree
    for part, given in zip(kind.path[:-1], path[:-1], strict=True):
        # Rows that name no bed-day payment are for the one that the path names.
        source = source.get(given, source.get("", {}) if part == "*" else {})
        place = _opened(place, given)
    if kind.path[-1] not in source:
        raise PolicyError("P464", where=str(file), path=".".join(path))
    place[path[-1]] = source[kind.path[-1]]


def _table_at(path: Sequence[str]) -> str | None:
    for name, kind in KINDS.items():
        if len(kind.path) == len(path) and all(
            part in ("*", given) for part, given in zip(kind.path, path, strict=True)
        ):
            return name
    return None


def _typed(annotation: Any, text: str) -> Any:
    """A text as the policy's own types take it; what is wrong with it they say."""
    kind = bare_type(annotation)
    if get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is bool:
        return _BOOLS.get(text.casefold(), text)
    # A whole number may be an amount or a count of days; either takes it.
    return int(text) if kind is int and text.isdecimal() else text


def _opened(place: dict[str, Any], name: str) -> dict[str, Any]:
    """The section or mapping of a name, made if it is not there or was left open."""
    node = place.get(name)
    if isinstance(node, dict):
        return node
    made: dict[str, Any] = {}
    if isinstance(node, Leaf) and isinstance(node.value, dict):
        made = {key: Leaf(value, node.origin, node.file) for key, value in node.value.items()}
    place[name] = made
    return made


def _is_model(annotation: Any) -> bool:
    kind = bare_type(annotation)
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _holds_models(annotation: Any) -> bool:
    """Whether a path may go on into a part, or into parts by id."""
    return _is_model(annotation) or (
        get_origin(annotation) is Mapping and _is_model(inner_type(annotation, ""))
    )


def _text(leaf: Any) -> str:
    return str(leaf.value) if isinstance(leaf, Leaf) else ""
