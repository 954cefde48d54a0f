"""The same month again: which claims are new, which are settled already, which contradict that.

A claim is known by id and version. Its content is everything that could decide a payment; two
contents are compared by a hash made in this process, so that files of any size and form compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.claims.days import read_days
from drg.claims.frame import BLANKS, COLUMNS, PRICING_COLUMNS, SEPARATOR, rename_clashing
from drg.claims.profiles import ClaimColumns, match_columns
from drg.claims.typed import ClaimArrays, read_yuan
from drg.payment.pricing.dip_scores import read_scores
from drg.payment.pricing.price_columns import PRICE_NAMES, SCORE_NAMES, Mode
from drg.settlement.ledger import HEADS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.frame import Column
    from drg.payment.pricing.assessed import Assessed
    from drg.settlement.ledger import Ledger

__all__ = [
    "KINDS", "canonical", "claim_keys", "comes_to_the_same", "content", "joined_claims",
    "known_claims", "only_stays", "posted_before", "settled_parts", "sort_claims",
]  # fmt: skip

#: Rows of settled claims read at once.
_PART = 100_000

#: What a claim is to a month that has been settled: not there; there and alike; alike but unpaid or
#: decided on since, so it is tried again; there with other content; a version below the one there;
#: one above it.
KINDS = pl.Enum(["new", "same", "retry", "conflict", "older", "replaces"])
_FIELDS: tuple[Column, ...] = tuple(
    column for column in (*COLUMNS, *PRICING_COLUMNS) if column.kind != "codes"
)
_RESULTS = ("group", "outcome")
_CLASS = "group_class"
#: An odd number; a field's hash moves on by it, so that fields cannot stand for each other.
_MIX = np.uint64(0x9E3779B97F4A7C15)
_KNOWN = pl.Schema(
    {"ref": pl.String(), "version": pl.Int32(), "content": pl.UInt64(), "retry": pl.Boolean()}
)


def canonical(frame: pl.DataFrame, columns: ClaimColumns) -> pl.DataFrame:
    """A frame whose columns that feed a field have the field's name, codes joined by ``|``.

    A column that is in the way of a name is called ``<name>_input``.
    """
    # The name of the column of levels says how its numbers are meant (pricing/route.py): it stays.
    own = {
        source: field
        for field, source in columns.scalars.items()
        if field not in (source, "hospital_level")
    }
    marks = []
    for field, names, joined in (
        ("diagnoses", columns.diagnoses, columns.diagnoses_joined),
        ("procedures", columns.procedures, columns.procedures_joined),
    ):
        if joined and columns.separator != SEPARATOR:
            texts = [name for name in names if not isinstance(frame.schema[name], pl.List)]
            text = pl.col(texts).cast(pl.String)
            marks.append(text.str.replace_all(columns.separator, SEPARATOR, literal=True))
        if joined and len(names) == 1 and names[0] != field:
            own[names[0]] = field
    rest = (name for name in frame.columns if name not in own)
    renames = {**rename_clashing(rest, tuple(own.values())), **own}
    return frame.with_columns(marks).rename(renames)


def claim_keys(frame: pl.DataFrame, columns: ClaimColumns, rows: int | pl.Series) -> pl.DataFrame:
    """Under which ref and version each claim is settled.

    Parameters
    ----------
    rows : int or Series of Int64
        Row of the first claim of the frame, from 1; or of each.

    Returns
    -------
    DataFrame
        ``ref`` (the id; ``#12`` for row 12 without one), ``version`` (1 when none is reported, 0
        when it cannot be read), ``row``.
    """
    claims = ClaimArrays(frame, columns)
    if isinstance(rows, int):
        rows = pl.int_range(rows, rows + frame.height, dtype=pl.Int64, eager=True)
    row = rows.alias("row")
    ids = claims.ids
    if ids.null_count():
        ids = _either(ids, "#" + row.cast(pl.String))
    spelled = claims.column("version")
    if spelled is None:
        version = pl.repeat(1, frame.height, dtype=pl.Int32, eager=True)
    else:
        found = claims.numbers("version")
        number = pl.Series(found.fen).cast(pl.Int32, strict=False).fill_null(0)
        given = spelled.is_not_null() & (spelled.cast(pl.String).str.strip_chars(BLANKS) != "")
        version = number.set(~given, 1)
    return pl.DataFrame({"ref": ids, "version": version, "row": row})


def content(frame: pl.DataFrame, columns: ClaimColumns) -> pl.Series:
    """A hash of everything a claim says, the same for every way of writing it.

    Returns
    -------
    Series of UInt64
        Comparable within this process only.
    """
    mixed = np.zeros(frame.height, np.uint64)
    for field in _FIELDS:
        name = columns.scalars.get(field.name)
        mixed = mixed * _MIX
        if name is not None:
            mixed ^= _hashed(_plain(frame[name], field.kind))
    for name in _RESULTS:
        mixed = mixed * _MIX
        if name in frame.columns:
            mixed ^= _hashed(_text(frame[name]))
    if _CLASS in frame.columns:
        # Grouped by a DIP catalogue: the score decides as well as the group.
        mixed = mixed * _MIX ^ pl.Series(read_scores(frame)).hash(seed=0).to_numpy()
        mixed = mixed * _MIX ^ _hashed(_text(frame[_CLASS]))
    for names, joined in (
        (columns.diagnoses, columns.diagnoses_joined),
        (columns.procedures, columns.procedures_joined),
    ):
        mixed = mixed * _MIX
        cells = [_codes(frame[name], joined, columns.separator) for name in names]
        if cells:
            whole = pl.select(pl.concat_str(cells, separator="|").str.strip_chars_end("|"))
            mixed ^= _hashed(whole.to_series())
    return pl.Series("content", mixed)


def known_claims(parts: Iterable[tuple[pl.DataFrame, ClaimColumns]]) -> pl.DataFrame:
    """Claims that are settled, read part by part from the frames of their settlement.

    Returns
    -------
    DataFrame
        ``ref``, ``version``, ``content``, and ``retry``: not paid for a reason that another
        register, decision or rate may mend.
    """
    found = []
    for frame, columns in parts:
        retry = pl.col("pay_mode").cast(pl.String) == "UNPAID"
        found.append(
            frame.select(
                "ref", pl.col("settled_version").alias("version"), retry.alias("retry")
            ).with_columns(content(frame, columns))
        )
    return pl.concat(found).select(_KNOWN.names()) if found else pl.DataFrame(schema=_KNOWN)


def sort_claims(keys: pl.DataFrame, contents: pl.Series, known: pl.DataFrame) -> pl.Series:
    """What each claim is to the claims that are settled: a column of ``KINDS``."""
    version, before = pl.col("version"), pl.col("version_known")
    kind = (
        pl.when(version < before)
        .then(pl.lit("older"))
        .when(version > before)
        .then(pl.lit("replaces"))
        .when(pl.col("content") != pl.col("content_known"))
        .then(pl.lit("conflict"))
        .when("retry")
        .then(pl.lit("retry"))
        .otherwise(pl.lit("same"))
    )
    # An inner join hashes the part, a left one would hash all known claims for every part.
    found = (
        keys.with_columns(contents.alias("content"))
        .with_row_index("at")
        .join(known, on="ref", how="inner", suffix="_known")
        .select("at", kind.cast(KINDS).alias("kind"))
    )
    kinds = pl.repeat("new", keys.height, dtype=KINDS, eager=True).alias("kind")
    return kinds.scatter(found["at"], found["kind"])


def _hashed(texts: pl.Series) -> NDArray[np.uint64]:
    """Hash of each text; 0 for an empty one, as for a field that is not there."""
    return texts.hash(seed=0).set(texts == "", 0).to_numpy()


def _plain(series: pl.Series, kind: str) -> pl.Series:
    """A column as text that does not depend on how a file writes it."""
    if isinstance(series.dtype, pl.Enum | pl.Categorical):
        series = series.cast(pl.String)
    if kind == "money":
        amounts = read_yuan(series)
        text = amounts.cast(pl.String)
    elif kind == "date":
        text = read_days(series).cast(pl.String)
    else:
        text = series.cast(pl.String).str.strip_chars(BLANKS).str.strip_suffix(".0")
    if text.null_count() > series.null_count():  # what cannot be read is compared as it is written
        text = _either(text, series.cast(pl.String).str.strip_chars(BLANKS))
    return text.fill_null("")


def _either(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(pl.lit(first), pl.lit(second))).to_series()


def _text(series: pl.Series) -> pl.Series:
    return series.cast(pl.String).fill_null("")


def _codes(series: pl.Series, joined: bool, separator: str) -> pl.Expr:
    if isinstance(series.dtype, pl.List):
        return pl.lit(series.cast(pl.List(pl.String)).list.join("|").fill_null(""))
    text = series.cast(pl.String).fill_null("")
    return pl.lit(text.str.replace_all(separator, "|", literal=True) if joined else text)


def settled_parts(
    claims: pl.DataFrame | pl.LazyFrame,
) -> Iterator[tuple[pl.DataFrame, ClaimColumns]]:
    """Settled claims part by part, with the columns that feed them."""
    lazy = claims.lazy()
    schema = lazy.collect_schema()
    # What settling added is no input, least of all a price.
    own = (*PRICE_NAMES, *SCORE_NAMES)
    found = match_columns([name for name in schema if name not in own], schema)
    columns = replace(found, separator=SEPARATOR)
    rows = lazy.select(pl.len()).collect().item()
    for start in range(0, rows, _PART):
        yield lazy.slice(start, _PART).collect(), columns


def posted_before(ledger: Ledger, refs: pl.Series) -> pl.DataFrame:
    """Of some claims in force what they came to: ``ref``, ``version``, and where they stand."""
    live = (
        ledger.live()
        .lazy()
        .filter(pl.col("subject") == "claim", pl.col("ref").is_in(refs.implode()))
    )
    keys = ["ref", "version"]
    heads = live.filter(pl.col("account").is_in(HEADS)).select(
        *keys, head=pl.col("account").cast(pl.String), fen="fen", rule="rule"
    )
    patient = live.filter(pl.col("account") == "patient").select(*keys, patient="fen")
    return heads.join(patient, on=keys, how="left").collect()


def comes_to_the_same(posted: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    """Claims tried again that come to what the ledger says of them already.

    A payment that stands is not taken back because a claim cannot be paid this time, as where the
    register of hospitals was not given again.

    Parameters
    ----------
    posted : DataFrame
        ``drg.settlement.posting.POSTING_SCHEMA``.
    before : DataFrame
        ``posted_before``.
    """
    found = posted.join(
        before, on=["ref", "version"], how="left", suffix="_before", maintain_order="left"
    )
    head, paid = pl.col("head").cast(pl.String), pl.col("head") == "fund"
    amount = pl.when(paid).then("fund_fen").otherwise("cost_fen")
    same = (head == pl.col("head_before")) & (pl.col("rule") == pl.col("rule_before"))
    same &= (amount == pl.col("fen")) & (~paid | (pl.col("patient_fen") == pl.col("patient")))
    lost = (head == "unsettled") & (pl.col("head_before") != "unsettled")
    return found.select((same | lost).fill_null(False).alias("same")).to_series()


def only_stays(settled: Assessed) -> Assessed:
    """Of settled claims priced once more what late ones are held against: their stays.

    Their discharges and what they took of caps are counted from how they were settled
    (``drg.payment.pricing.prior.prior_of``); so here they count for nothing.
    """
    settled.sheet.mode[:] = Mode.STATISTICS
    return replace(settled, candidates=None, packages=None, visits=None)


def joined_claims(before: pl.LazyFrame, new: pl.LazyFrame, gone: pl.Series) -> pl.LazyFrame:
    """Claims of an earlier run that still stand, then those of this run.

    Columns are matched by name; where the types differ, as between a CSV and a Parquet file, both
    are text.
    """
    first, second = before.collect_schema(), new.collect_schema()
    unlike = [name for name in first if name in second and first[name] != second[name]]
    kept = before.filter(~pl.col("ref").is_in(gone.implode()))
    parts = [
        frame.with_columns(_as_text(name, schema[name]) for name in unlike)
        for frame, schema in ((kept, first), (new, second))
    ]
    return pl.concat(parts, how="diagonal")


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    return column.list.join(SEPARATOR) if isinstance(dtype, pl.List) else column.cast(pl.String)
