"""Words of the what-if's workbook, page and terminal lines: codes, keys and what changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from drg.money import PLACES, unscaled
from drg.reasons import reason_title
from drg.reports.words import count, insurance_word, word
from drg.text import catalogue, text

if TYPE_CHECKING:
    from drg.reports.whatif_report import WhatIfReport
    from drg.simulate.compare_runs import RunComparison

__all__ = [
    "code_words", "group_words", "idle_words", "note_words", "paid_words", "percent", "say",
    "signed", "title_of", "worded_rows",
]  # fmt: skip

#: Columns of codes to the kind of word that ``drg.reports.words`` has for them.
_KINDS = {"pay_mode": "mode", "case_class": "class", "branch": "branch"}
#: Reasons for not paying that are named, the most frequent ones.
_REASONS = 3
#: Columns of which a row has two, before and after.
_SIDES = ("before", "after")


def say(key: str, lang: str | None, /, **params: object) -> str:
    """One wording of whatif.toml."""
    return text(f"whatif.{key}", lang, **params)


def title_of(report: WhatIfReport, lang: str) -> str:
    """Title of page and workbook."""
    policy = report.baseline.policy
    return say("title", lang, policy=policy.title_en if lang == "en" else policy.title_zh)


def note_words(note: str, lang: str | None) -> str:
    """Why a claim is not paid: code and title."""
    return f"{note} {reason_title(note, lang)}".rstrip()


def paid_words(comparison: RunComparison, side: str, lang: str | None) -> str:
    """How many claims the fund pays ``before`` or ``after``, and why others are not paid."""
    notes = comparison.unpaid.get(side, {})
    paid = count(comparison.total[f"paid_{side}"])
    if not notes:
        return say("paid", lang, paid=paid)
    first = sorted(notes, key=lambda note: (-notes[note], note))[:_REASONS]
    words = [
        say("unpaid_note", lang, note=note_words(note, lang), count=count(notes[note]))
        for note in first
    ]
    if len(notes) > _REASONS:
        words.append("…")
    unpaid = count(sum(notes.values()))
    return say(
        "paid_but", lang, paid=paid, unpaid=unpaid, why=text("explain.semicolon", lang).join(words)
    )


def idle_words(comparison: RunComparison, lang: str | None) -> str:
    """That no claim differs, and whether that is because none is paid."""
    total = comparison.total
    return say("no_difference" if total["paid_before"] else "nothing_paid", lang)


def percent(ratio_e4: int | None) -> str:
    """A ratio of four decimals as per cent with its sign; ``—``: there is none."""
    if ratio_e4 is None:
        return "—"
    shown = unscaled(abs(ratio_e4) * 100, PLACES)
    whole, _, rest = shown.partition(".")
    sign = "-" if ratio_e4 < 0 else "+" if ratio_e4 > 0 else ""
    return f"{sign}{whole}.{(rest + '00')[:2]}%"


def signed(shown: str) -> str:
    """An amount as shown, with a plus where it is no loss and not nothing."""
    return shown if shown.startswith("-") or not shown.strip("0.,") else f"+{shown}"


def group_words(code: str | None, names: Mapping[str, str], lang: str | None) -> str:
    """A group with its name, or the outcome of a claim that is in none."""
    if code is None:
        return say("not_grouped", lang)
    if f"outcome_{code}" in catalogue("explain"):
        return text(f"explain.outcome_{code}", lang)
    return f"{code} {names.get(code, '')}".rstrip()


def code_words(column: str, code: str | None, names: Mapping[str, str], lang: str | None) -> str:
    """The key of a table, or a value of a row, in words."""
    if column == "group":
        return group_words(code, names, lang)
    if column == "insurance":
        return insurance_word(code, lang)
    if code is None:
        return "" if column in _KINDS else say("not_reported", lang)
    return word(_KINDS[column], code, lang) if column in _KINDS else code


def worded_rows(
    rows: pl.DataFrame, names: Mapping[str, Mapping[str, str]], lang: str
) -> pl.DataFrame:
    """Rows of ``ROW_SCHEMA`` with words in place of codes, each code looked up once.

    ``names`` has the groups' names of either side.
    """
    changes = []
    for column in ("group", *_KINDS):
        for side in _SIDES:
            series = rows[f"{column}_{side}"]
            own = names.get(side, {})
            found = {c: code_words(column, c, own, lang) for c in series.unique().drop_nulls()}
            changes.append(series.replace(found) if found else series)
    for side in _SIDES:
        series = rows[f"payment_note_{side}"]
        found = {note: note_words(note, lang) for note in series.unique().drop_nulls()}
        changes.append(series.replace(found) if found else series)
    codes = rows["insurance"].unique().drop_nulls()
    insurances = {code: insurance_word(code, lang) for code in codes}
    changes.append(rows["insurance"].replace(insurances) if insurances else rows["insurance"])
    kinds = {
        found: say("comma", lang).join(say(f"changed_{one}", lang) for one in found.split(","))
        for found in rows["changed"].unique()
    }
    changes.append(rows["changed"].replace(kinds) if kinds else rows["changed"])
    return rows.with_columns(changes)
