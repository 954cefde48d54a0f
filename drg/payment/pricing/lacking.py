"""Notes of what claims lack for their price: the first thing found stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drg.payment.pricing.price_columns import UNSET, Note
from drg.payment.pricing.scope import NEEDS_INSURANCE, NEEDS_LEVEL, NO_ROW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["mark", "mark_missing"]


def mark(note: Rows, where: Flags, code: Note) -> None:
    """Note a lack where there is no note yet.

    Parameters
    ----------
    note : uint8 array
        Changed in place; ``UNSET`` is no note.
    where : bool array
        Of the same length.
    code : Note
    """
    if where.any():
        note[where & (note == UNSET)] = code


def mark_missing(note: Rows, place: Rows, none: Note | None) -> None:
    """Note why no row of a ``ScopeTable`` was found.

    Parameters
    ----------
    note : uint8 array
        As of ``mark``.
    place : int array
        What ``ScopeTable.find`` gave.
    none : Note or None
        What a claim without any row lacks; None: it needs none.
    """
    if not len(place) or int(place.min()) >= 0:
        return
    mark(note, place == NEEDS_LEVEL, Note.NO_LEVEL)
    mark(note, place == NEEDS_INSURANCE, Note.NO_INSURANCE)
    if none is not None:
        mark(note, place == NO_ROW, none)
