"""Claim frame -> what the DIP kernel takes: code columns, cost in fen, words of conditions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

import grouper_core
from drg.claims.profiles import ClaimColumns
from drg.dip.compiled import CompiledCatalogue
from drg.dip.conditions import ConditionWords, Words, cost_column
from drg.forked import refuse_after_fork
from drg.grouping.encode import code_batches

__all__ = ["DipEncoded", "encode_dip", "needs_cost"]

_COST = "total_cost"


@dataclass(frozen=True, slots=True)
class DipEncoded:
    """A frame ready for the kernel.

    Attributes
    ----------
    batches : list of ClaimBatch
        Chunks in row order.
    cost : array of int64 or None
        Total cost in fen, -1 where it is not known; None: no column, or nothing asks for it.
    words : Words
    rows : int
    """

    batches: list[grouper_core.ClaimBatch]
    cost: NDArray[np.int64] | None
    words: Words
    rows: int


def encode_dip(
    frame: pl.DataFrame,
    columns: ClaimColumns,
    compiled: CompiledCatalogue,
    conditions: ConditionWords,
) -> DipEncoded:
    """Encode a frame of claims for a compiled catalogue.

    Parameters
    ----------
    frame : DataFrame
        One claim a row.
    columns : ClaimColumns
        Which columns feed which field.
    compiled : CompiledCatalogue
    conditions : ConditionWords
        Of its conditions.
    """
    refuse_after_fork()
    source = columns.scalars.get(_COST) if needs_cost(compiled) else None
    cost = None if source is None else cost_column(frame[source])
    words = conditions.of_frame(frame, columns, cost)
    return DipEncoded(code_batches(frame, columns, compiled.twins), cost, words, frame.height)


def needs_cost(compiled: CompiledCatalogue) -> bool:
    """Whether a comparator or a condition asks for the cost of a claim.

    The nearest mean is asked for only where means are published.
    """
    means = bool((compiled.arrays["group_mean"].astype(np.int64) >= 0).any())
    return (means and "nearest_mean" in compiled.decided) or any(
        condition.cost_multiple is not None or condition.share_of
        for condition in compiled.conditions
    )
