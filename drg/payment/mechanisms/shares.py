"""Fund and patient parts of a price, by the basis that a policy names (spec A.5).

The fund never pays less than nothing. Whoever knows what the patient paid reckons the hospital's
difference with that: ``hospital_fen``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from drg.money import ratio_array
from drg.payment.mechanisms.standard import PaymentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import PatientShare

    Ints = NDArray[np.int64]

__all__ = [
    "Parts",
    "fund_by_actual",
    "fund_by_lower",
    "fund_by_policy_ratio",
    "fund_by_standard_share",
    "hospital_fen",
    "split_price",
]

_T = TypeVar("_T")


class Parts(NamedTuple):
    """What the fund and the patient pay of each case, int64 fen, zero or more."""

    fund: Ints
    patient: Ints


def fund_by_actual(price_fen: Ints, patient_paid_fen: Ints) -> Parts:
    """The price less what the patient paid, at least zero; the patient has paid by item.

    Parameters
    ----------
    price_fen, patient_paid_fen : int64 array
        Fen, zero or more.

    Examples
    --------
    >>> fund_by_actual(np.array([500_000]), np.array([560_000]))
    Parts(fund=array([0]), patient=array([560000]))
    """
    return Parts(np.maximum(price_fen - patient_paid_fen, 0), patient_paid_fen)


def fund_by_policy_ratio(
    price_fen: Ints,
    fully_self_paid_fen: Ints,
    first_self_paid_fen: Ints,
    deductible_fen: Ints,
    ratio: Fraction,
) -> Parts:
    """``(price - fully self-paid - first self-paid - deductible) × ratio``, at least zero.

    Parameters
    ----------
    price_fen, fully_self_paid_fen, first_self_paid_fen, deductible_fen : int64 array
        Fen, zero or more.
    ratio : Fraction
        Share of what is within scope that the fund pays, 0 to 1.

    Returns
    -------
    Parts
        The patient's part is the rest of the price.

    Examples
    --------
    >>> fen = [np.array([amount]) for amount in (1_285_000, 35_000, 60_000, 50_000)]
    >>> fund_by_policy_ratio(*fen, Fraction("0.85")).fund
    array([969000])
    """
    outside = fully_self_paid_fen + first_self_paid_fen + deductible_fen
    fund = ratio_array(np.maximum(price_fen - outside, 0), ratio)
    return Parts(fund, price_fen - fund)


def fund_by_standard_share(price_fen: Ints, ratio: Fraction) -> Parts:
    """The patient pays a share of the price, the fund the rest.

    Parameters
    ----------
    price_fen : int64 array
        Fen, zero or more.
    ratio : Fraction
        The patient's share, 0 to 1.

    Examples
    --------
    >>> fund_by_standard_share(np.array([1_000_001]), Fraction("0.3"))
    Parts(fund=array([700001]), patient=array([300000]))
    """
    patient = ratio_array(price_fen, ratio)
    return Parts(price_fen - patient, patient)


def fund_by_lower(price_fen: Ints, patient_paid_fen: Ints, ratio: Fraction) -> Parts:
    """The patient pays what they were billed, but no more than a share of the price.

    Parameters
    ----------
    price_fen, patient_paid_fen : int64 array
        Fen, zero or more.
    ratio : Fraction
        The patient's share of the price at the most, 0 to 1.

    Examples
    --------
    >>> fund_by_lower(np.array([1000, 1000]), np.array([200, 400]), Fraction("0.3"))
    Parts(fund=array([800, 700]), patient=array([200, 300]))
    """
    patient = np.minimum(patient_paid_fen, ratio_array(price_fen, ratio))
    return Parts(price_fen - patient, patient)


def hospital_fen(cost_fen: Ints, parts: Parts) -> Ints:
    """What the hospital gets beyond the cost of each case; below zero it bears the difference."""
    return parts.fund + parts.patient - cost_fen


def split_price(
    share: PatientShare,
    price_fen: Ints,
    patient_paid_fen: Ints,
    *,
    fully_self_paid_fen: Ints | None = None,
    first_self_paid_fen: Ints | None = None,
    deductible_fen: Ints | None = None,
) -> Parts:
    """Fund and patient parts by the basis of a policy.

    Parameters
    ----------
    share : PatientShare
    price_fen, patient_paid_fen : int64 array
        Fen, zero or more.
    fully_self_paid_fen, first_self_paid_fen, deductible_fen : int64 array, optional
        For ``policy_ratio`` alone, which needs all three.

    Raises
    ------
    PaymentError
        P401: the basis needs a number or a column that is not there.
    """
    if share.basis == "actual":
        return fund_by_actual(price_fen, patient_paid_fen)
    if share.basis == "policy_ratio":
        ratio = _needed(share.fund_ratio, "drg.share.fund_ratio")
        return fund_by_policy_ratio(
            price_fen,
            _needed(fully_self_paid_fen, "fully_self_paid"),
            _needed(first_self_paid_fen, "first_self_paid"),
            _needed(deductible_fen, "deductible"),
            ratio,
        )
    ratio = _needed(share.patient_ratio, "drg.share.patient_ratio")
    if share.basis == "standard":
        return fund_by_standard_share(price_fen, ratio)
    return fund_by_lower(price_fen, patient_paid_fen, ratio)


def _needed(value: _T | None, what: str) -> _T:
    if value is None:
        raise PaymentError("P401", what=what)
    return value
