"""The closed rule language: one parser, one AST, two consumers.

The reference grouper interprets the AST, ``compile`` lowers it. docs/rules.md is the manual.
Truth is three-valued: a comparison with a missing value is unknown, and an unknown rule does
not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from drg.errors import TableError

Position = Literal["principal", "secondary", "any"]
CodeKind = Literal["dx", "px"]

#: Scalar fields of a claim that rules may name, in the order in which a missing one is reported.
NUMBER_FIELDS = (
    "age",
    "age_days",
    "weight",
    "admission_weight",
    "los",
    "icu_hours",
    "ventilation_hours",
)
CHOICE_FIELDS = ("sex", "disposition", "department", "insurance")
SCALAR_FIELDS = NUMBER_FIELDS + CHOICE_FIELDS
PRINCIPAL_FIELDS = ("principal_dx", "principal_px")
SEXES = ("male", "female")
OPERATORS = ("<", "<=", "=", ">=", ">")


@dataclass(frozen=True, slots=True)
class Const:
    """``always`` / ``never``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Codes:
    """``any_px in NAME``: a code at a position is in a named set or an inline list.

    ``name`` is empty for an inline list; an inline code that ends in ``.*`` is a prefix.
    """

    position: Position
    kind: CodeKind
    name: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """``count any_px in NAME >= 2``: number of distinct listed codes present."""

    codes: Codes
    op: str
    value: int


@dataclass(frozen=True, slots=True)
class TraumaSites:
    """``trauma_sites >= 2``: distinct body sites among all diagnoses."""

    op: str
    value: int


