"""A nation's year on this machine: many million made claims from Parquet, grouped by a folder run.

python bench/nation.py [CLAIMS] [--folder FOLDER] [--files 10] [--codes joined|list] [--threads N]

Makes the claims once (``FOLDER/claims``, used again the next time), groups them in a process of its
own, samples its memory each second, measures each stage alone on one core, extrapolates to 300
million. Default: 30,000,000 claims in ``build/nation`` (3 GB).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

SCHEME = "chs-drg-2.0"
NATION = 300_000_000
BATCH = 50_000
CODES = ["diagnoses", "procedures"]
#: Fewer samples of the memory tell no slope.
_ENOUGH = 20


def make(folder: Path, claims: int, files: int, codes: str) -> None:
    """The claims as Parquet files, each with a seed of its own; those that stand are kept."""
    import drg
    from drg.claims.synth import synth_batches
    from drg.claims.writers import write_frames

    folder.mkdir(parents=True, exist_ok=True)
    scheme = drg.load_scheme(SCHEME)
    for number in range(files):
        path = folder / f"claims-{number:02}.parquet"
        rows = claims // files + (number < claims % files)
        if path.exists() and pl.scan_parquet(path).select(pl.len()).collect().item() == rows:
            continue
        made = synth_batches(scheme, rows, number + 1, batch=100_000)
        if codes == "joined":
            made = (frame.with_columns(pl.col(CODES).list.join("|")) for frame in made)
        write_frames(path, made, compression="zstd")
        print(f"made {path.name}: {rows:,} claims, {path.stat().st_size / 1e6:,.0f} MB", flush=True)


def group(folder: Path, out: Path, threads: int | None) -> None:
    """What is measured: one folder run. Prints claims, seconds and CPU seconds as JSON."""
    import drg
    from drg.scale.group_run import group_run

    grouper = drg.Grouper.load(SCHEME)
    start, used = time.perf_counter(), sum(os.times()[:4])
    done = group_run(grouper, folder, out, threads=threads)
    seconds = time.perf_counter() - start
    told = {"claims": done.claims, "seconds": seconds, "cpu": sum(os.times()[:4]) - used}
    print(json.dumps(told))


def memory(pid: int) -> tuple[float, float]:
    """Resident MB of a process, and those of it that are no file (Linux; else nothing)."""
    try:
        told = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0, 0.0
    lines = dict(line.split(":", 1) for line in told.splitlines())
    return tuple(int(lines.get(key, "0 kB").split()[0]) / 1e3 for key in ("VmRSS", "RssAnon"))  # type: ignore[return-value]


def watched(command: list[str]) -> tuple[dict[str, float], list[tuple[float, float, float]]]:
    """A run of a command: what it prints, and its memory each second (second, MB, MB no file)."""
    start = time.perf_counter()
    samples = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            samples.append((time.perf_counter() - start, *memory(process.pid)))
            time.sleep(1)
        told = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}")
    return json.loads(told.splitlines()[-1]), samples


def slope(samples: list[tuple[float, float, float]]) -> float:
    """MB a minute of what is no file, over the last three quarters of a run."""
    late = [(s, mb) for s, _, mb in samples[len(samples) // 4 : -1] if mb]
    seconds, megabytes = (np.array(column) for column in zip(*late, strict=True))
    return float(np.polyfit(seconds, megabytes, 1)[0]) * 60


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of the better of two runs."""
    best = float("inf")
    for _ in range(2):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def stages(path: Path, out: Path) -> dict[str, float]:
    """CPU nanoseconds a claim of each stage of one file, every stage run alone."""
    import drg
    from drg.claims.readers import open_claims
    from drg.grouping.encode import encode
    from drg.scale.group_work import GroupCount, GroupWork
    from drg.scale.group_write import Opened
    from drg.schemes.tables import file_digest

    grouper = drg.Grouper.load(SCHEME)
    work = GroupWork(grouper)
    with open_claims(path) as source:
        opened = Opened(source, work)
        cut = opened.cuts(1_000_000)[0]
        frames, columns = list(opened.frames(cut, BATCH)), source.columns
        frames = [frame.rechunk() for frame in frames]

        def each(work: Callable[[pl.DataFrame], object]) -> float:
            return cpu(lambda: [work(frame) for frame in frames])

        def read() -> Iterator[pl.DataFrame]:
            yield from opened.frames(cut, BATCH)

        encoded = each(lambda f: encode(f, columns, grouper.compiled))
        kernel = each(lambda f: grouper.numbers(f, columns, threads=1))
        counted = each(lambda f: GroupCount(work).grouped(f, columns, 1))
        whole = cpu(
            lambda: opened.write(
                out, iter(frames), GroupCount(work), metadata={}, compression="zstd", threads=1
            )
        )
        found = {
            "decode": cpu(lambda: list(read())),
            "encode": encoded,
            "kernel, code text to ids among it": kernel - encoded,
            "name and count the results": counted - kernel,
            "write": whole - counted,
            "digest of input and output": cpu(lambda: file_digest(path)) * cut.rows / source.rows
            + cpu(lambda: file_digest(out)),
        }
    return {stage: seconds * 1e9 / cut.rows for stage, seconds in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("claims", type=int, nargs="?", default=30_000_000)
    parser.add_argument("--folder", type=Path, default=Path("build/nation"))
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--codes", choices=["joined", "list"], default="joined")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    claims = given.folder / f"{given.codes}-{given.claims}-{given.files}"
    out = given.folder / "grouped"
    if given.run:
        group(claims, out, given.threads)
        return
    make(claims, given.claims, given.files, given.codes)
    shutil.rmtree(out, ignore_errors=True)
    told, samples = watched([sys.executable, __file__, *sys.argv[1:], "--run"])
    rows, seconds, used = told["claims"], told["seconds"], told["cpu"]
    sizes = [sum(f.stat().st_size for f in folder.rglob("*.parquet")) for folder in (claims, out)]
    rate, busy = rows / seconds, used / seconds
    print(f"{rows:,.0f} claims in {seconds:,.1f} s: {rate:,.0f} claims/s, {os.cpu_count()} cores")
    print(f"CPU {used:,.1f} s: {used * 1e9 / rows:,.0f} ns a claim, {busy:.2f} cores busy")
    print(f"bytes a claim: {sizes[0] / rows:.0f} read, {sizes[1] / rows:.0f} written")
    _, most, alone = map(max, zip(*samples, strict=True))
    print(f"memory: peak {most:,.0f} MB, {alone:,.0f} of them no file")
    if len(samples) >= _ENOUGH:
        print(f"memory grows by {slope(samples):+.1f} MB a minute after the first quarter")
    found = stages(min(claims.glob("*.parquet")), given.folder / "stage.parquet")
    for stage, nanoseconds in found.items():
        print(f"  {stage:36} {nanoseconds:7,.0f} ns a claim")
    print(f"  {'together':36} {sum(found.values()):7,.0f} ns a claim")
    minutes = NATION / rate / 60
    hours = NATION * used / rows / 3600
    print(f"{NATION:,} claims: {minutes:,.1f} minutes here; {hours:,.2f} core hours")


if __name__ == "__main__":
    main()
