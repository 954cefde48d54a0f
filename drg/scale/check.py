"""Findings of the grouping stage, claim by claim: which code or value, why, and how to mend it.

The kernel says which rows have a reason; only those are told in detail, by the reference grouper.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, cast

import polars as pl

from drg.claims.profiles import ClaimColumns
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.writers import output_suffix, write_frames
from drg.grouping.explain import MissingValue, Step
from drg.grouping.fields import COLUMN_OF_FIELD
from drg.grouping.reference_case import Case, Reading
from drg.reasons import reason_page, reason_title
from drg.scale.check_editions import EditionCheck
from drg.scale.find import claim_of, unused_name
from drg.scale.group_file import Progress, interruptible, refuse_same, stoppable
from drg.scale.summary import Summary, Tally, aligned
from drg.schemes.rules import Compare, OneOf, State, iter_atoms
from drg.text import language, text

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.grouping.result import GroupResult
    from drg.schemes.scheme import CheckRow

__all__ = ["FINDING_SCHEMA", "CheckReport", "Finding", "check_batches", "check_file"]


class Finding(NamedTuple):
    """One thing to look at in one claim.

    Attributes
    ----------
    row : int
        Number of the row, from 1.
    claim_id : str
        ``""`` where the file has no ids.
    outcome : str
        Outcome of the claim under the scheme.
    code : str
        Reason code.
    title, mend : str
        Wording of the code's page.
    concerns : str
        The codes or values it is about, as the file has them.
    """

    row: int
    claim_id: str
    outcome: str
    code: str
    title: str
    concerns: str
    mend: str

    def line(self, lang: str | None = None) -> str:
        """One line for a terminal; the mends stand once, in the report."""
        place = self.claim_id or text("cli.row_number", lang, row=self.row)
        return f"{place}  {self.code} {self.title}  {self.concerns}".rstrip()


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes
    ----------
    summary : Summary
        Outcomes of the claims; its output is the file of findings, or the input without one.
    codes : mapping of str to int
        Reason code to number of findings.
    """

    summary: Summary
    codes: Mapping[str, int]

    @property
    def findings(self) -> int:
        """Findings in all."""
        return sum(self.codes.values())

    def lines(self, lang: str | None = None) -> list[str]:
        """Counts by code, most frequent first, each with what to do."""
        claims = f"{self.summary.claims:,}"
        rows = [(text("cli.sum_claims", lang), claims, "")]
        rows.append((text("cli.sum_findings", lang), f"{self.findings:,}", ""))
        for code, count in sorted(self.codes.items(), key=lambda item: (-item[1], item[0])):
            title, mend = _words(code, lang)
            rows.append((f"  {code}", f"{count:,}", f"{title}  {mend}"))
        return aligned(rows, right=(1,)) + self.summary.dates_note(lang)


FINDING_SCHEMA = pl.Schema(
    {name: pl.Int64() if name == "row" else pl.String() for name in Finding._fields}
)


def check_file(
    grouper: ClaimGrouper,
    source_path: str | Path,
    out_path: str | Path | None = None,
    *,
    sheet: str | int | None = None,
    show: Callable[[list[Finding]], None] | None = None,
    progress: Progress | None = None,
    lang: str | None = None,
    edition_stated: bool = False,
) -> CheckReport:
    """Check every claim of a file.

    Parameters
    ----------
    grouper : ClaimGrouper
        The scheme, or the versions of a place, to check against.
    source_path : str or Path
        Claims, as for ``group_file``.
    out_path : str or Path, optional
        Gets one row a finding (the fields of ``Finding``), all or nothing.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    show : callable, optional
        Gets the findings of each batch, from another thread.
    progress : callable, optional
        Called after each batch with the claims done and in all.
    lang : {"zh", "en"}, optional
        Language of titles and mends; the context's when omitted.
    edition_stated : bool, optional
        Whoever gave the file said which edition its codes are in. If not, codes that mean
        different things in the two editions are findings.

    Returns
    -------
    CheckReport

    Raises
    ------
    InputError, RunError
        As ``group_file``.
    """
    lang = lang or language()  # other threads do not see the context's
    source_path = Path(source_path)
    if out_path is not None:
        output_suffix(out_path)
        refuse_same(source_path, Path(out_path))
    started = time.perf_counter()
    tally, codes = Tally(by_version=bool(grouper.versions)), Counter[str]()
    editions = EditionCheck(grouper, stated=edition_stated)
    with open_claims(source_path, sheet=sheet) as source:

        def frames(stop: Event) -> Iterator[pl.DataFrame]:
            batches = stoppable(source.batches(), stop)
            for found in check_batches(grouper, source, batches, tally, editions, lang):
                codes.update(finding.code for finding in found)
                if show is not None:
                    show(found)
                yield pl.DataFrame(found, schema=FINDING_SCHEMA, orient="row")
                if progress is not None:
                    progress(tally.rows, source.rows)

        def work(stop: Event) -> None:
            if out_path is None:
                for _ in frames(stop):
                    pass
            else:
                write_frames(out_path, frames(stop), schema=FINDING_SCHEMA)

        interruptible(work)
    seconds = time.perf_counter() - started
    output = source_path if out_path is None else Path(out_path)
    summary = Summary.of_run(grouper, source_path, output, seconds, tally)
    return CheckReport(summary, dict(codes))


