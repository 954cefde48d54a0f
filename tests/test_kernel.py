"""grouper_core by itself: what it takes, what it refuses, and that it never reads past an end."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import drg
import grouper_core as core
from drg.schemes.catalog import load_scheme
from drg.schemes.compile import compile_scheme

COMPILED = compile_scheme(load_scheme("demo"))
PROGRAM = COMPILED.program()
CODES = load_scheme("demo").known_codes("dx").to_list()


def outputs(rows: int) -> list[np.ndarray]:
    return [np.zeros(rows, np.uint16), np.zeros(rows, np.uint8), np.zeros(rows, np.uint16)]


def scalars(rows: int) -> list[np.ndarray]:
    return [np.full(rows, 1 if name == "sex" else 40, np.int32) for name in COMPILED.fields]


def batch_of(diagnoses: list, procedures: list | None = None) -> core.ClaimBatch:
    frame = pl.DataFrame(
        {"d": diagnoses, "p": procedures or [[]] * len(diagnoses)},
        schema={"d": pl.List(pl.String), "p": pl.List(pl.String)},
    )
    (batch,) = core.read_stream(frame, ("d",), ("p",))
    return batch


def run(batch: core.ClaimBatch) -> list[np.ndarray]:
    out = outputs(batch.rows)
    core.group_batch(PROGRAM, batch, scalars(batch.rows), 0, 0, batch.rows, *out)
    return out


# ---------------------------------------------------------------- code tables


@given(
    st.lists(
        st.text(alphabet="AB019.+*x", min_size=1, max_size=24),
        min_size=1,
        max_size=300,
        unique=True,
    )
)
def test_tables_find_what_they_hold(codes):
    keys, shifts, slots = core.build_table(codes)
    assert core.find_codes(keys, shifts, codes) == [slot + 2 for slot in slots]
    assert len(set(slots)) == len(codes)
    others = [code + "?" if len(code) < 24 else "?" for code in codes]
    assert core.find_codes(keys, shifts, others) == [1] * len(others)


def test_every_national_code_is_found():
    for kind in ("dx", "px"):
        codes = load_scheme("chs-drg-2.0").known_codes(kind).to_list()
        keys, shifts, slots = core.build_table(codes)
        assert core.find_codes(keys, shifts, codes) == [slot + 2 for slot in slots]
        assert len(keys) < 1.25 * len(codes)


@pytest.mark.parametrize("codes", [["A", "A"], [""], ["x" * 25], ["九" * 9]])
def test_tables_refuse(codes):
    with pytest.raises(ValueError, match="code"):
        core.build_table(codes)


def test_absent_unknown_and_known():
    keys, shifts, slots = core.build_table(["A00.000"])
    assert core.find_codes(keys, shifts, ["", "A00.000", "a00.000", "x" * 30]) == [
        0,
        slots[0] + 2,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("a00.0", "A00.0"), ("Ａ００．０", "A00.0"), (" A 00.0\u3000", "A00.0"),
        ("\tA\u00a0", "A"), ("", ""),
        ("a17.0+g01*", "A17.0+G01*"), ("九", None), ("é", None), ("\x00", None), ("x" * 25, None),
        ("A" + " " * 90, "A"), ("\U000C0020", None), ("𠮷", None),
    ],
)  # fmt: skip
def test_folding(written, folded):
    assert core.fold_code(written) == folded


@given(st.text(max_size=40))
def test_folding_is_harmless_and_idempotent(text):
    folded = core.fold_code(text)
    if folded is not None:
        assert folded.isascii()
        assert core.fold_code(folded) == folded
        assert core.fold_code(folded.lower()) == folded


# ---------------------------------------------------------------- frames and ranges


@pytest.mark.parametrize("size", [1, 3, 4, 7, 8, 9, 11, 12, 13, 15, 16, 17, 23, 24, 25, 40])
@pytest.mark.parametrize("dtype", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_codes_of_every_length(size, dtype):
    """The same bytes give the same id in every string layout, at the end of a buffer as well."""
    code = ("I63.905" + "y" * 40)[:size] if size != 7 else "I63.905"
    table = pa.table({"d": pa.array([code, code], dtype), "p": pa.array([None, None], dtype)})
    (batch,) = core.read_stream(table, ("d",), ("p",))
    _, ids, _, none = core.encode_batch(PROGRAM, batch)
    assert ids[0] == ids[1]
    assert (ids[0] & 0x3FFFFFFF > 1) == (size == 7)
    assert len(none) == 0


def test_ids_give_what_strings_give():
    batch = batch_of(
        [["I63.905", "J96.000", "i63.905", "zz"], [], ["P07.300"]], [["01.2401"], [], ["x"]]
    )
    direct, out = run(batch), outputs(3)
    core.group_ids(PROGRAM, *core.encode_batch(PROGRAM, batch), scalars(3), *out)
    for one, other in zip(direct, out, strict=True):
        assert one.tolist() == other.tolist()


@pytest.mark.parametrize(
    ("start", "stop", "offset"), [(-1, 1, 0), (2, 1, 0), (0, 4, 0), (0, 3, 1), (0, 3, -1)]
)
def test_ranges_outside_are_refused(start, stop, offset):
    with pytest.raises(ValueError, match=r"range|short"):
        core.group_batch(
            PROGRAM, batch_of([["A"]] * 3), scalars(3), offset, start, stop, *outputs(3)
        )


def test_short_columns_are_refused():
    with pytest.raises(ValueError, match="rows, wanted"):
        core.group_batch(PROGRAM, batch_of([["A"]] * 3), scalars(2), 0, 0, 3, *outputs(3))
    with pytest.raises(ValueError, match="scalar columns"):
        core.group_batch(PROGRAM, batch_of([["A"]]), [], 0, 0, 1, *outputs(1))
    with pytest.raises(ValueError, match="scalars"):
        core.group_one(PROGRAM, ("A",), (), ())


def test_columns_of_another_type_are_refused():
    wrong = [column.astype(np.int64) for column in scalars(1)]
    with pytest.raises(ValueError, match="mismatch"):
        core.group_batch(PROGRAM, batch_of([["A"]]), wrong, 0, 0, 1, *outputs(1))


@pytest.mark.parametrize(
    ("start", "ids"),
    [
        ([0, 2], [9]),
        ([0, -1], [1]),
        ([-1, 1], [1]),
        ([0, 1], [1 << 29]),
        ([0, 1], [1 << 31]),
        ([1, 0], [1]),
    ],
)
def test_foreign_ids_are_refused(start, ids):
    none = (np.zeros(2, np.int64), np.zeros(0, np.uint32))
    claim = (np.array(start, np.int64), np.array(ids, np.uint32))
    for sides in ((*claim, *none), (*none, *claim)):
        with pytest.raises(ValueError, match=r"id|offsets"):
            core.group_ids(PROGRAM, *sides, scalars(1), *outputs(1))


def test_absent_columns_are_null():
    batch = batch_of([["I63.905"]])
    out, again = outputs(1), outputs(1)
    core.group_batch(PROGRAM, batch, [None] * PROGRAM.n_columns, 0, 0, 1, *out)
    core.group_batch(
        PROGRAM, batch, [np.full(1, core.FIELD_NULL, np.int32)] * PROGRAM.n_columns, 0, 0, 1, *again
    )
    assert [a.tolist() for a in out] == [a.tolist() for a in again]
    assert COMPILED.reasons[out[2][0]] == "E101"


@pytest.mark.parametrize("separator", ["", "||", "；", "\u00a0"])
def test_separator_is_one_ascii_character(separator):
    with pytest.raises(ValueError, match="separator"):
        core.read_stream(pl.DataFrame({"d": ["A"]}), ("d",), (), separator=separator)


@pytest.mark.parametrize("values", [[1], [1.5], [b"x"], [[1]], [True]])
def test_columns_that_are_not_text_are_refused(values):
    with pytest.raises(TypeError, match="wanted text"):
        core.read_stream(pl.DataFrame({"d": values}), ("d",), ())


def test_frames_with_other_columns_are_refused():
    with pytest.raises(ValueError, match="columns"):
        core.read_stream(pl.DataFrame({"d": ["A"], "e": ["B"]}), ("d",), ())
    with pytest.raises(AttributeError):
        core.read_stream([["A"]], ("d",), ())  # type: ignore[arg-type]


def test_block_edges():
    """Claims around the kernel's block size: nothing leaks from one claim or block to the next."""
    one = [["I63.905", "J96.000"], ["G40.900"], [], ["zz"], ["I63.905"]]
    expected = [array.tolist() for array in run(batch_of(one))]
    for times in (51, 52, 103, 206):
        found = run(batch_of(one * times))
        for array, want in zip(found, expected, strict=True):
            assert array.tolist() == want * times


