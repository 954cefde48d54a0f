"""Instructions a claim, counted by callgrind: run sizes are subtracted, so start-up does not count.

    python bench/instructions.py            prints the counts as JSON
    python bench/instructions.py --run ...  one run, under valgrind (what the first form starts)

The claims are those of ``drg synth`` (CHS-DRG 2.0, seed 1, about nine codes each) as a frame with
list[str] columns, one thread. ``frame`` is Grouper.results_frame, ``kernel`` the batch loop in it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SMALL, LARGE = 4_000, 24_000
SCHEME = "chs-drg-2.0"


def prepare(folder: Path) -> None:
    """Write the two frames and the compiled scheme, so that the counted runs only read them."""
    import drg

    frame = drg.synth(drg.load_scheme(SCHEME), LARGE, seed=1)
    for rows in (SMALL, LARGE):
        frame[:rows].rechunk().write_ipc(folder / f"{rows}.arrow", compression="uncompressed")
    os.environ["DRG_CACHE"] = str(folder)
    drg.Grouper.load(SCHEME)


def run(folder: Path, rows: int, frame_calls: int, kernel_calls: int) -> None:
    """What is counted: the calls named, on a frame of ``rows`` claims."""
    import numpy as np
    import polars as pl

    import drg
    import grouper_core
    from drg.claims.profiles import match_columns
    from drg.grouping.encode import encode

    frame = pl.read_ipc(folder / f"{rows}.arrow")
    columns = match_columns(frame.columns, dict(frame.schema))
    grouper = drg.Grouper.load(SCHEME)
    for _ in range(frame_calls):
        grouper.results_frame(frame, columns, threads=1)
    if kernel_calls:
        encoded = encode(frame, columns, grouper._compiled)
        out = [np.empty(rows, t) for t in (np.uint16, np.uint8, np.uint16)]
        for _ in range(kernel_calls):
            (batch,) = encoded.batches
            grouper_core.group_batch(grouper._program, batch, encoded.scalars, 0, 0, rows, *out)


def count(folder: Path, rows: int, frame_calls: int, kernel_calls: int) -> int:
    """Instructions of one run under callgrind, all threads."""
    environment = os.environ | {
        "DRG_CACHE": str(folder),
        "POLARS_MAX_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--cache-sim=no",
         sys.executable, __file__, "--run", str(folder), *map(str,
         (rows, frame_calls, kernel_calls))],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise RuntimeError(done.stderr[-2_000:])
    return int(found.group(1))


def measure() -> dict[str, float]:
    """Instructions a claim: the whole frame path, and the kernel alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        # More calls against fewer, at two sizes: what a call or a process costs falls out.
        large = count(folder, LARGE, 3, 0) - count(folder, LARGE, 1, 0)
        small = count(folder, SMALL, 3, 0) - count(folder, SMALL, 1, 0)
        kernel = count(folder, LARGE, 0, 3) - count(folder, LARGE, 0, 1)
    return {
        "frame": round((large - small) / 2 / (LARGE - SMALL), 1),
        "kernel": round(kernel / 2 / LARGE, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", nargs=4, metavar=("FOLDER", "ROWS", "FRAME_CALLS", "KERNEL_CALLS"))
    arguments = parser.parse_args()
    if arguments.run:
        folder, *numbers = arguments.run
        run(Path(folder), *map(int, numbers))
    else:
        print(json.dumps(measure()))


if __name__ == "__main__":
    main()
