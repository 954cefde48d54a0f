"""``drg policies``: the payment policies there are. Thin click commands, no logic of their own."""

from __future__ import annotations

import click

from drg.cli_text import Argument, Command, Group, Option, echo

__all__ = ["policies"]


@click.group("policies", cls=Group, invoke_without_command=True)
@click.option("--json", "as_json", cls=Option, is_flag=True)
@click.pass_context
def policies(ctx: click.Context, as_json: bool) -> None:
    """List the policies."""
    if ctx.invoked_subcommand is None:
        from drg.scale.policy_pages import list_lines, policies_json

        for line in [policies_json()] if as_json else list_lines():
            echo(line)


@policies.command("show", cls=Command, key="policy_show")
@click.argument("policy", cls=Argument)
@click.option(
    "--set", "supply", cls=Option, key="set", multiple=True, metavar="PATH=VALUE"
)  # fmt: skip
def show(policy: str, supply: tuple[str, ...]) -> None:
    """Show one policy."""
    from drg.payment.policy.catalog import load_policy
    from drg.payment.policy.supply import read_supply
    from drg.scale.policy_pages import page_lines

    for line in page_lines(load_policy(policy, supply=read_supply(supply))):
        echo(line)
