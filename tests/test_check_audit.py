"""``drg check``: grouping and audit findings, the summary, deductions that settle to the fen."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import fastexcel
import polars as pl
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from polars.testing import assert_frame_equal

from drg.audit.rules import list_rule_sets, load_rules
from drg.claims.profiles import match_columns
from drg.claims.synth import synth
from drg.claims.synth_audit import Made, with_lists
from drg.cli import cli
from drg.dates import Month
from drg.grouping.edition_findings import EditionCheck
from drg.grouping.findings import GroupingFindings
from drg.payment.policy.catalog import load_policy
from drg.scale.check import FINDING_SCHEMA, CheckFiles, check_file
from drg.scale.find import claim_of
from drg.scale.settle_file import settle_file
from drg.schemes.catalog import load_scheme
from drg.settlement.store import read_settlement

JUNE = Month(2025, 6)


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRG_LANG", raising=False)


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def made() -> Made:
    claims = synth(load_scheme("demo"), 240, 3)
    return with_lists(claims, 3, defects=0.5, labels=True)


@pytest.fixture(scope="module")
def files(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    made.claims.write_parquet(folder / "lists.parquet")
    made.items.write_parquet(folder / "items.parquet")
    return folder


def checked(files: Path, demo, **options) -> tuple[pl.DataFrame, object]:
    out = files / "found.parquet"
    options = {
        "rules": load_rules("demo"),
        "files": CheckFiles(items=files / "items.parquet"),
    } | options
    lists = files / "lists.parquet"
    report = check_file(demo, lists, out, lang="zh", edition_stated=True, **options)
    return pl.read_parquet(out), report


# ---- what is found


def test_findings_stand_by_row_and_name_level_amount_and_source(files: Path, demo) -> None:
    found, report = checked(files, demo)
    assert found.schema == FINDING_SCHEMA
    assert found["row"].is_sorted()
    assert (
        found.select("title", "mend", "level", "result", "source")
        .null_count()
        .sum_horizontal()
        .item()
        == 0
    )
    audit = found.filter(pl.col("code").str.starts_with("A"))
    assert {"reject", "auto_deduct", "review"} == set(audit["level"])
    deducted = audit.filter(pl.col("level") == "auto_deduct")
    assert (deducted["amount"] > 0).all()
    rows = pl.read_parquet(files / "lists.parquet").with_row_index("row", offset=1)
    named = found.join(rows.cast({"row": pl.Int64}), on="row")
    assert (named["claim_id"] == named["claim_id_right"]).all()
    assert (named["hospital_id"] == named["hospital_id_right"]).all()
    assert report.findings == found.height == report.listed
    assert report.refused > 0


def test_summary_counts_every_claim_of_every_rule(files: Path, demo) -> None:
    found, report = checked(files, demo)
    table = report.table
    parts = pl.col("hits") + pl.col("passes") + pl.col("not_assessable")
    assert table.select((parts == pl.col("claims")).all()).item()
    hits = found.group_by("hospital_id", "code").agg(pl.len().cast(pl.Int64).alias("hits"))
    counted = (
        table.filter(pl.col("hits") > 0).group_by("hospital_id", "code").agg(pl.col("hits").sum())
    )
    assert_frame_equal(counted, hits, check_row_order=False)
    amounts = (
        found.group_by("hospital_id", "code")
        .agg(pl.col("amount").sum())
        .filter(pl.col("amount") != 0)
    )
    told = table.filter(pl.col("amount").fill_null(0) != 0).select("hospital_id", "code", "amount")
    assert_frame_equal(told, amounts, check_row_order=False, check_dtypes=False)
    # A rule that tells no amount has none, not zero.
    assert table.filter(pl.col("code") == "A101")["amount"].null_count() > 0


def test_what_cannot_be_judged_is_listed_on_request_only(files: Path, demo) -> None:
    plain, _ = checked(files, demo)
    every, report = checked(files, demo, every=True)
    assert set(plain["result"]) == {"hit"}
    unknown = every.filter(pl.col("result") == "not_assessable")
    assert unknown.height == report.table["not_assessable"].sum() > 0
    assert_frame_equal(every.filter(pl.col("result") == "hit"), plain)
    assert report.findings == plain.height
    assert unknown["amount"].null_count() == unknown.height


def test_grouping_findings_are_those_of_the_reference(made: Made, demo) -> None:
    """Row, code and words of the columns against each claim's own trace."""
    code = pl.element()
    dirty = made.claims.with_columns(
        diagnoses=pl.col("diagnoses").list.eval(
            pl.when(code.str.contains("[13579]$"))
            .then(" " + code.str.to_lowercase())
            .when(code.str.contains("6$"))
            .then(pl.lit(""))
            .otherwise(code)
        )
    )
    columns = match_columns(dirty.columns, dict(dirty.schema))
    editions = EditionCheck(demo, stated=True)
    results = demo.results_frame(dirty, columns)
    told = GroupingFindings(demo, editions, "zh").find(dirty, columns, results)
    found = set(told.select("row", "code").iter_rows())
    assert len(found) == told.height > 100
    rows = enumerate(dirty.iter_rows(named=True))
    expected = {(n, code) for n, row in rows for code in traced(demo, claim_of(row, columns))}
    assert found == expected


