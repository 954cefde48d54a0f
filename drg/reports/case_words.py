"""One case before settlement in words, for the terminal and the page: money, bounds, findings.

Everything comes from the answer models of ``drg.simulate.answer``; nothing is reckoned here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.money import yuan
from drg.reports.words import money as marked
from drg.simulate.answer import Scenario
from drg.text import text

if TYPE_CHECKING:
    from drg.simulate.answer import (
        Bound,
        CaseFinding,
        Explanation,
        Grouping,
        Money,
        Simulation,
        Stay,
    )

__all__ = [
    "bound_rows", "finding_lines", "finding_words", "group_words", "is_priced", "level_word",
    "money_rows", "note_words", "outcome_word", "say", "scenario_heads", "scenario_row",
    "severity_word", "signed", "stay_lines", "term_rows", "why_lines",
    "yuan_or_dash",
]  # fmt: skip

_NONE = "—"


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """Wording of the catalogue's file ``simulate``."""
    return text(f"simulate.{key}", lang, **params)


def outcome_word(outcome: str, lang: str | None = None) -> str:
    """An outcome in words."""
    return text(f"explain.outcome_{outcome}", lang)


def severity_word(severity: str | None, lang: str | None = None) -> str:
    """``MCC``, ``CC``, or that there is neither; ``""`` where nothing is known."""
    if severity is None:
        return ""
    return say("severity_none", lang) if severity == "NONE" else severity


def level_word(level: str, lang: str | None = None) -> str:
    """The level of a finding in words."""
    return text(f"check.level_{level}", lang)


def finding_words(finding: CaseFinding, lang: str | None = None) -> str:
    """Code, title and what is concerned, in one line."""
    if not finding.concerns:
        return f"{finding.code} {finding.title}"
    return say(
        "finding_concerns", lang, code=finding.code, title=finding.title, what=finding.concerns
    )


def finding_lines(finding: CaseFinding, lang: str | None = None) -> list[str]:
    """A finding with its level, what is at stake, and the mend."""
    line = f"[{level_word(finding.level, lang)}] {finding_words(finding, lang)}"
    if finding.amount_fen is not None:
        line += f" · {say('finding_amount', lang, amount=marked(finding.amount_fen))}"
    return [line, *([say("finding_mend", lang, mend=finding.mend)] if finding.mend else [])]


def group_words(grouping: Grouping) -> str:
    """Code and name of the group; a dash where there is none."""
    return f"{grouping.group or _NONE} {grouping.group_name or ''}".rstrip()


def yuan_or_dash(fen: int | None) -> str:
    """Yuan with two places and marks of thousands."""
    return _NONE if fen is None else marked(fen)


def signed(fen: int | None) -> str:
    """A difference in yuan with its sign."""
    if fen is None:
        return _NONE
    return f"+{marked(fen)}" if fen > 0 else marked(fen)


def money_rows(money: Money, lang: str | None = None) -> list[tuple[str, str]]:
    """What a case is expected to be paid: names and values, amounts in yuan."""
    mode = " · ".join(filter(None, (money.pay_mode_title or money.pay_mode, money.route_title)))
    kind = " · ".join(filter(None, (money.case_class_title, money.branch_title)))
    rows = [
        (say("head_pay_mode", lang), mode),
        (say("head_case_class", lang), kind),
        (say("head_cost_fen", lang), yuan_or_dash(money.cost_fen)),
        (say("head_standard_fen", lang), yuan_or_dash(money.standard_fen)),
        (say("head_patient_fen", lang), yuan_or_dash(money.patient_fen)),
        (say("head_fund_fen", lang), yuan_or_dash(money.fund_fen)),
        (say("head_difference_fen", lang), signed(money.difference_fen)),
    ]
    if money.capped_fund_fen is not None:
        rows.append((say("head_capped_fund_fen", lang), yuan_or_dash(money.capped_fund_fen)))
    return [(name, value) for name, value in rows if value]


def note_words(money: Money) -> list[str]:
    """Why a case is not payable as it stands, and the mend."""
    if money.note is None:
        return []
    return list(filter(None, (f"{money.note} {money.note_title}".rstrip(), money.note_mend)))


def why_lines(scenario: Scenario, base: Explanation, lang: str | None = None) -> list[str]:
    """Why a scenario is as it is; the mend, where payment meets what the case has not met."""
    lines = [*scenario.because]
    money = scenario.money
    known = None if base.money is None else base.money.note
    if money is not None and money.note not in (None, known) and money.note_mend:
        lines.append(say("finding_mend", lang, mend=money.note_mend))
    for key, found in (("found_raised", scenario.raised), ("found_cleared", scenario.cleared)):
        lines += [say(key, lang, finding=finding_words(one, lang)) for one in found]
    return lines


