"""From small arrays to the columns that pricing adds, and what claims are told apart by."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.few import FEW
from drg.claims.frame import COLUMNS, PRICING_COLUMNS, PRICING_NAMES
from drg.claims.named import Named
from drg.claims.typed import ClaimArrays
from drg.money import PLACES
from drg.payment.pricing.dip_scores import read_scores
from drg.payment.pricing.price_columns import (
    NONE,
    PRICE_DTYPES,
    SCORE_DTYPES,
    UNSET,
    Note,
    Route,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Policy
    from drg.payment.pricing.assessed import Assessed
    from drg.payment.pricing.caps import Decisions
    from drg.payment.pricing.sheet import Sheet

    Ints = NDArray[np.int64]
    Rows = NDArray[Any]

__all__ = ["decided_sheet", "fingerprints", "id_hashes", "months", "priced_columns"]

#: Two hashes of an id agree by chance for none of any number of claims there will ever be.
_SEEDS = (11, 23)
_DIGEST = 12
_MIX = np.uint64(0x9E3779B97F4A7C15)
#: Fields that a payment can depend on; others reach it through the group, if at all.
_DECIDING = (
    "hospital_id", "patient_id", "department", "insurance", "age", "admitted_on",
    "discharged_on", "los_days", "disposition", "total_cost", "patient_paid",
    "new_technology_cost", *(name for name in PRICING_NAMES if name != "version"),
)  # fmt: skip
_SCALE = Decimal(1).scaleb(-PLACES)
_MONEY = {column.name for column in (*COLUMNS, *PRICING_COLUMNS) if column.kind == "money"}


def fingerprints(
    claims: ClaimArrays, *, codes: bool, scored: bool = False
) -> tuple[tuple[Rows, Rows], Rows]:
    """Two hashes of each claim's id, and one of all in it that can decide its payment.

    Comparable between processes of one version of polars (``carry.made_by``).

    Parameters
    ----------
    claims : ClaimArrays
    codes : bool
        Diagnoses and procedures decide by themselves, not through the group alone.
    scored : bool, optional
        Scores, classes and subtypes of groups decide beside the group.
    """
    results = ("group", "outcome", *(("group_class", "auxiliary") if scored else ()))
    parts = _named_hashes([claims.result(name) for name in results])
    there = {name: claims.column(name) for name in _DECIDING}
    hashed = {n: s for n, s in there.items() if s is not None and n not in _MONEY}
    # All in one: going to polars column by column is what small frames spend their time with.
    found = pl.DataFrame({"claim_id": claims.ids} | hashed).select(
        *(pl.col("claim_id").hash(seed).alias(f"id {seed}") for seed in _SEEDS),
        *(pl.col(name).hash(_SEEDS[0]) for name in hashed),
    )
    first, second = (found[f"id {seed}"].to_numpy() for seed in _SEEDS)
    if scored:
        parts.append(pl.Series(read_scores(claims.frame)).hash(_SEEDS[1]).to_numpy())
    for name, series in there.items():
        if series is not None and name in _MONEY:
            amounts = claims.money(name)
            parts += [amounts.fen.view(np.uint64), amounts.given.astype(np.uint64)]
        elif series is not None:
            parts.append(found[name].to_numpy())
    if codes:
        every = np.arange(claims.rows)
        parts += [_codes_hash(claims.diagnoses(every)), _codes_hash(claims.procedures(every))]
    content = np.zeros(claims.rows, np.uint64)
    for part in parts:
        content ^= part
        content *= _MIX
    return (first, second), content


def id_hashes(ids: pl.Series) -> Rows:
    """The first of the two hashes of each id."""
    return ids.hash(_SEEDS[0]).to_numpy()


def _named_hashes(columns: Sequence[Named]) -> list[Rows]:
    names = [name for named in columns for name in (*named.names, None)]
    hashes = pl.Series(names, dtype=pl.String).hash(_SEEDS[1]).to_numpy()
    ends = np.cumsum([len(named.names) + 1 for named in columns])[:-1]
    return [own[named.codes] for named, own in zip(columns, np.split(hashes, ends), strict=True)]


def _codes_hash(lists: pl.Series) -> Rows:
    """Sum of the hashes of each row's codes; null and empty lists are alike."""
    sizes = lists.list.len().fill_null(0).to_numpy()
    codes = lists.explode(empty_as_null=False, keep_nulls=False).hash(_SEEDS[0]).to_numpy()
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(codes, dtype=np.uint64)])
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
    return np.diff(running[ends])


def months(day: NDArray[np.int32]) -> NDArray[np.int16]:
    """Month of each day, counted from 1970-01."""
    if not len(day):
        return np.empty(0, np.int16)
    first, last = int(day.min()), int(day.max())
    every = np.arange(first, last + 1).astype("datetime64[D]").astype("datetime64[M]")
    return every.astype(np.int64).astype(np.int16)[day - first]


