"""Portions and multiples of columns, exactly, half up once per row.

What divides by the row's own number rests on ``drg.quotients``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from drg.money import product_array, ratio_array
from drg.quotients import quotient_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    #: int64 of one shape, no nulls.
    Ints: TypeAlias = NDArray[np.int64]
    Flags: TypeAlias = NDArray[np.bool_]

__all__ = ["RATIO_SCALE", "portion_array", "quotient_array", "times"]

#: Ratios of a policy have at most six decimals: as integers they are scaled by this.
RATIO_SCALE = 10**6


def portion_array(values: Ints, part: Ints, whole: Ints) -> Ints:
    """``value × part ÷ whole`` of each row, rounded half up once.

    Parameters
    ----------
    values, part : int64 arrays of one shape
        Zero or more.
    whole : int64 array
        Greater than zero.

    Raises
    ------
    ValueError
        A whole is not greater than zero, or another number is negative.
    OverflowError
        A result does not fit int64.

    Examples
    --------
    >>> import numpy as np
    >>> portion_array(np.array([1000, 1]), np.array([2, 1]), np.array([3, 2]))
    array([667,   1])
    """
    import numpy as np

    if not len(values):
        return np.empty(0, np.int64)
    if int(whole.min()) <= 0 or int(values.min()) < 0 or int(part.min()) < 0:
        raise ValueError("a portion needs a whole above zero and no negative numbers")
    return quotient_array([values, part], [whole])


def times(values: Ints, ratio: Fraction | Ints) -> Ints:
    """A column times one ratio, or times a column of ratios scaled 10⁶; half up once.

    Examples
    --------
    >>> import numpy as np
    >>> times(np.array([1_000_000]), Fraction("0.6")), times(np.array([5]), np.array([500_000]))
    (array([600000]), array([3]))
    """
    if isinstance(ratio, Fraction):
        return ratio_array(values, ratio)
    return product_array(values, ratio, over=RATIO_SCALE)
