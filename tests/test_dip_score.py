"""Scores of groups, trimming and the forming of a catalogue against plain fractions."""

from __future__ import annotations

import json
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from drg.dip.errors import DipError, exact
from drg.dip.formation import (
    Combination,
    coverage_threshold,
    fold_related,
    form_catalogue,
    related_test,
)
from drg.dip.score import (
    keep_total,
    pooled_mean,
    score_by_mean,
    scores_by_anchor,
    scores_e4,
    total_score,
    weighted_mean,
    yearly_mean,
)
from drg.dip.trimming import (
    Hospital,
    geometric_centre,
    optimal_interval,
    optimal_interval_2d,
    quantile_kept,
)
from drg.money import round_scaled

amounts = st.integers(0, 10**9)
costs = st.lists(st.integers(0, 40), max_size=60)


def refused(code, function, *arguments, **named):
    with pytest.raises(DipError) as caught:
        function(*arguments, **named)
    assert caught.value.code == code
    for lang in ("zh", "en"):
        assert caught.value.message(lang).startswith(f"[{code}] ")
    return caught.value


# ---- means and scores


@given(st.lists(st.tuples(amounts, st.integers(0, 50)), min_size=3, max_size=3))
def test_means_of_three_years(years):
    totals, cases = zip(*years, strict=True)
    seen = [(t, n, w) for (t, n), w in zip(years, (1, 2, 7), strict=True) if n]
    if not seen:
        assert yearly_mean(totals, cases) is None
        assert pooled_mean(totals, cases) is None
        return
    of_means = sum(Fraction(t, n) * w for t, n, w in seen) / sum(w for _, _, w in seen)
    assert yearly_mean(totals, cases) == of_means
    of_cases = Fraction(sum(t * w for t, _, w in seen), sum(n * w for _, n, w in seen))
    assert pooled_mean([t if n else 0 for t, n in years], cases) == of_cases


@given(st.lists(amounts, max_size=20), st.fractions(min_value=1, max_value=10**9))
def test_a_column_of_scores_is_its_scores(means, base):
    found = scores_e4(np.array(means, np.int64), base)
    assert found.tolist() == [round_scaled(score_by_mean(mean, base)) for mean in means]


@given(st.dictionaries(st.sampled_from("ABCDE"), st.integers(1, 10**6), min_size=2))
def test_the_anchor_scores_the_scale_and_order_is_kept(means):
    anchor = min(means)
    found = scores_by_anchor(means, anchor)
    assert found[anchor] == 1000
    assert sorted(found, key=found.get) == sorted(means, key=means.get)


@given(
    st.dictionaries(
        st.sampled_from("ABCDE"), st.tuples(st.integers(1, 999), st.integers(0, 9)), min_size=2
    ),
    st.integers(0, 2000),
    st.booleans(),
)
def test_the_total_score_is_kept(groups, new, hold):
    scores = {g: s for g, (s, _) in groups.items()}
    cases = {g: n for g, (_, n) in groups.items()}
    first = min(groups)
    try:
        found = keep_total(scores, cases, {first: new}, hold=hold)
    except DipError as error:
        assert error.code == "D410"
        others = sum(scores[g] * cases[g] for g in groups if g != first)
        before = others + scores[first] * cases[first]
        assert new * cases[first] > before or not (others if hold else new * cases[first] + others)
        return
    assert total_score(found, cases) == total_score(scores, cases)
    if hold:
        assert found[first] == new


def test_what_scores_cannot_be_made_of():
    assert "year" in refused("D407", weighted_mean, [1, 2]).message("en")
    refused("D408", weighted_mean, [1, 2], [0, 0])
    refused("D402", score_by_mean, 5, 0)
    refused("D403", score_by_mean, -5, 1)
    refused("D409", scores_by_anchor, {"A": 1}, "B")
    refused("D402", scores_by_anchor, {"A": 0, "B": 3}, "A")
    refused("D409", keep_total, {"A": 1}, {"A": 1}, {"B": 1})
    refused("D410", keep_total, {"A": 1, "B": 1}, {"A": 1, "B": 1}, {"A": 3}, hold=True)
    for wrong in (1.5, True, "one", "1/0", "nan", None):
        refused("D401", exact, wrong)


# ---- trimming


@given(costs, st.integers(0, 49), st.integers(51, 100))
def test_quantiles_keep_the_middle(values, low, high):
    array = np.array(values, np.int64)
    kept = quantile_kept(array, Fraction(low, 100), Fraction(high, 100))
    if not values:
        assert not len(kept)
        return
    ordered, n = sorted(values), len(values)
    least = ordered[math.floor(Fraction(n * low, 100))]
    most = ordered[n - 1 - math.floor(n * (1 - Fraction(high, 100)))]
    assert kept.tolist() == [least <= value <= most for value in values]
    assert kept.any()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=60))
def test_groups_are_trimmed_each_by_itself(rows):
    values, groups = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    kept = quantile_kept(values, "0.1", "0.8", groups)
    for group in set(groups.tolist()):
        own = groups == group
        assert kept[own].tolist() == quantile_kept(values[own], "0.1", "0.8").tolist()