def decided_sheet(assessed: Assessed, decisions: Decisions) -> Sheet:
    """The sheet of a part with what the second pass decided.

    Raises
    ------
    KeyError
        The part was not among those decided.
    """
    notes = decisions.notes[assessed.key]
    sheet = assessed.sheet
    twice = np.flatnonzero(notes != UNSET)
    changes = decisions.changes[assessed.key]
    if changes or len(twice):
        sheet = sheet.copy()
    for change in changes:
        change.put(sheet)
    for note in np.unique(notes[twice]).tolist():
        sheet.unpaid(np.flatnonzero(notes == note), Note(note), Route.FAULT)
    return sheet


def priced_columns(assessed: Assessed, decisions: Decisions, policy: Policy) -> pl.DataFrame:
    """The columns of ``PRICE_DTYPES`` for a part, of ``SCORE_DTYPES`` too where scores pay.

    Raises
    ------
    KeyError
        The part was not among those decided.
    """
    notes = decisions.notes[assessed.key]
    sheet = decided_sheet(assessed, decisions)
    hospital = np.where(sheet.price == NONE, NONE, sheet.fund + sheet.patient - sheet.cost)
    found = {
        "pay_mode": sheet.mode,
        "route": sheet.route,
        "case_class": sheet.case_class,
        "branch": sheet.branch,
        "payment_note": sheet.note,
    }
    columns = {name: _enum(codes, PRICE_DTYPES[name]) for name, codes in found.items()}
    columns["weight"] = _gathered(assessed.weights, sheet.weight, PRICE_DTYPES["weight"])
    columns["coefficient"] = _gathered(
        assessed.coefficients, sheet.coefficient, PRICE_DTYPES["coefficient"]
    )
    columns["rate_fen"] = _gathered(assessed.rates, sheet.rate, pl.Int64())
    columns["points"] = _decimal(sheet.points, len(notes))
    amounts = {
        "standard_fen": sheet.standard,
        "cost_fen": sheet.cost,
        "price_fen": sheet.price,
        "patient_fen": sheet.patient,
        "fund_fen": sheet.fund,
        "hospital_fen": hospital,
    }
    columns |= {name: _amount(values) for name, values in amounts.items()}
    digest = f"{policy.id}@{policy.digest[:_DIGEST]}"
    columns["policy"] = _repeated(digest, len(notes), pl.String())
    names = [*PRICE_DTYPES]
    if sheet.value is not None:
        columns["group_score"] = _decimal(sheet.group_score, len(notes))
        columns["auxiliary_coefficient"] = _decimal(sheet.auxiliary, len(notes))
        columns["point_value"] = _gathered(
            assessed.values, sheet.value, SCORE_DTYPES["point_value"]
        )
        names += SCORE_DTYPES
    return pl.DataFrame({name: columns[name] for name in names})


def _enum(codes: NDArray[np.uint8], dtype: pl.DataType) -> pl.Series:
    if len(codes) <= FEW:
        names = _categories(dtype)
        return pl.Series([names[code] for code in codes.tolist()], dtype=dtype)
    series = pl.Series(codes)
    none = series == UNSET
    if none.any():
        series = series.set(none, None)
    return series.cat.to(dtype)


@lru_cache(maxsize=16)
def _categories(dtype: pl.DataType) -> tuple[str | None, ...]:
    """Names by code; what has none, ``UNSET`` above all, is null."""
    names: list[str] = dtype.categories.to_list()  # type: ignore[attr-defined]
    return (*names, *[None] * (UNSET + 1 - len(names)))


def _amount(values: Ints) -> pl.Series:
    if len(values) <= FEW:
        cells = [None if value == NONE else value for value in values.tolist()]
        return pl.Series(cells, dtype=pl.Int64)
    series = pl.Series(values)
    none = series == NONE
    return series.set(none, None) if none.any() else series


def _repeated(value: str | None, rows: int, dtype: pl.DataType) -> pl.Series:
    return pl.Series([value], dtype=dtype).new_from_index(0, rows)


def _gathered(table: pl.Series | None, place: NDArray[np.int32], dtype: pl.DataType) -> pl.Series:
    none = place < 0
    if table is None or none.all():
        return _repeated(None, len(place), dtype)
    if not none.any():
        return table.gather(pl.Series(place))
    with_none = table.extend_constant(None, 1)
    return with_none.gather(pl.Series(np.where(place < 0, len(table), place).astype(np.uint32)))


def _decimal(values: Ints | None, rows: int) -> pl.Series:
    """Integers scaled 10⁴ as Decimal: exact, the product has no digits to lose."""
    dtype = PRICE_DTYPES["points"]
    if values is None:
        return _repeated(None, rows, dtype)
    if rows <= FEW:
        exact = [None if v == NONE else Decimal(v).scaleb(-PLACES) for v in values.tolist()]
        return pl.Series(exact, dtype=dtype)
    wide = _amount(values).cast(pl.Decimal(38, PLACES))
    unit = pl.Series([_SCALE], dtype=pl.Decimal(38, PLACES))
    return (wide * unit).cast(dtype)
