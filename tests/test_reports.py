"""Statements and pages: they tie with the ledger to the fen, name a reason for every one not paid,
escape what they are given, and are the same bytes twice."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from made_months import OWN_REASON, policy, settled

from drg.claims.cells import CellStyle, rows_xml
from drg.claims.workbook import Workbook
from drg.claims.writers import write_workbook
from drg.money import fen
from drg.reports.clearing import write_clearing
from drg.reports.cover import ReportError
from drg.reports.figures import MONEY_SUMS, batches, by_class, by_mode, claim_lines, payable
from drg.reports.statement import statement_files, write_statements
from drg.reports.summary_page import write_summary
from drg.reports.svg import Bar, bars
from drg.reports.unpaid import NOT_SETTLED, UNPAID_SCHEMA, unpaid_lines
from drg.reports.words import insurance_word, money, word, worded
from drg.settlement.ledger import BATCH_ACCOUNTS
from drg.settlement.settled import Settlement
from drg.settlement.year.clear import clear_year
from drg.text import catalogue

fastexcel = pytest.importorskip("fastexcel")
KEPT = [account for account in BATCH_ACCOUNTS if account != "advance"]
VOID = {"meta", "br", "img", "link", "input", "hr"}


@pytest.fixture(scope="module")
def month() -> Settlement:
    return settled()


@pytest.fixture(scope="module")
def statements(month: Settlement, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    paths = write_statements(tmp_path_factory.mktemp("month"), month, lang="zh")
    return {path.stem: path for path in paths}


def sheet(path: Path, number: int, head: int = 2) -> pl.DataFrame:
    """A sheet of a statement, all text; two lines stand above its headings."""
    book = fastexcel.read_excel(path)
    return book.load_sheet(number, header_row=head, dtypes="string").to_polars()


def cover(path: Path) -> list[list[str | None]]:
    book = fastexcel.read_excel(path)
    frame = book.load_sheet(0, header_row=None, dtypes="string").to_polars()
    return [list(row) for row in frame.iter_rows()]


def yuan_of(cell: str | None) -> int:
    """Fen of a cell, which is a double in the file."""
    return fen(f"{float(cell or 0):.2f}")


def total(frame: pl.DataFrame, column: str) -> int:
    return sum(yuan_of(cell) for cell in frame[column])


# ---- statements


def test_the_month_made_for_these_tests_holds(month: Settlement) -> None:
    assert month.check() == []
    lines = claim_lines(month.claims)
    assert {"UNPAID", "STATISTICS", "DRG"} == set(lines["pay_mode"].cast(pl.String))
    assert set(lines["insurance"].drop_nulls()) == {"310", "390"}
    assert lines.schema["discharged_on"] == pl.Date


def test_a_statement_a_hospital(month: Settlement, statements: dict[str, Path]) -> None:
    assert sorted(statements) == sorted(month.claims["hospital_id"].unique())
    for path in statements.values():
        assert fastexcel.read_excel(path).sheet_names == ["结算单", "病例明细", "拒付与暂缓"]


def test_claims_tie_with_the_ledger_to_the_fen(
    month: Settlement, statements: dict[str, Path]
) -> None:
    sums = month.ledger.totals("hospital", "account")
    for hospital, path in statements.items():
        frame = sheet(path, 1)
        own = dict(sums.filter(pl.col("hospital") == hospital).select("account", "fen").iter_rows())
        paid = frame.filter(~pl.col("支付方式").is_in(["未支付", "只作统计"]))
        assert total(paid, "基金支付（元）") == own["fund"]
        assert total(paid, "患者负担（元）") == own["patient"]
        assert total(paid, "医疗机构差额（元）") == -own["hospital"]
        parts = ("fund", "patient", "hospital", "statistics", "unsettled")
        assert total(frame, "总费用（元）") == sum(own.get(part, 0) for part in parts)
        assert frame.height == month.claims.filter(pl.col("hospital_id") == hospital).height


def test_the_cover_tells_what_the_ledger_says(
    month: Settlement, statements: dict[str, Path]
) -> None:
    accounts = month.ledger.totals("hospital", "insurance", "account")
    names = {"fund": "基金应付", "advance": "本期拨付", "retention": "预留保证金",
             "held": "调查期间暂缓", "deduction": "审核扣减"}  # fmt: skip
    insurances = {"310": "职工医保", "390": "居民医保"}
    for hospital, path in statements.items():
        rows = cover(path)
        told = {(row[0], row[1]): yuan_of(row[2]) for row in rows if row[0] in names.values()}
        wanted = {
            (names[account], insurances[insurance]): amount
            for owner, insurance, account, amount in accounts.iter_rows()
            if owner == hospital and account in names and amount
        }
        assert told == wanted
        words = "\n".join(cell for row in rows for cell in row if cell)
        assert "2024-07-10 前完成核算；2024-07-15 前拨付" in words
        assert "不是官方" in words
        assert "阜政办发[2009]108号" in words
        assert "示例政策（made-2024，摘要 abababababab）" in words


def test_every_amount_that_is_not_paid_has_a_reason(
    month: Settlement, statements: dict[str, Path]
) -> None:
    left = month.ledger.totals("hospital", "account").filter(pl.col("account").is_in(KEPT))
    for hospital, path in statements.items():
        frame = sheet(path, 2)
        assert frame["原因"].null_count() == 0
        assert frame["处理办法"].null_count() == 0
        assert frame.filter(~pl.col("原因").str.contains(r"\p{Han}")).is_empty()
        claims = month.claims.filter(
            (pl.col("hospital_id") == hospital) & pl.col("pay_mode").is_in(["UNPAID", "STATISTICS"])
        )
        refused = frame.filter(pl.col("类别").is_in(["未支付", "只作统计"]))
        assert sorted(refused["结算ID"]) == sorted(claims["ref"])
        assert total(refused, "未付金额（元）") == int(claims["cost_fen"].sum())
        kinds = ["争议", "暂缓", "扣减", "按结算期"]
        kept = frame.filter(pl.col("类别").is_in(kinds))
        own = left.filter(pl.col("hospital") == hospital)
        assert total(kept, "未付金额（元）") == int(own["fen"].sum())


def test_a_decision_is_told_in_its_own_words(statements: dict[str, Path]) -> None:
    frame = sheet(statements["H0"], 2)
    held = frame.filter(pl.col("类别") == "暂缓")
    assert held["原因"].item().startswith(OWN_REASON)
    assert held["期限"].item().startswith("2024-08-01")
    both = frame.filter(pl.col("原因").str.contains("分组：E101 性别未填"))
    assert both.height
    assert both["处理办法"].str.contains("补填性别").all()
    assert frame.filter(pl.col("类别") == "超出上限").height
    assert frame.filter(pl.col("类别") == "基金不付")["未付金额（元）"].unique().to_list() == ["0"]


def test_unpaid_lines_of_nothing(month: Settlement) -> None:
    lines = claim_lines(month.claims).filter(pl.col("fund_fen") > 0)
    found = unpaid_lines(
        lines.clear(), month.ledger, batches(month.ledger).clear(), month.matters.clear(),
        documents={},
    )  # fmt: skip
    assert found.is_empty()
    assert found.schema == UNPAID_SCHEMA


def test_kept_money_adds_up_to_fund_less_paid(month: Settlement) -> None:
    kept = batches(month.ledger)
    found = unpaid_lines(
        claim_lines(month.claims), month.ledger, kept, month.matters, documents={}, lang="en"
    )
    told = found.filter(~pl.col("kind").is_in([*NOT_SETTLED, "over_cap", "zero"]))
    paid = kept.filter(pl.col("account") == "advance")["fen"].sum()
    assert int(told["amount_fen"].sum()) == int(payable(month.ledger)["fen"].sum()) - int(paid)
    assert found["reason"].null_count() == 0


def test_the_same_settlement_is_the_same_bytes(
    month: Settlement, statements: dict[str, Path], tmp_path: Path
) -> None:
    again = write_statements(tmp_path, month, lang="zh")
    assert {p.stem: p.read_bytes() for p in again} == {
        name: path.read_bytes() for name, path in statements.items()
    }
    first = write_summary(tmp_path, month, lang="zh").read_bytes()
    assert write_summary(tmp_path, month, lang="zh").read_bytes() == first


def test_statements_print_and_scroll(statements: dict[str, Path]) -> None:
    with zipfile.ZipFile(statements["H0"]) as book:
        claims = book.read("xl/worksheets/sheet2.xml").decode()
        names = book.read("xl/workbook.xml").decode()
        core = book.read("docProps/core.xml").decode()
        styles = book.read("xl/styles.xml").decode()
    assert 'topLeftCell="A4" activePane="bottomLeft" state="frozen"' in claims
    assert 'paperSize="9"' in claims
    assert 'orientation="landscape"' in claims
    assert "<autoFilter" in claims
    assert "_xlnm.Print_Titles" in names
    assert "2024-06-30T12:00:00Z" in core
    assert "#,##0.00" in styles


def test_statements_in_english(month: Settlement, tmp_path: Path) -> None:
    path = write_statements(tmp_path, month, lang="en")[0]
    assert fastexcel.read_excel(path).sheet_names == ["statement", "claims", "refused and held"]
    words = "\n".join(cell for row in cover(path) for cell in row if cell)
    assert "no official grouping" in words


def test_another_policy_is_refused(month: Settlement, tmp_path: Path) -> None:
    for write in (write_statements, write_summary):
        with pytest.raises(ReportError) as caught:
            write(tmp_path, month, policy(digest="cd" * 32))
        assert caught.value.code == "P450"
    assert list(tmp_path.rglob("*.xlsx")) == []


def test_files_of_odd_hospitals() -> None:
    names = statement_files(["", "a/b", "A\\B", "..", "医院", "con:"])
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert not any(re.search(r'[<>:"/\\|?*]|^\.', name) for name in names.values())


# ---- the page


class Tags(HTMLParser):
    """Tags that close in order, and every attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_whole_and_alone(month: Settlement, tmp_path: Path, lang: str) -> None:
    page = write_summary(tmp_path, month, lang=lang).read_text("utf-8")
    tags = parsed(page)
    assert "script" not in tags.names
    assert not {"src", "href", "onclick"} & {name for name, _ in tags.attributes}
    assert not re.search(r"https?://|@import|url\(", page)
    assert "svg" in tags.names
    assert "&lt;b&gt;第一&amp;医院&lt;/b&gt;" in page
    assert "<b>" not in page
    assert ("不是官方" if lang == "zh" else "no official grouping") in page
    assert ("核对通过" if lang == "zh" else "Checked") in page
    assert month.policy_digest in page
    assert money(int(month.hospitals["fund_fen"].sum())) in page


