"""``drg fund``: the fund warning. A thin click command, no logic of its own."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_text import Argument, Command, Option, echo

__all__ = ["fund"]

_PATH = click.Path(path_type=Path)


@click.command("fund", cls=Command)
@click.argument("dir", cls=Argument, type=_PATH, nargs=-1, metavar="[DIR]...")
@click.option("--plan", cls=Option, key="fund_plan", type=_PATH, metavar="FILE")
@click.option("--fund", "accounts", cls=Option, key="fund_accounts", type=_PATH, metavar="FILE")
@click.option("-p", "--policy", "policy_id", cls=Option, key="fund_policy", metavar="POLICY")
@click.option("--year", cls=Option, key="fund_year", type=click.IntRange(min=1990), metavar="YYYY")
@click.option("--levels", cls=Option, key="fund_levels", type=_PATH, metavar="FILE")
@click.option("-o", "--output", "out", cls=Option, key="fund_output", type=_PATH, metavar="DIR")
def fund(
    dir: tuple[Path, ...],
    plan: Path | None,
    accounts: Path | None,
    policy_id: str | None,
    year: int | None,
    levels: Path | None,
    out: Path | None,
) -> int:
    """Warn of a fund's spending."""
    from drg.payment.policy.catalog import load_policy
    from drg.reports.fund_words import report_lines, say
    from drg.scale.fund_file import fund_report, write_fund

    policy = None if policy_id is None else load_policy(policy_id)
    report = fund_report(dir, year=year, plan=plan, fund=accounts, levels=levels, policy=policy)
    for line in report_lines(report):
        echo(line)
    if out is not None:
        files = write_fund(report, out)
        echo(say("written", path=out, files=" ".join(files)))
    return 1 if report.level == "red" else 0
