"""Rules and claim values in words, and why a rule that did not hold came close."""

from __future__ import annotations

from drg.grouping.reference_case import Case
from drg.grouping.reference_rules import Interpreter, present
from drg.schemes.rules import (
    SCALAR_FIELDS,
    And,
    Codes,
    Compare,
    Const,
    Count,
    Not,
    OneOf,
    Or,
    Rule,
    Severity,
    State,
    TraumaSites,
    code_tests,
)
from drg.text import text


def say(key: str, lang: str | None, **params: object) -> str:
    """One wording of explain.toml."""
    return text(f"explain.{key}", lang, **params)


def _field(name: str, lang: str | None) -> str:
    return say(f"field_{name}", lang)


def _value(field: str, value: int | str, lang: str | None) -> str:
    """A scalar for a reader: sex in words, everything else as it is."""
    return say(f"sex_{value}", lang) if field == "sex" else str(value)


def scalars_words(case: Case, lang: str | None) -> str:
    """The scalar fields that a claim reports, and the two that every claim should."""
    parts = []
    for field, value in zip(SCALAR_FIELDS, case.values, strict=True):
        if value is not None:
            parts.append(f"{_field(field, lang)} {_value(field, value, lang)}")
        elif field in case.unusable:
            parts.append(f"{_field(field, lang)} {say('state_invalid', lang)}")
        elif field in ("sex", "age"):
            parts.append(f"{_field(field, lang)} {say('state_missing', lang)}")
    return say("comma", lang).join(parts)


def rule_words(rule: Rule, lang: str | None) -> str:
    """A rule in words, brackets where the language of rules needs them."""
    match rule:
        case Const(value):
            return say("always" if value else "never", lang)
        case Codes(position, kind, name, codes):
            where = name or "{" + ", ".join(codes) + "}"
            return say("rule_codes", lang, place=say(f"{position}_{kind}", lang), where=where)
        case Count(codes, op, value):
            inside = rule_words(codes, lang)
            return say("rule_count", lang, codes=inside, op=op, value=value)
        case TraumaSites(op, value):
            return say("rule_trauma", lang, op=op, value=value)
        case Compare(field, op, value):
            return f"{_field(field, lang)} {op} {value}"
        case OneOf(field, values):
            words = say("or_list", lang).join(_value(field, value, lang) for value in values)
            return say("rule_one_of", lang, field=_field(field, lang), values=words)
        case State(field, state):
            return f"{_field(field, lang)}{say(f'is_{state}', lang)}"
        case Severity(level):
            return say(f"rule_{level}", lang)
        case Not(inner):
            return say("rule_not", lang, rule=rule_words(inner, lang))
        case And(rules):
            return say("and", lang).join(_bracketed(part, lang) for part in rules)
        case Or(rules):
            return say("or", lang).join(_bracketed(part, lang) for part in rules)


def other_words(rule: Rule, lang: str | None) -> list[str]:
    """The parts of a conjunction that ask for no code, in words."""
    parts = rule.rules if isinstance(rule, And) else ()
    return [_bracketed(part, lang) for part in parts if not any(code_tests(part))]


def _bracketed(rule: Rule, lang: str | None) -> str:
    words = rule_words(rule, lang)
    return say("brackets", lang, rule=words) if isinstance(rule, And | Or) else words


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
