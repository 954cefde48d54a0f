"""From a DIP catalogue to what the generator draws from: one plan a group, and its shares.

A plan draws its principal diagnosis under the group's diagnoses and one alternative of every term.
A comprehensive group is reached by a procedure of its kind that no group of the category names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from drg.claims.synth_codes import Codes, Pools, lengths_of, longest_prefix
from drg.claims.synth_draw import FEMALE, MALE
from drg.claims.synth_model import BOUNDED
from drg.claims.synth_plan import MOST_FURTHER, Plan
from drg.claims.synth_tables import Parameters, share_of
from drg.dip.model import Catalogue, Condition, Group
from drg.dip.vocabulary import Place, Vocabulary, covers

__all__ = ["FAR", "Lists", "Planner", "Way"]

#: Fields of conditions by the generator's names of its bounds.
_FIELDS = {"birth_weight_g": "weight", "admission_weight_g": "admission_weight", "los_days": "los"}
#: Beyond every bound.
FAR = 1 << 30
#: Diagnoses of a plan that say how usual it is; reach of the spread of shares.
_TOP, _WIDTH = 12, 3.4
#: Characters of a procedure's chapter.
_CHAPTER = 2
#: Classes of groups that take what the others leave.
_REST = ("comprehensive", "chapter", "blank")


class Lists(NamedTuple):
    """National codes that claims may carry."""

    known_dx: frozenset[str]
    known_px: frozenset[str]


class Way(NamedTuple):
    """A plan and the group it leads to; None for a diagnosis of no group."""

    plan: Plan
    group: Group | None


class Planner:
    """Makes the plans of one catalogue.

    Parameters
    ----------
    catalogue : Catalogue
    parameters : Parameters
    """

    def __init__(self, catalogue: Catalogue, parameters: Parameters) -> None:
        self.catalogue, self.settings = catalogue, parameters.settings["dip"]
        self.words = Vocabulary(catalogue)
        lists = Lists(frozenset(catalogue.dx_names), frozenset(catalogue.px_names))
        self.codes, self.pools = Codes(lists, parameters), Pools()
        self.mix = {row["mdc"]: row for row in parameters.case_mix.iter_rows(named=True)}
        self._rows = dict(parameters.chapter.iter_rows())
        self._lengths = lengths_of(self._rows)
        self._row: dict[str, str] = {}
        self._conditions = {c.name: c for c in catalogue.conditions}
        self._by_start: defaultdict[str, list[str]] = defaultdict(list)
        for code in sorted(lists.known_dx):
            self._by_start[code[:3].upper()].append(code)
            self._by_start[code[:5].upper()].append(code)
        self._free: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}
        self._sex_by_row()
        #: Groups by each category that they name.
        self._of_category: defaultdict[str, list[Group]] = defaultdict(list)
        #: By category or subcategory the groups that name it, by ``""`` in it those of ranges.
        self._naming: defaultdict[tuple[str, str], list[Group]] = defaultdict(list)
        for group in catalogue.groups:
            ranged = any("-" in text for text in group.diagnosis)
            for category in self.categories(group):
                self._of_category[category].append(group)
                for text in {""} if ranged else {text.upper() for text in group.diagnosis}:
                    self._naming[category, text].append(group)

    def _sex_by_row(self) -> None:
        """Diagnoses of a row of one sex fit that sex, unless their own prefix tells the other."""
        for place, code in enumerate(self.codes.dx):
            women = self.mix[self.row_of(code)]["female"]
            if women in (0, 1) and not self.codes.sex[place]:
                self.codes.sex[place] = FEMALE if women else MALE

    def ways(self) -> list[Way]:
        """Every plan, shares summing to 1; groups that no claim can reach have none."""
        made = [Way(plan, g) for g in self.catalogue.groups if (plan := self._plan(g)) is not None]
        strays = list(self._strays())
        odd = self.settings["ungroupable"] if strays and made else float(not made)
        shares = self._shares(made)
        return [
            *(
                shared
                for way, share in zip(made, shares, strict=True)
                for shared in self._with_noise(way, (1.0 - odd) * share)
            ),
            *(Way(replace(plan, share=odd), None) for plan in strays),
        ]

    def row_of(self, diagnosis: str) -> str:
        """Row of the case mix that a diagnosis belongs to."""
        category = diagnosis[:3].upper()
        if category not in self._row:
            usual = next(iter(self.mix))
            self._row[category] = longest_prefix(category, self._rows, self._lengths, usual)
        return self._row[category]

    def categories(self, group: Group) -> set[str]:
        """Known categories that a group's diagnoses lie in."""
        found: set[str] = set()
        for text in group.diagnosis:
            found.update(self._in_range(text) if "-" in text else [text[:3].upper()])
        return found

    def listed(self, patterns: Iterable[str]) -> frozenset[str]:
        """Known diagnoses that patterns of conditions and comorbidities cover."""
        found: set[str] = set()
        for pattern in patterns:
            start = pattern.upper().removesuffix("*")
            if "-" in start:
                near = self._in_range(start)
            else:
                near = [c for c in self._all_categories if c.startswith(start[:3])]
            codes = (code for category in near for code in self._by_start[category])
            found.update(code for code in codes if covers(pattern, self._place(code)))
        return frozenset(found)

    def alternatives(self, term: Iterable[str]) -> frozenset[str]:
        """Known procedures that meet a term."""
        found: set[str] = set()
        for text in term:
            if text.endswith("*"):
                found.update(c for c in self.codes.px if c.startswith(text[:-1]))
            else:
                found.add(self.words.procedure(text))
        return frozenset(found) & self.catalogue.px_names.keys()

    @cached_property
    def named(self) -> frozenset[str]:
        """Procedures that some group names."""
        terms = {term for group in self.catalogue.groups for term in group.terms}
        return frozenset().union(*(self.alternatives(term) for term in terms))

    @cached_property
    def by_kind(self) -> Mapping[str, frozenset[str]]:
        """Known procedures of each kind."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for code in self.codes.px:
            found[self.catalogue.kind_of(code)].add(code)
        return {kind: frozenset(codes) for kind, codes in found.items()}

    @cached_property
    def _all_categories(self) -> frozenset[str]:
        return frozenset(code[:3].upper() for code in self.codes.dx)

    def _place(self, code: str) -> Place:
        return self.words.diagnoses[code]

    def _principals(self, group: Group) -> list[str]:
        """Diagnoses of a group; of one for the rest those that no earlier group takes."""
        starts = {
            start
            for text in group.diagnosis
            for start in (self._in_range(text) if "-" in text else [text.upper()])
        }
        found = [code for start in sorted(starts) for code in self._by_start.get(start, ())]
        if group.group_class in _REST:
            return [code for code in found if not self._taken(code, group)]
        return found

    def _in_range(self, text: str) -> list[str]:
        first, _, last = text.upper().partition("-")
        return [c for c in self._all_categories if first[:3] <= c <= last[:3]]

    def _taken(self, code: str, group: Group) -> bool:
        """Whether an earlier group of a diagnosis takes claims like this group's."""
        place = self._place(code)
        rank = _REST.index(group.group_class)
        category = place.category
        for other in chain.from_iterable(
            self._naming.get((category, near), ()) for near in {"", category, place.subcategory}
        ):
            if other.group_class in _REST[:rank] and other.attribute == group.attribute:
                return True
            plain = other.group_class not in _REST and not other.terms
            if plain and (self._quiet(group) or not group.attribute):
                return True
        return False

    def _quiet(self, group: Group) -> bool:
        matching = self.catalogue.matching
        return bool(group.attribute) and matching.kinds[-1] in matching.attributes[group.attribute]

    def _plan(self, group: Group) -> Plan | None:
        if not group.diagnosis:
            return None
        principals = self._principals(group)
        pools = [self._pool(self.alternatives(term)) for term in group.terms]
        if group.attribute and not self._quiet(group):
            kinds = self.catalogue.matching.attributes[group.attribute]
            pools = [self._pool(self._unnamed(group, kinds))]
        principal = self.pools.add(self.codes.diagnoses(set(principals)))
        if principal < 0 or -1 in pools:
            return None
        asked = [self._conditions[name] for name in group.conditions]
        further = [self.listed(c.secondary) for c in asked if c.secondary][:MOST_FURTHER]
        row = self.row_of(group.diagnosis[0])
        return Plan(
            None,
            row,
            self._kind(group),
            principal,
            tuple(pools),
            tuple(self.pools.add(self.codes.diagnoses(c, principal=False)) for c in further),
            dict(_bounds(asked)),
            dict(_choices(asked)),
        )

    def _pool(self, procedures: frozenset[str]) -> int:
        return self.pools.add(self.codes.procedures(procedures))

    def _unnamed(self, group: Group, kinds: Iterable[str]) -> frozenset[str]:
        """Procedures of some kinds, not quiet, that no group of the same categories names.

        Those of the chapters that these groups name, if there are any, and of them the likely ones.
        """
        loud = frozenset(kinds) - self.catalogue.matching.quiet
        key = (frozenset(self.categories(group)), loud)
        if key not in self._free:
            self._free[key] = self._free_for(*key)
        return self._free[key]

    def _free_for(self, categories: frozenset[str], kinds: frozenset[str]) -> frozenset[str]:
        terms = {t for c in categories for g in self._of_category[c] for t in g.terms}
        used = frozenset().union(*(self.alternatives(term) for term in terms))
        named = {code[:_CHAPTER] for code in used}
        chapters = {chapter for chapter, _ in self._by_chapter}
        near = self._of_chapters(named, kinds) - used or self._of_chapters(chapters, kinds) - used
        ids = self.codes.procedures(near)[: self.settings["comprehensive_pool"]]
        return frozenset(self.codes.px[i - len(self.codes.dx)] for i in ids)

    def _of_chapters(self, chapters: Iterable[str], kinds: frozenset[str]) -> frozenset[str]:
        none: frozenset[str] = frozenset()
        return none.union(*(self._by_chapter.get((c, k), none) for c in chapters for k in kinds))

    @cached_property
    def _by_chapter(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """Procedures by chapter and kind."""
        found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for code in self.codes.px:
            found[code[:_CHAPTER], self.catalogue.kind_of(code)].add(code)
        return {key: frozenset(codes) for key, codes in found.items()}

    def _kind(self, group: Group) -> str:
        """The generator's kind of plan."""
        kind = self.catalogue.type_of(group).partition(".")[2]
        matching = self.catalogue.matching
        if kind in matching.quiet or kind == matching.kinds[-1]:
            return "medical"
        return "procedure" if kind in ("therapeutic", "diagnostic") else "surgical"

    def _with_noise(self, way: Way, share: float) -> Iterator[Way]:
        """The way, and behind it one with a procedure more that no group of the category names."""
        foreign, group, plan = -1, way.group, way.plan
        if group and group.terms:
            foreign = self._pool(self._unnamed(group, self.catalogue.matching.kinds))
        part = self.settings["foreign"] if foreign >= 0 else 0.0
        yield Way(replace(plan, share=share * (1.0 - part)), group)
        if part:
            more = replace(plan, procedures=(*plan.procedures, foreign), share=share * part)
            yield Way(more, group)

    def _strays(self) -> Iterator[Plan]:
        """Diagnoses of categories that no group names."""
        free = [c for c in self.codes.dx if self._place(c).category not in self._of_category]
        pool = self.pools.add(self.codes.diagnoses(free))
        if pool >= 0:
            yield Plan(None, "", "ungroupable", pool)

    def _shares(self, ways: list[Way]) -> list[float]:
        """Shares of the ways: published cases, else the case mix spread over the groups."""
        if any(way.group.cases is not None for way in ways if way.group):
            cases = [float(way.group.cases or 0) if way.group else 0.0 for way in ways]
            return _parts(cases, 1.0)
        flat, offset, size = self.pools.flat()
        weights, cells = [], []
        for plan, group in ways:
            start = offset[plan.principal]
            top = flat[start : start + min(size[plan.principal], _TOP)]
            usual = float(self.codes.principal[top].mean()) + 1.0
            terms = max(len(plan.procedures) - 1, 0)
            code = group.code if group else ""
            spread = math.exp(self.settings["group_sigma"] * _WIDTH * (share_of(code) - 0.5))
            weights.append(usual * spread * self.settings["term"] ** terms)
            rest = group is not None and group.group_class in _REST
            cells.append((plan.mdc, "" if rest else plan.kind))
        target = {cell: self._target(*cell) for cell in cells}
        part = self.settings["comprehensive"]
        for rest, whole in ((True, part), (False, 1.0 - part)):
            own = [cell for cell in target if (cell[1] == "") == rest]
            total = sum(target[cell] for cell in own) or 1.0
            target |= {cell: target[cell] / total * whole for cell in own}
        sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        for cell, weight in zip(cells, weights, strict=True):
            sums[cell] += weight
        shares = [w / sums[c] * target[c] for w, c in zip(weights, cells, strict=True)]
        return _parts(shares, 1.0)

    def _target(self, row: str, kind: str) -> float:
        """Claims of a kind in the case mix's row; of all kinds where none is named."""
        kinds = [kind] if kind else ["medical", "procedure", "surgical"]
        return sum(float(self.mix[row][k]) for k in kinds)


def _choices(conditions: Iterable[Condition]) -> Iterator[tuple[str, str]]:
    """Ways of leaving hospital that conditions ask for."""
    for asked in conditions:
        if asked.field == "disposition" and asked.values:
            yield asked.field, asked.values[0]


def _parts(weights: list[float], whole: float) -> list[float]:
    total = sum(weights) or 1.0
    return [whole * weight / total for weight in weights]


def _bounds(conditions: Iterable[Condition]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Bounds of the generator's numbers, both allowed."""
    for asked in conditions:
        name = _FIELDS.get(asked.field, asked.field)
        if name in BOUNDED:
            low = -FAR if asked.start is None else asked.start
            yield name, (low, FAR if asked.stop is None else asked.stop - 1)
