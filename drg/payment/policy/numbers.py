"""Numbers of a policy, exact from the text they are written in: ratios, money, scopes.

A policy's TOML is read with decimals kept as written; ratios become ``Fraction``, yuan become
integer fen. Nothing here is a binary float.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel as _BaseModel
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from drg.dates import Interval
from drg.money import PLACES, AmountError, fen, scaled
from drg.text import text

__all__ = [
    "Coefficient", "Days", "Fen", "Impossible", "Model", "PointValue", "Ratio", "Scope", "Share",
    "Span", "Volume",
]  # fmt: skip

#: Digits that a ratio may be written with, and the power of ten.
_MOST_DIGITS = 60
#: Decimal places of a ratio: with costs below ten billion yuan products stay inside int64.
_PLACES = 6
#: A coefficient or a multiple beyond this is a slip of the pen.
_LARGEST = 100
#: A total weight beyond this is one: a province has some ten million cases a year.
_LARGEST_VOLUME = 10**9
#: Yuan; a point worth more is one as well.
_LARGEST_POINT = 100_000


class Impossible(ValueError):
    """A value that no policy can have; ``str`` gives the reason in the reader's language.

    Parameters
    ----------
    why : str
        Entry ``why_<why>`` of catalogue/policies.toml.
    **params
        Values that its wording names.
    """

    def __init__(self, why: str, **params: object) -> None:
        super().__init__(why)
        self.why = why
        self.params = params

    def __str__(self) -> str:
        return text(f"policies.why_{self.why}", None, **self.params)


def _ratio(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Impossible("not_decimal")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise Impossible("not_decimal") from error
    if not number.is_finite() or number.adjusted() > _MOST_DIGITS or abs(number) > _LARGEST:
        raise Impossible("too_large", most=_LARGEST)
    digits, exponent = number.as_tuple()[1:]
    # A fraction of 1e-999999999 would have as many digits.
    if len(digits) > _MOST_DIGITS or int(exponent) < -_MOST_DIGITS:
        raise Impossible("decimals", places=_PLACES)
    found = Fraction(number)
    if (found * 10**_PLACES).denominator != 1:
        raise Impossible("decimals", places=_PLACES)
    return found


def _positive(value: Fraction) -> Fraction:
    if value <= 0:
        raise Impossible("not_positive")
    return value


def _not_negative(value: Fraction) -> Fraction:
    if value < 0:
        raise Impossible("negative")
    return value


def _share(value: Fraction) -> Fraction:
    if not 0 <= value <= 1:
        raise Impossible("share")
    return value


def _fen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Impossible("amount")
    try:
        amount = fen(value)
    except AmountError as error:
        raise Impossible("amount") from error
    if amount < 0:
        raise Impossible("negative")
    return amount


def _volume(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Impossible("not_decimal")
    try:
        weight = scaled(value)
    except AmountError as error:
        raise Impossible("not_decimal") from error
    if weight <= 0:
        raise Impossible("not_positive")
    if weight > _LARGEST_VOLUME * 10**PLACES:
        raise Impossible("too_large", most=_LARGEST_VOLUME)
    return Fraction(weight, 10**PLACES)


def _point_value(value: Any) -> Fraction:
    """Yuan a point, exact: a decimal, or cost over score, which may have no end as a decimal."""
    if isinstance(value, Fraction):
        return _positive(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Impossible("not_decimal")
    top, sign, bottom = str(value).partition("/")
    try:
        parts = [scaled(text, _PLACES) for text in (top, bottom if sign else "1")]
    except AmountError as error:
        raise Impossible("not_decimal") from error
    if min(parts) <= 0:
        raise Impossible("not_positive")
    found = Fraction(*parts)
    if found > _LARGEST_POINT:
        raise Impossible("too_large", most=_LARGEST_POINT)
    return found


def _span(value: Any) -> Interval:
    if isinstance(value, Interval):
        return value
    try:
        return Interval.parse(value)
    except (TypeError, ValueError) as error:
        raise Impossible("span") from error


_TEXT = PlainSerializer(str, return_type=str)

#: A multiple or factor greater than zero, such as 3 or 0.92.
Ratio = Annotated[Fraction, BeforeValidator(lambda v: _positive(_ratio(v))), _TEXT]
#: A share between 0 and 1, both included.
Share = Annotated[Fraction, BeforeValidator(lambda v: _share(_ratio(v))), _TEXT]
#: A factor of zero or more.
Coefficient = Annotated[Fraction, BeforeValidator(lambda v: _not_negative(_ratio(v))), _TEXT]
#: Total weight of many cases, greater than zero, up to four decimals.
Volume = Annotated[Fraction, BeforeValidator(_volume), _TEXT]
#: Yuan a point, exact, greater than zero: ``"11.5"`` or ``"2040000000/176000000"``.
PointValue = Annotated[Fraction, BeforeValidator(_point_value), _TEXT]
#: Yuan in the file, fen here; zero or more.
Fen = Annotated[int, BeforeValidator(_fen)]
#: Whole days, one or more.
Days = Annotated[int, Field(ge=1, le=3660, strict=True)]
#: ``["2024-01-01", "2025-01-01"]`` in the file: half-open.
Span = Annotated[Interval, BeforeValidator(_span), _TEXT]


class Model(_BaseModel):
    """Base of every part of a policy: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Scope(Model):
    """Whom and when a row of a policy holds for; ``""`` and open dates mean everyone, always.

    Attributes
    ----------
    insurance : str
        Code such as ``"310"``.
    hospital_level : str
        Level as the source names it (``drg.payment.pricing.levels`` reads spellings).
    hospital : str
        Hospital id.
    in_force : Interval
        Days of discharge.
    """

    insurance: str = ""
    hospital_level: str = ""
    hospital: str = ""
    in_force: Span = Interval()
