"""Two decision paths of one scheme on one claim before and after a change, and why they part.

The rule that took the claim and holds no longer, or the one tried earlier that holds now; within
an ADRG the level or value that its DRG tests ask for. Where the paths end alike, what the change
touched and why that decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from drg.grouping.explain import MissingValue, Step
from drg.grouping.result import Outcome
from drg.reasons import reason_title
from drg.schemes.rules import Const, Severity, iter_atoms
from drg.schemes.words import field_words, rule_words
from drg.schemes.words import say as say_explain
from drg.simulate.because_rules import Forms, codes_words, level_changes, say, top_level
from drg.simulate.because_stays import stays

if TYPE_CHECKING:
    from drg.schemes.rules import Rule
    from drg.schemes.scheme import AdrgRow, CheckRow, DrgRow, MdcRow
    from drg.simulate.parting import ClaimPath, Walk

__all__ = ["drg_reasons"]

_NO_VALUE = "E130"


def drg_reasons(before: ClaimPath, after: ClaimPath, lang: str | None) -> tuple[str, ...]:
    """Why a changed claim is elsewhere than the claim as it was, or why it is not.

    Parameters
    ----------
    before, after : ClaimPath
        Of one scheme.
    lang : {"zh", "en"} or None

    Returns
    -------
    tuple of str
        Sentences, what decides first.
    """
    refused = [path.result.outcome is Outcome.REJECTED for path in (before, after)]
    if any(refused):
        return tuple(_refusals(before, after, lang))
    was, now = before.passes[-1].taken, after.passes[-1].taken
    forms = Forms(before.side, before.case, after.case, lang)
    if before.result.group == after.result.group:
        return tuple(stays(forms, before, after))
    if was is not None and now is not None and _adrg(was).adrg == _adrg(now).adrg:
        return tuple(_split(forms, was, now))
    return tuple(_parting(before, after, lang))


# ---- rejected


def _refusals(before: ClaimPath, after: ClaimPath, lang: str | None) -> Iterator[str]:
    reasons = [
        path.result.reason if path.result.outcome is Outcome.REJECTED else None
        for path in (before, after)
    ]
    if reasons[0] == reasons[1]:
        yield say("refused_still", lang, why=_refusal(after, "refused", lang))
        return
    if reasons[0] is not None:
        yield _refusal(before, "freed", lang)
    if reasons[1] is not None:
        yield _refusal(after, "refused", lang)
    else:
        yield from _now(after, lang) or [_groupless(after, lang)]


def _refusal(path: ClaimPath, key: str, lang: str | None) -> str:
    """The check, or the missing value, that a claim was rejected for."""
    reason = path.result.reason or ""
    if reason == _NO_VALUE:
        step = next(step for step in path.steps if step.kind == "missing")
        field = field_words(cast("MissingValue", step.subject).field, lang)
        return f"{say(f'{key}_missing', lang, field=field)} {step.source}"
    step = next(s for s in path.steps if s.kind == "check" and s.holds and s.key == reason)
    rule = rule_words(cast("CheckRow", step.subject).rule, lang)
    title = reason_title(reason, lang)
    return f"{say(f'{key}_check', lang, check=reason, title=title, rule=rule)} {step.source}"


def _groupless(path: ClaimPath, lang: str | None) -> str:
    reason = path.result.reason or ""
    return say("groupless", lang, reason=f"{reason} {reason_title(reason, lang)}".rstrip())


# ---- within an ADRG


def _split(forms: Forms, was: Step, now: Step) -> Iterator[str]:
    """Why another DRG of the same ADRG: the levels that count, or a value its tests ask for."""
    lang = forms.lang
    tests = {step.key: step for step in (*was.children, *now.children) if step.holds}
    held = [next((s for s in step.children if s.holds), None) for step in (was, now)]
    asked = {atom.level for step in tests.values() for atom in iter_atoms(_drg(step).rule)
             if isinstance(atom, Severity)}  # fmt: skip
    changed = forms.before.levels ^ forms.after.levels
    if asked and changed:
        yield from level_changes(forms, changed)
        levels = [say_explain(f"severity_{top_level(c)}", lang)
                  for c in (forms.before, forms.after)]  # fmt: skip
        yield say("level", lang, before=levels[0], after=levels[1])
    else:
        for step in held:
            if step is not None and (why := forms.turned(_drg(step).rule)):
                yield f"{why} {step.source}"
                break
    names = [_name(step) if step else _name(of) for step, of in zip(held, (was, now), strict=True)]
    last = held[1]
    if last is None:
        how = say("no_drg", lang)
    elif isinstance(_drg(last).rule, Const):
        how = say("otherwise", lang)
    else:
        how = rule_words(_drg(last).rule, lang)
    source = last.source if last else now.source
    yield f"{say('split', lang, before=names[0], after=names[1], how=how)} {source}"


# ---- another ADRG, or none


def _parting(before: ClaimPath, after: ClaimPath, lang: str | None) -> Iterator[str]:
    """The first row at which the one path stopped and the other went on."""
    places = [_place(path) for path in (before, after)]
    was, now = before.passes[-1].taken, after.passes[-1].taken
    if was is not None and places[0] < places[1]:
        yield _lost(was, before, after, lang)
        yield from _now(after, lang) or [_groupless(after, lang)]
    elif now is not None:
        door, words = _gained(now, before, after, lang)
        yield words
        if door:
            yield from _now(after, lang)
        if was is not None and _still_holds(was, after):
            yield say("earlier", lang, one=_name(now), two=_name(was))
        if not door:
            yield from _tests(after, lang)
    else:
        yield _groupless(after, lang)


def _place(path: ClaimPath) -> tuple[int, int]:
    """How far a path came: the walk, and the place of the row that took the claim."""
    taken = path.passes[-1].taken
    return (len(path.passes), _adrg(taken).index) if taken else (len(path.passes) + 1, 0)


def _lost(was: Step, before: ClaimPath, after: ClaimPath, lang: str | None) -> str:
    """Why the row that took the claim does not any more."""
    walk = before.passes[-1]
    other = _same_walk(walk, before, after)
    if other is None:
        procedure = codes_words(before.side, "px", filter(None, walk.case.px.codes[:1]), lang)
        return say("retry_gone", lang, row=_name(was), code=procedure)
    row, step = _step_of(was, other)
    forms = Forms(before.side, walk.case, other.case, lang)
    if step is None or step.holds:
        return f"{say('drgs_gone', lang, row=_name(was))} {was.source}"
    why = forms.turned(_rule(step))
    return f"{say('row_gone', lang, row=row, why=why)} {step.source}"


def _gained(now: Step, before: ClaimPath, after: ClaimPath, lang: str | None) -> tuple[bool, str]:
    """Why a row takes the claim that did not before, and whether the door of its MDC decides."""
    walk = after.passes[-1]
    if len(after.passes) > 1:
        return False, _taking(now, after, lang)
    other = before.passes[0]
    row, step = _step_of(now, other)
    forms = Forms(before.side, other.case, walk.case, lang)
    if step is None or step.holds:
        return False, now.text(lang)
    why = forms.turned(_rule(step))
    return step.kind == "mdc", f"{say('row_new', lang, row=row, why=why)} {step.source}"


def _still_holds(was: Step, after: ClaimPath) -> bool:
    """Whether the row that took the claim would take it still, were it tried."""
    side, row = after.side, _adrg(was)
    rules = (side.mdc(row.mdc).rule, row.rule)
    return all(side.holds(rule, after.case) is True for rule in rules)


def _same_walk(walk: Walk, path: ClaimPath, other: ClaimPath) -> Walk | None:
    """The walk of the other path with the same procedure alone; None: it has none."""
    if len(path.passes) == 1:
        return other.passes[0]
    codes = walk.case.px.codes
    return next((w for w in other.passes[1:] if w.case.px.codes == codes), None)


def _step_of(taken: Step, walk: Walk) -> tuple[str, Step | None]:
    """The door or row on another walk that decides whether a row takes the claim, by name.

    None where the walk ended before.
    """
    row = _adrg(taken)
    door = next((step for step in walk.mdcs if step.key == row.mdc), None)
    if door is None:
        return _name(taken), None
    if not door.holds:
        return _name(door), door
    return _name(taken), next((s for s in door.children if s.key == taken.key), None)


def _now(after: ClaimPath, lang: str | None) -> list[str]:
    """What takes the claim after the change: the ADRG rule, and the DRG test if it asks."""
    taken = after.passes[-1].taken
    if taken is None:
        return []
    return [say("now", lang, step=_taking(taken, after, lang)), *_tests(after, lang)]


def _taking(taken: Step, path: ClaimPath, lang: str | None) -> str:
    """The row that takes the claim, and the procedure tried alone where it took that."""
    words = taken.text(lang)
    if len(path.passes) == 1:
        return words
    retry = [step for step in path.steps if step.kind == "retry"][-1]
    return f"{retry.text(lang)}{say_explain('semicolon', lang)}{words}"


def _tests(after: ClaimPath, lang: str | None) -> Iterator[str]:
    """The DRG test that holds, where it asks for something or another was tried before it."""
    taken = after.passes[-1].taken
    steps = taken.children if taken else []
    asks = len(steps) > 1 or any(not isinstance(_drg(step).rule, Const) for step in steps)
    for step in steps:
        if step.holds and asks:
            yield step.text(lang)
            yield from _counting(step, after, lang)


def _counting(step: Step, path: ClaimPath, lang: str | None) -> Iterator[str]:
    """Which diagnoses make up the level that a DRG test asks for."""
    asked = {a.level for a in iter_atoms(_drg(step).rule) if isinstance(a, Severity)}
    top = next((level for level in ("MCC", "CC") if level in asked & path.case.levels), None)
    if top is not None:
        facts = (fact for fact in path.case.severity if fact.counts)
        codes = (fact.code for fact in facts if top in fact.level.split("+"))
        named = codes_words(path.side, "dx", codes, lang)
        yield f"{say('counting', lang, codes=named, level=top)} [severity.csv]"


def _adrg(step: Step) -> AdrgRow:
    return cast("AdrgRow", step.subject)


def _drg(step: Step) -> DrgRow:
    return cast("DrgRow", step.subject)


def _rule(step: Step) -> Rule:
    return cast("AdrgRow | MdcRow", step.subject).rule


def _name(step: Step) -> str:
    """Code and name of a row."""
    row = step.subject
    return f"{getattr(row, step.kind)} {getattr(row, 'name', '')}".rstrip()
