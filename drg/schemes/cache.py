"""Compiled schemes on disk, so that loading one takes milliseconds.

A cache file holds the program's arrays, keyed by the scheme's digest and the tables' size and
time; a file that does not fit in every byte is recompiled.
"""

from __future__ import annotations

from drg.schemes.array_file import (
    ArrayFile,
    cache_folder,
    read_array_file,
    stamp,
    write_array_file,
)
from drg.schemes.catalog import SchemeLocation, load_location
from drg.schemes.compiled import Compiled, Leaf

__all__ = ["FORMAT", "cache_folder", "load_compiled"]

#: Raise when the meaning of an array changes, so that old files are not read.
FORMAT = 4


def load_compiled(location: SchemeLocation) -> Compiled:
    """The compiled scheme of a location: from the cache, or compiled now and kept.

    Raises
    ------
    TableError
        The tables are broken (only when they have to be read).
    """
    path = cache_folder() / f"{location.digest[:32]}.drgc"
    key: dict[str, object] = {
        "format": FORMAT,
        "digest": location.digest,
        "stamp": stamp(location.folders),
    }
    found = read_array_file(path, key)
    if found is not None:
        return _unpacked(found)
    from drg.schemes.compile import compile_scheme

    compiled = compile_scheme(load_location(location))
    write_array_file(path, _packed(compiled, key))
    return compiled


def _unpacked(found: ArrayFile) -> Compiled:
    header = found.header
    return Compiled(
        header["id"],
        header["digest"],
        header["compat"],
        found.arrays,
        header["settings"],
        tuple(map(Leaf._make, header["leaves"])),
        tuple(header["reasons"]),
        tuple(header["fields"]),
        {name: tuple(values) for name, values in header["choices"].items()},
        header["twins"],
    )


def _packed(compiled: Compiled, key: dict[str, object]) -> ArrayFile:
    header = {
        **key,
        "id": compiled.id,
        "compat": compiled.compat,
        "settings": compiled.settings,
        "leaves": compiled.leaves,
        "reasons": compiled.reasons,
        "fields": compiled.fields,
        "choices": compiled.choices,
        "twins": {kind: dict(twins) for kind, twins in compiled.twins.items()},
    }
    return ArrayFile(header, dict(compiled.arrays))
