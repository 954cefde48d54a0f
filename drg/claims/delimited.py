"""The shape of a delimited text file, checked before anything is read from it.

polars fills short rows with nulls in silence and renames repeated columns; a claim file must
not be read that way. So the header is parsed here, and delimiters and line ends are counted over
the whole file: only when the counts do not fit is the file gone through row by row, to name the
line. Blank lines are not claims and are left out.
"""

from __future__ import annotations

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
_QUOTE = ord('"')
SEPARATORS = (",", "\t", ";", "|")
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
    fields: int = 0
    lines: int = 0
    open_quote: bool = False
    ends_in_line: bool = False
    blank_start: bool = False
    returns_only: bool = False

    @property
    def records(self) -> int:
        return self.lines + self.ends_in_line


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
        F114 a quote out of place.
    """
    names, separator = _header(path, tabs, where)
    counts = _count(path, separator)
    if counts.returns_only or counts.blank_start:
        path = _without_blank_lines(path, workdir() / "lines", returns=counts.returns_only)
        counts = _count(path, separator)
    width = len(names)
    if counts.fields != (width - 1) * counts.records or counts.open_quote:
        blank = find_bad_row(path, separator, width, where)
        if blank and width > 1:
            path = _without_blank_lines(path, workdir() / "rows")
            counts = _count(path, separator)
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
        first = next((line for line in lines if line.strip("\n")), "")
        if not first:
            raise InputError("F103", where=where)
        bare = _SNIFFED_HEADER.sub("", first)
        separator = "\t" if tabs else max(SEPARATORS, key=bare.count)
        try:
            names = next(csv.reader(_chain(first, file), delimiter=separator, strict=True))
        except csv.Error as error:
            raise InputError("F114", where=where, line=1) from error
    return check_names(names, where), separator


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _count(path: Path, separator: str) -> _Counts:
    """Delimiters and line ends outside quotes, in one pass over the bytes."""
    counts = _Counts()
    delimiter, returns, last, first = ord(separator), False, b"", True
    for block in blocks(path):
        if first:
            start = block.removeprefix(b"\xef\xbb\xbf")
            counts.blank_start = start[:1] == b"\n" or start[:2] == b"\r\n"
            first = False
        returns = returns or b"\r" in block[:4096]
        last = block[-1:]
        _count_block(np.frombuffer(block, dtype=np.uint8), delimiter, counts)
    counts.ends_in_line = last not in (b"", b"\n")
    counts.returns_only = returns and counts.lines == 0
    return counts


def _count_block(data: NDArray[np.uint8], delimiter: int, counts: _Counts) -> None:
    """Add a block's delimiters and line ends outside quotes; ``open_quote`` carries over."""
    quotes = np.flatnonzero(data == _QUOTE)
    was_open = counts.open_quote
    counts.open_quote = was_open != bool(len(quotes) & 1)
    # Two quotes side by side, an empty cell, hold nothing: the usual case.
    empty = not was_open and not len(quotes) & 1 and bool((np.diff(quotes)[::2] == 1).all())

    def outside(byte: int) -> int:
        found = data == byte
        if empty:
            return int(np.count_nonzero(found))
        depth = np.searchsorted(quotes, np.flatnonzero(found)) + was_open
        return int(np.count_nonzero(depth & 1 == 0))

    counts.fields += outside(delimiter)
    counts.lines += outside(_NEWLINE)


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


def _without_blank_lines(source: Path, target: Path, *, returns: bool = False) -> Path:
    """Copy a file without its blank lines (and with LF for bare CR, when those end its lines)."""
    quoted = False
    with (
        source.open(encoding="utf-8-sig", newline=None if returns else "\n") as lines,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        for line in lines:
            if quoted or line.strip("\r\n"):
                out.write(line)
            quoted ^= line.count('"') % 2 == 1
    return target
