"""Findings about MDCs, ADRGs and groups: rows no claim reaches, missing tests, order, names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from drg.schemes import rules
from drg.schemes.lint_finding import Finding
from drg.schemes.lint_reach import Dead, Reach, adrg_key, drg_key
from drg.schemes.rules import Codes, Rule, Severity
from drg.schemes.scheme import VALID, AdrgRow, DrgRow, Scheme

_ADRG_DEAD = {"self": "L111", "door": "L112", "earlier": "L113"}
_DRG_DEAD = {"self": "L114", "rule": "L115", "earlier": "L116"}
#: Letters of an ADRG's second place and what kind they stand for.
_KIND_OF_LETTER = {
    **dict.fromkeys("ABCDEFGHIJ", "surgical"),
    **dict.fromkeys("KLMNOPQ", "non_or_procedure"),
    **dict.fromkeys("RSTUVWXYZ", "medical"),
}
_AMBIGUOUS = "QY"


def group_findings(scheme: Scheme, found: Reach) -> Iterator[Finding]:
    """Every finding about MDCs, ADRGs and groups.

    Parameters
    ----------
    scheme : Scheme
        Resolved tables.
    found : Reach
        Of the same scheme.
    """
    yield from _dead_rows(scheme, found)
    yield from _tests(scheme, found)
    yield from _mdcs(scheme)
    yield from _order(scheme)
    yield from _codes_and_names(scheme)


def unreachable_groups(scheme: Scheme, found: Reach) -> frozenset[str]:
    """Groups, ambiguous ones and bare ADRGs included, that no claim can be given.

    Returns
    -------
    frozenset of str
        Values that the column ``group`` never has. A proof, not a guess: a group that is not
        among them may still be out of reach.
    """
    dead_tests = {(adrg.index, test.index) for adrg, test, _ in found.dead_tests}
    named: set[str] = {row.adrg for row in scheme.adrgs} | {row.drg for row in scheme.drgs}
    open_ends = {row.index for row in found.gaps}
    living: set[str] = set()
    for row, _ in found.adrgs:
        tests = () if row.ambiguous else scheme.drgs_of(row)
        living |= {t.drg for t in tests if (row.index, t.index) not in dead_tests}
        bare = row.index in open_ends or not tests
        if row.ambiguous or (bare and scheme.flags.unmatched_adrg == "self"):
            living.add(row.adrg)
    return frozenset(named - living)


def _dead_rows(scheme: Scheme, found: Reach) -> Iterator[Finding]:
    lost = unreachable_groups(scheme, found)
    for mdc in found.shut:
        yield Finding("L118", "mdc", mdc.mdc)
    rule_of = {f"adrg.csv {adrg_key(row)}": row.rule for row in scheme.adrgs}
    for row, dead in found.dead_adrgs:
        ends = {row.adrg} if row.ambiguous else {test.drg for test in scheme.drgs_of(row)}
        params = {"name": row.name, "groups": _list(sorted(ends & lost))}
        code = _ADRG_DEAD[dead.why]
        if not ends & lost and _same_adrg(row, dead.by):
            code = "L119"
        elif any(rule_of.get(by) == row.rule for by in dead.by):
            code = "L110"
        yield Finding(code, "adrg", adrg_key(row), dead.by, params, also=row.adrg)
    yield from _dead_tests(scheme, found, lost)


def _same_adrg(row: AdrgRow, by: Sequence[str]) -> bool:
    """Whether rows of the same ADRG alone take its claims, so that no group changes."""
    own = f"adrg.csv {row.mdc} {row.adrg}/"
    return bool(by) and all(place.startswith(own) for place in by)


def _dead_tests(scheme: Scheme, found: Reach, lost: frozenset[str]) -> Iterator[Finding]:
    """Tests that are dead in every ADRG rule that tries them."""
    deaths: dict[int, list[Dead]] = {}
    tests: dict[int, DrgRow] = {}
    for _, test, dead in found.dead_tests:
        deaths.setdefault(test.index, []).append(dead)
        tests[test.index] = test
    tried = Counter(
        test.index for row, _ in found.adrgs if not row.ambiguous for test in scheme.drgs_of(row)
    )
    rule_of = {f"drg.csv {drg_key(row)}": row.rule for row in scheme.drgs}
    for index, ends in deaths.items():
        if len(ends) < tried[index]:
            continue
        test = tests[index]
        by = tuple(dict.fromkeys(place for dead in ends for place in dead.by))
        code = _DRG_DEAD["earlier" if by else ends[0].why]
        taken_by = [rule_of[place] for place in by if place in rule_of]
        if test.rule in taken_by:
            code = "L110"
        elif code == "L116" and _severity_only([test.rule, *taken_by]):
            code = "L117"
        params = {"name": test.name, "groups": _list([test.drg] if test.drg in lost else [])}
        yield Finding(code, "drg", drg_key(test), by, params, also=test.drg)


def _severity_only(every: Iterable[Rule]) -> bool:
    return all(isinstance(atom, Severity) for rule in every for atom in rules.iter_atoms(rule))


def _list(codes: Sequence[str]) -> str:
    return " ".join(codes) or "—"


def _tests(scheme: Scheme, found: Reach) -> Iterator[Finding]:
    bare: dict[str, AdrgRow] = {}
    for row in scheme.adrgs:
        if not row.ambiguous and not scheme.drgs_of(row):
            bare.setdefault(row.adrg, row)
    for adrg, row in bare.items():
        code = "L120" if scheme.flags.unmatched_adrg == "self" else "L122"
        yield Finding(code, "drg", adrg, params={"name": row.name})
    gaps: dict[str, AdrgRow] = {row.adrg: row for row in reversed(found.gaps)}
    for adrg, row in sorted(gaps.items()):
        code = "L121" if scheme.flags.unmatched_adrg == "self" else "L123"
        tests = " / ".join(test.text for test in scheme.drgs_of(row))
        yield Finding(code, "drg", adrg, params={"name": row.name, "tests": tests})


def _mdcs(scheme: Scheme) -> Iterator[Finding]:
    with_adrgs = {row.mdc for row in scheme.adrgs}
    for mdc in scheme.mdcs:
        if mdc.mdc not in with_adrgs:
            yield Finding("L124", "mdc", mdc.mdc, params={"name": mdc.name})


def _order(scheme: Scheme) -> Iterator[Finding]:
    """Holes in the numbering of tests, and ADRGs on the wrong side of the ambiguous row."""
    numbers: dict[tuple[str, int | None], list[int]] = {}
    for test in scheme.drgs:
        numbers.setdefault((test.adrg, test.rule_no), []).append(test.order)
    for (adrg, rule_no), orders in numbers.items():
        step = {b - a for a, b in pairwise(orders)}
        if len(step) > 1 or (step and orders[0] not in (1, *step)):
            key = adrg if rule_no is None else f"{adrg}/{rule_no}"
            yield Finding("L125", "drg", key, tuple(map(str, orders)))
    by_mdc: dict[str, list[AdrgRow]] = {}
    for row in scheme.adrgs:
        by_mdc.setdefault(row.mdc, []).append(row)
    for rows in by_mdc.values():
        ends = [n for n, row in enumerate(rows) if _takes_the_rest(row)]
        if not ends:
            continue
        late = [adrg_key(r) for r in rows[ends[0] :] if r.kind in ("surgical", "non_or_procedure")]
        early = [adrg_key(r) for r in rows[: ends[0]] if r.kind == "medical"]
        if late or early:
            key = adrg_key(rows[ends[0]])
            yield Finding("L126", "adrg", key, (*early, *late), also=rows[ends[0]].adrg)


def _takes_the_rest(row: AdrgRow) -> bool:
    """The ambiguous row for every procedure that no ADRG before it has taken."""
    return row.ambiguous and isinstance(row.rule, Codes) and row.rule.name == VALID


def _codes_and_names(scheme: Scheme) -> Iterator[Finding]:
    names: dict[tuple[str, str], dict[str, None]] = {}
    homes: dict[str, dict[str, None]] = {}
    for row in scheme.adrgs:
        names.setdefault(("adrg", row.adrg), {})[row.name] = None
    for test in scheme.drgs:
        names.setdefault(("drg", test.drg), {})[test.name] = None
        homes.setdefault(test.drg, {})[test.adrg] = None
    for (table, code), found in names.items():
        if len(found) > 1:
            yield Finding("L127", table, code, tuple(found))
    for group, adrgs in homes.items():
        if len(adrgs) > 1:
            yield Finding("L128", "drg", group, tuple(adrgs))
        elif not group.startswith(adrg := next(iter(adrgs))):
            yield Finding("L129", "drg", group, (adrg,))
    for row in scheme.adrgs:
        wanted = _KIND_OF_LETTER.get(row.adrg[1:2], row.kind)
        if row.ambiguous:
            if not row.adrg.endswith(_AMBIGUOUS):
                yield Finding("L135", "adrg", adrg_key(row), (row.kind,), also=row.adrg)
        elif row.kind != wanted:
            yield Finding("L135", "adrg", adrg_key(row), (row.kind,), also=row.adrg)
