"""Auxiliary types of built groups: tried on the last year's cases, taken where they explain costs.

A type is taken when the group and at least one subtype have enough cases and the coefficient of
variation of cost falls enough: within the parts, against the whole group. A subtype's score is
its group's times ``mean of the subtype ÷ mean of the group`` of that year (spec B.4).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from drg.dip.build.scores import coefficient_of_variation, ratio_root
from drg.dip.model import Subtype
from drg.dip.vocabulary import Place, covers
from drg.money import exceeds, round_scaled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from drg.dip.build.history import Cases
    from drg.dip.build.scores import Figures
    from drg.dip.build.settings import BuildSettings
    from drg.dip.model import Catalogue, Condition

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Bits = NDArray[np.uint64]

__all__ = ["TypeTrial", "Typing", "classes_of", "try_types"]


class TypeTrial(NamedTuple):
    """A type tried on a group.

    Attributes
    ----------
    group : int
        Place of the group.
    type : str
    cases : int
        Of the group in the last year.
    subtypes : tuple of (str, int)
        Subtypes with more cases than the least number, and their cases.
    cv_before, cv_after : Fraction
        Of the whole group, and within its parts.
    drop : Fraction
        By which share it falls.
    taken : bool
    """

    group: int
    type: str
    cases: int
    subtypes: tuple[tuple[str, int], ...]
    cv_before: Fraction
    cv_after: Fraction
    drop: Fraction
    taken: bool


@dataclass(frozen=True, slots=True)
class Typing:
    """Types tried, by group and type, and the subtypes that the catalogue gets."""

    trials: tuple[TypeTrial, ...] = ()
    subtypes: tuple[Subtype, ...] = ()


def try_types(
    cases: Cases,
    group: Ints,
    codes: Sequence[str],
    figures: Sequence[Figures],
    core: Flags,
    base: Catalogue,
    places: Sequence[Place | None],
    settings: BuildSettings,
) -> Typing:
    """Try the types of a catalogue's classes on core groups.

    Parameters
    ----------
    cases : Cases
        With conditions and secondary diagnoses.
    group : int64 array
        Place of every claim's group, -1: none.
    codes : sequence of str
        Codes of the groups.
    figures : sequence of Figures
    core : bool array
        By place, whether it is a core group.
    base : Catalogue
        Classes, conditions, comorbidities.
    places : sequence of Place
        Diagnoses by id.
    settings : BuildSettings
        ``min_group``, ``min_subtype``, ``cv_drop``, ``cv_drop_of``.
    """
    if not base.classes or not len(cases):
        return Typing()
    last = (cases.year == cases.year.max()) & (group >= 0)
    number = np.bincount(group[last], minlength=len(codes))
    wanted = (number > settings.min_group) & core
    chosen = np.flatnonzero(last & wanted[np.maximum(group, 0)])
    if not len(chosen):
        return Typing()
    mean = np.array([f.mean_fen or 0 for f in figures], np.int64)[group[chosen]]
    found = classes_of(cases, chosen, mean, base, places)
    trials: list[TypeTrial] = []
    subtypes: list[Subtype] = []
    for name, (names, place) in found.items():
        fits = _for(name, codes, settings)[group[chosen]]
        part = chosen[fits], place[fits]
        tried, taken = _tried(name, names, part, cases, group, codes, figures, settings)
        trials += tried
        subtypes += taken
    at = {code: n for n, code in enumerate(codes)}
    trials.sort(key=lambda trial: trial.group)
    subtypes.sort(key=lambda subtype: at[subtype.group])
    return Typing(tuple(trials), tuple(subtypes))


def _tried(
    name: str,
    names: Sequence[str],
    part: tuple[Ints, Ints],
    cases: Cases,
    group: Ints,
    codes: Sequence[str],
    figures: Sequence[Figures],
    settings: BuildSettings,
) -> tuple[list[TypeTrial], list[Subtype]]:
    """One type on the groups it is for; ``part`` is rows of claims with their subtype, -1: none."""
    chosen, place = part
    fen = pl.Series("fen", cases.fen[chosen]).cast(pl.Int128)
    frame = pl.DataFrame({"group": group[chosen], "subtype": place, "fen": fen})
    sums = frame.group_by("group", "subtype").agg(
        pl.len().alias("n"), pl.col("fen").sum().alias("total"),
        (pl.col("fen") * pl.col("fen")).sum().alias("squares"),
    )  # fmt: skip
    by_group: dict[int, dict[int, tuple[int, int, int]]] = {}
    for at, subtype, *rest in sums.sort("group", "subtype").iter_rows():
        by_group.setdefault(at, {})[subtype] = (rest[0], rest[1], rest[2])
    least = settings.cv_drop_of.get(name, settings.cv_drop)
    trials: list[TypeTrial] = []
    subtypes: list[Subtype] = []
    for at, parts in by_group.items():
        listed = [s for s, sums in parts.items() if s >= 0 and sums[0] > settings.min_subtype]
        if not listed:
            continue
        whole = _added(parts.values())
        others = _added(sums for s, sums in parts.items() if s not in listed)
        before = _squares(whole)
        after = sum((_squares(parts[s]) for s in listed), _squares(others))
        taken = before > 0 and after <= (1 - least) ** 2 * before
        cv = coefficient_of_variation(*whole) or Fraction(0)
        left = ratio_root(after / before) if before else Fraction(1)
        trials.append(
            TypeTrial(
                at, name, whole[0], tuple((names[s], parts[s][0]) for s in listed), cv,
                Fraction(round_scaled(cv * left, 6), 10**6), 1 - left, taken,
            )
        )  # fmt: skip
        score = figures[at].score
        if not taken or score is None:
            continue
        for s in listed:
            n, total, _ = parts[s]
            coefficient = Fraction(total, n) / Fraction(whole[1], whole[0])
            subtypes.append(
                Subtype(codes[at], names[s], round_scaled(score * coefficient),
                        round_scaled(Fraction(total, n), 0), n)
            )  # fmt: skip
    return trials, subtypes


def _for(name: str, codes: Sequence[str], settings: BuildSettings) -> Flags:
    """Which groups a type is for, by the category of their diagnosis."""
    ranges = settings.type_diagnoses.get(name)
    if ranges is None:
        return np.ones(len(codes), np.bool_)
    places = [Place(code[:3], "", code[:3]) for code in codes]
    return np.array([any(covers(r, place) for r in ranges) for place in places], np.bool_)


def _added(parts: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    n = total = squares = 0
    for part in parts:
        n, total, squares = n + part[0], total + part[1], squares + part[2]
    return n, total, squares


def _squares(sums: tuple[int, int, int]) -> Fraction:
    """Sum of squares about the mean."""
    n, total, squares = sums
    return Fraction(n * squares - total * total, n) if n else Fraction(0)


# ---- which subtype a claim is of


def classes_of(
    cases: Cases, chosen: Ints, mean: Ints, base: Catalogue, places: Sequence[Place | None]
) -> dict[str, tuple[tuple[str, ...], Ints]]:
    """Subtype of claims by type.

    Parameters
    ----------
    cases : Cases
    chosen : int64 array
        Rows of the claims that are asked for.
    mean : int64 array
        Mean cost of each one's group, in fen.
    base : Catalogue
    places : sequence of Place
        Diagnoses by id.

    Returns
    -------
    dict of str to (tuple of str, int64 array)
        Type to its subtypes in order, and the place of each claim's among them, -1: none.
    """
    truth = _Truth(cases, chosen, mean, base, places)
    found: dict[str, tuple[tuple[str, ...], Ints]] = {}
    for name in dict.fromkeys(row.type for row in base.classes):
        rows = [row for row in base.classes if row.type == name]
        subtypes = tuple(dict.fromkeys(row.subtype for row in rows))
        place = np.full(len(chosen), -1, np.int64)
        for row in rows:
            held = np.ones(len(chosen), np.bool_)
            for condition in row.conditions:
                held &= truth.holds(condition)
            place[held & (place < 0)] = subtypes.index(row.subtype)
        found[name] = (subtypes, place)
    return found


class _Truth:
    """Which conditions hold for which claims; one that cannot be told does not hold."""

    def __init__(
        self,
        cases: Cases,
        chosen: Ints,
        mean: Ints,
        base: Catalogue,
        places: Sequence[Place | None],
    ) -> None:
        assert cases.true is not None
        assert cases.secondary is not None
        self._at = {condition.name: n for n, condition in enumerate(base.conditions)}
        self._conditions = base.conditions
        self._scalar = cases.true[chosen]
        self._fen, self._mean = cases.fen[chosen], mean
        picked = np.zeros(len(cases), np.bool_)
        picked[chosen] = True
        secondary = cases.secondary.of(picked)
        texts = _Texts(places)
        own = texts.category[cases.principal[chosen]]
        self._met = self._secondary(secondary.ids, secondary.rows, own, texts, len(chosen))
        words = texts.words([c.codes for c in base.comorbidities])[secondary.ids]
        found = _any(words, secondary.rows, len(chosen))
        self._cci = _index(found, base)
        self._known: dict[str, Flags] = {}

    def holds(self, name: str) -> Flags:
        """Whether a condition holds, claim by claim."""
        if name not in self._known:
            self._known[name] = self._asked(self._at[name])
        return self._known[name]

    def _asked(self, number: int) -> Flags:
        condition = self._conditions[number]
        bit = np.uint64(1 << number)
        if condition.cci:
            return _within(self._cci, condition)
        if condition.secondary:
            return _set(self._met, bit)
        if condition.cost_multiple is not None:
            return exceeds(self._fen, condition.cost_multiple, self._mean, inclusive=True)
        return _set(self._scalar, bit)

    def _secondary(
        self, ids: NDArray[np.uint32], rows: Ints, own: Ints, texts: _Texts, claims: int
    ) -> Bits:
        """Bits of the conditions that a secondary diagnosis meets."""
        words = texts.words([c.secondary for c in self._conditions])[ids]
        apart = sum(1 << n for n, c in enumerate(self._conditions) if c.other_category)
        same = texts.category[ids] == own[rows]
        words[same] &= ~np.uint64(apart)
        return _any(words, rows, claims)


class _Texts:
    """Diagnoses by id: what patterns cover, as bits."""

    def __init__(self, places: Sequence[Place | None]) -> None:
        texts = [place.text if place else "" for place in places]
        self._order = np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)
        self._sorted = [texts[n] for n in self._order]
        names = sorted({place.category for place in places if place})
        number = {name: n for n, name in enumerate(names, start=1)}
        self.category = np.array([number[p.category] if p else 0 for p in places], np.int64)

    def words(self, patterns: Sequence[Sequence[str]]) -> Bits:
        """Bit ``n`` of every id: whether one of list ``n`` of patterns covers it."""
        words = np.zeros(len(self._order), np.uint64)
        for n, listed in enumerate(patterns):
            for pattern in listed:
                first, dash, last = pattern.upper().partition("-")
                low = first[:3] if dash else first.removesuffix("*")
                high = (last[:3] if dash else low) + "\U0010ffff"
                at = bisect_left(self._sorted, low), bisect_right(self._sorted, high)
                words[self._order[slice(*at)]] |= np.uint64(1 << n)
        return words


def _set(words: Bits, bit: np.uint64) -> Flags:
    found: Flags = (words & bit) != 0
    return found


def _any(words: Bits, rows: Ints, claims: int) -> Bits:
    """Bits that any row of a claim has; rows ascending."""
    found = np.zeros(claims, np.uint64)
    if len(rows):
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        found[rows[starts]] = np.bitwise_or.reduceat(words, starts)
    return found


def _index(found: Bits, base: Catalogue) -> Ints:
    """Comorbidity index: weights of what is there and not replaced by something there."""
    number = {c.name: n for n, c in enumerate(base.comorbidities)}
    replaced = np.zeros(len(found), np.uint64)
    for n, comorbidity in enumerate(base.comorbidities):
        if comorbidity.replaces in number:
            bit = np.uint64(1 << number[comorbidity.replaces])
            replaced |= np.where(found & np.uint64(1 << n), bit, np.uint64(0))
    index = np.zeros(len(found), np.int64)
    for n, comorbidity in enumerate(base.comorbidities):
        index += comorbidity.weight * ((found & ~replaced & np.uint64(1 << n)) != 0)
    return index


def _within(values: Ints, condition: Condition) -> Flags:
    held = np.ones(len(values), np.bool_)
    if condition.start is not None:
        held &= values >= condition.start
    if condition.stop is not None:
        held &= values < condition.stop
    return held
