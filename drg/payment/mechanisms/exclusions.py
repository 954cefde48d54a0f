"""Stays that are not paid by group because of their length (spec A.4, Qingyang 2025 art. 3)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Exclusion

__all__ = ["STAY_CLASSES", "StayClass", "stay_class"]


class StayClass(StrEnum):
    """Whether a stay is paid by its group, or why not."""

    BY_GROUP = "BY_GROUP"
    SHORT = "SHORT"
    LONG = "LONG"
    BED_DAY = "BED_DAY"


#: In the order of the numbers that ``stay_class`` gives.
STAY_CLASSES: tuple[StayClass, ...] = tuple(StayClass)
_BY_GROUP, _SHORT, _LONG, _BED_DAY = range(len(STAY_CLASSES))


def stay_class(
    days: NDArray[np.int64], bed_day: NDArray[np.bool_], exclusion: Exclusion
) -> NDArray[np.uint8]:
    """Class of each stay by its length.

    Parameters
    ----------
    days : int64 array
        Length of stay in days; both bounds are excluded themselves.
    bed_day : bool array
        The stay is a bed-day case; that outranks its length.
    exclusion : Exclusion

    Returns
    -------
    uint8 array
        Place in ``STAY_CLASSES``.

    Examples
    --------
    >>> from drg.payment.policy import Exclusion
    >>> rule = Exclusion(short_days=2, long_days=60)
    >>> found = stay_class(np.array([2, 3, 59, 60]), np.zeros(4, np.bool_), rule)
    >>> [str(STAY_CLASSES[code]) for code in found]
    ['SHORT', 'BY_GROUP', 'BY_GROUP', 'LONG']
    """
    out = np.full(len(days), _BY_GROUP, np.uint8)
    if exclusion.short_days is not None:
        out[days <= exclusion.short_days] = _SHORT
    if exclusion.long_days is not None:
        out[days >= exclusion.long_days] = _LONG
    if exclusion.bed_day:
        out[bed_day] = _BED_DAY
    return out
