"""Severity of a disease, of a tumour and by comorbidities: auxiliary types (spec B.4).

Thresholds are parameters with the draft's examples as defaults; what turns on a value that is not
reported is None, not a guess. Which diagnoses speak of failing or damaged organs is a table of
the region.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from fractions import Fraction

from drg.dip.errors import Number, exact, not_negative
from drg.dip.model import Comorbidity
from drg.dip.special import place_of
from drg.dip.truth import present
from drg.dip.vocabulary import covers

__all__ = [
    "Severity",
    "TumourSeverity",
    "cci_points",
    "metastasis",
    "severity",
    "tumour_severity",
]

#: "3天以上" is read as more than three days; whoever reads it with the third says so.
_LONGER_THAN = 3
_MALIGNANT = "C00-C97"
_SHARE = Fraction(1, 2)
_MULTIPLE = 3


class Severity(StrEnum):
    """Severity of a disease that is no tumour, the gravest first."""

    DEATH = "death"
    SEVERE = "severe"
    MODERATE = "moderate"
    MILD = "mild"


class TumourSeverity(StrEnum):
    """Severity of a malignant tumour, in the order in which the classes are tried."""

    DEATH = "death"
    COSTLY_TREATMENT = "costly_treatment"
    COSTLY_DRUGS = "costly_drugs"
    METASTASIS = "metastasis"
    ORGAN_FAILURE = "organ_failure"
    ORGAN_DAMAGE = "organ_damage"
    OTHER = "other"


def severity(
    los_days: int | None,
    died: bool,
    *,
    organ_failure: bool,
    organ_damage: bool,
    longer_than: int = _LONGER_THAN,
    inclusive: bool = False,
) -> Severity | None:
    """Severity of a case whose principal diagnosis is no tumour.

    Parameters
    ----------
    los_days : int or None
        Length of stay; None: not reported.
    died : bool
    organ_failure : bool
        A secondary diagnosis is of organ failure, shock or sepsis (功能衰竭、休克、脓毒症).
    organ_damage : bool
        One is of damage or infection of a major organ (重要器官病损、重要脏器感染).
    longer_than : int, optional
        Days that a stay has to last for these.
    inclusive : bool, optional
        Whether a stay of just so many days is long enough.

    Returns
    -------
    Severity or None
        None: it turns on a length of stay that is not reported.

    Examples
    --------
    >>> severity(5, False, organ_failure=False, organ_damage=True).value
    'moderate'
    """
    if died:
        return Severity.DEATH
    if not (organ_failure or organ_damage):
        return Severity.MILD
    long = _long(los_days, longer_than, inclusive)
    if long is None:
        return None
    if not long:
        return Severity.MILD
    return Severity.SEVERE if organ_failure else Severity.MODERATE


def tumour_severity(
    los_days: int | None,
    died: bool,
    *,
    organ_failure: bool,
    organ_damage: bool,
    metastasis: bool,
    cost: Number | None = None,
    standard: Number | None = None,
    treatment_cost: Number | None = None,
    drug_cost: Number | None = None,
    multiple: Number = _MULTIPLE,
    share: Number = _SHARE,
    longer_than: int = _LONGER_THAN,
    inclusive: bool = False,
) -> TumourSeverity | None:
    """Severity of a case whose principal diagnosis is a malignant tumour.

    Parameters
    ----------
    los_days, died, organ_failure, organ_damage, longer_than, inclusive
        As ``severity`` takes them.
    metastasis : bool
        As ``metastasis`` finds it.
    cost, standard : Number or None, optional
        Total cost, and what the group's score stands for in the same unit.
    treatment_cost, drug_cost : Number or None, optional
        Treatment without operations, and drugs; None: not reported.
    multiple, share : Number, optional
        A case is costly from this multiple of the standard on, by treatment or drugs from this
        share of its cost on.

    Returns
    -------
    TumourSeverity or None
        None: it turns on something that is not reported.

    Raises
    ------
    DipError
        D401, D403: a number that cannot be.

    Examples
    --------
    >>> tumour_severity(9, False, organ_failure=False, organ_damage=False, metastasis=False,
    ...     cost=90, standard=30, treatment_cost=20, drug_cost=50).value
    'costly_drugs'
    """
    if died:
        return TumourSeverity.DEATH
    costly = _at_least(cost, standard, multiple)
    if costly is not False:
        for part, name in (
            (treatment_cost, TumourSeverity.COSTLY_TREATMENT),
            (drug_cost, TumourSeverity.COSTLY_DRUGS),
        ):
            of_cost = _at_least(part, cost, share)
            if of_cost is not False:
                return name if costly and of_cost else None
    for found, name in (
        (metastasis, TumourSeverity.METASTASIS),
        (organ_failure, TumourSeverity.ORGAN_FAILURE),
        (organ_damage, TumourSeverity.ORGAN_DAMAGE),
    ):
        if found:
            long = _long(los_days, longer_than, inclusive)
            if long is not False:
                return name if long else None
    return TumourSeverity.OTHER


def metastasis(principal: str, secondary: Iterable[str]) -> bool:
    """Whether a secondary diagnosis is malignant and of another category than the principal one.

    Examples
    --------
    >>> metastasis("C34.100", ["C34.900", "I10.x00"]), metastasis("C34.100", ["C79.300"])
    (False, True)
    """
    own = place_of(principal).category
    places = map(place_of, secondary)
    return any(p.category != own and covers(_MALIGNANT, p) for p in places)


def cci_points(secondary: Iterable[str], comorbidities: Sequence[Comorbidity]) -> int:
    """Comorbidity index: weights of the conditions among the secondary diagnoses, each once.

    A condition that a graver one ``replaces`` does not count beside it.

    Parameters
    ----------
    secondary : iterable of str
        Codes of secondary diagnoses.
    comorbidities : sequence of Comorbidity
        A catalogue's table.

    Examples
    --------
    >>> mild = Comorbidity("diabetes", 1, ("E11.9",))
    >>> grave = Comorbidity("diabetes with damage", 2, ("E11.2",), replaces="diabetes")
    >>> cci_points(["E11.900", "E11.200"], [mild, grave])
    2
    """
    return sum(found.weight for found in present(comorbidities, map(place_of, secondary)))


def _long(los_days: int | None, longer_than: int, inclusive: bool) -> bool | None:
    if los_days is None:
        return None
    return los_days > longer_than or (inclusive and los_days == longer_than)


def _at_least(value: Number | None, base: Number | None, multiple: Number) -> bool | None:
    if value is None or base is None:
        return None
    least = not_negative(base, "standard") * exact(multiple, "multiple")
    return not_negative(value, "cost") >= least
