"""Documents that rules rest on: id of ``sources.toml`` to title and number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from drg.paths import tables_root
from drg.reports.page import listed
from drg.text import language
from drg.toml_file import read_toml

__all__ = ["cited", "document_titles"]


def document_titles(folder: str = "", lang: str | None = None) -> dict[str, str]:
    """Titles by id, of the shipped documents and of those beside a policy.

    Parameters
    ----------
    folder : str, optional
        Folder of the policy, which may have a ``sources.toml`` of its own.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    rows = dict(_read(tables_root() / "sources.toml"))
    own = Path(folder) / "sources.toml" if folder else None
    if own is not None and own.is_file():
        rows |= _read(own)
    return {key: _title(row, lang or language()) for key, row in rows.items()}


def cited(sources: Iterable[str], lang: str | None = None) -> str:
    """A list of documents under a table that names them by id, each once, in order."""
    titles = document_titles(lang=lang)
    return listed([f"{key}: {titles[key]}" for key in sorted(set(sources)) if key in titles])


def _title(row: Mapping[str, Any], lang: str) -> str:
    title, number = row.get(f"title_{lang}") or row.get("title_zh", ""), row.get("number", "")
    return f"{title} {number}".strip() if number and number not in title else str(title)


@cache
def _read(path: Path) -> Mapping[str, Mapping[str, Any]]:
    rows = read_toml(path)
    return {key: row for key, row in rows.items() if isinstance(row, dict)}
