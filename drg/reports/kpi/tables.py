"""Tables of a report: one row a unit, the long table as text, the lines of an agency's batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from drg.money import PLACES, unscaled, yuan
from drg.reports.kpi.report import DIMENSIONS, level_dimensions
from drg.text import text

if TYPE_CHECKING:
    from drg.reports.kpi.catalog import Kpi
    from drg.reports.kpi.report import KpiReport

__all__ = [
    "agency_lines",
    "csv_table",
    "divided_part",
    "level_title",
    "say",
    "told_kpis",
    "wide_table",
]

#: Names of an agency's batch (settlement agency interface) and the figures they are.
_AGENCY = {
    "fee_idx": "cost_index", "time_idx": "time_index", "profit_loss": "surplus",
    "rw2_ratio": "rw2_share", "lowrisk_mortality": "low_risk_mortality",
}  # fmt: skip


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """Wording of the catalogue's file ``kpi``."""
    return text(f"kpi.{key}", lang, **params)


def level_title(level: str, lang: str) -> str:
    """Name of a level: of a shipped one its own, otherwise its dimensions."""
    told = level_dimensions(level)
    if not told:
        return say("level_all", lang)
    if told[:2] == ("hospital", "department"):
        told = told[2:] or told[1:]
    return say("level_join", lang).join(say(f"dimension_{d}", lang) for d in told)


def told_kpis(report: KpiReport, level: str) -> list[Kpi]:
    """Figures that some unit of a level has, in order."""
    told = report.rows(level).filter(pl.col("value").is_not_null())["kpi"].unique()
    known = set(told.to_list())
    return [kpi for kpi in report.kpis if kpi.id in known]


def wide_table(report: KpiReport, level: str, kpis: Sequence[Kpi], parts: bool) -> pl.DataFrame:
    """One row a unit: dimensions, then by figure its value and, if asked for, what it divides.

    Parameters
    ----------
    report : KpiReport
    level : str
    kpis : sequence of Kpi
    parts : bool
        Add ``<kpi>/top`` and ``<kpi>/bottom`` of figures that have them.

    Returns
    -------
    DataFrame
        Integers as ``VALUES`` has them.
    """
    told = level_dimensions(level)
    width = report.rows(level)["kpi"].n_unique()
    rows = report.rows(level)
    # Rows go by unit, then by figure: every figure is one stride of the column.
    order = {kpi_id: at for at, kpi_id in enumerate(rows["kpi"].head(width).to_list())}
    columns = [rows[d].gather_every(max(width, 1)).alias(d) for d in told]
    for kpi in kpis:
        fields = [("value", kpi.id)]
        if parts and kpi.denominator:
            fields += [("numerator", f"{kpi.id}/top"), ("denominator", f"{kpi.id}/bottom")]
        columns += [
            rows[field].gather_every(max(width, 1), order[kpi.id]).alias(name)
            for field, name in fields
        ]
    return pl.DataFrame(columns)


def decimals(series: pl.Series, places: int) -> pl.Series:
    """Integers of the scale 10 to the ``places`` as decimals, digit for digit.

    Not by dividing: the quotient of a double would show digits that are not there.
    """
    value, scale = pl.col(series.name), 10**places
    whole = (value.abs() // scale).cast(pl.String)
    rest = (value.abs() % scale).cast(pl.String).str.zfill(places)
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    told = series.to_frame().select((sign + whole + "." + rest).cast(pl.Decimal(38, places)))
    return told.to_series().alias(series.name)


def csv_table(report: KpiReport, lang: str) -> pl.DataFrame:
    """The long table with names, decimals and reasons in words; a rate of 0.9708 is 97.08 %."""
    titles = {kpi.id: kpi.title(lang) for kpi in report.kpis}
    values = report.values
    reasons = {r: say(f"reason_{r}", lang) for r in values["reason"].unique() if r}
    units = {"fen": 2, "e4": PLACES, "": 0, "count": 0, "days": 0}
    texts = []
    for field in ("numerator", "denominator", "value"):
        scales = {
            "value": {kpi.id: kpi.places for kpi in report.kpis},
            "numerator": {kpi.id: units[kpi.numerator_unit] for kpi in report.kpis},
            "denominator": {kpi.id: units[kpi.denominator_unit] for kpi in report.kpis},
        }[field]
        plain = pl.col(field).cast(pl.String)
        for places in sorted(set(scales.values()) - {0}):
            ids = [kpi_id for kpi_id, scale in scales.items() if scale == places]
            exact = decimals(values[field], places).cast(pl.String)
            plain = pl.when(pl.col("kpi").is_in(ids)).then(pl.lit(exact)).otherwise(plain)
        texts.append(plain.alias(field))
    heads = {d: say(f"dimension_{d}", lang) for d in DIMENSIONS}
    return values.with_columns(texts).select(
        pl.col("level").alias(say("head_level", lang)),
        *(pl.col(d).alias(head) for d, head in heads.items()),
        pl.col("kpi").alias(say("head_id", lang)),
        pl.col("kpi").replace(titles).alias(say("head_kpi", lang)),
        *(pl.col(f).alias(say(f"head_{f}", lang)) for f in ("value", "numerator", "denominator")),
        *(pl.col(f).alias(say(f"head_{f}", lang)) for f in ("cases", "left_out")),
        pl.col("reason").replace(reasons).alias(say("head_reason", lang)),
        pl.col("lacking").alias(say("head_lacking", lang)),
        pl.col("flag").alias(say("head_flag", lang)),
    )


def divided_part(value: int | None, unit: str) -> str:
    """A numerator or denominator of a unit as people write it; ``""`` for None."""
    if value is None:
        return ""
    plain = yuan(value) if unit == "fen" else unscaled(value) if unit == "e4" else str(value)
    whole, point, rest = plain.removeprefix("-").partition(".")
    return f"{'-' if value < 0 else ''}{int(whole):,}{point}{rest}"


def agency_lines(report: KpiReport) -> pl.DataFrame:
    """What an agency's batch tells of a hospital: one row a hospital, by month where told.

    Returns
    -------
    DataFrame
        ``period`` (``""``: all months together), ``hospital``, then ``fee_idx time_idx
        profit_loss rw2_ratio lowrisk_mortality``: yuan and ratios as decimals in text; null:
        cannot be told.
    """
    level = "period+hospital" if "period+hospital" in report.levels else "hospital"
    table = wide_table(report, level, [report.kpi(k) for k in _AGENCY.values()], False)
    columns = []
    for name, kpi_id in _AGENCY.items():
        kpi = report.kpi(kpi_id)
        exact = decimals(table[kpi_id], kpi.places)
        columns.append(exact.cast(pl.String).alias(name))
    period = table["period"] if "period" in table.columns else pl.Series([""] * table.height)
    return pl.DataFrame([period.cast(pl.String).alias("period"), table["hospital"], *columns])
