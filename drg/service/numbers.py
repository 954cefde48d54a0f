"""Numbers that a request gives: never a file of this machine.

On the command line a number may name a table; a request may only give values, and names of what is
shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from drg.paths import tables_root
from drg.service.errors import ServiceError

__all__ = ["refuse_files"]

#: Files that a number could name in place of its values.
_TABLES = (".csv", ".tsv", ".xlsx", ".parquet", ".toml")
#: Paths whose values name things in folders of ``tables/``; none: a file beside its policy.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "drg.scheme": ("schemes",),
    "drg.weights": ("weights",),
    "dip.catalogue": ("dip",),
    "per_disease.table": (),
}


def refuse_files(numbers: Mapping[str, str]) -> None:
    """Refuse a number that would have a file read.

    Parameters
    ----------
    numbers : mapping of str to str
        Path of a number to its text.

    Raises
    ------
    ServiceError
        H420.
    """
    for path, value in numbers.items():
        kind = ".".join(part.strip() for part in path.split(".")[:2])
        for word in value.split(","):
            text = word.strip()
            named = kind in _NAMES and text not in _shipped(_NAMES[kind])
            if named or PurePath(text).suffix.lower() in _TABLES:
                raise ServiceError("H420", where=path)


def _shipped(folders: tuple[str, ...]) -> frozenset[str]:
    """Ids of what lies in folders of ``tables/``: folders, and tables by their TOML."""
    return frozenset(
        entry.name if entry.is_dir() else entry.stem
        for folder in folders
        for entry in (tables_root() / folder).iterdir()
        if entry.is_dir() or entry.suffix == ".toml"
    )
