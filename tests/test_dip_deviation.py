"""Deviation classes and scores of cases: published formulas, batches against fractions."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from drg.dip.density import low_bound_density
from drg.dip.deviation import (
    DEVIATION_CLASSES,
    RULE_SETS,
    UNCLASSED,
    UNSCORED,
    DeviationRule,
    case_score,
    case_scores_e4,
    classify,
    needs_review,
    rule_set,
)
from drg.dip.errors import DipError
from drg.money import round_scaled

E4 = 10_000
LOW, NORMAL, HIGH, EXTREME, BLANK = DEVIATION_CLASSES
ratios = st.fractions(min_value=0, max_value=9, max_denominator=1000)
coefs = st.integers(min_value=1, max_value=30_000).map(lambda n: Fraction(n, E4))


def published(name, ratio, h, a, blank=False):
    """Class and multiple of the group's score as the table of spec B.5 states them."""
    half, two, five = Fraction(1, 2), 2, 5
    if blank and name in ("jining", "taian"):
        factor = {"jining": Fraction(7, 10), "taian": Fraction("0.39312")}[name]
        return BLANK, ratio * factor
    if name == "spec3":
        own = ratio / (h * a)
        if own < half:
            return LOW, h * a * own
        return (HIGH if own >= two else NORMAL), h * a
    if name in ("spec2020", "narrow"):
        low, high = (half, two) if name == "spec2020" else (Fraction(2, 5), Fraction(5, 2))
        if ratio < low or (name == "narrow" and ratio == low):
            return LOW, ratio * h * a
        if ratio > five:
            return EXTREME, None
        if ratio > high or (name == "narrow" and ratio == high):
            return HIGH, (ratio - high + 1) * h * a
        return NORMAL, h * a
    if ratio <= half:
        return LOW, ratio * a * (h if name == "hubei" else 1)
    if name == "hubei":
        return (HIGH, (ratio - 1) * h * a) if ratio >= two else (NORMAL, h * a)
    if name == "jining" and ratio > five:
        return EXTREME, h * a
    return (HIGH, (ratio - 2 + h) * a) if ratio > two else (NORMAL, h * a)


@given(st.sampled_from(sorted(RULE_SETS)), ratios, coefs, coefs, st.booleans())
def test_rule_sets_are_as_published(name, ratio, h, a, blank):
    found = case_score(ratio * 700, 700, 1000, h, a, rule=RULE_SETS[name], blank=blank)
    wanted, multiple = published(name, ratio, h, a, blank)
    assert found.deviation is wanted
    assert found.score == (None if multiple is None else 1000 * multiple)


# ---- what the specification says of the formulas


@given(ratios, coefs, coefs, st.integers(min_value=1, max_value=50))
def test_a_low_case_of_3_is_paid_its_cost(ratio, h, a, value):
    standard = 800 * value
    found = case_score(ratio * standard, standard, 800, h, a, rule=RULE_SETS["spec3"])
    if found.deviation is LOW:
        assert found.score * value == ratio * standard


@pytest.mark.parametrize("name", ["spec2020", "hubei"])
def test_2020_is_continuous_at_two(name):
    scores = [
        case_score(20_000 + over, 10_000, 1000, "0.9", "1.2", rule=RULE_SETS[name]).score
        for over in (Fraction(-1, 10**9), 0, Fraction(1, 10**9))
    ]
    assert scores[0] == scores[1] == 1080
    assert 0 < scores[2] - scores[1] < Fraction(1, 10**6)


def test_jining_is_continuous_at_two_because_the_coefficient_is_inside():
    just = case_score("20000.01", 10_000, 1000, "0.9", rule=RULE_SETS["jining"]).score
    at = case_score(20_000, 10_000, 1000, "0.9", rule=RULE_SETS["jining"]).score
    assert (at, just) == (900, Fraction("900.001"))
    outside = replace(RULE_SETS["jining"], high_score="after")
    assert case_score("20000.01", 10_000, 1000, "0.9", rule=outside).score < Fraction("900.001")


