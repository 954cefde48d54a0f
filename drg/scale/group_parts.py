"""The parts of a run: opened, cut, grouped and written, so many at a time as there are cores.

Several parts at once cost no more CPU than one after the other, and leave no core idle while one
of them is read or written. A file that can only be read from the front is one lane for itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from threading import Event, Lock
from typing import NamedTuple

import polars as pl

from drg.claims.frame import rename_clashing
from drg.claims.input_files import InputFile
from drg.claims.many import check_alike
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.writers import atomic_path
from drg.errors import InputError
from drg.grouping.jobs import cores
from drg.scale import RunError
from drg.scale.group_file import leave_if
from drg.scale.group_work import GroupCount, GroupWork
from drg.scale.group_write import Cut, Opened
from drg.scale.rejects import Rejects
from drg.scale.run_book import Begun, RunBook
from drg.scale.run_folder import part_name
from drg.scale.run_inputs import Inputs
from drg.scale.run_manifest import RunInput, RunPart
from drg.scale.run_progress import RunProgress
from drg.schemes.tables import file_digest

__all__ = ["FRAME_ROWS", "PART_ROWS", "Parts", "Setting"]

#: Rows of a part and of a frame; the first is a multiple of the second. They decide the bytes.
PART_ROWS, FRAME_ROWS = 1_000_000, 50_000

#: Does a piece of the work and tells what is to be done next.
_Job = Callable[[], "list[_Job]"]


class Setting(NamedTuple):
    """How a run makes its parts.

    Attributes
    ----------
    suffix : str
        Of the parts: ``.parquet`` or ``.csv``.
    sheet : str, int or None
        Of XLSX inputs.
    lang : str
        Of the rejects.
    threads : int or None
        Cores to use; all when None.
    """

    suffix: str
    sheet: str | int | None
    lang: str
    threads: int | None


class Parts:
    """Makes the parts of one run.

    Parameters
    ----------
    work : GroupWork
    files : sequence of InputFile
    stems : sequence of str
        What their parts are called (``drg.scale.run_folder.part_stems``).
    folder : Path
    setting : Setting
    book : RunBook
        What is done of them.
    progress : RunProgress
    stop : Event
        Set from outside, ends the work; set when anything fails.

    Attributes
    ----------
    made : list of RunPart
        Parts that were made, as they became ready.
    """

    def __init__(
        self,
        work: GroupWork,
        files: Sequence[InputFile],
        stems: Sequence[str],
        folder: Path,
        setting: Setting,
        book: RunBook,
        progress: RunProgress,
        stop: Event,
    ) -> None:
        self.made: list[RunPart] = []
        self._work = work
        self._files = files
        self._stems = stems
        self._folder = folder
        self._setting = setting
        self._book = book
        self._progress = progress
        self._stop = stop
        begun = [book.begun(number) for number in range(len(files))]
        known = [None if one is None else one.input.sha256 for one in begun]
        self._inputs = Inputs(files, known, stop)
        self._lanes = setting.threads or cores()
        self._running = 1
        self._lock = Lock()
        self._first: ClaimSource | None = None

    def make(self) -> None:
        """Make every part that is not done.

        Raises
        ------
        InputError, RunError
            As ``drg.scale.group_run.group_run``.
        """
        numbers = range(len(self._files))
        with self._inputs, ThreadPoolExecutor(self._lanes) as pool:
            waiting: deque[_Job] = deque(partial(self._begin, number) for number in numbers)
            running: set[Future[list[_Job]]] = set()
            try:
                self._look_ahead(pool)
                while waiting or running:
                    while waiting and len(running) < self._lanes:
                        running.add(pool.submit(waiting.popleft()))
                    self._running = len(running)
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    self._inputs.hold()
                    for future in done:
                        waiting.extendleft(reversed(future.result()))
                for number in numbers:
                    self._inputs.digest(number)
            except BaseException:
                self._stop.set()
                raise

    def _look_ahead(self, pool: ThreadPoolExecutor) -> None:
        """Hold the columns of files that open at once to each other before any work is done."""

        def look(number: int) -> None:
            leave_if(self._stop)
            with self._open(number):
                pass

        quick = [n for n, file in enumerate(self._files) if file.path.suffix.lower() == ".parquet"]
        for number in quick[:1]:  # the first is what the others are held to
            look(number)
        for _ in pool.map(look, quick[1:]):
            pass

    def _open(self, number: int) -> ClaimSource:
        with self._blamed(number):
            source = open_claims([self._files[number]], sheet=self._setting.sheet)
        try:
            with self._lock:
                self._first = self._first or source
            check_alike(self._first, source)
        except BaseException:
            source.close()
            raise
        self._progress.knows(number, source.rows)
        return source

    def _begin(self, number: int) -> list[_Job]:
        """Look at an input: what stands of it; what has to be read from the front is made here."""
        leave_if(self._stop)
        begun = self._book.begun(number)
        standing = set()
        for part in range(0 if begun is None else begun.parts):
            if (found := self._book.part(number, part)) is not None:
                standing.add(part)
                self._progress.stands(found.rows)
        if begun is not None and len(standing) == begun.parts:
            return []
        with self._open(number) as source:
            opened = Opened(source, self._work)
            cuts = opened.cuts(PART_ROWS)
            todo = [part for part in range(len(cuts)) if part not in standing]
            if opened.divisible:
                return [partial(self._alone, number, part, opened, cuts) for part in todo]
            for parts in _runs(todo):
                first = cuts[parts[0]].first
                rows = sum(cuts[part].rows for part in parts)
                frames = opened.frames(Cut(first, rows), FRAME_ROWS)
                for part in parts:
                    # The last goes to the very end, where rows too many are noticed.
                    most = None if part == parts[-1] else -(-cuts[part].rows // FRAME_ROWS)
                    own = islice(frames, most)
                    self._make(number, part, opened, cuts, own)
        return []

    def _alone(self, number: int, part: int, opened: Opened, cuts: Sequence[Cut]) -> list[_Job]:
        self._make(number, part, opened, cuts, opened.frames(cuts[part], FRAME_ROWS))
        return []

    def _make(
        self,
        number: int,
        part: int,
        opened: Opened,
        cuts: Sequence[Cut],
        frames: Iterator[pl.DataFrame],
    ) -> None:
        """Write a part, then note it."""
        leave_if(self._stop)
        cut, file = cuts[part], self._files[number]
        name = part_name(self._stems[number], part, self._setting.suffix)
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        count = GroupCount(self._work)
        with self._blamed(number), self._rejects(number, part, opened.source, cut) as rejects:
            rows = opened.write(
                path, self._watched(frames), count,
                metadata=self._work.provenance(file.name), compression="zstd",
                threads=max(1, self._lanes // self._running), each=rejects,
            )  # fmt: skip
        for found in (count.rows, rows, self._rows_in(path)):
            if found not in (cut.rows, None):
                raise RunError("C238", where=str(path), found=found, wanted=cut.rows)
        self._inputs.check(number)
        source = RunInput(
            file.name, self._inputs.digest(number), opened.source.rows, self._inputs.bytes(number)
        )
        told = RunPart(name, file.name, cut.first + 1, rows, path.stat().st_size, file_digest(path))
        with self._lock:
            if self._book.begun(number) is None:
                self._book.begin(number, Begun(source, len(cuts)))
        self._book.note_part(number, part, told, count.counts().plain())
        self.made.append(told)

    @staticmethod
    def _rows_in(path: Path) -> int | None:
        """Rows that a file says it has; None: its kind says nothing."""
        if path.suffix != ".parquet":
            return None
        frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        return int(frame.select(pl.len()).collect().item())

    @contextmanager
    def _blamed(self, number: int) -> Iterator[None]:
        """If an input cannot be read because it was changed, say so."""
        try:
            yield
        except InputError:
            self._inputs.check(number)
            raise

    @contextmanager
    def _rejects(
        self, number: int, part: int, source: ClaimSource, cut: Cut
    ) -> Iterator[Callable[[pl.DataFrame], None] | None]:
        """What takes in the refused rows of a part."""
        path = self._book.rejects(number, part)
        if path is None:
            yield None
            return
        names = rename_clashing(source.schema, list(self._work.grouper.result_schema))
        with atomic_path(path) as draft, draft.open("wb") as file:
            yield Rejects(
                file, self._files[number].name, source.columns, names, cut.first + 1,
                self._setting.lang,
            ).add  # fmt: skip

    def _watched(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames, until the work is stopped; when the next is asked for, the last is done."""
        for frame in frames:
            leave_if(self._stop)
            yield frame
            self._progress.made(frame.height)


def _runs(parts: Sequence[int]) -> Iterator[list[int]]:
    """Parts that follow one another."""
    for _, found in groupby(enumerate(parts), lambda item: item[1] - item[0]):
        yield [part for _, part in found]
