"""How long do the figures of a million settled claims take, at the levels of a report?

120 hospitals, 30 departments and some 10,000 doctors, two months. ``pytest bench/bench_kpi.py
--benchmark-enable -m bench``
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from drg.scale.kpi_file import kpi_files

pytestmark = pytest.mark.bench
N = 1_000_000
_GROUPS = 640


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    draw = np.random.default_rng(7)
    group = draw.integers(0, _GROUPS, N)
    weight = 0.3 + group / 200
    cost = np.round(weight * 800_000 * draw.lognormal(0, 0.4, N)).astype(np.int64)
    admitted = draw.integers(20_089, 20_140, N)
    days = draw.integers(1, 15, N)
    path = tmp_path_factory.mktemp("kpi") / "claims.parquet"
    pl.DataFrame(
        {
            "claim_id": np.arange(N),
            "hospital_id": draw.integers(0, 120, N),
            "department": draw.integers(0, 30, N),
            "doctor": draw.integers(0, 3, N),
            "insurance": draw.choice([310, 390], N),
            "patient_id": draw.integers(0, 700_000, N),
            "group": group,
            "weight": np.round(weight, 4),
            "total_cost": cost / 100,
            "standard_fen": np.round(weight * 800_000).astype(np.int64),
            "admitted_on": admitted,
            "discharged_on": admitted + days,
            "los_days": days,
            "disposition": np.where(draw.random(N) < 0.01, 5, 1),
        }
    ).with_columns(
        pl.col("admitted_on", "discharged_on").cast(pl.Int32).cast(pl.Date),
        pl.col("claim_id", "hospital_id", "department", "doctor", "insurance", "patient_id",
               "disposition").cast(pl.String),
        pl.format("G{}", "group").alias("group"),
        pl.col("total_cost").cast(pl.Decimal(18, 2)).cast(pl.String),
        pl.col("weight").cast(pl.Decimal(18, 4)),
        diagnoses=pl.lit("I63.900"), outcome=pl.lit("GROUPED"), group_name=pl.lit("脑缺血性疾患"),
    ).write_parquet(path)  # fmt: skip
    return path


def test_a_million_claims(benchmark, settled, tmp_path):
    run = benchmark.pedantic(lambda: kpi_files([settled], tmp_path / "out"), rounds=1)
    assert run.report.claims == N
