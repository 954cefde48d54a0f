"""How long does the patients' side take: a visit at a window, a year of visits, loading a plan?"""

from __future__ import annotations

from itertools import cycle

import numpy as np
import polars as pl
import pytest

from drg.benefits.batch import settle_frame
from drg.benefits.model import Balance, Visit
from drg.benefits.plan import load_plan
from drg.benefits.visit import settle_visit
from drg.claims.profiles import match_columns

SUPPLY = {"assistance.rows.poor.ratio": "0.7", "assistance.rows.poor.cap": "20000"}


@pytest.fixture(scope="module")
def plan():
    return load_plan("chuzhou-2019", supply=SUPPLY)


def visits(count):
    """A year of visits: two a person, four layers for a part of them."""
    rng = np.random.default_rng(1)
    total = rng.integers(100_000, 20_000_000, count)

    def yuan(fen):
        return [f"{amount // 100}.{amount % 100:02}" for amount in fen.tolist()]

    def one_of(*names):
        return pl.Series(names, dtype=pl.String).gather(rng.integers(0, len(names), count))

    return pl.DataFrame(
        {
            "claim_id": [f"c{n}" for n in range(count)],
            "patient_id": [f"p{n}" for n in rng.integers(0, count // 2, count)],
            "discharged_on": pl.Series(17897 + rng.integers(0, 365, count)).cast(pl.Date),
            "insurance": ["390"] * count,
            "hospital_level": one_of("一级", "二级", "三级", "三级甲等"),
            "region_level": one_of("县级", "市级", "省级"),
            "person_category": one_of("", "", "", "贫困人口", "低保"),
            "off_site": one_of("", "", "", "省外"),
            "total_cost": yuan(total),
            "fully_self_paid": yuan(total // 20),
            "first_self_paid": yuan(total // 30),
            "diagnoses": ["J18.900"] * count,
        }
    )


def test_one_visit(benchmark, plan):
    stay = Visit(6_000_000, 200_000, 300_000, insurance="390", level="三级", region="市级",
                 category="贫困人口")  # fmt: skip
    used = cycle(Balance(1, total, total // 9, 0, 0, total // 3, total // 4, "county")
                 for total in range(0, 10_000_000, 10_000))  # fmt: skip
    settled, _ = benchmark(lambda: settle_visit(plan, stay, next(used)))
    assert len(settled.layers) == 4


def test_a_year_of_visits(rate, plan, claims):
    frame = visits(claims.height)
    columns = match_columns(frame.columns, dict(frame.schema))
    run = rate(lambda: settle_frame(plan, frame, columns), frame.height, rounds=3)
    assert run.frame["fund_paid"].null_count() == 0


def test_load_a_plan(benchmark):
    benchmark(lambda: load_plan("chuzhou-2019", supply=SUPPLY))
