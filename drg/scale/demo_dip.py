"""``drg demo --dip``: a made-up year from claims to cleared points.

Real groups and scores of Tai'an's catalogue of 2025; the policy ``dip-demo-2025``, its point value
and the budget are made up, and nobody was paid by them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.readers import open_claims
from drg.claims.writers import write_frames
from drg.dates import Month
from drg.dip.grouper import DipGrouper
from drg.dip.synth import synth
from drg.grouping.result import Outcome
from drg.money import round_scaled, unscaled
from drg.payment.policy.catalog import load_policy
from drg.reports.summary_page import SUMMARY
from drg.reports.words import insurance_word, money
from drg.scale.clear_folders import ClearRun, clear_folders
from drg.scale.clear_words import report_lines as clear_lines
from drg.scale.demo import hospital_lines
from drg.scale.demo_figures import warning_of
from drg.scale.demo_settled import register
from drg.scale.find import find_claims
from drg.scale.group_file import group_file
from drg.scale.settle_file import SettleRun, settle_file
from drg.scale.settle_words import report_lines as month_lines
from drg.settlement.store import MANIFEST
from drg.text import aligned, language, text

if TYPE_CHECKING:
    from drg.payment.policy import Policy

__all__ = ["demo_dip"]

CATALOGUE, POLICY, YEAR = "taian-2025", "dip-demo-2025", 2025
CLAIMS, HOSPITALS, SEED = 24_000, 6, 2025
#: Result of the year's assessment, by hospital.
_ASSESSMENTS = ("0.99", "1", "0.985", "1", "0.98", "1")
#: Month that is told, and that gets statements.
_SHOWN = 6
#: Months that the fund warning knows of.
_WARNED = 9
#: The budget is so much of what the months owe, so the settlement point value is the lower one.
_BUDGET_PER_CENT = 97
_STEPS = ("draft", "agency_measure", "consultation", "hospital_reply", "negotiated", "signed")
_VALUE_PLACES = 4


def demo_dip(folder: Path, lang: str | None = None) -> Iterator[str]:
    """Make, group, explain, settle twelve months and clear them; yields the lines as they come.

    Parameters
    ----------
    folder : Path
        Gets ``claims.csv``, ``grouped.parquet``, ``hospitals.csv``, ``budget.csv``, grouped claims
        by month in ``months/``, what was settled in ``2025/``, and the fund warning in ``fund/``;
        made if it does not exist.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    lang = lang or language()
    grouper = DipGrouper.load(CATALOGUE)
    folder.mkdir(parents=True, exist_ok=True)
    claims, grouped = folder / "claims.csv", folder / "grouped.parquet"
    title = grouper.catalogue.title_en if lang == "en" else grouper.catalogue.title_zh
    yield _say("made", lang, claims=f"{CLAIMS:,}", hospitals=HOSPITALS, year=YEAR, title=title)
    made = synth(
        grouper.catalogue, CLAIMS, SEED, hospitals=HOSPITALS, month=f"{YEAR}-01", months=12
    )
    write_frames(claims, made)
    summary = group_file(grouper, claims, grouped)
    yield ""
    yield from summary.lines(lang)
    result = pl.read_parquet(grouped)
    yield ""
    yield text("cli.demo_hospitals", lang)
    yield from hospital_lines(result, HOSPITALS, lang)
    yield ""
    one = _worth_reading(result)
    with open_claims(claims) as source:
        found = find_claims(source, one)[0]
    yield text("cli.demo_one", lang)
    yield from grouper.explain_lines(found.claim, lang)
    yield ""
    policy = load_policy(POLICY, on=Month(YEAR, 12))
    yield _say("settle", lang, policy=policy.title_en if lang == "en" else policy.title_zh)
    yield ""
    yield from _settled(folder, result, policy, lang)
    yield _say("next", lang, claims=claims, id=one, scheme=CATALOGUE)


def _settled(folder: Path, result: pl.DataFrame, policy: Policy, lang: str) -> Iterator[str]:
    """Settle the months, show one, clear the year."""
    hospitals = folder / "hospitals.csv"
    known = register(HOSPITALS, lang)
    assessed = pl.Series("assessment", _ASSESSMENTS[: known.height])
    write_frames(hospitals, known.with_columns(assessed))
    out = folder / str(YEAR)
    runs = list(_months(folder, out, result, policy, hospitals))
    yield from month_lines(runs[_SHOWN - 1], policy, lang)
    yield ""
    budget = folder / "budget.csv"
    write_frames(budget, _budget(runs))
    yield _say("clear", lang, year=YEAR, part=_BUDGET_PER_CENT, path=budget)
    yield ""
    cleared = clear_folders(
        [run.output for run in runs], policy, _fresh(out / "clear"), year=YEAR, budget=budget,
        hospitals=hospitals, statements=find_spec("xlsxwriter") is not None,
    )  # fmt: skip
    yield from clear_lines(cleared, lang)
    yield ""
    yield from _values(cleared, policy, lang)
    yield ""
    yield from _cleared(cleared, lang)
    yield _say("page", lang, path=cleared.output / SUMMARY)
    yield ""
    yield from warning_of(
        [run.output for run in runs[:_WARNED]], folder / "fund", budget, None, lang
    )
    yield ""


