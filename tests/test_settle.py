"""A month settled as a user does it: a folder, the same again, late claims, trouble."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.cli import cli
from drg.dates import Month
from drg.errors import InputError
from drg.payment.policy.catalog import load_policy
from drg.scale.settle_file import settle_file
from drg.settlement.ledger import Ledger, SettlementError
from drg.settlement.run import settle_month
from drg.settlement.settled import Settlement
from drg.settlement.store import (
    draft_folder,
    find_settlement,
    read_settlement,
    save_settlement,
)

JUNE = Month(2025, 6)
POLICY = "demo-2024"
GROUPS = ("BR23", "ES33", "FR23", "GB23", "GD25")
HOSPITALS = ("H1", "H2", "H3")


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRG_LANG", raising=False)


def claims(count: int, seed: int = 1, *, month: str = "2025-06", first: int = 0) -> pl.DataFrame:
    """Grouped claims of a month, some without a weight or ungrouped."""
    rng = np.random.default_rng(seed)
    cost = rng.integers(100_000, 6_000_000, count)
    paid = (cost * rng.random(count) * 0.6).astype(np.int64)
    group = rng.choice([*GROUPS, "0000"], count, p=[*[0.19] * 5, 0.05])
    return pl.DataFrame(
        {
            "claim_id": [f"C{month}-{n:05d}" for n in range(first, first + count)],
            "hospital_id": rng.choice(HOSPITALS, count).tolist(),
            "patient_id": [f"P{n % 97}" for n in range(first, first + count)],
            "insurance": rng.choice(["310", "390"], count).tolist(),
            "admitted_on": [f"{month}-01"] * count,
            "discharged_on": [f"{month}-{day:02d}" for day in rng.integers(2, 29, count)],
            "diagnoses": ["J18.900"] * count,
            "total_cost": [f"{n // 100}.{n % 100:02d}" for n in cost],
            "patient_paid": [f"{n // 100}.{n % 100:02d}" for n in paid],
            "group": group.tolist(),
            "outcome": np.where(group == "0000", "UNGROUPABLE", "GROUPED").tolist(),
            "reason": [None] * count,
        },
        schema_overrides={"reason": pl.String},
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a month and a register of hospitals."""
    claims(200).write_parquet(tmp_path / "june.parquet")
    rows = [
        f"{one},医院{one},{level}"
        for one, level in zip(HOSPITALS, ["三级", "二级", "二级"], strict=True)
    ]
    text = "\n".join(["hospital_id,name,level", *rows]) + "\n"
    (tmp_path / "hospitals.csv").write_text(text, "utf-8")
    return tmp_path


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def settle(place: Path, source: str = "june.parquet", out: str = "out", *more: object,
           month: str = "2025-06", code: int = 1) -> Result:  # fmt: skip
    return run(
        "settle", place / source, "-p", POLICY, "--month", month, "-o", place / out,
        "--hospitals", place / "hospitals.csv", *more, code=code,
    )  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def money(frame: pl.DataFrame, account: str) -> int:
    return int(frame[f"{account}_fen"].sum())


def whole(folder: Path) -> Settlement:
    """The settlement of a folder, checked against its claims."""
    found = read_settlement(folder, whole=True)
    assert found.check() == []
    return found


# ---- one month


def test_a_month_is_settled(place: Path) -> None:
    result = settle(place)
    out = place / "out"
    assert {path.name for path in out.iterdir()} == {
        "claims.parquet", "ledger.parquet", "findings.csv", "hospitals.parquet", "matters.parquet",
        "settlement.toml", "statements", "summary.html",
    }  # fmt: skip
    assert {path.stem for path in (out / "statements").glob("*.xlsx")} == set(HOSPITALS)
    found = whole(out)
    source = pl.read_parquet(place / "june.parquet")
    rows = found.claims.lazy().collect()
    assert rows.select(source.columns).equals(source)
    assert rows["row"].to_list() == list(range(1, 201))
    unpaid = rows.filter(pl.col("pay_mode") == "UNPAID")
    assert 0 < unpaid.height == (source["outcome"] == "UNGROUPABLE").sum()
    assert found.hospitals["claims"].sum() == 200
    assert money(found.hospitals, "cost") == rows["cost_fen"].sum()
    assert money(found.hospitals, "fund") == rows["fund_fen"].sum()
    assert money(found.hospitals, "advance") + money(found.hospitals, "retention") == money(
        found.hospitals, "fund"
    )
    assert found.findings["claim"].to_list() == unpaid["claim_id"].to_list()
    assert "总账校验" in result.stdout
    assert "P632" in result.stdout


