"""Price of cases by score: what their points are worth, who pays, what review may change (B.5-B.8).

First pass of two, as ``drg.payment.pricing.group_price``: what a cap of special review may let
through goes on the list that ``drg.payment.pricing.caps`` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drg.dip.deviation_rules import DEVIATION_CLASSES, DeviationClass
from drg.money import PLACES, product_array, round_scaled
from drg.payment.mechanisms.shares import Parts, fund_by_actual, split_price
from drg.payment.pricing.assessed import Candidates, Worth
from drg.payment.pricing.decided import REVIEW, Decided
from drg.payment.pricing.dip_scores import DipScores
from drg.payment.pricing.group_weights import decimals
from drg.payment.pricing.price_columns import NONE, UNSET, Branch, Mode, Note, Route
from drg.payment.pricing.scope import NEEDS_INSURANCE, NEEDS_LEVEL
from drg.quotients import quotient_array

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from drg.claims.typed import ClaimArrays
    from drg.payment.policy import DipPayment
    from drg.payment.pricing.route import Keys
    from drg.payment.pricing.scores import Scores, ScoreSource
    from drg.payment.pricing.sheet import Sheet

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["DipPricer"]

_MICRO = 10**6
_BRANCHES = {
    DeviationClass.ULTRA_LOW: Branch.LOW_BY_SCORE,
    DeviationClass.ULTRA_HIGH: Branch.HIGH_BY_SCORE,
    DeviationClass.EXTREME: Branch.HIGH_BY_SCORE,
    DeviationClass.BLANK_GROUP: Branch.BLANK_GROUP,
}
#: Branch by class, the last for none.
_BRANCH = np.array(
    [*(_BRANCHES.get(kind, Branch.STANDARD) for kind in DEVIATION_CLASSES), Branch.STANDARD],
    np.uint8,
)
_OUTSIDE = ("fully_self_paid", "first_self_paid", "deductible")


class DipPricer:
    """Prices cases by score.

    Parameters
    ----------
    dip : DipPayment
    source : ScoreSource
        Scores of claims; ``DipScores`` for those of the policy itself.
    decided : Decided
    """

    def __init__(self, dip: DipPayment, source: ScoreSource, decided: Decided) -> None:
        self.dip = dip
        self._source = source
        self.own = source if isinstance(source, DipScores) else None
        self._decided = decided
        basis = self.own.basis if self.own is not None else None
        #: What places on a sheet stand for: hospital coefficients, and point values as published.
        self.coefficients: pl.Series | None = None
        self.values: pl.Series | None = None
        if basis is not None:
            self.coefficients = decimals(basis.coefficient_e4.tolist(), "coefficient")
            published = [round_scaled(value, PLACES) for value in basis.values]
            self.values = decimals(published, "point_value")

    def price(
        self, claims: ClaimArrays, keys: Keys, rows: Rows, sheet: Sheet
    ) -> tuple[Candidates | None, Rows]:
        """Price grouped claims.

        Parameters
        ----------
        claims : ClaimArrays
        keys : Keys
        rows : int array
            The claims to be priced.
        sheet : Sheet

        Returns
        -------
        candidates : Candidates or None
            Cases that special review, or an application, may let leave their score's price.
        left : int array
            Claims without a score.
        """
        sheet.route[rows] = Route.DIP
        found = self._scores(claims, keys, rows)
        note = np.full(len(rows), UNSET, np.uint8) if found.note is None else found.note.copy()
        note[~found.scored & (note == UNSET)] = Note.NO_SCORE
        left = rows[note == Note.NO_SCORE]
        ratio = self._ratios(claims, keys, rows, note)
        if found.awaits is not None and found.awaits.any():
            ruled = self._decided.ruled(claims.ids.gather(rows))
            ended = self._decided.refused(REVIEW, claims.ids.gather(rows))
            waits = found.awaits & ~(ruled.reviewed | ruled.applied | ended)
            note[waits & (note == UNSET) & ~keys.statistics[rows]] = Note.AWAITS_REVIEW
        for code in np.unique(note[note != UNSET]).tolist():
            if code != Note.NO_SCORE:
                sheet.unpaid(rows[note == code], Note(code))
        at = np.flatnonzero(note == UNSET)
        if not len(at):
            return None, left
        chosen = rows[at]
        standard, score = found.standard_fen[at], found.score_e4[at]
        self._told(found, at, chosen, sheet)
        parts = self._split(claims, chosen, standard, ratio[at])
        Worth(standard, *parts, score).put(sheet, chosen)
        sheet.standard[chosen] = standard
        counted = keys.statistics[chosen]
        sheet.mode[chosen] = np.where(counted, Mode.STATISTICS, Mode.DIP)
        return self._candidates(claims, chosen, found, at, ratio[at], counted, sheet), left

    def _scores(self, claims: ClaimArrays, keys: Keys, rows: Rows) -> Scores:
        if self.own is not None:
            return self.own.of(claims, keys, rows)
        return self._source.scores(claims.frame, claims.columns, rows)

    def _told(self, found: Scores, at: Rows, rows: Rows, sheet: Sheet) -> None:
        """Put what the scores are made of on the sheet."""
        branch = np.full(len(rows), Branch.STANDARD, np.uint8)
        if found.case_class is not None and found.by_deviation is not None:
            kinds = found.case_class[at]
            sheet.case_class[rows] = kinds
            places = np.minimum(kinds, len(DEVIATION_CLASSES))
            branch = np.where(found.by_deviation[at], _BRANCH[places], branch)
        sheet.branch[rows] = branch
        if found.coefficient is not None and self.coefficients is not None:
            sheet.coefficient[rows] = found.coefficient[at]
        if found.value is not None and sheet.value is not None and self.values is not None:
            sheet.value[rows] = found.value[at]
        if found.group_score_e4 is not None and sheet.group_score is not None:
            sheet.group_score[rows] = found.group_score_e4[at]
        if found.auxiliary_e4 is not None and sheet.auxiliary is not None:
            own = found.auxiliary_e4[at]
            sheet.auxiliary[rows] = np.where(own < 0, NONE, own)

    # ---- who pays

    def _ratios(self, claims: ClaimArrays, keys: Keys, rows: Rows, note: Rows) -> Ints:
        """Pay ratio of each claim scaled 10⁶ where the fund pays by it; notes what is lacking."""
        dip = self.dip
        ratio = np.zeros(len(rows), np.int64)
        if dip.fund_by == "pay_ratio":
            if dip.fund_ratio_scope != "case" and self.own is not None:
                found, ratio = self.own.basis.ratios_e6(keys.scope.take(rows))
                for missing, code in ((NEEDS_LEVEL, Note.NO_LEVEL),
                                      (NEEDS_INSURANCE, Note.NO_INSURANCE)):  # fmt: skip
                    note[(found == missing) & (note == UNSET)] = code
                lacking = Note.NO_PAY_RATIO if dip.pay_ratios else Note.WANTED
                note[(found < 0) & (note == UNSET)] = lacking
            return ratio
        share = dip.share
        if share.basis == "policy_ratio":
            if share.fund_ratio is None:
                note[note == UNSET] = Note.WANTED
            for name in _OUTSIDE:
                amounts = claims.money(name)
                bad = ~amounts.given[rows] | (amounts.fen[rows] < 0)
                note[bad & (note == UNSET)] = Note.NO_COLUMN
        elif share.basis != "actual" and share.patient_ratio is None:
            note[note == UNSET] = Note.WANTED
        return ratio

    def _split(self, claims: ClaimArrays, rows: Rows, price: Ints, ratio: Ints) -> Parts:
        """Fund and patient parts of prices."""
        dip = self.dip
        cost = claims.money("total_cost").fen[rows]
        paid = claims.money("patient_paid").fen[rows]
        if dip.fund_by == "patient_share":
            if dip.share.basis != "policy_ratio":
                return split_price(dip.share, price, paid)
            fully, first, deductible = (claims.money(name).fen[rows] for name in _OUTSIDE)
            return split_price(
                dip.share, price, paid, fully_self_paid_fen=fully, first_self_paid_fen=first,
                deductible_fen=deductible,
            )  # fmt: skip
        if dip.fund_ratio_scope != "case":
            return Parts(product_array(price, ratio, over=_MICRO), paid)
        # Nothing billed is nothing paid by the patient either: the fund has the whole.
        whole = np.where(cost > 0, cost, 1)
        part = np.where(cost > 0, cost - paid, 1)
        return Parts(quotient_array([price, part], [whole]), paid)

    # ---- what may still change

    def _candidates(
        self, claims: ClaimArrays, rows: Rows, found: Scores, at: Rows, ratio: Ints, counted: Flags,
        sheet: Sheet,
    ) -> Candidates | None:  # fmt: skip
        """Cases that a decision lets be paid by item, or gives a standard of their own."""
        ids = claims.ids.gather(rows)
        reviewed, applied, adjusted, amount = self._decided.ruled(ids)
        places = np.flatnonzero((reviewed | applied) & ~counted)
        if not len(places):
            return None
        lacking = places[(adjusted & (amount < 0))[places]]
        sheet.unpaid(rows[lacking], Note.NO_AMOUNT)
        places = np.setdiff1d(places, lacking)
        chosen = rows[places]
        cost = claims.money("total_cost").fen[chosen]
        by_item = fund_by_actual(cost, claims.money("patient_paid").fen[chosen])
        to = adjusted[places]
        standards = np.where(to, amount[places], 0)
        by_ruling = self._split(claims, chosen, standards, ratio[places])
        value = None if found.value is None else found.value[at][places]
        return Candidates(
            rows=chosen.astype(np.int32),
            ids=ids.gather(places),
            high=np.zeros(len(places), np.bool_),
            applied=applied[places],
            reviewed=reviewed[places],
            adjusted=to,
            excess=cost - found.standard_fen[at][places],
            item=Worth(cost, *by_item, self._points(cost, value)),
            ruled=Worth(standards, *by_ruling, self._points(standards, value)),
        )

    def _points(self, fen: Ints, value: Rows | None) -> Ints | None:
        """Scores that amounts are worth, so that the year counts these cases as well."""
        if self.own is None or value is None:
            return None
        return self.own.basis.points_e4(fen, value)
