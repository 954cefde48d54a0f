"""Where the time of a file goes: CPU seconds of each stage of ``drg group``, per million claims.

taskset -c 1 python bench/stages.py [CLAIMS]        default 1,000,000; ten columns, or 35 when wide
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

import drg
from drg.claims.readers import open_claims
from drg.claims.synth import synth_batches
from drg.claims.writers import write_frames

SCHEME = "chs-drg-2.0"
COLUMNS = ["claim_id", "hospital_id", "sex", "age", "age_days", "birth_weight_g", "department"]
SINGULAR = {"diagnoses": "diagnosis", "procedures": "procedure"}
BATCH = 50_000


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of the better of two runs."""
    best = float("inf")
    for _ in range(2):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def write_claims(folder: Path, rows: int) -> list[Path]:
    """The same made claims as joined Parquet, joined CSV and wide CSV."""
    claims = pl.concat(synth_batches(drg.load_scheme(SCHEME), rows, 1, batch=100_000))
    codes = {"diagnoses": 20, "procedures": 10}
    joined = claims.select(*COLUMNS, "los_days", *(pl.col(c).list.join("|") for c in codes))
    wide = claims.select(
        *COLUMNS[:1],
        *COLUMNS[2:6],
        *(
            pl.col(name).list.get(n, null_on_oob=True).alias(f"{SINGULAR[name]}_{n + 1}")
            for name, width in codes.items()
            for n in range(width)
        ),
    )
    paths = [folder / name for name in ("joined.parquet", "joined.csv", "wide.csv")]
    joined.write_parquet(paths[0])
    joined.write_csv(paths[1])
    wide.write_csv(paths[2])
    return paths


def stages(path: Path, out: Path, grouper: drg.Grouper) -> dict[str, float]:
    """CPU seconds of each stage, every stage run alone."""

    def opened() -> None:
        with open_claims(path):
            pass

    def read() -> None:
        with open_claims(path) as source:
            for _ in source.batches(BATCH):
                pass

    with open_claims(path) as source:
        batches, columns = list(source.batches(BATCH)), source.columns
    opening = cpu(opened)
    found = {
        "open": opening,
        "read": cpu(read) - opening,
        "group": cpu(lambda: [grouper.results_frame(b, columns, threads=1) for b in batches]),
    }
    grouped = [grouper.group_frame(b, columns, threads=1) for b in batches]
    found["write"] = cpu(lambda: write_frames(out, grouped))
    found["write lz4"] = cpu(lambda: write_frames(out, grouped, compression="lz4"))
    found["write zstd"] = cpu(lambda: write_frames(out, grouped, compression="zstd"))
    return found


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    grouper = drg.Grouper.load(SCHEME)
    with tempfile.TemporaryDirectory() as name:
        for path in write_claims(Path(name), rows):
            found = stages(path, Path(name) / "out.parquet", grouper)
            whole = sum(found[stage] for stage in ("open", "read", "group", "write"))
            shown = "  ".join(f"{s} {seconds * 1e6 / rows:.2f}" for s, seconds in found.items())
            size = path.stat().st_size / 1e6
            print(f"{path.name:15} {size:5.0f} MB  {shown}  together {whole * 1e6 / rows:.2f}")


if __name__ == "__main__":
    main()
