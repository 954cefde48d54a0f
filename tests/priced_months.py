"""Priced months made by hand, for tests of what comes after pricing."""

from __future__ import annotations

import numpy as np
import polars as pl

from drg.payment.policy import DrgPayment, Policy
from drg.payment.policy import Month as MonthRules
from drg.payment.pricing.price_columns import PRICE_DTYPES

PERIOD = "2025-06"


def policy(**month: object) -> Policy:
    """A policy of DRG payment with these monthly rules."""
    return Policy(
        id="test-2025", place="test", place_zh="测试", title_zh="测试", title_en="test",
        drg=DrgPayment(), month=MonthRules(**month), digest="d" * 64,
    )  # fmt: skip


def priced(count: int, seed: int = 1, hospitals: int = 4) -> pl.DataFrame:
    """Settled claims of a random month: paid, by item, for statistics and unpaid."""
    rng = np.random.default_rng(seed)
    mode = rng.choice(["DRG", "DRG", "DRG", "BY_ITEM", "STATISTICS", "UNPAID"], count)
    cost = rng.integers(0, 5_000_000, count)
    patient = (cost * rng.random(count) * 0.5).astype(np.int64)
    price = np.where(mode == "BY_ITEM", cost, (cost * (0.6 + rng.random(count))).astype(np.int64))
    fund = np.maximum(price - patient, 0)
    unknown = (mode == "UNPAID") & (rng.random(count) < 0.3)
    paid = pl.Series("mode", mode.tolist(), dtype=pl.String) != "UNPAID"
    frame = pl.DataFrame(
        {
            "claim_id": [f"C{n:05d}" for n in range(count)],
            "hospital_id": [f"H{n}" for n in rng.integers(0, hospitals, count)],
            "insurance": rng.choice(["310", "390"], count).tolist(),
            "pay_mode": mode.tolist(),
            "branch": np.where(mode == "BY_ITEM", "BY_ITEM", "STANDARD").tolist(),
            "cost_fen": pl.Series(cost).set(pl.Series(unknown), None),
            "patient_fen": patient,
            "fund_fen": fund,
            "price_fen": price,
        }
    )
    missing = [name for name in PRICE_DTYPES if name not in frame.columns]
    return (
        frame.with_columns(
            pl.when(paid).then(name).alias(name)
            for name in ("patient_fen", "fund_fen", "price_fen")
        )
        .with_columns(
            hospital_fen=pl.col("fund_fen") + pl.col("patient_fen") - pl.col("cost_fen"),
            payment_note=pl.when(~paid).then(pl.lit("P602")),
        )
        .with_columns(
            pl.lit(None).alias(name)
            for name in missing
            if name not in ("hospital_fen", "payment_note")
        )
        .with_columns(pl.col(name).cast(dtype) for name, dtype in PRICE_DTYPES.items())
        .with_columns(
            pl.col("claim_id").alias("ref"),
            pl.lit(1, pl.Int32).alias("settled_version"),
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"),
            pl.lit(1, pl.Int32).alias("run"),
        )
    )
