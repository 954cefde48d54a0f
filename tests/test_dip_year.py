"""DIP years: a budget given out by score to the fen, assessment, deductions, what is shared."""

from __future__ import annotations

import random
import tomllib
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_dip import MEANS, Row, claim, frame, month, policy
from made_years import ROUNDS, clear, decision, of, quotas, register

from drg.dates import Month
from drg.dip.point_value import hospital_settlement, settlement_point_value, year_balance
from drg.money import fen, round_scaled, unscaled
from drg.payment.policy import Policy
from drg.reports.clearing import write_clearing
from drg.reports.clearing_lines import value_rows
from drg.scale.clear_folders import clear_folders
from drg.settlement.run import settle_month
from drg.settlement.settled import Settlement
from drg.settlement.store import save_settlement
from drg.settlement.year.clear import ClearingError, clear_year

REGIONS = st.sampled_from(["region", "provider", "case"])


def floating(**parts: Any) -> Policy:
    return policy(
        value_mode="floating",
        **{"deviation": {"rule": "jining", "means": MEANS}, "month": {"prepay": "0.95"}} | parts,
    )


def settled(rows: list[Row], rules: Policy, **given_: Any) -> list[Settlement]:
    """Twelve months; the rows by their month of discharge."""
    found = []
    for number in range(1, 13):
        own = [row for row in rows if row["discharged_on"].month == number]
        one = settle_month(frame(own), rules, month=Month(2025, number), **given_)
        assert one.check() == []
        found.append(one)
    return found


def year_of(seed: int, size: int = 12) -> list[Row]:
    rng = random.Random(seed)
    return [row for number in (1, 2, 12) for row in month(size, rng, number=number)]


def paid(months: list[Settlement], insurance: str) -> pl.DataFrame:
    whole = pl.concat([one.claims.lazy().collect() for one in months])
    return whole.filter(pl.col("pay_mode") == "DIP", pl.col("insurance") == insurance)


def points(frame_: pl.DataFrame) -> int:
    return sum(int(value.scaleb(4)) for value in frame_["points"])


# ---- the budget given out


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), REGIONS, st.integers(1, 10**9))
def test_a_budget_is_given_out_to_the_fen(seed: int, scope: str, budget: int) -> None:
    rules = floating(fund_ratio_scope=scope)
    months = settled(year_of(seed), rules)
    amount = f"{budget // 100}.{budget % 100:02}"
    found = clear(months, rules, budget=quotas(city=amount, city_390=amount))
    for one in found.allocations:
        assert (one.mode, one.pool) == ("score", budget)
        assert sum(one.parts.values()) == budget
        assert one.settled is not None
        own = paid(months, one.insurance)
        assert one.settled.score_e4 == points(own)
        for hospital, part in one.parts.items():
            here = own.filter(pl.col("hospital_id") == hospital)
            cost, patient = int(here["cost_fen"].sum()), int(here["patient_fen"].sum())
            row = of(found, hospital, one.insurance)
            assert row["priced_fen"] + row["moved_fen"] == part
            if scope == "region":
                exact = Fraction(budget * points(here), points(own))
                ratio = one.settled.pay_ratio
            else:
                assert one.settled.value is not None
                ratio = Fraction(cost - patient, cost)
                exact = Fraction(points(here), 10**4) * ratio * one.settled.value * 100
            # Unrounded point value × score × pay ratio; the residual is less than one fen each.
            if scope == "provider" or ratio is None:
                assert abs(exact - part) < 1
            elif scope == "region":
                assert abs(exact - part) < 1
                assert one.settled.value is not None
                again = Fraction(points(here), 10**4) * one.settled.value * ratio * 100
                assert again == exact


