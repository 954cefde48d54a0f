"""The sheet that pricing fills in: what each claim of a part comes to, as small arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.payment.pricing.price_columns import NONE, UNSET, Mode, Note, Route

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Small = NDArray[np.uint8]
    Places = NDArray[np.int32]
    Rows = NDArray[Any]

__all__ = ["Sheet"]


@dataclass(slots=True)
class Sheet:
    """One entry a claim; 64 bytes, 72 with points, 92 with scores.

    Attributes
    ----------
    mode, route, case_class, branch, note : uint8 array
        Codes of ``drg.payment.pricing.price_columns``; ``UNSET``: none.
    weight, rate, coefficient : int32 array
        Places in the tables that go with the sheet; -1: none.
    standard, cost, price, patient, fund : int64 array
        Fen; ``NONE``: none.
    points : int64 array or None
        Scaled 10⁴, ``NONE``: none; None: the policy has no points.
    group_score, auxiliary : int64 array or None
        Score of the group and auxiliary coefficient, scaled 10⁴, ``NONE``: none; None: the policy
        does not pay by score.
    value : int32 array or None
        Place in the table of point values; -1: none.
    """

    mode: Small
    route: Small
    case_class: Small
    branch: Small
    note: Small
    weight: Places
    rate: Places
    coefficient: Places
    standard: Ints
    cost: Ints
    price: Ints
    patient: Ints
    fund: Ints
    points: Ints | None = None
    group_score: Ints | None = None
    auxiliary: Ints | None = None
    value: Places | None = None

    @classmethod
    def blank(cls, rows: int, *, points: bool, scores: bool = False) -> Sheet:
        """A sheet on which nothing is paid."""

        def small(value: int) -> Small:
            return np.full(rows, value, np.uint8)

        def places() -> Places:
            return np.full(rows, -1, np.int32)

        def amounts() -> Ints:
            return np.full(rows, NONE, np.int64)

        return cls(
            mode=small(Mode.UNPAID), route=small(Route.FAULT), case_class=small(UNSET),
            branch=small(UNSET), note=small(UNSET),
            weight=places(), rate=places(), coefficient=places(),
            standard=amounts(), cost=amounts(), price=amounts(), patient=amounts(), fund=amounts(),
            points=amounts() if points or scores else None,
            group_score=amounts() if scores else None,
            auxiliary=amounts() if scores else None,
            value=places() if scores else None,
        )  # fmt: skip

    def copy(self) -> Sheet:
        """The same, to be changed."""
        copies: dict[str, Any] = {}
        for field in fields(self):
            array = getattr(self, field.name)
            copies[field.name] = None if array is None else array.copy()
        return Sheet(**copies)

    def unpaid(self, rows: Rows, note: Note, route: Route | None = None) -> None:
        """These claims are not paid; a note that is already there stays."""
        rows = rows[self.note[rows] == UNSET]
        self.note[rows] = note
        self.mode[rows] = Mode.UNPAID
        if route is not None:
            self.route[rows] = route
        for amounts in (self.price, self.patient, self.fund):
            amounts[rows] = NONE
        self.branch[rows] = self.case_class[rows] = UNSET

    def open(self, rows: Rows) -> Rows:
        """Those of these claims that nothing stands against."""
        left: Rows = rows[self.note[rows] == UNSET]
        return left

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (getattr(self, field.name) for field in fields(self))
        return sum(array.nbytes for array in arrays if array is not None)
