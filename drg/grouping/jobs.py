"""Rows of a frame shared out among threads: what both kinds of grouper do with a kernel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grouper_core

__all__ = ["TASK_ROWS", "Job", "cores", "run_jobs"]

#: Rows a thread takes at a time; below this a second thread costs more than it brings.
TASK_ROWS = 20_000

#: A batch, its first row in the frame, and the rows of the batch to do: start and stop.
Job = tuple["grouper_core.ClaimBatch", int, int, int]


def run_jobs(
    batches: Sequence[grouper_core.ClaimBatch],
    rows: int,
    threads: int | None,
    task: Callable[[Job], None],
    *,
    task_rows: int = TASK_ROWS,
) -> None:
    """Do a task for all rows.

    Parameters
    ----------
    batches : sequence of ClaimBatch
        In row order.
    rows : int
        Of all batches.
    threads : int or None
        None: one a core this process may use.
    task : callable
        Releases the GIL; jobs do not overlap.
    task_rows : int, optional
        Rows of a job, if not more.
    """
    threads = threads or cores()
    size = max(task_rows, -(-rows // (threads * 4)))
    jobs = list(_jobs(batches, size))
    if threads == 1 or len(jobs) <= 1:
        for job in jobs:
            task(job)
        return
    # A pool a call: threads of a kept one would be missing after a fork.
    with ThreadPoolExecutor(min(threads, len(jobs))) as pool:
        for _ in pool.map(task, jobs):
            pass


def _jobs(batches: Sequence[grouper_core.ClaimBatch], size: int) -> Iterator[Job]:
    offset = 0
    for batch in batches:
        for start in range(0, batch.rows, size):
            yield batch, offset, start, min(start + size, batch.rows)
        offset += batch.rows


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
