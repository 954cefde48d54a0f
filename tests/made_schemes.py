"""Whole schemes for hypothesis (a few rows, any rule, any flag), and claims for them.

Published schemes use a small part of the rule language. Here every atom, nesting and flag meets
every other, over a dozen codes, so that a scheme is written, loaded and compiled in milliseconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from strategies import NUMBERS, UNREADABLE

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

DX = (
    "A01.000",
    "A02.000x001",
    "B10.100",
    "B10.200+G01*",
    "C20.000",
    "C20.100",
    "P07.100",
    "P07.200",
)
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
        st.lists(
            st.sampled_from(_CHOICES[name]),
            min_size=1,
            max_size=1 if name == "sex" else 2,
            unique=True,
        )
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
    st.builds(
        State, st.sampled_from(rules.PRINCIPAL_FIELDS), st.sampled_from(("missing", "unknown"))
    ),
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
            folder,
            "scheme.toml",
            'id = "made"\nkind = "chs-drg"\ntitle_zh = "t"\n',
            self.tables,
            self.flags,
        )


def write_folder(
    folder: Path, toml: str, head: str, tables: dict[str, str], flags: dict[str, Any] | None = None
) -> Path:
    """Write tables (name -> CSV text) and a TOML header that declares them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [head, "[flags]"]
    for name, value in (flags or {}).items():
        lines.append(f"{name} = {json.dumps(value)}")
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
    door = st.one_of(
        st.just(Const(True)),
        st.sampled_from(mdcs).map(lambda m: Codes("principal", "dx", m)),
        trees,
    )
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
        (n, draw(st.sampled_from(("E101", "E110", "N404"))) + str(n),
        draw(st.sampled_from(("stop", "note"))),
         rules.to_text(draw(trees)))
        for n in range(1, draw(st.integers(0, 2)) + 1)
    ]  # fmt: skip
    sets = [
        (name, kind, c)
        for name, kind in SETS.items()
        for c in sorted(_subset(draw, DX if kind == "dx" else PX))
    ]
    # MDCA and MDCB are always named by rules, so both have a list.
    missing = {"MDCA", "MDCB"} - {row[0] for row in member}
    member += [(mdc, DX[-1], "") for mdc in sorted(missing)]
    levels = [
        (c, draw(st.sampled_from(("MCC", "CC", "MCC+CC"))), draw(st.sampled_from("12")))
        for c in sorted(_subset(draw, DX))
    ]
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
        "repeated_principal": draw(st.sampled_from(("once", "secondary"))),
        "normalise_codes": draw(st.booleans()),
        "ungroupable": draw(
            st.sampled_from(("mdc", ["0000", "00", "0000"], ["0000", "00", "0000A"]))
        ),
        "rejected": draw(st.sampled_from((["", "", ""], ["0000", "00", "0000"]))),
        "missing_value": draw(st.sampled_from(("reject", "false"))),
    }
    return SchemeText(flags, tables)


@st.composite
def small_claims(draw: Draw) -> dict[str, Any]:
    """A claim over the few codes of the made schemes, values at their rules' bounds."""
    row: dict[str, Any] = {"claim_id": "C"}
    codes = {
        "diagnoses": st.sampled_from(
            (*DX, *DX, "b10.200+g01*", "B10.200", "Q99.900", "ZZZ", "", None)
        ),
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
