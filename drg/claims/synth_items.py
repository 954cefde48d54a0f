"""Charges of made-up stays: every day has its own, and they add up to the cost of the stay."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from drg.claims.synth_list import list_settings
from drg.claims.typed import read_yuan
from drg.fen_column import yuan_texts
from drg.paths import tables_root

__all__ = ["CHARGES", "charge_texts", "cost_columns", "stay_charges"]

#: A charge before it is written: ``row`` of its claim, amounts in fen.
CHARGES = pl.Schema(
    {
        "row": pl.Int64(),
        "item_code": pl.String(),
        "item_name": pl.String(),
        "charged_on": pl.Date(),
        "quantity": pl.String(),
        "amount": pl.Int64(),
        "in_scope": pl.Int64(),
        "fee_class": pl.String(),
        "item_level": pl.String(),
    }
)


def stay_charges(claims: pl.DataFrame) -> pl.DataFrame:
    """Charges of every claim that has days and a cost.

    Parameters
    ----------
    claims : DataFrame
        As ``drg.synth`` makes them.

    Returns
    -------
    DataFrame
        ``CHARGES``, by claim, then day. A day has nursing and drugs, a night a bed, the first day
        tests, the second an operation if there is one; the last charge of a stay takes what
        rounding leaves over.
    """
    days = (pl.col("discharged_on") - pl.col("admitted_on")).dt.total_days()
    stays = claims.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        pl.col("admitted_on"),
        days.alias("days"),
        (pl.col("procedures").list.len() > 0).alias("operated"),
        pl.lit(read_yuan(claims["total_cost"])).alias("cost"),
    ).filter((pl.col("days") >= 0) & (pl.col("cost") > 0))
    every = stays.with_columns(day=pl.int_ranges(0, pl.col("days") + 1)).explode("day")
    night = (pl.col("day") < pl.col("days")) | (pl.col("days") == 0)
    when = {
        "day": pl.lit(True),
        "night": night,
        "stay": pl.col("day") == 0,
        "operation": pl.col("operated") & (pl.col("day") == pl.min_horizontal(1, "days")),
    }
    items = _items(tables_root() / "demo" / "charge.csv")
    parts = [
        every.filter(when[item["per"]]).select(
            "row", "day", "admitted_on", "cost",
            pl.lit(number).alias("item"), pl.lit(item["weight"]).alias("weight"),
        )
        for number, item in enumerate(items.iter_rows(named=True))
    ]  # fmt: skip
    charges = pl.concat(parts).sort("row", "day", "item")
    row = pl.col("row")
    amount = pl.col("cost") * pl.col("weight") // pl.col("weight").sum().over("row")
    charges = charges.with_columns(amount=amount)
    last = row != row.shift(-1).fill_null(-1)
    rest = pl.col("cost") - pl.col("amount").sum().over("row")
    charges = charges.with_columns(
        amount=pl.col("amount") + pl.when(last).then(rest).otherwise(0),
        charged_on=pl.col("admitted_on") + pl.duration(days="day"),
        quantity=pl.lit("1"),
    ).join(items.with_row_index("item").cast({"item": pl.Int32}), on="item", maintain_order="left")
    return in_scope(charges).select(CHARGES.names()).cast(CHARGES)


def in_scope(charges: pl.DataFrame) -> pl.DataFrame:
    """The part of each amount that is in scope, by the item's class, cut to the fen."""
    parts = list_settings()["charges"]["in_scope"]
    percent = pl.col("item_level").replace_strict(parts, return_dtype=pl.Int64)
    return charges.with_columns(in_scope=pl.col("amount") * percent // 100)


def charge_texts(charges: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Charges as a file of them has it: the columns of ``ITEM_COLUMNS``.

    Parameters
    ----------
    charges : DataFrame
        ``CHARGES``; the price of one is the amount by the quantity, cut to four places.
    claims : DataFrame
        The claims whose places ``row`` tells.
    """
    scaled = charges["quantity"].cast(pl.Decimal(18, 4)).to_physical()
    quantity = scaled.cast(pl.Int64).to_numpy()
    amount = charges["amount"].to_numpy()
    # Fen by ten-thousandths: yuan with four places.
    price = np.where(quantity != 0, amount * 10**6 // np.where(quantity == 0, 1, quantity), 0)
    row = charges["row"]
    return pl.DataFrame(
        {
            "claim_id": claims["claim_id"].gather(row),
            "item_code": charges["item_code"],
            "item_name": charges["item_name"],
            "charged_on": charges["charged_on"],
            "quantity": charges["quantity"],
            "unit_price": _four_places(pl.Series(price)),
            "amount": yuan_texts(charges["amount"]),
            "in_scope_amount": yuan_texts(charges["in_scope"]),
            "fee_class": charges["fee_class"],
            "item_level": charges["item_level"],
            "item_department": claims["department"].gather(row),
            "item_doctor": claims["doctor"].gather(row),
        }
    )


def cost_columns(charges: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """What charges come to by claim: ``item_total`` and the costs by class, yuan as text.

    Null for a claim without charges.
    """
    columns = list_settings()["charges"]["columns"]
    sums = charges.group_by("row").agg(
        pl.col("amount").sum().alias("item_total"),
        *(
            pl.col("amount").filter(pl.col("fee_class").is_in(classes)).sum().alias(name)
            for name, classes in columns.items()
        ),
    )
    rows = pl.DataFrame({"row": np.arange(claims.height)})
    found = rows.join(sums, on="row", how="left", maintain_order="left").drop("row")
    return found.select(yuan_texts(found[name]).alias(name) for name in found.columns)


def _four_places(scaled: pl.Series) -> pl.Series:
    whole, rest = (scaled // 10**4).cast(pl.String), (scaled % 10**4).cast(pl.String)
    return pl.select(
        pl.concat_str(pl.lit(whole), pl.lit("."), pl.lit(rest.str.zfill(4)))
    ).to_series()


@cache
def _items(path: Path) -> pl.DataFrame:
    text = {"item_code": pl.String, "fee_class": pl.String, "item_level": pl.String}
    return pl.read_csv(path, schema_overrides=text)
