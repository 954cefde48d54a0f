"""``drg kpi``: the figures of section I. A thin click command, no logic of its own."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_bar import bar
from drg.cli_text import Argument, Command, Option, echo

__all__ = ["kpi"]

_PATH = click.Path(path_type=Path)


@click.command("kpi", cls=Command)
@click.argument("source", cls=Argument, type=_PATH, nargs=-1, required=True)
@click.option(
    "-o", "--output", "out", cls=Option, key="kpi_output", required=True, type=_PATH,
    metavar="DIR",
)  # fmt: skip
@click.option("--reference", cls=Option, key="kpi_reference", type=_PATH, metavar="FILE")
@click.option("--save-reference", "save", cls=Option, key="kpi_save", type=_PATH, metavar="FILE")
@click.option("--by", cls=Option, key="kpi_by", metavar="LEVELS")
@click.option("--findings", cls=Option, key="kpi_findings", type=_PATH, metavar="FILE")
@click.option("--csv", cls=Option, key="kpi_csv", is_flag=True)
@click.option("--sheet", cls=Option, metavar="NAME")
def kpi(
    source: tuple[Path, ...],
    out: Path,
    reference: Path | None,
    save: Path | None,
    by: str | None,
    findings: Path | None,
    csv: bool,
    sheet: str | None,
) -> None:
    """Tell the figures of grouped claims and settled months."""
    from drg.scale.kpi_file import kpi_files
    from drg.scale.kpi_words import report_lines

    with bar(out.name) as progress:
        run = kpi_files(
            source,
            out,
            reference=reference,
            save=save,
            by=None if by is None else by.split(","),
            findings=findings,
            sheet=sheet,
            csv=csv,
            progress=progress,
        )
    for line in report_lines(run):
        echo(line)
