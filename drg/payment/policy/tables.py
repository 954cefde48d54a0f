"""Tables beside a policy: rates, coefficients, means, day rates, per-disease standards.

``[tables.<name>]`` names the file, and for shipped ones rows and sha256. A row may have a source
and a status of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drg.errors import TableError
from drg.paths import beside
from drg.payment.policy.errors import PolicyError, near
from drg.payment.policy.read import Draft, Leaf, Origin
from drg.text import text

__all__ = ["KINDS", "TableKind", "fill_tables", "read_rows"]

_KEYS = ("file", "rows", "sha256", "source", "status", "note", "note_zh", "note_en")
_ROW_ORIGIN = ("source", "status", "note")
_SCOPE = ("insurance", "hospital_level", "hospital", "from", "to")
#: Columns of whole numbers; all others stay text and are read by the policy's own types.
_WHOLE = ("from_day", "to_day")


@dataclass(frozen=True, slots=True)
class TableKind:
    """One kind of table.

    Attributes
    ----------
    path : tuple of str
        Where its rows stand in a policy; ``*`` is the id of a bed-day payment.
    columns : tuple of str
        Columns it may have.
    needed : tuple of str
        Columns whose cells must not be empty.
    key : tuple of str
        Of a mapping: columns that make up the key, joined by ``|``; empty for rows.
    """

    path: tuple[str, ...]
    columns: tuple[str, ...]
    needed: tuple[str, ...]
    key: tuple[str, ...] = ()


KINDS: Mapping[str, TableKind] = {
    "rates": TableKind(("drg", "rates"), (*_SCOPE, "rate"), ("rate",)),
    "coefficients": TableKind(
        ("drg", "coefficients"), (*_SCOPE, "group", "coefficient"), ("coefficient",)
    ),
    "group_means": TableKind(
        ("drg", "points", "group_means"), ("group", "mean"), ("group", "mean"), ("group",)
    ),
    "hospital_means": TableKind(
        ("drg", "points", "hospital_means"),
        ("hospital", "group", "mean"), ("hospital", "group", "mean"), ("hospital", "group"),
    ),
    "new_technology_groups": TableKind(
        ("drg", "new_technology", "group_means"), ("group", "mean"), ("group", "mean"), ("group",)
    ),
    "new_technology_means": TableKind(
        ("drg", "new_technology", "means"),
        ("group", "category", "mean"), ("group", "category", "mean"), ("group", "category"),
    ),
    "stay_means": TableKind(
        ("drg", "transfer", "gmlos"), ("group", "days"), ("group", "days"), ("group",)
    ),
    "point_values": TableKind(("dip", "point_values"), (*_SCOPE, "yuan"), ("yuan",)),
    "pay_ratios": TableKind(("dip", "pay_ratios"), (*_SCOPE, "ratio"), ("ratio",)),
    "dip_coefficients": TableKind(
        ("dip", "coefficients"), (*_SCOPE, "group", "coefficient"), ("coefficient",)
    ),
    "dip_means": TableKind(
        ("dip", "deviation", "means"), ("group", "level", "mean"), ("group", "mean"),
        ("group", "level"),
    ),
    "dip_auxiliary": TableKind(
        ("dip", "auxiliary_coefficients"), ("group", "subtype", "coefficient"),
        ("subtype", "coefficient"), ("group", "subtype"),
    ),
    "day_rates": TableKind(
        ("bed_day", "*", "rates"),
        ("bed_day", "category", *_SCOPE, "from_day", "to_day", "per_diem"), ("per_diem",),
    ),
    "per_disease": TableKind(("per_disease", "table"), (), ()),
}  # fmt: skip


def fill_tables(draft: Draft) -> None:
    """Put the rows of a policy's tables where they belong in its tree.

    Raises
    ------
    TableError
        T102 no such file, T103 and T104 digest and rows differ from what the policy declares,
        T223 a file outside the policy's folder.
    PolicyError
        P461 unknown table, key or column, P463 a wrong type, P464 a cell is empty, P468 the rows
        stand in the policy too, P473 two rows of one key.
    """
    where = str(draft.file)
    for name, entry in draft.tables.items():
        if name not in KINDS:
            raise PolicyError("P461", where=where, path=f"tables.{name}", near=near(name, [*KINDS]))
        for key in entry:
            if key not in _KEYS:
                path = f"tables.{name}.{key}"
                raise PolicyError("P461", where=where, path=path, near=near(key, _KEYS))
        origin = draft.origin.over(entry, where, f"tables.{name}")
        named = str(entry.get("file", f"{draft.file.stem}.{name}.csv"))
        # Who supplies a table with the call may name any.
        file = Path(named) if origin.by_user else beside(draft.file.parent, named)
        _check_file(file, entry)
        kind = KINDS[name]
        if name == "per_disease":
            _put(draft, kind.path, Leaf(str(file.absolute()), origin, where))
            continue
        rows = read_rows(file, kind)
        if "rows" in entry and entry["rows"] != len(rows):
            raise TableError("T104", where=str(file), found=len(rows), wanted=entry["rows"])
        for place, node in _nodes(rows, kind, origin, str(file)):
            _put(draft, place, node)


def read_rows(file: Path, kind: TableKind) -> list[dict[str, str]]:
    """Cells of a table, stripped; empty ones are left out.

    Raises
    ------
    PolicyError
        P461: unknown column; P464: an empty cell that must not be; P473: two rows of one key.
    InputError
        The file cannot be read.
    """
    from drg.claims.readers import open_file

    with open_file(file) as source:
        frame = source.cells()
    columns = (*kind.columns, *_ROW_ORIGIN)
    for name in frame.columns:
        if name not in columns:
            raise PolicyError("P461", where=str(file), path=name, near=near(name, columns))
    found: list[dict[str, str]] = []
    seen: dict[str, int] = {}
    for number, values in enumerate(frame.iter_rows(named=True), start=2):
        cells = {k: str(v).strip() for k, v in values.items() if v is not None}
        row = {k: v for k, v in cells.items() if v}
        if not row:
            continue
        for name in kind.needed:
            if name not in row:
                raise PolicyError("P464", where=str(file), path=f"{number}.{name}")
        if kind.key:
            key = _key(row, kind)
            if key in seen:
                raise PolicyError("P473", where=str(file), path=kind.path[-1], scope=key,
                                  first=seen[key], second=number)  # fmt: skip
            seen[key] = number
        found.append(row)
    return found


def _nodes(
    rows: Sequence[Mapping[str, str]], kind: TableKind, origin: Origin, file: str
) -> list[tuple[tuple[str, ...], Any]]:
    """Rows as nodes of the tree, each with the path where it belongs."""
    if kind.key:
        value = kind.columns[-1]
        values = {_key(row, kind): row[value] for row in rows}
        if not any(key in row for row in rows for key in _ROW_ORIGIN):
            return [(kind.path, Leaf(values, origin, file))]
        origins = (_own(row, origin) for row in rows)
        cells = zip(values.items(), origins, strict=True)
        return [(kind.path, {key: Leaf(cell, own, file) for (key, cell), own in cells})]
    split: dict[str, list[dict[str, Leaf]]] = {}
    for number, row in enumerate(rows, start=2):
        read = _row(row, _whole(file, number))
        entry = {key: Leaf(value, _own(row, origin), file) for key, value in read.items()}
        split.setdefault(row.get("bed_day", ""), []).append(entry)
    return [
        (tuple(name if part == "*" else part for part in kind.path), entries)
        for name, entries in split.items()
    ]


def _key(row: Mapping[str, str], kind: TableKind) -> str:
    """Key of a row of a mapping; a part that holds for every one is left out."""
    return "|".join(row[name] for name in kind.key if name in row)


def _own(row: Mapping[str, str], origin: Origin) -> Origin:
    said = {key: row[key] for key in _ROW_ORIGIN if key in row}
    return origin.over(said, "", "") if said else origin


def _row(row: Mapping[str, str], whole: Callable[[str, str], int]) -> dict[str, Any]:
    """A row with the keys of the policy's models."""
    skipped = (*_ROW_ORIGIN, "from", "to", "bed_day")
    found: dict[str, Any] = {
        key: whole(key, cell) if key in _WHOLE else cell
        for key, cell in row.items()
        if key not in skipped
    }
    if "from" in row or "to" in row:
        found["in_force"] = [row.get("from", ""), row.get("to", "")]
    return found


def _whole(file: str, number: int) -> Callable[[str, str], int]:
    def read(key: str, cell: str) -> int:
        if not cell.removesuffix(".0").isdecimal():
            raise PolicyError("P463", where=file, path=f"{number}.{key}", value=cell,
                              wanted=text("policies.type_int"))  # fmt: skip
        return int(cell.removesuffix(".0"))

    return read


def _put(draft: Draft, path: tuple[str, ...], node: Any) -> None:
    place = draft.tree
    for part in path[:-1]:
        place = place.setdefault(part, {})
    if path[-1] in place:
        raise PolicyError("P468", where=str(draft.file), path=".".join(path))
    place[path[-1]] = node


def _check_file(file: Path, entry: Mapping[str, Any]) -> None:
    if not file.is_file():
        raise TableError("T102", where=str(file))
    if wanted := entry.get("sha256"):
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != wanted:
            raise TableError("T103", where=str(file), found=found[:12], wanted=str(wanted)[:12])
