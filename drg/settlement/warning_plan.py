"""A year's plan of fund spending: by hospital, insurance or region, by year or month.

Read from a plain table, or from the budget's events that ``drg settle --budget`` takes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drg.money import AmountError, allocate, scaled, yuan
from drg.payment.weight_table import insurance_code
from drg.settlement.budget import Budget
from drg.settlement.budget_file import load_budget
from drg.settlement.warning_scale import FundError

__all__ = [
    "ALL", "MONTHS", "Plan", "PlanLine", "added", "amount_of", "columns_of", "load_plan",
    "plan_of_budget", "table_cells",
]  # fmt: skip

MONTHS = tuple(range(1, 13))
#: Of a plan: the whole region; every insurance.
ALL = ""
_HEADS: Mapping[str, tuple[str, ...]] = {
    "unit": ("unit", "hospital_id", "单位", "机构编码", "医疗机构编码", "定点医疗机构"),
    "insurance": ("insurance", "险种", "险种类型"),
    "year": ("year", "年度", "预算年度"),
    "amount": ("amount", "金额", "年度预算", "预算金额", "全年", "额度", "定额"),
}
_REGION = ("", "*", "region", "city", "统筹区", "全市", "全区", "合计")
_EVERY = ("", "*", "all", "全部", "合计")
_STEP = ("step", "环节", "步骤", "状态")
#: Ten thousand yuan, where the heading says so.
_UNIT_HEAD = re.compile(r"[(（\[【]?(万元|元)[)）\]】]?$")
_MONTH_HEAD = re.compile(r"(?:[0-9]{4}[-/年])?0?([0-9]{1,2})月?|month([0-9]{1,2})|m([0-9]{1,2})")
_BLANKS = re.compile(r"[\s_]+")
_FEN_PLACES, _TEN_THOUSAND = 2, 6


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What one unit may spend in a year.

    Attributes
    ----------
    unit : str
        Hospital; ``""`` the whole region.
    insurance : str
        Code; ``""`` all together.
    year_fen : int
    months : mapping of int to int
        Fen by month, 1 to 12; they add up to the year.
    even : bool
        Whether the months are the year split evenly, because the plan does not say.
    """

    unit: str
    insurance: str
    year_fen: int
    months: Mapping[int, int]
    even: bool = True

    @classmethod
    def spread(cls, unit: str, insurance: str, year_fen: int) -> PlanLine:
        """A year's amount over its months, the odd fen from January on."""
        return cls(unit, insurance, year_fen, allocate(year_fen, dict.fromkeys(MONTHS, 1)))


@dataclass(frozen=True)
class Plan:
    """Lines of a plan for one year.

    Attributes
    ----------
    year : int
    lines : mapping of (unit, insurance) to PlanLine
    where : str
        File it was read from.
    """

    year: int
    lines: Mapping[tuple[str, str], PlanLine] = field(default_factory=dict)
    where: str = ""

    def line(self, unit: str, insurance: str) -> PlanLine | None:
        """The line of a unit and insurance; None: the plan does not speak of it."""
        return self.lines.get((unit, insurance))


def added(parts: Sequence[PlanLine | None], unit: str, insurance: str) -> PlanLine | None:
    """The sum of lines, as the line of a unit; None: one of them is not planned, or no line."""
    lines = [line for line in parts if line is not None]
    if not lines or len(lines) < len(parts):
        return None
    months = {m: sum(line.months[m] for line in lines) for m in MONTHS}
    even = all(line.even for line in lines)
    return PlanLine(unit, insurance, sum(months.values()), months, even)


def load_plan(path: str | Path, year: int) -> Plan:
    """Read a plan: CSV, TSV, XLSX or Parquet, headings in Chinese or English.

    Parameters
    ----------
    path : str or Path
        Either a budget's events (they have a column ``step``), or one row a line: ``unit`` (empty:
        the region), ``insurance`` (empty: all), ``year`` (when several), ``amount`` in yuan, or in
        ten thousand yuan where its heading ends in 万元, and ``1月`` … ``12月`` where the plan is
        split. Years of the table that are not asked for do not count.
    year : int

    Raises
    ------
    InputError
        The file cannot be read.
    FundError
        K421 a column is missing, K422 a cell cannot be used, K423 the months do not add up to the
        year, K424 a line stands there twice, K425 nothing of this year.
    BudgetError
        P443-P447 of a budget's events.
    """
    where = str(path)
    names, rows = table_cells(path)
    if any(_key(name) in _STEP for name in names):
        return plan_of_budget(load_budget(path), year, where)
    found = columns_of(names)
    months = _month_columns(names)
    if "amount" not in found and len(months) < len(MONTHS):
        known = ", ".join((*_HEADS["amount"], "1月 … 12月"))
        raise FundError("K421", where=where, column="amount", known=known, found=_listed(names))
    lines: dict[tuple[str, str], PlanLine] = {}
    for number, cells in enumerate(rows, 2):
        if not any(cells):
            continue
        row = dict(zip(names, cells, strict=True))
        if "year" in found and (told := row[found["year"]]):
            if not re.fullmatch(r"[0-9]{4}(?:年|\.0)?", told):
                raise FundError("K422", where=where, row=number, column=found["year"], value=told)
            if int(told[:4]) != year:
                continue
        line = _line(row, found, months, number, where)
        key = line.unit, line.insurance
        if key in lines:
            raise FundError(
                "K424", where=where, row=number, unit=" ".join(filter(None, key)) or "*"
            )
        lines[key] = line
    if not lines:
        raise FundError("K425", where=where, year=year)
    return Plan(year, lines, where)


