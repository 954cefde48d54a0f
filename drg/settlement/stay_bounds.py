"""Bounds on a hospital's bed-day stays: their mean length, and the part paid wholly by patients.

A policy that sets such bounds (Dezhou 2020, spec D) has them held against all bed-day stays of a
hospital in the month; what cannot be told, for want of days or of an amount, is not judged.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.profiles import match_columns
from drg.claims.typed import ClaimArrays
from drg.payment.mechanisms.bed_day import stay_check
from drg.payment.pricing.levels import best_level, level_of
from drg.payment.pricing.price_columns import Mode
from drg.settlement.settled import finding_rows

if TYPE_CHECKING:
    from drg.payment.policy import Policy

__all__ = ["StayBounds"]

_LONG, _SELF_PAID = "P665", "P666"


@dataclass
class _Stays:
    """Sums over a hospital's bed-day stays; of days and of amounts only where they are told."""

    stays: int = 0
    days: int = 0
    cost: int = 0
    self_paid: int = 0


class StayBounds:
    """Sums up bed-day stays part by part, and tells who is beyond a bound.

    Parameters
    ----------
    policy : Policy
        Its bed-day rules; without bounds nothing is summed.
    hospitals : DataFrame, optional
        Register with ``hospital_id`` and ``level``; the bound on the self-paid part depends on
        the level and is not judged without it.
    """

    def __init__(self, policy: Policy, hospitals: pl.DataFrame | None = None) -> None:
        self._rules = [r for r in policy.bed_day if r.max_average_days or r.self_pay_max]
        self._levels: dict[str, str] = {}
        if hospitals is not None and "level" in hospitals.columns:
            spelled = hospitals.select(pl.col("hospital_id", "level").cast(pl.String))
            self._levels = {h: level_of(level or "") for h, level in spelled.iter_rows()}
        self._sums: dict[str, _Stays] = defaultdict(_Stays)

    def add(self, claims: pl.DataFrame | pl.LazyFrame) -> None:
        """Take priced claims under canonical column names."""
        if not self._rules:
            return
        bed_day = pl.col("pay_mode").cast(pl.String) == Mode.BED_DAY.name
        stays = claims.lazy().filter(bed_day).collect()
        if stays.is_empty():
            return
        payable = ClaimArrays(stays, match_columns(stays.columns, stays.schema))
        days, own = payable.numbers("los_days"), payable.money("fully_self_paid")
        told = pl.DataFrame(
            {
                "hospital": stays["hospital_id"].cast(pl.String),
                "stays": days.given.astype(int),
                "days": days.fen * days.given,
                "cost": stays["cost_fen"].fill_null(0).to_numpy() * own.given,
                "self_paid": own.fen * own.given,
            }
        )
        sums = told.group_by("hospital").agg(pl.col("stays", "days", "cost", "self_paid").sum())
        for hospital, *parts in sums.iter_rows():
            have = self._sums[hospital or ""]
            have.stays += parts[0]
            have.days += parts[1]
            have.cost += parts[2]
            have.self_paid += parts[3]

    def findings(self) -> pl.DataFrame:
        """Findings to be worded, by hospital: P665 stays too long, P666 too much self-paid."""
        rows: list[tuple[None, str, str, str]] = []
        for hospital, found in sorted(self._sums.items()):
            for rule in self._rules:
                known = best_level(self._levels.get(hospital, ""), rule.self_pay_max)
                checked = stay_check(
                    Fraction(found.days, max(found.stays, 1)),
                    Fraction(found.self_paid, max(found.cost, 1)),
                    known or "",
                    max_average_days=rule.max_average_days if found.stays else None,
                    self_pay_max=rule.self_pay_max if found.cost else {},
                )
                rows += [
                    (None, "", hospital, code)
                    for code, good in ((_LONG, checked.days_ok), (_SELF_PAID, checked.self_pay_ok))
                    if good is False
                ]
        return finding_rows(list(dict.fromkeys(rows)))
