"""Parquet from elsewhere is read by a process of its own before the service reads it.

A damaged page can make polars ask for more memory than there is, which ends a process instead of
raising an error: one file would end the service for everyone who uses it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from drg.claims.open_file import open_file
from drg.errors import InputError
from drg.service.errors import ServiceError

__all__ = ["probe"]

#: Larger end codes are not a program's own: on Windows a process that was ended has one.
_LARGEST_CODE = 255


def probe(path: Path, seconds: float) -> None:
    """Refuse a Parquet file over which a process ends; what else is wrong its reader will say.

    Parameters
    ----------
    path : Path
    seconds : float
        Longest time it may take.

    Raises
    ------
    InputError
        F120: the file is damaged.
    ServiceError
        H431: it took too long.
    """
    # -P: nothing in the folder that the service was started in is taken for a module.
    command = [sys.executable, "-P", "-m", __name__, str(path)]
    try:
        ended = subprocess.run(
            command, check=False, timeout=seconds, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ServiceError("H431", seconds=f"{seconds:g}") from None
    if not 0 <= ended.returncode <= _LARGEST_CODE:
        raise InputError("F120", where=str(path))


def _read(path: Path) -> None:
    """Read every column and row, as a batch does."""
    with open_file(path) as source:
        for _ in source.batches():
            pass


if __name__ == "__main__":
    _read(Path(sys.argv[1]))