def test_the_summary_speaks_english(place: Path) -> None:
    lines = settle(place, "june.parquet", "out", "--lang", "en").stdout
    assert "ledger check" in lines
    assert not any("一" <= letter <= "鿿" for letter in lines)
    assert "returned" in lines or "unpaid" in lines
    text = (place / "out" / "findings.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbfrow,claim,hospital,code,level,what,mend\r\n")


def test_two_folders_are_the_same_to_the_byte(place: Path) -> None:
    settle(place, out="a")
    settle(place, out="b")
    assert digests(place / "a") == digests(place / "b")


def test_the_same_again_changes_nothing(place: Path) -> None:
    settle(place)
    before = digests(place / "out")
    stamps = {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")}
    result = settle(place)
    assert digests(place / "out") == before
    assert {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")} == stamps
    assert "没有新内容" in result.stdout


def test_the_form_of_the_file_does_not_matter(place: Path) -> None:
    settle(place)
    before = digests(place / "out")
    frame = pl.read_parquet(place / "june.parquet")
    frame.write_csv(place / "june.csv")
    settle(place, "june.csv")
    chinese = {"claim_id": "结算ID", "hospital_id": "医疗机构编码", "total_cost": "总费用"}
    frame.rename(chinese).with_columns(
        pl.col("discharged_on").str.to_date(), pl.col("patient_paid").cast(pl.Decimal(18, 2))
    ).write_parquet(place / "other.parquet")
    settle(place, "other.parquet")
    assert digests(place / "out") == before


def test_claims_stand_under_canonical_names(place: Path) -> None:
    frame = pl.read_parquet(place / "june.parquet").rename({"claim_id": "结算ID"})
    frame.with_columns(pl.lit("x").alias("ref")).write_parquet(place / "c.parquet")
    settle(place, "c.parquet")
    rows = whole(place / "out").claims.lazy().collect()
    assert rows["claim_id"].equals(rows["ref"])
    assert set(rows["ref_input"]) == {"x"}


def test_a_frame_is_settled_as_its_file(place: Path) -> None:
    settle(place)
    stored = whole(place / "out")
    policy = load_policy(POLICY, on=JUNE)
    found = settle_month(
        pl.read_parquet(place / "june.parquet"), policy, month=JUNE,
        hospitals=place / "hospitals.csv",
    )  # fmt: skip
    assert found.ledger.entries.equals(stored.ledger.entries)
    assert found.findings.equals(stored.findings)
    assert found.hospitals.equals(stored.hospitals)
    assert found.claims.lazy().collect().equals(stored.claims.lazy().collect())
    save_settlement(found, place / "saved")
    assert whole(place / "saved").ledger.entries.equals(stored.ledger.entries)


def test_batches_do_not_matter(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(place, out="a")
    monkeypatch.setattr("drg.scale.settle_file._BATCH", 7)
    monkeypatch.setattr("drg.settlement.rerun._PART", 11)
    settle(place, out="b")
    assert digests(place / "a") == digests(place / "b")
    settle(place, out="b")
    assert digests(place / "a") == digests(place / "b")


def test_a_file_without_claims(place: Path) -> None:
    claims(0).write_parquet(place / "none.parquet")
    settle(place, "none.parquet", code=0)
    found = whole(place / "out")
    assert found.ledger.entries.is_empty()
    settle(place, "none.parquet", code=0)


def test_all_paid_is_exit_code_0(place: Path) -> None:
    frame = pl.read_parquet(place / "june.parquet").filter(pl.col("outcome") == "GROUPED")
    frame.write_parquet(place / "good.parquet")
    settle(place, "good.parquet", code=0)


# ---- again: late claims, corrections, contradictions


def test_late_claims_are_lines_of_another_run(place: Path) -> None:
    frame = pl.read_parquet(place / "june.parquet")
    frame.head(150).write_parquet(place / "early.parquet")
    settle(place, "early.parquet")
    first = whole(place / "out")
    settle(place)
    second = whole(place / "out")
    count = first.ledger.entries.height
    assert second.ledger.entries.head(count).equals(first.ledger.entries)
    new = second.ledger.entries.slice(count)
    assert set(new["run"]) == {2}
    late = set(frame["claim_id"].tail(50))
    assert set(new.filter(pl.col("subject") == "claim")["ref"]) == late
    rows = second.claims.lazy().collect()
    assert rows["ref"].to_list() == frame["claim_id"].to_list()
    assert rows["run"].to_list() == [1] * 150 + [2] * 50
    # Only the late ones in a file of their own come to the same.
    shutil.rmtree(place / "out")
    settle(place, "early.parquet")
    frame.tail(50).write_parquet(place / "late.parquet")
    settle(place, "late.parquet")
    third = whole(place / "out")
    assert third.ledger.entries.equals(second.ledger.entries)
    runs = tomllib.loads((place / "out" / "settlement.toml").read_text("utf-8"))["run"]
    assert [one["claims"] for one in runs] == [150, 50]


def test_late_claims_may_come_in_another_form(place: Path) -> None:
    frame = pl.read_parquet(place / "june.parquet")
    typed = frame.with_columns(
        pl.col("discharged_on").str.to_date(), pl.col("total_cost").cast(pl.Decimal(18, 2)),
        pl.col("diagnoses").str.split("|"), pl.lit("x").alias("备注"),
    )  # fmt: skip
    typed.head(150).write_parquet(place / "early.parquet")
    settle(place, "early.parquet")
    late = frame.tail(60).with_columns(pl.col("diagnoses") + "；I10.x00")
    late.rename({"claim_id": "结算ID", "diagnoses": "诊断编码"}).write_csv(place / "late.csv")
    settle(place, "late.csv")
    found = whole(place / "out")
    # Ten of them were there already, with other diagnoses.
    assert found.findings["code"].to_list().count("P617") == 10
    settle(place, out="once")
    # Caps of the first run were those of its own claims, so only what came in is the same.
    came = ["hospital", "insurance", "claims", "cost_fen"]
    assert found.hospitals.select(came).equals(whole(place / "once").hospitals.select(came))
    before = digests(place / "out")
    settle(place, "late.csv")
    assert digests(place / "out") == before
    codes = found.claims.lazy().collect()["diagnoses"]
    assert codes[0] == "J18.900"
    assert codes[199] == "J18.900|I10.x00"


def changed(frame: pl.DataFrame, claim: str, **values: Any) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(pl.col("claim_id") == claim).then(pl.lit(value)).otherwise(name).alias(name)
        for name, value in values.items()
    )


def test_a_higher_version_is_a_reversal_and_new_entries(place: Path) -> None:
    frame = pl.read_parquet(place / "june.parquet").with_columns(version=pl.lit(1))
    frame.write_parquet(place / "v1.parquet")
    settle(place, "v1.parquet")
    first = whole(place / "out")
    paid = frame.filter(pl.col("outcome") == "GROUPED")["claim_id"][0]
    after = changed(frame, paid, version=2, total_cost="9000.00", patient_paid="1000.00")
    after.write_parquet(place / "v2.parquet")
    settle(place, "v2.parquet")
    second = whole(place / "out")
    new = second.ledger.entries.slice(first.ledger.entries.height)
    mine = new.filter(pl.col("ref") == paid)
    assert mine["reverses"].is_not_null().to_list() == [True] * 3 + [False] * 3
    assert mine["version"].to_list() == [1] * 3 + [2] * 3
    assert mine.tail(3)["fen"].sum() == 900_000
    assert second.hospitals["claims"].sum() == 200
    before = digests(place / "out")
    settle(place, "v2.parquet")
    assert digests(place / "out") == before
    # The older version comes too late: it is told, and nothing moves.
    settle(place, "v1.parquet")
    third = whole(place / "out")
    assert third.ledger.entries.equals(second.ledger.entries)
    told = third.findings.filter(pl.col("claim") == paid)
    assert told["code"].to_list() == ["P619"]


def test_other_content_under_the_same_version_is_not_posted(place: Path) -> None:
    settle(place)
    first = whole(place / "out")
    frame = pl.read_parquet(place / "june.parquet")
    paid = frame.filter(pl.col("outcome") == "GROUPED")["claim_id"][0]
    changed(frame, paid, total_cost="99.00", patient_paid="1.00").write_parquet(place / "x.parquet")
    settle(place, "x.parquet")
    second = whole(place / "out")
    assert second.ledger.entries.equals(first.ledger.entries)
    assert second.findings.filter(pl.col("claim") == paid)["code"].to_list() == ["P617"]
    before = digests(place / "out")
    settle(place, "x.parquet")
    settle(place)
    assert digests(place / "out") == before


def test_what_was_unpaid_for_want_of_a_level_is_tried_again(place: Path) -> None:
    bare = place / "bare"
    bare.mkdir()
    register = (place / "hospitals.csv").read_text("utf-8")
    (bare / "hospitals.csv").write_text(register.replace(",二级", ","), "utf-8")
    (bare / "june.parquet").write_bytes((place / "june.parquet").read_bytes())
    settle(bare)
    first = whole(bare / "out")
    assert set(first.findings["code"]) >= {"P610"}
    (bare / "hospitals.csv").write_text(register, "utf-8")
    settle(bare)
    second = whole(bare / "out")
    assert "P610" not in set(second.findings["code"])
    settle(place)
    once = whole(place / "out")
    assert second.hospitals.equals(once.hospitals)
    assert second.ledger.check(second.claims) == []


def test_doubles_in_one_file(place: Path) -> None:
    frame = pl.read_parquet(place / "june.parquet").with_columns(version=pl.lit(1))
    good = frame.filter(pl.col("outcome") == "GROUPED")["claim_id"]
    same = frame.filter(pl.col("claim_id") == good[0])
    newer = changed(frame.filter(pl.col("claim_id") == good[1]), good[1], version=2)
    other = changed(frame.filter(pl.col("claim_id") == good[2]), good[2], total_cost="99999.00")
    bad = changed(frame.filter(pl.col("claim_id") == good[3]), good[3], version=0, total_cost="-1")
    nameless = changed(frame.filter(pl.col("claim_id") == good[4]), good[4], claim_id=None)
    pl.concat([frame, same, newer, other, bad, nameless]).write_parquet(place / "d.parquet")
    settle(place, "d.parquet")
    found = whole(place / "out")
    rows = found.claims.lazy().collect()
    assert rows.height == 201
    assert rows["ref"].n_unique() == 201
    codes = {
        (row, claim): code
        for row, claim, code in found.findings.select("row", "claim", "code").iter_rows()
    }
    place_of = {claim: n for n, claim in enumerate(frame["claim_id"], start=1)}
    assert codes[201, good[0]] == "P618"
    assert codes[place_of[good[1]], good[1]] == "P619"
    assert codes[203, good[2]] == codes[place_of[good[2]], good[2]] == "P617"
    assert codes[205, ""] == "P601"
    status = dict(rows.select("ref", pl.col("pay_mode").cast(pl.String)).iter_rows())
    assert (status[good[0]], status[good[1]], status[good[2]]) == ("DRG", "DRG", "UNPAID")
    assert status["#205"] == "UNPAID"
    before = digests(place / "out")
    settle(place, "d.parquet")
    assert digests(place / "out") == before


# ---- decisions and earlier months


def decided(place: Path, *rows: str) -> Path:
    path = place / "decisions.csv"
    path.write_text("\n".join(["结算ID,事项,结论,金额,日期,原因,文号", *rows]) + "\n", "utf-8")
    return path


def test_disputes_holds_and_deductions_over_two_months(place: Path) -> None:
    settle(place, out="plain")
    rows = whole(place / "plain").claims.lazy().collect()
    fund = rows.filter(pl.col("fund_fen") > 100_000).select("ref", "fund_fen")
    (a, _), (b, held), (c, _), (d, _) = fund.head(4).iter_rows()
    path = decided(
        place, f"{a},争议,待定,600.00,2025-06-20,超标准收费,文1",
        f"{b},缓付,待定,,2025-06-01,调查,文2", f"{c},扣减,,50.00,,重复收费,文3",
        f"{d},争议,待定,100,,,", "NOBODY,缓付,待定,,,,",
    )  # fmt: skip
    more = ("--decisions", path, "--set", "month.dispute_advance=0.8")
    settle(place, "june.parquet", "out", *more)
    june = whole(place / "out")
    table = june.hospitals
    assert money(table, "dispute_withheld") == 14_000
    assert money(table, "held") == held
    assert money(table, "deduction") == 5_000
    assert june.findings.filter(pl.col("code") == "P660")["claim"].to_list() == ["NOBODY"]
    before = digests(place / "out")
    settle(place, "june.parquet", "out", *more)
    assert digests(place / "out") == before

    claims(50, 2, month="2025-07").write_parquet(place / "july.parquet")
    path = decided(
        place, f"{a},争议,认可,450.00,,,文9", f"{b},缓付,解除,,,,文9", f"{d},争议,不予支付,,,,文9"
    )
    prior = ("--decisions", path, "--set", "month.dispute_advance=0.8", "--prior", place / "out")
    settle(place, "july.parquet", "july", *prior, month="2025-07")
    july = whole(place / "july")
    moved = july.ledger.entries.filter(
        (pl.col("subject") == "batch") & (pl.col("ref") != "2025-07")
    )
    sums: dict[tuple[str, str], int] = {
        (ref, account): fen
        for ref, account, fen in moved.select("ref", "account", "fen").iter_rows()
    }
    kept = {key: fen for key, fen in sums.items() if key[0] == b}
    assert {k[1]: v for k, v in sums.items() if k[0] == a} == {
        "advance": -3_000, "dispute_withheld": -12_000, "deduction": 15_000,
    }  # fmt: skip
    assert {k[1]: v for k, v in sums.items() if k[0] == d} == {
        "advance": -8_000, "dispute_withheld": -2_000, "deduction": 10_000,
    }  # fmt: skip
    assert kept[b, "held"] == -held
    assert kept[b, "advance"] + kept[b, "retention"] == held
    assert set(july.matters["state"]) == {"closed"}
    before = digests(place / "july")
    settle(place, "july.parquet", "july", *prior, month="2025-07")
    assert digests(place / "july") == before


def test_a_hold_past_its_limit_is_told_and_not_released(place: Path) -> None:
    settle(place, out="plain")
    ref = whole(place / "plain").claims.lazy().filter(pl.col("fund_fen") > 0).collect()["ref"][0]
    hold = decided(place, f"{ref},hold,open,,2025-06-10,调查,")
    limit = ("--set", "month.hold_days=30")
    settle(place, "june.parquet", "out", "--decisions", hold, *limit)
    assert "P662" not in set(whole(place / "out").findings["code"])
    claims(20, 2, month="2025-07").write_parquet(place / "july.parquet")
    prior = ("--prior", place / "out")
    settle(place, "july.parquet", "july", *prior, *limit, month="2025-07", code=0)
    july = whole(place / "july")
    assert july.findings.filter(pl.col("code") == "P662")["claim"].to_list() == [ref]
    assert money(july.hospitals, "held") == 0


def test_a_matter_stays_with_a_new_version(place: Path) -> None:
    settle(place, out="plain")
    rows = whole(place / "plain").claims.lazy().filter(pl.col("fund_fen") > 100_000).collect()
    ref = rows["ref"][0]
    settle(
        place, "june.parquet", "out", "--decisions", decided(place, f"{ref},hold,open,500.00,,,")
    )
    frame = pl.read_parquet(place / "june.parquet").with_columns(version=pl.lit(1))
    changed(frame, ref, version=2).write_parquet(place / "v2.parquet")
    settle(place, "v2.parquet")
    found = whole(place / "out")
    assert money(found.hospitals, "held") == 50_000
    assert found.matters.select("ref", "version", "amount_fen").rows() == [(ref, 2, 50_000)]


def test_the_quarter_is_balanced_in_its_last_month(place: Path) -> None:
    more = ("--set", "month.quarterly=true", "--set", "month.retention=0.1")
    for month in ("2025-04", "2025-05"):
        claims(60, 3, month=month).write_parquet(place / "m.parquet")
        settle(place, "m.parquet", month, *more, month=month, code=0)
    steps = ("draft", "agency_measure", "consultation", "hospital_reply", "negotiated", "signed")
    lines = ["level,unit,insurance,period,step,amount"]
    for unit, amount in (("H1", 400_000), ("H2", 400_000_000)):
        lines += [
            f"hospital,{unit},{insurance},2025,{step},{amount}"
            for insurance in ("310", "390")
            for step in steps
        ]
    (place / "budget.csv").write_text("\n".join(lines) + "\n", "utf-8")
    prior = [word for month in ("2025-04", "2025-05") for word in ("--prior", place / month)]
    given = (*more, *prior, "--budget", place / "budget.csv")
    settle(place, "june.parquet", "out", *given)
    june = whole(place / "out")
    table = june.hospitals.group_by("hospital").agg(pl.col("^.*_fen$").sum()).sort("hospital")
    quarter = june.ledger.entries.filter(pl.col("ref") == "2025-Q2")
    assert set(quarter["hospital"]) == {"H1", "H2"}
    assert quarter["fen"].sum() == 0
    assert table["suspended_fen"].to_list()[0] > 0
    assert table["suspended_fen"].to_list()[1:] == [0, 0]
    # The deposit of three months leaves in June: H2's is paid, H3 has no quota and keeps its own.
    assert table["retention_fen"][1] < 0 < table["retention_fen"][2]
    codes = june.findings.filter(pl.col("code").is_in(["P663", "P664"]))
    assert codes.select("hospital", "code").rows() == [("H1", "P663"), ("H3", "P664")]
    before = digests(place / "out")
    settle(place, "june.parquet", "out", *given)
    assert digests(place / "out") == before


# ---- trouble


def error(*args: object, code: int) -> str:
    result = run(*args, code=code)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_a_folder_holds_one_month_under_one_policy(place: Path) -> None:
    settle(place)
    before = digests(place / "out")
    base = ["settle", place / "june.parquet", "-p", POLICY, "-o", place / "out"]
    assert "P434" in error(*base, "--month", "2025-07", code=3)
    assert "P434" in error(*base, "--month", "2025-06", "--set", "month.retention=0.2", code=3)
    assert digests(place / "out") == before


@pytest.mark.parametrize("month", ["2025-13", "2025-6", "June", "2025-06-01"])
def test_a_month_is_written_in_one_way(place: Path, month: str) -> None:
    line = error(
        "settle", place / "june.parquet", "-p", POLICY, "--month", month, "-o", place / "o", code=3
    )
    assert "P432" in line
    assert not (place / "o").exists()


def test_another_folder_is_left_alone(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "notes.txt").write_text("x")
    base = ["settle", place / "june.parquet", "-p", POLICY, "--month", "2025-06", "-o"]
    assert "P433" in error(*base, place / "mine", code=3)
    assert "P433" in error(*base, place / "hospitals.csv", code=3)
    assert [path.name for path in (place / "mine").iterdir()] == ["notes.txt"]


def test_own_files_in_the_folder_stay(place: Path) -> None:
    pl.read_parquet(place / "june.parquet").head(100).write_parquet(place / "early.parquet")
    settle(place, "early.parquet")
    (place / "out" / "附件").mkdir()
    (place / "out" / "附件" / "函.txt").write_text("x")
    (place / "out" / "notes.txt").write_text("y")
    settle(place)
    assert (place / "out" / "附件" / "函.txt").read_text() == "x"
    assert (place / "out" / "notes.txt").read_text() == "y"


@pytest.mark.parametrize(
    "file", ["ledger.parquet", "findings.csv", "matters.parquet", "claims.parquet"]
)
def test_a_damaged_folder_is_refused(place: Path, file: str) -> None:
    settle(place)
    path = place / "out" / file
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(SettlementError, match="P435"):
        read_settlement(place / "out", whole=True)
    path.unlink()
    with pytest.raises(SettlementError, match="P435"):
        read_settlement(place / "out")


def test_prior_months_are_of_the_year_and_before(place: Path) -> None:
    settle(place)
    claims(5, 2, month="2025-07").write_parquet(place / "july.parquet")
    base = ["settle", place / "july.parquet", "-p", POLICY, "-o", place / "o", "--month"]
    out = ("--prior", place / "out")
    assert "P439" in error(*base, "2025-07", *out, *out, code=3)
    assert "P439" in error(*base, "2025-05", *out, code=3)
    assert "P439" in error(*base, "2026-01", *out, code=3)
    assert "P433" in error(*base, "2025-07", "--prior", place, code=3)
    assert not (place / "o").exists()


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("C1,退款,open,,,,", "matter"),
        ("C1,hold,perhaps,,,,", "decision"),
        (",hold,open,,,,", "claim_id"),
        ("C1,hold,open,ten,,,", "amount"),
        ("C1,hold,open,-5,,,", "amount"),
        ("C1,hold,open,5,31.6.,,", "on"),
    ],
)
def test_a_decision_that_cannot_be_used(place: Path, row: str, column: str) -> None:
    path = decided(place, row)
    line = error(
        "settle", place / "june.parquet", "-p", POLICY, "--month", "2025-06", "-o", place / "o",
        "--decisions", path, code=3,
    )  # fmt: skip
    assert "P437" in line
    assert column in line
    assert "2" in line