def traced(grouper, claim) -> Iterator[str]:
    """Codes that a claim's own steps tell."""
    result, steps = grouper.trace(claim)
    case = steps[0].subject
    if result.reason is None:
        return
    for step in steps:
        if step.kind == "check" and step.holds:
            yield step.subject.check
        elif step.kind == "missing":
            yield "E130"
    for reading in case.readings("dx") + case.readings("px"):
        if reading.respelled:
            yield "N403"
        elif reading.code is None:
            yield "N402" if reading.kind == "px" else "U201" if reading.principal else "N401"
    yield result.reason


# ---- files


def test_a_workbook_has_the_summary_as_its_second_sheet(files: Path) -> None:
    out, summary = files / "found.xlsx", files / "summary.csv"
    args = ["check", files / "lists.parquet", "-s", "demo", "--rules", "list-quality"]
    run(*args, "-o", out, "--summary", summary, code=1)
    book = fastexcel.read_excel(out)
    assert book.sheet_names == ["发现", "汇总"]
    table = pl.read_csv(summary)
    assert book.load_sheet(1).height == table.height > 0
    assert book.load_sheet(0).height == table["hits"].sum()


def test_a_failed_check_leaves_nothing(files: Path) -> None:
    lists, out = files / "lists.parquet", files / "never.csv"
    told = run("check", lists, "-o", out, "--items", files / "none.csv", code=2)
    assert "F101" in told.output
    assert not out.exists()
    told = run("check", lists, "-s", "demo", "-o", out, "--summary", lists, code=2)
    assert "C201" in told.output
    assert not out.exists()


def test_findings_of_a_file_without_ids_or_hospitals(tmp_path: Path, demo) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("sex,age,diagnoses\nM,60,I63.905\nF,-1,N40.x00\n", "utf-8")
    out = tmp_path / "found.csv"
    files = CheckFiles(deductions=tmp_path / "deductions.csv")
    report = check_file(demo, bare, out, rules=load_rules(), files=files, lang="en")
    found = pl.read_csv(out)
    assert set(found["claim_id"].fill_null("")) == {""}
    assert found.height > 0
    assert report.table["hospital_id"].null_count() == report.table.height
    assert pl.read_csv(tmp_path / "deductions.csv").height == 0
    empty = tmp_path / "empty.csv"
    empty.write_text("sex,age,diagnoses\n", "utf-8")
    assert check_file(demo, empty, out, rules=load_rules(), lang="en").findings == 0
    assert pl.read_csv(out).columns == FINDING_SCHEMA.names()


# ---- the command


def test_the_command_tells_rules_levels_and_what_nobody_could_judge(files: Path) -> None:
    words = run("check", files / "lists.parquet", "-s", "demo", code=1).stdout
    for part in (
        "通用审核规则集",
        "拒收",
        "人工复核",
        "没有一例能够判断的规则",
        "A401",
        "医疗机构与规则",
    ):
        assert part in words
    few = files / "few.parquet"
    pl.read_parquet(files / "lists.parquet").head(20).write_parquet(few)
    english = run("check", few, "-s", "demo", "--lang", "en", code=1).stdout
    assert "All shipped rules" in english
    assert "could judge no claim" in english


def test_rules_none_is_grouping_alone(files: Path, demo) -> None:
    out = files / "grouping.parquet"
    run(
        "check",
        files / "lists.parquet",
        "-s",
        "demo",
        "--codes",
        "insurance",
        "--rules",
        "none",
        "-o",
        out,
        code=1,
    )
    found = pl.read_parquet(out)
    assert not found["code"].str.starts_with("A").any()
    both, _ = checked(files, demo)
    assert_frame_equal(both.filter(~pl.col("code").str.starts_with("A")), found)
    for option in (
        ["--items", files / "items.parquet"],
        ["--deductions", out],
        ["--set", "A301.x=1"],
    ):
        run("check", files / "lists.parquet", "--rules", "none", *option, code=2)


def test_a_parameter_may_be_supplied(files: Path, demo) -> None:
    usual, _ = checked(files, demo)
    rules = load_rules("demo", supply={"A140.limit_days": "30"})
    lenient, _ = checked(files, demo, rules=rules)
    count = (pl.col("code") == "A140").sum()
    assert usual.select(count).item() > lenient.select(count).item()


def test_rule_pages() -> None:
    page = run("rule", "a301").stdout
    for part in (
        "A301",
        "级别：人工复核",
        "内容：",
        "原因：",
        "处理：",
        "举例：",
        "window_days = 15",
        "来源：S-",
    ):
        assert part in page
    assert "level: for review" in run("rule", "A301", "--lang", "en").stdout
    register = run("rule").stdout
    assert all(f"\n{code} " in register for code in ("A101", "A401", "A521", "E112"))
    assert "A301" in run("rule", "A309", code=2).output


