"""Claims grouped, priced and settled on an existing Spark cluster; extra ``[spark]``.

Claims never come to the driver: what comes is counts, keys that several claims share, and sums.
The result equals that of one machine row by row. docs/spark.md: clusters, sizes, what is shipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.profiles import match_columns
from drg.payment.policy.catalog import load_policy
from drg.payment.pricing.prior import prior_of
from drg.scale import RunError
from drg.scale.arrow_group import load_work
from drg.scale.spark_price import (
    AloneWork,
    PickWork,
    Pricing,
    TogetherWork,
    beside,
    meeting_of,
)
from drg.scale.spark_settle import SettleAlone, SettleTogether, SparkSettlement, keep_books
from drg.scale.spark_types import empty_of, mapped, need_spark, spark_schema
from drg.settlement.books import check_prior
from drg.settlement.inputs import HOSPITAL_SCHEMA, read_decisions, read_hospitals, whole
from drg.settlement.matters import DECISION_SCHEMA
from drg.settlement.run import joined_prior
from drg.settlement.store import read_settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from drg.claims.profiles import ClaimColumns
    from drg.dates import Interval, Month
    from drg.payment.policy import Policy
    from drg.payment.pricing.prior import Prior
    from drg.settlement.budget import Budget
    from drg.settlement.settled import Settlement

__all__ = ["SparkSettlement", "group", "price", "settle"]

Table = pl.DataFrame | str | Path


def group(
    df: DataFrame,
    scheme: str | Path,
    *,
    compat: str | None = None,
    codes: str | None = None,
    weights: str | Path | None = None,
    columns: ClaimColumns | None = None,
) -> DataFrame:
    """Group the claims of a Spark frame, wherever they lie.

    Parameters
    ----------
    df : DataFrame
        Claims, one a row, in any partitioning; codes as text or as arrays of text.
    scheme : str or Path
        Id of a scheme, place or DIP catalogue; or a folder, which has to lie on every machine.
    compat, codes
        As ``drg.Grouper.load`` takes them.
    weights : str or Path, optional
        Adds weight and standard (``drg.payment.weights.Weights``).
    columns : ClaimColumns, optional
        Which columns feed which field; found by the header profiles when omitted.

    Returns
    -------
    DataFrame
        The columns of ``group_frame`` in its order, Enums as strings. Nothing is computed until
        Spark is asked for it, and nothing is collected.

    Raises
    ------
    RunError
        C260: pyspark or pyarrow is missing. On a worker C261, C262: it has other tables, or
        another version of this package, than the driver.
    SchemeError, TableError, InputError
        The scheme cannot be loaded, or the columns cannot be told.
    """
    need_spark()
    empty = empty_of(df)
    columns = columns or match_columns(empty.columns, dict(empty.schema))
    named = None if weights is None else str(weights)
    work = load_work(str(scheme), compat, codes, named, columns)
    return mapped(df, work, spark_schema(df, work.grouped(empty)))


def price(
    df: DataFrame,
    policy: Policy | str | Path,
    *,
    hospitals: Table | None = None,
    decisions: Table | None = None,
    prior: Prior | None = None,
    month: Month | Interval | str | None = None,
    columns: ClaimColumns | None = None,
    row: str | None = None,
) -> DataFrame:
    """Price the grouped claims of a whole period.

    What a claim comes to by itself is worked out where it lies. Caps, claims that are there twice,
    readmissions, packages and yearly ceilings are decided for the claims they touch in one task,
    by the same code as on one machine.

    Parameters
    ----------
    df : DataFrame
        What ``group`` gave. It is read three times: give it from storage, or persisted. Read
        again it has to hold the same claims.
    policy : Policy, str or Path
        ``drg.payment.policy.catalog.load_policy``, or what that takes.
    hospitals, decisions : DataFrame, str or Path, optional
        Of polars, or files on the driver (``drg.settlement.inputs``).
    prior, month
        As ``Pricer`` takes them.
    columns : ClaimColumns, optional
        Which columns feed which field; found by the header profiles when omitted.
    row : str, optional
        Column of whole numbers that gives the order of the claims: of two that are alike in all
        that decides a payment the first is paid. Without it, it is the first by what they say.

    Returns
    -------
    DataFrame
        The claims with the columns of ``price_frame``, Enums as strings; in no order. One job has
        run, which counted; the prices are computed when Spark is asked for them.

    Raises
    ------
    RunError
        C260: pyspark or pyarrow is missing; C263: there is no column ``row``. On a worker C261,
        C262.
    PaymentError, PolicyError, TableError, InputError
        As ``price_frame``.
    """
    need_spark()
    empty, columns = _columns(df, columns, row)
    rules = _policy(policy)
    pricing = Pricing.of(
        rules, _table(hospitals, read_hospitals), _table(decisions, read_decisions), prior, month
    )
    meeting = meeting_of(df, pricing, columns)
    _, priced = pricing.apart.alone(empty, meeting, columns)
    schema = spark_schema(df, beside(empty, priced))
    alone = AloneWork(pricing, columns, meeting)
    return _both(df, alone, TogetherWork(pricing, columns, meeting, row), schema)


def settle(
    df: DataFrame,
    policy: Policy | str | Path,
    *,
    month: Month,
    hospitals: Table | None = None,
    decisions: Table | None = None,
    budget: Budget | None = None,
    prior: Sequence[Settlement | str | Path] = (),
    columns: ClaimColumns | None = None,
    row: str | None = None,
) -> SparkSettlement:
    """Settle a month of grouped claims for the first time.

    Parameters
    ----------
    df, policy, columns
        As for ``price``.
    month, hospitals, decisions, budget, prior
        As ``drg.settlement.run.settle_month`` takes them.
    row : str, optional
        As for ``price``; the claims' rows in the settlement. Claims without an id, which are known
        by their row, need it.

    Returns
    -------
    SparkSettlement
        Its claims are persisted, for ledger and sums are made from them.

    Raises
    ------
    RunError
        C260, C263; C264: claims without an id, and no ``row``.
    SettlementError, PaymentError, PolicyError, BudgetError, TableError, InputError
        As ``settle_month``.
    """
    need_spark()
    empty, columns = _columns(df, columns, row)
    months = [read_settlement(p, whole=True) if isinstance(p, str | Path) else p for p in prior]
    months = check_prior(months, month)
    decided = whole(_table(decisions, read_decisions), DECISION_SCHEMA)
    pricing = Pricing.of(
        _policy(policy),
        whole(_table(hospitals, read_hospitals), HOSPITAL_SCHEMA),
        pl.DataFrame(schema=DECISION_SCHEMA) if decided is None else decided,
        joined_prior([prior_of(one.claims.lazy()) for one in months]),
        month,
    )
    meeting = meeting_of(df, pricing, columns)
    if meeting.nameless and row is None:
        raise RunError("C264", count=f"{meeting.nameless:,}")
    alone = SettleAlone(pricing, columns, meeting, row)
    schema = spark_schema(df, alone.settled(empty))
    claims = _both(df, alone, SettleTogether(pricing, columns, meeting, row), schema).persist()
    return keep_books(claims, pricing, month=month, budget=budget, prior=months)


def _both(
    df: DataFrame,
    alone: AloneWork | SettleAlone,
    together: TogetherWork | SettleTogether,
    schema: StructType,
) -> DataFrame:
    """Claims that meet no other, and those that do."""
    found = mapped(df, alone, schema)
    if alone.meeting.empty:
        return found
    pick = PickWork(alone.pricing, alone.columns, alone.meeting)
    picked = mapped(df, pick, df.schema).repartition(1)
    return found.union(mapped(picked, together, schema))


def _columns(
    df: DataFrame, columns: ClaimColumns | None, row: str | None
) -> tuple[pl.DataFrame, ClaimColumns]:
    """A frame of the claims' columns without rows, and which of them feed which field."""
    empty = empty_of(df)
    if row is not None and not (row in empty.columns and empty.schema[row].is_integer()):
        raise RunError("C263", column=row)
    return empty, columns or match_columns(empty.columns, dict(empty.schema))


def _policy(policy: Policy | str | Path) -> Policy:
    return load_policy(policy) if isinstance(policy, str | Path) else policy


def _table(table: Table | None, read: Callable[[str | Path], pl.DataFrame]) -> pl.DataFrame | None:
    return read(table) if isinstance(table, str | Path) else table
