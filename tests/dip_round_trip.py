"""Claims drawn from a catalogue's groups, a catalogue built of them, and what was found again.

Run as ``python tests/dip_round_trip.py [CLAIMS] [SEED]`` for the figures of ``docs/dip.md``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from drg.claims.frame import schema
from drg.claims.profiles import match_columns
from drg.dip.build.builder import Built, base_catalogue, build_catalogue, open_history
from drg.dip.build.settings import BuildSettings
from drg.dip.catalogue import load_catalogue
from drg.dip.grouper import DipGrouper
from drg.dip.model import Catalogue, Group
from drg.dip.save import save_catalogue
from drg.dip.synth import synth_batches
from drg.dip.vocabulary import Vocabulary

SOURCE = "taian-2025"
BATCH = 250_000

#: What can become of a published group with enough drawn cases.
GROUP_FATES = {
    "recovered": "built again with the same diagnosis and procedures",
    "folded": "a related procedure adds less than 10 % to the mean cost",
    "noise": "too few of its cases come without a further procedure",
    "quiet": "its principal procedure counts as none",
    "capped": "more related procedures than are looked at",
    "split": "every combination of the comprehensive group has cases enough of its own",
}
#: Where a claim drawn for a published group may go in the built catalogue.
CLAIM_FATES = {
    "own": "to the group built of that published group",
    "folded": "to the group that its own was folded into",
    "collapsed": "to the comprehensive group: its own has too few cases",
    "nearer": "to a core group with its procedures or some of them: its own has too few cases",
    "further": "to a group that its further procedure formed",
    "split": "from a comprehensive group to a core group that its combination formed",
    "dropped": "to no group: even the comprehensive one has too few cases",
    "stray": "drawn for no published group",
}


class Key(tuple[str, str, tuple[str, ...]]):
    """Subcategory or category, principal procedure, related ones as often as named; upper case."""


@dataclass(frozen=True)
class RoundTrip:
    """Figures of one round trip.

    Attributes
    ----------
    claims, drawn, enough : int
        Claims; published groups that some claim was drawn for; those with cases enough.
    built : Built
    groups : Counter
        Published groups with cases enough, by class and ``GROUP_FATES``.
    went : Counter
        Claims by ``CLAIM_FATES``; ``""``: not explained.
    unexplained : list of (str, str or None, int)
        Published group, built group, claims.
    taken : dict of str to int
        Claims by built group, as the built catalogue groups them.
    seconds : dict of str to float
    """

    claims: int
    drawn: int
    enough: int
    built: Built
    groups: Counter[tuple[str, str]]
    went: Counter[str]
    unexplained: list[tuple[str | None, str | None, int]]
    taken: dict[str, int]
    seconds: dict[str, float]


def round_trip(n: int, seed: int, folder: Path, threshold: int = 15) -> RoundTrip:
    """Draw ``n`` claims of three years, build a catalogue in ``folder``, group them with it."""
    source = load_catalogue(SOURCE)
    settings = BuildSettings(threshold=threshold, auxiliary="", kinds=SOURCE)
    columns = match_columns(list(schema()))
    seconds = {}
    started = time.perf_counter()
    base = base_catalogue(settings)
    history = open_history(base, settings)
    drawn: Counter[str | None] = Counter()
    for frame in _claims(source, n, seed):
        history.add(frame, columns)
        drawn.update(dict(frame["expected_group"].value_counts().iter_rows()))
    seconds["synth and read"] = time.perf_counter() - started
    started = time.perf_counter()
    built = build_catalogue(history, base, settings)
    del history
    seconds["build"] = time.perf_counter() - started
    save_catalogue(built.catalogue, folder, header=built.header())
    started = time.perf_counter()
    grouper = DipGrouper.load(folder)
    pairs: Counter[tuple[str | None, str | None]] = Counter()
    for frame in _claims(source, n, seed):
        result = grouper.group_frame(frame).select("expected_group", pl.col("adrg").cast(pl.String))
        for group, got, cases in result.group_by(pl.all()).len().iter_rows():
            pairs[group, got] += cases
    seconds["synth and group"] = time.perf_counter() - started
    told = _Told(source, built)
    went: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    unexplained = []
    for (group, got), cases in pairs.items():
        if got is not None:
            taken[got] += cases
        fate = told.of_claims(group, got)
        went[fate] += cases
        if not fate:
            unexplained.append((group, got, cases))
    enough = [g for g, cases in drawn.items() if g is not None and cases >= threshold]
    groups = Counter((told.published[g].group_class, told.of_group(g)) for g in enough)
    return RoundTrip(
        n, len(drawn.keys() - {None}), len(enough), built, groups, went, unexplained, dict(taken),
        seconds,
    )  # fmt: skip


def _claims(source: Catalogue, n: int, seed: int) -> Iterator[pl.DataFrame]:
    return synth_batches(
        source, n, seed, BATCH, month="2022-01", months=36, defects=0.0, with_group=True
    )


class _Told:
    """Says what became of each published group, and why a claim went where it went."""

    def __init__(self, source: Catalogue, built: Built) -> None:
        self.published = {group.code: group for group in source.groups}
        self._built = {group.code: group for group in built.catalogue.groups}
        self._base = built.catalogue
        self._words = Vocabulary(source)
        self._most = built.settings.most_related
        self._fates: dict[Key, tuple[str, bool, str | None]] = {}
        formed, words = built.formed, built.words
        rows = formed.frame.select("diagnosis", "principal", "related", "fate", "folded", "shape")
        for diagnosis, principal, related, fate, folded, shape in rows.iter_rows():
            others = sorted(words.procedures[p].upper() for p in formed.sets.members(related))
            first = words.procedures[principal].upper() if principal else ""
            key = Key((words.diagnoses.codes[diagnosis].upper(), first, tuple(others)))
            code = None if shape is None else formed.shapes[shape].code
            self._fates[key] = fate, folded, code
        self._keys = {code: self._key(group) for code, group in self.published.items()}

    def of_group(self, code: str) -> str:
        """Of ``GROUP_FATES``, for a group with cases enough."""
        group, key = self.published[code], self._keys[code]
        if group.attribute:
            return "recovered" if self._home(code) in self._built else "split"
        if self._led_quietly(group):
            return "quiet"
        if len(key[2]) > self._most:
            return "capped"
        fate, folded, _ = self._fates.get(key, ("dropped", False, None))
        if folded:
            return "folded"
        if fate != "core":
            return "noise"
        return "recovered"

    def of_claims(self, code: str | None, got: str | None) -> str:
        """Of ``CLAIM_FATES``; ``""``: not explained."""
        if code is None:
            return "stray"
        group, home = self.published[code], self._home(code)
        if got is None:
            return "dropped" if home is None else ""
        taken = self._built[got]
        if got == home:
            if taken.attribute and not group.attribute:
                return "collapsed"
            known = {"recovered": "own", "folded": "folded"}
            return known.get(self.of_group(code), "")
        if taken.attribute or not _same_place(group, taken):
            return ""
        if group.attribute:
            return "split"
        own, its = _texts(group), _texts(taken)
        if its <= own:
            return "nearer"
        return "further" if its - own else ""

    def _home(self, code: str) -> str | None:
        """Group built of a published group's own combination, without further procedures."""
        group = self.published[code]
        if group.attribute:
            home = f"{group.diagnosis[0]}:{group.attribute}"
            return home if home in self._built else None
        found = self._fates.get(self._keys[code])
        return self._wide(group) if found is None else found[2]

    def _wide(self, group: Group) -> str | None:
        kind = self._base.type_of(group).partition(".")[2]
        matching = self._base.matching
        attribute = next(name for name, kinds in matching.attributes.items() if kind in kinds)
        home = f"{group.diagnosis[0][:3]}:{attribute}"
        return home if home in self._built else None

    def _key(self, group: Group) -> Key:
        terms = [self._words.procedure(term[0]).upper() for term in group.terms]
        first = terms[0] if terms else ""
        return Key((group.diagnosis[0].upper(), first, tuple(sorted(terms[1:]))))

    def _led_quietly(self, group: Group) -> bool:
        if not group.terms:
            return False
        first = self._words.procedure(group.terms[0][0])
        return self._base.kind_of(first) in self._base.matching.quiet


