"""Which rows no claim can ever be decided by: an exact reading of the decision list's order.

A row decides only claims that fulfil its door and rule and none of the rows tried before it.
Those conditions are put on a set of claims (lint_space); when it is empty, the row is dead.
A row that is not called dead may still be: the reasoning proves, it does not guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from drg.schemes.lint_space import Cases, Space, place_of
from drg.schemes.rules import And, Atom, Codes, Rule, State
from drg.schemes.scheme import AdrgRow, DrgRow, MdcRow, Scheme
from drg.schemes.truth import Bools, Term, terms

_CHECK = "check.csv"


@dataclass(frozen=True, slots=True)
class Barrier:
    """One way in which an earlier row ends the search: claims that fulfil it go no further.

    ``certain``: those behind it make the term false; else it may also have been unknown.
    """

    row: str
    term: Term
    certain: bool


#: Claims behind some barriers, and the places of those that may still stop some of them.
Behind: TypeAlias = tuple[Cases, list[int]]


@dataclass(frozen=True, slots=True)
class Dead:
    """Why a row decides no claim.

    Attributes
    ----------
    why : str
        ``self`` the rule by itself, ``door`` the rule behind its MDC's door, ``rule`` the test
        within its ADRG, ``earlier`` rows tried before it take all.
    by : tuple of str
        For ``earlier``: those rows, the fewest found.
    """

    why: str
    by: tuple[str, ...] = ()


@dataclass
class Reach:
    """What ``reach`` found, in the order of the tables.

    Attributes
    ----------
    shut : list of MdcRow
        MDCs whose door never opens; their ADRGs are not looked at.
    dead_adrgs : list of (AdrgRow, Dead)
    dead_tests : list of (AdrgRow, DrgRow, Dead)
        The ADRG rule is the one the test is tried in; other rules may try it too.
    gaps : list of AdrgRow
        ADRG rules behind which a claim may fulfil no test although there are some.
    doors : dict of str to list of Cases
        MDC -> claims that can pass its door, earlier rows left aside; one set for each way in.
    adrgs : list of (AdrgRow, list of Cases)
        Live ADRG rules with the claims that reach them.
    """

    shut: list[MdcRow] = field(default_factory=list)
    dead_adrgs: list[tuple[AdrgRow, Dead]] = field(default_factory=list)
    dead_tests: list[tuple[AdrgRow, DrgRow, Dead]] = field(default_factory=list)
    gaps: list[AdrgRow] = field(default_factory=list)
    doors: dict[str, list[Cases]] = field(default_factory=dict)
    adrgs: list[tuple[AdrgRow, list[Cases]]] = field(default_factory=list)


def reach(scheme: Scheme, space: Space) -> Reach:
    """Walk the decision list and find the rows no claim can be decided by.

    Parameters
    ----------
    scheme : Scheme
        Resolved tables.
    space : Space
        Of the same scheme.

    Raises
    ------
    TableError
        T119: a rule with too many alternatives.
    """
    return _Walk(scheme, space).run()


def adrg_key(row: AdrgRow) -> str:
    """An ADRG rule's place: ``MDCB BB1/1``."""
    return f"{row.mdc} {row.adrg}/{row.rule_no}"


def drg_key(row: DrgRow) -> str:
    """A DRG test's place: ``BR1 BR13 2`` (ADRG, group, order), the rule number if it has one."""
    adrg = row.adrg if row.rule_no is None else f"{row.adrg}/{row.rule_no}"
    return f"{adrg} {row.drg} {row.order}"


