"""A DIP decision as steps and as lines for a coder: candidates, why each lost, subtype, score.

The facts come from the reference matcher, the wording from ``explain_words``; each line ends with
the table row that it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from drg.dip.explain_words import (
    CandidateFact,
    ChoiceFact,
    DiagnosisFact,
    KindsFact,
    ResultFact,
    ScoreFact,
    SubtypeFact,
    TypeFact,
    money_words,
    say,
)
from drg.grouping.explain import Step, input_lines
from drg.grouping.explain_words import scalars_words
from drg.grouping.path import PathLine, told
from drg.schemes.words import say as say_explain

if TYPE_CHECKING:
    from drg.dip.decision import Decision, Trial
    from drg.dip.model import Catalogue

__all__ = ["decision_lines", "decision_steps", "dip_path"]

#: Candidates that do not fit and are told one by one; of more, the number is told.
_SHOWN = 8
_GROUPS, _SUBTYPES, _CLASSES = "groups.csv", "auxiliary.csv", "auxiliary_class.csv"
_KINDS, _COMORBIDITY = "procedure_kind.csv", "comorbidity.csv"


def decision_steps(found: Decision, catalogue: Catalogue) -> list[Step]:
    """The steps of a decision.

    Parameters
    ----------
    found : Decision
        From ``ReferenceMatcher.decide``.
    catalogue : Catalogue

    Returns
    -------
    list of Step
        ``input``; ``kinds`` (what the diagnosis and the procedures stand for); a ``candidate`` for
        every group of the diagnosis; ``choice``; an ``auxiliary`` for every type and for every
        subtype of the group; ``score``; ``result``.
    """
    steps = [Step("input", None, found.case, case=found.case)]
    if found.place is not None:
        steps.append(Step("kinds", None, DiagnosisFact(found.place), _GROUPS, _place_key(found)))
        codes = " ".join(kind.code for kind in found.kinds)
        fact = KindsFact(found.kinds, found.ruling, found.ruling_code, catalogue.px_names)
        steps.append(Step("kinds", None, fact, _KINDS if codes else "", codes))
    steps += [_candidate(trial, found) for trial in found.trials]
    if found.choice is not None:
        fitted = len(found.choice.fits)
        by_cost = any(loss.comparator == "nearest_mean" for loss in found.choice.losses)
        left = ChoiceFact(found.choice.code or "", found.choice.decided_by, fitted, by_cost)
        steps.append(Step("choice", None, left, "catalogue.toml", "matching"))
    steps += _auxiliary_steps(found, catalogue)
    steps.append(Step("result", None, ResultFact(found.result)))
    return steps


def _place_key(found: Decision) -> str:
    place = found.place
    return " ".join(filter(None, (place.subcategory, place.category))) if place else ""


def _candidate(trial: Trial, found: Decision) -> Step:
    """Whether a group fits, and where it lost."""
    chosen = found.choice
    loss = None
    first = min((t.tier for t in found.trials if t.verdict == "fits"), default=-1)
    if chosen is not None:
        losses = {lost.fit.candidate.code: lost for lost in chosen.losses}
        loss = losses.get(trial.group.code)
    fact = CandidateFact(
        trial,
        chosen=chosen is not None and chosen.code == trial.group.code,
        later=trial.verdict == "fits" and trial.tier != first,
        loss=loss,
    )
    holds = None if trial.verdict == "unknown" else trial.verdict == "fits"
    return Step("candidate", holds, fact, _GROUPS, trial.group.code)


def _auxiliary_steps(found: Decision, catalogue: Catalogue) -> Iterator[Step]:
    """Types that the group has subtypes of, its subtypes, and the score."""
    if found.choice is None:
        return
    rows = {row.subtype: row for row in catalogue.classes}
    listed = {rows[s.subtype].type for s in found.listed if s.subtype in rows}
    conditions = {condition.name: condition for condition in catalogue.conditions}
    for decided in found.types:
        if decided.type not in listed:
            continue
        asks = tuple(conditions[name] for name in decided.conditions)
        doubts = tuple(conditions[name] for name in decided.doubts)
        row = rows.get(decided.subtype or "")
        comorbid = found.comorbidities if any(c.cci for c in asks) else ()
        type_fact = TypeFact(decided, row, asks, doubts, comorbid)
        table = f"{_CLASSES}{f' + {_COMORBIDITY}' if comorbid else ''}"
        yield Step("auxiliary", row is not None, type_fact, table, decided.subtype or decided.type)
    group = next(t.group for t in found.trials if t.group.code == found.choice.code)
    for subtype in found.listed:
        matched = subtype in found.matched
        key = f"{subtype.group}/{subtype.subtype}"
        fact = SubtypeFact(subtype, rows.get(subtype.subtype), matched, subtype is found.subtype)
        yield Step("auxiliary", matched, fact, _SUBTYPES, key)
    taken = found.subtype
    key = f"{taken.group}/{taken.subtype}" if taken else group.code
    unlisted = taken is not None and taken not in found.matched
    score = ScoreFact(group, taken, unlisted=unlisted)
    yield Step("score", None, score, _SUBTYPES if taken else _GROUPS, key)


def decision_lines(found: Decision, catalogue: Catalogue, lang: str | None = None) -> list[str]:
    """``dip_path``, each line as text."""
    return [str(line) for line in dip_path(found, catalogue, lang)]


def dip_path(found: Decision, catalogue: Catalogue, lang: str | None = None) -> list[PathLine]:
    """The path of a decision for a coder: lines, each with the row it rests on.

    Parameters
    ----------
    found, catalogue
        As of ``decision_steps``.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    steps, case = decision_steps(found, catalogue), found.case
    title = catalogue.title_zh if say_explain("title_language", lang) == "zh" else ""
    edition = (case.dx.spelling.crosswalk and say_explain("head_clinical", lang)) or ""
    head = say_explain(
        "head_claim",
        lang,
        claim=case.claim_id,
        scheme=(title or catalogue.title_en or catalogue.id) + edition,
        digest=catalogue.digest[:12],
    )
    lines = [PathLine(head, kind="head")]
    for step in steps:
        match step.kind:
            case "input":
                known = [scalars_words(case, lang), money_words(found.cost_fen, lang)]
                inside = [say_explain("comma", lang).join(filter(None, known))]
                inside += input_lines(case, lang)
                lines += [PathLine(words, 1, kind="input") for words in inside]
            case "candidate" | "auxiliary":
                continue
            case "choice":
                lines += _candidate_lines(steps, lang)
                lines.append(told(step, lang))
                lines += [told(s, lang, 1) for s in steps if s.kind == "auxiliary"]
            case _:
                if step.kind == "result" and not any(s.kind == "choice" for s in steps):
                    lines += _candidate_lines(steps, lang)
                lines.append(told(step, lang))
    return lines


def _candidate_lines(steps: Sequence[Step], lang: str | None) -> list[PathLine]:
    """Candidates that fit, those that come nearest, and how many more there are."""
    tried = [step for step in steps if step.kind == "candidate"]
    if not tried:
        return []
    near = sorted(
        (step for step in tried if step.holds is not True),
        key=lambda step: cast(CandidateFact, step.subject).distance,
    )
    fits = [step for step in tried if step.holds]
    words = say("candidates", lang, count=len(tried))
    lines = [PathLine(words, kind="candidate", sources=(_GROUPS,))]
    lines += [told(step, lang, 1) for step in [*fits, *near[:_SHOWN]]]
    if len(near) > _SHOWN:
        words = say("more", lang, count=len(near) - _SHOWN)
        lines.append(PathLine(words, 1, False, "candidate", (_GROUPS,)))
    return lines
