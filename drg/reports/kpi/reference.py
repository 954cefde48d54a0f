"""Regional means of groups, frozen in a file or those of the run itself.

Frozen, months are held against one measure. The file holds sums, so that means are exact;
one that has only means (a bureau's own) is read too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import polars as pl

from drg.claims.readers import open_file
from drg.claims.writers import write_frames
from drg.errors import InputError
from drg.money import round_scaled, unscaled
from drg.reports.kpi.formulas import mortality_scores, risk_grade, rounded_cv

__all__ = [
    "GRADES", "REGION", "GroupMeans", "KpiError", "Reference", "read_reference",
    "save_reference",
]  # fmt: skip

GRADES = ("zero", "low", "mid_low", "mid_high", "high")
#: Group of the row that speaks of the region as a whole.
REGION = "*"
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,12})?")
_PLACES = 6
_FEN = 100


class KpiError(InputError):
    """Figures cannot be made of what is given."""

    area = "errors"


@dataclass(frozen=True, kw_only=True)
class GroupMeans:
    """What a region knows of a group.

    Attributes
    ----------
    name : str
    cases, deaths : int or None
        Cases that report how the patient left, and those who died; None: not told.
    cost_cases, cost_sum, cost_squares : int
        Cases with a cost, their sum in fen and the sum of squares; 0 cases: not told.
    los_cases, los_sum, los_squares : int
        Likewise of days.
    cost_mean, los_mean : Fraction or None
        Mean fen and days; None: not told.
    cost_sd, los_sd : Fraction or None
        Standard deviations as a file gave them; those of sums are told by ``cost_cv_e4``.
    risk : str or None
        One of ``GRADES``; None: unknown.
    """

    name: str = ""
    cases: int | None = None
    deaths: int | None = None
    cost_cases: int = 0
    cost_sum: int = 0
    cost_squares: int = 0
    los_cases: int = 0
    los_sum: int = 0
    los_squares: int = 0
    cost_mean: Fraction | None = None
    los_mean: Fraction | None = None
    cost_sd: Fraction | None = None
    los_sd: Fraction | None = None
    risk: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Regional means.

    Attributes
    ----------
    name : str
        File it was read from; ``""``: the run itself.
    frozen : bool
        Whether it was read from a file.
    groups : mapping of str to GroupMeans
    score_sum, score_cases : int
        Sum of the scores (× 10⁴) of the region's grouped cases, and their number: the mean score
        stands for a weight of 1 under DIP. 0 cases: not told.
    """

    name: str = ""
    frozen: bool = False
    groups: Mapping[str, GroupMeans] = field(default_factory=dict)
    score_sum: int = 0
    score_cases: int = 0

    def risks(self) -> dict[str, str]:
        """Grade of every group that has one."""
        return {group: means.risk for group, means in self.groups.items() if means.risk}


def graded(groups: Mapping[str, GroupMeans]) -> dict[str, str | None]:
    """Grades of groups by their deaths; those of groups whose deaths are not told are None."""
    told = {g: m for g, m in groups.items() if m.deaths is not None and m.cases}
    pairs = [(means.deaths or 0, means.cases or 0) for means in told.values()]
    scores = dict(zip(told, mortality_scores(pairs), strict=True))
    return {
        group: risk_grade(scores[group], means.deaths or 0) if group in told else None
        for group, means in groups.items()
    }


def save_reference(path: str | Path, reference: Reference) -> None:
    """Write a reference: CSV, Parquet or XLSX by suffix; its means come back exactly.

    Raises
    ------
    InputError
        As ``drg.claims.writers.write_frames``.
    """
    rows = [_row(group, reference.groups[group]) for group in sorted(reference.groups)]
    if reference.score_cases:
        total, cases = unscaled(reference.score_sum), str(reference.score_cases)
        rows.insert(0, {"group": REGION, "score_sum": total, "score_cases": cases})
    schema = pl.Schema(dict.fromkeys(_COLUMNS, pl.String()))
    write_frames(path, pl.DataFrame(rows, schema=schema))


_COLUMNS = (
    "group", "group_name", "cases", "deaths", "risk", "cost_cases", "cost_sum", "cost_mean",
    "cost_sd", "los_cases", "los_sum", "los_mean", "los_sd", "score_cases", "score_sum",
)  # fmt: skip


