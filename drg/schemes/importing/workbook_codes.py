"""Codes, names and list labels in a workbook's cells, as they are meant."""

from __future__ import annotations

import re
from functools import cached_property

from drg.schemes.crosswalk import Kind, code_lists, read_national
from drg.schemes.importing import cells
from drg.schemes.importing.conventions import layout
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.sheets import SheetRow
from drg.schemes.scheme import Scheme

_AFTER = r"(?![0-9A-Za-z])[\s:：—-]*(.*)"
#: A code that may have its name behind it in the same cell.
PATTERNS = {
    "mdc": re.compile(rf"(?:MDC)?[\s-]*([A-Z]){_AFTER}", re.DOTALL | re.IGNORECASE),
    "adrg": re.compile(rf"([A-Z][A-Z][\dY]){_AFTER}", re.DOTALL | re.IGNORECASE),
    "drg": re.compile(rf"([A-Z][A-Z]\d[0-9A-Z]{{1,3}}|[A-Z]QY){_AFTER}", re.DOTALL | re.IGNORECASE),
}
_SHAPES = {
    "dx": re.compile(r"[A-Z][0-9][0-9A-Z][.0-9A-Za-z+*/]*"),
    "px": re.compile(r"\d{2}(\.[0-9A-Za-z]+)?"),
}
#: A procedure code has four digits behind the point; a spreadsheet drops the zeros at its end.
_PROCEDURE = 7


class CodeReader:
    """Reads code cells against the national lists and the base's.

    Parameters
    ----------
    base : Scheme or None
    report : ImportReport
    """

    def __init__(self, base: Scheme | None, report: ImportReport) -> None:
        self.base = base
        self.report = report

    @cached_property
    def known(self) -> dict[Kind, frozenset[str]]:
        """Every code that the national lists or the base know."""
        folder = code_lists("insurance")
        dx, px = (frozenset(read_national(folder, kind)["code"]) for kind in ("dx", "px"))
        if self.base is not None:
            dx, px = dx | self.base.known_dx, px | self.base.known_px
        return {"dx": dx, "px": px}

    def named(self, r: SheetRow, field: str) -> tuple[str, str]:
        """A group's code and name; both ``""`` where the cell holds no such code."""
        written = cells.code(r[field])
        found = PATTERNS[field].fullmatch(written)
        if found is None:
            letter = self._mdc_letter(written) if field == "mdc" else ""
            return letter, r["mdc_name"] or written if letter else ""
        return found[1].upper(), r[f"{field}_name"] or found[2].strip()

    @staticmethod
    def _mdc_letter(name: str) -> str:
        """The letter of an MDC that is given by its published name alone."""
        names = layout("conventions")["mdc_names"].items()
        folded = cells.heading(name)
        return next((mdc[3:] for mdc, known in names if cells.heading(known) == folded), "")

    def code(self, r: SheetRow, kind: Kind) -> str:
        """A code as the lists have it; ``""`` when the cell holds none."""
        code, known = r["code"], self.known[kind]
        if code in known:
            return code
        for mended in self._mended(code, kind):
            if mended in known:
                self.report.add("code_mended", r.sheet, r.row, code, code=mended)
                return mended
        if not _SHAPES[kind].fullmatch(code):
            self.report.add("not_code", r.sheet, r.row, code)
            return ""
        self.report.add("unknown_code", r.sheet, r.row, code)
        return code

    @staticmethod
    def _mended(code: str, kind: Kind) -> list[str]:
        lower = code[:1].upper() + code[1:].replace("X", "x")
        if kind == "dx":
            return [lower]
        return [lower, (code if "." in code else f"{code}.").ljust(_PROCEDURE, "0")]

    def label(self, r: SheetRow, kind: Kind) -> str:
        """Which of an ADRG's lists a row belongs to; ``""`` when the cell cannot be read."""
        written = cells.heading(r["list"])
        if not written:
            return kind
        digits = "".join(c for c in written if c.isdigit())
        word = written.replace(digits, "") if digits else written
        for label, words in layout("workbook")["lists"].items():
            folded = [cells.heading(known) for known in words]
            if written in folded:
                return str(label)
            if word in folded:
                return f"px{digits}" if label == "px" and digits else str(label)
        if not word:
            return f"px{digits}" if kind == "px" else "dx"
        self.report.add("list_label", r.sheet, r.row, r["list"])
        return ""
