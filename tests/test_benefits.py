"""The patients' side: layers of a visit, a year of visits, plans as data."""

from __future__ import annotations

import json
import re
from datetime import date
from fractions import Fraction

import pytest
from benefit_visits import (
    PLANS,
    SUPPLY,
    fitting,
    visit,
    visits,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.benefits.formulas import make_rule, over_ceiling, pay, start_fen
from drg.benefits.model import LAYERS, Balance, Visit
from drg.benefits.plan import list_plans, load_plan
from drg.benefits.visit import settle_visit
from drg.dates import Month
from drg.money import fen
from drg.payment.policy.catalog import origin_of
from drg.payment.policy.errors import PolicyError, SupplyError
from drg.payment.policy.paths import written

NEW = Balance()


def paid(plan_id, visit, balance=NEW):
    """Layers of a visit as id and yuan, and what the patient bears."""
    settled, _ = settle_visit(PLANS[plan_id], visit, balance)
    assert settled.reason == ""
    assert sum(layer.paid for layer in settled.layers) + settled.patient == settled.total
    return {layer.id: layer.paid / 100 for layer in settled.layers} | {
        "patient": settled.patient / 100
    }


# ---- the shipped plans against the worked cases


def test_ankang():
    found = paid("ankang-2019", visit("30000", level="三级甲等"))
    assert found == {"basic": 16800, "critical": 1920, "patient": 11280}
    found = paid("ankang-2019", visit("260000", level="3"))
    assert found == {"basic": 120000, "critical": 91000, "patient": 49000}


@pytest.mark.parametrize(
    ("off_site", "critical"), [("", 33000), ("referred", 28000), ("急诊", 28000), ("未转诊", 25500)]
)
def test_shangluo(off_site, critical):
    stay = visit("100000", basic_paid=fen("40000"), off_site=off_site)
    assert paid("shangluo-2023", stay)["critical"] == critical


def test_anhui_away_from_home():
    far = {"off_site": "省外", "level": "三级"}
    assert paid("anhui-2019", visit("8000", **far))["basic"] == 3600
    assert paid("anhui-2019", visit("30000", **far))["basic"] == 14400
    assert paid("anhui-2019", visit("60000", **far))["basic"] == 30000
    near = visit("10700", off_site="out_of_city", level="三级", region="市级")
    # Twice 700 yuan, and 70 instead of 75 %.
    assert paid("anhui-2019", near)["basic"] == pytest.approx((10700 - 1400) * 0.70)


def test_chuzhou_one_stop():
    stay = visit("60000", own_pay=fen("2000"), first_self_pay=fen("3000"), level="三级",
                 region="city")  # fmt: skip
    assert paid("chuzhou-2019", stay) == {"basic": 40725, "critical": 1365, "patient": 17910}
    plan = PLANS["chuzhou-2019"]
    # Nobody special has no assistance; with the tilt taken away case G20 comes out to the fen.
    bare = plan.model_copy(update={"critical": plan.critical.model_copy(update={"adjust": {}})})
    settled, _ = settle_visit(bare, stay._replace(category="低保"))
    assert [layer.paid for layer in settled.layers] == [4072500, 136500, 1113700]
    assert settled.patient == 677300


def test_chuzhou_backstops():
    plan = load_plan("chuzhou-2019", supply=SUPPLY["chuzhou-2019"] | {
        "assistance.rows.poor.ratio": "0"})  # fmt: skip
    stay = visit("200000", own_pay=fen("1000"), level="三级", region="city", category="poverty")
    first, after = settle_visit(plan, stay)
    assert first.layers[-1].id == "351"
    # What lies outside the catalogue is on the negative list and stays beside the ceiling.
    assert first.patient == fen("5000") + fen("1000")
    second, later = settle_visit(plan, stay._replace(region="county"), after)
    assert second.patient == fen("1000"), "the year goes by its highest region"
    third, _ = settle_visit(plan, stay._replace(region="province"), later)
    assert third.patient == fen("5000") + fen("1000"), "5,000 more, up to 10,000"
    chronic = visit("2000", care="chronic", category="贫困人口", region="county", basic_paid=0)
    settled, _ = settle_visit(plan, chronic)
    assert [(layer.id, layer.paid) for layer in settled.layers][-2:] == [
        ("351", 0),
        ("180", 160000),
    ]


@pytest.mark.parametrize(
    ("visits", "retired", "fund"),
    [(0, False, 42895), (0, True, 45217), (1, False, 43447.5), (3, True, 45808.5)],
)
def test_beijing(visits, retired, fund):
    stay = Visit(fen("50000"), insurance="310", level="三级", retired=retired)
    assert paid("beijing-2019", stay, Balance(visits=visits))["basic"] == fund


def test_tilts():
    poor = visit("130000", basic_paid=0, category="poverty")
    assert paid("lyls-undated", poor) == {
        "basic": 0, "critical": 84250, "assistance": 10000, "tilt": 8300, "patient": 27450,
    }  # fmt: skip
    poor = visit("50000", basic_paid=0, category="poverty")
    assert paid("hubei-2018", poor) == {
        "basic": 0, "critical": 29000, "ceiling": 16000, "patient": 5000,
    }  # fmt: skip
    stay = visit("95000", basic_paid=0)
    assert paid("national-2019", stay)["critical"] == 48000
    assert paid("national-2019", stay._replace(category="特困"))["critical"] == 56875


# ---- formulas


def test_each_layer_rounds_once_half_up():
    half = make_rule("x", "basic", yearly=False, segments=[(None, Fraction("0.5"))])
    assert [pay(half, base).paid for base in (1, 2, 3)] == [1, 1, 2]
    tiny = make_rule("x", "basic", yearly=False,
                     segments=[(1, Fraction("0.3")), (None, Fraction("0.2"))])  # fmt: skip
    # 0.3 + 0.2 make half a fen together, and nothing each by itself.
    assert pay(tiny, 2).paid == 1
    share = make_rule("x", "basic", yearly=False, share=Fraction("0.2"), least=0, most=10**9,
                      segments=[(None, Fraction("0.6"))])  # fmt: skip
    least = share._replace(share=0, least=200)
    assert (start_fen(least, 1000), pay(least, 1000).paid) == (200 // least.unit, 576)
    # A start by share is not rounded before it is used: (12345.67 − 2469.134) × 0.6.
    assert (start_fen(share, 1234567), pay(share, 1234567).paid) == (246913, 592592)


@pytest.mark.parametrize(
    ("base", "found"), [("absolute", 5_000), ("excess", 6_000), ("whole", 7_000)]
)
def test_what_bounds_are_measured_on(base, found):
    rule = make_rule("x", "critical", yearly=True, start=5_000, base=base,
                     segments=[(10_000, Fraction("0.2")), (None, Fraction("0.4"))])  # fmt: skip
    assert pay(rule, 20_000).paid == {"absolute": 5_000, "excess": 4_000, "whole": 6_000}[base]
    assert pay(rule, 5_000).paid == 0
    assert found > 0


def test_a_year_is_one_curve():
    rule = make_rule("x", "critical", yearly=True, start=10_000, cap=15_000,
                     segments=[(30_000, Fraction("0.6")), (None, Fraction("0.8"))])  # fmt: skip
    first = pay(rule, 8_000)
    second = pay(rule, 12_000, before=8_000, used=first.paid)
    third = pay(rule, 20_000, before=20_000, used=first.paid + second.paid)
    assert (first.paid, second.paid, third.paid, third.capped) == (0, 6_000, 9_000, 5_000)
    assert (first.deductible, second.deductible, third.deductible) == (8_000, 2_000, 0)
    assert over_ceiling(500, 100, 600).paid == 100


def test_a_cap_used_up_pays_nothing():
    rule = make_rule("x", "basic", yearly=False, cap=100, segments=[(None, Fraction(1))])
    assert [pay(rule, 50, used=used).paid for used in (0, 80, 100, 200)] == [50, 20, 0, 0]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(PLANS)), st.lists(visits(), max_size=5))
