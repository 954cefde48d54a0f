"""Kinds of indicators: claims and hospitals that stand out among their peers. For review only.

Peers are the claims of one group in the reference that a run is given, else in the run itself. A
group with too few peers says nothing: its claims are not assessable.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import polars as pl
from pydantic import BeforeValidator, Field, field_validator, model_validator

from drg.audit.kind import FIELDS, Kind, Params, Whole
from drg.audit.model import Scope, Verdict
from drg.audit.peers import (
    PEERS,
    Groups,
    all_of,
    among,
    filled,
    groups_of,
    peer_verdict,
    percentiles,
    stay_lengths,
    weights_of,
)  # fmt: skip
from drg.money import PLACES, exceeds
from drg.quotients import quotient_array
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["PEER_KINDS", "Ratio"]

_SCALE = 10**PLACES


def _ratio(value: Any) -> Fraction:
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(text("audit_findings.want_ratio")) from error


#: An exact ratio, written as a decimal or ``a/b``.
Ratio = Annotated[Fraction, BeforeValidator(_ratio)]
Percent = Annotated[int, Field(ge=1, le=100)]


class LongStay(Params):
    """A stay of more days than a fixed number, or than a percentile of its group."""

    days: int | None = Field(None, ge=1)
    percentile: Percent | None = None
    least_peers: int = Field(30, ge=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.days is None and self.percentile is None:
            raise ValueError(text("audit_findings.want_bound"))
        return self


class LowStandard(Params):
    """A short, cheap stay without a procedure and without complications that count.

    Cheap is below a percentile of the group's costs, or below a fixed amount in fen.
    """

    most_days: int = Field(2, ge=1)
    percentile: Percent | None = None
    below_fen: int | None = Field(None, ge=0)
    severities: tuple[str, ...] = ("NONE",)
    leave_out: tuple[str, ...] = ("2", "4", "5")
    least_peers: int = Field(30, ge=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.percentile is None and self.below_fen is None:
            raise ValueError(text("audit_findings.want_bound"))
        return self


class ShareAbove(Params):
    """A part of the cost whose share is above a percentile of the group's shares.

    ``costly``: only claims whose cost is above this percentile of the group's costs.
    """

    part: str
    whole: str = "total_cost"
    percentile: Percent = 90
    least_share: Ratio = Fraction(0)
    costly: Percent | None = None
    least_peers: int = Field(30, ge=1)

    @field_validator("part", "whole")
    @classmethod
    def _money(cls, name: str) -> str:
        if name not in FIELDS or FIELDS[name].kind != "money":
            raise ValueError(text("audit_findings.want_money"))
        return name


class WeightAgainstCost(Params):
    """A weight that is out of proportion to what the stay cost and how long it lasted.

    The weight that a cost makes one expect is the cost over the hospital's cost per weight.
    """

    direction: Literal["above", "below"]
    ratio: Ratio = Fraction(3)
    severities: tuple[str, ...] = ()
    los_share: Ratio | None = None
    least_peers: int = Field(30, ge=1)


def judge_long_stay(claims: Whole, params: LongStay) -> Verdict:
    """Hit: longer than ``days``, or than the percentile of its group."""
    frame = claims.frame
    los = stay_lengths(claims)
    known = los.is_not_null().to_numpy()
    days = los.fill_null(0).to_numpy()
    rows = len(frame)
    hit = np.zeros(rows, np.bool_)
    bound = np.zeros(rows, np.int64)
    missing = {"los_days": ~known}
    if params.percentile is not None:
        groups = groups_of(claims)
        limits, enough = percentiles(
            groups, stay_lengths(claims, peers=True), params.percentile, params.least_peers
        )
        grouped = groups.own < len(groups.names)
        bound = limits[groups.own]
        hit |= enough[groups.own] & known & (days > bound)
        missing |= {"group": ~grouped, PEERS: grouped & ~enough[groups.own]}
    if params.days is not None:
        longer = known & (days > params.days)
        bound = np.where(longer & ~hit, params.days, bound)
        hit |= longer
    return peer_verdict(hit, missing, "long_stay", days=days, bound=bound)


def judge_low_standard(claims: Whole, params: LowStandard) -> Verdict:
    """Hit: short, cheap, no procedure, no complication that counts."""
    frame = claims.frame
    groups = groups_of(claims)
    los, cost, done = stay_lengths(claims), frame["total_cost"], frame["procedure_count"]
    days, fen = los.fill_null(0).to_numpy(), cost.fill_null(0).to_numpy()
    rows = len(frame)
    cheap, unpriced = np.zeros(rows, np.bool_), cost.is_null().to_numpy()
    parts: list[tuple[str, Flags, Flags]] = [
        ("los_days", days <= params.most_days, los.is_null().to_numpy()),
        ("procedures", (done == 0).fill_null(False).to_numpy(), done.is_null().to_numpy()),
        among(frame, "severity", params.severities),
    ]
    if params.leave_out:
        name, left, unsaid = among(frame, "disposition", params.leave_out)
        parts.append((name, ~left & ~unsaid, unsaid))
    bound = np.zeros(rows, np.int64)
    thin = np.zeros(rows, np.bool_)
    if params.percentile is not None:
        limits, enough = percentiles(
            groups, groups.peers["total_cost"], params.percentile, params.least_peers
        )
        bound = limits[groups.own]
        cheap = enough[groups.own] & (fen < bound)
        thin = ~enough[groups.own]
    if params.below_fen is not None:
        lower = fen < params.below_fen
        bound = np.where(lower & ~cheap, params.below_fen, bound)
        cheap |= lower
        thin &= ~lower
    parts += [("total_cost", cheap | thin, unpriced), (PEERS, ~thin, thin)]
    hit, missing = all_of(parts)
    return peer_verdict(
        hit, missing, "low_standard", days=days, cost_fen=fen, bound_fen=bound, group=groups
    )


def judge_share_above(claims: Whole, params: ShareAbove) -> Verdict:
    """Hit: the share is above the percentile of its group, and above the least one that counts."""
    frame = claims.frame
    groups = groups_of(claims)
    share, known = _shares(frame, params)
    peer_share, peer_known = _shares(groups.peers, params)
    values = pl.Series(peer_share).set(pl.Series(~peer_known), None)
    limits, enough = percentiles(groups, values, params.percentile, params.least_peers)
    grouped = groups.own < len(groups.names)
    least = int(params.least_share * _SCALE * _SCALE)
    bound = np.maximum(limits[groups.own], least)
    told = frame[params.part].is_not_null().to_numpy()
    comparable = known & enough[groups.own]
    # What cannot be compared rules nothing out: the parts after it say why.
    parts: list[tuple[str, Flags, Flags]] = [
        (params.part, (share > bound) | ~comparable, ~told),
        (params.whole, known | ~told, ~known & told),
        ("group", grouped, ~grouped),
        (PEERS, enough[groups.own], grouped & ~enough[groups.own]),
    ]
    if params.costly is not None:
        costs, many = percentiles(
            groups, groups.peers["total_cost"], params.costly, params.least_peers
        )
        fen, unpriced = filled(frame["total_cost"])
        high = many[groups.own] & (fen > costs[groups.own])
        parts.append(("total_cost", high, unpriced))
    hit, missing = all_of(parts)
    # Parts of 10⁸ as hundredths, scaled 10⁴.
    return peer_verdict(
        hit, missing, "share_above", share_e4=share // 100, bound_e4=bound // 100, group=groups
    )


def judge_weight_against_cost(claims: Whole, params: WeightAgainstCost) -> Verdict:
    """Hit: weight ÷ expected weight at least ``ratio``; below: at most one over ``ratio``."""
    frame = claims.frame
    weight, unweighed = filled(weights_of(claims))
    fen, unpriced = filled(frame["total_cost"])
    unweighed |= weight <= 0
    unpriced |= fen <= 0
    usable = ~unweighed & ~unpriced
    hospitals = frame["hospital_id"].cast(pl.String).fill_null("")
    place = (
        hospitals.cast(pl.Enum(hospitals.unique().sort())).to_physical().cast(pl.Int64).to_numpy()
    )
    count = int(place.max(initial=-1)) + 1
    sums = pl.DataFrame({"place": place, "cost": fen, "weight": weight}).filter(pl.Series(usable))
    sums = sums.group_by("place").agg(pl.col("cost", "weight").sum(), cases=pl.len())
    rate, cases = np.ones(count, np.int64), np.zeros(count, np.int64)
    at = sums["place"].to_numpy()
    # Fen per weight of one.
    spent = [sums["cost"].to_numpy(), np.full(len(at), _SCALE)]
    rate[at] = quotient_array(spent, [sums["weight"].to_numpy()]) if len(at) else 0
    cases[at] = sums["cases"].to_numpy()
    enough = cases[place] >= params.least_peers
    worth, paid = weight * rate[place], fen * _SCALE
    pairs = (worth, paid) if params.direction == "above" else (paid, worth)
    over = exceeds(pairs[0], params.ratio, pairs[1], inclusive=True)
    parts: list[tuple[str, Flags, Flags]] = [
        ("weight", over | ~usable | ~enough, unweighed),
        ("total_cost", ~unpriced, unpriced),
        (PEERS, enough, usable & ~enough),
    ]
    if params.severities:
        parts.append(among(frame, "severity", params.severities))
    groups = groups_of(claims)
    if params.los_share is not None:
        parts.append(_shorter(claims, groups, params))
    hit, missing = all_of(parts)
    expected = np.zeros(len(frame), np.int64)
    if hit.any():
        expected[hit] = quotient_array([paid[hit]], [rate[place][hit]])
    return peer_verdict(
        hit, missing, "weight_against_cost", weight_e4=weight, expected_e4=expected,
        cost_fen=fen, group=groups,
    )  # fmt: skip


def _shorter(claims: Whole, groups: Groups, params: WeightAgainstCost) -> tuple[str, Flags, Flags]:
    """Whether a stay is short (below: long) beside the mean of its group."""
    assert params.los_share is not None
    days, unknown = filled(stay_lengths(claims))
    peers = stay_lengths(claims, peers=True)
    there = peers.is_not_null().to_numpy()
    size = len(groups.names) + 1
    count = np.bincount(groups.peer_groups[there], minlength=size)
    total = np.bincount(groups.peer_groups[there], peers.drop_nulls().to_numpy(), minlength=size)
    own = days * count[groups.own]
    mean = total.astype(np.int64)[groups.own]
    if params.direction == "above":
        short = ~exceeds(own, params.los_share, mean)
    else:
        short = exceeds(own * params.los_share.numerator, Fraction(params.los_share.denominator),
                        mean, inclusive=True)  # fmt: skip
    return "los_days", short, unknown | (groups.own == size - 1)


def _shares(frame: pl.DataFrame, params: ShareAbove) -> tuple[Ints, Flags]:
    """Shares in parts of 10⁸, and where they are known."""
    part, unsaid = filled(frame[params.part])
    whole, unpriced = filled(frame[params.whole])
    known = ~unsaid & ~unpriced & (whole > 0)
    found = np.zeros(len(frame), np.int64)
    if known.any():
        top = [part[known], np.full(int(known.sum()), _SCALE * _SCALE)]
        found[known] = quotient_array(top, [whole[known]])
    return found, known


_LENGTH = ("admitted_on", "discharged_on", "los_days")
_GROUP = ("group", "outcome")


def _needs_long(params: LongStay) -> tuple[str, ...]:
    return (*_LENGTH, *(_GROUP if params.percentile is not None else ()))


def _needs_share(params: ShareAbove) -> tuple[str, ...]:
    return (*_GROUP, params.part, params.whole, "total_cost")


def _needs_weight(params: WeightAgainstCost) -> tuple[str, ...]:
    return (*_GROUP, *_LENGTH, "weight", "severity", "total_cost")


def _needs_low(params: LowStandard) -> tuple[str, ...]:
    return (*_GROUP, *_LENGTH, "severity", "disposition", "total_cost", "procedure_count")


PEER_KINDS: tuple[Kind, ...] = (
    Kind("long_stay", Scope.WHOLE, LongStay, judge_long_stay, _needs_long),
    Kind("low_standard", Scope.WHOLE, LowStandard, judge_low_standard, _needs_low),
    Kind("share_above_peers", Scope.WHOLE, ShareAbove, judge_share_above, _needs_share),
    Kind(
        "weight_against_cost", Scope.WHOLE, WeightAgainstCost, judge_weight_against_cost,
        _needs_weight,
    ),
)  # fmt: skip
