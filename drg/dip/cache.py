"""Compiled catalogues on disk, kept as compiled schemes are (``drg.schemes.cache``)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from drg.dip.catalogue import CatalogueLocation, load_catalogue_location
from drg.dip.compiled import CompiledCatalogue
from drg.dip.model import Condition
from drg.schemes.array_file import (
    ArrayFile,
    cache_folder,
    read_array_file,
    stamp,
    write_array_file,
)
from drg.schemes.crosswalk import KINDS, read_crosswalk

__all__ = ["FORMAT", "load_compiled_catalogue"]

#: Raise when the meaning of an array changes, so that old files are not read.
FORMAT = 3
#: The leaves' text stands among the arrays: a header is read in full, they only if asked for.
_LEAVES = "leaves"
_FRACTIONS = ("cost_multiple", "share")


def load_compiled_catalogue(location: CatalogueLocation) -> CompiledCatalogue:
    """The compiled catalogue of a location: from the cache, or compiled now and kept.

    Raises
    ------
    TableError
        The tables are broken (only when they have to be read).
    """
    path = cache_folder() / f"{location.digest[:32]}.dipc"
    key: dict[str, object] = {
        "format": FORMAT,
        "digest": location.digest,
        "stamp": stamp(location.folders),
    }
    found = read_array_file(path, key)
    if found is not None:
        return _unpacked(found)
    from drg.dip.compile import compile_catalogue

    clinical = location.edition == "clinical"
    crosswalks = {kind: read_crosswalk(location.codes, kind) for kind in KINDS if clinical}
    compiled = compile_catalogue(load_catalogue_location(location), crosswalks)
    write_array_file(path, _packed(compiled, key))
    return compiled


def _unpacked(found: ArrayFile) -> CompiledCatalogue:
    header = found.header
    return CompiledCatalogue(
        header["id"],
        header["digest"],
        {name: array for name, array in found.arrays.items() if name != _LEAVES},
        header["settings"],
        found.arrays[_LEAVES].tobytes(),
        tuple(header["reasons"]),
        tuple(header["decided"]),
        tuple(_condition(values) for values in header["conditions"]),
        header["twins"],
    )


def _packed(compiled: CompiledCatalogue, key: dict[str, object]) -> ArrayFile:
    header = {
        **key,
        "id": compiled.id,
        "settings": compiled.settings,
        "reasons": compiled.reasons,
        "decided": compiled.decided,
        "conditions": [
            [str(v) if isinstance(v, Fraction) else v for v in condition]
            for condition in compiled.conditions
        ],
        "twins": {kind: dict(twins) for kind, twins in compiled.twins.items()},
    }
    leaves = np.frombuffer(compiled.packed_leaves, np.uint8)
    return ArrayFile(header, {**compiled.arrays, _LEAVES: leaves})


def _condition(values: list[object]) -> Condition:
    named = dict(zip(Condition._fields, values, strict=True))
    for field, value in named.items():
        if isinstance(value, list):
            named[field] = tuple(value)
        elif field in _FRACTIONS and value is not None:
            named[field] = Fraction(str(value))
    return Condition(**named)  # type: ignore[arg-type]
