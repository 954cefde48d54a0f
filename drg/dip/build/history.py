"""Claims of some years as integers: what a catalogue is built from, a few dozen bytes a claim.

Codes are read as the matcher reads them. Claims that cannot count are counted by the reason why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.days import read_days
from drg.dip.build.codes import ClaimCodes, First, Lists, code_reader, starts
from drg.dip.conditions import ConditionWords
from drg.dip.vocabulary import Vocabulary
from drg.grouping.encode import numbers
from drg.money import read_fen
from drg.schemes.crosswalk import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns
    from drg.dip.model import Catalogue
    from drg.dip.vocabulary import Place
    from drg.schemes.crosswalk import Crosswalk, Kind

    Ids = NDArray[np.uint32]
    Ints = NDArray[np.int64]

__all__ = ["LEFT_OUT", "Cases", "History"]

#: Why a claim does not count, the first that applies.
LEFT_OUT = (
    "no_principal", "unknown_principal", "bad_cost", "no_cost", "zero_cost", "negative_cost",
    "no_year", "other_year",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cases:
    """Claims that count, as columns.

    Attributes
    ----------
    principal : array of uint32
        Principal diagnosis, an id of ``History.diagnoses``.
    reported : array of uint32
        First procedure, a number of ``History.procedures``; 0: none, or not known.
    ruling : array of uint32
        Place among the kinds of the first known procedure's kind (the last, where no procedure
        counts): what chooses a comprehensive group.
    procedures : Lists
        Known procedures that are not quiet, in the claim's order: numbers of
        ``History.procedures``, none twice.
    secondary : Lists or None
        Known secondary diagnoses; None where they are not asked for.
    fen : array of int64
        Cost, greater than zero.
    year : array of int16
    days : array of int32
        Length of stay, -1: not known.
    true, unknown : array of uint64 or None
        Scalar conditions (``drg.dip.conditions.Words``).
    """

    principal: Ids
    reported: Ids
    ruling: Ids
    procedures: Lists
    secondary: Lists | None
    fen: Ints
    year: NDArray[np.int16]
    days: NDArray[np.int32]
    true: NDArray[np.uint64] | None
    unknown: NDArray[np.uint64] | None

    def __len__(self) -> int:
        return len(self.fen)


class History:
    """Collects claims, frame by frame.

    Parameters
    ----------
    base : Catalogue
        Code lists, kinds, quiet kinds; auxiliary classes with their conditions where they are to
        be tried. Its groups do not matter.
    crosswalks : mapping of {"dx", "px"} to Crosswalk, optional
        Claims come in the clinical edition.
    reports : int, optional
        How often one procedure counts in a claim. Its second report is a number of its own.

    Attributes
    ----------
    diagnoses : sequence of Place
        By id; number 0 stands for none.
    procedures : sequence of str
        Codes by number, each ``reports`` times in a row; number 0 is ``""``.
    left_out : Counter
        Claims by ``LEFT_OUT``.
    read, rounded : int
        Claims read; costs that had parts of a fen.
    """

    def __init__(
        self,
        base: Catalogue,
        crosswalks: Mapping[Kind, Crosswalk] | None = None,
        reports: int = 2,
    ) -> None:
        places = Vocabulary(base).diagnoses
        walks = dict(crosswalks or {})
        if "dx" in walks:
            short = {code: code for code in places if code not in base.dx_names}
            walks["dx"] = replace(walks["dx"], insurance={**short, **walks["dx"].insurance})
        known = {"dx": list(places), "px": sorted(base.px_names)}
        self._readers = {
            kind: code_reader(tuple(known[kind]), base.normalise_codes, walks.get(kind))
            for kind in KINDS
        }
        self.diagnoses: Sequence[Place | None] = [None, *places.values()]
        self._reports = reports
        self.procedures: Sequence[str] = [
            code for code in ("", *known["px"]) for _ in range(reports)
        ]
        kinds, quiet = base.matching.kinds, base.matching.quiet
        number = {kind: n for n, kind in enumerate(kinds)}
        own = [base.kind_of(code) for code in known["px"]]
        self._quiet = np.array([True, *(kind in quiet for kind in own)])
        self._kind = np.array([len(kinds) - 1, *(number[kind] for kind in own)], np.int64)
        #: Place of every procedure's kind among the kinds, by number; of number 0 the last.
        self.kind_of = np.repeat(self._kind, reports)
        self._words = ConditionWords(base.conditions)
        self._typed = bool(base.classes)
        self._parts: list[Cases] = []
        self.left_out: Counter[str] = Counter()
        self.read = 0
        self.rounded = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Canonical scalar columns that are read where they are there."""
        own = self._words.columns if self._typed else ()
        return tuple(dict.fromkeys(("total_cost", "discharged_on", "los_days", *own)))

    def add(self, frame: pl.DataFrame, columns: ClaimColumns) -> None:
        """Add the claims of a frame that has costs and days of discharge."""
        self.read += frame.height
        mark = columns.separator
        dx_mark, px_mark = (
            mark if joined else ""
            for joined in (columns.diagnoses_joined, columns.procedures_joined)
        )
        dx = self._readers["dx"].read(frame, columns.diagnoses, dx_mark)
        px = self._readers["px"].read(frame, columns.procedures, px_mark)
        cost = read_fen(frame[columns.scalars["total_cost"]])
        year = read_days(frame[columns.scalars["discharged_on"]]).dt.year().cast(pl.Int16)
        first = dx.first_entry()
        why = _why(first, dx, cost.fen, cost.unreadable, year)
        self.left_out.update(dict(why.drop_nulls().value_counts().iter_rows()))
        used = why.is_null().to_numpy()
        if not used.any():
            return
        self.rounded += int((cost.rounded.to_numpy() & used).sum())
        true = unknown = secondary = None
        if self._typed:
            known_cost = cost.fen.fill_null(-1).to_numpy()
            words = self._words.of_frame(frame, columns, known_cost)
            true, unknown = words.true[used], words.unknown[used]
            secondary = dx.others(first.ids).of(used)
        counted = px.reports(~self._quiet, self._reports)
        self._parts.append(
            Cases(
                first.ids[used],
                px.first_entry(skip_blank=True).ids[used] * np.uint32(self._reports),
                self._ruling(px, counted)[used],
                counted.of(used),
                secondary,
                cost.fen.fill_null(0).to_numpy()[used],
                year.fill_null(0).to_numpy()[used],
                _days(frame, columns)[used],
                true,
                unknown,
            )
        )

    def cases(self) -> Cases:
        """All claims that count."""
        parts = self._parts
        if not parts:
            none = Lists(np.zeros(1, np.int64), np.empty(0, np.uint32))
            ids = np.empty(0, np.uint32)
            days = np.empty(0, np.int32)
            return Cases(
                ids,
                ids,
                ids,
                none,
                None,
                np.empty(0, np.int64),
                np.empty(0, np.int16),
                days,
                None,
                None,
            )
        whole = Cases(
            *(_joined([getattr(part, name) for part in parts]) for name in Cases.__slots__)
        )
        self._parts = [whole]
        return whole

    def keep_years(self, years: Sequence[int]) -> Cases:
        """The claims of these years; the others are left out."""
        cases = self.cases()
        chosen = np.isin(cases.year, years)
        if chosen.all():
            return cases
        self.left_out["other_year"] += int((~chosen).sum())

        def of(column: Any) -> Any:
            return None if column is None else _chosen(column, chosen)

        self._parts = [Cases(*(of(getattr(cases, name)) for name in Cases.__slots__))]
        return self._parts[0]

    def _ruling(self, px: ClaimCodes, counted: Lists) -> Ids:
        """Kind that chooses the comprehensive group of every claim."""
        known = px.reports(np.arange(len(self._kind)) > 0, 1)
        ruling = np.full(len(known.start) - 1, self._kind[0], np.uint32)
        some = np.flatnonzero(np.diff(counted.start))
        ruling[some] = self._kind[known.ids[known.start[some]]]
        return ruling


