"""How long does a whole check take: grouping findings alone, with the full rule set, with charges?

Settlement lists of ``drg synth --audit``; ``DRG_BENCH_ROWS=1000000`` asks the question of the
acceptance. Charges (some seventy a claim) are checked for a twentieth of the claims.
"""

from __future__ import annotations

import os

import pytest

from drg.audit.rules import load_rules
from drg.scale.check import CheckFiles, check_file
from drg.scale.synth_file import SynthLists, synth_file

ROWS = int(os.environ.get("DRG_BENCH_ROWS", "200000"))
SCHEME = "chs-drg-2.0"
WITH_CHARGES = max(ROWS // 20, 1)


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    """A Parquet file of settlement lists, two in a hundred with a defect."""
    path = tmp_path_factory.mktemp("check") / "lists.parquet"
    synth_file(SCHEME, ROWS, 5, path, lists=SynthLists(defects=0.02))
    return path


@pytest.fixture(scope="module")
def charged(tmp_path_factory):
    """Fewer lists, and their charges."""
    folder = tmp_path_factory.mktemp("charges")
    out, items = folder / "lists.parquet", folder / "items.parquet"
    synth_file(SCHEME, WITH_CHARGES, 6, out, lists=SynthLists(defects=0.02, items=items))
    return out, items


def test_grouping_findings(rate, grouper, lists, tmp_path):
    """What grouping finds, to CSV."""
    rate(lambda: check_file(grouper, lists, tmp_path / "found.csv"), ROWS, rounds=2)


def test_full_rule_set(rate, grouper, lists, tmp_path):
    """Grouping and every shipped rule, findings to Parquet."""
    rules, found = load_rules("national"), tmp_path / "found.parquet"
    rate(lambda: check_file(grouper, lists, found, rules=rules), ROWS, rounds=2)


def test_with_charges(rate, grouper, charged, tmp_path):
    """The same with the charges of every claim."""
    out, items = charged
    rules, files, found = load_rules("demo"), CheckFiles(items=items), tmp_path / "found.parquet"

    def check():
        check_file(grouper, out, found, rules=rules, files=files)

    rate(check, WITH_CHARGES, rounds=2)
