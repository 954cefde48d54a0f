"""Per diem for a transferred case, capped at the standard (spec A.4).

No Chinese circular with a formula was found: the anchor is the United States' 42 CFR 412.4(f),
a per diem of standard over mean stay with the first day doubled. A policy has to ask for it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from drg.payment.mechanisms.quotients import quotient_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["transfer_fen"]

_MICRO = 10**6


def transfer_fen(
    standard_fen: Ints,
    days: Ints,
    gmlos_e6: Ints,
    transferred: NDArray[np.bool_],
    first_day_multiple: Fraction,
) -> Ints:
    """Price of each case: ``min(STD, STD ÷ GMLOS × (LOS + first day's multiple - 1))``.

    Parameters
    ----------
    standard_fen : int64 array
        Fen.
    days : int64 array
        Length of stay; counts for transferred cases alone.
    gmlos_e6 : int64 array
        Geometric mean length of stay of the group in days, scaled 10⁶; greater than zero where
        the case is transferred.
    transferred : bool array
        Other cases get the standard.
    first_day_multiple : Fraction
        Greater than zero; 2: the first day counts twice.

    Returns
    -------
    int64 array
        Fen, half up once.

    Raises
    ------
    ValueError
        A transferred case without a mean length of stay.

    Examples
    --------
    >>> std, days, gmlos = np.full(2, 1_200_000), np.array([3, 9]), np.full(2, 6_000_000)
    >>> transfer_fen(std, days, gmlos, np.ones(2, np.bool_), Fraction(2))
    array([ 800000, 1200000])
    """
    price = standard_fen.copy()
    rows = np.flatnonzero(transferred)
    if len(rows):
        top, bottom = first_day_multiple.numerator, first_day_multiple.denominator
        # Days paid, times the bottom of the multiple.
        paid = np.maximum(days[rows] * bottom + (top - bottom), 0)
        micro, under = (np.full(len(rows), n, np.int64) for n in (_MICRO, bottom))
        per_diem = quotient_array([standard_fen[rows], paid, micro], [gmlos_e6[rows], under])
        price[rows] = np.minimum(price[rows], per_diem)
    return price
