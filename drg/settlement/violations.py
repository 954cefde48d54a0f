"""What a violation costs: a deduction from this year's budget, and one from the next year's.

Source of the rule: Chuzhou 2019 (spec F.4). That it goes "proportionally" into the next year is
read as the violation's part of this year's budget, taken off the next one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from drg.money import round_scaled

__all__ = ["NextRule", "ViolationResult", "deduct_violation"]

NextRule = Literal["none", "proportional", "amount"]


@dataclass(frozen=True, slots=True)
class ViolationResult:
    """Budgets after a violation, in fen.

    Attributes
    ----------
    this_year, next_year : int
        Budgets that are left; never negative.
    next_ratio : Fraction
        Part taken off the next year's budget, exact.
    next_deduction : int
    """

    this_year: int
    next_ratio: Fraction
    next_deduction: int
    next_year: int


def deduct_violation(
    violation: int, budget_this: int, budget_next: int, *, next_rule: NextRule = "proportional"
) -> ViolationResult:
    """Take a violation off this year's budget and, by rule, off the next year's.

    Parameters
    ----------
    violation, budget_this, budget_next : int
        Fen, zero or more.
    next_rule : {"proportional", "amount", "none"}
        The violation's part of this year's budget, its amount, or nothing is taken off the next.

    Raises
    ------
    ValueError
        An amount is negative or the rule unknown.

    Examples
    --------
    >>> deduct_violation(50, 5000, 5200).next_deduction
    52
    """
    if min(violation, budget_this, budget_next) < 0:
        raise ValueError("amounts of a violation are not negative")
    if next_rule == "proportional":
        # Nothing is left of a budget that the violation swallows whole.
        ratio = min(Fraction(violation, budget_this), Fraction(1)) if budget_this else Fraction(1)
        ratio = ratio if violation else Fraction(0)
    elif next_rule == "amount":
        ratio = min(Fraction(violation, budget_next), Fraction(1)) if budget_next else Fraction(0)
    elif next_rule == "none":
        ratio = Fraction(0)
    else:
        raise ValueError(f"no rule for the next year is called {next_rule!r}")
    deduction = round_scaled(budget_next * ratio, 0)
    return ViolationResult(
        max(budget_this - violation, 0), ratio, deduction, budget_next - deduction
    )
