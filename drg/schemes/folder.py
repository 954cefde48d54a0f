"""A folder of tables by its TOML header alone: cheap to find, list and compare schemes by.

Nothing here imports polars: a compiled scheme is loaded without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drg.errors import TableError
from drg.toml_file import MAX_TOML_BYTES, TomlError, read_toml

#: The header of a scheme folder.
SCHEME_FILE = "scheme.toml"


@dataclass(frozen=True, slots=True)
class TableEntry:
    """What a TOML file says of one table: size, digest, origin, and whether it amends another."""

    rows: int
    sha256: str
    source: str = ""
    status: str = ""
    amends: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of tables with its TOML header read, and nothing else read yet."""

    path: Path
    file: str
    header: Mapping[str, Any]
    entries: Mapping[str, TableEntry] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return str(self.path / self.file)


def read_folder(path: Path, file: str) -> Folder:
    """Read a folder's TOML header (``scheme.toml``, ``overlay.toml``, ``codes.toml``).

    Raises
    ------
    TableError
        T120 no or unreadable TOML, T121 an entry of ``[tables]`` lacks rows or sha256.
    """
    toml = path / file
    try:
        if toml.stat().st_size > MAX_TOML_BYTES:
            raise TableError("T122", where=str(toml), limit=MAX_TOML_BYTES)
        header = read_toml(toml)
    except (OSError, TomlError) as error:
        raise TableError("T120", where=str(toml), detail=str(error)) from error
    entries = {}
    tables = header.get("tables", {})
    if not isinstance(tables, dict):
        raise TableError("T121", where=str(toml), table="[tables]")
    for name, entry in tables.items():
        rows = entry.get("rows") if isinstance(entry, dict) else None
        digest = entry.get("sha256") if isinstance(entry, dict) else None
        if not isinstance(rows, int) or not isinstance(digest, str) or len(digest) != 64:
            raise TableError("T121", where=str(toml), table=str(name))
        entries[name] = TableEntry(
            rows,
            digest,
            str(entry.get("source", "")),
            str(entry.get("status", "")),
            entry.get("amends") is True,
        )
    return Folder(path, file, header, entries)
