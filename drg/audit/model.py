"""What an audit rule is, and what it says of every claim: hit, pass or not assessable.

A rule is data (``tables/audit``); its ``kind`` names the small function that judges it. Such a
function gets ``Claims`` and the rule's parameters and gives a ``Verdict``, columns in and columns
out. A missing input is never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Rows = NDArray[np.integer[Any]]

__all__ = ["NO_AMOUNT", "Level", "Result", "Rule", "RuleSet", "Scope", "Verdict"]

#: In place of an amount at stake: none can be told.
NO_AMOUNT = -(2**63)


class Level(StrEnum):
    """What follows from a hit; nothing that needs a human ever deducts by itself."""

    REJECT = "reject"
    AUTO_DEDUCT = "auto_deduct"
    REVIEW = "review"


class Result(StrEnum):
    """What a rule says of a claim."""

    HIT = "hit"
    PASS = "pass"
    NOT_ASSESSABLE = "not_assessable"


class Scope(StrEnum):
    """What a kind of rule must see at once.

    ``CLAIM`` a claim by itself; ``ITEMS`` a claim with its charges; ``WHOLE`` every claim of the
    run (stays of one person, distributions over groups, hospitals).
    """

    CLAIM = "claim"
    ITEMS = "items"
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a rule set, with the page that ``drg rule`` shows.

    Attributes
    ----------
    id : str
        ``A`` and three digits for shipped ones, such as ``"A301"``.
    kind : str
        Name of the function that judges it.
    level : Level
    params : mapping
        Parameters of that kind, checked when the set is loaded: money as fen, ratios as Fraction.
    type : int
        Type of the violation in the national enumeration, 1-13; 0: none of them.
    title_zh, title_en, what_zh, … : str
        Wording; ``mend`` is what to do about a hit.
    source : str
        Document of ``tables/sources.toml``.
    status : str
        How the rule is known: official, transcribed, derived, recalled, synthetic, supplied.
    """

    id: str
    kind: str
    level: Level
    params: Mapping[str, Any] = field(default_factory=dict)
    type: int = 0
    title_zh: str
    title_en: str
    what_zh: str
    what_en: str
    why_zh: str
    why_en: str
    mend_zh: str
    mend_en: str
    example_zh: str
    example_en: str
    source: str
    status: str


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """Rules that a place, or a year, audits by; in order of their ids.

    Attributes
    ----------
    id : str
        Such as ``"national"`` or ``"chuzhou-2019"``.
    title_zh, title_en : str
    rules : tuple of Rule
    sources : tuple of str
    digest : str
        SHA-256 over all that decides a finding, code lists included.
    """

    id: str
    title_zh: str
    title_en: str
    rules: tuple[Rule, ...]
    sources: tuple[str, ...]
    digest: str

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of an id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


class Verdict(NamedTuple):
    """What a rule says of every claim it saw, one entry a claim.

    Attributes
    ----------
    hit : bool array
    unknown : bool array
        Not assessable; never together with ``hit``. Neither: a pass.
    evidence : callable
        ``evidence(rows, lang)``: for the rows of these places (hits, or not assessable ones) one
        text each: codes, dates, amounts as the file has them, or the name of what is missing.
    amount : int64 array or None
        Fen at stake of each claim, ``NO_AMOUNT`` where none can be told; None: for no claim.
    stakes : DataFrame or None
        ``amount`` line by line: ``STAKES`` without ``rule``; None: no rule on charges.
    """

    hit: Flags
    unknown: Flags
    evidence: Callable[[Rows, str], Sequence[str]]
    amount: Ints | None = None
    stakes: pl.DataFrame | None = None
