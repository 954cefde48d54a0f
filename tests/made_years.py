"""Settled years made by hand, for tests of clearing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from drg.dates import Month
from drg.money import fen, mul_div
from drg.payment.policy import DrgPayment, Policy, Year
from drg.payment.policy import Month as MonthRules
from drg.payment.pricing.price_columns import PRICE_DTYPES
from drg.settlement.batches import month_batches
from drg.settlement.budget import Budget, BudgetEvent
from drg.settlement.inputs import HOSPITAL_SCHEMA
from drg.settlement.ledger import Ledger
from drg.settlement.matters import DECISION_SCHEMA, standing
from drg.settlement.posting import claim_entries, postings
from drg.settlement.settled import FINDING_SCHEMA, Settlement, hospital_table
from drg.settlement.year.clear import clear_year

ROUNDS = ("draft", "agency_measure", "consultation", "hospital_reply", "negotiated", "signed")
MONTHS = range(1, 13)


# ---- making years


def policy(*, drg=None, year=None, month=None, **parts):
    return Policy(
        id="test-2025", place="test", place_zh="测试", title_zh="测试", title_en="test",
        drg=DrgPayment(**(drg or {})), year=Year(**(year or {})), month=MonthRules(**(month or {})),
        digest="d" * 64, **parts,
    )  # fmt: skip


def claim(hospital="H1", insurance="310", month=1, mode="DRG", branch="STANDARD", **given):
    """A priced claim; money in fen, weight, points and coefficient as text."""
    return {"hospital_id": hospital, "insurance": insurance, "month": month, "pay_mode": mode,
            "branch": branch, **given}  # fmt: skip


def drg_claim(weight, cost, patient, *, rate=1_000_000, coefficient="1", **given):
    """A case at the standard, rounded as pricing does."""
    scaled = int(Decimal(weight) * 10**4) * int(Decimal(coefficient) * 10**4)
    standard = mul_div(scaled, rate, 10**8)
    return claim(
        weight=weight, rate_fen=rate, coefficient=coefficient, standard_fen=standard,
        price_fen=standard, cost_fen=cost, patient_fen=patient, fund_fen=max(standard - patient, 0),
        **given,
    )  # fmt: skip


def points_claim(points, cost, patient, *, rate=10_000, **given):
    worth = mul_div(int(Decimal(points) * 10**4), rate, 10**4)
    return claim(
        mode="POINTS", points=points, rate_fen=rate, standard_fen=worth, price_fen=worth,
        cost_fen=cost, patient_fen=patient, fund_fen=max(worth - patient, 0), **given,
    )  # fmt: skip


def item_claim(cost, patient, mode="BY_ITEM", **given):
    return claim(mode=mode, branch="BY_ITEM", cost_fen=cost, patient_fen=patient, price_fen=cost,
                 fund_fen=cost - patient, **given)  # fmt: skip


def frame(rows):
    extra = sorted({k for row in rows for k in row} - {*PRICE_DTYPES, "month", "claim_id"})
    schema = {
        "claim_id": pl.String, **dict.fromkeys(extra, pl.String),
        **{n: pl.String if d == PRICE_DTYPES["weight"] else d for n, d in PRICE_DTYPES.items()},
    }  # fmt: skip
    table = pl.DataFrame(rows, schema=schema, strict=False, orient="row")
    paid = ~pl.col("pay_mode").is_in(["UNPAID", "STATISTICS"])
    own = pl.col("fund_fen") + pl.col("patient_fen") - pl.col("cost_fen")
    return table.with_columns(
        pl.col(n).cast(PRICE_DTYPES[n]) for n in ("weight", "points", "coefficient")
    ).with_columns(
        hospital_fen=pl.when(paid).then(own),
        ref="claim_id",
        settled_version=pl.lit(1, pl.Int32),
        row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        run=pl.lit(1, pl.Int32),
    )  # fmt: skip


def settle(rows, number, rules, decisions=None, year=2025):
    period = str(Month(year, number))
    claims = frame(rows)
    posted = postings(claims, rules)
    ledger = Ledger().append(claim_entries(posted, period))
    heads = posted.filter(pl.col("head") == "fund").select(
        "ref", "version", "hospital", "insurance", pl.col("fund_fen").alias("fen")
    )
    decided = pl.DataFrame(schema=DECISION_SCHEMA) if decisions is None else decisions
    matters, _ = standing(heads.iter_rows(named=True), decided, period)
    batches = month_batches(ledger, matters, rules, period)
    ledger = ledger.append(batches.entries)
    found = Settlement(
        month=Month(year, number), policy_id=rules.id, policy_digest=rules.digest, claims=claims,
        ledger=ledger, findings=pl.DataFrame(schema=FINDING_SCHEMA),
        hospitals=hospital_table(ledger), matters=batches.matters, policy=rules,
        manifest={"run": [{"claims": len(rows)}]},
    )  # fmt: skip
    assert found.check() == []
    return found


def settled_year(claims, rules, decisions=None):
    named = [{**row, "claim_id": f"C{n:04}"} for n, row in enumerate(claims)]
    return [
        settle([row for row in named if row["month"] == number], number, rules, decisions)
        for number in MONTHS
    ]


def quotas(**amounts):
    """``H1="100"`` in yuan, for employees; ``H1_390`` for residents; ``city`` the region's."""
    events = []
    for name, amount in amounts.items():
        unit, _, insurance = name.partition("_")
        level = {"city": "city", "reserve": "reserve", "community": "community"}.get(
            unit, "hospital"
        )
        for step in ROUNDS:
            events.append(
                BudgetEvent(level, unit, insurance or "310", 2025, step, fen(str(amount)))
            )
    return Budget(events)


def register(*rows):
    return pl.DataFrame(
        [{**dict.fromkeys(HOSPITAL_SCHEMA.names()), **row} for row in rows],
        schema=HOSPITAL_SCHEMA, orient="row",
    )  # fmt: skip


def decision(claim_id, matter, decided, amount=None):
    row = {"claim_id": claim_id, "matter": matter, "decision": decided, "amount_fen": amount,
           "on": date(2025, 12, 31), "reason": "审核", "document": "文1", "row": 2}  # fmt: skip
    return pl.DataFrame([row], schema=DECISION_SCHEMA, orient="row")


def clear(months, rules, **given):
    found = clear_year(months, rules, year=2025, **given)
    assert found.check() == []
    return found


def of(clearing, hospital, insurance="310"):
    found = clearing.hospitals.filter(
        (pl.col("hospital") == hospital) & pl.col("insurance").eq_missing(pl.lit(insurance))
    )
    assert found.height == 1
    return found.row(0, named=True)


def codes(clearing):
    return set(clearing.findings.select("code", "hospital").iter_rows())
