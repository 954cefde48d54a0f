"""One row of two schemes on one claim: which part of its rule holds here and not there."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from drg.grouping.reference_case import Case, SeverityFact
from drg.grouping.reference_rules import Interpreter, Test, present
from drg.schemes import rules
from drg.schemes.rules import And, Atom, Codes, Count, Not, Or, Rule
from drg.schemes.scheme import VALID
from drg.schemes.words import bracketed_words, rule_words
from drg.text import text

if TYPE_CHECKING:
    from drg.grouping.grouper import Grouper
    from drg.schemes.scheme import AdrgRow, DrgRow, MdcRow, Scheme

__all__ = [
    "KINDS",
    "MoveReason",
    "Side",
    "compare_rules",
    "compare_splits",
    "rule_distance",
    "say",
]

#: Kinds of reasons, in the order in which a decision could part.
KINDS = (
    "check",
    "missing",
    "flag",
    "reading",
    "door",
    "order",
    "adrg_removed",
    "adrg_added",
    "renumbered",
    "rule",
    "set",
    "split",
    "severity",
    "exclusion",
)
#: Codes that a detail names; further ones are counted.
_NAMED = 3


def say(key: str, lang: str | None, /, *, area: str = "compare", **params: object) -> str:
    """One wording of compare.toml."""
    return text(f"{area}.{key}", lang, **params)


class MoveReason(NamedTuple):
    """Why a claim is in another group.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    row : str
        The table row at which the paths part, e.g. ``adrg.csv BR1/1``.
    detail : str
        In words.
    """

    kind: str
    row: str
    detail: str


class Side:
    """One of the two schemes, ready to be asked about single rows.

    Parameters
    ----------
    grouper : Grouper
        One scheme.
    name : {"side_before", "side_after"}
        Which of the two it is.
    other_code : mapping of str to str
        ADRGs of the other scheme that have another code here.
    """

    def __init__(
        self,
        grouper: Grouper,
        name: Literal["side_before", "side_after"],
        other_code: Mapping[str, str],
    ) -> None:
        self.grouper = grouper
        self.name = name
        self._own_code = other_code
        self.scheme: Scheme = grouper.scheme
        self._interpreter = Interpreter(self.scheme)
        self._tests: dict[Rule, Test] = {}
        self._members: dict[Codes, frozenset[str]] = {}

    def holds(self, rule: Rule, case: Case) -> bool | None:
        """Whether a rule holds for a case of this side."""
        test = self._tests.get(rule)
        if test is None:
            test = self._tests.setdefault(rule, self._interpreter.test(rule))
        return test(case)

    def members(self, test: Codes) -> frozenset[str]:
        """The codes that a test looks for."""
        found = self._members.get(test)
        if found is None:
            found = self._members.setdefault(test, self._interpreter.codes(test))
        return found

    def own_code(self, adrg: str) -> str:
        """The code that an ADRG of the other scheme has here, whether or not it is there."""
        return self._own_code.get(adrg, adrg)

    def rows_of(self, adrg: str) -> list[AdrgRow]:
        """The rules of an ADRG, in order; empty if the scheme has no such ADRG."""
        return self._rows.get(adrg, [])

    def mdc(self, name: str) -> MdcRow:
        """The row of an MDC."""
        return next(row for row in self.scheme.mdcs if row.mdc == name)

    @cached_property
    def _rows(self) -> dict[str, list[AdrgRow]]:
        found: dict[str, list[AdrgRow]] = {}
        for row in self.scheme.adrgs:
            found.setdefault(row.adrg, []).append(row)
        return found

    def code_words(self, kind: str, code: str) -> str:
        """A code and its Chinese name."""
        names = self.scheme.dx_names if kind == "dx" else self.scheme.px_names
        return f"{code} {names.get(code, '')}".rstrip()


Cases = tuple[Case, Case]


def compare_rules(
    here: Side,
    there: Side,
    own: AdrgRow | MdcRow | DrgRow,
    theirs: AdrgRow | MdcRow | DrgRow,
    cases: Cases,
    lang: str | None,
) -> MoveReason:
    """Why a rule that holds on this side does not hold on the other.

    Parameters
    ----------
    here, there : Side
        Where it holds, and where not.
    own, theirs : rows of the two schemes
        The same row, as far as there is one.
    cases : (Case, Case)
        The claim as the two sides understand it.
    lang : {"zh", "en"} or None
        Language of the detail.

    Returns
    -------
    MoveReason
        ``set`` a code is in the one set and not in the other, ``reading`` a code is understood
        on one side only, ``severity`` or ``exclusion``, else ``rule``; its row is left empty.
    """
    mine, other = list(rules.iter_atoms(own.rule)), list(rules.iter_atoms(theirs.rule))
    parts = theirs.rule.rules if isinstance(theirs.rule, And) else (theirs.rule,)
    failing = [part for part in parts if there.holds(part, cases[1]) is not True]
    if _shape(own.rule) == _shape(theirs.rule):
        pairs = list(zip(mine, other, strict=True))
    else:
        # The rules differ, but so may a set that both name.
        pairs = [(p, p) for p in failing if isinstance(p, Codes) and p.name and p in mine]
    for atom, counterpart in pairs:
        if here.holds(atom, cases[0]) != there.holds(counterpart, cases[1]):
            found = _atom_differs(here, there, atom, counterpart, cases, lang)
            if found is not None:
                return found
    words = say(
        "why_rule",
        lang,
        side=say(there.name, lang),
        other=say(here.name, lang),
        theirs=theirs.text,
        own=own.text,
        part=say("and", lang, area="explain").join(bracketed_words(p, lang) for p in failing),
    )
    return MoveReason("rule", "", words)


def rule_distance(there: Side, own: Rule, theirs: Rule, case: Case) -> tuple[bool, int]:
    """How far a rule that fails is from one that holds: another form, then parts that fail."""
    parts = theirs.rules if isinstance(theirs, And) else (theirs,)
    failing = sum(there.holds(part, case) is not True for part in parts)
    return _shape(own) != _shape(theirs), failing


def _shape(rule: Rule) -> object:
    """A rule without the names of its sets."""
    match rule:
        case Codes(position, kind, name, codes):
            return (position, kind, bool(name), codes)
        case Count(codes, op, value):
            return ("count", _shape(codes), op, value)
        case Not(inner):
            return ("not", _shape(inner))
        case And(parts):
            return ("and", *map(_shape, parts))
        case Or(parts):
            return ("or", *map(_shape, parts))
        case _:
            return rule


def _atom_differs(
    here: Side, there: Side, atom: Atom, counterpart: Atom, cases: Cases, lang: str | None
) -> MoveReason | None:
    """What makes one condition hold on one side only; None where no code can be named."""
    if isinstance(atom, rules.Severity):
        return compare_severity(here, there, cases, lang)
    if isinstance(atom, Count) and isinstance(counterpart, Count):
        atom, counterpart = atom.codes, counterpart.codes
    if isinstance(atom, rules.TraumaSites):
        return _sites_differ(here, there, cases, lang)
    if not isinstance(atom, Codes) or not isinstance(counterpart, Codes):
        return None
    hits = [
        side.members(test) & present(case, test.position, test.kind)
        for side, test, case in zip((here, there), (atom, counterpart), cases, strict=True)
    ]
    # Under "not" the rule fails because a code came in.
    lost, gained = hits[0] - hits[1], hits[1] - hits[0]
    side, codes, test = (there, lost, counterpart) if lost else (here, gained, atom)
    if not codes:
        return None
    case = cases[1] if lost else cases[0]
    known = present(case, test.position, test.kind)
    unread = codes - known - present(case, "any", test.kind)
    if unread:
        return _unread(side, test.kind, unread, lang)
    where = test.name or "{" + ", ".join(test.codes) + "}"
    words = say(
        "why_valid" if where == VALID else "why_set",
        lang,
        side=say(side.name, lang),
        set=where,
        place=say(f"{test.position}_{test.kind}", lang, area="explain"),
        codes=_codes(side, test.kind, codes, lang),
    )
    return MoveReason("set", "", words)


def _unread(side: Side, kind: str, codes: frozenset[str], lang: str | None) -> MoveReason:
    named = _codes(side, kind, codes, lang)
    return MoveReason(
        "reading", "", say("why_reading", lang, side=say(side.name, lang), codes=named)
    )


def _sites_differ(here: Side, there: Side, cases: Cases, lang: str | None) -> MoveReason:
    counts = [
        len({side.scheme.trauma_site.get(code, "") for code in case.any_dx} - {""})
        for side, case in zip((here, there), cases, strict=True)
    ]
    names = say(here.name, lang), say(there.name, lang)
    words = say("why_sites", lang, side=names[1], other=names[0], own=counts[0], theirs=counts[1])
    return MoveReason("set", "", words)


def _codes(side: Side, kind: str, codes: frozenset[str], lang: str | None) -> str:
    """Some codes with their names."""
    named = [side.code_words(kind, code) for code in sorted(codes)]
    told = say("or_list", lang, area="explain").join(named[:_NAMED])
    return told if len(named) <= _NAMED else say("and_more", lang, codes=told, count=len(named))


# ---- DRG tests


def compare_splits(
    before: Side, after: Side, was: AdrgRow, now: AdrgRow, cases: Cases, lang: str | None
) -> MoveReason:
    """Why a claim of one ADRG is in another DRG: the tests, or the severity they ask for."""
    tests = before.scheme.drgs_of(was), after.scheme.drgs_of(now)
    if cases[0].levels != cases[1].levels:
        # The later tests on the earlier severity: do they still give the later group?
        unchanged = copy.copy(cases[1])
        unchanged.levels = cases[0].levels
        if _first(after, tests[1], unchanged) != _first(after, tests[1], cases[1]):
            found = compare_severity(before, after, cases, lang)
            return MoveReason(found.kind, found.row or f"drg.csv {now.adrg}", found.detail)
    row = f"drg.csv {now.adrg}"
    if [(t.drg, _shape(t.rule)) for t in tests[0]] == [(t.drg, _shape(t.rule)) for t in tests[1]]:
        for mine, theirs in zip(*tests, strict=True):
            held = before.holds(mine.rule, cases[0]), after.holds(theirs.rule, cases[1])
            if held[0] and not held[1]:
                found = compare_rules(before, after, mine, theirs, cases, lang)
                return MoveReason(found.kind, f"drg.csv {theirs.drg}", found.detail)
            if held[1] and not held[0]:
                found = compare_rules(after, before, theirs, mine, cases[::-1], lang)
                return MoveReason(found.kind, f"drg.csv {theirs.drg}", found.detail)
    told = [
        " | ".join(f"{t.drg} {rule_words(t.rule, lang)}" for t in side) or say("split_none", lang)
        for side in tests
    ]
    return MoveReason("split", row, say("why_split", lang, before=told[0], after=told[1]))


def _first(side: Side, tests: tuple[DrgRow, ...], case: Case) -> str:
    return next((row.drg for row in tests if side.holds(row.rule, case)), "")


def compare_severity(before: Side, after: Side, cases: Cases, lang: str | None) -> MoveReason:
    """Which secondary diagnoses make the level of a claim another one; sides in any order."""
    if before.name == "side_after":
        before, after, cases = after, before, cases[::-1]
    changed = cases[0].levels ^ cases[1].levels
    facts = [{fact.code: fact for fact in case.severity} for case in cases]
    told: dict[str, list[str]] = {}
    for code in sorted(facts[0].keys() | facts[1].keys()):
        one, two = facts[0].get(code), facts[1].get(code)
        if not (_levels(one) ^ _levels(two)) & changed:
            continue
        kind = "exclusion" if one and two and one.level == two.level else "severity"
        if any(code not in case.any_dx for case in cases):
            kind = "reading"
        levels = [_level_words(fact, lang) for fact in (one, two)]
        named = after.code_words("dx", code)
        words = say("why_level", lang, code=named, before=levels[0], after=levels[1])
        told.setdefault(kind, []).append(words)
    kind = next(iter(k for k in ("severity", "exclusion", "reading") if k in told), "severity")
    entries = told.get(kind, [])
    detail = say("semicolon", lang, area="explain").join(entries[:_NAMED])
    if len(entries) > _NAMED:
        detail = say("and_more", lang, codes=detail, count=len(entries))
    return MoveReason(kind, "severity.csv" if kind == "severity" else "exclusion.csv", detail)


def _levels(fact: SeverityFact | None) -> frozenset[str]:
    return frozenset(fact.level.split("+")) if fact is not None and fact.counts else frozenset()


def _level_words(fact: SeverityFact | None, lang: str | None) -> str:
    if fact is None:
        return say("level_none", lang)
    key = "level_counts" if fact.counts else "level_void"
    return say(key, lang, level=fact.level, table=fact.table)
