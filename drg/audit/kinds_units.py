"""Kinds of indicators about doctors and hospitals: severity on the rise, weights, spread of costs.

A unit that stands out is shown by the claims that make it so. For review only.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl
from pydantic import Field

from drg.audit.evidence import either
from drg.audit.indicators import Expected, outlying, shift_scores, variation
from drg.audit.kind import Kind, Params, Whole
from drg.audit.kinds_peers import Ratio
from drg.audit.model import Scope, Verdict
from drg.audit.peers import PEERS, groups_of, weights_of
from drg.audit.told import lacking, worded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["UNIT_KINDS"]

HISTORY = "audit_findings.history"


class Shift(Params):
    """A unit whose claims lie above what others, or its own past, make one expect.

    Each claim is held against its ADRG. ``against``: the other units of the run; the other months
    of the same unit; the same unit in the reference that the run is given.
    """

    measure: Literal["severity", "weight"] = "severity"
    by: Literal["hospital_id", "doctor"] = "hospital_id"
    against: Literal["peers", "months", "history"] = "peers"
    severities: tuple[str, ...] = ("MCC",)
    months: tuple[int, ...] = ()
    deviations: Ratio = Fraction(3)
    least_cases: int = Field(30, ge=1)


class Spread(Params):
    """A hospital whose costs scatter more within its groups than those of the others do."""

    deviations: Ratio = Fraction(3)
    far: Ratio = Fraction(2)
    least_cases: int = Field(30, ge=2)
    least_in_group: int = Field(5, ge=2)


class _Measured(NamedTuple):
    unit: pl.Series
    cell: pl.Series
    value: Floats
    usable: Flags
    late: Flags
    missing: dict[str, Flags]


def judge_shift(claims: Whole, params: Shift) -> Verdict:
    """Hit: a claim above expectation, of a unit that lies far above it as a whole."""
    now = _measured(claims, params)
    rows = len(claims.frame)
    if params.against == "history" and claims.reference is None:
        every = np.ones(rows, np.bool_)
        return Verdict(~every, every, lacking({HISTORY: every}))
    past = _measured(claims, params, reference=True) if params.against == "history" else now
    tested = now.usable & (now.late if params.against == "months" else True)
    base_rows = past.usable & (~past.late if params.against == "months" else True)
    # A unit and a cell have the same number in the run and in the reference.
    unit, past_unit, units = _shared_numbers(now.unit, past.unit)
    cell, past_cell, cells = _shared_numbers(now.cell, past.cell)
    pairs = unit * cells + cell
    if past is now:
        pairs, own = np.unique(pairs, return_inverse=True)
        base = own
    else:
        pairs = np.concatenate([pairs, past_unit * cells + past_cell])
        pairs, places = np.unique(pairs, return_inverse=True)
        own, base = places[:rows], places[rows:]
    expected = _expected(past.value[base_rows], base[base_rows], len(pairs))
    if params.against == "peers":
        # A unit is no peer of itself: its own claims are taken out of what its cells expect.
        everyone = _expected(now.value[base_rows], cell[base_rows], cells)
        expected = Expected(
            *(every[pairs % cells] - part for every, part in zip(everyone, expected, strict=True))
        )
    chosen = np.flatnonzero(tested)
    scores, counted = shift_scores(now.value[chosen], own[chosen], unit[chosen], expected, units)
    cases = np.bincount(unit[chosen][counted], minlength=units)
    far = (scores >= float(params.deviations)) & (cases >= params.least_cases)
    mean = np.divide(
        expected.total, expected.cases, out=np.full(len(expected.total), np.inf),
        where=expected.cases > 0,
    )  # fmt: skip
    hit = np.zeros(rows, np.bool_)
    above = counted & far[unit[chosen]] & (now.value[chosen] > mean[own[chosen]])
    hit[chosen[above]] = True
    told = np.flatnonzero(hit)
    words = pl.DataFrame(
        {
            "row": told,
            "unit": now.unit.gather(told),
            "cell": now.cell.gather(told),
            "score": [f"{score:.2f}" for score in scores[unit[told]]],
            "cases": cases[unit[told]],
        }
    )
    few = np.zeros(rows, np.bool_)
    few[chosen] = (cases < params.least_cases)[unit[chosen]] | ~counted
    missing = {**now.missing, PEERS: few & ~hit}
    unknown = np.logical_or.reduce([*missing.values()]) & ~hit
    evidence = either(hit, worded("audit_findings.shift", words), lacking(missing))
    return Verdict(hit, unknown, evidence)


def judge_spread(claims: Whole, params: Spread) -> Verdict:
    """Hit: claims far from their group's mean, of a hospital whose CV is above mean + n sd."""
    frame = claims.frame
    groups = groups_of(claims)
    priced = frame["total_cost"].is_not_null().to_numpy()
    grouped = groups.own < len(groups.names)
    hospitals = frame["hospital_id"].cast(pl.String)
    usable = priced & grouped & hospitals.is_not_null().to_numpy()
    chosen = np.flatnonzero(usable)
    hospital, names = _numbers(hospitals)
    cost = frame["total_cost"].cast(pl.Float64).fill_null(0).to_numpy()[chosen]
    cell = hospital[chosen] * (len(groups.names) + 1) + groups.own[chosen]
    cells, place = np.unique(cell, return_inverse=True)
    sizes = np.bincount(place, minlength=len(cells))
    cv = variation(cost, place, len(cells))
    # A hospital's CV is that of its groups, weighed by their cases.
    counts = (sizes >= params.least_in_group) & ~np.isnan(cv)
    owner = cells // (len(groups.names) + 1)
    cases = np.bincount(owner[counts], sizes[counts], minlength=len(names))
    total = np.bincount(owner[counts], (cv * sizes)[counts], minlength=len(names))
    enough = cases >= params.least_cases
    by_hospital = np.full(len(names), np.nan)
    by_hospital[enough] = total[enough] / cases[enough]
    far, bound = outlying(by_hospital, float(params.deviations))
    mean = np.bincount(place, cost, minlength=len(cells)) / np.maximum(sizes, 1)
    times = float(params.far)
    off = (cost >= mean[place] * times) | (cost * times <= mean[place])
    hit = np.zeros(len(frame), np.bool_)
    hit[chosen[counts[place] & far[hospital[chosen]] & off]] = True
    told = np.flatnonzero(hit)
    words = pl.DataFrame(
        {
            "row": told,
            "unit": hospitals.gather(told),
            "cv": [f"{value:.4f}" for value in by_hospital[hospital[told]]],
            "bound": [f"{bound:.4f}"] * len(told),
        }
    )
    thin = np.zeros(len(frame), np.bool_)
    thin[chosen] = ~enough[hospital[chosen]] | ~counts[place]
    missing = {
        "total_cost": ~priced,
        "group": ~grouped,
        "hospital_id": hospitals.is_null().to_numpy(),
        PEERS: thin,
    }
    unknown = np.logical_or.reduce([*missing.values()]) & ~hit
    evidence = either(hit, worded("audit_findings.spread", words), lacking(missing))
    return Verdict(hit, unknown, evidence)


