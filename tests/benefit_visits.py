"""Visits and plans for tests of benefits."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from drg.benefits.batch import settle_frame
from drg.benefits.model import Visit
from drg.benefits.plan import list_plans, load_plan
from drg.claims.profiles import match_columns
from drg.money import fen

#: Terms that no shipped plan has.
#: What users of the shipped plans have to give.
SUPPLY = {
    "anhui-2019": {"critical.rows.everyone.start": "15000"},
    "chuzhou-2019": {"assistance.rows.poor.ratio": "0.7", "assistance.rows.poor.cap": "20000"},
    "national-2019": {
        "means.income": "30000",
        "assistance.rows.low_income.cap": "50000",
        "assistance.rows.edge.ratio": "0.6",
        "assistance.rows.edge.cap": "30000",
        "assistance.rows.by_illness.ratio": "0.6",
        "assistance.rows.by_illness.cap": "30000",
    },
}
PLANS = {plan.id: load_plan(plan.id, supply=SUPPLY.get(plan.id)) for plan in list_plans()}

ODD = """
id = "odd"
place = "odd"
place_zh = "奇"
title_zh = "奇"
title_en = "Odd"
source = "S-PROJECT"
status = "synthetic"
[names.region]
county = []
city = ["市级"]
province = []
[names.off_site]
far = ["省外", "out_of_city", "referred", "未转诊"]
[basic.rows.all]
start = 333.33
start_next = 100.01
segments = [{ to = 5000, ratio = 0.513 }, { to = 90000, ratio = 0.777 }]
segment_base = "excess"
cap = 60000
[basic.rows.far]
off_site = "far"
start_ratio = 0.123
start_max = 5000
ratio = 0.4
[basic.adjust.retired]
retired = true
start_factor = 0.7
self_pay_factor = 0.9
[critical]
first_self_pay = true
[critical.rows.all]
start = 5000
segments = [{ to = 20000, ratio = 0.3 }, { ratio = 0.555 }]
segment_base = "whole"
cap = 90000
[assistance.rows.all]
region = "city"
start = 1000
ratio = 0.05
[backstops.over]
ceilings = { county = 9000, province = 30000 }
[backstops.rest]
start = 0
ratio = 0.001
"""


def odd_plan():
    with TemporaryDirectory() as folder:
        Path(folder, "odd.toml").write_text(ODD, "utf-8")
        return load_plan(Path(folder, "odd.toml"))


PLANS["odd"] = odd_plan()
RESIDENT = {"insurance": "390"}


def visit(yuan, **more):
    return Visit(fen(yuan), **(RESIDENT | more))


# ---- properties

AMOUNT = st.integers(0, 40_000_000)


@st.composite
def visits(draw):
    total = draw(AMOUNT)
    own = draw(st.integers(0, total // 4))
    first = draw(st.integers(0, total // 4))
    odd = draw(st.integers(0, 5)) == 0
    return Visit(
        total, own, first, draw(st.integers(0, total // 8)),
        insurance="390" if not odd else draw(st.sampled_from(["390", "310", ""])),
        level=draw(st.sampled_from(["一级", "二级", "三级甲等", "三级", "" if odd else "二级"])),
        category=draw(st.sampled_from(["", "poverty", "low_income", "普通", "?" if odd else ""])),
        retired=draw(st.sampled_from([True, False, None if odd else True])),
        off_site=draw(st.sampled_from(
            ["", "", "", "", "referred", "未转诊", "out_of_city", "省外"])),
        region=draw(st.sampled_from(["county", "市级", "province", "" if odd else "city"])),
        care=draw(st.sampled_from(["inpatient", "inpatient", "chronic", "outpatient"])),
        basic_paid=draw(st.sampled_from([None if odd else 1, 0, total // 3])),
    )  # fmt: skip


def fitting(plan_id, one):
    """A visit of the insurance and, but for few, of the care that a plan is about."""
    if plan_id == "beijing-2019" and one.insurance == "390":
        return one._replace(insurance="310", level="三级", care="inpatient", off_site="")
    return one


# ---- a frame at once


def yuan(amount):
    return f"{amount // 100}.{amount % 100:02}"


def settled(plan, frame, balances=None):
    return settle_frame(plan, frame, match_columns(frame.columns, dict(frame.schema)), balances)
