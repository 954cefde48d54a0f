"""A policy what-if as a value: the baseline, its reforms, and what each of them changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

import drg
from drg.simulate.compare_runs import BY, RunComparison
from drg.simulate.reform import Reformed

__all__ = [
    "LINEAGE_SCHEMA", "Result", "WhatIfReport", "lineage_frame", "stacked", "stacked_moves",
    "sums_frame",
]  # fmt: skip

#: One row a number that a reform changes, as text.
LINEAGE_SCHEMA = pl.Schema(dict.fromkeys(("reform", "path", "before", "after"), pl.String()))

#: Numbers of a policy that name what the claims are grouped by.
_SCHEMES = {"drg.scheme", "dip.catalogue"}


@dataclass(frozen=True)
class Result:
    """What a reform comes to.

    Attributes
    ----------
    reformed : Reformed
    scheme, scheme_digest : str
        What its claims were grouped by; ``""``: they came grouped.
    comparison : RunComparison
        Against the baseline; its rows lie elsewhere.
    differing : int
        Claims that differ.
    """

    reformed: Reformed
    scheme: str
    scheme_digest: str
    comparison: RunComparison
    differing: int

    @property
    def label(self) -> str:
        """Name of the reform."""
        return self.reformed.label

    @property
    def pays_others(self) -> bool:
        """Whether it pays more or fewer claims than the baseline, or others for other reasons."""
        unpaid = self.comparison.unpaid
        return unpaid.get("before") != unpaid.get("after")

    @property
    def names(self) -> dict[str, str]:
        """Group to its name; to both where the two sides name one code otherwise."""
        before, after = (self.comparison.names.get(side, {}) for side in ("before", "after"))
        found = dict(after) | dict(before)
        for code, name in before.items():
            if code in after and after[code] != name:
                found[code] = f"{name} → {after[code]}"
        return found


@dataclass(frozen=True)
class WhatIfReport:
    """What a run of reforms found.

    Attributes
    ----------
    baseline : Reformed
    scheme, scheme_digest : str
        What the claims were grouped by for the baseline.
    source : str
        Name of the file of claims.
    month : str
        ``"2024-06"``; ``""``: any day of discharge.
    claims : int
    results : tuple of Result
        In the order in which they were asked for.
    hospitals : mapping of str to str
        Names of hospitals, where a register gives them.
    """

    baseline: Reformed
    scheme: str
    scheme_digest: str
    source: str
    month: str
    claims: int
    results: tuple[Result, ...]
    hospitals: Mapping[str, str] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, str]:
        """What files of it say: enough to make it again."""
        told = {
            "drg.version": drg.__version__,
            "drg.input": self.source,
            **self.baseline.metadata,
        }
        if self.month:
            told["drg.period"] = self.month
        if self.scheme:
            told |= {"drg.scheme": self.scheme, "drg.digest": self.scheme_digest}
        for number, result in enumerate(self.results, start=1):
            own = result.reformed.metadata
            start = f"drg.reform.{number}"
            told |= {
                start: result.label,
                f"{start}.policy_digest": result.reformed.policy.digest,
                f"{start}.changes": own["drg.reform_changes"],
            }
            if result.scheme and result.scheme != self.scheme:
                told |= {
                    f"{start}.scheme": result.scheme,
                    f"{start}.scheme_digest": result.scheme_digest,
                }
        return told


def stacked(report: WhatIfReport, by: str) -> pl.DataFrame:
    """A table of ``RunComparison.tables`` of every reform, the reform's label first.

    Parameters
    ----------
    report : WhatIfReport
    by : str
        One of ``BY``.
    """
    tables = [
        result.comparison.tables[by].select(pl.lit(result.label).alias("reform"), pl.all())
        for result in report.results
    ]
    return pl.concat(tables)


def stacked_moves(report: WhatIfReport) -> pl.DataFrame:
    """The moves of every reform, the reform's label first."""
    return pl.concat(
        [
            r.comparison.moves.select(pl.lit(r.label).alias("reform"), pl.all())
            for r in report.results
        ]
    )


def sums_frame(report: WhatIfReport) -> pl.DataFrame:
    """Every table as one long frame: reform, ``by``, all keys (null: not of this table), sums."""
    keys = list(dict.fromkeys(key for names in BY.values() for key in names))
    frames = []
    for by, own in BY.items():
        blank = [pl.lit(None, pl.String).alias(key) for key in keys if key not in own]
        frame = stacked(report, by).with_columns(pl.lit(by).alias("by"), *blank)
        sums = [name for name in frame.columns if name not in ("reform", "by", *keys)]
        frames.append(frame.select("reform", "by", *keys, *sums))
    return pl.concat(frames)


def lineage_frame(report: WhatIfReport) -> pl.DataFrame:
    """``LINEAGE_SCHEMA``: every number that a reform changes, and the scheme where it does."""
    rows: list[tuple[str, str, str, str]] = []
    for result in report.results:
        told = {one.path for one in result.reformed.lineage} & _SCHEMES
        if result.scheme != report.scheme and not told:
            rows.append((result.label, "scheme", report.scheme, result.scheme))
        rows += [(result.label, *one) for one in result.reformed.lineage]
    return pl.DataFrame(rows, schema=LINEAGE_SCHEMA, orient="row")
