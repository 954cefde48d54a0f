"""Integer fen, scaled weights and the only rounding: exact, half up once, parts that add up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.money import (
    AmountError,
    allocate,
    exact_sum,
    fen,
    mul_div,
    mul_div_array,
    read_fen,
    round_scaled,
    scaled,
    unscaled,
    yuan,
)

INTS = st.integers(-(10**30), 10**30)
INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [
        ("12252.70", 1225270), ("0", 0), ("-0.5", -50), ("+3", 300), (".5", 50), ("7.", 700),
        (" 1.20\u3000", 120), ("1.2000", 120), (12, 1200), (Decimal("0.10"), 10),
        (Decimal("1E+3"), 100_000), ("99999999999999999999.99", 9999999999999999999999),
    ],
)  # fmt: skip
def test_yuan_become_fen_exactly(amount, wanted):
    assert fen(amount) == wanted


@pytest.mark.parametrize(
    "amount",
    ["", ".", "1.234", "1,234.00", "1e3", "abc", "１２", "--1", 0.1, True, Decimal("0.001"), "NaN"],
)
def test_what_is_no_amount_is_refused_with_the_mend(amount):
    with pytest.raises(AmountError, match=r"\[W401\].*1234\.50") as caught:
        fen(amount)
    assert caught.value.exit_code == 2


def test_parts_of_a_fen_are_rounded_only_when_told():
    assert fen("0.125", half_up=True) == 13
    assert fen("0.1249", half_up=True) == 12
    assert fen("-0.125", half_up=True) == -13
    assert fen(0.285, half_up=True) == 29  # the binary number lies below 0.285
    assert fen(1e-9, half_up=True) == 0


def test_weights_are_held_to_four_places():
    assert scaled("0.729") == 7290
    assert unscaled(7290) == "0.7290"
    assert scaled("18.2858") == 182858
    with pytest.raises(AmountError, match="W401"):
        scaled("0.12345")
    assert (unscaled(-5), unscaled(12, 0), unscaled(-12, 0)) == ("-0.0005", "12", "-12")


@given(INTS, st.integers(0, 6))
def test_scaled_text_reads_back(value, places):
    assert scaled(unscaled(value, places), places) == value


@given(INTS)
def test_yuan_reads_back(value):
    assert fen(yuan(value)) == value


@given(INTS, INTS, INTS.filter(bool))
def test_mul_div_is_half_up_of_the_exact_ratio(a, b, c):
    exact = Fraction(a * b, c)
    found = mul_div(a, b, c)
    assert abs(found - exact) <= Fraction(1, 2)
    if abs(found - exact) == Fraction(1, 2):
        assert abs(found) > abs(exact)


@given(st.decimals(-(10**9), 10**9, places=7), st.integers(0, 6))
def test_rounding_is_that_of_excel(value, places):
    wanted = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert Decimal(unscaled(round_scaled(Fraction(value), places), places)) == wanted


@given(
    st.lists(st.tuples(INT64, st.integers(-(10**6), 10**6)), max_size=20), st.integers(1, 10**12)
)
def test_columns_are_multiplied_like_single_numbers(pairs, c):
    a = np.array([x for x, _ in pairs], dtype=np.int64)
    b = np.array([y for _, y in pairs], dtype=np.int64)
    wanted = [mul_div(x, y, c) for x, y in pairs]
    if all(-(2**63) <= w < 2**63 for w in wanted):
        assert mul_div_array(a, b, c).tolist() == wanted
    else:
        with pytest.raises(OverflowError):
            mul_div_array(a, b, c)


def test_a_column_past_int64_takes_the_exact_road():
    big = np.array([2**62, -(2**63)], dtype=np.int64)
    assert mul_div_array(big, np.array([9, 10], dtype=np.int64), 10).tolist() == [
        mul_div(2**62, 9, 10),
        -(2**63),
    ]
    with pytest.raises(ValueError, match="greater than zero"):
        mul_div_array(big, big, 0)


@given(st.lists(INT64, max_size=30))
def test_sums_are_exact(values):
    assert exact_sum(np.array(values, dtype=np.int64)) == sum(values)


@given(
    st.integers(-(10**18), 10**18),
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 10**9), min_size=1),
)
def test_parts_add_up_to_the_total(total, shares):
    if not any(shares.values()):
        shares = {**shares, "x": 1}
    parts = allocate(total, shares)
    assert list(parts) == list(shares)
    assert sum(parts.values()) == total
    whole = sum(shares.values())
    for key, part in parts.items():
        assert abs(part - Fraction(total * shares[key], whole)) < 1


def test_ties_go_to_the_lowest_key():
    assert allocate(100, {"b": 1, "a": 1, "c": 1}) == {"b": 33, "a": 34, "c": 33}
    assert allocate(-100, {"b": 1, "a": 1, "c": 1}) == {"b": -33, "a": -34, "c": -33}
    assert allocate(1, {"H2": 3, "H1": 3, "H3": 4}) == {"H2": 0, "H1": 0, "H3": 1}


def test_nothing_can_only_be_given_out_to_nobody():
    assert allocate(0, {"a": 0}) == {"a": 0}
    with pytest.raises(ValueError, match="all zero"):
        allocate(1, {"a": 0})
    with pytest.raises(ValueError, match="negative"):
        allocate(1, {"a": 2, "b": -1})


def test_a_column_of_yuan_is_read_cell_by_cell():
    cells = ["1.20", " 7 ", "", None, "abc", "1,234.00", "0.125", "-0.125", "1.2000", ".5", "1e3",
             "12345678901234.00"]  # fmt: skip
    read = read_fen(pl.Series(cells))
    assert read.fen.to_list() == [120, 700, None, None, None, None, 13, -13, 120, 50, None, None]
    assert read.unreadable.to_list() == [
        False, False, False, False, True, True, False, False, False, False, True, True,
    ]  # fmt: skip
    assert read.rounded.to_list() == [False] * 6 + [True, True] + [False] * 4


@pytest.mark.parametrize(
    ("series", "wanted"),
    [
        (pl.Series([1, None, -2]), [100, None, -200]),
        (pl.Series([0.1 + 0.2, 12345678.01, None, float("nan")]), [30, 1234567801, None, None]),
        (pl.Series([Decimal("1.20"), None]), [120, None]),
        (pl.Series([True, None]), [None, None]),
    ],
)
def test_other_dtypes_of_yuan(series, wanted):
    assert read_fen(series).fen.to_list() == wanted


@given(st.lists(st.decimals(-(10**10), 10**10, places=4)))
def test_a_column_is_read_like_single_cells(values):
    texts = [format(value, "f") for value in values]
    read = read_fen(pl.Series(texts, dtype=pl.String))
    assert read.fen.to_list() == [fen(text, half_up=True) for text in texts]
    assert not read.unreadable.any()
