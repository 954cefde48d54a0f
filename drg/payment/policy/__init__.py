"""Policies: what a place pays by, as data. The parts are named here; ``catalog`` loads them."""

from drg.payment.policy.by_group import (
    CoefficientRow,
    DrgPayment,
    Exclusion,
    NewTechnology,
    Outliers,
    PatientShare,
    Points,
    Procurement,
    RateRow,
    Readmission,
    Review,
    Transfer,
)
from drg.payment.policy.dip import (
    DipDeviation,
    DipPayment,
    DynamicItem,
    DynamicLevel,
    PayRatioRow,
    PointValueRow,
)
from drg.payment.policy.model import (
    Policy,
    Provenance,
)
from drg.payment.policy.other_modes import (
    BedDay,
    BedDayMatch,
    BedDayPackage,
    CommunityPackage,
    DayFactor,
    DayRate,
    Outpatient,
    PerDisease,
)
from drg.payment.policy.terms import (
    Budget,
    Month,
    Year,
)

__all__ = [
    "BedDay",
    "BedDayMatch",
    "BedDayPackage",
    "Budget",
    "CoefficientRow",
    "CommunityPackage",
    "DayFactor",
    "DayRate",
    "DipDeviation",
    "DipPayment",
    "DrgPayment",
    "DynamicItem",
    "DynamicLevel",
    "Exclusion",
    "Month",
    "NewTechnology",
    "Outliers",
    "Outpatient",
    "PatientShare",
    "PayRatioRow",
    "PerDisease",
    "PointValueRow",
    "Points",
    "Policy",
    "Procurement",
    "Provenance",
    "RateRow",
    "Readmission",
    "Review",
    "Transfer",
    "Year",
]
