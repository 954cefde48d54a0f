"""A claim frame as visits: amounts in fen, kind of visit, year, and what is amiss with a row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from drg.benefits.compiled import Compiled, Key, Terms
from drg.claims.typed import ClaimArrays, day_number, folded
from drg.payment.pricing.levels import LEVEL_CODE_COLUMNS, level_of
from drg.payment.weight_table import insurance_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.named import Named
    from drg.claims.profiles import ClaimColumns

    Ints = NDArray[np.int64]
    Places = NDArray[np.intp]
    Flags = NDArray[np.bool_]

__all__ = ["UNKNOWN_PERSON", "VisitColumns", "care_of", "read_visits", "retired_of"]

AMOUNTS, OUT_OF_PLAN = "N507", "N508"
#: The visit was settled, but alone: nobody knows whose it is.
UNKNOWN_PERSON = "N509"
#: med_type (spec J.3) and its names; what is not here is a kind of care of its own.
_CARE = {
    **dict.fromkeys(
        ("21", "22", "23", "24", "52", "2105", "9934", "住院", "普通住院"), "inpatient"
    ),
    **dict.fromkeys(("11", "13", "51", "门诊", "普通门诊", "急诊"), "outpatient"),
    **dict.fromkeys(("14", "门诊慢特病", "门诊慢性病", "慢性病门诊", "门慢门特"), "chronic"),
}
_RETIRED = {
    **dict.fromkeys(("1", "21", "31", "是", "退休", "y", "yes", "true", "t"), "1"),
    **dict.fromkeys(("0", "11", "否", "在职", "n", "no", "false", "f"), "0"),
}
#: The amounts of a visit; the file may have no column of the last two.
_MONEY = ("total_cost", "fully_self_paid", "first_self_paid", "over_limit_paid", "basic_paid")
_MAY_LACK = ("over_limit_paid", "basic_paid")


class VisitColumns(NamedTuple):
    """The visits of a frame, one row each.

    Attributes
    ----------
    total, own_pay, first_self_pay, over_limit, basic_paid : int64 array
        Fen; ``basic_paid`` -1 where not reported.
    kind : integer array
        Place in ``terms`` and ``keys``.
    terms : list of Terms
    keys : list of Key
    reason : object array of str
        Why a row cannot be settled; ``""``: it can.
    day, year : int32 array
        Of discharge; days since 1970-01-01.
    patients, ids : Series
        Person and claim as text, null where not told.
    """

    total: Ints
    own_pay: Ints
    first_self_pay: Ints
    over_limit: Ints
    basic_paid: Ints
    kind: Places
    terms: list[Terms]
    keys: list[Key]
    reason: NDArray[Any]
    day: NDArray[np.int32]
    year: NDArray[np.int32]
    patients: pl.Series
    ids: pl.Series


def care_of(text: str) -> str:
    """Kind of care by its code or name; what is neither comes back folded, a kind of its own.

    Examples
    --------
    >>> care_of("住院"), care_of("14"), care_of("41")
    ('inpatient', 'chronic', '41')
    """
    return _read(_CARE, text)


def retired_of(text: str) -> bool | None:
    """Whether a person is retired, by code or word; None: neither is said.

    Examples
    --------
    >>> retired_of("退休"), retired_of("11"), retired_of("?")
    (True, False, None)
    """
    return {"1": True, "0": False}.get(_read(_RETIRED, text))


def read_visits(ready: Compiled, frame: pl.DataFrame, columns: ClaimColumns) -> VisitColumns:
    """Read a frame for a plan.

    Parameters
    ----------
    ready : Compiled
    frame : DataFrame
    columns : ClaimColumns
        Which columns feed which field.

    Returns
    -------
    VisitColumns
        Amounts that are not given, cannot be read or contradict each other are N507; charges
        above price limits are none in a file that has no column of them.
    """
    claims = ClaimArrays(frame, columns)
    money = {name: claims.money(name) for name in _MONEY}
    reason = np.full(claims.rows, "", object)
    there = np.ones(claims.rows, np.bool_)
    for name, amounts in money.items():
        if name == "basic_paid":
            there &= ~claims.unreadable(name)
        elif name not in _MAY_LACK or claims.column(name) is not None:
            there &= amounts.given
    own, first, over = (money[name].fen for name in _MONEY[1:4])
    total = money["total_cost"].fen
    sound = np.minimum(np.minimum(own, first), over) >= 0
    # Each within the total before they are added up: then no sum leaves int64.
    sound &= np.maximum(first, over) <= total
    sound &= own <= total - first - over
    reported = money["basic_paid"]
    basic = np.where(reported.given, reported.fen, -1)
    sound &= ~reported.given | (reported.fen >= 0)

    kind, keys = _kinds(claims)
    terms = [ready.terms(key) for key in keys]
    day, dated = claims.days("discharged_on")
    year = day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int32) + 1970
    reason[~(there & sound)] = AMOUNTS
    said = np.array([found.reason for found in terms], object)[kind]
    reason = np.where(said != "", said, reason)
    reason[~(dated & _in_force(ready.plan.in_force.start, ready.plan.in_force.end, day))] = (
        OUT_OF_PLAN
    )
    return VisitColumns(
        total, own, first, over, basic, kind, terms, keys, reason, day, year.astype(np.int32),
        claims.patients, claims.ids,
    )  # fmt: skip


def _in_force(start: date | None, end: date | None, day: NDArray[np.int32]) -> Flags:
    found = np.ones(len(day), np.bool_)
    if start is not None:
        found &= day >= day_number(start)
    if end is not None:
        found &= day < day_number(end)
    return found


def _kinds(claims: ClaimArrays) -> tuple[Places, list[Key]]:
    """Kind of every visit as a number, and the kinds there are."""
    by_code = (claims.columns.scalars.get("hospital_level") or "").casefold() in LEVEL_CODE_COLUMNS

    def level(text: str) -> str:
        return level_of(text, codes=by_code)

    parts: list[Named] = [
        claims.texts("off_site"),
        claims.texts("person_category"),
        claims.texts("care_type", care_of),
        claims.texts("retired", lambda text: _read(_RETIRED, text)),
        claims.texts("region_level"),
        claims.texts("hospital_level", level),
        claims.texts("insurance", insurance_code),
    ]
    number = np.zeros(claims.rows, np.int64)
    for part in parts:
        number = number * (len(part.names) + 1) + part.codes
    distinct, place = np.unique(number, return_inverse=True)
    keys: list[Key] = []
    for code in distinct.tolist():
        told: list[str] = []
        rest = code
        for part in reversed(parts):
            rest, at = divmod(rest, len(part.names) + 1)
            told.insert(0, part.names[at] if at < len(part.names) else "")
        off_site, category, care, retired, region, level_, insurance = told
        keys.append(
            (
                off_site, category, care or "inpatient",
                {"1": True, "0": False}.get(retired), region, level_, insurance,
            )
        )  # fmt: skip
    return place.reshape(-1), keys


def _read(names: dict[str, str], text: str) -> str:
    clean = folded(text)
    return names.get(clean, clean)
