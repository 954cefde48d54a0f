"""DipGrouper: frames, files and commands, beside what the differential test compares."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from dip_strategies import frame_of, grouper_of, random_catalogue, random_claim
from test_dip_reference import catalogue, group

import drg
from drg.claims.frame import DIP_RESULT_NAMES, RESULT_NAMES
from drg.claims.model import Claim
from drg.claims.profiles import match_columns
from drg.cli import cli
from drg.dip.conditions import ConditionWords, cost_column
from drg.dip.grouper import DipGrouper
from drg.dip.load import load_grouper
from drg.dip.model import AuxiliaryClass, Condition, Subtype
from drg.errors import SchemeError
from drg.grouping.encode import choices
from drg.grouping.grouper import Grouper
from drg.money import read_fen
from drg.scale.dip_words import DipTally
from drg.scale.group_file import group_file

ID = "taian-2025"
ROWS = [
    ("A1", "K80.100|I10.x00x002", "51.2300|51.8800"),
    ("A2", "K80", "51.2300"),
    ("A3", "E10.300x051+H42.0*", ""),
    ("A4", "", ""),
    ("A5", "H42.0*", "zz"),
    ("A6", "ｎ４０", "60.2900x004"),
    ("A7", "K80.100", "99.9999x"),
]


@pytest.fixture(scope="module")
def grouper() -> DipGrouper:
    return DipGrouper.load(ID)


def claims() -> pl.DataFrame:
    return pl.DataFrame(ROWS, schema=["claim_id", "diagnoses", "procedures"], orient="row")


def test_load_finds_catalogues_schemes_and_places(grouper: DipGrouper) -> None:
    assert load_grouper(ID).digest == grouper.digest
    assert drg.load_grouper(ID).kind == "dip"
    assert isinstance(load_grouper("demo"), Grouper)
    assert load_grouper("chongqing").versions
    assert load_grouper("demo").kind == "drg"
    with pytest.raises(SchemeError, match="S102"):
        load_grouper(ID, "opendrg")
    with pytest.raises(SchemeError, match=f"S101.*{ID}"):
        load_grouper("taian-2024")
    with pytest.raises(SchemeError, match="S121"):
        Grouper.load(ID)
    with pytest.raises(SchemeError, match="S120"):
        load_grouper(ID, codes="gbk")


def test_result_columns(grouper: DipGrouper) -> None:
    results = grouper.results_frame(claims())
    assert results.columns == [*RESULT_NAMES, *DIP_RESULT_NAMES]
    assert dict(results.schema) == grouper.result_schema
    assert results.schema["score"] == pl.Decimal(18, 4)
    assert results["mdc"].null_count() == results["severity"].null_count() == len(ROWS)
    assert results["outcome"].to_list() == [
        "GROUPED", "GROUPED", "UNGROUPABLE", "REJECTED", "UNGROUPABLE", "GROUPED",
        results["outcome"][6],
    ]  # fmt: skip
    assert results["reason"].to_list()[:6] == [None, "N433", "U213", "E120", "U201", "N403"]
    assert results["group"][0] == "K80.1:51.2300"
    assert results["group_class"][0] == "core.surgery"
    assert results["score"][0] == Decimal("1777.1573")
    for n in (2, 3, 4):
        told = results.row(n, named=True)
        assert [told[name] for name in ("adrg", "group", "group_name", "score")] == [None] * 4


def test_frame_api(grouper: DipGrouper) -> None:
    frame = claims().with_columns(score=pl.lit("mine"))
    grouped = grouper.group_frame(frame)
    assert grouped["score_input"].to_list() == ["mine"] * len(ROWS)
    assert grouped.columns[-1] == "score"
    lazy = grouper.group_frame(frame.lazy())
    assert lazy.collect_schema() == grouped.schema
    assert lazy.collect().equals(grouped)
    assert grouper.group_frame(frame.clear()).schema == grouped.schema


def test_codes_in_columns_of_their_own_and_in_lists(grouper: DipGrouper) -> None:
    expected = grouper.results_frame(claims())
    lists = claims().with_columns(pl.col("diagnoses", "procedures").str.split("|"))
    assert grouper.results_frame(lists).equals(expected)
    wide = pl.DataFrame({"dx1": ["K80.100"], "dx2": [None], "px1": ["51.8800"], "px2": ["51.2300"]})
    columns = match_columns(["diagnoses", "procedures"])
    columns = type(columns)({}, ("dx1", "dx2"), False, ("px1", "px2"), False)
    assert grouper.results_frame(wide, columns)["group"].to_list() == ["K80.1:51.2300"]


def test_threads_and_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drg.dip.grouper.TASK_ROWS", 7)
    small = grouper_of(random_catalogue(7))
    rows = [random_claim(7, n) for n in range(200)]
    whole = small.results_frame(frame_of(rows), threads=1)
    parts = pl.concat([frame_of(rows[n : n + 9]) for n in range(0, 200, 9)], rechunk=False)
    assert small.results_frame(parts, threads=4).equals(whole)


def test_pickles_and_says_what_it_is(grouper: DipGrouper) -> None:
    other = pickle.loads(pickle.dumps(grouper))
    assert other.digest == grouper.digest
    assert repr(other) == f"DipGrouper.load('{ID}')"
    assert other.provenance["drg.scheme"] == ID
    claim = Claim(claim_id="x", diagnoses=["K80.100"], procedures=["51.2300"])
    result = other.group(claim)
    assert result == grouper.group(claim) == grouper.trace(claim)[0]
    assert (result.score_e4, result.group_class) == (17_771_573, "core.surgery")


def test_clinical_codes() -> None:
    clinical = DipGrouper.load(ID, "clinical")
    assert clinical.digest != DipGrouper.load(ID).digest
    frame = pl.DataFrame({"diagnoses": ["A19.000x001|K80.1", "K80.100", "n40"]})
    results = clinical.results_frame(frame)
    assert results["mapped_codes"][0].startswith("A19.000x001→A19.001")
    for row, code in zip(results.iter_rows(named=True), frame["diagnoses"], strict=True):
        single = clinical.group(Claim(diagnoses=code.split("|")))
        assert single == clinical.reference.match(Claim(diagnoses=code.split("|")))
        assert (row["group"], row["reason"]) == (single.group, single.reason)


def test_share_of_the_cost_comes_from_a_column() -> None:
    found = catalogue(
        group("K80.1"),
        subtypes=[Subtype("K80.1", "drugs", 9)],
        classes=(AuxiliaryClass("high", "drugs", "", "", ("half",)),),
        conditions=(Condition("half", share_of="drug_cost", share=Fraction(1, 2)),),
    )
    frame = pl.DataFrame(
        {
            "diagnoses": ["K80.100"] * 6,
            "total_cost": ["10.01", "10.02", "10", None, "0", "10"],
            "drug_cost": ["5.01", "5.00", "x", "5", "0", "-1"],
        }
    )
    results = grouper_of(found).results_frame(frame)
    assert results["auxiliary"].to_list() == ["drugs", *[None] * 5]
    assert results["reason"].to_list() == [None, None, *["N431"] * 4]
    assert grouper_of(found).results_frame(frame.drop("drug_cost"))["reason"].unique().len() == 1


def test_scalar_conditions_of_frame_and_claim() -> None:
    conditions = (
        Condition("child", field="age", stop=7),
        Condition("old", field="age", start=65),
        Condition("never", field="age", start=2**31),
        Condition("died", field="disposition", values=("5",)),
        Condition("stay", field="los_days", start=3, stop=4),
        Condition("cci", cci=True, start=1),
    )
    words = ConditionWords(conditions)
    assert words.columns == ("age", "disposition", "los_days")
    ages: list[Any] = [None, "", "6", "6.0", " 7", "64", "65", "6.5", "x", str(2**40), "-1"]
    died = ["5", "5.0", " 5 ", "1", None, "", "x", "5", "5", "5", "5"]
    stay = [3, 4, 2, None, 3, 3, 3, 3, 3, 3, 3]
    frame = pl.DataFrame({"diagnoses": ages, "age": ages, "disposition": died, "los_days": stay})
    columns = match_columns(frame.columns)
    found = words.of_frame(frame, columns, None)
    from drg.scale.find import claim_of

    for n, row in enumerate(frame.iter_rows(named=True)):
        single = words.of_claim(claim_of(row, columns))
        assert single == (found.true[n], found.unknown[n]), row
    bare = words.of_frame(frame.drop("age"), match_columns(["diagnoses"]), None)
    assert set(bare.unknown.tolist()) == {0b11111}
    assert set(bare.true.tolist()) == {0}


def test_cost_is_read_as_every_amount() -> None:
    cells = pl.Series(
        ["1.23456", "1.2345", "1.235", "1.2349999", "1.9999999", "-1.5", "1e3", "1E2", "x", " 1.5",
         "1.", "  ", ".5", "1234567890123.45", "9999999999999.99", "99999999999999.99", "+5", "1_0",
         "inf", "NaN", "", None, "0", "-0", "-0.004", "0.005", "００", "00012.30"]
    )  # fmt: skip
    expected = [-1 if v is None else max(v, -1) for v in read_fen(cells).fen.to_list()]
    assert cost_column(cells).tolist() == expected
    assert cost_column(pl.Series([1, None, -3])).tolist() == [100, -1, -1]
    assert cost_column(pl.Series([1.005, float("nan")])).tolist() == [101, -1]
    assert choices(pl.Series(["5.0"]), ("5",)).to_list() == [1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "claims.csv"
    claims().write_csv(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_files(file: Path, suffix: str, grouper: DipGrouper) -> None:
    out = file.with_name(f"out{suffix}")
    run = CliRunner().invoke(cli, ["group", str(file), "-s", ID, "-o", str(out), "--lang", "en"])
    assert run.exit_code == 1, run.output  # one claim is rejected
    assert "core.surgery" in run.output
    assert "chosen by a kind of procedure" in run.output
    match suffix:
        case ".csv":
            found = pl.read_csv(out, infer_schema=False)
        case ".parquet":
            found = pl.read_parquet(out)
            assert found.schema["score"] == pl.Decimal(18, 4)
            told = pl.read_parquet_metadata(out)
            assert (told["drg.scheme"], told["drg.digest"]) == (ID, grouper.digest)
        case _:
            found = pl.read_excel(out)
    assert found["score"].cast(pl.Decimal(18, 4))[0] == Decimal("1777.1573")
    assert found["group"][1] == "K80:SS"


def test_weights_do_not_go_with_a_catalogue(file: Path) -> None:
    out = str(file.with_name("out.csv"))
    args = ["group", str(file), "-s", ID, "-o", out, "--weights", "haerbin-2022"]
    for wrong in (
        args,
        ["weights", str(file), "-s", ID, "-o", out],
        ["tables", "impact", ID, "demo", str(file)],
        ["tables", "show", ID, "K80"],
        ["code", "K80.1", "-s", ID],
    ):
        run = CliRunner().invoke(cli, wrong)
        assert run.exit_code == 3, run.output
        assert "S121" in run.output
    assert not Path(out).exists()


def test_summary_tells_what_decided(tmp_path: Path) -> None:
    found = catalogue(
        group("K80.1:51.2300", mean_fen=100), group("K80.1:51.8800", mean_fen=900),
        group("K80.1"), group("K80:SS"), group("K80:ZDXCZ"), derived=frozenset({"88.5600"}),
    )  # fmt: skip
    small = grouper_of(found)
    frame = pl.DataFrame(
        {
            "diagnoses": ["K80.100"] * 4 + ["K80.200x001"] * 2 + ["zz"],
            "procedures": [
                "51.2300|51.8800",
                "",
                "99.2500",
                "51.8700|88.5600",
                "88.5600",
                "51.2300",
                "",
            ],
            "total_cost": ["8"] * 7,
        }
    )
    columns = match_columns(frame.columns)
    tally = DipTally(small)
    results = small.results_frame(frame, columns)
    tally.add(frame, columns, results)
    told = tally.summary()
    assert results["group"].to_list() == [
        "K80.1:51.8800", "K80.1", "K80.1", None, "K80:ZDXCZ", "K80:SS", None,
    ]  # fmt: skip
    assert told.classes == {
        "core.conservative": 2, "comprehensive.diagnostic": 1, "comprehensive.surgery": 1,
        "core.therapeutic": 1,
    }  # fmt: skip
    assert (told.by_cost, told.by_kind, told.by_derived) == (1, 3, 1)
    assert told.rows("zh")[-1] == ("  其中类别为推定", "1 (20.00%)")
    assert DipTally(small).summary().rows() == []


def test_group_file_without_procedures(tmp_path: Path, grouper: DipGrouper) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("claim_id,diagnoses\nA1,K80.100\n", "utf-8")
    summary = group_file(grouper, source, out)
    assert summary.dip is not None
    assert summary.dip.classes == {"core.conservative": 1}
    assert summary.refused == 0
