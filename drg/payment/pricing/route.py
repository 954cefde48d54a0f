"""Which way a claim goes: one pay mode each, in the order of spec 0.4.

Quality and scope first (what is wrong with a claim, who pays), then bed-day, per disease, stays
outside their group by length, the group, and by item what is left. ``walk`` takes the
steps; each takes the claims it is given and says which are its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.claims.named import Named
from drg.claims.typed import ClaimArrays, day_number, fits, folded
from drg.payment.pricing.hospitals import Hospitals
from drg.payment.pricing.levels import LEVEL_CODE_COLUMNS, level_of
from drg.payment.pricing.price_columns import Note, Route
from drg.payment.pricing.scope import ScopeKeys
from drg.payment.weight_table import insurance_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.dates import Interval
    from drg.payment.policy import BedDay, Policy
    from drg.payment.pricing.sheet import Sheet

    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["LARGEST_COST", "Keys", "bed_day_match", "care_key", "faults", "keys_of", "outpatient"]

#: Fen; a cost beyond it is a slip, and products with it could leave int64.
LARGEST_COST = 10**12
_LAST_VERSION = 2**31 - 1
#: Dictionary med_type: outpatient, emergency, chronic outpatient, pharmacy, maternity outpatient.
_OUTPATIENT = frozenset({"11", "13", "14", "41", "51"})
_PAYERS = {
    **dict.fromkeys(("insurance", "basic", "基本医保", "医保", "基本医疗保险", "医疗保险"), False),
    **dict.fromkeys(("self_pay", "self-pay", "自费", "全自费"), True),
    **dict.fromkeys(("work_injury", "工伤", "工伤保险"), True),
    **dict.fromkeys(("third_party", "第三方", "第三方责任", "第三人"), True),
    **dict.fromkeys(("other", "其他"), True),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """What claims are told apart by.

    Attributes
    ----------
    scope, rates : ScopeKeys
        With the level of the hospital, and with that of its rates and coefficients.
    statistics : bool array
        Somebody else than basic insurance pays.
    care : Named
        Kind of care.
    """

    scope: ScopeKeys
    rates: ScopeKeys
    statistics: Flags
    care: Named


def care_key(text: str) -> str:
    """A kind of care without harmless differences: ``21.0`` is ``21``."""
    return text.strip().removesuffix(".0")


def keys_of(claims: ClaimArrays, hospitals: Hospitals | None) -> Keys:
    """What the claims of a frame are told apart by."""
    hospital = claims.texts("hospital_id")
    insurance = claims.texts("insurance", insurance_code)
    spelled = claims.columns.scalars.get("hospital_level", "").strip().casefold()
    said = claims.texts(
        "hospital_level", lambda text: level_of(text, codes=spelled in LEVEL_CODE_COLUMNS)
    )
    level = rate_level = said
    if hospitals is not None:
        level = _either(hospitals.levels(hospital), said)
        rate_level = _either(hospitals.levels(hospital, of_rates=True), said)
    day, _ = claims.days("discharged_on")
    payer = claims.texts("payer", folded)
    return Keys(
        scope=ScopeKeys(insurance, level, hospital, day),
        rates=ScopeKeys(insurance, rate_level, hospital, day),
        statistics=payer.marked(_PAYERS.get),
        care=claims.texts("care_type", care_key),
    )


def outpatient(keys: Keys) -> Flags:
    """Claims of outpatient care; what is not reported is a stay."""
    return keys.care.marked(_OUTPATIENT.__contains__)


def faults(
    claims: ClaimArrays,
    keys: Keys,
    visits: Flags,
    policy: Policy,
    hospitals: Hospitals | None,
    month: Interval | None,
    sheet: Sheet,
) -> None:
    """Note on the sheet what keeps claims from being priced at all; the first fault stays.

    Parameters
    ----------
    claims : ClaimArrays
    keys : Keys
    visits : bool array
        Outpatient care: no list to be grouped, and the patient's part is not needed.
    policy : Policy
    hospitals : Hospitals or None
        None: any hospital that is named is one.
    month : Interval or None
        Days of discharge that are settled; None: any.
    sheet : Sheet
    """

    def fault(where: Flags, note: Note) -> None:
        if where.any():
            sheet.unpaid(np.flatnonzero(where), note, Route.FAULT)

    cost, paid = claims.money("total_cost"), claims.money("patient_paid")
    sheet.cost[cost.given] = cost.fen[cost.given]
    fault(claims.ids.is_null().to_numpy(), Note.NO_ID)
    fault(~cost.given, Note.NO_COST)
    fault(cost.fen < 0, Note.NEGATIVE_COST)
    fault(cost.fen > LARGEST_COST, Note.HUGE_COST)
    hospital = keys.scope.hospital
    fault(hospital.missing, Note.NO_HOSPITAL)
    if hospitals is not None:
        fault(~hospitals.known(hospital), Note.UNKNOWN_HOSPITAL)
    day, dated = claims.days("discharged_on")
    fault(~dated, Note.NO_DISCHARGE)
    if month is not None:
        fault(~_within(day, month), Note.OTHER_MONTH)
    if any(policy.in_force.texts):
        fault(~_within(day, policy.in_force), Note.NOT_IN_FORCE)
    payer = claims.texts("payer", folded)
    fault(payer.marked(lambda name: name not in _PAYERS), Note.UNKNOWN_PAYER)
    if policy.insurances:
        covered = {insurance_code(text) for text in policy.insurances}
        insurance = keys.scope.insurance
        fault(insurance.missing & ~keys.statistics, Note.NO_INSURANCE)
        other = insurance.marked(lambda name: name not in covered)
        fault(other & ~keys.statistics, Note.OTHER_INSURANCE)
    fault(~paid.given & ~visits, Note.NO_PATIENT_PART)
    fault(paid.given & (paid.fen < 0), Note.NEGATIVE_PATIENT_PART)
    fault(paid.given & (paid.fen > cost.fen), Note.BELOW_PATIENT_PART)
    version = claims.numbers("version")
    fault(claims.blank("version") == version.given, Note.BAD_VERSION)
    fault(version.given & ((version.fen < 1) | (version.fen > _LAST_VERSION)), Note.BAD_VERSION)
    rejected = claims.result("outcome").marked("REJECTED".__eq__)
    fault(rejected & ~visits, Note.REJECTED)


def bed_day_match(claims: ClaimArrays, keys: Keys, kind: BedDay, stays: Rows) -> Rows:
    """Those of some stays that a kind of bed-day payment takes; any of its marks is enough."""
    match = kind.match
    takes = np.zeros(len(stays), np.bool_)
    if match.care_types:
        wanted = {care_key(text) for text in match.care_types}
        takes |= keys.care.take(stays).marked(wanted.__contains__)
    if match.principal_dx:
        takes |= fits(claims.principal.gather(stays), match.principal_dx)
    if match.departments:
        wanted = {text.strip() for text in match.departments}
        takes |= claims.texts("department").take(stays).marked(wanted.__contains__)
    if match.hospitals:
        wanted = {text.strip() for text in match.hospitals}
        takes |= keys.scope.hospital.take(stays).marked(wanted.__contains__)
    if match.min_days is not None:
        days = claims.numbers("los_days")
        takes |= (days.given & (days.fen >= match.min_days))[stays]
    return stays[takes]


def _within(day: NDArray[np.int32], span: Interval) -> Flags:
    inside = np.ones(len(day), np.bool_)
    if span.start is not None:
        inside &= day >= day_number(span.start)
    if span.end is not None:
        inside &= day < day_number(span.end)
    return inside


def _either(first: Named, second: Named) -> Named:
    """The first one's value, or else the second's."""
    names = tuple(sorted({*first.names, *second.names}))
    ours = np.array([*map(names.index, first.names), len(names)], np.uint32)[first.codes]
    if not second.names:
        return Named(names, ours)
    theirs = np.array([*map(names.index, second.names), len(names)], np.uint32)[second.codes]
    return Named(names, np.where(ours == len(names), theirs, ours))
