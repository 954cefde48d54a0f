"""What changed between two schemes: by hand on the demo, counted on the national ones."""

from __future__ import annotations

import re
import zipfile
from itertools import combinations, permutations
from pathlib import Path

import polars as pl
import pytest
from changed_schemes import add, all_of, changed, drop, put
from click.testing import CliRunner
from conftest import ROOT

import drg
from drg.cli import cli
from drg.schemes.amend import amendments
from drg.schemes.diff import SECTIONS, Change, DiffError, diff_schemes
from drg.schemes.diff_rules import longest_increasing
from drg.schemes.diff_text import detail_lines, summary_lines, write_diff
from drg.schemes.tables import SCHEME_TABLES
from drg.text import catalogue


def compare(tmp_path: Path, changes=None, **flags):
    """The demo against a changed copy."""
    folder = changed(tmp_path, changes, flags=flags)
    return diff_schemes(drg.load_scheme("demo"), drg.load_scheme(folder))


def rows(diff, section: str | None = None) -> list[tuple[str, ...]]:
    """(change, mdc, adrg, key, column, before, after) of a section, or of all."""
    found = diff.changes if section is None else diff.section(section)
    return found.select("change", "mdc", "adrg", "key", "column", "before", "after").rows()


@pytest.fixture(scope="module")
def national():
    """From CHS-DRG 1.1 to 2.0."""
    return diff_schemes(drg.load_scheme("chs-drg-1.1"), drg.load_scheme("chs-drg-2.0"))


# ---- one table at a time


def test_a_copy_does_not_differ(tmp_path):
    diff = compare(tmp_path)
    assert not diff
    assert diff.changes.is_empty()
    assert diff.sets.is_empty()
    assert len(summary_lines(diff, "zh")) == 3


def test_codes_of_a_set_come_and_go_with_their_names(tmp_path):
    diff = compare(
        tmp_path,
        {
            "code_set": all_of(
                add(set="BR1.dx", kind="dx", code="G40.900"), drop(set="BR1.dx", code="I61.001")
            )
        },
    )
    assert rows(diff) == [
        ("added", "MDCB", "BR1", "G40.900", "set", "", "BR1.dx"),
        ("removed", "MDCB", "BR1", "I61.001", "set", "BR1.dx", ""),
    ]
    assert diff.changes["name"].to_list() == ["癫痫", "豆状核出血"]
    assert diff.sets.rows() == [("BR1.dx", "changed", "dx", "MDCB", "BR1", "BR1.dx", 2, 2, 1, 1)]


def rename_set(old: str, new: str):
    return {
        "code_set": put({"set": old}, set=new),
        "adrg": lambda t: t.with_columns(pl.col("rule").str.replace_all(old, new, literal=True)),
    }


def test_a_renamed_set_is_one_change_and_its_rule_another(tmp_path):
    diff = compare(tmp_path, rename_set("BR1.dx", "BR1_1.dx"))
    assert rows(diff) == [
        ("renamed", "MDCB", "BR1", "BR1/1", "rule", "principal_dx in BR1.dx",
         "principal_dx in BR1_1.dx"),
        ("renamed", "MDCB", "BR1", "BR1_1.dx", "set", "BR1.dx", "BR1_1.dx"),
    ]  # fmt: skip
    assert diff.sets["change"].to_list() == ["renamed"]


def test_a_set_renamed_and_changed_is_a_rename_and_its_codes(tmp_path):
    changes = rename_set("BR1.dx", "BR1_1.dx")
    more = add(set="BR1_1.dx", kind="dx", code="G40.900")
    changes["code_set"] = all_of(changes["code_set"], more)
    diff = compare(tmp_path, changes)
    assert rows(diff, "code_set") == [
        ("renamed", "MDCB", "BR1", "BR1_1.dx", "set", "BR1.dx", "BR1_1.dx"),
        ("added", "MDCB", "BR1", "G40.900", "set", "", "BR1_1.dx"),
    ]


