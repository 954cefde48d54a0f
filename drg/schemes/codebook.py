"""The code lists of both editions as a book: search them, and tell what a code does in a scheme.

A search reads the lists by the standard library alone, so that it answers at once; only
``describe_code`` needs a scheme, and with it polars.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from drg.schemes.crosswalk import KINDS, Crosswalk, Kind, shipped_crosswalks
from drg.schemes.rules import And, Codes, Not, Or, Rule, code_tests

if TYPE_CHECKING:
    from drg.schemes.scheme import Scheme


__all__ = ["CodeEntry", "CodeRole", "CodeUse", "MdcListing", "describe_code", "search_codes"]

Match = Literal["code", "prefix", "name"]
Level = Literal["mdc", "adrg", "drg", "check"]
_RANKS: tuple[Match, ...] = ("code", "prefix", "name")
#: Full-width forms, the ideographic space and Roman numerals, and what they stand for.
_FOLDED = {
    char: unicodedata.normalize("NFKC", char)
    for char in map(chr, (*range(0xFF01, 0xFF5F), 0x3000, *range(0x2160, 0x2180)))
}
#: Examples of principal diagnoses that void a complication.
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One code of either edition.

    Attributes
    ----------
    kind : {"dx", "px"}
        Diagnosis or procedure.
    code, name : str
        The name is the insurance edition's where that edition has the code.
    insurance : bool
        Whether the insurance edition has the code.
    clinical_name : str
        What the clinical edition calls this code; ``""`` if it does not have it.
    maps_to : str or None
        The insurance code that this code, written in the clinical edition, stands for.
    clinical_codes : tuple of (str, str)
        Other clinical codes that stand for this insurance code, with their names.
    match : {"code", "prefix", "name"}
        What the search matched: the whole code, its beginning, or a name.
    """

    kind: Kind
    code: str
    name: str
    insurance: bool
    clinical_name: str
    maps_to: str | None
    clinical_codes: tuple[tuple[str, str], ...]
    match: Match

    @property
    def ambiguous(self) -> bool:
        """Whether the two editions mean different insurance codes by it."""
        return self.insurance and self.maps_to not in (None, self.code)

    @property
    def insurance_code(self) -> str:
        """The code to look up in a scheme: its own, or what a clinical code stands for."""
        return self.code if self.insurance or self.maps_to is None else self.maps_to


@dataclass(frozen=True, slots=True)
class MdcListing:
    """An MDC whose list of diagnoses has the code.

    Attributes
    ----------
    mdc, name : str
    position : {"principal", "secondary", "any"}
        Where the MDC's door asks for it.
    site : str
        Body site, where the MDC counts sites of trauma.
    """

    mdc: str
    name: str
    position: str
    site: str


@dataclass(frozen=True, slots=True)
class CodeUse:
    """A rule that tests for a code.

    Attributes
    ----------
    level : {"mdc", "adrg", "drg", "check"}
        Whose rule: the door of an MDC, an ADRG, a DRG test, an input check.
    row, name : str
        The row's code, for an ADRG with its rule number (``BB2/1``), and its name.
    position : {"principal", "secondary", "any"}
        Where the claim must have the code.
    where : str
        The set that lists it, or the inline list of the rule.
    negated : bool
        The rule wants the claim not to have it.
    rule : str
        The rule as its table has it.
    """

    level: Level
    row: str
    name: str
    position: str
    where: str
    negated: bool
    rule: str


