"""Codes of a run as numbers, so that each is cleaned, and asked of a list, once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.audit.lists import matcher
from drg.claims.named import Named, clean_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

__all__ = ["Vocabulary"]

#: Codes of one column, no more than a few dozen claims have: each is looked at by itself.
_FEW = 2000


class Vocabulary:
    """Codes seen in a run, numbered as they come, and which of them lists have.

    Batches hold the same codes again and again: each is cleaned, and asked of a list, once.
    """

    def __init__(self) -> None:
        self._spelled: dict[str | None, int] = {}
        self._places: dict[str, int] = {}
        self._answers: dict[tuple[str, ...], Flags] = {}

    def numbered(self, codes: pl.Series) -> Named:
        """Codes as numbers; those not met before come behind the others."""
        if len(codes) <= _FEW:
            written = codes.to_list()
            self._meet(written)
            last = len(self._places)
            places = (-1 if text is None else self._spelled[text] for text in written)
            each = np.fromiter((last if n < 0 else n for n in places), np.int64, len(written))
            return Named(tuple(self._places), each)
        # Categories of its own: what other columns hold must not count here.
        grouped = codes.cast(pl.Categorical(pl.Categories.random()))
        distinct = grouped.unique().drop_nulls()
        spelled = distinct.cast(pl.String).to_list()
        self._meet(spelled)
        last = len(self._places)
        numbers = np.array([self._spelled[written] for written in spelled], np.int64)
        slots = np.full(len(spelled) + 1, last, np.int64)
        slots[distinct.to_physical().to_numpy()] = np.where(numbers < 0, last, numbers)
        every = grouped.to_physical().fill_null(len(spelled)).to_numpy()
        return Named(tuple(self._places), slots[every])

    def _meet(self, spelled: Iterable[str | None]) -> None:
        """Number the codes that are new; -1: nothing but blanks."""
        known, places = self._spelled, self._places
        for written in spelled:
            if written is not None and written not in known:
                name = clean_code(written)
                known[written] = places.setdefault(name, len(places)) if name else -1

    def among(self, patterns: tuple[str, ...]) -> Flags:
        """Which codes are listed, whole or by a prefix ending in ``*``; one entry a number."""
        answers = self._answers.get(patterns, np.zeros(0, np.bool_))
        if len(answers) < len(self._places):
            test = matcher(patterns)
            new = list(self._places)[len(answers) :]
            answers = np.append(answers, np.fromiter(map(test, new), np.bool_, len(new)))
            self._answers[patterns] = answers
        return answers
