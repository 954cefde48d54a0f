"""Codes of a run as numbers, so that each is cleaned, and asked of a list, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.audit.lists import matcher
from drg.claims.named import Named, clean_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

__all__ = ["Vocabulary"]


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
        # Categories of its own: what other columns hold must not count here.
        grouped = codes.cast(pl.Categorical(pl.Categories.random()))
        distinct = grouped.unique().drop_nulls()
        spelled = distinct.cast(pl.String).to_list()
        known, places = self._spelled, self._places
        for written in spelled:
            if written not in known:
                name = clean_code(written)
                known[written] = places.setdefault(name, len(places)) if name else -1
        numbers = np.array([known[written] for written in spelled], np.int64)
        slots = np.full(len(spelled) + 1, len(places), np.int64)
        slots[distinct.to_physical().to_numpy()] = np.where(numbers < 0, len(places), numbers)
        return Named(tuple(places), slots[grouped.to_physical().fill_null(len(spelled)).to_numpy()])

    def among(self, patterns: tuple[str, ...]) -> Flags:
        """Which codes are listed, whole or by a prefix ending in ``*``; one entry a number."""
        answers = self._answers.get(patterns, np.zeros(0, np.bool_))
        if len(answers) < len(self._places):
            test = matcher(patterns)
            new = list(self._places)[len(answers) :]
            answers = np.append(answers, np.fromiter(map(test, new), np.bool_, len(new)))
            self._answers[patterns] = answers
        return answers
