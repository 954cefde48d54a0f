"""DIP claims to the fen: every claim against an oracle, and what a policy may choose."""

from __future__ import annotations

import random
import shutil
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import made_dip
import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from made_dip import MEANS, claim, expected, frame, month, policy
from pydantic import ValidationError

from drg.dip.deviation_rules import RULE_SETS
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.policy import DipDeviation, DipPayment, Policy
from drg.payment.policy.catalog import PolicyError, load_policy
from drg.payment.policy.supply import SupplyError
from drg.payment.pricing.dip_scores import DipScores, read_scores
from drg.payment.pricing.price import Pricer, price_frame

COEFFICIENTS = [
    {"hospital_level": "三级", "coefficient": "1.08"},
    {"hospital_level": "二级", "coefficient": "0.9555"},
    {"hospital": "H3", "coefficient": "0.6"},
]
TOLD = ("case_class", "branch", "points", "standard_fen", "fund_fen", "patient_fen")


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    """A priced row as the oracle tells it."""
    if row["payment_note"] is not None:
        return (row["payment_note"],)
    found = [row[name] for name in TOLD]
    found[2] = int(found[2].scaleb(4))
    return tuple(found)


def one(row: dict[str, Any], rule: Policy, **given_: Any) -> dict[str, Any]:
    found: dict[str, Any] = price_frame(frame([row]), rule, **given_).row(0, named=True)
    return found


# ---- against the oracle

SHARES = st.sampled_from(
    [
        {},
        {"share": {"basis": "standard", "patient_ratio": "0.333333"}},
        {"share": {"basis": "min", "patient_ratio": "0.25"}},
        {"fund_by": "pay_ratio", "fund_ratio_scope": "case"},
        {"fund_by": "pay_ratio", "pay_ratios": [{"ratio": "0.654321"}]},
        {"fund_by": "pay_ratio", "fund_ratio_scope": "provider",
         "pay_ratios": [{"hospital": f"H{n}", "ratio": f"0.{n}5"} for n in (1, 2, 3)]},
    ]
)  # fmt: skip
REFERENCES = st.sampled_from(
    [
        {"reference": "means", "means": MEANS},
        {"reference": "means", "means": MEANS, "without_mean": "normal"},
        {"reference": "score", "regional_mean": "8100.17"},
        {"reference": "standard"},
    ]
)
BOUNDS = st.sampled_from(
    [{}, {"low": "0.4", "low_inclusive": True}, {"high": "2.5"}, {"extreme": "6", "blank": "0.5"}]
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(sorted(RULE_SETS)), REFERENCES, BOUNDS, SHARES)
def test_every_claim_comes_to_what_the_oracle_says(seed, name, reference, bounds, shares):
    rule = policy(
        coefficients=COEFFICIENTS, deviation={"rule": name, **reference, **bounds}, **shares
    )
    rows = month(50, random.Random(seed))
    found = price_frame(frame(rows), rule)
    assert rule.dip is not None
    for row, priced in zip(rows, found.iter_rows(named=True), strict=True):
        assert told(priced) == expected(row, rule.dip), row
        if priced["payment_note"] is None:
            mode = "STATISTICS" if row["payer"] else "DIP"
            assert priced["pay_mode"] == mode
            own = priced["fund_fen"] + priced["patient_fen"] - priced["cost_fen"]
            assert priced["hospital_fen"] == own


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 40), max_size=3))
def test_two_passes_do_not_depend_on_the_cut(seed, cuts):
    rng = random.Random(seed)
    rule = policy(
        coefficients=COEFFICIENTS, deviation={"rule": "spec2020", "means": MEANS},
        review={"cap": "0.05"},
    )  # fmt: skip
    rows = month(40, rng)
    ruled = pl.DataFrame(
        [(row["claim_id"], "special_review", rng.choice(("by_item", "rejected")))
         for row in rng.sample(rows, 8)],
        schema=["claim_id", "matter", "decision"], orient="row",
    )  # fmt: skip
    whole = price_frame(frame(rows), rule, decisions=ruled)
    pricer = Pricer(rule, decisions=ruled)
    edges = [0, *sorted(cuts), len(rows)]
    parts = [frame(rows[a:b]) for a, b in pairwise(edges)]
    assessed = [pricer.assess(part) for part in parts]
    decisions = pricer.decide(assessed)
    found = pl.concat([pricer.finish(part, decisions) for part in assessed])
    assert whole.select(found.columns).equals(found)


