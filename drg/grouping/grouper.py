"""Grouper: one scheme, ready to group a claim or a frame. Immutable and thread-safe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grouper_core
from drg.errors import SchemeError
from drg.grouping.base import ClaimGrouper
from drg.grouping.decode import SEVERITIES, Lookup, Numbers
from drg.grouping.fields import reader_of
from drg.grouping.jobs import TASK_ROWS, Job, run_jobs
from drg.grouping.result import GroupResult, Outcome
from drg.schemes.cache import load_compiled
from drg.schemes.catalog import SchemeLocation, load_location, locate

if TYPE_CHECKING:
    import polars as pl

    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.editions import CodeFinder
    from drg.grouping.explain import Step
    from drg.grouping.path import PathLine
    from drg.grouping.reference import ReferenceGrouper
    from drg.schemes.compiled import Compiled
    from drg.schemes.crosswalk import Edition
    from drg.schemes.scheme import Scheme


class Grouper(ClaimGrouper):
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
        self._twins = compiled.twins
        self._results: dict[tuple[int, int, int], tuple[Any, ...]] = {}

    @classmethod
    def load(
        cls, scheme: str | Path, compat: str | None = None, codes: str | None = None
    ) -> Grouper:
        """Load a scheme by id or folder.

        Parameters
        ----------
        scheme : str or Path
            ``"chs-drg-2.0"``, or a folder that holds a ``scheme.toml``.
        compat : str, optional
            Overlay to apply, e.g. ``"opendrg"``.
        codes : {"insurance", "clinical"}, optional
            Edition of the codes in claims; the insurance edition when omitted. Clinical codes are
            mapped to insurance codes by the national crosswalk; one that it lacks is unknown.

        Raises
        ------
        SchemeError
            No such scheme or overlay (S101-S104), or edition (S120).
        TableError
            A table is broken (T...); the message names file, row, column and mend.
        """
        location = locate(scheme, compat, codes)
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

    @property
    def compiled(self) -> Compiled:
        """The compiled scheme."""
        return self._compiled

    @property
    def codes(self) -> Edition:
        """Edition of the codes in claims: ``"insurance"`` or ``"clinical"``."""
        return self._location.edition

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
        folder = str(self._location.folder.path)
        return _unpickle, (folder, self.scheme_id, self._compat, self.digest, self.codes)

    def __repr__(self) -> str:
        compat = f", compat={self._compat!r}" if self._compat else ""
        codes = f", codes={self.codes!r}" if self.codes != "insurance" else ""
        return f"Grouper.load({self.scheme_id!r}{compat}{codes})"

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
        diagnoses, procedures = claim.diagnoses, claim.procedures
        if self._twins:
            diagnoses = _untwinned(diagnoses, self._twins["dx"])
            procedures = _untwinned(procedures, self._twins["px"])
        key = grouper_core.group_one(self._program, diagnoses, procedures, scalars)
        tail = self._results.get(key)
        if tail is None:
            tail = self._results.setdefault(key, self._tail(*key))
        return GroupResult(claim.claim_id, *tail)

    def trace(self, claim: Claim) -> tuple[GroupResult, list[Step]]:
        """Group one claim by the reference grouper, and the steps of the decision."""
        return self.reference.trace(claim)

    def path(self, claim: Claim, lang: str | None = None) -> list[PathLine]:
        """The decision path of one claim as a coder reads it."""
        from drg.grouping.path import decision_path

        return decision_path(self.explain(claim), self.scheme, lang, self.reference.interpreter)

    def results_frame(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns | None = None,
        *,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Only the result columns of ``group_frame``, one row a claim, in order."""
        from drg.claims.profiles import match_columns

        columns = columns or match_columns(frame.columns, dict(frame.schema))
        results = self._lookup.frame(self.numbers(frame, columns, threads=threads))
        mapped = self.mapped_codes(frame, columns)
        return results if mapped is None else results.with_columns(mapped_codes=mapped)

    def numbers(
        self, frame: pl.DataFrame, columns: ClaimColumns, *, threads: int | None = None
    ) -> Numbers:
        """What the kernel says of each row; ``compiled`` names what the numbers stand for."""
        import numpy as np

        from drg.grouping.encode import encode

        encoded = encode(frame, columns, self._compiled)
        leaf = np.empty(encoded.rows, np.uint16)
        severity = np.empty(encoded.rows, np.uint8)
        reason = np.empty(encoded.rows, np.uint16)

        def task(job: Job) -> None:
            grouper_core.group_batch(
                self._program, job[0], encoded.scalars, *job[1:], leaf, severity, reason
            )

        run_jobs(encoded.batches, encoded.rows, threads, task, task_rows=TASK_ROWS)
        return Numbers(leaf, severity, reason)

    def mapped_codes(self, frame: pl.DataFrame, columns: ClaimColumns) -> pl.Series | None:
        """The codes of each row that were mapped to others; None under the insurance edition."""
        return None if self.codes == "insurance" else self._mapped.find(frame, columns)

    @cached_property
    def _mapped(self) -> CodeFinder:
        """Tells which codes of a row were mapped to others."""
        from drg.grouping.editions import mapped_codes
        from drg.schemes.crosswalk import shipped_crosswalks

        lenient = bool(self._compiled.settings["normalise"])
        return mapped_codes(shipped_crosswalks(), lenient=lenient)

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup.of(self._compiled.leaves, self._compiled.reasons)

    @cached_property
    def result_schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of the result columns, in order."""
        import polars as pl

        mapped = {"mapped_codes": pl.String()} if self.codes == "clinical" else {}
        return self._lookup.schema | mapped

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


def _unpickle(folder: str, scheme_id: str, compat: str, digest: str, codes: str) -> Grouper:
    here = Path(folder)
    found = here if (here / "scheme.toml").is_file() else scheme_id
    grouper = Grouper.load(found, compat or None, codes)
    if grouper.digest != digest:
        raise SchemeError("S105", id=scheme_id, found=grouper.digest[:12], wanted=digest[:12])
    return grouper


def _untwinned(codes: tuple[str, ...], twins: Mapping[str, str]) -> tuple[str, ...]:
    """Clinical codes with one spelling for all that stand for one insurance code."""
    return tuple([twins.get(code, code) for code in codes])