hospitals = st.lists(
    st.builds(Hospital, st.integers(0, 10**6), st.integers(1, 1000), st.integers(0, 10**6)),
    min_size=1,
    max_size=8,
)


@given(hospitals)
def test_one_dimension_is_the_mean_of_those_below_it(rows):
    mean = Fraction(sum(h.income for h in rows), sum(h.score for h in rows))
    below = [h for h in rows if Fraction(h.income, h.score) < mean]
    found = optimal_interval(rows)
    if below:
        assert found == Fraction(sum(h.income for h in below), sum(h.score for h in below)) < mean
    else:
        assert found == mean


def distances(point, points):
    return sum(math.dist(point, p) for p in points)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=7))
def test_no_place_near_the_centre_is_nearer_to_all(points):
    centre = tuple(map(float, geometric_centre(points)))
    least = distances(centre, points)
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1)):
        for step in (1e-3, 1e-1, 3):
            there = (centre[0] + dx * step, centre[1] + dy * step)
            assert least <= distances(there, points) + 1e-7
    assert geometric_centre(points[::-1]) == geometric_centre(points)


def test_two_dimensions_leave_out_the_dear_and_the_losing():
    rows = [
        Hospital(900, 100, 850),
        Hospital(800, 100, 780),
        Hospital(700, 100, 600),
        Hospital(2000, 100, 1700),
        Hospital(500, 100, 900),
    ]
    inside = [(9, "8.5"), (8, "7.8"), (7, 6)]
    assert optimal_interval_2d(rows) == geometric_centre(inside)[0] == 8
    refused("D413", optimal_interval_2d, [Hospital(5, 1, 4)])
    refused("D412", optimal_interval, [])
    refused("D412", geometric_centre, [])
    refused("D402", optimal_interval, [Hospital(5, 0)])
    refused("D411", quantile_kept, np.array([1]), "0.9", "0.1")


# ---- forming a catalogue


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 100))
def test_the_threshold_is_the_highest_that_covers(cases, percent):
    found = coverage_threshold(cases, Fraction(percent, 100))

    def covers(threshold):
        return 100 * sum(n for n in cases if n >= threshold) >= percent * sum(cases)

    assert covers(found)
    assert not covers(found + 1)


combinations = st.dictionaries(
    st.tuples(
        st.sampled_from(["C54.1", "C54.9", "C55.x"]),
        st.sampled_from([(), ("a",), ("b",), ("a", "b"), ("a", "c"), ("a", "b", "c")]),
    ),
    st.tuples(st.integers(1, 30), st.integers(1, 60)),
).map(
    lambda found: [
        Combination(dx, ops, n, "surgery" if ops else "conservative", n * mean)
        for (dx, ops), (n, mean) in found.items()
    ]
)


@given(combinations, st.integers(1, 40))
def test_every_case_is_in_one_place(rows, threshold):
    folded = fold_related(rows)
    assert sum(c.cases for c in folded) == sum(c.cases for c in rows)
    assert sum(c.total for c in folded) == sum(c.total for c in rows)
    assert Counter(fold_related(rows[::-1])) == Counter(folded)
    found = form_catalogue(folded, threshold)
    collapsed = [c for g in found.comprehensive for c in g.combinations]
    assert Counter([*found.core, *collapsed, *found.dropped]) == Counter(folded)
    assert all(c.cases >= threshold for c in (*found.core, *found.comprehensive))
    for group in found.comprehensive:
        assert {(c.diagnosis[:3], c.kind) for c in group.combinations} == {
            (group.category, group.kind)
        }
    left = Counter()
    for c in found.dropped:
        left[c.diagnosis[:3], c.kind] += c.cases
    assert all(n < threshold for n in left.values())


@given(combinations)
def test_what_is_folded_added_less_than_a_tenth(rows):
    known = {(c.diagnosis, c.procedures): c for c in rows}
    stays = {(c.diagnosis, c.procedures) for c in fold_related(rows)}
    for (dx, ops), c in known.items():
        alone = known.get((dx, ops[:1]))
        dear = alone is None or len(ops) < 2 or 10 * c.mean >= 11 * alone.mean
        assert ((dx, ops) in stays) == dear


def test_what_a_catalogue_cannot_be_formed_of():
    twice = [Combination("C54.1", ("a",), 3)] * 2
    assert "C54.1:a" in refused("D414", form_catalogue, twice, 2).message("zh")
    refused("D414", fold_related, twice)
    refused("D402", form_catalogue, [], 0)
    refused("D402", related_test, 0, 5)
    refused("D415", coverage_threshold, [3], "1.2")
    unknown = [Combination("C54.1", ("a",), 3), Combination("C54.1", ("a", "b"), 3)]
    assert fold_related(unknown) == tuple(unknown)


def test_every_case_of_the_specification_is_kept_here():
    specified = ROOT.parent / "shared" / "spec" / "settlement_cases.json"
    if not specified.is_file():
        pytest.skip("the specification is not beside the project")
    here = {r["id"] for r in json.loads((ROOT / "tests/cases/dip.json").read_text("utf-8"))}
    wanted = {r["id"] for r in json.loads(specified.read_text("utf-8")) if r["id"][0] == "B"}
    assert wanted <= here
