"""Made-up claims into a file, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl

from drg.claims.frame import schema
from drg.claims.synth import synth_batches
from drg.claims.synth_audit import ITEM_SCHEMA, Made, list_schema, with_lists
from drg.claims.writers import output_suffix, write_frames
from drg.dates import Interval, Month
from drg.dip.catalogue import catalogue_folder, load_catalogue
from drg.dip.synth import synth_batches as dip_batches
from drg.scale import RunError
from drg.scale.group_file import Progress, interruptible, stoppable
from drg.schemes.catalog import load_scheme

__all__ = ["SynthLists", "synth_file"]

_BATCH = 100_000
#: Claims whose charges are made at once: some seventy rows each.
_LIST_BATCH = 20_000
_USUAL = date(2025, 6, 1)


@dataclass(frozen=True, kw_only=True)
class SynthLists:
    """Settlement lists instead of plain claims.

    Attributes
    ----------
    items : Path or None
        Gets the charges; None: they only make up the sums of the lists.
    defects : float
        Share of claims that carry an audit defect.
    labels : bool
        Add the column ``audit_defect``.
    """

    items: Path | None = None
    defects: float = 0.0
    labels: bool = False

    def of(self, claims: pl.DataFrame, first: int, seed: int) -> Made:
        """The lists of these claims, the first of which has this number."""
        parts = [
            with_lists(
                part, seed, first + n * _LIST_BATCH, defects=self.defects, labels=self.labels
            )
            for n, part in enumerate(claims.iter_slices(_LIST_BATCH))
        ]
        return Made(*(pl.concat(frames) for frames in zip(*parts, strict=True)))


def synth_file(
    scheme: str | Path,
    n: int,
    seed: int,
    out: str | Path,
    *,
    month: Month | None = None,
    months: int = 1,
    expected: bool = False,
    lists: SynthLists | None = None,
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
    lists : SynthLists, optional
        Make whole settlement lists, with charges and audit defects.
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
    RunError
        C201: one file is to hold both claims and charges.
    """
    output_suffix(out)
    columns = schema() | ({"expected_group": pl.String()} if expected else {})
    if lists is not None:
        columns = pl.Schema({**columns, **list_schema()})
        columns |= {"audit_defect": pl.String()} if lists.labels else {}
        if lists.items is not None:
            output_suffix(lists.items)
            if Path(out).resolve() == lists.items.resolve():
                raise RunError("C201", where=str(out))

    def claims() -> Iterator[pl.DataFrame]:
        return _batches_of(scheme, n, seed, month, months, expected)

    def counted(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        done = 0
        for frame in frames:
            yield frame
            done += frame.height
            if progress is not None:
                progress(done, n)

    def work(stop: Event) -> None:
        if lists is None:
            write_frames(out, counted(stoppable(claims(), stop)), schema=columns)
            return
        made = (lists.of(batch, first, seed).claims for first, batch in _numbered(claims()))
        write_frames(out, counted(stoppable(made, stop)), schema=columns)
        if lists.items is not None:  # made once more: both files in one go would not be flat
            charges = (lists.of(batch, first, seed).items for first, batch in _numbered(claims()))
            write_frames(lists.items, stoppable(charges, stop), schema=ITEM_SCHEMA)

    interruptible(work)


def _numbered(batches: Iterator[pl.DataFrame]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Batches with the number of their first claim."""
    first = 0
    for batch in batches:
        yield first, batch
        first += batch.height


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