def _row(group: str, means: GroupMeans) -> dict[str, str | None]:
    def decimal(value: Fraction | None, places: int) -> str | None:
        return None if value is None else unscaled(round_scaled(value, places), places)

    def whole(value: int | None) -> str | None:
        return None if value is None else str(value)

    def spread(given: Fraction | None, cases: int, total: int, squares: int) -> str | None:
        if given is not None:
            return decimal(given, _PLACES)
        relative = rounded_cv(cases, total, squares, 2 * _PLACES)
        if relative is None:
            return None
        return decimal(Fraction(relative, 10 ** (2 * _PLACES)) * Fraction(total, cases), _PLACES)

    cost = means.cost_cases, means.cost_sum, means.cost_squares
    los = means.los_cases, means.los_sum, means.los_squares
    cost_sd = spread(means.cost_sd, *cost)
    if cost_sd is not None and means.cost_sd is None:
        cost_sd = decimal(Fraction(cost_sd) / _FEN, _PLACES)
    elif means.cost_sd is not None:
        cost_sd = decimal(means.cost_sd / _FEN, _PLACES)
    return {
        "group": group,
        "group_name": means.name or None,
        "cases": whole(means.cases),
        "deaths": whole(means.deaths),
        "risk": means.risk,
        "cost_cases": whole(means.cost_cases or None),
        "cost_sum": unscaled(means.cost_sum, 2) if means.cost_cases else None,
        "cost_mean": decimal(None if means.cost_mean is None else means.cost_mean / _FEN, _PLACES),
        "cost_sd": cost_sd,
        "los_cases": whole(means.los_cases or None),
        "los_sum": whole(means.los_sum) if means.los_cases else None,
        "los_mean": decimal(means.los_mean, _PLACES),
        "los_sd": spread(means.los_sd, *los),
    }


def read_reference(path: str | Path, *, sheet: str | int | None = None) -> Reference:
    """Read a reference.

    Parameters
    ----------
    path : str or Path
        One row a group: ``group``; ``cost_mean`` (yuan) or ``cost_sum`` and ``cost_cases``;
        ``los_mean`` or ``los_sum`` and ``los_cases``; ``cases`` and ``deaths``, or ``risk``
        (``zero low mid_low mid_high high``). Any of them may be missing or empty; a row ``*`` may
        tell ``score_sum`` and ``score_cases`` of the region.
    sheet : str or int, optional

    Raises
    ------
    KpiError
        K402 no column ``group`` or none of means; K403 a cell is no number, or no grade; K404 a
        group stands twice.
    InputError
        F1xx: the file cannot be read.
    """
    path = Path(path)
    with open_file(path, sheet=sheet) as source:
        frame = source.cells()
    names = {name.strip().casefold(): name for name in frame.columns}
    there = [name for name in _COLUMNS if name in names]
    if "group" not in there or not {"cost_mean", "cost_sum", "los_mean", "los_sum"} & set(there):
        raise KpiError("K402", where=str(path), found=", ".join(frame.columns))
    rows = frame.select(pl.col(names[name]).cast(pl.String).alias(name) for name in there)
    groups: dict[str, GroupMeans] = {}
    score_sum = score_cases = 0
    for number, row in enumerate(rows.iter_rows(named=True), 2):
        cells = _Cells(row, str(path), number)
        group = cells.text("group")
        if not group:
            continue
        if group == REGION:
            score_cases = cells.whole("score_cases") or 0
            score_sum = round_scaled(cells.number("score_sum") or Fraction(0))
        elif group in groups:
            raise KpiError("K404", where=cells.where, group=group)
        else:
            groups[group] = cells.means()
    if not any(means.risk for means in groups.values()):
        grades = graded(groups)
        groups = {
            group: GroupMeans(**{**vars(means), "risk": grades[group]})
            for group, means in groups.items()
        }
    return Reference(
        name=path.name, frozen=True, groups=groups, score_sum=score_sum,
        score_cases=score_cases if score_sum else 0,
    )  # fmt: skip


class _Cells:
    """One row of a reference."""

    def __init__(self, row: Mapping[str, str | None], path: str, number: int) -> None:
        self.row = row
        self.where = f"{path}:{number}"

    def text(self, name: str) -> str:
        return (self.row.get(name) or "").strip()

    def number(self, name: str) -> Fraction | None:
        text = self.text(name).removesuffix(".0")
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise KpiError("K403", where=self.where, column=name, text=text)
        return Fraction(text)

    def whole(self, name: str) -> int | None:
        value = self.number(name)
        if value is not None and value.denominator != 1:
            raise KpiError("K403", where=self.where, column=name, text=self.text(name))
        return None if value is None else int(value)

    def means(self) -> GroupMeans:
        risk = self.text("risk") or None
        if risk is not None and risk not in GRADES:
            raise KpiError("K403", where=self.where, column="risk", text=risk)
        cost = self._mean("cost", _FEN)
        los = self._mean("los", 1)
        return GroupMeans(
            name=self.text("group_name"), cases=self.whole("cases"), deaths=self.whole("deaths"),
            cost_cases=cost[0], cost_sum=cost[1], cost_mean=cost[2], cost_sd=cost[3],
            los_cases=los[0], los_sum=los[1], los_mean=los[2], los_sd=los[3], risk=risk,
        )  # fmt: skip

    def _mean(self, of: str, scale: int) -> tuple[int, int, Fraction | None, Fraction | None]:
        """Cases, sum, mean and standard deviation in the unit of sums."""
        cases, total = self.whole(f"{of}_cases") or 0, self.number(f"{of}_sum")
        mean, spread = self.number(f"{of}_mean"), self.number(f"{of}_sd")
        spread = None if spread is None else spread * scale
        if cases and total is not None:
            return cases, int(total * scale), total * scale / cases, spread
        return 0, 0, None if mean is None else mean * scale, spread
