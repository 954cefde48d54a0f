"""What must not change a result: row order, chunks, threads, repeats, layout, process."""

from __future__ import annotations

import multiprocessing
import pickle
import random
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

import drg
from drg.claims.frame import RESULT_NAMES, schema
from drg.claims.profiles import ClaimColumns
from drg.grouping import grouper as grouper_module

SCALARS = {name: name for name, dtype in schema().items() if not isinstance(dtype, pl.List)}
LISTS = ClaimColumns(SCALARS, ("diagnoses",), True, ("procedures",), True)


def results(
    grouper: drg.Grouper, frame: object, columns: ClaimColumns = LISTS, threads: int = 1
) -> list[tuple]:
    return grouper.group_frame(frame, columns, threads=threads).select(RESULT_NAMES).rows()


@pytest.fixture(scope="module")
def month(national) -> pl.DataFrame:
    """A made month with defects: every outcome is in it."""
    frame = drg.synth(national.scheme, 4_000, seed=7, defects=0.2)
    assert national.group_frame(frame)["outcome"].n_unique() == 4
    return frame


@pytest.fixture(scope="module")
def expected(national, month) -> list[tuple]:
    return results(national, month)


@pytest.fixture(scope="module")
def pool(national):
    return strategies.Pool(national.scheme)


def test_rows_stay_in_order_and_columns_stay(national, month):
    grouped = national.group_frame(month)
    assert grouped.columns == [*month.columns, *RESULT_NAMES]
    assert grouped.select(month.columns).equals(month)


def test_row_order_changes_nothing(national, month, expected):
    order = list(range(month.height))
    random.Random(3).shuffle(order)
    assert results(national, month[order]) == [expected[i] for i in order]


@pytest.mark.parametrize("size", [1, 7, 255, 256, 257, 1000])
def test_chunks_change_nothing(national, month, expected, size):
    rows = month.height if size > 1 else 300
    parts = [month[start : min(start + size, rows)] for start in range(0, rows, size)]
    chunked = pl.concat(parts, rechunk=False)
    assert chunked.n_chunks() == len(parts)
    assert results(national, chunked) == expected[:rows]


def test_empty_chunks_and_slices(national, month, expected):
    pieces = [month[:0], month[5:900], month[:0], month[900:1700], month[1700:1700]]
    assert results(national, pl.concat(pieces, rechunk=False)) == expected[5:1700]
    assert results(national, month[13:77]) == expected[13:77]
    assert results(national, month[:0]) == []


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_nothing(national, month, expected, threads, monkeypatch):
    monkeypatch.setattr(grouper_module, "TASK_ROWS", 100)
    assert results(national, month, threads=threads) == expected


def test_lazy_frames_change_nothing(national, month, expected, tmp_path):
    lazy = national.group_frame(month.lazy(), LISTS)
    assert lazy.select(RESULT_NAMES).collect().rows() == expected
    assert lazy.select(RESULT_NAMES).collect(engine="streaming").rows() == expected
    month.write_parquet(tmp_path / "month.parquet", row_group_size=500)
    national.group_frame(pl.scan_parquet(tmp_path / "month.parquet"), LISTS).sink_parquet(
        tmp_path / "out.parquet"
    )
    assert pl.read_parquet(tmp_path / "out.parquet", columns=list(RESULT_NAMES)).rows() == expected


@given(data=st.data())
def test_repeated_codes_change_nothing(national, pool, data):
    row = data.draw(strategies.claim_rows(pool))
    more = dict(row)
    for name in ("diagnoses", "procedures"):
        codes = list(row[name] or [])
        if not [c for c in codes if c]:
            continue
        # A repeat stands anywhere after the first entry: before it, it would be another principal.
        for code in data.draw(
            st.lists(st.sampled_from([c for c in codes if c]), min_size=1, max_size=4)
        ):
            codes.insert(data.draw(st.integers(codes.index(code) + 1, len(codes))), code)
        more[name] = codes
    single, repeated = results(national, pl.DataFrame([row, more], schema=schema()))
    assert repeated == single, (row, more)


@given(data=st.data())
def test_order_of_secondary_codes_changes_nothing(national, pool, data):
    row = data.draw(strategies.claim_rows(pool))
    other = dict(row)
    for name in ("diagnoses", "procedures"):
        codes = row[name] or []
        if len(codes) > 2 and codes[0]:
            other[name] = [codes[0], *data.draw(st.permutations(codes[1:]))]
    first, second = results(national, pl.DataFrame([row, other], schema=schema()))
    assert first == second


# ---------------------------------------------------------------- layouts


def joined(frame: pl.DataFrame, separator: str) -> pl.DataFrame:
    return frame.with_columns(pl.col("diagnoses", "procedures").list.join(separator))


