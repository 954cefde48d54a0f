"""Write values as a JSON file: an array, or one value a line; all or nothing, in flat memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from drg.claims.interface.json_text import dump
from drg.claims.writers import atomic_path
from drg.errors import InputError

__all__ = ["WRITTEN_SUFFIXES", "json_suffix", "write_values"]

WRITTEN_SUFFIXES = (".json", ".jsonl", ".ndjson")


def json_suffix(path: str | Path) -> str:
    """Suffix of an output of lists, checked together with its folder.

    Raises
    ------
    InputError
        F182 another suffix, F202 no such folder, F203 the path is a folder.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_dir():
        raise InputError("F203", where=str(path))
    if suffix not in WRITTEN_SUFFIXES:
        known = " ".join(WRITTEN_SUFFIXES)
        raise InputError("F182", where=str(path), suffix=suffix or path.name, known=known)
    if not path.parent.is_dir():
        raise InputError("F202", where=str(path), folder=str(path.parent))
    return suffix


def write_values(path: str | Path, values: Iterable[Any]) -> int:
    """Write values one after the other.

    Parameters
    ----------
    path : str or Path
        ``.json``: an array, or the value itself when there is one; ``.jsonl`` or ``.ndjson``:
        one a line. UTF-8 without BOM.
    values : iterable
        Consumed once; whatever it raises leaves the target as it was.

    Returns
    -------
    int
        Values written.

    Raises
    ------
    InputError
        As ``json_suffix``; F204, F209, F210 the system refuses.
    RecursionError
        A value is nested too deep.
    """
    lines = json_suffix(path) != ".json"
    count = 0
    with atomic_path(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
        for text in _texts(values, lines):
            file.write(text)
            count += 1
        if not lines:
            file.write("[]\n" if not count else "\n")
    return count


def _texts(values: Iterable[Any], lines: bool) -> Iterator[str]:
    """Text of every value with what stands before it, and after the last."""
    texts = map(dump, values)
    if lines:
        for text in texts:
            yield text + "\n"
        return
    first = list(itertools.islice(texts, 2))
    if len(first) < 2:
        yield from first
        return
    before, held = "[\n", first.pop(0)
    for text in itertools.chain(first, texts):
        yield before + held
        before, held = ",\n", text
    yield f"{before}{held}\n]"
