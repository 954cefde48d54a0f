"""What changed in the tables of rules: rows, wording, order, and how ADRGs split."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from unicodedata import normalize

from drg.schemes.diff_sets import SetPair
from drg.schemes.rules import Rule, to_text
from drg.schemes.scheme import AdrgRow, DrgRow, Scheme


class Change(NamedTuple):
    """One row of a comparison; every cell is text, ``""`` where there is nothing to say.

    Attributes
    ----------
    table : str
        Table of the scheme, or ``flag``.
    change : {"added", "removed", "changed", "moved", "renamed"}
    mdc, adrg : str
        Where it belongs.
    key : str
        Row, set or code that changed.
    column : str
        What of it changed.
    before, after : str
        The two values.
    name : str
        Name of the key.
    """

    table: str
    change: str
    mdc: str = ""
    adrg: str = ""
    key: str = ""
    column: str = ""
    before: str = ""
    after: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table of rules, as the comparison sees it."""

    ident: tuple[str, ...]
    key: str
    group: str
    mdc: str
    adrg: str
    rule: Rule
    cells: dict[str, str] = field(default_factory=dict)

    def change(self, table: str, change: str, column: str, before: str, after: str) -> Change:
        name = self.cells.get("name", "")
        return Change(table, change, self.mdc, self.adrg, self.key, column, before, after, name)


def rule_changes(before: Scheme, after: Scheme, pairs: Sequence[SetPair]) -> list[Change]:
    """Changes of mdc, adrg, drg and check: rows, cells and order."""
    names = {(pair.before, pair.after) for pair in pairs if pair.renamed}
    found: list[Change] = []
    for table, rows in (("check", _checks), ("mdc", _mdcs), ("adrg", _adrgs), ("drg", _drgs)):
        old, new = rows(before), rows(after)
        if table == "drg":
            old = _follow_rule_numbers(old, new)
        found += _rows_changed(table, old, new, names)
        found += _moves(table, old, new)
    return found + _renumbered(before, after)


def split_changes(before: Scheme, after: Scheme) -> list[tuple[str, str, str, str, str]]:
    """(mdc, adrg, name, before, after) of every ADRG of both whose DRG tests are not the same."""
    old, new = _splits(before), _splits(after)
    rows: dict[str, AdrgRow] = {}
    for row in after.adrgs:
        rows.setdefault(row.adrg, row)
    return [
        (row.mdc, adrg, row.name, old[adrg], new[adrg])
        for adrg, row in rows.items()
        if adrg in old and adrg in new and old[adrg] != new[adrg]
    ]


def _splits(scheme: Scheme) -> dict[str, str]:
    told: defaultdict[str, list[str]] = defaultdict(list)
    for row in scheme.drgs:
        number = "" if row.rule_no is None else f"/{row.rule_no}"
        told[row.adrg].append(f"{row.drg}{number} {row.text}")
    return {adrg: " | ".join(tests) for adrg, tests in told.items()}


# ---- rows of the tables


def _checks(scheme: Scheme) -> list[_Row]:
    return [
        _Row((r.check,), r.check, "", "", "", r.rule, {"level": r.level, "rule": r.text})
        for r in scheme.checks
    ]


def _mdcs(scheme: Scheme) -> list[_Row]:
    return [
        _Row((r.mdc,), r.mdc, "", r.mdc, "", r.rule, {"rule": r.text, "name": r.name})
        for r in scheme.mdcs
    ]


def _adrgs(scheme: Scheme) -> list[_Row]:
    return [
        _Row(
            (r.mdc, r.adrg, str(r.rule_no)),
            f"{r.adrg}/{r.rule_no}",
            r.mdc,
            r.mdc,
            r.adrg,
            r.rule,
            {"rule": r.text, "kind": r.kind, "reason": r.reason, "name": r.name},
        )
        for r in scheme.adrgs
    ]


def _drgs(scheme: Scheme) -> list[_Row]:
    mdc_of = {row.adrg: row.mdc for row in scheme.adrgs}
    seen: Counter[tuple[str, str, str]] = Counter()
    rows = []
    for r in scheme.drgs:
        number = "" if r.rule_no is None else str(r.rule_no)
        group = (r.adrg, number, r.drg)
        rows.append(_drg(r, number, seen[group], mdc_of[r.adrg]))
        seen[group] += 1
    return rows


def _drg(row: DrgRow, number: str, nth: int, mdc: str) -> _Row:
    cells = {"rule": row.text, "rule_no": number, "name": row.name}
    ident = (row.adrg, number, row.drg, str(nth))
    return _Row(ident, row.drg, f"{row.adrg}/{number}", mdc, row.adrg, row.rule, cells)


