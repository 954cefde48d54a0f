"""Claims on Spark come to what they come to on one machine, row by row.

A local cluster of two workers, each a process of its own with Python workers of its own; without
pyspark or Java these tests are left out. What workers do is also tested without Spark.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import made_dip
import polars as pl
import pytest
from conftest import ROOT
from polars.testing import assert_frame_equal
from test_golden import FULL, REGIONS, SAMPLE, SCHEMES, read, sample_of
from test_price import _month, frame, policy, weights

import drg
from drg.claims.profiles import match_columns
from drg.dates import Month
from drg.payment.policy import (
    DrgPayment,
    Outliers,
    Policy,
    RateRow,
    Readmission,
    Review,
)
from drg.payment.policy import Month as MonthRules
from drg.payment.pricing.price import price_frame
from drg.scale import RunError
from drg.scale.arrow import batches_of, frame_of
from drg.scale.arrow_group import load_work
from drg.settlement.matters import DECISION_SCHEMA
from drg.settlement.run import settle_month

pyarrow = pytest.importorskip("pyarrow")
__all__ = ["weights"]  # the fixture

MAY = Month(2024, 5)


# ---- without Spark


def test_a_worker_groups_batches() -> None:
    golden = sample_of("beijing_2022")
    work = load_work("beijing-2022", "opendrg", None, None, match_columns(golden.columns))
    found = frame_of(list(work(batches_of(golden))))
    wanted = drg.Grouper.load("beijing-2022", "opendrg").group_frame(golden)
    assert_frame_equal(found, wanted.with_columns(pl.col(pl.Enum).cast(pl.String)))


def test_a_worker_with_other_tables_or_package_is_refused() -> None:
    golden = sample_of("beijing_2022")
    work = load_work("beijing-2022", "opendrg", None, None, match_columns(golden.columns))
    with pytest.raises(RunError, match="C261"):
        replace(work, digest="0" * 64).grouped(golden)
    with pytest.raises(RunError, match="C262"):
        replace(work, package="0.0.1").grouped(golden)


# ---- with Spark


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    home = tmp_path_factory.mktemp("spark")
    patch = pytest.MonkeyPatch()
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    session = (
        sql.SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        # Short jobs: compiling them well would cost more than running them.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.warehouse.dir", str(home / "warehouse"))
        .config("spark.local.dir", str(home / "local"))
        .config("spark.executorEnv.PYTHONPATH", str(ROOT))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
    patch.undo()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
def test_spark_comes_to_the_same(spark: Any, tmp_path: Path, weights: str) -> None:
    """One test, so that one session does for all of it wherever tests run beside each other."""
    for name, check in (("golden", every_golden_file), ("dip", a_dip_month)):
        (tmp_path / name).mkdir()
        check(spark, tmp_path / name)
    a_drg_month(spark, tmp_path, weights)


def put(spark: Any, claims: pl.DataFrame, path: Path, parts: int = 3) -> Any:
    """The claims as a Spark frame that is read from files."""
    path.mkdir()
    size = -(-claims.height // parts)
    for n in range(parts):
        part = claims[n * size : (n + 1) * size]
        part.with_columns(pl.col(pl.Enum).cast(pl.String)).write_parquet(path / f"{n}.parquet")
    return spark.read.parquet(str(path))


def got(df: Any) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(df.toArrow()))


def plain(claims: pl.DataFrame) -> pl.DataFrame:
    """Text for Enums, codes joined, rows sorted by all they say."""
    texts = claims.with_columns(
        pl.col(pl.List(pl.String)).list.join("|"), pl.col(pl.Enum).cast(pl.String)
    )
    return texts.sort(pl.all(), nulls_last=True)


def golden_files() -> Iterator[tuple[str, pl.DataFrame]]:
    """Scheme and golden file, the full one where it is at hand."""
    for name, scheme in (SCHEMES | REGIONS).items():
        full = FULL / f"{name}.csv.gz"
        if full.is_file():
            yield scheme, read(full)
        else:
            yield scheme, sample_of(name) if name in REGIONS else read(SAMPLE / f"{name}.csv.gz")


def every_golden_file(spark: Any, tmp_path: Path) -> None:
    """All schemes in one job: their tasks share the workers' processes."""
    from pyspark.sql import functions as f

    from drg.scale.spark import group

    results = ["mdc", "adrg", "group", "severity", "outcome", "reason", "group_name"]
    jobs, wanted = None, []
    for scheme, golden in golden_files():
        numbered = golden.with_row_index("row")
        df = group(put(spark, numbered, tmp_path / scheme, 1), scheme, compat="opendrg")
        here = drg.Grouper.load(scheme, "opendrg").group_frame(numbered)
        assert df.columns == here.columns
        told = df.select(f.lit(scheme).alias("of"), "row", *results)
        jobs = told if jobs is None else jobs.unionAll(told)
        wanted.append(here.select(pl.lit(scheme).alias("of"), pl.col("row").cast(pl.Int64),
                                  pl.col(results).cast(pl.String)))  # fmt: skip
    assert jobs is not None
    assert len(wanted) >= 31
    assert_frame_equal(got(jobs).sort("of", "row"), pl.concat(wanted).sort("of", "row"))


