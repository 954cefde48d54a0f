"""What a run over many files knows to be done: from its journal, or from its manifest at last.

Both answer alike, so that a finished run whose part was damaged is mended as an unfinished one
goes on. What is made again must be what it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from drg.claims.input_files import JOURNAL_FOLDER
from drg.scale import RunError
from drg.scale.journal import Journal, told_apart
from drg.scale.run_manifest import RunInput, RunManifest, RunPart, is_as_written
from drg.schemes.tables import file_digest

__all__ = ["Begun", "FinishedBook", "JournalBook", "RunBook"]


_INPUT = "input-"


class Begun(NamedTuple):
    """An input that was begun, and how many parts it has."""

    input: RunInput
    parts: int


class RunBook(Protocol):
    """What is known to be done."""

    def begun(self, number: int) -> Begun | None:
        """An input that was begun; None: nothing of it is done."""

    def begin(self, number: int, told: Begun) -> None:
        """Note what an input is, before any part of it is noted."""

    def part(self, number: int, part: int) -> RunPart | None:
        """A part that stands in its place; None: it is to be made."""

    def note_part(self, number: int, part: int, told: RunPart, counts: Mapping[str, Any]) -> None:
        """Note a part that stands in its place."""

    def rejects(self, number: int, part: int) -> Path | None:
        """Where the refused rows of a part go until the run is done; None: nowhere."""


class JournalBook:
    """The book of a run that is not finished.

    Parameters
    ----------
    folder : Path
        The run's.
    plan : mapping

    Raises
    ------
    RunError, InputError
        As ``Journal``.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self._folder = folder
        place = folder / JOURNAL_FOLDER
        if not any(place.glob(f"{_INPUT}*")):
            # Killed before anything was done: whatever it was to be, it keeps nothing from us.
            shutil.rmtree(place, ignore_errors=True)
        self.journal = Journal(place, plan)

    @property
    def empty(self) -> bool:
        """Whether nothing is done yet."""
        return not any(self.journal.folder.glob(f"{_INPUT}*"))

    def begun(self, number: int) -> Begun | None:
        told = self.journal.record(_input_key(number))
        return None if told is None else Begun(RunInput(**told["input"]), told["parts"])

    def begin(self, number: int, told: Begun) -> None:
        now = {"input": asdict(told.input), "parts": told.parts}
        self.journal.note(_input_key(number), now)

    def part(self, number: int, part: int) -> RunPart | None:
        told = self.journal.record(_part_key(number, part))
        if told is None:
            return None
        found = RunPart(**told["part"])
        rejects = self.rejects(number, part)
        whole = rejects.is_file() and file_digest(rejects) == told["rejects"]
        return found if whole and is_as_written(self._folder / found.file, found) else None

    def note_part(self, number: int, part: int, told: RunPart, counts: Mapping[str, Any]) -> None:
        key = _part_key(number, part)
        before = self.journal.record(key)
        rejects = file_digest(self.rejects(number, part))
        now: dict[str, Any] = {"part": asdict(told), "counts": dict(counts), "rejects": rejects}
        _hold(None if before is None else before["part"], now["part"], self._folder / told.file)
        self.journal.note(key, now)

    def whole(self, number: int) -> tuple[RunInput, list[tuple[RunPart, Mapping[str, Any]]]]:
        """An input of which every part is done: it, its parts, and what was counted in each."""
        begun = self.begun(number)
        assert begun is not None
        records = (self.journal.record(_part_key(number, n)) for n in range(begun.parts))
        return begun.input, [
            (RunPart(**told["part"]), told["counts"]) for told in records if told is not None
        ]

    def rejects(self, number: int, part: int) -> Path:
        return self.journal.folder / f"rejects-{_part_key(number, part)}.csv"


class FinishedBook:
    """The book of a finished run.

    Parameters
    ----------
    folder : Path
        The run's.
    manifest : RunManifest
    """

    def __init__(self, folder: Path, manifest: RunManifest) -> None:
        self._folder = folder
        self._inputs = manifest.inputs
        parts: dict[str, list[RunPart]] = {one.name: [] for one in manifest.inputs}
        for part in manifest.parts:
            parts[part.input].append(part)
        self._parts = [*parts.values()]

    def begun(self, number: int) -> Begun | None:
        return Begun(self._inputs[number], len(self._parts[number]))

    def begin(self, number: int, told: Begun) -> None:
        """It is known."""

    def part(self, number: int, part: int) -> RunPart | None:
        found = self._parts[number][part]
        return found if is_as_written(self._folder / found.file, found) else None

    def note_part(self, number: int, part: int, told: RunPart, counts: Mapping[str, Any]) -> None:
        before = asdict(self._parts[number][part])
        _hold(before, asdict(told), self._folder / told.file)

    def rejects(self, number: int, part: int) -> None:
        return None


def _hold(before: Mapping[str, Any] | None, now: Mapping[str, Any], path: Path) -> None:
    """What is made again must be what it was."""
    if before is not None and before != now:
        raise RunError("C237", where=str(path), differs=told_apart(before, now))


def _input_key(number: int) -> str:
    return f"{_INPUT}{number:05}"


def _part_key(number: int, part: int) -> str:
    return f"part-{number:05}-{part:05}"
