"""A year cleared: budgets given out to the fen, quotas, sharing, what is still paid."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_years import (
    ROUNDS,
    clear,
    codes,
    decision,
    drg_claim,
    item_claim,
    of,
    points_claim,
    policy,
    quotas,
    register,
    settle,
    settled_year,
)

from drg.money import fen, round_scaled, unscaled
from drg.payment.policy import Budget as BudgetRules
from drg.payment.policy import CommunityPackage, Outpatient, PatientShare, Points
from drg.settlement.budget import Budget, BudgetError, BudgetEvent
from drg.settlement.ledger import Ledger
from drg.settlement.settled import Settlement
from drg.settlement.year.allocation import allocate_budget, elastic_total, settle_points
from drg.settlement.year.clear import ClearingError, clear_year

# ---- points, floating and elastic rates


def test_points_are_settled_with_the_unrounded_value():
    found = settle_points(
        fen(780_000_000), fen(220_000_000), 9_600_000 * 10**4, 480_000 * 10**4, fen(11_500_000)
    )
    assert found.published_e == 1_041_667
    assert found.fund == fen("38500000.00")
    assert found.fund_published == fen("38500016.00")
    two = settle_points(100, 0, 3 * 10**4, 10**4, 0, places=2)
    assert (two.published_e, two.fund, two.fund_published) == (33, 33, 33)


def test_elastic_budget():
    base, cap = Fraction(10_000), 900_000
    weight = Fraction(13_000)
    worth = weight * 900_000
    assert elastic_total(fen(112_000_000), worth, weight, base, cap) == fen(112_000_000)
    assert elastic_total(fen(150_000_000), worth, weight, base, cap) == fen(117_000_000)
    assert elastic_total(fen(150_000_000), worth, weight, base, None) == fen(150_000_000)
    assert elastic_total(fen(50_000_000), worth, weight, base, cap) == fen(90_000_000)
    assert elastic_total(fen(50_000_000), worth, weight, Fraction(20_000), cap) == fen(117_000_000)


SHARES = st.dictionaries(
    st.text("ABH123", min_size=1, max_size=3), st.integers(0, 10**22), min_size=1, max_size=12
).filter(lambda shares: sum(shares.values()))


@given(st.integers(0, 10**15), st.integers(0, 10**14), st.integers(0, 10**15), SHARES)
def test_a_budget_is_given_out_whole(budget, taken, patient, shares):
    taken = min(taken, budget)
    found = allocate_budget("310", "points", budget, taken, patient, shares)
    assert sum(found.parts.values()) == budget - taken + patient
    whole = sum(shares.values())
    for hospital, share in shares.items():
        exact = Fraction(found.pool * share, whole)
        assert 0 <= found.parts[hospital] - int(exact) <= 1
        assert round_scaled(exact - found.parts[hospital], 0) in (0, 1, -1)
    turned = dict(reversed(shares.items()))
    assert allocate_budget("310", "points", budget, taken, patient, turned).parts == found.parts


def test_a_budget_that_cannot_be_given_out():
    with pytest.raises(ValueError, match="cover"):
        allocate_budget("310", "points", 10, 11, 5, {"H1": 1})
    with pytest.raises(ValueError, match="share"):
        allocate_budget("310", "points", 10, 1, 5, {"H1": 0})


def floating_year(rules):
    return settled_year(
        [
            drg_claim("1.2345", 1_500_000, 300_000, month=1),
            drg_claim("2", 1_500_000, 300_000, month=5, coefficient="0.92"),
            drg_claim("0.7", 650_000, 90_000, hospital="H2", month=2),
            drg_claim("3.3333", 2_000_000, 500_000, hospital="H3", month=12),
            item_claim(800_000, 200_000, hospital="H2", month=3),
            drg_claim("1.5", 900_000, 100_000, insurance="390", month=7),
        ],
        rules,
    )


def test_a_floating_rate_spends_the_budget():
    rules = policy(drg={"rate_mode": "floating"}, month={"retention": "0.1"})
    months = floating_year(rules)
    budget = quotas(city="60000", city_390="12000")
    found = clear(months, rules, budget=budget)
    employees = found.hospitals.filter(pl.col("insurance") == "310")
    assert employees["payable_fen"].sum() == fen(60_000)
    assert found.hospitals.filter(pl.col("insurance") == "390")["payable_fen"].sum() == fen(12_000)
    # By hand: the pool is the budget less what was paid by item, and what the patients paid.
    pool = fen(60_000) - 600_000 + 300_000 + 300_000 + 90_000 + 500_000
    weights = {
        "H1": Fraction("1.2345") + 2 * Fraction("0.92"), "H2": Fraction("0.7"),
        "H3": Fraction("3.3333"),
    }  # fmt: skip
    worth = pool * weights["H3"] / sum(weights.values())
    assert abs(of(found, "H3")["payable_fen"] - (worth - 500_000)) < 1
    (employee, _) = found.allocations
    assert employee.pool == pool == sum(employee.parts.values())
    assert employee.taken_out == 600_000
    paid = of(found, "H3")
    assert paid["clearing_fen"] == paid["payable_fen"] - paid["advance_fen"]
    wrong = {f"A.2.floating.{a.insurance}": a.pool + 1 for a in found.allocations}
    assert {fault.kind for fault in found.ledger.check(allocated=wrong)} == {"allocation"}


def test_a_reserve_is_not_given_out():
    rules = policy(drg={"rate_mode": "floating"})
    events = [*quotas(city="60000", city_390="12000").events]
    for unit, amount in (("R", 1500), ("H1", 58_500)):
        level = "reserve" if unit == "R" else "hospital"
        events += [
            BudgetEvent(level, unit, "310", 2025, step, fen(amount), parent="city")
            for step in ROUNDS
        ]
    found = clear(floating_year(rules), rules, budget=Budget(events))
    assert found.hospitals.filter(pl.col("insurance") == "310")["payable_fen"].sum() == fen(58_500)


def test_new_technology_does_not_move():
    rules = policy(drg={"rate_mode": "floating"})
    claims = [
        {**drg_claim("1", 2_000_000, 0, branch="NEW_TECHNOLOGY"), "price_fen": 1_400_000,
         "fund_fen": 1_400_000},
        drg_claim("1", 900_000, 0, hospital="H2"),
    ]  # fmt: skip
    found = clear(settled_year(claims, rules), rules, budget=quotas(city="20000"))
    assert of(found, "H1")["payable_fen"] == 800_000 + 400_000
    assert of(found, "H2")["payable_fen"] == 800_000


def test_what_joint_procurement_takes_back_does_not_move():
    rules = policy(drg={"rate_mode": "floating"})
    claims = [
        {**drg_claim("1", 500_000, 0), "price_fen": 900_000, "fund_fen": 900_000},
        drg_claim("1", 900_000, 0, hospital="H2"),
    ]
    found = clear(settled_year(claims, rules), rules, budget=quotas(city="20000"))
    assert of(found, "H1")["payable_fen"] == 1_050_000 - 100_000
    assert of(found, "H2")["payable_fen"] == 1_050_000


def test_transfers_move_by_their_price():
    rules = policy(drg={"rate_mode": "floating"})
    claims = [
        {**drg_claim("1", 2_000_000, 0, branch="TRANSFER"), "price_fen": 500_000,
         "fund_fen": 500_000},
        drg_claim("1", 900_000, 0, hospital="H2"),
    ]  # fmt: skip
    found = clear(settled_year(claims, rules), rules, budget=quotas(city="12000"))
    assert of(found, "H1")["payable_fen"] == 400_000
    assert of(found, "H2")["payable_fen"] == 800_000


def test_points_share_budget_and_patients_payments():
    rules = policy(drg={"points": Points(variant="jinhua")})
    claims = [
        points_claim("88", 900_000, 200_000),
        points_claim("40", 500_000, 100_000, hospital="H2", branch="INCOMPLETE"),
        item_claim(100_000, 20_000, hospital="H2"),
    ]
    found = clear(settled_year(claims, rules), rules, budget=quotas(city="10000"))
    (given_out,) = found.allocations
    assert given_out.mode == "points"
    one = settle_points(920_000, 300_000, 128 * 10**4, 88 * 10**4, 200_000)
    assert of(found, "H1")["payable_fen"] == one.fund
    assert found.hospitals["payable_fen"].sum() == fen(10_000)


def test_patients_who_paid_more_than_a_case_is_worth():
    """The region's sum still holds; what is negative is carried."""
    rules = policy(drg={"rate_mode": "floating"})
    claims = [drg_claim("1", 3_000_000, 2_000_000), drg_claim("9", 9_000_000, 0, hospital="H2")]
    found = clear(settled_year(claims, rules), rules, budget=quotas(city="50000"))
    one = of(found, "H1")
    assert one["payable_fen"] < 0
    assert (one["clearing_fen"], one["carried_fen"]) == (0, one["payable_fen"])
    assert ("P691", "H1") in codes(found)
    assert found.hospitals["payable_fen"].sum() == fen(50_000)


