"""Codes of a frame that the edition concerns: mapped from the clinical one, or in doubt.

Column by column, and each distinct spelling that is not listed is looked at once: a row costs
about as much here as in the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import polars as pl

from drg.claims.profiles import ClaimColumns
from drg.grouping.encode import code_column
from drg.grouping.reference_case import Spelling
from drg.schemes.crosswalk import KINDS, Crosswalk, Kind

__all__ = ["CodeFinder", "ambiguous_codes", "mapped_codes"]

#: Between the codes of a row; no code has it.
_SEPARATOR = "|"
#: Codes of one column, no more than a few dozen claims have.
_FEW = 2000


class CodeFinder:
    """Finds the codes of each row that a table speaks of.

    Parameters
    ----------
    spellings : mapping of {"dx", "px"} to Spelling
        How codes are read.
    told : mapping of {"dx", "px"} to mapping of str to str
        What to tell of a code that was read; codes not listed are not told.
    """

    def __init__(
        self, spellings: Mapping[Kind, Spelling], told: Mapping[Kind, Mapping[str, str]]
    ) -> None:
        self._spellings = spellings
        self._told = told
        self._known = {
            kind: pl.Series(list(spelling.known), dtype=pl.String).implode()
            for kind, spelling in spellings.items()
        }
        self._table = {kind: _table(texts) for kind, texts in told.items()}

    def find(self, frame: pl.DataFrame, columns: ClaimColumns) -> pl.Series:
        """What is told of each row's codes.

        Parameters
        ----------
        frame : DataFrame
            One claim a row.
        columns : ClaimColumns
            Which columns feed which field.

        Returns
        -------
        Series of String
            One value a row: texts joined by ``|``, diagnoses first, each in the claim's order and
            once; null where there is nothing to tell.
        """
        fed: list[tuple[Kind, Sequence[str], bool]] = [
            ("dx", columns.diagnoses, columns.diagnoses_joined),
            ("px", columns.procedures, columns.procedures_joined),
        ]
        parts = [
            self._of_column(kind, _flat(frame, source, columns.separator if joined else ""))
            for kind, sources, joined in fed
            for source in sources
        ]
        unique = pl.col("text").list.unique(maintain_order=True)
        texts = pl.concat(parts).group_by("row").agg("text").with_columns(unique)
        rows = pl.DataFrame({"row": pl.int_range(frame.height, dtype=pl.UInt32, eager=True)})
        told = rows.join(texts, on="row", how="left", maintain_order="left")
        return told["text"].list.join(_SEPARATOR)

    def _of_column(self, kind: Kind, flat: pl.DataFrame) -> pl.DataFrame:
        """Row and text of every code of a column that is told."""
        if flat.height <= _FEW:
            return self._of_few(kind, flat)
        table = self._table[kind]
        unlisted = flat["code"].filter(~flat["code"].is_in(self._known[kind])).unique()
        spelling, told = self._spellings[kind], self._told[kind]
        meant = {code: told.get(spelling.read(code) or "") for code in unlisted}
        respelled = {code: text for code, text in meant.items() if text}
        if respelled:
            table = table.vstack(_table(respelled))
        found = flat.join(table, on="code", how="inner", maintain_order="left")
        return found.select("row", "text")

    def _of_few(self, kind: Kind, flat: pl.DataFrame) -> pl.DataFrame:
        """The same of so few codes that whole tables would cost more than asking of each."""
        spelling, told = self._spellings[kind], self._told[kind]
        codes = flat["code"].to_list()
        listed = {c: c if c in spelling.known else spelling.read(c) for c in dict.fromkeys(codes)}
        texts = [told.get(listed[code] or "") or None for code in codes]
        found = flat.select("row").with_columns(pl.Series("text", texts, dtype=pl.String))
        return found.drop_nulls()


def _table(texts: Mapping[str, str]) -> pl.DataFrame:
    columns = {"code": list(texts), "text": list(texts.values())}
    return pl.DataFrame(columns, schema={"code": pl.String, "text": pl.String})


def _flat(frame: pl.DataFrame, source: str, separator: str) -> pl.DataFrame:
    """Row and code of every entry of a column that is there."""
    series = code_column(frame, source, separator)
    if separator and series.dtype == pl.String:
        series = series.str.split(separator if len(separator.encode()) == 1 else _SEPARATOR)
    flat = pl.DataFrame({"code": series}).with_row_index("row")
    if series.dtype != pl.String:
        flat = flat.explode("code")
    return flat.drop_nulls()


def mapped_codes(crosswalks: Mapping[Kind, Crosswalk], *, lenient: bool) -> CodeFinder:
    """Finds clinical codes that another insurance code was taken for: ``A19.000x001→A19.001``.

    Parameters
    ----------
    crosswalks : mapping of {"dx", "px"} to Crosswalk
    lenient : bool
        Harmless spellings are read too (flag ``normalise_codes``).
    """
    spellings = {
        kind: Spelling(frozenset(), {}, lenient=lenient, crosswalk=crosswalks[kind])
        for kind in KINDS
    }
    told = {
        kind: {c: f"{c}→{i}" for c, i in crosswalks[kind].insurance.items() if c != i}
        for kind in KINDS
    }
    return CodeFinder(spellings, told)


def ambiguous_codes(crosswalks: Mapping[Kind, Crosswalk]) -> CodeFinder:
    """Finds codes, read in the insurance edition, that mean something else in the clinical one."""
    return _ambiguous_codes(*(crosswalks[kind] for kind in KINDS))


@lru_cache(maxsize=2)  # as many as the tables in use have: made anew it takes a tenth of a second
def _ambiguous_codes(*crosswalks: Crosswalk) -> CodeFinder:
    spellings = {c.kind: Spelling(frozenset(c.national), {}, lenient=True) for c in crosswalks}
    told = {c.kind: {code: code for code in c.ambiguous} for c in crosswalks}
    return CodeFinder(spellings, told)
