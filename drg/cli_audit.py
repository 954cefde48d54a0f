"""``drg check``: list quality, grouping and audit findings. A thin click command, no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Option, echo, say
from drg.schemes.crosswalk import EDITIONS

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check"]

_PATH = click.Path(path_type=Path)
#: Findings shown on the terminal; a file (-o) holds all.
_SHOWN = 100


@click.command("check", cls=Command)
@click.argument("claims", cls=Argument, type=_PATH)
@click.option("-s", "--scheme", cls=Option, default="chs-drg-2.0", metavar="SCHEME")
@click.option("--rules", cls=Option, key="check_rules", metavar="SET")
@click.option("--set", "supply", cls=Option, key="check_set", multiple=True, metavar="PATH=VALUE")
@click.option("--items", cls=Option, key="check_items", type=_PATH, metavar="ITEMS")
@click.option("-o", "--output", "out", cls=Option, type=_PATH, metavar="OUT")
@click.option("--summary", cls=Option, key="check_summary", type=_PATH, metavar="FILE")
@click.option("--deductions", cls=Option, key="check_deductions", type=_PATH, metavar="FILE")
@click.option("--every", cls=Option, key="check_every", is_flag=True)
@click.option("--compat", cls=Option, metavar="NAME")
@click.option("--codes", cls=Option, type=click.Choice(EDITIONS))
@click.option("--sheet", cls=Option, metavar="NAME")
def check(
    claims: Path,
    scheme: str,
    rules: str | None,
    supply: tuple[str, ...],
    items: Path | None,
    out: Path | None,
    summary: Path | None,
    deductions: Path | None,
    every: bool,
    compat: str | None,
    codes: str | None,
    sheet: str | None,
) -> int:
    """List findings."""
    from drg.dip.load import load_grouper
    from drg.scale.check import CheckFiles, Finding, check_file, rules_of

    chosen = rules_of(rules, _supplied(supply))
    if chosen is None and (items or deductions or supply):
        raise click.UsageError(say("check_without_rules"))
    grouper = load_grouper(scheme, compat, codes)
    shown = 0

    def show(found: pl.DataFrame) -> None:
        nonlocal shown
        for row in found.head(_SHOWN - shown).iter_rows():
            echo(Finding(*row).line())
        shown = min(_SHOWN, shown + found.height)

    with bar(claims.name) as progress:
        report = check_file(
            grouper,
            claims,
            out,
            sheet=sheet,
            rules=chosen,
            files=CheckFiles(items=items, summary=summary, deductions=deductions),
            every=every,
            show=None if out else show,
            progress=progress,
            edition_stated=codes is not None,
        )
    if report.listed > shown and out is None:
        echo(say("more_findings", count=report.listed - shown))
    for line in report.lines():
        echo(line)
    return 1 if report.refused else 0


def _supplied(values: tuple[str, ...]) -> dict[str, str] | None:
    if not values:
        return None
    # Policies take half a second to import: only for those who use the option.
    from drg.payment.policy.supply import read_supply

    return read_supply(values)
