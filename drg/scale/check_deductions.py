"""Deductions that an audit makes by itself, as the decisions that settling a month reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from drg.audit.model import Level, Result
from drg.audit.stakes import counted_once
from drg.fen_column import yuan_texts
from drg.money import exact_sum
from drg.text import text

if TYPE_CHECKING:
    from drg.audit.model import RuleSet

__all__ = ["DEDUCTION_FILE", "Deductions", "deductions_of"]

#: What ``drg settle --decisions`` reads; one row a claim, for of several deductions on one claim
#: only the last counts there.
DEDUCTION_FILE = pl.Schema(
    dict.fromkeys(("claim_id", "matter", "decision", "amount", "reason", "document"), pl.String())
)


class Deductions(NamedTuple):
    """What deducts by itself.

    Attributes
    ----------
    frame : DataFrame
        ``DEDUCTION_FILE``, by claim.
    total_fen : int
        Sum of its amounts.
    left_out : int
        Hits that cannot be deducted: without an id of the claim, or without an amount above 0.
    once_fen : int
        What the counted hits put at stake beyond that: charges that several rules mean.
    """

    frame: pl.DataFrame
    total_fen: int
    left_out: int
    once_fen: int


def deductions_of(
    findings: pl.DataFrame, stakes: pl.DataFrame, rules: RuleSet, lang: str
) -> Deductions:
    """The deductions that findings of an audit make, no fen of a charge twice.

    Parameters
    ----------
    findings, stakes : DataFrame
        ``FINDINGS`` and ``STAKES``. Only hits of rules of level ``auto_deduct`` count; what needs
        a human never deducts by itself.
    rules : RuleSet
        Named in the decisions.
    lang : {"zh", "en"}
        Language of the reasons.
    """
    hits = findings.filter(
        (pl.col("level") == Level.AUTO_DEDUCT) & (pl.col("result") == Result.HIT)
    )
    counted = hits.filter(pl.col("claim_id").is_not_null() & (pl.col("amount_fen") > 0))
    hit = ["row", "rule"]
    lines = counted_once(stakes.join(counted, on=hit, how="semi"), ["rule", "entry"])
    sums = lines.group_by(hit).agg(pl.col("amount_fen").sum()).filter(pl.col("amount_fen") > 0)
    deducted = counted.drop("amount_fen").join(sums, on=hit, maintain_order="left")
    parts = pl.concat_str("rule", pl.lit(" "), pl.lit(yuan_texts(deducted["amount_fen"])))
    by_claim = (
        deducted.with_columns(told=parts)
        .group_by("claim_id", maintain_order=True)
        .agg(
            pl.col("amount_fen").sum(),
            pl.col("told").str.join(text("explain.comma", lang)),
            pl.col("source").unique(maintain_order=True).str.join(" "),
        )
    )
    before, after = text("check.deduction_reason", lang, rules="\0").split("\0")
    frame = by_claim.select(
        "claim_id",
        matter=pl.lit("deduction"),
        decision=pl.lit("accepted"),
        amount=yuan_texts(by_claim["amount_fen"]),
        reason=pl.lit(before) + pl.col("told") + pl.lit(after),
        document=pl.lit(f"{rules.id} ({rules.digest[:12]}): ") + pl.col("source"),
    )
    total = exact_sum(by_claim["amount_fen"].to_numpy())
    once = exact_sum(counted["amount_fen"].to_numpy()) - total
    return Deductions(frame.cast(DEDUCTION_FILE), total, hits.height - counted.height, once)
