"""Grouping in a worker of Spark or Ray: the scheme loaded once a process, held to the driver's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.dip.load import load_grouper
from drg.errors import SchemeError
from drg.payment.weights import Weights
from drg.scale import RunError
from drg.scale.arrow import frame_of, joined, plain

if TYPE_CHECKING:
    import pyarrow as pa

    from drg.claims.profiles import ClaimColumns
    from drg.grouping.base import ClaimGrouper

__all__ = ["GroupWork", "check_package", "load_work"]

#: Schemes that a worker keeps: a job has one, seldom a few.
_KEPT = 4


@dataclass(frozen=True)
class GroupWork:
    """What a worker does with its claims; the driver makes one and it is carried there.

    Attributes
    ----------
    scheme : str
        Id, place or folder; a folder must lie on every machine under this path.
    compat, codes : str or None
    weights : str or None
        Id, place or file of weights.
    columns : ClaimColumns
    package, digest, weights_digest : str
        Version, and what the driver's tables come to.
    """

    scheme: str
    compat: str | None
    codes: str | None
    weights: str | None
    columns: ClaimColumns
    package: str = drg.__version__
    digest: str = ""
    weights_digest: str = ""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches with the columns of grouping; for ``mapInArrow``."""
        for batch in batches:
            yield joined(batch, self.grouped(frame_of(batch)))

    def grouped(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``group_frame`` of some claims, and their weights, Enums as text.

        Raises
        ------
        RunError
            C261, C262: this machine has another package or other tables than the driver.
        """
        check_package(self.package)
        grouper = _grouper(self.scheme, self.compat, self.codes)
        _check_digest(self.scheme, grouper.digest, self.digest)
        # A task has one core; more tasks, not more threads, use the others.
        grouped = grouper.group_frame(frame, self.columns, threads=1)
        if self.weights is not None:
            weights = _weights(self.weights)
            _check_digest(self.weights, weights.digest, self.weights_digest)
            grouped = weights.add(grouped, self.columns)
        return plain(grouped)


def load_work(
    scheme: str,
    compat: str | None,
    codes: str | None,
    weights: str | None,
    columns: ClaimColumns,
) -> GroupWork:
    """What workers are to do, with the digests of this machine's tables.

    Raises
    ------
    SchemeError, TableError
        As ``load_grouper`` and ``Weights.load``; S121: weights with a DIP catalogue.
    """
    grouper = _grouper(scheme, compat, codes)
    if weights is not None and grouper.kind == "dip":
        raise SchemeError("S121", id=grouper.scheme_id)
    held = "" if weights is None else _weights(weights).digest
    return GroupWork(
        scheme, compat, codes, weights, columns, digest=grouper.digest, weights_digest=held
    )


def check_package(package: str) -> None:
    """Refuse to work for a driver with another version of this package.

    Raises
    ------
    RunError
        C262.
    """
    if package != drg.__version__:
        raise RunError("C262", found=drg.__version__, wanted=package)


def _check_digest(name: str, found: str, wanted: str) -> None:
    if wanted and found != wanted:
        raise RunError("C261", id=name, found=found[:12], wanted=wanted[:12])


@lru_cache(_KEPT)
def _grouper(scheme: str, compat: str | None, codes: str | None) -> ClaimGrouper:
    return load_grouper(scheme, compat, codes)


@lru_cache(_KEPT)
def _weights(wanted: str) -> Weights:
    return Weights.load(wanted)
