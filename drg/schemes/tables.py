"""Tables of a scheme: CSV + TOML in, checked polars frames out.

Every cell is text. A table is refused when its digest, row count, header, key or a cell is
wrong; the error names file, row (as an editor counts, header = 1), column and mend.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from drg.errors import TableError
from drg.forked import refuse_after_fork
from drg.paths import beside
from drg.schemes.folder import Folder

#: Codes longer than this are never in a code list; the kernel's key reads this many bytes.
MAX_CODE_BYTES = 24
_CODE_COLUMNS = ("code", "principal_diagnosis", "clinical", "insurance")
#: A table file past this size is refused unread; the largest published one is 1.3 MB.
MAX_TABLE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: may its cells be empty, must they be integers, which are allowed."""

    name: str
    empty: bool = False
    integer: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFormat:
    """Columns and key of one table file; ``optional`` tables may be absent."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    optional: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}.csv"

    @property
    def header(self) -> list[str]:
        return [column.name for column in self.columns]


def _format(
    name: str, columns: Sequence[Column | str], key: str, optional: bool = False
) -> TableFormat:
    made = tuple(c if isinstance(c, Column) else Column(c) for c in columns)
    return TableFormat(name, made, tuple(key.split()), optional)


_ORDER = Column("order", integer=True)
_KIND = Column("kind", choices=("dx", "px"))
ADRG_KINDS = ("surgical", "non_or_procedure", "medical", "ambiguous")
#: A carrier may list a code in both; it then fulfils either test.
LEVELS = ("MCC", "CC", "MCC+CC")
CHECK_LEVELS = ("stop", "note")

#: Every table of a scheme folder (DESIGN section 3).
SCHEME_TABLES: Mapping[str, TableFormat] = {
    t.name: t
    for t in (
        _format("mdc", [_ORDER, "mdc", "name", "rule"], "mdc"),
        _format("mdc_diagnosis", ["mdc", "code", Column("site", empty=True)], "mdc code"),
        _format(
            "adrg",
            [
                "mdc",
                _ORDER,
                "adrg",
                Column("rule_no", integer=True),
                "name",
                Column("kind", choices=ADRG_KINDS),
                "rule",
                Column("reason", empty=True),
            ],
            "mdc adrg rule_no",
        ),
        _format(
            "drg",
            ["adrg", Column("rule_no", empty=True, integer=True), _ORDER, "drg", "name", "rule"],
            "adrg rule_no order",
        ),
        _format("code_set", ["set", _KIND, "code"], "set code"),
        _format("severity", ["code", Column("level", choices=LEVELS), "exclusion_table"], "code"),
        _format("exclusion", ["principal_diagnosis", "exclusion_table"], "principal_diagnosis"),
        _format("valid_procedure", ["code", Column("name", empty=True)], "code"),
        _format("grey_code", [_KIND, "code"], "kind code", optional=True),
        _format("check", [_ORDER, "check", Column("level", choices=CHECK_LEVELS), "rule"], "check"),
    )
}


def read_table(folder: Folder, table: TableFormat) -> pl.DataFrame:
    """Read one table of a folder and check it against its format and its TOML entry.

    Returns
    -------
    pl.DataFrame
        The format's columns, all ``String``, empty cells as ``""``; row order of the file.

    Raises
    ------
    TableError
        T102 file missing · T103 digest · T104 rows · T105 header · T106 empty cell ·
        T107 key twice · T108 not an integer · T109 not an allowed value · T110 not CSV in UTF-8 ·
        T223 a link that leads out of the folder.
    """
    refuse_after_fork()
    path = beside(folder.path, table.file)
    entry = folder.entries.get(table.name)
    if entry is None:
        raise TableError("T121", where=folder.where, table=table.name)
    frame = _read_csv(path, entry.sha256)
    if frame.columns != table.header:
        raise TableError(
            "T105", where=str(path), found=",".join(frame.columns), wanted=",".join(table.header)
        )
    if frame.height != entry.rows:
        raise TableError("T104", where=str(path), found=frame.height, wanted=entry.rows)
    check_cells(frame, table, str(path))
    return frame


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _read_csv(path: Path, sha256: str) -> pl.DataFrame:
    try:
        if not path.is_file():  # a pipe would be waited for, a device has no end
            raise TableError("T102", where=str(path))
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise TableError("T122", where=str(path), limit=MAX_TABLE_BYTES)
        data = path.read_bytes()
    except OSError as error:
        raise TableError("T102", where=str(path)) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise TableError("T103", where=str(path), found=found[:12], wanted=sha256[:12])
    try:
        return pl.read_csv(data, infer_schema=False, empty_string_is_null=False)
    except pl.exceptions.PolarsError as error:
        raise TableError("T110", where=str(path), detail=str(error).splitlines()[0]) from error


def check_cells(frame: pl.DataFrame, table: TableFormat, where: str) -> None:
    """Refuse empty cells, non-integers, values outside a choice and repeated keys."""
    for column in table.columns:
        cells = pl.col(column.name)
        if not column.empty:
            _refuse(frame, cells == "", "T106", where, column.name)
        if column.name in _CODE_COLUMNS:
            _refuse(frame, cells != cells.str.strip_chars(), "T128", where, column.name)
            long = cells.str.len_bytes() > MAX_CODE_BYTES
            _refuse(frame, long, "T117", where, column.name, limit=MAX_CODE_BYTES)
        if column.integer:
            bad = ~cells.str.contains(r"^-?\d{1,9}$")
            _refuse(frame, bad & (cells != "") if column.empty else bad, "T108", where, column.name)
        if column.choices:
            _refuse(
                frame,
                ~cells.is_in(list(column.choices)),
                "T109",
                where,
                column.name,
                choices=" / ".join(column.choices),
            )
    key = pl.struct(table.key)
    _refuse(frame, ~key.is_first_distinct(), "T107", where, ",".join(table.key))


def _refuse(
    frame: pl.DataFrame, bad: pl.Expr, code: str, where: str, column: str, **params: object
) -> None:
    mask = frame.select(bad.fill_null(True)).to_series()
    row = mask.arg_max() if mask.any() else None
    if row is not None:
        cells = [str(frame[row, name]) for name in column.split(",")]
        raise TableError(
            code, where=where, row=row + 2, column=column, cell=",".join(cells), **params
        )
