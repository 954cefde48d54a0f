"""Write a DIP catalogue as a folder of tables: whole or not at all, with every table's digest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from drg.dip.catalogue import CATALOGUE_FILE, shared_folder
from drg.dip.grammar import terms_text
from drg.dip.header import condition_header, matching_header
from drg.dip.model import Catalogue, Group
from drg.dip.tables import (
    CATALOGUE_TABLES,
    JOIN_CONDITIONS,
    JOIN_DIAGNOSES,
    read_comorbidities,
    read_kinds,
)
from drg.money import round_scaled, unscaled
from drg.schemes.save import new_folder
from drg.schemes.tables import file_digest

__all__ = ["save_catalogue"]

_Rows: TypeAlias = list[tuple[str, ...]]
#: Decimals of numbers that have no scale of their own (days, coefficient of variation).
_PLACES = 6
#: Order of what a header says before and after its tables.
_FIRST = ("id", "kind", "place", "place_zh", "title_zh", "title_en", "year", "in_force",
          "in_force_status", "in_force_note", "sources", "default_kind", "flags", "matching",
          "conditions", "score")  # fmt: skip


def save_catalogue(catalogue: Catalogue, folder: Path, *, header: Mapping[str, Any]) -> None:
    """Write a catalogue so that ``load_catalogue`` reads the same one back.

    Parameters
    ----------
    catalogue : Catalogue
        Its groups, subtypes, classes, conditions and matching are written; of the procedure
        kinds, and of the comorbidity index, only what differs from what all catalogues share.
    folder : Path
        Must not exist, or be empty.
    header : mapping
        What else ``catalogue.toml`` says (place, dates, sources, ``[score]``, notes). Its
        ``tables`` may hold ``source`` and ``status`` by table, and ``auxiliary_status`` that of
        the rows of ``auxiliary_class``; rows and digests are added here.

    Raises
    ------
    TableError
        T131: the folder holds something already.
    InputError
        F204, F209, F210: the folder cannot be written.
    """
    import tomli_w

    tables: dict[str, _Rows] = {
        "groups": [_group_cells(group) for group in catalogue.groups],
        "auxiliary": [
            (s.group, s.subtype, unscaled(s.score_e4), _yuan(s.mean_fen), _text(s.cases))
            for s in catalogue.subtypes
        ],
        "auxiliary_class": _class_cells(catalogue, str(header.get("auxiliary_status", "derived"))),
        "procedure_kind": _kind_cells(catalogue),
        "comorbidity": _comorbidity_cells(catalogue),
    }
    with new_folder(folder) as draft:
        origins = header.get("tables", {})
        entries = {}
        for name, rows in tables.items():
            if not rows and CATALOGUE_TABLES[name].optional:
                continue
            path = draft / f"{name}.csv"
            path.write_bytes(_csv(CATALOGUE_TABLES[name].header, rows))
            entry: dict[str, object] = {"rows": len(rows), "sha256": file_digest(path)}
            entries[name] = dict(origins.get(name, {})) | entry
        text = tomli_w.dumps(_header(catalogue, header, entries))
        (draft / CATALOGUE_FILE).write_text(text, encoding="utf-8", newline="\n")


def _header(
    catalogue: Catalogue, told: Mapping[str, Any], entries: Mapping[str, Any]
) -> dict[str, Any]:
    own: dict[str, Any] = {
        "id": catalogue.id,
        "kind": "dip",
        "title_zh": catalogue.title_zh,
        "title_en": catalogue.title_en,
        "default_kind": catalogue.default_kind,
        "flags": {"normalise_codes": catalogue.normalise_codes},
        "matching": matching_header(catalogue.matching),
    }
    if catalogue.conditions:
        own["conditions"] = {c.name: condition_header(c) for c in catalogue.conditions}
    left = {k: v for k, v in told.items() if k not in (*own, "tables", "auxiliary_status")}
    said = {**left, **own}
    first = {key: said[key] for key in _FIRST if key in said}
    last = {key: value for key, value in left.items() if key not in _FIRST}
    return first | {"tables": dict(entries)} | last


def _group_cells(group: Group) -> tuple[str, ...]:
    return (
        group.code,
        group.group_class,
        JOIN_DIAGNOSES.join(group.diagnosis),
        terms_text(group.terms),
        group.attribute,
        JOIN_CONDITIONS.join(group.conditions),
        group.name,
        "" if group.score_e4 is None else unscaled(group.score_e4),
        _yuan(group.mean_fen),
        _decimal(group.days),
        _decimal(group.cv),
        _text(group.cases),
        group.origin,
    )


def _class_cells(catalogue: Catalogue, status: str) -> _Rows:
    rows: _Rows = []
    order: dict[str, int] = {}
    for row in catalogue.classes:
        number = order[row.type] = order.get(row.type, 0) + 1
        rows.append((row.type, str(number), row.subtype, row.name_zh, row.name_en,
                     JOIN_CONDITIONS.join(row.conditions), status, ""))  # fmt: skip
    return rows


def _kind_cells(catalogue: Catalogue) -> _Rows:
    """Kinds that the shared table lacks or has otherwise; the reason of a derived one is lost."""
    shared = read_kinds(shared_folder())
    rows: _Rows = []
    for code, kind in sorted(catalogue.procedure_kind.items()):
        status = "derived" if code in catalogue.derived else "transcribed"
        row = shared.get(code)
        if row is None or (row.kind, row.status == "derived") != (kind, status == "derived"):
            rows.append((code, kind, status, ""))
    return rows


def _comorbidity_cells(catalogue: Catalogue) -> _Rows:
    """Nothing where the index is the one that all catalogues share."""
    if catalogue.comorbidities == read_comorbidities(shared_folder()):
        return []
    return [
        (c.name, str(c.weight), JOIN_DIAGNOSES.join(c.codes), c.replaces, "unknown")
        for c in catalogue.comorbidities
    ]


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _yuan(fen: int | None) -> str:
    return "" if fen is None else unscaled(fen, 2)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _decimal(value: Fraction | None) -> str:
    """An exact decimal as it is; a ratio without end to ``_PLACES`` decimals."""
    if value is None:
        return ""
    with localcontext() as context:
        context.prec = 40
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        if Fraction(exact) == value:
            return format(exact, "f")
    return unscaled(round_scaled(value, _PLACES), _PLACES)