def test_a_share_of_the_policy_moves_the_fund_itself():
    share = PatientShare(basis="policy_ratio", fund_ratio="0.8")
    rules = policy(drg={"rate_mode": "floating", "share": share})
    claims = [drg_claim("1", 10**6, 0), drg_claim("3", 10**6, 0, hospital="H2")]
    found = clear(settled_year(claims, rules), rules, budget=quotas(city="1.03"))
    assert found.allocations[0].patient == 0
    assert [of(found, h)["payable_fen"] for h in ("H1", "H2")] == [26, 77]


def test_an_elastic_rate():
    drg = {"rate_mode": "elastic", "base_weights": {"310": "10"}, "float_cap": "9000"}
    rules = policy(drg=drg)
    claims = [
        drg_claim("6", 10**6, 0, rate=900_000),
        drg_claim("7", 10**6, 0, rate=900_000, hospital="H2"),
    ]
    months = settled_year(claims, rules)
    found = clear(months, rules, budget=quotas(city="112000"))
    assert found.hospitals["payable_fen"].sum() == fen(112_000)
    found = clear(months, rules, budget=quotas(city="150000"))
    assert found.hospitals["payable_fen"].sum() == fen(117_000)
    bare = policy(drg={"rate_mode": "elastic"})
    with pytest.raises(ClearingError, match="P488"):
        clear_year(settled_year(claims, bare), bare, year=2025, budget=quotas(city="1"))


