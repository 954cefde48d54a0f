"""A file through the engine: rows, columns, provenance, interruption, and rows read singly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from conftest import ROOT

import drg
from drg.claims.readers import open_claims
from drg.errors import InputError
from drg.grouping.grouper import Grouper
from drg.scale import RunError
from drg.scale.find import claim_of
from drg.scale.group_file import group_file, interruptible, stoppable
from drg.scale.summary import Summary, aligned
from drg.text import set_language

DEMO = ROOT / "examples" / "demo_claims.csv"
RESULTS = ["mdc", "adrg", "group", "severity", "outcome", "reason", "group_name"]


@pytest.fixture(scope="module")
def month(national: Grouper) -> pl.DataFrame:
    """A month with many defects."""
    return drg.synth(national.scheme, 3_000, 11, defects=0.2)


def joined(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("diagnoses", "procedures").list.join("|"))


def wide(frame: pl.DataFrame) -> pl.DataFrame:
    parts = [frame.drop("diagnoses", "procedures")]
    for name, head in (("diagnoses", "diagnosis_{}"), ("procedures", "procedure_{}")):
        most = frame[name].list.len().max()
        assert isinstance(most, int)
        parts.append(
            frame.select(
                pl.col(name).list.get(n, null_on_oob=True).alias(head.format(n + 1))
                for n in range(most)
            )
        )
    return pl.concat(parts, how="horizontal")


@pytest.mark.parametrize("shape", [joined, wide])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".xlsx"])
def test_every_format_gives_what_the_frame_gives(
    national: Grouper, month: pl.DataFrame, tmp_path: Path, shape: object, suffix: str
) -> None:
    assert callable(shape)
    frame = shape(month)
    source, out = tmp_path / f"claims{suffix}", tmp_path / "out.parquet"
    if suffix == ".parquet":
        frame.write_parquet(source)
    elif suffix == ".xlsx":
        frame.cast(pl.String).write_excel(source)
    else:
        frame.write_csv(source, separator="\t" if suffix == ".tsv" else ",")
    summary = group_file(national, source, out)
    table = pl.read_parquet(out)
    if suffix == ".xlsx":  # a sheet has no empty text
        frame = frame.with_columns(pl.col(pl.String).replace("", None))
    assert table.select(RESULTS).equals(national.results_frame(month))
    assert table.columns == frame.columns + RESULTS
    assert table.drop(RESULTS).cast(pl.String).equals(frame.cast(pl.String))
    assert summary.claims == month.height


def test_own_columns_stay_as_they_are_and_clashes_are_renamed(
    demo: Grouper, tmp_path: Path
) -> None:
    frame = pl.DataFrame(
        {
            "group": ["old", "b"],
            "备注": [" 有空格 ", "=1+1"],
            "n": pl.Series([2**60, -1], dtype=pl.Int64),
            "sex": ["M", "F"],
            "age": [60, 61],
            "diagnoses": [["I63.905", "E87.600"], ["G40.900"]],
        }
    )
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    frame.write_parquet(source)
    group_file(demo, source, out)
    table = pl.read_parquet(out)
    assert table.columns == ["group_input", *frame.columns[1:], *RESULTS]
    assert (
        table.rename({"group": "new", "group_input": "group"}).select(frame.columns).equals(frame)
    )
    assert table["group"].to_list() == ["BR13", "BV15"]


def test_parquet_tells_where_it_comes_from(demo: Grouper, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    group_file(demo, DEMO, out)
    told = pl.read_parquet_metadata(out)
    assert {k: v for k, v in told.items() if k.startswith("drg.")} == {
        "drg.version": drg.__version__,
        "drg.scheme": "demo",
        "drg.digest": demo.digest,
        "drg.compat": "",
        "drg.codes": "insurance",
        "drg.input": "demo_claims.csv",
    }


def test_the_summary_counts_and_words(demo: Grouper, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    summary = group_file(
        demo, DEMO, tmp_path / "out.csv", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(19, 19)]
    assert (summary.claims, summary.refused, summary.of("GROUPED")) == (19, 5, 12)
    assert summary.reasons("REJECTED") == {"E101": 1, "E102": 1, "E111": 1, "E112": 1, "E120": 1}
    assert any("rejected" in line for line in summary.lines("en"))


def test_a_file_without_claims_gives_a_file_without_claims(demo: Grouper, tmp_path: Path) -> None:
    source = tmp_path / "none.csv"
    source.write_text("claim_id,sex,age,diagnoses\n", "utf-8")
    for suffix in (".csv", ".parquet", ".xlsx"):
        out = tmp_path / f"out{suffix}"
        summary = group_file(demo, source, out)
        assert summary.claims == 0
        assert out.is_file()
        assert summary.lines()
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert table.columns == ["claim_id", "sex", "age", "diagnoses", *RESULTS]


def test_parquet_slices_join_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drg.claims.source._SLICE", 7)
    frame = pl.DataFrame({"diagnoses": [f"A{n:02d}" for n in range(40)]})
    frame.write_parquet(tmp_path / "in.parquet", row_group_size=10)
    with open_claims(tmp_path / "in.parquet") as source:
        parts = list(source.batches(3))
    assert max(part.height for part in parts) == 3
    assert pl.concat(parts).equals(frame)


def test_the_input_is_never_the_output(demo: Grouper, tmp_path: Path) -> None:
    source = tmp_path / "claims.csv"
    source.write_bytes(DEMO.read_bytes())
    link = tmp_path / "link.csv"
    link.symlink_to(source)
    for out in (source, link):
        with pytest.raises(RunError):
            group_file(demo, source, out)
    assert source.read_bytes() == DEMO.read_bytes()


def test_an_error_half_way_leaves_the_old_output(
    demo: Grouper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drg.scale.group_file._BATCH", 10)
    out = tmp_path / "out.parquet"
    out.write_text("as before")

    def fail(done: int, total: int) -> None:
        raise InputError("F120", where="claims.csv", detail="cut off")

    with pytest.raises(InputError, match="F120"):
        group_file(demo, DEMO, out, progress=fail)
    assert out.read_text() == "as before"
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]


def test_an_interrupt_of_the_caller_stops_the_worker() -> None:
    ended: list[bool] = []

    def endless() -> Iterator[pl.DataFrame]:
        while True:
            yield pl.DataFrame()

    def work(stop: object) -> None:
        try:
            for _ in stoppable(endless(), stop):  # type: ignore[arg-type]
                pass
        finally:
            ended.append(True)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drg.scale.group_file.wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            interruptible(work)
    assert ended == [True]


@pytest.mark.parametrize("shape", [joined, wide])
def test_a_row_read_singly_is_grouped_as_in_its_file(
    national: Grouper, month: pl.DataFrame, tmp_path: Path, shape: object
) -> None:
    assert callable(shape)
    odd = ["M", "F", "3", " 男", "", "2", None, "女性", "1.0", "2.0", "\u2003男", "MALE"]
    ages = ["67", "67.0", " 5 ", "abc", "", "300", "-1", "6.5", "1e3", "9" * 30, "+40", None]
    frame = shape(month.head(600)).with_columns(
        pl.Series("sex", [odd[n % len(odd)] for n in range(600)]),
        pl.Series("age", [ages[n % len(ages)] for n in range(600)]),
    )
    source = tmp_path / "claims.csv"
    frame.write_csv(source)
    with open_claims(source) as claims:
        table = pl.concat(claims.batches())
        batch = national.results_frame(table, claims.columns)
        single = [national.group(claim_of(r, claims.columns)) for r in table.iter_rows(named=True)]
        slow = [
            national.reference.group(claim_of(r, claims.columns))
            for r in table.head(150).iter_rows(named=True)
        ]
    wanted = list(batch.select("mdc", "adrg", "group", "outcome", "reason").iter_rows())
    for found in (single, slow):
        got = [(r.mdc, r.adrg, r.group, r.outcome.value, r.reason) for r in found]
        assert got == wanted[: len(got)]


def test_numbers_of_any_dtype_are_read_singly_as_in_a_frame(national: Grouper) -> None:
    for ages in (
        pl.Series([1.0, 2.5, None, float("nan"), 2.0**40]),
        pl.Series([1, 2**40, None, -1, 0], dtype=pl.Int64),
        pl.Series([True, False, None, True, True]),
    ):
        frame = pl.DataFrame(
            {
                "sex": pl.Series([1.0, 2.0, 9.0, None, 1.0]),
                "age": ages,
                "diagnoses": [["I63.905"]] * 5,
            }
        )
        from drg.claims.profiles import match_columns

        columns = match_columns(frame.columns, dict(frame.schema))
        batch = national.results_frame(frame)
        for row, outcome, reason in zip(
            frame.iter_rows(named=True), batch["outcome"], batch["reason"], strict=True
        ):
            result = national.group(claim_of(row, columns))
            assert (result.outcome.value, result.reason) == (outcome, reason), row


def test_the_worker_speaks_the_language_of_its_caller(demo: Grouper, tmp_path: Path) -> None:
    fastexcel = pytest.importorskip("fastexcel")
    source, out = tmp_path / "claims.csv", tmp_path / "out.xlsx"
    source.write_text("diagnoses,sex,age\nI63.905,1,60\n")
    for lang, name in (("en", "grouped"), ("zh", "分组结果")):
        set_language(lang)
        group_file(demo, source, out)
        assert fastexcel.read_excel(out).sheet_names == [name]


def test_aligned_counts_chinese_as_wide() -> None:
    assert aligned([("编号", "1", "x"), ("a", "10", "")], right=(1,)) == [
        "编号   1  x",
        "a     10",
    ]


def test_a_summary_of_nothing_divides_by_nothing() -> None:
    nothing = Summary("demo", "0" * 64, "", Path("a"), Path("b"), 0.0, {})
    assert nothing.claims == nothing.refused == 0
    assert nothing.lines("en")
