"""``drg clear``: a year from its settled months. A thin click command, no logic of its own."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_text import Argument, Command, Option, echo

__all__ = ["clear"]

_PATH = click.Path(path_type=Path)


@click.command("clear", cls=Command)
@click.argument("dir", cls=Argument, type=_PATH, nargs=-1, required=True)
@click.option(
    "-p", "--policy", "policy_id", cls=Option, key="settle_policy", required=True, metavar="POLICY"
)
@click.option(
    "--year", cls=Option, key="clear_year", required=True, type=click.IntRange(1990, 2099),
    metavar="YYYY",
)  # fmt: skip
@click.option(
    "-o", "--output", "out", cls=Option, key="clear_output", required=True, type=_PATH,
    metavar="DIR",
)  # fmt: skip
@click.option("--budget", cls=Option, key="clear_budget", type=_PATH, metavar="FILE")
@click.option("--hospitals", cls=Option, key="clear_hospitals", type=_PATH, metavar="FILE")
@click.option("--decisions", cls=Option, key="clear_decisions", type=_PATH, metavar="FILE")
@click.option("--set", "supply", cls=Option, key="set", multiple=True, metavar="PATH=VALUE")
@click.option("--statements/--no-statements", cls=Option, key="settle_statements", default=True)
def clear(
    dir: tuple[Path, ...],
    policy_id: str,
    year: int,
    out: Path,
    budget: Path | None,
    hospitals: Path | None,
    decisions: Path | None,
    supply: tuple[str, ...],
    statements: bool,
) -> None:
    """Clear a year."""
    from drg.payment.policy.supply import read_supply
    from drg.scale.clear_folders import clear_folders, load_year_policy
    from drg.scale.clear_words import report_lines

    policy, settled_under = load_year_policy(policy_id, read_supply(supply), year)
    run = clear_folders(
        dir,
        policy,
        out,
        year=year,
        budget=budget,
        hospitals=hospitals,
        decisions=decisions,
        settled_under=settled_under,
        statements=statements,
    )
    for line in report_lines(run):
        echo(line)
