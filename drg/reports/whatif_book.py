"""The what-if as a workbook: overview, changes, one sheet a table, moves, case by case.

The rows come while the run goes on; the other sheets are filled when it has ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.writers import write_workbook
from drg.reports.whatif_report import lineage_frame, stacked, stacked_moves
from drg.reports.whatif_words import (
    code_words,
    paid_words,
    percent,
    say,
    signed,
    title_of,
    worded_rows,
)
from drg.reports.words import count, money
from drg.simulate.compare_runs import BY, MOVES, ROW_SCHEMA

if TYPE_CHECKING:
    from drg.claims.form import Form
    from drg.claims.workbook import Sheet, Workbook
    from drg.reports.whatif_report import WhatIfReport

__all__ = [
    "ROWS_SHOWN", "WhatIfBook", "facts", "moved", "overview_rows", "overview_words",
    "write_whatif_book",
]  # fmt: skip

#: Rows of the sheet of cases; the file of rows has all of them.
ROWS_SHOWN = 100_000
#: Tables with a sheet of their own, in this order.
_TABLES = ("hospital", "department", "group", "mode", "insurance")
_SUMS = (
    "claims_before", "claims_after", "came", "left", "changed", "fund_before_fen",
    "fund_after_fen", "difference_fen", "ratio",
)  # fmt: skip
#: Tables whose claims stay where they are on either side.
_FIXED = ("hospital", "department", "insurance")
_MOVE_COLUMNS = ("reform", "kind", "from", "to", "claims", "fund_before_fen", "fund_after_fen",
                 "difference_fen")  # fmt: skip
_OVERVIEW = (
    "reform", "differing", "moved", "class_moved", "fund_before_fen", "fund_after_fen",
    "difference_fen", "ratio",
)  # fmt: skip
_FORM_WIDTHS = (44, 14, 14, 14, 20, 20, 20, 12)
_E4 = 10_000


@contextmanager
def write_whatif_book(path: str | Path, lang: str) -> Iterator[WhatIfBook]:
    """A workbook being filled, all or nothing.

    Parameters
    ----------
    path : str or Path
        ``.xlsx``.
    lang : {"zh", "en"}

    Raises
    ------
    InputError
        F205 xlsxwriter is missing; F204, F209, F210: the system refuses to write.
    """
    # A fixed day: the same claims under the same policies are the same bytes.
    with write_workbook(path, created=dt.date(2000, 1, 1)) as book:
        yield WhatIfBook(book, lang)


class WhatIfBook:
    """The workbook: ``rows`` as they come, then ``fill``."""

    def __init__(self, book: Workbook, lang: str) -> None:
        self._lang = lang
        self._overview: Form = book.form(say("sheet_overview", lang), _FORM_WIDTHS)
        self._lineage = self._sheet(book, "changes", ("reform", "path", "before", "after"))
        self._tables = {by: self._sheet(book, by, _columns(by)) for by in _TABLES}
        self._moves = self._sheet(book, "moves", _MOVE_COLUMNS)
        self._cases = self._sheet(book, "rows", ("reform", *ROW_SCHEMA))
        self._shown = 0

    def _sheet(self, book: Workbook, name: str, columns: tuple[str, ...]) -> Sheet:
        return book.sheet(
            say(f"sheet_{name}", self._lang),
            columns,
            heads={column: say(f"head_{column}", self._lang) for column in columns},
            fen=[column for column in columns if column.endswith("_fen")],
            formats={"ratio": "0.00%"},
            printed=True,
            frozen=1,
        )

    def rows(self, label: str, rows: pl.DataFrame, names: Mapping[str, Mapping[str, str]]) -> None:
        """Add cases of a reform, as long as the sheet takes them."""
        part = rows.head(ROWS_SHOWN - self._shown)
        self._shown += part.height
        told = worded_rows(part, names, self._lang)
        self._cases.append(told.select(pl.lit(label).alias("reform"), pl.all()))

    def fill(self, report: WhatIfReport) -> None:
        """Write what is known at the end."""
        lang = self._lang
        self._lineage.append(lineage_frame(report))
        for by, sheet in self._tables.items():
            frame = _worded(stacked(report, by), by, report, lang)
            ratio = (pl.col("ratio_e4") / _E4).alias("ratio")
            sheet.append(frame.with_columns(ratio).select(_columns(by)))
        self._moves.append(_moves(report, lang))
        _overview(self._overview, report, lang, self._shown)


def _columns(by: str) -> tuple[str, ...]:
    sums = [name for name in _SUMS if by not in _FIXED or name not in ("came", "left")]
    if by in _FIXED:
        sums.remove("claims_after")
        sums[sums.index("claims_before")] = "claims"
    return ("reform", *BY[by], *(("hospital_name",) if by == "hospital" else ()), *sums)


def _worded(frame: pl.DataFrame, by: str, report: WhatIfReport, lang: str) -> pl.DataFrame:
    names = {result.label: result.names for result in report.results}
    changes = []
    for key in BY[by]:
        pairs = frame.select("reform", key).iter_rows()
        words = [code_words(key, code, names[label], lang) for label, code in pairs]
        changes.append(pl.Series(key, words, dtype=pl.String))
    if by == "hospital":
        told = [report.hospitals.get(code or "", "") for code in frame["hospital_id"]]
        changes.append(pl.Series("hospital_name", told, dtype=pl.String))
    return frame.with_columns(changes).with_columns(pl.col("claims_before").alias("claims"))


def _moves(report: WhatIfReport, lang: str) -> pl.DataFrame:
    frame = stacked_moves(report)
    names = {result.label: result.comparison.names for result in report.results}
    changes = []
    for end, side in (("from", "before"), ("to", "after")):
        rows = frame.select("reform", "kind", end).iter_rows()
        words = [
            code_words(MOVES[kind], code, names[label][side], lang) or say("none", lang)
            for label, kind, code in rows
        ]
        changes.append(pl.Series(end, words, dtype=pl.String))
    kinds = {kind: say(f"changed_{kind}", lang) for kind in MOVES}
    return frame.with_columns(*changes, pl.col("kind").replace(kinds)).select(_MOVE_COLUMNS)


def _overview(form: Form, report: WhatIfReport, lang: str, shown: int) -> None:
    form.line(title_of(report, lang), "title")
    form.line(say("notice", lang))
    form.gap()
    form.pairs(facts(report, lang))
    form.gap()
    form.table(
        [say(f"head_{head}", lang) for head in _OVERVIEW],
        ["text", "count", "count", "count", "fen", "fen", "fen", "text"],
        overview_rows(report),
    )
    for result in report.results:
        if result.pays_others:
            words = paid_words(result.comparison, "after", lang)
            form.line(f"{result.label} · {say('head_paid', lang)}: {words}")
    if (left := sum(result.differing for result in report.results) - shown) > 0:
        form.line(say("rows_cut", lang, shown=f"{shown:,}", left=f"{left:,}"))


def overview_rows(report: WhatIfReport) -> list[tuple[str, int, int, int, int, int, int, str]]:
    """All reforms beside each other: counts, amounts in fen, and the ratio in words."""
    return [
        (
            result.label, result.differing, moved(moves, "group"), moved(moves, "class"),
            total["fund_before_fen"], total["fund_after_fen"], total["difference_fen"],
            percent(total["ratio_e4"]),
        )
        for result in report.results
        for total, moves in [(result.comparison.total, result.comparison.moves)]
    ]  # fmt: skip


def overview_words(report: WhatIfReport, lang: str) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of that table in words."""
    rows = [
        [label, *map(count, counts), money(before), money(after), signed(money(less)), ratio]
        for label, *counts, before, after, less, ratio in overview_rows(report)
    ]
    return [say(f"head_{head}", lang) for head in _OVERVIEW], rows


def facts(report: WhatIfReport, lang: str) -> list[tuple[str, str]]:
    """What was run: label and value."""
    scheme = f"{report.scheme} ({report.scheme_digest[:12]})" if report.scheme else ""
    paid = [(say("fact_paid", lang), paid_words(one.comparison, "before", lang))
            for one in report.results[:1]]  # fmt: skip
    return [
        (say("fact_baseline", lang), report.baseline.name),
        (say("fact_scheme", lang), scheme or say("grouped_before", lang)),
        (say("fact_source", lang), report.source),
        (say("fact_month", lang), report.month or say("any_month", lang)),
        (say("fact_claims", lang), f"{report.claims:,}"),
        *paid,
    ]


def moved(moves: pl.DataFrame, kind: str) -> int:
    """Claims that move from one group, mode or class to another."""
    return int(moves.filter(pl.col("kind") == kind)["claims"].sum())
