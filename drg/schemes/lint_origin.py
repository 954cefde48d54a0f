"""Findings about where tables come from: sources, status, amendments, dates, the code lists."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from drg.paths import tables_root
from drg.reasons import reason_title
from drg.schemes.crosswalk import KINDS, NATIONAL, code_lists, read_national
from drg.schemes.folder import Folder
from drg.schemes.importing.write import SOURCE as IMPORTED
from drg.schemes.lint_codes import same_codes
from drg.schemes.lint_finding import Finding, lint_codes
from drg.schemes.scheme import Scheme
from drg.schemes.versions import STATUSES, Place
from drg.toml_file import read_toml

SOURCES_FILE = "sources.toml"
#: What a source, a table or an amendment may rest on (docs/tables.md).
TABLE_STATUSES = tuple(status for status in STATUSES if status != "unknown")
#: Sources that no shipped table names: of an imported scheme, and of a catalogue built of claims.
_BY_USERS = (IMPORTED, "S-CLAIMS")
_SOURCE_TEXTS = ("title_zh", "title_en", "issuer", "used", "status", "obtained")


def read_sources(folder: Path | None = None) -> Mapping[str, Mapping[str, Any]]:
    """The register of documents, by id: the shipped one, or a scheme folder's own beside it.

    Returns
    -------
    mapping of str to mapping
        Empty where there is none.
    """
    path = (folder or tables_root()) / SOURCES_FILE
    return read_toml(path) if path.is_file() else {}


def folder_findings(
    folder: Folder, overlays: Sequence[Folder], sources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """Findings about the headers of a scheme and its overlays.

    Parameters
    ----------
    folder : Folder
        The scheme's own; what it extends has its own findings.
    overlays : sequence of Folder
        In its ``compat/``.
    sources : mapping of str to mapping
        As ``read_sources`` returns.
    """
    header = folder.header
    for name in ("kind", "title_zh", "title_en"):
        if not header.get(name):
            yield Finding("L155", folder.file, name)
    if not header.get("in_force_note") and header.get("in_force_status") not in ("official",):
        yield Finding("L158", folder.file, "in_force_note")
    for part in (folder, *overlays):
        yield from _origins(part, sources)
        yield from _amendments(part, sources)
    listed = header.get("sources", [])
    said = list(map(str, listed)) if isinstance(listed, list) else []
    own = {e.source for e in folder.entries.values()} | {
        str(e.get("source", ""))
        for key in ("notes", "amendments", "accepted")
        for e in header.get(key, [])
    }
    for source in sorted(own - {""} - set(said)):
        yield Finding("L156", folder.file, source)
    for source in said:
        if source not in sources:
            yield Finding("L151", folder.file, "sources", params={"source": source})


def _origins(part: Folder, sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Source and status of a folder's tables and notes."""
    overlay = "id" not in part.header
    for name, entry in part.entries.items():
        # The amendments of an overlay have a source each; its tables need none.
        if not (overlay or entry.amends) or entry.source or entry.status:
            yield from _origin(part, f"tables.{name}", entry.source, entry.status, sources)
    for number, note in enumerate(part.header.get("notes", []), 1):
        key = f"notes {number}"
        source, status = str(note.get("source", "")), str(note.get("status", ""))
        yield from _origin(part, key, source, status, sources)
        if not overlay and not note.get("text"):
            yield Finding("L157", _file(part), key)


def _origin(
    part: Folder,
    key: str,
    source: str,
    status: str,
    sources: Mapping[str, Mapping[str, Any]],
) -> Iterator[Finding]:
    if not source:
        yield Finding("L150", _file(part), key)
    elif source not in sources:
        yield Finding("L151", _file(part), key, params={"source": source})
    if status not in TABLE_STATUSES:
        known = " ".join(TABLE_STATUSES)
        yield Finding("L152", _file(part), key, params={"status": status or "—", "known": known})


def _file(part: Folder) -> str:
    """``scheme.toml``, or an overlay's file with its name."""
    if "id" in part.header:
        return part.file
    return f"compat/{part.path.name}/{part.file}"


