"""The command ``drg``: thin click commands over the library, no logic of their own.

Wording comes from catalogue/cli.toml when it is shown, so that ``--lang`` and DRG_LANG decide.
Nothing heavy is imported until a command runs: ``drg --help`` is to answer at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drg.cli_tables import tables
from drg.cli_text import Argument, Command, Group, Option, TablesError, say

if TYPE_CHECKING:
    from drg.grouping.grouper import Grouper
    from drg.scale.check import Finding
    from drg.scale.group_file import Progress

__all__ = ["cli", "main"]

#: Findings shown on the terminal; a file (-o) holds all.
_SHOWN = 100

_PATH = click.Path(path_type=Path)


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
_sheet = click.option("--sheet", cls=Option, metavar="NAME")


@_command("schemes")
@click.option("--json", "as_json", cls=Option, is_flag=True)
def schemes(as_json: bool) -> None:
    """List the schemes."""
    from dataclasses import asdict

    from drg.paths import tables_root
    from drg.schemes.catalog import list_schemes
    from drg.text import language

    found = list_schemes()
    if not found:
        raise TablesError("C205", where=str(tables_root() / "schemes"))
    if as_json:
        import json

        click.echo(json.dumps([asdict(s) for s in found], ensure_ascii=False, indent=2))
        return
    from drg.scale.summary import aligned

    heads = ("id", "kind", "groups", "in_force", "base", "title")
    rows = [tuple(say(f"head_{head}") for head in heads)]
    for s in found:
        title = s.title_zh if language() == "zh" else s.title_en
        start, end = (day or "…" for day in s.in_force)
        force = f"[{start}, {end})" if any(s.in_force) else "—"
        rows.append((s.id, s.kind, str(s.groups), force, s.base or "—", title))
    _print(aligned(rows, right=(2,)))


@_command("group")
@_claims
@_scheme()
@click.option("-o", "--output", "out", cls=Option, required=True, type=_PATH, metavar="OUT")
@_compat
@click.option("--threads", cls=Option, type=click.IntRange(min=1), metavar="N")
@_sheet
def group(
    claims: Path, scheme: str, out: Path, compat: str | None, threads: int | None, sheet: str | None
) -> int:
    """Group a file."""
    from drg.scale.group_file import group_file

    grouper = _load(scheme, compat)
    with _bar(claims.name) as progress:
        summary = group_file(grouper, claims, out, sheet=sheet, threads=threads, progress=progress)
    _print(summary.lines())
    return 1 if summary.refused else 0


@_command("explain")
@_claims
@click.option("--id", "claim_id", cls=Option, required=True, metavar="ID")
@_scheme()
@_compat
@_sheet
def explain(
    claims: Path, claim_id: str, scheme: str, compat: str | None, sheet: str | None
) -> None:
    """Tell the decision path of a claim."""
    from drg.claims.readers import open_claims
    from drg.grouping.explain import explain_lines
    from drg.scale.find import find_claims

    with open_claims(claims, sheet=sheet) as source:
        found = find_claims(source, claim_id)
    grouper = _load(scheme, compat)
    if len(found) > 1:
        rows = ", ".join(str(f.row) for f in found)
        click.echo(say("several", count=len(found), id=claim_id, rows=rows))
    for n, (_, claim) in enumerate(found):
        if n:
            click.echo()
        _print(explain_lines(grouper.explain(claim), grouper.scheme))


@_command("check")
@_claims
@_scheme(required=False, default="chs-drg-2.0")
@click.option("-o", "--output", "out", cls=Option, type=_PATH, metavar="OUT")
@_compat
@_sheet
def check(
    claims: Path, scheme: str, out: Path | None, compat: str | None, sheet: str | None
) -> int:
    """List findings."""
    from drg.scale.check import check_file

    grouper = _load(scheme, compat)
    shown = 0

    def show(found: Sequence[Finding]) -> None:
        nonlocal shown
        for finding in found[: _SHOWN - shown]:
            click.echo(finding.line())
        shown = min(_SHOWN, shown + len(found))

    with _bar(claims.name) as progress:
        report = check_file(
            grouper, claims, out, sheet=sheet, show=None if out else show, progress=progress
        )
    if report.findings > shown and out is None:
        click.echo(say("more_findings", count=report.findings - shown))
    _print(report.lines())
    return 1 if report.summary.refused else 0


@_command("synth")
@_scheme()
@click.option("-n", "count", cls=Option, required=True, type=click.IntRange(min=0), metavar="N")
@click.option(
    "--seed", cls=Option, default=1, show_default=True, type=click.IntRange(min=0), metavar="K"
)
@click.option("-o", "--output", "out", cls=Option, required=True, type=_PATH, metavar="OUT")
def synth(scheme: str, count: int, seed: int, out: Path) -> None:
    """Make claims."""
    from drg.scale.synth_file import synth_file

    with _bar(out.name) as progress:
        synth_file(scheme, count, seed, out, progress=progress)
    click.echo(say("synth_made", claims=f"{count:,}", out=out))


@_command("rule")
@click.argument("code", cls=Argument, required=False)
def rule(code: str | None) -> None:
    """Show the page of a code."""
    from drg.scale.pages import page_lines, register_lines

    _print(register_lines() if code is None else page_lines(code))


@_command("demo")
@click.argument("folder", cls=Argument, type=_PATH, default="drg-demo")
def demo(folder: Path) -> None:
    """Show the whole thing on a made-up month."""
    from drg.scale.demo import demo as run

    _print(run(folder))


cli.add_command(tables)


# ---- shared by the commands


def _load(scheme: str, compat: str | None) -> Grouper:
    from drg.grouping.grouper import Grouper

    return Grouper.load(scheme, compat)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


@contextmanager
def _bar(name: str) -> Iterator[Progress | None]:
    """A progress bar on stderr when that is a terminal; otherwise nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name.replace("[", "\\["), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
