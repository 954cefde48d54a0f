"""Lint: every finding on a demo scheme changed by hand, and no claim in a group called dead."""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import made_schemes
import polars as pl
import pytest
import strategies
import tomli_w
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given, reject
from hypothesis import strategies as st
from test_golden import FULL, REGIONS, SAMPLE, SCHEMES, needs_full, read, wanted

import drg
from drg.cli import cli
from drg.errors import TableError
from drg.grouping.reference import ReferenceGrouper
from drg.schemes.catalog import list_schemes, load_scheme
from drg.schemes.lint import LintReport, lint, unreachable
from drg.schemes.lint_finding import lint_codes, lint_page
from drg.schemes.lint_groups import unreachable_groups
from drg.schemes.lint_reach import reach
from drg.schemes.lint_space import Space
from drg.schemes.save import save_extension, save_overlay, save_scheme
from drg.schemes.tables import SCHEME_TABLES

Tables = dict[str, pl.DataFrame]
Change = Callable[[Tables], None]

HEADER = {
    "id": "mine",
    "kind": "chs-drg",
    "title_zh": "试",
    "title_en": "t",
    "in_force": ["", ""],
    "in_force_status": "synthetic",
    "in_force_note": "made up",
    "sources": ["S-DEMO"],
}
ORIGIN = {"source": "S-DEMO", "status": "synthetic"}


def demo_tables() -> Tables:
    scheme = load_scheme("demo")
    return {name: scheme.table(name) for name in SCHEME_TABLES}


def header(**more: object) -> dict[str, object]:
    return {**HEADER, "tables": {name: dict(ORIGIN) for name in SCHEME_TABLES}, **more}


def save_changed(folder: Path, change: Change, **more: object) -> Path:
    """The demo scheme with some rows changed, as a folder."""
    tables = demo_tables()
    change(tables)
    folder.mkdir(parents=True, exist_ok=True)
    save_scheme(folder, header(**more), tables)
    return folder


def explain_too(toml: Path, *amendments: dict[str, str]) -> None:
    """Amendments explained by hand: a folder that is saved has none without rows."""
    told = tomllib.loads(toml.read_text("utf-8"))
    told["amendments"] += amendments
    toml.write_text(tomli_w.dumps(told), "utf-8")


def found_in(report: LintReport) -> set[tuple[str, str]]:
    return {(f.code, f.key) for f in report.findings}


@pytest.fixture(scope="module")
def usual() -> set[tuple[str, str]]:
    """Findings that the demo scheme has as it is."""
    return found_in(lint(["demo"]))


# ---- changes


def row(table: str, *cells: str) -> Change:
    """Add a row."""

    def change(tables: Tables) -> None:
        columns = tables[table].columns
        tables[table] = pl.concat(
            [tables[table], pl.DataFrame([cells], schema=columns, orient="row")]
        )

    return change


def edit(table: str, where: str, **cells: str) -> Change:
    """Change cells of the rows in which a cell is ``where``."""

    def change(tables: Tables) -> None:
        frame = tables[table]
        hit = pl.any_horizontal(pl.all() == where)
        assert frame.filter(hit).height, where
        tables[table] = frame.with_columns(
            pl.when(hit).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
            for name, value in cells.items()
        )

    return change


def drop(table: str, where: str) -> Change:
    """Remove the rows in which a cell is ``where``."""

    def change(tables: Tables) -> None:
        tables[table] = tables[table].filter(~pl.any_horizontal(pl.all() == where))

    return change


def both(*changes: Change) -> Change:
    def change(tables: Tables) -> None:
        for one in changes:
            one(tables)

    return change


BR1_WIDE_FIRST = both(edit("drg", "BR11", rule="mcc or cc"), edit("drg", "BR13", rule="mcc"))

