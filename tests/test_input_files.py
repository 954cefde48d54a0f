"""Folders, patterns and partitions of claim files: which files, in which order, read as one."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from drg.claims.input_files import InputFile, input_files
from drg.claims.readers import open_claims
from drg.errors import InputError


def put(path: Path, rows: int = 2, **columns: object) -> Path:
    """A file of claims; its ids tell its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = [f"{path.stem}{n}" for n in range(rows)]
    frame = pl.DataFrame({"claim_id": ids, "diagnoses": ["I63.905"] * rows}).with_columns(
        pl.lit(value).alias(name) for name, value in columns.items()
    )
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
    return path


def names(paths: object) -> list[str]:
    return [file.name for file in input_files(paths)]  # type: ignore[arg-type]


def refused(code: str, path: object) -> InputError:
    with pytest.raises(InputError, match=code) as caught:
        input_files(path)  # type: ignore[arg-type]
    return caught.value


def test_folders_are_gone_through_to_the_bottom_in_one_order(tmp_path: Path) -> None:
    for name in ("b/2.csv", "b/10.csv", "a.csv", "b.csv", "a/é.csv", "a/Z.csv"):
        put(tmp_path / name)
    assert names(tmp_path) == ["a/Z.csv", "a/é.csv", "a.csv", "b/10.csv", "b/2.csv", "b.csv"]
    assert names(str(tmp_path)) == names([tmp_path])


def test_what_systems_and_clusters_leave_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "a.parquet")
    left = ("_SUCCESS", ".a.parquet.crc", "Thumbs.db", "_delta_log/0.json", ".x/b.csv", "~$a.xlsx")
    for name in left:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert names(tmp_path) == ["a.parquet"]


def test_patterns_name_files_and_folders(tmp_path: Path) -> None:
    for name in ("2025-05/a.csv", "2025-06/a.csv", "2025-06/b.csv", "2024-06/a.csv"):
        put(tmp_path / name)
    (tmp_path / "2025-06" / "notes.doc").write_text("x")
    assert names(tmp_path / "2025-*" / "*.csv") == [
        "2025-05/a.csv",
        "2025-06/a.csv",
        "2025-06/b.csv",
    ]
    assert names(tmp_path / "**" / "a.csv") == ["2024-06/a.csv", "2025-05/a.csv", "2025-06/a.csv"]
    assert names(tmp_path / "2025-0[5]" / "?.csv") == ["2025-05/a.csv"]
    assert refused("F191", tmp_path / "2025-06").params["names"] == "notes.doc"


def test_a_name_with_brackets_that_is_there_is_no_pattern(tmp_path: Path) -> None:
    put(tmp_path / "a[1].csv")
    assert names(tmp_path / "a[1].csv") == ["a[1].csv"]


def test_partitions_are_columns(tmp_path: Path) -> None:
    put(tmp_path / "city=%E6%B3%B0%E5%AE%89" / "month=2025-06" / "a.parquet")
    put(tmp_path / "city=__HIVE_DEFAULT_PARTITION__" / "month=2025-05" / "a.parquet")
    assert [file.keys for file in input_files(tmp_path)] == [
        (("city", "泰安"), ("month", "2025-06")),
        (("city", None), ("month", "2025-05")),
    ]
    with open_claims(tmp_path) as source:
        frame = pl.concat(source.batches())
    assert frame.columns == ["claim_id", "diagnoses", "city", "month"]
    assert frame["city"].to_list() == ["泰安", "泰安", None, None]
    one = input_files(tmp_path)[:1]
    with open_claims(one) as source:
        assert source.path == one[0].path
        assert pl.concat(source.batches())["month"].to_list() == ["2025-06"] * 2


def test_a_files_own_column_stands_before_a_folders(tmp_path: Path) -> None:
    put(tmp_path / "month=x" / "a.csv", month="own")
    with open_claims(tmp_path) as source:
        assert pl.concat(source.batches())["month"].to_list() == ["own", "own"]


