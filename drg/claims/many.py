"""Several claim files as one: the same columns in each, rows file after file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from drg.claims.input_files import InputFile
from drg.claims.open_file import open_file
from drg.claims.source import BATCH, ClaimSource
from drg.errors import InputError

__all__ = ["ManySources", "check_alike", "open_files", "open_input"]

_SHOWN = 8


class ManySources(ClaimSource):
    """Open files as one source; ``path`` is what the caller named.

    Attributes
    ----------
    sources : tuple of ClaimSource
        In order; each has the columns of its folders behind its own.
    """

    def __init__(self, path: Path, sources: Sequence[ClaimSource]) -> None:
        self.sources = tuple(sources)
        first = self.sources[0]
        rows = sum(source.rows for source in self.sources)
        super().__init__(path, first.scan(), first.schema, rows, first.encoding)
        items = [source.items for source in self.sources]
        if all(one is not None for one in items):
            self.items = pl.concat([one for one in items if one is not None])

    def scan(self) -> pl.LazyFrame:
        return pl.concat([source.scan().select(self.schema.names()) for source in self.sources])

    def add(self, made: Sequence[pl.Expr]) -> None:
        for source in self.sources:
            source.add(made)
        self.schema = pl.Schema({**self.schema, **_added(made)})

    def batches(
        self,
        size: int = BATCH,
        *,
        without: Sequence[str] = (),
        first: int = 0,
        rows: int | None = None,
    ) -> Iterator[pl.DataFrame]:
        names = [name for name in self.schema if name not in without]
        end = self.rows if rows is None else first + rows
        for source in self.sources:
            start, stop = max(0, first), min(source.rows, end)
            if start < stop:
                for frame in source.batches(size, without=without, first=start, rows=stop - start):
                    yield frame.select(names)
            first, end = first - source.rows, end - source.rows

    def close(self) -> None:
        for source in self.sources:
            source.close()


def open_files(
    path: Path, files: Sequence[InputFile], *, sheet: str | int | None = None
) -> ManySources:
    """Open files one after the other.

    Parameters
    ----------
    path : Path
        What the caller named, for messages.
    files : sequence of InputFile
        At least one (``drg.claims.input_files.input_files``).
    sheet : str or int, optional
        XLSX only, as for ``open_file``.

    Raises
    ------
    InputError
        As ``open_file``; F193: files differ in columns.
    """
    with ExitStack() as stack:
        sources = [stack.enter_context(open_input(file, sheet=sheet)) for file in files]
        for source in sources[1:]:
            check_alike(sources[0], source)
        stack.pop_all()
    return ManySources(path, sources)


def open_input(file: InputFile, *, sheet: str | int | None = None) -> ClaimSource:
    """Open one of several files, with the columns that its folders give it.

    A column of the file's own stands before one of a folder's.

    Raises
    ------
    InputError
        As ``open_file``.
    """
    source = open_file(file.path, sheet=sheet)
    keys = {name: value for name, value in file.keys if name not in source.schema}
    if keys:
        source.add([pl.lit(value, pl.String).alias(name) for name, value in keys.items()])
    return source


def check_alike(first: ClaimSource, other: ClaimSource) -> None:
    """Hold the columns of a file to those of the first; their order may differ.

    Raises
    ------
    InputError
        F193.
    """
    if dict(first.schema) == dict(other.schema):
        return
    unlike = [
        _told(name, first.schema.get(name), other.schema.get(name))
        for name in dict.fromkeys((*first.schema, *other.schema))
        if first.schema.get(name) != other.schema.get(name)
    ]
    more = f" … ({len(unlike)})" if len(unlike) > _SHOWN else ""
    told = ", ".join(unlike[:_SHOWN]) + more
    raise InputError("F193", where=str(other.path), first=str(first.path), columns=told)


def _told(name: str, first: pl.DataType | None, other: pl.DataType | None) -> str:
    """``age: Int64 ≠ String``; ``+ age``: only the other file has it; ``- age``: only the first.

    The categories of an Enum are left out: they can be thousands.
    """
    if first is None or other is None:
        return f"{'+' if first is None else '-'} {name}"
    return f"{name}: {first.base_type()} ≠ {other.base_type()}"


def _added(made: Sequence[pl.Expr]) -> dict[str, pl.DataType]:
    return dict.fromkeys((expr.meta.output_name() for expr in made), pl.String())
