"""A DIP catalogue from files of claims: read in portions, build, write the folder whole or not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import drg
from drg.claims.readers import open_claims
from drg.claims.writers import write_frames
from drg.dip.build.builder import base_catalogue, build_catalogue, open_history
from drg.dip.build.report import combinations_frame
from drg.dip.build.settings import BuildError, BuildSettings, read_build_settings
from drg.dip.save import save_catalogue
from drg.scale.group_file import Progress, interruptible, leave_if, stoppable
from drg.scale.weights_file import read_year_weights
from drg.schemes.save import new_folder

if TYPE_CHECKING:
    from drg.claims.readers import ClaimSource
    from drg.dip.build.builder import Built
    from drg.dip.build.history import History

__all__ = ["BuildRun", "claim_files", "dip_build_file", "settings_of"]

#: Files beside the catalogue's own.
COMBINATIONS, BOOK, PAGE = "combinations.parquet", "report.xlsx", "report.html"
_NEEDED = ("total_cost", "discharged_on")
_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class BuildRun:
    """A run of ``dip_build_file``.

    Attributes
    ----------
    built : Built
    sources : tuple of Path
    output : Path
    seconds : float
    """

    built: Built
    sources: tuple[Path, ...]
    output: Path
    seconds: float


def dip_build_file(
    sources: Sequence[str | Path],
    out: str | Path,
    settings: BuildSettings | None = None,
    *,
    sheet: str | int | None = None,
    report: bool = True,
    progress: Progress | None = None,
) -> BuildRun:
    """Build a catalogue from claims of one or several files.

    Parameters
    ----------
    sources : sequence of str or Path
        Claims, one file or several; a name may have wildcards. Their order does not matter.
    out : str or Path
        Folder for the catalogue, ``combinations.parquet`` and the report; must not exist or be
        empty. Written whole or not at all.
    settings : BuildSettings, optional
    sheet : str or int, optional
        XLSX input: sheet by name or by position from 0.
    report : bool, optional
        Write ``report.xlsx`` and ``report.html`` too.
    progress : callable, optional
        Called after each portion with the claims done and in all.

    Raises
    ------
    BuildError
        D440-D448: the settings, the years, the columns or the claims will not do.
    InputError
        F1xx: a file cannot be read; F2xx: the folder cannot be written.
    TableError
        T131: the folder holds something.
    """
    settings, out = settings or BuildSettings(), Path(out)
    files = claim_files(sources)
    started = time.perf_counter()
    base = base_catalogue(settings)

    def work(stop: Event) -> Built:
        with new_folder(out) as draft:  # at first, so that a folder in use is told at once
            history = open_history(base, settings)
            _read(history, files, sheet, stop, progress)
            built = build_catalogue(history, base, settings)
            leave_if(stop)
            save_catalogue(built.catalogue, draft, header=built.header())
            write_frames(draft / COMBINATIONS, combinations_frame(built), metadata=_provenance())
            leave_if(stop)
            if report:
                from drg.reports.dip_build_book import write_build_book
                from drg.reports.dip_build_page import write_build_page

                write_build_book(draft / BOOK, built)
                leave_if(stop)
                write_build_page(draft / PAGE, built)
        return built

    built = interruptible(work)
    return BuildRun(built, files, out, time.perf_counter() - started)


def settings_of(path: Path | None, values: Mapping[str, object]) -> BuildSettings:
    """Settings of a file with those of a command line laid over; what is None is not said.

    ``coverage`` and ``threshold`` on the command line put the other one of the file out of force.

    Raises
    ------
    BuildError
        D440-D442.
    HistoryError
        W403: the weights of years cannot be read.
    """
    told = {name: value for name, value in values.items() if value is not None}
    if isinstance(years := told.get("years"), str):
        told["years"] = read_year_weights(years)
    settings = BuildSettings() if path is None else read_build_settings(path)
    if "threshold" in told and "coverage" not in told:
        settings = replace(settings, coverage=None)
    for name in ("anchor", "quota"):
        if name in told and "method" not in told:
            told["method"] = name
    return settings.changed(**told)


def claim_files(sources: Sequence[str | Path]) -> tuple[Path, ...]:
    """The files that names and wildcards stand for, each once, sorted within a wildcard.

    Raises
    ------
    BuildError
        D448: a wildcard that no file matches.
    """
    found: dict[Path, None] = {}
    for source in sources:
        path = Path(source)
        if path.exists() or not _WILD & set(str(source)):
            found[path] = None
            continue
        matches = sorted(_matches(path))
        if not matches:
            raise BuildError("D448", pattern=str(source))
        found |= dict.fromkeys(matches)
    return tuple(found)


def _matches(path: Path) -> Iterator[Path]:
    """Files that a path with wildcards stands for."""
    plain = list(takewhile(lambda part: not _WILD & set(part), path.parts))
    return Path(*plain).glob(str(Path(*path.parts[len(plain) :])))


def _read(
    history: History,
    files: Sequence[Path],
    sheet: str | int | None,
    stop: Event,
    progress: Progress | None,
) -> None:
    opened: list[ClaimSource] = []
    try:
        # All are opened before any is read: a name that is wrong is told at once.
        for file in files:
            opened.append(open_claims(file, sheet=sheet))
            _need(opened[-1])
        total, done = sum(source.rows for source in opened), 0
        for source in opened:
            columns = source.columns
            wanted = {
                *columns.diagnoses,
                *columns.procedures,
                *(columns.scalars[name] for name in history.columns if name in columns.scalars),
                *(name for name in history.columns if name not in columns.scalars),
            }
            without = [name for name in source.schema.names() if name not in wanted]
            for batch in stoppable(source.batches(without=without), stop):
                history.add(batch, columns)
                done += batch.height
                if progress is not None:
                    progress(done, total)
    finally:
        for source in opened:
            source.close()


def _need(source: ClaimSource) -> None:
    for column in _NEEDED:
        if column not in source.columns.scalars:
            found = ", ".join(source.schema.names()[:12])
            raise BuildError("D447", where=str(source.path), column=f" {column} ", found=found)


def _provenance() -> dict[str, str]:
    return {"drg.version": drg.__version__}