def test_the_settlement_point_value() -> None:
    """B40, B41: with one pay ratio for the region, point value × ratio is fund ÷ score."""
    rules = floating(deviation=None, year={"assessment": "linear"}, point_values=[{"yuan": "10"}])
    rows = [
        claim(claim_id="C1", score="9000", total_cost="100000.00", patient_paid="35000.00"),
        claim(claim_id="C2", score="166000", hospital_id="H2", total_cost="1900000.00",
              patient_paid="665000.00"),
    ]  # fmt: skip
    months = settled([row | {"discharged_on": row["discharged_on"]} for row in rows], rules)
    found = clear(
        months, rules, budget=quotas(city="1260000"),
        hospitals=register({"hospital_id": "H1", "assessment": "0.98"},
                           {"hospital_id": "H2", "assessment": "1"}),
        decisions=None,
    )  # fmt: skip
    (one,) = found.allocations
    told = settlement_point_value("1260000", "1300000", "2000000", "175000")
    assert one.settled is not None
    assert (one.settled.value, one.settled.pay_ratio) == (told.value, Fraction(13, 20))
    assert one.parts["H1"] == 6_480_000
    gross = hospital_settlement([("9000", "0.65")], told.value, assessment="0.98")
    row = of(found, "H1")
    assert Fraction(row["payable_fen"], 100) == gross.payable
    assert (row["moved_fen"], row["assessed_fen"]) == (6_480_000 - 5_500_000, -129_600)


def test_published_values_are_never_applied() -> None:
    rules = floating(deviation=None, point_values=[{"yuan": "10"}])
    rows = [
        claim(claim_id=f"C{n}", hospital_id=f"H{n}", score="1000", total_cost="9000.00",
              patient_paid="3000.00")
        for n in (1, 2, 3)
    ]  # fmt: skip
    found = clear(settled(rows, rules), rules, budget=quotas(city="100.00"))
    (one,) = found.allocations
    assert [one.parts[f"H{n}"] for n in (1, 2, 3)] == [3334, 3333, 3333]
    assert one.settled is not None
    assert one.settled.value == Fraction(100) / Fraction(2, 3) / 3000
    rules_of = {*found.ledger.entries["rule"]}
    assert {"B.8.score.310", "B.8.score.310.priced"} <= rules_of


def test_fixed_values_hold_to_the_years_end() -> None:
    rules = policy(month={"prepay": "0.9"})
    rows = year_of(3)
    found = clear(settled(rows, rules), rules)
    assert found.allocations == ()
    assert found.hospitals["moved_fen"].sum() == 0
    table = found.hospitals
    # What the months paid and what clearing pays is what the cases are worth.
    assert (table["advance_fen"] + table["clearing_fen"]).to_list() == table[
        "priced_fen"
    ].to_list()  # fmt: skip


def test_surplus_and_overspend() -> None:
    """B45, B46 on what each hospital earned against what it booked case by case."""
    terms = {"surplus_keep": "1", "overspend_share": "0.5", "overspend_band": "0.1"}
    rules = policy(
        point_values=[{"yuan": "10"}], fund_by="pay_ratio", pay_ratios=[{"ratio": "0.6"}],
        year=terms,
    )  # fmt: skip
    rows = [
        claim(claim_id="C1", score="1000", total_cost="10000.00", patient_paid="2800.00"),
        claim(claim_id="C2", score="1000", hospital_id="H2", total_cost="9500.00",
              patient_paid="4000.00"),
    ]  # fmt: skip
    found = clear(settled(rows, rules), rules)
    for hospital, booked in (("H1", 7200), ("H2", 5500)):
        told = year_balance(6000, booked, retain_ratio=1, share_ratio="0.5", reasonable_limit="0.1")
        row = of(found, hospital)
        assert Fraction(row["payable_fen"], 100) == told.final
        assert Fraction(row["difference_fen"], 100) == told.difference


def test_disputes_and_deductions_of_scored_claims() -> None:
    rules = floating(deviation=None, month={"prepay": "1", "dispute_advance": "0.8"})
    rows = [claim(claim_id="C1"), claim(claim_id="C2", hospital_id="H2")]
    deducted = decision("C1", "deduction", "accepted", 120_000)
    months = settled(rows, rules, decisions=deducted)
    found = clear(months, rules, budget=quotas(city="20000"))
    row = of(found, "H1")
    assert row["deduction_fen"] == 120_000
    assert row["payable_fen"] == 1_000_000 - 120_000


