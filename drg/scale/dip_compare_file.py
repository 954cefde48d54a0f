"""Two DIP catalogues compared, with the claims of a file under both if one is given."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.claims.readers import open_claims
from drg.claims.writers import output_suffix, write_frames, write_workbook
from drg.dip.build.report import unscaled_columns
from drg.dip.compare import compare_catalogues
from drg.dip.compare_claims import ClaimTally
from drg.dip.grouper import DipGrouper
from drg.money import PLACES
from drg.reports.dip_compare_words import sheet_about, sheet_heads, sheet_title, worded
from drg.scale.group_file import Progress, interruptible, refuse_same, stoppable
from drg.text import language

if TYPE_CHECKING:
    from drg.claims.workbook import Workbook
    from drg.dip.compare import CatalogueComparison
    from drg.dip.compare_claims import ClaimComparison

__all__ = ["CompareRun", "dip_compare_file", "pairs_frame"]

_PAIR_SCHEMA = {
    "where": pl.String, "group": pl.String, "name": pl.String, "type_a": pl.String,
    "type_b": pl.String, "code_b": pl.String, "score_a": pl.Int64, "score_b": pl.Int64,
    "mean_a": pl.Int64, "mean_b": pl.Int64, "cases_a": pl.Int64, "cases_b": pl.Int64,
    "subtype": pl.String, "shift": pl.Int64, "relative": pl.Int64,
}  # fmt: skip
_FORMATS = {
    "shift": "0.00%", "relative": "0.00%", "claims": "#,##0", "moved": "#,##0",
    "grouped_a": "#,##0", "grouped_b": "#,##0", "cases_a": "#,##0", "cases_b": "#,##0",
    "score_a": "#,##0.0000", "score_b": "#,##0.0000", "mean_a": "#,##0.00", "mean_b": "#,##0.00",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompareRun:
    """A run of ``dip_compare_file``.

    Attributes
    ----------
    comparison : CatalogueComparison
    claims : ClaimComparison or None
        None: no claims were given.
    source, output : Path or None
    seconds : float
    """

    comparison: CatalogueComparison
    claims: ClaimComparison | None
    source: Path | None
    output: Path | None
    seconds: float


def dip_compare_file(
    a: str | Path,
    b: str | Path,
    source: str | Path | None = None,
    out: str | Path | None = None,
    *,
    codes: str | None = None,
    sheet: str | int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    lang: str | None = None,
) -> CompareRun:
    """Compare two catalogues.

    Parameters
    ----------
    a, b : str or Path
        Catalogues by id or folder.
    source : str or Path, optional
        Claims to group under both.
    out : str or Path, optional
        ``.csv``, ``.tsv``, ``.parquet``: one row a group or subtype (``pairs_frame``); ``.xlsx``:
        also classes, moves and hospitals. Written all or nothing.
    codes : {"insurance", "clinical"}, optional
        Edition of the codes in claims.
    sheet, threads, progress
        As for ``group_file``.
    lang : {"zh", "en"}, optional
        Language of the workbook; the context's when omitted.

    Raises
    ------
    BuildError
        D449: it is the same catalogue twice.
    SchemeError, TableError, InputError, RunError
        As loading catalogues and ``group_file``.
    """
    lang = lang or language()
    source, out = (None if path is None else Path(path) for path in (source, out))
    if out is not None:
        output_suffix(out)
        if source is not None:
            refuse_same(source, out)
    started = time.perf_counter()
    one, other = DipGrouper.load(a, codes), DipGrouper.load(b, codes)
    comparison = compare_catalogues(one.catalogue, other.catalogue)
    found = None
    if source is not None:
        same = {
            pair.code_b: pair.code
            for pair in comparison.pairs
            if pair.where == "both" and pair.code_b is not None
        }
        found = _grouped(ClaimTally(one, other, same), source, sheet, threads, progress)
    if out is not None:
        _write(out, comparison, found, lang)
    return CompareRun(comparison, found, source, out, time.perf_counter() - started)


def pairs_frame(comparison: CatalogueComparison) -> pl.DataFrame:
    """One row a group or subtype of either catalogue.

    Returns
    -------
    DataFrame
        ``where`` (``both``, ``a``, ``b``), ``group``, ``name``, ``type_a``, ``type_b``,
        ``code_b``, ``score_a``, ``score_b``, ``mean_a``, ``mean_b`` (yuan), ``cases_a``,
        ``cases_b``, ``subtype``, ``shift`` (b ÷ a - 1), ``relative`` (the same against the median
        shift).
    """
    frame = pl.DataFrame(comparison.rows(), schema=_PAIR_SCHEMA, orient="row")
    frame = unscaled_columns(frame, ("score_a", "score_b", "shift", "relative"), PLACES)
    return unscaled_columns(frame, ("mean_a", "mean_b"), 2)


def _grouped(
    tally: ClaimTally,
    path: Path,
    sheet: str | int | None,
    threads: int | None,
    progress: Progress | None,
) -> ClaimComparison:
    with open_claims(path, sheet=sheet) as source:

        def work(stop: Event) -> ClaimComparison:
            for batch in stoppable(source.batches(), stop):
                tally.add(batch, source.columns, threads)
                if progress is not None:
                    progress(tally.claims, source.rows)
            return tally.totals()

        return interruptible(work)


def _write(
    out: Path, comparison: CatalogueComparison, claims: ClaimComparison | None, lang: str
) -> None:
    pairs = pairs_frame(comparison)
    origin = {"drg.version": drg.__version__}
    for side, catalogue in (("a", comparison.a), ("b", comparison.b)):
        origin |= {f"drg.{side}": catalogue.id, f"drg.{side}_digest": catalogue.digest}
    if out.suffix.lower() != ".xlsx":
        write_frames(out, pairs, metadata=origin, for_people=True)
        return
    with write_workbook(out, origin) as book:
        both = pl.col("where") == "both"
        _sheet(book, "shifts", pairs.filter(both).drop("where"), lang)
        for side, other in (("a", "b"), ("b", "a")):
            gone = [name for name in pairs.columns if name.endswith(f"_{other}")]
            only = pairs.filter(pl.col("where") == side).drop(*gone, "where", "shift", "relative")
            _sheet(book, f"only_{side}", only.drop("code_b", strict=False), lang)
        if claims is not None:
            _sheet(book, "classes", claims.classes(), lang)
            _sheet(book, "moves", _scores(claims.moved()).drop("same"), lang)
            _sheet(book, "hospitals", _scores(claims.hospitals), lang)


def _scores(frame: pl.DataFrame) -> pl.DataFrame:
    return unscaled_columns(frame, ("score_a", "score_b"), PLACES)


def _sheet(book: Workbook, name: str, frame: pl.DataFrame, lang: str) -> None:
    formats = {column: _FORMATS[column] for column in frame.columns if column in _FORMATS}
    sheet = book.sheet(
        sheet_title(name, lang), frame.columns, heads=sheet_heads(frame.columns, lang),
        formats=formats, lines=[sheet_title(name, lang), sheet_about(name, lang)],
    )  # fmt: skip
    sheet.append(worded(frame, lang))
