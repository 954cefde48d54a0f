"""What settled claims and a ledger come to: small frames that statements and pages show.

Every sum is of integer fen. Claims that are scanned are summed as they are read.
"""

from __future__ import annotations

import polars as pl

from drg.claims.days import read_days
from drg.payment.weight_table import insurance_code
from drg.settlement.ledger import BATCH_ACCOUNTS, YEAR_ACCOUNTS, Ledger

__all__ = [
    "MONEY_SUMS", "STATISTICS", "UNPAID", "answered_for", "batches", "by_class", "by_mode",
    "claim_lines", "payable", "unpaid_by_reason",
]  # fmt: skip

UNPAID, STATISTICS = "UNPAID", "STATISTICS"
#: Amounts of a claim that are added up.
MONEY_SUMS = ("cost_fen", "patient_fen", "fund_fen", "hospital_fen")
_COLUMNS = (
    "hospital_id", "insurance", "department", "discharged_on", "los_days", "ref",
    "settled_version", "group", "group_name", "reason", "pay_mode", "route", "case_class",
    "branch", "weight", "group_score", "auxiliary_coefficient", "points", "rate_fen",
    "point_value", "coefficient", "standard_fen", "price_fen", *MONEY_SUMS, "payment_note",
)  # fmt: skip


def claim_lines(claims: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The columns of settled claims that reports use.

    Parameters
    ----------
    claims : DataFrame or LazyFrame
        Claims of a ``drg.settlement.settled.Settlement``.

    Returns
    -------
    DataFrame
        Same rows. ``hospital_id`` is ``""`` and ``insurance`` null where not reported; insurance
        as a code; ``discharged_on`` a Date. Fields the claims do not have are left out.
    """
    there = claims.lazy().collect_schema().names()
    lines = claims.lazy().select(name for name in _COLUMNS if name in there).collect()
    hospital = pl.col("hospital_id") if "hospital_id" in there else pl.lit(None)
    changes = [hospital.cast(pl.String).str.strip_chars().fill_null("").alias("hospital_id")]
    if "insurance" in there:
        changes.append(pl.lit(_codes(lines["insurance"].cast(pl.String))))
    else:
        changes.append(pl.lit(None, pl.String).alias("insurance"))
    if "discharged_on" in there and lines.schema["discharged_on"] != pl.Date:
        changes.append(pl.lit(read_days(lines["discharged_on"])).alias("discharged_on"))
    return lines.with_columns(changes)


def _codes(column: pl.Series) -> pl.Series:
    spelled = {text: insurance_code(text) or None for text in column.unique().drop_nulls()}
    changed = {text: code for text, code in spelled.items() if text != code}
    return column.replace(changed) if changed else column


def answered_for() -> pl.Expr:
    """Claims that the fund answers for: neither unpaid nor priced for statistics alone."""
    return ~pl.col("pay_mode").cast(pl.String).is_in([UNPAID, STATISTICS])


def _sums() -> list[pl.Expr]:
    cost, *parts = MONEY_SUMS
    return [pl.col(cost).sum(), *(pl.col(part).filter(answered_for()).sum() for part in parts)]


def by_mode(lines: pl.DataFrame | pl.LazyFrame, *more: str) -> pl.DataFrame:
    """Claims and amounts by pay mode and further columns.

    Returns
    -------
    DataFrame
        The keys, ``claims``, ``cost_fen``, ``patient_fen``, ``fund_fen``, ``hospital_fen``
        (of claims the fund pays for; cost of all), in the order of the modes, then of the keys.
    """
    keys = ["pay_mode", *more]
    return (
        lines.lazy()
        .group_by(keys)
        .agg(pl.len().alias("claims"), *_sums())
        .sort(keys, nulls_last=True)
        .collect(engine="streaming")
    )


def by_class(lines: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """``case_class`` (null: not classed) and ``claims``, of claims the fund pays for."""
    return (
        lines.lazy()
        .filter(answered_for())
        .group_by("case_class")
        .agg(pl.len().alias("claims"))
        .sort("case_class", nulls_last=True)
        .collect(engine="streaming")
    )


def unpaid_by_reason(lines: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """``payment_note``, ``claims``, ``cost_fen`` of unpaid claims, the most frequent first."""
    return (
        lines.lazy()
        .filter(pl.col("pay_mode").cast(pl.String) == UNPAID)
        .group_by(pl.col("payment_note").cast(pl.String))
        .agg(pl.len().alias("claims"), pl.col("cost_fen").sum())
        .sort(["claims", "payment_note"], descending=[True, False])
        .collect(engine="streaming")
    )


def batches(ledger: Ledger) -> pl.DataFrame:
    """What became of the fund: one row an account, rule and document, reversals netted.

    Returns
    -------
    DataFrame
        ``hospital``, ``insurance``, ``period``, ``account``, ``rule``, ``document``, ``fen``
        (never 0), sorted; accounts of batches and of the year's end.
    """
    keys = ["hospital", "insurance", "period", "account", "rule", "document"]
    return (
        ledger.scan()
        .filter(pl.col("account").is_in([*BATCH_ACCOUNTS, *YEAR_ACCOUNTS]))
        .group_by(keys)
        .agg(pl.col("fen").sum())
        .filter(pl.col("fen") != 0)
        .sort(keys, nulls_last=True)
        .collect()
    )


def payable(ledger: Ledger) -> pl.DataFrame:
    """``hospital``, ``insurance``, ``fen``: what the fund owes by claims, reversals netted."""
    return (
        ledger.scan()
        .filter(pl.col("account") == "fund")
        .group_by("hospital", "insurance")
        .agg(pl.col("fen").sum())
        .sort("hospital", "insurance", nulls_last=True)
        .collect()
    )
