"""A scheme resolved and checked: rules parsed, sets named, one digest. Immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import polars as pl

from drg.errors import TableError
from drg.schemes import rules
from drg.schemes.crosswalk import Crosswalk, Edition
from drg.schemes.flags import Flags
from drg.schemes.rules import Rule
from drg.schemes.tables import MAX_CODE_BYTES

VALID = "VALID"


@dataclass(frozen=True, slots=True)
class MdcRow:
    """One MDC: tried in order; its ADRGs are tried when its rule (the door) holds."""

    order: int
    mdc: str
    name: str
    rule: Rule
    text: str


@dataclass(frozen=True, slots=True)
class AdrgRow:
    """One ADRG rule; ``index`` is its place in the whole decision list."""

    index: int
    mdc: str
    order: int
    adrg: str
    rule_no: int
    name: str
    kind: str
    rule: Rule
    text: str
    reason: str

    @property
    def ambiguous(self) -> bool:
        """Whether this row ends the search with an ambiguous group."""
        return self.kind == "ambiguous"


@dataclass(frozen=True, slots=True)
class DrgRow:
    """One DRG test of an ADRG (of one of its rules when ``rule_no`` is not None)."""

    index: int
    adrg: str
    rule_no: int | None
    order: int
    drg: str
    name: str
    rule: Rule
    text: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One input check: ``stop`` rejects the claim, ``note`` only says so."""

    order: int
    check: str
    level: str
    rule: Rule
    text: str


