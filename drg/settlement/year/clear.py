"""A year cleared: from twelve settled months to what each hospital is still paid.

Months give what was priced and paid; the budget gives the final rate or the quotas; the register of
hospitals gives assessments and working capital. ``terms`` clears one hospital, ``allocation``
gives out a region's budget, ``entries`` posts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from drg.money import yuan
from drg.settlement.batches import closing_entries
from drg.settlement.ledger import BATCH_ACCOUNTS, Ledger
from drg.settlement.matters import DECISION_SCHEMA, closings, open_matters
from drg.settlement.settled import finding_rows, worded
from drg.settlement.year.entries import year_entries, year_faults
from drg.settlement.year.heads import CommunityYear, HeadsYear, community_years, heads_years
from drg.settlement.year.hospitals import (
    YEAR_SCHEMA,
    Note,
    assessments_of,
    by_hospital,
    notes_of,
    quotas_in_force,
    shares_known,
    violations_of,
    working_capital,
    year_table,
)
from drg.settlement.year.region import (
    RULES,
    ClearingError,
    allocations,
    counted_fund,
    moved_funds,
)
from drg.settlement.year.sums import Party, PartySums, year_sums
from drg.settlement.year.terms import PartyInput, PartyYear, party_year

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.budget import Budget
    from drg.settlement.ledger_check import LedgerFault
    from drg.settlement.settled import Settlement
    from drg.settlement.year.allocation import Allocation

__all__ = ["YEAR_SCHEMA", "Clearing", "ClearingError", "clear_year"]


@dataclass(frozen=True, kw_only=True)
class Clearing:
    """A cleared year.

    Attributes
    ----------
    year : int
    policy : Policy
    ledger : Ledger
        Entries of the year alone; those of the months stay in their folders.
    hospitals : DataFrame
        ``YEAR_SCHEMA``, sorted by hospital and insurance.
    parties : tuple of PartyYear
        The same as values.
    allocations : tuple of Allocation
        Budgets given out, by insurance.
    heads : tuple of HeadsYear
        Institutions paid by the head for outpatients.
    communities : tuple of CommunityYear
        Packages of medical communities.
    findings : DataFrame
        ``drg.settlement.settled.FINDING_SCHEMA``.
    months : tuple of Settlement
        By month.
    """

    year: int
    policy: Policy
    ledger: Ledger
    hospitals: pl.DataFrame
    parties: tuple[PartyYear, ...]
    allocations: tuple[Allocation, ...]
    heads: tuple[HeadsYear, ...]
    communities: tuple[CommunityYear, ...]
    findings: pl.DataFrame
    months: tuple[Settlement, ...]

    def check(self) -> list[LedgerFault]:
        """Every fault: of the ledger, of budgets given out, of what clearing pays."""
        given = {f"{RULES[a.mode]}.{a.insurance}": a.pool for a in self.allocations}
        faults = self.ledger.check(allocated=given)
        return [*faults, *year_faults(self.ledger, [month.ledger for month in self.months])]


def clear_year(
    months: Sequence[Settlement],
    policy: Policy,
    *,
    year: int,
    budget: Budget | None = None,
    hospitals: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
    settled_under: str | None = None,
    lang: str | None = None,
) -> Clearing:
    """Clear a year.

    Parameters
    ----------
    months : sequence of Settlement
        The twelve months in any order (``drg.settlement.store.read_settlement``).
    policy : Policy
        The one they were settled under, with the numbers of the year's end.
    year : int
    budget : Budget, optional
        Quotas of hospitals, or the region's budget; needed where rates float.
    hospitals : DataFrame, optional
        ``drg.settlement.inputs.HOSPITAL_SCHEMA``: assessments, working capital, heads.
    decisions : DataFrame, optional
        ``drg.settlement.matters.DECISION_SCHEMA``: ends of disputes and holds, violations.
    settled_under : str, optional
        Digest of the months' policy, where numbers of the year's end were supplied since.
    lang : str, optional
        Language of the findings.

    Raises
    ------
    ClearingError
        P481 months are missing, P482 one is there twice, P483 another policy, P484 a hospital has
        no assessment, P485 a month of another year, P486 no budget for a floating rate, P487 the
        budget does not cover what comes before it, P488 no base weight, P489 claims and ledger of
        the months differ, P491 the policy leaves a number open that is needed, P494 a hospital has
        no pay ratio.
    BudgetError
        P446 the quotas do not add up, P447 one is not signed.
    """
    ordered = _checked(months, policy, year, settled_under or policy.digest)
    register = by_hospital(hospitals)
    decisions = pl.DataFrame(schema=DECISION_SCHEMA) if decisions is None else decisions
    if budget is not None:
        budget.check()
    notes: list[Note] = []
    by_case = policy.dip is not None and policy.dip.fund_ratio_scope == "case"
    sums = year_sums(ordered, by_case=by_case)
    books = _books([month.ledger for month in ordered])
    _agree(sums, books)
    ends, _, notices = closings(open_matters([m.matters for m in ordered]), decisions)
    notes += [Note(n.code, n.hospital, n.ref, n.row) for n in notices]
    ended = closing_entries(ends, policy, str(year)).with_columns(
        # Nothing is paid ahead any more: what an end makes due is a part of the clearing.
        pl.col("account").replace({"advance": "balance", "retention": "balance"})
    )
    for hospital, insurance, account, amount in _amounts(ended):
        accounts = books.setdefault((hospital, insurance), {})
        accounts[account] = accounts.get(account, 0) + amount
    violations, more = violations_of(decisions, ordered, sums)
    notes += more
    given_out = allocations(sums, policy, budget, year)
    paid = {
        party: accounts
        for party, accounts in sorted(books.items(), key=_order)
        if sums.get(party, PartySums()).claims or any(accounts.get(a) for a in BATCH_ACCOUNTS)
    }
    quotas = quotas_in_force(sums, policy, budget, year, notes)
    by_result = policy.budget is None and not quotas
    capital = working_capital(sums, policy, register)
    assessments = assessments_of(paid, policy, register)
    moved = moved_funds(given_out, sums, policy)
    parties = []
    for party, accounts in paid.items():
        own = sums.get(party, PartySums())
        given = PartyInput(
            party=party,
            claims=own.claims,
            cost=own.cost,
            patient=own.patient,
            priced=accounts.get("fund", 0),
            counted=counted_fund(own, policy),
            moved=moved.get(party, 0),
            advance=accounts.get("advance", 0),
            deduction=accounts.get("deduction", 0),
            withheld=accounts.get("dispute_withheld", 0) + accounts.get("held", 0),
            violation=violations.get(party, 0),
            working_capital=capital.get(party, 0),
            quota=quotas.get(party),
            by_result=by_result,
            assessment=assessments.get(party[0], Fraction(1)),
        )
        cleared = party_year(given, policy.year)
        notes += notes_of(cleared, policy)
        parties.append(cleared)
    shares_known(parties, policy)
    heads = heads_years(sums, policy, register)
    communities = community_years(ordered, policy, budget, year, register)
    notes += [Note("P698", head.hospital) for head in heads if head.open]
    notes += [Note("P698", community.hospital) for community in communities if community.open]
    entries = year_entries(
        str(year), policy, parties, books, ended, given_out, RULES, heads, communities
    )
    told = sorted(set(notes), key=lambda note: (note.code, note.hospital, note.claim))
    rows = [(note.row, note.claim, note.hospital, note.code) for note in told]
    return Clearing(
        year=year,
        policy=policy,
        ledger=Ledger().append(entries),
        hospitals=year_table(parties, register),
        parties=tuple(parties),
        allocations=tuple(given_out),
        heads=tuple(heads),
        communities=tuple(communities),
        findings=worded(finding_rows(rows), lang),
        months=tuple(ordered),
    )


# ---- what is given


def _checked(
    months: Sequence[Settlement], policy: Policy, year: int, digest: str
) -> list[Settlement]:
    """The months in order, once it is sure that they are this year's, under this policy."""
    ordered = sorted(months, key=lambda month: month.month)
    for month in ordered:
        if month.month.year != year:
            raise ClearingError("P485", month=month.period, year=year)
        if (month.policy_id, month.policy_digest) != (policy.id, digest):
            raise ClearingError(
                "P483",
                month=month.period,
                found=f"{month.policy_id}@{month.policy_digest[:12]}",
                wanted=f"{policy.id}@{digest[:12]}",
            )
    numbers = [month.month.number for month in ordered]
    if twice := sorted({n for n in numbers if numbers.count(n) > 1}):
        raise ClearingError("P482", months=", ".join(f"{year}-{n:02}" for n in twice))
    if missing := sorted({*range(1, 13)} - {*numbers}):
        raise ClearingError("P481", months=", ".join(f"{year}-{n:02}" for n in missing))
    return ordered


def _books(ledgers: Iterable[Ledger]) -> dict[Party, dict[str, int]]:
    """Accounts by hospital and insurance over all months."""
    found: dict[Party, dict[str, int]] = {}
    for ledger in ledgers:
        for hospital, insurance, account, fen in _amounts(ledger.sums):
            accounts = found.setdefault((hospital, insurance), {})
            accounts[account] = accounts.get(account, 0) + fen
    return found


def _amounts(frame: pl.DataFrame) -> Iterable[tuple[str, str | None, str, int]]:
    return frame.select("hospital", "insurance", "account", "fen").iter_rows()


def _agree(sums: Mapping[Party, PartySums], books: Mapping[Party, Mapping[str, int]]) -> None:
    for party in sorted({*sums, *books}, key=lambda party: (party[0], party[1] or "")):
        claims, ledger = sums.get(party, PartySums()).fund, books.get(party, {}).get("fund", 0)
        if claims != ledger:
            raise ClearingError(
                "P489", hospital=party[0], insurance=party[1] or "—", claims=yuan(claims),
                ledger=yuan(ledger),
            )  # fmt: skip


def _order(item: tuple[Party, object]) -> tuple[str, str]:
    return item[0][0], item[0][1] or ""