class _Walk:
    def __init__(self, scheme: Scheme, space: Space) -> None:
        self.scheme = scheme
        self.space = space
        self.barriers = _Barriers(space)
        #: A claim behind a rule that needed a missing value is rejected, so none is unknown.
        self.certain = scheme.flags.missing_value == "reject"
        self.found = Reach()

    def run(self) -> Reach:
        self._checks()
        by_mdc: dict[str, list[AdrgRow]] = {}
        for adrg in self.scheme.adrgs:
            by_mdc.setdefault(adrg.mdc, []).append(adrg)
        for mdc in self.scheme.mdcs:
            ways = [Cases(self.space).also(term) for term in terms(mdc.rule, mdc.mdc)]
            ways = [cases for cases in ways if cases.possible]
            self.found.doors[mdc.mdc] = ways
            if not ways:
                self.found.shut.append(mdc)
                continue
            start = [behind for c in ways if (behind := self.barriers.behind(c))[0].possible]
            before = len(self.barriers.all)
            for adrg in by_mdc.get(mdc.mdc, ()):
                self._adrg(mdc, adrg, start, before)
        return self.found

    def _checks(self) -> None:
        for check in self.scheme.checks:
            for term in terms(check.rule, check.check) if check.level == "stop" else ():
                # A retried claim has other procedures than the one that was checked.
                retried = self.scheme.flags.retry_other_procedures
                if not (retried and any(_on_procedures(atom) for atom, _ in term)):
                    self.barriers.add(Barrier(f"{_CHECK} {check.check}", term, False))

    def _adrg(self, mdc: MdcRow, adrg: AdrgRow, start: list[Behind], before: int) -> None:
        ways = terms(adrg.rule, adrg_key(adrg))
        live = [
            self.barriers.behind(cases.also(term), waiting, before)[0]
            for cases, waiting in start
            for term in ways
        ]
        live = [cases for cases in live if cases.possible]
        tests = () if adrg.ambiguous else self.scheme.drgs_of(adrg)
        if live:
            self.found.adrgs.append((adrg, live))
            self._tests(adrg, tests, live)
        else:
            self.found.dead_adrgs.append((adrg, self._why_dead(mdc, adrg)))
        ends: list[Rule] = [And((mdc.rule, adrg.rule))]
        if self.scheme.flags.unmatched_adrg == "next" and not adrg.ambiguous:
            ends = [And((mdc.rule, adrg.rule, test.rule)) for test in tests]
        for rule in ends:
            for term in terms(rule, adrg_key(adrg)):
                self.barriers.add(Barrier(f"adrg.csv {adrg_key(adrg)}", term, self.certain))

    def _why_dead(self, mdc: MdcRow, adrg: AdrgRow) -> Dead:
        ways = terms(And((mdc.rule, adrg.rule)), adrg_key(adrg))
        inside = [cases for term in ways if (cases := Cases(self.space).also(term)).possible]
        if inside:
            return Dead("earlier", self.barriers.fewest(inside))
        alone = (Cases(self.space).also(term) for term in terms(adrg.rule, adrg_key(adrg)))
        return Dead("door" if any(cases.possible for cases in alone) else "self")

    def _tests(self, adrg: AdrgRow, tests: Sequence[DrgRow], live: list[Cases]) -> None:
        tried = _Barriers(self.space)
        for test in tests:
            ways = terms(test.rule, drg_key(test))
            inside = [cases.also(term) for cases in live for term in ways]
            inside = [cases for cases in inside if cases.possible]
            if not inside:
                alone = (Cases(self.space).also(term) for term in ways)
                why = "rule" if any(cases.possible for cases in alone) else "self"
                self.found.dead_tests.append((adrg, test, Dead(why)))
            elif not any(tried.behind(cases)[0].possible for cases in inside):
                dead = Dead("earlier", tried.fewest(inside))
                self.found.dead_tests.append((adrg, test, dead))
            for term in ways:
                tried.add(Barrier(f"drg.csv {drg_key(test)}", term, self.certain))
        if tests and any(tried.behind(cases)[0].possible for cases in live):
            self.found.gaps.append(adrg)


