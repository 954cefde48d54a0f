"""Import of a bureau's workbook: sheets and columns found, rules made, every adoption told."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from test_import import answers, found, refused

import drg
from drg.schemes.importing.adrg_rules import convention
from drg.schemes.importing.drg_names import GroupRow, group_tests
from drg.schemes.importing.run import Imported, import_scheme

Sheets = dict[str, list[list[object]]]


def national_like() -> Sheets:
    """A small workbook that is complete by itself; rows as a bureau types them."""
    return {
        "MDC主要诊断表": [
            ["MDC编码", "MDC名称", "诊断编码", "诊断名称"],
            ["MDCB", "神经系统", "G40.900", "癫痫"],
            ["MDCB", "神经系统", "I63.905", "多发性脑梗死"],
            ["MDCG", "消化系统", "K35.300", "急性阑尾炎"],
        ],
        "ADRG诊断": [
            ["ADRG编码", "ADRG名称", "诊断编码", "诊断名称"],
            ["BR1", "脑梗死", "I63.905", ""],
            ["BV1", "癫痫", "G40.900", ""],
            ["GZ1", "消化系统其他疾病", "K35.300", ""],
        ],
        "ADRG手术操作": [
            ["ADRG编码", "ADRG名称", "手术操作编码", "手术操作名称"],
            ["BL1", "溶栓治疗", "99.1000", ""],
            ["GE1", "阑尾切除术", "47.0100", ""],
        ],
        "MCC": [["编码", "名称", "排除表"], ["J96.000", "", 104]],
        "CC": [["编码", "名称", "排除表"], ["E87.600", "", 48], ["I69.300", "", 91]],
        "排除表": [["排除表号", "主要诊断编码"], [91, "I63.905"]],
        "DRG": [
            ["DRG编码", "DRG名称"],
            ["BL19", "溶栓治疗"],
            ["BR11", "脑梗死，伴严重合并症或并发症"],
            ["BR13", "脑梗死，伴合并症或并发症"],
            ["BR15", "脑梗死，不伴合并症或并发症"],
            ["BV13", "癫痫，伴合并症或并发症"],
            ["BV15", "癫痫，不伴合并症或并发症"],
            ["GE19", "阑尾切除术"],
            ["GZ19", "消化系统其他疾病"],
        ],
    }


CLAIMS = {
    ("I63.905|J96.000", ""): "BR11",
    ("I63.905|E87.600", ""): "BR13",
    ("I63.905|I69.300", ""): "BR15",  # void under a stroke
    ("I63.905", "99.1000"): "BL19",
    ("G40.900|E87.600", ""): "BV13",
    ("G40.900", ""): "BV15",
    ("K35.300", "47.0100"): "GE19",
    ("K35.300", ""): "GZ19",
    ("A00.000", ""): "0000",
}


def save(path: Path, sheets: Sheets) -> Path:
    book = xlsxwriter.Workbook(path)
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for n, row in enumerate(rows):
            for place, cell in enumerate(row):
                if cell != "":
                    sheet.write(n, place, cell)
    book.close()
    return path


def groups_of(folder: Path, claims: list[tuple[str, str]], **told: str) -> list[str]:
    frame = pl.DataFrame(
        {
            "claim_id": [str(n) for n in range(len(claims))],
            "sex": ["M"] * len(claims),
            "age": ["60"] * len(claims),
            "diagnoses": [dx for dx, _ in claims],
            "procedures": [px for _, px in claims],
        }
    ).with_columns(**{name: pl.lit(value) for name, value in told.items()})
    return [group for _, _, group, _ in answers(folder, frame)]


def made(tmp_path: Path, sheets: Sheets, base: str | None = None) -> Imported:
    book = save(tmp_path / "方案.xlsx", sheets)
    return import_scheme(book, tmp_path / "mycity-2024", base=base)


def test_complete_workbook(tmp_path):
    one = made(tmp_path, national_like())
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())
    assert one.report.lost == 0
    assert one.scheme.id == "mycity-2024"
    assert [m.mdc for m in one.scheme.mdcs] == ["MDCB", "MDCG"]
    kinds = {row.adrg: row.kind for row in one.scheme.adrgs}
    assert kinds == {
        "BL1": "non_or_procedure", "BR1": "medical", "BV1": "medical", "GE1": "surgical",
        "GZ1": "medical",
    }  # fmt: skip
    assert [what for _, _, what in found(one, "door")] == ["MDCB", "MDCG"]
    assert one.scheme.flags.missing_value == "reject"


def test_untidy_workbook(tmp_path):
    """Titles, a header in two rows, merged cells, remarks, repeated heads, codes run together."""
    sheets = national_like()
    sheets["封面"] = [["某市分组方案"], [], ["二〇二四年"]]
    sheets["MDC主要诊断表"] = [
        ["某市 DRG 分组方案（2024 年版）"],
        [],
        ["主要诊断大类", "", "疾病诊断", ""],
        ["编码", "名称", "编码", "名称"],
        ["ＭＤＣＢ 神经系统", "", "G40.900", "癫痫"],
        ["", "", "Ｉ６３．９０５", "多发性脑梗死"],
        ["MDCG", "消化系统", " K35.300 ", ""],
        ["注：以医保版编码为准"],
    ]
    sheets["ADRG诊断"] = [
        ["ADRG诊断"],
        ["ADRG编码", "ADRG名称", "诊断编码（医保版2.0）", "诊断名称"],
        ["BR1 脑梗死", "", "I63.905", ""],
        ["BV1", "癫痫", "g40.900", ""],
        ["ADRG编码", "ADRG名称", "诊断编码（医保版2.0）", "诊断名称"],
        ["GZ1", "消化系统其他疾病", "K35.300、K37.x00\nK35.300", ""],
    ]
    sheets["ADRG手术操作"] = [
        ["ADRG编码", "手术操作编码"],
        ["BL1", 99.1],
        ["GE1", "47.0100"],
    ]
    rows = sheets.pop("MDC主要诊断表")
    rows[2:4] = [["MDC编码", "MDC名称", "诊断编码", "诊断名称"]]
    sheets["MDC主要诊断表"] = rows
    one = made(tmp_path, sheets)
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())
    assert groups_of(one.out, [("K35.300", ""), ("K37.x00", "")]) == ["GZ19", "0000"]
    assert one.report.lost == 0
    assert found(one, "sheet_extra") == [("封面", 0, "")]
    assert found(one, "code_mended") == [("ADRG诊断", 4, "g40.900"), ("ADRG手术操作", 2, "99.1")]
    assert found(one, "codes_in_cell") == [("ADRG诊断", 6, "K35.300、K37.x00 K35.300")]
    assert found(one, "header_again") == [("ADRG诊断", 5, "")]
    assert found(one, "remark") == [("MDC主要诊断表", 7, "注：以医保版编码为准")]


def test_header_in_two_rows(tmp_path):
    sheets = national_like()
    sheets["ADRG诊断"][0:1] = [["ADRG", "", "诊断", ""], ["编码", "名称", "编码", "名称"]]
    one = made(tmp_path, sheets)
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())


def test_diagnoses_and_procedures_side_by_side(tmp_path):
    """One sheet for both, known by its columns alone."""
    sheets = national_like()
    dx, px = sheets.pop("ADRG诊断"), sheets.pop("ADRG手术操作")
    head = ["ADRG编码", "ADRG名称", "诊断编码", "手术操作编码"]
    sheets["表二"] = [head, *([a, n, c, ""] for a, n, c, _ in dx[1:])]
    sheets["表二"] += [[a, n, "", c] for a, n, c, _ in px[1:]]
    one = made(tmp_path, sheets)
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())
    assert one.report.lost == 0


def test_folder_of_csv_sheets(tmp_path):
    """The same sheets as CSV files in GBK."""
    folder = tmp_path / "sheets"
    folder.mkdir()
    for name, rows in national_like().items():
        with (folder / f"{name}.csv").open("w", encoding="gbk", newline="") as file:
            csv.writer(file).writerows(rows)
    one = import_scheme(folder, tmp_path / "out")
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())


# ---- conventions


def test_both_lists_are_and(tmp_path):
    sheets = national_like()
    sheets["ADRG诊断"].append(["GE1", "阑尾切除术", "K35.300", ""])
    one = made(tmp_path, sheets)
    (ge1,) = [row for row in one.scheme.adrgs if row.adrg == "GE1"]
    assert ge1.text == "principal_dx in GE1.dx and principal_px in GE1.px"


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        (["dx"], "principal_dx in X.dx"),
        (["px"], "principal_px in X.px"),
        (["px", "dx"], "principal_dx in X.dx and principal_px in X.px"),
        (["px1", "px2"], "any_px in X.px1 and any_px in X.px2"),
        (["dx2", "px"], "secondary_dx in X.dx2 and principal_px in X.px"),
        (["px1", "px2", "px3"], ""),
        ([], ""),
    ],
)
def test_convention(labels, rule):
    assert convention("X", labels) == rule


def told_of(head: str, *groups: tuple[str, str]) -> list[tuple[str, str, str]]:
    rows = [GroupRow("DRG", n, drg, name, "") for n, (drg, name) in enumerate(groups, 2)]
    return [(t.group.drg, t.rule, t.doubt) for t in group_tests(rows, head, {})]


def test_groups_by_digit():
    assert told_of("A", ("XX11", "A"), ("XX13", "A"), ("XX15", "A")) == [
        ("XX11", "mcc", ""), ("XX13", "mcc or cc", ""), ("XX15", "always", ""),
    ]  # fmt: skip
    assert told_of("A", ("XX19", "A及其他，无关的话")) == [("XX19", "always", "")]


def test_groups_by_name():
    """Conditions of their own come first, since a severity alone would leave them nothing."""
    assert told_of(
        "脑梗死",
        ("BR11", "脑梗死，伴严重并发症或合并症"),
        ("BR12", "脑梗死，伴严重或一般并发症与合并症"),
        ("BR15", "脑梗死，不伴并发症或合并症"),
        ("BR17", "脑梗死，5天内死亡或转院"),
        ("BR10", "脑梗死，年龄＜17岁"),
        ("BR1A", "脑梗死，ICU＞120小时"),
        ("BR1B", "脑梗死，7天＜住院时间≤30天"),
    ) == [
        ("BR10", "age < 17", ""),
        ("BR17", "los <= 5 and disposition in {2, 5}", ""),
        ("BR1A", "icu_hours > 120", ""),
        ("BR1B", "los > 7 and los <= 30", ""),
        ("BR11", "mcc", ""),
        ("BR12", "mcc or cc", ""),
        ("BR15", "always", ""),
    ]


@pytest.mark.parametrize(
    ("groups", "doubts"),
    [
        # The name has a condition that no pattern knows.
        ([("XX11", "甲，双侧，伴严重并发症或合并症"), ("XX15", "甲")], {"XX11": "group_rest"}),
        ([("XX10", "甲，康复期"), ("XX19", "甲")], {"XX10": "group_rest"}),
        # Digit and name two steps apart.
        ([("XX11", "甲，不伴并发症或合并症"), ("XX15", "甲")], {"XX11": "group_conflict"}),
        # Nothing tells the group's condition.
        ([("XX12", "甲"), ("XX15", "甲")], {"XX12": "group_name"}),
        # Two groups of one condition.
        ([("XX11", "甲"), ("XX1A", "甲，伴严重并发症或合并症")], {"XX1A": "group_same"}),
    ],
)
def test_groups_that_cannot_be_told(groups, doubts):
    """Reported and never reached; nothing is guessed."""
    found_doubts = {drg: doubt for drg, rule, doubt in told_of("甲", *groups) if doubt}
    assert found_doubts == doubts
    assert all(rule == "never" for _, rule, doubt in told_of("甲", *groups) if doubt)


def test_group_test_of_the_base():
    """The base's group of the same name has the finer test."""
    base = {"XX11": ("甲，伴严重并发症或合并症", "mcc and age > 14")}
    (one,) = group_tests([GroupRow("DRG", 2, "XX11", "甲,伴严重并发症或合并症", "")], "甲", base)
    assert (one.rule, one.from_base) == ("mcc and age > 14", True)


