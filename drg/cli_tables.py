"""``drg tables …``: the tools of a table author. Thin click commands, no logic of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Group, Option, echo, say
from drg.schemes.crosswalk import EDITIONS

if TYPE_CHECKING:
    from drg.schemes.lint_finding import Finding

__all__ = ["tables"]

_PATH = click.Path(path_type=Path)


@click.group("tables", cls=Group)
def tables() -> None:
    """Check, compare, show and bring in tables."""


def _command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    return tables.command(name, cls=Command)


@_command("lint")
@click.argument("schemes", cls=Argument, nargs=-1)
@click.option("--all", "everything", cls=Option, key="lint_all", is_flag=True)
@click.option("--compat", cls=Option, metavar="NAME")
@click.option("--json", "as_json", cls=Option, is_flag=True)
@click.option("-o", "--output", "out", cls=Option, key="lint_output", type=_PATH, metavar="OUT")
def lint(
    schemes: tuple[str, ...], everything: bool, compat: str | None, as_json: bool, out: Path | None
) -> int:
    """Look for what loading does not refuse."""
    from drg.claims.writers import output_suffix, write_frames
    from drg.dip.lint import lint as run
    from drg.schemes.lint import target_lines

    if out:
        output_suffix(out)

    def show(target: str, found: tuple[Finding, ...]) -> None:
        for line in target_lines(target, found, everything=everything):
            echo(line)

    report = run(schemes, compat=compat, each=None if as_json else show)
    if as_json:
        import json

        echo(json.dumps(report.dicts(), ensure_ascii=False, indent=2))
    else:
        for line in report.closing_lines():
            echo(line)
    if out:
        write_frames(out, report.frame(), for_people=True)
    return 0 if report.clean else 3


def _two_schemes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The schemes before and after, each with an overlay if one is named."""
    for decorate in (
        click.option("--compat-b", cls=Option, metavar="NAME"),
        click.option("--compat-a", cls=Option, metavar="NAME"),
        click.argument("b", cls=Argument),
        click.argument("a", cls=Argument),
    ):
        function = decorate(function)
    return function


_output = click.option("-o", "--output", "out", cls=Option, type=_PATH, metavar="OUT")
_all = click.option("--all", "every", cls=Option, is_flag=True)


@_command("diff")
@_two_schemes
@click.option("--table", "wanted", cls=Option, key="diff_table", multiple=True, metavar="NAME")
@click.option("--summary", cls=Option, is_flag=True)
@_all
@_output
def diff(
    a: str, b: str, compat_a: str | None, compat_b: str | None, wanted: tuple[str, ...],
    summary: bool, every: bool, out: Path | None,
) -> None:  # fmt: skip
    """Tell what changed between two schemes."""
    from drg.claims.writers import output_suffix
    from drg.schemes.catalog import load_scheme
    from drg.schemes.diff import check_tables, diff_schemes
    from drg.schemes.diff_text import detail_lines, summary_lines, write_diff

    check_tables(wanted)
    if out:
        output_suffix(out)
    found = diff_schemes(load_scheme(a, compat_a), load_scheme(b, compat_b))
    if wanted:
        found = found.only(wanted)
    _print(summary_lines(found))
    if not summary and (every or not out):
        _print(detail_lines(found, every=every))
    if out:
        write_diff(found, out)
        echo(say("tables_written", out=out))


@_command("show")
@click.argument("scheme", cls=Argument)
@click.argument("group", cls=Argument)
@click.option("--compat", cls=Option, metavar="NAME")
@_all
@click.option("-o", "--output", "out", cls=Option, key="show_output", type=_PATH, metavar="OUT")
def show(scheme: str, group: str, compat: str | None, every: bool, out: Path | None) -> None:
    """Show the page of an MDC, ADRG or DRG."""
    from drg.schemes.catalog import load_scheme
    from drg.schemes.page import scheme_page
    from drg.schemes.page_text import check_output, page_lines, write_page

    if out:
        check_output(out)
    page = scheme_page(load_scheme(scheme, compat), group)
    if out:
        write_page(page, out)
        echo(say("tables_written", out=out))
    else:
        _print(page_lines(page, every=every))


@_command("impact")
@_two_schemes
@click.argument("claims", cls=Argument, type=_PATH)
@click.option("--codes", cls=Option, type=click.Choice(EDITIONS))
@click.option("--threads", cls=Option, type=click.IntRange(min=1), metavar="N")
@click.option("--sheet", cls=Option, metavar="NAME")
@_output
def impact(
    a: str, b: str, claims: Path, compat_a: str | None, compat_b: str | None, codes: str | None,
    threads: int | None, sheet: str | None, out: Path | None,
) -> None:  # fmt: skip
    """Tell which claims move between two schemes, and why."""
    from drg.grouping.grouper import Grouper
    from drg.scale.impact_file import impact_file
    from drg.simulate.impact import Impact

    schemes = Grouper.load(a, compat_a, codes), Grouper.load(b, compat_b, codes)
    with bar(claims.name) as progress:
        report = impact_file(
            Impact(*schemes), claims, out, sheet=sheet, threads=threads, progress=progress
        )
    _print(report.lines())
    if out:
        echo(say("tables_written", out=out))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        echo(line)


_base = click.option("--base", cls=Option, metavar="ID")
_folder = click.option(
    "-o", "--output", "out", cls=Option, key="new_folder", required=True, type=_PATH, metavar="DIR"
)


def _identity(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a scheme is called, where and when it holds."""
    for option in (
        click.option("--until", "end", cls=Option, key="until", metavar="DATE"),
        click.option("--from", "start", cls=Option, key="from", metavar="DATE"),
        click.option("--title", cls=Option, metavar="TEXT"),
        click.option("--place", cls=Option, metavar="NAME"),
    ):
        function = option(function)
    return function


@_command("import")
@click.argument("source", cls=Argument, type=_PATH)
@_folder
@_base
@click.option("--id", "scheme_id", cls=Option, key="scheme_id", metavar="ID")
@_identity
def import_(source: Path, out: Path, base: str | None, scheme_id: str | None, **told: Any) -> int:
    """Bring in a scheme from a folder of tables or a workbook."""
    from drg.schemes.importing.run import import_scheme
    from drg.schemes.importing.write import identity_of

    made = import_scheme(source, out, base=base, identity=identity_of(scheme_id, **told))
    for line in made.lines():
        echo(line)
    return 1 if made.report.lost else 0


@_command("new")
@click.argument("id", cls=Argument)
@_folder
@click.option("--base", cls=Option, key="new_base", required=True, metavar="ID")
@_identity
def new(id: str, out: Path, base: str, **told: Any) -> None:
    """Make the skeleton of a city's scheme."""
    from drg.schemes.importing.skeleton import new_scheme
    from drg.schemes.importing.write import identity_of

    for line in new_scheme(out, base, identity_of(id, **told)):
        echo(line)
