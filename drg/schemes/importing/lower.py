"""A draft of a scheme as tables of ours that group exactly as the draft says.

Our tables refuse what a source may hold: two rows of one key, a set without rows, a set of the
other kind, a level without a table. Each is settled here, with a line in the report.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from drg.schemes.importing import cells
from drg.schemes.importing.conventions import mdc_name
from drg.schemes.importing.draft import MdcDraft, SchemeDraft
from drg.schemes.importing.lower_groups import lower_groups
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.rule_text import NEVER, read_rule, settled, two_valued
from drg.schemes.rules import And, Codes, Not, Or, Rule, Severity, code_tests, to_text
from drg.schemes.tables import MAX_CODE_BYTES, SCHEME_TABLES

Tables = dict[str, pl.DataFrame]
#: Stands for a blank exclusion table: equal to another blank one, to no other.
_BLANK_TABLE = "blank"
_ODD = re.compile(r"[\s,;，；]")


def lower(draft: SchemeDraft, report: ImportReport) -> tuple[Tables, dict[str, object]]:
    """Tables and flags of a draft.

    Returns
    -------
    tables : dict of str to DataFrame
        As ``SCHEME_TABLES`` describes them, sorted by key (ordered tables by order).
    flags : dict
        The draft's flags with ``unmatched_adrg``.
    """
    return _Lowering(draft, report).run()


class _Lowering:
    def __init__(self, draft: SchemeDraft, report: ImportReport) -> None:
        self.draft = draft
        self.report = report
        self.parsed: dict[str, tuple[Rule | None, bool]] = {}
        self.rows: dict[str, list[tuple[str, ...]]] = {}
        self.told: set[tuple[str, int, str]] = set()

    def run(self) -> tuple[Tables, dict[str, object]]:
        draft = self.draft
        self.uses = self._uses()
        self._lists()
        self._severity()
        self._sets()
        mdcs = self._mdcs()
        groups = lower_groups(draft, [(m.mdc, of) for m, of in mdcs], self._rule, self.report)
        self.rows["adrg"], self.rows["drg"] = groups.adrg, groups.drg
        self.rows["mdc"] = self._mdc_rows([m for m, _ in mdcs])
        self.rows["check"] = [
            (str(n), check, level, rule) for n, (check, level, rule) in enumerate(draft.checks, 1)
        ]
        tables = {
            name: _frame(name, self.rows.get(name, ()))
            for name, table in SCHEME_TABLES.items()
            if self.rows.get(name) or not table.optional
        }
        return tables, draft.flags | {"unmatched_adrg": groups.unmatched_adrg}

    # ---- rules

    def _texts(self) -> Iterable[str]:
        draft = self.draft
        for rows in (draft.mdc, draft.adrg, draft.drg):
            yield from (row.rule for row in rows)
        yield from (rule for _, _, rule in draft.checks)

    def _uses(self) -> dict[str, set[str]]:
        """The kinds of code each set is asked for."""
        uses: defaultdict[str, set[str]] = defaultdict(set)
        for text in self._texts():
            if text not in self.parsed:
                self.parsed[text] = read_rule(text)
                rule = self.parsed[text][0]
                for test in code_tests(rule) if rule else ():
                    if test.name:
                        uses[self._set_name(test.name)].add(test.kind)
        return uses

    def _set_name(self, written: str) -> str:
        """A set's name as the tables have it: ``B`` may be meant for ``MDCB``."""
        name = cells.code(written)
        if len(name) == 1 and all(s != name for _, s, _, _ in self.draft.code_set):
            return f"MDC{name.upper()}"
        return name

    def _rule(self, file: str, row: int, text: str) -> tuple[Rule, str]:
        """A rule settled, and its text; told of once a row."""
        tell = (file, row, text) not in self.told
        self.told.add((file, row, text))
        rule, respelled = self.parsed[text]
        if rule is None:
            if tell:
                self.report.add("bad_rule", file, row, text)
            return NEVER, "never"
        empty: list[str] = []
        made = settled(rule, lambda test: self._test(test, empty))
        if self.doubly:
            made = self._with_double(made)
        if empty and tell:
            kind = "set_not_in_base" if "code_set" in self.draft.adopted else "empty_set"
            self.report.add(kind, file, row, text, sets=", ".join(dict.fromkeys(empty)))
        if self.draft.two_valued:
            plain = made
            made = two_valued(made, self.draft.blank_is_zero)
            if made != plain and tell:
                self.report.add("missing_values", file, row, text, rule=to_text(made))
        if made == rule and not respelled:
            return rule, text
        if respelled and tell:
            self.report.add("respelled", file, row, text, rule=to_text(made))
        return made, to_text(made)

    def _test(self, test: Codes, empty: list[str]) -> Codes | None:
        if test.name:
            name = self.set_of.get((self._set_name(test.name), test.kind))
            if name is None:
                empty.append(test.name)
                return None
            return Codes(test.position, test.kind, name)
        codes = [cells.code(code) for code in test.codes]
        kept = tuple(code for code in codes if len(code.encode()) <= MAX_CODE_BYTES)
        if len(kept) < len(codes):
            empty.append("{…}")
        return Codes(test.position, test.kind, "", kept) if kept else None

    # ---- sets

    def _sets(self) -> None:
        """Rows of code_set, and under which name a rule finds a set of a kind."""
        file = self.draft.file("code_set")
        members: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row, name, kind, code in self.draft.code_set:
            if name == "VALID":
                self.report.add("reserved_set", file, row, name)
            elif code in members[name]:
                self.report.add("duplicate", file, row, f"{name} {code}")
            elif self._fits(file, row, code):
                members[name][code] = kind
        elsewhere = {
            "dx": {
                m: [c for x, c, _ in self.rows["mdc_diagnosis"] if x == m] for m in self._listed()
            },
            "px": {"VALID": [code for code, _ in self.rows["valid_procedure"]]},
        }
        grey = {f"GREY.{kind}": kind for kind, _ in self.rows["grey_code"]}
        self.set_of = {(name, kind): name for name, kind in grey.items()}
        rows = []
        for name in sorted({*members, *elsewhere["dx"], *elsewhere["px"]}):
            home = next((kind for kind, sets in elsewhere.items() if sets.get(name)), "")
            own = members.get(name, {})
            main = home or self._main_kind(name, own)
            rows += [(name, main, code) for code in own]
            if own or home:
                self.set_of[name, main] = name
            for kind in self.uses.get(name, set()) - {main}:
                codes = dict.fromkeys([*own, *elsewhere.get(home, {}).get(name, ())])
                alias = f"{name}.as_{kind}"
                if codes:
                    rows += [(alias, kind, code) for code in codes]
                    self.set_of[name, kind] = alias
                    self.report.add("set_alias", file, 0, name, kind=kind, alias=alias)
        self.rows["code_set"] = rows + self.rows.get("code_set", [])

    def _listed(self) -> list[str]:
        return list(dict.fromkeys(mdc for mdc, _, _ in self.rows["mdc_diagnosis"]))

    def _main_kind(self, name: str, own: dict[str, str]) -> str:
        """The kind a set is kept as: the one rules ask for, else the one its rows say."""
        said = {kind for kind in own.values() if kind}
        uses = self.uses.get(name, set())
        by_name = "px" if ".px" in name.lower() else "dx"
        kind = by_name
        for options in (uses, said):
            if len(options) == 1:
                (kind,) = options
                break
        if own and (said != {kind} or "" in own.values()):
            self.report.add("set_kind", self.draft.file("code_set"), 0, name, kind=kind)
        return kind

    def _fits(self, file: str, row: int, code: str) -> bool:
        """Whether a code can be held; tells of one that cannot, or that looks like two."""
        if len(code.encode()) > MAX_CODE_BYTES:
            self.report.add("long_code", file, row, code, limit=MAX_CODE_BYTES)
            return False
        if _ODD.search(code):
            self.report.add("odd_code", file, row, code)
        return True

    # ---- lists

    def _lists(self) -> None:
        draft = self.draft
        file = draft.file("mdc_diagnosis")
        site_of = {code: site for _, _, code, site in draft.mdc_diagnosis if site}
        listed: dict[tuple[str, str], str] = {}
        for row, mdc, code, site in draft.mdc_diagnosis:
            if site and site != site_of[code]:
                self.report.add("two_sites", file, row, code, site=site_of[code])
            final = site_of[code] if site else ""
            if (mdc, code) in listed:
                self.report.add("duplicate", file, row, f"{mdc} {code}")
                listed[mdc, code] = listed[mdc, code] or final
            elif self._fits(file, row, code):
                listed[mdc, code] = final
        self.rows["mdc_diagnosis"] = [(m, c, site) for (m, c), site in listed.items()]
        self.rows["valid_procedure"] = self._once("valid_procedure", draft.valid_procedure, 1)
        grey = self._once("grey_code", [(r, c, k) for r, k, c in draft.grey_code], 2)
        self.rows["grey_code"] = [(kind, code) for code, kind in grey]

    def _once(
        self, table: str, rows: Sequence[tuple[int, str, str]], key: int
    ) -> list[tuple[str, ...]]:
        file = self.draft.file(table)
        found: dict[tuple[str, ...], tuple[str, ...]] = {}
        for row, *values in rows:
            if tuple(values[:key]) in found:
                self.report.add("duplicate", file, row, values[0])
            elif self._fits(file, row, values[0]):
                found[tuple(values[:key])] = tuple(values)
        return list(found.values())

    def _severity(self) -> None:
        """One row a code; a code that is both MCC and CC fulfils either test."""
        draft, file = self.draft, self.draft.file("severity")
        levels: dict[str, dict[str, str]] = {"MCC": {}, "CC": {}}
        for row, code, level, table in draft.severity:
            if level not in levels:
                self.report.add("bad_level", file, row, f"{code} {level}")
            elif self._fits(file, row, code):
                self._put(levels[level], code, self._table(file, row, table), file, row)
        excluded: dict[str, str] = {}
        exclusions = draft.file("exclusion")
        for row, code, table in draft.exclusion:
            if self._fits(exclusions, row, code):
                self._put(excluded, code, self._table(exclusions, row, table), exclusions, row)
        self.rows["exclusion"] = [*excluded.items()]
        rows: list[tuple[str, ...]] = []
        self.doubly: dict[str, list[str]] = {}
        for code in {**levels["MCC"], **levels["CC"]}:
            mcc, cc = levels["MCC"].get(code), levels["CC"].get(code)
            if mcc is not None and cc is not None:
                self.report.add("both_levels", file, 0, code)
                if mcc != cc:
                    self.doubly.setdefault(cc, []).append(code)
                    rows.append((code, "MCC", mcc))
                else:
                    rows.append((code, "MCC+CC", mcc))
            else:
                rows.append((code, "MCC" if cc is None else "CC", mcc or cc or ""))
        self.rows["severity"] = rows
        self.rows["code_set"] = [
            row
            for table, codes in self.doubly.items()
            for row in (
                *((f"CC.{table}.dx2", "dx", code) for code in codes),
                *((f"VOID.{table}.dx", "dx", c) for c, t in excluded.items() if t == table),
            )
        ]

    def _with_double(self, rule: Rule) -> Rule:
        """``cc`` with the codes that are CC under one exclusion table and MCC under another."""
        match rule:
            case Severity("CC"):
                sets = {name for name, _, _ in self.rows["code_set"]}
                parts: list[Rule] = [rule]
                for table in self.doubly:
                    part: Rule = Codes("secondary", "dx", f"CC.{table}.dx2")
                    if f"VOID.{table}.dx" in sets:
                        void = Not(Codes("principal", "dx", f"VOID.{table}.dx"))
                        part = And((part, void))
                    parts.append(part)
                return Or(tuple(parts))
            case Not(inner):
                return Not(self._with_double(inner))
            case And(rules):
                return And(tuple(map(self._with_double, rules)))
            case Or(rules):
                return Or(tuple(map(self._with_double, rules)))
            case _:
                return rule

    def _table(self, file: str, row: int, table: str) -> str:
        if not table:
            self.report.add("blank_table", file, row)
        return table or _BLANK_TABLE

    def _put(self, into: dict[str, str], code: str, table: str, file: str, row: int) -> None:
        """The last row of a code counts."""
        if code in into:
            same = into[code] == table
            self.report.add("duplicate" if same else "conflict", file, row, code, value=table)
        into[code] = table

    # ---- MDCs

    def _mdcs(self) -> list[tuple[MdcDraft, str]]:
        """MDCs in order, each with the MDC whose ADRGs it tries.

        An MDC that stands twice under different doors is two MDCs with the same ADRGs.
        """
        file = self.draft.file("mdc")
        found: list[tuple[MdcDraft, str]] = []
        doors: defaultdict[str, list[str]] = defaultdict(list)
        orders: set[int] = set()
        for mdc in sorted(self.draft.mdc, key=lambda m: m.order):
            if mdc.order in orders:
                self.report.add("tied_order", file, mdc.row, mdc.mdc)
            orders.add(mdc.order)
            before = doors[mdc.mdc]
            if mdc.rule in before:
                self.report.add("duplicate", file, mdc.row, mdc.mdc)
                continue
            before.append(mdc.rule)
            name = mdc.mdc if len(before) == 1 else f"{mdc.mdc}.{len(before)}"
            if name != mdc.mdc:
                self.report.add("mdc_twice", file, mdc.row, mdc.mdc, name=name)
            found.append((replace(mdc, mdc=name), mdc.mdc))
        return found

    def _mdc_rows(self, mdcs: list[MdcDraft]) -> list[tuple[str, ...]]:
        file = self.draft.file("mdc")
        rows = []
        for m in mdcs:
            name = m.name or mdc_name(m.mdc)
            if not m.name:
                self.report.add("name_filled", file, m.row, m.mdc, name=name)
            rows.append((m.mdc, name, self._rule(*self.draft.at("mdc", m), m.rule)[1]))
        known = {m.mdc for m in mdcs}
        groups = [row[2] for row in self.rows["adrg"]] + [row[3] for row in self.rows["drg"]]
        for mdc in dict.fromkeys(f"MDC{group[0]}" for group in groups):
            if mdc not in known:
                self.report.add("mdc_added", file, 0, mdc)
                rows.append((mdc, mdc_name(mdc), "never"))
        return [(str(10 * n), *row) for n, row in enumerate(rows, 1)]


def _frame(name: str, rows: Sequence[tuple[str, ...]]) -> pl.DataFrame:
    table = SCHEME_TABLES[name]
    schema = dict.fromkeys(table.header, pl.String)
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    if name in ("mdc", "check"):
        return frame
    if name == "adrg":
        return frame
    return frame.sort(table.key)
