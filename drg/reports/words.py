"""Codes of priced claims and of the ledger in words, one language at a time.

A code that the catalogue does not know (a policy's own) is shown as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.money import yuan
from drg.text import catalogue, language, text

if TYPE_CHECKING:
    import polars as pl

__all__ = ["count", "insurance_word", "money", "say", "word", "worded"]


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """Wording of the catalogue's file ``settlement``."""
    return text(f"settlement.{key}", lang, **params)


def word(kind: str, code: str | None, lang: str | None = None) -> str:
    """A code of a kind (``mode class branch account kind status``) in words; ``""`` for None."""
    if code is None:
        return ""
    entry = catalogue("settlement").get(f"{kind}_{code}")
    return code if entry is None else str(entry[lang or language()])


def insurance_word(code: str | None, lang: str | None = None) -> str:
    """An insurance by its code: ``310`` employees, ``390`` residents, any other by its code."""
    if code is None:
        return say("insurance_none", lang)
    if f"insurance_{code}" in catalogue("settlement") and code.isdigit():
        return say(f"insurance_{code}", lang)
    return say("insurance_other", lang, code=code)


def worded(series: pl.Series, kind: str, lang: str | None = None) -> pl.Series:
    """A column of codes as words, each distinct code looked up once."""
    import polars as pl

    codes = series.cast(pl.String)
    known = codes.unique().drop_nulls().to_list()
    if kind == "insurance":
        words = {code: insurance_word(code, lang) for code in known}
    else:
        words = {code: word(kind, code, lang) for code in known}
    return codes.replace(words) if words else codes


def money(fen: int) -> str:
    """Yuan with two decimals and marks of thousands: ``1,234.50``."""
    return yuan(fen, marks=True)


def count(number: int) -> str:
    """A count with marks of thousands."""
    return f"{number:,}"
