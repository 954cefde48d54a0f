"""Two DIP decisions on one claim before and after a change: other candidates, or another choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from drg.dip.explain_words import TypeFact
from drg.grouping.result import Outcome
from drg.money import unscaled
from drg.reasons import reason_title
from drg.schemes.words import say as say_explain
from drg.simulate.because_rules import say
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
        path.code("dx", case.principal_dx) if case.principal_dx else say("none", lang)
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


def _same_group(before: DipPath, after: DipPath, lang: str | None) -> Iterator[str]:
    """The same group: another subtype or score, or another way to it."""
    was, now = before.found.subtype, after.found.subtype
    if was != now:
        types = {step.key: step.text(lang) for step in before.steps
                 if isinstance(step.subject, TypeFact)}  # fmt: skip
        for step in after.steps:
            if isinstance(step.subject, TypeFact) and types.get(step.key) != step.text(lang):
                yield say("dip_type", lang, step=step.text(lang))
        names = [subtype.subtype if subtype else say("none", lang) for subtype in (was, now)]
        yield say("dip_subtype", lang, before=names[0], after=names[1])
    choices = [path.found.choice for path in (before, after)]
    deciders = [choice.decided_by if choice else None for choice in choices]
    if deciders[0] != deciders[1]:
        chosen = next(step for step in after.steps if step.kind == "choice")
        yield say("dip_still", lang, step=chosen.text(lang))


def _unmoved(before: DipPath, after: DipPath, lang: str | None) -> Iterator[str]:
    """What the change touched, and that it decides nothing."""
    cases = before.found.case, after.found.case
    if cases[0].any_px != cases[1].any_px or cases[0].principal_px != cases[1].principal_px:
        group = after.base or ""
        tried = after.candidate(group)
        if tried is not None:
            yield say("dip_px_no_matter", lang, step=tried.text(lang))
    elif cases[0].any_dx != cases[1].any_dx:
        listed = bool(after.found.listed)
        yield say("dip_dx_no_type" if not listed else "dip_dx_same_type", lang, code=after.base)
    yield from unread(*cases, lang)
    result = after.found.result
    if result.score_e4 is not None:
        yield say("dip_same", lang, group=result.group, score=unscaled(result.score_e4))
    yield from noted(before.found.result, result, lang)
