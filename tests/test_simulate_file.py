"""``drg explain -p`` and ``drg simulate``: terminal, JSON, workbook, folder, page."""

from __future__ import annotations

import json
import re
import zipfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import fastexcel
import polars as pl
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from shown_commands import assert_shown, commands_of, run_shown
from test_docs import blocks_of

from drg.claims.readers import open_claims
from drg.cli import cli
from drg.dates import Interval
from drg.dip.load import load_grouper
from drg.grouping.base import ClaimGrouper
from drg.money import fen
from drg.payment.policy.catalog import load_policy
from drg.payment.pricing.price import price_frame
from drg.reports.case_page import case_page
from drg.scale import simulate_file as module
from drg.scale.case_pages import simulation_lines
from drg.scale.elsewhere import (
    CaseError,
    Setting,
    corrections_of,
    load_setting,
    other_of,
    read_other,
)
from drg.scale.simulate_book import open_book
from drg.scale.simulate_file import Desk, open_desk, simulate_case, simulate_file
from drg.scale.simulate_rows import SHEETS, frames_of
from drg.simulate.answer import Explanation, Simulation
from drg.simulate.simulator import Wanted

CASES = ROOT / "examples" / "open_cases.csv"
POLICY, SCHEME = "demo-2024", "haerbin-2022"
GUIDE = ROOT / "docs" / "simulate.md"
BASE = Setting(policy=POLICY)
#: Alternatives are others' to test: few of them here.
FEW = Wanted(principals=False, principal_procedures=True, drops=False)


#: A scheme is read once for all command lines here; what loads it is tested elsewhere.
loaded_once = cache(load_grouper)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRG_LANG", raising=False)
    monkeypatch.setattr("drg.dip.load.load_grouper", loaded_once)


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def error_of(*args: object, code: int = 2) -> str:
    result = run(*args, code=code)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@cache
def desk() -> Desk:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drg.dip.load.load_grouper", loaded_once)
        return open_desk(BASE)


@cache
def priced() -> pl.DataFrame:
    """The cases as ``drg group`` and pricing have them."""
    loaded = desk().loaded
    with open_claims(CASES) as source:
        grouped = loaded.grouper.group_frame(source.scan().collect(), source.columns)
        assert loaded.policy is not None
        return price_frame(grouped, loaded.policy, columns=source.columns)


@cache
def simulated() -> Simulation:
    (found,) = simulate_case(desk(), CASES, "Z0604", wanted=FEW, lang="zh")
    return found


# ---- what is asked for


def test_parts_of_other_and_correct_are_read() -> None:
    asked = read_other("scheme = chs-drg-2.0 ; policy=p; drg.rates.310=9000;")
    assert (asked.scheme, asked.policy, asked.supply) == (
        "chs-drg-2.0", "p", {"drg.rates.310": "9000"},
    )  # fmt: skip
    assert corrections_of(("age=65", "birth_weight_g=")) == {"age": "65", "birth_weight_g": ""}
    for text in ("", ";", "scheme", "scheme=", "=x", "scheme=a;scheme=b"):
        with pytest.raises(CaseError, match="G410"):
            read_other(text)
    for texts in (("age",), ("=65",), ("age=1", "age=2")):
        with pytest.raises(CaseError, match="G410"):
            corrections_of(texts)


@pytest.mark.parametrize(
    ("text", "kind", "label"),
    [
        ("scheme=demo", "scheme", f"{SCHEME} → demo"),
        ("policy=haerbin-2022", "policy", f"{POLICY} → haerbin-2022"),
        ("drg.rates.310=9000", "numbers", "drg.rates.310 = 9000"),
        (f"policy={POLICY};drg.rates.310=9000", "numbers", "drg.rates.310 = 9000"),
    ],
)
def test_other_is_what_differs(text: str, kind: str, label: str) -> None:
    other = other_of(read_other(text), BASE, desk().loaded)
    assert (other.kind, other.label) == (kind, label)


def test_another_policy_comes_with_the_scheme_it_names() -> None:
    asked: list[str] = []

    def load(scheme: str, compat: str | None, codes: str | None) -> ClaimGrouper:
        asked.append(scheme)
        return loaded_once("demo")

    other = other_of(read_other("policy=dip-demo-2025"), BASE, desk().loaded, grouper=load)
    assert asked == ["taian-2025"]
    assert (other.kind, other.label) == (
        "policy", f"{SCHEME} → demo; {POLICY} → dip-demo-2025",
    )  # fmt: skip


