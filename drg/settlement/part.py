"""Parts of a month while it is settled: what each pass leaves of one, and ids that come again.

A part is worked on alone, so that several can be at once; ``drg.settlement.run`` takes them in
their order. Which claims stand in several rows is found by the hashes of their ids; the rows
themselves are read again, for there are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.typed import ClaimArrays
from drg.payment.pricing.finished import id_hashes
from drg.payment.pricing.price_columns import Note, Route
from drg.settlement.rerun import claim_keys, content

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns
    from drg.payment.pricing.assessed import Assessed

    Rows = NDArray[Any]

__all__ = [
    "CONFLICT", "REPEATED", "REPLACED", "Part", "SettledPart", "Several", "noted_rows",
    "refuse_rows", "repetitions", "several_rows", "unpaid_rows",
]  # fmt: skip

#: A row of a claim that another row contradicts, repeats, or replaces.
CONFLICT, REPEATED, REPLACED = "P617", "P618", "P619"
_PLACE = "drg row"


@dataclass(frozen=True)
class Part:
    """What the first pass leaves of some rows of the input.

    Attributes
    ----------
    first_row : int
        Row of the input that it begins with, from 1.
    height : int
        Rows of the input.
    assessed : Assessed
        Of the claims that this run settles.
    taken : Series of Boolean or None
        Which rows those are; None: all.
    again : Series of String
        Refs of claims settled before that are tried again.
    noted : tuple of DataFrame
        ``NOTED_SCHEMA``.
    """

    first_row: int
    height: int
    assessed: Assessed
    taken: pl.Series | None = None
    again: pl.Series | None = None
    noted: tuple[pl.DataFrame, ...] = ()

    @property
    def rows(self) -> Rows:
        """Row of the input of each claim assessed."""
        if self.taken is not None:
            return self.taken.arg_true().to_numpy().astype(np.int64) + self.first_row
        return np.arange(self.first_row, self.first_row + self.height)

    def hashes(self) -> Rows:
        """A hash of each claim's ref: its id, or ``#12`` for row 12 without one."""
        found = self.assessed.identity[0]
        nameless = np.flatnonzero(self.assessed.sheet.note == Note.NO_ID)
        if len(nameless):
            found = found.copy()
            refs = "#" + pl.Series(self.rows[nameless]).cast(pl.String)
            found[nameless] = id_hashes(refs)
        return found


@dataclass(frozen=True)
class SettledPart:
    """What the second pass leaves of a part.

    Attributes
    ----------
    claims : DataFrame
        The claims that this run settles, priced, with ``CLAIM_COLUMNS``.
    posted, entries : DataFrame
        ``POSTING_SCHEMA``, ``ENTRY_SCHEMA``; no entries unless they are asked for.
    noted : DataFrame
        ``NOTED_SCHEMA``: the unpaid ones.
    several : DataFrame or None
        Rows of claims that stand in several.
    """

    claims: pl.DataFrame
    posted: pl.DataFrame
    entries: pl.DataFrame
    noted: pl.DataFrame
    several: pl.DataFrame | None


@dataclass(frozen=True)
class Several:
    """Claims whose id stands in several rows.

    Attributes
    ----------
    standing : DataFrame
        ``ref``, ``version``, ``row`` of the row that stands for its claim: of the highest version
        the first.
    contradicted : Series
        Rows of claims whose highest version is there with more than one content.
    """

    standing: pl.DataFrame
    contradicted: pl.Series

    @classmethod
    def of(cls, rows: pl.Series, claims: pl.LazyFrame, columns: ClaimColumns) -> Several | None:
        """Read the rows that may be several of one claim; None: they are not.

        Parameters
        ----------
        rows : Series
            ``several_rows``.
        claims : LazyFrame
            Every row and column of the input.
        """
        wanted = pl.col(_PLACE).is_in(rows.implode())
        frame = claims.with_row_index(_PLACE, 1).filter(wanted).collect()
        place = frame[_PLACE].cast(pl.Int64).alias("row")
        frame = frame.drop(_PLACE)
        keys = claim_keys(frame, columns, place)
        twice = keys["ref"].is_duplicated()
        if not twice.any():
            return None
        frame, keys = frame.filter(twice), keys.filter(twice)
        newest = pl.col("version") == pl.col("version").max().over("ref")
        found = keys.with_columns(content(frame, columns)).filter(newest)
        ordered = keys.sort("version", "row", descending=[True, False])
        return cls(
            ordered.unique("ref", keep="first"),
            found.filter(pl.col("content").n_unique().over("ref") > 1)["row"],
        )

    def told(
        self, batch: pl.DataFrame, columns: ClaimColumns, keys: pl.DataFrame
    ) -> tuple[pl.Series | None, pl.DataFrame | None]:
        """Which rows of a part stand for their claim (None: all), and what is said of the others.

        Parameters
        ----------
        keys : DataFrame
            ``claim_keys`` of the batch.
        """
        several = keys["ref"].is_in(self.standing["ref"].implode())
        if not several.any():
            return None, None
        stands = keys["row"].is_in(self.standing["row"].implode())
        found = batch.filter(several)
        told = keys.filter(several).with_columns(
            _hospitals(found, columns),
            stands.filter(several).alias("stands"),
            content(found, columns),
        )
        return ~several | stands, told


