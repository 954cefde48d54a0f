"""Weights and standards of grouped claims: frame to frame, same rows, same order.

Adds ``weight`` (Decimal with four places) and ``standard_fen`` (weight × rate of the claim's
insurance and hospital level, half up to the fen once). What cannot be had is null, never 0, and
says so by a note: N420 no weight, N421 insurance, N422 rate, N423 no table in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from drg.claims.days import read_days
from drg.claims.frame import RESULT_NAMES, rename_clashing
from drg.claims.profiles import ClaimColumns, match_columns
from drg.errors import TableError
from drg.grouping.result import Outcome
from drg.payment.weight_kinds import (
    NO_INSURANCE,
    NO_TABLE,
    NONE,
    WEIGHT_DTYPES,
    WEIGHT_NOTES,
    Kinds,
    WeightTally,
)
from drg.payment.weight_table import (
    WeightTable,
    insurance_code,
    level_key,
    load_weight_table,
    load_weight_versions,
)

if TYPE_CHECKING:
    from drg.payment.weight_kinds import Flags, Ints, Numbers

__all__ = ["Weights"]

#: So many values are compared with a column one by one; with more a dictionary is quicker.
_FEW = 4
_EPOCH = date(1970, 1, 1).toordinal()


class _Stretch(NamedTuple):
    """Days over which the same weights and rates hold."""

    table: WeightTable | None
    rates: Mapping[tuple[str, str], int]


class Weights:
    """One weight table, or the tables of a place chosen by discharge date.

    Use ``Weights.load``. Immutable; may be shared by threads.

    Parameters
    ----------
    tables : sequence of WeightTable
        Several, or one with ``by_date``: in order of date, without overlap.
    by_date : bool, optional
        The discharge date chooses the table; otherwise the one table holds on every day.
    hospital_level : str, optional
        Level whose rates apply to every claim, whatever the claims say.

    Examples
    --------
    >>> weights = Weights.load("haerbin-2024")
    >>> frame = pl.DataFrame(
    ...     {"group": ["BR23"], "outcome": ["GROUPED"], "reason": [None], "insurance": ["310"]},
    ...     schema_overrides={"reason": pl.String},
    ... )
    >>> weights.add(frame, ClaimColumns({"insurance": "insurance"}, (), False)).row(0)[-2:]
    (Decimal('0.7290'), 893222)
    """

    def __init__(
        self,
        tables: Sequence[WeightTable],
        *,
        by_date: bool = False,
        hospital_level: str | None = None,
    ) -> None:
        if not tables or (len(tables) > 1 and not by_date):
            raise ValueError("one table, or several that the discharge date chooses from")
        self.tables = tuple(tables)
        self.by_date = by_date
        self.hospital_level = hospital_level
        spans = [r.in_force for t in tables for r in t.rates]
        spans += [t.in_force for t in tables] if by_date else []
        self._edges = sorted({day for s in spans for day in (s.start, s.end) if day is not None})
        self._stretches = [self._on(day) for day in (date.min, *self._edges)]
        self._known: dict[tuple[str, ...], Kinds] = {}
        #: The last stretch is for claims without a discharge date.
        self._stretches.append(self._on(None) if self._edges else self._stretches[0])

    @classmethod
    def load(cls, wanted: str | Path, *, hospital_level: str | None = None) -> Weights:
        """Load weights by id of a table, place, or file.

        Parameters
        ----------
        wanted : str or Path
            ``"haerbin-2024"``; ``"haerbin"``: the table in force on each claim's discharge date;
            or a file of one's own (docs/weights.md).
        hospital_level : str, optional
            Level whose rates apply to every claim.

        Raises
        ------
        TableError
            T170-T184, T103, T104, T120: no such table, or it is broken.
        InputError
            The file cannot be read.
        """
        text = str(wanted)
        try:
            return cls([load_weight_table(wanted)], hospital_level=hospital_level)
        except TableError as error:
            if error.code != "T170":
                raise
        return cls(load_weight_versions(text), by_date=True, hospital_level=hospital_level)

    @property
    def id(self) -> str:
        """Ids of the tables, the earliest first."""
        return " ".join(table.id for table in self.tables)

    @property
    def digest(self) -> str:
        """Digests of the tables, the earliest first."""
        return " ".join(table.digest for table in self.tables)

    def schema(self, before: Mapping[str, pl.DataType]) -> pl.Schema:
        """Schema that a frame of grouped claims has afterwards."""
        names = rename_clashing(before, tuple(WEIGHT_DTYPES))
        after = {names.get(name, name): dtype for name, dtype in before.items()}
        after["reason"] = _noted(after["reason"])
        return pl.Schema(after | dict(WEIGHT_DTYPES))

    def add(self, frame: pl.DataFrame, columns: ClaimColumns | None = None) -> pl.DataFrame:
        """Weights and standards of grouped claims.

        Parameters
        ----------
        frame : DataFrame
            What ``Grouper.group_frame`` gives.
        columns : ClaimColumns, optional
            Which columns name insurance, hospital level and discharge date; found by the header
            profiles when omitted.

        Returns
        -------
        DataFrame
            The frame with ``weight`` (Decimal, four places; null: not grouped, or no weight) and
            ``standard_fen`` (Int64, fen; null: not payable by a standard), and a note in
            ``reason`` where it was null. An input column of such a name is called
            ``<name>_input``.
        """
        return self.weigh(frame, columns or match_columns(frame.columns), WeightTally())

    def weigh(self, frame: pl.DataFrame, columns: ClaimColumns, tally: WeightTally) -> pl.DataFrame:
        """``add``, and count the claims on the way."""
        names, groups = _numbers(frame["group"])
        kinds = self._kinds(tuple(names))
        outcomes, outcome = _numbers(frame["outcome"])
        grouped = outcomes.index(Outcome.GROUPED) if Outcome.GROUPED in outcomes else -1
        kind = kinds.of(
            self._stretch_of(frame, columns),
            np.where(outcome == grouped, groups, kinds.ungrouped),
            self._insurance_of(frame, columns),
            self._level_of(frame, columns),
        )
        tally.add(kinds, kind)
        at = pl.Series(kind)
        out = frame.rename(rename_clashing(frame.columns, tuple(WEIGHT_DTYPES)))
        noted = _with_notes(out["reason"], kinds.note[kind])
        out = out.replace_column(out.columns.index("reason"), noted)
        return out.hstack([kinds.weights.gather(at), kinds.standards.gather(at)])

    def _kinds(self, names: tuple[str, ...]) -> Kinds:
        """What every kind of case comes to; worked out once for a list of groups."""
        found = self._known.get(names)
        if found is None:
            tables = [stretch.table.id if stretch.table else "" for stretch in self._stretches]
            made = Kinds(names, self._weights(names), *self._rates, tables)
            found = self._known.setdefault(names, made)
        return found

    # ---- what holds when

    def _on(self, day: date | None) -> _Stretch:
        """What holds on a day; None: on a claim without one."""
        if not self.by_date:
            table: WeightTable | None = self.tables[0]
        elif day is None:
            table = None
        else:
            table = next((t for t in self.tables if day in t.in_force), None)
        rates = {
            (rate.insurance, level_key(rate.hospital_level)): rate.fen
            for rate in (table.rates if table else ())
            if (day in rate.in_force if day else not any(rate.in_force.texts))
        }
        return _Stretch(table, rates)

    def _stretch_of(self, frame: pl.DataFrame, columns: ClaimColumns) -> Numbers | np.uint32:
        """Number of the stretch of days by claim; one for all where days do not matter."""
        if not self._edges:
            return np.uint32(0)
        series = _column(frame, columns, "discharged_on")
        last = len(self._stretches) - 1
        if series is None:
            return np.uint32(last)
        days = read_days(series)
        edges = [day.toordinal() - _EPOCH for day in self._edges]
        place = np.searchsorted(edges, days.to_physical().fill_null(0).to_numpy(), side="right")
        return np.where(days.is_null().to_numpy(), last, place).astype(np.uint32)

    def _weights(self, names: Sequence[str]) -> Ints:
        """Weight by stretch and group; the last group is null."""
        rows = [
            [stretch.table.weights.get(name, NONE) for name in names] + [NONE]
            if stretch.table
            else [NO_TABLE] * (len(names) + 1)
            for stretch in self._stretches
        ]
        return np.array(rows, dtype=np.int64)

    # ---- rates

    @cached_property
    def _insurances(self) -> dict[str, int]:
        """Code to number, from 1; 0 is not reported, the last is any other."""
        codes = {code for s in self._stretches for code, _ in s.rates}
        return {code: n for n, code in enumerate(sorted(codes), start=1)}

    @cached_property
    def _levels(self) -> dict[str, int]:
        """Level to number, from 1; 0 is not reported, the last is any other."""
        keys = {level for s in self._stretches for _, level in s.rates if level}
        return {key: n for n, key in enumerate(sorted(keys), start=1)}

    @cached_property
    def _rates(self) -> tuple[Ints, Flags]:
        """Rate by stretch, insurance and level; and where a rate is lent to no level."""
        shape = (len(self._stretches), len(self._insurances) + 2, len(self._levels) + 2)
        rates = np.full(shape, NONE, dtype=np.int64)
        lent = np.zeros(shape[:2], dtype=np.bool_)
        rates[:, 0, :] = NO_INSURANCE
        for n, stretch in enumerate(self._stretches):
            if not (stretch.table and stretch.table.rates):
                rates[n] = NO_TABLE
            for code, number in self._insurances.items():
                by_level = {level: fen for (c, level), fen in stretch.rates.items() if c == code}
                if not by_level:
                    continue
                rates[n, number, :] = by_level.get("", NONE)
                for level, place in self._levels.items():
                    if level in by_level:
                        rates[n, number, place] = by_level[level]
                if "" not in by_level and len(by_level) == 1:
                    (rates[n, number, 0],) = by_level.values()
                    lent[n, number] = True
        return rates, lent

    def _insurance_of(self, frame: pl.DataFrame, columns: ClaimColumns) -> Numbers | np.uint32:
        return _placed(_column(frame, columns, "insurance"), self._insurances, insurance_code)

    def _level_of(self, frame: pl.DataFrame, columns: ClaimColumns) -> Numbers | np.uint32:
        if self.hospital_level is not None:
            key = level_key(self.hospital_level)
            return np.uint32(self._levels.get(key, len(self._levels) + 1) if key else 0)
        return _placed(_column(frame, columns, "hospital_level"), self._levels, level_key)


def _column(frame: pl.DataFrame, columns: ClaimColumns, field: str) -> pl.Series | None:
    """The column of a field; grouping has renamed one whose name is that of a result."""
    name = columns.scalars.get(field)
    if name is None:
        return None
    return frame[f"{name}_input" if name in RESULT_NAMES else name]


def _numbers(series: pl.Series) -> tuple[list[str], Numbers]:
    """Distinct texts of a column and, by row, which one; a null row has the number after them."""
    if not isinstance(series.dtype, pl.Enum):
        texts = series.cast(pl.String)
        series = texts.cast(pl.Enum(texts.unique().drop_nulls()))
    names: list[str] = series.dtype.categories.to_list()  # type: ignore[attr-defined]
    numbers = series.to_physical()
    if numbers.null_count():
        if len(names) >= 2 ** (8 * numbers.head(0).to_numpy().itemsize):
            numbers = numbers.cast(pl.UInt32)
        numbers = numbers.fill_null(len(names))
    return names, numbers.to_numpy()


def _placed(
    series: pl.Series | None, known: Mapping[str, int], key: Callable[[str], str]
) -> Numbers | np.uint32:
    """Numbers of a column's values: 0 for none, ``len(known) + 1`` for one that is not known."""
    if series is None:
        return np.uint32(0)
    place = np.zeros(len(series), np.uint32)
    if series.dtype == pl.String and len(known) <= _FEW:
        # Most files spell a value as the table does, and a comparison costs next to nothing.
        for value, number in known.items():
            same = series == value
            same = same.fill_null(False) if same.null_count() else same
            place += same.to_numpy() * np.uint32(number)
    rest = np.flatnonzero(place == 0)
    if len(rest):
        texts, numbers = _numbers(series.gather(pl.Series(rest)))
        places = [known.get(k, len(known) + 1) if k else 0 for k in map(key, texts)]
        place[rest] = np.array([*places, 0], dtype=np.uint32)[numbers]
    return place


def _noted(dtype: pl.DataType) -> pl.DataType:
    """The dtype of ``reason`` with the notes of this stage."""
    if isinstance(dtype, pl.Enum):
        known = dtype.categories.to_list()
        return pl.Enum([*known, *(code for code in WEIGHT_NOTES if code not in known)])
    return dtype


@lru_cache(maxsize=64)
def _note_texts(known: tuple[str, ...], enum: bool) -> pl.Series:
    """Reasons by number: those that were known, none, the notes."""
    dtype = _noted(pl.Enum(known)) if enum else pl.String()
    return pl.Series([*known, None, *WEIGHT_NOTES], dtype=dtype)


def _with_notes(reason: pl.Series, note: Numbers) -> pl.Series:
    """The notes (1 for the first of ``WEIGHT_NOTES``, 0 for none) where there was no reason."""
    known, numbers = _numbers(reason)
    texts = _note_texts(tuple(known), isinstance(reason.dtype, pl.Enum))
    place = numbers.astype(np.uint32)
    place += note * (numbers == len(known))
    return texts.gather(pl.Series(place)).alias(reason.name)
