"""The runner of worked cases: cases here, in the specification, and ones that must fail."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from conftest import ROOT
from run_cases import RULES, failure

FILES = sorted((ROOT / "tests" / "cases").glob("*.json"))
CASES = [case for path in FILES for case in json.loads(path.read_text("utf-8"))]
SPECIFIED = ROOT.parent / "shared" / "spec" / "settlement_cases.json"
LETTERS = "ABCDEFGHI"


def run(path):
    command = [sys.executable, str(ROOT / "tests" / "run_cases.py"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(case):
    assert failure(case) is None


@pytest.mark.skipif(not SPECIFIED.is_file(), reason="the specification is not beside the project")
def test_every_case_of_the_specification():
    cases = json.loads(SPECIFIED.read_text("utf-8"))
    mine = [case for case in cases if case["id"][0] in LETTERS]
    assert len(mine) == 200
    assert {case["id"]: why for case in mine if (why := failure(case))} == {}


def test_a_file_that_passes(tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(CASES, ensure_ascii=False), "utf-8")
    done = run(path)
    assert done.stdout.splitlines() == [f"{len(CASES)} passed, 0 failed"]
    assert done.returncode == 0


def test_what_fails_is_named(tmp_path):
    good = CASES[0]
    wrong = good | {"id": "X1", "expected": dict.fromkeys(good["expected"], "0.01")}
    more = good | {"id": "X2", "expected": good["expected"] | {"unheard_of": "1"}}
    unknown = good | {"id": "X3", "rule": "no.such_rule"}
    broken = good | {"id": "X4", "inputs": {}}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([wrong, good, more, unknown, broken]), "utf-8")
    done = run(path)
    *_, named, last = done.stdout.splitlines()
    assert named == "failed: X1 X2 X3 X4"
    assert last == "1 passed, 4 failed"
    assert done.returncode == 1


def test_every_rule_has_a_case():
    assert {case["rule"] for case in CASES} == set(RULES)