def test_the_page_names_every_fault(month: Settlement, tmp_path: Path) -> None:
    broken = Settlement(**{
        **{name: getattr(month, name) for name in month.__dataclass_fields__},
        "claims": month.claims.with_columns(pl.col("cost_fen") + 1),
    })  # fmt: skip
    page = write_summary(tmp_path, broken, lang="zh").read_text("utf-8")
    parsed(page)
    assert "核对不通过" in page
    assert "核对通过：" not in page


def test_a_month_without_claims(tmp_path: Path) -> None:
    whole = settled(60)
    empty = Settlement(**{
        **{name: getattr(whole, name) for name in whole.__dataclass_fields__},
        "claims": whole.claims.clear(),
        "ledger": type(whole.ledger)(),
        "matters": whole.matters.clear(),
        "hospitals": whole.hospitals.clear(),
        "findings": whole.findings.clear(),
    })  # fmt: skip
    assert write_statements(tmp_path, empty) == []
    parsed(write_summary(tmp_path, empty).read_text("utf-8"))


def test_figures_of_modes_and_classes(month: Settlement) -> None:
    lines = claim_lines(month.claims)
    modes = by_mode(lines, "hospital_id")
    assert int(modes["claims"].sum()) == lines.height
    assert int(modes["fund_fen"].sum()) == int(payable(month.ledger)["fen"].sum())
    assert set(modes.columns) == {"pay_mode", "hospital_id", "claims", *MONEY_SUMS}
    assert int(by_class(lines)["claims"].sum()) == int(
        modes.filter(pl.col("pay_mode") == "DRG")["claims"].sum()
    )


