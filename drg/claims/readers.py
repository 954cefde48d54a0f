"""Open a claim file: CSV, TSV, Parquet, XLSX, JSON, as the file's own columns, rows in order.

Text stays text, Parquet keeps its dtypes, XLSX cells become text; JSON holds settlement lists.
Whatever is wrong with a file is one ``InputError``: code, place, mend.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import polars as pl

from drg.claims.delimited import Layout, check_names, find_bad_row, layout
from drg.claims.derived import derive
from drg.claims.encoding import DENIED, plain_text, system_code
from drg.claims.interface.lists import LIST_SUFFIXES, open_lists
from drg.claims.profiles import ClaimColumns, Header, load_profiles, match_columns
from drg.errors import InputError

__all__ = ["BATCH", "INPUT_SUFFIXES", "ClaimSource", "explained", "open_claims", "open_table"]

#: Rows in a batch: large enough for threads, small enough to keep memory flat.
BATCH = 100_000
#: Rows of a Parquet file read at once: smaller ones decode large row groups again and again.
_SLICE = 200_000
INPUT_SUFFIXES = (
    ".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet", ".xlsx", *LIST_SUFFIXES,
)  # fmt: skip

_SAMPLE = 10_000
_MAGIC = {
    b"PK\x03\x04": "xlsx",
    b"PAR1": "parquet",
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0": "xls",
}
#: polars puts the name of a repeated column in quotes.
_QUOTED = re.compile(r"['\"`](.*)['\"`]")
_DATE_CELL = r"^\d{4}-\d{2}-\d{2} 00:00:00$"


class ClaimSource:
    """An open claim file; a context manager that removes its temporary files.

    Attributes
    ----------
    path : Path
        The file as named by the caller.
    columns : ClaimColumns
        Which columns feed the canonical fields.
    schema : polars.Schema
        Names and dtypes of the file's own columns, in the file's order.
    rows : int
        Number of claims.
    encoding : str
        ``utf-8``, ``utf-8-sig``, ``utf-16``, ``gb18030``; empty for Parquet and XLSX.
    items : LazyFrame or None
        Charges by class, of a file of settlement lists; None for any other file.
    """

    def __init__(
        self, path: Path, frame: pl.LazyFrame, schema: pl.Schema, rows: int, encoding: str
    ) -> None:
        self.path = path
        self.schema = schema
        self.rows = rows
        self.encoding = encoding
        self.columns = ClaimColumns({}, (), False)
        self._frame = frame
        self.items: pl.LazyFrame | None = None
        self._layout: Layout | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def scan(self) -> pl.LazyFrame:
        """The file's own columns, every row, in order. Valid until the source is closed."""
        return self._frame

    def add(self, made: Sequence[pl.Expr]) -> None:
        """Add columns of text behind the file's own."""
        self._frame = self._frame.with_columns(made)
        names = dict.fromkeys((expr.meta.output_name() for expr in made), pl.String())
        self.schema = pl.Schema({**self.schema, **names})

    def batches(self, size: int = BATCH, *, without: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """The rows in order, in frames of about ``size`` rows (no frame when there are none).

        Parameters
        ----------
        size : int, optional
        without : sequence of str, optional
            Columns that need not be read.

        Raises
        ------
        InputError
            The file turns out to be damaged further on: F113, F114, F120; F122 when the rows
            read are not as many as ``rows``, so that no claim is ever lost in silence.
        """
        given = 0
        wanted = self._frame.drop(without) if without else self._frame
        for frame in self._frames(wanted, size):
            given += frame.height
            if frame.height:
                yield frame
        if given != self.rows:
            raise InputError("F122", where=str(self.path), found=given, wanted=self.rows)

    def _frames(self, wanted: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
        if self.path.suffix.lower() == ".parquet":
            yield from self._slices(wanted, size)
            return
        with explained(self.path):
            try:
                yield from wanted.collect_batches(chunk_size=size, maintain_order=True)
            except pl.exceptions.PolarsError:
                if text := self._layout:  # too short and too long rows may have evened out
                    find_bad_row(text.path, text.separator, len(text.names), str(self.path))
                raise

    def _slices(self, wanted: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
        """Parquet slice by slice: left to itself, polars reads many row groups ahead."""
        for start in range(0, self.rows, _SLICE):
            with explained(self.path):
                part = wanted.slice(start, _SLICE).collect(engine="streaming")
            yield from part.iter_slices(size)

    def close(self) -> None:
        """Remove temporary files; the scan is not valid any more."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> ClaimSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Workdir:
    """A temporary folder made on first use."""

    def __init__(self) -> None:
        self.folder: tempfile.TemporaryDirectory[str] | None = None

    def __call__(self) -> Path:
        if self.folder is None:
            self.folder = tempfile.TemporaryDirectory(prefix="drg-")
        return Path(self.folder.name)


def open_claims(
    path: str | Path, *, sheet: str | int | None = None, profile: str | None = None
) -> ClaimSource:
    """Open a claim file and find the claim's fields among its columns.

    Parameters
    ----------
    path : str or Path
        File with one of ``INPUT_SUFFIXES``.
    sheet : str or int, optional
        XLSX only: sheet by name, or by position from 0; the first when omitted.
    profile : str, optional
        Read the header with this profile only.

    Returns
    -------
    ClaimSource
        Rows in the file's order. A file with a header and no rows is valid.

    Raises
    ------
    InputError
        The file is missing, of an unknown kind, damaged, or lacks a needed column.
    TableError
        A header profile is broken.
    """
    source = open_table(path, sheet=sheet)
    try:
        with explained(source.path):
            columns = match_columns(
                source.schema.names(), source.schema, where=str(path), profile=profile
            )
            source.columns = _choose_separator(_derived(columns, source), source)
    except BaseException:
        source.close()
        raise
    return source


def open_table(path: str | Path, *, sheet: str | int | None = None) -> ClaimSource:
    """Open any file that claims could stand in; no field of a claim is looked for.

    Parameters
    ----------
    path, sheet
        As for ``open_claims``.

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
    suffix = _suffix(path)
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


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what polars and the system say about reading ``path`` into an ``InputError``."""
    where = str(path)
    try:
        yield
    except FileNotFoundError as error:
        raise InputError("F101", where=where) from error
    except pl.exceptions.DuplicateError as error:
        name = _QUOTED.search(str(error))
        raise InputError("F111", where=where, column=name[1] if name else "?") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        # A damaged Parquet page can make polars panic, which is no Exception.
        raise InputError("F120", where=where) from error
    except OSError as error:
        system = system_code(error)
        code = "F124" if system in DENIED else "F105"
        raise InputError(code, where=where, system=system) from error


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    suffix = "".join(suffixes) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
    if suffix not in INPUT_SUFFIXES and not path.is_dir():
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


def _derived(columns: ClaimColumns, source: ClaimSource) -> ClaimColumns:
    """Add what the file's profile works out: translated codes and the like, behind its columns."""
    rules = next(p.derived for p in load_profiles() if p.id == columns.profile)
    if rules is None:
        return columns
    made, columns = derive(columns, rules, Header(source.schema.names(), str(source.path)))
    source.add(made)
    return columns


def _choose_separator(columns: ClaimColumns, source: ClaimSource) -> ClaimColumns:
    """Of the separators the profile declares, the one that the joined columns use most."""
    joined = [
        name
        for names, is_joined in (
            (columns.diagnoses, columns.diagnoses_joined),
            (columns.procedures, columns.procedures_joined),
        )
        if is_joined
        for name in names
        if source.schema[name] in (pl.String, pl.Categorical, pl.Enum)
    ]
    declared = next(p.separators for p in load_profiles() if p.id == columns.profile)
    if not joined or len(declared) == 1:
        return columns
    text = pl.concat_str([pl.col(name).cast(pl.String) for name in joined], ignore_nulls=True)
    uses = (
        source.scan()
        .head(_SAMPLE)
        .select(text.str.count_matches(mark, literal=True).sum().alias(mark) for mark in declared)
    )
    counts = uses.collect().row(0, named=True)
    return replace(columns, separator=max(declared, key=lambda mark: counts[mark]))
