"""`make debug` tests a kernel that checks its indices and addresses; this proves that it does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import ROOT

import grouper_core.arrow
import grouper_core.codes
import grouper_core.kernel

DEBUG = os.environ.get("DRG_DEBUG") == "1"
#: Cython's helper that a module calls when an index of a memoryview is out of bounds.
BOUNDS_CHECK = b"__Pyx_RaiseBufferIndexErrorNogil"
SANITIZED = os.environ.get("DRG_SANITIZE") == "1"
#: What code that GCC's and Clang's sanitizers watch calls.
ADDRESS_CHECK, UNDEFINED_CHECK = b"__asan_report_load8", b"__ubsan_handle_pointer_overflow"


@pytest.mark.parametrize(
    "module", [grouper_core.codes, grouper_core.kernel], ids=lambda m: m.__name__
)
def test_bounds_are_checked_in_a_debug_build_only(module):
    binary = Path(module.__file__).read_bytes()
    assert (BOUNDS_CHECK in binary) == DEBUG
    assert (ADDRESS_CHECK in binary) == SANITIZED
    assert (UNDEFINED_CHECK in binary) == SANITIZED


def test_debug_build_is_not_the_checkout():
    """The debug kernel lives in its own environment: the one in the tree stays fast."""
    inside = Path(grouper_core.kernel.__file__).is_relative_to(ROOT / "grouper_core")
    assert not (DEBUG and inside)
