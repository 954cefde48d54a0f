"""``drg kpi``: grouped files and settled months to a report, and to its files."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.frame import PRICING_NAMES, SCALARS
from drg.claims.list_columns import LIST_NAMES
from drg.claims.profiles import ClaimColumns
from drg.claims.readers import BATCH, ClaimSource, open_claims, open_file
from drg.claims.writers import write_frames
from drg.reports.kpi.book import write_kpi_book
from drg.reports.kpi.build import KpiRun, read_levels
from drg.reports.kpi.page import write_kpi_page
from drg.reports.kpi.reference import KpiError, read_reference, save_reference
from drg.reports.kpi.tables import agency_lines, csv_table
from drg.scale.stage import staged
from drg.settlement.ledger_sums import SummedLedger
from drg.settlement.store import CLAIMS, MANIFEST, read_settlement
from drg.text import language

if TYPE_CHECKING:
    from drg.reports.kpi.report import KpiReport
    from drg.scale.group_file import Progress

__all__ = ["AGENCY", "BOOK", "CSV", "LONG", "PAGE", "KpiFiles", "kpi_files", "kpi_report_of"]

BOOK, PAGE, LONG, CSV, AGENCY = "kpi.xlsx", "kpi.html", "kpi.parquet", "kpi.csv", "agency.csv"
#: Batches of a file; larger ones than grouping takes, for nothing is written meanwhile.
_BATCH = 2 * BATCH
_CODES = ("diagnoses", "procedures")
_FINDING = ("claim_id", "code", "result")


@dataclass(frozen=True, kw_only=True)
class KpiFiles:
    """What ``kpi_files`` did.

    Attributes
    ----------
    report : KpiReport
    output : Path
    files : tuple of str
        Files written; without xlsxwriter there is no workbook.
    seconds : float
    """

    report: KpiReport
    output: Path
    files: tuple[str, ...]
    seconds: float


def kpi_report_of(
    sources: Sequence[str | Path],
    *,
    reference: str | Path | None = None,
    by: Sequence[str] | None = None,
    findings: str | Path | None = None,
    sheet: str | int | None = None,
    progress: Progress | None = None,
) -> KpiReport:
    """Figures of files and folders.

    Parameters
    ----------
    sources : sequence of str or Path
        Files of grouped claims (``drg group -o``), folders of settled months (``drg settle -o``)
        or folders that hold such folders.
    reference : str or Path, optional
        Frozen regional means (``drg.reports.kpi.reference``).
    by : sequence of str, optional
        Levels (``drg.reports.kpi.build.read_levels``).
    findings : str or Path, optional
        What ``drg check -o`` wrote about these claims.
    sheet : str or int, optional
        Sheet of XLSX inputs.
    progress : callable, optional
        Called after each batch with the claims done and in all.

    Raises
    ------
    KpiError
        K402-K404 the reference; K405-K407 what is asked for does not go together with the claims;
        K408 a file is not grouped; K409 a month or file is given twice; K410 a folder holds no
        settled month; K411 the findings lack a column.
    SettlementError
        P433, P435: a month's folder is damaged.
    InputError
        F1xx: a file cannot be read.
    """
    if by is not None:
        read_levels(by)
    means = None if reference is None else read_reference(reference)
    run = KpiRun(None if findings is None else _findings(findings))
    found = _sources(sources)
    done = whole = 0
    for path, period, name in found:
        with _opened(path, period, sheet) as source:
            if period is None and "outcome" not in source.schema:
                raise KpiError("K408", where=str(path))
            columns = source.columns
            whole += source.rows
            for batch in source.batches(_BATCH, without=_unread(columns, source.schema)):
                run.add(batch, columns, period=period, name=name)
                done += batch.height
                if progress is not None:
                    progress(done, whole)
    return run.finish(by=by, reference=means)


def kpi_files(
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    reference: str | Path | None = None,
    save: str | Path | None = None,
    by: Sequence[str] | None = None,
    findings: str | Path | None = None,
    sheet: str | int | None = None,
    csv: bool = False,
    lang: str | None = None,
    progress: Progress | None = None,
) -> KpiFiles:
    """Figures of files and folders, written into a folder: all of its files, or none.

    Parameters
    ----------
    sources, reference, by, findings, sheet, progress
        As ``kpi_report_of``.
    out : str or Path
        Folder; made if it does not exist, other files in it stay.
    save : str or Path, optional
        Where the regional means of this run are frozen.
    csv : bool, optional
        Write the long table as CSV too.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.

    Raises
    ------
    KpiError, SettlementError, InputError
        As ``kpi_report_of``; F2xx: something cannot be written.
    """
    started = time.perf_counter()
    lang = lang or language()
    report = kpi_report_of(
        sources, reference=reference, by=by, findings=findings, sheet=sheet, progress=progress
    )
    with staged(out) as draft:
        write_frames(draft / LONG, report.values, compression="zstd")
        write_kpi_page(draft / PAGE, report, lang=lang)
        if find_spec("xlsxwriter") is not None:
            write_kpi_book(draft / BOOK, report, lang=lang)
        if csv:
            write_frames(draft / CSV, csv_table(report, lang), for_people=True)
        if "hospital" in report.levels:
            write_frames(draft / AGENCY, agency_lines(report), for_people=True)
        files = tuple(sorted(path.name for path in draft.iterdir()))
        if save is not None:
            save_reference(save, report.reference)
    seconds = time.perf_counter() - started
    return KpiFiles(report=report, output=Path(out), files=files, seconds=seconds)


def _sources(given: Sequence[str | Path]) -> list[tuple[Path, str | None, str]]:
    """Files of claims with the month of a settled one, and what they are called."""
    found: list[tuple[Path, str | None, str]] = []
    seen: set[Path] = set()
    months: dict[str, Path] = {}

    def once(path: Path) -> Path:
        # The claims of a settled month may have been named as a file besides.
        if path.resolve() in seen:
            raise KpiError("K409", where=str(path), name=path.name)
        seen.add(path.resolve())
        return path

    for path in map(Path, given):
        if not path.is_dir():
            found.append((once(path), None, path.name))
            continue
        for folder in _months(path):
            settled = read_settlement(folder, whole=True, books=SummedLedger)
            if settled.period in months:
                where = f"{months[settled.period]}, {folder}"
                raise KpiError("K409", where=where, name=settled.period)
            months[settled.period] = folder
            found.append((once(folder / CLAIMS), settled.period, folder.name))
    return found


def _opened(path: Path, period: str | None, sheet: str | int | None) -> ClaimSource:
    if period is None:
        return open_claims(path, sheet=sheet if path.suffix.lower() == ".xlsx" else None)
    # A settled month has canonical names.
    source = open_file(path)
    own = {name: name for name in (*SCALARS, *PRICING_NAMES, *LIST_NAMES) if name in source.schema}
    source.columns = ClaimColumns(own, _CODES, diagnoses_joined=True)
    return source


def _months(folder: Path) -> list[Path]:
    if (folder / MANIFEST).is_file():
        return [folder]
    inner = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found = [path for path in inner if (path / CLAIMS).is_file() and (path / MANIFEST).is_file()]
    if not found:
        raise KpiError("K410", where=str(folder))
    return found


def _unread(columns: ClaimColumns, schema: Iterable[str]) -> list[str]:
    """Columns of codes: no figure reads them, and they are most of a file."""
    read = set(columns.scalars.values())
    codes = {*columns.diagnoses, *columns.procedures} - read
    return [name for name in schema if name in codes]


def _findings(path: str | Path) -> pl.DataFrame:
    with open_file(path) as source:
        lacks = [name for name in _FINDING if name not in source.schema]
        if lacks:
            raise KpiError("K411", where=str(path), column=lacks[0])
        return source.cells(_FINDING).cast(pl.String)
