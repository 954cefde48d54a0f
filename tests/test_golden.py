"""Recorded answers of the engine that ``--compat opendrg`` reproduces, row by row.

``tests/golden`` holds a sample of each national scheme with every ADRG, DRG and outcome that the
full files have, and 100 claims of each region. The full files lie beside the repository where CI
runs; there both groupers answer all claims of the national schemes and 500 of each region on
every run, and all claims of all schemes in the long one.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import SHARED

import drg
from drg.claims.profiles import match_columns
from drg.schemes.catalog import list_schemes

SAMPLE = Path(__file__).parent / "golden"
FULL = SHARED / "golden"
SCHEMES = {"chs_drg_10": "chs-drg-1.0", "chs_drg_11": "chs-drg-1.1", "chs_drg_20": "chs-drg-2.0"}
#: Golden file of each regional scheme; shipped regions are read from the tables folder.
REGIONS = {s.id.replace("-", "_"): s.id for s in list_schemes() if s.base}
ROWS = {"chs_drg_10": 20_000, "chs_drg_11": 20_000, "chs_drg_20": 24_000} | dict.fromkeys(
    REGIONS, 20_000
)
#: Regions whose groups ask for more than codes, age and severity: the command brings it along.
FURTHER_INPUTS = {
    "foshan_2022": ["icu_hours", "los"],
    "zhejiang_2022": ["department"],
    "changzhou_2022": ["los", "disposition"],
    "beijing_2022": ["los"],
}
OUTCOME = {
    "grouped": "GROUPED",
    "ambiguous": "AMBIGUOUS",
    "ungroupable": "UNGROUPABLE",
    "invalid_input": "REJECTED",
}
ANSWER = ["mdc", "adrg", "group", "outcome"]
ROW_NUMBER = "row"

needs_full = pytest.mark.skipif(not FULL.is_dir(), reason="the full golden files are not here")


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def wanted(golden: pl.DataFrame) -> pl.DataFrame:
    """The recorded answers under the names and values of our result columns."""
    return golden.select(
        "mdc",
        "adrg",
        pl.col("drg").alias("group"),
        pl.col("status").replace_strict(OUTCOME).alias("outcome"),
    )


def assert_same(found: pl.DataFrame, golden: pl.DataFrame) -> None:
    """Every row equal, null and empty text taken as one; the message shows the first few."""
    want = wanted(golden).with_row_index(ROW_NUMBER)
    got = found.select(pl.col(ANSWER).cast(pl.String)).with_row_index(ROW_NUMBER)
    blank = pl.col(ANSWER).fill_null("")
    assert got.height == want.height
    differ = got.with_columns(blank).join(
        want.with_columns(blank), on=[ROW_NUMBER, *ANSWER], how="anti"
    )
    shown = differ.join(want, on=ROW_NUMBER, suffix="_wanted").head(5)
    assert differ.is_empty(), f"{differ.height} rows differ: {shown.to_dicts()}"


def by_reference(grouper: drg.Grouper, golden: pl.DataFrame) -> pl.DataFrame:
    """The reference grouper's answers, one claim at a time."""
    columns = match_columns(golden.columns)
    claims = golden.select(
        *(pl.col(source).alias(name) for name, source in columns.scalars.items()),
        *(
            pl.concat_str(pl.col(sources).fill_null(""), separator="|").alias(name)
            for name, sources in (
                ("diagnoses", columns.diagnoses),
                ("procedures", columns.procedures),
            )
        ),
    )
    rows = []
    for row in claims.iter_rows(named=True):
        answer = grouper.reference.group(drg.Claim.from_row(row))
        rows.append((answer.mdc, answer.adrg, answer.group, str(answer.outcome)))
    return pl.DataFrame(rows, schema=ANSWER, orient="row")


@pytest.mark.parametrize("name", SCHEMES)
def test_sample_by_both_groupers(grouper_of, name):
    golden = read(SAMPLE / f"{name}.csv.gz")
    assert golden.height >= 1_400
    grouper = grouper_of(SCHEMES[name], "opendrg")
    assert_same(grouper.group_frame(golden), golden)
    assert_same(by_reference(grouper, golden), golden)


