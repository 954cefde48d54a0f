"""The second part of ``drg demo``: half a year of Harbin's groups settled, the last month told.

Real weights and rates, but of different years (policy ``demo-2024``): nobody was paid by it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from drg.claims.synth import synth, synth_hospitals
from drg.claims.writers import write_frames
from drg.dates import Month
from drg.grouping.grouper import Grouper
from drg.grouping.result import Outcome
from drg.payment.policy.catalog import load_policy
from drg.reports.documents import document_titles
from drg.reports.figures import batches, claim_lines, payable
from drg.reports.statement import STATEMENTS, statement_files
from drg.reports.summary_page import SUMMARY
from drg.reports.unpaid import unpaid_lines
from drg.reports.words import insurance_word, money, say, word
from drg.scale.settle_file import SettleRun, settle_file
from drg.scale.settle_words import report_lines
from drg.settlement.store import MANIFEST
from drg.text import aligned, language, text

__all__ = ["register", "settled_months"]

SCHEME, POLICY, MONTH = "haerbin-2022", "demo-2024", Month(2024, 6)
#: Months settled; the last one is told and gets statements.
MONTHS = tuple(Month(2024, number) for number in range(1, 7))
#: What is decided on one claim each of the first hospital.
_MATTERS = ("dispute", "hold", "deduction")
#: Of the amounts not paid so many of a kind are shown.
_SHOWN = 1


def settled_months(
    folder: Path, n: int, seed: int, hospitals: int, lang: str | None = None
) -> Iterator[str]:
    """Make, group and settle the months; yields the lines to show as they come.

    Parameters
    ----------
    folder : Path
        Gets grouped claims by month in ``months/``, ``hospitals.csv``, ``decisions.csv`` and a
        folder for each month, which takes the place of an earlier one.
    n, seed, hospitals : int
        As ``synth`` takes them.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    grouper, policy = Grouper.load(SCHEME), load_policy(POLICY, on=MONTH)
    lang = lang or language()
    folder.mkdir(parents=True, exist_ok=True)
    yield text(
        "cli.demo_settle", lang, claims=f"{n:,}", first=MONTHS[0], last=MONTH,
        title=grouper.scheme.title(lang),
        policy=policy.title_en if lang == "en" else policy.title_zh,
    )  # fmt: skip
    made = synth(
        grouper.scheme, n, seed, hospitals=hospitals, month=str(MONTHS[0]), months=len(MONTHS)
    )
    grouped = grouper.group_frame(made)
    hospitals_file, decided = folder / "hospitals.csv", folder / "decisions.csv"
    write_frames(hospitals_file, register(hospitals, lang))
    (folder / "months").mkdir(exist_ok=True)
    for month in MONTHS:
        part = grouped.filter(pl.col("discharged_on").cast(pl.String).str.starts_with(str(month)))
        source, out = folder / "months" / f"{month}.parquet", folder / str(month)
        write_frames(source, part)
        if (out / MANIFEST).is_file():
            shutil.rmtree(out)
        last = month == MONTH
        if last:
            write_frames(decided, _decisions(part, lang))
        run = settle_file(
            source, policy, out, month=month, hospitals=hospitals_file,
            decisions=decided if last else None,
            statements=last and find_spec("xlsxwriter") is not None,
        )  # fmt: skip
    yield ""
    yield from report_lines(run, policy, lang)
    yield ""
    yield text("cli.demo_hospitals", lang)
    yield from _hospital_lines(run.settlement.hospitals, lang)
    yield ""
    yield from _statement_lines(run, lang)
    yield ""
    faults = run.settlement.check()
    yield say("check_red", lang, count=len(faults)) if faults else say("check_green", lang)
    yield text("cli.demo_page", lang, path=run.output / SUMMARY)


