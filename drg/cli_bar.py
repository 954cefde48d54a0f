"""The progress bar of commands that go through a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drg.scale.group_file import Progress

__all__ = ["bar"]


@contextmanager
def bar(name: str) -> Iterator[Progress | None]:
    """A progress bar on stderr when that is a terminal; otherwise nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(name.replace("[", "\\["), total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
