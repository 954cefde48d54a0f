"""Compiled schemes: the cache on disk, and a Program that refuses what it could not run safely."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import drg
import grouper_core
from drg.errors import SchemeError, TableError
from drg.paths import tables_root
from drg.schemes.catalog import load_scheme, locate
from drg.schemes.compile import compile_scheme

CLAIM = drg.Claim(sex="M", age=60, diagnoses=("I63.905",))


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty cache folder of this test."""
    monkeypatch.setenv("DRG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compiled_again(monkeypatch) -> list[str]:
    """Ids of the schemes compiled since."""
    seen = []

    def compile_and_tell(scheme):
        seen.append(scheme.id)
        return compile_scheme(scheme)

    monkeypatch.setattr("drg.schemes.compile.compile_scheme", compile_and_tell)
    return seen


@pytest.fixture
def own_demo(tmp_path) -> Path:
    """A copy of the demo scheme that a test may change."""
    return shutil.copytree(tables_root() / "schemes" / "demo", tmp_path / "own")


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def load_and_group(scheme: str | Path = "demo") -> str | None:
    return drg.Grouper.load(scheme).group(CLAIM).group


def test_second_load_reads_the_cache(home, compiled_again):
    assert load_and_group() == "BR15"
    assert load_and_group() == "BR15"
    assert compiled_again == ["demo"]
    assert only_file(home).suffix == ".drgc"


@pytest.mark.parametrize("spoil", ["empty", "half", "magic", "bit", "tail", "header", "text"])
def test_broken_cache_is_compiled_again(home, compiled_again, spoil):
    load_and_group()
    path = only_file(home)
    data = bytearray(path.read_bytes())
    match spoil:
        case "empty":
            data = bytearray()
        case "half":
            del data[len(data) // 2 :]
        case "magic":
            data[0] ^= 1
        case "bit":
            data[-100] ^= 4
        case "tail":
            data += b"\0"
        case "header":
            data[8:12] = b"\xff\xff\xff\xff"
        case "text":
            data = bytearray(b"not a cache at all " * 20)
    path.write_bytes(data)
    assert load_and_group() == "BR15"
    assert compiled_again == ["demo", "demo"]
    load_and_group()
    assert compiled_again == ["demo", "demo"]


def test_touched_table_is_read_again(home, compiled_again, own_demo):
    load_and_group(own_demo)
    table = own_demo / "severity.csv"
    os.utime(table, ns=(1, 1))
    load_and_group(own_demo)
    assert compiled_again == ["demo", "demo"]
    table.write_text(table.read_text(encoding="utf-8").replace("MCC", "CC"), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        load_and_group(own_demo)
    assert caught.value.code == "T103"
    table.unlink()
    with pytest.raises(TableError) as caught:
        load_and_group(own_demo)
    assert caught.value.code == "T102"


def test_cache_that_cannot_be_written(tmp_path, monkeypatch, compiled_again):
    """A file where the folder should be stops everyone, root as well."""
    (tmp_path / "cache").write_text("in the way")
    monkeypatch.setenv("DRG_CACHE", str(tmp_path / "cache"))
    assert load_and_group() == load_and_group() == "BR15"
    assert compiled_again == ["demo", "demo"]


def test_read_only_cache_is_used(home, compiled_again):
    load_and_group()
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert load_and_group() == "BR15"
        assert compiled_again == ["demo"]
    finally:
        home.chmod(stat.S_IRWXU)


def test_failed_write_leaves_nothing(home, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    assert load_and_group() == "BR15"
    assert list(home.iterdir()) == []


def test_many_processes_at_once(home):
    """Writers do not see each other's halves: all load, one whole file stays."""
    code = "import drg; print(drg.Grouper.load('demo').digest)"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    digests = {process.communicate()[0].strip() for process in running}
    assert digests == {drg.Grouper.load("demo").digest}
    assert only_file(home).stat().st_size > 1_000


def test_same_scheme_compiles_to_the_same_bytes():
    first, second = (compile_scheme(load_scheme("demo")) for _ in range(2))
    assert first.leaves == second.leaves
    assert first.settings == second.settings
    for name, array in first.arrays.items():
        assert array.tobytes() == second.arrays[name].tobytes(), name


def test_digest_tells_versions_apart(own_demo, demo):
    assert locate(own_demo).digest == demo.digest
    toml = own_demo / "scheme.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8").replace(
            'unmatched_adrg = "self"', 'unmatched_adrg = "next"'
        ),
        encoding="utf-8",
    )
    assert locate(own_demo).digest != demo.digest


def test_pickle_refuses_other_tables(own_demo, home):
    frozen = pickle.dumps(drg.Grouper.load(own_demo))
    toml = own_demo / "scheme.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8").replace(
            'missing_value = "reject"', 'missing_value = "false"'
        ),
        encoding="utf-8",
    )
    with pytest.raises(SchemeError) as caught:
        pickle.loads(frozen)
    assert caught.value.code == "S105"


