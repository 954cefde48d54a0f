"""Claims and schemes for hypothesis: aimed at rules, then spoiled.

A claim is a dict of canonical columns. It is built towards one row of a scheme (its door, its
ADRG rule, one DRG test), each atom fulfilled or not, and then gets the noise of real files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
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
    "", " ", "　", "ZZZ", "zz9.999", "A00", "*", "+", "|"[:0] + "+*", "J18.9000", "九十九", "x" * 24,
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
            found[level].append(code)
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
                near = [v for v in (value - 1, value, value + 1) if rules.compare(v, op, value) == want]
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
            row[draw(st.sampled_from(NUMBERS))] = draw(st.sampled_from((0, 1, 28, 29, 1499, 1500, 2500)))
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


# ---------------------------------------------------------------- whole schemes

DX = ("A01.000", "A02.000x001", "B10.100", "B10.200+G01*", "C20.000", "C20.100", "P07.100", "P07.200")
PX = ("01.0100", "01.0200", "02.0100x001", "03.3300", "04.4400", "99.9900")
SETS = {"S1.dx": "dx", "S2.dx": "dx", "S1.px": "px", "S2.px": "px"}
NAMES = {"dx": ("S1.dx", "S2.dx", "MDCA", "MDCB"), "px": ("S1.px", "S2.px", "VALID")}
INLINE = {
    "dx": (("P07.*",), ("C20.000",), ("A01.000", "B10.200+G01*"), ("P07.*", "Q99.900"), ("B10.*",)),
    "px": (("01.*",), ("99.9900", "77.7700"), ("03.3300",)),
}
BOUNDS = (-1, 0, 1, 2, 28)


@st.composite
def _code_test(draw: Draw, positions: tuple[str, ...] = ("principal", "secondary", "any")) -> Codes:
    kind = draw(st.sampled_from(("dx", "px")))
    position = draw(st.sampled_from(positions))
    if draw(st.integers(0, 3)):
        return Codes(position, kind, draw(st.sampled_from(NAMES[kind])))
    return Codes(position, kind, "", draw(st.sampled_from(INLINE[kind])))


_OP = st.sampled_from(rules.OPERATORS)
_CHOICES = {
    "sex": ("male", "female"),
    "disposition": ("1", "2", "5"),
    "department": ("0301", "0402"),
    "insurance": ("310", "390"),
}


@st.composite
def _one_of(draw: Draw) -> OneOf:
    name = draw(st.sampled_from(tuple(_CHOICES)))
    values = draw(
        st.lists(st.sampled_from(_CHOICES[name]), min_size=1, max_size=1 if name == "sex" else 2, unique=True)
    )
    return OneOf(name, tuple(values))


_ATOMS = st.one_of(
    _code_test(),
    _code_test(),
    st.builds(Compare, st.sampled_from(rules.NUMBER_FIELDS), _OP, st.sampled_from(BOUNDS)),
    st.builds(Compare, st.sampled_from(("age", "weight", "los")), _OP, st.sampled_from(BOUNDS)),
    _one_of(),
    st.builds(Severity, st.sampled_from(("MCC", "CC"))),
    st.builds(State, st.sampled_from(rules.SCALAR_FIELDS), st.sampled_from(("missing", "invalid"))),
    st.builds(State, st.sampled_from(rules.PRINCIPAL_FIELDS), st.sampled_from(("missing", "unknown"))),
    st.builds(Count, _code_test(("any",)), _OP, st.integers(0, 3)),
    st.builds(TraumaSites, _OP, st.integers(0, 3)),
    st.builds(Const, st.booleans()),
)


def rule_trees(max_leaves: int = 6) -> st.SearchStrategy[Rule]:
    """Rules of the language that the parser itself could have made."""
    return st.recursive(
        _ATOMS,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=max_leaves,
    )


@dataclass(frozen=True)
class SchemeText:
    """A scheme as its files."""

    flags: dict[str, Any]
    tables: dict[str, str]

    def write(self, folder: Path) -> Path:
        """Write the folder as ``drg.Grouper.load`` reads it."""
        return write_folder(
            folder, "scheme.toml", 'id = "made"\nkind = "chs-drg"\ntitle_zh = "t"\n', self.tables, self.flags
        )


def write_folder(
    folder: Path, toml: str, head: str, tables: dict[str, str], flags: dict[str, Any] | None = None
) -> Path:
    """Write tables (name -> CSV text) and a TOML header that declares them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [head, "[flags]"]
    for name, value in (flags or {}).items():
        lines.append(f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}")
    for name, text in tables.items():
        data = text.encode()
        (folder / f"{name}.csv").write_bytes(data)
        rows, digest = text.count("\n") - 1, hashlib.sha256(data).hexdigest()
        lines += [f"[tables.{name}]", f"rows = {rows}", f'sha256 = "{digest}"']
    (folder / toml).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def csv_text(header: str, rows: list[tuple[Any, ...]]) -> str:
    """CSV with every cell quoted."""
    quoted = [",".join(f'"{cell}"' for cell in row) for row in rows]
    return "\n".join([header, *quoted]) + "\n"


def tiny_tables_root(folder: Path) -> Path:
    """A ``tables`` folder whose national code lists hold the codes of ``DX`` and ``PX``."""
    tables = {
        "icd10": csv_text("code,name", [(c, c) for c in DX]),
        "icd9cm3": csv_text("code,name", [(c, c) for c in PX]),
    }
    write_folder(folder / "codes", "codes.toml", "", tables)
    return folder