def _follow_rule_numbers(old: list[_Row], new: list[_Row]) -> list[_Row]:
    """Old DRG rows under the rule number that the same group, the only one, has now."""
    there = {row.ident for row in new}
    lone_new = _only([row for row in new if row.ident not in {r.ident for r in old}])
    lone_old = _only([row for row in old if row.ident not in there])
    moved = []
    for row in old:
        place = (row.adrg, row.key)
        if row is lone_old.get(place) and place in lone_new:
            now = lone_new[place]
            cells = row.cells
            row = _Row(now.ident, row.key, now.group, row.mdc, row.adrg, row.rule, cells)  # noqa: PLW2901
        moved.append(row)
    return moved


def _only(rows: Iterable[_Row]) -> dict[tuple[str, str], _Row]:
    """(ADRG, DRG) that stand once."""
    counts: defaultdict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        counts[row.adrg, row.key].append(row)
    return {place: found[0] for place, found in counts.items() if len(found) == 1}


# ---- comparison


def _rows_changed(
    table: str, old: list[_Row], new: list[_Row], names: Collection[tuple[str | None, str | None]]
) -> list[Change]:
    was = {row.ident: row for row in old}
    now = {row.ident: row for row in new}
    found: list[Change] = []
    for row in new:
        one = was.get(row.ident)
        if one is None:
            found.append(row.change(table, "added", "rule", "", row.cells["rule"]))
            continue
        for column, value in row.cells.items():
            if column == "rule":
                if one.rule == row.rule:
                    continue
                change = "renamed" if _same_but_for_names(one.rule, row.rule, names) else "changed"
            elif one.cells[column] == value:
                continue
            else:
                change = "changed"
            found.append(row.change(table, change, column, one.cells[column], value))
    gone = (row for row in old if row.ident not in now)
    return found + [row.change(table, "removed", "rule", row.cells["rule"], "") for row in gone]


def _same_but_for_names(
    one: Rule, other: Rule, names: Collection[tuple[str | None, str | None]]
) -> bool:
    """Whether two rules differ only in the names of sets that were renamed."""
    words, others = (re.findall(r"[^\s()]+|[()]", to_text(rule)) for rule in (one, other))
    return len(words) == len(others) and all(
        a == b or (a, b) in names for a, b in zip(words, others, strict=True)
    )


def _moves(table: str, old: list[_Row], new: list[_Row]) -> list[Change]:
    """Rows that stand elsewhere: the fewest whose moving explains the new order."""
    found = []
    before, after = _by_group(old), _by_group(new)
    for group, rows in after.items():
        was = {row.ident: place for place, row in enumerate(before.get(group, []))}
        common = [row for row in rows if row.ident in was]
        kept = longest_increasing([was[row.ident] for row in common])
        for place, row in enumerate(common):
            if place not in kept:
                ahead = (_ahead(before[group], row), _ahead(rows, row))
                found.append(row.change(table, "moved", "order", *ahead))
    return found


def _by_group(rows: list[_Row]) -> dict[str, list[_Row]]:
    groups: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return groups


def _ahead(rows: list[_Row], row: _Row) -> str:
    """Key of the row that stands before a row; ``""`` if it is the first."""
    place = [r.ident for r in rows].index(row.ident)
    return rows[place - 1].key if place else ""


def longest_increasing(values: Sequence[int]) -> set[int]:
    """Places of a longest increasing subsequence of distinct numbers.

    Examples
    --------
    >>> sorted(longest_increasing([2, 0, 1, 3]))
    [1, 2, 3]
    """
    ends: list[int] = []  # smallest last value of an increasing run, by its length
    places: list[int] = []
    previous: list[int] = []
    for place, value in enumerate(values):
        length = bisect_left(ends, value)
        previous.append(places[length - 1] if length else -1)
        ends[length : length + 1] = [value]
        places[length : length + 1] = [place]
    kept = set()
    place = places[-1] if places else -1
    while place >= 0:
        kept.add(place)
        place = previous[place]
    return kept


def renumbered_adrgs(before: Scheme, after: Scheme) -> dict[str, str]:
    """ADRGs whose name stands under another code, where neither code kept its own name."""
    old, new = _adrg_names(before), _adrg_names(after)
    code_of = {name: adrg for adrg, name in new.items()}
    pairs = {was: code_of[name] for was, name in old.items() if name in code_of}
    return {
        was: now
        for was, now in pairs.items()
        if was != now and new.get(was) != old[was] and old.get(now) != new[now]
    }


def _renumbered(before: Scheme, after: Scheme) -> list[Change]:
    row_of = {row.adrg: row for row in after.adrgs}
    return [
        Change("adrg", "renamed", row_of[now].mdc, now, now, "adrg", was, now, row_of[now].name)
        for was, now in renumbered_adrgs(before, after).items()
    ]


def _adrg_names(scheme: Scheme) -> dict[str, str]:
    """ADRG to name, in half-width characters, where one ADRG alone has the name."""
    names: dict[str, str] = {}
    for row in scheme.adrgs:
        if not row.ambiguous:
            names.setdefault(row.adrg, normalize("NFKC", row.name))
    times = Counter(names.values())
    return {adrg: name for adrg, name in names.items() if times[name] == 1}
