"""Sheets of a workbook, told apart and read by the names of their columns.

What a sheet may be called and which columns it may have is data: tables/layouts/workbook.toml.
Title rows above the header, headers in two rows, merged cells, remarks between the rows and codes
run together in one cell are taken as they come.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from drg.errors import InputError, TableError
from drg.schemes.importing import cells
from drg.schemes.importing.cells import Rows, heading
from drg.schemes.importing.conventions import layout
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.source import Source

#: Rows at the top of a sheet among which the header is looked for.
_HEAD_ROWS = 20
MAX_SHEETS = 200
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_BRACKETS = re.compile(r"[（(【\[].*?[)）】\]]")
#: Between codes in one cell; ``+`` and ``*`` belong to a code.
_BETWEEN = re.compile(r"[\s、,，;；/|]+")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a recognised sheet: its fields by name, ``code`` one code only.

    ``filled``: fields that are blank in the row itself and come from a row above.
    """

    sheet: str
    row: int
    fields: Mapping[str, str]
    filled: frozenset[str] = frozenset()

    def __getitem__(self, field: str) -> str:
        return self.fields.get(field, "")


def open_sheets(source: Source, report: ImportReport) -> list[Rows]:
    """The sheets of a workbook, or the text tables of a folder, as rows of cells.

    Raises
    ------
    InputError
        F116: reading .xlsx needs the extra ``xlsx``.
    TableError
        T140 damaged, T141 too large, T144 a text table that cannot be read.
    """
    if source.workbook is None:
        return [
            cells.read_csv(data, name)
            for name, data in sorted(source.files.items())
            if name.lower().endswith(_TEXT_SUFFIXES)
        ]
    try:
        import fastexcel
    except ImportError as error:
        raise InputError("F116", where=str(source.path)) from error
    where = str(source.path)
    found = []
    try:
        book = fastexcel.read_excel(source.workbook)
        if len(book.sheet_names) > MAX_SHEETS:
            raise TableError("T141", where=where, limit=f"{MAX_SHEETS} sheets")
        for name in book.sheet_names:
            sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            if sheet.height > cells.MAX_ROWS or sheet.width > 2_000:
                raise TableError("T141", where=f"{where} {name}", limit=f"{cells.MAX_ROWS} rows")
            frame = sheet.to_polars() if sheet.height else None
            if sheet.visible != "visible":
                report.add("sheet_hidden", name)
                continue
            rows = enumerate(frame.iter_rows() if frame is not None else (), 1)
            kept = [(n, [str(cell or "") for cell in row]) for n, row in rows if any(row)]
            found.append(Rows(name, kept))
    except fastexcel.FastExcelError as error:
        raise TableError("T140", where=where, detail=type(error).__name__) from error
    return found


def read_sheets(sheets: Sequence[Rows], report: ImportReport) -> dict[str, list[SheetRow]]:
    """Rows of every sheet that is recognised, by what the sheet is.

    Returns
    -------
    dict of str to list of SheetRow
        Keys as under ``[sheets]`` of the layout; sheets of one kind are joined.
    """
    found: dict[str, list[SheetRow]] = {}
    for sheet in sheets:
        kinds, by_columns = _kinds(sheet)
        taken = []
        for kind in kinds:
            head = _header(sheet, kind, strict=by_columns)
            if head is not None:
                taken.append((kind, *head))
        if not taken:
            needs = "; ".join(" + ".join(layout("workbook")["sheets"][k]["needs"]) for k in kinds)
            kind = "sheet_header" if kinds and sheet.rows else "sheet_extra"
            report.add(kind, sheet.file, needs=needs)
            continue
        reader = _Reader(sheet, report, shared=len(taken) > 1)
        used: set[int] = set()
        for kind, at, places in taken:
            report.add("sheet_read", sheet.file, table=kind, columns=_shown(places, sheet, at))
            used |= {place for place, _ in places.values()}
            found.setdefault(kind, []).extend(reader.read(kind, at, places))
        for place, written in enumerate(sheet.rows[taken[0][1]][1]):
            if cells.plain(written) and place not in used:
                report.add("extra_column", sheet.file, what=written)
    return found


def _shown(places: Mapping[str, tuple[int, str]], sheet: Rows, at: int) -> str:
    heads = sheet.rows[at][1]
    return ", ".join(
        f"{field}={cells.plain(heads[place]) if place < len(heads) else place + 1}"
        for field, (place, _) in places.items()
    )


def _kinds(sheet: Rows) -> tuple[list[str], bool]:
    """What a sheet may be by its name, else by its columns."""
    specs = layout("workbook")["sheets"]
    named = _named(heading(re.sub(r"\.\w+(\.gz)?$", "", sheet.file)))
    if named:
        richer = [
            kind
            for kind in specs[named[0]].get("richer", ())
            if _header(sheet, kind, strict=named[0] == "adrg") is not None
        ]
        return richer or named, False
    by_columns = [
        kind
        for kind, spec in specs.items()
        if "by_columns" in spec and _header(sheet, kind, strict=True) is not None
    ]
    adrg = [kind for kind in by_columns if kind.startswith("adrg_")]
    return (adrg or by_columns[:1]), True


