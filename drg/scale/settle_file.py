"""Settle a file of grouped claims into the folder of its month: streaming, all or nothing.

Two passes over the file, batch by batch: what every claim comes to by itself, then, once caps and
ranks are decided, the priced claims one frame ahead of the writer. Of a claim only its posting
stays in memory. The work runs beside the calling thread, as in ``group_file``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.writers import write_frames
from drg.dates import Month
from drg.reports.dip_results import write_dip_results
from drg.reports.statement import write_statements
from drg.reports.summary_page import write_summary
from drg.scale import RunError
from drg.scale.group_file import Progress, interruptible, leave_if, stoppable
from drg.schemes.tables import file_digest
from drg.settlement.budget_file import load_budget
from drg.settlement.ledger import SettlementError
from drg.settlement.one_run import one_run
from drg.settlement.rerun import joined_claims
from drg.settlement.run import MonthRun
from drg.settlement.settled import Settlement
from drg.settlement.store import (
    CLAIMS,
    NothingNew,
    draft_folder,
    find_settlement,
    write_month,
)

if TYPE_CHECKING:
    from drg.payment.policy import Policy

__all__ = ["SettleRun", "read_month", "settle_file"]

_BATCH = 100_000
#: Claims of this run, until they stand behind those of earlier ones.
_NEW = ".new.parquet"


@dataclass(frozen=True, kw_only=True)
class SettleRun:
    """What a run of ``settle_file`` did.

    Attributes
    ----------
    settlement : Settlement
        As it lies in the folder.
    source, output : Path
    seconds : float
    claims : int
        Rows read.
    files : tuple of str
        Files written into the folder; none when nothing was new.
    """

    settlement: Settlement
    source: Path
    output: Path
    seconds: float
    claims: int
    files: tuple[str, ...]

    @property
    def unpaid(self) -> int:
        """Claims in force that are not paid: exit code 1 speaks of them."""
        return int(self.settlement.hospitals["unsettled"].sum())


def read_month(text: str) -> Month:
    """The month of a command line.

    Raises
    ------
    SettlementError
        P432: not written ``YYYY-MM``.
    """
    try:
        return Month.parse(text)
    except ValueError as error:
        raise SettlementError("P432", text=text) from error


def settle_file(
    source_path: str | Path,
    policy: Policy,
    folder: str | Path,
    *,
    month: Month,
    hospitals: str | Path | None = None,
    decisions: str | Path | None = None,
    budget: str | Path | None = None,
    prior: Sequence[str | Path] = (),
    sheet: str | int | None = None,
    statements: bool = True,
    progress: Progress | None = None,
) -> SettleRun:
    """Settle the grouped claims of a month.

    Parameters
    ----------
    source_path : str or Path
        Grouped claims: CSV, TSV (also ``.gz``), Parquet or XLSX.
    policy : Policy
        ``drg.payment.policy.catalog.load_policy``.
    folder : str or Path
        New or empty; or the month's folder of an earlier run: claims that are there with equal
        content are passed over, and when nothing is new the folder stays as it is, to the byte.
    month : Month
    hospitals, decisions, budget : str or Path, optional
        Tables beside the claims (``drg.settlement.inputs``, ``drg.settlement.budget_file``).
    prior : sequence of str or Path, optional
        Folders of earlier months of the year.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0; the first when omitted.
    statements : bool, optional
        Write a workbook for each hospital as well.
    progress : callable, optional
        Called after each batch, from another thread, with the rows done and in all; each row is
        read twice.

    Returns
    -------
    SettleRun

    Raises
    ------
    InputError
        A file cannot be read (F1xx), or the folder not be written (F2xx; F211: another run is
        writing it).
    RunError
        C201: an input lies in the folder that is written.
    SettlementError, PaymentError, BudgetError
        What is given does not go together; P438: the ledger does not hold, nothing is written.
    """
    source_path, out = Path(source_path), Path(folder)
    given = {
        "claims": source_path,
        "hospitals": hospitals,
        "decisions": decisions,
        "budget": budget,
    }
    tables = {role: Path(path) for role, path in given.items() if path is not None}
    for path in (*tables.values(), *map(Path, prior)):
        _refuse_inside(path, out)
    started = time.perf_counter()
    quotas = None if budget is None else load_budget(budget)
    with one_run(out):
        before = find_settlement(out, month, policy.id, policy.digest)
        run = MonthRun(
            policy, month, hospitals=hospitals, decisions=decisions, budget=quotas, prior=prior,
            before=before,
        )  # fmt: skip
        with open_claims(source_path, sheet=sheet) as source:
            work = _Work(run, source, out, tables, progress, statements)
            settlement, files = interruptible(work)
            rows = source.rows
    seconds = time.perf_counter() - started
    return SettleRun(
        settlement=settlement, source=source_path, output=out, seconds=seconds, claims=rows,
        files=files,
    )  # fmt: skip


class _Work:
    """The part of a run that streams; called with the event that stops it."""

    def __init__(
        self,
        run: MonthRun,
        source: ClaimSource,
        out: Path,
        tables: dict[str, Path],
        progress: Progress | None,
        statements: bool,
    ) -> None:
        self.run, self.source, self.out, self.tables = run, source, out, tables
        self.progress, self.statements = progress, statements
        self.done = 0

    def __call__(self, stop: Event) -> tuple[Settlement, tuple[str, ...]]:
        try:
            return self._settle(stop)
        except NothingNew as nothing:
            return nothing.settlement, ()

    def _settle(self, stop: Event) -> tuple[Settlement, tuple[str, ...]]:
        run, before = self.run, self.run.before
        columns = self.source.columns
        codes = () if run.reads_codes else {*columns.diagnoses, *columns.procedures}
        for batch in self._batches(stop, without=tuple(codes)):
            run.assess(batch, columns)
        run.decide(self.source.scan(), columns)
        with draft_folder(self.out) as draft:
            written = draft / (CLAIMS if before is None else _NEW)
            metadata = {
                "drg.version": drg.__version__,
                "drg.policy": run.policy.id,
                "drg.policy_digest": run.policy.digest,
                "drg.period": str(run.month),
            }
            write_frames(
                written,
                self._settled(stop),
                metadata=metadata,
                compression="zstd",
            )
            books = run.close()
            if before is not None and not books.changed:
                raise NothingNew(books.settlement(before.claims))
            if before is not None:
                new = pl.scan_parquet(written, glob=False, hive_partitioning=False)
                whole = joined_claims(before.claims.lazy(), new, books.gone)
                write_frames(draft / CLAIMS, whole, metadata=metadata, compression="zstd")
                written.unlink()
            inputs = [
                {"role": role, "name": path.name, "sha256": file_digest(path)}
                for role, path in self.tables.items()
            ]
            claims = pl.scan_parquet(draft / CLAIMS, glob=False, hive_partitioning=False)
            settlement = books.settlement(claims, inputs)
            write_month(draft, settlement)
            if run.policy.dip is not None:
                write_dip_results(draft, settlement)
            if self.statements:
                write_statements(draft, settlement, look=lambda: leave_if(stop))
            # The ledger has just been proved, or nothing would have been written.
            write_summary(draft, settlement, faults=())
            files = tuple(sorted(path.name for path in draft.iterdir()))
            leave_if(stop)  # the last moment: from here on the folder is replaced
        claims = pl.scan_parquet(self.out / CLAIMS, glob=False, hive_partitioning=False)
        return replace(settlement, claims=claims), files

    def _batches(self, stop: Event, without: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        # A file without claims is one part without rows: its columns still matter.
        batches = (
            self.source.batches(_BATCH, without=without)
            if self.source.rows
            else iter([pl.DataFrame(schema=self.source.schema)])
        )
        for batch in _one_ahead(stoppable(batches, stop)):
            yield batch
            self.done += batch.height
            if self.progress is not None:
                self.progress(self.done, 2 * self.source.rows)

    def _settled(self, stop: Event) -> Iterator[pl.DataFrame]:
        for batch in self._batches(stop):
            yield self.run.finish(batch, self.source.columns)


def _one_ahead(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The frames, the next one being read while one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, frames, None)
        while (frame := coming.result()) is not None:
            coming = pool.submit(next, frames, None)
            yield frame


def _refuse_inside(path: Path, folder: Path) -> None:
    """Refuse to replace the folder that an input lies in."""
    if folder.exists() and path.exists() and folder.resolve() in (
        path.resolve(), *path.resolve().parents,
    ):  # fmt: skip
        raise RunError("C201", where=str(path))
