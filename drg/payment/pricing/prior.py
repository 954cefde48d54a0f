"""What claims settled before have used up of yearly ceilings, packages and the caps of a month."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from drg.dates import Month

__all__ = ["COUNT_SCHEMA", "Prior", "prior_of"]

#: Branches of claims that took one of the places that a cap has.
_TAKEN = {
    "high": ["HIGH_BY_ITEM"],
    "applied": ["APPLIED_BY_ITEM"],
    "reviewed": ["REVIEW_BY_ITEM", "REVIEW_ADJUSTED"],
}
#: Claims paid by group of a hospital and month (counted from 1970-01), and how many of them the
#: caps let through: by cost, by application, by special review.
COUNT_SCHEMA = pl.Schema(
    {
        "hospital": pl.String(), "month": pl.Int64(), "discharges": pl.Int64(),
        "high": pl.Int64(), "applied": pl.Int64(), "reviewed": pl.Int64(),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prior:
    """What earlier months of the year have used up; ``prior_of`` reads it from settled claims.

    Attributes
    ----------
    visits : DataFrame
        ``patient_id`` String, ``used_fen`` Int64: what the fund paid for a person's visits.
    packages : Series
        Persons, as text, that had their package.
    counts : DataFrame
        ``COUNT_SCHEMA``: claims of the months being priced that were settled before, where late
        ones follow: they count for the caps, and what they took of them is gone.
    """

    visits: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"patient_id": pl.String, "used_fen": pl.Int64})
    )
    packages: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    counts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COUNT_SCHEMA))


def prior_of(claims: pl.LazyFrame, month: Month | str | None = None) -> Prior:
    """What settled claims have used up of yearly ceilings, packages and caps.

    Parameters
    ----------
    claims : LazyFrame
        Priced claims with ``patient_id`` and ``hospital_id``, those still in force.
    month : Month or str, optional
        The month they were discharged in, if late claims of the same month follow: then they
        count for its caps as well. Omitted for claims of earlier months.
    """
    names = claims.collect_schema().names()
    own = [
        (pl.col(name) if name in names else pl.lit(None)).cast(pl.String).alias(name)
        for name in ("patient_id", "hospital_id")
    ]
    paid = claims.select(*own, pl.col("pay_mode", "branch").cast(pl.String), "fund_fen")
    visits = (
        paid.filter(pl.col("pay_mode") == "VISIT", pl.col("patient_id").is_not_null())
        .group_by("patient_id")
        .agg(pl.col("fund_fen").sum().alias("used_fen"))
        .sort("patient_id")
        .collect()
    )
    package = (pl.col("pay_mode") == "BED_DAY") & (pl.col("branch") == "PACKAGE")
    had = paid.filter(package).select(pl.col("patient_id").drop_nulls().unique().sort()).collect()
    if month is None:
        return Prior(visits, had["patient_id"])
    month = Month.parse(month) if isinstance(month, str) else month
    counts = (
        paid.filter(pl.col("pay_mode").is_in(["DRG", "POINTS", "DIP"]))
        .group_by(pl.col("hospital_id").str.strip_chars().alias("hospital"))
        .agg(
            pl.lit((month.year - 1970) * 12 + month.number - 1, pl.Int64).first().alias("month"),
            pl.len().cast(pl.Int64).alias("discharges"),
            *(
                pl.col("branch").is_in(branches).sum().cast(pl.Int64).alias(name)
                for name, branches in _TAKEN.items()
            ),
        )
        .sort("hospital")
        .collect()
    )
    return Prior(visits, had["patient_id"], counts)
