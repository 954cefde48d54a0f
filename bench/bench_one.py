"""How long does one claim take: a full GroupResult, and the same with its trace?"""

from __future__ import annotations

from itertools import cycle

import pytest

import drg


@pytest.fixture(scope="module")
def made(claims):
    return [drg.Claim.from_row(row) for row in claims[:1_000].iter_rows(named=True)]


def test_one_claim(benchmark, grouper, made):
    one = cycle(made)
    benchmark(lambda: grouper.group(next(one)))


def test_one_claim_with_trace(benchmark, grouper, made):
    one = cycle(made)
    benchmark(lambda: grouper.explain(next(one)))