# ---- what a case is made of


def test_the_columns_of_a_scored_claim():
    found = one(claim(), policy(coefficients=COEFFICIENTS))
    assert (str(found["group_score"]), str(found["coefficient"])) == ("1234.5678", "1.0800")
    assert str(found["points"]) == "1333.3332"  # 1333.333224, half up once
    # 255/22 yuan a point: published as 11.5909, applied unrounded.
    assert str(found["point_value"]) == "11.5909"
    assert found["standard_fen"] == 1545454 != round(1333.3332 * 1159.09)
    assert found["rate_fen"] is None
    assert found["weight"] is None
    assert (found["route"], found["pay_mode"], found["branch"]) == ("P542", "DIP", "STANDARD")


def test_a_claim_of_an_auxiliary_subtype():
    subtype = {"group": "K80.1:51.2300_dis1", "auxiliary": "dis1", "score": "2000"}
    means = {"K80.1:51.2300_dis1": "18000", "K80.1:51.2300": "9000"}
    rule = policy(deviation={"rule": "spec2020", "means": means})
    # The subtype's own mean holds before that of its group.
    assert one(claim(**subtype, total_cost="17000"), rule)["case_class"] == "NORMAL"
    assert one(claim(**subtype | {"total_cost": "8000"}), rule)["case_class"] == "ULTRA_LOW"
    del means["K80.1:51.2300_dis1"]
    rule = policy(deviation={"rule": "spec2020", "means": means})
    assert one(claim(**subtype, total_cost="18000.01"), rule)["case_class"] == "ULTRA_HIGH"