def _why(
    first: First, dx: ClaimCodes, fen: pl.Series, bad: pl.Series, year: pl.Series
) -> pl.Series:
    """Why each claim does not count; null where it does."""
    any_code = np.zeros(len(fen), np.bool_)
    any_code[dx.lists.rows[~dx.blank]] = True
    cost = pl.lit(fen)
    why = (
        pl.when(pl.Series(first.missing | ~any_code))
        .then(pl.lit("no_principal"))
        .when(pl.Series(first.ids == 0))
        .then(pl.lit("unknown_principal"))
        .when(pl.lit(bad))
        .then(pl.lit("bad_cost"))
        .when(cost.is_null())
        .then(pl.lit("no_cost"))
        .when(cost == 0)
        .then(pl.lit("zero_cost"))
        .when(cost < 0)
        .then(pl.lit("negative_cost"))
        .when(pl.lit(year).is_null())
        .then(pl.lit("no_year"))
    )
    return pl.select(why.alias("why")).to_series()


def _days(frame: pl.DataFrame, columns: ClaimColumns) -> NDArray[np.int32]:
    source = columns.scalars.get("los_days")
    if source is None:
        return np.full(frame.height, -1, np.int32)
    days: NDArray[np.int32] = np.maximum(numbers(frame[source]).to_numpy(), -1)
    return days


def _joined(columns: list[Any]) -> Any:
    if columns[0] is None:
        return None
    if isinstance(columns[0], Lists):
        counts = np.concatenate([np.diff(column.start) for column in columns])
        return Lists(starts(counts), np.concatenate([column.ids for column in columns]))
    return np.concatenate(columns)


def _chosen(column: Any, chosen: NDArray[np.bool_]) -> Any:
    return column.of(chosen) if isinstance(column, Lists) else column[chosen]
