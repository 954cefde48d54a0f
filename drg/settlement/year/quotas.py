"""Next year's quotas as the year proposes them: the first events of the next budget."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from drg.money import yuan

if TYPE_CHECKING:
    from drg.settlement.year.clear import Clearing

__all__ = ["next_quotas"]

_SCHEMA = pl.Schema(
    {
        "level": pl.String(),
        "unit": pl.String(),
        "insurance": pl.String(),
        "period": pl.String(),
        "step": pl.String(),
        "amount": pl.Decimal(18, 2),
    }
)


def next_quotas(clearing: Clearing) -> pl.DataFrame:
    """Drafts of the hospitals' quotas of the next year, as ``load_budget`` reads them.

    Returns
    -------
    DataFrame
        ``level``, ``unit``, ``insurance``, ``period``, ``step`` (``draft``), ``amount`` in yuan;
        a row for each hospital and insurance that had a quota.
    """
    rows = [
        ("hospital", hospital, insurance, str(clearing.year + 1), "draft", Decimal(yuan(fen)))
        for hospital, insurance, fen in clearing.hospitals.select(
            "hospital", "insurance", "next_quota_fen"
        ).iter_rows()
        if fen is not None
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
