"""Where the data tables live: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def _shipped_tables() -> Path:
    inside = _PACKAGE / "_tables"
    return inside if inside.is_dir() else _PACKAGE.parent / "tables"


def tables_root() -> Path:
    """The folder ``tables/``; the environment variable ``DRG_TABLES`` overrides it."""
    override = os.environ.get("DRG_TABLES")
    return Path(override) if override else _shipped_tables()
