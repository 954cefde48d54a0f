"""Peers of claims: groups as numbers, their percentiles, conditions of which all must hold.

Peers are the claims of one group in the reference that a run is given, else in the run itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from drg.audit.evidence import either
from drg.audit.indicators import group_percentile
from drg.audit.kind import Whole
from drg.audit.model import Verdict
from drg.audit.told import lacking, number_text, worded, yuan_text
from drg.claims.items import read_scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = [
    "PEERS", "Groups", "all_of", "among", "filled", "groups_of", "peer_verdict", "percentiles",
    "stay_lengths", "weights_of",
]  # fmt: skip

#: What is missing where a group has too few claims to compare with.
PEERS = "audit_findings.peers"


class Groups(NamedTuple):
    """Groups of claims as numbers: of the run, and of the claims that are the peers."""

    names: list[str]
    own: Ints
    peers: pl.DataFrame
    peer_groups: Ints


def groups_of(claims: Whole, column: str = "group") -> Groups:
    """Numbers of the groups; ``len(names)`` where a claim is not grouped or has none."""
    return claims.once(f"groups {column}", lambda: _read_groups(claims, column))


def _read_groups(claims: Whole, column: str) -> Groups:
    frame = claims.frame
    peers = frame if claims.reference is None else claims.reference
    keys = [_keys(part, column) for part in (frame, peers)]
    names = pl.concat(keys).unique().drop_nulls().sort()
    dtype = pl.Enum(names)
    numbers = [
        key.cast(dtype).to_physical().cast(pl.Int64).fill_null(len(names)).to_numpy()
        for key in keys
    ]
    return Groups(names.to_list(), numbers[0], peers, numbers[1])


def stay_lengths(claims: Whole, *, peers: bool = False) -> pl.Series:
    """Days of each stay by its dates, else as reported; null: neither."""
    frame = claims.reference if peers else None
    name = "days of the run" if frame is None else "days of the reference"
    used = claims.frame if frame is None else frame
    return claims.once(name, lambda: _days_of(used))


def _days_of(frame: pl.DataFrame) -> pl.Series:
    dated = (pl.col("discharged_on").cast(pl.Date) - pl.col("admitted_on").cast(pl.Date)).dt
    by_dates = pl.when(dated.total_days() >= 0).then(dated.total_days().clip(1))
    reported = pl.when(pl.col("los_days").cast(pl.Int64) >= 0).then(pl.col("los_days").clip(1))
    return frame.select(los=pl.coalesce(by_dates, reported.cast(pl.Int64)))["los"]


def _keys(frame: pl.DataFrame, column: str) -> pl.Series:
    keys = frame[column].cast(pl.String)
    if "outcome" in frame.columns and frame["outcome"].dtype != pl.Null:
        keys = keys.set((frame["outcome"].cast(pl.String) != "GROUPED").fill_null(True), None)
    return keys


def percentiles(groups: Groups, values: pl.Series, percent: int, least: int) -> tuple[Ints, Flags]:
    """Percentile of each group and whether it has peers enough; the last entry is no group."""
    count = len(groups.names)
    there = values.is_not_null().to_numpy() & (groups.peer_groups < count)
    limits, sizes = group_percentile(
        values.fill_null(0).to_numpy()[there], groups.peer_groups[there], percent, count
    )
    return np.append(limits, 0), np.append(sizes >= least, False)


def weights_of(claims: Whole, *, reference: bool = False) -> pl.Series:
    """Weights of the claims as Int64 scaled 10⁴; null: not given."""
    frame = claims.reference if reference else None
    name = "weights of the run" if frame is None else "weights of the reference"
    used = claims.frame if frame is None else frame
    return claims.once(name, lambda: _weights(used))


def _weights(frame: pl.DataFrame) -> pl.Series:
    series = frame["weight"]
    if series.dtype == pl.Null:
        return series.cast(pl.Int64)
    return read_scaled(series)


def filled(series: pl.Series) -> tuple[Ints, Flags]:
    """Whole numbers, 0 where not given, and where that is."""
    values: Ints = series.cast(pl.Int64).fill_null(0).to_numpy()
    return values, series.is_null().to_numpy().copy()


def among(frame: pl.DataFrame, name: str, values: tuple[str, ...]) -> tuple[str, Flags, Flags]:
    """A part of ``all_of``: a field holds one of these values."""
    texts = frame[name].cast(pl.String)
    inside = texts.is_in(values).fill_null(False).to_numpy()
    return name, inside, texts.is_null().to_numpy()


def all_of(parts: list[tuple[str, Flags, Flags]]) -> tuple[Flags, dict[str, Flags]]:
    """Where every part holds; and by field where one could still decide and is not known."""
    ruled_out = np.logical_or.reduce([~holds & ~unknown for _, holds, unknown in parts])
    missing: dict[str, Flags] = {}
    for name, _, unknown in parts:
        gone = unknown & ~ruled_out
        missing[name] = missing[name] | gone if name in missing else gone
    anywhere = np.logical_or.reduce([unknown for _, _, unknown in parts])
    return ~ruled_out & ~anywhere, missing


def peer_verdict(hit: Flags, missing: dict[str, Flags], key: str, **words: Any) -> Verdict:
    """A verdict whose wording names numbers of each hit; amounts end in _fen, weights in _e4."""
    rows = np.flatnonzero(hit)
    columns: dict[str, Any] = {"row": rows}
    for name, values in words.items():
        if isinstance(values, Groups):
            columns[name] = [values.names[n] if n < len(values.names) else "—"
                             for n in values.own[rows]]  # fmt: skip
        else:
            columns[name] = values[rows]
    frame = pl.DataFrame(columns)
    for name in list(words):
        if name.endswith("_fen"):
            frame = frame.with_columns(yuan_text(name).alias(name.removesuffix("_fen")))
        elif name.endswith("_e4"):
            frame = frame.with_columns(number_text(name).alias(name.removesuffix("_e4")))
    unknown = np.logical_or.reduce([*missing.values()]) & ~hit
    evidence = either(hit, worded(f"audit_findings.{key}", frame), lacking(missing))
    return Verdict(hit, unknown, evidence)
