"""Whether a catalogue's conditions hold for one claim, in Kleene's logic: True, False or None.

The readable twin of the words that the kernel gets (``drg.dip.conditions``) and of the conditions
that it tests itself; ``drg.dip.model.Matching`` says what is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from drg.dip.vocabulary import covered
from drg.schemes.rules import SCALAR_FIELDS

if TYPE_CHECKING:
    from drg.dip.model import Catalogue, Comorbidity, Condition
    from drg.dip.vocabulary import Place
    from drg.grouping.reference_case import Case

__all__ = ["RULE_FIELD", "ClaimTruth"]

#: Fields of a condition by their name in rules, where the two differ.
RULE_FIELD: Mapping[str, str] = {
    "los_days": "los",
    "birth_weight_g": "weight",
    "admission_weight_g": "admission_weight",
}


class ClaimTruth:
    """Answers the conditions of a catalogue for one claim.

    Parameters
    ----------
    catalogue : Catalogue
    case : Case
        The claim as read.
    places : mapping of str to Place
        What known diagnoses stand for.
    cost_fen : int or None
        Total cost; None: not known.
    """

    def __init__(
        self, catalogue: Catalogue, case: Case, places: Mapping[str, Place], cost_fen: int | None
    ) -> None:
        self._conditions = {condition.name: condition for condition in catalogue.conditions}
        self._values = dict(zip(SCALAR_FIELDS, case.values, strict=True))
        self._principal = places.get(case.principal_dx or "")
        secondary = dict.fromkeys(code for code in case.dx.codes if code in case.secondary_dx)
        self._secondary = [places[code] for code in secondary if code]
        self._cost = cost_fen
        self.comorbidities = present(catalogue.comorbidities, self._secondary)
        self.cci = sum(comorbidity.weight for comorbidity in self.comorbidities)

    def all_hold(self, names: Iterable[str], mean_fen: int | None) -> bool | None:
        """Whether all of these conditions hold.

        Parameters
        ----------
        names : iterable of str
        mean_fen : int or None
            Mean cost of the group that asks.
        """
        truths = [self.holds(name, mean_fen) for name in names]
        if False in truths:
            return False
        return None if None in truths else True

    def holds(self, name: str, mean_fen: int | None) -> bool | None:
        """Whether one condition holds; parameters as of ``all_hold``."""
        condition = self._conditions[name]
        if condition.cci:
            return _within(condition, self.cci)
        if condition.secondary:
            return any(self._is_among(place, condition) for place in self._secondary)
        if condition.cost_multiple is not None:
            if self._cost is None or mean_fen is None:
                return None
            return self._cost >= condition.cost_multiple * Fraction(mean_fen)
        if condition.share_of:
            return None  # a claim by itself has no such column
        value = self._values[RULE_FIELD.get(condition.field, condition.field)]
        if value is None:
            return None
        if condition.field == "disposition":
            return value in condition.values
        return _within(condition, int(value))

    def _is_among(self, place: Place, condition: Condition) -> bool:
        principal = self._principal
        if condition.other_category and principal and place.category == principal.category:
            return False
        return covered(condition.secondary, place)


def present(
    comorbidities: Iterable[Comorbidity], secondary: Iterable[Place]
) -> tuple[Comorbidity, ...]:
    """Comorbidities that secondary diagnoses speak of, without those that another one replaces."""
    secondary = list(secondary)
    found = [
        comorbidity
        for comorbidity in comorbidities
        if any(covered(comorbidity.codes, place) for place in secondary)
    ]
    replaced = {comorbidity.replaces for comorbidity in found}
    return tuple(comorbidity for comorbidity in found if comorbidity.name not in replaced)


def _within(condition: Condition, value: int) -> bool:
    low, high = condition.start, condition.stop
    return (low is None or value >= low) and (high is None or value < high)
