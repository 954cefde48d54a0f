"""The workbook of a report: overview, a sheet a level, groups with their CV, definitions, gaps.

Values are numbers with formats; a rate stands beside its numerator and denominator, which can be
folded away. The same report gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.form import MONEY, Kind, Number, text_width
from drg.claims.writers import write_workbook
from drg.money import PLACES, unscaled
from drg.reports.documents import document_titles
from drg.reports.kpi.catalog import THEMES, shown
from drg.reports.kpi.report import level_dimensions
from drg.reports.kpi.tables import decimals, level_title, say, told_kpis, wide_table
from drg.reports.words import insurance_word
from drg.text import language

if TYPE_CHECKING:
    from drg.claims.workbook import Workbook
    from drg.reports.kpi.catalog import Kpi
    from drg.reports.kpi.report import KpiReport

__all__ = ["write_kpi_book"]

#: Units of a level from which on its sheet has values alone; the long table has all.
_MANY = 5_000
#: Units that a sheet shows at most, those with the most cases.
_SHOWN = 20_000
_FORMATS = {"days": "#,##0.00", "ratio": "0.0000", "points": "#,##0.0000", "count": "#,##0",
            "fen": MONEY}  # fmt: skip
#: Places and format of numerators and denominators that are no whole numbers.
_PARTS = {"fen": (2, MONEY), "e4": (PLACES, _FORMATS["points"])}
_PERCENT = {4: "0.00%", 6: "0.0000%"}
_WIDE = 28
_LEAST = 11
_MOST = 18
_YEAR = 2000
_OVERVIEW: tuple[Kind, ...] = ("text", "text", "text", "text", "count", "count")
_NAMED = ("group", "group_name")


def write_kpi_book(path: str | Path, report: KpiReport, *, lang: str | None = None) -> None:
    """Write ``kpi.xlsx``; errors as of ``write_workbook``."""
    lang = lang or language()
    with write_workbook(path, created=_made(report)) as book:
        _overview(book, report, lang)
        for level in report.levels:
            if level != "all":
                _level(book, report, level, lang)
        if report.groups.height:
            _groups(book, report, lang)
        _definitions(book, report, lang)
        _gaps(book, report, lang)


def _made(report: KpiReport) -> dt.date:
    """A day that the content decides: the first of the last month."""
    if not report.periods:
        return dt.date(_YEAR, 1, 1)
    year, month = report.periods[-1].split("-")
    return dt.date(int(year), int(month), 1)


def _overview(book: Workbook, report: KpiReport, lang: str) -> None:
    form = book.form(say("sheet_overview", lang), (34, 18, 22, 22, 12, 12))
    form.line(say("title", lang), "title")
    means = report.reference
    form.pairs(
        [
            (say("periods", lang), _span(report.periods) or say("none", lang)),
            (say("claims", lang), f"{report.claims:,}"),
            (say("inputs", lang), say("comma", lang).join(report.inputs) or say("none", lang)),
            (
                say("reference", lang),
                means.name if means.frozen else say("reference_own", lang),
            ),
        ]
    )
    form.gap()
    rows = {row["kpi"]: row for row in report.rows("all").iter_rows(named=True)}
    names = ("kpi", "value", "numerator", "denominator", "cases", "left_out")
    heads = [say(f"head_{name}", lang) for name in names]
    for theme in THEMES:
        told = [
            (kpi, rows[kpi.id])
            for kpi in report.kpis
            if kpi.theme == theme and kpi.id in rows and rows[kpi.id]["value"] is not None
        ]
        if not told:
            continue
        form.line(say(f"theme_{theme}", lang), "head")
        cells = [
            (
                kpi.title(lang),
                _value(kpi, row["value"], lang),
                _part(row["numerator"], kpi.numerator_unit) if kpi.denominator else "",
                _part(row["denominator"], kpi.denominator_unit),
                row["cases"],
                row["left_out"] or None,
            )
            for kpi, row in told
        ]
        form.table(heads, _OVERVIEW, cells)
        form.gap()
    for number in range(1, 4):
        form.line(say(f"remark_{number}", lang))


def _value(kpi: Kpi, value: int, lang: str) -> Number | str:
    if kpi.unit == "class":
        return shown(kpi, value, lang)
    return Number(unscaled(value, kpi.places), _format(kpi))


def _part(value: int | None, unit: str) -> Number | str:
    """A numerator or denominator; empty where the figure has none."""
    if value is None:
        return ""
    places, form = _PARTS.get(unit, (0, _FORMATS["count"]))
    return Number(unscaled(value, places), form)


def _span(periods: Sequence[str]) -> str:
    ends = dict.fromkeys((periods[0], periods[-1])) if periods else {}
    return " – ".join(ends)


def _level(book: Workbook, report: KpiReport, level: str, lang: str) -> None:
    dimensions = level_dimensions(level)
    kpis = told_kpis(report, level)
    units = report.rows(level, "cases").height
    parts = units <= _MANY
    table = wide_table(report, level, kpis, parts)
    if units > _SHOWN:
        largest = table["cases"].arg_sort(descending=True).head(_SHOWN).sort()
        table = table[largest]
    known = {kpi.id: kpi for kpi in kpis}
    heads: dict[str, str] = {d: say(f"dimension_{d}", lang) for d in dimensions}
    formats: dict[str, str] = {}
    fen: list[str] = []
    shown_columns: list[pl.Series] = []
    for column in table.iter_columns():
        kpi_id, _, part = column.name.partition("/")
        kpi = known.get(kpi_id)
        if kpi is None:
            shown_columns.append(_dimension(column, lang))
            continue
        title = kpi.title(lang)
        heads[column.name] = say(f"{part}_of", lang, kpi=title) if part else title
        unit = (kpi.numerator_unit if part == "top" else kpi.denominator_unit) if part else kpi.unit
        if unit == "fen":
            fen.append(column.name)
            shown_columns.append(column)
        elif unit == "class":
            words = {str(n): say(f"{kpi_id}_{n}", lang) for n in range(1, 5)}
            shown_columns.append(column.cast(pl.String).replace(words))
        else:
            places = {"e4": PLACES, "count": 0, "days": 0}[unit] if part else kpi.places
            formats[column.name] = (
                _FORMATS["points" if unit == "e4" else "count"] if part else _format(kpi)
            )
            shown_columns.append(column if not places else decimals(column, places))
    names = report.group_names() if "group" in dimensions else {}
    if names:
        at = dimensions.index("group") + 1
        told = table["group"].replace_strict(names, default="", return_dtype=pl.String)
        shown_columns.insert(at, told.alias("group_name"))
        heads["group_name"] = say("group_name", lang)
    frame = pl.DataFrame(shown_columns)
    frozen = len(dimensions) + bool(names)
    outline = [name for name in frame.columns if "/" in name]
    widths = {
        name: max(_LEAST, min(_MOST, text_width(heads[name]) + 3))
        for name in frame.columns[frozen:]
    }
    if "group_name" in frame.columns:
        widths["group_name"] = _WIDE
    title = level_title(level, lang)
    note = say(
        "level_note" if parts else "level_note_some" if units > _SHOWN else "level_note_many",
        lang, units=f"{units:,}", shown=f"{_SHOWN:,}",
    )  # fmt: skip
    sheet = book.sheet(
        title, frame.columns, heads=heads, formats=formats, fen=fen, widths=widths,
        lines=[title, note], printed=True, frozen=frozen, outline=outline,
    )  # fmt: skip
    sheet.append(frame)


def _dimension(column: pl.Series, lang: str) -> pl.Series:
    told = column.replace({"": say("untold", lang)})
    if column.name == "insurance":
        codes = [code for code in column.unique().to_list() if code]
        told = told.replace({code: insurance_word(code, lang) for code in codes})
    return told.alias(column.name)


def _format(kpi: Kpi) -> str:
    return _PERCENT[kpi.places] if kpi.unit == "percent" else _FORMATS[kpi.unit]


def _groups(book: Workbook, report: KpiReport, lang: str) -> None:
    groups = report.groups
    kept = [name for name in groups.columns if name in _NAMED or groups[name].count()]
    scaled = ["weight_e4", "cv_e4", "cv_sample_e4", "los_e4"]
    flags = {"review": say("flag_review", lang)}
    risks = {r: say(f"risk_{r}", lang) for r in groups["risk"].drop_nulls().unique()}
    frame = groups.with_columns(
        *(decimals(groups[name], PLACES) for name in scaled),
        pl.col("flag").replace(flags),
        pl.col("risk").replace(risks),
    ).select(kept)
    title = say("sheet_groups", lang)
    formats = {"weight_e4": "#,##0.0000", "cv_e4": "0.00", "cv_sample_e4": "0.00",
               "los_e4": "0.00", "cases": "#,##0", "deaths": "#,##0"}  # fmt: skip
    sheet = book.sheet(
        title, frame.columns,
        heads={name: say("group_name" if name == "group_name" else f"group_{name}", lang)
               for name in kept},
        formats={name: formats[name] for name in kept if name in formats},
        fen=[name for name in kept if name.endswith("_fen")],
        widths={"group_name": _WIDE}, lines=[title, say("groups_note", lang)], printed=True,
        frozen=2,
    )  # fmt: skip
    sheet.append(frame)


def _definitions(book: Workbook, report: KpiReport, lang: str) -> None:
    documents = document_titles(lang=lang)
    rows = [
        {
            "kpi": kpi.title(lang),
            "theme": say(f"theme_{kpi.theme}", lang),
            "unit": say(f"unit_{kpi.unit}", lang),
            "formula": kpi.formula(lang),
            "note": kpi.note(lang) + (say("told_by_fund", lang) if kpi.levels == "fund" else ""),
            "better": say(f"better_{kpi.better or 'none'}", lang),
            "needs": ", ".join(kpi.needs),
            "source": documents.get(kpi.source, kpi.source),
            "status": say(f"status_{kpi.status}", lang),
            "id": kpi.id,
        }
        for kpi in report.kpis
    ]
    frame = pl.DataFrame(rows)
    title = say("sheet_definitions", lang)
    sheet = book.sheet(
        title, frame.columns, heads={name: say(f"head_{name}", lang) for name in frame.columns},
        widths={"kpi": _WIDE, "formula": 44, "note": 60, "needs": 30, "source": 40, "id": 24},
        lines=[title, say("definitions_note", lang)], frozen=1,
    )  # fmt: skip
    sheet.append(frame)


def _gaps(book: Workbook, report: KpiReport, lang: str) -> None:
    """What is not told, and why: figures of a level with the number of units."""
    found = (
        report.values.lazy()
        .filter(pl.col("value").is_null())
        .group_by("level", "kpi", "reason", "lacking", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("units"), pl.col("left_out").sum())
        .collect()
    )
    titles = {kpi.id: kpi.title(lang) for kpi in report.kpis}
    reasons = {r: say(f"reason_{r}", lang) for r in found["reason"].unique()}
    levels = {level: level_title(level, lang) for level in report.levels}
    frame = found.with_columns(
        pl.col("level").replace(levels),
        pl.col("kpi").replace(titles),
        pl.col("reason").replace(reasons),
    )
    title = say("sheet_gaps", lang)
    sheet = book.sheet(
        title, frame.columns, heads={name: say(f"head_{name}", lang) for name in frame.columns},
        widths={"level": 20, "kpi": _WIDE, "reason": 36, "lacking": 36},
        formats={"units": "#,##0", "left_out": "#,##0"},
        lines=[title, say("gaps_note", lang)], frozen=2,
    )  # fmt: skip
    sheet.append(frame)
