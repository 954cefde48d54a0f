"""Find schemes by id or folder, list them, and load them resolved and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from drg.errors import SchemeError, TableError
from drg.paths import tables_root, there
from drg.schemes.crosswalk import (
    KINDS,
    Crosswalk,
    Edition,
    code_lists,
    edition_of,
    read_crosswalk,
    read_national,
)
from drg.schemes.flags import Flags, scheme_digest
from drg.schemes.folder import SCHEME_FILE, Folder, read_folder
from drg.schemes.versions import find_place, in_force, place_names, status_of

if TYPE_CHECKING:
    import polars as pl

    from drg.schemes.scheme import Scheme

__all__ = [
    "OVERLAY_FILE",
    "SCHEME_FILE",
    "SchemeInfo",
    "SchemeLocation",
    "list_schemes",
    "load_location",
    "load_scheme",
    "locate",
    "scheme_folder",
    "unknown_scheme",
]

#: Header of a DIP catalogue: another kind of folder, known here only to say so.
_CATALOGUE_FILE = "catalogue.toml"
OVERLAY_FILE = "overlay.toml"
#: Names suggested for one that is not there.
_NEAR = 4
#: An id is a plain name: nothing that could step out of the tables folder.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class SchemeInfo:
    """One line of ``drg schemes``: read from scheme.toml alone.

    Attributes
    ----------
    place, place_zh : str
        What its versions share, ``""`` for a scheme that is no version of anything.
    in_force : tuple of str
        Half-open, ISO dates; ``""`` where open, both ``""`` when the dates are not known.
    in_force_status, in_force_note : str
        How the dates are known (``official transcribed derived recalled synthetic unknown``).
    base : str
        Id of the scheme it extends, ``""`` for none.
    compat : tuple of str
        Its overlays.
    status : str
        How its code sets are known.
    """

    id: str
    kind: str
    place: str
    place_zh: str
    title_zh: str
    title_en: str
    groups: int
    in_force: tuple[str, str]
    in_force_status: str
    in_force_note: str
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
    edition: Edition = "insurance"

    @property
    def folders(self) -> tuple[Folder, ...]:
        """Every folder whose tables decide a group, the lowest first."""
        return tuple(f for f in (self.codes, self.base, self.folder, self.overlay) if f)


def list_schemes() -> tuple[SchemeInfo, ...]:
    """Every scheme under ``tables/schemes``: the bases by id, then the others by place and date."""
    found = []
    for path in sorted((tables_root() / "schemes").glob(f"*/{SCHEME_FILE}")):
        header = read_folder(path.parent, SCHEME_FILE)
        entries = header.entries
        toml = header.header
        found.append(
            SchemeInfo(
                str(toml.get("id", path.parent.name)),
                str(toml.get("kind", "")),
                str(toml.get("place", "")),
                str(toml.get("place_zh", "")),
                str(toml.get("title_zh", "")),
                str(toml.get("title_en", "")),
                int(toml.get("groups", entries["drg"].rows if "drg" in entries else 0)),
                interval.texts if (interval := in_force(header)) else ("", ""),
                status_of(header),
                str(toml.get("in_force_note", "")),
                str(toml.get("extends", "")),
                _overlays(path.parent),
                entries["code_set"].status if "code_set" in entries else "",
            )
        )

    def order(info: SchemeInfo) -> tuple[object, ...]:
        return (info.place, info.in_force, info.id) if info.base else ("", info.id)

    return tuple(sorted(found, key=lambda info: (info.base != "", order(info))))


def locate(
    id_or_path: str | Path, compat: str | None = None, codes: str | None = None
) -> SchemeLocation:
    """Find a scheme by id or by folder, without reading its tables.

    Parameters
    ----------
    id_or_path, compat
        As ``load_scheme``.
    codes : {"insurance", "clinical"}, optional
        Edition of the codes in claims; the insurance edition when omitted.

    Raises
    ------
    SchemeError
        S101 no such scheme (names the nearest), S102 no such overlay, S103 not an id, S106 the
        scheme it extends extends another itself, S120 no such edition of codes, S121 it is a DIP
        catalogue.
    TableError
        T120-T123: a TOML header is missing or broken.
    """
    folder = read_folder(_folder(id_or_path), SCHEME_FILE)
    base = _base(folder)
    in_force(folder)
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
    edition = edition_of(codes)
    lists = code_lists(edition)
    if not isinstance(folder.header.get("id"), str):
        raise TableError("T121", where=folder.where, table="id")
    shas = {f"codes/{n}": e.sha256 for n, e in lists.entries.items()}
    shas |= {n: e.sha256 for n, e in folder.entries.items()}
    if base:
        shas |= {f"base/{n}": e.sha256 for n, e in base.entries.items()}
    if overlay:
        shas |= {f"compat/{n}": e.sha256 for n, e in overlay.entries.items()}
    flags = Flags.read(_flags(base, folder, overlay), folder.where)
    digest = scheme_digest(folder.header["id"], flags, shas)
    return SchemeLocation(folder, base, overlay, lists, digest, edition)


def load_scheme(
    id_or_path: str | Path, compat: str | None = None, codes: str | None = None
) -> Scheme:
    """Load, resolve and check a scheme.

    Parameters
    ----------
    id_or_path : str or Path
        A shipped scheme's id (``"chs-drg-2.0"``) or a scheme folder.
    compat : str, optional
        Name of an overlay in the scheme's ``compat/`` folder.
    codes : {"insurance", "clinical"}, optional
        Edition of the codes in claims; the insurance edition when omitted.

    Raises
    ------
    SchemeError, TableError
        As ``locate``; and everything the tables' checks raise.
    """
    return load_location(locate(id_or_path, compat, codes))


def load_location(location: SchemeLocation) -> Scheme:
    """Load a scheme that ``locate`` found."""
    from drg.schemes.overlay import lay_over, read_tables
    from drg.schemes.scheme import Scheme

    folder, base, overlay = location.folder, location.base, location.overlay
    tables = lay_over(read_tables(base), folder) if base else read_tables(folder)
    if overlay:
        tables = lay_over(tables, overlay)
    codes: dict[str, pl.DataFrame] = {kind: read_national(location.codes, kind) for kind in KINDS}
    crosswalks: dict[str, Crosswalk] = {}
    if location.edition == "clinical":
        crosswalks = {kind: read_crosswalk(location.codes, kind) for kind in KINDS}
    return Scheme(
        folder.header,
        tables,
        codes,
        Flags.read(_flags(base, folder, overlay), folder.where),
        location.digest,
        str(folder.path),
        overlay.path.name if overlay else "",
        crosswalks,
    )


def scheme_folder(id_or_path: str | Path) -> Path | None:
    """The folder of one scheme, by id or by itself; None when there is none of that name."""
    text = str(id_or_path)
    if _ID.fullmatch(text):
        shipped = tables_root() / "schemes" / text
        if (shipped / SCHEME_FILE).is_file():
            return shipped
    path = Path(id_or_path)
    # No name is no folder: Path("") would be the one the user happens to be in.
    return path if text and there(path / SCHEME_FILE) else None


def _folder(id_or_path: str | Path) -> Path:
    if found := scheme_folder(id_or_path):
        return found
    text = str(id_or_path)
    if any(there(path / _CATALOGUE_FILE) for path in _catalogues(id_or_path)):
        raise SchemeError("S121", id=text)
    if place := find_place(id_or_path):
        ids = ", ".join(version.id for version in place.versions)
        raise SchemeError("S110", place=text, ids=ids)
    if text and there(Path(id_or_path), folder=True):
        raise SchemeError("S104", where=text)
    raise unknown_scheme(id_or_path)


def _catalogues(id_or_path: str | Path) -> tuple[Path, ...]:
    """Where a DIP catalogue of this name would be."""
    text = str(id_or_path)
    shipped = (tables_root() / "dip" / text,) if _ID.fullmatch(text) else ()
    return *shipped, *((Path(id_or_path),) if text else ())


def unknown_scheme(name: str | Path) -> SchemeError:
    """S101 for a name that is neither scheme, place nor DIP catalogue; it names the nearest."""
    ids = sorted(p.parent.name for p in (tables_root() / "schemes").glob(f"*/{SCHEME_FILE}"))
    ids += sorted(p.parent.name for p in (tables_root() / "dip").glob(f"*/{_CATALOGUE_FILE}"))
    near = _catalogues_of(str(name)) or get_close_matches(
        str(name), [*place_names(), *ids], n=_NEAR, cutoff=0.4
    )
    return SchemeError("S101", id=str(name), near=", ".join(near or ids))


def _catalogues_of(place: str) -> list[str]:
    """Ids of the shipped DIP catalogues of a place: they are chosen by id, never by place."""
    headers = sorted((tables_root() / "dip").glob(f"*/{_CATALOGUE_FILE}"))
    found = [read_folder(path.parent, _CATALOGUE_FILE) for path in headers]
    return [
        folder.path.name
        for folder in found
        if place and place in (folder.header.get("place"), folder.header.get("place_zh"))
    ]


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


def _flags(*folders: Folder | None) -> Mapping[str, object]:
    """Flags of folders laid over one another, the lowest first."""
    flags: dict[str, object] = {}
    for part in folders:
        values = part.header.get("flags", {}) if part else {}
        if part and not isinstance(values, dict):
            raise TableError("T123", where=part.where, flag="flags", value=values)
        flags |= values
    return flags
