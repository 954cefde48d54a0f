"""Tables: rules, scheme folders with overlays, DIP catalogues, policies, weights, other TOML files.

Of a folder the input gives some files; the rest are sound. Declared digests and row counts are made
to fit, for nothing behind them would be reached otherwise.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
from fuzz.documented import chosen, documented, parts, scratch
from made_schemes import DX, PX, csv_text, tiny_tables_root, write_folder

import drg
from drg.claims.frame import RESULT_NAMES, schema
from drg.claims.profiles import ClaimColumns
from drg.dip.grouper import DipGrouper
from drg.schemes import rules

__all__ = ["catalogue", "policy", "rule", "scheme", "toml", "weights"]

_HEAD = 'id = "made"\nkind = "chs-drg"\ntitle_zh = "t"\n'
_TABLES = {
    "mdc": csv_text(
        "order,mdc,name,rule", [(1, "MDCA", "门", "always"), (2, "MDCB", "门", "never")]
    ),
    "mdc_diagnosis": csv_text("mdc,code,site", [("MDCA", DX[0], "head"), ("MDCB", DX[4], "")]),
    "adrg": csv_text(
        "mdc,order,adrg,rule_no,name,kind,rule,reason",
        [("MDCA", 1, "AA1", 1, "名", "surgical", "any_px in S1.px", ""),
         ("MDCA", 2, "AB1", 2, "名", "medical", "principal_dx in MDCA or age < 28", "")],
    ),
    "drg": csv_text(
        "adrg,rule_no,order,drg,name,rule",
        [("AA1", "", 1, "AA11", "组", "mcc"), ("AA1", "", 2, "AA13", "组", "cc or sex = male"),
         ("AA1", "", 3, "AA15", "组", "always"), ("AB1", "", 1, "AB19", "组", "always")],
    ),
    "code_set": csv_text("set,kind,code", [("S1.px", "px", PX[0]), ("S1.dx", "dx", DX[2])]),
    "severity": csv_text("code,level,exclusion_table", [(DX[2], "MCC", "1"), (DX[4], "CC", "2")]),
    "exclusion": csv_text("principal_diagnosis,exclusion_table", [(DX[0], "1")]),
    "valid_procedure": csv_text("code,name", [(PX[0], ""), (PX[2], "")]),
    "check": csv_text("order,check,level,rule", [(1, "E101", "stop", "age is invalid")]),
}  # fmt: skip
_CATALOGUE_HEAD = """id = "made"
kind = "dip"
title_zh = "t"
in_force = ["2025-01-01", ""]
[matching]
tiers = [["core", "primary"], ["comprehensive"]]
comparators = ["reported_principal", "most_terms", "nearest_mean", "type_order"]
type_order = ["core.surgery", "primary.surgery", "core", "primary", "comprehensive"]
related = "all"
ruling = "principal"
quiet = ["conservative"]
unlisted = "lowest"
"""
_CATALOGUE = {
    "groups": csv_text(
        "group,class,diagnosis,procedures,attribute,conditions,name,score,mean_cost,mean_days,cv,"
        "cases,origin",
        [("K80.1", "core", "C20.0", PX[0], "", "", "组", "100", "5000", "", "", "", ""),
         ("C20", "comprehensive", "C20", "", "SS", "", "组", "80.5", "", "", "", "", ""),
         ("A", "primary", "A01", "", "", "", "组", "10", "", "", "", "", "")],
    ),
    "auxiliary_class": csv_text(
        "type,order,subtype,name_zh,name_en,conditions,status,reason", []
    ),
}  # fmt: skip
_SHA = re.compile(r'(\[tables\.(\w+)\][^\[]*?sha256 = ")[^"\n]*')
_ROWS = re.compile(r"(\[tables\.(\w+)\][^\[]*?rows = )\d+")
COLUMNS = ClaimColumns(
    scalars={n: n for n, t in schema().items() if not isinstance(t, pl.List)},
    diagnoses=("diagnoses",), diagnoses_joined=True,
    procedures=("procedures",), procedures_joined=True,
)  # fmt: skip
_FIELDS = {
    "sex": ("M", None), "age": (0, 40), "age_days": (5, None), "birth_weight_g": (1400, None),
}  # fmt: skip


@cache
def _root() -> tempfile.TemporaryDirectory[str]:
    """A tables folder with a dozen codes, for the whole process."""
    folder = tempfile.TemporaryDirectory(prefix="drg-fuzz-tables-")
    root = tiny_tables_root(Path(folder.name))
    write_folder(
        root / "dip", "shared.toml", "",
        {"procedure_kind": csv_text("code,kind,status,reason",
                                    [(PX[0], "surgery", "synthetic", "")]),
         "comorbidity": csv_text("name,weight,codes,replaces,status",
                                 [("a", 1, "C20", "", "synthetic")])},
    )  # fmt: skip
    return folder


@cache
def _claims() -> pl.DataFrame:
    """Claims at the bounds of small rules."""
    codes = itertools.product((DX[0], DX[4], "C20.100", "ZZZ", ""), ([], [DX[2]], [DX[4], "?"]))
    procedures = itertools.cycle(([], [PX[0]], [PX[2], PX[0]], ["YYY"]))
    values = itertools.cycle(itertools.product(*_FIELDS.values()))
    rows = [
        {"claim_id": "1", "diagnoses": [first, *rest], "procedures": next(procedures),
         **dict(zip(_FIELDS, next(values), strict=True))}
        for first, rest in codes
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema())


def _agree(grouper: drg.Grouper) -> None:
    """The kernel and the reference answer alike under whatever the tables became."""
    found = grouper.group_frame(_claims(), COLUMNS, threads=1).select(RESULT_NAMES).rows()
    for row, from_frame in zip(_claims().rows(named=True), found, strict=True):
        one = grouper.reference.group(drg.Claim.from_row(row))
        told = [str(getattr(one, name)) for name in RESULT_NAMES]
        assert [*map(str, from_frame)] == told, row


def _with_tiny_tables(work: Callable[[], None], folder: Path) -> None:
    before = {name: os.environ.get(name) for name in ("DRG_TABLES", "DRG_CACHE")}
    os.environ |= {"DRG_TABLES": _root().name, "DRG_CACHE": str(folder / "cache")}
    try:
        work()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _lay(
    folder: Path, header: str, head: str, tables: dict[str, str], given: dict[str, bytes]
) -> None:
    """Write sound tables, those of an input over them, and a header that declares them."""
    write_folder(folder, header, head, tables)
    for name, content in given.items():
        if name.endswith(".csv"):
            (folder / name).write_bytes(content)
    toml = given.get(header, b"") or (folder / header).read_bytes()
    text = toml.decode("utf-8", errors="surrogateescape")
    for path in folder.glob("*.csv"):
        if f"[tables.{path.stem}]" not in text and path.name in given:
            text += f'\n[tables.{path.stem}]\nrows = 0\nsha256 = ""\n'

    def digest(found: re.Match[str]) -> str:
        path = folder / f"{found[2]}.csv"
        data = path.read_bytes() if path.is_file() else b""
        return found[1] + hashlib.sha256(data).hexdigest()

    def rows(found: re.Match[str]) -> str:
        path = folder / f"{found[2]}.csv"
        return found[1] + str(_height(path))

    text = _ROWS.sub(rows, _SHA.sub(digest, text))
    (folder / header).write_bytes(text.encode("utf-8", errors="surrogateescape"))


def _height(path: Path) -> int:
    try:
        data = path.read_bytes()
        return pl.read_csv(data, infer_schema=False, empty_string_is_null=False).height
    except (OSError, pl.exceptions.PolarsError):
        return 0


def rule(data: bytes) -> None:
    """A rule's text: parsed, written again, then as a row of a scheme."""
    source = data.decode("utf-8", errors="replace")
    with documented():
        parsed = rules.parse(source)
        assert rules.parse(rules.to_text(parsed)) == parsed
        cell = source.replace('"', '""')
        table = f'order,check,level,rule\n1,E101,stop,"{cell}"\n2,N404,note,"not ({cell})"\n'
        scheme(b"@@ check.csv\n" + table.encode())


