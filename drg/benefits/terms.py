"""Terms of a plan as its file writes them: for whom a row holds, starts, segments, caps.

A row that names nobody holds for everyone; the row that says more of the person counts, by the
order of ``DIMENSIONS``. A number left out is not zero: what a layer cannot do without is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from drg.payment.policy.numbers import Coefficient, Fen, Impossible, Model, Share

__all__ = [
    "AT_HOME", "CARES", "DIMENSIONS", "Adjust", "Backstop", "Critical", "Delta", "LayerTerms",
    "Means", "Names", "Row", "Segment", "SegmentBase", "Who",
]  # fmt: skip

#: What a row may name, the weightier first.
DIMENSIONS = ("off_site", "category", "care", "retired", "region", "level", "insurance")
#: How a row names care at home: there a visit's ``off_site`` is empty.
AT_HOME = "home"
#: Kinds of care.
CARES = ("inpatient", "outpatient", "chronic")
_PLACES = 6

SegmentBase = Literal["absolute", "excess", "whole"]


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _delta(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Impossible("not_decimal")
    try:
        found = Fraction(str(value).strip())
    except ValueError as error:
        raise Impossible("not_decimal") from error
    if not -1 <= found <= 1:
        raise Impossible("delta")
    if (found * 10**_PLACES).denominator != 1:
        raise Impossible("decimals", places=_PLACES)
    return found


#: One name or several.
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
#: Added to a ratio: between -1 and 1.
Delta = Annotated[Fraction, BeforeValidator(_delta), PlainSerializer(str, return_type=str)]


class Who(Model):
    """Whom a row holds for; what is not said makes no difference.

    Attributes
    ----------
    off_site : tuple of str
        Names of the plan, or ``"home"``.
    category, region : tuple of str
        Names of the plan.
    care : tuple of str
        ``"inpatient"``, ``"outpatient"``, ``"chronic"``.
    level : tuple of str
        Levels of hospitals in any spelling; ``三级`` covers ``三级甲等``.
    insurance : tuple of str
        Codes.
    """

    off_site: Names = ()
    category: Names = ()
    care: Names = ()
    retired: bool | None = None
    region: Names = ()
    level: Names = ()
    insurance: Names = ()


class Segment(Model):
    """A ratio up to a bound, from the bound before on.

    Attributes
    ----------
    to : int or None
        Fen, included; None: without end.
    """

    to: Fen | None = None
    ratio: Share

    @model_validator(mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        """``50000:0.6`` or ``0.8``, as one gives it on a command line."""
        if not isinstance(value, str):
            return value
        bound, colon, ratio = value.rpartition(":")
        return {"to": bound, "ratio": ratio} if colon and bound else {"ratio": ratio}


class Row(Who):
    """What a layer pays some people.

    Attributes
    ----------
    start, start_next : int or None
        Deductible (起付线) of the first stay of a year and of those after it; fen.
    start_ratio, start_min, start_max : Fraction, int, int or None
        Deductible as a share of the cost, within bounds.
    start_of_income : Fraction or None
        Deductible as a share of ``means.income``.
    ratio : Fraction or None
        One ratio for all above the start; else ``segments``.
    segments : tuple of Segment
    segment_base : str
        What bounds are measured on: ``absolute`` the cost, ``excess`` what exceeds the start,
        ``whole`` the cost, all of it paid once it exceeds the start.
    cap : int or None
        Most in a year, fen; None: the document names none.
    """

    start: Fen | None = None
    start_next: Fen | None = None
    start_ratio: Share | None = None
    start_min: Fen | None = None
    start_max: Fen | None = None
    start_of_income: Coefficient | None = None
    ratio: Share | None = None
    segments: tuple[Segment, ...] = ()
    segment_base: SegmentBase = "absolute"
    cap: Fen | None = None


class Adjust(Who):
    """A change for some people to whatever row holds for them, in the order of the file.

    Attributes
    ----------
    start_factor : Fraction or None
        Times the start and its bounds.
    ratio_delta : Fraction or None
        Added to every ratio, which stays between 0 and 1.
    self_pay_factor : Fraction or None
        Times what a ratio leaves to the person.
    uncapped : bool
        No cap.
    """

    start_factor: Coefficient | None = None
    ratio_delta: Delta | None = None
    self_pay_factor: Share | None = None
    uncapped: bool = False


class LayerTerms(Model):
    """A layer: rows by id, one of which holds, and changes by id, all of which may."""

    rows: Mapping[str, Row] = Field(default_factory=dict)
    adjust: Mapping[str, Adjust] = Field(default_factory=dict)


class Critical(LayerTerms):
    """Critical illness, on the year's compliant cost that basic insurance left.

    Attributes
    ----------
    first_self_pay : bool
        What is paid first of class B counts as compliant.
    """

    first_self_pay: bool = False


class Backstop(Row):
    """A local backstop: a ceiling on what a person bears in a year, or a ratio of it.

    Attributes
    ----------
    title_zh, title_en : str
    ceiling : int or None
        Most that the person bears in a year, fen.
    ceilings : mapping of str to int
        The same by region of the hospital; a year's highest region counts.
    """

    title_zh: str = ""
    title_en: str = ""
    ceiling: Fen | None = None
    ceilings: Mapping[str, Fen] = Field(default_factory=dict)


class Means(Model):
    """Numbers that starts refer to.

    Attributes
    ----------
    income : int or None
        Disposable income a head of the residents in the year before, fen.
    """

    income: Fen | None = None
