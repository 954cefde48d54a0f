"""Rules of the DIP cases: inputs and parameters of a case to its results as text.

Only the public functions of ``drg.dip`` reckon here; what stands around them reads decimals and
writes them. ``RULES`` maps the name of a rule to ``(inputs, params) -> results``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from drg.dip.auxiliary import (
    ICU_BANDS,
    AgeClass,
    Band,
    age_class,
    applied_subtype,
    band_name,
    class_name,
    icu_class,
    subtype_coefficients,
    trigger,
)
from drg.dip.choose import Candidate, choose
from drg.dip.coefficient import (
    XIAMEN,
    Component,
    DynamicLevel,
    dynamic_coefficient,
    level_coefficient,
)
from drg.dip.deviation import DeviationClass, case_score, rule_set
from drg.dip.formation import (
    LEAST_INCREASE,
    Combination,
    fold_related,
    form_catalogue,
    related_test,
)
from drg.dip.point_value import (
    hospital_settlement,
    initial_point_value,
    month_payment,
    settlement_point_value,
    year_balance,
)
from drg.dip.score import (
    YEAR_WEIGHTS,
    score_by_mean,
    score_by_quota,
    scores_by_anchor,
    structure_score,
    weighted_mean,
)
from drg.dip.severity import severity, tumour_severity
from drg.dip.special import (
    TREATMENTS,
    TUMOUR_RANGES,
    assisted_by_tumour,
    low_birth_weight,
)
from drg.money import fen, round_scaled, unscaled

Numbers = Mapping[str, Any]
Results = dict[str, Any]
Rule = Callable[[Numbers, Numbers], Results]


def _decimal(value: Fraction, places: int) -> str:
    return unscaled(round_scaled(value, places), places)


def _weights(params: Numbers) -> Any:
    return params.get("year_weights", YEAR_WEIGHTS)


# ---- scores of groups


def score(inputs: Numbers, params: Numbers) -> Results:
    mean = weighted_mean(inputs["group_means"], _weights(params))
    overall = weighted_mean(inputs["all_means"], _weights(params))
    found = score_by_mean(mean, overall, params.get("scale", "1000"))
    return {
        "m": _decimal(mean, 2),
        "M": _decimal(overall, 2),
        "score": _decimal(found, params.get("places", 4)),
    }


def score_anchor(inputs: Numbers, params: Numbers) -> Results:
    found = scores_by_anchor(inputs["means"], params["anchor"], params.get("scale", "1000"))
    return {group: _decimal(value, params.get("places", 4)) for group, value in found.items()}


def score_quota(inputs: Numbers, params: Numbers) -> Results:
    found = score_by_quota(inputs["mean"], params["M"])
    return {"score": _decimal(found, params.get("places", 4))}


def structure(inputs: Numbers, params: Numbers) -> Results:
    pairs = {"dRW": ("drug_mean", "drug_all"), "cRW": ("cons_mean", "cons_all")}
    places = params.get("places", 4)
    return {
        name: _decimal(structure_score(inputs[mean], inputs[overall]), places)
        for name, (mean, overall) in pairs.items()
        if mean in inputs
    }


# ---- which groups there are, and which one a case is in


def related_op(inputs: Numbers, params: Numbers) -> Results:
    found = related_test(
        inputs["base_mean"], inputs["with_related_mean"], params.get("threshold", LEAST_INCREASE)
    )
    return {"increase_pct": _decimal(found.increase * 100, 2), "keep": found.keep}


_KINDS = {
    None: ("conservative", "内科诊疗组"),
    "诊断性操作": ("diagnostic", "诊断性操作组"),
    "治疗性操作": ("therapeutic", "治疗性操作组"),
    "手术": ("surgery", "相关手术组"),
    "相关手术": ("surgery", "相关手术组"),
    "保守治疗": ("conservative", "内科诊疗组"),
}
_ATTRIBUTES = dict(_KINDS.values())


def catalogue_form(inputs: Numbers, params: Numbers) -> Results:
    combinations = [
        Combination(
            row["dx"],
            tuple(row["ops"]),
            row["n"],
            _KINDS[row.get("op_attr")][0],
            fen(row["mean"]) * row["n"] if "mean" in row else None,
        )
        for row in inputs["combos"]
    ]
    if "related_threshold" in params:
        combinations = list(fold_related(combinations, params["related_threshold"]))
    found = form_catalogue(combinations, params["threshold"])
    return {
        "core": [f"{c.diagnosis}:{'+'.join(c.procedures)}" for c in found.core],
        "comprehensive": [
            {"dx3": g.category, "attr": _ATTRIBUTES[g.kind], "n": g.cases}
            for g in found.comprehensive
        ],
    }


def lbw(inputs: Numbers, params: Numbers) -> Results:
    found = low_birth_weight(
        inputs["principal_dx"], inputs.get("age_days"), inputs.get("birth_weight_g")
    )
    return {"group": found}


def match(inputs: Numbers, params: Numbers) -> Results:
    candidates = [
        Candidate(row["code"], row["expr"], fen(row["mean"]) if "mean" in row else None)
        for row in inputs["candidates"]
    ]
    order = ["most_terms", "most_procedures", "nearest_mean"]
    if params.get("prefer_main_op"):
        order.insert(0, "reported_principal")
    found = choose(
        candidates,
        inputs["ops"],
        principal=params.get("main_op"),
        cost_fen=fen(inputs["cost"]) if "cost" in inputs else None,
        comparators=order,
    )
    return {"group": found.code}


def dx_assist(inputs: Numbers, params: Numbers) -> Results:
    found = assisted_by_tumour(
        inputs["principal_dx4"],
        inputs["secondary"],
        inputs["treatments"],
        ranges=[(first, last) for first, last in params.get("ranges", TUMOUR_RANGES)],
        order=params.get("order", TREATMENTS),
    )
    if found is None:
        return {"group": None}
    return {
        "group": "|".join([found.principal, "-".join(found.tumour), "+".join(found.treatments)])
    }


# ---- auxiliary types


def aux_coef(inputs: Numbers, params: Numbers) -> Results:
    found = subtype_coefficients(inputs["group_mean"], inputs["subtype_means"])
    places = params.get("places", 4)
    return {
        "coefs": {name: _decimal(value, places) for name, value in found.items()},
        "applied": applied_subtype(found, inputs["matched"]),
    }


_TRIGGER = ("min_group", "min_subtype", "min_cv_drop", "counts_inclusive", "drop_inclusive")


def aux_trigger(inputs: Numbers, params: Numbers) -> Results:
    found = trigger(
        inputs["n_group"],
        inputs["n_subtype"],
        inputs["cv_before"],
        inputs["cv_after"],
        **{name: params[name] for name in _TRIGGER if name in params},
    )
    return {"cv_drop_pct": _decimal(found.cv_drop * 100, 2), "triggered": found.triggered}


def age(inputs: Numbers, params: Numbers) -> Results:
    elder = params.get("elder_from", 65)
    birth, admission = (date.fromisoformat(inputs[key]) for key in ("birth", "admission"))
    found = age_class(birth, admission, elder_from=elder)
    named = class_name(found, "zh", elder_from=elder)
    return {"class": None if found is AgeClass.ADULT else named}


def icu(inputs: Numbers, params: Numbers) -> Results:
    found = icu_class(
        inputs["icu_days"], [Band(*bounds) for bounds in params.get("bounds", ICU_BANDS)]
    )
    return {"class": None if found is None else band_name(found, "zh")}


def _organs(inputs: Numbers, params: Numbers) -> dict[str, Any]:
    named = {name: name in inputs["secondary_sets"] for name in ("organ_failure", "organ_damage")}
    return {**named, "longer_than": params.get("los_gt", 3)}


def severity_nontumour(inputs: Numbers, params: Numbers) -> Results:
    found = severity(inputs["los"], inputs["died"], **_organs(inputs, params))
    return {"level": None if found is None else class_name(found, "zh")}


def severity_tumour(inputs: Numbers, params: Numbers) -> Results:
    costs = ("cost", "standard", "treatment_cost", "drug_cost")
    found = tumour_severity(
        inputs["los"],
        inputs["died"],
        metastasis="metastasis" in inputs["secondary_sets"],
        **_organs(inputs, params),
        **{name: inputs.get(name) for name in costs},
        **{name: params[name] for name in ("multiple", "share") if name in params},
    )
    return {"level": None if found is None else class_name(found, "zh")}


# ---- a case


_VARIANTS = {"base": "hubei", "dip2020": "spec2020"}
_CLASS_TEXT = {
    DeviationClass.ULTRA_LOW: "low",
    DeviationClass.NORMAL: "normal",
    DeviationClass.ULTRA_HIGH: "high",
    DeviationClass.EXTREME: "extreme",
    DeviationClass.BLANK_GROUP: "blank_group",
}
_BOUNDS = ("low", "low_inclusive", "high", "high_inclusive", "extreme", "extreme_inclusive")


def _reference(inputs: Numbers, params: Numbers) -> Any:
    """What the cost is compared with; a standard that is not given is score × point value."""
    for name in ("standard", "same_level_mean"):
        if name in inputs:
            return inputs[name]
    return Fraction(inputs["group_score"]) * Fraction(params["pv"])


def dip_case_score(inputs: Numbers, params: Numbers) -> Results:
    variant = params["variant"]
    rule = rule_set(_VARIANTS.get(variant, variant))
    rule = replace(rule, **{name: params[name] for name in _BOUNDS if name in params})
    found = case_score(
        inputs["cost"],
        _reference(inputs, params),
        inputs["group_score"],
        params.get("hospital_coef") or "1",
        params.get("aux_coef") or "1",
        rule=rule,
        blank=(inputs.get("group_code") or "").upper() == "KBBZ",
    )
    assert found.deviation is not None
    return {
        "class": _CLASS_TEXT[found.deviation],
        "score": None if found.score is None else _decimal(found.score, 4),
    }


# ---- hospital coefficients


def hospital_coef(inputs: Numbers, params: Numbers) -> Results:
    found = level_coefficient(inputs["level_means"], inputs["city_means"], _weights(params))
    return {"coef": _decimal(found, params.get("places", 4))}


_MEASURED = {
    "cmi": ("cmi_excess_pct", "L1"),
    "child": ("child_share_excess_pct", "L2a"),
    "elder": ("elder_share_excess_pct", "L2b"),
    "tcm": ("tcm_share_pct", "L3"),
}
#: Levels whose hospitals have no dynamic part.
_STATIC = ("一级", "基层")


def xiamen_coef(inputs: Numbers, params: Numbers) -> Results:
    level = inputs["level"]
    static = level in _STATIC or "cap" not in params
    parts = {
        name: Component(
            params["step"][name],
            params["cap"][name],
            params["inc"],
            params.get("elder_entry", "0") if name == "elder" else Fraction(0),
        )
        for name in ({} if static else _MEASURED)
    }
    published = XIAMEN.get(level)
    ceiling = params.get("ceiling", published.ceiling if published else None)
    measured = {name: inputs.get(key, "0") for name, (key, _) in _MEASURED.items()}
    found = dynamic_coefficient(DynamicLevel(params["base"], parts, ceiling), measured)
    shown = {
        label: _decimal(found.parts.get(name, Fraction(0)), 2)
        for name, (_, label) in _MEASURED.items()
    }
    return {**shown, "coef": _decimal(found.coefficient, 2)}


# ---- point values and money


def point_value_initial(inputs: Numbers, params: Numbers) -> Results:
    found = initial_point_value(inputs["costs"], inputs["scores"], _weights(params))
    return {
        "cost": _decimal(found.cost, 2),
        "score": _decimal(found.score, 2),
        "pv": _decimal(found.value, params.get("places", 4)),
    }


def point_value_final(inputs: Numbers, params: Numbers) -> Results:
    found = settlement_point_value(
        inputs["dip_fund"], inputs["booked"], inputs["total_cost"], inputs["total_score"]
    )
    return {
        "pay_ratio": _decimal(found.pay_ratio, 4),
        "covered_cost": _decimal(found.covered, 2),
        "pv": _decimal(found.value, params.get("places", 4)),
    }


def settlement(inputs: Numbers, params: Numbers) -> Results:
    ratio = params.get("pay_ratio", "1")  # one for the region cancels
    value = settlement_point_value(inputs["dip_fund"], ratio, 1, inputs["total_score"]).value
    found = hospital_settlement(
        [(inputs["hospital_score"], ratio)],
        value,
        assessment=params.get("assessment_coef", "1"),
        audit_deduction=inputs.get("audit_deduction", "0"),
    )
    return {"gross": _decimal(found.gross, 2), "payable": _decimal(found.payable, 2)}


def monthly(inputs: Numbers, params: Numbers) -> Results:
    found = month_payment(
        inputs["month_score"],
        params["rate"],
        inputs["patient_paid"],
        params["prepay_ratio"],
        inputs.get("audit_deduction", "0"),
    )
    return {"prepay": _decimal(found.prepaid, 2), "retained": _decimal(found.retained, 2)}


def dip_year_balance(inputs: Numbers, params: Numbers) -> Results:
    found = year_balance(
        inputs["payable"],
        inputs["booked_after_audit"],
        retain_ratio=params.get("retain_ratio", "1"),
        share_ratio=params.get("share_ratio", "0"),
        reasonable_limit=params.get("reasonable_overspend_limit", "0"),
    )
    return {"difference": _decimal(found.difference, 2), "final": _decimal(found.final, 2)}


RULES: dict[str, Rule] = {
    "dip.score": score,
    "dip.score_anchor": score_anchor,
    "dip.score_quota": score_quota,
    "dip.structure_score": structure,
    "dip.related_op_test": related_op,
    "dip.catalogue_form": catalogue_form,
    "dip.lbw": lbw,
    "dip.match": match,
    "dip.dx_assist": dx_assist,
    "dip.aux_coef": aux_coef,
    "dip.aux_trigger": aux_trigger,
    "dip.age_class": age,
    "dip.icu_class": icu,
    "dip.severity_nontumour": severity_nontumour,
    "dip.severity_tumour": severity_tumour,
    "dip.case_score": dip_case_score,
    "dip.hospital_coef": hospital_coef,
    "dip.xiamen_coef": xiamen_coef,
    "dip.point_value_initial": point_value_initial,
    "dip.point_value_final": point_value_final,
    "dip.hospital_settlement": settlement,
    "dip.monthly": monthly,
    "dip.year_balance": dip_year_balance,
}
