"""Group a file of claims into another file: streaming, all cores, all or nothing.

Shape: batches from the reader, grouped by the kernel's threads, handed to the writer one frame
ahead; measured, this costs the same CPU as a LazyFrame with ``map_batches`` into a sink (most of
it is reading and writing), in flat memory. The work runs beside the calling thread, because
polars would hold back a SIGTERM until the whole file is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from drg.claims.input_files import InputFile, input_files, is_many
from drg.claims.readers import open_claims
from drg.claims.writers import output_suffix
from drg.scale import RunError
from drg.scale.group_work import GroupCount, GroupWork, summary_of
from drg.scale.group_write import Opened

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.payment.weights import Weights
    from drg.scale.summary import Summary

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
    claims: str | Path | Sequence[InputFile],
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
    claims : str, Path or sequence of InputFile
        A file (CSV, TSV, also ``.gz``, Parquet, XLSX, settlement lists), or as many as a folder, a
        pattern or ``drg.claims.input_files`` name, one after the other.
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
    out_path = Path(out_path)
    suffix = output_suffix(out_path)
    source_path = Path(claims) if isinstance(claims, str | Path) else claims[0].path
    if isinstance(claims, str | Path) and is_many(claims):
        claims = input_files(claims)
    read = [] if isinstance(claims, str | Path) else [file.path for file in claims]
    tables = weights.tables if weights is not None else ()
    for path in (source_path, *read, *(table.file for table in tables)):
        refuse_same(path, out_path)
    size = _XLSX_BATCH if suffix == ".xlsx" else _BATCH
    started = time.perf_counter()
    work = GroupWork(grouper, weights)
    count = GroupCount(work)
    with open_claims(claims, sheet=sheet) as source:
        opened = Opened(source, work)
        cut = opened.whole()

        def written(stop: Event) -> int:
            frames = _told(stoppable(opened.frames(cut, size), stop), source.rows, progress)
            return opened.write(
                out_path, frames, count,
                metadata=work.provenance(source_path.name), threads=threads,
            )  # fmt: skip

        interruptible(written)
    seconds = time.perf_counter() - started
    return summary_of(work, count.counts(), source_path, out_path, seconds)


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


def _told(
    frames: Iterator[pl.DataFrame], rows: int, progress: Progress | None
) -> Iterator[pl.DataFrame]:
    """The frames; when the next is asked for, the last is done."""
    done = 0
    for frame in frames:
        yield frame
        done += frame.height
        if progress is not None:
            progress(done, rows)
