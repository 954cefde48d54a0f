"""The figures on one page: ``kpi.html``, for the screen and A4 across; no network, no script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import drg
from drg.reports.kpi.catalog import shown
from drg.reports.kpi.page_charts import charts
from drg.reports.kpi.page_tables import all_figures, formulas, groups, levels, untold
from drg.reports.kpi.page_words import say
from drg.reports.page import figures, listed, notice, page, save_page
from drg.reports.words import count
from drg.text import language

if TYPE_CHECKING:
    from drg.reports.kpi.report import KpiReport

__all__ = ["PAGE", "key_parts", "write_kpi_page"]

PAGE = "kpi.html"
_KEYS = (
    "cases", "grouping_rate", "cmi", "total_weight", "mean_score", "total_score", "cost_index",
    "time_index", "mean_cost", "mean_los", "surplus", "cost_to_standard", "reimbursement_rate",
    "low_risk_mortality",
)  # fmt: skip
_MOST_KEYS, _MOST_INPUTS = 12, 4


def write_kpi_page(path: str | Path, report: KpiReport, *, lang: str | None = None) -> None:
    """Write ``kpi.html``: the same report, the same bytes; errors as of ``save_page``."""
    lang = lang or language()
    parts = [
        listed([_lead(report, lang), say("null_note", lang)]),
        notice(_reference(report, lang)),
        *key_parts(report, lang),
        *levels(report, lang),
        *groups(report, lang),
        *all_figures(report, lang),
        untold(report, lang),
        formulas(report, lang),
        f"<footer>{say('footer', lang, version=drg.__version__)}</footer>",
    ]
    save_page(path, page(_title(report, lang), lang, parts, wide=True))


def key_parts(report: KpiReport, lang: str) -> list[str]:
    """The figures that a reader looks for first, and the charts: pieces of HTML for a page."""
    return [figures(_keys(report, lang)), *(part for part in charts(report, lang) if part)]


def _title(report: KpiReport, lang: str) -> str:
    if not report.periods:
        return say("title_bare", lang)
    first, last = report.periods[0], report.periods[-1]
    return say("title", lang, periods=first if first == last else f"{first} … {last}")


def _lead(report: KpiReport, lang: str) -> str:
    hospitals = 0
    if "hospital" in report.levels:
        hospitals = report.wide("hospital", "cases").height
    inputs = say("separator", lang).join(report.inputs)
    if len(report.inputs) > _MOST_INPUTS:
        inputs = f"{report.inputs[0]} … {report.inputs[-1]}"
    return say("lead", lang, claims=count(report.claims), hospitals=hospitals, inputs=inputs)


def _reference(report: KpiReport, lang: str) -> str:
    if report.reference.frozen:
        return say("reference_frozen", lang, name=report.reference.name)
    return say("reference_own", lang)


def _keys(report: KpiReport, lang: str) -> list[tuple[str, str]]:
    """The figures that a reader looks for first, of those that can be told."""
    values = dict(report.rows("all").select("kpi", "value").iter_rows())
    known = [kpi_id for kpi_id in _KEYS if values.get(kpi_id) is not None][:_MOST_KEYS]
    kpis = [report.kpi(kpi_id) for kpi_id in known]
    return [(kpi.title(lang), shown(kpi, values[kpi.id], lang)) for kpi in kpis]
