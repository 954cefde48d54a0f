"""How long until a scheme is ready: from the compiled cache, and compiled for the first time?"""

from __future__ import annotations

import drg
from drg.schemes.catalog import load_scheme
from drg.schemes.compile import compile_scheme

SCHEME = "chs-drg-2.0"


def test_load_from_the_cache(benchmark):
    drg.Grouper.load(SCHEME)
    benchmark(lambda: drg.Grouper.load(SCHEME))


def test_first_compile(benchmark):
    """Tables read, checked and compiled, nothing cached."""
    benchmark.pedantic(lambda: compile_scheme(load_scheme(SCHEME)), rounds=5)
