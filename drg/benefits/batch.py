"""A frame of claims through a plan: every person's visits in order, all persons at once.

The k-th visits of all persons are settled together, by the day of discharge, then by claim; few
visits, and amounts beyond int64, one by one. Both give what ``settle_visit`` gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from drg.benefits.arrays import RuleArrays
from drg.benefits.columns import UNKNOWN_PERSON, VisitColumns, read_visits
from drg.benefits.compiled import Compiled, compiled
from drg.benefits.model import LAYERS, Balance, Settled, Visit
from drg.benefits.plan import Plan
from drg.benefits.visit import settle_by_terms
from drg.benefits.years import BALANCE_COLUMNS, NUMBERS, PersonYears
from drg.claims.frame import rename_clashing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns

    Ints = NDArray[np.int64]
    Places = NDArray[np.intp]

__all__ = ["BALANCE_COLUMNS", "RESULT_COLUMNS", "BenefitRun", "OneVisit", "settle_frame"]

#: Columns that are added, ``patient_paid`` among them.
RESULT_COLUMNS = (
    "eligible", *(f"{layer}_paid" for layer in LAYERS), "fund_paid", "patient_paid",
    "benefit_reason",
)  # fmt: skip
#: Fields that a plan works out anew.
_REPLACED = ("basic_paid", "fund_paid", "patient_paid")
#: A wave smaller than this is quicker one by one.
_FEW = 48
_MONEY = pl.Decimal(18, 2)


class OneVisit(NamedTuple):
    """A claim of a run as one visit: what went in, the year before it, what came out.

    Where it could not be settled, ``before`` is empty.
    """

    visit: Visit
    before: Balance
    settled: Settled


@dataclass(frozen=True)
class BenefitRun:
    """What ``settle_frame`` gives.

    Attributes
    ----------
    frame : DataFrame
        The input's rows and columns in their order, and ``RESULT_COLUMNS``: amounts as Decimal
        yuan, null where a visit could not be settled; ``benefit_reason`` null where there is
        nothing to tell. A column of the input that fed ``basic_paid``, ``fund_paid`` or
        ``patient_paid``, or has the name of a result, stays as ``<field>_input``.
    balances : DataFrame
        ``BALANCE_COLUMNS`` of every person and year with a visit that was settled; fen.
    """

    frame: pl.DataFrame
    balances: pl.DataFrame
    _plan: Plan = field(repr=False)
    _visits: VisitColumns = field(repr=False)
    _before: dict[str, Ints] = field(repr=False)

    def one(self, row: int) -> OneVisit:
        """The visit of a row, for its settlement sheet.

        Parameters
        ----------
        row : int
            Place in ``frame``.
        """
        ready = compiled(self._plan)
        visit, terms = _visit(self._visits, row), self._visits.terms[self._visits.kind[row]]
        before = _balance(self._before, row, ready.regions)
        if reason := str(self._visits.reason[row]):
            eligible = visit.total - visit.own_pay - visit.first_self_pay - visit.over_limit
            settled = Settled(visit.total, max(eligible, 0), (), visit.total, reason)
            return OneVisit(visit, before, settled)
        return OneVisit(visit, before, settle_by_terms(terms, visit, before, ready.regions)[0])


def settle_frame(
    plan: Plan,
    frame: pl.DataFrame,
    columns: ClaimColumns,
    balances: pl.DataFrame | None = None,
) -> BenefitRun:
    """Settle all visits of a frame.

    Parameters
    ----------
    plan : Plan
    frame : DataFrame
        Claims; a visit without a person stands alone (note N509).
    columns : ClaimColumns
        Which columns feed which field.
    balances : DataFrame, optional
        ``BALANCE_COLUMNS``: what persons have used up in their years before.

    Returns
    -------
    BenefitRun

    Raises
    ------
    PolicyError
        B417: the balances lack a column, hold a person and year twice or an amount below zero.
    """
    ready = compiled(plan)
    visits = read_visits(ready, frame, columns)
    visits.reason[:] = _basic_told(visits)
    years = PersonYears(visits, balances, ready.regions)
    run = _Run(ready, visits, years)
    for rows in years.waves():
        run.settle(rows)
    return BenefitRun(run.columns(frame, columns), years.balances(), plan, visits, run.before)


def _basic_told(visits: VisitColumns) -> NDArray[np.object_]:
    """Reasons, with those of visits whose basic insurance nobody tells."""
    lacks = np.array([found.basic is None for found in visits.terms], np.bool_)[visits.kind]
    lacks &= visits.reason == ""
    eligible = visits.total - visits.own_pay - visits.first_self_pay - visits.over_limit
    found: NDArray[np.object_] = np.where(lacks & (visits.basic_paid < 0), "N505", visits.reason)
    return np.where(lacks & (visits.basic_paid > eligible), "N507", found)


class _Run:
    """Settles waves of visits and keeps what they come to."""

    def __init__(self, ready: Compiled, visits: VisitColumns, years: PersonYears) -> None:
        self.ready, self.visits, self.years = ready, visits, years
        rows, terms = len(visits.total), visits.terms
        self.paid = {layer: np.zeros(rows, np.int64) for layer in LAYERS}
        self.eligible = np.zeros(rows, np.int64)
        self.before = {name: np.zeros(rows, np.int64) for name in NUMBERS}
        self.before["region"] = np.full(rows, -1, np.int64)
        self._basic = RuleArrays([found.basic for found in terms])
        self._critical = RuleArrays([found.critical for found in terms])
        self._assistance = RuleArrays([found.assistance for found in terms])
        by_id = [{rule.id: rule for rule in found.backstops} for found in terms]
        self._backstops = [
            RuleArrays([rules.get(name) for rules in by_id]) for name in ready.plan.backstops
        ]
        self._first_counts = np.array([found.first_self_pay for found in terms], np.bool_)
        self._stay = np.array([found.stay for found in terms], np.bool_)
        self._rank = np.array([found.rank for found in terms], np.int64)

    def settle(self, rows: Places) -> None:
        """Settle visits of which no two are of one person and year."""
        state = self.years.state
        person = self.years.person[rows]
        for name in Balance._fields:
            self.before[name][rows] = state[name][person]
        if len(rows) < _FEW:
            self._one_by_one(rows)
            return
        amounts = [state[name][person] for name in ("basic", "compliant", "patient", "backstop")]
        fits = np.ones(len(rows), np.bool_)
        for layer in (self._basic, self._critical, self._assistance, *self._backstops):
            if layer.any:
                fits &= layer.fits(self.visits.total[rows], *amounts)
        if not fits.all():
            self._one_by_one(rows[~fits])
            rows = rows[fits]
        self._together(rows)

    def _together(self, rows: Places) -> None:
        visits, state = self.visits, self.years.state
        person, kind = self.years.person[rows], visits.kind[rows]
        used = {name: values[person] for name, values in state.items()}
        first = visits.first_self_pay[rows]
        eligible = visits.total[rows] - visits.own_pay[rows] - first - visits.over_limit[rows]
        nothing = np.zeros(len(rows), np.int64)
        basic = self._basic.pay(kind, eligible, nothing, used["basic"], used["visits"] == 0)
        basic = np.where(self._basic.there[kind], basic, visits.basic_paid[rows])
        compliant = eligible - basic + np.where(self._first_counts[kind], first, 0)
        always = np.ones(len(rows), np.bool_)
        critical = self._critical.pay(
            kind, compliant, used["compliant"], used["critical"], always
        )  # fmt: skip
        left = compliant - critical
        assistance = self._assistance.pay(
            kind, left, used["compliant"] - used["critical"], used["assistance"], always
        )
        left = left - assistance
        rank = np.maximum(self._rank[kind], used["region"])
        backstop = nothing
        for layer in self._backstops:
            before = used["patient"] + used["backstop"]
            by_ratio = layer.pay(kind, left, before, used["backstop"] + backstop, always)
            over = layer.pay_over(kind, left, used["patient"], rank)
            paid = np.where(layer.by_ceiling(kind), over, by_ratio)
            backstop = backstop + paid
            left = left - paid

        self.eligible[rows] = eligible
        parts = (basic, critical, assistance, backstop)
        for name, paid in zip(LAYERS, parts, strict=True):
            self.paid[name][rows] = paid
            state[name][person] += paid
        state["visits"][person] += self._stay[kind]
        state["compliant"][person] += compliant
        state["patient"][person] += left
        state["region"][person] = rank

    def _one_by_one(self, rows: Places) -> None:
        state, regions = self.years.state, self.ready.regions
        for row, person in zip(rows.tolist(), self.years.person[rows].tolist(), strict=True):
            visit, terms = _visit(self.visits, row), self.visits.terms[self.visits.kind[row]]
            settled, after = settle_by_terms(
                terms, visit, _balance(state, person, regions), regions
            )
            self.eligible[row] = settled.eligible
            for layer in settled.layers:
                self.paid[layer.kind][row] += layer.paid
            for name, value in zip(NUMBERS, after[:-1], strict=True):
                state[name][person] = value
            state["region"][person] = regions.index(after.region) if after.region else -1

    def columns(self, frame: pl.DataFrame, columns: ClaimColumns) -> pl.DataFrame:
        """The frame with its results."""
        settled = self.visits.reason == ""
        fund = np.sum([self.paid[layer] for layer in LAYERS], axis=0)
        amounts = {
            "eligible": self.eligible,
            **{f"{layer}_paid": self.paid[layer] for layer in LAYERS},
            "fund_paid": fund,
            "patient_paid": self.visits.total - fund,
        }
        reason = self.visits.reason.copy()
        reason[settled & self.visits.patients.is_null().to_numpy()] = UNKNOWN_PERSON
        told = pl.Series("benefit_reason", reason, dtype=pl.String)
        kept = frame.rename(_kept_names(frame.columns, columns))
        return kept.with_columns(
            *(_yuan(values, settled).alias(name) for name, values in amounts.items()),
            told.set(told == "", None),
        )


def _kept_names(own: Sequence[str], columns: ClaimColumns) -> dict[str, str]:
    """New names of columns that a result takes the name or the place of.

    What fed a field goes by the field: whoever settles the rest of a file looks for it there.
    """
    feeding = {
        columns.scalars[field]: field
        for field in _REPLACED
        if columns.scalars.get(field) in own and columns.scalars[field] != field
    }
    others = [feeding.get(name, name) for name in own]
    clashing = rename_clashing(others, RESULT_COLUMNS)
    return {
        name: clashing[field] for name, field in zip(own, others, strict=True) if field in clashing
    }


def _yuan(fen: Ints, there: NDArray[np.bool_]) -> pl.Series:
    """Fen as Decimal yuan: exact, the product has no digits to lose."""
    wide = pl.Series(fen).cast(pl.Decimal(38, 2))
    unit = pl.Series([Decimal("0.01")], dtype=pl.Decimal(38, 2))
    return (wide * unit).cast(_MONEY).set(~pl.Series(there), None)


def _visit(visits: VisitColumns, row: int) -> Visit:
    off_site, category, care, retired, region, level, insurance = visits.keys[visits.kind[row]]
    basic = int(visits.basic_paid[row])
    return Visit(
        int(visits.total[row]), int(visits.own_pay[row]), int(visits.first_self_pay[row]),
        int(visits.over_limit[row]), insurance, level, category, retired, off_site, region, care,
        None if basic < 0 else basic,
    )  # fmt: skip


def _balance(state: dict[str, Ints], place: int, regions: tuple[str, ...]) -> Balance:
    rank = int(state["region"][place])
    numbers = [int(state[name][place]) for name in NUMBERS]
    return Balance._make([*numbers, regions[rank] if rank >= 0 else ""])
