"""Write result frames: CSV, TSV, Parquet or XLSX by suffix, in constant memory, all or nothing.

A file is written under a temporary name beside its target, synced, and moved into place; on any
error, Ctrl-C included, the target is as before. Values are written as they are, also a cell that
begins with ``=``, unless the file is for people to open (``for_people``); XLSX stores it as text.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO, Literal

import polars as pl
from polars.io.plugins import register_io_source

from drg.claims.encoding import DENIED, FULL, system_code
from drg.claims.excel_safe import excel_safe
from drg.claims.frame import SEPARATOR
from drg.claims.workbook import Workbook
from drg.errors import InputError
from drg.placing import put_in_place
from drg.text import text

__all__ = [
    "OUTPUT_SUFFIXES", "atomic_path", "flat_columns", "output_suffix", "write_frames",
    "write_workbook",
]  # fmt: skip

OUTPUT_SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx")

Compression = Literal["zstd", "lz4", "uncompressed"]

_BATCH = 100_000
#: Level 1 takes the time of lz4 on claims, and its files are a third smaller.
_ZSTD_LEVEL = 1
_XLSX_WIDTHS = (8, 48)


def output_suffix(path: str | Path) -> str:
    """Suffix of an output, checked together with its folder before any work is done.

    Raises
    ------
    InputError
        F201 unknown suffix, F202 no such folder, F203 the path is a folder.
    """
    path = Path(path)
    where = str(path)
    if path.is_dir():
        raise InputError("F203", where=where)
    suffix = path.suffix.lower()
    if suffix not in OUTPUT_SUFFIXES:
        known = " ".join(OUTPUT_SUFFIXES)
        raise InputError("F201", where=where, suffix=suffix or path.name, known=known)
    if not path.parent.is_dir():
        raise InputError("F202", where=where, folder=str(path.parent))
    return suffix


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """A temporary path beside ``target``, moved onto it when the block ends well.

    Parameters
    ----------
    target : str or Path
        File to make or replace; a symbolic link is followed.

    Yields
    ------
    Path
        Where the block writes the file.

    Raises
    ------
    InputError
        F209 no room, F210 no permission, F204 another reason of the system. Any other error
        passes through; in every case the temporary file is gone and the target is untouched.
    """
    path = Path(target)
    final = path.resolve()
    draft = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        put_in_place(draft, final)
    except OSError as error:
        system = system_code(error)
        code = "F209" if system in FULL else "F210" if system in DENIED else "F204"
        raise InputError(code, where=str(path), system=system) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def write_frames(
    path: str | Path,
    frames: pl.LazyFrame | pl.DataFrame | Iterable[pl.DataFrame],
    *,
    schema: pl.Schema | None = None,
    metadata: Mapping[str, str] | None = None,
    compression: Compression = "uncompressed",
    for_people: bool = False,
) -> int:
    """Write frames one after the other to one file, rows in the given order.

    Parameters
    ----------
    path : str or Path
        Target; its suffix is one of ``OUTPUT_SUFFIXES``.
    frames : LazyFrame, DataFrame or iterable of DataFrame
        Rows; every frame has the same columns and dtypes. An iterable is consumed once, in
        order, one frame ahead of the writer.
    schema : polars.Schema, optional
        Columns of the frames; needed only for an iterable that may be empty.
    metadata : mapping of str to str, optional
        Provenance: Parquet file metadata, XLSX custom properties. CSV and TSV have no place.
    compression : {"uncompressed", "lz4", "zstd"}, optional
        Parquet only.
    for_people : bool, optional
        CSV and TSV: cells that a spreadsheet would run as formulas become text
        (``drg.claims.excel_safe``). For lists that people open; data stay as they are.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    InputError
        F201-F203 the path, F204, F209, F210 the system refuses to write, F205 xlsxwriter is
        missing, F206-F208 the format cannot hold the data. Errors raised while ``frames`` is
        iterated pass through unchanged.
    """
    suffix = output_suffix(path)
    if isinstance(frames, pl.DataFrame):
        schema, frames = frames.schema, [frames]
    elif isinstance(frames, pl.LazyFrame):
        schema = frames.collect_schema()
        frames = frames.collect_batches(chunk_size=_BATCH, maintain_order=True)
    batches = iter(frames)
    if schema is None:
        first = next(batches, None)
        if first is None:
            raise ValueError("an empty iterable needs a schema")
        schema, batches = first.schema, itertools.chain([first], batches)
    counted = _Counted(batches)
    try:
        with atomic_path(path) as draft:
            if suffix == ".xlsx":
                _write_xlsx(draft, counted, schema, metadata or {}, str(path))
            elif suffix == ".parquet":
                _sink_parquet(draft, counted, schema, metadata or {}, compression)
            else:
                _sink_text(draft, counted, schema, suffix, str(path), for_people)
    except InputError:
        if counted.error is not None:
            raise counted.error from None
        raise
    return counted.rows


@contextmanager
def write_workbook(
    path: str | Path,
    metadata: Mapping[str, str] | None = None,
    *,
    created: date | None = None,
) -> Iterator[Workbook]:
    """A workbook of several sheets, all or nothing.

    Parameters
    ----------
    path : str or Path
        Target, ``.xlsx``.
    metadata : mapping of str to str, optional
        Custom properties.
    created : date, optional
        As ``Workbook`` takes it.

    Raises
    ------
    InputError
        As ``write_frames``.
    """
    output_suffix(path)
    with (
        atomic_path(path) as draft,
        Workbook(draft, str(path), metadata, created=created) as book,
    ):
        yield book


class _Counted:
    """Passes frames on and counts their rows; keeps the error of their maker, if one occurs."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self.frames = frames
        self.rows = 0
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[pl.DataFrame]:
        try:
            for frame in self.frames:
                self.rows += frame.height
                yield frame
        except Exception as error:
            self.error = error
            raise


