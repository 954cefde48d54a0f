"""Kinds of rules on the charges of a stay: charged twice, too often, too soon, too dear.

Charges of a day (or stay) are netted with their refunds first; amounts are those in scope, in
fen. A rule whose list a region has not given is not assessable, and so is a claim without charges.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from drg.audit.charges import (
    SECOND,
    above_price_array,
    discount_excess_array,
    over_discount_array,
    over_quantity_array,
)
from drg.audit.evidence import either
from drg.audit.item_lists import Beside, Entries, Frequencies, Gaps, Prices, fitting, numbers
from drg.audit.kind import AuditClaims, Kind, Params
from drg.audit.model import NO_AMOUNT, Scope, Verdict
from drg.audit.stakes import counted_once
from drg.audit.told import lacking, number_text, worded, yuan_text
from drg.money import PLACES
from drg.quotients import quotient_array
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["CHARGE_KINDS", "NO_ITEMS", "NO_LIST", "net_worth", "rows_with", "verdict"]

_ONE = 10**PLACES
NO_LIST, NO_ITEMS = "audit_findings.list", "audit_findings.items"


class ChargedBeside(Params):
    """Pairs of items of which one includes the other; None: the region has given none."""

    pairs: Beside = None


class OverFrequency(Params):
    """Items and how often they may be charged."""

    limits: Frequencies = None


class Discounted(Params):
    """Items that a second operation is charged by, and the share they are charged at."""

    items: Entries = None
    share: Fraction = SECOND

    @field_validator("share", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Fraction:
        try:
            share = Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            share = Fraction(0)
        if not 0 < share <= 1 or (share * _ONE).denominator != 1:
            raise ValueError(text("audit_findings.want_share"))
        return share


class WithinDays(Params):
    """Items that must not be charged again within some days of one stay.

    ``interval``: the days between two charges count, not the days from the one to the other.
    """

    gaps: Gaps = None
    interval: bool = False


class AbovePrice(Params):
    """Items and their highest price."""

    prices: Prices = None
    tolerance_e4: int = Field(0, ge=0)


def judge_charged_beside(claims: AuditClaims, params: ChargedBeside) -> Verdict:
    """Hit: an item and one that includes it on one day; at stake all of the included one."""
    if params.pairs is None or claims.items is None:
        return _unheard(claims, params.pairs is None)
    parts = {}
    for side in ("code", "included"):
        part = fitting(claims, params.pairs, side)
        parts[side] = part.with_columns(units=_net_units())
    undated = _undated(claims, *parts.values())
    one, other = (
        part.filter(pl.col("charged_on").is_not_null())
        .group_by("row", "entry", "charged_on", "item_code", maintain_order=True)
        .agg(pl.col("units").sum(), _in_scope(), pl.col("item_name").first())
        .filter(pl.col("units") > 0)
        for part in parts.values()
    )
    # An item does not include itself, though a prefix may fit it on both sides.
    found = other.join(one, on=["row", "entry", "charged_on"], suffix="_a").filter(
        pl.col("item_code") != pl.col("item_code_a")
    )
    # Beside two items that include it, it is charged too much only once.
    found = found.unique(["row", "charged_on", "item_code"], keep="first", maintain_order=True)
    found = found.select(
        "row",
        entry=pl.lit(0),
        codes=pl.concat_list(pl.col("item_code").cast(pl.String)),
        day="charged_on",
        amount="in_scope",
        item=_named("item_code", "item_name"),
        beside=_named("item_code_a", "item_name_a"),
    )
    return verdict(claims, found, "charged_beside", {"charged_on": undated})


def judge_over_frequency(claims: AuditClaims, params: OverFrequency) -> Verdict:
    """Hit: more than allowed; at stake ``in scope × (count - limit) ÷ count``."""
    if params.limits is None or claims.items is None:
        return _unheard(claims, params.limits is None)
    listed = params.limits
    per = pl.DataFrame({"entry": range(len(listed.rows)), "per": listed.column("per")})
    items = fitting(claims, listed).join(per, on="entry", how="left", maintain_order="left")
    items = items.join(numbers(listed, "most"), on="entry", how="left", maintain_order="left")
    uncounted = rows_with(claims, items.filter(pl.col("quantity").is_null())["row"])
    undated = _undated(claims, items.filter(pl.col("per") == "day"))
    days, known = _stay_days(claims)
    unlengthy = rows_with(claims, items.filter(pl.col("per") == "stay_day")["row"]) & ~known
    daily = pl.col("per") == "day"
    items = items.filter(~daily | pl.col("charged_on").is_not_null()).with_columns(
        day=pl.when(daily).then("charged_on")
    )
    net = items.group_by("row", "entry", "day", maintain_order=True).agg(
        pl.col("quantity").sum(),
        _in_scope(),
        _code_list(),
        pl.col("item_code", "item_name", "per", "most").first(),
    )
    row = net["row"].to_numpy()
    times = np.where((net["per"] == "stay_day").to_numpy(), days[row], 1)
    limit = net["most"].to_numpy() * times
    quantity = net["quantity"].to_numpy()
    amount = over_quantity_array(quantity, net["in_scope"].fill_null(0).to_numpy(), limit)
    net = net.with_columns(limit=limit, amount=pl.Series(amount))
    lengthy = pl.Series(known[row]) | (net["per"] != "stay_day")
    found = net.filter(pl.Series((quantity > limit) & (quantity > 0)) & lengthy).select(
        "row",
        "entry",
        "codes",
        day=pl.coalesce(pl.col("day").cast(pl.String), pl.lit("—")),
        item=_named("item_code", "item_name"),
        count=number_text("quantity"),
        limit=number_text("limit"),
        amount=pl.when(pl.col("in_scope").is_not_null()).then("amount"),
    )
    missing = {"quantity": uncounted, "charged_on": undated, "los_days": unlengthy}
    return verdict(claims, found, "over_frequency", missing)


def judge_discounted(claims: AuditClaims, params: Discounted) -> Verdict:
    """Hit: a quantity that is no multiple of the share; at stake the excess's part."""
    if params.items is None or claims.items is None:
        return _unheard(claims, params.items is None)
    items = fitting(claims, params.items)
    uncounted = rows_with(claims, items.filter(pl.col("quantity").is_null())["row"])
    net = items.group_by("row", "entry", "charged_on", "item_code", maintain_order=True).agg(
        pl.col("quantity").sum(), _in_scope(), pl.col("item_name").first()
    )
    net = net.filter(pl.col("quantity") > 0)
    quantity = net["quantity"].to_numpy()
    in_scope = net["in_scope"].fill_null(0).to_numpy()
    net = net.with_columns(
        excess=pl.Series(discount_excess_array(quantity, params.share)),
        at_stake=pl.Series(over_discount_array(quantity, in_scope, params.share)),
    )
    found = net.filter(pl.col("excess") > 0).select(
        "row",
        "entry",
        codes=pl.concat_list(pl.col("item_code").cast(pl.String)),
        day="charged_on",
        item=_named("item_code", "item_name"),
        count=number_text("quantity"),
        excess=number_text("excess"),
        amount=pl.when(pl.col("in_scope").is_not_null()).then("at_stake"),
    )
    return verdict(claims, found, "discounted", {"quantity": uncounted})


