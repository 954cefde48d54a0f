"""``drg benefit``: the patient's side. A thin click command, no logic of its own.

With ``-o`` a whole file; without it the terminal: one visit, or the plan, or the list of plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Option, echo, given

__all__ = ["benefit"]

_PATH = click.Path(path_type=Path)
#: What each way of asking takes beside ``--lang``; anything else given is refused, not ignored.
_TAKES = {
    "list": {"listed"},
    "plan": {"plan_id", "supply"},
    "told": {"plan_id", "supply", "visit", "statement"},
    "visit": {
        "claims", "plan_id", "supply", "claim_id", "balances", "hospitals", "statement", "sheet",
    },
    "file": {
        "claims", "plan_id", "supply", "out", "balances", "balances_out", "hospitals",
        "statements", "sheet",
    },
}  # fmt: skip


@click.command("benefit", cls=Command)
@click.argument("claims", cls=Argument, type=_PATH, required=False)
@click.option("-p", "--plan", "plan_id", cls=Option, key="benefit_plan", metavar="PLAN")
@click.option("-o", "--output", "out", cls=Option, key="benefit_output", type=_PATH, metavar="OUT")
@click.option("--id", "claim_id", cls=Option, key="benefit_id", metavar="ID")
@click.option("--visit", cls=Option, key="benefit_visit", multiple=True, metavar="NAME=VALUE")
@click.option("--balances", cls=Option, key="benefit_balances", type=_PATH, metavar="FILE")
@click.option("--balances-out", cls=Option, key="benefit_balances_out", type=_PATH, metavar="FILE")
@click.option("--hospitals", cls=Option, key="benefit_hospitals", type=_PATH, metavar="FILE")
@click.option("--statement", cls=Option, key="benefit_statement", type=_PATH, metavar="FILE")
@click.option("--statements", cls=Option, key="benefit_statements", type=_PATH, metavar="DIR")
@click.option("--set", "supply", cls=Option, key="set", multiple=True, metavar="PATH=VALUE")
@click.option("--sheet", cls=Option, metavar="NAME")
@click.option("--list", "listed", cls=Option, key="benefit_list", is_flag=True)
@click.pass_context
def benefit(
    ctx: click.Context,
    claims: Path | None,
    plan_id: str | None,
    out: Path | None,
    claim_id: str | None,
    visit: tuple[str, ...],
    balances: Path | None,
    balances_out: Path | None,
    hospitals: Path | None,
    statement: Path | None,
    statements: Path | None,
    supply: tuple[str, ...],
    sheet: str | None,
    listed: bool,
) -> int:
    """Settle the patients' side."""
    way = _way(ctx)
    _refuse_others(ctx, way)
    if way == "list":
        from drg.scale.benefit_pages import list_lines

        _print(list_lines())
        return 0
    if plan_id is None:
        raise click.MissingParameter(ctx=ctx, param=_param(ctx, "plan_id"))
    from drg.benefits.plan import load_plan
    from drg.payment.policy.supply import read_supply

    if statement is not None:
        from drg.scale.benefit_answer import check_statement

        check_statement(statement, (claims, plan_id, balances, hospitals))
    plan = load_plan(plan_id, supply=read_supply(supply))
    if way == "plan":
        from drg.scale.benefit_pages import plan_lines

        _print(plan_lines(plan))
        return 0
    if way == "told":
        from drg.scale.benefit_answer import told_visit

        found = told_visit(plan, visit)
    elif out is None and claims is not None:
        from drg.scale.benefit_answer import benefit_of

        found = benefit_of(
            claims, plan, claim_id, balances=balances, hospitals=hospitals, sheet=sheet
        )
    elif out is not None and claims is not None:
        from drg.scale.benefit_file import benefit_file
        from drg.scale.benefit_words import report_lines

        with bar(claims.name) as progress:
            run = benefit_file(
                claims, plan, out, balances=balances, balances_out=balances_out,
                hospitals=hospitals, sheets=statements, sheet=sheet, progress=progress,
            )  # fmt: skip
        _print(report_lines(run))
        return 1 if run.unsettled else 0
    else:
        raise click.MissingParameter(ctx=ctx, param=_param(ctx, "claims"))
    from drg.reports.benefit_sheet import write_sheet
    from drg.scale.benefit_lines import answer_lines

    if statement is not None:
        write_sheet(statement, plan, found.facts, found.one)
    _print(answer_lines(plan, found, statement))
    return 1 if found.one.settled.reason else 0


def _way(ctx: click.Context) -> str:
    """What is asked for, told from what is given."""
    params = ctx.params
    if params["listed"]:
        return "list"
    if params["out"] is not None:
        return "file"
    if params["claims"] is not None:
        return "visit"
    return "told" if params["visit"] else "plan"


def _refuse_others(ctx: click.Context, way: str) -> None:
    from drg.scale.benefit_balances import BenefitError

    if others := [label for name, label in given(ctx).items() if name not in _TAKES[way]]:
        raise BenefitError("B439", given=", ".join(others))


def _param(ctx: click.Context, name: str) -> click.Parameter:
    return next(param for param in ctx.command.params if param.name == name)


def _print(lines: Iterator[str] | list[str]) -> None:
    for line in lines:
        echo(line)
