"""Rules of the rule language as plain Python functions of a case: three-valued, no shortcuts.

``True``, ``False``, or ``None`` where a value that decides is missing (Kleene's logic).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from drg.grouping.reference_case import Case, SeverityFact
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
    compare,
    iter_atoms,
)

if TYPE_CHECKING:
    from drg.schemes.scheme import Scheme

Truth: TypeAlias = bool | None
Test: TypeAlias = Callable[[Case], Truth]


class Interpreter:
    """Turns the rules of one scheme into functions, each rule once.

    Parameters
    ----------
    scheme : Scheme
        Gives the named sets, the known codes, the severity and the exclusion tables.
    """

    def __init__(self, scheme: Scheme) -> None:
        self._sets = scheme.code_sets
        self._known = {"dx": scheme.known_dx, "px": scheme.known_px}
        self._site = scheme.trauma_site
        self._severity = scheme.severity
        self._levelled = frozenset(scheme.severity)
        self._exclusion = scheme.exclusion

    def codes(self, test: Codes) -> frozenset[str]:
        """The codes a code test looks for; ``P07.*`` stands for the known codes under it."""
        if test.name:
            return self._sets[test.name]
        prefixes = tuple(code[:-1] for code in test.codes if code.endswith(".*"))
        known = self._known[test.kind]
        listed = known.intersection(test.codes)
        return listed.union(c for c in known if c.startswith(prefixes)) if prefixes else listed

    def weigh(self, case: Case) -> None:
        """Find the severity levels of a case: a level is void if principal and table agree."""
        if self._levelled.isdisjoint(case.secondary_dx):
            return
        principal_table = self._exclusion.get(case.principal_dx or "")
        facts = []
        for code in dict.fromkeys(case.dx.codes):
            if code in self._levelled and code in case.secondary_dx:
                level, table = self._severity[code]
                facts.append(SeverityFact(code, level, table, table != principal_table))
        case.severity = tuple(facts)
        counting = [fact.level.split("+") for fact in facts if fact.counts]
        case.levels = frozenset(chain.from_iterable(counting))

    def test(self, rule: Rule) -> Test:
        """The rule as a function."""
        match rule:
            case Const(value):
                return lambda case: value
            case Codes(position, kind, _, _):
                return _in_codes(f"{position}_{kind}", self.codes(rule))
            case Count(codes, op, bound):
                return self._count(codes, op, bound)
            case TraumaSites(op, bound):
                return self._trauma_sites(op, bound)
            case Compare(field, op, bound):
                return _compare(SCALAR_FIELDS.index(field), op, bound)
            case OneOf(field, values):
                return _one_of(SCALAR_FIELDS.index(field), frozenset(values))
            case State(field, state):
                return _state(field, state)
            case Severity(level):
                return lambda case: level in case.levels
            case Not(inner):
                return _not(self.test(inner))
            case And(rules):
                return _all([self.test(part) for part in rules])
            case Or(rules):
                return _any([self.test(part) for part in rules])

    def _count(self, codes: Codes, op: str, bound: int) -> Test:
        wanted = self.codes(codes)
        position, kind = codes.position, codes.kind
        return lambda case: compare(len(wanted & present(case, position, kind)), op, bound)

    def _trauma_sites(self, op: str, bound: int) -> Test:
        site = self._site
        return lambda case: compare(
            len({site[code] for code in case.any_dx if code in site}), op, bound
        )


def present(case: Case, position: str, kind: str) -> frozenset[str]:
    """The known codes of a case at a position, principal included."""
    codes = getattr(case, f"{position}_{kind}")
    if position == "principal":
        return frozenset([codes] if codes else [])
    assert isinstance(codes, frozenset)
    return codes


def needed_fields(rule: Rule) -> tuple[str, ...]:
    """Fields whose absence can leave a rule unknown, in the order in which they are reported."""
    named = {atom.field for atom in iter_atoms(rule) if isinstance(atom, Compare | OneOf)}
    return tuple(field for field in SCALAR_FIELDS if field in named)


def _in_codes(position: str, wanted: frozenset[str]) -> Test:
    match position:
        case "principal_dx":
            return lambda case: case.principal_dx in wanted
        case "principal_px":
            return lambda case: case.principal_px in wanted
        case "secondary_dx":
            return lambda case: not wanted.isdisjoint(case.secondary_dx)
        case "secondary_px":
            return lambda case: not wanted.isdisjoint(case.secondary_px)
        case "any_dx":
            return lambda case: not wanted.isdisjoint(case.any_dx)
        case _:
            return lambda case: not wanted.isdisjoint(case.any_px)


def _compare(place: int, op: str, bound: int) -> Test:
    def test(case: Case) -> Truth:
        value = case.values[place]
        return compare(value, op, bound) if isinstance(value, int) else None

    return test


def _one_of(place: int, wanted: frozenset[str]) -> Test:
    def test(case: Case) -> Truth:
        value = case.values[place]
        return None if value is None else value in wanted

    return test


def _state(field: str, state: str) -> Test:
    if state != "missing":
        return lambda case: field in case.unusable
    if field in SCALAR_FIELDS:
        place = SCALAR_FIELDS.index(field)
        return lambda case: case.values[place] is None and field not in case.unusable
    return lambda case: getattr(case, field) is None and field not in case.unusable


def _not(inner: Test) -> Test:
    def test(case: Case) -> Truth:
        truth = inner(case)
        return None if truth is None else not truth

    return test


def _all(parts: list[Test]) -> Test:
    def test(case: Case) -> Truth:
        result: Truth = True
        for part in parts:
            truth = part(case)
            if truth is False:
                return False
            if truth is None:
                result = None
        return result

    return test


def _any(parts: list[Test]) -> Test:
    def test(case: Case) -> Truth:
        result: Truth = False
        for part in parts:
            truth = part(case)
            if truth is True:
                return True
            if truth is None:
                result = None
        return result

    return test
