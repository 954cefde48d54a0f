"""Cases that are priced by their group, with all that their price needs; the others say what lacks.

A number that a case needs and the policy, its tables or the claim does not give leaves the case
unpaid with a note on the sheet; nothing stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from drg.claims.named import Named
from drg.claims.typed import ClaimArrays, folded
from drg.money import PLACES, exceeds
from drg.payment.mechanisms.procurement import kinds_of
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.pricing.group_weights import GroupWeights, decimals
from drg.payment.pricing.lacking import mark, mark_missing
from drg.payment.pricing.price_columns import UNSET, Note
from drg.payment.pricing.scope import NO_ROW, ScopeKeys, ScopeTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Policy
    from drg.payment.pricing.hospitals import Hospitals
    from drg.payment.pricing.route import Keys
    from drg.payment.pricing.sheet import Sheet

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["Cases", "GroupBasis", "by_group"]

_ONE = 10**PLACES
_MICRO = 10**6
#: dscg_way: to another hospital; against advice. Such a stay did not run its course.
_TRANSFERRED, _BROKEN_OFF = "2", "4"
_KIND_OF = {"drug": "drug", "药品": "drug", "consumable": "consumable", "耗材": "consumable",
            "service": "service", "服务": "service", "医疗服务": "service"}  # fmt: skip


class Outside(NamedTuple):
    """Parts of the patient out of scope, fen."""

    fully: Ints
    first: Ints
    deductible: Ints


class Leaving(NamedTuple):
    """How a patient left.

    Attributes
    ----------
    transferred, broken_off : bool array
        To another hospital; that, or against advice.
    days, gmlos : int64 array
        Length of stay; geometric mean one of the group, scaled 10⁶. They count for transfers.
    """

    transferred: Flags
    broken_off: Flags
    days: Ints
    gmlos: Ints


class Listed(NamedTuple):
    """New technology: its cost, the mean of its category, the mean cost of the group; fen."""

    cost: Ints
    category_mean: Ints
    group_mean: Ints


@dataclass(slots=True)
class Cases:
    """Cases and what is known of each; arrays of one length, None where the policy needs none.

    Attributes
    ----------
    rows : int array
        Rows of the frame.
    cost, paid : int64 array
        Cost, and what the patient paid, in fen.
    group : integer array
        Place in the groups of the frame.
    keys : ScopeKeys
    statistics : bool array
        Counted only: somebody else pays.
    rate, coefficient : int32 array
        Places among the policy's rates, and in ``GroupBasis.coefficient_e4``.
    reference : int64 array
        Mean cost that classes are told by, fen.
    outside : Outside
    leaving : Leaving
    listed : Listed
    """

    rows: Rows
    cost: Ints
    paid: Ints
    group: Rows
    keys: ScopeKeys
    statistics: Flags
    rate: Rows
    coefficient: Rows
    reference: Ints | None = None
    outside: Outside | None = None
    leaving: Leaving | None = None
    listed: Listed | None = None

    def take(self, places: Rows) -> Cases:
        """The cases of these places."""
        parts = (getattr(self, field.name) for field in fields(self))
        return Cases(*(_taken(part, places) for part in parts))


def _taken(part: Any, places: Rows) -> Any:
    if part is None:
        return None
    if isinstance(part, ScopeKeys):
        return part.take(places)
    if isinstance(part, tuple):
        return type(part)(*(column[places] for column in part))
    return part[places]


class GroupBasis:
    """What a policy's numbers say of groups: weights, rates, coefficients, means.

    Parameters
    ----------
    policy : Policy
        With a ``drg`` part.
    hospitals : Hospitals or None
        Its coefficients count as rows of the policy for one hospital.

    Raises
    ------
    PaymentError
        P421, P422: rows of rates or coefficients that contradict each other; P424: a coefficient
        with more than four decimals.
    TableError
        A table of weights is not there or broken.
    """

    def __init__(self, policy: Policy, hospitals: Hospitals | None) -> None:
        if policy.drg is None:
            raise ValueError("the policy does not pay by group")
        self.drg = policy.drg
        self.points = policy.drg.points
        self.weight_tables = GroupWeights(self.drg.weights if self.points is None else ())
        self._rates = ScopeTable(self.drg.rates, what="drg.rates")
        self._no_rate = Note.WANTED if self._rates.empty else Note.NO_RATE
        rows = (*self.drg.coefficients, *(hospitals.coefficients if hospitals else ()))
        groups = [row.group for row in rows]
        self._coefficients = ScopeTable(rows, groups, what="drg.coefficients")
        #: Rows of coefficients: those of the policy, then those of the register of hospitals.
        self.coefficient_rows = rows
        scaled = [_ONE]
        for row in rows:
            exact = row.coefficient * _ONE
            if exact.denominator != 1:
                raise PaymentError("P424", hospital=row.hospital or "—", value=row.coefficient)
            scaled.append(int(exact))
        #: Coefficients scaled 10⁴; the first is that of cases without a row.
        self.coefficient_e4 = np.array(scaled, np.int64)
        self.coefficients = decimals(scaled, "coefficient")
        self.rate_fen = np.array([row.rate for row in self.drg.rates] or [0], np.int64)
        outliers = self.drg.outliers
        self._by_mean = outliers is not None and outliers.reference == "mean"

    # ---- groups

    def weighted(self, groups: Named, rows: Rows, day: Rows) -> Flags | None:
        """Whether the groups of these claims have a weight, or a mean for points.

        None: the policy has no weights at all, they have to be supplied.
        """
        group = groups.codes[rows]
        if self.points is not None:
            if not self.points.group_means or not self.points.city_mean:
                return None
            there: Flags = by_group(groups, self.points.group_means)[group] > 0
            return there
        if self.weight_tables.empty:
            return None
        table = self.weight_tables.weights_e4(groups.names)
        found: Flags = table[self.weight_tables.place(groups.names, group, day[rows])] >= 0
        return found

    def weight_e4(self, groups: Named, cases: Cases) -> tuple[Rows, Ints]:
        """Places of the cases' weights in ``weights``, and the weights scaled 10⁴."""
        place = self.weight_tables.place(groups.names, cases.group, cases.keys.day)
        return place, self.weight_tables.weights_e4(groups.names)[place]

    def weights(self, groups: Named) -> pl.Series:
        """Weights as Decimal by place."""
        return self.weight_tables.weights(groups.names)

    # ---- cases

    def rated(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, sheet: Sheet
    ) -> Cases:
        """Cases with their rates alone; claims without one are noted and left out."""
        note = np.full(len(rows), UNSET, np.uint8)
        return _noted(self._begin(claims, keys, groups, rows, note), note, sheet)

    def cases(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, sheet: Sheet
    ) -> Cases:
        """Cases with all that their price needs; claims that lack some are noted and left out."""
        note = np.full(len(rows), UNSET, np.uint8)
        cases = self._begin(claims, keys, groups, rows, note)
        named = Named(groups.names, cases.group)
        coefficient = self._coefficients.find(keys.rates.take(rows), named)
        same = [name in self.drg.same_price_groups for name in groups.names]
        # Without a row the coefficient is 1, and so it is where one price holds for all.
        own = (coefficient != NO_ROW) & ~np.array([*same, False])[cases.group]
        cases.coefficient = np.where(own, coefficient + 1, 0)
        mark_missing(note, np.where(own, coefficient, 0), None)
        self._classed(note, cases, groups)
        self._shared(note, cases, claims)
        self._left(note, cases, claims, groups)
        self._listed(note, cases, claims, groups)
        if self.drg.procurement is not None:
            kind = claims.texts("procurement", folded).take(cases.rows)
            mark(note, kind.marked(lambda text: kinds_of(text) is None), Note.NO_STANDING)
        return _noted(cases, note, sheet)

    def _begin(
        self, claims: ClaimArrays, keys: Keys, groups: Named, rows: Rows, note: Rows
    ) -> Cases:
        rate = self._rates.find(keys.rates.take(rows))
        mark_missing(note, rate, self._no_rate)
        return Cases(
            rows, claims.money("total_cost").fen[rows], claims.money("patient_paid").fen[rows],
            groups.codes[rows], keys.scope.take(rows), keys.statistics[rows], rate,
            np.zeros_like(rate),
        )  # fmt: skip

    def _classed(self, note: Rows, cases: Cases, groups: Named) -> None:
        """The mean that classes are told by, and the level that chooses the multiple."""
        outliers = self.drg.outliers
        if outliers is None:
            return
        if self._by_mean:
            means = outliers.means or (self.points.group_means if self.points else {})
            cases.reference = by_group(groups, means)[cases.group]
            mark(note, cases.reference <= 0, Note.WANTED)
        other = outliers.high.get("")
        if any(multiple != other for multiple in outliers.high.values()):
            mark(note, cases.keys.level.missing, Note.NO_LEVEL)

    def _shared(self, note: Rows, cases: Cases, claims: ClaimArrays) -> None:
        """What the basis of the patient's share needs."""
        share = self.drg.share
        everyone = np.ones(len(cases.rows), np.bool_)
        if share.basis == "policy_ratio":
            if share.fund_ratio is None:
                mark(note, everyone, Note.WANTED)
            found = []
            for name in ("fully_self_paid", "first_self_paid", "deductible"):
                amounts = claims.money(name)
                fen = amounts.fen[cases.rows]
                mark(note, ~amounts.given[cases.rows] | (fen < 0), Note.NO_COLUMN)
                found.append(fen)
            cases.outside = Outside(*found)
        elif share.basis != "actual" and share.patient_ratio is None:
            mark(note, everyone, Note.WANTED)

    def _left(self, note: Rows, cases: Cases, claims: ClaimArrays, groups: Named) -> None:
        """How the patient left, where transfers or broken-off stays have a price of their own."""
        rule = self.drg.transfer
        if rule is None and self.points is None:
            return
        way = claims.texts("disposition", folded).take(cases.rows)
        mark(note, way.missing, Note.NO_DISPOSITION)
        moved, against = way.marked(_TRANSFERRED.__eq__), way.marked(_BROKEN_OFF.__eq__)
        stay = gmlos = np.zeros(len(moved), np.int64)
        if rule is not None:
            days = claims.numbers("los_days")
            stay = days.fen[cases.rows]
            mark(note, moved & (~days.given[cases.rows] | (stay < 0)), Note.NO_DAYS)
            means = {name: int(mean * _MICRO) for name, mean in rule.gmlos.items()}
            gmlos = by_group(groups, means)[cases.group]
            mark(note, moved & (gmlos <= 0), Note.WANTED)
        cases.leaving = Leaving(moved, moved | against, stay, gmlos)

    def _listed(self, note: Rows, cases: Cases, claims: ClaimArrays, groups: Named) -> None:
        """New technology, its kind, and the means it is compared with."""
        rule = self.drg.new_technology
        if rule is None:
            return
        mark(note, claims.unreadable("new_technology_cost")[cases.rows], Note.NO_COLUMN)
        listed = claims.money("new_technology_cost").fen[cases.rows]
        large = exceeds(listed, rule.share, cases.cost, inclusive=rule.share_inclusive)
        large &= listed > 0
        kind = claims.texts("new_technology_kind", _kind_key).take(cases.rows)
        mark(note, large & kind.missing, Note.NO_KIND)
        mean = by_group(groups, rule.group_means)[cases.group]
        mark(note, large & (mean <= 0), Note.WANTED)
        category = np.full(len(listed), -1, np.int64)
        for place, name in enumerate(kind.names):
            means = {
                group: fen
                for key, fen in rule.means.items()
                for group, _, known in [key.rpartition("|")]
                if _kind_key(known) == name
            }
            here = kind.codes == place
            category[here] = by_group(groups, means, none=-1)[cases.group[here]]
        mark(note, large & (category < 0), Note.WANTED)
        # Below the share nothing is added; numbers that stand in there are not looked at.
        cases.listed = Listed(
            np.where(large, listed, 0), np.where(large, category, 0), np.where(large, mean, 1)
        )


def _kind_key(text: str) -> str:
    return _KIND_OF.get(folded(text), "")


def by_group(groups: Named, values: Mapping[str, int], *, none: int = 0) -> Ints:
    """Numbers by group as an array over the groups of a frame; one more for no group."""
    return np.array([*(values.get(name, none) for name in groups.names), none], np.int64)


def _noted(cases: Cases, note: Rows, sheet: Sheet) -> Cases:
    """The cases without a note; the notes of the others on the sheet."""
    if (note == UNSET).all():
        return cases
    for code in np.unique(note[note != UNSET]).tolist():
        sheet.unpaid(cases.rows[note == code], Note(code))
    return cases.take(np.flatnonzero(note == UNSET))
