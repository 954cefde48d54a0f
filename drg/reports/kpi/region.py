"""What must be seen over all claims before figures are summed: regional means, risk, readmission.

The reference of a run is made of its own grouped cases; a frozen one is given instead.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.claims.typed import numbered
from drg.money import PLACES
from drg.reports.kpi.cells import Cells, cells_of
from drg.reports.kpi.reference import GroupMeans, Reference, graded
from drg.reports.kpi.report import GROUPS, HISTOGRAM
from drg.reports.kpi.sums import units_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.reports.kpi.catalog import Parameters
    from drg.reports.kpi.facts import Facts

    Ints = NDArray[np.int64]

__all__ = [
    "group_table", "histogram", "means_of", "reference_of", "with_readmissions", "with_region",
]  # fmt: skip

#: Days within which a readmission counts, by measure.
_WITHIN = {"readmitted_14": 14, "readmitted_30": 30}
_SEEN = ("patient_id", "admitted_on", "discharged_on")
#: More days than any claim's: persons' days lie apart on one line.
_SPAN = 2**20
_CV_PLACES = 4


def region_cells(facts: Facts) -> Cells:
    """Every group of the run as one cell."""
    one = pl.DataFrame({"": [0]})
    return cells_of(facts, {"all": units_of(facts, "all", one)})["all"]


def reference_of(facts: Facts, cells: Cells) -> Reference:
    """The means of the run itself.

    Parameters
    ----------
    facts : Facts
    cells : Cells
        ``region_cells``.
    """
    names = facts.names["group"]
    deaths = _deaths(facts)
    groups: dict[str, GroupMeans] = {}
    columns = cells.sums.select(
        "cost_cases", "cost_sum", "high", "middle", "low", "los_cases", "los_sum", "los_squares"
    )
    for place, row in zip(cells.group.tolist(), columns.iter_rows(), strict=True):
        if not names[place]:
            continue
        cost_cases, cost_sum, high, middle, low, los_cases, los_sum, los_squares = row
        cases, died = deaths.get(place, (None, None))
        groups[names[place]] = GroupMeans(
            name=facts.group_names.get(names[place], ""),
            cases=cases,
            deaths=died,
            cost_cases=cost_cases,
            cost_sum=cost_sum,
            cost_squares=(high << 42) + (middle << 22) + low,
            los_cases=los_cases,
            los_sum=los_sum,
            los_squares=los_squares,
            cost_mean=Fraction(cost_sum, cost_cases) if cost_cases else None,
            los_mean=Fraction(los_sum, los_cases) if los_cases else None,
        )
    grades = graded(groups)
    groups = {group: replace(means, risk=grades[group]) for group, means in groups.items()}
    score = facts.frame["score"] if facts.has("score") else pl.Series("score", [], pl.Int64)
    return Reference(
        groups=groups, score_sum=int(score.sum()), score_cases=len(score) - score.null_count()
    )


def _deaths(facts: Facts) -> dict[int, tuple[int, int]]:
    """By group: cases that report how the patient left, and deaths."""
    if not (facts.has("died") and facts.has("grouped")):
        return {}
    told = pl.col("died").is_not_null() & (pl.col("grouped") == 1)
    found = facts.frame.lazy().filter(told).group_by("group").agg(pl.len(), pl.col("died").sum())
    return {group: (cases, died) for group, cases, died in found.collect().iter_rows()}


def means_of(facts: Facts, reference: Reference, of: str) -> list[Fraction | None]:
    """Regional means of ``cost`` or ``los`` by place of the group."""
    empty = GroupMeans()
    found = [reference.groups.get(name, empty) for name in facts.names["group"]]
    return [means.cost_mean if of == "cost" else means.los_mean for means in found]


def with_region(facts: Facts, reference: Reference, parameters: Parameters) -> Facts:
    """Facts with what rests on the reference: cases of low risk; high weights of a DIP run."""
    added: dict[str, pl.Series] = {}
    if facts.has("died") and facts.has("grouped"):
        risks = reference.risks()
        grades = pl.Series([risks.get(name) for name in facts.names["group"]], dtype=pl.String)
        grade = grades.gather(facts.frame["group"])
        died = facts.frame["died"]
        # Without a grade or an outcome a case is left out: it is not one of another grade.
        told = (facts.frame["grouped"] == 1).fill_null(False) & died.is_not_null()
        for measure, name in (("low_risk", "low"), ("zero_risk", "zero")):
            hit = (grade == name).cast(pl.Int8).set(~told, None)
            added[measure] = hit
            added[f"{measure}_died"] = hit * died
    if facts.system == "dip" and reference.score_cases:
        # score ÷ mean >= bound, without dividing.
        bound = parameters.high_weight
        least = -(-bound.numerator * reference.score_sum // (
            bound.denominator * reference.score_cases))  # fmt: skip
        added["high_rw"] = (facts.frame["score"] >= least).cast(pl.Int8)
    frame = facts.frame.with_columns(series.alias(name) for name, series in added.items())
    return replace(facts, frame=frame)


def with_readmissions(facts: Facts) -> Facts:
    """Facts with stays that another stay of the person follows within days of discharge."""
    if not facts.has("patient_id"):
        return facts
    frame = facts.frame
    person = numbered(frame["patient_id"])
    given = person >= 0
    admitted, discharged = (
        frame[name].fill_null(0).to_numpy().astype(np.int64) for name in _SEEN[1:]
    )
    line = person * _SPAN
    starts = np.sort((line + admitted)[given])
    first = np.searchsorted(starts, line + discharged, "left")
    # A stay of one day begins on the day it ends: it does not follow itself.
    itself = (admitted == discharged).astype(np.int64)
    added = []
    for measure, days in _WITHIN.items():
        last = np.searchsorted(starts, line + discharged + days, "right")
        flags = pl.Series(measure, (last - first - itself > 0).astype(np.int8))
        added.append(flags if given.all() else flags.set(pl.Series(~given), None))
    return replace(facts, frame=frame.drop(_SEEN).with_columns(added))


def group_table(facts: Facts, cells: Cells, reference: Reference, parameters: Parameters) -> (
    pl.DataFrame
):  # fmt: skip
    """``GROUPS`` of the run, the largest total cost first.

    Parameters
    ----------
    facts : Facts
    cells : Cells
        ``region_cells``.
    reference : Reference
    parameters : Parameters
    """
    names = facts.names["group"]
    worth = facts.frame["rw" if facts.has("rw") else "score"] if facts.system else None
    told = {"low": pl.col("w").min(), "high": pl.col("w").max()}
    profit = (
        pl.col("standard") - pl.col("cost")
        if facts.has("standard") and facts.has("cost")
        else pl.lit(None, pl.Int64)
    )
    columns = {"w": worth} if worth is not None else {}
    grouped = pl.col("grouped") == 1 if facts.has("grouped") else pl.lit(False)
    frame = facts.frame.lazy().with_columns(**columns).filter(grouped)
    sums = (
        frame.group_by("group")
        .agg(
            *([value.alias(name) for name, value in told.items()] if columns else []),
            profit.sum().alias("profit_fen"),
            profit.count().alias("priced"),
        )
        .collect()
        if facts.frame.width
        else pl.DataFrame(schema={"group": pl.UInt32})
    )
    more = {row["group"]: row for row in sums.iter_rows(named=True)}
    bound = int(parameters.cv_review * 10**_CV_PLACES)
    rows = []
    spreads = zip(
        cells.group.tolist(), cells.cv(_CV_PLACES), cells.cv(_CV_PLACES, sample=True),
        cells.sums["cases"].to_list(), cells.sums["cost_cases"].to_list(),
        cells.sums["cost_sum"].to_list(), cells.sums["los_cases"].to_list(),
        cells.sums["los_sum"].to_list(), strict=True,
    )  # fmt: skip
    deaths = _deaths(facts)
    for place, cv, sample, cases, cost_cases, cost, los_cases, los in spreads:
        row = more.get(place, {})
        low, high = row.get("low"), row.get("high")
        means = reference.groups.get(names[place], GroupMeans())
        rows.append(
            {
                "group": names[place],
                "group_name": facts.group_names.get(names[place], ""),
                "cases": cases,
                "deaths": deaths[place][1] if place in deaths else None,
                "weight_e4": low if low == high else None,
                "cost_fen": cost if cost_cases else None,
                "mean_fen": _half_up(cost, cost_cases),
                "cv_e4": cv,
                "cv_sample_e4": sample,
                "los_e4": _half_up(los * 10**PLACES, los_cases),
                "profit_fen": row.get("profit_fen") if row.get("priced") else None,
                "flag": "review" if cv is not None and cv > bound else "",
                "risk": means.risk,
            }
        )
    table = pl.DataFrame(rows, schema=GROUPS)
    return table.sort("cost_fen", "group", descending=[True, False], nulls_last=True)


def _half_up(total: int, cases: int) -> int | None:
    return (2 * total + cases) // (2 * cases) if cases else None


def histogram(facts: Facts, parameters: Parameters) -> pl.DataFrame:
    """``HISTOGRAM``: claims by cost ÷ standard; every bar, the empty ones too."""
    if not (facts.has("standard") and facts.has("cost")):
        return pl.DataFrame(schema=HISTOGRAM)
    step, end = parameters.histogram_step, parameters.histogram_end
    told = (pl.col("standard") > 0) & (pl.col("cost") >= 0)
    percent = pl.col("cost") * 100 // pl.col("standard")
    bars = (
        facts.frame.lazy()
        .filter(told)
        .select((pl.min_horizontal(percent, end) // step * step).alias("from_e2"))
        .group_by("from_e2")
        .agg(pl.len().cast(pl.Int64).alias("cases"))
        .collect()
    )
    if not bars.height:
        return pl.DataFrame(schema=HISTOGRAM)
    counts = dict(bars.iter_rows())
    rows = [(at, at + step if at < end else None, counts.get(at, 0))
            for at in range(0, end + 1, step)]  # fmt: skip
    return pl.DataFrame(rows, schema=HISTOGRAM, orient="row")
