"""Claims that every question is asked about, and the ruler: the reference grouper in the same run.

Machines differ and are shared, so a rate is also given as a ratio to the reference grouper's
rate of the same minute. ``DRG_BENCH_ROWS`` sets the number of claims (default 200,000).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import drg

SCHEME = "chs-drg-2.0"
ROWS = int(os.environ.get("DRG_BENCH_ROWS", "200000"))
_rates: list[tuple[str, float]] = []
_ruler: list[float] = []
_notes: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("bench")


@pytest.fixture(scope="session")
def grouper() -> drg.Grouper:
    return drg.Grouper.load(SCHEME)


@pytest.fixture(scope="session")
def claims(grouper: drg.Grouper) -> pl.DataFrame:
    """Claims of ``drg synth``, list[str] code columns, about nine codes each."""
    return drg.synth(grouper.scheme, ROWS, seed=1)


@pytest.fixture(scope="session", autouse=True)
def ruler(grouper: drg.Grouper, claims: pl.DataFrame) -> float:
    """Claims a second of the reference grouper: the best of three passes over 1,000 claims."""
    made = [drg.Claim.from_row(row) for row in claims[:1_000].iter_rows(named=True)]
    group = grouper.reference.group
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for claim in made:
            group(claim)
        best = min(best, time.perf_counter() - start)
    _ruler.append(len(made) / best)
    return _ruler[0]


@pytest.fixture
def rate(benchmark: Any, ruler: float, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``rate(function, rows)``: note claims a second (best round) and the ratio to the ruler."""

    def run(function: Callable[[], Any], rows: int, rounds: int = 5) -> Any:
        result = benchmark.pedantic(function, rounds=rounds, iterations=1, warmup_rounds=1)
        found = rows / benchmark.stats.stats.min
        benchmark.extra_info |= {"claims_per_second": found, "ratio_to_reference": found / ruler}
        _rates.append((request.node.name, found))
        return result

    return run


@pytest.fixture
def wide(claims: pl.DataFrame) -> pl.DataFrame:
    """The claims with 20 diagnosis and 10 procedure columns, as hospitals export them."""
    return claims.select(
        pl.exclude("diagnoses", "procedures"),
        *(
            pl.col("diagnoses").list.get(i, null_on_oob=True).alias(f"diagnosis_{i + 1}")
            for i in range(20)
        ),
        *(
            pl.col("procedures").list.get(i, null_on_oob=True).alias(f"procedure_{i + 1}")
            for i in range(10)
        ),
    )


@pytest.fixture(scope="session")
def note() -> Callable[[str], None]:
    """``note(text)``: a line of the summary."""
    return _notes.append


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _rates:
        terminalreporter.section(f"claims a second ({ROWS:,} claims, {SCHEME})")
        for name, found in [("reference grouper (the ruler)", _ruler[0]), *_rates]:
            terminalreporter.write_line(f"{name:60} {found:12,.0f}/s {found / _ruler[0]:9.1f} x")
    for text in _notes:
        terminalreporter.write_line(text)
