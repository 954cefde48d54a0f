"""Find schemes by id or folder, list them, and load them resolved and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from drg.errors import SchemeError, TableError
from drg.paths import tables_root
from drg.schemes.flags import Flags, scheme_digest
from drg.schemes.folder import Folder, read_folder

if TYPE_CHECKING:
    from drg.schemes.scheme import Scheme

SCHEME_FILE = "scheme.toml"
OVERLAY_FILE = "overlay.toml"
#: An id is a plain name: nothing that could step out of the tables folder.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class SchemeInfo:
    """One line of ``drg schemes``: read from scheme.toml alone."""

    id: str
    kind: str
    title_zh: str
    title_en: str
    groups: int
    in_force: tuple[str, str]
    in_force_status: str
    base: str
    compat: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class SchemeLocation:
    """A scheme found but not loaded: the headers of its folders, and the digest.

    The digest is computed from the declared table digests, so it costs no table reading; the
    tables are held to those digests when they are read.
    """

    folder: Folder
    base: Folder | None
    overlay: Folder | None
    codes: Folder
    digest: str

    @property
    def folders(self) -> tuple[Folder, ...]:
        """Every folder whose tables decide a group, the lowest first."""
        return tuple(f for f in (self.codes, self.base, self.folder, self.overlay) if f)


def list_schemes() -> tuple[SchemeInfo, ...]:
    """Every scheme under ``tables/schemes``, sorted by id."""
    found = []
    for path in sorted((tables_root() / "schemes").glob(f"*/{SCHEME_FILE}")):
        header = read_folder(path.parent, SCHEME_FILE)
        entries = header.entries
        toml = header.header
        found.append(
            SchemeInfo(
                str(toml.get("id", path.parent.name)),
                str(toml.get("kind", "")),
                str(toml.get("title_zh", "")),
                str(toml.get("title_en", "")),
                int(toml.get("groups", entries["drg"].rows if "drg" in entries else 0)),
                _in_force(header),
                str(toml.get("in_force_status", "")),
                str(toml.get("extends", "")),
                _overlays(path.parent),
                entries["code_set"].status if "code_set" in entries else "",
            )
        )
    return tuple(found)


def locate(id_or_path: str | Path, compat: str | None = None) -> SchemeLocation:
    """Find a scheme by id or by folder, without reading its tables.

    Raises
    ------
    SchemeError
        S101 no such scheme (names the nearest), S102 no such overlay, S103 not an id, S106 the
        scheme it extends extends another itself.
    TableError
        T120-T123: a TOML header is missing or broken.
    """
    folder = read_folder(_folder(id_or_path), SCHEME_FILE)
    base = _base(folder)
    _in_force(folder)
    overlay = None
    if compat:
        if not _ID.fullmatch(compat):
            raise SchemeError("S103", id=compat)
        path = folder.path / "compat" / compat
        if not (path / OVERLAY_FILE).is_file():
            known = _overlays(folder.path)
            raise SchemeError(
                "S102", compat=compat, known=", ".join(known) or "—", id=folder.path.name
            )
        overlay = read_folder(path, OVERLAY_FILE)
    codes = read_folder(tables_root() / "codes", "codes.toml")
    if not isinstance(folder.header.get("id"), str):
        raise TableError("T121", where=folder.where, table="id")
    shas = {f"codes/{n}": e.sha256 for n, e in codes.entries.items()}
    shas |= {n: e.sha256 for n, e in folder.entries.items()}
    if base:
        shas |= {f"base/{n}": e.sha256 for n, e in base.entries.items()}
    if overlay:
        shas |= {f"compat/{n}": e.sha256 for n, e in overlay.entries.items()}
    flags = Flags.read(_flags(base, folder, overlay), folder.where)
    digest = scheme_digest(folder.header["id"], flags, shas)
    return SchemeLocation(folder, base, overlay, codes, digest)


def load_scheme(id_or_path: str | Path, compat: str | None = None) -> Scheme:
    """Load, resolve and check a scheme.

    Parameters
    ----------
    id_or_path : str or Path
        A shipped scheme's id (``"chs-drg-2.0"``) or a scheme folder.
    compat : str, optional
        Name of an overlay in the scheme's ``compat/`` folder.

    Raises
    ------
    SchemeError, TableError
        As ``locate``; and everything the tables' checks raise.
    """
    return load_location(locate(id_or_path, compat))


def load_location(location: SchemeLocation) -> Scheme:
    """Load a scheme that ``locate`` found."""
    from drg.schemes.overlay import lay_over, read_tables
    from drg.schemes.scheme import Scheme
    from drg.schemes.tables import Column as Col
    from drg.schemes.tables import TableFormat, read_table

    folder, base, overlay = location.folder, location.base, location.overlay
    tables = lay_over(read_tables(base), folder) if base else read_tables(folder)
    if overlay:
        tables = lay_over(tables, overlay)
    code_table = (Col("code"), Col("name"))
    codes = {
        kind: read_table(location.codes, TableFormat(name, code_table, ("code",)))
        for kind, name in (("dx", "icd10"), ("px", "icd9cm3"))
    }
    return Scheme(
        folder.header,
        tables,
        codes,
        Flags.read(_flags(base, folder, overlay), folder.where),
        location.digest,
        str(folder.path),
        overlay.path.name if overlay else "",
    )


def _folder(id_or_path: str | Path) -> Path:
    text = str(id_or_path)
    if _ID.fullmatch(text):
        shipped = tables_root() / "schemes" / text
        if (shipped / SCHEME_FILE).is_file():
            return shipped
    path = Path(id_or_path)
    if (path / SCHEME_FILE).is_file():
        return path
    if path.is_dir():
        raise SchemeError("S104", where=text)
    known = [p.parent.name for p in (tables_root() / "schemes").glob(f"*/{SCHEME_FILE}")]
    near = get_close_matches(text, known, n=3, cutoff=0.4) or sorted(known)
    raise SchemeError("S101", id=text, near=", ".join(near))


def _base(folder: Folder) -> Folder | None:
    """The scheme a scheme extends: a shipped one, or the folder of that name beside it."""
    wanted = folder.header.get("extends")
    if not wanted:
        return None
    if not isinstance(wanted, str) or not _ID.fullmatch(wanted):
        raise SchemeError("S103", where=folder.where, id=wanted)
    beside = folder.path.parent / wanted
    path = beside if (beside / SCHEME_FILE).is_file() else _folder(wanted)
    base = read_folder(path, SCHEME_FILE)
    if base.header.get("extends"):
        raise SchemeError("S106", where=folder.where, id=wanted)
    return base


def _overlays(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(p.parent.name for p in folder.glob("compat/*/overlay.toml")))


def _in_force(folder: Folder) -> tuple[str, str]:
    """The half-open interval a scheme is in force, ISO dates; ``""`` where open or unknown."""
    dates = folder.header.get("in_force", ["", ""])
    try:
        start, end = (str(d) for d in dates)
        first, last = (date.fromisoformat(d) if d else None for d in (start, end))
    except (TypeError, ValueError) as error:
        raise TableError("T125", where=folder.where, found=dates) from error
    if first and last and first >= last:
        raise TableError("T125", where=folder.where, found=dates)
    return start, end


def _flags(*folders: Folder | None) -> Mapping[str, object]:
    """Flags of folders laid over one another, the lowest first."""
    flags: dict[str, object] = {}
    for part in folders:
        values = part.header.get("flags", {}) if part else {}
        if part and not isinstance(values, dict):
            raise TableError("T123", where=part.where, flag="flags", value=values)
        flags |= values
    return flags
