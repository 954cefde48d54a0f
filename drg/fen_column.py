"""A column of yuan as fen, exactly; ``drg.money`` passes it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BLANKS", "FenColumn", "read_fen", "yuan_texts"]

#: Blanks around a cell, as ``drg.claims.frame.BLANKS`` has them.
BLANKS = " \t\r\n\u00a0\u3000"
#: Yuan with up to 13 digits: beyond that a sum over claims could leave int64.
_CELL = r"^[+-]?(?:[0-9]{1,13}(?:\.[0-9]*)?|\.[0-9]+)$"
#: Bytes of thirteen digits, a point and two digits.
_PLAIN_BYTES = 16


class FenColumn(NamedTuple):
    """A column of yuan, read.

    Attributes
    ----------
    fen : Series of Int64
        Null where there is no value or it cannot be read.
    unreadable : Series of Boolean
        There is a value and it is no amount.
    rounded : Series of Boolean
        It had parts of a fen, rounded half up.
    """

    fen: pl.Series
    unreadable: pl.Series
    rounded: pl.Series


def read_fen(series: pl.Series) -> FenColumn:
    """Read a column of yuan as fen, exactly.

    Parameters
    ----------
    series : Series
        Text (blanks around it do not matter; an empty cell is null; no thousands marks, no
        exponent, at most 13 digits before the point), integers, Decimal, or floats, which are
        read to six decimals.
    """
    import polars as pl

    if series.dtype == pl.String:
        text = series.str.strip_chars(BLANKS)
    elif series.dtype.is_float():
        # Six decimals show what was meant: 0.30000000000000004 is 0.3.
        text = series.fill_nan(None).cast(pl.Decimal(38, 6), strict=False).cast(pl.String)
        text = text.set(text.is_null() & series.is_not_null(), "?")
    elif series.dtype.is_numeric():
        text = series.cast(pl.String)
    else:
        text = pl.Series([None if v is None else "?" for v in series], dtype=pl.String)
    fen = _plain_fen(text)
    rest = (fen.is_null() & text.is_not_null()).arg_true()
    unreadable = pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    rounded = unreadable.clone()
    if len(rest):
        found = _read_cells(text.gather(rest))
        fen = fen.scatter(rest, found.fen)
        unreadable = unreadable.scatter(rest, found.unreadable)
        rounded = rounded.scatter(rest, found.rounded)
    return FenColumn(fen.alias("fen"), unreadable.alias("unreadable"), rounded.alias("rounded"))


def _plain_fen(text: pl.Series) -> pl.Series:
    """Fen of cells that are digits, a point and two digits, as nearly all are; null for others."""
    import polars as pl

    cell = pl.lit(text)
    plain = (
        cell.str.head(1).is_between(pl.lit("0"), pl.lit("9"))
        & (cell.str.slice(-3, 1) == ".")
        & (cell.str.len_bytes() <= _PLAIN_BYTES)
    )
    digits = cell.str.head(-3) + cell.str.tail(2)
    return pl.select(pl.when(plain).then(digits.cast(pl.Int64, strict=False))).to_series()


def _read_cells(text: pl.Series) -> FenColumn:
    """Cells of any form, one by one."""
    import polars as pl

    cell = pl.lit(text)
    whole = cell.str.extract(r"^[+-]?([0-9]+)").fill_null("0").cast(pl.Int64, strict=False)
    decimals = cell.str.extract(r"\.([0-9]*)$").fill_null("").str.pad_end(3, "0")
    size = (
        whole * 100
        + decimals.str.head(2).cast(pl.Int64, strict=False)
        + (decimals.str.slice(2, 1) >= "5").cast(pl.Int64)
    )
    read = cell.str.contains(_CELL)
    given = cell.is_not_null() & (cell != "")
    found = pl.select(
        pl.when(read)
        .then(pl.when(cell.str.starts_with("-")).then(-size).otherwise(size))
        .alias("fen"),
        (given & ~read).fill_null(False).alias("unreadable"),
        (read & decimals.str.slice(2).str.contains("[1-9]")).fill_null(False).alias("rounded"),
    )
    return FenColumn(found["fen"], found["unreadable"], found["rounded"])


def yuan_texts(fen: pl.Series) -> pl.Series:
    """Fen as yuan with two decimals, as text; null stays null."""
    import polars as pl

    size = pl.lit(fen).abs()
    sign = pl.when(pl.lit(fen) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, cents = (size // 100).cast(pl.String), (size % 100).cast(pl.String).str.zfill(2)
    return pl.select((sign + whole + pl.lit(".") + cents).alias(fen.name)).to_series()
