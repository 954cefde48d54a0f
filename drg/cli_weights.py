"""``drg weights``: relative weights from history. A thin click command, no logic of its own."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Option, echo
from drg.schemes.crosswalk import EDITIONS

__all__ = ["weights"]

_PATH = click.Path(path_type=Path)


def _list(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the tables there are instead of computing any."""
    if value and not ctx.resilient_parsing:
        from drg.scale.weight_words import table_lines

        for line in table_lines():
            echo(line)
        ctx.exit()


@click.command("weights", cls=Command)
@click.argument("claims", cls=Argument, type=_PATH)
@click.option("-s", "--scheme", cls=Option, key="history_scheme", required=True, metavar="SCHEME")
@click.option("-o", "--output", "out", cls=Option, required=True, type=_PATH, metavar="OUT")
@click.option("--compat", cls=Option, metavar="NAME")
@click.option("--codes", cls=Option, type=click.Choice(EDITIONS))
@click.option("--trim", cls=Option, default="2.5,97.5", show_default=True, metavar="RULE")
@click.option(
    "--min-cases", cls=Option, default=5, show_default=True, type=click.IntRange(min=1), metavar="N"
)
@click.option("--years", cls=Option, metavar="WEIGHTS")
@click.option(
    "--places", cls=Option, default="4", show_default=True, type=click.Choice(tuple("1234"))
)
@click.option("--adjust", cls=Option, type=_PATH, metavar="FILE")
@click.option("--keep-total/--no-keep-total", cls=Option, default=True)
@click.option("--sheet", cls=Option, metavar="NAME")
@click.option(
    "--list", "list_tables", cls=Option, is_flag=True, is_eager=True, expose_value=False,
    callback=_list,
)  # fmt: skip
def weights(
    claims: Path,
    scheme: str,
    out: Path,
    compat: str | None,
    codes: str | None,
    trim: str,
    min_cases: int,
    years: str | None,
    places: str,
    adjust: Path | None,
    keep_total: bool,
    sheet: str | None,
) -> None:
    """Compute relative weights."""
    from drg.grouping.grouper import Grouper
    from drg.scale.weights_file import weights_file
    from drg.scale.weights_report import report_lines

    grouper = Grouper.load(scheme, compat, codes)
    with bar(claims.name) as progress:
        run = weights_file(
            grouper,
            claims,
            out,
            trim=trim,
            min_cases=min_cases,
            years=years,
            places=int(places),
            adjust=adjust,
            keep_total=keep_total,
            sheet=sheet,
            progress=progress,
        )
    for line in report_lines(run):
        echo(line)
