"""``drg settle``: a month from group to money. A thin click command, no logic of its own."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Option, echo

__all__ = ["settle"]

_PATH = click.Path(path_type=Path)


@click.command("settle", cls=Command)
@click.argument("grouped", cls=Argument, type=_PATH, nargs=-1, required=True)
@click.option(
    "-p", "--policy", "policy_id", cls=Option, key="settle_policy", required=True, metavar="POLICY"
)
@click.option("--month", cls=Option, key="settle_month", required=True, metavar="YYYY-MM")
@click.option(
    "-o", "--output", "out", cls=Option, key="settle_output", required=True, type=_PATH,
    metavar="DIR",
)  # fmt: skip
@click.option("--hospitals", cls=Option, key="settle_hospitals", type=_PATH, metavar="FILE")
@click.option("--decisions", cls=Option, key="settle_decisions", type=_PATH, metavar="FILE")
@click.option("--budget", cls=Option, key="settle_budget", type=_PATH, metavar="FILE")
@click.option("--prior", cls=Option, key="settle_prior", type=_PATH, multiple=True, metavar="DIR")
@click.option("--calendar", cls=Option, type=_PATH, metavar="FILE")
@click.option("--set", "supply", cls=Option, key="set", multiple=True, metavar="PATH=VALUE")
@click.option("--statements/--no-statements", cls=Option, key="settle_statements", default=True)
@click.option("--sheet", cls=Option, metavar="NAME")
def settle(
    grouped: tuple[Path, ...],
    policy_id: str,
    month: str,
    out: Path,
    hospitals: Path | None,
    decisions: Path | None,
    budget: Path | None,
    prior: tuple[Path, ...],
    calendar: Path | None,
    supply: tuple[str, ...],
    statements: bool,
    sheet: str | None,
) -> int:
    """Settle a month."""
    from drg.payment.policy.catalog import load_policy
    from drg.payment.policy.supply import read_supply
    from drg.scale.settle_file import read_month, settle_file
    from drg.scale.settle_words import report_lines

    of = read_month(month)
    if calendar is not None:
        from drg.settlement.calendar import read_calendar, set_calendar

        set_calendar(read_calendar(calendar))
    policy = load_policy(policy_id, supply=read_supply(supply), on=of)
    with bar(out.name) as progress:
        run = settle_file(
            grouped,
            policy,
            out,
            month=of,
            hospitals=hospitals,
            decisions=decisions,
            budget=budget,
            prior=prior,
            sheet=sheet,
            statements=statements,
            progress=progress,
        )
    for line in report_lines(run, policy):
        echo(line)
    return 1 if run.unpaid else 0
