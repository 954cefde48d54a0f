"""The command ``drg``: thin click commands over the library, no logic of their own.

Wording comes from catalogue/cli.toml when it is shown, so that ``--lang`` and DRG_LANG decide.
Nothing heavy is imported until a command runs: ``drg --help`` is to answer at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drg.cli_audit import check
from drg.cli_bar import bar as _bar
from drg.cli_benefit import benefit
from drg.cli_clear import clear
from drg.cli_dip import dip
from drg.cli_fund import fund
from drg.cli_kpi import kpi
from drg.cli_lists import lists
from drg.cli_policies import policies
from drg.cli_serve import serve
from drg.cli_settle import settle
from drg.cli_simulate import explain, simulate
from drg.cli_tables import tables
from drg.cli_text import Argument, Command, Group, Option, TablesError, echo, say, told_notes
from drg.cli_weights import weights
from drg.cli_whatif import whatif
from drg.schemes.crosswalk import EDITIONS

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.scale.group_run import PartFormat

__all__ = ["cli", "main"]

_PATH = click.Path(path_type=Path)
#: Kinds of the files that ``drg group`` leaves in a folder.
_PARTS = ("parquet", "csv")


@click.group(cls=Group)
def cli() -> None:
    """Group claims; every command has its own --help."""


def main() -> None:
    """Entry point of the command ``drg``."""
    cli()


def _command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    return cli.command(name, cls=Command)


def _scheme(required: bool = True, default: str | None = None) -> Callable[..., Any]:
    return click.option(
        "-s", "--scheme", cls=Option, required=required, default=default, metavar="SCHEME"
    )


_claims = click.argument("claims", cls=Argument, type=_PATH)
_compat = click.option("--compat", cls=Option, metavar="NAME")
_codes = click.option("--codes", cls=Option, type=click.Choice(EDITIONS))
_sheet = click.option("--sheet", cls=Option, metavar="NAME")


@_command("schemes")
@click.option("--json", "as_json", cls=Option, is_flag=True)
def schemes(as_json: bool) -> None:
    """List the schemes."""
    from dataclasses import asdict

    from drg.dip.catalogue import list_catalogues
    from drg.paths import tables_root
    from drg.schemes.catalog import list_schemes
    from drg.text import language, text

    drgs = list_schemes()
    alone = [*(s for s in drgs if not s.base), *list_catalogues()]
    found = sorted(alone, key=lambda s: s.id) + [s for s in drgs if s.base]
    if not found:
        raise TablesError("C205", where=str(tables_root() / "schemes"))
    if as_json:
        import json

        echo(json.dumps([asdict(s) for s in found], ensure_ascii=False, indent=2))
        return
    from drg.scale.summary import aligned

    heads = ("id", "kind", "groups", "in_force", "base", "place", "title")
    rows = [tuple(say(f"head_{head}") for head in heads)]
    for s in found:
        title = s.title_zh if language() == "zh" else s.title_en
        start, end = (day or "…" for day in s.in_force)
        known = text(f"explain.dates_{s.in_force_status}")
        force = f"[{start}, {end}) {known}" if any(s.in_force) else "—"
        place = f"{s.place} {s.place_zh}".strip() or "—"
        rows.append((s.id, s.kind, str(s.groups), force, s.base or "—", place, title))
    _print(aligned(rows, right=(2,)))


@_command("group")
@click.argument("claims", cls=Argument, type=_PATH, nargs=-1, required=True)
@_scheme()
@click.option(
    "-o", "--output", "out", cls=Option, key="group_out", required=True, type=_PATH, metavar="OUT"
)
@_compat
@_codes
@click.option("--weights", cls=Option, metavar="TABLE")
@click.option("--hospital-level", cls=Option, metavar="LEVEL")
@click.option("--format", "parts", cls=Option, key="group_format", type=click.Choice(_PARTS))
@click.option("--threads", cls=Option, type=click.IntRange(min=1), metavar="N")
@_sheet
def group(
    claims: tuple[Path, ...],
    scheme: str,
    out: Path,
    compat: str | None,
    codes: str | None,
    weights: str | None,
    hospital_level: str | None,
    parts: PartFormat | None,
    threads: int | None,
    sheet: str | None,
) -> int:
    """Group files."""
    from drg.scale.group_run import group_into

    added = None
    if weights is not None:
        from drg.payment.weights import Weights

        added = Weights.load(weights, hospital_level=hospital_level)
    elif hospital_level is not None:
        raise click.UsageError("(--hospital-level: --weights)")
    grouper = _load(scheme, compat, codes)
    with told_notes(), _bar(claims[0].name) as progress:
        summary = group_into(
            grouper, claims, out, weights=added, parts=parts, sheet=sheet, threads=threads,
            progress=progress,
        )  # fmt: skip
    _print(summary.lines())
    return 1 if summary.refused else 0


cli.add_command(explain)


@_command("synth")
@_scheme()
@click.option("-n", "count", cls=Option, required=True, type=click.IntRange(min=0), metavar="N")
@click.option(
    "--seed", cls=Option, default=1, show_default=True, type=click.IntRange(min=0), metavar="K"
)
@click.option("-o", "--output", "out", cls=Option, required=True, type=_PATH, metavar="OUT")
@click.option("--month", cls=Option, key="synth_month", metavar="YYYY-MM")
@click.option(
    "--months", cls=Option, key="synth_months", default=1, show_default=True,
    type=click.IntRange(min=1, max=120), metavar="N",
)  # fmt: skip
@click.option("--expected", cls=Option, key="synth_expected", is_flag=True)
@click.option(
    "--audit", cls=Option, key="synth_audit", type=click.FloatRange(0, 1), metavar="SHARE"
)
@click.option("--items", cls=Option, key="synth_items", type=_PATH, metavar="FILE")
@click.option("--labels", cls=Option, key="synth_labels", is_flag=True)
def synth(
    scheme: str,
    count: int,
    seed: int,
    out: Path,
    month: str | None,
    months: int,
    expected: bool,
    audit: float | None,
    items: Path | None,
    labels: bool,
) -> None:
    """Make claims."""
    from drg.dip.catalogue import catalogue_folder
    from drg.scale.settle_file import read_month
    from drg.scale.synth_file import SynthLists, synth_file

    lists = None
    if audit is not None or items is not None or labels:
        lists = SynthLists(items=items, defects=audit or 0.0, labels=labels)
    if expected and catalogue_folder(scheme) is None:
        raise click.UsageError(f"({say('expected_dip_only')})")
    first = None if month is None else read_month(month)
    with _bar(out.name) as progress:
        synth_file(
            scheme, count, seed, out, month=first, months=months, expected=expected, lists=lists,
            progress=progress,
        )  # fmt: skip
    echo(say("synth_made", claims=f"{count:,}", out=out))


@_command("code")
@click.argument("text", cls=Argument, nargs=-1, required=True)
@click.option("-s", "--scheme", cls=Option, key="code_scheme", metavar="SCHEME")
@_compat
@click.option("--dx", "only_dx", cls=Option, is_flag=True)
@click.option("--px", "only_px", cls=Option, is_flag=True)
@click.option("--limit", cls=Option, type=click.IntRange(min=1), metavar="N")
@click.option("--json", "as_json", cls=Option, is_flag=True)
def code(
    text: tuple[str, ...],
    scheme: str | None,
    compat: str | None,
    only_dx: bool,
    only_px: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Look up codes."""
    from drg.scale.code_pages import code_json, code_lines
    from drg.schemes.catalog import load_scheme
    from drg.schemes.crosswalk import KINDS

    found = None if scheme is None else load_scheme(scheme, compat)
    chosen = [kind for kind, only in zip(KINDS, (only_dx, only_px), strict=True) if only]
    asked, kinds = " ".join(text), chosen or KINDS
    if not as_json:
        _print(code_lines(asked, kinds, limit=limit, scheme=found))
        return
    import json

    told = code_json(asked, kinds, limit=limit, scheme=found)
    echo(json.dumps(told, ensure_ascii=False, indent=2))


