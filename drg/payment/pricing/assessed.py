"""What the first pass leaves of a part of a month: compact arrays, and lists of what may change.

A part can be any rows of a period, on any machine; ``drg.payment.pricing.caps`` takes all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import polars as pl

from drg.claims.named import Named
from drg.payment.pricing.price_columns import UNSET
from drg.payment.pricing.sheet import Sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["Assessed", "Candidates", "Packages", "Stays", "Visits", "Worth"]


@dataclass(frozen=True, slots=True)
class Worth:
    """What cases are worth and who pays: fen, and points scaled 10⁴ where they are paid so."""

    price: Ints
    fund: Ints
    patient: Ints
    points: Ints | None = None

    def where(self, here: Flags, other: Worth) -> Worth:
        """The other one's where it holds."""
        points = self.points
        if points is not None and other.points is not None:
            points = np.where(here, other.points, points)
        return Worth(
            np.where(here, other.price, self.price),
            np.where(here, other.fund, self.fund),
            np.where(here, other.patient, self.patient),
            points,
        )

    def take(self, places: Rows) -> Worth:
        """The cases of these places."""
        points = None if self.points is None else self.points[places]
        return Worth(self.price[places], self.fund[places], self.patient[places], points)

    def put(self, sheet: Sheet, rows: Rows) -> None:
        """Write it on the sheet."""
        sheet.price[rows], sheet.fund[rows] = self.price, self.fund
        sheet.patient[rows] = self.patient
        if sheet.points is not None and self.points is not None:
            sheet.points[rows] = self.points


@dataclass(frozen=True, slots=True)
class Candidates:
    """Cases that may leave their group's price.

    Attributes
    ----------
    rows : int32 array
        Rows of the part.
    ids : Series
        Claims, as text.
    high, applied, reviewed : bool array
        By cost, by a by-item application granted, by special review.
    adjusted : bool array
        Review gives a standard of its own (``ruled``) instead of payment by item (``item``).
    excess : int64 array
        Cost less standard, fen.
    """

    rows: Rows
    ids: pl.Series
    high: Flags
    applied: Flags
    reviewed: Flags
    adjusted: Flags
    excess: Ints
    item: Worth
    ruled: Worth


@dataclass(frozen=True, slots=True)
class Stays:
    """Stays that a readmission may reduce to ``less``.

    Attributes
    ----------
    rows : int32 array
    ids, patients, groups : Series
        Text; null patient: not reported.
    admitted, discharged : int32 array
        Days since 1970-01-01.
    dated : bool array
        The admission is known.
    exempt, by_group : bool array
        Group that readmission does not concern; case that has its group's price.
    """

    rows: Rows
    ids: pl.Series
    patients: pl.Series
    groups: pl.Series
    admitted: Rows
    discharged: Rows
    dated: Flags
    exempt: Flags
    by_group: Flags
    less: Worth


@dataclass(frozen=True, slots=True)
class Visits:
    """Outpatient visits, each at its cost in fen."""

    rows: Rows
    ids: pl.Series
    patients: pl.Series
    day: Rows
    cost: Ints
    eligible: Flags


@dataclass(frozen=True, slots=True)
class Packages:
    """Stays that get a package if it is their person's first of the year."""

    rows: Rows
    ids: pl.Series
    patients: pl.Series
    day: Rows
    worth: Worth
    statistics: Flags


@dataclass(frozen=True, slots=True)
class Assessed:
    """A part after the first pass.

    Attributes
    ----------
    sheet : Sheet
        What each claim comes to if nothing more happens.
    identity : tuple of two uint64 arrays
        Hashes of the claims' ids.
    content : uint64 array
        Hash of all that the claim says.
    version : int32 array
        1 where not reported.
    hospital : Named
    month : int16 array
        Month of discharge, counted from 1970-01.
    weights, coefficients, rates, values : Series
        What the places on the sheet stand for.
    key : str
        Tells parts apart.
    """

    sheet: Sheet
    identity: tuple[Rows, Rows]
    content: Rows
    version: Rows
    hospital: Named
    month: Rows
    weights: pl.Series | None
    coefficients: pl.Series | None
    rates: pl.Series | None
    values: pl.Series | None = None
    candidates: Candidates | None = None
    stays: Stays | None = None
    visits: Visits | None = None
    packages: Packages | None = None
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def rows(self) -> int:
        """Number of claims."""
        return len(self.version)

    @property
    def priced(self) -> Flags:
        """Claims that nothing stands against so far."""
        found: Flags = self.sheet.note == UNSET
        return found

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that every claim has."""
        own = (*self.identity, self.content, self.version, self.hospital.codes, self.month)
        return self.sheet.nbytes + sum(array.nbytes for array in own)
