"""A folder of CSV tables with a scheme.json, read into a draft of a scheme.

The layout: mdc, mdc_diagnosis, adrg, drg, code_set, severity, exclusion, valid_procedure and,
where there are any, grey_code, drg_name and extraction_note. Its rules know two truth values, its
input checks are those of the carrier's 1.x or 2.0 engine, ``no_drg`` stands on each ADRG row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drg.errors import TableError
from drg.schemes.folder import SCHEME_FILE
from drg.schemes.importing import cells
from drg.schemes.importing.conventions import CHECKS_1, CHECKS_2, GREY_CHECK
from drg.schemes.importing.draft import AdrgDraft, DrgDraft, MdcDraft, SchemeDraft
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.source import Source

MARKER = "scheme.json"
_NO_GROUP = ("0000", "00", "0000")
_MAX_JSON = 1024 * 1024
#: table -> (columns it must have, columns it may have)
COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mdc": (("mdc", "rule"), ("order", "name")),
    "mdc_diagnosis": (("mdc", "code"), ("site",)),
    "adrg": (("mdc", "adrg", "rule"), ("order", "rule_no", "name", "kind", "no_drg")),
    "drg": (("adrg", "drg", "rule"), ("rule_no", "order", "name")),
    "code_set": (("set", "code"), ("kind",)),
    "severity": (("code", "level", "exclusion_table"), ()),
    "exclusion": (("principal_diagnosis", "exclusion_table"), ()),
    "valid_procedure": (("code",), ("name",)),
    "grey_code": (("code",), ("kind", "name")),
    "drg_name": (("drg", "name"), ()),
    "extraction_note": ((), ("kind", "where", "detail")),
}
_OPTIONAL = ("grey_code", "drg_name", "extraction_note")
#: Columns that hold codes: full-width signs in them are read as ASCII.
_CODES = ("mdc", "adrg", "drg", "set", "code", "principal_diagnosis", "rule_no", "exclusion_table")
#: Without these there is no scheme; the others may come from a base, or not be needed.
_CORE = ("mdc", "adrg", "drg")
_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_KINDS = {"dx": "dx", "diagnosis": "dx", "诊断": "dx", "px": "px", "procedure": "px", "手术": "px"}
_TRUE, _FALSE = (True, 1, "true", "1", "yes", "是"), (False, 0, None, "", "false", "0", "no", "否")
_KNOWN_KEYS = {
    "id", "title", "mdc_order", "flags", "peer", "source", "no_drg_next", "counts",
    "rule_text_extension", "quirks",
}  # fmt: skip
_KNOWN_FLAGS = {"retry_other_procedures", "invalid_input", "ungroupable"}


@dataclass(frozen=True, slots=True)
class _Row:
    row: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def in_layout(source: Source) -> bool:
    """Whether the source is meant as this layout: scheme.json, or its core tables by name."""
    names = {name.lower() for name in source.files}
    return MARKER in names or all(f"{table}.csv" in names for table in _CORE)


def is_ours(source: Source) -> bool:
    """Whether the source is a scheme folder of ours already."""
    return SCHEME_FILE in source.files


def read_folder_layout(source: Source, report: ImportReport) -> SchemeDraft:
    """Read a folder or archive in the layout.

    Raises
    ------
    TableError
        T142 a table is missing, T143 a column is missing, T144 not text, T146 scheme.json is
        broken, T150 a table without rows.
    """
    return _Reader(source, report).run()


class _Reader:
    def __init__(self, source: Source, report: ImportReport) -> None:
        self.source = source
        self.report = report
        self.files: dict[str, str] = {}
        self.spelt: dict[str, int] = {}

    def run(self) -> SchemeDraft:
        meta = self._meta()
        rows = self._tables()
        draft = SchemeDraft(
            str(meta.get("id") or self.source.name), str(meta.get("title") or ""), self.files
        )
        newer = self._is_newer(meta, rows)
        self._flags(draft, meta)
        draft.two_valued = True
        draft.blank_is_zero = frozenset({"age", "age_days"} if newer else ())
        draft.checks = list(CHECKS_2 if newer else CHECKS_1)
        names = {r["drg"]: r["name"] for r in rows.get("drg_name", ()) if r["name"]}
        self._mdcs(draft, rows["mdc"], meta)
        self._adrgs(draft, rows["adrg"], meta, newer)
        self._drgs(draft, rows["drg"], names)
        self._lists(draft, rows)
        if draft.grey_code:
            draft.checks.append(GREY_CHECK)
        for table, count in self.spelt.items():
            self.report.add("mdc_letter", self.files[table], count=count)
        return draft

    # ---- scheme.json

    def _meta(self) -> dict[str, Any]:
        name = next((n for n in self.source.files if n.lower() == MARKER), "")
        data = self.source.files.get(name)
        if data is None:
            raise TableError("T142", where=str(self.source.path), table=MARKER)
        try:
            if len(data) > _MAX_JSON:
                raise ValueError(f"> {_MAX_JSON} bytes")
            meta = json.loads(cells.decoded(data, MARKER))
            if not isinstance(meta, dict):
                raise ValueError(type(meta).__name__)
        except (ValueError, RecursionError) as error:
            if isinstance(error, TableError):
                raise
            detail = str(error) or type(error).__name__
            raise TableError("T146", where=f"{self.source.path} {name}", detail=detail) from error
        for key in sorted(set(meta) - _KNOWN_KEYS):
            self.report.add("json_key", MARKER, what=key)
        return meta

    def _flags(self, draft: SchemeDraft, meta: Mapping[str, Any]) -> None:
        flags = meta.get("flags")
        flags = flags if isinstance(flags, dict) else {}
        for key in sorted(set(flags) - _KNOWN_FLAGS):
            self.report.add("json_key", MARKER, what=f"flags.{key}")
        retry = flags.get("retry_other_procedures")
        retry = retry.strip().lower() if isinstance(retry, str) else retry
        if retry not in (*_TRUE, *_FALSE):
            self.report.add("json_value", MARKER, what=f"retry_other_procedures = {retry}")
        draft.flags = {
            "retry_other_procedures": retry in _TRUE,
            "normalise_codes": False,
            "ungroupable": self._codes(flags, "ungroupable"),
            "rejected": self._codes(flags, "invalid_input"),
            "missing_value": "false",
            "repeated_principal": "secondary",
        }

    def _codes(self, flags: Mapping[str, Any], name: str) -> list[str]:
        value = flags.get(name)
        if isinstance(value, list) and len(value) == 3:
            codes = ["" if v is None else cells.plain(str(v)) for v in value]
            if all(len(code) <= 16 for code in codes):
                return codes
        kind = "json_value" if name in flags else "json_missing"
        self.report.add(kind, MARKER, what=f"flags.{name}" + (f" = {value}" if value else ""))
        return list(_NO_GROUP)

    def _is_newer(self, meta: Mapping[str, Any], rows: Mapping[str, object]) -> bool:
        """Whether the carrier's 2.0 engine stands behind the tables: its checks differ."""
        peer = meta.get("peer")
        told = str(peer.get("source", "") if isinstance(peer, dict) else "")
        said = any(key in meta for key in ("rule_text_extension", "no_drg_next", "quirks"))
        newer = said or "demo" in told or "grey_code" in rows
        self.report.add("checks_2" if newer else "checks_1", MARKER)
        return newer

    # ---- files to rows

    def _tables(self) -> dict[str, list[_Row]]:
        found: dict[str, str] = {}
        for name in sorted(self.source.files, key=lambda n: (len(n), n)):
            lower = name.lower()
            suffix = next((s for s in _SUFFIXES if lower.endswith(s)), "")
            table = lower.removesuffix(suffix) if suffix else ""
            if table in COLUMNS and table not in found:
                found[table] = name
            elif lower != MARKER:
                self.report.add("extra_file", name)
        for table in COLUMNS:
            if table in _CORE and table not in found:
                raise TableError("T142", where=str(self.source.path), table=f"{table}.csv")
            if table not in found and table not in _OPTIONAL:
                self.report.add("table_missing", f"{table}.csv")
        self.files.update(found)
        return {table: self._rows(table, found[table]) for table in COLUMNS if table in found}

    def _rows(self, table: str, file: str) -> list[_Row]:
        read = cells.read_csv(self.source.files[file], file)
        if read.encoding != "utf-8":
            self.report.add("encoding", file, encoding=read.encoding)
        if read.blank:
            self.report.add("blank_rows", file, count=read.blank)
        if not read.rows:
            if table not in _OPTIONAL:
                raise TableError("T143", where=file, columns=",".join(COLUMNS[table][0]), found="")
            return []
        heads = [cells.plain(cell).lower() for cell in read.rows[0][1]]
        places = self._columns(table, file, heads)
        width = len(heads)
        rows = []
        for row, raw in read.rows[1:]:
            if len(raw) < width:
                self.report.add("short_row", file, row, found=len(raw), wanted=width)
            elif any(cells.plain(cell) for cell in raw[width:]):
                self.report.add("long_row", file, row, ",".join(raw[width:]))
            taken = {}
            for column, place in places.items():
                cell = raw[place] if place < len(raw) else ""
                value = cells.code(cell) if column in _CODES else cells.plain(cell)
                if value != cell:
                    self.report.add("cleaned", file, row, cell, column=column, value=value)
                taken[column] = value
            rows.append(_Row(row, taken))
        if not rows and table in _CORE:
            raise TableError("T150", where=str(self.source.path), table=file)
        if not rows and table not in _OPTIONAL:
            self.report.add("table_empty", file)
        return rows

    def _columns(self, table: str, file: str, heads: list[str]) -> dict[str, int]:
        wanted, welcome = COLUMNS[table]
        lacking = [column for column in wanted if column not in heads]
        if lacking:
            where = f"{self.source.path} {file}"
            found = ",".join(heads)
            raise TableError("T143", where=where, columns=",".join(lacking), found=found)
        for column in welcome:
            if column not in heads and table not in _OPTIONAL:
                self.report.add("column_missing", file, what=column)
        for place, head in enumerate(heads):
            if head not in (*wanted, *welcome) or heads.index(head) != place:
                self.report.add("extra_column", file, what=head or f"#{place + 1}")
        return {c: heads.index(c) for c in (*wanted, *welcome) if c in heads}

    # ---- rows to the draft

    def _mdc(self, table: str, written: str) -> str:
        """``A``, ``mdca`` and ``MDCA`` are one MDC."""
        bare = written.upper().removeprefix("MDC").strip()
        mdc = f"MDC{bare}" if len(bare) == 1 else written
        if mdc != written:
            self.spelt[table] = self.spelt.get(table, 0) + 1
        return mdc

    def _order(self, table: str, row: _Row, last: int) -> int:
        order = cells.integer(row["order"])
        if order is None:
            if "order" in row.cells:
                self.report.add("bad_order", self.files[table], row.row, row["order"])
            return last
        return order

    def _key(self, table: str, row: _Row, column: str) -> bool:
        """Whether a row's key cell holds something; a row without a key cannot be taken."""
        if row[column]:
            return True
        self.report.add("no_key", self.files[table], row.row, column=column)
        return False

    def _mdcs(self, draft: SchemeDraft, rows: list[_Row], meta: Mapping[str, Any]) -> None:
        last = 0
        for r in rows:
            if self._key("mdc", r, "mdc"):
                last = self._order("mdc", r, last)
                mdc = self._mdc("mdc", r["mdc"])
                draft.mdc.append(MdcDraft(r.row, last, mdc, r["name"], r["rule"]))
        told = meta.get("mdc_order")
        if isinstance(told, list):
            ordered = [m.mdc for m in sorted(draft.mdc, key=lambda m: m.order)]
            if [self._mdc("mdc", str(m)) for m in told] != ordered:
                self.report.add("mdc_order", MARKER)

    def _adrgs(
        self, draft: SchemeDraft, rows: list[_Row], meta: Mapping[str, Any], newer: bool
    ) -> None:
        through = meta.get("no_drg_next")
        through = {str(a) for a in through} if isinstance(through, list) else set()
        last = 0
        for r in rows:
            if not (self._key("adrg", r, "adrg") and self._key("adrg", r, "mdc")):
                continue
            last = self._order("adrg", r, last)
            no_drg = r["no_drg"].lower() or ("next" if r["adrg"] in through else "self")
            if no_drg not in ("self", "next"):
                self.report.add("bad_no_drg", self.files["adrg"], r.row, r["no_drg"])
            # The 2.0 engine ends its search at such a row, whatever no_drg says.
            kind = r["kind"].lower()
            falls = no_drg == "next" and not (newer and kind == "ambiguous")
            draft.adrg.append(
                AdrgDraft(
                    r.row, self._mdc("adrg", r["mdc"]), last, r["adrg"], r["rule_no"], r["name"],
                    kind, r["rule"], falls,
                )
            )  # fmt: skip

    def _drgs(self, draft: SchemeDraft, rows: list[_Row], names: Mapping[str, str]) -> None:
        last = 0
        for r in rows:
            if self._key("drg", r, "adrg") and self._key("drg", r, "drg"):
                last = self._order("drg", r, last)
                name = r["name"] or names.get(r["drg"], "")
                draft.drg.append(
                    DrgDraft(r.row, r["adrg"], r["rule_no"], last, r["drg"], name, r["rule"])
                )

    def _lists(self, draft: SchemeDraft, rows: Mapping[str, list[_Row]]) -> None:
        draft.mdc_diagnosis = [
            (r.row, self._mdc("mdc_diagnosis", r["mdc"]), r["code"], r["site"])
            for r in rows.get("mdc_diagnosis", ())
            if self._key("mdc_diagnosis", r, "mdc") and self._key("mdc_diagnosis", r, "code")
        ]
        draft.code_set = [
            (r.row, r["set"], _KINDS.get(r["kind"].lower(), ""), r["code"])
            for r in rows.get("code_set", ())
            if self._key("code_set", r, "set") and self._key("code_set", r, "code")
        ]
        draft.severity = [
            (r.row, r["code"], r["level"].upper(), r["exclusion_table"])
            for r in rows.get("severity", ())
            if self._key("severity", r, "code")
        ]
        draft.exclusion = [
            (r.row, r["principal_diagnosis"], r["exclusion_table"])
            for r in rows.get("exclusion", ())
            if self._key("exclusion", r, "principal_diagnosis")
        ]
        draft.valid_procedure = [
            (r.row, r["code"], r["name"])
            for r in rows.get("valid_procedure", ())
            if self._key("valid_procedure", r, "code")
        ]
        draft.grey_code = [
            (r.row, _KINDS.get(r["kind"].lower(), "dx"), r["code"])
            for r in rows.get("grey_code", ())
            if self._key("grey_code", r, "code")
        ]
