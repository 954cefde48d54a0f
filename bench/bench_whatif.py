"""What does a reform cost beside the baseline, in time and in memory, and a what-if from file?

Harbin's claims under the demonstration policy; ``DRG_BENCH_ROWS=1000000`` asks the question of a
large month.
"""

from __future__ import annotations

import os
import time

import polars as pl
import pytest

import drg
from drg.claims.profiles import match_columns
from drg.dates import Month
from drg.payment.policy.catalog import load_policy
from drg.scale.whatif_file import whatif_file
from drg.settlement.inputs import read_hospitals
from drg.simulate.compare_runs import compare_runs
from drg.simulate.reform import Reform
from drg.simulate.whatif import what_if

ROWS = int(os.environ.get("DRG_BENCH_ROWS", "200000"))
MONTH = "2024-06"
HOSPITALS = 300
LEVELS = ("三级", "二级", "一级")
REFORM = Reform.of(["drg.rates -3%"])


@pytest.fixture(scope="module")
def harbin():
    return drg.Grouper.load("haerbin-2022")


@pytest.fixture(scope="module")
def policy():
    return load_policy("demo-2024")


@pytest.fixture(scope="module")
def files(harbin, tmp_path_factory):
    """Claims, and the register of hospitals."""
    folder = tmp_path_factory.mktemp("whatif")
    made = drg.synth(harbin.scheme, ROWS, seed=3, hospitals=HOSPITALS, month=MONTH)
    made.write_parquet(folder / "claims.parquet")
    ids = sorted(made["hospital_id"].unique().drop_nulls())
    levels = [LEVELS[n % len(LEVELS)] for n in range(len(ids))]
    pl.DataFrame({"hospital_id": ids, "level": levels}).write_csv(folder / "hospitals.csv")
    return folder / "claims.parquet", folder / "hospitals.csv"


def test_runs_in_memory(note, benchmark, harbin, policy, files):
    """Baseline and one reform against the baseline alone; bytes of what the reform changes."""
    claims, register = pl.read_parquet(files[0]), read_hospitals(files[1])
    columns = match_columns(claims.columns, claims.schema)

    def run(reforms):
        return what_if(
            claims, policy, reforms, grouper=harbin, columns=columns, hospitals=register,
            month=MONTH,
        )  # fmt: skip

    start = time.process_time()
    run([])
    alone = time.process_time() - start
    start = time.process_time()
    before, after = run([REFORM])
    both = time.process_time() - start
    start = time.process_time()
    compared = compare_runs(before, after)
    comparing = time.process_time() - start
    own = [n for n in after.frame.columns if not after.frame[n].equals(before.frame[n])]
    whole, more = before.frame.estimated_size(), after.frame.select(own).estimated_size()
    note(
        f"{ROWS:,} claims, CPU: baseline {alone:.2f} s, with one reform {both:.2f} s, comparing "
        f"{comparing:.2f} s; {compared.rows.height:,} differ; frame {whole / 1e6:.0f} MB, changed "
        f"columns {more / 1e6:.0f} MB"
    )
    benchmark.extra_info |= {"baseline": alone, "both": both, "comparing": comparing}
    benchmark.extra_info |= {"frame_bytes": whole, "changed_bytes": more}
    assert more * 3 < whole
    benchmark.pedantic(run, ([REFORM],), rounds=1)


def test_from_file(note, benchmark, policy, files, tmp_path):
    """Two passes, grouping in each, workbook, page and rows."""
    claims, register = files

    def run():
        return whatif_file(
            claims, policy, [REFORM], tmp_path / "out", month=Month.parse(MONTH), hospitals=register
        )

    start = time.process_time()
    found = run()
    spent = time.process_time() - start
    note(f"what-if of {ROWS:,} from file: {found.seconds:.1f} s, CPU {spent:.1f} s")
    benchmark.extra_info["seconds"] = found.seconds
    benchmark.pedantic(run, rounds=1)
