"""One row of a claim file as a Claim."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from drg.claims.days import read_day
from drg.claims.frame import BLANKS, COLUMN
from drg.claims.model import Claim
from drg.claims.profiles import ClaimColumns

__all__ = ["claim_of"]

_WHOLE = re.compile(r"([+-]?\d+)(\.0*)?", re.ASCII)
#: A number no claim has: groupers take it for one that cannot be read.
UNREADABLE = 2**31
#: A longer number cannot be meant.
_DIGITS = 40


def claim_of(row: Mapping[str, object], columns: ClaimColumns, claim_id: str = "") -> Claim:
    """The claim of one row of a file, read as ``Grouper.group_frame`` reads it.

    Parameters
    ----------
    row : mapping of str to object
        The file's own columns.
    columns : ClaimColumns
        Which of them feed which field.
    claim_id : str, optional
        Used where the file has no column of ids.

    Returns
    -------
    Claim
        A number that cannot be read becomes ``UNREADABLE``, which both groupers call invalid.
        The day of discharge is None when it cannot be read. Sums of money are text as the file has
        them. Other dates and what only pricing reads are left out.
    """
    values: dict[str, object] = {"claim_id": claim_id}
    for name, source in columns.scalars.items():
        column, cell = COLUMN.get(name), row[source]
        if cell is None or column is None or column.kind not in ("int", "str", "money"):
            continue
        if column.kind == "int":
            values[name] = _number(cell)
        else:
            values[name] = _text(cell)
    if day := columns.scalars.get("discharged_on"):
        values["discharged_on"] = read_day(row[day])
    for name, sources, joined in (
        ("diagnoses", columns.diagnoses, columns.diagnoses_joined),
        ("procedures", columns.procedures, columns.procedures_joined),
    ):
        entries = [_codes(row[s], columns.separator if joined else "") for s in sources]
        values[name] = tuple(code for codes in entries for code in codes)
    return Claim.model_validate(values)


def _text(cell: object) -> str:
    """A cell as text; bytes that are none become text that nothing reads, as in a column."""
    return cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)


def _number(cell: object) -> int | None:
    if isinstance(cell, bool):
        return UNREADABLE
    if isinstance(cell, int):
        return cell
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else UNREADABLE
    text = str(cell).strip(BLANKS)
    if not text:
        return None
    whole = _WHOLE.fullmatch(text)
    return int(whole[1]) if whole and len(text) < _DIGITS else UNREADABLE


def _codes(cell: object, separator: str) -> list[str]:
    if cell is None:
        return [""]
    if isinstance(cell, str):
        return cell.split(separator) if separator else [cell]
    if isinstance(cell, Sequence):
        return ["" if code is None else str(code) for code in cell] or [""]
    return [str(cell)]
