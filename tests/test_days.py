"""Days as files write them: a cell and a column are read alike, and nothing is guessed."""

from __future__ import annotations

import datetime
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.claims.days import read_day, read_days

JUNE = date(2025, 6, 30)
READ = [
    "2025-06-30", "2025-6-30", "2025/06/30", "2025/6/30", "2025.6.30", "2025年6月30日",
    "2025年06月30", "20250630", "20250630.0", " 2025-06-30 ", "2025-06-30 14:05",
    "2025-06-30 14:05:59.120",
    "2025-06-30T14:05:59+08:00", "2025/6/30 9:05", "2025年6月30日 9时", "202506301405",
    "20250630140559",
]  # fmt: skip
NOT_READ = [
    "", " ", "2025-02-30", "2025-13-01", "30/6/2025", "06-30-2025", "25-6-30", "2025-06", "2025",
    "45838", "2025-06-30x", "202506", "2025063", "2025-06-301", "２０２５-06-30", "昨天",
    "-2025-06-30", "12025-06-30",
    "1899-12-31", "2100-01-01", "0000-00-00", "9999-12-31",
]  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_what_is_read(text):
    assert read_day(text) == JUNE


@pytest.mark.parametrize("text", NOT_READ)
def test_what_is_not_guessed(text):
    assert read_day(text) is None


def test_a_column_reads_what_cells_read():
    texts = [*READ, *NOT_READ, None]
    wanted = [JUNE] * len(READ) + [None] * (len(NOT_READ) + 1)
    assert read_days(pl.Series(texts)).to_list() == wanted
    assert read_days(pl.Series(texts, dtype=pl.Categorical)).to_list() == wanted
    for text, day in zip(texts, wanted, strict=True):
        assert read_days(pl.Series([text], dtype=pl.String)).to_list() == [day]


PIECES = [
    "2025", "06", "6", "30", "29", "02", "2025-06-30", "20250630", "-", "/", ".", "年", "月", "日",
    " ", "T", "\u3000", "\t", "\n", ":", "+", "x", "0", "14:05", ".0", "２",
]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(), max_size=4))
def test_any_text_is_read_alike(texts):
    series = pl.Series(texts, dtype=pl.String)
    assert read_days(series).to_list() == [read_day(text) for text in texts]


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        ([JUNE, None, date(1800, 1, 1)], pl.Date),
        ([datetime.datetime.fromisoformat("2025-06-30T23:59"), None], pl.Datetime),
        ([20250630, None, 45838, -20250630, 2**40], pl.Int64),
        ([20250630, 1], pl.UInt32),
        ([20250630.0, 20250630.5, None, float("nan"), float("inf"), 1e30], pl.Float64),
        ([True, None], pl.Boolean),
        ([None, None], pl.Null),
        ([datetime.time(1, 2)], pl.Time),
        ([["2025-06-30"]], pl.List(pl.String)),
    ],
)
def test_every_dtype(cells, dtype):
    series = pl.Series(cells, dtype=dtype)
    days = read_days(series)
    assert days.dtype == pl.Date
    assert days.to_list() == [read_day(cell) for cell in cells]


def test_a_time_with_a_zone_is_the_day_of_its_clock():
    late = pl.Series(["2025-06-30 23:30"]).str.to_datetime("%Y-%m-%d %H:%M")
    there = late.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Shanghai")
    assert read_days(there).to_list() == [date(2025, 7, 1)]
