"""Days as claim files write them: one cell, or a whole column at once.

Read are ``2025-06-30``, ``2025/6/30``, ``2025.6.30``, ``2025年6月30日`` and ``20250630``; a time of
day after them is left aside. Everything else, a spreadsheet's day number among it, is not guessed.
"""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["impossible_day", "read_day", "read_days"]

#: Days outside this are slips of typing: no claim is older or that far ahead.
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
_EPOCH = datetime.date(1970, 1, 1)
#: Days from the epoch to the first and to the last one that a calendar has.
_CALENDAR = (datetime.date.min - _EPOCH).days, (datetime.date.max - _EPOCH).days
_UNITS = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
# Both engines read these patterns alike: no shorthand such as \d, which is Unicode in one of them.
_BLANK = "[ \t\r\n\u00a0\u3000]*"
#: A time of day, whatever it looks like.
_CLOCK = "(?:[T \t\r\n\u00a0\u3000](?s:.)*)?$"
_PARTS = (
    rf"^{_BLANK}[+]?([0-9]{{4}}){_BLANK}[-/.年]{_BLANK}([0-9]{{1,2}}){_BLANK}[-/.月]"
    rf"{_BLANK}([0-9]{{1,2}}){_BLANK}日?{_CLOCK}"
)
_DIGITS = rf"^{_BLANK}([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})(?:[0-9]{{4}}|[0-9]{{6}}|[.]0*)?{_CLOCK}"
_PATTERNS = (_PARTS, _DIGITS)
_COMPILED = tuple(map(re.compile, _PATTERNS))
_ISO = "%Y-%m-%d"
#: Cells that are read one by one: for so few, planning columns costs more.
_FEW = 64


def read_day(cell: object) -> datetime.date | None:
    """The day of one cell.

    Parameters
    ----------
    cell : object
        Text, a number written ``YYYYMMDD``, a date or a datetime (its clock's day).

    Returns
    -------
    date or None
        None: empty, or not a day between ``FIRST`` and ``LAST``.

    Examples
    --------
    >>> read_day("2025/6/30 14:05"), read_day("2025-02-30")
    (datetime.date(2025, 6, 30), None)
    """
    if isinstance(cell, datetime.datetime):
        day: datetime.date | None = cell.date()
    elif isinstance(cell, datetime.date):
        day = cell
    elif isinstance(cell, float):
        day = _day_of(str(int(cell))) if cell.is_integer() else None
    else:
        day = None if cell is None or isinstance(cell, bool) else _day_of(str(cell))
    return day if day and FIRST <= day <= LAST else None


def _day_of(text: str) -> datetime.date | None:
    for pattern in _COMPILED:
        if found := pattern.match(text):
            try:
                return datetime.date(*map(int, found.groups()))
            except ValueError:
                return None
    return None


def read_days(series: pl.Series) -> pl.Series:
    """The days of a column, as ``read_day`` reads each cell.

    Parameters
    ----------
    series : Series
        Of any dtype.

    Returns
    -------
    Series of Date
        Same length; null where there is no day or it cannot be read.
    """
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Date:
        days = series
    elif isinstance(dtype, pl.Datetime):
        days = series.dt.date()
    elif dtype == pl.String:
        days = _days_of_text(series)
    elif dtype.is_integer() or dtype.is_float() or dtype in (pl.Categorical, pl.Enum):
        if dtype.is_float():
            series = series.set((series != series.floor()) | series.is_infinite(), None)
            series = series.cast(pl.Int64, strict=False)
        days = _days_of_text(series.cast(pl.String))
    else:
        return pl.Series(series.name, [None] * len(series), dtype=pl.Date)
    # By number: a year that text can spell may be none that Python's dates can hold.
    first, last = ((day - _EPOCH).days for day in (FIRST, LAST))
    inside = days.to_physical().is_between(first, last)
    return days if inside.all() else days.set(~inside, None)


def impossible_day(frame: pl.DataFrame) -> tuple[str, int] | None:
    """The first cell of a frame whose day lies outside the years 1 to 9999.

    Binary files can hold such days; they have no text, and Python has no date for them.

    Returns
    -------
    tuple of (str, int) or None
        Column, and row from 0; columns in order.
    """
    import polars as pl

    for name, dtype in frame.schema.items():
        if dtype != pl.Date and not isinstance(dtype, pl.Datetime):
            continue
        a_day = _UNITS[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 1
        first, last = _CALENDAR[0] * a_day, (_CALENDAR[1] + 1) * a_day - 1
        cells = frame[name].to_physical()
        low, high = cells.min(), cells.max()
        if low is not None and (low < first or high > last):  # type: ignore[operator]
            return name, int(((cells < first) | (cells > last)).arg_true()[0])
    return None


def _days_of_text(text: pl.Series) -> pl.Series:
    import polars as pl

    days = text.str.to_date(_ISO, strict=False)
    if days.null_count() == text.null_count():
        return days
    rest = (days.is_null() & text.is_not_null()).arg_true()
    left = text.gather(rest)
    if len(left) <= _FEW:
        read = [_day_of(cell) for cell in left.to_list()]
        return days.scatter(rest, pl.Series(read, dtype=pl.Date))
    # "2025-06-30 14:05:00": most columns that hold more than a day look like this.
    clock = left.str.head(10).str.to_date(_ISO, strict=False)
    found = clock.set(~left.str.slice(10, 1).is_in([" ", "T"]), None)
    for pattern in _PATTERNS:
        if found.null_count() == 0:
            break
        where = found.is_null().arg_true()
        parts = left.gather(where).str.extract_groups(pattern).struct.unnest()
        iso = parts.select(
            pl.concat_str(
                pl.col("1"), pl.col("2").str.zfill(2), pl.col("3").str.zfill(2), separator="-"
            )
        ).to_series()
        found = found.scatter(where, iso.str.to_date(_ISO, strict=False))
    return days.scatter(rest, found)
