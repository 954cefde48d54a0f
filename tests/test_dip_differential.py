"""Reference matcher and DIP kernel agree on random and on the shipped catalogues."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from dip_strategies import claims_of, frame_of, grouper_of, random_catalogue, random_claim, spoil
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.claims.frame import DIP_RESULT_NAMES, RESULT_NAMES
from drg.dip.grouper import DipGrouper
from drg.dip.model import Catalogue, Group
from drg.dip.reference import ReferenceMatcher
from drg.grouping.result import GroupResult

SHIPPED = ("taian-2025", "pingdingshan-2025")
#: Claims a catalogue of the default run.
CLAIMS = 3_000


def columns_of(result: GroupResult) -> tuple[Any, ...]:
    """A single result as a frame's row has it."""
    score = None if result.score_e4 is None else Decimal(result.score_e4).scaleb(-4)
    told = {**result._asdict(), "score": score, "outcome": result.outcome.value}
    return tuple(told[name] for name in (*RESULT_NAMES, *DIP_RESULT_NAMES))


def assert_same(grouper: DipGrouper, matcher: ReferenceMatcher, rows: list[dict[str, Any]]) -> None:
    frame = frame_of(rows)
    grouped = grouper.results_frame(frame, threads=1).rows()
    for row, claim, found in zip(rows, claims_of(rows), grouped, strict=True):
        expected = matcher.match(claim)
        assert found == columns_of(expected), row
        assert grouper.group(claim) == expected, row


@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_random_catalogues(seed: int) -> None:
    catalogue = random_catalogue(seed)
    rows = [random_claim(seed, number) for number in range(30)]
    assert_same(grouper_of(catalogue), ReferenceMatcher(catalogue), rows)


def aimed_claim(catalogue: Catalogue, group: Group, rnd: random.Random) -> dict[str, Any]:
    """A claim of a group, with noise: more procedures and diagnoses, other spellings, values."""
    own = _DIAGNOSES.get(_key(group), _DIAGNOSES["any"])
    dx = rnd.choice(_DIAGNOSES["any"] if rnd.random() < 0.05 else own)
    px = [rnd.choice(term) for term in group.terms]
    rnd.shuffle(px)
    if rnd.random() < 0.3:
        px.insert(rnd.randrange(len(px) + 1), rnd.choice(list(catalogue.px_names)))
    if rnd.random() < 0.2 and px:
        px.pop()
    secondary = rnd.choices(_DIAGNOSES["any"], k=rnd.randrange(3))
    mean = group.mean_fen or 500_000
    return {
        "claim_id": group.code,
        "diagnoses": spoil(rnd, [dx, *secondary], 0.02),
        "procedures": spoil(rnd, px, 0.02),
        "disposition": rnd.choice((None, "1", "5")),
        "total_cost": rnd.choice((None, f"{mean * rnd.randrange(20, 400) // 10_000}")),
        "age": rnd.choice((None, 0, 5, 40, 70)),
        "age_days": rnd.choice((None, 3, 40)),
        "los_days": rnd.choice((None, 2, 9)),
        "icu_hours": rnd.choice((None, 0, 60, 300)),
        "birth_weight_g": rnd.choice((None, 700, 2_000)),
        "admission_weight_g": None,
    }


_DIAGNOSES: dict[str, list[str]] = {}


def _key(group: Group) -> str:
    return group.diagnosis[0].upper() if group.diagnosis else "any"


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_catalogues(name: str) -> None:
    grouper = DipGrouper.load(name)
    catalogue = grouper.catalogue
    rnd = random.Random(20250101)
    _DIAGNOSES.clear()
    for code in catalogue.dx_names:
        for key in (code[:5].upper(), code[:3], "any"):
            _DIAGNOSES.setdefault(key, []).append(code)
    groups = rnd.choices(catalogue.groups, k=CLAIMS)
    rows = [aimed_claim(catalogue, group, rnd) for group in groups]
    assert_same(grouper, grouper.reference, rows)
    # The claims are worth something: most are grouped, and many into what they were made for.
    found = grouper.results_frame(frame_of(rows))
    grouped = (found["outcome"] == "GROUPED").sum()
    own = sum(
        code == row["claim_id"] for code, row in zip(found["adrg"].to_list(), rows, strict=True)
    )
    assert grouped > 0.8 * CLAIMS
    assert own > 0.4 * CLAIMS
