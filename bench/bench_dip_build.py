"""How long does a catalogue take to build from three years of claims, and how much memory?

Claims of ``drg synth`` for Tai'an, three years. ``DRG_BENCH_ROWS=3000000`` asks the question of a
province's history; every build is a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from drg.dip.catalogue import load_catalogue
from drg.dip.synth import synth_batches

ROWS = int(os.environ.get("DRG_BENCH_ROWS", "200000"))
CATALOGUE = "taian-2025"
#: What the issue asks for, of three million claims on two cores.
MOST_SECONDS, MOST_BYTES, AT = 60, 6 * 2**30, 3_000_000


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("build") / "claims.parquet"
    writer = None
    batches = synth_batches(
        load_catalogue(CATALOGUE), ROWS, 5, batch=250_000, month="2022-01", months=36
    )
    for batch in batches:
        table = batch.to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path


@pytest.mark.parametrize("report", ["report", "no report"])
def test_build(benchmark, capsys, note, history, tmp_path, report):
    out = tmp_path / "built"
    command = [sys.executable, "-m", "drg", "dip", "build", str(history), "-o", str(out)]
    command += ["--trim", "2.5,97.5", "--kinds", CATALOGUE]
    command += ["--no-report"] if report == "no report" else []

    def build() -> tuple[float, int]:
        shutil.rmtree(out, ignore_errors=True)
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert not process.returncode
        return time.perf_counter() - start, usage.ru_maxrss * 1024

    seconds, peak = benchmark.pedantic(build, rounds=1)
    benchmark.extra_info |= {"seconds": seconds, "peak": peak}
    note(f"dip build of {ROWS:,} claims, {report}: {seconds:.1f} s, {peak / 2**30:.2f} GiB")
    if ROWS <= AT:
        assert seconds < MOST_SECONDS
        assert peak < MOST_BYTES
