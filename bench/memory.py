"""Peak memory of a month's run: ``drg group`` on Parquet, in a process of its own.

python bench/memory.py [CLAIMS]         default 6,000,000; also at a third, to see whether it grows
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

import drg
from drg.claims.synth import synth_batches

SCHEME = "chs-drg-2.0"


def write_claims(path: Path, rows: int) -> None:
    """Made claims, joined code columns, one row group a batch."""
    writer = None
    for batch in synth_batches(drg.load_scheme(SCHEME), rows, 1, batch=250_000):
        table = batch.to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def run(path: Path, out: Path) -> tuple[int, float]:
    """Peak resident bytes and seconds of one ``drg group``."""
    command = [
        str(Path(sys.executable).with_name("drg")),
        "group",
        str(path),
        "-s",
        SCHEME,
        "-o",
        str(out),
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"drg group ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit, time.perf_counter() - start


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 6_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (rows // 3, rows):
            source = folder / f"{size}.parquet"
            write_claims(source, size)
            peak, seconds = run(source, folder / "out.parquet")
            megabytes = source.stat().st_size / 1e6
            print(
                f"{size:>10,} claims ({megabytes:,.0f} MB): "
                f"peak {peak / 1e6:,.0f} MB, {size / seconds:,.0f} claims/s"
            )
            source.unlink()


if __name__ == "__main__":
    main()
