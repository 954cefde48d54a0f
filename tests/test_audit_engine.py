"""Rules that judge one list: hit, pass or not assessable; the run that gathers what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from drg.audit import quality
from drg.audit.engine import COUNTS, FINDINGS, Audit, audit_frame
from drg.audit.kind import AuditClaims
from drg.audit.kinds import KINDS
from drg.audit.model import NO_AMOUNT, Level, Scope
from drg.audit.rules import load_rules
from drg.claims.profiles import match_columns
from drg.claims.synth import synth
from drg.schemes.catalog import load_scheme

NATIONAL = load_rules()
#: Rules on one list alone; the others have tests of their own.
LISTS = replace(NATIONAL, rules=tuple(rule for rule in NATIONAL.rules if rule.id < "A3"))
#: A list without a fault, as a file has it.
CLEAN = {
    "claim_id": "1", "hospital_id": "H1", "insured_no": "330100X", "record_no": "77",
    "nationality": "CHN", "occupation": "27", "contact_relation": "1", "contact_address": "A",
    "contact_phone": "1", "sex": "F", "age": "30", "age_days": None, "birth_date": "1995-01-10",
    "admitted_on": "2025-06-01", "discharged_on": "2025-06-05", "los_days": "4",
    "uploaded_on": "2025-06-08", "disposition": "1", "insurance": "310", "inpatient_type": "1",
    "admission_route": "2", "treatment_type": "1", "pay_mode": "4", "care_type": "21",
    "newborn_admission_type": None, "birth_weight_g": None, "admission_weight_g": None,
    "vent_duration": None, "ventilation_hours": "0", "icu_hours": "0", "icu_from": None,
    "icu_to": None, "dx_count": "2", "op_count": "1", "conditions_at_admission": "1|1",
    "procedure_dates": "2025-06-02", "chronic_department": None, "diagnoses": "J18.900|I10.x00",
    "procedures": "33.2400", "total_cost": "10000.00", "item_total": "10000.00",
    "fund_paid": "6500.00", "patient_paid": "3500.00", "hospital_paid": "0.00",
    "drug_cost": "2000.00",
}  # fmt: skip
BIRTH = {"diagnoses": "O82.000|Z37.000", "procedures": "74.1x01", "birth_weight_g": "3200"}
NEWBORN = {
    "age": "0", "age_days": "12", "birth_date": "2025-05-20", "diagnoses": "P59.901|P07.300",
    "newborn_admission_type": "2", "birth_weight_g": "3200", "admission_weight_g": "3150.00",
}  # fmt: skip


def frame(*changes: dict[str, str | None]) -> pl.DataFrame:
    rows = [CLEAN | change for change in changes]
    return pl.DataFrame(rows, schema=dict.fromkeys(CLEAN, pl.String))


def found(*changes: dict[str, str | None], every: bool = False, rules=LISTS) -> pl.DataFrame:
    claims = frame(*changes)
    return audit_frame(rules, claims, match_columns(claims.schema), every=every).findings


def test_a_clean_list_has_no_finding():
    assert found({}, BIRTH, NEWBORN, {"sex": "2", "disposition": "1.0"}).is_empty()


FAULTS = [
        ("A101", {"occupation": ""}),
        ("A101", {"contact_phone": "-"}),
        ("A102", {"discharged_on": None}),
        ("A102", {"diagnoses": "|I10.x00"}),
        ("A103", {"sex": "3"}),
        ("A104", {"disposition": "7"}),
        ("A105", {"disposition": "9"}),
        ("A106", {"insurance": "城乡"}),
        ("A107", {"occupation": "农民"}),
        ("A108", {"contact_relation": "配偶"}),
        ("A109", NEWBORN | {"newborn_admission_type": "2|5"}),
        ("A110", {"inpatient_type": "3"}),
        ("A111", {"admission_route": "4"}),
        ("A112", {"treatment_type": "2"}),
        ("A113", {"pay_mode": "8"}),
        ("A114", {"discharged_on": "2025-05-01"}),
        ("A114", {"discharged_on": "soon"}),
        ("A115", {"uploaded_on": "2025-06-04"}),
        ("A116", {"birth_date": "2026-01-01"}),
        ("A117", {"los_days": "14"}),
        ("A117", {"los_days": "3"}),
        ("A118", {"age": "29"}),
        ("A118", NEWBORN | {"age_days": "15"}),
        ("A119", {"age_days": "12"}),
        ("A119", {"age": "0", "age_days": "400"}),
        ("A120", NEWBORN | {"newborn_admission_type": None}),
        ("A121", BIRTH | {"birth_weight_g": None}),
        ("A122", BIRTH | {"birth_weight_g": "95"}),
        ("A122", BIRTH | {"birth_weight_g": "9999.5"}),
        ("A122", BIRTH | {"birth_weight_g": "3.2kg"}),
        ("A123", NEWBORN | {"admission_weight_g": None}),
        ("A124", NEWBORN | {"admission_weight_g": "10000"}),
        ("A125", {"age": "230"}),
        ("A126", {"vent_duration": "37小时"}),
        ("A127", {"vent_duration": "1/13/24", "ventilation_hours": "96"}),
        ("A128", {"ventilation_hours": "121"}),
        ("A129", {"icu_hours": "200"}),
        ("A130", {"icu_from": "2025-06-02 08:00", "icu_to": "2025-06-06 09:00"}),
        ("A130", {"icu_from": "2025-06-02 10:00", "icu_to": "2025-06-02 8:05"}),
        ("A130", {"icu_from": "2025-06-02|2025-06-03", "icu_to": "2025-06-02"}),
        ("A131", {"procedure_dates": "2025-05-20"}),
        ("A131", {"procedure_dates": "2025-06-02|?"}),
        ("A132", {"dx_count": "5"}),
        ("A133", {"op_count": "1", "procedures": None}),
        ("A134", {"conditions_at_admission": "1"}),
        ("A135", {"item_total": "9999.90"}),
        ("A136", {"patient_paid": "3400.00"}),
        ("A137", {"total_cost": "0"}),
        ("A138", {"drug_cost": "10000.02"}),
        ("A138", {"drug_cost": "-1"}),
        ("A139", {"care_type": "14"}),
        ("A140", {"uploaded_on": "2025-06-13"}),
        ("A141", {"diagnoses": "I10.x00| i10.X00 "}),
        ("A142", NEWBORN | {"birth_weight_g": "3.2"}),
        ("A201", {"diagnoses": "N40.x00|I10.x00"}),
        ("A202", BIRTH | {"sex": "M"}),
        ("A203", {"procedures": "60.2901"}),
        ("A204", {"sex": "1", "procedures": "74.1x01"}),
        ("A205", {"diagnoses": "I10.x00|N40.x00"}),
        ("A206", {"sex": "男", "diagnoses": "I10.x00|D25.900"}),
        ("A207", {"diagnoses": "Q55.000"}),
        ("A208", {"sex": "M", "diagnoses": "M80.000"}),
        ("A210", {"diagnoses": "Z38.000"}),
        ("A211", {"diagnoses": "P59.900"}),
        ("A212", {"age": "64", "diagnoses": "O26.900"}),
        ("A213", {"age": "6", "diagnoses": "H25.900"}),
        ("A214", {"diagnoses": "E30.100"}),
        ("A220", {"diagnoses": "W19.900"}),
        ("A221", {"diagnoses": "Z88.804"}),
        ("A222", {"diagnoses": "R50.900"}),
        ("A223", {"diagnoses": "S62.810"}),
        ("A224", {"conditions_at_admission": "4|1"}),
        ("A225", {"diagnoses": "B97.000"}),
        ("A230", {"diagnoses": "E10.900|E11.900"}),
        ("A231", {"diagnoses": "I10.x00|K80.200|K81.000"}),
        ("A232", {"diagnoses": "O80.900"}),
        ("A233", {"diagnoses": "O82.000|Z37.000"}),
]  # fmt: skip
#: On the safe side of a bound.
SAFE = [
        ("A117", {"discharged_on": "2025-06-01", "los_days": "0"}),
        ("A117", {"discharged_on": "2025-06-01", "los_days": "1"}),
        ("A117", {"los_days": "5"}),
        ("A118", NEWBORN | {"age_days": "13"}),
        ("A120", {"age": "1", "age_days": None}),
        ("A121", {"diagnoses": "O83.400"}),
        ("A122", BIRTH | {"birth_weight_g": "100"}),
        ("A122", BIRTH | {"birth_weight_g": "9999"}),
        ("A122", {"birth_weight_g": "0"}),
        ("A127", {"vent_duration": "0/95/59", "ventilation_hours": "95"}),
        ("A128", {"ventilation_hours": "120"}),
        ("A130", {"icu_from": "2025-06-02 8:05", "icu_to": "20250602100000"}),
        ("A135", {"item_total": "10000.01"}),
        ("A136", {"patient_paid": "3500.01"}),
        ("A140", {"uploaded_on": "2025-06-12"}),
        ("A230", {"diagnoses": "E11.900|E11.200"}),
        ("A232", {"diagnoses": "O80.900|Z37.000"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def judged() -> dict[tuple[int, str], str]:
    """Row and rule to what was said, of all the lists above at once; a pass is not there."""
    told = found(*(change for _, change in FAULTS + SAFE), every=True)
    return {(row, rule): said for row, rule, said in told.select("row", "rule", "result").rows()}


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=lambda n: f"{FAULTS[n][0]}-{n}")
def test_each_rule_finds_its_fault(judged, number):
    assert judged.get((number + 1, FAULTS[number][0])) == "hit", FAULTS[number][1]


@pytest.mark.parametrize("number", range(len(SAFE)), ids=lambda n: f"{SAFE[n][0]}-{n}")
def test_on_the_safe_side_of_a_bound(judged, number):
    assert judged.get((len(FAULTS) + number + 1, SAFE[number][0]), "pass") != "hit"


def test_every_rule_on_one_list_is_tried_above():
    assert {rule for rule, _ in FAULTS} == {rule.id for rule in LISTS.rules}


def unknown(change: dict[str, str | None], drop: tuple[str, ...] = ()) -> dict[str, str]:
    claims = frame(change).drop(drop)
    told = audit_frame(LISTS, claims, match_columns(claims.schema), every=True, lang="en")
    some = told.findings.filter(pl.col("result") == "not_assessable")
    return dict(zip(some["rule"], some["evidence"], strict=True))


def test_what_is_missing_is_not_a_pass():
    assert unknown({}, ("occupation",))["A101"].endswith("missing: occupation")
    assert "missing: hospital_paid" in unknown({"hospital_paid": None})["A136"]
    assert "sex" in unknown({"sex": None, "diagnoses": "N40.x00"})["A201"]
    newborn = unknown({"age": None, "age_days": None, "newborn_admission_type": None})
    assert "missing: " in newborn["A120"]
    assert "age_days" in newborn["A120"]
    bare = unknown({"diagnoses": None})
    assert {"A201", "A202", "A220", "A230", "A232"} <= bare.keys()
    assert "A203" not in unknown({"procedures": None})
    assert {"A203", "A204"} <= unknown({}, ("procedures",)).keys()
    assert "A233" in unknown({"diagnoses": "O82.000"}, ("procedures",))


def test_evidence_is_what_the_file_has():
    told = found({"sex": "男", "diagnoses": "I10.x00|d25.900"}).filter(rule="A206")
    assert told["evidence"].to_list() == ["d25.900；性别=男"]
    merged = found({"diagnoses": "K80.200|K81.000"}).filter(rule="A231")
    assert merged["evidence"].to_list() == ["K80.200、K81.000 → K80.0"]
    late = found({"uploaded_on": "2025/6/30"}).filter(rule="A140")
    assert late["evidence"].to_list() == ["出院日期=2025-06-05；清单上传日期=2025/6/30"]


def test_findings_and_counts_add_up():
    claims = frame(
        {}, {"sex": "3"}, {"hospital_id": "H2", "total_cost": "0"}, {"hospital_id": None}
    )
    result = audit_frame(LISTS, claims, match_columns(claims.schema))
    assert result.findings.schema == FINDINGS
    assert result.counts.schema == COUNTS
    assert result.claims == 4
    parts = pl.sum_horizontal("hits", "passes", "not_assessable")
    assert (result.counts["claims"] == result.counts.select(parts).to_series()).all()
    per_rule = result.counts.group_by("rule").agg(pl.col("claims").sum())
    assert per_rule["claims"].to_list() == [4] * len(LISTS.rules)
    assert result.counts["hits"].sum() == result.findings.height
    assert result.findings["row"].is_sorted()
    assert {None, "H1", "H2"} == set(result.counts["hospital_id"])


def test_batches_change_nothing():
    claims = frame({}, {"sex": "3"}, {"total_cost": "0"}, BIRTH | {"sex": "M"}, NEWBORN)
    columns = match_columns(claims.schema)
    whole = audit_frame(LISTS, claims, columns)
    run = Audit(LISTS)
    for part in (claims[:1], claims[1:4], claims[4:]):
        run.add(part, columns)
    parts = run.finish()
    assert parts.findings.equals(whole.findings)
    assert parts.counts.equals(whole.counts)


def test_wide_and_listed_codes_read_alike():
    joined = frame({"diagnoses": "E10.900|E11.900"}, {"diagnoses": "|I10.x00|I10.x00"})
    wide = joined.with_columns(
        pl.col("diagnoses").str.split("|").list.to_struct(fields=["a", "b", "c"]).struct.unnest()
    ).rename({"a": "diagnosis_1", "b": "diagnosis_2", "c": "diagnosis_3"})
    listed = joined.with_columns(pl.col("diagnoses").str.split("|"))
    columns = match_columns(joined.schema)
    first = audit_frame(LISTS, joined, columns).findings
    assert {"A230", "A102", "A141"} <= set(first["rule"])
    assert audit_frame(LISTS, listed, columns).findings.equals(first)
    apart = columns.__class__(
        scalars=columns.scalars, diagnoses=("diagnosis_1", "diagnosis_2", "diagnosis_3"),
        diagnoses_joined=False, procedures=columns.procedures,
        procedures_joined=columns.procedures_joined,
    )  # fmt: skip
    assert audit_frame(LISTS, wide.drop("diagnoses"), apart).findings.equals(first)


def test_no_claim_is_no_finding():
    claims = frame({})[:0]
    result = audit_frame(LISTS, claims, match_columns(claims.schema))
    assert result.findings.is_empty()
    assert result.counts.is_empty()


def rejected(scheme: str, claims: int) -> pl.DataFrame:
    made = synth(load_scheme(scheme), claims, 3, defects=0)
    result = audit_frame(LISTS, made, match_columns(made.schema))
    assert result.claims == claims
    return result.findings.filter(pl.col("level") == Level.REJECT)


def test_made_up_claims_are_not_rejected():
    assert rejected("demo", 2000).is_empty()


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["chs-drg-2.0", "chs-drg-1.0", "zhejiang-2022"])
def test_many_made_up_claims_are_not_rejected(scheme):
    assert rejected(scheme, 100_000).is_empty()


#: What a cell of any field may hold.
WORDS = [
    None, "", "-", "1", "0", "12", "2025-06-01", "2025-06-01|2025-06-09", "1/2/3", "x", "O82.000",
    "N40.x00|E10.900|E11.900", "|", "3.5", "-7", "999999999999999999999",
]  # fmt: skip


def test_any_cell_is_judged():
    """Nothing a cell can hold stops a rule, and no verdict is two things at once."""
    draw = np.random.default_rng(5)
    rows = [{name: WORDS[draw.integers(len(WORDS))] for name in CLEAN} for _ in range(150)]
    claims = frame(*rows)
    seen = AuditClaims(claims, match_columns(claims.schema))
    for rule in LISTS.rules:
        kind = KINDS[rule.kind]
        assert kind.scope is Scope.CLAIM
        verdict = kind.judge(seen, kind.params.model_construct(**rule.params))
        assert verdict.hit.shape == verdict.unknown.shape == (len(rows),)
        assert not (verdict.hit & verdict.unknown).any(), rule.id
        assert verdict.amount is None or (verdict.amount != NO_AMOUNT).any()
        for lang in ("zh", "en"):
            for flags in (verdict.hit, verdict.unknown):
                places = np.flatnonzero(flags)
                texts = list(verdict.evidence(places, lang))
                assert len(texts) == len(places)
                assert all(texts), rule.id


def test_formulas_of_one_list():
    fails = quality.newborn_fails
    assert fails(28, ["P59.901"], Fraction(3150), None) == ()
    assert fails(29, ["P59.901"], None, None) == ()
    assert fails(0, ["o80.0"], Fraction(99), None) == ("nwb_bir_wt_missing", "nwb_adm_wt_range")
    assert fails(None, ["O83.400"], None, None) == ()
    assert fails(None, ["O83.400", "Z37.600"], None, Fraction(9999)) == ()
    assert fails(None, ["Z37.100"], None, None) == ()
    assert quality.sum_check(100, items=[100], payers=[60, None]) == (True, None)
    assert quality.sum_check(None, items=[1]) == (None, None)
    assert quality.length_of_stay(date(2024, 2, 28), date(2024, 3, 1)) == 2
    with pytest.raises(ValueError, match="before"):
        quality.length_of_stay(date(2024, 3, 2), date(2024, 3, 1))
    assert quality.duration_hours("4/0/0") == 96
    assert quality.duration_hours("4天") is None
    assert quality.timeliness(date(2024, 3, 1), date(2024, 3, 8), 7) == (7, True)
