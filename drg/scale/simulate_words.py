"""What ``drg simulate`` ends with, and the page of one case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drg.claims.writers import atomic_path
from drg.reports.case_page import case_page
from drg.reports.case_words import say
from drg.scale.elsewhere import CaseError
from drg.simulate.answer import Explanation
from drg.text import aligned

if TYPE_CHECKING:
    from drg.scale.simulate_file import SimulateRun
    from drg.simulate.answer import Simulation

__all__ = ["report_lines", "write_page"]


def report_lines(run: SimulateRun, lang: str | None = None) -> list[str]:
    """Counts of a run, time, output."""
    rows = [(say(f"sum_{name}", lang), f"{count:,}") for name, count in run.counts.items()]
    rows.append((say("sum_time", lang), say("sum_seconds", lang, seconds=f"{run.seconds:.1f}")))
    output = str(run.output)
    if len(run.files) > 1:
        output += f" ({' '.join(run.files)})"
    return aligned([*rows, (say("sum_out", lang), output)])


def write_page(
    path: str | Path, found: Sequence[Explanation | Simulation], lang: str | None = None
) -> None:
    """Write the page of one case.

    Raises
    ------
    CaseError
        G415: several rows have its id.
    InputError
        F2xx: the page cannot be written.
    """
    bases = [one if isinstance(one, Explanation) else one.base for one in found]
    if len(found) != 1:
        rows = ", ".join(str(base.row) for base in bases)
        raise CaseError("G415", count=len(found), id=bases[0].claim_id, rows=rows)
    with atomic_path(path) as draft:
        draft.write_text(case_page(found[0], lang), "utf-8", newline="\n")
