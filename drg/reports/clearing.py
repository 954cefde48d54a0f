"""A cleared year for those who read it: a statement per hospital and a summary page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.writers import write_workbook
from drg.money import round_scaled, unscaled
from drg.reasons import reason_title
from drg.reports.clearing_lines import (
    REASON_COLUMNS,
    month_rows,
    reason_rows,
    step_rows,
    value_rows,
)
from drg.reports.cover import place_of, policy_words, status_words
from drg.reports.documents import document_titles
from drg.reports.page import Column, figures, listed, notice, page, save_page, section, table
from drg.reports.statement import STATEMENTS, statement_files
from drg.reports.summary_page import SUMMARY, check_notice, hospital_bars, labelled, origin_lines
from drg.reports.words import count, insurance_word, money, say, word, worded
from drg.settlement.calendar import CalendarError, clearing_deadline
from drg.text import language

if TYPE_CHECKING:
    from drg.claims.form import Kind
    from drg.claims.workbook import Workbook
    from drg.settlement.ledger_check import LedgerFault
    from drg.settlement.year.allocation import Allocation
    from drg.settlement.year.clear import Clearing

__all__ = ["write_clearing"]

_WIDTHS = (30, 18, 18, 18, 18, 18, 18)
_VALUE = (
    "insurance", "own_score", "region_score", "pool", "settled_value", "pay_ratio", "own_part",
)  # fmt: skip
_MONTH = ("month", "claims", "cost", "fund", "advance", "kept")
_TABLE = ("claims", "cost", "priced", "payable", "advance", "clearing", "carried")
_ENTRIES = ("insurance", "account", "fen", "rule", "document", "ref")


def write_clearing(
    folder: str | Path,
    clearing: Clearing,
    *,
    faults: Sequence[LedgerFault] | None = None,
    lang: str | None = None,
) -> list[Path]:
    """Write ``statements/<hospital>.xlsx`` and ``summary.html``; same clearing, same bytes.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    clearing : Clearing
    faults : sequence of LedgerFault, optional
        What ``clearing.check()`` gave; it is asked when omitted.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.

    Returns
    -------
    list of Path
        The statements by hospital id, then the page.

    Raises
    ------
    InputError
        F205 xlsxwriter is missing; F204, F209, F210 the system refuses to write.
    """
    lang = lang or language()
    root = Path(folder)
    target = root / STATEMENTS
    target.mkdir(parents=True, exist_ok=True)
    titles = document_titles(clearing.policy.folder, lang)
    reasons = reason_rows(clearing, titles, lang)
    known = {*clearing.hospitals["hospital"], *clearing.ledger.entries["hospital"]}
    hospitals = sorted(known | {h for h in reasons if h})
    written = []
    for hospital, name in statement_files(hospitals).items():
        path = target / name
        metadata = {
            "drg.policy": clearing.policy.id,
            "drg.policy_digest": clearing.policy.digest,
            "drg.period": str(clearing.year),
            "drg.hospital": hospital,
        }
        with write_workbook(path, metadata, created=date(clearing.year, 12, 31)) as book:
            _cover(book, clearing, hospital, lang)
            _reasons(book, reasons.get(hospital, []), lang)
            _entries(book, clearing, hospital, titles, lang)
        written.append(path)
    found = clearing.check() if faults is None else faults
    root_page = root / SUMMARY
    save_page(root_page, _page(clearing, found, lang))
    return [*written, root_page]


# ---- a hospital's statement


def _cover(book: Workbook, clearing: Clearing, hospital: str, lang: str) -> None:
    own = clearing.hospitals.filter(pl.col("hospital") == hospital)
    name = next((n for n in own["name"] if n), "")
    policy = clearing.policy
    form = book.form(say("sheet_cover", lang), _WIDTHS)
    form.line(say("clearing_title", lang, place=place_of(policy, lang)), "title")
    form.pairs(
        [
            (say("hospital", lang), f"{hospital or say('unknown_hospital', lang)} {name}".strip()),
            (say("period", lang), str(clearing.year)),
            (say("policy", lang), policy_words(policy, lang)),
            (say("status", lang), status_words(policy, lang)),
            (say("deadlines", lang), _deadline(clearing, lang)),
        ]
    )
    if policy.synthetic:
        form.line(say("synthetic", lang), "head")
    form.gap()
    form.line(say("section_steps", lang), "head")
    insurances = [insurance_word(code, lang) for code in own["insurance"]]
    heads = [say("head_account", lang), *insurances, say("head_total", lang)]
    fen: Kind = "fen"
    number: Kind = "count"
    kinds: list[Kind] = ["text", *[fen] * len(insurances), fen]
    form.table(heads, kinds, [])
    counted: list[Kind] = ["text", *[number] * (len(kinds) - 1)]
    for row in step_rows(own, lang):
        form.table((), counted if row[0] == say("year_claims", lang) else kinds, [row])
    form.gap()
    if values := value_rows(clearing, hospital, lang):
        form.line(say("section_values", lang), "head")
        form.table(
            [say(f"head_{head}", lang) for head in _VALUE],
            ["text", "text", "text", fen, "text", "text", fen],
            values,
        )
        form.line(say("value_note", lang))
        form.gap()
    form.line(say("section_months", lang), "head")
    form.table(
        [say(f"head_{head}", lang) for head in _MONTH],
        ["text", "count", "fen", "fen", "fen", "fen"],
        month_rows(clearing, hospital, lang),
    )
    form.gap()
    form.line(say("not_official", lang))
    form.gap()
    form.line(say("signed", lang))


def _deadline(clearing: Clearing, lang: str) -> str:
    try:
        found = clearing_deadline(clearing.year, rules=clearing.policy.year)
    except CalendarError:
        return say("no_deadlines", lang)
    return say("clear_by", lang, day=found.deadline.isoformat())


def _reasons(book: Workbook, rows: Sequence[tuple[object, ...]], lang: str) -> None:
    schema = dict.fromkeys(REASON_COLUMNS, pl.String()) | {"amount_fen": pl.Int64()}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    sheet = book.sheet(
        say("sheet_taken", lang),
        frame.columns,
        heads={c: say(f"column_{c}", lang) for c in frame.columns},
        widths={"item": 30, "insurance": 12, "amount_fen": 16, "reason": 60, "mend": 50,
                "document": 40},
        fen=("amount_fen",),
        lines=[say("sheet_taken", lang)] if rows else [say("nothing_taken", lang)],
        printed=True,
    )  # fmt: skip
    sheet.append(frame)


def _entries(
    book: Workbook, clearing: Clearing, hospital: str, titles: dict[str, str], lang: str
) -> None:
    own = clearing.ledger.entries.filter(pl.col("hospital") == hospital).select(_ENTRIES)
    sheet = book.sheet(
        say("sheet_entries", lang),
        own.columns,
        heads={c: say(f"column_{'amount' if c == 'fen' else c}", lang) for c in own.columns},
        widths={"insurance": 12, "account": 22, "fen": 16, "rule": 24, "document": 50, "ref": 16},
        fen=("fen",),
        lines=[say("sheet_entries", lang)],
        printed=True,
    )
    known = {key: title for key, title in titles.items() if title}
    sheet.append(
        own.with_columns(
            worded(own["insurance"], "insurance", lang),
            worded(own["account"], "account", lang),
            pl.col("document").replace(known),
        )
    )


# ---- the page


def _page(clearing: Clearing, faults: Sequence[LedgerFault], lang: str) -> str:
    year = clearing.hospitals
    sums = {name: int(year[f"{name}_fen"].sum()) for name in _TABLE[1:]}
    hospitals = (
        year.group_by("hospital")
        .agg(
            pl.col("name").drop_nulls().first(),
            pl.col("claims").sum(),
            *(pl.col(f"{name}_fen").sum() for name in _TABLE[1:]),
        )
        .sort("hospital")
        .with_columns(
            shown=pl.concat_str(
                "hospital", pl.col("name").fill_null(""), separator=" "
            ).str.strip_chars()
        )
    )
    lead = say(
        "page_lead", lang, hospitals=count(hospitals.height),
        claims=count(int(year["claims"].sum())), cost=money(sums["cost"]),
    )  # fmt: skip
    keys = [(say(f"year_{name}", lang), money(sums[name])) for name in _TABLE[1:]]
    columns = [Column(say("head_hospital_name", lang))]
    columns += [Column(say(f"year_{name}", lang), number=True) for name in _TABLE]
    rows = [
        [row["shown"] or say("unknown_hospital", lang), count(row["claims"]),
         *(money(row[f"{name}_fen"]) for name in _TABLE[1:])]
        for row in hospitals.iter_rows(named=True)
    ]  # fmt: skip
    due = hospitals.select("shown", pl.col("clearing_fen") + pl.col("carried_fen"))
    place = place_of(clearing.policy, lang)
    return page(
        say("page_year", lang, place=place, period=str(clearing.year)),
        lang,
        [
            listed([lead, labelled("deadlines", _deadline(clearing, lang), lang)]),
            notice(say("not_official", lang)),
            notice(say("synthetic", lang), "bad") if clearing.policy.synthetic else "",
            check_notice(faults, lang, "year_green"),
            figures(keys),
            hospital_bars(list(due.iter_rows()), lang, "chart_due"),
            section(say("table_allocations", lang), _allocations(clearing, lang)),
            section(say("table_hospitals", lang), table(columns, rows)),
            section(say("table_heads", lang), _apart(clearing, lang)),
            _findings(clearing, lang),
            section(say("policy", lang), listed(origin_lines(clearing.policy, lang))),
        ],
    )


def _allocations(clearing: Clearing, lang: str) -> str:
    if not clearing.allocations:
        return ""
    heads = ("budget", "taken_out", "patient", "pool", "value")
    columns = [Column(say("head_insurance", lang)), Column(say("head_kind", lang))]
    columns += [Column(say(f"head_{head}", lang), number=True) for head in heads]
    rows = [
        [insurance_word(a.insurance, lang), word("allocation", a.mode, lang), money(a.budget),
         money(a.taken_out), money(a.patient), money(a.pool),
         _value(a)]
        for a in clearing.allocations
    ]  # fmt: skip
    return table(columns, rows)


def _value(one: Allocation) -> str:
    """What the pool gives for one unit of share; of scores the point value in yuan."""
    if one.settled is None:
        return unscaled(round_scaled(one.value, 6), 6)
    value = one.settled.value
    return "—" if value is None else unscaled(round_scaled(value))


def _apart(clearing: Clearing, lang: str) -> str:
    """Institutions and communities paid by the head."""
    columns = [Column(say("head_hospital_name", lang)), Column(say("head_kind", lang))]
    figures_of = ("given", "used", "change")
    columns += [Column(say(f"head_{head}", lang), number=True) for head in figures_of]
    rows = [
        [one.hospital, say("kind_heads", lang), money(one.capitation), money(one.reimbursed),
         say("open", lang) if one.open else money(one.adjustment)]
        for one in clearing.heads
    ] + [
        [one.hospital, say("kind_community", lang), money(one.package),
         money(one.own + one.outflow), say("open", lang) if one.open else money(one.adjustment)]
        for one in clearing.communities
    ]  # fmt: skip
    return table(columns, rows) if rows else ""


def _findings(clearing: Clearing, lang: str) -> str:
    rows = [
        [code, hospital or "—", claim or "", reason_title(code, lang)]
        for hospital, claim, code in clearing.findings.select(
            "hospital", "claim", "code"
        ).iter_rows()
    ]
    heads = ("code", "hospital_name", "claim", "what")
    columns = [Column(say(f"head_{head}", lang)) for head in heads]
    return section(say("findings", lang), table(columns, rows)) if rows else ""
