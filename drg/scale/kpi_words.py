"""What ``drg kpi`` ends with: key figures with what they divide, gaps, time, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from drg.reports.kpi.catalog import shown
from drg.reports.kpi.tables import divided_part, say
from drg.text import aligned, language

if TYPE_CHECKING:
    from drg.reports.kpi.report import KpiReport
    from drg.scale.kpi_file import KpiFiles

__all__ = ["report_lines"]

_KEYS = (
    "grouping_rate", "ambiguity_rate", "ungroupable_rate", "cmi", "total_weight", "total_score",
    "time_index", "cost_index", "mean_cost", "mean_los", "surplus", "surplus_coverage",
    "paid_over_booked", "high_cost_share", "low_cost_share", "mean_cv", "low_risk_mortality",
    "readmission_30",
)  # fmt: skip


def report_lines(run: KpiFiles, lang: str | None = None) -> list[str]:
    """Lines for the terminal."""
    lang = lang or language()
    report = run.report
    first, last = (report.periods or (say("none", lang),))[0], (report.periods or ("",))[-1]
    head = [
        (say("claims", lang), f"{report.claims:,}"),
        (say("periods", lang), first if last in ("", first) else f"{first} – {last}"),
        (say("reference", lang), report.reference.name or say("reference_own", lang)),
    ]
    return [
        *aligned(head),
        "",
        *aligned(_figures(report, lang), right=(1, 2, 3)),
        "",
        *_gaps(report, lang),
        say("written", lang, seconds=f"{run.seconds:.2f}", out=run.output,
            files=" ".join(run.files)),
    ]  # fmt: skip


def _figures(report: KpiReport, lang: str) -> list[tuple[str, ...]]:
    rows = {row["kpi"]: row for row in report.rows("all").iter_rows(named=True)}
    told = [tuple(say(f"head_{h}", lang) for h in ("kpi", "value", "numerator", "denominator"))]
    for kpi_id in _KEYS:
        row, kpi = rows.get(kpi_id), report.kpi(kpi_id)
        if row is None or row["value"] is None:
            continue
        top = divided_part(row["numerator"], kpi.numerator_unit) if kpi.denominator else ""
        bottom = divided_part(row["denominator"], kpi.denominator_unit)
        told.append((kpi.title(lang), shown(kpi, row["value"], lang), top, bottom))
    return told


def _gaps(report: KpiReport, lang: str) -> list[str]:
    """Figures of the run that cannot be told for want of a column, by that column."""
    untold = report.rows("all").filter(pl.col("reason") == "missing")
    if not untold.height:
        return []
    columns = untold["lacking"].str.split(", ").explode(empty_as_null=True).unique().sort()
    told = say("comma", lang).join(columns.to_list())
    return [say("gaps", lang, count=untold.height, columns=told), ""]
