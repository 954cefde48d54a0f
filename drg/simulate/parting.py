"""Where the decision paths of one claim under two schemes part, and why.

Both paths come from the reference grouper. A claim leaves its group because that group's rule,
or the door of its MDC, does not hold in the other scheme; or because another group, tried
earlier, takes it. ``why`` finds which, down to the code, and says it in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from drg.grouping.explain import MissingValue, Step
from drg.grouping.result import Outcome
from drg.reasons import reason_title
from drg.simulate.compare_rules import (
    MoveReason,
    Side,
    compare_rules,
    compare_splits,
    rule_distance,
    say,
)

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.grouping.reference_case import Case
    from drg.grouping.result import GroupResult
    from drg.schemes.scheme import AdrgRow, CheckRow, MdcRow

__all__ = ["ClaimPath", "Walk", "why"]

_FOUND = (Outcome.GROUPED, Outcome.AMBIGUOUS)


class Walk(NamedTuple):
    """One walk over the MDCs.

    Attributes
    ----------
    case : Case
        The claim as it was tried.
    mdcs : list of Step
        The doors in order; their children are the ADRG rules tried.
    taken : Step or None
        The ADRG rule that took the claim; None: none did on this walk.
    """

    case: Case
    mdcs: list[Step]
    taken: Step | None


class ClaimPath:
    """The steps of one claim under one scheme, sorted out.

    Parameters
    ----------
    side : Side
        The scheme.
    claim : Claim

    Attributes
    ----------
    result : GroupResult
    steps : list of Step
    case : Case
        The claim as the scheme understands it.
    passes : list of Walk
        The walk over the MDCs, then one for each procedure tried alone; the last may have taken
        the claim.
    """

    def __init__(self, side: Side, claim: Claim) -> None:
        self.side = side
        self.result: GroupResult
        self.result, self.steps = side.grouper.trace(claim)
        self.case = cast("Case", self.steps[0].subject)
        self.passes: list[Walk] = []
        case, doors = self.case, list[Step]()
        for step in self.steps:
            if step.kind == "retry":
                self.passes.append(Walk(case, doors, None))
                case, doors = cast("Case", step.subject), []
            elif step.kind == "mdc":
                doors.append(step)
        taken = doors[-1].children[-1] if self.result.outcome in _FOUND else None
        self.passes.append(Walk(case, doors, taken))


def why(before: Side, after: Side, claim: Claim, lang: str | None = None) -> MoveReason:
    """Why a claim is elsewhere under the later scheme.

    Parameters
    ----------
    before, after : Side
        The two schemes.
    claim : Claim
        A claim whose groups differ.
    lang : {"zh", "en"}, optional
        Language of the detail; the context's when omitted.

    Returns
    -------
    MoveReason
        The first step at which the paths part.
    """
    one, two = ClaimPath(before, claim), ClaimPath(after, claim)
    for path, other in ((one, two), (two, one)):
        if path.result.outcome is Outcome.REJECTED:
            return _rejected(path, other, lang)
    place = next(
        n
        for n in range(max(len(one.passes), len(two.passes)))
        if any(n < len(p.passes) and p.passes[n].taken for p in (one, two))
    )
    for path, other in ((one, two), (two, one)):
        if place >= len(other.passes):
            words = say("why_retry", lang, side=say(path.side.name, lang))
            return MoveReason("flag", "scheme.toml flags", words)
    return _parting(one, two, place, lang)


# ---- rejected


def _rejected(path: ClaimPath, other: ClaimPath, lang: str | None) -> MoveReason:
    sides = {"side": say(path.side.name, lang), "other": say(other.side.name, lang)}
    if path.result.reason == "E130":
        missing = cast(MissingValue, next(s.subject for s in path.steps if s.kind == "missing"))
        row = f"{missing.table} {missing.key}"
        field = say(f"field_{missing.field}", lang, area="explain")
        return MoveReason("missing", row, say("why_missing", lang, row=row, field=field, **sides))
    check = path.result.reason or ""
    rows = [
        next((row for row in p.side.scheme.checks if row.check == check), None)
        for p in (path, other)
    ]
    own, theirs = cast("CheckRow", rows[0]), rows[1]
    if theirs is None:
        how = say("check_absent", lang, **sides)
    elif theirs.level != own.level:
        how = say("check_level", lang, **sides)
    else:
        how = say("check_rule", lang, rule=theirs.text, **sides)
    words = say("why_check", lang, check=check, title=reason_title(check, lang), how=how, **sides)
    return MoveReason("check", f"check.csv {check}", words)


# ---- the search


def _parting(one: ClaimPath, two: ClaimPath, place: int, lang: str | None) -> MoveReason:
    left, came = one.passes[place].taken, two.passes[place].taken
    if left is not None and came is not None:
        was, now = cast("AdrgRow", left.subject), cast("AdrgRow", came.subject)
        if two.side.own_code(was.adrg) == now.adrg:
            if was.adrg != now.adrg:
                words = say("why_renumbered", lang, before=was.adrg, after=_words(now))
                return MoveReason("renumbered", f"adrg.csv {now.adrg}", words)
            cases = one.passes[place].case, two.passes[place].case
            return compare_splits(one.side, two.side, was, now, cases, lang)
    # Why the later scheme did not stop where the earlier did, and the other way round.
    gone = _missed(left, one, two, place, lang) if left else None
    new = _missed(came, two, one, place, lang) if came else None
    # A group that is no more has no place in the later path: what took the claim comes first,
    # if the earlier scheme tried that before.
    if gone and not (gone.kind == "adrg_removed" and new and new.kind != "adrg_added"):
        return gone
    if new:
        return new
    was, now = (cast("AdrgRow", step.subject) for step in (left, came) if step is not None)
    words = say("why_order", lang, one=_words(was), two=_words(now))
    key = f"adrg.csv {now.adrg}" if was.mdc == now.mdc else f"mdc.csv {now.mdc}"
    return MoveReason("order", key, words)


def _missed(
    taken: Step, path: ClaimPath, other: ClaimPath, place: int, lang: str | None
) -> MoveReason | None:
    """Why the other path did not stop where this one did; None: it did not come so far."""
    row = cast("AdrgRow", taken.subject)
    sides = {"side": say(path.side.name, lang), "other": say(other.side.name, lang)}
    adrg = other.side.own_code(row.adrg)
    rows = [r for r in other.side.rows_of(adrg) if r.mdc == row.mdc]
    if not rows:
        kind = "adrg_added" if path.side.name == "side_after" else "adrg_removed"
        words = say("why_absent", lang, row=_words(row), mdc=row.mdc, **sides)
        return MoveReason(kind, _key(taken), words)
    walk = other.passes[place]
    door = next((s for s in walk.mdcs if cast("MdcRow", s.subject).mdc == row.mdc), None)
    if door is None:
        return None
    cases = path.passes[place].case, walk.case
    if not door.holds:
        theirs = cast("MdcRow", door.subject)
        found = compare_rules(path.side, other.side, path.side.mdc(row.mdc), theirs, cases, lang)
        kind = "door" if found.kind in ("rule", "set") else found.kind
        return MoveReason(kind, _key(door), found.detail)
    same = [s for s in door.children if cast("AdrgRow", s.subject).adrg == adrg]
    if len(same) < len(rows):
        return None
    held = next((s for s in same if s.holds), None)
    if held is not None:
        return MoveReason("split", _key(held), say("why_no_drg", lang, row=_words(row), **sides))
    near = min(
        (cast("AdrgRow", step.subject) for step in same),
        key=lambda r: rule_distance(other.side, row.rule, r.rule, walk.case),
    )
    found = compare_rules(path.side, other.side, row, near, cases, lang)
    return MoveReason(found.kind, f"adrg.csv {near.adrg}/{near.rule_no}", found.detail)


def _words(row: AdrgRow) -> str:
    return f"{row.adrg} {row.name}".rstrip()


def _key(step: Step) -> str:
    return f"{step.table} {step.key}"
