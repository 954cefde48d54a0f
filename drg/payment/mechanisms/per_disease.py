"""Per-disease payment (单病种): fund, patient's part and the way out of it (spec C).

Arrays are int64 fen of one shape without nulls; the caller masks. The table of diseases and its
matching stand in ``drg.payment.mechanisms.disease_table``.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

from drg.money import exceeds, round_scaled
from drg.payment.mechanisms.disease_table import DiseaseTable, load_diseases
from drg.payment.mechanisms.quotients import RATIO_SCALE, portion_array, times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from drg.payment.mechanisms.quotients import Flags, Ints

__all__ = [
    "BilledApart", "DiseaseTable", "Inferred", "Pathway", "Payment", "billed_separately",
    "exit_reason", "fixed_amount", "fixed_fund", "full_standard", "infer_standard",
    "load_diseases",
]  # fmt: skip


class Payment(NamedTuple):
    """What a case pays, in fen; ``hospital`` = fund + patient - actual cost, up or down."""

    fund: Ints
    patient: Ints
    hospital: Ints


class BilledApart(NamedTuple):
    """A package and what is billed beside it, in fen."""

    package: Ints
    apart: Ints
    total: Ints


class Inferred(NamedTuple):
    """A standard worked back from the fund's fixed amount, in fen."""

    standard: int
    patient: int


class Pathway(StrEnum):
    """Whether a case is paid per disease, and why not; codes are positions in this order."""

    STAYS = "stays"
    DX_NOT_LISTED = "dx_not_listed"
    PX_NOT_LISTED = "px_not_listed"
    AGE = "age"
    EXCLUDED_DX = "excluded_dx"
    TRANSFERRED = "transferred"
    DX_CHANGED = "dx_changed"
    COST_LOW = "cost_low"
    COST_HIGH = "cost_high"

    @property
    def mode(self) -> Literal["single_disease", "not_entered", "exit"]:
        """``not_entered``: it never was such a case; ``exit``: it was, and leaves the pathway."""
        if self is Pathway.STAYS:
            return "single_disease"
        entry = (Pathway.DX_NOT_LISTED, Pathway.PX_NOT_LISTED, Pathway.AGE, Pathway.EXCLUDED_DX)
        return "not_entered" if self in entry else "exit"

    @property
    def reason(self) -> str | None:
        """Why the case is not paid per disease; None when it is."""
        return None if self is Pathway.STAYS else self.value


def fixed_fund(actual: Ints, standard: Ints, ratio: Fraction | Ints) -> Payment:
    """Fund pays its share of the standard, whatever the case costs (recalled Anhui rule).

    ``fund = standard × ratio``; ``patient = min(actual, standard) × (1 - ratio)``: the patient's
    part is never above its share of the standard, and the hospital bears the difference both ways.

    Parameters
    ----------
    actual, standard : int64 arrays
        Fen, zero or more.
    ratio : Fraction or int64 array
        Fund's share; an array is scaled 10⁶.

    Examples
    --------
    >>> import numpy as np
    >>> pay = fixed_fund(np.array([1_150_000]), np.array([1_000_000]), Fraction("0.6"))
    >>> [int(part[0]) for part in pay]
    [600000, 400000, -150000]
    """
    import numpy as np

    rest = 1 - ratio if isinstance(ratio, Fraction) else RATIO_SCALE - ratio
    fund = times(standard, ratio)
    patient = times(np.minimum(actual, standard), rest)
    return Payment(fund, patient, fund + patient - actual)


def fixed_amount(actual: Ints, standard: Ints, fund: Ints) -> Payment:
    """``fixed_fund`` where the document gives the fund's amount instead of its share.

    ``patient = min(actual, standard) × (standard - fund) ÷ standard``.

    Parameters
    ----------
    actual, standard, fund : int64 arrays
        Fen; ``fund`` at most ``standard``, which is greater than zero.
    """
    import numpy as np

    patient = portion_array(np.minimum(actual, standard), standard - fund, standard)
    return Payment(fund, patient, fund + patient - actual)


def full_standard(
    actual: Ints,
    standard: Ints,
    patient_share: Ints,
    surplus_to: Literal["hospital", "fund"] = "hospital",
) -> Payment:
    """Fund pays the standard less the patient's policy share, never below zero.

    Parameters
    ----------
    actual, standard : int64 arrays
        Fen.
    patient_share : int64 array
        What the patient pays by the policy, in fen.
    surplus_to : {"hospital", "fund"}
        ``hospital`` keeps what lies below the standard (结余留用); with ``fund`` a case below the
        standard is paid at its cost (据实结算). Above the standard the hospital bears the rest.
    """
    import numpy as np

    price = np.minimum(actual, standard) if surplus_to == "fund" else standard
    fund: Ints = np.maximum(price - patient_share, 0)
    return Payment(fund, patient_share, fund + patient_share - actual)


