"""Which set of one scheme is which of another, and which codes came and went.

A set that only changed its name is one rename, not one row a code; the same holds for the
numbers of exclusion tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from drg.schemes.rules import code_tests
from drg.schemes.scheme import Scheme

#: Of two sets with other names, this share of all their codes must be common to be one set.
_ALIKE = 0.5
#: The letters of an ADRG, with which the name of its sets begins.
_STEM = 3

Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SetPair:
    """A set of the one scheme and what it is in the other; None: it has no partner."""

    before: str | None
    after: str | None
    kind: str

    @property
    def name(self) -> str:
        """The later name, where there is one."""
        return self.after or self.before or ""

    @property
    def renamed(self) -> bool:
        return None not in (self.before, self.after) and self.before != self.after


def pair_sets(before: Scheme, after: Scheme) -> list[SetPair]:
    """Pair the sets of two schemes: by name, else by content, else by ADRG and likeness.

    A set that both schemes have stays the partner of its name, even if one of another name has
    become equal to it; a further set of the same ADRG and the same codes is a copy of it and is
    paired as well, so one set may stand in several pairs.
    """
    old, new = _sets(before), _sets(after)
    pairs = [SetPair(name, name, kind) for name, (kind, _) in old.items() if name in new]
    lone_old = {name: old[name] for name in old if name not in new}
    lone_new = {name: new[name] for name in new if name not in old}
    found = _equal(lone_old, lone_new)
    left_old = {n: s for n, s in lone_old.items() if n not in found}
    left_new = {n: s for n, s in lone_new.items() if n not in found.values()}
    copies = [(o, n) for n, s in left_new.items() for o in _copy_of(n, s, old)]
    copies += [(o, n) for o, s in left_old.items() for n in _copy_of(o, s, new)]
    left_old = {n: s for n, s in left_old.items() if n not in {o for o, _ in copies}}
    left_new = {n: s for n, s in left_new.items() if n not in {c for _, c in copies}}
    alike = _alike(left_old, left_new)
    for one, other in [*found.items(), *copies, *alike.items()]:
        pairs.append(SetPair(one, other, old[one][0]))
    pairs += [SetPair(n, None, s[0]) for n, s in left_old.items() if n not in alike]
    pairs += [SetPair(None, n, s[0]) for n, s in left_new.items() if n not in alike.values()]
    return sorted(pairs, key=lambda pair: (pair.name, pair.before or ""))


def set_owners(before: Scheme, after: Scheme) -> dict[str, Owner]:
    """Set name to (MDC, ADRG) of the first rule that names it; ``""`` where there is none."""
    owners: dict[str, Owner] = {}
    mdc_of: dict[str, str] = {}
    for scheme in (after, before):
        for row in scheme.adrgs:
            mdc_of.setdefault(row.adrg, row.mdc)
        rules = [(row.mdc, row.adrg, row.rule) for row in scheme.adrgs]
        rules += [(mdc_of.get(row.adrg, ""), row.adrg, row.rule) for row in scheme.drgs]
        rules += [(mdc.mdc, "", mdc.rule) for mdc in scheme.mdcs]
        for mdc, adrg, rule in rules:
            for test in code_tests(rule):
                owners.setdefault(test.name, (mdc, adrg))
        # A set that no rule names is put where its name says.
        for name in scheme.table("code_set")["set"].unique():
            stem = name[:_STEM]
            owners.setdefault(name, (mdc_of.get(stem, ""), stem if stem in mdc_of else ""))
    return owners


def code_changes(before: Scheme, after: Scheme, pairs: Sequence[SetPair]) -> pl.DataFrame:
    """Codes that came and went, pair by pair.

    Returns
    -------
    DataFrame
        ``pair`` (place in ``pairs``), ``kind``, ``code``, ``added``; sorted by pair and code.
    """
    numbered = pl.DataFrame(
        {
            "pair": range(len(pairs)),
            "before": [pair.before for pair in pairs],
            "after": [pair.after for pair in pairs],
        },
        schema={"pair": pl.UInt32, "before": pl.String, "after": pl.String},
    )
    sides = [
        scheme.table("code_set")
        .join(numbered.select("pair", set=side), on="set")
        .select("pair", "kind", "code")
        for scheme, side in ((before, "before"), (after, "after"))
    ]
    gone = sides[0].join(sides[1], on=["pair", "code"], how="anti")
    come = sides[1].join(sides[0], on=["pair", "code"], how="anti")
    return pl.concat(
        [gone.with_columns(added=pl.lit(False)), come.with_columns(added=pl.lit(True))]
    ).sort("pair", "code", "added")


def pair_tables(before: Scheme, after: Scheme) -> dict[str, str]:
    """Exclusion tables by what they hold: number before to number after.

    Two tables are one when each has more than half of its principal diagnoses in common with
    the other, which can be true of one pair only. A table without a partner keeps its number,
    unless that number now means another table; then it is left out.
    """
    old, new = before.table("exclusion"), after.table("exclusion")
    both = old.join(new, on="principal_diagnosis", suffix="_after")
    counts = both.group_by("exclusion_table", "exclusion_table_after").len("common")
    sizes = [dict(t["exclusion_table"].value_counts().iter_rows()) for t in (old, new)]
    pairs = {
        one: other
        for one, other, common in counts.iter_rows()
        if 2 * common > sizes[0][one] and 2 * common > sizes[1][other]
    }
    numbers = {*sizes[0], *before.table("severity")["exclusion_table"]}
    return pairs | {n: n for n in numbers - {*pairs, *pairs.values()}}


def _sets(scheme: Scheme) -> dict[str, tuple[str, frozenset[str]]]:
    grouped = scheme.table("code_set").group_by("set", "kind").agg("code").sort("set")
    return {name: (kind, frozenset(codes)) for name, kind, codes in grouped.iter_rows()}


_Sets = Mapping[str, tuple[str, frozenset[str]]]


def _equal(old: _Sets, new: _Sets) -> dict[str, str]:
    """Sets of equal content, each once; those of one ADRG first."""
    by_content: defaultdict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for name, content in old.items():
        by_content[content].append(name)
    found: dict[str, str] = {}
    for same_stem in (True, False):
        for name in sorted(new.keys() - found.values()):
            for one in by_content[new[name]]:
                if one not in found and (not same_stem or one[:_STEM] == name[:_STEM]):
                    found[one] = name
                    break
    return found


def _copy_of(name: str, content: tuple[str, frozenset[str]], others: _Sets) -> list[str]:
    """The first set of the other scheme, same ADRG, that holds the same codes."""
    same = (n for n, other in others.items() if n[:_STEM] == name[:_STEM] and other == content)
    return [*same][:1]


def _alike(old: _Sets, new: _Sets) -> dict[str, str]:
    """Sets of one ADRG that have most codes in common, the most alike first."""
    scored = []
    for one, (kind, codes) in old.items():
        for other, (other_kind, other_codes) in new.items():
            if kind == other_kind and one[:_STEM] == other[:_STEM]:
                share = len(codes & other_codes) / len(codes | other_codes)
                scored.append((-share, one, other))
    found: dict[str, str] = {}
    for share, one, other in sorted(scored):
        if -share >= _ALIKE and one not in found and other not in found.values():
            found[one] = other
    return found
