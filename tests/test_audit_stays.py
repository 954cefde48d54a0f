"""Stays of one person: pairs against a slow oracle, and the rules on them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_audit import found, judged, results

from drg.audit.stays import (
    MOST_STAYS,
    Stay,
    near_pairs,
    overlaps,
    overlaps_array,
    readmission,
    shared_persons,
)

STAYS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 40), st.integers(0, 12)), max_size=25)


@settings(max_examples=150, deadline=None)
@given(STAYS, st.integers(0, 15))
def test_pairs_are_those_that_comparing_all_with_all_finds(stays, window):
    person, admitted, length = (
        np.array([s[n] for s in stays], np.int64).reshape(-1) for n in range(3)
    )
    discharged = admitted + length
    pairs = near_pairs(person, admitted.astype(np.int32), discharged.astype(np.int32), window)
    wanted = set()
    order = sorted(range(len(stays)), key=lambda n: (admitted[n], discharged[n], n))
    for k, i in enumerate(order):
        for j in order[k + 1 :]:
            same = person[i] == person[j] >= 0
            if same and admitted[j] - discharged[i] <= window:
                wanted.add((i, j))
    got = list(zip(pairs.earlier.tolist(), pairs.later.tolist(), strict=True))
    assert len(got) == len(set(got))
    assert set(got) == wanted


@settings(max_examples=150, deadline=None)
@given(*[st.integers(0, 9)] * 2, *[st.integers(0, 4)] * 2, st.booleans())
def test_overlap_of_columns_is_that_of_one_pair(a, b, days_a, days_b, transfer):
    base = date(2024, 3, 1).toordinal()
    one, other = (
        Stay(date.fromordinal(base + start), date.fromordinal(base + start + days), name)
        for start, days, name in ((a, days_a, "H1"), (b, days_b, "H2"))
    )
    columns = overlaps_array(
        (np.array([a], np.int32), np.array([b], np.int32)),
        (np.array([a + days_a], np.int32), np.array([b + days_b], np.int32)),
        same_day_transfer=transfer,
    )
    told = overlaps(one, other, same_day_transfer=transfer)
    assert told == columns[0] == overlaps(other, one, same_day_transfer=transfer)


def test_a_gap_that_is_not_known_decides_nothing_unless_another_part_does():
    day = date(2024, 3, 1)
    assert readmission(None, day, window=10, related=True).hit is None
    assert readmission(None, day, window=10, related=False).hit is False
    assert readmission(day, day, window=0, related=True) == (0, True)


def test_a_number_that_stands_for_many_is_no_person():
    person = np.array([7] * (MOST_STAYS + 1) + [1, -1])
    assert shared_persons(person).tolist() == [True] * (MOST_STAYS + 1) + [False, False]


def stay(start: str, end: str | None, **more):
    base = {
        "patient_id": "P1", "hospital_id": "H1", "group": "ES23", "adrg": "ES2",
        "outcome": "GROUPED",
    }  # fmt: skip
    return {**base, "admitted_on": start, "discharged_on": end, **more}


WINDOW = {"window_days": 10}


@pytest.mark.parametrize(
    ("second", "params", "letters"),
    [
        (stay("2024-03-11", "2024-03-15"), {}, ".H"),
        (stay("2024-03-01", "2024-03-15"), {}, ".H"),
        (stay("2024-03-12", "2024-03-15"), {}, ".."),
        (stay("2024-02-29", "2024-03-15"), {}, ".."),
        (stay("2024-03-05", "2024-03-06", group="ES25"), {}, ".."),
        (stay("2024-03-05", "2024-03-06", group="ES25"), {"related": "adrg"}, ".H"),
        (stay("2024-03-05", "2024-03-06", group=None), {}, ".?"),
        (stay("2024-03-05", "2024-03-06", outcome="UNGROUPABLE"), {}, ".?"),
        (stay("2024-03-05", "2024-03-06", patient_id="P2"), {}, ".."),
        (stay("2024-03-05", "2024-03-06", patient_id=None), {}, ".?"),
        (stay("2024-03-05", None), {}, ".?"),
        (stay("2024-03-09", "2024-03-05"), {}, ".?"),
        (stay("2024-03-05", "2024-03-06", hospital_id="H2"), {}, ".H"),
        (stay("2024-03-05", "2024-03-06", hospital_id="H2"), {"same_hospital": True}, ".."),
        (stay("2024-03-05", "2024-03-06", hospital_id=None), {"same_hospital": True}, ".?"),
        (stay("2024-03-05", "2024-03-06"), {"related": "principal"}, ".H"),
        (stay("2024-03-05", "2024-03-06", diagnoses="J18.000"), {"related": "principal"}, ".H"),
        (stay("2024-03-05", "2024-03-06", diagnoses="J15.000"), {"related": "principal"}, ".."),
        (stay("2024-03-05", "2024-03-06", diagnoses=" z51.102"), {"unless": ["Z51*"]}, ".."),
    ],
)
def test_readmitted(second, params, letters):
    first = stay("2024-02-20", "2024-03-01", diagnoses="J18.900")
    second = {"diagnoses": "J18.900", **second}
    result = judged("readmitted", {**WINDOW, **params}, [first, second])
    assert results(result, 2) == letters
    # Order in the file does not matter.
    result = judged("readmitted", {**WINDOW, **params}, [second, first])
    assert results(result, 2) == letters[::-1]


@pytest.mark.parametrize(
    ("marks", "letters"), [(("1", "0"), ".."), (("0", "1"), ".H"), (("2", "1"), ".."),
                           (("是", None), ".."), ((None, None), ".H")],
)  # fmt: skip
def test_a_planned_stay_is_no_readmission(marks, letters):
    stays = [
        stay("2024-02-20", "2024-03-01", planned_readmission=marks[0]),
        stay("2024-03-05", "2024-03-09", planned_readmission=marks[1]),
    ]
    assert results(judged("readmitted", {**WINDOW, "planned": True}, stays), 2) == letters


def test_a_transfer_to_another_hospital_is_no_readmission():
    params = {**WINDOW, "transferred": ["2"]}
    first = stay("2024-02-20", "2024-03-01", disposition="2")
    away = stay("2024-03-01", "2024-03-09", disposition="1", hospital_id="H2")
    back = stay("2024-03-01", "2024-03-09", disposition="1")
    assert results(judged("readmitted", params, [first, away]), 2) == ".."
    assert results(judged("readmitted", params, [first, back]), 2) == ".H"


def test_the_nearest_of_several_stays_is_told_first_and_batches_change_nothing():
    stays = [
        stay("2024-03-01", "2024-03-02", claim_id="A"),
        stay("2024-03-04", "2024-03-05", claim_id="B", group="XX1"),
        stay("2024-03-05", "2024-03-06", claim_id="C"),
        stay("2024-03-10", "2024-03-16", claim_id="D"),
    ]
    whole = judged("readmitted", WINDOW, stays)
    assert results(whole, 4) == "..HH"
    told = found(whole)[1][2]
    assert told.startswith("a gap of 4 d after C (H1, 2024-03-05 to 2024-03-06)")
    assert "a gap of 8 d after A" in told
    assert judged("readmitted", WINDOW, stays, batch=1).findings.equals(whole.findings)


def test_overlapping_stays_hit_both():
    stays = [
        stay("2024-03-01", "2024-03-10", claim_id="A"),
        stay("2024-03-08", "2024-03-12", claim_id="B", hospital_id="H2"),
        stay("2024-03-12", "2024-03-14", claim_id="C"),
        stay("2024-03-20", "2024-03-24", claim_id="D", hospital_id=None),
        stay("2024-03-22", "2024-03-25", claim_id="E"),
    ]
    result = judged("overlapping", {}, stays)
    assert results(result, 5) == "HH.??"
    assert found(result)[0][2] == "overlaps with B (H2, 2024-03-08 to 2024-03-12)"
    strict = judged("overlapping", {"same_day_transfer": False}, stays)
    assert results(strict, 5) == "HHH??"
    assert results(judged("overlapping", {"same_hospital": True}, stays), 5) == "...??"
    inside = [stay("2024-03-01", "2024-03-10"), stay("2024-03-05", "2024-03-07"),
              stay("2024-03-01", "2024-03-10")]  # fmt: skip
    assert results(judged("overlapping", {"same_hospital": True}, inside), 3) == "HHH"
    twice = [inside[0], inside[2]]
    assert results(judged("overlapping", {"same_hospital": True}, twice), 2) == ".."


def test_a_stay_told_twice():
    base = stay("2024-03-01", "2024-03-10", total_cost="100.00")
    stays = [
        {**base, "claim_id": "A"},
        {**base, "claim_id": "B"},
        {**base, "claim_id": "A"},  # a later version of A
        {**base, "claim_id": "C", "total_cost": "100.01"},
        {**base, "claim_id": "D", "total_cost": None},
    ]
    result = judged("told_twice", {}, stays)
    assert results(result, 5) == ".H..?"
    assert found(result)[0][2] == "the same as A in row 1"
    assert found(result)[1][2] == "missing: total_cost"
