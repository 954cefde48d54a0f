"""One run at a time in a folder: whoever comes second is told so, and nothing is lost.

The lock is held by the system and ends with the process, however it ends; no run finds the lock of
one that was killed. Its file lies beside the folder, because the folder itself is replaced.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from drg.claims.encoding import DENIED, FULL, system_code
from drg.errors import InputError
from drg.placing import put_in_place

__all__ = ["one_run", "recover", "set_aside"]


@contextmanager
def one_run(folder: str | Path) -> Iterator[None]:
    """Keep a folder to this run, from what is read of it to what is written.

    What a run left that was killed is removed, and mended if it was killed while the folder was
    replaced.

    Parameters
    ----------
    folder : str or Path
        Need not exist.

    Raises
    ------
    InputError
        F211 another run is at work in it; F204, F209, F210 nothing can be written there.
    """
    final = Path(folder).resolve()
    made = [path for path in final.parents if not path.exists()]
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_empty, made)
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            held = stack.enter_context(_try_lock(final))
            if held:
                _put_back(final)
                _remove_drafts(final)
        except OSError as error:
            system = system_code(error)
            code = "F209" if system in FULL else "F210" if system in DENIED else "F204"
            raise InputError(code, where=str(folder), system=system) from error
        if not held:
            raise InputError("F211", where=str(folder))
        yield


def set_aside(final: Path) -> Path:
    """Where a folder waits while the new one takes its place."""
    return final.with_name(f".{final.name}.before")


def recover(folder: Path) -> None:
    """Put back what a run that was killed between the two moves left aside."""
    final = folder.resolve()
    if set_aside(final).is_dir():
        with _try_lock(final) as held:
            if held:  # else a run is at work, which puts things right itself
                _put_back(final)


def _put_back(final: Path) -> None:
    before = set_aside(final)
    if not before.is_dir():
        return
    if final.exists():
        shutil.rmtree(before, ignore_errors=True)
    else:
        put_in_place(before, final)


def _remove_drafts(final: Path) -> None:
    """Remove what runs that were killed had written so far (``drg.settlement.store``)."""
    draft = re.compile(rf"\.{re.escape(final.name)}-[0-9a-f]{{8}}")
    for path in final.parent.iterdir():
        if draft.fullmatch(path.name) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def _remove_empty(folders: Sequence[Path]) -> None:
    for path in folders:
        with contextlib.suppress(OSError):  # something lies in it now
            path.rmdir()


@contextmanager
def _try_lock(final: Path) -> Iterator[bool]:
    """The lock of a folder, if nobody holds it."""
    path = final.with_name(f".{final.name}.lock")
    while True:
        file = path.open("ab")
        if not _locked(file):
            file.close()
            yield False
            return
        if _is(file, path):
            break
        file.close()  # the one before removed it in between
    try:
        yield True
    finally:
        if sys.platform == "win32":  # it removes no open file, so none of the next run's either
            file.close()
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def _is(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _locked(file: BinaryIO) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
