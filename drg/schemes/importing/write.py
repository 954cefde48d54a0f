"""A lowered scheme as a folder: whole or as the extension of a base, checked, then put in place."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from drg.dates import Interval
from drg.errors import DrgError, SchemeError, TableError
from drg.schemes.catalog import load_scheme
from drg.schemes.folder import SCHEME_FILE
from drg.schemes.importing.lower import Tables
from drg.schemes.importing.ordering import as_in_base
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.source import Source
from drg.schemes.save import new_folder, save_extension, save_overlay, save_scheme
from drg.schemes.scheme import Scheme
from drg.schemes.tables import SCHEME_TABLES
from drg.text import text

REPORT_FILE = "import-report.csv"
OVERLAY = "opendrg"
#: The entry of tables/sources.toml for what a user brings.
SOURCE = "S-IMPORTED"
_STATUS = "transcribed"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a scheme is called and when it is in force; ``""`` where not known."""

    id: str
    title: str = ""
    place: str = ""
    place_zh: str = ""
    start: str = ""
    end: str = ""


def identity_of(
    scheme_id: str | None = None,
    place: str | None = None,
    title: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> Identity:
    """What a caller says of a scheme; ``place`` may be a code, a Chinese name, or both.

    Raises
    ------
    TableError
        T125: the dates are none, or the end is not after the start. T151: the place is none.
    """
    check_interval(start or "", end or "")
    names = [part.strip() for part in (place or "").split("/")]
    codes = [name for name in names if name and name.isascii()]
    named = [name for name in names if not name.isascii()]
    if len(codes) > 1 or len(named) > 1 or not all(map(_ID.fullmatch, codes)):
        raise TableError("T151", place=place)
    code, chinese = "".join(codes), "".join(named)
    return Identity(scheme_id or "", title or "", code, chinese, start or "", end or "")


def check_interval(start: str, end: str) -> None:
    """Refuse what is no half-open interval of ISO dates."""
    try:
        Interval.parse((start, end))
    except ValueError as error:
        raise TableError("T125", found=[start, end]) from error


def scheme_id(wanted: str) -> str:
    """An id made of a name: other signs than letters, digits, ``.`` and ``-`` become ``-``.

    Raises
    ------
    SchemeError
        S103: nothing is left of the name.
    """
    made = re.sub(r"[^A-Za-z0-9.]+", "-", wanted).strip("-.")[:64]
    if not _ID.fullmatch(made):
        raise SchemeError("S103", id=wanted)
    return made


def checked_id(wanted: str) -> str:
    """An id that a caller chose: taken as it is, or refused.

    Raises
    ------
    SchemeError
        S103.
    """
    if not _ID.fullmatch(wanted):
        raise SchemeError("S103", id=wanted)
    return wanted


def find_base(base: str, out: Path) -> Scheme:
    """The base of an extension: the folder of that name beside the output, or a shipped scheme.

    Raises
    ------
    TableError
        T149: the output has the base's name, so the extension would find itself.
    SchemeError
        S101, S104: there is no such scheme; S106: it extends another one itself.
    """
    if out.resolve().name == base:
        raise TableError("T149", where=str(out), base=base)
    beside = out.parent / base
    found = _ID.fullmatch(base) and (beside / SCHEME_FILE).is_file()
    scheme = load_scheme(beside if found else base)
    if scheme.header.get("extends"):
        raise SchemeError("S106", where=scheme.where, id=base)
    return scheme


def write_scheme(
    out: Path,
    source: Source,
    identity: Identity,
    tables: Tables,
    flags: Mapping[str, object],
    base: Scheme | None,
    report: ImportReport,
    *,
    overlay: bool,
) -> Scheme:
    """Write, load and check a scheme folder; on any error nothing is left behind.

    Parameters
    ----------
    out : Path
        The scheme's folder; must not exist, or be empty.
    source : Source
        What the scheme was read from.
    identity : Identity
    tables : mapping of str to DataFrame
    flags : mapping of str to object
    base : Scheme or None
        The folder is to hold what differs from it.
    report : ImportReport
    overlay : bool
        Whether ``--compat opendrg`` is to work, with the same result.

    Raises
    ------
    TableError
        T131 the folder holds something, T147 the scheme does not load or compile.
    InputError
        F204, F209, F210: the folder cannot be written.
    """
    header = _header(source, identity, flags, tables)
    with new_folder(out) as draft:
        _save(draft, header, tables, base)
        if overlay:
            save_overlay(
                draft / "compat" / OVERLAY, _overlay_header(flags), tables, tables, _amendment_of
            )
        scheme = _checked(draft, out)
        (draft / REPORT_FILE).write_text(report.to_csv(), encoding="utf-8-sig", newline="\n")
    return scheme


def _save(folder: Path, header: dict[str, object], tables: Tables, base: Scheme | None) -> None:
    if base is None:
        save_scheme(folder, header, tables)
        return
    below = _tables_of(base)
    same = {name: frame for name, frame in below.items() if name not in tables} | tables
    for name, key, within in (("mdc", ["mdc"], ""), ("adrg", ["mdc", "adrg", "rule_no"], "mdc")):
        same[name] = as_in_base(tables[name], below[name], key, within)
    header |= {"extends": base.id, "amendments": _amendments(header)}
    save_extension(folder, header, below, same, _amendment_of)


def _tables_of(scheme: Scheme) -> Tables:
    """Every table the scheme has; optional ones may be absent."""
    found = {}
    for name in SCHEME_TABLES:
        with contextlib.suppress(KeyError):
            found[name] = scheme.table(name)
    return found


def _checked(folder: Path, out: Path) -> Scheme:
    """The scheme that was written, loaded and compiled; errors name the folder it will be."""
    from drg.schemes.compile import compile_scheme

    try:
        scheme = load_scheme(folder)
        compile_scheme(scheme)
    except DrgError as error:
        detail = str(error).replace(str(folder), str(out))
        raise TableError("T147", where=str(out), detail=detail) from error
    return scheme


def _header(
    source: Source, identity: Identity, flags: Mapping[str, object], tables: Tables
) -> dict[str, object]:
    origin = {"source": SOURCE, "status": _STATUS}
    header: dict[str, object] = {
        "id": identity.id,
        "kind": "chs-drg",
        "title_zh": identity.title or identity.id,
        "title_en": f"{identity.id} (imported)",
    }
    if identity.place:
        header["place"] = identity.place
    if identity.place_zh:
        header["place_zh"] = identity.place_zh
    known = bool(identity.start or identity.end)
    return header | {
        "in_force": [identity.start, identity.end],
        "in_force_status": _STATUS if known else "unknown",
        "in_force_note": text(f"importing.in_force_{'told' if known else 'note'}", "en"),
        "groups": tables["drg"]["drg"].n_unique(),
        "sources": [SOURCE],
        "imported_from": source.path.name,
        "imported_sha256": _digest(source),
        "flags": dict(flags),
        "tables": dict.fromkeys(tables, origin),
    }


def _digest(source: Source) -> str:
    """SHA-256 over the source's files, by name."""
    digest = hashlib.sha256(source.workbook or b"")
    for name in sorted(source.files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(source.files[name]).digest())
    return digest.hexdigest()


def _overlay_header(flags: Mapping[str, object]) -> dict[str, object]:
    return {
        "name": OVERLAY,
        "title_zh": text("importing.overlay_title", "zh"),
        "title_en": text("importing.overlay_title", "en"),
        "flags": dict(flags),
    }


def _amendment_of(table: str, changes: pl.DataFrame) -> pl.Series:
    return pl.Series([f"import-{table}"] * changes.height, dtype=pl.String)


def _amendments(header: Mapping[str, object]) -> list[dict[str, str]]:
    named = header["tables"]
    assert isinstance(named, dict)
    return [
        {
            "id": f"import-{table}",
            "reason_zh": text("importing.amendment", "zh", table=table),
            "reason_en": text("importing.amendment", "en", table=table),
            "source": SOURCE,
            "status": _STATUS,
        }
        for table in named
    ]
