"""Claims grouped by a made-up DIP catalogue, and a slow oracle of what each comes to."""

from __future__ import annotations

import random
from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl

from drg.dip.deviation import DeviationClass, case_score
from drg.money import fen, round_scaled
from drg.payment.policy import DipDeviation, DipPayment, Month, PatientShare, Policy, Year
from drg.payment.policy.dip import rule_of

Row = dict[str, Any]
#: Group, class, score, mean cost of every level, mean cost of tertiary hospitals (yuan).
GROUPS: dict[str, tuple[str, str, str | None, str | None]] = {
    "K80.1:51.2300": ("core.surgery", "1234.5678", "10000", "12000.01"),
    "I10": ("primary.conservative", "300.0001", "2500", None),
    "J18:BSZL": ("comprehensive.conservative", "450.5", None, "4000"),
    "KBBZ": ("blank.conservative", "1000", "9000", None),
    "Z99": ("core.conservative", "77.7777", None, None),
}
SCHEMA = {
    "claim_id": pl.String, "hospital_id": pl.String, "hospital_level": pl.String,
    "insurance": pl.String, "payer": pl.String, "discharged_on": pl.Date, "los_days": pl.Int64,
    "diagnoses": pl.List(pl.String), "total_cost": pl.String, "patient_paid": pl.String,
    "mdc": pl.String, "adrg": pl.String, "group": pl.String, "severity": pl.String,
    "outcome": pl.String, "reason": pl.String, "group_name": pl.String, "group_class": pl.String,
    "auxiliary": pl.String, "decided_by": pl.String, "score": pl.Decimal(18, 4),
    "scheme": pl.String,
}  # fmt: skip
MEANS = {
    f"{group}|{level}" if level else group: yuan
    for group, (_, _, wide, narrow) in GROUPS.items()
    for level, yuan in (("", wide), ("三级", narrow))
    if yuan is not None
}


def policy(**parts: Any) -> Policy:
    """A policy that pays by DIP; ``month`` and ``year`` as mappings, the rest of the DIP part."""
    month, year = parts.pop("month", {}), parts.pop("year", {})
    whole = parts.pop("policy", {})
    parts.setdefault("catalogue", "made-up")
    parts.setdefault("point_values", [{"insurance": "310", "yuan": "2040000000/176000000"},
                                      {"insurance": "390", "yuan": "9.87654"}])  # fmt: skip
    return Policy(
        id="dip-2025", place="dip", place_zh="试", title_zh="试", title_en="test",
        digest="0123456789abcdef" * 4, dip=DipPayment(**parts), month=Month(**month),
        year=Year(**year), **whole,
    )  # fmt: skip


def claim(group: str | None = "K80.1:51.2300", **said: Any) -> Row:
    base = None if group is None else group.partition("_")[0]
    kind, score, _, _ = GROUPS.get(base or "", (None, None, None, None))
    row: Row = {
        "claim_id": "C1", "hospital_id": "H1", "hospital_level": "三级甲等", "insurance": "310",
        "payer": None, "discharged_on": date(2025, 6, 5), "los_days": 5,
        "diagnoses": ["K80.100"], "total_cost": "9000.00", "patient_paid": "2000.00",
        "mdc": None, "adrg": base, "group": group, "severity": None,
        "outcome": "GROUPED" if group else "UNGROUPABLE", "reason": None, "group_name": group,
        "group_class": kind, "auxiliary": None, "decided_by": None, "score": score,
        "scheme": "made-up",
    }  # fmt: skip
    return row | said


def frame(rows: list[Row]) -> pl.DataFrame:
    plain = SCHEMA | {"score": pl.String}
    return pl.DataFrame(rows, schema=plain, orient="row").cast({"score": SCHEMA["score"]})


def month(size: int, rng: random.Random, *, number: int = 6) -> list[Row]:
    """Claims of few hospitals and groups, at and around every bound."""
    rows = []
    for n in range(size):
        group = rng.choice([*GROUPS, "K80.1:51.2300", "K80.1:51.2300"])
        mean = Fraction(GROUPS[group][2] or GROUPS[group][3] or "1000")
        cost = mean * rng.choice(
            [Fraction(k) for k in ("0.3", "0.4999", "0.5", "0.51", "1", "2", "2.0001", "5", "7")]
        )
        cost_fen = round_scaled(cost, 2) + rng.choice([-1, 0, 0, 1])
        paid = rng.randrange(cost_fen + 1) if rng.random() < 0.9 else 0
        hospital = rng.choice(("H1", "H2", "H3"))
        rows.append(
            claim(
                group if rng.random() < 0.95 else None,
                claim_id=f"C{number:02}{n:04}",
                hospital_id=hospital,
                hospital_level={"H1": "三级甲等", "H2": "二级", "H3": "一级"}[hospital],
                insurance=rng.choice(("310", "310", "390")),
                payer=rng.choice((None,) * 12 + ("self_pay",)),
                discharged_on=date(2025, number, rng.randint(1, 28)),
                total_cost=f"{cost_fen // 100}.{cost_fen % 100:02}",
                patient_paid=f"{paid // 100}.{paid % 100:02}",
            )
        )
    return rows


