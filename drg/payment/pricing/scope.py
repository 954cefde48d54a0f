"""Rows of a policy by whom and when they hold for: the most specific row of each claim at once.

Insurance, place (level, class of level, hospital) and group or category are compared; a row is more
specific than another where it is narrower in one and wider in none. Two rows that fit one claim
and neither is more specific are refused when the table is built. Discharge days choose rows too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.claims.named import Named
from drg.dates import Interval
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.pricing.levels import level_of, wider_levels
from drg.payment.weight_table import insurance_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy.numbers import Scope

    Codes32 = NDArray[np.int32]

__all__ = ["NEEDS_INSURANCE", "NEEDS_LEVEL", "NO_ROW", "ScopeKeys", "ScopeTable"]

#: No row fits; the answer depends on a level, or an insurance, that the claim does not report.
NO_ROW, NEEDS_LEVEL, NEEDS_INSURANCE = -1, -2, -3
_CLASH = -10
_EPOCH = date(1970, 1, 1).toordinal()
#: More cells than this are no table of a policy's rows.
_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class ScopeKeys:
    """What scopes are compared with, one entry a claim.

    Attributes
    ----------
    insurance, level, hospital : Named
        Codes of insurances, keys of levels (``drg.payment.pricing.levels``), ids of hospitals.
    day : int32 array
        Discharge, days since 1970-01-01.
    """

    insurance: Named
    level: Named
    hospital: Named
    day: NDArray[np.int32]

    def take(self, rows: NDArray[np.integer[Any]]) -> ScopeKeys:
        """The claims of these places."""
        return ScopeKeys(
            self.insurance.take(rows), self.level.take(rows), self.hospital.take(rows),
            self.day[rows],
        )  # fmt: skip


class ScopeTable:
    """Rows of one kind, looked up for whole columns.

    Parameters
    ----------
    rows : sequence of Scope
    extra : sequence of str, optional
        Group or category of each row; ``""`` is every one.
    what : str
        Path of the rows in the policy, for errors.

    Raises
    ------
    PaymentError
        P421: two rows fit one claim and neither is more specific; P422: too many combinations.

    Examples
    --------
    >>> from drg.payment.policy import RateRow
    >>> rows = [
    ...     RateRow(insurance="310", rate="100"),
    ...     RateRow(insurance="310", hospital_level="三级", rate="120"),
    ... ]
    >>> one = np.zeros(1, np.int32)
    >>> keys = ScopeKeys(Named(("310",), one), Named(("3A",), one), Named(("H1",), one), one)
    >>> ScopeTable(rows, what="drg.rates").find(keys)
    array([1], dtype=int32)
    """

    def __init__(
        self, rows: Sequence[Scope], extra: Sequence[str] | None = None, *, what: str
    ) -> None:
        self._what = what
        self._extra = [text.strip() for text in extra] if extra else [""] * len(rows)
        self._keys = [
            (insurance_code(row.insurance), level_of(row.hospital_level), row.hospital.strip())
            for row in rows
        ]
        self._spans = [row.in_force for row in rows]
        edges = {day for span in self._spans for day in (span.start, span.end) if day}
        self._edges = sorted(edges)
        # Slots 0 and 1 are "not reported" and "any other"; hospital and extra have no first one.
        self._insurances = _slots((key[0] for key in self._keys), 2)
        self._levels = _slots((key[1] for key in self._keys), 2)
        self._hospitals = _slots((key[2] for key in self._keys), 1)
        self._extras = _slots(self._extra, 1)
        self.empty = not rows
        shape = (
            len(self._edges) + 1, len(self._insurances) + 2, len(self._levels) + 2,
            len(self._hospitals) + 1, len(self._extras) + 1,
        )  # fmt: skip
        if int(np.prod([float(n) for n in shape])) > _CELLS:
            raise PaymentError("P422", what=what, rows=len(rows))
        self._table = np.full(shape, NO_ROW, np.int32)
        self._paint()

    def find(self, keys: ScopeKeys, extra: Named | None = None) -> Codes32:
        """Row of each claim.

        Parameters
        ----------
        keys : ScopeKeys
        extra : Named, optional
            Group or category; only rows for every one fit where omitted.

        Returns
        -------
        int32 array
            Place of the row; below zero there is none: ``NO_ROW`` and the two ``NEEDS_``.
        """
        size = self._table.shape
        place: Any = 0
        if self._edges:
            edges = [day.toordinal() - _EPOCH for day in self._edges]
            place = np.searchsorted(edges, keys.day, side="right").astype(np.int32)
        parts = (
            (keys.insurance, [self._insurances.get(name, 1) for name in keys.insurance.names], 0),
            (keys.level, [self._level_slot(name) for name in keys.level.names], 0),
            (keys.hospital, [self._hospitals.get(name, 0) for name in keys.hospital.names], 0),
            (extra, [self._extras.get(name, 0) for name in extra.names] if extra else [], 0),
        )
        for axis, (named, slots, missing) in enumerate(parts, start=1):
            place = place * np.int32(size[axis])
            if named is not None and size[axis] > (2 if axis < 3 else 1):
                place = place + np.array([*slots, missing], np.int32)[named.codes]
            elif axis < 3:
                # Nothing in the table depends on this: every claim is "any other".
                place = place + np.int32(1)
        if not isinstance(place, np.ndarray):
            return np.full(len(keys.day), self._table.ravel()[int(place)], np.int32)
        found: Codes32 = self._table.ravel()[place]
        return found

    def _level_slot(self, key: str) -> int:
        return next((self._levels[wide] for wide in wider_levels(key) if wide in self._levels), 1)

    def _paint(self) -> None:
        """Put each row into the cells it fits, the wider ones first."""
        starts = [date.min, *self._edges]
        rank = [self._rank(row) for row in range(len(self._keys))]
        clashes: list[tuple[int, int]] = []
        for row in sorted(range(len(rank)), key=lambda row: (sum(rank[row]), row)):
            insurance, level, hospital = self._keys[row]
            cells = np.ix_(
                [n for n, day in enumerate(starts) if _holds(self._spans[row], day)],
                [self._insurances[insurance]] if insurance else range(len(self._insurances) + 2),
                [n for key, n in self._levels.items() if level in wider_levels(key)]
                if level
                else range(len(self._levels) + 2),
                [self._hospitals[hospital]] if hospital else range(len(self._hospitals) + 1),
                [self._extras[self._extra[row]]]
                if self._extra[row]
                else range(len(self._extras) + 1),
            )
            block = self._table[cells]
            for before in np.unique(block[block != NO_ROW]).tolist():
                pair = clashes[_CLASH - before] if before <= _CLASH else (before,)
                if not all(_narrower(rank[row], rank[other]) for other in pair):
                    clashes.append((pair[0], row))
                    block[block == before] = _CLASH - (len(clashes) - 1)
            self._table[cells] = np.where(block <= _CLASH, block, row)
            covered = [
                _CLASH - n
                for n, pair in enumerate(clashes)
                if all(_narrower(rank[row], rank[other]) for other in pair)
            ]
            if covered:
                again = self._table[cells]
                again[np.isin(again, covered)] = row
                self._table[cells] = again
        left = self._table[self._table <= _CLASH]
        if left.size:
            first, second = clashes[_CLASH - int(left.max())]
            raise PaymentError("P421", what=self._what, first=first, second=second)
        self._needs(2, NEEDS_LEVEL)
        self._needs(1, NEEDS_INSURANCE)

    def _needs(self, axis: int, code: int) -> None:
        """A claim that does not report a key has an answer only where the key does not matter."""
        table = np.moveaxis(self._table, axis, 0)
        if len(table) > 2:
            differs = (table[1:] != table[1]).any(axis=0)
            table[0][differs] = code

    def _rank(self, row: int) -> tuple[int, int, int]:
        """How narrow a row is by insurance, place and group."""
        insurance, level, hospital = self._keys[row]
        place = len(wider_levels(level)) + (3 if hospital else 0)
        return bool(insurance), place, bool(self._extra[row])


def _slots(values: Any, first: int) -> dict[str, int]:
    named = sorted({value for value in values if value})
    return {value: n for n, value in enumerate(named, start=first)}


def _holds(span: Interval, day: date) -> bool:
    return day in span


def _narrower(first: tuple[int, int, int], second: tuple[int, int, int]) -> bool:
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))
