"""Settled claims that a later decision prices anew: special review, payment by item, exit.

Reviews come after the month has been settled. A decision that a claim's price shows already asks
for nothing, so that the same decisions given again change nothing and no place of a cap is lost.
"""

from __future__ import annotations

import polars as pl

from drg.payment.pricing.decided import APPLIED, EXIT, REVIEW
from drg.payment.pricing.price_columns import ROUTE_CODES, Route

__all__ = ["decided_since"]

_NO = ("rejected", "refused", "open", "released")
_LEFT = ROUTE_CODES[Route.EXIT_DECIDED]
_BY_GROUP = ("DRG", "POINTS", "DIP")


def decided_since(claims: pl.LazyFrame, decisions: pl.DataFrame) -> pl.Series:
    """Refs of settled claims whose price does not show what was decided on them.

    Parameters
    ----------
    claims : LazyFrame
        Settled claims.
    decisions : DataFrame
        ``drg.settlement.matters.DECISION_SCHEMA``.

    Returns
    -------
    Series of String
    """
    last = (
        decisions.filter(pl.col("matter").is_in([REVIEW, APPLIED, EXIT]))
        .sort("on", nulls_last=False, maintain_order=True)
        .unique(["claim_id", "matter"], keep="last", maintain_order=True)
        .select("matter", "decision", ref="claim_id", amount="amount_fen")
    )
    if last.is_empty():
        return pl.Series("ref", [], pl.String)
    mode, branch, route = (pl.col(n).cast(pl.String) for n in ("pay_mode", "branch", "route"))
    found = (
        claims.filter(pl.col("ref").is_in(last["ref"].implode()))
        .select("ref", "price_fen", mode, branch.fill_null(""), route)
        .collect()
        .join(last, on="ref")
    )
    matter, yes = pl.col("matter"), ~pl.col("decision").is_in(_NO)
    by_group, adjusted = pl.col("pay_mode").is_in(_BY_GROUP), pl.col("decision") == "adjusted"
    starts, by_item = pl.col("branch").str.starts_with, pl.col("branch").str.ends_with("_BY_ITEM")
    over = pl.col("branch").is_in(["REVIEW_OVER_CAP", "APPLIED_OVER_CAP"])
    ruled = pl.col("branch") == "REVIEW_ADJUSTED"
    # Whoever has payment by item already, as the costliest cases have, is given nothing by it.
    alike = pl.when(adjusted).then(ruled & (pl.col("price_fen") == pl.col("amount")))
    same = alike.otherwise(by_item) | over
    reviewed = by_group & pl.when(yes).then(~same).otherwise(starts("REVIEW_"))
    applied = by_group & pl.when(yes).then(
        ~by_item & ~over & ~ruled
    ).otherwise(starts("APPLIED_"))  # fmt: skip
    left = pl.when(yes).then(pl.col("pay_mode") == "PER_DISEASE").otherwise(
        pl.col("route") == _LEFT
    )  # fmt: skip
    asked = (
        pl.when(matter == REVIEW).then(reviewed).when(matter == APPLIED).then(applied)
        .otherwise(left)
    )  # fmt: skip
    return found.filter(asked)["ref"].unique(maintain_order=True)
