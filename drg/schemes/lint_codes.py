"""Findings about codes: orphaned sets, unknown codes, lists that contradict one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from drg.schemes import rules
from drg.schemes.lint_finding import Finding
from drg.schemes.lint_reach import Reach, adrg_key
from drg.schemes.lint_space import Space
from drg.schemes.rules import (
    Codes,
    Compare,
    Count,
    Rule,
    Severity,
    State,
    TraumaSites,
)
from drg.schemes.scheme import VALID, AdrgRow, Scheme
from drg.schemes.truth import Bools, View, kleene

#: Table number that no principal diagnosis has, by convention: its MCC and CC are never void.
NEVER_VOID = "999"


def code_findings(
    scheme: Scheme,
    space: Space,
    found: Reach,
    national: Mapping[str, frozenset[str]],
    base: Scheme | None,
) -> Iterator[Finding]:
    """Every finding about sets, code lists and severity.

    Parameters
    ----------
    scheme : Scheme
        Resolved tables.
    space, found : Space, Reach
        Of the same scheme.
    national : mapping of {"dx", "px"} to set of str
        The national code lists.
    base : Scheme or None
        The scheme it extends; a set that stands there unused is not this one's orphan.
    """
    every = list(rule_rows(scheme))
    tests = [test for _, _, rule in every for test in rules.code_tests(rule)]
    named = {test.name for test in tests}
    yield from _orphans(scheme, named, base)
    yield from _unused_tables(scheme, every, named)
    yield from _unknown(scheme, every, national)
    yield from _spellings(scheme)
    yield from _procedures(scheme)
    yield from _outside(scheme, space, found)
    yield from _homeless(scheme, space, found)
    yield from _sites(scheme, every)
    yield from _exclusion(scheme)


def rule_rows(scheme: Scheme) -> Iterator[tuple[str, str, Rule]]:
    """Table, row and rule of every rule of a scheme."""
    for mdc in scheme.mdcs:
        yield "mdc", mdc.mdc, mdc.rule
    for adrg in scheme.adrgs:
        yield "adrg", adrg_key(adrg), adrg.rule
    for drg in scheme.drgs:
        yield "drg", drg.drg, drg.rule
    for check in scheme.checks:
        yield "check", check.check, check.rule


def _orphans(scheme: Scheme, named: set[str], base: Scheme | None) -> Iterator[Finding]:
    sets = scheme.table("code_set").group_by("set").len().sort("set")
    below = set(base.table("code_set")["set"]) if base else set()
    for name, count in sets.iter_rows():
        if name not in named and name not in below:
            yield Finding("L101", "code_set", name, params={"count": f"{count:,}"})
    for mdc in scheme.table("mdc_diagnosis")["mdc"].unique().sort():
        if mdc not in named:
            yield Finding("L104", "mdc_diagnosis", mdc)


def _unused_tables(
    scheme: Scheme, every: Sequence[tuple[str, str, Rule]], named: set[str]
) -> Iterator[Finding]:
    if VALID not in named and scheme.table("valid_procedure").height:
        yield Finding("L105", "valid_procedure", VALID)
    levels = {a.level for _, _, r in every for a in rules.iter_atoms(r) if isinstance(a, Severity)}
    for level in scheme.table("severity")["level"].unique().sort():
        if level not in levels:
            yield Finding("L105", "severity", level)
    grey = {name for name in scheme.code_sets if name.startswith("GREY.")}
    for name in sorted(grey - named):
        yield Finding("L105", "grey_code", name)


def _unknown(
    scheme: Scheme,
    every: Sequence[tuple[str, str, Rule]],
    national: Mapping[str, frozenset[str]],
) -> Iterator[Finding]:
    """Codes that the national lists lack, with every place they stand in."""
    places: dict[tuple[str, str], dict[str, None]] = {}

    def note(kind: str, code: str, place: str) -> None:
        if code not in national[kind]:
            places.setdefault((kind, code), {})[place] = None

    listed = [
        ("code_set", "set", "kind", "code"),
        ("mdc_diagnosis", "mdc", "dx", "code"),
        ("valid_procedure", "", "px", "code"),
        ("severity", "", "dx", "code"),
        ("exclusion", "", "dx", "principal_diagnosis"),
    ]
    for table, name, kind, column in listed:
        rows = scheme.table(table).select(
            pl.col(kind) if kind == "kind" else pl.lit(kind).alias("kind"),
            pl.col(column).alias("code"),
            pl.col(name) if name else pl.lit("").alias("name"),
        )
        for code_kind in ("dx", "px"):
            own = rows.filter(pl.col("kind") == code_kind)
            for _, code, place in own.filter(
                ~pl.col("code").is_in(national[code_kind])
            ).iter_rows():
                note(code_kind, code, f"{table} {place}".rstrip())
    for table, key, rule in every:
        for test in rules.code_tests(rule):
            for code in test.codes:
                if not code.endswith(".*"):
                    note(test.kind, code, f"{table} {key}")
                elif not any(c.startswith(code[:-1]) for c in national[test.kind]):
                    yield Finding("L106", table, key, (code,))
    for (_, code), where in sorted(places.items()):
        rows_named = tuple(sorted(where))
        table = rows_named[0].partition(" ")[0]
        yield Finding("L102", table, code, params={"places": _few(rows_named)})


def _few(names: Sequence[str]) -> str:
    return "; ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _spellings(scheme: Scheme) -> Iterator[Finding]:
    """One code in two spellings within one list."""
    lists = {
        "code_set": ("set", "code"),
        "mdc_diagnosis": ("mdc", "code"),
        "valid_procedure": ("", "code"),
        "severity": ("", "code"),
        "exclusion": ("", "principal_diagnosis"),
    }
    for table, (name, column) in lists.items():
        rows = scheme.table(table).select(
            pl.col(name) if name else pl.lit("").alias("set"), pl.col(column).alias("code")
        )
        yield from same_codes(rows, table)


def same_codes(rows: pl.DataFrame, table: str) -> Iterator[Finding]:
    """Codes of a list that differ in case, width or blanks only.

    Parameters
    ----------
    rows : DataFrame
        Name of the list, code.
    table : str
        Where they stand.
    """
    name = rows.columns[0]
    plain = (
        pl.col("code").str.normalize("NFKC").str.replace_all(r"\s", "").str.to_uppercase()
    ).alias("plain")
    # A list that is ASCII and upper case but for the x of an extension has no second spelling.
    odd = rows.with_columns(plain).filter(pl.struct(name, "plain").is_duplicated())
    for (place, _), group in odd.group_by(name, "plain", maintain_order=True):
        codes = tuple(group["code"].sort())
        yield Finding("L103", table, f"{place} {codes[0]}".strip(), codes)


def _procedures(scheme: Scheme) -> Iterator[Finding]:
    """Valid procedures in no set of an ADRG, and procedures of such sets that are not valid."""
    named = {
        test.name
        for row in scheme.adrgs
        for test in rules.code_tests(row.rule)
        if test.kind == "px" and test.name and test.name != VALID
    }
    valid = scheme.code_sets.get(VALID, frozenset())
    if not valid or not named:
        return
    used = frozenset[str]().union(*(scheme.code_sets[name] for name in named))
    if lone := tuple(sorted(valid - used)):
        yield Finding("L107", "valid_procedure", VALID, lone, {"count": f"{len(lone):,}"})
    if odd := tuple(sorted(used - valid)):
        yield Finding("L108", "code_set", VALID, odd, {"count": f"{len(odd):,}"})


def _outside(scheme: Scheme, space: Space, found: Reach) -> Iterator[Finding]:
    """Codes of an ADRG's sets that cannot come through the door, or are always taken before."""
    for row, live in found.adrgs:
        for test in rules.code_tests(row.rule):
            if test.position != "principal" or test.name in ("", VALID, row.mdc):
                continue
            if _negated(row.rule, test):
                continue
            listed = space.members(test)
            door = _any_of([c.masks[test.kind] for c in found.doors[row.mdc]])
            reached = _any_of([c.masks[test.kind] for c in live])
            shut = _codes(space, test.kind, listed & ~door)
            if shut:
                code = "L130" if test.kind == "dx" else "L132"
                yield _about_set(code, row, test, shut)
            late = _codes(space, test.kind, listed & door & ~reached)
            if late:
                yield _about_set("L133", row, test, late)


