"""What a catalogue's author should look at in its tables, beyond what loading refuses.

Every check is a generator of findings; the wording stands in catalogue/lint.toml (L2xx).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from drg.dip.grammar import parse_group_code
from drg.dip.model import Catalogue, Group
from drg.schemes.lint_finding import Finding

__all__ = ["catalogue_findings"]

_CATEGORY, _SUBCATEGORY = 3, 5
#: The comparator that sees which procedure of a group comes first.
_LEADING = "leading_principal"


def catalogue_findings(catalogue: Catalogue) -> Iterator[Finding]:
    """Every finding about the contents of a catalogue.

    Parameters
    ----------
    catalogue : Catalogue
        Loaded, so its tables are whole and name only what there is.
    """
    yield from _codes(catalogue)
    yield from _twins(catalogue)
    yield from _group_codes(catalogue)
    yield from _auxiliary(catalogue)
    yield from _scores(catalogue)
    yield from _kinds(catalogue)
    yield from _conditions(catalogue)
    yield from _tiers(catalogue)


def _codes(catalogue: Catalogue) -> Iterator[Finding]:
    """Diagnoses and procedures of groups that the national lists lack."""
    known = {code[:n].upper() for code in catalogue.dx_names for n in (_CATEGORY, _SUBCATEGORY)}
    procedures: dict[str, list[str]] = {}
    diagnoses: dict[str, list[str]] = {}
    for group in catalogue.groups:
        for diagnosis in group.diagnosis:
            if not _known(diagnosis, known):
                diagnoses.setdefault(diagnosis, []).append(group.code)
        for code in dict.fromkeys(code for term in group.terms for code in term):
            if not _any_procedure(code, catalogue.px_names):
                procedures.setdefault(code, []).append(group.code)
        codes = [code for term in group.terms for code in term]
        if len(set(codes)) < len(codes):
            twice = tuple(sorted({code for code in codes if codes.count(code) > 1}))
            yield Finding("L213", "groups", group.code, twice)
    for code, groups in sorted(diagnoses.items()):
        yield Finding("L201", "groups", code, tuple(groups))
    for code, groups in sorted(procedures.items()):
        yield Finding("L202", "groups", code, tuple(groups))


def _known(diagnosis: str, known: set[str]) -> bool:
    first, dash, last = diagnosis.upper().partition("-")
    if dash:
        return any(len(code) == _CATEGORY and first <= code <= last for code in known)
    return first in known


def _any_procedure(code: str, names: Mapping[str, str]) -> bool:
    if not code.endswith("*"):
        return code in names
    return any(name.startswith(code[:-1]) for name in names)


def _twins(catalogue: Catalogue) -> Iterator[Finding]:
    """Groups that ask for the same: nothing, or only the order of procedures, tells them apart."""
    same: dict[object, list[str]] = defaultdict(list)
    swapped: dict[object, list[Group]] = defaultdict(list)
    for group in catalogue.groups:
        asked = (
            group.group_class,
            tuple(sorted(group.diagnosis)),
            group.attribute,
            frozenset(group.conditions),
        )
        # A term that stands twice is asked for twice.
        terms = [tuple(sorted(term)) for term in group.terms]
        same[(*asked, *terms[:1], tuple(sorted(terms[1:])))].append(group.code)
        swapped[(*asked, tuple(sorted(terms)))].append(group)
    for codes in same.values():
        if len(codes) > 1:
            yield Finding("L203", "groups", min(codes), tuple(sorted(codes)))
    if _LEADING in catalogue.matching.comparators:
        return
    for groups in swapped.values():
        leads = {group.terms[0] for group in groups if group.terms}
        if len(leads) > 1:
            codes = sorted(group.code for group in groups)
            yield Finding("L204", "groups", codes[0], tuple(codes))


def _group_codes(catalogue: Catalogue) -> Iterator[Finding]:
    """Codes of core and comprehensive groups that say something else than the columns."""
    for group in catalogue.groups:
        if group.group_class not in ("core", "primary", "comprehensive"):
            continue
        try:
            code = parse_group_code(group.code)
        except ValueError:
            yield Finding("L214", "groups", group.code)
            continue
        said = (code.diagnosis.upper(), _plain(code.terms), code.attribute)
        columns = ("|".join(group.diagnosis).upper(), _plain(group.terms), group.attribute)
        if said != columns or code.auxiliary:
            yield Finding("L214", "groups", group.code)


def _plain(terms: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(code.upper() for code in term) for term in terms)


def _auxiliary(catalogue: Catalogue) -> Iterator[Finding]:
    """Subtypes that no row of classes gives, and classes that no group has."""
    ruled = {row.subtype for row in catalogue.classes}
    listed: dict[str, list[str]] = {}
    for subtype in catalogue.subtypes:
        listed.setdefault(subtype.subtype, []).append(subtype.group)
    for name, groups in sorted(listed.items()):
        if name not in ruled:
            yield Finding("L205", "auxiliary", name, tuple(groups), {"count": f"{len(groups):,}"})
    for name in sorted(ruled - set(listed)):
        yield Finding("L206", "auxiliary_class", name)


def _scores(catalogue: Catalogue) -> Iterator[Finding]:
    """Scores that are missing, nothing, or not what the mean costs make."""
    with_subtypes = {subtype.group for subtype in catalogue.subtypes}
    told = catalogue.header.get("score")
    score = told if isinstance(told, Mapping) else {}
    regional, scale = str(score.get("regional_mean", "")), score.get("scale", 1000)
    mean = Fraction(regional) if score.get("method") == "mean" and regional else None
    for group in catalogue.groups:
        if group.score_e4 is None:
            if group.code not in with_subtypes:
                yield Finding("L207", "groups", group.code)
        elif group.score_e4 == 0:
            yield Finding("L208", "groups", group.code)
        if mean and group.score_e4 is not None and group.mean_fen is not None:
            made = Fraction(int(scale)) * group.mean_fen / 100 / mean
            # The mean is rounded to fen, the score to four decimals.
            slack = Fraction(int(scale)) / 200 / mean + Fraction(1, 10_000)
            if abs(made - Fraction(group.score_e4, 10_000)) > slack:
                params = {"said": _four(group.score_e4), "made": f"{float(made):.4f}"}
                yield Finding("L209", "groups", group.code, params=params)
    for subtype in catalogue.subtypes:
        if subtype.score_e4 == 0:
            yield Finding("L208", "auxiliary", f"{subtype.group}_{subtype.subtype}")


def _four(score: int) -> str:
    return f"{score // 10_000}.{score % 10_000:04d}"


def _kinds(catalogue: Catalogue) -> Iterator[Finding]:
    """Procedures, national or of groups, that no row gives a kind."""
    named = {code for group in catalogue.groups for term in group.terms for code in term}
    every = named | set(catalogue.px_names)
    lost = tuple(sorted(c for c in every - set(catalogue.procedure_kind) if not c.endswith("*")))
    if lost:
        params = {"count": f"{len(lost):,}", "kind": catalogue.default_kind}
        yield Finding("L210", "procedure_kind", "procedure_kind", lost, params)


def _conditions(catalogue: Catalogue) -> Iterator[Finding]:
    """Conditions that nothing names, and lists of codes with entries no national code meets."""
    used = {name for group in catalogue.groups for name in group.conditions}
    used |= {name for row in catalogue.classes for name in row.conditions}
    lists = {f"conditions.{c.name}": c.secondary for c in catalogue.conditions}
    lists |= {f"comorbidity {c.name}": c.codes for c in catalogue.comorbidities}
    codes = sorted(code.upper() for code in catalogue.dx_names)
    for condition in catalogue.conditions:
        if condition.name not in used:
            yield Finding("L211", "catalogue.toml", condition.name)
    for place, patterns in lists.items():
        idle = tuple(p for p in patterns if not _meets(p.upper(), codes))
        if idle:
            yield Finding("L215", "catalogue.toml", place, idle)


def _meets(pattern: str, codes: list[str]) -> bool:
    first, dash, last = pattern.partition("-")
    if dash:
        return any(first <= code[:_CATEGORY] <= last for code in codes)
    return any(code.startswith(first.removesuffix("*")) for code in codes)


def _tiers(catalogue: Catalogue) -> Iterator[Finding]:
    """Types of groups that no tier asks."""
    asked = {name for tier in catalogue.matching.tiers for name in tier}
    lost: dict[str, list[str]] = {}
    for group in catalogue.groups:
        kind = catalogue.type_of(group)
        if group.group_class not in asked and kind not in asked:
            lost.setdefault(kind, []).append(group.code)
    for kind, groups in sorted(lost.items()):
        yield Finding("L212", "catalogue.toml", kind, tuple(groups), {"count": f"{len(groups):,}"})
