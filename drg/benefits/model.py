"""One visit's money on the patient's side: what goes in, what comes out, what the year remembers.

Amounts are int fen. The layers stand in the order in which they pay; what they leave is the
patient's, so the parts always sum to the total.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LAYERS", "Balance", "Layer", "Settled", "Visit"]

#: Kinds of layers in the order in which they pay.
LAYERS = ("basic", "critical", "assistance", "backstop")


class Visit(NamedTuple):
    """A stay or an outpatient visit as its settlement sees it.

    Attributes
    ----------
    total : int
        All charges, fen.
    own_pay, first_self_pay, over_limit : int
        Outside the catalogue (丙类), paid first of class B (乙类先行自付), above price limits; fen.
    insurance : str
        ``310`` employee, ``390`` resident.
    level : str
        Level of the hospital as the plan names it; ``""`` not reported.
    category : str
        Category of the person as the plan names it, such as ``"low_income"``; ``""``: none.
    retired : bool or None
        None: not reported.
    off_site : str
        ``""`` at home; else as the plan names it, such as ``"referred"`` or ``"unreferred"``.
    region : str
        Where the hospital lies as the plan names it (county, city, province); ``""`` not reported.
    care : str
        ``"inpatient"``, ``"outpatient"``, ``"chronic"``.
    basic_paid : int or None
        What basic insurance has paid, for a plan that has no terms for it; None: not reported.
    """

    total: int
    own_pay: int = 0
    first_self_pay: int = 0
    over_limit: int = 0
    insurance: str = ""
    level: str = ""
    category: str = ""
    retired: bool | None = None
    off_site: str = ""
    region: str = ""
    care: str = "inpatient"
    basic_paid: int | None = None


class Balance(NamedTuple):
    """What a person has used up in a year before a visit; fen, counts.

    Attributes
    ----------
    visits : int
        Stays settled so far; the next one may have another deductible.
    basic, critical, assistance, backstop : int
        Paid by each layer.
    compliant : int
        Compliant cost borne after basic insurance: what critical illness is reckoned on.
    patient : int
        Borne by the person after all layers, compliant cost only.
    region : str
        Highest region level of the year's stays: ceilings of mixed years go by it.
    """

    visits: int = 0
    basic: int = 0
    critical: int = 0
    assistance: int = 0
    backstop: int = 0
    compliant: int = 0
    patient: int = 0
    region: str = ""


class Layer(NamedTuple):
    """What one layer did in a visit; fen.

    Attributes
    ----------
    id : str
        Name in the plan, such as ``"basic"``, ``"critical"``, ``"351"``.
    kind : str
        One of ``LAYERS``.
    base : int
        Compliant amount that reached the layer.
    deductible : int
        Part of it below the deductible or the start.
    paid : int
    capped : int
        What a cap took away.
    """

    id: str
    kind: str
    base: int
    deductible: int
    paid: int
    capped: int = 0


class Settled(NamedTuple):
    """A visit settled: ``sum(layer.paid) + patient == total``, always.

    Attributes
    ----------
    total : int
    eligible : int
        Compliant for basic insurance.
    layers : tuple of Layer
        In the order in which they paid.
    patient : int
        The remainder.
    reason : str
        Why it could not be settled (code of a page); ``""``: it was. Then no layer paid.
    """

    total: int
    eligible: int
    layers: tuple[Layer, ...]
    patient: int
    reason: str = ""

    @property
    def fund(self) -> int:
        """What all layers paid."""
        return sum(layer.paid for layer in self.layers)
