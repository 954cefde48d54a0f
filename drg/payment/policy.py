"""A policy as data: which mechanisms a place pays by, and every number they need.

A part that is None is not used by the place. A number that the documents do not give is None and
listed in ``Policy.wanted``: a claim that needs it is not priced, and says what to supply.
``drg.payment.policies`` loads policies; docs/policies.md shows how to write one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from drg.dates import Interval
from drg.payment.numbers import Days, Fen, Model, Ratio, Scope, Share, Span

__all__ = [
    "BedDay", "BedDayMatch", "BedDayPackage", "Budget", "CoefficientRow", "CommunityPackage",
    "DayFactor", "DayRate", "DrgPayment", "Exclusion", "Month", "NewTechnology", "Outliers",
    "Outpatient", "PatientShare", "PerDisease", "Points", "Policy", "Procurement", "Provenance",
    "RateRow", "Readmission", "Review", "Transfer", "Year",
]  # fmt: skip

Status = Literal["official", "transcribed", "derived", "recalled", "synthetic", "supplied"]


class Provenance(Model):
    """Where a number stands: document of ``sources.toml`` and how it is known.

    ``supplied`` is a number that the user gave.
    """

    source: str
    status: Status
    note: str = ""


# ---- A. DRG


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
    """

    reference: Literal["standard", "mean"] = "standard"
    high: Mapping[str, Ratio] = Field(default_factory=dict)
    high_inclusive: bool = False
    low: Ratio | None = None
    low_inclusive: bool = False
    extreme: Ratio | None = None
    high_cap: Share | None = None
    cap_scope: Literal["hospital", "region"] = "hospital"
    applied_cap: Share | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for high in self.high.values():
            if self.low is not None and self.low >= high:
                raise ValueError("the low bound must lie below the high multiple")
            if self.extreme is not None and self.extreme <= high:
                raise ValueError("the extreme multiple must lie above the high one")
        return self


class Exclusion(Model):
    """Stays outside DRG by their length: ``los <= short_days``, ``los >= long_days``."""

    short_days: Days | None = None
    long_days: Days | None = None
    bed_day: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.short_days and self.long_days and self.short_days >= self.long_days:
            raise ValueError("short_days must lie below long_days")
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
    """A stay of the same group within the window halves the one before it (spec A.7)."""

    window_days: Days
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
    prepay: Share | None = None


class DrgPayment(Model):
    """Payment by CHS-DRG group.

    scheme
        Id of the grouping scheme; claims grouped by another one are refused. ``""``: not checked.
    weights
        Tables of ``tables/weights``, a place, or a file: the first that holds a group gives it.
    rate_mode
        ``fixed``: rates hold to the year's end; ``floating``: final rate from the year's budget;
        ``elastic``: base weight at the fixed rate, increment at what the budget leaves.
    """

    scheme: str = ""
    weights: tuple[str, ...] = ()
    rate_mode: Literal["fixed", "floating", "elastic"] = "fixed"
    rates: tuple[RateRow, ...] = ()
    float_cap: Fen | None = None
    base_weight: Ratio | None = None
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


# ---- C. per disease


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
    """

    table: str | None = None
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
    cap
        Most the fund pays, as a multiple of the reasonable advance (102 %).
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
            raise ValueError("the shares of a split add up to 1")
        return split


# ---- F. budget, month, year


class Budget(Model):
    """Global budget by two rounds up and two down (两上两下, spec F.1)."""

    levels: tuple[str, ...] = ("city", "district", "hospital")
    employee_min: Fen | None = None
    resident_min: Fen | None = None
    outside: tuple[str, ...] = ()


class Month(Model):
    """Monthly payment and its calendar (spec A.8, F.2)."""

    prepay: Share = Field(default=1, validate_default=True)
    retention: Share = Field(default=0, validate_default=True)
    retention_base: Literal["undisputed", "all"] = "undisputed"
    dispute_advance: Share | None = None
    hold_days: Days | None = None
    compute_day: int | None = Field(default=None, ge=1, le=28)
    pay_day: int | None = Field(default=None, ge=1, le=28)
    pay_workdays: Days | None = None
    working_capital: bool = False
    quarterly: bool = False


class Year(Model):
    """Year-end clearing (spec A.8, F.3, F.4)."""

    surplus_keep: Share | None = None
    reward_ratio: Share | None = None
    reward_cap: Share | None = None
    overspend_band: Share | None = None
    overspend_share: Share | None = None
    assessment: Literal["none", "linear"] = "none"
    violation_this_year: bool = False
    violation_next_year: Literal["none", "proportional", "amount"] = "none"
    next_quota_from_result: bool = False
    clear_by: Mapping[str, str] = Field(default_factory=dict)


class Policy(Model):
    """The payment rules of a place over an interval.

    Attributes
    ----------
    id : str
        ``"<place>-<year>"`` for shipped ones.
    in_force : Interval
        Days of discharge, half-open.
    insurances : tuple of str
        Codes it covers; empty: every one.
    provenance : mapping of str to Provenance
        Path of a number (``"month.retention"``, ``"drg.rates.0.rate"``) to where it stands.
    wanted : mapping of str to str
        Path of a number that must be supplied to why, in the language of the catalogue's reader.
    digest : str
        SHA-256 over all that decides a payment, tables included.
    folder : str
        Where tables named by the policy lie.
    """

    id: str
    kind: Literal["policy"] = "policy"
    place: str
    place_zh: str
    title_zh: str
    title_en: str
    in_force: Span = Interval()
    in_force_status: str = ""
    in_force_note: str = ""
    insurances: tuple[str, ...] = ()
    synthetic: bool = False
    sources: tuple[str, ...] = ()
    notes: tuple[Mapping[str, str], ...] = ()
    drg: DrgPayment | None = None
    per_disease: PerDisease | None = None
    bed_day: tuple[BedDay, ...] = ()
    outpatient: Outpatient | None = None
    community: CommunityPackage | None = None
    budget: Budget | None = None
    month: Month = Month()
    year: Year = Year()
    provenance: Mapping[str, Provenance] = Field(default_factory=dict)
    wanted: Mapping[str, str] = Field(default_factory=dict)
    digest: str = ""
    folder: str = ""
