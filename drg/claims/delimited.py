"""The shape of a delimited text file, checked before anything is read from it.

polars fills short rows with nulls in silence, renames repeated columns and loses rows to a stray
quote; a claim file must not be read that way. So the header is parsed here, and quotes, delimiters
and line ends are looked at over the whole file: only when they do not fit is it gone through row
by row, to name the line. Blank lines are not claims and are left out.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drg.claims.encoding import BLOCK, blocks
from drg.errors import InputError

__all__ = ["Layout", "check_names", "find_bad_row", "layout"]

_NEWLINE = ord("\n")
_RETURN = ord("\r")
_QUOTE = ord('"')
SEPARATORS = (",", "\t", ";", "|")
#: Most columns, as a sheet has; and the longest record, in bytes, which is read in one piece.
_WIDEST, _LONGEST = 16_384, 64 << 20
#: Bytes looked at together: what is found in them stays in the processor's cache.
_COUNTED = BLOCK // 4
#: So many columns, and a line's delimiters are counted in a byte.
_SUMMED = 256
_SNIFFED_HEADER = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Layout:
    """How to read a delimited file.

    Attributes
    ----------
    path : Path
        The file, or a copy without blank lines.
    separator : str
        Field delimiter.
    names : tuple of str
        Column names; a blank header cell becomes ``column_<number>``.
    rows : int
        Claims, header not counted.
    """

    path: Path
    separator: str
    names: tuple[str, ...]
    rows: int


@dataclass
class _Counts:
    """What one pass over the bytes finds; ``offset`` and ``before`` carry it over blocks.

    ``stray`` and ``long``: where a quote out of place stands, and a record that is too long begins.
    """

    offset: int
    before: int = _NEWLINE
    fields: int = 0
    lines: int = 0
    uneven: bool = False
    open_quote: bool = False
    stray: int | None = None
    long: int | None = None
    blank_start: bool = False
    returns_only: bool = False

    @property
    def records(self) -> int:
        return self.lines + (self.before != _NEWLINE)


def layout(path: Path, workdir: Callable[[], Path], *, tabs: bool, where: str) -> Layout:
    """Header, delimiter and number of rows of a UTF-8 delimited file.

    Parameters
    ----------
    path : Path
        UTF-8 text file, with or without BOM.
    workdir : callable
        Gives the working folder; called only when a copy has to be written.
    tabs : bool
        The name says that tabs delimit; otherwise the header decides among ``, tab ; |``.
    where : str
        File named in errors.

    Raises
    ------
    InputError
        F103 no header, F111 repeated column name, F113 a row with another number of fields,
        F114 a quote out of place, F136 too many columns, F137 a record that is too long.
    """
    names, separator = _header(path, tabs, where)
    width, lines = len(names), path
    counts = _count(path, separator, width)
    if counts.returns_only or (counts.blank_start and counts.stray is None):
        path = _without_blank_lines(
            path, workdir() / "lines", returns=counts.returns_only, cells=width == 1
        )
        lines = path if counts.returns_only else lines  # where lines have the caller's numbers
        counts = _count(path, separator, width)
    if counts.long is not None:
        line = _line_at(path, counts.long)
        raise InputError("F137", where=where, line=line, limit=_LONGEST >> 20)
    if counts.stray is not None:
        raise InputError("F114", where=where, line=_line_at(path, counts.stray))
    if counts.uneven or counts.fields != (width - 1) * counts.records or counts.open_quote:
        blank = find_bad_row(lines, separator, width, where)
        if blank and width > 1:
            path = _without_blank_lines(path, workdir() / "rows")
            counts = _count(path, separator, width)
    return Layout(path, separator, names, counts.records - 1)


def check_names(names: list[str], where: str) -> tuple[str, ...]:
    """Column names as usable: blank ones numbered, repeated ones refused.

    Raises
    ------
    InputError
        F103 when every name is blank, F111 when a name is repeated.
    """
    if not any(name.strip() for name in names):
        raise InputError("F103", where=where)
    usable = [name if name.strip() else f"column_{i}" for i, name in enumerate(names, start=1)]
    seen: set[str] = set()
    for name in usable:
        if name in seen:
            raise InputError("F111", where=where, column=name)
        seen.add(name)
    return tuple(usable)


def _header(path: Path, tabs: bool, where: str) -> tuple[tuple[str, ...], str]:
    """Column names and delimiter, from the first line that is not blank."""
    with path.open(encoding="utf-8-sig", newline=None) as file:
        lines: Iterator[str] = iter(lambda: file.readline(BLOCK), "")
        filled = ((n, line) for n, line in enumerate(lines, 1) if line.strip("\n"))
        number, first = next(filled, (0, ""))
        if not first:
            raise InputError("F103", where=where)
        bare = _SNIFFED_HEADER.sub("", first)
        separator = "\t" if tabs else max(SEPARATORS, key=bare.count)
        try:
            names = next(csv.reader(_chain(first, file), delimiter=separator, strict=True))
        except csv.Error as error:
            raise InputError("F114", where=where, line=number) from error
    if len(names) > _WIDEST:
        raise InputError("F136", where=where, found=f"{len(names):,}", limit=f"{_WIDEST:,}")
    return check_names(names, where), separator


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _count(path: Path, separator: str, width: int) -> _Counts:
    """Delimiters and line ends outside quotes, in one pass over the bytes."""
    with path.open("rb") as file:
        bom = file.read(3) == codecs.BOM_UTF8
    counts = _Counts(offset=3 if bom else 0)
    returns, first, ended = False, True, 0
    for block in blocks(path, counts.offset):
        if first:
            counts.blank_start = block[:1] == b"\n" or block[:2] == b"\r\n"
            first = False
        returns = returns or b"\r" in block[:4096]
        lines = counts.lines
        data = np.frombuffer(block, dtype=np.uint8)
        for at in range(0, len(data), _COUNTED):
            _count_block(data[at : at + _COUNTED], ord(separator), width, counts)
        if counts.lines > lines:
            ended = counts.offset
        elif counts.offset - ended > _LONGEST and counts.stray is None and counts.lines:
            counts.long = ended
            break
    counts.returns_only = returns and counts.lines == 0
    return counts


def _count_block(data: NDArray[np.uint8], delimiter: int, width: int, counts: _Counts) -> None:
    """Add a block's delimiters and line ends outside quotes, and its first stray quote."""
    quotes = np.flatnonzero(data == _QUOTE)
    was_open = counts.open_quote
    if counts.stray is None:
        stray = _stray_quote(data, quotes, was_open, counts.before, delimiter)
        counts.stray = None if stray is None else counts.offset + stray
    counts.open_quote = was_open != bool(len(quotes) & 1)
    # Two quotes side by side, an empty cell, hold nothing: the usual case.
    empty = not was_open and not len(quotes) & 1 and bool((np.diff(quotes)[::2] == 1).all())

    if empty and width <= _SUMMED:
        fields, lines, even = _lines_summed(data, delimiter, width, counts)
    else:
        marks = np.flatnonzero((data == delimiter) | (data == _NEWLINE))
        if not empty:
            depth = np.searchsorted(quotes, marks) + was_open
            marks = marks[depth & 1 == 0]
        ends = data[marks] == _NEWLINE
        lines = int(np.count_nonzero(ends))
        # In an even file every ``width``-th mark, counted from the start of the file, ends a line.
        due = ends[(width - 1 - counts.fields - counts.lines) % width :: width]
        fields, even = len(marks) - lines, lines == len(due) and bool(due.all())
    counts.uneven = counts.uneven or not even
    counts.fields += fields
    counts.lines += lines
    counts.offset += len(data)
    counts.before = int(data[-1])


