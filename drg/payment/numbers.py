"""Numbers of a policy, exact from the text they are written in: ratios, money, scopes.

A policy's TOML is read with decimals kept as written; ratios become ``Fraction``, yuan become
integer fen. Nothing here is a binary float.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel as _BaseModel
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from drg.dates import Interval
from drg.money import fen

__all__ = ["Coefficient", "Days", "Fen", "Model", "Ratio", "Scope", "Share", "Span"]

#: Decimal places of a ratio: with costs below ten billion yuan products stay inside int64.
_PLACES = 6
#: A coefficient or a multiple beyond this is a slip of the pen.
_LARGEST = 100


def _ratio(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"{value!r} is not a decimal number as written")
    number = Decimal(str(value).strip())
    if not number.is_finite() or abs(number) > _LARGEST:
        raise ValueError(f"{value} is out of range (up to {_LARGEST})")
    found = Fraction(number)
    if (found * 10**_PLACES).denominator != 1:
        raise ValueError(f"{value} has more than {_PLACES} decimals")
    return found


def _positive(value: Fraction) -> Fraction:
    if value <= 0:
        raise ValueError("must be greater than zero")
    return value


def _share(value: Fraction) -> Fraction:
    if not 0 <= value <= 1:
        raise ValueError("a share lies between 0 and 1")
    return value


def _fen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"{value!r} is not an amount in yuan")
    amount = fen(value)
    if amount < 0:
        raise ValueError("an amount of money is not negative")
    return amount


def _span(value: Any) -> Interval:
    return value if isinstance(value, Interval) else Interval.parse(value)


_TEXT = PlainSerializer(str, return_type=str)

#: A multiple or factor greater than zero, such as 3 or 0.92.
Ratio = Annotated[Fraction, BeforeValidator(lambda v: _positive(_ratio(v))), _TEXT]
#: A share between 0 and 1, both included.
Share = Annotated[Fraction, BeforeValidator(lambda v: _share(_ratio(v))), _TEXT]
#: A factor of zero or more.
Coefficient = Annotated[Fraction, BeforeValidator(_ratio), _TEXT]
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
        Level as the source names it (``drg.payment.levels`` reads spellings).
    hospital : str
        Hospital id.
    in_force : Interval
        Days of discharge.
    """

    insurance: str = ""
    hospital_level: str = ""
    hospital: str = ""
    in_force: Span = Interval()