def judge_within_days(claims: AuditClaims, params: WithinDays) -> Verdict:
    """Hit: charged again too soon; at stake all of the later day."""
    if params.gaps is None or claims.items is None:
        return _unheard(claims, params.gaps is None)
    items = fitting(claims, params.gaps).with_columns(units=_net_units())
    undated = _undated(claims, items)
    days = (
        items.filter(pl.col("charged_on").is_not_null())
        .group_by("row", "entry", "charged_on")
        .agg(
            pl.col("units").sum(),
            _in_scope(),
            _code_list(),
            pl.col("item_code", "item_name").first(),
        )
        .filter(pl.col("units") > 0)
        .sort("row", "entry", "charged_on")
        .with_columns(before=pl.col("charged_on").shift().over("row", "entry"))
        .join(numbers(params.gaps, "days", int), on="entry", how="left", maintain_order="left")
    )
    # Days are counted with both ends unless the rule speaks of an interval.
    apart = (pl.col("charged_on") - pl.col("before")).dt.total_days() + (not params.interval)
    found = days.filter(apart <= pl.col("days")).select(
        "row",
        "entry",
        "codes",
        "before",
        "days",
        day="charged_on",
        amount="in_scope",
        item=_named("item_code", "item_name"),
    )
    return verdict(claims, found, "within_days", {"charged_on": undated})


