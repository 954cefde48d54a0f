"""Codes of a catalogue to classes: codes that no group and no condition tells apart share one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drg.dip.model import Catalogue
from drg.dip.vocabulary import Vocabulary
from drg.grouping.reference_case import fold
from drg.schemes.classes import FIRST_CLASS
from drg.schemes.crosswalk import Crosswalk
from drg.schemes.spelling import lookup_arrays

__all__ = ["Arrays", "Diagnoses", "Procedures"]

Arrays = dict[str, NDArray[np.generic]]
#: What a diagnosis can bring (grouper_core/combinations.pxd).
_SECONDARY, _UNKNOWN, _CATEGORY = 1, 2, 4
#: Sorts after every character of a code.
_AFTER = "\uffff"


class Diagnoses:
    """Diagnoses by what they stand for and by the conditions they fulfil.

    Parameters
    ----------
    catalogue : Catalogue
    vocabulary : Vocabulary
    crosswalk : Crosswalk, optional

    Attributes
    ----------
    nodes : list of (subcategory, category)
        Everything that a known diagnosis stands for.
    size : int
        Number of classes.
    twins : mapping of str to str
        Spellings to be replaced before they go to the kernel.
    """

    def __init__(
        self, catalogue: Catalogue, vocabulary: Vocabulary, crosswalk: Crosswalk | None = None
    ) -> None:
        self._codes = list(vocabulary.diagnoses)
        if crosswalk is not None:
            # A subcategory or a category is called the same in both editions.
            short = {c: c for c in self._codes if c not in catalogue.dx_names}
            crosswalk = replace(crosswalk, insurance={**short, **crosswalk.insurance})
        self._crosswalk = crosswalk
        self.twins: Mapping[str, str] = crosswalk.twins if crosswalk is not None else {}
        places = vocabulary.diagnoses.values()
        number: dict[tuple[str, str], int] = {}
        node = [number.setdefault((p.subcategory, p.category), len(number)) for p in places]
        self.nodes = list(number)
        text = np.array([place.text for place in places], np.str_)
        self._order = np.argsort(text, kind="stable")
        self._sorted = text[self._order]
        signature = np.column_stack([np.array(node, np.uint64), *self._words(catalogue)])
        self._signatures, self._class_of_code = _distinct(signature)
        self.size = len(self._signatures) + FIRST_CLASS

    def arrays(self, scopes: NDArray[np.uint32], failed: NDArray[np.uint32]) -> Arrays:
        """The program's arrays of diagnoses.

        Parameters
        ----------
        scopes : array of uint32, shape (nodes, 3)
        failed : array of uint32, shape (2 + nodes,)
            Leaves where no group fits: of a missing and of an unknown principal diagnosis, then
            by node.
        """
        node, *words = self._signatures.T
        node = node.astype(np.int64)
        alone = np.array([not subcategory for subcategory, _ in self.nodes], np.bool_)
        brings = (words[0] | words[1] | words[2]) != 0
        flags = np.where(brings, _SECONDARY, 0) | np.where(alone[node], _CATEGORY, 0)
        categories = {category: n for n, (_, category) in enumerate(self.nodes, start=1)}
        category = np.array([categories[category] for _, category in self.nodes], np.uint16)
        blank = np.zeros(FIRST_CLASS, np.uint64)
        holds, other, comorbid = (np.concatenate([blank, word]) for word in words)
        nowhere = np.zeros((FIRST_CLASS, scopes.shape[1]), np.uint32)
        return {
            **_named("dx", lookup_arrays(self._codes, self._class_of_code, self._crosswalk)),
            "dx_flags": np.array([0, _UNKNOWN, *flags], np.uint8),
            "dx_scopes": np.vstack([nowhere, scopes[node]]).ravel(),
            "dx_failed": np.concatenate([failed[:FIRST_CLASS], failed[node + FIRST_CLASS]]),
            "dx_category": np.array([0, 0, *category[node]], np.uint16),
            "dx_holds": holds,
            "dx_other": other,
            "dx_comorbid": comorbid,
        }

    def _words(self, catalogue: Catalogue) -> list[NDArray[np.uint64]]:
        """Conditions each code fulfils, those it does beside another category, comorbidities."""
        holds, other, comorbid = (np.zeros(len(self._codes), np.uint64) for _ in range(3))
        for bit, condition in enumerate(catalogue.conditions):
            if condition.secondary and not condition.cci:
                word = other if condition.other_category else holds
                self._mark(word, bit, condition.secondary)
        for bit, comorbidity in enumerate(catalogue.comorbidities):
            self._mark(comorbid, bit, comorbidity.codes)
        return [holds, other, comorbid]

    def _mark(self, words: NDArray[np.uint64], bit: int, patterns: Iterable[str]) -> None:
        """Set a bit of every code that a pattern covers (``vocabulary.covers``)."""
        for pattern in patterns:
            first, dash, last = pattern.upper().partition("-")
            first = first[:3] if dash else first.removesuffix("*")
            end = (last[:3] if dash else first) + _AFTER
            start, stop = np.searchsorted(self._sorted, np.array([first, end]))
            words[self._order[start:stop]] |= np.uint64(1 << bit)


class Procedures:
    """Procedures by the terms of groups that name them, and by kind.

    Parameters
    ----------
    catalogue : Catalogue
    vocabulary : Vocabulary
    crosswalk : Crosswalk, optional

    Attributes
    ----------
    size : int
        Number of classes.
    twins : mapping of str to str
    """

    def __init__(
        self, catalogue: Catalogue, vocabulary: Vocabulary, crosswalk: Crosswalk | None = None
    ) -> None:
        self._codes = vocabulary.procedures
        self._vocabulary = vocabulary
        self._crosswalk = crosswalk
        self.twins: Mapping[str, str] = crosswalk.twins if crosswalk is not None else {}
        named = {t for g in catalogue.groups for term in g.terms for t in term}
        self._known = {term: self._read(term) for term in named}
        whole = {term for term in self._known.values() if not term.endswith("*")}
        prefixes = sorted({term for term in self._known.values() if term.endswith("*")})
        kinds = {kind: n for n, kind in enumerate(catalogue.matching.kinds)}
        number: dict[tuple[str, tuple[str, ...], int], int] = {}
        self._class_of_code = np.zeros(len(self._codes), np.int64)
        for at, code in enumerate(self._codes):
            folded = fold(code)
            within = tuple(p for p in prefixes if folded.startswith(p[:-1])) if prefixes else ()
            key = (folded if folded in whole else "", within, kinds[catalogue.kind_of(code)])
            self._class_of_code[at] = number.setdefault(key, len(number))
        self._kinds = [kind for _, _, kind in number]
        self.size = len(number) + FIRST_CLASS
        self._of: defaultdict[str, list[int]] = defaultdict(list)
        for (code, within, _), n in number.items():
            for pattern in (code, *within) if code else within:
                self._of[pattern].append(n + FIRST_CLASS)

    def meaning(self, part: str) -> str:
        """The known code or the prefix that an alternative of a term means."""
        return self._known[part]

    def classes(self, meaning: str) -> list[int]:
        """Classes of the procedures that have this meaning."""
        return self._of.get(meaning, [])

    def arrays(self) -> Arrays:
        """The program's arrays of procedures."""
        return {
            **_named("px", lookup_arrays(self._codes, self._class_of_code, self._crosswalk)),
            "px_kind": np.array([*(0,) * FIRST_CLASS, *self._kinds], np.uint8),
        }

    def _read(self, term: str) -> str:
        return fold(term if term.endswith("*") else self._vocabulary.procedure(term))


def _distinct(rows: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The distinct rows, and the place among them of each row."""
    rows = np.ascontiguousarray(rows)
    keys = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], place.astype(np.int64)


def _named(kind: str, arrays: Arrays) -> Arrays:
    return {f"{kind}_{name}": array for name, array in arrays.items()}