def test_rules_in_so_many_words(tmp_path):
    """A sheet of rules overrides: an ADRG, a group, a door."""
    sheets = national_like()
    sheets["规则"] = [
        ["编码", "规则"],
        ["MDCG", "principal_dx in MDCG and age ≥ 18"],
        ["BL1", "principal_px in BL1.px and principal_dx in BR1.dx"],
        ["BV13", "mcc"],
    ]
    one = made(tmp_path, sheets)
    assert one.report.lost == 0
    claims = [("G40.900", "99.1000"), ("I63.905", "99.1000"), ("G40.900|E87.600", "")]
    assert groups_of(one.out, claims) == ["BV15", "BL19", "BV15"]
    assert groups_of(one.out, [("K35.300", "")], age="17") == ["0000"]
    sheets["规则"].append(["GE1", "不知所云"])
    two = import_scheme(save(tmp_path / "b.xlsx", sheets), tmp_path / "two")
    assert found(two, "bad_rule") == [("规则", 5, "不知所云")]
    assert groups_of(two.out, [("K35.300", "47.0100")]) == ["GZ19"]


def test_lists_of_an_adrg(tmp_path):
    sheets = national_like()
    sheets["ADRG手术操作"] = [
        ["ADRG编码", "列表", "手术操作编码"],
        ["BL1", "手术", "99.1000"],
        ["GE1", "手术1", "47.0100"],
        ["GE1", "手术2", "54.2100"],
        ["GE1", "第三类", "47.0901"],
    ]
    one = made(tmp_path, sheets)
    claims = [("K35.300", "47.0100|54.2100"), ("K35.300", "47.0100")]
    assert groups_of(one.out, claims) == ["GE19", "GZ19"]
    assert found(one, "shape_lists") == [("DRG", 8, "GE1")]
    assert found(one, "list_label") == [("ADRG手术操作", 5, "第三类")]