def _line(
    row: Mapping[str, str],
    found: Mapping[str, str],
    months: Mapping[int, str],
    number: int,
    where: str,
) -> PlanLine:
    unit = row.get(found.get("unit", ""), "")
    insurance = row.get(found.get("insurance", ""), "")
    unit = ALL if unit.casefold() in _REGION else unit
    insurance = ALL if insurance.casefold() in _EVERY else insurance_code(insurance)

    def amount(head: str) -> int | None:
        return amount_of(row[head], head, number, where, least=0)

    whole = amount(found["amount"]) if "amount" in found else None
    parts = {month: amount(head) for month, head in months.items()}
    given = {month: fen for month, fen in parts.items() if fen is not None}
    if not given and whole is not None:
        return PlanLine.spread(unit, insurance, whole)
    if len(given) < len(MONTHS) or (whole is not None and sum(given.values()) != whole):
        raise FundError(
            "K423", where=where, row=number, months=len(given), found=yuan(sum(given.values())),
            wanted="—" if whole is None else yuan(whole),
        )  # fmt: skip
    return PlanLine(unit, insurance, sum(given.values()), given, even=False)


def plan_of_budget(budget: Budget, year: int, where: str = "") -> Plan:
    """The plan that a budget's signed lines make: its region and its hospitals.

    Raises
    ------
    FundError
        K425: the budget has no line of the year.
    BudgetError
        P447: a line is not signed.
    """
    lines: dict[tuple[str, str], PlanLine] = {}
    for insurance in budget.insurances(year):
        for level, unit, of, when in budget.lines:
            if (of, when, level) == (insurance, year, "hospital"):
                lines[unit, insurance] = _budget_line(budget, unit, [("hospital", unit)], of, year)
        for levels in (("city",), ("district",), ("hospital", "reserve")):
            units = [
                (level, unit)
                for level, unit, of, when in budget.lines
                if level in levels and (of, when) == (insurance, year)
            ]
            if units:
                lines[ALL, insurance] = _budget_line(budget, ALL, units, insurance, year)
                break
    if not lines:
        raise FundError("K425", where=where or budget.where, year=year)
    return Plan(year, lines, where or budget.where)


def _budget_line(
    budget: Budget, unit: str, parts: Sequence[tuple[str, str]], insurance: str, year: int
) -> PlanLine:
    months = {
        month: sum(
            budget.quota(name, insurance, year, f"{month:02}", level=level) or 0
            for level, name in parts
        )
        for month in MONTHS
    }
    split = any(budget.lines[level, name, insurance, year].parts for level, name in parts)
    return PlanLine(unit, insurance, sum(months.values()), months, even=not split)


def table_cells(path: str | Path) -> tuple[list[str], list[list[str]]]:
    """Headings of a small table, and its rows as stripped texts."""
    from drg.claims.readers import open_file

    with open_file(path) as source:
        frame = source.cells()
    cells = [["" if v is None else str(v).strip() for v in row] for row in frame.iter_rows()]
    return frame.columns, cells


def amount_of(
    cell: str, head: str, row: int, where: str, *, least: int | None = None
) -> int | None:
    """A cell of yuan, or of ten thousand yuan where the heading says 万元, as fen.

    Returns
    -------
    int or None
        None: the cell is empty.

    Raises
    ------
    FundError
        K422: it is no amount, has parts of a fen, or is less than ``least``.
    """
    if not cell:
        return None
    unit = _UNIT_HEAD.search(unicodedata.normalize("NFKC", head).strip())
    places = _TEN_THOUSAND if unit and unit[1] == "万元" else _FEN_PLACES
    try:
        fen = scaled(cell.replace(",", ""), places)
    except AmountError as error:
        raise FundError("K422", where=where, row=row, column=head, value=cell) from error
    if least is not None and fen < least:
        raise FundError("K422", where=where, row=row, column=head, value=cell)
    return fen


def columns_of(
    names: Sequence[str], heads: Mapping[str, tuple[str, ...]] = _HEADS
) -> dict[str, str]:
    """Column to the file's heading for it, a unit of money after it left aside."""
    by_key = {_key(name): name for name in names}
    found = {}
    for column, known in heads.items():
        there = [by_key[_key(head)] for head in known if _key(head) in by_key]
        if there:
            found[column] = there[0]
    return found


def _month_columns(names: Sequence[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for name in names:
        if match := _MONTH_HEAD.fullmatch(_key(name)):
            month = int(match[1] or match[2] or match[3])
            if month in MONTHS:
                found.setdefault(month, name)
    return found


def _key(name: str) -> str:
    clean = _BLANKS.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return _UNIT_HEAD.sub("", clean) or clean


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12])