def _about_set(code: str, row: AdrgRow, test: Codes, codes: tuple[str, ...]) -> Finding:
    params = {"row": adrg_key(row), "mdc": row.mdc, "count": f"{len(codes):,}"}
    return Finding(code, "code_set", test.name, codes, params, also=row.adrg)


def _negated(rule: Rule, test: Codes) -> bool:
    """Whether a test stands under a ``not`` anywhere in a rule."""
    match rule:
        case rules.Not(inner):
            return test in rules.iter_atoms(inner)
        case rules.And(parts) | rules.Or(parts):
            return any(_negated(part, test) for part in parts)
        case _:
            return False


def _any_of(masks: Sequence[Bools]) -> Bools:
    found: Bools = np.logical_or.reduce(masks)
    return found


def _codes(space: Space, kind: str, classes: Bools) -> tuple[str, ...]:
    if not classes.any():
        return ()
    return tuple(space.sides[kind].codes.gather(space.codes_of(kind, classes)))


class _Alone(View):
    """A claim of one diagnosis and nothing else; its scalars are open."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.size = space.sides["dx"].size

    def atom(self, atom: rules.Atom) -> tuple[Bools | bool, Bools | bool]:
        found: Bools | bool
        match atom:
            case Codes(position, kind, _, _):
                found = kind == "dx" and position != "secondary" and self.space.members(atom)
            case Count(codes, op, value):
                many = self.space.members(codes) if codes.kind == "dx" else np.zeros(1, np.bool_)
                found = _compared(many.astype(np.int64), op, value)
            case TraumaSites(op, value):
                found = _compared((self.space.site > 0).astype(np.int64), op, value)
            case Severity():
                found = False
            case State(field, state) if field == "principal_px":
                found = state == "missing"
            case State(field, _) if field == "principal_dx":
                return self.space.sides["dx"].atom(atom)
            case Compare() | rules.OneOf() | State():
                return False, True
            case rules.Const(value):
                found = value
        return found, found


def _compared(numbers: np.ndarray[tuple[int, ...], np.dtype[np.int64]], op: str, n: int) -> Bools:
    truth = {0: rules.compare(0, op, n), 1: rules.compare(1, op, n)}
    return np.where(numbers == 0, truth[0], truth[1])


def _homeless(scheme: Scheme, space: Space, found: Reach) -> Iterator[Finding]:
    """Principal diagnoses of an MDC that no ADRG takes when nothing else is coded."""
    alone = _Alone(space)
    doors = {row.mdc: row.rule for row in scheme.mdcs}
    taken = np.zeros(alone.size, np.bool_)
    for row in (row for row, _ in found.adrgs if not row.ambiguous):
        taken |= np.asarray(kleene(rules.And((doors[row.mdc], row.rule)), alone)[1])
    codes = space.sides["dx"].codes
    lost = codes.gather(space.codes_of("dx", ~taken))
    rows = scheme.table("mdc_diagnosis").filter(pl.col("code").is_in(lost.implode()))
    for mdc in (row.mdc for row in scheme.mdcs):
        items = tuple(rows.filter(pl.col("mdc") == mdc)["code"].sort())
        if items:
            yield Finding("L131", "mdc_diagnosis", mdc, items, {"count": f"{len(items):,}"})


def _sites(scheme: Scheme, every: Sequence[tuple[str, str, Rule]]) -> Iterator[Finding]:
    """Diagnoses without a body site in a list that counts sites."""
    for table, key, rule in every:
        atoms = list(rules.iter_atoms(rule))
        if table != "mdc" or not any(isinstance(atom, TraumaSites) for atom in atoms):
            continue
        rows = scheme.table("mdc_diagnosis").filter(pl.col("mdc") == key, pl.col("site") == "")
        if rows.height:
            items = tuple(rows["code"].sort())
            yield Finding("L134", "mdc_diagnosis", key, items, {"count": f"{len(items):,}"})


def _exclusion(scheme: Scheme) -> Iterator[Finding]:
    """Exclusion tables that only one side names."""
    severity = scheme.table("severity")
    exclusion = scheme.table("exclusion")
    ours = set(severity["exclusion_table"])
    theirs = set(exclusion["exclusion_table"])
    for table in sorted(theirs - ours):
        count = exclusion.filter(pl.col("exclusion_table") == table).height
        yield Finding("L140", "exclusion", table, params={"count": f"{count:,}"})
    for table in sorted(ours - theirs - {NEVER_VOID}):
        items = tuple(severity.filter(pl.col("exclusion_table") == table)["code"].sort())
        yield Finding("L141", "severity", table, items, {"count": f"{len(items):,}"})
