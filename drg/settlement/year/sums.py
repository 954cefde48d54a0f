"""A year's settled claims summed up, so far that the rest is a matter of hospitals.

Claims stay on disk: each month is reduced to one row per hospital, insurance, pay mode, branch,
rate and coefficient. Products of weight, rate and coefficient pass 2⁶³; they are Python's integers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.money import PLACES
from drg.payment.weight_table import insurance_code
from drg.quotients import quotient_array

if TYPE_CHECKING:
    from drg.settlement.settled import Settlement

__all__ = ["PAID_MODES", "Party", "PartySums", "parties_of", "year_sums"]

#: Hospital and insurance; None: not reported.
Party = tuple[str, str | None]

PAID_MODES = ("DRG", "POINTS", "DIP", "PER_DISEASE", "BED_DAY", "VISIT", "BY_ITEM")
#: Branches whose price is the standard, and so moves with the rate.
_AT_RATE = ("STANDARD", "HIGH_OVER_CAP", "REVIEW_OVER_CAP", "APPLIED_OVER_CAP", "NEW_TECHNOLOGY")
_SCALE = 10**PLACES
_KEYS = ("hospital", "insurance", "pay_mode", "branch", "rate_fen", "coefficient_e4")
_AMOUNTS = ("cost_fen", "patient_fen", "fund_fen", "price_fen", "standard_fen")
_ADDED = (*_AMOUNTS, "weight_e4", "points_e4", "outside_fen", "case_share_e8")
_SUMMED = ("claims", *_ADDED)


@dataclass(slots=True)
class PartySums:
    """A hospital's year in one insurance; amounts in fen.

    Attributes
    ----------
    claims : int
        Paid ones.
    cost, patient, fund : int
        Of paid claims, as their months priced them.
    by_mode : dict of str to int
        Fund by pay mode.
    shares : int
        Of the cases that move with the rate: weight × 10⁴ × rate × coefficient × 10⁴, or points
        or scores × 10⁴.
    case_shares : int
        Of cases paid by score: score × 10⁸ × (1 - what the patient paid ÷ cost), each rounded half
        up; 0 unless asked for.
    moving_cost : int
        Cost of the cases that move.
    weight_e8 : int
        Their weight with its coefficient, scaled 10⁸.
    moving_fund, moving_patient : int
        Fund and patients' payments of those cases.
    addons : int
        What new technology adds to their standards, less what joint procurement takes back; it
        does not move.
    outside : dict of str to int
        Fund's part of charges outside the budget by pay mode, at most a case's fund.
    """

    claims: int = 0
    cost: int = 0
    patient: int = 0
    fund: int = 0
    by_mode: dict[str, int] = field(default_factory=dict)
    shares: int = 0
    case_shares: int = 0
    moving_cost: int = 0
    weight_e8: int = 0
    moving_fund: int = 0
    moving_patient: int = 0
    addons: int = 0
    outside: dict[str, int] = field(default_factory=dict)


def year_sums(months: Iterable[Settlement], *, by_case: bool = False) -> dict[Party, PartySums]:
    """Sums of all months by hospital and insurance; parties without a paid claim too.

    Parameters
    ----------
    months : iterable of Settlement
    by_case : bool, optional
        Work out ``case_shares``.
    """
    parts = [_reduced(month, by_case=by_case) for month in months]
    found: dict[Party, PartySums] = {}
    if not parts:
        return found
    rows = pl.concat(parts).group_by(_KEYS).agg(pl.col(_SUMMED).sum()).sort(_KEYS)
    for row in rows.iter_rows(named=True):
        party = row["hospital"], row["insurance"]
        _add(found.setdefault(party, PartySums()), row)
    return found


def _add(sums: PartySums, row: dict[str, Any]) -> None:
    mode, branch = row["pay_mode"], row["branch"]
    if mode not in PAID_MODES:
        return
    sums.claims += row["claims"]
    sums.cost += row["cost_fen"]
    sums.patient += row["patient_fen"]
    sums.fund += row["fund_fen"]
    sums.outside[mode] = sums.outside.get(mode, 0) + row["outside_fen"]
    sums.by_mode[mode] = sums.by_mode.get(mode, 0) + row["fund_fen"]
    rate, coefficient = row["rate_fen"], row["coefficient_e4"]
    if mode in ("POINTS", "DIP"):
        share, weight = row["points_e4"], row["points_e4"] * _SCALE
    elif mode != "DRG" or rate is None:
        return
    elif branch in _AT_RATE:
        weight = row["weight_e4"] * (_SCALE if coefficient is None else coefficient)
        share = weight * rate
    elif branch == "TRANSFER":
        # Days are not kept: a transfer shares by its price, which is rounded to the fen.
        share = row["price_fen"] * _SCALE**2
        weight = share // rate
    else:
        return
    sums.shares += share
    sums.case_shares += row["case_share_e8"]
    sums.moving_cost += row["cost_fen"]
    sums.weight_e8 += weight
    sums.moving_fund += row["fund_fen"]
    sums.moving_patient += row["patient_fen"]
    if branch in _AT_RATE:
        sums.addons += row["price_fen"] - row["standard_fen"]


def parties_of(month: Settlement) -> pl.LazyFrame:
    """Claims of a month with ``hospital`` as its ledger has it, and ``insurance`` as spelled."""
    claims = month.claims.lazy()
    names = claims.collect_schema().names()
    hospital, insurance = pl.lit(""), pl.lit(None, pl.String)
    if "hospital_id" in names:
        hospital = pl.col("hospital_id").cast(pl.String).str.strip_chars().fill_null("")
    if "insurance" in names:
        insurance = pl.col("insurance").cast(pl.String)
    return claims.with_columns(hospital.alias("hospital"), insurance.alias("insurance"))


def _reduced(month: Settlement, *, by_case: bool) -> pl.DataFrame:
    claims = parties_of(month)
    own = pl.lit(0, pl.Int64)
    if by_case:
        parts = pl.struct(_scaled("points").alias("points_e4"), "cost_fen", "patient_fen")
        own = parts.map_batches(_case_shares, return_dtype=pl.Int64, is_elementwise=True)
        own = pl.when(pl.col("pay_mode").cast(pl.String) == "DIP").then(own).otherwise(0)
    fund, outside = pl.col("fund_fen").fill_null(0), pl.lit(0)
    if "outside_budget_cost" in claims.collect_schema().names():
        outside = _yuan("outside_budget_cost").clip(0).fill_null(0)
    rows = (
        claims.select(
            "hospital",
            "insurance",
            pl.col("pay_mode").cast(pl.String),
            pl.col("branch").cast(pl.String),
            "rate_fen",
            _scaled("coefficient").alias("coefficient_e4"),
            _scaled("weight").alias("weight_e4"),
            _scaled("points").alias("points_e4"),
            *_AMOUNTS,
            pl.min_horizontal(outside, fund).cast(pl.Int64).alias("outside_fen"),
            own.alias("case_share_e8"),
        )
        .group_by(_KEYS)
        .agg(pl.len().cast(pl.Int64).alias("claims"), pl.col(_ADDED).sum())
        .collect(engine="streaming")
    )
    spelled = rows["insurance"].unique().drop_nulls().sort().to_list()
    codes = {text: insurance_code(text) or None for text in spelled}
    return rows.with_columns(pl.col("insurance").replace(codes)).select(*_KEYS, *_SUMMED)


def _case_shares(parts: pl.Series) -> pl.Series:
    """Scores times the part of the cost that the patient did not pay; 0 where nothing cost."""
    columns = (parts.struct.field(name) for name in ("points_e4", "cost_fen", "patient_fen"))
    points, cost, patient = (column.fill_null(0).to_numpy() for column in columns)
    there = cost > 0
    out = np.zeros(len(cost), np.int64)
    scale = np.full(int(there.sum()), _SCALE, np.int64)
    out[there] = quotient_array([points[there], scale, (cost - patient)[there]], [cost[there]])
    return pl.Series(out)


def _scaled(name: str) -> pl.Expr:
    return pl.col(name).to_physical().cast(pl.Int64)


def _yuan(name: str) -> pl.Expr:
    from drg.claims.typed import read_yuan

    return pl.col(name).map_batches(read_yuan, return_dtype=pl.Int64, is_elementwise=True)
