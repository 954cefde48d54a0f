"""Simulated cases as rows: one frame of cases, one of scenarios, one of findings.

Amounts are Int64 fen; weights, points and ratios are decimal text as the answers have them. Rows
stand in the order of the file, scenarios in clinical and recorded order, never by payment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from drg.reports.case_words import (
    finding_words,
    level_word,
    note_words,
    outcome_word,
    say,
    severity_word,
)
from drg.text import text

if TYPE_CHECKING:
    from drg.simulate.answer import Bound, CaseFinding, Explanation, Money, Scenario, Simulation

__all__ = [
    "CASES", "DECIMALS", "FACTS", "FINDINGS", "SCENARIOS", "SHEETS", "Facts", "frames_of",
]  # fmt: skip

#: What is told of a case as the file has it.
FACTS = ("department", "sex", "age")
Facts = Mapping[str, str]

_TEXT, _FEN, _COUNT = pl.String(), pl.Int64(), pl.Int64()
#: Columns of each sheet. ``_fen`` ends amounts; the rest of the numbers are counts.
CASES = pl.Schema(
    {
        "row": _COUNT,
        "claim_id": _TEXT,
        **dict.fromkeys(FACTS, _TEXT),
        "principal_dx": _TEXT,
        "principal_dx_name": _TEXT,
        "principal_px": _TEXT,
        "principal_px_name": _TEXT,
        "outcome": _TEXT,
        "reason": _TEXT,
        "group": _TEXT,
        "group_name": _TEXT,
        "severity": _TEXT,
        "pay_mode": _TEXT,
        "case_class": _TEXT,
        "weight": _TEXT,
        "points": _TEXT,
        "coefficient": _TEXT,
        "standard_fen": _FEN,
        "cost_fen": _FEN,
        "patient_fen": _FEN,
        "fund_fen": _FEN,
        "difference_fen": _FEN,
        "capped_fund_fen": _FEN,
        "low_fen": _FEN,
        "to_low_fen": _FEN,
        "high_fen": _FEN,
        "to_high_fen": _FEN,
        "note": _TEXT,
        "los_days": _COUNT,
        "mean_days": _TEXT,
        "los_ratio": _TEXT,
        "mean_cost_fen": _FEN,
        "cost_ratio": _TEXT,
        "findings": _COUNT,
        "scenarios": _COUNT,
        "moved": _COUNT,
        "left_out": _TEXT,
    }
)
SCENARIOS = pl.Schema(
    {
        "row": _COUNT,
        "claim_id": _TEXT,
        "place": _COUNT,
        "kind": _TEXT,
        "label": _TEXT,
        "changes": _TEXT,
        "outcome": _TEXT,
        "group": _TEXT,
        "group_name": _TEXT,
        "severity": _TEXT,
        "same_group": _TEXT,
        "pay_mode": _TEXT,
        "case_class": _TEXT,
        "weight": _TEXT,
        "points": _TEXT,
        "standard_fen": _FEN,
        "fund_fen": _FEN,
        "weight_change": _TEXT,
        "points_change": _TEXT,
        "standard_change_fen": _FEN,
        "fund_change_fen": _FEN,
        "difference_change_fen": _FEN,
        "because": _TEXT,
        "raised": _TEXT,
        "cleared": _TEXT,
        "note": _TEXT,
    }
)
FINDINGS = pl.Schema(
    {
        "row": _COUNT,
        "claim_id": _TEXT,
        "place": _COUNT,
        "label": _TEXT,
        "standing": _TEXT,
        "code": _TEXT,
        "level": _TEXT,
        "title": _TEXT,
        "concerns": _TEXT,
        "amount_fen": _FEN,
        "mend": _TEXT,
    }
)
#: Sheets, and files of a folder, in order.
SHEETS: Mapping[str, pl.Schema] = {"cases": CASES, "scenarios": SCENARIOS, "findings": FINDINGS}
#: Decimal text of at most so many places, which a workbook holds as numbers.
DECIMALS: Mapping[str, int] = {
    "weight": 4, "points": 4, "coefficient": 6, "mean_days": 2, "los_ratio": 4, "cost_ratio": 4,
    "weight_change": 4, "points_change": 4,
}  # fmt: skip


def frames_of(
    simulations: Sequence[Simulation], facts: Sequence[Facts], lang: str
) -> dict[str, pl.DataFrame]:
    """The three frames of some cases.

    Parameters
    ----------
    simulations : sequence of Simulation
        In the order of the file.
    facts : sequence of mapping of str to str
        ``FACTS`` of each, as far as the file has them.
    lang : {"zh", "en"}

    Returns
    -------
    dict of str to DataFrame
        By the names of ``SHEETS``, with their columns; one row of ``cases`` a simulation.
    """
    cases, scenarios, findings = [], [], []
    for simulation, own in zip(simulations, facts, strict=True):
        base = simulation.base
        cases.append(_case(simulation, own, lang))
        findings += [
            _finding(base, 0, say("this_case", lang), "existing", found, lang)
            for found in base.findings
        ]
        for scenario in simulation.scenarios:
            scenarios.append(_scenario(base, scenario, lang))
            for standing in ("raised", "cleared"):
                findings += [
                    _finding(base, scenario.place, scenario.label, standing, found, lang)
                    for found in getattr(scenario, standing)
                ]
    rows = {"cases": cases, "scenarios": scenarios, "findings": findings}
    return {
        name: pl.DataFrame(rows[name], schema=schema, orient="row")
        for name, schema in SHEETS.items()
    }


def _case(simulation: Simulation, facts: Facts, lang: str) -> tuple[object, ...]:
    base = simulation.base
    group, money, stay = base.grouping, base.money, base.stay
    dx, dx_name = base.diagnoses[0] if base.diagnoses else (None, None)
    px, px_name = base.procedures[0] if base.procedures else (None, None)
    low, high = _bound(money, "low"), _bound(money, "high")
    return (
        base.row,
        base.claim_id,
        *(facts.get(name) or None for name in FACTS),
        dx or None,
        dx_name or None,
        px or None,
        px_name or None,
        outcome_word(group.outcome, lang),
        _reason(group.reason, group.reason_title),
        group.group,
        group.group_name,
        severity_word(group.severity, lang) or None,
        *_paid(money),
        money and money.coefficient,
        money and money.standard_fen,
        money and money.cost_fen,
        money and money.patient_fen,
        money and money.fund_fen,
        money and money.difference_fen,
        money and money.capped_fund_fen,
        low and low.amount_fen,
        low and low.distance_fen,
        high and high.amount_fen,
        high and high.distance_fen,
        _note(money, lang),
        stay.los_days,
        stay.mean_days,
        stay.ratio,
        stay.mean_cost_fen,
        stay.cost_ratio,
        len(base.findings),
        len(simulation.scenarios),
        sum(not scenario.same_group for scenario in simulation.scenarios),
        _joined(simulation.left_out, lang),
    )


def _scenario(base: Explanation, scenario: Scenario, lang: str) -> tuple[object, ...]:
    group, money, less = scenario.grouping, scenario.money, scenario.difference
    changes = [
        say("change", lang, title=c.title, before=c.before or "—", after=c.after or "—")
        for c in scenario.changes
    ]
    return (
        base.row,
        base.claim_id,
        scenario.place,
        say(f"kind_{scenario.kind}", lang),
        scenario.label,
        _joined(changes, lang),
        outcome_word(group.outcome, lang),
        group.group,
        group.group_name,
        severity_word(group.severity, lang) or None,
        say("same_yes" if scenario.same_group else "same_no", lang),
        *_paid(money),
        money and money.standard_fen,
        money and money.fund_fen,
        less.weight,
        less.score,
        less.standard_fen,
        less.fund_fen,
        less.difference_fen,
        _joined(scenario.because, lang),
        _joined([finding_words(found, lang) for found in scenario.raised], lang),
        _joined([finding_words(found, lang) for found in scenario.cleared], lang),
        _note(money, lang),
    )


def _finding(
    base: Explanation, place: int, label: str, standing: str, found: CaseFinding, lang: str
) -> tuple[object, ...]:
    return (
        base.row,
        base.claim_id,
        place,
        label,
        say(f"standing_{standing}", lang),
        found.code,
        level_word(found.level, lang),
        found.title,
        found.concerns or None,
        found.amount_fen,
        found.mend or None,
    )


def _paid(money: Money | None) -> tuple[str | None, ...]:
    """Mode, class, weight, points."""
    if money is None:
        return (None,) * 4
    return (
        money.pay_mode_title or money.pay_mode,
        money.case_class_title or money.case_class,
        money.weight,
        money.points or money.score,
    )


def _bound(money: Money | None, kind: str) -> Bound | None:
    found = () if money is None else money.bounds
    return next((bound for bound in found if bound.kind == kind), None)


def _note(money: Money | None, lang: str) -> str | None:
    return None if money is None else _joined(note_words(money), lang)


def _joined(words: Sequence[str], lang: str) -> str | None:
    return text("explain.semicolon", lang).join(words) or None


def _reason(code: str | None, title: str) -> str | None:
    return f"{code} {title}".rstrip() if code else None
