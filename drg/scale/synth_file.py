"""Made-up claims into a file, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl

from drg.claims.frame import schema
from drg.claims.synth import synth_batches
from drg.claims.writers import output_suffix, write_frames
from drg.dates import Interval, Month
from drg.dip.catalogue import catalogue_folder, load_catalogue
from drg.dip.synth import synth_batches as dip_batches
from drg.scale.group_file import Progress, interruptible, stoppable
from drg.schemes.catalog import load_scheme

__all__ = ["synth_file"]

_BATCH = 100_000
_USUAL = date(2025, 6, 1)


def synth_file(
    scheme: str | Path,
    n: int,
    seed: int,
    out: str | Path,
    *,
    month: Month | None = None,
    months: int = 1,
    expected: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write ``n`` claims made for a scheme or a DIP catalogue to a file, all or nothing.

    Unless told otherwise they are discharged in June 2025 if the scheme was in force then or its
    dates are unknown, else in the first whole month in which it was.

    Parameters
    ----------
    scheme : str or Path
        Id or folder of a scheme or a catalogue.
    n, seed : int
        As for ``drg.synth``.
    out : str or Path
        ``.csv``, ``.tsv``, ``.parquet`` or ``.xlsx``.
    month : Month, optional
        First month of discharge.
    months : int, optional
        Months of discharge from that one on.
    expected : bool, optional
        Add the column ``expected_group``: the group of the catalogue that a claim was drawn for.
    progress : callable, optional
        Called after each batch with the claims done and in all.

    Raises
    ------
    SchemeError, TableError
        The scheme or catalogue cannot be loaded.
    DipError
        D460: no group of the catalogue can be reached.
    ValueError
        ``expected`` and no DIP catalogue.
    InputError
        F2xx: the output cannot be written.
    """
    output_suffix(out)
    batches = _batches_of(scheme, n, seed, month, months, expected)
    columns = schema() | ({"expected_group": pl.String()} if expected else {})

    def counted(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        done = 0
        for frame in frames:
            yield frame
            done += frame.height
            if progress is not None:
                progress(done, n)

    def work(stop: Event) -> None:
        write_frames(out, counted(stoppable(batches, stop)), schema=pl.Schema(columns))

    interruptible(work)


def _batches_of(
    scheme: str | Path, n: int, seed: int, month: Month | None, months: int, expected: bool
) -> Iterator[pl.DataFrame]:
    if catalogue_folder(scheme) is not None:
        catalogue = load_catalogue(scheme)
        first = month or _month_in_force(catalogue.header)
        return dip_batches(
            catalogue, n, seed, _BATCH, month=str(first), months=months, with_group=expected
        )
    if expected:
        raise ValueError("only claims of a DIP catalogue are drawn for a group each")
    loaded = load_scheme(scheme)
    first = month or _month_in_force(loaded.header)
    return synth_batches(loaded, n, seed, batch=_BATCH, month=str(first), months=months)


def _month_in_force(header: Mapping[str, Any]) -> Month:
    days = header.get("in_force")
    force = Interval.parse(days) if isinstance(days, list) else Interval()
    first = _USUAL
    if first not in force and force.start is not None:
        first = force.start
        if first.day > 1:
            first = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
    return Month.of(first)
