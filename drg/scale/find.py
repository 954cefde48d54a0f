"""One row of a claim file as a Claim, and the rows with a given id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import polars as pl

from drg.claims.days import read_day
from drg.claims.frame import BLANKS, COLUMN
from drg.claims.model import Claim
from drg.claims.profiles import ClaimColumns
from drg.claims.readers import ClaimSource, explained
from drg.scale import RunError

__all__ = ["FoundClaim", "claim_of", "find_claims", "unused_name"]

_WHOLE = re.compile(r"([+-]?\d+)(\.0*)?", re.ASCII)
#: A number no claim has: groupers take it for one that cannot be read.
UNREADABLE = 2**31
#: A longer number cannot be meant.
_DIGITS = 40
#: Candidates among which the nearest ids are looked for.
_CANDIDATES = 50
#: Leading characters of an id that are compared.
_PLACES = 40
_NEAR = 3


class FoundClaim(NamedTuple):
    """A claim and the row it stands in.

    Attributes
    ----------
    row : int
        Number of the row, from 1, header and blank lines not counted.
    claim : Claim
    """

    row: int
    claim: Claim


def claim_of(row: Mapping[str, object], columns: ClaimColumns, claim_id: str = "") -> Claim:
    """The claim of one row of a file, read as ``Grouper.group_frame`` reads it.

    Parameters
    ----------
    row : mapping of str to object
        The file's own columns.
    columns : ClaimColumns
        Which of them feed which field.
    claim_id : str, optional
        Used where the file has no column of ids.

    Returns
    -------
    Claim
        A number that cannot be read becomes ``UNREADABLE``, which both groupers call invalid.
        The day of discharge is None when it cannot be read. Sums of money are text as the file has
        them. Other dates and what only pricing reads are left out.
    """
    values: dict[str, object] = {"claim_id": claim_id}
    for name, source in columns.scalars.items():
        column, cell = COLUMN.get(name), row[source]
        if cell is None or column is None or column.kind not in ("int", "str", "money"):
            continue
        if column.kind == "int":
            values[name] = _number(cell)
        else:
            values[name] = str(cell)
    if day := columns.scalars.get("discharged_on"):
        values["discharged_on"] = read_day(row[day])
    for name, sources, joined in (
        ("diagnoses", columns.diagnoses, columns.diagnoses_joined),
        ("procedures", columns.procedures, columns.procedures_joined),
    ):
        entries = [_codes(row[s], columns.separator if joined else "") for s in sources]
        values[name] = tuple(code for codes in entries for code in codes)
    return Claim.model_validate(values)


def find_claims(source: ClaimSource, claim_id: str) -> list[FoundClaim]:
    """Every claim with this id, in the file's order, without loading the file.

    Parameters
    ----------
    source : ClaimSource
        An open file. If it has no column of ids, a claim's id is the number of its row, from 1.
    claim_id : str
        Blanks around it, here and in the file, do not matter.

    Raises
    ------
    RunError
        C202: no such claim; names the nearest ids.
    """
    wanted = claim_id.strip(BLANKS)
    row = unused_name(source.schema.names())
    rows = source.scan().with_row_index(row, offset=1)
    column = source.columns.scalars.get("claim_id")
    ids = pl.col(column or row).cast(pl.String).str.strip_chars(BLANKS)
    with explained(source.path):
        found = rows.filter(ids == wanted).collect(engine="streaming")
        if found.is_empty():
            near = _nearest(rows.select(ids.alias(row)), wanted)
            raise RunError(
                "C202" if column else "C203",
                where=str(source.path),
                id=claim_id,
                near=", ".join(near) or "—",
                rows=source.rows,
            )
    return [
        FoundClaim(cells[row], claim_of(cells, source.columns, wanted))
        for cells in found.sort(row).iter_rows(named=True)
    ]


def unused_name(names: Sequence[str]) -> str:
    """A column name that is not among ``names``."""
    name = "row"
    while name in names:
        name += "_"
    return name


def _nearest(ids: pl.LazyFrame, wanted: str) -> list[str]:
    """The ids most like the wanted one: those that agree with it in most places come first."""
    place = pl.first()
    alike = pl.sum_horizontal(
        *((place.str.slice(n, 1) == char) for n, char in enumerate(wanted[:_PLACES])),
        (place.str.len_chars() == len(wanted)),
    )
    best = ids.drop_nulls().unique().with_columns(alike.alias("alike"))
    names = best.top_k(_CANDIDATES, by="alike").collect(engine="streaming").to_series().to_list()
    return get_close_matches(wanted, names, n=_NEAR, cutoff=0.5) or sorted(names)[:_NEAR]


def _number(cell: object) -> int | None:
    if isinstance(cell, bool):
        return UNREADABLE
    if isinstance(cell, int):
        return cell
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else UNREADABLE
    text = str(cell).strip(BLANKS)
    if not text:
        return None
    whole = _WHOLE.fullmatch(text)
    return int(whole[1]) if whole and len(text) < _DIGITS else UNREADABLE


def _codes(cell: object, separator: str) -> list[str]:
    if cell is None:
        return [""]
    if isinstance(cell, str):
        return cell.split(separator) if separator else [cell]
    if isinstance(cell, Sequence):
        return ["" if code is None else str(code) for code in cell] or [""]
    return [str(cell)]