def test_parts_sum_to_the_total(plan_id, year):
    balance = Balance()
    for one in [fitting(plan_id, one) for one in year]:
        settled, after = settle_visit(PLANS[plan_id], one, balance)
        assert settled.fund + settled.patient == settled.total == one.total
        assert settled.patient >= one.own_pay + one.over_limit
        assert all(0 <= layer.paid <= layer.base for layer in settled.layers)
        assert all(layer.capped >= 0 for layer in settled.layers)
        order = [LAYERS.index(layer.kind) for layer in settled.layers]
        assert order == sorted(order)
        if settled.reason:
            assert (settled.layers, after) == ((), balance)
        else:
            for kind in LAYERS:
                had = sum(layer.paid for layer in settled.layers if layer.kind == kind)
                assert getattr(after, kind) == getattr(balance, kind) + had
        balance = after


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(PLANS)), visits(), visits(), st.integers(1, 3_000_000))
def test_more_cost_never_lowers_what_the_funds_pay(plan_id, before, one, more):
    plan, before, one = PLANS[plan_id], fitting(plan_id, before), fitting(plan_id, one)
    _, balance = settle_visit(plan, before)
    less, _ = settle_visit(plan, one, balance)
    dearer, _ = settle_visit(plan, one._replace(total=one.total + more), balance)
    assert dearer.fund >= less.fund
    # What basic insurance is said to have paid may exceed the lower cost, and not the higher.
    assert dearer.reason == less.reason or (less.reason, dearer.reason) == ("N507", "")


