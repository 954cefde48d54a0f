"""How fast does a DIP catalogue match a frame with list[str] columns, and how soon is it ready?"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import grouper_core
from drg.dip.cache import load_compiled_catalogue
from drg.dip.catalogue import load_catalogue, locate_catalogue
from drg.dip.compile import compile_catalogue
from drg.dip.grouper import DipGrouper
from drg.dip.vocabulary import Vocabulary

CATALOGUE = "taian-2025"


@pytest.fixture(scope="module")
def dip() -> DipGrouper:
    return DipGrouper.load(CATALOGUE)


@pytest.fixture(scope="module")
def drawn(dip, claims) -> pl.DataFrame:
    """The claims with diagnosis and procedures of groups drawn evenly, two of their own left."""
    places = Vocabulary(dip.catalogue).diagnoses
    codes: dict[str, list[str]] = {}
    for code in dip.catalogue.dx_names:
        for name in places[code][1:]:
            codes.setdefault(name, []).append(code)
    picks = np.random.default_rng(1).integers(0, len(dip.catalogue.groups), claims.height)
    groups = [dip.catalogue.groups[n] for n in picks]
    of_group = [codes[group.diagnosis[0].upper()] for group in groups]
    principal = pl.Series([own[n % len(own)] for n, own in enumerate(of_group)])
    procedures = pl.Series(
        [[term[0] for term in group.terms] for group in groups], dtype=pl.List(pl.String)
    )
    return claims.with_columns(
        diagnoses=pl.concat_list(principal, pl.col("diagnoses").list.slice(1)),
        procedures=pl.concat_list(procedures, pl.col("procedures").list.slice(0, 2)),
    ).rechunk()


@pytest.mark.parametrize("threads", [1, 2])
def test_list_frame(rate, dip, drawn, threads):
    rate(lambda: dip.results_frame(drawn, threads=threads), drawn.height)


def test_kernel_alone(rate, note, dip, drawn):
    """Codes to numbers on one thread; every scalar condition unknown."""
    compiled, rows = dip.compiled, drawn.height
    program = compiled.program()
    unknown = np.full(rows, 2**64 - 1, np.uint64)
    cost = np.full(rows, 500_000, np.int64)
    out = [np.empty(rows, kind) for kind in (np.uint32, np.uint8, np.uint16)]
    codes = ("diagnoses",), ("procedures",)
    (batch,) = grouper_core.read_stream(drawn.select(*codes[0], *codes[1]), *codes)
    rate(
        lambda: grouper_core.match_batch(program, batch, cost, None, unknown, 0, 0, rows, *out),
        rows,
    )
    grouped = np.array([leaf.outcome == "GROUPED" for leaf in compiled.leaves])[out[0]]
    several = np.count_nonzero(out[1]) / rows
    note(f"{CATALOGUE}: {grouped.mean():.1%} grouped, {several:.1%} chosen among several groups")


def test_compile(benchmark):
    catalogue = load_catalogue(CATALOGUE)
    benchmark.pedantic(lambda: compile_catalogue(catalogue), rounds=3)


def test_load_from_cache(benchmark, dip):
    benchmark.pedantic(lambda: load_compiled_catalogue(locate_catalogue(CATALOGUE)), rounds=10)
