"""Stays paid by the bed-day: their price, who pays of it, and stays that may have the package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from drg.claims.typed import ClaimArrays, day_number
from drg.money import ratio_array, round_scaled
from drg.payment.mechanisms.bed_day import (
    class_share_fund,
    covered,
    day_price,
    fund_less_patient,
    gross_fen,
    package,
    variable_per_diem,
)
from drg.payment.mechanisms.points import bed_day_points_e4
from drg.payment.pricing.assessed import Packages, Worth
from drg.payment.pricing.price_columns import Branch, Mode, Note, Route

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.named import Named
    from drg.payment.policy import BedDay
    from drg.payment.pricing.group_price import GroupPricer
    from drg.payment.pricing.route import Keys
    from drg.payment.pricing.sheet import Sheet

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["BedDayPricer"]


class _Kind(NamedTuple):
    """Stays of one price: their places, and what tells them from others."""

    places: Rows
    insurance: str
    level: str
    hospital: str
    category: str
    on: date


class BedDayPricer:
    """Prices stays of one kind of bed-day payment.

    Parameters
    ----------
    rule : BedDay
    group : GroupPricer or None
        Where days are paid in points.
    """

    def __init__(self, rule: BedDay, group: GroupPricer | None) -> None:
        self.rule = rule
        self._group = group
        daily = group.points.daily_points if group and group.points else None
        self._daily_e4 = None if daily is None else round_scaled(daily)
        self._edges = sorted(
            {day for row in rule.rates for day in (row.in_force.start, row.in_force.end) if day}
        )
        #: Days have a price; without, the package is all there is.
        self.by_days = bool(rule.rates or rule.factors or self._daily_e4 is not None) or (
            rule.package is None
        )

    # ---- the package

    def packages(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet
    ) -> tuple[Packages | None, Rows]:
        """Stays that have the package if they are the first, and those that certainly have it."""
        none = np.empty(0, np.int64)
        if self.rule.package is None or not len(rows):
            return None, none
        acute, known = claims.yes("acute_phase")
        sheet.unpaid(rows[~known[rows]], Note.NO_PHASE, Route.BED_DAY)
        rows = self._with_days(claims, rows[known[rows]], sheet)
        days = _days(claims, rows)
        yes = np.ones(len(rows), np.bool_)
        paid = package(acute[rows], yes, days, self.rule.package)
        worth = Worth(paid.fund + paid.patient, paid.fund, paid.patient).take(paid.applies)
        rows = rows[paid.applies]
        if not self.rule.package.once_a_year:
            worth.put(sheet, rows)
            self._settled(sheet, keys, rows, worth.price, Branch.PACKAGE, Route.PACKAGE)
            return None, rows
        nameless = claims.patients.gather(rows).is_null().to_numpy()
        sheet.unpaid(rows[nameless], Note.NO_PERSON, Route.BED_DAY)
        rows, worth = rows[~nameless], worth.take(~nameless)
        found = Packages(
            rows.astype(np.int32), claims.ids.gather(rows), claims.patients.gather(rows),
            keys.scope.day[rows], worth, keys.statistics[rows],
        )  # fmt: skip
        return found, none

    # ---- the days

    def price(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, sheet: Sheet
    ) -> None:
        """Price these stays by their days."""
        sheet.route[rows] = Route.BED_DAY
        rows = self._with_days(claims, rows, sheet)
        if self._group is not None and self._daily_e4 is not None and not self.rule.rates:
            points = bed_day_points_e4(
                _days(claims, rows), np.full(len(rows), self._daily_e4, np.int64)
            )
            self._group.price_points(claims, keys, groups, rows, points, sheet)
            priced = sheet.open(rows)
            sheet.branch[priced] = Branch.PER_DIEM
            return
        gross, rows = self._gross(claims, keys, rows, sheet)
        fund, places = self._fund(claims, rows, gross, sheet)
        rows, gross = rows[places], gross[places]
        patient = claims.money("patient_paid").fen[rows]
        Worth(gross, fund, patient).put(sheet, rows)
        self._settled(sheet, keys, rows, gross, Branch.PER_DIEM, Route.BED_DAY)

    def _settled(
        self, sheet: Sheet, keys: Keys, rows: Rows, standard: Ints, branch: Branch, route: Route
    ) -> None:
        sheet.standard[rows] = standard
        sheet.branch[rows], sheet.route[rows] = branch, route
        sheet.mode[rows] = np.where(keys.statistics[rows], Mode.STATISTICS, Mode.BED_DAY)

    def _with_days(self, claims: ClaimArrays, rows: Rows, sheet: Sheet) -> Rows:
        days = claims.numbers("los_days")
        good = days.given[rows] & (days.fen[rows] >= 0)
        sheet.unpaid(rows[~good], Note.NO_DAYS, Route.BED_DAY)
        return rows[good]

    def _gross(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet
    ) -> tuple[Ints, Rows]:
        """Price of the days, and the stays that have one."""
        rule = self.rule
        if rule.factors:
            if rule.base is None:
                sheet.unpaid(rows, Note.WANTED)
                return np.empty(0, np.int64), rows[:0]
            urgent, known = claims.yes("from_emergency")
            if any(row.emergency_factor is not None for row in rule.factors):
                sheet.unpaid(rows[~known[rows]], Note.NO_ADMISSION_KIND)
                rows = rows[known[rows]]
            days = _days(claims, rows)
            return variable_per_diem(days, urgent[rows], rule.factors, rule.base).gross, rows
        if not rule.rates:
            sheet.unpaid(rows, Note.WANTED)
            return np.empty(0, np.int64), rows[:0]
        days = _days(claims, rows)
        gross, priced = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        for kind in self._kinds(claims, keys, rows):
            price = day_price(
                rule, insurance=kind.insurance, hospital_level=kind.level,
                hospital=kind.hospital, category=kind.category, on=kind.on,
            )  # fmt: skip
            if price is None:
                sheet.unpaid(rows[kind.places], self._lacking(kind))
                continue
            there = kind.places[covered(days[kind.places], price.tiers)]
            gross[there], priced[there] = gross_fen(days[there], price.tiers, price.factor), True
        sheet.unpaid(rows[~priced], Note.NO_DAY_PRICE)
        return gross[priced], rows[priced]

    def _lacking(self, kind: _Kind) -> Note:
        if not kind.level and any(row.hospital_level for row in self.rule.rates):
            return Note.NO_LEVEL
        if not kind.insurance and any(row.insurance for row in self.rule.rates):
            return Note.NO_INSURANCE
        return Note.NO_DAY_PRICE

    def _kinds(self, claims: ClaimArrays, keys: Keys, rows: Rows) -> Iterator[_Kind]:
        """The stays by all that their price can depend on."""
        scope = keys.rates.take(rows)
        category = claims.texts("person_category").take(rows)
        edges = [day_number(day) for day in self._edges]
        stretch = np.searchsorted(edges, scope.day, side="right").astype(np.int64)
        number = stretch
        columns = (scope.insurance, scope.level, scope.hospital, category)
        for named in columns:
            number = number * (len(named.names) + 1) + named.codes
        distinct, first, kind = np.unique(number, return_index=True, return_inverse=True)
        order = np.argsort(kind, kind="stable")
        ends = np.cumsum(np.bincount(kind, minlength=len(distinct)))
        for n, row in enumerate(first.tolist()):
            insurance, level, hospital, who = (
                (*named.names, "")[named.codes[row]] for named in columns
            )
            start = 0 if n == 0 else int(ends[n - 1])
            on = date(1970, 1, 1) + timedelta(days=int(scope.day[row]))
            yield _Kind(order[start : ends[n]], insurance, level, hospital, who, on)

    # ---- who pays

    def _fund(
        self, claims: ClaimArrays, rows: Rows, gross: Ints, sheet: Sheet
    ) -> tuple[Ints, Rows]:
        """Fund's part, and the places of the stays that have one."""
        rule, every = self.rule, np.arange(len(rows))
        good = np.ones(len(rows), np.bool_)
        advance = claims.money("reasonable_advance")
        if rule.cap is not None:
            good &= advance.given[rows] & (advance.fen[rows] >= 0)
        if rule.fund == "class_shares":
            a, b = claims.money("class_a_cost"), claims.money("class_b_cost")
            for part in (a, b):
                good &= part.given[rows] & (part.fen[rows] >= 0)
            good &= a.fen[rows] + b.fen[rows] <= sheet.cost[rows]
        sheet.unpaid(rows[~good], Note.NO_COLUMN)
        places = every[good]
        rows, gross = rows[good], gross[good]
        if rule.fund == "less_patient":
            fund = fund_less_patient(gross, claims.money("patient_paid").fen[rows])
        elif rule.fund == "ratio" and rule.fund_ratio is not None:
            fund = ratio_array(gross, rule.fund_ratio)
        elif rule.fund == "class_shares" and rule.ratio_a is not None and rule.ratio_b is not None:
            # A stay that cost nothing has no classes of items.
            whole = np.maximum(sheet.cost[rows], 1)
            fund = class_share_fund(
                gross, a.fen[rows], b.fen[rows], whole, rule.ratio_a, rule.ratio_b
            ).payable
        else:
            sheet.unpaid(rows, Note.WANTED)
            return np.empty(0, np.int64), places[:0]
        if rule.cap is not None:
            fund = np.minimum(fund, ratio_array(advance.fen[rows], rule.cap))
        return fund, places


def _days(claims: ClaimArrays, rows: Rows) -> Ints:
    """Days of stays; admission and discharge on one day are one."""
    days: Ints = np.maximum(claims.numbers("los_days").fen[rows], 1)
    return days