def test_a_table_without_its_columns(place: Path) -> None:
    (place / "x.csv").write_text("a,b\n1,2\n")
    base = ["settle", place / "june.parquet", "-p", POLICY, "--month", "2025-06", "-o", place / "o"]
    assert "P436" in error(*base, "--decisions", place / "x.csv", code=3)
    assert "P436" in error(*base, "--hospitals", place / "x.csv", code=3)


def test_an_input_in_the_folder_that_is_written(place: Path) -> None:
    settle(place)
    (place / "out" / "late.parquet").write_bytes((place / "june.parquet").read_bytes())
    line = error(
        "settle", place / "out" / "late.parquet", "-p", POLICY, "--month", "2025-06",
        "-o", place / "out", code=2,
    )  # fmt: skip
    assert "C201" in line


# ---- all or nothing


def stop_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InputError("F209", where="x")

    monkeypatch.setattr(f"drg.scale.settle_file.{name}", fail)


@pytest.mark.parametrize("name", ["write_month", "write_statements", "write_summary"])
@pytest.mark.parametrize("again", [False, True])
def test_a_failed_run_leaves_what_was_there(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str, again: bool
) -> None:
    if again:
        pl.read_parquet(place / "june.parquet").head(100).write_parquet(place / "early.parquet")
        settle(place, "early.parquet")
    before = digests(place)
    stop_at(monkeypatch, name)
    settle(place, code=2)
    assert digests(place) == before
    assert not [path for path in place.iterdir() if path.name.startswith(".")]


