"""Claims grouped batch after batch, weighed where asked, and counted on the way.

What one file, a part of a run and a run's sum have in common. Counts of parts add up to those of
the whole, and go into a journal or a manifest as plain values and back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

import drg
from drg.claims.frame import rename_clashing
from drg.dip.grouper import DipGrouper
from drg.errors import SchemeError
from drg.money import unscaled, yuan
from drg.payment.weight_kinds import WeightTally, WeightTotals
from drg.scale.dip_words import DipSummary, DipTally
from drg.scale.summary import REFUSED, Summary, Tally
from drg.scale.weight_words import WeightSummary

if TYPE_CHECKING:
    from pathlib import Path

    from drg.claims.profiles import ClaimColumns
    from drg.grouping.base import ClaimGrouper
    from drg.payment.weights import Weights

__all__ = ["GroupCount", "GroupCounts", "GroupWork", "summary_of"]


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """What became of claims.

    Attributes
    ----------
    outcomes : mapping of (outcome, reason) to int
        Claims of each kind; reason is ``""`` where there is none.
    versions : mapping of str to int
        Claims under each version, where the day of discharge chose it.
    weights : WeightTotals, optional
        Where they were weighed.
    dip : DipSummary, optional
        Under a DIP catalogue.
    """

    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    weights: WeightTotals | None = None
    dip: DipSummary | None = None

    @property
    def claims(self) -> int:
        """Claims in all."""
        return sum(self.outcomes.values())

    @property
    def refused(self) -> int:
        """Claims that were rejected or have no version in force."""
        return sum(n for (outcome, _), n in self.outcomes.items() if outcome in REFUSED)

    @classmethod
    def together(cls, parts: Iterable[GroupCounts]) -> GroupCounts:
        """The counts of all parts as one."""
        outcomes: Counter[tuple[str, str]] = Counter()
        versions: Counter[str] = Counter()
        weights, dips = [], []
        for part in parts:
            outcomes.update(part.outcomes)
            versions.update(part.versions)
            weights += [part.weights] if part.weights is not None else []
            dips += [part.dip] if part.dip is not None else []
        total = WeightTotals() if weights else None
        for one in weights:
            assert total is not None
            total.add(one)
        return cls(outcomes, versions, total, DipSummary.together(dips) if dips else None)

    def plain(self) -> dict[str, Any]:
        """As values that JSON and TOML hold, in an order that depends on nothing but the counts."""
        reasons: dict[str, dict[str, int]] = {}
        by_outcome: Counter[str] = Counter()
        for (outcome, reason), count in sorted(self.outcomes.items()):
            by_outcome[outcome] += count
            if reason:
                reasons.setdefault(outcome, {})[reason] = count
        told: dict[str, Any] = {"outcomes": dict(by_outcome), "reasons": reasons}
        if self.versions:
            told["versions"] = dict(sorted(self.versions.items()))
        if self.dip is not None:
            told["dip"] = self.dip.plain()
        if self.weights is not None:
            told["weights"] = {
                name: dict(sorted(value.items())) if isinstance(value, Counter) else value
                for name in WeightTotals.__slots__
                for value in [getattr(self.weights, name)]
            }
        return told

    @classmethod
    def of_plain(cls, told: Mapping[str, Any]) -> GroupCounts:
        """The counts that ``plain`` told of."""
        outcomes: dict[tuple[str, str], int] = {}
        for outcome, count in told["outcomes"].items():
            reasons = told["reasons"].get(outcome, {})
            outcomes |= {(outcome, reason): n for reason, n in reasons.items()}
            if rest := count - sum(reasons.values()):
                outcomes[outcome, ""] = rest
        weights = None
        if "weights" in told:
            weights = WeightTotals()
            for name, value in told["weights"].items():
                setattr(weights, name, Counter(value) if isinstance(value, Mapping) else value)
        dip = DipSummary.of_plain(told["dip"]) if "dip" in told else None
        return cls(outcomes, told.get("versions", {}), weights, dip)

    def totals(self) -> dict[str, Any]:
        """What it comes to, for people: claims, and weight and yuan as decimal text."""
        told: dict[str, Any] = {"claims": self.claims}
        if self.weights is not None:
            told |= {
                "weighted": self.weights.cases,
                "weight": unscaled(self.weights.weight),
                "standard": yuan(self.weights.standard_fen),
            }
        return told


class GroupWork:
    """What groups claims and adds weights to them; may be shared by threads.

    Parameters
    ----------
    grouper : ClaimGrouper
    weights : Weights, optional

    Raises
    ------
    SchemeError
        S121: weights with a DIP catalogue, which has its own scores.
    """

    def __init__(self, grouper: ClaimGrouper, weights: Weights | None = None) -> None:
        if weights is not None and grouper.kind == "dip":
            raise SchemeError("S121", id=grouper.scheme_id)
        self.grouper = grouper
        self.weights = weights

    def schema(self, claims: Mapping[str, pl.DataType]) -> pl.Schema:
        """Schema of the result for claims of this schema."""
        names = rename_clashing(claims, list(self.grouper.result_schema))
        own = {names.get(name, name): dtype for name, dtype in claims.items()}
        grouped = pl.Schema(own | self.grouper.result_schema)
        return self.weights.schema(grouped) if self.weights is not None else grouped

    def provenance(self, source: str) -> dict[str, str]:
        """Where a result comes from: enough to make it again."""
        told = {"drg.version": drg.__version__, **self.grouper.provenance, "drg.input": source}
        if self.weights is not None:
            told |= {"drg.weights": self.weights.id, "drg.weights_digest": self.weights.digest}
        return told


class GroupCount:
    """Groups frames and counts them: one file's, or one part's.

    Parameters
    ----------
    work : GroupWork
    """

    def __init__(self, work: GroupWork) -> None:
        self._work = work
        self._tally = Tally(by_version=bool(work.grouper.versions))
        self._dip = DipTally(work.grouper) if isinstance(work.grouper, DipGrouper) else None
        self._weights = None if work.weights is None else WeightTally()

    @property
    def rows(self) -> int:
        """Claims so far."""
        return self._tally.rows

    def grouped(
        self, batch: pl.DataFrame, columns: ClaimColumns, threads: int | None = None
    ) -> pl.DataFrame:
        """A batch with its results."""
        work = self._work
        frame = work.grouper.group_frame(batch, columns, threads=threads)
        if self._dip is not None:
            self._dip.add(batch, columns, frame)
        if work.weights is not None and self._weights is not None:
            frame = work.weights.weigh(frame, columns, self._weights)
        self._tally.add(frame)
        return frame

    def counts(self) -> GroupCounts:
        """The counts so far."""
        return GroupCounts(
            self._tally.counts,
            self._tally.by_version,
            None if self._weights is None else self._weights.totals(),
            None if self._dip is None else self._dip.summary(),
        )


def summary_of(
    work: GroupWork, counts: GroupCounts, source: Path, output: Path, seconds: float
) -> Summary:
    """The summary of a run of this work."""
    grouper = work.grouper
    weighed = None
    if work.weights is not None and counts.weights is not None:
        weighed = WeightSummary(work.weights, counts.weights)
    return Summary(
        grouper.scheme_id, grouper.digest, grouper.compat, source, output, seconds,
        counts.outcomes, grouper.versions, counts.versions, weighed, counts.dip,
    )  # fmt: skip
