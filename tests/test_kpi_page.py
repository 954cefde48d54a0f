"""The page of figures: charts, tables with numerators, what cannot be told, both languages."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_reports import claims, report

from drg.claims.profiles import match_columns
from drg.reports.kpi.build import KpiRun
from drg.reports.kpi.page import write_kpi_page
from drg.reports.kpi.page_words import amount, short, whole_yuan
from drg.reports.page import Column, Marked, page, table


@pytest.fixture(scope="module", params=["zh", "en"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("kpi") / "kpi.html"
    write_kpi_page(path, report(), lang=request.param)
    return path.read_text("utf-8")


def test_it_stands_alone(shown: str) -> None:
    assert shown.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?://|<script|<link|<img|@import|url\(", shown)
    assert "default-src 'none'" in shown
    assert not re.search(r"\bNone\b|\bnan\b|<b>骨科", shown)
    assert "&lt;b&gt;骨科" in shown


def test_its_charts_are_drawings_with_words(shown: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", shown, re.DOTALL)
    assert len(drawings) >= 6
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.attrib["aria-label"]
        assert root.find("title") is not None


def test_rates_carry_numerator_and_denominator(shown: str) -> None:
    frame = report().rows("all", "grouping_rate")
    top, bottom = frame["numerator"][0], frame["denominator"][0]
    assert f">{top:,}</td>" in shown
    assert f">{bottom:,}</td>" in shown
    hospital = report().wide("hospital", "grouping_rate", field="numerator")["grouping_rate"][0]
    assert re.search(rf"<small>{hospital:,} / [\d,]+</small>", shown)


def test_figures_without_input_are_not_zero(tmp_path: Path) -> None:
    write_kpi_page(tmp_path / "kpi.html", report(), lang="zh")
    told = (tmp_path / "kpi.html").read_text("utf-8")
    untold = report().rows("all").filter(pl.col("value").is_null())["kpi"].to_list()
    assert "drug_share" in untold
    part = told[told.index("未能计算的指标") : told.index("算法与依据")]
    assert "药占比" in part
    assert "药占比" not in told[: told.index("未能计算的指标")]


def test_the_same_report_is_the_same_page(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_kpi_page(tmp_path / f"{name}.html", report(), lang="zh")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_one_month_has_no_lines(tmp_path: Path) -> None:
    write_kpi_page(tmp_path / "one.html", report(1), lang="zh")
    told = (tmp_path / "one.html").read_text("utf-8")
    assert "逐月" not in told
    assert "按期间" not in told


def test_nothing_makes_a_page_too(tmp_path: Path) -> None:
    frame = claims("2025-01", 1)
    columns = match_columns(frame.columns, dict(frame.schema), where="x")
    run = KpiRun()
    run.add(frame.clear(), columns)
    write_kpi_page(tmp_path / "none.html", run.finish(), lang="zh")
    told = (tmp_path / "none.html").read_text("utf-8")
    assert "<svg" not in told
    assert "0 例病例" in told


@given(value=st.integers(-(10**12), 10**12))
def test_numbers_are_told_exactly(value: int) -> None:
    assert round(float(short(value)) * 10_000) == value
    assert whole_yuan(value).replace(",", "").count(".") == (value % 100 != 0)
    assert amount(value, "e4").replace(",", "").replace(".", "").lstrip("-0") == (
        str(abs(value)).lstrip("0").rjust(0)
    )


def test_cells_keep_their_look() -> None:
    drawn = table([Column("a", number=True)], [[Marked("<1>", "red", note="2 & 3")]], even=True)
    assert '<td class="red">&lt;1&gt;<small>2 &amp; 3</small></td>' in drawn
    assert '<table class="even">' in drawn
    assert 'class="wide"' in page("x", "en", [drawn], wide=True)
    assert 'class="wide"' not in page("x", "en", [drawn])
