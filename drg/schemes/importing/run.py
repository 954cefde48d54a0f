"""Import a scheme: from a folder of tables or a bureau's workbook to a folder that groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from drg.errors import TableError
from drg.schemes.importing.adopt import LISTS, complete
from drg.schemes.importing.folder_layout import in_layout, is_ours, read_folder_layout
from drg.schemes.importing.lower import lower
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.sheets import open_sheets, read_sheets
from drg.schemes.importing.source import open_source
from drg.schemes.importing.workbook import workbook_draft
from drg.schemes.importing.write import (
    REPORT_FILE,
    Identity,
    checked_id,
    find_base,
    scheme_id,
    write_scheme,
)
from drg.schemes.scheme import Scheme
from drg.text import text

__all__ = ["Imported", "import_scheme"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    Attributes
    ----------
    scheme : Scheme
        The scheme as loaded from the folder written.
    out : Path
        The folder.
    report : ImportReport
        Everything that was lost, dropped, changed or assumed; also in ``import-report.csv``.
    """

    scheme: Scheme
    out: Path
    report: ImportReport

    def lines(self) -> list[str]:
        """What to tell on a terminal."""
        scheme = self.scheme
        groups = len({row.drg for row in scheme.drgs})
        made = text(
            "importing.made", id=scheme.id, mdcs=len(scheme.mdcs), adrgs=len(scheme.adrgs),
            groups=groups, out=self.out,
        )  # fmt: skip
        shown = self.report.lines()
        if self.report.findings:
            shown.append(text("importing.report_at", file=self.out / REPORT_FILE))
        return [made, *shown]


def import_scheme(
    path: str | Path, out: str | Path, *, base: str | None = None, identity: Identity | None = None
) -> Imported:
    """Import a scheme into a new folder.

    Parameters
    ----------
    path : str or Path
        A folder of tables with scheme.json, a .tar.gz or .zip of one, or an .xlsx workbook.
    out : str or Path
        The scheme folder to write; must not exist, or be empty.
    base : str, optional
        Id of the scheme it is to extend: a shipped one, or a folder beside ``out``. The folder
        then holds only what differs, and what a workbook lacks is taken from the base.
    identity : Identity, optional
        Id, title, place and dates; what is blank comes from the source.

    Returns
    -------
    Imported

    Raises
    ------
    InputError
        F101, F104, F105, F116, F124: there is nothing of a known kind to read.
    TableError
        T131, T140-T150: see the catalogue of errors.
    SchemeError
        S101, S103, S106: the base or the id.
    """
    path, out = Path(path), Path(out)
    identity = identity or Identity("")
    source = open_source(path)
    below = find_base(base, out) if base else None
    report = ImportReport()
    if is_ours(source):
        raise TableError("T148", where=str(path))
    layout, where = in_layout(source), str(path)
    if layout:
        draft = read_folder_layout(source, report)
        complete(draft, [name for name in LISTS if name not in draft.files], below, report, where)
    else:
        found = read_sheets(open_sheets(source, report), report)
        draft = workbook_draft(out.resolve().name, found, below, report, where)
        lacking = [] if below else [n for n in LISTS if n not in draft.files and n != "code_set"]
        complete(draft, lacking, None, report, where)
    tables, flags = lower(draft, report)
    named = replace(
        identity,
        id=checked_id(identity.id) if identity.id else scheme_id(draft.id),
        title=identity.title or draft.title,
    )
    scheme = write_scheme(out, source, named, tables, flags, below, report, overlay=layout)
    return Imported(scheme, out, report)