def scheme(data: bytes) -> None:
    """A scheme (``@@ adrg.csv``) and its overlay (``@@ overlay.toml``, ``@@ over-adrg.csv``)."""
    given = parts(data)

    def work() -> None:
        with documented():
            grouper = drg.Grouper.load(folder / "made", "over" if over.exists() else None)
            _agree(grouper)

    with scratch() as folder:
        over = folder / "made" / "compat" / "over"
        laid = {n.removeprefix("over-"): c for n, c in given.items() if n.startswith("over")}
        own = {name: content for name, content in given.items() if not name.startswith("over")}
        _lay(folder / "made", "scheme.toml", _HEAD, _TABLES, own)
        if laid:
            _lay(over, "overlay.toml", 'id = "over"\n', {}, laid)
        _with_tiny_tables(work, folder)


def catalogue(data: bytes) -> None:
    """A DIP catalogue's folder, loaded and run."""
    given = parts(data)

    def work() -> None:
        with documented():
            grouper = DipGrouper.load(folder / "made")
            found = grouper.group_frame(_claims(), COLUMNS, threads=1).select(RESULT_NAMES).rows()
            for row, from_frame in zip(_claims().rows(named=True), found, strict=True):
                one = grouper.reference.match(drg.Claim.from_row(row))
                told = [str(getattr(one, name)) for name in RESULT_NAMES]
                assert [*map(str, from_frame)] == told, row

    with scratch() as folder:
        _lay(folder / "made", "catalogue.toml", _CATALOGUE_HEAD, _CATALOGUE, given)
        _with_tiny_tables(work, folder)


