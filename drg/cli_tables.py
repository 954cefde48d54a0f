"""``drg tables …``: the tools of a table author. Thin click commands, no logic of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from drg.cli_text import Command, Group

__all__ = ["tables"]


@click.group("tables", cls=Group)
def tables() -> None:
    """Check, compare, show and bring in tables."""


def _command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    return tables.command(name, cls=Command)
