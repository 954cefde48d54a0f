"""Columns of few rows, read cell by cell: handing them to polars would cost more than that.

Each reader gives what ``drg.claims.typed`` gives of a long column, to the last bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from drg.claims.days import read_day
from drg.claims.named import Named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["FEW", "coded_cells", "day_cells", "whole_cells", "yuan_cells"]

#: Up to so many rows a column is read cell by cell.
FEW = 64
#: An amount without parts of a fen, and a whole number, as nearly all cells have them.
_YUAN = re.compile(r"([+-]?)([0-9]{1,13})(?:\.([0-9]{0,2}))?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_EPOCH = date(1970, 1, 1).toordinal()


def coded_cells(cells: Sequence[str | None], key: Callable[[str], str]) -> Named:
    """Texts as numbers; the names are those of the cells, not every category there may be."""
    keys = {cell: key(cell) for cell in cells if cell is not None}
    names = tuple(sorted({text for text in keys.values() if text}))
    place = {name: n for n, name in enumerate(names)}
    slot = {cell: place.get(text, len(names)) for cell, text in keys.items()}
    codes = [len(names) if cell is None else slot[cell] for cell in cells]
    return Named(names, np.array(codes, np.uint32))


def yuan_cells(cells: Sequence[str | None]) -> tuple[Ints, Flags, list[int]]:
    """Yuan as fen, where they are given, and the rows that are written otherwise."""
    fen, given = np.zeros(len(cells), np.int64), np.zeros(len(cells), np.bool_)
    odd: list[int] = []
    for row, cell in enumerate(cells):
        if not cell:
            continue
        if plain := _YUAN.fullmatch(cell):
            sign, whole, cents = plain.groups()
            amount = int(whole) * 100 + int((cents or "").ljust(2, "0"))
            fen[row], given[row] = -amount if sign == "-" else amount, True
        else:
            odd.append(row)
    return fen, given, odd


def whole_cells(cells: Sequence[str | int | None]) -> tuple[Ints, Flags] | None:
    """Whole numbers and where they are given; None: one of them is written otherwise."""
    numbers, given = np.zeros(len(cells), np.int64), np.zeros(len(cells), np.bool_)
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        if not _WHOLE.fullmatch(str(cell)):
            return None
        numbers[row], given[row] = int(cell), True
    return numbers, given


def day_cells(cells: Sequence[str | None]) -> tuple[NDArray[np.int32], Flags]:
    """Days since 1970-01-01 and where they are given."""
    days = {cell: read_day(cell) for cell in {*cells}}
    number = {cell: 0 if day is None else day.toordinal() - _EPOCH for cell, day in days.items()}
    given = np.array([days[cell] is not None for cell in cells], np.bool_)
    return np.array([number[cell] for cell in cells], np.int32), given
