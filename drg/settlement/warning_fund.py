"""A fund's income, spending and balance: what is in reserve, and for how many months it lasts.

Published examples (Chuzhou 2019): employees 185,634 - 160,183 = 25,451, residents
284,194 - 304,579 = -20,385 (ten thousand yuan).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path

from drg.dates import Month
from drg.money import yuan
from drg.payment.weight_table import insurance_code
from drg.settlement.warning import Judgement
from drg.settlement.warning_plan import amount_of, columns_of, table_cells
from drg.settlement.warning_scale import FundError, Level, Scales, worst

__all__ = ["Account", "FundState", "fund_balance", "fund_states", "load_accounts", "reserve_months"]

_HEADS: Mapping[str, tuple[str, ...]] = {
    "insurance": ("insurance", "fund", "险种", "险种类型", "基金", "基金名称"),
    "period": ("period", "期间", "年度", "月份", "year", "month"),
    "income": ("income", "收入", "基金收入", "当期收入"),
    "spending": ("spending", "支出", "基金支出", "当期支出"),
    "opening": ("opening", "期初结余", "上年结余", "上年累计结余", "期初累计结余"),
    "closing": ("closing", "期末结余", "累计结余", "期末累计结余"),
    "risk": ("risk", "risk_fund", "风险基金", "风险储备金", "风险调剂金"),
}
_NEEDED = ("insurance", "period", "income", "spending")
_YEAR = re.compile(r"([0-9]{4})(?:年|\.0)?")
_MONTH = re.compile(r"([0-9]{4})[-/年.]?([0-9]{1,2})月?")
_YEAR_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One row of a fund's account; amounts in fen.

    Attributes
    ----------
    insurance : str
        Code, or the fund's name as written.
    first : Month
    months : int
        1, or 12 where the row is a year.
    income, spending : int
    opening, closing : int or None
        Reserve before and after; None: not reported.
    risk : int or None
        Risk fund at the end; None: not reported.
    """

    insurance: str
    first: Month
    months: int
    income: int
    spending: int
    opening: int | None = None
    closing: int | None = None
    risk: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundState:
    """A fund in one year, as far as it is told; amounts in fen.

    Attributes
    ----------
    insurance : str
    first : Month
    months : int
        Months that the rows cover.
    income, spending, balance : int
    closing : int or None
        Reserve at the end; None: neither it nor an opening reserve is told.
    reserve : Fraction or None
        Months that the reserve pays at the mean of these months.
    risk : int or None
    judged : tuple of Judgement
        ``balance`` (spending ÷ income), ``reserve``, ``risk_fund`` (÷ income; whole years only).
    level : str
    """

    insurance: str
    first: Month
    months: int
    income: int
    spending: int
    balance: int
    closing: int | None
    reserve: Fraction | None
    risk: int | None
    judged: tuple[Judgement, ...]
    level: Level


def fund_balance(income: int, spending: int) -> int:
    """Income less spending of a period; below zero: a deficit.

    Examples
    --------
    >>> fund_balance(185_634, 160_183), fund_balance(284_194, 304_579)
    (25451, -20385)
    """
    return income - spending


def reserve_months(reserve: int, spending: int, months: int) -> Fraction | None:
    """Months of spending that a reserve covers; None: nothing was spent.

    Parameters
    ----------
    reserve, spending : int
        Of one unit, such as fen.
    months : int
        Months of the spending.

    Examples
    --------
    >>> reserve_months(600, 1200, 12)
    Fraction(6, 1)
    """
    return Fraction(reserve * months, spending) if spending > 0 and months > 0 else None


def load_accounts(path: str | Path) -> tuple[Account, ...]:
    """Read a fund's accounts: CSV, TSV, XLSX or Parquet, headings in Chinese or English.

    Parameters
    ----------
    path : str or Path
        ``insurance``, ``period`` (``2025`` or ``2025-01``), ``income``, ``spending``; ``opening``,
        ``closing`` and ``risk`` where known. Yuan, or ten thousand where a heading ends in 万元.

    Raises
    ------
    InputError
        The file cannot be read.
    FundError
        K421 a column is missing, K422 a cell cannot be used, K426 periods overlap or leave a gap,
        K427 a closing reserve is not the opening one with the balance.
    """
    where = str(path)
    names, rows = table_cells(path)
    found = columns_of(names, _HEADS)
    for column in _NEEDED:
        if column not in found:
            known, there = ", ".join(_HEADS[column]), ", ".join(names[:12])
            raise FundError("K421", where=where, column=column, known=known, found=there)
    accounts = []
    for number, cells in enumerate(rows, 2):
        if any(cells):
            row = dict(zip(names, cells, strict=True))
            accounts.append(_account(row, found, number, where))
    accounts.sort(key=lambda one: (one.insurance, one.first))
    for before, after in pairwise(accounts):
        if before.insurance == after.insurance:
            _follows(before, after, where)
    return tuple(accounts)


