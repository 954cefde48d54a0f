"""Many files into a folder: parts, manifest, rejects; killed, changed, damaged and gone on with."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tomllib
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import kill_run
import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT

import drg
from drg.claims.input_files import input_files
from drg.claims.readers import open_claims
from drg.cli import cli
from drg.errors import DrgError, InputError
from drg.grouping.grouper import Grouper
from drg.payment.weights import Weights
from drg.scale import RunError
from drg.scale.group_file import group_file
from drg.scale.group_run import group_into, group_run
from drg.scale.journal import Journal
from drg.scale.run_manifest import changed_parts, read_run
from drg.scale.run_words import RunSummary

MONTH = ROOT / "examples" / "chs_drg_20_month.csv"
RESULTS = ["mdc", "adrg", "group", "severity", "outcome", "reason", "group_name"]


@pytest.fixture(scope="module")
def month() -> pl.DataFrame:
    """A month as text, every claim with an id of its own."""
    frame = pl.read_csv(MONTH, infer_schema=False)
    whole = pl.concat([frame] * 2).head(330)
    return whole.with_columns(pl.format("C{}", pl.int_range(pl.len())).alias("结算ID"))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("group_parts", "group_run"):
        monkeypatch.setattr(f"drg.scale.{module}.PART_ROWS", 100)
        monkeypatch.setattr(f"drg.scale.{module}.FRAME_ROWS", 50)


@pytest.fixture
def claims(month: pl.DataFrame, tmp_path: Path, small_parts: None) -> Path:
    """A folder of four files: 150 rows, none, 60 and 120."""
    folder = tmp_path / "claims"
    for name, first, rows in (("a", 0, 150), ("b/c", 150, 0), ("b/d", 150, 60), ("e", 210, 120)):
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        month.slice(first, rows).write_parquet(path, row_group_size=70)
    return folder


def as_text(folder: Path, to: Path) -> Path:
    """The same files as CSV."""
    for path in folder.rglob("*.parquet"):
        out = to / path.relative_to(folder).with_suffix(".csv")
        out.parent.mkdir(parents=True, exist_ok=True)
        pl.read_parquet(path).write_csv(out)
    return to


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def refused(code: str, work: Callable[[], object]) -> DrgError:
    with pytest.raises(DrgError, match=code) as caught:
        work()
    return caught.value


def rows_of(folder: Path) -> pl.DataFrame:
    with open_claims(folder) as source:
        return pl.concat(source.batches())


# ---- what a run leaves


@pytest.mark.parametrize("parts", ["parquet", "csv"])
def test_every_row_is_there_in_order_with_its_results(
    national: Grouper, month: pl.DataFrame, claims: Path, tmp_path: Path, parts: Any
) -> None:
    out = tmp_path / "run"
    run = group_run(national, claims, out, parts=parts)
    assert (run.claims, len(run.manifest.inputs)) == (month.height, 4)
    found = rows_of(out).with_columns(pl.col(RESULTS).cast(pl.String))
    wanted = month.hstack(national.results_frame(month).cast(pl.String))
    if parts == "csv":
        found, wanted = (frame.cast(pl.String).fill_null("") for frame in (found, wanted))
    assert found.equals(wanted)
    names = [part.file for part in run.manifest.parts]
    assert names == [
        f"claims/{name}.{parts}"
        for name in ("a-00000", "a-00001", "b/c-00000", "b/d-00000", "e-00000", "e-00001")
    ]
    assert [part.rows for part in run.manifest.parts] == [100, 50, 0, 60, 100, 20]
    assert [part.first_row for part in run.manifest.parts] == [1, 101, 1, 1, 1, 101]
    assert not (out / ".drg-run").exists()
    assert changed_parts(out, run.manifest.parts) == []


def test_the_manifest_tells_all_and_no_time(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    group_run(national, claims, tmp_path / "one")
    shutil.move(claims, tmp_path / "moved" / "claims")
    run = group_run(national, [tmp_path / "moved" / "claims"], tmp_path / "two", threads=1)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    told = tomllib.loads((tmp_path / "one" / "run.toml").read_text("utf-8"))
    assert (told["format"], told["kind"], told["scheme"]["id"]) == (1, "group", "chs-drg-2.0")
    assert told["scheme"]["digest"] == national.digest
    assert told["totals"] == {"claims": 330}
    assert sum(told["counts"]["outcomes"].values()) == sum(one["rows"] for one in told["input"])
    assert [one["name"] for one in told["input"]] == [
        "a.parquet", "b/c.parquet", "b/d.parquet", "e.parquet",
    ]  # fmt: skip
    assert read_run(tmp_path / "one") == run.manifest


def test_rejects_say_which_row_why_and_what_to_do(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    run = group_run(national, claims, tmp_path / "run", lang="en")
    assert (tmp_path / "run" / "rejects.csv").read_bytes().startswith(b"\xef\xbb\xbffile,row,")
    rejects = pl.read_csv(tmp_path / "run" / "rejects.csv", infer_schema=False)
    assert rejects.height == run.refused == run.manifest.rejects.rows > 0
    assert rejects["outcome"].unique().to_list() == ["REJECTED"]
    one = rejects.row(0, named=True)
    source = pl.read_parquet(claims / one["file"])[int(one["row"]) - 1]
    assert source["结算ID"].item() == one["claim_id"]
    assert source["医疗机构编码"].item() == one["hospital"]
    assert rejects["mend"].str.len_chars().min() > 0
    assert "rejects" in "\n".join(run.lines("en"))


def test_bytes_depend_on_neither_threads_nor_how_far_a_reader_cuts(
    national: Grouper, claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = as_text(claims, tmp_path / "text")
    group_run(national, text, tmp_path / "one", threads=1)
    real = pl.LazyFrame.collect_batches
    monkeypatch.setattr(
        pl.LazyFrame, "collect_batches",
        lambda frame, **options: real(frame, **options | {"chunk_size": 33}),
    )  # fmt: skip
    group_run(national, text, tmp_path / "two", threads=5)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@pytest.mark.parametrize(
    ("scheme", "table"),
    [
        ("chs-drg-2.0", "haerbin-2024"),
        pytest.param("taian-2025", None, marks=pytest.mark.long),
        pytest.param("chongqing", None, marks=pytest.mark.long),  # a place
    ],
)
def test_weights_catalogues_and_places_add_up(
    claims: Path, tmp_path: Path, scheme: str, table: str | None
) -> None:
    whole = tmp_path / "whole.parquet"
    grouper = drg.load_grouper(scheme)
    weights = None if table is None else Weights.load(table)
    one = group_file(grouper, input_files(claims), whole, weights=weights)
    run = group_run(grouper, claims, tmp_path / "run", weights=weights)
    assert (run.summary.counts, run.summary.dip) == (one.counts, one.dip)
    assert (run.summary.by_version, run.summary.versions) == (one.by_version, one.versions)
    assert rows_of(tmp_path / "run").equals(pl.read_parquet(whole))
    if weights is not None:
        assert run.summary.weights is not None
        assert one.weights is not None
        assert run.summary.weights.totals == one.weights.totals
        assert run.manifest.totals["weighted"] == one.weights.totals.cases > 0
    again = group_run(grouper, claims, tmp_path / "run", weights=weights)
    body, told = run.lines()[:-6], again.lines()
    assert told[: len(body)] == body  # counts, weights and classes come back from the manifest


def test_many_files_into_one(national: Grouper, claims: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    summary = group_into(national, [claims / "a.parquet", claims / "b"], out)
    assert summary.claims == 210
    group_run(national, [claims / "a.parquet", claims / "b"], tmp_path / "run")
    assert rows_of(tmp_path / "run").equals(pl.read_parquet(out))
    refused("C240", lambda: group_into(national, [claims], out, parts="csv"))
    refused("F201", lambda: group_into(national, [claims], tmp_path / "out.doc"))
    refused("C201", lambda: group_into(national, [claims], claims / "a.parquet"))
    run = group_into(national, [claims], tmp_path / "2025.06")
    assert isinstance(run, RunSummary)


def test_progress_ends_with_every_row(national: Grouper, claims: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    text = as_text(claims, tmp_path / "text")
    group_run(national, text, tmp_path / "run", progress=lambda *told: seen.append(told))
    assert seen[-1] == (330, 330)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert all(done <= whole for done, whole in seen)


# ---- going on


class Dead(BaseException):
    """The process ends here, as far as that can be played inside one."""


class Dying:
    """Ends the run at the given change of the disk: before it, or after it."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, late: bool) -> None:
        self.calls = 0
        real, lock = Path.replace, Lock()

        def replace(path: Path, target: Path) -> Path:
            with lock:
                self.calls += 1
                mine = self.calls
            if mine == number and not late:
                raise Dead
            found = real(path, target)
            if mine == number:
                raise Dead
            return found

        patch.setattr(Path, "replace", replace)