def test_numbers_given_stay_with_their_policy() -> None:
    base = Setting(policy=POLICY, supply={"drg.outliers.low": "0.4"})
    loaded = load_setting(base)
    assert loaded.grouper.scheme_id == SCHEME
    more = other_of(read_other("drg.rates.310=9000"), base, loaded)
    assert more.policy is not None
    assert more.policy.drg is not None
    assert more.policy.drg.outliers is not None
    assert more.policy.drg.outliers.low == Fraction(2, 5)
    assert more.label == "drg.rates.310 = 9000"
    elsewhere = other_of(read_other("policy=haerbin-2022"), base, loaded)
    assert elsewhere.policy is not None
    assert elsewhere.policy.digest == load_policy("haerbin-2022").digest


def test_others_that_are_none_are_refused() -> None:
    with pytest.raises(CaseError, match="G418"):
        other_of(read_other(f"scheme={SCHEME}"), BASE, desk().loaded)
    bare = Setting(scheme="demo")
    with pytest.raises(CaseError, match="G419"):
        other_of(read_other("drg.rates.310=9000"), bare, load_setting(bare))
    with pytest.raises(CaseError, match="G412"):
        load_setting(Setting(policy="haerbin-2024"))


def test_another_years_policy_is_applied_as_if_in_force() -> None:
    """A case of 2024 under the policy of 2023: what it would be paid, and that the days differ."""
    base, wanted = desk(), Wanted(principals=False, principal_procedures=False, drops=False)
    other = other_of(read_other("policy=haerbin-2023"), BASE, base.loaded)
    with open_claims(CASES) as source:
        frame, columns = source.scan().collect().head(1), source.columns
        (told,) = base.simulator.simulate_frame(frame, columns, wanted, [other], lang="zh")
        assert other.policy is not None
        timeless = other.policy.model_copy(update={"in_force": Interval()})
        row = price_frame(base.loaded.grouper.group_frame(frame, columns), timeless,
                          columns=columns).row(0, named=True)  # fmt: skip
    (scenario,) = told.scenarios
    assert scenario.money is not None
    assert (scenario.money.note, scenario.money.fund_fen) == (None, row["fund_fen"])
    assert scenario.money.digest == load_policy("haerbin-2023").digest
    assert "施行期 [2023-01-01, 2024-01-01) 不含出院日期" in scenario.because[0]


# ---- one case


def test_explain_alone_is_the_path_and_nothing_else() -> None:
    words = run("explain", CASES, "--id", "Z0601", "-s", SCHEME).stdout
    more = run("explain", CASES, "--id", "Z0601", "-p", POLICY).stdout
    assert more.startswith(words)
    assert words.splitlines()[-1].startswith("结果：")
    assert "预计支付" not in words


def test_explain_with_a_policy_tells_what_pricing_says() -> None:
    row = priced().row(0, named=True)
    told = Explanation.model_validate_json(
        run("explain", CASES, "--id", "Z0601", "-p", POLICY, "--json").stdout
    )
    assert told.money is not None
    assert (told.row, told.claim_id, told.grouping.group) == (1, "Z0601", row["group"])
    assert told.money.standard_fen == row["standard_fen"]
    assert told.money.fund_fen == row["fund_fen"]
    words = run("explain", CASES, "--id", "Z0601", "-p", POLICY).stdout
    for part in ("预计支付：demo-2024", "费用极高界限", "与病组均值相比", "发现"):
        assert part in words
    assert f"{row['fund_fen'] / 100:,.2f}" in words


def test_simulate_tells_one_case_in_both_languages() -> None:
    args = ("simulate", CASES, "--id", "Z0604", "-p", POLICY, "--no-principals", "--no-drops")
    words = run(*args).stdout
    assert words.splitlines()[0] == "病例 Z0604（第 4 行）"
    assert "主要手术操作改为 37.2200" in words
    assert words.rstrip().endswith(simulated().notice)
    english = run(*args, "--lang", "en").stdout
    assert "Scenarios (2, in recorded order)" in english
    assert not re.search("情景|病例(?!组)|界限|预计", english)


