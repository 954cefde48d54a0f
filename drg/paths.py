"""Where the data tables live, and which files a folder of tables may name.

They live beside the package in a checkout, inside it in a wheel.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from drg.errors import TableError

_PACKAGE = Path(__file__).resolve().parent


@cache
def _shipped_tables() -> Path:
    inside = _PACKAGE / "_tables"
    return inside if inside.is_dir() else _PACKAGE.parent / "tables"


def tables_root() -> Path:
    """The folder ``tables/``; the environment variable ``DRG_TABLES`` overrides it."""
    override = os.environ.get("DRG_TABLES")
    return Path(override) if override else _shipped_tables()


def there(path: Path, *, folder: bool = False) -> bool:
    """Whether there is such a file or folder; a name that the system cannot hold is none."""
    try:
        return path.is_dir() if folder else path.is_file()
    except OSError:
        return False


def beside(folder: Path, name: str) -> Path:
    """A file that a table or a header in ``folder`` names.

    Folders of tables come from others: what they name lies in them, or below.

    Parameters
    ----------
    folder : Path
    name : str
        As it is written there; whether there is such a file is not looked at.

    Raises
    ------
    TableError
        T223: it lies elsewhere, if only through a symbolic link.
    """
    path = folder / name
    if "\0" in name or not path.resolve().is_relative_to(folder.resolve()):
        raise TableError("T223", where=str(folder), file=name)
    return path