def rules(weights: str) -> Policy:
    """Caps by hospital, readmissions, review, and a month with prepayment and deposits."""
    drg_ = DrgPayment(
        weights=(weights,), rates=(RateRow(rate="12252.70"),),
        outliers=Outliers(high={"": "2"}, low="0.3", high_cap="0.05", applied_cap="0.02"),
        review=Review(cap="0.05"), readmission=Readmission(window_days=10, factor="0.5"),
        ungrouped="by_item",
    )  # fmt: skip
    month = MonthRules(prepay="0.95", retention="0.07", dispute_advance="0.8", hold_days=30)
    return policy(drg=drg_, month=month)


def decided() -> pl.DataFrame:
    rows = [
        ("C1", "special_review", "by_item", None), ("C2", "special_review", "adjusted", 2_000_000),
        ("C5", "by_item", "accepted", None), ("C11", "dispute", "open", 12_345),
        ("C12", "hold", "open", None), ("C14", "deduction", "accepted", 5_000),
        ("C999999", "dispute", "open", 1),
    ]  # fmt: skip
    made = pl.DataFrame(rows, schema=["claim_id", "matter", "decision", "amount_fen"],
                        orient="row").with_row_index("row", 2)  # fmt: skip
    lacking = [name for name in DECISION_SCHEMA if name not in made.columns]
    return made.with_columns(pl.lit(None).alias(name) for name in lacking).select(
        pl.col(name).cast(dtype) for name, dtype in DECISION_SCHEMA.items()
    )


def a_drg_month(spark: Any, tmp_path: Path, weights: str) -> None:
    from drg.scale.spark import price, settle

    rule = rules(weights)
    month = frame(_month(3000, random.Random(5)))
    # More persons than the generator has, or nearly every stay would meet another.
    month = month.with_columns(
        patient_id=pl.when(pl.col("patient_id").is_not_null()).then(
            "P" + (pl.int_range(pl.len()) * 7919 % 1500).cast(pl.String)
        ),
        at=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
    )
    df = put(spark, month, tmp_path / "claims", 4)
    found = got(price(df, rule, decisions=decided(), month=MAY, row="at"))
    wanted = price_frame(month, rule, decisions=decided(), month=MAY)
    assert {"HIGH_OVER_CAP", "HIGH_BY_ITEM", "READMISSION"} <= {*wanted["branch"]}
    wanted = wanted.with_columns(pl.col(pl.Enum).cast(pl.String))
    assert_frame_equal(found.sort("at"), wanted)

    register = pl.DataFrame({"hospital_id": ["H1", "H2"], "name": ["一院", "二院"],
                             "level": ["三级", "二级"]})  # fmt: skip
    whole = settle_month(month, rule, month=MAY, hospitals=register, decisions=decided())
    with pytest.raises(RunError, match="C264"):
        settle(df, rule, month=MAY, hospitals=register)
    there = settle(df.repartition(5), rule, month=MAY, hospitals=register, decisions=decided(),
                   row="at")  # fmt: skip
    check_settled(there, whole, by_row=True)


def a_dip_month(spark: Any, tmp_path: Path) -> None:
    from drg.scale.spark import settle

    rule = made_dip.policy(
        review={"cap": "0.02"},
        month={"prepay": "0.95", "retention": "0.05", "dispute_advance": "0.8"},
    )
    month = made_dip.frame(made_dip.month(800, random.Random(3)))
    reviews = [
        {"claim_id": claim, "matter": "special_review", "decision": "by_item", "row": n}
        for n, claim in enumerate(month["claim_id"][:60])
    ]
    told = pl.DataFrame(reviews, schema=DECISION_SCHEMA)
    june = Month(2025, 6)
    whole = settle_month(month, rule, month=june, decisions=told)
    there = settle(put(spark, month, tmp_path / "claims"), rule, month=june, decisions=told)
    check_settled(there, whole, by_row=False)


def check_settled(there: Any, whole: Any, *, by_row: bool) -> None:
    claims = whole.claims.lazy().collect()
    if not by_row:
        claims = claims.with_columns(row=pl.lit(None, pl.Int64))
    found = got(there.claims)
    assert found.columns == claims.columns
    assert_frame_equal(plain(found), plain(claims), check_dtypes=False)
    entries = whole.ledger.entries.drop("seq", "run", "reverses")
    assert_frame_equal(plain(got(there.entries)), plain(entries))
    assert_frame_equal(there.hospitals, whole.hospitals)
    keys = ["ref", "matter", "state"]
    assert_frame_equal(there.matters.sort(keys), whole.matters.sort(keys))
    there.claims.unpersist()


# ---- examples of the same on Ray and DuckDB


@pytest.mark.long
@pytest.mark.parametrize("module", ["duckdb", "ray"])
def test_an_example_groups_alike(module: str, tmp_path: Path) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    claims = pl.read_csv(ROOT / "examples" / "demo_claims.csv", infer_schema=False)
    (tmp_path / "in").mkdir()
    claims.write_parquet(tmp_path / "in" / "claims.parquet")
    given, out = {"duckdb": ("in/*.parquet", "out.parquet"), "ray": ("in", "out")}[module]
    script = ROOT / "examples" / "scale" / f"{module}_group.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path / given, tmp_path / out],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    wanted = drg.Grouper.load("chs-drg-2.0").group_frame(claims)
    found = pl.read_parquet(tmp_path / out)
    assert_frame_equal(plain(found), plain(wanted))