# ---- quotas


TAICANG = {
    "overspend_band": "0.2", "overspend_share": "0.5", "reward_ratio": "0.3", "reward_cap": "0.03",
}  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "sharing", "reward"),
    [
        (11_500_000, -750_000, 0),
        (13_000_000, -2_000_000, 0),
        (9_500_000, 0, 150_000),
        (8_000_000, 0, 300_000),
    ],
)
def test_a_year_of_taicang(cost, sharing, reward):
    rules = policy(year=TAICANG, budget=BudgetRules(), month={"retention": "0.1"})
    months = settled_year([item_claim(fen(cost), 0, month=m) for m in (4,)], rules)
    found = clear(months, rules, budget=quotas(H1="10000000"))
    one = of(found, "H1")
    assert (one["sharing_fen"], one["reward_fen"]) == (fen(sharing), fen(reward))
    assert one["payable_fen"] == fen(cost + sharing + reward)
    assert one["advance_fen"] == fen(cost) * 9 // 10
    assert one["clearing_fen"] + one["carried_fen"] == one["payable_fen"] - one["advance_fen"]
    assert (("P695", "H1") in codes(found)) == (sharing < 0)


def test_a_saving_that_is_kept():
    rules = policy(year={"surplus_keep": "1"}, budget=BudgetRules())
    found = clear(settled_year([item_claim(700, 0)], rules), rules, budget=quotas(H1="10"))
    assert of(found, "H1")["payable_fen"] == 1000


