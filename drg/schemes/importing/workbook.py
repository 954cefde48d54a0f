"""A bureau's workbook, recognised sheet by sheet, as a draft of a scheme.

What the workbook says counts. What it leaves open comes from the base where there is one, else
from the field's convention, and is reported either way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import takewhile

from drg.errors import TableError
from drg.schemes.crosswalk import Kind
from drg.schemes.importing import cells
from drg.schemes.importing.adrg_rules import Sets, adrg_rules, base_sets_of, named_sets, same_adrg
from drg.schemes.importing.conventions import (
    AMBIGUOUS,
    GREY_CHECK,
    is_ambiguous,
    kind_of,
    layout,
    mdc_name,
)
from drg.schemes.importing.draft import AdrgDraft, DrgDraft, MdcDraft, SchemeDraft
from drg.schemes.importing.drg_names import GroupRow, group_tests
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.sheets import SheetRow
from drg.schemes.importing.workbook_codes import CodeReader
from drg.schemes.importing.workbook_lists import Found, read_lists
from drg.schemes.importing.workbook_order import in_order
from drg.schemes.scheme import AdrgRow, Scheme

_NO_GROUP = re.compile(r"0000|[A-Z]00")


def workbook_draft(
    name: str, found: Found, base: Scheme | None, report: ImportReport, where: str
) -> SchemeDraft:
    """A draft of a scheme from the sheets of a workbook.

    Parameters
    ----------
    name : str
        What the scheme is called when nobody says otherwise: the file's name.
    found : mapping of str to sequence of SheetRow
        From ``read_sheets``.
    base : Scheme or None
    report : ImportReport
    where : str
        The source, for an error.

    Raises
    ------
    TableError
        T145: without a base the groups and the lists of the ADRGs must be there.
    """
    lists = any(found.get(kind) for kind in ("adrg_dx", "adrg_px", "rule"))
    if not (found.get("drg") and lists) and (base is None or not any(found.values())):
        raise TableError("T145", where=where, found=", ".join(found) or "—")
    return _Workbook(name, found, base, report).run()


class _Workbook:
    def __init__(self, name: str, found: Found, base: Scheme | None, report: ImportReport) -> None:
        self.found = found
        self.base = base
        self.report = report
        self.codes = CodeReader(base, report)
        self.draft = SchemeDraft(name, "")
        self.names: dict[str, str] = {}
        self.mdc_names: dict[str, str] = {}
        self.lists: defaultdict[str, dict[str, dict[str, int]]] = defaultdict(dict)
        self.place: dict[str, tuple[str, int]] = {}
        self.told = self._told()
        self.groups = self._groups()
        self.base_rows: defaultdict[str, list[AdrgRow]] = defaultdict(list)
        for row in base.adrgs if base else ():
            self.base_rows[row.adrg].append(row)
        self.base_sets = base_sets_of(base) if base else {}
        self.sets: Sets = {}

    def run(self) -> SchemeDraft:
        draft = self.draft
        self._adrg_lists()
        read_lists(draft, self.found, self.codes, self.base, self.report)
        adrgs = self._adrgs()
        for adrg in adrgs:
            self._adrg(adrg)
        self._ambiguous()
        in_order(draft.adrg, self.base)
        self._mdcs(sorted({row.mdc for row in draft.adrg}))
        draft.code_set = [
            (row, name, kind, code)
            for name, (kind, codes) in self.sets.items()
            for code, row in codes.items()
        ]
        self._valid_procedures()
        if self.base is not None:
            draft.checks = [(r.check, r.level, r.text) for r in self.base.checks]
        else:
            draft.checks = [(c["check"], "stop", c["rule"]) for c in layout("workbook")["checks"]]
            draft.checks += [GREY_CHECK] if draft.grey_code else []
        return draft

    # ---- what the sheets hold

    def _told(self) -> Mapping[str, list[SheetRow]]:
        """Rules that the workbook gives in so many words, by MDC, ADRG or DRG."""
        told: defaultdict[str, list[SheetRow]] = defaultdict(list)
        for kind, field in (("rule", "group"), ("adrg", "adrg"), ("mdc", "mdc")):
            for r in self.found.get(kind, ()):
                group = cells.code(r[field]).upper().split(" ")[0]
                if r["rule"] and group:
                    told[group].append(r)
        return told

    def _groups(self) -> dict[str, list[GroupRow]]:
        """Groups by ADRG; an ambiguous group stands under its own code."""
        groups: defaultdict[str, dict[str, GroupRow]] = defaultdict(dict)
        for r in self.found.get("drg", ()):
            code, name = self.codes.named(r, "drg")
            if not code:
                if not _NO_GROUP.fullmatch(cells.code(r["drg"]).upper()):
                    self.report.add("not_group", r.sheet, r.row, r["drg"])
                continue
            adrg = code if is_ambiguous(code) else code[:3]
            listed, adrg_name = self.codes.named(r, "adrg")
            if listed and listed != adrg:
                adrg_name = ""
                if "adrg" not in r.filled:
                    self.report.add("group_adrg", r.sheet, r.row, code, adrg=listed)
            self._note(adrg, adrg_name, r)
            if code in groups[adrg]:
                self.report.add("duplicate", r.sheet, r.row, code)
                continue
            rule = r["rule"] or next((t["rule"] for t in self.told.get(code, ())), "")
            groups[adrg][code] = GroupRow(r.sheet, r.row, code, name, rule)
        return {adrg: list(rows.values()) for adrg, rows in groups.items()}

    def _note(self, adrg: str, name: str, r: SheetRow) -> None:
        """Remember an ADRG's name and place, and its MDC's name."""
        self.names[adrg] = self.names.get(adrg) or name
        self.place.setdefault(adrg, (r.sheet, r.row))
        letter, mdc = self.codes.named(r, "mdc")
        if letter and letter != adrg[0]:
            if "mdc" in r.filled:
                return
            self.report.add("group_mdc", r.sheet, r.row, adrg, mdc=f"MDC{letter}")
        elif letter and mdc:
            self.mdc_names.setdefault(f"MDC{letter}", mdc)

    def _adrg_lists(self) -> None:
        kinds: dict[str, Kind | None] = {"adrg": None, "adrg_dx": "dx", "adrg_px": "px"}
        for sheet, kind in kinds.items():
            for r in self.found.get(sheet, ()):
                adrg, name = self.codes.named(r, "adrg")
                if not adrg:
                    self.report.add("not_group", r.sheet, r.row, r["adrg"])
                    continue
                self._note(adrg, name, r)
                if kind is not None:
                    self._list_row(adrg, r, kind)
        for r in (*self.found.get("mdc", ()), *self.found.get("mdc_diagnosis", ())):
            letter, name = self.codes.named(r, "mdc")
            if letter and name:
                self.mdc_names.setdefault(f"MDC{letter}", name)

    def _list_row(self, adrg: str, r: SheetRow, kind: Kind) -> None:
        code = self.codes.code(r, kind)
        label = self.codes.label(r, kind)
        if code and label:
            codes = self.lists[adrg].setdefault(label, {})
            if code in codes:
                self.report.add("duplicate", r.sheet, r.row, f"{adrg} {code}")
            codes.setdefault(code, r.row)

    # ---- ADRGs and groups

    def _adrgs(self) -> list[str]:
        """Every ADRG of the scheme, ambiguous groups left out."""
        listed = [
            *self.groups,
            *self.lists,
            *self.told,
            *(self.names if self.found.get("adrg") else ()),
        ]
        adrgs = {a for a in listed if len(a) == 3 and a[-1].isdigit()}
        if not self.found.get("drg"):
            adrgs |= {adrg for adrg, rows in self.base_rows.items() if not rows[0].ambiguous}
        for adrg, rows in self.base_rows.items():
            if adrg not in adrgs and not rows[0].ambiguous:
                self.report.add("adrg_gone", "drg", 0, adrg, name=rows[0].name)
        return sorted(adrgs)

    def _adrg(self, adrg: str) -> None:
        sheet, row = self.place.get(adrg, ("", 0))
        theirs = self.base_rows.get(adrg, [])
        groups = self.groups.get(adrg, [])
        name = self.names.get(adrg) or _head(groups)
        if theirs and not same_adrg(name, theirs[0].name):
            self.report.add("name_differs", sheet, row, f"{adrg} {name}", theirs=theirs[0].name)
            theirs = []
        name = name or (theirs[0].name if theirs else "")
        quiet = not (self.found.get("adrg_dx") or self.found.get("adrg_px"))

        def tell(finding: str, *, row: int = row, what: str = adrg, **params: object) -> None:
            if not (quiet and finding == "adrg_from_base"):
                self.report.add(finding, sheet, row, what, **params)

        lacking = [kind for kind in ("dx", "px") if not self.found.get(f"adrg_{kind}")]
        said = self.told.get(adrg, ())
        told = [r["rule"] for r in said]
        made = adrg_rules(
            adrg, self.lists.get(adrg, {}), told, theirs, self.base_sets, lacking, tell
        )
        self.sets |= made.sets
        kind = theirs[0].kind if theirs else kind_of(adrg)
        through = self.base is not None and self.base.flags.unmatched_adrg == "next"
        places = [(r.sheet, r.row) for r in said] or [(sheet, row)] * len(made.rows)
        for (file, at), (rule_no, rule) in zip(places, made.rows, strict=True):
            mdc = f"MDC{adrg[0]}"
            self.draft.adrg.append(
                AdrgDraft(at, mdc, 0, adrg, str(rule_no), name, kind, rule, through, file=file)
            )
        self._drgs(adrg, name, groups)

    def _drgs(self, adrg: str, name: str, groups: Sequence[GroupRow]) -> None:
        theirs = [d for d in self.base.drgs if d.adrg == adrg] if self.base else []
        if not groups:
            if self.found.get("drg"):
                self.report.add("adrg_no_group", *self.place.get(adrg, ("", 0)), adrg)
                return
            for d in theirs:
                number = "" if d.rule_no is None else str(d.rule_no)
                self.draft.drg.append(DrgDraft(0, adrg, number, d.order, d.drg, d.name, d.text))
            self._adopt_sets([d.text for d in theirs])
            return
        head = name if all(g.name.startswith(name) for g in groups) else _head(groups)
        tests = group_tests(groups, head, {d.drg: (d.name, d.text) for d in theirs})
        for order, test in enumerate(tests, 1):
            g = test.group
            if test.doubt:
                self.report.add(test.doubt, g.sheet, g.row, f"{g.drg} {g.name}")
            elif test.from_base:
                self.report.add("test_from_base", g.sheet, g.row, g.drg, rule=test.rule)
            self.draft.drg.append(
                DrgDraft(g.row, adrg, "", order, g.drg, g.name, test.rule, g.sheet)
            )
        if all(test.rule != "always" for test in tests):
            self.report.add("group_open", groups[0].sheet, groups[0].row, adrg)
        self._adopt_sets([test.rule for test in tests])

    def _adopt_sets(self, rules: Sequence[str]) -> None:
        """Sets of the base that DRG tests name."""
        for name, (kind, codes) in named_sets("", rules, self.base_sets).items():
            self.sets.setdefault(name, (kind, dict.fromkeys(sorted(codes), 0)))

    def _ambiguous(self) -> None:
        """Ambiguous rows: the base's, and by convention those that only the workbook lists."""
        listed = {adrg for adrg in self.groups if is_ambiguous(adrg)}
        kept = {row.mdc for row in self.draft.adrg}
        for adrg, rows in self.base_rows.items():
            for row in rows:
                if not row.ambiguous or row.mdc not in kept:
                    continue
                if listed and adrg not in listed:
                    self.report.add("ambiguous_gone", "drg", 0, f"{row.mdc} {adrg}")
                    continue
                self.report.add("ambiguous_from_base", "drg", 0, f"{row.mdc} {adrg}", rule=row.text)
                self._adopt_sets([row.text])
                self.draft.adrg.append(
                    AdrgDraft(
                        0, row.mdc, 0, adrg, str(row.rule_no), row.name, AMBIGUOUS, row.text,
                        False, row.reason,
                    )
                )  # fmt: skip
        for adrg in sorted(listed - set(self.base_rows)):
            g = self.groups[adrg][0]
            told = [r["rule"] for r in self.told.get(adrg, ())] or [
                g.rule or "principal_px in VALID"
            ]
            self.report.add("ambiguous_rule", g.sheet, g.row, adrg, rule="; ".join(told))
            self.draft.adrg += [
                AdrgDraft(
                    g.row,
                    f"MDC{adrg[0]}",
                    0,
                    adrg,
                    str(n),
                    g.name,
                    AMBIGUOUS,
                    rule,
                    False,
                    file=g.sheet,
                )
                for n, rule in enumerate(told, 1)
            ]

    def _valid_procedures(self) -> None:
        """Without a list of valid procedures: every procedure that some ADRG lists."""
        draft = self.draft
        rules = [row.rule for row in draft.adrg] + [row.rule for row in draft.mdc]
        if draft.valid_procedure or all("VALID" not in rule for rule in rules):
            return
        codes = {c for kind, of in self.sets.values() if kind == "px" for c in of}
        draft.valid_procedure = [(0, code, "") for code in sorted(codes)]
        draft.files["valid_procedure"] = "ADRG"
        self.report.add("valid_from_lists", "valid_procedure", count=len(codes))

    def _mdcs(self, mdcs: Sequence[str]) -> None:
        """MDC rows: the base's in its order, then others in the national order."""
        theirs = {row.mdc: row for row in self.base.mdcs} if self.base else {}
        national = [f"MDC{letter}" for letter in layout("workbook")["mdc"]["order"]]
        ordered = [mdc for mdc in (*theirs, *national, *mdcs) if mdc in mdcs]
        doors = layout("workbook")["mdc"]["doors"]
        listed = {mdc for _, mdc, _, _ in self.draft.mdc_diagnosis}
        for order, mdc in enumerate(dict.fromkeys(ordered), 1):
            row = theirs.get(mdc)
            told = self.told.get(mdc) or self.told.get(mdc[3:]) or ()
            place = (told[0].sheet, told[0].row) if told else ("mdc", 0)
            if told:
                rule = told[0]["rule"]
            elif row is not None:
                rule = row.text
                self._adopt_sets([rule])
            else:
                rule = str(doors.get(mdc, f"principal_dx in {mdc}"))
                self.report.add("door", "mdc", 0, mdc, rule=rule)
            if mdc not in listed and f"in {mdc}" in rule:
                self.report.add("mdc_without_list", "mdc_diagnosis", 0, mdc)
            name = self.mdc_names.get(mdc) or (row.name if row else mdc_name(mdc))
            self.draft.mdc.append(MdcDraft(place[1], order, mdc, name, rule, place[0]))


def _head(groups: Sequence[GroupRow]) -> str:
    """What the names of an ADRG's groups begin with, up to the comma; one group's whole name."""
    names = [g.name for g in groups]
    if len(names) == 1 and groups[0].drg.endswith("9"):
        return names[0]
    if len(names) < 2:
        return ""
    same = takewhile(lambda signs: len(set(signs)) == 1, zip(*names, strict=False))
    return re.sub(r"[,，]?[^,，]*$", "", "".join(signs[0] for signs in same))
