"""Frames as rows of a worksheet's XML, whole columns at a time.

A cell of ``fen`` columns shows yuan. Numbers of more than 15 digits, NaN, and days before 1900 go
in as text, for Excel would change them. A null is no cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

__all__ = ["TEXT_LIMIT", "CellStyle", "rows_xml"]

#: Most characters of a cell.
TEXT_LIMIT = 32_767
#: Excel keeps 15 digits of a number.
_NUMBER = 10**15
#: Day 0 of the Unix calendar in Excel's, which holds 1900-02-29 for a day (serial 60).
_EPOCH, _LEAP = 25_569, 60
_DAY_US = 86_400_000_000
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\ufffe": "_xFFFE_", "\uffff": "_xFFFF_"}
#: Characters that XML cannot hold, and texts that look like what they become.
_ODD = r"[\x00-\x08\x0b-\x1f]|_x[0-9a-fA-F]{4}_"
_CONTROL, _LOOKALIKE = re.compile(r"[\x00-\x08\x0b-\x1f]"), re.compile(r"_(x[0-9a-fA-F]{4}_)")
_BLANK_ENDS = r"^\s|\s$"


class CellStyle(NamedTuple):
    """How the cells of one column look.

    Attributes
    ----------
    number : int
        The workbook's number of the cell format; 0 is the plain one.
    fen : bool
        Integers are fen, shown as yuan with two decimals.
    """

    number: int = 0
    fen: bool = False


_PLAIN = CellStyle()


def rows_xml(frame: pl.DataFrame, first: int, styles: Mapping[str, CellStyle]) -> str:
    """``<row>`` elements of a frame's rows.

    Parameters
    ----------
    frame : DataFrame
        No column holds lists; texts are at most ``TEXT_LIMIT`` characters long.
    first : int
        Number of the first row in the sheet, counted from 1.
    styles : mapping of str to CellStyle
        By column; plain where there is none.
    """
    row = max(["row", *frame.columns], key=len) + "_"  # a name that is free
    numbered = frame.with_row_index(row, offset=first).with_columns(pl.col(row).cast(pl.String))
    odd = _odd_columns(frame)
    cells = [
        _cells(series, number, styles.get(series.name, _PLAIN), pl.col(row), series.name in odd)
        for number, series in enumerate(frame)
        if series.null_count() < len(series)
    ]
    opening = pl.format('<row r="{}">', pl.col(row))
    line = pl.concat_str([opening, *cells, pl.lit("</row>")])
    return str(numbered.select(line.str.join("")).item())


def _odd_columns(frame: pl.DataFrame) -> set[str]:
    """Columns with a cell that is not written the plain way; one pass over the frame."""
    checks = [odd.any().alias(s.name) for s in frame if (odd := _odd(s)) is not None]
    if not checks:
        return set()
    return {name for name, found in frame.select(checks).row(0, named=True).items() if found}


def _odd(series: pl.Series) -> pl.Expr | None:
    """Cells that are not written the plain way; None: the column's dtype has none."""
    column, dtype = pl.col(series.name), series.dtype
    if dtype.is_numeric():
        finite = column.is_finite() if dtype.is_float() else pl.lit(True)
        return ~(finite & (column.abs() < _NUMBER)).fill_null(True)
    if dtype == pl.Date or _is_clock(dtype):
        return (_days(column, dtype) <= 1).fill_null(False)
    if dtype == pl.String:
        return column.str.contains(f"{_ODD}|{_BLANK_ENDS}").fill_null(False)
    return None


def _is_clock(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is None


def _days(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Excel's number of a day, with the time as its fraction."""
    if dtype == pl.Date:
        return column.cast(pl.Int32) + _EPOCH
    return column.cast(pl.Datetime("us")).cast(pl.Int64) / _DAY_US + _EPOCH


def _cells(series: pl.Series, number: int, style: CellStyle, row: pl.Expr, odd: bool) -> pl.Expr:
    """One column's ``<c>`` elements, ``""`` where there is no cell."""
    column, dtype = pl.col(series.name), series.dtype
    kind = ""
    if dtype.is_numeric():
        value = _yuan(column) if style.fen else column.cast(pl.String).str.to_lowercase()
    elif dtype == pl.Boolean:
        kind, value = ' t="b"', column.cast(pl.UInt8).cast(pl.String)
    elif dtype == pl.Date or _is_clock(dtype):
        value = _serial(_days(column, dtype)).cast(pl.String)
    else:
        return _texts(_as_text(series), number, style, row, odd)
    there = pl.format(_opening(number, style, kind) + "<v>{}</v></c>", row, value).fill_null("")
    which = _odd(series) if odd else None
    if which is None:
        return there
    return pl.when(which).then(_texts(_as_text(series), number, style, row, True)).otherwise(there)


def _serial(days: pl.Expr) -> pl.Expr:
    return pl.when(days <= _LEAP).then(days - 1).otherwise(days)


def _yuan(column: pl.Expr) -> pl.Expr:
    size = column.cast(pl.Int64).abs()
    sign = pl.when(column < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    cents = (size % 100).cast(pl.String).str.zfill(2)
    return pl.format("{}{}.{}", sign, size // 100, cents)


def _as_text(series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if dtype == pl.String:
        return series
    if dtype in (pl.Enum, pl.Categorical):
        return series.cast(pl.String)
    texts = [None if value is None else str(value) for value in series]
    return pl.Series(series.name, texts, pl.String)


def _texts(series: pl.Series, number: int, style: CellStyle, row: pl.Expr, odd: bool) -> pl.Expr:
    if odd and series.str.contains(_ODD).any():
        shown = [None if text is None else _without_odd(text) for text in series]
        series = pl.Series(series.name, shown, pl.String)
    text = pl.lit(series).str.replace_many(list(_ESCAPED), list(_ESCAPED.values()))
    opening = _opening(number, style, ' t="inlineStr"')
    plain = pl.format(opening + "<is><t>{}</t></is></c>", row, text).fill_null("")
    if not odd:
        return plain
    kept = pl.format(opening + '<is><t xml:space="preserve">{}</t></is></c>', row, text)
    return pl.when(pl.lit(series).str.contains(_BLANK_ENDS)).then(kept).otherwise(plain)


def _without_odd(text: str) -> str:
    shown = _LOOKALIKE.sub(r"_x005F_\1", text)
    return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", shown)


def _opening(number: int, style: CellStyle, kind: str) -> str:
    shown = f' s="{style.number}"' if style.number else ""
    return f'<c r="{_letters(number)}{{}}"{shown}{kind}>'


def _letters(number: int) -> str:
    """Name of a column counted from 0: A, …, Z, AA."""
    letters = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters
