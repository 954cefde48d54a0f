"""Cases and their alternatives as one frame, read as the file's own rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from drg.claims.case import CASE_COLUMNS, case_columns, case_frame
from drg.claims.row import claim_of
from drg.simulate.alternatives import Alternative, BaseCase
from drg.simulate.corrections import Value, overridden

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns

__all__ = ["Batch", "Cases"]

_OTHERS = tuple(column.name for column in CASE_COLUMNS if column.kind != "codes")


class Batch(NamedTuple):
    """A frame of cases and which of its columns feed which field."""

    frame: pl.DataFrame
    columns: ClaimColumns


class Cases:
    """Cases of a frame, each with what is read of it alone.

    Parameters
    ----------
    frame : DataFrame
        One case a row.
    columns : ClaimColumns
    claims : sequence of Claim, optional
        The cases, where they are known; read from the frame when omitted.
    first_row : int, optional
        Number of the first row: names a case where the frame has no column of ids.

    Attributes
    ----------
    base : tuple of BaseCase
        In order.
    batch : Batch
        The frame as it is, which is grouped and priced as the file's rows are.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns,
        claims: Sequence[Claim] | None = None,
        *,
        first_row: int = 1,
    ) -> None:
        self.batch = Batch(frame, columns)
        there = {name: columns.scalars[name] for name in _OTHERS if name in columns.scalars}
        found = []
        for place, row in enumerate(frame.iter_rows(named=True)):
            if claims is None:
                cell = row[there["claim_id"]] if "claim_id" in there else first_row + place
                claim = claim_of(row, columns, "" if cell is None else str(cell))
            else:
                claim = claims[place]
            found.append(BaseCase(claim, {name: row[source] for name, source in there.items()}))
        self.base = tuple(found)

    @classmethod
    def of(cls, claims: Sequence[Claim]) -> Cases:
        """Cases that are known one by one.

        One that has no id yet, as before an upload, is not held against: it is ``#1``, ``#2`` ….
        """
        frame = case_frame(claims)
        named = pl.Series("claim_id", [c.claim_id or f"#{n}" for n, c in enumerate(claims, 1)])
        frame = frame.with_columns(named)
        return cls(frame, case_columns(frame), claims)

    def with_alternatives(self, tried: Sequence[Sequence[Alternative]]) -> Batch:
        """The cases, then the alternatives of each, as one frame.

        Parameters
        ----------
        tried : sequence of sequence of Alternative
            Of each case, in order.
        """
        frame, columns = self.batch
        listed = [(n, one) for n, ones in enumerate(tried) for one in ones]
        if not listed:
            return self.batch
        rows = [*range(frame.height), *(n for n, _ in listed)]
        claims = [*(base.claim for base in self.base), *(one.claim for _, one in listed)]
        cells: dict[str, dict[int, Value]] = {}
        for place, (_, one) in enumerate(listed, start=frame.height):
            for name, value in one.cells.items():
                cells.setdefault(name, {})[place] = value
        return _made(frame[rows], columns, claims, cells)


def _made(
    frame: pl.DataFrame,
    columns: ClaimColumns,
    claims: Sequence[Claim],
    cells: Mapping[str, Mapping[int, Value]],
) -> Batch:
    """A frame whose codes are those of the claims, and some of whose cells are others."""
    taken = {*frame.columns} - {*columns.diagnoses, *columns.procedures}
    dx, px = _unused("diagnoses", taken), _unused("procedures", taken)
    scalars = dict(columns.scalars)
    codes = pl.List(pl.String)
    made = [
        pl.Series(dx, [list(claim.diagnoses) for claim in claims], codes),
        pl.Series(px, [list(claim.procedures) for claim in claims], codes),
    ]
    for name, values in cells.items():
        source = scalars.get(name)
        series = overridden(None if source is None else frame[source], name, values, frame.height)
        if source is None or [*scalars.values()].count(source) > 1:
            source = _unused(name, taken)
        scalars[name] = source
        made.append(series.alias(source))
    changed = replace(
        columns,
        scalars=scalars,
        diagnoses=(dx,),
        diagnoses_joined=True,
        procedures=(px,),
        procedures_joined=True,
    )
    return Batch(frame.with_columns(made), changed)


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
