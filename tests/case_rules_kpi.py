"""Rules of the indicator cases: indices, rates, fund balance (spec I).

Only the public formulas of ``drg.reports.kpi.formulas`` reckon here; what stands around them reads
decimals and writes them. ``RULES`` maps the name of a rule to ``(inputs, params) -> results``; a
figure that cannot be told is ``None``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import lcm
from typing import Any

from drg.money import PLACES, round_scaled, unscaled
from drg.reports.kpi.formulas import (
    balance,
    case_mix,
    consumption_index,
    mean,
    profit,
    quadrant,
    ratio,
    rounded_cv,
)

Numbers = Mapping[str, Any]
Results = dict[str, Any]

_MONEY = 2


def _exact(value: Any) -> Fraction | None:
    return None if value in (None, "") else Fraction(str(value))


def _ratio(part: Fraction | None, whole: Fraction | None) -> Fraction | None:
    return None if part is None or whole is None else ratio(part, whole)


def _decimal(value: Fraction | None, places: int) -> str | None:
    return None if value is None else unscaled(round_scaled(value, places), places)


def _places(params: Numbers, default: int = PLACES) -> int:
    told = (params or {}).get("places")
    return default if told is None else int(told)


def cmi(inputs: Numbers, params: Numbers) -> Results:
    groups = [(_exact(g.get("rw")), int(g.get("n", 1))) for g in inputs["groups"]]
    found = case_mix((rw, n) for rw, n in groups if rw is not None)
    places = _places(params)
    return {"total_weight": _decimal(found.total, places), "cmi": _decimal(found.cmi, places)}


def index(inputs: Numbers, params: Numbers) -> Results:
    cases = [
        (value, _exact(case.get("region_mean")), int(case.get("n", 1)))
        for case in inputs["cases"]
        if (value := _exact(case.get("v"))) is not None
    ]
    return {"index": _decimal(consumption_index(cases), _places(params))}


def cv(inputs: Numbers, params: Numbers) -> Results:
    costs = [value for cost in inputs["costs"] if (value := _exact(cost)) is not None]
    scale = lcm(*(cost.denominator for cost in costs))
    whole = [int(cost * scale) for cost in costs]
    sums = len(whole), sum(whole), sum(value * value for value in whole)
    places = _places(params)
    cvs = [rounded_cv(*sums, places, sample=sample) for sample in (False, True)]
    population, sample = (None if found is None else unscaled(found, places) for found in cvs)
    return {
        "mean": _decimal(mean(costs), _MONEY),
        "cv_population": population,
        "cv_sample": sample,
    }


def grouping_rate(inputs: Numbers, params: Numbers) -> Results:
    found = _ratio(_exact(inputs.get("grouped")), _exact(inputs.get("cases")))
    return {"rate": _decimal(found, _places(params))}


def settle_ratio(inputs: Numbers, params: Numbers) -> Results:
    booked, paid = _exact(inputs.get("booked")), _exact(inputs.get("paid"))
    places = _places(params)
    return {
        "booked_over_paid": _decimal(_ratio(booked, paid), places),
        "paid_over_booked": _decimal(_ratio(paid, booked), places),
    }


def low_risk_mortality(inputs: Numbers, params: Numbers) -> Results:
    found = _ratio(_exact(inputs.get("low_risk_deaths")), _exact(inputs.get("low_risk_cases")))
    percent = None if found is None else 100 * found
    return {"rate_pct": _decimal(percent, _places(params))}


def quadrants(inputs: Numbers, params: Numbers) -> Results:
    found = {
        str(dept["id"]): quadrant(_exact(dept.get("cmi")), _exact(dept.get("profit")))
        for dept in inputs["depts"]
    }
    return {"quadrant": found}


def group_profit(inputs: Numbers, params: Numbers) -> Results:
    pairs = [(_exact(case.get("std")), _exact(case.get("cost"))) for case in inputs["cases"]]
    found = profit((std, cost) for std, cost in pairs if std is not None and cost is not None)
    return {
        "profit": _decimal(found.profit, _MONEY),
        "n_surplus": found.surplus,
        "n_deficit": found.deficit,
        "cost_to_std": _decimal(found.cost_to_standard, _places(params)),
    }


def fund_balance(inputs: Numbers, params: Numbers) -> Results:
    income, spending = _exact(inputs.get("income")), _exact(inputs.get("spending"))
    found = None if income is None or spending is None else balance(income, spending)
    return {"balance": _decimal(found, _places(params, _MONEY))}


def sum_parts(inputs: Numbers, params: Numbers) -> Results:
    parts = [value for part in inputs["parts"] if (value := _exact(part)) is not None]
    return {"total": _decimal(sum(parts, Fraction(0)), _places(params, _MONEY))}


RULES: dict[str, Callable[[Numbers, Numbers], Results]] = {
    "kpi.cmi": cmi,
    "kpi.time_index": index,
    "kpi.cost_index": index,
    "kpi.cv": cv,
    "kpi.grouping_rate": grouping_rate,
    "kpi.settle_ratio": settle_ratio,
    "kpi.low_risk_mortality": low_risk_mortality,
    "kpi.quadrant": quadrants,
    "kpi.group_profit": group_profit,
    "kpi.fund_balance": fund_balance,
    "kpi.sum_parts": sum_parts,
}
