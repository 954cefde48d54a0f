"""Kinds of rules on the stays of one person: decomposed, overlapping, told twice.

They see every claim of the run. A claim without a person or its days is not assessable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from drg.audit.evidence import either
from drg.audit.kind import FIELDS, Kind, Params, Whole
from drg.audit.lists import ListParam
from drg.audit.model import Scope, Verdict
from drg.audit.stays import Pairs, near_pairs, overlaps_array, shared_persons
from drg.audit.told import lacking, worded
from drg.claims.typed import coded, numbered
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["STAY_KINDS"]

_PERSON = ("patient_id", "admitted_on", "discharged_on")
#: Days that most rules on stays look back at most.
_WIDEST = 31
_YES = ("1", "是", "Y", "YES", "TRUE")


class Readmitted(Params):
    """A stay soon after another of the same person for the same thing.

    ``related`` says what "the same" is: group, ADRG, or category of the principal diagnosis.
    """

    window_days: int = Field(ge=0, le=366)
    related: Literal["group", "adrg", "principal"] = "group"
    same_hospital: bool = False
    planned: bool = False
    transferred: tuple[str, ...] = ()
    unless: ListParam | None = None


class Overlapping(Params):
    """Two stays of one person at once, in different hospitals or in one."""

    same_hospital: bool = False
    same_day_transfer: bool = True


class ToldTwice(Params):
    """Claims that agree in all of these fields."""

    fields: tuple[str, ...] = Field(
        ("patient_id", "hospital_id", "admitted_on", "discharged_on", "principal_dx", "total_cost"),
        min_length=2,
    )

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        for name in fields:
            if name not in FIELDS and name != "principal_dx":
                raise ValueError(text("audit.no_field", field=name))
        return fields


class _Stays(NamedTuple):
    """Persons and days of the claims; ``person`` is -1 where a stay cannot be placed."""

    person: Ints
    admitted: NDArray[np.int32]
    discharged: NDArray[np.int32]
    missing: dict[str, Flags]


def _stays(claims: Whole) -> _Stays:
    return claims.once("stays", lambda: _read_stays(claims.frame))


def _pairs(claims: Whole, window: int) -> Pairs:
    """Pairs with at most so many days between; all rules take theirs from one search."""
    stays = _stays(claims)
    widest = max(window, _WIDEST)
    found = claims.once(
        f"pairs {widest}",
        lambda: near_pairs(stays.person, stays.admitted, stays.discharged, widest),
    )
    gap = stays.admitted[found.later].astype(np.int64) - stays.discharged[found.earlier]
    near = gap <= window
    return Pairs(found.earlier[near], found.later[near])


def _read_stays(frame: pl.DataFrame) -> _Stays:
    person = numbered(frame["patient_id"])
    # A number that far too many stays share stands for no person.
    shared = shared_persons(person)
    admitted, discharged = (
        frame[name].cast(pl.Date).to_physical().fill_null(0).to_numpy() for name in _PERSON[1:]
    )
    missing = {name: frame[name].is_null().to_numpy() for name in _PERSON}
    missing["patient_id"] = missing["patient_id"] | shared
    reversed_ = (discharged < admitted) & ~missing["admitted_on"] & ~missing["discharged_on"]
    missing["audit_findings.dates_reversed"] = reversed_
    anywhere = np.logical_or.reduce([*missing.values()])
    return _Stays(np.where(anywhere, -1, person), admitted, discharged, missing)


def judge_readmitted(claims: Whole, params: Readmitted) -> Verdict:
    """Hit: the later stay of a related pair with ``0 <= gap <= window_days``."""
    frame = claims.frame
    stays, pairs = _stays(claims), _pairs(claims, params.window_days)
    gap = stays.admitted[pairs.later].astype(np.int64) - stays.discharged[pairs.earlier]
    keep = gap >= 0
    hospital = _hospitals(claims)
    unsure_place = np.zeros(len(gap), np.bool_)
    if params.same_hospital:
        same, unsure_place = _same(hospital, pairs)
        keep &= same | unsure_place
    if params.planned:
        keep &= ~_planned(frame["planned_readmission"])[pairs.earlier]
    if params.transferred:
        gone = frame["disposition"].is_in(params.transferred).fill_null(False).to_numpy()
        elsewhere = hospital[pairs.earlier] != hospital[pairs.later]
        keep &= ~(gone[pairs.earlier] & elsewhere)
    if params.unless is not None:
        codes = claims.once("principal_dx", lambda: coded(frame["principal_dx"], len(frame)))
        keep &= ~params.unless.among(codes)[pairs.later]
    pairs, gap = Pairs(pairs.earlier[keep], pairs.later[keep]), gap[keep]
    related, unsure = _same(_relation(frame, params.related), pairs)
    unsure |= unsure_place[keep] & related
    related &= ~unsure
    hit = _rows(len(frame), pairs.later[related])
    unclear = _rows(len(frame), pairs.later[unsure]) & ~hit
    missing = {**stays.missing, f"audit_findings.{params.related}": unclear}
    unknown = np.logical_or.reduce([*missing.values()]) & ~hit
    told = _told(frame, Pairs(pairs.earlier[related], pairs.later[related])).with_columns(
        gap=pl.Series(gap[related])
    )
    told = told.sort("row", "gap", maintain_order=True)
    evidence = either(hit, worded("audit_findings.readmitted", told), lacking(missing))
    return Verdict(hit, unknown, evidence)


def judge_overlapping(claims: Whole, params: Overlapping) -> Verdict:
    """Hit: both stays of a pair that overlaps."""
    frame = claims.frame
    stays, pairs = _stays(claims), _pairs(claims, 0)
    same, unsure = _same(_hospitals(claims), pairs)
    days = [(days[pairs.earlier], days[pairs.later]) for days in (stays.admitted, stays.discharged)]
    at_once = overlaps_array(days[0], days[1], same_day_transfer=params.same_day_transfer)
    unsure = unsure & at_once
    if params.same_hospital:
        # The same days twice is a stay told twice, which another rule looks for.
        twice = (days[0][0] == days[0][1]) & (days[1][0] == days[1][1])
        at_once &= same & ~twice
    else:
        at_once &= ~same & ~unsure
    found = Pairs(pairs.earlier[at_once], pairs.later[at_once])
    hit = _rows(len(frame), found.earlier, found.later)
    unclear = _rows(len(frame), pairs.earlier[unsure], pairs.later[unsure]) & ~hit
    missing = {**stays.missing, "hospital_id": unclear}
    unknown = np.logical_or.reduce([*missing.values()]) & ~hit
    told = pl.concat([_told(frame, found), _told(frame, Pairs(found.later, found.earlier))])
    evidence = either(hit, worded("audit_findings.overlapping", told), lacking(missing))
    return Verdict(hit, unknown, evidence)


def judge_told_twice(claims: Whole, params: ToldTwice) -> Verdict:
    """Hit: a claim that says what an earlier one of the file says."""
    frame = claims.frame
    missing = {name: frame[name].is_null().to_numpy() for name in params.fields}
    unknown = np.logical_or.reduce([*missing.values()])
    # A later version of a settlement replaces the earlier one: no two claims.
    ids = pl.coalesce("claim_id", pl.col("row").cast(pl.String))
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    keys = frame.select(*params.fields, id=ids, row=place).filter(pl.Series(~unknown))
    first = keys.group_by(params.fields).agg(
        pl.col("row").min().alias("first"), pl.col("id").n_unique().alias("ids")
    )
    again = keys.join(first.filter(pl.col("ids") > 1), on=params.fields).filter(
        pl.col("row") > pl.col("first")
    )
    other = keys.select(pl.col("row").alias("first"), pl.col("id").alias("other"))
    again = again.join(other, on="first").filter(pl.col("other") != pl.col("id")).sort("row")
    hit = _rows(len(frame), again["row"].to_numpy())
    told = again.select("row", "other", at=pl.col("first") + 1)
    evidence = either(hit, worded("audit_findings.told_twice", told), lacking(missing))
    return Verdict(hit, unknown, evidence)


def _same(numbers: Ints, pairs: Pairs) -> tuple[Flags, Flags]:
    """Where both stays of a pair have the same number, and where one has none."""
    one, other = numbers[pairs.earlier], numbers[pairs.later]
    unsure: Flags = (one < 0) | (other < 0)
    return (one == other) & ~unsure, unsure


def _relation(frame: pl.DataFrame, related: str) -> Ints:
    if related == "principal":
        return numbered(frame["principal_dx"].cast(pl.String).str.slice(0, 3))
    keys = frame[related].cast(pl.String)
    if frame["outcome"].dtype == pl.String:
        keys = keys.set((frame["outcome"] != "GROUPED").fill_null(True), None)
    return numbered(keys)


def _hospitals(claims: Whole) -> Ints:
    return claims.once("hospitals", lambda: numbered(claims.frame["hospital_id"]))


def _planned(series: pl.Series) -> Flags:
    marks = series.cast(pl.String).str.strip_chars().str.to_uppercase().str.strip_suffix(".0")
    # Front sheets write 1 for no and 2 for yes.
    yes = ("2", *_YES[1:]) if (marks == "2").any() else _YES
    found: Flags = marks.is_in(yes).fill_null(False).to_numpy()
    return found


def _rows(count: int, *places: NDArray[np.integer]) -> Flags:
    found = np.zeros(count, np.bool_)
    for some in places:
        found[some] = True
    return found


def _told(frame: pl.DataFrame, pairs: Pairs) -> pl.DataFrame:
    """The other stay of each pair, for the rows of the later one."""
    others = frame.select("claim_id", "hospital_id", "admitted_on", "discharged_on")
    found = others[pairs.earlier.astype(np.uint32)]
    numbers = pl.Series(pairs.earlier + 1).cast(pl.String)
    return found.select(
        row=pl.Series(pairs.later),
        other=pl.coalesce(pl.col("claim_id"), pl.lit("#") + pl.lit(numbers)),
        hospital=pl.col("hospital_id"),
        admitted=pl.col("admitted_on"),
        discharged=pl.col("discharged_on"),
    )


def _needs_readmitted(params: Readmitted) -> tuple[str, ...]:
    needs = [*_PERSON]
    needs += ["principal_dx"] if params.related == "principal" or params.unless else []
    needs += [params.related, "outcome"] if params.related != "principal" else []
    needs += ["planned_readmission"] if params.planned else []
    needs += ["disposition"] if params.transferred else []
    return tuple(needs)


STAY_KINDS: tuple[Kind, ...] = (
    Kind("readmitted", Scope.WHOLE, Readmitted, judge_readmitted, _needs_readmitted),
    Kind("overlapping", Scope.WHOLE, Overlapping, judge_overlapping, lambda params: _PERSON),
    Kind("told_twice", Scope.WHOLE, ToldTwice, judge_told_twice, lambda params: params.fields),
)
