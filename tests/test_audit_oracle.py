"""Audit cases against an oracle that reckons each rule a second time, in another way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from run_cases import RULES

Case = tuple[dict[str, Any], dict[str, Any]]

_CENT, _FOUR = Decimal("0.01"), Decimal("0.0001")
_FIRST = date(2024, 2, 26)


def _rounded(value: Decimal, to: Decimal = _CENT) -> str:
    rounded = value.quantize(to, ROUND_HALF_UP)
    return str(rounded if rounded else abs(rounded))  # no -0.00


def _number(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _later(days: int) -> str:
    return (_FIRST + timedelta(days)).isoformat()


def readmit_cases() -> Iterator[Case]:
    for gap, window, same in itertools.product(
        (-3, 0, 1, 10, 11, 15), (0, 10, 15), (True, False, None)
    ):
        inputs: dict[str, Any] = {"discharge": _later(0), "next_admission": _later(gap)}
        yield inputs | {"same_group": same}, {"window_days": window}
        if same is None:
            yield inputs, {"window_days": window}
    for missing in ("discharge", "next_admission"):
        yield (
            {"discharge": _later(0), "next_admission": _later(1), "same_group": True}
            | {missing: None},
            {"window_days": 10},
        )


def readmit(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    if inputs["discharge"] is None or inputs["next_admission"] is None:
        return {"gap_days": None, "hit": None}
    gap = _number(inputs["next_admission"]) - _number(inputs["discharge"])
    near = gap in range(params["window_days"] + 1)
    same = inputs.get("same_group")
    return {"gap_days": gap, "hit": same if near else False}


def overlap_cases() -> Iterator[Case]:
    for start, length, hospital, allowed in itertools.product(
        (-6, -4, -1, 0, 2, 5, 6), (0, 2, 4, 9), ("H1", "H2"), (True, False)
    ):
        b = [_later(start), _later(start + length), hospital]
        yield (
            {"a": [_later(0), _later(5), "H1"], "b": b},
            {"allow_same_day_transfer": allowed},
        )


def overlap(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    (start, end, hospital), (other_start, other_end, other) = inputs["a"], inputs["b"]
    # Days as text compare as days do.
    hit = hospital != other and start <= other_end and end >= other_start
    if params["allow_same_day_transfer"] and (start == other_end or end == other_start):
        hit = False
    return {"hit": hit}


def duplicate_cases() -> Iterator[Case]:
    for parts in (
        [], ["0"], ["35.00"], ["35", "-35"], ["0.01", "0.02"], ["-10.10"],
        ["1", "2.5", "-0.25", "99999999.99"],
    ):  # fmt: skip
        yield {"item_b_inscp": parts}, {}


def duplicate(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    return {"violation": _rounded(sum(map(Decimal, inputs["item_b_inscp"]), Decimal(0)))}


def over_quantity_cases() -> Iterator[Case]:
    for count, in_scope, limit in itertools.product(
        ("0", "1", "3", "5", "7", "2.5"), ("250", "100.01", "0"), ("0", "1", "3", "4.5")
    ):
        yield {"cnt": count, "inscp": in_scope}, {"limit": limit}


def over_quantity(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    count, limit = Decimal(inputs["cnt"]), Decimal(params["limit"])
    over = max(count - limit, Decimal(0))
    return {"violation": _rounded(Decimal(inputs["inscp"]) * over / count if over else Decimal(0))}


def discount_cases() -> Iterator[Case]:
    counts = ("0", "0.5", "0.7", "1", "1.0", "1.4", "2", "2.1", "2.7", "3.4", "7")
    for count, in_scope in itertools.product(counts, ("340", "99.99", "0")):
        yield {"cnt": count, "inscp": in_scope}, {}


def discount(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    count = Decimal(inputs["cnt"])
    excess = count - count * 10 // 7 * 7 / 10
    stake = Decimal(inputs["inscp"]) * excess / count if count else Decimal(0)
    return {"excess_cnt": _rounded(excess, _FOUR), "violation": _rounded(stake)}


def newborn_cases() -> Iterator[Case]:
    codes = [f"O8{digit}.{rest}" for digit in range(6) for rest in ("000", "400", "x01")]
    codes += [f"Z37.{digit}" for digit in range(10)] + ["z37.000", "P59.901", "O79.900", "O83.401"]
    weights = (None, "", "99", "99.9", "100", "3150", "9999", "10000", "heavy", "-1")
    for code in codes:
        yield {"age_days": None, "principal_dx": code, "nwb_adm_wt": None, "nwb_bir_wt": None}, {}
    for age, weight in itertools.product((0, 28, 29, None), weights):
        for code in ("P59.901", "O80.000", "O83.400"):
            yield (
                {"age_days": age, "principal_dx": code, "nwb_adm_wt": weight,
                 "nwb_bir_wt": weight},
                {"wt_min": "100", "wt_max": "9999"},
            )  # fmt: skip


def newborn(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    code = inputs["principal_dx"].upper()
    birth = "O80" <= code[:3] <= "O84" and code != "O83.400"
    birth |= code[:3] == "Z37" and code[4] in "02356"
    newborn = inputs["age_days"] is not None and inputs["age_days"] < 29
    fails = []
    for name, wanted in (("nwb_bir_wt", birth), ("nwb_adm_wt", newborn)):
        weight = inputs[name]
        if wanted and weight in (None, ""):
            fails.append(f"{name}_missing")
        elif wanted and not (weight.isdigit() and 100 <= int(weight) < 10_000):
            fails.append(f"{name}_range")
    return {"fails": fails}


def sum_cases() -> Iterator[Case]:
    for off, tolerance in itertools.product(
        ("0", "0.01", "-0.01", "0.02", "-0.02", "0.5"), ("0", "0.01", "0.015", "0.5", None)
    ):
        total = str(Decimal("10") + Decimal(off))
        inputs = {"items": ["12.00", "-2"], "medfee_sumamt": total, "fund_pay_sumamt": "6.00",
                  "psn_part_amt": "3", "hosp_part_amt": "1"}  # fmt: skip
        params = {} if tolerance is None else {"tol": tolerance}
        yield inputs, params
        yield inputs | {"items": []}, params
        for missing in ("hosp_part_amt", "psn_part_amt", "fund_pay_sumamt", "medfee_sumamt"):
            yield inputs | {missing: None}, params
            yield {key: value for key, value in inputs.items() if key != missing}, params


def sums(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    total = inputs.get("medfee_sumamt")
    paid = [inputs.get(key) for key in ("fund_pay_sumamt", "psn_part_amt")]
    payers = None if None in paid else [*paid, inputs.get("hosp_part_amt") or "0"]

    def agrees(parts: list[str] | None) -> bool | None:
        if total is None or parts is None:
            return None
        off = sum(map(Decimal, parts), Decimal(0)) - Decimal(total)
        return abs(off) <= Decimal(params.get("tol", "0.01"))

    return {"items_ok": agrees(inputs["items"]), "payers_ok": agrees(payers)}


def stay_cases() -> Iterator[Case]:
    for days in (0, 1, 2, 4, 366):
        yield {"admit": _later(0), "discharge": _later(days)}, {}
    yield {"admit": _later(0), "discharge": None}, {}
    yield {"discharge": _later(0)}, {}


def stay(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    if inputs.get("admit") is None or inputs["discharge"] is None:
        return {"los": None}
    return {"los": _number(inputs["discharge"]) - _number(inputs["admit"]) or 1}


def ventilation_cases() -> Iterator[Case]:
    for parts in itertools.product((0, 1, 3, 4), (0, 23, 96), (0, 1, 59, 60)):
        yield {"vent_used_dura": "/".join(map(str, parts))}, {}
    for odd in (None, "", "96", "1/2", "1/2/3/4", "a/b/c", "-1/0/0", "1/ /3", "4天", "//"):
        yield {"vent_used_dura": odd}, {}
    yield {}, {}


def ventilation(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    parts = (inputs.get("vent_used_dura") or "").split("/")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return {"hours": None, "ge96": None}
    days, hours, minutes = map(int, parts)
    total = (days * 24 + hours) * 60 + minutes
    return {"hours": _rounded(Decimal(total) / 60, _FOUR), "ge96": total >= 5760}


def upload_cases() -> Iterator[Case]:
    for days, limit in itertools.product((0, 6, 7, 8, 10, 11), (0, 7, 10)):
        yield {"discharge": _later(0), "uploaded": _later(days)}, {"limit_days": limit}
    yield {"discharge": _later(0), "uploaded": _later(7)}, {}
    yield {"discharge": None, "uploaded": _later(7)}, {}


def upload(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    if inputs["discharge"] is None:
        return {"days": None, "on_time": None}
    days = _number(inputs["uploaded"]) - _number(inputs["discharge"])
    return {"days": days, "on_time": days <= params.get("limit_days", 7)}


_ORACLE: dict[str, tuple[Callable[[], Iterator[Case]], Callable[..., dict[str, Any]]]] = {
    "audit.readmit": (readmit_cases, readmit),
    "audit.overlap": (overlap_cases, overlap),
    "audit.amount_duplicate": (duplicate_cases, duplicate),
    "audit.amount_overqty": (over_quantity_cases, over_quantity),
    "audit.amount_discount70": (discount_cases, discount),
    "audit.newborn_qc": (newborn_cases, newborn),
    "audit.sumcheck": (sum_cases, sums),
    "audit.los": (stay_cases, stay),
    "audit.vent_hours": (ventilation_cases, ventilation),
    "audit.upload_timeliness": (upload_cases, upload),
}


def test_rules_agree_with_an_oracle() -> None:
    count = 0
    for rule, (cases, oracle) in _ORACLE.items():
        for inputs, params in cases():
            count += 1
            assert RULES[rule](inputs, params) == oracle(inputs, params), (rule, inputs, params)
    assert count > 500


def test_what_is_left_out_is_not_told_and_never_raises() -> None:
    for rule in _ORACLE:
        found = RULES[rule]({}, {})
        assert all(value is None or value == [] for value in found.values()) or found == {
            "violation": "0.00"
        }, (rule, found)
