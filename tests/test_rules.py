"""The rule language: what the parser takes, how it refuses, and that text and tree agree."""

from __future__ import annotations

import made_schemes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import TableError
from drg.schemes import rules
from drg.schemes.rules import (
    And,
    Codes,
    Compare,
    Const,
    Count,
    Not,
    OneOf,
    Or,
    Severity,
    State,
    TraumaSites,
    parse,
    to_text,
)

P = Codes("principal", "px", "AA1.px")
D = Codes("any", "dx", "PS1.dx")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("always", Const(True)),
        ("never", Const(False)),
        ("mcc or cc", Or((Severity("MCC"), Severity("CC")))),
        ("principal_px in AA1.px", P),
        ("any_dx in {P07.*, A17.0+G01*}", Codes("any", "dx", "", ("P07.*", "A17.0+G01*"))),
        ("count any_px in AA1.px >= 2", Count(Codes("any", "px", "AA1.px"), ">=", 2)),
        ("trauma_sites>=2", TraumaSites(">=", 2)),
        ("weight<1500", Compare("weight", "<", 1500)),
        ("age = -1", Compare("age", "=", -1)),
        ("sex = female", OneOf("sex", ("female",))),
        ("disposition in {2, 5}", OneOf("disposition", ("2", "5"))),
        ("principal_dx is unknown", State("principal_dx", "unknown")),
        ("sex is invalid", State("sex", "invalid")),
        ("not principal_px in AA1.px and mcc", And((Not(P), Severity("MCC")))),
        ("mcc or cc and any_dx in PS1.dx", Or((Severity("MCC"), And((Severity("CC"), D))))),
        ("(mcc or cc) and any_dx in PS1.dx", And((Or((Severity("MCC"), Severity("CC"))), D))),
        ("not not mcc", Not(Not(Severity("MCC")))),
    ],
)
def test_parse(text, rule):
    assert parse(text) == rule
    assert parse(to_text(rule)) == rule


@given(made_schemes.rule_trees(max_leaves=12))
def test_round_trip(rule):
    assert parse(to_text(rule)) == rule


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("   ", 4),
        ("mcc or", 7),
        ("mcc cc", 5),
        ("(mcc", 5),
        ("mcc)", 4),
        ("age 5", 5),
        ("age < five", 7),
        ("age < 1.5", 7),
        ("age < 99999999999", 7),
        ("age ! 5", 5),
        ("principal_dx is invalid", 17),
        ("age is unknown", 8),
        ("sex = other", 7),
        ("sex in {male}", 5),
        ("disposition = 5", 13),
        ("count principal_px in S >= 2", 7),
        ("any_dx in", 10),
        ("any_dx in {A00", 15),
        ("any_dx in {}", 12),
        ("any_dx in {A00, =}", 17),
        ("any_dx in and", 11),
        ("ALWAYS", 1),
        ("blood_pressure > 3", 1),
        ("not", 4),
    ],
)
def test_errors_name_the_position(text, position):
    with pytest.raises(TableError) as caught:
        parse(text, where="adrg.csv AA1/1")
    error = caught.value
    assert error.code == "T101"
    assert error.params["position"] == position
    assert error.where == "adrg.csv AA1/1"
    assert "adrg.csv AA1/1" in str(error)
    assert str(position) in str(error)


@pytest.mark.parametrize(
    "deep",
    [
        "(" * 100_000,
        "not " * 100_000 + "mcc",
        "(" * 39 + "mcc" + ")" * 39 + " and " + "not " * 60 + "cc",
    ],
    ids=["brackets", "not", "both"],
)
def test_depth_has_a_limit(deep):
    with pytest.raises(TableError) as caught:
        parse(deep)
    assert caught.value.code == "T101"


def test_width_has_none():
    wide = " or ".join(["mcc"] * 20_000)
    assert len(parse(wide).rules) == 20_000


WORDS = (
    "and", "or", "not", "(", ")", "{", "}", ",", "<", "<=", "=", ">=", ">", "in", "is",
    "missing", "invalid",
    "unknown", "always", "never", "mcc", "cc", "count", "trauma_sites", "any_dx", "principal_px",
    "age", "sex",
    "male", "disposition", "AA1.px", "P07.*", "0", "-3", "歧义",
)  # fmt: skip


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet="(){},<>= \tnotandri\x00é中", max_size=60),
        st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join),
    )
)
def test_any_text_parses_or_is_refused(text):
    try:
        rule = parse(text)
    except TableError as error:
        assert error.code == "T101"
        assert 1 <= error.params["position"] <= len(text) + 1
    else:
        assert parse(to_text(rule)) == rule


def test_atoms_come_left_to_right():
    rule = parse("mcc and (age < 3 or not sex = male) or trauma_sites > 1")
    names = [type(atom).__name__ for atom in rules.iter_atoms(rule)]
    assert names == ["Severity", "Compare", "OneOf", "TraumaSites"]


def test_code_tests_look_inside_counts():
    rule = parse("count any_px in S.px >= 2 and not principal_dx in S.dx")
    assert [test.name for test in rules.code_tests(rule)] == ["S.px", "S.dx"]


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [("<", 1, 0, 0), ("<=", 1, 1, 0), ("=", 0, 1, 0), (">=", 0, 1, 1), (">", 0, 0, 1)],
)
def test_compare(op, below, at, above):
    assert [rules.compare(v, op, 5) for v in (4, 5, 6)] == [bool(below), bool(at), bool(above)]