def several_rows(parts: Sequence[Part]) -> pl.Series:
    """Rows of the input whose claim may stand in another row as well."""
    none = np.empty(0, np.uint64)
    ordered = np.concatenate([none, *(part.hashes() for part in parts)])
    ordered.sort()
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    if not len(again):
        return pl.Series("row", [], pl.Int64)
    rows = [part.rows[np.isin(part.hashes(), again)] for part in parts]
    return pl.Series("row", np.concatenate(rows))


def refuse_rows(parts: Sequence[Part], refused: pl.Series) -> None:
    """Pay nothing for some rows, because they contradict each other.

    Pricing calls two claims alike that differ in nothing that decides a payment. Whose they are is
    not for it to say.
    """
    if not len(refused):
        return
    wanted = refused.to_numpy()
    for part in parts:
        places = np.flatnonzero(np.isin(part.rows, wanted))
        part.assessed.sheet.unpaid(places, Note.CONTENT_DIFFERS, Route.FAULT)


def noted_rows(
    batch: pl.DataFrame, columns: ClaimColumns, keys: pl.DataFrame, which: pl.Series, code: str
) -> list[pl.DataFrame]:
    """A finding on some rows of a part; none when there are none."""
    if not which.any():
        return []
    told = keys.select(
        "row",
        pl.col("ref").alias("claim"),
        _hospitals(batch, columns),
        pl.lit(code).alias("code"),
    )
    return [told.filter(which)]


def repetitions(told: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Findings on rows that stand for nothing because of another row of their claim."""
    if not told:
        return []
    rows = pl.concat(told)
    both = rows.filter(~pl.col("stands")).join(
        rows.filter("stands"), on="ref", suffix="_of", maintain_order="left"
    )
    code = (
        pl.when(pl.col("version") < pl.col("version_of"))
        .then(pl.lit(REPLACED))
        .when(pl.col("content") == pl.col("content_of"))
        .then(pl.lit(REPEATED))
        .otherwise(pl.lit(CONFLICT))
    )
    named = pl.col("ref").alias("claim")
    return [both.select("row", named, "hospital", code.alias("code"))]


def unpaid_rows(claims: pl.DataFrame) -> pl.DataFrame:
    """Findings on settled claims that are not paid."""
    hospital = pl.col("hospital_id") if "hospital_id" in claims.columns else pl.lit("")
    claim = pl.when(~pl.col("ref").str.starts_with("#")).then("ref").otherwise(pl.lit(""))
    return claims.filter(pl.col("payment_note").is_not_null()).select(
        "row",
        claim.alias("claim"),
        hospital.cast(pl.String).fill_null("").alias("hospital"),
        pl.col("payment_note").cast(pl.String).alias("code"),
    )


def _hospitals(batch: pl.DataFrame, columns: ClaimColumns) -> pl.Series:
    """Hospital of each row, ``""`` where it is not reported."""
    ids = ClaimArrays(batch, columns).column("hospital_id")
    if ids is None:
        return pl.repeat("", batch.height, dtype=pl.String, eager=True).alias("hospital")
    return ids.cast(pl.String).fill_null("").alias("hospital")
