"""Deadlines: fixed days, working days by the official calendar, holds, clearing."""

from __future__ import annotations

from contextvars import copy_context
from datetime import date, timedelta
from fractions import Fraction

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drg.dates import Month as DateMonth
from drg.errors import InputError
from drg.payment.policy import Month, Year
from drg.settlement.calendar import (
    CalendarError,
    WorkCalendar,
    clearing_deadline,
    fixed_dates,
    hold_limit,
    month_deadlines,
    read_calendar,
    read_month,
    set_calendar,
    workday_deadline,
)

DAYS = st.dates(date(2004, 1, 1), date(2026, 11, 1))


def test_twentieth_working_day_of_fuxin():
    given_days = WorkCalendar.given([date(2009, 4, 6)])
    assert workday_deadline("2009-03", 20, given_days) == date(2009, 4, 29)
    assert workday_deadline("2009-03", 20) == date(2009, 4, 29)


def test_given_days_are_the_whole_calendar():
    """With lists of one's own the official calendar has no say, whatever the year."""
    assert workday_deadline("2009-03", 20, WorkCalendar.given([])) == date(2009, 4, 28)
    worked = WorkCalendar.given([], [date(2030, 4, 6)])
    assert workday_deadline("2030-03", 6, worked) == date(2030, 4, 6)


@given(DAYS, st.integers(1, 30))
def test_working_days_are_counted(first, n):
    found = WorkCalendar().nth_workday(first, n)
    days = [first + timedelta(d) for d in range((found - first).days + 1)]
    assert sum(map(chinese_calendar.is_workday, days)) == n
    assert chinese_calendar.is_workday(found)


@pytest.mark.parametrize("month", ["2003-05", "2026-12", "2041-01"])
def test_a_year_nobody_knows_says_so(month):
    with pytest.raises(CalendarError) as caught:
        workday_deadline(month, 20)
    assert caught.value.code == "P440"
    assert caught.value.exit_code == 2
    for lang in ("zh", "en"):
        message = caught.value.message(lang)
        assert str(read_month(month).next.year) in message
        assert "--calendar" in message


@pytest.mark.parametrize("n", [0, -1, 251])
def test_a_count_that_is_none(n):
    with pytest.raises(ValueError, match="working day"):
        WorkCalendar().nth_workday(date(2025, 1, 1), n)


def test_a_file_teaches_a_year(tmp_path):
    path = tmp_path / "calendar.csv"
    path.write_text("日期,类别\n2027-01-01,休\n2027-01-02,班\n", "utf-8")
    calendar = read_calendar(path)
    assert calendar.years == {2027}
    assert not calendar.is_workday(date(2027, 1, 1))
    assert calendar.is_workday(date(2027, 1, 2))
    assert not calendar.is_workday(date(2027, 1, 3))
    # Other years stay official: the Mid-Autumn Festival of 2025, and the Sunday worked for it.
    assert not calendar.is_workday(date(2025, 10, 6))
    assert calendar.is_workday(date(2025, 9, 28))
    with pytest.raises(CalendarError):
        calendar.is_workday(date(2028, 1, 3))


def test_a_context_counts_by_its_own_calendar():
    def count():
        set_calendar(WorkCalendar.given([]))
        return workday_deadline("2009-03", 20)

    assert copy_context().run(count) == date(2009, 4, 28)
    assert workday_deadline("2009-03", 20) == date(2009, 4, 29)


@pytest.mark.parametrize(
    "text",
    [
        "date,kind\n2027-13-01,holiday\n",
        "date,kind\n2027-01-01,perhaps\n",
        "date,kind\n2027-01-01,\n",
        "date,kind\n2027-01-01,holiday\n2027-01-01,workday\n",
        "date\n2027-01-01\n",
    ],
)
def test_a_bad_calendar_is_refused(tmp_path, text):
    path = tmp_path / "calendar.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(CalendarError) as caught:
        read_calendar(path)
    assert caught.value.code == "P441"


def test_a_calendar_that_is_not_there(tmp_path):
    with pytest.raises(InputError):
        read_calendar(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("month", "compute_by", "pay_by"),
    [
        ("2018-04", date(2018, 5, 10), date(2018, 5, 15)),
        ("2018-12", date(2019, 1, 10), date(2019, 1, 15)),
    ],
)
def test_dates_of_chongqing(month, compute_by, pay_by):
    assert fixed_dates(month, 10, 15) == (compute_by, pay_by)


def test_deadlines_of_a_policy():
    assert month_deadlines("2025-06", Month()) == (None, None)
    assert month_deadlines("2025-06", Month(compute_day=10, pay_day=15)) == (
        date(2025, 7, 10),
        date(2025, 7, 15),
    )
    assert month_deadlines("2009-03", Month(pay_workdays=20)).pay_by == date(2009, 4, 29)
    assert month_deadlines("2009-03", Month(pay_workdays=20, pay_day=15)).pay_by == date(
        2009, 4, 15
    )


def test_a_hold_ends():
    assert hold_limit(date(2009, 6, 1), 30) == date(2009, 7, 1)
    assert hold_limit(date(2024, 2, 1), 30) == date(2024, 3, 2)


@pytest.mark.parametrize(
    ("year", "pilot", "deadline", "share", "low", "high"),
    [
        (2025, False, date(2026, 5, 31), "about 5%", "0.05", "0.05"),
        (2025, True, date(2026, 3, 31), "about 5%", "0.05", "0.05"),
        (2026, False, date(2027, 4, 30), "3%-5%", "0.03", "0.05"),
        (2026, True, date(2027, 3, 31), "3%-5%", "0.03", "0.05"),
        (2027, False, date(2028, 3, 31), "about 3%", "0.03", "0.03"),
        (2031, True, date(2032, 3, 31), "about 3%", "0.03", "0.03"),
    ],
)
def test_clearing_deadlines(year, pilot, deadline, share, low, high):
    found = clearing_deadline(year, pilot=pilot)
    assert found.deadline == deadline
    assert found.share("en") == share
    assert "%" in found.share("zh")
    assert (found.low, found.high) == (Fraction(low), Fraction(high))


def test_a_policy_has_its_own_clearing_day():
    rules = Year(clear_by={"2018": "03-15", "": "03-31"})
    assert clearing_deadline(2018, rules=rules).deadline == date(2019, 3, 15)
    assert clearing_deadline(2019, rules=rules).deadline == date(2020, 3, 31)
    assert clearing_deadline(2018, rules=rules).share("en") == ""


@pytest.mark.parametrize("day", ["13-31", "02-29", "3-15", ""])
def test_a_policy_refuses_a_clearing_day_that_is_not_in_every_year(day):
    with pytest.raises(ValidationError, match="clear_by"):
        Year(clear_by={"2018": day})


def test_no_clearing_day_before_the_plan():
    with pytest.raises(CalendarError, match="P448") as caught:
        clearing_deadline(2024)
    assert 'clear_by = { "2024" = "03-31" }' in caught.value.message("en")


def test_months_are_read():
    assert read_month("2025-06") == DateMonth(2025, 6) == read_month(DateMonth(2025, 6))


@pytest.mark.parametrize("text", ["", "2025", "2025-6", "2025-13", "2025-00", "六月"])
def test_what_is_no_month(text):
    with pytest.raises(CalendarError, match="P442"):
        read_month(text)