def go_on_from(
    grouper: Grouper, paths: list[Path], folder: Path, steps: itertools.count[int]
) -> None:
    """Let a run die at these changes of the disk, go on, and compare; until it lives through."""
    group_run(grouper, paths, folder / "whole")
    wanted = tree(folder / "whole")
    for step in steps:
        for late in (False, True):
            out = folder / f"{step}-{late}"
            with pytest.MonkeyPatch.context() as patch:
                dying = Dying(patch, step, late)
                try:
                    group_run(grouper, paths, out, threads=1)
                except Dead as dead:
                    noted = len([*out.glob(".drg-run/part-*")])
                    told = [*getattr(dead, "__notes__", ())]
                    assert bool(told) == ([*out.glob(".drg-run/input-*")] != []), step
                else:
                    assert step > dying.calls
                    return
            again = group_run(grouper, paths, out)
            assert tree(out) == wanted, step
            stood = len(again.manifest.parts) - len(again.made)
            assert stood == noted or again.finished_before


def test_a_run_goes_on_to_the_same_bytes(national: Grouper, claims: Path, tmp_path: Path) -> None:
    go_on_from(national, [claims / "b" / "d.parquet"], tmp_path, itertools.count(3, 4))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_run_goes_on_from_every_step(
    national: Grouper, claims: Path, tmp_path: Path, kind: str
) -> None:
    folder = claims if kind == "parquet" else as_text(claims, tmp_path / "text")
    paths = [folder / f"{name}.{kind}" for name in ("a", "b/d")]
    go_on_from(national, paths, tmp_path, itertools.count(1))


