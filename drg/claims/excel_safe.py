"""Cells that a spreadsheet would run as formulas, when it opens a CSV, made plain text.

A claim's id may be ``=HYPERLINK(…)``: whoever opens a list of findings must not run it. Such cells
get an apostrophe in front, and one more where they begin with apostrophes already, so that
``as_written`` brings every cell back. XLSX needs none of this: its cells have a type.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

__all__ = ["as_written", "excel_safe"]

#: What makes a cell a formula: a sign, also full-width as an input method writes it, behind blanks
#: that a spreadsheet leaves out; or such a blank alone.
_BEGINS = r"(?:[\t\r\n]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|[\t\r])"
_FORMULA, _MARKED = rf"^'*{_BEGINS}", rf"^'+{_BEGINS}"
#: A number with its sign is none.
_NUMBER = r"^[+-]?\d+(?:\.\d+)?$"
_TEXT = (pl.String, pl.Categorical, pl.Enum)


def excel_safe(schema: pl.Schema) -> list[pl.Expr]:
    """Expressions that make every text column of a frame safe to open in a spreadsheet.

    Parameters
    ----------
    schema : polars.Schema
        Of the frame; list columns are joined beforehand (``flat_columns``).

    Examples
    --------
    >>> frame = pl.DataFrame({"id": ["=1+1", "-5", "A1"]})
    >>> frame.select(excel_safe(frame.schema))["id"].to_list()
    ["'=1+1", '-5', 'A1']
    """
    return [_marked(name) for name, dtype in schema.items() if dtype in _TEXT]


def as_written(columns: Iterable[str]) -> list[pl.Expr]:
    """Expressions that bring back the cells of text columns as they were before ``excel_safe``."""
    return [
        pl.when(pl.col(name).str.contains(_MARKED))
        .then(pl.col(name).str.slice(1))
        .otherwise(pl.col(name))
        .alias(name)
        for name in columns
    ]


def _marked(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(formula).then(pl.lit("'") + text).otherwise(text).alias(name)
