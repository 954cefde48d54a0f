"""Draws one block of claims as arrays: who, which plan, which codes, how severe, how long.

Only uniform doubles of PCG64 are drawn and shaped by hand, so that the same seed gives the same
claims whatever numpy's own distributions become.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drg.claims.synth_agree import (
    agreed,
    never_first,
    other_principal,
    told_apart,
    without_repeats,
)
from drg.claims.synth_model import ADULT, BOUNDED, CHILD, NEWBORN, Ints, Model
from drg.claims.synth_plan import MOST_FURTHER
from drg.claims.synth_tables import KINDS, Bools, Floats, Matrix, normal_table

#: Claims of one block; part of what a seed means.
BLOCK = 16_384
#: An integer that was not reported.
MISSING = -(1 << 15)
MALE, FEMALE = 1, 2
_SURGICAL, _PROCEDURE = KINDS.index("surgical"), KINDS.index("procedure")
_MORE_PROCEDURES = 4
#: Where the numbers for what is drawn again stand.
_AGAIN = 2
#: Discharges of one run lie within so many days.
_MOST_DAYS = 4096


@dataclass(slots=True)
class Block:
    """One block; every array has one entry (or one row) a claim, ``MISSING`` for not reported."""

    plan: Ints
    hospital: Ints
    patient: Ints
    sex: Ints
    age: Ints
    age_days: Ints
    birth_weight: Ints
    admission_weight: Ints
    ward: Ints
    insurance: Ints
    admitted: Ints  # days from the first of the month
    discharged: Ints
    los: Ints
    icu_hours: Ints
    ventilation_hours: Ints
    disposition: Ints
    diagnoses: Matrix  # (slots, claims), -1 for none; row 0 is the principal one
    procedures: Matrix
    cost: Ints  # fen
    paid: Ints
    technology: Ints
    defect: Ints  # place in Model.defects, -1 for none
    claim: Ints  # number in the claim id
    spelling: Ints  # of the principal diagnosis: 0 as listed, 1 to 4 see Model.code_texts


class Source:
    """Uniform numbers of one block and what is shaped from them."""

    def __init__(self, seed: int, block: int, stream: int) -> None:
        bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(block, stream)))
        self._generator = np.random.Generator(bits)
        self._key = (seed, block, stream)

    def again(self) -> Source:
        """Numbers for what is drawn again, so that the draws behind it stay as they were."""
        seed, block, stream = self._key
        return Source(seed, block, stream + _AGAIN)

    def uniform(self, size: int = BLOCK) -> Floats:
        """Numbers in [0, 1), one a claim of the block unless told otherwise."""
        return self._generator.random(size)

    def normal(self) -> Floats:
        """One standard normal number a claim, cut at about four deviations."""
        table = normal_table()
        place = self.uniform() * (len(table) - 1)
        low = place.astype(np.int64)
        return table[low] + (table[low + 1] - table[low]) * (place - low)

    def between(self, low: Ints, high: Ints) -> Ints:
        """An integer of [low, high] a claim, every one alike."""
        return low + (self.uniform() * (high - low + 1)).astype(np.int64)

    def chance(self, share: Floats | float) -> Bools:
        """True with the given probability."""
        return self.uniform() < share

    def member(self, model: Model, pool: Ints) -> Matrix:
        """A code of each claim's pool, Zipf-like by its place; -1 where the pool is -1.

        The place is the integer part of a double whose bits lie evenly between those of ``flat``
        and of size + flat: that is a piecewise linear power of two, exact on every machine.
        """
        flat = model.settings["diagnoses"]["flat"]
        bottom = np.float64(flat).view(np.int64)
        top = (model.size[pool] + flat).astype(np.float64).view(np.int64) - bottom
        bits = (self.uniform(len(pool)) * top).astype(np.int64) + bottom
        place = bits.view(np.float64).astype(np.int64) - flat
        return np.where(pool < 0, np.int32(-1), model.flat[model.offset[pool] + place])


def draw_block(model: Model, source: Source, first_claim: int, days: Floats) -> Block:
    """One whole block of clean claims; ``days``: running share of each day of discharge."""
    plans = len(model.kind)
    hospital = np.searchsorted(model.hospital_at, source.uniform(), side="right")
    plan = (
        np.searchsorted(model.plan_at, hospital + source.uniform(), side="right") - hospital * plans
    )
    np.clip(plan, 0, plans - 1, out=plan)
    again = source.again()
    drawn = source.member(model, model.principal[plan])
    principal = np.where(never_first(model, plan, drawn), np.int32(-1), drawn)
    sex = _sex(model, source, plan, principal)
    age, age_days = _age(model, source, plan, principal)
    young = (age_days >= 0) & (age_days <= model.settings["newborn"]["stay_days"])
    principal = other_principal(model, again, plan, drawn, principal, age, sex, young)
    birth, admission = _newborn_weights(model, source, plan, age, age_days)
    klass = np.where((model.patient[plan] == ADULT) & (age < 15), CHILD, model.patient[plan])
    diagnoses = _diagnoses(model, source, plan, hospital, principal, klass, age, sex, young)
    procedures = _procedures(model, source, plan)
    sex = agreed(model, again, plan, diagnoses, procedures, age, sex, young)
    severity = _severity(model, diagnoses)
    weight = model.weight[plan, severity]
    los = _stay(model, source, plan, hospital, weight)
    icu, ventilation = _intensive(model, source, plan, hospital, severity, los)
    cost, technology = _money(model, source, plan, hospital, weight, los)
    discharged = np.searchsorted(days, source.uniform(), side="right")
    admitted = discharged - np.where((los == 1) & source.chance(0.3), 0, los)
    disposition = _disposition(model, source, severity)
    employee = (age >= 18) & source.chance(model.settings["patient"]["employee"])
    insurance = np.where(employee, 310, 390)
    paid = _patient_paid(model, source, cost, employee)
    first, count, child = model.ward[plan].T
    ward = first + (source.uniform() * count).astype(np.int64)
    ward = np.where((child >= 0) & (age < 15), child, ward)
    number = np.arange(first_claim, first_claim + BLOCK, dtype=np.int64)
    made = Block(
        plan, hospital, number, sex, age, age_days, birth, admission, ward, insurance,
        admitted, discharged, los, icu, ventilation, disposition, diagnoses, procedures,
        cost, paid, technology, np.full(BLOCK, -1, dtype=np.int64), number.copy(),
        np.zeros(BLOCK, dtype=np.int64),
    )  # fmt: skip
    _readmit(model, source, made)
    return made


def _bounds(model: Model, plan: Ints, name: str) -> tuple[Ints, Ints]:
    column = BOUNDED.index(name)
    return model.low[plan, column], model.high[plan, column]


def _sex(model: Model, source: Source, plan: Ints, principal: Matrix) -> Ints:
    sex = np.where(source.chance(model.female[model.mdc[plan]]), FEMALE, MALE)
    fits = model.fits.sex[principal]
    sex = np.where(fits > 0, fits, sex)
    wanted = model.plan_sex[plan]
    return np.where(wanted > 0, wanted, sex).astype(np.int64)


def _age(model: Model, source: Source, plan: Ints, principal: Matrix) -> tuple[Ints, Ints]:
    """Years by the MDC's quantiles within what diagnosis and rule allow; days where age is 0."""
    mdc = model.mdc[plan]
    place = source.uniform() * 4.0
    quarter = place.astype(np.int64)
    low, high = model.ages[mdc, quarter], model.ages[mdc, quarter + 1]
    age = (low + (high - low) * (place - quarter)).astype(np.int64)
    fit_low = model.fits.age_low[principal].astype(np.int64)
    fit_high = model.fits.age_high[principal].astype(np.int64)
    outside = (age < fit_low) | (age > fit_high)
    # Inside a diagnosis' span the young end of old people's diseases is as likely as the middle.
    age = np.where(outside, source.between(fit_low, np.minimum(fit_high, fit_low + 35)), age)
    low_bound, high_bound = _bounds(model, plan, "age")
    newborn = (model.patient[plan] == NEWBORN) | model.fits.first_days[principal]
    age = np.where(newborn, 0, np.clip(age, low_bound, high_bound))
    day_low, day_high = _bounds(model, plan, "age_days")
    limit = model.settings["newborn"]["stay_days"]
    free = (day_low < 0) & (day_high > 364)
    days = source.uniform()
    # Newborns come in the first days of life; other infants are past the newborn span.
    first = np.where(newborn & free, 0, np.maximum(np.where(free, limit + 1, day_low), 0))
    last = np.where(newborn & free, limit, np.minimum(day_high, 364))
    days = first + (days * np.where(newborn, days, 1.0) * (last - first + 1)).astype(np.int64)
    return age, np.where(age == 0, days, MISSING)


