"""Whom a rule is about: age in years and days, codes that a stay has; true, false or unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from drg.audit.kind import FIELDS, AuditClaims, Params
from drg.audit.lists import ListParam
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["Ages", "CodeField", "Truth", "When", "ages", "claims_with", "in_range", "without_codes"]

CodeField = Literal["diagnoses", "procedures"]
#: Days that a child under one year can have lived: more is told by years.
_YEAR = 366


class Truth(NamedTuple):
    """Where something holds, and where that cannot be told; never both."""

    holds: Flags
    unknown: Flags


class Ages(NamedTuple):
    """Age at admission.

    Attributes
    ----------
    years, days : int64 array
    years_known, days_known : bool array
        Who is one year or older has more than 365 days without saying how many: ``days`` is then
        the least that can be, and known.
    """

    years: Ints
    years_known: Flags
    days: Ints
    days_known: Flags


def ages(claims: AuditClaims) -> Ages:
    """Ages of the claims; the days stand in where only they are given, and the other way round."""
    years, days = claims.numbers("age"), claims.numbers("age_days")
    grown = years.given & (years.fen >= 1)
    return Ages(
        np.where(years.given, years.fen, days.fen // _YEAR),
        years.given | days.given,
        np.where(grown, np.maximum(days.fen, years.fen * _YEAR), days.fen),
        grown | days.given,
    )


class When(Params):
    """Claims that a rule is about; everything said must hold. Nothing said: every claim.

    Attributes
    ----------
    max_age_days : int, optional
        Last day of age.
    codes, unless : list of codes, optional
        Some diagnosis is listed in ``codes`` and not in ``unless``.
    field, values : str and tuple of str, optional
        A field holds one of these values.
    """

    max_age_days: int | None = None
    codes: ListParam | None = None
    unless: ListParam | None = None
    field: str | None = None
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.field is None) != (not self.values):
            raise ValueError(text("audit.want_together", names="when.field, when.values"))
        if self.codes is None and self.unless is not None:
            raise ValueError(text("audit.want_together", names="when.codes, when.unless"))
        if self.field is not None and self.field not in FIELDS:
            raise ValueError(text("audit.no_field", field=self.field))
        return self

    def of(self, claims: AuditClaims) -> Truth:
        """Claims it holds for."""
        holds = np.ones(claims.rows, np.bool_)
        unknown = np.zeros(claims.rows, np.bool_)
        parts = []
        if self.max_age_days is not None:
            found = ages(claims)
            parts.append(Truth(found.days_known & (found.days <= self.max_age_days),
                               ~found.days_known))  # fmt: skip
        if self.codes is not None:
            codes = claims.codes("diagnoses")
            marked = codes.among(self.codes.codes)
            if self.unless is not None:
                marked &= ~codes.among(self.unless.codes)
            have = claims_with(claims, codes.row[marked])
            parts.append(Truth(have, without_codes(claims, "diagnoses")))
        if self.field is not None:
            texts = claims.texts(self.field)
            parts.append(Truth(texts.marked(self.values.__contains__), texts.missing))
        for part in parts:
            ruled_out = ~part.holds & ~part.unknown
            unknown = (unknown | part.unknown) & ~ruled_out & (holds | unknown)
            holds &= part.holds
        return Truth(holds & ~unknown, unknown)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that it goes by."""
        named = (
            ("age_days", self.max_age_days is not None),
            ("diagnoses", self.codes is not None),
            (self.field or "", self.field is not None),
        )
        return tuple(field for field, used in named if used)


def claims_with(claims: AuditClaims, rows: Ints) -> Flags:
    """Claims among these places."""
    found = np.zeros(claims.rows, np.bool_)
    found[rows] = True
    return found


def without_codes(claims: AuditClaims, field: CodeField) -> Flags:
    """Where codes are not reported: no diagnosis at all; no column of procedures."""
    if field == "procedures":
        return np.full(claims.rows, not claims.has("procedures"))
    return claims.bare


def in_range(
    values: Ints, known: Flags, least: int | None, most: int | None, low: Ints | None = None
) -> Truth:
    """Values inside bounds, both allowed; not known: cannot be told."""
    inside = known.copy()
    if least is not None:
        inside &= values >= least
    if most is not None:
        inside &= values <= most
    return Truth(inside, ~known)
