"""Puts defects into a drawn block: each kind is a mistake that a hospital's list can carry."""

from __future__ import annotations

import numpy as np

from drg.claims.synth_draw import FEMALE, MALE, MISSING, Block, Source
from drg.claims.synth_model import Ints, Model
from drg.claims.synth_tables import Bools, Floats

#: Spellings of a code beside the listed one: lower case, a blank before, behind, full width.
SPELLINGS = 4


def put_defects(model: Model, source: Source, block: Block, share: float) -> None:
    """Change ``share`` of the block's claims, kinds by ``tables/demo/defect.csv``.

    Every kind can befall every claim, so the shares hold: an adult "newborn without weight" has
    the age of a newborn typed in. A claim whose predecessor repeats a claim id keeps its own and
    lacks its age instead.
    """
    names, running = model.defects
    place = np.minimum(np.searchsorted(running, source.uniform(), side="right"), len(names) - 1)
    kind = np.where(source.chance(share), place, -1)
    if "duplicate_claim_id" in names and "missing_age" in names:
        repeats = kind == names.index("duplicate_claim_id")
        # The block's first claim has no predecessor here; two repeats in a row would name a third.
        barred = repeats & np.concatenate([[True], repeats[:-1]])
        kind[barred] = names.index("missing_age")
    block.defect[:] = kind
    draws = source.uniform()
    second = source.uniform()
    for number, name in enumerate(names):
        _KINDS[name](model, source, block, kind == number, draws, second)


def _pick(draws: Floats, count: int) -> Ints:
    return (draws * count).astype(np.int64)


def _age_out_of_range(
    model: Model, _s: Source, block: Block, at: Bools, draws: Floats, _d: Floats
) -> None:
    ages = np.array(model.settings["defect"]["age"], dtype=np.int64)
    block.age[at] = ages[_pick(draws, len(ages))][at]
    block.age_days[at] = MISSING


def _date_conflict(_m: Model, _s: Source, block: Block, at: Bools, _u: Floats, _d: Floats) -> None:
    block.admitted[at] = (block.discharged + block.los)[at]


def _duplicate_claim_id(
    _m: Model, _s: Source, block: Block, at: Bools, _u: Floats, _d: Floats
) -> None:
    block.claim[at] -= 1


def _empty_diagnoses(
    _m: Model, _s: Source, block: Block, at: Bools, _u: Floats, _d: Floats
) -> None:
    block.diagnoses[:, at] = -1


def _messy_code(_m: Model, _s: Source, block: Block, at: Bools, draws: Floats, _d: Floats) -> None:
    block.spelling[at] = 1 + _pick(draws, SPELLINGS)[at]


def _missing_age(_m: Model, _s: Source, block: Block, at: Bools, _u: Floats, _d: Floats) -> None:
    block.age[at] = MISSING
    block.age_days[at] = MISSING


def _missing_age_days(
    _m: Model, _s: Source, block: Block, at: Bools, _u: Floats, _d: Floats
) -> None:
    block.age[at] = 0
    block.age_days[at] = MISSING


def _missing_principal(
    model: Model, _s: Source, block: Block, at: Bools, _u: Floats, _d: Floats
) -> None:
    block.diagnoses[0, at] = model.empty_id


def _newborn_without_weight(
    model: Model, _s: Source, block: Block, at: Bools, draws: Floats, _d: Floats
) -> None:
    young = (
        (block.age == 0)
        & (block.age_days >= 0)
        & (block.age_days <= model.settings["newborn"]["stay_days"])
    )
    days = np.where(young, block.age_days, _pick(draws, model.settings["newborn"]["stay_days"] + 1))
    block.age[at] = 0
    block.age_days[at] = days[at]
    block.birth_weight[at] = MISSING
    block.admission_weight[at] = MISSING


def _sex_conflict(
    model: Model, source: Source, block: Block, at: Bools, _u: Floats, _d: Floats
) -> None:
    male, female = model.sex_bound
    pool = np.where(block.sex == MALE, female, male)
    block.diagnoses[0, at] = source.member(model, pool)[at]


def _sex_invalid(
    model: Model, _s: Source, block: Block, at: Bools, draws: Floats, _d: Floats
) -> None:
    block.sex[at] = FEMALE + 1 + _pick(draws, len(model.settings["defect"]["sex"]))[at]


def _sex_missing(_m: Model, _s: Source, block: Block, at: Bools, _u: Floats, _d: Floats) -> None:
    block.sex[at] = 0


def _unknown_code(
    model: Model, _s: Source, block: Block, at: Bools, draws: Floats, second: Floats
) -> None:
    """Two in three as the principal diagnosis, the others behind all diagnoses."""
    code = len(model.code_texts) + _pick(draws, len(model.junk))
    principal = second < 2 / 3
    block.diagnoses[0, at & principal] = code[at & principal]
    block.diagnoses[-1, at & ~principal] = code[at & ~principal]


_KINDS = {
    "age_out_of_range": _age_out_of_range,
    "date_conflict": _date_conflict,
    "duplicate_claim_id": _duplicate_claim_id,
    "empty_diagnoses": _empty_diagnoses,
    "messy_code": _messy_code,
    "missing_age": _missing_age,
    "missing_age_days": _missing_age_days,
    "missing_principal": _missing_principal,
    "newborn_without_weight": _newborn_without_weight,
    "sex_conflict": _sex_conflict,
    "sex_invalid": _sex_invalid,
    "sex_missing": _sex_missing,
    "unknown_code": _unknown_code,
}