def _newborn_weights(
    model: Model, source: Source, plan: Ints, age: Ints, age_days: Ints
) -> tuple[Ints, Ints]:
    """Grams at birth and at admission of newborns, inside the rule's bounds."""
    settings = model.settings["newborn"]
    mean, deviation = settings["weight"]
    least, most = settings["bounds"]
    low, high = _bounds(model, plan, "weight")
    other_low, other_high = _bounds(model, plan, "admission_weight")
    low, high = np.maximum(low, least), np.minimum(high, most)
    birth = (mean + deviation * source.normal()).astype(np.int64)
    birth = np.where((birth < low) | (birth > high), source.between(low, high), birth)
    growth = np.maximum(age_days - 5, 0) * 28
    admission = (birth * (0.93 + 0.08 * source.uniform())).astype(np.int64) + growth
    admission = np.clip(admission, other_low, np.maximum(other_low, other_high))
    newborn = (age == 0) & (age_days <= settings["stay_days"])
    return np.where(newborn, birth, MISSING), np.where(newborn, admission, MISSING)


def _diagnoses(
    model: Model,
    source: Source,
    plan: Ints,
    hospital: Ints,
    principal: Matrix,
    klass: npt.NDArray[np.int8],
    age: Ints,
    sex: Ints,
    young: Bools,
) -> Matrix:
    """Principal diagnosis, those the plan needs, a CC or MCC, then companions; no code twice."""
    settings = model.settings["diagnoses"]
    most = int(settings["most"])
    made = np.full((most + 1, len(plan)), -1, dtype=np.int32)
    made[0] = principal
    needed = model.further[plan]
    for slot in range(MOST_FURTHER):
        if (needed[:, slot] >= 0).any():
            made[1 + slot] = source.member(model, needed[:, slot])
    factor = model.hospital["severity"][hospital] * np.where(
        age < 15, settings["child"], np.where(age >= 70, settings["old"], 1.0)
    )
    pick = source.uniform()
    mcc = pick < settings["mcc"] * factor
    some = pick < (settings["mcc"] + settings["cc"]) * factor
    level = np.where(mcc, 1, 0)
    at = MOST_FURTHER + 1
    made[at] = source.member(model, np.where(some, model.severe[level, klass], -1))
    second = some & source.chance(settings["second"])
    made[at + 1] = source.member(model, np.where(second, model.severe[0][klass], -1))
    table = model.principal_table[principal]
    voided = source.chance(settings["same_table"]) & (table > 0) & (klass == ADULT)
    made[at + 2] = source.member(model, np.where(voided, model.void[table], -1))
    mean = model.mean_diagnoses[model.mdc[plan]] * np.where(age < 15, 0.75, 1.0)
    wanted = (mean * (0.3 + 1.4 * source.uniform()) + source.uniform()).astype(np.int64)
    wanted = np.where(source.chance(0.03), wanted + 5, wanted) - (made >= 0).sum(axis=0)
    for slot in range(at, at + 3):
        made[slot] = np.where(model.fits.patient(made[slot], age, sex, young), made[slot], -1)
    for slot in range(at + 3, most + 1):
        rows = np.flatnonzero(wanted > slot - at - 3)
        own = (source.uniform(len(rows)) < settings["own_mdc"]) & (klass[rows] != CHILD)
        pool = np.where(own, model.related[plan[rows]], model.common[klass[rows]])
        code = source.member(model, pool)
        fits = model.fits.patient(code, age[rows], sex[rows], young[rows])
        made[slot, rows] = np.where(fits, code, -1)
    return without_repeats(made)


