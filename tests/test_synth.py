"""The generator: deterministic, plausible, and true to the rules of every shipped scheme."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from drg.claims.frame import schema
from drg.claims.model import Claim
from drg.claims.synth import synth, synth_batches, synth_hospitals
from drg.claims.synth_codes import Pools, needed_sex
from drg.claims.synth_draw import BLOCK
from drg.claims.synth_model import Model, build_model
from drg.claims.synth_rules import alternatives, needs
from drg.claims.synth_tables import read_parameters
from drg.grouping.reference import ReferenceGrouper
from drg.paths import tables_root
from drg.scale.synth_file import synth_file
from drg.schemes import rules
from drg.schemes.catalog import list_schemes, load_scheme
from drg.schemes.scheme import Scheme

#: Regions with inputs of their own; the other regions are drawn for in the long run only.
REGIONS = {"changzhou-2022", "foshan-2022", "zhejiang-2022"}
SCHEMES = [
    pytest.param(info.id, marks=[pytest.mark.long] if info.base and info.id not in REGIONS else [])
    for info in list_schemes()
]
NATIONAL = "chs-drg-2.0"
#: Lists of codes that only one sex can have.
SEXED = {
    "M": ("male-diagnosis", "male-procedure"),
    "F": ("female-diagnosis", "female-procedure"),
}
SOME_POOLS = {"open": [0, 1], "male": [2], "female": [3], "mixed": [0, 1, 2, 3]}


@cache
def scheme_of(name: str) -> Scheme:
    return load_scheme(name)


@pytest.fixture(autouse=True)
def _one_model_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build the model of a scheme object once: it is most of a small run's time."""
    monkeypatch.setattr("drg.claims.synth.build_model", lambda scheme, n, _: _model(scheme, n))


@cache
def _model(scheme: Any, hospitals: int) -> Model:
    return build_model(scheme, hospitals, read_parameters())


def sexed(*lists: str) -> set[str]:
    folder = tables_root() / "audit" / "lists"
    return {code for name in lists for code in pl.read_csv(folder / f"{name}.csv")["code"]}


@cache
def made(name: str, n: int = 20_000, defects: float = 0.02) -> pl.DataFrame:
    return synth(scheme_of(name), n, 7, defects=defects, with_defects=True)


@cache
def outcomes(name: str, n: int = 1500) -> list[tuple[dict[str, Any], Any]]:
    """Each of the first n claims with what the reference grouper says of it."""
    grouper = ReferenceGrouper(scheme_of(name))
    columns = list(schema())
    found = []
    for row in made(name).head(n).iter_rows(named=True):
        values = {c: tuple(row[c]) if isinstance(row[c], list) else row[c] for c in columns}
        found.append((row, grouper.group(Claim(**values))))
    return found


@pytest.mark.parametrize("name", SCHEMES)
def test_columns_and_dtypes_are_the_canonical_ones(name: str) -> None:
    assert dict(made(name).drop("defect").schema) == dict(schema())


@pytest.mark.parametrize("n", [0, 1, 2])
def test_small_numbers(n: int) -> None:
    frame = synth(scheme_of("demo"), n, 3, with_defects=True)
    assert frame.height == n
    assert frame.columns == [*schema(), "defect"]
    batches = list(synth_batches(scheme_of("demo"), n, 3, 1))
    assert [b.height for b in batches] == ([1] * n or [0])


def test_same_seed_same_claims_and_another_seed_others() -> None:
    demo = scheme_of("demo")
    first = synth(demo, 3000, 5)
    assert_frame_equal(first, synth(load_scheme("demo"), 3000, 5))
    assert not first.equals(synth(demo, 3000, 6))