def test_jining_drops_from_three_plus_coefficient_to_the_coefficient_at_five():
    scores = [
        case_score(cost, 10_000, 1000, "0.9", rule=RULE_SETS["jining"]).score
        for cost in (50_000, "50000.01")
    ]
    assert scores == [3900, 900]


@pytest.mark.parametrize("name", ["spec2020", "spec3", "hubei", "jining", "taian"])
def test_every_rule_set_has_a_cliff_at_the_low_bound(name):
    below, above = (
        case_score(cost, 10_000, 1000, rule=RULE_SETS[name]).score for cost in (4990, 5010)
    )
    assert (below, above) == (499, 1000)


# ---- batches


@st.composite
def rules(draw):
    """Published rules, and ones with every choice and uneven bounds."""
    if draw(st.booleans()):
        return RULE_SETS[draw(st.sampled_from(sorted(RULE_SETS)))]
    steps = draw(st.lists(st.integers(1, 4_000_000), min_size=3, max_size=3, unique=True))
    low, high, extreme = (Fraction(n, 10**6) for n in sorted(steps))
    left_out = draw(st.sampled_from(["", "low", "high", "extreme"]))
    rule = DeviationRule(
        low=low,
        high=high,
        extreme=extreme,
        low_inclusive=draw(st.booleans()),
        high_inclusive=draw(st.booleans()),
        extreme_inclusive=draw(st.booleans()),
        by_coefficient=draw(st.booleans()),
        low_score=draw(st.sampled_from(["after", "none"])),
        high_score=draw(st.sampled_from(["after", "inside", "normal"])),
        extreme_score=draw(st.sampled_from(["review", "normal", "high"])),
        blank=draw(st.sampled_from([None, Fraction("0.39312")])),
    )
    return replace(rule, **{left_out: None}) if left_out else rule


@st.composite
def cases(draw):
    most = draw(st.sampled_from([10**4, 10**9, 10**12]))
    mean = draw(st.integers(0, most))
    multiple = draw(st.sampled_from([0, 2, 4, 5, 7, 10, 20, 25, 30, 50, 51, 80]))
    cost = draw(st.sampled_from([-1, mean * multiple // 10, draw(st.integers(0, most))]))
    coef = st.sampled_from([0, 1, 5000, 9300, 10_000, 13_000])
    return cost, mean, draw(st.integers(0, 10**8)), draw(coef), draw(coef), draw(st.booleans())


@given(rules(), st.lists(cases(), max_size=12))
def test_a_batch_is_its_cases(rule, rows):
    columns = [np.array(c, np.int64) for c in zip(*rows, strict=True)] or [np.empty(0, int)] * 6
    *numbers, blank = columns
    found = case_scores_e4(*numbers, rule, blank.astype(bool))
    assert found.codes.dtype == np.uint8
    assert found.score_e4.dtype == np.int64
    for row, code, score in zip(rows, found.codes.tolist(), found.score_e4.tolist(), strict=True):
        cost, mean, points, h, a, empty = row
        one = case_score(
            None if cost < 0 else cost,
            mean,
            Fraction(points, E4),
            Fraction(h, E4),
            Fraction(a, E4),
            rule=rule,
            blank=empty,
        )
        wanted = UNCLASSED if one.deviation is None else DEVIATION_CLASSES.index(one.deviation)
        assert (code, score) == (wanted, UNSCORED if one.score is None else round_scaled(one.score))


def test_classes_alone_are_those_of_the_scores():
    costs = np.array([499, 500, 1000, 2000, 2001, 5001, -1])
    means = np.full(7, 1000)
    codes = classify(costs, means, RULE_SETS["spec2020"])
    assert codes.tolist() == [0, 1, 1, 1, 2, 3, UNCLASSED]
    own = classify(costs, means, RULE_SETS["spec3"], hospital_coef_e4=np.full(7, 5000))
    assert own.tolist() == [1, 1, 2, 2, 2, 2, UNCLASSED]


def test_extreme_cases_wait_for_experts():
    found = case_score(60_000, 10_000, 1000, rule=RULE_SETS["spec2020"])
    assert (found.deviation, found.score) == (EXTREME, None)
    codes = np.array([LOW, NORMAL, HIGH, EXTREME, BLANK]).tolist()
    numbers = np.array([DEVIATION_CLASSES.index(c) for c in codes], np.uint8)
    assert needs_review(numbers, RULE_SETS["spec2020"]).tolist() == [False] * 3 + [True, False]
    assert not needs_review(numbers, RULE_SETS["taian"]).any()


# ---- bad input


def test_bounds_have_to_rise():
    with pytest.raises(DipError) as caught:
        DeviationRule(low="2", high="0.5")
    assert caught.value.code == "D404"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"low": "0"}, "D402"),
        ({"high": "two"}, "D401"),
        ({"high": 2.5}, "D401"),
        ({"blank": Fraction(1, 3)}, "D401"),
        ({"low_score": "maybe"}, "D405"),
        ({"extreme_score": "never"}, "D405"),
    ],
)
def test_a_rule_that_cannot_be(change, code):
    with pytest.raises(DipError) as caught:
        DeviationRule(**change)
    assert caught.value.code == code
    assert caught.value.where in change


