"""Cost classes of a case, and which of the costly ones a cap lets through (spec A.4).

Costs are compared with a reference (the standard, or the group's mean) by exact integer products,
never by a rounded ratio. A cap needs the whole period of a hospital or region, so a period is
priced in two passes: classify all, then rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.money import exceeds
from drg.payment.mechanisms.quotients import quotient_array
from drg.payment.pricing.levels import best_level, level_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Outliers

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "CASE_CLASSES",
    "UNCLASSED",
    "CaseClass",
    "by_excess",
    "classify",
    "cost_ratio_e4",
    "high_cap",
    "keep_highest",
    "keep_highest_each",
]

#: In place of a class: there is nothing to compare with, or no level to choose the multiple by.
UNCLASSED = 255


class CaseClass(StrEnum):
    """Cost class of a case."""

    ULTRA_LOW = "ULTRA_LOW"
    NORMAL = "NORMAL"
    ULTRA_HIGH = "ULTRA_HIGH"
    EXTREME = "EXTREME"


#: In the order of the numbers that ``classify`` gives.
CASE_CLASSES: tuple[CaseClass, ...] = tuple(CaseClass)
_LOW, _NORMAL, _HIGH, _EXTREME = range(len(CASE_CLASSES))


def classify(
    cost_fen: Ints,
    reference_fen: Ints,
    levels: NDArray[np.integer[Any]],
    names: Sequence[str],
    outliers: Outliers,
) -> NDArray[np.uint8]:
    """Cost class of each case.

    Parameters
    ----------
    cost_fen, reference_fen : int64 array
        Cost, and the standard or the group's mean, in fen.
    levels : integer array
        Place of the hospital's level in ``names``; ``len(names)``: not reported.
    names : sequence of str
        Levels as the claims or the register of hospitals spell them.
    outliers : Outliers
        Bounds. A level that ``high`` does not name, where ``high`` names no ``""``, has no
        upper class below ``extreme``.

    Returns
    -------
    uint8 array
        Place in ``CASE_CLASSES``. ``UNCLASSED`` where the reference is not greater than zero, or
        where the level is not reported and the policy's multiple depends on it.

    Examples
    --------
    >>> from drg.payment.policy import Outliers
    >>> bounds = Outliers(high={"三级": 3, "二级": 2}, low="0.3")
    >>> costs, standards = np.array([4_200_000, 2_800_100, 419_999]), np.full(3, 1_400_000)
    >>> found = classify(costs, standards, np.array([0, 1, 0]), ["三级", "二级"], bounds)
    >>> [str(CASE_CLASSES[code]) for code in found]
    ['NORMAL', 'ULTRA_HIGH', 'ULTRA_LOW']
    """
    out = np.full(len(cost_fen), _NORMAL, np.uint8)
    multiples, unknown = _multiples(names, outliers)
    for multiple in dict.fromkeys(m for m in multiples if m is not None):
        here = np.array([m == multiple for m in multiples])[levels]
        above = exceeds(cost_fen, multiple, reference_fen, inclusive=outliers.high_inclusive)
        out[here & above] = _HIGH
    if unknown:
        out[levels == len(names)] = UNCLASSED
    if outliers.extreme is not None:
        out[
            exceeds(cost_fen, outliers.extreme, reference_fen, inclusive=outliers.extreme_inclusive)
        ] = _EXTREME
    if outliers.low is not None:
        # Not below the bound is at or above it, so the flag turns round.
        out[
            ~exceeds(cost_fen, outliers.low, reference_fen, inclusive=not outliers.low_inclusive)
        ] = _LOW
    out[reference_fen <= 0] = UNCLASSED
    return out


def _multiples(names: Sequence[str], outliers: Outliers) -> tuple[list[Fraction | None], bool]:
    """Multiple by level, the last for none; and whether a claim without one stays unclassed."""
    other = outliers.high.get("")
    named = [level for level in outliers.high if level]
    chosen = (best_level(level_of(name), named) for name in names)
    found = [other if level is None else outliers.high[level] for level in chosen]
    return [*found, other], bool(named) and other is None


def cost_ratio_e4(cost_fen: Ints, reference_fen: Ints) -> Ints:
    """Cost over reference, scaled 10⁴ and rounded half up: to show, not to compare by.

    Parameters
    ----------
    cost_fen, reference_fen : int64 array
        Fen; the reference greater than zero.

    Examples
    --------
    >>> cost_ratio_e4(np.array([4_500_000]), np.array([1_400_000]))
    array([32143])
    """
    return quotient_array([cost_fen, np.full(len(cost_fen), 10_000)], [reference_fen])


def high_cap(discharges: int, ratio: Fraction) -> int:
    """How many of a period's discharges a cap lets through: the share, rounded down.

    Raises
    ------
    ValueError
        Less than no discharges, or a ratio below zero.

    Examples
    --------
    >>> high_cap(1090, Fraction("0.03"))
    32
    """
    if discharges < 0 or ratio < 0:
        raise ValueError("neither discharges nor the share of a cap are below zero")
    return discharges * ratio.numerator // ratio.denominator


def by_excess(excess_fen: Ints, ids: NDArray[Any]) -> NDArray[np.intp]:
    """Places of the cases, the largest cost above standard first, ties by id.

    Parameters
    ----------
    excess_fen : int64 array
        Cost less standard, in fen.
    ids : array of str or numbers
        Ids, or their ranks.

    Examples
    --------
    >>> by_excess(np.array([5, 9, 5]), np.array(["b", "c", "a"])).tolist()
    [1, 2, 0]
    """
    return np.lexsort((_ranks(ids), -excess_fen))


def keep_highest(excess_fen: Ints, ids: NDArray[Any], cap: int) -> Flags:
    """Which candidates the cap lets through: the first ``cap`` by excess.

    Parameters
    ----------
    excess_fen, ids
        As ``by_excess`` takes them; candidates only.
    cap : int
        Zero or more.

    Returns
    -------
    bool array

    Examples
    --------
    >>> keep_highest(np.array([5, 9, 5]), np.array(["b", "c", "a"]), 2)
    array([False,  True,  True])
    """
    if cap < 0:
        raise ValueError(f"a cap is not below zero, but {cap}")
    kept = np.zeros(len(excess_fen), np.bool_)
    kept[by_excess(excess_fen, ids)[:cap]] = True
    return kept


def keep_highest_each(
    excess_fen: Ints, ids: NDArray[Any], units: NDArray[np.integer[Any]], caps: Ints
) -> Flags:
    """``keep_highest`` for many hospitals (or other units) at once.

    Parameters
    ----------
    excess_fen, ids
        As ``by_excess`` takes them; candidates only.
    units : integer array
        Place of each candidate's unit in ``caps``.
    caps : int64 array
        Cap by unit, zero or more.

    Examples
    --------
    >>> units, caps = np.array([0, 1, 0]), np.array([1, 0])
    >>> keep_highest_each(np.array([5, 9, 6]), np.array(["a", "b", "c"]), units, caps)
    array([False, False,  True])
    """
    if len(caps) and int(caps.min()) < 0:
        raise ValueError("a cap is not below zero")
    order = np.lexsort((_ranks(ids), -excess_fen, units))
    counts = np.bincount(units, minlength=len(caps))
    starts = np.cumsum(counts) - counts
    place = np.empty(len(units), np.int64)
    place[order] = np.arange(len(units)) - starts[units[order]]
    kept: Flags = place < caps[units]
    return kept


def _ranks(ids: NDArray[Any]) -> NDArray[Any]:
    """Something that sorts like the ids; arrays of Python texts do not go into ``lexsort``."""
    if ids.dtype.kind in "OTU":
        return np.unique(ids, return_inverse=True)[1]
    return ids
