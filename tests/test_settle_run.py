"""A month settled over many files: parts on disk, runs that were killed, inputs that change."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import made_dip
import numpy as np
import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dip_settle import REGISTER, RULE
from test_price import PRIOR, decisions, frame, months, policies, weights
from test_settle import JUNE, POLICY, claims, digests, place, run, settle

from drg.claims.readers import ClaimSource, open_claims
from drg.dates import Month
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.policy.catalog import load_policy
from drg.payment.pricing.assessed import Assessed
from drg.payment.pricing.carry import pack, unpack
from drg.payment.pricing.price import Pricer
from drg.scale import RunError
from drg.scale.even_frames import even_frames
from drg.scale.run_manifest import RunManifest, RunPart, Written, write_run
from drg.scale.settle_file import SettleRun, settle_file
from drg.scale.settle_parts import parts_folder
from drg.settlement.ledger import Ledger
from drg.settlement.ledger_check import check_file
from drg.settlement.ledger_file import StoredLedger
from drg.settlement.run import MonthRun
from drg.settlement.store import read_settlement

__all__ = ["place", "weights"]  # fixtures

HOSPITALS = "hospital_id,name,level\nH1,一院,三级\nH2,二院,二级\nH3,三院,二级\n"
#: What a folder holds that does not name the inputs.
SAME = ("claims.parquet", "ledger.parquet", "findings.csv", "hospitals.parquet", "summary.html")


# ---- packed parts


def alike(first: Any, second: Any) -> bool:
    """Whether two parts hold the same, types of arrays included."""
    if is_dataclass(first):
        names = [field.name for field in fields(first)]
        return all(alike(getattr(first, name), getattr(second, name)) for name in names)
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    if isinstance(first, pl.Series):
        return first.dtype == second.dtype and first.equals(second)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(alike, first, second))
    return type(first) is type(second) and first == second


@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_a_part_comes_back_as_it_was(weights: str, data: st.DataObject) -> None:
    rule, rows = data.draw(policies(weights)), data.draw(months())
    pricer = Pricer(rule, decisions=decisions(), prior=PRIOR)
    cuts = sorted({0, len(rows) // 3, len(rows)})
    parts = [pricer.assess(frame(rows[a:b])) for a, b in pairwise(cuts)]
    states = [pack(part) for part in parts]
    there = [unpack(state) for state in states]
    assert all(map(alike, parts, there))
    views = [unpack(memoryview(state), copy=False) for state in states]
    decided, also = pricer.decide(parts), pricer.decide(views)
    for part, other in zip(parts, there, strict=True):
        assert pricer.finish(part, decided).equals(pricer.finish(other, also))


def scored() -> Assessed:
    rows = made_dip.month(40, random.Random(5))
    return Pricer(RULE, REGISTER).assess(made_dip.frame(rows))


def test_a_part_paid_by_score_comes_back() -> None:
    part = scored()
    assert part.sheet.value is not None
    assert alike(part, unpack(pack(part)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: b"", "P495"),
        (lambda data: b"x" + data[1:], "P495"),
        (lambda data: data[: len(data) // 2], "P495"),
        (lambda data: data.replace(b'"<i4"', b'"<f4"', 1), "P495"),
        (lambda data: data.replace(b'"mode", "<u1"', b'"mood", "<u1"', 1), "P495"),
        (lambda data: data.replace(b'"rows": 40', b'"rows": 41', 1), "P495"),
        (lambda data: data.replace(b'"polars": "', b'"polars": "x', 1)[:-1], "P495"),
        (lambda data: data.replace(b'"order": "little"', b'"order": "middle"', 1), "P496"),
    ],
)
def test_what_is_no_packed_part_is_refused(change: Callable[[bytes], bytes], code: str) -> None:
    with pytest.raises(PaymentError, match=code):
        unpack(change(pack(scored())))


def test_frames_of_any_size_make_even_frames() -> None:
    rows = pl.DataFrame({"n": range(23)})
    for size in (1, 4, 23, 50):
        frames = iter([rows[:3], rows[3:3], rows[3:20], rows[20:]])
        parts = list(even_frames(frames, size))
        assert [part.height for part in parts[:-1]] == [size] * (len(parts) - 1)
        assert pl.concat(parts).equals(rows)


# ---- many files


def in_files(place: Path, suffix: str = ".parquet") -> Path:
    """The month of ``place`` in a folder: uneven files, one of them empty."""
    whole = pl.read_parquet(place / "june.parquet")
    folder = place / "months" / "month=2025-06"
    folder.mkdir(parents=True)
    for number, (a, b) in enumerate(pairwise((0, 70, 70, 75, 200))):
        path = folder / f"part-{number}{suffix}"
        if suffix == ".csv":
            whole[a:b].write_csv(path)
        else:
            whole[a:b].write_parquet(path)
    return place / "months"


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_files_of_a_folder_are_one_month(
    place: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("drg.scale.settle_file._BATCH", 60)
    source = in_files(place, suffix)
    files = sorted((source / "month=2025-06").iterdir())
    settled(place, place / "june.parquet", "one")
    settle(place, "months", "many", "--no-statements")
    for name in set(SAME) - {"claims.parquet"}:  # a column more: the month of the partition
        assert (place / "many" / name).read_bytes() == (place / "one" / name).read_bytes(), name
    rows = pl.read_parquet(place / "many" / "claims.parquet")
    assert rows["month"].unique().to_list() == ["2025-06"]
    if suffix == ".parquet":
        assert rows.drop("month").equals(pl.read_parquet(place / "one" / "claims.parquet"))
    told = tomllib.loads((place / "many" / "settlement.toml").read_text("utf-8"))["run"][0]
    inputs = [one for one in told["inputs"] if one["role"] == "claims"]
    assert [one["name"] for one in inputs] == [f"month=2025-06/{path.name}" for path in files]
    found = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert [one["sha256"] for one in inputs] == found
    # The same again by other names: nothing is new.
    before = digests(place / "many")
    halves = [f"{source}/*/part-[{some}]{suffix}" for some in ("01", "23")]
    run(
        "settle", *halves, "-p", POLICY, "--month", "2025-06", "-o", place / "many",
        "--hospitals", place / "hospitals.csv", "--no-statements", code=1,
    )  # fmt: skip
    assert digests(place / "many") == before


def grouped_run(place: Path, scheme: str) -> Path:
    """What a group run over the month of ``place`` leaves, as far as settling looks at it."""
    out = place / "grouped"
    (out / "claims").mkdir(parents=True)
    parts = []
    for number, rows in enumerate(pl.read_parquet(place / "june.parquet").iter_slices(120)):
        path = out / "claims" / f"june-{number:05d}.parquet"
        rows.write_parquet(path)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        size, file = path.stat().st_size, f"claims/{path.name}"
        parts.append(RunPart(file, "june.parquet", 120 * number + 1, rows.height, size, sha))
    write_run(
        out,
        RunManifest(
            package="0", scheme={"id": scheme}, options={}, weights=None, inputs=(), parts=parts,
            rejects=Written(0, ""),
        ),
    )  # fmt: skip
    return out


def settled(place: Path, source: Path, out: str, **more: Any) -> SettleRun:
    return settle_file(
        source, load_policy(POLICY, on=JUNE), place / out, month=JUNE,
        hospitals=place / "hospitals.csv", statements=False, **more,
    )  # fmt: skip


def test_a_group_run_is_held_to_its_manifest(place: Path) -> None:
    source = grouped_run(place, "haerbin-2022")
    part, other = sorted((source / "claims").iterdir())
    assert settled(place, source, "out").claims == 200
    kept = part.read_bytes()
    pl.read_parquet(part).head(-1).write_parquet(part)
    with pytest.raises(RunError, match=r"C251.*june-00000"):
        settled(place, source, "bad")
    part.write_bytes(kept)
    other.rename(place / "away.parquet")
    with pytest.raises(RunError, match=r"C251.*june-00001"):
        settled(place, source, "bad")
    (place / "away.parquet").rename(other)
    (source / "claims" / "more.parquet").write_bytes(kept)
    with pytest.raises(RunError, match=r"C251.*more"):
        settled(place, source, "bad")
    assert not (place / "bad").exists()


def test_a_group_run_of_another_scheme_is_refused(place: Path) -> None:
    with pytest.raises(PaymentError, match="P426"):
        settled(place, grouped_run(place, "chs-drg-2.0"), "out")


@pytest.mark.parametrize("name", ["june.parquet", "hospitals.csv"])
def test_a_file_that_changes_meanwhile_is_noticed(place: Path, name: str) -> None:
    path = place / name

    def touch(done: int, total: int) -> None:
        if done == total:
            path.write_bytes(path.read_bytes() + b"\n")

    with pytest.raises(RunError, match=rf"C250.*{name}"):
        settled(place, place / "june.parquet", "out", progress=touch)
    assert not (place / "out").exists()


def test_a_file_that_changes_while_it_is_opened_is_noticed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = place / "june.csv"
    source.write_bytes(pl.read_parquet(place / "june.parquet").write_csv().encode("gb18030"))

    def opened(*args: object, **options: object) -> ClaimSource:
        found = open_claims(*args, **options)  # type: ignore[arg-type]
        # What is read from here on is a copy.
        source.write_bytes(source.read_bytes().replace(b"J18.900", b"J18.901"))
        return found

    monkeypatch.setattr("drg.scale.settle_file.open_claims", opened)
    with pytest.raises(RunError, match="C250"):
        settled(place, source, "out")


# ---- parts on disk, and runs that end early


def doubled(rows: pl.DataFrame) -> pl.DataFrame:
    """With rows that are there twice, and some without an id."""
    return pl.concat([rows, rows[[3, 77]], claims(2, 9).with_columns(claim_id=None)])


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How the month comes out undisturbed, by file."""
    folder = tmp_path_factory.mktemp("wanted")
    doubled(claims(200)).write_parquet(folder / "june.parquet")
    (folder / "hospitals.csv").write_text(HOSPITALS, "utf-8")
    settled(folder, folder / "june.parquet", "out")
    return digests(folder / "out")


