"""Scores of DIP claims by a policy: group's score, coefficients, deviation, value of a point.

Claims come as ``drg group`` with a DIP catalogue leaves them (``group``, ``adrg``, ``group_class``,
``auxiliary``, ``score``). What a claim or the policy does not give leaves the claim without a score
and a note; nothing stands in for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.few import FEW
from drg.claims.named import Named
from drg.claims.typed import ClaimArrays
from drg.dip.deviation import DEVIATION_CLASSES, UNSCORED, case_scores_e4
from drg.money import PLACES, mul_div_array, product_array
from drg.payment.pricing.dip_basis import DipBasis
from drg.payment.pricing.lacking import mark, mark_missing
from drg.payment.pricing.price_columns import UNSET, Note
from drg.payment.pricing.route import keys_of
from drg.payment.pricing.scores import Scores
from drg.quotients import quotient_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns
    from drg.payment.policy import Policy
    from drg.payment.pricing.hospitals import Hospitals
    from drg.payment.pricing.route import Keys

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]
    #: Places in an array; a slice for all of them, which copies nothing.
    Places = Rows | slice

__all__ = ["DipScores", "read_scores"]

_ONE = 10**PLACES
#: A score with more digits before the point than this is none.
_WRITTEN = r"^[0-9]{1,9}(?:\.[0-9]{0,4})?0*$"
_LOW, _NORMAL, _HIGH, _EXTREME, _BLANK_GROUP = range(len(DEVIATION_CLASSES))
_BLANK, _PRIMARY = "blank", "primary"


class DipScores:
    """Scores claims under a policy that pays by DIP: a ``ScoreSource``.

    Parameters
    ----------
    policy : Policy
        With a ``dip`` part.
    hospitals : Hospitals, optional
        Levels and coefficients; without it the levels that claims name.

    Raises
    ------
    PaymentError, TableError
        As ``DipBasis`` does.
    """

    def __init__(self, policy: Policy, hospitals: Hospitals | None = None) -> None:
        self.basis = DipBasis(policy, hospitals)
        self._dip = self.basis.dip
        self._hospitals = hospitals
        #: By class, and by 255 for none: whether it has a formula of its own.
        self._formulas = np.zeros(UNSET + 1, np.bool_)
        if (rule := self.basis.rule) is not None:
            high = rule.high_score != "normal"
            self._formulas[_LOW] = self._formulas[_BLANK_GROUP] = True
            self._formulas[_HIGH] = high
            self._formulas[_EXTREME] = high and rule.extreme_score == "high"

    def scores(self, frame: pl.DataFrame, columns: ClaimColumns, rows: NDArray[np.intp]) -> Scores:
        """Scores of these rows of a frame of claims; each claim by itself, whatever the others."""
        claims = ClaimArrays(frame, columns)
        return self.of(claims, keys_of(claims, self._hospitals), rows)

    def of(self, claims: ClaimArrays, keys: Keys, rows: Rows) -> Scores:
        """``scores`` of claims that are read already."""
        basis = self.basis
        note = np.full(len(rows), UNSET, np.uint8)
        groups = claims.result("group").take(rows)
        found = claims.result("adrg").take(rows)
        bases = found if found.names else groups
        classes = claims.result("group_class").take(rows)
        score, auxiliary = self._group_scores(claims, rows, groups, bases, note)
        if basis.open:
            mark(note, np.ones(len(rows), np.bool_), Note.WANTED)
        rated = keys.rates.take(rows)
        value = basis.value_places(rated)
        mark_missing(note, value, Note.WANTED if basis.empty() else Note.NO_POINT_VALUE)
        coefficient = basis.coefficient_rows(rated, bases)
        free = self._same_price(bases, groups, classes)
        mark_missing(note, np.where(free, 0, coefficient), self._no_coefficient)
        own = ~free & (coefficient >= 0)
        place = np.where(own, coefficient + 1, 0).astype(np.int32)
        factor = basis.coefficient_e4[place]
        at = _places(note == UNSET)
        times = np.where(auxiliary >= 0, auxiliary, _ONE)
        if self._dip.auxiliary == "score":
            # The subtype's score has it in it already.
            times = np.full(len(rows), _ONE, np.int64)
        final = np.zeros(len(rows), np.int64)
        final[at] = product_array(score[at], factor[at], times[at], over=_ONE * _ONE)
        kind = np.full(len(rows), UNSET, np.uint8)
        awaits = np.zeros(len(rows), np.bool_)
        deviating = np.zeros(len(rows), np.bool_)
        reference = np.zeros(len(rows), np.int64)
        if self._dip.deviation is not None and len(final[at]):
            blank = classes.marked(self.is_blank)
            mean = self._means(keys, rows, groups, bases, score[at], value[at], at)
            reference[at] = mean
            cost = claims.money("total_cost").fen[rows]
            kind[at], final[at], awaits[at], deviating[at] = self._deviation(
                cost[at], mean, score[at], factor[at], times[at], blank[at], final[at],
                keys.scope.level.codes[rows][at] == len(keys.scope.level.names), note, at,
            )  # fmt: skip
        scored = note == UNSET
        at = _places(scored)
        fen = np.zeros(len(rows), np.int64)
        fen[at] = basis.worth_fen(final[at], value[at])
        return Scores(
            final, fen, scored, note, kind, awaits, deviating, score, place, auxiliary, value,
            basis.coefficient_e4, basis.values, reference,
        )  # fmt: skip

    @staticmethod
    def is_blank(group_class: str) -> bool:
        """Whether a class of groups is that of blank ones."""
        return group_class.partition(".")[0] == _BLANK

    @property
    def _no_coefficient(self) -> Note | None:
        """What a case without a row of coefficients is noted with; None: its coefficient is 1."""
        if self.basis.open_coefficients:
            return Note.WANTED
        return Note.NO_COEFFICIENT if self._dip.dynamic else None

    # ---- the group

    def _group_scores(
        self, claims: ClaimArrays, rows: Rows, groups: Named, bases: Named, note: Rows
    ) -> tuple[Ints, Ints]:
        """Score of each claim's group or subtype, and its auxiliary coefficient, -1: none."""
        basis, way = self.basis, self._dip.auxiliary
        score = read_scores(claims.frame)[rows]
        subtypes = claims.result("auxiliary").take(rows)
        of_subtype = ~subtypes.missing
        auxiliary = np.full(len(rows), -1, np.int64)
        table = basis.catalogue_scores_e4(bases)
        group_score = None if table is None else table[bases.codes]
        if way == "score":
            if group_score is not None:
                here = np.flatnonzero(of_subtype & (group_score > 0) & (score >= 0))
                if len(here):
                    auxiliary[here] = _quotients(score[here], group_score[here])
        elif group_score is not None:
            mark(note, of_subtype & (score >= 0) & (group_score < 0), Note.NO_GROUP_SCORE)
            score = np.where(of_subtype, group_score, score)
            if way == "coefficient":
                cells = basis.auxiliary_e4(bases, subtypes)
                auxiliary = np.where(of_subtype, cells[bases.codes, subtypes.codes], -1)
                mark(note, of_subtype & (auxiliary < 0), Note.NO_AUXILIARY)
        mark(note, score < 0, Note.NO_SCORE)
        return score, auxiliary

    def _same_price(self, bases: Named, groups: Named, classes: Named) -> Flags:
        listed, by_class = self.basis.same_price(bases, classes)
        free = by_class[classes.codes]
        wide = self.basis.wide(bases)
        if wide is not None:
            primary = classes.marked(lambda name: name.partition(".")[0] == _PRIMARY)
            free &= ~(primary & wide[bases.codes])
        found: Flags = free | listed[bases.codes]
        return found

    # ---- the deviation

    def _means(
        self, keys: Keys, rows: Rows, groups: Named, bases: Named, score: Ints, value: Rows,
        at: Places,
    ) -> Ints:  # fmt: skip
        """What the cost of the claims at some places is compared with, fen; 0: there is none."""
        rule = self._dip.deviation
        if rule is None:
            raise ValueError("the policy has no deviation")
        if rule.reference == "standard":
            return self.basis.worth_fen(score, value)
        if rule.reference == "score":
            mean = np.full(len(score), rule.regional_mean or 0, np.int64)
            return mul_div_array(score, mean, _ONE * rule.score_scale)
        return self.basis.means_fen(groups, bases, keys.scope.level.take(rows))(at)

    def _deviation(
        self, cost: Ints, mean: Ints, score: Ints, factor: Ints, times: Ints, blank: Flags,
        normal: Ints, levelless: Flags, note: Rows, at: Places,
    ) -> tuple[Rows, Ints, Flags, Flags]:  # fmt: skip
        """Class, final score, whether review decides, whether the class's formula gave it."""
        rule, said = self.basis.rule, self._dip.deviation
        if rule is None or said is None:
            raise ValueError("the policy has no deviation")
        codes, final = case_scores_e4(cost, mean, score, factor, times, rule, blank)
        unclassed = codes == UNSET
        if said.without_mean == "return" and unclassed.any():
            wanted = self._open_means(said.reference)
            why = np.where(levelless & self._by_level, Note.NO_LEVEL, Note.NO_MEAN)
            note[at] = np.where(unclassed, Note.WANTED if wanted else why, UNSET)
        awaits = (final == UNSCORED) & (codes == _EXTREME)
        final = np.where(final == UNSCORED, normal, final)
        return codes, final, awaits, self._formulas[codes]

    @property
    def _by_level(self) -> bool:
        said = self._dip.deviation
        return said is not None and any("|" in key for key in said.means)

    def _open_means(self, reference: str) -> bool:
        said = self._dip.deviation
        if said is None:
            return False
        if reference == "means":
            return not said.means
        return reference == "score" and not said.regional_mean


