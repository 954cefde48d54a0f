"""An open claim file: its columns, its rows in order, batch by batch.

Whatever is wrong with a file is one ``InputError``: code, place, mend.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from drg.claims.days import impossible_day
from drg.claims.delimited import Layout, find_bad_row
from drg.claims.encoding import DENIED, system_code
from drg.claims.profiles import ClaimColumns
from drg.errors import InputError

__all__ = ["BATCH", "ClaimSource", "explained"]

#: Rows in a batch: large enough for threads, small enough to keep memory flat.
BATCH = 100_000
#: Rows of a Parquet file read at once: smaller ones decode large row groups again and again.
_SLICE = 200_000
#: polars puts the name of a repeated column in quotes.
_QUOTED = re.compile(r"['\"`](.*)['\"`]")


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

    def batches(
        self,
        size: int = BATCH,
        *,
        without: Sequence[str] = (),
        first: int = 0,
        rows: int | None = None,
    ) -> Iterator[pl.DataFrame]:
        """The rows in order, in frames of about ``size`` rows (no frame when there are none).

        Parameters
        ----------
        size : int, optional
        without : sequence of str, optional
            Columns that need not be read.
        first : int, optional
            Rows before this one, from 0, are left out.
        rows : int, optional
            Rows to read; all up to the end when omitted.

        Raises
        ------
        InputError
            The file turns out to be damaged further on: F113, F114, F120, F127; F122 when the rows
            read are not as many as there should be, so that no claim is ever lost in silence.
        """
        given = 0
        end = self.rows if rows is None else min(self.rows, first + rows)
        wanted = self._frame.drop(without) if without else self._frame
        for frame in self._frames(wanted, size, first, end):
            given += frame.height
            if frame.height:
                yield frame
        if given != max(0, end - first):
            raise InputError(
                "F122", where=str(self.path), found=first + given, wanted=max(first, end)
            )

    def cells(self, names: Sequence[str] | None = None) -> pl.DataFrame:
        """Every row at once: for a table that is known to be small.

        Parameters
        ----------
        names : sequence of str, optional
            Columns, in this order; all when omitted.

        Raises
        ------
        InputError
            As ``batches``.
        """
        wanted = self.schema.names() if names is None else [*names]
        unread = [name for name in self.schema if name not in wanted]
        empty = pl.DataFrame(schema={n: t for n, t in self.schema.items() if n in wanted})
        return pl.concat([empty, *self.batches(without=unread)]).select(wanted)

    def _frames(
        self, wanted: pl.LazyFrame, size: int, first: int, end: int
    ) -> Iterator[pl.DataFrame]:
        if self.path.suffix.lower() == ".parquet":
            yield from self._slices(wanted, size, first, end)
            return
        if first or end < self.rows:  # to the end of the file, rows too many are to be noticed
            wanted = wanted.slice(first, None if end == self.rows else max(0, end - first))
        with explained(self.path):
            try:
                yield from wanted.collect_batches(chunk_size=size, maintain_order=True)
            except pl.exceptions.PolarsError:
                if text := self._layout:  # too short and too long rows may have evened out
                    find_bad_row(text.path, text.separator, len(text.names), str(self.path))
                raise

    def _slices(
        self, wanted: pl.LazyFrame, size: int, first: int, end: int
    ) -> Iterator[pl.DataFrame]:
        """Parquet slice by slice: left to itself, polars reads many row groups ahead."""
        for start in range(first, end, _SLICE):
            with explained(self.path):
                part = wanted.slice(start, min(_SLICE, end - start)).collect(engine="streaming")
            if odd := impossible_day(part):
                column, row = odd
                raise InputError("F127", where=str(self.path), column=column, row=start + row + 1)
            yield from part.iter_slices(size)

    def close(self) -> None:
        """Remove temporary files; the scan is not valid any more."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


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