def test_string_hashing_changes_nothing() -> None:
    """Sets of codes come in another order in every process; the claims must not."""
    program = (
        "from drg.claims.synth import synth; from drg.schemes.catalog import load_scheme;"
        "print(synth(load_scheme('demo'), 300, 5).rows())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
            encoding="utf-8",
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert "C202506000000299" in printed.pop()


def test_batch_size_changes_nothing() -> None:
    demo, n = scheme_of("demo"), BLOCK + 1000
    whole = synth(demo, n, 5, with_defects=True)
    for batch in (4_999, BLOCK):
        parts = list(synth_batches(demo, n, 5, batch, with_defects=True))
        assert all(p.height == batch for p in parts[:-1])
        assert_frame_equal(pl.concat(parts), whole)


def test_a_claim_does_not_depend_on_how_many_are_made() -> None:
    demo = scheme_of("demo")
    assert_frame_equal(synth(demo, BLOCK + 50, 5).head(40), synth(demo, 40, 5))


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": -1},
        {"seed": -1},
        {"hospitals": 0},
        {"defects": 1.5},
        {"defects": -0.1},
        {"month": "2025-13"},
        {"month": "June"},
    ],
)
def test_wrong_arguments_are_refused_at_the_call(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|is a share"):
        synth_batches(scheme_of("demo"), **({"n": 1, "seed": 1} | wrong))


def test_code_counts_of_the_national_scheme() -> None:
    frame = made(NATIONAL)
    diagnoses, procedures = frame["diagnoses"].list.len(), frame["procedures"].list.len()
    assert 6.4 < diagnoses.mean() < 7.6
    assert 1.8 < procedures.mean() < 2.6
    assert 0.15 < (procedures == 0).mean() < 0.35
    clean = frame.filter(pl.col("defect").is_null())
    for column in ("diagnoses", "procedures"):
        assert (clean[column].list.n_unique() == clean[column].list.len()).all()


def test_dates_and_stay_agree() -> None:
    frame = made(NATIONAL).filter(pl.col("defect").is_null())
    month = frame["discharged_on"].dt.strftime("%Y-%m").unique().to_list()
    assert month == ["2025-06"]
    days = (frame["discharged_on"] - frame["admitted_on"]).dt.total_days()
    assert ((days == frame["los_days"]) | ((frame["los_days"] == 1) & (days == 0))).all()
    assert 6 < frame["los_days"].mean() < 11


def test_month_and_hospitals_are_taken() -> None:
    frame = synth(scheme_of("demo"), 4000, 2, hospitals=3, month="2024-02", defects=0.0)
    assert set(frame["hospital_id"]) == {"H0001", "H0002", "H0003"}
    assert frame["discharged_on"].dt.strftime("%Y-%m").unique().to_list() == ["2024-02"]
    assert frame["discharged_on"].max().day == 29
    assert frame["claim_id"].str.starts_with("C202402").all()
    assert frame["claim_id"].is_unique().all()


def test_hospitals_have_levels() -> None:
    for count in (1, 3, 12):
        table = synth_hospitals(count)
        assert table.height == count
        assert table["level"][0] == "tertiary"
    assert set(synth_hospitals(3)["level"]) == {"primary", "secondary", "tertiary"}


def test_money_is_text_with_two_decimals_and_the_patient_pays_a_part() -> None:
    frame = made(NATIONAL)
    assert frame["total_cost"].str.contains(r"^\d+\.\d\d$").all()
    cost, paid = frame["total_cost"].cast(pl.Float64), frame["patient_paid"].cast(pl.Float64)
    assert (paid < cost).all()
    assert (paid > 0).all()
    new = frame["new_technology_cost"].drop_nulls().cast(pl.Float64)
    assert 0 < len(new) < frame.height * 0.01
    assert 8_000 < cost.mean() < 18_000


def test_insurance_disposition_and_hours() -> None:
    frame = made(NATIONAL).filter(pl.col("defect").is_null())
    assert set(frame["insurance"]) == {"310", "390"}
    assert set(frame.filter(pl.col("age") < 18)["insurance"]) == {"390"}
    assert set(frame["disposition"]) == {"1", "2", "3", "4", "5", "9"}
    assert 0.003 < (frame["disposition"] == "5").mean() < 0.03
    assert (frame["ventilation_hours"] <= frame["icu_hours"]).all()
    assert 0.02 < (frame["icu_hours"] > 0).mean() < 0.15


def test_readmissions_are_one_persons() -> None:
    frame = made(NATIONAL).filter(pl.col("defect").is_null(), pl.col("discharged_on").is_not_null())
    again = frame.filter(pl.col("patient_id").is_duplicated())
    assert 0.01 < again.height / frame.height < 0.2
    by_patient = again.sort("patient_id", "discharged_on").group_by("patient_id").agg(pl.all())
    for row in by_patient.iter_rows(named=True):
        for column in ("sex", "age", "hospital_id", "insurance"):
            assert len(set(row[column])) == 1
        stays = list(zip(row["admitted_on"], row["discharged_on"], strict=True))
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(stays))
        assert "5" not in row["disposition"][:-1]