def test_bars_have_their_figures_and_a_common_zero() -> None:
    drawn = bars("<差额>", [Bar("甲 & 乙", 300, "3.00"), Bar("丙" * 40, -100, "-1.00")])
    tags = parsed(drawn)
    assert tags.names == {"svg", "title", "text", "rect", "line"}
    widths = [float(value or 0) for name, value in tags.attributes if name == "width"]
    assert widths == [246.0, 82.0]
    assert "甲 &amp; 乙" in drawn
    assert "…" in drawn
    assert bars("nothing", []) == ""
    huge = bars("huge", [Bar("x", 10**30, "1")])
    assert 'width="328.0"' in huge


# ---- the year


def test_a_cleared_year(tmp_path: Path) -> None:
    months = [settled(80, 2, seed=n, period=f"2024-{n:02}") for n in range(1, 13)]
    clearing = clear_year(months, months[0].policy or policy(), year=2024)
    assert clearing.check() == []
    *books, page = write_clearing(tmp_path, clearing, lang="zh")
    assert [path.name for path in books] == ["H0.xlsx", "H1.xlsx"]
    assert page == tmp_path / "summary.html"
    words = page.read_text("utf-8")
    parsed(words)
    assert "核对通过" in words
    assert money(int(clearing.hospitals["clearing_fen"].sum())) in words
    for path in books:
        own = clearing.ledger.entries.filter(pl.col("hospital") == path.stem)
        entries = sheet(path, 2, head=1)
        assert total(entries, "金额（元）") == int(own["fen"].sum())
        taken = sheet(path, 1, head=1)
        assert taken["原因"].null_count() == 0
        told = {row[0]: row for row in cover(path)}
        table = clearing.hospitals.filter(pl.col("hospital") == path.stem)
        assert yuan_of(told["清算拨付"][table.height + 1]) == int(table["clearing_fen"].sum())
    again = write_clearing(tmp_path / "again", clearing, lang="zh")
    for first, second in zip([*books, page], again, strict=True):
        assert first.read_bytes() == second.read_bytes()


