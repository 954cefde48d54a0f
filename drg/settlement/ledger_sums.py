"""A stored ledger of which only the sums are wanted: its claims stay on disk.

Twelve months of a province are tens of millions of entries; a year needs what they come to by
hospital, insurance and account, and the few entries of batches.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import polars as pl

from drg.claims.readers import explained
from drg.settlement.ledger import LEDGER_SCHEMA, Ledger, SettlementError, entry_sums

__all__ = ["SummedLedger"]


class SummedLedger(Ledger):
    """A ledger whose ``entries`` are those of batches alone, and whose ``sums`` are whole.

    Parameters
    ----------
    entries : DataFrame
        Of batches.
    sums : DataFrame
        As ``Ledger.sums``, of every entry.
    """

    def __init__(self, entries: pl.DataFrame, sums: pl.DataFrame) -> None:
        super().__init__(entries)
        self._sums = sums

    @cached_property
    def sums(self) -> pl.DataFrame:
        """As ``Ledger.sums``."""
        return self._sums

    @classmethod
    def read(cls, path: str | Path) -> SummedLedger:
        """Sum up a stored ledger.

        Raises
        ------
        InputError
            F101, F120: the file is missing or damaged.
        SettlementError
            P431: it is no ledger.
        """
        where = Path(path)
        with explained(where):
            entries = pl.scan_parquet(where, glob=False, hive_partitioning=False)
            if entries.collect_schema() != LEDGER_SCHEMA:
                raise SettlementError("P431", where=str(path))
            batches = entries.filter(pl.col("subject") == "batch").collect(engine="streaming")
            sums = entry_sums(entries)
        return cls(batches.sort("seq"), sums)