def test_sex_and_age_fit_the_diagnosis() -> None:
    scheme = scheme_of(NATIONAL)
    frame = made(NATIONAL).filter(pl.col("defect").is_null())
    principal = frame["diagnoses"].list.first()
    sets = scheme.code_sets
    either = sets["MDCM.both"] | sets["MDCN.both"]
    male = frame.filter(principal.is_in(list(sets["MDCM"] - either)))
    female = frame.filter(principal.is_in(list((sets["MDCN"] | sets["MDCO"]) - either)))
    assert male.height > 100
    assert set(male["sex"]) == {"M"}
    assert female.height > 1000
    assert set(female["sex"]) == {"F"}
    born = frame.filter(principal.str.starts_with("P"))
    assert born.height > 100
    assert set(born["age"]) == {0}
    labour = frame.filter(principal.str.starts_with("O"))
    assert 15 <= labour["age"].min() <= labour["age"].max() <= 50
    stroke = frame.filter(principal.str.starts_with("I63"))
    assert stroke["age"].min() >= 40


@pytest.mark.parametrize("name", [NATIONAL, "demo"])
def test_codes_agree_with_the_patient_and_external_causes_never_stand_first(name: str) -> None:
    frame = made(name).filter(pl.col("defect").is_null())
    first = frame["diagnoses"].list.first()
    assert not first.str.contains("^[VWXY]|^B9[567]|^Z38").any()
    lists = {sex: sexed(*files) for sex, files in SEXED.items()}
    for sex, other in (("M", lists["F"]), ("F", lists["M"])):
        own = frame.filter(pl.col("sex") == sex)
        for column in ("diagnoses", "procedures"):
            assert not set(own[column].explode()) & other
    grown = frame.filter(pl.col("age_days").is_null() | (pl.col("age_days") > 28))
    assert not grown["diagnoses"].explode().str.contains("^(A33|Z38)").any()


def test_a_procedure_decides_the_sex_that_its_diagnosis_leaves_open() -> None:
    pools = Pools()
    codes = np.array([0, 0, 1, 2, 0], dtype=np.int8)  # sex by code id
    ids = {name: np.array(i, dtype=np.int32) for name, i in SOME_POOLS.items()}
    at = {name: pools.add(i) for name, i in ids.items()}
    none = np.zeros(5, dtype=bool)
    without = pools.without((none, codes == 2, codes == 1))
    assert without[0].tolist() == [at[name] for name in SOME_POOLS]
    assert without[1, at["female"]] == -1
    _, _, size = pools.flat()
    assert size[without[2, at["mixed"]]] == 3
    principal = np.array([at["open"], at["male"], at["open"], at["mixed"]])
    needed = np.array([[at["open"], at["female"]]] * 2 + [[at["mixed"], -1], [at["female"], -1]])
    told = needed_sex(np.zeros(4, dtype=np.int8), without, principal, needed)
    assert told.tolist() == [2, 0, 0, 2]


def test_newborns_have_days_and_weights_and_nobody_else() -> None:
    frame = made(NATIONAL).filter(pl.col("defect").is_null())
    infants = frame.filter(pl.col("age") == 0)
    assert infants["age_days"].null_count() == 0
    assert infants["age_days"].is_between(0, 364).all()
    newborn = pl.col("age_days").fill_null(9999) <= 28
    weights = ("birth_weight_g", "admission_weight_g")
    for weight in weights:
        assert frame.filter(newborn)[weight].is_between(300, 7000).all()
        assert frame.filter(~newborn)[weight].null_count() == frame.filter(~newborn).height
    assert (
        frame.filter(pl.col("age") > 0)["age_days"].null_count()
        == frame.filter(pl.col("age") > 0).height
    )


def test_case_mix_follows_the_table() -> None:
    mix = read_parameters().case_mix
    total = mix.select(pl.col("medical") + pl.col("procedure") + pl.col("surgical")).sum().item()
    found = Counter(r.mdc for _, r in outcomes(NATIONAL) if str(r.outcome) == "GROUPED")
    whole = sum(found.values())
    for mdc in ("MDCB", "MDCE", "MDCF", "MDCG", "MDCI"):
        row = mix.row(by_predicate=pl.col("mdc") == mdc, named=True)
        wanted = (row["medical"] + row["procedure"] + row["surgical"]) / total
        assert found[mdc] / whole == pytest.approx(wanted, rel=0.35)


