"""A coder's page of an MDC or ADRG, held to the demo's tables by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from changed_schemes import add, all_of, changed, drop
from click.testing import CliRunner

import drg
from drg.cli import cli
from drg.schemes.page import PageError, scheme_page
from drg.schemes.page_text import page_lines, write_page


@pytest.fixture(scope="module")
def demo():
    return drg.load_scheme("demo")


@pytest.fixture(scope="module")
def national():
    return drg.load_scheme("chs-drg-2.0")


def part(page, key: str, name: str = ""):
    return next(p for p in page.parts if p.key == key and p.title.startswith(name))


def test_page_of_an_adrg(demo):
    page = scheme_page(demo, "BR1", "zh")
    assert page.title == "BR1 脑卒中"
    facts = dict(page.facts)
    assert facts["所属 MDC"] == "MDCB 神经系统疾病及功能障碍"
    assert facts["MDC 入口"] == "主要诊断属于 MDCB"
    assert facts["类别"] == "内科"
    assert facts["次序"].startswith("MDCB 的第 4 条规则（共 6 条）")
    assert facts["先于本 MDC"] == "MDCA MDCP"
    assert facts["细分"] == "细分为 3 个 DRG"
    assert part(page, "rules").rows.rows() == [
        ("1", "主要诊断属于 BR1.dx", "principal_dx in BR1.dx")
    ]
    assert part(page, "before").rows["adrg"].to_list() == ["BB2", "BL1", "BQY"]
    assert part(page, "splits").rows["drg"].to_list() == ["BR11", "BR13", "BR15"]
    assert part(page, "splits").rows["condition"].to_list()[-1] == "其余"
    assert part(page, "set", "BR1.dx").rows.rows() == [
        ("I61.001", "豆状核出血", "是", "", "91"),
        ("I63.905", "多发性脑梗死", "是", "", "91"),
    ]
    # I69.300 is the one CC with table 91.
    assert part(page, "severity").rows.rows() == [("91", "2", "0", "1")]


def test_a_drg_shows_its_adrg_and_itself_in_it(demo):
    page = scheme_page(demo, "br15", "zh")
    assert page.title == "BR1 脑卒中"
    splits = part(page, "splits").rows
    assert splits.filter(splits["asked"] != "")["drg"].to_list() == ["BR15"]


def test_page_of_an_mdc(demo):
    page = scheme_page(demo, "MDCB", "zh")
    assert part(page, "adrgs").rows["adrg"].to_list() == ["BB2", "BL1", "BQY", "BR1", "BT2", "BV1"]
    diagnoses = part(page, "diagnoses").rows
    assert dict(diagnoses.select("code", "adrgs").iter_rows()) == {
        "A17.000+G01*": "BT2",
        "G40.900": "BV1",
        "I61.001": "BB2 BR1",
        "I63.905": "BR1",
    }
    assert dict(page.facts)["规模"] == "ADRG 6 个，DRG 8 个"


def test_prefixes_stand_for_the_codes_under_them(demo):
    page = scheme_page(demo, "PS1", "zh")
    codes = part(page, "set", "{P07.*}").rows["code"].to_list()
    assert codes == sorted(c for c in demo.known_dx if c.startswith("P07."))
    assert "P07.300" in codes


def test_ambiguous_groups_have_a_page(demo):
    page = scheme_page(demo, "BQY", "zh")
    assert "歧义组" in dict(page.facts)["细分"]
    assert part(page, "splits").rows.is_empty()
    assert part(page, "set", "VALID").rows.height == 7


def test_every_rule_of_a_split_adrg_is_shown(national):
    page = scheme_page(national, "JA1", "zh")
    assert part(page, "rules").rows["rule_no"].to_list() == ["1", "2", "3"]
    assert part(page, "set", "JA1_3.dx").same_as == "JA1_1.dx"
    lines = "\n".join(page_lines(page, "zh"))
    assert "编码与 JA1_1.dx 相同" in lines
    assert "编码与 JA1_1.dx 相同" not in "\n".join(page_lines(page, "zh", every=True))


def test_codes_outside_the_mdc_are_named(tmp_path):
    folder = changed(
        tmp_path,
        {"code_set": add(set="BR1.dx", kind="dx", code="K35.300")},
    )
    page = scheme_page(drg.load_scheme(folder), "BR1", "zh")
    own = part(page, "set", "BR1.dx")
    assert dict(own.rows.select("code", "in_mdc").iter_rows())["K35.300"] == "否"
    assert "1 个不在 MDCB" in own.notes[0]


def test_rules_of_several_mdcs(tmp_path):
    row = {"adrg": "BQY", "rule_no": "2", "name": "歧义组", "kind": "ambiguous", "reason": "Q302"}
    folder = changed(tmp_path, {"adrg": add(mdc="MDCG", order="1", rule="sex = male", **row)})
    rules = part(scheme_page(drg.load_scheme(folder), "BQY", "zh"), "rules").rows
    assert rules.select("mdc", "rule").rows() == [
        ("MDCB", "principal_px in VALID"),
        ("MDCG", "sex = male"),
    ]


@pytest.mark.parametrize(("flag", "words"), [("self", "入 BV1 本身"), ("next", "下一个 ADRG")])
def test_an_adrg_without_drgs(tmp_path, flag, words):
    gone = all_of(drop(drg="BV13"), drop(drg="BV15"))
    folder = changed(tmp_path, {"drg": gone}, flags={"unmatched_adrg": flag})
    page = scheme_page(drg.load_scheme(folder), "BV1", "zh")
    assert words in dict(page.facts)["细分"]


def test_every_group_of_every_shipped_scheme_has_a_page(national):
    schemes = [national, *(drg.load_scheme(s) for s in ("chs-drg-1.0", "chs-drg-1.1"))]
    for scheme in schemes:
        adrgs = list(dict.fromkeys(row.adrg for row in scheme.adrgs))[::9]
        for code in [*(row.mdc for row in scheme.mdcs), *adrgs]:
            page = scheme_page(scheme, code, "en")
            assert page.title.startswith(code)
            assert len(page_lines(page, "en")) > 8


def test_long_lists_are_bounded(national):
    page = scheme_page(national, "BZ1", "zh")
    short, everything = page_lines(page, "zh"), page_lines(page, "zh", every=True)
    assert len(short) < 100 < len(everything)
    assert any("另有" in line for line in short)
    assert any("更前面还有" in line for line in short)
    assert not any("另有" in line for line in everything)
    codes = set(national.code_sets["BZ1.dx"])
    assert codes <= {line.split()[0] for line in everything if line.strip()}


def test_unknown_codes_name_the_nearest(demo):
    with pytest.raises(PageError, match="C211") as caught:
        scheme_page(demo, "BR9")
    assert "BR1" in str(caught.value)


# ---- written, and the command


def test_workbook(tmp_path, national):
    fastexcel = pytest.importorskip("fastexcel")
    path = tmp_path / "page.xlsx"
    page = scheme_page(national, "JA1", "zh")
    write_page(page, path, "zh")
    book = fastexcel.read_excel(path)
    assert book.sheet_names == ["概况", "入组条件", "细分一览", "先试的规则", "编码"]
    codes = book.load_sheet("编码").to_polars()
    sets = [p for p in page.parts if p.key == "set"]
    assert codes.height == sum(p.rows.height for p in sets)
    assert codes["编码"].to_list()[: sets[0].rows.height] == sets[0].rows["code"].to_list()


def run(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout if code == 0 else result.stderr


def test_command(tmp_path: Path):
    assert "I63.905  多发性脑梗死" in run("tables", "show", "demo", "BR15")
    assert "principal diagnosis in BR1.dx" in run("tables", "show", "demo", "br1", "--lang", "en")
    out = tmp_path / "page.xlsx"
    assert str(out) in run("tables", "show", "demo", "MDCB", "-o", out)
    assert out.is_file()
    assert "C212" in run("tables", "show", "demo", "BR1", "-o", tmp_path / "page.csv", code=2)
    assert "C211" in run("tables", "show", "demo", "ZZ9", code=2)
    assert "MQY" in run("tables", "show", "chs-drg-2.0", "MQY", "--compat", "opendrg")