def check_batches(
    grouper: ClaimGrouper,
    source: ClaimSource,
    batches: Iterator[pl.DataFrame],
    tally: Tally,
    editions: EditionCheck,
    lang: str | None = None,
) -> Iterator[list[Finding]]:
    """Findings of a file, one list a batch, in the order of its rows.

    Parameters
    ----------
    grouper : ClaimGrouper
        The scheme, or the versions of a place, to check against.
    source : ClaimSource
        The open file.
    batches : iterator of DataFrame
        Its rows, all of them, in order.
    tally : Tally
        Counts the outcomes on the way.
    editions : EditionCheck
        Adds what the edition of the codes gives to look at.
    lang : {"zh", "en"}, optional
        Language of titles and mends; the context's when omitted.
    """
    needed = list(source.columns.sources())
    for batch in batches:
        first = tally.rows + 1
        results = grouper.results_frame(batch, source.columns)
        tally.add(results)
        row = unused_name(batch.columns)
        told = batch.select(needed).with_row_index(row, offset=first)
        edition = editions.concerns(batch, source.columns, results)
        told = told.filter(results["reason"].is_not_null() | edition)
        yield [
            finding
            for cells in told.iter_rows(named=True)
            for finding in _findings(grouper, cells, cells[row], source.columns, editions, lang)
        ]


def _findings(
    grouper: ClaimGrouper,
    cells: Mapping[str, object],
    row: int,
    columns: ClaimColumns,
    editions: EditionCheck,
    lang: str | None,
) -> Iterator[Finding]:
    result, steps = grouper.trace(claim_of(cells, columns))
    case = next((cast(Case, step.subject) for step in steps if step.kind == "input"), None)
    if case is None:  # no version read it
        concerns = [_cell("discharged_on", cells, columns, lang), _nearest(result, lang)]
        yield _finding(row, result, result.reason or "", concerns, lang)
        return
    told: dict[str, list[str]] = {}
    for step in steps:
        if step.kind == "check" and step.holds:
            check = cast("CheckRow", step.subject)
            told.setdefault(check.check, []).append(_check_concerns(step, cells, columns, lang))
        elif step.kind == "missing":
            missing = cast(MissingValue, step.subject)
            told.setdefault("E130", []).append(_cell(missing.field, cells, columns, lang))
    for code, about in (*_odd_codes(case), *editions.findings(case, lang)):
        entries = told.setdefault(code, [])
        if about not in entries:
            entries.append(about)
    if result.reason and result.reason not in told:
        told[result.reason] = [_principals(case)]
    for code, concerns in told.items():
        yield _finding(row, result, code, concerns, lang)


def _finding(
    row: int, result: GroupResult, code: str, concerns: list[str], lang: str | None
) -> Finding:
    title, mend = _words(code, lang)
    about = text("explain.semicolon", lang).join(c for c in concerns if c)
    return Finding(row, result.claim_id, result.outcome.value, code, title, about, mend)


def _nearest(result: GroupResult, lang: str | None) -> str:
    """The version nearest to the day of discharge, when none was in force."""
    nearest = result.nearest_version
    return text("cli.nearest_version", lang, nearest=nearest) if nearest else ""


def _words(code: str, lang: str | None) -> tuple[str, str]:
    """Title and mend of a code; empty for a private table's own check, which has no page."""
    if not reason_title(code, lang):
        return "", ""
    page = reason_page(code, lang)
    return page.title, page.mend


def _readings(case: Case) -> tuple[Reading, ...]:
    return case.readings("dx") + case.readings("px")


def _odd_codes(case: Case) -> Iterator[tuple[str, str]]:
    """Reason code and words for every code that is unknown or written otherwise."""
    for reading in _readings(case):
        if reading.respelled:
            yield "N403", f"{reading.written} → {reading.listed}"
        elif reading.code is None and reading.kind == "px":
            yield "N402", reading.written
        elif reading.code is None:
            yield ("U201" if reading.principal else "N401"), reading.written


def _principals(case: Case) -> str:
    """The principal diagnosis and procedure, which decide where a claim goes."""
    codes = [reading for reading in _readings(case) if reading.principal]
    return " + ".join(f"{r.code or r.written} {case.name(r)}".rstrip() for r in codes)


def _check_concerns(
    step: Step, cells: Mapping[str, object], columns: ClaimColumns, lang: str | None
) -> str:
    codes = [match.reading.written for match in step.codes]
    rule = cast("CheckRow", step.subject).rule
    fields = dict.fromkeys(
        atom.field for atom in iter_atoms(rule) if isinstance(atom, Compare | OneOf | State)
    )
    return text("explain.comma", lang).join(
        codes + [_cell(field, cells, columns, lang) for field in fields]
    )


def _cell(field: str, cells: Mapping[str, object], columns: ClaimColumns, lang: str | None) -> str:
    """A field of the claim under the file's own column name, as the file has it."""
    if field == "principal_dx":
        source: str | None = columns.diagnoses[0]
    else:
        source = columns.scalars.get(COLUMN_OF_FIELD.get(field, field))
    if source is None:
        return text("cli.no_column", lang, field=text(f"explain.field_{field}", lang))
    value = cells[source]
    if isinstance(value, list):
        value = columns.separator.join("" if part is None else str(part) for part in value)
    shown = text("cli.empty_cell", lang) if value is None or str(value).strip() == "" else value
    return f"{source}={shown}"
