"""Amounts and ratios drawn at random, for tests of the payment mechanisms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from drg.money import round_scaled

FEN = st.integers(0, 10**9)
STANDARD = st.integers(1, 10**9)
#: Ratios as a policy has them, those whose products end in half a fen among them.
RATIO = st.integers(0, 10**4).map(lambda n: Fraction(n, 10**4))


def ints(values):
    return np.array(values, np.int64)


def flags(values):
    return np.array(values, np.bool_)


def half_up(value: Fraction) -> int:
    return round_scaled(value, 0)
