"""What a coder is told of one case, and of what would change it: immutable models, JSON as is.

Texts are in the language asked for; amounts are whole fen, weights and points decimal text. None
means: not known, or there is none; a field beside it says why. The service's schema is made of
these models.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Bound", "CaseFinding", "Change", "Difference", "Explanation", "Grouping", "Line", "Money",
    "Scenario", "ScenarioKind", "Simulation", "Stay", "Term",
]  # fmt: skip

ScenarioKind = Literal[
    "principal_diagnosis", "principal_procedure", "drop_diagnosis", "drop_procedure",
    "add_diagnosis", "add_procedure", "correct", "scheme", "policy", "numbers",
]  # fmt: skip


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Grouping(Answer):
    """Where a case is, as ``drg.GroupResult``; ``reason_title`` words ``reason``."""

    scheme: str | None
    scheme_title: str = ""
    digest: str
    kind: Literal["drg", "dip"]
    outcome: str
    mdc: str | None
    mdc_name: str | None = None
    adrg: str | None
    adrg_name: str | None = None
    group: str | None
    group_name: str | None
    severity: str | None
    reason: str | None
    reason_title: str = ""
    nearest_version: str | None = None
    group_class: str | None = None
    auxiliary: str | None = None
    decided_by: str | None = None
    score: str | None = Field(None, description="DIP: points as the catalogue has them.")


class Line(Answer):
    """One line of the decision path; ``depth`` is its indent, ``source`` the table row."""

    text: str
    depth: int = 0
    holds: bool | None = None
    kind: str = ""
    source: str = ""


class Term(Answer):
    """One term of a price: its ``name`` in words, its ``value`` as text, where it stands.

    ``amount_fen`` is the value where that is money.
    """

    name: str
    value: str
    amount_fen: int | None = None
    source: str = ""


class Bound(Answer):
    """A bound of the cost classes.

    ``distance_fen`` is the bound less the cost: how much more the case may cost before it reaches
    the bound; negative when its cost lies above.
    """

    kind: Literal["low", "high", "extreme"]
    title: str
    multiple: str
    inclusive: bool = Field(description="A cost at the bound belongs to the class beyond it.")
    amount_fen: int
    distance_fen: int
    distance_ratio: str | None = Field(description="Distance over the cost, four places.")
    source: str = Field("", description="Document of the multiple, and its status.")


class Money(Answer):
    """What a policy is expected to pay for a case; codes with their titles beside them.

    ``difference_fen`` is what the hospital is expected to have over cost: fund and patient less
    cost. ``capped_fund_fen``: the fund's part if the month's caps leave the case out, or a package
    or ceiling of the year is used up; None where neither can touch it. ``note`` says why a case
    is not payable as it stands.
    """

    policy: str
    policy_title: str = ""
    digest: str
    changed: tuple[str, ...] = Field((), description="Numbers other than the policy's own.")
    pay_mode: str
    pay_mode_title: str
    route: str
    route_title: str
    case_class: str | None = None
    case_class_title: str = ""
    branch: str | None = None
    branch_title: str = ""
    weight: str | None = None
    score: str | None = None
    points: str | None = None
    rate_fen: int | None = None
    point_value: str | None = None
    coefficient: str | None = None
    auxiliary_coefficient: str | None = None
    reference_fen: int | None = Field(None, description="What costs are compared with.")
    standard_fen: int | None = None
    cost_fen: int | None = None
    price_fen: int | None = None
    patient_fen: int | None = None
    fund_fen: int | None = None
    difference_fen: int | None = None
    capped_fund_fen: int | None = None
    bounds: tuple[Bound, ...] = ()
    terms: tuple[Term, ...] = ()
    note: str | None = None
    note_title: str = ""
    note_mend: str = ""


class Stay(Answer):
    """Length of stay against the group's mean."""

    los_days: int | None
    mean_days: str | None = Field(None, description="Two places.")
    ratio: str | None = Field(None, description="Days over the mean, four places.")
    mean_cost_fen: int | None = None
    cost_ratio: str | None = Field(None, description="Cost over the mean, four places.")
    source: str = Field("", description="Where the means stand; why there are none.")


class CaseFinding(Answer):
    """One finding of grouping or of an audit rule; as the columns of ``drg check``."""

    code: str
    level: str
    title: str
    concerns: str = ""
    mend: str = ""
    amount_fen: int | None = None
    source: str = ""


class Explanation(Answer):
    """One case as it stands."""

    claim_id: str
    row: int | None = None
    grouping: Grouping
    money: Money | None = None
    stay: Stay
    path: tuple[Line, ...] = ()
    findings: tuple[CaseFinding, ...] = ()
    diagnoses: tuple[tuple[str, str], ...] = Field((), description="Codes with their names.")
    procedures: tuple[tuple[str, str], ...] = ()


class Change(Answer):
    """What a scenario changes: a field, from what to what."""

    field: str
    title: str
    before: str = ""
    after: str = ""


class Difference(Answer):
    """What a scenario comes to less what the case comes to; None where one of them is None."""

    weight: str | None = None
    score: str | None = Field(None, description="Points of a DIP group.")
    standard_fen: int | None = None
    fund_fen: int | None = None
    difference_fen: int | None = None


class Scenario(Answer):
    """One changed case.

    ``place`` is its place in clinical and recorded order, from 1: scenarios are never ordered by
    payment. ``because`` says why group and money differ, or why they do not.
    """

    place: int
    kind: ScenarioKind
    label: str
    changes: tuple[Change, ...]
    grouping: Grouping
    money: Money | None = None
    same_group: bool
    difference: Difference
    because: tuple[str, ...] = ()
    raised: tuple[CaseFinding, ...] = Field((), description="Findings the change raises.")
    cleared: tuple[CaseFinding, ...] = Field((), description="Findings the change settles.")


class Simulation(Answer):
    """One case and what would change it."""

    base: Explanation
    scenarios: tuple[Scenario, ...]
    notice: str = Field(description="What this is, and what it is not.")
    left_out: tuple[str, ...] = Field((), description="Scenarios that cannot be, and why.")
