"""What a month pays: worked cases, an oracle in fractions, disputes, holds, the quarter."""

from __future__ import annotations

import datetime
import math
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from priced_months import PERIOD, policy, priced

from drg.dates import Month
from drg.payment.policy import Month as MonthRules
from drg.settlement.batches import carried, closing_entries, month_batches, quarter_entries
from drg.settlement.budget import Budget, BudgetEvent
from drg.settlement.ledger import ENTRY_SCHEMA, Ledger
from drg.settlement.matters import (
    DECISION_SCHEMA,
    MATTER_SCHEMA,
    closings,
    open_matters,
    standing,
)
from drg.settlement.month import dispute_adjustment, month_payment
from drg.settlement.posting import claim_entries, postings

FUXIN = MonthRules(retention="0.10", dispute_advance="0.80")


def test_case_f01() -> None:
    paid = month_payment(90_000_000, 6_000_000, 4_000_000, FUXIN)
    assert (paid.advance, paid.retention, paid.dispute_withheld, paid.held) == (
        85_800_000, 9_000_000, 1_200_000, 4_000_000,
    )  # fmt: skip
    assert sum(paid) == 100_000_000


@pytest.mark.parametrize(
    ("disputed", "accepted", "advanced", "adjustment"),
    [(6_000_000, 4_500_000, 4_800_000, -300_000), (6_000_000, 6_000_000, 4_800_000, 1_200_000)],
    ids=["F02", "F03"],
)
def test_cases_f02_f03(disputed: int, accepted: int, advanced: int, adjustment: int) -> None:
    assert dispute_adjustment(disputed, accepted, advanced) == adjustment


def test_retention_of_all_and_prepay() -> None:
    rules = MonthRules(retention="0.10", dispute_advance="0.80", retention_base="all")
    assert month_payment(1000, 100, 0, rules) == (970, 110, 20, 0, 0, 0)
    assert month_payment(1000, 0, 0, MonthRules(prepay="0.95")) == (950, 0, 0, 0, 0, 50)
    both = MonthRules(prepay="0.95", retention="0.05")
    # month × ratio - audit deduction (A.8): the deduction is borne by the payment.
    assert month_payment(10_000, 0, 0, both, deduction=25) == (9_000, 500, 0, 0, 25, 475)


def test_a_deduction_above_the_payment_is_carried() -> None:
    paid = month_payment(1000, 0, 0, MonthRules(retention="0.9"), deduction=400)
    assert paid == (0, 900, 0, 0, 400, -300)


def test_without_an_advance_nothing_is_paid_on_disputes() -> None:
    assert month_payment(0, 100, 0, MonthRules()) == (0, 0, 100, 0, 0, 0)


@pytest.mark.parametrize("amounts", [(-1, 0, 0, 0), (0, -1, 0, 0), (0, 0, -1, 0), (0, 0, 0, -1)])
def test_amounts_are_not_negative(amounts: tuple[int, int, int, int]) -> None:
    *parts, deduction = amounts
    with pytest.raises(ValueError, match="negative"):
        month_payment(*parts, FUXIN, deduction=deduction)


@pytest.mark.parametrize("amounts", [(5, 6, 0), (-1, 0, 0), (5, -1, 0), (5, 0, -1)])
def test_a_dispute_is_not_accepted_beyond_itself(amounts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="between"):
        dispute_adjustment(*amounts)


AMOUNT = st.integers(0, 10**12)


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def decimals(number: int) -> str:
    return f"{number // 10_000}.{number % 10_000:04}"


@given(
    AMOUNT, AMOUNT, AMOUNT, AMOUNT,
    *(st.integers(0, 10_000).map(decimals) for _ in range(3)), st.booleans(),
)  # fmt: skip
def test_the_payment_is_the_formula_and_nothing_is_lost(
    undisputed: int, disputed: int, held: int, deduction: int,
    retention: str, advance: str, prepay: str, every: bool,
) -> None:  # fmt: skip
    base = "all" if every else "undisputed"
    rules = MonthRules(
        retention=retention, dispute_advance=advance, prepay=prepay, retention_base=base
    )
    paid = month_payment(undisputed, disputed, held, rules, deduction=deduction)
    kept = (undisputed + (disputed if every else 0)) * Fraction(retention)
    exact = max(undisputed + disputed * Fraction(advance) - kept, Fraction(0)) * Fraction(prepay)
    due = half_up(exact) - deduction
    assert paid.advance == max(due, 0)
    assert sum(paid) == undisputed + disputed + held
    assert (paid.held, paid.deduction) == (held, deduction)
    assert min(paid.retention, paid.dispute_withheld) >= 0
    if exact or not every:
        assert abs(paid.retention - kept) <= 1


# ---- matters