@dataclass(frozen=True, slots=True)
class CodeRole:
    """What a code does in a scheme.

    Attributes
    ----------
    scheme, digest : str
    kind, code, name : str
        The insurance code.
    known : bool
        Whether the national list or the scheme has it; an unknown code takes no part.
    mdcs : tuple of MdcListing
        MDCs that list it, in the order they are tried; with none, a claim with this principal
        diagnosis is ungroupable unless a pre-MDC or newborn rule takes it.
    uses : tuple of CodeUse
        Rules that test for it: doors, ADRGs, DRG tests, checks, each in its order. The sets of
        valid procedures, of an MDC's diagnoses and of grey codes are told by ``valid``, ``mdcs``
        and ``grey`` instead.
    level : {"MCC", "CC", ""}
        Level as a secondary diagnosis.
    exclusion_table : str
        Table whose principal diagnoses void that level.
    voided_by : int
        Number of those principal diagnoses.
    voided_examples : tuple of (str, str)
        Some of them with their names.
    principal_table : str
        Table it belongs to as a principal diagnosis; it voids the levels with that table.
    voids : int
        Number of diagnoses whose level it voids.
    grey : bool
        On the scheme's list of grey codes.
    valid : bool
        On the scheme's list of valid procedures.
    """

    scheme: str
    digest: str
    kind: Kind
    code: str
    name: str
    known: bool
    mdcs: tuple[MdcListing, ...]
    uses: tuple[CodeUse, ...]
    level: str
    exclusion_table: str
    voided_by: int
    voided_examples: tuple[tuple[str, str], ...]
    principal_table: str
    voids: int
    grey: bool
    valid: bool


def search_codes(text: str, kinds: Sequence[Kind] = KINDS) -> list[CodeEntry]:
    """Codes of both editions that a text means, the likeliest first.

    Parameters
    ----------
    text : str
        One or more words, all of which must occur: at the beginning of the code (with or without
        its dot) or anywhere in a name. Case and full-width forms do not matter.
    kinds : sequence of {"dx", "px"}, optional
        Diagnoses, procedures or both.

    Returns
    -------
    list of CodeEntry
        Whole codes first, then beginnings of codes in code order, then names, the shortest first.
        Empty for a text without a word.
    """
    words = _fold(text).split()
    if not words:
        return []
    crosswalks = shipped_crosswalks()
    found: list[tuple[int, int, str, Kind]] = []
    for kind in kinds:
        found += [(*rank, kind) for rank in _hits(_index(crosswalks[kind]), words)]
    found.sort()
    return [_entry(crosswalks[kind], code, _RANKS[rank]) for rank, _, code, kind in found]


class _Index(NamedTuple):
    """Every code of both editions: as written, without its dot, and its names, all folded."""

    codes: list[str]
    bare: list[str]
    names: list[str]


@cache
def _index(crosswalk: Crosswalk) -> _Index:
    national = crosswalk.national
    # One cell a code: the insurance edition's name, and the clinical one's where it differs.
    own = {code: f"\t{name}" for code, name in crosswalk.own_names.items()}
    names = [name + own.get(code, "") for code, name in national.items()]
    clinical = [code for code in crosswalk.insurance if code not in national]
    codes = [*national, *clinical]
    names += [crosswalk.clinical_name(code) for code in clinical]
    bare = "\n".join(codes).replace(".", "").upper().split("\n")
    return _Index(codes, bare, _fold("\n".join(names)).split("\n"))


