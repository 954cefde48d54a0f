"""Indicators: percentiles against a plain definition, shifts and spreads, the rules on peers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_audit import claims_of, found, judged, results

from drg.audit.indicators import (
    Expected,
    group_percentile,
    outlying,
    percentile,
    shift_scores,
    variation,
)
from drg.audit.kinds import KINDS
from drg.audit.model import Level
from drg.audit.rules import load_rules


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 50)), min_size=1, max_size=60),
    st.integers(1, 100),
)
def test_percentile_is_the_least_value_that_enough_do_not_exceed(pairs, percent):
    groups, values = (np.array(part, np.int64) for part in zip(*pairs, strict=True))
    limits, sizes = group_percentile(values, groups, percent, 5)
    assert sizes.tolist() == [int((groups == n).sum()) for n in range(5)]
    for n in range(5):
        own = values[groups == n]
        if not len(own):
            assert limits[n] == 0
            continue
        enough = [v for v in own if (own <= v).sum() * 100 >= percent * len(own)]
        assert limits[n] == min(enough) == percentile(own, percent)


def test_variation_and_outliers():
    cv = variation(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2]), 3)
    assert cv[0] == 0.5
    assert math.isnan(cv[1])
    assert cv[2] == 0
    far, bound = outlying(np.array([1.0, math.nan, 1.0, 1.0, 5.0]), 1.0)
    assert far.tolist() == [False, False, False, False, True]
    assert bound == pytest.approx(2 + math.sqrt(3))
    assert outlying(np.array([9.0]), 1.0)[1] == math.inf


def test_a_shift_is_measured_in_deviations_of_what_is_expected():
    # Half of a hundred others have the measure: nine of nine lie 4.5 above, sd 0.5 each.
    expected = Expected(np.array([100.0, 1.0]), np.array([50.0, 1.0]), np.array([50.0, 1.0]))
    cells = np.array([0] * 9 + [1])
    scores, counted = shift_scores(np.ones(10), cells, np.zeros(10, np.int64), expected, 2)
    assert scores[0] == pytest.approx(4.5 / (0.5 * 3))
    assert math.isnan(scores[1])
    assert counted.tolist() == [True] * 9 + [False]


def claim(number: int, **more):
    base = {
        "claim_id": f"C{number}", "hospital_id": "H1", "doctor": "D1", "group": "ES15",
        "adrg": "ES1", "severity": "NONE", "outcome": "GROUPED", "weight": "1.0000",
        "admitted_on": "2024-03-01", "discharged_on": "2024-03-09", "total_cost": "8000.00",
        "fully_self_paid": "100", "disposition": "1", "procedures": "",
    }  # fmt: skip
    return {**base, **more}


def peers(count: int = 20, **more):
    return [claim(n, **more) for n in range(count)]


@pytest.mark.parametrize(
    ("params", "more", "letter"),
    [
        ({"days": 60}, {"discharged_on": "2024-04-30"}, "."),
        ({"days": 60}, {"discharged_on": "2024-05-01"}, "H"),
        ({"days": 60}, {"discharged_on": None}, "?"),
        ({"days": 60}, {"discharged_on": None, "los_days": 61}, "H"),
        ({"days": 60}, {"group": None}, "."),
        ({"percentile": 95, "least_peers": 20}, {"discharged_on": "2024-03-10"}, "H"),
        ({"percentile": 95, "least_peers": 20}, {"discharged_on": "2024-03-09"}, "."),
        ({"percentile": 95, "least_peers": 20}, {"group": "XX"}, "?"),
        ({"percentile": 95, "least_peers": 20}, {"group": None}, "?"),
        ({"percentile": 95, "least_peers": 20}, {"outcome": "AMBIGUOUS"}, "?"),
        ({"percentile": 95, "days": 60}, {"discharged_on": "2024-05-01", "group": "XX"}, "H"),
        ({"percentile": 95, "least_peers": 99}, {"discharged_on": "2024-05-01"}, "?"),
    ],
)
def test_long_stay(params, more, letter):
    result = judged("long_stay", params, [*peers(), claim(99, **more)])
    assert results(result, 21)[-1] == letter


LOW = {"percentile": 10, "least_peers": 20}
CHEAP = {"discharged_on": "2024-03-02", "total_cost": "500"}


@pytest.mark.parametrize(
    ("params", "more", "letter"),
    [
        (LOW, {}, "H"),
        (LOW, {"discharged_on": "2024-03-04"}, "."),
        (LOW, {"discharged_on": None}, "?"),
        (LOW, {"total_cost": "8000"}, "."),
        (LOW, {"total_cost": None}, "?"),
        (LOW, {"procedures": "47.0901"}, "."),
        (LOW, {"severity": "CC"}, "."),
        (LOW, {"severity": None}, "?"),
        (LOW, {"disposition": "5"}, "."),
        (LOW, {"disposition": None}, "?"),
        (LOW, {"disposition": None, "severity": "CC"}, "."),
        (LOW, {"group": "XX"}, "?"),
        ({"below_fen": 50001, "most_days": 1}, {}, "H"),
        ({"below_fen": 50000, "most_days": 1}, {}, "."),
        ({"below_fen": 50001, **LOW}, {"group": "XX"}, "H"),
    ],
)
def test_low_standard(params, more, letter):
    result = judged("low_standard", params, [*peers(), claim(99, **{**CHEAP, **more})])
    assert results(result, 21)[-1] == letter
    if (params, more) == (LOW, {}):
        assert (
            found(result)[-1][2] == "ES15: a stay of 1 d, no procedure, 500.00 yuan, below 8000.00"
        )


def test_without_a_column_of_procedures_nobody_can_say_that_there_was_none():
    claims = [{**c, **CHEAP} for c in peers()]
    for one in claims:
        del one["procedures"]
    result = judged("low_standard", {"below_fen": 99999}, claims)
    assert results(result, 20) == "?" * 20


def test_a_reference_takes_the_place_of_the_runs_own_peers():
    long = peers(discharged_on="2024-03-29")
    params = {"percentile": 95, "least_peers": 20}
    assert results(judged("long_stay", params, long), 20) == "." * 20
    result = judged("long_stay", params, long, reference=claims_of(peers()))
    assert results(result, 20) == "H" * 20
    few = judged("long_stay", params, long, reference=claims_of(peers(5)))
    assert results(few, 20) == "?" * 20


SHARE = {"part": "fully_self_paid", "percentile": 90, "least_peers": 20}


@pytest.mark.parametrize(
    ("params", "more", "letter"),
    [
        ({}, {"fully_self_paid": "4000"}, "H"),
        ({}, {"fully_self_paid": "100"}, "."),
        ({}, {"fully_self_paid": None}, "?"),
        ({}, {"total_cost": None}, "?"),
        ({}, {"total_cost": "0"}, "?"),
        ({}, {"group": "XX"}, "?"),
        ({"least_share": "1/2"}, {"fully_self_paid": "4000"}, "."),
        ({"least_share": "0.4999"}, {"fully_self_paid": "4000"}, "H"),
        ({"costly": 90}, {"fully_self_paid": "4000"}, "."),
        ({"costly": 90}, {"fully_self_paid": "9000", "total_cost": "18000"}, "H"),
    ],
)
def test_share_above_that_of_peers(params, more, letter):
    result = judged("share_above_peers", {**SHARE, **params}, [*peers(), claim(99, **more)])
    assert results(result, 21)[-1] == letter
    if more == {"fully_self_paid": "4000"} and letter == "H":
        bound = "49.99" if params else "1.25"
        words = f"ES15: a share of 50 %, where {bound} % is the bound of the group"
        assert found(result)[-1][2] == words


WEIGHT = {"direction": "above", "ratio": "3", "least_peers": 10}


@pytest.mark.parametrize(
    ("params", "more", "letter"),
    [
        ({}, {"weight": "2.0000", "total_cost": "4000"}, "H"),
        ({}, {"weight": "1.2000", "total_cost": "4000"}, "."),
        ({}, {"weight": None}, "?"),
        ({}, {"weight": "2", "total_cost": None}, "?"),
        ({}, {"weight": "2", "total_cost": "4000", "hospital_id": "H2"}, "?"),
        ({"severities": ["MCC"]}, {"weight": "2", "total_cost": "4000"}, "."),
        ({"severities": ["MCC"]}, {"weight": "2", "total_cost": "4000", "severity": None}, "?"),
        ({"los_share": "0.5"}, {"weight": "2", "total_cost": "4000"}, "."),
        ({"los_share": "0.5"},
         {"weight": "2", "total_cost": "4000", "discharged_on": "2024-03-03"}, "H"),
        ({"direction": "below"}, {"weight": "0.5", "total_cost": "20000"}, "H"),
        ({"direction": "below"}, {"weight": "0.5", "total_cost": "8000"}, "."),
        ({"direction": "below", "los_share": "0.5"}, {"weight": "0.5", "total_cost": "20000"}, "."),
        ({"direction": "below", "los_share": "0.5"},
         {"weight": "0.5", "total_cost": "20000", "discharged_on": "2024-03-29"}, "H"),
    ],
)  # fmt: skip
def test_weight_against_cost(params, more, letter):
    result = judged("weight_against_cost", {**WEIGHT, **params}, [*peers(), claim(99, **more)])
    assert results(result, 21)[-1] == letter


def severities(unit: str, mcc: int, rest: int, **more):
    marks = ["MCC"] * mcc + ["NONE"] * rest
    return [claim(n, hospital_id=unit, severity=mark, **more) for n, mark in enumerate(marks)]


def test_a_hospital_with_more_severe_cases_than_its_peers():
    claims = [*severities("H1", 4, 36), *severities("H2", 4, 36), *severities("H3", 30, 10)]
    result = judged("shift", {"deviations": "3", "least_cases": 30}, claims)
    assert results(result, 120) == "." * 80 + "H" * 30 + "." * 10
    # Expected of H3 by the other two: 10 % of 40; 26 more, over the root of 40 × 0.09.
    assert "H3 lie 13.70 standard deviations" in found(result)[0][2]
    few = judged("shift", {"deviations": "3", "least_cases": 41}, claims)
    assert results(few, 120) == "?" * 120
    unsaid = judged("shift", {}, [*claims, claim(1, severity=None)])
    assert results(unsaid, 121)[-1] == "?"


def test_more_severe_cases_at_the_end_of_the_year():
    params = {"against": "months", "months": [11, 12], "least_cases": 20}
    early = severities("H1", 6, 54, discharged_on="2024-06-01")
    late = severities("H1", 20, 10, discharged_on="2024-12-01")
    result = judged("shift", params, [*early, *late])
    assert results(result, 90) == "." * 60 + "H" * 20 + "." * 10
    calm = severities("H1", 3, 27, discharged_on="2024-12-01")
    assert results(judged("shift", params, [*early, *calm]), 90) == "." * 90
    new = severities("H9", 20, 10, discharged_on="2024-12-01")
    assert results(judged("shift", params, [*early, *new]), 90) == "." * 60 + "?" * 30


def test_a_doctor_whose_cases_weigh_more_than_before():
    params = {"measure": "weight", "by": "doctor", "against": "history", "least_cases": 10}
    now = [claim(n, weight="1.5") for n in range(12)] + [claim(99, doctor="D2", weight="1.5")]
    assert results(judged("shift", params, now), 13) == "?" * 13
    history = claims_of([claim(n, weight=w) for n, w in enumerate(["0.9", "1.1"] * 10)])
    result = judged("shift", params, now, reference=history)
    assert results(result, 13) == "H" * 12 + "?"
    same = [claim(n, weight="1.0") for n in range(12)]
    assert results(judged("shift", params, same, reference=history), 12) == "." * 12


def test_a_hospital_whose_costs_scatter():
    def hospital(name, costs):
        return [claim(n, hospital_id=name, total_cost=c) for n, c in enumerate(costs)]

    even = [hospital(f"H{n}", ["7000", "8000", "9000"] * 4) for n in range(6)]
    claims = [*(c for part in even for c in part), *hospital("H9", ["1000", "8000", "19000"] * 4)]
    params = {"deviations": "2", "far": "2", "least_cases": 12, "least_in_group": 3}
    result = judged("spread", params, claims)
    assert results(result, 84) == "." * 72 + "H.H" * 4
    params["least_cases"] = 13
    assert results(judged("spread", params, claims), 84) == "?" * 84


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("long_stay", {}),
        ("low_standard", {"most_days": 1}),
        ("share_above_peers", {"part": "sex"}),
        ("share_above_peers", {"part": "fully_self_paid", "least_share": "x"}),
        ("share_above_peers", {"part": "fully_self_paid", "percentile": 0}),
        ("weight_against_cost", {"direction": "up"}),
    ],
)
def test_parameters_that_make_no_rule(kind, params):
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's words
        KINDS[kind].params.model_validate(params)


def test_indicators_never_deduct():
    rules = [r for r in load_rules("national").rules if r.id.startswith(("A3", "A5"))]
    assert {r.level for r in rules if r.id.startswith("A5")} == {Level.REVIEW}
    assert {r.id for r in rules if r.level is not Level.REVIEW} == {"A313"}
