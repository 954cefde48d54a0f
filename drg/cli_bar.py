"""The progress bar of commands that go through a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drg.cli_text import say
from drg.text import printable

if TYPE_CHECKING:
    from drg.scale.group_file import Progress

__all__ = ["bar"]


@contextmanager
def bar(name: str) -> Iterator[Progress | None]:
    """A progress bar on stderr when that is a terminal, with claims a second and time left."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Claims a second, over the last half minute."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else say("bar_rate", rate=f"{speed:,.0f}"))

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(printable(name).replace("[", "\\["), total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
