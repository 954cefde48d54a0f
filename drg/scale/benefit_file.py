"""Settle the patients' side of a file: what each layer pays of a visit, and the year's balances.

Two passes: the few columns that benefits ask for, whole, because a person's visits hang together;
then the file's own rows batch by batch, each with its results. Both outputs or none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

import drg
from drg.benefits.batch import RESULT_COLUMNS, BenefitRun, settle_frame
from drg.benefits.model import LAYERS
from drg.claims.days import read_days
from drg.claims.frame import rename_clashing
from drg.claims.profiles import ClaimColumns
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.typed import ClaimArrays, read_yuan
from drg.claims.writers import output_suffix, write_frames
from drg.payment.pricing.levels import LEVEL_CODE_COLUMNS, level_of
from drg.reports.benefit_sheet import write_sheets
from drg.scale import RunError
from drg.scale.benefit_balances import (
    BenefitError,
    new_balances,
    read_balances,
    refuse_known,
    refuse_repeated,
    used_up,
    with_claims,
    written_balances,
)
from drg.scale.group_file import Progress, interruptible, leave_if, refuse_same, stoppable
from drg.settlement.inputs import read_hospitals
from drg.settlement.store import draft_folder

if TYPE_CHECKING:
    from drg.benefits.plan import Plan

__all__ = ["FIELDS", "BenefitFileRun", "benefit_file", "read_visits", "visit_keys"]

_BATCH, _XLSX_BATCH = 50_000, 5_000
#: All that benefits read of a claim, and what a settlement sheet tells of it.
FIELDS = (
    "claim_id", "patient_id", "hospital_id", "hospital_level", "insurance", "admitted_on",
    "discharged_on", "care_type", "person_category", "retired", "off_site", "region_level",
    "total_cost", "fully_self_paid", "first_self_paid", "over_limit_paid", "basic_paid",
    "patient_paid", "fund_paid",
)  # fmt: skip
#: Column of levels where a register stands in; no file has such a name.
_LEVEL = "\x00hospital_level"
#: Reason of a visit for which the plan has no terms: what the file reports of it stays.
_OUT_OF_PLAN = "N508"
#: Fields that a run works out: a column that fed one keeps its values under another name, so that
#: whoever reads the result finds the new ones.
_WORKED_OUT = ("patient_paid", "fund_paid")
_CENT = pl.lit(Decimal("0.01"))


@dataclass(frozen=True, kw_only=True)
class BenefitFileRun:
    """What a run of ``benefit_file`` did.

    Attributes
    ----------
    plan : Plan
    run : BenefitRun
        Fields read and columns added, every row.
    columns : ClaimColumns
        Which columns of its frame feed which field.
    output : Path
    balances_out : Path or None
    kept : int
        Rows of the balances written.
    sheets_in : Path or None
    sheets : int
        Settlement sheets written.
    persons : int
        Persons with a visit in the file.
    seconds : float
    """

    plan: Plan
    run: BenefitRun
    columns: ClaimColumns
    output: Path
    balances_out: Path | None
    kept: int
    sheets_in: Path | None
    sheets: int
    persons: int
    seconds: float

    @property
    def unsettled(self) -> int:
        """Visits that no layer was reckoned for: exit code 1 speaks of them."""
        return self.run.frame["fund_paid"].null_count()


def benefit_file(
    source_path: str | Path,
    plan: Plan,
    out_path: str | Path,
    *,
    balances: str | Path | None = None,
    balances_out: str | Path | None = None,
    hospitals: str | Path | None = None,
    sheets: str | Path | None = None,
    sheet: str | int | None = None,
    progress: Progress | None = None,
    lang: str | None = None,
) -> BenefitFileRun:
    """Settle the patients' side of every visit of a file.

    Parameters
    ----------
    source_path : str or Path
        Claims: CSV, TSV (also ``.gz``), Parquet or XLSX.
    plan : Plan
        ``drg.benefits.plan.load_plan``.
    out_path : str or Path
        The file's rows and columns with the results: ``.csv``, ``.tsv``, ``.parquet``, ``.xlsx``.
    balances : str or Path, optional
        What persons have used up this year, as an earlier run wrote it; nothing when omitted.
    balances_out : str or Path, optional
        Gets the balances after the run; may be the file that was read.
    hospitals : str or Path, optional
        Register whose ``level`` stands in where a claim has no level of its own.
    sheets : str or Path, optional
        New or empty folder for a settlement sheet of every visit.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0; the first when omitted.
    progress : callable, optional
        Called from another thread with the rows done and in all; each row is read twice.
    lang : {"zh", "en"}, optional
        Language of the sheets.

    Raises
    ------
    InputError
        A file cannot be read (F1xx) or written (F2xx).
    RunError
        C201: an output is an input.
    BenefitError
        B430-B436: balances or claims do not go together; B440: the folder for sheets is not empty;
        B442: a fault of this program.
        Nothing is written then.
    """
    source_path, out_path = Path(source_path), Path(out_path)
    suffix = output_suffix(out_path)
    refuse_same(source_path, out_path)
    for given in (balances, hospitals):
        if given is not None:
            refuse_same(Path(given), out_path)
    if balances_out is not None:
        balances_out = Path(balances_out)
        output_suffix(balances_out)
        refuse_same(source_path, balances_out)
        if hospitals is not None:
            refuse_same(Path(hospitals), balances_out)
        if balances_out.resolve() == out_path.resolve():
            raise RunError("C201", where=str(balances_out))
    if sheets is not None:
        sheets = Path(sheets)
        if sheets.exists() and (not sheets.is_dir() or any(sheets.iterdir())):
            raise BenefitError("B440", where=str(sheets))
    started = time.perf_counter()
    size = _XLSX_BATCH if suffix == ".xlsx" else _BATCH
    with open_claims(source_path, sheet=sheet) as source:
        work = _Work(
            plan, source, out_path, size, balances, balances_out, hospitals, sheets, progress, lang
        )
        done = interruptible(work)
    return BenefitFileRun(
        plan=plan, run=done.run, columns=done.columns, output=out_path, balances_out=balances_out,
        kept=done.kept, sheets_in=sheets, sheets=done.sheets, persons=done.persons,
        seconds=time.perf_counter() - started,
    )  # fmt: skip


class _Done(NamedTuple):
    run: BenefitRun
    columns: ClaimColumns
    kept: int
    sheets: int
    persons: int


class _Work:
    """The part of a run that takes its time; called with the event that stops it."""

    def __init__(
        self, plan: Plan, source: ClaimSource, out: Path, size: int, balances: str | Path | None,
        balances_out: Path | None, hospitals: str | Path | None, sheets: str | Path | None,
        progress: Progress | None, lang: str | None,
    ) -> None:  # fmt: skip
        self.plan, self.source, self.out, self.size = plan, source, out, size
        self.balances, self.balances_out, self.hospitals = balances, balances_out, hospitals
        self.sheets, self.progress, self.lang = sheets, progress, lang

    def __call__(self, stop: Event) -> _Done:
        where = str(self.source.path)
        before = new_balances()
        if self.balances is not None:
            before = read_balances(self.balances, self.plan.id)
        frame, columns = read_visits(self.source, self.hospitals)
        self._tell(frame.height)
        leave_if(stop)
        keys = visit_keys(frame, columns)
        refuse_repeated(keys, where, kept=self.balances_out is not None)
        refuse_known(keys, before, where)
        run = settle_frame(self.plan, frame, columns, used_up(before))
        leave_if(stop)
        # What the run worked out is not among its fields any more.
        kept = {k: v for k, v in columns.scalars.items() if v in run.frame.columns}
        columns = ClaimColumns(kept, (), False)
        _refuse_faults(run, columns, where)
        settled = keys.filter(run.frame["fund_paid"].is_not_null())
        after = with_claims(before, run.balances, settled, self.plan.id)
        results = self._results(run)
        with written_balances(self.balances_out, after), self._sheets(run, columns, stop) as sheets:
            write_frames(
                self.out, self._rows(results, stop), schema=self._schema(results),
                metadata=self._provenance(),
            )  # fmt: skip
        return _Done(run, columns, after.height, sheets, keys["patient_id"].drop_nulls().n_unique())

    def _results(self, run: BenefitRun) -> pl.DataFrame:
        """The columns added; a visit that is not the plan's keeps what the file says was paid.

        So a file of several insurances goes through one plan after the other.
        """
        results = run.frame.select(RESULT_COLUMNS)
        other = pl.col("benefit_reason") == _OUT_OF_PLAN
        for name in _WORKED_OUT:
            reported = f"{name}_input"
            if reported in run.frame.columns:
                fen = read_yuan(run.frame[reported]).cast(pl.Decimal(18, 2))
                kept = (fen * _CENT).cast(results.schema[name]).alias("kept")
                results = results.with_columns(kept).with_columns(
                    pl.when(other).then("kept").otherwise(name).alias(name)
                ).drop("kept")  # fmt: skip
        return results

    @contextmanager
    def _sheets(self, run: BenefitRun, columns: ClaimColumns, stop: Event) -> Iterator[int]:
        if self.sheets is None:
            yield 0
            return
        with draft_folder(self.sheets) as draft:
            yield write_sheets(
                draft, self.plan, run, columns, lang=self.lang, look=lambda: leave_if(stop)
            )

    def _rows(self, results: pl.DataFrame, stop: Event) -> Iterator[pl.DataFrame]:
        done, names = 0, self._names(results)
        for batch in stoppable(self.source.batches(self.size), stop):
            part = results.slice(done, batch.height)
            yield batch.rename(names).hstack(part)
            done += batch.height
            self._tell(self.source.rows + done)

    def _schema(self, results: pl.DataFrame) -> pl.Schema:
        names = self._names(results)
        own = {names.get(name, name): dtype for name, dtype in self.source.schema.items()}
        return pl.Schema(own | dict(results.schema))

    def _names(self, results: pl.DataFrame) -> dict[str, str]:
        """New names of columns that a result takes the name or the place of."""
        scalars = self.source.columns.scalars
        feeding = {scalars[field] for field in _WORKED_OUT if field in scalars}
        own = list(self.source.schema)
        return rename_clashing(own, [*results.columns, *feeding])

    def _tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, 2 * self.source.rows)

    def _provenance(self) -> dict[str, str]:
        return {
            "drg.version": drg.__version__,
            "drg.plan": self.plan.id,
            "drg.plan_digest": self.plan.digest,
            "drg.input": self.source.path.name,
        }


def _refuse_faults(run: BenefitRun, columns: ClaimColumns, where: str) -> None:
    """Hold every settled visit to its sum before anything is written."""
    parts = pl.sum_horizontal(*(f"{kind}_paid" for kind in LAYERS), "patient_paid")
    fen = run.frame.select((parts * 100).cast(pl.Int64)).to_series()
    total = pl.Series(ClaimArrays(run.frame, columns).money("total_cost").fen)
    wrong = (fen != total) & run.frame["fund_paid"].is_not_null()
    if wrong.any():
        raise BenefitError("B442", where=where, row=int(wrong.arg_max() or 0) + 1)


def read_visits(
    source: ClaimSource, hospitals: str | Path | None
) -> tuple[pl.DataFrame, ClaimColumns]:
    """The columns that benefits ask for, whole; levels of the register where claims have none.

    Raises
    ------
    InputError
        The file is damaged (F1xx).
    SettlementError
        The register cannot be used.
    """
    scalars = {name: source.columns.scalars[name] for name in FIELDS
               if name in source.columns.scalars}  # fmt: skip
    frame = source.cells([*dict.fromkeys(scalars.values())])
    if hospitals is not None and "hospital_id" in scalars:
        frame = _with_levels(frame, scalars, read_hospitals(hospitals))
        scalars["hospital_level"] = _LEVEL
    return frame, ClaimColumns(scalars, (), False)


def _with_levels(
    frame: pl.DataFrame, scalars: Mapping[str, str], register: pl.DataFrame
) -> pl.DataFrame:
    """A column of levels: the claim's own, else that of its hospital in the register."""
    level = scalars.get("hospital_level", "")
    own = pl.lit(None, pl.String)
    if level:
        spelled = frame[level].cast(pl.String).unique().drop_nulls().to_list()
        if level.casefold() in LEVEL_CODE_COLUMNS:
            meant = {text: level_of(text, codes=True) or None for text in spelled}
        else:  # as the claim spells it, for the settlement sheet tells it
            meant = {text: text if level_of(text) else None for text in spelled}
        own = pl.col(level).cast(pl.String).replace_strict(meant, return_dtype=pl.String)
    hospital = pl.col(scalars["hospital_id"]).cast(pl.String).str.strip_chars()
    known = dict(register.select("hospital_id", "level").iter_rows())
    of_hospital = hospital.replace_strict(known, default=None, return_dtype=pl.String)
    return frame.with_columns(pl.coalesce(own, of_hospital).alias(_LEVEL))


def visit_keys(frame: pl.DataFrame, columns: ClaimColumns) -> pl.DataFrame:
    """Year, person and id of every row; null where not known."""
    claims = ClaimArrays(frame, columns)
    days = claims.column("discharged_on")
    year = pl.Series("year", [None] * frame.height, dtype=pl.Int32)
    if days is not None:
        year = read_days(days).dt.year().cast(pl.Int32).alias("year")
    return pl.DataFrame([year, claims.patients, claims.ids])
