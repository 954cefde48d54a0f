"""Rules of the budget cases: month, dispute, quarter, year, violations, dates (spec F).

Only the public functions of ``drg.settlement`` reckon here; what stands around them reads decimals
and writes them. ``RULES`` maps the name of a rule to ``(inputs, params) -> results``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from drg.money import fen, round_scaled, unscaled, yuan
from drg.payment.policy import Month
from drg.settlement.calendar import (
    WorkCalendar,
    clearing_deadline,
    fixed_dates,
    hold_limit,
    workday_deadline,
)
from drg.settlement.counted import count_against_quota, under_total_budget
from drg.settlement.month import dispute_adjustment, month_payment
from drg.settlement.quarter import balance_quarter
from drg.settlement.sharing import share_quota
from drg.settlement.violations import deduct_violation

Numbers = Mapping[str, Any]
Results = dict[str, Any]


def _ratio(params: Numbers, key: str) -> Fraction | None:
    return None if params.get(key) is None else Fraction(params[key])


def _decimal(value: Fraction, places: int) -> str:
    return unscaled(round_scaled(value, places), places)


def month(inputs: Numbers, params: Numbers) -> Results:
    rules = Month(
        retention=params.get("retention", "0"),
        retention_base=params.get("retention_base", "undisputed"),
        dispute_advance=params.get("dispute_advance"),
        prepay=params.get("prepay", "1"),
    )
    found = month_payment(
        *(fen(inputs.get(key, "0")) for key in ("undisputed", "disputed", "held")),
        rules,
        deduction=fen(inputs.get("deduction", "0")),
    )
    return {
        "pay_now": yuan(found.advance),
        "retention": yuan(found.retention),
        "dispute_withheld": yuan(found.dispute_withheld),
        "held": yuan(found.held),
    }


def dispute(inputs: Numbers, params: Numbers) -> Results:
    amounts = (fen(inputs[key]) for key in ("disputed", "accepted", "advanced"))
    return {"next_month_adjust": yuan(dispute_adjustment(*amounts))}


def quarter(inputs: Numbers, params: Numbers) -> Results:
    found = balance_quarter(
        [fen(amount) for amount in inputs["months"]],
        [fen(amount) for amount in inputs["paid"]],
        fen(inputs["quota"]),
    )
    return {
        "actual": yuan(found.actual),
        "within": yuan(found.within),
        "pay_quarter": yuan(found.pay_quarter),
        "suspended_over_quota": yuan(found.suspended),
    }


def workdays(inputs: Numbers, params: Numbers) -> Results:
    calendar = WorkCalendar.given(
        map(date.fromisoformat, inputs["holidays"]),
        map(date.fromisoformat, inputs.get("extra_workdays", ())),
    )
    found = workday_deadline(inputs["cost_month"], params["n_workdays"], calendar)
    return {"deadline": found.isoformat()}


def chongqing_dates(inputs: Numbers, params: Numbers) -> Results:
    found = fixed_dates(inputs["cost_month"], params["compute_day"], params["pay_day"])
    assert found.compute_by is not None
    assert found.pay_by is not None
    return {"compute_by": found.compute_by.isoformat(), "pay_by": found.pay_by.isoformat()}


def held_until(inputs: Numbers, params: Numbers) -> Results:
    found = hold_limit(date.fromisoformat(inputs["hold_from"]), params["max_days"])
    return {"release_by": found.isoformat()}


def yearend_taicang(inputs: Numbers, params: Numbers) -> Results:
    found = share_quota(
        fen(inputs["quota"]),
        fen(inputs["actual"]),
        band=_ratio(params, "share_band"),
        share=_ratio(params, "share"),
        reward=_ratio(params, "reward_ratio"),
        reward_cap=_ratio(params, "reward_cap"),
    )
    return {
        "difference": yuan(found.difference),
        "fund_share": yuan(found.fund_share),
        "hospital_bears": yuan(found.hospital_bears),
        "reward": yuan(found.reward),
    }


def violation(inputs: Numbers, params: Numbers) -> Results:
    found = deduct_violation(
        *(fen(inputs[key]) for key in ("violation", "budget_this", "budget_next")),
        next_rule=params.get("next_rule", "proportional"),
    )
    return {
        "this_year": yuan(found.this_year),
        "next_ratio": _decimal(found.next_ratio, 6),
        "next_deduction": yuan(found.next_deduction),
        "next_year": yuan(found.next_year),
    }


def thresholds(inputs: Numbers, params: Numbers) -> Results:
    employee, resident = under_total_budget(
        fen(inputs["employee_fund"]),
        fen(inputs["resident_fund"]),
        fen(params["employee_min"]),
        fen(params["resident_min"]),
    )
    return {"employee_total_budget": employee, "resident_total_budget": resident}


def clearing(inputs: Numbers, params: Numbers) -> Results:
    found = clearing_deadline(inputs["year"], pilot=inputs.get("pilot", False))
    return {"deadline": found.deadline.isoformat(), "clearing_share": found.share("en")}


def excluded_items(inputs: Numbers, params: Numbers) -> Results:
    found = count_against_quota(
        fen(inputs["actual"]),
        [fen(inputs["excluded_anticancer"])],
        fen(params["quota"]),
        drug_cost=fen(inputs.get("drug_cost", "0")),
    )
    return {
        "counted": yuan(found.counted),
        "over_quota": yuan(found.over_quota),
        "drug_share": None if found.drug_share is None else _decimal(found.drug_share, 4),
    }


RULES: dict[str, Callable[[Numbers, Numbers], Results]] = {
    "gb.month": month,
    "gb.dispute": dispute,
    "gb.quarter": quarter,
    "gb.workday_deadline": workdays,
    "gb.chongqing_dates": chongqing_dates,
    "gb.hold_limit": held_until,
    "gb.yearend_taicang": yearend_taicang,
    "gb.violation": violation,
    "gb.thresholds": thresholds,
    "gb.clearing_deadline": clearing,
    "gb.excluded_items": excluded_items,
}
