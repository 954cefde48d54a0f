"""What became of the claims of a run: counted batch by batch, told in lines."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drg.grouping.result import Outcome
from drg.reasons import reason_title
from drg.text import text

if TYPE_CHECKING:
    import polars as pl

    from drg.grouping.grouper import Grouper

__all__ = ["Summary", "Tally", "aligned"]

_REFUSED = (Outcome.REJECTED, Outcome.NOT_IN_FORCE)
#: Between the columns of an aligned table.
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one run.

    Attributes
    ----------
    scheme, digest, compat : str
        Scheme id, digest of its resolved tables, overlay name (``""`` for none).
    source, output : Path
        As the caller named them.
    seconds : float
        Wall time from opening the input to the finished output.
    counts : mapping of (outcome, reason) to int
        Claims of each kind; reason is ``""`` where there is none.
    """

    scheme: str
    digest: str
    compat: str
    source: Path
    output: Path
    seconds: float
    counts: Mapping[tuple[str, str], int]

    @classmethod
    def of_run(
        cls,
        grouper: Grouper,
        source: Path,
        output: Path,
        seconds: float,
        counts: Mapping[tuple[str, str], int],
    ) -> Summary:
        """The summary of a run of this grouper."""
        scheme, digest, compat = grouper.scheme_id, grouper.digest, grouper.compat
        return cls(scheme, digest, compat, source, output, seconds, counts)

    @property
    def claims(self) -> int:
        """Claims read, which is claims written."""
        return sum(self.counts.values())

    @property
    def refused(self) -> int:
        """Claims that were rejected or have no version in force: exit code 1 speaks of them."""
        return sum(self.of(outcome) for outcome in _REFUSED)

    def of(self, outcome: str) -> int:
        """Claims with this outcome."""
        return sum(n for (found, _), n in self.counts.items() if found == outcome)

    def reasons(self, outcome: str) -> dict[str, int]:
        """Reason code to number of claims of this outcome, the most frequent first."""
        found = {code: n for (o, code), n in self.counts.items() if o == outcome and code}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def lines(self, lang: str | None = None) -> list[str]:
        """The summary that ``drg group`` ends with."""
        scheme = f"{self.scheme} + {self.compat}" if self.compat else self.scheme
        rate = self.claims / self.seconds if self.seconds > 0 else 0.0
        body: list[tuple[str, ...]] = [
            (text("cli.sum_scheme", lang), f"{scheme} ({self.digest[:12]})"),
            (text("cli.sum_claims", lang), f"{self.claims:,}"),
        ]
        for outcome in Outcome:
            count = self.of(outcome)
            if count or outcome in (Outcome.GROUPED, Outcome.REJECTED):
                share = f" ({count / self.claims:.2%})" if self.claims else ""
                body.append((text(f"cli.sum_{outcome}", lang), f"{count:,}{share}"))
            body += [
                (f"  {code}", f"{n:,} {reason_title(code, lang)}".rstrip())
                for code, n in self.reasons(outcome).items()
            ]
        speed = text("cli.sum_rate", lang, seconds=f"{self.seconds:.2f}", rate=f"{rate:,.0f}")
        body += [(text("cli.sum_time", lang), speed), (text("cli.sum_out", lang), str(self.output))]
        return aligned(body)


class Tally:
    """Counts outcomes and reasons of grouped frames."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self.rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Count one frame's ``outcome`` and ``reason``."""
        self.rows += frame.height
        for outcome, reason, count in frame.group_by("outcome", "reason").len().iter_rows():
            self._counts[outcome, reason or ""] += count

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """(outcome, reason or ``""``) to number of claims."""
        return dict(self._counts)


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines whose columns stand under each other, Chinese counted as wide.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells; every row has the same number.
    right : sequence of int, optional
        Columns to align right.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            (" " * (w - _width(cell)) + cell) if n in right else cell + " " * (w - _width(cell))
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_GAP.join(cells).rstrip())
    return lines


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)
