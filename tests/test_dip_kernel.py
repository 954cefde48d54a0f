"""The compiled matcher by itself: every rule on a small catalogue."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from made_combinations import (
    DX,
    MATCHING,
    PAIR,
    PX,
    TIERS,
    Answer,
    ask,
    catalogue,
    group,
    ordered,
)

import grouper_core as core
from drg.dip.compile import compile_catalogue
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
from drg.schemes.crosswalk import Crosswalk


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