def _procedures(model: Model, source: Source, plan: Ints) -> Matrix:
    """Procedures that the plan needs in their places, then further ones."""
    settings = model.settings["procedures"]
    needed = model.procedures[plan]
    most = needed.shape[1]
    made = np.full((most + _MORE_PROCEDURES, len(plan)), -1, dtype=np.int32)
    for slot in range(most):
        if (needed[:, slot] >= 0).any():
            made[slot] = source.member(model, needed[:, slot])
    kind = model.kind[plan]
    operated = needed[:, 0] >= 0
    mean = np.where(kind == _SURGICAL, settings["more_surgical"], settings["more_procedure"])
    mean = np.where(operated, mean, settings["more_medical"])
    mean = np.where(~operated & source.chance(settings["none_medical"]), 0.0, mean)
    wanted = (mean * 2.0 * source.uniform() * 0.75 + mean * 0.25 + source.uniform()).astype(
        np.int64
    )
    surgical = operated & (kind == _SURGICAL)
    for slot in range(_MORE_PROCEDURES):
        rows = np.flatnonzero(wanted > slot)
        own = surgical[rows] & (source.uniform(len(rows)) < settings["own_set"])
        pool = np.where(own, needed[rows, 0], model.ancillary[plan[rows]])
        made[most + slot, rows] = source.member(model, pool)
    return told_apart(model, needed, made)


def _severity(model: Model, diagnoses: Matrix) -> Ints:
    """0, 1 (CC) or 2 (MCC): the highest level of a secondary diagnosis that is not void.

    Companions, drawn behind these slots, are neither.
    """
    principal = model.principal_table[diagnoses[0]]
    worst = np.zeros(diagnoses.shape[1], dtype=np.int64)
    for code in diagnoses[1 : MOST_FURTHER + 4]:
        counts = (code >= 0) & ((principal == 0) | (model.table[code] != principal))
        np.maximum(worst, np.where(counts, model.level[code], 0), out=worst)
    return worst


