"""Charts of the page of figures: hospitals, months, quadrants, indices, spread of cost, CV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from drg.money import PLACES, round_scaled
from drg.reports.kpi.catalog import kpi_catalogue, shown
from drg.reports.kpi.page_words import say, short, unit_name, whole_yuan
from drg.reports.kpi.report import level_dimensions
from drg.reports.page import chart, pair, section
from drg.reports.svg import Bar, bars
from drg.reports.svg_axes import Axis
from drg.reports.svg_histogram import Bin, histogram
from drg.reports.svg_lines import Line, lines
from drg.reports.svg_points import Bound, Dot, scatter, strip
from drg.reports.words import count, money

if TYPE_CHECKING:
    from drg.reports.kpi.catalog import Kpi
    from drg.reports.kpi.report import KpiReport

__all__ = ["CV_CASES", "charts", "cv_limit", "scatter_level"]

_ONE = 10**PLACES
_STANDARD = 100  # hundredths: cost equals the standard
_BARS, _DOTS = 12, 48
#: Groups with fewer cases have no CV worth a dot.
CV_CASES = 5
_HALF = 560
_MONTHLY = ("cmi", "mean_score", "mean_cost", "mean_surplus", "cost_to_standard", "mean_los")


def charts(report: KpiReport, lang: str) -> list[str]:
    """All charts that the report has figures for."""
    drawn = [
        _quadrants(report, lang),
        _indices(report, lang),
        _hospitals(report, lang),
        _histogram(report, lang),
        *_months(report, lang),
    ]
    there = [one for one in drawn if one]
    if len(there) % 2:
        there.append("")  # the last one is as wide as the others
    pairs = [pair(*there[n : n + 2]) for n in range(0, len(there), 2)]
    return [*pairs, _cv(report, lang)]


def scatter_level(report: KpiReport) -> str | None:
    """Level whose units the scatters show: departments where claims tell them, else hospitals."""
    for level in ("hospital+department", "hospital"):
        if level in report.levels:
            last = level_dimensions(level)[-1]
            if (report.rows(level)[last].fill_null("") != "").any():
                return level
    return None


def cv_limit(lang: str) -> str:
    """Bound of review, as it is written."""
    return short(round_scaled(kpi_catalogue().parameters.cv_review))


def _hospitals(report: KpiReport, lang: str) -> str:
    if "hospital" not in report.levels:
        return ""
    frame = report.wide("hospital", "surplus").drop_nulls("surplus")
    rows = sorted(frame.iter_rows(), key=lambda row: (-abs(row[1]), row[0]))[:_BARS]
    shown_rows = [
        Bar(unit_name(("hospital",), (hospital,), lang), fen, money(fen))
        for hospital, fen in sorted(rows, key=lambda row: (-row[1], row[0]))
    ]
    title = say("chart_hospitals", lang)
    note = say("chart_hospitals_note", lang, count=len(rows))
    drawn = bars(title, shown_rows, width=_HALF)
    return section(title, chart(drawn, note)) if drawn else ""


def _dots(report: KpiReport, level: str, across: Kpi, up: Kpi, lang: str) -> list[Dot]:
    """Units of a level that have both figures, those with the most cases first."""
    keys = level_dimensions(level)
    frame = report.wide(level, across.id, up.id, "cases").drop_nulls([across.id, up.id])
    frame = frame.sort(["cases", *keys], descending=[True, *[False] * len(keys)], nulls_last=True)
    dots = []
    for row in frame.head(_DOTS).iter_rows(named=True):
        name = unit_name(keys, [row[key] for key in keys], lang)
        x, y = row[across.id], row[up.id]
        told = [f"{kpi.title(lang)} {shown(kpi, v, lang)}" for kpi, v in ((across, x), (up, y))]
        dots.append(Dot(name, x, y, f"{name}: {', '.join(told)}"))
    return dots


def _quadrants(report: KpiReport, lang: str) -> str:
    level = scatter_level(report)
    if level is None:
        return ""
    units = say(f"units_{level_dimensions(level)[-1]}", lang)
    dots = _dots(report, level, report.kpi("cmi"), report.kpi("mean_surplus"), lang)
    title = say("chart_quadrant", lang, units=units)
    one, two, three, four = (say(f"corner_{number}", lang) for number in range(1, 5))
    drawn = scatter(
        title, dots, Axis(say("axis_cmi", lang), short),
        Axis(say("axis_surplus", lang), whole_yuan), cross=(_ONE, 0),
        corners=(one, two, three, four),
        told=say("chart_quadrant_told", lang, units=units), width=_HALF,
    )  # fmt: skip
    return section(title, chart(drawn, say("chart_quadrant_note", lang))) if drawn else ""


def _indices(report: KpiReport, lang: str) -> str:
    level = scatter_level(report)
    if level is None:
        return ""
    units = say(f"units_{level_dimensions(level)[-1]}", lang)
    dots = _dots(report, level, report.kpi("cost_index"), report.kpi("time_index"), lang)
    title = say("chart_index", lang, units=units)
    names = ("dear_fast", "dear_slow", "cheap_fast", "cheap_slow")
    one, two, three, four = (say(f"index_{name}", lang) for name in names)
    drawn = scatter(
        title, dots, Axis(say("axis_cost_index", lang), short),
        Axis(say("axis_time_index", lang), short), cross=(_ONE, _ONE),
        corners=(one, two, three, four), told=say("chart_index_told", lang, units=units),
        width=_HALF,
    )  # fmt: skip
    return section(title, chart(drawn, say("chart_index_note", lang))) if drawn else ""


def _months(report: KpiReport, lang: str) -> list[str]:
    """A chart of lines for each figure that at least two months tell."""
    if "period" not in report.levels:
        return []
    found = []
    for kpi_id in _MONTHLY:
        kpi = report.kpi(kpi_id)
        frame = report.wide("period", kpi_id).filter(pl.col("period") != "")
        if frame[kpi_id].drop_nulls().len() < 2:
            continue
        title = say("chart_months", lang, kpi=kpi.title(lang))
        axis = Axis(say("axis_yuan", lang) if kpi.unit == "fen" else "", _axis_of(kpi))
        series = [Line(kpi.title(lang), frame[kpi_id].to_list())]
        drawn = lines(
            title, frame["period"].to_list(), series, axis, told=title, zero=False, width=_HALF,
            height=240,
        )  # fmt: skip
        found.append(section(title, chart(drawn)))
    return found


def _axis_of(kpi: Kpi) -> Callable[[int], str]:
    if kpi.unit == "fen":
        return whole_yuan
    if kpi.unit == "percent":
        return lambda value: f"{short(value, kpi.places - 2)}%"
    return lambda value: short(value, kpi.places) if kpi.places else count(value)


def _histogram(report: KpiReport, lang: str) -> str:
    rows = list(report.histogram.iter_rows())
    if not rows:
        return ""
    bins = [Bin(low, high, cases) for low, high, cases in rows]
    cases = sum(one.cases for one in bins)
    below = sum(one.cases for one in bins if one.high is not None and one.high <= _STANDARD)
    title = say("chart_histogram", lang)
    drawn = histogram(
        title, bins, Axis(say("chart_histogram_axis", lang), lambda value: short(value, 2)),
        Axis(say("chart_histogram_cases", lang), count),
        bounds=[Bound(_STANDARD, say("chart_histogram_bound", lang))],
        told=say("chart_histogram_told", lang, end=short(bins[-1].low, 2)), width=_HALF,
        height=300,
    )  # fmt: skip
    share = f"{short(round_scaled(Fraction(below * 100, cases or 1), 2), 2)}%"
    note = say("chart_histogram_note", lang, below=count(below), share=share)
    return section(title, chart(drawn, note)) if drawn else ""


def _cv(report: KpiReport, lang: str) -> str:
    frame = report.groups.filter((pl.col("cases") >= CV_CASES) & pl.col("cv_e4").is_not_null())
    dots: Sequence[tuple[str, int]] = [
        (f"{code} {name or ''}".strip(), cv)
        for code, name, cv in frame.select("group", "group_name", "cv_e4").iter_rows()
    ]
    if not dots:
        return ""
    limit = round_scaled(kpi_catalogue().parameters.cv_review)
    mean = round_scaled(Fraction(sum(cv for _, cv in dots), len(dots)), 0)
    over = sum(cv > limit for _, cv in dots)
    title, bound = say("chart_cv", lang), short(limit)
    drawn = strip(
        title, dots, Axis(say("chart_cv_axis", lang), short),
        bounds=[
            Bound(limit, say("chart_cv_limit", lang, limit=bound)),
            Bound(mean, say("chart_cv_mean", lang, mean=short(mean))),
        ],
        limit=limit, told=say("chart_cv_told", lang), width=1160,
    )  # fmt: skip
    note = say(
        "chart_cv_note", lang, count=count(len(dots)), least=CV_CASES, over=count(over),
        limit=bound,
    )  # fmt: skip
    return section(title, chart(drawn, note, broad=True))
