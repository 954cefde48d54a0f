"""Money as integer fen, weights as integers scaled 10⁴, and the only rounding there is.

Half up once, ties away from zero (四舍五入), at the place a policy names: ``mul_div`` for one
product, ``mul_div_array`` for columns, ``allocate`` for shares that must add up. polars rounds
half to even and its Decimal products lose digits, so nothing that ends in money is rounded there.
Nothing heavy is imported until columns are handled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from drg.errors import DrgError
from drg.fen_column import BLANKS, FenColumn, read_fen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "PLACES",
    "AmountError",
    "FenColumn",
    "allocate",
    "exact_sum",
    "exceeds",
    "fen",
    "mul_div",
    "mul_div_array",
    "product_array",
    "ratio_array",
    "read_fen",
    "round_scaled",
    "scaled",
    "unscaled",
    "yuan",
]

#: Decimal places of a weight; it is held as an integer of this scale.
PLACES = 4
_FEN_PLACES = 2
_INT64 = 2**63 - 1
#: Most zeros that an exponent may stand for: ``1e999999999`` would be written out.
_ZEROS = 400
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")

K = TypeVar("K")


class AmountError(DrgError, ValueError):
    """A text or number is no amount of the form asked for."""

    exit_code = 2


def fen(amount: str | int | Decimal | float, *, half_up: bool = False) -> int:
    """Yuan as integer fen.

    Parameters
    ----------
    amount : str, int or Decimal
        Yuan; text may have a sign and blanks around it, no thousands marks and no exponent.
    half_up : bool, optional
        Round what has parts of a fen, and read a float by its shortest spelling. Otherwise both
        are refused: whoever rounds says so.

    Raises
    ------
    AmountError
        W401: not a number so written, or it has parts of a fen.

    Examples
    --------
    >>> fen("12252.70"), fen("-0.5"), fen(3)
    (1225270, -50, 300)
    >>> fen("0.125", half_up=True)
    13
    """
    return scaled(amount, _FEN_PLACES, half_up=half_up)


def yuan(amount: int, *, marks: bool = False) -> str:
    """Fen as yuan with two decimals.

    Parameters
    ----------
    amount : int
        Fen.
    marks : bool, optional
        Marks of thousands, for whoever reads it; such text is not read back.

    Examples
    --------
    >>> yuan(1225270), yuan(-5), yuan(-123450, marks=True)
    ('12252.70', '-0.05', '-1,234.50')
    """
    shown = unscaled(amount, _FEN_PLACES)
    if not marks:
        return shown
    sign, digits = ("-", shown[1:]) if shown.startswith("-") else ("", shown)
    whole, _, cents = digits.partition(".")
    return f"{sign}{int(whole):,}.{cents}"


def scaled(
    number: str | int | Decimal | float, places: int = PLACES, *, half_up: bool = False
) -> int:
    """A decimal number as an integer of the scale 10 to the ``places``.

    Parameters and errors as for ``fen``.

    Examples
    --------
    >>> scaled("0.729"), scaled("18.2858")
    (7290, 182858)
    """
    if isinstance(number, bool) or (isinstance(number, float) and not half_up):
        raise AmountError("W401", text=repr(number), places=places)
    text = _plain(number) if isinstance(number, Decimal) else str(number).strip(BLANKS)
    if isinstance(number, float):
        text = format(Decimal(text), "f")
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        raise AmountError("W401", text=str(number), places=places)
    fraction = (found[3] or "").ljust(places, "0")
    value = int((found[2] or "0") + fraction[:places])
    rest = fraction[places:].rstrip("0")
    if rest and not half_up:
        raise AmountError("W401", text=str(number), places=places)
    value += rest[:1] >= "5"
    return -value if found[1] == "-" else value


def _plain(number: Decimal) -> str:
    """A decimal without an exponent; one of too many zeros stays as it is, and is no amount."""
    exponent = number.as_tuple().exponent
    return format(number, "f") if not isinstance(exponent, int) or abs(exponent) <= _ZEROS else "e"


def unscaled(value: int, places: int = PLACES) -> str:
    """A scaled integer as text, all its places written.

    Examples
    --------
    >>> unscaled(7290), unscaled(-5, 2)
    ('0.7290', '-0.05')
    """
    digits = str(abs(value)).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def mul_div(a: int, b: int, c: int) -> int:
    """``a × b ÷ c`` rounded half up once; exact for integers of any size.

    Examples
    --------
    >>> mul_div(7290, 1225270, 10_000)  # weight 0.7290 at 12,252.70 yuan, in fen
    893222
    >>> mul_div(1, 1, 2), mul_div(-1, 1, 2)
    (1, -1)
    """
    product = a * b
    if c < 0:
        product, c = -product, -c
    size = (2 * abs(product) + c) // (2 * c)
    return size if product >= 0 else -size


def round_scaled(value: Fraction, places: int = PLACES) -> int:
    """An exact ratio as an integer of the scale 10 to the ``places``, rounded half up once.

    Examples
    --------
    >>> round_scaled(Fraction(160, 170) * Fraction("0.5"))
    4706
    """
    return mul_div(value.numerator, 10**places, value.denominator)


def mul_div_array(a: NDArray[np.int64], b: NDArray[np.int64], c: int) -> NDArray[np.int64]:
    """``mul_div`` for whole columns.

    Parameters
    ----------
    a, b : int64 array of one shape
        Factors; the products may pass 2⁶³, they are then taken with Python's integers.
    c : int
        Divisor, greater than zero.

    Returns
    -------
    int64 array

    Raises
    ------
    OverflowError
        A result does not fit int64.
    """
    import numpy as np

    if c <= 0:
        raise ValueError(f"the divisor must be greater than zero, not {c}")
    if not len(a):
        return np.empty(0, np.int64)
    if _largest(a) * _largest(b) > _INT64:
        exact = [mul_div(x, y, c) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        return np.array(exact, dtype=np.int64)
    product = a * b
    size, rest = np.divmod(np.abs(product), c)
    size += rest >= c - rest
    signed: NDArray[np.int64] = np.where(product < 0, -size, size)
    return signed


def ratio_array(values: NDArray[np.int64], ratio: Fraction) -> NDArray[np.int64]:
    """A column times an exact ratio, rounded half up once.

    Examples
    --------
    >>> import numpy as np
    >>> ratio_array(np.array([1_000_001, -5]), Fraction("0.1"))
    array([100000,     -1])
    """
    import numpy as np

    top = np.full(len(values), ratio.numerator, np.int64)
    return mul_div_array(values, top, ratio.denominator)


def product_array(*factors: NDArray[np.int64], over: int = 1) -> NDArray[np.int64]:
    """Columns multiplied and divided by a number, rounded half up once at the end.

    Parameters
    ----------
    *factors : int64 arrays of one shape
        Such as weight × 10⁴, rate in fen, coefficient × 10⁴.
    over : int, optional
        Divisor, greater than zero; for the factors above 10⁸.

    Raises
    ------
    OverflowError
        A result does not fit int64; products on the way may.

    Examples
    --------
    >>> import numpy as np
    >>> product_array(np.array([12500]), np.array([780000]), np.array([9200]), over=10**8)
    array([897000])
    """
    import numpy as np

    if not len(factors[0]):
        return np.empty(0, np.int64)
    size = math.prod(max(_largest(factor), 1) for factor in factors)
    *most, last = factors
    if size <= _INT64:
        product = most[0] if most else np.ones(len(last), np.int64)
        for factor in most[1:]:
            product = product * factor
        return mul_div_array(product, last, over)
    rows = zip(*(factor.tolist() for factor in factors), strict=True)
    exact = [mul_div(math.prod(row), 1, over) for row in rows]
    return np.array(exact, dtype=np.int64)


def exceeds(
    values: NDArray[np.int64],
    multiple: Fraction,
    base: NDArray[np.int64],
    *,
    inclusive: bool = False,
) -> NDArray[np.bool_]:
    """Whether ``value > multiple × base`` (``>=`` when inclusive), compared exactly.

    Examples
    --------
    >>> import numpy as np
    >>> costs, base = np.array([4_200_000, 4_200_001]), np.array([1_400_000, 1_400_000])
    >>> exceeds(costs, Fraction(3), base), exceeds(costs, Fraction(3), base, inclusive=True)
    (array([False,  True]), array([ True,  True]))
    """
    import numpy as np

    if not len(values):
        return np.empty(0, np.bool_)
    top, bottom = multiple.numerator, multiple.denominator
    if max(_largest(values) * bottom, _largest(base) * abs(top)) > _INT64:
        rows = zip(values.tolist(), base.tolist(), strict=True)
        least = 0 if inclusive else 1
        return np.array([v * bottom - b * top >= least for v, b in rows], np.bool_)
    left, right = values * bottom, base * top
    found: NDArray[np.bool_] = left >= right if inclusive else left > right
    return found


def exact_sum(values: NDArray[np.int64]) -> int:
    """Sum of a column as Python's integer, whatever its size."""
    if len(values) and _largest(values) * len(values) > _INT64:
        return sum(values.tolist())
    return int(values.sum())


