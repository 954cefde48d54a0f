"""Statistics that indicators go by: percentiles of groups, spreads, shares against expectation.

They point reviewers at claims and never lead to a deduction. Percentiles are values that occur
(nearest rank), so they do not depend on rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Expected", "group_percentile", "outlying", "percentile", "shift_scores", "variation"]


def percentile(values: Ints, percent: int) -> int:
    """The smallest value that at least ``percent`` % of the values do not exceed.

    Parameters
    ----------
    values : int64 array
        At least one.
    percent : int
        1-100.

    Examples
    --------
    >>> percentile(np.arange(1, 101), 95), percentile(np.array([4, 7]), 5)
    (95, 4)
    """
    return int(np.sort(values)[_rank(len(values), percent) - 1])


def _rank(count: int, percent: int) -> int:
    return max(1, -(-count * percent // 100))


def group_percentile(values: Ints, groups: Ints, percent: int, count: int) -> tuple[Ints, Ints]:
    """``percentile`` of each group.

    Parameters
    ----------
    values : int64 array
    groups : int64 array
        Number of the group of each value, from 0 to ``count - 1``.
    percent : int
        1-100.
    count : int
        Groups there are.

    Returns
    -------
    tuple of int64 array
        Percentile of each group (0 for one without values), and its number of values.
    """
    sizes = np.bincount(groups, minlength=count).astype(np.int64)
    ordered = _ordered(values, groups, count)
    starts = np.cumsum(sizes) - sizes
    ranks = np.maximum(-(-sizes * percent // 100), 1)
    found = np.zeros(count, np.int64)
    there = sizes > 0
    found[there] = ordered[(starts + ranks - 1)[there]]
    return found, sizes


def _ordered(values: Ints, groups: Ints, count: int) -> Ints:
    """Values by group, then size."""
    if not len(values):
        return values
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span * count >= 2**63:
        return values[np.lexsort((values, groups))]
    # Group and value as one number: sorting those is several times quicker.
    return np.sort(groups * span + (values - low)) % span + low


def variation(values: Floats, groups: Ints, count: int) -> Floats:
    """Coefficient of variation of each group: population sd over mean; NaN where it has none."""
    sizes = np.bincount(groups, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(groups, values, minlength=count) / sizes
        off = (values - means[groups]) ** 2
        sd = np.sqrt(np.bincount(groups, off, minlength=count) / sizes)
        found: Floats = np.where(means > 0, sd / means, np.nan)
    return found


def outlying(values: Floats, deviations: float) -> tuple[Flags, float]:
    """Values above mean + so many population sd of all that are there, and that bound.

    Examples
    --------
    >>> outlying(np.array([1.0, 1.0, 1.0, 1.0, 9.0]), 1.5)[0].tolist()
    [False, False, False, False, True]
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return np.zeros(len(values), np.bool_), math.inf
    bound = float(known.mean() + deviations * known.std())
    found: Flags = values > bound
    return found, bound


class Expected(NamedTuple):
    """What is expected of claims, from others: their number, sum and sum of squares by cell."""

    cases: Floats
    total: Floats
    squares: Floats


def shift_scores(
    values: Floats, cells: Ints, units: Ints, expected: Expected, count: int
) -> tuple[Floats, Flags]:
    """How far units lie above what their cells make one expect, in standard deviations.

    Parameters
    ----------
    values : float array
        A measure of each claim, such as 1 for the highest severity, or a weight.
    cells : int64 array
        Cell of each claim, such as its ADRG, into ``expected``.
    units : int64 array
        Unit of each claim, such as its doctor, from 0 to ``count - 1``.
    expected : Expected
        By cell; a cell with fewer than two claims expects nothing.
    count : int
        Units there are.

    Returns
    -------
    tuple
        Score of each unit (NaN where nothing is expected of it), and the claims that count.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = expected.total / expected.cases
        spread = np.maximum(expected.squares / expected.cases - mean**2, 0)
    known = (expected.cases >= 2)[cells]
    unit, cell = units[known], cells[known]
    over = np.bincount(unit, values[known] - mean[cell], minlength=count)
    variance = np.bincount(unit, spread[cell], minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Differences that rounding alone can make are none.
        over = np.where(np.abs(over) < 1e-9, 0.0, over)
        scores = np.where(variance > 0, over / np.sqrt(variance), np.where(over > 0, np.inf, 0.0))
    scores[np.bincount(unit, minlength=count) == 0] = np.nan
    return scores, known