def policy(data: bytes) -> None:
    """A policy (``@@ made.toml``) with its tables, loaded, listed and told."""
    from drg.payment.policy.catalog import load_policy
    from drg.scale.policy_pages import page_lines

    with scratch() as folder, documented():
        path = _files(folder, parts(data), "made.toml")
        loaded = load_policy(path)
        assert load_policy(path).digest == loaded.digest
        list(page_lines(loaded))


def weights(data: bytes) -> None:
    """A weight table (``@@ made.csv``) and its TOML."""
    from drg.payment.weight_table import load_weight_table

    with scratch() as folder, documented():
        table = load_weight_table(_files(folder, parts(data), "made.csv"))
        assert all(weight > 0 for weight in table.weights.values())


def _files(folder: Path, given: dict[str, bytes], main: str) -> Path:
    """The files of an input; what has no name is the main one."""
    for name, content in given.items():
        if name and name not in (".", ".."):
            (folder / name).write_bytes(content)
    if not (folder / main).exists():
        (folder / main).write_bytes(given[""])
    return folder / main


def toml(data: bytes) -> None:
    """The other TOML and CSV files that a user may write; the first byte says which."""
    kind, content = chosen(data, [*_others()])
    suffix, load = _others()[kind]
    with scratch() as folder, documented():
        load(_files(folder, parts(content), f"made{suffix}"))


@cache
def _others() -> dict[str, tuple[str, Callable[[Path], object]]]:
    from drg.audit.rules import load_rules
    from drg.benefits.plan import load_plan
    from drg.dip.build.settings import read_build_settings
    from drg.payment.mechanisms.disease_table import load_diseases
    from drg.scale.whatif_file import read_reforms
    from drg.settlement.budget_file import load_budget
    from drg.settlement.calendar import read_calendar
    from drg.settlement.inputs import read_decisions, read_hospitals
    from drg.settlement.warning_fund import load_accounts
    from drg.settlement.warning_plan import load_plan as load_spending
    from drg.settlement.warning_scale import load_scales

    return {
        "rules": (".toml", load_rules),
        "benefits": (".toml", load_plan),
        "build": (".toml", read_build_settings),
        "reforms": (".toml", read_reforms),
        "scales": (".toml", load_scales),
        "budget": (".csv", load_budget),
        "accounts": (".csv", load_accounts),
        "spending": (".csv", lambda path: load_spending(path, 2025)),
        "diseases": (".csv", load_diseases),
        "decisions": (".csv", read_decisions),
        "hospitals": (".csv", read_hospitals),
        "calendar": (".csv", read_calendar),
    }
