"""``drg clear``: folders in, a folder out, whole or not at all, the same bytes again."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from made_years import ROUNDS, decision, drg_claim, item_claim, settled_year

from drg.cli import cli
from drg.money import fen
from drg.scale.clear_folders import clear_folders, find_months, load_year_policy
from drg.settlement.budget import BudgetError
from drg.settlement.budget_file import load_budget
from drg.settlement.inputs import read_hospitals
from drg.settlement.ledger import Ledger, SettlementError
from drg.settlement.ledger_sums import SummedLedger
from drg.settlement.store import save_settlement
from drg.settlement.year.clear import ClearingError

POLICY = """
id = "town-2025"
kind = "policy"
place = "town"
place_zh = "某市"
title_zh = "某市"
title_en = "a town"
in_force = ["2025-01-01", "2026-01-01"]
source = "S-DEMO"
status = "synthetic"
synthetic = true

[drg]
rate_mode = "floating"

[[drg.rates]]
insurance = "310"
rate = 10000

[month]
retention = 0.1
dispute_advance = 0.8

[year]
clear_by = { "" = "03-31" }

[year.next_raise]
required = true
note_zh = "…"
note_en = "…"
"""


class Town:
    """A town's policy, budget and settled months in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.policy = root / "town.toml"
        self.policy.write_text(POLICY, "utf-8")
        self.rules, _ = load_year_policy(self.policy, {}, 2025)
        self.out = root / "out" / "2025"
        claims = [
            drg_claim("1.2345", 1_500_000, 300_000, month=1),
            drg_claim("0.7", 650_000, 90_000, hospital="H2", month=2),
            drg_claim("3.3333", 2_000_000, 500_000, hospital="H3", month=12),
            item_claim(800_000, 200_000, hospital="H2", month=3),
        ]
        self.months = settled_year(claims, self.rules, decision("C0002", "dispute", "open"))
        self.root.joinpath("out").mkdir()
        for month in self.months:
            save_settlement(month, self.folder(month.month.number))
        self.budget = self.write_budget("40000.01")

    def folder(self, number: int) -> Path:
        return self.root / "out" / f"2025-{number:02}"

    def write_budget(self, amount: str) -> Path:
        path = self.root / f"budget-{amount}.csv"
        rows = [f"city,C,310,2025,{step},{amount}" for step in ROUNDS]
        path.write_text("\n".join(["level,unit,insurance,period,step,amount", *rows]), "utf-8")
        return path

    def clear(self, *folders: Path, **given):
        given = {"budget": self.budget, **given}
        return clear_folders(
            folders or (self.root / "out",), self.rules, self.out, year=2025, **given
        )

    def run(self, *arguments: object):
        return CliRunner().invoke(cli, ["clear", *map(str, arguments)])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(built, tmp_path):
    """A copy of the town that a test may change."""
    root = tmp_path / "town"
    shutil.copytree(built.root, root)
    copy = object.__new__(Town)
    copy.__dict__ = {
        **vars(built), "root": root, "policy": root / "town.toml", "out": root / "out" / "2025",
        "budget": root / built.budget.name,
    }  # fmt: skip
    return copy


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_of_months_is_cleared(town):
    run = town.clear()
    assert run.run == 1
    table = pl.read_parquet(town.out / "hospitals.parquet")
    assert table["payable_fen"].sum() == fen("40000.01")
    assert table.equals(run.clearing.hospitals)
    assert Ledger.read(town.out / "ledger.parquet").entries.equals(run.clearing.ledger.entries)
    assert set(run.files) == {
        "findings.csv", "hospitals.parquet", "ledger.parquet", "settlement.toml", "statements",
        "summary.html",
    }  # fmt: skip
    assert sorted(p.name for p in (town.out / "statements").iterdir()) == [
        "H1.xlsx", "H2.xlsx", "H3.xlsx",
    ]  # fmt: skip
    told = tomllib.loads((town.out / "settlement.toml").read_text("utf-8"))
    assert (told["kind"], told["period"], told["check"]) == ("year", "2025", "ok")
    assert len(told["month"]) == 12
    assert told["allocation"][0]["budget_fen"] == fen("40000.01")
    top, bottom = map(int, told["allocation"][0]["value"].split("/"))
    assert run.clearing.allocations[0].value == pytest.approx(top / bottom)
    findings = (town.out / "findings.csv").read_text("utf-8-sig")
    assert "P692" in findings


