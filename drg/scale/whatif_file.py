"""A policy what-if over a file: streaming, all or nothing.

Two passes batch by batch, as in ``settle_file``: what every claim comes to under each policy, then,
once the caps of the whole file are decided for each, both sides of every claim beside each other.
In each pass a batch is grouped once a scheme, however many reforms there are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import polars as pl

from drg.claims.readers import ClaimSource, open_claims
from drg.claims.writers import output_suffix, write_frames
from drg.dip.load import load_grouper
from drg.errors import InputError
from drg.payment.policy.catalog import load_policy
from drg.reports.whatif_book import WhatIfBook, write_whatif_book
from drg.reports.whatif_page import write_whatif_page
from drg.reports.whatif_report import Result, WhatIfReport, sums_frame
from drg.scale.group_file import (
    Progress,
    interruptible,
    leave_if,
    one_ahead,
    refuse_same,
    stoppable,
)
from drg.scale.stage import staged
from drg.settlement.inputs import HOSPITAL_SCHEMA, read_decisions, read_hospitals, whole
from drg.settlement.matters import DECISION_SCHEMA
from drg.simulate.change import POLICY, SCHEME, Change, WhatIfError, read_change
from drg.simulate.compare_runs import ROW_SCHEMA, RunTally
from drg.simulate.others import scheme_named
from drg.simulate.reform import Reform
from drg.simulate.whatif import WhatIf, scheme_of_reform
from drg.text import language
from drg.toml_file import TomlError, read_toml

if TYPE_CHECKING:
    from drg.dates import Month
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy

__all__ = ["BOOK", "PAGE", "ROWS", "SUMS", "WhatIfRun", "read_reforms", "whatif_file"]

BOOK, PAGE, ROWS, SUMS = "whatif.xlsx", "whatif.html", "rows.parquet", "sums.csv"
_BATCH = 100_000
_XLSX = ".xlsx"
_KEYS = {"label", "changes", "scheme", "policy"}
#: Suffixes of values that name a file.
_FILES = (".csv", ".tsv", ".xlsx", ".parquet", ".toml")


@dataclass(frozen=True)
class WhatIfRun:
    """What a run of ``whatif_file`` did.

    Attributes
    ----------
    report : WhatIfReport
    output : Path
    files : tuple of str
        Files in the folder; none where the output is a workbook.
    seconds : float
    """

    report: WhatIfReport
    output: Path
    files: tuple[str, ...]
    seconds: float


def read_reforms(path: str | Path) -> tuple[Reform, ...]:
    """Reforms from a TOML file: ``[[reform]]`` with ``label``, ``changes``, ``scheme``, ``policy``.

    Parameters
    ----------
    path : str or Path
        Tables and policies that its changes name as files are looked for beside it.

    Raises
    ------
    WhatIfError
        G425: not of this form; G420, G421, G428: a change that cannot be.
    """
    file = Path(path)
    where = str(path)
    try:
        told = read_toml(file)
    except OSError as error:
        raise InputError("F101", where=where) from error
    except TomlError as error:
        raise WhatIfError("G425", where=where, detail=str(error)) from error
    rows = told.pop("reform", None)
    if told or not isinstance(rows, list) or not rows:
        shown = ", ".join(told) or "[[reform]]"
        raise WhatIfError("G425", where=where, detail=shown)
    return tuple(_reform(row, file, number) for number, row in enumerate(rows, start=1))


def _reform(row: Any, file: Path, number: int) -> Reform:
    where = f"{file} [[reform]] {number}"
    if not isinstance(row, dict) or (odd := [*(row.keys() - _KEYS)]):
        raise WhatIfError("G425", where=where, detail=", ".join(map(str, odd)))
    texts = row.get("changes", [])
    label = row.get("label", "")
    named = [(path, row[path]) for path in (POLICY, SCHEME) if path in row]
    if not isinstance(texts, list) or not all(
        isinstance(text, str) for text in (*texts, label, *(value for _, value in named))
    ):
        raise WhatIfError("G425", where=where, detail=", ".join(sorted(_KEYS)))
    changes = [Change(path, "set", value) for path, value in named]
    changes += map(read_change, texts)
    return Reform.of([_beside(change, file.parent) for change in changes], label)


def _beside(change: Change, folder: Path) -> Change:
    """A change whose file is looked for beside the file of reforms."""
    names = [name.strip() for name in change.value.split(",")]
    if change.how != "set" or not any(Path(name).suffix.lower() in _FILES for name in names):
        return change
    placed = [str(folder / name) if Path(name).suffix.lower() in _FILES else name for name in names]
    return Change(change.path, change.how, ",".join(placed))


def whatif_file(
    source_path: str | Path,
    policy: Policy,
    reforms: Sequence[Reform],
    out_path: str | Path,
    *,
    scheme: str | None = None,
    codes: str | None = None,
    month: Month | None = None,
    hospitals: str | Path | None = None,
    decisions: str | Path | None = None,
    sheet: str | int | None = None,
    progress: Progress | None = None,
    lang: str | None = None,
) -> WhatIfRun:
    """Price the claims of a file under a policy and under reforms of it.

    Parameters
    ----------
    source_path : str or Path
        Claims, as for ``group_file``; grouped ones are not grouped again unless ``scheme`` says so.
    policy : Policy
    reforms : sequence of Reform
    out_path : str or Path
        ``.xlsx``: the workbook. Otherwise a folder, which gets the workbook (``BOOK``; without
        xlsxwriter none), the page (``PAGE``), every claim that differs (``ROWS``: label of the
        reform, then ``ROW_SCHEMA``) and all tables as one (``SUMS``).
    scheme : str, optional
        Groups the claims for the baseline; when omitted, claims that are not grouped go by what
        the policy names.
    codes : {"insurance", "clinical"}, optional
        Edition of the codes, for every grouping.
    month : Month, optional
        Claims discharged outside it are not paid; any when omitted.
    hospitals, decisions : str or Path, optional
        Tables beside the claims, as ``drg settle`` takes them.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    progress : callable, optional
        Called after each batch, from another thread, with the rows done and in all; each row is
        read twice.
    lang : {"zh", "en"}, optional
        Language of workbook and page; the context's when omitted.

    Raises
    ------
    WhatIfError
        G420-G432.
    PolicyError, PaymentError, SchemeError, TableError, InputError, SettlementError
        What is given cannot be used.
    """
    lang = lang or language()
    source_path, out = Path(source_path), Path(out_path)
    as_book = out.suffix.lower() == _XLSX
    if as_book:
        output_suffix(out)
    elif any(map(str.isalpha, out.suffix)) and not out.is_dir():
        raise WhatIfError("G432", where=str(out), suffix=out.suffix)
    for path in (out,) if as_book else (out / name for name in (BOOK, PAGE, ROWS, SUMS)):
        refuse_same(source_path, path)
    started = time.perf_counter()
    register = None if hospitals is None else read_hospitals(hospitals)
    decided = None if decisions is None else read_decisions(decisions)
    with open_claims(source_path, sheet=sheet) as source:
        grouper = _grouper(source, policy, scheme, codes)
        policies = {name: load_policy(name) for one in reforms if (name := one.policy) is not None}
        named = {
            scheme_of_reform(one, policies.get(one.policy or ""), policy, grouper)
            for one in reforms
        } - {""}
        runs = WhatIf(
            policy,
            reforms,
            grouper=grouper,
            schemes={name: load_grouper(name, None, codes) for name in sorted(named)},
            policies=policies,
            hospitals=whole(register, HOSPITAL_SCHEMA),
            decisions=whole(decided, DECISION_SCHEMA),
            month=month,
        )
        work = _Work(runs, source, progress, lang)
        if register is not None:
            work.hospitals = {
                key: name
                for key, name in register.select("hospital_id", "name").iter_rows()
                if name
            }
        work.month = "" if month is None else str(month)
        report, files = interruptible(
            lambda stop: work.to_book(out, stop) if as_book else work.to_folder(out, stop)
        )
    return WhatIfRun(report, out, files, time.perf_counter() - started)


def _grouper(
    source: ClaimSource, policy: Policy, scheme: str | None, codes: str | None
) -> ClaimGrouper | None:
    """What groups the claims for the baseline; None where they came grouped or need no group."""
    if scheme is not None:
        return load_grouper(scheme, None, codes)
    if {"group", "outcome"} <= {*source.schema} or (policy.drg is None and policy.dip is None):
        return None
    named = scheme_named(policy)
    if not named:
        raise WhatIfError("G429", where=policy.id)
    return load_grouper(named, None, codes)


class _Work:
    """The part of a run that streams."""

    def __init__(
        self, runs: WhatIf, source: ClaimSource, progress: Progress | None, lang: str
    ) -> None:
        self.runs, self.source, self.progress, self.lang = runs, source, progress, lang
        self.hospitals: Mapping[str, str] = {}
        self.month = ""
        self.done = 0
        self.tallies = [RunTally() for _ in runs.reformed[1:]]
        self.schemes = runs.schemes

    def to_book(self, out: Path, stop: Event) -> tuple[WhatIfReport, tuple[str, ...]]:
        """Everything into one workbook."""
        self._first(stop)
        with write_whatif_book(out, self.lang) as book:
            for _ in self._rows(book, stop):
                pass
            report = self._report()
            book.fill(report)
            leave_if(stop)
        return report, ()

    def to_folder(self, out: Path, stop: Event) -> tuple[WhatIfReport, tuple[str, ...]]:
        """Workbook, page and tables into a folder, all of them or none."""
        if out.exists() and not out.is_dir():
            raise InputError("F202", where=str(out), folder=str(out))
        self._first(stop)
        with staged(out) as draft:
            with ExitStack() as stack:
                book = None
                if find_spec("xlsxwriter") is not None:
                    book = stack.enter_context(write_whatif_book(draft / BOOK, self.lang))
                schema = pl.Schema({"reform": pl.String(), **ROW_SCHEMA})
                write_frames(draft / ROWS, self._rows(book, stop), schema=schema,
                             metadata=self._report().metadata, compression="zstd")  # fmt: skip
                report = self._report()
                if book is not None:
                    book.fill(report)
            write_whatif_page(draft / PAGE, report, lang=self.lang)
            write_frames(draft / SUMS, sums_frame(report), for_people=True)
            files = tuple(sorted(path.name for path in draft.iterdir()))
            leave_if(stop)
        return report, files

    def _first(self, stop: Event) -> None:
        for batch in self._batches(stop):
            self.runs.assess(batch, self.source.columns)
            self._told(batch.height)
        self.runs.decide()

    def _rows(self, book: WhatIfBook | None, stop: Event) -> Iterator[pl.DataFrame]:
        """The claims that differ, reform by reform within each batch."""
        for batch in self._batches(stop):
            before, *after = self.runs.finish(batch, self.source.columns)
            for tally, run in zip(self.tallies, after, strict=True):
                rows = tally.add(before, run)
                if book is not None:
                    book.rows(run.label, rows, tally.names)
                yield rows.select(pl.lit(run.label).alias("reform"), pl.all())
            self._told(batch.height)

    def _batches(self, stop: Event) -> Iterator[pl.DataFrame]:
        # A file without claims is one part without rows: its columns still matter.
        batches = (
            self.source.batches(_BATCH)
            if self.source.rows
            else iter([pl.DataFrame(schema=self.source.schema)])
        )
        return one_ahead(stoppable(batches, stop))

    def _told(self, rows: int) -> None:
        self.done += rows
        if self.progress is not None:
            self.progress(self.done, 2 * self.source.rows)

    def _report(self) -> WhatIfReport:
        baseline, *reformed = self.runs.reformed
        results = [
            Result(one, *scheme, tally.comparison(), tally.differing)
            for one, scheme, tally in zip(reformed, self.schemes[1:], self.tallies, strict=True)
        ]
        return WhatIfReport(
            baseline, *self.schemes[0], self.source.path.name, self.month,
            self.source.rows, tuple(results), self.hospitals,
        )  # fmt: skip
