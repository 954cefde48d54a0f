"""Kinds of rules on codes: whom a code can belong to, which codes go together, what is principal.

Codes are compared in capitals without blanks; every distinct code of a batch is looked up once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from drg.audit import evidence
from drg.audit.kind import AuditClaims, CodeRows, Kind, Params
from drg.audit.lists import ListParam, RuleList, matcher
from drg.audit.model import Scope, Verdict
from drg.audit.person import CodeField, ages, claims_with, without_codes
from drg.claims.named import Named, clean_code
from drg.text import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

__all__ = ["CODE_KINDS"]

Position = Literal["any", "principal", "other"]


class CodesFor(Params):
    """Codes and the persons that can have them; at least one limit."""

    codes: ListParam
    unless: ListParam | None = None
    of: CodeField = "diagnoses"
    position: Position = "any"
    sex: Literal["M", "F"] | None = None
    min_years: int | None = Field(None, ge=0)
    max_years: int | None = Field(None, ge=0)
    max_days: int | None = Field(None, ge=0)
    insurances: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _limits(self) -> Self:
        limits = (self.sex, self.min_years, self.max_years, self.max_days, self.insurances or None)
        if all(limit is None for limit in limits):
            raise ValueError(text("audit.want_limit"))
        return self


def judge_codes_for(claims: AuditClaims, params: CodesFor) -> Verdict:
    """Hit: a listed code with a person it cannot belong to."""
    codes = claims.codes(params.of)
    marked = _marked(codes, params.codes, params.unless, params.position)
    have = claims_with(claims, codes.row[marked])
    wrong = np.zeros(claims.rows, np.bool_)
    unsure = np.zeros(claims.rows, np.bool_)
    fields = []
    if params.sex is not None:
        fields.append("sex")
        wrong |= claims.sex.marked(lambda sex: sex != params.sex)
        unsure |= claims.sex.missing
    if params.min_years is not None or params.max_years is not None:
        fields.append("age")
        found = ages(claims)
        below = found.years < (params.min_years or 0)
        above = found.years > (params.max_years if params.max_years is not None else 10**6)
        wrong |= found.years_known & (below | above)
        unsure |= ~found.years_known
    if params.max_days is not None:
        fields += ["age", "age_days"]
        found = ages(claims)
        wrong |= found.days_known & (found.days > params.max_days)
        unsure |= ~found.days_known
    if params.insurances:
        fields.append("insurance")
        kinds = claims.texts("insurance")
        wrong |= kinds.marked(lambda kind: kind not in params.insurances)
        unsure |= kinds.missing
    hit = have & wrong
    unknown = (have & unsure & ~wrong) | (without_codes(claims, params.of) & ~hit)
    told = evidence.joined(
        evidence.codes(claims, params.of, marked), evidence.cells(claims, fields)
    )
    return Verdict(hit, unknown, told)


class CodePairs(Params):
    """Pairs that cannot stand together.

    Columns ``code``, ``other`` (several joined by |); ``instead``: the one code there is for both.
    """

    pairs: ListParam
    of: CodeField = "diagnoses"

    @field_validator("pairs")
    @classmethod
    def _columns(cls, pairs: RuleList) -> RuleList:
        return pairs.having("other")


def judge_code_pairs(claims: AuditClaims, params: CodePairs) -> Verdict:
    """Hit: a claim has two different codes of a pair."""
    codes = claims.codes(params.of)
    pairs = _pairs(params.pairs)
    # Of the codes of a batch few stand in any pair: the pairs look at those only.
    concerned = np.flatnonzero(codes.among(tuple(p for pair in pairs for p in pair.both)))
    row, code = codes.row[concerned], _fewer(codes.code.take(concerned))
    hit = np.zeros(claims.rows, np.bool_)
    told: list[tuple[Flags, Flags, str]] = []
    for pair in pairs:
        ones, others = code.marked(matcher([pair.code])), code.marked(matcher(pair.others))
        # A code cannot make a pair with itself.
        both = claims_with(claims, row[ones & ~others])
        both &= claims_with(claims, row[others])
        if both.any():
            hit |= both
            marked = np.zeros(len(codes.row), np.bool_)
            marked[concerned[ones | others]] = True
            told.append((both, marked, pair.instead))

    def shows(rows: evidence.Rows, lang: str) -> list[str]:
        texts: list[list[str]] = [[] for _ in rows]
        for both, marked, instead in told:
            there = np.flatnonzero(both[rows])
            found = evidence.codes(claims, params.of, marked)(rows[there], lang)
            arrow = f" → {instead}" if instead else ""
            for n, listed in zip(there, found, strict=True):
                texts[n].append(f"{listed}{arrow}")
        return [text("audit.and", lang).join(parts) for parts in texts]

    missing = without_codes(claims, params.of)
    shown = evidence.either(hit, shows, evidence.cells(claims, [params.of]))
    return Verdict(hit, missing & ~hit, shown)


class Companion(Params):
    """Codes that want one of others beside them: columns ``code``, ``needs`` (joined by |)."""

    pairs: ListParam
    of: CodeField = "diagnoses"
    needs_of: CodeField = "diagnoses"

    @field_validator("pairs")
    @classmethod
    def _columns(cls, pairs: RuleList) -> RuleList:
        return pairs.having("needs")


def judge_companion(claims: AuditClaims, params: Companion) -> Verdict:
    """Hit: a claim has the code and none that it wants."""
    codes, others = claims.codes(params.of), claims.codes(params.needs_of)
    alone = np.zeros(len(codes.row), np.bool_)
    rows = list(zip(params.pairs.codes, map(_several, params.pairs.column("needs")), strict=True))
    concerned = np.flatnonzero(codes.among(params.pairs.codes))
    code_here = _fewer(codes.code.take(concerned))
    wanted_at = np.flatnonzero(others.among(tuple(w for _, wants in rows for w in wants)))
    wanted = _fewer(others.code.take(wanted_at))
    for code, wants in rows:
        places = concerned[code_here.marked(matcher([code]))]
        found = claims_with(claims, others.row[wanted_at[wanted.marked(matcher(wants))]])
        alone[places] |= ~found[codes.row[places]]
    hit = claims_with(claims, codes.row[alone])
    missing = without_codes(claims, params.of)
    if not claims.has(params.needs_of):
        missing, hit = missing | hit, np.zeros(claims.rows, np.bool_)
    told = evidence.codes(claims, params.of, alone)
    cells = evidence.cells(claims, [params.of, params.needs_of])
    return Verdict(hit, missing & ~hit, evidence.either(hit, told, cells))


class Principal(Params):
    """Codes that cannot be the principal diagnosis; ``unless``: those among them that can."""

    codes: ListParam
    unless: ListParam | None = None


def judge_principal(claims: AuditClaims, params: Principal) -> Verdict:
    """Hit: the principal diagnosis is listed. No principal diagnosis: not assessable."""
    codes = claims.codes("diagnoses")
    marked = _marked(codes, params.codes, params.unless, "principal")
    hit = claims_with(claims, codes.row[marked])
    there = claims_with(claims, codes.row[codes.place == 0])
    shows = evidence.codes(claims, "diagnoses", marked)
    told = evidence.either(hit, shows, evidence.cells(claims, ["diagnoses"]))
    return Verdict(hit, ~there, told)


class Repeated(Params):
    """The same code twice in one list."""

    of: CodeField = "diagnoses"


def judge_repeated(claims: AuditClaims, params: Repeated) -> Verdict:
    """Hit: a claim has one code twice, however it is spelled."""
    codes = claims.codes(params.of)
    key = codes.row * (len(codes.code.names) + 1) + codes.code.codes.astype(np.int64)
    # The claims are in order already: a stable sort has little to do.
    order = np.argsort(key, kind="stable")
    again = np.zeros(len(key), np.bool_)
    again[order[1:]] = key[order[1:]] == key[order[:-1]]
    hit = claims_with(claims, codes.row[again])
    shows = evidence.codes(claims, params.of, again)
    told = evidence.either(hit, shows, evidence.cells(claims, [params.of]))
    return Verdict(hit, without_codes(claims, params.of), told)


CODE_KINDS = (
    Kind("codes_for", Scope.CLAIM, CodesFor, judge_codes_for),
    Kind("code_pairs", Scope.CLAIM, CodePairs, judge_code_pairs),
    Kind("companion", Scope.CLAIM, Companion, judge_companion),
    Kind("principal", Scope.CLAIM, Principal, judge_principal),
    Kind("repeated_code", Scope.CLAIM, Repeated, judge_repeated),
)


def _marked(
    codes: CodeRows, listed: RuleList, unless: RuleList | None, position: Position
) -> Flags:
    if position == "any":
        return _listed(codes, slice(None), listed, unless)
    at = np.flatnonzero((codes.place == 0) == (position == "principal"))
    marked = np.zeros(len(codes.row), np.bool_)
    marked[at] = _listed(codes, at, listed, unless)
    return marked


def _listed(
    codes: CodeRows, at: NDArray[np.int64] | slice, listed: RuleList, unless: RuleList | None
) -> Flags:
    """Which of the codes of these places are listed."""
    answers = codes.vocabulary.among(listed.codes)
    if unless is not None:
        answers = answers & ~codes.vocabulary.among(unless.codes)
    found: Flags = answers[codes.code.codes[at]]
    return found


def _fewer(codes: Named) -> Named:
    """The same codes, without the names of others."""
    there, numbers = np.unique(codes.codes, return_inverse=True)
    return Named(tuple(codes.names[n] for n in there), numbers)


class _Pair(NamedTuple):
    code: str
    others: list[str]
    instead: str

    @property
    def both(self) -> list[str]:
        return [self.code, *self.others]


def _pairs(pairs: RuleList) -> list[_Pair]:
    instead = pairs.column("instead") if "instead" in pairs.columns else ("",) * len(pairs.rows)
    others = map(_several, pairs.column("other"))
    return [_Pair(*cells) for cells in zip(pairs.codes, others, instead, strict=True)]


def _several(cell: str) -> list[str]:
    return [clean_code(part) for part in cell.split("|")]
