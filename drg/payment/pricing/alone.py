"""Each claim of a small frame by itself: its price if no other claim and no cap touches it.

A month's caps rank all cases of a hospital; before the month nobody knows them. What a case would
come to if the caps left it out is told beside its price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.named import Named
from drg.claims.typed import folded
from drg.money import PLACES
from drg.payment.policy.by_group import DrgPayment
from drg.payment.pricing.assessed import Assessed
from drg.payment.pricing.caps import decide
from drg.payment.pricing.finished import decided_sheet
from drg.payment.pricing.group_cases import by_group
from drg.payment.pricing.price_columns import UNSET, Branch, Mode, Note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.typed import ClaimArrays
    from drg.payment.policy import Policy
    from drg.payment.pricing.assessed import Candidates
    from drg.payment.pricing.dip_scores import DipScores
    from drg.payment.pricing.route import Keys
    from drg.payment.pricing.sheet import Sheet
    from drg.payment.pricing.walk import Lists, Walk

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["Alone", "alone"]

_ONE = 10**PLACES
_BROKEN_OFF = ("2", "4")
_BY_DAYS = (Branch.PACKAGE, Branch.PER_DIEM, Branch.VISIT)


@dataclass(frozen=True, slots=True)
class Alone:
    """Claims of a frame, each priced as if it were the only one of its period.

    Attributes
    ----------
    policy : Policy
    walk : Walk
        The mechanisms that priced them.
    claims : ClaimArrays
    keys : Keys
    groups : Named
    sheet : Sheet
        What each comes to; no cap leaves it out.
    over : Sheet
        What each comes to where caps leave it out; counts where ``capped``.
    capped : bool array
        A cap of the month, or of the person's year, can change the price.
    reference : tuple of Fraction or None
        Fen that the bounds of classes are multiples of, exact; None: the claim has no classes.
    disease : int array
        Row of the list of diseases whose standard decides by the cost whether a claim is paid per
        disease; -1: none.
    apart : int64 array
        Fen billed apart from that standard.
    """

    policy: Policy
    walk: Walk
    claims: ClaimArrays
    keys: Keys
    groups: Named
    sheet: Sheet
    over: Sheet
    capped: Flags
    reference: tuple[Fraction | None, ...]
    disease: Rows
    apart: Ints


def alone(
    policy: Policy,
    walk: Walk,
    claims: ClaimArrays,
    keys: Keys,
    groups: Named,
    sheet: Sheet,
    lists: Lists,
) -> Alone:
    """What the second pass makes of claims that have nobody beside them.

    Parameters
    ----------
    policy : Policy
    walk : Walk
        That gave each claim its pay mode and price.
    claims, keys, groups
        As ``Walk.over`` took them.
    sheet : Sheet
        As ``Walk.over`` left it.
    lists : Lists
        What it gave.
    """
    expected = _expected(policy, claims, keys, sheet, lists)
    disease, apart = _diseases(walk, claims, keys, expected)
    return Alone(
        policy, walk, claims, keys, groups, expected, sheet,
        _capped(policy, expected), _references(policy, walk, claims, keys, groups, expected),
        disease, apart,
    )  # fmt: skip


def _expected(policy: Policy, claims: ClaimArrays, keys: Keys, sheet: Sheet, lists: Lists) -> Sheet:
    """The sheet after a second pass in which every claim is another person's and no cap bites."""
    packages, visits = lists.get("packages"), lists.get("visits")
    found = lists.get("candidates")
    if found is not None:
        sheet = sheet.copy()
        _let_through(found, sheet)
    if not (packages or visits):
        return sheet
    rows = np.arange(claims.rows, dtype=np.uint64)
    part = Assessed(
        sheet, (rows, rows), rows, np.ones(claims.rows, np.int32), keys.scope.hospital,
        np.zeros(claims.rows, np.int16), None, None, None,
        visits=visits and replace(visits, patients=_persons(visits.rows)),
        packages=packages and replace(packages, patients=_persons(packages.rows)),
    )  # fmt: skip
    return decided_sheet(part, decide([part], policy))


def _persons(rows: Rows) -> pl.Series:
    return pl.Series("patient_id", rows).cast(pl.String)


def _let_through(found: Candidates, sheet: Sheet) -> None:
    """Cases that a cap may let be paid by item, or by their ruling: all of them."""
    places = np.flatnonzero(sheet.note[found.rows] == UNSET)
    high = np.where(found.applied, Branch.APPLIED_BY_ITEM, Branch.HIGH_BY_ITEM)
    ruled = np.where(found.adjusted, Branch.REVIEW_ADJUSTED, Branch.REVIEW_BY_ITEM)
    branch = np.where(found.reviewed, ruled, high)
    worth = found.item.where(branch == Branch.REVIEW_ADJUSTED, found.ruled)
    sheet.branch[found.rows[places]] = branch[places]
    worth.take(places).put(sheet, found.rows[places])


