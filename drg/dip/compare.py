"""Two DIP catalogues beside each other: which groups only one has, and how scores differ.

Groups are the same if they stand for the same diagnoses, procedures, attribute and conditions,
however their codes are written; else by their codes. Scores of two years need not have one base:
a shift is told as it is, and against the median of all shifts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.dip.build.settings import BuildError
from drg.money import PLACES, round_scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drg.dip.model import Catalogue, Group, Subtype

__all__ = ["CatalogueComparison", "Pair", "compare_catalogues"]


class Pair(NamedTuple):
    """A group, or a subtype of one, in either catalogue.

    Attributes
    ----------
    code : str
        As the first catalogue writes it, else as the second.
    name : str
    type_a, type_b : str or None
        ``core.surgery``; None: not there.
    code_b : str or None
        Code in the second.
    score_a, score_b : int or None
        Scaled 10⁴; None: not there, or no score of its own.
    mean_a, mean_b : int or None
        Mean cost in fen, where published.
    cases_a, cases_b : int or None
        Where published.
    subtype : str
        ``""``: the group itself.
    """

    code: str
    name: str
    type_a: str | None
    type_b: str | None
    code_b: str | None
    score_a: int | None
    score_b: int | None
    mean_a: int | None
    mean_b: int | None
    cases_a: int | None
    cases_b: int | None
    subtype: str = ""

    @property
    def where(self) -> str:
        """Which of the catalogues have it: ``both``, ``a``, ``b``."""
        if self.type_a is None:
            return "b"
        return "a" if self.type_b is None else "both"

    @property
    def shift(self) -> Fraction | None:
        """Score of ``b`` over that of ``a``, less 1; None where one is missing or ``a`` has 0."""
        if not self.score_a or self.score_b is None:
            return None
        return Fraction(self.score_b, self.score_a) - 1


@dataclass(frozen=True, slots=True)
class CatalogueComparison:
    """Two catalogues beside each other.

    Attributes
    ----------
    a, b : Catalogue
    pairs : tuple of Pair
        Groups and subtypes of both, by code.
    median : Fraction or None
        Of the shifts of groups that both have; None without any.
    """

    a: Catalogue
    b: Catalogue
    pairs: tuple[Pair, ...]
    median: Fraction | None

    def counts(self) -> dict[str, int]:
        """Groups and subtypes by where they are, as ``groups_both`` or ``subtypes_a``."""
        found = {f"{k}_{w}": 0 for k in ("groups", "subtypes") for w in ("both", "a", "b")}
        for pair in self.pairs:
            found[f"{'subtypes' if pair.subtype else 'groups'}_{pair.where}"] += 1
        return found

    def relative(self, pair: Pair) -> Fraction | None:
        """Shift of a pair against the median shift."""
        if pair.shift is None or self.median is None or self.median <= -1:
            return None
        return (1 + pair.shift) / (1 + self.median) - 1

    def moves(self, most: int) -> tuple[Pair, ...]:
        """Pairs whose scores moved most against the median, the largest ratio first."""
        moved = [(r, p) for p in self.pairs if (r := self.relative(p)) is not None and r > -1]
        moved.sort(key=lambda item: (-max(1 + item[0], 1 / (1 + item[0])), item[1].code))
        return tuple(pair for relative, pair in moved[:most] if relative)

    def spread(self, bounds: Sequence[Fraction]) -> list[int]:
        """Pairs by shift: below the first bound, between each two (lower included), above."""
        counts = [0] * (len(bounds) + 1)
        for pair in self.pairs:
            if pair.shift is not None:
                counts[sum(pair.shift >= bound for bound in bounds)] += 1
        return counts

    def rows(self) -> list[tuple[object, ...]]:
        """``where``, the fields, ``shift`` and ``relative`` (both × 10⁴) of every pair."""
        return [
            (pair.where, *pair, _scaled(pair.shift), _scaled(self.relative(pair)))
            for pair in self.pairs
        ]


def compare_catalogues(a: Catalogue, b: Catalogue) -> CatalogueComparison:
    """Lay two catalogues beside each other.

    Raises
    ------
    BuildError
        D449: it is the same catalogue twice.
    """
    if a.digest and a.digest == b.digest:
        raise BuildError("D449", first=a.id, second=b.id)
    groups_a, groups_b = _by_content(a.groups), _by_content(b.groups)
    subtypes_a, subtypes_b = _by_group(a.subtypes), _by_group(b.subtypes)
    _pair_by_code(groups_a, groups_b)
    pairs: list[Pair] = []
    for key in {**groups_a, **groups_b}:
        one, other = groups_a.get(key), groups_b.get(key)
        pairs.append(_pair(a, b, one, other))
        own = subtypes_a.get(one.code, {}) if one else {}
        others = subtypes_b.get(other.code, {}) if other else {}
        pairs += [
            _subtype_pair(pairs[-1], one, other, own.get(name), others.get(name), name)
            for name in {**own, **others}
        ]
    pairs.sort(key=lambda pair: (pair.code, pair.subtype))
    shifts = sorted(p.shift for p in pairs if not p.subtype and p.shift is not None)
    return CatalogueComparison(a, b, tuple(pairs), _median(shifts))


def _by_content(groups: Iterable[Group]) -> dict[tuple[object, ...], Group]:
    """Groups by what they stand for; of several alike each has a number."""
    found: dict[tuple[object, ...], Group] = {}
    for group in sorted(groups, key=lambda g: g.code):
        terms = [tuple(sorted(part.upper() for part in term)) for term in group.terms]
        key = (
            frozenset(d.upper() for d in group.diagnosis),
            tuple(terms[:1]),
            tuple(sorted(terms[1:])),
            group.attribute,
            frozenset(group.conditions),
            "" if group.terms or group.attribute else group.group_class,
        )
        number = 0
        while (*key, number) in found:
            number += 1
        found[(*key, number)] = group
    return found


def _pair_by_code(
    groups_a: dict[tuple[object, ...], Group], groups_b: dict[tuple[object, ...], Group]
) -> None:
    """Groups of one code whose contents differ somewhat are the same group too."""
    left = {g.code.upper(): key for key, g in groups_b.items() if key not in groups_a}
    for key, group in groups_a.items():
        if key not in groups_b and (other := left.pop(group.code.upper(), None)) is not None:
            groups_b[key] = groups_b.pop(other)


def _by_group(subtypes: Iterable[Subtype]) -> Mapping[str, dict[str, Subtype]]:
    found: defaultdict[str, dict[str, Subtype]] = defaultdict(dict)
    for subtype in subtypes:
        found[subtype.group][subtype.subtype] = subtype
    return found


def _pair(a: Catalogue, b: Catalogue, one: Group | None, other: Group | None) -> Pair:
    known = one or other
    assert known is not None
    return Pair(
        known.code,
        known.name,
        a.type_of(one) if one else None,
        b.type_of(other) if other else None,
        other.code if other else None,
        one.score_e4 if one else None,
        other.score_e4 if other else None,
        one.mean_fen if one else None,
        other.mean_fen if other else None,
        one.cases if one else None,
        other.cases if other else None,
    )


def _subtype_pair(
    base: Pair,
    one: Group | None,
    other: Group | None,
    own: Subtype | None,
    others: Subtype | None,
    name: str,
) -> Pair:
    return base._replace(
        code=f"{base.code}_{name}",
        type_a=base.type_a if own else None,
        type_b=base.type_b if others else None,
        code_b=f"{other.code}_{name}" if other and others else None,
        score_a=own.score_e4 if own else None,
        score_b=others.score_e4 if others else None,
        mean_a=own.mean_fen if own else None,
        mean_b=others.mean_fen if others else None,
        cases_a=own.cases if own else None,
        cases_b=others.cases if others else None,
        subtype=name,
    )


def _median(values: Sequence[Fraction]) -> Fraction | None:
    if not values:
        return None
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _scaled(value: Fraction | None) -> int | None:
    return None if value is None else round_scaled(value, PLACES)
