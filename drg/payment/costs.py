"""Costs of grouped cases, collected part by part: group, cost and discharge year, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["CostHistory"]


class CostHistory:
    """Costs of grouped cases, part by part; 8 to 14 bytes a case are kept.

    Parameters
    ----------
    groups : sequence of str
        Groups to tell of, with or without cases; a part names a group by its place here.
    """

    def __init__(self, groups: Sequence[str]) -> None:
        self.groups = list(groups)
        self._parts: list[tuple[NDArray[np.uint16], Ints, NDArray[np.int16]]] = []

    @classmethod
    def of(cls, costs: Mapping[str, Sequence[int]]) -> CostHistory:
        """The history of costs in fen by group, all of one year."""
        history = cls(list(costs))
        for place, values in enumerate(costs.values()):
            fen = np.array(values, dtype=np.int64)
            history.add(np.full(len(fen), place, np.uint16), fen)
        return history

    def places(self, groups: Iterable[str]) -> dict[str, int]:
        """Places of groups; one that was not there is put at the end."""
        known = {group: place for place, group in enumerate(self.groups)}
        for group in groups:
            if group not in known:
                known[group] = len(self.groups)
                self.groups.append(group)
        return known

    def add(
        self, group: NDArray[np.uint16], fen: Ints, year: NDArray[np.int16] | None = None
    ) -> None:
        """Add cases: places of their groups, costs greater than zero in fen, discharge years."""
        none = np.zeros(len(group), np.int16)
        self._parts.append((group, fen, none if year is None else year))

    @property
    def cases(self) -> int:
        """Cases added."""
        return sum(len(part[0]) for part in self._parts)

    @property
    def years(self) -> dict[int, int]:
        """Discharge year to cases."""
        counts: dict[int, int] = {}
        for _, _, years in self._parts:
            found, number = np.unique(years, return_counts=True)
            for year, n in zip(found.tolist(), number.tolist(), strict=True):
                counts[year] = counts.get(year, 0) + n
        return dict(sorted(counts.items()))

    def keep_years(self, years: Iterable[int]) -> int:
        """Drop the cases of other years; how many they were."""
        before, wanted = self.cases, list(years)
        for n, (group, fen, year) in enumerate(self._parts):
            kept = np.isin(year, wanted)
            self._parts[n] = group[kept], fen[kept], year[kept]
        return before - self.cases

    def by_group(self) -> dict[str, dict[int, Ints]]:
        """Group to discharge year to costs, in order of size; only where there are some."""
        if not self.cases:
            return {}
        group, fen, year = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.lexsort((fen, year, group))
        group, fen, year = group[order], fen[order], year[order]
        starts = np.flatnonzero(
            (np.diff(group, prepend=-1) != 0) | (np.diff(year, prepend=-1) != 0)
        )
        found: dict[str, dict[int, Ints]] = {}
        for start, stop in zip(starts, [*starts[1:], len(group)], strict=True):
            name = self.groups[int(group[start])]
            found.setdefault(name, {})[int(year[start])] = fen[start:stop]
        return found
