"""What a rule asks of a claim: each alternative of a rule as codes, bounds and choices to fulfil.

The generator builds claims that fulfil a rule, so it turns the rule into its alternatives
(disjunctive form) and each alternative into a ``Need``. The rule's classes live a layer above
this one; they are told apart by name (``drg.schemes.rules`` fixes names and attributes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

#: Alternatives kept of one rule; published rules have three at the most.
MAX_ALTERNATIVES = 24
FAR = 1 << 30

Literal = tuple[bool, Any]
#: Codes of an atom, given its ``Codes`` node.
Lookup = Callable[[Any], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Need:
    """One way to fulfil a rule.

    Attributes
    ----------
    principal, first : frozenset of str, optional
        Where the principal diagnosis, the principal procedure must lie; None: free.
    never_principal, never_first : frozenset of str
        Codes that they must not be.
    absent : frozenset of str
        Codes that must stand nowhere.
    diagnoses, any_diagnoses, procedures, any_procedures : tuple of frozenset
        One code of each set is needed: behind the principal one, or anywhere.
    bounds : dict
        Number field -> (lowest, highest), both allowed.
    choices : dict
        sex, department, disposition, insurance -> the value to take.
    sites : int
        Body sites of multiple trauma needed.
    """

    principal: frozenset[str] | None = None
    never_principal: frozenset[str] = frozenset()
    first: frozenset[str] | None = None
    never_first: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    diagnoses: tuple[frozenset[str], ...] = ()
    any_diagnoses: tuple[frozenset[str], ...] = ()
    procedures: tuple[frozenset[str], ...] = ()
    any_procedures: tuple[frozenset[str], ...] = ()
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    sites: int = 0


def alternatives(rule: Any, negated: bool = False) -> list[tuple[Literal, ...]]:
    """The rule as alternatives of (negated, atom) literals; the first ones when there are many."""
    kind = type(rule).__name__
    if kind == "Not":
        return alternatives(rule.rule, not negated)
    if kind == "Const":
        return [()] if rule.value != negated else []
    if (kind == "And" and not negated) or (kind == "Or" and negated):
        parts = [alternatives(r, negated) for r in rule.rules]
        joined = (sum(choice, ()) for choice in product(*parts))
        return [c for c, _ in zip(joined, range(MAX_ALTERNATIVES), strict=False)]
    if kind in ("And", "Or"):
        return [a for r in rule.rules for a in alternatives(r, negated)][:MAX_ALTERNATIVES]
    return [((negated, rule),)]


def needs(door: Any, rule: Any, lookup: Lookup) -> Iterator[Need]:
    """Each consistent way to pass an MDC's door and fulfil an ADRG's rule, in the rules' order."""
    for wanted in alternatives(rule):
        for opening in alternatives(door):
            need = _need((*opening, *wanted), lookup)
            if need is not None:
                yield need


def atoms(rule: Any) -> Iterator[Any]:
    """Every atom of a rule."""
    for part in getattr(rule, "rules", ()) or (
        (rule.rule,) if type(rule).__name__ == "Not" else ()
    ):
        yield from atoms(part)
    if type(rule).__name__ not in ("And", "Or", "Not"):
        yield rule


def code_tests(rule: Any) -> Iterator[Any]:
    """Every code test of a rule, those inside counts included."""
    for atom in atoms(rule):
        kind = type(atom).__name__
        if kind in ("Codes", "Count"):
            yield atom.codes if kind == "Count" else atom


def truth(rule: Any, mcc: bool, cc: bool) -> bool:
    """A DRG test when only the severity is known; other tests count as failed."""
    kind = type(rule).__name__
    if kind == "Const":
        return bool(rule.value)
    if kind == "Severity":
        return mcc if rule.level == "MCC" else cc
    if kind == "Not":
        return not truth(rule.rule, mcc, cc)
    if kind in ("And", "Or"):
        parts = [truth(r, mcc, cc) for r in rule.rules]
        return all(parts) if kind == "And" else any(parts)
    return False


def _need(literals: Iterable[Literal], lookup: Lookup) -> Need | None:
    need = Need()
    for negated, atom in literals:
        found = _with_atom(need, negated, atom, lookup)
        if found is None:
            return None
        need = found
    return _settled(need)