# ---- plans as data


def test_every_number_of_every_plan_has_its_document():
    assert [plan.id for plan in list_plans()] == [
        "anhui-2019", "ankang-2019", "beijing-2019", "chuzhou-2019", "hubei-2018", "lyls-undated",
        "national-2019", "shangluo-2023",
    ]  # fmt: skip
    for plan in [plan for plan in PLANS.values() if plan.id != "odd"]:
        assert len(plan.digest) == 64
        assert plan.sources
        for path, where in plan.provenance.items():
            assert where.status in {"transcribed", "recalled", "derived", "supplied"}, path
            assert written(plan, tuple(path.split("."))) != "", path
    recalled = PLANS["beijing-2019"].provenance["basic.rows.tertiary.start"]
    assert (recalled.source, recalled.status) == ("S-BEIJING-EMPLOYEE-BENEFITS", "recalled")


def test_a_plan_extends_another():
    anhui, chuzhou = PLANS["anhui-2019"], PLANS["chuzhou-2019"]
    assert chuzhou.basic == anhui.basic
    assert chuzhou.critical.rows["everyone"].segments == anhui.critical.rows["everyone"].segments
    start = origin_of(chuzhou, "critical.rows.everyone.start")
    assert (start.source, start.status) == ("S-CHUZHOU-2019-REPORT", "transcribed")
    assert origin_of(chuzhou, "basic.rows.primary.start").status == "recalled"
    assert chuzhou.digest != anhui.digest


def test_what_is_wanted_is_supplied():
    assert set(load_plan("chuzhou-2019").wanted) == set(SUPPLY["chuzhou-2019"])
    plan = PLANS["chuzhou-2019"]
    assert not plan.wanted
    assert plan.provenance["assistance.rows.poor.ratio"].status == "supplied"
    assert plan.assistance.rows["poor"].cap == fen("20000")
    other = load_plan("安康", supply={
        "critical.rows.everyone.segments": "20000:0.5,0.9", "basic.rows.tertiary.start": "1000",
    })  # fmt: skip
    assert [(s.to, s.ratio) for s in other.critical.rows["everyone"].segments] == [
        (fen("20000"), Fraction("0.5")), (None, Fraction("0.9")),
    ]  # fmt: skip
    assert paid_by(other, visit("30000", level="三级"))["basic"] == 17400
    # A copy with other numbers does not answer with those of the plan it was made from.
    bare = other.model_copy(update={"critical": None})
    assert "critical" not in paid_by(bare, visit("30000", level="三级"))


def paid_by(plan, one):
    return {layer.id: layer.paid / 100 for layer in settle_visit(plan, one)[0].layers}


def test_a_plan_in_force():
    assert load_plan("anhui", on=date(2019, 7, 1)).id == "anhui-2019"
    assert load_plan("chuzhou", on=Month(2019, 12)).id == "chuzhou-2019"
    for wanted, on, code in (
        ("chuzhou", Month(2020, 1), "B403"),
        ("chuzhou-2019", date(2020, 1, 1), "B404"),
        ("ankang", date(2020, 1, 1), "B403"),
        ("chuzou", None, "B401"),
    ):
        with pytest.raises(PolicyError) as error:
            load_plan(wanted, on=on)
        assert error.value.code == code
        assert len(error.value.message("zh").split(" — ")) == 3
    assert "chuzhou" in str(error.value)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("basic.rows.nowhere.start", "P476"), ("basic.nothing", "P476"),
        ("month.retention", "P476"), ("critical.rows.everyone.start.more", "P476"),
    ],
)  # fmt: skip
def test_a_path_that_is_not_there(path, code):
    with pytest.raises(SupplyError) as error:
        load_plan("ankang-2019", supply={path: "1"})
    assert error.value.code == code