def register(hospitals: int, lang: str | None) -> pl.DataFrame:
    """Register of the made-up hospitals: id, level, name."""
    frame = synth_hospitals(hospitals)
    levels = [text(f"cli.level_{level}", lang) for level in frame["level"]]
    names = [text("cli.demo_hospital_name", lang, number=n + 1) for n in range(frame.height)]
    return frame.with_columns(pl.Series("name", names), pl.Series("level", levels))


def _decisions(grouped: pl.DataFrame, lang: str | None) -> pl.DataFrame:
    """A dispute, a hold and a deduction, on claims that make a difference."""
    first = grouped["hospital_id"].drop_nulls().min()
    paid = grouped.filter(
        (pl.col("hospital_id") == first)
        & (pl.col("outcome").cast(pl.String) == Outcome.GROUPED.value)
        & pl.col("claim_id").is_not_null()
    )
    ids = paid["claim_id"].head(len(_MATTERS))
    return pl.DataFrame(
        {
            "claim_id": ids,
            "matter": _MATTERS[: len(ids)],
            "decision": ["open", "open", "accepted"][: len(ids)],
            "amount": ["", "", "500.00"][: len(ids)],
            "on": [MONTH.next.first.isoformat()] * len(ids),
            "reason": [text(f"cli.demo_reason_{m}", lang) for m in _MATTERS[: len(ids)]],
            "document": [""] * len(ids),
        }
    )


def _hospital_lines(table: pl.DataFrame, lang: str | None) -> list[str]:
    heads = ("hospital_name", "level", "claims", "unpaid", "cost", "patient", "fund", "hospital",
             "advance")  # fmt: skip
    rows = [tuple(say(f"head_{head}", lang) for head in heads)]
    sums = ("claims", "unsettled", "cost_fen", "patient_fen", "fund_fen", "hospital_fen",
            "advance_fen")  # fmt: skip
    parts = table.group_by("hospital").agg(pl.col("level").first(), pl.col(sums).sum())
    for hospital, level, claims, unpaid, *fen in parts.sort("hospital").iter_rows():
        fen[3] = -fen[3]  # what is borne, told as the difference
        rows.append((hospital, level or "", f"{claims:,}", f"{unpaid:,}", *map(money, fen)))
    return aligned(rows, right=tuple(range(2, len(heads))))


def _statement_lines(run: SettleRun, lang: str | None) -> Iterator[str]:
    """One statement: what the fund owes, what becomes of it, and why not all is paid."""
    settled = run.settlement
    hospital = str(settled.hospitals["hospital"][0])
    titles = document_titles(lang=lang)
    kept = batches(settled.ledger).filter(pl.col("hospital") == hospital)
    rows = [
        (insurance_word(i, lang), say("payable", lang), money(fen), "", "")
        for i, fen in payable(settled.ledger)
        .filter(pl.col("hospital") == hospital)
        .select("insurance", "fen")
        .iter_rows()
    ]
    rows += [
        (insurance_word(i, lang), word("account", a, lang), money(fen), rule, titles.get(doc, doc))
        for i, a, fen, rule, doc in kept.select(
            "insurance", "account", "fen", "rule", "document"
        ).iter_rows()
    ]
    name = statement_files([hospital])[hospital]
    yield text("cli.demo_statement", lang, path=run.output / STATEMENTS / name)
    order = sorted(range(len(rows)), key=lambda n: rows[n][0])
    yield from aligned([rows[n] for n in order], right=(2,))
    lines = claim_lines(settled.claims).filter(pl.col("hospital_id") == hospital)
    told = unpaid_lines(
        lines, settled.ledger, kept, settled.matters.filter(pl.col("hospital") == hospital),
        documents=titles, lang=lang,
    )  # fmt: skip
    some = told.group_by("kind", maintain_order=True).head(_SHOWN)
    yield text("cli.demo_reasons", lang)
    yield from aligned(
        [
            (f"  {word('kind', kind, lang)}", ref, money(fen), reason)
            for kind, ref, fen, reason in some.select(
                "kind", "ref", "amount_fen", "reason"
            ).iter_rows()
        ],
        right=(2,),
    )
