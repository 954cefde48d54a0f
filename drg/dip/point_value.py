"""What a point is worth, and what it comes to: months, hospitals, the year's end (spec B.7, B.8).

Point values are fractions and applied as they are; published ones have four decimals. Amounts
here are yuan or fen alike, whatever the caller gives, and exact: whoever pays rounds, half up,
once. Employees and residents are reckoned apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from drg.dip.errors import DipError, Number, exact, not_negative, positive
from drg.dip.score import YEAR_WEIGHTS, weighted_mean

__all__ = [
    "Balance",
    "HospitalSettlement",
    "InitialValue",
    "MonthPayment",
    "SettlementValue",
    "hospital_settlement",
    "initial_point_value",
    "month_payment",
    "settlement_point_value",
    "year_balance",
]


class InitialValue(NamedTuple):
    """Point value of the year's beginning, and the weighted yearly cost and score behind it."""

    cost: Fraction
    score: Fraction
    value: Fraction


def initial_point_value(
    costs: Sequence[Number], scores: Sequence[Number], year_weights: Sequence[Number] = YEAR_WEIGHTS
) -> InitialValue:
    """Weighted yearly cost over weighted yearly score, of the last three years.

    Parameters
    ----------
    costs : sequence of Number
        Total inpatient cost by year, the oldest first; after trimming, if the region trims.
    scores : sequence of Number
        Total score by year.
    year_weights : sequence of Number, optional

    Raises
    ------
    DipError
        D401–D403: a number that cannot be, or no score to divide by; D407: numbers of years that
        differ; D408: weights of nothing.

    Examples
    --------
    >>> str(initial_point_value([180, 195, 210], [16, 17, 18]).value)
    '255/22'
    """
    cost = weighted_mean(costs, year_weights)
    score = positive(weighted_mean(scores, year_weights), "weighted total score")
    return InitialValue(cost, score, cost / score)


class SettlementValue(NamedTuple):
    """Point value of the year's end.

    Attributes
    ----------
    pay_ratio : Fraction
        Share of the cost that the fund pays.
    covered : Fraction
        Total cost that the fund's amount covers at that share.
    value : Fraction
        Covered cost a point.
    fund_value : Fraction
        What the fund pays a point: ``value × pay_ratio``, that is fund over score.
    """

    pay_ratio: Fraction
    covered: Fraction
    value: Fraction
    fund_value: Fraction


def settlement_point_value(
    fund: Number, booked: Number, total_cost: Number, total_score: Number
) -> SettlementValue:
    """``(fund ÷ pay ratio) ÷ total score``, where ``pay ratio = booked ÷ total cost``.

    Parameters
    ----------
    fund : Number
        What the fund has for cases paid by DIP.
    booked : Number
        What was booked to the fund case by case, of the cases paid by DIP.
    total_cost : Number
        Their total cost.
    total_score : Number
        Score of all hospitals.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; D417: a pay ratio above 1.

    Examples
    --------
    >>> found = settlement_point_value(1260, 1300, 2000, 175)
    >>> str(found.pay_ratio), str(found.value), str(found.fund_value)
    ('13/20', '144/13', '36/5')
    """
    ratio = positive(booked, "booked amount") / positive(total_cost, "total cost")
    if ratio > 1:
        raise DipError("D417", ratio=ratio)
    amount, score = not_negative(fund, "fund"), positive(total_score, "total score")
    covered = amount / ratio
    return SettlementValue(ratio, covered, covered / score, amount / score)


class HospitalSettlement(NamedTuple):
    """A hospital's year: worth of its score to the fund, and what is payable.

    Below zero the payable is carried, not clawed back.
    """

    gross: Fraction
    payable: Fraction


