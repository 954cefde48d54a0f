"""Group, price and settle a month on Spark: ``spark-submit spark_month.py CLAIMS OUT``.

CLAIMS is a folder of Parquet (or anything else that Spark reads), OUT a folder that does not exist.
Here the scheme is ``chs-drg-2.0`` and the policy ``demo-2024``; name your own.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

from drg.dates import Month
from drg.scale.spark import group, settle


def main(claims: str, out: str) -> None:
    """Write grouped claims, settled claims and ledger entries, and print the hospitals' totals."""
    spark = SparkSession.builder.appName("drg-month").getOrCreate()
    grouped = group(spark.read.parquet(claims), "chs-drg-2.0")
    # Written once, read again three times: pricing looks at the claims more than once.
    grouped.write.parquet(f"{out}/grouped")
    month = settle(spark.read.parquet(f"{out}/grouped"), "demo-2024", month=Month.parse("2024-06"))
    month.claims.write.parquet(f"{out}/claims")
    month.entries.write.parquet(f"{out}/entries")
    month.claims.unpersist()
    print(month.hospitals.select("hospital", "insurance", "claims", "fund_fen", "advance_fen"))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