def test_ambiguous_groups(tmp_path):
    """Those the sheet of groups lists, by convention between procedures and medical ADRGs."""
    sheets = national_like()
    sheets["DRG"].append(["BQY", "歧义组"])
    sheets["有效手术"] = [["手术操作编码"], ["47.0100"], ["99.1000"]]
    one = made(tmp_path, sheets)
    assert groups_of(one.out, [("G40.900", "47.0100")]) == ["BQY"]
    assert [r.adrg for r in one.scheme.adrgs if r.mdc == "MDCB"] == ["BL1", "BQY", "BR1", "BV1"]
    sheets.pop("有效手术")  # then every procedure that an ADRG lists is valid
    two = import_scheme(save(tmp_path / "b.xlsx", sheets), tmp_path / "two")
    assert groups_of(two.out, [("G40.900", "47.0100"), ("G40.900", "54.2100")]) == ["BQY", "BV15"]
    assert two.report.kinds["valid_from_lists"] == 1


# ---- what is lost is told


def test_rows_that_cannot_be_read(tmp_path):
    sheets = national_like()
    sheets["ADRG诊断"] += [
        ["脑血管病", "x", "I63.905", ""],
        ["BR1", "脑梗死", "见附件", ""],
        ["BR1", "脑梗死", "", "漏填编码"],
        ["BR1", "脑梗死", "I63.999x999", "新编码"],
    ]
    sheets["DRG"] += [["X", "y"], ["0000", "无法入组"], ["BV17", "癫痫，康复期"]]
    one = made(tmp_path, sheets)
    assert found(one, "not_group") == [("DRG", 10, "X"), ("ADRG诊断", 5, "脑血管病")]
    assert found(one, "not_code") == [("ADRG诊断", 6, "见附件")]
    assert found(one, "no_key") == [("ADRG诊断", 7, "BR1 | 脑梗死 | 漏填编码")]
    assert found(one, "unknown_code") == [("ADRG诊断", 8, "I63.999x999")]
    assert found(one, "group_rest") == [("DRG", 12, "BV17 癫痫，康复期")]
    assert one.report.lost == 5
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())


