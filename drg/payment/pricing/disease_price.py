"""Cases paid per disease: which ones enter, which leave and why, and their price."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.typed import ClaimArrays, folded
from drg.payment.mechanisms.per_disease import (
    Pathway,
    exit_reason,
    fixed_amount,
    fixed_fund,
    full_standard,
    load_diseases,
)
from drg.payment.mechanisms.quotients import RATIO_SCALE
from drg.payment.pricing.assessed import Worth
from drg.payment.pricing.decided import EXIT, Decided
from drg.payment.pricing.price_columns import Branch, Mode, Note, Route

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.mechanisms.disease_match import Found
    from drg.payment.policy import PerDisease
    from drg.payment.pricing.route import Keys
    from drg.payment.pricing.sheet import Sheet

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["DiseasePricer"]

_TRANSFERRED = "2"
#: Why a case that the list has is paid otherwise.
_ROUTES = {
    Pathway.AGE: Route.NOT_BY_AGE,
    Pathway.EXCLUDED_DX: Route.NOT_BY_DIAGNOSIS,
    Pathway.TRANSFERRED: Route.EXIT_TRANSFER,
    Pathway.DX_CHANGED: Route.EXIT_DECIDED,
    Pathway.COST_LOW: Route.EXIT_LOW,
    Pathway.COST_HIGH: Route.EXIT_HIGH,
}
#: Of the pathway, or outside it for no other reason than the cost.
_BY_COST = [[*Pathway].index(p) for p in (Pathway.STAYS, Pathway.COST_LOW, Pathway.COST_HIGH)]


class DiseasePricer:
    """Prices cases of a policy's list of diseases.

    Parameters
    ----------
    rule : PerDisease
        With a table.
    folder : str
        Where the table lies if it is not named whole.
    decided : Decided

    Raises
    ------
    TableError
        The table is not there or broken.
    """

    def __init__(self, rule: PerDisease, folder: str, decided: Decided) -> None:
        if rule.table is None:
            raise ValueError("the policy names no table of diseases")
        self.rule = rule
        self.table = load_diseases(Path(folder, rule.table))
        self._decided = decided

    def price(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet
    ) -> tuple[Rows, NDArray[np.uint8]]:
        """Price those of the stays that are paid per disease.

        Returns
        -------
        rows : int array
            Stays that the list has and that are paid otherwise.
        routes : uint8 array
            Why.
        """
        found = self._find(claims, keys, rows)
        self._undecided(keys, rows, found.listed & (found.row < 0), sheet)
        here = np.flatnonzero(found.row >= 0)
        rows, place = rows[here], found.row[here]
        rows, place = self._complete(claims, rows, place, sheet)
        apart = claims.money("billed_apart_cost").fen[rows] * self.rule.billed_apart
        actual = sheet.cost[rows] - apart
        standard = self.table.standard_fen[place]
        reason = self._reason(claims, rows, actual, standard)
        out = np.flatnonzero(reason)
        routes = np.array([_ROUTES.get(pathway, Route.BY_ITEM) for pathway in Pathway], np.uint8)
        left, why = rows[out], routes[reason[out]]
        stay = np.flatnonzero(reason == 0)
        self._paid(claims, keys, rows[stay], place[stay], actual[stay], apart[stay], sheet)
        return left, why

    def compared(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet
    ) -> tuple[Rows, Rows, Ints]:
        """Stays whose cost alone decides whether they are paid per disease.

        Parameters
        ----------
        claims : ClaimArrays
        keys : Keys
        rows : int array
            Stays that are priced, in whichever way.
        sheet : Sheet
            As ``price`` left it.

        Returns
        -------
        rows : int array
        place : int array
            Rows of the table that hold for them.
        apart : int64 array
            Fen billed apart, which are not compared with the standard.
        """
        place = self._find(claims, keys, rows).row
        rows, place = rows[place >= 0], place[place >= 0]
        apart = claims.money("billed_apart_cost").fen[rows] * self.rule.billed_apart
        reason = self._reason(
            claims, rows, sheet.cost[rows] - apart, self.table.standard_fen[place]
        )
        by_cost = np.isin(reason, _BY_COST)
        return rows[by_cost], place[by_cost], apart[by_cost]

    def _find(self, claims: ClaimArrays, keys: Keys, rows: Rows) -> Found:
        return self.table.find(
            claims.principal.gather(rows), claims.procedures(rows),
            keys.rates.insurance.take(rows), keys.rates.level.take(rows),
            pl.Series(keys.scope.day[rows], dtype=pl.Int32).cast(pl.Date),
            any_procedure=self.rule.procedure == "any",
        )  # fmt: skip

    def _undecided(self, keys: Keys, rows: Rows, listed: Flags, sheet: Sheet) -> None:
        """Cases of the list whose standard depends on a level or insurance they do not report."""
        scope = keys.rates.take(rows)
        if any(row.hospital_level for row in self.table.rows):
            sheet.unpaid(rows[listed & scope.level.missing], Note.NO_LEVEL, Route.PER_DISEASE)
        if any(row.insurance for row in self.table.rows):
            sheet.unpaid(
                rows[listed & scope.insurance.missing], Note.NO_INSURANCE, Route.PER_DISEASE
            )

    def _complete(
        self, claims: ClaimArrays, rows: Rows, place: Rows, sheet: Sheet
    ) -> tuple[Rows, Rows]:
        """Cases that report what entry, exit and price ask for."""
        rule = self.rule
        good = np.ones(len(rows), np.bool_)
        if rule.age_min is not None or rule.age_max is not None:
            known = claims.numbers("age").given[rows]
            sheet.unpaid(rows[~known], Note.NO_AGE, Route.PER_DISEASE)
            good &= known
        if rule.transferred_exits:
            known = ~claims.texts("disposition", folded).take(rows).missing
            sheet.unpaid(rows[~known], Note.NO_DISPOSITION, Route.PER_DISEASE)
            good &= known
        if rule.billed_apart:
            apart = claims.money("billed_apart_cost")
            fits = ~claims.unreadable("billed_apart_cost")[rows]
            fits &= (apart.fen[rows] >= 0) & (apart.fen[rows] <= sheet.cost[rows])
            sheet.unpaid(rows[~fits], Note.NO_COLUMN, Route.PER_DISEASE)
            good &= fits
        ratio = self.table.fund_ratio_e6[place] >= 0
        fixed = self.table.fund_fixed_fen[place] >= 0
        if rule.fund == "ratio" and rule.fund_ratio is None:
            sheet.unpaid(rows[~ratio & ~fixed], Note.WANTED, Route.PER_DISEASE)
            good &= ratio | fixed
        return rows[good], place[good]

    def _reason(
        self, claims: ClaimArrays, rows: Rows, actual: Ints, standard: Ints
    ) -> NDArray[np.uint8]:
        """Whether each case stays per disease, as positions in ``Pathway``."""
        rule = self.rule
        age = claims.numbers("age").fen[rows]
        fits = np.ones(len(rows), np.bool_)
        if rule.age_min is not None:
            fits &= age >= rule.age_min
        if rule.age_max is not None:
            fits &= age <= rule.age_max
        moved = np.zeros(len(rows), np.bool_)
        if rule.transferred_exits:
            moved = claims.texts("disposition", folded).take(rows).marked(_TRANSFERRED.__eq__)
        excluded = (
            claims.has_diagnosis(rows, rule.exclude_dx)
            if rule.exclude_dx
            else np.zeros(len(rows), np.bool_)
        )
        decided = np.isin(rows, self._decided.on(EXIT, claims.ids).rows)
        every = np.ones(len(rows), np.bool_)
        return exit_reason(
            every, every, moved, actual, standard, low=rule.low, high=rule.high, age_fits=fits,
            excluded_dx=excluded, dx_changed=decided,
        )  # fmt: skip

    def _paid(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, place: Rows, actual: Ints, apart: Ints,
        sheet: Sheet,
    ) -> None:  # fmt: skip
        """Price cases that stay; what is billed apart is the patient's."""
        rule = self.rule
        standard = self.table.standard_fen[place]
        amount = self.table.fund_fixed_fen[place]
        fixed = amount >= 0
        own = np.maximum(claims.money("patient_paid").fen[rows] - apart, 0)
        if rule.fund == "ratio":
            ratio = self.table.fund_ratio_e6[place]
            common = int((rule.fund_ratio or Fraction(0)) * RATIO_SCALE)
            paid = fixed_fund(actual, standard, np.where(ratio >= 0, ratio, common))
        else:
            paid = full_standard(actual, standard, own, rule.surplus_to)
        fund, patient = paid.fund, paid.patient
        if fixed.any():
            by_amount = fixed_amount(actual[fixed], standard[fixed], amount[fixed])
            fund[fixed], patient = by_amount.fund, patient.copy()
            patient[fixed] = by_amount.patient
        price = standard
        if rule.fund == "standard" and rule.surplus_to == "fund":
            price = np.where(fixed, standard, np.minimum(actual, standard))
        Worth(price + apart, fund, patient + apart).put(sheet, rows)
        sheet.standard[rows] = standard
        by_share = fixed | (rule.fund == "ratio")
        sheet.branch[rows] = np.where(by_share, Branch.FIXED_FUND, Branch.FULL_STANDARD)
        sheet.route[rows] = Route.PER_DISEASE
        sheet.mode[rows] = np.where(keys.statistics[rows], Mode.STATISTICS, Mode.PER_DISEASE)
