"""The ledger: every fen of a month or year as an entry, written once and never changed.

A correction is a reversal and a new entry. A claim has one head entry (``fund``, ``statistics`` or
``unsettled``); a paid one has ``patient`` and ``hospital`` beside it, and they add up to its cost.
What the fund owes a hospital for a period stands a second time as batch entries: paid now, kept,
held. ``drg.settlement.ledger_check`` proves that both agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.readers import explained
from drg.claims.writers import write_frames
from drg.errors import DrgError

if TYPE_CHECKING:
    from drg.settlement.ledger_check import LedgerFault

__all__ = [
    "BATCH_ACCOUNTS", "CLAIM_ACCOUNTS", "ENTRY_SCHEMA", "HEADS", "LEDGER_SCHEMA", "YEAR_ACCOUNTS",
    "Ledger", "SettlementError", "added_sums", "entry_sums",
]  # fmt: skip

#: Accounts of claims; the first three of a paid one, else one of the others.
CLAIM_ACCOUNTS = ("fund", "patient", "hospital", "statistics", "unsettled")
#: Each claim stands in exactly one of these.
HEADS = ("fund", "statistics", "unsettled")
#: What becomes of the fund's part of a hospital's claims; they add up to it.
BATCH_ACCOUNTS = (
    "advance", "retention", "dispute_withheld", "held", "deduction", "suspended", "balance",
)  # fmt: skip
#: What the end of a year adds or takes; no claim's fund stands against it.
YEAR_ACCOUNTS = ("adjustment", "sharing", "reward", "violation", "liquidation")
_ACCOUNT = pl.Enum([*CLAIM_ACCOUNTS, *BATCH_ACCOUNTS, *YEAR_ACCOUNTS])
_SUBJECT = pl.Enum(["claim", "batch"])

#: What whoever posts an entry says.
ENTRY_SCHEMA = pl.Schema(
    {
        "period": pl.String(),
        "hospital": pl.String(),
        "insurance": pl.String(),
        "subject": _SUBJECT,
        "ref": pl.String(),
        "version": pl.Int32(),
        "account": _ACCOUNT,
        "fen": pl.Int64(),
        "rule": pl.String(),
        "document": pl.String(),
    }
)
#: ``seq`` from 1 without gaps; ``run`` 1 for the first settlement of a folder; ``period``
#: ``"2025-06"``; ``ref`` claim id or batch id; ``reverses`` the seq of the entry taken back.
LEDGER_SCHEMA = pl.Schema(
    {"seq": pl.Int64(), "run": pl.Int32(), **ENTRY_SCHEMA, "reverses": pl.Int64()}
)


class SettlementError(DrgError, ValueError):
    """A settlement cannot be done as asked, or a stored one is not whole."""


class Ledger:
    """Entries in the order in which they were posted. Immutable: posting gives a new ledger.

    Attributes
    ----------
    entries : DataFrame
        ``LEDGER_SCHEMA``; money in fen, null insurance: not reported.

    Examples
    --------
    >>> entry = pl.DataFrame(
    ...     {
    ...         "period": ["2025-06"], "hospital": ["H1"], "insurance": ["310"],
    ...         "subject": ["batch"], "ref": ["2025-06"], "version": [None],
    ...         "account": ["advance"], "fen": [100], "rule": ["F.2"], "document": [""],
    ...     }
    ... )
    >>> ledger = Ledger().append(entry)
    >>> ledger.reverse([1], rule="correction").totals("account").rows()
    [('advance', 0)]
    """

    def __init__(self, entries: pl.DataFrame | None = None) -> None:
        self.entries = pl.DataFrame(schema=LEDGER_SCHEMA) if entries is None else entries

    @property
    def count(self) -> int:
        """How many entries there are."""
        return self.entries.height

    def scan(self) -> pl.LazyFrame:
        """The entries, read as far as they are asked for."""
        return self.entries.lazy()

    @property
    def runs(self) -> int:
        """Number of the last run; 0 when there is none."""
        last = self.entries["run"].max()
        return last if isinstance(last, int) else 0

    def append(self, *entries: pl.DataFrame, run: int | None = None) -> Ledger:
        """Post entries after those that are there.

        Parameters
        ----------
        *entries : DataFrame
            Columns of ``ENTRY_SCHEMA``; any further one but ``reverses`` is left aside.
        run : int, optional
            Run they belong to; the last one, or 1, when omitted.
        """
        added = [_typed(frame) for frame in entries if frame.height]
        if not added:
            return self
        more = pl.concat(added, rechunk=False)
        first, run = self.count + 1, run or self.runs or 1
        seq = pl.int_range(first, first + more.height, dtype=pl.Int64, eager=True)
        more = more.select(
            seq.alias("seq"), pl.lit(run, pl.Int32).alias("run"), pl.col(LEDGER_SCHEMA.names()[2:])
        )
        whole = self._grown(self.entries.vstack(more) if self.entries.height else more)
        if "sums" in self.__dict__:  # adding to sums costs nothing beside making them
            whole.__dict__["sums"] = added_sums([self.sums, entry_sums(more)])
        return whole

    def _grown(self, entries: pl.DataFrame) -> Ledger:
        """The same ledger with entries added at the end."""
        return Ledger(entries)

    def reverse(
        self,
        seqs: Sequence[int] | pl.Series,
        *,
        run: int | None = None,
        rule: str | None = None,
        document: str | None = None,
    ) -> Ledger:
        """Take entries back: each by one of the opposite amount that names it.

        Parameters
        ----------
        seqs : sequence of int
            Which ones, in the order wanted.
        run : int, optional
            As for ``append``.
        rule, document : str, optional
            Why; those of the entry taken back when omitted.

        Raises
        ------
        SettlementError
            P430: no such entry, or it is one that takes back or has been taken back.
        """
        wanted = pl.Series("seq", seqs, dtype=pl.Int64)
        found = self.live().filter(pl.col("seq").is_in(wanted.implode()))
        if found.height != wanted.len():
            left = sorted(set(wanted) - set(found["seq"]))
            raise SettlementError("P430", seq=left[0] if left else int(wanted[0]))
        told = {"rule": rule, "document": document}
        opposite = found.with_columns(
            -pl.col("fen"),
            *(pl.lit(value).alias(name) for name, value in told.items() if value is not None),
            reverses="seq",
        )
        return self.append(opposite, run=run)

    def live(self) -> pl.DataFrame:
        """Entries that stand: neither taken back nor taking back."""
        gone = self.entries["reverses"].drop_nulls()
        if not gone.len():
            return self.entries
        stands = pl.col("reverses").is_null() & ~pl.col("seq").is_in(gone.implode())
        return self.entries.filter(stands)

    def standing(self, accounts: Sequence[str]) -> pl.DataFrame:
        """Entries of some accounts that stand, in order; of a stored ledger only these are read."""
        gone = self.scan().select("reverses").drop_nulls().collect()["reverses"]
        stands = pl.col("reverses").is_null() & ~pl.col("seq").is_in(gone.implode())
        return self.scan().filter(pl.col("account").is_in(accounts), stands).collect()

    @cached_property
    def sums(self) -> pl.DataFrame:
        """By period, hospital, insurance, subject and account, sorted.

        ``fen``, reversals included, and ``entries``: those posted less those taken back.
        """
        return entry_sums(self.entries)

    def totals(self, *by: str) -> pl.DataFrame:
        """Sums in fen, reversals included.

        Parameters
        ----------
        *by : str
            Columns to sum by; ``account`` when omitted. The result is sorted by them.
        """
        keys = by or ("account",)
        return self.entries.group_by(keys).agg(pl.col("fen").sum()).sort(keys)

    def check(
        self,
        claims: pl.DataFrame | pl.LazyFrame | None = None,
        *,
        allocated: Mapping[str, int] | None = None,
    ) -> list[LedgerFault]:
        """Everything that does not hold; an empty list proves the ledger.

        Parameters
        ----------
        claims : frame, optional
            The priced claims in force (``drg.settlement.posting.CLAIM_COLUMNS``): every one stands
            in the ledger exactly once, with its cost, and no other does.
        allocated : mapping of str to int, optional
            Rule to the fen that were to be given out under it, such as a region's budget.
        """
        from drg.settlement.ledger_check import check_ledger

        return check_ledger(self, claims, allocated or {})

    def write(self, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
        """Write the entries as Parquet: same entries, same bytes."""
        write_frames(path, self.entries, metadata=metadata, compression="zstd")

    @classmethod
    def read(cls, path: str | Path) -> Ledger:
        """Read a ledger.

        Raises
        ------
        InputError
            F101, F120: the file is missing or damaged.
        SettlementError
            P431: it is no ledger.
        """
        where = Path(path)
        with explained(where):
            entries = pl.read_parquet(where, glob=False, hive_partitioning=False)
        if entries.schema != LEDGER_SCHEMA:
            raise SettlementError("P431", where=str(path))
        return cls(entries)


_SUMMED = ("period", "hospital", "insurance", "subject", "account")


def entry_sums(entries: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Entries summed up as ``Ledger.sums`` has them; a stored ledger is not read whole."""
    sign = pl.when(pl.col("reverses").is_null()).then(1).otherwise(-1)
    return (
        entries.lazy()
        .group_by(_SUMMED)
        .agg(pl.col("fen").sum(), sign.cast(pl.Int64).sum().alias("entries"))
        .sort(_SUMMED)
        .collect(engine="streaming" if isinstance(entries, pl.LazyFrame) else "auto")
    )


def added_sums(sums: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Sums of several parts of a ledger as those of the whole; at least one."""
    both = pl.concat(sums)
    return both.group_by(_SUMMED).agg(pl.col("fen", "entries").sum()).sort(_SUMMED)


def _typed(entries: pl.DataFrame) -> pl.DataFrame:
    kept: Iterable[pl.Expr] = [
        pl.col(name).cast(dtype) if entries.schema[name] != dtype else pl.col(name)
        for name, dtype in ENTRY_SCHEMA.items()
    ]
    back = pl.col("reverses") if "reverses" in entries.columns else pl.lit(None)
    return entries.select(*kept, back.cast(pl.Int64).alias("reverses"))