def exit_reason(
    dx_listed: Flags,
    px_listed: Flags,
    transferred: Flags,
    actual: Ints,
    standard: Ints,
    *,
    low: Fraction | None = None,
    high: Fraction | None = None,
    age_fits: Flags | None = None,
    excluded_dx: Flags | None = None,
    dx_changed: Flags | None = None,
) -> NDArray[np.uint8]:
    """Whether each case enters the pathway, stays in it, or leaves it, and the first reason.

    Parameters
    ----------
    dx_listed, px_listed : bool arrays
        The list has the principal diagnosis, and with it the procedure (or asks for none).
    transferred : bool array
        Discharged to another hospital; all False where transfer is no exit.
    actual, standard : int64 arrays
        Fen; a standard is not looked at where the case is not entered.
    low, high : Fraction, optional
        A cost below ``low × standard`` or above ``high × standard`` leaves; at the bound it stays.
    age_fits, excluded_dx, dx_changed : bool array, optional
        Age inside the bounds; a comorbidity that keeps out; principal diagnosis changed.

    Returns
    -------
    uint8 array
        Positions in ``Pathway``.

    Examples
    --------
    >>> import numpy as np
    >>> yes, no = np.array([True]), np.array([False])
    >>> bounds = {"low": Fraction("0.4"), "high": Fraction(2)}
    >>> code = exit_reason(yes, yes, no, np.array([510_000]), np.array([1_300_000]), **bounds)
    >>> found = list(Pathway)[code[0]]
    >>> found.mode, found.reason
    ('exit', 'cost_low')
    """
    import numpy as np

    none = np.zeros(len(actual), np.bool_)
    cheap = none if low is None else ~exceeds(actual, low, standard, inclusive=True)
    checks: tuple[tuple[Pathway, Flags], ...] = (
        (Pathway.DX_NOT_LISTED, ~dx_listed),
        (Pathway.PX_NOT_LISTED, ~px_listed),
        (Pathway.AGE, none if age_fits is None else ~age_fits),
        (Pathway.EXCLUDED_DX, none if excluded_dx is None else excluded_dx),
        (Pathway.TRANSFERRED, transferred),
        (Pathway.DX_CHANGED, none if dx_changed is None else dx_changed),
        (Pathway.COST_LOW, cheap),
        (Pathway.COST_HIGH, none if high is None else exceeds(actual, high, standard)),
    )
    order = list(Pathway)
    codes = np.zeros(len(actual), np.uint8)
    for pathway, holds in reversed(checks):
        codes[holds] = order.index(pathway)
    return codes


def infer_standard(
    fund_fixed: int, stated_ratio: Fraction, reading: Literal["self_pay_ratio", "fund_ratio"]
) -> Inferred:
    """The standard behind a fixed fund amount and a stated ratio.

    Parameters
    ----------
    fund_fixed : int
        Fen, zero or more.
    stated_ratio : Fraction
        As the document states it.
    reading : {"self_pay_ratio", "fund_ratio"}
        Whose ratio it is: ``standard = fund ÷ (1 - ratio)``, or ``fund ÷ ratio``.

    Raises
    ------
    ValueError
        The fund's share so read does not lie above 0 and at most at 1, or another reading.

    Examples
    --------
    >>> infer_standard(260_000, Fraction("0.6"), "self_pay_ratio")
    Inferred(standard=650000, patient=390000)
    >>> infer_standard(260_000, Fraction("0.6"), "fund_ratio")
    Inferred(standard=433333, patient=173333)
    """
    if reading not in ("self_pay_ratio", "fund_ratio"):
        raise ValueError(f"a stated ratio is self_pay_ratio or fund_ratio, not {reading!r}")
    share = 1 - stated_ratio if reading == "self_pay_ratio" else stated_ratio
    if not 0 < share <= 1 or fund_fixed < 0:
        raise ValueError(f"no standard has {fund_fixed} fen as its share of {share}")
    standard = round_scaled(fund_fixed / share, 0)
    return Inferred(standard, standard - fund_fixed)


def billed_separately(package: Ints, *apart: Ints) -> BilledApart:
    """A package and what is billed on top of it: special ward, listed implants (Wuhan 2018).

    Parameters
    ----------
    package : int64 array
        The standard, in fen; all-in for everything else.
    *apart : int64 arrays
        Fen, zero or more.
    """
    import numpy as np

    more: Ints = sum(apart, start=np.zeros(len(package), np.int64))
    return BilledApart(package, more, package + more)
