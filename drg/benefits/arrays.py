"""The formulas of a layer for many visits at once: the same whole numbers as one by one.

Products are kept inside int64 by ``fits``; visits beyond it are settled one by one, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from drg.benefits.formulas import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Places = NDArray[np.intp]
    Flags = NDArray[np.bool_]

__all__ = ["RuleArrays"]

#: No bound; far below 2⁶³, so that a start may be added to it.
_ENDLESS = 2**61
_LARGEST = 2**61


class RuleArrays:
    """The rules that one layer has for the kinds of visits.

    Parameters
    ----------
    rules : sequence of Rule or None
        By kind of visit; None: the layer does not hold there and pays nothing.
    """

    def __init__(self, rules: Sequence[Rule | None]) -> None:
        self.there = np.array([rule is not None for rule in rules], np.bool_)
        self.any = bool(self.there.any())
        full = [rule or Rule("", "", yearly=False) for rule in rules]
        depth = max((len(rule.bounds) for rule in full), default=0)
        most = max((rule.over for rule in full), default=1)
        amounts = [
            number
            for rule in full
            for bound in (*rule.bounds, (rule.start, rule.start_next, rule.most or 0))
            for number in bound
            if number is not None
        ]
        #: Amounts up to here, in fen, give no product beyond int64; numbers of the rules neither.
        self.limit = _LARGEST // (8 * most)
        if max(amounts, default=0) >= _ENDLESS // 4:
            self.limit = -1
            full = [Rule("", "", yearly=False)] * len(full)
            depth = 0
        self._unit = _ints(rule.unit for rule in full)
        self._yearly = np.array([rule.yearly for rule in full], np.bool_)
        self._start = _ints(rule.start for rule in full)
        self._next = _ints(rule.start_next for rule in full)
        self._share = _ints(rule.share for rule in full)
        self._least = _ints(rule.least or 0 for rule in full)
        self._most = _ints(_ENDLESS if rule.most is None else rule.most for rule in full)
        self._whole = np.array([rule.whole for rule in full], np.bool_)
        self._excess = np.array([rule.excess for rule in full], np.bool_)
        self._over = _ints(rule.over for rule in full)
        self._cap = _ints(_ENDLESS if rule.cap is None else rule.cap for rule in full)
        # A segment that a rule does not have pays nothing: its ratio is 0.
        padded = [[*rule.bounds, *[(0, 0, 0)] * (depth - len(rule.bounds))] for rule in full]
        self._low, self._high, self._ratio = (
            [
                _ints(
                    _ENDLESS if segments[n][part] is None else int(segments[n][part] or 0)
                    for segments in padded
                )
                for n in range(depth)
            ]
            for part in range(3)
        )
        widest = max((len(rule.ceilings) for rule in full), default=0)
        self._ceilings = np.full((len(full), max(widest, 1)), -1, np.int64)
        for place, rule in enumerate(full):
            if rule.ceilings:
                # One for all regions fills the row.
                self._ceilings[place] = rule.ceilings
        self._by_ceiling = np.array([bool(rule.ceilings) for rule in full], np.bool_)

    def fits(self, *amounts: Ints) -> Flags:
        """Where no product of these, or of sums of them, can pass int64."""
        found = np.ones(len(amounts[0]), np.bool_)
        for values in amounts:
            found &= values <= self.limit
        return found

    def pay(self, kind: Places, base: Ints, before: Ints, used: Ints, first: Flags) -> Ints:
        """``formulas.pay(…).paid`` of each visit.

        Parameters
        ----------
        kind : integer array
            Kind of each visit.
        base, before, used : int64 array
            Fen; ``fits``.
        first : bool array
        """
        unit = self._unit[kind]
        low = np.where(self._yearly[kind], before * unit, 0)
        high = low + base * unit
        start = np.where(first, self._start[kind], self._next[kind])
        share = self._share[kind]
        if (share >= 0).any():
            part = np.minimum(np.maximum(base * share, self._least[kind]), self._most[kind])
            start = np.where(share >= 0, part, start)
        exact = self._by_segments(kind, start, high)
        if low.any():
            exact -= self._by_segments(kind, start, low)
        over = self._over[kind]
        paid = np.minimum((2 * exact + over) // (2 * over), base)
        left = np.maximum(self._cap[kind] - used, 0)
        found: Ints = np.where(self.there[kind], np.minimum(paid, left), 0)
        return found

    def pay_over(self, kind: Places, base: Ints, borne: Ints, rank: Places) -> Ints:
        """``formulas.over_ceiling(…).paid`` of visits whose layer is a ceiling."""
        place = np.minimum(np.maximum(rank, 0), self._ceilings.shape[1] - 1)
        ceiling = self._ceilings[kind, place]
        over = np.minimum(np.maximum(borne + base - ceiling, 0), base)
        found: Ints = np.where(self.there[kind] & (ceiling >= 0), over, 0)
        return found

    def by_ceiling(self, kind: Places) -> Flags:
        """Visits whose layer is a ceiling."""
        found: Flags = self._by_ceiling[kind]
        return found

    def _by_segments(self, kind: Places, start: Ints, cost: Ints) -> Ints:
        shift = np.where(self._excess[kind], start, 0)
        floor = np.where(self._whole[kind], 0, start)
        found = np.zeros(len(cost), np.int64)
        for lows, highs, ratios in zip(self._low, self._high, self._ratio, strict=True):
            low = np.maximum(lows[kind] + shift, floor)
            top = np.minimum(cost, highs[kind] + shift)
            found += np.maximum(top - low, 0) * ratios[kind]
        return np.where(cost > start, found, 0)


def _ints(values: object) -> Ints:
    return np.array([*values], np.int64)  # type: ignore[misc]
