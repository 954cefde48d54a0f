"""Price of weight 1: from a budget, and the elastic one of base and increment (spec A.2).

A rate is published rounded to the fen; a floating one that clears a year is applied unrounded, so
both are given as exact fractions of fen. The algebra holds for points as for weights, and for any
split of a budget into a part at a preset rate and a part at what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from drg.money import PLACES, round_scaled
from drg.payment.mechanisms.standard import PaymentError

__all__ = ["BudgetRate", "ElasticRate", "elastic", "rate_from_budget", "total_weight_e4"]


class BudgetRate(NamedTuple):
    """A rate that spends a budget.

    Attributes
    ----------
    rate : Fraction
        Fen for weight 1, unrounded: what a floating rate is applied with.
    rate_fen : int
        The same, rounded half up to the fen: what is published and a fixed rate applied with.
    """

    rate: Fraction
    rate_fen: int


class ElasticRate(NamedTuple):
    """A fixed rate for the base volume and a floating one for the increment.

    Attributes
    ----------
    base : Fraction
        Fen that the base volume takes.
    rate : Fraction or None
        Fen for weight 1 of the increment, unrounded; None where there is no increment.
    base_share : Fraction
        ``base`` as a share of the budget; above 1 where the budget does not carry it.
    """

    base: Fraction
    rate: Fraction | None
    base_share: Fraction


def total_weight_e4(weights_e4: Mapping[str, int], cases: Mapping[str, int]) -> int:
    """Total weight over the cases, scaled 10⁴.

    Parameters
    ----------
    weights_e4 : mapping of str to int
        Weight by group, scaled 10⁴.
    cases : mapping of str to int
        Cases by group; one that is missing has none.

    Raises
    ------
    PaymentError
        P402: there are cases of a group without a weight.
    """
    if bare := sorted(group for group, n in cases.items() if n and group not in weights_e4):
        raise PaymentError("P402", groups=", ".join(bare))
    return sum(weight * cases.get(group, 0) for group, weight in weights_e4.items())


def rate_from_budget(budget_fen: int, weight_e4: int) -> BudgetRate:
    """``rate = predicted (or actual) total cost ÷ total weight``.

    Parameters
    ----------
    budget_fen : int
        What all cases are to cost, patients' payments included, in fen.
    weight_e4 : int
        Their total weight, scaled 10⁴.

    Raises
    ------
    PaymentError
        P403: no weight to divide by.

    Examples
    --------
    >>> rate_from_budget(12_500_000_000, 97_774_116).rate_fen
    1278457
    """
    if weight_e4 <= 0:
        raise PaymentError("P403")
    rate = Fraction(budget_fen * 10**PLACES, weight_e4)
    return BudgetRate(rate, round_scaled(rate, 0))


def elastic(
    budget_fen: int,
    base_weight: Fraction,
    increment_weight: Fraction,
    fixed_rate_fen: int | Fraction,
    float_cap_fen: int | None = None,
) -> ElasticRate:
    """``min(cap, (budget - base weight × fixed rate) ÷ increment weight)``, at least zero.

    Parameters
    ----------
    budget_fen : int
        Greater than zero.
    base_weight, increment_weight : Fraction
        Zero or more.
    fixed_rate_fen : int or Fraction
        Rate of the base volume; a mean of several is exact.
    float_cap_fen : int, optional
        Most that weight 1 of the increment may be paid; no bound when omitted.

    Raises
    ------
    PaymentError
        P404: no budget.

    Examples
    --------
    >>> found = elastic(11_200_000_000, Fraction(10_000), Fraction(3_000), 900_000, 900_000)
    >>> round_scaled(found.rate / 100), round_scaled(found.base_share)
    (73333333, 8036)
    """
    if budget_fen <= 0:
        raise PaymentError("P404")
    base = base_weight * fixed_rate_fen
    rate = None
    if increment_weight > 0:
        rate = max((budget_fen - base) / increment_weight, Fraction(0))
        if float_cap_fen is not None:
            rate = min(rate, Fraction(float_cap_fen))
    return ElasticRate(base, rate, base / budget_fen)
