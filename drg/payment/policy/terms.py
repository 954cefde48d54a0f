"""Parts of a policy about time and totals: budget, month, year (spec A.8, F)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from drg.payment.policy.numbers import Days, Fen, Impossible, Model, Share

__all__ = [
    "Budget",
    "Month",
    "Year",
]

_YEAR = re.compile(r"(?:19|20)\d\d")


class Budget(Model):
    """Global budget by two rounds up and two down (两上两下, spec F.1).

    employee_min, resident_min
        Annual fund from which on, included, a hospital is under the budget.
    outside
        What counts against no quota: pay modes (``"BED_DAY"``), or names of items, whose charges
        the claims give as ``outside_budget_cost``.
    """

    levels: tuple[str, ...] = ("city", "district", "hospital")
    employee_min: Fen | None = None
    resident_min: Fen | None = None
    outside: tuple[str, ...] = ()


class Month(Model):
    """Monthly payment and its calendar (spec A.8, F.2)."""

    prepay: Share = Field(default=1, validate_default=True)
    retention: Share = Field(default=0, validate_default=True)
    retention_base: Literal["undisputed", "all"] = "undisputed"
    dispute_advance: Share | None = None
    hold_days: Days | None = None
    compute_day: int | None = Field(default=None, ge=1, le=28)
    pay_day: int | None = Field(default=None, ge=1, le=28)
    pay_workdays: Days | None = None
    working_capital: bool = False
    quarterly: bool = False


class Year(Model):
    """Year-end clearing (spec A.8, F.3, F.4).

    surplus_keep, overspend_band, overspend_share
        Against a hospital's quota or, where it has none, against what it booked by item.
    next_raise, next_cut
        Part of a saving put on next year's quota, part of an overspend taken off it, where
        ``next_quota_from_result`` says that the result counts.
    clear_by
        ``"2018"``, or ``""`` for any year, to ``"03-31"`` of the year after.
    """

    surplus_keep: Share | None = None
    reward_ratio: Share | None = None
    reward_cap: Share | None = None
    overspend_band: Share | None = None
    overspend_share: Share | None = None
    assessment: Literal["none", "linear"] = "none"
    violation_this_year: bool = False
    violation_next_year: Literal["none", "proportional", "amount"] = "none"
    next_quota_from_result: bool = False
    next_raise: Share | None = None
    next_cut: Share | None = None
    clear_by: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("clear_by")
    @classmethod
    def _days(cls, clear_by: Mapping[str, str]) -> Mapping[str, str]:
        for year, day in clear_by.items():
            try:
                date.fromisoformat(f"2001-{day}")
            except ValueError as error:
                raise Impossible("clear_by") from error
            if year and not _YEAR.fullmatch(year):
                raise Impossible("clear_by")
        return clear_by
