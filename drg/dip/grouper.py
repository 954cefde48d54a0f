"""DipGrouper: one DIP catalogue, ready to group a claim or a frame. Immutable and thread-safe."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import grouper_core
from drg.dip.cache import load_compiled_catalogue
from drg.dip.catalogue import (
    CATALOGUE_FILE,
    CatalogueLocation,
    load_catalogue_location,
    locate_catalogue,
)
from drg.dip.conditions import ConditionWords
from drg.dip.reference import cost_of
from drg.errors import SchemeError
from drg.grouping.base import ClaimGrouper
from drg.grouping.jobs import TASK_ROWS, Job, run_jobs
from drg.grouping.result import GroupResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.dip.compiled import CompiledCatalogue
    from drg.dip.decode import DipLookup, DipNumbers
    from drg.dip.model import Catalogue
    from drg.dip.reference import ReferenceMatcher
    from drg.grouping.editions import CodeFinder
    from drg.grouping.explain import Step
    from drg.grouping.path import PathLine
    from drg.schemes.crosswalk import Crosswalk, Edition, Kind
    from drg.schemes.folder import Folder

__all__ = ["DipGrouper"]


class DipGrouper(ClaimGrouper):
    """Groups claims under one DIP catalogue.

    Use ``DipGrouper.load``, or ``drg.load_grouper``. Immutable, may be shared by threads, and
    pickles as its catalogue's id and digest: the other side loads its own tables and refuses if
    they differ.
    """

    def __init__(self, location: CatalogueLocation, compiled: CompiledCatalogue) -> None:
        self._location = location
        self._compiled = compiled
        self._program = compiled.program()
        self._conditions = ConditionWords(compiled.conditions)
        self._results: dict[tuple[int, int, int], tuple[Any, ...]] = {}

    @classmethod
    def load(cls, catalogue: str | Path, codes: str | None = None) -> DipGrouper:
        """Load a catalogue by id or folder.

        Parameters
        ----------
        catalogue : str or Path
            ``"taian-2025"``, or a folder that holds a ``catalogue.toml``.
        codes : {"insurance", "clinical"}, optional
            Edition of the codes in claims; the insurance edition when omitted.

        Raises
        ------
        SchemeError
            S101 no such catalogue, S120 no such edition, S122 it is a DRG scheme.
        TableError
            A table is broken (T...); the message names file, row, column and mend.
        """
        location = locate_catalogue(catalogue, codes)
        return cls(location, load_compiled_catalogue(location))

    @property
    def scheme_id(self) -> str:
        """Id of the catalogue."""
        return self._compiled.id

    @property
    def kind(self) -> Literal["drg", "dip"]:
        """``"dip"``: groups have scores and no MDC."""
        return "dip"

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the tables, flags and matching that decide a group."""
        return self._compiled.digest

    @property
    def compat(self) -> str:
        """``""``: a catalogue has no overlays."""
        return ""

    @property
    def folder(self) -> Folder:
        """The catalogue's own folder: its header, and its tables by name."""
        return self._location.folder

    @property
    def compiled(self) -> CompiledCatalogue:
        """The compiled catalogue."""
        return self._compiled

    @property
    def codes(self) -> Edition:
        """Edition of the codes in claims: ``"insurance"`` or ``"clinical"``."""
        return self._location.edition

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue's tables, read when first asked for."""
        return load_catalogue_location(self._location)

    @cached_property
    def reference(self) -> ReferenceMatcher:
        """The slow matcher of the same catalogue: it keeps every fact it finds."""
        from drg.dip.reference import ReferenceMatcher

        return ReferenceMatcher(self.catalogue, self._crosswalks)

    @property
    def _crosswalks(self) -> Mapping[Kind, Crosswalk]:
        from drg.schemes.crosswalk import shipped_crosswalks

        return {} if self.codes == "insurance" else shipped_crosswalks()

    def __reduce__(self) -> tuple[Any, ...]:
        folder = str(self._location.folder.path)
        return _unpickle, (folder, self.scheme_id, self.digest, self.codes)

    def __repr__(self) -> str:
        codes = f", codes={self.codes!r}" if self.codes != "insurance" else ""
        return f"DipGrouper.load({self.scheme_id!r}{codes})"

    def group(self, claim: Claim) -> GroupResult:
        """Group one claim.

        Parameters
        ----------
        claim : Claim
            Diagnoses and procedures principal first; None is "not reported". Conditions on a share
            of the cost cannot be told from it: only a frame has such columns.

        Returns
        -------
        GroupResult
            Always: trouble in the claim is its outcome and reason.
        """
        diagnoses, procedures = claim.diagnoses, claim.procedures
        if twins := self._compiled.twins:
            diagnoses = tuple([twins["dx"].get(code, code) for code in diagnoses])
            procedures = tuple([twins["px"].get(code, code) for code in procedures])
        cost = cost_of(claim)
        words = self._conditions.of_claim(claim)
        key = grouper_core.match_one(
            self._program, diagnoses, procedures, -1 if cost is None else cost, *words
        )
        tail = self._results.get(key)
        if tail is None:
            tail = self._results.setdefault(key, self._tail(*key))
        return GroupResult(claim.claim_id, *tail)

    def trace(self, claim: Claim) -> tuple[GroupResult, list[Step]]:
        """Group one claim by the reference matcher, and the steps of the decision."""
        from drg.dip.explain import decision_steps

        found = self.reference.decide(claim)
        return found.result, decision_steps(found, self.catalogue)

    def path(self, claim: Claim, lang: str | None = None) -> list[PathLine]:
        """The decision path of one claim as a coder reads it."""
        from drg.dip.explain import dip_path

        return dip_path(self.reference.decide(claim), self.catalogue, lang)

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
        if self.codes == "insurance":
            return results
        return results.with_columns(mapped_codes=self._mapped.find(frame, columns))

    def numbers(
        self, frame: pl.DataFrame, columns: ClaimColumns, *, threads: int | None = None
    ) -> DipNumbers:
        """What the kernel says of each row; ``compiled`` names what the numbers stand for."""
        import numpy as np

        from drg.dip.decode import DipNumbers
        from drg.dip.encode import encode_dip

        encoded = encode_dip(frame, columns, self._compiled, self._conditions)
        leaf = np.empty(encoded.rows, np.uint32)
        decided = np.empty(encoded.rows, np.uint8)
        reason = np.empty(encoded.rows, np.uint16)

        def task(job: Job) -> None:
            batch, offset, start, stop = job
            grouper_core.match_batch(
                self._program, batch, encoded.cost, *encoded.words, offset, start, stop,
                leaf, decided, reason,
            )  # fmt: skip

        run_jobs(encoded.batches, encoded.rows, threads, task, task_rows=TASK_ROWS)
        return DipNumbers(leaf, decided, reason)

    @cached_property
    def _mapped(self) -> CodeFinder:
        """Tells which codes of a row were mapped to others."""
        from drg.grouping.editions import mapped_codes

        lenient = bool(self._compiled.settings["normalise"])
        return mapped_codes(self._crosswalks, lenient=lenient)

    @cached_property
    def _lookup(self) -> DipLookup:
        from drg.dip.decode import DipLookup

        return DipLookup.of(self._compiled)

    @cached_property
    def result_schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of the result columns, in order."""
        import polars as pl

        mapped = {"mapped_codes": pl.String()} if self.codes == "clinical" else {}
        return self._lookup.schema | mapped

    def _tail(self, leaf: int, decided: int, reason: int) -> tuple[Any, ...]:
        """A GroupResult without its claim id."""
        found = self._compiled.leaves[leaf]
        return (
            None,
            found.adrg,
            found.group,
            found.name,
            None,
            Outcome(found.outcome),
            self._compiled.reasons[reason] or None,
            self.scheme_id,
            self.digest,
            None,
            found.type,
            found.auxiliary,
            self._compiled.decided[decided],
            found.score_e4,
        )


def _unpickle(folder: str, catalogue_id: str, digest: str, codes: str) -> DipGrouper:
    here = Path(folder)
    found = here if (here / CATALOGUE_FILE).is_file() else catalogue_id
    grouper = DipGrouper.load(found, codes)
    if grouper.digest != digest:
        raise SchemeError("S105", id=catalogue_id, found=grouper.digest[:12], wanted=digest[:12])
    return grouper
