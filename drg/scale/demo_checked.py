"""A part of ``drg demo``: settlement lists audited, and one patient's share settled at one stop."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from drg.audit.rules import load_rules
from drg.benefits.plan import load_plan
from drg.claims.synth_audit import with_lists
from drg.claims.writers import write_frames
from drg.reports.benefit_sheet import write_sheet
from drg.scale.benefit_answer import told_visit
from drg.scale.benefit_lines import answer_lines
from drg.scale.check import CheckFiles, check_file
from drg.text import text

if TYPE_CHECKING:
    import polars as pl

    from drg.grouping.grouper import Grouper

__all__ = ["checked_lists", "one_stop"]

#: Small, for one list has some seventy charges.
LISTS, SEED, DEFECTS = 2_000, 2025, 0.05
_RULES = "demo"
PLAN = "chuzhou-2019"
#: The source leaves both open; nobody was paid by them.
_SUPPLIED = {"assistance.rows.poor.ratio": "0.7", "assistance.rows.poor.cap": "20000"}
_VISIT = ("total=98000", "own_pay=6000", "insurance=390", "level=三级", "region=county",
          "category=建档立卡")  # fmt: skip


def checked_lists(folder: Path, grouper: Grouper, claims: pl.DataFrame, lang: str) -> Iterator[str]:
    """Fill in lists with charges and defects, and check them; yields the lines to show.

    Parameters
    ----------
    folder : Path
        Gets ``lists.parquet``, ``items.parquet``, ``findings.xlsx`` (``.csv`` without xlsxwriter),
        ``summary.csv`` and ``deductions.csv``; made if it does not exist.
    grouper : Grouper
    claims : DataFrame
        Made-up ones, of which the first become lists.
    lang : {"zh", "en"}
    """
    folder.mkdir(parents=True, exist_ok=True)
    yield text("cli.demo_check", lang, claims=f"{LISTS:,}", share=f"{DEFECTS:.0%}")
    made = with_lists(claims.head(LISTS), SEED, defects=DEFECTS)
    lists, items, deductions = (
        folder / name for name in ("lists.parquet", "items.parquet", "deductions.csv")
    )
    write_frames(lists, made.claims)
    write_frames(items, made.items)
    findings = folder / ("findings.xlsx" if find_spec("xlsxwriter") else "findings.csv")
    report = check_file(
        grouper, lists, findings, rules=load_rules(_RULES), lang=lang,
        files=CheckFiles(items=items, summary=folder / "summary.csv", deductions=deductions),
    )  # fmt: skip
    yield from report.lines(lang)
    yield text("cli.demo_check_files", lang, path=findings, deductions=deductions)


def one_stop(folder: Path, lang: str) -> Iterator[str]:
    """Settle one visit layer by layer; yields the lines to show.

    Parameters
    ----------
    folder : Path
        Gets ``one-stop.html``; made if it does not exist.
    lang : {"zh", "en"}
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheet = folder / "one-stop.html"
    plan = load_plan(PLAN, supply=_SUPPLIED)
    found = told_visit(plan, _VISIT)
    write_sheet(sheet, plan, found.facts, found.one, lang=lang)
    yield text("cli.demo_benefit", lang)
    yield from answer_lines(plan, found, sheet, lang)
