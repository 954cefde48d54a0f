"""What every kind of case comes to: weight, standard and note, worked out once a kind.

A kind is a stretch of days, a group, an insurance and a hospital level. There are some thousand of
them however many claims there are, so a claim only looks up its own, and sums are counts by kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.money import PLACES, mul_div_array, unscaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Numbers = NDArray[np.unsignedinteger[Any]]
    Flags = NDArray[np.bool_]

__all__ = [
    "NONE",
    "NO_INSURANCE",
    "NO_TABLE",
    "WEIGHT_DTYPES",
    "WEIGHT_NOTES",
    "Kinds",
    "WeightTally",
    "WeightTotals",
]

#: What is added, in this order.
WEIGHT_DTYPES: Mapping[str, pl.DataType] = {
    "weight": pl.Decimal(18, PLACES),
    "standard_fen": pl.Int64(),
}
#: No weight; insurance not reported; no rate; no table in force.
WEIGHT_NOTES = ("N420", "N421", "N422", "N423")
#: In the matrices: no weight or no rate, insurance not reported, no table, not grouped.
NONE, NO_INSURANCE, NO_TABLE, _UNGROUPED = -1, -2, -3, -4


class Kinds:
    """Weight, standard and note of every kind.

    Parameters
    ----------
    names : tuple of str
        Groups; one more stands after them for a claim that is not grouped.
    weights : int64 array (stretch, group)
    rates : int64 array (stretch, insurance, level)
    lent : bool array (stretch, insurance)
        The rate of no level is that of the only level there is.
    tables : sequence of str
        Table of each stretch, ``""`` for none.

    Attributes
    ----------
    ungrouped : int
        Number of the group of a claim that is not grouped.
    weights, standards : Series
        ``weight`` and ``standard_fen`` by kind, null where there is none.
    note : uint8 array
        Number of the note by kind, from 1 for the first of ``WEIGHT_NOTES``; 0 for none.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        weights: Ints,
        rates: Ints,
        lent: Flags,
        tables: Sequence[str],
    ) -> None:
        self.names = names
        self.tables = tables
        self.ungrouped = len(names) + 1
        none = np.full((len(weights), 1), _UNGROUPED, np.int64)
        shape = (len(weights), len(names) + 2, *rates.shape[1:])
        self._shape = shape
        weight = np.broadcast_to(np.hstack([weights, none])[:, :, None, None], shape).ravel()
        found = np.broadcast_to(rates[:, None], shape).ravel()
        has = weight > 0
        priced = has & (found > 0)
        standard = np.zeros(len(weight), np.int64)
        standard[priced] = mul_div_array(weight[priced], found[priced], 10**PLACES)
        first = np.zeros(shape, np.bool_)
        first[..., 0] = True
        self._weight, self._standard, self._has, self._priced = weight, standard, has, priced
        self._lent = priced & first.ravel() & np.broadcast_to(lent[:, None, :, None], shape).ravel()
        self._without_rates = has & (found == NO_TABLE)
        self.note = np.select(
            [weight == NONE, weight == NO_TABLE, has & (found == NO_INSURANCE),
             has & (found == NONE)],
            [1, 4, 2, 3],
            0,
        ).astype(np.uint8)  # fmt: skip
        texts = [Decimal(unscaled(w)) if w > 0 else None for w in weight.tolist()]
        self.weights = pl.Series("weight", texts, dtype=WEIGHT_DTYPES["weight"])
        fens = [s if p else None for s, p in zip(standard.tolist(), priced.tolist(), strict=True)]
        self.standards = pl.Series("standard_fen", fens, dtype=WEIGHT_DTYPES["standard_fen"])

    def of(
        self,
        stretch: Numbers | np.uint32,
        group: Numbers,
        insurance: Numbers | np.uint32,
        level: Numbers | np.uint32,
    ) -> Numbers:
        """Number of the kind that each claim is of, as uint32."""
        _, groups, insurances, levels = map(np.uint32, self._shape)
        kind = group.astype(np.uint32)
        kind += stretch * groups
        kind *= insurances
        kind += insurance
        kind *= levels
        kind += level
        return kind

    def totals(self, count: Ints) -> WeightTotals:
        """Sums over so many claims of each kind."""

        def claims(mask: Flags) -> int:
            return int(count[mask].sum())

        def total(values: Ints) -> int:
            there = count > 0
            rows = zip(count[there].tolist(), values[there].tolist(), strict=True)
            return sum(n * value for n, value in rows)

        without = np.where(self.note == 1, count, 0).reshape(self._shape).sum(axis=(0, 2, 3))
        by_stretch = np.where(self._has, count, 0).reshape(self._shape).sum(axis=(1, 2, 3))
        tables: Counter[str] = Counter()
        for table, n in zip(self.tables, by_stretch.tolist(), strict=True):
            tables[table] += n
        names = (*self.names, "", "")
        return WeightTotals(
            cases=claims(self._has),
            weight=total(np.where(self._has, self._weight, 0)),
            priced=claims(self._priced),
            standard_fen=total(self._standard),
            tables=+tables,
            unweighted=Counter({names[g]: int(without[g]) for g in np.flatnonzero(without)}),
            no_insurance=claims(self.note == 2),
            no_rate=claims(self.note == 3),
            no_table=claims(self.note == 4),
            without_rates=claims(self._without_rates),
            lent_level=claims(self._lent),
        )


@dataclass(slots=True)
class WeightTotals:
    """Sums over weighted claims; ``add`` puts the sums of parts together.

    Attributes
    ----------
    cases : int
        Grouped claims with a weight.
    weight : int
        Their weights together, scaled 10⁴.
    priced : int
        Claims with a standard.
    standard_fen : int
        Their standards together.
    tables : Counter of str
        Table to claims that have their weight from it.
    unweighted : Counter of str
        Group to grouped claims without a weight (N420).
    no_insurance, no_rate, no_table : int
        Claims of N421, N422, N423, whatever note their row carries.
    without_rates : int
        Weighted claims under a table that has no rates at all.
    lent_level : int
        Claims that name no hospital level and got the rate of the only one there is.
    """

    cases: int = 0
    weight: int = 0
    priced: int = 0
    standard_fen: int = 0
    tables: Counter[str] = field(default_factory=Counter)
    unweighted: Counter[str] = field(default_factory=Counter)
    no_insurance: int = 0
    no_rate: int = 0
    no_table: int = 0
    without_rates: int = 0
    lent_level: int = 0

    def add(self, other: WeightTotals) -> None:
        """Add the sums of another part."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class WeightTally:
    """Counts weighted claims by kind as frames go by; ``totals`` adds them up once."""

    def __init__(self) -> None:
        self._counts: dict[Kinds, Ints] = {}

    def add(self, kinds: Kinds, kind: Numbers) -> None:
        """Count the claims of one frame."""
        count = np.bincount(kind, minlength=len(kinds.note))
        before = self._counts.get(kinds)
        self._counts[kinds] = count if before is None else before + count

    def totals(self) -> WeightTotals:
        """Sums over every frame counted."""
        whole = WeightTotals()
        for kinds, count in self._counts.items():
            whole.add(kinds.totals(count))
        return whole
