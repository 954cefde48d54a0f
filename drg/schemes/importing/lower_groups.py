"""ADRG and DRG rows of a draft as rows of ours, where one flag says what an unmatched ADRG does.

A source says row by row whether an ADRG without a fitting DRG answers its own code or lets the
search go on, and a DRG test may answer a group of another ADRG, an ambiguous one included. Here
such rows become plain: the bare code is a last DRG row, a foreign group an ADRG row of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from drg.schemes.importing.conventions import AMBIGUOUS, ambiguous_reason, is_ambiguous, kind_of
from drg.schemes.importing.draft import AdrgDraft, DrgDraft, SchemeDraft
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.rule_text import ALWAYS, conjunction
from drg.schemes.rules import Rule, to_text
from drg.schemes.tables import ADRG_KINDS

#: (file, row, text) -> the settled rule and its text.
RuleOf = Callable[[str, int, str], tuple[Rule, str]]
_AMBIGUOUS_NAME = "歧义组"


@dataclass(frozen=True, slots=True)
class _Test:
    order: int
    drg: str
    name: str
    rule: Rule
    text: str


@dataclass(slots=True)
class _Row:
    """An ADRG row of ours before it has its number."""

    draft: AdrgDraft
    mdc: str
    code: str
    text: str
    ambiguous: bool
    tests: tuple[_Test, ...]
    from_blank: bool
    rule_no: int = 0


@dataclass(slots=True)
class Groups:
    """Rows of adrg.csv and drg.csv, and the flag ``unmatched_adrg``."""

    adrg: list[tuple[str, ...]] = field(default_factory=list)
    drg: list[tuple[str, ...]] = field(default_factory=list)
    unmatched_adrg: str = "self"


def lower_groups(
    draft: SchemeDraft, mdcs: Sequence[tuple[str, str]], rule_of: RuleOf, report: ImportReport
) -> Groups:
    """Lower the ADRG and DRG rows of a draft.

    Parameters
    ----------
    draft : SchemeDraft
    mdcs : sequence of (mdc, mdc whose ADRG rows it tries)
        In order.
    rule_of : callable
        Settles a rule's text.
    report : ImportReport
    """
    return _Groups(draft, rule_of, report).run(mdcs)


class _Groups:
    def __init__(self, draft: SchemeDraft, rule_of: RuleOf, report: ImportReport) -> None:
        self.draft = draft
        self.rule_of = rule_of
        self.report = report
        self.tests = self._tests()
        self.used: set[tuple[str, str]] = set()

    def run(self, mdcs: Sequence[tuple[str, str]]) -> Groups:
        by_mdc: defaultdict[str, list[AdrgDraft]] = defaultdict(list)
        for adrg in self._distinct():
            by_mdc[adrg.mdc].append(adrg)
        found = [(mdc, adrg) for mdc, of in mdcs for adrg in by_mdc.get(of, ())]
        parts = [(mdc, adrg, *self._segments(adrg)) for mdc, adrg in found]
        through = any(a.falls_through for _, a, _, _ in parts)
        through = through or any(len(segments) > 1 for _, _, segments, _ in parts)
        rows = [
            row
            for mdc, adrg, segments, blank in parts
            for row in self._rows(mdc, adrg, segments, blank, through)
        ]
        groups = Groups(unmatched_adrg="next" if through else "self")
        by_code: defaultdict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            by_code[row.code].append(row)
        for code, own in by_code.items():
            groups.drg += self._number(code, own)
        places: defaultdict[str, int] = defaultdict(int)
        for row in rows:
            places[row.mdc] += 10
            groups.adrg.append(self._adrg(row, places[row.mdc]))
        known = {mdc for mdc, _ in mdcs}
        for adrg in self.draft.adrg:
            if adrg.mdc not in known:
                self.report.add(
                    "unknown_mdc", *self.draft.at("adrg", adrg), adrg.adrg, mdc=adrg.mdc
                )
                self.used.update(((adrg.adrg, adrg.rule_no), (adrg.adrg, "")))
        for drg in self.draft.drg:
            if (drg.adrg, drg.rule_no) not in self.used:
                self.report.add("drg_not_tried", *self.draft.at("drg", drg), drg.drg)
        return groups

    # ---- what the source says

    def _distinct(self) -> list[AdrgDraft]:
        """ADRG rows by order; of rows that are equal in all that decides, the first."""
        seen: set[tuple[object, ...]] = set()
        rows = []
        for adrg in sorted(self.draft.adrg, key=lambda a: a.order):
            key = (adrg.mdc, adrg.adrg, adrg.rule_no, adrg.rule, adrg.falls_through)
            if key in seen:
                self.report.add("duplicate", *self.draft.at("adrg", adrg), adrg.adrg)
            else:
                seen.add(key)
                rows.append(adrg)
        return rows

    def _tests(self) -> dict[tuple[str, str], tuple[_Test, ...]]:
        by_key: defaultdict[tuple[str, str], list[DrgDraft]] = defaultdict(list)
        for drg in sorted(self.draft.drg, key=lambda d: d.order):
            by_key[drg.adrg, drg.rule_no].append(drg)
        names = {a.adrg: a.name for a in reversed(self.draft.adrg)}
        found = {}
        for key, drgs in by_key.items():
            tests: list[_Test] = []
            for drg in drgs:
                rule, text = self.rule_of(*self.draft.at("drg", drg), drg.rule)
                if any(t.drg == drg.drg and t.text == text for t in tests):
                    self.report.add("duplicate", *self.draft.at("drg", drg), drg.drg)
                    continue
                name = drg.name or names.get(drg.adrg) or drg.drg
                if not drg.name:
                    self.report.add("name_filled", *self.draft.at("drg", drg), drg.drg, name=name)
                tests.append(_Test(drg.order, drg.drg, name, rule, text))
            orders = [t.order for t in tests]
            if len(set(orders)) < len(orders) or min(orders) < 1:
                self.report.add("tied_order", *self.draft.at("drg", drgs[0]), key[0])
                tests = [_Test(n, t.drg, t.name, t.rule, t.text) for n, t in enumerate(tests, 1)]
            found[key] = tuple(tests)
        return found

    def _segments(self, adrg: AdrgDraft) -> tuple[list[tuple[str, bool, list[_Test]]], bool]:
        """Runs of DRG tests that answer in one ADRG, in order; a bare ADRG code is the last test.

        Returns
        -------
        segments : list of (three-letter code, ambiguous, tests)
            A bare code that needs no DRG row of its own has no tests.
        from_blank : bool
            Whether the tests are those of the ADRG's rows without a rule number.
        """
        own = (adrg.adrg, adrg.rule_no)
        key = own if own in self.tests else (adrg.adrg, "")
        self.used.add(key)
        segments: list[tuple[str, bool, list[_Test]]] = []
        for test in self.tests.get(key, ()):
            ambiguous = is_ambiguous(test.drg)
            code = test.drg[:3]
            if segments and segments[-1][0] == code and not ambiguous:
                segments[-1][2].append(test)
            else:
                segments.append((code, ambiguous, [test]))
        from_blank = key[1] == ""
        if adrg.falls_through or any(t.rule == ALWAYS for _, _, tests in segments for t in tests):
            return segments or [(adrg.adrg[:3], False, [])], from_blank
        if is_ambiguous(adrg.adrg) or (not segments and adrg.kind == AMBIGUOUS):
            return [*segments, (adrg.adrg, True, [])], from_blank
        if not segments:
            return [(adrg.adrg[:3], False, [])], from_blank
        if segments[-1][0] == adrg.adrg[:3]:
            return segments, from_blank
        return [*segments, (adrg.adrg[:3], False, [])], from_blank

    # ---- rows of ours

    def _rows(
        self,
        mdc: str,
        adrg: AdrgDraft,
        segments: list[tuple[str, bool, list[_Test]]],
        from_blank: bool,
        through: bool,
    ) -> Iterator[_Row]:
        at = self.draft.at("adrg", adrg)
        rule, text = self.rule_of(*at, adrg.rule)
        if len(segments) > 1:
            answers = ", ".join(code for code, _, _ in segments)
            self.report.add("split_adrg", *at, adrg.adrg, answers=answers)
        for n, (code, ambiguous, tests) in enumerate(segments):
            if ambiguous:
                joined = conjunction([rule, *(t.rule for t in tests)])
                yield _Row(
                    adrg, mdc, code, text if joined == rule else to_text(joined), True, (), False
                )
                continue
            if code != adrg.adrg and len(segments) == 1:
                self.report.add("adrg_code", *at, adrg.adrg, code=code)
            last = n == len(segments) - 1 and not adrg.falls_through
            open_end = not any(t.rule == ALWAYS for t in tests)
            all_tests = tuple(tests)
            if last and open_end and (through or adrg.adrg != code):
                order = max((t.order for t in tests), default=0) + 1
                name = adrg.name or adrg.adrg
                all_tests += (_Test(order, adrg.adrg, name, ALWAYS, "always"),)
                self.report.add("bare_code", *at, adrg.adrg)
            blank = from_blank and len(segments) == 1
            yield _Row(adrg, mdc, code, text, False, all_tests, blank)

    def _number(self, code: str, rows: list[_Row]) -> list[tuple[str, ...]]:
        """Give the rows of an ADRG their numbers; the DRG rows that go with them."""
        wanted = [_number(row.draft.rule_no) for row in rows]
        fresh = max((n for n in wanted if n is not None), default=0)
        plain = [row for row in rows if not row.ambiguous]
        blank = [row for row in plain if row.from_blank and row.tests]
        shared = blank[0].tests if blank else ()
        share = all(r.tests == shared for r in blank) and all(r.tests for r in plain)
        taken: set[tuple[str, int]] = set()
        tests_of: dict[int, tuple[_Test, ...]] = {}
        for row, number in zip(rows, wanted, strict=True):
            tests = () if row.ambiguous or (share and row.from_blank) else row.tests
            if (
                number is not None
                and (row.mdc, number) not in taken
                and tests_of.get(number, tests) == tests
            ):
                row.rule_no = number
            else:
                fresh += 1
                row.rule_no = fresh
                if row.draft.rule_no:
                    at, old = self.draft.at("adrg", row.draft), row.draft.rule_no
                    self.report.add("rule_no", *at, code, old=old, new=fresh)
            taken.add((row.mdc, row.rule_no))
            tests_of[row.rule_no] = tests
        made = [(code, "", t) for t in shared] if share else []
        made += [(code, str(n), t) for n, tests in tests_of.items() for t in tests]
        return [(c, n, str(t.order), t.drg, t.name, t.text) for c, n, t in made]

    def _adrg(self, row: _Row, order: int) -> tuple[str, ...]:
        draft, at = row.draft, self.draft.at("adrg", row.draft)
        kind, reason = draft.kind, ""
        if row.ambiguous:
            kind, reason = AMBIGUOUS, draft.reason or ambiguous_reason(row.code, row.text)
        elif kind not in ADRG_KINDS or kind == AMBIGUOUS:
            kind = kind_of(row.code) if not is_ambiguous(row.code) else "medical"
            self.report.add("kind_filled", *at, row.code, old=draft.kind, kind=kind)
        name = draft.name
        if not name:
            name = _AMBIGUOUS_NAME if row.ambiguous else next((t.name for t in row.tests), row.code)
            self.report.add("name_filled", *at, row.code, name=name)
        number = str(row.rule_no)
        return (row.mdc, str(order), row.code, number, name, kind, row.text, reason)


def _number(rule_no: str) -> int | None:
    """A rule number, None when there is none that we could keep."""
    return int(rule_no) if rule_no.isascii() and rule_no.isdigit() and len(rule_no) < 9 else None
