"""What ``drg dip build`` and ``drg dip compare`` end with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.reports.dip_build_words import key_rows
from drg.reports.dip_compare_words import compare_lines
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.scale.dip_build_file import BuildRun
    from drg.scale.dip_compare_file import CompareRun

__all__ = ["build_lines", "run_lines"]


def build_lines(run: BuildRun, lang: str | None = None) -> list[str]:
    """Figures of a built catalogue, claims left out, and where it is."""
    rows = key_rows(run.built, lang)
    left_out = [(why, n) for why, n in run.built.left_out.items() if n]
    rows += [
        ("  " + text(f"dip.dip_build.what_{why}", lang), f"{n:,}") for why, n in sorted(left_out)
    ]
    rate = run.built.read / run.seconds if run.seconds > 0 else 0.0
    speed = text("cli.sum_rate", lang, seconds=f"{run.seconds:.2f}", rate=f"{rate:,.0f}")
    rows += [(text("cli.sum_time", lang), speed), (text("cli.sum_out", lang), str(run.output))]
    return aligned(rows)


def run_lines(run: CompareRun, lang: str | None = None) -> list[str]:
    """Two catalogues compared, and where the file is."""
    lines = compare_lines(run.comparison, run.claims, lang)
    if run.output is not None:
        lines += ["", *aligned([(text("cli.sum_out", lang), str(run.output))])]
    return lines
