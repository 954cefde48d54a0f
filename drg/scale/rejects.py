"""Claims that a run could not group, for whoever is to mend them: which row, why, what to do.

A CSV that opens in Excel as it is (UTF-8 with BOM). Parts are written without a head and joined.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import polars as pl

from drg.claims.excel_safe import excel_safe
from drg.claims.profiles import ClaimColumns
from drg.claims.writers import atomic_path
from drg.reasons import ReasonError, reason_page
from drg.scale.summary import REFUSED
from drg.schemes.tables import file_digest

__all__ = ["Rejects", "join_rejects"]

_HEAD = ("file", "row", "claim_id", "hospital", "outcome", "reason", "what", "mend")
_LINE_END = "\r\n"


class Rejects:
    """Rows of one part that were refused, into an open file as they come.

    Parameters
    ----------
    file : binary file
    name : str
        Input that the rows are from.
    columns : ClaimColumns
    names : mapping of str to str
        Columns of the input that are called otherwise in the result.
    first : int
        Number of the first row, from 1.
    lang : {"zh", "en"}
        Language of ``what`` and ``mend``.

    Attributes
    ----------
    rows : int
        Rows written so far.
    """

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        columns: ClaimColumns,
        names: Mapping[str, str],
        first: int,
        lang: str,
    ) -> None:
        self.rows = 0
        self._file = file
        self._name = name
        self._next = first
        self._lang = lang
        self._words: dict[str, tuple[str, str]] = {}
        self._own = {
            head: names.get(column, column)
            for head, field in (("claim_id", "claim_id"), ("hospital", "hospital_id"))
            if (column := columns.scalars.get(field)) is not None
        }

    def add(self, frame: pl.DataFrame) -> None:
        """Take in the next grouped rows."""
        rows = pl.int_range(self._next, self._next + pl.len(), dtype=pl.Int64).alias("row")
        self._next += frame.height
        refused = frame.select(rows, "outcome", "reason", **self._shown()).filter(
            pl.col("outcome").cast(pl.String).is_in([*map(str, REFUSED)])
        )
        if refused.is_empty():
            return
        self.rows += refused.height
        reasons = refused["reason"].cast(pl.String)
        told = {code: self._worded(code) for code in reasons.drop_nulls().unique()}
        listed = refused.select(
            pl.lit(self._name).alias("file"), "row", "claim_id", "hospital", "outcome",
            reasons,
            what=reasons.replace_strict({c: w for c, (w, _) in told.items()}, default="",
                                        return_dtype=pl.String),
            mend=reasons.replace_strict({c: m for c, (_, m) in told.items()}, default="",
                                        return_dtype=pl.String),
        )  # fmt: skip
        # People open it: no claim's id may be a formula there.
        listed.with_columns(excel_safe(listed.schema)).write_csv(
            self._file, include_header=False, line_terminator=_LINE_END
        )

    def _shown(self) -> dict[str, pl.Expr]:
        return {
            head: pl.col(self._own[head]).cast(pl.String)
            if head in self._own
            else pl.lit(None, pl.String)
            for head in ("claim_id", "hospital")
        }

    def _worded(self, code: str) -> tuple[str, str]:
        if code not in self._words:
            try:
                page = reason_page(code, self._lang)
                self._words[code] = page.title, page.mend
            except ReasonError:  # a private table's own check
                self._words[code] = "", ""
        return self._words[code]


def join_rejects(target: Path, parts: Iterable[Path]) -> str:
    """One file of the parts' rows, with a head; its digest.

    Raises
    ------
    InputError
        F204, F209, F210.
    """
    with atomic_path(target) as draft, draft.open("wb") as out:
        out.write(("\ufeff" + ",".join(_HEAD) + _LINE_END).encode())
        for part in parts:
            with part.open("rb") as rows:
                shutil.copyfileobj(rows, out, 1 << 20)
    return file_digest(target)
