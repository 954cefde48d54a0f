"""Settle files of grouped claims into the folder of their month: streaming, all or nothing.

Two passes over the claims, part by part: what every claim comes to by itself, then, once caps and
ranks are decided, the priced claims and the ledger, each on its way to its file. Of a large month
what the first pass leaves is kept on disk, from where a killed run goes on (``settle_parts``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.claims.input_files import input_files
from drg.claims.readers import open_claims
from drg.claims.writers import write_frames
from drg.dates import Month
from drg.errors import DrgError
from drg.reports.dip_results import write_dip_results
from drg.reports.statement import write_statements
from drg.reports.summary_page import write_summary
from drg.scale import RunError
from drg.scale.group_file import Progress, interruptible, leave_if
from drg.scale.run_inputs import looked_at
from drg.scale.settle_inputs import GroupRuns
from drg.scale.settle_parts import parts_folder
from drg.scale.settle_passes import Passes
from drg.schemes.tables import file_digest
from drg.settlement.budget_file import load_budget
from drg.settlement.ledger import SettlementError
from drg.settlement.ledger_file import StoredLedger
from drg.settlement.one_run import one_run
from drg.settlement.rerun import joined_claims
from drg.settlement.run import MonthRun
from drg.settlement.settled import Settlement
from drg.settlement.store import (
    CLAIMS,
    LEDGER,
    NothingNew,
    draft_folder,
    find_settlement,
    write_month,
)
from drg.text import text

if TYPE_CHECKING:
    from drg.payment.policy import Policy

__all__ = ["SettleRun", "read_month", "settle_file"]

#: Rows of a part.
_BATCH = 100_000
#: From so many claims on, what the first pass leaves is kept on disk and a killed run goes on.
#: Below that a month is settled in the seconds that it would save.
_KEPT_FROM = 1_000_000
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
        As named; of several sources the first.
    seconds : float
    claims : int
        Rows read.
    resumed : int
        Rows that a killed run before this one had been through once.
    files : tuple of str
        Files written into the folder; none when nothing was new.
    """

    settlement: Settlement
    source: Path
    output: Path
    seconds: float
    claims: int
    files: tuple[str, ...]
    resumed: int = 0

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
    source_path: str | Path | Sequence[str | Path],
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
    source_path : str, Path or sequence of them
        Grouped claims: CSV, TSV (also ``.gz``), Parquet or XLSX; folders of them and patterns
        (``drg.claims.input_files``). The folder of a group run is held to its manifest.
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
        C201: an input lies in the folder that is written; C250: an input or a table is changed
        meanwhile; C231, C251: a group run is not as it was written.
    SettlementError, PaymentError, BudgetError
        What is given does not go together; P438: the ledger does not hold, nothing is written.
    """
    paths = [source_path] if isinstance(source_path, str | Path) else [*source_path]
    out, files = Path(folder), input_files(paths)
    given = {"hospitals": hospitals, "decisions": decisions, "budget": budget}
    tables = {role: Path(path) for role, path in given.items() if path is not None}
    for path in (*(file.path for file in files), *tables.values(), *map(Path, prior)):
        _refuse_inside(path, out)
    started = time.perf_counter()
    runs = GroupRuns([*map(Path, paths)])
    digests = {role: file_digest(path) for role, path in tables.items() if path.is_file()}
    quotas = None if budget is None else load_budget(budget)
    with one_run(out):
        before = find_settlement(out, month, policy.id, policy.digest)
        run = MonthRun(
            policy, month, hospitals=hospitals, decisions=decisions, budget=quotas, prior=prior,
            before=before,
        )  # fmt: skip
        runs.check_scheme(policy, run.scheme)
        stats = looked_at(files)
        with open_claims(files, sheet=sheet) as source:
            passes = Passes(run, source, files, stats, _BATCH, progress)
            work = _Work(passes, runs, out, tables, digests, sheet, statements)
            try:
                settlement, written = interruptible(work)
            except BaseException as error:
                if parts_folder(out).is_dir():
                    error.add_note(text("cli.run_goes_on", where=out))
                raise
            rows = source.rows
    seconds = time.perf_counter() - started
    return SettleRun(
        settlement=settlement, source=Path(paths[0]), output=out, seconds=seconds, claims=rows,
        files=written, resumed=passes.resumed,
    )  # fmt: skip


class _Work:
    """The part of a run that streams; called with the event that stops it."""

    def __init__(
        self,
        passes: Passes,
        runs: GroupRuns,
        out: Path,
        tables: dict[str, Path],
        digests: dict[str, str],
        sheet: str | int | None,
        statements: bool,
    ) -> None:
        self.passes, self.run, self.source = passes, passes.run, passes.source
        self.runs, self.out, self.statements = runs, out, statements
        self.tables, self.digests, self.sheet = tables, digests, sheet

    def __call__(self, stop: Event) -> tuple[Settlement, tuple[str, ...]]:
        passes, left = self.passes, parts_folder(self.out)
        if self.run.before is None and self.source.rows >= _KEPT_FROM:
            wanted = ("hospitals", "decisions")
            tables = {role: sha for role, sha in self.digests.items() if role in wanted}
            passes.keep_in(left, tables, self.sheet)
        try:
            with passes.hashing(stop):
                settled = self._settle(stop)
        except NothingNew as nothing:
            return nothing.settlement, ()
        except DrgError as error:
            # A full disk can be mended; whatever else is wrong, another run begins anew.
            if passes.keeps and not error.code.startswith("F2"):
                passes.forget(left)
            if error.code == "C236":
                raise RunError("C250", where=error.where) from error
            raise
        passes.forget(left)
        return settled

    def _settle(self, stop: Event) -> tuple[Settlement, tuple[str, ...]]:
        run, before = self.run, self.run.before
        self.passes.first(stop)
        run.decide(self.source.scan(), self.source.columns)
        with draft_folder(self.out) as draft, ExitStack() as stack:
            written = draft / (CLAIMS if before is None else _NEW)
            ledger = None
            if before is None:
                ledger = run.post_into(draft / LEDGER)
                stack.callback(ledger.abandon)
            metadata = {
                "drg.version": drg.__version__,
                "drg.policy": run.policy.id,
                "drg.policy_digest": run.policy.digest,
                "drg.period": str(run.month),
            }
            write_frames(written, self.passes.second(stop), metadata=metadata, compression="zstd")
            books = run.close()
            if before is not None and not books.changed:
                raise NothingNew(books.settlement(before.claims))
            if before is not None:
                new = pl.scan_parquet(written, glob=False, hive_partitioning=False)
                whole = joined_claims(before.claims.lazy(), new, books.gone)
                write_frames(draft / CLAIMS, whole, metadata=metadata, compression="zstd")
                written.unlink()
            if ledger is not None:
                books = replace(books, ledger=ledger.finish(books.ledger))
            claims = pl.scan_parquet(draft / CLAIMS, glob=False, hive_partitioning=False)
            settlement = books.settlement(claims, self._inputs_told())
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
        stored = settlement.ledger
        if isinstance(stored, StoredLedger):
            stored = stored.at(self.out / LEDGER)
        return replace(settlement, claims=claims, ledger=stored), files

    def _inputs_told(self) -> list[dict[str, str]]:
        """Role, name and digest of every input, which is still what was read."""
        files, inputs = self.passes.files, self.passes.inputs
        digests = [inputs.digest(n) for n in range(len(files))]
        for n in range(len(files)):
            inputs.check(n)
        self.runs.check_files(files, digests)
        told = [
            {"role": "claims", "name": file.name, "sha256": digest}
            for file, digest in zip(files, digests, strict=True)
        ]
        for role, path in self.tables.items():
            if self.digests.get(role) != file_digest(path):
                raise RunError("C250", where=str(path))
            told.append({"role": role, "name": path.name, "sha256": self.digests[role]})
        return told


def _refuse_inside(path: Path, folder: Path) -> None:
    """Refuse to replace the folder that an input lies in."""
    if folder.exists() and path.exists() and folder.resolve() in (
        path.resolve(), *path.resolve().parents,
    ):  # fmt: skip
        raise RunError("C201", where=str(path))
