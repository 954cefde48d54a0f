"""The two passes of a month over its claims, part by part, several parts being worked on at once.

Parts are cut by rows alone, so that what a killed run left of them is good for the next one.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from drg.claims.many import ManySources
from drg.payment.pricing.carry import made_by
from drg.scale.even_frames import even_frames
from drg.scale.group_file import Progress, one_ahead, stoppable
from drg.scale.run_inputs import Inputs, Stat
from drg.scale.settle_parts import KeptParts
from drg.settlement.part import Part, SettledPart

if TYPE_CHECKING:
    from drg.claims.input_files import InputFile
    from drg.claims.source import ClaimSource
    from drg.settlement.run import MonthRun

__all__ = ["Passes"]

T = TypeVar("T")

#: Parts worked on at once. polars itself takes every core; what it leaves of two is Python's.
_WORKERS = 2


class Passes:
    """Both passes over one input.

    Parameters
    ----------
    run : MonthRun
    source : ClaimSource
    files : sequence of InputFile
        Those that the source reads, in order.
    before : sequence of Stat
        The files as they were before the source was opened.
    size : int
        Rows of a part.
    progress : callable or None
        As ``settle_file`` takes it.

    Attributes
    ----------
    inputs : Inputs
        The files, while the passes are made in ``hashing``.
    resumed : int
        Rows whose first pass an earlier run had made.
    """

    def __init__(
        self,
        run: MonthRun,
        source: ClaimSource,
        files: Sequence[InputFile],
        before: Sequence[Stat],
        size: int,
        progress: Progress | None,
    ) -> None:
        self.run, self.source, self.files = run, source, files
        self.inputs: Inputs
        self.resumed = 0
        self._before = before
        self._size, self._progress, self._done = size, progress, 0
        self._kept: KeptParts | None = None
        #: Parts on disk whose inputs are still being hashed.
        self._unnoted: deque[Part] = deque()

    # ---- on disk

    def keep_in(self, folder: Path, tables: Mapping[str, str], sheet: str | int | None) -> None:
        """Keep what the first pass leaves in a folder, and take what an earlier run left there.

        Parameters
        ----------
        folder : Path
        tables : mapping of str to str
            Digests of the tables that prices depend on, by role.
        sheet : str, int or None
            That is read of XLSX files.

        Raises
        ------
        InputError
            F204, F209, F210: it cannot be written.
        """
        plan = {
            "format": 1,
            "made": made_by(),
            "policy": {"id": self.run.policy.id, "digest": self.run.policy.digest},
            "month": str(self.run.month),
            "tables": dict(tables),
            "columns": {name: str(dtype) for name, dtype in self.source.schema.items()},
            "sheet": sheet,
            "rows": self._size,
        }
        source = self.source
        several = source.sources if isinstance(source, ManySources) else (source,)
        rows = [one.rows for one in several]
        self._kept = KeptParts(folder, plan, self.files, rows, self._size)

    def hashing(self, stop: Event) -> Inputs:
        """A context in which the files are hashed beside the work."""
        none: list[str | None] = [None] * len(self.files)
        known = self._kept.known if self._kept else none
        self.inputs = Inputs(self.files, known, stop, self._before)
        return self.inputs

    def forget(self, folder: Path) -> None:
        """Remove what is kept in a folder, of whatever run."""
        self._unnoted.clear()
        if self._kept is not None:
            self._kept.remove()
        else:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def keeps(self) -> bool:
        """Whether anything is kept on disk."""
        return self._kept is not None

    # ---- the passes

    def first(self, stop: Event) -> None:
        """Assess every part."""
        run, kept, columns = self.run, self._kept, self.source.columns
        codes = () if run.reads_codes else (*columns.diagnoses, *columns.procedures)
        for part in kept.found if kept is not None else ():
            run.take(part)
            self.resumed += part.height
            self._tell(part.height)
        if kept is not None:
            kept.found.clear()  # the run lets go of them one by one: their files are mapped

        def assess(batch: pl.DataFrame, row: int) -> Part:
            part = run.first(batch, columns, row)
            return part if kept is None else kept.keep(part)

        for part in self._worked(assess, self._parts(stop, self.resumed, codes), self.resumed):
            run.take(part)
            if kept is not None:
                self._unnoted.append(part)
                self._note()
            self._tell(part.height)

    def second(self, stop: Event) -> Iterator[pl.DataFrame]:
        """Settle every part; the claims, in order."""

        def settle(batch: pl.DataFrame, row: int) -> tuple[int, SettledPart]:
            number = (row - 1) // self._size
            return batch.height, self.run.settle(batch, self.source.columns, number)

        for rows, settled in self._worked(settle, self._parts(stop), 0):
            self._note()
            yield self.run.keep(settled)
            self._tell(rows)

    def _parts(
        self, stop: Event, done: int = 0, without: Sequence[str] = ()
    ) -> Iterator[pl.DataFrame]:
        source = self.source
        if not source.rows:
            # A file without claims is one part without rows: its columns still matter.
            return iter([pl.DataFrame(schema=source.schema)])
        batches = source.batches(self._size, without=tuple(set(without)), first=done)
        return stoppable(one_ahead(even_frames(batches, self._size)), stop)

    def _worked(
        self, work: Callable[[pl.DataFrame, int], T], parts: Iterator[pl.DataFrame], done: int
    ) -> Iterator[T]:
        """What comes of each part with its first row, in order."""
        waiting: deque[Future[T]] = deque()
        row = done + 1
        with ThreadPoolExecutor(_WORKERS) as pool:
            for batch in parts:
                waiting.append(pool.submit(copy_context().run, work, batch, row))
                row += batch.height
                del batch
                if len(waiting) > _WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _note(self) -> None:
        """Note the parts whose inputs are known by now."""
        kept, inputs = self._kept, self.inputs
        while kept is not None and self._unnoted:
            part = self._unnoted[0]
            touched = kept.touched(part.first_row, part.height)
            if not all(inputs.ready(n) for n in touched):
                return
            kept.note(part, {n: inputs.digest(n) for n in touched})
            self._unnoted.popleft()

    def _tell(self, rows: int) -> None:
        self._done += rows
        if self._progress is not None:
            self._progress(self._done, 2 * self.source.rows)
