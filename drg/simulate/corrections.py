"""Corrected values: read as their column is, and put into a frame of whatever dtype it has."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from drg.claims.case import CASE_COLUMNS
from drg.claims.days import read_day
from drg.claims.frame import BLANKS, Column, polars_dtype
from drg.claims.model import normalise_sex
from drg.money import AmountError, fen
from drg.simulate.errors import SimulateError
from drg.text import language

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CORRECTABLE", "Value", "column_title", "overridden", "read_value", "same_value"]

Value: TypeAlias = str | int | datetime.date | None

#: Columns that may be corrected: all but the name of the case and its codes.
CORRECTABLE: Mapping[str, Column] = {
    column.name: column
    for column in CASE_COLUMNS
    if column.kind != "codes" and column.name != "claim_id"
}
_WHOLE = re.compile(r"([+-]?[0-9]{1,10})([.]0*)?")
_FAR = 2**31
_SEXES = ("M", "F")


def column_title(name: str, lang: str | None = None) -> str:
    """A column by its name for a reader: Chinese as on the settlement list, else its own."""
    return CORRECTABLE[name].title_zh if (lang or language()) == "zh" else name


def read_value(name: str, written: str) -> Value:
    """A corrected value, as its column holds it.

    Parameters
    ----------
    name : str
        Canonical column.
    written : str
        As the user wrote it; blanks alone: not reported.

    Returns
    -------
    str, int, date or None
        Money stays text, in yuan.

    Raises
    ------
    SimulateError
        G401 the value cannot be read, G402 no such column, or one that is not corrected so.
    """
    column = CORRECTABLE.get(name)
    if column is None:
        raise SimulateError("G402", where=name, known=", ".join(CORRECTABLE))
    text = written.strip(BLANKS)
    if not text:
        return None
    found = _read(column, text)
    if found is None:
        wanted = column.unit or column.kind
        raise SimulateError(
            "G401", where=name, value=written[:60], wanted=wanted, title=column.title_zh
        )
    return found


def _read(column: Column, text: str) -> Value:
    match column.kind:
        case "int":
            whole = _WHOLE.fullmatch(text)
            return int(whole[1]) if whole and abs(int(whole[1])) < _FAR else None
        case "date":
            return read_day(text)
        case "money":
            try:
                fen(text)
            except AmountError:
                return None
            return text
    if column.name != "sex":
        return text
    sex = normalise_sex(text)
    return sex if sex in _SEXES else None


def same_value(name: str, cell: object, value: Value) -> bool:
    """Whether a cell of a file already says this."""
    shown = cell_text(cell)
    try:
        found = read_value(name, shown)
    except SimulateError:
        return False
    if CORRECTABLE[name].kind == "money" and isinstance(found, str) and isinstance(value, str):
        return fen(found) == fen(value)
    return found == value


def cell_text(cell: object) -> str:
    """A cell of a file as a reader sees it; ``""`` for null."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, datetime.date) else str(cell)


def overridden(
    series: pl.Series | None, name: str, cells: Mapping[int, Value], rows: int
) -> pl.Series:
    """A column with other values in some rows; every other row is read as before.

    Parameters
    ----------
    series : Series or None
        The file's own column, of any dtype; None: it has none.
    name : str
        Canonical column.
    cells : mapping of int to value
        By row.
    rows : int
        Number of rows.
    """
    import polars as pl

    kind = CORRECTABLE[name].kind
    if series is None:
        series = pl.Series([None] * rows, dtype=polars_dtype(kind))
    where, values = list(cells), list(cells.values())
    dtype, given = series.dtype, [value for value in values if value is not None]
    if dtype.is_integer() and all(isinstance(value, int) for value in given):
        return series.cast(pl.Int64).scatter(where, pl.Series(values, dtype=pl.Int64))
    if dtype == pl.Date and all(isinstance(value, datetime.date) for value in given):
        return series.scatter(where, pl.Series(values, dtype=pl.Date))
    return _as_text(series).scatter(where, pl.Series(map(_written, values), dtype=pl.String))


def _written(value: Value) -> str | None:
    return None if value is None else cell_text(value)


def _as_text(series: pl.Series) -> pl.Series:
    """A column as text that is read as the column itself is."""
    import polars as pl

    if not series.dtype.is_float():
        return series.cast(pl.String)
    # Whole numbers without an exponent or a fraction that they do not have.
    whole = series.cast(pl.Int64, strict=False)
    whole = whole.set((series != whole).fill_null(value=True), None)
    return pl.select(
        pl.coalesce(pl.lit(whole.cast(pl.String)), pl.lit(series.cast(pl.String)))
    ).to_series()
