"""A part of ``drg demo``: one department's cases checked before settlement, one of them told."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from drg.claims.frame import COLUMN
from drg.claims.writers import write_frames
from drg.grouping.result import Outcome
from drg.scale.case_pages import scenario_table
from drg.scale.elsewhere import Setting
from drg.scale.simulate_file import open_desk, simulate_case, simulate_file
from drg.scale.simulate_words import report_lines
from drg.text import text

__all__ = ["simulated_cases"]

#: Cases of the department.
CASES = 12
#: Scenarios shown of the one case.
_SHOWN = 8


def simulated_cases(
    folder: Path, month: Path, hospitals: Path, policy: str, lang: str
) -> Iterator[str]:
    """Check one department's cases of a grouped month; yields the lines to show.

    Parameters
    ----------
    folder : Path
        Gets ``claims.csv`` and ``cases.xlsx`` (a folder ``cases`` without xlsxwriter); made if it
        does not exist.
    month : Path
        Grouped claims.
    hospitals : Path
        Their register.
    policy : str
        Names the scheme, too.
    lang : {"zh", "en"}
    """
    folder.mkdir(parents=True, exist_ok=True)
    yield text("cli.demo_simulate", lang, cases=CASES)
    claims, one = _department(pl.read_parquet(month))
    source = folder / "claims.csv"
    write_frames(source, claims)
    desk = open_desk(Setting(policy=policy), hospitals=hospitals)
    out = folder / ("cases.xlsx" if find_spec("xlsxwriter") else "cases")
    run = simulate_file(desk, source, out, lang=lang)
    (told,) = simulate_case(desk, source, one, lang=lang)
    yield from report_lines(run, lang)
    yield ""
    yield text("cli.demo_simulate_one", lang, id=one, count=len(told.scenarios), shown=_SHOWN)
    yield from scenario_table(told, lang, _SHOWN)
    yield told.notice


def _department(grouped: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Cases of the first hospital's first department, and one with several codes of each kind."""
    named = grouped.filter(pl.col("claim_id").is_not_null())
    first = named.filter(pl.col("hospital_id") == named["hospital_id"].min())
    whole = (
        (pl.col("outcome").cast(pl.String) == Outcome.GROUPED.value)
        & (pl.col("diagnoses").cast(pl.List(pl.String)).list.len() > 2)
        & (pl.col("procedures").cast(pl.List(pl.String)).list.len() > 1)
    )
    best = first.filter(whole).sort("department", "claim_id").row(0, named=True)
    cases = first.filter(
        (pl.col("department") == best["department"]) & (pl.col("claim_id") >= best["claim_id"])
    )
    own = [name for name in cases.columns if name in COLUMN]
    return cases.select(own).head(CASES), str(best["claim_id"])
