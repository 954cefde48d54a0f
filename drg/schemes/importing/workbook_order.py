"""The order in which a workbook's ADRGs are tried: alphabetical, or where the base has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from drg.schemes.importing.draft import AdrgDraft
from drg.schemes.scheme import AdrgRow, Scheme


def in_order(rows: list[AdrgDraft], base: Scheme | None) -> None:
    """Give the rows of each MDC their orders, and sort them; changed in place.

    Alphabetical by code, ``xQY`` thus between the procedures and the medical ADRGs. Rows that the
    base has keep its order among themselves; new ones go before the next code in the alphabet.
    """
    theirs: defaultdict[str, list[AdrgRow]] = defaultdict(list)
    for row in base.adrgs if base else ():
        theirs[row.mdc].append(row)
    marks = {mdc: _marks(found) for mdc, found in theirs.items()}
    places = {(r.mdc, r.adrg, r.rule_no): r.index for r in (base.adrgs if base else ())}
    last = {(r.mdc, r.adrg): r.index for r in (base.adrgs if base else ())}

    def key(row: AdrgDraft) -> tuple[str, float, str, int]:
        number = int(row.rule_no)
        place: float | None = places.get((row.mdc, row.adrg, number))
        if place is None:
            place = last.get((row.mdc, row.adrg))
        if place is None:
            after = [index for code, index in marks.get(row.mdc, ()) if code > row.adrg]
            place = min(after, default=float("inf")) - 0.5
        return row.mdc, place, row.adrg, number

    rows.sort(key=key)
    for order, adrg in enumerate(rows, 1):
        adrg.order = order


def _marks(rows: Sequence[AdrgRow]) -> list[tuple[str, int]]:
    """Codes and places of the rows that stand where the alphabet puts them or name no exit."""
    marks = []
    for n, row in enumerate(rows):
        if not row.ambiguous or all(r.adrg > row.adrg for r in rows[n + 1 :] if not r.ambiguous):
            marks.append((row.adrg, row.index))
    return marks
