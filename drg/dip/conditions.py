"""Scalar conditions of a catalogue as the kernel takes them: one bit a condition, two words a row.

``true`` says which conditions hold, ``unknown`` which cannot be told. Only conditions that ask for
a number, the disposition or a share of the cost are set here; the kernel tests the others itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drg.dip.truth import RULE_FIELD
from drg.grouping.fields import TOP, reader_of
from drg.money import exceeds, read_fen
from grouper_core import FIELD_INVALID

if TYPE_CHECKING:
    import polars as pl

    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.dip.model import Condition

__all__ = ["ConditionWords", "Words", "cost_column"]

_DISPOSITION = "disposition"
#: 10¹³ yuan in ten-thousandths: beyond that a cost is read as every amount is.
_PLAIN = 10**17


class Words(NamedTuple):
    """Truth of the scalar conditions of every row.

    Attributes
    ----------
    true, unknown : array of uint64
        Bit ``n`` is condition ``n``.
    """

    true: NDArray[np.uint64]
    unknown: NDArray[np.uint64]


class _Stretches(NamedTuple):
    """A field's values from low to high: where the truth of some condition changes.

    Attributes
    ----------
    edges : array of int32
        First value of each stretch but the lowest, which holds what is missing or invalid.
    true, unknown : array of uint64
        Words of each stretch, the lowest first.
    """

    edges: NDArray[np.int32]
    true: NDArray[np.uint64]
    unknown: NDArray[np.uint64]


class ConditionWords:
    """Tells the scalar conditions of claims.

    Parameters
    ----------
    conditions : sequence of Condition
        By bit.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        asked: defaultdict[str, list[tuple[int, Condition]]] = defaultdict(list)
        self._shares = [(n, c) for n, c in enumerate(conditions) if c.share_of]
        for n, condition in enumerate(conditions):
            if condition.field:
                asked[condition.field].append((n, condition))
        named = dict.fromkeys(v for _, c in asked[_DISPOSITION] for v in c.values)
        self._choices = tuple(named)
        self._fields: Mapping[str, _Stretches] = {
            field: _choice_words(own, self._choices) if field == _DISPOSITION else _stretches(own)
            for field, own in asked.items()
            if own
        }
        self._readers: Mapping[str, Callable[[Claim], int]] = {
            field: reader_of(RULE_FIELD.get(field, field), self._choices) for field in self._fields
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Canonical columns that the conditions read."""
        shares = (condition.share_of for _, condition in self._shares)
        return (*self._fields, *dict.fromkeys(shares))

    def of_frame(
        self, frame: pl.DataFrame, columns: ClaimColumns, cost: NDArray[np.int64] | None
    ) -> Words:
        """The words of every row.

        Parameters
        ----------
        frame : DataFrame
            One claim a row.
        columns : ClaimColumns
            Which columns feed which field; what it does not know is looked for by name.
        cost : array of int64 or None
            Total cost in fen, -1 where it is not known.
        """
        from drg.grouping.encode import numbers

        true = np.zeros(frame.height, np.uint64)
        unknown = np.zeros(frame.height, np.uint64)
        for field, stretches in self._fields.items():
            source = columns.scalars.get(field)
            if source is None:
                unknown |= stretches.unknown[0]
                continue
            series = frame[source]
            chosen = field == _DISPOSITION
            values = (_chosen(series, self._choices) if chosen else numbers(series)).to_numpy()
            spot = np.searchsorted(stretches.edges, values, "right")
            true |= stretches.true[spot]
            unknown |= stretches.unknown[spot]
        for n, condition in self._shares:
            source = columns.scalars.get(condition.share_of, condition.share_of)
            part = cost_column(frame[source]) if source in frame.columns else None
            bit = np.uint64(1 << n)
            if part is None or cost is None:
                unknown |= bit
                continue
            known = (part >= 0) & (cost > 0)
            share = condition.share or Fraction(0)
            true |= np.where(known & exceeds(part, share, cost, inclusive=True), bit, np.uint64(0))
            unknown |= np.where(known, np.uint64(0), bit)
        return Words(true, unknown)

    def of_claim(self, claim: Claim) -> tuple[int, int]:
        """The words of one claim, which has no column to take a share of."""
        true, unknown = 0, 0
        for field, stretches in self._fields.items():
            spot = bisect_right(stretches.edges, self._readers[field](claim))
            true |= int(stretches.true[spot])
            unknown |= int(stretches.unknown[spot])
        for n, _ in self._shares:
            unknown |= 1 << n
        return true, unknown


def cost_column(series: pl.Series) -> NDArray[np.int64]:
    """Yuan as fen; -1 where it is missing, cannot be read or is negative."""
    import polars as pl

    if series.dtype != pl.String:
        return _not_negative(read_fen(series).fen)
    # Plain yuan and fen are read at ten times the speed; the rest as every amount is.
    parts = series.cast(pl.Decimal(20, 4), strict=False).to_physical()
    part = pl.lit(parts)
    plain = (part % 100 == 0) & (part.abs() < _PLAIN) & ~pl.lit(series).str.contains(r"[eE]")
    fen = pl.select(pl.when(plain).then((part // 100).cast(pl.Int64))).to_series()
    rest = (fen.is_null() & series.is_not_null()).arg_true()
    if len(rest):
        fen = fen.scatter(rest, read_fen(series.gather(rest)).fen)
    return _not_negative(fen)


def _not_negative(fen: pl.Series) -> NDArray[np.int64]:
    cost: NDArray[np.int64] = fen.fill_null(-1).to_numpy()
    return np.maximum(cost, -1)


def _chosen(series: pl.Series, values: Sequence[str]) -> pl.Series:
    """``choices``, each distinct spelling read once."""
    import polars as pl

    from drg.grouping.encode import choices

    spellings = series.unique()
    coded = choices(spellings, values)
    return series.replace_strict(spellings, coded, return_dtype=pl.Int32)


def _stretches(asked: Sequence[tuple[int, Condition]]) -> _Stretches:
    """Words of a number, by where it lies between the bounds of all conditions."""
    lowest = FIELD_INVALID + 1
    bounds = {bound for _, c in asked for bound in (c.start, c.stop) if bound is not None}
    edges = sorted({lowest} | {bound for bound in bounds if lowest < bound <= TOP})
    words = [0]
    for edge in edges:
        inside = [
            n
            for n, c in asked
            if (c.start is None or edge >= c.start) and (c.stop is None or edge < c.stop)
        ]
        words.append(sum(1 << n for n in inside))
    return _made(edges, words, asked)


def _choice_words(asked: Sequence[tuple[int, Condition]], choices: Sequence[str]) -> _Stretches:
    """Words of a choice: 0 is any other text, ``i + 1`` value ``i``."""
    words = [sum(1 << n for n, c in asked if value in c.values) for value in choices]
    return _made(range(len(choices) + 1), [0, 0, *words], asked)


def _made(
    edges: Sequence[int], words: Sequence[int], asked: Sequence[tuple[int, Condition]]
) -> _Stretches:
    unknown = [sum(1 << n for n, _ in asked)] + [0] * len(edges)
    return _Stretches(
        np.array(edges, np.int32), np.array(words, np.uint64), np.array(unknown, np.uint64)
    )
