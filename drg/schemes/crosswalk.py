"""Editions of the codes: the clinical edition (国临版) mapped to the insurance edition (医保版).

A scheme's tables hold insurance codes. Under the clinical edition an input code is known only if
the crosswalk has it, and stands for the insurance code it is mapped to: once, never twice.
Importing this loads no polars: whoever groups one insurance-edition claim needs none of it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from drg.errors import SchemeError, TableError
from drg.paths import tables_root
from drg.schemes.folder import Folder, TableEntry, read_folder

if TYPE_CHECKING:
    import polars as pl

Edition = Literal["insurance", "clinical"]
Kind = Literal["dx", "px"]

EDITIONS: tuple[Edition, ...] = ("insurance", "clinical")
KINDS: tuple[Kind, ...] = ("dx", "px")
_FILE = "codes.toml"
#: Table of the national list and of the crosswalk of each kind, in tables/codes.
NATIONAL: Mapping[Kind, str] = MappingProxyType({"dx": "icd10", "px": "icd9cm3"})
_CROSSWALK: Mapping[Kind, str] = MappingProxyType({"dx": "dx_crosswalk", "px": "px_crosswalk"})


@dataclass(frozen=True, eq=False)
class Crosswalk:
    """One kind of code in both editions; equal only to itself.

    Attributes
    ----------
    kind : {"dx", "px"}
    insurance : mapping of str to str
        Clinical code to insurance code, sorted by clinical code.
    own_names : mapping of str to str
        Names of the clinical edition that differ from the mapped insurance code's.
    national : mapping of str to str
        Insurance code to its name.
    """

    kind: Kind
    insurance: Mapping[str, str]
    own_names: Mapping[str, str]
    national: Mapping[str, str]

    def clinical_name(self, code: str) -> str:
        """Name of a clinical code; ``""`` for a code the clinical edition does not have."""
        return self.own_names.get(code) or self.national.get(self.insurance.get(code, ""), "")

    @cached_property
    def ambiguous(self) -> Mapping[str, str]:
        """Codes that both editions have and that stand for different insurance codes.

        Read in the insurance edition such a code means itself, in the clinical edition the code
        it is mapped to; only the one who wrote it knows which.
        """
        return MappingProxyType(
            {c: i for c, i in self.insurance.items() if c != i and c in self.national}
        )

    @cached_property
    def clinical(self) -> Mapping[str, tuple[str, ...]]:
        """Insurance code to the clinical codes mapped to it, sorted."""
        found: dict[str, list[str]] = {}
        for clinical, insurance in self.insurance.items():
            found.setdefault(insurance, []).append(clinical)
        return MappingProxyType({code: tuple(codes) for code, codes in found.items()})

    @cached_property
    def twins(self) -> Mapping[str, str]:
        """Clinical code to the one that stands for all mapped to the same insurance code.

        That is the insurance code's own spelling where the clinical edition has it, else the
        first; only codes that are not that one themselves are listed.
        """
        return MappingProxyType(dict(self._twins()))

    def _twins(self) -> Iterator[tuple[str, str]]:
        for insurance, clinical in self.clinical.items():
            first = insurance if insurance in clinical else clinical[0]
            for code in clinical:
                if code != first:
                    yield code, first


def edition_of(asked: str | None) -> Edition:
    """The edition that is asked for; the insurance edition where none is.

    Raises
    ------
    SchemeError
        S120: there is no such edition.
    """
    if asked is None:
        return "insurance"
    if asked not in EDITIONS:
        raise SchemeError("S120", asked=asked, known=", ".join(EDITIONS))
    return asked


def code_lists(edition: Edition = "insurance") -> Folder:
    """Header of ``tables/codes`` with the tables that decide a group under this edition.

    The crosswalk is among them under the clinical edition only: it is neither read nor part of
    the digest of a run that does not use it.

    Raises
    ------
    TableError
        T120 no codes.toml, T121 the tables in use have no crosswalk.
    """
    codes = _folder()
    tables = set(_CROSSWALK.values())
    if edition == "insurance":
        return replace(codes, entries={n: e for n, e in codes.entries.items() if n not in tables})
    for table in sorted(tables - set(codes.entries)):
        raise TableError("T121", where=codes.where, table=table)
    return codes


def read_national(codes: Folder, kind: Kind) -> pl.DataFrame:
    """The national list of the insurance edition: columns ``code`` and ``name``.

    It is read and checked once a process; whether the file is still the one declared is looked at
    each time.

    Raises
    ------
    TableError
        As ``drg.schemes.tables.read_table``.
    """
    name = NATIONAL[kind]
    if name in codes.entries and _is_declared(codes, name):
        return _national(codes.path, codes.entries[name], kind)[0]
    return _read_national(codes, kind)


def national_names(codes: Folder, kind: Kind) -> Mapping[str, str]:
    """``read_national`` as code to name."""
    read_national(codes, kind)
    return _national(codes.path, codes.entries[NATIONAL[kind]], kind)[1]


@lru_cache(maxsize=4)
def _national(path: Path, entry: TableEntry, kind: Kind) -> tuple[pl.DataFrame, Mapping[str, str]]:
    frame = _read_national(Folder(path, _FILE, {}, {NATIONAL[kind]: entry}), kind)
    return frame, dict(frame.iter_rows())


def _read_national(codes: Folder, kind: Kind) -> pl.DataFrame:
    from drg.schemes.tables import Column, TableFormat, read_table

    columns = (Column("code"), Column("name"))
    return read_table(codes, TableFormat(NATIONAL[kind], columns, ("code",)))


def read_crosswalk(codes: Folder, kind: Kind) -> Crosswalk:
    """The crosswalk of one kind, with the names of both editions.

    Parameters
    ----------
    codes : Folder
        From ``code_lists("clinical")``; tables without a crosswalk give an empty one.
    kind : {"dx", "px"}

    Raises
    ------
    TableError
        A table is missing or not the one declared (T102, T103), has another header (T105), names
        a code twice (T107), or maps to a code the insurance edition does not have (T190).
    """
    entries = codes.entries
    declared = [name for name in (NATIONAL[kind], _CROSSWALK[kind]) if name in entries]
    if all(_is_declared(codes, name) for name in declared):
        return _crosswalk(codes.path, tuple((name, entries[name]) for name in declared), kind)
    return _read_crosswalk(codes, kind)


def _is_declared(codes: Folder, name: str) -> bool:
    """Whether a table's file is the one that its header declares."""
    path = codes.path / f"{name}.csv"
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == codes.entries[name].sha256


