"""One page that sums a settled month up: ``summary.html``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.reasons import reason_page, reason_title
from drg.reports.cover import deadline_words, place_of, policy_of, policy_words, status_words
from drg.reports.figures import by_class, by_mode, unpaid_by_reason
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
from drg.reports.words import count, money, say, word
from drg.text import language

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.ledger_check import LedgerFault
    from drg.settlement.settled import Settlement

__all__ = ["SUMMARY", "check_notice", "hospital_bars", "labelled", "origin_lines", "write_summary"]

SUMMARY = "summary.html"
#: Hospitals in the chart, gains and losses together.
_SHOWN = 12


def write_summary(
    folder: str | Path,
    settlement: Settlement,
    policy: Policy | None = None,
    *,
    faults: Sequence[LedgerFault] | None = None,
    lang: str | None = None,
) -> Path:
    """Write ``summary.html``: no network, no script; same settlement, same bytes.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    settlement : Settlement
    policy : Policy, optional
        For a settlement that was read from its folder, which does not hold its policy.
    faults : sequence of LedgerFault, optional
        What ``settlement.check()`` gave; it is asked when omitted.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.

    Raises
    ------
    InputError
        F204, F209, F210: the system refuses to write.
    ReportError
        P450: no policy, or another one than the month was settled under.
    """
    rules, lang = policy_of(settlement, policy), lang or language()
    found = settlement.check() if faults is None else faults
    whole = _page(settlement, rules, found, lang)
    path = Path(folder) / SUMMARY
    path.parent.mkdir(parents=True, exist_ok=True)
    save_page(path, whole)
    return path


def _page(settlement: Settlement, policy: Policy, faults: Sequence[LedgerFault], lang: str) -> str:
    lines = settlement.claims.lazy()
    modes, classes, unpaid = by_mode(lines), by_class(lines), unpaid_by_reason(lines)
    hospitals = _by_hospital(settlement.hospitals)
    sums = {name: int(hospitals[name].sum()) for name in _SUMMED}
    cost = money(sums["cost_fen"])
    lead = say(
        "page_lead",
        lang,
        hospitals=count(hospitals.height),
        claims=count(sums["claims"]),
        cost=cost,
    )
    title = say("page_title", lang, place=place_of(policy, lang), period=settlement.period)
    keys = [
        (say("key_cost", lang), cost),
        (say("key_fund", lang), money(sums["fund_fen"])),
        (say("key_patient", lang), money(sums["patient_fen"])),
        (say("key_hospital", lang), money(sums["result_fen"])),
        (say("key_advance", lang), money(sums["advance_fen"])),
        (say("key_unpaid", lang), count(sums["unsettled"])),
    ]
    by_fund = [
        Bar(word("mode", mode, lang), fen, money(fen))
        for mode, fen in modes.select("pay_mode", "fund_fen").iter_rows()
        if fen
    ]
    by_cases = [
        Bar(word("class", kind or "NONE", lang), cases, count(cases))
        for kind, cases in classes.iter_rows()
    ]
    return page(
        title,
        lang,
        [
            listed(
                [lead, labelled("deadlines", deadline_words(policy, settlement.period, lang), lang)]
            ),
            notice(say("not_official", lang)),
            notice(say("synthetic", lang), "bad") if policy.synthetic else "",
            check_notice(faults, lang),
            figures(keys),
            pair(_small("chart_modes", by_fund, lang), _small("chart_classes", by_cases, lang)),
            hospital_bars(list(hospitals.select("shown", "result_fen").iter_rows()), lang),
            section(say("table_unpaid", lang), _unpaid_table(unpaid, lang)),
            section(say("table_hospitals", lang), _hospital_table(hospitals, lang)),
            _findings(settlement.findings, lang),
            section(say("policy", lang), listed(origin_lines(policy, lang))),
        ],
    )


def _small(key: str, rows: Sequence[Bar], lang: str) -> str:
    return section(say(key, lang), chart(bars(say(key, lang), rows, width=330)))


_SUMMED = (
    "claims", "unsettled", "cost_fen", "patient_fen", "fund_fen", "result_fen", "advance_fen",
    "kept_fen",
)  # fmt: skip


def _by_hospital(table: pl.DataFrame) -> pl.DataFrame:
    """The month by hospital; ``result_fen`` is what it gains or, below zero, bears."""
    return (
        table.lazy()
        .with_columns(
            result_fen=-pl.col("hospital_fen"), kept_fen=pl.col("fund_fen") - pl.col("advance_fen")
        )
        .group_by("hospital")
        .agg(pl.col("name", "level").first(), pl.col(_SUMMED).sum())
        .sort("hospital")
        .with_columns(
            shown=pl.concat_str(
                "hospital", pl.col("name").fill_null(""), separator=" "
            ).str.strip_chars()
        )
        .collect()
    )


def check_notice(faults: Sequence[LedgerFault], lang: str, good: str = "check_green") -> str:
    """Whether the ledger holds, and what does not."""
    if not faults:
        return notice(say(good, lang), "good")
    lines = [fault.line(lang) for fault in faults]
    return notice(say("check_red", lang, count=len(faults)), "bad", lines)


def hospital_bars(
    results: Sequence[tuple[str, int]], lang: str, key: str = "chart_hospitals"
) -> str:
    """Chart of the largest amounts of hospitals, up or down, in fen."""
    largest = sorted(results, key=lambda row: (-abs(row[1]), row[0]))[:_SHOWN]
    shown = [
        Bar(name or say("unknown_hospital", lang), fen, money(fen))
        for name, fen in sorted(largest, key=lambda row: (-row[1], row[0]))
    ]
    more = len(results) - len(shown)
    note = say("chart_more", lang, count=count(more)) if more > 0 else ""
    title = say(key, lang)
    return section(title, chart(bars(title, shown), note))


def _hospital_table(hospitals: pl.DataFrame, lang: str) -> str:
    sums = ("claims", "unpaid", "cost", "patient", "fund", "hospital", "advance", "kept")
    columns = [Column(say("head_hospital_name", lang))]
    columns += [Column(say(f"head_{head}", lang), number=True) for head in sums]
    rows = [
        [" ".join(filter(None, (row["shown"] or say("unknown_hospital", lang), row["level"]))),
         *(count(row[name]) for name in _SUMMED[:2]), *(money(row[name]) for name in _SUMMED[2:])]
        for row in hospitals.iter_rows(named=True)
    ]  # fmt: skip
    return table(columns, rows)


def _unpaid_table(unpaid: pl.DataFrame, lang: str) -> str:
    if unpaid.is_empty():
        return listed([say("none_unpaid", lang)])
    columns = [
        Column(say("head_code", lang)),
        Column(say("head_claims", lang), number=True),
        Column(say("head_cost", lang), number=True),
        Column(say("head_reason", lang)),
        Column(say("head_mend", lang)),
    ]
    rows = [
        [code or "—", count(cases), money(fen), *_reason(code, lang)]
        for code, cases, fen in unpaid.iter_rows()
    ]
    return table(columns, rows)


def _reason(code: str | None, lang: str) -> tuple[str, str]:
    if not code:
        return say("no_reason", lang), ""
    if not reason_title(code, lang):
        return say("unregistered", lang, code=code), ""
    page_of = reason_page(code, lang)
    return page_of.title, page_of.mend


def _findings(findings: pl.DataFrame, lang: str) -> str:
    """Findings by code."""
    counts = (
        findings.group_by("code")
        .agg(pl.len().alias("n"))
        .sort(["n", "code"], descending=[True, False])
    )
    columns = [
        Column(say("head_code", lang)),
        Column(say("findings", lang), number=True),
        Column(say("head_what", lang)),
    ]
    rows = [[code, count(n), reason_title(code, lang)] for code, n in counts.iter_rows()]
    return section(say("findings", lang), table(columns, rows)) if rows else ""


def labelled(key: str, words: str, lang: str) -> str:
    """A line of a label and what it labels."""
    return f"{say(key, lang)}{say('colon', lang)}{words}"


def origin_lines(policy: Policy, lang: str) -> list[str]:
    """The policy, how its numbers are known, and the version that reckoned."""
    return [
        policy_words(policy, lang),
        f"SHA-256 {policy.digest}",
        labelled("status", status_words(policy, lang), lang),
        *(str(note.get(f"text_{lang}", "")) for note in policy.notes),
        say("made_with", lang, version=drg.__version__),
    ]