def read_scores(frame: pl.DataFrame) -> Ints:
    """The column ``score`` of grouped claims scaled 10⁴, -1 where there is none.

    Parameters
    ----------
    frame : DataFrame
        ``score`` as Decimal, text of at most four decimals, or numbers.
    """
    if "score" not in frame.columns:
        return np.full(frame.height, -1, np.int64)
    series = frame["score"]
    if series.dtype == pl.Decimal(18, PLACES) and frame.height <= FEW:
        cells = [-1 if cell is None else int(cell.scaleb(PLACES)) for cell in series.to_list()]
        return np.maximum(np.array(cells, np.int64), -1)
    if series.dtype == pl.Decimal(18, PLACES):
        scaled = series.to_physical().cast(pl.Int64)
    else:
        if series.dtype.is_float():
            series = series.fill_nan(None).cast(pl.Decimal(38, PLACES), strict=False)
        text = pl.lit(series.cast(pl.String)).str.strip_chars()
        digits = text.str.extract(r"^[^.]*\.?([0-9]*)$").str.slice(0, PLACES)
        scaled = pl.select(
            pl.when(text.str.contains(_WRITTEN)).then(
                text.str.extract(r"^([0-9]+)").cast(pl.Int64) * _ONE
                + digits.str.pad_end(PLACES, "0").cast(pl.Int64, strict=False)
            )
        ).to_series()
    found: Ints = scaled.fill_null(-1).to_numpy()
    return np.where(found < 0, -1, found)


def _places(where: Flags) -> Places:
    return slice(None) if where.all() else np.flatnonzero(where)


def _quotients(top: Ints, bottom: Ints) -> Ints:
    return quotient_array([top, np.full(len(top), _ONE, np.int64)], [bottom])
