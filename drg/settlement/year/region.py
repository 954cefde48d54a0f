"""The region's budget at the year's end: what it leaves for the prices that move with it.

Where rates are fixed nothing moves. Otherwise each insurance's budget, less its reserves and what
by item and by other modes comes before, is given out by ``drg.settlement.year.allocation``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from drg.money import PLACES, yuan
from drg.settlement.year.allocation import Allocation, allocate_budget, elastic_total
from drg.settlement.year.errors import ClearingError
from drg.settlement.year.scores import score_shares, settled_value
from drg.settlement.year.sums import PAID_MODES

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.budget import Budget
    from drg.settlement.year.sums import Party, PartySums

__all__ = [
    "RULES", "ClearingError", "allocations", "counted_fund", "moved_funds", "rate_mode",
]  # fmt: skip

#: Section of the specification by mode of allocation; the insurance is put behind it.
RULES = {
    "floating": "A.2.floating", "elastic": "A.2.elastic", "points": "A.7.points",
    "score": "B.8.score",
}  # fmt: skip


def rate_mode(policy: Policy) -> str | None:
    """How the region's budget decides what a case is worth; None: prices hold."""
    if policy.drg is None:
        floating = policy.dip is not None and policy.dip.value_mode == "floating"
        return "score" if floating else None
    if policy.drg.points is not None:
        return "points"
    return None if policy.drg.rate_mode == "fixed" else policy.drg.rate_mode


def counted_fund(sums: PartySums, policy: Policy) -> int:
    """Fund of a hospital that counts against a quota or budget, fen.

    Left out are the modes that the policy names, outpatients paid by the head, and of other claims
    the charges of items that it names.
    """
    outside = {*(policy.budget.outside if policy.budget else ())}
    items = bool(outside - {*PAID_MODES})
    if policy.outpatient is not None and policy.outpatient.per_head is not None:
        outside.add("VISIT")
    return sum(
        fund - (sums.outside.get(mode, 0) if items else 0)
        for mode, fund in sums.by_mode.items()
        if mode not in outside
    )


def allocations(
    sums: Mapping[Party, PartySums], policy: Policy, budget: Budget | None, year: int
) -> list[Allocation]:
    """Each insurance's budget given out; none where rates are fixed.

    Raises
    ------
    ClearingError
        P486 no budget, P487 it does not cover what comes before, P488 no base weight, P494 no pay
        ratio of a hospital.
    BudgetError
        P447: it is not signed.
    """
    mode, found = rate_mode(policy), []
    if mode is None:
        return []
    for insurance in sorted({i for (_, i), own in sums.items() if own.shares and i}):
        parties = {h: own for (h, i), own in sums.items() if i == insurance}
        total = budget.allocatable(insurance, year) if budget is not None else None
        if total is None:
            raise ClearingError("P486", insurance=insurance, mode=mode, year=year)
        moving = {h: own for h, own in parties.items() if own.shares}
        fund = sum(own.moving_fund - own.addons for own in moving.values())
        counted = sum(counted_fund(own, policy) for own in parties.values())
        taken = counted - fund
        if taken > total:
            raise ClearingError(
                "P487", insurance=insurance, budget=yuan(total), taken=yuan(taken),
                short=yuan(taken - total),
            )  # fmt: skip
        gross = _gross(policy)
        patient = sum(own.moving_patient for own in moving.values()) if gross else 0
        shares = {h: own.shares if gross else own.moving_fund for h, own in moving.items()}
        settled = None
        if mode == "score" and policy.dip is not None:
            shares = score_shares(moving, policy.dip, year)
            settled = settled_value(moving, policy.dip, total - taken, year)
        if not sum(shares.values()):
            continue
        given = None
        if mode == "elastic":
            given = _elastic(policy, insurance, total - taken + patient, moving)
        found.append(
            allocate_budget(
                insurance, mode, total, taken, patient, shares, total=given, settled=settled
            )
        )
    return found


def _gross(policy: Policy) -> bool:
    """Whether prices move and patients' payments come off them, or the fund's part itself moves."""
    points = policy.drg is not None and policy.drg.points is not None
    return points or (policy.drg is not None and policy.drg.share.basis in ("actual", "min"))


def _elastic(policy: Policy, insurance: str, pool: int, moving: Mapping[str, PartySums]) -> int:
    drg = policy.drg
    base = None if drg is None else drg.base_weights.get(insurance, drg.base_weights.get(""))
    if drg is None or base is None:
        raise ClearingError("P488", insurance=insurance)
    weight = Fraction(sum(own.weight_e8 for own in moving.values()), 10 ** (2 * PLACES))
    worth = Fraction(sum(own.shares for own in moving.values()), 10 ** (2 * PLACES))
    return elastic_total(pool, worth, weight, base, drg.float_cap)


def moved_funds(
    given_out: Iterable[Allocation], sums: Mapping[Party, PartySums], policy: Policy
) -> dict[Party, int]:
    """What the final rate adds to, or takes from, each hospital's fund as priced, fen."""
    found: dict[Party, int] = {}
    for one in given_out:
        for hospital, part in one.parts.items():
            own = sums[hospital, one.insurance]
            patient = own.moving_patient if _gross(policy) else 0
            found[hospital, one.insurance] = part - patient + own.addons - own.moving_fund
    return found
