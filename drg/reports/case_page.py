"""One page of a case before settlement: result, money, bounds, path, findings, scenarios; A4."""

from __future__ import annotations

from collections.abc import Iterator
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
    severity_word,
    signed,
    stay_lines,
    term_rows,
    why_lines,
    yuan_or_dash,
)
from drg.reports.page import Column, Marked, figures, listed, notice, page, pair, section, table
from drg.simulate.answer import Explanation, Simulation
from drg.text import language

if TYPE_CHECKING:
    from drg.simulate.answer import Money

__all__ = ["case_page"]

#: Columns of the table of scenarios that hold figures.
_FIGURES = {"weight", "standard", "fund", "change", "findings"}
_STYLE = """
.path p { margin: 0; }
td small { white-space: pre-line; }
"""


def case_page(found: Explanation | Simulation, lang: str | None = None) -> str:
    """The page of one case, with its scenarios or as it stands.

    Parameters
    ----------
    found : Explanation or Simulation
    lang : {"zh", "en"}, optional
        Language; the context's when omitted. It should be that of ``found``.
    """
    lang = lang or language()
    simulation = found if isinstance(found, Simulation) else None
    base = found if isinstance(found, Explanation) else found.base
    money, grouping = base.money, base.grouping
    parts = [
        listed([
            say("case_line", lang, id=base.claim_id, row=base.row),
            say("digests", lang, scheme=grouping.scheme_title or grouping.scheme or "—",
                digest=grouping.digest[:12]),
        ]),
        notice(say("notice", lang)),
        figures(_figures(base, lang)),
    ]  # fmt: skip
    if grouping.reason:
        parts.append(notice(f"{grouping.reason} {grouping.reason_title}", "bad"))
    if money is not None:
        parts += _money_parts(money, lang)
    cost = None if money is None else money.cost_fen
    told = [line for finding in base.findings for line in finding_lines(finding, lang)]
    parts.append(
        pair(
            section(say("part_stay", lang), listed(stay_lines(base.stay, cost, lang)))
            + section(say("part_findings", lang), listed(told or [say("no_findings", lang)])),
            _codes(base, lang),
        )
    )
    if simulation is not None and simulation.scenarios:
        parts.append(_scenarios(simulation, lang))
    if simulation is not None and simulation.left_out:
        parts.append(section(say("part_left_out", lang), listed(simulation.left_out)))
    path = ["\u3000" * line.depth + line.text for line in base.path]
    parts.append(section(say("part_path", lang), f'<div class="path">{listed(path)}</div>'))
    return page(say("page_title", lang, id=base.claim_id), lang, parts, wide=True, own_style=_STYLE)


def _figures(base: Explanation, lang: str) -> list[tuple[str, str]]:
    money = base.money
    rows = [
        ("group", group_words(base.grouping)),
        ("outcome", " · ".join(filter(None, (
            outcome_word(base.grouping.outcome, lang), severity_word(base.grouping.severity, lang),
        )))),
    ]  # fmt: skip
    if money is not None:
        rows += [
            ("weight", money.weight or money.points or money.score or "—"),
            ("class", money.case_class_title or "—"),
            ("standard", yuan_or_dash(money.standard_fen)),
            ("cost", yuan_or_dash(money.cost_fen)),
            ("fund", yuan_or_dash(money.fund_fen)),
            ("difference", signed(money.difference_fen)),
        ]
    return [(say(f"figure_{name}", lang), value) for name, value in rows]


def _money_parts(money: Money, lang: str) -> Iterator[str]:
    title = say(
        "part_money", lang, policy=money.policy, title=money.policy_title, digest=money.digest[:12]
    )
    numbers = say("part_numbers", lang, numbers="; ".join(money.changed)) if money.changed else ""
    why = note_words(money)
    item, value, source = (say(f"column_{name}", lang) for name in ("item", "value", "source"))
    paid = section(
        title,
        listed([numbers]),
        notice(why[0], "bad", why[1:]) if why else "",
        table([Column(item), Column(value, number=True)], money_rows(money, lang)),
    )
    columns = [Column(item), Column(value, number=True), Column(source)]
    terms = table(columns, term_rows(money)) if money.terms else ""
    yield pair(paid, section(say("part_terms", lang), terms))
    if money.bounds:
        heads = ("bound", "amount", "distance", "side")
        yield section(
            say("part_bounds", lang, cost=yuan_or_dash(money.cost_fen)),
            table([Column(say(f"column_{name}", lang)) for name in heads], bound_rows(money, lang)),
        )


def _codes(base: Explanation, lang: str) -> str:
    rows = [" ".join(pair).rstrip() for pair in (*base.diagnoses, *base.procedures)]
    return section(say("part_codes", lang), listed(rows))


def _scenarios(simulation: Simulation, lang: str) -> str:
    scenarios = simulation.scenarios
    priced = is_priced(simulation)
    heads = scenario_heads(priced, lang)
    numbers = {say(f"table_{name}", lang) for name in _FIGURES}
    columns = [Column(head, number=head in numbers) for head in heads]
    rows = [scenario_row(simulation.base, priced, lang)]
    for scenario in scenarios:
        place, label, *rest = scenario_row(scenario, priced, lang)
        rows.append(
            (
                place,
                Marked(label, note="\n".join(why_lines(scenario, simulation.base, lang))),
                *rest,
            )
        )
    title = say("part_scenarios", lang, count=len(scenarios))
    return section(title, table(columns, rows))
