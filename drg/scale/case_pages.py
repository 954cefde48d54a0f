"""A case before settlement on the terminal: as it stands, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from drg.reports.case_words import (
    bound_rows,
    finding_lines,
    group_words,
    is_priced,
    money_rows,
    note_words,
    outcome_word,
    say,
    scenario_heads,
    scenario_row,
    stay_lines,
    term_rows,
    why_lines,
    yuan_or_dash,
)
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.simulate.answer import Explanation, Money, Simulation

__all__ = ["beside_lines", "scenario_table", "simulation_lines"]

_INDENT = "  "
#: Columns of the table of scenarios that hold figures.
_RIGHT = (0, 4, 6, 7, 8)


def beside_lines(explanation: Explanation, lang: str | None = None) -> Iterator[str]:
    """What stands beside the decision path of a case: money, bounds, stay, findings.

    Parameters
    ----------
    explanation : Explanation
    lang : {"zh", "en"}, optional
        Language; the context's when omitted. It should be that of the explanation.
    """
    money, stay = explanation.money, explanation.stay
    if money is not None:
        yield from _money_lines(money, lang)
    told = stay_lines(stay, None if money is None else money.cost_fen, lang)
    if told:
        yield ""
        yield say("part_stay", lang)
        yield from _indented(told)
    yield ""
    yield say("part_findings", lang)
    if not explanation.findings:
        yield _INDENT + say("no_findings", lang)
    for finding in explanation.findings:
        first, *more = finding_lines(finding, lang)
        yield _INDENT + first
        yield from _indented(more, 2)


def simulation_lines(simulation: Simulation, lang: str | None = None) -> Iterator[str]:
    """A case and its scenarios: one table, then why each is as it is, in recorded order.

    Parameters
    ----------
    simulation : Simulation
    lang : {"zh", "en"}, optional
        As for ``beside_lines``.
    """
    base = simulation.base
    group = base.grouping
    yield say("case_line", lang, id=base.claim_id, row=base.row)
    parts = [outcome_word(group.outcome, lang), group_words(group)]
    parts += [text(f"explain.severity_{group.severity}", lang)] if group.severity else []
    parts += [f"{group.reason} {group.reason_title}".rstrip()] if group.reason else []
    yield f"{say('part_result', lang)}: " + " · ".join(parts)
    yield say(
        "digests", lang, scheme=group.scheme_title or group.scheme or "—", digest=group.digest[:12]
    )
    yield from beside_lines(base, lang)
    yield ""
    if simulation.scenarios:
        yield from _scenario_lines(simulation, lang)
    else:
        yield say("no_scenarios", lang)
    if simulation.left_out:
        yield ""
        yield say("part_left_out", lang)
        yield from _indented(simulation.left_out)
    yield ""
    yield simulation.notice


def scenario_table(
    simulation: Simulation, lang: str | None = None, most: int | None = None
) -> list[str]:
    """The case as it stands and its scenarios beside each other; the first ``most`` of them."""
    priced = is_priced(simulation)
    rows = [scenario_row(one, priced, lang) for one in simulation.scenarios[:most]]
    table = [scenario_heads(priced, lang), scenario_row(simulation.base, priced, lang), *rows]
    return aligned(table, right=_RIGHT if priced else (0,))


def _money_lines(money: Money, lang: str | None) -> Iterator[str]:
    yield ""
    yield say(
        "part_money", lang, policy=money.policy, title=money.policy_title, digest=money.digest[:12]
    )
    if money.changed:
        yield _INDENT + say("part_numbers", lang, numbers="; ".join(money.changed))
    yield from _indented(aligned(money_rows(money, lang)))
    yield from _indented(note_words(money))
    if money.terms:
        yield say("part_terms", lang)
        yield from _indented(aligned(term_rows(money), right=(1,)))
    if money.bounds:
        yield say("part_bounds", lang, cost=yuan_or_dash(money.cost_fen))
        yield from _indented(aligned(bound_rows(money, lang)))


def _scenario_lines(simulation: Simulation, lang: str | None) -> Iterator[str]:
    scenarios = simulation.scenarios
    yield say("part_scenarios", lang, count=len(scenarios))
    yield from _indented(scenario_table(simulation, lang))
    yield ""
    yield say("part_because", lang)
    for scenario in scenarios:
        yield f"{_INDENT}{scenario.place}. {scenario.label}"
        yield from _indented(why_lines(scenario, simulation.base, lang), 2)


def _indented(lines: Sequence[str], depth: int = 1) -> Iterator[str]:
    return (_INDENT * depth + line for line in lines)
