"""Claims that are there more than once: the same again, another version, or a contradiction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.payment.pricing.assessed import Assessed
from drg.payment.pricing.price_columns import UNSET, Note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[Any]

__all__ = ["doubles"]


def doubles(parts: Sequence[Assessed]) -> list[NDArray[np.uint8]]:
    """Note of each claim that must not be paid because of another one; ``UNSET`` for the others.

    Of several versions of a claim only the highest counts. Of claims that are alike in every
    column the first counts. Claims of one id and version that differ all stay unpaid.

    Parameters
    ----------
    parts : sequence of Assessed
        In the order of the period's claims.
    """
    notes = [np.full(part.rows, UNSET, np.uint8) for part in parts]
    named = [part.sheet.note != Note.NO_ID for part in parts]
    hashes = [part.identity[0][there] for part, there in zip(parts, named, strict=True)]
    ordered = np.sort(np.concatenate(hashes)) if hashes else np.empty(0, np.uint64)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(again):
        return notes
    where = [
        np.flatnonzero(there & np.isin(part.identity[0], again))
        for part, there in zip(parts, named, strict=True)
    ]
    first, second, content, version = (
        np.concatenate([column[rows] for column, rows in zip(columns, where, strict=True)])
        for columns in (
            [part.identity[0] for part in parts],
            [part.identity[1] for part in parts],
            [part.content for part in parts],
            [part.version for part in parts],
        )
    )
    found = _noted(first, second, content, version)
    ends = np.cumsum([len(rows) for rows in where])
    for note, rows, end in zip(notes, where, ends.tolist(), strict=True):
        note[rows] = found[end - len(rows) : end]
    return notes


def _noted(first: Rows, second: Rows, content: Rows, version: Rows) -> NDArray[np.uint8]:
    # Sorted by claim, the highest version of each first, and in the order given within it.
    order = np.lexsort((-version.astype(np.int64), second, first))
    claim = np.ones(len(order), np.bool_)
    a, b = first[order], second[order]
    claim[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    start = np.flatnonzero(claim)
    number = np.cumsum(claim) - 1
    newest = version[order] == version[order][start][number]
    differs = newest & (content[order] != content[order][start][number])
    contradicted = np.zeros(len(start), np.bool_)
    contradicted[number[differs]] = True
    note = np.full(len(order), UNSET, np.uint8)
    note[~newest] = Note.REPLACED
    note[newest & ~claim] = Note.REPEATED
    note[newest & contradicted[number]] = Note.CONTENT_DIFFERS
    out = np.empty(len(order), np.uint8)
    out[order] = note
    return out
