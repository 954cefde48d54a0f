"""What the service is asked, and the lists it gives: models that are its OpenAPI schema.

Answers about a case are those of ``drg.simulate.answer``. A field that no model knows is refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drg.claims.case import Case
from drg.schemes.crosswalk import Edition
from drg.simulate.answer import CaseFinding

__all__ = [
    "CheckRequest", "CodeHit", "ExplainRequest", "FieldInfo", "Findings", "GroupRequest", "Health",
    "OtherRequest", "PolicyLine", "Problem", "RulesLine", "SchemeLine", "SimulateRequest",
]  # fmt: skip

#: Most scenarios of one kind that a request may ask for by name.
_MANY = 20
_Name = Annotated[str, Field(min_length=1, max_length=64)]
_Code = Annotated[str, Field(min_length=1, max_length=64)]
_Numbers = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=120)],
        Annotated[str, Field(min_length=1, max_length=120)],
    ],
    Field(max_length=50),
]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GroupRequest(_Request):
    """One case, and what it is grouped by."""

    scheme: _Name | None = Field(
        None, description="Scheme, DIP catalogue or place of GET /schemes; null: as started."
    )
    compat: _Name | None = Field(None, description="Overlay of the scheme.")
    codes: Edition | None = Field(None, description="Edition of the codes; null: insurance.")
    claim: Case


class CheckRequest(GroupRequest):
    """One case, and what it is checked by."""

    rules: _Name | None = Field(
        None, description="Audit rules of GET /rules; null: national; none: without."
    )


class ExplainRequest(CheckRequest):
    """One case, what it is grouped and checked by, and what pays for it."""

    policy: _Name | None = Field(
        None, description="Policy of GET /policies; null: as started; none: without money."
    )
    numbers: _Numbers = Field(
        default_factory=dict,
        alias="set",
        description="Numbers other than the policy's own: path to value, as drg settle --set.",
    )


class OtherRequest(_Request):
    """The same case under another scheme, policy or other numbers; null: as the request says."""

    scheme: _Name | None = None
    policy: _Name | None = None
    numbers: _Numbers = Field(default_factory=dict, alias="set")


class SimulateRequest(ExplainRequest):
    """One case and the alternatives that are asked for."""

    principals: bool = Field(True, description="Each recorded diagnosis as the principal one.")
    principal_procedures: bool = Field(True, description="Each recorded procedure likewise.")
    drops: bool = Field(True, description="Each recorded code left out.")
    add_diagnoses: tuple[_Code, ...] = Field(
        (), max_length=_MANY, description="Codes that belong to the record: one scenario each."
    )
    add_procedures: tuple[_Code, ...] = Field((), max_length=_MANY)
    corrections: dict[_Name, Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=dict,
        max_length=_MANY,
        description="Column to the value that is right; empty: not reported. One scenario each.",
    )
    others: tuple[OtherRequest, ...] = Field((), max_length=_MANY)


class Findings(_Answer):
    """What grouping and audit rules find in one case."""

    findings: tuple[CaseFinding, ...]


class Problem(_Answer):
    """Why a request was not answered."""

    code: str = Field(description="Register code; drg rule CODE shows its page.")
    what: str
    where: str = ""
    mend: str = ""


class Health(_Answer):
    """That the service runs, and what it assumes."""

    status: Literal["ok"] = "ok"
    version: str
    scheme: str
    policy: str | None
    limits: dict[str, int | float]


class SchemeLine(_Answer):
    """One scheme, DIP catalogue, or place whose version the day of discharge chooses."""

    id: str
    kind: Literal["drg", "dip", "place"]
    title: str
    place: str = ""
    place_zh: str = ""
    groups: int | None = None
    in_force: tuple[str, str] = Field(description="Half-open days; empty: open or not known.")
    in_force_status: str = ""
    base: str = ""
    compat: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


class PolicyLine(_Answer):
    """One policy."""

    id: str
    place: str
    place_zh: str
    title: str
    in_force: tuple[str, str]
    in_force_status: str = ""
    scheme: str = Field("", description="Scheme or catalogue whose groups it pays; empty: any.")
    kind: Literal["drg", "dip", "other"]
    insurances: tuple[str, ...] = ()
    wanted: dict[str, str] = Field(description="Numbers to be supplied by set, and why.")
    synthetic: bool = False
    digest: str = ""


class RulesLine(_Answer):
    """One set of audit rules."""

    id: str
    title: str
    rules: int
    digest: str = ""


class CodeHit(_Answer):
    """One code that a search found."""

    kind: Literal["dx", "px"]
    code: str
    name: str
    insurance: bool = Field(description="The insurance edition has it.")
    insurance_code: str = Field(description="What to enter: itself, or what it stands for.")
    insurance_name: str = ""
    match: Literal["code", "prefix", "name"]
    known: bool | None = Field(None, description="The scheme knows it; null: no scheme named.")
    level: str = Field("", description="MCC or CC in the scheme named.")


class FieldInfo(_Answer):
    """One column of a case."""

    name: str
    title: str
    kind: Literal["str", "int", "date", "money", "codes"]
    group: Literal["grouping", "payment", "list"]
    unit: str = ""
    meaning: str = ""
    null: str = ""
    headers: tuple[str, ...] = Field((), description="Headers of files that are read as it.")
