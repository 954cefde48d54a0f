"""What proves a ledger: nothing missing, nothing twice, no fen changed, batches that tie.

The straight road compares columns as they lie; joins and groups are made only where something is
wrong or entries were taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from drg.settlement.ledger import BATCH_ACCOUNTS, HEADS, YEAR_ACCOUNTS, added_sums, entry_sums
from drg.settlement.posting import posting_of_claims
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.settlement.ledger import Ledger

__all__ = ["LedgerFault", "check_file", "check_ledger"]

#: Claims that are held to a stored ledger at once.
_PART = 100_000

#: Of each kind so many are named one by one; the rest is counted.
_NAMED = 20
_PARTY = ("hospital", "insurance")
_PARTS = ("fund", "patient", "hospital")
_ACCOUNTS = ("fund", "patient", "hospital", "statistics", "unsettled")
#: What the parts of one claim have in common.
_KEYS = ["ref", "version", "hospital", "insurance", "period"]


class LedgerFault(NamedTuple):
    """Something that does not hold.

    Attributes
    ----------
    kind : str
        ``sequence`` (a number left out or out of order), ``reversal`` (takes back what is not
        there, or another amount), ``twice``, ``missing``, ``unknown`` (in the ledger only),
        ``parts`` (entries of a claim that do not belong together), ``party`` (another hospital or
        insurance than the claim's), ``amount``, ``batch``, ``account`` (one that has no place
        there), ``period``, ``allocation``.
    where : str
        Claim, seq, or period, hospital and insurance.
    expected, found : int or None
        Fen, or counts for ``sequence``.
    """

    kind: str
    where: str
    expected: int | None = None
    found: int | None = None

    def line(self, lang: str | None = None) -> str:
        """The fault in words."""
        expected, found = ("—" if n is None else str(n) for n in (self.expected, self.found))
        told = {"where": self.where, "expected": expected, "found": found}
        return text(f"settle.fault_{self.kind}", lang, **told)


def check_ledger(
    ledger: Ledger,
    claims: pl.DataFrame | pl.LazyFrame | None,
    allocated: Mapping[str, int],
) -> list[LedgerFault]:
    """Every fault, the first ones of each kind by name."""
    faults = [*_sequence(ledger.entries), *_reversals(ledger.entries)]
    live = (
        ledger.live().lazy().filter(pl.col("subject") == "claim").select(*_KEYS, "account", "fen")
    ).collect()
    faults += _parts(live)
    if claims is not None:
        faults += _against(live, posting_of_claims(claims))
    faults += _accounts(ledger.sums, of_month=claims is not None)
    faults += _tied(entry_sums(ledger.entries))
    faults += _allocations(ledger.entries, allocated)
    return faults


def _sequence(entries: pl.DataFrame) -> Iterator[LedgerFault]:
    seq = entries["seq"]
    wanted = pl.int_range(1, len(seq) + 1, dtype=pl.Int64, eager=True)
    wrong = ~seq.eq_missing(wanted)
    if wrong.any():
        at = int(wrong.arg_true()[0])
        yield LedgerFault("sequence", f"seq {at + 1}", at + 1, seq[at])
    if not (entries["run"].diff().drop_nulls() >= 0).all() or entries["run"].null_count():
        yield LedgerFault("sequence", "run")


def _reversals(entries: pl.DataFrame) -> Iterator[LedgerFault]:
    back = entries.filter(pl.col("reverses").is_not_null())
    if back.is_empty():
        return
    keys = ("period", "hospital", "insurance", "subject", "ref", "version", "account")
    whole = back.join(entries, left_on="reverses", right_on="seq", how="left", suffix="_of")
    same = pl.all_horizontal(pl.col(key).eq_missing(pl.col(f"{key}_of")) for key in keys)
    opposite = (pl.col("fen") + pl.col("fen_of") == 0) & pl.col("reverses_of").is_null()
    good = same & opposite & (pl.col("reverses") < pl.col("seq"))
    once = ~pl.col("reverses").is_duplicated()
    # A seq that is there twice is told by its own kind; here it must not multiply rows unseen.
    for seq, fen, of in (
        whole.filter(~(good & once).fill_null(False))
        .select("seq", "fen", "fen_of")
        .head(_NAMED)
        .iter_rows()
    ):
        yield LedgerFault("reversal", f"seq {seq}", None if of is None else -of, fen)


def _parts(live: pl.DataFrame) -> Iterator[LedgerFault]:
    """Each claim has one head; a paid one its patient's and the hospital's part beside it."""
    refs, account = live["ref"], live["account"]
    heads = refs.filter(account.is_in(HEADS))
    if heads.n_unique() != len(heads):
        found = (
            heads.filter(heads.is_duplicated())
            .to_frame()
            .group_by("ref", maintain_order=True)
            .len()
        )
        for ref, count in found.head(_NAMED).iter_rows():
            yield LedgerFault("twice", ref, 1, count)
    strange = refs.filter(~account.is_in(_ACCOUNTS)).unique(maintain_order=True)
    for ref in strange.head(_NAMED):
        yield LedgerFault("parts", str(ref))
    fund, *others = (account == part for part in _PARTS)
    same = [True] * len(others)
    for key in _KEYS:
        # Column by column: whole frames of three parts would double the memory of a ledger.
        own = live[key].filter(fund)
        same = [
            alike and own.equals(live[key].filter(other))
            for alike, other in zip(same, others, strict=True)
        ]
    for alike, other in zip(same, others, strict=True):
        if alike:
            continue
        first, second = live.select(_KEYS).filter(fund), live.select(_KEYS).filter(other)
        gone = first.join(second, on=_KEYS, how="anti", nulls_equal=True)
        more = second.join(first, on=_KEYS, how="anti", nulls_equal=True)
        again = second.filter(second["ref"].is_duplicated())
        wrong = pl.concat([gone["ref"], more["ref"], again["ref"]]).unique(maintain_order=True)
        for ref in wrong.head(_NAMED):
            yield LedgerFault("parts", str(ref))


def _against(live: pl.DataFrame, claims: pl.DataFrame) -> Iterator[LedgerFault]:
    """Ledger and priced claims, claim by claim."""
    account = live["account"]
    paid = claims["head"] == "fund"
    own = claims["cost_fen"] - claims["fund_fen"] - claims["patient_fen"]
    main = claims.select(pl.when(paid).then("fund_fen").otherwise("cost_fen")).to_series()
    heads = account.is_in(HEADS)
    told = claims.select("ref", "version").filter(paid)
    same = (
        all(live[key].filter(heads).equals(claims[key]) for key in ("ref", *_PARTY))
        and live["version"].filter(heads).equals(claims["version"])
        and account.filter(heads).cast(claims["head"].dtype).equals(claims["head"])
        and live["fen"].filter(heads).equals(main)
        and _part(live, "patient").equals(
            told.with_columns(claims["patient_fen"].filter(paid).alias("fen"))
        )
        and _part(live, "hospital").equals(told.with_columns(own.filter(paid).alias("fen")))
        and own.filter(paid).equals(claims["own_fen"].filter(paid))
    )
    if not same:
        yield from _each(live, live.filter(heads), claims)


def _part(live: pl.DataFrame, account: str) -> pl.DataFrame:
    return (
        live.select("ref", "version", "account", "fen")
        .filter(pl.col("account") == account)
        .drop("account")
    )


def _each(live: pl.DataFrame, heads: pl.DataFrame, claims: pl.DataFrame) -> Iterator[LedgerFault]:
    keys = ["ref", "version"]
    twice = claims.filter(pl.col("ref").is_duplicated())["ref"].unique(maintain_order=True)
    for ref in twice.head(_NAMED):
        yield LedgerFault("twice", str(ref), 1, 2)
    gone = claims.join(heads, on=keys, how="anti", nulls_equal=True)
    for ref, cost in gone.select("ref", "cost_fen").head(_NAMED).iter_rows():
        yield LedgerFault("missing", str(ref), cost)
    more = heads.join(claims, on=keys, how="anti", nulls_equal=True)
    for ref, fen in more.select("ref", "fen").head(_NAMED).iter_rows():
        yield LedgerFault("unknown", str(ref), None, fen)
    both = claims.join(heads, on=keys, nulls_equal=True, suffix="_found", maintain_order="left")
    alike = pl.all_horizontal(pl.col(key).eq_missing(pl.col(f"{key}_found")) for key in _PARTY)
    for ref, *names in (
        both.filter(~alike)
        .select("ref", *_PARTY, *(f"{key}_found" for key in _PARTY))
        .head(_NAMED)
        .iter_rows()
    ):
        hospital, insurance, *found_at = (name or "—" for name in names)
        where = f"{ref} {hospital} {insurance} ≠ {' '.join(found_at)}"
        yield LedgerFault("party", where)
    own = pl.col("cost_fen") - pl.col("fund_fen") - pl.col("patient_fen")
    wanted = claims.unique("ref", maintain_order=True).select(
        *keys,
        pl.when(pl.col("head") == "fund").then("fund_fen").alias("fund"),
        pl.when(pl.col("head") == "fund").then("patient_fen").alias("patient"),
        pl.when(pl.col("head") == "fund").then(pl.coalesce("own_fen", own)).alias("hospital"),
        pl.when(pl.col("head") == "statistics").then("cost_fen").alias("statistics"),
        pl.when(pl.col("head") == "unsettled").then("cost_fen").alias("unsettled"),
        pl.col("cost_fen").alias("total"),
    )
    found = live.group_by(keys, maintain_order=True).agg(
        *(
            pl.col("fen").filter(pl.col("account") == account).sum().alias(account)
            for account in _ACCOUNTS
        ),
        pl.col("fen").sum().alias("total"),
    )
    both = wanted.join(found, on=keys, nulls_equal=True, suffix="_found", maintain_order="left")
    for account in (*_ACCOUNTS, "total"):
        mine = pl.col(account).fill_null(0)
        wrong = both.filter(mine != pl.col(f"{account}_found"))
        for ref, expected, fen in (
            wrong.select("ref", mine.alias(account), f"{account}_found").head(_NAMED).iter_rows()
        ):
            yield LedgerFault("amount", f"{ref} {account}", expected, fen)


def _accounts(sums: pl.DataFrame, *, of_month: bool) -> Iterator[LedgerFault]:
    """Accounts of claims are no batch's, and a month has none of the year and one period."""
    strange = [*_ACCOUNTS, *(YEAR_ACCOUNTS if of_month else ())]
    rows = sums.filter(
        (pl.col("subject") == "batch") & pl.col("account").cast(pl.String).is_in(strange)
    )
    for hospital, account, fen in (
        rows.select("hospital", "account", "fen").head(_NAMED).iter_rows()
    ):
        yield LedgerFault("account", f"{hospital} {account}", 0, fen)
    periods = sums["period"].unique().sort()
    if of_month and periods.len() > 1:
        yield LedgerFault("period", ", ".join(str(period) for period in periods))


