"""What a DIP catalogue did to the claims of a run: classes of groups, and what decided them.

Kinds of procedures are derived where no list is published, so a run tells how often they choose
the group, and how often by a derived kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from drg.claims.frame import BLANKS
from drg.dip.explain_words import type_words
from drg.dip.vocabulary import Vocabulary
from drg.grouping.editions import CodeFinder
from drg.grouping.reference_case import Spelling
from drg.schemes.crosswalk import shipped_crosswalks
from drg.text import text

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.dip.grouper import DipGrouper
    from drg.dip.model import Group

__all__ = ["DipSummary", "DipTally"]

#: Classes whose groups without procedures ask that no procedure counts.
_QUIET_CLASSES = ("core", "primary")
#: The note of a claim whose cost ruled a group out.
_BY_COST = "N430"
#: Counts of what decided, as ``DipSummary`` names them.
_DECIDED = ("by_cost", "by_kind", "by_derived")


@dataclass(frozen=True, slots=True)
class DipSummary:
    """Counts of grouped claims.

    Attributes
    ----------
    classes : mapping of str to int
        Claims by class and kind of their group (``core.surgery``), the largest first.
    by_cost : int
        The cost ruled a group out.
    by_kind : int
        Kinds of procedures chose the group: it names no procedure, and the claim has some.
    by_derived : int
        Of those, claims with a procedure whose kind is derived, not published.
    """

    classes: Mapping[str, int]
    by_cost: int
    by_kind: int
    by_derived: int

    @classmethod
    def together(cls, parts: Iterable[DipSummary]) -> DipSummary:
        """The counts of all parts as one."""
        classes: Counter[str] = Counter()
        by_cost = by_kind = by_derived = 0
        for part in parts:
            classes.update(part.classes)
            by_cost += part.by_cost
            by_kind += part.by_kind
            by_derived += part.by_derived
        return cls(_largest_first(classes), by_cost, by_kind, by_derived)

    def plain(self) -> dict[str, Any]:
        """As values that JSON and TOML hold."""
        return {"classes": dict(self.classes), **{name: getattr(self, name) for name in _DECIDED}}

    @classmethod
    def of_plain(cls, told: Mapping[str, Any]) -> DipSummary:
        """The counts that ``plain`` told of."""
        return cls(_largest_first(told["classes"]), *(told[name] for name in _DECIDED))

    @property
    def grouped(self) -> int:
        """Claims with a group."""
        return sum(self.classes.values())

    def rows(self, lang: str | None = None) -> list[tuple[str, str]]:
        """Label and count of each figure; none where no claim has a group."""
        if not self.classes:
            return []
        rows = [(text("dip.dip_summary.classes", lang), "")]
        for name, count in self.classes.items():
            rows.append((f"  {name}", f"{self._share(count)} {type_words(name, lang)}"))
        for name, indent in zip(_DECIDED, ("", "", "  "), strict=True):
            label = indent + text(f"dip.dip_summary.{name}", lang)
            rows.append((label, self._share(getattr(self, name))))
        return rows

    def _share(self, count: int) -> str:
        return f"{count:,} ({count / self.grouped:.2%})"


class DipTally:
    """Counts what decided the groups of a run, frame after frame.

    Parameters
    ----------
    grouper : DipGrouper
    """

    def __init__(self, grouper: DipGrouper) -> None:
        self._grouper = grouper
        self._classes: Counter[str] = Counter()
        self._by_cost = self._by_kind = self._by_derived = 0

    def add(self, frame: pl.DataFrame, columns: ClaimColumns, results: pl.DataFrame) -> None:
        """Count one frame.

        Parameters
        ----------
        frame : DataFrame
            The claims as they came in.
        columns : ClaimColumns
            Which columns feed which field.
        results : DataFrame
            The same rows with their result columns.
        """
        for name, count in results.group_by("group_class").len().iter_rows():
            if name is not None:
                self._classes[name] += count
        self._by_cost += int((results["reason"].cast(pl.String) == _BY_COST).sum())
        if not columns.procedures:
            return
        by_kind, finder = _deciders(self._grouper)
        chosen = results["adrg"].cast(pl.String).is_in(by_kind).fill_null(False)
        needed = frame.select(columns.procedures).filter(chosen)
        some = needed.filter(pl.any_horizontal(*map(_is_filled, needed.get_columns())))
        self._by_kind += some.height
        px = replace(columns, diagnoses=(), scalars={})
        self._by_derived += int(finder.find(some, px).is_not_null().sum())

    def summary(self) -> DipSummary:
        """The counts so far."""
        return DipSummary(
            _largest_first(self._classes), self._by_cost, self._by_kind, self._by_derived
        )


def _largest_first(classes: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(classes.items(), key=lambda item: (-item[1], item[0])))


@lru_cache(maxsize=2)
def _deciders(grouper: DipGrouper) -> tuple[pl.Series, CodeFinder]:
    """Groups that kinds of procedures lead to; and what finds the procedures of a derived kind.

    The second finds those that stand in no table at all as well. Kept, for a run counts part by
    part.
    """
    catalogue, clinical = grouper.catalogue, grouper.codes == "clinical"
    codes = (group.code for group in catalogue.groups if _is_by_kind(group))
    spelling = Spelling(
        frozenset(Vocabulary(catalogue).procedures),
        catalogue.px_names,
        lenient=catalogue.normalise_codes,
        crosswalk=shipped_crosswalks()["px"] if clinical else None,
    )
    meant = ((code, spelling.meaning(code)) for code in spelling.known)
    told = {
        code: code
        for code, known in meant
        if known in catalogue.derived or known not in catalogue.procedure_kind
    }
    by_kind = pl.Series(list(codes), dtype=pl.String).implode()
    return by_kind, CodeFinder({"px": spelling}, {"px": told})


def _is_by_kind(group: Group) -> bool:
    """Whether kinds of procedures, and no procedure of its own, lead to a group."""
    return not group.terms and bool(group.attribute or group.group_class in _QUIET_CLASSES)


def _is_filled(series: pl.Series) -> pl.Expr:
    """Whether a cell holds a procedure."""
    if isinstance(series.dtype, pl.List | pl.Array):
        return pl.col(series.name).cast(pl.List(pl.String)).list.len().fill_null(0) > 0
    cell = pl.col(series.name).cast(pl.String, strict=False)
    return cell.str.strip_chars(BLANKS).fill_null("") != ""
