"""The kernel: held to the reference groupers, fed unsound programs, and columns of every layout."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import made_schemes
import numpy as np
import polars as pl
import pyarrow as pa
import strategies
from dip_strategies import (
    claims_of,
    frame_of,
    grouper_of,
    random_catalogue,
    random_claim,
)
from fuzz.documented import chosen, documented, scratch
from fuzz.target_tables import COLUMNS, _with_tiny_tables
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import drg
import grouper_core
from drg.claims.frame import DIP_RESULT_NAMES, RESULT_NAMES, schema
from drg.dip.reference import ReferenceMatcher

__all__ = ["arrow", "kernel", "program"]

_QUIET = settings(
    database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def _agree(grouper: drg.Grouper, rows: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(rows, schema=schema())
    found = grouper.group_frame(frame, COLUMNS, threads=1).select(RESULT_NAMES).rows()
    for row, from_frame in zip(rows, found, strict=True):
        claim = drg.Claim.from_row(row)
        ways = [grouper.reference.group(claim), grouper.group(claim)]
        told = {tuple(str(getattr(way, name)) for name in RESULT_NAMES) for way in ways}
        assert told == {tuple(map(str, from_frame))}, row


@_QUIET
@given(
    scheme=made_schemes.schemes(),
    rows=st.lists(made_schemes.small_claims(), min_size=1, max_size=12),
)
def _made(scheme: made_schemes.SchemeText, rows: list[dict[str, Any]]) -> None:
    """Any rule, any flag, any claim over a dozen codes."""

    def work() -> None:
        with documented():
            _agree(drg.Grouper.load(scheme.write(folder / "made")), rows)

    with scratch() as folder:
        _with_tiny_tables(work, folder)


@cache
def _demo() -> tuple[drg.Grouper, strategies.Pool]:
    grouper = drg.Grouper.load("demo")
    return grouper, strategies.Pool(grouper.scheme)


@_QUIET
@given(data=st.data())
def _shipped(data: st.DataObject) -> None:
    """Claims aimed at the rows of a shipped scheme."""
    grouper, pool = _demo()
    _agree(grouper, data.draw(strategies.claims(pool)))


def _dip(data: bytes) -> None:
    """A catalogue and its claims, from a seed."""
    seed = int.from_bytes(data[:4], "little")
    catalogue = random_catalogue(seed)
    rows = [random_claim(seed, number) for number in range(12)]
    grouper, matcher = grouper_of(catalogue), ReferenceMatcher(catalogue)
    names = (*RESULT_NAMES, *DIP_RESULT_NAMES)
    found = grouper.results_frame(frame_of(rows), threads=1)
    assert found.columns == [*names]
    for row, claim, told in zip(rows, claims_of(rows), found.rows(named=True), strict=True):
        expected = matcher.match(claim)
        assert grouper.group(claim) == expected, row
        assert [str(told[name]) for name in RESULT_NAMES] == [
            str(getattr(expected, name)) for name in RESULT_NAMES
        ], row


def kernel(data: bytes) -> None:
    """Kernel and reference; the first byte says of what."""
    kind, content = chosen(data, ("made", "shipped", "dip"))
    if kind == "dip":
        _dip(content)
    else:
        (_made if kind == "made" else _shipped).hypothesis.fuzz_one_input(content)


# ---------------------------------------------------------------- unsound programs


@cache
def _programs() -> tuple[tuple[Callable[..., Any], dict[str, Any], dict[str, Any]], ...]:
    """Sound arrays and settings: of the 20-code scheme and of a random catalogue."""
    one = drg.Grouper.load("demo").compiled
    two = vars(grouper_of(random_catalogue(7)))["_compiled"]
    return (
        (grouper_core.Program, dict(one.arrays), dict(one.settings)),
        (grouper_core.CombinationProgram, dict(two.arrays), dict(two.settings)),
    )


@cache
def _batch() -> tuple[list[grouper_core.ClaimBatch], int]:
    rows = [random_claim(7, number) for number in range(40)]
    rows += [{**rows[0], "diagnoses": [code, *made_schemes.DX]} for code in sorted(_codes())]
    frame = pl.DataFrame(
        {name: [row[name] for row in rows] for name in ("diagnoses", "procedures")},
        schema=dict.fromkeys(("diagnoses", "procedures"), pl.List(pl.String)),
    )
    return grouper_core.read_stream(frame, ("diagnoses",), ("procedures",)), len(rows)


def _codes() -> Iterator[str]:
    yield from _demo()[1].dx


def program(data: bytes) -> None:
    """Arrays with some items changed: refused with ValueError, or grouped without harm."""
    kind, content = chosen(data, ("drg", "dip"))
    make, arrays, told = _programs()[kind == "dip"]
    arrays, told = dict(arrays), dict(told)
    names, switches = sorted(arrays), sorted(told)
    for which, at, how, value in struct.iter_unpack("<BHBi", content[: len(content) // 8 * 8]):
        if which >= 200:
            told[switches[which % len(switches)]] = value
            continue
        name = names[which % len(names)]
        array = arrays[name] = arrays[name].copy()
        if how % 4 == 3:
            arrays[name] = array[: at % (array.size + 1)]
        elif array.size:
            old = int(array[at % array.size])
            new = (value, old + value, old ^ (1 << (value % 64)))[how % 4]
            array[at % array.size] = np.array(new % 2**64, np.uint64).astype(array.dtype)
    try:
        made = make(arrays, told)
    except (ValueError, KeyError, OverflowError, TypeError):
        return
    batches, rows = _batch()
    if kind == "drg":
        out = (np.zeros(rows, "H"), np.zeros(rows, "B"), np.zeros(rows, "H"))
        columns = [np.arange(rows, dtype=np.int32) for _ in range(16)]
        grouper_core.group_batch(made, batches[0], columns, 0, 0, rows, *out)
    else:
        out = (np.zeros(rows, "I"), np.zeros(rows, "B"), np.zeros(rows, "H"))
        grouper_core.match_batch(made, batches[0], None, None, None, 0, 0, rows, *out)


# ---------------------------------------------------------------- columns of every layout


def arrow(data: bytes) -> None:
    """The same codes in every Arrow layout and slice; the buffers end where the codes do."""
    rows = [line.split(b";") for line in data.decode("utf-8", "replace").encode().split(b"\n")]
    codes = [[code.decode() for code in row[:40]] for row in rows[:60]]
    joined = [None if row == ["-"] else "|".join(row) for row in codes]
    grouper, _ = _demo()
    made = grouper_core.Program(dict(grouper.compiled.arrays), dict(grouper.compiled.settings))
    expected: list[list[int]] | None = None
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        column = _exact(pa.array(joined, kind))
        for skip in (0, 1):
            table = pa.record_batch([column, column], ["d", "p"]).slice(skip)
            found = _grouped(made, table, joined=True)
            expected = expected or found
            assert found == [one[skip:] for one in expected]
    plain = [None if text is None else text.split("|") for text in joined]
    for kind in (pa.list_(pa.string()), pa.large_list(pa.large_string())):
        column = pa.array(plain, kind)
        found = _grouped(made, pa.record_batch([column, column], ["d", "p"]), joined=False)
        assert found == expected


def _exact(column: pa.Array) -> pa.Array:
    """The column with every buffer copied to memory that ends where it ends."""
    buffers = [
        None if one is None else pa.py_buffer(bytes(one)[: size or None])
        for one, size in zip(column.buffers(), _sizes(column), strict=True)
    ]
    return pa.Array.from_buffers(column.type, len(column), buffers, column.null_count)


def _sizes(column: pa.Array) -> list[int]:
    """Bytes that each buffer needs; 0: as it is."""
    bits, n = (len(column) + 7) // 8, len(column)
    if column.type == pa.string_view():
        return [bits, 16 * n, *[0] * (len(column.buffers()) - 2)]
    width = 4 if column.type == pa.string() else 8
    starts = np.frombuffer(column.buffers()[1], f"i{width}", n + 1)
    return [bits, width * (n + 1), int(starts[-1])]


def _grouped(made: grouper_core.Program, table: pa.RecordBatch, joined: bool) -> list[list[int]]:
    rows = table.num_rows
    out = (np.zeros(rows, "H"), np.zeros(rows, "B"), np.zeros(rows, "H"))
    done = 0
    reader = pa.RecordBatchReader.from_batches(table.schema, [table])
    for batch in grouper_core.read_stream(
        reader, ("d",), ("p",), dx_joined=joined, px_joined=joined
    ):
        grouper_core.group_batch(made, batch, [None] * 16, done, 0, batch.rows, *out)
        done += batch.rows
    assert done == rows
    return [one.tolist() for one in out]
