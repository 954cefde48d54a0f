"""A workbook's long lists: MDC diagnoses, severity, exclusion, valid procedures, grey codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from drg.schemes.crosswalk import Kind
from drg.schemes.importing import cells
from drg.schemes.importing.adopt import adopt
from drg.schemes.importing.draft import SchemeDraft
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.sheets import SheetRow
from drg.schemes.importing.workbook_codes import CodeReader
from drg.schemes.scheme import Scheme

Found = Mapping[str, Sequence[SheetRow]]
#: An exclusion table that is given to no principal diagnosis: never void.
_NO_TABLE = "999"
_TRAUMA = "MDCZ"


def read_lists(
    draft: SchemeDraft, found: Found, codes: CodeReader, base: Scheme | None, report: ImportReport
) -> None:
    """Fill the lists of a draft; a list without a sheet is the base's."""
    _mdc_diagnosis(draft, found.get("mdc_diagnosis", ()), codes, base, report)
    _severity(draft, found, codes, base, report)
    for r in found.get("exclusion", ()):
        if code := codes.code(r, "dx"):
            draft.exclusion.append((r.row, code, _table(r)))
    for r in found.get("valid_procedure", ()):
        if code := codes.code(r, "px"):
            draft.valid_procedure.append((r.row, code, r["name"]))
    for r in found.get("grey_code", ()):
        kind: Kind = "px" if re.match(r"\d", r["code"]) else "dx"
        if code := codes.code(r, kind):
            draft.grey_code.append((r.row, kind, code))
    sheets = {
        name: found.get(name, ()) for name in ("mdc_diagnosis", "exclusion", "valid_procedure")
    }
    sheets["severity"] = [r for kind in ("mcc", "cc", "severity") for r in found.get(kind, ())]
    for table, rows in sheets.items():
        if rows:
            draft.files[table] = rows[0].sheet
        elif base:
            adopt(draft, table, base)
            count = base.table(table).height
            report.add("from_base", f"{table}.csv", base=base.id, count=count)


def _mdc_diagnosis(
    draft: SchemeDraft,
    rows: Sequence[SheetRow],
    codes: CodeReader,
    base: Scheme | None,
    report: ImportReport,
) -> None:
    site_of = base.trauma_site if base else {}
    for r in rows:
        letter, _ = codes.named(r, "mdc")
        if not letter:
            report.add("not_group", r.sheet, r.row, r["mdc"])
            continue
        mdc = f"MDC{letter}"
        code = codes.code(r, "dx")
        site = r["site"] if mdc == _TRAUMA else ""
        if mdc == _TRAUMA and code and not site:
            site = site_of.get(code, "")
            kind = "site_from_base" if site else "no_site"
            report.add(kind, r.sheet, r.row, code, site=site)
        if code:
            draft.mdc_diagnosis.append((r.row, mdc, code, site))
    if not (rows and base):
        return
    listed = {mdc for _, mdc, _, _ in draft.mdc_diagnosis}
    theirs = base.table("mdc_diagnosis").rows()
    for mdc in sorted({row[0] for row in theirs} - listed):
        kept = [(0, *row) for row in theirs if row[0] == mdc]
        draft.mdc_diagnosis += kept
        report.add("mdc_from_base", rows[0].sheet, 0, mdc, base=base.id, count=len(kept))


def _severity(
    draft: SchemeDraft, found: Found, codes: CodeReader, base: Scheme | None, report: ImportReport
) -> None:
    theirs = base.severity if base else {}
    for kind in ("mcc", "cc", "severity"):
        for r in found.get(kind, ()):
            level = kind.upper() if kind != "severity" else _level(r, report)
            code = codes.code(r, "dx")
            table = _table(r)
            if not code or not level:
                continue
            if not table and "table" not in r.fields and code in theirs:
                table = theirs[code][1]
                report.add("table_from_base", r.sheet, r.row, code, table=table)
            elif not table:
                report.add("no_table", r.sheet, r.row, code)
            draft.severity.append((r.row, code, level, table or _NO_TABLE))


def _table(r: SheetRow) -> str:
    """Number of an exclusion table: ``007``, ``7.0`` and 7 are one."""
    number = cells.integer(r["table"])
    return cells.code(r["table"]) if number is None else str(number)


def _level(r: SheetRow, report: ImportReport) -> str:
    written = cells.heading(r["level"])
    for level in ("MCC", "CC"):
        if level.casefold() in written:
            return level
    report.add("bad_level", r.sheet, r.row, f"{r['code']} {r['level']}")
    return ""
