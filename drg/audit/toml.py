"""TOML files of the audit, read whole; fractions stay as written."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

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
        # Editors on Windows put a byte order mark before the text.
        return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise TableError("T120", where=str(path), detail=str(error)) from error
