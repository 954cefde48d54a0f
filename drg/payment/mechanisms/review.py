"""Special review (特例单议): what a ruling makes of a price, and how many cases it may let pass.

Approved cases are paid by item or at an adjusted standard, rejected ones by their group (spec
A.4, 医保发 2025-18 art. 19-24). Which of more cases than the cap stay, ``keep_highest`` says.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.payment.mechanisms.outliers import high_cap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["NO_RULING", "RULINGS", "Ruling", "accepted_most", "review_cap", "reviewed_fen"]

#: In place of a ruling: the case was not reviewed.
NO_RULING = 255


class Ruling(StrEnum):
    """What the agency decided."""

    BY_ITEM = "by_item"
    ADJUSTED = "adjusted"
    REJECTED = "rejected"


#: In the order of the numbers that ``reviewed_fen`` takes.
RULINGS: tuple[Ruling, ...] = tuple(Ruling)
_BY_ITEM, _ADJUSTED = RULINGS.index(Ruling.BY_ITEM), RULINGS.index(Ruling.ADJUSTED)


def review_cap(discharges: int, ratio: Fraction) -> int:
    """How many cases of a region (or hospital) may leave the standard by review, rounded down.

    Examples
    --------
    >>> review_cap(12_345, Fraction("0.05")), review_cap(123_456, Fraction("0.005"))
    (617, 617)
    """
    return high_cap(discharges, ratio)


def accepted_most(applications: int, cap: int) -> int:
    """How many of the applications can be accepted."""
    return min(applications, cap)


def reviewed_fen(
    price_fen: Ints, cost_fen: Ints, adjusted_fen: Ints, ruling: NDArray[np.integer[Any]]
) -> Ints:
    """Price of each case after review.

    Parameters
    ----------
    price_fen : int64 array
        By group; what a rejected case and one without a ruling get.
    cost_fen : int64 array
        What a case paid by item gets.
    adjusted_fen : int64 array
        The adjusted standard; counts where the ruling is so.
    ruling : integer array
        Place in ``RULINGS``, or ``NO_RULING``.

    Examples
    --------
    >>> price, cost, adjusted = (np.full(4, fen) for fen in (100, 300, 200))
    >>> reviewed_fen(price, cost, adjusted, np.array([0, 1, 2, NO_RULING]))
    array([300, 200, 100, 100])
    """
    out = np.where(ruling == _BY_ITEM, cost_fen, price_fen)
    return np.where(ruling == _ADJUSTED, adjusted_fen, out)
