"""DRG tests of an ADRG from the last digit of its groups and from what their names say.

The field's convention: 1 severe, 3 some, 5 no complication, 9 undivided, and 0 or 7 where the name
gives the condition (a child, a death). What the digit and the name do not agree on, and a name
that cannot be read, is reported; nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from drg.schemes.importing.conventions import layout

_NOISE = re.compile(r"[\s,，、。.;；:：()（）\-—和及与或的组者患术]+")
#: From the severe to the rest; a digit and a name may differ by one step, not by two.
_STRENGTH = ("mcc", "mcc or cc", "always")
_NOT = re.compile(r"非[^,，]*")


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group as a workbook lists it."""

    sheet: str
    row: int
    drg: str
    name: str
    rule: str


@dataclass(frozen=True, slots=True)
class GroupTest:
    """A group with its test; ``doubt`` names the finding when the test could not be told."""

    group: GroupRow
    rule: str
    doubt: str = ""
    from_base: bool = False


@cache
def _said() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(w["pattern"]), w["rule"]) for w in layout("workbook")["severity_words"]
    )


@cache
def _conditions() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(c["pattern"]), c["rule"]) for c in layout("workbook")["conditions"])


def group_tests(
    groups: Sequence[GroupRow], adrg_name: str, base: Mapping[str, tuple[str, str]]
) -> list[GroupTest]:
    """The tests of an ADRG's groups, in the order in which they are to be tried.

    Parameters
    ----------
    groups : sequence of GroupRow
        All groups of the ADRG.
    adrg_name : str
        Taken off the front of the groups' names; ``""`` when not known.
    base : mapping of str to (name, rule)
        The groups of the base.

    Returns
    -------
    list of GroupTest
        Groups with a condition of their own first, then by severity; a group whose test cannot be
        told gets ``never``.
    """
    if len(groups) == 1 and not groups[0].rule and groups[0].drg[3:] == "9":
        return [GroupTest(groups[0], "always")]
    tests = sorted((_test(group, adrg_name, base) for group in groups), key=_place)
    rules = [test.rule for test in tests]
    return [
        GroupTest(t.group, "never", "group_same") if not t.doubt and t.rule in rules[:n] else t
        for n, t in enumerate(tests)
    ]


def _place(test: GroupTest) -> tuple[bool, int, str]:
    """Conditions of their own first, since a severity alone would leave them nothing."""
    rule = test.rule
    plain = rule in ("mcc", "cc", "mcc or cc", "always", "never")
    rank = 1 if "cc" in rule else 2 if rule != "always" else 3
    if "mcc" in rule and "mcc or cc" not in rule:
        rank = 0
    return plain, rank, test.group.drg


def _test(group: GroupRow, adrg_name: str, base: Mapping[str, tuple[str, str]]) -> GroupTest:
    if group.rule:
        return GroupTest(group, group.rule)
    rule, doubt = _from_name(group, adrg_name)
    name, theirs = base.get(group.drg, ("", ""))
    if theirs and theirs != rule and _same(name, group.name):
        return GroupTest(group, theirs, from_base=True)
    return GroupTest(group, rule or "never", doubt)


def _from_name(group: GroupRow, adrg_name: str) -> tuple[str, str]:
    """Test and finding of a group by its digit and name."""
    digit = group.drg[3:]
    by_digit = layout("workbook")["digits"].get(digit, "")
    name = unicodedata.normalize("NFKC", group.name)
    head = unicodedata.normalize("NFKC", adrg_name)
    known_head = bool(head) and name.startswith(head)
    rest = name[len(head) :] if known_head else name
    if by_digit:  # "not …" only sets it off from a group that is tried before
        rest = _NOT.sub("", rest)
    says, left = _severity(rest)
    atoms: list[str] = []
    if known_head or not by_digit:
        atoms, left = _atoms(left)
        if _NOISE.sub("", left) and (known_head or not (atoms or says)):
            return "", "group_rest"
    if not (says or by_digit or atoms):
        return "", "group_name"
    if by_digit and says and abs(_STRENGTH.index(says) - _STRENGTH.index(by_digit)) > 1:
        return "", "group_conflict"
    severity = says or by_digit or "always"
    if not atoms:
        return severity, ""
    told = [] if severity == "always" else [f"({severity})" if " " in severity else severity]
    return " and ".join([*atoms, *told]), ""


def _severity(name: str) -> tuple[str, str]:
    """What a name says of complications, and the name without it."""
    for pattern, rule in _said():
        found = pattern.search(name)
        if found:
            return rule, name[: found.start()] + name[found.end() :]
    return "", name


def _atoms(name: str) -> tuple[list[str], str]:
    """The conditions a name holds, and what is left of it."""
    atoms = []
    for pattern, rule in _conditions():
        found = pattern.search(name)
        if found:
            atoms.append(rule.format(*found.groups()))
            name = name[: found.start()] + name[found.end() :]
    return atoms, name


def _same(one: str, other: str) -> bool:
    """Whether two names are one but for width, blanks and punctuation."""
    folded = [_NOISE.sub("", unicodedata.normalize("NFKC", name)) for name in (one, other)]
    return bool(folded[0]) and folded[0] == folded[1]