@_command("rule")
@click.argument("code", cls=Argument, required=False)
def rule(code: str | None) -> None:
    """Show the page of a code."""
    from drg.scale.pages import page_lines, register_lines

    _print(register_lines() if code is None else page_lines(code))


@_command("demo")
@click.argument("folder", cls=Argument, type=_PATH, required=False)
@click.option("--dip", cls=Option, key="demo_dip", is_flag=True)
def demo(folder: Path | None, dip: bool) -> None:
    """Show the whole thing on made-up claims."""
    if dip:
        from drg.scale.demo_dip import demo_dip as run
    else:
        from drg.scale.demo import demo as run
    _print(run(folder or Path("drg-demo-dip" if dip else "drg-demo")))


cli.add_command(check)
cli.add_command(simulate)
cli.add_command(weights)
cli.add_command(benefit)
cli.add_command(settle)
cli.add_command(clear)
cli.add_command(kpi)
cli.add_command(fund)
cli.add_command(whatif)
cli.add_command(dip)
cli.add_command(lists)
cli.add_command(policies)
cli.add_command(tables)
cli.add_command(serve)


# ---- shared by the commands


def _load(scheme: str, compat: str | None, codes: str | None) -> ClaimGrouper:
    from drg.dip.load import load_grouper

    return load_grouper(scheme, compat, codes)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        echo(line)
