"""Orders of a scheme's rows numbered as its base has them, so that only what moved is a change."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import polars as pl

_STEP = 10


def as_in_base(
    frame: pl.DataFrame, base: pl.DataFrame, key: Sequence[str], within: str
) -> pl.DataFrame:
    """The frame with its ``order`` numbered anew; the order of its rows does not change.

    Parameters
    ----------
    frame, base : DataFrame
        Rows with ``order``, the frame's in the order in which they are tried.
    key : sequence of str
        Columns that name a row in both.
    within : str
        Column whose values have orders of their own; ``""``: one order for all.
    """
    theirs = {row[:-1]: int(row[-1]) for row in base.select(*key, "order").iter_rows()}
    groups = frame.partition_by(within, maintain_order=True) if within else [frame]
    numbered = []
    for part in groups:
        keys = part.select(key).rows()
        orders = _merged([theirs.get(k) for k in keys])
        numbered.append(part.with_columns(pl.Series("order", [str(n) for n in orders], pl.String)))
    return pl.concat(numbered)


def _merged(wanted: list[int | None]) -> list[int]:
    """Rising numbers: those wanted wherever they rise, others put between their neighbours."""
    kept = _longest_rise(wanted)
    orders: list[int] = []
    for place, number in enumerate(wanted):
        if place in kept and number is not None:
            orders.append(number)
            continue
        last = orders[-1] if orders else 0
        after = [(p, wanted[p]) for p in kept if p > place]
        following, bound = min(after, default=(0, None))
        if bound is None:
            orders.append(last + _STEP)
            continue
        between = following - place  # this row and the others before the next one kept
        step = (bound - last) // (between + 1)
        if step < 1:
            return [_STEP * n for n in range(1, len(wanted) + 1)]
        orders.append(last + step)
    return orders


def _longest_rise(numbers: Sequence[int | None]) -> set[int]:
    """Places of a longest strictly rising run of the numbers that are there."""
    ends: list[int] = []
    places: list[int] = []
    before: dict[int, int | None] = {}
    for place, number in enumerate(numbers):
        if number is None:
            continue
        at = bisect_left(ends, number)
        before[place] = places[at - 1] if at else None
        ends[at : at + 1] = [number]
        places[at : at + 1] = [place]
    run: set[int] = set()
    at_place = places[-1] if places else None
    while at_place is not None:
        run.add(at_place)
        at_place = before[at_place]
    return run
