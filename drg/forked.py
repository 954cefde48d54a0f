"""Whether this process was forked from one in which polars was at work: frames would hang here.

polars keeps threads; a forked child has none of them and would wait for them for ever. Single
claims (``Grouper.group``) need no threads and go on; so do processes that are spawned, and those
that were forked before the first frame.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from drg.errors import DrgError

__all__ = ["ForkError", "refuse_after_fork"]

#: How polars calls the threads of its pool.
_WORKER = re.compile(r"polars-\d+")
_THREADS = Path("/proc/self/task")


class _Fork:
    """What is known of this process."""

    at_work = False  # polars' threads ran when it forked last
    stranded = False  # it is a child of such a fork


class ForkError(DrgError, RuntimeError):
    """Frames are handled in a process in which they cannot be."""

    area = "cli"
    exit_code = 2


def refuse_after_fork() -> None:
    """Stop before polars waits for threads that are not there.

    Raises
    ------
    ForkError
        C270.
    """
    if _Fork.stranded:
        raise ForkError("C270")


def _before() -> None:
    _Fork.at_work = "polars" in sys.modules and _has_workers()


def _in_child() -> None:
    _Fork.stranded = _Fork.stranded or _Fork.at_work


def _has_workers() -> bool:
    """Whether polars' pool runs; where the system does not tell its threads, as if it did."""
    try:
        return any(
            _WORKER.fullmatch((thread / "comm").read_text("ascii", "replace").strip())
            for thread in _THREADS.iterdir()
        )
    except OSError:  # no such folder, or a thread that ended just now: rather refused than hung
        return True


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_before, after_in_child=_in_child)
