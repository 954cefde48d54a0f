"""What pricing adds to a claim: columns, pay modes, branches, and the codes of routes and notes.

Inside the engine all of these are small integers, the places in the tuples below.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

import polars as pl

from drg.dip.deviation_rules import DEVIATION_CLASSES
from drg.money import PLACES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = [
    "HI_PAYMTD", "NONE", "NOTE_CODES", "PRICE_DTYPES", "PRICE_NAMES", "ROUTE_CODES",
    "SCORE_DTYPES", "SCORE_NAMES", "UNSET", "Branch", "Mode", "Note", "Route",
]  # fmt: skip

#: In place of a code: there is none.
UNSET = 255
#: In place of an amount: there is none.
NONE = -(2**63)


class Mode(IntEnum):
    """How a claim is paid; each claim has exactly one."""

    DRG = 0
    POINTS = 1
    DIP = 2
    PER_DISEASE = 3
    BED_DAY = 4
    VISIT = 5
    BY_ITEM = 6
    STATISTICS = 7
    UNPAID = 8


#: ``hi_paymtd`` of the settlement list (interface dictionary) by pay mode; none for UNPAID.
HI_PAYMTD: Mapping[str, int] = {
    "DRG": 4, "POINTS": 4, "DIP": 3, "PER_DISEASE": 2, "BED_DAY": 5, "VISIT": 6, "BY_ITEM": 1,
    "STATISTICS": 9,
}  # fmt: skip


class Branch(IntEnum):
    """Which formula gave the price of a claim."""

    STANDARD = 0
    HIGH_BY_ITEM = 1
    HIGH_OVER_CAP = 2
    LOW_BY_ITEM = 3
    REVIEW_BY_ITEM = 4
    REVIEW_ADJUSTED = 5
    REVIEW_OVER_CAP = 6
    APPLIED_BY_ITEM = 7
    APPLIED_OVER_CAP = 8
    TRANSFER = 9
    NEW_TECHNOLOGY = 10
    READMISSION = 11
    INCOMPLETE = 12
    PACKAGE = 13
    PER_DIEM = 14
    FIXED_FUND = 15
    FULL_STANDARD = 16
    VISIT = 17
    BY_ITEM = 18
    LOW_BY_SCORE = 19
    HIGH_BY_SCORE = 20
    BLANK_GROUP = 21


class Route(IntEnum):
    """Why a claim has its pay mode; ``ROUTE_CODES`` has the code of its page."""

    FAULT = 0
    OTHER_PAYER = 1
    BED_DAY = 2
    PACKAGE = 3
    PER_DISEASE = 4
    EXIT_LOW = 5
    EXIT_HIGH = 6
    EXIT_TRANSFER = 7
    EXIT_DECIDED = 8
    NOT_BY_AGE = 9
    NOT_BY_DIAGNOSIS = 10
    SHORT_STAY = 11
    LONG_STAY = 12
    GROUP = 13
    POINTS = 14
    DIP = 15
    UNGROUPED_BY_ITEM = 16
    AMBIGUOUS_BY_ITEM = 17
    UNWEIGHTED_BY_ITEM = 18
    BY_ITEM = 19
    VISIT = 20
    RETURNED = 21


ROUTE_CODES = (
    "P501", "P502", "P510", "P511", "P520", "P521", "P522", "P523", "P524", "P525", "P526",
    "P530", "P531", "P540", "P541", "P542", "P550", "P551", "P552", "P560", "P570", "P580",
)  # fmt: skip


class Note(IntEnum):
    """Why a claim is not paid; ``NOTE_CODES`` has the code of its page."""

    NO_ID = 0
    NO_COST = 1
    NEGATIVE_COST = 2
    HUGE_COST = 3
    NO_PATIENT_PART = 4
    NEGATIVE_PATIENT_PART = 5
    BELOW_PATIENT_PART = 6
    NO_HOSPITAL = 7
    UNKNOWN_HOSPITAL = 8
    NO_LEVEL = 9
    NO_INSURANCE = 10
    OTHER_INSURANCE = 11
    UNKNOWN_PAYER = 12
    NO_DISCHARGE = 13
    OTHER_MONTH = 14
    NOT_IN_FORCE = 15
    CONTENT_DIFFERS = 16
    REPEATED = 17
    REPLACED = 18
    BAD_VERSION = 19
    REJECTED = 20
    NO_VERSION = 21
    UNGROUPED = 22
    AMBIGUOUS = 23
    NO_WEIGHT = 24
    NO_RATE = 25
    WANTED = 26
    NO_DAYS = 27
    NO_DISPOSITION = 28
    NO_COLUMN = 29
    NO_SCORE = 30
    OTHER_CARE = 31
    NO_DAY_PRICE = 32
    NO_PHASE = 33
    NO_AMOUNT = 34
    NO_PERSON = 35
    NO_KIND = 36
    NO_AGE = 37
    NO_STANDING = 38
    NO_ADMISSION_KIND = 39
    NO_POINT_VALUE = 40
    NO_MEAN = 41
    AWAITS_REVIEW = 42
    NO_COEFFICIENT = 43
    NO_AUXILIARY = 44
    NO_GROUP_SCORE = 45
    NO_PAY_RATIO = 46


NOTE_CODES = (
    "P601", "P602", "P603", "P604", "P605", "P606", "P607", "P608", "P609", "P610", "P611",
    "P612", "P613", "P614", "P615", "P616", "P617", "P618", "P619", "P620", "P630", "P631",
    "P632", "P633", "P634", "P635", "P636", "P637", "P638", "P639", "P640", "P641", "P642",
    "P643", "P644", "P645", "P646", "P647", "P648", "P649", "P650", "P651", "P652", "P653",
    "P654", "P655", "P656",
)  # fmt: skip

_WEIGHT = pl.Decimal(18, PLACES)
#: What is added, in this order. Amounts in fen.
PRICE_DTYPES: Mapping[str, pl.DataType] = {
    "pay_mode": pl.Enum([mode.name for mode in Mode]),
    "route": pl.Enum(ROUTE_CODES),
    "case_class": pl.Enum([str(c) for c in DEVIATION_CLASSES]),
    "branch": pl.Enum([branch.name for branch in Branch]),
    "weight": _WEIGHT,
    "points": _WEIGHT,
    "rate_fen": pl.Int64(),
    "coefficient": _WEIGHT,
    "standard_fen": pl.Int64(),
    "cost_fen": pl.Int64(),
    "price_fen": pl.Int64(),
    "patient_fen": pl.Int64(),
    "fund_fen": pl.Int64(),
    "hospital_fen": pl.Int64(),
    "payment_note": pl.Enum(NOTE_CODES),
    "policy": pl.String(),
}
PRICE_NAMES: tuple[str, ...] = tuple(PRICE_DTYPES)
#: What is added besides where a policy pays by score: the group's score before coefficients and
#: deviation, the auxiliary coefficient, and yuan a point as published (it is applied unrounded).
SCORE_DTYPES: Mapping[str, pl.DataType] = {
    "group_score": _WEIGHT,
    "auxiliary_coefficient": _WEIGHT,
    "point_value": _WEIGHT,
}
SCORE_NAMES: tuple[str, ...] = tuple(SCORE_DTYPES)
