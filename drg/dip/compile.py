"""Catalogue -> CompiledCatalogue: the flat arrays that the kernel matches by, and their names.

Groups stand in the order of their codes, so that the last comparator is a comparison of numbers
(grouper_core/combinations.pxd has the layout).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from drg.dip.compile_codes import Arrays, Diagnoses, Procedures
from drg.dip.compile_scopes import MAX_TERMS, Scopes
from drg.dip.compiled import CompiledCatalogue, DipLeaf
from drg.dip.model import COMPARATORS, Catalogue, Condition, Group, Subtype
from drg.dip.vocabulary import Vocabulary
from drg.errors import TableError
from drg.schemes.crosswalk import Crosswalk, Kind

__all__ = ["compile_catalogue"]

_REASONS = (
    *("", "E120", "U201", "U211", "U212", "U213", "U214", "U215"),
    *("N430", "N434", "N435", "N431", "N432", "N401", "N402", "N433", "N403"),
)
#: Leaves without a group; a leaf's number is its reason's place here.
_FAILURES = ("E120", "U201", "U211", "U212", "U213", "U214", "U215")
#: Classes whose groups without terms are for claims without procedures.
_QUIET_CLASSES = ("core", "primary")
_NOWHERE = 255
_ALL_KINDS = 2**32 - 1
_LEAST, _MOST = -(2**63), 2**63 - 1
#: What the kernel holds.
_MAX_CLASSES, _MAX_KINDS, _MAX_TYPES, _MAX_BITS, _MAX_TIERS = 65_535, 32, 31, 64, 254
_MAX_GROUPS = 2**19 - 1


def compile_catalogue(
    catalogue: Catalogue, crosswalks: Mapping[Kind, Crosswalk] | None = None
) -> CompiledCatalogue:
    """Compile a catalogue.

    Parameters
    ----------
    catalogue : Catalogue
    crosswalks : mapping of {"dx", "px"} to Crosswalk, optional
        Claims come in the clinical edition of the codes.

    Raises
    ------
    TableError
        T124: more groups, conditions, types, kinds, terms or classes than the kernel holds.
    """
    return _Compiler(catalogue, crosswalks or {}).run()


class _Compiler:
    def __init__(self, catalogue: Catalogue, crosswalks: Mapping[Kind, Crosswalk]) -> None:
        self.catalogue = catalogue
        self.matching = catalogue.matching
        self.groups = sorted(catalogue.groups, key=lambda group: group.code)
        self.types = [catalogue.type_of(group) for group in self.groups]
        vocabulary = Vocabulary(catalogue)
        self._check()
        self.dx = Diagnoses(catalogue, vocabulary, crosswalks.get("dx"))
        self.px = Procedures(catalogue, vocabulary, crosswalks.get("px"))
        self._limit("dx classes", self.dx.size, _MAX_CLASSES)
        self._limit("px classes", self.px.size, _MAX_CLASSES)
        self.twins = {"dx": self.dx.twins, "px": self.px.twins} if crosswalks else {}
        self.bit = {condition.name: n for n, condition in enumerate(catalogue.conditions)}

    def run(self) -> CompiledCatalogue:
        leaves = [DipLeaf(None, None, None, _outcome(r), r) for r in _FAILURES]
        arrays: Arrays = {
            **self._groups(),
            **self._auxiliary(leaves),
            **self._conditions(),
            **self._codes(),
        }
        arrays["leaf_reason"] = np.array(
            [_REASONS.index(leaf.reason or "") for leaf in leaves], np.uint16
        )
        names = [name for name in self.matching.comparators if name != "group_code"]
        arrays["comparators"] = np.array([COMPARATORS.index(name) for name in names], np.uint8)
        kinds = self.matching.kinds
        reasons = {name: n for n, name in enumerate(_REASONS)}
        settings = {
            "normalise": int(self.catalogue.normalise_codes),
            "quiet": _bits(n for n, kind in enumerate(kinds) if kind in self.matching.quiet),
            "last_kind": len(kinds) - 1,
            "highest": int(self.matching.ruling == "highest"),
            "all_terms": int(self.matching.related == "all"),
            "outer": _bits(n for n, c in enumerate(self.catalogue.conditions) if _is_outer(c)),
            "missing_leaf": _FAILURES.index("U214"),
            "reason_cost": reasons["N430"],
            "reason_untold": reasons["N434"],
            "reason_costless": reasons["N435"],
            "reason_open": reasons["N431"],
            "reason_unknown_dx": reasons["N401"],
            "reason_unknown_px": reasons["N402"],
            "reason_category": reasons["N433"],
            "reason_normalised": reasons["N403"],
        }
        for array in arrays.values():
            array.flags.writeable = False
        return CompiledCatalogue(
            self.catalogue.id,
            self.catalogue.digest,
            arrays,
            settings,
            json.dumps(leaves, ensure_ascii=False).encode(),
            _REASONS,
            (None, *names, "group_code"),
            self.catalogue.conditions,
            self.twins,
        )

    def _check(self) -> None:
        terms = max((len(group.terms) for group in self.groups), default=0)
        for what, found, limit in (
            ("groups", len(self.groups), _MAX_GROUPS),
            ("conditions", len(self.catalogue.conditions), _MAX_BITS),
            ("comorbidities", len(self.catalogue.comorbidities), _MAX_BITS),
            ("auxiliary types", len({c.type for c in self.catalogue.classes}), _MAX_TYPES),
            ("kinds", len(self.matching.kinds), _MAX_KINDS),
            ("tiers", len(self.matching.tiers), _MAX_TIERS),
            ("terms", terms, MAX_TERMS),
        ):
            self._limit(what, found, limit)

    def _limit(self, what: str, found: int, limit: int) -> None:
        if found > limit:
            raise TableError("T124", where=self.catalogue.id, what=what, found=found, limit=limit)

    def _groups(self) -> Arrays:
        """What a group asks for, and what comparators ask about it."""
        tiers = _places(self.matching.tiers)
        ranks = _places([[name] for name in self.matching.type_order])
        last = len(self.matching.type_order)
        names = [(t, g.group_class) for t, g in zip(self.types, self.groups, strict=True)]
        score = [-1 if g.score_e4 is None else g.score_e4 for g in self.groups]
        mean = [-1 if g.mean_fen is None else g.mean_fen for g in self.groups]
        return {
            "group_tier": np.array([_least(tiers, n, _NOWHERE) for n in names], np.uint8),
            "group_rank": np.array([_least(ranks, n, last) for n in names], np.uint16),
            "group_terms": np.array([len(g.terms) for g in self.groups], np.uint8),
            "group_quiet": np.array([_is_quiet(g) for g in self.groups], np.uint8),
            "group_kinds": np.array([self._kinds(g) for g in self.groups], np.uint32),
            "group_conditions": np.array(
                [self._word(g.conditions) for g in self.groups], np.uint64
            ),
            "group_score": np.array(score, np.int64),
            "group_mean": np.array(mean, np.int64),
        }

    def _kinds(self, group: Group) -> int:
        """Ruling kinds that the group takes."""
        if group.terms or not group.attribute:
            return _ALL_KINDS
        wanted = self.matching.attributes[group.attribute]
        return _bits(n for n, kind in enumerate(self.matching.kinds) if kind in wanted)

    def _word(self, conditions: Sequence[str]) -> int:
        return _bits(self.bit[name] for name in conditions)

    def _auxiliary(self, leaves: list[DipLeaf]) -> Arrays:
        """Types in the order asked, then subtypes of each group, the best score first."""
        names = list(dict.fromkeys(c.type for c in self.catalogue.classes))
        classes = [c for name in names for c in self.catalogue.classes if c.type == name]
        subtypes = {s: n for n, s in enumerate(dict.fromkeys(c.subtype for c in classes))}
        type_of = {c.subtype: names.index(c.type) for c in classes}
        sizes = [sum(c.type == name for c in classes) for name in names]
        own: defaultdict[str, list[Subtype]] = defaultdict(list)
        for subtype in self.catalogue.subtypes:
            own[subtype.group].append(subtype)
        rows: list[tuple[int, int, int]] = []
        base, notes, ends = [], [], [0]
        for group, type_name in zip(self.groups, self.types, strict=True):
            listed = own.get(group.code, [])
            first = len(leaves) + (group.score_e4 is not None)
            if group.score_e4 is not None:
                leaves.append(_leaf(group, type_name))
            leaves += [_leaf(group, type_name, subtype) for subtype in listed]
            leaf, note = self._unlisted(group, listed, first)
            base.append(leaf)
            notes.append(note)
            # A subtype that no class names is of an empty type, which comes last.
            rows += [
                (type_of.get(s.subtype, len(names)), subtypes.get(s.subtype, 0), first + n)
                for n, s in sorted(enumerate(listed), key=lambda pair: -pair[1].score_e4)
            ]
            ends.append(len(rows))
        return {
            "group_leaf": np.array(base, np.uint32),
            "group_note": np.array(notes, np.uint16),
            "group_subtypes": np.array(ends, np.uint32),
            "sub_type": np.array([row[0] for row in rows], np.uint8),
            "sub_class": np.array([row[1] for row in rows], np.uint16),
            "sub_leaf": np.array([row[2] for row in rows], np.uint32),
            "type_start": np.cumsum([0, *sizes, 0]).astype(np.uint32),
            "class_conditions": np.array([self._word(c.conditions) for c in classes], np.uint64),
            "class_subtype": np.array([subtypes[c.subtype] for c in classes], np.uint16),
        }

    def _unlisted(self, group: Group, listed: Sequence[Subtype], first: int) -> tuple[int, int]:
        """Leaf and note of a claim that no listed subtype is for."""
        if group.score_e4 is not None:
            return first - 1, 0
        if not listed or self.matching.unlisted == "none":
            return _FAILURES.index("U215"), 0
        lowest = min(range(len(listed)), key=lambda n: listed[n].score_e4)
        return first + lowest, _REASONS.index("N432")

    def _conditions(self) -> Arrays:
        """Conditions that the kernel tests itself, beside those of secondary diagnoses."""
        conditions, comorbidities = self.catalogue.conditions, self.catalogue.comorbidities
        cci = [(n, c) for n, c in enumerate(conditions) if c.cci]
        costs = [(n, c) for n, c in enumerate(conditions) if _multiple(c) is not None]
        bounds = [
            (_LEAST if c.start is None else c.start, _MOST if c.stop is None else c.stop)
            for _, c in cci
        ]
        least = [
            -1 if g.mean_fen is None else min(_MOST, math.ceil((_multiple(c) or 0) * g.mean_fen))
            for g in self.groups
            for _, c in costs
        ]
        return {
            "weights": np.array([c.weight for c in comorbidities], np.int32),
            "replaced": np.array(
                [
                    _bits(n for n, other in enumerate(comorbidities) if other.name == c.replaces)
                    for c in comorbidities
                ],
                np.uint64,
            ),
            "cci_bit": np.array([n for n, _ in cci], np.uint8),
            "cci_bounds": np.array(bounds, np.int64).ravel(),
            "cost_bit": np.array([n for n, _ in costs], np.uint8),
            "cost_least": np.array(least, np.int64),
        }

    def _codes(self) -> Arrays:
        """Codes, what they can reach, and why a claim has no group."""
        tiers = _places(self.matching.tiers)
        reachable = [
            (n, group)
            for n, group in enumerate(self.groups)
            if _least(tiers, (self.types[n], group.group_class), _NOWHERE) != _NOWHERE
        ]
        scopes = Scopes(reachable, self.px)
        of_node = np.array([scopes.of_node(*node) for node in self.dx.nodes], np.uint32)
        failed = [_FAILURES.index(scopes.failure(*node)) for node in self.dx.nodes]
        failed = [_FAILURES.index("E120"), _FAILURES.index("U201"), *failed]
        return {
            **self.dx.arrays(of_node.reshape(-1, 3), np.array(failed, np.uint32)),
            **self.px.arrays(),
            **scopes.arrays(),
        }


def _outcome(reason: str) -> str:
    return "REJECTED" if reason.startswith("E") else "UNGROUPABLE"


def _leaf(group: Group, type_name: str, subtype: Subtype | None = None) -> DipLeaf:
    name = group.name
    if subtype is None:
        return DipLeaf(
            group.code, group.code, name, "GROUPED", None, type_name, None, group.score_e4
        )
    code = f"{group.code}_{subtype.subtype}"
    return DipLeaf(
        group.code, code, name, "GROUPED", None, type_name, subtype.subtype, subtype.score_e4
    )


def _is_quiet(group: Group) -> bool:
    """Whether the group is for claims without a procedure that counts."""
    return not group.terms and not group.attribute and group.group_class in _QUIET_CLASSES


def _is_outer(condition: Condition) -> bool:
    """Whether the caller answers a condition, from the claim's other columns."""
    return not condition.cci and not condition.secondary and condition.cost_multiple is None


def _multiple(condition: Condition) -> Fraction | None:
    """The multiple of the group's mean cost that a condition asks for, if it does."""
    return None if condition.cci or condition.secondary else condition.cost_multiple


def _places(lists: Sequence[Sequence[str]]) -> dict[str, int]:
    """The first list each name stands in."""
    return {name: n for n, names in reversed([*enumerate(lists)]) for name in names}


def _least(places: Mapping[str, int], names: Sequence[str], default: int) -> int:
    return min((places[name] for name in names if name in places), default=default)


def _bits(places: Iterable[int]) -> int:
    return sum(1 << n for n in set(places))
