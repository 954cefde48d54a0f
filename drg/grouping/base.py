"""What groups claims: one scheme (``Grouper``) or a place's versions (``VersionedGrouper``)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, overload

if TYPE_CHECKING:
    import polars as pl

    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.explain import Step
    from drg.grouping.path import PathLine
    from drg.grouping.result import GroupResult
    from drg.schemes.crosswalk import Edition
    from drg.schemes.versions import Version

__all__ = ["ArrowFrame", "ClaimGrouper"]


class ArrowFrame(Protocol):
    """A frame that hands its columns out through Arrow: polars, pandas, pyarrow, duckdb."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class ClaimGrouper(ABC):
    """Groups claims, one by one or a frame at once; made by ``load_grouper``.

    Immutable, may be shared by threads, and pickles.
    """

    @property
    @abstractmethod
    def scheme_id(self) -> str:
        """Id of the scheme, or of the place."""

    @property
    def kind(self) -> Literal["drg", "dip"]:
        """What the groups are."""
        return "drg"

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 (hex) over everything that decides a group."""

    @property
    @abstractmethod
    def compat(self) -> str:
        """Name of the overlay, ``""`` for none."""

    @property
    @abstractmethod
    def codes(self) -> Edition:
        """Edition of the codes in claims: ``"insurance"`` or ``"clinical"``."""

    @property
    def versions(self) -> tuple[Version, ...]:
        """The versions that the day of discharge chooses from; none where one scheme is named."""
        return ()

    @property
    def provenance(self) -> Mapping[str, str]:
        """What a file of results says of the grouper: enough to make it again.

        ``drg.scheme``, ``drg.digest``, ``drg.compat``, ``drg.codes``, and for each of ``versions``
        ``drg.in_force.<id>`` with its days and how they are known.
        """
        told = {
            "drg.scheme": self.scheme_id,
            "drg.digest": self.digest,
            "drg.compat": self.compat,
            "drg.codes": self.codes,
        }
        return told | {f"drg.in_force.{v.id}": f"{v.days} {v.status}" for v in self.versions}

    @abstractmethod
    def group(self, claim: Claim) -> GroupResult:
        """Group one claim; trouble in it is its outcome and reason."""

    @abstractmethod
    def trace(self, claim: Claim) -> tuple[GroupResult, list[Step]]:
        """Group one claim by the reference grouper, and the steps of the decision."""

    def explain(self, claim: Claim) -> list[Step]:
        """The decision path of one claim, from the reference grouper; each step renders itself."""
        return self.trace(claim)[1]

    @abstractmethod
    def path(self, claim: Claim, lang: str | None = None) -> list[PathLine]:
        """The decision path of one claim as a coder reads it, line by line."""

    def explain_lines(self, claim: Claim, lang: str | None = None) -> list[str]:
        """``path`` as text: indented lines, each with the table row it rests on."""
        return [str(line) for line in self.path(claim, lang)]

    @property
    @abstractmethod
    def result_schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of the result columns, in order."""

    @abstractmethod
    def results_frame(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns | None = None,
        *,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Only the result columns of ``group_frame``, one row a claim, in order."""

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
            ``mdc, adrg, group, severity, outcome, reason, group_name`` as Enum; where the day of
            discharge chose the version also ``scheme`` and ``nearest_version`` (Enum); of a DIP
            catalogue also ``group_class, auxiliary, decided_by`` (Enum) and ``score``; under the
            clinical edition also ``mapped_codes``, text such as ``"A19.000x001→A19.001|…"``, null
            where every code is the same in both editions. A LazyFrame is grouped batch by batch
            when it is collected or sunk.

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
        return frame.rename(rename_clashing(frame.columns, results.columns)).hstack(results)

    def _group_lazy(
        self, frame: pl.LazyFrame, columns: ClaimColumns | None, threads: int | None
    ) -> pl.LazyFrame:
        from drg.claims.frame import rename_clashing
        from drg.claims.profiles import match_columns

        schema = frame.collect_schema()
        columns = columns or match_columns(list(schema), dict(schema))
        names = rename_clashing(list(schema), list(self.result_schema))
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
