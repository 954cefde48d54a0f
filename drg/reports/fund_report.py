"""A fund warning as a value, and as frames for files: what workbook, page and terminal show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import polars as pl

from drg.money import PLACES, round_scaled, unscaled
from drg.settlement.warning import LineWarning
from drg.settlement.warning_fund import FundState
from drg.settlement.warning_plan import ALL
from drg.settlement.warning_scale import LEVELS, Level, Scales, worst

__all__ = [
    "BOUNDS", "FUNDS", "LINES", "MONTHLY", "QUARTERLY", "UNKNOWN", "FundReport", "bounds_frame",
    "funds_frame", "lines_frame", "months_frame", "quarters_frame",
]  # fmt: skip

#: Hospital or insurance that the claims do not tell.
UNKNOWN = "-"

_UNIT = {"unit": pl.String(), "name": pl.String(), "insurance": pl.String()}
#: One row a line. ``unit`` and ``insurance`` are ``""`` for the region and for all; ratios are
#: scaled 10⁴, with their numerators and denominators beside them in fen; null: no plan, or unknown.
LINES = pl.Schema(
    {
        **_UNIT, "level": pl.String(), "why": pl.String(), "months": pl.Int64(),
        "budget_fen": pl.Int64(), "plan_so_far_fen": pl.Int64(), "spent_fen": pl.Int64(),
        "of_plan_e4": pl.Int64(), "of_year_e4": pl.Int64(), "linear_fen": pl.Int64(),
        "seasonal_fen": pl.Int64(), "projected_fen": pl.Int64(), "over_fen": pl.Int64(),
        "used_up": pl.Int64(),
    }
)  # fmt: skip
MONTHLY = pl.Schema(
    {
        **_UNIT, "month": pl.String(), "plan_fen": pl.Int64(), "spent_fen": pl.Int64(),
        "plan_so_far_fen": pl.Int64(), "spent_so_far_fen": pl.Int64(), "of_plan_e4": pl.Int64(),
    }
)  # fmt: skip
QUARTERLY = pl.Schema(
    {
        **_UNIT, "quarter": pl.Int64(), "months": pl.Int64(), "plan_fen": pl.Int64(),
        "spent_fen": pl.Int64(), "of_plan_e4": pl.Int64(), "over_fen": pl.Int64(),
    }
)  # fmt: skip
FUNDS = pl.Schema(
    {
        "insurance": pl.String(), "period": pl.String(), "months": pl.Int64(),
        "income_fen": pl.Int64(), "spending_fen": pl.Int64(), "balance_fen": pl.Int64(),
        "closing_fen": pl.Int64(), "mean_fen": pl.Int64(), "reserve_e4": pl.Int64(),
        "risk_fen": pl.Int64(), "risk_share_e4": pl.Int64(), "level": pl.String(),
        "why": pl.String(),
    }
)  # fmt: skip
BOUNDS = pl.Schema(
    {
        "measure": pl.String(), "insurance": pl.String(), "bounds": pl.String(),
        "note": pl.String(), "source": pl.String(), "status": pl.String(),
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FundReport:
    """A year's warning.

    Attributes
    ----------
    year : int
    settled : tuple of int
        Months of the year that were settled, in order.
    lines : tuple of LineWarning
        The region first (``drg.settlement.warning.watch``); empty without settled months.
    funds : tuple of FundState
    names : mapping of str to str
        Names of hospitals, where known.
    scales : Scales
    planned, seasonal : bool
        Whether there is a plan, and last year's twelve months.
    policy : str
        Title of the policy whose items outside the budget were left out; ``""``: none.
    """

    year: int
    settled: tuple[int, ...]
    lines: tuple[LineWarning, ...]
    funds: tuple[FundState, ...]
    scales: Scales
    names: Mapping[str, str] = field(default_factory=dict)
    planned: bool = False
    seasonal: bool = False
    policy: str = ""

    @property
    def region(self) -> LineWarning | None:
        """The line of the whole region; None: no months were given."""
        return next((one for one in self.lines if (one.unit, one.insurance) == (ALL, ALL)), None)

    @property
    def hospitals(self) -> tuple[LineWarning, ...]:
        """Lines of hospitals."""
        return tuple(one for one in self.lines if one.unit)

    @property
    def gaps(self) -> tuple[int, ...]:
        """Months before the last settled one that were not settled."""
        return tuple(m for m in range(1, max(self.settled, default=0)) if m not in self.settled)

    @property
    def level(self) -> Level:
        """The worst level of lines and funds."""
        return worst([*(line.level for line in self.lines), *(one.level for one in self.funds)])

    def counts(self) -> dict[Level | None, int]:
        """Lines of hospitals by level, the worst first; None: not judged."""
        levels = [line.level for line in self.hospitals]
        order: tuple[Level | None, ...] = (*reversed(LEVELS), None)
        return {level: levels.count(level) for level in order if level in levels}


def _e4(value: Fraction | None) -> int | None:
    return None if value is None else round_scaled(value, PLACES)


def _why(one: LineWarning | FundState) -> str:
    """Measures that lead to the level, joined by ``+``; ``""`` when nothing is wrong."""
    if one.level in (None, LEVELS[0]):
        return ""
    return "+".join(judged.measure for judged in one.judged if judged.level == one.level)


def _frame(rows: Iterator[tuple[Any, ...]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def lines_frame(report: FundReport) -> pl.DataFrame:
    """``LINES``."""
    return _frame(
        (
            (
                line.unit, report.names.get(line.unit, ""), line.insurance, line.level, _why(line),
                len(line.months), line.budget.year_fen if line.budget else None,
                line.months[-1].plan_so_far if line.months else None, line.spent,
                _e4(line.of_plan), _e4(line.of_year), line.linear, line.seasonal, line.projected,
                line.projected_over, line.used_up,
            )
            for line in report.lines
        ),
        LINES,
    )  # fmt: skip


def months_frame(report: FundReport, lines: Sequence[LineWarning] | None = None) -> pl.DataFrame:
    """``MONTHLY`` of these lines, or of all."""
    return _frame(
        (
            (
                line.unit, report.names.get(line.unit, ""), line.insurance,
                f"{report.year}-{row.month:02}", row.plan, row.spent, row.plan_so_far,
                row.spent_so_far, _e4(row.of_plan),
            )
            for line in (report.lines if lines is None else lines)
            for row in line.months
        ),
        MONTHLY,
    )  # fmt: skip


def quarters_frame(report: FundReport, lines: Sequence[LineWarning] | None = None) -> pl.DataFrame:
    """``QUARTERLY`` of these lines, or of all; without rows where there is no plan."""
    return _frame(
        (
            (
                line.unit, report.names.get(line.unit, ""), line.insurance, row.quarter,
                row.months, row.plan, row.spent, _e4(row.of_plan), row.over,
            )
            for line in (report.lines if lines is None else lines)
            for row in line.quarters
        ),
        QUARTERLY,
    )  # fmt: skip


def funds_frame(report: FundReport) -> pl.DataFrame:
    """``FUNDS``."""
    return _frame(
        (
            (
                one.insurance, _period(one), one.months, one.income, one.spending, one.balance,
                one.closing, round_scaled(Fraction(one.spending, one.months), 0), _e4(one.reserve),
                one.risk,
                _e4(next(j.value for j in one.judged if j.measure == "risk_fund")), one.level,
                _why(one),
            )
            for one in report.funds
        ),
        FUNDS,
    )  # fmt: skip


def _period(one: FundState) -> str:
    if one.months == 12 and one.first.number == 1:
        return str(one.first.year)
    last = one.first.plus(one.months - 1)
    return str(one.first) if last == one.first else f"{one.first}…{last}"


def bounds_frame(report: FundReport, lang: str) -> pl.DataFrame:
    """``BOUNDS``: each scale, its note in a language; bounds as ``yellow>1 red>1.1``."""
    return _frame(
        (
            (
                scale.measure, scale.insurance,
                " ".join(
                    f"{level}{sign}{_decimal(bound)}"
                    for sign, bounds in (("<", scale.below), (">", scale.above))
                    for level, bound in bounds.items()
                ),
                scale.note_zh if lang == "zh" else scale.note_en, scale.source, scale.status,
            )
            for scale in report.scales.scales
        ),
        BOUNDS,
    )  # fmt: skip


def _decimal(value: Fraction) -> str:
    """A bound as it was written: at most four places, none that say nothing."""
    if value.denominator == 1:
        return str(value.numerator)
    return unscaled(round_scaled(value)).rstrip("0")
