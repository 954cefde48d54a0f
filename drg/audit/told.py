"""Evidence from frames: one wording filled in for each row of a frame, a few for each claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.audit.kind import field_name
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Rows = NDArray[np.integer[Any]]
    Evidence = Callable[[Rows, str], Sequence[str]]

__all__ = ["lacking", "number_text", "sentence", "worded", "yuan_text"]

#: Places of one claim that are told in full; the rest is counted.
_TOLD = 5


def worded(key: str, frame: pl.DataFrame) -> Evidence:
    """A wording of the catalogue, filled in with the rows of a frame.

    Parameters
    ----------
    key : str
        ``area.entry``; its ``{names}`` are columns of the frame.
    frame : DataFrame
        ``row``, the place of the claim, and what the wording names; a claim may have several
        rows, the first ones are told.
    """

    def told(rows: Rows, lang: str) -> Sequence[str]:
        wanted = pl.DataFrame({"row": np.asarray(rows, np.int64)})
        chosen = frame.with_columns(pl.col("row").cast(pl.Int64))
        chosen = chosen.join(wanted.unique(), on="row", how="semi", maintain_order="left")
        parts: list[pl.Expr] = []
        for literal, name, _, _ in Formatter().parse(text(key, lang)):
            parts.append(pl.lit(literal))
            if name:
                parts.append(pl.col(name).cast(pl.String).fill_null("?"))
        each = chosen.select("row", told=pl.concat_str(parts))
        gap, more = text("audit.and", lang), text("audit_findings.more", lang)
        joined = each.group_by("row", maintain_order=True).agg(
            pl.col("told").head(_TOLD).str.join(gap), count=pl.len()
        )
        rest = pl.lit(more.partition("{")[0]) + (pl.col("count") - _TOLD).cast(pl.String)
        rest = rest + pl.lit(more.partition("}")[2])
        full = pl.when(pl.col("count") > _TOLD).then(pl.col("told") + rest).otherwise("told")
        found = wanted.join(
            joined.select("row", told=full), on="row", how="left", maintain_order="left"
        )
        return found["told"].fill_null("").to_list()

    return told


def lacking(missing: Mapping[str, Flags]) -> Evidence:
    """Names of the fields that are not given, of each claim.

    Parameters
    ----------
    missing : mapping of str to bool array
        Field, or key ``area.entry`` of the catalogue, to where it is missing.
    """

    def told(rows: Rows, lang: str) -> Sequence[str]:
        names = {
            field: text(field, lang) if "." in field else field_name(field, lang)
            for field in missing
        }
        columns = [
            pl.when(pl.lit(pl.Series(flags[rows]))).then(pl.lit(names[field]))
            for field, flags in missing.items()
        ]
        comma = text("audit.comma", lang)
        gone = pl.select(pl.concat_str(columns, separator=comma, ignore_nulls=True)).to_series()
        return [text("audit.missing", lang, names=name) for name in gone.to_list()]

    return told


def sentence(key: str) -> Evidence:
    """The same words for every claim."""

    def told(rows: Rows, lang: str) -> Sequence[str]:
        return [text(key, lang)] * len(rows)

    return told


def yuan_text(fen: str) -> pl.Expr:
    """A column of fen as yuan with two decimals; null stays null."""
    size = pl.col(fen).abs()
    sign = pl.when(pl.col(fen) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, rest = (size // 100).cast(pl.String), (size % 100).cast(pl.String).str.zfill(2)
    return sign + whole + pl.lit(".") + rest


def number_text(scaled: str) -> pl.Expr:
    """A column scaled 10⁴ as a number without idle zeros; null stays null."""
    size = pl.col(scaled).abs()
    sign = pl.when(pl.col(scaled) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    rest = pl.lit(".") + (size % 10_000).cast(pl.String).str.zfill(4)
    return (
        sign
        + (size // 10_000).cast(pl.String)
        + rest.str.strip_chars_end("0").str.strip_suffix(".")
    )
