"""The speed gate: instructions per claim. Seconds move with the machine's load, these do not."""

from __future__ import annotations

import importlib.util
import shutil

import pytest
from conftest import ROOT

#: Upper bounds, measured + 5 %: list[str] frame to result columns, and the kernel's part of it.
MAX_FRAME = 1_800
MAX_KERNEL = 1_430


@pytest.mark.long
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_instructions_per_claim(monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "instructions", ROOT / "bench" / "instructions.py"
    )
    assert spec is not None
    assert spec.loader is not None
    instructions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(instructions)
    found = instructions.measure()
    print(found)
    assert 100 < found["kernel"] <= MAX_KERNEL
    assert found["kernel"] < found["frame"] <= MAX_FRAME
