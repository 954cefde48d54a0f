"""One whole case: a claim with what payment and audit read beside what grouping reads.

A ``Claim`` holds the fields of grouping; a ``Case`` every canonical column, so that one case alone
can be priced and checked as a file of them is. Importing this module does not import polars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from drg.claims.frame import COLUMNS, PRICING_COLUMNS, Column, polars_dtype
from drg.claims.list_columns import LIST_COLUMNS
from drg.claims.model import Claim, Day, Whole
from drg.claims.profiles import ClaimColumns
from drg.forked import refuse_after_fork

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CASE_COLUMNS", "Case", "case_columns", "case_frame"]

#: Every canonical column of a case, in order.
CASE_COLUMNS: tuple[Column, ...] = (*COLUMNS, *PRICING_COLUMNS, *LIST_COLUMNS)
_CODES = tuple(column.name for column in COLUMNS if column.kind == "codes")
#: Columns that a frame of cases has in any case.
_ALWAYS = ("claim_id", *_CODES)
#: Beyond this every grouper calls a number invalid.
_FAR = 2**31
_TYPES: dict[str, Any] = {
    "str": str | None,
    "int": Whole | None,
    "date": Day | None,
    "money": str | None,
}


def _field(column: Column) -> Any:
    unit = f" Unit or values: {column.unit}." if column.unit else ""
    words = f"{column.meaning}{unit} Null: {column.null}."
    return Field(None, title=column.title_zh, description=words)


if TYPE_CHECKING:

    class Case(Claim):
        """A ``Claim`` with every column of payment and of the settlement list besides."""
else:
    Case = create_model(
        "Case",
        __base__=Claim,
        __module__=__name__,
        __doc__="A ``Claim`` with every column of payment and of the settlement list besides.",
        **{
            column.name: (_TYPES[column.kind], _field(column))
            for column in (*PRICING_COLUMNS, *LIST_COLUMNS)
        },
    )


def case_frame(cases: Sequence[Claim]) -> pl.DataFrame:
    """A canonical frame of cases.

    Parameters
    ----------
    cases : sequence of Claim or Case

    Returns
    -------
    DataFrame
        One row a case, in order; the canonical columns that some case gives, and ``claim_id``,
        ``diagnoses`` and ``procedures`` in any case. Numbers are Int64, days Date, money text,
        codes lists of text.

    Examples
    --------
    >>> frame = case_frame([Case(claim_id="A1", diagnoses=["I63.905"], hospital_level="三级")])
    >>> frame.columns
    ['claim_id', 'diagnoses', 'procedures', 'hospital_level']
    """
    import polars as pl

    refuse_after_fork()
    columns = []
    for column in CASE_COLUMNS:
        values = [getattr(case, column.name, None) for case in cases]
        if column.kind == "int":
            values = [_bounded(value) for value in values]
        if column.name in _ALWAYS or any(value is not None for value in values):
            columns.append(pl.Series(column.name, values, polars_dtype(column.kind)))
    return pl.DataFrame(columns)


def _bounded(value: int | None) -> int | None:
    """A number that a column can hold; no field has a meaning so far out."""
    return None if value is None else min(max(value, -_FAR), _FAR)


def case_columns(frame: pl.DataFrame) -> ClaimColumns:
    """Which columns of a canonical frame feed which field: each its own."""
    return ClaimColumns(
        scalars={c.name: c.name for c in CASE_COLUMNS
                 if c.name in frame.columns and c.name not in _CODES},
        diagnoses=("diagnoses",),
        diagnoses_joined=True,
        procedures=("procedures",),
        procedures_joined=True,
        profile="",
    )  # fmt: skip