def test_several_folders_keep_their_names(tmp_path: Path) -> None:
    for name in ("may/a.csv", "june/a.csv", "x.csv"):
        put(tmp_path / name)
    paths = [tmp_path / "may", tmp_path / "june", tmp_path / "x.csv"]
    assert names(paths) == ["june/a.csv", "may/a.csv", "x.csv"]


def test_files_that_a_shell_named_are_named_as_by_a_pattern(tmp_path: Path) -> None:
    for name in ("month=5/a.csv", "month=6/a.csv"):
        put(tmp_path / name)
    pattern = tmp_path / "month=*" / "*.csv"
    assert input_files(sorted(tmp_path.glob("month=*/*.csv"))) == input_files(pattern)
    assert input_files(tmp_path / "month=5" / "a.csv")[0].keys == ()


def test_what_cannot_be_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    one = put(tmp_path / "a" / "c.csv")
    refused("F190", tmp_path / "empty")
    refused("F190", tmp_path / "*.parquet")
    refused("F101", tmp_path / "none.csv")
    refused("F101", [one, tmp_path / "none.csv"])
    refused("F192", [one, one])
    refused("F192", [one, tmp_path / "a" / "*.csv"])
    link = tmp_path / "link.csv"
    link.symlink_to(one)
    refused("F192", [one, link])


def test_a_runs_folder_stands_for_its_claims(tmp_path: Path) -> None:
    run = tmp_path / "run"
    put(run / "claims" / "a-00000.parquet")
    put(run / "rejects.csv")
    (run / "run.toml").write_text("")
    assert names(run) == ["a-00000.parquet"]
    (run / ".drg-run").mkdir()
    refused("F194", run)
    for path in (run / "run.toml", run / "rejects.csv"):
        path.unlink()
    for named in (tmp_path, run / "claims", run / "claims" / "*.parquet"):
        with pytest.raises(InputError, match="F194"):
            open_claims(named)


def test_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    rows = {"a.parquet": 5, "b.parquet": 0, "c.parquet": 3}
    for name, count in rows.items():
        put(tmp_path / name, count)
    wanted = ["a0", "a1", "a2", "a3", "a4", "c0", "c1", "c2"]
    with open_claims(tmp_path) as source:
        assert source.rows == 8
        for first in range(9):
            for count in range(10 - first):
                parts = [part["claim_id"] for part in source.batches(2, first=first, rows=count)]
                assert [*pl.concat([pl.Series(dtype=pl.String), *parts])] == (
                    wanted[first : first + count]
                )
        frames = source.batches(2, without=["diagnoses"])
        assert pl.concat(frames).to_dict(as_series=False) == {"claim_id": wanted}


def test_rows_of_a_text_file_are_read_from_the_middle(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", 50)
    with open_claims(tmp_path / "a.csv") as source:
        part = pl.concat(source.batches(7, first=13, rows=20))["claim_id"].to_list()
        assert part == [f"a{n}" for n in range(13, 33)]
        assert pl.concat(source.batches(first=40))["claim_id"].to_list()[-1] == "a49"
        (tmp_path / "a.csv").write_text("claim_id,diagnoses\nx,A00.0\n")
        with pytest.raises(InputError, match="F122"):
            list(source.batches(first=13, rows=20))


def test_columns_must_agree(tmp_path: Path) -> None:
    put(tmp_path / "a.parquet", age=3)
    put(tmp_path / "b.parquet", age="3", extra=1)
    with pytest.raises(InputError, match="F193") as caught:
        open_claims(tmp_path)
    assert caught.value.params["columns"] == "age: Int32 ≠ String, + extra"
    assert caught.value.where.endswith("b.parquet")


def test_columns_may_stand_in_another_order(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", age=3)
    frame = pl.DataFrame({"age": ["4"], "diagnoses": ["A00.0"], "claim_id": ["z"]})
    frame.write_csv(tmp_path / "b.csv")
    with open_claims([*input_files(tmp_path)]) as source:
        assert pl.concat(source.batches()).row(2) == ("z", "A00.0", "4")
    assert input_files(tmp_path)[0] == InputFile(tmp_path / "a.csv", "a.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused_before_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    refused("F125", tmp_path / "pipe.csv")
    put(tmp_path / "a.csv")
    assert names(tmp_path) == ["a.csv"]