def wide(frame: pl.DataFrame, dtype: pl.DataType) -> tuple[pl.DataFrame, ClaimColumns]:
    names = {}
    for name, letter in (("diagnoses", "d"), ("procedures", "p")):
        width = int(frame[name].list.len().max() or 0)
        names[letter] = tuple(f"{letter}{i}" for i in range(width))
        frame = frame.with_columns(
            pl.col(name).list.get(i, null_on_oob=True).cast(dtype).alias(f"{letter}{i}")
            for i in range(width)
        )
    return frame.drop("diagnoses", "procedures"), ClaimColumns(
        SCALARS, names["d"], False, names["p"], False
    )


@pytest.mark.parametrize("separator", ["|", ",", ";", "；", "、"])
def test_joined_columns(national, month, expected, separator):
    columns = ClaimColumns(SCALARS, ("diagnoses",), True, ("procedures",), True, separator)
    assert results(national, joined(month, separator), columns) == expected


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical], ids=["String", "Categorical"])
def test_wide_columns(national, month, expected, dtype):
    frame, columns = wide(month, dtype())
    assert results(national, frame, columns) == expected


def test_lists_of_categories(national, month, expected):
    frame = month.with_columns(pl.col("diagnoses", "procedures").cast(pl.List(pl.Categorical)))
    assert results(national, frame) == expected


def test_principal_apart(national, month, expected):
    """Principal code in its own column, the others joined."""
    frame = month.with_columns(
        d0=pl.col("diagnoses").list.get(0, null_on_oob=True),
        d1=pl.col("diagnoses").list.slice(1).list.join("|"),
        p0=pl.col("procedures").list.get(0, null_on_oob=True),
        p1=pl.col("procedures").list.slice(1).list.join("|"),
    ).drop("diagnoses", "procedures")
    columns = ClaimColumns(SCALARS, ("d0", "d1"), True, ("p0", "p1"), True)
    assert results(national, frame, columns) == expected


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_pyarrow_tables(national, month, expected, text):
    kinds = {
        pa.large_string(): pa.large_list,
        pa.string(): pa.list_,
        pa.string_view(): pa.large_list,
    }
    table = joined(month, "|").to_arrow()
    at = {name: table.schema.get_field_index(name) for name in ("diagnoses", "procedures")}
    for name, place in at.items():
        column = pa.chunked_array([pa.array(table[name].to_pylist(), type=text)])
        table = table.set_column(place, name, column)
    assert results(national, table) == expected
    lists = month.to_arrow()
    for name, place in at.items():
        column = pa.array(month[name].to_list(), type=kinds[text](text))
        lists = lists.set_column(place, name, column)
    assert results(national, lists) == expected


def test_pandas_frames(national, month, expected):
    frame = joined(month, "|").to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert results(national, frame) == expected


def test_scalar_dtypes_change_nothing(national, month, expected):
    numbers = [n for n, t in schema().items() if t == pl.Int64]
    small = [n for n in numbers if n not in ("birth_weight_g", "admission_weight_g")]
    assert results(national, month.with_columns(pl.col(numbers).cast(pl.String))) == expected
    assert results(national, month.with_columns(pl.col(numbers).cast(pl.Float64))) == expected
    assert results(national, month.with_columns(pl.col(small).cast(pl.Int16))) == expected
    assert results(national, month.with_columns(pl.col(numbers).cast(pl.String) + ".0")) == expected


# ---------------------------------------------------------------- processes and threads


def test_threads_share_a_grouper(national, month, expected):
    pieces = [(start, month[start : start + 250]) for start in range(0, month.height, 250)]
    claims = [drg.Claim.from_row(row) for row in month[:200].iter_rows(named=True)]

    def work(piece: tuple[int, pl.DataFrame]) -> bool:
        start, frame = piece
        one = [str(national.group(claim).group) for claim in claims]
        return results(national, frame) == expected[start : start + 250] and one == [
            str(row[2]) for row in expected[:200]
        ]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, pieces))


def test_pickle(national, demo, month, expected):
    for grouper in (national, demo):
        again = pickle.loads(pickle.dumps(grouper))
        assert (again.scheme_id, again.digest, again.compat) == (
            grouper.scheme_id,
            grouper.digest,
            "",
        )
        assert len(pickle.dumps(grouper)) < 1_000
    assert results(pickle.loads(pickle.dumps(national)), month[:50]) == expected[:50]


def _some_claims(grouper: drg.Grouper) -> list[drg.Claim]:
    return [
        drg.Claim.from_row(row)
        for row in drg.synth(grouper.scheme, 40, seed=1).iter_rows(named=True)
    ]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_processes(demo, method):
    claims = _some_claims(demo)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(demo.group, claims)) == [demo.group(claim) for claim in claims]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*fork:RuntimeWarning")
def test_fork_after_threads(demo, monkeypatch):
    """A parent that has grouped with threads can fork; the child groups one claim at a time."""
    monkeypatch.setattr(grouper_module, "TASK_ROWS", 10)
    frame = drg.synth(demo.scheme, 200, seed=1)
    demo.group_frame(frame, threads=4)
    claims = _some_claims(demo)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(demo.group, claims, timeout=60)) == [
            demo.group(claim) for claim in claims
        ]
