"""Two DIP decisions on one claim before and after a change: other candidates, or another choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from drg.dip.explain_words import TypeFact
from drg.grouping.result import Outcome
from drg.money import unscaled, yuan
from drg.reasons import reason_title
from drg.schemes.rules import SCALAR_FIELDS
from drg.schemes.words import field_words
from drg.schemes.words import say as say_explain
from drg.simulate.because_rules import say, scalar_words
from drg.simulate.because_stays import noted, unread

if TYPE_CHECKING:
    from drg.dip.decision import Decision
    from drg.dip.grouper import DipGrouper
    from drg.grouping.explain import Step

__all__ = ["DipPath", "dip_reasons"]


class DipPath(NamedTuple):
    """A decision with its steps and the catalogue's names."""

    found: Decision
    steps: list[Step]
    grouper: DipGrouper

    @property
    def base(self) -> str | None:
        """The chosen group without its subtype; None: no group fits."""
        return self.found.choice.code if self.found.choice else None

    def candidate(self, group: str) -> Step | None:
        """The step in which a group was tried; None: it is not for the diagnosis."""
        tried = (step for step in self.steps if step.kind == "candidate" and step.key == group)
        return next(tried, None)

    def code(self, kind: str, code: str | None) -> str:
        """A code and its name."""
        catalogue = self.grouper.catalogue
        names = catalogue.dx_names if kind == "dx" else catalogue.px_names
        return f"{code or ''} {names.get(code or '', '')}".rstrip()

    @property
    def ending(self) -> str | None:
        """The reason of a claim without a group."""
        result = self.found.result
        return result.reason if result.outcome is not Outcome.GROUPED else None


def dip_reasons(before: DipPath, after: DipPath, lang: str | None) -> tuple[str, ...]:
    """Why a changed claim has another group or score than the claim as it was, or why not.

    Parameters
    ----------
    before, after : DipPath
        Of one catalogue.
    lang : {"zh", "en"} or None
    """
    told: list[str] = []
    if before.found.place != after.found.place:
        told += _diagnosis(before, after, lang)
    if before.base != after.base:
        told += _other_group(before, after, lang)
    elif before.base is not None:
        told += _same_group(before, after, lang)
    if after.ending is not None:
        reason = f"{after.ending} {reason_title(after.ending, lang)}"
        key = "groupless" if before.ending != after.ending else "groupless_still"
        told.append(say(key, lang, reason=reason))
    elif not told or (before.base == after.base and before.found.subtype == after.found.subtype):
        told += _unmoved(before, after, lang)
    return tuple(dict.fromkeys(told))


def _diagnosis(before: DipPath, after: DipPath, lang: str | None) -> Iterator[str]:
    """Groups are looked up by the principal diagnosis."""
    cases = before.found.case, after.found.case
    codes = [
        path.code("dx", case.principal_dx or next(iter(case.dx.written), None))
        if case.dx.has_principal
        else say("none", lang)
        for path, case in zip((before, after), cases, strict=True)
    ]
    looked_up = next((step for step in after.steps if step.kind == "kinds"), None)
    words = say("dip_diagnosis", lang, before=codes[0], after=codes[1])
    yield f"{words}{say_explain('semicolon', lang)}{looked_up.text(lang)}" if looked_up else words


def _other_group(before: DipPath, after: DipPath, lang: str | None) -> Iterator[str]:
    """What became of the group as it was, and what the one that is taken was before."""
    if before.base is not None:
        step = after.candidate(before.base)
        if step is not None:
            yield say("dip_was", lang, step=step.text(lang))
        else:
            name = before.found.result.group_name or ""
            group = f"{before.base} {name}".rstrip()
            yield f"{say('dip_not_tried', lang, group=group)} [groups.csv {before.base}]"
    if after.base is not None:
        step = before.candidate(after.base)
        if step is not None:
            yield say("dip_now_was", lang, step=step.text(lang))
        chosen = next(step for step in after.steps if step.kind == "choice")
        yield say("dip_now", lang, step=chosen.text(lang))
        if (subtype := after.found.subtype) is not None:
            of = next((t.type for t in after.found.types if t.subtype == subtype.subtype), "")
            yield say("dip_type_now", lang, step=_types(after, lang).get(of) or subtype.subtype)


def _same_group(before: DipPath, after: DipPath, lang: str | None) -> Iterator[str]:
    """The same group: another subtype or score, or another way to it."""
    was, now = before.found.subtype, after.found.subtype
    if was != now:
        types = [_types(path, lang) for path in (before, after)]
        for name in dict.fromkeys((*types[0], *types[1])):
            told = [found.get(name) or say("none", lang) for found in types]
            if told[0] != told[1]:
                yield say("dip_type", lang, before=told[0], after=told[1])
        names = [subtype.subtype if subtype else say("none", lang) for subtype in (was, now)]
        yield say("dip_subtype", lang, before=names[0], after=names[1])
    choices = [path.found.choice for path in (before, after)]
    deciders = [choice.decided_by if choice else None for choice in choices]
    if deciders[0] != deciders[1]:
        chosen = next(step for step in after.steps if step.kind == "choice")
        yield say("dip_still", lang, step=chosen.text(lang))


def _types(path: DipPath, lang: str | None) -> dict[str, str]:
    """Classes of a claim by auxiliary type, in words."""
    facts = [(step, step.subject) for step in path.steps]
    return {fact.decided.type: step.text(lang) for step, fact in facts
            if isinstance(fact, TypeFact)}  # fmt: skip


def _unmoved(before: DipPath, after: DipPath, lang: str | None) -> Iterator[str]:
    """What the change touched, and that it decides nothing."""
    cases = before.found.case, after.found.case
    told = unread(*cases, lang)
    if cases[0].any_px != cases[1].any_px or cases[0].principal_px != cases[1].principal_px:
        tried = after.candidate(after.base or "")
        if tried is not None:
            told.insert(0, say("dip_px_no_matter", lang, step=tried.text(lang)))
    elif cases[0].any_dx != cases[1].any_dx:
        listed = bool(after.found.listed)
        key = "dip_dx_no_type" if not listed else "dip_dx_same_type"
        told.insert(0, say(key, lang, code=after.base))
    elif before.found.place == after.found.place:
        told = [*told, *_values(before, after, lang)] or [say("nothing_read", lang)]
    yield from told
    result = after.found.result
    if result.score_e4 is not None:
        yield say("dip_same", lang, group=result.group, score=unscaled(result.score_e4))
    yield from noted(before.found.result, result, lang)


def _values(before: DipPath, after: DipPath, lang: str | None) -> Iterator[str]:
    """Values, and a cost, that changed and decide nothing."""
    cases = before.found.case, after.found.case
    pairs = [
        (field_words(field, lang), *(scalar_words(case, field, lang) for case in cases))
        for field in SCALAR_FIELDS
    ]
    costs = (path.found.cost_fen for path in (before, after))
    words = (
        say("none", lang) if c is None else say("yuan", lang, amount=yuan(c, marks=True))
        for c in costs
    )
    pairs.append((say("term_cost_fen", lang), *words))
    for name, was, now in pairs:
        if was != now:
            yield say("value_no_matter", lang, field=name, before=was, after=now)