def test_an_unknown_rule_set_names_those_there_are():
    with pytest.raises(DipError) as caught:
        rule_set("atlantis")
    assert caught.value.code == "D406"
    for lang in ("zh", "en"):
        assert "jining" in caught.value.message(lang)


def test_negative_numbers_are_refused():
    for wrong in ((-1, 1, 1), (1, -1, 1), (1, 1, -1)):
        with pytest.raises(DipError) as caught:
            case_score(*wrong, rule=RULE_SETS["spec2020"])
        assert caught.value.code == "D403"


# ---- crowding above the bound


@given(
    st.lists(st.tuples(st.integers(-1, 130), st.integers(0, 2)), max_size=60),
    st.sampled_from(["spec2020", "hubei", "narrow"]),
)
def test_density_counts_bands(rows, name):
    rule = RULE_SETS[name]
    costs = np.array([cost for cost, _ in rows], np.int64)
    units = np.array([unit for _, unit in rows], np.int64)
    found = low_bound_density(costs, np.full(len(rows), 100), rule, width="0.1", units=units)
    at = int(rule.low * 100)
    inside = {  # a case at the bound is low where the bound belongs to the class
        "under": range(at - 10, at + rule.low_inclusive),
        "over": range(at + rule.low_inclusive, at + 10),
        "beyond": range(at + 10, at + 20),
        "cases": range(0, 131),
    }
    for unit in range(len(found.cases)):
        for band, costs_in in inside.items():
            count = sum(u == unit and cost in costs_in for cost, u in rows)
            assert getattr(found, band)[unit] == count


def test_excess_is_over_the_neighbours():
    costs = np.array([46, 51, 52, 53, 57, 58])
    found = low_bound_density(costs, np.full(6, 100), RULE_SETS["spec2020"])
    assert found.excess() == 2
    none = low_bound_density(np.array([51]), np.array([100]), RULE_SETS["spec2020"])
    assert none.excess() is None
    with pytest.raises(DipError):
        low_bound_density(costs, np.full(6, 100), RULE_SETS["spec2020"], width="0.6")
    with pytest.raises(DipError):
        low_bound_density(costs, np.full(6, 100), DeviationRule(low=None))


def test_cases_name_every_rule_set():
    rows = json.loads((ROOT / "tests" / "cases" / "dip.json").read_text("utf-8"))
    named = {r["params"]["variant"] for r in rows if r["rule"] == "dip.case_score"}
    assert set(RULE_SETS) <= named