#: name -> change, findings that it makes, by code and key.
CASES: dict[str, tuple[Change, set[tuple[str, str]]]] = {
    "a set that no rule names": (
        row("code_set", "BX9.dx", "dx", "G40.900"),
        {("L101", "BX9.dx")},
    ),
    "a code that is nowhere, in two places": (
        both(
            row("code_set", "BV1.dx", "dx", "G40.9OO"),
            row("mdc_diagnosis", "MDCB", "G40.9OO", ""),
        ),
        {("L102", "G40.9OO")},
    ),
    "a code in braces that is nowhere": (
        edit("adrg", "BV1", rule="principal_dx in BV1.dx or principal_dx in {G40.9OO}"),
        {("L102", "G40.9OO")},
    ),
    "lower case beside upper case": (
        both(
            row("code_set", "BV1.dx", "dx", "g40.900"),
            row("mdc_diagnosis", "MDCB", "g40.900", ""),
        ),
        {("L102", "g40.900"), ("L103", "BV1.dx G40.900"), ("L103", "MDCB G40.900")},
    ),
    "an MDC's list that no rule names": (
        edit("mdc", "MDCG", rule="principal_dx in GZ1.dx"),
        {("L104", "MDCG")},
    ),
    "grey codes that no check asks for": (drop("check", "N404"), {("L105", "GREY.dx")}),
    "a prefix of no code": (
        edit("adrg", "PS1", rule="any_dx in {P97.*, P07.*} and age_days <= 28 and weight < 1500"),
        {("L106", "MDCP PS1/1")},
    ),
    "a procedure of an ADRG that is not valid": (
        drop("valid_procedure", "99.1000"),
        {("L108", "VALID")},
    ),
    "the same rule twice": (
        edit("adrg", "BV1", rule="principal_dx in BT2.dx"),
        {("L110", "MDCB BV1/1"), ("L101", "BV1.dx"), ("L131", "MDCB")},
    ),
    "the same test twice": (
        edit("drg", "BR13", rule="mcc"),
        {("L110", "BR1 BR13 2")},
    ),
    "never": (
        edit("adrg", "AH1", rule="never"),
        {("L111", "MDCA AH1/1"), ("L101", "AH1.px"), ("L107", "VALID")},
    ),
    "a contradiction": (
        edit("adrg", "AH1", rule="principal_px in AH1.px and age < 5 and age >= 10"),
        {("L111", "MDCA AH1/1")},
    ),
    "a procedure that does not pass the door": (
        both(
            edit("mdc", "MDCA", rule="principal_px in VALID"),
            drop("valid_procedure", "39.6500"),
        ),
        {("L112", "MDCA AH1/1"), ("L108", "VALID")},
    ),
    "diagnoses that are not the MDC's": (
        drop("mdc_diagnosis", "G40.900"),
        {("L112", "MDCB BV1/1")},
    ),
    "taken by the two rows before together": (
        both(
            row("adrg", "MDCB", "70", "BV2", "1", "癫痫二", "medical",
                "principal_dx in BV2.dx", ""),
            row("code_set", "BV2.dx", "dx", "G40.900"),
            row("code_set", "BV2.dx", "dx", "A17.000+G01*"),
            row("drg", "BV2", "", "1", "BV29", "癫痫二", "always"),
        ),
        {("L113", "MDCB BV2/1")},
    ),
    "taken by an earlier MDC": (
        both(
            row("mdc", "9", "MDCH", "肝", "principal_dx in MDCH"),
            row("mdc_diagnosis", "MDCH", "K35.300", ""),
            row("adrg", "MDCH", "10", "HZ1", "1", "肝", "medical", "principal_dx in MDCH", ""),
            row("drg", "HZ1", "", "1", "HZ19", "肝", "always"),
        ),
        {("L113", "MDCH HZ1/1")},
    ),
    "rejected by a check": (
        edit("adrg", "BV1", rule="principal_dx in BV1.dx and age < 0"),
        {("L113", "MDCB BV1/1"), ("L131", "MDCB")},
    ),
    "a test that is never": (
        edit("drg", "BR11", rule="never"),
        {("L114", "BR1 BR11 1")},
    ),
    "a test that contradicts its ADRG": (
        edit("drg", "BV13", rule="principal_dx in BT2.dx"),
        {("L115", "BV1 BV13 1")},
    ),
    "a test after always": (
        both(
            edit("drg", "BR11", order="4", rule="mcc and age >= 70"),
        ),
        {("L116", "BR1 BR11 4"), ("L125", "BR1")},
    ),
    "a narrower test after a wider one": (
        edit("drg", "BR13", rule="mcc and age >= 70"),
        {("L116", "BR1 BR13 2")},
    ),
    "mcc after mcc or cc": (BR1_WIDE_FIRST, {("L117", "BR1 BR13 2")}),
    "a door that never opens": (
        edit("mdc", "MDCG", rule="principal_dx in MDCG and never"),
        {("L118", "MDCG"), ("L131", "MDCG")},
    ),
    "a second rule of an ADRG that adds nothing": (
        row("adrg", "MDCB", "70", "BV1", "2", "癫痫", "medical",
            "principal_dx in BV1.dx and age > 14", ""),
        {("L119", "MDCB BV1/2")},
    ),
    "no group": (drop("drg", "BT2"), {("L120", "BT2")}),
    "no group for the rest": (drop("drg", "BR15"), {("L121", "BR1")}),
    "an age that no test takes": (
        both(edit("drg", "BV13", rule="age < 18"), edit("drg", "BV15", rule="age > 18")),
        {("L121", "BV1")},
    ),
    "an MDC without ADRGs": (
        row("mdc", "9", "MDCH", "肝", "principal_dx in {K35.300}"),
        {("L124", "MDCH")},
    ),
    "a hole in the order": (edit("drg", "BR15", order="4"), {("L125", "BR1")}),
    "a surgical ADRG after the ambiguous row": (
        edit("adrg", "GE1", order="25"),
        {("L126", "MDCG GQY/1"), ("L113", "MDCG GE1/1")},
    ),
    "one ADRG, two names": (
        row("adrg", "MDCB", "70", "BV1", "2", "癫痫病", "medical",
            "principal_dx in {I63.905} and age < 0", ""),
        {("L127", "BV1"), ("L113", "MDCB BV1/2")},
    ),
    "one group of two ADRGs": (
        edit("drg", "BT29", drg="BV15"),
        {("L128", "BV15"), ("L127", "BV15")},
    ),
    "a group under another code": (edit("drg", "BT29", drg="BW29"), {("L129", "BW29")}),
    "an ADRG's diagnosis outside its MDC": (
        row("code_set", "BV1.dx", "dx", "K35.300"),
        {("L130", "BV1.dx")},
    ),
    "a diagnosis that no ADRG takes": (
        row("mdc_diagnosis", "MDCB", "G41.900", ""),
        {("L131", "MDCB")},
    ),
    "a procedure that does not pass the door, beside one that does": (
        both(
            edit("mdc", "MDCA", rule="principal_px in VALID"),
            row("code_set", "AH1.px", "px", "37.6600x001"),
        ),
        {("L132", "AH1.px"), ("L108", "VALID")},
    ),
    "a procedure that an earlier ADRG takes": (
        row("code_set", "BL1.px", "px", "39.6500"),
        {("L133", "BL1.px")},
    ),
    "no body site": (
        both(
            edit("mdc", "MDCG", rule="principal_dx in MDCG and trauma_sites >= 1"),
            edit("mdc_diagnosis", "K35.300", site="腹部"),
        ),
        {("L134", "MDCG"), ("L131", "MDCG")},
    ),
    "a kind that the letter contradicts": (
        edit("adrg", "BV1", kind="surgical"),
        {("L135", "MDCB BV1/1"), ("L126", "MDCB BQY/1")},
    ),
    "an exclusion table of one side": (
        both(
            row("exclusion", "A17.000+G01*", "500"),
            row("severity", "G40.900", "CC", "501"),
        ),
        {("L140", "500"), ("L141", "501")},
    ),
    "an ambiguous row without a reason": (edit("adrg", "GQY", reason=""), {("L139", "GQY")}),
    "a reason without a page": (edit("adrg", "GQY", reason="Q999"), {("L145", "Q999")}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_finding_of_a_change(name, tmp_path, usual):
    change, expected = CASES[name]
    found = found_in(lint([save_changed(tmp_path / "mine", change)]))
    accepted = {key for key in usual if key[0] in ("L140", "L141", "L107")}
    assert found - accepted == expected - accepted
    assert expected <= found


def test_a_copy_of_the_demo_has_what_the_demo_has(tmp_path, usual):
    folder = save_changed(tmp_path / "mine", lambda tables: None)
    assert found_in(lint([folder])) == usual


def test_tests_that_fall_through_are_told_otherwise(tmp_path):
    """With unmatched_adrg = "next" a claim goes on instead of getting the bare ADRG code."""
    flags = {"unmatched_adrg": "next"}
    gone = save_changed(tmp_path / "a", drop("drg", "BT2"), flags=flags)
    assert ("L122", "BT2") in found_in(lint([gone]))
    left = save_changed(tmp_path / "b", drop("drg", "BR15"), flags=flags)
    assert ("L123", "BR1") in found_in(lint([left]))


def test_going_on_saves_a_row_behind_an_adrg_with_gaps(tmp_path):
    """BV1 twice: the second rule is dead unless claims fall through the first one's tests."""
    again = row("adrg", "MDCB", "70", "BV3", "1", "癫痫三", "medical", "principal_dx in BV1.dx", "")
    change = both(again, row("drg", "BV3", "", "1", "BV39", "癫痫三", "always"))
    dead = save_changed(tmp_path / "a", change)
    assert ("L110", "MDCB BV3/1") in found_in(lint([dead]))
    alive = save_changed(
        tmp_path / "b", both(change, drop("drg", "BV15")), flags={"unmatched_adrg": "next"}
    )
    assert "L110" not in {code for code, _ in found_in(lint([alive]))}
    assert "BV39" not in unreachable(load_scheme(alive))


def test_the_text_names_rows_groups_and_reasons(tmp_path):
    report = lint([save_changed(tmp_path / "mine", BR1_WIDE_FIRST)])
    (finding,) = (f for f in report.findings if f.code == "L117")
    assert finding.items == ("drg.csv BR1 BR11 1",)
    assert finding.text("zh") == (
        "BR1 BR13 2（脑卒中，伴合并症或并发症）次序颠倒：更宽的条件 drg.csv BR1 BR11 1 在先；"
        "无法到达的病组：BR13"
    )
    assert finding.text("en").endswith("groups out of reach: BR13")
    assert finding.names == {"BR1 BR13 2", "BR13"}


# ---- what is not in the tables' rows: headers, sources, amendments, dates


def header_codes(folder: Path) -> set[tuple[str, str]]:
    return {(f.code, f.key) for f in lint([folder]).findings if f.level != "info"} - found_in(
        lint(["demo"])
    )


def nothing(tables: Tables) -> None:
    """Leave the tables as they are."""


def test_sources_and_status_of_tables(tmp_path):
    tables = {name: dict(ORIGIN) for name in SCHEME_TABLES}
    tables["adrg"] = {"status": "synthetic"}
    tables["drg"] = {"source": "S-NOWHERE", "status": "guessed"}
    folder = save_changed(tmp_path / "mine", nothing, tables=tables)
    assert header_codes(folder) == {
        ("L150", "tables.adrg"),
        ("L151", "tables.drg"),
        ("L152", "tables.drg"),
        ("L156", "S-NOWHERE"),
    }


def test_header_entries(tmp_path):
    more = {
        "title_en": "",
        "groups": 18,
        "in_force_note": "",
        "sources": ["S-DEMO", "S-NOWHERE"],
        "notes": [{"table": "adrg", **ORIGIN}],
    }
    folder = save_changed(tmp_path / "mine", nothing, **more)
    assert header_codes(folder) == {
        ("L155", "title_en"),
        ("L138", "groups"),
        ("L158", "in_force_note"),
        ("L151", "sources"),
        ("L157", "notes 1"),
    }


def test_a_register_of_its_own(tmp_path):
    """A bureau's folder brings the documents behind it along."""
    tables = {name: {"source": "S-MINE", "status": "official"} for name in SCHEME_TABLES}
    folder = save_changed(tmp_path / "mine", nothing, tables=tables, sources=["S-MINE"])
    assert ("L151", "tables.adrg") in header_codes(folder)
    (folder / "sources.toml").write_text('["S-MINE"]\ntitle_zh = "通知"\n', "utf-8")
    assert header_codes(folder) == set()


def extension(folder: Path, change: Change, **more: object) -> Path:
    """A scheme that extends the demo, every change under the amendment ``local``."""
    tables = demo_tables()
    change(tables)
    reason = {"id": "local", "reason_zh": "本地", "reason_en": "local", **ORIGIN}
    head = {
        **HEADER, "extends": "demo", "groups": tables["drg"]["drg"].n_unique(),
        "amendments": [reason], "tables": {name: dict(ORIGIN) for name in SCHEME_TABLES}, **more,
    }  # fmt: skip
    save_extension(
        folder, head, demo_tables(), tables,
        lambda name, rows: pl.repeat("local", rows.height, eager=True),
    )  # fmt: skip
    return folder


def test_an_extension_has_only_findings_of_its_own(tmp_path):
    """The demo's own findings are its affair; the region's orphans are not those of the base."""
    clean = extension(tmp_path / "clean", row("code_set", "BV1.dx", "dx", "I63.905"))
    # I63.905 goes to BR1 before: a remark about BV1, as the base had none.
    assert found_in(lint([clean])) == {("L133", "BV1.dx")}
    orphaned = extension(tmp_path / "orphan", edit("adrg", "BV1", rule="principal_dx in {G40.900}"))
    assert found_in(lint([orphaned])) == set()
    own = extension(tmp_path / "own", row("code_set", "BX9.dx", "dx", "G40.900"))
    assert found_in(lint([own])) == {("L101", "BX9.dx")}


def test_more_of_a_finding_than_the_base_has_is_ones_own(tmp_path):
    folder = extension(tmp_path / "mine", row("valid_procedure", "88.4101", ""))
    report = lint([folder])
    (finding,) = report.findings
    assert (finding.code, finding.items) == ("L107", ("88.4100", "88.4101"))


def test_amendments_without_rows_or_reasons(tmp_path):
    change = row("code_set", "BV1.dx", "dx", "I63.905")
    used = {"id": "local", "reason_zh": "本地", "reason_en": "", **ORIGIN}
    unused = [
        {"id": "gone", "reason_zh": "无", "reason_en": "none", **ORIGIN},
        {"id": "gone", "reason_zh": "无", "reason_en": "none", "source": "S-DEMO"},
    ]
    folder = extension(tmp_path / "mine", change, amendments=[used])
    explain_too(folder / "scheme.toml", *unused)
    assert header_codes(folder) == {
        ("L154", "amendments local"),
        ("L153", "amendments gone"),
        ("L136", "amendments gone"),
        ("L152", "amendments gone"),
    }


def test_amendments_of_an_overlay(tmp_path):
    folder = save_changed(tmp_path / "mine", nothing)
    tables = demo_tables()
    edit("drg", "BR13", rule="cc")(tables)
    used = {"id": "cc", "reason_zh": "一", "reason_en": "one", **ORIGIN}
    overlay = folder / "compat" / "other"
    overlay.parent.mkdir()
    save_overlay(
        overlay, {"name": "other", "amendments": [used]}, demo_tables(), tables,
        lambda name, rows: pl.repeat("cc", rows.height, eager=True),
    )  # fmt: skip
    dead = {"id": "dead", "reason_zh": "二", "reason_en": "two", **ORIGIN}
    explain_too(overlay / "overlay.toml", dead)
    assert header_codes(folder) == {("L153", "amendments dead")}
    report = lint([folder], compat="other")
    assert report.targets == ("mine+other",)
    (finding,) = (f for f in report.findings if f.code == "L153")
    assert finding.table == "compat/other/overlay.toml"


def test_number_of_groups_of_an_extension(tmp_path):
    change = row("drg", "BT2", "", "2", "BT25", "脑膜感染", "always")
    folder = extension(tmp_path / "mine", change)
    text = (folder / "scheme.toml").read_text("utf-8")
    (folder / "scheme.toml").write_text(re.sub(r"(?m)^groups = .*\n", "", text), "utf-8")
    assert ("L137", "groups") in header_codes(folder)


def test_dates_of_versions(tmp_path):
    dates = {"a": ["2022-01-01", "2023-02-01"], "b": ["2023-01-01", "2024-01-01"],
             "c": ["2024-03-01", ""], "d": ["", ""]}  # fmt: skip
    for name, days in dates.items():
        save_changed(tmp_path / name, nothing, id=name, place="town", in_force=days)
    found = found_in(lint([tmp_path / "a"]))
    assert ("L159", "town a b") in found
    assert ("L160", "town b c") in found
    assert not any(key.endswith(" d") for _, key in found)


def test_the_register_of_documents(tmp_path, monkeypatch):
    root = made_schemes.tiny_tables_root(tmp_path / "tables")
    (root / "sources.toml").write_text(
        '["S-A"]\ntitle_zh = "甲"\ntitle_en = "A"\nissuer = "x"\nused = "codes"\n'
        'status = "official"\nobtained = "read"\n'
        '["S-B"]\ntitle_zh = "乙"\nstatus = "guessed"\n',
        "utf-8",
    )
    toml = root / "codes" / "codes.toml"
    text = toml.read_text("utf-8")
    toml.write_text(
        text.replace("[tables.icd10]\n", '[tables.icd10]\nsource = "S-A"\nstatus = "official"\n'),
        "utf-8",
    )
    monkeypatch.setenv("DRG_TABLES", str(root))
    report = lint()
    assert report.targets == ("codes", "sources")
    assert found_in(report) == {
        ("L150", "tables.icd9cm3"),
        ("L152", "tables.icd9cm3"),
        ("L152", "S-B"),
        ("L161", "S-B"),
        ("L162", "S-B"),
    }


def test_the_national_lists(tmp_path, monkeypatch):
    root = made_schemes.tiny_tables_root(tmp_path / "tables")
    lists = {
        "icd10": made_schemes.csv_text("code,name", [("A01.000", "甲"), ("a01.000", "乙")]),
        "icd9cm3": made_schemes.csv_text("code,name", [("01.0100", " ")]),
    }
    made_schemes.write_folder(root / "codes", "codes.toml", "", lists)
    monkeypatch.setenv("DRG_TABLES", str(root))
    found = found_in(lint(["codes"]))
    assert {("L103", "A01.000"), ("L163", "icd9cm3")} <= found


def test_a_scheme_that_cannot_be_read_is_a_finding_among_others(tmp_path):
    broken = save_changed(tmp_path / "broken", nothing)
    (broken / "drg.csv").write_text("adrg\n", "utf-8")
    report = lint([broken, "demo"])
    assert report.targets == ("mine", "demo")
    (first,) = (f for f in report.of("mine") if f.code == "L100")
    assert "T103" in first.text("zh")
    assert not report.clean


# ---- accepted findings


def accepting(**entry: object) -> dict[str, object]:
    entry = {
        "lint": "L101", "where": ["BX9.dx"], "source": "S-DEMO", "reason_zh": "留作后用",
        "reason_en": "for later", **entry,
    }  # fmt: skip
    own = [
        {"lint": code, "where": ["*"], "source": "S-DEMO", "reason_zh": "演示", "reason_en": "demo"}
        for code in ("L140", "L141")
    ]
    return {"accepted": [*own, entry]}


ORPHAN = row("code_set", "BX9.dx", "dx", "G40.900")


def test_an_accepted_finding_does_not_count(tmp_path):
    report = lint([save_changed(tmp_path / "mine", ORPHAN, **accepting())])
    (finding,) = (f for f in report.findings if f.code == "L101")
    assert finding.accepted is not None
    assert report.clean
    lines = report.lines("zh")
    assert lines == ["mine  错误 0，警告 0，提示 1，已接受 8"]
    lines = report.lines("zh", everything=True)
    assert "    已接受：留作后用（S-DEMO）" in lines


def test_a_row_may_be_accepted_by_its_group(tmp_path):
    entry = accepting(lint="L117", where=["BR13"])
    assert lint([save_changed(tmp_path / "mine", BR1_WIDE_FIRST, **entry)]).clean


@pytest.mark.parametrize(
    ("entry", "finding"),
    [
        ({"where": ["BX9.dx", "BX8.dx"]}, ("L190", "accepted L101 BX8.dx")),
        ({"lint": "L102"}, ("L190", "accepted L102 BX9.dx")),
        ({"count": 2}, ("L191", "accepted L101")),
        ({"reason_en": ""}, ("L192", "accepted 3")),
        ({"where": "BX9.dx"}, ("L192", "accepted 3")),
        ({"lint": "L999"}, ("L192", "accepted 3")),
        ({"source": "S-NOWHERE"}, ("L151", "accepted 3")),
    ],
)
def test_an_acceptance_that_does_not_fit_is_a_finding(tmp_path, entry, finding):
    report = lint([save_changed(tmp_path / "mine", ORPHAN, **accepting(**entry))])
    assert finding in found_in(report)
    assert not report.clean


def test_accepting_changes_no_digest(tmp_path):
    plain = load_scheme(save_changed(tmp_path / "a", ORPHAN))
    accepted = load_scheme(save_changed(tmp_path / "b", ORPHAN, **accepting()))
    assert plain.digest == accepted.digest


# ---- soundness


def deciding(steps) -> tuple:
    """The ADRG rule and the DRG test that a claim's group rests on."""
    for step in reversed(steps):
        for adrg in reversed(step.children) if step.kind == "mdc" else ():
            if adrg.holds:
                tests = [test.subject for test in adrg.children if test.holds]
                return adrg.subject, tests[-1] if tests else None
    raise AssertionError("no row holds")


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory):
    return made_schemes.tiny_tables_root(tmp_path_factory.mktemp("tables"))


@given(scheme=made_schemes.schemes(), data=st.data())
def test_no_claim_is_decided_by_a_row_called_dead(tiny_root, scheme, data):
    """Any rules, any flags, claims aimed at the rules and claims at random."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRG_TABLES", str(tiny_root))
        loaded = load_scheme(scheme.write(Path(folder) / "made"))
        try:
            found = reach(loaded, Space(loaded))
        except TableError as error:
            assert error.code == "T119"  # too many alternatives: no such scheme can be compiled
            reject()
    groups = unreachable_groups(loaded, found)
    adrgs = {row.index for row, _ in found.dead_adrgs}
    tests = {(row.index, test.index) for row, test, _ in found.dead_tests}
    gaps = {row.index for row in found.gaps}
    shut = {mdc.mdc for mdc in found.shut}
    aimed = strategies.claim_rows(strategies.Pool(loaded))
    rows = data.draw(st.lists(st.one_of(aimed, made_schemes.small_claims()), max_size=15))
    reference = ReferenceGrouper(loaded)
    for claim in rows:
        result, steps = reference.trace(drg.Claim.from_row(claim))
        if result.outcome not in ("GROUPED", "AMBIGUOUS"):
            continue
        adrg, test = deciding(steps)
        assert result.group not in groups
        assert adrg.mdc not in shut
        assert adrg.index not in adrgs
        if test is not None:
            assert (adrg.index, test.index) not in tests
        elif not adrg.ambiguous and loaded.drgs_of(adrg):
            assert adrg.index in gaps


@cache
def dead_of(scheme: str, compat: str | None = None) -> frozenset[str]:
    """Groups called dead, of a national scheme."""
    return frozenset(unreachable(load_scheme(scheme, compat)))


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("compat", [None, "opendrg"])
def test_no_golden_claim_is_in_a_group_called_dead(grouper_of, name, compat):
    """As measured against the recorded answers; as published against our own."""
    path = FULL / f"{name}.csv.gz"
    golden = read(path if path.is_file() else SAMPLE / f"{name}.csv.gz")
    grouper = grouper_of(SCHEMES[name], compat)
    dead = dead_of(SCHEMES[name], compat)
    answers = wanted(golden) if compat else grouper.group_frame(golden)
    groups = set(answers["group"].drop_nulls())
    assert groups & dead == set()
    assert len(groups) > 500


@pytest.mark.long
@needs_full
@pytest.mark.parametrize("name", REGIONS)
def test_no_golden_claim_of_a_region_is_in_a_group_called_dead(name):
    golden = read(FULL / f"{name}.csv.gz")
    for compat in (None, "opendrg"):
        grouper = drg.Grouper.load(REGIONS[name], compat)
        dead = unreachable(grouper.scheme)
        answers = wanted(golden) if compat else grouper.group_frame(golden)
        groups = set(answers["group"].drop_nulls())
        assert groups & dead == set()
        assert len(groups) > 500


def test_dead_groups_of_the_measured_1_0():
    """The lists that its carrier lost: 14 ADRGs with 28 groups swallowed by the row before."""
    scheme = load_scheme("chs-drg-1.0", "opendrg")
    dead = dead_of("chs-drg-1.0", "opendrg") & {test.drg for test in scheme.drgs}
    assert len(dead) == 28
    assert {group[:3] for group in dead} == {
        "PC1", "PJ1", "PK1", "PR1", "PS1", "PT1", "PT2", "PU1", "WC1", "WJ1", "WR1", "WZ1",
        "YR1", "YR2",
    }  # fmt: skip
    published = load_scheme("chs-drg-1.0")
    assert not dead_of("chs-drg-1.0") & {test.drg for test in published.drgs}


# ---- the shipped tables, the command, the pages


def test_some_shipped_tables_are_clean():
    report = lint(["demo", "chs-drg-2.0", "foshan-2022"])
    assert report.clean, "\n".join(report.lines("en"))


@pytest.mark.long
def test_shipped_tables_are_clean():
    report = lint()
    assert report.targets == (*(info.id for info in list_schemes()), "codes", "sources")
    assert report.clean, "\n".join(report.lines("en"))
    for finding in report.findings:
        for lang in ("zh", "en"):
            assert finding.line(lang)


def run(*args: object, code: int) -> str:
    result = CliRunner().invoke(cli, ["tables", "lint", *map(str, args)])
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_command(tmp_path):
    folder = save_changed(tmp_path / "mine", ORPHAN)
    assert run("demo", code=0) == "demo  错误 0，警告 0，提示 1，已接受 7\n"
    words = run(folder, "demo", code=3)
    assert "警告 L101 code_set: 集合 BX9.dx（1 个编码）没有任何规则引用" in words
    assert "合计 2 项" in words
    assert "drg rule L113" in words
    assert "L107" not in words
    assert "L107" in run(folder, "--all", code=3)


def test_the_command_for_programs(tmp_path):
    folder = save_changed(tmp_path / "mine", ORPHAN)
    out = tmp_path / "found.xlsx"
    found = json.loads(run(folder, "--json", "-o", out, code=3))
    (orphan,) = (entry for entry in found if entry["code"] == "L101")
    assert orphan == {
        "scheme": "mine", "code": "L101", "level": "warning", "table": "code_set",
        "key": "BX9.dx", "text": "集合 BX9.dx（1 个编码）没有任何规则引用", "items": [],
        "accepted": False, "source": "", "reason": "",
    }  # fmt: skip
    assert pl.read_excel(out).height == len(found)
    run(folder, "-o", tmp_path / "found.csv", code=3)
    table = pl.read_csv(tmp_path / "found.csv")
    assert table.columns == list(orphan)


def test_the_command_names_a_scheme_that_is_not_there(tmp_path):
    result = CliRunner().invoke(cli, ["tables", "lint", "chs-drg-9.9"])
    assert result.exit_code == 3
    assert "S101" in result.stderr


def test_many_findings_of_a_code_are_counted_on_a_terminal(tmp_path):
    def change(tables: Tables) -> None:
        for n in range(25):
            row("code_set", f"BX{n:02}.dx", "dx", "G40.900")(tables)

    report = lint([save_changed(tmp_path / "mine", change)])
    lines = report.lines("en")
    assert sum("L101" in line for line in lines) == 21
    assert "  5 more of L101; -o FILE writes them all" in lines
    assert sum("L101" in line for line in report.lines("en", everything=True)) == 25


def test_every_code_is_made_and_has_a_page():
    here = Path(__file__)
    text = "".join(p.read_text("utf-8") for p in (here, here.with_name("test_dip_catalogues.py")))
    untested = {code for code in lint_codes() if text.count(f'"{code}"') == 0}
    assert untested == set()
    for code in lint_codes():
        for lang in ("zh", "en"):
            page = lint_page(code, lang)
            assert len(page) == 4
            assert all(line.strip() for line in page)
            assert bool(re.search("[一-鿿]", "".join(page))) == (lang == "zh")


def test_the_tables_page_lists_every_code():
    page = (ROOT / "docs" / "tables.md").read_text("utf-8")
    for code in lint_codes():
        title = lint_page(code, "en")[0].removeprefix(f"{code} ")
        assert f"| {code} | " in page, code
        assert title in page, code
