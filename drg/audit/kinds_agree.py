"""Kinds of rules on fields that must agree: order of days, sums, a stay and what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from drg.audit.kind import AuditClaims, Kind
from drg.audit.kinds_fields import FieldParams, Holds, within
from drg.audit.model import Scope, Verdict
from drg.claims.days import read_days
from drg.claims.few import FEW
from drg.claims.typed import coded
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["AGREE_KINDS"]

_SEVERAL = "|"
#: Hours of a day, and days of a year for those younger than one.
_DAY, _YEAR = 24, 366
#: Hour and minute behind a day: in a row of digits, or set apart from it.
_CLOCKS = (r"^[0-9]{8}[ T]?([0-9]{2}):?([0-9]{2})", r"[ T]([0-9]{1,2}):([0-9]{1,2})")
#: More than the days of a month: months and days compare as one number.
_MONTH = 32
_CELLS = pl.Schema({"row": pl.Int64(), "place": pl.Int64(), "cell": pl.String()})


class DateOrder(FieldParams):
    """A day that cannot lie after another."""

    holds: ClassVar[Holds] = {"earlier": ("date",), "later": ("date",)}
    earlier: str
    later: str


def judge_date_order(claims: AuditClaims, params: DateOrder) -> Verdict:
    """Hit: the earlier day lies after the later one, or a cell is no day."""
    fields = (params.earlier, params.later)
    (first, there), (second, also) = (claims.days(field) for field in fields)
    unreadable = np.zeros(claims.rows, np.bool_)
    for field, given in zip(fields, (there, also), strict=True):
        unreadable |= ~given & ~claims.blank(field)
    hit = (there & also & (first > second)) | unreadable
    return within(claims, params.when, hit, ~(there & also) & ~hit, fields)


class Timely(FieldParams):
    """Most days from one day to another."""

    holds: ClassVar[Holds] = {"since": ("date",), "until": ("date",)}
    since: str
    until: str
    limit_days: int = Field(ge=0)


def judge_timely(claims: AuditClaims, params: Timely) -> Verdict:
    """Hit: more days than the limit."""
    (first, there), (second, also) = claims.days(params.since), claims.days(params.until)
    known = there & also
    late = known & (second - first > params.limit_days)
    return within(claims, params.when, late, ~known, (params.since, params.until))


class SumOf(FieldParams):
    """Parts that add up to a total; every part must be reported, zero included."""

    holds: ClassVar[Holds] = {"total": ("money",), "parts": ("money",)}
    total: str
    parts: tuple[str, ...] = Field(min_length=1)
    tolerance: int = Field(1, ge=0)


def judge_sum(claims: AuditClaims, params: SumOf) -> Verdict:
    """Hit: the parts are further from the total than the tolerance, in fen."""
    total = claims.money(params.total)
    known = total.given.copy()
    left = total.fen.copy()
    for part in params.parts:
        amounts = claims.money(part)
        known &= amounts.given
        left -= amounts.fen
    hit = known & (np.abs(left) > params.tolerance)
    return within(claims, params.when, hit, ~known, (params.total, *params.parts))


class PartOf(FieldParams):
    """Parts none of which can be above the total; those not reported count for nothing."""

    holds: ClassVar[Holds] = {"total": ("money",), "parts": ("money",)}
    total: str
    parts: tuple[str, ...] = Field(min_length=1)
    tolerance: int = Field(1, ge=0)


def judge_part(claims: AuditClaims, params: PartOf) -> Verdict:
    """Hit: a part is above the total or below zero. Neither part reported: not assessable."""
    total = claims.money(params.total)
    hit = np.zeros(claims.rows, np.bool_)
    any_part = np.zeros(claims.rows, np.bool_)
    for part in params.parts:
        amounts = claims.money(part)
        any_part |= amounts.given
        wrong = (amounts.fen > total.fen + params.tolerance) | (amounts.fen < 0)
        hit |= amounts.given & total.given & wrong
    known = total.given & any_part
    return within(claims, params.when, hit, ~known, (params.total, *params.parts))


class LengthOfStay(FieldParams):
    """Days of a stay against its dates; ``slack`` days may be counted more."""

    slack: int = Field(0, ge=0)


def judge_length_of_stay(claims: AuditClaims, params: LengthOfStay) -> Verdict:
    """Hit: not discharge less admission (within one day: 0 or 1)."""
    stay, known = _stay(claims)
    said = claims.numbers("los_days")
    both = known & said.given & (stay >= 0)
    least = np.where(stay == 0, 0, stay)
    most = np.maximum(stay, 1) + params.slack
    hit = both & ((said.fen < least) | (said.fen > most))
    return within(claims, params.when, hit, ~both, ("los_days", "admitted_on", "discharged_on"))


class AgeAgrees(FieldParams):
    """Age in years and days against the day of birth; ``slack`` years may be off."""

    slack: int = Field(0, ge=0)


def judge_age_agrees(claims: AuditClaims, params: AgeAgrees) -> Verdict:
    """Hit: not the completed years at admission, or not the days lived of who is under one."""
    birth, admitted = (_dates(claims, field) for field in ("birth_date", "admitted_on"))
    frame = pl.DataFrame({"birth": birth, "day": admitted})
    # The birthday of this year is still to come.
    day, birthday = (
        pl.col(c).dt.month().cast(pl.Int32) * _MONTH + pl.col(c).dt.day()
        for c in frame.columns[::-1]
    )
    years = frame.select(
        pl.col("day").dt.year() - pl.col("birth").dt.year() - (day < birthday).cast(pl.Int32)
    ).to_series()
    lived = frame.select((pl.col("day") - pl.col("birth")).dt.total_days()).to_series()
    known = years.is_not_null().to_numpy()
    whole, days = (s.fill_null(0).to_numpy().astype(np.int64) for s in (years, lived))
    age, age_days = claims.numbers("age"), claims.numbers("age_days")
    infant = whole == 0
    hit = known & age.given & (np.abs(age.fen - whole) > params.slack)
    # Hospitals count the day of birth as the first or as none.
    hit |= known & infant & age_days.given & (np.abs(age_days.fen - days) > 1)
    fields = ("age", "age_days", "birth_date", "admitted_on")
    return within(claims, params.when, hit, ~(known & (age.given | age_days.given)), fields)


class AgesAgree(FieldParams):
    """Years and days of one age."""


def judge_ages_agree(claims: AuditClaims, params: AgesAgree) -> Verdict:
    """Hit: one year or older and yet days of a first year, or under one and more than 365 days."""
    age, days = claims.numbers("age"), claims.numbers("age_days")
    both = age.given & days.given
    grown = (age.fen >= 1) & (days.fen > 0) & (days.fen < _YEAR - 1)
    hit = both & (grown | ((age.fen == 0) & (days.fen >= _YEAR)))
    # Who is older has no age in days: that is no gap.
    unknown = ~age.given | ((age.fen == 0) & ~days.given)
    return within(claims, params.when, hit, unknown, ("age", "age_days"))


class HoursInStay(FieldParams):
    """Hours that cannot be more than those of the stay, both days counted whole."""

    holds: ClassVar[Holds] = {"field": ("int",)}
    field: str


def judge_hours_in_stay(claims: AuditClaims, params: HoursInStay) -> Verdict:
    """Hit: more hours than the days of the stay have."""
    stay, known = _stay(claims)
    hours = claims.numbers(params.field)
    both = known & hours.given & (stay >= 0)
    hit = both & (hours.fen > (stay + 1) * _DAY)
    fields = (params.field, "admitted_on", "discharged_on")
    return within(claims, params.when, hit, ~both, fields)


class DaysInStay(FieldParams):
    """Entries whose days must lie inside the stay; ``until``: the ends of what ``field`` begins."""

    field: str
    until: str | None = None

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.field == self.until:
            raise ValueError(text("audit.want_two"))
        return self


def judge_days_in_stay(claims: AuditClaims, params: DaysInStay) -> Verdict:
    """Hit: an entry outside the stay, an end before its beginning, or ends that are missing."""
    (first, there), (last, also) = claims.days("admitted_on"), claims.days("discharged_on")
    fields = [params.field] if params.until is None else [params.field, params.until]
    told = (*fields, "admitted_on", "discharged_on")
    hit = np.zeros(claims.rows, np.bool_)
    if not any(claims.has(field) for field in fields):
        return within(claims, params.when, hit, ~hit, told)
    spans = []
    blank = np.ones(claims.rows, np.bool_)
    for field in fields:
        blank &= claims.blank(field)
        cells = _cells(claims, field)
        row, day, known = cells["row"].to_numpy(), *_entry_days(cells)
        outside = known & there[row] & also[row] & ((day < first[row]) | (day > last[row]))
        hit[row[outside | ~known]] = True
        if params.until is not None:
            spans.append(cells.select("row", "place").with_columns(time=_times(cells["cell"])))
    if spans:
        both = spans[0].join(spans[1], on=["row", "place"], how="full", coalesce=True)
        gap = pl.col("time").is_null() | pl.col("time_right").is_null()
        wrong = both.filter(gap | (pl.col("time") > pl.col("time_right")))
        hit[wrong["row"].to_numpy()] = True
    known_stay = there & also
    gone = blank | ~known_stay
    return within(claims, params.when, hit & ~blank, gone & ~hit, told)


AGREE_KINDS = (
    Kind("date_order", Scope.CLAIM, DateOrder, judge_date_order),
    Kind("timely", Scope.CLAIM, Timely, judge_timely),
    Kind("sum", Scope.CLAIM, SumOf, judge_sum),
    Kind("part", Scope.CLAIM, PartOf, judge_part),
    Kind("length_of_stay", Scope.CLAIM, LengthOfStay, judge_length_of_stay),
    Kind("age_agrees", Scope.CLAIM, AgeAgrees, judge_age_agrees),
    Kind("ages_agree", Scope.CLAIM, AgesAgree, judge_ages_agree),
    Kind("hours_in_stay", Scope.CLAIM, HoursInStay, judge_hours_in_stay),
    Kind("days_in_stay", Scope.CLAIM, DaysInStay, judge_days_in_stay),
)


def _stay(claims: AuditClaims) -> tuple[Ints, Flags]:
    (first, there), (last, also) = claims.days("admitted_on"), claims.days("discharged_on")
    return last.astype(np.int64) - first, there & also


def _dates(claims: AuditClaims, field: str) -> pl.Series:
    days, there = claims.days(field)
    series = pl.Series(days)
    return series.set(pl.Series(~there), None).cast(pl.Date)


def _cells(claims: AuditClaims, field: str) -> pl.DataFrame:
    """Entries of a joined field: row, place, cell; empty cells are none."""
    series = claims.column(field)
    if series is None:
        return pl.DataFrame(schema=_CELLS)
    if claims.rows <= FEW:
        parts = [
            (row, place, part)
            for row, cell in enumerate(series.cast(pl.String).to_list())
            for place, part in enumerate((cell or "").split(_SEVERAL))
        ]
        flat = pl.DataFrame(parts, schema=_CELLS, orient="row")
    else:
        rows = pl.DataFrame({"row": np.arange(claims.rows), "cell": series.cast(pl.String)})
        rows = rows.drop_nulls("cell").with_columns(pl.col("cell").str.split(_SEVERAL))
        rows = rows.with_columns(place=pl.int_ranges(0, pl.col("cell").list.len()))
        flat = rows.explode("cell", "place")
    flat = flat.with_columns(pl.col("cell").str.strip_chars())
    return flat.filter(pl.col("cell") != "").select("row", "place", "cell")


def _entry_days(entries: pl.DataFrame) -> tuple[Ints, Flags]:
    """Day of each entry, 0 where there is none, and where there is one."""
    if entries.height <= FEW:
        days = read_days(entries["cell"])
        numbers = days.to_physical().fill_null(0).to_numpy().astype(np.int64)
        return numbers, days.is_not_null().to_numpy()
    # Many entries, few distinct ones: each is read once.
    named = coded(entries["cell"], entries.height)
    days = read_days(pl.Series([*named.names, None], dtype=pl.String))
    known = days.is_not_null().to_numpy()[named.codes]
    numbers = days.to_physical().fill_null(0).to_numpy().astype(np.int64)[named.codes]
    return numbers, known


def _times(cells: pl.Series) -> pl.Series:
    """Entries as minutes since 1970, midnight where no clock is told; null: no day."""
    clocks = [cells.str.extract_groups(pattern).struct.unnest() for pattern in _CLOCKS]
    hour, minute = (clocks[0][name].fill_null(clocks[1][name]) for name in ("1", "2"))
    parts = (part.cast(pl.Int64).fill_null(0) for part in (hour, minute))
    days = read_days(cells).to_physical().cast(pl.Int64)
    return days * _DAY * 60 + next(parts) * 60 + next(parts)