def _measured(claims: Whole, params: Shift, *, reference: bool = False) -> _Measured:
    frame = claims.reference if reference and claims.reference is not None else claims.frame
    unit, cell = frame[params.by].cast(pl.String), frame["adrg"].cast(pl.String)
    if params.measure == "severity":
        texts = frame["severity"].cast(pl.String)
        value = texts.is_in(params.severities).fill_null(False).to_numpy().astype(np.float64)
        given = texts.is_not_null().to_numpy()
    else:
        weights = weights_of(claims, reference=reference)
        value = weights.fill_null(0).to_numpy().astype(np.float64)
        given = weights.is_not_null().to_numpy()
    late = np.ones(len(frame), np.bool_)
    missing = {
        params.by: unit.is_null().to_numpy(),
        "adrg": cell.is_null().to_numpy(),
        params.measure: ~given,
    }
    if params.against == "months":
        days = frame["discharged_on"].cast(pl.Date)
        late = days.dt.month().is_in(params.months).fill_null(False).to_numpy()
        missing["discharged_on"] = days.is_null().to_numpy()
    usable = ~np.logical_or.reduce([*missing.values()])
    return _Measured(unit, cell, value, usable, late, missing)


def _shared_numbers(keys: pl.Series, others: pl.Series) -> tuple[Ints, Ints, int]:
    """Numbers of two columns of keys, and how many there are; a null is the empty key."""
    if keys is others:
        numbers, names = _numbers(keys)
        return numbers, numbers, len(names)
    numbers, names = _numbers(pl.concat([keys, others]))
    return numbers[: len(keys)], numbers[len(keys) :], len(names)


def _numbers(keys: pl.Series) -> tuple[Ints, list[str]]:
    filled = keys.fill_null("")
    names = filled.unique().sort()
    numbers = filled.cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy()
    return numbers, names.to_list()


def _expected(values: Floats, cells: Ints, count: int) -> Expected:
    return Expected(
        np.bincount(cells, minlength=count).astype(np.float64),
        np.bincount(cells, values, minlength=count).astype(np.float64),
        np.bincount(cells, values**2, minlength=count).astype(np.float64),
    )


def _needs_shift(params: Shift) -> tuple[str, ...]:
    needs = (params.by, "adrg", params.measure)
    return (*needs, "discharged_on") if params.against == "months" else needs


UNIT_KINDS: tuple[Kind, ...] = (
    Kind("shift", Scope.WHOLE, Shift, judge_shift, _needs_shift),
    Kind(
        "spread", Scope.WHOLE, Spread, judge_spread,
        lambda params: ("group", "outcome", "total_cost"),
    ),
)  # fmt: skip
