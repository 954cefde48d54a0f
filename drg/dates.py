"""Months, half-open intervals of days, and the one of several that holds a day or lies nearest."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Interval", "Month", "Spot", "Timeline", "first_overlap"]

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month.

    Attributes
    ----------
    year : int
    number : int
        1 to 12.

    Examples
    --------
    >>> month = Month.parse("2025-12")
    >>> str(month.next), month.last.isoformat(), month.quarter
    ('2026-01', '2025-12-31', 4)
    """

    year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.year <= 9998 or not 1 <= self.number <= 12:
            raise ValueError(f"{self.year}-{self.number} is no month")

    @classmethod
    def parse(cls, text: str) -> Month:
        """The month written ``YYYY-MM``.

        Raises
        ------
        ValueError
            Written otherwise, or no month.
        """
        found = _MONTH.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not written YYYY-MM")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> Month:
        """The month a day lies in."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> Month:
        """The month after."""
        return self.plus(1)

    @property
    def previous(self) -> Month:
        """The month before."""
        return self.plus(-1)

    def plus(self, months: int) -> Month:
        """The month so many later; earlier when negative."""
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, number + 1)

    @property
    def quarter(self) -> int:
        """Quarter of the year, 1 to 4."""
        return (self.number + 2) // 3

    @property
    def quarter_months(self) -> tuple[Month, Month, Month]:
        """The three months of its quarter."""
        start = Month(self.year, self.quarter * 3 - 2)
        return start, start.plus(1), start.plus(2)

    @property
    def days(self) -> Interval:
        """All its days."""
        return Interval(self.first, self.next.first)

    def __contains__(self, day: date) -> bool:
        return (day.year, day.month) == (self.year, self.number)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True)
class Interval:
    """Days from ``start`` up to, but without, ``end``.

    Attributes
    ----------
    start, end : date or None
        None: open on that side.

    Raises
    ------
    ValueError
        The interval holds no day.

    Examples
    --------
    >>> year = Interval.parse(("2022-01-01", "2023-01-01"))
    >>> date(2022, 1, 1) in year, date(2023, 1, 1) in year
    (True, False)
    >>> print(year)
    [2022-01-01, 2023-01-01)
    """

    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"no day lies in {self}")

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Interval:
        """The interval of two ISO dates; ``""`` is an open side.

        Raises
        ------
        ValueError
            Not two texts, not dates, or no day between them.
        """
        start, end = (date.fromisoformat(text) if text else None for text in texts)
        return cls(start, end)

    def __contains__(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)

    def overlaps(self, other: Interval) -> bool:
        """Whether some day lies in both."""
        return (self.end is None or other.start is None or other.start < self.end) and (
            other.end is None or self.start is None or self.start < other.end
        )

    @property
    def texts(self) -> tuple[str, str]:
        """Both ends as ISO dates, ``""`` where open: what ``parse`` reads."""
        return (
            self.start.isoformat() if self.start else "",
            self.end.isoformat() if self.end else "",
        )

    def __str__(self) -> str:
        start, end = (text or "…" for text in self.texts)
        return f"[{start}, {end})"


def first_overlap(intervals: Sequence[Interval]) -> tuple[int, int] | None:
    """Places of two intervals that share a day, the earliest first; None when none do."""
    order = sorted(range(len(intervals)), key=lambda n: intervals[n].start or date.min)
    for before, after in pairwise(order):
        if intervals[before].overlaps(intervals[after]):
            return before, after
    return None


class Spot(NamedTuple):
    """Where a day stands among intervals: in the one of that number, or nearest to it."""

    number: int
    inside: bool


class Timeline:
    """Which of several intervals holds a day, or else lies nearest to it.

    Parameters
    ----------
    intervals : sequence of Interval
        In order, without overlap; at least one.

    Attributes
    ----------
    edges : tuple of date
        First days of the stretches over which the answer is the same; the first is ``date.min``.
    spots : tuple of Spot
        The answer of each stretch. A day as near to two intervals belongs to the earlier one.

    Examples
    --------
    >>> line = Timeline([Interval.parse(("2022-01-01", "2023-01-01"))])
    >>> line.at(date(2022, 12, 31)), line.at(date(2023, 1, 1))
    (Spot(number=0, inside=True), Spot(number=0, inside=False))
    """

    def __init__(self, intervals: Sequence[Interval]) -> None:
        if not intervals:
            raise ValueError("a timeline needs an interval")
        stretches: list[tuple[date, Spot]] = []
        for number, interval in enumerate(intervals):
            start = interval.start or date.min
            if number == 0 and start > date.min:
                stretches.append((date.min, Spot(0, False)))
            elif number:
                stretches += _gap(number - 1, intervals[number - 1].end, start)
            stretches.append((start, Spot(number, True)))
        if last := intervals[-1].end:
            stretches.append((last, Spot(len(intervals) - 1, False)))
        self.edges = tuple(day for day, _ in stretches)
        self.spots = tuple(spot for _, spot in stretches)

    def at(self, day: date) -> Spot:
        """Where a day stands."""
        return self.spots[bisect_right(self.edges, day) - 1]


def _gap(before: int, end: date | None, start: date) -> list[tuple[date, Spot]]:
    """The stretches between an interval and the next one: nearest to the one, then the other."""
    if end is None or end > start:
        raise ValueError("intervals of a timeline stand in order and do not overlap")
    # The day before `end` is the last of the one, `start` the first of the other.
    middle = date.fromordinal((end.toordinal() - 1 + start.toordinal()) // 2 + 1)
    stretches = [(end, Spot(before, False)), (middle, Spot(before + 1, False))]
    return [s for s, after in zip(stretches, (middle, start), strict=True) if s[0] < after]
