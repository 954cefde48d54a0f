"""Arrays with a JSON header in one file, checked in every byte: what compiled tables are kept in.

Writing is atomic and optional: a read-only home only costs time.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drg.schemes.folder import Folder

__all__ = ["ArrayFile", "cache_folder", "read_array_file", "stamp", "write_array_file"]

_MAGIC = b"DRGC0001"
_ALIGN = 64


class ArrayFile(NamedTuple):
    """What such a file holds: a header of plain JSON values, and arrays by name."""

    header: dict[str, Any]
    arrays: dict[str, NDArray[np.generic]]


def cache_folder() -> Path:
    """Where compiled tables are kept; the environment variable ``DRG_CACHE`` overrides it."""
    override = os.environ.get("DRG_CACHE")
    if override:
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("drg-engine", appauthor=False)


def stamp(folders: Iterable[Folder]) -> list[list[object]]:
    """Name, size and time of every table file: equal means not touched since."""
    found: list[list[object]] = []
    for folder in folders:
        for name in sorted(folder.entries):
            path = folder.path / f"{name}.csv"
            try:
                state = path.stat()
            except OSError:
                found.append([str(path), -1, -1])
            else:
                found.append([str(path), state.st_size, state.st_mtime_ns])
    return found


def read_array_file(path: Path, wanted: Mapping[str, object]) -> ArrayFile | None:
    """Read a file; None if there is none, or it is broken, or not the one that is wanted.

    Parameters
    ----------
    path : Path
    wanted : mapping of str to object
        Entries that the header has to have.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < 16 or data[:8] != _MAGIC:
        return None
    size = int.from_bytes(data[8:12], "little")
    if zlib.crc32(memoryview(data)[16:], size) != int.from_bytes(data[12:16], "little"):
        return None
    header = json.loads(data[16 : 16 + size])
    if any(header.get(name) != value for name, value in wanted.items()):
        return None
    start = _aligned(16 + size)
    arrays = {
        name: np.frombuffer(data, dtype, count, start + offset)
        for name, dtype, count, offset in header.pop("arrays")
    }
    return ArrayFile(header, arrays)


def write_array_file(path: Path, content: ArrayFile) -> None:
    """Write a file, or none where that is not possible."""
    blob = bytearray()
    listed = []
    for name, array in content.arrays.items():
        blob.extend(b"\0" * (_aligned(len(blob)) - len(blob)))
        listed.append([name, array.dtype.str, array.size, len(blob)])
        blob.extend(array.tobytes())
    header = json.dumps({**content.header, "arrays": listed}, ensure_ascii=False).encode()
    body = header + b"\0" * (_aligned(16 + len(header)) - 16 - len(header)) + blob
    head = (
        _MAGIC
        + len(header).to_bytes(4, "little")
        + zlib.crc32(body, len(header)).to_bytes(4, "little")
    )
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".drgc-", delete=False) as file:
            temporary = file.name
            file.write(head + body)
        Path(temporary).replace(path)
    except OSError:
        # No cache is no fault: the next load compiles again.
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