def _with_atom(need: Need, negated: bool, atom: Any, lookup: Lookup) -> Need | None:
    """The need with one literal more; None when a claim cannot fulfil it."""
    kind = type(atom).__name__
    if kind in ("Codes", "Count"):
        return _with_codes(need, negated, atom, lookup)
    if kind == "Compare":
        return _with_bound(need, negated, atom)
    if kind == "OneOf":
        return _with_choice(need, negated, atom)
    if kind == "TraumaSites" and not negated:
        return replace(need, sites=max(need.sites, _at_least(atom)))
    if kind == "State" and not negated:
        return None
    # Severity inside an ADRG rule is left to the draw of CC and MCC.
    return need


def _at_least(atom: Any) -> int:
    return int(atom.value) + (atom.op == ">") if atom.op in (">", ">=", "=") else 0


def _with_codes(need: Need, negated: bool, atom: Any, lookup: Lookup) -> Need | None:
    times = 1
    if type(atom).__name__ == "Count":
        times = 0 if negated else _at_least(atom)
        atom = atom.codes
    codes = lookup(atom)
    if negated:
        if atom.position == "any":
            return replace(need, absent=need.absent | codes)
        if atom.position == "secondary":
            return need
        if atom.kind == "dx":
            return replace(need, never_principal=need.never_principal | codes)
        return replace(need, never_first=need.never_first | codes)
    if not codes:
        return None
    match atom.position, atom.kind:
        case "principal", "dx":
            own = codes if need.principal is None else need.principal & codes
            return replace(need, principal=own)
        case "principal", _:
            return replace(need, first=codes if need.first is None else need.first & codes)
        case "secondary", "dx":
            return replace(need, diagnoses=need.diagnoses + (codes,) * times)
        case "secondary", _:
            return replace(need, procedures=need.procedures + (codes,) * times)
        case _, "dx":
            return replace(need, any_diagnoses=need.any_diagnoses + (codes,) * times)
    return replace(need, any_procedures=need.any_procedures + (codes,) * times)


def _with_bound(need: Need, negated: bool, atom: Any) -> Need | None:
    low, high = need.bounds.get(atom.field, (-FAR, FAR))
    op, value = atom.op, int(atom.value)
    if negated:
        if op == "=":
            return need
        op = {"<": ">=", "<=": ">", ">=": "<", ">": "<="}[op]
    if op in ("=", ">=", ">"):
        low = max(low, value + (op == ">"))
    if op in ("=", "<=", "<"):
        high = min(high, value - (op == "<"))
    return replace(need, bounds=need.bounds | {atom.field: (low, high)}) if low <= high else None


def _with_choice(need: Need, negated: bool, atom: Any) -> Need | None:
    values = tuple(atom.values)
    if negated:
        if atom.field != "sex":
            return need
        values = tuple(v for v in ("male", "female") if v not in values)
    old = need.choices.get(atom.field)
    values = tuple(v for v in values if old in (None, v))
    return replace(need, choices=need.choices | {atom.field: values[0]}) if values else None


def _settled(need: Need) -> Need | None:
    """Codes that may stand anywhere find their place; None when a place has no code left."""
    principal, further = need.principal, list(need.diagnoses)
    for codes in need.any_diagnoses:
        narrowed = codes if principal is None else principal & codes
        if narrowed - need.never_principal - need.absent:
            principal = narrowed
        else:
            further.append(codes)
    first, later = need.first, list(need.procedures)
    for codes in need.any_procedures:
        if first is None:
            first = codes
        else:
            later.append(codes)
    if principal is not None:
        principal -= need.never_principal | need.absent
    if first is not None:
        first -= need.never_first | need.absent
    diagnoses = tuple(codes - need.absent for codes in further)
    procedures = tuple(codes - need.absent for codes in later)
    places = [p for p in (principal, first) if p is not None]
    if not all((*places, *diagnoses, *procedures)):
        return None
    return replace(
        need,
        principal=principal,
        first=first,
        diagnoses=diagnoses,
        procedures=procedures,
        any_diagnoses=(),
        any_procedures=(),
    )