def test_a_ledger_that_does_not_hold_is_not_written(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proper = Ledger.append

    def lossy(ledger: Ledger, *frames: pl.DataFrame, run: int | None = None) -> Ledger:
        return proper(
            ledger,
            *(frame.filter(pl.col("fen") != pl.col("fen").max()) for frame in frames),
            run=run,
        )

    monkeypatch.setattr(Ledger, "append", lossy)
    result = settle(place, code=3)
    assert "P438" in result.stderr
    assert not (place / "out").exists()


def test_a_killed_process_leaves_nothing_but_its_draft(place: Path) -> None:
    code = (
        "import os, drg.scale.settle_file as s\n"
        "s.write_summary = lambda *a, **k: os._exit(9)\n"
        "from drg.cli import main; main()"
    )
    args = ["settle", "june.parquet", "-p", POLICY, "--month", "2025-06", "-o", "out",
            "--hospitals", "hospitals.csv"]  # fmt: skip
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code, *args], cwd=place, env=env, check=False)
    assert ended.returncode == 9
    assert not (place / "out").exists()
    settle(place)
    whole(place / "out")


def test_a_run_killed_between_the_two_moves_is_mended(place: Path) -> None:
    settle(place)
    before = digests(place / "out")
    (place / "out").rename(place / ".out.before")
    policy = load_policy(POLICY, on=JUNE)
    assert find_settlement(place / "out", JUNE, policy.id, policy.digest) is not None
    assert digests(place / "out") == before
    # Killed after both moves: the old one is only in the way.
    shutil.copytree(place / "out", place / ".out.before")
    settle(place)
    assert not (place / ".out.before").exists()
    assert digests(place / "out") == before


