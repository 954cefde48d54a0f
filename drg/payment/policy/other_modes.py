"""Parts of a policy that pay otherwise: per disease, by the day, by head (spec C, D, E)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from drg.payment.policy.numbers import Days, Fen, Impossible, Model, Ratio, Scope, Share

__all__ = [
    "BedDay",
    "BedDayMatch",
    "BedDayPackage",
    "CommunityPackage",
    "DayFactor",
    "DayRate",
    "Outpatient",
    "PerDisease",
]


class PerDisease(Model):
    """Fixed price per disease and procedure (单病种, spec C).

    table
        CSV beside the policy: disease, name, dx, px, insurance, hospital_level, standard,
        fund_ratio, fund_fixed, from, to, source, status. ``dx`` and ``px`` hold codes or
        prefixes ending in ``*``, joined by ``|``; empty px: none needed.
    fund
        ``ratio``: fund = standard × fund_ratio, patient = min(cost, standard) × (1 - ratio);
        ``standard``: fund = standard less patient's policy share.
    surplus_to
        ``hospital``: what is below the standard stays with it; ``fund``: fund pays actual cost.
    procedure
        Which procedure of a claim the list must have: its principal one, or any of them.
    """

    table: str | None = None
    procedure: Literal["principal", "any"] = "principal"
    fund: Literal["ratio", "standard"] = "standard"
    surplus_to: Literal["hospital", "fund"] = "hospital"
    fund_ratio: Share | None = None
    low: Ratio | None = None
    high: Ratio | None = None
    age_min: int | None = Field(default=None, ge=0, le=150)
    age_max: int | None = Field(default=None, ge=0, le=150)
    exclude_dx: tuple[str, ...] = ()
    transferred_exits: bool = True
    billed_apart: bool = False


# ---- D. bed-day


class BedDayMatch(Model):
    """Which claims are paid by the bed-day; any of these is enough."""

    care_types: tuple[str, ...] = ()
    principal_dx: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    hospitals: tuple[str, ...] = ()
    min_days: Days | None = None


class DayRate(Scope):
    """Price of a day from day ``from_day`` up to and with ``to_day`` of a stay."""

    category: str = ""
    from_day: Days = 1
    to_day: Days | None = None
    per_diem: Fen


class DayFactor(Model):
    """Factor of a day of the stay (the published international variable per-diem)."""

    from_day: Days
    to_day: Days | None = None
    factor: Ratio
    emergency_factor: Ratio | None = None


class BedDayPackage(Model):
    """Acute phase: one price for a stay of up to ``max_days``, once a year."""

    package: Fen
    max_days: Days
    patient_ratio: Share
    once_a_year: bool = True


class BedDay(Model):
    """One kind of bed-day payment (床日, spec D).

    fund
        ``less_patient``: gross less what the patient paid; ``ratio``: gross × fund_ratio;
        ``class_shares``: gross × (ratio_a × class A share + ratio_b × class B share).
    category_factors
        By category of the person (``"老年"``), or insurance and category (``"390|老年"``), which
        goes before it.
    cap
        Most the fund pays, as a multiple of the reasonable advance (102 %).
    max_average_days, self_pay_max
        Bounds on a hospital's month, by level the second: mean stay and part outside the
        catalogue, over all its bed-day stays. Beyond them is a finding (P665, P666).
    """

    id: str
    title_zh: str
    title_en: str
    match: BedDayMatch
    rates: tuple[DayRate, ...] = ()
    category_factors: Mapping[str, Ratio] = Field(default_factory=dict)
    factors: tuple[DayFactor, ...] = ()
    base: Fen | None = None
    fund: Literal["less_patient", "ratio", "class_shares"] = "less_patient"
    fund_ratio: Share | None = None
    ratio_a: Share | None = None
    ratio_b: Share | None = None
    cap: Ratio | None = None
    package: BedDayPackage | None = None
    max_average_days: Days | None = None
    self_pay_max: Mapping[str, Share] = Field(default_factory=dict)


# ---- E. capitation


class Outpatient(Model):
    """Outpatient pooling by visit with a yearly ceiling per person, and the institution's heads."""

    care_types: tuple[str, ...] = ("11",)
    deductible: Fen = 0
    ratio: Share | None = None
    annual_cap: Fen | None = None
    levels: tuple[str, ...] = ()
    per_head: Fen | None = None
    surplus_keep: Share = Field(default=1, validate_default=True)
    overspend_share: Share = Field(default=0, validate_default=True)


class CommunityPackage(Model):
    """Fund of a county medical community per head or as a share (spec E.2)."""

    per_head: Fen | None = None
    ratio: Share | None = None
    split: Mapping[str, Share] = Field(default_factory=dict)
    prepay: Share | None = None
    reasonable_limit: Share | None = None
    overspend_share: Share | None = None
    assessed: bool = True

    @field_validator("split")
    @classmethod
    def _whole(cls, split: Mapping[str, Share]) -> Mapping[str, Share]:
        if split and sum(split.values()) != 1:
            raise Impossible("split")
        return split
