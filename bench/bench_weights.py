"""What do weights add to a Parquet run, and how long does a year's history take to weigh?"""

from __future__ import annotations

import time

import polars as pl
import pytest

from drg.money import fen
from drg.payment.weights import Weights
from drg.scale.group_file import group_file
from drg.scale.weights_file import weights_file


@pytest.fixture
def file(claims, tmp_path):
    path = tmp_path / "claims.parquet"
    joined = claims.with_columns(pl.col("diagnoses", "procedures").list.join("|"))
    joined.write_parquet(path)
    return path


@pytest.fixture
def weights(grouper, tmp_path):
    """A weight for every group of the scheme, rates for employees and residents."""
    groups = dict.fromkeys(row.drg for row in grouper.scheme.drgs)
    rows = [f"{group},{1 + n % 97 / 100:.4f}" for n, group in enumerate(groups)]
    (tmp_path / "own.csv").write_text("\n".join(["group,weight", *rows]) + "\n", "utf-8")
    rates = [f'[[rates]]\ninsurance = "{i}"\nrate = "{r}.35"' for i, r in ((310, 9), (390, 7))]
    (tmp_path / "own.toml").write_text("\n".join(rates) + "\n", "utf-8")
    made = Weights.load(tmp_path / "own.csv")
    assert {rate.fen for rate in made.tables[0].rates} == {fen("9.35"), fen("7.35")}
    return made


def test_parquet_run_with_weights(benchmark, note, grouper, weights, claims, file, tmp_path):
    """CPU and wall time of whole runs, interleaved."""
    out = tmp_path / "out.parquet"
    best = {name: [float("inf"), float("inf")] for name in ("without", "with")}
    for turn in range(10):
        # Whoever runs second finds the caches of the first: they take turns.
        for name, added in (("without", None), ("with", weights))[:: 1 if turn % 2 else -1]:
            start = time.process_time(), time.perf_counter()
            group_file(grouper, file, out, weights=added)
            spent = time.process_time() - start[0], time.perf_counter() - start[1]
            best[name] = [min(pair) for pair in zip(best[name], spent, strict=True)]
    for n, kind in enumerate(("CPU", "wall")):
        more = best["with"][n] / best["without"][n] - 1
        benchmark.extra_info[kind] = more
        note(f"weights in a Parquet run: {more:+.1%} {kind} time")
    benchmark.pedantic(lambda: group_file(grouper, file, out, weights=weights), rounds=1)


def test_weights_from_history(rate, grouper, claims, file, tmp_path):
    rate(lambda: weights_file(grouper, file, tmp_path / "w.csv"), claims.height, rounds=3)
