"""Days by which a month is computed and paid, a hold ends, and a year is cleared.

Working days are China's official ones: the kept library ``chinesecalendar`` knows the holidays and
the weekend days worked in their place, year by year as the State Council announces them. For a
year that it does not know nobody can count: the caller gives the days, or gets P440.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from drg.claims.days import read_day
from drg.dates import Month
from drg.errors import DrgError
from drg.paths import tables_root
from drg.text import language

if TYPE_CHECKING:
    from drg.payment.policy import Month as MonthRules
    from drg.payment.policy import Year

__all__ = [
    "CalendarError",
    "ClearingDeadline",
    "MonthDeadlines",
    "WorkCalendar",
    "clearing_deadline",
    "fixed_dates",
    "hold_limit",
    "month_deadlines",
    "read_calendar",
    "read_month",
    "set_calendar",
    "workday_deadline",
]

_KINDS = {
    "holiday": ("holiday", "off", "休", "休息", "放假", "节假日", "放假日"),
    "workday": ("workday", "work", "班", "上班", "调休上班", "补班", "工作日"),
}
_KIND_OF = {spelling: kind for kind, spellings in _KINDS.items() for spelling in spellings}
#: A count of working days past this is a slip, not a deadline.
_MOST_WORKDAYS = 250


class CalendarError(DrgError, LookupError):
    """A day cannot be worked out from what is known."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Which days are working days.

    Attributes
    ----------
    holidays, extra_workdays : frozenset of date
        Weekdays off, and weekend days worked, as the user gives them.
    years : frozenset of int or None
        Years for which these lists hold and are whole; None: every year. All other years come
        from the official calendar.

    Examples
    --------
    >>> WorkCalendar().is_workday(date(2025, 1, 26))  # a Sunday worked before the Spring Festival
    True
    """

    holidays: frozenset[date] = frozenset()
    extra_workdays: frozenset[date] = frozenset()
    years: frozenset[int] | None = frozenset()

    @classmethod
    def given(cls, holidays: Iterable[date], extra_workdays: Iterable[date] = ()) -> WorkCalendar:
        """A calendar of Monday to Friday and these days alone, whatever the year."""
        return cls(frozenset(holidays), frozenset(extra_workdays), None)

    def __post_init__(self) -> None:
        if both := sorted(self.holidays & self.extra_workdays):
            raise CalendarError("P441", cell=both[0].isoformat(), row="—")

    def is_workday(self, day: date) -> bool:
        """Whether work is done on a day.

        Raises
        ------
        CalendarError
            P440: nothing is known of that year.
        """
        if self.years is None or day.year in self.years:
            return day in self.extra_workdays or (day.weekday() < 5 and day not in self.holidays)
        import chinese_calendar  # type: ignore[import-untyped]

        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError as error:
            known = [known.year for known in chinese_calendar.holidays]
            raise CalendarError("P440", year=day.year, first=min(known), last=max(known)) from error

    def nth_workday(self, first: date, n: int) -> date:
        """The n-th working day from ``first`` on, which counts if it is one.

        Raises
        ------
        CalendarError
            P440 as ``is_workday``.
        ValueError
            ``n`` is not between 1 and 250.
        """
        if not 1 <= n <= _MOST_WORKDAYS:
            raise ValueError(f"a working day is counted from 1 to {_MOST_WORKDAYS}, not {n}")
        day = first - timedelta(1)
        while n:
            day += timedelta(1)
            n -= self.is_workday(day)
        return day


#: The official one until a context says otherwise.
_calendar: ContextVar[WorkCalendar | None] = ContextVar("drg_calendar", default=None)


def set_calendar(calendar: WorkCalendar | None) -> None:
    """Count this context's working days by a calendar; None: by the official one."""
    _calendar.set(calendar)


def read_calendar(path: str | Path) -> WorkCalendar:
    """Holidays and extra workdays from a file, for the years that its days lie in.

    Parameters
    ----------
    path : str or Path
        CSV, XLSX or Parquet with columns ``date`` and ``kind`` (``holiday`` or 休, ``workday`` or
        班). A year that occurs must be whole; years that do not come from the official calendar.

    Raises
    ------
    InputError
        The file cannot be read.
    CalendarError
        P441: a row is no day of a known kind, or a day is said to be both.
    """
    from drg.claims.readers import open_file

    where = str(path)
    with open_file(path) as source:
        names = source.schema.names()
        if len(names) < 2:
            raise CalendarError("P441", where=where, cell=", ".join(names), row=1)
        rows = source.cells(names[:2]).rows()
    days: dict[str, set[date]] = {kind: set() for kind in _KINDS}
    for row, (cell, word) in enumerate(rows, start=2):
        day, kind = read_day(cell), _KIND_OF.get(str(word or "").strip().casefold())
        if day is None or kind is None:
            raise CalendarError("P441", where=where, cell=f"{cell}, {word}", row=row)
        days[kind].add(day)
    years = frozenset(day.year for kind in days.values() for day in kind)
    return WorkCalendar(frozenset(days["holiday"]), frozenset(days["workday"]), years)


