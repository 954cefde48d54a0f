"""One visit through the layers of a plan: whole fen in, whole fen out, a few microseconds.

Basic insurance pays of the compliant cost; critical illness, assistance and backstops each of what
is left, counted over the year where the layer does. What no layer pays is the patient's.
"""

from __future__ import annotations

from drg.benefits.compiled import Terms, compiled
from drg.benefits.formulas import Paid, Rule, over_ceiling, pay
from drg.benefits.model import Balance, Layer, Settled, Visit
from drg.benefits.plan import Plan

__all__ = ["settle_by_terms", "settle_visit"]

_START = Balance()
_UNTOLD_BASIC, _AMOUNTS = "N505", "N507"


def settle_visit(plan: Plan, visit: Visit, balance: Balance = _START) -> tuple[Settled, Balance]:
    """Settle one visit and carry its year on.

    Parameters
    ----------
    plan : Plan
    visit : Visit
    balance : Balance, optional
        What the person has used up in the year; nothing when omitted.

    Returns
    -------
    Settled
        ``sum(layer.paid) + patient == total``. With a reason (N501-N508) no layer paid: something
        that the plan asks for is not reported, or it has no terms for the visit.
    Balance
        After the visit; as before where it could not be settled.

    Examples
    --------
    >>> from drg.benefits.plan import load_plan
    >>> plan = load_plan("ankang-2019")
    >>> settled, after = settle_visit(plan, Visit(3_000_000, insurance="390", level="三级"))
    >>> [(layer.id, layer.paid) for layer in settled.layers], settled.patient, after.basic
    ([('basic', 1680000), ('critical', 192000)], 1128000, 1680000)
    """
    ready = compiled(plan)
    terms = ready.terms(
        (
            visit.off_site, visit.category, visit.care, visit.retired, visit.region, visit.level,
            visit.insurance,
        )
    )  # fmt: skip
    return settle_by_terms(terms, visit, balance, ready.regions)


def settle_by_terms(
    terms: Terms, visit: Visit, balance: Balance, regions: tuple[str, ...]
) -> tuple[Settled, Balance]:
    """``settle_visit`` where the terms that hold are known."""
    total, own, first, over = visit[:4]
    eligible = total - own - first - over
    reason = terms.reason
    if not reason:
        if eligible < 0 or own < 0 or first < 0 or over < 0:
            reason = _AMOUNTS
        elif terms.basic is None:
            if visit.basic_paid is None:
                reason = _UNTOLD_BASIC
            elif not 0 <= visit.basic_paid <= eligible:
                reason = _AMOUNTS
    if reason:
        return Settled(total, max(eligible, 0), (), total, reason), balance
    layers: list[Layer] = []

    rule = terms.basic
    if rule is None:
        basic = visit.basic_paid or 0
        layers.append(Layer("basic", "basic", eligible, 0, basic))
    else:
        found = pay(rule, eligible, used=balance.basic, first=balance.visits == 0)
        basic = _add(layers, rule, eligible, found)

    compliant = left = eligible - basic + (first if terms.first_self_pay else 0)
    critical = assistance = backstop = 0
    if (rule := terms.critical) is not None:
        found = pay(rule, left, before=balance.compliant, used=balance.critical)
        critical = _add(layers, rule, left, found)
        left -= critical
    if (rule := terms.assistance) is not None:
        before = balance.compliant - balance.critical
        found = pay(rule, left, before=before, used=balance.assistance)
        assistance = _add(layers, rule, left, found)
        left -= assistance
    rank = terms.rank
    if balance.region:
        rank = max(rank, regions.index(balance.region)) if balance.region in regions else rank
    for rule in terms.backstops:
        used = balance.backstop + backstop
        if rule.ceilings:
            ceiling = rule.ceilings[rank if len(rule.ceilings) > 1 else 0]
            found = (
                over_ceiling(ceiling, left, balance.patient) if ceiling >= 0 else Paid(left, 0, 0)
            )
        else:
            found = pay(rule, left, before=balance.patient + balance.backstop, used=used)
        paid = _add(layers, rule, left, found)
        backstop += paid
        left -= paid

    patient = total - basic - critical - assistance - backstop
    after = Balance(
        balance.visits + terms.stay,
        balance.basic + basic,
        balance.critical + critical,
        balance.assistance + assistance,
        balance.backstop + backstop,
        balance.compliant + compliant,
        balance.patient + left,
        regions[rank] if rank >= 0 else balance.region,
    )
    return Settled(total, eligible, tuple(layers), patient), after


def _add(layers: list[Layer], rule: Rule, base: int, found: Paid) -> int:
    layers.append(Layer(rule.id, rule.kind, base, found.deductible, found.paid, found.capped))
    return found.paid
