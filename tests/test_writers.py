"""Outputs: whole or not at all, in order, with every digit."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from drg.claims import workbook, writers
from drg.claims.frame import rename_clashing
from drg.claims.readers import open_claims
from drg.claims.writers import OUTPUT_SUFFIXES, atomic_path, output_suffix, write_frames
from drg.errors import InputError
from drg.text import set_language

ID = "1234567890123456789"
FRAME = pl.DataFrame(
    {
        "claim_id": [ID, "0002", None],
        "note": ["=1+1", 'a,"b"\n|c', ""],
        "diagnoses": [["I21.001", "E10.300x051+H42.0*"], [None, "A00.000"], []],
        "procedures": [["37.5100"], None, []],
        "age": [45, None, 0],
        "long": [10**17 + 1, 7, None],
        "outcome": pl.Series(["GROUPED", "REJECTED", None], dtype=pl.Enum(["GROUPED", "REJECTED"])),
        "group_name": ["颅内手术", None, None],
    }
)
JOINED = FRAME.with_columns(
    diagnoses=pl.Series(["I21.001|E10.300x051+H42.0*", "|A00.000", ""]),
    procedures=pl.Series(["37.5100", None, ""]),
)


@pytest.fixture(params=OUTPUT_SUFFIXES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"结果{request.param}"


def test_parquet_is_exact_and_carries_provenance(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    assert write_frames(path, FRAME, metadata={"drg.scheme": "示例"}) == 3
    assert pl.read_parquet(path).equals(FRAME)
    assert pl.read_parquet_metadata(path)["drg.scheme"] == "示例"


@pytest.mark.parametrize(("suffix", "mark"), [(".csv", ","), (".tsv", "\t")])
def test_text_joins_lists_and_changes_nothing_else(tmp_path: Path, suffix: str, mark: str) -> None:
    path = tmp_path / f"out{suffix}"
    assert write_frames(path, FRAME) == 3
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    back = pl.read_csv(path, separator=mark, infer_schema=False)
    assert back.equals(JOINED.cast(pl.String))


def test_csv_copies_are_byte_identical(tmp_path: Path) -> None:
    text = f'claim_id,diagnoses,note\n{ID},A00.000|B01.100,"x, ""y"""\n007,,\n'
    source = tmp_path / "in.csv"
    source.write_text(text, "utf-8")
    with open_claims(source) as claims:
        write_frames(tmp_path / "out.csv", claims.batches(), schema=claims.schema)
    assert (tmp_path / "out.csv").read_text("utf-8-sig") == text