@pytest.mark.parametrize("name", SCHEMES)
def test_sample_covers_the_scheme(grouper_of, name):
    """Every outcome, and nearly every group of the scheme, stands in the sample."""
    golden = read(SAMPLE / f"{name}.csv.gz")
    # The engine knows ambiguous groups only since CHS-DRG 2.0.
    assert set(golden["status"]) >= set(OUTCOME) - (
        {"ambiguous"} if name != "chs_drg_20" else set()
    )
    groups = {row.drg for row in grouper_of(SCHEMES[name], "opendrg").scheme.drgs}
    assert len(groups & set(golden["drg"])) / len(groups) > 0.9


def sample_of(region: str) -> pl.DataFrame:
    return read(SAMPLE / "regions.csv.gz").filter(pl.col("scheme") == region).drop("scheme")


def both_answer(region: str, *goldens: pl.DataFrame) -> None:
    """Both groupers of a region; not kept, for there are many."""
    grouper = drg.Grouper.load(REGIONS[region], "opendrg")
    for golden in goldens:
        assert_same(grouper.group_frame(golden), golden)
        assert_same(by_reference(grouper, golden), golden)


def through_the_command(scheme: str, golden: Path, out: Path, *options: str) -> pl.DataFrame:
    """The golden files' own headers are a header profile; some claims are rejected, so exit 1."""
    done = subprocess.run(
        [sys.executable, "-m", "drg", "group", golden, "-s", scheme, *options, "-o", out],
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return read(out) if out.suffix == ".csv" else pl.read_parquet(out)


@pytest.mark.parametrize("name", REGIONS)
def test_sample_of_a_region(name):
    """Its sample; where the full file is at hand, 500 of its 20,000 claims as well (all: long)."""
    golden = sample_of(name)
    assert golden.height == 100
    slices = [read(FULL / f"{name}.csv.gz").gather_every(40)] if FULL.is_dir() else []
    assert [part.height for part in slices] in ([], [500])
    both_answer(name, golden, *slices)
    published = drg.Grouper.load(REGIONS[name])
    found = published.group_frame(golden).select(pl.col(ANSWER).cast(pl.String))
    assert found.equals(by_reference(published, golden))


@pytest.mark.parametrize("name", FURTHER_INPUTS)
def test_further_inputs_through_the_command(name, tmp_path):
    """Hours, days, department and disposition reach the rules from a file; none is guessed."""
    golden, scheme = sample_of(name), REGIONS[name]
    rich, poor = tmp_path / "rich.csv", tmp_path / "poor.csv"
    golden.write_csv(rich)
    golden.drop(FURTHER_INPUTS[name]).write_csv(poor)
    found = through_the_command(scheme, rich, tmp_path / "a.csv", "--compat", "opendrg")
    assert_same(found, golden)
    missing = [
        through_the_command(scheme, path, tmp_path / f"{path.stem}.parquet")["reason"]
        .cast(pl.String)
        .eq("E130")
        .sum()
        for path in (rich, poor)
    ]
    assert missing[0] < missing[1]


@needs_full
@pytest.mark.parametrize("name", SCHEMES)
def test_full_by_both_groupers(grouper_of, name):
    golden = read(FULL / f"{name}.csv.gz")
    assert golden.height == ROWS[name]
    grouper = grouper_of(SCHEMES[name], "opendrg")
    assert_same(grouper.group_frame(golden), golden)
    assert_same(by_reference(grouper, golden), golden)


@needs_full
def test_every_golden_file_has_a_scheme():
    assert {p.name.removesuffix(".csv.gz") for p in FULL.glob("*.csv.gz")} == set(ROWS)


@pytest.mark.long
@needs_full
@pytest.mark.parametrize("name", REGIONS)
def test_full_region_by_both_groupers(name):
    golden = read(FULL / f"{name}.csv.gz")
    assert golden.height == ROWS[name]
    both_answer(name, golden)


@pytest.mark.long
@needs_full
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("name", [*SCHEMES, *FURTHER_INPUTS])
def test_full_through_the_command(name, suffix, tmp_path):
    golden = FULL / f"{name}.csv.gz"
    scheme = (SCHEMES | REGIONS)[name]
    out = tmp_path / f"out.{suffix}"
    found = through_the_command(scheme, golden, out, "--compat", "opendrg")
    assert_same(found, read(golden))
