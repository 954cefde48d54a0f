"""The figures of a level: value, numerator and denominator, or the reason why there is none.

Sums of measures are divided here, whole columns at a time; ``computed`` has the figures that are
not sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from drg.quotients import quotient_array
from drg.reports.kpi.catalog import SUMMED
from drg.reports.kpi.region import means_of
from drg.reports.kpi.report import DIMENSIONS, VALUES, level_dimensions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.reports.kpi.catalog import Catalogue, Kpi
    from drg.reports.kpi.cells import Cells
    from drg.reports.kpi.facts import Facts
    from drg.reports.kpi.reference import Reference
    from drg.reports.kpi.sums import KpiSums, LevelSums, Units

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "HIGH", "LACKING", "NONE", "OK", "Column", "Figures", "assembled", "divided", "ints", "lacking",
    "nothing", "of_other_system", "summed", "told_of",
]  # fmt: skip

#: In place of a number: there is none.
NONE = -(2**63)
#: Reasons, and flags, by the numbers that columns hold.
REASONS = (
    "", "missing", "no_cases", "zero_denominator", "other_system", "no_reference", "no_earlier",
    "one_case",
)  # fmt: skip
OK, LACKING, NO_CASES, ZERO, OTHER_SYSTEM, NO_REFERENCE, NO_EARLIER, ONE_CASE = range(8)
FLAGS = ("", "high")
HIGH = 1
#: Units of measures as a number of their base: yuan, one.
_SCALE = {"count": 1, "days": 1, "fen": 100, "e4": 10**4}
#: Figures that only one of the two systems has.
_OF = {
    "drg": ("total_weight",),
    "dip": ("total_score", "mean_score", "core_share", "comprehensive_share"),
}


class Column(NamedTuple):
    """One figure over the units of a level, as ``VALUES`` has it; ``NONE`` for null.

    Attributes
    ----------
    top, bottom, value, cases, left_out : int64 array
    reason : uint8 array
        Places in ``REASONS``.
    lacking : str
        Column that is missing where the reason says so.
    flag : uint8 array or None
        Places in ``FLAGS``.
    """

    top: Ints
    bottom: Ints
    value: Ints
    cases: Ints
    left_out: Ints
    reason: NDArray[np.uint8]
    lacking: str = ""
    flag: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Figures:
    """What figures are made of."""

    facts: Facts
    reference: Reference
    catalogue: Catalogue
    sums: Mapping[str, LevelSums]
    cells: Mapping[str, Cells]
    means: dict[str, list[Fraction | None]] = field(default_factory=dict)

    def mean_of(self, of: str) -> list[Fraction | None]:
        """Regional means of ``cost`` or ``los`` by place of the group."""
        if of not in self.means:
            self.means[of] = means_of(self.facts, self.reference, of)
        return self.means[of]


def summed(facts: Facts, kpi: Kpi) -> bool:
    """Whether a figure is a sum, and the facts have all of it."""
    return kpi.kind in SUMMED and not lacking(facts, kpi)


def lacking(facts: Facts, kpi: Kpi) -> str:
    """The column for want of which no claim counts in a figure; ``""``: none."""
    if kpi.population == "grouped" and not facts.has("grouped"):
        return "outcome"
    worth = {"weight": "rw", "score": "score"}
    for _, measure in (*kpi.numerator, *kpi.denominator):
        if not facts.has(measure.id) and measure.id != "claims":
            untold = (n for n in measure.needs if n not in worth or not facts.has(worth[n]))
            return next(untold, measure.id)
    return ""


def of_other_system(kpi: Kpi, system: str) -> bool:
    """Whether only the other system has a figure."""
    return any(kpi.id in ids and system not in ("", mine) for mine, ids in _OF.items())


def told_of(kpi: Kpi, level: str) -> bool:
    """Whether a level has a figure."""
    told = level_dimensions(level)
    return {
        "": True,
        "period": "period" in told,
        "group": "group" in told,
        "above_group": "group" not in told,
        "above_hospital": "hospital" not in told,
        "fund": False,
    }[kpi.levels]


def ints(values: Sequence[int | None]) -> Ints:
    """Whole numbers as an array, ``NONE`` for None."""
    return np.array([NONE if value is None else value for value in values], np.int64)


def nothing(count: int, reason: int, lacks: str = "") -> Column:
    """A figure that no unit has."""
    none, zero = np.full(count, NONE, np.int64), np.zeros(count, np.int64)
    return Column(none, none, none, zero, zero, np.full(count, reason, np.uint8), lacks)


def divided(kpi: Kpi, sums: KpiSums) -> Column:
    """A figure from its sums."""
    told = sums.cases > 0
    top = np.where(told, sums.top, NONE)
    if kpi.denominator:
        bottom = np.where(told, sums.bottom, NONE)
        value = np.full(len(told), NONE, np.int64)
        above = told & (sums.bottom > 0)
        scale = Fraction(_SCALE[kpi.denominator_unit] * 10**kpi.places, _SCALE[kpi.numerator_unit])
        by, over = (
            np.full(int(above.sum()), factor, np.int64)
            for factor in (scale.numerator, scale.denominator)
        )
        value[above] = quotient_array([sums.top[above], by], [sums.bottom[above], over])
    else:
        scale_up = 10**kpi.places // _SCALE[kpi.numerator_unit]
        bottom = np.full(len(told), NONE, np.int64)
        value = np.where(told, sums.top * scale_up, NONE)
    return Column(
        top, bottom, value, sums.cases, sums.left_out, reasons(value, sums), ", ".join(kpi.needs)
    )


def reasons(value: Ints, sums: KpiSums) -> NDArray[np.uint8]:
    """Why a value of sums is not told."""
    return np.select(
        [value != NONE, sums.cases > 0, sums.left_out > 0], [OK, ZERO, LACKING], NO_CASES
    ).astype(np.uint8)


def assembled(
    level: str, units: Units, kpis: Sequence[Kpi], columns: Sequence[Column]
) -> pl.DataFrame:
    """Rows of ``VALUES`` of a level: by unit, then in the order of the figures."""
    count, width = units.count, len(kpis)
    told = level_dimensions(level)
    unit = pl.Series(np.repeat(np.arange(count, dtype=np.uint32), width))
    # One column a figure becomes one row a unit after the other.
    reason = np.stack([c.reason for c in columns], axis=1)
    lacks = pl.Series(["", *(c.lacking for c in columns)], dtype=pl.String)
    at = np.where(reason == LACKING, np.arange(1, width + 1), 0)
    none = np.zeros(count, np.uint8)
    flag = np.stack([none if c.flag is None else c.flag for c in columns], axis=1)

    def repeated(text: str | None) -> pl.Series:
        return pl.repeat(text, count * width, dtype=pl.String, eager=True)

    def numbers(parts: Sequence[Ints]) -> pl.Series:
        flat = np.stack(parts, axis=1).ravel()
        series = pl.Series(flat)
        absent = flat == NONE
        return series.set(pl.Series(absent), None) if absent.any() else series

    ids = pl.Series([kpi.id for kpi in kpis], dtype=pl.String)
    return pl.DataFrame(
        {
            "level": repeated(level),
            **{d: units.texts[d].gather(unit) if d in told else repeated(None) for d in DIMENSIONS},
            "kpi": ids.gather(pl.Series(np.tile(np.arange(width, dtype=np.uint32), count))),
            "numerator": numbers([c.top for c in columns]),
            "denominator": numbers([c.bottom for c in columns]),
            "value": numbers([c.value for c in columns]),
            "cases": numbers([c.cases for c in columns]),
            "left_out": numbers([c.left_out for c in columns]),
            "reason": _words(REASONS, reason),
            "lacking": lacks.gather(pl.Series(at.ravel().astype(np.uint32))),
            "flag": _words(FLAGS, flag),
        },
        schema=VALUES,
    )


def _words(names: Sequence[str], places: NDArray[np.uint8]) -> pl.Series:
    series = pl.Series(names, dtype=pl.String)
    return series.gather(pl.Series(places.ravel().astype(np.uint32)))