class _Barriers:
    """The ends of the search so far, in the order in which they are tried."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.all: list[Barrier] = []
        #: Per barrier its literals, what each asks about, and what fails it (``Space.mask``).
        self._literals: list[list[_Literal]] = []
        self.places: dict[str, list[int]] = {}
        #: Principal codes that a barrier may stop, one row each; grows by doubling.
        self._masks = {k: np.zeros((16, s.size), np.bool_) for k, s in space.sides.items()}

    def add(self, barrier: Barrier) -> None:
        at = len(self.all)
        # Cheap conditions first: most barriers are given up at the second one that is open.
        term = tuple(sorted(barrier.term, key=lambda literal: not place_of(literal[0])))
        self.all.append(Barrier(barrier.row, term, barrier.certain))
        self._literals.append(
            [
                _Literal(
                    atom, sign, *(self.space.mask(atom, not sign, barrier.certain) or ("", None))
                )
                for atom, sign in term
            ]
        )
        self.places.setdefault(barrier.row, []).append(at)
        stopped = Cases(self.space).also(
            (atom, sign) for atom, sign in barrier.term if place_of(atom) in ("dx", "px")
        )
        for kind, masks in self._masks.items():
            if at == len(masks):
                self._masks[kind] = np.concatenate([masks, np.zeros_like(masks)])
            self._masks[kind][at] = stopped.masks[kind]

    def behind(self, cases: Cases, waiting: Sequence[int] = (), since: int = 0) -> Behind:
        """Those of the claims that none of ``waiting`` and the barriers from ``since`` on stops.

        A barrier that only one condition still keeps open must fail by it; that can close
        others, so it goes on until nothing changes. Those that stay open are handed back.
        """
        open_, last = self._near(cases, [*waiting, *range(since, len(self.all))]), -1
        while len(open_) != last:
            last = len(open_)
            undecided = []
            for at in open_:
                barrier = self.all[at]
                literals = _open_literals(cases, self._literals[at], barrier.certain)
                if literals is None:
                    undecided.append(at)
                    continue
                cases = cases.denying(literals, barrier.certain) if literals else cases.nothing()
                if not cases.possible:
                    return cases, []
            open_ = undecided
        return cases, open_

    def fewest(self, inside: Sequence[Cases]) -> tuple[str, ...]:
        """Rows that together stop all of these claims; one row if one is enough."""
        by: dict[str, None] = {}
        for cases in inside:
            near = self._near(cases, range(len(self.all)))
            rows = list(dict.fromkeys(self.all[at].row for at in near))
            alone = (row for row in (*by, *rows) if self._stopped(cases, [row]))
            if one := next(alone, None):
                by[one] = None
                continue
            # The latest rows go first: what is left is what stands highest.
            for row in reversed(list(rows)):
                fewer = [other for other in rows if other != row]
                if self._stopped(cases, fewer):
                    rows = fewer
            by |= dict.fromkeys(rows)
        return tuple(sorted(by, key=lambda row: self.places[row][0]))

    def _stopped(self, cases: Cases, rows: Sequence[str]) -> bool:
        """Whether these rows alone stop all of the claims."""
        at = sorted(at for row in rows for at in self.places[row])
        return not self.behind(cases, at, len(self.all))[0].possible

    def _near(self, cases: Cases, wanted: Sequence[int]) -> list[int]:
        """Those barriers that can stop any of these claims, by their principal codes."""
        at = np.array(wanted, np.intp)
        hit = np.ones(len(at), np.bool_)
        for kind, masks in self._masks.items():
            hit &= (masks[at] & cases.masks[kind]).any(axis=1)
        return [int(n) for n in at[hit]]


class _Literal(NamedTuple):
    atom: Atom
    sign: bool
    place: str
    failing: Bools | None


def _open_literals(
    cases: Cases, literals: Sequence[_Literal], certain: bool
) -> list[tuple[Atom, bool]] | None:
    """Literals of a barrier that a claim may fail; None if they are of more than one place."""
    found: list[tuple[Atom, bool]] = []
    first = ""
    for atom, sign, place, failing in literals:
        if failing is None:
            fails = cases.may_fail((atom, sign), certain)
        else:
            fails = bool((cases.masks[place] & failing).any())
        if fails:
            if found and (not place or place != first):
                return None
            first = place
            found.append((atom, sign))
    return found


def _on_procedures(atom: Atom) -> bool:
    codes = getattr(atom, "codes", atom)
    if isinstance(codes, Codes):
        return codes.kind == "px"
    return isinstance(atom, State) and atom.field == "principal_px"
