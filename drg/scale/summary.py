"""What became of the claims of a run: counted batch by batch, told in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drg.grouping.result import Outcome
from drg.reasons import reason_title
from drg.text import aligned, text

if TYPE_CHECKING:
    import polars as pl

    from drg.grouping.base import ClaimGrouper
    from drg.scale.dip_words import DipSummary
    from drg.scale.weight_words import WeightSummary
    from drg.schemes.versions import Version

__all__ = ["REFUSED", "Summary", "Tally", "aligned"]

#: Outcomes of claims that somebody has to mend.
REFUSED = (Outcome.REJECTED, Outcome.NOT_IN_FORCE)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one run.

    Attributes
    ----------
    scheme, digest, compat : str
        Id of the scheme or place, digest of its resolved tables, overlay name (``""`` for none).
    source, output : Path
        As the caller named them.
    seconds : float
        Wall time from opening the input to the finished output.
    counts : mapping of (outcome, reason) to int
        Claims of each kind; reason is ``""`` where there is none.
    versions : tuple of Version
        What the day of discharge chose from; none where one scheme was named.
    by_version : mapping of str to int
        Claims under each version, by its id.
    weights : WeightSummary, optional
        What the claims' weights come to, where a run has weights.
    dip : DipSummary, optional
        Classes of groups and what decided them, under a DIP catalogue.
    """

    scheme: str
    digest: str
    compat: str
    source: Path
    output: Path
    seconds: float
    counts: Mapping[tuple[str, str], int]
    versions: tuple[Version, ...] = ()
    by_version: Mapping[str, int] = field(default_factory=dict)
    weights: WeightSummary | None = None
    dip: DipSummary | None = None

    @classmethod
    def of_run(
        cls,
        grouper: ClaimGrouper,
        source: Path,
        output: Path,
        seconds: float,
        tally: Tally,
    ) -> Summary:
        """The summary of a run of this grouper without weights."""
        return cls(
            grouper.scheme_id,
            grouper.digest,
            grouper.compat,
            source,
            output,
            seconds,
            tally.counts,
            grouper.versions,
            tally.by_version,
        )

    @property
    def claims(self) -> int:
        """Claims read, which is claims written."""
        return sum(self.counts.values())

    @property
    def refused(self) -> int:
        """Claims that were rejected or have no version in force: exit code 1 speaks of them."""
        return sum(self.of(outcome) for outcome in REFUSED)

    def of(self, outcome: str) -> int:
        """Claims with this outcome."""
        return sum(n for (found, _), n in self.counts.items() if found == outcome)

    def reasons(self, outcome: str) -> dict[str, int]:
        """Reason code to number of claims of this outcome, the most frequent first."""
        found = {code: n for (o, code), n in self.counts.items() if o == outcome and code}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def lines(
        self,
        lang: str | None = None,
        *,
        time: str | None = None,
        more: Sequence[tuple[str, str]] = (),
    ) -> list[str]:
        """The summary that ``drg group`` ends with.

        Parameters
        ----------
        lang : {"zh", "en"}, optional
            Language; the context's when omitted.
        time : str, optional
            What is said of the time, instead of seconds and claims a second.
        more : sequence of (str, str), optional
            Labels and values behind the output.
        """
        scheme = f"{self.scheme} + {self.compat}" if self.compat else self.scheme
        rate = self.claims / self.seconds if self.seconds > 0 else 0.0
        body: list[tuple[str, ...]] = [
            (text("cli.sum_scheme", lang), f"{scheme} ({self.digest[:12]})"),
            *((f"  {version.id}", self._version_words(version, lang)) for version in self.versions),
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
        if self.weights is not None:
            body += self.weights.rows(lang)
        if self.dip is not None:
            body += self.dip.rows(lang)
        speed = text("cli.sum_rate", lang, seconds=f"{self.seconds:.2f}", rate=f"{rate:,.0f}")
        body += [(text("cli.sum_time", lang), speed if time is None else time)]
        body += [(text("cli.sum_out", lang), str(self.output)), *more]
        return aligned(body) + self.dates_note(lang) + self._weights_notes(lang)

    def dates_note(self, lang: str | None = None) -> list[str]:
        """That dates a claim's version was chosen by are assumed: one line, or none."""
        assumed = any(version.interval and version.assumed for version in self.versions)
        return [text("cli.dates_assumed", lang)] if assumed else []

    def _weights_notes(self, lang: str | None) -> list[str]:
        if self.weights is None:
            return []
        schemes = [v.id for v in self.versions if self.by_version.get(v.id)] or [self.scheme]
        return self.weights.notes(schemes, lang)

    def _version_words(self, version: Version, lang: str | None) -> str:
        if version.interval is None:
            return text("cli.sum_undated", lang)
        return text(
            "cli.sum_version",
            lang,
            days=version.days,
            status=text(f"explain.dates_{version.status}", lang),
            claims=f"{self.by_version.get(version.id, 0):,}",
        )


class Tally:
    """Counts outcomes and reasons of grouped frames.

    Parameters
    ----------
    by_version : bool, optional
        Count the column ``scheme`` as well, which a run by place has.
    """

    def __init__(self, *, by_version: bool = False) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._versions: Counter[str] | None = Counter() if by_version else None
        self.rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Count one frame's ``outcome`` and ``reason``."""
        self.rows += frame.height
        for outcome, reason, count in frame.group_by("outcome", "reason").len().iter_rows():
            self._counts[outcome, reason or ""] += count
        if self._versions is not None:
            for scheme, count in frame.group_by("scheme").len().iter_rows():
                self._versions[scheme or ""] += count

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """(outcome, reason or ``""``) to number of claims."""
        return dict(self._counts)

    @property
    def by_version(self) -> dict[str, int]:
        """Version to number of claims, ``""`` for none; empty where one scheme was named."""
        return dict(self._versions or {})
