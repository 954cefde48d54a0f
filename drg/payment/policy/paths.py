"""Paths of a policy (``bed_day.psychiatry.rates.0.per_diem``): types, values, and how they read."""

from __future__ import annotations

import types
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from drg.dates import Interval
from drg.money import yuan
from drg.payment.policy.numbers import Fen

__all__ = ["bare_type", "inner_type", "is_money", "value_at", "written"]

_FEN = get_args(Fen)[1:]


def bare_type(annotation: Any) -> Any:
    """An annotation without ``None`` and without the validators it carries."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            (annotation,) = [a for a in get_args(annotation) if a is not type(None)]
        else:
            return annotation


def inner_type(annotation: Any, part: str) -> Any:
    """Type of a field, an entry of a mapping or a row of a list; None where there is none."""
    found = bare_type(annotation)
    if isinstance(found, type) and issubclass(found, BaseModel):
        field = found.model_fields.get(part)
        if field is None:
            return None
        return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    if get_origin(found) is tuple:
        return get_args(found)[0]
    if get_origin(found) is Mapping:
        return get_args(found)[1]
    return None


def is_money(annotation: Any) -> bool:
    """Whether a value of this type is an amount in fen."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return any(m in _FEN for m in metadata) or is_money(inner)
    if get_origin(annotation) in (Union, types.UnionType):
        return any(map(is_money, get_args(annotation)))
    return False


def value_at(policy: BaseModel, path: tuple[str, ...]) -> Any:
    """What a policy or plan holds at a path; bed-day payments go by id, other lists by place."""
    value: Any = policy
    for depth, part in enumerate(path):
        if isinstance(value, BaseModel):
            value = getattr(value, part)
        elif isinstance(value, Mapping):
            # A key may hold dots of its own; then nothing lies below it.
            whole = ".".join(path[depth:])
            if whole in value:
                return value[whole]
            value = value[part]
        elif part.isdecimal():
            value = value[int(part)]
        else:
            value = next(entry for entry in value if entry.id == part)
    return value


def written(policy: BaseModel, path: tuple[str, ...]) -> str:
    """A value as a policy's file writes it: yuan, decimals, dates, names."""
    annotation: Any = type(policy)
    for part in path:
        annotation = inner_type(annotation, part)
    value = value_at(policy, path)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and is_money(annotation):
        return yuan(value)
    if isinstance(value, Fraction):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        # One without end, such as a point value that is cost over score, stays a quotient.
        return format(exact, "f") if Fraction(exact) == value else str(value)
    if isinstance(value, Interval):
        return str(value)
    if isinstance(value, tuple | Mapping):
        return str(len(value)) if _is_long(value) else ", ".join(map(_name, value)) or "—"
    return _name(value) or "—"


def _name(value: Any) -> str:
    """A text; of a file its name alone, for where it lies is the reader's own affair."""
    found = str(value)
    return Path(found).name if Path(found).is_absolute() else found


def _is_long(value: Any) -> bool:
    """Whether a list or mapping is told by how much it holds."""
    return isinstance(value, Mapping) or any(isinstance(row, BaseModel) for row in value)