def test_a_folder_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "settlement.toml").write_text("x")
    proper = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.startswith(".out-"):
            raise OSError(28, "no room")
        return proper(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match="F209"), draft_folder(out) as draft:
        (draft / "settlement.toml").write_text("y")
    assert (out / "settlement.toml").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_progress_counts_every_row_twice(place: Path) -> None:
    seen: list[tuple[int, int]] = []
    settle_file(
        place / "june.parquet", load_policy(POLICY, on=JUNE), place / "out", month=JUNE,
        progress=lambda done, total: seen.append((done, total)), statements=False,
    )  # fmt: skip
    assert seen[-1] == (400, 400)
    assert not (place / "out" / "statements").exists()


# ---- random months


@st.composite
def months(draw: st.DrawFn) -> Iterator[pl.DataFrame]:
    frame = claims(draw(st.integers(1, 40)), draw(st.integers(0, 10**6)))
    rows = st.sampled_from(range(frame.height))
    twice = draw(st.lists(rows, max_size=3))
    bad = set(draw(st.lists(rows, max_size=3)))
    broken = frame.with_columns(
        pl.Series(
            "total_cost", [None if n in bad else cost for n, cost in enumerate(frame["total_cost"])]
        )
    )
    return pl.concat([broken, broken[twice]])  # type: ignore[return-value]


