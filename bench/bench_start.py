"""How long does a fresh process take: bare Python, ``import drg``, ``drg --help``, one claim?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUNS = {
    "bare python": [sys.executable, "-c", "pass"],
    "import drg": [sys.executable, "-c", "import drg"],
    "drg --help": [str(Path(sys.executable).with_name("drg")), "--help"],
    "load and group one": [
        sys.executable, "-c",
        "import drg; g = drg.Grouper.load('chs-drg-2.0'); "
        "g.group(drg.Claim(sex='M', age=60, diagnoses=['I63.905']))",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_start(benchmark, name):
    benchmark.pedantic(
        lambda: subprocess.run(RUNS[name], check=True, capture_output=True),
        rounds=7,
        warmup_rounds=1,
    )
