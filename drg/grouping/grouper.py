"""Grouper: one scheme, ready to group a claim or a frame. Immutable and thread-safe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, overload

import grouper_core
from drg.errors import SchemeError
from drg.grouping.fields import reader_of
from drg.grouping.result import GroupResult, Outcome
from drg.schemes.cache import load_compiled
from drg.schemes.catalog import SchemeLocation, load_location, locate

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.encode import Encoded
    from drg.grouping.explain import Step
    from drg.grouping.reference import ReferenceGrouper
    from drg.schemes.compiled import Compiled
    from drg.schemes.scheme import Scheme

#: Rows a thread takes at a time; below this a second thread costs more than it brings.
TASK_ROWS = 20_000
SEVERITIES = (None, "NONE", "CC", "MCC")


class ArrowFrame(Protocol):
    """A frame that hands its columns out through Arrow: polars, pandas, pyarrow, duckdb."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Grouper:
    """Groups claims under one scheme.

    Use ``Grouper.load``. A grouper is immutable, may be shared by threads, and pickles as its
    scheme's id and digest: the other side loads its own tables and refuses if they differ.

    Examples
    --------
    >>> import drg
    >>> grouper = drg.Grouper.load("demo")
    >>> grouper.scheme_id
    'demo'
    """

    def __init__(self, location: SchemeLocation, compiled: Compiled, compat: str) -> None:
        self._location = location
        self._compiled = compiled
        self._program = compiled.program()
        self._compat = compat
        self._getters = tuple(reader_of(f, compiled.choices.get(f, ())) for f in compiled.fields)
        self._results: dict[tuple[int, int, int], tuple[Any, ...]] = {}

    @classmethod
    def load(cls, scheme: str | Path, compat: str | None = None) -> Grouper:
        """Load a scheme by id or folder.

        Parameters
        ----------
        scheme : str or Path
            ``"chs-drg-2.0"``, or a folder that holds a ``scheme.toml``.
        compat : str, optional
            Overlay to apply, e.g. ``"opendrg"``.

        Raises
        ------
        SchemeError
            No such scheme or overlay (S101-S104).
        TableError
            A table is broken (T...); the message names file, row, column and mend.
        """
        location = locate(scheme, compat)
        return cls(location, load_compiled(location), compat or "")

    @property
    def scheme_id(self) -> str:
        """Id of the scheme."""
        return self._compiled.id

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the tables, flags and overlay that decide a group."""
        return self._compiled.digest

    @property
    def compat(self) -> str:
        """Name of the overlay, ``""`` for none."""
        return self._compat

    @cached_property
    def scheme(self) -> Scheme:
        """The scheme's tables and rules, read when first asked for."""
        return load_location(self._location)

    @cached_property
    def reference(self) -> ReferenceGrouper:
        """The slow grouper of the same scheme: it interprets the rules and records each step."""
        from drg.grouping.reference import ReferenceGrouper

        return ReferenceGrouper(self.scheme)

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            _unpickle,
            (str(self._location.folder.path), self.scheme_id, self._compat, self.digest),
        )

    def __repr__(self) -> str:
        compat = f", compat={self._compat!r}" if self._compat else ""
        return f"Grouper.load({self.scheme_id!r}{compat})"

    def group(self, claim: Claim) -> GroupResult:
        """Group one claim.

        Parameters
        ----------
        claim : Claim
            Diagnoses and procedures principal first; None is "not reported".

        Returns
        -------
        GroupResult
            Always: trouble in the claim is its outcome and reason.
        """
        scalars = tuple([get(claim) for get in self._getters])
        key = grouper_core.group_one(self._program, claim.diagnoses, claim.procedures, scalars)
        tail = self._results.get(key)
        if tail is None:
            tail = self._results.setdefault(key, self._tail(*key))
        return GroupResult(claim.claim_id, *tail)

    def explain(self, claim: Claim) -> list[Step]:
        """The decision path of one claim, from the reference grouper; each step renders itself."""
        return self.reference.trace(claim)[1]

    @overload
    def group_frame(
        self,
        frame: pl.LazyFrame,
        columns: ClaimColumns | None = None,
        *,
        threads: int | None = None,
    ) -> pl.LazyFrame: ...
    @overload
    def group_frame(
        self, frame: ArrowFrame, columns: ClaimColumns | None = None, *, threads: int | None = None
    ) -> pl.DataFrame: ...
    def group_frame(
        self,
        frame: ArrowFrame | pl.LazyFrame,
        columns: ClaimColumns | None = None,
        *,
        threads: int | None = None,
    ) -> pl.DataFrame | pl.LazyFrame:
        """Group a frame of claims: same rows, same order, result columns added.

        Parameters
        ----------
        frame : polars DataFrame or LazyFrame, or any object with ``__arrow_c_stream__``
            One claim a row (pandas and pyarrow frames come in through Arrow, uncopied where
            polars can share them).
        columns : ClaimColumns, optional
            Which columns feed which field; by default the header profiles decide.
        threads : int, optional
            Threads to use; by default one a core this process may use.

        Returns
        -------
        DataFrame, or LazyFrame for a LazyFrame
            The frame's columns (one whose name a result takes is renamed ``<name>_input``), then
            ``mdc, adrg, group, severity, outcome, reason, group_name`` as Enum. A LazyFrame is
            grouped batch by batch when it is collected or sunk.

        Raises
        ------
        InputError
            The frame has no column of diagnoses.
        """
        import polars as pl

        if isinstance(frame, pl.LazyFrame):
            return self._group_lazy(frame, columns, threads)
        if not isinstance(frame, pl.DataFrame):
            frame = pl.DataFrame(frame)
        from drg.claims.frame import rename_clashing

        results = self.results_frame(frame, columns, threads=threads)
        return frame.rename(rename_clashing(frame.columns)).hstack(results)

    def results_frame(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns | None = None,
        *,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Only the result columns of ``group_frame``, one row a claim, in order."""
        import numpy as np

        from drg.claims.profiles import match_columns
        from drg.grouping.encode import encode

        columns = columns or match_columns(frame.columns, dict(frame.schema))
        encoded = encode(frame, columns, self._compiled)
        leaf = np.empty(encoded.rows, np.uint16)
        severity = np.empty(encoded.rows, np.uint8)
        reason = np.empty(encoded.rows, np.uint16)
        self._run(encoded, threads or _cores(), leaf, severity, reason)
        return self._decode(leaf, severity, reason)

    def _run(
        self,
        encoded: Encoded,
        threads: int,
        leaf: NDArray[np.uint16],
        severity: NDArray[np.uint8],
        reason: NDArray[np.uint16],
    ) -> None:
        def task(job: tuple[grouper_core.ClaimBatch, int, int, int]) -> None:
            grouper_core.group_batch(
                self._program, job[0], encoded.scalars, *job[1:], leaf, severity, reason
            )

        jobs = list(_jobs(encoded, threads))
        if threads == 1 or len(jobs) <= 1:
            for job in jobs:
                task(job)
            return
        # A pool a call: threads of a kept one would be missing after a fork.
        with ThreadPoolExecutor(min(threads, len(jobs))) as pool:
            for _ in pool.map(task, jobs):
                pass

    @cached_property
    def _lookup(self) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
        """Leaf, severity and reason numbers as the text they stand for."""
        import polars as pl

        leaves = self._compiled.leaves
        columns = {
            name: _enum([getattr(leaf, name) for leaf in leaves])
            for name in ("mdc", "adrg", "group", "outcome", "group_name")
        }
        return (
            pl.DataFrame(columns),
            _enum(list(SEVERITIES)),
            _enum([reason or None for reason in self._compiled.reasons]),
        )

    @cached_property
    def result_schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of the result columns, in order."""
        import numpy as np

        none = np.empty(0, np.uint16)
        return dict(self._decode(none, none.astype(np.uint8), none).schema)

    def _decode(
        self, leaf: NDArray[np.uint16], severity: NDArray[np.uint8], reason: NDArray[np.uint16]
    ) -> pl.DataFrame:
        import polars as pl

        leaves, severities, reasons = self._lookup
        named = leaves[pl.Series(leaf).cast(pl.UInt32)]
        severity_names = severities.gather(pl.Series(severity).cast(pl.UInt32))
        reason_codes = reasons.gather(pl.Series(reason).cast(pl.UInt32))
        return named.select(
            "mdc",
            "adrg",
            "group",
            severity_names.alias("severity"),
            "outcome",
            reason_codes.alias("reason"),
            "group_name",
        )

    def _group_lazy(
        self, frame: pl.LazyFrame, columns: ClaimColumns | None, threads: int | None
    ) -> pl.LazyFrame:
        from drg.claims.frame import rename_clashing
        from drg.claims.profiles import match_columns

        schema = frame.collect_schema()
        columns = columns or match_columns(list(schema), dict(schema))
        names = rename_clashing(list(schema))
        out = {names.get(name, name): dtype for name, dtype in schema.items()} | self.result_schema

        def group(batch: pl.DataFrame) -> pl.DataFrame:
            return self.group_frame(batch, columns, threads=threads)

        return frame.map_batches(
            group,
            schema=out,
            streamable=True,
            predicate_pushdown=False,
            projection_pushdown=False,
            slice_pushdown=False,
        )

    def _tail(self, leaf: int, severity: int, reason: int) -> tuple[Any, ...]:
        """A GroupResult without its claim id."""
        found = self._compiled.leaves[leaf]
        return (
            found.mdc,
            found.adrg,
            found.group,
            found.group_name,
            SEVERITIES[severity],
            Outcome(found.outcome),
            self._compiled.reasons[reason] or None,
            self.scheme_id,
            self.digest,
        )


def _unpickle(folder: str, scheme_id: str, compat: str, digest: str) -> Grouper:
    here = Path(folder)
    grouper = Grouper.load(here if (here / "scheme.toml").is_file() else scheme_id, compat or None)
    if grouper.digest != digest:
        raise SchemeError("S105", id=scheme_id, found=grouper.digest[:12], wanted=digest[:12])
    return grouper


def _jobs(
    encoded: Encoded, threads: int
) -> Iterator[tuple[grouper_core.ClaimBatch, int, int, int]]:
    """(batch, its first row in the frame, start, stop) for every task."""
    size = max(TASK_ROWS, -(-encoded.rows // (threads * 4)))
    offset = 0
    for batch in encoded.batches:
        for start in range(0, batch.rows, size):
            yield batch, offset, start, min(start + size, batch.rows)
        offset += batch.rows


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _enum(values: list[str | None]) -> pl.Series:
    import polars as pl

    categories = list(dict.fromkeys(v for v in values if v is not None))
    return pl.Series(values, dtype=pl.Enum(categories))
