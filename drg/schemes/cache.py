"""Compiled schemes on disk, so that loading one takes milliseconds.

A cache file is a header (JSON) and the program's arrays, keyed by the scheme's digest and the
tables' size and time; a file that does not fit in every byte is recompiled. Writing is atomic
and optional: a read-only home only costs time.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from pathlib import Path

import numpy as np

from drg.schemes.catalog import SchemeLocation, load_location
from drg.schemes.compiled import Compiled, Leaf

_MAGIC = b"DRGC0001"
#: Raise when the meaning of an array changes, so that old files are not read.
FORMAT = 4
_ALIGN = 64


def cache_folder() -> Path:
    """Where compiled schemes are kept; the environment variable ``DRG_CACHE`` overrides it."""
    override = os.environ.get("DRG_CACHE")
    if override:
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("drg-engine", appauthor=False)


def load_compiled(location: SchemeLocation) -> Compiled:
    """The compiled scheme of a location: from the cache, or compiled now and kept.

    Raises
    ------
    TableError
        The tables are broken (only when they have to be read).
    """
    path = cache_folder() / f"{location.digest[:32]}.drgc"
    stamp = _stamp(location)
    found = _read(path, location.digest, stamp)
    if found is None:
        from drg.schemes.compile import compile_scheme

        found = compile_scheme(load_location(location))
        _write(path, found, stamp)
    return found


def _stamp(location: SchemeLocation) -> list[list[object]]:
    """Name, size and time of every table file: equal means not touched since."""
    stamp: list[list[object]] = []
    for folder in location.folders:
        for name in sorted(folder.entries):
            path = folder.path / f"{name}.csv"
            try:
                state = path.stat()
            except OSError:
                stamp.append([str(path), -1, -1])
            else:
                stamp.append([str(path), state.st_size, state.st_mtime_ns])
    return stamp


def _read(path: Path, digest: str, stamp: list[list[object]]) -> Compiled | None:
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
    if header["format"] != FORMAT or header["digest"] != digest or header["stamp"] != stamp:
        return None
    start = _aligned(16 + size)
    arrays = {
        name: np.frombuffer(data, dtype, count, start + offset)
        for name, dtype, count, offset in header["arrays"]
    }
    return Compiled(
        header["id"],
        digest,
        header["compat"],
        arrays,
        header["settings"],
        tuple(map(Leaf._make, header["leaves"])),
        tuple(header["reasons"]),
        tuple(header["fields"]),
        {name: tuple(values) for name, values in header["choices"].items()},
        header["twins"],
    )


def _write(path: Path, compiled: Compiled, stamp: list[list[object]]) -> None:
    blob = bytearray()
    listed = []
    for name, array in compiled.arrays.items():
        blob.extend(b"\0" * (_aligned(len(blob)) - len(blob)))
        listed.append([name, array.dtype.str, array.size, len(blob)])
        blob.extend(array.tobytes())
    header = json.dumps(
        {
            "format": FORMAT,
            "id": compiled.id,
            "digest": compiled.digest,
            "compat": compiled.compat,
            "stamp": stamp,
            "settings": compiled.settings,
            "leaves": compiled.leaves,
            "reasons": compiled.reasons,
            "fields": compiled.fields,
            "choices": compiled.choices,
            "twins": {kind: dict(twins) for kind, twins in compiled.twins.items()},
            "arrays": listed,
        },
        ensure_ascii=False,
    ).encode()
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
