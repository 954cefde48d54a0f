"""The books of a month: claims posted, matters applied, batches paid, findings kept.

Works on columns and on the ledger alone, so that it costs the same whether the claims came in a
frame or streamed from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from drg.dates import Month
from drg.settlement.batches import carried, closing_entries, month_batches, quarter_entries
from drg.settlement.calendar import hold_limit
from drg.settlement.ledger import HEADS, Ledger, SettlementError
from drg.settlement.matters import (
    DECISION_SCHEMA,
    MATTER_SCHEMA,
    Notice,
    closings,
    open_matters,
    standing,
)
from drg.settlement.posting import claim_entries
from drg.settlement.settled import NOTED_SCHEMA, Settlement, finding_rows, hospital_table, worded
from drg.text import text

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.budget import Budget

__all__ = ["Books", "Posted", "check_prior"]

#: A decision on a claim that nobody knows; a hold past its limit; a hospital above its quota of
#: the quarter; a hospital without one.
_UNKNOWN, _OVERDUE, _OVER, _WITHOUT = "P660", "P662", "P663", "P664"


class Posted(NamedTuple):
    """The claims of a run in the ledger.

    Attributes
    ----------
    ledger : Ledger
    gone : Series of String
        Refs of claims of earlier runs that were taken back.
    claims : int
        How many were posted.
    """

    ledger: Ledger
    gone: pl.Series
    claims: int

    @classmethod
    def of(cls, posted: pl.DataFrame, period: str, before: Settlement | None, run: int) -> Posted:
        """Post claims behind the month as it stood.

        Parameters
        ----------
        posted : DataFrame
            ``POSTING_SCHEMA``.
        period : str
        before : Settlement or None
        run : int
        """
        ledger = before.ledger if before is not None else Ledger()
        gone = posted["ref"].head(0)
        if before is not None:
            ledger, gone = _taken_back(ledger, posted["ref"], run)
        return cls(ledger.append(claim_entries(posted, period), run=run), gone, posted.height)


@dataclass(frozen=True, kw_only=True)
class Books:
    """What a run leaves, but for the claims themselves.

    Attributes
    ----------
    gone : Series of String
        Refs of claims of earlier runs that were taken back; their new rows are among the claims
        of this run.
    posted : int
        Claims that this run settled.
    """

    policy: Policy
    month: Month
    ledger: Ledger
    findings: pl.DataFrame
    hospitals: pl.DataFrame
    matters: pl.DataFrame
    run: int
    changed: bool
    gone: pl.Series
    posted: int
    entries: int
    register: pl.DataFrame | None
    manifest: Mapping[str, Any]

    @classmethod
    def keep(
        cls,
        policy: Policy,
        month: Month,
        posted: Posted,
        noted: pl.DataFrame,
        *,
        run: int,
        decisions: pl.DataFrame,
        before: Settlement | None = None,
        budget: Budget | None = None,
        prior: Sequence[Settlement] = (),
        register: pl.DataFrame | None = None,
    ) -> Books:
        """Post what stands behind the claims of a run.

        Parameters
        ----------
        posted : Posted
            The claims this run settles.
        noted : DataFrame
            ``NOTED_SCHEMA``: what was found on the claims.
        run : int
            Number of this run.
        decisions : DataFrame
            ``DECISION_SCHEMA``.
        before : Settlement, optional
            The month as it stood.
        budget, prior
            As for ``settle_month``.
        """
        period = str(month)
        ledger, gone = posted.ledger, posted.gone
        earlier = _own(before, period)
        decisions = pl.concat([_as_decisions(earlier, gone), decisions])
        matters, notices = _standing(ledger, earlier, gone, decisions, period)
        still_open = _open_before(prior, before, period)
        ends, closed, more = closings(still_open, decisions)
        notices += more
        ledger = ledger.append(closing_entries(ends, policy, period), run=run)
        batches = month_batches(ledger, matters, policy, period)
        ledger = ledger.append(batches.entries, run=run)
        ledger = ledger.append(carried(ledger, period), run=run)
        parties: list[tuple[str, str]] = []
        if budget is not None and policy.month.quarterly and month == month.quarter_months[-1]:
            months = [one.ledger for one in prior if one.month in month.quarter_months]
            moved, over, without = quarter_entries(ledger, months, budget, policy, month)
            ledger = ledger.append(moved, run=run)
            parties += [(hospital, _OVER) for hospital, _ in over]
            parties += [(hospital, _WITHOUT) for hospital, _ in without]
        closed = pl.concat([_closed(before, period), closed])
        matters = pl.concat([batches.matters, closed])
        unknown = _unknown(decisions, ledger, prior)
        overdue = _overdue(matters, still_open, closed, policy, month)
        told = [
            *((notice.row, notice.ref, notice.hospital, notice.code) for notice in notices),
            *((row, ref, "", _UNKNOWN) for row, ref in unknown),
            *((None, ref, hospital, _OVERDUE) for ref, hospital in overdue),
            *((None, "", hospital, code) for hospital, code in dict.fromkeys(parties)),
        ]
        findings, found = _findings(before, gone, pl.concat([noted, finding_rows(told)]))
        grown = ledger.count - (before.ledger.count if before is not None else 0)
        changed = before is None or bool(grown) or found
        return cls(
            policy=policy,
            month=month,
            ledger=ledger,
            findings=worded(findings),
            hospitals=hospital_table(ledger, register)
            if changed or before is None
            else before.hospitals,
            matters=matters,
            run=run if changed or before is None else before.run,
            changed=changed,
            gone=gone,
            posted=posted.claims,
            entries=grown,
            register=register,
            manifest=before.manifest if before is not None else {},
        )

    def settlement(
        self,
        claims: pl.DataFrame | pl.LazyFrame,
        inputs: Sequence[Mapping[str, str]] = (),
    ) -> Settlement:
        """The settlement, with its claims.

        Parameters
        ----------
        claims : DataFrame or LazyFrame
            Every claim in force.
        inputs : sequence of mapping, optional
            Role, name and digest of the files of this run.
        """
        runs = list(self.manifest.get("run", []))
        if self.changed:
            told = {"number": self.run, "claims": self.posted, "entries": self.entries}
            runs.append({**told, "inputs": [dict(one) for one in inputs]})
        return Settlement(
            month=self.month,
            policy_id=self.policy.id,
            policy_digest=self.policy.digest,
            claims=claims,
            ledger=self.ledger,
            findings=self.findings,
            hospitals=self.hospitals,
            matters=self.matters,
            policy=self.policy,
            run=self.run,
            changed=self.changed,
            register=self.register,
            manifest={"run": runs},
        )


def check_prior(prior: Sequence[Settlement], month: Month) -> list[Settlement]:
    """Earlier months of the year in their order.

    Raises
    ------
    SettlementError
        P439: one of another year, not before this month, or given twice.
    """
    seen: set[Month] = set()
    for one in prior:
        why = ""
        if one.month.year != month.year:
            why = "prior_other_year"
        elif one.month >= month:
            why = "prior_not_before"
        elif one.month in seen:
            why = "prior_twice"
        if why:
            raise SettlementError("P439", period=one.period, why=text(f"settle.{why}"))
        seen.add(one.month)
    return sorted(prior, key=lambda one: one.month)


def _taken_back(ledger: Ledger, refs: pl.Series, run: int) -> tuple[Ledger, pl.Series]:
    """Reverse what stands of claims that are posted anew."""
    live = ledger.live().filter(pl.col("subject") == "claim")
    old = live.filter(pl.col("ref").is_in(refs.implode()))
    if old.is_empty():
        return ledger, refs.head(0)
    return ledger.reverse(old["seq"], run=run), old["ref"].unique(maintain_order=True)


def _own(before: Settlement | None, period: str) -> pl.DataFrame:
    """Matters of this month's claims as they stood."""
    if before is None:
        return pl.DataFrame(schema=MATTER_SCHEMA)
    return before.matters.filter(pl.col("period") == period)


