"""Code columns of a frame as lists of ids by claim, read as the matcher reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.frame import BLANKS
from drg.grouping.encode import code_column
from drg.grouping.reference_case import Spelling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.schemes.crosswalk import Crosswalk

    Ids = NDArray[np.uint32]
    Ints = NDArray[np.int64]

__all__ = ["ClaimCodes", "CodeReader", "First", "Lists", "code_reader", "starts"]

#: Between codes where the file's own mark is longer than a byte.
_MARK = "|"


@dataclass(frozen=True, slots=True)
class Lists:
    """Ids by claim: those of claim ``n`` are ``ids[start[n]:start[n + 1]]``."""

    start: Ints
    ids: Ids

    @property
    def rows(self) -> Ints:
        """The claim that each id is of."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def of(self, chosen: NDArray[Any]) -> Lists:
        """The lists of some claims, chosen by a mask."""
        counts = np.diff(self.start)
        kept = np.repeat(chosen, counts)
        return Lists(starts(counts[chosen]), self.ids[kept])


class CodeReader:
    """Texts to ids of known codes; 0 where there is none.

    Parameters
    ----------
    known : sequence of str
        Codes; the first has the id 1.
    lenient : bool
        Harmless spellings are read too.
    crosswalk : Crosswalk or None
        Claims come in the clinical edition.
    """

    def __init__(
        self,
        known: Sequence[str],
        lenient: bool,
        crosswalk: Crosswalk | None,
    ) -> None:
        self._spelling = Spelling(frozenset(known), {}, lenient=lenient, crosswalk=crosswalk)
        place = {code: n for n, code in enumerate(known, start=1)}
        meaning = self._spelling.meaning
        self._id_of: Callable[[str | None], int] = lambda listed: place.get(
            meaning(listed) or "", 0
        )
        listed = sorted(self._spelling.known)
        self._table = _table(listed, [self._id_of(code) for code in listed])

    def read(self, frame: pl.DataFrame, sources: Sequence[str], separator: str) -> ClaimCodes:
        """Codes of every row.

        Parameters
        ----------
        frame : DataFrame
            One claim a row.
        sources : sequence of str
            Columns, one after the other.
        separator : str
            Between codes joined in a cell, ``""`` where none can stand.
        """
        parts = [
            _entries(code_column(frame, source, separator), _mark(separator)) for source in sources
        ]
        counts = sum((p[0] for p in parts), np.zeros(frame.height, np.int64))
        if len(parts) > 1:
            rows = np.concatenate([np.repeat(np.arange(frame.height), p[0]) for p in parts])
            text = pl.concat([p[1] for p in parts]).gather(np.argsort(rows, kind="stable"))
        else:
            text = parts[0][1] if parts else pl.Series([], dtype=pl.String)
        blank = (text.is_null() | (text.str.strip_chars(BLANKS) == "")).to_numpy()
        return ClaimCodes(Lists(starts(counts), self.ids(text)), blank)

    def ids(self, text: pl.Series) -> Ids:
        """Ids of texts, each misspelling looked at once."""
        found = self._look(text, self._table)
        lost = found.is_null() & text.is_not_null()
        if lost.any():
            unlisted = text.filter(lost).unique().to_list()
            told = _table(unlisted, [self._id_of(self._spelling.read(t)) for t in unlisted])
            rest = lost.arg_true()
            found = found.scatter(rest, self._look(text.gather(rest), told))
        ids: Ids = found.fill_null(0).to_numpy()
        return ids

    def _look(self, text: pl.Series, table: pl.DataFrame) -> pl.Series:
        rows = pl.DataFrame({"text": text})
        return rows.join(table, on="text", how="left", maintain_order="left")["id"]


@lru_cache(maxsize=4)
def code_reader(
    known: tuple[str, ...], lenient: bool, crosswalk: Crosswalk | None = None
) -> CodeReader:
    """``CodeReader``, made once for the histories of a process that know the same codes."""
    return CodeReader(known, lenient, crosswalk)


@dataclass(frozen=True, slots=True)
class First:
    """The first entry of each claim: its id, and whether it is missing."""

    ids: Ids
    missing: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClaimCodes:
    """All entries of one kind: ids by claim, and which entries are blank."""

    lists: Lists
    blank: NDArray[np.bool_]

    def first_entry(self, *, skip_blank: bool = False) -> First:
        """The entry at the first place, or the first that is not blank."""
        start = self.lists.start
        rows = len(start) - 1
        ids = np.zeros(rows, np.uint32)
        missing = np.ones(rows, np.bool_)
        if skip_blank:
            there = np.flatnonzero(~self.blank)
            owners, firsts = np.unique(self.lists.rows[there], return_index=True)
            at = there[firsts]
        else:
            owners = np.flatnonzero(np.diff(start) > 0)
            at = start[owners]
            owners, at = owners[~self.blank[at]], at[~self.blank[at]]
        ids[owners] = self.lists.ids[at]
        missing[owners] = False
        return First(ids, missing)

    def reports(self, wanted: NDArray[np.bool_], most: int) -> Lists:
        """Wanted ids in order, each at most so often: its nth report is ``id × most + n``."""
        rows, ids = self.lists.rows, self.lists.ids
        keep = np.flatnonzero(wanted[ids])
        key = rows[keep] << 32 | ids[keep]
        order = np.argsort(key, kind="stable")
        first = np.flatnonzero(np.diff(key[order], prepend=-1))
        runs = np.diff(np.append(first, len(order)))
        nth = np.empty(len(order), np.int64)
        nth[order] = np.arange(len(order)) - np.repeat(first, runs)
        counted = nth < most
        at = keep[counted]
        counts = np.bincount(rows[at], minlength=len(self.lists.start) - 1)
        numbers = ids[at].astype(np.int64) * most + nth[counted]
        return Lists(starts(counts), numbers.astype(np.uint32))

    def others(self, principal: Ids) -> Lists:
        """Known ids other than the claim's principal one."""
        rows, ids = self.lists.rows, self.lists.ids
        keep = (ids != 0) & (ids != principal[rows])
        counts = np.bincount(rows[keep], minlength=len(principal))
        return Lists(starts(counts), ids[keep])


def _mark(separator: str) -> str:
    return _MARK if len(separator.encode()) > 1 else separator


def _entries(series: pl.Series, separator: str) -> tuple[Ints, pl.Series]:
    """Number of entries of every row, and all entries one after the other."""
    if series.dtype == pl.String and separator:
        series = series.str.split(separator)
    if series.dtype == pl.String:
        return np.ones(len(series), np.int64), series
    counts = series.list.len().fill_null(0)
    full = series.filter(counts > 0)
    return counts.cast(pl.Int64).to_numpy(), full.explode().cast(pl.String)


def _table(text: Sequence[str], ids: Sequence[int]) -> pl.DataFrame:
    return pl.DataFrame({"text": text, "id": ids}, schema={"text": pl.String, "id": pl.UInt32})


def starts(counts: NDArray[Any]) -> Ints:
    """Where the list of each row starts, and the end of the last."""
    start = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    return start
