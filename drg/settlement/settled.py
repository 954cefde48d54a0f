"""A settled month as a value: claims, ledger, findings, hospitals, matters.

What ``settle_month`` gives, what a folder holds and what the reports read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from drg.dates import Month
from drg.reasons import reason_page
from drg.settlement.ledger import BATCH_ACCOUNTS, CLAIM_ACCOUNTS, HEADS, Ledger
from drg.settlement.ledger_check import LedgerFault
from drg.settlement.matters import MATTER_SCHEMA

if TYPE_CHECKING:
    from drg.payment.policy import Policy

__all__ = [
    "FINDING_SCHEMA", "NOTED_SCHEMA", "Settlement", "finding_rows", "hospital_table",
    "worded",
]  # fmt: skip

#: A finding before it is worded: row of the input from 1, or of a table beside it.
NOTED_SCHEMA = pl.Schema(
    {"row": pl.Int64(), "claim": pl.String(), "hospital": pl.String(), "code": pl.String()}
)
#: ``findings.csv``: level and wording come from the page of the code.
FINDING_SCHEMA = pl.Schema(
    {**NOTED_SCHEMA, "level": pl.String(), "what": pl.String(), "mend": pl.String()}
)


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """One month of one policy.

    Attributes
    ----------
    month : Month
    policy_id, policy_digest : str
    claims : DataFrame or LazyFrame
        Claims in force, in the order in which they were settled: the columns of the input under
        their canonical names, those of pricing and ``CLAIM_COLUMNS``. A settled file is read from
        its folder: use ``claims.lazy()``.
    ledger : Ledger
    findings : DataFrame
        ``FINDING_SCHEMA``, worded in the language of the run.
    hospitals : DataFrame
        One row a hospital and insurance (``hospital_table``).
    matters : DataFrame
        ``MATTER_SCHEMA``: disputes, holds and deductions of this month's claims, and those of
        earlier months that it closed.
    policy : Policy or None
        None where a folder was read.
    run : int
        Number of the last run.
    changed : bool
        Whether this run posted or found anything.
    register : DataFrame or None
        The hospitals given (``drg.settlement.inputs.HOSPITAL_SCHEMA``).
    manifest : mapping
        What ``settlement.toml`` says beside the totals: runs and their inputs.
    """

    month: Month
    policy_id: str
    policy_digest: str
    claims: pl.DataFrame | pl.LazyFrame
    ledger: Ledger
    findings: pl.DataFrame
    hospitals: pl.DataFrame
    matters: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MATTER_SCHEMA))
    policy: Policy | None = None
    run: int = 1
    changed: bool = True
    register: pl.DataFrame | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def period(self) -> str:
        """The month as ``"2025-06"``."""
        return str(self.month)

    def check(self) -> list[LedgerFault]:
        """Every fault of the ledger, held against the claims (``Ledger.check``)."""
        faults = self.ledger.check(self.claims)
        periods = self.ledger.sums["period"].unique().to_list()
        if len(periods) == 1 and periods != [self.period]:
            faults.append(LedgerFault("period", f"{periods[0]} ≠ {self.period}"))
        return faults


def hospital_table(ledger: Ledger, register: pl.DataFrame | None = None) -> pl.DataFrame:
    """The month by hospital and insurance, from the ledger alone.

    Parameters
    ----------
    register : DataFrame, optional
        Names and levels of hospitals (``HOSPITAL_SCHEMA``).

    Returns
    -------
    DataFrame
        ``hospital``, ``name``, ``level``, ``insurance``; ``claims`` and those of them that are
        ``paid``, ``statistics`` and ``unsettled``; ``cost_fen`` (of all), ``fund_fen``,
        ``patient_fen``, ``hospital_fen`` (borne by the hospital, negative: it gains),
        ``statistics_fen``, ``unsettled_fen``; the batch accounts, ``advance_fen`` …
        Sorted by hospital and insurance.
    """
    keys = ["hospital", "insurance"]
    accounts = [*CLAIM_ACCOUNTS, *BATCH_ACCOUNTS]
    sums = (
        ledger.sums.group_by(keys)
        .agg(
            pl.col("fen").filter(pl.col("account") == account).sum().alias(f"{account}_fen")
            for account in accounts
        )
        .with_columns(cost_fen=pl.sum_horizontal(f"{account}_fen" for account in CLAIM_ACCOUNTS))
    )
    counts = (
        ledger.sums.filter(pl.col("account").is_in(HEADS))
        .group_by(keys)
        .agg(
            pl.col("entries").sum().alias("claims"),
            *(
                pl.col("entries").filter(pl.col("account") == head).sum().alias(name)
                for head, name in zip(HEADS, ("paid", "statistics", "unsettled"), strict=True)
            ),
        )
    )
    table = sums.join(counts, on=keys, how="left", nulls_equal=True)
    names = ["claims", "paid", "statistics", "unsettled"]
    table = table.with_columns(pl.col(names).fill_null(0))
    known = pl.DataFrame(schema={"hospital": pl.String, "name": pl.String, "level": pl.String})
    if register is not None:
        known = register.select(pl.col("hospital_id").alias("hospital"), "name", "level")
    table = table.join(known, on="hospital", how="left")
    rest = [f"{account}_fen" for account in accounts]
    return table.select("hospital", "name", "level", "insurance", *names, "cost_fen", *rest).sort(
        keys, nulls_last=True
    )


def finding_rows(
    rows: Sequence[tuple[int | None, str, str, str]] | pl.DataFrame,
) -> pl.DataFrame:
    """Findings to be worded: row, claim, hospital, code."""
    if isinstance(rows, pl.DataFrame):
        return rows.select(pl.col(name).cast(dtype) for name, dtype in NOTED_SCHEMA.items())
    return pl.DataFrame(list(rows), schema=NOTED_SCHEMA, orient="row")


def worded(findings: pl.DataFrame, lang: str | None = None) -> pl.DataFrame:
    """Findings with level, what and mend of their pages in one language."""
    codes = findings["code"].unique().sort().to_list()
    pages = {code: reason_page(code, lang) for code in codes}
    table = pl.DataFrame(
        [
            (code, page.level, f"{page.title}：{page.what}" if _chinese(page.title) else
             f"{page.title}: {page.what}", page.mend)
            for code, page in pages.items()
        ],
        schema={name: FINDING_SCHEMA[name] for name in ("code", "level", "what", "mend")},
        orient="row",
    )  # fmt: skip
    return findings.select(NOTED_SCHEMA.names()).join(
        table, on="code", how="left", maintain_order="left"
    )


def _chinese(text: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in text)
