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
from drg.claims.typed import ClaimArrays
from drg.payment.pricing.caps import Decisions, Prior, decide
from drg.payment.pricing.price import Pricer, prior_of
from drg.settlement.books import Books, check_prior
from drg.settlement.decided_since import decided_since
from drg.settlement.inputs import HOSPITAL_SCHEMA, read_decisions, read_hospitals, whole
from drg.settlement.matters import DECISION_SCHEMA
from drg.settlement.posting import CLAIM_COLUMNS, POSTING_SCHEMA, postings
from drg.settlement.rerun import (
    canonical,
    claim_keys,
    comes_to_the_same,
    content,
    contradicted,
    joined_claims,
    known_claims,
    only_stays,
    posted_before,
    refuse_rows,
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
    from drg.payment.pricing.assessed import Assessed
    from drg.settlement.budget import Budget

__all__ = ["MonthRun", "settle_month"]

#: A row of a claim that another row contradicts, repeats, or replaces.
_CONFLICT, _REPEATED, _REPLACED = "P617", "P618", "P619"


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
        self._used = _together([prior_of(one.claims.lazy()) for one in self._prior])
        self._pricer = Pricer(policy, hospitals, self._decisions, self._used, month)
        self._bounds = StayBounds(policy, hospitals)
        self._parts: list[Assessed | None] = []
        self._decided: Decisions | None = None
        self._run = before.run + 1 if before is not None else 1
        self._known = None if before is None else _known(before)
        self._posted_before: pl.DataFrame | None = None
        self._repriced = pl.Series("ref", [], pl.String)
        if before is not None:
            self._repriced = decided_since(before.claims.lazy(), self._decisions)
        self._rows = 0
        self._keys: list[pl.DataFrame] = []
        self._taken: list[pl.Series | None] = []
        self._again: list[pl.Series] = []
        self._findings: list[pl.DataFrame] = []
        self._posted: list[pl.DataFrame] = []
        self._rows_of: pl.DataFrame | None = None
        self._several: list[pl.DataFrame] = []
        self._first_row = 1
        self._turn = 0

    # ---- first pass

    @property
    def reads_codes(self) -> bool:
        """Whether ``assess`` looks at diagnoses and procedures; else they may be left out."""
        return self.before is not None or self._pricer.reads_codes

    def assess(self, batch: pl.DataFrame, columns: ClaimColumns) -> None:
        """Take a part of the claims for the first time."""
        keys = claim_keys(batch, columns, self._rows + 1)
        self._rows += batch.height
        taken: pl.Series | None = None
        if self._known is not None:
            kind = sort_claims(keys, content(batch, columns), self._known)
            # What was decided on a claim since it was settled prices it anew.
            decided = keys["ref"].is_in(self._repriced.implode()) & (kind == "same")
            kind = kind.set(decided, "retry")
            taken = kind.is_in(["new", "retry", "replaces"])
            self._again.append(keys["ref"].filter(kind.is_in(["retry", "replaces"])))
            for word, code in (("conflict", _CONFLICT), ("older", _REPLACED)):
                self._note(batch, columns, keys, kind == word, code)
            batch, keys = batch.filter(taken), keys.filter(taken)
        self._taken.append(taken)
        self._keys.append(keys)
        self._parts.append(self._pricer.assess(batch, columns))

    def decide(self, claims: pl.LazyFrame, columns: ClaimColumns) -> None:
        """Rank what is capped, once every claim of the month is known.

        Parameters
        ----------
        claims : LazyFrame
            All that was assessed, with every column; rows are read where an id is there twice.
        columns : ClaimColumns
        """
        keys = pl.concat([_no_keys(), *self._keys])
        self._keys.clear()
        if keys["ref"].n_unique() != keys.height:
            several = keys.filter(pl.col("ref").is_duplicated())
            self._rows_of = several.sort("version", "row", descending=[True, False]).unique(
                "ref", keep="first"
            )
            refuse_rows(self._parts, keys["row"], contradicted(claims, columns, several))
        parts = [part for part in self._parts if part is not None]
        if self.before is None or not keys.height:
            self._decided = self._pricer.decide(parts)
            return
        # Prices settled before stay as they are: what they took of caps, ceilings and packages is
        # gone, and late claims share what is left of it.
        again = pl.concat([keys["ref"].clear(), *self._again])
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
        self._decided = decide(parts, self.policy, _together([own, self._used]))

    # ---- second pass

    def finish(self, batch: pl.DataFrame, columns: ClaimColumns) -> pl.DataFrame:
        """Take the same parts in the same order for the second time.

        Returns
        -------
        DataFrame
            The claims of this part that this run settles: the input's columns under their
            canonical names, those of pricing, and ``CLAIM_COLUMNS``.
        """
        keys = claim_keys(batch, columns, self._first_row)
        self._first_row += batch.height
        taken, part = self._taken[self._turn], self._parts[self._turn]
        if part is None or self._decided is None:
            raise ValueError("a part is finished once, after all are assessed and decided")
        self._parts[self._turn], self._turn = None, self._turn + 1
        if taken is not None:
            batch, keys = batch.filter(taken), keys.filter(taken)
        stands = self._standing(batch, columns, keys)
        batch = canonical(batch, columns)
        priced = self._pricer.finish(part, self._decided)
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
        self._note_unpaid(claims)
        self._bounds.add(claims)
        self._posted.append(posted)
        return claims

    def close(self) -> Books:
        """Post what was settled and pay the month."""
        posted = pl.concat(self._posted) if self._posted else pl.DataFrame(schema=POSTING_SCHEMA)
        if self.before is not None and posted.height:
            again = pl.col("ref").is_in(posted["ref"].implode())
            self._bounds.add(self.before.claims.lazy().filter(~again))
        noted = [*self._findings, *self._repetitions(), self._bounds.findings()]
        findings = pl.concat(noted).sort("row", maintain_order=True)
        return Books.keep(
            self.policy, self.month, posted, findings, before=self.before, run=self._run,
            decisions=self._decisions, budget=self._budget, prior=self._prior,
            register=self._register,
        )  # fmt: skip

    def _standing(
        self, batch: pl.DataFrame, columns: ClaimColumns, keys: pl.DataFrame
    ) -> pl.Series | None:
        """Rows that stand for their claim; None: all do.

        Of rows with one id it is the one of the highest version, the first of those.
        """
        if self._rows_of is None:
            return None
        several = keys["ref"].is_in(self._rows_of["ref"].implode())
        if not several.any():
            return None
        stands = keys["row"].is_in(self._rows_of["row"].implode())
        found = batch.filter(several)
        self._several.append(
            keys.filter(several).with_columns(
                _hospitals(found, columns),
                stands.filter(several).alias("stands"),
                content(found, columns),
            )
        )
        return ~several | stands

    def _repetitions(self) -> list[pl.DataFrame]:
        """Findings on rows that stand for nothing because of another row of their claim."""
        if not self._several:
            return []
        rows = pl.concat(self._several)
        both = rows.filter(~pl.col("stands")).join(
            rows.filter("stands"), on="ref", suffix="_of", maintain_order="left"
        )
        code = (
            pl.when(pl.col("version") < pl.col("version_of"))
            .then(pl.lit(_REPLACED))
            .when(pl.col("content") == pl.col("content_of"))
            .then(pl.lit(_REPEATED))
            .otherwise(pl.lit(_CONFLICT))
        )
        named = pl.col("ref").alias("claim")
        return [both.select("row", named, "hospital", code.alias("code"))]

    # ---- findings

    def _note_unpaid(self, claims: pl.DataFrame) -> None:
        hospital = pl.col("hospital_id") if "hospital_id" in claims.columns else pl.lit("")
        claim = pl.when(~pl.col("ref").str.starts_with("#")).then("ref").otherwise(pl.lit(""))
        self._findings.append(
            claims.filter(pl.col("payment_note").is_not_null()).select(
                "row",
                claim.alias("claim"),
                hospital.cast(pl.String).fill_null("").alias("hospital"),
                pl.col("payment_note").cast(pl.String).alias("code"),
            )
        )

    def _note(
        self,
        batch: pl.DataFrame,
        columns: ClaimColumns,
        keys: pl.DataFrame,
        which: pl.Series,
        code: str,
    ) -> None:
        if not which.any():
            return
        self._findings.append(
            keys.select(
                "row",
                pl.col("ref").alias("claim"),
                _hospitals(batch, columns),
                pl.lit(code).alias("code"),
            ).filter(which)
        )


def _no_keys() -> pl.DataFrame:
    return pl.DataFrame(schema={"ref": pl.String, "version": pl.Int32, "row": pl.Int64})


def _hospitals(batch: pl.DataFrame, columns: ClaimColumns) -> pl.Series:
    ids = ClaimArrays(batch, columns).column("hospital_id")
    if ids is None:
        return pl.repeat("", batch.height, dtype=pl.String, eager=True).alias("hospital")
    return ids.cast(pl.String).fill_null("").alias("hospital")


def _known(before: Settlement) -> pl.DataFrame:
    """The claims settled before; one that was contradicted is not tried again."""
    contradicted = before.findings.filter(pl.col("code") == _CONFLICT)["claim"]
    retry = pl.col("retry") & ~pl.col("ref").is_in(contradicted.implode())
    return known_claims(settled_parts(before.claims)).with_columns(retry)


def _together(found: Sequence[Prior]) -> Prior:
    """What several months have used up, taken as one."""
    every = [Prior(), *found]
    return Prior(
        pl.concat([one.visits for one in every]),
        pl.concat([one.packages.cast(pl.String) for one in every]),
        pl.concat([one.counts for one in every]),
    )
