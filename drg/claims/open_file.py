"""Open one file of any kind: CSV, TSV, Parquet, XLSX, JSON, as the file's own columns.

Text stays text, Parquet keeps its dtypes, XLSX cells become text; JSON holds settlement lists.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from drg.claims.delimited import check_names, layout
from drg.claims.encoding import plain_text
from drg.claims.interface.lists import LIST_SUFFIXES, open_lists
from drg.claims.source import ClaimSource, explained
from drg.claims.workbook_bounds import check_workbook
from drg.errors import InputError

__all__ = ["INPUT_SUFFIXES", "open_file", "suffix_of"]

INPUT_SUFFIXES = (
    ".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet", ".xlsx", *LIST_SUFFIXES,
)  # fmt: skip

_MAGIC = {
    b"PK\x03\x04": "xlsx",
    b"PAR1": "parquet",
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0": "xls",
}
_DATE_CELL = r"^\d{4}-\d{2}-\d{2} 00:00:00$"


class _Workdir:
    """A temporary folder made on first use."""

    def __init__(self) -> None:
        self.folder: tempfile.TemporaryDirectory[str] | None = None

    def __call__(self) -> Path:
        if self.folder is None:
            # Windows removes no file that is still mapped.
            self.folder = tempfile.TemporaryDirectory(prefix="drg-", ignore_cleanup_errors=True)
        return Path(self.folder.name)


def open_file(path: str | Path, *, sheet: str | int | None = None) -> ClaimSource:
    """Open one file that claims could stand in; no field of a claim is looked for.

    Parameters
    ----------
    path : str or Path
        File with one of ``INPUT_SUFFIXES``.
    sheet : str or int, optional
        XLSX only: sheet by name, or by position from 0; the first when omitted.

    Returns
    -------
    ClaimSource
        Its ``columns`` name nothing.

    Raises
    ------
    InputError
        The file is missing, of an unknown kind or damaged.
    """
    path = Path(path)
    suffix = suffix_of(path)
    workdir = _Workdir()
    try:
        with explained(path):
            _check_kind(path, suffix)
            if sheet is not None and suffix != ".xlsx":
                raise InputError("F123", where=str(path), sheet=sheet)
            if suffix == ".parquet":
                source = _open_parquet(path)
            elif suffix == ".xlsx":
                source = _open_xlsx(path, sheet or 0)
            elif suffix in LIST_SUFFIXES:
                source = _open_json(path, workdir)
            else:
                source = _open_text(path, suffix, workdir)
    except BaseException:
        if workdir.folder is not None:
            workdir.folder.cleanup()
        raise
    source._folder = workdir.folder
    return source


def suffix_of(path: Path) -> str:
    """Suffix of an input in lower case, with ``.gz`` where it has one.

    Raises
    ------
    InputError
        F101: no suffix, and nothing is there. F104: none of ``INPUT_SUFFIXES``.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    suffix = "".join(suffixes) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
    if suffix not in INPUT_SUFFIXES and not path.is_dir():
        if not path.suffix and not path.exists():  # a folder, rather than a kind of file
            raise InputError("F101", where=str(path))
        known = " ".join(INPUT_SUFFIXES)
        raise InputError("F104", where=str(path), suffix=suffix or path.name, known=known)
    return suffix


def _check_kind(path: Path, suffix: str) -> None:
    """Refuse what is no file, is empty, or holds another format than its name says."""
    where = str(path)
    if path.is_dir():
        raise InputError("F102", where=where)
    if not path.exists():
        raise InputError("F101", where=where)
    if not path.is_file():
        raise InputError("F125", where=where)
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise InputError("F162" if suffix in LIST_SUFFIXES else "F103", where=where)
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    wanted = "gzip" if suffix.endswith(".gz") else suffix[1:]
    if found and found != wanted:
        raise InputError("F106", where=where, kind=found)
    if not found and wanted == "gzip":
        raise InputError("F109", where=where)


def _open_text(path: Path, suffix: str, workdir: Callable[[], Path]) -> ClaimSource:
    plain = plain_text(path, workdir)
    shape = layout(plain.path, workdir, tabs=suffix.startswith(".tsv"), where=str(path))
    schema = pl.Schema(dict.fromkeys(shape.names, pl.String()))
    frame = pl.scan_csv(
        shape.path,
        separator=shape.separator,
        has_header=False,  # the header is known; polars would hold its blank names against it
        skip_rows=1,
        schema=schema,
        glob=False,
    )
    source = ClaimSource(path, frame, schema, shape.rows, plain.encoding)
    source._layout = shape
    return source


def _open_json(path: Path, workdir: Callable[[], Path]) -> ClaimSource:
    claims, items, schema, rows, encoding = open_lists(path, workdir)
    source = ClaimSource(path, claims, schema, rows, encoding)
    source.items = items
    return source


def _open_parquet(path: Path) -> ClaimSource:
    try:
        frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        schema = frame.collect_schema()
        rows = int(frame.select(pl.len()).collect().item())
    except pl.exceptions.DuplicateError:
        raise
    except pl.exceptions.PolarsError as error:
        raise InputError("F118", where=str(path)) from error
    # A column without any value has no dtype; as text it can be written to every format.
    untyped = [name for name, dtype in schema.items() if dtype == pl.Null]
    if untyped:
        frame = frame.with_columns(pl.col(untyped).cast(pl.String))
        schema = pl.Schema({**schema, **dict.fromkeys(untyped, pl.String())})
    return ClaimSource(path, frame, schema, rows, "")


def _open_xlsx(path: Path, sheet: str | int) -> ClaimSource:
    where = str(path)
    try:
        import fastexcel
    except ImportError as error:
        raise InputError("F116", where=where) from error
    check_workbook(path)
    try:
        book = fastexcel.read_excel(path)
        names = book.sheet_names
        if sheet not in (names if isinstance(sheet, str) else range(len(names))):
            known = ", ".join(names)
            raise InputError("F117", where=where, sheet=sheet, known=known)
        # The header is a row like the others here, so that repeated names are seen.
        cells = book.load_sheet(sheet, header_row=None, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise InputError("F115", where=where) from error
    if cells.height == 0:
        raise InputError("F103", where=where)
    heads = check_names([str(name or "") for name in cells.row(0)], where)
    frame = cells.slice(1).rename(dict(zip(cells.columns, heads, strict=True)))
    frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    frame = frame.with_columns(_as_dates(frame))
    return ClaimSource(path, frame.lazy(), frame.schema, frame.height, "")


def _as_dates(frame: pl.DataFrame) -> list[pl.Expr]:
    """Date cells come as midnight; a column that holds nothing else loses its clock."""
    columns = frame.select(
        pl.all().str.contains(_DATE_CELL).all() & pl.all().is_not_null().any()
    ).row(0, named=True)
    return [pl.col(name).str.head(10) for name, only_dates in columns.items() if only_dates]
