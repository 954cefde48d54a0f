"""Amendments as rows: what turns one table into another, and the table they make.

A row's ``op`` adds (``+``), removes (``-``) or replaces (``=``) the row of its key. ``*`` in the
last column of a two-column key removes every row of the first: a set that is given anew. An
amendment that does not bite (adding what is there, removing what is not, replacing with the
same) is an error, so amendments always show exactly what they change.
"""

from __future__ import annotations

import polars as pl

from drg.errors import TableError
from drg.schemes.tables import Column, TableFormat, check_cells

OPS = ("-", "=", "+")
#: In place of a code: every code of the set or of the MDC.
EVERY = "*"


def amendment_format(table: TableFormat) -> TableFormat:
    """The format of a table's amendment file: op, amendment, then the table's columns.

    Only key cells are required here; added and replaced rows are checked in full once applied.
    """
    cells = tuple(
        Column(
            c.name,
            empty=c.name not in table.key or c.empty,
            integer=c.integer and c.name in table.key,
        )
        for c in table.columns
    )
    head = (Column("op", choices=OPS), Column("amendment"))
    return TableFormat(table.name, head + cells, ("op", *table.key))


def amendments(before: pl.DataFrame, after: pl.DataFrame, table: TableFormat) -> pl.DataFrame:
    """The amendments that turn one table into another, fewest rows.

    Parameters
    ----------
    before, after : DataFrame
        The table's columns, all ``String``, no key twice.
    table : TableFormat
        Its columns and key.

    Returns
    -------
    DataFrame
        ``op`` and the table's columns, sorted by key, removals first; removed rows hold their
        key alone. Row order within a table means nothing and is not compared.
    """
    header, key = table.header, list(table.key)
    changed = after.join(before, on=header, how="anti", nulls_equal=True)
    fresh = changed.join(before, on=key, how="anti", nulls_equal=True)
    replaced = changed.join(before, on=key, how="semi", nulls_equal=True)
    gone = before.join(after, on=key, how="anti", nulls_equal=True)
    if _has_sets(table):
        first = key[0]
        anew = _given_anew(before, after, fresh, replaced, gone, first)
        given = pl.col(first).is_in(anew)
        fresh = pl.concat([fresh.filter(~given), after.filter(given)])
        replaced = replaced.filter(~given)
        every = pl.DataFrame({first: anew}, schema={first: pl.String}).with_columns(
            pl.lit(EVERY).alias(key[1])
        )
        gone = pl.concat([gone.select(key).filter(~given), every.select(key)])
    gone = gone.select(pl.col(c) if c in key else pl.lit("").alias(c) for c in header)
    parts = [
        part.select(pl.lit(op).alias("op"), *header)
        for op, part in zip(OPS, (gone, replaced, fresh), strict=True)
    ]
    place = pl.col("op").replace_strict({op: n for n, op in enumerate(OPS)}, return_dtype=pl.Int8)
    order = [place, *key] if _has_sets(table) else [*key, place]
    return pl.concat(parts).sort(order, maintain_order=True)


def _given_anew(
    before: pl.DataFrame,
    after: pl.DataFrame,
    fresh: pl.DataFrame,
    replaced: pl.DataFrame,
    gone: pl.DataFrame,
    first: str,
) -> list[str]:
    """Sets that take fewer rows when removed whole and given anew than row by row."""
    rows = pl.concat([fresh.select(first), replaced.select(first), gone.select(first)])
    piecemeal = rows.group_by(first).len("piecemeal")
    whole = after.group_by(first).len("whole")
    cost = piecemeal.join(before.select(first).unique(), on=first, how="semi").join(
        whole, on=first, how="left"
    )
    better = cost.filter(pl.col("whole").fill_null(0) + 1 < pl.col("piecemeal"))
    return better[first].sort().to_list()


def amend(
    base: pl.DataFrame | None, changes: pl.DataFrame, table: TableFormat, where: str
) -> pl.DataFrame:
    """The table that amendments make of another, checked in full.

    Parameters
    ----------
    base : DataFrame or None
        The table amended; None for one that is not there yet.
    changes : DataFrame
        ``op`` and the table's columns.
    table : TableFormat
        Its columns and key.
    where : str
        The amendment file, for messages.

    Raises
    ------
    TableError
        T112 an amendment does not bite; T106-T109, T117, T128 a cell of the result is wrong.
    """
    header, key = table.header, list(table.key)
    if base is None:
        base = pl.DataFrame(schema=dict.fromkeys(header, pl.String))
    by_op = {op: changes.filter(pl.col("op") == op).select(header) for op in OPS}
    kept = base
    if _has_sets(table):
        first = key[0]
        whole = by_op["-"].filter(pl.col(key[1]) == EVERY)
        by_op["-"] = by_op["-"].filter(pl.col(key[1]) != EVERY)
        _must_be_empty(whole.join(base, on=first, how="anti"), [first], where, "-")
        kept = base.join(whole, on=first, how="anti", maintain_order="left")
    gone = pl.concat([by_op["-"], by_op["="]])
    _must_be_empty(gone.join(kept, on=key, how="anti", nulls_equal=True), key, where, "-/=")
    same = by_op["="].join(kept, on=header, how="semi", nulls_equal=True)
    _must_be_empty(same, key, where, "=")
    kept = kept.join(gone, on=key, how="anti", nulls_equal=True, maintain_order="left")
    fresh = pl.concat([by_op["="], by_op["+"]])
    _must_be_empty(fresh.join(kept, on=key, how="semi", nulls_equal=True), key, where, "+")
    result = pl.concat([kept, fresh]).sort(key, maintain_order=True)
    check_cells(result, table, where)
    return result


def _has_sets(table: TableFormat) -> bool:
    """Whether the table lists the codes of named sets, so that a whole set can be given anew."""
    return len(table.key) == 2 and table.key[1] == "code" and table.key[0] in ("set", "mdc")


def _must_be_empty(rows: pl.DataFrame, key: list[str], where: str, op: str) -> None:
    if rows.height:
        raise TableError("T112", where=where, op=op, key=", ".join(str(rows[0, k]) for k in key))
