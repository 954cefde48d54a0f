"""Which claims of a file move between two schemes: counted, explained, written one row a move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import polars as pl

import drg
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.writers import output_suffix, write_frames, write_workbook
from drg.scale.find import claim_of, unused_name
from drg.scale.group_file import Progress, interruptible, refuse_same, stoppable
from drg.scale.impact_report import ImpactReport, say
from drg.schemes.diff import SchemeLabel
from drg.simulate.impact import COMPARED, KINDS, LEVELS, Impact, MoveTally
from drg.text import language

if TYPE_CHECKING:
    from drg.claims.workbook import Workbook

__all__ = ["MOVE_SCHEMA", "impact_file"]

#: Moves are told one by one: small batches let the bar move and a stop be noticed.
_BATCH = 5_000

#: Columns of the file of moves: row from 1, then text.
MOVE_SCHEMA = pl.Schema(
    {"row": pl.Int64(), "claim_id": pl.String()}
    | dict.fromkeys(COMPARED, pl.String())
    | {"reason": pl.String(), "table_row": pl.String(), "detail": pl.String()}
)


def impact_file(
    impact: Impact,
    source_path: str | Path,
    out_path: str | Path | None = None,
    *,
    sheet: str | int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    lang: str | None = None,
) -> ImpactReport:
    """Compare two schemes on every claim of a file.

    Parameters
    ----------
    impact : Impact
        The two schemes.
    source_path : str or Path
        Claims, as for ``group_file``.
    out_path : str or Path, optional
        Gets one row a moved claim (``MOVE_SCHEMA``), all or nothing. In ``.xlsx`` sheets with the
        counts, the from–to matrices and the reasons come first.
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    threads : int, optional
        Threads of the kernel; one a core when omitted.
    progress : callable, optional
        Called after each batch, from another thread, with the claims done and in all.
    lang : {"zh", "en"}, optional
        Language of reasons; the context's when omitted.

    Returns
    -------
    ImpactReport

    Raises
    ------
    InputError, RunError
        As ``group_file``.
    """
    lang = lang or language()  # other threads do not see the context's
    source_path = Path(source_path)
    out = None if out_path is None else Path(out_path)
    suffix = ""
    if out is not None:
        suffix = output_suffix(out)
        refuse_same(source_path, out)
    started = time.perf_counter()
    tally = MoveTally()
    before, after = SchemeLabel.of(impact.before.scheme), SchemeLabel.of(impact.after.scheme)
    origin = _origin(before, after, source_path)

    def report() -> ImpactReport:
        seconds = time.perf_counter() - started
        return ImpactReport(before, after, tally, source_path, out or source_path, seconds)

    with open_claims(source_path, sheet=sheet) as source:

        def frames(stop: Event) -> Iterator[pl.DataFrame]:
            for batch in stoppable(source.batches(_BATCH), stop):
                yield _moves(impact, batch, source, tally, threads, lang)
                if progress is not None:
                    progress(tally.claims, source.rows)

        def work(stop: Event) -> None:
            if out is None:
                for _ in frames(stop):
                    pass
            elif suffix == ".xlsx":
                with write_workbook(out, origin) as book:
                    _fill(book, frames(stop), report, lang)
            else:
                write_frames(
                    out, frames(stop), schema=MOVE_SCHEMA, metadata=origin, for_people=True
                )

        interruptible(work)
    return report()


def _moves(
    impact: Impact,
    batch: pl.DataFrame,
    source: ClaimSource,
    tally: MoveTally,
    threads: int | None,
    lang: str,
) -> pl.DataFrame:
    """The moves of one batch, in the order of its rows."""
    first = tally.claims + 1
    compared = impact.compare(batch, source.columns, threads=threads)
    tally.add(compared)
    moved = compared["from"] != compared["to"]
    row = unused_name(batch.columns)
    told = batch.select(source.columns.sources()).with_row_index(row, offset=first).filter(moved)
    places = compared.filter(moved)
    rows = []
    for cells, place in zip(told.iter_rows(named=True), places.iter_rows(), strict=True):
        claim = claim_of(cells, source.columns)
        reason = impact.why(claim, lang)
        tally.add_reason(place[0], place[1], reason)
        rows.append((cells[row], claim.claim_id, *place, *reason))
    return pl.DataFrame(rows, schema=MOVE_SCHEMA, orient="row")


def _fill(
    book: Workbook,
    frames: Iterator[pl.DataFrame],
    report: Callable[[], ImpactReport],
    lang: str,
) -> None:
    """Counts stand before the moves, and are known after them."""
    places = ("from", "to", "claims", "share")
    columns = {
        "summary": ("fact", "value"),
        "reasons": ("reason", "from", "to", "table_row", "detail", "claims", "share"),
        **{f"matrix_{level}": places for level in LEVELS},
        "moves": tuple(MOVE_SCHEMA),
    }
    sheets = {
        name: book.sheet(
            say(f"sheet_{name}", lang), names, heads={n: say(f"head_{n}", lang) for n in names}
        )
        for name, names in columns.items()
    }
    kinds = {kind: say(f"move_{kind}", lang) for kind in KINDS}
    worded = pl.col("reason").replace(kinds)
    for frame in frames:
        sheets["moves"].append(frame.with_columns(worded))
    found = report()
    facts = pl.DataFrame(found.facts(lang), schema=["fact", "value"], orient="row")
    sheets["summary"].append(facts)
    share = (pl.col("claims") / max(found.tally.claims, 1)).alias("share")
    reasons = found.tally.reasons.with_columns(worded, share)
    sheets["reasons"].append(reasons.select(columns["reasons"]))
    for level in LEVELS:
        sheets[f"matrix_{level}"].append(found.tally.matrix(level))


def _origin(before: SchemeLabel, after: SchemeLabel, source: Path) -> dict[str, str]:
    origin = {"drg.version": drg.__version__, "drg.input": source.name}
    for name, label in (("before", before), ("after", after)):
        origin |= {f"drg.{name}": label.label, f"drg.{name}_digest": label.digest}
    return origin
