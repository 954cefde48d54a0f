"""What a month pays: the fund's part of a hospital's claims, split into paid and kept.

Source of the rules: Fuxin 阜政办发[2009]108号 (spec F.2) and A.8. Money of a month is rounded once,
at its total; the deposit takes the odd fen, so that the parts add up to the fund exactly.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.money import round_scaled

if TYPE_CHECKING:
    from drg.payment.policy import Month as MonthRules

__all__ = ["MonthPayment", "dispute_adjustment", "month_payment"]


class MonthPayment(NamedTuple):
    """A month of a hospital, in fen; the fields are the batch accounts and add up to the fund.

    Attributes
    ----------
    advance : int
        Paid now.
    retention : int
        Kept as deposit until quarter or year.
    dispute_withheld : int
        Part of disputed cost that is not advanced.
    held : int
        Under investigation.
    deduction : int
        Taken off by audit.
    balance : int
        Left to the year's clearing: what a prepay ratio below 1 leaves, or, negative, a deduction
        that the month could not bear.
    """

    advance: int
    retention: int
    dispute_withheld: int
    held: int
    deduction: int
    balance: int


def month_payment(
    undisputed: int, disputed: int, held: int, rules: MonthRules, *, deduction: int = 0
) -> MonthPayment:
    """Payment of a month: ``(U × (1 - retention) + D × dispute_advance) × prepay - deduction``.

    Parameters
    ----------
    undisputed, disputed, held : int
        The fund's part of the claims by their standing, fen, zero or more.
    rules : Month
        ``retention`` is kept of the undisputed part, or of undisputed and disputed
        (``retention_base = "all"``); without ``dispute_advance`` nothing is advanced on disputes.
    deduction : int, optional
        Audit deduction on these claims, fen; part of the amounts above. What the payment cannot
        bear is carried as a negative balance and not claimed back.

    Raises
    ------
    ValueError
        An amount is negative.

    Examples
    --------
    >>> from drg.payment.policy import Month
    >>> rules = Month(retention="0.10", dispute_advance="0.80")
    >>> month_payment(90_000_000, 6_000_000, 4_000_000, rules)[:4]
    (85800000, 9000000, 1200000, 4000000)
    """
    if min(undisputed, disputed, held, deduction) < 0:
        raise ValueError("amounts of a month are not negative")
    share = rules.dispute_advance or Fraction(0)
    base = undisputed + (disputed if rules.retention_base == "all" else 0)
    kept = base * rules.retention
    exact = max(undisputed + disputed * share - kept, Fraction(0))
    before = round_scaled(exact, 0)
    paid = round_scaled(exact * rules.prepay, 0)
    left = undisputed + disputed - before
    withheld = min(round_scaled(disputed - disputed * share, 0), left)
    due = paid - deduction
    return MonthPayment(
        advance=max(due, 0),
        retention=left - withheld,
        dispute_withheld=withheld,
        held=held,
        deduction=deduction,
        balance=before - paid + min(due, 0),
    )


def dispute_adjustment(disputed: int, accepted: int, advanced: int) -> int:
    """What the month after a dispute makes up, or deducts when negative, in fen.

    Parameters
    ----------
    disputed : int
        Cost that was in dispute.
    accepted : int
        What of it turned out to be due.
    advanced : int
        What has been paid of it.

    Raises
    ------
    ValueError
        An amount is negative, or more is accepted than was disputed.

    Examples
    --------
    >>> dispute_adjustment(6_000_000, 4_500_000, 4_800_000)
    -300000
    """
    if min(disputed, accepted, advanced) < 0 or accepted > disputed:
        raise ValueError("accepted cost lies between zero and the cost disputed")
    return accepted - advanced
