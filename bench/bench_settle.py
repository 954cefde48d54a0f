"""How long does a month take to settle, in memory and from file, measured against grouping it?

Harbin's claims under the demonstration policy; ``DRG_BENCH_ROWS=1000000`` asks the question of a
large month. Statements are made for 300 hospitals.
"""

from __future__ import annotations

import os
import shutil
import time

import polars as pl
import pytest

import drg
from drg.dates import Month
from drg.payment.policy.catalog import load_policy
from drg.scale.group_file import group_file
from drg.scale.settle_file import settle_file
from drg.settlement.run import settle_month

ROWS = int(os.environ.get("DRG_BENCH_ROWS", "200000"))
MONTH = "2024-06"
HOSPITALS = 300
LEVELS = ("三级", "二级", "一级")


@pytest.fixture(scope="module")
def harbin():
    return drg.Grouper.load("haerbin-2022")


@pytest.fixture(scope="module")
def files(harbin, tmp_path_factory):
    """Claims, the grouped month, the register of hospitals."""
    folder = tmp_path_factory.mktemp("settle")
    claims, grouped, register = (
        folder / name for name in ("claims.parquet", "grouped.parquet", "hospitals.csv")
    )
    made = drg.synth(harbin.scheme, ROWS, seed=3, hospitals=HOSPITALS, month=MONTH)
    made.write_parquet(claims)
    group_file(harbin, claims, grouped)
    ids = sorted(made["hospital_id"].unique().drop_nulls())
    levels = [LEVELS[n % len(LEVELS)] for n in range(len(ids))]
    pl.DataFrame({"hospital_id": ids, "level": levels}).write_csv(register)
    return claims, grouped, register


@pytest.fixture(scope="module")
def policy():
    return load_policy("demo-2024")


def test_month_in_memory(rate, policy, files):
    """Route, two passes of pricing, ledger, and the proof of the ledger."""
    _, grouped, register = files
    frame = pl.read_parquet(grouped)

    def settle():
        settlement = settle_month(frame, policy, month=Month.parse(MONTH), hospitals=register)
        assert settlement.check() == []

    rate(settle, ROWS, rounds=3)


def test_month_from_file(benchmark, note, harbin, policy, files, tmp_path):
    """A file settled into its folder, and the same claims grouped, by turns."""
    claims, grouped, register = files
    best = {"group": float("inf"), "settle": float("inf")}
    for _ in range(3):
        start = time.perf_counter()
        group_file(harbin, claims, tmp_path / "grouped.parquet")
        best["group"] = min(best["group"], time.perf_counter() - start)
        shutil.rmtree(tmp_path / "month", ignore_errors=True)
        start = time.perf_counter()
        _settle(grouped, policy, tmp_path / "month", register, statements=False)
        best["settle"] = min(best["settle"], time.perf_counter() - start)
    ratio = best["settle"] / best["group"]
    benchmark.extra_info |= best | {"ratio_to_grouping": ratio}
    note(f"a month of {ROWS:,} from file: {best['settle']:.2f} s, {ratio:.1f} x grouping it")
    shutil.rmtree(tmp_path / "month")
    settle = (grouped, policy, tmp_path / "month", register)
    benchmark.pedantic(_settle, settle, {"statements": False}, rounds=1)


def test_statements(benchmark, note, policy, files, tmp_path):
    """What the hospitals' workbooks cost beside the month."""
    _, grouped, register = files
    spent = {}
    for turn, statements in enumerate((False, True)):
        start = time.perf_counter()
        _settle(grouped, policy, tmp_path / str(turn), register, statements=statements)
        spent[statements] = time.perf_counter() - start
    written = len(list((tmp_path / "1" / "statements").iterdir()))
    more = spent[True] - spent[False]
    note(f"statements for {written} hospitals, {ROWS:,} claims: {more:.1f} s")
    benchmark.extra_info["seconds"] = more
    settle = (grouped, policy, tmp_path / "2", register)
    benchmark.pedantic(_settle, settle, {"statements": False}, rounds=1)


def _settle(grouped, policy, folder, register, *, statements):
    settle_file(
        grouped,
        policy,
        folder,
        month=Month.parse(MONTH),
        hospitals=register,
        statements=statements,
    )