def test_a_set_given_twice_is_a_copy(tmp_path):
    """Regions split one rule into several that all name the codes of the first."""
    copies = [
        add(set=f"BR1_{n}.dx", kind="dx", code=c) for n in (1, 2) for c in ("I61.001", "I63.905")
    ]
    diff = compare(
        tmp_path,
        {
            "code_set": all_of(drop(set="BR1.dx"), *copies),
            "adrg": all_of(
                put({"adrg": "BR1"}, rule="principal_dx in BR1_1.dx and sex = male"),
                add(mdc="MDCB", order="41", adrg="BR1", rule_no="2", name="脑卒中",
                    kind="medical", rule="principal_dx in BR1_2.dx and sex = female"),
            ),
        },
    )  # fmt: skip
    assert rows(diff, "code_set") == [
        ("renamed", "MDCB", "BR1", "BR1_1.dx", "set", "BR1.dx", "BR1_1.dx"),
        ("renamed", "MDCB", "BR1", "BR1_2.dx", "set", "BR1.dx", "BR1_2.dx"),
    ]
    assert [row[:5] for row in rows(diff, "adrg")] == [
        ("changed", "MDCB", "BR1", "BR1/1", "rule"),
        ("added", "MDCB", "BR1", "BR1/2", "rule"),
    ]


def test_sets_of_other_adrgs_are_not_taken_for_copies(tmp_path):
    """One code alone in two sets says nothing: PR1.dx and the new GZ9.dx are not one set."""
    diff = compare(
        tmp_path,
        {
            "code_set": add(set="GZ9.dx", kind="dx", code="P22.000"),
            "adrg": add(mdc="MDCG", order="40", adrg="GZ9", rule_no="1", name="新",
                        kind="medical", rule="principal_dx in GZ9.dx"),
        },
    )  # fmt: skip
    assert rows(diff, "code_set") == [("added", "MDCG", "GZ9", "P22.000", "set", "", "GZ9.dx")]
    assert diff.sets["change"].to_list() == ["added"]


def test_rules_old_and_new(tmp_path):
    diff = compare(
        tmp_path,
        {
            "mdc": put({"mdc": "MDCG"}, rule="principal_dx in MDCG and sex = male"),
            "adrg": put({"adrg": "GE1"}, rule="any_px in GE1.px", kind="non_or_procedure"),
            "check": all_of(put({"check": "E111"}, level="note"), drop(check="E120")),
        },
    )
    assert rows(diff) == [
        ("changed", "", "", "E111", "level", "stop", "note"),
        ("removed", "", "", "E120", "rule", "principal_dx is missing", ""),
        ("changed", "MDCG", "", "MDCG", "rule", "principal_dx in MDCG",
         "principal_dx in MDCG and sex = male"),
        ("changed", "MDCG", "GE1", "GE1/1", "rule", "principal_px in GE1.px", "any_px in GE1.px"),
        ("changed", "MDCG", "GE1", "GE1/1", "kind", "surgical", "non_or_procedure"),
    ]  # fmt: skip


def test_a_rule_written_otherwise_is_no_change(tmp_path):
    same = put({"adrg": "BB2"}, rule="(principal_dx in BB2.dx)  and principal_px in BB2.px")
    assert not compare(tmp_path, {"adrg": same})


def test_order_is_told_by_the_fewest_moves(tmp_path):
    """BV1 from the end to the front: one move, though every number changes."""
    places = {"BV1": "1", "BB2": "2", "BL1": "3", "BQY": "4", "BR1": "5", "BT2": "6"}
    diff = compare(
        tmp_path, {"adrg": all_of(*(put({"adrg": a}, order=n) for a, n in places.items()))}
    )
    assert rows(diff) == [("moved", "MDCB", "BV1", "BV1/1", "order", "BT2/1", "")]
    assert "癫痫 [MDCB]：原在 BT2/1 之后，现为第一" in "\n".join(detail_lines(diff, "zh"))


