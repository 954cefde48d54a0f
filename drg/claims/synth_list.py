"""Settlement lists for made-up claims: the columns of ``list_columns``, filled without a fault.

What is drawn depends on the seed and on the number of the claim alone, so that batches change
nothing. Values come from ``tables/demo/settlement_list.toml`` and are synthetic.
"""

from __future__ import annotations

import tomllib
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.typed import read_yuan_columns
from drg.fen_column import yuan_texts
from drg.paths import tables_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["FILLED", "Draws", "dressed", "list_settings", "plausible"]

#: Columns of the list that are filled in, in the order of ``LIST_COLUMNS``.
FILLED = (
    "insured_no", "record_no", "birth_date", "nationality", "occupation", "contact_relation",
    "contact_address", "contact_phone", "newborn_admission_type", "inpatient_type",
    "admission_route", "treatment_type", "admission_department", "doctor", "vent_duration",
    "icu_from", "icu_to", "dx_count", "op_count", "conditions_at_admission", "procedure_dates",
    "outpatient_diagnosis", "planned_readmission", "uploaded_on", "list_status", "fund_paid",
    "hospital_paid", "account_paid", "over_limit_paid", "pay_mode", "prior_outpatient_cost",
    "retired",
)  # fmt: skip

_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_HOURS_A_DAY = 24


def list_settings() -> dict[str, Any]:
    """``tables/demo/settlement_list.toml``, read once."""
    return _settings(tables_root() / "demo" / "settlement_list.toml")


