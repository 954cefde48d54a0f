"""Why a case is elsewhere, or stays, when something about it or its scheme changes.

Both forms take their whole decision path through the reference grouper; the reasons name the first
step at which the paths part, with its table row. ``because_money`` does the same for prices.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from drg.dip.explain import decision_steps
from drg.dip.grouper import DipGrouper
from drg.grouping.grouper import Grouper
from drg.grouping.result import Outcome
from drg.grouping.versions import VersionedGrouper
from drg.reasons import reason_title
from drg.simulate.because_dip import DipPath, dip_reasons
from drg.simulate.because_drg import drg_reasons
from drg.simulate.because_money import because_money
from drg.simulate.because_rules import say
from drg.simulate.compare_rules import Side
from drg.simulate.impact import Impact
from drg.simulate.parting import ClaimPath

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.grouping.base import ClaimGrouper
    from drg.grouping.result import GroupResult

__all__ = ["Because", "because_money", "because_scheme", "serving_grouper"]

#: Schemes, and pairs of them, whose rules are kept as functions.
_KEPT = 8


class _NoVersion(NamedTuple):
    """No version of the place serves the claim."""

    result: GroupResult


class Because:
    """Tells why changed forms of one case are in another group, or in the same, of one scheme.

    Parameters
    ----------
    grouper : ClaimGrouper
    base : Claim
        The case as it stands.
    lang : {"zh", "en"}, optional
        Language of the reasons; the context's when omitted.

    Examples
    --------
    >>> import drg
    >>> case = drg.Claim(claim_id="1", diagnoses=["I63.905", "J96.000"], age=60, sex="M")
    >>> reasons = Because(drg.Grouper.load("demo"), case).of(case)
    """

    def __init__(self, grouper: ClaimGrouper, base: Claim, lang: str | None = None) -> None:
        self._grouper = grouper
        self._lang = lang
        self._base = _path(grouper, base)

    def of(self, changed: Claim) -> tuple[str, ...]:
        """Why the changed case is where it is.

        Parameters
        ----------
        changed : Claim

        Returns
        -------
        tuple of str
            Sentences, what decides first, each with the table row it rests on; never empty.
        """
        return _reasons(self._base, _path(self._grouper, changed), self._lang)


def because_scheme(
    before: ClaimGrouper, after: ClaimGrouper, claim: Claim, lang: str | None = None
) -> tuple[str, ...]:
    """Why a case is in another group, or in the same, under another scheme.

    Parameters
    ----------
    before, after : ClaimGrouper
        The scheme in use, and the other one.
    claim : Claim
    lang : {"zh", "en"}, optional
        Language of the reasons; the context's when omitted.

    Returns
    -------
    tuple of str
        Sentences. Between two DRG schemes the first step at which the paths part; a DIP catalogue
        and a DRG scheme have no steps in common.
    """
    served = [serving_grouper(grouper, claim) for grouper in (before, after)]
    results = [grouper.group(claim) for grouper in (before, after)]
    for place, result, serving in zip((before, after), results, served, strict=True):
        if serving is None:
            why = _not_served(result, lang)
            return (say("scheme_none", lang, scheme=place.scheme_id, why=why),)
    one, two = served
    names = [_result_words(result, lang) for result in results]
    grouped = [_grouped(result) for result in results]
    same = (results[0].group, results[0].outcome) == (results[1].group, results[1].outcome)
    if same and before.kind == after.kind and any(grouped):
        return (say("scheme_same", lang, group=names[1]),)
    if not any(grouped) and names[0] == names[1]:
        return (say("scheme_neither", lang, why=names[0]),)
    if isinstance(one, Grouper) and isinstance(two, Grouper) and not same:
        reason = _impact(one, two).why(claim, lang)
        return (f"{reason.detail} [{reason.row}]" if reason.row else reason.detail,)
    if not any(grouped):
        return (say("scheme_neither_other", lang, before=names[0], after=names[1]),)
    kinds = [say(f"kind_{result_of.kind}", lang) for result_of in (before, after)]
    key = "kinds_differ" if before.kind != after.kind else "catalogues"
    shown = [
        name if found else say("not_grouped", lang, why=name)
        for name, found in zip(names, grouped, strict=True)
    ]
    return (say(key, lang, one=kinds[0], two=kinds[1], before=shown[0], after=shown[1]),)


def serving_grouper(grouper: ClaimGrouper, claim: Claim) -> Grouper | DipGrouper | None:
    """The scheme or catalogue that groups a claim; None: no version does."""
    if isinstance(grouper, VersionedGrouper):
        return grouper.at(claim.discharged_on) if claim.discharged_on else None
    return cast("Grouper | DipGrouper", grouper)


def _path(grouper: ClaimGrouper, claim: Claim) -> ClaimPath | DipPath | _NoVersion:
    serving = serving_grouper(grouper, claim)
    if serving is None:
        return _NoVersion(grouper.group(claim))
    if isinstance(serving, DipGrouper):
        found = serving.reference.decide(claim)
        return DipPath(found, decision_steps(found, serving.catalogue), serving)
    return ClaimPath(_side(serving), claim)


def _reasons(
    before: ClaimPath | DipPath | _NoVersion,
    after: ClaimPath | DipPath | _NoVersion,
    lang: str | None,
) -> tuple[str, ...]:
    unserved = [path for path in (after, before) if isinstance(path, _NoVersion)]
    if unserved:
        key = "version_gone" if unserved[0] is after else "version_found"
        why = _not_served(unserved[0].result, lang)
        return (say("version_none" if len(unserved) == 2 else key, lang, why=why),)
    if isinstance(before, DipPath) and isinstance(after, DipPath):
        return dip_reasons(before, after, lang)
    assert isinstance(before, ClaimPath)
    assert isinstance(after, ClaimPath)
    if before.side is after.side:
        return drg_reasons(before, after, lang)
    names = [path.side.scheme.id for path in (before, after)]
    return (say("version_other", lang, before=names[0], after=names[1]),)


def _not_served(result: GroupResult, lang: str | None) -> str:
    reason = result.reason or ""
    return f"{reason} {reason_title(reason, lang)}".rstrip()


def _grouped(result: GroupResult) -> bool:
    return bool(result.group) and result.outcome in (Outcome.GROUPED, Outcome.AMBIGUOUS)


def _result_words(result: GroupResult, lang: str | None) -> str:
    if _grouped(result):
        return f"{result.group} {result.group_name or ''}".rstrip()
    return _not_served(result, lang)


@lru_cache(maxsize=_KEPT)
def _side(grouper: Grouper) -> Side:
    return Side(grouper, "side_before", {})


@lru_cache(maxsize=_KEPT)
def _impact(before: Grouper, after: Grouper) -> Impact:
    return Impact(before, after)
