"""A visit answered on the terminal: cost, layers, how each was reckoned, the year, the check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from drg.reasons import reason_title
from drg.reports.benefit_numbers import numbers_used
from drg.reports.benefit_sheet import check_line, cost_rows, layer_rows, used_rows, visit_facts
from drg.reports.benefit_steps import step_words
from drg.reports.words import money
from drg.text import aligned, language, text

if TYPE_CHECKING:
    from drg.benefits.plan import Plan
    from drg.scale.benefit_answer import FoundVisit

__all__ = ["answer_lines"]

#: Reason of a visit for which the plan leaves a number open.
_OPEN = "N506"
_HEADS = ("base", "start", "paid", "capped", "left")


def answer_lines(
    plan: Plan, found: FoundVisit, statement: Path | None = None, lang: str | None = None
) -> Iterator[str]:
    """The answer for one visit.

    Parameters
    ----------
    plan : Plan
    found : FoundVisit
    statement : Path, optional
        The settlement sheet that was written, which is named in the end.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    lang = lang or language()
    one = found.one
    settled = one.settled
    title = plan.title_zh if lang == "zh" else plan.title_en
    facts = " · ".join(
        f"{name} {value}" for name, value in visit_facts(plan, found.facts, one, lang)
    )
    yield from aligned([
        (_say("plan", lang), f"{plan.id} ({plan.digest[:12]}) {title}"),
        (_say("who", lang), facts),
        *cost_rows(one.visit, settled, lang),
    ])  # fmt: skip
    for code in dict.fromkeys(filter(None, (settled.reason, found.reason))):
        key = "unsettled" if code == settled.reason else "note"
        yield _say(key, lang, reason=f"{code} {reason_title(code, lang)}")
    if settled.reason == _OPEN:
        yield from (f"  {path}: {why}" for path, why in plan.wanted.items())
    if settled.reason:
        return
    yield ""
    heads = (_say("head_layer", lang), *(_say(f"head_{head}", lang) for head in _HEADS))
    yield from aligned([heads, *layer_rows(plan, one, lang)], right=range(1, len(heads)))
    yield ""
    yield from step_words(plan, one, lang)
    yield from aligned([
        (_say("fund", lang), money(settled.fund)),
        (_say("patient", lang), money(settled.patient)),
        (_say("check", lang), check_line(settled)),
    ])  # fmt: skip
    yield ""
    head = tuple(_say(f"head_{head}", lang) for head in ("used", "before", "after"))
    yield from aligned([head, *used_rows(plan, one, lang)], right=(1, 2))
    if any(used.status == "recalled" for used in numbers_used(plan, one.visit, lang)):
        yield _say("recalled", lang)
    if statement is not None:
        yield _say("statement_at", lang, path=statement)


def _say(key: str, lang: str, **params: object) -> str:
    return text(f"benefits.{key}", lang, **params)
