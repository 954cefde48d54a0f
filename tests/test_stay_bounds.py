"""Bounds on bed-day stays: mean length and the self-paid part, held against a hospital's month."""

from __future__ import annotations

import polars as pl
import pytest

from drg.dates import Month
from drg.payment.policy.catalog import load_policy
from drg.settlement.run import settle_month

REGISTER = pl.DataFrame({"hospital_id": ["H1", "H2", "H3"], "level": ["一级", "二级", "三级甲等"]})


def month(stays):
    """A month of psychiatric stays: hospital, days, cost, self-paid (None: not reported)."""
    return pl.DataFrame(
        {
            "claim_id": [f"C{n}" for n in range(len(stays))],
            "patient_id": [f"P{n}" for n in range(len(stays))],
            "hospital_id": [stay[0] for stay in stays],
            "insurance": "310",
            "discharged_on": "2021-03-20",
            "los_days": [stay[1] for stay in stays],
            "diagnoses": ["F20.900"] * len(stays),
            "total_cost": [stay[2] for stay in stays],
            "patient_paid": ["0.00"] * len(stays),
            "fully_self_paid": [stay[3] for stay in stays],
        },
        schema_overrides={"fully_self_paid": pl.String},
    )


def found(stays, hospitals=REGISTER, before=None):
    settled = settle_month(
        month(stays), load_policy("dezhou-2020"), month=Month.parse("2021-03"),
        hospitals=hospitals, before=before,
    )  # fmt: skip
    assert settled.check() == []
    told = settled.findings.filter(pl.col("code").is_in(["P665", "P666"]))
    return settled, told.select("hospital", "code").rows()


def test_means_and_shares_beyond_their_bounds():
    stays = [
        ("H1", 60, "1000.00", "30.00"),  # both bounds reached, neither passed
        ("H2", 58, "1000.00", "40.01"),
        ("H2", 62, "1000.00", "40.00"),
        ("H3", 61, "1000.00", "50.00"),
    ]
    assert found(stays)[1] == [("H2", "P666"), ("H3", "P665")]


def test_the_mean_counts_not_a_single_stay():
    assert found([("H1", 90, "1000.00", "0.00"), ("H1", 30, "1000.00", "0.00")])[1] == []


@pytest.mark.parametrize("cell", [None, ""])
def test_an_amount_that_is_not_reported_is_not_judged(cell):
    assert found([("H1", 10, "1000.00", cell), ("H1", 10, "1000.00", "30.00")])[1] == []
    assert found([("H1", 10, "1000.00", cell), ("H1", 10, "1000.00", "30.01")])[1] == [
        ("H1", "P666")
    ]


def test_late_claims_are_held_against_the_whole_month():
    first, told = found([("H1", 70, "1000.00", "0.00"), ("H1", 50, "1000.00", "0.00")])
    assert told == []
    late = month([("H1", 61, "1000.00", "0.00")]).with_columns(claim_id=pl.lit("late"))
    settled = settle_month(
        late, load_policy("dezhou-2020"), month=Month.parse("2021-03"), hospitals=REGISTER,
        before=first,
    )  # fmt: skip
    assert settled.findings.select("hospital", "code").rows() == [("H1", "P665")]


def test_without_bounds_nothing_is_said():
    policy = load_policy("dalian-2018")
    assert all(rule.max_average_days is None for rule in policy.bed_day)
