"""Weights by group and day, from the tables that a policy names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from drg.claims.typed import day_number
from drg.dates import Interval
from drg.errors import TableError
from drg.money import PLACES, unscaled
from drg.payment.weight_table import WeightTable, load_weight_table, load_weight_versions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["GroupWeights", "decimals"]

_T = TypeVar("_T")
#: Lists of groups whose weights are kept; parts of a file have one, small frames each their own.
_KEPT = 16


class GroupWeights:
    """Weight of a group on a day.

    Parameters
    ----------
    wanted : sequence of str
        Tables, places or files; the first that holds a group on the day of discharge gives its
        weight. A table named by itself holds on every day.

    Raises
    ------
    TableError
        No such table, or it is broken.
    """

    def __init__(self, wanted: Sequence[str]) -> None:
        self._sources = [found for name in wanted for found in _load(name)]
        spans = [span for span, _ in self._sources]
        self._edges = sorted({day for span in spans for day in (span.start, span.end) if day})
        self._known: dict[tuple[str, ...], Ints] = {}
        self._decimals: dict[tuple[str, ...], pl.Series] = {}

    @property
    def empty(self) -> bool:
        """Whether there is no table at all."""
        return not self._sources

    def place(
        self, names: tuple[str, ...], codes: NDArray[np.integer[Any]], day: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Place of each claim in what ``tables`` gives."""
        place = codes.astype(np.int32)
        if self._edges:
            edges = [day_number(edge) for edge in self._edges]
            stretch = np.searchsorted(edges, day, side="right").astype(np.int32)
            place += stretch * np.int32(len(names) + 1)
        return place

    def weights_e4(self, names: tuple[str, ...]) -> Ints:
        """Weights scaled 10⁴ by place, -1: none."""
        found = self._known.get(names)
        if found is None:
            flat = [
                weight
                for day in (date.min, *self._edges)
                for weight in (*(self._weight(name, day) for name in names), -1)
            ]
            found = _keep(self._known, names, np.array(flat, np.int64))
        return found

    def weights(self, names: tuple[str, ...]) -> pl.Series:
        """The same as Decimal; null: none."""
        found = self._decimals.get(names)
        if found is None:
            scaled = self.weights_e4(names).tolist()
            found = _keep(self._decimals, names, decimals(scaled, "weight"))
        return found

    def told_by(self, group: str, day: date) -> WeightTable | None:
        """The table that gives a group its weight on a day; None: none does."""
        found = (table for span, table in self._sources if day in span and group in table.weights)
        return next(found, None)

    def _weight(self, group: str, day: date) -> int:
        table = self.told_by(group, day)
        return -1 if table is None else table.weights[group]


def decimals(values: Sequence[int], name: str) -> pl.Series:
    """Integers scaled 10⁴ as Decimal; below zero: null."""
    texts = [Decimal(unscaled(value)) if value >= 0 else None for value in values]
    return pl.Series(name, texts, dtype=pl.Decimal(18, PLACES))


def _keep(known: dict[tuple[str, ...], _T], names: tuple[str, ...], made: _T) -> _T:
    while len(known) >= _KEPT:
        known.pop(next(iter(known)), None)
    return known.setdefault(names, made)


def _load(name: str) -> list[tuple[Interval, WeightTable]]:
    try:
        return [(Interval(), load_weight_table(name))]
    except TableError as error:
        if error.code != "T170":
            raise
    return [(table.in_force, table) for table in load_weight_versions(name)]