def test_sheet_without_its_columns(tmp_path):
    sheets = national_like()
    sheets["有效手术"] = [["甲", "乙"], ["47.0100", "x"]]
    one = made(tmp_path, sheets)
    assert found(one, "sheet_header") == [("有效手术", 0, "")]
    assert one.report.lost == 1


@pytest.mark.parametrize(
    ("absent", "code"),
    [("DRG", "T145"), ("排除表", "T142"), ("MDC主要诊断表", "T142")],
)
def test_sheets_that_are_needed(tmp_path, absent, code):
    sheets = national_like()
    del sheets[absent]
    refused(code, save(tmp_path / "a.xlsx", sheets), tmp_path / "o")
    one = import_scheme(tmp_path / "a.xlsx", tmp_path / "ok", base="demo")
    assert one.report.kinds["from_base"] >= 1


def test_giant_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr("drg.schemes.importing.cells.MAX_ROWS", 3)
    refused("T141", save(tmp_path / "a.xlsx", national_like()), tmp_path / "o")


# ---- with a base


def book_of(scheme: drg.schemes.scheme.Scheme) -> Sheets:  # type: ignore[name-defined]
    """The workbook a bureau would hand out for a scheme: codes by ADRG, no rules."""
    names = {row.adrg: row.name for row in scheme.adrgs}
    lists: dict[str, list[list[object]]] = {"dx": [], "px": []}
    for adrg, kind, code in sorted({(n[:3], k, c) for n, k, c in scheme.table("code_set").rows()}):
        if adrg in names and not adrg.endswith("QY"):
            lists[kind].append([adrg, names[adrg], code])
    listed = scheme.table("mdc_diagnosis").select("mdc", "code")
    severity = scheme.table("severity").rows()
    valid = map(list, scheme.table("valid_procedure").rows())
    return {
        "MDC主要诊断表": [["MDC编码", "诊断编码"], *map(list, listed.rows())],
        "ADRG诊断": [["ADRG编码", "ADRG名称", "诊断编码"], *lists["dx"]],
        "ADRG手术操作": [["ADRG编码", "ADRG名称", "手术操作编码"], *lists["px"]],
        "MCC": [["编码", "排除表"], *([c, t] for c, v, t in severity if v == "MCC")],
        "CC": [["编码", "排除表"], *([c, t] for c, v, t in severity if v == "CC")],
        "排除表": [["主要诊断编码", "排除表号"], *map(list, scheme.table("exclusion").rows())],
        "有效手术": [["手术操作编码", "手术操作名称"], *valid],
        "DRG": [["ADRG编码", "ADRG名称", "DRG编码", "DRG名称"],
                *([d.adrg, names[d.adrg], d.drg, d.name] for d in scheme.drgs)],
    }  # fmt: skip


