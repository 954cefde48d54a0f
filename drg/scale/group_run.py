"""Group many files into a folder: part by part, all cores, and after being killed it goes on.

Inputs are cut into parts by their rows alone, so that the bytes of a part depend on nothing but
input, scheme and settings. A part that stands in its place is noted in the journal, with its
digest; a run that goes on makes what is not noted, or not as it was noted. ``run.toml`` comes last.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

import drg
from drg.claims.input_files import JOURNAL_FOLDER, RUN_FILE, InputFile, input_files
from drg.claims.writers import OUTPUT_SUFFIXES
from drg.errors import InputError
from drg.scale import RunError
from drg.scale.group_file import Progress, group_file, interruptible
from drg.scale.group_parts import FRAME_ROWS, PART_ROWS, Parts, Setting
from drg.scale.group_work import GroupCounts, GroupWork, summary_of
from drg.scale.journal import Journal, told_apart
from drg.scale.rejects import join_rejects
from drg.scale.run_book import FinishedBook, JournalBook, RunBook
from drg.scale.run_folder import ClaimsFolder, check_folder, part_stems, refuse_inside
from drg.scale.run_manifest import (
    REJECTS,
    RunInput,
    RunManifest,
    RunPart,
    Written,
    plan_of,
    read_run,
    write_run,
)
from drg.scale.run_progress import RunProgress
from drg.scale.run_words import RunSummary
from drg.settlement.one_run import one_run
from drg.text import language, text

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.payment.weights import Weights
    from drg.scale.summary import Summary

__all__ = ["PartFormat", "group_into", "group_run"]

PartFormat = Literal["parquet", "csv"]


def group_run(
    grouper: ClaimGrouper,
    paths: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    weights: Weights | None = None,
    parts: PartFormat = "parquet",
    sheet: str | int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    lang: str | None = None,
) -> RunSummary:
    """Group every claim of many files into a folder, or go on with a run that was interrupted.

    Parameters
    ----------
    grouper : ClaimGrouper
        Decides.
    paths : str, Path or sequence of them
        Claims: files, folders, patterns (``drg.claims.input_files``).
    folder : str or Path
        New or empty, or the folder of an earlier run of the same inputs and settings: one that was
        interrupted goes on, one that is finished is verified.
    weights : Weights, optional
        Adds weight and standard to every grouped claim.
    parts : {"parquet", "csv"}, optional
        Kind of the files of claims.
    sheet : str or int, optional
        XLSX inputs: sheet by name or by position from 0; the first when omitted.
    threads : int, optional
        Cores to use; all when omitted. The bytes do not depend on it.
    progress : callable, optional
        Called from other threads, with the claims done and those in all as far as known.
    lang : {"zh", "en"}, optional
        Language of the rejects; the context's when omitted.

    Returns
    -------
    RunSummary
        Counts. The folder has ``claims/`` (each input's rows in order, in parts; columns as of
        ``group_file``), ``rejects.csv`` and, written last, ``run.toml``
        (``drg.scale.run_manifest``).

    Raises
    ------
    InputError
        An input cannot be read (F1xx), the folder not be written (F2xx); F203: it holds something
        else; F211: another run is at work in it.
    RunError
        C230, C239: it holds a run of other inputs or settings; C231-C238 (docs/scale.md).
    SchemeError
        S121: weights with a DIP catalogue.
    """
    started = time.perf_counter()
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    files = input_files(named)
    out = Path(folder)
    refuse_inside(named, files, out)
    run = _Run(GroupWork(grouper, weights), files, out, parts, sheet, lang or language())
    with one_run(out):
        check_folder(out)
        try:
            manifest = interruptible(lambda stop: run.bring_to_end(threads, progress, stop))
        except BaseException as error:
            if run.begun:
                # What a file is refused for is mended in the file: taken away, it is another run.
                of_a_file = isinstance(error, InputError) and error.code.startswith("F1")
                key = "cli.run_goes_on_mended" if of_a_file else "cli.run_goes_on"
                error.add_note(text(key, lang, where=out))
            raise
    seconds = time.perf_counter() - started
    try:
        counts = GroupCounts.of_plain(manifest.counts)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError("C231", where=str(out / RUN_FILE)) from error
    summary = summary_of(run.work, counts, files[0].path, out, seconds)
    return RunSummary(summary, manifest, tuple(run.made), run.finished_before)


def group_into(
    grouper: ClaimGrouper,
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    weights: Weights | None = None,
    parts: PartFormat | None = None,
    sheet: str | int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Summary | RunSummary:
    """``group_file`` into a file, ``group_run`` into a folder: what the command line does.

    Parameters
    ----------
    out : str or Path
        With a suffix: a file, all or nothing. Without one: a folder.
    parts : {"parquet", "csv"}, optional
        For a folder; ``"parquet"`` when omitted.
    grouper, paths, weights, sheet, threads, progress
        As for ``group_run``.

    Raises
    ------
    RunError
        C240: ``parts`` and a file. Else as of ``group_run`` and ``group_file``.
    """
    target = Path(out)
    # ``2025-06.1`` is a name; ``result.doc`` is meant as a file, and refused as one.
    lettered = any(map(str.isalpha, target.suffix))
    if target.suffix.lower() in OUTPUT_SUFFIXES or (lettered and not target.is_dir()):
        if parts is not None:
            raise RunError("C240", where=str(target), parts=parts)
        claims = paths[0] if len(paths) == 1 else input_files(paths)
        return group_file(
            grouper, claims, target, weights=weights, sheet=sheet, threads=threads,
            progress=progress,
        )  # fmt: skip
    return group_run(
        grouper, paths, target, weights=weights, parts=parts or "parquet", sheet=sheet,
        threads=threads, progress=progress,
    )  # fmt: skip


class _Run:
    """One call of ``group_run``.

    Attributes
    ----------
    begun, finished_before : bool
        Something is there to go on with; the run had been finished before.
    made : list of RunPart
        Parts that this call made.
    """

    def __init__(
        self,
        work: GroupWork,
        files: Sequence[InputFile],
        folder: Path,
        parts: PartFormat,
        sheet: str | int | None,
        lang: str,
    ) -> None:
        self.work = work
        self.begun = self.finished_before = False
        self.made: list[RunPart] = []
        self._files = files
        self._folder = folder
        self._suffix = f".{parts}"
        self._sheet = sheet
        self._lang = lang
        self._stems = part_stems(files)
        self._options = {
            "parts": parts,
            "part_rows": PART_ROWS,
            "frame_rows": FRAME_ROWS,
            "sheet": "" if sheet is None else str(sheet),
            "language": lang,
            "writer": f"polars {pl.__version__}",
        }

    def bring_to_end(
        self, threads: int | None, progress: Progress | None, stop: Event
    ) -> RunManifest:
        """Make what is missing, or verify what is finished."""
        finished = read_run(self._folder)
        plan = plan_of(
            drg.__version__, self._scheme(), self._options, self._weights(),
            [file.name for file in self._files],
        )  # fmt: skip
        if finished is not None and finished.plan != plan:
            differs = told_apart(finished.plan, plan)
            raise RunError("C239", where=str(self._folder), differs=differs)
        claims = ClaimsFolder(self._folder, self._stems, self._suffix)
        if finished is not None:
            self.finished_before = True
            claims.clean()
            self._make(FinishedBook(self._folder, finished), threads, progress, stop)
            claims.hold([part.file for part in finished.parts])
            if (self._folder / JOURNAL_FOLDER).exists():  # killed just before the end
                Journal(self._folder / JOURNAL_FOLDER, plan).remove()
            return finished
        book = JournalBook(self._folder, plan)
        try:
            claims.clean()
            self._make(book, threads, progress, stop)
        except BaseException:
            self.begun = not book.empty
            if not self.begun:  # leave no trace of a run that has done nothing
                claims.empty()
                book.journal.remove()
                with contextlib.suppress(OSError):  # somebody has put something into it
                    self._folder.rmdir()
            raise
        self.begun = True
        manifest = self._finish(book)
        claims.hold([part.file for part in manifest.parts])
        write_run(self._folder, manifest)
        book.journal.remove()
        return manifest

    def _make(
        self, book: RunBook, threads: int | None, progress: Progress | None, stop: Event
    ) -> None:
        setting = Setting(self._suffix, self._sheet, self._lang, threads)
        bar = RunProgress(self._files, progress)
        parts = Parts(self.work, self._files, self._stems, self._folder, setting, book, bar, stop)
        self.made = parts.made
        parts.make()

    def _finish(self, book: JournalBook) -> RunManifest:
        """Put together what was noted of the parts."""
        inputs: list[RunInput] = []
        parts: list[RunPart] = []
        counts: list[GroupCounts] = []
        rejects: list[Path] = []
        for number in range(len(self._files)):
            found, told = book.whole(number)
            rows = 0
            for part, (made, counted) in enumerate(told):
                if made.first_row != rows + 1:
                    raise RunError("C238", where=made.file, found=rows, wanted=made.first_row - 1)
                rows += made.rows
                parts.append(made)
                counts.append(GroupCounts.of_plain(counted))
                rejects.append(book.rejects(number, part))
            if rows != found.rows:
                raise RunError("C238", where=found.name, found=rows, wanted=found.rows)
            inputs.append(found)
        whole = GroupCounts.together(counts)
        if whole.claims != sum(one.rows for one in inputs):
            wanted = sum(one.rows for one in inputs)
            raise RunError("C238", where=str(self._folder), found=whole.claims, wanted=wanted)
        refused = join_rejects(self._folder / REJECTS, rejects)
        return RunManifest(
            package=drg.__version__,
            scheme=self._scheme(),
            options=self._options,
            weights=self._weights(),
            inputs=tuple(inputs),
            parts=tuple(parts),
            rejects=Written(whole.refused, refused),
            counts=whole.plain(),
            totals=whole.totals(),
        )

    def _scheme(self) -> dict[str, Any]:
        grouper = self.work.grouper
        told: dict[str, Any] = {
            "id": grouper.scheme_id,
            "kind": grouper.kind,
            "digest": grouper.digest,
            "compat": grouper.compat,
            "codes": grouper.codes,
        }
        if grouper.versions:
            told["version"] = [
                {"id": one.id, "days": one.days, "status": one.status} for one in grouper.versions
            ]
        return told

    def _weights(self) -> Mapping[str, Any] | None:
        weights = self.work.weights
        if weights is None:
            return None
        level = weights.hospital_level or ""
        return {"id": weights.id, "digest": weights.digest, "hospital_level": level}
