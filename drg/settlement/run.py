"""One settlement of a month: two passes over the claims, then the books.

``MonthRun`` takes the claims part by part, so that a file streams through it; ``settle_month`` does
the same for a frame. What a folder holds already (``before``) is never changed: claims that are
there with equal content are passed over, new ones are added, higher versions replace by reversal.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.frame import rename_clashing
from drg.claims.profiles import match_columns
from drg.payment.pricing.caps import Decisions, Prior, decide
from drg.payment.pricing.price import Pricer, prior_of
from drg.settlement.books import Books, Posted, check_prior
from drg.settlement.decided_since import decided_since
from drg.settlement.inputs import HOSPITAL_SCHEMA, read_decisions, read_hospitals, whole
from drg.settlement.ledger_file import LedgerFile
from drg.settlement.matters import DECISION_SCHEMA
from drg.settlement.part import (
    CONFLICT,
    REPLACED,
    Part,
    SettledPart,
    Several,
    noted_rows,
    refuse_rows,
    repetitions,
    several_rows,
    unpaid_rows,
)
from drg.settlement.posting import CLAIM_COLUMNS, POSTING_SCHEMA, claim_entries, postings
from drg.settlement.rerun import (
    canonical,
    claim_keys,
    comes_to_the_same,
    content,
    joined_claims,
    known_claims,
    only_stays,
    posted_before,
    settled_parts,
    sort_claims,
)
from drg.settlement.settled import Settlement
from drg.settlement.stay_bounds import StayBounds
from drg.settlement.store import read_settlement

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.dates import Month
    from drg.payment.policy import Policy
    from drg.settlement.budget import Budget

__all__ = ["MonthRun", "joined_prior", "settle_month"]


def settle_month(
    grouped: pl.DataFrame,
    policy: Policy,
    *,
    month: Month,
    hospitals: pl.DataFrame | str | Path | None = None,
    decisions: pl.DataFrame | str | Path | None = None,
    budget: Budget | None = None,
    prior: Sequence[Settlement | str | Path] = (),
    before: Settlement | None = None,
    columns: ClaimColumns | None = None,
) -> Settlement:
    """Settle a month of grouped claims.

    Parameters
    ----------
    grouped : DataFrame
        What a grouper gives, one row a claim.
    policy : Policy
        ``drg.payment.policy.catalog.load_policy``.
    month : Month
        Claims discharged outside it are not paid.
    hospitals : DataFrame, str or Path, optional
        Register of hospitals (``drg.settlement.inputs.HOSPITAL_SCHEMA``); a hospital that is not
        in it is not paid.
    decisions : DataFrame, str or Path, optional
        What was decided on claims (``DECISION_SCHEMA``).
    budget : Budget, optional
        Quotas; with ``prior`` the quarter is balanced in its last month.
    prior : sequence of Settlement, str or Path, optional
        Earlier months of the year: what persons have used up, disputes and holds still open.
    before : Settlement, optional
        This month as it was settled before, which this run adds to.
    columns : ClaimColumns, optional
        Which columns feed which field; found by the header profiles when omitted.

    Returns
    -------
    Settlement

    Raises
    ------
    SettlementError
        P436, P437 a table cannot be used, P439 a prior month cannot be.
    PaymentError, BudgetError
        The policy, the register or the budget cannot be used.
    """
    columns = columns or match_columns(grouped.columns, grouped.schema)
    run = MonthRun(
        policy, month, hospitals=hospitals, decisions=decisions, budget=budget, prior=prior,
        before=before,
    )  # fmt: skip
    run.assess(grouped, columns)
    run.decide(grouped.lazy(), columns)
    claims = run.finish(grouped, columns)
    books = run.close()
    if before is not None:
        claims = joined_claims(before.claims.lazy(), claims.lazy(), books.gone).collect()
    return books.settlement(claims)


class MonthRun:
    """A month being settled: ``assess`` every part, ``decide``, ``finish`` every part, ``close``.

    Parameters
    ----------
    policy, month, hospitals, decisions, budget, prior, before
        As for ``settle_month``.
    """

    def __init__(
        self,
        policy: Policy,
        month: Month,
        *,
        hospitals: pl.DataFrame | str | Path | None = None,
        decisions: pl.DataFrame | str | Path | None = None,
        budget: Budget | None = None,
        prior: Sequence[Settlement | str | Path] = (),
        before: Settlement | None = None,
    ) -> None:
        self.policy, self.month, self.before, self._budget = policy, month, before, budget
        if isinstance(hospitals, (str, Path)):
            hospitals = read_hospitals(hospitals)
        if isinstance(decisions, (str, Path)):
            decisions = read_decisions(decisions)
        hospitals, decisions = whole(hospitals, HOSPITAL_SCHEMA), whole(decisions, DECISION_SCHEMA)
        self._register = hospitals
        self._decisions = pl.DataFrame(schema=DECISION_SCHEMA) if decisions is None else decisions
        self._prior = check_prior(
            [
                read_settlement(one, whole=True) if isinstance(one, (str, Path)) else one
                for one in prior
            ],
            month,
        )
        self._used = joined_prior([prior_of(one.claims.lazy()) for one in self._prior])
        self._pricer = Pricer(policy, hospitals, self._decisions, self._used, month)
        self._bounds = StayBounds(policy, hospitals)
        self._parts: list[Part | None] = []
        self._decided: Decisions | None = None
        self._run = before.run + 1 if before is not None else 1
        self._known = None if before is None else _known(before)
        self._posted_before: pl.DataFrame | None = None
        self._repriced = pl.Series("ref", [], pl.String)
        if before is not None:
            self._repriced = decided_since(before.claims.lazy(), self._decisions)
        self._rows = 0
        self._findings: list[pl.DataFrame] = []
        self._posted: list[pl.DataFrame] = []
        self._file: LedgerFile | None = None
        self._several: Several | None = None
        self._told: list[pl.DataFrame] = []
        self._turn = 0

    @property
    def scheme(self) -> str:
        """Scheme or catalogue that the policy pays by; ``""``: any."""
        return self._pricer.scheme

    # ---- first pass

    @property
    def reads_codes(self) -> bool:
        """Whether ``assess`` looks at diagnoses and procedures; else they may be left out."""
        return self.before is not None or self._pricer.reads_codes

    def first(self, batch: pl.DataFrame, columns: ClaimColumns, first_row: int) -> Part:
        """Look at a part of the claims for the first time; several threads may at once.

        Parameters
        ----------
        batch : DataFrame
        columns : ClaimColumns
        first_row : int
            Row of the input that the batch begins with, from 1.
        """
        if self._known is None:
            return Part(first_row, batch.height, self._pricer.assess(batch, columns))
        keys = claim_keys(batch, columns, first_row)
        kind = sort_claims(keys, content(batch, columns), self._known)
        # What was decided on a claim since it was settled prices it anew.
        decided = keys["ref"].is_in(self._repriced.implode()) & (kind == "same")
        kind = kind.set(decided, "retry")
        taken = kind.is_in(["new", "retry", "replaces"])
        noted = [
            *noted_rows(batch, columns, keys, kind == "conflict", CONFLICT),
            *noted_rows(batch, columns, keys, kind == "older", REPLACED),
        ]
        return Part(
            first_row, batch.height, self._pricer.assess(batch.filter(taken), columns), taken,
            keys["ref"].filter(kind.is_in(["retry", "replaces"])), tuple(noted),
        )  # fmt: skip

    def take(self, part: Part) -> None:
        """Take a part that was looked at; in the order of the input.

        Raises
        ------
        ValueError
            It does not follow the one before.
        """
        if part.first_row != self._rows + 1:
            raise ValueError(f"row {part.first_row} does not follow row {self._rows}")
        self._rows += part.height
        self._findings += part.noted
        self._parts.append(part)

    def assess(self, batch: pl.DataFrame, columns: ClaimColumns) -> None:
        """Take a part of the claims for the first time."""
        self.take(self.first(batch, columns, self._rows + 1))

    def decide(self, claims: pl.LazyFrame, columns: ClaimColumns) -> None:
        """Rank what is capped, once every claim of the month is known.

        Parameters
        ----------
        claims : LazyFrame
            All that was assessed, with every column; rows are read where an id is there twice.
        columns : ClaimColumns
        """
        taken = [part for part in self._parts if part is not None]
        rows = several_rows(taken)
        if len(rows):
            self._several = Several.of(rows, claims, columns)
        if self._several is not None:
            refuse_rows(taken, self._several.contradicted)
        parts = [part.assessed for part in taken]
        if self.before is None or not any(part.rows for part in parts):
            self._decided = self._pricer.decide(parts)
            return
        # Prices settled before stay as they are: what they took of caps, ceilings and packages is
        # gone, and late claims share what is left of it.
        again = pl.concat(
            [self._repriced.clear(), *(p.again for p in taken if p.again is not None)]
        )
        if again.len():
            self._posted_before = posted_before(self.before.ledger, again)
        stands = ~pl.col("ref").is_in(again.implode())
        settled = self.before.claims.lazy().filter(stands)
        own = prior_of(settled, self.month)
        if self.policy.drg is not None and self.policy.drg.readmission is not None:
            stays = settled.filter(pl.col("branch").cast(pl.String).fill_null("") != "PACKAGE")
            parts += [
                only_stays(self._pricer.assess(frame, columns))
                for frame, columns in settled_parts(stays)
            ]
        self._decided = decide(parts, self.policy, joined_prior([own, self._used]))

    # ---- second pass

    def post_into(self, path: Path) -> LedgerFile:
        """Post claims into a file from here on, in place of memory; only where no run was before.

        The caller finishes it with what ``close`` posts, or abandons it.
        """
        if self.before is not None:
            raise ValueError("a ledger that goes on is held whole")
        wanted = self._decisions["claim_id"]
        self._file = LedgerFile(path, self._run, str(self.month), wanted)
        return self._file

    def settle(self, batch: pl.DataFrame, columns: ClaimColumns, number: int) -> SettledPart:
        """Settle a part that was assessed; several threads may at once.

        Parameters
        ----------
        batch : DataFrame
            The same rows as in the first pass, with every column.
        columns : ClaimColumns
        number : int
            Of the part, from 0.

        Raises
        ------
        ValueError
            It is not that part, or settled already.
        """
        part = self._parts[number]
        if part is None or self._decided is None or part.height != batch.height:
            raise ValueError("a part is finished once, after all are assessed and decided")
        self._parts[number] = None
        keys = claim_keys(batch, columns, part.first_row)
        if part.taken is not None:
            batch, keys = batch.filter(part.taken), keys.filter(part.taken)
        stands, several = None, None
        if self._several is not None:
            stands, several = self._several.told(batch, columns, keys)
        batch = canonical(batch, columns)
        priced = self._pricer.finish(part.assessed, self._decided)
        batch = batch.rename(rename_clashing(batch.columns, (*priced.columns, *CLAIM_COLUMNS)))
        told = keys.select(
            "ref",
            pl.col("version").alias("settled_version"),
            "row",
            pl.lit(self._run, pl.Int32).alias("run"),
        )
        claims = batch.hstack(priced).hstack(told)
        if stands is not None:
            claims = claims.filter(stands)
        posted = postings(claims, self.policy)
        if self._posted_before is not None:
            new = ~comes_to_the_same(posted, self._posted_before)
            claims, posted = claims.filter(new), posted.filter(new)
        written = claim_entries(posted if self._file else posted.clear(), str(self.month))
        return SettledPart(claims, posted, written, unpaid_rows(claims), several)

    def keep(self, settled: SettledPart) -> pl.DataFrame:
        """Take a part that was settled, in the order of the input; its claims."""
        if settled.several is not None:
            self._told.append(settled.several)
        self._findings.append(settled.noted)
        self._bounds.add(settled.claims)
        if self._file is not None:
            self._file.post(settled.posted, settled.entries)
        else:
            self._posted.append(settled.posted)
        return settled.claims

    def finish(self, batch: pl.DataFrame, columns: ClaimColumns) -> pl.DataFrame:
        """Take the same parts in the same order for the second time.

        Returns
        -------
        DataFrame
            The claims of this part that this run settles: the input's columns under their
            canonical names, those of pricing, and ``CLAIM_COLUMNS``.
        """
        self._turn += 1
        return self.keep(self.settle(batch, columns, self._turn - 1))

    def close(self) -> Books:
        """Post what was settled and pay the month."""
        if self._file is not None:
            posted = Posted(self._file.tail(), self._repriced.clear(), self._file.claims)
        else:
            rows = pl.concat(self._posted) if self._posted else pl.DataFrame(schema=POSTING_SCHEMA)
            if self.before is not None and rows.height:
                again = pl.col("ref").is_in(rows["ref"].implode())
                self._bounds.add(self.before.claims.lazy().filter(~again))
            posted = Posted.of(rows, str(self.month), self.before, self._run)
        noted = [*self._findings, *repetitions(self._told), self._bounds.findings()]
        findings = pl.concat(noted).sort("row", maintain_order=True)
        return Books.keep(
            self.policy, self.month, posted, findings, before=self.before, run=self._run,
            decisions=self._decisions, budget=self._budget, prior=self._prior,
            register=self._register,
        )  # fmt: skip


def _known(before: Settlement) -> pl.DataFrame:
    """The claims settled before; one that was contradicted is not tried again."""
    contradicted = before.findings.filter(pl.col("code") == CONFLICT)["claim"]
    retry = pl.col("retry") & ~pl.col("ref").is_in(contradicted.implode())
    return known_claims(settled_parts(before.claims)).with_columns(retry)


def joined_prior(found: Sequence[Prior]) -> Prior:
    """What several months have used up, taken as one."""
    every = [Prior(), *found]
    return Prior(
        pl.concat([one.visits for one in every]),
        pl.concat([one.packages.cast(pl.String) for one in every]),
        pl.concat([one.counts for one in every]),
    )