def _stay(model: Model, source: Source, plan: Ints, hospital: Ints, weight: Floats) -> Ints:
    settings = model.settings["stay"]
    base = np.array([settings["base"][k] for k in KINDS])[model.kind[plan]]
    sigma = settings["sigma"]
    mean = base * model.hospital["stay"][hospital] * np.power(weight, settings["power"])
    days = mean * np.exp(sigma * source.normal() - sigma * sigma / 2.0)
    low, high = _bounds(model, plan, "los")
    whole: Ints = np.clip(np.rint(days), 1, settings["most"]).astype(np.int64)
    return np.clip(whole, low, high)


def _intensive(
    model: Model, source: Source, plan: Ints, hospital: Ints, severity: Ints, los: Ints
) -> tuple[Ints, Ints]:
    """Hours in intensive care and on a ventilator: 0 for most claims, never more than the stay."""
    settings = model.settings["intensive"]
    share = np.array(settings["share"])[severity] * np.minimum(
        model.hospital["severity"][hospital], 1.2
    )
    least, most = settings["hours"]
    some = source.uniform()
    hours = (least + (most - least) * some * some).astype(np.int64)
    hours = np.where(source.chance(share), np.minimum(hours, los * 24), 0)
    low, high = _bounds(model, plan, "icu_hours")
    hours = np.clip(hours, low, high)
    part = 0.2 + 0.8 * source.uniform()
    ventilated = np.where(source.chance(settings["ventilated"]), (hours * part).astype(np.int64), 0)
    low, high = _bounds(model, plan, "ventilation_hours")
    return hours, np.clip(ventilated, low, high)


def _money(
    model: Model, source: Source, plan: Ints, hospital: Ints, weight: Floats, los: Ints
) -> tuple[Ints, Ints]:
    """Cost of the stay and of new technology (mostly missing), in fen."""
    settings = model.settings["cost"]
    sigma = settings["sigma"]
    expected = 100.0 * settings["base"] * weight * model.hospital["cost"][hospital]
    usual = np.array([model.settings["stay"]["base"][k] for k in KINDS])[model.kind[plan]]
    long = 0.75 + 0.25 * los / (usual * np.power(weight, model.settings["stay"]["power"]))
    spread = np.exp(sigma * source.normal() - sigma * sigma / 2.0)
    cost = np.rint(expected * long * spread).astype(np.int64)
    low, high = settings["new_technology_part"]
    new = (model.kind[plan] == _SURGICAL) & source.chance(settings["new_technology"])
    technology = (cost * (low + (high - low) * source.uniform())).astype(np.int64)
    return cost, np.where(new, technology, MISSING)


def _patient_paid(model: Model, source: Source, cost: Ints, employee: Bools) -> Ints:
    settings = model.settings["cost"]
    low, high = np.where(
        employee,
        np.array([settings["patient_employee"]]).T,
        np.array([settings["patient_resident"]]).T,
    )
    paid: Ints = (cost * (low + (high - low) * source.uniform())).astype(np.int64)
    return paid


def _disposition(model: Model, source: Source, severity: Ints) -> Ints:
    settings = model.settings["disposition"]
    codes = sorted(k for k in settings if k != "death")
    running = np.cumsum([settings[c] for c in codes])
    place = np.searchsorted(running / running[-1], source.uniform(), side="right")
    alive = np.array([int(c) for c in codes], dtype=np.int64)[np.minimum(place, len(codes) - 1)]
    died = source.chance(np.array(settings["death"])[severity])
    return np.where(died, np.int64(5), alive)


def _readmit(model: Model, source: Source, block: Block) -> None:
    """Give claims that could be one patient's the same patient: same sex, age, MDC and hospital.

    Only claims of one block are paired; the later one begins after the earlier one has ended.
    """
    person = block.hospital * len(model.female) + model.mdc[block.plan]
    key = (person * 3 + block.sex) * 160 + block.age
    # The row in the lowest bits makes every number distinct: the order is the same everywhere.
    order = np.sort((key * _MOST_DAYS + block.discharged) * BLOCK + np.arange(BLOCK)) % BLOCK
    before, after = order[:-1], order[1:]
    same = (key[before] == key[after]) & (block.age[after] > 0)
    same &= (block.admitted[after] >= block.discharged[before]) & (block.disposition[before] != 5)
    same &= source.chance(model.settings["patient"]["readmission"])[1:]
    starts = np.concatenate([[True], ~same])
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    earliest = order[first]
    block.patient[order] = block.patient[earliest]
    block.insurance[order] = block.insurance[earliest]
