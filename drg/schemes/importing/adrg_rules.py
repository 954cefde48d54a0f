"""Rules of an ADRG from the lists a workbook gives it, from its base and from the convention.

The convention: diagnoses alone, procedures alone, or both. A base has more to say where one list
is not enough (several lists of a kind, age and weight tests, alternatives): then its rules stand,
and the workbook's codes go into the lists in which the base has them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from drg.schemes.importing.conventions import layout
from drg.schemes.importing.rule_text import read_rule
from drg.schemes.rules import code_tests
from drg.schemes.scheme import AdrgRow, Scheme

#: List label ("dx", "px", "px1" …) -> code -> row of the sheet.
Lists = Mapping[str, Mapping[str, int]]
#: Set -> (kind, code -> row of the sheet, 0 for the base's).
Sets = dict[str, tuple[str, dict[str, int]]]
#: Takes a finding's kind; ``row``, ``what`` and what its wording names.
Tell = Callable[..., None]
#: Names less alike than this are two ADRGs under one code.
_ALIKE = 0.5


@dataclass(slots=True)
class AdrgRules:
    """What an ADRG is decided by: rows of (rule_no, rule), and its sets."""

    rows: list[tuple[int, str]] = field(default_factory=list)
    sets: Sets = field(default_factory=dict)


def convention(adrg: str, labels: Sequence[str]) -> str:
    """The rule that lists of these labels stand for; ``""`` where the convention has none."""
    known = set(labels)
    parts = []
    if "dx" in known:
        parts.append(f"principal_dx in {adrg}.dx")
    if "dx2" in known:
        parts.append(f"secondary_dx in {adrg}.dx2")
    if "px" in known:
        parts.append(f"principal_px in {adrg}.px")
    numbered = sorted(label for label in known if label.startswith("px") and label != "px")
    if len(numbered) == 2 and "px" not in known:
        parts += [f"any_px in {adrg}.{label}" for label in numbered]
    elif numbered:
        return ""
    return " and ".join(parts)


def is_simple(adrg: str, rules: Sequence[str]) -> bool:
    """Whether rules are one rule over one list a kind, as the convention writes it."""
    simple = {convention(adrg, labels) for labels in (("dx",), ("px",), ("dx", "px"))}
    return len(rules) == 1 and rules[0] in simple


def same_adrg(one: str, other: str) -> bool:
    """Whether two names can be those of one ADRG; a missing name speaks against nothing."""
    if not one or not other:
        return True
    a, b = (unicodedata.normalize("NFKC", name).replace(" ", "") for name in (one, other))
    return difflib.SequenceMatcher(None, a, b).ratio() >= _ALIKE


def adrg_rules(
    adrg: str,
    lists: Lists,
    told: Sequence[str],
    base_rows: Sequence[AdrgRow],
    base_sets: Mapping[str, tuple[str, frozenset[str]]],
    lacking: Sequence[str],
    tell: Tell,
) -> AdrgRules:
    """The rules and sets of one ADRG.

    Parameters
    ----------
    adrg : str
    lists : mapping
        The workbook's lists of this ADRG.
    told : sequence of str
        Rules the workbook gives in so many words; they override everything.
    base_rows : sequence of AdrgRow
        The base's rows of this ADRG, ambiguous ones left out; none without a base.
    base_sets : mapping of str to (kind, codes)
        The base's named sets.
    lacking : sequence of {"dx", "px"}
        Kinds of which the workbook has no sheet at all.
    tell : callable
        Takes a finding's kind and parameters.
    """
    made = AdrgRules()
    own = {label: dict(codes) for label, codes in lists.items() if codes}
    theirs = [row.text for row in base_rows]
    named = named_sets(adrg, theirs, base_sets)
    if told:
        made.rows = list(enumerate(told, 1))
        made.sets = _of_base(named_sets("", told, base_sets)) | _of_workbook(adrg, own)
    elif theirs and not own:
        tell("adrg_from_base", rule="; ".join(theirs))
        made.rows = [(row.rule_no, row.text) for row in base_rows]
        made.sets = _of_base(named)
    elif theirs and not is_simple(adrg, theirs):
        tell("shape_from_base", rule="; ".join(theirs))
        made.rows = [(row.rule_no, row.text) for row in base_rows]
        made.sets = _of_base(named)
        for kind in ("dx", "px"):
            _fill(made, kind, _of_workbook(adrg, own), named, tell)
    else:
        for name, (kind, codes) in _of_base(named).items():
            if kind in lacking:
                tell("list_from_base", sets=name)
                own[name.partition(".")[2]] = codes
        made.rows = [(1, _by_convention(adrg, list(own), theirs, tell))]
        made.sets = _of_workbook(adrg, own)
    return made


def _by_convention(adrg: str, labels: Sequence[str], theirs: Sequence[str], tell: Tell) -> str:
    rule = convention(adrg, labels)
    if not rule:
        tell("adrg_no_rule", lists=", ".join(labels) or "—")
        return "never"
    if theirs and rule != theirs[0]:
        tell("shape_differs", rule=rule, theirs=theirs[0])
    elif not theirs and adrg in layout("workbook")["special"]["adrgs"]:
        tell("shape_special", rule=rule)
    elif not set(labels) <= {"dx", "px"}:
        tell("shape_lists", rule=rule)
    return rule


def _of_workbook(adrg: str, own: Mapping[str, dict[str, int]]) -> Sets:
    return {
        f"{adrg}.{label}": ("dx" if label.startswith("dx") else "px", dict(codes))
        for label, codes in own.items()
    }


def _of_base(named: Mapping[str, tuple[str, frozenset[str]]]) -> Sets:
    return {name: (kind, dict.fromkeys(sorted(codes), 0)) for name, (kind, codes) in named.items()}


def named_sets(
    adrg: str, rules: Sequence[str], base_sets: Mapping[str, tuple[str, frozenset[str]]]
) -> dict[str, tuple[str, frozenset[str]]]:
    """The base's sets that rules name: the ADRG's own, or all of code_set for ``""``."""
    found = {}
    for text in rules:
        rule, _ = read_rule(text)
        for test in code_tests(rule) if rule else ():
            if test.name in base_sets and re.match(rf"{adrg}[._]" if adrg else "", test.name):
                found[test.name] = base_sets[test.name]
    return found


def _fill(
    made: AdrgRules,
    kind: str,
    given: Sets,
    named: Mapping[str, tuple[str, frozenset[str]]],
    tell: Tell,
) -> None:
    """Put the workbook's codes of a kind into the sets that the base's rules test."""
    names = [name for name, (k, _) in named.items() if k == kind]
    mine = {name: codes for name, (k, codes) in given.items() if k == kind}
    codes = {code: row for of in mine.values() for code, row in of.items()}
    if not codes:
        if names:
            tell("list_from_base", sets=", ".join(names))
    elif not names:
        tell("list_unused", count=len(codes))
    elif set(mine) <= set(names) and len(mine) > 1:
        made.sets |= {name: (kind, of) for name, of in mine.items()}
        if others := [name for name in names if name not in mine]:
            tell("list_from_base", sets=", ".join(others))
    elif len(names) == 1:
        made.sets[names[0]] = kind, codes
    else:
        _spread(made, kind, names, codes, named, tell)


def _spread(
    made: AdrgRules,
    kind: str,
    names: Sequence[str],
    codes: Mapping[str, int],
    named: Mapping[str, tuple[str, frozenset[str]]],
    tell: Tell,
) -> None:
    """Put codes into those of several lists in which the base has them."""
    into: dict[str, dict[str, int]] = {name: {} for name in names}
    for code, row in codes.items():
        homes = [name for name in names if code in named[name][1]]
        if not homes:
            tell("code_unplaced", row=row, what=code, sets=", ".join(names))
        for name in homes:
            into[name][code] = row
    for name, found in into.items():
        made.sets[name] = kind, found


def base_sets_of(base: Scheme) -> dict[str, tuple[str, frozenset[str]]]:
    """The named sets of code_set.csv with their kinds; MDC lists and VALID are not among them."""
    grouped = base.table("code_set").group_by("set", maintain_order=True).agg("kind", "code")
    return {name: (kinds[0], frozenset(codes)) for name, kinds, codes in grouped.iter_rows()}
