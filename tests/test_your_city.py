"""docs/your-city.md holds: its commands run as written and print what it shows."""

from __future__ import annotations

import shutil

import polars as pl
import pytest
from conftest import ROOT
from shown_commands import BLOCK, assert_shown, commands_of, run_shown

PAGE = ROOT / "docs" / "your-city.md"
#: What the example's claims come to, by the two workbooks read by hand.
EXPECTED = {
    "Y01": ("BR21", "yunxi-2024"),  # respiratory failure: MCC
    "Y02": ("BR23", "yunxi-2024"),  # hypokalaemia: CC
    "Y03": ("BR25", "yunxi-2024"),  # sequelae of stroke: void under a stroke
    "Y04": ("BR27", "yunxi-2024"),  # died on the third day
    "Y05": ("BB29", "yunxi-2024"),
    "Y06": ("GZ19", "yunxi-2024"),  # 47.0901 is no procedure of GE1 in 2024, nor a valid one
    "Y07": ("GE15", "yunxi-2025"),  # in 2025 it is
    "Y08": ("BV11", "yunxi-2025"),  # discharged in 2025: BV1 is split three ways
    "Y09": ("BV13", "yunxi-2024"),  # discharged in 2024: two ways
    "Y10": ("PS19", "yunxi-2025"),
    "Y11": ("BQY", "yunxi-2025"),
    "Y12": ("GE13", "yunxi-2025"),  # diabetes is a CC since 2025
    "Y13": (None, None),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The page gone through once, in a folder like the project's root."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(ROOT / "examples", folder / "examples")
    blocks = [code for kind, code in BLOCK.findall(PAGE.read_text("utf-8")) if kind == "console"]
    answers = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("DRG_LANG", raising=False)
        for command, wanted in [shown for block in blocks for shown in commands_of(block)]:
            answers.append((command, wanted, run_shown(command)))
    return folder, answers


def test_commands_print_what_the_page_shows(done):
    _, answers = done
    assert len(answers) >= 9
    for command, wanted, ran in answers:
        assert not ran.stderr, (command, ran.stderr)
        assert_shown(command, ran, wanted)


def test_exit_codes(done):
    """Fine, but for the month with a claim that no version covers."""
    _, answers = done
    for command, _, ran in answers:
        refused = command.startswith("drg group") and " -s city " in command
        assert ran.returncode == (1 if refused else 0), command


def test_claims_are_grouped_as_the_workbooks_say(done):
    folder, _ = done
    out = pl.read_csv(folder / "out.csv", infer_schema=False)
    found = {row["住院号"]: (row["group"], row["scheme"]) for row in out.iter_rows(named=True)}
    assert found == EXPECTED
    assert out.filter(pl.col("住院号") == "Y13")["outcome"].item() == "NOT_IN_FORCE"


def test_folder_is_small(done):
    """An extension holds what differs, not the base."""
    folder, _ = done
    made = folder / "city" / "yunxi-2024"
    assert sum(p.stat().st_size for p in made.glob("*.csv")) < 6_000
    assert not (made / "mdc.csv").exists()
    assert (made / "import-report.csv").read_bytes().startswith(b"\xef\xbb\xbf")
