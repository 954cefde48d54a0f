"""One page that sums up a DIP catalogue built from history: ``report.html``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.dip.build.report import groups_frame, quality_frame, related_frame, types_frame
from drg.reports.dip_build_words import curve_rows, cv_rows, key_rows, say, setting_rows
from drg.reports.page import Column, figures, listed, page, pair, save_page, section, table
from drg.reports.words import count, money
from drg.text import language

if TYPE_CHECKING:
    from drg.dip.build.builder import Built

__all__ = ["write_build_page"]

#: Rows of a list.
_SHOWN = 12


def write_build_page(path: str | Path, built: Built, *, lang: str | None = None) -> None:
    """Write ``report.html``: no network, no script; the same build, the same bytes.

    Errors as of ``save_page``.
    """
    lang = lang or language()
    title = built.settings.title_zh if lang == "zh" else built.settings.title_en
    parts = [
        figures(key_rows(built, lang)),
        section(say("curve_title", lang), _table(curve_rows(built, lang))),
        pair(
            section(say("sheet_cv", lang), _table(cv_rows(built, lang))),
            section(say("sheet_quality", lang), _table(_quality(built, lang))),
        ),
        section(say("sheet_core", lang), _table(_groups(built, lang))),
        section(say("sheet_related", lang), _table(_related(built, lang))),
        section(say("sheet_types", lang), _table(_types(built, lang))),
        section(say("remarks_title", lang), listed(say(f"remark_{n}", lang) for n in range(1, 5))),
        section(
            say("settings_title", lang),
            table([Column(""), Column("")], setting_rows(built, lang)),
        ),
        f"<footer>drg-engine {drg.__version__}</footer>",
    ]
    save_page(path, page(title, lang, parts))


def _table(rows: list[list[str]]) -> str:
    """A table whose first row is its headings; nothing without a further one."""
    heads, *body = rows
    columns = [Column(head, number > 0) for number, head in enumerate(heads)]
    return table(columns, body) if body else ""


def _heads(lang: str, *names: str) -> list[str]:
    return [say(f"col_{name}", lang) for name in names]


def _quality(built: Built, lang: str) -> list[list[str]]:
    rows = quality_frame(built).iter_rows()
    body = [[say(f"what_{what}", lang), count(n), f"{part:.2%}"] for what, n, part in rows]
    return [_heads(lang, "what", "claims", "share"), *body]


def _groups(built: Built, lang: str) -> list[list[str]]:
    """Core groups with the largest share of the total score."""
    frame = groups_frame(built, "core").sort("total_score", "group", descending=[True, False])
    body = [
        [f"{row['group']} {row['name']}", count(row["cases"]), money(row["mean_fen"] or 0),
         "—" if row["cv"] is None else f"{row['cv']:.2f}", f"{row['score']:,.4f}"]
        for row in frame.head(_SHOWN).iter_rows(named=True)
    ]  # fmt: skip
    return [_heads(lang, "group", "cases", "mean_fen", "cv", "score"), *body]


def _related(built: Built, lang: str) -> list[list[str]]:
    frame = related_frame(built).filter(pl.col("increase").is_not_null())
    keys = ["cases", "diagnosis", "principal", "related"]
    frame = frame.sort(keys, descending=[True, False, False, False])
    body = [
        [f"{row['diagnosis']} {row['principal']} + {row['related']}", count(row["cases"]),
         money(row["mean_fen"]), money(row["alone_fen"]), f"{row['increase']:+.2%}",
         say("yes" if row["apart"] else "no", lang)]
        for row in frame.head(_SHOWN).iter_rows(named=True)
    ]  # fmt: skip
    return [
        _heads(lang, "combination", "cases", "mean_fen", "alone_fen", "increase", "apart"),
        *body,
    ]


def _types(built: Built, lang: str) -> list[list[str]]:
    frame = types_frame(built).filter("taken").sort(["cases", "group"], descending=[True, False])
    body = [
        [f"{row['group']} {row['type']}", count(row["cases"]), row["subtypes"],
         f"{row['cv_before']:.2f}", f"{row['cv_after']:.2f}", f"{row['drop']:.2%}"]
        for row in frame.head(_SHOWN).iter_rows(named=True)
    ]  # fmt: skip
    return [_heads(lang, "group", "cases", "subtypes", "cv_before", "cv_after", "drop"), *body]