def test_a_killed_run_goes_on(national: Grouper, month: pl.DataFrame, tmp_path: Path) -> None:
    source, out = tmp_path / "claims", tmp_path / "out"
    claims = pl.concat([month.drop("结算ID")] * 180)
    kill_run.make_inputs(source, claims)
    args = kill_run.command(source, out, "parquet")
    for dying in (("replace", "4", "early"), ("replace", "11", "late"), ("rmdir", "1", "early")):
        process = kill_run.start(args, dying)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        refused("F194", lambda: input_files(out))
    assert group_run(national, source, out, lang="en").finished_before
    group_run(national, source, tmp_path / "whole", lang="en")
    assert tree(out) == tree(tmp_path / "whole")
    ids = kill_run.ids_of(out, "parquet")
    assert len(ids) == ids.n_unique() == 59_400


def test_what_a_killed_run_was_about_to_write_is_removed(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    group_run(national, claims, tmp_path / "whole")
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drg.scale.group_run.write_run", _full)
        refused("F209", lambda: group_run(national, claims, out))
    for name in (".rejects.csv", ".run.toml", "claims/.a-00000.parquet"):
        (out / f"{name}.0123abcd.part").write_bytes(b"half")
    note = next(out.glob(".drg-run/part-*"))
    note.write_text("{", "utf-8")  # a damaged note is none
    assert len(group_run(national, claims, out).made) == 1
    assert tree(out) == tree(tmp_path / "whole")


def _full(*_: object) -> None:
    raise InputError("F209", where="x", system=28)


def test_a_journal_without_its_plan_is_of_no_use(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run", {"policy": "a"})
    journal.note("part", {"rows": 1})
    plan = tmp_path / "run" / "plan.json"
    plan.write_text("{", "utf-8")
    refused("C231", lambda: Journal(tmp_path / "run", {"policy": "a"}))
    plan.unlink()
    assert Journal(tmp_path / "run", {"policy": "b"}).record("part") is None


def test_an_interrupt_leaves_a_run_that_goes_on(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    whole = tmp_path / "whole"
    group_run(national, claims, whole)

    def interrupt(done: int, _: int) -> None:
        if done > 130:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught:
        group_run(national, claims, out, progress=interrupt, lang="zh")
    assert "再运行同一命令" in caught.value.__notes__[0]
    run = group_run(national, claims, out)
    assert 0 < len(run.made) < len(run.manifest.parts)
    assert "此前已完成" in "\n".join(run.lines("zh"))
    assert tree(out) == tree(whole)


def test_a_failed_beginning_leaves_no_trace(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    bad = claims / "z.parquet"
    pl.DataFrame({"diagnoses": ["A00.0"]}).write_parquet(bad)
    refused("F193", lambda: group_run(national, claims, out))
    assert not out.exists()
    out.mkdir()
    bad.write_bytes(b"PAR1 no more")
    assert refused("F118", lambda: group_run(national, claims, out)).where == str(bad)
    assert not out.exists()
    bad.unlink()
    assert group_run(national, claims, out).claims == 330


# ---- what is changed or damaged


@pytest.fixture
def begun(national: Grouper, claims: Path, tmp_path: Path) -> Path:
    """A run that was interrupted after some parts."""
    out = tmp_path / "begun"
    with pytest.MonkeyPatch.context() as patch:
        Dying(patch, 12, late=True)
        with pytest.raises(Dead):
            group_run(national, claims, out, threads=1)
    assert len([*out.glob(".drg-run/part-*")]) == 3
    return out


def test_other_settings_and_inputs_are_refused_by_name(
    demo: Grouper, national: Grouper, claims: Path, begun: Path, tmp_path: Path
) -> None:
    before = tree(begun)
    finished = tmp_path / "finished"
    group_run(national, claims, finished)
    for code, out in (("C230", begun), ("C239", finished)):
        error = refused(code, lambda out=out: group_run(demo, claims, out))
        assert "scheme.id: chs-drg-2.0 → demo" in str(error)
        assert error.where == str(out)
        assert "options.parts: parquet → csv" in str(
            refused(code, lambda out=out: group_run(national, claims, out, parts="csv"))
        )
        assert "inputs.e.parquet: e.parquet → —" in str(
            refused(
                code,
                lambda out=out: group_run(
                    national,
                    [claims / "a.parquet", claims / "b/c.parquet", claims / "b/d.parquet"],
                    out,
                ),
            )
        )
    assert tree(begun) == before


def test_a_changed_input_is_never_mixed_in(
    national: Grouper, month: pl.DataFrame, claims: Path, begun: Path, tmp_path: Path
) -> None:
    first = claims / "a.parquet"
    kept = first.read_bytes()
    month.slice(1, 150).write_parquet(first, row_group_size=100)
    assert refused("C236", lambda: group_run(national, claims, begun)).params["name"] == "a.parquet"
    first.write_bytes(kept)
    os.utime(first, (0, 0))  # the same bytes under another date are the same input
    assert group_run(national, claims, begun).claims == 330
    month.slice(1, 150).write_parquet(first, row_group_size=100)
    refused("C236", lambda: group_run(national, claims, begun))
    first.unlink()
    refused("C239", lambda: group_run(national, claims, begun))


@pytest.mark.parametrize("touch", ["replace", "truncate"])
def test_an_input_that_changes_meanwhile_is_noticed(
    national: Grouper, claims: Path, tmp_path: Path, touch: str
) -> None:
    last = claims / "e.parquet"

    def change(done: int, _: int) -> None:
        if done >= 220:
            if touch == "truncate":
                os.truncate(last, 100)
            else:
                os.utime(last, (0, 0))

    out = tmp_path / "run"
    error = refused("C236|F1", lambda: group_run(national, claims, out, threads=1, progress=change))
    assert "e.parquet" in error.where
    assert not (out / "run.toml").exists()


def test_damaged_parts_are_made_again(
    national: Grouper, claims: Path, begun: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    group_run(national, claims, whole)
    wanted = tree(whole)
    damage: tuple[Callable[[Path], object], ...] = (
        Path.unlink,
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"),
    )
    for number, harm in enumerate(damage):
        out = tmp_path / f"begun-{number}"
        shutil.copytree(begun, out)
        harm(out / "claims" / "a-00001.parquet")
        harm(out / ".drg-run" / "rejects-part-00000-00000.csv")
        again = group_run(national, claims, out)
        assert len(again.made) == 5
        assert tree(out) == wanted
        harm(out / "claims" / "e-00001.parquet")
        assert changed_parts(out, again.manifest.parts) == [again.manifest.parts[5]]
        mended = group_run(national, claims, out)
        assert [part.file for part in mended.made] == ["claims/e-00001.parquet"]
        assert "claims/e-00001.parquet" in mended.lines("en")[-1]
        assert tree(out) == wanted


def test_a_finished_run_is_verified_and_left_alone(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    group_run(national, claims, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = group_run(national, claims, out)
    assert again.finished_before
    assert not again.made
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    told = (out / "run.toml").read_text("utf-8")
    for harm in (
        "format = 1\n",
        told.replace("format = 1", "format = 2"),
        told.replace("rows = 150", 'rows = "150"'),
        told.replace("[counts.reasons", "[counts.others"),
        told.replace('file = "claims/', 'file = "claims/../../', 1),
        told.replace("=", "=="),
    ):
        assert harm != told
        (out / "run.toml").write_text(harm, "utf-8")
        refused("C231", lambda: group_run(national, claims, out))


def test_what_is_made_again_must_be_what_it_was(
    national: Grouper, claims: Path, begun: Path
) -> None:
    note = begun / ".drg-run" / "part-00000-00001.json"
    note.write_text(note.read_text("utf-8").replace('"rows": 50', '"rows": 49'), "utf-8")
    (begun / "claims" / "a-00001.parquet").unlink()
    error = refused("C237", lambda: group_run(national, claims, begun))
    assert error.params["differs"] == "rows: 49 → 50"


# ---- folders that are not for it


def test_folders_of_others_are_left_alone(
    national: Grouper, claims: Path, begun: Path, tmp_path: Path
) -> None:
    refused("C232", lambda: group_run(national, claims, claims / "out"))
    refused("C232", lambda: group_run(national, tmp_path / "begun/**/*.parquet", begun))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x")
    refused("F203", lambda: group_run(national, claims, tmp_path / "notes"))
    (tmp_path / "file").write_text("x")
    refused("C235", lambda: group_run(national, claims, tmp_path / "file"))
    strange = begun / "claims" / "mine.parquet"
    strange.write_text("x")
    assert (
        refused("C234", lambda: group_run(national, claims, begun)).params["names"] == strange.name
    )
    assert strange.read_text() == "x"
    strange.unlink()
    group_run(national, claims, begun)
    strange.write_text("x")
    refused("C234", lambda: group_run(national, claims, begun))


def test_inputs_whose_parts_would_have_one_name(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    pl.read_parquet(claims / "a.parquet").write_csv(claims / "A.csv")
    assert refused("C233", lambda: group_run(national, claims, tmp_path / "run")).params == {
        "name": "a.parquet", "other": "A.csv",
    }  # fmt: skip
    hidden = claims / "_a.parquet"
    (claims / "a.parquet").rename(hidden)
    group_run(national, hidden, tmp_path / "run")
    assert rows_of(tmp_path / "run").height == 150  # a reader of folders passes "_a" over


def test_a_full_disk_leaves_a_run_that_goes_on(
    national: Grouper, claims: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    calls = itertools.count(1)

    def full(descriptor: int) -> None:
        if next(calls) == 9:
            raise OSError(28, "no room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drg.claims.writers.os.fsync", full)
        with pytest.raises(InputError, match="F209") as caught:
            group_run(national, claims, out, threads=1)
    assert caught.value.__notes__
    assert group_run(national, claims, out).claims == 330
    assert isinstance(RunError("C238", where="x", found=1, wanted=2).message("en"), str)


# ---- the command line


def test_the_command_says_what_is_there_and_how_to_go_on(demo: Grouper, tmp_path: Path) -> None:
    assert demo.scheme_id == "demo"  # compiled by now: that is no step of the run
    claims = ROOT / "examples" / "demo_claims.csv"
    args = ["--lang", "en", "group", str(claims), "-s", "demo", "-o", str(tmp_path / "run")]
    with pytest.MonkeyPatch.context() as patch:
        Dying(patch, 5, late=True)  # the last step before the parts are put together
        with pytest.raises(Dead):
            CliRunner().invoke(cli, args)
    calls = itertools.count(1)
    real = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) == 2:
            raise OSError(28, "no room")
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drg.claims.writers.os.fsync", full)
        result = CliRunner().invoke(cli, args)
    first, second = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (2, "")
    assert first.startswith("what is done is kept; run the same command again to go on: ")
    assert second.startswith("error: [F209]")
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == 1
    assert "1 read, 1 written, 1 of them before" in result.stdout
    assert "rejects.csv, 5 rows" in result.stdout
    assert "nothing was written" in CliRunner().invoke(cli, args).stdout
    result = CliRunner().invoke(cli, [*args, "--format", "csv"])
    assert (result.exit_code, result.stderr[:13]) == (2, "error: [C239]")


# ---- the real thing, at the size of CI


@pytest.mark.long
@pytest.mark.parametrize(("kind", "rows", "moments"), [("parquet", 400_000, 4), ("csv", 60_000, 2)])
def test_killed_at_random_moments(tmp_path: Path, kind: str, rows: int, moments: int) -> None:
    kill_run.make_inputs(tmp_path / "claims", kill_run.synthetic(rows), kind)
    *_, last = kill_run.try_moments(tmp_path, moments, kind)
    assert last.endswith("every byte as undisturbed")