def test_what_counts_against_a_quota():
    rules = policy(
        budget=BudgetRules(outside=("BED_DAY", "negotiated_cancer_drug")),
        outpatient=Outpatient(per_head="1"),
    )
    claims = [
        item_claim(1000, 0, outside_budget_cost="4.00"),
        item_claim(1000, 900, outside_budget_cost="4.00"),
        item_claim(500, 0, mode="BED_DAY"),
        item_claim(50, 0, mode="VISIT"),
    ]
    found = clear(settled_year(claims, rules), rules, budget=quotas(H1="6"))
    one = of(found, "H1")
    assert one["counted_fen"] == 600
    assert one["priced_fen"] == 1650
    assert (one["difference_fen"], one["sharing_fen"]) == (0, 0)


def test_small_hospitals_are_not_under_the_budget():
    rules = policy(budget=BudgetRules(employee_min="150000", resident_min="100000"))
    claims = [
        item_claim(fen("149999.99"), 0),
        item_claim(fen(150_000), 0, hospital="H2"),
        item_claim(fen("99999.99"), 0, insurance="390"),
        item_claim(fen(100_000), 0, insurance="390", hospital="H2"),
    ]
    budget = quotas(H1="1", H2="1", H1_390="1", H2_390="1")
    found = clear(settled_year(claims, rules), rules, budget=budget)
    assert of(found, "H1")["sharing_fen"] == of(found, "H1", "390")["sharing_fen"] == 0
    assert of(found, "H2")["payable_fen"] == of(found, "H2", "390")["payable_fen"] == 100
    assert codes(found) == {("P693", "H1"), ("P695", "H2"), ("P691", "H2")}


def test_quotas_without_claims_and_claims_without_quotas():
    rules = policy(budget=BudgetRules())
    found = clear(settled_year([item_claim(5, 0)], rules), rules, budget=quotas(H7="1"))
    assert codes(found) == {("P690", "H1"), ("P699", "H7")}
    assert of(found, "H1")["payable_fen"] == 5


def test_next_years_quota():
    year = {"next_quota_from_result": True, "next_raise": "0.5", "next_cut": "1"}
    rules = policy(year=year, budget=BudgetRules())
    claims = [item_claim(900, 0), item_claim(1300, 0, hospital="H2")]
    months = settled_year(claims, rules)
    found = clear(months, rules, budget=quotas(H1="10", H2="10"))
    assert [of(found, h)["next_quota_fen"] for h in ("H1", "H2")] == [1050, 700]
    quiet = policy(year={"next_quota_from_result": True}, budget=BudgetRules())
    found = clear(months, quiet, budget=quotas(H1="10", H2="10"))
    assert [of(found, h)["next_quota_fen"] for h in ("H1", "H2")] == [1000, 1000]
    assert {code for code, _ in codes(found)} >= {"P694"}
    still = policy(budget=BudgetRules())
    found = clear(months, still, budget=quotas(H1="10", H2="10"))
    assert "P694" not in {code for code, _ in codes(found)}


@pytest.mark.parametrize(
    ("left", "cost", "refused"),
    [
        ("year.overspend_share", 1100, True), ("year.overspend_share", 900, False),
        ("year.reward_ratio", 900, True), ("year.reward_ratio", 1100, False),
        ("year.reward_ratio", 1000, False),
    ],
)  # fmt: skip
def test_a_share_that_nobody_gives(left, cost, refused):
    rules = policy(budget=BudgetRules(), wanted={left: "…"})
    months = settled_year([item_claim(cost, 0)], rules)
    if not refused:
        clear(months, rules, budget=quotas(H1="10"))
        return
    with pytest.raises(ClearingError, match="P491") as caught:
        clear_year(months, rules, year=2025, budget=quotas(H1="10"))
    assert left in caught.value.message("en")


# ---- results, assessments, violations, deductions


def test_results_are_shared_where_there_are_no_quotas():
    year = {"surplus_keep": "0.5", "overspend_share": "0.5", "overspend_band": "0.1"}
    rules = policy(year=year)
    claims = [
        drg_claim("1", 800_000, 200_000), drg_claim("1", 2_000_000, 200_000, hospital="H2"),
    ]  # fmt: skip
    found = clear(settled_year(claims, rules), rules)
    # Earned 800,000 fen each; booked 600,000 and 1,800,000.
    assert of(found, "H1")["payable_fen"] == 700_000
    assert of(found, "H2")["payable_fen"] == 840_000
    assert of(found, "H2")["difference_fen"] == -1_000_000
    plain = policy()
    found = clear(settled_year(claims, plain), plain)
    assert found.hospitals["sharing_fen"].sum() == 0
    open_ = policy(wanted={"year.surplus_keep": "…"})
    with pytest.raises(ClearingError, match="P491"):
        clear_year(settled_year(claims, open_), open_, year=2025)


