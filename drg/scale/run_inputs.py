"""The inputs of a run: hashed beside the work, and held to what they were when it began."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import NamedTuple, Self

from drg.claims.encoding import blocks
from drg.claims.input_files import InputFile
from drg.claims.readers import explained
from drg.scale import RunError
from drg.scale.group_file import leave_if

__all__ = ["Inputs", "Stat", "looked_at"]


class Stat(NamedTuple):
    """What tells whether a file has been touched."""

    bytes: int
    changed_ns: int


class Inputs:
    """Inputs in order; a context in which one thread hashes them ahead of the work.

    Parameters
    ----------
    files : sequence of InputFile
    known : sequence of str or None
        Digests that an earlier run began with; None: that input had not been begun.
    stop : Event
        Ends the hashing.
    before : sequence of Stat, optional
        ``looked_at`` of the files, where they were opened before this.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        known: Sequence[str | None],
        stop: Event,
        before: Sequence[Stat] | None = None,
    ) -> None:
        self.files = files
        self._stop = stop
        self._known = known
        self._before = looked_at(files) if before is None else before
        self._digests: list[Future[str]] = []
        self._held = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        pool = ThreadPoolExecutor(1)
        self._stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        self._digests = [pool.submit(self._digest, number) for number in range(len(self.files))]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bytes(self, number: int) -> int:
        """Size of an input."""
        return self._before[number].bytes

    def digest(self, number: int) -> str:
        """SHA-256 of an input, once it is known.

        Raises
        ------
        RunError
            C236: it is not the input that the run began with, or it changes meanwhile.
        """
        return self._digests[number].result()

    def ready(self, number: int) -> bool:
        """Whether the digest of an input is known by now."""
        return self._digests[number].done()

    def hold(self) -> None:
        """Raise what was found about the inputs that are hashed by now.

        Raises
        ------
        RunError
            C236.
        """
        while self._held < len(self._digests) and self._digests[self._held].done():
            self._digests[self._held].result()
            self._held += 1

    def check(self, number: int) -> None:
        """Hold an input to what it was when this run looked at it first.

        Raises
        ------
        RunError
            C236.
        """
        file = self.files[number]
        if _stat(file.path) != self._before[number]:
            raise RunError("C236", where=str(file.path), name=file.name)

    def _digest(self, number: int) -> str:
        file = self.files[number]
        digest = hashlib.sha256()
        with explained(file.path):
            for block in blocks(file.path):
                leave_if(self._stop)
                digest.update(block)
        self.check(number)
        found = digest.hexdigest()
        if self._known[number] not in (None, found):
            raise RunError("C236", where=str(file.path), name=file.name)
        return found


def looked_at(files: Sequence[InputFile]) -> list[Stat]:
    """What tells later whether a file has been touched: to be asked before it is opened.

    Raises
    ------
    InputError
        F101, F105, F124.
    """
    return [_stat(file.path) for file in files]


def _stat(path: Path) -> Stat:
    with explained(path):
        found = path.stat()
    return Stat(found.st_size, found.st_mtime_ns)
