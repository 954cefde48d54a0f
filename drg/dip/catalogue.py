"""Find DIP catalogues by id or folder, list them, and load them checked.

A catalogue is a folder with ``catalogue.toml`` and CSV tables, shipped under ``tables/dip/<id>``.
What all of them share (the kind of every procedure, the comorbidity index) stands once in
``tables/dip`` itself; a catalogue's own table of that name overrides it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from drg.errors import SchemeError, TableError
from drg.paths import tables_root, there
from drg.schemes.catalog import SchemeInfo, scheme_folder, unknown_scheme
from drg.schemes.crosswalk import Edition, code_lists, edition_of, national_names
from drg.schemes.folder import Folder, read_folder
from drg.schemes.versions import in_force, status_of

if TYPE_CHECKING:
    from drg.dip.model import Catalogue

__all__ = [
    "CATALOGUE_FILE",
    "SHARED_FILE",
    "CatalogueLocation",
    "catalogue_folder",
    "list_catalogues",
    "load_catalogue",
    "load_catalogue_location",
    "locate_catalogue",
    "shared_folder",
]

CATALOGUE_FILE = "catalogue.toml"
#: Header of what all catalogues share.
SHARED_FILE = "shared.toml"
#: An id is a plain name: nothing that could step out of the tables folder.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: What of the header decides a group or a score, besides the tables.
_DECIDING = ("id", "flags", "matching", "conditions", "default_kind")
#: Tables of the shared folder that a catalogue completes row by row, or has instead of it.
_BY_ROW, _WHOLE = "procedure_kind", "comorbidity"


@dataclass(frozen=True)
class CatalogueLocation:
    """A catalogue found but not loaded: headers and digest.

    The digest is made of the header's deciding parts and the declared table digests, so it costs
    no table reading; the tables are held to those digests when they are read.

    Attributes
    ----------
    folder, shared, codes : Folder
        Its own folder, what all catalogues share, and the code lists of the edition.
    edition : {"insurance", "clinical"}
        Edition of the codes in claims.
    """

    folder: Folder
    shared: Folder
    codes: Folder
    edition: Edition = "insurance"

    @property
    def id(self) -> str:
        """Id of the catalogue."""
        return str(self.folder.header["id"])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything that decides a group."""
        shas = {f"codes/{n}": e.sha256 for n, e in self.codes.entries.items()}
        shared = self.shared.entries.items()
        own = self.folder.entries
        shas |= {f"dip/{n}": e.sha256 for n, e in shared if n == _BY_ROW or n not in own}
        shas |= {n: e.sha256 for n, e in own.items()}
        header = {key: self.folder.header[key] for key in _DECIDING if key in self.folder.header}
        content = {"kind": "dip", "header": header, "tables": shas}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def folders(self) -> tuple[Folder, ...]:
        """Every folder whose tables decide a group, the lowest first."""
        return (self.codes, self.shared, self.folder)


def shared_folder() -> Folder:
    """Header of ``tables/dip``: what every catalogue has that does not say otherwise."""
    return read_folder(tables_root() / "dip", SHARED_FILE)


def list_catalogues() -> tuple[SchemeInfo, ...]:
    """Every catalogue under ``tables/dip`` as a line of ``drg schemes``, by place and date."""
    found = []
    for path in sorted((tables_root() / "dip").glob(f"*/{CATALOGUE_FILE}")):
        folder = read_folder(path.parent, CATALOGUE_FILE)
        toml, entries = folder.header, folder.entries
        told = {key: str(toml.get(key, "")) for key in ("place", "place_zh", "title_zh")}
        found.append(
            SchemeInfo(
                id=str(toml.get("id", path.parent.name)),
                kind="dip",
                title_en=str(toml.get("title_en", "")),
                groups=entries["groups"].rows if "groups" in entries else 0,
                in_force=interval.texts if (interval := in_force(folder)) else ("", ""),
                in_force_status=status_of(folder),
                in_force_note=str(toml.get("in_force_note", "")),
                base="",
                compat=(),
                status=entries["groups"].status if "groups" in entries else "",
                **told,
            )
        )
    return tuple(sorted(found, key=lambda info: (info.place, info.in_force, info.id)))


