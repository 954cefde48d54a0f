"""The kernel's code tables: perfect hashes of spellings and folded spellings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import grouper_core
from drg.schemes.classes import ABSENT, FIRST_CLASS, UNKNOWN
from drg.schemes.crosswalk import Crosswalk

#: Stands for the place of a spelling that several codes share.
_SEVERAL = -1


def lookup_arrays(
    codes: Sequence[str],
    class_of_code: NDArray[np.integer],
    crosswalk: Crosswalk | None = None,
) -> dict[str, NDArray[np.generic]]:
    """Perfect hashes of spellings and folded spellings, and the class of every id.

    Under a crosswalk the spellings are the clinical codes, each with the class of the insurance
    code it is mapped to; the kernel neither knows nor pays.

    Parameters
    ----------
    codes : sequence of str
        Known codes, distinct.
    class_of_code : array of integers
        From 0; the kernel's classes of listed codes begin at ``FIRST_CLASS``.
    crosswalk : Crosswalk, optional
    """
    codes = list(codes)
    twins: Mapping[str, str] = {}
    if crosswalk is not None:
        place = {code: at for at, code in enumerate(codes)}
        class_of_code = class_of_code[[place[code] for code in crosswalk.insurance.values()]]
        codes, twins = list(crosswalk.insurance), crosswalk.twins
    table = _table(tuple(codes))
    ids = table.slots + 2
    classes = np.full(len(table.keys) + 2, UNKNOWN, np.uint16)
    classes[0] = ABSENT
    classes[ids] = class_of_code + FIRST_CLASS
    if twins:
        # A misspelling stands for the code that its twins are replaced with before they come here.
        place = {code: at for at, code in enumerate(codes)}
        ids = ids[[place[twins.get(code, code)] for code in codes]]
    alias_ids = np.zeros(len(table.alias_keys), np.uint32)
    alias_ids[table.alias_slots] = ids[table.alias_places]
    return {
        "keys": table.keys,
        "shifts": table.shifts,
        "classes": classes,
        "alias_keys": table.alias_keys,
        "alias_shifts": table.alias_shifts,
        "alias_ids": alias_ids,
    }


class _Table(NamedTuple):
    """Perfect hashes of a list of codes, and the places in it that folded spellings stand for."""

    keys: NDArray[np.uint64]
    shifts: NDArray[np.uint16]
    slots: NDArray[np.uint32]
    alias_keys: NDArray[np.uint64]
    alias_shifts: NDArray[np.uint16]
    alias_slots: NDArray[np.uint32]
    alias_places: NDArray[np.int64]


# Versions of a scheme, and schemes that add no code to the national lists, know the same codes.
@lru_cache(maxsize=4)
def _table(codes: tuple[str, ...]) -> _Table:
    alias = _aliases(codes)
    keys, shifts, slots = _hashed(codes)
    # A table is never empty; no code is spelled so.
    alias_keys, alias_shifts, alias_slots = _hashed(tuple(alias) or ("\x7f",))
    table = _Table(
        keys, shifts, slots, alias_keys, alias_shifts, alias_slots[: len(alias)],
        np.array(list(alias.values()), np.int64),
    )  # fmt: skip
    for array in table:
        array.flags.writeable = False
    return table


def _hashed(codes: tuple[str, ...]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    keys, shifts, slots = grouper_core.build_table(list(codes))
    return np.asarray(keys), np.asarray(shifts), np.asarray(slots)


def _aliases(codes: Sequence[str]) -> dict[str, int]:
    """Folded spelling -> place of the one code it can mean.

    A whole code outranks codes it is only a part of: a dagger pair without its asterisk part,
    or without the final asterisk.
    """
    whole: dict[str, int] = {}
    part: dict[str, int] = {}
    for at, code in enumerate(codes):
        folded = grouper_core.fold_code(code)
        if not folded:
            continue
        whole[folded] = _SEVERAL if folded in whole else at
        if "+" not in folded and not folded.endswith("*"):
            continue
        for shorter in (folded.partition("+")[0], folded.removesuffix("*")):
            if shorter and shorter != folded:
                part[shorter] = at if part.get(shorter, at) == at else _SEVERAL
    merged = {**part, **whole}
    return {text: place for text, place in merged.items() if place != _SEVERAL}
