"""The way of every claim of a part through the mechanisms of a policy (spec 0.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import polars as pl

from drg.payment.mechanisms.exclusions import STAY_CLASSES, StayClass, stay_class
from drg.payment.mechanisms.shares import fund_by_actual
from drg.payment.pricing.assessed import Candidates, Packages, Stays, Visits, Worth
from drg.payment.pricing.bed_day_price import BedDayPricer
from drg.payment.pricing.disease_price import DiseasePricer
from drg.payment.pricing.levels import best_level
from drg.payment.pricing.price_columns import UNSET, Branch, Mode, Note, Route
from drg.payment.pricing.route import bed_day_match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.named import Named
    from drg.claims.typed import ClaimArrays
    from drg.payment.policy import Outpatient, Policy
    from drg.payment.pricing.decided import Decided
    from drg.payment.pricing.dip_price import DipPricer
    from drg.payment.pricing.group_price import GroupPricer
    from drg.payment.pricing.route import Keys
    from drg.payment.pricing.sheet import Sheet

    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["Lists", "Walk"]

_SHORT, _LONG = STAY_CLASSES.index(StayClass.SHORT), STAY_CLASSES.index(StayClass.LONG)
_OUTCOMES = frozenset({"GROUPED", "AMBIGUOUS", "UNGROUPABLE"})
#: Routes of claims that went the way of most; another reason, if there is one, tells more.
_PLAIN = (Route.GROUP, Route.POINTS, Route.DIP, Route.BY_ITEM)
_EXITS = (Route.EXIT_LOW, Route.EXIT_HIGH, Route.EXIT_TRANSFER, Route.EXIT_DECIDED)


class Lists(TypedDict, total=False):
    """What the second pass may change, as ``Assessed`` takes it."""

    candidates: Candidates | None
    stays: Stays | None
    visits: Visits | None
    packages: Packages | None


class Walk:
    """Routes and prices the claims of a part.

    Parameters
    ----------
    policy : Policy
    group : GroupPricer or None
        None: the policy does not pay by group.
    decided : Decided
    score : DipPricer or None
        None: the policy does not pay by score, or by group first.
    """

    def __init__(
        self,
        policy: Policy,
        group: GroupPricer | None,
        decided: Decided,
        score: DipPricer | None,
    ) -> None:
        self._policy = policy
        self.group = group
        self.score = score
        self.bed_days = [BedDayPricer(rule, group) for rule in policy.bed_day]
        listed = policy.per_disease
        self.diseases = (
            DiseasePricer(listed, policy.folder, decided) if listed and listed.table else None
        )
        #: The list of diseases has to be supplied: who stands on it cannot be told.
        self._no_list = "per_disease.table" in policy.wanted and self.diseases is None

    @property
    def reads_codes(self) -> bool:
        """Whether diagnoses or procedures decide a payment otherwise than through the group."""
        by_code = any(rule.match.principal_dx for rule in self._policy.bed_day)
        return by_code or self.diseases is not None

    def over(
        self, claims: ClaimArrays, keys: Keys, groups: Named, visits: Flags, sheet: Sheet
    ) -> Lists:
        """Give each claim without a fault its pay mode and price on the sheet.

        Parameters
        ----------
        claims : ClaimArrays
        keys : Keys
        groups : Named
            Groups of all claims.
        visits : bool array
            Outpatient care.
        sheet : Sheet
        """
        lists = Lists()
        fine = sheet.note == UNSET
        lists["visits"] = self._visits(claims, keys, np.flatnonzero(fine & visits), sheet)
        rows = np.flatnonzero(fine & ~visits)
        rows, lists["packages"] = self._by_bed_day(claims, keys, groups, rows, sheet)
        rows, why = self._by_disease(claims, keys, rows, sheet)
        rows = self._by_stay(claims, keys, rows, sheet)
        self._by_group(claims, keys, groups, rows, sheet, lists)
        told = np.flatnonzero(why != UNSET)
        plain = np.isin(sheet.route[told], _PLAIN) | np.isin(why[told], _EXITS)
        sheet.route[told[plain]] = why[told[plain]]
        sheet.route[sheet.mode == Mode.STATISTICS] = Route.OTHER_PAYER
        return lists

    # ---- outpatient

    def _visits(self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet) -> Visits | None:
        """Visits, each at its cost; the second pass says what the fund pays."""
        if not len(rows):
            return None
        rule = self._policy.outpatient
        pooled = keys.care.take(rows).marked(_care_types(rule).__contains__)
        sheet.unpaid(rows[~pooled], Note.OTHER_CARE, Route.FAULT)
        rows = rows[pooled]
        if rule is None or not len(rows):
            return None
        sheet.route[rows] = Route.VISIT
        if rule.ratio is None:
            sheet.unpaid(rows, Note.WANTED)
            return None
        level = keys.scope.level
        if rule.levels:
            missing = level.missing[rows]
            sheet.unpaid(rows[missing], Note.NO_LEVEL)
            rows = rows[~missing]
        if rule.annual_cap is not None:
            nameless = claims.patients.gather(rows).is_null().to_numpy()
            nameless &= ~keys.statistics[rows]
            sheet.unpaid(rows[nameless], Note.NO_PERSON)
            rows = rows[~nameless]
        covered = [not rule.levels or best_level(key, rule.levels) for key in level.names]
        eligible = np.array([*map(bool, covered), not rule.levels], np.bool_)[level.codes[rows]]
        cost = sheet.cost[rows]
        Worth(cost, np.zeros_like(cost), cost).put(sheet, rows)
        sheet.standard[rows] = cost
        sheet.branch[rows] = Branch.VISIT
        counted = keys.statistics[rows]
        sheet.mode[rows] = np.where(counted, Mode.STATISTICS, Mode.VISIT)
        own = rows[~counted]
        return Visits(
            own.astype(np.int32), claims.ids.gather(own), claims.patients.gather(own),
            keys.scope.day[own], sheet.cost[own], eligible[~counted],
        )  # fmt: skip

    # ---- stays

    def _by_bed_day(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, sheet: Sheet
    ) -> tuple[Rows, Packages | None]:
        """Price what is paid by the day; the stays that are left, and who may have a package."""
        found: list[Packages] = []
        for pricer in self.bed_days:
            taken = bed_day_match(claims, keys, pricer.rule, rows)
            asked = np.setdiff1d(taken, _rows_of(found), assume_unique=True)
            listed, sure = pricer.packages(claims, keys, asked, sheet)
            if listed is not None and len(listed.rows):
                found.append(listed)
            by_days = np.setdiff1d(sheet.open(taken), sure, assume_unique=True)
            if pricer.by_days:
                pricer.price(claims, keys, groups, by_days, sheet)
                rows = np.setdiff1d(rows, taken, assume_unique=True)
            else:
                rows = np.setdiff1d(rows, sure, assume_unique=True)
        rows = sheet.open(rows)
        if any(pricer.rule.match.min_days is not None for pricer in self.bed_days):
            known = claims.numbers("los_days").given[rows]
            sheet.unpaid(rows[~known], Note.NO_DAYS, Route.FAULT)
            rows = rows[known]
        return rows, _joined(found)

    def _by_disease(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet
    ) -> tuple[Rows, NDArray[np.uint8]]:
        """Price what is paid per disease; the stays that are left, and why of those on the list."""
        why = np.full(claims.rows, UNSET, np.uint8)
        if self._no_list:
            sheet.unpaid(rows, Note.WANTED, Route.PER_DISEASE)
            return rows[:0], why
        if self.diseases is None:
            return rows, why
        left, routes = self.diseases.price(claims, keys, rows, sheet)
        why[left] = routes
        rows = sheet.open(rows)
        return rows[sheet.mode[rows] == Mode.UNPAID], why

    def _by_stay(self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet) -> Rows:
        """By item what the length of stay keeps from its group; the stays that are left."""
        by = self._policy.drg or self._policy.dip
        rule = by.exclusion if by else None
        if rule is None:
            return rows
        days = claims.numbers("los_days")
        known = days.given[rows] & (days.fen[rows] >= 0)
        sheet.unpaid(rows[~known], Note.NO_DAYS, Route.FAULT)
        rows = rows[known]
        kind = stay_class(days.fen[rows], np.zeros(len(rows), np.bool_), rule)
        self._by_item(claims, keys, rows[kind == _SHORT], Route.SHORT_STAY, sheet)
        self._by_item(claims, keys, rows[kind == _LONG], Route.LONG_STAY, sheet)
        left: Rows = rows[(kind != _SHORT) & (kind != _LONG)]
        return left

    def _by_group(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, sheet: Sheet, lists: Lists
    ) -> None:
        """Price the rest: by group, by score, or by item where the policy has neither."""
        drg, group = self._policy.drg, self.group
        if drg is None or group is None:
            if self.score is not None:
                self._by_score(self.score, claims, keys, rows, sheet, lists)
            else:
                self._by_item(claims, keys, rows, Route.BY_ITEM, sheet)
            return
        choices = (drg.ungrouped, drg.ambiguous)
        rows = self._grouped(claims, keys, rows, choices, sheet)
        sheet.route[rows] = group.route
        weighted = group.basis.weighted(groups, rows, keys.scope.day)
        if weighted is None:
            sheet.unpaid(rows, Note.WANTED)
            return
        if not weighted.all():
            without = rows[~weighted]
            if drg.unweighted == "by_item":
                self._by_item(claims, keys, without, Route.UNWEIGHTED_BY_ITEM, sheet)
            else:
                sheet.unpaid(without, Note.NO_WEIGHT)
            rows = rows[weighted]
        lists["candidates"], lists["stays"] = group.price(claims, keys, groups, rows, sheet)

    def _grouped(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, choices: tuple[str, str], sheet: Sheet
    ) -> Rows:
        """The claims that have a group; what becomes of the others the policy chooses."""
        outcome = claims.result("outcome").take(rows)
        grouped = outcome.marked("GROUPED".__eq__)
        for choice, name, note, route in (
            (choices[0], "UNGROUPABLE", Note.UNGROUPED, Route.UNGROUPED_BY_ITEM),
            (choices[1], "AMBIGUOUS", Note.AMBIGUOUS, Route.AMBIGUOUS_BY_ITEM),
        ):
            found = outcome.marked(name.__eq__)
            if choice == "by_item":
                self._by_item(claims, keys, rows[found], route, sheet)
            else:
                sheet.unpaid(rows[found], note, Route.RETURNED)
        sheet.unpaid(rows[~outcome.marked(_OUTCOMES.__contains__)], Note.NO_VERSION, Route.FAULT)
        return rows[grouped] if not grouped.all() else rows

    def _by_score(
        self,
        score: DipPricer,
        claims: ClaimArrays,
        keys: Keys,
        rows: Rows,
        sheet: Sheet,
        lists: Lists,
    ) -> None:
        """Price by score; what has a group and no score goes back, or is paid by item."""
        dip = score.dip
        rows = self._grouped(claims, keys, rows, (dip.ungrouped, "return"), sheet)
        lists["candidates"], left = score.price(claims, keys, rows, sheet)
        if dip.unscored == "by_item":
            self._by_item(claims, keys, left, Route.UNWEIGHTED_BY_ITEM, sheet)
        else:
            sheet.unpaid(left, Note.NO_SCORE)

    def _by_item(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, route: Route, sheet: Sheet
    ) -> None:
        if not len(rows):
            return
        cost = sheet.cost[rows]
        parts = fund_by_actual(cost, claims.money("patient_paid").fen[rows])
        Worth(cost, *parts).put(sheet, rows)
        sheet.branch[rows], sheet.route[rows] = Branch.BY_ITEM, route
        sheet.mode[rows] = np.where(keys.statistics[rows], Mode.STATISTICS, Mode.BY_ITEM)


def _care_types(rule: Outpatient | None) -> frozenset[str]:
    return frozenset(text.strip() for text in rule.care_types) if rule else frozenset()


def _rows_of(found: list[Packages]) -> Rows:
    return np.concatenate([np.empty(0, np.int64), *(listed.rows for listed in found)])


def _joined(found: list[Packages]) -> Packages | None:
    if len(found) < 2:
        return found[0] if found else None
    worths = [listed.worth for listed in found]
    return Packages(
        np.concatenate([listed.rows for listed in found]),
        pl.concat([listed.ids for listed in found]),
        pl.concat([listed.patients for listed in found]),
        np.concatenate([listed.day for listed in found]),
        Worth(
            np.concatenate([worth.price for worth in worths]),
            np.concatenate([worth.fund for worth in worths]),
            np.concatenate([worth.patient for worth in worths]),
        ),
        np.concatenate([listed.statistics for listed in found]),
    )