def _tied(sums: pl.DataFrame) -> Iterator[LedgerFault]:
    """What the fund owes by claims, and what became of it."""
    keys = ["period", "hospital", "insurance"]
    found = (
        sums.filter(pl.col("account").cast(pl.String).is_in(["fund", *BATCH_ACCOUNTS]))
        .group_by(keys)
        .agg(
            pl.col("fen").filter(pl.col("account") == "fund").sum().alias("fund"),
            pl.col("fen").filter(pl.col("account") != "fund").sum().alias("batch"),
        )
        .filter(pl.col("fund") != pl.col("batch"))
        .sort(keys)
    )
    for period, hospital, insurance, fund, batch in found.head(_NAMED).iter_rows():
        yield LedgerFault("batch", f"{period} {hospital} {insurance or '—'}", fund, batch)


def _allocations(entries: pl.DataFrame, allocated: Mapping[str, int]) -> Iterator[LedgerFault]:
    for rule, expected in allocated.items():
        found = int(entries.filter(pl.col("rule") == rule)["fen"].sum())
        if found != expected:
            yield LedgerFault("allocation", rule, expected, found)


def check_file(path: Path, claims: pl.DataFrame | pl.LazyFrame, told: pl.DataFrame) -> bool:
    """Whether a stored ledger of claims and batches holds, read part by part in their order.

    Parameters
    ----------
    path : Path
        Its file.
    claims : frame
        The priced claims in force, as ``check_ledger`` takes them.
    told : DataFrame
        ``Ledger.sums``, to which those of the file are held.

    Returns
    -------
    bool
        False: something does not hold, or entries were taken back, or stand in another order than
        the claims; ``check_ledger`` tells.
    """
    rows = claims.lazy()
    stored = pl.scan_parquet(path, glob=False, hive_partitioning=False).drop("rule", "document")
    count, total = (found.select(pl.len()).collect().item() for found in (rows, stored))
    refs = np.empty(count, np.uint64)
    sums: list[pl.DataFrame] = []
    at = 0
    for start in range(0, max(count, 1), _PART):
        posted = posting_of_claims(rows.slice(start, _PART))
        refs[start : start + posted.height] = posted["ref"].hash(0).to_numpy()
        paid = int((posted["head"] == "fund").sum())
        size = posted.height + (len(_PARTS) - 1) * paid
        entries = stored.slice(at, size).collect()
        live = entries.select(*_KEYS, "account", "fen")
        if (
            (entries["subject"] != "claim").any()
            or not _next_in_line(entries, at)
            or next(_parts(live), None) is not None
            or next(_against(live, posted), None) is not None
        ):
            return False
        at += size
        sums = [added_sums([*sums, entry_sums(entries)])]
    rest = stored.slice(at, total - at).collect()
    # Whoever is there twice has one hash twice; that two ids share one is for the whole to tell.
    if not _next_in_line(rest, at) or (rest["subject"] != "batch").any() or not _distinct(refs):
        return False
    whole = added_sums([*sums, entry_sums(rest)])
    return whole.equals(told) and not [*_accounts(whole, of_month=True), *_tied(whole)]


def _next_in_line(entries: pl.DataFrame, before: int) -> bool:
    """Whether entries of one run go on behind so many, and none takes another back."""
    seq = pl.int_range(before + 1, before + entries.height + 1, dtype=pl.Int64, eager=True)
    runs = entries["run"]
    return (
        entries["seq"].equals(seq)
        and entries["reverses"].null_count() == entries.height
        and bool((runs == 1).all())
        and not runs.null_count()
    )


def _distinct(values: NDArray[np.uint64]) -> bool:
    values.sort()
    return not bool((values[1:] == values[:-1]).any())