def _largest(values: NDArray[np.int64]) -> int:
    # -2⁶³ has no positive twin in int64: Python's integers compare.
    return max(int(values.max()), -int(values.min()))


def allocate(total: int, shares: Mapping[K, int]) -> dict[K, int]:
    """Give out a total by shares, so that the parts add up to it exactly.

    Each key gets its proportion rounded down; what is left goes one by one to the largest
    remainders, ties to the lowest key.

    Parameters
    ----------
    total : int
        What is given out, in fen; a negative one is given out like its opposite.
    shares : mapping of key to int
        Integers of zero or more, such as scaled weights; keys can be ordered.

    Returns
    -------
    dict
        The shares' keys in their order.

    Raises
    ------
    ValueError
        A share is negative, or there is something to give out and nobody to get it.

    Examples
    --------
    >>> allocate(100, {"b": 1, "a": 1, "c": 1})
    {'b': 33, 'a': 34, 'c': 33}
    """
    if any(share < 0 for share in shares.values()):
        raise ValueError("shares must not be negative")
    whole = sum(shares.values())
    if not whole:
        if total:
            raise ValueError("a total cannot be given out by shares that are all zero")
        return dict.fromkeys(shares, 0)
    size = abs(total)
    parts = {key: divmod(size * share, whole) for key, share in shares.items()}
    left = size - sum(part for part, _ in parts.values())
    first = sorted(sorted(parts), key=lambda key: -parts[key][1])[:left]  # type: ignore[type-var]
    more = set(first)
    sign = -1 if total < 0 else 1
    return {key: sign * (part + (key in more)) for key, (part, _) in parts.items()}