HEAD = """
place = "here"
place_zh = "本地"
title_zh = "本地"
title_en = "Here"
source = "S-PROJECT"
status = "synthetic"

[names.category]
poor = ["贫困"]

[names.region]
county = []
city = []

"""
BASIC = "[basic.rows.all]\nstart = 100\nratio = 0.5\n"


def plan_of(tmp_path, body, head=HEAD):
    path = tmp_path / "here.toml"
    path.write_text(head + body, "utf-8")
    return load_plan(path)


def test_a_plan_of_ones_own(tmp_path):
    plan = plan_of(tmp_path, BASIC)
    assert (plan.id, plan.synthetic) == ("here", True)
    found = settle_visit(plan, Visit(20_001, category="贫困"))[0]
    assert [layer.paid for layer in found.layers] == [5_001]
    path = tmp_path / "there.toml"
    path.write_text(
        'extends = "here.toml"\nsource = "S-PROJECT"\nstatus = "derived"\n'
        "[basic.rows.all]\nratio = 0.6\n",
        "utf-8",
    )
    assert load_plan(path).basic.rows["all"].ratio == Fraction("0.6")


BROKEN = [
    ("P461", "basic.rows.all.rato", BASIC + "rato = 1\n"),
    ("P461", "month", BASIC + "[month]\nprepay = 1\n"),
    ("P462", "basic.rows.all.ratio", BASIC.replace("0.5", "1.5")),
    ("P462", "basic.rows.all.start", BASIC.replace("100", "-1")),
    ("P462", "critical.adjust.a.ratio_delta",
     BASIC + "[critical.rows.all]\nstart = 1\nratio = 0.5\n"
     "[critical.adjust.a]\nratio_delta = -10\n"),
    ("P463", "basic.rows.all.segment_base", BASIC + 'segment_base = "sum"\n'),
    ("P473", "basic.rows", BASIC + "[basic.rows.again]\nstart = 1\nratio = 0.5\n"),
    ("P473", "basic.rows",
     BASIC.replace("start", 'level = ["三级甲等", "二级"]\nstart')
     + '[basic.rows.again]\nlevel = "三级"\nstart = 1\nratio = 0.5\n'),
    ("B408", "basic.rows.all.category", BASIC + 'category = ["rich"]\n'),
    ("B408", "basic.rows.all.care", BASIC + 'care = "dental"\n'),
    ("B408", "backstops.b.ceilings", BASIC + "[backstops.b]\nceilings = { moon = 1 }\n"),
    ("B409", "names.category", BASIC + '[names.category]\n'),
    ("B410", "basic.rows.all", BASIC.replace("start = 100\n", "")),
    ("B410", "basic.rows.all", BASIC + "start_ratio = 0.2\n"),
    ("B411", "critical.rows.all.start_next",
     BASIC + "[critical.rows.all]\nstart = 1\nstart_next = 1\nratio = 0.5\n"),
    ("B411", "basic.rows.all.start_min", BASIC + "start_min = 1\n"),
    ("B412", "basic.rows.all.start_max",
     BASIC.replace("start = 100", "start_ratio = 0.2\nstart_min = 9\nstart_max = 8")),
    ("B412", "basic.rows.all.segments.1.to",
     BASIC.replace("ratio = 0.5", "segments = [{ to = 9, ratio = 1 }, { to = 9, ratio = 1 }]")),
    ("B412", "basic.rows.all.segments.0.to",
     BASIC.replace("ratio = 0.5", "segments = [{ ratio = 1 }, { to = 9, ratio = 1 }]")),
    ("B413", "basic.rows.all", BASIC.replace("ratio = 0.5\n", "")),
    ("B413", "basic.rows.all", BASIC + "segments = [{ ratio = 1 }]\n"),
    ("B414", "backstops.b", BASIC + "[backstops.b]\nceiling = 5\nratio = 0.5\n"),
    ("B414", "backstops.b", BASIC + "[backstops.b]\nceiling = 5\ncap = 5\n"),
    ("B414", "backstops.b", BASIC + "[backstops.b]\ncategory = \"poor\"\n"),
    ("B415", "backstops.c",
     BASIC + "[backstops.b]\nceiling = 5\n[backstops.c]\nstart = 5\nratio = 0.5\n"),
    ("B415", "backstops.b",
     BASIC + "[backstops.b]\nstart = 0\nratio = 0.5\ncap = 5\n[backstops.c]\nceiling = 9\n"),
    ("B416", "here.toml", ""),
    ("B416", "[critical]", "[critical]\nfirst_self_pay = true\n"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "path", "body"), BROKEN)
