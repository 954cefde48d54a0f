"""The rows of a claim file with a given id, as Claims."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

import polars as pl

from drg.claims.days import impossible_day
from drg.claims.frame import BLANKS
from drg.claims.model import Claim
from drg.claims.profiles import ClaimColumns
from drg.claims.readers import ClaimSource, explained
from drg.claims.row import claim_of
from drg.errors import InputError
from drg.scale import RunError

__all__ = ["FoundClaim", "claim_of", "claims_of", "find_claims", "found_rows", "unused_name"]

#: Candidates among which the nearest ids are looked for.
_CANDIDATES = 50
#: Leading characters of an id that are compared.
_PLACES = 40
_NEAR = 3
#: Codes of a case that is explained: what can be tried with them goes with their square.
_MOST_CODES = 1000


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
    return claims_of(*found_rows(source, claim_id), source.columns, claim_id)


def claims_of(
    frame: pl.DataFrame, rows: Sequence[int], columns: ClaimColumns, claim_id: str
) -> list[FoundClaim]:
    """The claims of what ``found_rows`` finds, as ``find_claims`` returns them."""
    wanted = claim_id.strip(BLANKS)
    return [
        FoundClaim(row, claim_of(cells, columns, wanted))
        for row, cells in zip(rows, frame.iter_rows(named=True), strict=True)
    ]


def found_rows(source: ClaimSource, claim_id: str) -> tuple[pl.DataFrame, list[int]]:
    """The rows that ``find_claims`` finds, as the file's own columns, and their numbers.

    Raises
    ------
    RunError
        As ``find_claims``.
    InputError
        F120, F127: the file is damaged; F138: the claim has too many codes to be told of.
    """
    wanted = claim_id.strip(BLANKS)
    row = unused_name(source.schema.names())
    rows = source.scan().with_row_index(row, offset=1)
    column = source.columns.scalars.get("claim_id")
    ids = pl.col(column or row).cast(pl.String).str.strip_chars(BLANKS)
    with explained(source.path):
        found = rows.filter(ids == wanted).collect(engine="streaming").sort(row)
        if found.is_empty():
            near = _nearest(rows.select(ids.alias(row)), wanted)
            raise RunError(
                "C202" if column else "C203",
                where=str(source.path),
                id=claim_id,
                near=", ".join(near) or "—",
                rows=source.rows,
            )
    if odd := impossible_day(found):
        odd_column, at = odd
        raise InputError("F127", where=str(source.path), column=odd_column, row=found[row][at])
    for cells in found.drop(row).iter_rows(named=True):
        claim = claim_of(cells, source.columns, wanted)
        if (codes := len(claim.diagnoses) + len(claim.procedures)) > _MOST_CODES:
            raise InputError(
                "F138", where=str(source.path), claim=wanted, found=f"{codes:,}", limit=_MOST_CODES
            )
    return found.drop(row), found[row].to_list()


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
