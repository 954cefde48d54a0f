"""Combination programs in batches, what is refused, shipped catalogues."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_combinations import (
    DX,
    PAIR,
    PX,
    ask,
    catalogue,
    group,
    ordered,
)

import grouper_core as core
from drg.dip.cache import load_compiled_catalogue
from drg.dip.catalogue import load_catalogue, locate_catalogue
from drg.dip.compile import compile_catalogue
from drg.dip.model import (
    AuxiliaryClass,
    Condition,
    Subtype,
)
from drg.errors import TableError

# ---------------------------------------------------------------- batches

REAL = compile_catalogue(
    catalogue(
        *PAIR.groups,
        group("K80:SS", group_class="comprehensive", diagnosis=("K80",), attribute="SS"),
        group("D", "22.0100/22.0200", mean_fen=700, conditions=("b",)),
        group("CH", group_class="chapter", diagnosis=("A00-K93",), conditions=("a",)),
        subtypes=(Subtype("A", "t1", 5), Subtype("K80:SS", "t0", 6)),
        classes=(
            AuxiliaryClass("t", "t0", "", "", ("a",)),
            AuxiliaryClass("t", "t1", "", "", ("b",)),
        ),
        conditions=(Condition("a", "age"), Condition("b", secondary=("E11",))),
        matching=ordered("most_terms", "nearest_mean"),
    )
)  # fmt: skip
CODES = st.sampled_from([*DX, "K80", "K80.1", "k80.100", "Z", "", None])
CLAIMS = st.lists(
    st.tuples(
        st.lists(CODES, max_size=4),
        st.lists(st.sampled_from([*PX, "9", "", None]), max_size=5),
        st.integers(-1, 999),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=40,
)


def columns(claims: list) -> tuple[pl.DataFrame, list[np.ndarray]]:
    dx, px, cost, true, unknown = zip(*claims, strict=True)
    schema = {"d": pl.List(pl.String), "p": pl.List(pl.String)}
    frame = pl.DataFrame({"d": list(dx), "p": list(px)}, schema=schema)
    return frame, [np.array(cost), np.array(true, np.uint64), np.array(unknown, np.uint64)]


def outputs(rows: int) -> list[np.ndarray]:
    return [np.full(rows, 250, kind) for kind in (np.uint32, np.uint8, np.uint16)]


@given(CLAIMS, st.integers(1, 7), st.booleans())
@settings(deadline=None)
def test_a_claim_is_the_same_anywhere(claims, size, backwards):
    """Alone, in a batch, in chunks, on threads, in another order: the same numbers."""
    program = REAL.program()
    alone = [core.match_one(program, *claim) for claim in claims]
    shown = claims[::-1] if backwards else claims
    frame, given_columns = columns(shown)
    chunks = pl.concat([frame[at : at + size] for at in range(0, len(claims), size)], rechunk=False)
    batches = core.read_stream(chunks, ("d",), ("p",))
    out = outputs(len(claims))
    starts = np.cumsum([0, *(batch.rows for batch in batches)]).tolist()

    def task(job: tuple[core.ClaimBatch, int]) -> None:
        batch, offset = job
        for start in range(0, batch.rows, 2):
            stop = min(start + 2, batch.rows)
            core.match_batch(program, batch, *given_columns, offset, start, stop, *out)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(task, zip(batches, starts[:-1], strict=True)))
    rows = list(zip(*(column.tolist() for column in out), strict=True))
    assert rows == (alone[::-1] if backwards else alone)


def test_blocks_of_a_long_batch():
    claims = [(["K80.100", DX[n % 15]], [PX[n % 8]], n, n % 4, 0) for n in range(1_000)]
    program = REAL.program()
    frame, given_columns = columns(claims)
    (batch,) = core.read_stream(frame.rechunk(), ("d",), ("p",))
    out = outputs(1_002)
    shifted = [np.concatenate([column[:1], column, column[:1]]) for column in given_columns]
    core.match_batch(program, batch, *shifted, 1, 0, 1_000, *out)
    assert [column[0] for column in out] == [column[-1] for column in out] == [250] * 3
    rows = list(zip(*(column[1:-1].tolist() for column in out), strict=True))
    assert rows == [core.match_one(program, *claim) for claim in claims]


def test_columns_may_be_absent():
    frame, given_columns = columns([(["K80.100"], ["22.0100"], 5, 1, 0)])
    (batch,) = core.read_stream(frame, ("d",), ("p",))
    program = REAL.program()
    for cost, true in ((None, None), (given_columns[0], None), (None, given_columns[1])):
        out = outputs(1)
        core.match_batch(program, batch, cost, true, None, 0, 0, 1, *out)
        bare = core.match_one(program, ["K80.100"], ["22.0100"], true=0 if true is None else 1)
        assert tuple(column[0] for column in out) == bare


# ---------------------------------------------------------------- what is refused


def run(**changed: Any) -> None:
    frame, (cost, true, unknown) = columns([(["K80.100"], ["11.0100"], 5, 0, 0)] * 3)
    (batch,) = core.read_stream(frame, ("d",), ("p",))
    leaf, decided, reason = outputs(3)
    of = {
        "program": REAL.program(), "batch": batch, "cost": cost, "true": true, "unknown": unknown,
        "offset": 0, "start": 0, "stop": 3, "leaf": leaf, "decided": decided, "reason": reason,
    }  # fmt: skip
    core.match_batch(**{**of, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"stop": 4}, {"start": 3, "stop": 2}, {"start": -1}, {"offset": -1}, {"offset": 1},
        {"cost": np.zeros(2, np.int64)}, {"cost": np.zeros(3, np.int32)},
        {"true": np.zeros(2, np.uint64)}, {"unknown": np.zeros(0, np.uint64)},
        {"leaf": np.zeros(3, np.uint16)}, {"leaf": np.zeros(2, np.uint32)},
        {"decided": np.zeros(2, np.uint8)}, {"reason": np.zeros(2, np.uint16)},
        {"reason": np.zeros(6, np.uint16)[::2]},
    ],
)  # fmt: skip
def test_ranges_and_columns_are_checked(changed):
    run()
    with pytest.raises(ValueError):  # noqa: PT011
        run(**changed)


def test_codes_are_no_single_text():
    with pytest.raises(TypeError):
        core.match_one(REAL.program(), "K80.100", [])
    with pytest.raises(OverflowError):
        core.match_one(REAL.program(), [], [], true=2**64)


def broken(name: str, at: int, value: int) -> dict[str, Any]:
    array = REAL.arrays[name].copy()
    array[at] = value
    return {**REAL.arrays, name: array}


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("dx_classes", 5, 60_000), ("dx_classes", 0, 1), ("px_classes", 1, 0),
        ("px_classes", 5, 60_000), ("dx_alias_ids", 0, 60_000), ("dx_scopes", 7, 900),
        ("dx_failed", 0, 900), ("px_kind", 2, 32), ("dx_comorbid", 3, 1),
        ("cand_group", 0, 900), ("scope_start", 1, 1), ("scope_start", -1, 900),
        ("scope_bare", 1, 900), ("scope_bare", 2, 1), ("key_start", -1, 900), ("key_start", 1, 900),
        ("entries", 0, 900 << 13),
        ("entries", 0, 63 << 1), ("entries", 0, 1 << 7), ("group_terms", 0, 65),
        ("group_leaf", 0, 900), ("group_subtypes", -1, 900), ("group_subtypes", 1, 900),
        ("sub_type", 0, 31), ("sub_class", 0, 0xFFFF), ("sub_leaf", 0, 900),
        ("type_start", 1, 900), ("class_subtype", 0, 0xFFFF), ("comparators", 0, 9),
    ],
)  # fmt: skip
def test_an_offset_that_points_outside_is_refused(name, at, value):
    with pytest.raises(ValueError, match="not sound"):
        core.CombinationProgram(broken(name, at, value), dict(REAL.settings))


def test_keys_of_no_scope_are_refused():
    used = int(np.flatnonzero(REAL.arrays["keys"])[0])
    with pytest.raises(ValueError, match="scope"):
        core.CombinationProgram(broken("keys", used, 900 << 16 | 2), dict(REAL.settings))
    with pytest.raises(ValueError, match="scope"):
        core.CombinationProgram(broken("keys", used, 2**64 - 1), dict(REAL.settings))
    full = {**REAL.arrays, "keys": np.full_like(REAL.arrays["keys"], REAL.arrays["keys"][used])}
    with pytest.raises(ValueError, match="no key is empty"):
        core.CombinationProgram(full, dict(REAL.settings))


#: Arrays whose length says how much there is of something.
SIZES = ("comparators", "leaf_reason", "px_kind", "type_start")


@pytest.mark.parametrize("name", sorted(REAL.arrays))
def test_an_array_of_another_size_or_type_is_refused(name):
    array = REAL.arrays[name]
    longer = np.concatenate([array, array[-1:] if array.size else np.zeros(1, array.dtype)])
    wrong = [array.astype(np.float64), np.stack([array, array])]
    for other in wrong if name in SIZES or name.endswith("shifts") else [*wrong, longer]:
        with pytest.raises(ValueError, match="not sound"):
            core.CombinationProgram({**REAL.arrays, name: other}, dict(REAL.settings))
    less = {n: a for n, a in REAL.arrays.items() if n != name}
    with pytest.raises(KeyError):
        core.CombinationProgram(less, dict(REAL.settings))


@pytest.mark.parametrize(("name", "value"), [("missing_leaf", 900), ("last_kind", 32)])
def test_settings_are_checked(name, value):
    with pytest.raises(ValueError, match=name):
        core.CombinationProgram(dict(REAL.arrays), {**REAL.settings, name: value})


@pytest.mark.parametrize("name", sorted(REAL.settings))
def test_a_setting_that_is_missing(name):
    less = {n: value for n, value in REAL.settings.items() if n != name}
    with pytest.raises(KeyError):
        core.CombinationProgram(dict(REAL.arrays), less)


def test_a_program_is_built_once_and_whole():
    program = REAL.program()
    with pytest.raises(ValueError, match="once"):
        program.__init__(dict(REAL.arrays), dict(REAL.settings))
    empty = core.CombinationProgram.__new__(core.CombinationProgram)
    with pytest.raises(ValueError, match="not built"):
        core.match_one(empty, [], [])


def test_more_than_the_kernel_holds():
    many = tuple(Condition(f"c{n}", "age") for n in range(65))
    with pytest.raises(TableError) as caught:
        compile_catalogue(catalogue(group("A"), conditions=many))
    assert caught.value.code == "T124"
    with pytest.raises(TableError):
        compile_catalogue(catalogue(group("A", "+".join(["11.0100"] * 65))))
    full = catalogue(group("A", conditions=("c63",)), conditions=many[:64])
    assert ask(full, true=1 << 63).group == "A"


# ---------------------------------------------------------------- shipped catalogues


@pytest.mark.parametrize("codes", ["insurance", "clinical"])
def test_the_cache_gives_back_what_was_compiled(tmp_path, monkeypatch, codes):
    monkeypatch.setenv("DRG_CACHE", str(tmp_path))
    location = locate_catalogue("taian-2025", codes)
    first, second = load_compiled_catalogue(location), load_compiled_catalogue(location)
    assert len(list(tmp_path.iterdir())) == 1
    for name in ("id", "digest", "settings", "reasons", "decided", "conditions", "leaves"):
        assert getattr(first, name) == getattr(second, name), name
    assert {k: dict(v) for k, v in first.twins.items()} == second.twins
    assert list(first.arrays) == list(second.arrays)
    for name, array in first.arrays.items():
        assert np.array_equal(array, second.arrays[name]), name
        assert array.dtype == second.arrays[name].dtype


def test_a_listed_combination_is_its_own_group():
    """Every group of Tai'an with procedures gets a claim of just those, in their order."""
    compiled = load_compiled_catalogue(locate_catalogue("taian-2025"))
    program = compiled.program()
    missed = []
    for of in load_catalogue("taian-2025").groups:
        if not of.terms or of.conditions:
            continue
        procedures = [term[0] for term in of.terms]
        leaf, _, _ = core.match_one(program, of.diagnosis[:1], procedures)
        if compiled.leaves[leaf].adrg != of.code:
            missed.append((of.code, compiled.leaves[leaf].adrg))
    assert missed == []
