"""Why a case stays in its group although something about it changed: what the change touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from drg.reasons import reason_title
from drg.schemes.rules import SCALAR_FIELDS, Severity, iter_atoms
from drg.schemes.scheme import VALID
from drg.schemes.words import field_words
from drg.schemes.words import say as say_explain
from drg.simulate.because_rules import (
    Forms,
    codes_words,
    level_changes,
    say,
    scalar_words,
    top_level,
)

if TYPE_CHECKING:
    from drg.grouping.explain import Step
    from drg.grouping.reference_case import Case
    from drg.grouping.result import GroupResult
    from drg.schemes.scheme import AdrgRow, MdcRow
    from drg.simulate.parting import ClaimPath

__all__ = ["noted", "stays", "unread"]


def stays(forms: Forms, before: ClaimPath, after: ClaimPath) -> Iterator[str]:
    """Why both forms of a claim are in the same group.

    Parameters
    ----------
    forms : Forms
    before, after : ClaimPath
        Neither of them rejected, both with one group, or both without.
    """
    lang = forms.lang
    told = [*_principals(forms, after), *_dropped_or_added(forms, before, after), *_values(forms)]
    told += unread(forms.before, forms.after, lang)
    was, now = before.passes[-1].taken, after.passes[-1].taken
    if was is not None and now is not None and was.key != now.key:
        told.append(say("other_row", lang, step=now.text(lang)))
    yield from told or [say("nothing_read", lang)]
    yield from noted(before.result, after.result, lang)


def noted(before: GroupResult, after: GroupResult, lang: str | None) -> Iterator[str]:
    """Another note on a claim that stays in its group."""
    was, now = before.reason, after.reason
    if was == now:
        return
    if was:
        yield say("note_of_group_gone", lang, note=f"{was} {reason_title(was, lang)}")
    if now:
        yield say("note_of_group_new", lang, note=f"{now} {reason_title(now, lang)}")


def unread(before: Case, after: Case, lang: str | None) -> list[str]:
    """Codes that came or went and that no table has."""
    told = []
    for was, now in ((before.dx, after.dx), (before.px, after.px)):
        for here, there in ((was, now), (now, was)):
            pairs = zip(here.written, here.codes, strict=True)
            codes = dict.fromkeys(written for written, code in pairs if code is None)
            told += [say("unread", lang, code=code) for code in codes if code not in there.written]
    return told


def _principals(forms: Forms, after: ClaimPath) -> Iterator[str]:
    """Another principal code that meets the same rows; of one that is new ``_code`` tells."""
    taken, lang = after.passes[-1].taken, forms.lang
    recorded = forms.before.any_dx | forms.before.any_px
    pairs = (
        ("dx", forms.before.principal_dx, forms.after.principal_dx),
        ("px", forms.before.principal_px, forms.after.principal_px),
    )
    for kind, was, now in pairs:
        if was == now or now is None or (was is None and now not in recorded):
            continue
        code = codes_words(forms.side, kind, (now,), lang)
        place = say_explain(f"principal_{kind}", lang)
        if taken is None:
            yield say("principal_still_none", lang, place=place, code=code)
            continue
        rows = [taken]
        if kind == "dx":
            rows.insert(0, after.passes[-1].mdcs[-1])
        names = say("list", lang).join(_name(step) for step in rows)
        sources = " ".join(step.source for step in rows)
        yield f"{say('principal_still', lang, place=place, code=code, rows=names)} {sources}"
    if forms.before.principal_dx != forms.after.principal_dx:
        yield from _level_stays(forms)


def _level_stays(forms: Forms) -> Iterator[str]:
    """Other codes count, but the level is the same."""
    changed = level_changes(forms, frozenset(("MCC", "CC")))
    if not changed:
        return
    yield from changed
    level = say_explain(f"severity_{top_level(forms.after)}", forms.lang)
    if top_level(forms.before) == top_level(forms.after):
        yield say("level_same", forms.lang, level=level)


def _dropped_or_added(forms: Forms, before: ClaimPath, after: ClaimPath) -> Iterator[str]:
    """Codes that came or went; of principal ones ``_principals`` tells."""
    one, two = forms.before, forms.after
    for kind, was, now, firsts in (
        ("dx", one.any_dx, two.any_dx, (one.principal_dx, two.principal_dx)),
        ("px", one.any_px, two.any_px, (one.principal_px, two.principal_px)),
    ):
        for code in sorted(was - now - ({firsts[0]} if firsts[1] else set())):
            yield from _code(forms, kind, code, before, after)
        for code in sorted(now - was - ({firsts[1]} if firsts[0] else set())):
            yield from _code(forms, kind, code, after, before)


def _code(forms: Forms, kind: str, code: str, having: ClaimPath, other: ClaimPath) -> Iterator[str]:
    """Why a code that one form has and the other has not does not decide."""
    lang, case = forms.lang, having.case
    named = codes_words(forms.side, kind, (code,), lang)
    taken = other.passes[-1].taken
    mine = having.passes[-1].taken
    if mine is not None and taken is not None and mine.key == taken.key:
        speaks = {match.reading.code for match in mine.codes}
        rest = dict.fromkeys((m.reading.kind, m.reading.code) for m in taken.codes)
        if code in speaks and rest:
            codes = (codes_words(forms.side, k, filter(None, (c,)), lang) for k, c in rest)
            still = say("list", lang).join(codes)
            yield f"{say('still_met', lang, code=named, row=_name(mine), rest=still)} {mine.source}"
            return
    if kind == "px":
        valid = forms.side.scheme.code_sets.get(VALID, frozenset())
        key = "px_no_matter" if not valid or code in valid else "px_not_valid"
        yield say(key, lang, code=named)
        return
    fact = next((fact for fact in case.severity if fact.code == code), None)
    if fact is None:
        yield say("dx_no_level", lang, code=named)
    elif not fact.counts:
        row = say_explain("exclusion_row", lang, principal=case.principal_dx, table=fact.table)
        principal = codes_words(forms.side, "dx", filter(None, (case.principal_dx,)), lang)
        words = say("dx_void", lang, code=named, level=fact.level, principal=principal)
        yield f"{words} [exclusion.csv {row}]"
    else:
        yield _counted(forms, named, fact.level, mine, other.case)


def _counted(forms: Forms, named: str, level: str, taken: Step | None, other: Case) -> str:
    """Why a (M)CC that counts does not decide: nothing asks, or another one counts."""
    lang = forms.lang
    if taken is not None:
        row = cast("AdrgRow", taken.subject)
        tests = forms.side.scheme.drgs_of(row)
        if not any(isinstance(a, Severity) for test in tests for a in iter_atoms(test.rule)):
            words = say("not_split", lang, code=named, level=level, row=_name(taken))
            return f"{words} [drg.csv {row.adrg}]"
    rest = [f.code for f in other.severity if f.counts and level in f.level.split("+")]
    if rest:
        codes = codes_words(forms.side, "dx", rest, lang)
        return say("level_rest", lang, code=named, level=level, rest=codes)
    top = say_explain(f"severity_{top_level(other)}", lang)
    return say("level_no_matter", lang, code=named, level=level, top=top)


def _values(forms: Forms) -> Iterator[str]:
    """Values that changed and turned no rule that decides."""
    lang = forms.lang
    for field in SCALAR_FIELDS:
        was, now = (scalar_words(case, field, lang) for case in (forms.before, forms.after))
        if was != now:
            name = field_words(field, lang)
            yield say("value_no_matter", lang, field=name, before=was, after=now)


def _name(step: Step) -> str:
    row = cast("AdrgRow | MdcRow", step.subject)
    return f"{getattr(row, step.kind)} {row.name}".rstrip()