def test_modes_before_the_scores_and_reviewed_cases() -> None:
    """What is paid by item comes off the budget first; a reviewed case shares by its score."""
    rules = floating(
        deviation={"rule": "spec2020", "means": MEANS}, unscored="by_item", review={"cap": "1"},
    )  # fmt: skip
    rows = [
        claim(claim_id="C1", total_cost="90000.00"), claim(claim_id="C2", hospital_id="H2"),
        claim(claim_id="C3", hospital_id="H2", score=None),
    ]  # fmt: skip
    decided = decision("C1", "special_review", "by_item")
    months = settled(rows, rules, decisions=decided)
    found = clear(months, rules, budget=quotas(city="50000"))
    (one,) = found.allocations
    assert one.taken_out == 700_000
    assert one.pool == 5_000_000 - 700_000
    own = paid(months, "310")
    assert one.shares == {h: points(own.filter(pl.col("hospital_id") == h)) for h in ("H1", "H2")}
    assert own.filter(pl.col("claim_id") == "C1")["branch"].to_list() == ["REVIEW_BY_ITEM"]


def test_years_that_cannot_be_cleared() -> None:
    rules = floating(fund_ratio_scope="provider", deviation=None)
    rows = [claim(total_cost="0.00", patient_paid="0.00")]
    months = settled(rows, rules)
    for budget, code in ((None, "P486"), (quotas(city="10"), "P494")):
        with pytest.raises(ClearingError) as raised:
            clear_year(months, rules, year=2025, budget=budget)
        assert raised.value.code == code
    nothing = floating(fund_ratio_scope="case", deviation=None)
    months = settled(rows, nothing)
    assert clear(months, nothing, budget=quotas(city="10")).allocations == ()


# ---- folders


def test_a_cleared_folder_tells_the_point_value(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DRG_LANG", "zh")
    rules = floating(year={"clear_by": {"": "03-31"}})
    months = settled(year_of(11), rules)
    folders = []
    for one in months:
        folders.append(tmp_path / one.period)
        save_settlement(one, folders[-1])
    lines = ["level,unit,insurance,period,step,amount"]
    lines += [f"city,city,{i},2025,{step},300000.01" for i in (310, 390) for step in ROUNDS]
    (tmp_path / "budget.csv").write_text("\n".join(lines) + "\n", "utf-8")
    out = tmp_path / "2025"
    run = clear_folders(folders, rules, out, year=2025, budget=tmp_path / "budget.csv")
    told = tomllib.loads((out / "settlement.toml").read_text("utf-8"))
    for said, one in zip(told["allocation"], run.clearing.allocations, strict=True):
        assert one.settled is not None
        assert Fraction(said["point_value"]) == one.settled.value
        assert Fraction(said["pay_ratio"]) == one.settled.pay_ratio
        assert fen("300000.01") == said["budget_fen"] == sum(one.parts.values())
    page = (out / "summary.html").read_text("utf-8")
    assert "DIP 结算点值" in page
    for hospital in run.clearing.allocations[0].parts:
        rows = value_rows(run.clearing, hospital, "zh")
        own = [one for one in run.clearing.allocations if hospital in one.parts]
        for row, one in zip(rows, own, strict=True):
            assert one.settled is not None
            assert one.settled.value is not None
            assert one.settled.pay_ratio is not None
            worth = Fraction(one.shares[hospital], 10**4) * one.settled.value
            assert abs(worth * one.settled.pay_ratio * 100 - int(str(row[6]))) < 1
            assert row[2:4] == [unscaled(one.settled.score_e4), one.pool]
            assert row[4:6] == [
                unscaled(round_scaled(value))
                for value in (one.settled.value, one.settled.pay_ratio)
            ]
    fastexcel = pytest.importorskip("fastexcel")
    book = fastexcel.read_excel(out / "statements" / "H1.xlsx")
    cover = book.load_sheet(0, header_row=None, dtypes="string").to_polars()
    assert "结算点值（元）" in {cell for row in cover.iter_rows() for cell in row}
    before = {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()}
    again = clear_folders(folders, rules, out, year=2025, budget=tmp_path / "budget.csv")
    assert again.clearing.ledger.entries.equals(run.clearing.ledger.entries)
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()} == before
    write_clearing(tmp_path / "english", run.clearing, lang="en")
    assert "DIP, settlement point value" in (tmp_path / "english" / "summary.html").read_text(
        "utf-8"
    )  # fmt: skip
