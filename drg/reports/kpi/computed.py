"""Figures that are no sum of measures: indices, variation, coverage, growth, quadrant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.dates import Month
from drg.money import mul_div, round_scaled
from drg.reports.kpi.catalog import SUMMED
from drg.reports.kpi.cells import CV_PLACES, Variation
from drg.reports.kpi.figures import (
    LACKING,
    NO_CASES,
    NO_EARLIER,
    NO_REFERENCE,
    NONE,
    OK,
    ONE_CASE,
    OTHER_SYSTEM,
    ZERO,
    Column,
    Figures,
    assembled,
    divided,
    ints,
    lacking,
    nothing,
    of_other_system,
    reasons,
    told_of,
)
from drg.reports.kpi.formulas import growth, quadrant
from drg.reports.kpi.report import DIMENSIONS, level_dimensions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.reports.kpi.catalog import Kpi
    from drg.reports.kpi.sums import LevelSums

    Ints = NDArray[np.int64]

__all__ = ["hospitals_of", "level_figures"]

_CV_SCALE = 10**CV_PLACES
_E4 = 10**4
#: Figures of groups of a grade, which a reference may not tell.
_GRADED = ("low_risk_mortality", "zero_risk_mortality")
#: Months that growth looks back.
_BACK = {"growth": 1, "growth_year": 12}


def level_figures(figures: Figures, level: str) -> pl.DataFrame:
    """Rows of ``VALUES`` of a level."""
    maker = _Level(figures, level)
    kpis = [kpi for kpi in figures.catalogue.kpis if told_of(kpi, level)]
    return assembled(level, figures.sums[level].units, kpis, [maker.column(k) for k in kpis])


def hospitals_of(level: str) -> str:
    """The level with hospitals told apart besides.

    Examples
    --------
    >>> hospitals_of("all"), hospitals_of("period")
    ('hospital', 'period+hospital')
    """
    told = {*level_dimensions(level), "hospital"}
    return "+".join(d for d in DIMENSIONS if d in told)


class _Level:
    """The columns of one level."""

    def __init__(self, figures: Figures, level: str) -> None:
        self.figures = figures
        self.facts = figures.facts
        self.level = level
        self.sums = figures.sums[level]
        self.cells = figures.cells[level]
        self.count = self.sums.units.count
        self.none = np.full(self.count, NONE, np.int64)
        self._variation: Variation | None = None
        self._done: dict[str, Column] = {}

    def column(self, kpi: Kpi) -> Column:
        """A figure over the units."""
        if kpi.id not in self._done:
            self._done[kpi.id] = self._column(kpi)
        return self._done[kpi.id]

    def _column(self, kpi: Kpi) -> Column:
        if of_other_system(kpi, self.facts.system):
            return nothing(self.count, OTHER_SYSTEM)
        if kpi.kind == "case_mix" and self.facts.system == "dip":
            return self._case_mix(kpi)
        if kpi.kind in SUMMED:
            lacks = lacking(self.facts, kpi)
            if lacks:
                return nothing(self.count, LACKING, lacks)
            found = divided(kpi, self.sums.of(kpi))
            return self._ungraded(found) if kpi.id in _GRADED else found
        makers: Mapping[str, Callable[[Kpi], Column]] = {
            "index": self._index, "cv": self._cv, "cv_sample": self._cv,
            "mean_cv": self._mean_cv, "cv_count": self._cv_count, "coverage": self._coverage,
            "growth": self._growth, "growth_year": self._growth, "groups": self._groups,
            "quadrant": self._quadrant,
        }  # fmt: skip
        return makers[kpi.kind](kpi)

    def _ungraded(self, found: Column) -> Column:
        """Where deaths are told, it is the grades of the groups that are not."""
        mortality = self.column(self.figures.catalogue.kpi("mortality"))
        without = (found.reason == LACKING) & (mortality.reason == OK)
        why = np.where(without, NO_REFERENCE, found.reason).astype(np.uint8)
        return found._replace(reason=why)

    def _case_mix(self, kpi: Kpi) -> Column:
        """CMI under DIP: scores by the regional mean score."""
        reference = self.figures.reference
        score = self.figures.catalogue.kpi("mean_score")
        if lacks := lacking(self.facts, score):
            return nothing(self.count, LACKING, lacks)
        if not reference.score_cases:
            return nothing(self.count, NO_REFERENCE)
        sums = self.sums.of(score)
        of, over = reference.score_cases, reference.score_sum
        pairs = list(zip(sums.top.tolist(), sums.cases.tolist(), strict=True))
        top = ints([mul_div(total * of, _E4, over) if n else None for total, n in pairs])
        value = ints(
            [mul_div(total * of, 10**kpi.places, n * over) if n else None for total, n in pairs]
        )
        bottom = np.where(sums.cases > 0, sums.cases, NONE)
        why = reasons(value, sums)
        return Column(top, bottom, value, sums.cases, sums.left_out, why, "score")

    def _grouped_lack(self, measure: str, column: str) -> Column | None:
        """Nothing, where grouping or the measure is missing."""
        if not self.facts.has("grouped"):
            return nothing(self.count, LACKING, "outcome")
        return None if self.facts.has(measure) else nothing(self.count, LACKING, column)

    def _index(self, kpi: Kpi) -> Column:
        of, column = ("los", "los_days") if kpi.id == "time_index" else ("cost", "total_cost")
        if (none := self._grouped_lack(of, column)) is not None:
            return none
        means = self.figures.mean_of(of)
        if not any(means):
            return nothing(self.count, NO_REFERENCE)
        found = self.cells.index(of, means, kpi.places)
        value = ints(found.value)
        told, grouped = value != NONE, self.cells.cases() > 0
        why = np.select([told, grouped], [OK, NO_REFERENCE], NO_CASES).astype(np.uint8)
        top = np.where(told, np.array(found.top, np.int64), NONE)
        bottom = np.where(told, found.cases, NONE)
        return Column(top, bottom, value, found.cases, found.left_out, why)

    def _groups(self, kpi: Kpi) -> Column:
        if not self.facts.has("grouped"):
            return nothing(self.count, LACKING, "outcome")
        groups, cases = self.cells.groups(), self.cells.cases()
        zero = np.zeros(self.count, np.int64)
        return Column(groups, self.none, groups, cases, zero, np.zeros(self.count, np.uint8))

    def _cv(self, kpi: Kpi) -> Column:
        """Of the one group that a unit is."""
        if (none := self._grouped_lack("cost", "total_cost")) is not None:
            return none
        sample = kpi.kind == "cv_sample"
        fine = ints(self.cells.cv(CV_PLACES, sample=sample))
        bound = self.figures.catalogue.parameters.cv_review * _CV_SCALE
        counts, totals = (self.cells.sums[n].to_numpy() for n in ("cost_cases", "cost_sum"))
        at = self.cells.unit
        value, top, bottom = self.none.copy(), self.none.copy(), self.none.copy()
        value[at] = ints(self.cells.cv(kpi.places, sample=sample))
        # sd = CV × mean, in yuan.
        pairs = list(zip(fine.tolist(), counts.tolist(), totals.tolist(), strict=True))
        top[at] = ints(
            [
                None if cv == NONE else mul_div(cv * total, _E4, _CV_SCALE * 100 * n)
                for cv, n, total in pairs
            ]
        )
        bottom[at] = ints([mul_div(total, 1, n) if n else None for _, n, total in pairs])
        cases, flag = np.zeros(self.count, np.int64), np.zeros(self.count, np.uint8)
        cases[at] = counts
        flag[at] = (fine != NONE) & (fine > int(bound))
        one = (cases == 1) & sample
        why = np.select([value != NONE, cases == 0, one], [OK, NO_CASES, ONE_CASE], ZERO)
        left = self.cells.cases() - cases
        return Column(top, bottom, value, cases, left, why.astype(np.uint8), "", flag)

    @property
    def variation(self) -> Variation:
        """CVs of the groups of each unit."""
        if self._variation is None:
            self._variation = self.cells.variation(self.figures.catalogue.parameters)
        return self._variation

    def _mean_cv(self, kpi: Kpi) -> Column:
        if (none := self._grouped_lack("cost", "total_cost")) is not None:
            return none
        found = self.variation
        pairs = list(zip(found.total.tolist(), found.groups.tolist(), strict=True))
        value = ints([mul_div(t, 10**kpi.places, _CV_SCALE * n) if n else None for t, n in pairs])
        top = ints([mul_div(t, _E4, _CV_SCALE) if n else None for t, n in pairs])
        told = found.groups > 0
        left = self.cells.cases() - found.cases
        why = np.where(told, OK, NO_CASES).astype(np.uint8)
        bottom = np.where(told, found.groups, NONE)
        return Column(top, bottom, value, found.cases, left, why)

    def _cv_count(self, kpi: Kpi) -> Column:
        if (none := self._grouped_lack("cost", "total_cost")) is not None:
            return none
        found = self.variation
        counts = {
            "review_groups": found.above,
            "low_cv_groups": found.below,
            "high_cv_groups": found.high,
        }[kpi.numerator[0][1].id]
        told = found.groups > 0
        value = np.where(told, counts, NONE)
        why = np.where(told, OK, NO_CASES).astype(np.uint8)
        left = self.cells.cases() - found.cases
        return Column(value, self.none, value, found.cases, left, why)

    def _coverage(self, kpi: Kpi) -> Column:
        """Institutions with a surplus; from the level with hospitals told apart."""
        surplus = self.figures.catalogue.kpi("surplus")
        lacks = lacking(self.facts, surplus)
        if lacks or "hospital" not in self.facts.told:
            return nothing(self.count, LACKING, lacks or "hospital_id")
        inner = self.figures.sums[hospitals_of(self.level)]
        sums = inner.of(surplus)
        told = (sums.cases > 0) & (inner.units.texts["hospital"] != "").to_numpy()
        outer = self._outer(inner)
        every = np.bincount(outer[told], minlength=self.count)
        gained = np.bincount(outer[told & (sums.top > 0)], minlength=self.count)
        cases = np.zeros(self.count, np.int64)
        np.add.at(cases, outer[told], sums.cases[told])
        pairs = zip(gained.tolist(), every.tolist(), strict=True)
        value = ints([mul_div(g, 10**kpi.places, n) if n else None for g, n in pairs])
        why = np.where(every > 0, OK, NO_CASES).astype(np.uint8)
        own = self.sums.of(surplus)
        left = own.cases + own.left_out - cases
        top, bottom = (np.where(every > 0, part, NONE) for part in (gained, every))
        return Column(top, bottom, value, cases, left, why)

    def _outer(self, inner: LevelSums) -> Ints:
        """The unit of this level that each unit of a finer one lies in."""
        told = level_dimensions(self.level)
        if not told:
            return np.zeros(inner.units.count, np.int64)
        mine = pl.DataFrame([self.sums.units.texts[d].alias(d) for d in told])
        theirs = pl.DataFrame([inner.units.texts[d].alias(d) for d in told])
        joined = theirs.join(mine.with_row_index("at"), on=told, how="left", maintain_order="left")
        found: Ints = joined["at"].to_numpy().astype(np.int64)
        return found

    def _growth(self, kpi: Kpi) -> Column:
        """Against the month before, or that of the year before, of the same unit."""
        base = self.figures.catalogue.kpi(kpi.id.removesuffix(f"_{kpi.kind}"))
        if lacks := lacking(self.facts, base):
            return nothing(self.count, LACKING, lacks)
        sums = self.sums.of(base)
        texts, told = self.sums.units.texts, level_dimensions(self.level)
        units = list(zip(*(texts[d].to_list() for d in told), strict=True))
        means = [
            Fraction(top, bottom) if bottom > 0 else None
            for top, bottom in zip(sums.top.tolist(), sums.bottom.tolist(), strict=True)
        ]
        known = dict(zip(units, means, strict=True))
        at = told.index("period")
        back = _BACK[kpi.kind]
        scale = _E4 if kpi.numerator_unit == "e4" else 1
        top, bottom, value = self.none.copy(), self.none.copy(), self.none.copy()
        why = np.full(self.count, NO_CASES, np.uint8)
        for place, (unit, now) in enumerate(zip(units, means, strict=True)):
            if now is None:
                continue
            earlier = str(Month.parse(unit[at]).plus(-back)) if unit[at] else ""
            before = known.get((*unit[:at], earlier, *unit[at + 1 :])) if earlier else None
            found = None if before is None else growth(now, before)
            if before is None or found is None:
                why[place] = NO_EARLIER if before is None else ZERO
                continue
            why[place] = OK
            value[place] = round_scaled(found, kpi.places)
            top[place] = round_scaled((now - before) * scale, 0)
            bottom[place] = round_scaled(before * scale, 0)
        return Column(top, bottom, value, sums.cases, sums.left_out, why)

    def _quadrant(self, kpi: Kpi) -> Column:
        cmi = self.column(self.figures.catalogue.kpi("cmi"))
        surplus = self.column(self.figures.catalogue.kpi("surplus"))
        value = self.none.copy()
        both = (cmi.reason == OK) & (surplus.reason == OK)
        if both.any():
            rich = self._from_one()
            value[both] = [
                quadrant(rich[at], int(surplus.value[at])) or NONE for at in np.flatnonzero(both)
            ]
        why = np.where(cmi.reason != OK, cmi.reason, surplus.reason).astype(np.uint8)
        lacks = cmi.lacking if (cmi.reason == LACKING).any() else surplus.lacking
        return Column(self.none, self.none, value, cmi.cases, cmi.left_out, why, lacks)

    def _from_one(self) -> list[bool]:
        """Whether the CMI, unrounded, is 1 or more: one of 0.99999 is not."""
        dip = self.facts.system == "dip"
        sums = self.sums.of(self.figures.catalogue.kpi("mean_score" if dip else "cmi"))
        base = self.figures.reference
        total, of = (base.score_sum, base.score_cases) if dip else (_E4, 1)
        pairs = zip(sums.top.tolist(), sums.cases.tolist(), strict=True)
        return [top * of >= n * total for top, n in pairs]
