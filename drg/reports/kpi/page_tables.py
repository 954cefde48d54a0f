"""Tables of the page of figures: all of them by theme, then units beside each other, groups."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl

from drg.money import PLACES, round_scaled, unscaled
from drg.reports.documents import cited
from drg.reports.kpi.catalog import THEMES, kpi_catalogue
from drg.reports.kpi.page_charts import CV_CASES
from drg.reports.kpi.page_words import NONE, amount, figure, say, short, unit_name
from drg.reports.kpi.report import level_dimensions
from drg.reports.page import Column, Marked, listed, section, table
from drg.reports.words import count, money
from drg.text import text

if TYPE_CHECKING:
    from drg.reports.kpi.catalog import Kpi
    from drg.reports.kpi.report import KpiReport

__all__ = ["all_figures", "formulas", "groups", "levels", "untold"]

_LEVEL_KPIS = (
    "cases", "grouping_rate", "cmi", "mean_score", "cost_index", "time_index", "mean_cost",
    "mean_los", "cost_to_standard", "surplus", "mean_surplus", "reimbursement_rate", "mortality",
)  # fmt: skip
_DEPARTMENTS, _DOCTORS, _GROUPS, _CV_GROUPS = 20, 10, 15, 10
#: Units that a table shows at most.
_UNITS = 30
#: Dimensions whose names are short.
_SHORT = ("period", "insurance", "hospital", "department")


def all_figures(report: KpiReport, lang: str) -> list[str]:
    """Each theme's figures of the whole run that can be told."""
    rows = {row["kpi"]: row for row in report.rows("all").iter_rows(named=True)}
    heads = ("kpi", "value", "numerator", "denominator", "cases", "left_out")
    columns = [Column(say(f"head_{head}", lang), n > 0) for n, head in enumerate(heads)]
    parts = []
    for theme in THEMES:
        body = [
            _whole_row(kpi, rows[kpi.id], lang)
            for kpi in report.kpis
            if kpi.theme == theme and kpi.id in rows and rows[kpi.id]["value"] is not None
        ]
        if body:
            parts.append(section(say(f"theme_{theme}", lang), table(columns, body, even=True)))
    return parts


def _whole_row(kpi: Kpi, row: dict[str, Any], lang: str) -> list[str]:
    rate = bool(kpi.denominator)
    values = (row["value"], None, None)
    return [
        kpi.title(lang),
        figure(kpi, values, lang, flag=row["flag"]),
        amount(row["numerator"], kpi.numerator_unit) if rate else "",
        amount(row["denominator"], kpi.denominator_unit) if rate else "",
        amount(row["cases"], "count"),
        amount(row["left_out"], "count") if row["left_out"] else "",
    ]


def untold(report: KpiReport, lang: str) -> str:
    """Figures that cannot be told, by reason."""
    frame = report.rows("all").filter(pl.col("value").is_null())
    rows: dict[tuple[str, str], list[str]] = {}
    for kpi_id, reason, lacking in frame.select("kpi", "reason", "lacking").iter_rows():
        rows.setdefault((reason, lacking or ""), []).append(report.kpi(kpi_id).title(lang))
    if not rows:
        return ""
    comma = say("separator", lang)
    body = [
        [_reason(reason, lacking, lang), comma.join(titles)]
        for (reason, lacking), titles in sorted(rows.items())
    ]
    columns = [Column(say("head_reason", lang)), Column(say("head_kpi", lang))]
    return section(say("section_untold", lang), table(columns, body))


def _reason(reason: str, lacking: str, lang: str) -> str:
    told = text(f"kpi.reason_{reason}", lang)
    return f"{told} {lacking}".strip()


def levels(report: KpiReport, lang: str) -> list[str]:
    """Tables of periods, insurances, hospitals, departments and doctors."""
    parts = []
    for level, key in (
        ("period", "period"), ("insurance", "insurance"), ("hospital", "hospital"),
    ):  # fmt: skip
        if level in report.levels and _several(report, level):
            parts.append(_level(report, level, say(f"section_{key}", lang), lang))
    if _reported(report, "hospital+department", "department"):
        title = say("section_department", lang, count=_DEPARTMENTS)
        parts.append(
            _level(report, "hospital+department", title, lang, _DEPARTMENTS, quadrant=True)
        )
    if _reported(report, "hospital+department+doctor", "doctor"):
        title = say("section_doctor", lang, count=_DOCTORS)
        level = "hospital+department+doctor"
        parts.append(_level(report, level, title, lang, _DOCTORS, order="surplus"))
    return parts


def _several(report: KpiReport, level: str) -> bool:
    return report.wide(level, "cases").height > 1


def _reported(report: KpiReport, level: str, dimension: str) -> bool:
    if level not in report.levels:
        return False
    return bool((report.rows(level)[dimension].fill_null("") != "").any())


