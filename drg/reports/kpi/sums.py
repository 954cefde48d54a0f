"""Sums of measures over the units of a level, whole columns at a time.

A figure counts the claims that have all of its inputs: measures are masked together, once for each
distinct mask, and summed for every level in slices that stay in the processor's reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.reports.kpi.facts import texts_of
from drg.reports.kpi.report import level_dimensions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.reports.kpi.catalog import Kpi, Measure
    from drg.reports.kpi.facts import Facts

    Ints = NDArray[np.int64]

__all__ = ["KpiSums", "LevelSums", "Plan", "Units", "by_level", "level_key", "summed", "units_of"]

_SLICE = 250_000
_KEY = "key"
#: Dimensions of few places: levels made of them are summed from their combination, which has a
#: row for many claims; a table that has one for fewer than this is not worth the detour.
_GROUND = ("period", "hospital", "insurance")
_FEWER = 4
_ONE = np.zeros(1, np.int64)
Terms = Sequence[tuple[int, "Measure"]]


@dataclass(frozen=True)
class Units:
    """Units of a level, in the order of their dimensions' texts.

    Attributes
    ----------
    level : str
    keys : int64 array
        Ascending places of dimensions as one number; ``order`` puts them as the texts stand.
    order : int64 array
    texts : mapping of dimension to Series
        In order.
    """

    level: str
    keys: Ints
    order: Ints
    texts: Mapping[str, pl.Series]

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.keys)


@dataclass(frozen=True)
class KpiSums:
    """Sums of a figure, one entry a unit: numerator, denominator, claims counted and left out."""

    top: Ints
    bottom: Ints
    cases: Ints
    left_out: Ints


class Plan:
    """Which masked columns the figures need.

    Parameters
    ----------
    facts : Facts
    kpis : sequence of Kpi
        Those that are sums, with every measure in ``facts``.
    """

    def __init__(self, facts: Facts, kpis: Sequence[Kpi]) -> None:
        frame = facts.frame
        self._holes = {name for name in frame.columns if frame[name].null_count()}
        self._grouped = "grouped" in frame.columns
        self.columns: dict[str, pl.Expr] = {}
        self.names: dict[str, tuple[str, str, str, str]] = {}
        for kpi in kpis:
            self.names[kpi.id] = self._kpi(kpi)

    def _kpi(self, kpi: Kpi) -> tuple[str, str, str, str]:
        measures = [m.id for _, m in (*kpi.numerator, *kpi.denominator)]
        grouped = kpi.population == "grouped" and self._grouped
        holes = sorted({m for m in measures if m in self._holes})
        mask: pl.Expr | None = None
        for hole in holes:
            test = pl.col(hole).is_not_null()
            mask = test if mask is None else mask & test
        within = (pl.col("grouped") == 1).fill_null(False) if grouped else None
        if within is not None:
            mask = within if mask is None else within & mask
        key = ",".join([*holes, *(["+"] if grouped else [])])
        return (
            self._sum(kpi.numerator, key, mask),
            self._sum(kpi.denominator, key, mask) if kpi.denominator else "",
            self._count(key, mask),
            self._count("+" if grouped else "", within),
        )

    def _sum(self, terms: Terms, key: str, mask: pl.Expr | None) -> str:
        if [m.id for _, m in terms] == ["claims"]:
            return self._count(key, mask)
        name = "".join(("-" if sign < 0 else "+") + m.id for sign, m in terms) + "|" + key
        if name not in self.columns:
            whole: pl.Expr | None = None
            for sign, measure in terms:
                one = pl.lit(1, pl.Int64) if measure.id == "claims" else pl.col(measure.id)
                one = one.cast(pl.Int64) * sign if len(terms) > 1 else one
                whole = one if whole is None else whole + one
            assert whole is not None
            self.columns[name] = (whole if mask is None else pl.when(mask).then(whole)).alias(name)
        return name

    def _count(self, key: str, mask: pl.Expr | None) -> str:
        name = f"n|{key}"
        if name not in self.columns:
            one = pl.lit(1, pl.Int8) if mask is None else mask.cast(pl.Int8)
            self.columns[name] = one.alias(name)
        return name


def level_key(facts: Facts, dimensions: Sequence[str]) -> pl.Expr:
    """The places of dimensions as one number."""
    key: pl.Expr = pl.lit(0, pl.Int64)
    for dimension in dimensions:
        key = key * len(facts.names[dimension]) + pl.col(dimension).cast(pl.Int64)
    return key.alias(_KEY)


def summed(
    facts: Facts,
    frame: pl.DataFrame,
    wanted: Iterable[tuple[str, ...]],
    columns: Mapping[str, pl.Expr],
) -> dict[tuple[str, ...], pl.DataFrame]:
    """Columns summed over the claims of every combination of some dimensions.

    Parameters
    ----------
    facts : Facts
        Names of the dimensions.
    frame : DataFrame
        Its claims, or some of them.
    wanted : iterable of tuple of str
        Dimensions in their order.
    columns : mapping of str to Expr
        What is summed, of the claims' columns.

    Returns
    -------
    dict
        For each: the dimensions' columns, and the sums, in the order of the places.
    """
    asked = list(dict.fromkeys(wanted))
    # Coarse sums are sums of finer ones, where those are few.
    ground = tuple(d for d in _GROUND if any(d in told for told in asked))
    helped = [*asked, ground] if sum(set(told) <= set(ground) for told in asked) > 1 else asked
    found: dict[tuple[str, ...], pl.DataFrame] = {}
    for told in sorted(dict.fromkeys(helped), key=lambda told: -len(told)):
        finer = [part for dims, part in found.items() if set(told) <= set(dims)]
        least = min(finer, key=lambda part: part.height, default=None)
        if least is not None and least.height * _FEWER <= frame.height:
            parts = [_once(facts, least, told, {name: pl.col(name) for name in columns})]
        else:
            parts = [_once(facts, part, told, columns) for part in frame.iter_slices(_SLICE)] or [
                _once(facts, frame, told, columns)
            ]
        whole = pl.concat(parts)
        if len(parts) > 1:
            whole = whole.group_by(_KEY).agg(pl.exclude(_KEY).sum())
        found[told] = _with_places(facts, whole.sort(_KEY), told)
    return {told: found[told] for told in asked}


def _once(
    facts: Facts, part: pl.DataFrame, told: tuple[str, ...], columns: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    # Not select: a frame of literals alone would have one row.
    narrow = part.with_columns(
        level_key(facts, told), *(value.alias(name) for name, value in columns.items())
    )
    return narrow.group_by(_KEY).agg(pl.col(name).sum().cast(pl.Int64) for name in columns)


def _with_places(facts: Facts, whole: pl.DataFrame, told: tuple[str, ...]) -> pl.DataFrame:
    rest, places = pl.col(_KEY), []
    for dimension in reversed(told):
        size = len(facts.names[dimension])
        places.append((rest % size).cast(pl.UInt32).alias(dimension))
        rest = rest // size
    return whole.select(*reversed(places), pl.exclude(_KEY))


def units_of(facts: Facts, level: str, table: pl.DataFrame) -> Units:
    """Units of a level, from a table with the places of its dimensions in ascending order."""
    told = level_dimensions(level)
    keys = table.select(level_key(facts, told)).to_series().to_numpy() if told else _ONE
    if not told:
        return Units(level, _ONE[: table.height], np.zeros(table.height, np.int64), {})
    texts = [texts_of(facts.names[d], table[d].to_numpy()).alias(d) for d in told]
    order = pl.DataFrame(texts).select(pl.arg_sort_by(list(told))).to_series()
    gathered = {column.name: column.gather(order) for column in texts}
    return Units(level, keys, order.to_numpy().astype(np.int64), gathered)


class LevelSums:
    """The sums of a level."""

    def __init__(self, units: Units, sums: pl.DataFrame, plan: Plan) -> None:
        self.units = units
        self._sums = sums
        self._plan = plan

    def column(self, name: str) -> Ints:
        """One summed column, in the order of the units."""
        values: Ints = self._sums[name].to_numpy()
        return values[self.units.order]

    def of(self, kpi: Kpi) -> KpiSums:
        """Sums of a figure of the plan."""
        top, bottom, cases, within = self._plan.names[kpi.id]
        counted = self.column(cases)
        below = self.column(bottom) if bottom else np.zeros(self.units.count, np.int64)
        return KpiSums(self.column(top), below, counted, self.column(within) - counted)


def by_level(facts: Facts, plan: Plan, levels: Iterable[str]) -> dict[str, LevelSums]:
    """Sums of every level."""
    wanted = {level: level_dimensions(level) for level in levels}
    tables = summed(facts, facts.frame, wanted.values(), plan.columns)
    return {
        level: LevelSums(units_of(facts, level, tables[told]), tables[told], plan)
        for level, told in wanted.items()
    }
