"""Kinds of rules on charges and the patient: days nobody was treated, items paid for some only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import Field

from drg.audit.evidence import either
from drg.audit.item_lists import LIMITS, Limits, fitting
from drg.audit.kind import AuditClaims, Kind, Params
from drg.audit.kinds_charges import NO_ITEMS, NO_LIST, net_worth, rows_with, verdict
from drg.audit.model import NO_AMOUNT, Scope, Verdict
from drg.audit.person import Truth, ages, claims_with, in_range, without_codes
from drg.audit.told import lacking, worded
from drg.claims.named import clean_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["CARE_KINDS"]

#: Who pays where a claim names nobody.
_BASIC = "insurance"


class IdleDays(Params):
    """Days of a stay without any charge, the day of discharge left aside."""

    least: int = Field(1, ge=1)


class BedAlone(Params):
    """Days with a bed fee and none of the care that classes of charges stand for."""

    bed: tuple[str, ...] = Field(min_length=1)
    care: tuple[str, ...] = Field(min_length=1)
    least: int = Field(1, ge=1)


class Limited(Params):
    """Items paid only for some: by sex, age, diagnosis, insurance or payer; None: no list given."""

    limits: Limits = None


def judge_idle_days(claims: AuditClaims, params: IdleDays) -> Verdict:
    """Hit: at least so many days of the stay have no charge left after refunds."""
    if claims.items is None:
        return _no_items(claims)
    start, end, known = _spans(claims)
    charged = _days_with(claims.items, start, end)
    count = np.bincount(charged["row"].to_numpy(), minlength=claims.rows)
    undated = rows_with(claims, claims.items["row"].filter(claims.items["charged_on"].is_null()))
    idle = np.where(known, end - start - count, 0)
    bare = ~_charged(claims)
    hit = (idle >= params.least) & ~undated & ~bare
    missing = {
        NO_ITEMS: bare,
        "los_days": ~known,
        "charged_on": undated & (idle >= params.least),
    }
    rows = np.flatnonzero(hit)
    days = pl.DataFrame({"row": rows, "from": start[rows], "to": end[rows] - 1}).select(
        "row", day=pl.int_ranges("from", pl.col("to") + 1)
    )
    days = days.explode("day", empty_as_null=False, keep_nulls=False)
    gaps = days.join(charged, on=["row", "day"], how="anti", maintain_order="left")
    words = gaps.with_columns(day=pl.col("day").cast(pl.Int32).cast(pl.Date))
    return _verdict(hit, missing, words, "idle_day")


def judge_bed_alone(claims: AuditClaims, params: BedAlone) -> Verdict:
    """Hit: at least so many days have a bed fee and no charge of a class of care."""
    if claims.items is None:
        return _no_items(claims)
    items = claims.items
    bed, care = (_class_of(items["fee_class"], names) for names in (params.bed, params.care))
    kind = pl.when(pl.Series(bed)).then(1).when(pl.Series(care)).then(2)
    used = items.select("row", "charged_on", kind=kind, worth=net_worth())
    lacks = used.filter(pl.Series(items["fee_class"].is_null() | items["charged_on"].is_null()))[
        "row"
    ]
    daily = (
        used.filter(pl.col("kind").is_not_null() & pl.col("charged_on").is_not_null())
        .group_by("row", "charged_on", "kind")
        .agg(pl.col("worth").sum())
        .filter(pl.col("worth") > 0)
    )
    cared = daily.filter(pl.col("kind") == 2)
    alone = daily.filter(pl.col("kind") == 1).join(cared, on=["row", "charged_on"], how="anti")
    count = np.bincount(alone["row"].to_numpy(), minlength=claims.rows)
    some = count >= params.least
    unclear = rows_with(claims, lacks) & some
    hit = some & ~unclear
    missing = {NO_ITEMS: ~_charged(claims), "fee_class": unclear}
    words = alone.sort("row", "charged_on").select(pl.col("row").cast(pl.Int64), day="charged_on")
    return _verdict(hit, missing, words, "bed_alone")


def judge_limited(claims: AuditClaims, params: Limited) -> Verdict:
    """Hit: an item was paid in scope for someone it is not paid for; at stake all of it."""
    listed = params.limits
    if listed is None or claims.items is None:
        every = np.ones(claims.rows, np.bool_)
        lacks = {NO_LIST: every} if listed is None else {NO_ITEMS: every}
        return Verdict(~every, every, lacking(lacks))
    net = (
        fitting(claims, listed)
        .group_by("row", "entry", "item_code", maintain_order=True)
        .agg(
            pl.col("in_scope_amount").sum().alias("amount"),
            pl.col("in_scope_amount").null_count().alias("unsaid"),
            pl.col("item_name").first(),
        )
    )
    unsaid = net.filter(pl.col("unsaid") > 0)
    net = net.filter((pl.col("unsaid") == 0) & (pl.col("amount") > 0))
    parts, missing = [], {"in_scope_amount": np.zeros(claims.rows, np.bool_)}
    for column in (name for name in LIMITS if name in listed.columns):
        cells = listed.column(column)
        for cell in sorted(set(cells) - {""}):
            entries = [n for n, other in enumerate(cells) if other == cell]
            truth = _allowed(claims, column, cell)
            # Where it would not be allowed, the amount decides; there a missing one matters.
            open_ = unsaid.filter(pl.col("entry").is_in(entries))["row"]
            missing["in_scope_amount"] |= rows_with(claims, open_) & ~truth.holds
            some = net.filter(pl.col("entry").is_in(entries))
            row = some["row"].to_numpy()
            field = _FIELD[column]
            unsure = claims_with(claims, row[truth.unknown[row]])
            missing[field] = missing.get(field, np.zeros(claims.rows, np.bool_)) | unsure
            wrong = ~truth.holds[row] & ~truth.unknown[row]
            name = pl.col("item_code").cast(pl.String)
            full = name + pl.lit(" ") + pl.col("item_name").cast(pl.String)
            parts.append(
                some.filter(pl.Series(wrong)).select(
                    "row", "amount", "item_code",
                    entry=pl.lit(0),
                    codes=pl.concat_list(name),
                    item=pl.coalesce(full, name),
                    wanted=pl.lit(cell),
                    has=_cells(claims, field, row[wrong]),
                )
            )  # fmt: skip
    if not parts:
        parts = [
            net.clear().select(
                "row", "amount", "item_code", entry=pl.lit(0),
                codes=pl.concat_list(pl.col("item_code").cast(pl.String)),
                item=pl.lit(""), wanted=pl.lit(""), has=pl.lit(""),
            )
        ]  # fmt: skip
    # An item that two limits forbid is charged once.
    found = pl.concat(parts).unique(["row", "item_code"], keep="first", maintain_order=True)
    return verdict(claims, found, "limited", missing)


_FIELD = {
    "sex": "sex",
    "min_years": "age",
    "max_years": "age",
    "max_days": "age_days",
    "diagnoses": "diagnoses",
    "insurances": "insurance",
    "payers": "payer",
}


def _allowed(claims: AuditClaims, column: str, cell: str) -> Truth:
    """Claims that a limit lets an item be paid for."""
    nobody = np.zeros(claims.rows, np.bool_)
    if column == "sex":
        return Truth(claims.sex.marked(lambda sex: sex == cell), claims.sex.missing)
    if column == "diagnoses":
        patterns = tuple(clean_code(part) for part in cell.split("|"))
        codes = claims.codes("diagnoses")
        marked = codes.among(patterns)
        return Truth(claims_with(claims, codes.row[marked]), without_codes(claims, "diagnoses"))
    if column in ("insurances", "payers"):
        known = {part.strip() for part in cell.split("|")}
        texts = claims.texts(_FIELD[column])
        if column == "insurances":
            return Truth(texts.marked(known.__contains__), texts.missing)
        # A claim that names no payer is paid by the basic insurance.
        return Truth(texts.marked(known.__contains__) | (texts.missing & (_BASIC in known)), nobody)
    found = ages(claims)
    if column == "max_days":
        return in_range(found.days, found.days_known, None, int(cell))
    least, most = (int(cell), None) if column == "min_years" else (None, int(cell))
    return in_range(found.years, found.years_known, least, most)


def _cells(claims: AuditClaims, field: str, rows: Ints) -> pl.Series:
    cells = claims.cells(field, rows).fill_null(_BASIC if field == "payer" else "—")
    return cells.alias("has")


def _class_of(classes: pl.Series, names: Iterable[str]) -> Flags:
    """Charges whose class is one of these; each distinct class is looked up once."""
    wanted = {name.strip() for name in names}
    kinds = classes.unique().drop_nulls()
    meant = pl.Series([name.removesuffix(".0") in wanted for name in kinds.cast(pl.String)])
    if not len(kinds) or not meant.any():
        return np.zeros(len(classes), np.bool_)
    numbers = classes.to_physical()
    found: Flags = (
        numbers.is_in(kinds.filter(meant).to_physical().implode()).fill_null(False).to_numpy()
    )
    return found


def _spans(claims: AuditClaims) -> tuple[Ints, Ints, Flags]:
    """First day and the day after the last that is charged: a stay within one day has one."""
    (start, started), (end, ended) = claims.days("admitted_on"), claims.days("discharged_on")
    first, last = start.astype(np.int64), end.astype(np.int64)
    return first, np.maximum(last, first + 1), started & ended & (last >= first)


def _days_with(items: pl.DataFrame, start: Ints, end: Ints) -> pl.DataFrame:
    """Days of the stay that keep a charge after refunds, as ``row`` and ``day``."""
    day = pl.col("charged_on").to_physical().cast(pl.Int64)
    daily = (
        items.lazy()
        .select(pl.col("row").cast(pl.Int64), day=day, worth=net_worth())
        .filter(pl.col("day").is_not_null())
        .group_by("row", "day")
        .agg(pl.col("worth").sum())
        .filter(pl.col("worth") > 0)
        .collect()
    )
    row, when = daily["row"].to_numpy(), daily["day"].to_numpy()
    inside = (when >= start[row]) & (when < end[row])
    return daily.filter(pl.Series(inside)).select("row", "day")


def _charged(claims: AuditClaims) -> Flags:
    assert claims.items is not None
    return rows_with(claims, claims.items["row"])


def _verdict(hit: Flags, missing: dict[str, Flags], words: pl.DataFrame, key: str) -> Verdict:
    unknown = np.logical_or.reduce([*missing.values()]) & ~hit
    evidence = either(hit, worded(f"audit_findings.{key}", words), lacking(missing))
    return Verdict(hit, unknown, evidence, np.full(len(hit), NO_AMOUNT))


def _no_items(claims: AuditClaims) -> Verdict:
    every = np.ones(claims.rows, np.bool_)
    return Verdict(~every, every, lacking({NO_ITEMS: every}))


CARE_KINDS: tuple[Kind, ...] = (
    Kind("idle_days", Scope.ITEMS, IdleDays, judge_idle_days),
    Kind("bed_alone", Scope.ITEMS, BedAlone, judge_bed_alone),
    Kind("limited_items", Scope.ITEMS, Limited, judge_limited, amount=True),
)