@pytest.mark.parametrize("name", SCHEMES)
def test_clean_claims_are_grouped_and_few_are_odd(name: str) -> None:
    clean = [r for row, r in outcomes(name) if row["defect"] is None]
    shares = Counter(str(r.outcome) for r in clean)
    assert shares["GROUPED"] > 0.95 * len(clean)
    assert shares["REJECTED"] == 0
    assert shares["AMBIGUOUS"] + shares["UNGROUPABLE"] > 0
    severity = Counter(str(r.severity) for r in clean)
    assert 0.04 < severity["MCC"] / len(clean) < 0.2
    assert 0.15 < severity["CC"] / len(clean) < 0.4
    assert len({r.adrg for r in clean}) > min(
        200, 0.6 * len({a.adrg for a in scheme_of(name).adrgs})
    )


@pytest.mark.parametrize("name", SCHEMES)
def test_a_medical_claims_principal_diagnosis_is_in_its_mdc_list(name: str) -> None:
    scheme = scheme_of(name)
    medical = {a.adrg for a in scheme.adrgs if a.kind == "medical"}
    by_principal = {
        m.mdc
        for m in scheme.mdcs
        if any(t.position == "principal" and t.kind == "dx" for t in rules.code_tests(m.rule))
    } - {"MDCP"}
    seen = 0
    for row, result in outcomes(name):
        if row["defect"] is None and result.adrg in medical and result.mdc in by_principal:
            assert row["diagnoses"][0] in scheme.code_sets[result.mdc]
            seen += 1
    assert seen > 500


def test_some_severe_diagnoses_are_void() -> None:
    scheme = scheme_of(NATIONAL)
    void = 0
    for codes in made(NATIONAL)["diagnoses"].head(5000):
        table = scheme.exclusion.get(codes[0]) if len(codes) else None
        void += any(scheme.severity.get(c, ("", None))[1] == table for c in codes[1:] if table)
    assert 0.02 < void / 5000 < 0.3


def test_cost_grows_with_severity() -> None:
    cost: dict[str, list[float]] = {"NONE": [], "CC": [], "MCC": []}
    for row, result in outcomes(NATIONAL):
        if str(result.outcome) == "GROUPED":
            cost[str(result.severity)].append(float(row["total_cost"]))
    mean = {k: sum(v) / len(v) for k, v in cost.items()}
    assert mean["NONE"] < mean["MCC"]


def test_defects_are_counted_and_split_as_stated() -> None:
    frame = made("demo", 40_000, 0.3)
    counts = dict(frame["defect"].drop_nulls().value_counts().iter_rows())
    total = sum(counts.values())
    assert total / frame.height == pytest.approx(0.3, abs=0.01)
    stated = dict(read_parameters().defect.iter_rows())
    usable = stated if "sex_conflict" in counts else stated | {"sex_conflict": 0.0}
    whole = sum(usable.values())
    for kind, share in usable.items():
        # Repeats that cannot be made (the predecessor repeats too) turn into missing ages.
        slack = 0.3 if kind in ("duplicate_claim_id", "missing_age") else 0.12
        assert counts.get(kind, 0) / total == pytest.approx(share / whole, rel=slack)
    assert made("demo", 2000, 0.0)["defect"].null_count() == 2000
    assert made("demo", 2000, 1.0)["defect"].null_count() == 0


def test_defects_leave_the_other_claims_alone() -> None:
    clean, some = made("demo", 5000, 0.0), made("demo", 5000, 0.3)
    same = some["defect"].is_null()
    columns = [c for c in clean.columns if c != "defect"]
    assert_frame_equal(clean.filter(same).select(columns), some.filter(same).select(columns))


#: What each defect shows, in one expression.
SIGNS = {
    "age_out_of_range": ~pl.col("age").is_between(0, 150),
    "date_conflict": pl.col("admitted_on") > pl.col("discharged_on"),
    "duplicate_claim_id": pl.col("claim_id") == pl.col("claim_id").shift(1),
    "empty_diagnoses": pl.col("diagnoses").list.len() == 0,
    "missing_age": pl.col("age").is_null() & pl.col("age_days").is_null(),
    "missing_age_days": (pl.col("age") == 0) & pl.col("age_days").is_null(),
    "missing_principal": pl.col("diagnoses").list.first() == "",
    "newborn_without_weight": (pl.col("age") == 0)
    & (pl.col("age_days") <= 28)
    & pl.col("birth_weight_g").is_null(),
    "sex_invalid": ~pl.col("sex").is_in(["M", "F"]),
    "sex_missing": pl.col("sex").is_null(),
}


@pytest.mark.parametrize("kind", sorted(SIGNS))
def test_a_defect_shows_and_only_where_it_is_named(kind: str) -> None:
    frame = made(NATIONAL, 20_000, 0.2).with_columns(sign=SIGNS[kind].fill_null(False))
    named = frame["defect"] == kind
    assert frame.filter(named)["sign"].all()
    assert not frame.filter(frame["defect"].is_null())["sign"].any()


