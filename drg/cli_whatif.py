"""``drg whatif``: a policy as it might be. A thin click command, no logic of its own."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Option, echo
from drg.schemes.crosswalk import EDITIONS

__all__ = ["whatif"]

_PATH = click.Path(path_type=Path)


@click.command("whatif", cls=Command)
@click.argument("claims", cls=Argument, type=_PATH)
@click.option(
    "-p", "--policy", "policy_id", cls=Option, key="whatif_policy", required=True, metavar="POLICY"
)
@click.option("-s", "--scheme", cls=Option, key="whatif_scheme", metavar="SCHEME")
@click.option(
    "-c", "--change", "changes", cls=Option, key="whatif_change", multiple=True, metavar="CHANGE"
)
@click.option("--label", cls=Option, key="whatif_label", metavar="NAME")
@click.option("--reforms", "file", cls=Option, key="whatif_reforms", type=_PATH, metavar="FILE")
@click.option(
    "-o", "--output", "out", cls=Option, key="whatif_output", required=True, type=_PATH,
    metavar="OUT",
)  # fmt: skip
@click.option("--month", cls=Option, key="whatif_month", metavar="YYYY-MM")
@click.option("--hospitals", cls=Option, key="settle_hospitals", type=_PATH, metavar="FILE")
@click.option("--decisions", cls=Option, key="settle_decisions", type=_PATH, metavar="FILE")
@click.option("--set", "supply", cls=Option, key="set", multiple=True, metavar="PATH=VALUE")
@click.option("--codes", cls=Option, type=click.Choice(EDITIONS))
@click.option("--sheet", cls=Option, metavar="NAME")
def whatif(
    claims: Path,
    policy_id: str,
    scheme: str | None,
    changes: tuple[str, ...],
    label: str | None,
    file: Path | None,
    out: Path,
    month: str | None,
    hospitals: Path | None,
    decisions: Path | None,
    supply: tuple[str, ...],
    codes: str | None,
    sheet: str | None,
) -> None:
    """Price claims under a policy and under reforms of it."""
    from drg.payment.policy.catalog import load_policy
    from drg.payment.policy.supply import read_supply
    from drg.scale.settle_file import read_month
    from drg.scale.whatif_file import read_reforms, whatif_file
    from drg.scale.whatif_words import report_lines
    from drg.simulate.reform import Reform

    if label is not None and not changes:
        raise click.UsageError("(--label: --change)")
    reforms = [] if file is None else list(read_reforms(file))
    if changes or file is None:
        reforms.insert(0, Reform.of(changes, label or ""))
    of = None if month is None else read_month(month)
    policy = load_policy(policy_id, supply=read_supply(supply), on=of)
    with bar(claims.name) as progress:
        run = whatif_file(
            claims,
            policy,
            reforms,
            out,
            scheme=scheme,
            codes=codes,
            month=of,
            hospitals=hospitals,
            decisions=decisions,
            sheet=sheet,
            progress=progress,
        )
    for line in report_lines(run):
        echo(line)
