"""What ``drg whatif`` ends with: the reforms beside each other, the numbers they change, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from drg.reports.whatif_book import facts, overview_words
from drg.reports.whatif_report import lineage_frame
from drg.reports.whatif_words import idle_words, paid_words, say
from drg.reports.words import count
from drg.text import aligned, language

if TYPE_CHECKING:
    from drg.scale.whatif_file import WhatIfRun

__all__ = ["report_lines"]

#: Numbers that a reform changes, as far as the terminal lists them.
_LINES = 12


def report_lines(run: WhatIfRun, lang: str | None = None) -> list[str]:
    """Lines for the terminal."""
    lang = lang or language()
    report = run.report
    heads, rows = overview_words(report, lang)
    table = aligned([heads, *rows], right=range(1, len(heads)))
    lines = [*aligned(facts(report, lang)), "", *table, ""]
    lineage = lineage_frame(report)
    for result in report.results:
        if len(report.results) > 1:
            lines.append(result.label)
        changed = lineage.filter(pl.col("reform") == result.label).drop("reform")
        told = changed.head(_LINES).iter_rows()
        lines += [f"  {path}: {before} → {after}" for path, before, after in told]
        if changed.height > _LINES:
            lines.append("  " + say("more_rows", lang, count=count(changed.height - _LINES)))
        if result.pays_others:
            words = paid_words(result.comparison, "after", lang)
            lines.append(f"  {say('head_paid', lang)}: {words}")
    idle = [result.comparison for result in report.results if not result.differing]
    if idle:
        lines += ["", idle_words(idle[0], lang)]
    key = "written" if run.files else "written_book"
    files = " ".join(run.files)
    written = say(key, lang, seconds=f"{run.seconds:.2f}", out=run.output, files=files)
    return [*lines, "", say("notice", lang), written]