def _same_place(group: Group, taken: Group) -> bool:
    return taken.diagnosis[0].upper().startswith(group.diagnosis[0].upper())


def _texts(group: Group) -> Counter[str]:
    return Counter(term[0].upper() for term in group.terms)


def lines(found: RoundTrip) -> Iterator[str]:
    """The figures as text."""
    shapes = Counter(shape.group_class for shape in found.built.formed.shapes)
    yield f"{found.claims:,} claims drawn for {found.drawn:,} groups of {SOURCE}"
    yield f"{found.enough:,} of them have cases enough"
    yield f"built: {shapes['core']:,} core, {shapes['comprehensive']:,} comprehensive groups"
    for (group_class, fate), count in sorted(found.groups.items()):
        yield f"  {group_class:14} {fate:10} {count:7,}  {GROUP_FATES[fate]}"
    for fate, count in found.went.most_common():
        told = CLAIM_FATES.get(fate, "NOT EXPLAINED")
        yield f"  {fate:10} {count:10,}  {count / found.claims:8.3%}  {told}"
    for group, got, cases in sorted(found.unexplained, key=lambda row: -row[2])[:20]:
        yield f"    {group} -> {got}: {cases:,}"
    yield ", ".join(f"{name} {value:.1f} s" for name, value in found.seconds.items())


def main() -> int:
    """Print the figures; 1 if something is not explained."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        found = round_trip(n, seed, Path(folder) / "built")
    for line in lines(found):
        print(line)
    return 1 if found.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