def _level(
    report: KpiReport,
    level: str,
    title: str,
    lang: str,
    most: int = _UNITS,
    *,
    order: str = "",
    quadrant: bool = False,
) -> str:
    """Units of a level as rows; the most cases first, or the lowest of ``order``."""
    keys = level_dimensions(level)
    kpis = [report.kpi(kpi_id) for kpi_id in _LEVEL_KPIS]
    ids = [kpi.id for kpi in kpis]
    asked = [*ids, "quadrant"] if quadrant else ids
    frame = report.wide(level, *asked)
    told = {kpi.id for kpi in kpis if not frame[kpi.id].is_null().all()}
    if "cmi" in told:
        told.discard("mean_score")  # the CMI of DIP is its multiple
    kpis = [kpi for kpi in kpis if kpi.id in told]
    for field in ("numerator", "denominator", "flag"):
        part = report.wide(level, *ids, field=field).rename({i: f"{i}@{field}" for i in ids})
        frame = frame.join(part, on=list(keys), how="left", nulls_equal=True)
    if order:
        frame = frame.filter(pl.col(order) < 0).sort([order, *keys], nulls_last=True)
    elif level != "period":
        frame = frame.sort(["cases", *keys], descending=[True, *[False] * len(keys)])
    if frame.is_empty():
        return ""
    columns = [Column(say(f"head_{key}", lang), whole=key in _SHORT) for key in keys]
    columns += [Column(kpi.title(lang), number=True) for kpi in kpis]
    if quadrant:
        columns.append(Column(say("head_quadrant", lang), number=True))
    body = []
    for row in frame.head(most).iter_rows(named=True):
        cells = [unit_name((key,), (row[key],), lang) for key in keys]
        cells += [_cell(kpi, row, lang) for kpi in kpis]
        if quadrant:
            cells.append(NONE if row["quadrant"] is None else str(row["quadrant"]))
        body.append(cells)
    more = frame.height > most
    rest = listed([say("more", lang, count=count(frame.height))]) if more else ""
    return section(title, table(columns, body), rest)


def _cell(kpi: Kpi, row: dict[str, Any], lang: str) -> str:
    values = [row[kpi.id], row[f"{kpi.id}@numerator"], row[f"{kpi.id}@denominator"]]
    # Only rates need their parts to be weighed; of a mean the cases stand in the first column.
    return figure(kpi, values, lang, flag=row[f"{kpi.id}@flag"] or "", of=kpi.unit == "percent")


def groups(report: KpiReport, lang: str) -> list[str]:
    """Groups of the highest cost, and those whose cost varies most."""
    if report.groups.is_empty():
        return []
    title = say("section_groups", lang, count=_GROUPS)
    parts = [section(title, _group_table(report, report.groups.head(_GROUPS), lang))]
    limit = round_scaled(kpi_catalogue().parameters.cv_review)
    enough = pl.col("cases") >= CV_CASES
    wide = report.groups.filter(enough & (pl.col("cv_e4") > limit)).sort(
        ["cv_e4", "group"], descending=[True, False]
    )
    if wide.height:
        shown_rows = wide.head(_CV_GROUPS)
        title = say(
            "section_cv_groups", lang, least=CV_CASES, limit=short(limit), shown=shown_rows.height,
            count=wide.height,
        )  # fmt: skip
        parts.append(section(title, _group_table(report, shown_rows, lang)))
    return parts


def _group_table(report: KpiReport, frame: pl.DataFrame, lang: str) -> str:
    weight = "score" if report.system == "dip" else "weight"
    heads = ("group", "count", weight, "total", "mean", "los", "cv", "profit", "deaths", "risk")
    columns = [Column(say(f"head_{head}", lang), head not in ("group", "risk")) for head in heads]
    body = []
    for row in frame.iter_rows(named=True):
        cv = _scaled(row["cv_e4"])
        if row["flag"]:
            cv = f"{cv} {say('flag_' + row['flag'], lang)}"
        body.append(
            [
                f"{row['group']} {row['group_name'] or ''}".strip(), count(row["cases"]),
                _scaled(row["weight_e4"]), money(row["cost_fen"]), _money(row["mean_fen"]),
                _days(row["los_e4"]), cv,
                _money(row["profit_fen"]), amount(row["deaths"], "count"),
                say(f"risk_{row['risk']}", lang) if row["risk"] else NONE,
            ]
        )  # fmt: skip
    return table(columns, body)


def _scaled(value: int | None) -> str:
    return NONE if value is None else unscaled(value, PLACES)


def _days(value: int | None) -> str:
    """Days scaled 10⁴ with two places."""
    return NONE if value is None else unscaled(round_scaled(Fraction(value, 100), 0), 2)


def _money(fen: int | None) -> str:
    return NONE if fen is None else money(fen)


def formulas(report: KpiReport, lang: str) -> str:
    """How each figure that is told is reckoned, and what it rests on."""
    known = report.values.filter(pl.col("value").is_not_null())["kpi"].unique().to_list()
    heads = ("kpi", "formula", "better", "source")
    columns = [Column(say(f"head_{head}", lang)) for head in heads]
    body = [_formula_row(kpi, lang) for kpi in report.kpis if kpi.id in known]
    sources = cited((kpi.source for kpi in report.kpis if kpi.id in known), lang)
    return section(say("section_formulas", lang), table(columns, body), sources) if body else ""


def _formula_row(kpi: Kpi, lang: str) -> Sequence[str]:
    told = [kpi.formula(lang), kpi.note(lang)]
    first, *rest = [words for words in told if words] or [""]
    better = say(f"better_{kpi.better}", lang) if kpi.better else ""
    return [kpi.title(lang), Marked(first, note=" ".join(rest)), better, kpi.source]
