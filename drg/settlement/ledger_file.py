"""A ledger that is written while it is posted and proved from its file, never held whole.

A month of ten million claims has thirty million entries. Of them only the sums, the entries of
claims that somebody decided on, and those of batches are kept.
"""

from __future__ import annotations

import queue
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.writers import write_frames
from drg.settlement.ledger import (
    CLAIM_ACCOUNTS,
    HEADS,
    LEDGER_SCHEMA,
    Ledger,
    added_sums,
    entry_sums,
)
from drg.settlement.ledger_check import check_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drg.settlement.ledger_check import LedgerFault

__all__ = ["LedgerFile", "LedgerTail", "StoredLedger", "posting_sums"]

#: Frames on their way to the writer.
_WAITING = 2
#: Seconds between looks whether the writer still writes.
_LOOK = 0.2


class StoredLedger(Ledger):
    """A ledger in a file: its entries are read when they are asked for.

    Parameters
    ----------
    path : Path
    sums : DataFrame
        As ``Ledger.sums``.
    count : int
        Number of entries.
    """

    def __init__(self, path: Path, sums: pl.DataFrame, count: int) -> None:
        self.path = path
        self.__dict__["sums"] = sums
        self._count = count

    @cached_property
    def entries(self) -> pl.DataFrame:  # type: ignore[override]
        """Every entry."""
        return Ledger.read(self.path).entries

    @property
    def count(self) -> int:
        """How many entries there are."""
        return self._count

    def scan(self) -> pl.LazyFrame:
        """The entries, read as far as they are asked for."""
        return pl.scan_parquet(self.path, glob=False, hive_partitioning=False)

    def at(self, path: Path) -> StoredLedger:
        """The same ledger after its file was moved."""
        return StoredLedger(path, self.sums, self._count)

    def check(
        self,
        claims: pl.DataFrame | pl.LazyFrame | None = None,
        *,
        allocated: Mapping[str, int] | None = None,
    ) -> list[LedgerFault]:
        """As ``Ledger.check``, of what stands in the file, part by part."""
        if claims is not None and not allocated and check_file(self.path, claims, self.sums):
            return []
        # What is wrong is named by the whole ledger, and sums are made anew.
        return Ledger.read(self.path).check(claims, allocated=allocated)

    def write(self, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
        """Write the entries as Parquet; where they stand already nothing is written."""
        if metadata is not None:
            super().write(path, metadata)
        elif Path(path) != self.path:
            shutil.copyfile(self.path, path)


class LedgerTail(Ledger):
    """The end of a ledger whose claims are in its file.

    ``entries`` are those of claims that were asked for, and all that was posted since; ``sums`` and
    ``count`` are whole.
    """

    def __init__(self, entries: pl.DataFrame, sums: pl.DataFrame, before: int) -> None:
        super().__init__(entries)
        self.__dict__["sums"] = sums
        self._before = before

    @property
    def count(self) -> int:
        """How many entries there are, those in the file included."""
        return self._before + self.entries.height

    def _grown(self, entries: pl.DataFrame) -> Ledger:
        return LedgerTail(entries, self.sums, self._before)


class LedgerFile:
    """Posts claims into a file as they come, beside the caller; ``finish`` or ``abandon`` it.

    Parameters
    ----------
    path : Path
    run : int
    period : str
    wanted : Series of String
        Refs of claims whose entries are kept at hand as well.
    """

    def __init__(self, path: Path, run: int, period: str, wanted: pl.Series) -> None:
        self.path, self.claims, self._count = path, 0, 0
        self._run, self._period = run, period
        self._wanted = wanted.unique()
        self._sums: list[pl.DataFrame] = []
        self._kept: list[pl.DataFrame] = []
        self._queue: queue.Queue[pl.DataFrame | None] = queue.Queue(_WAITING)
        self._abandoned = False
        self._pool = ThreadPoolExecutor(1)
        self._written = self._pool.submit(
            copy_context().run, write_frames, path, self._frames(), schema=LEDGER_SCHEMA,
            compression="zstd",
        )  # fmt: skip

    def post(self, posted: pl.DataFrame, entries: pl.DataFrame) -> None:
        """Post claims behind those that are there.

        Parameters
        ----------
        posted, entries : DataFrame
            ``POSTING_SCHEMA`` and what ``claim_entries`` makes of it.
        """
        self.claims += posted.height
        if not entries.height:
            return
        self._sums.append(posting_sums(posted, self._period))
        if len(self._sums) > 1:
            self._sums = [added_sums(self._sums)]
        # Numbered as ``Ledger.append`` numbers them.
        numbered = LedgerTail(_none(), _no_sums(), self._count).append(entries, run=self._run)
        self._count += entries.height
        if len(self._wanted):
            kept = numbered.entries.filter(pl.col("ref").is_in(self._wanted.implode()))
            self._kept.append(kept)
        self._put(numbered.entries)

    def tail(self) -> LedgerTail:
        """What has been posted so far, to be posted behind."""
        kept = pl.concat([_none(), *self._kept])
        return LedgerTail(kept, added_sums([_no_sums(), *self._sums]), self._count - kept.height)

    def finish(self, tail: Ledger) -> StoredLedger:
        """Write what was posted behind the claims; the ledger as it stands in the file.

        Parameters
        ----------
        tail : LedgerTail
            ``tail()`` with more entries.

        Raises
        ------
        InputError
            As ``write_frames``.
        """
        behind = tail.entries.filter(pl.col("seq") > self._count)
        if behind.height:
            self._put(behind)
        self._put(None)
        self._written.result()
        self._pool.shutdown()
        return StoredLedger(self.path, tail.sums, tail.count)

    def abandon(self) -> None:
        """Leave no file behind, if it was not finished."""
        self._abandoned = True
        self._pool.shutdown()

    def _put(self, frame: pl.DataFrame | None) -> None:
        while True:
            if self._written.done():
                self._written.result()
            try:
                self._queue.put(frame, timeout=_LOOK)
                return
            except queue.Full:
                continue

    def _frames(self) -> Iterator[pl.DataFrame]:
        while True:
            if self._abandoned:
                raise _Abandoned
            try:
                frame = self._queue.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if frame is None:
                return
            yield frame


class _Abandoned(Exception):
    """The ledger is not wanted any more."""


def posting_sums(posted: pl.DataFrame, period: str) -> pl.DataFrame:
    """What the entries of claims sum up to, as ``Ledger.sums``, from the postings alone."""
    fund, patient, cost = (pl.col(f"{name}_fen").sum() for name in ("fund", "patient", "cost"))
    amounts = {
        "fund": fund, "patient": patient, "hospital": cost - fund - patient, "statistics": cost,
        "unsettled": cost,
    }  # fmt: skip
    of_head = {"fund": CLAIM_ACCOUNTS[:3], **{head: (head,) for head in HEADS[1:]}}
    found = posted.group_by("hospital", "insurance", "head").agg(
        *(fen.alias(f"{account}_fen") for account, fen in amounts.items()),
        pl.len().cast(pl.Int64).alias("entries"),
    )
    parts = [
        found.filter(pl.col("head") == head).select(
            pl.lit(period).alias("period"),
            "hospital",
            "insurance",
            pl.lit("claim", LEDGER_SCHEMA["subject"]).alias("subject"),
            pl.lit(account, LEDGER_SCHEMA["account"]).alias("account"),
            pl.col(f"{account}_fen").alias("fen"),
            "entries",
        )
        for head, accounts in of_head.items()
        for account in accounts
    ]
    return added_sums(parts)


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=LEDGER_SCHEMA)


def _no_sums() -> pl.DataFrame:
    return entry_sums(_none())
