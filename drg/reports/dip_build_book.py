"""Workbook about a DIP catalogue built from history: what a bureau discusses before it takes it.

Every number rests on ``drg.dip.build.report``; the same build gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.writers import write_workbook
from drg.dip.build.report import (
    combinations_frame,
    cv_frame,
    groups_frame,
    quality_frame,
    related_frame,
    types_frame,
    unscaled_columns,
)
from drg.money import PLACES
from drg.reports.dip_build_words import curve_rows, key_rows, say, setting_rows
from drg.text import language

if TYPE_CHECKING:
    from drg.claims.workbook import Workbook
    from drg.dip.build.builder import Built

__all__ = ["write_build_book"]

#: Combinations that a sheet shows, those with the most cases; the Parquet file has all.
_SHOWN = 50_000
_FEN = ("mean_fen", "alone_fen")
_FORMATS = {
    "cases": "#,##0", "formed": "#,##0", "kept": "#,##0", "claims": "#,##0", "groups": "#,##0",
    "alone_cases": "#,##0", "share": "0.00%", "increase": "0.00%", "drop": "0.00%", "cv": "0.00",
    "cv_before": "0.00", "cv_after": "0.00", "days": "0.0", "score": "0.0000",
    "total_score": "#,##0.00", "coefficient": "0.0000",
}  # fmt: skip
_WORDED = ("class", "kind", "fate", "what")


def write_build_book(path: str | Path, built: Built, *, lang: str | None = None) -> None:
    """Write ``report.xlsx``; errors as of ``write_workbook``."""
    lang = lang or language()
    made = dt.date(max(built.scores.weights), 12, 31)
    with write_workbook(path, created=made) as book:
        _overview(book, built, lang)
        for name in ("core", "comprehensive"):
            _sheet(book, name, groups_frame(built, name).drop("class"), lang)
        _sheet(
            book,
            "related",
            _commonest(related_frame(built)).with_columns(_yes("apart", lang)),
            lang,
        )
        dropped = combinations_frame(built).filter(pl.col("fate") == "dropped")
        _sheet(book, "dropped", _commonest(dropped).drop("fen", "fate", "group", "folded"), lang)
        _sheet(
            book, "cv", cv_frame(built).with_columns(pl.col("from", "below").cast(pl.String)), lang
        )
        _sheet(book, "types", types_frame(built).with_columns(_yes("taken", lang)), lang)
        _sheet(book, "scores", _scores(built), lang)
        _sheet(book, "quality", quality_frame(built), lang)


def _overview(book: Workbook, built: Built, lang: str) -> None:
    form = book.form(say("sheet_overview", lang), (24, 16, 16, 16, 16, 16))
    title = built.settings.title_zh if lang == "zh" else built.settings.title_en
    form.line(title, "title")
    form.pairs(key_rows(built, lang))
    form.gap()
    form.line(say("curve_title", lang), "head")
    heads, *rows = curve_rows(built, lang)
    form.table(heads, ["text"] * len(heads), rows)
    form.gap()
    form.line(say("settings_title", lang), "head")
    form.pairs(setting_rows(built, lang))
    form.gap()
    for number in range(1, 5):
        form.line(say(f"remark_{number}", lang))


def _sheet(book: Workbook, name: str, frame: pl.DataFrame, lang: str) -> None:
    """A sheet with headings and codes in words."""
    for column in set(_WORDED) & set(frame.columns):
        codes = frame[column].unique().drop_nulls().to_list()
        words = {code: say(f"{column}_{code}", lang) or code for code in codes}
        frame = frame.with_columns(pl.col(column).replace(words))
    heads = {column: _head(column, lang) for column in frame.columns}
    fen = [column for column in _FEN if column in frame.columns]
    formats = {column: _FORMATS[column] for column in frame.columns if column in _FORMATS}
    formats |= {column: "#,##0" for column in frame.columns if column.startswith("cases_")}
    sheet = book.sheet(
        say(f"sheet_{name}", lang), frame.columns, heads=heads, fen=fen, formats=formats,
        lines=[say(f"sheet_{name}", lang), say(f"about_{name}", lang, shown=_SHOWN)],
    )  # fmt: skip
    sheet.append(frame)


def _head(column: str, lang: str) -> str:
    stem, _, year = column.partition("_")
    if stem == "cases" and year:
        return say("col_cases_year", lang, year=year)
    return say(f"col_{column}", lang)


def _commonest(frame: pl.DataFrame) -> pl.DataFrame:
    """The combinations with the most cases, in that order."""
    keys = ["cases", "diagnosis", "principal", "related"]
    return frame.sort(keys, descending=[True, False, False, False]).head(_SHOWN)


def _scores(built: Built) -> pl.DataFrame:
    """Groups and subtypes with what a price list has."""
    groups = groups_frame(built).select("group", "name", "class", "score", "mean_fen", "cases")
    names = dict(groups.select("group", "name").iter_rows())
    said = {row.subtype: row.name_zh for row in built.catalogue.classes}
    bases = {g.code: g.score_e4 or 0 for g in built.catalogue.groups}
    rows = [
        (
            f"{s.group}_{s.subtype}", f"{names[s.group]}·{said[s.subtype]}", "auxiliary",
            s.score_e4, s.mean_fen, s.cases,
            s.score_e4 / bases[s.group] if bases[s.group] else None,
        )
        for s in built.catalogue.subtypes
    ]  # fmt: skip
    schema = {
        **dict.fromkeys(("group", "name", "class"), pl.String()),
        "score": pl.Int64(), "mean_fen": pl.Int64(), "cases": pl.Int64(),
        "coefficient": pl.Float64(),
    }  # fmt: skip
    more = unscaled_columns(pl.DataFrame(rows, schema=schema, orient="row"), ["score"], PLACES)
    whole = groups.with_columns(pl.lit(None, pl.Float64).alias("coefficient"))
    return pl.concat([whole, more]).sort("group")


def _yes(column: str, lang: str) -> pl.Expr:
    yes, no = say("yes", lang), say("no", lang)
    return pl.when(pl.col(column)).then(pl.lit(yes)).otherwise(pl.lit(no)).alias(column)
