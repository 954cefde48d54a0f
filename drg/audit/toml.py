"""TOML files of the audit, read whole; fractions stay as written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drg import toml_file
from drg.errors import TableError

__all__ = ["read_toml"]


def read_toml(path: Path) -> dict[str, Any]:
    """One file as nested tables.

    Raises
    ------
    TableError
        T120: no readable TOML.
    """
    try:
        return toml_file.read_toml(path, exactly=True)
    except (OSError, toml_file.TomlError) as error:
        raise TableError("T120", where=str(path), detail=str(error)) from error