def test_numbers_of_an_order_mean_nothing(tmp_path):
    tens = pl.col("order").cast(pl.Int64) * 10
    wider = {
        name: lambda t: t.with_columns(tens.cast(pl.String)) for name in ("mdc", "drg", "check")
    }
    assert not compare(tmp_path, wider)


@pytest.mark.parametrize("length", range(6))
def test_longest_increasing_is_longest_and_increasing(length):
    for values in permutations(range(length)):
        kept = [values[n] for n in sorted(longest_increasing(values))]
        subs = (sub for size in range(length + 1) for sub in combinations(values, size))
        assert kept == sorted(kept)
        assert len(kept) == max(len(sub) for sub in subs if list(sub) == sorted(sub))


def test_splits_are_told_by_adrg(tmp_path):
    diff = compare(
        tmp_path,
        {
            "drg": all_of(
                drop(drg="BR13"),
                put({"drg": "BV13"}, rule="mcc"),
                put({"drg": "GE13"}, order="3"),
            )
        },
    )
    assert rows(diff, "drg") == [
        ("changed", "MDCB", "BV1", "BV13", "rule", "mcc or cc", "mcc"),
        ("removed", "MDCB", "BR1", "BR13", "rule", "mcc or cc", ""),
    ]
    (order,) = rows(diff, "order")
    assert order[:5] == ("moved", "MDCG", "GE1", order[3], "order")
    splits = {adrg: (was, now) for _, adrg, _, was, now in diff.splits.iter_rows()}
    assert splits == {
        "BR1": ("BR11 mcc | BR13 mcc or cc | BR15 always", "BR11 mcc | BR15 always"),
        "BV1": ("BV13 mcc or cc | BV15 always", "BV13 mcc | BV15 always"),
        "GE1": ("GE13 mcc or cc | GE15 always", "GE15 always | GE13 mcc or cc"),
    }


def test_a_group_that_now_belongs_to_one_rule_is_the_same_group(tmp_path):
    diff = compare(tmp_path, {"drg": put({"drg": "BL19"}, rule_no="1")})
    assert rows(diff) == [("changed", "MDCB", "BL1", "BL19", "rule_no", "", "1")]


def test_severity_level_table_and_rows(tmp_path):
    diff = compare(
        tmp_path,
        {
            "severity": all_of(
                put({"code": "E87.600"}, level="MCC"),
                put({"code": "I69.300"}, exclusion_table="48"),
                drop(code="J96.000"),
                add(code="K35.300", level="CC", exclusion_table="48"),
            )
        },
    )
    assert rows(diff) == [
        ("changed", "", "", "E87.600", "level", "CC", "MCC"),
        ("removed", "", "", "J96.000", "level", "MCC", ""),
        ("added", "", "", "K35.300", "level", "", "CC"),
        ("changed", "", "", "I69.300", "exclusion_table", "91", "48"),
    ]


def test_exclusion_tables_that_only_have_another_number(tmp_path):
    """Table 91 is called 7 now, everywhere: one change. K35.300 leaves 107: another."""
    seven = put({"exclusion_table": "91"}, exclusion_table="7")
    diff = compare(
        tmp_path,
        {
            "severity": seven,
            "exclusion": all_of(
                seven, put({"principal_diagnosis": "P07.300"}, exclusion_table="159")
            ),
        },
    )
    assert rows(diff) == [
        ("changed", "", "", "P07.300", "exclusion_table", "157", "159"),
        ("renamed", "", "", "91", "exclusion_table", "91", "7"),
    ]


