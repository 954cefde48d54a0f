"""The fund warning: a year's spending by month against its plan, and where the year will end.

Pure figures: fen and exact ratios. A month that was not settled is not zero: only the months that
are there are held against the plan of the same months. Fuxin's quarters (spec F.2) warn by quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from drg.money import round_scaled
from drg.settlement.warning_plan import ALL, MONTHS, Plan, PlanLine, added
from drg.settlement.warning_scale import Level, Scales, worst

__all__ = [
    "Judgement", "LineWarning", "MonthRow", "Party", "QuarterRow", "Spending", "project_linear",
    "project_seasonal", "watch", "watch_line",
]  # fmt: skip

#: Hospital (``""``: the region) and insurance (``""``: all).
Party = tuple[str, str]
#: Fen by month, 1 to 12, of the months settled.
Spending = Mapping[int, int]


class MonthRow(NamedTuple):
    """One month of a line; amounts in fen, None: the plan says nothing."""

    month: int
    plan: int | None
    spent: int
    plan_so_far: int | None
    spent_so_far: int

    @property
    def of_plan(self) -> Fraction | None:
        """Spent so far ÷ plan of the same months."""
        return _ratio(self.spent_so_far, self.plan_so_far)


class QuarterRow(NamedTuple):
    """A quarter as far as it is settled: spending against its quota, fen."""

    quarter: int
    months: int
    plan: int
    spent: int

    @property
    def of_plan(self) -> Fraction | None:
        """Spent ÷ quota of the whole quarter."""
        return _ratio(self.spent, self.plan)

    @property
    def over(self) -> int:
        """What is above the quota: suspended until the year's end where the policy says so."""
        return max(self.spent - self.plan, 0)


class Judgement(NamedTuple):
    """A measure, its value and the level it leads to; None: nothing to judge by."""

    measure: str
    value: Fraction | None
    level: Level | None


@dataclass(frozen=True, kw_only=True)
class LineWarning:
    """One line of the warning: a hospital or the region, in one insurance or all.

    Attributes
    ----------
    unit, insurance : str
        As ``Party``.
    year : int
    budget : PlanLine or None
        None: the plan has no such line.
    months : tuple of MonthRow
        Of the months settled, in order.
    quarters : tuple of QuarterRow
        Empty without a plan.
    linear, seasonal : int or None
        Projected spending of the year, fen; seasonal is None unless last year is known whole.
    judged : tuple of Judgement
        Progress, projection and quarter.
    level : str or None
        The worst of them; None: there is no plan, so nothing is said.
    """

    unit: str
    insurance: str
    year: int
    budget: PlanLine | None
    months: tuple[MonthRow, ...]
    quarters: tuple[QuarterRow, ...] = ()
    linear: int | None = None
    seasonal: int | None = None
    judged: tuple[Judgement, ...] = field(default=())
    level: Level | None = None

    @property
    def spent(self) -> int:
        """Fund of the months settled, fen."""
        return self.months[-1].spent_so_far if self.months else 0

    @property
    def of_plan(self) -> Fraction | None:
        """Spent so far ÷ plan of the same months."""
        return self.months[-1].of_plan if self.months else None

    @property
    def of_year(self) -> Fraction | None:
        """Quota use: spent so far ÷ budget of the year."""
        return _ratio(self.spent, self.budget.year_fen if self.budget else None)

    @property
    def projected(self) -> int | None:
        """Projection that is judged: by last year's season if it is known, else linear."""
        return self.linear if self.seasonal is None else self.seasonal

    @property
    def projected_over(self) -> int | None:
        """Projected spending less the budget, fen; below zero: money would be left."""
        if self.projected is None or self.budget is None:
            return None
        return self.projected - self.budget.year_fen

    @property
    def used_up(self) -> int | None:
        """Month in which the budget is gone at this pace; None: not in this year, or no budget."""
        if self.budget is None or not self.months:
            return None
        for row in self.months:
            if row.spent_so_far > self.budget.year_fen:
                return row.month
        known = len(self.months)
        if not self.spent or known == len(MONTHS):
            return None
        left = [month for month in MONTHS if month > self.months[-1].month]
        # Months ahead at the mean of those known; a gap before them stays a gap.
        for ahead, month in enumerate(left, 1):
            if Fraction(self.spent * (known + ahead), known) > self.budget.year_fen:
                return month
        return None


def _ratio(part: int, whole: int | None) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def project_linear(months: Spending) -> int | None:
    """Spending of a year at the pace of the months known, fen, rounded half up once.

    Examples
    --------
    >>> project_linear({1: 100, 2: 101, 3: 102}), project_linear({})
    (1212, None)
    """
    if not months:
        return None
    return round_scaled(Fraction(sum(months.values()) * len(MONTHS), len(months)), 0)


def project_seasonal(months: Spending, last_year: Spending) -> int | None:
    """Spending of a year if its months weigh as last year's did, fen.

    Parameters
    ----------
    months, last_year : mapping of int to int
        Fen by month; last year must have all twelve.

    Returns
    -------
    int or None
        None: last year is not known whole, or spent nothing in those months.

    Examples
    --------
    >>> last = dict.fromkeys(range(1, 13), 100) | {1: 200}
    >>> project_seasonal({1: 220}, last)  # January was two of last year's thirteen parts
    1430
    """
    if not months or any(month not in last_year for month in MONTHS):
        return None
    same = sum(last_year[month] for month in months)
    if same <= 0:
        return None
    return round_scaled(Fraction(sum(months.values()) * sum(last_year.values()), same), 0)