# ---- deductions


def priced_month(folder: Path) -> None:
    """Five grouped claims of June whose charges break rules that deduct by themselves."""
    ids = [f"C{n}" for n in range(5)]
    pl.DataFrame(
        {
            "claim_id": ids,
            "hospital_id": ["H1", "H1", "H2", "H2", "H2"],
            "patient_id": [f"P{n}" for n in range(5)],
            "insurance": ["310"] * 5,
            "admitted_on": ["2025-06-01"] * 5,
            "discharged_on": ["2025-06-09"] * 5,
            "diagnoses": ["J18.900"] * 5,
            "total_cost": ["9000.00", "8000.00", "7000.00", "6000.00", "5000.00"],
            "patient_paid": ["900.00"] * 5,
            "group": ["GB23"] * 5,
            "outcome": ["GROUPED"] * 5,
            "reason": [None] * 5,
        },
        schema_overrides={"reason": pl.String},
    ).write_parquet(folder / "grouped.parquet")
    items = [
        # Twice nursed on one day, of one allowed: half of 100.01, half up.
        ("C0", "DEMO-NURSING", "2025-06-02", "2", "100.01"),
        # 1.7 of a second operation: three tenths too many; and nursed three times.
        ("C1", "DEMO-SURGERY-2", "2025-06-03", "1.7", "340.00"),
        ("C1", "DEMO-NURSING", "2025-06-03", "3", "90.00"),
        # A panel and what it includes.
        ("C2", "DEMO-LAB-PANEL", "2025-06-04", "1", "80.00"),
        ("C2", "DEMO-LAB", "2025-06-04", "1", "35.55"),
        # Charged and taken back.
        ("C3", "DEMO-NURSING", "2025-06-02", "2", "60.00"),
        ("C3", "DEMO-NURSING", "2025-06-02", "-1", "-30.00"),
        ("C4", "DEMO-NURSING", "2025-06-02", "1", "30.00"),
    ]
    names = ("claim_id", "item_code", "charged_on", "quantity", "amount")
    frame = pl.DataFrame(items, schema=names, orient="row")
    frame.with_columns(in_scope_amount="amount").write_csv(folder / "items.csv")
    (folder / "hospitals.csv").write_text("hospital_id,level\nH1,三级\nH2,二级\n", "utf-8")


def test_deductions_reach_the_ledger_to_the_fen(tmp_path: Path, demo) -> None:
    priced_month(tmp_path)
    grouped, decisions = tmp_path / "grouped.parquet", tmp_path / "deductions.csv"
    files = CheckFiles(items=tmp_path / "items.csv", deductions=decisions)
    report = check_file(demo, grouped, rules=load_rules("demo"), files=files, lang="zh")
    told = pl.read_csv(decisions, infer_schema=False)
    amounts = dict(told.select("claim_id", "amount").iter_rows())
    assert amounts == {"C0": "50.01", "C1": "120.00", "C2": "35.55"}
    assert set(told["matter"]) == {"deduction"}
    assert "A402 60.00" in told.filter(pl.col("claim_id") == "C1")["reason"].item()
    total = sum(map(Decimal, amounts.values()))
    assert report.deductions.total_fen == total * 100 == 20556
    policy, register = load_policy("demo-2024"), tmp_path / "hospitals.csv"
    kept = []
    for name, given in (("plain", None), ("deducted", decisions)):
        settle_file(
            grouped, policy, tmp_path / name, month=JUNE, hospitals=register, decisions=given,
            statements=False,
        )  # fmt: skip
        totals = read_settlement(tmp_path / name).ledger.totals("account")
        kept.append(dict(totals.iter_rows()).get("deduction", 0))
    assert [abs(fen) for fen in kept] == [0, 20556]


# ---- the page


def test_the_page_lists_every_rule_and_set() -> None:
    page = (ROOT / "docs" / "audit.md").read_text("utf-8")
    for rule in load_rules().rules:
        told = (rule.id, rule.kind, rule.level.value, rule.title_zh, rule.title_en)
        row = f"| {' | '.join(told)} | {rule.source}, {rule.status} |"
        assert row in page, row
    for rules in list_rule_sets():
        row = f"| `{rules.id}` | {rules.title_zh}: {rules.title_en}, {len(rules.rules)} rules |"
        assert row in page, row


def test_the_rule_set_of_the_page_can_be_used(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "audit.md").read_text("utf-8")
    (tmp_path / "our.toml").write_text(page.split("```toml\n")[1].split("```")[0], "utf-8")
    (tmp_path / "our-limits.csv").write_text("code,most,per\nNURSING,1,day\n", "utf-8")
    rules = load_rules(tmp_path / "our.toml")
    assert rules.rule("A502") is None
    changed = rules.rule("A301")
    assert changed is not None
    assert changed.params["window_days"] == 10
