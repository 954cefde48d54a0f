"""What the reference matcher finds out about a claim, step by step: facts, not yet words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from drg.dip.choose import Choice, Fit
    from drg.dip.model import Comorbidity, Group, Subtype
    from drg.dip.vocabulary import Place
    from drg.grouping.reference_case import Case
    from drg.grouping.result import GroupResult

__all__ = ["Decision", "ProcedureKind", "Trial", "TypeDecision", "Verdict"]

#: ``fits``; or which part of the group does not: a term without a procedure, procedures that are
#: not quiet, another kind, a condition that is false, one that cannot be told.
Verdict = Literal["fits", "term", "quiet", "kind", "condition", "unknown"]


class ProcedureKind(NamedTuple):
    """A known procedure of the claim, its kind, and whether that is derived."""

    code: str
    kind: str
    derived: bool


class Trial(NamedTuple):
    """A group of the diagnosis, tried.

    Attributes
    ----------
    group : Group
    type : str
        ``core.surgery``.
    tier : int
        From 0.
    verdict : Verdict
    about : str
        The terms that are not met as text, or the condition.
    fit : Fit or None
        Where the procedures fit.
    """

    group: Group
    type: str
    tier: int
    verdict: Verdict
    about: str
    fit: Fit | None


class TypeDecision(NamedTuple):
    """An auxiliary type of a claim.

    Attributes
    ----------
    type : str
    subtype : str or None
        Of the first row whose conditions hold.
    conditions : tuple of str
        Of that row.
    doubts : tuple of str
        Conditions that cannot be told, of the rows before it.
    """

    type: str
    subtype: str | None
    conditions: tuple[str, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """How a claim got its group.

    Attributes
    ----------
    case : Case
        The claim as read.
    place : Place or None
        What the principal diagnosis stands for; None: missing or unknown.
    cost_fen : int or None
    kinds : tuple of ProcedureKind
        Of the known procedures, in order, each once.
    ruling : str
        The kind that chooses the comprehensive group.
    ruling_code : str or None
        The procedure it is of; None: no procedure counts.
    trials : tuple of Trial
        Groups of the diagnosis in the order of tiers, then of the table.
    choice : Choice or None
        Among the fitting ones of the first tier that has any.
    types : tuple of TypeDecision
    comorbidities : tuple of Comorbidity
        That count.
    listed : tuple of Subtype
        Of the chosen group.
    matched : tuple of Subtype
        Of those, the ones the claim is of, in the table's order.
    subtype : Subtype or None
        The one taken.
    result : GroupResult
    """

    case: Case
    place: Place | None
    cost_fen: int | None
    kinds: tuple[ProcedureKind, ...]
    ruling: str
    ruling_code: str | None
    trials: tuple[Trial, ...]
    choice: Choice | None
    types: tuple[TypeDecision, ...]
    comorbidities: tuple[Comorbidity, ...]
    listed: tuple[Subtype, ...]
    matched: tuple[Subtype, ...]
    subtype: Subtype | None
    result: GroupResult
