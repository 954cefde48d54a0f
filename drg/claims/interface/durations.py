"""Durations as the settlement list writes them, ``days/hours/minutes``; whole minutes inside.

Hours are cut, never rounded: 95 hours and 59 minutes are less than 96 hours.
"""

from __future__ import annotations

import re
from datetime import date

__all__ = ["duration_text", "read_duration", "read_minute", "whole_hours"]

_DURATION = re.compile(r"([0-9]{1,5})/([0-9]{1,5})/([0-9]{1,5})")
_SEPARATOR = "[-/.]?"
_MINUTE = re.compile(
    rf"([0-9]{{4}}){_SEPARATOR}([0-9]{{1,2}}){_SEPARATOR}([0-9]{{1,2}})"
    r"[ T]?([0-9]{1,2}):?([0-9]{2})(?::?[0-9]{2}(?:[.][0-9]+)?)?"
)
_HOUR, _DAY = 60, 24 * 60


def read_duration(text: str) -> int | None:
    """Minutes of ``days/hours/minutes``; None when the text is written otherwise.

    Examples
    --------
    >>> read_duration("1/13/24"), read_duration("0/95/59"), read_duration("96")
    (2244, 5759, None)
    """
    found = _DURATION.fullmatch(text.strip().replace("\uff0f", "/"))
    if found is None:
        return None
    days, hours, minutes = map(int, found.groups())
    return days * _DAY + hours * _HOUR + minutes


def whole_hours(minutes: int) -> int:
    """Complete hours."""
    return minutes // _HOUR


def duration_text(minutes: int) -> str:
    """Minutes as the list writes them.

    Examples
    --------
    >>> duration_text(2244)
    '1/13/24'
    """
    return f"{minutes // _DAY}/{minutes % _DAY // _HOUR}/{minutes % _HOUR}"


def read_minute(text: str) -> int | None:
    """A moment in minutes since year 1, seconds cut off; None where no time of day is told.

    Examples
    --------
    >>> read_minute("2025-06-02 08:30:59") - read_minute("20250601 2330")
    540
    """
    found = _MINUTE.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute = map(int, found.groups())
    try:
        days = date(year, month, day).toordinal()
    except ValueError:
        return None
    if hour >= _DAY // _HOUR or minute >= _HOUR:
        return None
    return days * _DAY + hour * _HOUR + minute