def test_json_is_one_line_a_case_and_reads_back(tmp_path: Path) -> None:
    out = run("simulate", CASES, "--id", "Z0604", "-p", POLICY, "--no-principals", "--no-drops",
              "--json").stdout  # fmt: skip
    (line,) = out.splitlines()
    found = Simulation.model_validate_json(line)
    assert found.scenarios[0].place == 1
    assert [s.kind for s in found.scenarios] == ["principal_procedure"] * 2
    twice = tmp_path / "twice.csv"
    twice.write_text("claim_id,sex,age,diagnoses\nA1,M,60,I63.905\nA1,F,9,K37.x00\n")
    lines = run("simulate", twice, "--id", "A1", "-s", "demo", "--json").stdout.splitlines()
    assert [json.loads(line)["base"]["row"] for line in lines] == [1, 2]
    assert "（第 1, 2 行）" in run("simulate", twice, "--id", "A1", "-s", "demo").stdout
    page = ("--page", tmp_path / "p.html")
    assert "[G415]" in error_of("simulate", twice, "--id", "A1", "-s", "demo", *page)
    assert not (tmp_path / "p.html").exists()


def test_a_file_of_one_row_needs_no_id_and_a_row_number_names_a_case(tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    one.write_text("sex,age,diagnoses\nM,60,I63.905\n")
    assert "病例 1（第 1 行）" in run("simulate", one, "-s", "demo").stdout
    assert "[G416]" in error_of("simulate", CASES, "-p", POLICY)
    assert "[C202]" in error_of("simulate", CASES, "-p", POLICY, "--id", "Z0699")


def test_the_page_stands_alone_and_shows_names_as_text(tmp_path: Path) -> None:
    found = simulated()
    label = "<script>alert(1)</script>"
    scenario = found.scenarios[0].model_copy(update={"label": label})
    page = case_page(found.model_copy(update={"scenarios": (scenario,)}), "zh")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r'(?:src|href)="', page)
    assert found.notice in page
    told = tmp_path / "case.html"
    result = run("explain", CASES, "--id", "Z0601", "-p", POLICY, "--page", told)
    assert result.stdout == ""
    assert "决策路径" in told.read_text("utf-8")


def test_scenarios_are_told_in_recorded_order_never_by_payment() -> None:
    found = simulated()
    backwards = found.model_copy(update={"scenarios": found.scenarios[::-1]})
    places = [
        [line.split()[0] for line in simulation_lines(one, "zh") if re.match(r"  \d+\. ", line)]
        for one in (found, backwards)
    ]
    # Whatever the order of the answer is, the page keeps it.
    assert places == [["1.", "2."], ["2.", "1."]]
    assert [s.place for s in found.scenarios] == [1, 2]


# ---- a file


def book_of(path: Path) -> dict[str, pl.DataFrame]:
    """Sheets of a workbook as text, the lines above the first heading left out."""
    book = fastexcel.read_excel(path)
    found = {}
    for name in book.sheet_names:
        cells = book.load_sheet(name, header_row=None, dtypes="string").to_polars()
        first = next(n for n, row in enumerate(cells.iter_rows()) if row[0] in ("行号", "row"))
        heads = [str(cell) for cell in cells.row(first)]
        found[name] = cells.slice(first + 1).rename(dict(zip(cells.columns, heads, strict=True)))
    return found


def test_workbook_and_folder_hold_every_case(tmp_path: Path) -> None:
    out, folder = tmp_path / "out.xlsx", tmp_path / "told"
    seen: list[tuple[int, int]] = []
    done = simulate_file(
        desk(), CASES, out, wanted=FEW, progress=lambda *at: seen.append(at), lang="zh"
    )
    assert seen[-1] == (5, 5)
    again = simulate_file(desk(), CASES, folder, wanted=FEW, lang="zh")
    assert again.counts == done.counts
    assert (done.counts["cases"], done.counts["unpaid"]) == (5, 1)
    book = book_of(out)
    assert [*book] == ["病例", "情景", "发现"]
    cases = book["病例"]
    ids = pl.read_csv(CASES, infer_schema=False).to_series()
    assert cases["结算ID"].to_list() == ids.to_list()
    fund = [None if cell is None else fen(cell) for cell in cases["预计基金支付（元）"]]
    assert fund == priced()["fund_fen"].to_list()
    for (key, schema), sheet in zip(SHEETS.items(), book.values(), strict=True):
        text = pl.read_csv(folder / f"{key}.csv", infer_schema=False)
        assert text.columns == [*schema]
        assert (text.height, text.width) == (sheet.height, sheet.width)
    scenarios = pl.read_csv(folder / "scenarios.csv", infer_schema=False)
    assert done.counts["scenarios"] == scenarios.height
    assert scenarios.filter(pl.col("claim_id") == "Z0604")["place"].to_list() == ["1", "2"]
    about = (folder / "about.txt").read_text("utf-8")
    assert simulated().notice in about
    assert f"drg.digest = {desk().loaded.grouper.digest}" in about


