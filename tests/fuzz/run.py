"""Fuzz the targets: ``python tests/fuzz/run.py [TARGET ...] --seconds 60 [--grown FOLDER]``.

Each target runs in a process of its own, guided by coverage (atheris), two at once on two cores. Of
what is found the input lies in ``--found``, and the end status is 1. Inputs that reached something
new are kept in ``--grown``; without it they are forgotten.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORPUS = HERE / "corpus"
#: libFuzzer gives one input up after so many seconds, and a process after so many MB.
_SECONDS, _MB = 60, 3000
_LARGEST = 1 << 16
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
#: Words of saved inputs, to be put where others stood.
_WORD = re.compile(rb"[A-Za-z][\w.-]{2,30}|[0-9][\w.-]{3,20}")
_PULSE = re.compile(r"#(\d+)\t.* cov: (\d+) ft: \d+ corp: (\d+)")


class Ran(NamedTuple):
    """What became of one target."""

    target: str
    runs: int
    coverage: int
    corpus: int
    findings: int
    deaths: int


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    if options.one:
        _fuzz(options.one, options.found, options.arguments)
        return 0
    sys.path[:0] = [str(ROOT), str(HERE.parent)]
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("NOT CHECKED: fuzzing (atheris cannot be had for this Python)")
        return 0
    from fuzz.targets import TARGETS

    wanted = options.arguments or [*TARGETS]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    each = max(2, options.seconds * min(cores, len(wanted)) // len(wanted))
    with ThreadPoolExecutor(cores) as pool:
        ran = [*pool.map(lambda name: _start(name, each, options), wanted)]
    heads = ("runs", "a second", "coverage", "inputs", "found", "deaths")
    print(f"{'target':<12}{''.join(f'{head:>10}' for head in heads)}")
    for one in ran:
        cells = (one.runs, one.runs // each, *one[2:])
        print(f"{one.target:<12}{''.join(f'{cell:>10,}' for cell in cells)}", flush=True)
    return int(any(one.findings or one.deaths for one in ran))


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arguments", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--grown", type=Path, help="keep what reached something new")
    parser.add_argument("--found", type=Path, default=ROOT / "build" / "fuzz-found")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def _start(name: str, seconds: int, options: Any) -> Ran:
    """Fuzz one target in a process of its own; should that die, in another for the time left."""
    found = options.found / name
    found.mkdir(parents=True, exist_ok=True)
    before = {*found.glob("*")}
    runs = coverage = corpus = deaths = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        grown = options.grown / name if options.grown else Path(scratch) / "grown"
        grown.mkdir(parents=True, exist_ok=True)
        while (left := round(seconds - (time.monotonic() - begun))) >= 1:
            ended = _process(name, left, found, grown, Path(scratch))
            told = [*_PULSE.finditer(ended.stderr)]
            done = _DONE.search(ended.stderr)
            runs += int(done[1]) if done else int(told[-1][1]) if told else 0
            if told:
                coverage, corpus = int(told[-1][2]), int(told[-1][3])
            if ended.stdout or not done:
                said = "" if done else f"ended with {ended.returncode}\n{ended.stderr[-6000:]}"
                print(f"== {name}\n{ended.stdout}\n{said}", flush=True)
            if not done:
                deaths += 1
                if not told:
                    break
    new = {*found.glob("*")} - before
    return Ran(name, runs, coverage, corpus, sum(path.suffix == ".json" for path in new), deaths)


def _process(
    name: str, seconds: int, found: Path, grown: Path, scratch: Path
) -> subprocess.CompletedProcess[str]:
    words = {word for one in (CORPUS / name).iterdir() for word in _WORD.findall(one.read_bytes())}
    dictionary = scratch / "words"
    dictionary.write_bytes(b"\n".join(b'"%s"' % word for word in sorted(words)))
    arguments = [
        str(grown), str(CORPUS / name), f"-max_total_time={seconds}", f"-timeout={_SECONDS}",
        f"-rss_limit_mb={_MB}", f"-max_len={_LARGEST}", f"-report_slow_units={_SECONDS}",
        f"-artifact_prefix={found}{os.sep}", *([f"-dict={dictionary}"] if words else []),
    ]  # fmt: skip
    command = [sys.executable, __file__, "--one", name, "--found", str(found), "--", *arguments]
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE.parent))),
        "DRG_CACHE": str(scratch / "cache"), "POLARS_MAX_THREADS": "1",
    }  # fmt: skip
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, errors="replace", check=False
    )


def _fuzz(name: str, found: Path, arguments: list[str]) -> None:
    """Run libFuzzer in this process; a finding is kept, told once, and the run goes on."""
    import atheris

    with atheris.instrument_imports(include=["drg"]):
        from fuzz.targets import ALL

        import drg.cli  # noqa: F401
    target = ALL[name]
    for one in sorted((CORPUS / name).glob("*")):  # what is imported late is instrumented too
        with atheris.instrument_imports(include=["drg"]):
            _kept(target, one.read_bytes(), found)
    atheris.Setup([name, *arguments], lambda data: _kept(target, data, found))
    atheris.Fuzz()


def _kept(target: Callable[[bytes], None], data: bytes, found: Path) -> None:
    """Run the target; keep the first input of every way in which it fails."""
    try:
        target(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # polars' panics are no Exception
        frames = traceback.extract_tb(error.__traceback__)
        last = [frame for frame in frames if str(ROOT) in frame.filename][-3:]
        place = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in last]
        key = hashlib.sha256(json.dumps([type(error).__name__, place]).encode()).hexdigest()[:12]
        path = found / f"{key}.json"
        if path.exists():
            return
        (found / f"{key}.input").write_bytes(data)
        told = {"kind": type(error).__name__, "what": str(error)[:500], "place": place}
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        print(f"FOUND {path}\n{''.join(traceback.format_exception(error))[-3000:]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