def test_the_same_again_changes_no_byte(town):
    town.clear()
    first = contents(town.out)
    run = town.clear(*(town.folder(n) for n in (5, 3, 12, 1, 2, 4, 6, 7, 8, 9, 10, 11)))
    assert run.run == 1
    assert contents(town.out) == first
    shutil.rmtree(town.out)
    town.clear()
    assert contents(town.out) == first


def test_another_budget_takes_the_first_clearing_back(town):
    first = town.clear().clearing.ledger.entries
    budget = town.write_budget("41000")
    run = town.clear(budget=budget)
    assert run.run == 2
    entries = run.clearing.ledger.entries
    assert entries.head(first.height).equals(first)
    back = entries.filter(pl.col("reverses").is_not_null())
    assert back["reverses"].to_list() == first["seq"].to_list()
    assert run.clearing.check() == []
    assert run.clearing.hospitals["payable_fen"].sum() == fen(41_000)
    fresh = town.root / "fresh"
    alone = clear_folders([town.root / "out"], town.rules, fresh, year=2025, budget=budget)
    live = run.clearing.ledger.live().drop("seq", "run")
    assert live.equals(alone.clearing.ledger.entries.drop("seq", "run"))
    third = town.clear(budget=budget)
    assert third.run == 2
    assert third.clearing.ledger.entries.equals(entries)


def test_a_late_decision_ends_a_dispute(town):
    before = town.clear().clearing.hospitals
    path = town.root / "decisions.csv"
    path.write_text("claim_id,matter,decision\nC0002,dispute,accepted\n", "utf-8")
    after = town.clear(decisions=path).clearing.hospitals
    kept = before.filter(pl.col("hospital") == "H3")["withheld_fen"].item()
    assert kept > 0
    due = ["clearing_fen", "carried_fen"]
    gained = after.select(due).sum_horizontal().sum() - before.select(due).sum_horizontal().sum()
    assert gained == kept
    assert after["withheld_fen"].sum() == 0


def test_files_of_the_owner_stay(town):
    town.clear()
    (town.out / "note.txt").write_text("mine", "utf-8")
    town.clear(budget=town.write_budget("41000"))
    assert (town.out / "note.txt").read_text("utf-8") == "mine"


def test_a_month_that_is_missing_or_twice(town):
    shutil.move(town.folder(6), town.root / "elsewhere")
    with pytest.raises(ClearingError, match="P481"):
        town.clear()
    assert not town.out.exists()
    assert town.clear(town.root / "out", town.root / "elsewhere").run == 1
    shutil.copytree(town.folder(5), town.root / "copy")
    shutil.move(town.root / "elsewhere", town.folder(6))
    with pytest.raises(ClearingError, match=r"P482.*2025-05"):
        town.clear(town.root / "out", town.root / "copy")
    # The same folder named twice is one month.
    town.clear(town.root / "out", town.folder(5))


def test_what_a_killed_run_left_is_not_a_month(town):
    shutil.copytree(town.folder(5), town.root / "out" / ".2025-05-abcd")
    assert len(find_months([town.root / "out"], 2025)) == 12


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_months(town, name):
    (town.root / "empty").mkdir()
    with pytest.raises(ClearingError, match="P480"):
        find_months([town.root / name], 2025)
    with pytest.raises(ClearingError, match="P480"):
        find_months([town.root / "out"], 2024)
    with pytest.raises(ClearingError, match="P480"):
        find_months([], 2025)


@pytest.mark.parametrize("name", ["ledger.parquet", "claims.parquet", "settlement.toml"])
def test_a_damaged_month(town, name):
    (town.folder(7) / name).write_bytes(b"x = [")
    with pytest.raises(SettlementError, match="P435"):
        town.clear()
    assert not town.out.exists()


def test_another_policy(town):
    town.policy.write_text(POLICY.replace("0.1", "0.2"), "utf-8")
    rules, _ = load_year_policy(town.policy, {}, 2025)
    with pytest.raises(ClearingError, match="P483"):
        clear_folders([town.root / "out"], rules, town.out, year=2025, budget=town.budget)


