"""Sums of a sample, exact, and which of its values a mean leaves out.

Sums and sums of squares are Python integers, so nothing depends on the order of cases; roots are
taken at the end, for reports alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from drg.errors import DrgError
from drg.money import exact_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["Spread", "Trim", "TrimError", "add_spreads", "root", "spread_of"]

#: Values are cut into halves of this many bits, so that sums of their products fit int64.
_HALF = 21
_STEP = 2**20
_DIGITS = 60
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")


class TrimError(DrgError, ValueError):
    """The rule of trimming cannot be read."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Spread:
    """Number of values, their sum and the sum of their squares."""

    n: int = 0
    total: int = 0
    squares: int = 0

    @property
    def mean(self) -> Fraction | None:
        """Mean; None of no values."""
        return Fraction(self.total, self.n) if self.n else None

    @property
    def squares_about_mean(self) -> Fraction:
        """Sum of squared differences from the mean; 0 of no values."""
        return Fraction(self.n * self.squares - self.total**2, self.n) if self.n else Fraction(0)

    @property
    def variance(self) -> Fraction | None:
        """Of the sample (n - 1 below the line); None of less than two values."""
        return self.squares_about_mean / (self.n - 1) if self.n > 1 else None

    @property
    def cv(self) -> Decimal | None:
        """Coefficient of variation: standard deviation by mean."""
        if self.variance is None or not self.total:
            return None
        return root(self.variance * self.n**2 / self.total**2)


def spread_of(values: Ints) -> Spread:
    """The spread of values of zero or more."""
    return Spread(len(values), exact_sum(values), _sum_of_squares(values))


def add_spreads(parts: Iterable[Spread]) -> Spread:
    """The spread of several samples together."""
    n = total = squares = 0
    for part in parts:
        n, total, squares = n + part.n, total + part.total, squares + part.squares
    return Spread(n, total, squares)


def root(value: Fraction) -> Decimal:
    """Square root to some sixty digits."""
    with localcontext() as context:
        context.prec = _DIGITS
        return (Decimal(value.numerator) / Decimal(value.denominator)).sqrt()


def _sum_of_squares(values: Ints) -> int:
    if len(values) and int(values.max()) >= 2 ** (2 * _HALF):
        return sum(value * value for value in values.tolist())
    whole = 0
    for start in range(0, len(values), _STEP):
        part = values[start : start + _STEP]
        high, low = part >> _HALF, part & (2**_HALF - 1)
        whole += int(high @ high) << (2 * _HALF)
        whole += int(high @ low) << (_HALF + 1)
        whole += int(low @ low)
    return whole


@dataclass(frozen=True, slots=True)
class Trim:
    """Which costs of a group its mean leaves out.

    Attributes
    ----------
    kind : {"none", "share", "iqr"}
        ``share``: a cost is left out if at most the share ``low`` of the cases cost as little, or
        at most ``1 - high`` as much. ``iqr``: one below Q1 - 1.5 (Q3 - Q1) or above
        Q3 + 1.5 (Q3 - Q1), quartiles interpolated as Excel's QUARTILE.INC does.
    low, high : Fraction
        Of ``share``.
    """

    kind: Literal["none", "share", "iqr"] = "none"
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(1)

    @classmethod
    def parse(cls, text: str) -> Trim:
        """Read ``"2.5,97.5"`` (per cent), ``"iqr"`` or ``"none"``.

        Raises
        ------
        TrimError
            W402.
        """
        clean = text.strip().casefold()
        if clean == "none":
            return cls()
        if clean == "iqr":
            return cls("iqr")
        parts = [part.strip() for part in clean.split(",")]
        if len(parts) != 2 or not all(_PERCENT.fullmatch(part) for part in parts):
            raise TrimError("W402", text=text)
        low, high = (Fraction(part) / 100 for part in parts)
        if not 0 <= low < high <= 1:
            raise TrimError("W402", text=text)
        return cls("share", low, high)

    def kept(self, costs: Ints) -> Ints:
        """The costs that stay, of costs in order of size; at least one does."""
        n = len(costs)
        if self.kind == "none" or not n:
            return costs
        if self.kind == "share":
            few = n * self.low.numerator // self.low.denominator
            many = n * (1 - self.high).numerator // (1 - self.high).denominator
            least, most = int(costs[few]), int(costs[n - 1 - many])
        else:
            first, third = (_quartile(costs, k) for k in (1, 3))
            # Eight times the fences, so that they are whole numbers.
            least = -((-(2 * first - 3 * (third - first))) // 8)
            most = (2 * third + 3 * (third - first)) // 8
        start = np.searchsorted(costs, least, side="left")
        return costs[start : np.searchsorted(costs, most, side="right")]


def _quartile(costs: Ints, number: int) -> int:
    """Four times a quartile, interpolated."""
    place, rest = divmod(number * (len(costs) - 1), 4)
    here = int(costs[place])
    return 4 * here + (rest * (int(costs[place + 1]) - here) if rest else 0)
