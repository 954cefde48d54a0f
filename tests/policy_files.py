"""The policy files that are shipped, for tests of them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from conftest import ROOT

POLICIES = ROOT / "tables" / "policies"
FILES = sorted(POLICIES.glob("*/*.toml"))
EXAMPLES = sorted((ROOT / "examples" / "policies").glob("*.toml"))
SOURCES = tomllib.loads((ROOT / "tables" / "sources.toml").read_text("utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