def _closed(before: Settlement | None, period: str) -> pl.DataFrame:
    """Matters of earlier months that this month had ended already."""
    if before is None:
        return pl.DataFrame(schema=MATTER_SCHEMA)
    return before.matters.filter(pl.col("period") != period)


def _as_decisions(matters: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """A matter stands against a claim's next version as well: the decisions that say so."""
    still = matters.filter(pl.col("ref").is_in(gone.implode()))
    return still.select(
        pl.col("ref").alias("claim_id"),
        pl.col("matter").cast(pl.String),
        pl.when(pl.col("state") == "open").then(pl.lit("open")).otherwise(pl.lit("accepted"))
        .alias("decision"),
        "amount_fen",
        pl.col("since").alias("on"),
        "reason",
        "document",
        pl.lit(None, DECISION_SCHEMA["row"]).alias("row"),
    )  # fmt: skip


def _standing(
    ledger: Ledger, earlier: pl.DataFrame, gone: pl.Series, decisions: pl.DataFrame, period: str
) -> tuple[pl.DataFrame, list[Notice]]:
    """Matters of this month: those decided on in this run anew, the others as they were."""
    decided = decisions["claim_id"].unique()
    funds = ledger.live().filter(
        (pl.col("account") == "fund") & pl.col("ref").is_in(decided.implode())
    )
    matters, notices = standing(funds.iter_rows(named=True), decisions, period)
    again = pl.concat([funds["ref"], gone])
    kept = earlier.filter(~pl.col("ref").is_in(again.implode()))
    return pl.concat([kept, matters]), notices


def _open_before(
    prior: Sequence[Settlement], before: Settlement | None, period: str
) -> pl.DataFrame:
    """Matters of earlier months that nothing has ended."""
    frames = [one.matters for one in prior]
    found = open_matters([*frames, _closed(before, period)])
    return found.filter(pl.col("period") != period)


def _unknown(
    decisions: pl.DataFrame, ledger: Ledger, prior: Sequence[Settlement]
) -> list[tuple[int | None, str]]:
    """Decisions on claims that are neither in this month nor under a matter of an earlier one."""
    said = decisions.filter((pl.col("matter") != "violation") & pl.col("row").is_not_null())
    if said.is_empty():
        return []
    refs = ledger.entries.lazy().filter(pl.col("account").is_in(HEADS)).select("ref").collect()
    known = pl.concat([refs["ref"], *(one.matters["ref"] for one in prior)])
    found = said.filter(~pl.col("claim_id").is_in(known.implode()))
    return [(row, ref) for row, ref in found.select("row", "claim_id").iter_rows()]


def _overdue(
    matters: pl.DataFrame,
    still_open: pl.DataFrame,
    closed: pl.DataFrame,
    policy: Policy,
    month: Month,
) -> list[tuple[str, str]]:
    """Holds that should have ended by the end of this month."""
    days = policy.month.hold_days
    if days is None:
        return []
    every = open_matters([matters, still_open, closed]).filter(pl.col("matter") == "hold")
    found = []
    for period, since, ref, hospital in every.select(
        "period", "since", "ref", "hospital"
    ).iter_rows():
        start = since if since is not None else Month.parse(period).last
        if hold_limit(start, days) <= month.last:
            found.append((ref, hospital))
    return found


def _findings(
    before: Settlement | None, gone: pl.Series, noted: pl.DataFrame
) -> tuple[pl.DataFrame, bool]:
    """Findings of all runs, and whether this one found anything new."""
    if before is None:
        return noted, True
    old = before.findings.select(NOTED_SCHEMA.names())
    # A claim is known by its id: it may stand in another row of another file.
    place = pl.when(pl.col("claim") == "").then("row").alias("place")
    known = old.select("claim", "hospital", "code", place)
    new = (
        noted.with_columns(place)
        .join(known, on=known.columns, how="anti", nulls_equal=True)
        .drop("place")
    )
    named = pl.col("claim").is_in(gone.implode()) & (pl.col("claim") != "")
    return pl.concat([old.filter(~named), new]), bool(new.height or gone.len())