@cache
def _settings(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


class Draws:
    """Uniform numbers of claims, by seed, number of the claim and what they are for.

    Parameters
    ----------
    seed : int
    first : int
        Number of the first claim.
    rows : int
        Number of claims.
    """

    def __init__(self, seed: int, first: int, rows: int) -> None:
        self.first = first
        self.rows = rows
        self._numbers = np.arange(first, first + rows, dtype=np.uint64)
        self._seed = (seed * _MIX[1] + _MIX[2]) % 2**64

    def uniform(self, what: str) -> NDArray[np.float64]:
        """Numbers in [0, 1), one a claim."""
        salt = (self._seed + zlib.crc32(what.encode()) * _MIX[0]) % 2**64
        mixed = self._numbers * np.uint64(_MIX[0]) + np.uint64(salt)  # wraps, as is meant
        for shift, factor in ((30, _MIX[1]), (27, _MIX[2])):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
        return (mixed >> np.uint64(11)) / 2.0**53

    def below(self, what: str, count: int | NDArray[np.int64]) -> NDArray[np.int64]:
        """Integers from 0 to below ``count``, one a claim."""
        drawn: NDArray[np.int64] = (self.uniform(what) * count).astype(np.int64)
        return drawn


def dressed(claims: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Claims with the columns of a settlement list that passes every check of its quality.

    Parameters
    ----------
    claims : DataFrame
        As ``drg.synth`` makes them.
    draws : Draws
        Of these claims.

    Returns
    -------
    DataFrame
        Same rows; hours in intensive care and on a ventilator never reach past the discharge, the
        newborn's weight is filled in on lists that want it, and the columns of ``FILLED`` follow.
    """
    settings = list_settings()
    claims = _within_stay(claims)
    claims = claims.with_columns(_birth_weights(claims, draws, settings["newborn"]))
    person, stay = settings["person"], settings["stay"]
    n = pl.Series(np.arange(draws.first, draws.first + draws.rows))
    age = pl.col("age").fill_null(40)
    admitted, left = pl.col("admitted_on"), pl.col("discharged_on")
    told = claims.select(
        (pl.lit("B") + pl.col("patient_id")).alias("insured_no"),
        (pl.lit("M") + pl.lit(n).cast(pl.String).str.zfill(9)).alias("record_no"),
        _birth_date(claims, draws).alias("birth_date"),
        pl.lit(person["nationality"]).alias("nationality"),
        _by_age(age, person["occupation"], draws, "occupation").alias("occupation"),
        _by_age(age, person["relation"], draws, "relation").alias("contact_relation"),
        _address(person, draws).alias("contact_address"),
        pl.Series(person["phone"] + draws.below("phone", 10**7))
        .cast(pl.String)
        .alias("contact_phone"),
        _newborn_type(settings["newborn"]).alias("newborn_admission_type"),
        pl.lit(stay["inpatient_type"]).alias("inpatient_type"),
        _drawn(stay["route"], draws, "route").alias("admission_route"),
        pl.lit(stay["treatment_type"]).alias("treatment_type"),
        pl.col("department").alias("admission_department"),
        pl.format(
            "{}-{}-D{}", "hospital_id", "department",
            pl.lit(pl.Series(draws.below("doctor", stay["doctors"]) + 1)),
        ).alias("doctor"),
        _duration(pl.col("ventilation_hours")).alias("vent_duration"),
        *_intensive(stay["icu_from_hour"]),
        pl.col("diagnoses").list.len().cast(pl.Int64).alias("dx_count"),
        pl.col("procedures").list.len().cast(pl.Int64).alias("op_count"),
        _repeated(pl.lit("1"), pl.col("diagnoses")).alias("conditions_at_admission"),
        _repeated(
            pl.min_horizontal(admitted + pl.duration(days=1), left).cast(pl.String),
            pl.col("procedures"),
        ).alias("procedure_dates"),
        pl.col("diagnoses").list.first().alias("outpatient_diagnosis"),
        pl.lit(stay["planned"]).alias("planned_readmission"),
        (left + pl.duration(days=pl.lit(pl.Series(_upload(stay, draws))))).alias("uploaded_on"),
        pl.lit(stay["list_status"]).alias("list_status"),
        pl.lit(stay["pay_mode"]).alias("pay_mode"),
        *(pl.lit("0.00").alias(name) for name in _NOTHING),
        pl.when((age >= person["retired_from"]) & (pl.col("insurance") == "310"))
        .then(pl.lit("1"))
        .otherwise(pl.lit("0"))
        .alias("retired"),
    )  # fmt: skip
    told = told.with_columns(_difference(claims, "total_cost", "patient_paid").alias("fund_paid"))
    return claims.hstack(told.select(FILLED))


#: Amounts that a plain list has none of.
_NOTHING = ("hospital_paid", "account_paid", "over_limit_paid", "prior_outpatient_cost")


def plausible(claims: pl.DataFrame) -> pl.DataFrame:
    """Claims with codes as a coder leaves them.

    Parameters
    ----------
    claims : DataFrame
        As ``drg.synth`` makes them.

    Returns
    -------
    DataFrame
        Same rows: no procedure and no further diagnosis of the other sex, no external cause first,
        every delivery with its outcome.
    """
    settings = list_settings()
    codes, newborn = settings["codes"], settings["newborn"]
    code, procedures = pl.element(), pl.col("procedures")
    own = {
        sex: procedures.list.eval(code.filter(~_starts(code, codes[other])))
        for sex, other in (("M", "F"), ("F", "M"))
    }
    dx = pl.col("diagnoses")
    instead = pl.lit(pl.Series([[codes["instead"]]], dtype=pl.List(pl.String)))
    fitting = dx.list.eval(code.filter(~_starts(code, codes["diagnoses_F"])))
    fitting = pl.when(fitting.list.len() > 0).then(fitting).otherwise(instead)
    male = pl.col("sex") == "M"
    claims = claims.with_columns(pl.when(male).then(fitting).otherwise(dx).alias("diagnoses"))
    outside = _starts(code, codes["external"])
    inner, outer = dx.list.eval(code.filter(~outside)), dx.list.eval(code.filter(outside))
    some = pl.when(inner.list.len() > 0).then(inner).otherwise(instead)
    born = (
        dx.list.eval(_births(newborn)).list.any()
        & ~dx.list.eval(code.str.starts_with(codes["outcome"].partition(".")[0])).list.any()
    )
    claims = claims.with_columns(
        pl.when(male).then(own["M"]).when(pl.col("sex") == "F").then(own["F"])
        .otherwise(procedures).alias("procedures"),
        pl.when(_starts(dx.list.first(), codes["external"])).then(some.list.concat(outer))
        .otherwise(dx).alias("diagnoses"),
    )  # fmt: skip
    with_outcome = dx.list.concat(pl.lit([codes["outcome"]]))
    return claims.with_columns(pl.when(born).then(with_outcome).otherwise(dx).alias("diagnoses"))


def _starts(code: pl.Expr, beginnings: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(*(code.str.starts_with(start) for start in beginnings))


def _births(newborn: dict[str, Any]) -> pl.Expr:
    """Whether a code is a delivery, or a birth told by the mother's list."""
    code = pl.element()
    return _starts(code, newborn["births"]) & ~code.is_in(newborn["unless"])


def _within_stay(claims: pl.DataFrame) -> pl.DataFrame:
    """Hours counted from the day of admission that end on the day of discharge."""
    days = (pl.col("discharged_on") - pl.col("admitted_on")).dt.total_days()
    most = pl.max_horizontal(days * _HOURS_A_DAY, pl.lit(_HOURS_A_DAY - 1))
    return claims.with_columns(
        pl.when(pl.col(name) > most).then(most).otherwise(pl.col(name)).alias(name)
        for name in ("icu_hours", "ventilation_hours")
    )


def _birth_weights(claims: pl.DataFrame, draws: Draws, newborn: dict[str, Any]) -> pl.Series:
    """Grams at birth: of newborns as they are, of deliveries as a child weighs."""
    births = pl.col("diagnoses").list.eval(_births(newborn)).list.any()
    wanted = claims.select(births).to_series()
    low, high = newborn["weight"]
    child = pl.Series(low + draws.below("birth weight", high - low + 1))
    own = pl.col("birth_weight_g")
    return (
        claims.select(pl.when(own.is_null() & pl.lit(wanted)).then(pl.lit(child)).otherwise(own))
        .to_series()
        .alias("birth_weight_g")
    )


def _birth_date(claims: pl.DataFrame, draws: Draws) -> pl.Expr:
    """A day of birth that gives the age; null where no age is reported."""
    days = pl.lit(pl.Series(draws.below("birthday", 360)))
    years = pl.concat_str(pl.lit("-"), pl.col("age").clip(0, 150).cast(pl.String), pl.lit("y"))
    older = pl.col("admitted_on").dt.offset_by(years) - pl.duration(days=days)
    infant = pl.col("admitted_on") - pl.duration(days="age_days")
    likely = pl.col("age").is_between(0, 150)
    return pl.when(pl.col("age") == 0).then(infant).when(likely).then(older)


def _by_age(age: pl.Expr, table: Sequence[Any], draws: Draws, what: str) -> pl.Expr:
    chosen = pl.lit(None, pl.String)
    for start, values in table:
        chosen = pl.when(age >= start).then(_drawn(values, draws, what)).otherwise(chosen)
    return chosen


def _drawn(values: Sequence[str], draws: Draws, what: str) -> pl.Expr:
    places = draws.below(what, len(values))
    return pl.lit(pl.Series(values, dtype=pl.String).gather(places))


def _address(person: dict[str, Any], draws: Draws) -> pl.Series:
    texts = [person["address"].format(n=n + 1) for n in range(person["addresses"])]
    return pl.Series(texts).gather(draws.below("address", len(texts)))


def _newborn_type(newborn: dict[str, Any]) -> pl.Expr:
    light = pl.col("birth_weight_g") < newborn["preterm_below"]
    kind = pl.when(light).then(pl.lit("2")).otherwise(pl.lit("1"))
    young = (pl.col("age") == 0) & (pl.col("age_days") <= newborn["days"])
    return pl.when(young).then(kind)


def _duration(hours: pl.Expr) -> pl.Expr:
    """Hours as days/hours/minutes; null for none."""
    told = pl.format("{}/{}/0", hours // _HOURS_A_DAY, hours % _HOURS_A_DAY)
    return pl.when(hours > 0).then(told)


def _intensive(hour: int) -> list[pl.Expr]:
    start = pl.col("admitted_on").cast(pl.Datetime("ms")) + pl.duration(hours=hour)
    end = start + pl.duration(hours="icu_hours")
    some = pl.col("icu_hours") > 0
    shape = "%Y-%m-%d %H:%M:%S"
    return [
        pl.when(some).then(time.dt.strftime(shape)).alias(name)
        for name, time in (("icu_from", start), ("icu_to", end))
    ]


def _repeated(text: pl.Expr, codes: pl.Expr) -> pl.Expr:
    """A text once for each code, joined by ``|``; null without a code."""
    joined = text.repeat_by(codes.list.len()).list.join("|")
    return pl.when(codes.list.len() > 0).then(joined)


def _upload(stay: dict[str, Any], draws: Draws) -> NDArray[np.int64]:
    low, high = stay["upload_days"]
    days: NDArray[np.int64] = low + draws.below("upload", high - low + 1)
    return days


def _difference(claims: pl.DataFrame, whole: str, part: str) -> pl.Series:
    """Yuan less yuan as text with two decimals."""
    fen, less = read_yuan_columns([claims[whole], claims[part]])
    return yuan_texts(fen - less)