def test_what_no_plan_can_have(tmp_path, code, path, body):
    head = HEAD
    if code == "B409":
        head, body = HEAD.replace('poor = ["贫困"]', 'poor = ["x"]\nrich = ["x"]'), BASIC
    with pytest.raises(PolicyError) as error:
        plan_of(tmp_path, body, head)
    assert error.value.code == code
    for lang in ("zh", "en"):
        told = error.value.message(lang)
        assert path in told
        assert "{" not in re.sub(r"\{ \w+ = .*?\}", "", told)
        assert len(told.split(" — ")) == 3


def test_a_circle_and_a_wrong_place(tmp_path):
    path = tmp_path / "here.toml"
    path.write_text('extends = "here.toml"\n' + HEAD + BASIC, "utf-8")
    with pytest.raises(PolicyError, match="B405"):
        load_plan(path)
    path.write_text('extends = "nowhere"\n' + HEAD + BASIC, "utf-8")
    with pytest.raises(PolicyError, match="B401"):
        load_plan(path)


def test_registers_that_contradict_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv("DRG_TABLES", str(tmp_path))
    folder = tmp_path / "benefits" / "here"
    folder.mkdir(parents=True)
    (tmp_path / "sources.toml").write_text('["S-PROJECT"]\ntitle_zh = "x"\n', "utf-8")
    (folder / "2019.toml").write_text(HEAD + BASIC, "utf-8")
    with pytest.raises(PolicyError, match="B406"):
        list_plans()
    dated = 'in_force = ["{}-01-01", "{}-01-01"]\nin_force_status = "synthetic"\n'
    (folder / "2019.toml").write_text(
        'id = "here-2019"\n' + dated.format(2019, 2020) + HEAD + BASIC, "utf-8"
    )
    (folder / "2020.toml").write_text(
        'id = "here-2020"\n' + dated.format(2020, 2021) + HEAD + BASIC, "utf-8"
    )
    assert load_plan("here", on=Month(2020, 1)).id == "here-2020"
    with pytest.raises(PolicyError, match="B407"):
        load_plan("here")
    (folder / "2020.toml").write_text(
        'id = "here-2020"\n' + dated.format(2019, 2021) + HEAD + BASIC, "utf-8"
    )
    with pytest.raises(PolicyError, match="B402"):
        list_plans()


def test_the_row_that_says_more_counts(tmp_path):
    plan = plan_of(
        tmp_path,
        BASIC
        + '[basic.rows.third]\nlevel = "三级"\nstart = 0\nratio = 0.1\n'
        + '[basic.rows.best]\nlevel = "三级甲等"\nstart = 0\nratio = 0.2\n'
        + '[basic.rows.poor]\ncategory = "poor"\nstart = 0\nratio = 0.3\n',
    )
    found = [
        settle_visit(plan, Visit(10_000, level=level, category=category))[0].fund
        for level, category in (("二级", ""), ("三级", ""), ("三甲", ""), ("三甲", "贫困"))
    ]
    assert found == [0, 1_000, 2_000, 3_000]
    assert settle_visit(plan, Visit(10_000))[0].reason == "N501"
    assert settle_visit(plan, Visit(10_000, category="poor"))[0].fund == 3_000


def test_titles_do_not_change_the_digest(tmp_path):
    body = BASIC + "[backstops.b]\nceiling = 5\n"
    first = plan_of(tmp_path, body)
    second = plan_of(tmp_path, body + 'title_zh = "别名"\n')
    third = plan_of(tmp_path, body.replace("5", "6"))
    assert first.digest == second.digest != third.digest


def test_a_plan_prints_as_json():
    said = json.loads(PLANS["ankang-2019"].model_dump_json())
    assert said["critical"]["rows"]["everyone"]["segments"][0] == {"to": 5000000, "ratio": "3/5"}
