"""Rules of a source as rules of ours: spelling mended, sets settled, missing values settled."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from drg.errors import TableError
from drg.schemes.importing.conventions import layout
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
    State,
    compare,
    parse,
)

NEVER, ALWAYS = Const(False), Const(True)

_KEYWORDS = re.compile(
    r"\b(and|or|not|in|always|never|mcc|cc|sex|male|female|age|age_days|weight|los|icu_hours|gender"
    r"|birth_weight|agedays|los_days|icuhours|is|missing|invalid|count|trauma_sites|disposition"
    r"|department|insurance|admission_weight|ventilation_hours|true|false"
    r"|(?:principal|secondary|any)_(?:dx|px))\b",
    re.IGNORECASE,
)
_SEX = re.compile(r"\bsex\s*=\s*([^\s)]+)")
_BRACES = re.compile(r"(\{[^}]*\})")


def read_rule(text: str) -> tuple[Rule | None, bool]:
    """A rule of a source.

    Returns
    -------
    rule : Rule or None
        None: it cannot be read.
    respelled : bool
        Whether its spelling had to be mended first.
    """
    for respelled, attempt in ((False, text), (True, _respelled(text))):
        try:
            return parse(attempt), respelled
        except TableError:
            continue
    return None, False


def _respelled(text: str) -> str:
    known = layout("conventions")
    for sign, ours in known["rule_signs"].items():
        text = text.replace(sign, ours)
    parts = _BRACES.split(text)
    for place in range(0, len(parts), 2):  # what stands in braces is a value, not a word
        part = _KEYWORDS.sub(lambda m: m[0].lower(), parts[place])
        for word, ours in known["rule_words"].items():
            part = re.sub(rf"\b{word}\b" if word.isascii() else word, f" {ours} ", part)
        parts[place] = _SEX.sub(_sex, part)
    return " ".join("".join(parts).split())


def _sex(found: re.Match[str]) -> str:
    sex = layout("conventions")["sexes"].get(found[1].lower(), found[1])
    return f"sex = {sex}"


def settled(rule: Rule, codes_of: Callable[[Codes], Codes | None]) -> Rule:
    """A rule with its code tests settled; a test that can never hold is folded away.

    Parameters
    ----------
    rule : Rule
    codes_of : callable
        The code test to use instead, None when it can never hold.
    """
    match rule:
        case Codes():
            return codes_of(rule) or NEVER
        case Count(codes, op, value):
            found = codes_of(codes)
            if found is None:
                return ALWAYS if compare(0, op, value) else NEVER
            return Count(found, op, value)
        case Not(inner):
            return negation(settled(inner, codes_of))
        case And(parts):
            return conjunction([settled(part, codes_of) for part in parts])
        case Or(parts):
            return disjunction([settled(part, codes_of) for part in parts])
        case _:
            return rule


def negation(rule: Rule) -> Rule:
    """``not rule``, folded where the rule is constant."""
    return Const(not rule.value) if isinstance(rule, Const) else Not(rule)


def conjunction(parts: list[Rule]) -> Rule:
    """The parts joined by ``and``, constants folded."""
    if NEVER in parts:
        return NEVER
    rest = tuple(part for part in parts if part != ALWAYS)
    return rest[0] if len(rest) == 1 else And(rest) if rest else ALWAYS


def disjunction(parts: list[Rule]) -> Rule:
    """The parts joined by ``or``, constants folded."""
    if ALWAYS in parts:
        return ALWAYS
    rest = tuple(part for part in parts if part != NEVER)
    return rest[0] if len(rest) == 1 else Or(rest) if rest else NEVER


def two_valued(rule: Rule, blank_is_zero: Collection[str], negated: bool = False) -> Rule:
    """A rule that answers as if a comparison with a missing value were false, or one with 0.

    Under no ``not`` an unknown comparison does as well as a false one, so such rules stay as they
    are; under ``not`` the state of the field is asked for explicitly.

    Parameters
    ----------
    rule : Rule
    blank_is_zero : collection of str
        Number fields whose absence counts as 0.
    negated : bool
        Whether the rule stands under an odd number of ``not``.
    """
    match rule:
        case Compare(field, op, value) if field in blank_is_zero and compare(0, op, value):
            return Or((rule, State(field, "missing")))
        case Compare(field) | OneOf(field) if negated and field != "sex":
            return And((rule, Not(State(field, "missing")), Not(State(field, "invalid"))))
        case Not(inner):
            return Not(two_valued(inner, blank_is_zero, not negated))
        case And(parts):
            return And(tuple(two_valued(part, blank_is_zero, negated) for part in parts))
        case Or(parts):
            return Or(tuple(two_valued(part, blank_is_zero, negated) for part in parts))
        case _:
            return rule
