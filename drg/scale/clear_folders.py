"""Clear a year from the folders of its months into a folder of its own, whole or not at all.

A second clearing of a folder, after a late decision or another budget, takes the entries of the
first back and posts its own; if nothing has changed the folder has the same bytes as before.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import drg
from drg.claims.excel_safe import excel_safe
from drg.claims.writers import write_frames
from drg.dates import Month
from drg.money import unscaled
from drg.payment.policy.catalog import load_policy
from drg.reports.clearing import write_clearing
from drg.schemes.tables import file_digest
from drg.settlement.budget_file import load_budget
from drg.settlement.inputs import read_decisions, read_hospitals
from drg.settlement.ledger import ENTRY_SCHEMA, Ledger, SettlementError
from drg.settlement.ledger_sums import SummedLedger
from drg.settlement.one_run import one_run
from drg.settlement.store import LEDGER, MANIFEST, draft_folder, read_settlement
from drg.settlement.year.clear import Clearing, clear_year
from drg.settlement.year.quotas import next_quotas
from drg.settlement.year.region import ClearingError

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.settlement.settled import Settlement
    from drg.settlement.year.allocation import Allocation

__all__ = ["ClearRun", "clear_folders", "find_months", "load_year_policy"]

#: Numbers that no month uses: a month's policy is the same with or without them.
_YEAR_ONLY = (
    "year.", "budget.", "community.", "outpatient.per_head", "outpatient.surplus_keep",
    "outpatient.overspend_share", "drg.float_cap", "drg.base_weights",
)  # fmt: skip
_HOSPITALS, _FINDINGS, _NEXT = "hospitals.parquet", "findings.csv", "next_budget.csv"
_FORMAT = 1
_KIND = "year"


@dataclass(frozen=True, kw_only=True)
class ClearRun:
    """What a run of ``clear_folders`` did.

    Attributes
    ----------
    clearing : Clearing
        Its ledger holds earlier clearings of the folder and what takes them back.
    output : Path
    seconds : float
    run : int
        1 for the first clearing of the folder.
    files : tuple of str
        Files written.
    """

    clearing: Clearing
    output: Path
    seconds: float
    run: int
    files: tuple[str, ...]


def load_year_policy(
    wanted: str | Path, supply: Mapping[str, str], year: int
) -> tuple[Policy, str]:
    """A policy with the numbers of the year's end, and the digest that its months may have.

    Parameters
    ----------
    wanted : str or Path
        As ``drg.payment.policy.catalog.load_policy``.
    supply : mapping of str to str
        Path of a number to its text.
    year : int

    Raises
    ------
    PolicyError
        As ``load_policy``.
    """
    on = Month(year, 12)
    policy = load_policy(wanted, supply=supply, on=on)
    monthly = {path: text for path, text in supply.items() if not path.startswith(_YEAR_ONLY)}
    if len(monthly) == len(supply):
        return policy, policy.digest
    return policy, load_policy(wanted, supply=monthly, on=on).digest


def find_months(folders: Iterable[str | Path], year: int) -> list[Path]:
    """Folders of settled months: those named, and of a folder of months those of the year.

    Raises
    ------
    ClearingError
        P480: none was found.
    """
    found: dict[Path, Path] = {}
    for folder in map(Path, folders):
        if (folder / MANIFEST).exists():
            found.setdefault(folder.resolve(), folder)
            continue
        inner = sorted(folder.iterdir()) if folder.is_dir() else []
        months = [path for path in inner if _is_month_of(path, year)]
        if not months:
            raise ClearingError("P480", where=str(folder))
        for path in months:
            found.setdefault(path.resolve(), path)
    if not found:
        raise ClearingError("P480")
    return list(found.values())


def _is_month_of(folder: Path, year: int) -> bool:
    # A run that was killed may have left a folder behind whose name begins with a dot.
    if folder.name.startswith(".") or not (folder / MANIFEST).is_file():
        return False
    told = _manifest(folder)
    return told.get("kind") == "month" and str(told.get("period", "")).startswith(f"{year}-")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettlementError("P435", where=str(folder), file=MANIFEST) from error


def clear_folders(
    folders: Sequence[str | Path],
    policy: Policy,
    out: str | Path,
    *,
    year: int,
    budget: str | Path | None = None,
    hospitals: str | Path | None = None,
    decisions: str | Path | None = None,
    settled_under: str | None = None,
    statements: bool = True,
) -> ClearRun:
    """Clear a year.

    Parameters
    ----------
    folders : sequence of str or Path
        Folders that ``drg settle`` wrote, or folders that hold them.
    policy : Policy
        ``load_year_policy``.
    out : str or Path
        New or empty, or the folder of an earlier clearing of this year.
    year : int
    budget, hospitals, decisions : str or Path, optional
        Tables (``drg.settlement.budget_file``, ``drg.settlement.inputs``).
    settled_under : str, optional
        The digest that ``load_year_policy`` gives beside the policy.
    statements : bool, optional
        Write a workbook for each hospital, and the page, as well.

    Raises
    ------
    ClearingError
        P480-P491: what is given makes no year, or cannot be cleared; P490: ``out`` holds something
        else.
    SettlementError
        P433, P435: a month's folder is none or damaged; P438: the ledger does not hold, nothing is
        written.
    BudgetError
        P443-P447.
    InputError
        A file cannot be read (F1xx), or the folder not be written (F2xx; F211: another run is
        writing it).
    """
    with one_run(out):
        return _cleared(
            folders, policy, Path(out), year,
            {"budget": budget, "hospitals": hospitals, "decisions": decisions},
            settled_under, statements,
        )  # fmt: skip


def _cleared(
    folders: Sequence[str | Path],
    policy: Policy,
    target: Path,
    year: int,
    tables: Mapping[str, str | Path | None],
    settled_under: str | None,
    statements: bool,
) -> ClearRun:
    started = time.perf_counter()
    before = _before(target, year, policy)
    paths = find_months(folders, year)
    months = [read_settlement(path, whole=True, books=SummedLedger) for path in paths]
    _once(months, paths)
    under = policy.digest
    if settled_under is not None and any(m.policy_digest != under for m in months):
        under = settled_under
    budget, hospitals, decisions = (tables[role] for role in ("budget", "hospitals", "decisions"))
    clearing = clear_year(
        months,
        policy,
        year=year,
        budget=None if budget is None else load_budget(budget),
        hospitals=None if hospitals is None else read_hospitals(hospitals),
        decisions=None if decisions is None else read_decisions(decisions),
        settled_under=under,
    )
    if before is not None:
        clearing = replace(clearing, ledger=_after(before, clearing.ledger))
    faults = clearing.check()
    if faults:
        told = "; ".join(fault.line() for fault in faults[:3])
        raise SettlementError("P438", count=len(faults), faults=told)
    given = {role: Path(path) for role, path in tables.items() if path is not None}
    with draft_folder(target) as draft:
        _write(draft, clearing, dict(zip(paths, months, strict=True)), given)
        if statements:
            write_clearing(draft, clearing, faults=faults)
        files = tuple(sorted(path.name for path in draft.iterdir()))
    return ClearRun(
        clearing=clearing,
        output=target,
        seconds=time.perf_counter() - started,
        run=clearing.ledger.runs,
        files=files,
    )


def _once(months: Sequence[Settlement], paths: Sequence[Path]) -> None:
    """No month lies in two folders."""
    seen: dict[str, Path] = {}
    for month, path in zip(months, paths, strict=True):
        if first := seen.get(month.period):
            raise ClearingError("P482", where=f"{first}, {path}", months=month.period)
        seen[month.period] = path


def _before(folder: Path, year: int, policy: Policy) -> Ledger | None:
    """Ledger of an earlier clearing of the folder; None: there was none."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    if not (folder / MANIFEST).is_file():
        raise ClearingError("P490", where=str(folder), found="—", year=year, policy=policy.id)
    told = _manifest(folder)
    known = told.get("kind"), told.get("period"), told.get("policy", {}).get("id")
    if known != (_KIND, str(year), policy.id):
        raise ClearingError(
            "P490", where=str(folder), found=" ".join(map(str, known)), year=year,
            policy=policy.id,
        )  # fmt: skip
    path = folder / LEDGER
    if not path.is_file() or file_digest(path) != told.get("files", {}).get(LEDGER):
        raise SettlementError("P435", where=str(folder), file=LEDGER)
    return Ledger.read(path)


