"""Combinations of diagnosis and procedures: every one that occurs, with its cases and costs.

A set of procedures is a number: equal sets have equal numbers, whatever the order of the claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.dip.build.codes import Lists

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from drg.dip.build.history import Cases
    from drg.dip.vocabulary import Place

    Ints = NDArray[np.int64]

__all__ = ["Diagnoses", "Patterns", "Sets", "capped", "patterns_of"]


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of ids; number 0 is the empty one.

    Attributes
    ----------
    lists : Lists
        Members of each set, ascending.
    """

    lists: Lists

    def __len__(self) -> int:
        return len(self.lists.start) - 1

    @property
    def sizes(self) -> Ints:
        """Number of members by set."""
        sizes: Ints = np.diff(self.lists.start)
        return sizes

    def members(self, number: int) -> tuple[int, ...]:
        """Ids of one set, ascending."""
        start, stop = self.lists.start[number : number + 2]
        return tuple(self.lists.ids[start:stop].tolist())


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """What principal diagnoses form groups by.

    Attributes
    ----------
    codes : sequence of str
        Subcategories, and categories that a claim's code stands for alone, sorted.
    categories : sequence of str
        Of each of them.
    category : int array
        Place of that category among the sorted categories.
    """

    codes: Sequence[str]
    categories: Sequence[str]
    category: Ints


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct sets of diagnosis and procedures of claims, as finely as matching needs them.

    Attributes
    ----------
    frame : DataFrame
        One row a pattern, sorted by its columns ``diagnosis`` (place in ``diagnoses.codes``),
        ``reported`` (first procedure as coded, 0: none or unknown), ``ruling`` (place of a kind),
        ``principal`` (first procedure that counts, 0: none), ``others`` (a set; of the other ones
        that count), all Int64, with ``cases`` and ``fen`` (their cost).
    of_case : int array
        Pattern of every claim.
    diagnoses : Diagnoses
    sets : Sets
    """

    frame: pl.DataFrame
    of_case: Ints
    diagnoses: Diagnoses
    sets: Sets


_KEYS = ("diagnosis", "reported", "ruling", "principal", "others")


def patterns_of(cases: Cases, places: Sequence[Place | None]) -> Patterns:
    """The patterns of claims.

    Parameters
    ----------
    cases : Cases
    places : sequence of Place
        ``History.diagnoses``.
    """
    diagnoses, of_id = _diagnoses(tuple(places))
    principal, rest = _principals(cases.procedures)
    others, sets = interned(rest)
    keyed = pl.DataFrame(
        {
            "diagnosis": of_id[cases.principal],
            "reported": cases.reported.astype(np.int64),
            "ruling": cases.ruling.astype(np.int64),
            "principal": principal,
            "others": others,
            "fen": cases.fen,
        }
    )
    frame = (
        keyed.group_by(_KEYS)
        .agg(pl.len().cast(pl.Int64).alias("cases"), pl.col("fen").sum())
        .sort(_KEYS)
    )
    numbered = frame.select(_KEYS).with_row_index("pattern")
    of_case = keyed.select(_KEYS).join(numbered, on=_KEYS, how="left", maintain_order="left")
    return Patterns(frame, of_case["pattern"].cast(pl.Int64).to_numpy(), diagnoses, sets)


def interned(lists: Lists) -> tuple[Ints, Sets]:
    """Number of each list's set, and the sets.

    Grown member by member, ascending: a set is its smaller part and one more member, so no text
    and no hash stands for it.
    """
    rows, ids = lists.rows, lists.ids
    order = np.lexsort((ids, rows))
    ids = ids[order].astype(np.int64)
    counts = np.diff(lists.start)
    node = np.zeros(len(counts), np.int64)
    parents, lasts = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
    known = 1
    for level in range(int(counts.max(initial=0))):
        deep = np.flatnonzero(counts > level)
        key = node[deep] << 32 | ids[lists.start[deep] + level]
        distinct, number = np.unique(key, return_inverse=True)
        node[deep] = known + number
        parents.append(distinct >> 32)
        lasts.append(distinct & 0xFFFFFFFF)
        known += len(distinct)
    return node, _spelled(np.concatenate(parents), np.concatenate(lasts))


def _spelled(parents: Ints, lasts: Ints) -> Sets:
    """Members of every set from its smaller part and last member."""
    sizes = np.zeros(len(parents), np.int64)
    left = np.flatnonzero(lasts)
    walk = left
    while len(walk):
        sizes[left] += 1
        walk = parents[walk]
        alive = lasts[walk] != 0
        left, walk = left[alive], walk[alive]
    start = np.zeros(len(parents) + 1, np.int64)
    np.cumsum(sizes, out=start[1:])
    ids = np.empty(int(start[-1]), np.uint32)
    left = np.flatnonzero(lasts)
    walk, at = left, start[left + 1] - 1
    while len(walk):
        ids[at] = lasts[walk]
        walk, at = parents[walk], at - 1
        alive = lasts[walk] != 0
        walk, at = walk[alive], at[alive]
    return Sets(Lists(start, ids))


def capped(patterns: Patterns, most: int) -> tuple[pl.DataFrame, Sets]:
    """Combinations: patterns with at most so many related procedures, added up.

    Of more than ``most`` a combination keeps those that its diagnosis and principal procedure have
    in most cases, equal ones by code.

    Returns
    -------
    DataFrame
        ``diagnosis``, ``principal``, ``related`` (a set), ``cases``, ``fen``, sorted by the first
        three; one row a combination.
    Sets
    """
    frame, sets = patterns.frame, patterns.sets
    others = frame["others"].to_numpy()
    many = np.flatnonzero(sets.sizes[others] > most)
    related = others.copy()
    if len(many):
        flat = _members(frame, others, sets)
        usual = flat.group_by("diagnosis", "principal", "id").agg(pl.col("cases").sum().alias("n"))
        kept = (
            _members(frame[many], others[many], sets)
            .join(usual, on=["diagnosis", "principal", "id"], how="left")
            .sort("row", pl.col("n") * -1, "id")
            .filter(pl.int_range(pl.len()).over("row") < most)
            .sort("row", "id")
        )
        counts = np.full(len(many), most, np.int64)
        start = np.concatenate([[0], np.cumsum(counts)])
        whole = _appended(sets, Lists(start, kept["id"].to_numpy()))
        numbers, sets = interned(whole)
        related = numbers[related]
        related[many] = numbers[len(patterns.sets) :]
    combined = (
        frame.with_columns(pl.Series("related", related))
        .group_by("diagnosis", "principal", "related")
        .agg(pl.col("cases", "fen").sum())
        .sort("diagnosis", "principal", "related")
    )
    return combined, sets


def _members(frame: pl.DataFrame, numbers: Ints, sets: Sets) -> pl.DataFrame:
    """One row a member of the set of each row: ``row``, ``id`` and the frame's key and cases."""
    sizes = sets.sizes[numbers]
    rows = np.repeat(np.arange(len(numbers)), sizes)
    first = np.repeat(sets.lists.start[numbers], sizes)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    picked = frame.select("diagnosis", "principal", "cases")[rows]
    return picked.with_columns(
        pl.Series("row", rows), pl.Series("id", sets.lists.ids[first + within])
    )