def test_assessment_and_deductions():
    rules = policy(year={"assessment": "linear"})
    months = settled_year(
        [item_claim(fen(64_800_000), 0)],
        rules,
        decision("C0000", "deduction", "accepted", fen(120_000)),
    )
    table = register({"hospital_id": "H1", "name": "一院", "assessment": "0.98"})
    found = clear(months, rules, hospitals=table)
    one = of(found, "H1")
    assert one["payable_fen"] == fen(63_384_000)
    assert (one["name"], one["assessment"]) == ("一院", Decimal("0.980000"))
    assert one["advance_fen"] == fen(64_680_000)
    assert one["carried_fen"] == fen(63_384_000 - 64_680_000)
    with pytest.raises(ClearingError, match="P484") as caught:
        clear_year(months, rules, year=2025, hospitals=register({"hospital_id": "H2"}))
    assert "H1" in caught.value.message("zh")


def test_violations_lower_budgets():
    year = {"violation_this_year": True, "violation_next_year": "proportional",
            "overspend_share": "0.5"}  # fmt: skip
    rules = policy(year=year, budget=BudgetRules())
    months = settled_year([item_claim(fen(50_000_000), 0)], rules)
    found = clear(
        months, rules, budget=quotas(H1="50000000"),
        decisions=decision("C0000", "violation", "accepted", fen(500_000)),
    )  # fmt: skip
    one = of(found, "H1")
    assert one["quota_left_fen"] == fen(49_500_000)
    assert one["sharing_fen"] == -fen(250_000)
    assert one["next_quota_fen"] == fen(49_500_000)
    free = policy(year=year)
    found = clear(
        settled_year([item_claim(1000, 0)], free), free,
        decisions=decision("H1/310", "violation", "accepted", 300),
    )  # fmt: skip
    assert of(found, "H1")["payable_fen"] == 700
    mild = policy()
    months = settled_year([item_claim(1000, 0)], mild)
    found = clear(months, mild, decisions=decision("C0000", "violation", "accepted", 300))
    assert of(found, "H1")["payable_fen"] == 1000
    assert codes(found) == {("P696", "H1")}
    found = clear(months, mild, decisions=decision("C9", "violation", "accepted", 300))
    assert codes(found) == {("P697", "")}
    found = clear(months, mild, decisions=decision("C0000", "violation", "refused", 300))
    assert codes(found) == set()


def test_working_capital_is_taken_back():
    rules = policy(month={"working_capital": True, "retention": "0.1"})
    claims = [item_claim(1000, 0), item_claim(3000, 0, insurance="390")]
    months = settled_year(claims, rules)
    table = register({"hospital_id": "H1", "working_capital_fen": 101})
    found = clear(months, rules, hospitals=table)
    assert [of(found, "H1", i)["working_capital_fen"] for i in ("310", "390")] == [25, 76]
    assert [of(found, "H1", i)["clearing_fen"] for i in ("310", "390")] == [75, 224]
    other = policy(month={"retention": "0.1"})
    assert (
        clear(settled_year(claims, other), other, hospitals=table)
        .hospitals["working_capital_fen"]
        .sum()
        == 0
    )