# ---------------------------------------------------------------- Program

COMPILED = compile_scheme(load_scheme("demo"))
NAMES = sorted(COMPILED.arrays)
#: Arrays whose items point into others: a wrong item must be refused.
POINTERS = (
    "dx_classes", "px_classes", "dx_alias_ids", "px_alias_ids", "dx_counter_start",
    "px_counter_start",
    "row_kind", "row_leaf", "row_tests", "row_terms", "test_leaf", "test_terms", "check_terms",
    "leaf_outcome",
)  # fmt: skip
#: A perfect hash works with any number of shifts, only worse.
ANY_LENGTH = ("dx_shifts", "px_shifts", "dx_alias_shifts", "px_alias_shifts")


def program(**changed: object) -> grouper_core.Program:
    """The demo's program with some arrays or settings changed; None takes one away."""
    arrays, settings = dict(COMPILED.arrays), dict(COMPILED.settings)
    for name, value in changed.items():
        place = arrays if name in arrays else settings
        place[name] = value
        if value is None:
            del place[name]
    return grouper_core.Program(arrays, settings)


def test_the_compiled_program_is_sound():
    made = program()
    assert made.n_leaves == len(COMPILED.leaves)
    assert made.n_columns == len(COMPILED.fields)


@pytest.mark.parametrize("name", [*NAMES, *COMPILED.settings])
def test_missing_parts_are_refused(name):
    if name.startswith("field") and name.endswith("_rows"):
        assert program(**{name: None}).n_leaves == len(COMPILED.leaves)  # the one optional part
    else:
        with pytest.raises(KeyError):
            program(**{name: None})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "how", ["longer", "shorter", "empty", "float", "strided", "two dimensions"]
)
def test_unsound_shapes_are_refused(name, how):
    array = COMPILED.arrays[name]
    match how:
        case "longer":
            changed = np.concatenate([array, np.zeros(1, array.dtype)])
        case "shorter":
            changed = array[:-1].copy() if len(array) else np.zeros(3, array.dtype)
        case "empty":
            changed = array[:0] if len(array) else np.zeros(5, array.dtype)
        case "float":
            changed = array.astype(np.float64)
        case "strided":
            changed = np.repeat(array if len(array) > 1 else np.zeros(2, array.dtype), 2)[::2]
        case "two dimensions":
            changed = array.reshape(1, -1)
    if name in ANY_LENGTH and how in ("longer", "shorter"):
        assert program(**{name: changed}).n_leaves == len(COMPILED.leaves)
    else:
        with pytest.raises((ValueError, IndexError)):
            program(**{name: changed})


@pytest.mark.parametrize("name", POINTERS)
def test_wild_pointers_are_refused(name):
    array = COMPILED.arrays[name]
    for at in (0, len(array) // 2, len(array) - 1):
        changed = array.copy()
        changed[at] = np.iinfo(array.dtype).max
        with pytest.raises(ValueError, match="not sound"):
            program(**{name: changed})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("words", 0), ("words", 9), ("n_rows", 0), ("n_rows", 10_000), ("n_slots", 33),
        ("n_sites", 33),
        ("n_stops", -1), ("n_stops", 1_000), ("rejected_leaf", 60_000),
        ("ungroupable_leaf", 60_000),
        ("mcc_literal", 64 * 8), ("cc_literal", -1), ("field_columns", [99]),
    ],
)  # fmt: skip
def test_unsound_settings_are_refused(name, value):
    with pytest.raises((ValueError, OverflowError, KeyError)):
        program(**{name: value})


@pytest.mark.parametrize("name", NAMES)
def test_any_bits_run_without_harm(name):
    """What Program lets through can be run: the answer may be wrong, the process stays whole."""
    frame = pl.DataFrame({
        "diagnoses": [["I63.905", "J96.000"], ["P07.300"], ["zzz", None], []],
        "procedures": [["01.2401", "96.0400"], [], ["x"], None],
    })  # fmt: skip
    dice = np.random.default_rng(5)
    outcomes = set()
    for _ in range(30):
        array = COMPILED.arrays[name].copy()
        if len(array):
            info = np.iinfo(array.dtype)
            array[dice.integers(len(array))] = dice.integers(
                info.min, info.max, dtype=array.dtype, endpoint=True
            )
        try:
            changed = program(**{name: array})
        except ValueError:
            outcomes.add("refused")
            continue
        out = [np.zeros(4, t) for t in (np.uint16, np.uint8, np.uint16)]
        batches = grouper_core.read_stream(
            frame.select("diagnoses", "procedures"), ("diagnoses",), ("procedures",)
        )
        scalars = [np.full(4, 28, np.int32) for _ in COMPILED.fields]
        grouper_core.group_batch(changed, batches[0], scalars, 0, 0, 4, *out)
        assert out[0].max() < changed.n_leaves
        outcomes.add("ran")
    assert outcomes
