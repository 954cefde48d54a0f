"""Stays of one person set side by side: gaps, overlaps, stays told twice. No rule, no text.

Days are dates here for one stay, days since 1970-01-01 for columns. Source of the conditions:
specification H.1 (decomposed stay, overlapping stay).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Days = NDArray[np.int32]

__all__ = [
    "MOST_STAYS", "Pairs", "Readmission", "Stay", "near_pairs", "overlaps", "overlaps_array",
    "readmission", "shared_persons",
]  # fmt: skip

#: One person has no more stays than this in a run: past it, many share one number.
MOST_STAYS = 500


class Stay(NamedTuple):
    """Where someone lay and when; None: not reported."""

    admitted: date | None
    discharged: date | None
    hospital: str | None


class Readmission(NamedTuple):
    """What the gap between two stays of one person says.

    Attributes
    ----------
    gap_days : int or None
        Admission less the discharge before it; None: one of the days is not reported.
    hit : bool or None
        None: not assessable.
    """

    gap_days: int | None
    hit: bool | None


def readmission(
    discharged: date | None,
    admitted: date | None,
    *,
    window: int,
    related: bool | None,
    planned: bool = False,
) -> Readmission:
    """Whether a stay looks like the second half of the one before it.

    Parameters
    ----------
    discharged, admitted : date or None
        Discharge of the earlier stay, admission of the later one.
    window : int
        Largest gap in days that counts, included.
    related : bool or None
        Same or related group; None: not known.
    planned : bool, optional
        The earlier stay's list said that another was planned: never a hit.

    Examples
    --------
    >>> readmission(date(2023, 3, 1), date(2023, 3, 9), window=10, related=True)
    Readmission(gap_days=8, hit=True)
    """
    gap = None if discharged is None or admitted is None else (admitted - discharged).days
    if planned or related is False or (gap is not None and not 0 <= gap <= window):
        return Readmission(gap, False)
    return Readmission(gap, None if gap is None or related is None else True)


def overlaps(a: Stay, b: Stay, *, same_day_transfer: bool = True) -> bool | None:
    """Whether someone lay in two hospitals at once.

    Parameters
    ----------
    a, b : Stay
        Of one person, in any order.
    same_day_transfer : bool, optional
        One stay may begin on the day the other ends.

    Returns
    -------
    bool or None
        None: a day, or a hospital, that would decide is not known.
    """
    if a.hospital is not None and a.hospital == b.hospital:
        return False
    # They overlap where each begins before the other ends; one that does not settles it.
    sides = [_begins_before_end(x, y, same_day_transfer) for x, y in ((a, b), (b, a))]
    if False in sides:
        return False
    return None if None in (*sides, a.hospital, b.hospital) else True


def _begins_before_end(one: Stay, other: Stay, same_day_transfer: bool) -> bool | None:
    if one.admitted is None:
        return None
    if other.discharged is not None:
        same_day = not same_day_transfer and one.admitted == other.discharged
        return one.admitted < other.discharged or same_day
    if other.admitted is None:
        return None
    # Whenever it ends, it does not end before it begins.
    same_day = not same_day_transfer and one.admitted == other.admitted
    return True if one.admitted < other.admitted or same_day else None


def overlaps_array(
    admitted: tuple[Days, Days], discharged: tuple[Days, Days], *, same_day_transfer: bool = True
) -> Flags:
    """``overlaps`` for pairs of stays in different hospitals, all days known."""
    if same_day_transfer:
        found: Flags = (admitted[0] < discharged[1]) & (admitted[1] < discharged[0])
    else:
        found = (admitted[0] <= discharged[1]) & (admitted[1] <= discharged[0])
    return found


class Pairs(NamedTuple):
    """Pairs of stays of one person, as places in the columns; ``earlier`` was admitted first."""

    earlier: Ints
    later: Ints


def shared_persons(person: Ints) -> Flags:
    """Stays whose person has more than ``MOST_STAYS``: a number that stands for many.

    Parameters
    ----------
    person : int64 array
        A number for every person, -1: not reported.
    """
    if not len(person):
        return np.zeros(0, np.bool_)
    _, place, counts = np.unique(person, return_inverse=True, return_counts=True)
    found: Flags = (counts > MOST_STAYS)[place] & (person >= 0)
    return found


def near_pairs(person: Ints, admitted: Days, discharged: Days, window: int) -> Pairs:
    """Every two stays of one person with at most ``window`` days between, overlapping or not.

    Parameters
    ----------
    person : int64 array
        A number for every person; -1: leave the stay out.
    admitted, discharged : int32 array
        Days since 1970-01-01.
    window : int
        Days from the discharge of the earlier stay to the admission of the later one, included.

    Returns
    -------
    Pairs
        By admission; of stays admitted on one day the one that ended first is the earlier, then
        the one that stands first. Each pair once.
    """
    rows = np.flatnonzero(person >= 0)
    order = rows[np.lexsort((discharged[rows], admitted[rows], person[rows]))]
    who, start = person[order], admitted[order].astype(np.int64)
    end = discharged[order].astype(np.int64)
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = who[1:] != who[:-1]
    place = np.arange(len(order))
    first = np.maximum.accumulate(np.where(fresh, place, 0))
    # The latest discharge so far of each person: the number of the person in front keeps the
    # maximum from reaching back to another.
    shift = np.int64(1) << 32
    reach = np.maximum.accumulate(np.cumsum(fresh) * shift + end + (shift >> 1)) % shift
    reach -= shift >> 1
    parts_earlier, parts_later = [], []
    later, back = place[~fresh], 1
    while len(later):
        earlier = later - back
        alive = earlier >= first[later]
        alive &= reach[np.maximum(earlier, 0)] >= start[later] - window
        later, earlier = later[alive], earlier[alive]
        near = end[earlier] >= start[later] - window
        parts_earlier.append(order[earlier[near]])
        parts_later.append(order[later[near]])
        back += 1
    if not parts_later:
        none = np.zeros(0, np.int64)
        return Pairs(none, none)
    found = Pairs(np.concatenate(parts_earlier), np.concatenate(parts_later))
    turn = np.argsort(found.later, kind="stable")
    return Pairs(found.earlier[turn], found.later[turn])
