"""Lint of schemes and DIP catalogues alike: what ``drg tables lint`` runs.

Schemes, the code lists and the register of documents are left to ``drg.schemes.lint``; a
catalogue's findings are told, accepted and counted just as theirs are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from drg.dip.catalogue import (
    CATALOGUE_FILE,
    CatalogueLocation,
    catalogue_folder,
    list_catalogues,
    load_catalogue_location,
    locate_catalogue,
)
from drg.dip.lint_checks import catalogue_findings
from drg.errors import DrgError
from drg.schemes.catalog import list_schemes
from drg.schemes.lint import CODES, SOURCES, LintReport, accepted_findings, broken_finding
from drg.schemes.lint import lint as lint_schemes
from drg.schemes.lint_finding import Finding, sorted_findings
from drg.schemes.lint_origin import folder_findings, read_sources

__all__ = ["lint", "lint_catalogue"]


def lint(
    targets: Sequence[str | Path] = (),
    *,
    compat: str | None = None,
    each: Callable[[str, tuple[Finding, ...]], object] | None = None,
) -> LintReport:
    """Lint schemes and catalogues, by id or folder; all that are shipped when none is named.

    Parameters
    ----------
    targets, compat, each
        As ``drg.schemes.lint.lint``; with ``compat`` and no target no catalogue is looked at, for
        none has overlays.

    Raises
    ------
    SchemeError
        S101, S104, S110: what is named is neither. One that cannot be read is a finding, L100.
    """
    wanted: list[str | Path] = list(targets)
    if not wanted:
        wanted = [s.id for s in list_schemes() if compat is None or compat in s.compat]
        if compat is None:
            wanted += [*(c.id for c in list_catalogues()), CODES, SOURCES]
    names: list[str] = []
    findings: list[Finding] = []
    run: list[str | Path] = []

    def schemes() -> None:
        # In one run, so that what schemes share is read once.
        if run:
            report = lint_schemes(run, compat=compat, each=each)
            names.extend(report.targets)
            findings.extend(report.findings)
            run.clear()

    for target in wanted:
        if catalogue_folder(target) is None:
            run.append(target)
            continue
        schemes()
        name, found = lint_catalogue(target)
        names.append(name)
        findings += found
        if each:
            each(name, found)
    schemes()
    return LintReport(tuple(names), tuple(findings))


def lint_catalogue(target: str | Path) -> tuple[str, tuple[Finding, ...]]:
    """Name of a catalogue and its findings, those accepted marked."""
    try:
        location = locate_catalogue(target)
    except DrgError as error:
        found = [broken_finding(error, CATALOGUE_FILE)]
        return str(target), tuple(replace(f, scheme=str(target)) for f in found)
    found = _findings(location)
    return location.id, tuple(replace(f, scheme=location.id) for f in sorted_findings(found))


def _findings(location: CatalogueLocation) -> list[Finding]:
    folder = location.folder
    sources = {**read_sources(), **read_sources(folder.path)}
    try:
        found = list(catalogue_findings(load_catalogue_location(location)))
    except DrgError as error:
        found = [broken_finding(error, CATALOGUE_FILE)]
    found += folder_findings(folder, (), sources)
    return accepted_findings(found, (folder,), sources)