def _after(before: Ledger, now: Ledger) -> Ledger:
    """The earlier entries, what takes them back, and those that hold now."""
    names = ENTRY_SCHEMA.names()
    live = before.live()
    if live.select(names).equals(now.entries.select(names), null_equal=True):
        return before
    run = before.runs + 1
    return before.reverse(live["seq"], run=run).append(now.entries.drop("reverses"), run=run)


def _write(
    draft: Path,
    clearing: Clearing,
    months: Mapping[Path, Settlement],
    tables: Mapping[str, Path],
) -> None:
    clearing.ledger.write(draft / LEDGER)
    write_frames(draft / _HOSPITALS, clearing.hospitals, compression="zstd")
    shown = clearing.findings.with_columns(excel_safe(clearing.findings.schema))
    shown.write_csv(draft / _FINDINGS, include_bom=True, line_terminator="\r\n")
    proposed = next_quotas(clearing)
    if proposed.height:
        proposed.write_csv(draft / _NEXT, include_bom=True, line_terminator="\r\n")
    import tomli_w

    names = [LEDGER, _HOSPITALS, _FINDINGS, *([_NEXT] if proposed.height else [])]
    manifest = {
        **_told(clearing),
        "month": list(_month_rows(months)),
        "input": [
            {"role": role, "name": path.name, "sha256": file_digest(path)}
            for role, path in tables.items()
        ],
        "files": {name: file_digest(draft / name) for name in sorted(names)},
    }
    (draft / MANIFEST).write_text(tomli_w.dumps(manifest), "utf-8", newline="\n")


