"""Made-up settled months and the figures of them, for tests of what reports show."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import made_months
import polars as pl

from drg.claims.profiles import match_columns
from drg.reports.kpi.build import KpiRun
from drg.reports.kpi.report import KpiReport
from drg.settlement.store import save_settlement

#: A department whose name would be markup if it were not escaped.
WARDS = ("心血管内科", "<b>骨科</b>", "儿科", "普通外科")
GROUPS = ("BR21", "BR23", "ES11", "FM19", "GB29")


def claims(month: str, seed: int) -> pl.DataFrame:
    """Settled claims of a month: wards, several groups of their own weight and cost."""
    frame = made_months.claims(600, 3, seed)
    at = pl.int_range(pl.len())
    number = (at * 7 + seed) % len(GROUPS)
    return frame.drop("group", "group_name", "weight", "discharged_on").with_columns(
        pl.concat_str(pl.lit(f"{month}-"), (at % 28 + 1).cast(pl.String).str.zfill(2)).alias(
            "discharged_on"
        ),
        number.replace_strict(dict(enumerate(GROUPS)), return_dtype=pl.String).alias("group"),
        (at % len(WARDS)).replace_strict(dict(enumerate(WARDS)), return_dtype=pl.String).alias(
            "department"
        ),
        pl.lit("脑缺血性疾患").alias("group_name"),
        ((number + 1) * 4000).cast(pl.Decimal(18, 0)).cast(pl.Decimal(18, 4)).alias("weight")
        / 10_000,
        pl.lit("GROUPED").alias("outcome"),
        pl.lit("I63.900").alias("diagnoses"),
        (pl.col("cost_fen").fill_null(0) / 100).cast(pl.Decimal(18, 2)).alias("total_cost"),
        pl.when(at % 90 == 3).then(5).otherwise(1).alias("disposition"),
    )  # fmt: skip


@cache
def report(months: int = 2) -> KpiReport:
    run = KpiRun()
    for number in range(1, months + 1):
        period = f"2025-{number:02}"
        frame = claims(period, number)
        columns = match_columns(frame.columns, dict(frame.schema), where=period)
        run.add(frame, columns, period=period, name=period)
    return run.finish()


def settle(folder: Path, n: int, hospitals: int, seed: int, period: str) -> Path:
    """A settled month in a folder of its own."""
    month = made_months.settled(n, hospitals, seed, period)
    save_settlement(replace(month, manifest={"run": [{"number": 1}]}), folder)
    return folder
