"""A month settled on Spark: claims and their entries where they lie, the books on the driver.

The books of a month need sums by hospital and insurance, and the claims that something was decided
on; those alone come to the driver, where ``Books`` pays the month as it does on one machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.frame import rename_clashing
from drg.scale.arrow import batch_of, batches_of, frame_of
from drg.scale.spark_price import Pricing, in_order
from drg.scale.spark_types import collected, mapped, plain_schema
from drg.settlement.books import Books, Posted
from drg.settlement.ledger import ENTRY_SCHEMA, HEADS, Ledger
from drg.settlement.ledger_file import LedgerTail
from drg.settlement.matters import DECISION_SCHEMA
from drg.settlement.part import Several
from drg.settlement.posting import CLAIM_COLUMNS, claim_entries, postings
from drg.settlement.rerun import canonical, claim_keys
from drg.settlement.settled import NOTED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from drg.claims.profiles import ClaimColumns
    from drg.dates import Month
    from drg.payment.policy import Policy
    from drg.payment.pricing.apart import Meeting
    from drg.settlement.budget import Budget
    from drg.settlement.settled import Settlement

__all__ = ["SettleAlone", "SettleTogether", "SparkSettlement", "keep_books", "settled_claims"]

_SUMMED = ["period", "hospital", "insurance", "subject", "account"]
_SUMS = {name: ENTRY_SCHEMA[name] for name in _SUMMED} | {"fen": pl.Int64(), "entries": pl.Int64()}
#: What of a settled claim its posting is made from; a frame may lack the last two.
_POSTED = (
    "ref", "settled_version", "pay_mode", "branch", "payment_note", "cost_fen", "fund_fen",
    "patient_fen", "hospital_id", "insurance",
)  # fmt: skip
_RUN = 1


@dataclass(frozen=True)
class SparkSettlement:
    """A month settled on Spark.

    Attributes
    ----------
    claims : pyspark DataFrame
        Claims that the month settles, as ``Settlement.claims`` has them; persisted:
        ``claims.unpersist()`` when it has been written.
    entries : pyspark DataFrame
        ``ENTRY_SCHEMA`` with text for Enums: the entries of claims and of batches, in no order and
        therefore without ``seq``.
    hospitals : polars DataFrame
        The month by hospital and insurance (``hospital_table``).
    matters : polars DataFrame
        Disputes, holds and deductions.
    findings : polars DataFrame
        On decisions, holds and quotas. What was found on a claim stands in its ``payment_note``.
    """

    claims: DataFrame
    entries: DataFrame
    hospitals: pl.DataFrame
    matters: pl.DataFrame
    findings: pl.DataFrame


@dataclass(frozen=True)
class SettleAlone:
    """Settled claims that meet no other, of a task."""

    pricing: Pricing
    columns: ClaimColumns
    meeting: Meeting
    row: str | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For ``mapInArrow``."""
        for batch in batches:
            yield batch_of(self.settled(frame_of(batch)))

    def settled(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Those of some claims that meet no other."""
        meets, priced = self.pricing.apart.alone(frame, self.meeting, self.columns)
        return settled_claims(frame, self.columns, priced, self.row).filter(~pl.Series(meets))


@dataclass(frozen=True)
class SettleTogether:
    """Settled claims that meet others; one task has them all."""

    pricing: Pricing
    columns: ClaimColumns
    meeting: Meeting
    row: str | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For ``mapInArrow``."""
        found = list(batches)
        if found:
            yield from batches_of(self.settled(in_order(frame_of(found), self.row)))

    def settled(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that stand for their claim: the highest version, the first of those."""
        several = Several.of(
            pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True),
            frame.lazy(),
            self.columns,
        )
        refused = None
        keys = claim_keys(frame, self.columns, 1)
        if several is not None:
            refused = keys["row"].is_in(several.contradicted.implode()).to_numpy()
        priced = self.pricing.apart.together(frame, self.meeting, self.columns, refused)
        claims = settled_claims(frame, self.columns, priced, self.row)
        stands = None if several is None else several.told(frame, self.columns, keys)[0]
        return claims if stands is None else claims.filter(stands)


@dataclass(frozen=True)
class _Entries:
    """Entries of settled claims; of those that are named, or of all."""

    policy: Policy
    period: str
    named: pl.Series | None = None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            claims = frame_of(batch)
            if self.named is not None:
                claims = claims.filter(pl.col("ref").is_in(self.named.implode()))
            yield batch_of(claim_entries(postings(claims, self.policy), self.period))


def settled_claims(
    frame: pl.DataFrame, columns: ClaimColumns, priced: pl.DataFrame, row: str | None
) -> pl.DataFrame:
    """Priced claims as a settlement has them.

    Parameters
    ----------
    row : str or None
        Column of their rows; None: they are not known.
    """
    none = pl.Series("row", [None], pl.Int64).new_from_index(0, frame.height)
    rows = none if row is None else frame[row].cast(pl.Int64)
    told = claim_keys(frame, columns, rows).select(
        "ref",
        pl.col("version").alias("settled_version"),
        "row",
        pl.lit(_RUN, pl.Int32).alias("run"),
    )
    claims = canonical(frame, columns)
    claims = claims.rename(rename_clashing(claims.columns, (*priced.columns, *CLAIM_COLUMNS)))
    return claims.hstack(priced).hstack(told)


def keep_books(
    claims: DataFrame,
    pricing: Pricing,
    *,
    month: Month,
    budget: Budget | None,
    prior: Sequence[Settlement],
) -> SparkSettlement:
    """Post settled claims and pay the month.

    Parameters
    ----------
    claims : pyspark DataFrame
        ``settled_claims`` of the month, persisted.
    pricing : Pricing
        With the register and the decisions.
    month, budget, prior
        As for ``Books.keep``.

    Raises
    ------
    BudgetError
        P447: a line of the budget is not signed.
    """
    from pyspark.sql import functions as f

    policy, decisions, period = pricing.policy, pricing.decisions, str(month)
    if decisions is None:
        decisions = pl.DataFrame(schema=DECISION_SCHEMA)
    lines = claims.select(*(name for name in _POSTED if name in claims.columns))
    entries = mapped(lines, _Entries(policy, period), plain_schema(ENTRY_SCHEMA))
    counted = entries.groupBy(*_SUMMED).agg(
        f.sum("fen").alias("fen"), f.count(f.lit(1)).alias("entries")
    )
    sums = collected(counted, _SUMS).sort(_SUMMED)
    held = pl.DataFrame(schema=ENTRY_SCHEMA)
    if decisions.height:
        # A claim that something was decided on is looked up by the books.
        refs = decisions["claim_id"].drop_nulls().unique()
        said = mapped(lines, _Entries(policy, period, refs), plain_schema(ENTRY_SCHEMA))
        held = collected(said, ENTRY_SCHEMA).sort("ref", "account")
    ledger = Ledger().append(held, run=_RUN)
    others = int(sums["entries"].sum()) - held.height
    heads = int(sums.filter(pl.col("account").is_in(HEADS))["entries"].sum())
    posted = Posted(
        LedgerTail(ledger.entries, sums, others), pl.Series("ref", [], pl.String), heads
    )
    books = Books.keep(
        policy, month, posted, pl.DataFrame(schema=NOTED_SCHEMA), run=_RUN, decisions=decisions,
        budget=budget, prior=prior, register=pricing.hospitals,
    )  # fmt: skip
    batches = books.ledger.entries.filter(pl.col("subject") == "batch")
    told = batches.select(ENTRY_SCHEMA.names()).with_columns(pl.col(pl.Enum).cast(pl.String))
    more = claims.sparkSession.createDataFrame(told.rows(), plain_schema(ENTRY_SCHEMA))
    return SparkSettlement(
        claims=claims,
        entries=entries.unionByName(more),
        hospitals=books.hospitals,
        matters=books.matters,
        findings=books.findings,
    )