def test_defective_codes_and_sex_conflicts() -> None:
    scheme = scheme_of(NATIONAL)
    frame = made(NATIONAL, 20_000, 0.2)
    known = scheme.known_dx
    for codes in frame.filter(pl.col("defect") == "unknown_code")["diagnoses"]:
        assert any(c not in known for c in codes)
    for codes in frame.filter(pl.col("defect").is_null())["diagnoses"]:
        assert all(c in known for c in codes)
    messy = frame.filter(pl.col("defect") == "messy_code")["diagnoses"].list.first()
    assert (~messy.is_in(list(known))).all()
    folded = messy.str.normalize("NFKC").str.strip_chars().str.to_uppercase()
    assert folded.is_in([c.upper() for c in known]).all()
    conflicts = frame.filter(pl.col("defect") == "sex_conflict")
    sets = scheme.code_sets
    for sex, code in zip(conflicts["sex"], conflicts["diagnoses"].list.first(), strict=True):
        assert code in sets["MDCN" if sex == "M" else "MDCM"]


def test_what_a_rule_asks_of_scalars_and_counts_is_met() -> None:
    """Shapes of coming schemes: counts, wards, hours, weights, ages in an ADRG's rule."""
    demo = scheme_of("demo")
    surgical = next(a for a in demo.adrgs if a.kind == "surgical")
    asked = (
        "age >= 70 and age < 80 and los >= 30 and icu_hours > 0 and ventilation_hours >= 96 "
        "and sex = female and department in {ICU} and disposition in {2} and insurance in {390}"
    )

    class Patched:
        def __getattr__(self, name: str) -> Any:
            return getattr(demo, name)

        @property
        def adrgs(self) -> tuple[Any, ...]:
            rule = rules.parse(f"({surgical.text}) and {asked}")
            return (replace(surgical, rule=rule),)

    frame = synth(Patched(), 300, 1, defects=0.0)  # type: ignore[arg-type]
    odd = frame.filter(pl.col("age").is_between(70, 79).not_())
    assert odd.height < 15  # the ungroupable ones
    own = frame.filter(pl.col("department") == "ICU")
    assert own.height > 280
    assert set(own["sex"]) == {"F"}
    assert set(own["disposition"]) == {"2"}
    assert set(own["insurance"]) == {"390"}
    assert own["los_days"].min() >= 30
    assert own["icu_hours"].min() > 0
    assert own["ventilation_hours"].min() >= 96


def test_rules_become_alternatives_that_contradict_nothing() -> None:
    sets = {"A.dx": frozenset({"a", "b"}), "B.dx": frozenset({"b", "c"}), "P.px": frozenset({"p"})}

    def lookup(atom: Any) -> frozenset[str]:
        return sets.get(atom.name, frozenset(atom.codes))

    def found(door: str, rule: str) -> list[Any]:
        return list(needs(rules.parse(door), rules.parse(rule), lookup))

    both = found("principal_dx in A.dx", "principal_dx in B.dx and age <= 28")
    assert [(n.principal, n.bounds) for n in both] == [({"b"}, {"age": (-(1 << 30), 28)})]
    assert found("age = 0", "age > 28") == []
    assert found("sex = male", "not sex = male and never") == []
    assert found("sex = male", "sex = female") == []
    assert found("principal_dx in A.dx", "not any_dx in A.dx") == []
    twice = found("always", "count any_px in P.px >= 2")
    assert (twice[0].first, twice[0].procedures) == ({"p"}, ({"p"},))
    anywhere = found("principal_dx in A.dx", "any_dx in {z}")
    assert (anywhere[0].principal, anywhere[0].diagnoses) == ({"a", "b"}, ({"z"},))
    assert len(alternatives(rules.parse("not (mcc and not cc)"))) == 2


@pytest.mark.parametrize(
    ("scheme", "month"),
    [("demo", "2025-06"), ("chs-drg-2.0", "2025-06"), ("chs-drg-1.0", "2020-07"),
     ("chongqing-2022", "2022-01")],
)  # fmt: skip
def test_a_file_is_of_a_month_in_force(tmp_path: Path, scheme: str, month: str) -> None:
    """What is made for a version is grouped when its place is named."""
    out = tmp_path / "claims.parquet"
    synth_file(scheme, 40, 1, out)
    days = pl.read_parquet(out)["discharged_on"].drop_nulls()
    assert {f"{day:%Y-%m}" for day in days} == {month}