def term_rows(money: Money) -> list[tuple[str, str, str]]:
    """Terms of the price: name, value, where it stands."""
    return [
        (term.name, term.value if term.amount_fen is None else marked(term.amount_fen), term.source)
        for term in money.terms
    ]


def bound_rows(money: Money, lang: str | None = None) -> list[tuple[str, str, str, str]]:
    """Bounds of the cost classes: title, amount, how far the cost is, where it counts."""
    return [
        (
            bound.title,
            say("bound_line", lang, amount=marked(bound.amount_fen), multiple=bound.multiple),
            _distance(bound, lang),
            _side(bound, lang),
        )
        for bound in money.bounds
    ]


def _side(bound: Bound, lang: str | None) -> str:
    """Whether a cost at the bound belongs beyond it."""
    side = "low" if bound.kind == "low" else "high"
    return say(f"{side}_{'inclusive' if bound.inclusive else 'exclusive'}", lang)


def _distance(bound: Bound, lang: str | None) -> str:
    if not bound.distance_fen:
        return say("bound_at", lang)
    key = "bound_below" if bound.distance_fen > 0 else "bound_above"
    share = _percent(bound.distance_ratio)
    return say(key, lang, distance=marked(abs(bound.distance_fen)), share=share)


def _percent(ratio: str | None) -> str:
    """A ratio of four places as per cent, by its digits."""
    if ratio is None:
        return _NONE
    digits = ratio.lstrip("-")
    whole, _, places = digits.partition(".")
    # Ten-thousandths are to per cent what fen are to yuan.
    return f"{yuan(int(whole + places.ljust(4, '0')[:4]))}%"


def stay_lines(stay: Stay, cost_fen: int | None, lang: str | None = None) -> list[str]:
    """Days and cost against the means of the group, and where those stand."""
    lines = []
    if stay.ratio is not None:
        days = {"days": stay.los_days, "mean": stay.mean_days, "ratio": stay.ratio}
        lines.append(say("stay_days", lang, **days))
    elif stay.los_days is not None:
        lines.append(say("stay_only", lang, days=stay.los_days))
    if stay.cost_ratio is not None:
        told = {"mean": yuan_or_dash(stay.mean_cost_fen), "ratio": stay.cost_ratio}
        if cost_fen is None:
            lines.append(say("stay_cost_ratio", lang, **told))
        else:
            lines.append(say("stay_cost", lang, cost=marked(cost_fen), **told))
    if not stay.source:
        return lines
    if stay.mean_days is None and stay.mean_cost_fen is None:
        return [*lines, stay.source]  # why there is nothing to compare with
    return [*lines, say("stay_source", lang, source=stay.source)]


def is_priced(simulation: Simulation) -> bool:
    """Whether the case or a scenario has an amount to show."""
    return simulation.base.money is not None or any(
        scenario.money is not None for scenario in simulation.scenarios
    )


def scenario_heads(priced: bool, lang: str | None = None) -> tuple[str, ...]:
    """Headings of the table of scenarios."""
    names = ["place", "label", "group", "severity"]
    if priced:
        names += ["weight", "class", "standard", "fund", "change"]
    return tuple(say(f"table_{name}", lang) for name in (*names, "findings"))


def scenario_row(
    one: Explanation | Scenario, priced: bool, lang: str | None = None
) -> tuple[str, ...]:
    """One line of that table: the case as it stands, or a scenario."""
    scenario = one if isinstance(one, Scenario) else None
    money = one.money
    group = group_words(one.grouping)
    if not one.grouping.group:
        group = outcome_word(one.grouping.outcome, lang)
    if scenario is not None and scenario.same_group:
        group = f"{one.grouping.group or group} ({say('mark_same', lang)})"
    cells = [
        "" if scenario is None else str(scenario.place),
        say("this_case", lang) if scenario is None else scenario.label,
        group,
        severity_word(one.grouping.severity, lang),
    ]
    if priced:
        cells += [
            _NONE if money is None else (money.weight or money.points or money.score or _NONE),
            "" if money is None else money.case_class_title,
            yuan_or_dash(None if money is None else money.standard_fen),
            yuan_or_dash(None if money is None else money.fund_fen),
            "" if scenario is None else signed(scenario.difference.fund_fen),
        ]
    if not isinstance(one, Scenario):
        return (*cells, str(len(one.findings)))
    marks = [f"+{len(one.raised)}"] if one.raised else []
    marks += [f"-{len(one.cleared)}"] if one.cleared else []
    return (*cells, " ".join(marks))
