"""Half-open intervals of days, and the one of several that holds a day or lies nearest to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Interval", "Spot", "Timeline", "first_overlap"]


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
