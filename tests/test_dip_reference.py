"""The reference matcher, rule by rule, on catalogues small enough to see through."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from strategies import full_width

from drg.claims.model import Claim
from drg.dip.choose import Candidate, choose
from drg.dip.model import (
    AuxiliaryClass,
    Catalogue,
    Comorbidity,
    Condition,
    Group,
    Matching,
    Subtype,
)
from drg.dip.reference import ReferenceMatcher
from drg.grouping.result import GroupResult

DX = {
    "K80.100": "胆囊结石", "K80.200x001": "", "N40.x00": "前列腺增生", "X67.000": "", "X67.x00": "",
    "E10.300x051+H42.0*": "青光眼", "I10.x00": "高血压", "C78.000": "肺转移", "P07.100": "低体重",
    "I50.900": "心衰", "A09.900": "", "C34.100": "肺癌",
}  # fmt: skip
PX = {
    "51.2300": "surgery", "51.8800": "therapeutic", "51.8700": "therapeutic",
    "88.5600": "diagnostic", "99.2500": "conservative",
}  # fmt: skip
MATCHING = Matching(
    tiers=(("special",), ("core", "primary"), ("comprehensive",), ("chapter",), ("blank",)),
    comparators=("most_terms", "most_procedures", "nearest_mean", "type_order"),
)


def catalogue(*groups: Group, **changed: Any) -> Catalogue:
    told = {
        "subtypes": (), "classes": (), "conditions": (), "comorbidities": (), "matching": MATCHING,
    }  # fmt: skip
    return Catalogue(
        "small", "0" * 64, "小目录", "small", groups, procedure_kind=PX, dx_names=DX,
        px_names=dict.fromkeys(PX, "术"), **(told | changed),
    )  # fmt: skip


def group(code: str, group_class: str = "core", **told: Any) -> Group:
    diagnosis, _, rest = code.partition(":")
    told = {"diagnosis": (diagnosis,), "score_e4": 10_000, "name": code} | told
    if rest in ("SS", "ZLXCZ", "ZDXCZ", "BSZL"):
        told["attribute"], group_class = rest, "comprehensive"
    elif rest:
        told.setdefault("terms", tuple(tuple(term.split("/")) for term in rest.split("+")))
    return Group(code, group_class, **told)


def match(found: Catalogue, dx: str = "K80.100", px: str = "", **told: Any) -> GroupResult:
    claim = Claim(diagnoses=dx.split("|"), procedures=px.split("|") if px else (), **told)
    return ReferenceMatcher(found).match(claim)


def test_published_order_of_core_groups() -> None:
    found = catalogue(
        group("K80.1"), group("K80.1:51.2300"), group("K80.1:51.2300+51.8800"), group("K80:SS"),
        group("K80:ZDXCZ"), group("K80:BSZL"),
    )  # fmt: skip
    assert match(found, px="51.2300|51.8800").group == "K80.1:51.2300+51.8800"
    assert match(found, px="51.2300|51.8800").decided_by == "most_terms"
    assert match(found, px="51.2300|88.5600").group == "K80.1:51.2300"
    assert match(found, px="51.2300|88.5600").decided_by is None
    assert match(found).group == "K80.1"
    assert match(found, px="99.2500").group == "K80.1"
    assert match(found, px="88.5600|51.8800").group == "K80:ZDXCZ"
    assert match(found, dx="K80.200x001", px="51.2300").group_class == "comprehensive.surgery"
    assert match(found, dx="K80.200x001").group == "K80:BSZL"


@pytest.mark.parametrize(
    ("comparator", "expected"),
    [
        ("most_terms", "d"),
        ("most_procedures", "c"),
        ("reported_principal", "c"),
        ("leading_principal", "c"),
        ("full_code", "d"),
        ("highest_score", "b"),
        ("nearest_mean", "a"),
        ("type_order", "e"),
        ("group_code", "a"),
    ],
)
def test_each_comparator(comparator: str, expected: str) -> None:
    candidates = [
        Candidate("a", "51.8700", 9_000, 1, 1),
        Candidate("b", "51.8800", 1_000, 9, 1),
        Candidate("c", "51.2300/51.8800/51.8700", 1_000, 2, 1),
        Candidate("d", "51.8700+51.8800", 1_000, 3, 1),
        Candidate("e", "51.88*", 2_000, None, 0),
    ]
    found = choose(
        candidates, ["51.2300", "51.8800", "51.8700"], principal="51.2300", cost_fen=8_000,
        comparators=[comparator],
    )  # fmt: skip
    assert found.code == expected
    assert found.decided_by == comparator
    assert {loss.fit.candidate.code for loss in found.losses} == {*"abcde"} - {expected}


def test_cost_decides_only_where_all_is_known() -> None:
    pair = [Candidate("g1", "51.2300", 1_400_000), Candidate("g2", "51.8800", 2_050_000)]
    asked = {"principal": None, "comparators": ["nearest_mean"]}
    px = ["51.2300", "51.8800"]
    assert choose(pair, px, cost_fen=2_100_000, **asked)[:2] == ("g2", "nearest_mean")
    assert choose(pair, px, cost_fen=None, **asked)[:2] == ("g1", "group_code")
    pair[0] = pair[0]._replace(mean_fen=None)
    assert choose(pair, px, cost_fen=2_100_000, **asked)[:2] == ("g1", "group_code")
    pair = [Candidate("g1", "51.2300", 100), Candidate("g2", "51.8800", 300)]
    assert choose(pair, px, cost_fen=200, **asked)[:2] == ("g1", "group_code")


def test_note_tells_that_cost_ruled_out_a_group() -> None:
    found = catalogue(group("K80.1:51.2300", mean_fen=100), group("K80.1:51.8800", mean_fen=900))
    result = match(found, px="51.2300|51.8800", total_cost="8.00")
    assert (result.group, result.decided_by, result.reason) == (
        "K80.1:51.8800", "nearest_mean", "N430",
    )  # fmt: skip
    result = match(found, px="51.2300|51.8800", total_cost="-8.00")
    assert (result.group, result.decided_by, result.reason) == (
        "K80.1:51.2300", "group_code", "N435",
    )  # fmt: skip


def test_repeated_term_asks_for_two_reports() -> None:
    found = catalogue(group("K80.1:51.2300"), group("K80.1:51.2300+51.2300"))
    assert match(found, px="51.2300").group == "K80.1:51.2300"
    assert match(found, px="51.2300|88.5600|51.2300").group == "K80.1:51.2300+51.2300"


def test_related_most_needs_the_leading_term_alone() -> None:
    most = replace(MATCHING, related="most")
    found = catalogue(group("K80.1:51.2300+51.8800"), matching=most)
    assert match(found, px="51.2300").group == "K80.1:51.2300+51.8800"
    assert match(found, px="51.8800").reason == "U212"
    assert match(replace(found, matching=MATCHING), px="51.2300").reason == "U212"


def test_ruling_kind_and_quiet_kinds() -> None:
    groups = [group(f"K80:{a}") for a in ("SS", "ZLXCZ", "ZDXCZ", "BSZL")]
    found = catalogue(*groups)
    assert match(found, px="zz|88.5600|51.2300").group == "K80:ZDXCZ"
    assert match(found, px="99.2500|51.2300").group == "K80:BSZL"
    assert match(found, px="zz").group == "K80:BSZL"
    found = catalogue(*groups, matching=replace(MATCHING, ruling="highest"))
    assert match(found, px="88.5600|51.2300").group == "K80:SS"
    quiet = replace(MATCHING, quiet=frozenset({"diagnostic"}))
    assert match(catalogue(*groups, matching=quiet), px="88.5600").group == "K80:BSZL"


def test_type_outside_all_tiers_takes_no_part() -> None:
    only = replace(MATCHING, tiers=(("core.surgery",),))
    found = catalogue(group("K80.1:51.2300"), group("K80.1:88.5600"), matching=only)
    assert match(found, px="51.2300|88.5600").decided_by is None
    assert match(found, px="88.5600").reason == "U212"
    assert match(catalogue(group("K80.1:88.5600"), matching=only), px="88.5600").reason == "U211"


def test_which_level_failed() -> None:
    found = catalogue(
        group("K80.1:51.2300"), group("X67:SS"), group("A00-B99", "chapter", attribute="SS")
    )
    assert match(found, dx="zz").reason == "U201"
    assert match(found, dx="H42.0*").reason == "U201"
    assert match(found, dx="I10.x00").reason == "U211"
    assert match(found, px="88.5600").reason == "U212"
    assert match(found, dx="X67.000").reason == "U213"
    assert match(found, dx="A09.900").reason == "U213"
    assert match(found, dx="A09.900", px="51.2300").group == "A00-B99"
    rejected = match(found, dx="|K80.100")
    assert (rejected.outcome, rejected.reason) == ("REJECTED", "E120")
    assert rejected[1:6] == (None,) * 5


def test_condition_that_cannot_be_told() -> None:
    light = Condition("light", field="birth_weight_g", stop=750)
    found = catalogue(group("P07.1", "special", conditions=("light",)), conditions=(light,))
    assert match(found, dx="P07.100", birth_weight_g=749).group == "P07.1"
    assert match(found, dx="P07.100", birth_weight_g=750).reason == "U212"
    assert match(found, dx="P07.100").reason == "U214"
    assert match(found, dx="P07.100", birth_weight_g=2**31).reason == "U214"
    wider = catalogue(*found.groups, group("P07:BSZL"), conditions=(light,))
    assert match(wider, dx="P07.100").group == "P07:BSZL"


@pytest.mark.parametrize(
    ("written", "found", "reason"),
    [
        ("K80.100", "K80.1", None),
        ("K80.1", "K80.1", None),
        ("k80.1", "K80.1", "N403"),
        (full_width("K80.1"), "K80.1", "N403"),
        (" K80.100　", "K80.1", "N403"),
        ("N40.x00", "N40.x", None),
        ("N40.X00", "N40.x", "N403"),
        ("N40.x", "N40.x", None),
        ("N40.X", "N40.x", "N403"),
        ("N40", "N40.x", None),
        ("K80", "K80:BSZL", "N433"),
        ("X67", None, "U213"),
        ("X67.x", "X67.x", None),
        ("E10.300x051+H42.0*", "E10.3", None),
        ("E10.300x051", "E10.3", "N403"),
        ("e10.300X051+h42.0", "E10.3", "N403"),
        ("E10.3", "E10.3", None),
        ("H42.0*", None, "U201"),
        ("H42.0", None, "U201"),
        ("K80.1000", None, "U201"),
        ("K81", None, "U201"),
    ],
)
def test_spellings_of_the_principal_diagnosis(
    written: str, found: str | None, reason: str | None
) -> None:
    tables = catalogue(
        group("K80.1"), group("K80:BSZL"), group("N40.x", diagnosis=("n40.X",)), group("E10.3"),
        group("X67.x"), group("X67:SS"),
    )  # fmt: skip
    result = match(tables, dx=written)
    assert (result.group, result.reason) == (found, reason)


def test_strict_spelling() -> None:
    found = catalogue(group("K80.1"), normalise_codes=False)
    assert match(found).group == "K80.1"
    assert match(found, dx="k80.100").reason == "U201"


def test_notes_in_order() -> None:
    found = catalogue(group("K80:BSZL"))
    assert match(found, dx="K80|zz", px="zz").reason == "N401"
    assert match(found, dx="K80", px="zz").reason == "N402"
    assert match(found, dx="k80").reason == "N433"
    assert match(found, dx="K80.100|i10.x00").reason == "N403"


AGES = (
    AuxiliaryClass("age", "age0", "", "", ("child",)),
    AuxiliaryClass("age", "age1", "", "", ("old",)),
)
SEVERITY = (
    AuxiliaryClass("dis", "dis1", "", "", ("metastasis",)),
    AuxiliaryClass("dis", "dis0", "", ""),
)
CONDITIONS = (
    Condition("child", field="age", stop=7),
    Condition("old", field="age", start=65),
    Condition("metastasis", secondary=("C77-C79", "C34"), other_category=True),
)


def scored(*subtypes: tuple[str, int], base: int | None = 5, unlisted: str = "lowest") -> Catalogue:
    return catalogue(
        group("C34.1", score_e4=base), subtypes=[Subtype("C34.1", s, n) for s, n in subtypes],
        classes=(*AGES, *SEVERITY), conditions=CONDITIONS,
        matching=replace(MATCHING, unlisted=unlisted),
    )  # fmt: skip


def told(found: Catalogue, **claim: Any) -> tuple[Any, ...]:
    result = match(found, **{"dx": "C34.100", "age": 40, **claim})
    return result.group, result.auxiliary, result.score_e4, result.reason


def test_highest_subtype_counts() -> None:
    found = scored(("age1", 7), ("dis1", 9), ("dis0", 4))
    assert told(found, age=70) == ("C34.1_age1", "age1", 7, None)
    assert told(found, age=70, dx="C34.100|C78.000") == ("C34.1_dis1", "dis1", 9, None)
    # Its own category is no metastasis; the only subtype left is below the group's own score.
    assert told(found, dx="C34.100|C34.100") == ("C34.1_dis0", "dis0", 4, None)
    assert told(scored(("age1", 7)), age=40) == ("C34.1", None, 5, None)
    assert told(scored(("dis0", 7), ("age1", 7)), age=70)[1] == "dis0"


def test_type_that_cannot_be_told() -> None:
    assert told(scored(("age1", 7)), age=None) == ("C34.1", None, 5, "N431")
    assert told(scored(("dis0", 7)), age=None) == ("C34.1_dis0", "dis0", 7, None)


def test_claim_of_no_listed_subtype() -> None:
    assert told(scored(("age1", 7), ("dis1", 6), base=None)) == ("C34.1_dis1", "dis1", 6, "N432")
    none = scored(("age1", 7), base=None, unlisted="none")
    assert told(none) == (None, None, None, "U215")
    assert told(scored(base=None)) == (None, None, None, "U215")


def test_comorbidity_index() -> None:
    comorbid = (
        Comorbidity("heart", 1, ("I50",), "pressure"), Comorbidity("pressure", 1, ("I10",)),
        Comorbidity("cancer", 2, ("C00-C97",)),
    )  # fmt: skip
    classes = tuple(AuxiliaryClass("cci", f"cci{n}", "", "", (f"cci{n}",)) for n in range(4))
    conditions = tuple(Condition(f"cci{n}", cci=True, start=n, stop=n + 1) for n in range(4))
    found = catalogue(
        group("K80.1"), subtypes=[Subtype("K80.1", c.subtype, 1) for c in classes],
        classes=classes, conditions=conditions, comorbidities=comorbid,
    )  # fmt: skip
    assert match(found).auxiliary == "cci0"
    assert match(found, dx="K80.100|I10.x00|I10").auxiliary == "cci1"
    assert match(found, dx="K80.100|I10.x00|I50.900").auxiliary == "cci1"
    assert match(found, dx="K80.100|I50.900|C78.000").auxiliary == "cci3"


def test_multiple_of_the_mean_cost() -> None:
    found = catalogue(
        group("K80.1", mean_fen=1_000),
        subtypes=[Subtype("K80.1", "dear", 1)],
        classes=(AuxiliaryClass("cost", "dear", "", "", ("triple",)),),
        conditions=(Condition("triple", cost_multiple=Fraction(3)),),
    )
    assert match(found, total_cost="30").auxiliary == "dear"
    assert match(found, total_cost="29.99").auxiliary is None
    assert match(found).reason == "N431"
