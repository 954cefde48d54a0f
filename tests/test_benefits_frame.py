"""Benefits of a frame at once: the same as visit by visit, whatever the parts and the order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from benefit_visits import (
    PLANS,
    fitting,
    settled,
    visit,
    visits,
    yuan,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.benefits import batch
from drg.benefits.batch import BALANCE_COLUMNS, RESULT_COLUMNS, settle_frame
from drg.benefits.model import LAYERS, Balance, Visit
from drg.benefits.plan import load_plan
from drg.benefits.visit import settle_visit
from drg.claims.profiles import match_columns
from drg.payment.policy.errors import PolicyError


def frame_of(rows):
    """Claims of (patient, day, visit)."""
    return pl.DataFrame(
        [
            {
                "claim_id": f"c{number:03}", "patient_id": patient, "discharged_on": day,
                "insurance": one.insurance, "hospital_level": one.level or None,
                "person_category": one.category or None,
                "retired": {True: "21", False: "11", None: None}[one.retired],
                "off_site": one.off_site, "region_level": one.region,
                "care_type": {"inpatient": "21", "chronic": "14", "outpatient": "11"}[one.care],
                "total_cost": yuan(one.total), "fully_self_paid": yuan(one.own_pay),
                "first_self_paid": yuan(one.first_self_pay),
                "over_limit_paid": yuan(one.over_limit),
                "basic_paid": None if one.basic_paid is None else yuan(one.basic_paid),
                "diagnoses": "J18.900",
            }
            for number, (patient, day, one) in enumerate(rows)
        ],
        infer_schema_length=None,
    )  # fmt: skip


DAYS = st.dates(date(2019, 7, 1), date(2019, 12, 31)).map(str)
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), DAYS, visits()), min_size=1,
                max_size=12)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(PLANS)), ROWS, st.sampled_from([0, 3, 10**9]))
def test_a_frame_is_its_visits_one_by_one(plan_id, rows, few):
    plan = PLANS[plan_id]
    # The one plan that ends before the days drawn.
    year = "2018" if plan_id == "hubei-2018" else "2019"
    rows = [(patient, year + day[4:], fitting(plan_id, one)) for patient, day, one in rows]
    frame = frame_of(rows)
    was, batch._FEW = batch._FEW, few
    try:
        run = settled(plan, frame)
    finally:
        batch._FEW = was
    balances = {}
    order = sorted(range(len(rows)), key=lambda n: (rows[n][1], n))
    for n in order:
        patient, _, one = rows[n]
        before = balances.get(patient, Balance()) if patient else Balance()
        expected, after = settle_visit(plan, one, before)
        found = run.one(n)
        assert found.settled == expected
        assert found.before == (Balance() if expected.reason else before)
        row = run.frame.row(n, named=True)
        if expected.reason:
            assert row["benefit_reason"] == expected.reason
            assert row["fund_paid"] is row["patient_paid"] is row["basic_paid"] is None
            continue
        assert row["benefit_reason"] == (None if patient else "N509")
        assert row["eligible"] == Decimal(yuan(expected.eligible))
        assert row["patient_paid"] == Decimal(yuan(expected.patient))
        assert row["fund_paid"] == Decimal(yuan(expected.fund))
        for kind in LAYERS:
            amount = sum(layer.paid for layer in expected.layers if layer.kind == kind)
            assert row[f"{kind}_paid"] == Decimal(yuan(amount))
        if patient:
            balances[patient] = after
    assert run.balances.columns == [*BALANCE_COLUMNS]
    told = {row["patient_id"]: Balance(*[row[name] for name in Balance._fields])
            for row in run.balances.iter_rows(named=True)}  # fmt: skip
    assert told == balances


def many(seed=0, count=400):
    """Claims of a made-up half-year."""
    rows = []
    for n in range(count):
        k = n * 7919 + seed
        total = k * 104729 % 30_000_000
        rows.append((
            f"p{k % 90}", str(date.fromordinal(date(2019, 7, 1).toordinal() + k % 180)),
            Visit(
                total, total // 11, total // 13, 0, "390", ("一级", "二级", "三级")[k % 3],
                ("", "poverty", "low_income", "普通")[k % 4], None,
                ("", "", "", "out_of_city", "省外")[k % 5], ("county", "city", "province")[k % 3],
            ),
        ))  # fmt: skip
    return frame_of(rows)


def test_waves_and_single_visits_agree(monkeypatch):
    plan, frame = PLANS["chuzhou-2019"], many()
    runs = []
    for few in (0, 48, 10**9):
        monkeypatch.setattr(batch, "_FEW", few)
        runs.append(settled(plan, frame))
    for run in runs[1:]:
        assert run.frame.equals(runs[0].frame)
        assert run.balances.equals(runs[0].balances)
    assert runs[0].frame["backstop_paid"].sum() > 0
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    again = settled(plan, shuffled).frame.sort("claim_id")
    assert again.equals(runs[0].frame.sort("claim_id"))


def test_months_one_after_the_other_are_the_year():
    plan, frame = PLANS["chuzhou-2019"], many(seed=5)
    whole = settled(plan, frame)
    balances, parts = None, []
    for month in range(7, 13):
        part = frame.filter(pl.col("discharged_on").str.slice(5, 2) == f"{month:02}")
        run = settled(plan, part, balances)
        parts.append(run.frame)
        rest = (
            [] if balances is None else [balances.join(run.balances, on="patient_id", how="anti")]
        )
        balances = pl.concat([run.balances, *rest])
    assert pl.concat(parts).sort("claim_id").equals(whole.frame.sort("claim_id"))
    assert balances.sort("patient_id").equals(whole.balances)


def test_amounts_beyond_int64_products_are_exact(monkeypatch):
    monkeypatch.setattr(batch, "_FEW", 0)
    plan = load_plan("ankang-2019", supply={"basic.rows.tertiary.ratio": "0.654321"})
    rows = [
        (f"p{n}", "2020-01-01", Visit(9 * 10**14 + n, 0, 0, 0, "390", "三级")) for n in range(3)
    ]
    run = settled(plan, frame_of([*rows, ("q", "2020-01-01", visit("30000", level="三级"))]))
    for n, (_, _, one) in enumerate(rows):
        expected = settle_visit(plan, one)[0]
        assert run.frame["fund_paid"][n] == Decimal(expected.fund) / 100
    assert run.frame["patient_paid"][3] == Decimal("10671.60")


def test_columns_of_the_input():
    frame = frame_of([("p", "2020-01-01", visit("30000", level="三级"))]).with_columns(
        patient_paid=pl.lit("1.00"), fund_paid=pl.lit("2.00")
    )
    run = settled(PLANS["ankang-2019"], frame)
    assert run.frame["patient_paid_input"].to_list() == ["1.00"]
    assert run.frame["fund_paid_input"].to_list() == ["2.00"]
    assert run.frame.columns[-len(RESULT_COLUMNS) :] == [*RESULT_COLUMNS]
    assert run.frame.height == frame.height
    again = match_columns(run.frame.columns, dict(run.frame.schema))
    assert again.scalars["patient_paid"] == "patient_paid"
    twice = settle_frame(PLANS["ankang-2019"], run.frame, again).frame
    assert twice.select(RESULT_COLUMNS).equals(run.frame.select(RESULT_COLUMNS))
    assert twice["patient_paid_input2"].to_list() == [Decimal("11280.00")]
    assert settle_frame(PLANS["ankang-2019"], frame.clear(), again).frame.height == 0
    named = frame.rename({"fund_paid": "基金支付总额"})
    assert settled(PLANS["ankang-2019"], named).frame["fund_paid_input"].to_list() == ["2.00"]


def test_chinese_headers_and_codes():
    frame = pl.DataFrame({
        "结算ID": ["1"], "人员编号": ["p"], "险种类型": ["居民"], "出院日期": ["2019-08-01"],
        "医疗机构等级": ["三级"], "就医地区层级": ["市级"], "人员类别": ["建档立卡"],
        "总费用": ["60000"], "全自费金额": ["2000"], "先行自付金额": ["3000"],
        "主要诊断编码": ["J18.900"],
    })  # fmt: skip
    row = settled(PLANS["chuzhou-2019"], frame).frame.row(0, named=True)
    assert (row["basic_paid"], row["critical_paid"]) == (Decimal("40725.00"), Decimal("6353.75"))
    assert row["benefit_reason"] is None


def reason(plan_id="chuzhou-2019", **more):
    """Reason of one claim with some of its columns changed or taken away (None: blank)."""
    base = frame_of([("p", "2019-08-01", visit("20000", level="三级", region="city"))])
    absent = [name for name, value in more.items() if value is ...]
    changed = [
        pl.lit(value, pl.String).alias(name) for name, value in more.items() if value is not ...
    ]
    frame = base.with_columns(changed).drop(absent)
    plan = load_plan(plan_id) if plan_id == "chuzhou-2019" else PLANS[plan_id]
    return settled(plan, frame).frame["benefit_reason"][0]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (None, {}),
        (None, {"over_limit_paid": ...}),
        (None, {"person_category": "一般"}),
        ("N501", {"hospital_level": None}),
        ("N501", {"hospital_level": ...}),
        ("N503", {"region_level": ""}),
        ("N503", {"region_level": "外县"}),
        ("N504", {"off_site": "旅游"}),
        ("N504", {"person_category": "劳模"}),
        ("N505", {"care_type": "11"}),
        ("N505", {"care_type": "99"}),
        ("N505", {"hospital_level": "特殊"}),
        ("N506", {"person_category": "低保"}),
        ("N507", {"total_cost": None}),
        ("N507", {"fully_self_paid": None}),
        ("N507", {"fully_self_paid": ...}),
        ("N507", {"first_self_paid": "abc"}),
        ("N507", {"first_self_paid": "-1"}),
        ("N507", {"fully_self_paid": "20000.01"}),
        ("N507", {"over_limit_paid": None}),
        ("N507", {"basic_paid": "x"}),
        ("N507", {"care_type": "14", "basic_paid": "20000.01"}),
        ("N508", {"insurance": "310"}),
        ("N508", {"insurance": None}),
        ("N508", {"discharged_on": "2020-01-01"}),
        ("N508", {"discharged_on": "soon"}),
        ("N509", {"patient_id": None}),
    ],
)  # fmt: skip
def test_what_a_claim_lacks_is_told(code, changes):
    assert reason(**changes) == code


def test_retired_has_to_be_told():
    stay = Visit(100, insurance="310", level="三级")
    assert settle_visit(PLANS["beijing-2019"], stay)[0].reason == "N502"
    assert settle_visit(PLANS["beijing-2019"], stay._replace(retired=False))[0].reason == ""
    assert settle_visit(PLANS["beijing-2019"], stay._replace(level="二级"))[0].reason == "N505"


def test_no_layer_pays_where_something_is_amiss():
    found, after = settle_visit(PLANS["ankang-2019"], visit("30000"))
    assert (found.reason, found.layers, found.patient, after) == ("N501", (), 3000000, Balance())
    found, _ = settle_visit(PLANS["shangluo-2023"], visit("100", basic_paid=10001))
    assert found.reason == "N507"


@pytest.mark.parametrize(
    "change",
    [
        {"basic": -1}, {"year": None}, {"region": "moon"}, {"patient_id": None}, {"visits": "x"},
    ],
)  # fmt: skip
def test_balances_are_checked(change):
    plan, frame = PLANS["chuzhou-2019"], many(count=5)
    good = settled(plan, frame).balances
    assert settled(plan, frame, good).balances.height == good.height
    bad = good.with_columns(pl.lit(value).alias(name) for name, value in change.items())
    with pytest.raises(PolicyError, match="B417"):
        settled(plan, frame, bad)
    with pytest.raises(PolicyError, match="B417"):
        settled(plan, frame, pl.concat([good, good]))
    with pytest.raises(PolicyError, match=r"B417.*critical"):
        settled(plan, frame, good.drop("critical"))
