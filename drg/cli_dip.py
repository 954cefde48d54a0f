"""``drg dip …``: catalogues built and compared. Thin click commands, no logic of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Group, Option, echo
from drg.schemes.crosswalk import EDITIONS

__all__ = ["dip"]

_PATH = click.Path(path_type=Path)


@click.group("dip", cls=Group)
def dip() -> None:
    """Build and compare DIP catalogues."""


_sheet = click.option("--sheet", cls=Option, metavar="NAME")
_codes = click.option("--codes", cls=Option, type=click.Choice(EDITIONS))


@dip.command("build", cls=Command, key="dip_build")
@click.argument("claims", cls=Argument, nargs=-1, required=True)
@click.option("-o", "--output", "out", cls=Option, key="dip_output", required=True, type=_PATH,
              metavar="DIR")  # fmt: skip
@click.option("--settings", cls=Option, key="dip_settings", type=_PATH, metavar="FILE")
@click.option("--id", "id", cls=Option, key="dip_id", metavar="ID")
@click.option("--threshold", cls=Option, key="dip_threshold", type=click.IntRange(min=1),
              metavar="N")  # fmt: skip
@click.option("--coverage", cls=Option, key="dip_coverage", metavar="SHARE")
@click.option("--related-increase", cls=Option, key="dip_increase", metavar="SHARE")
@click.option("--years", cls=Option, key="dip_years", metavar="WEIGHTS")
@click.option("--trim", cls=Option, key="dip_trim", metavar="RULE")
@click.option("--method", cls=Option, key="dip_method",
              type=click.Choice(("mean", "anchor", "quota")))  # fmt: skip
@click.option("--anchor", cls=Option, key="dip_anchor", metavar="GROUP")
@click.option("--quota", cls=Option, key="dip_quota", metavar="YUAN")
@click.option("--auxiliary", cls=Option, key="dip_auxiliary", metavar="CATALOGUE")
@click.option("--kinds", cls=Option, key="dip_kinds", metavar="CATALOGUE")
@_codes
@_sheet
@click.option("--no-report", cls=Option, key="dip_no_report", is_flag=True)
def build(
    claims: tuple[str, ...],
    out: Path,
    settings: Path | None,
    sheet: str | None,
    no_report: bool,
    **values: Any,
) -> None:
    """Build a catalogue from history."""
    from drg.scale.dip_build_file import dip_build_file, settings_of
    from drg.scale.dip_lines import build_lines

    told = settings_of(settings, values)
    with bar(Path(claims[0]).name) as progress:
        run = dip_build_file(
            claims, out, told, sheet=sheet, report=not no_report, progress=progress
        )
    for line in build_lines(run):
        echo(line)


@dip.command("compare", cls=Command, key="dip_compare")
@click.argument("a", cls=Argument)
@click.argument("b", cls=Argument)
@click.argument("claims", cls=Argument, required=False, type=_PATH)
@click.option("-o", "--output", "out", cls=Option, key="dip_compare_output", type=_PATH,
              metavar="OUT")  # fmt: skip
@_codes
@_sheet
def compare(
    a: str, b: str, claims: Path | None, out: Path | None, codes: str | None, sheet: str | None
) -> None:
    """Compare two catalogues."""
    from drg.scale.dip_compare_file import dip_compare_file
    from drg.scale.dip_lines import run_lines

    with bar(claims.name if claims else a) as progress:
        run = dip_compare_file(
            a, b, claims, out, codes=codes, sheet=sheet, progress=progress if claims else None
        )
    for line in run_lines(run):
        echo(line)
