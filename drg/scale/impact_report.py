"""What a comparison of two schemes on a file found, in lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from drg.grouping.result import Outcome
from drg.schemes.diff import SchemeLabel
from drg.simulate.impact import KINDS, MoveTally
from drg.text import aligned, text

__all__ = ["ImpactReport"]

#: Lines of a list on the terminal.
_LINES = 15


def say(key: str, lang: str | None, /, **params: object) -> str:
    """One wording of compare.toml."""
    return text(f"compare.{key}", lang, **params)


@dataclass(frozen=True)
class ImpactReport:
    """What a comparison of two schemes on a file found.

    Attributes
    ----------
    before, after : SchemeLabel
        The two schemes.
    tally : MoveTally
        Claims, moves, from–to counts and reasons.
    source, output : Path
        As the caller named them; without an output, the input.
    seconds : float
        Wall time.
    """

    before: SchemeLabel
    after: SchemeLabel
    tally: MoveTally
    source: Path
    output: Path
    seconds: float

    def lines(self, lang: str | None = None) -> list[str]:
        """Counts, outcomes from–to, reasons, and the commonest moves."""
        lines = [*aligned(self.facts(lang)), "", say("impact_outcomes", lang)]
        lines += self._outcomes(lang)
        if self.tally.moved:
            lines += ["", say("impact_reasons", lang), *self._kinds(lang)]
            lines += ["", say("impact_moves", lang), *self._moves(lang)]
            lines += ["", say("impact_details", lang), *self._details(lang)]
        return lines

    def facts(self, lang: str | None = None) -> list[tuple[str, str]]:
        """Label and value: the schemes, the claims, how many move, the time."""
        claims, moved = self.tally.claims, self.tally.moved
        share = f" ({moved / claims:.2%})" if claims else ""
        return [
            (say("head_before", lang), self.before.words(lang)),
            (say("head_after", lang), self.after.words(lang)),
            (say("impact_claims", lang), f"{claims:,}"),
            (say("impact_stayed", lang), f"{claims - moved:,}"),
            (say("impact_moved", lang), f"{moved:,}{share}"),
            (say("impact_time", lang), say("impact_seconds", lang, seconds=f"{self.seconds:.1f}")),
        ]

    def _outcomes(self, lang: str | None) -> list[str]:
        """From–to by outcome: rows before, columns after."""
        counts = {(f, t): n for f, t, n, _ in self.tally.matrix("outcome").iter_rows()}
        found = {name for pair in counts for name in pair}
        names = [outcome.value for outcome in Outcome if outcome in found]
        words = [text(f"explain.outcome_{name}", lang) for name in names]
        rows = [[say("impact_corner", lang), *words]]
        for name, word in zip(names, words, strict=True):
            cells = [counts.get((name, other), 0) for other in names]
            rows.append([word, *(f"{n:,}" if n else "—" for n in cells)])
        return [f"  {line}" for line in aligned(rows, right=range(1, len(names) + 1))]

    def _kinds(self, lang: str | None) -> list[str]:
        counts = self.by_kind
        rows = [
            (say(f"move_{kind}", lang), f"{n:,}", f"{n / self.tally.moved:.1%}")
            for kind, n in counts.items()
        ]
        return [f"  {line}" for line in aligned(rows, right=(1, 2))]

    @property
    def by_kind(self) -> dict[str, int]:
        """Kind of reason to moves, most first."""
        counts = dict.fromkeys(KINDS, 0)
        for kind, count in self.tally.reasons.select("reason", "claims").iter_rows():
            counts[kind] += count
        found = {kind: n for kind, n in counts.items() if n}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _moves(self, lang: str | None) -> list[str]:
        moves = self.tally.matrix("group").filter(pl.col("from") != pl.col("to"))
        rows = [
            (f"{_place(one, lang)} → {_place(other, lang)}", f"{n:,}", f"{share:.2%}")
            for one, other, n, share in moves.head(_LINES).iter_rows()
        ]
        return _listed(rows, moves.height, lang)

    def _details(self, lang: str | None) -> list[str]:
        by = ["reason", "table_row", "detail"]
        found = self.tally.reasons.group_by(by).agg(pl.col("claims").sum())
        found = found.sort("claims", *by, descending=[True, False, False, False])
        rows = [
            (f"{n:,}", say(f"move_{kind}", lang), row, detail)
            for kind, row, detail, n in found.head(_LINES).iter_rows()
        ]
        return _listed(rows, found.height, lang, right=(0,))


def _listed(
    rows: Sequence[Sequence[str]], count: int, lang: str | None, right: Sequence[int] = (1, 2)
) -> list[str]:
    """Lines under a heading, and how many more there are."""
    lines = [f"  {line}" for line in aligned(rows, right=right)]
    more = count - len(rows)
    return [*lines, "  " + say("impact_more", lang, count=f"{more:,}")] if more else lines


def _place(name: str, lang: str | None) -> str:
    """A group as it is, an outcome in words."""
    return text(f"explain.outcome_{name}", lang) if name in set(Outcome) else name
