"""The compiled matcher by itself: every rule on a small catalogue, and what the kernel refuses."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grouper_core as core
from drg.dip.cache import load_compiled_catalogue
from drg.dip.catalogue import load_catalogue, locate_catalogue
from drg.dip.compile import compile_catalogue
from drg.dip.compiled import CompiledCatalogue
from drg.dip.grammar import parse_terms
from drg.dip.model import (
    COMPARATORS,
    AuxiliaryClass,
    Catalogue,
    Comorbidity,
    Condition,
    Group,
    Matching,
    Subtype,
)
from drg.errors import TableError
from drg.schemes.crosswalk import Crosswalk

DX = (
    *("K80.100", "K80.101", "K80.200", "K81.000", "N40.x00", "I10.x00", "I12.000", "I12.000x001"),
    *("E10.300x051+H42.0*", "C00.000", "C78.000", "D48.900", "E11.900", "E11.700", "I50.000"),
)
#: The first digit of a procedure is its kind's.
PX = ("11.0100", "11.0101", "11.0200", "22.0100", "22.0200", "33.0100", "44.0100", "44.0100x001")
KINDS = {"1": "surgery", "2": "therapeutic", "3": "diagnostic", "4": "conservative"}
TIERS = (("special",), ("core", "primary"), ("comprehensive",), ("chapter",), ("blank",))
MATCHING = Matching(TIERS, ())


class Answer(NamedTuple):
    group: str | None
    decided: str | None = None
    reason: str | None = None


def group(code: str, terms: str = "", **more: Any) -> Group:
    """A group for K80.1 whose procedures are ``terms``; its class is core unless said otherwise."""
    of = {"group_class": "core", "diagnosis": ("K80.1",), "score_e4": 10_000, **more}
    return Group(code, terms=parse_terms(terms), **of)


def catalogue(*groups: Group, **more: Any) -> Catalogue:
    of = {
        "subtypes": (), "classes": (), "conditions": (), "comorbidities": (), "matching": MATCHING,
        "procedure_kind": {code: KINDS[code[0]] for code in PX},
        "dx_names": dict.fromkeys(DX, "疾病"), "px_names": dict.fromkeys(PX, "操作"), **more,
    }  # fmt: skip
    return Catalogue("made", "0" * 64, "造", "made", groups, **of)


def ordered(*comparators: str, **more: Any) -> Matching:
    return replace(MATCHING, comparators=comparators, **more)


def ask(
    made: Catalogue | CompiledCatalogue,
    procedures: Sequence[str | None] = (),
    diagnoses: Sequence[str | None] = ("K80.100",),
    cost: int = -1,
    true: int = 0,
    unknown: int = 0,
) -> Answer:
    compiled = compile_catalogue(made) if isinstance(made, Catalogue) else made
    leaf, decided, reason = core.match_one(
        compiled.program(), diagnoses, procedures, cost, true, unknown
    )
    found = compiled.leaves[leaf]
    assert (found.outcome == "GROUPED") == (found.group is not None)
    return Answer(found.group, compiled.decided[decided], compiled.reasons[reason] or None)


# ---------------------------------------------------------------- which groups fit

PAIR = catalogue(group("A", "11.0100"), group("B", "11.0100+22.0100"), group("C"))


@pytest.mark.parametrize(
    ("procedures", "found"),
    [
        (["11.0100"], "A"),
        (["22.0100"], None),
        (["22.0100", "11.0100"], "A"),
        ([], "C"),
        (["44.0100"], "C"),
        (["44.0100", "99.9999"], "C"),
        (["44.0100", "33.0100"], None),
        ([None, "", " ", "11.0100"], "A"),
    ],
)
def test_terms_and_quiet_procedures(procedures, found):
    assert ask(PAIR, procedures).group == found


def test_every_term_and_any_alternative():
    made = catalogue(group("A", "11.0100/11.0200+22.0100|22.0200"))
    assert ask(made, ["22.0200", "11.0200"]).group == "A"
    assert ask(made, ["11.0100", "11.0200"]) == Answer(None, None, "U212")


def test_most_terms_need_the_leading_one():
    made = catalogue(group("A", "11.0100+22.0100"), matching=ordered(related="most"))
    assert ask(made, ["11.0100"]).group == "A"
    assert ask(made, ["22.0100"]).group is None


@pytest.mark.parametrize(
    ("ruling", "procedures", "found"),
    [
        ("principal", ["22.0100", "11.0100"], "K80:ZLXCZ"),
        ("highest", ["22.0100", "11.0100"], "K80:SS"),
        ("principal", ["99.9999", "33.0100"], "K80:ZDXCZ"),
        ("principal", ["44.0100", "11.0100"], "K80:BSZL"),
        ("highest", ["44.0100", "11.0100"], "K80:SS"),
        ("principal", ["44.0100"], "K80:BSZL"),
        ("principal", [], "K80:BSZL"),
    ],
)
def test_kind_chooses_the_comprehensive_group(ruling, procedures, found):
    names = ("SS", "ZLXCZ", "ZDXCZ", "BSZL")
    of = {"group_class": "comprehensive", "diagnosis": ("K80",)}
    groups = [group(f"K80:{name}", attribute=name, **of) for name in names]
    made = catalogue(*groups, matching=ordered(ruling=ruling))
    assert ask(made, procedures).group == found


def test_tiers_in_order():
    groups = (
        group("S", group_class="special", conditions=("young",)),
        group("A", "11.0100"),
        group("K80:SS", group_class="comprehensive", diagnosis=("K80",), attribute="SS"),
        group("CH", group_class="chapter", diagnosis=("K00-K93",), attribute="SS"),
        group("KBBZ", group_class="blank", diagnosis=()),
    )
    made = catalogue(*groups, conditions=(Condition("young", "age", stop=1),))
    assert ask(made, ["11.0100"], true=1).group == "S"
    assert ask(made, ["11.0100"]).group == "A"
    assert ask(made, ["11.0200"]).group == "K80:SS"
    assert ask(made, ["11.0200"], ["K81.000"]).group == "CH"
    assert ask(made, ["22.0200"], ["K81.000"]).group == "KBBZ"
    without = replace(made, matching=Matching(TIERS[1:4], ()))
    assert ask(without, [], ["N40.x00"], true=1) == Answer(None, None, "U211")


def test_a_group_of_an_earlier_tier_that_could_not_be_told():
    """N434 where its terms are met; not of a later tier, nor where a condition is false."""
    of = {"group_class": "special", "conditions": ("young",)}
    first = catalogue(
        group("A", "11.0100"),
        group("B", group_class="blank", conditions=("young",)),
        group("S", "22.0100", group_class="special", conditions=("young", "old")),
        group("T", **of),
        conditions=(Condition("young", "age", stop=1), Condition("old", "age", start=90)),
    )
    assert ask(first, ["11.0100"], unknown=3) == Answer("A", None, "N434")
    assert ask(first, ["11.0100"], unknown=1) == Answer("A", None, "N434")
    assert ask(first, ["11.0100", "22.0100"], unknown=2) == Answer("A", None, None)
    assert ask(first, ["11.0100", "22.0100"], true=1, unknown=2) == Answer("T", None, None)
    assert ask(first, ["33.0100"], unknown=1) == Answer(None, None, "U214")
    only = replace(first, groups=first.groups[:3])
    assert ask(only, ["11.0100"], unknown=3) == Answer("A", None, None)
    assert ask(only, ["22.0100", "11.0100"], unknown=3) == Answer("A", None, "N434")


def test_a_type_may_name_its_kind():
    groups = (group("A", "11.0100"), group("B", "22.0100"))
    made = catalogue(*groups, matching=Matching((("core.therapeutic",), ("core",)), ()))
    assert ask(made, ["11.0100", "22.0100"]).group == "B"
    assert ask(made, ["11.0100"]).group == "A"


@pytest.mark.parametrize(
    ("listed", "fits"),
    [
        (("K80.1",), True), (("k80.1",), True), (("K80",), True), (("K80", "K80.1"), True),
        (("K79-K81",), True), (("A00-K80", "K80.1", "K80-K81"), True), ((), True),
        (("K80.2",), False), (("K81-K93",), False), (("K8",), False),
    ],
)  # fmt: skip
def test_lists_of_diagnoses(listed, fits):
    """However often a list has a diagnosis, its group fits once."""
    made = catalogue(group("A", "11.0100", diagnosis=listed), matching=ordered(*COMPARATORS))
    found = ask(made, ["11.0100"])
    assert found[:2] == (("A" if fits else None), None)


# ---------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("diagnosis", "answer"),
    [
        ("K80.1", Answer("A")),
        ("k８0.1 ", Answer("A", None, "N403")),
        ("K80.101", Answer("A")),
        ("K80", Answer("K80:BSZL", None, "N433")),
        ("N40", Answer("N")),
        ("n40.X", Answer("N", None, "N403")),
        ("N40.x", Answer("N")),
        ("E10.300x051+H42.0*", Answer("E")),
        ("E10.300x051", Answer("E", None, "N403")),
        ("Z99.900", Answer(None, None, "U201")),
        ("", Answer(None, None, "E120")),
        (None, Answer(None, None, "E120")),
        ("D48.900", Answer(None, None, "U211")),
    ],
)
def test_principal_diagnosis(diagnosis, answer):
    made = catalogue(
        group("A"),
        group("K80:BSZL", group_class="comprehensive", diagnosis=("K80",), attribute="BSZL"),
        group("N", diagnosis=("N40.X",)),
        group("E", diagnosis=("E10.3",)),
    )
    assert ask(made, [], [diagnosis]) == answer
    assert ask(made, [], [diagnosis, "I10.x00"]).group == answer.group
    assert ask(made, [], []) == Answer(None, None, "E120")


def test_exact_spelling_where_asked():
    made = catalogue(group("A", "44.0100X001"), normalise_codes=False)
    assert ask(made, ["44.0100x001"]).group == "A"
    assert ask(made, ["44.0100X001"]) == Answer(None, None, "U212")
    assert ask(made, [], ["k80.100"]).reason == "U201"


def test_procedures_that_only_the_catalogue_names():
    made = catalogue(group("A", "55.5X00"), group("B", "44.0100X001+11.0100"))
    assert ask(made, ["55.5X00"]).group == "A"
    assert ask(made, ["55.5x00"]) == Answer("A", None, "N403")
    assert ask(made, ["11.0100", "44.0100x001"]).group == "B"


def test_clinical_codes():
    dx = {**dict.fromkeys(DX[2:3], DX[2]), "K99.100": "K80.100", "K99.101": "K80.100"}
    crosswalks = {
        "dx": Crosswalk("dx", dx, {}, dict.fromkeys(DX, "")),
        "px": Crosswalk("px", {"99.0100": "11.0100"}, {}, dict.fromkeys(PX, "")),
    }
    compiled = compile_catalogue(catalogue(group("A", "11.0100"), group("C")), crosswalks)
    assert ask(compiled, ["99.0100"], ["K99.100"]).group == "A"
    assert ask(compiled, ["99.0100"], ["K80.1"]).group == "A"
    assert ask(compiled, ["11.0100"], ["K99.101"]) == Answer("C", None, "N402")
    assert ask(compiled, [], ["K80.100"]).reason == "U201"
    assert compiled.twins["dx"] == {"K99.101": "K99.100"}


# ---------------------------------------------------------------- comparators

BOTH = ["11.0100", "22.0100"]
DECISIONS: list[tuple[str, tuple[Group, Group], list[str], int]] = [
    ("most_terms", (group("A", "11.0100"), group("B", "11.0100+22.0100")), BOTH, -1),
    ("most_procedures", (group("A", "11.0100"), group("B", "11.01*")), ["11.0100", "11.0101"], -1),
    ("reported_principal", (group("A", "11.0100"), group("B", "22.0100")), BOTH[::-1], -1),
    ("leading_principal", (group("A", "22.0100+11.0100"), group("B", "11.0100+22.0100")), BOTH, -1),
    ("full_code", (group("A", "11.0*"), group("B", "11.0100")), ["11.0100"], -1),
    ("highest_score", (group("A", "11.0100", score_e4=0), group("B", "22.0100")), BOTH, -1),
    ("nearest_mean", (group("A", "11.01*", mean_fen=500), group("B", "11.0*", mean_fen=101)),
     ["11.0100"], 300),
    ("type_order", (group("A", "22.0100"), group("B", "11.0100")), BOTH, -1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "groups", "procedures", "cost"), DECISIONS)
def test_comparators(name, groups, procedures, cost):
    """By this comparator the second group is better; by the group code alone the first."""
    reason = "N430" if name == "nearest_mean" else None
    asked = ordered(name, type_order=("core.surgery",))
    assert ask(catalogue(*groups, matching=asked), procedures, cost=cost) == Answer(
        "B", name, reason
    )
    bare = catalogue(*groups, matching=ordered("group_code"))
    assert ask(bare, procedures, cost=cost) == Answer("A", "group_code")


def test_all_terms():
    groups = (group("A", "11.0100+33.0100"), group("B", "11.0100"))
    made = catalogue(*groups, matching=ordered("most_terms", "all_terms", related="most"))
    assert ask(made, ["11.0100"])[:2] == ("B", "all_terms")
    assert ask(made, ["11.0100", "33.0100"])[:2] == ("A", "most_terms")


def test_mean_decides_only_between_known_means():
    groups = [group(c, p, mean_fen=m) for c, p, m in
              [("A", "11.0100", 100), ("B", "22.0100", 300), ("C", "33.0100", 300)]]  # fmt: skip
    made = catalogue(*groups, matching=ordered("nearest_mean"))
    both = ["11.0100", "22.0100"]
    assert ask(made, both, cost=201) == Answer("B", "nearest_mean", "N430")
    assert ask(made, both, cost=200) == Answer("A", "group_code")
    assert ask(made, both, cost=-1) == Answer("A", "group_code", "N435")
    assert ask(made, ["22.0100"], cost=1) == Answer("B")
    # It rules out one of three, and the code decides between the others.
    assert ask(made, [*both, "33.0100"], cost=999) == Answer("B", "group_code", "N430")
    unknown = catalogue(groups[0], group("B", "22.0100"), matching=ordered("nearest_mean"))
    assert ask(unknown, both, cost=999) == Answer("A", "group_code")
    assert ask(unknown, both, cost=-1) == Answer("A", "group_code")


def test_repeated_procedures_count_once():
    groups = (group("A", "11.0100/11.0101"), group("B", "22.0100/22.0200"))
    made = catalogue(*groups, matching=ordered("most_procedures"))
    repeated = ["11.0100", "22.0100", "11.0100", "11.0100"]
    assert ask(made, repeated) == Answer("A", "group_code")
    assert ask(made, [*repeated, "22.0200"]) == Answer("B", "most_procedures")


def test_a_term_that_stands_twice_asks_for_two_reports():
    groups = (group("A", "11.0100+22.0100"), group("B", "11.0100/11.0200+22.0100+11.0200/11.0100"))
    made = catalogue(*groups, matching=ordered("most_terms", "most_procedures"))
    assert ask(made, ["11.0100", "22.0100"]) == Answer("A")
    assert ask(made, ["11.0100", "22.0100", "11.0100"]) == Answer("B", "most_terms")
    assert ask(made, ["11.0200", "22.0100", "22.0100"]) == Answer(None, None, "U212")
    assert ask(made, ["11.0200", "22.0100", "11.0100"]) == Answer("B", "most_terms")
    partly = replace(made, matching=ordered("most_terms", related="most"))
    assert ask(partly, ["11.0200", "22.0100"]) == Answer("B")
    whole = catalogue(group("A", "11.01*+11.01*"), group("B", "11.0100+11.0100"))
    whole = replace(whole, matching=ordered("full_code"))
    assert ask(whole, ["11.0100", "11.0101"]) == Answer("A")
    assert ask(whole, ["11.0101", "11.0100", "11.0100"]) == Answer("B", "full_code")


def test_a_procedure_in_two_terms_counts_once():
    groups = (group("A", "11.0100/22.0100+11.0100/33.0100"), group("B", "11.0100/22.0100"))
    made = catalogue(*groups, matching=ordered("most_procedures"))
    assert ask(made, ["11.0100"]) == Answer("A", "group_code")


def test_an_unknown_first_procedure_is_no_group_s():
    groups = (group("A", "22.0100"), group("B", "33.0100"))
    made = catalogue(*groups, matching=ordered("reported_principal"))
    assert ask(made, ["99.9999", "33.0100", "22.0100"]) == Answer("A", "group_code", "N402")
    assert ask(made, ["", "33.0100", "22.0100"]) == Answer("B", "reported_principal")


def test_many_procedures_of_one_diagnosis():
    """More alternatives than a word has bits, and a claim with all of them."""
    codes = [f"11.{n:04}" for n in range(1, 901)]
    groups = [group(f"G{code}", code) for code in codes] + [group("Z", "/".join(codes))]
    made = catalogue(*groups, matching=ordered("most_procedures"))
    assert ask(made, codes) == Answer("Z", "most_procedures")
    assert ask(made, codes[-1:]) == Answer("G11.0900", "group_code")


# ---------------------------------------------------------------- conditions


def test_conditions_are_three_valued():
    made = catalogue(group("A", conditions=("young",)), conditions=(Condition("young", "age"),))
    assert ask(made, true=1).group == "A"
    assert ask(made) == Answer(None, None, "U212")
    assert ask(made, unknown=1) == Answer(None, None, "U214")
    # Bits of other conditions, and of none at all, are not heeded.
    assert ask(made, true=~1 & (2**64 - 1), unknown=2**64 - 2).reason == "U212"


def test_an_unknown_condition_leaves_the_next_tier():
    groups = (group("S", group_class="special", conditions=("young",)), group("A"))
    made = catalogue(*groups, conditions=(Condition("young", "age"),))
    assert ask(made, unknown=1) == Answer("A", None, "N434")
    assert ask(made, ["11.0100"], unknown=1) == Answer(None, None, "U214")


@pytest.mark.parametrize(
    ("listed", "secondary", "other", "holds"),
    [
        (("E11.9",), ["E11.900"], False, True),
        (("E11",), ["E11"], False, True),
        (("E11.9",), ["E11"], False, False),
        (("I12.000x001",), ["I12.000"], False, False),
        (("I12.000x001",), ["I12.000X001"], False, True),
        (("C00-D48",), ["D48.900"], False, True),
        (("C00-D47",), ["D48.900"], False, False),
        (("N40.x",), ["N40"], False, True),
        (("K80",), ["K80.100"], False, False),
        (("K80",), ["K80.101"], False, True),
        (("K80",), ["K80.101"], True, False),
        (("K80", "K81"), ["K81.000"], True, True),
        (("E10.3",), ["x", "", "E10.300x051"], False, True),
    ],
)
def test_secondary_diagnoses(listed, secondary, other, holds):
    asked = Condition("with", secondary=listed, other_category=other)
    made = catalogue(group("A", conditions=("with",)), conditions=(asked,))
    assert (ask(made, [], ["K80.100", *secondary]).group == "A") is holds
    assert ask(made, [], ["K80.100"], true=1, unknown=1).reason == "U212"


@pytest.mark.parametrize(
    ("secondary", "index"),
    [
        ([], 0), (["E11.900"], 1), (["E11.900", "E11.901"], 1), (["E11.700"], 2),
        (["E11.700", "E11.900"], 2), (["E11.900", "I50.000"], 4), (["K80.100", "K80.101"], 5),
    ],
)  # fmt: skip
def test_comorbidity_index(secondary, index):
    conditions = [Condition(f"cci{n}", cci=True, start=n, stop=n + 1) for n in range(8)]
    groups = [group(f"G{n}", conditions=(f"cci{n}",)) for n in range(8)]
    comorbidities = (
        Comorbidity("mild", 1, ("E11.9",)),
        Comorbidity("severe", 2, ("E11.7",), replaces="mild"),
        Comorbidity("heart", 3, ("I50",)),
        Comorbidity("stone", 5, ("K80",)),
    )
    made = catalogue(*groups, conditions=tuple(conditions), comorbidities=comorbidities)
    assert ask(made, [], ["K80.100", *secondary]).group == f"G{index}"


@pytest.mark.parametrize(
    ("mean", "cost", "reason"),
    [(101, 152, None), (101, 151, "U212"), (None, 999, "U214"), (101, -1, "U214"), (0, 0, None)],
)
def test_cost_against_the_mean(mean, cost, reason):
    asked = Condition("costly", cost_multiple=Fraction(3, 2))
    made = catalogue(group("A", conditions=("costly",), mean_fen=mean), conditions=(asked,))
    assert ask(made, cost=cost).reason == reason


# ---------------------------------------------------------------- auxiliary subtypes

CLASSES = tuple(
    AuxiliaryClass(name[:3], name, "", "", (name,)) for name in ("dis0", "dis1", "age0", "age1")
)
ASKED = tuple(Condition(c.subtype, "age") for c in CLASSES)
BITS = {c.name: 1 << n for n, c in enumerate(ASKED)}


def typed(base: int | None, scores: dict[str, int], unlisted: Any = "lowest") -> Catalogue:
    subtypes = tuple(Subtype("A", name, score) for name, score in scores.items())
    asked = {"classes": CLASSES, "conditions": ASKED, "subtypes": subtypes}
    matching = replace(MATCHING, unlisted=unlisted)
    return catalogue(group("A", score_e4=base), matching=matching, **asked)


@pytest.mark.parametrize(
    ("base", "scores", "true", "unknown", "answer"),
    [
        (1, {"dis0": 5}, ["dis0"], [], Answer("A_dis0")),
        (9, {"dis0": 5}, ["dis0"], [], Answer("A_dis0")),
        (9, {"dis0": 5}, [], [], Answer("A")),
        (1, {"dis0": 5, "age1": 7}, ["dis0", "age1"], [], Answer("A_age1")),
        (1, {"dis0": 7, "age1": 7}, ["dis0", "age1"], [], Answer("A_dis0")),
        (1, {"age1": 7, "dis0": 7}, ["dis0", "age1"], [], Answer("A_age1")),
        (1, {"dis1": 7}, ["dis0", "dis1"], [], Answer("A")),
        (1, {"dis1": 7}, ["dis1"], ["dis0"], Answer("A_dis1", None, "N431")),
        (1, {"dis1": 7}, ["dis0"], ["dis1"], Answer("A")),
        (1, {"dis0": 7}, ["age1"], ["age0"], Answer("A")),
        (1, {"dis0": 7, "age0": 1}, ["dis0"], ["age1"], Answer("A_dis0", None, "N431")),
        (None, {"dis0": 7, "dis1": 5, "age0": 5}, [], [], Answer("A_dis1", None, "N432")),
        (None, {"dis0": 7}, [], ["dis0"], Answer("A_dis0", None, "N431")),
        (None, {"odd3": 7}, ["dis0"], [], Answer("A_odd3", None, "N432")),
        (None, {}, [], [], Answer(None, None, "U215")),
    ],
)
def test_auxiliary_subtypes(base, scores, true, unknown, answer):
    words = [sum(BITS[name] for name in names) for names in (true, unknown)]
    assert ask(typed(base, scores), [], true=words[0], unknown=words[1]) == answer


def test_unlisted_subtype_without_a_score():
    made = typed(None, {"dis0": 7}, "none")
    assert ask(made) == Answer(None, None, "U215")
    assert ask(made, true=BITS["dis0"]) == Answer("A_dis0")
    assert ask(typed(3, {"dis0": 7}, "none")) == Answer("A")


def test_a_group_without_a_score_comes_last():
    of = [group("A", "11.0100", score_e4=None), group("B", "22.0100", score_e4=0)]
    made = catalogue(*of, matching=ordered("highest_score"))
    assert ask(made, BOTH) == Answer("B", "highest_score")
    assert ask(catalogue(*of), BOTH) == Answer(None, "group_code", "U215")


def test_leaves_say_what_was_found():
    compiled = compile_catalogue(typed(None, {"dis0": 7}))
    leaf, _, _ = core.match_one(compiled.program(), ["K80.1"], [], true=BITS["dis0"])
    assert compiled.leaves[leaf] == (
        "A", "A_dis0", "", "GROUPED", None, "core.conservative", "dis0", 7,
    )  # fmt: skip


# ---------------------------------------------------------------- notes, in their order


def test_notes_in_order():
    groups = (group("A", "22.0100", mean_fen=1), group("B", "11.0100", mean_fen=9), group("C"))
    groups += (group("K80:SS", group_class="comprehensive", diagnosis=("K80",)),)
    made = catalogue(*groups, matching=ordered("nearest_mean"))
    dx, px = ["K80.1", "X", "i10.x00"], ["11.0100", "x", "22.01００"]
    assert ask(made, px, dx, cost=8).reason == "N430"
    assert ask(made, px, dx).reason == "N435"
    assert ask(made, px[:2], dx, cost=8).reason == "N401"
    assert ask(made, px[:2], ["K80.1", "i10.x00"], cost=8).reason == "N402"
    assert ask(made, px[:1], ["K80", "i10.x00"], cost=8).reason == "N433"
    assert ask(made, px[:1], ["K80.1", "i10.x00"], cost=8).reason == "N403"
    assert ask(made, px[:1], ["K80.1", "I10.x00"], cost=8).reason is None


# ---------------------------------------------------------------- batches

REAL = compile_catalogue(
    catalogue(
        *PAIR.groups,
        group("K80:SS", group_class="comprehensive", diagnosis=("K80",), attribute="SS"),
        group("D", "22.0100/22.0200", mean_fen=700, conditions=("b",)),
        group("CH", group_class="chapter", diagnosis=("A00-K93",), conditions=("a",)),
        subtypes=(Subtype("A", "t1", 5), Subtype("K80:SS", "t0", 6)),
        classes=(
            AuxiliaryClass("t", "t0", "", "", ("a",)),
            AuxiliaryClass("t", "t1", "", "", ("b",)),
        ),
        conditions=(Condition("a", "age"), Condition("b", secondary=("E11",))),
        matching=ordered("most_terms", "nearest_mean"),
    )
)  # fmt: skip
CODES = st.sampled_from([*DX, "K80", "K80.1", "k80.100", "Z", "", None])
CLAIMS = st.lists(
    st.tuples(
        st.lists(CODES, max_size=4),
        st.lists(st.sampled_from([*PX, "9", "", None]), max_size=5),
        st.integers(-1, 999),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=40,
)


def columns(claims: list) -> tuple[pl.DataFrame, list[np.ndarray]]:
    dx, px, cost, true, unknown = zip(*claims, strict=True)
    schema = {"d": pl.List(pl.String), "p": pl.List(pl.String)}
    frame = pl.DataFrame({"d": list(dx), "p": list(px)}, schema=schema)
    return frame, [np.array(cost), np.array(true, np.uint64), np.array(unknown, np.uint64)]


def outputs(rows: int) -> list[np.ndarray]:
    return [np.full(rows, 250, kind) for kind in (np.uint32, np.uint8, np.uint16)]


@given(CLAIMS, st.integers(1, 7), st.booleans())
@settings(deadline=None)
def test_a_claim_is_the_same_anywhere(claims, size, backwards):
    """Alone, in a batch, in chunks, on threads, in another order: the same numbers."""
    program = REAL.program()
    alone = [core.match_one(program, *claim) for claim in claims]
    shown = claims[::-1] if backwards else claims
    frame, given_columns = columns(shown)
    chunks = pl.concat([frame[at : at + size] for at in range(0, len(claims), size)], rechunk=False)
    batches = core.read_stream(chunks, ("d",), ("p",))
    out = outputs(len(claims))
    starts = np.cumsum([0, *(batch.rows for batch in batches)]).tolist()

    def task(job: tuple[core.ClaimBatch, int]) -> None:
        batch, offset = job
        for start in range(0, batch.rows, 2):
            stop = min(start + 2, batch.rows)
            core.match_batch(program, batch, *given_columns, offset, start, stop, *out)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(task, zip(batches, starts[:-1], strict=True)))
    rows = list(zip(*(column.tolist() for column in out), strict=True))
    assert rows == (alone[::-1] if backwards else alone)


def test_blocks_of_a_long_batch():
    claims = [(["K80.100", DX[n % 15]], [PX[n % 8]], n, n % 4, 0) for n in range(1_000)]
    program = REAL.program()
    frame, given_columns = columns(claims)
    (batch,) = core.read_stream(frame.rechunk(), ("d",), ("p",))
    out = outputs(1_002)
    shifted = [np.concatenate([column[:1], column, column[:1]]) for column in given_columns]
    core.match_batch(program, batch, *shifted, 1, 0, 1_000, *out)
    assert [column[0] for column in out] == [column[-1] for column in out] == [250] * 3
    rows = list(zip(*(column[1:-1].tolist() for column in out), strict=True))
    assert rows == [core.match_one(program, *claim) for claim in claims]


def test_columns_may_be_absent():
    frame, given_columns = columns([(["K80.100"], ["22.0100"], 5, 1, 0)])
    (batch,) = core.read_stream(frame, ("d",), ("p",))
    program = REAL.program()
    for cost, true in ((None, None), (given_columns[0], None), (None, given_columns[1])):
        out = outputs(1)
        core.match_batch(program, batch, cost, true, None, 0, 0, 1, *out)
        bare = core.match_one(program, ["K80.100"], ["22.0100"], true=0 if true is None else 1)
        assert tuple(column[0] for column in out) == bare


# ---------------------------------------------------------------- what is refused


def run(**changed: Any) -> None:
    frame, (cost, true, unknown) = columns([(["K80.100"], ["11.0100"], 5, 0, 0)] * 3)
    (batch,) = core.read_stream(frame, ("d",), ("p",))
    leaf, decided, reason = outputs(3)
    of = {
        "program": REAL.program(), "batch": batch, "cost": cost, "true": true, "unknown": unknown,
        "offset": 0, "start": 0, "stop": 3, "leaf": leaf, "decided": decided, "reason": reason,
    }  # fmt: skip
    core.match_batch(**{**of, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"stop": 4}, {"start": 3, "stop": 2}, {"start": -1}, {"offset": -1}, {"offset": 1},
        {"cost": np.zeros(2, np.int64)}, {"cost": np.zeros(3, np.int32)},
        {"true": np.zeros(2, np.uint64)}, {"unknown": np.zeros(0, np.uint64)},
        {"leaf": np.zeros(3, np.uint16)}, {"leaf": np.zeros(2, np.uint32)},
        {"decided": np.zeros(2, np.uint8)}, {"reason": np.zeros(2, np.uint16)},
        {"reason": np.zeros(6, np.uint16)[::2]},
    ],
)  # fmt: skip
def test_ranges_and_columns_are_checked(changed):
    run()
    with pytest.raises(ValueError):  # noqa: PT011
        run(**changed)


def test_codes_are_no_single_text():
    with pytest.raises(TypeError):
        core.match_one(REAL.program(), "K80.100", [])
    with pytest.raises(OverflowError):
        core.match_one(REAL.program(), [], [], true=2**64)


def broken(name: str, at: int, value: int) -> dict[str, Any]:
    array = REAL.arrays[name].copy()
    array[at] = value
    return {**REAL.arrays, name: array}


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("dx_classes", 5, 60_000), ("dx_classes", 0, 1), ("px_classes", 1, 0),
        ("px_classes", 5, 60_000), ("dx_alias_ids", 0, 60_000), ("dx_scopes", 7, 900),
        ("dx_failed", 0, 900), ("px_kind", 2, 32), ("dx_comorbid", 3, 1),
        ("cand_group", 0, 900), ("scope_start", 1, 1), ("scope_start", -1, 900),
        ("scope_bare", 1, 900), ("scope_bare", 2, 1), ("key_start", -1, 900), ("key_start", 1, 900),
        ("entries", 0, 900 << 13),
        ("entries", 0, 63 << 1), ("entries", 0, 1 << 7), ("group_terms", 0, 65),
        ("group_leaf", 0, 900), ("group_subtypes", -1, 900), ("group_subtypes", 1, 900),
        ("sub_type", 0, 31), ("sub_class", 0, 0xFFFF), ("sub_leaf", 0, 900),
        ("type_start", 1, 900), ("class_subtype", 0, 0xFFFF), ("comparators", 0, 9),
    ],
)  # fmt: skip
def test_an_offset_that_points_outside_is_refused(name, at, value):
    with pytest.raises(ValueError, match="not sound"):
        core.CombinationProgram(broken(name, at, value), dict(REAL.settings))


def test_keys_of_no_scope_are_refused():
    used = int(np.flatnonzero(REAL.arrays["keys"])[0])
    with pytest.raises(ValueError, match="scope"):
        core.CombinationProgram(broken("keys", used, 900 << 16 | 2), dict(REAL.settings))
    with pytest.raises(ValueError, match="scope"):
        core.CombinationProgram(broken("keys", used, 2**64 - 1), dict(REAL.settings))
    full = {**REAL.arrays, "keys": np.full_like(REAL.arrays["keys"], REAL.arrays["keys"][used])}
    with pytest.raises(ValueError, match="no key is empty"):
        core.CombinationProgram(full, dict(REAL.settings))


#: Arrays whose length says how much there is of something.
SIZES = ("comparators", "leaf_reason", "px_kind", "type_start")


@pytest.mark.parametrize("name", sorted(REAL.arrays))
def test_an_array_of_another_size_or_type_is_refused(name):
    array = REAL.arrays[name]
    longer = np.concatenate([array, array[-1:] if array.size else np.zeros(1, array.dtype)])
    wrong = [array.astype(np.float64), np.stack([array, array])]
    for other in wrong if name in SIZES or name.endswith("shifts") else [*wrong, longer]:
        with pytest.raises(ValueError, match="not sound"):
            core.CombinationProgram({**REAL.arrays, name: other}, dict(REAL.settings))
    less = {n: a for n, a in REAL.arrays.items() if n != name}
    with pytest.raises(KeyError):
        core.CombinationProgram(less, dict(REAL.settings))


@pytest.mark.parametrize(("name", "value"), [("missing_leaf", 900), ("last_kind", 32)])
def test_settings_are_checked(name, value):
    with pytest.raises(ValueError, match=name):
        core.CombinationProgram(dict(REAL.arrays), {**REAL.settings, name: value})


@pytest.mark.parametrize("name", sorted(REAL.settings))
def test_a_setting_that_is_missing(name):
    less = {n: value for n, value in REAL.settings.items() if n != name}
    with pytest.raises(KeyError):
        core.CombinationProgram(dict(REAL.arrays), less)


def test_a_program_is_built_once_and_whole():
    program = REAL.program()
    with pytest.raises(ValueError, match="once"):
        program.__init__(dict(REAL.arrays), dict(REAL.settings))
    empty = core.CombinationProgram.__new__(core.CombinationProgram)
    with pytest.raises(ValueError, match="not built"):
        core.match_one(empty, [], [])


def test_more_than_the_kernel_holds():
    many = tuple(Condition(f"c{n}", "age") for n in range(65))
    with pytest.raises(TableError) as caught:
        compile_catalogue(catalogue(group("A"), conditions=many))
    assert caught.value.code == "T124"
    with pytest.raises(TableError):
        compile_catalogue(catalogue(group("A", "+".join(["11.0100"] * 65))))
    full = catalogue(group("A", conditions=("c63",)), conditions=many[:64])
    assert ask(full, true=1 << 63).group == "A"


# ---------------------------------------------------------------- shipped catalogues


@pytest.mark.parametrize("codes", ["insurance", "clinical"])
def test_the_cache_gives_back_what_was_compiled(tmp_path, monkeypatch, codes):
    monkeypatch.setenv("DRG_CACHE", str(tmp_path))
    location = locate_catalogue("taian-2025", codes)
    first, second = load_compiled_catalogue(location), load_compiled_catalogue(location)
    assert len(list(tmp_path.iterdir())) == 1
    for name in ("id", "digest", "settings", "reasons", "decided", "conditions", "leaves"):
        assert getattr(first, name) == getattr(second, name), name
    assert {k: dict(v) for k, v in first.twins.items()} == second.twins
    assert list(first.arrays) == list(second.arrays)
    for name, array in first.arrays.items():
        assert np.array_equal(array, second.arrays[name]), name
        assert array.dtype == second.arrays[name].dtype


def test_a_listed_combination_is_its_own_group():
    """Every group of Tai'an with procedures gets a claim of just those, in their order."""
    compiled = load_compiled_catalogue(locate_catalogue("taian-2025"))
    program = compiled.program()
    missed = []
    for of in load_catalogue("taian-2025").groups:
        if not of.terms or of.conditions:
            continue
        procedures = [term[0] for term in of.terms]
        leaf, _, _ = core.match_one(program, of.diagnosis[:1], procedures)
        if compiled.leaves[leaf].adrg != of.code:
            missed.append((of.code, compiled.leaves[leaf].adrg))
    assert missed == []
