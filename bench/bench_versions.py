"""What does it cost to let the day of discharge choose the version, claim by claim?"""

from __future__ import annotations

import time
from itertools import cycle

import polars as pl
import pytest

import drg


@pytest.fixture(scope="module")
def place() -> drg.VersionedGrouper:
    return drg.VersionedGrouper.load("chs-drg")


@pytest.fixture(scope="module")
def mixed(claims: pl.DataFrame) -> pl.DataFrame:
    """Every other claim discharged under version 1.0."""
    even = pl.int_range(pl.len()) % 2 == 0
    day = pl.when(even).then(pl.col("discharged_on")).otherwise(pl.date(2020, 7, 1))
    return claims.with_columns(discharged_on=day)


def test_one_version_against_pinned(benchmark, note, grouper, place, claims):
    """CPU time, interleaved; days as dates, as text, and with a clock."""
    day = pl.col("discharged_on")
    frames = {
        "pinned": claims,
        "days as dates": claims,
        "days as text": claims.with_columns(day.dt.to_string("%Y-%m-%d")),
        "days with a clock": claims.with_columns(day.dt.to_string("%Y-%m-%d 10:22:31")),
    }
    best = dict.fromkeys(frames, float("inf"))
    for _ in range(7):
        for name, frame in frames.items():
            start = time.process_time()
            (grouper if name == "pinned" else place).results_frame(frame, threads=1)
            best[name] = min(best[name], time.process_time() - start)
    for name in [*frames][1:]:
        more = (best[name] - best["pinned"]) / claims.height * 1e9
        benchmark.extra_info[name] = more
        note(f"version chosen by day, {name}: {more:.0f} ns of CPU a claim more than pinned")
    benchmark.pedantic(lambda: place.results_frame(claims, threads=1), rounds=1)


def test_two_versions_in_turn(rate, place, mixed):
    rate(lambda: place.results_frame(mixed, threads=1), mixed.height)


def test_one_claim_by_day(benchmark, place, claims):
    one = cycle([drg.Claim.from_row(row) for row in claims[:1_000].iter_rows(named=True)])
    benchmark(lambda: place.group(next(one)))
