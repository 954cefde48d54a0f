"""What a hospital keeps of a surplus under joint procurement (带量采购结余留用, spec A.8)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.money import ratio_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Procurement

    Ints = NDArray[np.int64]

__all__ = [
    "NOT_PROCURED", "PROCUREMENT_KINDS", "ProcurementKind", "kinds_of", "lowest_kind",
    "procured_kinds", "retained_fen",
]  # fmt: skip

#: In place of a kind: the case used no product under joint procurement.
NOT_PROCURED = 255


class ProcurementKind(StrEnum):
    """Standing of a product: selected and within the task volume, beyond it, or not selected."""

    WITHIN_TASK = "within_task"
    BEYOND_TASK = "beyond_task"
    NON_SELECTED = "non_selected"


#: In the order of the numbers that ``lowest_kind`` gives.
PROCUREMENT_KINDS: tuple[ProcurementKind, ...] = tuple(ProcurementKind)


#: Spellings of a kind; what a hospital does not report counts as not selected.
_SPELLED = {
    **{str(kind): kind for kind in ProcurementKind},
    "任务量内": ProcurementKind.WITHIN_TASK, "任务内": ProcurementKind.WITHIN_TASK,
    "约定量内": ProcurementKind.WITHIN_TASK, "任务量外": ProcurementKind.BEYOND_TASK,
    "任务外": ProcurementKind.BEYOND_TASK, "超任务量": ProcurementKind.BEYOND_TASK,
    "约定量外": ProcurementKind.BEYOND_TASK,
    "非中选": ProcurementKind.NON_SELECTED, "未中选": ProcurementKind.NON_SELECTED,
    "not_reported": ProcurementKind.NON_SELECTED, "未填报": ProcurementKind.NON_SELECTED,
}  # fmt: skip
_BETWEEN = re.compile(r"[|,;、，；]")


def kinds_of(text: str) -> tuple[ProcurementKind, ...] | None:
    """Kinds of the products of a case, as a claim spells them.

    Parameters
    ----------
    text : str
        One kind, or several with ``|``, a comma or a semicolon between.

    Returns
    -------
    tuple of ProcurementKind, or None
        None: one of them is no kind.

    Examples
    --------
    >>> [str(kind) for kind in kinds_of("within_task|非中选")]
    ['within_task', 'non_selected']
    >>> kinds_of("other") is None
    True
    """
    words = [word.strip().casefold().removeprefix("中选") for word in _BETWEEN.split(text)]
    found = [_SPELLED.get(word) for word in words if word]
    named = tuple(kind for kind in found if kind is not None)
    return named if len(named) == len(found) else None


def procured_kinds(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which kinds each of some texts names, as ``lowest_kind`` takes them; a last column for none.

    Parameters
    ----------
    texts : sequence of str
        As ``kinds_of`` reads them; one that is no kind names none.
    """
    used = np.zeros((len(PROCUREMENT_KINDS), len(texts) + 1), np.bool_)
    for n, text in enumerate(texts):
        for kind in kinds_of(text) or ():
            used[PROCUREMENT_KINDS.index(kind), n] = True
    return used


def lowest_kind(used: NDArray[np.bool_], rule: Procurement) -> NDArray[np.uint8]:
    """The kind that holds for a case with several products: the one that leaves it least.

    Parameters
    ----------
    used : bool array of shape (kinds, cases)
        Which kinds a case used, in the order of ``PROCUREMENT_KINDS``.
    rule : Procurement

    Returns
    -------
    uint8 array
        Place in ``PROCUREMENT_KINDS``, or ``NOT_PROCURED``.

    Examples
    --------
    >>> from drg.payment.policy import Procurement
    >>> rule = Procurement(within_task=1, beyond_task="0.7", non_selected="0.5")
    >>> lowest_kind(np.array([[True, True, False], [True, False, False], [False] * 3]), rule)
    array([  1,   0, 255], dtype=uint8)
    """
    found = np.full(used.shape[1], NOT_PROCURED, np.uint8)
    ratios = _ratios(rule)
    for kind in sorted(range(len(ratios)), key=lambda kind: -ratios[kind]):
        found[used[kind]] = kind
    return found


def retained_fen(surplus_fen: Ints, kind: NDArray[np.integer[Any]], rule: Procurement) -> Ints:
    """What the hospital keeps of each case's surplus; a deficit stays with it whole.

    Parameters
    ----------
    surplus_fen : int64 array
        Price less cost, in fen.
    kind : integer array
        Place in ``PROCUREMENT_KINDS``; ``NOT_PROCURED`` keeps all.
    rule : Procurement

    Returns
    -------
    int64 array
        Fen, half up.

    Examples
    --------
    >>> from drg.payment.policy import Procurement
    >>> rule = Procurement(within_task=1, beyond_task="0.7", non_selected="0.5")
    >>> retained_fen(np.array([300_000, 300_000, -120_000]), np.array([1, 2, 2]), rule)
    array([ 210000,  150000, -120000])
    """
    out = surplus_fen.copy()
    for code, ratio in enumerate(_ratios(rule)):
        rows = np.flatnonzero((kind == code) & (surplus_fen > 0))
        out[rows] = ratio_array(surplus_fen[rows], ratio)
    return out


def _ratios(rule: Procurement) -> tuple[Fraction, ...]:
    return rule.within_task, rule.beyond_task, rule.non_selected
