"""Rules of the DRG and points cases: inputs and parameters of a case to its results as text.

Only the public functions of ``drg.payment`` reckon here; what stands around them reads decimals
and writes them. ``RULES`` maps the name of a rule to ``(inputs, params) -> results``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np

from drg.money import fen, round_scaled, scaled, unscaled, yuan
from drg.payment.history import renormalised, weights_of_means
from drg.payment.mechanisms.exclusions import STAY_CLASSES, StayClass, stay_class
from drg.payment.mechanisms.new_technology import add_on
from drg.payment.mechanisms.outliers import (
    CASE_CLASSES,
    CaseClass,
    by_excess,
    classify,
    cost_ratio_e4,
    high_cap,
    keep_highest,
)
from drg.payment.mechanisms.points import (
    base_points_e4,
    bed_day_points_e4,
    by_item_points_e4,
    case_points_e4,
    coefficient_e4,
    month_prepay_min,
    point_value,
    points_fund_fen,
    published_value,
)
from drg.payment.mechanisms.procurement import (
    PROCUREMENT_KINDS,
    lowest_kind,
    procured_kinds,
    retained_fen,
)
from drg.payment.mechanisms.rates import elastic, rate_from_budget, total_weight_e4
from drg.payment.mechanisms.readmission import halve_previous, reduced
from drg.payment.mechanisms.review import accepted_most, review_cap
from drg.payment.mechanisms.shares import hospital_fen, split_price
from drg.payment.mechanisms.standard import standard_fen
from drg.payment.mechanisms.transfer import transfer_fen
from drg.payment.policy import (
    Exclusion,
    NewTechnology,
    Outliers,
    PatientShare,
    Procurement,
    Readmission,
)

Numbers = Mapping[str, Any]
Results = dict[str, Any]
Rule = Callable[[Numbers, Numbers], Results]


def _one(value: int) -> np.ndarray:
    return np.array([value], np.int64)


def _fen(value: str | int) -> np.ndarray:
    return _one(fen(value))


def _decimal(value: Fraction, places: int) -> str:
    return unscaled(round_scaled(value, places), places)


# ---- weights and rates


def weights_from_history(inputs: Numbers, params: Numbers) -> Results:
    cases = {group["code"]: group["n"] for group in inputs["groups"]}
    means = {group["code"]: Fraction(group["mean"]) for group in inputs["groups"]}
    weights, mean = weights_of_means(means, cases)
    total = sum((weight * cases[code] for code, weight in weights.items()), Fraction(0))
    places = params.get("weight_places", 4)
    return {
        "grand_mean": _decimal(mean, 2),
        "weights": {code: _decimal(weight, places) for code, weight in weights.items()},
        "total_weight": _decimal(total, 4),
    }


def weight_renormalise(inputs: Numbers, params: Numbers) -> Results:
    cases = {group["code"]: group["n"] for group in inputs["groups"]}
    given = {group["code"]: Fraction(group["rw"]) for group in inputs["groups"]}
    weights, scale = renormalised(given, cases, Fraction(inputs["target_total_weight"]))
    places = params.get("weight_places", 4)
    return {
        "scale": _decimal(scale, 6),
        "weights": {code: _decimal(weight, places) for code, weight in weights.items()},
    }


def budget_rate(inputs: Numbers, params: Numbers) -> Results:
    weights = {group["code"]: scaled(group["rw"]) for group in inputs["groups"]}
    total = total_weight_e4(weights, {group["code"]: group["n"] for group in inputs["groups"]})
    found = rate_from_budget(fen(inputs["predicted_total_cost"]), total)
    return {"total_weight": unscaled(total), "rate": yuan(found.rate_fen)}


def rate_elastic(inputs: Numbers, params: Numbers) -> Results:
    cap = params.get("float_cap")
    found = elastic(
        fen(inputs["budget"]),
        Fraction(inputs["base_weight"]),
        Fraction(inputs["increment_weight"]),
        fen(params["fixed_rate"]),
        None if cap is None else fen(cap),
    )
    return {
        "base_amount": _decimal(found.base / 100, 2),
        "float_rate": None if found.rate is None else _decimal(found.rate / 100, 4),
        "base_share": _decimal(found.base_share, 4),
    }


# ---- a case


def standard(inputs: Numbers, params: Numbers) -> Results:
    weight, coefficient = scaled(params["rw"]), scaled(params.get("coef", "1"))
    found = standard_fen(_one(weight), _fen(params["rate"]), _one(coefficient))
    return {"standard": yuan(found.item())}


_BASES = {
    "minus_patient_paid": "actual",
    "actual": "actual",
    "policy_ratio": "policy_ratio",
    "standard": "standard",
    "min": "min",
}


def case_payment(inputs: Numbers, params: Numbers) -> Results:
    share = PatientShare(
        basis=_BASES[params["method"]],
        fund_ratio=params.get("fund_ratio"),
        patient_ratio=params.get("patient_ratio"),
    )
    parts = split_price(
        share,
        _fen(inputs["standard"]),
        _fen(inputs.get("patient_paid", "0")),
        fully_self_paid_fen=_fen(inputs.get("fully_self_paid", "0")),
        first_self_paid_fen=_fen(inputs.get("first_self_paid", "0")),
        deductible_fen=_fen(inputs.get("deductible", "0")),
    )
    found = {
        "fund_pay": yuan(parts.fund.item()),
        "patient_pay": yuan(parts.patient.item()),
        "hospital_income": yuan((parts.fund + parts.patient).item()),
    }
    if "actual_cost" in inputs:
        found["profit"] = yuan(hospital_fen(_fen(inputs["actual_cost"]), parts).item())
    return found


_CLASS_TEXT = {
    CaseClass.ULTRA_LOW: ("low", "FFS"),
    CaseClass.NORMAL: ("normal", "standard"),
    CaseClass.ULTRA_HIGH: ("high", "FFS"),
    CaseClass.EXTREME: ("extreme", "review"),
}


def classify_case(inputs: Numbers, params: Numbers) -> Results:
    multiple = params["high_multiple"]
    bounds = Outliers(
        high=multiple if isinstance(multiple, Mapping) else {"": multiple},
        high_inclusive=params.get("high_inclusive", False),
        low=params.get("low_ratio"),
        low_inclusive=params.get("low_inclusive", False),
        extreme=params.get("extreme_multiple"),
        extreme_inclusive=params.get("extreme_inclusive", False),
    )
    cost, reference = _fen(inputs["cost"]), _fen(inputs["standard"])
    level = [inputs["level"]] if inputs.get("level") else []
    found = classify(cost, reference, np.array([0]), level, bounds)
    name, mode = _CLASS_TEXT[CASE_CLASSES[found.item()]]
    return {
        "class": name,
        "ratio": unscaled(cost_ratio_e4(cost, reference).item()),
        "pay_mode": mode,
    }


def high_cost_cap(inputs: Numbers, params: Numbers) -> Results:
    candidates = inputs["candidates"]
    cap = high_cap(int(inputs["discharges"]), Fraction(params["cap_ratio"]))
    excess = np.array([fen(c["cost"]) - fen(c["standard"]) for c in candidates], np.int64)
    ids = np.array([c["id"] for c in candidates])
    kept = keep_highest(excess, ids, cap)
    order = by_excess(excess, ids)
    return {
        "cap": cap,
        "ffs_ids": [str(ids[row]) for row in order if kept[row]],
        "standard_ids": [str(ids[row]) for row in order if not kept[row]],
    }


_STAY_TEXT = {
    StayClass.BY_GROUP: "DRG",
    StayClass.SHORT: "excluded_short",
    StayClass.LONG: "excluded_long",
    StayClass.BED_DAY: "excluded_bed_day",
}


def los_exclusion(inputs: Numbers, params: Numbers) -> Results:
    short, long = (params.get(key) for key in ("min_los_excl", "max_los_excl"))
    rule = Exclusion(
        short_days=None if short is None else int(short),
        long_days=None if long is None else int(long),
    )
    bed_day = np.array([inputs.get("bed_day_case", False)])
    found = stay_class(_one(int(inputs["los"])), bed_day, rule)
    return {"class": _STAY_TEXT[STAY_CLASSES[found.item()]]}


def special_review_cap(inputs: Numbers, params: Numbers) -> Results:
    return {
        f"{kind}_cap": review_cap(
            int(inputs[f"{kind}_discharges"]), Fraction(params[f"{kind}_ratio"])
        )
        for kind in ("drg", "dip")
        if f"{kind}_discharges" in inputs
    }


def special_ffs_cap(inputs: Numbers, params: Numbers) -> Results:
    cap = high_cap(int(inputs["discharges"]), Fraction(params["cap_ratio"]))
    return {"cap": cap, "accepted_max": accepted_most(int(inputs["applications"]), cap)}


def procurement_retention(inputs: Numbers, params: Numbers) -> Results:
    rule = Procurement(**{kind.value: params.get(kind.value, "1") for kind in PROCUREMENT_KINDS})
    cases = inputs["cases"]
    surplus = np.array([fen(case["surplus"]) for case in cases], np.int64)
    kinds = lowest_kind(procured_kinds([case["kind"] for case in cases]), rule)[:-1]
    found = retained_fen(surplus, kinds, rule)
    retained = [yuan(value) for value in found.tolist()]
    return {
        "retained": dict(zip([case["id"] for case in cases], retained, strict=True)),
        "total": yuan(int(found.sum())),
    }


def transfer_per_diem(inputs: Numbers, params: Numbers) -> Results:
    found = transfer_fen(
        _fen(inputs["standard"]),
        _one(int(inputs["los"])),
        _one(scaled(inputs["gmlos"], 6)),
        np.array([inputs.get("transferred", True)]),
        Fraction(params["first_day_multiple"]),
    )
    return {"pay": yuan(found.item())}


def newtech_beijing(inputs: Numbers, params: Numbers) -> Results:
    rule = NewTechnology(total_multiple=params["total_multiple_gt"], share=params["share_gt"])
    listed, means = inputs["newtech_cost"], inputs["group_mean_category_cost"]
    if not isinstance(listed, Mapping):
        listed, means = {"": listed}, {"": means}
    found = add_on(
        _fen(inputs["case_total"]),
        _fen(inputs["group_mean_cost"]),
        np.array([[fen(listed[category])] for category in listed], np.int64),
        np.array([[fen(means[category])] for category in listed], np.int64),
        rule,
    )
    return {
        "cost_multiple": unscaled(found.multiple_e4.item()),
        "share": unscaled(found.share_e4.item()),
        "addon": yuan(found.fen.item()),
        "price": yuan(fen(inputs["standard"]) + found.fen.item()),
    }


# ---- points


def points_base(inputs: Numbers, params: Numbers) -> Results:
    scale = int(params.get("scale", "100"))
    found = base_points_e4(_fen(inputs["group_mean"]), fen(inputs["city_mean"]), scale)
    return {"base_points": unscaled(found.item())}


def points_case(inputs: Numbers, params: Numbers) -> Results:
    own = _fen(params.get("hospital_group_mean") or "0")
    city = _fen(params["city_group_mean"])
    found = case_points_e4(
        _one(scaled(params["base_points"])),
        _fen(inputs["cost"]),
        np.array([inputs["complete"]]),
        own,
        city,
        params["variant"],
    )
    return {"coef": unscaled(coefficient_e4(own, city).item()), "points": unscaled(found.item())}


def points_bed_day(inputs: Numbers, params: Numbers) -> Results:
    found = bed_day_points_e4(_one(int(inputs["days"])), _one(scaled(params["daily_points"])))
    return {"points": unscaled(found.item())}


def points_readmission(inputs: Numbers, params: Numbers) -> Results:
    rule = Readmission(window_days=params["window_days"], factor=params["factor"])
    gone, back = (date.fromisoformat(inputs[k]) for k in ("prev_discharge", "next_admission"))
    days = np.array([gone.toordinal(), back.toordinal()])
    groups = np.array([0, 0 if inputs["same_group"] else 1])
    exempt = np.array([False, inputs.get("exempt", False)])
    found = halve_previous(np.array([0, 0]), groups, days, days, exempt, rule)
    points = _one(scaled(inputs["prev_points"]))
    return {
        "gap_days": (back - gone).days,
        "prev_points_final": unscaled(reduced(points, found.halved[:1], rule).item()),
    }


def points_settle(inputs: Numbers, params: Numbers) -> Results:
    places = params.get("pv_places", 4)
    total, own = scaled(inputs["total_points"]), scaled(inputs["hospital_points"])
    patients = fen(inputs["hospital_patient_paid"])
    value = point_value(fen(inputs["fund_budget"]), fen(inputs["patient_total"]), total)
    shown = published_value(value, places)
    rounded = Fraction(shown * 100, 10**places)
    return {
        "pv": unscaled(shown, places),
        "hospital_fund_exact": yuan(points_fund_fen(own, value, patients)),
        "hospital_fund_rounded_pv": yuan(points_fund_fen(own, rounded, patients)),
    }


def points_by_item(inputs: Numbers, params: Numbers) -> Results:
    scale = int(params.get("scale", "100"))
    found = by_item_points_e4(_fen(inputs["cost"]), fen(params["city_mean"]), scale)
    return {"points": unscaled(found.item())}


def points_monthly(inputs: Numbers, params: Numbers) -> Results:
    least = month_prepay_min(fen(inputs["month_fund_share"]), Fraction(params["prepay_ratio"]))
    return {"prepay_min": yuan(least)}


RULES: dict[str, Rule] = {
    "drg.weights_from_history": weights_from_history,
    "drg.weight_renormalise": weight_renormalise,
    "drg.rate_from_budget": budget_rate,
    "drg.rate_elastic": rate_elastic,
    "drg.standard": standard,
    "drg.case_payment": case_payment,
    "drg.classify_case": classify_case,
    "drg.high_cost_cap": high_cost_cap,
    "drg.los_exclusion": los_exclusion,
    "drg.special_review_cap": special_review_cap,
    "drg.special_ffs_cap": special_ffs_cap,
    "drg.procurement_retention": procurement_retention,
    "drg.transfer_per_diem": transfer_per_diem,
    "drg.newtech_beijing": newtech_beijing,
    "points.base": points_base,
    "points.case": points_case,
    "points.bed_day": points_bed_day,
    "points.readmission": points_readmission,
    "points.settle": points_settle,
    "points.by_item": points_by_item,
    "points.monthly": points_monthly,
}