def test_long_claims_grow_the_buffers():
    many = [*CODES[:5_000], "J96.000"]
    leaf, severity, _ = run(batch_of([["I63.905", *many], ["I63.905"]] * 3))
    assert leaf.tolist()[1::2] == [leaf[1]] * 3
    assert severity[0] == severity[2] != severity[1]


@given(st.binary(max_size=60), st.integers(0, 3))
def test_any_text_is_some_id(data, pad):
    text = data.decode("utf-8", "ignore") + " " * pad
    (leaf,), _, _ = run(batch_of([[text, "I63.905"]]))
    assert leaf < PROGRAM.n_leaves
    frame = pl.DataFrame({"d": [f"{text}|I63.905"], "p": [text]})
    (batch,) = core.read_stream(frame, ("d",), ("p",), dx_joined=True, px_joined=True)
    assert run(batch)[0][0] < PROGRAM.n_leaves


def test_program_that_was_not_built_is_refused():
    empty = core.Program.__new__(core.Program)
    with pytest.raises(ValueError, match="not built"):
        core.group_one(empty, ["A00.000"], [], ())
    (batch,) = core.read_stream(pl.DataFrame({"d": [["A00.000"]]}), ("d",), ())
    with pytest.raises(ValueError, match="not built"):
        core.encode_batch(empty, batch)


