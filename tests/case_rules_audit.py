"""Rules of the audit cases: stays, charges, list quality (spec H).

Only the public functions of ``drg.audit`` reckon here; what stands around them reads decimals and
writes them. ``RULES`` maps the name of a rule to ``(inputs, params) -> results``. What an input
leaves out is not reported; a result that cannot be told is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from drg.audit.charges import (
    SECOND,
    discount_excess,
    included_twice,
    over_discount,
    over_quantity,
)
from drg.audit.quality import (
    VENTILATED_HOURS,
    WEIGHTS,
    duration_hours,
    length_of_stay,
    newborn_fails,
    sum_check,
    timeliness,
)
from drg.audit.stays import Stay, overlaps, readmission
from drg.money import fen, round_scaled, unscaled, yuan

Numbers = Mapping[str, Any]
Results = dict[str, Any]

WINDOW = 15
UPLOAD_DAYS = 7


def _given(numbers: Numbers, key: str, otherwise: Any = None) -> Any:
    """A value; one that is null or blank is not given."""
    found = numbers.get(key)
    return otherwise if found is None or found == "" else found


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None


def _ratio(numbers: Numbers, key: str, otherwise: Fraction | int | None = None) -> Any:
    found = _given(numbers, key)
    return otherwise if found is None else Fraction(str(found))


def _fen(amount: Any) -> int | None:
    return None if amount is None or amount == "" else fen(amount, half_up=True)


def _decimal(value: Fraction, places: int = 4) -> str:
    return unscaled(round_scaled(value, places), places)


def readmit(inputs: Numbers, params: Numbers) -> Results:
    found = readmission(
        _day(inputs.get("discharge")),
        _day(inputs.get("next_admission")),
        window=int(_given(params, "window_days", WINDOW)),
        related=inputs.get("same_group"),
        planned=bool(inputs.get("planned")),
    )
    return {"gap_days": found.gap_days, "hit": found.hit}


def overlap(inputs: Numbers, params: Numbers) -> Results:
    a, b = (
        Stay(_day(start), _day(end), hospital or None)
        for start, end, hospital in (inputs.get(key) or (None,) * 3 for key in "ab")
    )
    allowed = _given(params, "allow_same_day_transfer", True)
    return {"hit": overlaps(a, b, same_day_transfer=allowed)}


def amount_duplicate(inputs: Numbers, params: Numbers) -> Results:
    parts = [_fen(part) for part in inputs.get("item_b_inscp") or ()]
    known = [part for part in parts if part is not None]
    return {"violation": yuan(included_twice(known)) if len(known) == len(parts) else None}


def amount_overqty(inputs: Numbers, params: Numbers) -> Results:
    count, in_scope, limit = (
        _ratio(inputs, "cnt"),
        _fen(inputs.get("inscp")),
        _ratio(params, "limit"),
    )
    if count is None or in_scope is None or limit is None:
        return {"violation": None}
    return {"violation": yuan(over_quantity(count, in_scope, limit))}


def amount_discount70(inputs: Numbers, params: Numbers) -> Results:
    count, in_scope = _ratio(inputs, "cnt"), _fen(inputs.get("inscp"))
    share = _ratio(params, "share", SECOND)
    if count is None:
        return {"excess_cnt": None, "violation": None}
    return {
        "excess_cnt": _decimal(discount_excess(count, share)),
        "violation": None if in_scope is None else yuan(over_discount(count, in_scope, share)),
    }


def newborn_qc(inputs: Numbers, params: Numbers) -> Results:
    diagnoses = [inputs.get("principal_dx"), *(inputs.get("other_dx") or ())]
    age = _given(inputs, "age_days")
    fails = newborn_fails(
        None if age is None else int(age),
        [code for code in diagnoses if code],
        inputs.get("nwb_adm_wt"),
        inputs.get("nwb_bir_wt"),
        weights=(_ratio(params, "wt_min", WEIGHTS[0]), _ratio(params, "wt_max", WEIGHTS[1])),
    )
    return {"fails": list(fails)}


def sumcheck(inputs: Numbers, params: Numbers) -> Results:
    # Hospitals seldom bear anything: a list that leaves their part out means nothing.
    hospital = _fen(inputs.get("hosp_part_amt")) or 0
    items = inputs.get("items")
    found = sum_check(
        _fen(inputs.get("medfee_sumamt")),
        items=None if items is None else [_fen(part) for part in items],
        payers=[*(_fen(inputs.get(key)) for key in ("fund_pay_sumamt", "psn_part_amt")), hospital],
        # Sums are whole fen: of a tolerance only whole fen count.
        tolerance=math.floor(_ratio(params, "tol", Fraction(1, 100)) * 100),
    )
    return {"items_ok": found.items, "payers_ok": found.payers}


def los(inputs: Numbers, params: Numbers) -> Results:
    admitted, discharged = _day(inputs.get("admit")), _day(inputs.get("discharge"))
    if admitted is None or discharged is None or discharged < admitted:
        return {"los": None}
    return {"los": length_of_stay(admitted, discharged)}


def vent_hours(inputs: Numbers, params: Numbers) -> Results:
    hours = duration_hours(str(_given(inputs, "vent_used_dura", "")))
    if hours is None:
        return {"hours": None, "ge96": None}
    return {"hours": _decimal(hours), "ge96": hours >= VENTILATED_HOURS}


def upload_timeliness(inputs: Numbers, params: Numbers) -> Results:
    discharged, uploaded = _day(inputs.get("discharge")), _day(inputs.get("uploaded"))
    if discharged is None or uploaded is None:
        return {"days": None, "on_time": None}
    found = timeliness(discharged, uploaded, int(_given(params, "limit_days", UPLOAD_DAYS)))
    return {"days": found.days, "on_time": found.on_time}


RULES: dict[str, Callable[[Numbers, Numbers], Results]] = {
    "audit.readmit": readmit,
    "audit.overlap": overlap,
    "audit.amount_duplicate": amount_duplicate,
    "audit.amount_overqty": amount_overqty,
    "audit.amount_discount70": amount_discount70,
    "audit.newborn_qc": newborn_qc,
    "audit.sumcheck": sumcheck,
    "audit.los": los,
    "audit.vent_hours": vent_hours,
    "audit.upload_timeliness": upload_timeliness,
}
