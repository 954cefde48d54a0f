"""Groups within units: what indices, variation and numbers of groups are made of.

A cell is one group of one unit of a level. Sums of ratios to regional means are taken in fixed
point with a known error, and exactly where that error could decide a rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.money import mul_div, round_scaled
from drg.reports.kpi.formulas import rounded_cv
from drg.reports.kpi.report import DIMENSIONS, level_dimensions
from drg.reports.kpi.sums import level_key, summed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.reports.kpi.catalog import Parameters
    from drg.reports.kpi.facts import Facts
    from drg.reports.kpi.sums import Units

    Ints = NDArray[np.int64]

__all__ = ["CV_PLACES", "Cells", "Index", "Variation", "cells_of"]

#: Places that CVs are taken to before their mean is.
CV_PLACES = 12
_SCALE = 10**36
_NUMERATOR_PLACES = 4
_HALF = 21
#: Columns of cells: grouped cases; those with a cost, their sum, halves of their squares; days.
_COST = ("cost_cases", "cost_sum", "high", "middle", "low")
_LOS = ("los_cases", "los_sum", "los_squares")
_CELL = ("cases", *_COST, *_LOS)


@dataclass(frozen=True)
class Index:
    """A consumption index of every unit.

    Attributes
    ----------
    top : list of int
        Sum of the ratios, × 10⁴.
    cases : int64 array
        Cases whose group has a regional mean.
    left_out : int64 array
        Grouped cases without a value or without such a mean.
    value : list of int or None
    """

    top: list[int]
    cases: Ints
    left_out: Ints
    value: list[int | None]


@dataclass(frozen=True)
class Variation:
    """Groups of two cases or more of every unit, by their CV.

    Attributes
    ----------
    groups : int64 array
        Groups that have a CV.
    total : int64 array
        Sum of their CVs, × 10 to ``CV_PLACES``.
    above, below, high : int64 array
        Groups above the bound of review, below the low and above the high bound.
    cases : int64 array
        Cases in these groups.
    """

    groups: Ints
    total: Ints
    above: Ints
    below: Ints
    high: Ints
    cases: Ints


@dataclass(frozen=True)
class Cells:
    """The cells of a level.

    Attributes
    ----------
    units : int
        Number of units of the level.
    unit : int64 array
        Place of each cell's unit, in the order of the units.
    group : int64 array
        Place of its group among the names.
    sums : DataFrame
        Cases and sums of each cell.
    """

    units: int
    unit: Ints
    group: Ints
    sums: pl.DataFrame

    def groups(self) -> Ints:
        """Number of groups of each unit."""
        return np.bincount(self.unit, minlength=self.units).astype(np.int64)

    def cases(self) -> Ints:
        """Grouped cases of each unit."""
        return self._over(self.sums["cases"].to_numpy())

    def index(self, of: str, means: Sequence[Fraction | None], places: int) -> Index:
        """Consumption index of ``cost`` or ``los`` against regional means of the groups.

        Parameters
        ----------
        of : {"cost", "los"}
        means : sequence of Fraction or None
            By place of the group.
        places : int
            Scale of the value.
        """
        known = np.array([mean is not None and mean > 0 for mean in means], np.bool_)[self.group]
        totals, counts = (self.sums[f"{of}_{what}"].to_numpy() for what in ("sum", "cases"))
        cases = self._over(np.where(known, counts, 0))
        # 1 ÷ mean, cut off below: the sum of a unit is short of the truth by less than its total.
        inverse = [
            _SCALE * mean.denominator // mean.numerator if mean is not None and mean > 0 else 0
            for mean in means
        ]
        sums = [0] * self.units
        rows = zip(
            self.unit[known].tolist(), self.group[known].tolist(), totals[known].tolist(),
            strict=True,
        )  # fmt: skip
        for unit, group, total in rows:
            sums[unit] += total * inverse[group]
        slack = self._over(np.where(known, np.abs(totals), 0)).tolist()
        told: list[int | None] = []
        tops: list[int] = []
        for unit, (low, error, count) in enumerate(zip(sums, slack, cases.tolist(), strict=True)):
            bounds = low - error, low + error
            top = {mul_div(b, 10**_NUMERATOR_PLACES, _SCALE) for b in bounds}
            value = {mul_div(b, 10**places, _SCALE * count) for b in bounds} if count else {0}
            if len(top) > 1 or len(value) > 1:
                exact = self._exact(unit, known, totals, means)
                top = {round_scaled(exact, _NUMERATOR_PLACES)}
                value = {round_scaled(exact / count, places)}
            tops.append(top.pop())
            told.append(value.pop() if count else None)
        return Index(tops, cases, self.cases() - cases, told)

    def _exact(
        self, unit: int, known: NDArray[np.bool_], totals: Ints, means: Sequence[Fraction | None]
    ) -> Fraction:
        whole = Fraction(0)
        for at in np.flatnonzero(known & (self.unit == unit)).tolist():
            mean = means[self.group[at]]
            if mean is not None:
                whole += int(totals[at]) / mean
        return whole

    def cv(self, places: int, *, sample: bool = False) -> list[int | None]:
        """CV of cost of each cell, half up; None: no case with a cost, or too few."""
        return [
            rounded_cv(cases, total, squares, places, sample=sample)
            for cases, total, squares in self._spreads()
        ]

    def variation(self, parameters: Parameters) -> Variation:
        """CVs over the groups of each unit, of groups with two cases or more."""
        some = np.flatnonzero(self.sums["cost_cases"].to_numpy() > 1)
        counts = self.sums["cost_cases"].to_numpy()[some]
        found = [rounded_cv(*spread, CV_PLACES) for spread in self._spreads(some)]
        told = np.array([cv is not None for cv in found], np.bool_)
        cvs = np.array([cv or 0 for cv in found], np.int64)
        unit = self.unit[some]

        def over(values: NDArray[Any]) -> Ints:
            sums = np.zeros(self.units, np.int64)
            np.add.at(sums, unit, values)
            return sums

        scale = 10**CV_PLACES
        review, low, high = (
            bound.numerator * scale // bound.denominator
            for bound in (parameters.cv_review, parameters.cv_low, parameters.cv_high)
        )
        return Variation(
            over(told), over(cvs), over(told & (cvs > review)), over(told & (cvs < low)),
            over(told & (cvs > high)), over(np.where(told, counts, 0)),
        )  # fmt: skip

    def _spreads(self, rows: NDArray[Any] | None = None) -> list[tuple[int, int, int]]:
        taken = self.sums if rows is None else self.sums[rows]
        columns = (taken[name].to_list() for name in _COST)
        return [
            (cases, total, (high << 2 * _HALF) + (middle << _HALF + 1) + low)
            for cases, total, high, middle, low in zip(*columns, strict=True)
        ]

    def _over(self, values: NDArray[Any]) -> Ints:
        sums = np.zeros(self.units, np.int64)
        np.add.at(sums, self.unit, values)
        return sums


def cells_of(facts: Facts, levels: Mapping[str, Units]) -> dict[str, Cells]:
    """Cells of grouped cases for every level."""
    wanted = {level: _with_group(level) for level in levels}
    if facts.has("grouped"):
        grouped = facts.frame.filter(pl.col("grouped") == 1)
        tables = summed(facts, grouped, wanted.values(), _values(facts))
    else:
        schema = dict.fromkeys((*DIMENSIONS, *_CELL), pl.Int64)
        tables = dict.fromkeys(wanted.values(), pl.DataFrame(schema=schema))
    return {level: _placed(facts, units, tables[wanted[level]]) for level, units in levels.items()}


def _with_group(level: str) -> tuple[str, ...]:
    told = (*level_dimensions(level), "group")
    return tuple(d for d in DIMENSIONS if d in told)


def _values(facts: Facts) -> dict[str, pl.Expr]:
    """What is summed over a cell; polars' integers hold squares of halves of a cost."""
    cost = pl.col("cost") if facts.has("cost") else pl.lit(None, pl.Int64)
    los = pl.col("los") if facts.has("los") else pl.lit(None, pl.Int64)
    halves = 2**_HALF
    high = cost // halves
    low = cost - high * halves
    return {
        "cases": pl.lit(1, pl.Int8),
        "cost_cases": cost.is_not_null().cast(pl.Int8), "cost_sum": cost,
        "high": high * high, "middle": high * low, "low": low * low,
        "los_cases": los.is_not_null().cast(pl.Int8), "los_sum": los,
        "los_squares": los * los,
    }  # fmt: skip


def _placed(facts: Facts, units: Units, table: pl.DataFrame) -> Cells:
    told = level_dimensions(units.level)
    keys = table.select(level_key(facts, told)).to_series().to_numpy()
    keys = keys if told else np.zeros(table.height, np.int64)
    rank = np.empty(units.count, np.int64)
    rank[units.order] = np.arange(units.count)
    unit = rank[np.searchsorted(units.keys, keys)]
    return Cells(units.count, unit, table["group"].to_numpy(), table.select(_CELL))
