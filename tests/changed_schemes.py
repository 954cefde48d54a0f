"""Copies of the demo scheme with a few rows changed, for tests that compare schemes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

import drg
from drg.schemes.save import save_scheme
from drg.schemes.tables import SCHEME_TABLES

#: table -> what makes its rows of the demo's.
Changes = Mapping[str, Callable[[pl.DataFrame], pl.DataFrame | None]]


def demo_tables() -> dict[str, pl.DataFrame]:
    """The demo scheme's tables."""
    scheme = drg.load_scheme("demo")
    return {name: scheme.table(name) for name in SCHEME_TABLES}


def changed(
    folder: Path,
    changes: Changes | None = None,
    *,
    flags: Mapping[str, Any] | None = None,
    name: str = "changed",
) -> Path:
    """A folder with the demo scheme, tables and flags changed; a table made None is left out."""
    tables = demo_tables()
    for table, change in (changes or {}).items():
        made = change(tables[table])
        if made is None:
            del tables[table]
        else:
            tables[table] = made
    header = {
        "id": name,
        "kind": "chs-drg",
        "title_zh": "改过的演示方案",
        "title_en": "Demo scheme, changed",
        "flags": dict(flags or {}),
    }
    save_scheme(folder / name, header, tables)
    return folder / name


def add(**cells: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Adds one row; cells that are not given are empty."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        row = {column: cells.get(column, "") for column in table.columns}
        return pl.concat([table, pl.DataFrame([row], schema=table.schema)])

    return change


def drop(**cells: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Removes the rows that have these cells."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        kept = table.filter(~pl.all_horizontal(pl.col(c) == v for c, v in cells.items()))
        assert kept.height < table.height, cells
        return kept

    return change


def put(where: Mapping[str, str], **cells: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Gives the rows that ``where`` finds other cells."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        found = pl.all_horizontal(pl.col(c) == v for c, v in where.items())
        assert table.filter(found).height, where
        return table.with_columns(
            pl.when(found).then(pl.lit(v)).otherwise(c).alias(c) for c, v in cells.items()
        )

    return change


def all_of(
    *changes: Callable[[pl.DataFrame], pl.DataFrame],
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """One change after the other."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        for each in changes:
            table = each(table)
        return table

    return change
