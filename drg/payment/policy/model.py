"""A policy as data: which mechanisms a place pays by, and every number they need.

A part that is None is not used by the place. A number that the documents do not give is None and
listed in ``Policy.wanted``: a claim that needs it is not priced, and says what to supply.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from drg.dates import Interval
from drg.payment.policy.by_group import DrgPayment
from drg.payment.policy.dip import DipPayment
from drg.payment.policy.numbers import Model, Span
from drg.payment.policy.other_modes import BedDay, CommunityPackage, Outpatient, PerDisease
from drg.payment.policy.terms import Budget, Month, Year

__all__ = [
    "Policy",
    "Provenance",
    "Sourced",
]


Status = Literal["official", "transcribed", "derived", "recalled", "synthetic", "supplied"]


class Provenance(Model):
    """Where a number stands: document of ``sources.toml`` and how it is known.

    ``supplied`` is a number that the user gave.
    """

    source: str
    status: Status
    note: str = ""


class Sourced(Model):
    """What a file of numbers says of itself, and where each of its numbers stands.

    Attributes
    ----------
    id : str
        ``"<place>-<year>"`` for shipped ones.
    also : tuple of str
        Other names of the place, such as ``"harbin"`` beside ``"haerbin"``.
    in_force : Interval
        Days of discharge, half-open.
    insurances : tuple of str
        Codes it covers; empty: every one.
    provenance : mapping of str to Provenance
        Path of a number (``"month.retention"``, ``"drg.rates.0.rate"``) to where it stands.
    wanted : mapping of str to str
        Path of a number that must be supplied to why, in the language of the catalogue's reader.
    digest : str
        SHA-256 over all that decides a payment, tables included.
    folder : str
        Where tables named by the file lie.
    """

    id: str
    place: str
    place_zh: str
    also: tuple[str, ...] = ()
    title_zh: str
    title_en: str
    in_force: Span = Interval()
    in_force_status: str = ""
    in_force_note: str = ""
    insurances: tuple[str, ...] = ()
    synthetic: bool = False
    sources: tuple[str, ...] = ()
    notes: tuple[Mapping[str, str], ...] = ()
    provenance: Mapping[str, Provenance] = Field(default_factory=dict)
    wanted: Mapping[str, str] = Field(default_factory=dict)
    digest: str = ""
    folder: str = ""


class Policy(Sourced):
    """The payment rules of a place over an interval; a part that is None is not used there."""

    kind: Literal["policy"] = "policy"
    drg: DrgPayment | None = None
    dip: DipPayment | None = None
    per_disease: PerDisease | None = None
    bed_day: tuple[BedDay, ...] = ()
    outpatient: Outpatient | None = None
    community: CommunityPackage | None = None
    budget: Budget | None = None
    month: Month = Month()
    year: Year = Year()
