"""Types are part of the promise: `make types` checks ours, here stands a caller's view."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("package", ["drg", "grouper_core"])
def test_packages_say_that_they_are_typed(package):
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.long
def test_users_see_the_types(tmp_path):
    """What a typed caller writes: results have the types that the documentation names."""
    snippet = tmp_path / "caller.py"
    snippet.write_text(
        "import drg\nimport polars as pl\n"
        "grouper = drg.Grouper.load('demo')\n"
        "result: drg.GroupResult = grouper.group(drg.Claim(sex='M', age=60))\n"
        "group: str | None = result.group\n"
        "frame: pl.DataFrame = grouper.group_frame(pl.DataFrame())\n"
        "lazy: pl.LazyFrame = grouper.group_frame(pl.LazyFrame())\n"
        "steps: list[drg.Step] = grouper.explain(drg.Claim())\n"
        "bad: int = result.group\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [BIN / "mypy", "--strict", "--no-error-summary", "--cache-dir", tmp_path / "c", snippet],
        cwd=tmp_path, env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(lines) == 1, done.stdout + done.stderr
    assert "caller.py:9" in lines[0]