@pytest.mark.parametrize(
    ("matter", "ended", "payable", "clearing"),
    [
        (("dispute", "open"), None, 60_000, 0),
        (("dispute", "open"), ("dispute", "accepted", None), 60_000, 12_000),
        (("dispute", "open"), ("dispute", "accepted", 50_000), 50_000, 2_000),
        (("dispute", "open"), ("dispute", "accepted", 45_000), 45_000, 0),
        (("dispute", "open"), ("dispute", "refused", None), 0, 0),
        (("hold", "open"), None, 60_000, 0),
        (("hold", "open"), ("hold", "released", None), 60_000, 60_000),
        (("hold", "open"), ("hold", "refused", None), 0, 0),
    ],
)
def test_what_is_undecided_waits(matter, ended, payable, clearing):
    rules = policy(month={"dispute_advance": "0.8", "retention": "0.1"})
    months = settled_year([item_claim(60_000, 0, month=11)], rules, decision("C0000", *matter))
    given_ = {} if ended is None else {"decisions": decision("C0000", *ended)}
    found = clear(months, rules, **given_)
    one = of(found, "H1")
    assert one["payable_fen"] == payable
    assert one["clearing_fen"] == clearing
    assert (
        one["clearing_fen"] + one["carried_fen"]
        == payable - one["advance_fen"] - one["withheld_fen"]
    )
    assert (("P692", "H1") in codes(found)) == (ended is None)


# ---- heads and communities


def test_outpatients_by_the_head():
    rules = policy(outpatient=Outpatient(per_head="70", overspend_share="0.5"))
    claims = [
        item_claim(79_500_000, 0, mode="VISIT"),
        item_claim(91_000_000, 0, mode="VISIT", hospital="H2"),
        item_claim(5, 0, mode="VISIT", hospital="H3"),
    ]  # fmt: skip
    table = register(
        {"hospital_id": "H1", "enrolled": 12_000}, {"hospital_id": "H2", "enrolled": 12_000}
    )
    found = clear(settled_year(claims, rules), rules, hospitals=table)
    assert [(h.hospital, h.final, h.adjustment) for h in found.heads] == [
        ("H1", 84_000_000, 4_500_000), ("H2", 87_500_000, -3_500_000), ("H3", 0, 0),
    ]  # fmt: skip
    assert codes(found) == {("P698", "H3")}
    paid = found.ledger.totals("hospital", "account", "rule")
    rows = {(h, r): a for h, acc, r, a in paid.iter_rows() if acc == "liquidation"}
    assert rows == {("H1", "E.1.per_head.clearing"): 4_500_000, ("H2", "0.3.carried"): -3_500_000}


def test_a_community_keeps_what_its_people_did_not_need():
    terms = CommunityPackage(
        ratio="0.95", split={"lead": "0.6", "town": "0.3", "village": "0.1"},
        overspend_share="0.5", reasonable_limit="0.05",
    )  # fmt: skip
    rules = policy(community=terms)
    claims = [
        item_claim(fen(180_000), 0, insured_community="M1"),
        item_claim(fen(90_000), 0, hospital="H9", insured_community="M1"),
        item_claim(fen(1_000), 0, insured_community="M2"),
    ]
    table = register(
        {"hospital_id": "H1", "community": "M1"}, {"hospital_id": "M1", "assessment": "0.92"},
    )  # fmt: skip
    events = [BudgetEvent("community", "M1", "310", 2025, s, fen(300_000)) for s in ROUNDS]
    months = settled_year(claims, rules)
    found = clear(months, rules, hospitals=table, budget=Budget(events))
    (one,) = found.communities
    assert (one.package, one.own, one.outflow) == tuple(map(fen, (285_000, 180_000, 90_000)))
    assert (one.retained, one.returned) == (fen(13_800), fen(1_200))
    assert list(one.shares.values()) == [fen(8_280), fen(4_140), fen(1_380)]
    # Nobody knows the people's community, or the fund: nothing is cleared, and somebody is told.
    for given_ in ({"hospitals": table}, {}):
        found = clear(months, rules, **given_)
        assert all(c.open and not c.adjustment for c in found.communities)
    bare = settled_year([item_claim(1, 0)], rules)
    found = clear(bare, rules, hospitals=table, budget=Budget(events))
    assert codes(found) == {("P698", "M1")}


def test_a_community_that_overspent():
    terms = CommunityPackage(per_head="100", assessed=False)
    table = register(
        {"hospital_id": "H1", "community": "M1"}, {"hospital_id": "M1", "enrolled": 10}
    )
    claims = [item_claim(fen(1_200), 0, insured_community="M1")]
    rules = policy(community=terms)
    found = clear(settled_year(claims, rules), rules, hospitals=table)
    assert found.communities[0].adjustment == -fen(200)
    assert found.ledger.entries.filter(pl.col("rule") == "0.3.carried")["fen"].sum() == -fen(200)
    left = policy(community=terms, wanted={"community.overspend_share": "…"})
    found = clear(settled_year(claims, left), left, hospitals=table)
    assert found.communities[0].open


