"""Kill a run over many files at random moments, go on with it, and compare every byte.

    python tests/kill_run.py N_CLAIMS MOMENTS [--format csv] [--seed K]

Makes N_CLAIMS claims in files of uneven sizes, groups them once undisturbed, then MOMENTS times
into a new folder: killed by SIGKILL at a moment drawn over the time the run takes (and, when it
goes on, every third time once more), then run to its end. Prints each moment and what was done by
then; ends with an error at the first difference.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parent.parent
SCHEME = "chs-drg-2.0"
#: Shares of the files: none, one, of more than one part where the run is big.
SHARES = (0.5, 0.0, 0.2, 0.15, 0.1, 0.05)
JOURNAL = ".drg-run"
#: Dies at the given call of one that changes the disk: before it, or after it.
DYING = """
import os, signal, sys
from pathlib import Path
name, number, late = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "late"
real, calls = getattr(Path, name), [0]
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def dying(self, *args, **kwargs):
    calls[0] += 1
    if calls[0] == number and not late:
        die()
    found = real(self, *args, **kwargs)
    if calls[0] == number:
        die()
    return found
setattr(Path, name, dying)
sys.argv = ["drg", *sys.argv[4:]]
from drg.cli import main
main()
"""


def synthetic(rows: int, seed: int = 7) -> pl.DataFrame:
    """Claims of the scheme, some of them with defects."""
    from drg.claims.synth import synth
    from drg.schemes.catalog import load_scheme

    return synth(load_scheme(SCHEME), rows, seed)


def make_inputs(folder: Path, claims: pl.DataFrame, kind: str = "parquet") -> None:
    """Cut claims into files, in two partitions, one of them without rows; ids become unique."""
    ids = pl.format("C{}", pl.int_range(pl.len()))
    claims = claims.with_columns(ids.alias("claim_id"))
    shares = [int(claims.height * share) for share in SHARES]
    shares[0] += claims.height - sum(shares)
    first = 0
    for number, rows in enumerate(shares):
        month = 6 if number == len(shares) - 1 else 5
        path = folder / f"month=2025-0{month}" / f"claims-{number}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = claims.slice(first, rows)
        first += rows
        if kind == "csv":
            frame.with_columns(pl.col(pl.List(pl.String)).list.join("|")).write_csv(path)
        else:
            frame.write_parquet(path, row_group_size=60_000, compression="snappy")


def command(source: Path, out: Path, kind: str) -> list[str]:
    """Arguments of ``drg``."""
    return ["group", str(source), "-s", SCHEME, "-o", str(out), "--format", kind, "--lang", "en"]


def start(args: Sequence[str], dying: Sequence[str] = ()) -> subprocess.Popen[str]:
    """The command in a process of its own; ``dying``: call, number, early or late."""
    words = ["-c", DYING, *dying] if dying else ["-m", "drg"]
    return subprocess.Popen(
        [sys.executable, *words, *args],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def finish(args: Sequence[str]) -> str:
    """Run to the end; what it says."""
    process = start(args)
    said, errors = process.communicate()
    assert process.returncode in (0, 1), errors
    return said


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its digest."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def state(out: Path) -> str:
    """What a killed run has left."""
    if not out.exists():
        return "nothing"
    notes = len([*out.glob(f"{JOURNAL}/part-*.json")])
    files = [path for path in out.glob("claims/**/*") if path.is_file()]
    drafts = sum(path.name.endswith(".part") for path in files)
    ended = " run.toml" if (out / "run.toml").exists() else ""
    return f"{notes} parts noted, {len(files) - drafts} in place, {drafts} begun{ended}"


def ids_of(out: Path, kind: str) -> pl.Series:
    """Ids of all claims in a run's folder, in order of its manifest."""
    import tomllib

    parts = tomllib.loads((out / "run.toml").read_text("utf-8"))["part"]
    read = pl.read_parquet if kind == "parquet" else pl.read_csv
    frames = [read(out / part["file"], columns=["claim_id"]) for part in parts]
    return pl.concat(frames)["claim_id"].cast(pl.String)


def try_moments(base: Path, moments: int, kind: str = "parquet", seed: int = 1) -> Iterator[str]:
    """Run ``base/claims`` undisturbed, then killed; a line for each run, an error at a difference.

    Yields
    ------
    str
        What was seen.
    """
    draw = random.Random(seed)
    source, whole = base / "claims", base / "whole"
    began = time.perf_counter()
    finish(command(source, whole, kind))
    took = time.perf_counter() - began
    wanted, ids = tree(whole), ids_of(whole, kind)
    assert len(ids) == ids.n_unique(), "a row is doubled"
    yield f"undisturbed: {took:.1f} s, {len(wanted)} files, {len(ids):,} claims"
    kills = tried = 0
    while kills < moments:
        tried += 1
        out = base / f"run-{tried}"
        told = []
        for again in range(2 if tried % 3 == 0 else 1):
            wait = draw.uniform(0.0, took * (0.7 if again else 1.05))
            process = start(command(source, out, kind))
            try:
                process.communicate(timeout=wait)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                told.append(f"killed after {wait:.2f} s: {state(out)}")
        began = time.perf_counter()
        finish(command(source, out, kind))
        rest = time.perf_counter() - began
        found = tree(out)
        assert found == wanted, sorted(set(found.items()) ^ set(wanted.items()))
        shutil.rmtree(out)
        yield f"{kills:3} {'; '.join(told) or 'ended before'}; {rest:.1f} s more: equal"
    yield f"{kills} kills in {tried} runs of {len(ids):,} claims: every byte as undisturbed"


def main() -> None:
    """The program."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("claims", type=int)
    asked.add_argument("moments", type=int)
    asked.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    asked.add_argument("--seed", type=int, default=1)
    args = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-run-") as scratch:
        make_inputs(Path(scratch) / "claims", synthetic(args.claims), args.format)
        for line in try_moments(Path(scratch), args.moments, args.format, args.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()
