"""Price of cases by their group: weight × rate × coefficient or points, class, and who pays.

First pass of two: everything is worked out as if no cap let a case through and nobody came back;
what a cap or a readmission may change goes on the lists that ``drg.payment.pricing.caps`` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.named import Named
from drg.claims.typed import ClaimArrays, folded
from drg.money import PLACES
from drg.payment.mechanisms.new_technology import add_on
from drg.payment.mechanisms.outliers import CASE_CLASSES, UNCLASSED, CaseClass, classify
from drg.payment.mechanisms.points import base_points_e4, by_item_points_e4, case_points_e4
from drg.payment.mechanisms.procurement import lowest_kind, procured_kinds, retained_fen
from drg.payment.mechanisms.readmission import reduced
from drg.payment.mechanisms.shares import Parts, fund_by_actual, split_price
from drg.payment.mechanisms.standard import standard_fen
from drg.payment.mechanisms.transfer import transfer_fen
from drg.payment.pricing.assessed import Candidates, Stays, Worth
from drg.payment.pricing.decided import Decided
from drg.payment.pricing.group_cases import Cases, GroupBasis, by_group
from drg.payment.pricing.levels import best_level
from drg.payment.pricing.price_columns import Branch, Mode, Note, Route
from drg.payment.pricing.route import Keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import PatientShare, Points
    from drg.payment.pricing.sheet import Sheet

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["GroupPricer", "split_cases"]

_ONE = 10**PLACES
_LOW, _HIGH, _EXTREME = (
    CASE_CLASSES.index(kind)
    for kind in (CaseClass.ULTRA_LOW, CaseClass.ULTRA_HIGH, CaseClass.EXTREME)
)


class GroupPricer:
    """Prices cases by group.

    Parameters
    ----------
    basis : GroupBasis
    decided : Decided
    """

    def __init__(self, basis: GroupBasis, decided: Decided) -> None:
        self.basis = basis
        self.drg = basis.drg
        self.points = basis.points
        self._decided = decided
        self.mode = Mode.DRG if self.points is None else Mode.POINTS
        self.route = Route.GROUP if self.points is None else Route.POINTS

    def price(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, sheet: Sheet
    ) -> tuple[Candidates | None, Stays | None]:
        """Price claims whose group has a weight, and list what may still change.

        Parameters
        ----------
        claims : ClaimArrays
        keys : Keys
        groups : Named
            Groups of all claims.
        rows : int array
            The claims to be priced.
        sheet : Sheet
        """
        cases = self.basis.cases(claims, keys, groups, rows, sheet)
        if not len(cases.rows):
            return None, None
        standard, points = self._standard(cases, groups, sheet)
        kinds = self._kinds(cases, standard)
        if kinds is not None and (kinds == UNCLASSED).any():
            sheet.unpaid(cases.rows[kinds == UNCLASSED], Note.WANTED)
            keep = np.flatnonzero(kinds != UNCLASSED)
            cases, standard, kinds = cases.take(keep), standard[keep], kinds[keep]
            points = None if points is None else points[keep]
        price, branch = self._by_group(cases, standard)
        group = self._worth(claims, cases, price, points)
        item = self._by_item(cases)
        high = np.zeros(len(price), np.bool_)
        low = high
        worth = group
        if kinds is not None:
            sheet.case_class[cases.rows] = kinds
            low, high = kinds == _LOW, (kinds == _HIGH) | (kinds == _EXTREME)
            # Cases that are only counted stand under no cap.
            counted = high & cases.statistics
            branch[high] = Branch.HIGH_OVER_CAP
            branch[low], branch[counted] = Branch.LOW_BY_ITEM, Branch.HIGH_BY_ITEM
            worth = group.where(low | counted, item)
        worth.put(sheet, cases.rows)
        sheet.branch[cases.rows] = branch
        sheet.mode[cases.rows] = np.where(cases.statistics, Mode.STATISTICS, self.mode)
        candidates = self._candidates(claims, cases, sheet, standard, high, item)
        stays = self._stays(claims, groups, cases, price, points, ~low)
        return candidates, stays

    def price_points(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, points: Ints, sheet: Sheet
    ) -> None:
        """Price claims that have points otherwise than by group, such as those of their days."""
        cases = self.basis.rated(claims, keys, groups, rows, sheet)
        points = points[np.isin(rows, cases.rows)]
        value = self._value(points, cases)
        sheet.rate[cases.rows], sheet.standard[cases.rows] = cases.rate, value
        parts = fund_by_actual(value, cases.paid)
        Worth(value, *parts, points).put(sheet, cases.rows)
        sheet.mode[cases.rows] = np.where(cases.statistics, Mode.STATISTICS, self.mode)

    # ---- what a case is worth

    def _standard(self, cases: Cases, groups: Named, sheet: Sheet) -> tuple[Ints, Ints | None]:
        """Standard in fen, and points."""
        rows = cases.rows
        points: Ints | None = None
        if self.points is None:
            sheet.weight[rows], weight = self.basis.weight_e4(groups, cases)
        else:
            weight = points = self._points(self.points, groups, cases)
        standard = standard_fen(
            weight, self.basis.rate_fen[cases.rate], self.basis.coefficient_e4[cases.coefficient]
        )
        sheet.rate[rows], sheet.coefficient[rows] = cases.rate, cases.coefficient
        sheet.standard[rows] = standard
        return standard, points

    def _points(self, rule: Points, groups: Named, cases: Cases) -> Ints:
        if rule.city_mean is None or cases.leaving is None:
            raise ValueError("cases without a city mean have no weight, and are not priced")
        means = by_group(groups, rule.group_means)
        own = np.zeros((len(cases.keys.hospital.names) + 1, len(means)), np.int64)
        place = {name: n for n, name in enumerate(groups.names)}
        for n, hospital in enumerate(cases.keys.hospital.names):
            for name, group in place.items():
                own[n, group] = rule.hospital_means.get(f"{hospital}|{name}", 0)
        base = base_points_e4(means, rule.city_mean, rule.scale)
        return case_points_e4(
            base[cases.group], cases.cost, ~cases.leaving.broken_off,
            own[cases.keys.hospital.codes, cases.group], means[cases.group], rule.variant,
        )  # fmt: skip

    def _kinds(self, cases: Cases, standard: Ints) -> NDArray[np.uint8] | None:
        rule = self.drg.outliers
        if rule is None:
            return None
        level = cases.keys.level
        # A level is called as the policy calls the narrowest one that covers it.
        names = [best_level(key, (n for n in rule.high if n)) or f"\0{key}" for key in level.names]
        reference = standard if cases.reference is None else cases.reference
        return classify(cases.cost, reference, level.codes, names, rule)

    def _by_group(self, cases: Cases, standard: Ints) -> tuple[Ints, NDArray[np.uint8]]:
        """Price by group before any cap, and which formula gave it."""
        price = standard
        branch = np.full(len(standard), Branch.STANDARD, np.uint8)
        left, listed = cases.leaving, cases.listed
        if self.points is not None and left is not None:
            branch[left.broken_off] = Branch.INCOMPLETE
        if (transfer := self.drg.transfer) and left is not None:
            price = transfer_fen(
                price, left.days, left.gmlos, left.transferred, transfer.first_day_multiple
            )
            branch[left.transferred] = Branch.TRANSFER
        if (technology := self.drg.new_technology) and listed is not None:
            here = np.flatnonzero(listed.cost)
            added = add_on(
                cases.cost[here], listed.group_mean[here], listed.cost[here],
                listed.category_mean[here], technology,
            )  # fmt: skip
            price = price.copy()
            price[here] += added.fen
            branch[here[added.eligible]] = Branch.NEW_TECHNOLOGY
        return price, branch

    def _worth(self, claims: ClaimArrays, cases: Cases, price: Ints, points: Ints | None) -> Worth:
        """Fund and patient of a price, less the surplus that joint procurement takes back."""
        parts = split_cases(self.drg.share, cases, price)
        rule = self.drg.procurement
        if rule is not None:
            kind = claims.texts("procurement", folded)
            codes = lowest_kind(procured_kinds(kind.names), rule)[kind.codes[cases.rows]]
            surplus = parts.fund + parts.patient - cases.cost
            returned = np.minimum(surplus - retained_fen(surplus, codes, rule), parts.fund)
            price = price - returned
            parts = Parts(parts.fund - returned, parts.patient)
        return Worth(price, *parts, points)

    def _by_item(self, cases: Cases) -> Worth:
        """What the same cases are worth by item."""
        points = self._item_points(cases.cost)
        value = cases.cost if points is None else self._value(points, cases)
        return Worth(value, *fund_by_actual(value, cases.paid), points)

    def _item_points(self, cost: Ints) -> Ints | None:
        rule = self.points
        if rule is None or rule.city_mean is None:
            return None
        return by_item_points_e4(cost, rule.city_mean, rule.scale)

    def _value(self, points: Ints, cases: Cases) -> Ints:
        one = np.full(len(points), _ONE, np.int64)
        return standard_fen(points, self.basis.rate_fen[cases.rate], one)

    # ---- what may still change

    def _candidates(
        self,
        claims: ClaimArrays,
        cases: Cases,
        sheet: Sheet,
        standard: Ints,
        high: Flags,
        item: Worth,
    ) -> Candidates | None:
        """Cases that a cap lets be paid by item, or that a ruling gives a standard of their own."""
        said = self._decided.ruled(claims.ids)
        reviewed, applied = said.reviewed[cases.rows], said.applied[cases.rows]
        adjusted, amount = said.adjusted[cases.rows], said.amount[cases.rows]
        places = np.flatnonzero((high | reviewed | applied) & ~cases.statistics)
        if not len(places):
            return None
        lacking = places[(adjusted & (amount < 0))[places]]
        sheet.unpaid(cases.rows[lacking], Note.NO_AMOUNT)
        places = np.setdiff1d(places, lacking)
        chosen = cases.take(places)
        to, own = adjusted[places], item.take(places)
        standards = np.where(to, amount[places], 0)
        points = self._item_points(standards)
        if points is not None:
            standards = self._value(points, chosen)
        ruled = Worth(standards, *split_cases(self.drg.share, chosen, standards), points)
        return Candidates(
            rows=chosen.rows.astype(np.int32),
            ids=claims.ids.gather(chosen.rows),
            high=high[places],
            applied=applied[places],
            reviewed=reviewed[places],
            adjusted=to,
            excess=chosen.cost - standard[places],
            item=own,
            ruled=ruled,
        )

    def _stays(
        self, claims: ClaimArrays, groups: Named, cases: Cases, price: Ints, points: Ints | None,
        by_group: Flags,
    ) -> Stays | None:  # fmt: skip
        """Stays to be compared with each other, and what a reduced one is worth."""
        rule = self.drg.readmission
        if rule is None:
            return None
        places = np.flatnonzero(~cases.statistics)
        chosen = cases.take(places)
        every = np.ones(len(places), np.bool_)
        if points is None:
            less, left = reduced(price[places], every, rule), None
        else:
            left = reduced(points[places], every, rule)
            less = self._value(left, chosen)
        worth = self._worth(claims, chosen, less, left)
        admitted, known = claims.days("admitted_on")
        exempt = [name in rule.exempt_groups for name in groups.names]
        return Stays(
            rows=chosen.rows.astype(np.int32),
            ids=claims.ids.gather(chosen.rows),
            patients=claims.patients.gather(chosen.rows),
            groups=claims.frame["group"].gather(chosen.rows).cast(pl.String),
            admitted=admitted[chosen.rows],
            discharged=chosen.keys.day,
            dated=known[chosen.rows],
            exempt=np.array([*exempt, False])[chosen.group],
            by_group=by_group[places],
            less=worth,
        )


def split_cases(share: PatientShare, cases: Cases, price: Ints) -> Parts:
    """Fund and patient parts of a price by a basis of the policy."""
    if cases.outside is None:
        return split_price(share, price, cases.paid)
    return split_price(
        share, price, cases.paid, fully_self_paid_fen=cases.outside.fully,
        first_self_paid_fen=cases.outside.first, deductible_fen=cases.outside.deductible,
    )  # fmt: skip