def judge_above_price(claims: AuditClaims, params: AbovePrice) -> Verdict:
    """Hit: dearer than allowed; at stake ``quantity × (price - limit)``, its part in scope."""
    if params.prices is None or claims.items is None:
        return _unheard(claims, params.prices is None)
    items = fitting(claims, params.prices)
    items = items.join(numbers(params.prices, "price"), on="entry", maintain_order="left")
    quantity = items["quantity"].fill_null(0).to_numpy()
    amount = items["amount"].fill_null(0).to_numpy()
    price = items["unit_price"].fill_null(0).to_numpy().copy()
    priced = items["unit_price"].is_not_null().to_numpy()
    # Without a price, what one cost on the average.
    reckoned = ~priced & (quantity != 0) & items["amount"].is_not_null().to_numpy()
    if reckoned.any():
        parts = [np.abs(amount[reckoned]), np.full(int(reckoned.sum()), _ONE * _ONE // 100)]
        price[reckoned] = quotient_array(parts, [np.abs(quantity[reckoned])])
    clear = (priced | reckoned) & items["quantity"].is_not_null().to_numpy()
    limit = items["price"].to_numpy() + params.tolerance_e4
    over = np.where(clear, above_price_array(quantity, price, limit), 0)
    in_scope = items["in_scope_amount"].fill_null(0).to_numpy()
    scoped = (amount != 0) & items["in_scope_amount"].is_not_null().to_numpy()
    part = np.zeros(len(over), np.int64)
    if scoped.any():
        # A refund has all three below zero: the sign of the excess is the one that stays.
        sides = [over[scoped], np.abs(in_scope[scoped])]
        part[scoped] = quotient_array(sides, [np.abs(amount[scoped])])
    unpriced = rows_with(claims, items["row"].filter(pl.Series(~clear)))
    items = items.with_columns(
        over=pl.Series(over),
        one=pl.Series(price),
        stake=pl.Series(part).set(pl.Series(~scoped), None),
    ).filter(pl.col("over") != 0)
    net = items.group_by("row", "entry", maintain_order=True).agg(
        pl.col("over").sum(),
        pl.col("one").max(),
        _code_list(),
        pl.col("price", "item_code", "item_name").first(),
        amount=pl.when(pl.col("stake").null_count() == 0).then(pl.col("stake").sum()),
    )
    found = net.filter(pl.col("over") > 0).select(
        "row",
        "entry",
        "codes",
        "amount",
        item=_named("item_code", "item_name"),
        charged=number_text("one"),
        limit=number_text("price"),
    )
    return verdict(claims, found, "above_price", {"unit_price": unpriced})


def verdict(
    claims: AuditClaims, found: pl.DataFrame, key: str, missing: dict[str, Flags]
) -> Verdict:
    """A verdict from the places where a rule is broken.

    Parameters
    ----------
    claims : AuditClaims
    found : DataFrame
        ``row``, ``entry``, ``codes`` (of items), ``amount`` (fen; null: cannot be told) and what
        the wording names.
    key : str
        Entry of the catalogue's ``audit_findings``.
    missing : mapping of str to bool array
        Fields, and the claims that a missing value of theirs leaves undecided.
    """
    stakes = found.select(
        pl.col("row", "entry").cast(pl.Int64),
        pl.col("codes").cast(pl.List(pl.String)),
        pl.col("amount").cast(pl.Int64).alias("amount_fen"),
    )
    lost = rows_with(claims, stakes.filter(pl.col("amount_fen").is_null())["row"])
    stakes = stakes.filter(pl.Series(~lost[stakes["row"].to_numpy()], dtype=pl.Boolean))
    # A charge that fits two entries of the list is at stake once.
    stakes = counted_once(stakes, ["entry"])
    stake = stakes.group_by("row").agg(total=pl.col("amount_fen").sum())
    hit = rows_with(claims, found["row"])
    amount = np.full(claims.rows, NO_AMOUNT)
    amount[stake["row"].to_numpy()] = stake["total"].to_numpy()
    missing = {NO_ITEMS: ~_charged(claims), **missing}
    unknown = np.logical_or.reduce([*missing.values()]) & ~hit
    words = found.with_columns(
        amount=pl.coalesce(yuan_text("amount"), pl.lit("—")),
    )
    evidence = either(hit, worded(f"audit_findings.{key}", words), lacking(missing))
    return Verdict(hit, unknown, evidence, amount, stakes)


def rows_with(claims: AuditClaims, rows: pl.Series) -> Flags:
    """Claims among these places."""
    found = np.zeros(claims.rows, np.bool_)
    found[rows.to_numpy()] = True
    return found


def _net_units() -> pl.Expr:
    """Whether a charge adds or takes back: its quantity, or the sign of its amount."""
    sign = pl.coalesce("amount", "in_scope_amount").fill_null(0).sign() * _ONE
    return pl.coalesce("quantity", sign)


def net_worth() -> pl.Expr:
    """What a charge adds or takes back: its amount, or else its quantity."""
    return pl.coalesce("amount", "in_scope_amount", "quantity")


def _in_scope() -> pl.Expr:
    """Sum in scope, null where a charge does not say."""
    column = pl.col("in_scope_amount")
    return pl.when(column.null_count() == 0).then(column.sum()).alias("in_scope")


def _named(code: str, name: str) -> pl.Expr:
    both = pl.col(code).cast(pl.String) + pl.lit(" ") + pl.col(name).cast(pl.String)
    return pl.coalesce(both, pl.col(code).cast(pl.String))


def _code_list() -> pl.Expr:
    """The codes of the items that are taken together."""
    code = pl.col("item_code").cast(pl.String)
    return code.unique(maintain_order=True).alias("codes")


def _undated(claims: AuditClaims, *parts: pl.DataFrame) -> Flags:
    """Claims with a charge of the list whose day is not known."""
    found = np.zeros(claims.rows, np.bool_)
    for part in parts:
        found |= rows_with(claims, part.filter(pl.col("charged_on").is_null())["row"])
    return found


def _stay_days(claims: AuditClaims) -> tuple[Ints, Flags]:
    """Days of each stay by its dates, one at least; and where the dates are known."""
    (start, started), (end, ended) = claims.days("admitted_on"), claims.days("discharged_on")
    days = end.astype(np.int64) - start
    return np.maximum(days, 1), started & ended & (days >= 0)


def _charged(claims: AuditClaims) -> Flags:
    found = np.zeros(claims.rows, np.bool_)
    if claims.items is not None:
        found[claims.items["row"].to_numpy()] = True
    return found


def _unheard(claims: AuditClaims, no_list: bool) -> Verdict:
    """Nothing to judge by: no list, or no charges."""
    every = np.ones(claims.rows, np.bool_)
    missing = {NO_LIST: every} if no_list else {NO_ITEMS: every}
    return Verdict(~every, every, lacking(missing))


CHARGE_KINDS: tuple[Kind, ...] = (
    Kind("charged_beside", Scope.ITEMS, ChargedBeside, judge_charged_beside, amount=True),
    Kind("over_frequency", Scope.ITEMS, OverFrequency, judge_over_frequency, amount=True),
    Kind("discounted", Scope.ITEMS, Discounted, judge_discounted, amount=True),
    Kind("within_days", Scope.ITEMS, WithinDays, judge_within_days, amount=True),
    Kind("above_price", Scope.ITEMS, AbovePrice, judge_above_price, amount=True),
)