@pytest.fixture
def kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A month of which every part is kept on disk."""
    doubled(pl.read_parquet(place / "june.parquet")).write_parquet(place / "june.parquet")
    (place / "hospitals.csv").write_text(HOSPITALS, "utf-8")
    monkeypatch.setattr("drg.scale.settle_file._BATCH", 60)
    monkeypatch.setattr("drg.scale.settle_file._KEPT_FROM", 1)
    return place


def whole(place: Path, wanted: dict[str, str]) -> bool:
    """Whether the month came out as it should, and nothing else is left."""
    others = [path for path in place.iterdir() if path.name.startswith(".")]
    return digests(place / "out") == wanted and not others


def interrupt(place: Path, monkeypatch: pytest.MonkeyPatch, source: Path, rates: str = "") -> None:
    """A run that ends between its passes."""

    def stop(self: MonthRun, *_: object) -> None:
        raise KeyboardInterrupt

    supply = {"drg.rates.310": rates} if rates else {}
    with monkeypatch.context() as patched:
        patched.setattr(MonthRun, "decide", stop)
        with pytest.raises(KeyboardInterrupt) as caught:
            settle_file(
                source, load_policy(POLICY, on=JUNE, supply=supply), place / "out", month=JUNE,
                hospitals=place / "hospitals.csv",
            )  # fmt: skip
    assert "再运行同一命令" in caught.value.__notes__[0]
    assert not (place / "out").exists()
    assert parts_folder(place / "out").is_dir()


def test_parts_on_disk_come_to_the_same(kept: Path, wanted: dict[str, str]) -> None:
    assert settled(kept, kept / "june.parquet", "out").resumed == 0
    assert whole(kept, wanted)


def test_a_run_goes_on_with_the_parts_there_are(
    kept: Path, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(kept, monkeypatch, kept / "june.parquet")
    assert "204 条" in settle(kept, "june.parquet", "out", "--no-statements").stdout
    assert whole(kept, wanted)


def test_a_damaged_part_is_made_again(
    kept: Path, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(kept, monkeypatch, kept / "june.parquet")
    third = sorted(parts_folder(kept / "out").glob("*.arrays"))[2]
    third.write_bytes(third.read_bytes()[:-1] + b"\x07")
    assert settled(kept, kept / "june.parquet", "out").resumed == 120
    assert whole(kept, wanted)


@pytest.mark.parametrize("what", ["hospitals", "policy", "input", "smaller"])
def test_nothing_of_another_run_is_used(
    kept: Path, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    source, register = kept / "june.parquet", kept / "hospitals.csv"
    rows = source.read_bytes()
    if what == "hospitals":
        register.write_text(HOSPITALS.replace("三级", "二级"), "utf-8")
    elif what == "input":
        pl.read_parquet(source).with_columns(total_cost=pl.lit("1.00")).write_parquet(source)
    interrupt(kept, monkeypatch, source, "1.00" if what == "policy" else "")
    source.write_bytes(rows)
    register.write_text(HOSPITALS, "utf-8")
    if what == "smaller":  # left of a large month, found by one that keeps no parts
        monkeypatch.setattr("drg.scale.settle_file._KEPT_FROM", 1_000)
    assert settled(kept, source, "out").resumed == 0
    assert whole(kept, wanted)


def test_files_before_the_one_that_changed_are_used(
    kept: Path, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pl.read_parquet(kept / "june.parquet")
    folder = kept / "files"
    folder.mkdir()
    for name, a, b in (("a", 0, 75), ("b", 75, 160), ("c", 160, 204)):
        rows[a:b].write_parquet(folder / f"{name}.parquet")
    interrupt(kept, monkeypatch, folder)
    os.utime(folder / "b.parquet", ns=(1, 1))
    assert settled(kept, folder, "out").resumed == 60
    found = digests(kept / "out")
    assert {name: found[name] for name in SAME} == {name: wanted[name] for name in SAME}


def test_the_same_size_and_day_with_other_bytes_is_noticed(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = kept / "june.csv"
    pl.read_parquet(kept / "june.parquet").write_csv(source)
    interrupt(kept, monkeypatch, source)
    before, text = source.stat(), source.read_text("utf-8")
    source.write_text(text.replace("J18.900", "J18.901"), "utf-8")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(RunError, match="C250"):
        settled(kept, source, "out")
    assert not (kept / "out").exists()
    assert settled(kept, source, "out").resumed == 0


KILLED = """
import os, signal, sys
import drg.scale.settle_file as s
s._BATCH, s._KEPT_FROM = int(sys.argv.pop(1)), 1
from drg.settlement.run import MonthRun
name, left = sys.argv.pop(1), [int(sys.argv.pop(1))]
proper = getattr(MonthRun, name, None)
def dying(self, *args):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return proper(self, *args)
if proper:
    setattr(MonthRun, name, dying)
