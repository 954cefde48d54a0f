"""Whether a workbook can be read within bounds, looked at before it is read.

Its reader lays a sheet out as a rectangle up to the last row and column that hold anything: one
stray cell far out asks for more memory than there is, and that ends the whole process.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import IO

from drg.errors import InputError
from drg.service.errors import ServiceError
from drg.service.guard import too_large

__all__ = ["check_workbook"]

#: Cells of a rectangle that any machine has room for.
_FEW = 10_000_000
_PIECE = 1 << 20
#: Longer than a cell's reference with what stands around it.
_SEAM = 64
#: Columns behind Z, and rows: what every cell says would take longer to look at.
_COLUMNS = re.compile(rb"""r=["']([A-Za-z]{2,})\d""")
_ROWS = re.compile(rb"""row r=["'](\d+)""")
_Z = 26


def check_workbook(path: Path, most_bytes: int) -> None:
    """Refuse a workbook that is no real one, or that could not be laid out.

    Parameters
    ----------
    path : Path
    most_bytes : int
        What it may unpack to.

    Raises
    ------
    ServiceError
        H415: it unpacks to more; H427: a sheet is next to empty, yet reaches far out.
    InputError
        F115: a part of it is damaged.
    """
    if not zipfile.is_zipfile(path):
        return  # the reader says what is wrong with it
    try:
        with zipfile.ZipFile(path) as book:
            if sum(entry.file_size for entry in book.infolist()) > most_bytes:
                raise too_large(most_bytes)
            for entry in book.infolist():
                with book.open(entry) as part:
                    columns, rows = _reach(part)
                # Every cell that is there takes more than a byte.
                if columns * rows > max(_FEW, entry.file_size):
                    raise ServiceError("H427", rows=f"{rows:,}", columns=f"{columns:,}")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise InputError("F115", where=str(path)) from error


def _reach(part: IO[bytes]) -> tuple[int, int]:
    """Columns and rows that a sheet reaches to, at least ``Z``; of another part no rows."""
    letters: set[bytes] = set()
    numbers: set[bytes] = set()
    seam = b""
    while piece := part.read(_PIECE):
        text = seam + piece
        letters.update(_COLUMNS.findall(text))
        numbers.update(_ROWS.findall(text))
        seam = text[-_SEAM:]
    return max(map(_column, letters), default=_Z), max(map(int, numbers), default=0)


def _column(letters: bytes) -> int:
    """Number of a column, ``A`` is 1."""
    found = 0
    for letter in letters.upper():
        found = 26 * found + letter - 64
    return found