def catalogue_folder(id_or_path: str | Path) -> Path | None:
    """The folder of one catalogue, by id or by itself; None when there is none of that name."""
    text = str(id_or_path)
    if _ID.fullmatch(text):
        shipped = tables_root() / "dip" / text
        if (shipped / CATALOGUE_FILE).is_file():
            return shipped
    path = Path(id_or_path)
    return path if text and there(path / CATALOGUE_FILE) else None


def locate_catalogue(id_or_path: str | Path, codes: str | None = None) -> CatalogueLocation:
    """Find a catalogue by id or by folder, without reading its tables.

    Parameters
    ----------
    id_or_path : str or Path
        A shipped catalogue's id (``"taian-2025"``) or a catalogue folder.
    codes : {"insurance", "clinical"}, optional
        Edition of the codes in claims; the insurance edition when omitted.

    Raises
    ------
    SchemeError
        S101 no such scheme or catalogue (names the nearest), S120 no such edition of codes, S122
        it is a DRG scheme.
    TableError
        T120-T125: a header is missing or broken.
    """
    path = catalogue_folder(id_or_path)
    if path is None:
        if scheme_folder(id_or_path):
            raise SchemeError("S122", id=str(id_or_path))
        raise unknown_scheme(id_or_path)
    folder = read_folder(path, CATALOGUE_FILE)
    if not isinstance(folder.header.get("id"), str):
        raise TableError("T121", where=folder.where, table="id")
    in_force(folder)
    edition = edition_of(codes)
    return CatalogueLocation(folder, shared_folder(), code_lists(edition), edition)


def load_catalogue(id_or_path: str | Path, codes: Edition | None = None) -> Catalogue:
    """Load and check a catalogue.

    Parameters
    ----------
    id_or_path, codes
        As ``locate_catalogue``.

    Raises
    ------
    SchemeError, TableError
        As ``locate_catalogue``; T102-T110 a table is broken, T152-T164 its contents are.
    """
    return load_catalogue_location(locate_catalogue(id_or_path, codes))


def load_catalogue_location(location: CatalogueLocation) -> Catalogue:
    """Load a catalogue that ``locate_catalogue`` found."""
    from drg.dip.header import check_score, read_conditions, read_matching
    from drg.dip.model import Catalogue
    from drg.dip.tables import read_catalogue_tables, read_comorbidities, read_kinds

    folder, shared = location.folder, location.shared
    check_score(folder)
    matching = read_matching(folder)
    conditions = read_conditions(folder)
    tables = read_catalogue_tables(folder, matching, {c.name for c in conditions})
    header = folder.header
    default = header.get("default_kind", matching.kinds[0])
    if default not in matching.kinds:
        raise TableError("T160", where=folder.where, entry="default_kind", value=default)
    flags = header.get("flags", {})
    if not isinstance(flags, dict):
        raise TableError("T160", where=folder.where, entry="flags", value=flags)
    kinds = read_kinds(shared) | read_kinds(folder)
    for code, row in kinds.items():
        if row.kind not in matching.kinds:
            known = ", ".join(matching.kinds)
            raise TableError(
                "T159", where=folder.where, procedure=code, found=row.kind, known=known
            )
    return Catalogue(
        location.id,
        location.digest,
        str(header.get("title_zh", "")),
        str(header.get("title_en", "")),
        tables.groups,
        tables.subtypes,
        tables.classes,
        conditions,
        read_comorbidities(folder if _WHOLE in folder.entries else shared),
        {code: row.kind for code, row in kinds.items()},
        matching,
        national_names(location.codes, "dx"),
        national_names(location.codes, "px"),
        default_kind=str(default),
        derived=frozenset(code for code, row in kinds.items() if row.status == "derived"),
        normalise_codes=flags.get("normalise_codes", True) is True,
        header=header,
    )
