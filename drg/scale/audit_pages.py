"""Pages of audit rules: what a rule looks at, why, what to do about a hit, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from drg.audit.kind import Params
from drg.audit.lists import RuleList
from drg.audit.rules import list_rule_sets
from drg.paths import tables_root
from drg.text import language, text

if TYPE_CHECKING:
    from pathlib import Path

    from drg.audit.model import Rule

__all__ = ["rule_ids", "rule_lines", "rule_title"]

#: Shown first where several sets have a rule, for the others may have changed it.
_USUAL = "national"
_PARTS = ("what", "why", "mend", "example")


def rule_ids() -> tuple[str, ...]:
    """Ids of the rules of all shipped sets, in order."""
    return tuple(sorted(_rules(tables_root())))


def rule_title(rule_id: str, lang: str | None = None) -> str:
    """Title of a rule."""
    rule = _rules(tables_root())[rule_id][0]
    return _worded(rule, "title", lang or language())


def rule_lines(rule_id: str, lang: str | None = None) -> list[str]:
    """The page of a rule as the usual set has it, and the sets that have it.

    Parameters
    ----------
    rule_id : str
        One of ``rule_ids``.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    lang = lang or language()
    rule, sets = _rules(tables_root())[rule_id]
    told = {"level": text(f"check.level_{rule.level.value}", lang)}
    if rule.type:
        told["type"] = text(f"check.type_{rule.type}", lang)
    told |= {part: _worded(rule, part, lang) for part in _PARTS}
    if rule.params:
        params = {name: _shown(value, lang) for name, value in rule.params.items()}
        # What holds of every claim says nothing.
        told["params"] = text("explain.semicolon", lang).join(
            f"{name} = {shown}" for name, shown in params.items() if shown != "{}"
        )
    status = text(f"check.status_{rule.status}", lang)
    told["source"] = text("check.source_words", lang, source=rule.source, status=status)
    told["sets"] = text("explain.comma", lang).join(sets)
    head = f"{rule.id} {_worded(rule, 'title', lang)}"
    return [head, *(text(f"check.page_{part}", lang) + words for part, words in told.items())]


@cache
def _rules(_root: Path) -> Mapping[str, tuple[Rule, tuple[str, ...]]]:
    """Every rule, of the usual set where that has it, and the ids of the sets that have it."""
    found: dict[str, tuple[Rule, tuple[str, ...]]] = {}
    for rules in sorted(list_rule_sets(), key=lambda rules: (rules.id != _USUAL, rules.id)):
        for rule in rules.rules:
            first, sets = found.get(rule.id, (rule, ()))
            found[rule.id] = (first, (*sets, rules.id))
    return found


def _worded(rule: Rule, part: str, lang: str) -> str:
    return str(getattr(rule, f"{part}_{lang}"))


def _shown(value: Any, lang: str) -> str:
    """A parameter as a table of rules would write it; a list by its name and length."""
    if value is None:
        return text("check.page_unset", lang)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Params):
        parts = (f"{n} = {_shown(part, lang)}" for n, part in value if part not in (None, ()))
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, RuleList):
        if value.name:
            return f"{value.name} ({len(value.rows)})"
        value = value.codes
    if isinstance(value, tuple | list | frozenset):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value)
