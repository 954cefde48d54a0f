"""Folders laid over one another: a base, the region that extends it, a compatibility overlay.

A folder names the tables it changes. A table marked ``amends`` in its TOML holds amendments
(``drg.schemes.amend``), any other is given whole. What changes nothing is an error.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from drg.errors import TableError
from drg.schemes.amend import amend, amendment_format
from drg.schemes.folder import Folder
from drg.schemes.tables import SCHEME_TABLES, read_table


def read_tables(folder: Folder) -> dict[str, pl.DataFrame]:
    """Every table of a folder that stands alone.

    Raises
    ------
    TableError
        T114 a table this format does not know, T129 an amendment with nothing to amend, and
        everything ``read_table`` raises.
    """
    _refuse_unknown(folder)
    for name, entry in folder.entries.items():
        if entry.amends:
            raise TableError("T129", where=folder.where, table=name)
    return {
        name: read_table(folder, table)
        for name, table in SCHEME_TABLES.items()
        if name in folder.entries or not table.optional
    }


def lay_over(tables: Mapping[str, pl.DataFrame], folder: Folder) -> dict[str, pl.DataFrame]:
    """Tables with those of another folder laid over them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The resolved tables below; not changed.
    folder : Folder
        The region's or overlay's header; its tables are read here.

    Raises
    ------
    TableError
        T112 an amendment that does not bite, T113 an amendment id the TOML does not explain,
        T114 a table this format does not know, T130 a whole table equal to the one below, and
        everything ``read_table`` raises.
    """
    _refuse_unknown(folder)
    known = [str(a.get("id", "")) for a in folder.header.get("amendments", [])]
    result = dict(tables)
    for name, entry in folder.entries.items():
        table = SCHEME_TABLES[name]
        where = str(folder.path / table.file)
        below = result.get(name)
        if entry.amends:
            changes = read_table(folder, amendment_format(table))
            unexplained = changes.filter(~pl.col("amendment").is_in(known))
            if unexplained.height:
                raise TableError("T113", where=where, amendment=unexplained[0, "amendment"])
            result[name] = amend(below, changes, table, where)
        else:
            result[name] = read_table(folder, table)
            if below is not None and result[name].equals(below):
                raise TableError("T130", where=where)
    return result


def _refuse_unknown(folder: Folder) -> None:
    for name in folder.entries:
        if name not in SCHEME_TABLES:
            raise TableError("T114", where=folder.where, table=name)
