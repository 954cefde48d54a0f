"""Whether a workbook can be read within bounds, looked at before it is read.

Its reader unpacks a sheet whole and lays it out as a rectangle up to the last row and column that
hold anything: a small file can ask for more memory than there is, and that ends the process.
So every part is unpacked here once, piece by piece, whatever size it claims to have.
"""

from __future__ import annotations

import copy
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl

from drg.errors import InputError

__all__ = ["MOST_BYTES", "check_workbook", "declared_bytes"]

#: What a workbook may unpack to: a full sheet of 1,048,576 claims and 60 columns takes 2.5 GB.
MOST_BYTES = 4 << 30
#: How often what it unpacks to may hold it, once that is more than ``_SMALL``. Sheets that repeat
#: one row pack 1:100; the format's own limit is 1:1032.
_RATIO, _SMALL = 250, 256 << 20
_ENTRIES = 10_000
#: Cells of a rectangle that any machine has room for.
_FEW = 10_000_000
_PIECE, _NO_END = 1 << 20, 1 << 62
#: How a tag that may be a row's or a cell's begins; a whole one; and how long one may be.
_BEGINNINGS = (b"<c", b":c", b"<r", b":r")
_WHOLE_TAG = re.compile(rb"""[<:][^\s<>/=]*(?:\s+[^\s=]+\s*=\s*(?:"[^"]*+"|'[^']*+'))*+\s*/?>""")
_LONGEST_TAG = 1 << 16
#: Columns have three letters; a fourth shows that there are too many.
_LETTERS = 4
#: A row or a cell, whatever prefix its name has; and one that says where it stands. Read by what
#: they are, so that no text beside them can pass for it.
_BLANK = r"[ \t\r\n]"
_TAG = r"[<:](?:row|c)[ \t\r\n/>]"
_PLACED = (
    rf"""[<:](?:row|c)(?:{_BLANK}+[\w:.-]+{_BLANK}*={_BLANK}*(?:"[^"]*"|'[^']*'))*?"""
    rf"""{_BLANK}+r{_BLANK}*={_BLANK}*["'][A-Za-z]*[0-9]*"""
)
#: As every spreadsheet program writes it: the place stands first.
_USUAL = rf"""[<:](?:row|c){_BLANK}r=["'][A-Za-z]*[0-9]*"""
_PLACE = r"(?<letters>[A-Za-z]*)(?<digits>[0-9]{0,9})[0-9]*$"
_ROW, _CELL = re.compile(rb"[<:]row[\s/>]"), re.compile(rb"[<:]c[\s/>]")
#: What a damaged archive makes its readers raise; RuntimeError: it is encrypted.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError,
)  # fmt: skip


def declared_bytes(path: Path) -> int:
    """What a workbook says that it unpacks to; 0 when it is no archive.

    What it says is believed only after ``check_workbook``, which finds it out.
    """
    try:
        with zipfile.ZipFile(path) as book:
            return sum(entry.file_size for entry in book.infolist())
    except _DAMAGED:
        return 0


def check_workbook(path: Path, most_bytes: int = MOST_BYTES) -> None:
    """Refuse a workbook that is no real one, or that could not be laid out.

    Parameters
    ----------
    path : Path
    most_bytes : int, optional
        What it may unpack to.

    Raises
    ------
    InputError
        F132: it unpacks to more, or to more than 250 times its size; F133: a sheet is next to
        empty, yet reaches far out; F134: too many parts; F115: a part of it is damaged, or
        larger than the workbook says.
    OSError
        The system does not let it be read.
    """
    if not zipfile.is_zipfile(path):
        return  # the reader says what is wrong with it
    where = str(path)
    room = min(most_bytes, max(_SMALL, _RATIO * path.stat().st_size))
    try:
        with zipfile.ZipFile(path) as book:
            entries = book.infolist()
            if len(entries) > _ENTRIES:
                raise InputError("F134", where=where, found=len(entries), limit=_ENTRIES)
            for entry in entries:
                # Left to itself the archive would stop at the size that the entry claims.
                open_end = copy.copy(entry)
                open_end.file_size = _NO_END
                with book.open(open_end) as part:
                    reach = _reach(part, room, where)
                if reach.size != entry.file_size:
                    raise InputError("F115", where=where)
                room -= reach.size
                # Every cell that is there takes more than a byte.
                if reach.rows * reach.columns > max(_FEW, reach.size):
                    rows, columns = f"{reach.rows:,}", f"{reach.columns:,}"
                    raise InputError("F133", where=where, rows=rows, columns=columns)
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError("F115", where=where) from error


