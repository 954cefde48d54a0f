"""Grouped claims written: a whole file, or part after part of one.

The only place where grouping meets reading and writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from drg.claims.readers import ClaimSource
from drg.claims.writers import Compression, write_frames
from drg.scale.even_frames import even_frames
from drg.scale.group_work import GroupCount, GroupWork

__all__ = ["Cut", "Opened"]

_PARQUET = ".parquet"


class Cut(NamedTuple):
    """Rows of a file that become one part.

    Attributes
    ----------
    first, rows : int
        First row, from 0, and number of rows.
    """

    first: int
    rows: int


class Opened:
    """An open file of claims, to be written with results beside them.

    Parameters
    ----------
    source : ClaimSource
    work : GroupWork
    """

    def __init__(self, source: ClaimSource, work: GroupWork) -> None:
        self.source = source
        self._schema = work.schema(source.schema)
        self._columns = source.columns

    @property
    def divisible(self) -> bool:
        """Whether a part can be read without what stands before it."""
        return self.source.path.suffix.lower() == _PARQUET

    def whole(self) -> Cut:
        """All rows as one part."""
        return Cut(0, self.source.rows)

    def cuts(self, most: int) -> list[Cut]:
        """Parts of at most so many rows, which depend on nothing but the file; at least one."""
        firsts = range(0, max(1, self.source.rows), most)
        return [Cut(first, min(most, self.source.rows - first)) for first in firsts]

    def frames(self, cut: Cut, size: int) -> Iterator[pl.DataFrame]:
        """Rows of a part, in frames of ``size`` rows."""
        return even_frames(self.source.batches(size, first=cut.first, rows=cut.rows), size)

    def write(
        self,
        path: Path,
        frames: Iterator[pl.DataFrame],
        count: GroupCount,
        *,
        metadata: Mapping[str, str],
        compression: Compression = "uncompressed",
        threads: int | None = None,
        each: Callable[[pl.DataFrame], None] | None = None,
    ) -> int:
        """Group a part's frames and write them, all or nothing.

        Parameters
        ----------
        path : Path
        frames : iterator of DataFrame
            What ``frames`` gives for the part.
        count : GroupCount
        metadata, compression
            As for ``write_frames``.
        threads : int, optional
            Threads of the kernel; one a core when omitted.
        each : callable, optional
            Is shown every grouped frame before it is written.

        Returns
        -------
        int
            Rows written.

        Raises
        ------
        InputError
            As ``write_frames``.
        """

        def grouped() -> Iterator[pl.DataFrame]:
            for frame in frames:
                made = count.grouped(frame, self._columns, threads)
                if each is not None:
                    each(made)
                yield made

        return write_frames(
            path, grouped(), schema=self._schema, metadata=metadata, compression=compression
        )
