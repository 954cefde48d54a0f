"""Evidence of findings: cells as the file has them, and the names of what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.audit.kind import AuditClaims, field_name
from drg.claims.few import FEW
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Rows = NDArray[np.integer[Any]]
    Evidence = Callable[[Rows, str], Sequence[str]]

__all__ = ["Evidence", "Rows", "cells", "codes", "either", "joined"]


def cells(claims: AuditClaims, fields: Sequence[str]) -> Evidence:
    """``name=value`` of some fields; those that hold nothing are named as missing at the end."""

    def told(rows: Rows, lang: str) -> Sequence[str]:
        if len(rows) <= FEW:
            return _few_cells(claims, fields, rows, lang)
        given, missing = [], []
        for field in dict.fromkeys(fields):
            name = field_name(field, lang)
            series = claims.cells(field, rows)
            blank = series.is_null()
            given.append(_if(~blank, pl.lit(f"{name}=") + series))
            missing.append(_if(blank, pl.lit(name, dtype=pl.String)))
        separator, comma = text("audit.and", lang), text("audit.comma", lang)
        frame = pl.select(
            given=pl.concat_str(given, separator=separator, ignore_nulls=True),
            gone=pl.concat_str(missing, separator=comma, ignore_nulls=True),
        )
        gone = pl.col("gone")
        gap = pl.when(gone != "").then(pl.lit(text("audit.missing", lang, names="")) + gone)
        present = pl.when(pl.col("given") != "").then("given")
        both = pl.concat_str([present, gap], separator=separator, ignore_nulls=True)
        return frame.select(both).to_series().to_list()

    return told


def _few_cells(claims: AuditClaims, fields: Sequence[str], rows: Rows, lang: str) -> Sequence[str]:
    """The same for so few claims that expressions would cost more than they save."""
    named = {field_name(f, lang): claims.cells(f, rows).to_list() for f in dict.fromkeys(fields)}
    separator, comma = text("audit.and", lang), text("audit.comma", lang)
    texts = []
    for n in range(len(rows)):
        parts = [f"{name}={values[n]}" for name, values in named.items() if values[n] is not None]
        missing = comma.join(name for name, values in named.items() if values[n] is None)
        if missing:
            parts.append(text("audit.missing", lang, names=missing))
        texts.append(separator.join(parts))
    return texts


def codes(claims: AuditClaims, field: str, marked: Flags) -> Evidence:
    """The marked codes of each claim, as the file has them, each once."""

    def told(rows: Rows, lang: str) -> Sequence[str]:
        comma = text("audit.comma", lang)
        return claims.joined(field, rows, marked, comma).fill_null("").to_list()

    return told


def either(hit: Flags, shows: Evidence, missing: Evidence) -> Evidence:
    """Evidence of hits, or of what is missing: a list of findings asks for one or the other."""

    def told(rows: Rows, lang: str) -> Sequence[str]:
        at = np.asarray(hit[rows])
        if at.all():
            return shows(rows, lang)
        if not at.any():
            return missing(rows, lang)
        texts = np.empty(len(rows), object)
        texts[at] = list(shows(rows[at], lang))
        texts[~at] = list(missing(rows[~at], lang))
        return list(texts)

    return told


def joined(*parts: Evidence) -> Evidence:
    """Several kinds of evidence, one after the other; empty ones are left out."""

    def told(rows: Rows, lang: str) -> Sequence[str]:
        texts = [part(rows, lang) for part in parts]
        separator = text("audit.and", lang)
        return [separator.join(t for t in row if t) for row in zip(*texts, strict=True)]

    return told


def _if(flags: pl.Series, value: pl.Expr) -> pl.Expr:
    return pl.when(pl.lit(flags)).then(value).otherwise(pl.lit(None, dtype=pl.String))
