"""Errors of the DIP formulas, and exact numbers from what callers write."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypeAlias

from drg.errors import DrgError

__all__ = ["DipError", "Number", "exact", "not_negative", "positive"]

#: A number that is exact as it stands; text is decimal or a fraction such as ``"1/3"``.
Number: TypeAlias = Fraction | int | str | Decimal


class DipError(DrgError, ValueError):
    """A score, coefficient or point value cannot be reckoned from these numbers."""

    exit_code = 3


def exact(value: Number, what: str = "") -> Fraction:
    """A number as a fraction.

    Parameters
    ----------
    value : Fraction, int, str or Decimal
        Floats are refused: money and points do not start from them.
    what : str, optional
        What the number is, for the error.

    Raises
    ------
    DipError
        D401: not an exact finite number.

    Examples
    --------
    >>> exact("0.4368") * 5 == Fraction("2.184")
    True
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise DipError("D401", where=what, text=repr(value))
    try:
        return Fraction(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError, ZeroDivisionError, InvalidOperation) as error:
        raise DipError("D401", where=what, text=str(value)) from error


def positive(value: Number, what: str) -> Fraction:
    """``exact`` for what is divided by.

    Raises
    ------
    DipError
        D401; D402: not greater than zero.
    """
    number = exact(value, what)
    if number <= 0:
        raise DipError("D402", where=what, value=value)
    return number


def not_negative(value: Number, what: str) -> Fraction:
    """``exact`` for what may be zero.

    Raises
    ------
    DipError
        D401; D403: less than zero.
    """
    number = exact(value, what)
    if number < 0:
        raise DipError("D403", where=what, value=value)
    return number
