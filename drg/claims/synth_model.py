"""A scheme's plans, pools and parameters as flat arrays, ready for the drawing code.

Relative weights are SYNTHETIC: a median by kind of ADRG, spread by a number that depends on the
ADRG's code alone, times a factor of the severity level its DRG needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.claims import synth_rules
from drg.claims.synth_codes import Codes, Fits, Pools, needed_sex
from drg.claims.synth_plan import MOST_FURTHER, MOST_NEEDED, Plan, Planner, SchemeLike
from drg.claims.synth_tables import KINDS, Floats, Parameters, normal_of

Ints = npt.NDArray[np.int64]

#: Number fields that a plan may bound, in the order of ``Model.low`` and ``Model.high``.
BOUNDED = ("age", "age_days", "weight", "admission_weight", "los", "icu_hours", "ventilation_hours")
#: Classes of patient that share pools of further diagnoses.
CLASSES = ("adult", "child", "newborn", "pregnant")
ADULT, CHILD, NEWBORN, PREGNANT = range(4)
LEVELS = ("NONE", "CC", "MCC")


@dataclass(frozen=True, slots=True)
class Model:
    """Arrays indexed by code id, pool, plan (P of them), MDC row or hospital (H)."""

    settings: dict[str, Any]
    code_texts: list[str]
    diagnoses: int
    fits: Fits
    # by diagnosis id
    level: npt.NDArray[np.int8]
    table: npt.NDArray[np.int32]
    principal_table: npt.NDArray[np.int32]
    # by pool
    flat: npt.NDArray[np.int32]
    offset: Ints
    size: Ints
    without: Ints  # (3, pools): less what never stands first, female codes, male codes
    # by plan
    adrg: list[str]  # "" for none
    mdc: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int8]
    principal: Ints
    procedures: Ints  # (P, most that a plan needs), -1 for none
    further: Ints  # (P, MOST_FURTHER), -1 for none
    low: Ints  # (P, len(BOUNDED))
    high: Ints
    plan_sex: npt.NDArray[np.int8]
    weight: Floats  # (P, len(LEVELS))
    patient: npt.NDArray[np.int8]
    ward: Ints  # (P, 3): first of the plan's wards, how many, the children's or -1
    related: Ints
    fixed: list[tuple[str, Ints]]  # field, (P,) place in ``choices`` or -1
    choices: dict[str, list[str]]
    # by hospital
    plan_at: Floats  # (H * P,) running shares, hospital h from h to h + 1
    hospital_at: Floats
    hospital: dict[str, Floats]
    hospital_ids: list[str]
    # by row of the case mix
    female: Floats
    ages: Floats  # (MDC rows, 5)
    mean_diagnoses: Floats
    wards: list[str]
    # pools of further diagnoses: by class; by exclusion table
    common: Ints
    severe: Ints  # (2, classes): CC, MCC
    void: Ints
    ancillary: Ints  # by plan: pool of further procedures
    sex_bound: tuple[int, int]  # pools of male, of female principal diagnoses
    defects: tuple[tuple[str, ...], Floats]
    junk: list[str]  # texts of unknown codes, ids from len(code_texts) on
    twice: bool = False  # a pool needed twice: one procedure done twice, not two of them

    @property
    def empty_id(self) -> int:
        """Id of the empty code, behind the unknown ones."""
        return len(self.code_texts) + len(self.junk)


def build_model(scheme: SchemeLike, hospitals: int, parameters: Parameters) -> Model:
    """Everything that the blocks of one run draw from; takes about a second for a full scheme."""
    settings = parameters.settings
    codes, pools = Codes(scheme, parameters), Pools()
    planner = Planner(scheme, codes, pools, parameters)
    plans = planner.plans()
    if not plans:
        raise ValueError("the scheme has no ADRG that a claim could reach")
    junk = [c for c in settings["defect"]["unknown_codes"] if c not in codes.dx_id]
    tables = {t: n + 1 for n, t in enumerate(sorted({*scheme.exclusion.values()}))}
    severity = [scheme.severity.get(c) for c in codes.dx]
    level = np.array(
        [LEVELS.index(s[0].partition("+")[0]) if s else 0 for s in severity], dtype=np.int8
    )
    table = np.array([tables.get(s[1], 0) if s else 0 for s in severity], dtype=np.int32)
    own_table = np.array(
        [tables.get(scheme.exclusion.get(c, ""), 0) for c in codes.dx], dtype=np.int32
    )
    rows = list(planner.mix.values())
    row_of = {r["mdc"]: n for n, r in enumerate(rows)}
    mdc = np.array([row_of.get(p.mdc, 0) for p in plans], dtype=np.int64)
    further = _Further(planner, level, table, len(tables))
    wards, ward = wards_of(rows, plans, mdc)
    choices, fixed = choices_of(plans)
    hospital_ids, hospital_at, features = hospitals_of(hospitals, parameters)
    male, female = (
        scheme.code_sets.get("MDCM", frozenset()),
        scheme.code_sets.get("MDCN", frozenset()),
    )
    sex_bound = (
        pools.add(codes.diagnoses(male - female - planner.sought)),
        pools.add(codes.diagnoses(female - male - planner.sought)),
    )
    ancillary = pools.add(codes.procedures(_ancillary(scheme, planner)))
    common, severe, void = further.by_class(), further.severe(), further.void()
    by_mdc = {m: further.related(m) for m in sorted({p.mdc for p in plans})}
    related = np.array([by_mdc[p.mdc] for p in plans], dtype=np.int64)
    principal = np.array([p.principal for p in plans], dtype=np.int64)
    procedures = padded([p.procedures for p in plans], MOST_NEEDED)
    told = [{"male": 1, "female": 2}.get(p.choices.get("sex", ""), 0) for p in plans]
    without = codes.without(pools)
    flat, offset, size = pools.flat()
    bounds = [
        [p.bounds.get(f, (-synth_rules.FAR, synth_rules.FAR)) for f in BOUNDED] for p in plans
    ]
    limits = np.array(bounds, dtype=np.int64).reshape(len(plans), len(BOUNDED), 2)
    return Model(
        settings=settings,
        code_texts=codes.dx + codes.px,
        diagnoses=len(codes.dx),
        fits=codes.fits(),
        level=level,
        table=table,
        principal_table=own_table,
        flat=flat,
        offset=offset,
        size=size,
        without=without,
        adrg=[p.adrg.adrg if p.adrg else "" for p in plans],
        mdc=mdc,
        kind=np.array([KINDS.index(p.kind) for p in plans], dtype=np.int8),
        principal=principal,
        procedures=procedures,
        further=padded([p.diagnoses for p in plans], MOST_FURTHER),
        low=limits[:, :, 0].copy(),
        high=limits[:, :, 1].copy(),
        plan_sex=needed_sex(np.array(told, dtype=np.int8), without, principal, procedures),
        weight=np.array(
            [
                _weights(scheme, p, rows[m]["weight"], settings["weight"])
                for p, m in zip(plans, mdc, strict=True)
            ]
        ),
        patient=np.array(
            [
                _patient(rows[m]["patient"] if p.mdc else "")
                for p, m in zip(plans, mdc, strict=True)
            ],
            dtype=np.int8,
        ),
        ward=ward,
        related=related,
        fixed=fixed,
        choices=choices,
        plan_at=plans_by_hospital(plans, features, hospital_ids, settings["mix"]["hospital_sigma"]),
        hospital_at=hospital_at,
        hospital=features,
        hospital_ids=hospital_ids,
        female=np.array([r["female"] for r in rows], dtype=np.float64),
        ages=np.array([[int(a) for a in r["age"].split("|")] for r in rows], dtype=np.float64),
        mean_diagnoses=np.array([r["diagnoses"] for r in rows], dtype=np.float64),
        wards=wards,
        common=common,
        severe=severe,
        void=void,
        ancillary=np.full(len(plans), ancillary),
        sex_bound=sex_bound,
        defects=defects_of(parameters, min(sex_bound) >= 0, bool(junk)),
        junk=junk,
    )


def _ancillary(scheme: SchemeLike, planner: Planner) -> frozenset[str]:
    """Procedures that no rule names: imaging, monitoring, infusions where the list has them."""
    free = scheme.known_px - planner.ruled_px - scheme.code_sets.get("VALID", frozenset())
    codes = planner.codes
    usual = {c for c, v in zip(codes.px, codes.procedure, strict=True) if v > 0}
    return free & usual or free


def padded(rows: Sequence[tuple[int, ...]], width: int) -> Ints:
    """Rows of pools as a matrix, -1 where a row has no more."""
    return np.array([(*r, *(-1,) * (width - len(r))) for r in rows], dtype=np.int64)


def _patient(name: str) -> int:
    return CLASSES.index(name) if name else ADULT


def _weights(
    scheme: SchemeLike, plan: Plan, factor: float, settings: dict[str, Any]
) -> list[float]:
    """Relative weight without, with a CC, with an MCC; equal where the ADRG does not tell them."""
    median, sigma = settings[plan.kind]
    base = median * factor * math.exp(sigma * normal_of(plan.adrg.adrg if plan.adrg else plan.kind))
    groups = [_group(scheme, plan, level) for level in LEVELS]
    weights = [base]
    for n, level in ((1, "cc"), (2, "mcc")):
        same = groups[n] == groups[n - 1]
        weights.append(weights[-1] if same else base * settings[level])
    return weights


def _group(scheme: SchemeLike, plan: Plan, level: str) -> str:
    for test in scheme.drgs_of(plan.adrg) if plan.adrg else ():
        if synth_rules.truth(test.rule, level == "MCC", level == "CC"):
            return test.drg
    return ""


def wards_of(
    rows: Sequence[dict[str, Any]], plans: Sequence[Plan], mdc: Ints
) -> tuple[list[str], Ints]:
    """All ward names end to end; for each plan where its own begin, how many, and the children's.

    Without a children's ward, and for operations, children lie with the others (-1).
    """
    names: list[str] = []
    places: dict[tuple[int, str], tuple[int, int]] = {}
    for n, row in enumerate(rows):
        for column in ("ward_medical", "ward_surgical", "ward_child"):
            own = [w for w in (row[column] or "").split("|") if w]
            places[n, column] = (len(names), len(own))
            names.extend(own)
    ward = []
    for n, plan in zip(mdc.tolist(), plans, strict=True):
        operated = plan.kind in ("surgical", "ambiguous")
        child, some = places[n, "ward_child"]
        first = places[n, "ward_surgical" if operated else "ward_medical"]
        ward.append((*first, child if some and not operated else -1))
    return names, np.array(ward, dtype=np.int64)


def choices_of(plans: Sequence[Plan]) -> tuple[dict[str, list[str]], list[tuple[str, Ints]]]:
    """Texts that rules ask of department, insurance and disposition, and which plan wants which."""
    texts: dict[str, list[str]] = {}
    fixed = []
    for name in ("department", "insurance", "disposition"):
        wanted = [p.choices.get(name) for p in plans]
        texts[name] = sorted({w for w in wanted if w is not None})
        if texts[name]:
            places = [texts[name].index(w) if w is not None else -1 for w in wanted]
            fixed.append((name, np.array(places, dtype=np.int64)))
    return texts, fixed


def hospital_levels(hospitals: int, parameters: Parameters) -> list[str]:
    """Level of each hospital, the largest first; every level occurs when there are three."""
    shares = dict(parameters.hospital.select("level", "share").reverse().iter_rows())
    names = list(shares)
    counts = {n: max(1, round(shares[n] * hospitals)) for n in names}
    levels = [n for n in names for _ in range(counts[n])]
    return (levels + [names[-1]] * hospitals)[:hospitals]


def hospitals_of(
    hospitals: int, parameters: Parameters
) -> tuple[list[str], Floats, dict[str, Floats]]:
    """Ids, running shares of claims, and features of the hospitals, the largest first."""
    rows = {r["level"]: r for r in parameters.hospital.iter_rows(named=True)}
    levels = hospital_levels(hospitals, parameters)
    names = [f"H{n + 1:04d}" for n in range(hospitals)]
    features = {
        column: np.array([rows[level][column] for level in levels], dtype=np.float64)
        for column in ("surgical", "procedure", "severity", "stay", "cost")
    }
    claims = [
        rows[v]["claims"] * math.exp(0.4 * normal_of(n)) for n, v in zip(names, levels, strict=True)
    ]
    return names, _running(np.array(claims)), features


def _running(weights: Floats) -> Floats:
    """Running shares that end at exactly 1, so that no draw falls behind the last one."""
    sums = np.cumsum(weights)
    sums /= sums[-1]
    sums[-1] = 1.0
    return sums


def plans_by_hospital(
    plans: Sequence[Plan], features: dict[str, Floats], names: list[str], sigma: float
) -> Floats:
    """Running shares of the plans at each hospital, every one with its own leaning."""
    share = np.array([p.share for p in plans], dtype=np.float64)
    mdcs = sorted({p.mdc for p in plans})
    at = np.array([mdcs.index(p.mdc) for p in plans], dtype=np.int64)
    is_kind = {k: np.array([p.kind == k for p in plans]) for k in ("surgical", "procedure")}
    rows = []
    for n, name in enumerate(names):
        tilt = np.array([math.exp(sigma * normal_of(f"{name} {m}")) for m in mdcs])
        weights = share * tilt[at]
        for kind, mask in is_kind.items():
            weights[mask] *= features[kind][n]
        rows.append(n + _running(weights))
    return np.concatenate(rows)


def defects_of(
    parameters: Parameters, sex_bound: bool, junk: bool
) -> tuple[tuple[str, ...], Floats]:
    """Kinds of defect that these claims can carry, and their running shares."""
    rows = parameters.defect.sort("defect").rows()
    kept = [
        (n, s)
        for n, s in rows
        if (sex_bound or n != "sex_conflict") and (junk or n != "unknown_code")
    ]
    return tuple(n for n, _ in kept), _running(np.array([s for _, s in kept], dtype=np.float64))


class _Further:
    """Pools of secondary diagnoses: codes that change no rule's answer but the severity."""

    def __init__(
        self,
        planner: Planner,
        level: npt.NDArray[np.int8],
        table: npt.NDArray[np.int32],
        tables: int,
    ) -> None:
        self.planner, self.codes, self.add = planner, planner.codes, planner.pools.add
        self.tables, self.level, self.table = tables, level, table
        dx = self.codes.dx
        self.levels = [
            frozenset(c for c, v in zip(dx, level, strict=True) if v == n) for n in range(3)
        ]
        known = frozenset(dx) - planner.sought
        self.free = known - planner.bound
        patient = {m: r["patient"] for m, r in planner.mix.items()}
        self.own = {
            name: frozenset().union(*(planner.mdc_list(m) for m, p in patient.items() if p == name))
            & known
            & planner.bound
            for name in ("newborn", "pregnant")
        }

    def by_class(self) -> Ints:
        """Pool of plain further diagnoses of each class of patient."""
        codes = self.codes
        usual = [c for c in self.free & self.levels[0] if codes.secondary[codes.dx_id[c]] > 0]
        common = frozenset(usual) or self.free & self.levels[0]
        young = frozenset(c for c in common if codes.age_low[codes.dx_id[c]] <= 6) or common
        pools = (common, young, self._plain("newborn") or young, self._plain("pregnant") or common)
        return np.array([self._pool(p) for p in pools], dtype=np.int64)

    def severe(self) -> Ints:
        """Pools of CC and of MCC for each class of patient."""
        made = np.zeros((2, len(CLASSES)), dtype=np.int64)
        for n in (1, 2):
            adult = self.free & self.levels[n]
            young = (
                frozenset(c for c in adult if self.codes.age_low[self.codes.dx_id[c]] <= 6) or adult
            )
            newborn = self.own["newborn"] & self.levels[n] or young
            pregnant = (self.own["pregnant"] | adult) & self.levels[n]
            made[n - 1] = [self._pool(p) for p in (adult, young, newborn, pregnant)]
        return made

    def void(self) -> Ints:
        """By exclusion table: the CC and MCC that a principal diagnosis of this table voids."""
        members: dict[int, list[str]] = {}
        for code, table in zip(self.codes.dx, self.table.tolist(), strict=True):
            if table and code in self.free:
                members.setdefault(table, []).append(code)
        return np.array(
            [self._pool(members.get(t, ())) for t in range(self.tables + 1)], dtype=np.int64
        )

    def related(self, mdc: str) -> int:
        """Pool of plain further diagnoses from the MDC's own list."""
        own = self.planner.mdc_list(mdc) & self.levels[0] - self.planner.sought
        return self._pool(own if own <= self.planner.bound else own - self.planner.bound)

    def _plain(self, name: str) -> frozenset[str]:
        return self.own[name] & self.levels[0]

    def _pool(self, codes: Any) -> int:
        return self.add(self.codes.diagnoses(codes, principal=False))
