"""``drg demo``: made-up claims of a few hospitals from groups to money, figures and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from drg.claims.readers import open_claims
from drg.claims.synth import synth, synth_hospitals
from drg.claims.writers import write_frames
from drg.grouping.explain import explain_lines
from drg.grouping.grouper import Grouper
from drg.grouping.result import Outcome
from drg.scale.demo_checked import checked_lists, one_stop
from drg.scale.demo_figures import figures_of, files_left, made_plan, warning_of
from drg.scale.demo_settled import MONTH, MONTHS, POLICY, settled_months
from drg.scale.demo_simulated import simulated_cases
from drg.scale.find import find_claims
from drg.scale.group_file import group_file
from drg.scale.summary import aligned
from drg.text import language, text

__all__ = ["demo", "hospital_lines"]

SCHEME = "chs-drg-2.0"
CLAIMS, HOSPITALS, SEED = 20_000, 6, 2025
_TOP = 3


def demo(folder: Path, lang: str | None = None) -> Iterator[str]:
    """Make, group, explain, settle, check and tell; yields the lines to show as they come.

    Parameters
    ----------
    folder : Path
        Gets ``claims.csv``, ``grouped.csv``, ``settle/``, ``check/``, ``benefit/``, ``simulate/``,
        ``kpi/`` and ``fund/``; made if it does not exist.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    grouper = Grouper.load(SCHEME)
    folder.mkdir(parents=True, exist_ok=True)
    claims, grouped = folder / "claims.csv", folder / "grouped.csv"
    title = grouper.scheme.title(lang or language())
    yield text("cli.demo_made", lang, claims=f"{CLAIMS:,}", hospitals=HOSPITALS, title=title)
    made = synth(grouper.scheme, CLAIMS, SEED, hospitals=HOSPITALS)
    write_frames(claims, made)
    summary = group_file(grouper, claims, grouped)
    yield ""
    yield from summary.lines(lang)
    result = pl.read_csv(grouped, infer_schema=False)
    yield ""
    yield text("cli.demo_hospitals", lang)
    yield from hospital_lines(result, HOSPITALS, lang)
    yield ""
    one = _worth_reading(result)
    with open_claims(claims) as source:
        found = find_claims(source, one)[0]
    yield text("cli.demo_one", lang)
    yield from explain_lines(grouper.explain(found.claim), grouper.scheme, lang)
    yield ""
    yield from settled_months(folder / "settle", CLAIMS, SEED, HOSPITALS, lang)
    yield ""
    chosen = lang or language()
    yield from checked_lists(folder / "check", grouper, made, chosen)
    yield ""
    yield from one_stop(folder / "benefit", chosen)
    yield ""
    settle = folder / "settle"
    yield from simulated_cases(
        folder / "simulate", settle / "months" / f"{MONTH}.parquet", settle / "hospitals.csv",
        POLICY, chosen,
    )  # fmt: skip
    yield ""
    months = [folder / "settle" / str(month) for month in MONTHS]
    yield from figures_of(months, folder / "kpi", chosen)
    yield ""
    plan, accounts = made_plan(folder / "fund", months)
    yield from warning_of(months, folder / "fund", plan, accounts, chosen)
    yield ""
    yield from files_left(folder, chosen)
    yield ""
    yield text("cli.demo_next", lang, claims=claims, id=one, scheme=SCHEME)


def hospital_lines(result: pl.DataFrame, hospitals: int, lang: str | None) -> list[str]:
    """Claims, rate and most frequent groups of every made-up hospital."""
    levels = dict(synth_hospitals(hospitals).iter_rows())
    heads = ("hospital", "level", "claims", "rate", "top")
    rows = [tuple(text(f"cli.demo_head_{head}", lang) for head in heads)]
    for (hospital,), part in result.group_by("hospital_id", maintain_order=True):
        inside = part.filter(pl.col("outcome").cast(pl.String) == Outcome.GROUPED.value)
        named = inside["group_name"].cast(pl.String)
        top = named.value_counts(sort=True).head(_TOP)["group_name"].to_list()
        code_of = dict(inside.select("group_name", "group").iter_rows())
        names = text("explain.semicolon", lang).join(f"{code_of[n]} {n}" for n in top)
        level = text(f"cli.level_{levels[str(hospital)]}", lang)
        rate = f"{inside.height / part.height:.2%}"
        rows.append((str(hospital), level, f"{part.height:,}", rate, names))
    return aligned([rows[0], *sorted(rows[1:])], right=(2, 3))


def _worth_reading(result: pl.DataFrame) -> str:
    """Id of the first claim that was operated on and has a major complication."""
    worth = result.filter(
        (pl.col("outcome") == Outcome.GROUPED.value)
        & (pl.col("severity") == "MCC")
        & pl.col("adrg").str.slice(1, 1).is_between(pl.lit("A"), pl.lit("J"))
    )
    return str(worth["claim_id"][0])
