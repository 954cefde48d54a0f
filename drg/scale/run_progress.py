"""How far a run over many files is: rows done, and rows in all as far as they are known.

How many rows a text file has is known once it is opened; until then its size speaks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drg.claims.input_files import InputFile
    from drg.scale.group_file import Progress

__all__ = ["RunProgress"]


class RunProgress:
    """Counts for a bar; may be told by several threads.

    Parameters
    ----------
    files : sequence of InputFile
    show : callable or None
        Is called with the rows done and those in all.
    """

    def __init__(self, files: Sequence[InputFile], show: Progress | None) -> None:
        self._show = show
        self._bytes = [file.path.stat().st_size for file in files]
        self._rows: dict[int, int] = {}
        self._done = 0
        self._lock = Lock()

    def knows(self, number: int, rows: int) -> None:
        """How many rows an input has."""
        with self._lock:
            self._rows[number] = rows

    def stands(self, rows: int) -> None:
        """Rows that an earlier call made."""
        self.made(rows)

    def made(self, rows: int) -> None:
        """More rows are done."""
        with self._lock:
            self._done += rows
            if self._show is not None:
                self._show(self._done, max(self._done, self._in_all()))

    def _in_all(self) -> int:
        known = sum(self._rows.values())
        if len(self._rows) == len(self._bytes) or not known:
            return known
        share = sum(self._bytes[number] for number in self._rows) or 1
        return known * sum(self._bytes) // share