class Scheme:
    """Grouping rules of one scheme, one overlay at the most laid over it.

    Parameters
    ----------
    header : mapping
        The scheme's TOML header.
    tables : mapping of str to DataFrame
        Resolved tables, all cells text (``drg.schemes.tables.SCHEME_TABLES``).
    codes : mapping of {"dx", "px"} to DataFrame
        National code lists, columns ``code`` and ``name``.
    flags : Flags
        The scheme's flags, the overlay's applied.
    digest : str
        SHA-256 over everything that decides a group.
    where : str
        The scheme's folder, for messages.
    compat : str, optional
        Name of the overlay, ``""`` for none.
    crosswalks : mapping of {"dx", "px"} to Crosswalk, optional
        How codes of claims are to be read under the clinical edition; empty: they are insurance
        codes, as the tables' are.
    """

    def __init__(
        self,
        header: Mapping[str, object],
        tables: Mapping[str, pl.DataFrame],
        codes: Mapping[str, pl.DataFrame],
        flags: Flags,
        digest: str,
        where: str,
        compat: str = "",
        crosswalks: Mapping[str, Crosswalk] = MappingProxyType({}),
    ) -> None:
        self.header = MappingProxyType(dict(header))
        self.id = str(header["id"])
        self.kind = str(header.get("kind", ""))
        self.flags = flags
        self.digest = digest
        self.where = where
        self.compat = compat
        self.crosswalks = MappingProxyType(dict(crosswalks))
        self._tables = dict(tables)
        self._codes = dict(codes)
        self.mdcs = tuple(
            MdcRow(
                int(r["order"]),
                r["mdc"],
                r["name"],
                self._rule("mdc", r["mdc"], r["rule"]),
                r["rule"],
            )
            for r in _ordered(tables["mdc"], "order")
        )
        self.adrgs = self._read_adrgs()
        self.drgs = self._read_drgs()
        self.checks = tuple(
            CheckRow(
                int(r["order"]),
                r["check"],
                r["level"],
                self._rule("check", r["check"], r["rule"]),
                r["rule"],
            )
            for r in _ordered(tables["check"], "order")
        )
        self._check_references()
        self._check_groups()

    def title(self, lang: str = "zh") -> str:
        """The scheme's title in one language."""
        return str(self.header.get(f"title_{lang}") or self.id)

    def table(self, name: str) -> pl.DataFrame:
        """One resolved table, all cells text."""
        return self._tables[name]

    def drgs_of(self, adrg: AdrgRow) -> tuple[DrgRow, ...]:
        """The DRG tests of one ADRG rule, in order."""
        own = self._drgs_by_rule.get((adrg.adrg, adrg.rule_no))
        return own or self._drgs_by_rule.get((adrg.adrg, None), ())

    @property
    def edition(self) -> Edition:
        """Edition of the codes in claims; the tables' own codes are always insurance codes."""
        return "clinical" if self.crosswalks else "insurance"

    @cached_property
    def code_sets(self) -> Mapping[str, frozenset[str]]:
        """Every named set: code_set, MDC lists, VALID and the grey codes."""
        grouped = self.set_rows.group_by("set").agg("code")
        return MappingProxyType({n: frozenset(c) for n, c in grouped.iter_rows()})

    @cached_property
    def set_rows(self) -> pl.DataFrame:
        """Every (set, kind, code) row of every named set, one frame."""
        t = self._tables
        parts = [
            t["code_set"].select("set", "kind", "code"),
            t["mdc_diagnosis"].select(
                pl.col("mdc").alias("set"), pl.lit("dx").alias("kind"), "code"
            ),
            t["valid_procedure"].select(
                pl.lit(VALID).alias("set"), pl.lit("px").alias("kind"), "code"
            ),
        ]
        if "grey_code" in t:
            parts.append(
                t["grey_code"].select(("GREY." + pl.col("kind")).alias("set"), "kind", "code")
            )
        return pl.concat(parts)

    @cached_property
    def trauma_site(self) -> Mapping[str, str]:
        """Body site of a diagnosis in the multiple-trauma MDC's list."""
        rows = self._tables["mdc_diagnosis"].filter(pl.col("site") != "").select("code", "site")
        return MappingProxyType(dict(rows.iter_rows()))

    @cached_property
    def severity(self) -> Mapping[str, tuple[str, str]]:
        """Diagnosis -> (level ``MCC``, ``CC`` or ``MCC+CC``, exclusion table)."""
        return MappingProxyType({c: (v, e) for c, v, e in self._tables["severity"].iter_rows()})

    @cached_property
    def exclusion(self) -> Mapping[str, str]:
        """Principal diagnosis -> the exclusion table it belongs to."""
        return MappingProxyType(dict(self._tables["exclusion"].iter_rows()))

    def known_codes(self, kind: str) -> pl.Series:
        """Every code of a kind that the national list or this scheme's tables and rules hold."""
        inline = {
            code
            for _, _, rule in self._all_rules()
            for test in rules.code_tests(rule)
            for code in test.codes
            if test.kind == kind and not code.endswith(".*")
        }
        parts = [
            self._codes[kind]["code"],
            self.set_rows.filter(pl.col("kind") == kind)["code"],
            pl.Series("code", sorted(inline), pl.String),
        ]
        if kind == "dx":
            parts.append(self._tables["severity"]["code"])
            parts.append(self._tables["exclusion"]["principal_diagnosis"])
        return pl.concat([p.alias("code") for p in parts]).unique().sort()

    @cached_property
    def known_dx(self) -> frozenset[str]:
        """Every known diagnosis code."""
        return frozenset(self.known_codes("dx"))

    @cached_property
    def known_px(self) -> frozenset[str]:
        """Every known procedure code."""
        return frozenset(self.known_codes("px"))

    @cached_property
    def dx_names(self) -> Mapping[str, str]:
        """Diagnosis code -> Chinese name."""
        return MappingProxyType(dict(self._codes["dx"].iter_rows()))

    @cached_property
    def px_names(self) -> Mapping[str, str]:
        """Procedure code -> Chinese name."""
        return MappingProxyType(
            dict(self._tables["valid_procedure"].iter_rows()) | dict(self._codes["px"].iter_rows())
        )

    def _rule(self, table: str, row: str, text: str) -> Rule:
        return rules.parse(text, where=f"{self.where} {table}.csv {row}")

    def _read_adrgs(self) -> tuple[AdrgRow, ...]:
        place = {row.mdc: n for n, row in enumerate(self.mdcs)}
        found = _ordered(self._tables["adrg"], "order")
        for r in found:
            if r["mdc"] not in place:
                raise TableError("T115", where=f"{self.where} adrg.csv {r['adrg']}", mdc=r["mdc"])
        found.sort(key=lambda r: place[r["mdc"]])
        return tuple(
            AdrgRow(
                index,
                r["mdc"],
                int(r["order"]),
                r["adrg"],
                int(r["rule_no"]),
                r["name"],
                r["kind"],
                self._rule("adrg", f"{r['adrg']}/{r['rule_no']}", r["rule"]),
                r["rule"],
                r["reason"],
            )
            for index, r in enumerate(found)
        )

    def _read_drgs(self) -> tuple[DrgRow, ...]:
        made = tuple(
            DrgRow(
                index,
                r["adrg"],
                int(r["rule_no"]) if r["rule_no"] else None,
                int(r["order"]),
                r["drg"],
                r["name"],
                self._rule("drg", r["drg"], r["rule"]),
                r["rule"],
            )
            for index, r in enumerate(_ordered(self._tables["drg"], "order"))
        )
        by_rule: dict[tuple[str, int | None], tuple[DrgRow, ...]] = {}
        for row in made:
            by_rule[row.adrg, row.rule_no] = (*by_rule.get((row.adrg, row.rule_no), ()), row)
        self._drgs_by_rule = by_rule
        return made

    def _check_references(self) -> None:
        """Every set that a rule names exists and is of the kind the rule asks for."""
        kinds = dict(self.set_rows.select("set", "kind").unique().iter_rows())
        mixed = (
            self.set_rows.group_by("set").agg(pl.col("kind").n_unique()).filter(pl.col("kind") > 1)
        )
        if mixed.height:
            raise TableError("T118", where=f"{self.where} code_set.csv", set=mixed[0, "set"])
        for table, name, rule in self._all_rules():
            for test in rules.code_tests(rule):
                if test.name and kinds.get(test.name) != test.kind:
                    raise TableError(
                        "T111",
                        where=f"{self.where} {table}.csv {name}",
                        set=test.name,
                        kind=test.kind,
                    )
                for code in test.codes:
                    if len(code.encode()) > MAX_CODE_BYTES:
                        where = f"{self.where} {table}.csv {name}"
                        raise TableError("T117", where=where, cell=code, limit=MAX_CODE_BYTES)

    def _check_groups(self) -> None:
        """Orders are distinct, every DRG row belongs to a rule, every group to an MDC."""
        for table, within in (("mdc", []), ("adrg", ["mdc"]), ("check", [])):
            rows = self._tables[table]
            twice = rows.filter(pl.struct(*within, "order").is_duplicated())
            if twice.height:
                where = f"{self.where} {table}.csv {'/'.join(twice.select(*within, table).row(0))}"
                raise TableError("T126", where=where, order=twice[0, "order"])
        rules_of = {(row.adrg, row.rule_no) for row in self.adrgs} | {
            (row.adrg, None) for row in self.adrgs
        }
        mdcs = {row.mdc for row in self.mdcs}
        for drg in self.drgs:
            if (drg.adrg, drg.rule_no) not in rules_of:
                adrg = drg.adrg if drg.rule_no is None else f"{drg.adrg}/{drg.rule_no}"
                raise TableError("T116", where=f"{self.where} drg.csv {drg.drg}", adrg=adrg)
        groups = [*(("adrg", r.adrg) for r in self.adrgs), *(("drg", r.drg) for r in self.drgs)]
        for table, group in groups:
            if f"MDC{group[0]}" not in mdcs:
                where = f"{self.where} {table}.csv {group}"
                raise TableError("T127", where=where, group=group, mdc=f"MDC{group[0]}")

    def _all_rules(self) -> list[tuple[str, str, Rule]]:
        return [
            *(("mdc", r.mdc, r.rule) for r in self.mdcs),
            *(("adrg", f"{r.adrg}/{r.rule_no}", r.rule) for r in self.adrgs),
            *(("drg", r.drg, r.rule) for r in self.drgs),
            *(("check", r.check, r.rule) for r in self.checks),
        ]


def _ordered(frame: pl.DataFrame, column: str) -> list[dict[str, str]]:
    return frame.sort(pl.col(column).cast(pl.Int64), maintain_order=True).to_dicts()
