"""Steps of a decision, and the path they tell in Chinese or English.

A `Step` is a fact with the table row it rests on; its wording is made only when it is asked for,
from the catalogue file explain.toml.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, cast

from drg.grouping.reference_case import Case, Reading, SeverityFact
from drg.grouping.reference_rules import present
from drg.grouping.result import GroupResult
from drg.reasons import reason_title
from drg.schemes.rules import Codes
from drg.schemes.words import other_words, rule_words, say

if TYPE_CHECKING:
    from datetime import date

    from drg.schemes.scheme import AdrgRow, CheckRow, DrgRow, MdcRow, Scheme
    from drg.schemes.versions import Version

StepKind = Literal[
    "version", "input", "check", "severity", "mdc", "adrg", "drg", "retry", "missing", "result",
    "kinds", "candidate", "choice", "auxiliary", "score",
]  # fmt: skip


class Fact(ABC):
    """What a step of a DIP decision is about; it words itself."""

    @abstractmethod
    def text(self, lang: str | None) -> str:
        """One line without its source."""


class Match(NamedTuple):
    """A code of the claim, and the set or inline list of the rule that has it."""

    reading: Reading
    where: str


class MissingValue(NamedTuple):
    """The first value that a tried rule needed and the claim lacks, and that rule's row."""

    field: str
    table: str
    key: str


class VersionChoice(NamedTuple):
    """The version that the day of discharge chose, or the nearest one when none was in force.

    Both are None when the claim has no day of discharge.
    """

    day: date | None
    version: Version | None
    nearest: Version | None


Row: TypeAlias = "MdcRow | AdrgRow | DrgRow | CheckRow"
Subject: TypeAlias = "Case | SeverityFact | MissingValue | VersionChoice | GroupResult | Fact | Row"


class Step(NamedTuple):
    """One step of a decision.

    Attributes
    ----------
    kind : str
        ``version input check severity mdc adrg drg retry missing result``; ``version`` only where
        the day of discharge chose it. Of a DIP catalogue ``input kinds candidate choice auxiliary
        score result``.
    holds : bool or None
        Whether the row's rule holds, or the severity counts; None: unknown, or not a rule.
    subject : Case, SeverityFact, MissingValue, VersionChoice, GroupResult, Fact or a scheme's row
        What the step is about; a Case for ``input`` and for ``retry`` (the claim as tried).
    table, key : str
        The table row the step rests on, e.g. ``adrg.csv`` and ``BB2/1``; ``""`` without one.
    children : tuple of Step
        Below an MDC its ADRG rules tried, below an ADRG its DRG tests tried.
    case : Case or None
        The claim as the step saw it; None where a rule did not hold.
    evidence : tuple of (Codes, frozenset of str)
        The rule's code tests and the codes they look for.
    """

    kind: StepKind
    holds: bool | None
    subject: Subject
    table: str = ""
    key: str = ""
    children: tuple[Step, ...] = ()
    case: Case | None = None
    evidence: tuple[tuple[Codes, frozenset[str]], ...] = ()

    @property
    def codes(self) -> tuple[Match, ...]:
        """Codes of the claim that met the rule, in claim order, each with its set."""
        if self.case is None:
            return ()
        found = []
        for test, wanted in self.evidence:
            hits = wanted & present(self.case, test.position, test.kind)
            readings = self.case.readings(test.kind)
            first = {reading.code: reading for reading in reversed(readings)}
            where = test.name or "{" + ", ".join(test.codes) + "}"
            found += [Match(first[code], where) for code in reversed(first) if code in hits]
        return tuple(found)

    @property
    def source(self) -> str:
        """The row it rests on in brackets: ``[adrg.csv BB2/1]``; ``""`` without one."""
        return f"[{self.table} {self.key}]" if self.table else ""

    def sources(self, lang: str | None = None) -> tuple[str, ...]:
        """The rows it rests on: that of ``source``, and the one that voids a severity."""
        if not self.table:
            return ()
        own = f"{self.table} {self.key}"
        if not isinstance(self.subject, SeverityFact) or self.subject.counts:
            return (own,)
        case, table = cast(Case, self.case), self.subject.table
        row = say("exclusion_row", lang, principal=case.principal_dx, table=table)
        return own, f"exclusion.csv {row}"

    def text(self, lang: str | None = None) -> str:
        """One line for this step alone, its source at the end."""
        return " ".join([self.words(lang), *(f"[{row}]" for row in self.sources(lang))])

    def words(self, lang: str | None = None) -> str:
        """One line for this step alone without its source."""
        match self.kind:
            case _ if isinstance(self.subject, Fact):
                return self.subject.text(lang)
            case "input":
                return say("semicolon", lang).join(input_lines(cast(Case, self.subject), lang))
            case "check":
                return _check_text(self, lang)
            case "severity":
                return _severity_text(self, lang)
            case "retry":
                return _retry_text(self, lang)
            case "missing":
                missing = cast(MissingValue, self.subject)
                return say("missing", lang, field=say(f"field_{missing.field}", lang))
            case "version":
                return _version_text(cast(VersionChoice, self.subject), lang)
            case "result":
                return _result_text(cast(GroupResult, self.subject), lang)
            case _:
                return _row_text(self, lang)


