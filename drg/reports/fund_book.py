"""The fund warning as a workbook: lines, months, quarters, funds, bounds; one sheet each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.writers import write_workbook
from drg.reports.fund_report import (
    bounds_frame,
    funds_frame,
    lines_frame,
    months_frame,
    quarters_frame,
)
from drg.reports.fund_words import (
    bounds_words,
    insurance_of,
    lead_lines,
    level_word,
    overall_words,
    say,
    unit_of,
    why_words,
)
from drg.text import language

if TYPE_CHECKING:
    from drg.claims.workbook import Workbook
    from drg.reports.fund_report import FundReport

__all__ = ["write_fund_book"]

#: Heading of a column, by sheet where the same column means another thing.
_HEADS = {
    "budget_fen": "budget", "plan_so_far_fen": "plan_so_far", "spent_fen": "spent",
    "of_plan_e4": "of_plan", "of_year_e4": "of_year", "linear_fen": "linear",
    "seasonal_fen": "seasonal", "projected_fen": "projected", "over_fen": "over",
    "plan_fen": "plan", "spent_so_far_fen": "spent", "income_fen": "income",
    "spending_fen": "spending", "balance_fen": "balance", "closing_fen": "closing",
    "mean_fen": "mean", "reserve_e4": "reserve", "risk_fen": "risk",
    "risk_share_e4": "risk_share",
}  # fmt: skip
_OWN_HEADS = {
    "months": {"spent_fen": "month_spent"},
    "quarters": {"plan_fen": "quota", "over_fen": "quarter_over"},
    "funds": {"insurance": "fund"},
}
_FORMATS = {"of_plan_e4": "0.00%", "of_year_e4": "0.00%", "risk_share_e4": "0.00%",
            "reserve_e4": "0.0000"}  # fmt: skip
_SCALE = 10_000


def write_fund_book(path: str | Path, report: FundReport, *, lang: str | None = None) -> None:
    """Write ``fund.xlsx``: the same report, the same bytes; errors as of ``write_workbook``."""
    lang = lang or language()
    title = say("title", lang, year=report.year)
    if report.settled:
        title = f"{title} {say('until', lang, month=report.settled[-1])}"
    with write_workbook(path, created=dt.date(report.year, 12, 31)) as book:
        if report.lines:
            told = [title, *overall_words(report, lang), *lead_lines(report, lang)]
            _sheet(book, "lines", lines_frame(report), lang, told)
            _sheet(book, "months", months_frame(report), lang)
            if (quarters := quarters_frame(report)).height:
                _sheet(book, "quarters", quarters, lang)
        if report.funds:
            _sheet(book, "funds", funds_frame(report), lang, [say("reserve_note", lang)])
        rows = [bounds_words(row, lang) for row in bounds_frame(report, lang).iter_rows()]
        names = ("measure", "insurance", "bounds", "note", "source", "status")
        _sheet(book, "bounds", pl.DataFrame(rows, schema=list(names), orient="row"), lang)


def _sheet(
    book: Workbook, name: str, frame: pl.DataFrame, lang: str, told: list[str] | None = None
) -> None:
    shown = _worded(frame, lang) if name != "bounds" else frame
    own = _HEADS | _OWN_HEADS.get(name, {})
    sheet = book.sheet(
        say(f"sheet_{name}", lang),
        shown.columns,
        heads={c: say(f"head_{own.get(c, c)}", lang) for c in shown.columns},
        fen=[c for c in shown.columns if c.endswith("_fen")],
        formats={c: _FORMATS[c] for c in shown.columns if c in _FORMATS},
        lines=told or (),
        printed=True,
    )
    sheet.append(shown)


def _worded(frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    """Codes as words, ratios as what their formats show."""
    changes: list[pl.Series] = []
    for name, worded in (("level", level_word), ("why", why_words), ("insurance", insurance_of)):
        if name in frame.columns:
            cells = [worded(value, lang) for value in frame[name]]
            changes.append(pl.Series(name, cells, dtype=pl.String))
    if "unit" in frame.columns:
        pairs = frame.select("unit", "name").iter_rows()
        changes.append(pl.Series("unit", [unit_of(unit, name, lang) for unit, name in pairs]))
    frame = frame.with_columns(changes)
    # A ratio of four decimals is the same text as float.
    ratios = [pl.col(c) / _SCALE for c in frame.columns if c in _FORMATS]
    return frame.with_columns(ratios).drop("name", strict=False)