# ---- the oracle


def coefficient(row: Row, dip: DipPayment) -> Fraction:
    """By level and hospital; primary-care groups have none."""
    if str(row["group_class"]).split(".")[0] in dip.same_price_classes:
        return Fraction(1)
    level = row["hospital_level"][0]
    found = Fraction(1)
    for said in dip.coefficients:
        if said.hospital == row["hospital_id"]:
            return said.coefficient
        if said.hospital_level and said.hospital_level[0] == level:
            found = said.coefficient
    return found


def mean_of(row: Row, said: DipDeviation, value: Fraction) -> Fraction:
    """Yuan; 0: there is none."""
    score = Fraction(row["score"])
    if said.reference == "score":
        return Fraction(round_scaled(score * (said.regional_mean or 0) / said.score_scale, 0), 100)
    if said.reference == "standard":
        return Fraction(round_scaled(score * value, 2), 100)
    keys = [row["group"]]
    if row["hospital_level"].startswith("三"):
        keys.insert(0, f"{row['group']}|三级")
    return Fraction(next((said.means[key] for key in keys if key in said.means), 0), 100)


def expected(row: Row, dip: DipPayment) -> tuple[Any, ...]:
    """Class, branch, final score × 10⁴, standard, fund and patient in fen; or a note."""
    if row["outcome"] != "GROUPED":
        return ("P632",)
    value = next((v.yuan for v in dip.point_values if v.insurance in ("", row["insurance"])), None)
    if value is None:
        return ("P650",)
    cost, paid = Fraction(row["total_cost"]), Fraction(row["patient_paid"])
    factor = coefficient(row, dip)
    points: Fraction | None = Fraction(row["score"]) * factor
    kind, branch = None, "STANDARD"
    if dip.deviation is not None:
        rule = rule_of(dip.deviation)
        blank = str(row["group_class"]).startswith("blank")
        mean = mean_of(row, dip.deviation, value)
        found = case_score(cost, mean, row["score"], factor, rule=rule, blank=blank)
        if found.deviation is None:
            if dip.deviation.without_mean == "return":
                return ("P651",)
        else:
            kind = str(found.deviation)
            branch = _branch(found.deviation, rule)
            if found.score is None and row["payer"] is None:
                return ("P652",)
            points = points if found.score is None else found.score
    assert points is not None
    score_e4 = round_scaled(points, 4)
    standard = round_scaled(Fraction(score_e4, 10**4) * value, 2)
    return kind, branch, score_e4, standard, *_parts(standard, cost, paid, row, dip)


def _branch(kind: DeviationClass, rule: Any) -> str:
    if kind is DeviationClass.ULTRA_LOW:
        return "LOW_BY_SCORE"
    if kind is DeviationClass.BLANK_GROUP:
        return "BLANK_GROUP"
    high = kind is DeviationClass.ULTRA_HIGH or (
        kind is DeviationClass.EXTREME and rule.extreme_score == "high"
    )
    return "HIGH_BY_SCORE" if high and rule.high_score != "normal" else "STANDARD"


def _parts(
    standard: int, cost: Fraction, paid: Fraction, row: Row, dip: DipPayment
) -> tuple[int, int]:
    patient = fen(row["patient_paid"])
    if dip.fund_by == "pay_ratio":
        if dip.fund_ratio_scope == "case":
            ratio = (cost - paid) / cost if cost else Fraction(1)
        else:
            hospital = row["hospital_id"] if dip.fund_ratio_scope == "provider" else ""
            ratio = next(r.ratio for r in dip.pay_ratios if r.hospital == hospital)
        return round_scaled(standard * ratio, 0), patient
    share: PatientShare = dip.share
    if share.basis == "actual":
        return max(standard - patient, 0), patient
    assert share.patient_ratio is not None
    own = round_scaled(standard * share.patient_ratio, 0)
    own = min(own, patient) if share.basis == "min" else own
    return standard - own, own