@dataclass(slots=True)
class _Reach:
    """How far a part reaches, by what its rows and cells say, and by how many do not say it.

    Attributes
    ----------
    size : int
        Bytes.
    row, column : int
        The last that is named, from 1.
    unplaced : bool
        Some rows or cells do not say where they stand: each follows the one before.
    row_tags, widest : int
        Rows, and most cells of one, once some are unplaced.
    begun : int
        Cells so far of the row that is being read.
    """

    size: int = 0
    row: int = 0
    column: int = 0
    unplaced: bool = False
    row_tags: int = 0
    widest: int = 0
    begun: int = 0

    @property
    def rows(self) -> int:
        return self.row + self.row_tags if self.unplaced else self.row

    @property
    def columns(self) -> int:
        return self.column + self.widest if self.unplaced else self.column

    def look(self, text: bytes) -> None:
        """Take one piece, which cuts no tag."""
        try:
            series = pl.Series("xml", [text]).cast(pl.String)
        except pl.exceptions.PolarsError:  # a character may be cut, or be no UTF-8
            series = pl.Series("xml", [text.decode("latin-1")])
        tags = int(series.str.count_matches(_TAG).item())
        places = _all(series, _USUAL)
        if len(places) < tags:
            places = _all(series, _PLACED)
        at = places.str.extract_groups(_PLACE).struct.unnest()
        self.column = max([self.column, *map(_column, at["letters"].unique())])
        rows = at["digits"].cast(pl.Int64, strict=False).drop_nulls().sort(descending=True)
        self.row = max(self.row, *rows.head(1).to_list(), 0)
        self.unplaced |= tags > len(places)
        if self.unplaced:
            self._count(text)

    def _count(self, text: bytes) -> None:
        rows = _ROW.split(text)
        self.row_tags += len(rows) - 1
        cells = [len(_CELL.findall(row)) for row in rows]
        cells[0] += self.begun
        self.begun = cells[-1]
        self.widest = max(self.widest, *cells)


def _all(series: pl.Series, pattern: str) -> pl.Series:
    return series.str.extract_all(pattern).explode(empty_as_null=False, keep_nulls=False)


def _reach(part: IO[bytes], room: int, where: str) -> _Reach:
    """Go through a part; of one that is no sheet neither rows nor columns are found."""
    found = _Reach()
    rest = b""
    while piece := part.read(_PIECE):
        found.size += len(piece)
        if found.size > room:
            raise InputError("F132", where=where, limit=f"{room >> 20:,}")
        text = rest + piece
        cut = _cut(text)
        if len(text) - cut > _LONGEST_TAG:
            if not _WHOLE_TAG.match(text, cut):
                raise InputError("F115", where=where)
            cut = len(text)
        found.look(text[:cut])
        rest = text[cut:]
    found.look(rest)
    return found


def _cut(text: bytes) -> int:
    """Where the last tag begins: its end may be in the next piece."""
    begun = max(text.rfind(beginning) for beginning in _BEGINNINGS)
    if text[-1:] in (b"<", b":"):
        begun = len(text) - 1
    return begun if begun >= 0 else len(text)


def _column(letters: str | None) -> int:
    """Number of a column, ``A`` is 1; no letters are 0."""
    found = 0
    for letter in (letters or "").upper()[:_LETTERS]:
        found = 26 * found + ord(letter) - 64
    return found
