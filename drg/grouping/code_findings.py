"""Codes of claims in a column: every entry at its place, every distinct spelling read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.frame import BLANKS
from drg.grouping.encode import code_column
from drg.grouping.reference_case import Reading
from drg.schemes.crosswalk import KINDS

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.edition_findings import EditionCheck
    from drg.grouping.reference_case import Spelling
    from drg.schemes.crosswalk import Kind

__all__ = ["CodeFindings", "code_entries"]

#: An unknown diagnosis says something else where it is the principal one.
_UNKNOWN, _UNKNOWN_PRINCIPAL = "N401", "U201"
_TOLD = {"written": pl.String(), "code": pl.String(), "about": pl.String(), "edition": pl.Boolean()}


def code_entries(frame: pl.DataFrame, columns: ClaimColumns, kind: Kind) -> pl.DataFrame:
    """Every code that claims have.

    Parameters
    ----------
    frame : DataFrame
        One claim a row.
    columns : ClaimColumns
        Which columns feed which field.
    kind : {"dx", "px"}

    Returns
    -------
    DataFrame
        ``row`` (from 0), ``place`` (order among the claim's codes), ``written`` (never empty),
        ``principal``; the rows of one claim in order of ``place``, the claims in no order.
    """
    sources = columns.diagnoses if kind == "dx" else columns.procedures
    joined = columns.diagnoses_joined if kind == "dx" else columns.procedures_joined
    parts = [
        _column_entries(frame, source, columns.separator if joined else "", n)
        for n, source in enumerate(sources)
    ]
    if not parts:
        parts = [_column_entries(pl.DataFrame({"": [None]}, schema={"": pl.String}), "", "", 0)]
    entries = pl.concat(parts)
    if kind == "dx":  # an empty first entry is a missing principal diagnosis
        principal = pl.col("place") == 0
    else:
        principal = pl.col("place") == pl.col("place").min().over("row")
    return entries.with_columns(principal.alias("principal"))


def _column_entries(frame: pl.DataFrame, source: str, separator: str, number: int) -> pl.DataFrame:
    series = code_column(frame, source, "")
    if separator and series.dtype == pl.String:
        series = series.str.split(separator)
    entries = pl.DataFrame({"written": series}).with_row_index("row")
    place = pl.lit(0, pl.Int64)
    if series.dtype != pl.String:
        entries = entries.explode("written")
        place = pl.int_range(pl.len()).over("row")
    # Places of one column after the places of the one before it.
    entries = entries.with_columns(place=place + (number << 32))
    filled = pl.col("written").str.strip_chars(BLANKS) != ""
    return entries.filter(filled).select("row", "place", "written")


class CodeFindings:
    """What is to be said of codes, each distinct spelling looked at once.

    Parameters
    ----------
    spellings : mapping of {"dx", "px"} to Spelling
        How the codes are read.
    editions : EditionCheck
        Adds what their edition gives to say.
    lang : str
        Language of the words.
    """

    def __init__(
        self, spellings: Mapping[Kind, Spelling], editions: EditionCheck, lang: str
    ) -> None:
        self._spellings = spellings
        self._editions = editions
        self._lang = lang
        self._seen: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        self._told = {kind: pl.DataFrame(schema=_TOLD) for kind in KINDS}

    def find(self, entries: Mapping[Kind, pl.DataFrame]) -> pl.DataFrame:
        """What is to be said of the codes of claims.

        Parameters
        ----------
        entries : mapping of {"dx", "px"} to DataFrame
            From ``code_entries``.

        Returns
        -------
        DataFrame
            ``row``, ``order`` (of the findings of a row), ``code`` (reason), ``about``.
        """
        found = []
        for step, (edition, kind) in enumerate((e, k) for e in (False, True) for k in KINDS):
            told = self._table(kind, entries[kind]).filter(pl.col("edition") == edition)
            named = entries[kind].join(told, on="written", how="inner")
            principal = pl.col("principal") & (pl.col("code") == _UNKNOWN)
            code = pl.when(principal).then(pl.lit(_UNKNOWN_PRINCIPAL)).otherwise("code")
            order = pl.col("place") + ((step + 1) << 48)
            found.append(named.select("row", order.alias("order"), code.alias("code"), "about"))
        return pl.concat(found)

    def names(self, entries: Mapping[Kind, pl.DataFrame]) -> pl.DataFrame:
        """The principal diagnosis and procedure of each row in words: ``row``, ``about``."""
        named = []
        for kind in KINDS:
            chosen = entries[kind].filter("principal")
            distinct = chosen["written"].unique()
            words = {written: self._name(kind, written) for written in distinct}
            about = pl.col("written").replace_strict(
                list(words), list(words.values()), return_dtype=pl.String
            )
            named.append(chosen.select("row", about.alias("about")))
        return (
            pl.concat(named)
            .group_by("row", maintain_order=True)
            .agg(pl.col("about").str.join(" + "))
        )

    def _table(self, kind: Kind, entries: pl.DataFrame) -> pl.DataFrame:
        """What is to be said of every spelling seen so far."""
        seen = self._seen[kind]
        new = [written for written in entries["written"].unique() if written not in seen]
        if new:
            seen.update(new)
            rows = [(w, *told) for w in new for told in self._of(kind, w)]
            more = pl.DataFrame(rows, schema=_TOLD, orient="row")
            self._told[kind] = self._told[kind].vstack(more)
        return self._told[kind]

    def _of(self, kind: Kind, written: str) -> Iterator[tuple[str, str, bool]]:
        """Reason code and words of a spelling, and whether its edition is the matter."""
        reading = self._read(kind, written)
        if reading.respelled:
            yield "N403", f"{written} → {reading.listed}", False
        elif reading.code is None:
            yield (_UNKNOWN if kind == "dx" else "N402"), written, False
        for code, about in self._editions.findings(reading, self._spellings[kind], self._lang):
            yield code, about, True

    def _read(self, kind: Kind, written: str) -> Reading:
        spelling = self._spellings[kind]
        listed = spelling.read(written)
        return Reading(written, spelling.meaning(listed), kind, False, listed)

    def _name(self, kind: Kind, written: str) -> str:
        code = self._read(kind, written).code
        return f"{code or written} {self._spellings[kind].names.get(code or '', '')}".rstrip()
