"""Random DIP catalogues and claims: every comparator, tier, condition and junk code among them.

Everything hangs on one seed: hypothesis draws it, and a failure names it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
from strategies import JUNK, UNREADABLE, misspellings

from drg.claims.frame import schema
from drg.claims.model import Claim
from drg.dip.catalogue import CatalogueLocation
from drg.dip.compile import compile_catalogue
from drg.dip.grouper import DipGrouper
from drg.dip.model import (
    COMPARATORS,
    FIELDS,
    GROUP_CLASSES,
    KINDS,
    AuxiliaryClass,
    Catalogue,
    Comorbidity,
    Condition,
    Group,
    Matching,
    Subtype,
)

DX = (
    "A00.000", "A00.900x001", "C34.100", "C34.900x001", "C78.000", "E10.300x051+H42.0*", "I10.x00",
    "I10.x00x002", "I50.900", "K80.100", "K80.101", "K80.200x001", "N18.000", "N40.x00", "P07.100",
    "X67.000", "X67.x00",
)  # fmt: skip
PX = (
    "00.6600x004", "17.912A0", "36.0700x004", "47.0100", "47.0901", "51.2300", "51.8700",
    "51.8800", "51.8800x001", "88.5500", "88.5600", "99.2500",
)  # fmt: skip
SHORT = ("K80.1", "K80", "N40", "N40.x", "n40.X", "I10", "X67", "X67.x", "C34", "E10.3", "Z99")
#: Procedures that only catalogues name, and prefixes.
OWN_PX, PREFIXES = ("99.9901", "88.55xx"), ("51.8*", "47.0*", "51.2300*", "88*")
DIAGNOSES = (
    "K80.1", "K80", "K80.2", "N40.X", "n40.x", "I10", "C34", "C34.1", "X67", "X67.x", "A00-B99",
    "C00-D48", "K00-N99", "E10.3",
)  # fmt: skip
_SCALARS = ("age", "age_days", "los_days", "icu_hours", "birth_weight_g", "admission_weight_g")


def random_catalogue(seed: int) -> Catalogue:
    """A small catalogue that the seed decides."""
    rnd = random.Random(seed)
    conditions = tuple(_condition(rnd, f"c{n}") for n in range(rnd.randrange(9)))
    names = [condition.name for condition in conditions]
    groups = _groups(rnd, names)
    types = [f"t{n}" for n in range(rnd.randrange(4))]
    classes = tuple(
        AuxiliaryClass(t, f"{t}_{n}", "", "", _some(rnd, names, 2))
        for t in types
        for n in range(rnd.randrange(1, 4))
    )
    listed = [c.subtype for c in classes] + ["unclassed0"]
    subtypes = tuple(
        Subtype(group.code, subtype, rnd.randrange(1, 5))
        for group in groups
        if group.score_e4 is None or rnd.random() < 0.4
        for subtype in _some(rnd, listed, 4)
    )
    comorbidities = tuple(
        Comorbidity(
            f"m{n}", rnd.randrange(4), tuple(rnd.choices((*DIAGNOSES, *DX, "I1"), k=2)),
            rnd.choice(("", f"m{n - 1}", f"m{n + 1}")),
        )
        for n in range(rnd.randrange(4))
    )  # fmt: skip
    return Catalogue(
        "random", f"{seed:064d}", "随机", "random", groups, subtypes, classes, conditions,
        comorbidities, {code: rnd.choice(KINDS) for code in PX if rnd.random() < 0.9},
        _matching(rnd), dict.fromkeys(DX, "病"), dict.fromkeys(PX, "术"),
        default_kind=rnd.choice(KINDS), derived=frozenset(rnd.sample(PX, 3)),
        normalise_codes=rnd.random() < 0.8,
    )  # fmt: skip


def _groups(rnd: random.Random, conditions: Sequence[str]) -> tuple[Group, ...]:
    groups = []
    for n in range(rnd.randrange(1, 22)):
        terms: tuple[tuple[str, ...], ...] = ()
        attribute = ""
        shape = rnd.random()
        if shape < 0.55:
            pool = (*PX, *PX, *OWN_PX, *PREFIXES, "51.8800X001", "５1.2300")
            terms = tuple(
                tuple(rnd.sample(pool, rnd.choice((1, 1, 1, 2, 3))))
                for _ in range(rnd.choice((1, 1, 2, 2, 3)))
            )
            if rnd.random() < 0.2:
                terms += (rnd.choice(terms),) * rnd.choice((1, 1, 2))
        elif shape < 0.8:
            attribute = rnd.choice(("SS", "ZLXCZ", "ZDXCZ", "BSZL"))
        groups.append(
            Group(
                f"g{rnd.randrange(100):02d}.{n}",
                rnd.choice(GROUP_CLASSES),
                tuple(rnd.sample(DIAGNOSES, rnd.choice((0, 1, 1, 1, 1, 2, 3)))),
                terms,
                attribute,
                _some(rnd, conditions, 1) if rnd.random() < 0.25 else (),
                f"组{n}",
                rnd.choice((None, 1, 2, 3)),
                rnd.choice((None, 100, 100, 200, 250)),
            )
        )
    return tuple(groups)


def _matching(rnd: random.Random) -> Matching:
    types = [f"{c}.{k}" for c in GROUP_CLASSES for k in KINDS] + list(GROUP_CLASSES) * 2
    tiers = tuple(
        tuple(rnd.sample(types, rnd.randrange(1, 14))) for _ in range(rnd.randrange(1, 5))
    )
    if rnd.random() < 0.7:
        tiers = (*tiers, GROUP_CLASSES)
    return Matching(
        tiers,
        tuple(rnd.sample(COMPARATORS, rnd.randrange(len(COMPARATORS) + 1))),
        tuple(rnd.sample(types, rnd.randrange(6))),
        rnd.choice(("all", "all", "most")),  # type: ignore[arg-type]
        rnd.choice(("principal", "highest")),  # type: ignore[arg-type]
        frozenset(rnd.sample(KINDS, rnd.randrange(3))),
        tuple(rnd.sample(KINDS, 4)) if rnd.random() < 0.3 else KINDS,
        unlisted=rnd.choice(("lowest", "none")),  # type: ignore[arg-type]
    )


def _condition(rnd: random.Random, name: str) -> Condition:
    bounds: dict[str, Any] = {"start": rnd.randrange(4), "stop": rnd.randrange(2, 7)}
    if rnd.random() < 0.5:
        bounds.pop(rnd.choice(("start", "stop")))
    match rnd.randrange(6):
        case 0 | 1:
            return Condition(name, field=rnd.choice(FIELDS), **bounds)
        case 2:
            values = tuple(rnd.sample(("1", "4", "5", "9"), 2))
            return Condition(name, field="disposition", values=values)
        case 3:
            codes = tuple(rnd.choices((*DIAGNOSES, *DX, "I1", "K80.10*"), k=2))
            return Condition(name, secondary=codes, other_category=rnd.random() < 0.5)
        case 4:
            return Condition(name, cci=True, **bounds)
        case _:
            if rnd.random() < 0.2:
                return Condition(name, share_of="drug_cost", share=Fraction(1, 2))
            return Condition(name, cost_multiple=rnd.choice((Fraction(1), Fraction(5, 2))))


def _some(rnd: random.Random, names: Sequence[str], most: int) -> tuple[str, ...]:
    return tuple(rnd.sample(list(names), rnd.randrange(min(most, len(names)) + 1)))


def random_claim(seed: int, number: int) -> dict[str, Any]:
    """Canonical columns of a claim for ``random_catalogue``."""
    rnd = random.Random(f"{seed}/{number}")
    dx = [rnd.choice((*DX, *DX, *SHORT)) for _ in range(rnd.choice((1, 1, 2, 3, 5)))]
    px = [rnd.choice((*PX, *OWN_PX)) for _ in range(rnd.choice((0, 0, 1, 1, 2, 3, 5)))]
    if px and rnd.random() < 0.2:
        px += rnd.choices(px, k=2)
    numbers = {field: rnd.choice((None, 0, 1, 2, 3, 4, 5, 6, UNREADABLE)) for field in _SCALARS}
    return {
        "claim_id": f"R{number}",
        "diagnoses": spoil(rnd, dx, 0.1),
        "procedures": spoil(rnd, px, 0.1),
        "disposition": rnd.choice((None, "", "1", "4.0", " 5 ", "9", "x")),
        "total_cost": rnd.choice((None, "", "0", "1", "1.5", "2.25", "2.254", "-1", "x", "1e3")),
        **numbers,
    }


def spoil(rnd: random.Random, codes: Sequence[str], share: float) -> list[str]:
    """Some codes misspelt, some junk among them."""
    spoilt = []
    for code in codes:
        if rnd.random() < share:
            spoilt.append(rnd.choice(misspellings(code)))
        else:
            spoilt.append(code)
        if rnd.random() < share / 3:
            spoilt.insert(rnd.randrange(len(spoilt) + 1), rnd.choice(JUNK))
    return spoilt


def grouper_of(catalogue: Catalogue) -> DipGrouper:
    """The grouper of a catalogue in memory, which no folder holds."""
    location = SimpleNamespace(edition="insurance")
    grouper = DipGrouper(cast("CatalogueLocation", location), compile_catalogue(catalogue))
    vars(grouper)["catalogue"] = catalogue
    return grouper


def frame_of(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """A canonical frame of rows of canonical columns."""
    columns = {name: dtype for name, dtype in schema().items() if name in rows[0]}
    return pl.DataFrame(rows, schema=columns)


def claims_of(rows: Sequence[dict[str, Any]]) -> list[Claim]:
    """The same rows one by one."""
    return [Claim.model_validate(row) for row in rows]
