"""Made-up claims into a file, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from threading import Event

import polars as pl

from drg.claims.frame import schema
from drg.claims.synth import synth_batches
from drg.claims.writers import output_suffix, write_frames
from drg.dates import Interval
from drg.scale.group_file import Progress, interruptible, stoppable
from drg.schemes.catalog import load_scheme
from drg.schemes.scheme import Scheme

__all__ = ["synth_file"]

_BATCH = 100_000
_USUAL = date(2025, 6, 1)


def synth_file(
    scheme: str | Path, n: int, seed: int, out: str | Path, *, progress: Progress | None = None
) -> None:
    """Write ``n`` claims made for a scheme to a file, all or nothing.

    They are discharged in June 2025 if the scheme was in force then or its dates are unknown,
    else in the first whole month in which it was.

    Parameters
    ----------
    scheme : str or Path
        Scheme id or folder.
    n, seed : int
        As for ``drg.synth``.
    out : str or Path
        ``.csv``, ``.tsv``, ``.parquet`` or ``.xlsx``.
    progress : callable, optional
        Called after each batch with the claims done and in all.

    Raises
    ------
    SchemeError, TableError
        The scheme cannot be loaded.
    InputError
        F2xx: the output cannot be written.
    """
    output_suffix(out)
    loaded = load_scheme(scheme)
    batches = synth_batches(loaded, n, seed, batch=_BATCH, month=_month_in_force(loaded))

    def counted(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        done = 0
        for frame in frames:
            yield frame
            done += frame.height
            if progress is not None:
                progress(done, n)

    def work(stop: Event) -> None:
        write_frames(out, counted(stoppable(batches, stop)), schema=schema())

    interruptible(work)


def _month_in_force(scheme: Scheme) -> str:
    days = scheme.header.get("in_force")
    force = Interval.parse(days) if isinstance(days, list) else Interval()
    first = _USUAL
    if first not in force and force.start is not None:
        first = force.start
        if first.day > 1:
            first = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
    return f"{first:%Y-%m}"