def _appended(sets: Sets, more: Lists) -> Lists:
    start = np.concatenate([sets.lists.start, sets.lists.start[-1] + more.start[1:]])
    return Lists(start, np.concatenate([sets.lists.ids, more.ids]))


def _principals(procedures: Lists) -> tuple[Ints, Lists]:
    """The first procedure of every claim (0: none), and the others."""
    start = procedures.start
    counts = np.diff(start)
    some = np.flatnonzero(counts)
    principal = np.zeros(len(counts), np.int64)
    principal[some] = procedures.ids[start[some]]
    rest = np.ones(len(procedures.ids), np.bool_)
    rest[start[some]] = False
    left = np.concatenate([[0], np.cumsum(np.maximum(counts - 1, 0))])
    return principal, Lists(left, procedures.ids[rest])


# Every build of a process groups the same national lists.
@lru_cache(maxsize=2)
def _diagnoses(places: tuple[Place | None, ...]) -> tuple[Diagnoses, NDArray[Any]]:
    """What forms groups, and its place by diagnosis id."""
    keys = [(_written(p.subcategory) or p.category, p.category) if p else ("", "") for p in places]
    codes = dict(sorted(set(keys[1:])))
    place = {code: n for n, code in enumerate(codes)}
    categories = sorted(set(codes.values()))
    number = {category: n for n, category in enumerate(categories)}
    of_id = np.array([place.get(code, 0) for code, _ in keys], np.int64)
    by_code = np.array([number[category] for category in codes.values()], np.int64)
    of_id.flags.writeable = by_code.flags.writeable = False
    return Diagnoses(tuple(codes), tuple(codes.values()), by_code), of_id


def _written(subcategory: str) -> str:
    """``N40.x``, as the national list writes it."""
    return subcategory[:4] + subcategory[4:].replace("X", "x")
