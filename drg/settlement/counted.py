"""Which hospitals a global budget binds, and which cost counts against it (spec F.1, F.4)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

__all__ = ["CountedCost", "count_against_quota", "under_total_budget"]


def under_total_budget(
    employee_fund: int, resident_fund: int, employee_min: int | None, resident_min: int | None
) -> tuple[bool, bool]:
    """Whether a hospital is paid under the global budget, by its annual fund (Chongqing, F.1).

    Parameters
    ----------
    employee_fund, resident_fund : int
        Fund of the year, fen.
    employee_min, resident_min : int or None
        From this amount on, included; None: every hospital.

    Returns
    -------
    tuple of bool
        For employees, for residents.

    Examples
    --------
    >>> under_total_budget(14_999_999, 10_000_000, 15_000_000, 10_000_000)
    (False, True)
    """
    return (
        employee_min is None or employee_fund >= employee_min,
        resident_min is None or resident_fund >= resident_min,
    )


class CountedCost(NamedTuple):
    """Cost that counts against a quota, and what it makes of the share of drugs.

    Attributes
    ----------
    counted, over_quota : int
        Fen.
    drug_share : Fraction or None
        Counted drug cost in counted cost, exact; None: nothing counts.
    """

    counted: int
    over_quota: int
    drug_share: Fraction | None


def count_against_quota(
    actual: int, excluded: Sequence[int], quota: int, *, drug_cost: int = 0
) -> CountedCost:
    """Leave items outside the budget out of cost and drug share (Chuzhou, F.4).

    Parameters
    ----------
    actual : int
        Cost of the year, fen.
    excluded : sequence of int
        Drugs of it that count neither against the quota nor in the share of drugs, fen.
    quota, drug_cost : int
        Fen; the drug cost holds the excluded drugs.

    Raises
    ------
    ValueError
        More is excluded than was spent.

    Examples
    --------
    >>> count_against_quota(1045, [60], 1000, drug_cost=330)
    CountedCost(counted=985, over_quota=0, drug_share=Fraction(54, 197))
    """
    left_out = sum(excluded)
    if min(actual, quota, drug_cost, *excluded, 0) < 0 or left_out > actual:
        raise ValueError("amounts are not negative, and no more is excluded than was spent")
    counted = actual - left_out
    drugs = max(drug_cost - left_out, 0)
    share = Fraction(drugs, counted) if counted else None
    return CountedCost(counted, max(counted - quota, 0), share)
