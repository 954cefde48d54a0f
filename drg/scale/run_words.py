"""What a run over many files ends with: the summary, its parts, what it left for whoever mends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drg.claims.input_files import RUN_FILE
from drg.scale.run_manifest import REJECTS, RunManifest, RunPart
from drg.scale.summary import Summary
from drg.text import text

__all__ = ["RunSummary"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What ``group_run`` did.

    Attributes
    ----------
    summary : Summary
        Counts of the whole run; seconds of this call.
    manifest : RunManifest
    made : sequence of RunPart
        Parts that this call made; the others stood already.
    finished_before : bool
        The run had been finished; what was made now had been damaged since.
    """

    summary: Summary
    manifest: RunManifest
    made: Sequence[RunPart]
    finished_before: bool

    @property
    def claims(self) -> int:
        """Claims of the run."""
        return self.summary.claims

    @property
    def refused(self) -> int:
        """Claims in ``rejects.csv``: exit code 1 speaks of them."""
        return self.summary.refused

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.summary.output

    def lines(self, lang: str | None = None) -> list[str]:
        """The summary that ``drg group`` ends with."""
        found, parts = self.manifest, self.manifest.parts
        rows = sum(part.rows for part in self.made)
        seconds = self.summary.seconds
        time = text("cli.run_time", lang, seconds=f"{seconds:.2f}", claims=f"{rows:,}",
                    rate=f"{rows / seconds if seconds else 0:,.0f}")  # fmt: skip
        if not rows:
            time = text("cli.run_verified", lang, seconds=f"{seconds:.2f}")
        words = text(
            "cli.run_parts", lang, inputs=f"{len(found.inputs):,}", parts=f"{len(parts):,}"
        )
        if stood := len(parts) - len(self.made):
            words = text("cli.run_stood", lang, parts=words, stood=f"{stood:,}")
        more = [(text("cli.run_files", lang), words)]
        rejects = text("cli.run_rejects_rows", lang, file=REJECTS, rows=f"{found.rejects.rows:,}")
        more += [
            (text("cli.run_rejects", lang), rejects),
            (text("cli.run_manifest", lang), RUN_FILE),
        ]
        return [*self.summary.lines(lang, time=time, more=more), *self._notes(lang)]

    def _notes(self, lang: str | None) -> list[str]:
        if not self.finished_before:
            return []
        if not self.made:
            return [text("cli.run_complete", lang)]
        names = ", ".join(part.file for part in self.made[:_SHOWN])
        more = f" … ({len(self.made)})" if len(self.made) > _SHOWN else ""
        return [text("cli.run_mended", lang, names=names + more)]
