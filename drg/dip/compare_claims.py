"""The same claims under two catalogues: what each covers, which claims move, how scores shift."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from drg.grouping.result import Outcome
from drg.money import PLACES

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.dip.grouper import DipGrouper

__all__ = ["ClaimComparison", "ClaimTally"]

_SUMS = ("claims", "score_a", "score_b")


@dataclass(frozen=True, slots=True)
class ClaimComparison:
    """Sums over claims.

    Attributes
    ----------
    groups : DataFrame
        ``group_a``, ``group_b`` (base codes; null: no group), ``class_a``, ``class_b`` (class and
        kind, or the outcome's reason), ``claims``, ``score_a``, ``score_b`` (sums × 10⁴); one row a
        pair of groups that occurs, most claims first.
    hospitals : DataFrame
        ``hospital_id`` (null: not reported), ``claims``, ``grouped_a``, ``grouped_b``,
        ``score_a``, ``score_b``.
    """

    groups: pl.DataFrame
    hospitals: pl.DataFrame

    @property
    def claims(self) -> int:
        """All claims."""
        return int(self.groups["claims"].sum())

    def grouped(self, side: str) -> int:
        """Claims that a catalogue (``a`` or ``b``) has a group for."""
        found = self.groups.filter(pl.col(f"group_{side}").is_not_null())
        return int(found["claims"].sum())

    def moved(self) -> pl.DataFrame:
        """Rows of ``groups`` whose group differs."""
        return self.groups.filter(~pl.col("same"))

    def classes(self) -> pl.DataFrame:
        """``class_a``, ``class_b``, ``claims``, ``moved``: from class to class."""
        return (
            self.groups.group_by("class_a", "class_b")
            .agg(
                pl.col("claims").sum(),
                pl.col("claims").filter(~pl.col("same")).sum().alias("moved"),
            )
            .sort("claims", "class_a", "class_b", descending=[True, False, False])
        )


class ClaimTally:
    """Groups claims under two catalogues and adds up.

    Parameters
    ----------
    a, b : DipGrouper
    same : mapping of str to str
        Code in the second catalogue to that of the same group in the first.
    """

    def __init__(self, a: DipGrouper, b: DipGrouper, same: dict[str, str]) -> None:
        self._a, self._b = a, b
        self._same = same
        self._groups: list[pl.DataFrame] = []
        self._hospitals: list[pl.DataFrame] = []
        self.claims = 0

    def add(self, frame: pl.DataFrame, columns: ClaimColumns, threads: int | None = None) -> None:
        """Add the claims of a frame."""
        self.claims += frame.height
        sides = [
            _side(grouper.results_frame(frame, columns, threads=threads), suffix)
            for grouper, suffix in ((self._a, "a"), (self._b, "b"))
        ]
        source = columns.scalars.get("hospital_id")
        hospital = (
            frame[source].cast(pl.String)
            if source is not None
            else pl.repeat(None, frame.height, dtype=pl.String, eager=True)
        )
        both = pl.concat([*sides, pl.DataFrame({"hospital_id": hospital})], how="horizontal")
        self._groups.append(_added(both, ["group_a", "group_b", "class_a", "class_b"]))
        self._hospitals.append(
            both.group_by("hospital_id").agg(
                pl.len().cast(pl.Int64).alias("claims"),
                pl.col("group_a").is_not_null().sum().cast(pl.Int64).alias("grouped_a"),
                pl.col("group_b").is_not_null().sum().cast(pl.Int64).alias("grouped_b"),
                pl.col("score_a", "score_b").sum(),
            )
        )
        if len(self._groups) > _PARTS:
            self._groups = [_merged(self._groups, _GROUP_KEYS)]

    def totals(self) -> ClaimComparison:
        """What was added."""
        groups = _scaled(_merged(self._groups, _GROUP_KEYS))
        written = pl.col("group_b").replace(self._same) if self._same else pl.col("group_b")
        groups = groups.with_columns(pl.col("group_a").eq_missing(written).alias("same"))
        order = ["claims", *_GROUP_KEYS]
        groups = groups.sort(order, descending=[True, *[False] * len(_GROUP_KEYS)])
        hospitals = _scaled(_merged(self._hospitals, ["hospital_id"]))
        return ClaimComparison(groups, hospitals.sort("hospital_id"))


_GROUP_KEYS = ["group_a", "group_b", "class_a", "class_b"]
#: Parts that are kept before they are added up.
_PARTS = 64


def _side(results: pl.DataFrame, suffix: str) -> pl.DataFrame:
    """Base group, class or reason, and score × 10⁴ of every claim under one catalogue."""
    grouped = pl.col("outcome").cast(pl.String) == Outcome.GROUPED.value
    return results.select(
        pl.when(grouped).then(pl.col("adrg").cast(pl.String)).alias(f"group_{suffix}"),
        pl.when(grouped)
        .then(pl.col("group_class").cast(pl.String))
        .otherwise(pl.col("reason").cast(pl.String))
        .alias(f"class_{suffix}"),
        pl.col("score").fill_null(0).cast(pl.Decimal(38, PLACES)).alias(f"score_{suffix}"),
    )


def _added(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return frame.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("claims"), pl.col("score_a", "score_b").sum()
    )


def _merged(parts: list[pl.DataFrame], keys: list[str]) -> pl.DataFrame:
    if not parts:
        schema = {**dict.fromkeys(keys, pl.String), **dict.fromkeys(_SUMS, pl.Int64)}
        if keys == ["hospital_id"]:
            schema |= dict.fromkeys(("grouped_a", "grouped_b"), pl.Int64)
        return pl.DataFrame(schema=schema)
    return pl.concat(parts).group_by(keys).agg(pl.exclude(keys).sum())


def _scaled(frame: pl.DataFrame) -> pl.DataFrame:
    """Sums of scores as integers scaled 10⁴; polars adds decimals exactly, and no more."""
    return frame.with_columns(
        pl.Series(name, [int(Decimal(v).scaleb(PLACES)) for v in frame[name]], dtype=pl.Int64)
        for name in ("score_a", "score_b")
    )
