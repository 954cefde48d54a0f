"""Readmission in the same group within days of discharge: the earlier stay is halved (spec A.7).

Stays are compared within a patient and group, by date of admission; stays of other groups between
them do not matter, nor in which hospital they were. Whoever wants one hospital only numbers
patients by hospital.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from drg.money import ratio_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Readmission

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["Readmissions", "halve_previous", "reduced"]


class Readmissions(NamedTuple):
    """What stays are followed by, row by row.

    Attributes
    ----------
    halved : bool array
        The stay is followed by another within the window and has no reason: it is reduced.
    next_row : int64 array
        Row of the patient's next stay in the same group; -1: there is none.
    gap_days : int64 array
        Days from discharge to that admission; below zero where the stays overlap, which reduces
        nothing; 0 without a next stay.
    """

    halved: Flags
    next_row: Ints
    gap_days: Ints


def halve_previous(
    patient: NDArray[np.integer[Any]],
    group: NDArray[np.integer[Any]],
    admitted: NDArray[np.integer[Any]],
    discharged: NDArray[np.integer[Any]],
    exempt: Flags,
    rule: Readmission,
) -> Readmissions:
    """Stays whose points a readmission reduces.

    Parameters
    ----------
    patient, group : integer array
        Numbers of the patient and the group, zero or more; below zero: not known, the stay is
        compared with none.
    admitted, discharged : integer array
        Days, as any count of them (a polars Date's physical one).
    exempt : bool array
        Stays that neither reduce nor are reduced: courses of chemotherapy or radiotherapy, a
        group of ``rule.exempt_groups``, a reason accepted.
    rule : Readmission

    Returns
    -------
    Readmissions
        Rows in the order given.

    Examples
    --------
    >>> from drg.payment.policy import Readmission
    >>> rule = Readmission(window_days=15, factor="0.5")
    >>> stays = [np.array(n) for n in ([7, 7, 7], [1, 1, 2], [0, 18, 40], [5, 30, 45])]
    >>> found = halve_previous(*stays, np.zeros(3, np.bool_), rule)
    >>> found.halved.tolist(), found.gap_days.tolist()
    ([True, False, False], [13, 0, 0])
    """
    rows = np.flatnonzero((patient >= 0) & (group >= 0))
    halved = np.zeros(len(patient), np.bool_)
    next_row = np.full(len(patient), -1, np.int64)
    gap_days = np.zeros(len(patient), np.int64)
    if len(rows) < 2:
        return Readmissions(halved, next_row, gap_days)
    person, kind = patient[rows].astype(np.int64), group[rows].astype(np.int64)
    pair = person * (int(kind.max()) + 1) + kind
    order = rows[np.lexsort((discharged[rows], admitted[rows], pair))]
    same = (patient[order[1:]] == patient[order[:-1]]) & (group[order[1:]] == group[order[:-1]])
    before, after = order[:-1][same], order[1:][same]
    next_row[before] = after
    gap = admitted[after].astype(np.int64) - discharged[before]
    gap_days[before] = gap
    inside = gap <= rule.window_days if rule.window_inclusive else gap < rule.window_days
    halved[before] = inside & (gap >= 0) & ~exempt[before] & ~exempt[after]
    return Readmissions(halved, next_row, gap_days)


def reduced(values: Ints, halved: Flags, rule: Readmission) -> Ints:
    """Points (or a price) after readmission: ``× factor`` where halved, half up once.

    Examples
    --------
    >>> from drg.payment.policy import Readmission
    >>> rule = Readmission(window_days=15, factor="0.5")
    >>> reduced(np.array([880_000, 880_000]), np.array([True, False]), rule)
    array([440000, 880000])
    """
    out = values.copy()
    out[halved] = ratio_array(values[halved], rule.factor)
    return out