def _lines_summed(
    data: NDArray[np.uint8], delimiter: int, width: int, counts: _Counts
) -> tuple[int, int, bool]:
    """Delimiters and line ends of a block without quoted text, and whether the lines are even.

    Delimiters are summed from line end to line end in a byte, which may run over; but their sum
    in all is exact, and so no line can have a byte's worth too many.
    """
    found = data == delimiter
    ends = np.flatnonzero(data == _NEWLINE)
    fields = int(np.count_nonzero(found))
    before = counts.fields - (width - 1) * counts.lines  # of the line that the block goes on with
    if not len(ends):
        return fields, 0, before + fields < width
    first = int(np.count_nonzero(found[: ends[0]]))
    last = int(np.count_nonzero(found[ends[-1] :]))
    inner = np.add.reduceat(found.view(np.uint8), ends, dtype=np.uint8)[:-1]
    exact = fields - first - last == (width - 1) * len(inner)
    even = before + first == width - 1 and exact and bool((inner == width - 1).all())
    return fields, len(ends), even and last < width


def _stray_quote(
    data: NDArray[np.uint8], quotes: NDArray[np.intp], was_open: bool, before: int, delimiter: int
) -> int | None:
    """Place of the first quote that neither encloses a cell nor is one of a pair inside it.

    An opening quote stands at the start of a cell, a closing one at its end; the two halves of a
    pair count as one closing and one opening. ``before`` is the byte before the block.
    """
    strays: list[int] = []
    if before == _QUOTE and not was_open and data[0] not in (delimiter, _NEWLINE, _RETURN, _QUOTE):
        strays.append(-1)
    opening, closing = quotes[int(was_open) :: 2], quotes[int(not was_open) :: 2]
    left = data[opening - 1]
    if len(opening) and opening[0] == 0:
        left[0] = before
    strays += opening[(left != delimiter) & (left != _NEWLINE) & (left != _QUOTE)][:1].tolist()
    inner = closing[closing < len(data) - 1]
    right = data[inner + 1]
    ends = (right == delimiter) | (right == _NEWLINE) | (right == _RETURN) | (right == _QUOTE)
    strays += inner[~ends][:1].tolist()
    return min(strays, default=None)


def _line_at(path: Path, offset: int) -> int:
    """Number of the line, from 1, that holds the byte at ``offset``."""
    line, done = 1, 0
    for block in blocks(path):
        line += block[: offset - done].count(b"\n")
        done += len(block)
        if done >= offset:
            break
    return line


def find_bad_row(path: Path, separator: str, width: int, where: str) -> bool:
    """Go through the file row by row; whether it has blank lines.

    Raises
    ------
    InputError
        F113 for the first row whose width differs, F114 for a quote out of place.
    """
    blank, line = False, 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            for row in reader:
                if not row:
                    blank = True
                elif len(row) != width:
                    raise InputError("F113", where=where, line=line, found=len(row), wanted=width)
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError("F114", where=where, line=line) from error
    return blank


def _without_blank_lines(
    source: Path, target: Path, *, returns: bool = False, cells: bool = False
) -> Path:
    """Copy a file without its blank lines.

    ``returns``: LF for bare CR, which end its lines. ``cells``: in a file of one column a blank
    line after the header is an empty cell, and stays.
    """
    quoted = begun = False
    with (
        source.open(encoding="utf-8-sig", newline=None if returns else "\n") as lines,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        for line in lines:
            if quoted or (begun and cells) or line.strip("\r\n"):
                out.write(line)
                begun = True
            quoted ^= line.count('"') % 2 == 1
    return target