def test_codes_are_a_sequence_and_its_word_on_length_is_not_taken():
    class Lying:
        def __len__(self):
            return 0

        def __iter__(self):
            return iter(["A00.000"] * 10_000)

    program = drg.Grouper.load("demo")._program
    scalars = (core.FIELD_NULL,) * program.n_columns
    assert len(core.group_one(program, Lying(), [], scalars)) == 3
    assert len(core.group_one(program, ["\ud800"], [], scalars)) == 3
    with pytest.raises(TypeError, match="sequence"):
        core.group_one(program, "A00.000", [], scalars)


def test_offset_past_every_row_is_refused():
    program = drg.Grouper.load("demo")._program
    (batch,) = core.read_stream(pl.DataFrame({"d": [["A00.000"]] * 5}), ("d",), ())
    out = [np.zeros(5, t) for t in (np.uint16, np.uint8, np.uint16)]
    columns = [None] * program.n_columns
    for offset in (1, 2**63 - 5, 2**63 - 1):
        with pytest.raises(ValueError, match="too short"):
            core.group_batch(program, batch, columns, offset, 0, 5, *out)


def test_only_a_frame_of_the_named_columns_is_read():
    with pytest.raises(TypeError, match="frame"):
        core.read_stream(pl.Series("x", [["A"], ["B"]]), ("x",), ())
    with pytest.raises(ValueError, match="columns"):
        core.read_stream(pl.DataFrame({"a": ["A"]}), ("b",), ())