# ---- months


def test_months_that_do_not_make_a_year():
    rules = policy()
    months = settled_year([item_claim(5, 0)], rules)
    with pytest.raises(ClearingError, match="P481") as caught:
        clear_year(months[:4] + months[5:11], rules, year=2025)
    assert "2025-05, 2025-12" in caught.value.message("zh")
    with pytest.raises(ClearingError, match="P481"):
        clear_year([], rules, year=2025)
    with pytest.raises(ClearingError, match=r"P482.*2025-03"):
        clear_year([*months, months[2]], rules, year=2025)
    with pytest.raises(ClearingError, match="P485"):
        clear_year([*months[:11], settle([], 12, rules, year=2024)], rules, year=2025)
    other = rules.model_copy(update={"digest": "e" * 64})
    with pytest.raises(ClearingError, match="P483"):
        clear_year(months, other, year=2025)
    clear(months, other, settled_under=rules.digest)


def test_budgets_that_do_not_serve():
    rules = policy(drg={"rate_mode": "floating"})
    months = floating_year(rules)
    with pytest.raises(ClearingError, match="P486"):
        clear_year(months, rules, year=2025)
    with pytest.raises(ClearingError, match="P486"):
        clear_year(months, rules, year=2025, budget=quotas(city="60000"))
    with pytest.raises(ClearingError, match="P487") as caught:
        clear_year(months, rules, year=2025, budget=quotas(city="5999", city_390="1"))
    assert "1.00" in caught.value.message("en")
    with pytest.raises(BudgetError, match="P446"):
        clear_year(months, rules, year=2025, budget=quotas(city="2", H1="1"))


def test_claims_that_are_not_the_ledgers():
    rules = policy()
    months = settled_year([item_claim(5, 0)], rules)
    first = months[0]
    changed = first.claims.with_columns(fund_fen=pl.col("fund_fen") + 1)
    broken = Settlement(
        month=first.month, policy_id=first.policy_id, policy_digest=first.policy_digest,
        claims=changed, ledger=first.ledger, findings=first.findings, hospitals=first.hospitals,
    )  # fmt: skip
    with pytest.raises(ClearingError, match="P489"):
        clear_year([broken, *months[1:]], rules, year=2025)


def test_a_year_that_does_not_tie_is_found():
    rules = policy(month={"retention": "0.1"})
    found = clear(settled_year([item_claim(1000, 0)], rules), rules)
    entries = found.ledger.entries
    assert entries.select("account", "fen", "rule").rows() == [
        ("retention", -100, "A.8.release"),
        ("balance", 100, "A.8.release"),
        ("liquidation", 100, "A.8.clearing"),
    ]
    bad = entries.with_columns(
        fen=pl.when(pl.col("account") == "liquidation").then(99).otherwise("fen")
    )
    wrong = type(found)(**{**vars(found), "ledger": Ledger(bad)})
    (fault,) = wrong.check()
    assert (fault.kind, fault.expected, fault.found) == ("clearing", 100, 99)
    assert all(fault.line(lang) for lang in ("zh", "en"))


# ---- whatever the year


HOSPITALS = st.sampled_from(["H1", "H2", "H3"])
INSURANCES = st.sampled_from(["310", "390"])
MONEY = st.integers(0, 10**9)


@st.composite
def years(draw):
    """Claims of a year with at least one case by weight for each insurance that occurs."""
    claims = []
    for _ in range(draw(st.integers(1, 12))):
        cost = draw(MONEY)
        patient = draw(st.integers(0, cost))
        where = {
            "hospital": draw(HOSPITALS), "insurance": draw(INSURANCES),
            "month": draw(st.integers(1, 12)),
        }  # fmt: skip
        if draw(st.booleans()):
            weight = str(Decimal(draw(st.integers(1, 10**6))).scaleb(-4))
            coefficient = str(Decimal(draw(st.integers(5_000, 15_000))).scaleb(-4))
            rate = draw(st.sampled_from([900_000, 1_225_270]))
            claims.append(
                drg_claim(weight, cost, patient, rate=rate, coefficient=coefficient, **where)
            )
        else:
            claims.append(item_claim(cost, patient, **where))
    return claims


