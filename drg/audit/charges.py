"""Amounts that charges exceed what a rule allows: exact, in fen, refunds with their sign.

Quantities are exact ratios for one charge and integers scaled 10⁴ for columns; amounts are
integer fen, those in scope where the file has them. Source: specification H.1 (duplicate charge,
over-frequency, second-surgery discount).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from drg.money import PLACES, product_array, round_scaled
from drg.quotients import quotient_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = [
    "SECOND",
    "above_price_array", "discount_excess", "discount_excess_array", "included_twice",
    "over_discount", "over_discount_array", "over_quantity", "over_quantity_array",
]  # fmt: skip

#: A second operation is charged at this share.
SECOND = Fraction(7, 10)
_SCALE = 10**PLACES


def included_twice(in_scope: Iterable[int]) -> int:
    """Fen at stake where an item was charged beside one that includes it: all of it.

    Parameters
    ----------
    in_scope : iterable of int
        Amounts in scope of the included item on that day, in fen; refunds below zero.

    Examples
    --------
    >>> included_twice([3500, 3500, 1750, -1750])
    7000
    """
    return sum(in_scope)


def over_quantity(quantity: Fraction, in_scope: int, limit: Fraction) -> int:
    """Fen at stake of what was charged more often than allowed: ``in_scope × (q - limit) / q``.

    Parameters
    ----------
    quantity : Fraction
        Charged in the time the limit is for, refunds taken off.
    in_scope : int
        Amount in scope of all of them, in fen.
    limit : Fraction
        Zero or more.

    Returns
    -------
    int
        Rounded half up once; 0 where the limit is kept.

    Examples
    --------
    >>> over_quantity(Fraction(5), 25000, Fraction(3))
    10000
    """
    if quantity <= limit or quantity <= 0:
        return 0
    return round_scaled(in_scope * (quantity - limit) / quantity, 0)


def over_quantity_array(quantity: Ints, in_scope: Ints, limit: Ints) -> Ints:
    """``over_quantity`` for columns; quantities and limits scaled 10⁴."""
    return _part(in_scope, quantity - limit, quantity, (quantity > limit) & (quantity > 0))


def discount_excess(quantity: Fraction, share: Fraction = SECOND) -> Fraction:
    """What a quantity has beyond a whole multiple of the share it must be charged at.

    The count of a discounted item is a multiple of its share (0.7, 1.4, 2.1 …):
    ``q - floor(q ÷ share) × share``. A refund is taken like its opposite.

    Examples
    --------
    >>> discount_excess(Fraction("1.7")), discount_excess(Fraction("-1"))
    (Fraction(3, 10), Fraction(-3, 10))
    """
    size = abs(quantity)
    rest = size - math.floor(size / share) * share
    return -rest if quantity < 0 else rest


def discount_excess_array(quantity: Ints, share: Fraction = SECOND) -> Ints:
    """``discount_excess`` for columns scaled 10⁴; a share of up to four places."""
    step = round_scaled(share)
    excess: Ints = np.sign(quantity) * (np.abs(quantity) % step)
    return excess


def over_discount(quantity: Fraction, in_scope: int, share: Fraction = SECOND) -> int:
    """Fen at stake of what was charged above the share: the excess's part of the amount.

    Examples
    --------
    >>> over_discount(Fraction("1.7"), 34000)
    6000
    """
    if not quantity:
        return 0
    return round_scaled(in_scope * discount_excess(quantity, share) / quantity, 0)


def over_discount_array(quantity: Ints, in_scope: Ints, share: Fraction = SECOND) -> Ints:
    """``over_discount`` for columns; quantities scaled 10⁴."""
    excess, size = np.abs(discount_excess_array(quantity, share)), np.abs(quantity)
    return _part(in_scope, excess, size, size > 0)


def above_price_array(quantity: Ints, unit_price: Ints, limit: Ints) -> Ints:
    """Fen charged above a highest price: ``quantity × (price - limit)``, 0 where it is kept.

    Parameters
    ----------
    quantity, unit_price, limit : int64 array
        Scaled 10⁴, prices in yuan. Refunds of what was above the limit keep their sign.
    """
    over = np.maximum(unit_price - limit, 0)
    return product_array(quantity, over, over=_SCALE * _SCALE // 100)


def _part(amount: Ints, part: Ints, whole: Ints, where: Flags) -> Ints:
    found = np.zeros(len(amount), np.int64)
    if where.any():
        found[where] = quotient_array([amount[where], part[where]], [whole[where]])
    return found