def test_a_number_that_means_another_table_is_a_change(tmp_path):
    """91 and 107 swap in exclusion.csv alone: I69.300 is now void under other diagnoses."""
    swap = pl.col("exclusion_table").replace({"91": "107", "107": "91"})
    diff = compare(tmp_path, {"exclusion": lambda t: t.with_columns(swap)})
    assert rows(diff, "severity") == [("changed", "", "", "I69.300", "exclusion_table", "91", "91")]
    assert rows(diff, "exclusion") == [
        ("renamed", "", "", "91", "exclusion_table", "91", "107"),
        ("renamed", "", "", "107", "exclusion_table", "107", "91"),
    ]


def test_lists_of_codes(tmp_path):
    diff = compare(
        tmp_path,
        {
            "mdc_diagnosis": all_of(
                drop(code="G40.900"),
                add(mdc="MDCG", code="G40.900"),
                put({"code": "K35.300"}, site="腹部"),
            ),
            "valid_procedure": all_of(drop(code="88.4100"), put({"code": "39.6500"}, name="ECMO")),
            "grey_code": lambda t: None,
            "check": drop(check="N404"),
        },
    )
    assert rows(diff, "mdc_diagnosis") == [
        ("removed", "MDCB", "", "G40.900", "mdc", "MDCB", ""),
        ("added", "MDCG", "", "G40.900", "mdc", "", "MDCG"),
        ("changed", "MDCG", "", "K35.300", "site", "", "腹部"),
    ]
    assert rows(diff, "valid_procedure") == [("removed", "", "", "88.4100", "set", "VALID", "")]
    assert rows(diff, "grey_code") == [("removed", "", "", "K37.x00", "set", "GREY.dx", "")]
    assert rows(diff, "name") == [
        ("changed", "", "", "39.6500", "name", "体外膜氧合[ECMO]", "ECMO")
    ]


def test_flags_and_names_stand_apart(tmp_path):
    diff = compare(
        tmp_path,
        {"adrg": put({"adrg": "BV1"}, name="癫痫病"), "drg": put({"drg": "BV15"}, name="癫痫病"),
         "mdc": put({"mdc": "MDCB"}, name="神经")},
        unmatched_adrg="next",
        rejected=["0000", "00", "0000"],
    )  # fmt: skip
    assert rows(diff, "flag") == [
        ("changed", "", "", "unmatched_adrg", "value", "self", "next"),
        ("changed", "", "", "rejected", "value", "//", "0000/00/0000"),
    ]
    assert [row[3] for row in rows(diff, "name")] == ["MDCB", "BV1/1", "BV15"]
    assert set(diff.changes["section"]) == {"flag", "name"}


def test_an_adrg_under_another_code_is_named(tmp_path):
    diff = compare(
        tmp_path,
        {
            "adrg": put({"adrg": "BV1"}, adrg="BV9"),
            "drg": lambda t: t.with_columns(pl.col("adrg", "drg").str.replace("^BV1", "BV9")),
        },
    )
    assert ("renamed", "MDCB", "BV9", "BV9", "adrg", "BV1", "BV9") in rows(diff, "adrg")


# ---- national schemes: known counts


def count(diff, section, **cells) -> int:
    found = diff.section(section)
    return found.filter(pl.all_horizontal(pl.col(c) == v for c, v in cells.items())).height


def test_from_1_1_to_2_0_adrgs(national):
    old, new = (
        {r.adrg for r in drg.load_scheme(s).adrgs if not r.ambiguous}
        for s in ("chs-drg-1.1", "chs-drg-2.0")
    )
    assert (len(old & new), len(new - old), len(old - new)) == (356, 53, 20)
    adrg = national.section("adrg").filter(pl.col("column") == "rule")
    gone = set(adrg.filter(pl.col("change") == "removed")["adrg"])
    come = set(adrg.filter(pl.col("change") == "added")["adrg"])
    assert gone == old - new
    assert {a for a in come if not a.endswith("QY")} >= new - old
    assert count(national, "adrg", change="renamed", column="adrg") == 48