def _sink(
    draft: Path,
    counted: _Counted,
    schema: pl.Schema,
    sink: Callable[[pl.LazyFrame, BinaryIO], object],
) -> None:
    """Stream the frames into one of polars' sinks.

    The file is opened here: left to itself, polars may still be about to open it in a thread of
    its own when a failed run has already been cleaned up, and would leave it behind.
    """

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        yield from counted

    try:
        with draft.open("wb") as file:
            sink(register_io_source(source, schema=schema), file)
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error)) from error


def _sink_parquet(
    draft: Path,
    counted: _Counted,
    schema: pl.Schema,
    metadata: Mapping[str, str],
    compression: Compression,
) -> None:
    _sink(
        draft,
        counted,
        schema,
        lambda frame, file: frame.sink_parquet(
            file,
            compression=compression,
            compression_level=_ZSTD_LEVEL if compression == "zstd" else None,
            row_group_size=_BATCH,
            statistics=False,  # they cost a tenth of the writing and no reader of ours asks
            metadata=dict(metadata) or None,
        ),
    )


def _sink_text(
    draft: Path, counted: _Counted, schema: pl.Schema, suffix: str, where: str, for_people: bool
) -> None:
    flat = flat_columns(schema, where)
    joined = pl.Schema({**schema, **{expr.meta.output_name(): pl.String() for expr in flat}})
    safe = excel_safe(joined) if for_people else []
    _sink(
        draft,
        counted,
        schema,
        lambda frame, file: (
            frame.with_columns(flat)
            .with_columns(safe)
            .sink_csv(file, include_bom=True, separator="\t" if suffix == ".tsv" else ",")
        ),
    )


def flat_columns(schema: pl.Schema, where: str) -> list[pl.Expr]:
    """Expressions that turn list columns into joined text; other nesting is refused.

    Raises
    ------
    InputError
        F206.
    """
    expressions = []
    for name, dtype in schema.items():
        if isinstance(dtype, pl.List) and not dtype.inner.is_nested():
            texts = pl.element().cast(pl.String).fill_null("")
            expressions.append(pl.col(name).list.eval(texts).list.join(SEPARATOR))
        elif dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise InputError("F206", where=where, column=name, dtype=str(dtype))
    return expressions


def _write_xlsx(
    draft: Path,
    counted: _Counted,
    schema: pl.Schema,
    metadata: Mapping[str, str],
    where: str,
) -> None:
    flat = flat_columns(schema, where)
    with Workbook(draft, where, metadata) as book:
        sheet = book.sheet(text("readers.sheet"), schema.names(), widths=_widths(schema))
        for batch in counted:
            sheet.append(batch.with_columns(flat))


def _widths(schema: pl.Schema) -> dict[str, int]:
    """Codes and names wide, everything else as wide as its heading."""
    low, high = _XLSX_WIDTHS
    wide = ("diagnoses", "procedures", "group_name")
    return {
        name: high
        if isinstance(dtype, pl.List) or name in wide
        else max(low, min(2 * len(name), high // 2))
        for name, dtype in schema.items()
    }
