"""What grouping and the rules on single claims find of a few cases, each case by itself.

Alternatives of one case stand side by side in a frame: rules that look at several stays would take
them for such, and charges are not at hand. Those rules are ``drg check``'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import polars as pl

from drg.audit.engine import Audit
from drg.audit.kinds import KINDS
from drg.audit.model import Scope
from drg.grouping.edition_findings import EditionCheck
from drg.grouping.finding_rows import audit_findings, grouping_findings
from drg.grouping.findings import GroupingFindings
from drg.money import fen
from drg.simulate.answer import CaseFinding
from drg.text import language

if TYPE_CHECKING:
    from drg.audit.model import RuleSet
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.base import ClaimGrouper

__all__ = ["case_findings", "raised_and_cleared"]

#: Texts of a finding, as the answer and the rows have them.
_WORDS = ("code", "level", "title", "concerns", "mend", "source")

#: Checks that reject, and reasons for no group: codes of which a case has one each.
_ONCE = ("E", "U", "Q", "V")

_EDITIONS: WeakKeyDictionary[ClaimGrouper, dict[bool, EditionCheck]] = WeakKeyDictionary()


def case_findings(
    grouper: ClaimGrouper,
    rules: RuleSet | None,
    frame: pl.DataFrame,
    columns: ClaimColumns,
    results: pl.DataFrame,
    *,
    edition_stated: bool = False,
    lang: str | None = None,
) -> list[tuple[CaseFinding, ...]]:
    """What there is to look at in each case.

    Parameters
    ----------
    grouper : ClaimGrouper
        What grouped them.
    rules : RuleSet or None
        Audit rules; of these only the ones that judge a claim by itself are asked. None: grouping
        alone.
    frame : DataFrame
        Cases, in any of the forms that are grouped.
    columns : ClaimColumns
    results : DataFrame
        Their results (``grouper.results_frame``), or a frame with these columns and more.
    edition_stated : bool, optional
        As for ``drg.scale.check.check_file``.
    lang : {"zh", "en"}, optional
        Language of titles and words; the context's when omitted.

    Returns
    -------
    list of tuple of CaseFinding
        One entry a row, in order: what grouping finds, then rules by id; what a rule cannot judge
        is no finding.
    """
    lang = lang or language()
    results = results.select(name for name in grouper.result_schema if name in results.columns)
    found = GroupingFindings(grouper, _editions(grouper, edition_stated), lang).find(
        frame, columns, results
    )
    unnamed = pl.Series([None] * frame.height, dtype=pl.String)
    parts = [grouping_findings(found, unnamed, unnamed, grouper.scheme_id, 0, lang)]
    if rules is not None:
        alone = tuple(r for r in rules.rules if KINDS[r.kind].scope is Scope.CLAIM)
        audit = Audit(replace(rules, rules=alone), lang=lang)
        audit.add(frame, columns, results)
        outcomes = results["outcome"].cast(pl.String)
        parts.append(audit_findings(audit.finish().findings, alone, outcomes, lang))
    told: list[list[CaseFinding]] = [[] for _ in range(frame.height)]
    for part in parts:
        for row, *words, amount in part.select("row", *_WORDS, "amount").iter_rows():
            at_stake = None if amount is None else fen(amount)
            given = dict(zip(_WORDS, words, strict=True))
            told[row - 1].append(CaseFinding(**given, amount_fen=at_stake))
    return [tuple(findings) for findings in told]


def _editions(grouper: ClaimGrouper, stated: bool) -> EditionCheck:
    """The check of editions of a grouper, made once: it reads tables."""
    known = _EDITIONS.setdefault(grouper, {})
    if stated not in known:
        known[stated] = EditionCheck(grouper, stated=stated)
    return known[stated]


def raised_and_cleared(
    base: Sequence[CaseFinding], changed: Sequence[CaseFinding]
) -> tuple[tuple[CaseFinding, ...], tuple[CaseFinding, ...]]:
    """Findings that a change raises, and those that it settles.

    Parameters
    ----------
    base, changed : sequence of CaseFinding
        Of the case as it stands, and as changed.

    Returns
    -------
    raised, cleared : tuple of CaseFinding
        Two findings are the same when their codes are and what they concern is, of reasons that
        keep a case from a group their codes alone; one that stands several times is raised or
        settled as often as it is there more or less.
    """
    return _beyond(changed, base), _beyond(base, changed)


def _beyond(
    findings: Sequence[CaseFinding], others: Sequence[CaseFinding]
) -> tuple[CaseFinding, ...]:
    """Findings that are not among others, each of which stands for one."""
    left = Counter(map(_key, others))
    more = []
    for finding in findings:
        if left[_key(finding)]:
            left[_key(finding)] -= 1
        else:
            more.append(finding)
    return tuple(more)


def _key(finding: CaseFinding) -> tuple[str, str]:
    # A reason of grouping stands once in a case; what it concerns only spells out the case.
    once = finding.code.startswith(_ONCE)
    return finding.code, "" if once else finding.concerns