def decisions(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """claim, matter, decision, amount, day."""
    full = [
        (claim, matter, decision, amount, day, "查", "文1", n)
        for n, (claim, matter, decision, amount, day) in enumerate(rows, start=2)
    ]
    return pl.DataFrame(full, schema=DECISION_SCHEMA, orient="row")


def claim(fen: int = 1000, ref: str = "C1") -> dict[str, Any]:
    return {"ref": ref, "version": 1, "hospital": "H1", "insurance": "310", "fen": fen}


def stand(*rows: tuple[Any, ...], fen: int = 1000) -> tuple[dict[str, int], list[str]]:
    """Amount by matter, and the notices."""
    matters, notices = standing([claim(fen)], decisions(*rows), PERIOD)
    assert matters.schema == MATTER_SCHEMA
    sums = matters.group_by(pl.col("matter").cast(pl.String)).agg(pl.col("amount_fen").sum())
    return dict(sums.iter_rows()), [notice.code for notice in notices]


def test_a_matter_is_about_its_amount_or_the_whole() -> None:
    assert stand(("C1", "dispute", "open", 300, None)) == ({"dispute": 300}, [])
    assert stand(("C1", "hold", "open", None, None)) == ({"hold": 1000}, [])
    assert stand(("C1", "deduction", "accepted", 50, None)) == ({"deduction": 50}, [])
    assert stand(("C2", "hold", "open", None, None)) == ({}, [])


def test_together_they_never_pass_the_fund() -> None:
    found, codes = stand(
        ("C1", "hold", "open", 400, None),
        ("C1", "dispute", "open", None, None),
        ("C1", "deduction", "accepted", 50, None),
    )
    assert found == {"hold": 400, "dispute": 600, "deduction": 0}
    assert codes == ["P661"]
    assert stand(("C1", "hold", "open", 1001, None)) == ({"hold": 1000}, ["P661"])


def test_what_ends_in_its_own_month() -> None:
    opened = ("C1", "dispute", "open", 600, None)
    assert stand(opened, ("C1", "dispute", "accepted", None, None)) == ({}, [])
    assert stand(opened, ("C1", "dispute", "accepted", 450, None)) == ({"deduction": 150}, [])
    assert stand(opened, ("C1", "dispute", "refused", None, None)) == ({"deduction": 600}, [])
    assert stand(("C1", "hold", "open", 600, None), ("C1", "hold", "released", None, None)) == (
        {}, [],
    )  # fmt: skip
    said = [("C1", "deduction", decision, 5, None) for decision in ("accepted", "refused")]
    assert stand(*said) == ({}, [])


def test_the_latest_day_holds_whatever_the_order() -> None:
    first, last = datetime.date(2025, 6, 1), datetime.date(2025, 6, 20)
    rows = [("C1", "hold", "released", None, last), ("C1", "hold", "open", None, first)]
    assert stand(*rows) == ({}, [])


def opened(matter: str, amount: int, kept: int) -> pl.DataFrame:
    row = {
        "period": "2025-05", "hospital": "H1", "insurance": "310", "ref": "C1", "version": 1,
        "matter": matter, "amount_fen": amount, "kept_fen": kept, "accepted_fen": None,
        "since": datetime.date(2025, 5, 9), "state": "open", "reason": "查", "document": "文1",
    }  # fmt: skip
    return pl.DataFrame([row], schema=MATTER_SCHEMA)


@pytest.mark.parametrize(
    ("matter", "kept", "decision", "amount", "moved"),
    [
        ("dispute", 200, "accepted", None, {"dispute_withheld": -200, "advance": 200}),
        ("dispute", 200, "accepted", 750,
         {"dispute_withheld": -200, "advance": -50, "deduction": 250}),
        ("dispute", 200, "refused", None,
         {"dispute_withheld": -200, "advance": -800, "deduction": 1000}),
        ("hold", 1000, "released", None, {"held": -1000, "advance": 900, "retention": 100}),
        ("hold", 1000, "refused", None, {"held": -1000, "deduction": 1000}),
    ],
)  # fmt: skip
def test_a_later_month_makes_up_or_deducts(
    matter: str, kept: int, decision: str, amount: int | None, moved: dict[str, int]
) -> None:
    matters = opened(matter, 1000, kept)
    ends, closed, notices = closings(matters, decisions(("C1", matter, decision, amount, None)))
    entries = closing_entries(ends, policy(retention="0.1", dispute_advance="0.8"), "2025-06")
    assert notices == []
    assert dict(entries.select(pl.col("account").cast(pl.String), "fen").iter_rows()) == moved
    assert entries["fen"].sum() == 0
    assert set(entries["period"]) == {"2025-06"}
    assert open_matters([matters]).height == 1
    assert open_matters([matters, closed]).height == 0


def test_an_open_matter_stays_open_without_a_decision() -> None:
    matters = opened("dispute", 1000, 200)
    for rows in (
        [],
        [("C1", "dispute", "open", 5, None)],
        [("C1", "hold", "released", None, None)],
    ):
        ends, closed, _ = closings(matters, decisions(*rows))
        assert ends == []
        assert closed.is_empty()


# ---- batches


@given(st.integers(0, 10**6), st.integers(1, 80), st.data())
def test_batches_of_random_months_tie_and_run_twice_they_post_nothing(
    seed: int, count: int, data: st.DataObject
) -> None:
    claims = priced(count, seed)
    rules = policy(retention="0.1", dispute_advance="0.8", prepay="0.95")
    posted = claim_entries(postings(claims, rules), PERIOD)
    ledger = Ledger().append(posted)
    funds = posted.filter(pl.col("account") == "fund")
    rows = [
        (ref, data.draw(st.sampled_from(["dispute", "hold", "deduction"])), "open",
         data.draw(st.none() | st.integers(0, 2_000_000)), None)
        for ref in funds["ref"].sample(min(5, funds.height), seed=1)
    ]  # fmt: skip
    matters, _ = standing(funds.iter_rows(named=True), decisions(*rows), PERIOD)
    batches = month_batches(ledger, matters, rules, PERIOD)
    ledger = ledger.append(batches.entries)
    ledger = ledger.append(carried(ledger, PERIOD))
    assert ledger.check(claims) == []
    assert month_batches(ledger, matters, rules, PERIOD).entries.is_empty()
    assert carried(ledger, PERIOD).is_empty()
    withheld = ledger.entries.filter(pl.col("account") == "dispute_withheld")["fen"].sum()
    disputes = batches.matters.filter(pl.col("matter") == "dispute")
    assert disputes["kept_fen"].sum() == withheld
    assert (disputes["kept_fen"] <= disputes["amount_fen"]).all()


def batch(period: str, **accounts: int) -> pl.DataFrame:
    rows = [
        (period, "H1", "310", "batch", period, None, account, fen, "F.2", "")
        for account, fen in accounts.items()
    ]
    return pl.DataFrame(rows, schema=ENTRY_SCHEMA, orient="row")


def test_negative_advances_are_carried_and_not_claimed_back() -> None:
    ledger = Ledger().append(batch("2025-06", advance=-70, deduction=70))
    after = ledger.append(carried(ledger, "2025-06"))
    assert dict(after.totals("account").filter(pl.col("fen") != 0).iter_rows()) == {
        "deduction": 70, "balance": -70,
    }  # fmt: skip


def budget(quota: int) -> Budget:
    steps = ("draft", "agency_measure", "consultation", "hospital_reply", "negotiated", "signed")
    line = ("hospital", "H1", "310", 2025)
    events = [BudgetEvent(*line, step, amount=quota * 4) for step in steps]
    parts = [BudgetEvent(*line, "signed", amount=quota, part=f"Q{n}") for n in range(1, 5)]
    return Budget([*events, *parts])


@pytest.mark.parametrize(
    ("months", "quota", "moved", "over"),
    [
        # F05: below the quota the deposit is released.
        ([(900_000, 100_000), (855_000, 95_000), (945_000, 105_000)], 3_200_000,
         {"advance": 300_000, "retention": -300_000}, False),
        # F04: 3.3 million against 3.2: pays 230,000, suspends 100,000.
        ([(990_000, 110_000)] * 3, 3_200_000,
         {"advance": 230_000, "retention": -330_000, "suspended": 100_000}, True),
        # F06: advances above the quota already are carried to the year.
        ([(1_170_000, 130_000)] * 3, 3_200_000,
         {"retention": -390_000, "suspended": 700_000, "balance": -310_000}, True),
    ],
    ids=["F05", "F04", "F06"],
)  # fmt: skip
def test_the_quarter(
    months: list[tuple[int, int]], quota: int, moved: dict[str, int], over: bool
) -> None:
    *earlier, ledger = (
        Ledger().append(batch(f"2025-0{n}", advance=paid, retention=kept))
        for n, (paid, kept) in enumerate(months, start=4)
    )
    rules, month = policy(retention="0.1", quarterly=True), Month(2025, 6)
    entries, above, without = quarter_entries(ledger, earlier, budget(quota), rules, month)
    assert dict(entries.select(pl.col("account").cast(pl.String), "fen").iter_rows()) == moved
    assert entries["fen"].sum() == 0
    assert (above, without) == ([("H1", "310")] if over else [], [])
    after = ledger.append(entries)
    again, *_ = quarter_entries(after, earlier, budget(quota), rules, month)
    assert again.is_empty()


def test_a_hospital_without_a_quota_is_left_alone() -> None:
    ledger = Ledger().append(batch("2025-06", advance=9, retention=1))
    entries, over, without = quarter_entries(
        ledger, [], Budget([]), policy(quarterly=True), Month(2025, 6)
    )
    assert entries.is_empty()
    assert (over, without) == ([], [("H1", "310")])
