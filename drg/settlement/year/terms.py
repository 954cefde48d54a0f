"""One hospital's year in one insurance: from what its months priced to what clearing still pays.

``payable = (priced + moved by the final rate) × assessment - audit deductions ± sharing + reward -
violations``; ``due = payable - still withheld - paid so far - working capital`` (spec A.8, B.8, F).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from drg.money import round_scaled
from drg.settlement.sharing import share_quota, share_result
from drg.settlement.violations import deduct_violation

if TYPE_CHECKING:
    from drg.payment.policy import Year
    from drg.settlement.year.sums import Party

__all__ = ["PartyInput", "PartyYear", "party_year"]


@dataclass(frozen=True, kw_only=True)
class PartyInput:
    """What is known of a hospital and insurance at the year's end; amounts in fen.

    Attributes
    ----------
    party : (hospital, insurance)
    claims, cost, patient : int
        Paid claims, their cost and their patients' payments.
    priced : int
        Fund's part as the months priced it.
    counted : int
        The part of it that counts against the quota.
    moved : int
        What the final rate adds or takes.
    advance, deduction, withheld : int
        Paid so far; taken off by audit; in dispute or under investigation still.
    violation, working_capital : int
    quota : int or None
        None: not paid under a quota.
    by_result : bool
        Without a quota, what it earned is held against what it booked by item.
    assessment : Fraction
        Coefficient of the year's assessment.
    """

    party: Party
    claims: int = 0
    cost: int = 0
    patient: int = 0
    priced: int = 0
    counted: int = 0
    moved: int = 0
    advance: int = 0
    deduction: int = 0
    withheld: int = 0
    violation: int = 0
    working_capital: int = 0
    quota: int | None = None
    by_result: bool = False
    assessment: Fraction = Fraction(1)


@dataclass(frozen=True, kw_only=True)
class PartyYear:
    """The same, cleared; amounts in fen.

    Attributes
    ----------
    given : PartyInput
    assessed : int
        What the assessment adds or, negative, takes.
    quota_left : int or None
        Quota less violations.
    difference : int or None
        Quota, or price of the cases, less cost; None: nothing was compared.
    sharing, reward : int
        Negative: overspend that the hospital bears.
    violation_cash : int
        Violations of a hospital without a quota, zero or more.
    next_quota : int or None
        Proposal for the next year.
    next_open : bool
        The result is to count, and the policy does not say how much.
    """

    given: PartyInput
    assessed: int
    quota_left: int | None
    difference: int | None
    sharing: int
    reward: int
    violation_cash: int
    next_quota: int | None
    next_open: bool

    @property
    def payable(self) -> int:
        """What the year is worth to the hospital; may be negative."""
        g = self.given
        return (
            g.priced + g.moved + self.assessed - g.deduction
            + self.sharing + self.reward - self.violation_cash
        )  # fmt: skip

    @property
    def due(self) -> int:
        """What is left of it; negative: carried into the next year."""
        g = self.given
        return self.payable - g.withheld - g.advance - g.working_capital

    @property
    def clearing(self) -> int:
        """What clearing pays, never negative."""
        return max(self.due, 0)

    @property
    def carried(self) -> int:
        """Zero or negative."""
        return min(self.due, 0)


def party_year(given: PartyInput, rules: Year) -> PartyYear:
    """Clear one hospital and insurance.

    A hospital with a quota is held against it. Where the place has no quotas, what it earned is
    held against what it booked by item, if the policy says how a surplus or overspend is shared.

    Parameters
    ----------
    given : PartyInput
    rules : Year

    Examples
    --------
    >>> from drg.payment.policy import Year
    >>> given = PartyInput(party=("H1", "310"), priced=1150, counted=1150, quota=1000, advance=900)
    >>> cleared = party_year(given, Year(overspend_band="0.2", overspend_share="0.5"))
    >>> cleared.sharing, cleared.payable, cleared.clearing
    (-75, 1075, 175)
    """
    value = given.priced + given.moved
    if rules.assessment == "linear":
        assessed = round_scaled(value * given.assessment, 0) - value
    else:
        assessed = 0
    violation = given.violation if rules.violation_this_year else 0
    if given.quota is not None:
        return _by_quota(given, rules, assessed, violation)
    sharing, difference = 0, None
    if given.by_result and (rules.surplus_keep, rules.overspend_share) != (None, None):
        payable = value + assessed
        booked = given.cost - given.patient - given.deduction
        result = share_result(
            payable,
            booked,
            keep=rules.surplus_keep,
            share=rules.overspend_share,
            band=rules.overspend_band,
        )
        sharing, difference = result.final - payable, result.difference
    return PartyYear(
        given=given,
        assessed=assessed,
        quota_left=None,
        difference=difference,
        sharing=sharing,
        reward=0,
        violation_cash=violation,
        next_quota=None,
        next_open=False,
    )


def _by_quota(given: PartyInput, rules: Year, assessed: int, violation: int) -> PartyYear:
    quota = given.quota or 0
    left = max(quota - violation, 0)
    counted = max(given.counted - given.deduction, 0)
    kept = rules.surplus_keep is not None
    shared = share_quota(
        left,
        counted,
        band=rules.overspend_band,
        share=rules.overspend_share,
        reward=rules.surplus_keep if kept else rules.reward_ratio,
        reward_cap=None if kept else rules.reward_cap,
    )
    part = rules.next_raise if shared.difference > 0 else rules.next_cut
    proposed, is_open = quota, False
    if rules.next_quota_from_result and shared.difference:
        is_open = part is None
        proposed = max(quota + round_scaled(shared.difference * (part or Fraction(0)), 0), 0)
    proposed = deduct_violation(
        given.violation, quota, proposed, next_rule=rules.violation_next_year
    ).next_year
    return PartyYear(
        given=given,
        assessed=assessed,
        quota_left=left,
        difference=shared.difference,
        sharing=-shared.hospital_bears,
        reward=shared.reward,
        violation_cash=0,
        next_quota=proposed,
        next_open=is_open,
    )