def test_xlsx_keeps_ids_and_codes_as_text(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel")
    path = tmp_path / "out.xlsx"
    assert write_frames(path, FRAME, metadata={"drg.scheme": "示例"}) == 3
    with open_claims(path) as source:
        back = source.scan().collect()
    assert back.equals(JOINED.cast(pl.String))
    with zipfile.ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        custom = book.read("docProps/custom.xml").decode()
    assert "<f>" not in sheet
    assert 'state="frozen"' in sheet
    assert "<autoFilter" in sheet
    assert "示例" in custom


def test_xlsx_goes_on_to_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastexcel")
    monkeypatch.setattr(workbook, "_ROWS", 10)
    path = tmp_path / "out.xlsx"
    frame = pl.DataFrame({"diagnoses": [f"A{n}" for n in range(25)]})
    assert write_frames(path, frame.iter_slices(7)) == 25
    back = []
    for sheet in ("分组结果", "分组结果2", "分组结果3"):
        with open_claims(path, sheet=sheet) as source:
            back.append(source.scan().collect())
    assert [part.height for part in back] == [10, 10, 5]
    assert pl.concat(back).equals(frame)


def test_the_sheet_is_named_in_the_language(tmp_path: Path) -> None:
    fastexcel = pytest.importorskip("fastexcel")
    for lang, name in (("en", "grouped"), ("zh", "分组结果")):
        set_language(lang)
        write_frames(tmp_path / "out.xlsx", FRAME.select(pl.first()))
        assert fastexcel.read_excel(tmp_path / "out.xlsx").sheet_names == [name]


def test_errors_of_the_system_name_the_target_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    for number, code in ((errno.ENOSPC, "F209"), (errno.EACCES, "F210"), (errno.EIO, "F204")):
        with pytest.raises(InputError) as caught, atomic_path(target) as draft:
            raise OSError(number, os.strerror(number), str(draft))
        error = caught.value
        assert (error.code, error.where) == (code, str(target))
        for lang in ("zh", "en"):
            assert ".part" not in error.message(lang)
            assert os.strerror(number) not in error.message(lang)


def test_xlsx_refuses_what_it_would_cut(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    with pytest.raises(InputError) as caught:
        write_frames(path, pl.DataFrame({"x": ["a" * 40_000]}))
    assert caught.value.code == "F207"
    wide = pl.DataFrame({str(n): [1] for n in range(16_385)})
    with pytest.raises(InputError) as caught:
        write_frames(path, wide)
    assert caught.value.code == "F208"
    assert list(tmp_path.iterdir()) == []


def test_xlsx_dates_and_odd_numbers(tmp_path: Path) -> None:
    import datetime as dt

    pytest.importorskip("fastexcel")
    path = tmp_path / "out.xlsx"
    frame = pl.DataFrame(
        {
            "diagnoses": ["A"],
            "on": [dt.date(2025, 6, 30)],
            "at": pl.Series(["2025-06-30T08:05:00"]).str.to_datetime(),
            "nan": [float("nan")],
            "half": [0.5],
            "yes": [True],
        }
    )
    write_frames(path, frame)
    with open_claims(path) as source:
        assert source.scan().collect().row(0) == (
            "A", "2025-06-30", "2025-06-30 08:05:00", "nan", "0.5", "true",
        )  # fmt: skip


def test_order_is_kept_over_many_batches(target: Path) -> None:
    if target.suffix == ".xlsx":
        pytest.importorskip("fastexcel")
    frame = pl.DataFrame({"diagnoses": [str(n) for n in range(30_000)]})
    assert (
        write_frames(target, frame.lazy() if target.suffix == ".csv" else frame.iter_slices(999))
        == 30_000
    )
    with open_claims(target) as source:
        assert source.scan().collect().equals(frame)


def test_no_rows(target: Path) -> None:
    schema = pl.Schema({"claim_id": pl.String(), "diagnoses": pl.List(pl.String())})
    assert write_frames(target, iter(()), schema=schema) == 0
    if target.suffix == ".xlsx":
        pytest.importorskip("fastexcel")
    with open_claims(target) as source:
        assert source.rows == 0
        assert source.schema.names() == ["claim_id", "diagnoses"]
    with pytest.raises(ValueError, match="schema"):
        write_frames(target, iter(()))


@pytest.mark.parametrize("error", [RuntimeError("boom"), OSError("boom"), KeyboardInterrupt()])
def test_a_failed_run_leaves_the_old_file(target: Path, error: BaseException) -> None:
    target.write_text("before")

    def frames() -> Iterator[pl.DataFrame]:
        yield FRAME
        raise error

    with pytest.raises(type(error)) as caught:
        write_frames(target, frames())
    assert caught.value is error
    assert target.read_text() == "before"
    assert list(target.parent.iterdir()) == [target]


def test_a_polars_error_of_the_frames_passes_through(tmp_path: Path) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield FRAME
        yield FRAME.select(pl.col("none"))

    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        write_frames(tmp_path / "out.parquet", frames())
    assert list(tmp_path.iterdir()) == []


def test_interrupt_from_the_keyboard(target: Path) -> None:
    script = f"""
        import sys
        import polars as pl
        from drg.claims.writers import write_frames
        frame = pl.DataFrame({{"a": ["x" * 50] * 20_000}})
        def frames():
            print("go", flush=True)
            while True:
                yield frame
        try:
            write_frames({str(target)!r}, frames())
        except KeyboardInterrupt:
            sys.exit(42)
    """
    root = str(Path(__file__).parent.parent)
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"go\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 42
    assert list(target.parent.iterdir()) == []


def test_unusable_targets(tmp_path: Path) -> None:
    for path, code in [
        (tmp_path / "out.doc", "F201"),
        (tmp_path / "out", "F201"),
        (tmp_path / "none" / "out.csv", "F202"),
        (tmp_path, "F203"),
    ]:
        with pytest.raises(InputError) as caught:
            output_suffix(path)
        assert caught.value.code == code
    with pytest.raises(InputError) as caught:
        write_frames(tmp_path / "out.doc", FRAME)
    assert ".parquet" in str(caught.value)


def test_nested_columns_need_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [{"a": 1}]})
    for suffix in (".csv", ".tsv", ".xlsx"):
        with pytest.raises(InputError) as caught:
            write_frames(tmp_path / f"out{suffix}", frame)
        assert caught.value.code == "F206"
    write_frames(tmp_path / "out.parquet", frame)


def test_xlsx_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(InputError) as caught:
        write_frames(tmp_path / "out.xlsx", FRAME)
    assert caught.value.code == "F205"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # zipfile's own
@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_full_disk_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(writers.secrets, "token_hex", lambda n: "0" * n)
    target = tmp_path / f"out{suffix}"
    (tmp_path / f".out{suffix}.0000.part").symlink_to("/dev/full")
    frames = (pl.DataFrame({"a": [f"{n}-{i}" for i in range(9_000)]}) for n in range(9))
    with pytest.raises(InputError) as caught:
        write_frames(target, frames)
    assert caught.value.code == "F209"
    assert ".part" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    del caught
    gc.collect()


def test_atomic_path(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as draft:
        draft.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    with atomic_path(link) as draft:
        draft.write_text("newer")
    assert link.is_symlink()
    assert target.read_text() == "newer"
    with pytest.raises(InputError) as caught, atomic_path(target):
        pass  # nothing was written
    assert caught.value.code == "F204"


def test_clashing_names() -> None:
    assert rename_clashing(["claim_id", "drg"]) == {}
    names = ["mdc", "adrg", "mdc_input", "group"]
    renamed = rename_clashing(names)
    assert renamed == {"mdc": "mdc_input2", "adrg": "adrg_input", "group": "group_input"}
    assert pl.DataFrame({name: [1] for name in names}).rename(renamed).width == 4
