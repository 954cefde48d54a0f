"""Claim values in words, and why a rule that did not hold came close."""

from __future__ import annotations

from drg.grouping.reference_case import Case
from drg.grouping.reference_rules import Interpreter, present
from drg.schemes.rules import SCALAR_FIELDS, And, Codes, Rule
from drg.schemes.words import field_words, rule_words, say, value_words


def scalars_words(case: Case, lang: str | None) -> str:
    """The scalar fields that a claim reports, and the two that every claim should."""
    parts = []
    for field, value in zip(SCALAR_FIELDS, case.values, strict=True):
        if value is not None:
            parts.append(f"{field_words(field, lang)} {value_words(field, value, lang)}")
        elif field in case.unusable:
            parts.append(f"{field_words(field, lang)} {say('state_invalid', lang)}")
        elif field in ("sex", "age"):
            parts.append(f"{field_words(field, lang)} {say('state_missing', lang)}")
    return say("comma", lang).join(parts)


def near_miss(rule: Rule, case: Case, interpreter: Interpreter, lang: str | None) -> str:
    """Why a rule failed by one part only, when a code of the claim speaks for it; else ``""``.

    Two cases are worth a coder's time: a code test of the rule holds and another part does not,
    and the rule asks for the principal procedure while a further one is in its list.
    """
    parts = rule.rules if isinstance(rule, And) else (rule,)
    met = [part for part in parts if interpreter.test(part)(case) is True]
    failed = [part for part in parts if part not in met]
    if len(failed) != 1:
        return ""
    misplaced = _misplaced(failed[0], case, interpreter)
    if not misplaced and not any(isinstance(part, Codes) for part in met):
        return ""
    told = [say("part_met", lang, part=rule_words(part, lang)) for part in met]
    words = rule_words(failed[0], lang)
    if misplaced:
        told.append(say("misplaced", lang, codes=say("comma", lang).join(misplaced), part=words))
    else:
        told.append(say("part_failed", lang, part=words))
    return say("semicolon", lang).join(told)


def _misplaced(rule: Rule, case: Case, interpreter: Interpreter) -> list[str]:
    """Procedures that the failing test lists but that stand at another position."""
    if not isinstance(rule, Codes) or rule.kind != "px":
        return []
    return sorted(interpreter.codes(rule) & present(case, "any", "px"))
