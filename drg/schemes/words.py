"""Rules in words: what a coder reads instead of the rule language."""

from __future__ import annotations

from drg.schemes.rules import (
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


def field_words(name: str, lang: str | None) -> str:
    """A field of a claim by its name for a reader."""
    return say(f"field_{name}", lang)


def value_words(field: str, value: int | str, lang: str | None) -> str:
    """A scalar for a reader: sex in words, everything else as it is."""
    return say(f"sex_{value}", lang) if field == "sex" else str(value)


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
            return f"{field_words(field, lang)} {op} {value}"
        case OneOf(field, values):
            words = say("or_list", lang).join(value_words(field, value, lang) for value in values)
            return say("rule_one_of", lang, field=field_words(field, lang), values=words)
        case State(field, state):
            return f"{field_words(field, lang)}{say(f'is_{state}', lang)}"
        case Severity(level):
            return say(f"rule_{level}", lang)
        case Not(inner):
            return say("rule_not", lang, rule=rule_words(inner, lang))
        case And(rules):
            return say("and", lang).join(bracketed_words(part, lang) for part in rules)
        case Or(rules):
            return say("or", lang).join(bracketed_words(part, lang) for part in rules)


def other_words(rule: Rule, lang: str | None) -> list[str]:
    """The parts of a conjunction that ask for no code, in words."""
    parts = rule.rules if isinstance(rule, And) else ()
    return [bracketed_words(part, lang) for part in parts if not any(code_tests(part))]


def bracketed_words(rule: Rule, lang: str | None) -> str:
    """A rule in words, in brackets where it has parts."""
    words = rule_words(rule, lang)
    return say("brackets", lang, rule=words) if isinstance(rule, And | Or) else words