def test_from_1_1_to_2_0_codes(national):
    assert count(national, "mdc_diagnosis", change="removed") == 363
    assert count(national, "mdc_diagnosis", change="added") == 420
    assert count(national, "valid_procedure", change="removed") == 1_847
    assert count(national, "valid_procedure", change="added") == 972
    assert count(national, "grey_code", change="added") == 3_666
    levels = {
        ("CC", ""): 8_638,
        ("MCC", ""): 2_129,
        ("CC", "MCC"): 1_937,
        ("MCC", "CC"): 755,
        ("", "CC"): 1_261,
        ("", "MCC"): 746,
    }
    for (was, now), wanted in levels.items():
        assert count(national, "severity", column="level", before=was, after=now) == wanted


def test_from_1_1_to_2_0_order_and_numbers(national):
    assert [row[3] for row in rows(national, "order")] == ["MDCO", "FF1/1", "ID1/1"]
    # 17 principal diagnoses changed their table; the rest of 27,000 only its number.
    assert count(national, "exclusion", change="changed") == 17
    assert count(national, "exclusion", change="renamed") == 189


def test_both_ways_tell_the_same(national):
    back = diff_schemes(drg.load_scheme("chs-drg-2.0"), drg.load_scheme("chs-drg-1.1"))
    turn = {"added": "removed", "removed": "added"}
    for section in ("mdc_diagnosis", "severity", "valid_procedure", "grey_code", "drg"):
        forth = national.section(section).select("change", "key", "before", "after")
        mirrored = back.section(section).select(
            pl.col("change").replace(turn), "key", before="after", after="before"
        )
        assert sorted(forth.rows()) == sorted(mirrored.rows()), section


def test_an_overlay_is_what_its_amendments_say():
    before, after = drg.load_scheme("chs-drg-1.1"), drg.load_scheme("chs-drg-1.1", "opendrg")
    diff = diff_schemes(before, after)
    tables = diff.changes.filter(pl.col("table") != "flag")
    assert sorted(tables.select("table", "key", "column").rows()) == [
        ("adrg", "PV1/1", "rule"),
        ("check", "E111", "rule"),
        ("check", "E113", "rule"),
        ("check", "E115", "rule"),
        ("check", "E120", "rule"),
        ("severity", "J68.200", "exclusion_table"),
    ]


@pytest.mark.parametrize("table", ["severity", "valid_procedure", "mdc_diagnosis"])
def test_as_many_keys_as_amendments(national, table):
    """What would be written as amendments is what is told, row for row."""
    before, after = drg.load_scheme("chs-drg-1.1"), drg.load_scheme("chs-drg-2.0")
    frames = before.table(table), after.table(table)
    changes = amendments(*frames, SCHEME_TABLES[table]).filter(pl.col("op") != "=")
    changes = changes.filter(pl.col("code") != "*")
    told = national.section(table).filter(pl.col("change").is_in(["added", "removed"]))
    assert set(changes["code"]) <= set(told["key"])
    assert told.height >= changes.height


# ---- told and written


def test_summary_and_details_of_the_national_schemes(national):
    words = "\n".join(summary_lines(national, "zh"))
    assert re.search(r"MDC 诊断\s+420\s+363", words)
    assert "有变化的编码集" in words
    assert re.search(r"^MDCB\s", words, re.MULTILINE)
    short = detail_lines(national, "zh")
    assert len(short) < 300
    assert any("…… 另有" in line for line in short)
    everything = detail_lines(national, "zh", every=True)
    assert not any("另有" in line for line in everything)
    assert sum(line.strip().startswith(("+ ", "- ")) for line in everything) > 30_000


def test_both_languages_have_all_words(national):
    for lang in ("zh", "en"):
        assert summary_lines(national, lang)
        assert detail_lines(national, lang)
    for key, entry in catalogue("compare").items():
        assert {"zh", "en"} <= entry.keys(), key
        for zh, en in (("zh", "en"), ("mend_zh", "mend_en")):
            places = [set(re.findall(r"\{\w+\}", entry.get(name, ""))) for name in (zh, en)]
            assert places[0] == places[1], key