@lru_cache(maxsize=4)
def _crosswalk(path: Path, entries: tuple[tuple[str, TableEntry], ...], kind: Kind) -> Crosswalk:
    return _read_crosswalk(Folder(path, _FILE, {}, dict(entries)), kind)


def _read_crosswalk(codes: Folder, kind: Kind) -> Crosswalk:
    rows = _read_rows(codes, NATIONAL[kind], ("code", "name"))
    names = {row[0]: row[1] for row in rows}
    table, header = _CROSSWALK[kind], ("clinical", "insurance", "clinical_name")
    rows = _read_rows(codes, table, header) if table in codes.entries else []
    insurance = {clinical: code for clinical, code, _ in rows}
    own = {clinical: name for clinical, _, name in rows if name}
    for clinical, code in insurance.items():
        if code not in names:
            where = f"{codes.path / table}.csv {clinical}"
            raise TableError("T190", where=where, mapped=code, table=f"{NATIONAL[kind]}.csv")
    return Crosswalk(
        kind, MappingProxyType(insurance), MappingProxyType(own), MappingProxyType(names)
    )


def _read_rows(codes: Folder, name: str, header: tuple[str, ...]) -> list[list[str]]:
    """Rows of a table by the standard library alone: half the time of importing polars."""
    path, entry = codes.path / f"{name}.csv", codes.entries.get(name)
    if entry is None:
        raise TableError("T121", where=codes.where, table=name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableError("T102", where=str(path)) from error
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise TableError("T103", where=str(path), found=found[:12], wanted=entry.sha256[:12])
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    first, *rows = rows or [[]]
    if tuple(first) != header:
        raise TableError("T105", where=str(path), found=",".join(first), wanted=",".join(header))
    if set(map(len, rows)) - {len(header)}:
        wrong = next(n for n, row in enumerate(rows, start=2) if len(row) != len(header))
        raise TableError("T110", where=str(path), detail=f"row {wrong}")
    keys = [row[0] for row in rows]
    if len(set(keys)) != len(keys):
        n = next(n for n, key in enumerate(keys) if key in keys[:n])
        raise TableError("T107", where=str(path), row=n + 2, column=header[0], cell=keys[n])
    return rows


def shipped_crosswalks() -> Mapping[Kind, Crosswalk]:
    """Both crosswalks of the tables in use, read once a process; empty where they have none."""
    codes = _folder()
    return _shipped(codes.path, *(codes.entries[name].sha256 for name in sorted(codes.entries)))


@cache
def _shipped(path: Path, *digests: str) -> Mapping[Kind, Crosswalk]:
    """By folder and table digests: a caller may change either between calls."""
    codes = read_folder(path, _FILE)
    return MappingProxyType({kind: read_crosswalk(codes, kind) for kind in KINDS})


def _folder() -> Folder:
    return read_folder(tables_root() / "codes", _FILE)
