"""``drg fund``: settled folders, a plan and accounts of funds to a warning, and to its files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from drg.claims.writers import write_frames
from drg.reports.fund_book import write_fund_book
from drg.reports.fund_page import write_fund_page
from drg.reports.fund_report import UNKNOWN, FundReport, lines_frame, months_frame
from drg.scale.stage import staged
from drg.settlement.ledger_sums import SummedLedger
from drg.settlement.store import MANIFEST, read_settlement
from drg.settlement.warning import LineWarning, Party, watch
from drg.settlement.warning_fund import fund_states, load_accounts
from drg.settlement.warning_plan import MONTHS, load_plan
from drg.settlement.warning_scale import FundError, load_scales
from drg.settlement.year.region import counted_fund
from drg.settlement.year.sums import year_sums
from drg.text import language

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.settled import Settlement

__all__ = ["BOOK", "LINES_FILE", "MONTHS_FILE", "PAGE", "Spent", "fund_report", "read_spending",
           "write_fund"]  # fmt: skip

PAGE, BOOK = "fund.html", "fund.xlsx"
LINES_FILE, MONTHS_FILE = "lines.csv", "months.csv"


@dataclass(frozen=True)
class Spent:
    """What settled months come to.

    Attributes
    ----------
    months : mapping of (year, month) to Path
        Folder of each month.
    by_party : mapping of year to (hospital, insurance) to fen by month
    names : mapping of str to str
        Names of hospitals as the last month has them.
    """

    months: Mapping[tuple[int, int], Path]
    by_party: Mapping[int, Mapping[Party, Mapping[int, int]]]
    names: Mapping[str, str] = field(default_factory=dict)


def read_spending(folders: Iterable[str | Path], policy: Policy | None = None) -> Spent:
    """Fund of settled months by hospital, insurance and month, of whatever years.

    Parameters
    ----------
    folders : iterable of str or Path
        Folders that ``drg settle`` wrote, or folders that hold them.
    policy : Policy, optional
        Leaves out what it counts against no budget, as clearing does; without it all that the
        ledgers say the fund owes counts.

    Raises
    ------
    FundError
        K410 a folder holds no month, K429 a month lies in two folders.
    SettlementError
        P433, P435: a month's folder is damaged.
    """
    months: dict[tuple[int, int], Path] = {}
    by_party: dict[int, dict[Party, dict[int, int]]] = {}
    names: dict[str, str] = {}
    for path in _month_folders(folders):
        month = read_settlement(path, books=SummedLedger)
        when = month.month.year, month.month.number
        if when in months:
            raise FundError("K429", where=f"{months[when]}, {path}", period=month.period)
        months[when] = path
        parties = by_party.setdefault(when[0], {})
        for party, fen in _funds(month, policy).items():
            parties.setdefault(party, {})[when[1]] = fen
        table = month.hospitals
        names |= {
            hospital: name
            for hospital, name in table.select("hospital", "name").iter_rows()
            if name
        }
    return Spent(dict(sorted(months.items())), by_party, names)


def _funds(month: Settlement, policy: Policy | None) -> dict[Party, int]:
    if policy is None:
        rows = month.hospitals.select("hospital", "insurance", "fund_fen").iter_rows()
        found = {(hospital, insurance): fen for hospital, insurance, fen in rows}
    else:
        sums = year_sums([month])
        found = {party: counted_fund(one, policy) for party, one in sums.items()}
    return {(h or UNKNOWN, i or UNKNOWN): fen for (h, i), fen in found.items()}


def _month_folders(folders: Iterable[str | Path]) -> list[Path]:
    found: dict[Path, Path] = {}
    for folder in map(Path, folders):
        inner = sorted(folder.iterdir()) if folder.is_dir() else []
        months = [folder] if _is_month(folder) else [path for path in inner if _is_month(path)]
        if not months:
            raise FundError("K410", where=str(folder))
        for path in months:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _is_month(folder: Path) -> bool:
    # A run that was killed may have left a folder behind whose name begins with a dot.
    if folder.name.startswith(".") or not (folder / MANIFEST).is_file():
        return False
    try:
        told = tomllib.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return True  # a damaged month: reading it says so
    return told.get("kind") == "month"


def fund_report(
    folders: Sequence[str | Path],
    *,
    year: int | None = None,
    plan: str | Path | None = None,
    fund: str | Path | None = None,
    levels: str | Path | None = None,
    policy: Policy | None = None,
    lang: str | None = None,
) -> FundReport:
    """The warning of a year.

    Parameters
    ----------
    folders : sequence of str or Path
        Settled months of the year and, for the season, of the year before; may be empty where
        ``fund`` is given.
    year : int, optional
        The last year of the months when omitted.
    plan, fund : str or Path, optional
        ``drg.settlement.warning_plan.load_plan``, ``drg.settlement.warning_fund.load_accounts``.
    levels : str or Path, optional
        Bounds instead of ``tables/warning.toml``.
    policy : Policy, optional
        As ``read_spending``; its quarters are judged where it balances them.
    lang : {"zh", "en"}, optional
        Language of the policy's title; the context's when omitted.

    Raises
    ------
    FundError
        K410 a folder holds no month; K420-K430.
    BudgetError, SettlementError, InputError
        A file or folder cannot be read.
    """
    scales = load_scales(levels)
    accounts = load_accounts(fund) if fund is not None else ()
    if not folders and not accounts:
        raise FundError("K430")
    spent = read_spending(folders, policy)
    years = sorted(spent.by_party)
    chosen = year or (years[-1] if years else accounts[-1].first.year)
    settled = tuple(month for when, month in spent.months if when == chosen)
    if spent.months and not settled:
        known = ", ".join(f"{when}-{month:02}" for when, month in spent.months)
        raise FundError("K428", year=chosen, found=known)
    before = [month for when, month in spent.months if when == chosen - 1]
    seasonal = len(before) == len(MONTHS)
    planned = None if plan is None else load_plan(plan, chosen)
    title = ""
    if policy is not None:
        title = policy.title_en if (lang or language()) == "en" else policy.title_zh
    lines: tuple[LineWarning, ...] = ()
    if settled:
        last = spent.by_party[chosen - 1] if seasonal else None
        lines = watch(
            spent.by_party[chosen], chosen, settled, scales, plan=planned, last_year=last,
            quarterly=policy is not None and policy.month.quarterly,
        )  # fmt: skip
    return FundReport(
        year=chosen, settled=settled, lines=lines, funds=fund_states(accounts, scales),
        scales=scales, names=spent.names, planned=planned is not None, seasonal=seasonal,
        policy=title,
    )  # fmt: skip


def write_fund(report: FundReport, out: str | Path, *, lang: str | None = None) -> tuple[str, ...]:
    """Write page, workbook and tables into a folder, all of them or none.

    Parameters
    ----------
    report : FundReport
    out : str or Path
        New, or a folder whose other files stay.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.

    Returns
    -------
    tuple of str
        Files written; without xlsxwriter there is no workbook.

    Raises
    ------
    InputError
        F204, F209, F210: the folder cannot be written.
    """
    with staged(out) as draft:
        write_fund_page(draft / PAGE, report, lang=lang)
        if find_spec("xlsxwriter") is not None:
            write_fund_book(draft / BOOK, report, lang=lang)
        if report.lines:
            write_frames(draft / LINES_FILE, lines_frame(report), for_people=True)
            write_frames(draft / MONTHS_FILE, months_frame(report), for_people=True)
        return tuple(sorted(path.name for path in draft.iterdir()))
