"""Claims and schemes for hypothesis: aimed at rules, then spoiled.

A claim is a dict of canonical columns. It is built towards one row of a scheme (its door, its
ADRG rule, one DRG test), each atom fulfilled or not, and then gets the noise of real files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from drg.schemes import rules
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
)

Draw = Callable[[st.SearchStrategy[Any]], Any]

COLUMN = {"weight": "birth_weight_g", "admission_weight": "admission_weight_g", "los": "los_days"}
NUMBERS = tuple(COLUMN.get(f, f) for f in rules.NUMBER_FIELDS)
#: In a frame of Int64 a number that is there but no int32 is what "invalid" means.
UNREADABLE = 2**40
EXTREMES = (
    -(2**63), -(2**31) - 1, -(2**31), -(2**31) + 1, -(2**31) + 2, -1, 0, 1, 28, 29, 150, 151,
    999_999, 2**31 - 1, 2**31, UNREADABLE, 2**63 - 1,
)  # fmt: skip
JUNK = (
    "", " ", "　", "ZZZ", "zz9.999", "A00", "*", "+", "+*", "J18.9000", "九十九", "x" * 24,
    "x" * 25, "A" * 96, "A" * 97, "A" * 400, "A00.000\t", "'A00.000", "0", "-", "𠮷", "A00.0 00x",
)  # fmt: skip
SEX_WORDS = ("M", "F", "1", "2", "男", "女", " m ", "female", "Male", "男性", "3", "未知", "x")


# ---------------------------------------------------------------- spellings


def full_width(code: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in code)


def misspellings(code: str) -> list[str]:
    """Harmless and not so harmless ways to write a code."""
    return [
        code.lower(),
        full_width(code),
        full_width(code.lower()),
        f" {code}",
        f"{code}\u3000",
        f"{code[:3]} {code[3:]}",
        f"\u00a0{code}\t",
        code.partition("+")[0],
        code.removesuffix("*"),
        code + "*",
        code[:-1],
        code + "0",
    ]


# ---------------------------------------------------------------- claims of a scheme


@dataclass
class Pool:
    """What a scheme offers to draw from."""

    scheme: Any

    @cached_property
    def dx(self) -> tuple[str, ...]:
        return tuple(sorted(self.scheme.known_dx))

    @cached_property
    def px(self) -> tuple[str, ...]:
        return tuple(sorted(self.scheme.known_px))

    @cached_property
    def dagger(self) -> tuple[str, ...]:
        return tuple(c for c in self.dx if "+" in c or "*" in c) or self.dx

    @cached_property
    def levels(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {"MCC": [], "CC": []}
        for code, (level, _) in sorted(self.scheme.severity.items()):
            for part in level.split("+"):
                found[part].append(code)
        return {level: tuple(codes) for level, codes in found.items()}

    @cached_property
    def excluding(self) -> dict[str, tuple[str, ...]]:
        """Exclusion table -> principal diagnoses that void it."""
        found: dict[str, list[str]] = {}
        for code, table in sorted(self.scheme.exclusion.items()):
            found.setdefault(table, []).append(code)
        return {table: tuple(codes) for table, codes in found.items()}

    @cached_property
    def sites(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for code, site in sorted(self.scheme.trauma_site.items()):
            found.setdefault(site, []).append(code)
        return {site: tuple(codes) for site, codes in found.items()}

    @cached_property
    def doors(self) -> dict[str, Rule]:
        return {row.mdc: row.rule for row in self.scheme.mdcs}

    @cached_property
    def _listed(self) -> dict[Codes, tuple[str, ...]]:
        return {}

    def codes(self, test: Codes) -> tuple[str, ...]:
        """The codes a test looks for; those of an inline list whether known or not."""
        found = self._listed.get(test)
        if found is None:
            if test.name:
                found = tuple(sorted(self.scheme.code_sets[test.name]))
            else:
                known = self.dx if test.kind == "dx" else self.px
                found = tuple(c for c in test.codes if not c.endswith(".*")) + tuple(
                    k for c in test.codes if c.endswith(".*") for k in known if k.startswith(c[:-1])
                )
            self._listed[test] = found
        return found


@dataclass
class Sketch:
    """A claim in the making."""

    pool: Pool
    draw: Draw
    dx: list[str] = field(default_factory=list)
    px: list[str] = field(default_factory=list)
    principal: dict[str, str | None] = field(default_factory=lambda: {"dx": None, "px": None})
    values: dict[str, Any] = field(default_factory=dict)

    def aim(self, rule: Rule, want: bool = True) -> None:
        """Change the claim so that the rule is likely to hold (or not to)."""
        match rule:
            case Not(inner):
                self.aim(inner, not want)
            case And(parts) | Or(parts):
                if isinstance(rule, And) == want:
                    for part in parts:
                        self.aim(part, want)
                else:
                    self.aim(self.draw(st.sampled_from(parts)), want)
            case Codes():
                self._code(rule, want)
            case Count(codes, _, value):
                for _ in range(max(0, value - (not want) + self.draw(st.integers(0, 1)))):
                    self._code(codes, True)
            case TraumaSites(_, value):
                if self.pool.sites:
                    for _ in range(max(0, value)):
                        site = self.draw(st.sampled_from(tuple(self.pool.sites)))
                        self.dx.append(self.draw(st.sampled_from(self.pool.sites[site])))
            case Compare(name, op, value):
                near = [
                    v for v in (value - 1, value, value + 1) if rules.compare(v, op, value) == want
                ]
                self.values[COLUMN.get(name, name)] = self.draw(st.sampled_from(near))
            case OneOf(name, values):
                self._choose(name, values, want)
            case State(name, state):
                self._state(name, state, want)
            case Severity(level):
                if want and self.pool.levels[level]:
                    self.dx.append(self.draw(st.sampled_from(self.pool.levels[level])))
            case Const():
                pass

    def _code(self, test: Codes, want: bool) -> None:
        codes = self.pool.codes(test)
        if not want or not codes:
            return
        code = self.draw(st.sampled_from(codes))
        if test.position == "principal" or (test.position == "any" and self.draw(st.booleans())):
            self.principal[test.kind] = code
        else:
            (self.dx if test.kind == "dx" else self.px).append(code)

    def _choose(self, name: str, values: tuple[str, ...], want: bool) -> None:
        if name == "sex":
            male = ("male" in values) == want
            self.values["sex"] = "M" if male else "F"
        else:
            self.values[name] = self.draw(st.sampled_from(values)) if want else "none of them"

    def _state(self, name: str, state: str, want: bool) -> None:
        if not want:
            return
        if name in rules.PRINCIPAL_FIELDS:
            self.principal[name[-2:]] = "" if state == "missing" else "ZZZ"
        elif state == "missing":
            self.values[COLUMN.get(name, name)] = None
        else:
            self.values[COLUMN.get(name, name)] = "3" if name == "sex" else UNREADABLE

    def exclude(self) -> None:
        """Take a principal diagnosis that voids one of the secondary ones."""
        severity = self.pool.scheme.severity
        tables = [severity[c][1] for c in self.dx if c in severity]
        principals = [c for t in tables for c in self.pool.excluding.get(t, ())]
        if principals:
            self.principal["dx"] = self.draw(st.sampled_from(principals))

    def claim(self, number: int) -> dict[str, Any]:
        row: dict[str, Any] = {"claim_id": f"C{number}", **self.values}
        for kind, name in (("dx", "diagnoses"), ("px", "procedures")):
            first, rest = self.principal[kind], self.dx if kind == "dx" else self.px
            row[name] = ([first] if first is not None else []) + rest
        return row


_USUAL = {"sex": "F", "age": 40, "disposition": "1", "los_days": 7, "department": "0301"}


def _spoil(row: dict[str, Any], pool: Pool, draw: Draw) -> None:
    """Noise: further, repeated, misspelled, empty and unknown codes, odd scalars."""
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(("diagnoses", "procedures")))
        codes, known = row[kind], pool.dx if kind == "diagnoses" else pool.px
        what = draw(st.integers(0, 7))
        at = draw(st.integers(0, len(codes)))
        if what == 0:
            codes.insert(at, draw(st.sampled_from(known)))
        elif what == 1 and codes:
            codes.insert(at, draw(st.sampled_from(codes)))
        elif what == 2 and codes:
            at = min(at, len(codes) - 1)
            codes[at] = draw(st.sampled_from(misspellings(codes[at]))) if codes[at] else "x"
        elif what == 3:
            codes.insert(at, draw(st.sampled_from(JUNK)))
        elif what == 4:
            codes.insert(at, None)
        elif what == 5 and codes:
            codes.reverse()
        elif what == 6:
            dagger = draw(st.sampled_from(pool.dagger))
            row["diagnoses"].insert(at, draw(st.sampled_from([dagger, *misspellings(dagger)])))
        elif what == 7:
            many = draw(st.sampled_from((31, 200)))
            start = draw(st.integers(0, len(known) - 1))
            codes.extend((known * (1 + many // len(known)))[start : start + many])
    for _ in range(draw(st.integers(0, 2))):
        what = draw(st.integers(0, 4))
        if what == 0:
            row["sex"] = draw(st.sampled_from(SEX_WORDS))
        elif what == 1:
            row[draw(st.sampled_from(tuple(row)))] = None
        elif what == 2:
            row[draw(st.sampled_from(NUMBERS))] = draw(st.sampled_from(EXTREMES))
        elif what == 3:
            row[draw(st.sampled_from(("disposition", "department", "insurance")))] = draw(
                st.sampled_from(("1", "5", " 5 ", "", "　", "0301", "310", "?"))
            )
        else:
            row[draw(st.sampled_from(NUMBERS))] = draw(
                st.sampled_from((0, 1, 28, 29, 1499, 1500, 2500))
            )
    for name in ("diagnoses", "procedures"):
        if row[name] is None and draw(st.booleans()):
            row[name] = []


@st.composite
def claim_rows(draw: Draw, pool: Pool, number: int = 0) -> dict[str, Any]:
    """One claim of a scheme, as canonical columns."""
    sketch = Sketch(pool, draw, values=dict(_USUAL))
    kind = draw(st.integers(0, 9))
    if kind < 8 and pool.scheme.adrgs:
        row = draw(st.sampled_from(pool.scheme.adrgs))
        sketch.aim(pool.doors[row.mdc])
        sketch.aim(row.rule, draw(st.integers(0, 3)) > 0)
        tests = pool.scheme.drgs_of(row)
        if tests:
            sketch.aim(draw(st.sampled_from(tests)).rule, draw(st.booleans()))
        if draw(st.integers(0, 3)) == 0:
            sketch.exclude()
    elif kind == 8 and pool.scheme.checks:
        sketch.aim(draw(st.sampled_from(pool.scheme.checks)).rule, draw(st.booleans()))
    if kind >= 8:
        sketch.principal["dx"] = draw(st.sampled_from(pool.dx))
        sketch.px += draw(st.lists(st.sampled_from(pool.px), max_size=2))
    if sketch.values.get("age") == 0:
        sketch.values.setdefault("age_days", 5)
        sketch.values.setdefault("birth_weight_g", 3000)
    made = sketch.claim(number)
    if draw(st.booleans()):
        _spoil(made, pool, draw)
    return made


def claims(pool: Pool, max_size: int = 12) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Claims of one scheme."""
    return st.lists(claim_rows(pool), min_size=1, max_size=max_size)