def _named(name: str) -> list[str]:
    """The kinds a sheet of this name is; diagnoses and procedures of ADRGs may share one."""
    specs = layout("workbook")["sheets"]
    whole = [kind for kind, spec in specs.items() if name in map(heading, spec["names"])]
    if whole:
        return whole[:1]
    by_words = [
        kind
        for kind, spec in specs.items()
        if any(all(heading(w) in name for w in words) for words in spec.get("words", ()))
        and not any(word in name for word in spec.get("never", ()))
    ]
    both = [kind for kind in by_words if kind in ("adrg_dx", "adrg_px")]
    return both if by_words[:1] == both[:1] else by_words[:1]


def _header(
    sheet: Rows, kind: str, *, strict: bool
) -> tuple[int, dict[str, tuple[int, str]]] | None:
    """Place of the header row, and of each field the column and the synonym list it matched."""
    spec = layout("workbook")["sheets"][kind]
    columns = spec["columns"]
    needs = spec["needs"]
    if strict:  # nothing but the columns speaks for this kind: general words do not do
        columns = {
            field: [
                known
                for known in lists
                if not known.startswith("any_") and not known.endswith("_word")
            ]
            for field, lists in columns.items()
        }
    for at, (_, row) in enumerate(sheet.rows[:_HEAD_ROWS]):
        above = sheet.rows[at - 1][1] if at else []
        for heads in (row, _joined(above, row)):
            places = _places(heads, columns)
            if all(field in places for field in needs):
                return at, places
    return None


def _joined(above: list[str], row: list[str]) -> list[str]:
    """A header in two rows as one: the upper cell, merged to the right, before the lower."""
    heads, upper = [], ""
    for place, cell in enumerate(row):
        upper = cells.plain(above[place]) if place < len(above) and above[place] else upper
        heads.append(f"{upper}{cells.plain(cell)}")
    return heads


def _places(heads: list[str], columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, str]]:
    whole = [heading(head) for head in heads]
    bare = [heading(_BRACKETS.sub("", head)) for head in heads]
    taken: dict[int, str] = {}
    places: dict[str, tuple[int, str]] = {}
    for field, lists in columns.items():
        for known, place in _candidates(lists, whole, bare):
            if place not in taken:
                taken[place] = field
                places[field] = place, known
                break
    return places


def _candidates(
    lists: Sequence[str], whole: list[str], bare: list[str]
) -> Iterator[tuple[str, int]]:
    for known in lists:
        for synonym in _synonyms(known):
            for heads in (whole, bare):
                for place, head in enumerate(heads):
                    if head == synonym:
                        yield known, place


@cache
def _synonyms(known: str) -> tuple[str, ...]:
    return tuple(heading(word) for word in layout("workbook")["columns"][known])


class _Reader:
    """Rows of one sheet; ``shared``: diagnoses and procedures stand side by side in it."""

    def __init__(self, sheet: Rows, report: ImportReport, *, shared: bool) -> None:
        self.sheet = sheet
        self.report = report
        self.shared = shared

    def read(self, kind: str, at: int, places: Mapping[str, tuple[int, str]]) -> list[SheetRow]:
        """The rows below the header, one a code."""
        spec = layout("workbook")["sheets"][kind]
        file = self.sheet.file
        header = [cells.plain(cell) for cell in self.sheet.rows[at][1]]
        last: dict[str, str] = {}
        found: list[SheetRow] = []
        for row, raw in self.sheet.rows[at + 1 :]:
            plain = [cells.plain(cell) for cell in raw]
            filled = [cell for cell in plain if cell]
            if plain == header:
                self.report.add("header_again", file, row)
                continue
            fields = {
                field: plain[place] if place < len(plain) else ""
                for field, (place, _) in places.items()
            }
            if len(filled) == 1 and not _is_data(fields, spec):
                self.report.add("remark", file, row, filled[0])
                continue
            above = frozenset(f for f in spec["fill"] if f in places and not fields[f])
            for field in spec["fill"]:
                if field in places:
                    last[field] = fields[field] = fields[field] or last.get(field, "")
            lacking = [field for field in spec["needs"] if not fields.get(field)]
            if lacking:
                told = {field for field, cell in fields.items() if cell}
                if told <= set(spec["fill"]) and len(told) == len(filled):
                    # a line that heads the rows below it
                    self.report.add("remark", file, row, " | ".join(filled))
                elif not (self.shared and lacking == ["code"]):
                    self.report.add("no_key", file, row, " | ".join(filled), column=lacking[0])
                continue
            found += self._one_each(SheetRow(file, row, fields, above))
        return found

    def _one_each(self, r: SheetRow) -> Iterator[SheetRow]:
        """The row once for each code in its cell."""
        if "code" not in r.fields:
            yield r
            return
        written = r["code"]
        parts = [cells.code(part) for part in _BETWEEN.split(written) if part]
        if len(parts) > 1:
            self.report.add("codes_in_cell", r.sheet, r.row, written, count=len(parts))
        elif parts and parts[0] != written:
            self.report.add("cleaned", r.sheet, r.row, written, column="code", value=parts[0])
        for code in parts:
            yield replace(r, fields={**r.fields, "code": code})


def _is_data(fields: Mapping[str, str], spec: Mapping[str, Any]) -> bool:
    """Whether the only cell of a row is one that counts, not a remark across the sheet."""
    told = next((cell for field, cell in fields.items() if cell and field in spec["needs"]), "")
    folded = unicodedata.normalize("NFKC", told)
    return bool(re.match(r"^(MDC)?\s*[A-Z0-9][A-Z0-9.+*x-]*$", folded, re.IGNORECASE))