@pytest.mark.parametrize("base", ["demo", pytest.param("chs-drg-2.0", marks=pytest.mark.long)])
def test_workbook_of_the_base_changes_nothing(tmp_path, grouper_of, base):
    """Special shapes, doors and ambiguous groups are the base's; not a row differs."""
    one = made(tmp_path, book_of(grouper_of(base).scheme), base=base)
    assert one.report.lost == 0
    assert one.report.counts["changed"] == 0
    assert {p.name for p in one.out.iterdir()} == {"scheme.toml", "import-report.csv"}
    assert one.scheme.adrgs == grouper_of(base).scheme.adrgs


def test_adoptions_are_told(tmp_path, demo):
    one = made(tmp_path, book_of(demo.scheme), base="demo")
    told = {(f.kind, f.what) for f in one.report.findings if f.level == "assumed"}
    assert ("shape_from_base", "AH2") in told  # two procedure lists
    assert ("shape_from_base", "PR1") in told  # an age
    assert ("adrg_from_base", "PS1") in told  # no codes at all
    assert ("ambiguous_from_base", "MDCB BQY") in told


def test_changes_against_the_base(tmp_path, demo):
    """A new ADRG, one gone, a code more in a list, a new split: the extension holds just that."""
    sheets = book_of(demo.scheme)
    sheets["ADRG诊断"] = [r for r in sheets["ADRG诊断"] if r[0] != "BT2"]
    sheets["ADRG诊断"].append(["BS1", "脑、脊髓和脑膜感染（本市）", "A17.000+G01*"])
    sheets["DRG"] = [r for r in sheets["DRG"] if r[0] not in ("BT2", "GZ1")]
    sheets["DRG"] += [
        ["BS1", "脑、脊髓和脑膜感染（本市）", "BS19", "脑、脊髓和脑膜感染（本市）"],
        ["GZ1", "其他消化系统疾病", "GZ13", "其他消化系统疾病，伴合并症或并发症"],
        ["GZ1", "其他消化系统疾病", "GZ15", "其他消化系统疾病，不伴合并症或并发症"],
    ]
    sheets["ADRG手术操作"].append(["GE1", "阑尾切除术", "47.0901"])
    sheets["ADRG手术操作"].append(["AH2", "有创呼吸机支持≥96小时", "96.0500"])
    one = made(tmp_path, sheets, base="demo")
    assert found(one, "adrg_gone") == [("drg", 0, "BT2")]
    # AH2 has two procedure lists: nobody says which one the new code belongs to.
    assert [(f, w) for f, _, w in found(one, "code_unplaced")] == [("DRG", "96.0500")]
    assert one.report.lost == 1
    assert {p.name for p in one.out.glob("*.csv")} == {
        "adrg.csv", "code_set.csv", "drg.csv", "import-report.csv",
    }  # fmt: skip
    order = [row.adrg for row in one.scheme.adrgs if row.mdc == "MDCB"]
    assert order == ["BB2", "BL1", "BQY", "BR1", "BS1", "BV1"]
    claims = [("A17.000+G01*", ""), ("K35.300", "47.0901"), ("K35.300|E87.600", "")]
    assert groups_of(one.out, claims) == ["BS19", "GE15", "GZ13"]


