"""Claim frame -> what the kernel takes: code columns where they lie, scalars as int32.

No string is copied to Python. A null scalar is FIELD_NULL; one that is there but cannot be read
(``age`` "abc", a fraction, a number past int32) is FIELD_INVALID, which is not the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

import grouper_core
from drg.claims.few import FEW, whole_cells
from drg.claims.frame import BLANKS
from drg.claims.profiles import ClaimColumns
from drg.forked import refuse_after_fork
from drg.grouping.fields import COLUMN_OF_FIELD, SEX_VALUES, TOP, WHOLE_NUMBER
from drg.schemes.compiled import Compiled
from drg.schemes.rules import CHOICE_FIELDS
from grouper_core import FIELD_INVALID, FIELD_NULL

#: Stands for a value that has no text; no rule names it and no number is written so.
UNREADABLE = "\ufffd"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A frame ready for the kernel.

    Attributes
    ----------
    batches : list of ClaimBatch
        Chunks in row order.
    scalars : list of (int32 array of shape (rows,) or None)
        By the program's field number; None where the frame lacks the column.
    rows : int
    """

    batches: list[grouper_core.ClaimBatch]
    scalars: list[NDArray[np.int32] | None]
    rows: int


def encode(frame: pl.DataFrame, columns: ClaimColumns, compiled: Compiled) -> Encoded:
    """Encode a frame of claims for a compiled scheme.

    Parameters
    ----------
    frame : DataFrame
        One claim a row.
    columns : ClaimColumns
        Which columns feed which field.
    compiled : Compiled
        Names the scalar fields that its rules read.
    """
    batches = code_batches(frame, columns, compiled.twins)
    scalars = [_scalar(frame, columns, name, compiled) for name in compiled.fields]
    return Encoded(batches, scalars, frame.height)


def code_batches(
    frame: pl.DataFrame, columns: ClaimColumns, twins: Mapping[str, Mapping[str, str]]
) -> list[grouper_core.ClaimBatch]:
    """The code columns of a frame as the kernel reads them: chunks in row order.

    Parameters
    ----------
    frame : DataFrame
        One claim a row.
    columns : ClaimColumns
        Which columns feed which field.
    twins : mapping of {"dx", "px"} to mapping of str to str
        Codes to replace (``Compiled.twins``).
    """
    refuse_after_fork()
    separator = columns.separator
    replace = len(separator.encode()) > 1
    dx_split = separator if columns.diagnoses_joined else ""
    px_split = separator if columns.procedures_joined else ""
    dx = [code_column(frame, c, dx_split, twins.get("dx")) for c in columns.diagnoses]
    px = [code_column(frame, c, px_split, twins.get("px")) for c in columns.procedures]
    named = [s.alias(str(n)) for n, s in enumerate([*dx, *px])]
    return grouper_core.read_stream(
        pl.DataFrame(named),
        tuple(str(n) for n in range(len(dx))),
        tuple(str(n) for n in range(len(dx), len(named))),
        dx_joined=columns.diagnoses_joined,
        px_joined=columns.procedures_joined,
        separator="|" if replace else separator,
    )


def code_column(
    frame: pl.DataFrame, column: str, separator: str, twins: Mapping[str, str] | None = None
) -> pl.Series:
    """A column of codes as the kernel reads it: text or lists of text.

    Parameters
    ----------
    frame : DataFrame
    column : str
    separator : str
        Between codes joined in one cell, ``""`` where none can stand; one that is not a single
        byte becomes ``|``.
    twins : mapping of str to str, optional
        Codes to replace (``Compiled.twins``).
    """
    series = frame[column]
    if isinstance(series.dtype, pl.List | pl.Array):
        listed = series if series.dtype == pl.List(pl.String) else series.cast(pl.List(pl.String))
        return _untwinned(listed, twins) if twins else listed
    series = _text(series)
    if len(separator.encode()) > 1:
        series = series.str.replace_all(separator, "|", literal=True)
        separator = "|"
    if not twins:
        return series
    if not separator:
        return series.replace(twins)
    return _untwinned(series.str.split(separator), twins).list.join(separator)


def _untwinned(listed: pl.Series, twins: Mapping[str, str]) -> pl.Series:
    """Lists of clinical codes with one spelling for all that stand for one insurance code."""
    return pl.select(pl.lit(listed).list.eval(pl.element().replace(twins))).to_series()


def _scalar(
    frame: pl.DataFrame, columns: ClaimColumns, field: str, compiled: Compiled
) -> NDArray[np.int32] | None:
    source = columns.scalars.get(COLUMN_OF_FIELD.get(field, field))
    if source is None:
        return None
    series = frame[source]
    if field == "sex":
        values = _sexes(series)
    elif field in CHOICE_FIELDS:
        values = choices(series, compiled.choices.get(field, ()))
    else:
        values = numbers(series)
    return values.to_numpy()