CATALOGUE = """
id = "made-up"
kind = "dip"

[tables.groups]
rows = 3
sha256 = "{groups}"

[tables.auxiliary]
rows = 1
sha256 = "{auxiliary}"
"""
GROUPS_CSV = """group,class,diagnosis,procedures,attribute,conditions,name,score,mean_cost,\
mean_days,cv,cases,origin
K80.1:51.2300,core,K80.1,51.2300,,,a,1234.5678,10000,,0.9,,
I10,primary,I10,,,,b,300.0001,2500,,0.71,,
J18:BSZL,comprehensive,J18,,BSZL,,c,,4000,,0.5,,
"""
AUXILIARY_CSV = """group,subtype,score,mean_cost,cases
K80.1:51.2300,dis1,1604.9381,15000,
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> str:
    """A folder of a catalogue with numbers and little else."""
    from drg.schemes.tables import file_digest

    folder = tmp_path / "made-up"
    folder.mkdir()
    (folder / "groups.csv").write_text(GROUPS_CSV, "utf-8", newline="\n")
    (folder / "auxiliary.csv").write_text(AUXILIARY_CSV, "utf-8", newline="\n")
    digests = {n: file_digest(folder / f"{n}.csv") for n in ("groups", "auxiliary")}
    (folder / "catalogue.toml").write_text(CATALOGUE.format(**digests), "utf-8")
    return str(folder)


def test_what_a_catalogue_gives(catalogue):
    subtype = {"group": "K80.1:51.2300_dis1", "auxiliary": "dis1", "score": "1604.9381"}
    found = one(claim(**subtype), policy(catalogue=catalogue))
    # The subtype's score counts; its coefficient on the group's score is told, not applied.
    assert str(found["auxiliary_coefficient"]) == "1.3000"
    assert str(found["points"]) == str(found["group_score"]) == "1604.9381"
    by_mean = policy(catalogue=catalogue, deviation={"rule": "spec2020", "reference": "catalogue"})
    assert one(claim(**subtype, total_cost="7400"), by_mean)["case_class"] == "ULTRA_LOW"
    assert one(claim(total_cost="7400"), by_mean)["case_class"] == "NORMAL"
    assert one(claim("Z99"), by_mean)["payment_note"] == "P651"
    plain = one(claim(**subtype), policy(catalogue=catalogue, auxiliary="none"))
    assert str(plain["points"]) == "1234.5678"
    times = {"auxiliary": "coefficient", "auxiliary_coefficients": {"dis1": "1.25"}}
    found = one(claim(**subtype), policy(catalogue=catalogue, **times))
    assert str(found["points"]) == "1543.2098"  # 1543.20975
    assert str(found["auxiliary_coefficient"]) == "1.2500"
    narrow = {"dis1": "1.25", "K80.1:51.2300|dis1": "1.5"}
    found = one(claim(**subtype), policy(catalogue=catalogue, auxiliary="coefficient",
                                         auxiliary_coefficients=narrow))  # fmt: skip
    assert str(found["auxiliary_coefficient"]) == "1.5000"
    other = subtype | {"auxiliary": "age2"}
    assert one(claim(**other), policy(catalogue=catalogue, **times))["payment_note"] == "P654"
    bare = subtype | {"adrg": "J18:BSZL"}
    assert one(claim(**bare), policy(catalogue=catalogue, auxiliary="none"))[
        "payment_note"
    ] == "P655"  # fmt: skip


def test_a_catalogue_that_is_not_there():
    with pytest.raises(PaymentError) as raised:
        Pricer(policy(catalogue="nowhere", deviation={"rule": "hubei", "reference": "catalogue"}))
    assert raised.value.code == "P493"
    assert one(claim(scheme="nowhere"), policy(catalogue="nowhere"))["pay_mode"] == "DIP"


def test_same_disease_same_price(catalogue):
    rule = policy(coefficients=COEFFICIENTS)
    assert str(one(claim("I10"), rule)["points"]) == "300.0001"
    assert str(one(claim("I10"), rule)["coefficient"]) == "1.0000"
    rule = policy(coefficients=COEFFICIENTS, same_price_classes=())
    assert str(one(claim("I10"), rule)["points"]) == "324.0001"
    rule = policy(coefficients=COEFFICIENTS, same_price_groups=("K80.1:51.2300",))
    assert str(one(claim(), rule)["coefficient"]) == "1.0000"
    # A primary-care group of a larger spread is none.
    rule = policy(coefficients=COEFFICIENTS, primary_cv="0.7", catalogue=catalogue)
    assert str(one(claim("I10"), rule)["coefficient"]) == "1.0800"
    rule = policy(coefficients=COEFFICIENTS, primary_cv="0.71", catalogue=catalogue)
    assert str(one(claim("I10"), rule)["coefficient"]) == "1.0000"


XIAMEN = [
    {"level": "三级", "base": "0.93", "ceiling": "1.20",
     "cmi": {"step": "5", "cap": "0.13"}, "child": {"step": "10", "cap": "0.06"},
     "elder": {"step": "20", "cap": "0.03", "entry": "0.01"}, "tcm": {"step": "3", "cap": "0.05"}},
    {"level": "一级", "base": "0.55"},
]  # fmt: skip


def test_dynamic_coefficients():
    register = pl.DataFrame(
        {
            "hospital_id": ["H1", "H2", "H3", "H4", "H5"],
            "level": ["三级甲等", "三级", "一级", "三级", "二级"],
            "coefficient": [None, "1.1", None, None, None],
            "cmi_excess": ["17", None, None, "17", "17"],
            "child_excess": ["32", None, None, None, "32"],
            "elder_excess": ["25", None, None, "25", "25"],
            "tcm_share": ["7", None, None, "7", "7"],
        }
    )
    rule = policy(dynamic=XIAMEN)
    rows = [claim(claim_id=h, hospital_id=h) for h in register["hospital_id"]]
    found = price_frame(frame(rows), rule, register)
    assert [None if c is None else str(c) for c in found["coefficient"]] == [
        "1.0300", "1.1000", "0.5500", None, None
    ]  # fmt: skip
    # A measurement that lacks, a level the rule does not know: nothing stands in for it.
    assert found["payment_note"].to_list() == [None, None, None, "P653", "P653"]
    assert one(claim("I10", hospital_id="H4"), rule, hospitals=register)["payment_note"] is None
    assert one(claim(), rule)["payment_note"] == "P653"


# ---- review


def reviewed(decision: str | None, *, cap: str | None = None, **said: Any) -> dict[str, Any]:
    rule = policy(
        deviation={"rule": "spec2020", "means": {"K80.1:51.2300": "10000"}},
        **({"review": {"cap": cap}} if cap else {}),
    )
    rows = [] if decision is None else [("C1", "special_review", decision, 3_000_000)]
    schema = ["claim_id", "matter", "decision", "amount_fen"]
    table = pl.DataFrame(rows, schema=schema, orient="row") if rows else None
    return one(claim(total_cost="60000", **said), rule, decisions=table)


def test_an_extreme_case_waits_for_its_review():
    assert told(reviewed(None)) == ("P652",)
    assert told(reviewed("open")) == ("P652",)
    by_group = reviewed("rejected")
    assert (by_group["case_class"], by_group["branch"]) == ("EXTREME", "STANDARD")
    assert str(by_group["points"]) == "1234.5678"
    item = reviewed("by_item")
    assert (item["branch"], item["price_fen"]) == ("REVIEW_BY_ITEM", 6_000_000)
    assert item["fund_fen"] == 6_000_000 - 200_000
    # What it is paid by item is a score at the month's point value: 6,000,000 ÷ (255/22 × 100).
    assert str(item["points"]) == "5176.4706"
    own = reviewed("adjusted")
    assert (own["branch"], own["price_fen"], str(own["points"])) == (
        "REVIEW_ADJUSTED", 3_000_000, "2588.2353"
    )  # fmt: skip
    # One case allows none within 5 per mille: what is over the cap has its group's score.
    over = reviewed("by_item", cap="0.005")
    assert (over["branch"], str(over["points"])) == ("REVIEW_OVER_CAP", "1234.5678")
    assert reviewed(None, payer="self_pay")["pay_mode"] == "STATISTICS"
    rule = policy(deviation={"rule": "spec2020", "means": MEANS, "extreme_score": "high"})
    found = one(claim(total_cost="72000.06"), rule)
    assert (found["case_class"], found["branch"]) == ("EXTREME", "HIGH_BY_SCORE")
    assert str(found["points"]) == "6172.8390"  # 5 times the score: 6 - 2 + 1


# ---- who is not paid, and why


@pytest.mark.parametrize(
    ("said", "parts", "note"),
    [
        ({"score": None}, {}, "P640"),
        ({"group": None, "outcome": "UNGROUPABLE"}, {}, "P632"),
        ({"outcome": "AMBIGUOUS"}, {}, "P633"),
        ({"outcome": "NOT_IN_FORCE"}, {}, "P631"),
        ({}, {"point_values": ()}, "P636"),
        ({"insurance": "510"}, {}, "P650"),
        ({"insurance": None}, {}, "P611"),
        ({"hospital_level": None}, {"coefficients": COEFFICIENTS}, "P610"),
        ({}, {"deviation": {"rule": "hubei"}}, "P636"),
        ({}, {"deviation": {"rule": "hubei", "reference": "score"}}, "P636"),
        ({}, {"deviation": {"rule": "hubei", "means": {"X": "1"}}}, "P651"),
        ({"hospital_level": None}, {"deviation": {"rule": "hubei", "means": MEANS},
                                    "same_price_classes": ("core",)}, None),
        ({"hospital_level": None}, {"deviation": {"rule": "hubei",
                                                  "means": {"K80.1:51.2300|三级": "9"}}}, "P610"),
        ({}, {"fund_by": "pay_ratio"}, "P636"),
        ({}, {"fund_by": "pay_ratio", "pay_ratios": [{"insurance": "390", "ratio": "0.5"}]},
         "P656"),
        ({}, {"share": {"basis": "standard"}}, "P636"),
        ({}, {"share": {"basis": "policy_ratio", "fund_ratio": "0.8"}}, "P639"),
        ({"los_days": 1}, {"exclusion": {"short_days": 2}}, None),
    ],
)  # fmt: skip
def test_what_lacks_is_told(said, parts, note):
    assert one(claim(**said), policy(**parts))["payment_note"] == note


def test_what_goes_by_item():
    short = one(claim(los_days=1), policy(exclusion={"short_days": 2}))
    assert (short["pay_mode"], short["route"]) == ("BY_ITEM", "P530")
    bare = one(claim(score=None), policy(unscored="by_item"))
    assert (bare["pay_mode"], bare["route"], bare["fund_fen"]) == ("BY_ITEM", "P552", 700_000)
    assert bare["points"] is None
    lost = one(claim(None), policy(ungrouped="by_item"))
    assert (lost["pay_mode"], lost["route"]) == ("BY_ITEM", "P550")


def test_a_bed_day_case_has_no_score():
    days = {"id": "rehab", "title_zh": "康复", "title_en": "rehab", "match": {"min_days": 60},
            "rates": [{"per_diem": "200"}], "fund": "ratio", "fund_ratio": "0.8"}  # fmt: skip
    rule = policy(policy={"bed_day": [days]})
    found = one(claim(los_days=70), rule)
    assert (found["pay_mode"], found["points"], found["group_score"]) == ("BED_DAY", None, None)


def test_claims_of_another_catalogue_are_refused():
    with pytest.raises(PaymentError) as raised:
        one(claim(scheme="taian-2025"), policy())
    assert raised.value.code == "P426"
    with pytest.raises(PaymentError) as raised:
        price_frame(frame([claim()]).drop("group"), policy())
    assert raised.value.code == "P427"


def test_policy_ratio_takes_out_what_is_out_of_scope():
    rows = frame([claim()]).with_columns(
        fully_self_paid=pl.lit("100.00"), first_self_paid=pl.lit("50.00"), deductible=pl.lit("800")
    )
    rule = policy(share={"basis": "policy_ratio", "fund_ratio": "0.85"})
    found = price_frame(rows, rule).row(0, named=True)
    assert found["standard_fen"] == 1_430_976
    assert found["fund_fen"] == 1_135_580  # (14309.76 - 950) × 0.85 = 11355.796


# ---- the source, and the numbers of a policy


def test_scores_are_a_source_of_their_own():
    rule = policy(coefficients=COEFFICIENTS)
    rows = frame([claim(), claim("I10", claim_id="C2")])
    direct = price_frame(rows, rule)
    source = price_frame(rows, rule, scores=DipScores(rule))
    assert direct.equals(source)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["93.85", "93.8500", "0", "1234567.12345", "-1", "", None, "x", " 7 ", "1.50000"],
         [938_500, 938_500, 0, -1, -1, -1, -1, -1, 70_000, 15_000]),
        ([93.85, 0.1, float("nan"), None], [938_500, 1000, -1, -1]),
        ([3, 0, None], [30_000, 0, -1]),
    ],
)  # fmt: skip
def test_scores_as_files_write_them(cells, found):
    frame_ = pl.DataFrame({"score": cells}, strict=False)
    assert read_scores(frame_).tolist() == found
    assert read_scores(pl.DataFrame({"a": [1]})).tolist() == [-1]


def test_impossible_policies_are_refused():
    for parts in (
        {"rule": "nowhere"}, {"rule": "taian", "low": "3"}, {"rule": "jining", "extreme": "2"},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            DipDeviation(**parts)
    for yuan in ("0", "-1", "1/0", "x", "1e9", 0.5, "200000", "1/3/5"):
        with pytest.raises(ValidationError):
            DipPayment(point_values=[{"yuan": yuan}])
    assert DipPayment(point_values=[{"yuan": "1/3"}]).point_values[0].yuan == Fraction(1, 3)


def test_shipped_policies_and_their_wanted_numbers():
    demo = load_policy("dip-demo-2025")
    assert demo.synthetic
    assert demo.wanted == {}
    taian = load_policy("taian-2025")
    assert {*taian.wanted} == {"dip.point_values", "dip.coefficients", "dip.deviation.means"}
    rows = [claim(scheme="taian-2025")]
    assert price_frame(frame(rows), taian)["payment_note"].to_list() == ["P636"]
    supply = {
        "dip.point_values.310": "11.5", "dip.coefficients.H1": "1.02",
        "dip.deviation.means.K80.1:51.2300": "10000",
    }  # fmt: skip
    given_ = load_policy("taian-2025", supply=supply)
    assert given_.wanted == {}
    assert given_.digest != taian.digest
    found = price_frame(frame(rows), given_).row(0, named=True)
    assert (found["standard_fen"], str(found["coefficient"])) == (1_448_148, "1.0200")
    # One that the register of hospitals gives is one as well.
    del supply["dip.coefficients.H1"]
    register = pl.DataFrame({"hospital_id": ["H1", "H9"], "coefficient": ["0.9", None]})
    rows += [claim(claim_id="C9", scheme="taian-2025", hospital_id="H9")]
    found = price_frame(frame(rows), load_policy("taian-2025", supply=supply), register)
    assert found["payment_note"].to_list() == [None, "P636"]
    for place in ("pingdingshan-2025", "xiamen-2024"):
        open_ = load_policy(place)
        assert "dip.deviation" in open_.wanted
        rows = [claim(scheme=(open_.dip and open_.dip.catalogue) or "made-up")]
        assert price_frame(frame(rows), open_)["payment_note"].to_list() == ["P636"]


def test_an_example_supplies_what_tai_an_leaves_open():
    example = load_policy(ROOT / "examples" / "dip" / "taian-policy.toml")
    assert example.wanted == {}
    assert example.synthetic
    found = one(claim(scheme="taian-2025"), example)
    assert (found["pay_mode"], str(found["point_value"])) == ("DIP", "7.4300")


def test_the_digest_is_of_the_catalogue_wherever_it_lies(catalogue, tmp_path):
    other = tmp_path / "elsewhere"
    shutil.copytree(catalogue, other)
    found = [
        load_policy("dip-demo-2025", supply={"dip.catalogue": str(folder)}).digest
        for folder in (catalogue, other, "made-up")
    ]
    assert found[0] == found[1] != found[2]
    assert one(claim(), policy(catalogue=str(other)))["pay_mode"] == "DIP"


def test_numbers_are_supplied_by_path(tmp_path):
    means = tmp_path / "means.csv"
    means.write_text("group,level,mean\nI10,,2500\nI10,三级,3000.50\n", "utf-8")
    supply = {
        "dip.deviation.means": str(means), "dip.point_values.390.二级": "9/7",
        "dip.pay_ratios.310.H1": "0.7", "dip.deviation.high_inclusive": "true",
        "dip.deviation.reference": "means", "dip.auxiliary": "none",
    }  # fmt: skip
    dip = load_policy("dip-demo-2025", supply=supply).dip
    assert dip is not None
    assert dip.deviation is not None
    assert dip.deviation.means == {"I10": 250_000, "I10|三级": 300_050}
    assert dip.deviation.high_inclusive is True
    assert dip.point_values[-1].yuan == Fraction(9, 7)
    assert dip.pay_ratios[0].hospital == "H1"
    for bad, code in (
        ({"dip.scores": "1"}, "P476"), ({"dip.deviation.rule": "x"}, "P462"),
        ({"dip.value_mode": "elastic"}, "P463"),
    ):  # fmt: skip
        with pytest.raises((PolicyError, SupplyError)) as raised:
            load_policy("dip-demo-2025", supply=bad)
        assert raised.value.code == code


def test_two_rows_for_one_claim_are_refused():
    rows = [
        {"hospital_level": "三级", "coefficient": "1"}, {"group": "I10", "coefficient": "2"},
    ]  # fmt: skip
    with pytest.raises(PaymentError) as raised:
        Pricer(policy(coefficients=rows))
    assert raised.value.code == "P421"
    fine = [*rows, {"hospital_level": "三级", "group": "I10", "coefficient": "3"}]
    found = one(claim("I10"), policy(coefficients=fine, same_price_classes=()))
    assert str(found["coefficient"]) == "3.0000"


def test_values_change_with_the_day():
    values = [
        {"yuan": "10", "in_force": ["2025-01-01", "2025-06-05"]},
        {"yuan": "12", "in_force": ["2025-06-05", ""]},
    ]
    rule = policy(point_values=values)
    days = [date(2025, 6, 4), date(2025, 6, 5)]
    rows = [claim(claim_id=str(day), discharged_on=day) for day in days]
    found = price_frame(frame(rows), rule)
    assert found["standard_fen"].to_list() == [1_234_568, 1_481_481]
    assert made_dip.expected(rows[0], rule.dip)[3] == 1_234_568