def watch_line(
    unit: str,
    insurance: str,
    year: int,
    months: Spending,
    budget: PlanLine | None,
    scales: Scales,
    last_year: Spending | None = None,
    *,
    quarterly: bool = False,
) -> LineWarning:
    """Hold one line against its plan.

    Parameters
    ----------
    unit, insurance : str
    year : int
    months : mapping of int to int
        Fund of the months settled, fen.
    budget : PlanLine or None
    scales : Scales
        Bounds of the levels.
    last_year : mapping of int to int, optional
        The year before, for the season.
    quarterly : bool, optional
        Quarters have quotas of their own by policy; they have as well where the plan is split.
    """
    rows, planned, spent = [], 0, 0
    for month in sorted(months):
        plan = None if budget is None else budget.months[month]
        planned += plan or 0
        spent += months[month]
        so_far = None if budget is None else planned
        rows.append(MonthRow(month, plan, months[month], so_far, spent))
    quarters = () if budget is None else tuple(_quarters(months, budget))
    linear = project_linear(months)
    seasonal = None if last_year is None else project_seasonal(months, last_year)
    projected = linear if seasonal is None else seasonal
    whole = None if budget is None or projected is None else _ratio(projected, budget.year_fen)
    bound = quarterly or (budget is not None and not budget.even)
    fullest = max((q.of_plan for q in quarters if q.of_plan is not None), default=None)
    values = {
        "progress": rows[-1].of_plan if rows else None,
        "projection": whole,
        "quarter": fullest if bound else None,
    }
    judged = tuple(
        Judgement(measure, value, scales.level(measure, value, insurance))
        for measure, value in values.items()
    )
    known = [one.level for one in judged if one.level is not None]
    return LineWarning(
        unit=unit, insurance=insurance, year=year, budget=budget, months=tuple(rows),
        quarters=quarters, linear=linear, seasonal=seasonal, judged=judged,
        level=worst(known) if known else None,
    )  # fmt: skip


def _quarters(months: Spending, budget: PlanLine) -> list[QuarterRow]:
    found = []
    for quarter in range(1, 5):
        own = range(quarter * 3 - 2, quarter * 3 + 1)
        settled = [months[month] for month in own if month in months]
        if settled:
            plan = sum(budget.months[month] for month in own)
            found.append(QuarterRow(quarter, len(settled), plan, sum(settled)))
    return found


def watch(
    spending: Mapping[Party, Spending],
    year: int,
    settled: Sequence[int],
    scales: Scales,
    *,
    plan: Plan | None = None,
    last_year: Mapping[Party, Spending] | None = None,
    quarterly: bool = False,
) -> tuple[LineWarning, ...]:
    """The warning of a year: the region, its insurances, then the hospitals.

    Parameters
    ----------
    spending : mapping of (hospital, insurance) to fen by month
        A month that was settled and is not there means that nothing was spent in it.
    year : int
    settled : sequence of int
        Months that were settled.
    scales : Scales
    plan : Plan, optional
        Where it has no line of the region, the sum of the hospitals' lines stands in for it if
        each hospital that spent something has one; likewise insurances for all together.
    last_year : mapping, optional
        Spending of the whole year before.
    quarterly : bool, optional
        As ``watch_line``.

    Returns
    -------
    tuple of LineWarning
        Hospitals have a line for each insurance; where all together is planned, one of all, and
        those of the insurances that are planned besides.
    """
    planned_keys = [*plan.lines] if plan else []
    # Who is planned and spent nothing has its line, and its part in the region's plan.
    parties = {*spending, *(key for key in planned_keys if all(key))}
    together = {unit for unit, insurance in planned_keys if unit and not insurance}
    hospitals = sorted({hospital for hospital, _ in parties} | together)
    insurances = sorted({kind for _, kind in (*parties, *planned_keys) if kind})

    def line(unit: str, insurance: str, budget: PlanLine | None) -> LineWarning:
        def of(source: Mapping[Party, Spending], months: Sequence[int]) -> dict[int, int]:
            own = [
                by_month
                for (hospital, kind), by_month in source.items()
                if unit in (ALL, hospital) and insurance in (ALL, kind)
            ]
            return {month: sum(one.get(month, 0) for one in own) for month in months}

        before = of(last_year, MONTHS) if last_year else None
        return watch_line(
            unit, insurance, year, of(spending, settled), budget, scales, before,
            quarterly=quarterly,
        )  # fmt: skip

    def planned(unit: str, insurance: str) -> PlanLine | None:
        if plan is None:
            return None
        if (found := plan.line(unit, insurance)) is not None:
            return found
        if unit and insurance:
            return None
        if unit:
            parts = [planned(unit, kind) for kind in insurances if (unit, kind) in parties]
        elif insurance:
            parts = [plan.line(*key) for key in sorted(parties) if key[1] == insurance]
        else:
            parts = [plan.line(ALL, kind) for kind in insurances]
            if not all(parts):
                # Hospitals may be planned without a word on insurances: theirs come first.
                if whole := added([planned(hospital, ALL) for hospital in hospitals], ALL, ALL):
                    return whole
                parts = [planned(ALL, kind) for kind in insurances]
        return added(parts, unit, insurance)

    lines = [line(ALL, ALL, planned(ALL, ALL))]
    lines += [line(ALL, kind, planned(ALL, kind)) for kind in insurances if len(insurances) > 1]
    for hospital in hospitals:
        own = [kind for name, kind in sorted(parties) if name == hospital]
        if hospital in together:
            lines.append(line(hospital, ALL, planned(hospital, ALL)))
            own = [kind for kind in own if planned(hospital, kind)]
        lines += [line(hospital, kind, planned(hospital, kind)) for kind in own]
    return tuple(lines)