def numbers(series: pl.Series) -> pl.Series:
    """Int32: FIELD_NULL where there is no number, FIELD_INVALID where it is no int32."""
    dtype = series.dtype
    if len(series) <= FEW and dtype in (pl.String, pl.Int64):
        read = whole_cells(series.to_list())
        if read is not None:
            values, given = read
            inside = np.where((values > FIELD_INVALID) & (values <= TOP), values, FIELD_INVALID)
            return pl.Series(np.where(given, inside, FIELD_NULL).astype(np.int32))
    if dtype in (pl.Int8, pl.Int16, pl.UInt8, pl.UInt16):
        return series.cast(pl.Int32).fill_null(FIELD_NULL)
    if not (dtype.is_integer() or dtype.is_float()):
        return _within(_read_numbers(_text(series)))
    whole = series.set(series != series.floor(), None) if dtype.is_float() else series
    if dtype != pl.Int64:
        whole = whole.cast(pl.Int64, strict=False)
    unread = (whole.is_null() & series.is_not_null()).arg_true()
    return _within(whole.scatter(unread, FIELD_INVALID) if len(unread) else whole)


def _text(series: pl.Series) -> pl.Series:
    """A column as text, its nulls kept; what cannot be text becomes text that nothing reads.

    A float column writes 5 as "5.0": whole numbers lose the fraction they do not have.
    """
    if series.dtype == pl.String:
        return series
    if series.dtype == pl.Binary:  # cast, one cell that is no text would spoil all the others
        cells = [None if cell is None else cell.decode(errors="replace") for cell in series]
        return pl.Series(series.name, cells, dtype=pl.String)
    try:
        text = series.cast(pl.String, strict=False)
    except pl.exceptions.PolarsError:
        text = pl.Series(series.name, [None] * len(series), dtype=pl.String)
    lost = (text.is_null() & series.is_not_null()).arg_true()
    text = text.scatter(lost, UNREADABLE) if len(lost) else text
    return text.str.strip_suffix(".0") if series.dtype.is_float() else text


def _read_numbers(text: pl.Series) -> pl.Series:
    """Integers as Int64; what is there but no whole number becomes FIELD_INVALID."""
    values = text.str.to_integer(dtype=pl.Int64, strict=False)
    if values.null_count() == text.null_count():
        return values
    rest = (values.is_null() & text.is_not_null()).arg_true()
    clean = text.gather(rest).str.strip_chars(BLANKS)
    # "67.0" is how spreadsheets write 67.
    whole = clean.str.replace(WHOLE_NUMBER, "$1").str.to_integer(dtype=pl.Int64, strict=False)
    whole = whole.fill_null(FIELD_INVALID).set(clean == "", None)
    return values.scatter(rest, whole)


def _within(values: pl.Series) -> pl.Series:
    """Int32 with the two marks: null, and not an int32."""
    v = pl.lit(values)
    read = (
        pl.when(v.is_between(FIELD_INVALID + 1, TOP) | v.is_null()).then(v).otherwise(FIELD_INVALID)
    )
    return pl.select(read.fill_null(FIELD_NULL).cast(pl.Int32)).to_series()


def _sexes(series: pl.Series) -> pl.Series:
    series = _text(series)
    values = pl.Series(np.empty(0, np.int32))
    for male, female in (("M", "F"), ("1", "2"), ("男", "女")):
        coded = pl.when(pl.lit(series) == male).then(1).when(pl.lit(series) == female).then(2)
        values = pl.select(coded.cast(pl.Int32)).to_series()
        # One file spells one way; what is left over takes the slow road below.
        if values.null_count() < len(values):
            break
    if values.null_count() == 0:
        return values
    rest = values.is_null().arg_true()
    clean = series.gather(rest).str.strip_chars(BLANKS).str.to_lowercase()
    spelled = clean.replace_strict(SEX_VALUES, default=FIELD_INVALID, return_dtype=pl.Int32)
    return values.scatter(rest, spelled.set(clean.is_null() | (clean == ""), FIELD_NULL))


def choices(series: pl.Series, values: Sequence[str]) -> pl.Series:
    """Int32: ``i + 1`` for value ``i``, 0 for other text, FIELD_NULL where there is none."""
    text = _text(series).str.strip_chars(BLANKS).str.replace(WHOLE_NUMBER, "$1")
    coded = text.replace_strict(
        list(values), list(range(1, len(values) + 1)), default=0, return_dtype=pl.Int32
    )
    return coded.set(text.is_null() | (text == ""), FIELD_NULL)