def test_numbers_of_the_years_end_may_come_late(town):
    rules, under = load_year_policy(town.policy, {"year.next_raise": "0.5"}, 2025)
    assert rules.digest != under == town.rules.digest
    run = clear_folders(
        [town.root / "out"], rules, town.out, year=2025, budget=town.budget, settled_under=under
    )
    assert run.clearing.policy.year.next_raise is not None
    rules, under = load_year_policy(town.policy, {"month.retention": "0.2"}, 2025)
    assert rules.digest == under != town.rules.digest


def test_a_folder_that_holds_something_else(town):
    town.out.mkdir()
    (town.out / "note.txt").write_text("mine", "utf-8")
    with pytest.raises(ClearingError, match="P490"):
        town.clear()
    with pytest.raises(ClearingError, match="P490"):
        clear_folders(
            [town.root / "out"], town.rules, town.folder(3), year=2025, budget=town.budget
        )
    assert (town.folder(3) / "claims.parquet").is_file()


def test_an_earlier_clearing_that_was_changed(town):
    town.clear()
    (town.out / "ledger.parquet").write_bytes(b"")
    with pytest.raises(SettlementError, match="P435"):
        town.clear()


def test_next_years_budget_begins_with_drafts(town):
    quota = town.root / "quotas.csv"
    rows = [f"hospital,H2,310,2025,{step},10000" for step in ROUNDS]
    quota.write_text("\n".join(["level,unit,insurance,period,step,amount", *rows]), "utf-8")
    town.policy.write_text(POLICY.replace('"floating"', '"fixed"'), "utf-8")
    rules, _ = load_year_policy(town.policy, {}, 2025)
    out = town.root / "fixed"
    for month in settled_year([item_claim(800_000, 200_000, hospital="H2")], rules):
        save_settlement(month, out / month.period)
    clear_folders([out], rules, out / "2025", year=2025, budget=quota, statements=False)
    proposed = load_budget(out / "2025" / "next_budget.csv")
    line = proposed.lines["hospital", "H2", "310", 2026]
    assert (line.state, line.amount) == ("draft", fen(10_000))
    with pytest.raises(BudgetError, match="P447"):
        proposed.quota("H2", "310", 2026)


# ---- the command


def test_the_command(town):
    done = town.run(
        town.root / "out", "-p", town.policy, "--year", 2025, "-o", town.out, "--budget",
        town.budget, "--set", "year.next_raise=0.5",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "40,000.01" in done.output
    assert "2026-03-31" in done.output
    assert "P692" in done.output
    english = town.run(
        town.root / "out", "-p", town.policy, "--year", 2025, "-o", town.out, "--budget",
        town.budget, "--lang", "en", "--no-statements",
    )  # fmt: skip
    assert english.exit_code == 0, english.output
    assert "given out by weight" in english.output


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (["--year", "2024"], "P472"),
        (["--budget", "nowhere.csv"], "F101"),
        (["--set", "year.perhaps=1"], "P476"),
        ([], "P486"),
    ],
)
def test_the_command_says_what_is_wrong(town, change, code):
    given = ["-p", town.policy, "-o", town.out, *change]
    if "--year" not in change:
        given += ["--year", "2025"]
    done = town.run(town.root / "out", *given)
    assert done.exit_code in (2, 3)
    assert code in done.output
    assert not town.out.exists()
    assert not [p for p in town.root.joinpath("out").iterdir() if p.name.startswith(".")]


# ---- what a year reads


def test_a_register_with_heads(tmp_path):
    path = tmp_path / "hospitals.csv"
    rows = ["医疗机构编码,考核系数,周转金,签约人数", "H1,0.98,1000.50,12000", "H2,,,", ""]
    path.write_text("\n".join(rows), "utf-8")
    rows = read_hospitals(path).select("assessment", "working_capital_fen", "enrolled").rows()
    assert rows == [("0.98", 100_050, 12_000), (None, None, None)]
    path.write_text("hospital_id,enrolled\nH1,many\n", "utf-8")
    with pytest.raises(SettlementError, match="P437"):
        read_hospitals(path)


def test_a_summed_ledger_is_the_ledger(town):
    path = town.folder(3) / "ledger.parquet"
    whole, summed = Ledger.read(path), SummedLedger.read(path)
    assert summed.sums.equals(whole.sums)
    assert set(summed.entries["subject"]) == {"batch"}
    with pytest.raises(SettlementError, match="P431"):
        SummedLedger.read(town.folder(3) / "hospitals.parquet")
