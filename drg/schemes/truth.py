"""Rules seen from one side: what a code class or a scalar's value says about them.

Truth is three-valued. A ``View`` knows some atoms and leaves the others open; ``possible`` asks
which rules it does not rule out, and ``terms`` writes a rule as "or" of "and"s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from drg.errors import TableError
from drg.schemes import rules
from drg.schemes.rules import (
    And,
    Atom,
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
)

Bools = NDArray[np.bool_]
Literal = tuple[Atom, bool]
Term = tuple[Literal, ...]

#: Most alternatives a rule may have when written as "or" of "and"s.
MAX_TERMS = 64


class View:
    """What is known of a claim; here: nothing."""

    size = 1

    def atom(self, atom: Atom) -> tuple[Bools | bool, Bools | bool]:
        return False, True


def kleene(rule: Rule, known: View) -> tuple[Bools | bool, Bools | bool]:
    """(holds for certain, may hold) of a rule, given what a view knows; the rest is open."""
    match rule:
        case Const(value):
            return value, value
        case Not(inner):
            low, high = kleene(inner, known)
            return np.logical_not(high), np.logical_not(low)
        case And(parts):
            pairs = [kleene(part, known) for part in parts]
            return _fold(np.logical_and, [p[0] for p in pairs]), _fold(
                np.logical_and, [p[1] for p in pairs]
            )
        case Or(parts):
            pairs = [kleene(part, known) for part in parts]
            return _fold(np.logical_or, [p[0] for p in pairs]), _fold(
                np.logical_or, [p[1] for p in pairs]
            )
        case _:
            return known.atom(rule)


def _fold(join: np.ufunc, parts: Sequence[Bools | bool]) -> Bools | bool:
    result = parts[0]
    for part in parts[1:]:
        result = join(result, part)
    return result


class Field(View):
    """One scalar field: the intervals its rules tell apart. Row 0 is null, row 1 invalid."""

    def __init__(self, name: str, atoms: Iterable[Atom], choices: tuple[str, ...]) -> None:
        self.name = name
        self.choices = choices
        bounds: set[int] = set()
        for atom in atoms:
            if isinstance(atom, Compare) and atom.field == name:
                bounds |= {
                    "<": {atom.value},
                    "<=": {atom.value + 1},
                    "=": {atom.value, atom.value + 1},
                    ">=": {atom.value},
                    ">": {atom.value + 1},
                }[atom.op]
            elif isinstance(atom, OneOf) and atom.field == name:
                for value in atom.values:
                    bounds |= {choices.index(value) + 1, choices.index(value) + 2}
        self.bounds = np.array(sorted(bounds), np.int32)
        self.size = len(self.bounds) + 3
        #: One value of each interval.
        self.samples = [int(self.bounds[0]) - 1] + [int(b) for b in self.bounds] if bounds else [0]

    def atom(self, atom: Atom) -> tuple[Bools | bool, Bools | bool]:
        if isinstance(atom, State) and atom.field == self.name:
            is_it = np.arange(self.size) == (0 if atom.state == "missing" else 1)
            return is_it, is_it
        if not isinstance(atom, Compare | OneOf) or atom.field != self.name:
            return False, True
        if isinstance(atom, Compare):
            known = [rules.compare(v, atom.op, atom.value) for v in self.samples]
        else:
            wanted = {self.choices.index(value) + 1 for value in atom.values}
            known = [v in wanted for v in self.samples]
        return np.array([False, False, *known]), np.array([True, True, *known])


def terms(rule: Rule, where: str, negated: bool = False) -> list[Term]:
    """A rule as "or" of "and"s; valid in three-valued logic (distribution, De Morgan)."""
    match rule:
        case Const(value):
            return [()] if value != negated else []
        case Not(inner):
            return terms(inner, where, not negated)
        case And(parts) | Or(parts):
            either = isinstance(rule, Or) != negated
            expanded = [terms(part, where, negated) for part in parts]
            if either:
                found = [term for terms in expanded for term in terms]
            else:
                if prod(map(len, expanded)) > MAX_TERMS:
                    raise TableError("T119", where=where, limit=MAX_TERMS)
                found = [tuple(dict.fromkeys(sum(choice, ()))) for choice in product(*expanded)]
            if len(found) > MAX_TERMS:
                raise TableError("T119", where=where, limit=MAX_TERMS)
            return list(dict.fromkeys(found))
        case _:
            return [((rule, not negated),)]


def by_mask(atom: Atom) -> bool:
    """Whether the principal codes' row masks decide an atom."""
    if isinstance(atom, Codes):
        return atom.position == "principal"
    return isinstance(atom, State) and atom.field in rules.PRINCIPAL_FIELDS


def key_of(term: Term) -> Atom | None:
    """A literal the term cannot do without and that is never unknown; the rarest kind first."""
    ranks = ((Codes,), (Count, TraumaSites), (Severity,))
    wanted = [atom for atom, sign in term if sign]
    for rank in ranks:
        for atom in wanted:
            if isinstance(atom, rank):
                return atom
    return None


def scalar_atoms(rule: Rule) -> list[Compare | OneOf | State]:
    """Atoms of a rule that ask for a scalar field."""
    return [
        a
        for a in rules.iter_atoms(rule)
        if isinstance(a, Compare | OneOf)
        or (isinstance(a, State) and a.field in rules.SCALAR_FIELDS)
    ]
