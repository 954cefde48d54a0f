"""Outpatient pooling by capitation: visits with a yearly ceiling, the institution's heads (E.1).

Each visit is rounded half up to the fen, then the ceiling cuts; the year begins on 1 January.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.money import ratio_array, round_scaled

if TYPE_CHECKING:
    from drg.payment.mechanisms.quotients import Flags, Ints

__all__ = ["InstitutionResult", "institution_result", "visit_payments"]

_INT64 = 2**63 - 1


class InstitutionResult(NamedTuple):
    """An institution's year, in fen.

    ``result`` = capitation - reimbursed, above zero a surplus; ``final`` is what it gets in all.
    """

    capitation: int
    result: int
    final: int


def visit_payments(
    person: Ints,
    order: Ints,
    cost: Ints,
    eligible: Flags,
    ratio: Fraction,
    *,
    cap: int | None = None,
    deductible: int = 0,
    used_before: Ints | int = 0,
    year: Ints | None = None,
) -> Ints:
    """What the fund pays for each visit, with a running ceiling per person and year.

    With ``r_i`` what a visit would get by itself and ``left`` what the person's ceiling still
    holds at first, a visit is to get ``paid_i = min(r_i, left - Σ paid before i)``. It holds that
    ``Σ paid before i = min(left, R_i)`` with ``R_i = Σ r before i``: true for no visit; and if
    true before i, then after i it is ``min(left, R_i) + min(r_i, left - min(left, R_i))``, which
    is ``left`` once ``R_i ≥ left``, and ``min(R_i + r_i, left)`` otherwise, as every r is zero or
    more. So ``paid_i = min(r_i, max(0, left - R_i))``: the running sums of r, clipped, suffice.
    In the same way r may be clipped to ``left`` beforehand, which bounds the sums.

    Parameters
    ----------
    person : int64 array
        Number of the person, one row per visit.
    order : int64 array
        Day of the visit; of two on one day the earlier row comes first.
    cost : int64 array
        Fen, zero or more.
    eligible : bool array
        The institution and the visit are covered; others get 0 and use nothing up.
    ratio : Fraction
        Fund's share of what exceeds the deductible.
    cap : int, optional
        Yearly ceiling per person, in fen.
    deductible : int, optional
        Taken off each visit, in fen.
    used_before : int64 array or int, optional
        What the ceiling of the visit's person and year has lost in earlier months, in fen.
    year : int64 array, optional
        Benefit year of the visit; one year when omitted.

    Returns
    -------
    int64 array
        Fen, in the order of the rows.

    Raises
    ------
    OverflowError
        The ceiling times one person's visits does not fit int64.

    Examples
    --------
    >>> import numpy as np
    >>> covered = np.ones(3, np.bool_)
    >>> cost = np.array([5000, 8000, 12000])
    >>> one = np.ones(3, np.int64)
    >>> visit_payments(one, np.arange(3), cost, covered, Fraction("0.6"), cap=10_000)
    array([3000, 4800, 2200])
    """
    import numpy as np

    due: Ints = ratio_array(np.maximum(cost - deductible, 0), ratio) * eligible
    if cap is None or not len(due):
        return due
    left = np.broadcast_to(np.maximum(cap - np.asarray(used_before, np.int64), 0), due.shape)
    due = np.minimum(due, left)
    years = np.zeros(len(due), np.int64) if year is None else year
    # Visits that get nothing change nothing: leaving them out keeps the sort small.
    rows = np.flatnonzero(due)
    rows = rows[np.lexsort((order[rows], years[rows], person[rows]))]
    if not len(rows):
        return due
    new = np.ones(len(rows), np.bool_)
    new[1:] = (np.diff(person[rows]) != 0) | (np.diff(years[rows]) != 0)
    starts = np.flatnonzero(new)
    longest = int(np.diff(np.append(starts, len(rows))).max())
    if longest * int(left.max()) > _INT64:
        raise OverflowError("the ceiling times a person's visits does not fit int64")
    # The sum over all persons may wrap; a difference within one person is exact all the same.
    before = np.cumsum(due[rows]) - due[rows]
    before -= np.repeat(before[starts], np.diff(np.append(starts, len(rows))))
    paid = np.zeros(len(due), np.int64)
    paid[rows] = np.clip(left[rows] - before, 0, due[rows])
    return paid


def institution_result(
    enrolled: int,
    reimbursed: int,
    per_head: int,
    surplus_keep: Fraction = Fraction(1),
    overspend_share: Fraction = Fraction(0),
) -> InstitutionResult:
    """An institution's heads against what was reimbursed to its patients.

    Parameters
    ----------
    enrolled : int
        Persons signed with the institution.
    reimbursed : int
        What the fund owes for their visits over the year, in fen.
    per_head : int
        Fen for a person and year.
    surplus_keep, overspend_share : Fraction
        Share of a surplus the institution keeps, share of an overspend the fund takes.

    Examples
    --------
    >>> institution_result(12_000, 91_000_000, 7_000, overspend_share=Fraction("0.5"))
    InstitutionResult(capitation=84000000, result=-7000000, final=87500000)
    >>> institution_result(12_000, 79_500_000, 7_000).final
    84000000
    """
    if enrolled < 0 or reimbursed < 0 or per_head < 0:
        raise ValueError("heads and amounts are not negative")
    capitation = enrolled * per_head
    result = capitation - reimbursed
    if result >= 0:
        return InstitutionResult(
            capitation, result, reimbursed + round_scaled(result * surplus_keep, 0)
        )
    return InstitutionResult(
        capitation, result, capitation + round_scaled(-result * overspend_share, 0)
    )
