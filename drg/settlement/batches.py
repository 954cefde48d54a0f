"""Batch entries of a month: what becomes of each hospital's fund, posted as differences.

Everything is worked out from the ledger as it should stand and compared with what it holds, so
that the first run posts it all, a run with late claims posts their share, and the same run again
posts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from drg.dates import Month
from drg.money import allocate
from drg.settlement.ledger import BATCH_ACCOUNTS, ENTRY_SCHEMA, Ledger
from drg.settlement.matters import MATTER_SCHEMA, Closing
from drg.settlement.month import dispute_adjustment, month_payment
from drg.settlement.posting import document_of
from drg.settlement.quarter import balance_quarter

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.budget import Budget

__all__ = ["MonthBatches", "carried", "closing_entries", "month_batches", "quarter_entries"]

#: Hospital and insurance.
Party = tuple[str, str | None]
#: Account to fen.
Accounts = dict[str, int]
#: Account to its rule, and to where a policy gives its number.
_Rules = Mapping[str, tuple[str, tuple[str, ...]]]
_RULES: _Rules = {
    "advance": ("F.2.advance", ("month.prepay", "month.retention", "month.")),
    "retention": ("F.2.retention", ("month.retention",)),
    "dispute_withheld": ("F.2.dispute", ("month.dispute_advance",)),
    "held": ("F.2.hold", ("month.hold_days",)),
    "deduction": ("A.8.deduction", ()),
    "balance": ("A.8.prepay", ("month.prepay",)),
}
_CARRIED = "0.3.carried"
_QUARTER = "F.2.quarter"


class MonthBatches(NamedTuple):
    """What a month's batches add to the ledger.

    Attributes
    ----------
    entries : DataFrame
        ``ENTRY_SCHEMA``: differences to what the ledger holds; none when it holds them already.
    matters : DataFrame
        The matters with ``kept_fen`` filled in for disputes.
    """

    entries: pl.DataFrame
    matters: pl.DataFrame


def month_batches(
    ledger: Ledger, matters: pl.DataFrame, policy: Policy, period: str
) -> MonthBatches:
    """Payment of each hospital and insurance.

    Parameters
    ----------
    ledger : Ledger
        With the claims of the month posted.
    matters : DataFrame
        ``MATTER_SCHEMA``: the matters of these claims.
    policy : Policy
    period : str
        ``"2025-06"``.
    """
    funds = _funds(ledger, period)
    about: dict[Party, Accounts] = {}
    for hospital, insurance, matter, fen in (
        matters.group_by("hospital", "insurance", "matter").agg(pl.col("amount_fen").sum())
    ).iter_rows():
        about.setdefault((hospital, insurance), {})[matter] = fen
    wanted: dict[Party, Accounts] = {}
    for party, fund in funds.items():
        said = about.get(party, {})
        disputed, held = said.get("dispute", 0), said.get("hold", 0)
        paid = month_payment(
            fund - disputed - held, disputed, held, policy.month, deduction=said.get("deduction", 0)
        )
        wanted[party] = paid._asdict()
    posted = _posted(ledger, pl.col("ref") == period)
    entries = _differences(wanted, posted, period, period, policy, _RULES)
    withheld = {party: accounts["dispute_withheld"] for party, accounts in wanted.items()}
    return MonthBatches(entries, _kept(matters, withheld))


def closing_entries(ends: Sequence[Closing], policy: Policy, period: str) -> pl.DataFrame:
    """Movements that end matters of earlier months; each claim's add up to zero.

    A dispute is made up or deducted (F.2); what was held is paid like undisputed cost.
    """
    rows: list[tuple[object, ...]] = []
    for matter, accepted, document in ends:
        size, kept = matter["amount_fen"], matter["kept_fen"]
        if matter["matter"] == "dispute":
            rule, paths = _RULES["dispute_withheld"]
            moved = {
                "dispute_withheld": -kept,
                "advance": dispute_adjustment(size, accepted, size - kept),
                "deduction": size - accepted,
            }
        else:
            rule, paths = _RULES["held"]
            paid = month_payment(accepted, 0, 0, policy.month)
            moved = {
                "held": -size,
                "advance": paid.advance,
                "retention": paid.retention,
                "balance": paid.balance,
                "deduction": size - accepted,
            }
        said = document or document_of(policy, *paths)
        rows += [
            (period, matter["hospital"], matter["insurance"], "batch", matter["ref"],
             matter["version"], account, fen, rule, said)
            for account, fen in moved.items() if fen
        ]  # fmt: skip
    return _entries(rows)


def carried(ledger: Ledger, period: str) -> pl.DataFrame:
    """Advances below zero go to the balance: nothing is claimed back from month to month."""
    wanted: dict[Party, Accounts] = {}
    own = pl.col("rule") == _CARRIED
    for party, accounts in _posted(ledger, ~own).items():
        short = -min(accounts.get("advance", 0), 0)
        wanted[party] = {"advance": short, "balance": -short}
    rules: _Rules = dict.fromkeys(("advance", "balance"), (_CARRIED, ()))
    return _differences(wanted, _posted(ledger, own), period, period, None, rules)


def quarter_entries(
    ledger: Ledger,
    earlier: Sequence[Ledger],
    budget: Budget,
    policy: Policy,
    month: Month,
) -> tuple[pl.DataFrame, list[Party], list[Party]]:
    """The quarter paid up within its quota, in the ledger of its last month (F.2).

    Parameters
    ----------
    ledger : Ledger
        Of the month, with its batches.
    earlier : sequence of Ledger
        Of the two months before.
    budget : Budget
        Quotas of hospitals.

    Returns
    -------
    entries : DataFrame
        ``ENTRY_SCHEMA``; deposits and balances move to ``advance`` within the quota and to
        ``suspended`` above it. Held, withheld and deducted money stays where it is.
    over : list of (hospital, insurance)
        Above their quota.
    without : list of (hospital, insurance)
        The budget has no line for them: nothing of theirs is moved.

    Raises
    ------
    BudgetError
        P447: a line is not signed.
    """
    ref = f"{month.year}-Q{month.quarter}"
    own = (pl.col("rule") == _QUARTER) & (pl.col("ref") == ref)
    months = [*(_posted(book, pl.lit(True)) for book in earlier), _posted(ledger, ~own)]
    over: list[Party] = []
    without: list[Party] = []
    wanted: dict[Party, Accounts] = {}
    for party in sorted({key for one in months for key in one}, key=str):
        quota = budget.quota(party[0], party[1] or "", month.year, f"Q{month.quarter}")
        if quota is None:
            without.append(party)
            continue
        found = [one.get(party, {}) for one in months]
        kept = [{a: one.get(a, 0) for a in ("retention", "balance")} for one in found]
        paid = [one.get("advance", 0) for one in found]
        # What was carried below zero was advanced all the same.
        costs = [p + k["retention"] + k["balance"] for p, k in zip(paid, kept, strict=True)]
        result = balance_quarter([max(cost, 0) for cost in costs], paid, quota)
        if result.suspended:
            over.append(party)
        moved = {
            "advance": result.payable,
            "suspended": result.suspended,
            **{a: -sum(k[a] for k in kept) for a in ("retention", "balance")},
        }
        moved["balance"] -= sum(moved.values())
        wanted[party] = moved
    rules = dict.fromkeys(BATCH_ACCOUNTS, (_QUARTER, ("month.quarterly", "month.retention")))
    return _differences(wanted, _posted(ledger, own), month, ref, policy, rules), over, without


def _funds(ledger: Ledger, period: str) -> dict[Party, int]:
    sums = ledger.sums.filter((pl.col("account") == "fund") & (pl.col("period") == period))
    return {(h, i): fen for h, i, fen in sums.select("hospital", "insurance", "fen").iter_rows()}


def _posted(ledger: Ledger, which: pl.Expr) -> dict[Party, Accounts]:
    """Batch accounts by party, of the entries asked for."""
    # They stand behind the claims of each run and are few: found first, then looked at.
    at = (ledger.entries["subject"] == "batch").arg_true()
    found = (
        ledger.entries.select(pl.exclude("version", "seq", "run", "reverses").gather(at))
        .filter(which)
        .group_by("hospital", "insurance", "account")
        .agg(pl.col("fen").sum())
    )
    posted: dict[Party, Accounts] = {}
    for hospital, insurance, account, fen in found.iter_rows():
        posted.setdefault((hospital, insurance), {})[account] = fen
    return posted


def _differences(
    wanted: Mapping[Party, Mapping[str, int]],
    posted: Mapping[Party, Mapping[str, int]],
    period: object,
    ref: str,
    policy: Policy | None,
    rules: _Rules,
) -> pl.DataFrame:
    """Entries that bring what is posted to what is wanted, sorted by hospital and insurance."""
    documents = {
        account: document_of(policy, *paths) if policy is not None and paths else ""
        for account, (_, paths) in rules.items()
    }
    rows: list[tuple[object, ...]] = []
    for party in sorted({*wanted, *posted}, key=lambda party: (party[0], party[1] or "")):
        now, before = wanted.get(party, {}), posted.get(party, {})
        moved = {a: now.get(a, 0) - before.get(a, 0) for a in BATCH_ACCOUNTS if a in rules}
        rows += [
            (str(period), *party, "batch", ref, None, a, fen, rules[a][0], documents[a])
            for a, fen in moved.items()
            if fen
        ]
    return _entries(rows)


def _entries(rows: Iterable[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ENTRY_SCHEMA, orient="row")


def _kept(matters: pl.DataFrame, withheld: Mapping[Party, int]) -> pl.DataFrame:
    """What is withheld of each dispute: the batch's amount given out by largest remainder."""
    rows = matters.with_row_index("at").filter(pl.col("matter") == "dispute")
    by_party: dict[Party, dict[int, int]] = {}
    for at, hospital, insurance, fen in rows.select(
        "at", "hospital", "insurance", "amount_fen"
    ).iter_rows():
        by_party.setdefault((hospital, insurance), {})[at] = fen
    kept = matters["kept_fen"].to_list()
    for party, shares in by_party.items():
        for at, fen in allocate(withheld.get(party, 0), shares).items():
            kept[at] = fen
    return matters.with_columns(pl.Series("kept_fen", kept, dtype=MATTER_SCHEMA["kept_fen"]))