def test_files(tmp_path, national):
    wanted = national.changes.select(Change._fields)
    for suffix in ("csv", "tsv", "parquet"):
        path = tmp_path / f"changes.{suffix}"
        assert write_diff(national, path) == wanted.height
        if suffix == "parquet":
            back = pl.read_parquet(path)
        else:
            back = pl.read_csv(
                path, infer_schema=False, separator="\t" if suffix == "tsv" else ",",
                empty_string_is_null=False,
            )  # fmt: skip
        assert back.columns == list(Change._fields)
        assert back.equals(wanted)


def test_workbook(tmp_path, national):
    fastexcel = pytest.importorskip("fastexcel")
    path = tmp_path / "changes.xlsx"
    write_diff(national, path, "zh")
    book = fastexcel.read_excel(path)
    assert book.sheet_names[:3] == ["概况", "编码集一览", "细分一览"]
    present = [s for s in SECTIONS if not national.section(s).is_empty()]
    assert len(book.sheet_names) == 3 + len(present)
    severity = book.load_sheet("MCC 与 CC").to_polars()
    assert severity.height == national.section("severity").height
    assert severity.columns[:2] == ["表", "变化"]
    assert severity["变化"].unique().sort().to_list() == ["删除", "变更", "新增"]
    with zipfile.ZipFile(path) as parts:
        pages = [parts.read(n).decode() for n in parts.namelist() if "worksheets/sheet" in n]
    assert len(pages) == len(book.sheet_names)
    for page in pages:
        assert 'state="frozen"' in page
        assert "<autoFilter" in page
        assert "<cols>" in page


def test_one_table_only(national):
    diff = national.only(["severity"])
    assert set(diff.changes["table"]) == {"severity"}
    assert diff.sets.is_empty()
    assert diff.splits.is_empty()
    with pytest.raises(DiffError, match="C213"):
        national.only(["nix"])


# ---- the command


def run(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout if code == 0 else result.stderr


def test_command(tmp_path):
    mine = changed(tmp_path, {"code_set": add(set="BR1.dx", kind="dx", code="G40.900")})
    words = run("tables", "diff", "demo", mine)
    assert "~ BR1.dx +1  （2 → 3 个编码）" in words
    assert "+ G40.900 癫痫" in words
    assert "G40.900" not in run("tables", "diff", "demo", mine, "--summary")
    out = tmp_path / "changes.csv"
    written = run("tables", "diff", "demo", mine, "-o", out, "--lang", "en")
    assert "G40.900" not in written
    assert str(out) in written
    assert pl.read_csv(out)["key"].to_list() == ["G40.900"]


def test_command_with_overlays():
    words = run("tables", "diff", "chs-drg-1.1", "chs-drg-1.1", "--compat-b", "opendrg")
    assert "PV1/1" in words
    same = run(
        "tables", "diff", "chs-drg-1.1", "chs-drg-1.1", "--compat-a", "opendrg", "--compat-b",
        "opendrg",
    )  # fmt: skip
    assert "没有差别" in same


def test_command_refuses(tmp_path):
    assert "C213" in run("tables", "diff", "demo", "demo", "--table", "nix", code=2)
    assert "F201" in run("tables", "diff", "demo", "demo", "-o", tmp_path / "x.doc", code=2)
    assert "S101" in run("tables", "diff", "demo", "nowhere", code=3)


def test_the_page_shows_what_the_command_prints():
    page = (ROOT / "docs" / "compare.md").read_text("utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    command, *wanted = block.splitlines()
    printed = run(*command.removeprefix("$ drg ").split()).splitlines()
    for line, pattern in zip(printed, wanted, strict=True):
        assert re.fullmatch(re.escape(pattern).replace("…", ".*"), line), (pattern, line)