def _subset(draw: Draw, codes: tuple[str, ...]) -> list[str]:
    return draw(st.lists(st.sampled_from(codes), min_size=1, max_size=4, unique=True))


@st.composite
def schemes(draw: Draw) -> SchemeText:
    """A scheme of a few rows with any rule and any flag."""
    mdcs = ("MDCA", "MDCB", "MDCC")[: draw(st.integers(1, 3))]
    trees = rule_trees()
    door = st.one_of(st.just(Const(True)), st.sampled_from(mdcs).map(lambda m: Codes("principal", "dx", m)), trees)
    mdc_rows, adrg_rows, drg_rows, member = [], [], [], []
    for order, mdc in enumerate(mdcs, 1):
        letter = mdc[-1]
        mdc_rows.append((order, mdc, "门", rules.to_text(draw(door))))
        for code in sorted(_subset(draw, DX)):
            member.append((mdc, code, draw(st.sampled_from(("", "head", "chest", "leg")))))
        for n in range(1, draw(st.integers(1, 3)) + 1):
            kind = draw(st.sampled_from(("surgical", "medical", "ambiguous")))
            adrg = f"{letter}QY" if kind == "ambiguous" else f"{letter}A{draw(st.integers(1, 2))}"
            reason = "Q301" if kind == "ambiguous" else ""
            adrg_rows.append((mdc, n, adrg, n, "名", kind, rules.to_text(draw(trees)), reason))
    for adrg in sorted({row[2] for row in adrg_rows if row[5] != "ambiguous"}):
        own = [row[3] for row in adrg_rows if row[2] == adrg]
        for rule_no in ("", *own[: draw(st.integers(0, 1))]):
            for n in range(1, draw(st.integers(0, 3)) + 1):
                drg_rows.append((adrg, rule_no, n, f"{adrg}{n}", "组", rules.to_text(draw(trees))))
    checks = [
        (n, draw(st.sampled_from(("E101", "E110", "N404"))) + str(n), draw(st.sampled_from(("stop", "note"))),
         rules.to_text(draw(trees)))
        for n in range(1, draw(st.integers(0, 2)) + 1)
    ]  # fmt: skip
    sets = [(name, kind, c) for name, kind in SETS.items() for c in sorted(_subset(draw, DX if kind == "dx" else PX))]
    # MDCA and MDCB are always named by rules, so both have a list.
    missing = {"MDCA", "MDCB"} - {row[0] for row in member}
    member += [(mdc, DX[-1], "") for mdc in sorted(missing)]
    levels = [(c, draw(st.sampled_from(("MCC", "CC"))), draw(st.sampled_from("12"))) for c in sorted(_subset(draw, DX))]
    tables = {
        "mdc": csv_text("order,mdc,name,rule", mdc_rows),
        "mdc_diagnosis": csv_text("mdc,code,site", sorted(member)),
        "adrg": csv_text("mdc,order,adrg,rule_no,name,kind,rule,reason", adrg_rows),
        "drg": csv_text("adrg,rule_no,order,drg,name,rule", drg_rows),
        "code_set": csv_text("set,kind,code", sets),
        "severity": csv_text("code,level,exclusion_table", levels),
        "exclusion": csv_text(
            "principal_diagnosis,exclusion_table",
            [(c, draw(st.sampled_from("12"))) for c in sorted(_subset(draw, DX))],
        ),
        "valid_procedure": csv_text("code,name", [(c, "") for c in sorted(_subset(draw, PX))]),
        "check": csv_text("order,check,level,rule", checks),
    }
    flags = {
        "unmatched_adrg": draw(st.sampled_from(("self", "next"))),
        "retry_other_procedures": draw(st.booleans()),
        "normalise_codes": draw(st.booleans()),
        "ungroupable": draw(st.sampled_from(("mdc", "0000"))),
        "rejected": draw(st.sampled_from(("", "0000"))),
        "missing_value": draw(st.sampled_from(("reject", "false"))),
    }
    return SchemeText(flags, tables)


@st.composite
def small_claims(draw: Draw) -> dict[str, Any]:
    """A claim over the few codes of the made schemes, values at their rules' bounds."""
    row: dict[str, Any] = {"claim_id": "C"}
    codes = {
        "diagnoses": st.sampled_from((*DX, *DX, "b10.200+g01*", "B10.200", "Q99.900", "ZZZ", "", None)),
        "procedures": st.sampled_from((*PX, *PX, " 01.0100", "77.7700", "YYY", "", None)),
    }
    for name, code in codes.items():
        row[name] = draw(st.one_of(st.none(), st.lists(code, max_size=5)))
    for name in NUMBERS:
        row[name] = draw(st.sampled_from((None, -2, -1, 0, 1, 2, 3, 27, 28, 29, UNREADABLE)))
    row["sex"] = draw(st.sampled_from((None, "M", "F", "男", "3")))
    row["disposition"] = draw(st.sampled_from((None, "1", "2", "5", "9")))
    row["department"] = draw(st.sampled_from((None, "0301", "0402", "0999", " ")))
    row["insurance"] = draw(st.sampled_from((None, "310", "390", "1")))
    return row
