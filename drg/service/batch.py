"""A whole file for the service: read, grouped, priced, written; told while it is made.

Runs in a thread and hands what it makes to ``emit``. Nothing of the file outlives its folder.
Prices need every claim before the first one is certain (caps), so a policy means two passes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

import drg
from drg.claims.frame import rename_clashing
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.workbook_bounds import declared_bytes
from drg.claims.writers import flat_columns, write_frames
from drg.errors import InputError
from drg.reports.kpi.build import KpiRun
from drg.reports.kpi.page import key_parts
from drg.service.batch_words import Told
from drg.service.errors import ServiceError
from drg.service.guard import too_large
from drg.service.probe import probe
from drg.service.stock import Named, Stock
from drg.simulate.desk import Desk
from drg.text import language

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy
    from drg.payment.pricing.price import Pricer

__all__ = ["BATCH_SUFFIXES", "MEDIA", "Batch", "BatchAsked", "Format", "Gone", "Head"]

Format = Literal["csv", "parquet", "xlsx", "ndjson"]
#: Files that are taken. Packed ones (.gz) are not: what they unpack to has no bound.
BATCH_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".json", ".ndjson")
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROWS, _XLSX_ROWS = 20_000, 5_000
#: Bytes of a piece of a file; a multiple of 3, so that pieces of base64 follow one another.
_PIECE = 3 << 16
#: A workbook unpacks to this many times the largest file, at most.
_UNPACKED = 8


class Gone(Exception):
    """The client has gone; the work ends."""


class BatchAsked(NamedTuple):
    """What a request wants of its file."""

    named: Named
    name: str
    form: Format
    sheet: str | None


@dataclass(frozen=True)
class Head:
    """What is known before the first byte: rows, and the size unless it is streamed."""

    rows: int
    size: int | None


class Batch:
    """One file being worked on.

    Parameters
    ----------
    stock : Stock
    asked : BatchAsked
    path : Path
        The file as it came, in a folder that is its own.
    """

    def __init__(self, stock: Stock, asked: BatchAsked, path: Path) -> None:
        self.stop = Event()
        self._stock, self._asked, self._path = stock, asked, path
        self._limits = stock.settings.limits
        self._until = monotonic() + self._limits.seconds

    @property
    def result_name(self) -> str:
        """What the result is called."""
        return f"{Path(self._asked.name).stem}-drg.{self._asked.form}"

    def file(
        self, head: Callable[[Head], None], emit: Callable[[bytes], None], *, whole: bool
    ) -> None:
        """The result, as it is made, or at once when it is whole.

        Parameters
        ----------
        head : callable
            Called once, before the first piece.
        emit : callable
            Called with every piece.
        whole : bool
            Make the file whole first, so that its size is told.
        """
        with self._opened() as (source, grouper, policy):
            frames = self._frames(source, grouper, policy)
            if whole or self._asked.form in ("parquet", "xlsx"):
                out = self._write(frames, source, grouper, policy)
                head(Head(source.rows, out.stat().st_size))
                for piece in self._pieces(out):
                    emit(piece)
                return
            # The first batch may fail, and then nothing has been said yet.
            pieces = self._texts(frames)
            first = next(pieces)
            head(Head(source.rows, None))
            emit(first)
            for piece in pieces:
                emit(piece)

    def events(self, emit: Callable[[bytes], None]) -> None:
        """Progress, summary, charts, the file in pieces, its digest: a line of JSON each."""

        def tell(event: str, **values: object) -> None:
            emit(json.dumps({"event": event, **values}, ensure_ascii=False).encode() + b"\n")

        with self._opened() as (source, grouper, policy):
            told, figures = Told(grouper), KpiRun()
            passes = 2 if policy is not None else 1
            tell("progress", done=0, total=passes * source.rows)

            def seen(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
                for frame in frames:
                    told.add(frame)
                    figures.add(frame, source.columns)
                    yield frame

            def progress(done: int) -> None:
                tell("progress", done=done, total=passes * source.rows)

            frames = seen(self._frames(source, grouper, policy, progress))
            out = self._write(frames, source, grouper, policy)
            tell("summary", **told.summary(policy))
            parts = key_parts(figures.finish(), language()) if source.rows else []
            tell("charts", html="\n".join(parts))
            digest = hashlib.sha256()
            for piece in self._pieces(out):
                digest.update(piece)
                tell("file", name=self.result_name, base64=base64.b64encode(piece).decode())
            tell("end", sha256=digest.hexdigest())

    def _opened(self) -> _Opened:
        return _Opened(self._stock, self._asked, self._path)

    def _look(self) -> None:
        if self.stop.is_set():
            raise Gone
        if monotonic() > self._until:
            raise ServiceError("H431", seconds=f"{self._limits.seconds:g}")

    def _frames(
        self,
        source: ClaimSource,
        grouper: ClaimGrouper,
        policy: Policy | None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Iterator[pl.DataFrame]:
        """The result batch by batch; one without rows where there are none."""
        size = _XLSX_ROWS if self._asked.form == "xlsx" else _ROWS
        pricer, done = _pricer(policy, self._stock.hospitals), 0

        def grouped() -> Iterator[pl.DataFrame]:
            nonlocal done
            empty = iter([pl.DataFrame(schema=source.schema)])
            for batch in source.batches(size) if source.rows else empty:
                self._look()
                yield grouper.group_frame(batch, source.columns)
                done += batch.height
                progress(done)

        if pricer is None:
            yield from grouped()
            return
        parts = [pricer.assess(frame, source.columns) for frame in grouped()]
        decisions = pricer.decide(parts)
        for frame, part in zip(grouped(), parts, strict=True):
            added = pricer.finish(part, decisions)
            yield frame.rename(rename_clashing(frame.columns, added.columns)).hstack(added)

    def _write(
        self,
        frames: Iterator[pl.DataFrame],
        source: ClaimSource,
        grouper: ClaimGrouper,
        policy: Policy | None,
    ) -> Path:
        out = self._path.with_name(f"result.{self._asked.form}")
        if self._asked.form == "ndjson":
            with out.open("wb") as file:
                for piece in self._texts(frames):
                    file.write(piece)
            return out
        metadata = {"drg.version": drg.__version__, **grouper.provenance}
        metadata |= {"drg.input": self._asked.name}
        if policy is not None:
            metadata |= {"drg.policy": policy.id, "drg.policy_digest": policy.digest}
        write_frames(out, frames, metadata=metadata)
        return out

    def _texts(self, frames: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        """Lines of CSV, as ``drg group`` writes it, or of JSON."""
        first = True
        for frame in frames:
            buffer = BytesIO()
            if self._asked.form == "ndjson":
                frame.write_ndjson(buffer)
            else:
                flat = frame.with_columns(flat_columns(frame.schema, self._asked.name))
                flat.write_csv(buffer, include_header=first, include_bom=first)
            yield buffer.getvalue()
            first = False

    def _pieces(self, out: Path) -> Iterator[bytes]:
        with out.open("rb") as file:
            while piece := file.read(_PIECE):
                self._look()
                yield piece


class _Opened:
    """The file and what it is grouped and priced by, all checked; closes the file."""

    def __init__(self, stock: Stock, asked: BatchAsked, path: Path) -> None:
        self._stock, self._asked, self._path = stock, asked, path
        self._source: ClaimSource | None = None

    def __enter__(self) -> tuple[ClaimSource, ClaimGrouper, Policy | None]:
        named, limits = self._asked.named, self._stock.settings.limits
        grouper, policy = self._stock.grouper(named), self._stock.policy(named)
        if policy is not None:
            Desk(grouper, None, edition_stated=False).require(policy)
        most = _UNPACKED * limits.batch_bytes
        if self._path.suffix == ".xlsx" and declared_bytes(self._path) > most:
            raise too_large(most)
        if self._path.suffix == ".parquet":
            probe(self._path, limits.seconds)
        try:
            self._source = source = open_claims(self._path, sheet=self._asked.sheet)
        except InputError as error:
            if error.code != "F133":
                raise
            raise ServiceError("H427", where="", **error.params) from error
        if source.rows > limits.rows:
            source.close()
            raise ServiceError("H426", rows=f"{source.rows:,}", limit=f"{limits.rows:,}")
        return source, grouper, policy

    def __exit__(self, *_error: object) -> None:
        if self._source is not None:
            self._source.close()


def _pricer(policy: Policy | None, hospitals: pl.DataFrame | None) -> Pricer | None:
    if policy is None:
        return None
    from drg.payment.pricing.price import Pricer

    return Pricer(policy, hospitals)
