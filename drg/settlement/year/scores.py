"""A DIP budget given out by score: shares of hospitals, settlement point value (spec B.7, B.8).

With one pay ratio for the region a hospital's share is its score, for ``(fund ÷ ratio) ÷ score ×
ratio`` is fund over score. Where each hospital, or each case, has its own, the share is score ×
ratio, and the value of a point is what gives the fund out to the fen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from drg.dip.point_value import settlement_point_value
from drg.money import PLACES
from drg.settlement.year.allocation import SettledValue
from drg.settlement.year.errors import ClearingError

if TYPE_CHECKING:
    from drg.payment.policy import DipPayment
    from drg.settlement.year.sums import PartySums

__all__ = ["score_shares", "settled_value"]

_SCALE = 10**PLACES
_FEN = 100


def score_shares(moving: Mapping[str, PartySums], dip: DipPayment, year: int) -> dict[str, int]:
    """Shares of hospitals in the fund of an insurance, whole numbers in exact proportion.

    Parameters
    ----------
    moving : mapping of str to PartySums
        By hospital.
    dip : DipPayment
        ``fund_ratio_scope`` says whose pay ratio counts.
    year : int
        For errors.

    Raises
    ------
    ClearingError
        P494: a hospital with a score and no cost, where its own ratio counts.
    """
    worth = _worth(moving, dip, year)
    whole = math.lcm(*(share.denominator for share in worth.values()))
    return {hospital: int(share * whole) for hospital, share in worth.items()}


def settled_value(
    moving: Mapping[str, PartySums], dip: DipPayment, fund: int, year: int
) -> SettledValue:
    """Settlement point value of an insurance.

    Parameters
    ----------
    moving, dip, year
        As ``score_shares`` takes them.
    fund : int
        What the fund has for cases paid by score, fen.
    """
    score = sum(own.shares for own in moving.values())
    cost = sum(own.moving_cost for own in moving.values())
    booked = cost - sum(own.moving_patient for own in moving.values())
    points = Fraction(score, _SCALE)
    if not score or booked <= 0:
        return SettledValue(score, None, None)
    found = settlement_point_value(fund, booked, cost, points)
    if dip.fund_ratio_scope == "region":
        return SettledValue(score, found.pay_ratio, found.value / _FEN)
    whole = sum(_worth(moving, dip, year).values(), Fraction(0)) / _SCALE
    return SettledValue(score, found.pay_ratio, Fraction(fund, 1) / whole / _FEN if whole else None)


def _worth(moving: Mapping[str, PartySums], dip: DipPayment, year: int) -> dict[str, Fraction]:
    """Scores × 10⁴, times the pay ratio of hospital or cases where that counts."""
    if dip.fund_ratio_scope == "region":
        return {hospital: Fraction(own.shares) for hospital, own in moving.items()}
    if dip.fund_ratio_scope == "case":
        return {h: Fraction(own.case_shares, _SCALE) for h, own in moving.items()}
    found = {}
    for hospital, own in moving.items():
        if not own.moving_cost:
            raise ClearingError("P494", hospital=hospital or "—", year=year)
        ratio = Fraction(own.moving_cost - own.moving_patient, own.moving_cost)
        found[hospital] = own.shares * ratio
    return found
