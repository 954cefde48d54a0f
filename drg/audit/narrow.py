"""The narrow, typed columns of a batch that rules over a whole run are judged from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from drg.audit.kind import FIELDS, AuditClaims
from drg.claims.typed import read_yuan

__all__ = ["narrow"]


def narrow(claims: AuditClaims, needs: Sequence[str], before: int = 0) -> pl.DataFrame:
    """The columns asked for, typed, with ``row``, ``claim_id`` and ``hospital_id``.

    Parameters
    ----------
    claims : AuditClaims
    needs : sequence of str
        Fields of a claim, ``principal_dx``, ``procedure_count``, or columns that grouping and
        payment added.
    before : int, optional
        Claims of the run before this batch.

    Returns
    -------
    DataFrame
        As ``Whole.frame`` says.
    """
    hospitals = claims.column("hospital_id")
    columns = {
        "row": pl.Series(np.arange(before, before + claims.rows)),
        "claim_id": claims.ids,
        "hospital_id": _text(hospitals, claims.rows),
    }
    for name in needs:
        if name not in columns:
            columns[name] = _column(claims, name)
    return pl.DataFrame({name: series.alias(name) for name, series in columns.items()})


def _column(claims: AuditClaims, name: str) -> pl.Series:
    if name == "principal_dx":
        return _principal(claims)
    if name == "procedure_count":
        return _procedures(claims)
    if name not in FIELDS:
        # A column that feeds a field, such as a weight in grams, is no result.
        own = name in claims.columns.sources()
        result: pl.Series | None = None if own else claims.frame.get_column(name, default=None)
        if result is None or not isinstance(result.dtype, pl.Enum | pl.Categorical):
            return pl.Series([None] * claims.rows, dtype=pl.Null) if result is None else result
        return result.cast(pl.String)
    kind = FIELDS[name].kind
    if kind == "codes":
        return _codes(claims, name)
    series = claims.column(name)
    if kind == "money":
        if series is None:
            return pl.Series([None] * claims.rows, dtype=pl.Int64)
        return read_yuan(series).cast(pl.Int64)
    if kind == "int":
        read = claims.numbers(name)
        return _null_where(pl.Series(read.fen), ~read.given)
    if kind == "date":
        days, there = claims.days(name)
        return _null_where(pl.Series(days), ~there).cast(pl.Date)
    return _text(series, claims.rows)


def _text(series: pl.Series | None, rows: int) -> pl.Series:
    if series is None:
        return pl.Series([None] * rows, dtype=pl.String)
    texts = series.cast(pl.String).str.strip_chars()
    return texts if not (texts == "").any() else texts.set(texts == "", None)


def _null_where(series: pl.Series, flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pl.Series:
    return series if not flags.any() else series.set(pl.Series(flags), None)


def _principal(claims: AuditClaims) -> pl.Series:
    codes = claims.codes("diagnoses")
    first = codes.place == 0
    number = np.full(claims.rows, len(codes.code.names), np.int64)
    number[codes.row[first]] = codes.code.codes[first]
    return pl.Series([*codes.code.names, None], dtype=pl.String).gather(number)


def _procedures(claims: AuditClaims) -> pl.Series:
    """Procedures of each claim; null: the file has no column of them."""
    if not claims.has("procedures"):
        return pl.Series([None] * claims.rows, dtype=pl.Int64)
    return pl.Series(np.bincount(claims.codes("procedures").row, minlength=claims.rows))


def _codes(claims: AuditClaims, field: str) -> pl.Series:
    codes = claims.codes(field)
    names = pl.Series([*codes.code.names, None], dtype=pl.String)
    frame = pl.DataFrame({"row": codes.row, "code": names.gather(codes.code.codes)})
    lists = frame.group_by("row", maintain_order=True).agg("code")
    rows = pl.DataFrame({"row": np.arange(claims.rows)})
    found = rows.join(lists, on="row", how="left", maintain_order="left")["code"]
    return found.fill_null(pl.Series([[]], dtype=pl.List(pl.String)))
