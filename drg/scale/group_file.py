"""Group a file of claims into another file: streaming, all cores, all or nothing.

Shape: batches from the reader, grouped by the kernel's threads, handed to the writer one frame
ahead; measured, this costs the same CPU as a LazyFrame with ``map_batches`` into a sink (most of
it is reading and writing), in flat memory. The work runs beside the calling thread, because
polars would hold back a SIGTERM until the whole file is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import polars as pl

import drg
from drg.claims.frame import rename_clashing
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.writers import output_suffix, write_frames
from drg.dip.grouper import DipGrouper
from drg.errors import SchemeError
from drg.scale import RunError
from drg.scale.dip_words import DipTally
from drg.scale.summary import Summary, Tally
from drg.scale.weight_words import WeightSummary

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.base import ClaimGrouper
    from drg.payment.weights import Weights

__all__ = [
    "Progress", "group_file", "interruptible", "leave_if", "one_ahead", "refuse_same", "stoppable",
]  # fmt: skip

#: Called with the claims done and the claims in all.
Progress = Callable[[int, int], None]
T = TypeVar("T")

_BATCH = 50_000
#: A sheet is filled cell by cell: smaller steps let the bar move and a stop be noticed.
_XLSX_BATCH = 5_000
#: Seconds between looks for a signal.
_LOOK = 0.2


class _Stopped(Exception):
    """The caller was interrupted; the worker is to clean up and end."""


def group_file(
    grouper: ClaimGrouper,
    source_path: str | Path,
    out_path: str | Path,
    *,
    sheet: str | int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    weights: Weights | None = None,
) -> Summary:
    """Group every claim of a file.

    Parameters
    ----------
    grouper : ClaimGrouper
        Decides.
    source_path : str or Path
        Claims: CSV, TSV (also ``.gz``), Parquet or XLSX.
    out_path : str or Path
        Result: ``.csv``, ``.tsv``, ``.parquet`` or ``.xlsx``. An existing file is replaced, in
        one step, when the run has ended well; on any error or interrupt it stays as it was.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0; the first when omitted.
    threads : int, optional
        Threads of the kernel; one a core when omitted.
    progress : callable, optional
        Called after each batch, from another thread, with the claims done and in all.
    weights : Weights, optional
        Adds weight and standard to every grouped claim.

    Returns
    -------
    Summary
        Counts. The file has the input's rows in the input's order: the input's columns as they
        are (one whose name a result takes is called ``<name>_input``), then the result columns.
        Parquet and XLSX carry the provenance: package version, scheme, digest, overlay, input name,
        and where the day of discharge chose the version, the versions' days.

    Raises
    ------
    InputError
        The input cannot be read (F1xx) or the output not be written (F2xx).
    RunError
        C201: the output is the input.
    SchemeError
        S121: weights with a DIP catalogue, which has its own scores.
    """
    source_path, out_path = Path(source_path), Path(out_path)
    suffix = output_suffix(out_path)
    refuse_same(source_path, out_path)
    for table in weights.tables if weights is not None else ():
        refuse_same(table.file, out_path)
    if weights is not None and grouper.kind == "dip":
        raise SchemeError("S121", id=grouper.scheme_id)
    size = _XLSX_BATCH if suffix == ".xlsx" else _BATCH
    started = time.perf_counter()
    tally = Tally(by_version=bool(grouper.versions))
    dip = DipTally(grouper) if isinstance(grouper, DipGrouper) else None
    add_weights = None if weights is None else _AddWeights(weights)
    with open_claims(source_path, sheet=sheet) as source:

        def work(stop: Event) -> None:
            batches = stoppable(source.batches(size), stop)
            write_frames(
                out_path,
                _grouped(grouper, batches, source, threads, (tally, dip), progress, add_weights),
                schema=_schema(grouper, source, weights),
                metadata=_provenance(grouper, source_path, weights),
            )

        interruptible(work)
    seconds = time.perf_counter() - started
    weighed = None if add_weights is None else add_weights.summary()
    scored = None if dip is None else dip.summary()
    return Summary.of_run(grouper, source_path, out_path, seconds, tally, weighed, scored)


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same, the next one made beside the caller while it is at work on the last."""
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(next, items, None)
        while (item := ahead.result()) is not None:
            ahead = pool.submit(next, items, None)
            yield item


def refuse_same(source: Path, out: Path) -> None:
    """Refuse to write over the file that is being read.

    Raises
    ------
    RunError
        C201.
    """
    if out.exists() and source.exists() and out.samefile(source):
        raise RunError("C201", where=str(out))


def interruptible(work: Callable[[Event], T]) -> T:
    """Run ``work`` beside the calling thread, so that Ctrl-C and SIGTERM are heard meanwhile.

    Parameters
    ----------
    work : callable
        Gets an event that is set when the caller is interrupted; it then ends soon, by passing
        its batches through ``stoppable``. Whatever it has begun is undone before the interrupt
        goes on.
    """
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        # The context goes along: the language of messages is part of it.
        future = pool.submit(copy_context().run, work, stop)
        try:
            while not wait([future], _LOOK).done:
                pass
        except BaseException:
            stop.set()
            raise
        return future.result()


def stoppable(frames: Iterator[pl.DataFrame], stop: Event) -> Iterator[pl.DataFrame]:
    """The frames, until ``stop`` is set."""
    for frame in frames:
        leave_if(stop)
        yield frame


def leave_if(stop: Event) -> None:
    """End the work here if ``stop`` is set."""
    if stop.is_set():
        raise _Stopped


class _AddWeights:
    """Weighs frame after frame and counts."""

    def __init__(self, weights: Weights) -> None:
        from drg.payment.weight_kinds import WeightTally

        self.weights = weights
        self.tally = WeightTally()

    def __call__(self, frame: pl.DataFrame, columns: ClaimColumns) -> pl.DataFrame:
        return self.weights.weigh(frame, columns, self.tally)

    def summary(self) -> WeightSummary:
        return WeightSummary(self.weights, self.tally.totals())


def _grouped(
    grouper: ClaimGrouper,
    batches: Iterator[pl.DataFrame],
    source: ClaimSource,
    threads: int | None,
    tallies: tuple[Tally, DipTally | None],
    progress: Progress | None,
    add_weights: _AddWeights | None,
) -> Iterator[pl.DataFrame]:
    tally, dip = tallies
    for batch in batches:
        frame = grouper.group_frame(batch, source.columns, threads=threads)
        if dip is not None:
            dip.add(batch, source.columns, frame)
        if add_weights is not None:
            frame = add_weights(frame, source.columns)
        tally.add(frame)
        yield frame
        if progress is not None:
            progress(tally.rows, source.rows)


def _schema(grouper: ClaimGrouper, source: ClaimSource, weights: Weights | None) -> pl.Schema:
    names = rename_clashing(source.schema, list(grouper.result_schema))
    own = {names.get(name, name): dtype for name, dtype in source.schema.items()}
    grouped = pl.Schema(own | grouper.result_schema)
    return weights.schema(grouped) if weights is not None else grouped


def _provenance(grouper: ClaimGrouper, source: Path, weights: Weights | None) -> dict[str, str]:
    """Where a result comes from: enough to make it again."""
    told = {
        "drg.version": drg.__version__,
        **grouper.provenance,
        "drg.input": source.name,
    }
    if weights is not None:
        told |= {"drg.weights": weights.id, "drg.weights_digest": weights.digest}
    return told
