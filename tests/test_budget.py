"""The global budget: its steps, its sums, its quotas; sharing, violations, quarters."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from drg.money import allocate, fen, round_scaled
from drg.settlement.budget import STEPS, Budget, BudgetError, BudgetEvent
from drg.settlement.budget_file import load_budget
from drg.settlement.counted import count_against_quota, under_total_budget
from drg.settlement.quarter import balance_quarter
from drg.settlement.sharing import share_quota, share_result
from drg.settlement.violations import deduct_violation

ROUNDS = ("draft", "agency_measure", "consultation", "hospital_reply", "negotiated", "signed")
AMOUNTS = st.integers(0, 10**13)
SHARES = st.fractions(0, 1, max_denominator=10**6)


def signed(level, unit, amount, parent="", insurance="310", year=2025):
    return [
        BudgetEvent(level, unit, insurance, year, step, fen(str(amount)), parent=parent)
        for step in ROUNDS
    ]


def city(*hospitals, city="300", districts=(("D1", "200"), ("D2", "100"))):
    events = [] if city is None else signed("city", "C", city)
    for name, amount in districts:
        events += signed("district", name, amount)
    for name, amount, parent in hospitals:
        events += signed("hospital", name, amount, parent)
    return Budget(events)


# ---- the steps


def test_a_line_walks_through_two_rounds():
    budget = Budget([])
    for step in ROUNDS:
        budget = budget.record(BudgetEvent("hospital", "H1", "310", 2025, step, 100))
        assert budget.lines["hospital", "H1", "310", 2025].state == step
    assert budget.quota("H1", "310", 2025) == 100
    changed = BudgetEvent("hospital", "H1", "310", 2025, "adjusted", 120, reason="visits")
    assert budget.record(changed).quota("H1", "310", 2025) == 120
    assert budget.quota("H1", "310", 2025) == 100, "a budget never changes"
    last = budget.record(changed).record(changed)
    last = last.record(BudgetEvent("hospital", "H1", "310", 2025, "settled"))
    assert last.quota("H1", "310", 2025) == 120
    assert len(last.events) == 9


@given(st.lists(st.sampled_from([s for s in STEPS if s]), max_size=12))
def test_only_steps_in_order_are_taken(steps):
    """The budget takes exactly the walks through the table of steps."""
    state, legal = "", True
    for step in steps:
        legal = legal and step in STEPS[state]
        state = step
    events = [
        BudgetEvent("hospital", "H1", "310", 2025, step, 1, reason="revenue", row=n)
        for n, step in enumerate(steps, start=2)
    ]
    if legal:
        assert Budget(events).lines.keys() <= {("hospital", "H1", "310", 2025)}
        return
    with pytest.raises(BudgetError) as caught:
        Budget(events)
    assert caught.value.code == "P445"
    bad = caught.value.params["row"] - 2
    assert steps[bad] == caught.value.params["step"]
    Budget(events[:bad])


def test_what_is_not_signed_pays_nobody():
    budget = Budget(signed("hospital", "H1", 1)[:-1])
    with pytest.raises(BudgetError, match="P447"):
        budget.quota("H1", "310", 2025)
    assert budget.quota("H1", "390", 2025) is None
    assert budget.quota("H2", "310", 2025) is None
    assert budget.quota("H1", "310", 2026) is None


@pytest.mark.parametrize(
    "event",
    [
        BudgetEvent("hospital", "H1", "310", 2025, "adjusted", 1),
        BudgetEvent("hospital", "H1", "310", 2025, "adjusted", 1, reason="whim"),
        BudgetEvent("hospital", "H1", "310", 2025, "settled", on=date(2024, 12, 31)),
        BudgetEvent("hospital", "H1", "310", 2025, "signed", part="Q1"),
    ],
)
def test_an_event_that_cannot_be(event):
    events = signed("hospital", "H1", 1)
    events[-1] = BudgetEvent("hospital", "H1", "310", 2025, "signed", on=date(2025, 1, 31))
    with pytest.raises(BudgetError, match="P444"):
        Budget([*events, event])


def test_signing_needs_an_amount():
    events = [BudgetEvent("hospital", "H1", "310", 2025, step) for step in ROUNDS]
    with pytest.raises(BudgetError, match="P444"):
        Budget(events)
    events[2] = BudgetEvent("hospital", "H1", "310", 2025, "consultation", 7)
    assert Budget(events).quota("H1", "310", 2025) == 7


# ---- parts of the year


def test_quotas_of_quarters_and_months():
    events = signed("hospital", "H1", "12.01")
    budget = Budget(events)
    months = [budget.quota("H1", "310", 2025, f"{n:02}") for n in range(1, 13)]
    assert months == [101] + [100] * 11
    assert [budget.quota("H1", "310", 2025, f"Q{n}") for n in range(1, 5)] == [301, 300, 300, 300]
    quarters = [400, 200, 300, 301]
    for n, amount in enumerate(quarters, start=1):
        event = BudgetEvent("hospital", "H1", "310", 2025, "signed", amount, part=f"Q{n}")
        budget = budget.record(event)
    budget.check()
    assert [budget.quota("H1", "310", 2025, f"Q{n}") for n in range(1, 5)] == quarters
    assert [budget.quota("H1", "310", 2025, f"{n:02}") for n in (1, 2, 3)] == [134, 133, 133]
    assert budget.quota("H1", "310", 2025) == 1201


@given(st.integers(0, 10**12))
def test_parts_add_up_to_the_year(amount):
    events = signed("hospital", "H1", 1)
    events[-1] = BudgetEvent("hospital", "H1", "310", 2025, "signed", amount)
    budget = Budget(events)
    for parts in ([f"{n:02}" for n in range(1, 13)], ["Q1", "Q2", "Q3", "Q4"]):
        assert sum(budget.quota("H1", "310", 2025, part) for part in parts) == amount


def test_parts_that_do_not_add_up():
    budget = Budget(signed("hospital", "H1", 12))
    part = BudgetEvent("hospital", "H1", "310", 2025, "signed", 300, part="Q1")
    with pytest.raises(BudgetError) as caught:
        budget.record(part).check()
    assert caught.value.code == "P446"
    assert "H1 310 2025 Q1: 3.00 ≠ 12.00 (-9.00)" in caught.value.message("en")


def test_parts_come_after_the_contract():
    with pytest.raises(BudgetError, match="P445"):
        Budget([BudgetEvent("hospital", "H1", "310", 2025, "signed", 1, part="Q1")])


# ---- sums


def test_sums_that_hold():
    budget = city(("H1", "150", "D1"), ("H2", "50", "D1"), ("H3", "100", "D2"))
    budget.check()
    assert budget.total("310", 2025) == fen(300)
    assert budget.total("390", 2025) is None
    assert budget.insurances(2025) == ("310",)
    # A reserve is a part of its district, and no hospital's.
    events = [*city(("H1", "150", "D1"), ("H3", "100", "D2")).events]
    events += signed("reserve", "R", "50", "D1")
    Budget(events).check()


def test_the_region_without_a_line_of_its_own():
    assert city(city=None).total("310", 2025) == fen(300)
    only = city(("H1", "7", ""), ("H2", "8", ""), city=None, districts=())
    only.check()
    assert only.total("310", 2025) == fen(15)


def test_one_error_names_all_differences():
    budget = city(("H1", "150.01", "D1"), ("H3", "90", "D2"), city="310")
    with pytest.raises(BudgetError) as caught:
        budget.check()
    assert caught.value.code == "P446"
    for lang in ("zh", "en"):
        message = caught.value.message(lang)
        assert "D1 310 2025: 150.01 ≠ 200.00 (-49.99)" in message
        assert "D2 310 2025: 90.00 ≠ 100.00 (-10.00)" in message
        assert "C 310 2025: 300.00 ≠ 310.00 (-10.00)" in message


@pytest.mark.parametrize("parent", ["", "D9"])
def test_a_hospital_whose_district_is_not_clear(parent):
    with pytest.raises(BudgetError, match="P444") as caught:
        city(("H1", "150", parent)).check()
    assert "D1, D2" in caught.value.message("en")


@given(st.lists(st.lists(st.integers(1, 10**9), min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_tree_adds_up(tree):
    hospitals = [
        (f"H{d}{n}", Fraction(a), f"D{d}")
        for d, part in enumerate(tree)
        for n, a in enumerate(part)
    ]
    events = signed("city", "C", sum(map(sum, tree)))
    for d, part in enumerate(tree):
        events += signed("district", f"D{d}", sum(part))
    for name, amount, parent in hospitals:
        events += signed("hospital", name, amount.numerator, parent)
    Budget(events).check()
    event = BudgetEvent("hospital", "H00", "310", 2025, "adjusted", 1, reason="benefit")
    if tree[0][0] * 100 != 1:
        with pytest.raises(BudgetError, match="P446"):
            Budget([*events, event]).check()


# ---- files

TABLE = """层级,单位,险种,期间,环节,金额,上级,日期,原因,文件
市级,C,职工,2025年,{step},200,,2025-01-0{n},,文1
医院,H1,职工,2025年,{step},120.50,C,2025-01-0{n},,文2
医院,H2,职工,2025年,{step},79.50,C,2025-01-0{n},,文3
"""
STEPS_ZH = ("医院申报", "测算", "征求意见", "医院反馈", "谈判确定", "签订")


def chinese_table():
    head, *rest = TABLE.splitlines()
    rows = [line.format(step=s, n=n) for n, s in enumerate(STEPS_ZH, start=1) for line in rest]
    rows += ["", "医院,H1,310,2025Q1,签订,50.5,,,,"]
    quarters = (("二", 20), ("三", 20), ("四", 30))
    rows += [f"医院,H1,310,2025年第{q}季度,signed,{amount},,,," for q, amount in quarters]
    return "\n".join([head, *rows]) + "\n"


def test_a_chinese_table_is_read(tmp_path):
    path = tmp_path / "预算.csv"
    path.write_text(chinese_table(), "gb18030")
    budget = load_budget(path)
    assert budget.total("310", 2025) == fen(200)
    assert budget.quota("H1", "310", 2025) == fen("120.50")
    assert budget.quota("H1", "310", 2025, "Q2") == fen(20)
    line = budget.lines["hospital", "H1", "310", 2025]
    assert (line.document, line.on) == ("文2", date(2025, 1, 6))


def test_a_workbook_is_read(tmp_path):
    path = tmp_path / "budget.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for r, line in enumerate(chinese_table().splitlines()):
            for c, cell in enumerate(line.split(",")):
                if c == 5 and r and cell:
                    sheet.write_number(r, c, float(cell))
                else:
                    sheet.write_string(r, c, cell)
    assert load_budget(path).quota("H2", "310", 2025) == fen("79.50")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("层级,", "层,", "P443"),
        ("环节,", "步,", "P443"),
        ("医院,H2", "诊所,H2", "P444"),
        ("医院,H2", "医院,", "P444"),
        ("79.50", "七十九", "P444"),
        ("79.50", "-79.50", "P444"),
        ("79.50", "79.505", "P444"),
        ("79.50", "79.51", "P446"),
        ("2025Q1", "2025Q5", "P444"),
        ("2025Q1", "2025-13", "P444"),
        ("2025-01-02", "2025-02-30", "P444"),
        ("2025-01-02", "2024-01-02", "P444"),
        ("征求意见", "医院反馈", "P445"),
        ("征求意见", "意见", "P444"),
    ],
)
def test_a_bad_table_is_refused(tmp_path, old, new, code):
    path = tmp_path / "budget.csv"
    table = chinese_table()
    assert old in table
    path.write_text(table.replace(old, new), "utf-8")
    with pytest.raises(BudgetError) as caught:
        load_budget(path)
    assert caught.value.code == code
    assert caught.value.exit_code == 2
    assert all(str(path) in caught.value.message(lang) for lang in ("zh", "en"))


def test_months_of_a_table(tmp_path):
    path = tmp_path / "budget.csv"
    lines = ["level,unit,insurance,period,step,amount"]
    lines += [f"hospital,H1,310,2025,{step},12" for step in ROUNDS]
    lines += [
        f"hospital,H1,310,2025-{n:02},signed,{1 + (n == 1) - (n == 12)}" for n in range(1, 13)
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    budget = load_budget(path)
    assert budget.quota("H1", "310", 2025, "01") == 200
    assert budget.quota("H1", "310", 2025, "Q1") == 400
    assert budget.quota("H1", "310", 2025, "Q4") == 200


# ---- thresholds, items outside


def test_thresholds_of_chongqing():
    mins = fen(150_000), fen(100_000)
    assert under_total_budget(fen("149999.99"), fen(100_000), *mins) == (False, True)
    assert under_total_budget(fen(150_000), fen("99999.99"), *mins) == (True, False)
    assert under_total_budget(0, 0, None, None) == (True, True)


def test_items_outside_the_budget():
    found = count_against_quota(
        fen(10_450_000), [fen(600_000)], fen(10_000_000), drug_cost=fen(3_300_000)
    )
    assert (found.counted, found.over_quota) == (fen(9_850_000), 0)
    assert found.drug_share is not None
    assert round_scaled(found.drug_share) == 2741
    over = count_against_quota(1100, [50, 20], 1000)
    assert over == (1030, 30, Fraction(0))
    assert count_against_quota(10, [10], 5).drug_share is None
    with pytest.raises(ValueError, match="excluded"):
        count_against_quota(10, [11], 5)


# ---- quarter, sharing, violations


@pytest.mark.parametrize(
    ("months", "paid", "quota", "wanted"),
    [
        ((11, 11, 11), (9.9, 9.9, 9.9), 32, (33, 32, 2.3, 1)),
        ((10, 9.5, 10.5), (9, 8.55, 9.45), 32, (30, 30, 3, 0)),
        ((13, 13, 13), (11.7, 11.7, 11.7), 32, (39, 32, -3.1, 7)),
    ],
)
def test_quarters_of_fuxin(months, paid, quota, wanted):
    def amounts(values):
        return [round(v * 10**7) for v in values]

    found = balance_quarter(amounts(months), amounts(paid), round(quota * 10**7))
    assert [found.actual, found.within, found.pay_quarter, found.suspended] == amounts(wanted)
    assert found.payable >= 0 >= found.carried
    assert found.payable + found.carried == found.pay_quarter
    with pytest.raises(ValueError, match="negative"):
        balance_quarter([-1], [0], 1)


TAICANG = {
    "band": Fraction("0.2"), "share": Fraction("0.5"),
    "reward": Fraction("0.3"), "reward_cap": Fraction("0.03"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("actual", "wanted"),
    [
        ("11500000", ("-1500000", "750000", "750000", "0")),
        ("13000000", ("-3000000", "1000000", "2000000", "0")),
        ("9500000", ("500000", "0", "0", "150000")),
        ("8000000", ("2000000", "0", "0", "300000")),
        ("10000000", ("0", "0", "0", "0")),
        ("12000000", ("-2000000", "1000000", "1000000", "0")),
    ],
)
def test_bands_of_taicang(actual, wanted):
    found = share_quota(fen(10_000_000), fen(actual), **TAICANG)
    told = found.difference, found.fund_share, found.hospital_bears, found.reward
    assert told == tuple(map(fen, wanted))


@given(AMOUNTS, AMOUNTS, SHARES, SHARES, SHARES, SHARES)
def test_an_overspend_is_borne_by_somebody(quota, actual, band, share, reward, cap):
    found = share_quota(quota, actual, band=band, share=share, reward=reward, reward_cap=cap)
    over, saved = max(actual - quota, 0), max(quota - actual, 0)
    assert found.fund_share + found.hospital_bears == over
    assert 0 <= found.fund_share <= over
    assert 0 <= found.reward <= saved
    assert found.reward == round_scaled(min(saved * reward, quota * cap), 0)
    assert found.fund_share == round_scaled(min(Fraction(over), quota * band) * share, 0)


def test_sharing_without_numbers():
    assert share_quota(100, 130).hospital_bears == 30
    assert share_quota(100, 130, share=Fraction(1, 2)).fund_share == 15
    assert share_quota(100, 70).reward == 0
    assert share_quota(100, 70, reward=Fraction(1, 2)).reward == 15
    with pytest.raises(ValueError, match="negative"):
        share_quota(-1, 0)


def test_results_of_a_year():
    half, tenth = Fraction("0.5"), Fraction("0.10")
    assert share_result(fen(64_800_000), fen(61_200_000), share=half, band=tenth) == (
        type(share_result(0, 0))(fen(3_600_000), fen(64_800_000))
    )
    found = share_result(fen(60_000_000), fen(72_000_000), keep=Fraction(1), share=half, band=tenth)
    assert (found.difference, found.final) == (fen(-12_000_000), fen(63_000_000))
    assert share_result(100, 60, keep=half).final == 80
    assert share_result(100, 160).final == 100
    assert share_result(100, 160, share=half).final == 130


def test_a_violation_costs_two_years():
    found = deduct_violation(fen(500_000), fen(50_000_000), fen(52_000_000))
    assert found.this_year == fen(49_500_000)
    assert round_scaled(found.next_ratio, 6) == 10_000
    assert (found.next_deduction, found.next_year) == (fen(520_000), fen(51_480_000))
    assert deduct_violation(5, 100, 200, next_rule="amount").next_year == 195
    assert deduct_violation(5, 100, 200, next_rule="none").next_year == 200
    whole = deduct_violation(500, 100, 200)
    assert (whole.this_year, whole.next_year) == (0, 0)
    assert deduct_violation(500, 100, 200, next_rule="amount").next_year == 0
    assert deduct_violation(0, 0, 200).next_year == 200
    with pytest.raises(ValueError, match="rule"):
        deduct_violation(1, 1, 1, next_rule="perhaps")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        deduct_violation(-1, 1, 1)


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.sampled_from(["none", "proportional", "amount"]))
def test_a_violation_leaves_no_budget_negative(violation, this, following, rule):
    found = deduct_violation(violation, this, following, next_rule=rule)
    assert found.this_year >= 0
    assert 0 <= found.next_year <= following
    assert found.next_year + found.next_deduction == following


def test_shares_of_a_budget_are_whole():
    assert sum(allocate(fen(300), {"H1": 1, "H2": 1, "H3": 1}).values()) == fen(300)
