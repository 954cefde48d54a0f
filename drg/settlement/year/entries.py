"""The year in the ledger: what was kept is released, what the year adds or takes, what is paid.

Within batch accounts money only moves; ``adjustment``, ``sharing``, ``reward`` and ``violation``
change it; ``liquidation`` says what becomes of the sum: paid, taken back as working capital, or
carried because it is negative. For each hospital and insurance

    Σ balance (months and year) + Σ changes = Σ liquidation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from drg.settlement.ledger import ENTRY_SCHEMA, Ledger
from drg.settlement.ledger_check import LedgerFault
from drg.settlement.posting import document_of

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.year.allocation import Allocation
    from drg.settlement.year.heads import CommunityYear, HeadsYear
    from drg.settlement.year.sums import Party
    from drg.settlement.year.terms import PartyYear

__all__ = ["year_entries", "year_faults"]

_SUMMED = ("hospital", "insurance", "account", "fen")
#: Where a policy gives the numbers of an allocation, if it is not its part by group.
_ORIGINS = {"score": ("dip.value_mode", "dip.")}
_CHANGES = ("adjustment", "sharing", "reward", "violation")
#: Account, rule and amount of an entry, and where the policy gives its number.
_Line: TypeAlias = tuple[str, str, int, tuple[str, ...]]


def year_entries(
    period: str,
    policy: Policy,
    parties: Iterable[PartyYear],
    books: Mapping[Party, Mapping[str, int]],
    ended: pl.DataFrame,
    allocations: Sequence[Allocation],
    rules: Mapping[str, str],
    heads: Iterable[HeadsYear],
    communities: Iterable[CommunityYear],
) -> pl.DataFrame:
    """Entries of a year, sorted by hospital and insurance.

    Parameters
    ----------
    period : str
        The year, ``"2025"``.
    books : mapping
        Accounts of the months, ends of matters included.
    ended : DataFrame
        Entries of those ends.
    rules : mapping of str to str
        Rule by mode of allocation; the insurance is put behind it.

    Returns
    -------
    DataFrame
        ``ENTRY_SCHEMA``.
    """
    given = {(h, a.insurance): (a, part) for a in allocations for h, part in a.parts.items()}
    lines: list[tuple[Party, _Line]] = []
    for one in parties:
        party = one.given.party
        lines += [(party, line) for line in _released(books[party])]
        if party in given:
            allocation, part = given[party]
            rule = f"{rules[allocation.mode]}.{allocation.insurance}"
            origin = _ORIGINS.get(allocation.mode, ("drg.points", "drg.rates", "drg."))
            lines += [
                (party, ("adjustment", rule, part, origin)),
                (party, ("adjustment", f"{rule}.priced", one.given.moved - part, origin)),
            ]
        lines += [(party, line) for line in _changed(one)]
        lines += [(party, line) for line in _liquidated(one)]
    for head in heads:
        lines += _apart(head.hospital, "adjustment", "E.1.per_head", head.adjustment, "outpatient.")
    for one_c in communities:
        lines += _apart(one_c.hospital, "sharing", "E.2.package", one_c.adjustment, "community.")
    documents: dict[tuple[str, ...], str] = {}
    rows = []
    for (hospital, insurance), (account, rule, fen, paths) in lines:
        if fen:
            if paths not in documents:
                documents[paths] = document_of(policy, *paths)
            rows.append((period, hospital, insurance, "batch", period, None, account, fen, rule,
                         documents[paths]))  # fmt: skip
    made = pl.DataFrame(rows, schema=ENTRY_SCHEMA, orient="row")
    return pl.concat([ended.select(ENTRY_SCHEMA.names()), made]).sort(
        "hospital", "insurance", maintain_order=True, nulls_last=True
    )


def _released(accounts: Mapping[str, int]) -> Iterator[_Line]:
    for account, rule, path in (
        ("retention", "A.8.release", "month.retention"),
        ("suspended", "F.2.suspended", "month.quarterly"),
    ):
        kept = accounts.get(account, 0)
        yield account, rule, -kept, (path,)
        yield "balance", rule, kept, (path,)


def _changed(one: PartyYear) -> Iterator[_Line]:
    quota = one.given.quota is not None
    yield "adjustment", "A.8.assessment", one.assessed, ("year.assessment",)
    rule = "F.3.overspend" if quota else "A.8.sharing"
    yield "sharing", rule, one.sharing, ("year.overspend_share", "year.surplus_keep", "year.")
    yield "reward", "F.3.reward", one.reward, ("year.reward_ratio", "year.surplus_keep", "year.")
    yield "violation", "F.4.this_year", -one.violation_cash, ("year.violation_this_year", "year.")


def _liquidated(one: PartyYear) -> Iterator[_Line]:
    yield "liquidation", "A.8.clearing", one.clearing, ("year.",)
    capital = one.given.working_capital
    yield "liquidation", "A.8.working_capital", capital, ("month.working_capital",)
    yield "liquidation", "0.3.carried", one.carried, ()


def _apart(
    hospital: str, account: str, rule: str, fen: int, path: str
) -> Iterator[tuple[Party, _Line]]:
    """What is cleared over all insurances together: a change and its liquidation."""
    party = (hospital, None)
    yield party, (account, rule, fen, (path,))
    yield party, ("liquidation", f"{rule}.clearing", max(fen, 0), (path,))
    yield party, ("liquidation", "0.3.carried", min(fen, 0), ())


def year_faults(ledger: Ledger, months: Sequence[Ledger]) -> list[LedgerFault]:
    """Hospitals whose balances and changes are not what liquidation says became of them."""
    fen, account = pl.col("fen"), pl.col("account")
    found = (
        pl.concat([book.sums.select(_SUMMED) for book in (*months, ledger)])
        .group_by("hospital", "insurance")
        .agg(
            fen.filter(account.is_in(["balance", *_CHANGES])).sum().alias("due"),
            fen.filter(account == "liquidation").sum().alias("told"),
            fen.filter(account.is_in(["retention", "suspended"])).sum().alias("kept"),
        )
        .filter((pl.col("due") != pl.col("told")) | (pl.col("kept") != 0))
        .sort("hospital", "insurance", nulls_last=True)
    )
    return [
        LedgerFault("clearing", f"{hospital} {insurance or '—'}", due + kept, told)
        for hospital, insurance, due, told, kept in found.iter_rows()
    ]
