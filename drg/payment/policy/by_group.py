"""Parts of a policy that pay by DRG group, points among them (spec A)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from drg.payment.policy.numbers import Days, Fen, Impossible, Model, Ratio, Scope, Share, Volume

__all__ = [
    "CoefficientRow",
    "DrgPayment",
    "Exclusion",
    "NewTechnology",
    "Outliers",
    "PatientShare",
    "Points",
    "Procurement",
    "RateRow",
    "Readmission",
    "Review",
    "Transfer",
]


class RateRow(Scope):
    """Price of weight 1 (费率); for the points method the initial point value."""

    rate: Fen


class CoefficientRow(Scope):
    """Hospital or group coefficient; of the rows that fit the most specific one holds."""

    group: str = ""
    coefficient: Ratio


class PatientShare(Model):
    """What is taken off the standard as the patient's part (spec A.5).

    basis
        ``actual``: what the patient paid; ``policy_ratio``: fund pays ``fund_ratio`` of the
        standard less the parts out of scope; ``standard``: the patient pays ``patient_ratio`` of
        the standard; ``min``: the lower of actual payment and that share.
    """

    basis: Literal["actual", "policy_ratio", "standard", "min"] = "actual"
    fund_ratio: Share | None = None
    patient_ratio: Share | None = None


class Outliers(Model):
    """Cost classes of a case by its cost against the reference (spec A.4).

    high
        Multiple by hospital level; ``""`` is every other level.
    means
        Mean cost by group where it is the reference; those of the points method when empty.
    """

    reference: Literal["standard", "mean"] = "standard"
    means: Mapping[str, Fen] = Field(default_factory=dict)
    high: Mapping[str, Ratio] = Field(default_factory=dict)
    high_inclusive: bool = False
    low: Ratio | None = None
    low_inclusive: bool = False
    extreme: Ratio | None = None
    extreme_inclusive: bool = False
    high_cap: Share | None = None
    cap_scope: Literal["hospital", "region"] = "hospital"
    applied_cap: Share | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for high in self.high.values():
            if self.low is not None and self.low >= high:
                raise Impossible("low_over_high")
            if self.extreme is not None and self.extreme <= high:
                raise Impossible("extreme_under_high")
        return self


class Exclusion(Model):
    """Stays outside DRG by their length: ``los <= short_days``, ``los >= long_days``."""

    short_days: Days | None = None
    long_days: Days | None = None
    bed_day: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.short_days and self.long_days and self.short_days >= self.long_days:
            raise Impossible("short_over_long")
        return self


class Review(Model):
    """Special review (特例单议): how many cases may leave the standard."""

    cap: Share
    cap_scope: Literal["hospital", "region"] = "region"


class NewTechnology(Model):
    """Add-on for listed new drugs, consumables and services (spec A.6).

    means
        Mean cost of the category inside the group's standard: ``group|category`` to yuan.
    group_means
        Mean cost of the group.
    """

    total_multiple: Ratio
    share: Share
    total_inclusive: bool = False
    share_inclusive: bool = False
    group_means: Mapping[str, Fen] = Field(default_factory=dict)
    means: Mapping[str, Fen] = Field(default_factory=dict)


class Transfer(Model):
    """Per diem for a transferred case: ``min(STD, STD / GMLOS × (LOS + first_day_multiple - 1))``.

    gmlos
        Geometric mean length of stay by group, in days.
    """

    first_day_multiple: Ratio
    gmlos: Mapping[str, Ratio] = Field(default_factory=dict)


class Readmission(Model):
    """A stay of the same group within the window halves the one before it (spec A.7).

    window_days
        Days from discharge to the next admission; ``window_inclusive``: the last one as well.
    """

    window_days: Days
    window_inclusive: bool = True
    factor: Share
    exempt_groups: tuple[str, ...] = ()


class Procurement(Model):
    """Share of the surplus a hospital keeps under joint procurement (spec A.8)."""

    within_task: Share
    beyond_task: Share
    non_selected: Share


class Points(Model):
    """Points method (点数法, spec A.7).

    variant
        ``jinhua``: an incomplete stay has min(BP, BP × cost ÷ city mean);
        ``zhejiang``: min(BP, BP × k × cost ÷ city mean).
    group_means
        City mean cost by group; ``hospital_means``: ``hospital|group`` to yuan (a new one: k = 1).
    """

    variant: Literal["jinhua", "zhejiang"]
    scale: int = Field(default=100, ge=1, le=1_000_000, strict=True)
    city_mean: Fen | None = None
    group_means: Mapping[str, Fen] = Field(default_factory=dict)
    hospital_means: Mapping[str, Fen] = Field(default_factory=dict)
    daily_points: Ratio | None = None


class DrgPayment(Model):
    """Payment by CHS-DRG group.

    scheme
        Id of the grouping scheme; claims grouped by another one are refused. ``""``: not checked.
    weights
        Tables of ``tables/weights``, a place, or a file: the first that holds a group gives it.
    rate_mode
        ``fixed``: rates hold to the year's end; ``floating``: final rate from the year's budget;
        ``elastic``: base weight at the fixed rate, increment at what the budget leaves.
    float_cap
        Most that weight 1 of the increment is paid.
    base_weights
        Total weight of a year that is paid at the fixed rate, by insurance.
    """

    scheme: str = ""
    weights: tuple[str, ...] = ()
    rate_mode: Literal["fixed", "floating", "elastic"] = "fixed"
    rates: tuple[RateRow, ...] = ()
    float_cap: Fen | None = None
    base_weights: Mapping[str, Volume] = Field(default_factory=dict)
    coefficients: tuple[CoefficientRow, ...] = ()
    same_price_groups: tuple[str, ...] = ()
    share: PatientShare = PatientShare()
    outliers: Outliers | None = None
    exclusion: Exclusion | None = None
    review: Review | None = None
    new_technology: NewTechnology | None = None
    transfer: Transfer | None = None
    readmission: Readmission | None = None
    procurement: Procurement | None = None
    points: Points | None = None
    #: What becomes of claims that are not GROUPED (``return``: to the hospital, unpaid).
    ungrouped: Literal["return", "by_item"] = "return"
    ambiguous: Literal["return", "by_item"] = "return"
    #: What becomes of a grouped claim whose group has no weight.
    unweighted: Literal["return", "by_item"] = "return"