def _month_rows(months: Mapping[Path, Settlement]) -> Iterator[dict[str, str]]:
    for path, month in sorted(months.items(), key=lambda item: item[1].month):
        yield {"period": month.period, "sha256": file_digest(path / MANIFEST)}


def _settled(one: Allocation) -> dict[str, str]:
    """Point value and pay ratio of a budget given out by score, exact."""
    found = one.settled
    if found is None:
        return {}
    told = {"point_value": found.value, "pay_ratio": found.pay_ratio}
    exact = {name: f"{v.numerator}/{v.denominator}" for name, v in told.items() if v is not None}
    return {"score": unscaled(found.score_e4), **exact}


def _told(clearing: Clearing) -> dict[str, Any]:
    table = clearing.hospitals
    sums = {name: int(table[name].sum()) for name in table.columns if name.endswith("_fen")}
    return {
        "format": _FORMAT,
        "kind": _KIND,
        "period": str(clearing.year),
        "package": drg.__version__,
        "check": "ok",
        "runs": clearing.ledger.runs,
        "policy": {"id": clearing.policy.id, "digest": clearing.policy.digest},
        "totals": {
            "hospitals": int(table["hospital"].n_unique()),
            "claims": int(table["claims"].sum()),
            "entries": clearing.ledger.entries.height,
            **sums,
        },
        "allocation": [
            {
                "insurance": one.insurance,
                "mode": one.mode,
                "budget_fen": one.budget,
                "taken_out_fen": one.taken_out,
                "patient_fen": one.patient,
                "pool_fen": one.pool,
                # Applied unrounded: numerator and denominator, as text of any length.
                "value": f"{one.value.numerator}/{one.value.denominator}",
                **_settled(one),
            }
            for one in clearing.allocations
        ],
    }
