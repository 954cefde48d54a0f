"""The rule shapes that CHS-DRG 3.0 brings, on a made-up scheme that uses every one of them.

Expected groups were written by hand from the shapes. The real tables of 3.0 will come as data.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from test_differential import check_agreement

import drg
from drg.claims.frame import RESULT_NAMES
from drg.grouping.explain import explain_lines
from drg.schemes import rules
from drg.schemes.lint import lint, unreachable
from drg.schemes.rules import And, Codes, Compare, Count, Or, Rule, Severity

FOLDER = Path(__file__).parent / "schemes" / "shapes-3.0"
CLAIMS = pl.read_csv(FOLDER.with_name("shapes-3.0-claims.csv"), infer_schema=False)
EXPECTED = ("mdc", "adrg", "group", "severity", "outcome", "reason")
IDS = CLAIMS["claim_id"].to_list()


@pytest.fixture(scope="module")
def grouper() -> drg.Grouper:
    return drg.Grouper.load(FOLDER)


def claim_of(row: dict[str, str | None]) -> drg.Claim:
    wanted = {k: v for k, v in row.items() if k not in (*EXPECTED, "shape")}
    return drg.Claim.from_row(wanted)


def found(result: drg.GroupResult) -> dict[str, str | None]:
    values = {name: getattr(result, name) for name in EXPECTED}
    return {name: None if value is None else str(value) for name, value in values.items()}


def expected(row: dict[str, str | None]) -> dict[str, str | None]:
    return {name: row[name] for name in EXPECTED}


@pytest.mark.parametrize("row", CLAIMS.to_dicts(), ids=IDS)
def test_claim_by_reference_and_kernel(grouper, row):
    claim = claim_of(row)
    assert found(grouper.reference.group(claim)) == expected(row), row["shape"]
    assert found(grouper.group(claim)) == expected(row), row["shape"]


def test_claims_as_a_frame(grouper):
    frame = grouper.group_frame(CLAIMS.drop(EXPECTED))
    got = frame.select(pl.col(EXPECTED).cast(pl.String))
    assert got.rows() == CLAIMS.select(EXPECTED).rows()
    assert set(RESULT_NAMES) <= set(frame.columns)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("row", CLAIMS.to_dicts(), ids=IDS)
def test_path_is_told(grouper, row, lang):
    lines = explain_lines(grouper.explain(claim_of(row)), grouper.scheme, lang)
    assert all(line.strip() and "{" not in line.replace("{P07.*}", "") for line in lines)
    assert (row["group"] or row["reason"]) in lines[-1]


def test_counts_robots_and_ages_in_words(grouper):
    def path(claim_id: str) -> str:
        row = CLAIMS.row(by_predicate=pl.col("claim_id") == claim_id, named=True)
        return "\n".join(explain_lines(grouper.explain(claim_of(row)), grouper.scheme, "zh"))

    assert "17.4500 胸腔镜机器人援助操作" in path("R1")
    assert "81.5100 全髋关节置换" in path("C1")
    assert "年龄" in path("A1")
    assert "入院体重" in path("W1")


def test_lint_is_clean():
    report = lint([FOLDER])
    assert report.findings == ()


def test_every_group_is_given(grouper):
    """By the claims written by hand, or at least not provably out of reach."""
    assert not unreachable(grouper.scheme) & {test.drg for test in grouper.scheme.drgs}
    ambiguous = {row.mdc for row in grouper.scheme.adrgs if row.ambiguous}
    met = set(CLAIMS.filter(pl.col("outcome") == "AMBIGUOUS")["mdc"])
    assert ambiguous == met
    letters = {mdc[-1] for mdc in ambiguous}
    assert letters == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("ASTXY")


def shapes_of(rule: Rule) -> set[str]:
    """Names of the shapes of chapter 3.0 that a rule has."""
    parts = rule.rules if isinstance(rule, And) else (rule,)
    tests = [part for part in parts if isinstance(part, Codes)]
    atoms = set(rules.iter_atoms(rule))
    names = set()
    if any(isinstance(a, Compare) and a.field == "age" for a in parts) and atoms & {
        Severity("CC"), Severity("MCC"),
    }:  # fmt: skip
        names.add("age and severity")
    if sum(t.position == "secondary" and t.kind == "dx" for t in tests) == 2:
        names.add("two sets of secondary diagnoses")
    if sum(t.kind == "px" for t in tests) == 3:
        names.add("three sets of procedures")
    if isinstance(rule, Or) and {Codes("principal", "dx", "OB1.high"), Severity("MCC")} <= atoms:
        names.add("principal diagnosis as MCC")
    names |= {f"count {a.codes.kind}" for a in atoms if isinstance(a, Count)}
    names |= {a.field for a in atoms if isinstance(a, Compare) and a.field == "admission_weight"}
    return names


def test_every_shape_is_there(grouper):
    scheme = grouper.scheme
    every = [row.rule for row in (*scheme.adrgs, *scheme.drgs)]
    assert set().union(*map(shapes_of, every)) == {
        "age and severity",
        "two sets of secondary diagnoses",
        "three sets of procedures",
        "principal diagnosis as MCC",
        "count px",
        "count dx",
        "admission_weight",
    }
    texts = {test.drg: test.text for test in scheme.drgs}
    assert texts["EB10"] == "secondary_px in EB10.px"
    assert texts["FR2E"] == "age >= 70 and (mcc or cc)"
    assert texts["ES1D"] == "age <= 6"
    assert {drg[3] for drg in texts} >= set("0CDEFGH")
    (door,) = (row.text for row in scheme.mdcs if row.mdc == "MDCY")
    assert door == "principal_dx in MDCY"


@given(data=st.data())
def test_kernel_is_the_reference(grouper, data):
    pool = strategies.Pool(grouper.scheme)
    check_agreement(grouper, data.draw(strategies.claims(pool)))
