"""Pricing in Spark workers: everything but what claims meet in is done where the claims lie.

Three looks at the claims: counted (``TallyWork``), then priced by themselves (``AloneWork``), and
those that meet picked out (``PickWork``) and priced in one task (``TogetherWork``). What each does
follows from what the claims say, so a task that is run again comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import polars as pl

import drg
from drg.claims.frame import rename_clashing
from drg.paths import tables_root
from drg.payment.policy.digest import disease_table, policy_digest, weight_tables
from drg.payment.pricing.apart import TALLY_SCHEMA, Apart, Meeting, reads_ids_alone
from drg.payment.pricing.price import Pricer
from drg.scale import RunError
from drg.scale.arrow import batch_of, batches_of, frame_of, joined
from drg.scale.arrow_group import check_package
from drg.scale.spark_types import collected, mapped, plain_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from drg.claims.profiles import ClaimColumns
    from drg.dates import Interval, Month
    from drg.payment.policy import Policy
    from drg.payment.pricing.prior import Prior

__all__ = [
    "AloneWork", "PickWork", "Pricing", "TallyWork", "TogetherWork", "beside", "in_order",
    "meeting_of",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pricing:
    """What workers need to price; two are one if they have one key.

    Attributes
    ----------
    policy : Policy
    place : str or None
        Where its tables lie below ``tables/``, which need not be at one path on all machines;
        None: they lie elsewhere, and there on every machine.
    digest : str
        Of the policy and every table it names, on the driver.
    hospitals, decisions : DataFrame or None
    prior : Prior or None
    month : Month, Interval, str or None
        As ``Pricer`` takes them.
    """

    policy: Policy
    place: str | None
    digest: str
    hospitals: pl.DataFrame | None = None
    decisions: pl.DataFrame | None = None
    prior: Prior | None = None
    month: Month | Interval | str | None = None
    package: str = drg.__version__
    key: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(
        cls,
        policy: Policy,
        hospitals: pl.DataFrame | None,
        decisions: pl.DataFrame | None,
        prior: Prior | None,
        month: Month | Interval | str | None,
    ) -> Pricing:
        """With the digest of this machine's tables."""
        folder, tables = Path(policy.folder).resolve(), tables_root().resolve()
        shipped = bool(policy.folder) and folder.is_relative_to(tables)
        place = folder.relative_to(tables).as_posix() if shipped else None
        return cls(policy, place, _digest(policy), hospitals, decisions, prior, month)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pricing) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def apart(self) -> Apart:
        """The pricer; made once in a process.

        Raises
        ------
        RunError
            C261, C262: this machine has another package or other tables than the driver.
        """
        return _apart(self)


@lru_cache(2)
def _apart(told: Pricing) -> Apart:
    check_package(told.package)
    policy = told.policy
    if told.place is not None:
        policy = policy.model_copy(update={"folder": str(tables_root() / told.place)})
    found = _digest(policy)
    if found != told.digest:
        raise RunError("C261", id=policy.id, found=found[:12], wanted=told.digest[:12])
    return Apart(Pricer(policy, told.hospitals, told.decisions, told.prior, told.month))


def _digest(policy: Policy) -> str:
    return policy_digest(policy, weight_tables(policy), disease_table(policy))


@dataclass(frozen=True)
class TallyWork:
    """What is to be counted of the claims of a task: ``TALLY_SCHEMA``."""

    pricing: Pricing
    columns: ClaimColumns

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For ``mapInArrow``."""
        for batch in batches:
            yield batch_of(self.pricing.apart.tally(frame_of(batch), self.columns))


@dataclass(frozen=True)
class AloneWork:
    """Claims that meet no other, with the columns of pricing."""

    pricing: Pricing
    columns: ClaimColumns
    meeting: Meeting

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For ``mapInArrow``."""
        for batch in batches:
            frame = frame_of(batch)
            meets, priced = self.pricing.apart.alone(frame, self.meeting, self.columns)
            yield joined(batch, beside(frame, priced), ~meets)


@dataclass(frozen=True)
class PickWork:
    """Claims that meet others, as they came."""

    pricing: Pricing
    columns: ClaimColumns
    meeting: Meeting

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For ``mapInArrow``."""
        import pyarrow as pa

        for batch in batches:
            meets = self.pricing.apart.meets(frame_of(batch), self.meeting, self.columns)
            if meets.any():
                yield batch.filter(pa.array(meets))


@dataclass(frozen=True)
class TogetherWork:
    """All claims that meet others, with the columns of pricing; one task has them all."""

    pricing: Pricing
    columns: ClaimColumns
    meeting: Meeting
    row: str | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For ``mapInArrow``."""
        found = list(batches)
        if found:
            frame = in_order(frame_of(found), self.row)
            priced = self.pricing.apart.together(frame, self.meeting, self.columns)
            yield from batches_of(beside(frame, priced))


def meeting_of(df: DataFrame, pricing: Pricing, columns: ClaimColumns) -> Meeting:
    """Count the claims: one job, after which the driver has what several claims share.

    Parameters
    ----------
    df : pyspark DataFrame
        Grouped claims; only the columns that say which of them meet are read.
    """
    from pyspark.sql import functions as f

    policy = pricing.policy
    unread = {*columns.diagnoses, *columns.procedures}
    wanted = [name for name in df.columns if name not in unread]
    if reads_ids_alone(policy):
        wanted = [columns.scalars["claim_id"]] if "claim_id" in columns.scalars else wanted[:1]
    elif pricing.apart.pricer.reads_codes:
        wanted = df.columns
    tallies = mapped(
        df.select(*(f.col(f"`{name}`") for name in wanted)),
        TallyWork(pricing, columns),
        plain_schema(TALLY_SCHEMA),
    )
    summed = tallies.groupBy("kind", "key", "month").agg(f.sum("rows").alias("rows"))
    return Meeting.of(collected(summed.filter(Meeting.matters()), TALLY_SCHEMA))


def beside(frame: pl.DataFrame, priced: pl.DataFrame) -> pl.DataFrame:
    """Claims with the columns of pricing, as ``price_frame`` has them."""
    return frame.rename(rename_clashing(frame.columns, priced.columns)).hstack(priced)


def in_order(frame: pl.DataFrame, row: str | None) -> pl.DataFrame:
    """Claims in an order that does not depend on how they came together.

    Parameters
    ----------
    row : str or None
        Column of the order; None: by all that the claims say, so that of two that are alike in
        what decides a payment it is always the same one that counts.
    """
    if row is not None:
        return frame.sort(row, maintain_order=True)
    said = [
        pl.col(name).cast(pl.List(pl.String)).list.join("|") if isinstance(dtype, pl.List)
        else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
        if not dtype.is_nested() or isinstance(dtype, pl.List)
    ]  # fmt: skip
    order = frame.select(pl.arg_sort_by(said, maintain_order=True)).to_series()
    return frame[order]
