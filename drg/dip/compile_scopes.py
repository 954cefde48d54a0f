"""Groups by what a diagnosis can reach: its subcategory, its category, the ranges around it.

Three scopes a diagnosis, no group in two of them. Within a scope a table says which candidates and
terms a class of procedures meets, so that the kernel never looks at any other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from drg.dip.compile_codes import Arrays, Procedures
from drg.dip.model import Group
from drg.dip.vocabulary import plain_diagnoses

__all__ = ["MAX_TERMS", "Scopes"]

#: What the kernel holds, and how it packs a key and an entry (grouper_core/combinations.pxd).
MAX_TERMS = 64
_CLASS_BITS, _MORE_SHIFT, _LOCAL_SHIFT = 16, 7, 13
_HASH = 0x9E3779B97F4A7C15
_WORD = 2**64 - 1


class Scopes:
    """Scopes of a catalogue's groups.

    Parameters
    ----------
    groups : sequence of (int, Group)
        Groups that a tier names, by their number.
    procedures : Procedures
    """

    def __init__(self, groups: Sequence[tuple[int, Group]], procedures: Procedures) -> None:
        self._procedures = procedures
        self._groups = dict(groups)
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._by_range: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._everywhere: list[int] = []
        #: Subcategories, categories and ranges that some group names, whatever else it names.
        self._named: set[str] = set()
        for n, group in groups:
            self._named.update(d.upper() for d in group.diagnosis if "-" not in d)
            if not group.diagnosis:
                self._everywhere.append(n)
            for diagnosis in plain_diagnoses(group.diagnosis):
                first, dash, last = diagnosis.partition("-")
                if dash:
                    self._by_range[first[:3], last[:3]].append(n)
                else:
                    self._by_name[diagnosis].append(n)
        #: Groups of each scope, with terms first; scope 0 is empty.
        self._scopes: list[list[int]] = [[]]
        self._of_groups: dict[tuple[int, ...], int] = {(): 0}
        self._of_name: dict[str, int] = {"": 0}

    def of_node(self, subcategory: str, category: str) -> tuple[int, int, int]:
        """The scopes of a diagnosis: of its subcategory, its category, and around it."""
        wide = [n for r in self._ranges(category) for n in self._by_range[r]]
        around = self._scope(tuple(sorted({*wide, *self._everywhere})))
        return self._of(subcategory), self._of(category), around

    def failure(self, subcategory: str, category: str) -> str:
        """The reason if none of a diagnosis' groups fits."""
        if subcategory in self._named:
            return "U212"
        return "U213" if category in self._named or self._ranges(category) else "U211"

    def arrays(self) -> Arrays:
        """The program's arrays of scopes; to be asked after every node was."""
        starts = np.cumsum([0, *map(len, self._scopes)]).astype(np.uint32)
        bare = [sum(1 for n in scope if self._groups[n].terms) for scope in self._scopes]
        return {
            "scope_start": starts,
            "scope_bare": starts[:-1] + np.array(bare, np.uint32),
            "cand_group": np.array([n for scope in self._scopes for n in scope], np.uint32),
            **_table(self._entries()),
        }

    def _ranges(self, category: str) -> list[tuple[str, str]]:
        return [r for r in self._by_range if r[0] <= category <= r[1]]

    def _of(self, name: str) -> int:
        found = self._of_name.get(name)
        if found is None:
            found = self._of_name[name] = self._scope(tuple(self._by_name.get(name, ())))
        return found

    def _scope(self, groups: tuple[int, ...]) -> int:
        found = self._of_groups.get(groups)
        if found is None:
            found = self._of_groups[groups] = len(self._scopes)
            self._scopes.append(sorted(groups, key=lambda n: not self._groups[n].terms))
        return found

    def _entries(self) -> dict[int, list[int]]:
        """By scope and class of procedures: the candidates and terms it meets."""
        found: defaultdict[int, dict[int, bool]] = defaultdict(dict)
        meaning = self._procedures.meaning
        for scope, groups in enumerate(self._scopes):
            for local, n in enumerate(groups):
                # A term that is asked for m times takes m places in a row.
                terms = [frozenset(map(meaning, term)) for term in self._groups[n].terms]
                place = 0
                for term, times in Counter(terms).items():
                    entry = local << _LOCAL_SHIFT | (times - 1) << _MORE_SHIFT | place << 1
                    place += times
                    for part in term:
                        for c in self._procedures.classes(part):
                            of_key = found[scope << _CLASS_BITS | c]
                            of_key[entry] = of_key.get(entry, False) or not part.endswith("*")
        return {key: [e | whole for e, whole in of.items()] for key, of in found.items()}


def _table(entries: dict[int, list[int]]) -> Arrays:
    """Open addressing over the keys, at most half full, and the entries in the order of slots."""
    bits = max(1, (2 * len(entries)).bit_length())
    slots: list[int] = [0] * (1 << bits)
    for key in entries:
        slot = (key * _HASH & _WORD) >> (64 - bits)
        while slots[slot]:
            slot = (slot + 1) & ((1 << bits) - 1)
        slots[slot] = key
    listed = [entries.get(key, []) for key in slots]
    return {
        "keys": np.array(slots, np.uint64),
        "key_start": np.cumsum([0, *map(len, listed)]).astype(np.uint32),
        "entries": np.array([e for of_key in listed for e in of_key], np.uint32),
    }
