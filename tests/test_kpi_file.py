"""``drg kpi``: files and folders read, workbook read back, all files or none, words of errors."""

from __future__ import annotations

import re
import zipfile

import fastexcel
import made_reports
import polars as pl
import pytest
from click.testing import CliRunner

from drg.cli import cli
from drg.reports.kpi.reference import KpiError
from drg.scale.kpi_file import kpi_files, kpi_report_of


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    path = tmp_path_factory.mktemp("claims") / "grouped.parquet"
    made_reports.claims("2025-01", 1).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def made(grouped, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "kpi"
    return kpi_files([grouped], out, save=out.parent / "region.xlsx", csv=True, lang="zh")


def test_files(made):
    assert made.files == ("agency.csv", "kpi.csv", "kpi.html", "kpi.parquet", "kpi.xlsx")
    stored = pl.read_parquet(made.output / "kpi.parquet")
    assert stored.equals(made.report.values)


def test_the_workbook_read_back(made):
    book = fastexcel.read_excel(made.output / "kpi.xlsx")
    assert book.sheet_names[:2] == ["总览", "月份"]
    assert book.sheet_names[-3:] == ["病组离散度", "指标说明", "未能计算"]
    sheet = book.load_sheet("医疗机构", header_row=2).to_polars()
    wanted = made.report.wide("hospital", "grouping_rate", "mean_cost")
    assert sheet["医疗机构"].to_list() == wanted["hospital"].to_list()
    assert [round(v * 10_000) for v in sheet["入组率"]] == wanted["grouping_rate"].to_list()
    assert [round(v * 100) for v in sheet["次均费用"]] == wanted["mean_cost"].to_list()
    top = made.report.wide("hospital", "grouping_rate", field="numerator")["grouping_rate"]
    assert sheet["入组率·分子"].cast(pl.Int64).to_list() == top.to_list()
    groups = book.load_sheet("病组离散度", header_row=2).to_polars()
    assert groups["病组"].to_list() == made.report.groups["group"].to_list()
    told = book.load_sheet("指标说明", header_row=2).to_polars()
    assert told.height == len(made.report.kpis)


def test_formats_panes_and_widths(made):
    with zipfile.ZipFile(made.output / "kpi.xlsx") as book:
        styles = book.read("xl/styles.xml").decode()
        sheets = [book.read(f"xl/worksheets/sheet{n}.xml").decode() for n in range(2, 8)]
    for form in ("0.00%", "0.0000%", "0.0000", "#,##0", "#,##0.00"):
        assert f'formatCode="{form}"' in styles or form in ("0.00%", "#,##0", "#,##0.00")
    for sheet in sheets:
        assert re.search(r'<pane xSplit="[12]" ySplit="3"[^>]*state="frozen"', sheet)
        assert 'outlineLevel="1"' in sheet
        assert all(float(w) >= 8 for w in re.findall(r'<col [^>]*width="([\d.]+)"', sheet))
        assert '="nan"' not in sheet.lower()


def test_the_same_bytes_again(made, grouped, tmp_path):
    again = kpi_files([grouped], tmp_path / "again", csv=True, lang="zh")
    for name in again.files:
        assert (again.output / name).read_bytes() == (made.output / name).read_bytes(), name


def test_a_frozen_reference_is_used(made, grouped):
    region = made.output.parent / "region.xlsx"
    frozen = kpi_report_of([grouped], reference=region)
    assert frozen.reference.name == "region.xlsx"
    assert frozen.values.equals(made.report.values)


def test_settled_months(tmp_path):
    for period, seed in (("2025-01", 3), ("2025-02", 4)):
        made_reports.settle(tmp_path / "year" / period, 60, 2, seed, period)
    found = kpi_report_of([tmp_path / "year"])
    assert found.periods == ("2025-01", "2025-02")
    assert found.claims == 120
    for again in ("2025-02", "2025-02/claims.parquet"):
        with pytest.raises(KpiError, match="K409"):
            kpi_report_of([tmp_path / "year" / again, tmp_path / "year"])
    with pytest.raises(KpiError, match="K410"):
        kpi_report_of([tmp_path])


def test_what_cannot_be_used(grouped, tmp_path):
    raw = tmp_path / "raw.csv"
    raw.write_text("claim_id,diagnoses\nC1,I10\n", "utf-8")
    findings = tmp_path / "findings.csv"
    findings.write_text("claim_id,code\nC1,A301\n", "utf-8")
    for code, sources, options in (
        ("K408", [raw], {}),
        ("K409", [grouped, grouped], {}),
        ("K411", [grouped], {"findings": findings}),
        ("K405", [grouped], {"by": ["ward"]}),
    ):
        with pytest.raises(KpiError) as caught:
            kpi_files(sources, tmp_path / "out", **options)
        assert caught.value.code == code
        assert caught.value.message("zh") != caught.value.message("en")
    assert not (tmp_path / "out").exists()


def test_the_command(grouped, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept", "utf-8")
    arguments = ["kpi", str(grouped), "-o", str(out), "--by", "hospital,period", "--lang"]
    done = CliRunner().invoke(cli, [*arguments, "en"])
    assert done.exit_code == 0, done.output
    assert re.search(r"grouping rate +\d+\.\d\d% +[\d,]+ +[\d,]+", done.output)
    assert "are not told, for want of:" in done.output
    assert (out / "mine.txt").exists()
    assert sorted(p.name for p in out.iterdir()) == [
        "agency.csv", "kpi.html", "kpi.parquet", "kpi.xlsx", "mine.txt",
    ]  # fmt: skip
    agency = pl.read_csv(out / "agency.csv", infer_schema=False)
    assert agency.columns[2:] == [
        "fee_idx", "time_idx", "profit_loss", "rw2_ratio", "lowrisk_mortality",
    ]  # fmt: skip
    failed = CliRunner().invoke(cli, ["kpi", str(grouped), "-o", str(out), "--by", "doctor"])
    assert failed.exit_code == 2
