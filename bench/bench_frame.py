"""How fast does a frame with list[str] columns get its result columns, on one thread and on two?"""

from __future__ import annotations

import time

import polars as pl
import pytest


@pytest.mark.parametrize("threads", [1, 2])
def test_list_frame(rate, grouper, claims, threads):
    rate(lambda: grouper.results_frame(claims, threads=threads), claims.height)


def test_joined_frame(rate, grouper, claims):
    frame = claims.with_columns(pl.col("diagnoses", "procedures").list.join("|"))
    rate(lambda: grouper.results_frame(frame, threads=1), claims.height)


def test_wide_frame(rate, grouper, wide):
    rate(lambda: grouper.results_frame(wide, threads=1), wide.height)


def test_two_threads_against_one(benchmark, note, grouper, claims):
    """Interleaved, so that a busy neighbour slows both; the ratio goes into extra_info."""
    frame = pl.concat([claims] * max(1, 1_000_000 // claims.height), rechunk=True)

    def seconds(threads: int) -> float:
        start = time.perf_counter()
        grouper.results_frame(frame, threads=threads)
        return time.perf_counter() - start

    seconds(1)
    best = {1: float("inf"), 2: float("inf")}
    for _ in range(5):
        best = {threads: min(least, seconds(threads)) for threads, least in best.items()}
    benchmark.extra_info["two_threads_against_one"] = best[1] / best[2]
    note(f"2 threads against 1, {frame.height:,} claims: {best[1] / best[2]:.2f} x")
    benchmark.pedantic(lambda: seconds(2), rounds=1)