def _hits(index: _Index, words: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(rank, length of the name if it was matched, code) of every code that fits."""
    stems = [(word, word.replace(".", "")) for word in words]
    by_name = len(_RANKS) - 1
    for code, bare, name in zip(*index, strict=True):
        rank = by_name
        for word, stem in stems:
            if stem and bare.startswith(stem):
                rank = min(rank, 0 if bare == stem else 1)
            elif word not in name:
                break
        else:
            yield rank, len(name) if rank == by_name else 0, code


def _fold(text: str) -> str:
    """Half-width and upper case, Roman numerals as letters: writing does not matter."""
    for char in _FOLDED.keys() & set(text):
        text = text.replace(char, _FOLDED[char])
    return text.upper()


def _entry(crosswalk: Crosswalk, code: str, match: Match) -> CodeEntry:
    national = crosswalk.national.get(code)
    others = [c for c in crosswalk.clinical.get(code, ()) if c != code]
    return CodeEntry(
        crosswalk.kind,
        code,
        crosswalk.clinical_name(code) if national is None else national,
        national is not None,
        crosswalk.clinical_name(code),
        crosswalk.insurance.get(code),
        tuple((c, crosswalk.clinical_name(c)) for c in others),
        match,
    )


def describe_code(scheme: Scheme, kind: Kind, code: str) -> CodeRole:
    """What an insurance code does in a scheme.

    Parameters
    ----------
    scheme : Scheme
        From ``load_scheme``.
    kind : {"dx", "px"}
    code : str
        As the insurance edition or the scheme lists it.
    """
    from drg.schemes.scheme import VALID

    names = scheme.dx_names if kind == "dx" else scheme.px_names
    known = scheme.known_dx if kind == "dx" else scheme.known_px
    sets = scheme.code_sets
    level, table = scheme.severity.get(code, ("", "")) if kind == "dx" else ("", "")
    principal = scheme.exclusion.get(code, "") if kind == "dx" else ""
    voiding = [c for c, t in scheme.exclusion.items() if table and t == table]
    return CodeRole(
        scheme.id,
        scheme.digest,
        kind,
        code,
        names.get(code, ""),
        code in known,
        tuple(_listings(scheme, code)) if kind == "dx" else (),
        tuple(_uses(scheme, kind, code)),
        level,
        table,
        len(voiding),
        tuple((c, names.get(c, "")) for c in sorted(voiding)[:_EXAMPLES]),
        principal,
        sum(t == principal for _, t in scheme.severity.values()) if principal else 0,
        code in sets.get(f"GREY.{kind}", ()),
        kind == "px" and code in sets.get(VALID, ()),
    )


def _listings(scheme: Scheme, code: str) -> Iterator[MdcListing]:
    """MDCs whose list of diagnoses has the code."""
    rows = scheme.table("mdc_diagnosis")
    sites = dict(rows.filter(rows["code"] == code).select("mdc", "site").iter_rows())
    for row in scheme.mdcs:
        if row.mdc in sites:
            asked = (test.position for test in code_tests(row.rule) if test.name == row.mdc)
            yield MdcListing(row.mdc, row.name, next(asked, "principal"), sites[row.mdc])


def _uses(scheme: Scheme, kind: Kind, code: str) -> Iterator[CodeUse]:
    """Rules that look for the code, but for the sets that say what is told elsewhere."""
    from drg.schemes.scheme import VALID

    told = {VALID, *(f"GREY.{k}" for k in KINDS), *(row.mdc for row in scheme.mdcs)}
    for level, name, title, rule, text in _rows(scheme):
        for test, negated in _tests(rule):
            if test.kind != kind or test.name in told:
                continue
            listed = scheme.code_sets.get(test.name, frozenset()) if test.name else ()
            if code in listed or any(_fits(inline, code) for inline in test.codes):
                where = test.name or "{" + ", ".join(test.codes) + "}"
                yield CodeUse(level, name, title, test.position, where, negated, text)


def _rows(scheme: Scheme) -> Iterator[tuple[Level, str, str, Rule, str]]:
    for mdc in scheme.mdcs:
        yield "mdc", mdc.mdc, mdc.name, mdc.rule, mdc.text
    for adrg in scheme.adrgs:
        yield "adrg", f"{adrg.adrg}/{adrg.rule_no}", adrg.name, adrg.rule, adrg.text
    for drg in scheme.drgs:
        yield "drg", drg.drg, drg.name, drg.rule, drg.text
    for check in scheme.checks:
        yield "check", check.check, "", check.rule, check.text


def _tests(rule: Rule, negated: bool = False) -> Iterator[tuple[Codes, bool]]:
    """Code tests of a rule, each with whether the rule wants it not to hold."""
    match rule:
        case Not(inner):
            yield from _tests(inner, not negated)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _tests(part, negated)
        case _:
            for test in code_tests(rule):
                yield test, negated


def _fits(inline: str, code: str) -> bool:
    return code.startswith(inline[:-1]) if inline.endswith(".*") else code == inline
