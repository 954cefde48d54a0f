"""Relative weights from a file of claims: group them, keep group, cost and year, compute, write.

Only those three columns are kept of a claim. Claims that cannot count are counted by kind.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.claims.days import read_days
from drg.claims.profiles import ClaimColumns
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.writers import output_suffix
from drg.grouping.result import Outcome
from drg.money import PLACES, read_fen
from drg.payment.costs import CostHistory
from drg.payment.history import HistoryError, WeightStudy, relative_weights
from drg.payment.spread import Trim
from drg.payment.weight_table import load_weight_table
from drg.scale.group_file import Progress, interruptible, refuse_same, stoppable

if TYPE_CHECKING:
    from drg.grouping.grouper import Grouper

__all__ = ["WeightsRun", "read_year_weights", "weights_file"]

_RATIO = re.compile(r"[0-9]{1,6}(?::[0-9]{1,6})+")
_NAMED = re.compile(r"[0-9]{4}:[0-9]{1,6}(?:,[0-9]{4}:[0-9]{1,6})*")


@dataclass(frozen=True, slots=True)
class WeightsRun:
    """What a run of ``weights_file`` found and left aside.

    Attributes
    ----------
    grouper : Grouper
        The scheme the history was grouped by.
    study : WeightStudy
    source, output : Path
        As the caller named them.
    seconds : float
    claims : int
        Claims read.
    aside : mapping of str to int
        Why claims did not count: an ``Outcome`` other than GROUPED, ``no_cost``, ``bad_cost``,
        ``zero_cost``, ``negative_cost``, ``no_year``, ``other_year``. With the cases of the study
        they are all claims.
    rounded : int
        Costs that had parts of a fen, rounded half up.
    trim : Trim
    min_cases, places : int
    year_weights : mapping of int to int or None
    """

    grouper: Grouper
    study: WeightStudy
    source: Path
    output: Path
    seconds: float
    claims: int
    aside: Mapping[str, int]
    rounded: int
    trim: Trim
    min_cases: int
    places: int
    year_weights: Mapping[int, int] | None


def weights_file(
    grouper: Grouper,
    source_path: str | Path,
    out_path: str | Path,
    *,
    trim: str = "2.5,97.5",
    min_cases: int = 5,
    years: str | None = None,
    places: int = PLACES,
    adjust: str | Path | None = None,
    keep_total: bool = True,
    sheet: str | int | None = None,
    progress: Progress | None = None,
) -> WeightsRun:
    """Compute relative weights from a file of claims.

    Parameters
    ----------
    grouper : Grouper
        Groups the whole history alike.
    source_path : str or Path
        Claims with ``total_cost``; with ``years`` also ``discharged_on``.
    out_path : str or Path
        ``.csv``, ``.tsv``, ``.parquet``: one row a group; ``.xlsx``: further sheets. Written all
        or nothing; usable at once as a table of weights.
    trim : str, optional
        ``"2.5,97.5"``, ``"iqr"`` or ``"none"`` (``Trim.parse``).
    min_cases : int, optional
        A group with fewer cases gets no weight.
    years : str, optional
        ``"1:2:7"``: weights of the discharge years found, the earliest first; or
        ``"2022:1,2023:2,2024:7"``, which leaves claims of other years aside.
    places : int, optional
        Decimal places, 4 at the most.
    adjust : str or Path, optional
        Table of groups whose weight is set (columns group and weight).
    keep_total : bool, optional
        Scale the adjusted weights to the total they had before.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    progress : callable, optional
        Called after each batch with the claims done and in all.

    Raises
    ------
    InputError, RunError
        As ``group_file``.
    HistoryError
        W403 ``years`` cannot be read, W405 no column of costs, W406 no claim that counts, W407 the
        years found are not as many as their weights, W408 an adjusted group is not in the scheme,
        W409 no column of discharge dates.
    TrimError
        W402 ``trim`` cannot be read.
    TableError
        T171-T184: the table of adjustments is broken.
    """
    from drg.scale.weights_report import write_weights

    source_path, out_path = Path(source_path), Path(out_path)
    output_suffix(out_path)
    refuse_same(source_path, out_path)
    if adjust is not None:
        refuse_same(Path(adjust), out_path)
    rule = Trim.parse(trim)
    named = None if years is None else read_year_weights(years)
    changed = {} if adjust is None else _adjustments(adjust)
    started = time.perf_counter()
    with open_claims(source_path, sheet=sheet) as source:
        _need(source, years is not None)
        collected = interruptible(
            lambda stop: _collect(grouper, source, years is not None, stop, progress)
        )
        claims = source.rows
    weights = None if named is None else _weights_of_years(named, collected.history)
    if weights is not None:
        collected.keep_years(weights)
    study = relative_weights(
        collected.history,
        trim=rule,
        min_cases=min_cases,
        year_weights=weights,
        places=places,
        adjust=changed,
        keep_total=keep_total,
        adrg_of={row.drg: row.adrg for row in grouper.scheme.drgs},
    )
    run = WeightsRun(
        grouper=grouper,
        study=study,
        source=source_path,
        output=out_path,
        seconds=time.perf_counter() - started,
        claims=claims,
        aside=dict(collected.aside),
        rounded=collected.rounded.total(),
        trim=rule,
        min_cases=min_cases,
        places=places,
        year_weights=weights,
    )
    write_weights(run, {"drg.version": drg.__version__, **grouper.provenance})
    return run


def read_year_weights(text: str) -> list[int] | dict[int, int]:
    """Weights of years: ``"1:2:7"`` as a list, ``"2023:3,2024:7"`` by year.

    Raises
    ------
    HistoryError
        W403.
    """
    clean = text.replace(" ", "")
    if _NAMED.fullmatch(clean):
        pairs = [(int(part[:4]), int(part[5:])) for part in clean.split(",")]
        by_year = dict(pairs)
        if len(by_year) == len(pairs) and all(by_year.values()):
            return by_year
    elif _RATIO.fullmatch(clean):
        weights = [int(part) for part in clean.split(":")]
        if all(weights):
            return weights
    raise HistoryError("W403", text=text)


class _Collected:
    """Cases that count, and why others do not."""

    def __init__(self, groups: list[str]) -> None:
        self.history = CostHistory(groups)
        self.aside: Counter[str] = Counter()
        #: Discharge year to cases whose cost had parts of a fen.
        self.rounded: Counter[int] = Counter()

    def keep_years(self, weights: Mapping[int, int]) -> None:
        """Leave the cases of other years aside."""
        self.aside["other_year"] += self.history.keep_years(weights)
        self.rounded = Counter({year: n for year, n in self.rounded.items() if year in weights})


def _collect(
    grouper: Grouper, source: ClaimSource, years: bool, stop: Event, progress: Progress | None
) -> _Collected:
    collected = _Collected(list(dict.fromkeys(row.drg for row in grouper.scheme.drgs)))
    done = 0
    for batch in stoppable(source.batches(), stop):
        results = grouper.results_frame(batch, source.columns)
        _add(collected, batch, results, source.columns, years)
        done += batch.height
        if progress is not None:
            progress(done, source.rows)
    return collected


def _add(
    collected: _Collected,
    batch: pl.DataFrame,
    results: pl.DataFrame,
    columns: ClaimColumns,
    years: bool,
) -> None:
    """Sort one batch into cases that count and the rest."""
    cost = read_fen(batch[columns.scalars["total_cost"]])
    year = (
        read_days(batch[columns.scalars["discharged_on"]]).dt.year().cast(pl.Int16)
        if years
        else pl.zeros(batch.height, pl.Int16, eager=True)
    )
    frame = pl.DataFrame(
        {
            "outcome": results["outcome"].cast(pl.String),
            "group": results["group"].cast(pl.String),
            "fen": cost.fen,
            "bad": cost.unreadable,
            "rounded": cost.rounded,
            "year": year,
        }
    )
    fen = pl.col("fen")
    why = (
        pl.when(pl.col("outcome") != Outcome.GROUPED.value)
        .then(pl.col("outcome"))
        .when(pl.col("bad"))
        .then(pl.lit("bad_cost"))
        .when(fen.is_null())
        .then(pl.lit("no_cost"))
        .when(fen == 0)
        .then(pl.lit("zero_cost"))
        .when(fen < 0)
        .then(pl.lit("negative_cost"))
        .when(pl.col("year").is_null())
        .then(pl.lit("no_year"))
    )
    frame = frame.with_columns(why.alias("why"))
    collected.aside.update(dict(frame["why"].drop_nulls().value_counts().iter_rows()))
    used = frame.filter(pl.col("why").is_null())
    collected.rounded.update(used.filter("rounded")["year"].to_list())
    places = collected.history.places(used["group"].unique().sort().to_list())
    place = used["group"].replace_strict(places, return_dtype=pl.UInt16)
    collected.history.add(place.to_numpy(), used["fen"].to_numpy(), used["year"].to_numpy())


def _need(source: ClaimSource, years: bool) -> None:
    where = str(source.path)
    found = ", ".join(source.schema.names()[:12])
    if "total_cost" not in source.columns.scalars:
        raise HistoryError("W405", where=where, found=found)
    if years and "discharged_on" not in source.columns.scalars:
        raise HistoryError("W409", where=where, found=found)


def _weights_of_years(named: list[int] | dict[int, int], history: CostHistory) -> dict[int, int]:
    """Weight of each discharge year."""
    if isinstance(named, dict):
        return named
    found = history.years
    if len(found) != len(named):
        told = ", ".join(f"{year} ({count:,})" for year, count in found.items()) or "—"
        raise HistoryError("W407", years=told, wanted=len(named))
    return dict(zip(found, named, strict=True))


def _adjustments(path: str | Path) -> dict[str, Fraction]:
    table = load_weight_table(path)
    return {group: Fraction(weight, 10**PLACES) for group, weight in table.weights.items()}
