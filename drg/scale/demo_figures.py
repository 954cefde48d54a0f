"""A part of the demonstrations: figures of the settled months, the fund warning, the files left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from drg.claims.writers import write_frames
from drg.dates import Month
from drg.money import mul_div, yuan
from drg.reports.fund_words import report_lines as fund_lines
from drg.reports.fund_words import say as fund_say
from drg.scale.fund_file import fund_report, read_spending, write_fund
from drg.scale.kpi_file import kpi_files
from drg.scale.kpi_words import report_lines as kpi_lines
from drg.text import aligned, text

__all__ = ["figures_of", "files_left", "made_plan", "warning_of"]

#: Budgets of the hospitals, in hundredths of what they will have spent at this pace.
_BUDGETS = (97, 101, 94, 104, 90, 99)
#: Of what the ledgers say, in hundredths: all spending, and income; months in reserve.
_SPENDING, _INCOME, _RESERVE = 160, {"310": 175, "390": 155}, {"310": 8, "390": 4}
_HUNDRED = 100
#: Longest list of names on a line.
_ROOM = 150


def figures_of(months: Sequence[Path], out: Path, lang: str) -> Iterator[str]:
    """Workbook, page and table of the figures; yields the lines to show."""
    yield text("cli.demo_kpi", lang)
    yield from kpi_lines(kpi_files(months, out, lang=lang), lang)


def warning_of(
    months: Sequence[Path], out: Path, plan: Path, accounts: Path | None, lang: str
) -> Iterator[str]:
    """The fund warning of months by a plan; yields the lines to show."""
    report = fund_report(months, plan=plan, fund=accounts, lang=lang)
    yield text("cli.demo_fund", lang)
    yield from fund_lines(report, lang)
    files = write_fund(report, out, lang=lang)
    yield fund_say("written", lang, path=out, files=" ".join(files))


def made_plan(folder: Path, months: Sequence[Path]) -> tuple[Path, Path]:
    """A plan of the hospitals and accounts of the funds that fit made-up months.

    Parameters
    ----------
    folder : Path
        Gets ``plan.csv`` and ``accounts.csv``; made if it does not exist.
    months : sequence of Path
        Settled months from January on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spent = read_spending(months)
    (year,) = spent.by_party
    parties = spent.by_party[year]
    hospitals = sorted({hospital for hospital, _ in parties})
    plan = []
    for hospital, insurance in sorted(parties):
        whole = mul_div(sum(parties[hospital, insurance].values()), 12, len(months))
        share = _BUDGETS[hospitals.index(hospital) % len(_BUDGETS)]
        # Budgets are whole thousands of yuan.
        budget = mul_div(whole, share, _HUNDRED * 100_000) * 100_000
        plan.append((hospital, insurance, str(year), yuan(budget)))
    accounts = []
    for insurance in sorted({insurance for _, insurance in parties} & set(_INCOME)):
        by_month = {
            when: sum(one.get(when, 0) for key, one in parties.items() if key[1] == insurance)
            for _, when in spent.months
        }
        mean = sum(by_month.values()) // len(by_month)
        opening = mul_div(mean * _RESERVE[insurance], _SPENDING, _HUNDRED)
        for place, (when, fen) in enumerate(by_month.items()):
            income = mul_div(mean, _INCOME[insurance], _HUNDRED)
            spending = mul_div(fen, _SPENDING, _HUNDRED)
            first = yuan(opening) if place == 0 else ""
            period = str(Month(year, when))
            accounts.append((insurance, period, yuan(income), yuan(spending), first))
    plan_file, accounts_file = folder / "plan.csv", folder / "accounts.csv"
    _write(plan_file, ("unit", "insurance", "year", "amount"), plan)
    _write(accounts_file, ("insurance", "period", "income", "spending", "opening"), accounts)
    return plan_file, accounts_file


def _write(path: Path, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    write_frames(path, pl.DataFrame(rows, schema=dict.fromkeys(heads, pl.String), orient="row"))


def files_left(folder: Path, lang: str) -> Iterator[str]:
    """What lies in the folder: folders with their files, those of many with their number."""
    yield text("cli.demo_files", lang, folder=folder)
    rows = []
    for path in [folder, *sorted(p for p in folder.rglob("*") if p.is_dir())]:
        names = sorted(p.name for p in path.iterdir() if p.is_file())
        if names:
            told = " ".join(names)
            if len(told) > _ROOM:
                told = text("cli.demo_many", lang, count=len(names))
            place = "." if path == folder else f"{path.relative_to(folder)}/"
            rows.append((f"  {place}", told))
    yield from aligned(rows)
