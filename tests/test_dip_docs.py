"""``docs/dip.md``: its commands print what it shows, its Python runs, its figures hold."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from dip_round_trip import GROUP_FATES
from shown_commands import assert_shown, commands_of, run_shown
from test_docs import blocks_of, text_of

from drg.dip.catalogue import load_catalogue
from drg.dip.model import COMPARATORS

PAGE = ROOT / "docs" / "dip.md"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRG_LANG", raising=False)
    return tmp_path


def test_commands_print_what_is_shown(place: Path) -> None:
    commands = [c for b in blocks_of(PAGE) if b.language == "console" for c in commands_of(b.code)]
    assert len(commands) >= 5
    for command, wanted in commands:
        done = run_shown(command)
        # Behind a pipe: 1, some of the claims were rejected.
        assert done.returncode in ((0, 1) if " | " in command else (0,)), (command, done.stderr)
        assert_shown(command, done, wanted)
    assert (place / "my-catalogue" / "catalogue.toml").is_file()


def test_python_runs_as_written(place: Path) -> None:
    names: dict[str, object] = {}
    for block in (b for b in blocks_of(PAGE) if b.language == "python"):
        exec(compile(block.code, "docs/dip.md", "exec"), names)
    grouped = names["grouped"]
    assert (grouped["expected_group"] == grouped["adrg"].cast(str)).sum() > 950  # type: ignore[index]


def test_its_figures_are_those_of_the_tables() -> None:
    text = text_of(PAGE)
    for name in ("taian-2025", "pingdingshan-2025"):
        catalogue = load_catalogue(name)
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` "))
        classes = Counter(group.group_class for group in catalogue.groups)
        origins = Counter(group.origin for group in catalogue.groups if group.origin)
        figures = {len(catalogue.groups), classes["comprehensive"], len(catalogue.subtypes)}
        figures |= set(origins.values()) or {classes[c] for c in ("core", "chapter", "blank")}
        figures |= {sum(group.score_e4 is None for group in catalogue.groups)}
        for figure in figures - {0}:
            assert f"{figure:,}" in row, figure


def test_every_comparator_is_told() -> None:
    text = text_of(PAGE)
    for comparator in COMPARATORS:
        assert f"| `{comparator}` |" in text


def test_the_round_trips_table_adds_up() -> None:
    """Shares come to the whole, fates of groups to their sum."""
    text = text_of(PAGE)
    part = text[text.index("| claims | share |") :].split("\n\n")[0]
    shares = [float(found) for found in re.findall(r"([0-9.]+) %", part)]
    assert sum(shares) == pytest.approx(100, abs=0.01)
    part = text[text.index("| published groups with") :].split("\n\n")[0]
    rows = [line.split("|")[2:4] for line in part.splitlines()[2:]]
    counts = [[int(cell.strip().replace(",", "") or 0) for cell in row] for row in rows]
    assert len(counts) == len(GROUP_FATES)  # one of them, capped, did not occur; one row is the sum
    for column in (0, 1):
        assert sum(row[column] for row in counts[:-1]) == counts[-1][column]
    assert f"**all {sum(counts[-1]):,}**" in text