@dataclass(frozen=True, slots=True)
class Compare:
    """``age <= 28``: a number field against an integer; unknown when the field has no value."""

    field: str
    op: str
    value: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """``sex = male`` / ``disposition in {2, 5}``; unknown when the field has no value."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """``age is missing``, ``sex is invalid``, ``principal_dx is unknown``: never unknown itself."""

    field: str
    state: Literal["missing", "invalid", "unknown"]


@dataclass(frozen=True, slots=True)
class Severity:
    """``mcc`` / ``cc``: a secondary diagnosis of that level that the principal does not void."""

    level: Literal["MCC", "CC"]


@dataclass(frozen=True, slots=True)
class Not:
    """``not x``."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class And:
    """``x and y``."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """``x or y``."""

    rules: tuple[Rule, ...]


Atom: TypeAlias = Const | Codes | Count | TraumaSites | Compare | OneOf | State | Severity
Rule: TypeAlias = Atom | Not | And | Or

#: Deepest nesting a rule may have; published rules need three levels.
MAX_DEPTH = 40

_TOKEN = re.compile(r"\s*(<=|>=|[<>=(){},]|[^\s<>=(){},]+)")
_CODE_FIELD = re.compile(r"(principal|secondary|any)_(dx|px)")
_PUNCTUATION = ("", "=", "(", ")", "{", "}", ",", "<", "<=", ">", ">=")
_INTEGER = re.compile(r"-?\d{1,9}")


class _Parser:
    def __init__(self, source: str, where: str) -> None:
        self.source = source
        self.where = where
        self.tokens = [(m.group(1), m.start(1)) for m in _TOKEN.finditer(source)]
        self.at = 0
        self.depth = 0

    def fail(self, wanted: str) -> TableError:
        found, column = (
            self.tokens[self.at] if self.at < len(self.tokens) else ("", len(self.source))
        )
        return TableError(
            "T101",
            where=self.where,
            rule=self.source,
            position=column + 1,
            found=found or "∅",
            wanted=wanted,
        )

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise self.fail(" / ".join(wanted) or "…")
        self.at += 1
        return token

    def rule(self) -> Rule:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"≤ {MAX_DEPTH} levels")
        terms = [self.term()]
        while self.peek() == "or":
            self.take()
            terms.append(self.term())
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def term(self) -> Rule:
        factors = [self.factor()]
        while self.peek() == "and":
            self.take()
            factors.append(self.factor())
        return factors[0] if len(factors) == 1 else And(tuple(factors))

    def factor(self) -> Rule:
        if self.peek() == "not":
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.fail(f"≤ {MAX_DEPTH} levels")
            self.take()
            inner = Not(self.factor())
            self.depth -= 1
            return inner
        if self.peek() == "(":
            self.take()
            inside = self.rule()
            self.take(")")
            return inside
        return self.atom()

    def atom(self) -> Atom:
        word = self.peek()
        if word in ("always", "never"):
            self.take()
            return Const(word == "always")
        if word in ("mcc", "cc"):
            self.take()
            return Severity("MCC" if word == "mcc" else "CC")
        if word == "count":
            self.take()
            if self.peek() not in ("any_dx", "any_px"):
                raise self.fail("any_dx / any_px")
            codes = self.codes()
            return Count(codes, self.take(*OPERATORS), self.integer())
        if word == "trauma_sites":
            self.take()
            return TraumaSites(self.take(*OPERATORS), self.integer())
        after = self.tokens[self.at + 1][0] if self.at + 1 < len(self.tokens) else ""
        if after == "is":
            return self.state()
        if _CODE_FIELD.fullmatch(word):
            return self.codes()
        if word in NUMBER_FIELDS:
            self.take()
            return Compare(word, self.take(*OPERATORS), self.integer())
        if word == "sex":
            self.take()
            self.take("=")
            return OneOf("sex", (self.take(*SEXES),))
        if word in CHOICE_FIELDS:
            self.take()
            self.take("in")
            return OneOf(word, self.braces())
        raise self.fail(
            "always, never, mcc, cc, count, trauma_sites, *_dx, *_px, " + ", ".join(SCALAR_FIELDS)
        )

    def codes(self) -> Codes:
        match = _CODE_FIELD.fullmatch(self.peek())
        if not match:
            raise self.fail(
                "principal_dx, secondary_dx, any_dx, principal_px, secondary_px, any_px"
            )
        self.take()
        self.take("in")
        position, kind = match.groups()
        if self.peek() == "{":
            return Codes(position, kind, "", self.braces())  # type: ignore[arg-type]
        if self.peek() in (*_PUNCTUATION, "and", "or", "not"):
            raise self.fail("NAME, {")
        name = self.take()
        return Codes(position, kind, name)  # type: ignore[arg-type]

    def state(self) -> State:
        field = self.take(*SCALAR_FIELDS, *PRINCIPAL_FIELDS)
        self.take("is")
        if field in PRINCIPAL_FIELDS:
            return State(field, self.take("missing", "unknown"))  # type: ignore[arg-type]
        return State(field, self.take("missing", "invalid"))  # type: ignore[arg-type]

    def integer(self) -> int:
        if not _INTEGER.fullmatch(self.peek()):
            raise self.fail("integer")
        return int(self.take())

    def braces(self) -> tuple[str, ...]:
        self.take("{")
        items = [self.value()]
        while self.peek() == ",":
            self.take()
            items.append(self.value())
        self.take("}")
        return tuple(items)

    def value(self) -> str:
        if self.peek() in _PUNCTUATION:
            raise self.fail("…")
        return self.take()


def parse(source: str, *, where: str = "") -> Rule:
    """Parse one rule.

    Parameters
    ----------
    source : str
        Rule text, e.g. ``"principal_dx in BB1.dx and any_px in BB1.px1"``.
    where : str, optional
        File, row and column for the error message.

    Raises
    ------
    TableError
        T101: the text is not a rule; names the position, what stands there and what may.
    """
    parser = _Parser(source, where)
    rule = parser.rule()
    if parser.at != len(parser.tokens):
        raise parser.fail("and, or")
    return rule


def to_text(rule: Rule) -> str:
    """The rule as text; ``parse(to_text(r)) == r`` for every rule the parser makes."""
    match rule:
        case Const(value):
            return "always" if value else "never"
        case Codes(position, kind, name, codes):
            inside = name or "{" + ", ".join(codes) + "}"
            return f"{position}_{kind} in {inside}"
        case Count(codes, op, value):
            return f"count {to_text(codes)} {op} {value}"
        case TraumaSites(op, value):
            return f"trauma_sites {op} {value}"
        case Compare(field, op, value):
            return f"{field} {op} {value}"
        case OneOf("sex", values):
            return f"sex = {values[0]}"
        case OneOf(field, values):
            return f"{field} in {{{', '.join(values)}}}"
        case State(field, state):
            return f"{field} is {state}"
        case Severity(level):
            return level.lower()
        case Not(inner):
            return f"not {_bracketed(inner)}"
        case And(rules):
            return " and ".join(_bracketed(r) for r in rules)
        case Or(rules):
            return " or ".join(_bracketed(r) if isinstance(r, Or) else to_text(r) for r in rules)


def _bracketed(rule: Rule) -> str:
    return f"({to_text(rule)})" if isinstance(rule, And | Or) else to_text(rule)


def iter_atoms(rule: Rule) -> Iterator[Atom]:
    """Every atom of a rule, left to right."""
    match rule:
        case Not(inner):
            yield from iter_atoms(inner)
        case And(rules) | Or(rules):
            for part in rules:
                yield from iter_atoms(part)
        case _:
            yield rule


def code_tests(rule: Rule) -> Iterator[Codes]:
    """Every code test of a rule, those inside counts included."""
    for atom in iter_atoms(rule):
        if isinstance(atom, Codes):
            yield atom
        elif isinstance(atom, Count):
            yield atom.codes


def compare(value: int, op: str, bound: int) -> bool:
    """``value op bound`` for the five operators of the language."""
    match op:
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case "=":
            return value == bound
        case ">=":
            return value >= bound
        case _:
            return value > bound
