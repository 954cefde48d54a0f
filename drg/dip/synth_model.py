"""A catalogue's plans as the arrays that ``drg.claims.synth_draw`` draws from.

What a claim costs is SYNTHETIC: spread around the group's published mean, or its score's share of
a regional mean where no mean is published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from drg.claims.synth_codes import needed_sex
from drg.claims.synth_model import (
    ADULT,
    BOUNDED,
    CLASSES,
    LEVELS,
    Ints,
    Model,
    choices_of,
    defects_of,
    hospitals_of,
    padded,
    plans_by_hospital,
    wards_of,
)
from drg.claims.synth_plan import MOST_FURTHER, Plan
from drg.claims.synth_tables import KINDS, Floats, Parameters
from drg.dip.errors import DipError
from drg.dip.model import Catalogue, Group, Subtype
from drg.dip.synth_plan import FAR, Planner

__all__ = ["build_model"]

#: First letters of diagnoses that fit newborns or women in childbirth only.
_BOUND = {"P": "newborn", "O": "pregnant"}
#: Patients up to this age have the diagnoses of children.
_YOUNG = 6


def build_model(catalogue: Catalogue, hospitals: int, parameters: Parameters) -> Model:
    """Everything that the blocks of one run draw from.

    Parameters
    ----------
    catalogue : Catalogue
        Real rules; what is drawn are patients that do not exist.
    hospitals : int
        Number of hospitals.
    parameters : Parameters
        ``tables/demo``.

    Raises
    ------
    DipError
        D460: no group that a claim with national codes could reach.
    """
    planner = Planner(catalogue, parameters)
    ways = planner.ways()
    if not any(way.group for way in ways):
        raise DipError("D460", where=catalogue.id)
    plans = [way.plan for way in ways]
    codes, pools = planner.codes, planner.pools
    rows = list(planner.mix.values())
    row_of = {row["mdc"]: n for n, row in enumerate(rows)}
    mdc = np.array([row_of.get(plan.mdc, 0) for plan in plans], dtype=np.int64)
    wards, ward = wards_of(rows, plans, mdc)
    hospital_ids, hospital_at, features = hospitals_of(hospitals, parameters)
    choices, fixed = choices_of(plans)
    settings = _settings(parameters.settings, hospital_at, features["cost"])
    regional = _regional_mean(catalogue, settings)
    by_group: defaultdict[str, list[Subtype]] = defaultdict(list)
    for subtype in catalogue.subtypes:
        by_group[subtype.group].append(subtype)
    further = _Further(planner)
    quiet = further.quiet(catalogue.matching.quiet)
    kind = np.array([KINDS.index(plan.kind) for plan in plans], dtype=np.int8)
    related = {row: further.related(row) for row in sorted({plan.mdc for plan in plans})}
    common, severe = further.by_class(), further.severe()
    male, female = (
        pools.add(np.flatnonzero(codes.sex[: len(codes.dx)] == n).astype(np.int32)) for n in (1, 2)
    )
    junk = [c for c in settings["defect"]["unknown_codes"] if c not in codes.dx_id]
    low, high = _limits(plans)
    most = max(1, *(len(plan.procedures) for plan in plans))
    principal = np.array([plan.principal for plan in plans], dtype=np.int64)
    procedures = padded([plan.procedures for plan in plans], most)
    level = further.level
    without = codes.without(pools)
    flat, offset, size = pools.flat()
    return Model(
        settings=settings,
        code_texts=codes.dx + codes.px,
        diagnoses=len(codes.dx),
        fits=codes.fits(),
        level=level,
        table=np.zeros(len(codes.dx), dtype=np.int32),
        principal_table=np.zeros(len(codes.dx), dtype=np.int32),
        flat=flat,
        offset=offset,
        size=size,
        without=without,
        adrg=[way.group.code if way.group else "" for way in ways],
        mdc=mdc,
        kind=kind,
        principal=principal,
        procedures=procedures,
        further=padded([plan.diagnoses for plan in plans], MOST_FURTHER),
        low=low,
        high=high,
        plan_sex=needed_sex(np.zeros(len(plans), dtype=np.int8), without, principal, procedures),
        weight=np.array([_weights(way.group, by_group, regional) for way in ways], dtype=np.float64)
        / settings["cost"]["yuan"],
        patient=np.array([_patient(rows[n]["patient"]) for n in mdc], dtype=np.int8),
        ward=ward,
        related=np.array([related[plan.mdc] for plan in plans], dtype=np.int64),
        fixed=fixed,
        choices=choices,
        plan_at=plans_by_hospital(plans, features, hospital_ids, settings["mix"]["hospital_sigma"]),
        hospital_at=hospital_at,
        hospital=features,
        hospital_ids=hospital_ids,
        female=np.array([row["female"] for row in rows], dtype=np.float64),
        ages=np.array([[int(a) for a in row["age"].split("|")] for row in rows], dtype=np.float64),
        mean_diagnoses=np.array([row["diagnoses"] for row in rows], dtype=np.float64),
        wards=wards,
        common=common,
        severe=severe,
        void=np.array([-1], dtype=np.int64),
        ancillary=np.full(len(plans), quiet, dtype=np.int64),
        sex_bound=(male, female),
        defects=defects_of(parameters, min(male, female) >= 0, bool(junk)),
        junk=junk,
        twice=True,
    )


def _limits(plans: Sequence[Plan]) -> tuple[Ints, Ints]:
    """Lowest and highest of each bounded number, by plan."""
    free = (-FAR, FAR)
    bounds = [[plan.bounds.get(field, free) for field in BOUNDED] for plan in plans]
    limits = np.array(bounds, dtype=np.int64)
    return limits[:, :, 0].copy(), limits[:, :, 1].copy()


def _patient(name: str) -> int:
    return CLASSES.index(name) if name else ADULT


def _settings(settings: Mapping[str, Any], hospital_at: Floats, factor: Floats) -> dict[str, Any]:
    """The settings with costs that are right on average over all hospitals.

    ``cost.yuan`` is what weight 1 stands for; ``cost.base`` leaves the hospitals' factor out of it.
    Further procedures come from the quiet ones alone.
    """
    claims = np.diff(hospital_at, prepend=0.0)
    yuan = float(settings["cost"]["base"])
    cost = settings["cost"] | {"yuan": yuan, "base": yuan / float((claims * factor).sum())}
    return dict(settings) | {"cost": cost, "procedures": settings["procedures"] | {"own_set": 0.0}}


def _regional_mean(catalogue: Catalogue, settings: Mapping[str, Any]) -> float:
    """Yuan that 1,000 points stand for."""
    score = catalogue.header.get("score")
    told = score.get("regional_mean") if isinstance(score, dict) else None
    return float(Fraction(str(told))) if told else float(settings["dip"]["regional_mean"])


def _weights(
    group: Group | None, subtypes: Mapping[str, Sequence[Subtype]], regional: float
) -> list[float]:
    """Expected yuan without a complication, with one, with a severe one.

    A group with subtypes of its own costs what the cheapest, the middle and the dearest of them
    and itself do.
    """
    if group is None:
        return [regional] * len(LEVELS)
    own = [(group.mean_fen, group.score_e4)]
    own += [(s.mean_fen, s.score_e4) for s in subtypes.get(group.code, ())]
    yuan = sorted(y for mean, score in own if (y := _yuan(mean, score, regional)) > 0)
    if not yuan:
        return [regional] * len(LEVELS)
    return [yuan[0], yuan[len(yuan) // 2], yuan[-1]]


def _yuan(mean_fen: int | None, score_e4: int | None, regional: float) -> float:
    if mean_fen is not None:
        return mean_fen / 100.0
    return 0.0 if score_e4 is None else score_e4 / 1e7 * regional


class _Further:
    """Pools of what stands behind principal codes: companions, comorbidities, quiet procedures."""

    def __init__(self, planner: Planner) -> None:
        self._planner, self._codes = planner, planner.codes
        catalogue = planner.catalogue
        mild = planner.listed({c for m in catalogue.comorbidities for c in m.codes})
        grave = planner.listed({c for a in catalogue.conditions for c in a.secondary})
        #: By diagnosis id: 1 counts for the comorbidity index, 2 is asked for by a condition.
        self.level = np.array(
            [2 if c in grave else int(c in mild) for c in self._codes.dx], dtype=np.int8
        )
        self._free = {n: self._of_level(n) for n in range(3)}
        self._of_row: defaultdict[str, list[str]] = defaultdict(list)
        for code in self._free[0]:
            self._of_row[planner.row_of(code)].append(code)

    def by_class(self) -> Ints:
        """Pool of plain further diagnoses of each class of patient."""
        return self._by_class(0)

    def severe(self) -> Ints:
        """Pools of comorbidities and of what conditions ask for, by class of patient."""
        return np.stack([self._by_class(1), self._by_class(2)])

    def related(self, row: str) -> int:
        """Pool of plain further diagnoses of one row of the case mix."""
        return self._pool(self._of_row[row])

    def quiet(self, kinds: Iterable[str]) -> int:
        """Pool of procedures that change no group; -1 where there are none."""
        none: frozenset[str] = frozenset()
        by_kind = self._planner.by_kind
        free = none.union(*(by_kind.get(kind, none) for kind in kinds)) - self._planner.named
        return self._planner.pools.add(self._codes.procedures(free))

    def _of_level(self, level: int) -> list[str]:
        return [c for c, n in zip(self._codes.dx, self.level.tolist(), strict=True) if n == level]

    def _by_class(self, level: int) -> Ints:
        codes, free = self._codes, self._free[level]
        adult = [c for c in free if c[0] not in _BOUND]
        usual = [c for c in adult if codes.secondary[codes.dx_id[c]] > 0] or adult
        young = [c for c in usual if codes.age_low[codes.dx_id[c]] <= _YOUNG]
        bound = {name: [c for c in free if c[0] == first] for first, name in _BOUND.items()}
        by_name = {"child": young, "newborn": bound["newborn"] or young}
        by_name["pregnant"] = bound["pregnant"] or usual
        pools = [self._pool(by_name.get(name, usual)) for name in CLASSES]
        return np.array(pools, dtype=np.int64)

    def _pool(self, diagnoses: Iterable[str]) -> int:
        return self._planner.pools.add(self._codes.diagnoses(list(diagnoses), principal=False))
