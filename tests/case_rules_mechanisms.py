"""Rules of the per-disease, bed-day and capitation cases: a case to its results as text.

Only the public functions of ``drg.payment`` reckon here; what stands around them reads decimals
and writes them. ``RULES`` maps the name of a rule to ``(inputs, params) -> results``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from drg.money import fen, unscaled, yuan
from drg.payment.mechanisms.bed_day import (
    Tier,
    class_share_fund,
    gross_fen,
    mean_factor_e4,
    package,
    stay_check,
    variable_per_diem,
)
from drg.payment.mechanisms.community import assessed_result, package_result, split
from drg.payment.mechanisms.outpatient import institution_result, visit_payments
from drg.payment.mechanisms.per_disease import (
    Pathway,
    billed_separately,
    exit_reason,
    fixed_fund,
    full_standard,
    infer_standard,
)
from drg.payment.policy import BedDayPackage, DayFactor
from drg.payment.policy.catalog import load_policy
from drg.payment.pricing.levels import best_level, level_of

Numbers = Mapping[str, Any]
Results = dict[str, Any]
Rule = Callable[[Numbers, Numbers], Results]

#: Shipped policy of each table of day factors that cases name.
DAY_FACTORS = {"FY2006-2024": "medicare-ipf-2024"}


def day_factors(table: str) -> tuple[DayFactor, ...]:
    """A table of day factors, from the policy that ships it."""
    return load_policy(DAY_FACTORS[table]).bed_day[0].factors


def _one(value: int) -> np.ndarray:
    return np.array([value], np.int64)


def _flag(value: Any) -> np.ndarray:
    return np.array([bool(value)], np.bool_)


def _fen(value: str | int) -> np.ndarray:
    return _one(fen(value))


def _days(inputs: Numbers) -> np.ndarray:
    return _one(int(inputs["days"]))


def _ratio(params: Numbers, key: str) -> Fraction | None:
    return None if params.get(key) is None else Fraction(params[key])


def _yuan(column: np.ndarray) -> str:
    return yuan(column.item())


# ---- C. per disease


def sd_infer_standard(inputs: Numbers, params: Numbers) -> Results:
    ratio = Fraction(inputs["stated_ratio"])
    found = infer_standard(fen(inputs["fund_fixed"]), ratio, params["reading"])
    return {"standard": yuan(found.standard), "patient_share": yuan(found.patient)}


def sd_fixed_fund(inputs: Numbers, params: Numbers) -> Results:
    pay = fixed_fund(
        _fen(inputs["actual"]), _fen(params["standard"]), Fraction(params["fund_ratio"])
    )
    return {
        "fund_pay": _yuan(pay.fund),
        "patient_pay": _yuan(pay.patient),
        "hospital_result": _yuan(pay.hospital),
    }


def sd_full_standard(inputs: Numbers, params: Numbers) -> Results:
    pay = full_standard(
        _fen(inputs["actual"]),
        _fen(params["standard"]),
        _fen(inputs["patient_paid_by_policy"]),
        params.get("surplus_to", "hospital"),
    )
    return {"fund_pay": _yuan(pay.fund), "hospital_result": _yuan(pay.hospital)}


def sd_wuhan_extra(inputs: Numbers, params: Numbers) -> Results:
    apart = (_fen(inputs.get(key) or "0") for key in ("special_ward_excess", "excluded_implant"))
    found = billed_separately(_fen(inputs["standard"]), *apart)
    return {
        "package": _yuan(found.package),
        "billed_separately": _yuan(found.apart),
        "total": _yuan(found.total),
    }


def sd_exit_check(inputs: Numbers, params: Numbers) -> Results:
    code = exit_reason(
        _flag(inputs["principal_dx_in_list"]),
        _flag(inputs["principal_op_in_list"]),
        _flag(inputs.get("transferred", False)),
        _fen(inputs["cost"]),
        _fen(inputs["standard"]),
        low=_ratio(params, "low"),
        high=_ratio(params, "high"),
    )
    found = list(Pathway)[code.item()]
    return {"mode": found.mode, "reason": found.reason}


# ---- D. bed-day


def bedday_simple(inputs: Numbers, params: Numbers) -> Results:
    factor = Fraction(params.get("category_factor", "1"))
    return {"gross": _yuan(gross_fen(_days(inputs), fen(params["per_diem"]), factor))}


def bedday_dongying(inputs: Numbers, params: Numbers) -> Results:
    # Shares are charges over the charges of the stay, in the smallest unit that holds both.
    shares = [Fraction(inputs[f"class_{c}_share"]) for c in "ab"]
    whole = lcm(*(share.denominator for share in shares))
    capped = inputs.get("reasonable_advance") is not None
    cap = _ratio(params, "cap") if capped else None
    found = class_share_fund(
        gross_fen(_days(inputs), fen(params["per_diem"])),
        *(_one(int(share * whole)) for share in shares),
        _one(whole),
        Fraction(params["ratio_a"]),
        Fraction(params["ratio_b"]),
        cap=cap,
        advance=None if cap is None else _fen(inputs["reasonable_advance"]),
    )
    return {
        "computed": _yuan(found.computed),
        "cap_amount": None if cap is None else _yuan(found.cap_amount),
        "payable": _yuan(found.payable),
    }


def bedday_tiered(inputs: Numbers, params: Numbers) -> Results:
    tiers = [Tier(None if last is None else int(last), fen(p)) for last, p in params["tiers"]]
    return {"gross": _yuan(gross_fen(_days(inputs), tiers))}


def bedday_ipf_vpd(inputs: Numbers, params: Numbers) -> Results:
    days = _one(int(inputs["los"]))
    table = day_factors(params["table"])
    found = variable_per_diem(days, _flag(inputs["ed"]), table, fen(params["base"]))
    # The factors have two decimals, and so has their sum.
    assert found.factor_sum_e6.item() % 10**4 == 0
    return {
        "factor_sum": unscaled(found.factor_sum_e6.item() // 10**4, 2),
        "per_diem_total": _yuan(found.gross),
        "avg_factor": unscaled(mean_factor_e4(found.factor_sum_e6, days).item()),
    }


def bedday_package(inputs: Numbers, params: Numbers) -> Results:
    rule = BedDayPackage(
        package=params["package"],
        max_days=int(params["max_days"]),
        patient_ratio=params["patient_ratio"],
    )
    found = package(_flag(inputs["acute"]), _flag(inputs["first_this_year"]), _days(inputs), rule)
    if not found.applies.item():
        return {"mode": "other", "fund_pay": None, "patient_pay": None}
    return {
        "mode": "package",
        "fund_pay": _yuan(found.fund),
        "patient_pay": _yuan(found.patient),
    }


def bedday_dezhou_check(inputs: Numbers, params: Numbers) -> Results:
    found = stay_check(
        Fraction(inputs["avg_los"]),
        Fraction(inputs["self_pay_share"]),
        inputs["grade"],
        max_average_days=Fraction(params["max_avg_los"]),
        self_pay_max={level: Fraction(most) for level, most in params["self_pay_max"].items()},
    )
    return {"los_ok": found.days_ok, "self_pay_ok": found.self_pay_ok}


# ---- E. capitation


def cap_outpatient(inputs: Numbers, params: Numbers) -> Results:
    visits = inputs["visits"]
    levels = params["levels"]
    cap = fen(params["annual_cap"])
    before = fen(inputs.get("used_before", "0"))
    paid = visit_payments(
        np.zeros(len(visits), np.int64),
        np.arange(len(visits)),
        np.array([fen(visit["cost"]) for visit in visits], np.int64),
        np.array([best_level(level_of(v["level"]), levels) is not None for v in visits], np.bool_),
        Fraction(params["ratio"]),
        cap=cap,
        deductible=fen(params.get("deductible", "0")),
        used_before=before,
    )
    used = before + int(paid.sum())
    return {"paid": [yuan(v) for v in paid.tolist()], "used": yuan(used), "left": yuan(cap - used)}


def cap_institution(inputs: Numbers, params: Numbers) -> Results:
    found = institution_result(
        int(inputs["enrolled"]),
        fen(inputs["reimbursed"]),
        fen(params["per_head"]),
        Fraction(params.get("surplus_keep", "1")),
        Fraction(params.get("overspend_share", "0")),
    )
    return {
        "capitation": yuan(found.capitation),
        "result": yuan(found.result),
        "final_to_institution": yuan(found.final),
    }


def cap_package(inputs: Numbers, params: Numbers) -> Results:
    found = package_result(
        fen(inputs["own_spend"]),
        fen(inputs["outflow_spend"]),
        fund=fen(inputs["fund"]),
        ratio=Fraction(params["package_ratio"]),
    )
    shares = split(found.balance, {k: Fraction(v) for k, v in params["split"].items()})
    return {
        "package": yuan(found.package),
        "surplus": yuan(found.balance),
        "shares": {member: yuan(part) for member, part in shares.items()},
    }


def cap_package_assessed(inputs: Numbers, params: Numbers) -> Results:
    found = assessed_result(
        fen(inputs["package"]),
        fen(inputs["spend"]),
        Fraction(params["assessment"]),
        Fraction(params["overspend_share"]),
        Fraction(params["reasonable_limit"]),
    )
    names = ("retained", "returned", "fund_extra", "community_bears")
    return {"surplus": yuan(found.balance)} | {n: yuan(getattr(found, n)) for n in names}


RULES: dict[str, Rule] = {
    "sd.infer_standard": sd_infer_standard,
    "sd.fixed_fund": sd_fixed_fund,
    "sd.full_standard": sd_full_standard,
    "sd.wuhan_extra": sd_wuhan_extra,
    "sd.exit_check": sd_exit_check,
    "bedday.simple": bedday_simple,
    "bedday.dongying": bedday_dongying,
    "bedday.tiered": bedday_tiered,
    "bedday.ipf_vpd": bedday_ipf_vpd,
    "bedday.package": bedday_package,
    "bedday.dezhou_check": bedday_dezhou_check,
    "cap.outpatient": cap_outpatient,
    "cap.institution": cap_institution,
    "cap.package": cap_package,
    "cap.package_assessed": cap_package_assessed,
}