# ---- words and cells


def test_words_of_unknown_codes() -> None:
    assert word("mode", "OTHER", "zh") == "OTHER"
    assert word("mode", None, "zh") == ""
    assert insurance_word("510", "zh") == "险种 510"
    assert insurance_word(None, "en") == "insurance not reported"
    series = pl.Series("x", ["310", None, "510"])
    assert worded(series, "insurance", "zh").to_list() == ["职工医保", None, "险种 510"]
    assert [money(n) for n in (0, -5, 123_456_789, -100_000)] == [
        "0.00", "-0.05", "1,234,567.89", "-1,000.00",
    ]  # fmt: skip


def test_the_catalogue_has_both_languages_with_the_same_places() -> None:
    for key, entry in catalogue("settlement").items():
        assert {"zh", "en"} <= entry.keys(), key
        assert ("mend_zh" in entry) == ("mend_en" in entry), key
        holes = [set(re.findall(r"\{(\w+)\}", entry[lang])) for lang in ("zh", "en")]
        assert holes[0] == holes[1], key


def test_rows_are_what_excel_reads() -> None:
    frame = pl.DataFrame(
        {
            "a": ["x & <y>", None, " kept "],
            "b": [1, None, 10**16],
            "c": pl.Series([dt.date(1900, 2, 28), dt.date(1900, 3, 1), dt.date(1899, 1, 1)]),
            "d": [True, None, False],
            "e": [-5, 123, 0],
            "f": ["_x0041_", "\x07", ""],
            "g": [None, None, None],
        }
    )
    xml = rows_xml(frame, 4, {"e": CellStyle(3, fen=True)})
    assert xml.startswith('<row r="4"><c r="A4" t="inlineStr"><is><t>x &amp; &lt;y&gt;</t>')
    assert '<c r="B4"><v>1</v></c><c r="C4"><v>59</v></c><c r="D4" t="b"><v>1</v></c>' in xml
    assert '<c r="E4" s="3"><v>-0.05</v></c>' in xml
    assert "<t>_x005F_x0041_</t>" in xml
    assert '<row r="5"><c r="C5"><v>61</v></c><c r="E5" s="3"><v>1.23</v></c>' in xml
    assert "<t>_x0007_</t>" in xml
    assert '<t xml:space="preserve"> kept </t>' in xml
    assert "<t>10000000000000000</t>" in xml
    assert "<t>1899-01-01</t>" in xml
    assert "G4" not in xml


def test_forms_are_inert(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    with write_workbook(path) as book:
        assert isinstance(book, Workbook)
        form = book.form("one", (20, 20))
        form.line("<r>title</r>", "title")
        form.pairs([("<r>a</r>", "<r>b</r>")])
        form.table(["x", "y"], ["text", "fen"], [["<r>c</r>", 1], [None, -250]], total=True)
    found = [cell for row in cover(path) for cell in row if cell]
    assert [cell.strip() for cell in found] == [
        "<r>title</r>", "<r>a</r>", "<r>b</r>", "x", "y", "<r>c</r>", "0.01", "-2.5",
    ]  # fmt: skip
