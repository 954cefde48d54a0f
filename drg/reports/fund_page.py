"""The fund warning on one page: ``fund.html``, for the screen and for A4 across."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import drg
from drg.money import PLACES, round_scaled
from drg.reports.documents import cited
from drg.reports.fund_report import bounds_frame, lines_frame, months_frame, quarters_frame
from drg.reports.fund_words import (
    bounds_words,
    fen_or_dash,
    fund_rows,
    insurance_of,
    lead_lines,
    level_word,
    line_rows,
    overall_words,
    percent,
    say,
    unit_of,
)
from drg.reports.page import (
    Column,
    Marked,
    chart,
    figures,
    listed,
    notice,
    page,
    pair,
    save_page,
    section,
    table,
)
from drg.reports.svg import Bar, bars
from drg.reports.svg_axes import Axis
from drg.reports.svg_lines import Line, lines
from drg.reports.words import money
from drg.text import language

if TYPE_CHECKING:
    from drg.reports.fund_report import FundReport
    from drg.settlement.warning import LineWarning

__all__ = ["write_fund_page"]

_TEN_THOUSAND = 1_000_000  # fen
_WHOLE, _LABELS = 10**PLACES, 210
_BARS, _MONTHS = 12, range(1, 13)
_NOTICE = {"green": "good", "yellow": "", "orange": "", "red": "bad", None: ""}


def write_fund_page(path: str | Path, report: FundReport, *, lang: str | None = None) -> None:
    """Write ``fund.html``: no network, no script; the same report, the same bytes.

    Errors as of ``save_page``.
    """
    lang = lang or language()
    title = say("title", lang, year=report.year)
    if report.settled:
        title = f"{title} {say('until', lang, month=report.settled[-1])}"
    parts = [listed(lead_lines(report, lang))]
    if (region := report.region) is not None:
        head, *more = overall_words(report, lang)
        parts += [
            notice(head, _NOTICE[region.level], more),
            figures(_keys(region, lang)),
            pair(_total_chart(report, region, lang), _month_chart(region, lang)),
            section(say("section_lines", lang), _marked(line_rows(report, lang), report, lang)),
            pair(
                _units_chart(report, lang),
                section(say("section_quarters", lang), *_quarters(report, region, lang)),
            ),
            section(say("section_months", lang), _months_table(report, region, lang)),
        ]
    if report.funds:
        told = listed([say("reserve_note", lang)])
        parts.append(section(say("section_funds", lang), _funds_table(report, lang), told))
    parts.append(section(say("section_bounds", lang), _bounds_table(report, lang)))
    parts.append(f"<footer>{say('footer', lang, version=drg.__version__)}</footer>")
    save_page(path, page(title, lang, parts, wide=True))


def _keys(region: LineWarning, lang: str) -> list[tuple[str, str]]:
    used_up = region.used_up
    never = say("never", lang) if region.budget else "—"
    last = region.months[-1] if region.months else None
    return [
        (say("key_spent", lang), money(region.spent)),
        (say("key_plan", lang), fen_or_dash(last.plan_so_far if last else None)),
        (say("key_of_plan", lang), _percent(region.of_plan)),
        (say("key_budget", lang), fen_or_dash(region.budget.year_fen if region.budget else None)),
        (say("key_of_year", lang), _percent(region.of_year)),
        (say("key_projected", lang), fen_or_dash(region.projected)),
        (say("key_over", lang), fen_or_dash(region.projected_over)),
        (say("key_used_up", lang), say("month_of", lang, month=used_up) if used_up else never),
    ]


def _percent(value: Fraction | None) -> str:
    return percent(None if value is None else round_scaled(value, PLACES))


def _in_10k(fen: int) -> str:
    """Fen as whole ten thousand yuan, for an axis."""
    return (
        f"{fen // _TEN_THOUSAND:,}" if fen % _TEN_THOUSAND == 0 else f"{fen / _TEN_THOUSAND:,.2f}"
    )


def _total_chart(report: FundReport, region: LineWarning, lang: str) -> str:
    """Plan so far, spending so far, and from the last month on the projection."""
    spent: list[int | None] = [None] * 12
    for row in region.months:
        spent[row.month - 1] = row.spent_so_far
    series = []
    if region.budget is not None and not report.gaps:
        months = region.budget.months
        planned: list[int | None] = [sum(months[m] for m in range(1, n + 1)) for n in _MONTHS]
        series.append(Line(say("line_plan", lang), planned, "6 4", "none"))
    series.append(Line(say("line_spent", lang), spent, "", "circle"))
    last = region.months[-1] if region.months else None
    if last is not None and region.projected is not None and last.month < 12 and not report.gaps:
        ahead: list[int | None] = [None] * 12
        ahead[last.month - 1], ahead[11] = last.spent_so_far, region.projected
        for month in range(last.month + 1, 12):
            room = (region.projected - last.spent_so_far) * (month - last.month)
            ahead[month - 1] = last.spent_so_far + room // (12 - last.month)
        series.append(Line(say("line_projected", lang), ahead, "2 4", "triangle"))
    title = say("chart_total", lang)
    drawn = lines(
        title, _month_names(lang), series, Axis(say("axis_10k", lang), _in_10k),
        told=say("chart_total_told", lang), width=560, height=300,
    )  # fmt: skip
    return section(title, chart(drawn))


def _month_chart(region: LineWarning, lang: str) -> str:
    spent: list[int | None] = [None] * 12
    for row in region.months:
        spent[row.month - 1] = row.spent
    series = []
    if region.budget is not None:
        plan: list[int | None] = [region.budget.months[m] for m in _MONTHS]
        series.append(Line(say("line_plan", lang), plan, "6 4", "none"))
    series.append(Line(say("line_spent", lang), spent, "", "circle"))
    title = say("chart_month", lang)
    drawn = lines(
        title, _month_names(lang), series, Axis(say("axis_10k", lang), _in_10k),
        told=say("chart_total_told", lang), width=560, height=300,
    )  # fmt: skip
    return section(title, chart(drawn))


def _month_names(lang: str) -> list[str]:
    return [say("month_short", lang, month=month) for month in _MONTHS]


def _units_chart(report: FundReport, lang: str) -> str:
    """Hospitals that are furthest ahead of their plan."""
    rows = [
        (row["of_plan_e4"], unit_of(row["unit"], row["name"], lang), row["insurance"], row["level"])
        for row in lines_frame(report).iter_rows(named=True)
        if row["unit"] and row["of_plan_e4"] is not None
    ]
    rows.sort(key=lambda row: (-row[0], row[1], row[2]))
    shown = [
        Bar(
            f"{unit} {insurance_of(insurance, lang)}", ratio,
            f"{percent(ratio)} {level_word(level, lang)}",
        )
        for ratio, unit, insurance, level in rows[:_BARS]
    ]  # fmt: skip
    title = say("chart_units", lang)
    note = say("chart_units_note", lang, count=len(shown))
    return (
        section(title, chart(bars(title, shown, width=560, bound=_WHOLE, room=_LABELS), note))
        if shown
        else ""
    )


def _marked(rows: list[list[str]], report: FundReport, lang: str) -> str:
    """The lines, each level with its look."""
    heads, *body = rows
    columns = [Column(head, number >= 4) for number, head in enumerate(heads)]
    levels = [line.level for line in report.lines]
    return table(
        columns, [_with_look(row, 2, level) for row, level in zip(body, levels, strict=True)]
    )


def _with_look(row: Sequence[str], at: int, level: str | None) -> list[str]:
    cells = list(row)
    if level is not None:
        cells[at] = Marked(cells[at], level)
    return cells


def _months_table(report: FundReport, region: LineWarning, lang: str) -> str:
    heads = ("month", "plan", "month_spent", "plan_so_far", "spent", "of_plan")
    columns = [Column(say(f"head_{head}", lang), n > 0) for n, head in enumerate(heads)]
    rows = [
        [
            row["month"], fen_or_dash(row["plan_fen"]), money(row["spent_fen"]),
            fen_or_dash(row["plan_so_far_fen"]), money(row["spent_so_far_fen"]),
            percent(row["of_plan_e4"]),
        ]
        for row in months_frame(report, [region]).iter_rows(named=True)
    ]  # fmt: skip
    return table(columns, rows)


def _quarters(report: FundReport, region: LineWarning, lang: str) -> list[str]:
    heads = ("quarter", "months", "quota", "spent", "of_plan", "quarter_over")
    columns = [Column(say(f"head_{head}", lang), n > 0) for n, head in enumerate(heads)]
    rows = [
        [
            say("quarter_of", lang, quarter=row["quarter"]), str(row["months"]),
            money(row["plan_fen"]), money(row["spent_fen"]), percent(row["of_plan_e4"]),
            money(row["over_fen"]),
        ]
        for row in quarters_frame(report, [region]).iter_rows(named=True)
    ]  # fmt: skip
    return [table(columns, rows), listed([say("quarters_note", lang)])] if rows else []


def _funds_table(report: FundReport, lang: str) -> str:
    heads, *body = fund_rows(report, lang)
    columns = [Column(head, 2 <= number < 10) for number, head in enumerate(heads)]
    levels = [one.level for one in report.funds]
    return table(
        columns, [_with_look(row, 10, level) for row, level in zip(body, levels, strict=True)]
    )


def _bounds_table(report: FundReport, lang: str) -> str:
    heads = ("measure", "insurance", "bounds", "note", "source", "status")
    columns = [Column(say(f"head_{head}", lang)) for head in heads]
    rows = [bounds_words(row, lang) for row in bounds_frame(report, lang).iter_rows()]
    return table(columns, rows) + cited((one.source for one in report.scales.scales), lang)
