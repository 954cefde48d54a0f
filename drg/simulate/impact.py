"""Which claims move between two schemes: from–to counts, and the reason of each move.

The kernel groups every claim twice; only claims that move are told by the reference grouper.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

import polars as pl

from drg.claims.profiles import ClaimColumns, match_columns
from drg.grouping.fields import COLUMN_OF_FIELD
from drg.grouping.result import Outcome
from drg.schemes.diff_rules import renumbered_adrgs
from drg.schemes.rules import SCALAR_FIELDS
from drg.simulate.compare_rules import KINDS, MoveReason, Side
from drg.simulate.parting import why

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.grouping.grouper import Grouper

__all__ = ["KINDS", "LEVELS", "Impact", "MoveReason", "MoveTally"]

Level = Literal["outcome", "adrg", "group"]
LEVELS: tuple[Level, ...] = ("outcome", "adrg", "group")
#: Columns of ``Impact.compare``: where the claim is under the one scheme and under the other.
COMPARED = (
    "from",
    "to",
    "from_adrg",
    "to_adrg",
    "from_outcome",
    "to_outcome",
    "from_name",
    "to_name",
)
#: Reasons kept to be given again; real claims seldom repeat, made-up and wrong ones often do.
_KEPT = 20_000
_content = attrgetter(
    "diagnoses", "procedures", *(COLUMN_OF_FIELD.get(name, name) for name in SCALAR_FIELDS)
)


class Impact:
    """Two schemes, ready to be compared on claims.

    Parameters
    ----------
    before, after : Grouper
        The scheme in use, and the one that may come.
    """

    def __init__(self, before: Grouper, after: Grouper) -> None:
        self.before = before
        self.after = after
        self._reasons: dict[object, MoveReason] = {}

    @cached_property
    def _sides(self) -> tuple[Side, Side]:
        now_called = renumbered_adrgs(self.before.scheme, self.after.scheme)
        once_called = {now: was for was, now in now_called.items()}
        return (
            Side(self.before, "side_before", once_called),
            Side(self.after, "side_after", now_called),
        )

    def compare(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns | None = None,
        *,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Group every claim under both schemes.

        Parameters
        ----------
        frame : DataFrame
            One claim a row.
        columns : ClaimColumns, optional
            Which columns feed which field; by default the header profiles decide.
        threads : int, optional
            Threads of the kernel; by default one a core.

        Returns
        -------
        DataFrame
            Same rows, same order; columns ``COMPARED``, all ``String``. ``from`` and ``to`` are
            the group of a claim that has one, else its outcome; likewise the ADRG. A claim has
            moved when ``from`` and ``to`` differ.
        """
        columns = columns or match_columns(frame.columns, dict(frame.schema))
        parts = []
        for prefix, grouper in (("from", self.before), ("to", self.after)):
            found = grouper.results_frame(frame, columns, threads=threads)
            outcome = pl.col("outcome").cast(pl.String)
            group = pl.col("group").cast(pl.String)
            adrg = pl.col("adrg").cast(pl.String)
            grouped, ambiguous = outcome == Outcome.GROUPED, outcome == Outcome.AMBIGUOUS
            parts.append(
                found.select(
                    pl.when(grouped | ambiguous).then(group).otherwise(outcome).alias(prefix),
                    pl.when(grouped)
                    .then(adrg)
                    .when(ambiguous)
                    .then(group)
                    .otherwise(outcome)
                    .alias(f"{prefix}_adrg"),
                    outcome.alias(f"{prefix}_outcome"),
                    pl.col("group_name").cast(pl.String).alias(f"{prefix}_name"),
                )
            )
        return pl.concat(parts, how="horizontal").select(COMPARED)

    def why(self, claim: Claim, lang: str | None = None) -> MoveReason:
        """Why a claim that moves does: the first step at which its two decision paths part.

        Parameters
        ----------
        claim : Claim
            A claim whose ``from`` and ``to`` differ.
        lang : {"zh", "en"}, optional
            Language of the detail; the context's when omitted.
        """
        key = (lang, *_content(claim))
        found = self._reasons.get(key)
        if found is None:
            if len(self._reasons) >= _KEPT:
                self._reasons.clear()
            found = self._reasons[key] = why(*self._sides, claim, lang)
        return found


class MoveTally:
    """Counts claims by where they are under either scheme, and moves by reason."""

    def __init__(self) -> None:
        self.claims = 0
        self.moved = 0
        self._matrix: dict[Level, Counter[tuple[str, str]]] = {lv: Counter() for lv in LEVELS}
        self._reasons: Counter[tuple[str, ...]] = Counter()

    def add(self, compared: pl.DataFrame) -> None:
        """Count a frame of ``Impact.compare``."""
        self.claims += compared.height
        self.moved += compared.filter(pl.col("from") != pl.col("to")).height
        columns = {"outcome": "_outcome", "adrg": "_adrg", "group": ""}
        for level, suffix in columns.items():
            pair = (f"from{suffix}", f"to{suffix}")
            for one, other, count in compared.group_by(pair).len().iter_rows():
                self._matrix[level][one, other] += count  # type: ignore[index]

    def add_reason(self, one: str, other: str, reason: MoveReason) -> None:
        """Count the reason of one move."""
        self._reasons[one, other, *reason] += 1

    def matrix(self, level: Level) -> pl.DataFrame:
        """From, to, claims and share of all claims, most claims first; stays included."""
        counts = self._matrix[level]
        rows = [(one, other, count) for (one, other), count in counts.items()]
        schema = {"from": pl.String, "to": pl.String, "claims": pl.Int64}
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        share = (pl.col("claims") / max(self.claims, 1)).alias("share")
        return frame.with_columns(share).sort(
            "claims", "from", "to", descending=[True, False, False]
        )

    @property
    def reasons(self) -> pl.DataFrame:
        """From, to, reason, table_row, detail and claims: equal ones together, most first."""
        names = ("from", "to", "reason", "table_row", "detail")
        rows = [(*key, count) for key, count in self._reasons.items()]
        schema = dict.fromkeys(names, pl.String) | {"claims": pl.Int64}
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        return frame.sort("claims", *names, descending=[True, *(False for _ in names)])
