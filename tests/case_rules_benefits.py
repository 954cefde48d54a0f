"""Rules of the benefit cases: layers of one visit, ceilings, care away from home (spec G).

Only the public functions of ``drg.benefits`` reckon here; what stands around them reads decimals
and writes them. ``RULES`` maps the name of a rule to ``(inputs, params) -> results``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from drg.benefits.formulas import Rule, make_rule, over_ceiling, pay, start_fen
from drg.money import fen, yuan

Numbers = Mapping[str, Any]
Results = dict[str, Any]


def _fen(values: Numbers, key: str) -> int | None:
    return None if values.get(key) is None else fen(values[key])


def _ratio(values: Numbers, key: str, default: str) -> Fraction:
    return Fraction(default if values.get(key) is None else str(values[key]))


def _segments(rows: Any, delta: Fraction = Fraction(0)) -> list[tuple[int | None, Fraction]]:
    return [
        (None if bound is None else fen(bound), min(max(Fraction(ratio) - delta, Fraction(0)),
                                                    Fraction(1)))
        for bound, ratio in rows
    ]  # fmt: skip


def _critical(params: Numbers, prefix: str = "", delta: str = "0") -> Rule:
    return make_rule(
        "critical",
        "critical",
        yearly=True,
        start=_fen(params, f"{prefix}start") or 0,
        segments=_segments(params[f"{prefix}segments"], Fraction(delta)),
        base=params.get("segment_base") or "absolute",
        cap=_fen(params, f"{prefix}cap"),
    )


def _flat(kind: str, params: Numbers, ratio: str, cap: str, start: str = "") -> Rule:
    """A layer of one ratio."""
    return make_rule(
        kind,
        kind,
        yearly=False,
        start=_fen(params, start) or 0,
        segments=[(None, _ratio(params, ratio, "0"))],
        cap=_fen(params, cap),
    )


def basic_plus_critical(inputs: Numbers, params: Numbers) -> Results:
    eligible = fen(inputs["eligible"])
    used = _fen(inputs, "fund_used_ytd") or 0
    basic = pay(_flat("basic", params, "ratio", "annual_cap", "deductible"), eligible, used=used)
    critical = pay(_critical(params, "critical_"), eligible - basic.paid)
    return {
        "basic": yuan(basic.paid),
        "critical": yuan(critical.paid),
        "personal": yuan(eligible - basic.paid - critical.paid),
    }


def critical(inputs: Numbers, params: Numbers) -> Results:
    rule = _critical(params, delta=params.get("ratio_delta") or "0")
    return {"critical": yuan(pay(rule, fen(inputs["compliant_personal"])).paid)}


def poverty_tilt(inputs: Numbers, params: Numbers) -> Results:
    cost = fen(inputs["compliant_personal"])
    first = pay(_critical(params), cost).paid
    assist = pay(_flat("assistance", params, "assist_ratio", "assist_cap"), cost - first).paid
    rule = make_rule(
        "tilt",
        "backstop",
        yearly=True,
        start=_fen(params, "tilt_start") or 0,
        segments=_segments(params["tilt_segments"]),
        base=params.get("tilt_base") or "excess",
    )
    tilt = pay(rule, cost - first - assist).paid
    return {
        "critical": yuan(first),
        "assist": yuan(assist),
        "tilt": yuan(tilt),
        "personal": yuan(cost - first - assist - tilt),
    }


def critical_then_cap(inputs: Numbers, params: Numbers) -> Results:
    cost = fen(inputs["compliant_personal"])
    first = pay(_critical(params), cost).paid
    most = _fen(params, "personal_year_cap")
    backstop = 0 if most is None else over_ceiling(most, cost - first, 0).paid
    return {
        "critical": yuan(first),
        "backstop": yuan(backstop),
        "personal": yuan(cost - first - backstop),
    }


def cap351(inputs: Numbers, params: Numbers) -> Results:
    left = fen(inputs["personal_after_all"])
    most = _fen(params["caps"], inputs["level"])
    paid = 0 if most is None else over_ceiling(most, left, 0).paid
    return {"government": yuan(paid), "personal": yuan(left - paid)}


def out180(inputs: Numbers, params: Numbers) -> Results:
    left = fen(inputs["remaining_compliant"])
    paid = pay(_flat("180", params, "ratio", "cap"), left).paid
    return {"fund180": yuan(paid), "personal": yuan(left - paid)}


def offsite_deductible(inputs: Numbers, params: Numbers) -> Results:
    eligible = fen(inputs["eligible"])
    rule = make_rule(
        "basic",
        "basic",
        yearly=False,
        share=_ratio(params, "ded_ratio", "0"),
        least=_fen(params, "ded_min"),
        most=_fen(params, "ded_max"),
        segments=[(None, _ratio(params, "ratio", "0"))],
    )
    return {"deductible": yuan(start_fen(rule, eligible)), "basic": yuan(pay(rule, eligible).paid)}


def stack(inputs: Numbers, params: Numbers) -> Results:
    total, own = fen(inputs["total"]), _fen(inputs, "own_pay") or 0
    first = _fen(inputs, "pre_self_pay") or 0
    eligible = total - own - first - (_fen(inputs, "over_limit") or 0)
    basic = pay(_flat("basic", params, "ratio", "annual_cap", "deductible"), eligible).paid
    left = eligible - basic + (first if params.get("pre_self_in_compliant") else 0)
    second = pay(_critical(params, "critical_"), left).paid
    assist = 0
    if inputs.get("assist_eligible"):
        assist = pay(_flat("assistance", params, "assist_ratio", "assist_cap"), left - second).paid
    personal = total - basic - second - assist
    return {
        "basic": yuan(basic),
        "critical": yuan(second),
        "assist": yuan(assist),
        "personal": yuan(personal),
        "check_sum": yuan(basic + second + assist + personal),
    }


def segmented(inputs: Numbers, params: Numbers) -> Results:
    eligible = fen(inputs["eligible"])
    left = _ratio(params, "retiree_self_pay_factor", "1") if inputs.get("retired") else Fraction(1)
    rule = make_rule(
        "basic",
        "basic",
        yearly=False,
        start=_fen(params, "deductible_first") or 0,
        start_next=_fen(params, "deductible_next"),
        segments=[(to, 1 - (1 - ratio) * left) for to, ratio in _segments(params["segments"])],
    )
    fund = pay(rule, eligible, first=inputs.get("first_stay", True)).paid
    return {"fund": yuan(fund), "personal": yuan(eligible - fund)}


RULES: dict[str, Callable[[Numbers, Numbers], Results]] = {
    "ben.basic_plus_critical": basic_plus_critical,
    "ben.critical": critical,
    "ben.poverty_tilt": poverty_tilt,
    "ben.critical_then_cap": critical_then_cap,
    "ben.cap351": cap351,
    "ben.out180": out180,
    "ben.offsite_deductible": offsite_deductible,
    "ben.stack": stack,
    "ben.segmented": segmented,
}
