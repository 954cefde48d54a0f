"""The path of a decision as a coder reads it: lines with their depth, verdict and table rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from drg.grouping.explain import Step, input_lines, row_title
from drg.grouping.explain_words import near_miss, scalars_words
from drg.grouping.reference_case import Case
from drg.grouping.reference_rules import Interpreter
from drg.schemes.words import say

if TYPE_CHECKING:
    from drg.schemes.scheme import AdrgRow, Scheme

__all__ = ["PathLine", "decision_path", "deeper", "told"]


class PathLine(NamedTuple):
    """One line of a path; as text it is indented and ends with its table rows in brackets.

    Attributes
    ----------
    text : str
    depth : int
        Indent.
    holds : bool or None
        Whether the rule it tells of holds; None: unknown, or not a rule.
    kind : str
        Of its ``Step``; ``head``: what the path is of, ``note``: what follows or was left out.
    sources : tuple of str
        Table rows that it rests on, such as ``adrg.csv BB2/1``.
    """

    text: str
    depth: int = 0
    holds: bool | None = None
    kind: str = "note"
    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = " ".join([self.text, *(f"[{source}]" for source in self.sources)])
        return "  " * self.depth + words


def told(step: Step, lang: str | None, depth: int = 0) -> PathLine:
    """One step as a line."""
    return PathLine(step.words(lang), depth, step.holds, step.kind, step.sources(lang))


def deeper(lines: Iterable[PathLine]) -> list[PathLine]:
    """Lines one step further in."""
    return [line._replace(depth=line.depth + 1) for line in lines]


def decision_path(
    steps: Sequence[Step],
    scheme: Scheme,
    lang: str | None = None,
    interpreter: Interpreter | None = None,
) -> list[PathLine]:
    """The path of a decision for a coder.

    Parameters
    ----------
    steps : sequence of Step
        From ``ReferenceGrouper.trace``.
    scheme : Scheme
        The scheme that grouped the claim.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    interpreter : Interpreter, optional
        Of the scheme, where there is one already.

    Returns
    -------
    list of PathLine
        Doors and ADRG rules that did not hold are counted in one line; those that came close
        are named with the reason.
    """
    rules = interpreter or Interpreter(scheme)
    lines: list[PathLine] = []
    case: Case | None = None
    place = 0
    while place < len(steps):
        step = steps[place]
        same = [step]
        while place + len(same) < len(steps) and steps[place + len(same)].kind == step.kind:
            same.append(steps[place + len(same)])
        place += len(same)
        if step.kind in ("input", "retry"):
            case = cast(Case, step.subject)
        match step.kind:
            case "input":
                lines.append(_heading(step, scheme, lang))
                inside = [scalars_words(cast(Case, case), lang)]
                inside += input_lines(cast(Case, case), lang)
                lines += [PathLine(words, 1, kind="input") for words in inside]
            case "check":
                lines += _told_checks(same, lang)
                if not any(s.kind == "severity" for s in steps) and _was_grouped(steps):
                    none = say("severity_none", lang)
                    lines.append(PathLine(none, kind="severity", sources=("severity.csv",)))
            case "severity":
                lines.append(PathLine(say("head_severity", lang)))
                lines += [told(s, lang, 1) for s in same]
            case "mdc":
                lines += _told_mdcs(same, cast(Case, case), rules, lang)
            case _:
                lines += [told(s, lang) for s in same]
    return lines


def _was_grouped(steps: Sequence[Step]) -> bool:
    return any(step.kind == "mdc" for step in steps)


def _heading(step: Step, scheme: Scheme, lang: str | None) -> PathLine:
    title = scheme.title(say("title_language", lang))
    title = f"{title} + {scheme.compat}" if scheme.compat else title
    words = say(
        "head_claim",
        lang,
        claim=cast(Case, step.subject).claim_id,
        scheme=title + (say("head_clinical", lang) if scheme.edition == "clinical" else ""),
        digest=scheme.digest[:12],
    )
    return PathLine(words, kind="head")


def _told_checks(steps: Sequence[Step], lang: str | None) -> list[PathLine]:
    lines = []
    if quiet := sum(not step.holds for step in steps):
        words = say("checks_quiet", lang, count=quiet)
        lines.append(PathLine(words, holds=False, kind="check", sources=("check.csv",)))
    return lines + [told(step, lang) for step in steps if step.holds]


def _told_mdcs(
    steps: Sequence[Step], case: Case, interpreter: Interpreter, lang: str | None
) -> list[PathLine]:
    lines: list[PathLine] = []
    shut: list[str] = []
    for step in steps:
        if step.holds is False:
            shut.append(step.key)
            continue
        lines += _told_shut(shut, lang)
        shut = []
        lines.append(told(step, lang))
        lines += deeper(_told_adrgs(step.children, case, interpreter, lang))
    return lines + _told_shut(shut, lang)


def _told_shut(keys: Sequence[str], lang: str | None) -> list[PathLine]:
    if not keys:
        return []
    words = say("mdcs_shut", lang, count=len(keys))
    return [PathLine(words, holds=False, kind="mdc", sources=(f"mdc.csv {' '.join(keys)}",))]


def _told_adrgs(
    steps: Sequence[Step], case: Case, interpreter: Interpreter, lang: str | None
) -> list[PathLine]:
    failed = [step for step in steps if not step.holds]
    lines = []
    if failed:
        span = " … ".join(dict.fromkeys((failed[0].key, failed[-1].key)))
        words = say("adrgs_tried", lang, count=len(failed))
        lines.append(PathLine(words, holds=False, kind="adrg", sources=(f"adrg.csv {span}",)))
    for step in steps:
        if step.holds is False:
            rule = cast("AdrgRow", step.subject).rule
            if nearly := near_miss(rule, case, interpreter, lang):
                words = say("adrg_nearly", lang, row=row_title(step), how=nearly)
                lines.append(PathLine(words, 1, False, "adrg", step.sources(lang)))
            continue
        lines.append(told(step, lang, 0 if step.holds else 1))
        lines += [told(test, lang, 1) for test in step.children]
    return lines
