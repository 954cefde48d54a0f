"""The part of a policy that pays by DIP score: points, what they are worth, deviation (spec B)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from drg.dip.deviation_rules import (
    RULE_SETS,
    DeviationRule,
    ExtremeScore,
    HighScore,
    LowScore,
)
from drg.dip.errors import DipError
from drg.payment.policy.by_group import CoefficientRow, Exclusion, PatientShare, Review
from drg.payment.policy.numbers import (
    Coefficient,
    Fen,
    Impossible,
    Model,
    PointValue,
    Ratio,
    Scope,
    Share,
)

__all__ = [
    "DipDeviation",
    "DipPayment",
    "DynamicItem",
    "DynamicLevel",
    "PayRatioRow",
    "PointValueRow",
    "rule_of",
]


class PointValueRow(Scope):
    """What one point is worth, in yuan: a decimal, or cost over score (``"2040000000/176000000"``).

    It is published rounded and applied as it stands here.
    """

    yuan: PointValue


class PayRatioRow(Scope):
    """The fund's part of a case's worth (支付比例) for a region, an insurance or one hospital."""

    ratio: Share


class DipDeviation(Model):
    """Classes of a case by its cost against the mean of its group, and their scores (spec B.5).

    rule
        A rule set of ``drg.dip.deviation_rules.RULE_SETS``; what stands beside it takes the place
        of its own bounds, flags and formulas (``DeviationRule`` says what they mean).
    reference
        ``means``: last year's mean cost of the group at the same level of hospital; ``catalogue``:
        the mean cost that the catalogue publishes; ``score``: score × ``regional_mean`` ÷
        ``score_scale``; ``standard``: score × value of a point.
    means
        ``group|level``, or ``group`` for every level, to yuan; the narrower one holds, and that of
        an auxiliary subtype before its group's.
    without_mean
        A case whose group has no such mean: back to the hospital, or its group's score.
    """

    rule: str
    low: Ratio | None = None
    low_inclusive: bool | None = None
    high: Ratio | None = None
    high_inclusive: bool | None = None
    extreme: Ratio | None = None
    extreme_inclusive: bool | None = None
    by_coefficient: bool | None = None
    low_score: LowScore | None = None
    high_score: HighScore | None = None
    extreme_score: ExtremeScore | None = None
    blank: Ratio | None = None
    reference: Literal["means", "catalogue", "score", "standard"] = "means"
    means: Mapping[str, Fen] = Field(default_factory=dict)
    regional_mean: Fen | None = None
    score_scale: int = Field(default=1000, ge=1, le=1_000_000, strict=True)
    without_mean: Literal["return", "normal"] = "return"

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str) -> str:
        if rule not in RULE_SETS:
            raise Impossible("rule_set", known=", ".join(RULE_SETS))
        return rule

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        try:
            rule_of(self)
        except DipError as error:
            raise Impossible("bounds") from error
        return self


def rule_of(said: DipDeviation) -> DeviationRule:
    """The rule set that a policy names, with what it says otherwise.

    Raises
    ------
    DipError
        D404: bounds out of order.
    """
    names = (field.name for field in fields(DeviationRule))
    own = {name: getattr(said, name, None) for name in names}
    given = {name: value for name, value in own.items() if value is not None}
    return replace(RULE_SETS[said.rule], **given)


class DynamicItem(Model):
    """One item of a dynamic coefficient: ``entry + whole steps × increment``, at most ``cap``.

    step
        Per cent; ``entry``: added as soon as what is measured is above zero.
    """

    step: Ratio
    cap: Coefficient
    increment: Ratio = Field(default="0.01", validate_default=True)
    entry: Coefficient = Field(default="0", validate_default=True)


class DynamicLevel(Model):
    """Coefficient of the hospitals of a level: base, dynamic items, ceiling (Xiamen 2024, B.6).

    cmi, child, elder, tcm
        Case mix, patients up to 6 years, from 70 years on, Chinese medicine, in per cent as the
        register of hospitals has them (``cmi_excess``, ``child_excess``, ``elder_excess``,
        ``tcm_share``). An item that is not there adds nothing.
    """

    level: str
    base: Ratio
    ceiling: Ratio | None = None
    cmi: DynamicItem | None = None
    child: DynamicItem | None = None
    elder: DynamicItem | None = None
    tcm: DynamicItem | None = None


class DipPayment(Model):
    """Payment by DIP score.

    catalogue
        Id of the catalogue, or its folder; claims grouped by another one are refused. ``""``: not
        checked.
    value_mode
        ``fixed``: point values hold to the year's end; ``floating``: the year's budget gives the
        final one (settlement point value).
    fund_by
        Fund's part of a case in its month: by ``share`` of the price (``patient_share``), or price
        × pay ratio (``pay_ratio``).
    fund_ratio_scope
        Whose pay ratio counts, in ``fund_by = "pay_ratio"`` and when a floating value gives out
        the budget: one for the region (``pay_ratios`` by insurance), the hospital's own, or that
        of each case, 1 - what the patient paid ÷ cost.
    dynamic
        Hospital coefficients from what the register measures, by level; one that stands there
        itself, or in ``coefficients`` for the hospital, holds.
    same_price_classes, same_price_groups
        Without coefficient: same disease, same price. Primary-care groups are (规程 article 19).
    primary_cv
        A primary-care group whose coefficient of variation is above it takes a coefficient all
        the same; None: none does.
    auxiliary
        ``score``: a claim of an auxiliary subtype has the subtype's score; ``coefficient``: the
        group's score times what ``auxiliary_coefficients`` says (``group|subtype``, or
        ``subtype``); ``none``: the group's score.
    review
        Special review; without it every decision holds.
    """

    catalogue: str = ""
    value_mode: Literal["fixed", "floating"] = "fixed"
    point_values: tuple[PointValueRow, ...] = ()
    fund_by: Literal["patient_share", "pay_ratio"] = "patient_share"
    share: PatientShare = PatientShare()
    fund_ratio_scope: Literal["region", "provider", "case"] = "region"
    pay_ratios: tuple[PayRatioRow, ...] = ()
    coefficients: tuple[CoefficientRow, ...] = ()
    dynamic: tuple[DynamicLevel, ...] = ()
    same_price_classes: tuple[str, ...] = ("primary",)
    same_price_groups: tuple[str, ...] = ()
    primary_cv: Ratio | None = None
    auxiliary: Literal["score", "coefficient", "none"] = "score"
    auxiliary_coefficients: Mapping[str, Ratio] = Field(default_factory=dict)
    deviation: DipDeviation | None = None
    review: Review | None = None
    exclusion: Exclusion | None = None
    #: What becomes of claims that are not GROUPED (``return``: to the hospital, unpaid).
    ungrouped: Literal["return", "by_item"] = "return"
    #: What becomes of a grouped claim without a score.
    unscored: Literal["return", "by_item"] = "return"
