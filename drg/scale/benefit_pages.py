"""The list of plans of benefits; the page of one is told as a policy's is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from drg.benefits.model import LAYERS
from drg.benefits.plan import list_plans
from drg.scale.policy_pages import in_force_words, page_lines, place_words
from drg.text import aligned, language, text

if TYPE_CHECKING:
    from drg.benefits.plan import Plan

__all__ = ["list_lines", "plan_lines"]

#: Columns of figures.
_RIGHT = (5,)


def list_lines(lang: str | None = None) -> list[str]:
    """One line a shipped plan: id, place, in force, layers, how its numbers are known, title."""
    heads = ("id", "place", "in_force", "layers", "statuses", "wanted", "title")
    rows = [tuple(_say(f"head_{head}", lang) for head in heads)]
    comma = _say("comma", lang)
    rows += [
        (plan.id, place_words(plan, lang), in_force_words(plan, lang),
         comma.join(_say(f"layer_{kind}", lang) for kind in LAYERS if _has(plan, kind)),
         comma.join(_statuses(plan, lang)), str(len(plan.wanted)) if plan.wanted else "—",
         plan.title_zh if (lang or language()) == "zh" else plan.title_en)
        for plan in list_plans()
    ]  # fmt: skip
    return aligned(rows, right=_RIGHT)


def plan_lines(plan: Plan, lang: str | None = None) -> Iterator[str]:
    """A plan told: dates, every number with its status and document, notes, what is wanted."""
    return page_lines(plan, lang)


def _has(plan: Plan, kind: str) -> bool:
    return bool(plan.backstops if kind == "backstop" else getattr(plan, kind))


def _statuses(plan: Plan, lang: str | None) -> Iterator[str]:
    """How many numbers are known how, the most frequent first."""
    counts = Counter(found.status for found in plan.provenance.values())
    for status, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{text(f'policies.status_{status}', lang)} {count}"


def _say(key: str, lang: str | None) -> str:
    return text(f"benefits.{key}", lang)
