"""A settled month made by hand: priced claims, posted and paid as a settlement does."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from drg.dates import Month
from drg.payment.policy import DrgPayment, Policy, Provenance
from drg.payment.policy import Month as MonthRules
from drg.payment.pricing.price_columns import PRICE_DTYPES
from drg.settlement.batches import month_batches
from drg.settlement.ledger import Ledger
from drg.settlement.matters import MATTER_SCHEMA
from drg.settlement.posting import claim_entries, postings
from drg.settlement.settled import (
    FINDING_SCHEMA,
    Settlement,
    finding_rows,
    hospital_table,
    worded,
)

#: A hospital whose name would be markup if it were not escaped.
NAMES = {"H0": "<b>第一&医院</b>", "H1": ""}
UNPAID_CODE, GROUPING_CODE = "N421", "E101"
OWN_REASON = "用药指征不足 <script>"


def policy(**changes: object) -> Policy:
    rules = MonthRules(
        retention="0.10", dispute_advance="0.80", hold_days=30, compute_day=10, pay_day=15
    )
    fields: dict[str, object] = {
        "id": "made-2024", "place": "made", "place_zh": "示例", "title_zh": "示例政策",
        "title_en": "A made policy", "digest": "ab" * 32, "drg": DrgPayment(), "month": rules,
        "provenance": {
            "month.retention": Provenance(source="S-FUXIN-2009-108", status="transcribed"),
            "drg.rates.0.rate": Provenance(source="S-PROJECT", status="synthetic"),
        },
    }  # fmt: skip
    return Policy(**(fields | changes))


def claims(n: int = 400, hospitals: int = 3, seed: int = 1) -> pl.DataFrame:
    """Claims of which some are unpaid, some for statistics, some above a cap, some of no fund."""
    draw = np.random.default_rng(seed)
    mode = np.where(np.arange(n) % 17 == 5, 8, np.where(np.arange(n) % 41 == 7, 7, 0))
    paid = pl.Series(mode == 0)
    branch = np.where(np.arange(n) % 53 == 11, 2, 0)
    cost = draw.integers(100_000, 5_000_000, n)
    price = np.where(branch == 2, cost - 5, draw.integers(100_000, 5_000_000, n))
    patient = np.where(np.arange(n) % 29 == 3, price + 1, cost // 3)
    fund = np.maximum(price - patient, 0)
    day = dt.date(2024, 6, 1)

    def amount(values: np.ndarray, name: str, keep: pl.Series = paid) -> pl.Series:
        column = pl.Series(name, values, pl.Int64)
        return pl.select(pl.when(keep).then(column)).to_series().alias(name)

    def coded(values: object, name: str) -> pl.Series:
        return pl.Series(name, values, dtype=PRICE_DTYPES[name])

    modes = list(PRICE_DTYPES["pay_mode"].categories)
    branches = list(PRICE_DTYPES["branch"].categories)
    classes = list(PRICE_DTYPES["case_class"].categories)
    unpaid = mode == 8
    notes = PRICE_DTYPES["payment_note"].categories
    return pl.DataFrame(
        [
            pl.Series("claim_id", [f"C{i:06}" for i in range(n)]),
            pl.Series("hospital_id", [f"H{k}" for k in draw.integers(0, hospitals, n)]),
            pl.Series("insurance", ["职工" if i % 3 else "390" for i in range(n)]),
            pl.Series("discharged_on", [str(day + dt.timedelta(i % 30)) for i in range(n)]),
            pl.Series("los_days", [i % 20 + 1 for i in range(n)]),
            pl.Series("group", ["BR23"] * n),
            pl.Series("group_name", ["脑缺血性疾患，伴并发症或合并症"] * n),
            pl.Series("reason", [GROUPING_CODE if u and i % 2 else None
                                 for i, u in enumerate(unpaid)], pl.String),
            coded([modes[m] for m in mode], "pay_mode"),
            coded([PRICE_DTYPES["route"].categories[0]] * n, "route"),
            coded([classes[i % 3] if p else None for i, p in enumerate(paid)], "case_class"),
            coded([branches[b] if p else None for b, p in zip(branch, paid, strict=True)],
                  "branch"),
            pl.Series("weight", [0.729] * n).cast(pl.Decimal(18, 4)),
            pl.Series("points", [None] * n, pl.Decimal(18, 4)),
            pl.Series("rate_fen", [1_225_270] * n),
            pl.Series("coefficient", [1] * n).cast(pl.Decimal(18, 4)),
            amount(price, "standard_fen"),
            amount(cost, "cost_fen", pl.Series(np.arange(n) % 34 != 5)),
            amount(price, "price_fen"),
            amount(patient, "patient_fen"),
            amount(fund, "fund_fen"),
            amount(fund + patient - cost, "hospital_fen"),
            coded([notes[i % 3] if u else None for i, u in enumerate(unpaid)], "payment_note"),
            pl.Series("ref", [f"C{i:06}" for i in range(n)]),
            pl.Series("settled_version", [1] * n, pl.Int32),
            pl.Series("row", range(1, n + 1), pl.Int64),
            pl.Series("run", [1] * n, pl.Int32),
        ]
    )  # fmt: skip


def settled(
    n: int = 400, hospitals: int = 3, seed: int = 1, period: str = "2024-06", **changes: object
) -> Settlement:
    """The month of ``claims``, with a dispute, a hold and a deduction in the first hospital."""
    rules, lines = policy(**changes), claims(n, hospitals, seed)
    ledger = Ledger().append(claim_entries(postings(lines, rules), period))
    about = lines.filter((pl.col("fund_fen") > 0) & (pl.col("hospital_id") == "H0")).head(3)
    rows = [
        {
            "period": period, "hospital": "H0",
            "insurance": "390" if row["insurance"] == "390" else "310",
            "ref": row["ref"], "version": 1, "matter": matter, "amount_fen": row["fund_fen"],
            "kept_fen": 0 if matter == "dispute" else row["fund_fen"],
            "accepted_fen": None, "since": dt.date(2024, 7, 2), "state": "open",
            "reason": OWN_REASON if matter == "hold" else "", "document": "",
        }
        for row, matter in zip(
            about.iter_rows(named=True), ("dispute", "hold", "deduction"), strict=True
        )
    ]  # fmt: skip
    matters = pl.DataFrame(rows, schema=MATTER_SCHEMA, orient="row")
    paid = month_batches(ledger, matters, rules, period)
    ledger = ledger.append(paid.entries)
    register = pl.DataFrame(
        {"hospital_id": list(NAMES), "name": list(NAMES.values()), "level": ["三级", "二级"]}
    )
    findings = worded(finding_rows([(1, "C000005", "H0", GROUPING_CODE)]))
    assert findings.schema == FINDING_SCHEMA
    return Settlement(
        month=Month.parse(period),
        policy_id=rules.id,
        policy_digest=rules.digest,
        claims=lines,
        ledger=ledger,
        findings=findings,
        hospitals=hospital_table(ledger, register),
        matters=paid.matters,
        policy=rules,
        register=register,
    )
