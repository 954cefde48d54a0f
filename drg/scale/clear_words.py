"""What clearing a year came to, in lines: budgets, sums, findings, check, deadline, files."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from drg.money import PLACES, round_scaled, unscaled
from drg.reasons import reason_title
from drg.reports.words import insurance_word, money, word
from drg.settlement.calendar import CalendarError, clearing_deadline
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.scale.clear_folders import ClearRun
    from drg.settlement.year.allocation import Allocation
    from drg.settlement.year.clear import Clearing

__all__ = ["report_lines"]

#: Columns of the year table that are told, where they are not all nothing.
_SUMS = (
    "cost", "patient", "priced", "moved", "assessed", "deduction", "sharing", "reward",
    "violation", "payable", "withheld", "advance", "working_capital", "clearing", "carried",
)  # fmt: skip
_ALWAYS = ("priced", "payable", "advance", "clearing")


def report_lines(run: ClearRun, lang: str | None = None) -> list[str]:
    """The lines that ``drg clear`` ends with."""
    clearing = run.clearing
    policy, table = clearing.policy, clearing.hospitals
    hospitals, claims = table["hospital"].n_unique(), int(table["claims"].sum())
    entries = clearing.ledger.entries.height
    rows: list[tuple[str, str]] = [
        (_say("policy", lang), f"{policy.id} ({policy.digest[:12]})"),
        (_say("year", lang), f"{clearing.year} {_say('prior_run', lang, run=run.run)}"),
        (
            _say("claims", lang),
            _say("year_claims_of", lang, hospitals=f"{hospitals:,}", claims=f"{claims:,}"),
        ),
        *(_allocation(one, lang) for one in clearing.allocations),
        *_sums(clearing, lang),
        *_heads(clearing, lang),
        *_findings(clearing),
        (_say("check", lang), _say("year_check_ok", lang, entries=f"{entries:,}")),
        *_deadline(clearing, lang),
        (_say("time", lang), _say("seconds", lang, seconds=f"{run.seconds:.2f}")),
        (_say("out", lang), f"{run.output}: {' '.join(run.files)}"),
    ]
    return aligned(rows)


def _allocation(one: Allocation, lang: str | None) -> tuple[str, str]:
    value = one.value / 100 * 10**PLACES if one.mode == "points" else one.value * 10 ** (2 * PLACES)
    if one.settled is not None:
        value = one.settled.value or Fraction(0)
    shown = unscaled(round_scaled(value), PLACES)
    told = _say(
        f"given_{one.mode}", lang, budget=money(one.budget), taken=money(one.taken_out),
        patient=money(one.patient), pool=money(one.pool), value=shown,
    )  # fmt: skip
    return insurance_word(one.insurance, lang), told


def _sums(clearing: Clearing, lang: str | None) -> Iterator[tuple[str, str]]:
    for name in _SUMS:
        total = int(clearing.hospitals[f"{name}_fen"].sum())
        if total or name in _ALWAYS:
            yield word("year", name, lang), money(total)


def _heads(clearing: Clearing, lang: str | None) -> Iterator[tuple[str, str]]:
    for key, parts in (("year_heads", clearing.heads), ("year_packages", clearing.communities)):
        if parts:
            total = sum(part.adjustment for part in parts)
            yield _say(key, lang), _say("year_apart", lang, count=len(parts), fen=money(total))


def _findings(clearing: Clearing) -> Iterator[tuple[str, str]]:
    for code, count in clearing.findings.group_by("code").len().sort("code").iter_rows():
        yield f"  {code}", f"{count:,} {reason_title(code)}"


def _deadline(clearing: Clearing, lang: str | None) -> Iterator[tuple[str, str]]:
    """The day, and how much of the year clearing still moved."""
    try:
        found = clearing_deadline(clearing.year, rules=clearing.policy.year)
    except CalendarError as error:
        yield _say("deadline", lang), error.message(lang)
        return
    payable = int(clearing.hospitals["payable_fen"].sum())
    cleared = int(clearing.hospitals["clearing_fen"].sum())
    part = Fraction(cleared, payable) if payable > 0 else Fraction(0)
    told = _say(
        "clear_by",
        lang,
        day=found.deadline.isoformat(),
        part=unscaled(round_scaled(part * 100, 2), 2),
    )
    share = found.share(lang)
    yield _say("deadline", lang), told + (_say("plan_share", lang, share=share) if share else "")


def _say(key: str, lang: str | None, /, **params: object) -> str:
    return text(f"settle.{key}", lang, **params)
