"""Figures against a plain reckoning claim by claim; reasons, reference, readmission, risk."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from statistics import pstdev

import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.claims.profiles import match_columns
from drg.errors import TableError
from drg.money import round_scaled
from drg.reports.kpi.build import KpiRun, kpi_report, read_levels
from drg.reports.kpi.catalog import kpi_catalogue, read_catalogue, shown
from drg.reports.kpi.formulas import (
    consumption_index,
    mortality_scores,
    risk_grade,
    rounded_cv,
)
from drg.reports.kpi.reference import (
    KpiError,
    read_reference,
    save_reference,
)
from drg.reports.kpi.tables import say

BASE = {
    "claim_id": "C1", "hospital_id": "H1", "department": "内科", "insurance": "310",
    "patient_id": None, "admitted_on": None, "discharged_on": "2025-06-10", "los_days": "5",
    "disposition": "1", "diagnoses": "I10", "total_cost": "100.00", "patient_paid": "30.00",
    "outcome": "GROUPED", "group": "AA1", "adrg": "AA1", "weight": "1.0000",
    "standard_fen": 12000,
}  # fmt: skip


def frame(*rows, without=()):
    said = [{k: v for k, v in (BASE | row).items() if k not in without} for row in rows]
    return pl.DataFrame(said, infer_schema_length=None)


def report(*rows, without=(), **options):
    claims = frame(*rows, without=without)
    return kpi_report([(claims, match_columns(claims.columns))], **options)


def row_of(found, kpi, level="all", **unit):
    rows = found.rows(level, kpi)
    for name, value in unit.items():
        rows = rows.filter(pl.col(name) == value)
    assert rows.height == 1
    return rows.row(0, named=True)


drawn = st.lists(
    st.fixed_dictionaries(
        {
            "hospital_id": st.sampled_from(["H1", "H2", None]),
            "department": st.sampled_from(["甲", "乙"]),
            "discharged_on": st.sampled_from(["2025-01-31", "2025-02-01", "2025-03-09", None]),
            "los_days": st.sampled_from(["0", "1", "7", "61", None, "x"]),
            "disposition": st.sampled_from(["1", "5", None]),
            "total_cost": st.sampled_from(["0.00", "10.01", "99.99", "12345.60", None]),
            "outcome": st.sampled_from(["GROUPED", "GROUPED", "AMBIGUOUS", "REJECTED"]),
            "group": st.sampled_from(["AA1", "BR2", "CS3"]),
            "weight": st.sampled_from(["0.5000", "2.0000", "1.9999", None]),
            "standard_fen": st.sampled_from([0, 5000, 9999, None]),
        }
    ),
    min_size=1,
    max_size=25,
)


@given(drawn)
@settings(max_examples=12, deadline=None)
def test_figures_agree_with_a_plain_reckoning(rows):
    found = report(*rows)
    units = defaultdict(list)
    for row in rows:
        units["all", ()].append(row)
        units["hospital", (row["hospital_id"] or "",)].append(row)
        units["group", (row["group"],)].append(row)
    means = defaultdict(list)
    for row in rows:
        if row["outcome"] == "GROUPED" and row["total_cost"] is not None:
            means[row["group"]].append(Fraction(row["total_cost"]))
    region = {group: sum(costs) / len(costs) for group, costs in means.items()}
    for (level, names), claims in units.items():
        if level not in found.levels:
            continue
        unit = dict(zip((level,), names, strict=False)) if names else {}
        for kpi, (top, bottom) in reckoned(claims).items():
            value = round_scaled(top / bottom, found.kpi(kpi).places) if bottom > 0 else None
            assert row_of(found, kpi, level, **unit)["value"] == value
        index = consumption_index(
            (Fraction(c["total_cost"]), region[c["group"]], 1)
            for c in claims
            if c["outcome"] == "GROUPED" and c["total_cost"] is not None
        )
        told = row_of(found, "cost_index", level, **unit)["value"]
        assert told == (None if index is None else round_scaled(index))


def reckoned(claims):
    """Numerator and denominator of some figures, claim by claim; yuan are fen."""
    grouped = [c for c in claims if c["outcome"] == "GROUPED"]
    weighed = [c for c in grouped if c["weight"] is not None]
    priced = [c for c in claims if c["standard_fen"] is not None and c["total_cost"] is not None]
    costs = [100 * Fraction(c["total_cost"]) for c in priced]
    standards = [Fraction(c["standard_fen"]) for c in priced]
    left = [c for c in claims if c["disposition"]]
    days = [c for c in claims if c["los_days"] not in (None, "x")]
    return {
        "grouping_rate": (Fraction(len(grouped)), len(claims)),
        "cmi": (sum((Fraction(c["weight"]) for c in weighed), Fraction(0)), len(weighed)),
        "rw2_share": (Fraction(sum(c["weight"] == "2.0000" for c in weighed)), len(weighed)),
        "cost_to_standard": (sum(costs, Fraction(0)), sum(standards)),
        "surplus_rate": (sum(standards, Fraction(0)) - sum(costs), sum(standards)),
        "mortality": (Fraction(sum(c["disposition"] == "5" for c in left)), len(left)),
        "long_stay_share": (Fraction(sum(c["los_days"] == "61" for c in days)), len(days)),
        "mean_los": (Fraction(sum(int(c["los_days"]) for c in days)), len(days)),
    }


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30), st.booleans())
@settings(max_examples=60)
def test_cv_is_the_rounded_root(costs, sample):
    found = rounded_cv(
        len(costs), sum(costs), sum(c * c for c in costs), 4, sample=sample and len(costs) > 1
    )
    if not sum(costs):
        assert found is None
        return
    spread = pstdev(costs) * (
        sqrt(len(costs) / (len(costs) - 1)) if sample and len(costs) > 1 else 1
    )
    assert found == pytest.approx(10**4 * spread / (sum(costs) / len(costs)), abs=0.51)


def test_a_missing_column_is_a_reason_and_never_zero():
    found = report({}, without=("total_cost", "standard_fen", "weight"))
    told = {row["kpi"]: row for row in found.rows("all").iter_rows(named=True)}
    for kpi, column in {
        "mean_cost": "total_cost", "surplus": "standard_fen", "cmi": "weight",
        "drug_share": "drug_cost", "cost_index": "total_cost", "mean_cv": "total_cost",
        "upload_rate": "list_status", "readmission_14": "patient_id", "quadrant": "weight",
        "decomposed_share": "findings", "surplus_coverage": "standard_fen",
    }.items():  # fmt: skip
        row = told[kpi]
        assert (row["value"], row["numerator"], row["reason"]) == (None, None, "missing")
        assert row["lacking"] == column
    assert told["mean_los"]["value"] == 500


def test_a_claim_without_an_input_is_left_out_not_averaged():
    found = report({"total_cost": "10.00"}, {"total_cost": None}, {"total_cost": "20.00"})
    row = row_of(found, "mean_cost")
    assert (row["value"], row["cases"], row["left_out"]) == (1500, 2, 1)
    one = row_of(report({"hospital_id": "H1"}, {"hospital_id": "H2", "total_cost": None}),
                 "mean_cost", "hospital", hospital="H2")  # fmt: skip
    assert (one["value"], one["reason"], one["left_out"]) == (None, "missing", 1)


def test_nothing_to_divide_by():
    row = row_of(report({"standard_fen": 0}), "cost_to_standard")
    assert (row["value"], row["denominator"], row["reason"]) == (None, 0, "zero_denominator")
    empty = row_of(report({"outcome": "REJECTED"}), "cmi")
    assert (empty["value"], empty["reason"]) == (None, "no_cases")


def test_every_reason_and_title_has_words():
    for lang in ("zh", "en"):
        for kpi in kpi_catalogue().kpis:
            assert kpi.title(lang)
            assert kpi.formula(lang) or kpi.note(lang)
            assert say(f"theme_{kpi.theme}", lang)
            assert say(f"unit_{kpi.unit}", lang)
        for reason in ("missing", "no_cases", "zero_denominator", "other_system", "no_reference",
                       "no_earlier", "one_case"):  # fmt: skip
            assert say(f"reason_{reason}", lang)


def test_definitions_name_documents():
    known = tomllib.loads((ROOT / "tables" / "sources.toml").read_text("utf-8"))
    for kpi in kpi_catalogue().kpis:
        assert kpi.source in known
        assert kpi.status in ("transcribed", "recalled", "derived")


def test_the_index_of_a_run_is_one_and_of_a_frozen_reference_what_it_is(tmp_path):
    rows = [{"total_cost": "10.00"}, {"total_cost": "20.00"}, {"group": "BR2", "los_days": "3"}]
    found = report(*rows)
    assert found.value("cost_index") == found.value("time_index") == 10_000
    path = tmp_path / "region.csv"
    save_reference(path, found.reference)
    frozen = read_reference(path)
    assert frozen.frozen
    assert frozen.groups["AA1"].cost_mean == Fraction(1500)
    again = tmp_path / "again.csv"
    save_reference(again, frozen)
    assert again.read_bytes() == path.read_bytes()
    later = report({"total_cost": "30.00"}, {"group": "ZZ9"}, reference=frozen)
    row = row_of(later, "cost_index")
    assert (row["value"], row["cases"], row["left_out"]) == (20_000, 1, 1)
    assert row_of(later, "cost_index", "group", group="ZZ9")["reason"] == "no_reference"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("group,name\nA,b\n", "K402"),
        ("group,cost_mean\nA,1e3\n", "K403"),
        ("group,cost_mean,risk\nA,1,middling\n", "K403"),
        ("group,los_mean\nA,1\nA,2\n", "K404"),
    ],
)
def test_broken_references(tmp_path, text, code):
    path = tmp_path / "r.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(KpiError) as caught:
        read_reference(path)
    assert caught.value.code == code
    for lang in ("zh", "en"):
        assert caught.value.message(lang)


def test_means_alone_are_a_reference(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("group,los_mean,risk\nAA1,2.5,low\n*,,\n", "utf-8")
    found = report({"los_days": "5", "disposition": "5"}, reference=read_reference(path))
    assert found.value("time_index") == 20_000
    assert row_of(found, "cost_index")["reason"] == "no_reference"
    row = row_of(found, "low_risk_mortality")
    assert (row["numerator"], row["denominator"], row["value"]) == (1, 1, 1_000_000)


def test_growth_is_against_the_month_before():
    found = report(
        {"discharged_on": "2024-12-31", "total_cost": "100.00"},
        {"discharged_on": "2025-01-01", "total_cost": "110.00"},
        {"discharged_on": "2025-03-01", "total_cost": "110.00"},
    )
    rows = found.rows("period", "mean_cost_growth")
    assert found.periods == ("2024-12", "2025-01", "2025-03")
    assert rows["value"].to_list() == [None, 1000, None]
    assert rows["reason"].to_list() == ["no_earlier", "", "no_earlier"]
    assert not found.rows("all", "mean_cost_growth").height


def test_growth_is_against_the_month_of_the_year_before():
    found = report(
        {"discharged_on": "2024-03-31", "total_cost": "100.00", "los_days": "4"},
        {"discharged_on": "2025-02-01", "total_cost": "50.00"},
        {"discharged_on": "2025-03-01", "total_cost": "80.00", "los_days": "6"},
        {"discharged_on": None, "total_cost": "80.00"},
    )
    month = {"period": "2025-03"}
    row = row_of(found, "mean_cost_growth_year", "period", **month)
    assert (row["numerator"], row["denominator"], row["value"]) == (-2_000, 10_000, -2_000)
    assert row_of(found, "mean_los_growth_year", "period", **month)["value"] == 5_000
    assert row_of(found, "mean_cost_growth", "period", **month)["value"] == 6_000
    for period in ("", "2024-03", "2025-02"):
        row = row_of(found, "mean_cost_growth_year", "period", period=period)
        assert (row["value"], row["reason"]) == (None, "no_earlier")


def test_cases_of_groups_without_a_grade_are_left_out(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("group,los_mean,risk\nAA1,2,low\nBR2,2,\n", "utf-8")
    rows = [{}, {"disposition": "5"}, {"group": "BR2", "hospital_id": "H2"}, {"disposition": None}]
    found = report(*rows, reference=read_reference(path))
    row = row_of(found, "low_risk_mortality")
    assert [row[k] for k in ("numerator", "denominator", "cases", "left_out")] == [1, 2, 2, 2]
    row = row_of(found, "low_risk_mortality", "hospital", hospital="H2")
    assert (row["value"], row["reason"]) == (None, "no_reference")
    path.write_text("group,los_mean\nAA1,2\n", "utf-8")
    ungraded = report(*rows, reference=read_reference(path))
    assert row_of(ungraded, "zero_risk_mortality")["reason"] == "no_reference"


def test_readmission_counts_days_from_discharge():
    stay = {"patient_id": "P1"}
    found = report(
        stay | {"admitted_on": "2025-01-01", "discharged_on": "2025-01-10"},
        stay | {"admitted_on": "2025-01-24", "discharged_on": "2025-01-24"},
        stay | {"admitted_on": "2025-02-24", "discharged_on": "2025-02-25", "hospital_id": "H2"},
        {"patient_id": "P2", "admitted_on": "2025-01-11", "discharged_on": "2025-01-12"},
        {"patient_id": None, "admitted_on": "2025-01-11"},
        {"patient_id": "P3", "admitted_on": "2025-01-12", "discharged_on": "2025-01-11"},
    )
    two, month = row_of(found, "readmission_14"), row_of(found, "readmission_30")
    assert (two["numerator"], two["denominator"], two["left_out"]) == (1, 4, 2)
    assert month["numerator"] == 1  # the 24th of January to the 24th of February: 31 days


def test_quadrants_compare_the_cmi_unrounded():
    found = report(
        {"hospital_id": "A", "weight": "0.9999", "standard_fen": 10_000},
        *[{"hospital_id": "A", "weight": "1.0000", "standard_fen": 10_000}] * 30,
        {"hospital_id": "B", "weight": "1.0000", "standard_fen": 9_999},
    )
    quadrants = found.wide("hospital", "quadrant", "cmi")
    assert quadrants.rows() == [("A", 4, 10_000), ("B", 1, 10_000)]


def test_coverage_counts_institutions_with_a_surplus():
    found = report(
        {"hospital_id": "A"},
        {"hospital_id": "B", "standard_fen": 1},
        {"hospital_id": "C", "standard_fen": 10_000},
        {"hospital_id": None},
    )
    row = row_of(found, "surplus_coverage")
    assert (row["numerator"], row["denominator"], row["value"]) == (1, 3, 3333)


def test_scores_stand_for_weights_under_dip():
    def dip(**more):
        return {"group_class": "core.surgery", "score": "100.0000"} | more

    rows = [dip(), dip(score="300.0000", hospital_id="H2", group_class="comprehensive.surgery")]
    found = report(*rows, without=("weight",))
    assert found.system == "dip"
    assert found.value("cmi") == 10_000
    assert found.value("cmi", "hospital", hospital="H2") == 15_000
    assert found.value("total_score") == 4_000_000
    assert row_of(found, "total_weight")["reason"] == "other_system"
    assert found.value("core_share") == 5_000
    assert found.value("rw2_share") == 0
    with pytest.raises(KpiError, match="K407"):
        report(*rows)


def test_settled_claims_have_prices_classes_and_reviews():
    priced = {
        "price_fen": 12_000, "fund_fen": 7_000, "cost_fen": 10_000, "patient_fen": 3_000,
        "route": "P540", "branch": "STANDARD", "case_class": "NORMAL", "fund_paid": "70.00",
    }  # fmt: skip
    found = report(
        priced,
        priced | {"branch": "REVIEW_BY_ITEM", "case_class": "EXTREME", "price_fen": 15_000},
        priced | {"route": "P520", "case_class": "ULTRA_LOW"},
        priced | {"route": "P522", "branch": None, "case_class": None, "price_fen": None},
    )
    assert found.value("settled_surplus") == 9_000
    assert (found.value("review_cases"), found.value("review_extra")) == (1, 3_000)
    assert found.value("disease_execution_rate") == 5_000
    assert found.value("high_cost_share") == 3333
    assert found.value("deviation_share") == 6667
    assert found.value("paid_over_booked") == 10_000
    assert found.value("settlement_difference") == -5_000


def test_findings_of_an_audit_count():
    findings = pl.DataFrame(
        {
            "claim_id": ["A", "B", "B", "C"],
            "code": ["A301", "A301", "E110", "A301"],
            "result": ["hit", "not_assessable", "hit", "hit"],
        }
    )
    rows = [{"claim_id": name} for name in "ABCD"]
    row = row_of(report(*rows, findings=findings), "decomposed_share")
    assert (row["numerator"], row["denominator"], row["left_out"]) == (2, 3, 1)


def test_the_audits_rules_are_there():
    parameters = kpi_catalogue().parameters
    shipped = (ROOT / "tables" / "audit" / "rules").glob("*.toml")
    known = {rule for path in shipped for rule in tomllib.loads(path.read_text("utf-8"))}
    assert known.issuperset(parameters.decomposed_rules + parameters.low_standard_rules)


def test_groups_above_the_bound_are_flagged():
    found = report(*[{"total_cost": cost} for cost in ("1.00", "1.00", "1.00", "9.00")])
    group = found.groups.row(0, named=True)
    assert (group["cv_e4"], group["flag"], group["mean_fen"]) == (11547, "review", 300)
    assert row_of(found, "cv", "group", group="AA1")["flag"] == "high"
    assert (found.value("cv_review_groups"), found.value("cv_high_groups")) == (1, 1)
    assert found.value("mean_cv") == 11547


def test_risk_by_the_spread_of_ln_mortality():
    scores = mortality_scores([(1, 1000), (1, 100), (1, 100), (1, 10), (0, 50)])
    assert [None if s is None else round(s, 3) for s in scores] == [
        Decimal("-1.414"), Decimal(0), Decimal(0), Decimal("1.414"), None,
    ]  # fmt: skip
    grades = [risk_grade(s, d) for s, d in zip(scores, (1, 1, 1, 1, 0), strict=True)]
    assert grades == ["low", "mid_high", "mid_high", "high", "zero"]
    assert risk_grade(Decimal(-1), 1) == "mid_low"
    assert risk_grade(Decimal(1), 1) == "mid_high"
    assert mortality_scores([(2, 10), (2, 10)]) == [None, None]


def test_levels():
    assert read_levels(["doctor"]) == ("all", "hospital+department+doctor")
    with pytest.raises(KpiError, match="K405"):
        read_levels(["ward"])
    with pytest.raises(KpiError, match="K406"):
        report({}, by=["doctor"])
    found = report({}, by=["group+hospital", "period"])
    assert found.levels == ("all", "hospital+group", "period")
    assert "hospital+department+doctor" not in report({}).levels


def test_batches_change_nothing():
    rows = [
        {"hospital_id": f"H{n % 3}", "total_cost": f"{n}.10", "group": f"G{n % 4}"}
        for n in range(40)
    ]
    whole = report(*rows)
    run = KpiRun()
    for start in range(0, 40, 7):
        part = frame(*rows[start : start + 7])
        run.add(part, match_columns(part.columns))
    assert run.finish().values.equals(whole.values)
    backwards = report(*reversed(rows))
    assert backwards.values.equals(whole.values)


def test_no_claim_at_all():
    claims = frame({}).clear()
    found = kpi_report([(claims, match_columns(claims.columns))])
    assert found.claims == 0
    assert KpiRun().finish().claims == 0


def test_values_as_people_write_them():
    of = kpi_catalogue().kpi
    assert shown(of("surplus"), -123_456_789) == "-1,234,567.89"
    assert shown(of("low_risk_mortality"), 250) == "0.0250%"
    assert shown(of("cost_deviation"), -5) == "-0.05%"
    assert shown(of("cases"), 1234) == "1,234"
    assert shown(of("quadrant"), 2, "en").startswith("2:")
    assert shown(of("cmi"), None) == ""


def test_a_broken_catalogue_says_so(tmp_path):
    text = (ROOT / "tables" / "kpi.toml").read_text("utf-8")
    for wrong, right in (('"grouped"\nden', '"groups_of"\nden'), ('kind = "sum"', 'kind = "x"')):
        path = tmp_path / "kpi.toml"
        path.write_text(text.replace(wrong, right, 1), "utf-8")
        with pytest.raises(TableError, match="K401"):
            read_catalogue(path)
