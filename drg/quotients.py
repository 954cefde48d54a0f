"""Columns divided by columns, exactly: products over products, half up once per row.

``drg.money`` divides by one number; points, scores and shares divide by the row's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from drg.money import mul_div

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    #: int64 of one shape, no nulls.
    Ints: TypeAlias = NDArray[np.int64]

__all__ = ["quotient_array"]

#: Below these a quotient by doubles is off by less than one, and its remainder fits int64.
_QUOTIENT = 2**46
_DIVISOR = 2**60


def quotient_array(factors: Sequence[Ints], divisors: Sequence[Ints]) -> Ints:
    """Columns multiplied, divided row by row by other columns, rounded half up once at the end.

    Parameters
    ----------
    factors, divisors : sequences of int64 arrays of one shape
        At least one each; divisors greater than zero. Products may pass 2⁶³ on both sides.

    Raises
    ------
    ValueError
        A divisor is not greater than zero.
    OverflowError
        A result does not fit int64.

    Examples
    --------
    >>> import numpy as np
    >>> quotient_array([np.array([800_000, -5]), np.array([4200, 1])], [np.array([8400, 10])])
    array([400000,     -1])
    """
    import numpy as np

    if not len(divisors[0]):
        return np.empty(0, np.int64)
    if any(int(divisor.min()) <= 0 for divisor in divisors):
        raise ValueError("divisors must be greater than zero")
    bottom = math.prod(int(divisor.max()) for divisor in divisors)
    guess = np.ones(len(divisors[0]))
    for factor in factors:
        guess = guess * factor
    for divisor in divisors:
        guess = guess / divisor
    if bottom > _DIVISOR or not np.all(np.abs(guess) < _QUOTIENT):
        tops = map(math.prod, zip(*(factor.tolist() for factor in factors), strict=True))
        under = map(math.prod, zip(*(divisor.tolist() for divisor in divisors), strict=True))
        return np.array([mul_div(a, 1, b) for a, b in zip(tops, under, strict=True)], np.int64)
    # The guess only picks the whole number; what is left over is exact, because int64 products
    # agree with the true ones modulo 2⁶⁴ and the true remainder is small.
    whole = np.floor(guess).astype(np.int64)
    over = _product(divisors)
    rest = _product(factors) - whole * over
    step, rest = np.divmod(rest, over)
    whole += step
    # Half up is away from zero: below zero a half stays with the lower whole number.
    whole += np.where(whole < 0, rest > over - rest, rest >= over - rest)
    return whole


def _product(columns: Sequence[Ints]) -> Ints:
    product = columns[0].astype("int64", copy=True)
    for column in columns[1:]:
        product *= column
    return product
