"""The folder that a run over many files writes into: whose it is, and what its parts are called.

A run never touches a folder that holds anything else, nor files in it that are not its own.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from drg.claims.input_files import CLAIMS_FOLDER, JOURNAL_FOLDER, RUN_FILE, InputFile
from drg.claims.open_file import INPUT_SUFFIXES
from drg.errors import InputError
from drg.scale import RunError

__all__ = ["ClaimsFolder", "check_folder", "part_name", "part_stems", "refuse_inside"]

#: What a killed run leaves of a file that it was about to write (``atomic_path``).
_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.part")
_SHOWN = 5
_LITTER = {"thumbs.db", "desktop.ini", ".ds_store"}


def check_folder(folder: Path) -> None:
    """Refuse a folder that is neither new nor empty nor a run's.

    Raises
    ------
    InputError
        F203.
    RunError
        C235: it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError("C235", where=str(folder))
    ours = (folder / RUN_FILE, folder / JOURNAL_FOLDER)
    if not folder.is_dir() or any(path.exists() for path in ours):
        return
    if any(path.name.lower() not in _LITTER for path in folder.iterdir()):
        raise InputError("F203", where=str(folder))


def refuse_inside(paths: Sequence[str | Path], files: Sequence[InputFile], folder: Path) -> None:
    """Refuse to write into a folder that is read.

    Raises
    ------
    RunError
        C232: an input lies in it, or it lies in a folder of inputs.
    """
    final = folder.resolve()
    for path in map(Path, paths):
        if path.is_dir() and final.is_relative_to(path.resolve()):
            raise RunError("C232", where=str(folder), name=str(path))
    for file in files:
        if file.path.resolve().is_relative_to(final):
            raise RunError("C232", where=str(folder), name=str(file.path))


def part_stems(files: Sequence[InputFile]) -> list[str]:
    """What the parts of each input are called below the folder of claims, without number.

    The input's name without its suffix. Of a name that readers of folders pass over (``_a.csv``)
    the mark in front is left out.

    Raises
    ------
    RunError
        C233: two inputs would have the same.
    """
    stems: list[str] = []
    seen: dict[str, str] = {}
    for file in files:
        lower = file.name.lower()
        suffix = max((s for s in INPUT_SUFFIXES if lower.endswith(s)), key=len, default="")
        parts = PurePosixPath(file.name[: len(file.name) - len(suffix)]).parts
        stem = "/".join(part.lstrip("._") or "claims" for part in parts)
        # Where names differ in case alone, some systems know one file.
        before = seen.setdefault(stem.casefold(), file.name)
        if before != file.name:
            raise RunError("C233", where=str(file.path), name=file.name, other=before)
        stems.append(stem)
    return stems


def part_name(stem: str, number: int, suffix: str) -> str:
    """Path of a part below the run's folder, with ``/``."""
    return f"{CLAIMS_FOLDER}/{stem}-{number:05}{suffix}"


class ClaimsFolder:
    """The folder of a run's claims, and which files in it are the run's.

    Parameters
    ----------
    folder : Path
        The run's.
    stems : sequence of str
        What the parts of its inputs are called.
    suffix : str
        Of the parts.
    """

    def __init__(self, folder: Path, stems: Sequence[str], suffix: str) -> None:
        self._root = folder / CLAIMS_FOLDER
        self._stems = frozenset(stems)
        self._suffix = suffix

    def clean(self) -> None:
        """Remove what a killed run was about to write; refuse claims that no run put there.

        Raises
        ------
        RunError
            C234.
        """
        for path in self._root.parent.glob(".*.part"):  # of its rejects, of its manifest
            if _DRAFT.fullmatch(path.name):
                path.unlink()
        strange = []
        for path, name in self._files():
            if _DRAFT.fullmatch(path.name):
                path.unlink()
            elif not self._is_part(name):
                strange.append(name)
        _refuse(self._root, strange)

    def hold(self, parts: Sequence[str]) -> None:
        """Hold the folder to the parts of a run.

        Raises
        ------
        RunError
            C234.
        """
        known = set(parts)
        _refuse(
            self._root,
            [name for _, name in self._files() if f"{CLAIMS_FOLDER}/{name}" not in known],
        )

    def empty(self) -> None:
        """Remove the run's own files, and folders with nothing else in them."""
        for path, name in self._files():
            if self._is_part(name):
                path.unlink()
        for path in sorted(self._root.rglob("*/"), reverse=True):
            with contextlib.suppress(OSError):  # something lies in it
                path.rmdir()
        with contextlib.suppress(OSError):
            self._root.rmdir()

    def _files(self) -> Iterator[tuple[Path, str]]:
        """Files and their names below the folder, but for what systems put there."""
        for path in sorted(self._root.rglob("*")):
            if path.is_file() and path.name.lower() not in _LITTER:
                yield path, path.relative_to(self._root).as_posix()

    def _is_part(self, name: str) -> bool:
        stem, _, number = name.removesuffix(self._suffix).rpartition("-")
        return name.endswith(self._suffix) and stem in self._stems and number.isdecimal()


def _refuse(root: Path, strange: Sequence[str]) -> None:
    if strange:
        more = f" … ({len(strange)})" if len(strange) > _SHOWN else ""
        names = ", ".join(strange[:_SHOWN]) + more
        raise RunError("C234", where=str(root), names=names)
