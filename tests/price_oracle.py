"""Pricing row by row in plain Python: slow, with fractions, sharing no code with the pricer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

from drg.payment.policy import Policy

Row = dict[str, Any]
#: Levels in these tests, each with what covers it.
LEVELS = {"三级甲等": ("三级甲等", "三级"), "三级": ("三级",), "二级": ("二级",)}
_STATISTICS = ("self_pay", "work_injury")


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


def money(cell: str | None) -> int | None:
    """Fen of a cell with at most two decimals; None: nothing, or nothing readable."""
    try:
        return int(Decimal(cell) * 100) if cell else None
    except InvalidOperation:
        return None


def price(
    rows: Sequence[Row],
    policy: Policy,
    weights: Mapping[str, str],
    decisions: Sequence[tuple[str, str, str, int | None]] = (),
    used: Mapping[str, int] | None = None,
) -> list[Row]:
    """What each claim comes to: mode, route, class, branch, note, and the amounts in fen."""
    ruled = {(claim, matter): (decision, amount) for claim, matter, decision, amount in decisions}
    out = [_alone(row, policy, weights) for row in rows]
    for row, found in zip(rows, out, strict=True):
        ruling = ruled.get((row["claim_id"], "special_review"), ("", 0))
        by_group = found["mode"] == "DRG" and row.get("payer") not in _STATISTICS
        if by_group and not found["note"] and ruling == ("adjusted", None):
            found["note"] = "P644"
    _doubles(rows, out)
    _caps(rows, out, policy, ruled)
    _back_again(rows, out, policy)
    _visits(rows, out, policy, used or {})
    for row, found in zip(rows, out, strict=True):
        if found["note"]:
            found.update(mode="UNPAID", branch=None, price=None, patient=None, fund=None,
                         case_class=None)  # fmt: skip
        elif row.get("payer") in _STATISTICS:
            found.update(mode="STATISTICS", route="P502")
    return out


def _alone(row: Row, policy: Policy, weights: Mapping[str, str]) -> Row:
    cost, paid = money(row["total_cost"]), money(row["patient_paid"])
    found: Row = {
        "mode": "UNPAID", "route": "P501", "case_class": None, "branch": None, "note": None,
        "standard": None, "cost": cost, "price": None, "patient": None, "fund": None,
        "high": False,
    }  # fmt: skip

    def note(code: str) -> Row:
        found["note"] = code
        return found

    visit = row.get("care_type") in ("11", "13")
    outside = row.get("payer") in _STATISTICS
    if row["claim_id"] is None:
        return note("P601")
    if cost is None:
        return note("P602")
    if cost < 0:
        return note("P603")
    if row["hospital_id"] is None:
        return note("P608")
    if row["discharged_on"] is None:
        return note("P614")
    if row["discharged_on"] not in policy.in_force:
        return note("P616")
    if row.get("payer") == "?":
        return note("P613")
    if policy.insurances and not outside:
        if row["insurance"] is None:
            return note("P611")
        if row["insurance"] not in policy.insurances:
            return note("P612")
    if paid is None and not visit:
        return note("P605")
    if paid is not None and paid < 0:
        return note("P606")
    if paid is not None and paid > cost:
        return note("P607")
    if visit:
        return _visit(row, found, policy, note)
    if row["outcome"] == "REJECTED":
        return note("P630")
    return _stay(row, found, policy, weights, note, cost, paid or 0)


def _visit(row: Row, found: Row, policy: Policy, note: Any) -> Row:
    rule = policy.outpatient
    if rule is None or row["care_type"] not in rule.care_types:
        return note("P641")
    found["route"] = "P570"
    level = row["hospital_level"]
    if rule.levels and level is None:
        return note("P610")
    outside = row.get("payer") in _STATISTICS
    if rule.annual_cap is not None and row["patient_id"] is None and not outside:
        return note("P645")
    found.update(mode="VISIT", branch="VISIT", standard=found["cost"], price=found["cost"],
                 patient=found["cost"], fund=0)  # fmt: skip
    found["eligible"] = not rule.levels or any(wide in rule.levels for wide in LEVELS[level])
    return found


def _stay(
    row: Row, found: Row, policy: Policy, weights: Mapping[str, str], note: Any, cost: int,
    paid: int,
) -> Row:  # fmt: skip
    for rule in policy.bed_day:
        if row["care_type"] in rule.match.care_types:
            found["route"] = "P510"
            if row["los_days"] is None:
                return note("P637")
            fitting = [r for r in rule.rates if r.hospital_level in ("", *_wide(row))]
            if not fitting:
                return note("P610" if row["hospital_level"] is None else "P642")
            rate = max(fitting, key=lambda r: _narrow(r.hospital_level, row))
            gross = max(row["los_days"], 1) * rate.per_diem
            fund = max(gross - paid, 0)
            if rule.fund == "ratio":
                fund = half_up(gross * rule.fund_ratio)
            found.update(mode="BED_DAY", branch="PER_DIEM", standard=gross, price=gross,
                         patient=paid, fund=fund)  # fmt: skip
            return found
    drg = policy.drg
    assert drg is not None
    if drg.exclusion is not None:
        days = row["los_days"]
        if days is None:
            return note("P637")
        if drg.exclusion.short_days is not None and days <= drg.exclusion.short_days:
            return _by_item(found, cost, paid, "P530")
        if drg.exclusion.long_days is not None and days >= drg.exclusion.long_days:
            return _by_item(found, cost, paid, "P531")
    for outcome, choice, code, route in (
        ("UNGROUPABLE", drg.ungrouped, "P632", "P550"),
        ("AMBIGUOUS", drg.ambiguous, "P633", "P551"),
    ):
        if row["outcome"] == outcome:
            if choice == "by_item":
                return _by_item(found, cost, paid, route)
            found["route"] = "P580"
            return note(code)
    if row["outcome"] != "GROUPED":
        return note("P631")
    found["route"] = "P540"
    if row["group"] not in weights:
        if drg.unweighted == "by_item":
            return _by_item(found, cost, paid, "P552")
        return note("P634")
    return _grouped(row, found, policy, Fraction(weights[row["group"]]), note, cost, paid)


def _grouped(
    row: Row, found: Row, policy: Policy, weight: Fraction, note: Any, cost: int, paid: int
) -> Row:
    drg = policy.drg
    assert drg is not None
    rate = _rate(row, policy)
    if isinstance(rate, str):
        return note(rate)
    coefficient = Fraction(1)
    for line in drg.coefficients:
        if line.hospital == row["hospital_id"] and row["group"] not in drg.same_price_groups:
            coefficient = line.coefficient
    outliers = drg.outliers
    if outliers is not None and any(k for k in outliers.high) and row["hospital_level"] is None:
        return note("P610")
    if drg.transfer is not None and row["disposition"] is None:
        return note("P638")
    moved = drg.transfer is not None and row["disposition"] == "2"
    if moved and row["los_days"] is None:
        return note("P637")
    if moved and row["group"] not in drg.transfer.gmlos:
        return note("P636")
    standard = half_up(weight * rate * coefficient)
    found.update(mode="DRG", standard=standard, branch="STANDARD")
    value = standard
    if moved:
        days = row["los_days"] + drg.transfer.first_day_multiple - 1
        value = min(standard, half_up(standard / drg.transfer.gmlos[row["group"]] * days))
        found["branch"] = "TRANSFER"
    _split(found, policy, value, paid)
    found["reduced"] = half_up(value * drg.readmission.factor) if drg.readmission else None
    if outliers is None:
        return found
    found["case_class"] = "NORMAL"
    multiple = outliers.high.get("")
    for level in reversed(_wide(row)):
        multiple = outliers.high.get(level, multiple)
    if multiple is not None and cost > multiple * standard:
        found.update(case_class="ULTRA_HIGH", high=True, branch="HIGH_OVER_CAP")
        if row.get("payer") in _STATISTICS:
            found.update(branch="HIGH_BY_ITEM", price=cost, patient=paid, fund=cost - paid)
    if outliers.low is not None and cost < outliers.low * standard:
        found.update(case_class="ULTRA_LOW", branch="LOW_BY_ITEM", high=False, price=cost,
                     patient=paid, fund=cost - paid)  # fmt: skip
    return found


def _rate(row: Row, policy: Policy) -> int | str:
    """The rate, or the note of the claim that has none."""
    assert policy.drg is not None
    rates = policy.drg.rates

    def best(insurance: str | None, levels: Sequence[str]) -> int | None:
        fitting = [
            r for r in rates
            if r.insurance in ("", insurance) and r.hospital_level in ("", *levels)
        ]  # fmt: skip
        if not fitting:
            return None
        return max(
            fitting, key=lambda r: (bool(r.insurance), LEVELS_DEPTH.get(r.hospital_level, 0))
        ).rate

    insurances = {r.insurance for r in rates} - {""}
    options = [row["insurance"]] if row["insurance"] else [None, *sorted(insurances)]
    ladders = [_wide(row)] if row["hospital_level"] else [(), *LEVELS.values()]
    named = {r.hospital_level for r in rates} - {""}
    ladders = [tuple(lv for lv in ladder if lv in named) for ladder in ladders]
    by_level = {ladder: {best(i, ladder) for i in options} for ladder in ladders}
    # Whether the level matters is asked for each insurance.
    if any(len({best(i, ladder) for ladder in ladders}) > 1 for i in options[:1]):
        return "P610"
    found = by_level[ladders[0]]
    if len(found) > 1:
        return "P611"
    (rate,) = found
    return "P635" if rate is None else rate


LEVELS_DEPTH = {"三级": 1, "二级": 1, "三级甲等": 2}


def _wide(row: Row) -> tuple[str, ...]:
    return LEVELS.get(row["hospital_level"], ())


def _narrow(level: str, row: Row) -> int:
    wide = _wide(row)
    return len(wide) - wide.index(level) if level else 0


def _by_item(found: Row, cost: int, paid: int, route: str) -> Row:
    found.update(mode="BY_ITEM", route=route, branch="BY_ITEM", price=cost, patient=paid,
                 fund=cost - paid)  # fmt: skip
    return found


def _split(found: Row, policy: Policy, value: int, paid: int) -> None:
    assert policy.drg is not None
    share = policy.drg.share
    found["price"] = value
    if share.basis == "actual":
        found.update(patient=paid, fund=max(value - paid, 0))
        return
    assert share.patient_ratio is not None
    part = half_up(value * share.patient_ratio)
    part = min(part, paid) if share.basis == "min" else part
    found.update(patient=part, fund=value - part)


def _doubles(rows: Sequence[Row], out: Sequence[Row]) -> None:
    by_id: dict[str, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        if row["claim_id"] is not None:
            by_id[row["claim_id"]].append(n)
    for places in by_id.values():
        newest = max(rows[n]["version"] or 1 for n in places)
        same = [n for n in places if (rows[n]["version"] or 1) == newest]
        contents = {
            tuple(str(v) for k, v in rows[n].items() if k != "version") for n in same
        }  # fmt: skip
        for n in places:
            if n not in same:
                _kill(out[n], "P619")
            elif len(contents) > 1:
                _kill(out[n], "P617")
            elif n != same[0]:
                _kill(out[n], "P618")


def _kill(found: Row, code: str) -> None:
    """Another claim stands in the way; what was wrong with this one before stays its note."""
    if found["note"] is None:
        found.update(note=code, route="P501")
    found["dead"] = True


def _caps(
    rows: Sequence[Row], out: Sequence[Row], policy: Policy, ruled: Mapping[Any, Any]
) -> None:
    drg = policy.drg
    if drg is None:
        return
    live = [
        n for n, row in enumerate(rows)
        if out[n]["mode"] == "DRG" and not out[n]["note"] and row.get("payer") not in _STATISTICS
    ]  # fmt: skip
    done: set[int] = set()

    def unit(n: int, region: bool) -> Any:
        day: date = rows[n]["discharged_on"]
        return (day.year, day.month, "" if region else rows[n]["hospital_id"])

    def passing(wanted: list[int], cap: Fraction | None, region: bool) -> set[int]:
        if cap is None:
            return set(wanted)
        counts: dict[Any, int] = defaultdict(int)
        for n in live:
            counts[unit(n, region)] += 1
        kept = set()
        for where in {unit(n, region) for n in wanted}:
            here = [n for n in wanted if unit(n, region) == where]
            here.sort(key=lambda n: (out[n]["standard"] - out[n]["cost"], rows[n]["claim_id"]))
            kept |= set(here[: floor(counts[where] * cap)])
        return kept

    def item(n: int, branch: str) -> None:
        paid = money(rows[n]["patient_paid"]) or 0
        out[n].update(branch=branch, price=out[n]["cost"], patient=paid,
                      fund=out[n]["cost"] - paid, settled=True)  # fmt: skip

    def over(n: int, branch: str) -> None:
        if out[n]["branch"] != "LOW_BY_ITEM":
            out[n]["branch"] = branch

    outliers, review = drg.outliers, drg.review
    asked = [
        n for n in live
        if ruled.get((rows[n]["claim_id"], "special_review"), ("",))[0] in ("by_item", "adjusted")
    ]  # fmt: skip
    kept = passing(asked, review.cap if review else None,
                   bool(review and review.cap_scope == "region"))  # fmt: skip
    for n in asked:
        decision, amount = ruled[rows[n]["claim_id"], "special_review"]
        if n not in kept:
            over(n, "REVIEW_OVER_CAP")
        elif decision == "by_item":
            item(n, "REVIEW_BY_ITEM")
        else:
            _split(out[n], policy, amount, money(rows[n]["patient_paid"]) or 0)
            out[n].update(branch="REVIEW_ADJUSTED", settled=True)
    done |= kept
    asked = [
        n for n in live
        if n not in done and ruled.get((rows[n]["claim_id"], "by_item"), ("",))[0] == "accepted"
    ]  # fmt: skip
    kept = passing(asked, outliers.applied_cap if outliers else None, False)
    for n in asked:
        if n in kept:
            item(n, "APPLIED_BY_ITEM")
        else:
            over(n, "APPLIED_OVER_CAP")
    done |= kept
    asked = [n for n in live if n not in done and out[n]["high"]]
    assert not asked or outliers is not None
    kept = passing(asked, outliers.high_cap if outliers else None,
                   bool(outliers and outliers.cap_scope == "region"))  # fmt: skip
    for n in asked:
        if n in kept:
            item(n, "HIGH_BY_ITEM")
        else:
            out[n]["branch"] = "HIGH_OVER_CAP"


def _back_again(rows: Sequence[Row], out: Sequence[Row], policy: Policy) -> None:
    rule = policy.drg.readmission if policy.drg else None
    if rule is None:
        return
    stays: dict[Any, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        if (
            out[n]["mode"] == "DRG" and not out[n]["note"] and row["patient_id"]
            and row["admitted_on"] and row.get("payer") not in _STATISTICS
        ):  # fmt: skip
            stays[row["patient_id"], row["group"]].append(n)
    for (_, group), places in stays.items():
        places.sort(
            key=lambda n: (rows[n]["admitted_on"], rows[n]["discharged_on"], rows[n]["claim_id"])
        )
        for before, after in pairwise(places):
            gap = (rows[after]["admitted_on"] - rows[before]["discharged_on"]).days
            found = out[before]
            by_group = found["branch"] != "LOW_BY_ITEM" and not found.get("settled")
            if 0 <= gap <= rule.window_days and by_group and group not in rule.exempt_groups:
                found["branch"] = "READMISSION"
                _split(found, policy, found["reduced"], money(rows[before]["patient_paid"]) or 0)


def _visits(
    rows: Sequence[Row], out: Sequence[Row], policy: Policy, used: Mapping[str, int]
) -> None:
    rule = policy.outpatient
    if rule is None:
        return
    spent = defaultdict(int, used)
    visits = [
        n for n, row in enumerate(rows)
        if out[n]["mode"] == "VISIT" and not out[n]["note"] and row.get("payer") not in _STATISTICS
    ]  # fmt: skip
    for n in sorted(visits, key=lambda n: (rows[n]["discharged_on"], rows[n]["claim_id"])):
        assert rule.ratio is not None
        due = half_up(max(out[n]["cost"] - rule.deductible, 0) * rule.ratio)
        due = due if out[n]["eligible"] else 0
        if rule.annual_cap is not None:
            due = min(due, max(rule.annual_cap - spent[rows[n]["patient_id"]], 0))
            spent[rows[n]["patient_id"]] += due
        out[n].update(fund=due, patient=out[n]["cost"] - due)
