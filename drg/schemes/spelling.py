"""The kernel's code tables: perfect hashes of spellings and folded spellings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

import grouper_core
from drg.schemes.classes import ABSENT, FIRST_CLASS, UNKNOWN
from drg.schemes.crosswalk import Crosswalk


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
    keys, shifts, slots = (np.asarray(a) for a in grouper_core.build_table(codes))
    ids = slots + 2
    classes = np.full(len(keys) + 2, UNKNOWN, np.uint16)
    classes[0] = ABSENT
    classes[ids] = class_of_code + FIRST_CLASS
    if twins:
        # A misspelling stands for the code that its twins are replaced with before they come here.
        place = {code: at for at, code in enumerate(codes)}
        ids = ids[[place[twins.get(code, code)] for code in codes]]
    alias = _aliases(codes)
    alias_keys, alias_shifts, alias_slots = (
        np.asarray(a) for a in grouper_core.build_table(list(alias) or ["\x7f"])
    )
    alias_ids = np.zeros(len(alias_keys), np.uint32)
    if alias:
        alias_ids[alias_slots] = ids[list(alias.values())]
    return {
        "keys": keys,
        "shifts": shifts,
        "classes": classes,
        "alias_keys": alias_keys,
        "alias_shifts": alias_shifts,
        "alias_ids": alias_ids,
    }


def _aliases(codes: Sequence[str]) -> dict[str, int]:
    """Folded spelling -> place of the one code it can mean.

    A whole code outranks codes it is only a part of: a dagger pair without its asterisk part,
    or without the final asterisk.
    """
    whole: dict[str, set[int]] = {}
    part: dict[str, set[int]] = {}
    for at, code in enumerate(codes):
        folded = grouper_core.fold_code(code)
        if not folded:
            continue
        whole.setdefault(folded, set()).add(at)
        dagger = folded.partition("+")[0]
        for shorter in (dagger, folded.removesuffix("*")):
            if shorter and shorter != folded:
                part.setdefault(shorter, set()).add(at)
    merged = {**part, **whole}
    return {text: places.pop() for text, places in merged.items() if len(places) == 1}