def _capped(policy: Policy, sheet: Sheet) -> Flags:
    """Claims whose price a cap can still change."""
    drg, dip, visits = policy.drg, policy.dip, policy.outpatient
    outliers = drg.outliers if drg else None
    by = drg or dip
    branches = [Branch.PACKAGE] if any(_yearly(rule) for rule in policy.bed_day) else []
    if outliers is not None and outliers.high_cap is not None:
        branches.append(Branch.HIGH_BY_ITEM)
    if outliers is not None and outliers.applied_cap is not None:
        branches.append(Branch.APPLIED_BY_ITEM)
    if by is not None and by.review is not None:
        branches += [Branch.REVIEW_BY_ITEM, Branch.REVIEW_ADJUSTED]
    if visits is not None and visits.annual_cap is not None:
        branches.append(Branch.VISIT)
    if not branches:
        return np.zeros(len(sheet.mode), np.bool_)
    counted: Flags = sheet.mode == Mode.STATISTICS
    return np.isin(sheet.branch, branches) & ~counted


def _yearly(rule: Any) -> bool:
    return rule.package is not None and rule.package.once_a_year


def _diseases(walk: Walk, claims: ClaimArrays, keys: Keys, sheet: Sheet) -> tuple[Rows, Ints]:
    """Rows of the list of diseases by claim, and what is billed apart."""
    place = np.full(claims.rows, -1, np.int64)
    apart = np.zeros(claims.rows, np.int64)
    if walk.diseases is None:
        return place, apart
    stays = np.flatnonzero((sheet.note == UNSET) & ~np.isin(sheet.branch, _BY_DAYS))
    if len(stays):
        rows, found, more = walk.diseases.compared(claims, keys, stays, sheet)
        place[rows], apart[rows] = found, more
    return place, apart


def _references(
    policy: Policy, walk: Walk, claims: ClaimArrays, keys: Keys, groups: Named, sheet: Sheet
) -> tuple[Fraction | None, ...]:
    """What the bounds of each claim's classes are multiples of."""
    found: list[Fraction | None] = [None] * claims.rows
    classed = sheet.case_class != UNSET
    if policy.drg is not None:
        fen = _of_groups(policy.drg, claims, groups, sheet)
        for row in np.flatnonzero(classed & (fen > 0)).tolist():
            found[row] = Fraction(int(fen[row]))
    elif walk.score is not None and walk.score.own is not None:
        rows = np.flatnonzero(classed | (sheet.note == Note.AWAITS_REVIEW))
        if len(rows):
            for row, exact in zip(
                rows.tolist(), _of_scores(walk.score.own, claims, keys, rows), strict=True
            ):
                found[row] = exact
    return tuple(found)


def _of_groups(drg: DrgPayment, claims: ClaimArrays, groups: Named, sheet: Sheet) -> Ints:
    """Standard or mean that each claim's cost is compared with, fen; 0 and less: none."""
    outliers = drg.outliers
    if outliers is None:
        return np.zeros(claims.rows, np.int64)
    if outliers.reference == "mean":
        means = outliers.means or (drg.points.group_means if drg.points else {})
        found: Ints = by_group(groups, means)[groups.codes]
        return found
    if drg.points is None:
        return sheet.standard
    # Points of a stay that was broken off go up with its cost: it has no bound to stand still.
    way = claims.texts("disposition", folded).marked(_BROKEN_OFF.__contains__)
    return np.where(way, 0, sheet.standard)


def _of_scores(
    own: DipScores, claims: ClaimArrays, keys: Keys, rows: Rows
) -> list[Fraction | None]:
    """Mean, with the hospital's coefficients where the rule has them in it."""
    found = own.of(claims, keys, rows)
    rule, way = own.basis.rule, own.basis.dip.auxiliary
    blank = claims.result("group_class").take(rows).marked(own.is_blank)
    if rule is None or found.reference_fen is None:
        return [None] * len(rows)
    exact: list[Fraction | None] = []
    for n, fen in enumerate(found.reference_fen.tolist()):
        value = Fraction(fen)
        if rule.by_coefficient and found.coefficient is not None and found.coefficients is not None:
            value *= Fraction(int(found.coefficients[found.coefficient[n]]), _ONE)
            auxiliary = -1 if found.auxiliary_e4 is None else int(found.auxiliary_e4[n])
            if way != "score" and auxiliary >= 0:
                value *= Fraction(auxiliary, _ONE)
        there = value > 0 and not (rule.blank is not None and blank[n])
        exact.append(value if there else None)
    return exact