@settings(max_examples=25)
@given(years(), st.integers(0, 10**10), st.randoms(use_true_random=False))
def test_a_region_is_paid_its_budget_whatever_the_order(claims, extra, rng: random.Random):
    """Σ = budget to the fen; order of months and of claims changes no byte."""
    rules = policy(drg={"rate_mode": "floating"}, month={"retention": "0.1", "prepay": "0.9"})
    amounts = {}
    moving = {c["insurance"] for c in claims if c["pay_mode"] == "DRG"}
    for insurance in moving:
        taken = sum(
            c["fund_fen"] for c in claims
            if c["insurance"] == insurance and c["pay_mode"] == "BY_ITEM"
        )  # fmt: skip
        amounts[f"city_{insurance}"] = Decimal(taken + extra).scaleb(-2)
    months = settled_year(claims, rules)
    found = clear(months, rules, budget=quotas(**amounts))
    for insurance in moving:
        table = found.hospitals.filter(pl.col("insurance") == insurance)
        assert table["payable_fen"].sum() == fen(amounts[f"city_{insurance}"])
    turned = list(months)
    rng.shuffle(turned)
    shuffled = [
        Settlement(
            month=m.month, policy_id=m.policy_id, policy_digest=m.policy_digest,
            claims=m.claims.sample(fraction=1, shuffle=True, seed=rng.randrange(99)),
            ledger=m.ledger, findings=m.findings, hospitals=m.hospitals, matters=m.matters,
        )
        for m in turned
    ]  # fmt: skip
    again = clear(shuffled, rules, budget=quotas(**amounts))
    assert again.hospitals.equals(found.hospitals)
    assert again.ledger.entries.equals(found.ledger.entries)
    assert again.findings.equals(found.findings)


@settings(max_examples=25)
@given(
    years(), st.lists(st.integers(0, 10**10), min_size=6, max_size=6), st.integers(0, 20_000),
    st.booleans(),
)  # fmt: skip
def test_what_is_paid_and_kept_is_what_is_due(claims, amounts, assessment, kept):
    """ClaimArrays = paid ahead + cleared + carried + working capital + still withheld."""
    year = {**TAICANG, "assessment": "linear", **({"surplus_keep": "0.7"} if kept else {})}
    rules = policy(
        year=year, budget=BudgetRules(), month={"retention": "0.05", "working_capital": True}
    )
    months = settled_year(claims, rules)
    units = [f"{h}_{i}" for h in ("H1", "H2", "H3") for i in ("310", "390")]
    budget = quotas(**dict(zip(units, (Decimal(a).scaleb(-2) for a in amounts), strict=True)))
    table = register(*(
        {"hospital_id": h, "assessment": unscaled(assessment), "working_capital_fen": 12_345}
        for h in ("H1", "H2", "H3")
    ))  # fmt: skip
    found = clear(months, rules, budget=budget, hospitals=table)
    for row in found.hospitals.iter_rows(named=True):
        assert row["payable_fen"] == (
            row["advance_fen"] + row["clearing_fen"] + row["carried_fen"]
            + row["working_capital_fen"] + row["withheld_fen"]
        )  # fmt: skip
        assert row["clearing_fen"] >= 0 >= row["carried_fen"]
        assert row["payable_fen"] == (
            row["priced_fen"] + row["moved_fen"] + row["assessed_fen"] - row["deduction_fen"]
            + row["sharing_fen"] + row["reward_fen"] - row["violation_fen"]
        )  # fmt: skip
        assert 0 <= row["reward_fen"] <= max(row["difference_fen"], 0)
        assert 0 <= -row["sharing_fen"] <= max(-row["difference_fen"], 0)
    paid = found.ledger.entries.filter(pl.col("rule") == "A.8.clearing")["fen"].sum()
    assert paid == found.hospitals["clearing_fen"].sum()