@settings(max_examples=25)
@given(months(), st.integers(0, 40))
def test_random_months_conserve_and_repeat(frame: pl.DataFrame, early: int) -> None:
    policy = load_policy(
        POLICY, on=JUNE, supply={"month.retention": "0.07", "month.prepay": "0.95"}
    )
    register = pl.DataFrame(
        {"hospital_id": HOSPITALS, "level": ["三级", "二级", "二级"], "name": HOSPITALS}
    )
    once = settle_month(frame, policy, month=JUNE, hospitals=register)
    assert once.check() == []
    rows = once.claims.lazy().collect()
    paid = rows.filter(pl.col("pay_mode") != "UNPAID")
    assert (paid["fund_fen"] + paid["patient_fen"] - paid["hospital_fen"]).equals(paid["cost_fen"])
    assert (paid["fund_fen"] >= 0).all()
    sums = dict(once.ledger.totals("account").iter_rows())
    parts = sum(sums.get(name, 0) for name in ("fund", "patient", "hospital", "unsettled"))
    assert parts == rows["cost_fen"].fill_null(0).sum()
    again = settle_month(frame, policy, month=JUNE, hospitals=register, before=once)
    assert not again.changed
    assert again.ledger.entries.equals(once.ledger.entries)
    first = settle_month(frame.head(early), policy, month=JUNE, hospitals=register)
    second = settle_month(frame, policy, month=JUNE, hospitals=register, before=first)
    assert second.check() == []
    assert second.ledger.entries.head(first.ledger.entries.height).equals(first.ledger.entries)
    assert set(second.claims.lazy().collect()["ref"]) == set(rows["ref"])
