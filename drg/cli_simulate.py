"""``drg explain`` and ``drg simulate``: cases before settlement. Thin click commands, no logic.

``explain`` tells one case as it stands; ``simulate`` what would change it, for one case on the
terminal or for every case of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Option, echo, given, say
from drg.schemes.crosswalk import EDITIONS

if TYPE_CHECKING:
    from drg.scale.simulate_file import Desk
    from drg.simulate.answer import Explanation, Simulation

__all__ = ["explain", "simulate"]

_PATH = click.Path(path_type=Path)
#: What only one case takes.
_ONE_ONLY = ("claim_id", "as_json", "page")

_claims = click.argument("claims", cls=Argument, type=_PATH)


class _Named(TypedDict):
    """What both take to name that under which a case is looked at."""

    scheme: str | None
    policy: str | None
    supply: tuple[str, ...]
    rules: str | None
    reference: Path | None
    hospitals: Path | None
    compat: str | None
    codes: str | None


def _stacked(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in their order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_setting = _stacked(
    click.option("-s", "--scheme", cls=Option, key="case_scheme", metavar="SCHEME"),
    click.option("-p", "--policy", cls=Option, key="settle_policy", metavar="POLICY"),
    click.option("--set", "supply", cls=Option, key="set", multiple=True, metavar="PATH=VALUE"),
)
_beside = _stacked(
    click.option("--rules", cls=Option, key="check_rules", metavar="SET"),
    click.option("--reference", cls=Option, key="case_reference", type=_PATH, metavar="FILE"),
    click.option("--hospitals", cls=Option, key="settle_hospitals", type=_PATH, metavar="FILE"),
    click.option("--page", cls=Option, key="case_page", type=_PATH, metavar="FILE"),
    click.option("--json", "as_json", cls=Option, key="case_json", is_flag=True),
    click.option("--compat", cls=Option, metavar="NAME"),
    click.option("--codes", cls=Option, type=click.Choice(EDITIONS)),
    click.option("--sheet", cls=Option, metavar="NAME"),
)


@click.command("explain", cls=Command)
@_claims
@click.option("--id", "claim_id", cls=Option, required=True, metavar="ID")
@_setting
@_beside
def explain(
    claims: Path,
    claim_id: str,
    page: Path | None,
    as_json: bool,
    sheet: str | None,
    **named: Unpack[_Named],
) -> None:
    """Tell a case as it stands."""
    from drg.claims.readers import open_claims
    from drg.scale.find import claims_of, found_rows

    with open_claims(claims, sheet=sheet) as source:
        frame, rows = found_rows(source, claim_id)
        columns = source.columns
    asked = ("policy", "supply", "rules", "reference", "hospitals")
    if not (page or as_json or any(named.get(name) for name in asked)):
        from drg.dip.load import load_grouper
        from drg.scale.elsewhere import CaseError

        if named["scheme"] is None:
            raise CaseError("G412", policy="—")
        grouper = load_grouper(named["scheme"], named["compat"], named["codes"])
        told: list[Explanation | None] = [None] * len(rows)
    else:
        from drg.scale.simulate_file import explain_rows

        desk = _desk(**named)
        explained = explain_rows(desk, frame, rows, columns)
        if as_json or page is not None:
            _write_page(page, explained)
            _write([one.model_dump_json() for one in explained] if as_json else [])
            return
        grouper, told = desk.loaded.grouper, [*explained]
    _say_several(claim_id, rows)
    found = claims_of(frame, rows, columns, claim_id)
    for n, ((_, claim), more) in enumerate(zip(found, told, strict=True)):
        if n:
            echo()
        _write(grouper.explain_lines(claim))
        if more is not None:
            from drg.scale.case_pages import beside_lines

            _write(beside_lines(more))


@click.command("simulate", cls=Command)
@_claims
@click.option("--id", "claim_id", cls=Option, key="simulate_id", metavar="ID")
@click.option("-o", "--output", "out", cls=Option, key="simulate_output", type=_PATH, metavar="OUT")
@_setting
@click.option("--add-dx", cls=Option, multiple=True, metavar="CODE")
@click.option("--add-px", cls=Option, multiple=True, metavar="CODE")
@click.option("--correct", cls=Option, multiple=True, metavar="FIELD=VALUE")
@click.option("--other", cls=Option, multiple=True, metavar="NAME=VALUE[;...]")
@click.option("--principals/--no-principals", cls=Option, default=True)
@click.option("--principal-px/--no-principal-px", cls=Option, default=True)
@click.option("--drops/--no-drops", cls=Option, default=True)
@_beside
@click.pass_context
def simulate(
    ctx: click.Context,
    claims: Path,
    claim_id: str | None,
    out: Path | None,
    add_dx: tuple[str, ...],
    add_px: tuple[str, ...],
    correct: tuple[str, ...],
    other: tuple[str, ...],
    principals: bool,
    principal_px: bool,
    drops: bool,
    page: Path | None,
    as_json: bool,
    sheet: str | None,
    **named: Unpack[_Named],
) -> int:
    """Tell what would change a case."""
    from drg.scale.elsewhere import corrections_of
    from drg.scale.simulate_file import simulate_case, simulate_file
    from drg.simulate.simulator import Wanted

    _refuse_others(ctx, _ONE_ONLY if out is not None else ())
    wanted = Wanted(
        principals=principals,
        principal_procedures=principal_px,
        drops=drops,
        add_diagnoses=add_dx,
        add_procedures=add_px,
        corrections=corrections_of(correct),
    )
    desk = _desk(other, **named)
    if out is not None:
        from drg.scale.simulate_words import report_lines

        with bar(claims.name) as progress:
            run = simulate_file(desk, claims, out, wanted=wanted, sheet=sheet, progress=progress)
        _write(report_lines(run))
        return 1 if run.refused else 0
    found = simulate_case(desk, claims, claim_id, wanted=wanted, sheet=sheet)
    if as_json or page is not None:
        _write_page(page, found)
        _write([one.model_dump_json() for one in found] if as_json else [])
        return 0
    from drg.scale.case_pages import simulation_lines

    _say_several(claim_id or "", [one.base.row or 0 for one in found])
    for n, one in enumerate(found):
        if n:
            echo()
        _write(simulation_lines(one))
    return 0


# ---- shared by the two


def _desk(other: tuple[str, ...] = (), **named: Unpack[_Named]) -> Desk:
    from drg.payment.policy.supply import read_supply
    from drg.scale.check import rules_of
    from drg.scale.elsewhere import CaseError, Setting, read_other
    from drg.scale.simulate_file import open_desk

    policy, supply, hospitals = named["policy"], named["supply"], named["hospitals"]
    if policy is None and (supply or hospitals):
        raise CaseError("G413", given="--set" if supply else "--hospitals")
    setting = Setting(
        scheme=named["scheme"] or "",
        policy=policy or "",
        supply=read_supply(supply),
        compat=named["compat"],
        codes=named["codes"],
    )
    others = [read_other(text) for text in other]
    return open_desk(
        setting,
        rules=rules_of(named["rules"]),
        reference=named["reference"],
        hospitals=hospitals,
        others=others,
    )


def _refuse_others(ctx: click.Context, idle: Iterable[str]) -> None:
    from drg.scale.elsewhere import CaseError

    if others := [label for name, label in given(ctx).items() if name in idle]:
        raise CaseError("G413", given=", ".join(others))


def _write_page(path: Path | None, found: list[Explanation] | list[Simulation]) -> None:
    if path is not None:
        from drg.scale.simulate_words import write_page

        write_page(path, found)
        echo(say("case_page_written", path=path), err=True)


def _say_several(claim_id: str, rows: list[int]) -> None:
    if len(rows) > 1:
        told = ", ".join(map(str, rows))
        echo(say("several", count=len(rows), id=claim_id, rows=told))


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        echo(line)