def _months(
    folder: Path, out: Path, result: pl.DataFrame, policy: Policy, hospitals: Path
) -> Iterator[SettleRun]:
    with_statements = find_spec("xlsxwriter") is not None
    for number in range(1, 13):
        month = Month(YEAR, number)
        source = folder / "months" / f"{month}.parquet"
        source.parent.mkdir(exist_ok=True)
        write_frames(source, result.filter(pl.col("discharged_on").str.starts_with(str(month))))
        yield settle_file(
            source, policy, _fresh(out / str(month)), month=month, hospitals=hospitals,
            statements=with_statements and number == _SHOWN,
        )  # fmt: skip


def _fresh(folder: Path) -> Path:
    """The folder, without what an earlier demo settled there."""
    if (folder / MANIFEST).is_file():
        shutil.rmtree(folder)
    return folder


def _budget(runs: list[SettleRun]) -> pl.DataFrame:
    """The region's budget by insurance: a part of what the months owe, in whole yuan."""
    owed = pl.concat([run.settlement.hospitals.select("insurance", "fund_fen") for run in runs])
    sums = owed.group_by("insurance").agg(pl.col("fund_fen").sum()).sort("insurance")
    rows = [
        ("city", "demo", insurance, str(YEAR), step, str(fen * _BUDGET_PER_CENT // 10_000))
        for insurance, fen in sums.iter_rows()
        for step in _STEPS
    ]
    heads = ("level", "unit", "insurance", "period", "step", "amount")
    return pl.DataFrame(rows, schema=dict.fromkeys(heads, pl.String), orient="row")


def _values(cleared: ClearRun, policy: Policy, lang: str) -> Iterator[str]:
    """Budget point value against settlement point value."""
    heads = ("insurance", "score", "budget_value", "settled_value", "pay_ratio")
    rows = [tuple(_say(f"head_{head}", lang) for head in heads)]
    at_first = {row.insurance: row.yuan for row in policy.dip.point_values} if policy.dip else {}
    for one in cleared.clearing.allocations:
        if (settled := one.settled) is None:
            continue
        value, ratio = settled.value, settled.pay_ratio
        first = at_first.get(one.insurance, at_first.get(""))
        rows.append(
            (
                insurance_word(one.insurance, lang),
                unscaled(settled.score_e4, _VALUE_PLACES),
                "—" if first is None else _decimal(Fraction(first)),
                "—" if value is None else _decimal(value),
                "—" if ratio is None else _decimal(ratio),
            )
        )
    yield _say("values", lang)
    yield from aligned(rows, right=(1, 2, 3, 4))


def _decimal(value: Fraction) -> str:
    return unscaled(round_scaled(value, _VALUE_PLACES), _VALUE_PLACES)


def _cleared(cleared: ClearRun, lang: str) -> Iterator[str]:
    """Points and money of every hospital at the year's end."""
    points: dict[str, int] = {}
    for one in cleared.clearing.allocations:
        for hospital, share in one.shares.items():
            points[hospital] = points.get(hospital, 0) + share
    sums = ("claims", "cost_fen", "priced_fen", "payable_fen", "advance_fen", "clearing_fen")
    table = cleared.clearing.hospitals.group_by("hospital").agg(
        pl.col("name").first(), pl.col(sums).sum()
    )
    rows = [tuple(_say(f"head_{h}", lang) for h in ("hospital", "claims", "points", "cost",
                  "priced", "payable", "advance", "clearing"))]  # fmt: skip
    for hospital, name, claims, *fen in table.sort("hospital").iter_rows():
        shown = unscaled(points.get(hospital, 0), _VALUE_PLACES)
        rows.append((name or hospital, f"{claims:,}", shown, *map(money, fen)))
    yield _say("hospitals", lang)
    yield from aligned(rows, right=tuple(range(1, len(rows[0]))))


def _worth_reading(result: pl.DataFrame) -> str:
    """Id of the first claim that several groups fit, in one with an auxiliary subtype."""
    grouped = pl.col("outcome").cast(pl.String) == Outcome.GROUPED.value
    worth = result.filter(
        grouped & pl.col("decided_by").is_not_null() & pl.col("auxiliary").is_not_null()
    )
    return str(worth["claim_id"][0])


def _say(key: str, lang: str, /, **params: object) -> str:
    return text(f"dip.dip_demo.{key}", lang, **params)