def _amendments(part: Folder, sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Amendments explained but not used, twice, or without a reason."""
    in_rows = _amendment_ids(part)
    seen: set[str] = set()
    flags = part.header.get("flags", {})
    for entry in part.header.get("amendments", []):
        name = str(entry.get("id", ""))
        key = f"amendments {name}"
        source, status = str(entry.get("source", "")), str(entry.get("status", ""))
        yield from _origin(part, key, source, status, sources)
        if not (entry.get("reason_zh") and entry.get("reason_en")):
            yield Finding("L154", _file(part), key)
        if name in seen:
            yield Finding("L136", _file(part), key)
        elif name not in in_rows and name not in flags:
            yield Finding("L153", _file(part), key)
        seen.add(name)


def _amendment_ids(part: Folder) -> set[str]:
    """Ids in the column ``amendment`` of a folder's tables."""
    found: set[str] = set()
    for name in part.entries:
        table = pl.read_csv(part.path / f"{name}.csv", infer_schema=False)
        if "amendment" in table.columns:
            found |= set(table["amendment"].drop_nulls())
    return found


def header_findings(scheme: Scheme, folder: Folder) -> Iterator[Finding]:
    """What a header says of its tables, and reason codes of its rows without a page."""
    groups = len({test.drg for test in scheme.drgs})
    said = folder.header.get("groups")
    entry = folder.entries.get("drg")
    if said is None and (entry is None or entry.amends):
        yield Finding("L137", folder.file, "groups", params={"found": f"{groups:,}"})
    elif said is not None and said != groups:
        yield Finding("L138", folder.file, "groups", params={"said": said, "found": f"{groups:,}"})
    for row in scheme.adrgs:
        if row.ambiguous and not row.reason:
            yield Finding("L139", "adrg", row.adrg)
    reasons = {c.check for c in scheme.checks} | {a.reason for a in scheme.adrgs if a.reason}
    for reason in sorted(reasons):
        if not reason_title(reason):
            yield Finding("L145", "check", reason)


def place_findings(places: Sequence[Place]) -> Iterator[Finding]:
    """Versions of one place whose dates overlap, or leave days between them."""
    for place in places:
        dated = place.dated
        for before, after in pairwise(dated):
            one, other = before.interval, after.interval
            if one is None or other is None:
                continue
            params = {"first": str(before), "second": str(after)}
            key = f"{place.id} {before.id} {after.id}"
            if one.overlaps(other):
                yield Finding("L159", "scheme.toml", key, params=params)
            elif one.end != other.start:
                yield Finding("L160", "scheme.toml", key, params=params)


def list_findings(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Findings about the national code lists."""
    lists = code_lists()
    yield from _origins(_as_scheme(lists), sources)
    for kind in KINDS:
        frame = read_national(lists, kind)
        table = NATIONAL[kind]
        nameless = frame.filter(pl.col("name").str.strip_chars() == "")["code"].sort()
        if nameless.len():
            yield Finding("L163", table, table, tuple(nameless))
        yield from same_codes(frame.select(pl.lit("").alias("list"), "code"), table)


def _as_scheme(folder: Folder) -> Folder:
    """The header of the code lists read as one whose tables need a source."""
    return Folder(folder.path, folder.file, {"id": "codes", **folder.header}, folder.entries)


def source_findings(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Findings about the register of documents."""
    root = tables_root()
    texts = [
        path.read_text("utf-8")
        for path in sorted(root.rglob("*.toml"))
        if path.name != SOURCES_FILE or path.parent != root
    ]
    by_rows = _sources_of_rows(root)
    for name, entry in sources.items():
        for field in _SOURCE_TEXTS:
            if not str(entry.get(field, "")).strip():
                yield Finding("L161", SOURCES_FILE, name, params={"field": field})
        if entry.get("status") and entry["status"] not in TABLE_STATUSES:
            known = " ".join(TABLE_STATUSES)
            params = {"status": entry["status"], "known": known}
            yield Finding("L152", SOURCES_FILE, name, params=params)
        quoted = f'"{name}"'
        named = name in by_rows or any(quoted in text for text in texts)
        if name not in _BY_USERS and not named:
            yield Finding("L162", SOURCES_FILE, name)


def _sources_of_rows(root: Path) -> set[str]:
    """Documents that rows of tables name in a column ``source``."""
    named: set[str] = set()
    for path in sorted(root.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if "source" in (rows.fieldnames or ()):
                named.update(row["source"] for row in rows)
    return named


def acceptance_findings(
    entries: Sequence[Mapping[str, Any]], sources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """``[[accepted]]`` entries that cannot be read as such."""
    for number, entry in enumerate(entries, 1):
        key = f"accepted {number}"
        missing = [
            name
            for name in ("lint", "where", "source", "reason_zh", "reason_en")
            if not entry.get(name)
        ]
        where = entry.get("where")
        if missing or not isinstance(where, list):
            yield Finding("L192", "scheme.toml", key, tuple(missing or ["where"]))
        elif entry["lint"] not in lint_codes():
            yield Finding("L192", "scheme.toml", key, ("lint",))
        if entry.get("source") and entry["source"] not in sources:
            yield Finding("L151", "scheme.toml", key, params={"source": entry["source"]})