def test_workbook_is_laid_out_for_reading(tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    simulate_file(desk(), CASES, out, wanted=FEW, lang="en")
    with zipfile.ZipFile(out) as parts:
        sheets = [parts.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2, 3)]
        styles = parts.read("xl/styles.xml").decode()
        assert "drg.policy_digest" in parts.read("docProps/custom.xml").decode()
    assert all('state="frozen"' in sheet and "<autoFilter" in sheet for sheet in sheets)
    assert "#,##0.00" in styles
    assert "does not advise any change" in sheets[0]
    assert not re.search("[\u4e00-\u9fff]", "".join(book_of(out)["cases"].columns))


def test_a_workbook_keeps_what_is_no_decimal_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    money = simulated().base.money
    assert money is not None
    told = [
        simulated().model_copy(
            update={
                "base": simulated().base.model_copy(
                    update={"money": money.model_copy(update={"weight": weight})}
                )
            }
        )
        for weight in ("1.5", "1/3", "0.123456")
    ]
    frames = frames_of(told, [{}] * 3, "zh")
    with open_book(tmp_path / "out.xlsx", "workbook", ["x"], {}, "zh") as book:
        for at in range(3):
            book.append("cases", frames["cases"].slice(at, 1))
    assert book_of(tmp_path / "out.xlsx")["病例"]["权重"].to_list() == ["1.5", "1/3", "0.123456"]


def test_what_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, folder = tmp_path / "out.xlsx", tmp_path / "told"
    out.write_bytes(b"before")

    def broken(*args: object) -> dict[str, pl.DataFrame]:
        raise RuntimeError("half way")

    monkeypatch.setattr(module, "frames_of", broken)
    for target in (out, folder):
        with pytest.raises(RuntimeError):
            simulate_file(desk(), CASES, target, wanted=FEW)
    assert out.read_bytes() == b"before"
    assert {p.name for p in tmp_path.iterdir()} == {"out.xlsx"}


def test_a_file_without_cases_gives_empty_sheets(tmp_path: Path) -> None:
    none = tmp_path / "none.csv"
    none.write_text("claim_id,diagnoses\n")
    done = simulate_file(desk(), none, tmp_path / "out.xlsx", lang="zh")
    assert done.counts["cases"] == 0
    assert [frame.height for frame in book_of(tmp_path / "out.xlsx").values()] == [0, 0, 0]


def test_errors_name_the_mend(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="G411"):
        simulate_file(desk(), CASES, tmp_path / "out.xlsx", limit=4)
    args = ("simulate", CASES, "-p", POLICY)
    assert "[G414]" in error_of(*args, "-o", tmp_path / "out.pdf")
    assert "[F202]" in error_of(*args, "-o", tmp_path / "no" / "out.xlsx")
    assert "[G413]" in error_of(*args, "-o", tmp_path / "o.xlsx", "--json", "--id", "Z0601")
    assert "[G413]" in error_of("simulate", CASES, "-s", SCHEME, "--set", "drg.rates.310=9000")
    assert "[G412]" in error_of("simulate", CASES)
    assert "[G412]" in error_of("explain", CASES, "--id", "Z0601")
    assert "[G410]" in error_of(*args, "--id", "Z0601", "--other", "scheme")
    assert "[G401]" in error_of(*args, "--id", "Z0601", "--correct", "age=old")
    assert not [*tmp_path.iterdir()]


# ---- the guide


def test_the_guide_s_library_example_runs() -> None:
    (code,) = [block.code for block in blocks_of(GUIDE) if block.language == "python"]
    exec(compile(code, GUIDE.name, "exec"), {})


def test_the_guide_shows_what_the_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / CASES.name).write_bytes(CASES.read_bytes())
    monkeypatch.chdir(tmp_path)
    blocks = [block for block in blocks_of(GUIDE) if block.language == "console"]
    commands = [command for block in blocks for command in commands_of(block.code)]
    assert len(commands) >= 3
    for command, wanted in commands:
        done = run_shown(command)
        assert done.returncode == 0, done.stderr
        assert_shown(command, done, wanted)
