"""Kinds of rules on single fields of a list: there, in the dictionary, inside bounds, in form.

A field that the file has no column for is not assessable; an empty cell is what the rule says.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from drg.audit import evidence
from drg.audit.kind import DASHES, FIELDS, AuditClaims, Kind, Params
from drg.audit.lists import ListParam
from drg.audit.model import Scope, Verdict
from drg.audit.person import When
from drg.audit.quality import duration_minutes
from drg.claims.frame import BLANKS
from drg.claims.typed import coded
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

__all__ = ["FIELD_KINDS", "FieldParams", "Holds", "within"]

#: Kinds that the fields of a parameter must have.
Holds = Mapping[str, tuple[str, ...]]
#: Joins several values of one field.
_SEVERAL = "|"


class FieldParams(Params):
    """Parameters that name fields: every name must be a field of a claim.

    ``holds``: kinds that the fields of a parameter must have.
    """

    holds: ClassVar[Holds] = {}
    when: When = Field(default_factory=When)

    @field_validator("field", "fields", "total", "parts", "earlier", "later", "hours", "since",
                     "until", "count", "least", "most", check_fields=False)  # fmt: skip
    @classmethod
    def _known(
        cls, value: str | tuple[str, ...] | None, info: ValidationInfo
    ) -> str | tuple[str, ...] | None:
        kinds = cls.holds.get(info.field_name or "", ())
        for name in (value,) if isinstance(value, str) else value or ():
            if name not in FIELDS:
                raise ValueError(text("audit.no_field", field=name))
            if kinds and FIELDS[name].kind not in kinds:
                wanted = text(f"audit.kind_{kinds[0]}")
                raise ValueError(text("audit.no_kind", field=name, kind=wanted))
        return value


class Required(FieldParams):
    """Fields that must hold something."""

    fields: tuple[str, ...] = Field(min_length=1)


def judge_required(claims: AuditClaims, params: Required) -> Verdict:
    """Hit: one of the fields is empty. A field without a column is not assessable."""
    hit = np.zeros(claims.rows, np.bool_)
    gone = np.zeros(claims.rows, np.bool_)
    for field in params.fields:
        if not claims.has(field):
            gone[:] = True
        elif field in ("diagnoses", "procedures"):
            there = claims.codes(field)
            filled = np.zeros(claims.rows, np.bool_)
            filled[there.row[there.place == 0]] = True
            hit |= ~filled
        else:
            hit |= claims.blank(field)
    return within(claims, params.when, hit, gone & ~hit, params.fields)


class Dictionary(FieldParams):
    """Values that a field can have; several values of one cell are joined by ``|``."""

    field: str
    values: ListParam
    several: bool = False


def judge_dictionary(claims: AuditClaims, params: Dictionary) -> Verdict:
    """Hit: a value that is not listed. Empty: not assessable."""
    allowed = {value.casefold() for value in params.values.column(params.values.columns[0])}
    named = claims.texts(params.field, _folded)

    def odd(value: str) -> bool:
        parts = value.split(_SEVERAL) if params.several else [value]
        return any(part.strip() not in allowed for part in parts)

    return within(claims, params.when, named.marked(odd), named.missing, (params.field,))


class Bounds(FieldParams):
    """Least and greatest value of a field, both allowed: fen where it is money."""

    field: str
    minimum: int | None = None
    maximum: int | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError(text("audit.want_bound"))
        if FIELDS[self.field].kind not in ("int", "money"):
            raise ValueError(text("audit.no_number", field=self.field))
        return self


def judge_bounds(claims: AuditClaims, params: Bounds) -> Verdict:
    """Hit: outside the bounds, or something that is no number."""
    money = FIELDS[params.field].kind == "money"
    read = claims.money(params.field) if money else claims.numbers(params.field)
    wrong = np.zeros(claims.rows, np.bool_)
    if params.minimum is not None:
        wrong |= read.fen < params.minimum
    if params.maximum is not None:
        wrong |= read.fen > params.maximum
    blank = claims.blank(params.field)
    odd = np.flatnonzero(~read.given & ~blank)
    if len(odd):
        # Not whole, or no number at all: few have such a value, fewer distinct ones.
        cells = coded(claims.cells(params.field, odd), len(odd))
        wrong[odd] = cells.marked(lambda cell: not _inside(cell, params))
    hit = wrong & (read.given | ~blank)
    return within(claims, params.when, hit, ~read.given & blank, (params.field,))


class InForm(FieldParams):
    """A duration written days/hours/minutes, and the whole hours another field has of it."""

    holds: ClassVar[Holds] = {"hours": ("int",)}
    field: str
    hours: str | None = None


def judge_in_form(claims: AuditClaims, params: InForm) -> Verdict:
    """Hit: written otherwise, or not the hours of the other field (parts of an hour dropped)."""
    named = claims.texts(params.field, _folded)
    minutes = [duration_minutes(name) for name in named.names]
    if params.hours is None:
        bad = np.array([m is None for m in minutes] + [False], np.bool_)[named.codes]
        return within(claims, params.when, bad, named.missing, (params.field,))
    hours = np.array([-1 if m is None else m // 60 for m in minutes] + [-1])[named.codes]
    other = claims.numbers(params.hours)
    known = (hours >= 0) & other.given
    fields = (params.field, params.hours)
    return within(claims, params.when, known & (hours != other.fen), ~known, fields)


class Count(FieldParams):
    """A number that must be that of the codes, or of the entries of a joined field."""

    count: str
    of: str

    @field_validator("of")
    @classmethod
    def _of(cls, value: str) -> str:
        if value not in FIELDS:
            raise ValueError(text("audit.no_field", field=value))
        return value


def judge_count(claims: AuditClaims, params: Count) -> Verdict:
    """Hit: the count is not the number of entries; for ``count`` a number or a joined field."""
    counted, counted_known = _entries(claims, params.count)
    found, known = _entries(claims, params.of)
    both = counted_known & known
    return within(claims, params.when, both & (counted != found), ~both, (params.count, params.of))


class AtFirst(FieldParams):
    """Values that the first entry of a joined field cannot have."""

    field: str
    values: tuple[str, ...] = Field(min_length=1)


def judge_first_entry(claims: AuditClaims, params: AtFirst) -> Verdict:
    """Hit: the first entry is one of the values. No entry: not assessable."""
    named = coded(
        claims.column(params.field), claims.rows, lambda cell: _folded(cell.split(_SEVERAL)[0])
    )
    return within(
        claims, params.when, named.marked(params.values.__contains__), named.missing,
        (params.field, "diagnoses"),
    )  # fmt: skip


FIELD_KINDS = (
    Kind("required", Scope.CLAIM, Required, judge_required),
    Kind("dictionary", Scope.CLAIM, Dictionary, judge_dictionary),
    Kind("bounds", Scope.CLAIM, Bounds, judge_bounds),
    Kind("duration", Scope.CLAIM, InForm, judge_in_form),
    Kind("count", Scope.CLAIM, Count, judge_count),
    Kind("first_entry", Scope.CLAIM, AtFirst, judge_first_entry),
)


def within(
    claims: AuditClaims, when: When, hit: Flags, unknown: Flags, fields: tuple[str, ...]
) -> Verdict:
    """A verdict of the claims that a rule is about; the others pass."""
    about = when.of(claims)
    hits = hit & about.holds
    gone = (unknown & about.holds) | (about.unknown & (hit | unknown))
    return Verdict(hits, gone & ~hits, evidence.cells(claims, (*fields, *when.fields)))


def _inside(cell: str, params: Bounds) -> bool:
    try:
        value = Fraction(cell)
    except (ValueError, ZeroDivisionError):
        return False
    scale = 100 if FIELDS[params.field].kind == "money" else 1
    value *= scale
    least = params.minimum is None or value >= params.minimum
    return least and (params.maximum is None or value <= params.maximum)


def _entries(claims: AuditClaims, field: str) -> tuple[NDArray[np.int64], Flags]:
    """Entries of a field by claim, and where they are known."""
    if FIELDS[field].kind == "int":
        read = claims.numbers(field)
        return read.fen, read.given
    if field in ("diagnoses", "procedures"):
        rows = claims.codes(field).row
        known = np.full(claims.rows, claims.has(field))
        return np.bincount(rows, minlength=claims.rows), known
    named = claims.texts(field)
    sizes = [sum(1 for part in name.split(_SEVERAL) if part.strip()) for name in named.names]
    return np.array([*sizes, 0], np.int64)[named.codes], ~named.missing


def _folded(cell: str) -> str:
    """A value without harmless differences; a dash is none."""
    text = cell.strip(BLANKS)
    return "" if text in DASHES else text.casefold().removesuffix(".0")