def _account(row: Mapping[str, str], found: Mapping[str, str], number: int, where: str) -> Account:
    def refused(column: str, value: str) -> FundError:
        told = value or "—"
        return FundError("K422", where=where, row=number, column=found[column], value=told)

    def amount(column: str, least: int | None = None) -> int | None:
        head = found.get(column)
        return None if head is None else amount_of(row[head], head, number, where, least=least)

    def needed(column: str) -> int:
        value = amount(column, 0)
        if value is None:
            raise refused(column, "")
        return value

    period = unicodedata.normalize("NFKC", row[found["period"]])
    whole, part = _YEAR.fullmatch(period), _MONTH.fullmatch(period)
    numbers = (int(whole[1]), 1) if whole else (int(part[1]), int(part[2])) if part else (0, 0)
    try:
        first = Month(*numbers)
    except ValueError as error:
        raise refused("period", period) from error
    if not (insurance := row[found["insurance"]]):
        raise refused("insurance", "")
    account = Account(
        insurance=insurance_code(insurance), first=first, months=_YEAR_MONTHS if whole else 1,
        income=needed("income"), spending=needed("spending"), opening=amount("opening"),
        closing=amount("closing"), risk=amount("risk", 0),
    )  # fmt: skip
    _ties(account, account.opening, where)
    return account


def _ties(account: Account, opening: int | None, where: str) -> None:
    """Opening, balance and closing are one sum."""
    if opening is None or account.closing is None:
        return
    wanted = opening + fund_balance(account.income, account.spending)
    if account.closing != wanted:
        raise FundError(
            "K427", where=where, fund=account.insurance, period=account.first,
            wanted=yuan(wanted), found=yuan(account.closing),
        )  # fmt: skip


def _follows(before: Account, after: Account, where: str) -> None:
    told = {"fund": before.insurance, "before": before.first, "after": after.first}
    if before.first.plus(before.months) != after.first:
        raise FundError("K426", where=where, **told)
    if before.closing is not None:
        if after.opening is not None and after.opening != before.closing:
            raise FundError(
                "K427", where=where, fund=after.insurance, period=after.first,
                wanted=yuan(before.closing), found=yuan(after.opening),
            )  # fmt: skip
        _ties(after, before.closing, where)


def fund_states(accounts: tuple[Account, ...], scales: Scales) -> tuple[FundState, ...]:
    """Each fund's years.

    Parameters
    ----------
    accounts : tuple of Account
        Sorted by fund and month, as ``load_accounts`` gives them.
    scales : Scales

    Returns
    -------
    tuple of FundState
        By fund and year, in order.
    """
    states = []
    for _, of_fund in groupby(accounts, key=lambda one: one.insurance):
        reserve: int | None = None
        for _, of_year in groupby(of_fund, key=lambda one: one.first.year):
            rows = list(of_year)
            for row in rows:
                opening = reserve if row.opening is None else row.opening
                balance = fund_balance(row.income, row.spending)
                reserve = row.closing
                if reserve is None and opening is not None:
                    reserve = opening + balance
            states.append(_state(rows, reserve, scales))
    return tuple(states)


def _state(rows: list[Account], reserve: int | None, scales: Scales) -> FundState:
    last, months = rows[-1], sum(row.months for row in rows)
    income, spending = sum(r.income for r in rows), sum(r.spending for r in rows)
    lasts = None if reserve is None else reserve_months(reserve, spending, months)
    risk = last.risk
    share = None
    if risk is not None and months == _YEAR_MONTHS and income:
        share = Fraction(risk, income)
    values = {
        "balance": Fraction(spending, income) if income else None,
        "reserve": lasts,
        "risk_fund": share,
    }
    judged = tuple(
        Judgement(measure, value, scales.level(measure, value, last.insurance))
        for measure, value in values.items()
    )
    return FundState(
        insurance=last.insurance, first=rows[0].first, months=months, income=income,
        spending=spending, balance=fund_balance(income, spending), closing=reserve, reserve=lasts,
        risk=risk, judged=judged, level=worst(one.level for one in judged),
    )  # fmt: skip
