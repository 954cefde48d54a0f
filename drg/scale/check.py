"""Check a file of claims: list quality, grouping and audit, written as findings and a summary.

Batches are grouped and judged as columns. The findings are kept until the last claim is seen, for
some rules must see every claim; they are written in the order of the rows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from drg.audit.engine import Audit, AuditResult
from drg.audit.kinds import KINDS
from drg.audit.model import Result
from drg.audit.rules import load_rules
from drg.claims.items import ItemTable, open_items
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.typed import ClaimArrays
from drg.claims.writers import output_suffix, write_frames, write_workbook
from drg.grouping.edition_findings import EditionCheck
from drg.grouping.finding_rows import (
    FINDING_SCHEMA,
    Finding,
    audit_findings,
    grouping_findings,
)
from drg.grouping.findings import GroupingFindings
from drg.paths import tables_root
from drg.scale import RunError
from drg.scale.check_deductions import Deductions, deductions_of
from drg.scale.check_report import CheckReport, by_hospital
from drg.scale.group_file import Progress, interruptible, one_ahead, refuse_same, stoppable
from drg.scale.summary import Summary, Tally
from drg.text import language, text

if TYPE_CHECKING:
    from drg.audit.model import RuleSet
    from drg.grouping.base import ClaimGrouper

__all__ = ["FINDING_SCHEMA", "CheckFiles", "CheckReport", "Finding", "check_file", "rules_of"]

#: Rules where none are named; in place of a rule set: grouping findings only.
USUAL_RULES, NO_RULES = "national", "none"
#: Claims judged at once: a rule's own cost a batch is spread over them.
_BATCH = 200_000
#: Rows written at once.
_SLICE = 100_000


def rules_of(wanted: str | None, supply: Mapping[str, str] | None = None) -> RuleSet | None:
    """The audit rules that are asked for.

    Parameters
    ----------
    wanted : str or None
        Id or file of a rule set; ``"none"``: none; None: ``national``, where the tables in use
        have it.
    supply : mapping of str to str, optional
        As for ``load_rules``.

    Raises
    ------
    TableError, SuppliedRuleError
        As ``load_rules``.
    """
    if wanted == NO_RULES or (wanted is None and not _usual().is_file()):
        return None
    return load_rules(wanted or USUAL_RULES, supply=supply)


def _usual() -> Path:
    return tables_root() / "audit" / "sets" / f"{USUAL_RULES}.toml"


@dataclass(frozen=True, kw_only=True)
class CheckFiles:
    """Files of a check beside the findings; None: not read, not written.

    Attributes
    ----------
    items : Path or None
        Charges of the claims, read.
    summary : Path or None
        Counts by hospital and rule, written: ``.csv``, ``.tsv``, ``.parquet`` or ``.xlsx``.
    deductions : Path or None
        Decisions for ``drg settle --decisions``, written likewise.
    """

    items: Path | None = None
    summary: Path | None = None
    deductions: Path | None = None


def check_file(
    grouper: ClaimGrouper,
    source_path: str | Path,
    out_path: str | Path | None = None,
    *,
    sheet: str | int | None = None,
    rules: RuleSet | None = None,
    files: CheckFiles | None = None,
    every: bool = False,
    show: Callable[[pl.DataFrame], None] | None = None,
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
        Gets one row a finding (the fields of ``Finding``), all or nothing; a workbook gets the
        counts by hospital and rule as its second sheet.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    rules : RuleSet, optional
        Audit rules; without one only grouping has findings.
    files : CheckFiles, optional
        Further files.
    every : bool, optional
        Findings name claims that a rule cannot judge, too; they are always counted.
    show : callable, optional
        Gets the findings, from another thread, before they are written.
    progress : callable, optional
        Called after each batch with the claims done and in all.
    lang : {"zh", "en"}, optional
        Language of titles, evidence and mends; the context's when omitted.
    edition_stated : bool, optional
        Whoever gave the file said which edition its codes are in. If not, codes that mean
        different things in the two editions are findings.

    Returns
    -------
    CheckReport

    Raises
    ------
    InputError, RunError
        As ``group_file``, also of the further files.
    """
    lang = lang or language()  # other threads do not see the context's
    source_path, files = Path(source_path), files or CheckFiles()
    written = [Path(path) for path in (out_path, files.summary, files.deductions) if path]
    for place, path in enumerate(written):
        output_suffix(path)
        for other in (source_path, files.items, *written[:place]):
            if other is not None:
                refuse_same(other, path)
                if other.resolve() == path.resolve():  # neither is there yet
                    raise RunError("C201", where=str(path))
    started = time.perf_counter()
    items = None if files.items is None else open_items(files.items)
    editions = EditionCheck(grouper, stated=edition_stated)
    with open_claims(source_path, sheet=sheet) as source:
        # Whose charges are whose must be known before the first claim is judged.
        ids = _ids(source) if items is not None else pl.Series([], dtype=pl.String)
        run = _Run(grouper, rules, items, ids, editions, every, lang)

        def work(stop: Event) -> _Found:
            batches = stoppable(source.batches(_BATCH), stop)
            done = 0
            for grouped in one_ahead(run.grouped(batch, source) for batch in batches):
                run.judge(grouped, source)
                done += grouped.batch.height
                if progress is not None:
                    progress(done, source.rows)
            found = run.finish()
            if show is not None:
                show(found.findings)
            _write(found, out_path, files, lang)
            return found

        found = interruptible(work)
    seconds = time.perf_counter() - started
    output = source_path if out_path is None else Path(out_path)
    hits = found.findings.filter(pl.col("result") == Result.HIT)
    return CheckReport(
        summary=Summary.of_run(grouper, source_path, output, seconds, run.tally),
        codes=_counted(hits["code"]),
        words={code: (title, mend) for code, title, mend in
               hits.select("code", "title", "mend").unique("code").iter_rows()},
        levels=_counted(hits["level"]),
        listed=found.findings.height,
        table=found.table,
        rules=rules,
        items=items,
        strangers=0 if items is None else items.unknown_claims(ids),
        repeated=int(ids.is_duplicated().sum()),
        deductions=found.deductions,
        summary_path=files.summary,
        deductions_path=files.deductions,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Found:
    findings: pl.DataFrame
    table: pl.DataFrame
    deductions: Deductions | None


class _Grouped(NamedTuple):
    """A batch with its results and the ids of its claims."""

    batch: pl.DataFrame
    results: pl.DataFrame
    ids: pl.Series


class _Run:
    """One check under way."""

    def __init__(
        self,
        grouper: ClaimGrouper,
        rules: RuleSet | None,
        items: ItemTable | None,
        ids: pl.Series,
        editions: EditionCheck,
        every: bool,
        lang: str,
    ) -> None:
        self.tally = Tally(by_version=bool(grouper.versions))
        self._grouper = grouper
        self._rules = rules
        self._items = items
        self._lang = lang
        self._grouping = GroupingFindings(grouper, editions, lang)
        repeated = ids.filter(ids.is_duplicated())
        self._audit = (
            None if rules is None else Audit(rules, lang=lang, every=every, repeated=repeated)
        )
        self._parts: list[pl.DataFrame] = []
        self._outcomes: list[pl.Series] = []
        self._claims: Counter[str | None] = Counter()

    def grouped(self, batch: pl.DataFrame, source: ClaimSource) -> _Grouped:
        """Group a batch and note what grouping finds; batches come in order."""
        first = self.tally.rows
        results = self._grouper.results_frame(batch, source.columns)
        self.tally.add(results)
        claims = ClaimArrays(batch, source.columns)
        hospital = claims.texts("hospital_id")
        hospitals = pl.Series([*hospital.names, None], dtype=pl.String).gather(hospital.codes)
        counts = hospitals.value_counts(name="claims")
        self._claims.update(dict(counts.iter_rows()))
        found = self._grouping.find(batch, source.columns, results)
        scheme = self._grouper.scheme_id
        self._parts.append(
            grouping_findings(found, claims.ids, hospitals, scheme, first, self._lang)
        )
        return _Grouped(batch, results, claims.ids)

    def judge(self, grouped: _Grouped, source: ClaimSource) -> None:
        """Judge a batch by the rules; batches come in order."""
        if self._audit is not None:
            items = None if self._items is None else self._items.of(grouped.ids)
            self._audit.add(grouped.batch, source.columns, grouped.results, items)
            self._outcomes.append(grouped.results["outcome"])

    def finish(self) -> _Found:
        """Findings, in the order of the rows, and their counts."""
        findings = pl.concat([FINDING_SCHEMA.to_frame(), *self._parts])
        titles = dict(findings.select("code", "title").unique("code").iter_rows())
        by_code = findings.group_by("hospital_id", "code", "level").agg(
            pl.len().cast(pl.Int64).alias("hits")
        )
        claims = pl.DataFrame(
            list(self._claims.items()),
            schema={"hospital_id": pl.String, "claims": pl.Int64},
            orient="row",
        )
        audited: AuditResult | None = None
        deductions = None
        stakes: list[str] = []
        if self._audit is not None and self._rules is not None:
            audited = self._audit.finish()
            none = pl.Series([], dtype=pl.String)
            outcomes = pl.concat([none, *(part.cast(pl.String) for part in self._outcomes)])
            rules = self._rules.rules
            told = audit_findings(audited.findings, rules, outcomes, self._lang)
            findings = pl.concat([findings, told]).sort("row", maintain_order=True)
            zh = self._lang == "zh"
            titles |= {rule.id: rule.title_zh if zh else rule.title_en for rule in rules}
            stakes = [rule.id for rule in rules if KINDS[rule.kind].amount]
            deductions = deductions_of(audited.findings, audited.stakes, self._rules, self._lang)
        counts = None if audited is None else audited.counts
        table = by_hospital(by_code, claims, counts, titles, stakes)
        return _Found(findings=findings, table=table, deductions=deductions)


def _write(found: _Found, out_path: str | Path | None, files: CheckFiles, lang: str) -> None:
    if out_path is not None and output_suffix(out_path) == ".xlsx":
        with write_workbook(out_path) as book:
            for name, frame in (("findings", found.findings), ("summary", found.table)):
                sheet = book.sheet(text(f"check.sheet_{name}", lang), frame.columns)
                for part in frame.iter_slices(_SLICE):
                    sheet.append(part)
    elif out_path is not None:
        parts = found.findings.iter_slices(_SLICE)
        write_frames(out_path, parts, schema=FINDING_SCHEMA, for_people=True)
    if files.summary is not None:
        write_frames(files.summary, found.table, for_people=True)
    if files.deductions is not None and found.deductions is not None:
        write_frames(files.deductions, found.deductions.frame, for_people=True)


def _ids(source: ClaimSource) -> pl.Series:
    """Ids of all claims of a file, as the rules get them; those without one left out."""
    name = source.columns.scalars.get("claim_id")
    if name is None:
        return pl.Series([], dtype=pl.String)
    idle = [other for other in source.schema.names() if other != name]
    parts = (ClaimArrays(part, source.columns).ids for part in source.batches(without=idle))
    return pl.concat([pl.Series("claim_id", [], dtype=pl.String), *parts]).drop_nulls()


def _counted(series: pl.Series) -> dict[str, int]:
    counts = series.value_counts(name="count", sort=True)
    return dict(counts.iter_rows())
