"""What charges put at stake, line by line: no fen is at stake twice.

Rules that hit the same item of one claim may mean the same charge. Which part each of them means
cannot always be told, so of lines that share an item only those of one party count: of the party
whose shared lines come to most, the first one of equals. That deducts too little rather than
twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

__all__ = ["STAKES", "counted_once"]

#: One row a line: ``row`` of the claim, ``entry`` (place in the rule's list), the item ``codes``
#: that it is about, ``amount_fen``. Lines of one rule and entry never share a charge.
STAKES = pl.Schema(
    {
        "rule": pl.String(),
        "row": pl.Int64(),
        "entry": pl.Int64(),
        "codes": pl.List(pl.String()),
        "amount_fen": pl.Int64(),
    }
)


def counted_once(lines: pl.DataFrame, party: Sequence[str]) -> pl.DataFrame:
    """The lines that count, in order: those that share no item, and of the others one party's.

    Parameters
    ----------
    lines : DataFrame
        ``row``, ``codes``, ``amount_fen`` and the columns of ``party``.
    party : sequence of str
        Columns that tell lines apart that may share a charge: ``entry`` within one rule, ``rule``
        and ``entry`` among several.
    """
    lines = lines.with_row_index("line").with_columns(party=pl.struct(party).rank("dense"))
    sharing = lines.select("line", "row", "party", code="codes").explode("code")
    several = sharing.filter(pl.col("party").n_unique().over("row", "code") > 1)
    if several.is_empty():
        return lines.drop("line", "party")
    shared = lines.join(several.select("line").unique(), on="line", how="semi")
    sums = shared.group_by("row", "party").agg(pl.col("amount_fen").sum())
    best = sums.sort("amount_fen", "party", descending=[True, False]).unique(
        "row", keep="first", maintain_order=True
    )
    lost = shared.join(best, on=["row", "party"], how="anti")
    return lines.join(lost, on="line", how="anti", maintain_order="left").drop("line", "party")
