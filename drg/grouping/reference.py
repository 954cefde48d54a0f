"""The reference grouper: interprets a scheme's rules one by one and records every step.

It is the project's oracle: slow and readable, and it shares nothing with the kernel, neither
encoder nor compiled program. The kernel is tested against it claim by claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drg.grouping.explain import MissingValue, Step, StepKind
from drg.grouping.reference_case import Case, Spelling
from drg.grouping.reference_rules import Interpreter, Test, needed_fields
from drg.grouping.result import GroupResult, Outcome
from drg.schemes.rules import SCALAR_FIELDS, Codes, Not, code_tests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drg.claims.model import Claim
    from drg.schemes.crosswalk import Kind
    from drg.schemes.rules import Rule
    from drg.schemes.scheme import AdrgRow, CheckRow, DrgRow, MdcRow, Scheme

#: mdc, adrg and group of a claim without a group, as the national format writes it.


class ReferenceGrouper:
    """Groups one claim at a time, exactly as the scheme's tables say.

    Parameters
    ----------
    scheme : Scheme
        A loaded scheme; its rules are turned into functions once, here.

    Notes
    -----
    What the tables leave open, and how it is settled:

    *Codes.* A known code is taken as it is written. Any other is folded (full-width forms to
    ASCII; blank, tab, no-break and ideographic space removed; ASCII letters upper-case) and
    compared with the folded known codes; a whole match outranks the match of a code's part
    before ``+`` or of a code that lacks only its final ``*``. What fits two known codes is
    unknown. An unknown code matches nothing, not even a
    prefix such as ``P07.*`` or an inline list that names it, and voids nothing. A repeated code
    counts once, where it stands first, and all unknown codes of a kind count as one code: a
    secondary diagnosis equal to the principal one is none. Under the clinical edition the known
    codes are those of the crosswalk, and each stands for one insurance code: two clinical codes
    that stand for the same are a repeated code.

    *Empty entries* (null, ``""``, blanks only) are dropped, but an empty first diagnosis means
    that the principal diagnosis is missing although others follow; they stay secondary. For
    procedures the first entry that is not empty is the principal one.

    *Scalars.* None and blank text are missing; text is taken without the blanks around it. A
    number that is no integer of 32 bits and a sex other than M/F are invalid. Missing and
    invalid values make comparisons unknown; ``is missing`` and ``is invalid`` tell them apart.

    *Truth* is Kleene's: ``unknown and false`` is false, ``unknown or true`` is true, ``not
    unknown`` is unknown. An unknown rule does not hold.

    *Order.* Checks (the first ``stop`` that holds rejects, and nothing else is tried); then
    MDCs by order; in an open MDC its ADRG rules by order; in an ADRG whose rule holds its DRG
    tests by order, those of its own rule number if there are any, else those for all its rules.
    No DRG test holds: the bare ADRG code (``unmatched_adrg = "self"``) or the next ADRG
    (``"next"``). No ADRG holds: the next MDC. An ambiguous row that holds ends the search.

    *Needed values.* A door, ADRG rule or DRG test that was tried and unknown means that a
    needed value is missing. The first of them is remembered, with the first field (in the order
    of ``SCALAR_FIELDS``) that its rule compares and the claim lacks. At the end, whatever the
    outcome, the claim is REJECTED with E130, unless flag ``missing_value`` is ``"false"``.
    Rules that were not reached, and unknown checks, do not count.

    *Retry* (``retry_other_procedures``). If nothing fits, each further distinct procedure is
    tried as the only procedure, in claim order; all unknown procedures count as one code. The
    first try that ends in a group, an ambiguous one included, decides. Checks and severity are
    not repeated. The memory of missing values spans all tries; what an ungroupable claim
    reports is taken from the first pass.

    *Ungroupable.* U201: the principal diagnosis is unknown. U203: some open MDC lists it; the
    last of these is the MDC reported (``ungroupable = "mdc"``: ``MDCB``, ``00``, ``B00``).
    U202: none does, or there is no principal diagnosis. A ``note`` check that holds says more
    than U202 and U203 and takes their place.

    *Reason of a grouped claim*: the first ``note`` check that holds, else N403 (a spelling was
    normalised), N401 (unknown diagnosis), N402 (unknown procedure), else none.
    """

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        lenient = scheme.flags.normalise_codes
        self._repeats = scheme.flags.repeated_principal == "secondary"
        self._dx, self._px = (
            Spelling(known, names, lenient=lenient, crosswalk=scheme.crosswalks.get(kind))
            for kind, known, names in (
                ("dx", scheme.known_dx, scheme.dx_names),
                ("px", scheme.known_px, scheme.px_names),
            )
        )
        self._interpreter = Interpreter(scheme)
        self._checks = tuple(
            (row, self._rule("check", row, row.rule, row.check)) for row in scheme.checks
        )
        self._mdcs = tuple(
            _Mdc(
                row,
                self._rule("mdc", row, row.rule, row.mdc),
                scheme.code_sets.get(row.mdc, frozenset()),
                tuple(self._adrg(adrg) for adrg in scheme.adrgs if adrg.mdc == row.mdc),
            )
            for row in scheme.mdcs
        )

    @property
    def interpreter(self) -> Interpreter:
        """What interprets the scheme's rules."""
        return self._interpreter

    @property
    def spellings(self) -> Mapping[Kind, Spelling]:
        """How codes are read, by kind."""
        return {"dx": self._dx, "px": self._px}

    def checks(self, claim: Claim) -> list[Step]:
        """The steps of the checks that hold, up to the first that rejects the claim."""
        case = Case(claim, self._dx, self._px, self._repeats)
        self._interpreter.weigh(case)
        steps = []
        for row, check in self._checks:
            if check.test(case):
                steps.append(check.holds(case))
                if row.level == "stop":
                    break
        return steps

    def group(self, claim: Claim) -> GroupResult:
        """Group one claim."""
        return self.trace(claim)[0]

    def trace(self, claim: Claim) -> tuple[GroupResult, list[Step]]:
        """Group one claim and tell how.

        Parameters
        ----------
        claim : Claim
            Canonical fields; null means not reported.

        Returns
        -------
        result : GroupResult
            What the kernel answers for the same claim.
        steps : list of Step
            In the order of the decision: input, checks, severity, MDCs (their children are the
            ADRG rules tried, whose children are the DRG tests tried), missing value, result.
        """
        case = Case(claim, self._dx, self._px, self._repeats)
        self._interpreter.weigh(case)
        steps = [Step("input", None, case, case=case)]
        result = self._decide(case, steps)
        steps.append(Step("result", None, result))
        return result, steps

    # ---- the decision

    def _decide(self, case: Case, steps: list[Step]) -> GroupResult:
        note = None
        for row, check in self._checks:
            truth = check.test(case)
            if not truth:
                steps.append(check.fails if truth is False else check.unknown)
                continue
            steps.append(check.holds(case))
            if row.level == "stop":
                return self._without_group(case, Outcome.REJECTED, row.check)
            note = note or row.check
        steps += [
            Step("severity", fact.counts, fact, "severity.csv", fact.code, case=case)
            for fact in case.severity
        ]
        search = _Search(steps)
        found = self._search(case, search)
        first_mdc = search.listing_mdc
        if found is None and self.scheme.flags.retry_other_procedures:
            for alone in case.tries():
                steps.append(Step("retry", None, alone, case=alone))
                found = self._search(alone, search)
                if found is not None:
                    break
        missing = search.missing
        if missing:
            steps.append(Step("missing", None, missing, missing.table, missing.key))
        if missing and self.scheme.flags.missing_value == "reject":
            return self._without_group(case, Outcome.REJECTED, "E130")
        if found is None:
            unknown = "principal_dx" in case.unusable
            reason = "U201" if unknown else note or ("U203" if first_mdc else "U202")
            return self._without_group(case, Outcome.UNGROUPABLE, reason, first_mdc)
        adrg, drg = found
        if adrg.ambiguous:
            return self._result(
                case, "QY", adrg.adrg, adrg.name, Outcome.AMBIGUOUS, adrg.reason or None
            )
        named = drg.drg if drg else adrg.adrg
        name = drg.name if drg else adrg.name
        level = "MCC" if "MCC" in case.levels else "CC" if "CC" in case.levels else "NONE"
        note = note or _spelling_note(case)
        return self._result(case, adrg.adrg, named, name, Outcome.GROUPED, note, level)

    def _search(self, case: Case, search: _Search) -> tuple[AdrgRow, DrgRow | None] | None:
        """Walk the MDCs: the first ADRG that holds, with its DRG."""
        for mdc in self._mdcs:
            truth = mdc.door.test(case)
            if not truth:
                search.steps.append(
                    mdc.door.fails if truth is False else search.unknown(mdc.door, case)
                )
                continue
            if case.principal_dx in mdc.diagnoses:
                search.listing_mdc = mdc.row.mdc
            tried: list[Step] = []
            found = self._search_adrgs(mdc, case, search, tried)
            search.steps.append(mdc.door.holds(case, tuple(tried)))
            if found is not None:
                return found
        return None

    def _search_adrgs(
        self, mdc: _Mdc, case: Case, search: _Search, tried: list[Step]
    ) -> tuple[AdrgRow, DrgRow | None] | None:
        for adrg in mdc.adrgs:
            truth = adrg.rule.test(case)
            if not truth:
                tried.append(adrg.rule.fails if truth is False else search.unknown(adrg.rule, case))
                continue
            if adrg.row.ambiguous:
                tried.append(adrg.rule.holds(case))
                return adrg.row, None
            drgs: list[Step] = []
            drg = self._search_drgs(adrg, case, search, drgs)
            tried.append(adrg.rule.holds(case, tuple(drgs)))
            if drg is not None or self.scheme.flags.unmatched_adrg == "self":
                return adrg.row, drg
        return None

    def _search_drgs(
        self, adrg: _Adrg, case: Case, search: _Search, tried: list[Step]
    ) -> DrgRow | None:
        for row, rule in adrg.drgs:
            truth = rule.test(case)
            if truth:
                tried.append(rule.holds(case))
                return row
            tried.append(rule.fails if truth is False else search.unknown(rule, case))
        return None

    # ---- results

    def _result(
        self,
        case: Case,
        adrg: str,
        group: str,
        name: str,
        outcome: Outcome,
        reason: str | None,
        severity: str | None = None,
    ) -> GroupResult:
        mdc = "MDC" + group[0]
        scheme = self.scheme
        return GroupResult(
            case.claim_id,
            mdc,
            adrg,
            group,
            name,
            severity,
            outcome,
            reason,
            scheme.id,
            scheme.digest,
        )

    def _without_group(
        self, case: Case, outcome: Outcome, reason: str, mdc: str = ""
    ) -> GroupResult:
        flags = self.scheme.flags
        if outcome is Outcome.REJECTED:
            codes = flags.rejected_codes()
        else:
            codes = flags.ungroupable_codes(mdc)
        return GroupResult(
            case.claim_id, *codes, None, None, outcome, reason, self.scheme.id, self.scheme.digest
        )

    # ---- rules and steps, prepared once

    def _adrg(self, row: AdrgRow) -> _Adrg:
        drgs = tuple(
            (drg, self._rule("drg", drg, drg.rule, f"{drg.adrg}/{drg.rule_no or '*'}/{drg.order}"))
            for drg in self.scheme.drgs_of(row)
        )
        return _Adrg(row, self._rule("adrg", row, row.rule, f"{row.adrg}/{row.rule_no}"), drgs)

    def _rule(
        self, kind: StepKind, row: MdcRow | AdrgRow | DrgRow | CheckRow, rule: Rule, key: str
    ) -> _Rule:
        table = f"{kind}.csv"
        return _Rule(
            kind,
            row,
            table,
            key,
            self._interpreter.test(rule),
            tuple((test, self._interpreter.codes(test)) for test in _speaking(rule)),
            needed_fields(rule),
            Step(kind, False, row, table, key),
            Step(kind, None, row, table, key),
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    """One table row's rule as a function, and its steps that do not depend on the claim."""

    kind: StepKind
    row: MdcRow | AdrgRow | DrgRow | CheckRow
    table: str
    key: str
    test: Test
    evidence: tuple[tuple[Codes, frozenset[str]], ...]
    needs: tuple[str, ...]
    fails: Step
    unknown: Step

    def holds(self, case: Case, children: tuple[Step, ...] = ()) -> Step:
        """The step of this rule where it holds."""
        return Step(self.kind, True, self.row, self.table, self.key, children, case, self.evidence)


@dataclass(frozen=True, slots=True)
class _Adrg:
    row: AdrgRow
    rule: _Rule
    drgs: tuple[tuple[DrgRow, _Rule], ...]


@dataclass(frozen=True, slots=True)
class _Mdc:
    row: MdcRow
    door: _Rule
    diagnoses: frozenset[str]
    adrgs: tuple[_Adrg, ...]


@dataclass(slots=True)
class _Search:
    """What the search leaves behind, over all its tries."""

    steps: list[Step]
    listing_mdc: str = ""
    missing: MissingValue | None = None

    def unknown(self, rule: _Rule, case: Case) -> Step:
        """Note the first value that a rule needed and the claim lacks."""
        if self.missing is None:
            lacking = [f for f in rule.needs if case.values[SCALAR_FIELDS.index(f)] is None]
            self.missing = MissingValue(lacking[0], rule.table, rule.key)
        return rule.unknown


def _speaking(rule: Rule) -> list[Codes]:
    """The code tests that speak for a rule: all but those under ``not``."""
    if isinstance(rule, Not):
        return []
    parts = getattr(rule, "rules", None)
    if parts is None:
        return list(code_tests(rule))
    return [test for part in parts for test in _speaking(part)]


def _spelling_note(case: Case) -> str | None:
    dx, px = case.dx, case.px
    if dx.listed == dx.written and px.listed == px.written:
        return None
    pairs = zip(dx.listed + px.listed, dx.written + px.written, strict=True)
    if any(listed is not None and listed != written for listed, written in pairs):
        return "N403"
    if None in dx.codes:
        return "N401"
    return "N402" if None in px.codes else None