def read_month(month: str | Month) -> Month:
    """The month of ``"2025-06"``; a month stays as it is.

    Raises
    ------
    CalendarError
        P442: no month.
    """
    if isinstance(month, Month):
        return month
    try:
        return Month.parse(month)
    except ValueError as error:
        raise CalendarError("P442", text=month) from error


def workday_deadline(
    month: str | Month, n_workdays: int, calendar: WorkCalendar | None = None
) -> date:
    """The n-th working day of the month after a month of cost (Fuxin 2009: the 20th).

    Parameters
    ----------
    month : str or Month
        Month of cost, ``"YYYY-MM"``.
    n_workdays : int
        Counted from the first day of the next month.
    calendar : WorkCalendar, optional
        That of the context when omitted (``set_calendar``): the official one, unless said.

    Examples
    --------
    >>> workday_deadline("2009-03", 20)
    datetime.date(2009, 4, 29)
    """
    days = calendar or _calendar.get() or WorkCalendar()
    return days.nth_workday(read_month(month).next.first, n_workdays)


class MonthDeadlines(NamedTuple):
    """Until when a month is computed and paid; None: the policy gives no such day."""

    compute_by: date | None
    pay_by: date | None


def fixed_dates(month: str | Month, compute_day: int | None, pay_day: int | None) -> MonthDeadlines:
    """Days of the month after a month of cost (Chongqing: computed by the 10th, paid by the 15th).

    Examples
    --------
    >>> fixed_dates("2018-12", 10, 15).pay_by
    datetime.date(2019, 1, 15)
    """
    first = read_month(month).next.first
    return MonthDeadlines(
        None if compute_day is None else first.replace(day=compute_day),
        None if pay_day is None else first.replace(day=pay_day),
    )


def month_deadlines(
    month: str | Month, rules: MonthRules, calendar: WorkCalendar | None = None
) -> MonthDeadlines:
    """Deadlines of a month under a policy; where it names both, the earlier pay day holds."""
    compute_by, pay_by = fixed_dates(month, rules.compute_day, rules.pay_day)
    if rules.pay_workdays is not None:
        counted = workday_deadline(month, rules.pay_workdays, calendar)
        pay_by = counted if pay_by is None else min(pay_by, counted)
    return MonthDeadlines(compute_by, pay_by)


def hold_limit(hold_from: date, max_days: int) -> date:
    """Day by which cost under investigation is released (Fuxin 2009: within 30 days).

    Examples
    --------
    >>> hold_limit(date(2009, 6, 1), 30)
    datetime.date(2009, 7, 1)
    """
    return hold_from + timedelta(max_days)


@dataclass(frozen=True, slots=True)
class ClearingDeadline:
    """Until when a year is cleared, and how much of the year's fund should still be open then.

    Attributes
    ----------
    deadline : date
    low, high : Fraction or None
        The clearing share as a range; None: a policy's own date, which names no share.
    share_zh, share_en : str
        The share as the plan words it.
    """

    deadline: date
    low: Fraction | None = None
    high: Fraction | None = None
    share_zh: str = ""
    share_en: str = ""

    def share(self, lang: str | None = None) -> str:
        """The plan's wording of the share, in one language."""
        return self.share_en if (lang or language()) == "en" else self.share_zh


def clearing_deadline(
    year: int, *, pilot: bool = False, rules: Year | None = None
) -> ClearingDeadline:
    """Deadline of a year's clearing.

    Parameters
    ----------
    year : int
        Year of cost.
    pilot : bool, optional
        Whether the place is a pilot of the national action plan.
    rules : Year, optional
        A policy's own days come first: ``clear_by`` maps ``"2018"``, or ``""`` for any year, to
        ``"03-31"`` of the year after.

    Raises
    ------
    CalendarError
        P448: neither the policy nor the plan (from 2025 on) names a day for that year.

    Examples
    --------
    >>> clearing_deadline(2026).deadline, clearing_deadline(2026).share("en")
    (datetime.date(2027, 4, 30), '3%-5%')
    """
    own: Mapping[str, str] = rules.clear_by if rules is not None else {}
    if (day := own.get(str(year), own.get(""))) is not None:
        return ClearingDeadline(_day_after(year, day))
    for row in _plan():
        if row["first"] <= year <= row.get("last", year):
            return ClearingDeadline(
                _day_after(year, row["pilot" if pilot else "deadline"]),
                Fraction(row["share"][0]),
                Fraction(row["share"][1]),
                row["share_zh"],
                row["share_en"],
            )
    raise CalendarError("P448", year=year, first=_plan()[0]["first"])


def _day_after(year: int, day: str) -> date:
    """A day such as ``"03-31"`` of the year after; policies refuse days that no year has."""
    return date.fromisoformat(f"{year + 1}-{day}")


@cache
def _plan() -> list[dict[str, Any]]:
    path = tables_root() / "clearing.toml"
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))["years"]
    return rows
