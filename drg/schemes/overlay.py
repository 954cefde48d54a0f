"""Amendments: a folder of small tables laid over another's.

A row's ``op`` adds (``+``), removes (``-``) or replaces (``=``). An amendment that does not bite
(adding what is there, removing what is not, replacing with the same) is an error, so an overlay
always shows exactly what it changes.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from drg.errors import TableError
from drg.schemes.folder import Folder
from drg.schemes.tables import (
    SCHEME_TABLES,
    Column,
    TableFormat,
    check_cells,
    read_table,
)

_OPS = ("+", "-", "=")


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
    head = (Column("op", choices=_OPS), Column("amendment"))
    return TableFormat(table.name, head + cells, ("op", *table.key))


def apply_overlay(tables: Mapping[str, pl.DataFrame], overlay: Folder) -> dict[str, pl.DataFrame]:
    """Tables with an overlay's amendments applied.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The resolved tables below; not changed.
    overlay : Folder
        The overlay's header; its amendment files are read here.

    Raises
    ------
    TableError
        T112 an amendment that does not bite, T113 an amendment id the TOML does not explain,
        T114 a table this format does not know, and everything ``read_table`` raises.
    """
    known = {str(a.get("id", "")) for a in overlay.header.get("amendments", [])}
    result = dict(tables)
    for name in overlay.entries:
        table = SCHEME_TABLES.get(name)
        if table is None:
            raise TableError("T114", where=overlay.where, table=name)
        changes = read_table(overlay, amendment_format(table))
        where = str(overlay.path / table.file)
        unexplained = changes.filter(~pl.col("amendment").is_in(list(known)))
        if unexplained.height:
            raise TableError("T113", where=where, amendment=unexplained[0, "amendment"])
        result[name] = _amend(result.get(name), changes, table, where)
    return result


def _amend(
    base: pl.DataFrame | None, changes: pl.DataFrame, table: TableFormat, where: str
) -> pl.DataFrame:
    header, key = table.header, list(table.key)
    if base is None:
        base = pl.DataFrame(schema=dict.fromkeys(header, pl.String))
    by_op = {op: changes.filter(pl.col("op") == op).select(header) for op in _OPS}
    gone = pl.concat([by_op["-"], by_op["="]])
    _must_be_empty(gone.join(base, on=key, how="anti", nulls_equal=True), "T112", key, where, "-/=")
    _must_be_empty(
        by_op["="].join(base, on=header, how="semi", nulls_equal=True), "T112", key, where, "="
    )
    kept = base.join(gone, on=key, how="anti", nulls_equal=True, maintain_order="left")
    fresh = pl.concat([by_op["="], by_op["+"]])
    _must_be_empty(fresh.join(kept, on=key, how="semi", nulls_equal=True), "T112", key, where, "+")
    result = pl.concat([kept, fresh]).sort(key, maintain_order=True)
    check_cells(result, table, where)
    return result


def _must_be_empty(rows: pl.DataFrame, code: str, key: list[str], where: str, op: str) -> None:
    if rows.height:
        raise TableError(code, where=where, op=op, key=", ".join(str(rows[0, k]) for k in key))