def test_same_code_another_adrg(tmp_path, demo):
    """An ADRG of another name is not given the rule of the base's ADRG of that code."""
    sheets = book_of(demo.scheme)
    for name in ("ADRG手术操作", "DRG"):
        for row in sheets[name]:
            if row[0] == "AH2":
                row[1] = "肝移植"
                row[-1] = "肝移植" if name == "DRG" else row[-1]
    one = made(tmp_path, sheets, base="demo")
    assert [w for _, _, w in found(one, "name_differs")] == ["AH2 肝移植"]
    (ah2,) = [row for row in one.scheme.adrgs if row.adrg == "AH2"]
    assert ah2.text == "principal_px in AH2.px"


def test_plain_names(tmp_path):
    """Sheets MDC, ADRG诊断, 排除 … with the barest heads; exclusion tables written 091 and 91."""
    sheets = national_like()
    renamed = {
        "MDC": [["MDC", "诊断"], *([r[0], r[2]] for r in sheets["MDC主要诊断表"][1:])],
        "表2 ADRG诊断": [["ADRG", "主要诊断"], *([r[0], r[2]] for r in sheets["ADRG诊断"][1:])],
        "表3 ADRG手术": [["ADRG", "手术操作"], *([r[0], r[2]] for r in sheets["ADRG手术操作"][1:])],
        "附表4 MCC列表": [["代码", "排除表号"], ["J96.000", "104"]],
        "附表5 CC列表": [["代码", "排除表号"], ["E87.600", "048"], ["I69.300", "091"]],
        "附表6 CC排除": [["表号", "诊断编码"], [91, "I63.905"]],
        "附表7 DRG分组方案": [
            ["病组编码", "病组名称", "权重"],
            *([*r, 1.0] for r in sheets["DRG"][1:]),
        ],
    }
    one = made(tmp_path, renamed)
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())
    assert one.report.lost == 0
    assert found(one, "extra_column") == [("附表7 DRG分组方案", 0, "权重")]


def test_english_names(tmp_path):
    sheets = national_like()
    english = {
        "MDC diagnosis": [["mdc", "code"], *([r[0], r[2]] for r in sheets["MDC主要诊断表"][1:])],
        "ADRG diagnosis": [["adrg", "code"], *([r[0], r[2]] for r in sheets["ADRG诊断"][1:])],
        "ADRG procedure": [["adrg", "code"], *([r[0], r[2]] for r in sheets["ADRG手术操作"][1:])],
        "MCC": [["code", "exclusion_table"], ["J96.000", 104]],
        "CC": [["code", "exclusion_table"], ["E87.600", 48], ["I69.300", 91]],
        "exclusion": [["principal_diagnosis", "exclusion_table"], ["I63.905", 91]],
        "DRG": [["adrg", "drg", "name"], *([r[0][:3], *r] for r in sheets["DRG"][1:])],
    }
    one = made(tmp_path, english)
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())
    assert one.report.lost == 0


def test_mdc_by_its_published_name(tmp_path):
    sheets = national_like()
    for row in sheets["MDC主要诊断表"][1:]:
        row[0] = {"MDCB": "神经系统疾病及功能障碍", "MDCG": "消化系统疾病及功能障碍"}[str(row[0])]
    one = made(tmp_path, sheets)
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())


def test_hidden_sheets_are_passed_over(tmp_path):
    path = tmp_path / "方案.xlsx"
    book = xlsxwriter.Workbook(path)
    for name, rows in [
        *national_like().items(),
        ("DRG旧", [["DRG编码", "DRG名称"], ["BR19", "x"]]),
    ]:
        sheet = book.add_worksheet(name)
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
        if name == "DRG旧":
            sheet.hide()
    book.close()
    one = import_scheme(path, tmp_path / "out")
    assert found(one, "sheet_hidden") == [("DRG旧", 0, "")]
    assert groups_of(one.out, list(CLAIMS)) == list(CLAIMS.values())
