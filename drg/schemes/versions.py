"""Places and the versions in force there, from the headers of scheme folders alone.

A place is what several schemes share in ``place`` of their scheme.toml: a city or province whose
scheme changes over the years, or the national series. Nothing here reads a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drg.dates import Interval, Timeline, first_overlap
from drg.errors import SchemeError, TableError
from drg.paths import tables_root, there
from drg.schemes.folder import SCHEME_FILE, Folder, read_folder

__all__ = ["STATUSES", "Place", "Version", "find_place", "in_force", "place_names", "places_in"]

#: How the days of a version in force are known; the first two rest on a document.
STATUSES = ("official", "transcribed", "derived", "recalled", "synthetic", "unknown")
_FROM_DOCUMENT = ("official", "transcribed")


@dataclass(frozen=True, slots=True)
class Version:
    """One scheme of a place, and the days on which it is in force.

    Attributes
    ----------
    id : str
        Id of the scheme.
    path : Path
        Its folder.
    interval : Interval or None
        By day of discharge; None: no source tells, so it is never chosen by date.
    status : str
        One of ``STATUSES``.
    note : str
        What is known of the dates and from where.
    """

    id: str
    path: Path
    interval: Interval | None
    status: str
    note: str

    @property
    def assumed(self) -> bool:
        """Whether no document gives these days."""
        return self.status not in _FROM_DOCUMENT

    @property
    def days(self) -> str:
        """The days as text, ``"—"`` where they are not known."""
        return "—" if self.interval is None else str(self.interval)

    def __str__(self) -> str:
        return f"{self.id} {self.days}"


@dataclass(frozen=True, slots=True)
class Place:
    """The versions of one place.

    Attributes
    ----------
    id, name_zh : str
        Short name in Latin letters, and in Chinese; ``name_zh`` may be ``""``.
    versions : tuple of Version
        Those with known dates by date, then the others by id.
    """

    id: str
    name_zh: str
    versions: tuple[Version, ...]

    @property
    def dated(self) -> tuple[Version, ...]:
        """The versions whose dates are known, by date."""
        return tuple(v for v in self.versions if v.interval is not None)

    def timeline(self) -> Timeline:
        """Which of the dated versions is in force on a day.

        Raises
        ------
        SchemeError
            S107 two versions are in force on the same day, S108 no version has dates.
        """
        dated = self.dated
        intervals = [v.interval for v in dated if v.interval is not None]
        if clash := first_overlap(intervals):
            first, second = (str(dated[n]) for n in clash)
            raise SchemeError("S107", place=self.id, first=first, second=second)
        if not intervals:
            ids = ", ".join(v.id for v in self.versions)
            raise SchemeError("S108", place=self.id, ids=ids)
        return Timeline(intervals)


def in_force(folder: Folder) -> Interval | None:
    """The days on which a scheme is in force by its header; None where they are not known.

    Raises
    ------
    TableError
        T125: ``in_force`` is not two dates that make an interval.
    """
    dates = folder.header.get("in_force", ["", ""])
    try:
        start, end = (str(day) for day in dates)
        interval = Interval.parse((start, end))
    except (TypeError, ValueError) as error:
        raise TableError("T125", where=folder.where, found=dates) from error
    return interval if start or end else None


def status_of(folder: Folder) -> str:
    """How the dates of a scheme are known; ``"unknown"`` where its header does not say.

    Raises
    ------
    SchemeError
        S111: ``in_force_status`` is none of ``STATUSES``.
    """
    status = str(folder.header.get("in_force_status") or "unknown")
    if status not in STATUSES:
        known = ", ".join(STATUSES)
        raise SchemeError("S111", where=folder.where, found=status, known=known)
    return status


def find_place(name: str | Path) -> Place | None:
    """The shipped place of this id or Chinese name, or a folder of versions of one place.

    Raises
    ------
    SchemeError
        S109: the folder holds schemes of several places.
    """
    text = str(name)
    if not text:
        return None
    for place in places_in(tables_root() / "schemes", text):
        if text in (place.id, place.name_zh):
            return place
    folder = Path(name)
    if not there(folder, folder=True):
        return None
    found = places_in(folder)
    if len(found) > 1:
        known = ", ".join(place.id for place in found)
        raise SchemeError("S109", where=text, known=known)
    return found[0] if found else None


def place_names() -> tuple[str, ...]:
    """Ids and Chinese names of every shipped place, for suggestions."""
    found = places_in(tables_root() / "schemes")
    return tuple(name for place in found for name in (place.id, place.name_zh) if name)


def places_in(root: Path, name: str = "") -> tuple[Place, ...]:
    """Every place that the scheme folders in ``root`` name, by id.

    Parameters
    ----------
    root : Path
        A folder of scheme folders.
    name : str, optional
        Places of another name may be left out: only headers in which this text stands are read.

    Raises
    ------
    SchemeError, TableError
        A header is broken.
    """
    found: dict[str, list[Folder]] = {}
    for folder in _headers(root, name):
        if place := folder.header.get("place"):
            found.setdefault(str(place), []).append(folder)
    return tuple(_place(place, folders) for place, folders in sorted(found.items()))


def _headers(root: Path, name: str) -> Iterator[Folder]:
    for path in sorted(root.glob(f"*/{SCHEME_FILE}")):
        if not name or _may_name(path, name):
            yield read_folder(path.parent, SCHEME_FILE)


def _may_name(path: Path, name: str) -> bool:
    """Whether a header can hold this text: parsing takes far longer than looking.

    TOML writes text as it is or with a backslash.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return True  # reading the header will say what is wrong
    return name.encode() in data or b"\\" in data


def _place(place: str, folders: list[Folder]) -> Place:
    versions = [
        Version(
            str(folder.header.get("id", folder.path.name)),
            folder.path,
            in_force(folder),
            status_of(folder),
            str(folder.header.get("in_force_note", "")),
        )
        for folder in folders
    ]
    versions.sort(key=lambda v: (v.interval is None, v.interval.texts if v.interval else (), v.id))
    names = (str(folder.header.get("place_zh", "")) for folder in folders)
    return Place(place, next(filter(None, names), ""), tuple(versions))
