"""The folder of a month: written beside its place and moved there when complete; all or nothing.

``settlement.toml`` names policy, runs and inputs, holds the totals and the digests of the other
files. No clock time is in it: the same inputs give the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

import drg
from drg.claims.encoding import DENIED, FULL, system_code
from drg.claims.excel_safe import as_written, excel_safe
from drg.claims.readers import explained
from drg.claims.writers import write_frames
from drg.dates import Month
from drg.errors import InputError
from drg.placing import put_in_place
from drg.schemes.tables import file_digest
from drg.settlement.ledger import Ledger, SettlementError
from drg.settlement.one_run import one_run, recover, set_aside
from drg.settlement.settled import FINDING_SCHEMA, Settlement

__all__ = [
    "CLAIMS", "LEDGER", "MANIFEST", "STATEMENTS", "NothingNew", "draft_folder", "find_settlement",
    "read_settlement", "save_settlement", "write_month",
]  # fmt: skip

CLAIMS, LEDGER, MANIFEST = "claims.parquet", "ledger.parquet", "settlement.toml"
STATEMENTS = "statements"
_FINDINGS, _HOSPITALS, _MATTERS = "findings.csv", "hospitals.parquet", "matters.parquet"
#: What a settlement writes; anything else in a folder is its owner's and stays.
_OURS = (
    CLAIMS, LEDGER, MANIFEST, _FINDINGS, _HOSPITALS, _MATTERS, STATEMENTS, "summary.html",
    "next_budget.csv",
)  # fmt: skip
_COUNTS = ("claims", "paid", "statistics", "unsettled")
_FORMAT = 1
_KIND = "month"


class NothingNew(Exception):
    """Raised inside ``draft_folder`` to leave the folder as it is.

    Attributes
    ----------
    settlement : Settlement
        What the folder holds, and still does.
    """

    def __init__(self, settlement: Settlement) -> None:
        super().__init__()
        self.settlement = settlement


def find_settlement(
    folder: str | Path, month: Month, policy_id: str, policy_digest: str
) -> Settlement | None:
    """The settlement that a folder holds already, which a run is to continue.

    Returns
    -------
    Settlement or None
        None: there is no such folder, or nothing is in it.

    Raises
    ------
    SettlementError
        P433 the folder holds something else, P434 another month or policy, P435 it is damaged.
    """
    path = Path(folder)
    recover(path)
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    found = read_settlement(path, whole=True)
    known = (str(found.month), found.policy_id, found.policy_digest)
    wanted = (str(month), policy_id, policy_digest)
    if known != wanted:
        raise SettlementError(
            "P434", where=str(folder), period=known[0], policy=f"{known[1]}@{known[2][:12]}",
            wanted=wanted[0], wanted_policy=f"{wanted[1]}@{wanted[2][:12]}",
        )  # fmt: skip
    return found


def read_settlement(
    folder: str | Path, *, whole: bool = False, books: type[Ledger] = Ledger
) -> Settlement:
    """Read a settled month.

    Parameters
    ----------
    folder : str or Path
        What ``drg settle -o`` wrote.
    whole : bool, optional
        Hold the file of claims against its digest too, which means reading it.
    books : type of Ledger, optional
        Reads the ledger; ``SummedLedger`` where its sums are enough.

    Returns
    -------
    Settlement
        Its ``claims`` are read when they are asked for.

    Raises
    ------
    SettlementError
        P433 no settled month is there, P435 a file is missing or not the one that was written.
    """
    path = Path(folder)
    recover(path)
    manifest = _manifest(path)
    names = [LEDGER, _FINDINGS, _HOSPITALS, _MATTERS, *([CLAIMS] if whole else [])]
    for name in names:
        file = path / name
        if not file.is_file() or file_digest(file) != manifest["files"].get(name):
            raise SettlementError("P435", where=str(path), file=name)
    if not (path / CLAIMS).is_file():
        raise SettlementError("P435", where=str(path), file=CLAIMS)
    with explained(path):
        findings = pl.read_csv(path / _FINDINGS, schema=FINDING_SCHEMA)
        texts = pl.col("claim", "hospital").fill_null("")
        findings = findings.with_columns(texts).with_columns(
            as_written(findings.select(pl.col(pl.String)).columns)
        )
        hospitals = pl.read_parquet(path / _HOSPITALS)
        matters = pl.read_parquet(path / _MATTERS)
    ledger = books.read(path / LEDGER)
    if any(period != manifest["period"] for period in ledger.entries["period"].head(1)):
        raise SettlementError("P435", where=str(path), file=MANIFEST)
    return Settlement(
        month=Month.parse(manifest["period"]),
        policy_id=manifest["policy"]["id"],
        policy_digest=manifest["policy"]["digest"],
        claims=pl.scan_parquet(path / CLAIMS, glob=False, hive_partitioning=False),
        ledger=ledger,
        findings=findings,
        hospitals=hospitals,
        matters=matters,
        run=len(manifest["run"]),
        changed=False,
        manifest=manifest,
    )


def save_settlement(settlement: Settlement, folder: str | Path) -> None:
    """Write a settlement that is at hand as a frame.

    Parameters
    ----------
    folder : str or Path
        New or empty, or the folder of an earlier run of this month.

    Raises
    ------
    SettlementError
        P433, P434 as ``find_settlement``; P492: the folder has entries that this settlement does
        not continue; P438: its ledger does not hold, nothing is written.
    InputError
        F204, F209, F210: the folder cannot be written; F211: another run is writing it.
    """
    known = settlement.month, settlement.policy_id, settlement.policy_digest
    with one_run(folder):
        found = find_settlement(folder, *known)
        if found is not None:
            posted = found.ledger.entries
            if not settlement.ledger.entries.head(posted.height).equals(posted):
                raise SettlementError("P492", where=str(folder))
        with draft_folder(folder) as draft:
            claims = settlement.claims.lazy().collect()
            write_frames(draft / CLAIMS, claims, compression="zstd")
            write_month(draft, settlement)


def write_month(draft: Path, settlement: Settlement) -> None:
    """Write everything but the claims, which lie in the draft already, once the ledger is proved.

    Raises
    ------
    SettlementError
        P438.
    """
    with ThreadPoolExecutor(1) as pool:
        # Written while it is proved: the draft is thrown away if it does not hold.
        written = pool.submit(settlement.ledger.write, draft / LEDGER)
        faults = settlement.check()
        written.result()
    if faults:
        told = "; ".join(fault.line() for fault in faults[:3])
        raise SettlementError("P438", count=len(faults), faults=told)
    shown = settlement.findings.with_columns(excel_safe(settlement.findings.schema))
    shown.write_csv(draft / _FINDINGS, include_bom=True, line_terminator="\r\n")
    write_frames(draft / _HOSPITALS, settlement.hospitals, compression="zstd")
    write_frames(draft / _MATTERS, settlement.matters, compression="zstd")
    import tomli_w

    manifest = _told(settlement)
    names = sorted((CLAIMS, LEDGER, _FINDINGS, _HOSPITALS, _MATTERS))
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda name: file_digest(draft / name), names)
        manifest["files"] = dict(zip(names, digests, strict=True))
    (draft / MANIFEST).write_text(tomli_w.dumps(manifest), "utf-8", newline="\n")


def _told(settlement: Settlement) -> dict[str, Any]:
    table = settlement.hospitals
    counts = {name: int(table[name].sum()) for name in _COUNTS}
    amounts = {name: int(table[name].sum()) for name in table.columns if name.endswith("_fen")}
    runs: Sequence[Mapping[str, Any]] = settlement.manifest.get("run", [])
    return {
        "format": _FORMAT,
        "kind": _KIND,
        "period": settlement.period,
        "package": drg.__version__,
        "check": "ok",
        "policy": {"id": settlement.policy_id, "digest": settlement.policy_digest},
        "totals": {**counts, "entries": settlement.ledger.count, **amounts},
        "run": [dict(run) for run in runs],
    }


@contextmanager
def draft_folder(out: str | Path) -> Iterator[Path]:
    """A folder beside ``out`` to fill, which takes its place in the end; all or nothing.

    What an earlier run wrote is replaced whole; files of the owner's in it are taken along.

    Raises
    ------
    InputError
        F209 no room, F210 no permission, F204 another reason of the system.
    """
    final = Path(out).resolve()
    draft = final.with_name(f".{final.name}-{secrets.token_hex(4)}")
    before = set_aside(final)
    try:
        draft.mkdir(parents=True)
        yield draft
        if final.exists():
            _take_along(final, draft)
        _sync(draft)
        try:
            if final.exists():
                put_in_place(final, before)
            put_in_place(draft, final)
        except BaseException:  # an interrupt as well
            if before.exists() and not final.exists():
                put_in_place(before, final)
            raise
        shutil.rmtree(before, ignore_errors=True)
    except OSError as error:
        system = system_code(error)
        code = "F209" if system in FULL else "F210" if system in DENIED else "F204"
        raise InputError(code, where=str(out), system=system) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _take_along(final: Path, draft: Path) -> None:
    for path in sorted(final.iterdir()):
        if path.name in _OURS:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, draft / path.name, symlinks=True)
        else:
            shutil.copy2(path, draft / path.name, follow_symlinks=False)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb+") as file, contextlib.suppress(OSError):
                os.fsync(file.fileno())


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise SettlementError("P433", where=str(folder))
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        if data["kind"] != _KIND or data["format"] != _FORMAT:
            raise SettlementError("P433", where=str(folder))
        Month.parse(data["period"])
        known = (data["policy"]["id"], data["policy"]["digest"], data["files"], data["run"])
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, SettlementError):
            raise
        raise SettlementError("P435", where=str(folder), file=MANIFEST) from error
    if not all(known) or not all(isinstance(word, str) for word in known[:2]):
        raise SettlementError("P435", where=str(folder), file=MANIFEST)
    return data
