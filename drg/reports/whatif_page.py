"""The what-if on one page: what is changed, what it costs, whom it concerns, with charts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.reports.page import (
    Column,
    chart,
    figures,
    listed,
    notice,
    page,
    pair,
    save_page,
    section,
    table,
)
from drg.reports.svg import Bar, bars
from drg.reports.whatif_book import facts, moved, overview_words
from drg.reports.whatif_report import lineage_frame
from drg.reports.whatif_words import (
    code_words,
    idle_words,
    paid_words,
    percent,
    say,
    signed,
    title_of,
)
from drg.reports.words import count, money
from drg.simulate.compare_runs import BY, MOVES
from drg.text import language

if TYPE_CHECKING:
    from drg.reports.whatif_report import Result, WhatIfReport

__all__ = ["write_whatif_page"]

#: Bars of a chart and rows of a table on the page; the workbook has all of them.
_BARS, _ROWS = 12, 20
#: Room of labels in a chart.
_LABELS = 190
_WIDTH = 560


def write_whatif_page(path: str | Path, report: WhatIfReport, *, lang: str | None = None) -> None:
    """Write ``whatif.html``, as ``drg.reports.kpi.page.write_kpi_page`` writes its page."""
    lang = lang or language()
    title = title_of(report, lang)
    parts = [
        listed(" · ".join(fact) for fact in facts(report, lang)),
        notice(say("notice", lang)),
    ]
    if len(report.results) > 1:
        parts.append(_overview(report, lang))
    for result in report.results:
        parts += _reform(report, result, lang)
    parts.append(f"<footer>{say('footer', lang, version=drg.__version__)}</footer>")
    save_page(path, page(title, lang, parts, wide=True))


def _overview(report: WhatIfReport, lang: str) -> str:
    """All reforms beside each other."""
    heads, rows = overview_words(report, lang)
    columns = [Column(head, n > 0) for n, head in enumerate(heads)]
    sizes = [result.comparison.total["difference_fen"] for result in report.results]
    drawn = [
        Bar(one.label, size, signed(money(size)))
        for one, size in zip(report.results, sizes, strict=True)
    ]
    name = say("chart_total", lang)
    return section(
        name, table(columns, rows), chart(bars(name, drawn, width=1100, room=360), broad=True)
    )


def _reform(report: WhatIfReport, result: Result, lang: str) -> list[str]:
    total = result.comparison.total
    keys = [
        (say("head_difference_fen", lang), signed(money(total["difference_fen"]))),
        (say("head_ratio", lang), percent(total["ratio_e4"])),
        (say("head_fund_before_fen", lang), money(total["fund_before_fen"])),
        (say("head_fund_after_fen", lang), money(total["fund_after_fen"])),
        (say("head_differing", lang), count(result.differing)),
        *(
            (say(f"key_{kind}", lang), count(moved(result.comparison.moves, kind)))
            for kind in MOVES
        ),
    ]
    paid = say("head_paid", lang) + ": " + paid_words(result.comparison, "after", lang)
    told = listed([paid]) if result.pays_others else ""
    parts = [section(result.label, figures(keys), told, _lineage(report, result, lang))]
    if not result.differing:
        return [*parts, notice(idle_words(result.comparison, lang))]
    charts = [_chart(report, result, by, lang) for by in ("hospital", "group")]
    return [
        *parts,
        pair(*charts),
        *(_table(report, result, by, lang) for by in ("hospital", "department", "group")),
        pair(_table(report, result, "mode", lang), _table(report, result, "insurance", lang)),
        _moves(result, lang),
    ]


def _lineage(report: WhatIfReport, result: Result, lang: str) -> str:
    """The numbers that are changed; of long lists the first."""
    changed = lineage_frame(report).filter(pl.col("reform") == result.label).drop("reform")
    columns = [Column(say(f"head_{name}", lang)) for name in changed.columns]
    name = listed([say("lineage", lang, name=result.reformed.name,
                       digest=result.reformed.policy.digest[:12])])  # fmt: skip
    return "\n".join([name, table(columns, changed.head(_ROWS).rows()),
                      _more(changed, lang)])  # fmt: skip


def _by_size(result: Result, by: str) -> pl.DataFrame:
    """Rows of a table that differ, the largest difference first."""
    frame = result.comparison.tables[by]
    different = (pl.col("difference_fen") != 0) | (pl.col("changed") > 0) | (pl.col("came") > 0)
    keys = list(BY[by])
    return frame.filter(different).sort(
        pl.col("difference_fen").abs(), *keys, descending=[True, *(False for _ in keys)]
    )


def _named(
    report: WhatIfReport, result: Result, by: str, row: dict[str, str | None], lang: str
) -> list[str]:
    """The keys of a row in words."""
    names = result.names
    words = [code_words(key, row[key], names, lang) for key in BY[by]]
    if "hospital_id" in row and (name := report.hospitals.get(row["hospital_id"] or "")):
        words[0] = f"{words[0]} {name}"
    return words


def _chart(report: WhatIfReport, result: Result, by: str, lang: str) -> str:
    drawn = [
        Bar(" ".join(_named(report, result, by, row, lang)), row["difference_fen"],
            signed(money(row["difference_fen"])))
        for row in _by_size(result, by).head(_BARS).iter_rows(named=True)
        if row["difference_fen"]
    ]  # fmt: skip
    title = say(f"chart_{by}", lang)
    return section(title, chart(bars(title, drawn, width=_WIDTH, room=_LABELS))) if drawn else ""


def _table(report: WhatIfReport, result: Result, by: str, lang: str) -> str:
    frame = _by_size(result, by)
    moving = by in ("group", "mode")
    counts = ("claims_before", "claims_after", "came", "left") if moving else ("claims",)
    sums = ("fund_before_fen", "fund_after_fen")
    heads = (*BY[by], *counts, "changed", *sums, "difference_fen", "ratio")
    columns = [Column(say(f"head_{h}", lang), n >= len(BY[by])) for n, h in enumerate(heads)]
    rows = [
        [
            *_named(report, result, by, row, lang),
            *(count(row["claims_before" if name == "claims" else name]) for name in counts),
            count(row["changed"]),
            *(money(row[name]) for name in sums),
            signed(money(row["difference_fen"])),
            percent(row["ratio_e4"]),
        ]
        for row in frame.head(_ROWS).iter_rows(named=True)
    ]
    if not rows:
        return ""
    return section(say(f"sheet_{by}", lang), table(columns, rows), _more(frame, lang))


def _moves(result: Result, lang: str) -> str:
    moves, names = result.comparison.moves, result.comparison.names
    if not moves.height:
        return ""
    heads = ("kind", "from", "to", "claims", "fund_before_fen", "fund_after_fen", "difference_fen")
    columns = [Column(say(f"head_{head}", lang), n > 2) for n, head in enumerate(heads)]
    rows = [
        [
            say(f"changed_{row['kind']}", lang),
            *(
                code_words(MOVES[row["kind"]], row[end], names[side], lang) or say("none", lang)
                for end, side in (("from", "before"), ("to", "after"))
            ),
            count(row["claims"]), money(row["fund_before_fen"]), money(row["fund_after_fen"]),
            signed(money(row["difference_fen"])),
        ]
        for row in moves.head(_ROWS).iter_rows(named=True)
    ]  # fmt: skip
    return section(say("sheet_moves", lang), table(columns, rows), _more(moves, lang))


def _more(frame: pl.DataFrame, lang: str) -> str:
    """How many rows of a table the page leaves to the workbook."""
    more = frame.height - _ROWS
    return listed([say("more_rows", lang, count=count(more))]) if more > 0 else ""