def hospital_settlement(
    scores: Sequence[tuple[Number, Number]],
    value: Number,
    *,
    assessment: Number = 1,
    audit_deduction: Number = 0,
) -> HospitalSettlement:
    """``[Σ (score × point value × fund ratio)] × assessment - audit deductions``.

    Parameters
    ----------
    scores : sequence of (Number, Number)
        Score and fund ratio: one pair where the region or the hospital has one ratio, a pair a
        case where each case has its own.
    value : Number
        Settlement point value.
    assessment : Number, optional
        Assessment coefficient.
    audit_deduction : Number, optional
        In the unit of the point value.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be; D417: a fund ratio above 1.

    Examples
    --------
    >>> value = settlement_point_value(1260, 1300, 2000, 175).value
    >>> found = hospital_settlement([(9, "0.65")], value, assessment="0.98")
    >>> str(found.gross), str(found.payable)
    ('324/5', '7938/125')
    """
    worth, gross = not_negative(value, "point value"), Fraction(0)
    for score, fund_ratio in scores:
        ratio = not_negative(fund_ratio, "fund ratio")
        if ratio > 1:
            raise DipError("D417", ratio=fund_ratio)
        gross += not_negative(score, "score") * worth * ratio
    deducted = not_negative(audit_deduction, "audit deduction")
    return HospitalSettlement(gross, gross * not_negative(assessment, "assessment") - deducted)


class MonthPayment(NamedTuple):
    """A hospital's month: what is paid in advance, and what is kept back until the year's end.

    Below zero the payment is carried into the next month.
    """

    due: Fraction
    prepaid: Fraction
    retained: Fraction


def month_payment(
    score: Number,
    value: Number,
    patient_paid: Number,
    prepay_ratio: Number,
    audit_deduction: Number = 0,
) -> MonthPayment:
    """``(score × point value - patients' payments) × prepay ratio - the month's deductions``.

    Parameters
    ----------
    score : Number
        The hospital's score of the month.
    value : Number
        Point value (rate) that months are paid by.
    patient_paid : Number
        What patients paid.
    prepay_ratio : Number
        0 to 1: 0.90 in the draft 3.0; the rules of 2025 keep no more than 5 %.
    audit_deduction : Number, optional

    Returns
    -------
    MonthPayment
        ``due`` before the ratio; ``retained`` what the ratio leaves of it.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be; D415: a ratio that is no share.

    Examples
    --------
    >>> found = month_payment(4600, "11.5", 18400, "0.90", 85)
    >>> str(found.prepaid), str(found.retained)
    ('30965', '3450')
    """
    ratio = _share(prepay_ratio, "prepay ratio")
    worth = not_negative(score, "score") * not_negative(value, "point value")
    due = worth - not_negative(patient_paid, "patients' payments")
    kept = due * (1 - ratio)
    return MonthPayment(due, due * ratio - not_negative(audit_deduction, "audit deduction"), kept)


class Balance(NamedTuple):
    """Surplus (above zero) or overspend of a year, and what the fund finally pays."""

    difference: Fraction
    final: Fraction


def year_balance(
    payable: Number,
    booked: Number,
    *,
    retain_ratio: Number = 1,
    share_ratio: Number = 0,
    reasonable_limit: Number = 0,
) -> Balance:
    """Surplus kept, reasonable overspend shared (结余留用、合理超支分担).

    A surplus (payable above booked) is kept by the retained share: ``booked + surplus × retain``.
    Of an overspend the part up to ``payable × limit`` is reasonable, and the fund bears
    ``share_ratio`` of it: ``payable + reasonable × share``. The numbers are local; the national
    texts name none.

    Parameters
    ----------
    payable : Number
        What the scores come to, after assessment and deductions.
    booked : Number
        What was booked to the fund case by case, after audit.
    retain_ratio, share_ratio : Number, optional
        0 to 1.
    reasonable_limit : Number, optional
        Share of the payable, zero or more.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be; D415: a ratio that is no share.

    Examples
    --------
    >>> shares = {"share_ratio": "0.5", "reasonable_limit": "0.10"}
    >>> str(year_balance(60, 72, **shares).final), str(year_balance(648, 612, **shares).final)
    ('63', '648')
    """
    due, spent = exact(payable, "payable"), not_negative(booked, "booked amount")
    retained, shared = _share(retain_ratio, "retained share"), _share(share_ratio, "shared part")
    limit = not_negative(reasonable_limit, "reasonable limit")
    difference = due - spent
    if difference >= 0:
        return Balance(difference, spent + difference * retained)
    reasonable = min(-difference, max(due, Fraction(0)) * limit)
    return Balance(difference, due + reasonable * shared)


def _share(value: Number, what: str) -> Fraction:
    number = exact(value, what)
    if not 0 <= number <= 1:
        raise DipError("D415", where=what, value=value)
    return number
