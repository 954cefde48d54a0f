"""``drg demo --dip``: a made-up year from claims to cleared points."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from drg.cli import cli
from drg.scale.demo_dip import CLAIMS, HOSPITALS


def run(*args: object) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo") / "made"
    return folder, run("demo", folder, "--dip").stdout


def test_it_tells_the_whole_way(shown: tuple[Path, str]) -> None:
    _, words = shown
    for part in ("泰安市病种分值表", "入选", "落选", "辅助分型", "2025-06", "总账校验", "预算点值",
                 "结算点值", "清算分值", "drg explain"):  # fmt: skip
        assert part in words, part
    assert words.count("示例医院") >= HOSPITALS
    assert "None" not in words


def test_its_files_hold_what_it_tells(shown: tuple[Path, str]) -> None:
    folder, _ = shown
    assert pl.read_csv(folder / "claims.csv", infer_schema=False).height == CLAIMS
    result = pl.read_parquet(folder / "grouped.parquet")
    assert result.height == CLAIMS
    assert (result["outcome"].cast(pl.String) == "GROUPED").mean() > 0.98
    months = [folder / "2025" / f"2025-{n:02}" for n in range(1, 13)]
    assert all((month / "settlement.toml").is_file() for month in months)
    assert len(list((months[5] / "statements").iterdir())) == HOSPITALS
    parts = [pl.read_parquet(folder / "months" / f"{month.name}.parquet") for month in months]
    assert 0.99 * CLAIMS < sum(part.height for part in parts) <= CLAIMS


def test_the_settlement_point_value_gives_out_the_budget(shown: tuple[Path, str]) -> None:
    """Unrounded, it lies below the budget's: the budget is less than what the months owe."""
    folder, _ = shown
    told = tomllib.loads((folder / "2025" / "clear" / "settlement.toml").read_text("utf-8"))
    assert {one["mode"] for one in told["allocation"]} == {"score"}
    first = {"310": Fraction(163_500_000, 22_000_000), "390": Fraction("6.85")}
    for one in told["allocation"]:
        value = Fraction(one["point_value"])
        assert first[one["insurance"]] / 2 < value < first[one["insurance"]]
        worth = value * Fraction(one["pay_ratio"]) * Fraction(one["score"])
        assert worth * 100 == one["pool_fen"]


@pytest.mark.long
def test_it_can_be_shown_again_in_english(shown: tuple[Path, str]) -> None:
    folder, _ = shown
    clearing = folder / "2025" / "clear" / "settlement.toml"

    def steady() -> tuple[bytes, pl.DataFrame, object]:
        told = tomllib.loads(clearing.read_text("utf-8"))["allocation"]
        grouped = pl.read_parquet(folder / "grouped.parquet")
        return (folder / "claims.csv").read_bytes(), grouped, told

    claims, grouped, told = steady()
    words = run("demo", folder, "--dip", "--lang", "en").stdout
    assert "settlement value" in words
    assert "cleared points" in words
    again = steady()
    assert (again[0], again[2]) == (claims, told)
    assert again[1].equals(grouped)
