"""What changed between two schemes: one frame of changes, the same for every table.

``diff_schemes`` compares resolved schemes, so it does not matter whether one is a region and the
other its base, two years of a region, or a scheme with and without its overlay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import polars as pl

from drg.errors import DrgError
from drg.schemes.diff_codes import CHANGE_SCHEMA, CodeChanges
from drg.schemes.diff_rules import Change, rule_changes, split_changes
from drg.schemes.diff_sets import pair_sets
from drg.schemes.flags import Flags
from drg.schemes.scheme import Scheme
from drg.schemes.tables import SCHEME_TABLES
from drg.text import language, text

__all__ = [
    "CHANGES",
    "SECTIONS",
    "Change",
    "DiffError",
    "SchemeDiff",
    "SchemeLabel",
    "check_tables",
    "diff_schemes",
]

CHANGES = ("added", "removed", "changed", "moved", "renamed")
#: Parts of a comparison in reading order; ``order`` and ``name`` gather what all tables say.
SECTIONS = (
    "flag",
    "check",
    "mdc",
    "adrg",
    "order",
    "drg",
    "code_set",
    "mdc_diagnosis",
    "severity",
    "exclusion",
    "valid_procedure",
    "grey_code",
    "name",
)
SPLIT_SCHEMA = dict.fromkeys(("mdc", "adrg", "name", "before", "after"), pl.String)


class DiffError(DrgError, ValueError):
    """A comparison cannot be done as asked."""

    area = "compare"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class SchemeLabel:
    """One of two schemes compared, by what messages say of it."""

    id: str
    compat: str
    title_zh: str
    title_en: str
    digest: str

    @classmethod
    def of(cls, scheme: Scheme) -> SchemeLabel:
        """What is said of a scheme."""
        titles = scheme.title("zh"), scheme.title("en")
        return cls(scheme.id, scheme.compat, *titles, scheme.digest)

    @property
    def label(self) -> str:
        """Id, and the overlay if there is one."""
        return f"{self.id} + {self.compat}" if self.compat else self.id

    def words(self, lang: str | None = None) -> str:
        """Label, title and digest."""
        title = self.title_zh if (lang or language()) == "zh" else self.title_en
        return text("compare.side", lang, id=self.label, title=title, digest=self.digest[:12])


@dataclass(frozen=True)
class SchemeDiff:
    """The changes from one scheme to another.

    Attributes
    ----------
    before, after : SchemeLabel
        The two schemes.
    changes : DataFrame
        One row a change, all ``String``, fields of ``Change`` and ``section`` (one of
        ``SECTIONS``); sorted by section, then in the order of the tables.
    sets : DataFrame
        One row a set that changed: its name, ``change`` (added, removed, renamed, changed), kind,
        MDC, ADRG, name before, number of codes before and after, codes added and removed.
    splits : DataFrame
        One row an ADRG of both schemes whose DRG tests differ: mdc, adrg, name, before, after.
    """

    before: SchemeLabel
    after: SchemeLabel
    changes: pl.DataFrame
    sets: pl.DataFrame
    splits: pl.DataFrame

    def __bool__(self) -> bool:
        return not self.changes.is_empty()

    def section(self, name: str) -> pl.DataFrame:
        """The changes of one section, in order."""
        return self.changes.filter(pl.col("section") == name)

    def only(self, tables: Sequence[str]) -> SchemeDiff:
        """The same comparison of some tables alone.

        Raises
        ------
        DiffError
            C213: no such table.
        """
        check_tables(tables)
        kept = self.changes.filter(pl.col("table").is_in(list(tables)))
        sets = self.sets if "code_set" in tables else self.sets.clear()
        splits = self.splits if "drg" in tables else self.splits.clear()
        return SchemeDiff(self.before, self.after, kept, sets, splits)

    @cached_property
    def counts(self) -> pl.DataFrame:
        """Rows by ``section`` and kind of change: section, then one column each of ``CHANGES``."""
        columns = [
            (pl.col("change") == change).sum().cast(pl.Int64).alias(change) for change in CHANGES
        ]
        order = pl.DataFrame({"section": SECTIONS})
        counted = self.changes.group_by("section").agg(columns)
        return order.join(counted, on="section", how="inner", maintain_order="left")

    @cached_property
    def by_mdc(self) -> pl.DataFrame:
        """Rows by ``mdc`` and ``section`` in column ``rows``; those of no MDC are left out."""
        inside = self.changes.filter(pl.col("mdc") != "")
        return inside.group_by("mdc", "section").len("rows").sort("mdc", "section")


def check_tables(names: Sequence[str]) -> None:
    """Refuse names that are no table of a comparison.

    Raises
    ------
    DiffError
        C213: no such table; names all of them.
    """
    known = [*SCHEME_TABLES, "flag"]
    for name in names:
        if name not in known:
            raise DiffError("C213", asked=name, known=" ".join(known))


def diff_schemes(before: Scheme, after: Scheme) -> SchemeDiff:
    """Compare two schemes.

    Parameters
    ----------
    before, after : Scheme
        Loaded, overlays applied.

    Returns
    -------
    SchemeDiff
        Empty if nothing that the tables say differs. A set, rule or exclusion table that only
        changed its name or number is one change ``renamed``; the order of rows is told by the
        fewest moves.
    """
    pairs = pair_sets(before, after)
    codes = CodeChanges(before, after, pairs)
    rows = [*_flag_changes(before, after), *rule_changes(before, after, pairs)]
    parts = [pl.DataFrame(rows, schema=CHANGE_SCHEMA, orient="row"), *codes.frames()]
    own_section = pl.col("column").is_in(["order", "name"])
    section = pl.when(own_section).then(pl.col("column")).otherwise(pl.col("table"))
    place = {name: n for n, name in enumerate(SECTIONS)}
    changes = (
        pl.concat(parts)
        .select(section.alias("section"), *CHANGE_SCHEMA)
        .sort(pl.col("section").replace_strict(place), maintain_order=True)
    )
    splits = pl.DataFrame(split_changes(before, after), schema=SPLIT_SCHEMA, orient="row")
    return SchemeDiff(SchemeLabel.of(before), SchemeLabel.of(after), changes, codes.sets, splits)


def _flag_changes(before: Scheme, after: Scheme) -> list[Change]:
    found = []
    for flag in fields(Flags):
        values = [_flag_text(getattr(s.flags, flag.name)) for s in (before, after)]
        if values[0] != values[1]:
            found.append(Change("flag", "changed", "", "", flag.name, "value", *values))
    return found


def _flag_text(value: object) -> str:
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
