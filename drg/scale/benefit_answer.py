"""One visit answered at once: of a file, after the person's earlier ones there, or as told.

The same numbers go to the terminal and to the settlement sheet (``drg.reports.benefit_sheet``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from drg.benefits.batch import OneVisit, settle_frame
from drg.benefits.columns import care_of, retired_of
from drg.benefits.model import Balance, Visit
from drg.benefits.people import spelled
from drg.benefits.visit import settle_visit
from drg.claims.readers import ClaimSource, open_claims
from drg.claims.typed import ClaimArrays
from drg.errors import InputError
from drg.money import AmountError, fen
from drg.payment.weight_table import insurance_code
from drg.scale.benefit_balances import (
    BenefitError,
    new_balances,
    read_balances,
    refuse_known,
    refuse_repeated,
    used_up,
)
from drg.scale.benefit_file import read_visits, visit_keys
from drg.scale.find import find_claims
from drg.scale.group_file import refuse_same

if TYPE_CHECKING:
    from drg.benefits.plan import Plan

__all__ = ["FoundVisit", "benefit_of", "check_statement", "told_visit"]

#: Before the name of a balance in what is told of a visit: ``used.basic=12000``.
_USED = "used."
_COUNTS = ("visits",)
_AMOUNTS = ("total", "own_pay", "first_self_pay", "over_limit", "basic_paid")
#: Words that are read as a file's are; others go to the plan as they stand.
_WORDS: Mapping[str, Callable[[str], object]] = {
    "insurance": insurance_code, "care": care_of, "retired": retired_of,
}  # fmt: skip


@dataclass(frozen=True)
class FoundVisit:
    """One visit of a file, settled after the earlier ones of the person.

    Attributes
    ----------
    row : int
        From 1, in the file; 0: told on the command line.
    facts : mapping of str to str
        Fields of the claim as read; what is not reported is not in it.
    one : OneVisit
    reason : str
        ``benefit_reason``; ``""``: none.
    """

    row: int
    facts: Mapping[str, str]
    one: OneVisit
    reason: str


def benefit_of(
    source_path: str | Path,
    plan: Plan,
    claim_id: str | None = None,
    *,
    balances: str | Path | None = None,
    hospitals: str | Path | None = None,
    sheet: str | int | None = None,
) -> FoundVisit:
    """One visit of a file, with what the person's earlier visits there used up.

    Parameters
    ----------
    claim_id : str, optional
        May be left out when the file has one row.
    source_path, plan, balances, hospitals, sheet
        As for ``benefit_file``.

    Raises
    ------
    RunError
        C202: no row has this id.
    BenefitError
        B437: several rows and no id; B441: several rows with it; B430-B436.
    """
    with open_claims(source_path, sheet=sheet) as source:
        row = _row_of(source, claim_id)
        frame, columns = read_visits(source, hospitals)
    before = new_balances() if balances is None else read_balances(balances, plan.id)
    claims = ClaimArrays(frame, columns)
    person = claims.patients[row]
    # Whom the file does not name is one by himself.
    own = pl.int_range(frame.height, eager=True) == row
    if person is not None:
        own = (claims.patients == person).fill_null(False)
    part = frame.filter(own)
    place = int(own.head(row).sum())
    keys = visit_keys(part, columns)
    refuse_repeated(keys, str(source_path), kept=False)
    refuse_known(keys, before, str(source_path))
    run = settle_frame(plan, part, columns, used_up(before))
    cells = part.row(place, named=True)
    facts = {name: str(cells[column]) for name, column in columns.scalars.items()
             if cells[column] is not None}  # fmt: skip
    return FoundVisit(row + 1, facts, run.one(place), str(run.frame["benefit_reason"][place] or ""))


def told_visit(plan: Plan, words: Sequence[str]) -> FoundVisit:
    """A visit told in words, settled.

    Parameters
    ----------
    plan : Plan
    words : sequence of str
        ``name=value``: fields of ``Visit``, amounts in yuan, words as files have them
        (``care=住院``, ``insurance=居民``); ``used.`` before those of
        ``Balance`` for what the year has used up.

    Raises
    ------
    BenefitError
        B438: no such name, no such value, a name twice, or no total.

    Examples
    --------
    >>> from drg.benefits.plan import load_plan
    >>> found = told_visit(load_plan("ankang-2019"), ["total=30000", "level=三级", "insurance=390"])
    >>> found.one.settled.fund
    1872000
    """
    visit: dict[str, object] = {}
    used: dict[str, object] = {}
    for word in words:
        name, _, value = (part.strip() for part in word.partition("="))
        place, fields = (used, Balance._fields) if name.startswith(_USED) else (
            visit, Visit._fields
        )  # fmt: skip
        field = name.removeprefix(_USED)
        if field not in fields or field in place or not value:
            raise _unusable(word)
        place[field] = (
            _used(plan, field, value, word) if place is used else _told(field, value, word)
        )
    if "total" not in visit:
        raise _unusable("total")
    asked, before = Visit(**visit), Balance(**used)  # type: ignore[arg-type]
    settled, _ = settle_visit(plan, asked, before)
    return FoundVisit(0, {}, OneVisit(asked, before, settled), settled.reason)


def _row_of(source: ClaimSource, claim_id: str | None) -> int:
    where = str(source.path)
    if claim_id is not None:
        found = find_claims(source, claim_id)
        if len(found) > 1:
            rows = ", ".join(str(claim.row) for claim in found)
            raise BenefitError("B441", where=where, id=claim_id, count=len(found), rows=rows)
        return found[0].row - 1
    if source.rows != 1:
        raise BenefitError("B437", where=where, count=f"{source.rows:,}")
    return 0


def check_statement(path: Path, inputs: Iterable[str | Path | None]) -> None:
    """Refuse a settlement sheet that cannot be written, before any work is done.

    Raises
    ------
    InputError
        F202 no such folder, F203 the path is a folder.
    RunError
        C201: it is one of the inputs.
    """
    if path.is_dir():
        raise InputError("F203", where=str(path))
    if not path.parent.is_dir():
        raise InputError("F202", where=str(path), folder=str(path.parent))
    for given in inputs:
        if given is not None:
            refuse_same(Path(given), path)


def _told(field: str, value: str, word: str) -> object:
    if field in _AMOUNTS:
        return _amount(value, word)
    found = _WORDS.get(field, str)(value)
    if found is None:
        raise _unusable(word)
    return found


def _used(plan: Plan, field: str, value: str, word: str) -> object:
    if field == "region":
        region = spelled(plan.names.get("region", {})).get(value.casefold())
        if region is None:
            raise _unusable(word)
        return region
    if field in _COUNTS:
        if not value.isdecimal():
            raise _unusable(word)
        return int(value)
    return _amount(value, word)


def _amount(value: str, word: str) -> int:
    try:
        found = fen(value)
    except AmountError as error:
        raise _unusable(word) from error
    if found < 0:
        raise _unusable(word)
    return found


def _unusable(word: str) -> BenefitError:
    known = ", ".join((*Visit._fields, *(f"{_USED}{name}" for name in Balance._fields)))
    return BenefitError("B438", where="--visit", text=word, known=known)
