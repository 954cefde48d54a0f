"""Made-up codes that agree with the patient and with each other: sex, age, what may stand first.

What disagrees is drawn again from numbers of its own, so that all other claims stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drg.claims.synth_model import Ints, Model
from drg.claims.synth_plan import MOST_FURTHER
from drg.claims.synth_tables import KINDS, Bools, Matrix

if TYPE_CHECKING:
    from drg.claims.synth_draw import Source

__all__ = ["Matrix", "agreed", "never_first", "other_principal", "told_apart", "without_repeats"]


#: Draws for a principal diagnosis that fits.
_TRIES = 16
_UNGROUPABLE = KINDS.index("ungroupable")


def never_first(model: Model, plan: Ints, principal: Matrix) -> Bools:
    """Claims of no group whose principal diagnosis may stand first only where a group asks.

    And those whose plan is for the other sex, if its pool has a diagnosis of that one.
    """
    strays = (model.kind[plan] == _UNGROUPABLE) & model.fits.never_principal[principal]
    sex, own = model.plan_sex[plan], model.fits.sex[principal]
    never: Bools = strays | ((sex > 0) & (own > 0) & (sex != own))
    return never


def other_principal(
    model: Model,
    again: Source,
    plan: Ints,
    drawn: Matrix,
    principal: Matrix,
    age: Ints,
    sex: Ints,
    young: Bools,
) -> Matrix:
    """Principal diagnoses, those not told (-1) drawn again from what may stand first.

    Where the pool has none that fits the patient, what was drawn stays.
    """
    made = principal.copy()
    at = np.flatnonzero(made < 0)
    strays = model.kind[plan[at]] == _UNGROUPABLE
    pool = model.without[np.where(strays, 0, sex[at]), model.principal[plan[at]]]
    for _ in range(_TRIES if len(at) else 0):
        code = again.member(model, pool)
        fits = (code >= 0) & model.fits.patient(code, age[at], sex[at], young[at])
        made[at[fits]] = code[fits]
        at, pool = at[~fits], pool[~fits]
    made[at] = drawn[at]
    return made


def agreed(
    model: Model,
    again: Source,
    plan: Ints,
    diagnoses: Matrix,
    procedures: Matrix,
    age: Ints,
    sex: Ints,
    young: Bools,
) -> Ints:
    """Sex by the rule, else by the first code that the plan needs and one sex only has.

    In place: another needed code of the other sex is drawn again where its pool has one that fits;
    further codes that do not fit sex or age are left out.
    """
    further, needed = model.further[plan], model.procedures[plan]
    most = needed.shape[1]
    slots = [(diagnoses[1 + n], further[:, n]) for n in range(MOST_FURTHER)]
    slots += [(procedures[n], needed[:, n]) for n in range(most)]
    own = model.plan_sex[plan]
    for row in (diagnoses[0], *(row for row, _ in slots)):
        own = np.where(own == 0, model.fits.sex[row], own)
    told = np.where(own > 0, own, sex).astype(np.int64)
    changed = np.zeros(len(plan), dtype=bool)
    for row, pool in slots:
        other = model.fits.sex[row]
        at = np.flatnonzero((other > 0) & (other != told))
        at = at[model.without[told[at], pool[at]] >= 0]
        row[at] = again.member(model, model.without[told[at], pool[at]])
        changed[at] = True
    for row in procedures[most:]:
        row[~model.fits.patient(row, age, told, young)] = -1
    turned = np.flatnonzero(told != sex)
    for row in diagnoses[1 + MOST_FURTHER :]:
        own = row[turned]
        row[turned] = np.where(
            model.fits.patient(own, age[turned], told[turned], young[turned]), own, -1
        )
    if changed.any():
        procedures[:, changed] = told_apart(model, needed[changed], procedures[:, changed])
        diagnoses[:, changed] = without_repeats(diagnoses[:, changed])
    return told


def told_apart(model: Model, needed: Ints, made: Matrix) -> Matrix:
    """No procedure twice, unless a plan needs one pool twice and that means the same one."""
    made = without_repeats(made)
    if model.twice:
        for slot in range(1, needed.shape[1]):
            for earlier in range(slot):
                twice = (needed[:, slot] >= 0) & (needed[:, slot] == needed[:, earlier])
                made[slot] = np.where(twice, made[earlier], made[slot])
    return made


def without_repeats(made: Matrix) -> Matrix:
    """Codes by slot, a later one that stands before it in the same claim taken out, in place."""
    for slot in range(1, len(made)):
        repeated = made[slot] == made[0]
        for earlier in range(1, slot):
            repeated |= made[slot] == made[earlier]
        made[slot][repeated] = -1
    return made
