"""Fill results into settlement lists: grouping, DIP matching and settlement, list by list.

Everything that stands in a list stays as it is, digit for digit; ``hi_paymtd`` is set and nodes
of results are added behind the others.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from drg.claims.frame import BLANKS, DIP_RESULT_NAMES, RESULT_NAMES
from drg.claims.interface.json_text import Number, Placed, read_values
from drg.claims.interface.lists import LIST_SUFFIXES, list_nodes, list_text
from drg.claims.interface.results import (
    DIP_NODE,
    DRG_NODE,
    SETTLED_NODE,
    dip_node,
    drg_node,
    pay_mode,
    settled_node,
)
from drg.claims.interface.scalars import scalar
from drg.claims.interface.writing import json_suffix, write_values
from drg.claims.readers import explained, open_claims
from drg.dip.explain_words import class_words, type_words
from drg.errors import InputError
from drg.reports.dip_results import DIP_RESULTS, RESULT_COLUMNS
from drg.scale.group_file import refuse_same
from drg.schemes.catalog import load_scheme
from drg.settlement.store import CLAIMS
from drg.text import text

__all__ = ["FillRun", "fill_lists"]

#: Node of the result columns of DIP (``drg.reports.dip_results``).
AGENCY_NODE = "agency_result"
_SETTLED = (
    "pay_mode", "route", "case_class", "branch", "weight", "points", "rate_fen", "coefficient",
    "standard_fen", "cost_fen", "price_fen", "patient_fen", "fund_fen", "hospital_fen",
    "payment_note", "policy", "group_score", "auxiliary_coefficient", "point_value", "ref",
    "settled_version",
)  # fmt: skip
_NAMES = (*RESULT_NAMES, *DIP_RESULT_NAMES, "scheme", *_SETTLED)
#: Metadata that ``drg group`` writes into Parquet.
_SCHEME = "drg.scheme"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?")


@dataclass(frozen=True, kw_only=True)
class FillRun:
    """What a run of ``fill_lists`` did.

    Attributes
    ----------
    output : Path
    lists, filled : int
        Lists written, and those that have a result.
    left : int
        Results that no list asked for.
    """

    output: Path
    lists: int
    filled: int
    left: int

    def lines(self) -> list[str]:
        """The run in words."""
        counts = {"lists": f"{self.lists:,}", "filled": f"{self.filled:,}"}
        said = [text("lists.filled", **counts, out=self.output)]
        if self.lists > self.filled:
            said.append(text("lists.unfilled", count=f"{self.lists - self.filled:,}"))
        if self.left:
            said.append(text("lists.left", count=f"{self.left:,}"))
        return said


class _Results:
    """Rows of a result by claim."""

    def __init__(self, path: Path) -> None:
        folder = path if path.is_dir() else None
        file = path if folder is None else path / CLAIMS
        with open_claims(file) as source:
            name = source.columns.scalars.get("claim_id")
            if name is None:
                raise InputError("F180", where=str(file))
            there = [n for n in _NAMES if n in source.schema]
            if "group" not in there or "outcome" not in there:
                raise InputError("F184", where=str(file))
            wanted = [pl.col(name).cast(pl.String).str.strip_chars(BLANKS).alias(".id")]
            # Settled columns without their branch are the claim's own, told by the hospital.
            kept = [n for n in there if n not in _SETTLED or "branch" in there]
            plain = [pl.col(n) for n in kept]
            self.frame = source.cells([*dict.fromkeys([name, *kept])]).select(*wanted, *plain)
        ids = self.frame[".id"]
        again = ids.filter(ids.is_duplicated() & ids.is_not_null())
        if len(again):
            raise InputError("F181", where=str(file), id=again[0])
        self.row_of = {one: n for n, one in enumerate(ids) if one is not None}
        self.dip = "group_class" in there
        self.settled = "branch" in there
        self.version = _version(file)
        self.agency = {} if folder is None else _agency(folder)

    def row(self, claim_id: str) -> dict[str, Any] | None:
        number = self.row_of.get(claim_id)
        return None if number is None else self.frame.row(number, named=True)


def fill_lists(
    lists_path: str | Path,
    result: str | Path,
    out_path: str | Path,
    *,
    scheme: str | None = None,
    grouped_at: str | None = None,
) -> FillRun:
    """Fill results into lists, tied by the settlement id (``setl_id``).

    Parameters
    ----------
    lists_path : str or Path
        Settlement lists (``.json``, ``.jsonl``, ``.ndjson``, also ``.gz``).
    result : str or Path
        What ``drg group`` wrote, or a month's folder of ``drg settle``.
    out_path : str or Path
        ``.json``, ``.jsonl`` or ``.ndjson``.
    scheme : str, optional
        Scheme that was grouped by: gives names to MDCs and ADRGs, and the version where the
        result does not tell it.
    grouped_at : str, optional
        Time of grouping (``grp_time``). Without it the field is null: no clock is read, so that
        the same inputs give the same bytes.

    Raises
    ------
    InputError
        F180, F181, F184 the result; F183, F15x the lists; F182, F185, F20x the output.
    RunError
        C201: the output is an input.
    """
    lists_path, result, out_path = Path(lists_path), Path(result), Path(out_path)
    json_suffix(out_path)
    if not lists_path.name.lower().endswith(LIST_SUFFIXES):
        raise InputError("F183", where=str(lists_path))
    if grouped_at is not None and not _is_time(grouped_at):
        raise InputError("F185", where="--time", time=grouped_at)
    for path in (lists_path, result):
        refuse_same(path, out_path)
    run = _Fill(_Results(result), scheme, grouped_at)
    with (
        tempfile.TemporaryDirectory(prefix="drg-", ignore_cleanup_errors=True) as folder,
        explained(lists_path),
    ):
        source = list_text(lists_path, lambda: Path(folder))
        try:
            write_values(out_path, run.values(source.path, str(lists_path)))
        except RecursionError:
            # It was read, but cannot be written: a little less deep is the limit there.
            at = {"number": run.at.number, "line": run.at.line} if run.at else {}
            raise InputError("F152", where=str(lists_path), **at) from None
    left = len(run.results.row_of) - len(run.used)
    return FillRun(output=out_path, lists=run.lists, filled=run.filled, left=left)


class _Fill:
    """Fills list after list and counts."""

    def __init__(self, results: _Results, scheme: str | None, grouped_at: str | None) -> None:
        self.results = results
        self.grouped_at = grouped_at
        self.version = results.version or scheme
        self.names: Mapping[str, str] = {} if scheme is None or results.dip else _titles(scheme)
        self.words = _class_names(results)
        self.lists = self.filled = 0
        self.used: set[str] = set()
        self.at: Placed | None = None

    def values(self, path: Path, where: str) -> Iterator[Any]:
        """The values of a file of lists, their lists filled in."""
        for placed in read_values(path, where):
            self.at = placed
            for found in list_nodes(placed, where):
                self._fill(found)
            yield placed.value

    def _fill(self, found: dict[str, Any]) -> None:
        self.lists += 1
        setlinfo = found["setlinfo"]
        claim_id = scalar(setlinfo.get("setl_id"), "setl_id", []) if setlinfo else None
        row = None if claim_id is None else self.results.row(claim_id)
        if row is None or claim_id is None:
            return
        self.filled += 1
        self.used.add(claim_id)
        if (mode := pay_mode(row)) is not None:
            setlinfo["hi_paymtd"] = mode
        if self.results.dip:
            found[DIP_NODE] = dip_node(row, setlinfo, self.words, self.grouped_at)
        else:
            found[DRG_NODE] = drg_node(row, setlinfo, self.names, self.version, self.grouped_at)
        if self.results.settled:
            found[SETTLED_NODE] = settled_node(row)
            if (agency := self.results.agency.get(str(row.get("ref")))) is not None:
                found[AGENCY_NODE] = agency


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _version(file: Path) -> str | None:
    """Scheme of a result, as its metadata tells it."""
    if file.suffix.lower() != ".parquet":
        return None
    return pl.read_parquet_metadata(file).get(_SCHEME)


def _titles(scheme: str) -> dict[str, str]:
    """Names of MDCs and ADRGs."""
    loaded = load_scheme(scheme)
    found: dict[str, str] = {}
    for table in ("mdc", "adrg"):
        found |= dict(loaded.table(table).select(table, "name").iter_rows())
    return found


def _class_names(results: _Results) -> dict[str, str]:
    if not results.dip:
        return {}
    kinds = results.frame["group_class"].cast(pl.String).unique().drop_nulls()
    return {
        kind: type_words(kind, None) if "." in kind else class_words(kind, None) for kind in kinds
    }


def _agency(folder: Path) -> dict[str, dict[str, Any]]:
    """Result columns of DIP claims by their settlement number, as the folder has them."""
    path = folder / DIP_RESULTS
    if not path.exists():
        return {}
    with explained(path):
        frame = pl.read_parquet(path, glob=False)
    key = RESULT_COLUMNS.index("settlement")
    heads = frame.columns
    return {
        str(row[key]): {head: _value(cell) for head, cell in zip(heads, row, strict=True)}
        for row in frame.iter_rows()
    }


def _value(cell: object) -> object:
    if cell is None or isinstance(cell, bool | str):
        return cell
    return Number(str(cell))