from drg.cli import main
main()
"""


def start(place: Path, size: int, name: str, count: int) -> subprocess.Popen[bytes]:
    args = ["settle", "june.parquet", "-p", POLICY, "--month", "2025-06", "-o", "out",
            "--hospitals", "hospitals.csv", "--no-statements"]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(size), name, str(count), *args],
        cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
def test_a_killed_run_goes_on_to_the_same_bytes(kept: Path, wanted: dict[str, str]) -> None:
    assert start(kept, 60, "keep", 2).wait() == -signal.SIGKILL
    left = [path.name for path in kept.iterdir() if path.name.startswith(".out")]
    assert len(left) > 1  # a draft, what was assessed
    assert not (kept / "out").exists()
    assert settled(kept, kept / "june.parquet", "out").resumed > 0
    assert whole(kept, wanted)


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
def test_killed_at_random_moments(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """150,000 claims in parts of 10,000; killed at moments drawn over the time of a run."""
    claims(150_000).write_parquet(place / "june.parquet")
    monkeypatch.setattr("drg.scale.settle_file._BATCH", 10_000)
    settled(place, place / "june.parquet", "wanted")
    wanted = digests(place / "wanted")
    began = time.perf_counter()
    assert start(place, 10_000, "none", 0).wait() == 1
    took = time.perf_counter() - began
    assert digests(place / "out") == wanted
    monkeypatch.setattr("drg.scale.settle_file._KEPT_FROM", 1)
    rng, resumed = random.Random(8), 0
    for _ in range(6):
        for path in (place / "out").iterdir():
            path.unlink()
        (place / "out").rmdir()
        child = start(place, 10_000, "none", 0)
        time.sleep(took * rng.uniform(0.2, 0.95))
        child.kill()
        if child.wait() == -signal.SIGKILL:
            assert not (place / "out").exists() or digests(place / "out") == wanted
        resumed += settled(place, place / "june.parquet", "out").resumed
        assert digests(place / "out") == wanted
        assert not [path for path in place.iterdir() if path.name.startswith(".out")]
    assert resumed > 0


# ---- a ledger in its file


CHANGES: tuple[Callable[[pl.DataFrame], pl.DataFrame], ...] = (
    lambda rows: rows.head(-1),
    lambda rows: rows.filter(pl.col("seq") != 7),
    lambda rows: pl.concat([rows, rows.tail(1)]),
    lambda rows: rows.with_columns(fen=pl.col("fen") + (pl.col("seq") == 5)),
    lambda rows: rows.with_columns(fen=pl.col("fen") + (pl.col("seq") == pl.len())),
    lambda rows: rows.with_columns(ref=pl.col("ref").str.replace("00003", "00004")),
    lambda rows: rows.with_columns(hospital=pl.lit("H1")),
    lambda rows: rows.with_columns(version=pl.col("version") + 1),
    lambda rows: rows.with_columns(run=pl.col("run") + 1),
    lambda rows: rows.with_columns(period=pl.lit("2025-05")),
)


def test_a_stored_ledger_is_proved_from_its_file(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drg.settlement.ledger_check._PART", 64)
    settled(place, place / "june.parquet", "out")
    found = read_settlement(place / "out")
    path, sums, rows = place / "out" / "ledger.parquet", found.ledger.sums, found.ledger.entries
    stored = StoredLedger(path, sums, found.ledger.count)
    assert check_file(path, found.claims, sums)
    assert stored.check(found.claims) == []
    for number, change in enumerate(CHANGES):
        Ledger(change(rows)).write(path)
        assert not check_file(path, found.claims, sums), number
    assert stored.check(found.claims) == Ledger(change(rows)).check(found.claims)


def test_a_month_of_the_service_and_of_a_file_have_one_ledger(place: Path) -> None:
    run_ = settled(place, place / "june.parquet", "out")
    ledger = run_.settlement.ledger
    assert isinstance(ledger, StoredLedger)
    again = read_settlement(place / "out").ledger
    assert ledger.entries.equals(again.entries)
    assert ledger.sums.equals(again.sums)
    assert ledger.count == again.count
    heads = ["unsettled", "statistics"]
    assert ledger.standing(heads).equals(again.standing(heads))
    ledger.write(place / "copy.parquet")
    assert (place / "copy.parquet").read_bytes() == ledger.path.read_bytes()


def test_parts_are_taken_in_their_order(place: Path) -> None:
    month = MonthRun(load_policy(POLICY, on=JUNE), Month(2025, 6))
    from drg.claims.profiles import match_columns

    rows = pl.read_parquet(place / "june.parquet")
    columns = match_columns(rows.columns, rows.schema)
    first, second = month.first(rows[:50], columns, 1), month.first(rows[50:], columns, 51)
    with pytest.raises(ValueError, match="does not follow"):
        month.take(second)
    month.take(first)
    with pytest.raises(ValueError, match="does not follow"):
        month.take(replace(second, first_row=52))
    month.take(second)


def test_an_id_that_looks_like_a_row(place: Path) -> None:
    """Row 2 has no id and stands as ``#2``; so does the claim of row 1 that is called so."""
    rows = pl.read_parquet(place / "june.parquet").head(3)
    rows = rows.with_columns(claim_id=pl.Series(["#2", None, "C"]))
    rows.write_parquet(place / "june.parquet")
    settle(place)
    found = read_settlement(place / "out", whole=True)
    assert found.claims.lazy().collect()["ref"].to_list() == ["#2", "C"]
    assert {*found.findings["code"]} >= {"P617"}
