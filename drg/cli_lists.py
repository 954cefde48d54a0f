"""``drg lists``: settlement lists in JSON, in and out. Thin click commands, no logic."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Group, Option, echo

__all__ = ["lists"]

_PATH = click.Path(path_type=Path)


@click.group("lists", cls=Group)
def lists() -> None:
    """Settlement lists; every command has its own --help."""


@lists.command("convert", cls=Command, key="lists_convert")
@click.argument("claims", cls=Argument, type=_PATH)
@click.option(
    "-o", "--output", "out", cls=Option, key="lists_output", required=True, type=_PATH,
    metavar="OUT",
)  # fmt: skip
@click.option("--items", cls=Option, key="lists_items", type=_PATH, metavar="FILE")
@click.option("--sheet", cls=Option, metavar="NAME")
def convert(claims: Path, out: Path, items: Path | None, sheet: str | None) -> int:
    """Turn lists into a table or claims into lists."""
    from drg.scale.lists_file import convert_lists

    with bar(claims.name) as progress:
        run = convert_lists(claims, out, items=items, sheet=sheet, progress=progress)
    for line in run.lines():
        echo(line)
    return 1 if run.faults or run.left else 0


@lists.command("fill", cls=Command, key="lists_fill")
@click.argument("lists", cls=Argument, type=_PATH)
@click.argument("result", cls=Argument, type=_PATH)
@click.option(
    "-o", "--output", "out", cls=Option, key="lists_fill_output", required=True, type=_PATH,
    metavar="OUT",
)  # fmt: skip
@click.option("-s", "--scheme", cls=Option, key="lists_scheme", metavar="SCHEME")
@click.option("--time", "grouped_at", cls=Option, key="lists_time", metavar="TIME")
def fill(lists: Path, result: Path, out: Path, scheme: str | None, grouped_at: str | None) -> int:
    """Fill results into lists."""
    from drg.scale.lists_fill import fill_lists

    run = fill_lists(lists, result, out, scheme=scheme, grouped_at=grouped_at)
    for line in run.lines():
        echo(line)
    return 1 if run.filled < run.lists else 0