def explain_lines(steps: Sequence[Step], scheme: Scheme, lang: str | None = None) -> list[str]:
    """The path of a decision for a coder: indented lines, each with the row it rests on.

    ``drg.grouping.path.decision_path``, each line as text.
    """
    from drg.grouping.path import decision_path

    return [str(line) for line in decision_path(steps, scheme, lang)]


# ---- one step in words


def _row(step: Step) -> Row:
    return cast("Row", step.subject)


def _code_text(case: Case, reading: Reading) -> str:
    return f"{reading.code or reading.written} {case.name(reading)}".rstrip()


def _place(reading: Reading, lang: str | None) -> str:
    return say(f"{'principal' if reading.principal else 'secondary'}_{reading.kind}", lang)


def input_lines(case: Case, lang: str | None) -> list[str]:
    """One line a code as understood; a missing principal diagnosis first."""
    lines = []
    if not case.dx.codes or not case.dx.has_principal:
        lines.append(say("no_principal", lang))
    for reading in case.readings("dx") + case.readings("px"):
        told = _code_text(case, reading)
        if reading.mapped:
            name = case.clinical_name(reading)
            told = say("mapped", lang, listed=reading.listed, name=name, told=told)
        line = f"{_place(reading, lang)} {told}"
        if reading.code is None:
            line += say(f"unknown_{case.edition(reading)}", lang)
        elif reading.respelled:
            line += say("respelled", lang, written=reading.written)
        lines.append(line)
    return lines


def _check_text(step: Step, lang: str | None) -> str:
    row = cast("CheckRow", step.subject)
    key = f"check_{row.level}" if step.holds else "check_quiet"
    title = reason_title(row.check, lang)
    return say(key, lang, check=row.check, title=title, rule=rule_words(row.rule, lang))


def _severity_text(step: Step, lang: str | None) -> str:
    fact = cast(SeverityFact, step.subject)
    case = cast(Case, step.case)
    return say(
        "severity_counts" if fact.counts else "severity_void",
        lang,
        code=_code_text(case, Reading(fact.code, fact.code, "dx", False, fact.code)),
        level=fact.level,
        table=fact.table,
        principal=case.principal_dx,
    )


def row_title(step: Step) -> str:
    """Code and name of an MDC, ADRG or DRG row."""
    row = _row(step)
    return f"{getattr(row, step.kind)} {getattr(row, 'name', '')}".rstrip()


def _row_text(step: Step, lang: str | None) -> str:
    """A door, an ADRG rule or a DRG test: the codes that met it, or else the rule in words."""
    how = rule_words(_row(step).rule, lang)
    verdict = {True: "holds", False: "fails", None: "unknown"}[step.holds]
    if matches := step.codes:
        case = cast(Case, step.case)
        met = [
            say(
                "met",
                lang,
                place=_place(match.reading, lang),
                code=_code_text(case, match.reading),
                where=match.where,
            )
            for match in matches
        ]
        how = say("semicolon", lang).join(met + other_words(_row(step).rule, lang))
    return say(f"{step.kind}_{verdict}", lang, row=row_title(step), how=how)


def _retry_text(step: Step, lang: str | None) -> str:
    case = cast(Case, step.subject)
    return say("retry", lang, code=_code_text(case, case.readings("px")[0]))


def _version_text(choice: VersionChoice, lang: str | None) -> str:
    version = choice.version or choice.nearest
    if version is None:
        return say("version_no_day", lang)
    if choice.version is not None:
        words = say("version_chosen", lang, day=choice.day, version=version)
    else:
        words = say("version_none", lang, day=choice.day, nearest=version)
    # Dates that no document gives may be why a version does not serve: told in either case.
    if version.assumed:
        status = say(f"dates_{version.status}", lang)
        words += say("version_assumed", lang, status=status)
    return words


def _result_text(result: GroupResult, lang: str | None) -> str:
    outcome = str(result.outcome.value)
    parts = [f"{outcome} {say(f'outcome_{outcome}', lang)}"]
    if result.group:
        codes = " → ".join(code for code in (result.mdc, result.adrg, result.group) if code)
        parts.append(f"{codes} {result.group_name or ''}".rstrip())
    if result.severity:
        parts.append(say(f"severity_{result.severity}", lang))
    if result.reason:
        parts.append(f"{result.reason} {reason_title(result.reason, lang)}".rstrip())
    return say("result", lang) + say("semicolon", lang).join(parts)
