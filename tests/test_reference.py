"""The reference grouper, rule by rule: the demo scheme and small schemes made in memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.claims.model import Claim
from drg.grouping.explain import MissingValue, Step, explain_lines
from drg.grouping.reference import ReferenceGrouper
from drg.grouping.reference_case import Case, Spelling, fold
from drg.grouping.reference_rules import Interpreter
from drg.grouping.result import GroupResult, Outcome
from drg.schemes.catalog import load_scheme
from drg.schemes.flags import Flags
from drg.schemes.rules import parse
from drg.schemes.scheme import Scheme
from drg.schemes.tables import SCHEME_TABLES

DX = {"A1": "甲", "A2": "乙", "A3": "丙", "B1": "丁", "B2": "戊", "P07.1": "早产", "P07.2": "早产"}
PX = {"1.1": "术一", "1.2": "术二", "1.3": "术三", "9.9": "检查"}

#: A scheme of two MDCs: B with a surgical, an ambiguous and two medical rows; G with one.
BASE: dict[str, list[str]] = {
    "mdc": ["1|MDCB|神经|principal_dx in MDCB", "2|MDCG|消化|principal_dx in MDCG"],
    "mdc_diagnosis": ["MDCB|A1|", "MDCB|A2|", "MDCB|A3|", "MDCG|B1|"],
    "adrg": [
        "MDCB|1|BB1|1|手术|surgical|principal_px in BB1.px|",
        "MDCB|2|BQY|1|歧义组|ambiguous|principal_px in VALID|Q301",
        "MDCB|3|BR1|1|内科一|medical|principal_dx in BR1.dx|",
        "MDCG|1|GR1|1|内科二|medical|principal_dx in {B1}|",
    ],
    "drg": [
        "BB1||1|BB19|手术组|always",
        "BR1||1|BR11|伴严重|mcc",
        "BR1||2|BR13|伴一般|mcc or cc",
        "BR1||3|BR15|不伴|always",
        "GR1||1|GR19|内科组|always",
    ],
    "code_set": ["BB1.px|px|1.1", "BR1.dx|dx|A1", "BR1.dx|dx|A2"],
    "severity": ["A3|MCC|7", "B1|CC|8", "B2|CC|9"],
    "exclusion": ["A1|7", "A2|9"],
    "valid_procedure": ["1.1|术一", "1.2|术二"],
    "check": ["1|E101|stop|sex is missing", "2|E120|stop|principal_dx is missing"],
}


def make_scheme(
    tables: Mapping[str, list[str]] | None = None,
    *,
    dx: Mapping[str, str] = DX,
    px: Mapping[str, str] = PX,
    **flags: Any,
) -> Scheme:
    """A scheme in memory; `tables` replaces whole tables of BASE, cells joined by ``|``."""
    rows = BASE | dict(tables or {})
    adrgs = {line.split("|")[2] for line in rows["adrg"]}
    rows["drg"] = [line for line in rows["drg"] if line.split("|")[0] in adrgs]
    frames = {
        name: pl.DataFrame(
            [line.split("|") for line in rows.get(name, [])],
            schema=dict.fromkeys(form.header, pl.String),
            orient="row",
        )
        for name, form in SCHEME_TABLES.items()
        if name in rows or not form.optional
    }
    codes = {
        kind: pl.DataFrame({"code": list(names), "name": list(names.values())})
        for kind, names in (("dx", dx), ("px", px))
    }
    header = {"id": "test", "title_zh": "试验", "title_en": "Test"}
    return Scheme(header, frames, codes, Flags(**flags), "d" * 64, "test")


def claim(dx: str = "", px: str = "", **fields: Any) -> Claim:
    return Claim(
        **({"sex": "M", "age": 50} | fields),
        diagnoses=tuple(dx.split("|")) if dx else (),
        procedures=tuple(px.split("|")) if px else (),
    )


def run(scheme: Scheme, *args: str, **fields: Any) -> GroupResult:
    return ReferenceGrouper(scheme).group(claim(*args, **fields))


def holds(rule: str, case: Claim, tables: Mapping[str, list[str]] | None = None) -> bool | None:
    """Truth of one rule for one claim."""
    scheme = make_scheme(tables)
    interpreter = Interpreter(scheme)
    seen = Case(
        case,
        Spelling(scheme.known_dx, scheme.dx_names, lenient=True),
        Spelling(scheme.known_px, scheme.px_names, lenient=True),
    )
    interpreter.weigh(seen)
    return interpreter.test(parse(rule))(seen)


# ---- rules


@pytest.mark.parametrize(
    ("rule", "truth"),
    [
        ("always", True),
        ("never", False),
        ("age > 49", True),
        ("age > 50", False),
        ("age = 50", True),
        ("age >= 50 and age <= 50", True),
        ("age < 50", False),
        ("weight < 1500", None),
        ("not weight < 1500", None),
        ("weight < 1500 and age > 60", False),
        ("weight < 1500 and age > 40", None),
        ("weight < 1500 or age > 40", True),
        ("weight < 1500 or age > 60", None),
        ("not (weight < 1500 and age > 60)", True),
        ("weight is missing", True),
        ("weight is invalid", False),
        ("age is missing", False),
        ("sex = male", True),
        ("sex = female", False),
        ("disposition in {2, 5}", None),
        ("insurance in {310}", True),
        ("insurance in {390}", False),
        ("disposition is missing", True),
        ("principal_dx is missing", False),
        ("principal_dx is unknown", False),
        ("principal_px is missing", False),
        ("principal_px is unknown", True),
    ],
)
def test_scalar_rules_are_three_valued(rule: str, truth: bool | None) -> None:
    assert holds(rule, claim("A1", "77.7", insurance="310")) is truth


@pytest.mark.parametrize(
    ("rule", "truth"),
    [
        ("principal_dx in {A1}", True),
        ("principal_dx in {A2, A3}", False),
        ("secondary_dx in {A2}", True),
        ("secondary_dx in {A1}", False),
        ("any_dx in {A1}", True),
        ("any_dx in {B1}", False),
        ("any_dx in {P07.*}", True),
        ("principal_dx in {P07.*}", False),
        ("any_dx in {P07*}", False),
        ("principal_px in BB1.px", False),
        ("secondary_px in BB1.px", True),
        ("any_px in BB1.px", True),
        ("any_px in VALID", True),
        ("principal_px in VALID", True),
        ("not principal_px in VALID", False),
        ("principal_dx in MDCB", True),
        ("count any_px in VALID >= 2", True),
        ("count any_px in VALID >= 3", False),
        ("count any_dx in {P07.*} >= 1", True),
    ],
)
def test_code_rules_by_position(rule: str, truth: bool) -> None:
    assert holds(rule, claim("A1|A2|P07.1|A1|A2", "1.2|1.1|1.2|9.9")) is truth


def test_codes_outside_the_lists_match_nothing() -> None:
    case = claim("P07.9|P07.8", "3.3")
    for rule in ("any_dx in {P07.*}", "any_dx in {P07.8}", "any_px in {3.3}", "mcc or cc"):
        assert holds(rule, case) is False
    assert holds("principal_dx is unknown", case) is True
    assert holds("principal_dx is missing", case) is False


def test_empty_first_diagnosis_is_a_missing_principal() -> None:
    for written in (("", "A1"), ("\u3000 ", "A1")):
        case = claim().model_copy(update={"diagnoses": written})
        assert holds("principal_dx is missing", case) is True
        assert holds("principal_dx is unknown", case) is False
        assert holds("secondary_dx in {A1}", case) is True


def test_empty_entries_are_dropped() -> None:
    case = claim().model_copy(
        update={"diagnoses": ("A1", "", None, "A2"), "procedures": ("", None, "1.1")}
    )
    assert holds("secondary_dx in {A2} and principal_px in {1.1}", case) is True


@pytest.mark.parametrize(("sites", "truth"), [("A1|A2", True), ("A1|A3", False), ("A1|A1", False)])
def test_trauma_sites_are_distinct_body_sites(sites: str, truth: bool) -> None:
    tables = {"mdc_diagnosis": ["MDCB|A1|头", "MDCB|A2|胸", "MDCB|A3|头", "MDCG|B1|"]}
    assert holds("trauma_sites >= 2", claim(sites), tables) is truth


@pytest.mark.parametrize(
    ("field", "value", "state"),
    [
        ("sex", "3", "invalid"),
        ("sex", "", "missing"),
        ("sex", None, "missing"),
        ("department", " ", "missing"),
        ("age", "abc", "invalid"),
        ("age", 2**31, "invalid"),
        ("age", True, "invalid"),
        ("age", None, "missing"),
    ],
)
def test_missing_and_invalid_are_told_apart(field: str, value: object, state: str) -> None:
    case = claim("A1").model_copy(update={field: value})
    assert holds(f"{field} is {state}", case) is True
    other = {"invalid": "missing", "missing": "invalid"}[state]
    assert holds(f"{field} is {other}", case) is False
    compared = {"sex": "sex = male", "age": "age < 9", "department": "department in {ICU}"}[field]
    assert holds(compared, case) is None


# ---- spelling


KNOWN = frozenset(
    {"A01.1x1", "A01.1X1", "E10.3+H42.0*", "E11.3+H42.0*", "E11.3+H43.0*", "E12.3", "E12.3+H1.0*"}
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("A01.1x1", "A01.1x1"),
        ("a01.1x1", None),  # fits A01.1x1 and A01.1X1
        ("E10.3+H42.0*", "E10.3+H42.0*"),
        ("ｅ１０．３＋h42.0＊", "E10.3+H42.0*"),
        (" E10.3 +\tH42.0*\u3000\u00a0", "E10.3+H42.0*"),
        ("E10.3+H42.0", "E10.3+H42.0*"),
        ("e10.3", "E10.3+H42.0*"),
        ("E11.3", None),  # the part before + of two codes
        ("E11.3+H42.0", "E11.3+H42.0*"),
        ("e12.3", "E12.3"),  # a whole code outranks the part of another
        ("H42.0*", None),
        ("E10.3+", None),
        ("ß", None),
        ("E10.3" + " " * 500, "E10.3+H42.0*"),
    ],
)
def test_spelling_is_normalised_only_where_unique(written: str, meant: str | None) -> None:
    assert Spelling(KNOWN, {}, lenient=True).read(written) == meant
    exact = written if written in KNOWN else None
    assert Spelling(KNOWN, {}, lenient=False).read(written) == exact


@given(st.text(max_size=12))
def test_folding_twice_changes_nothing(written: str) -> None:
    assert fold(fold(written)) == fold(written)
    assert Spelling(KNOWN, {}, lenient=True).read(written) in KNOWN | {None}


# ---- severity


@pytest.mark.parametrize(
    ("diagnoses", "severity", "group"),
    [
        ("A1", "NONE", "BR15"),
        ("A2|A3", "MCC", "BR11"),
        ("A1|A3", "NONE", "BR15"),  # both in table 7
        ("A1|B1", "CC", "BR13"),
        ("A2|B2", "NONE", "BR15"),  # both in table 9
        ("A2|B2|B1", "CC", "BR13"),
        ("A2|B1|A3|A3", "MCC", "BR11"),
        ("A1|A1", "NONE", "BR15"),
    ],
)
def test_severity_and_exclusion(diagnoses: str, severity: str, group: str) -> None:
    result = run(make_scheme(), diagnoses)
    assert (result.severity, result.group, result.mdc, result.adrg) == (
        severity, group, "MDCB", "BR1"
    )  # fmt: skip


def test_repeated_principal_is_no_complication() -> None:
    tables = {"severity": ["A1|MCC|1"], "exclusion": ["A2|9"]}
    assert run(make_scheme(tables), "A1|A1").severity == "NONE"
    assert run(make_scheme(tables), "A2|A1").severity == "MCC"


# ---- the decision


def test_checks_stop_in_table_order_and_before_everything() -> None:
    scheme = make_scheme({"check": [
        "2|E120|stop|principal_dx is missing",
        "1|E101|stop|sex is missing",
        "3|N404|note|principal_dx in {A1}",
        "4|E111|stop|age > 150",
    ]})  # fmt: skip
    assert run(scheme, sex=None).reason == "E101"
    assert run(scheme).reason == "E120"
    assert run(scheme, "A1", age=200).reason == "E111"
    assert run(scheme, "A1", age=None).reason == "N404"  # an unknown check does not hold
    rejected = run(scheme, "A1", age=200)
    assert rejected[1:8] == (None, None, None, None, None, Outcome.REJECTED, "E111")


def test_rejected_flag_writes_zeros() -> None:
    result = run(make_scheme(rejected=("0000", "00", "0000")), sex=None)
    assert result[1:6] == ("0000", "00", "0000", None, None)


def test_ambiguous_row_ends_the_search() -> None:
    result = run(make_scheme(), "A1", "1.2")
    assert result[1:8] == ("MDCB", "QY", "BQY", "歧义组", None, Outcome.AMBIGUOUS, "Q301")
    assert run(make_scheme(), "A1", "1.1").group == "BB19"
    assert run(make_scheme(), "A1", "9.9").group == "BR15"  # not a valid procedure


def test_no_adrg_means_the_next_mdc() -> None:
    tables = {"mdc_diagnosis": ["MDCB|A1|", "MDCB|A3|", "MDCG|A3|"], "adrg": [
        *BASE["adrg"][:3], "MDCG|1|GR1|1|内科二|medical|principal_dx in {A3}|",
    ]}  # fmt: skip
    assert run(make_scheme(tables), "A3").group == "GR19"


@pytest.mark.parametrize(
    ("unmatched", "group", "name"), [("self", "BB1", "手术"), ("next", "BR15", "不伴")]
)
def test_adrg_without_a_drg(unmatched: str, group: str, name: str) -> None:
    tables = {
        "drg": ["BB1||1|BB11|手术组|mcc", *BASE["drg"][1:]],
        "adrg": [BASE["adrg"][0], *BASE["adrg"][2:]],
    }
    result = run(make_scheme(tables, unmatched_adrg=unmatched), "A1", "1.1")
    assert (result.outcome, result.group, result.group_name) == (Outcome.GROUPED, group, name)


def test_drg_tests_of_a_rule_number_hide_those_for_all() -> None:
    tables = {
        "adrg": [
            "MDCB|1|BR1|1|内科|medical|principal_dx in {A1}|",
            "MDCB|2|BR1|2|内科|medical|principal_dx in {A2}|",
        ],
        "drg": ["BR1||1|BR19|全部|always", "BR1|2|1|BR18|仅二|always"],
    }
    assert run(make_scheme(tables), "A1").group == "BR19"
    assert run(make_scheme(tables), "A2").group == "BR18"


@pytest.mark.parametrize(
    ("diagnosis", "flag", "codes", "reason"),
    [
        ("A3", "mdc", ("MDCB", "00", "B00"), "U203"),
        ("A3", ("0000", "00", "0000"), ("0000", "00", "0000"), "U203"),
        ("A3", ("0000", "00", "0000A"), ("0000", "00", "0000A"), "U203"),
        ("B2", ("0000", "00", "0000A"), ("0000", "00", "0000A"), "U202"),
        ("B2", "mdc", ("0000", "00", "0000"), "U202"),
        ("ZZ", "mdc", ("0000", "00", "0000"), "U201"),
    ],
)
def test_ungroupable_reports(
    diagnosis: str, flag: Any, codes: tuple[str, ...], reason: str
) -> None:
    result = run(make_scheme(ungroupable=flag), diagnosis)
    assert result[1:8] == (*codes, None, None, Outcome.UNGROUPABLE, reason)


def test_ungroupable_reports_the_last_open_mdc_that_lists_the_principal() -> None:
    tables = {
        "mdc": [
            "1|MDCB|神经|principal_dx in MDCB",
            "2|MDCG|消化|principal_dx in MDCG",
            "3|MDCH|肝胆|always",
            "4|MDCI|骨|principal_dx in MDCI and sex = female",
        ],
        "mdc_diagnosis": ["MDCB|A3|", "MDCG|A3|", "MDCH|A1|", "MDCI|A3|"],
    }
    assert run(make_scheme(tables), "A3").group == "G00"
    assert run(make_scheme(tables), "A3", sex="F").group == "I00"


def test_no_principal_where_no_check_asks_for_one() -> None:
    result = run(make_scheme({"check": ["1|E101|stop|sex is missing"]}))
    assert (result.outcome, result.reason) == (Outcome.UNGROUPABLE, "U202")


# ---- retry


RETRY = {
    "adrg": [
        BASE["adrg"][0],
        "MDCB|2|BR1|1|内科|medical|principal_dx in {A1} and not any_px in VALID|",
    ]
}


def test_retry_takes_the_first_further_procedure_that_groups() -> None:
    scheme = make_scheme(RETRY, retry_other_procedures=True)
    assert run(scheme, "A3", "1.2|9.9|1.1").group == "BB19"
    assert run(scheme, "A1", "1.2|9.9|1.1").group == "BR15"  # 9.9 alone: no valid procedure
    assert run(scheme, "A1", "1.2|7.7|1.1").group == "BR15"  # an unknown code alone
    assert run(scheme, "A1", "1.2|1.2").outcome is Outcome.UNGROUPABLE
    assert run(scheme, "A1", "9.9|1.2|9.9").outcome is Outcome.UNGROUPABLE  # 9.9 counts once
    assert run(make_scheme(RETRY), "A3", "1.2|1.1").reason == "U203"


def test_retry_may_end_in_an_ambiguous_group() -> None:
    tables = {"adrg": BASE["adrg"][:2]}
    scheme = make_scheme(tables, retry_other_procedures=True)
    assert run(scheme, "A3", "9.9|1.2|1.1").group == "BQY"


def test_retry_keeps_the_memory_of_missing_values() -> None:
    tables = {"adrg": [
        "MDCB|1|BB1|1|手术|surgical|principal_px in {1.2} and los > 5|",
        "MDCB|2|BB2|1|手术|surgical|principal_px in {1.1}|",
    ], "drg": ["BB1||1|BB19|一|always", "BB2||1|BB29|二|always"]}  # fmt: skip
    scheme = make_scheme(tables, retry_other_procedures=True)
    assert run(scheme, "A1", "1.2|1.1").reason == "E130"
    assert run(scheme, "A1", "1.2|1.1", los_days=2).group == "BB29"
    assert run(scheme, "A1", "9.9|1.1").group == "BB29"  # the rule is false, not unknown


# ---- needed values


NEEDS = {"adrg": [
    "MDCB|1|BB1|1|手术|surgical|any_px in {1.1} and (icu_hours > 5 or weight > 100)|",
    "MDCB|2|BR1|1|内科|medical|principal_dx in BR1.dx|",
    "MDCB|3|BR2|1|内科|medical|los > 5|",
], "drg": ["BR1||1|BR15|不伴|always"]}  # fmt: skip


def missing_of(steps: list[Step]) -> MissingValue | None:
    found = [step.subject for step in steps if step.kind == "missing"]
    assert len(found) <= 1
    return found[0] if found and isinstance(found[0], MissingValue) else None


def test_needed_value_missing_rejects_whatever_came_out() -> None:
    grouper = ReferenceGrouper(make_scheme(NEEDS))
    result, steps = grouper.trace(claim("A1", "1.1"))
    assert result[1:8] == (None, None, None, None, None, Outcome.REJECTED, "E130")
    assert missing_of(steps) == MissingValue("weight", "adrg.csv", "BB1/1")
    assert missing_of(grouper.trace(claim("A1", "1.1", birth_weight_g=1))[1]) == MissingValue(
        "icu_hours", "adrg.csv", "BB1/1"
    )
    assert grouper.group(claim("A1", "1.1", icu_hours=9)).group == "BB1"
    assert grouper.group(claim("A1", "1.2")).group == "BR15"  # BR2 was not tried
    assert grouper.group(claim("A3")).reason == "E130"  # ungroupable, but BR2 was tried


def test_missing_value_flag_reads_unknown_as_false() -> None:
    grouper = ReferenceGrouper(make_scheme(NEEDS, missing_value="false"))
    result, steps = grouper.trace(claim("A1", "1.1"))
    assert (result.outcome, result.group, result.reason) == (Outcome.GROUPED, "BR15", None)
    assert missing_of(steps) is not None


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("mdc", "0|MDCA|先期|los > 5"),
        ("drg", "BR1||0|BR12|超长|los > 5"),
        ("check", "3|N404|note|los > 5"),
    ],
)
def test_doors_and_drg_tests_need_values_and_checks_do_not(table: str, row: str) -> None:
    result = run(make_scheme({table: [*BASE[table], row]}), "A1")
    assert (result.reason == "E130") == (table != "check")


# ---- reasons of grouped claims


def test_first_note_wins() -> None:
    notes = [*BASE["check"], "4|N499|note|age > 90", "3|N404|note|principal_dx in {A2}"]
    scheme = make_scheme({"check": notes})
    assert run(scheme, "A2|zz", "zz").reason == "N404"
    assert run(scheme, "a1|zz", "zz").reason == "N403"
    assert run(scheme, "A1|zz", "zz").reason == "N401"
    assert run(scheme, "A1", "zz").reason == "N402"
    assert run(scheme, "A1").reason is None
    assert run(scheme, "A1|zz", age=99).reason == "N499"
    assert run(make_scheme(normalise_codes=False), "a1").reason == "U201"


def test_unknown_principal_in_a_group_by_procedure() -> None:
    tables = {"mdc": ["1|MDCB|先期|always", BASE["mdc"][1]]}
    assert run(make_scheme(tables), "zz", "1.1").group == "BB19"
    assert run(make_scheme(tables), "zz", "1.1").reason == "N401"
    assert run(make_scheme(tables), "zz|yy", "1.1").reason == "N401"


# ---- the demo scheme, properties, the path


@cache
def demo_grouper() -> ReferenceGrouper:
    return ReferenceGrouper(load_scheme("demo"))


@pytest.fixture
def demo() -> ReferenceGrouper:
    return demo_grouper()


def demo_claims() -> st.SearchStrategy[Claim]:
    scheme = demo_grouper().scheme
    dx = st.sampled_from(
        [*scheme.code_sets["MDCB"], *scheme.severity, "g40.900", "zz", "", "K37.x00"]
    )
    px = st.sampled_from([*scheme.code_sets["VALID"], "zz", ""])
    number = st.none() | st.integers(-1, 400)
    return st.builds(
        Claim,
        sex=st.sampled_from(["M", "F", "3", None]),
        age=st.sampled_from([None, 0, 1, 60, 300]),
        age_days=number,
        birth_weight_g=number.map(lambda n: n if n is None else n * 10),
        diagnoses=st.lists(dx, max_size=6).map(tuple),
        procedures=st.lists(px, max_size=4).map(tuple),
    )


@settings(deadline=None)
@given(demo_claims(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_secondary_codes_change_nothing(
    given_claim: Claim, random: Any
) -> None:
    grouper = demo_grouper()
    result = grouper.group(given_claim)
    first, rest = given_claim.diagnoses[:1], list(given_claim.diagnoses[1:])
    random.shuffle(rest)
    again = (*first, *rest, *given_claim.diagnoses)
    procedures = given_claim.procedures * 2
    changed = given_claim.model_copy(update={"diagnoses": again, "procedures": procedures})
    assert grouper.group(changed) == result


@settings(deadline=None)
@given(demo_claims())
def test_every_claim_gets_a_consistent_answer_that_can_be_told(given_claim: Claim) -> None:
    grouper = demo_grouper()
    result, steps = grouper.trace(given_claim)
    assert (result.severity is not None) == (result.outcome is Outcome.GROUPED)
    assert (result.group_name is not None) == (
        result.group is not None and "00" not in result.group
    )
    assert result.reason is not None or result.outcome is Outcome.GROUPED
    assert steps[0].kind == "input"
    assert steps[-1].subject is result
    for lang in ("zh", "en"):
        lines = explain_lines(steps, grouper.scheme, lang)
        assert len(lines) >= 4
        assert lines[-1] == steps[-1].text(lang)
        assert all(
            step.text(lang).endswith(step.source) or step.kind == "severity" for step in steps
        )


@pytest.mark.parametrize(
    ("fields", "group", "reason"),
    [
        ({"dx": "I61.001", "px": "01.2401"}, "BB29", None),
        ({"dx": "I63.905|J96.000"}, "BR11", None),
        ({"dx": "I63.905|I69.300"}, "BR15", None),
        ({"dx": "G40.900|E87.600"}, "BV13", None),
        ({"dx": "A17.000"}, "BT29", "N403"),
        ({"dx": "G40.900", "px": "47.0100"}, "BQY", "Q301"),
        ({"dx": "K37.x00", "px": "96.7201|96.0400"}, "AH29", "N404"),
        ({"dx": "P07.300", "age": 0, "age_days": 3, "birth_weight_g": 1499}, "PS19", None),
        ({"dx": "P07.300", "age": 0, "age_days": 3, "birth_weight_g": 1500}, "PS25", None),
        ({"dx": "P07.300", "age": 0, "age_days": 3}, None, "E114"),
        ({"dx": "P22.000", "age": 0, "age_days": 29}, "P00", "U203"),
    ],
)
def test_demo_scheme(
    demo: ReferenceGrouper, fields: dict[str, Any], group: str | None, reason: str | None
) -> None:
    result = demo.group(claim(**fields))
    assert (result.group, result.reason) == (group, reason)
    assert (result.scheme, result.digest) == (demo.scheme.id, demo.scheme.digest)


def test_path_in_chinese_names_rows_and_codes(demo: ReferenceGrouper) -> None:
    _, steps = demo.trace(claim("I63.905|j96.000|I69.300|XX", "88.4100|01.2401", claim_id="甲"))
    path = "\n".join(explain_lines(steps, demo.scheme, "zh"))
    for part in (
        "病例 甲",
        "主要诊断 I63.905",
        "（原写“j96.000”，已规范写法）",
        "XX：不在编码库中，不参与分组",
        "MCC，计入（排除表 104） [severity.csv J96.000]",
        "属于同一排除表 91 [severity.csv I69.300] [exclusion.csv I63.905→表 91]",
        "进入 MDCB",
        "[mdc.csv MDCB]",
        "[adrg.csv BB2/1 … BL1/1]",
        "符合 BQY 歧义组：主要手术操作 88.4100",
        "[adrg.csv BQY/1]",
        "结果：AMBIGUOUS 歧义病例",
        "Q301",
    ):
        assert part in path, path


def test_path_names_rules_that_came_close(demo: ReferenceGrouper) -> None:
    _, steps = demo.trace(claim("I61.001", "88.4100|01.2401"))
    path = explain_lines(steps, demo.scheme, "en")
    assert any(
        "BB2" in line and "01.2401 is listed, but the rule asks for" in line for line in path
    ), path


def test_path_of_retry_missing_value_and_stop() -> None:
    scheme = make_scheme(NEEDS, retry_other_procedures=True)
    grouper = ReferenceGrouper(scheme)
    path = explain_lines(grouper.trace(claim("A3", "1.2|9.9", los_days=3))[1], scheme, "zh")
    assert any("改以 9.9 检查 为唯一手术操作重试" in line for line in path), path
    path = explain_lines(grouper.trace(claim("A1", "1.1"))[1], scheme, "zh")
    assert any("出生体重（克）" in line and "[adrg.csv BB1/1]" in line for line in path), path
    path = explain_lines(grouper.trace(claim(sex=None))[1], scheme, "zh")
    assert any("E101" in line and "[check.csv E101]" in line for line in path), path


def test_steps_carry_codes_rows_and_children(demo: ReferenceGrouper) -> None:
    _, steps = demo.trace(claim("I63.905|J96.000"))
    door = next(step for step in steps if step.kind == "mdc" and step.key == "MDCB")
    assert [match.reading.code for match in door.codes] == ["I63.905"]
    adrg = door.children[-1]
    assert (adrg.table, adrg.key, adrg.holds) == ("adrg.csv", "BR1/1", True)
    assert [test.holds for test in adrg.children] == [True]
    assert adrg.children[0].key == "BR1/*/1"
