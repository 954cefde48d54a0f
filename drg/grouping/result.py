"""What grouping one claim gives."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How a claim's grouping ended (docs/outcomes.md)."""

    GROUPED = "GROUPED"
    AMBIGUOUS = "AMBIGUOUS"
    UNGROUPABLE = "UNGROUPABLE"
    REJECTED = "REJECTED"
    NOT_IN_FORCE = "NOT_IN_FORCE"


class GroupResult(NamedTuple):
    """The group of one claim and how it came about.

    Attributes
    ----------
    claim_id : str
        As given.
    mdc, adrg, group, group_name : str or None
        Null where the outcome has none; ``"0000"`` / ``"00"`` / ``"0000"`` when ungroupable.
    severity : {"MCC", "CC", "NONE"} or None
        Highest level that counted; only for a grouped claim.
    outcome : Outcome
    reason : str or None
        Reason code (``drg rule CODE``); a note when the claim is grouped.
    scheme : str or None
        Scheme id; None when no version was in force.
    digest : str
        Digest of its tables and overlay, or of the place's versions when none was in force.
    nearest_version : str or None
        When none was in force: the nearest version and its days.
    group_class : str or None
        DIP only: class and kind of the group, such as ``core.surgery``; ``mdc`` and ``severity``
        are then null, ``adrg`` is the group without its auxiliary subtype.
    auxiliary : str or None
        DIP only: auxiliary subtype whose score counts.
    decided_by : str or None
        DIP only: the comparator that chose among several groups that fitted.
    score_e4 : int or None
        DIP only: score × 10⁴.
    """

    claim_id: str
    mdc: str | None
    adrg: str | None
    group: str | None
    group_name: str | None
    severity: str | None
    outcome: Outcome
    reason: str | None
    scheme: str | None
    digest: str
    nearest_version: str | None = None
    group_class: str | None = None
    auxiliary: str | None = None
    decided_by: str | None = None
    score_e4: int | None = None
