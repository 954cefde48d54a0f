"""Which row of a disease table holds for each claim: diagnosis, procedure, scope, day.

Every distinct code is looked up once, every distinct combination ranked once; claims only carry
numbers. Of the rows that fit, the most specific holds: exact code before prefix, the longer prefix
before the shorter, first by diagnosis, then by procedure; then a row for the insurance before one
for all, then the narrower hospital level (``drg.payment.pricing.levels``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import numpy as np
import polars as pl

from drg.claims.named import clean_code
from drg.payment.pricing.levels import level_of, wider_levels
from drg.payment.weight_table import insurance_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.named import Named
    from drg.dates import Interval
    from drg.payment.mechanisms.quotients import Flags, Ints

    #: A column as it stands in a file, or as pricing has read it; None: no claim reports it.
    Texts: TypeAlias = pl.Series | Named | None
    Days: TypeAlias = pl.Series | NDArray[np.integer] | None

__all__ = ["NO_ROW", "Found", "Matcher"]

#: Row number of a claim that no row holds for.
NO_ROW = -1
#: A code given whole is more specific than any prefix.
_EXACT = 1_000
_EPOCH = date(1970, 1, 1).toordinal()


class Row(Protocol):
    """What matching needs of a row; patterns are clean codes, or prefixes ending in ``*``."""

    @property
    def dx(self) -> tuple[str, ...]: ...
    @property
    def px(self) -> tuple[str, ...]: ...
    @property
    def insurance(self) -> str: ...
    @property
    def hospital_level(self) -> str: ...
    @property
    def in_force(self) -> Interval: ...


class Found(NamedTuple):
    """What the table says of each claim.

    Attributes
    ----------
    row : int64 array
        Position of the row that holds, -1 for none.
    dx_listed : bool array
        Some row has the principal diagnosis.
    listed : bool array
        Some row has the diagnosis together with the procedure, or asks for none; with ``row``
        -1 there is no standard for the claim's insurance, level or day.
    """

    row: Ints
    dx_listed: Flags
    listed: Flags


#: A family (rows of the same codes) that takes a claim, after how specifically: less is more.
_Order: TypeAlias = tuple[int, int, int]
#: The families that take a diagnosis with a procedure, the most specific first.
_Takers: TypeAlias = tuple[_Order, ...]


class _Patterns:
    """Families by pattern: for a code, each that accepts it and how specifically."""

    def __init__(self, patterns: Sequence[tuple[str, ...]]) -> None:
        self._exact: dict[str, list[int]] = {}
        self._prefix: dict[str, list[int]] = {}
        for family, texts in enumerate(patterns):
            for text in texts:
                known = self._prefix if text.endswith("*") else self._exact
                known.setdefault(text.removesuffix("*"), []).append(family)
        self._sizes = sorted({len(prefix) for prefix in self._prefix})

    def accepting(self, code: str) -> tuple[tuple[int, int], ...]:
        """Family and specificity, of each family the highest, in order of families."""
        found: dict[int, int] = {}
        for size in self._sizes:
            if size > len(code):
                break
            if code[:size] in self._prefix:
                found.update(dict.fromkeys(self._prefix[code[:size]], size))
        if code in self._exact:
            found.update(dict.fromkeys(self._exact[code], _EXACT))
        return tuple(sorted(found.items()))


class _Sets:
    """Distinct sets of accepting families, numbered; 0 is the empty one."""

    def __init__(self, patterns: _Patterns) -> None:
        self.sets: list[dict[int, int]] = [{}]
        self._patterns = patterns
        self._number: dict[tuple[tuple[int, int], ...], int] = {(): 0}

    def of(self, series: pl.Series) -> Ints:
        """Number of the set for each cell; an empty one has 0."""
        names, numbers = _numbers(series)
        sets = [self._numbered(self._patterns.accepting(clean_code(name))) for name in names]
        chosen: Ints = np.array([*sets, 0], np.int64)[numbers]
        return chosen

    def _numbered(self, families: tuple[tuple[int, int], ...]) -> int:
        number = self._number.setdefault(families, len(self.sets))
        if number == len(self.sets):
            self.sets.append(dict(families))
        return number


class Matcher:
    """Matches claims against rows; built once per table."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._spans = [row.in_force for row in rows]
        self._insurance = [insurance_code(row.insurance) for row in rows]
        self._level = [level_of(row.hospital_level) for row in rows]
        families: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
        for number, row in enumerate(rows):
            families.setdefault((row.dx, row.px), []).append(number)
        self._families = list(families.values())
        self._asks = [bool(px) for _, px in families]
        self._dx = _Patterns([dx for dx, _ in families])
        self._px = _Patterns([px for _, px in families])
        self._edges = sorted({day for span in self._spans for day in (span.start, span.end) if day})

    def lists(self, principal_dx: pl.Series) -> Flags:
        """Whether some row has the principal diagnosis."""
        return _Sets(self._dx).of(principal_dx) > 0

    def find(
        self,
        principal_dx: pl.Series,
        procedures: pl.Series | None,
        insurance: Texts,
        hospital_level: Texts,
        day: Days,
        *,
        any_procedure: bool,
    ) -> Found:
        """See ``DiseaseTable.find``."""
        row = np.full(len(principal_dx), NO_ROW, np.int64)
        listed = np.zeros(len(row), np.bool_)
        dx_sets, px_sets = _Sets(self._dx), _Sets(self._px)
        dx_set = dx_sets.of(principal_dx)
        dx_listed = dx_set > 0
        claims = np.flatnonzero(dx_listed)
        if not len(claims):
            return Found(row, dx_listed, listed)
        at, place, px_set = _procedure_sets(procedures, claims, px_sets, any_procedure)
        takers, taken = self._takers(dx_sets.sets, px_sets.sets, dx_set[claims][at], px_set)
        # Most claims of a listed diagnosis have no listed procedure: they end here.
        some = taken > 0
        at, place, taken = at[some], place[some], taken[some]
        listed[claims[at]] = True
        if not len(at):
            return Found(row, dx_listed, listed)
        here = claims[at]
        insurances, by_insurance = _keys(insurance, here, insurance_code)
        levels, by_level = _keys(hospital_level, here, level_of)
        kinds, kind = _combined(taken, by_insurance, by_level, self._stretches(day, here))
        best = [
            self._best(takers[a], insurances[b], wider_levels(levels[c]), self._day_of(d))
            for a, b, c, d in kinds.tolist()
        ]
        order = {found: n for n, found in enumerate(sorted({b[0] for b in best if b}))}
        ranks = np.array([order[b[0]] if b else len(order) for b in best], np.int64)
        # Of a claim's procedures the one that fits best decides, of equals the first.
        key = ranks[kind] * (int(place.max()) + 1) + place
        starts = np.flatnonzero(np.diff(at, prepend=-1))
        sizes = np.diff(np.append(starts, len(at)))
        winner = key == np.repeat(np.minimum.reduceat(key, starts), sizes)
        numbers = np.array([b[1] if b else NO_ROW for b in best], np.int64)
        row[here[winner]] = numbers[kind[winner]]
        return Found(row, dx_listed, listed)

    def _takers(
        self,
        dx_sets: list[dict[int, int]],
        px_sets: list[dict[int, int]],
        dx_set: Ints,
        px_set: Ints,
    ) -> tuple[list[_Takers], Ints]:
        """Distinct lists of families that take a diagnosis with a procedure, and each claim's."""
        pairs, pair = _combined(dx_set, px_set)
        known: dict[_Takers, int] = {(): 0}
        found = []
        for a, b in pairs.tolist():
            px = px_sets[b]
            fitting = sorted(
                (-size, -px.get(family, 0), family)
                for family, size in dx_sets[a].items()
                if family in px or not self._asks[family]
            )
            found.append(known.setdefault(tuple(fitting), len(known)))
        return list(known), np.array(found, np.int64)[pair]

    def _best(
        self, takers: _Takers, insurance: str, levels: tuple[str, ...], on: date | None
    ) -> tuple[tuple[int, ...], int] | None:
        """The most specific row of the families, after its order; None when no scope fits."""
        best: tuple[tuple[int, ...], int] | None = None
        for dx, px, family in takers:
            for number in self._families[family]:
                own, level, span = self._insurance[number], self._level[number], self._spans[number]
                if own not in ("", insurance) or level not in ("", *levels):
                    continue
                if not (on in span if on else not any(span.texts)):
                    continue
                width = levels.index(level) if level else len(levels)
                order = (dx, px, -bool(own), width)
                if best is None or order < best[0]:
                    best = order, number
        return best

    def _stretches(self, day: Days, here: Ints) -> Ints:
        """Number of the stretch of days between edges; -1 without a day."""
        if day is None:
            return np.full(len(here), -1, np.int64)
        edges = np.array([edge.toordinal() - _EPOCH for edge in self._edges], np.int64)
        if not isinstance(day, pl.Series):
            return np.searchsorted(edges, day[here], side="right").astype(np.int64)
        days = day.cast(pl.Date).gather(pl.Series(here))
        place = np.searchsorted(edges, days.to_physical().fill_null(0).to_numpy(), side="right")
        return np.where(days.is_null().to_numpy(), -1, place).astype(np.int64)

    def _day_of(self, stretch: int) -> date | None:
        if stretch < 0:
            return None
        return self._edges[stretch - 1] if stretch else date.min


def _procedure_sets(
    procedures: pl.Series | None, claims: Ints, sets: _Sets, any_procedure: bool
) -> tuple[Ints, Ints, Ints]:
    """Position among ``claims``, place within the claim and set of each procedure looked at.

    The first of a claim is always there, without a code if it has none.
    """
    every = np.arange(len(claims))
    if procedures is None:
        return every, np.zeros(len(claims), np.int64), np.zeros(len(claims), np.int64)
    cells = procedures if len(claims) == len(procedures) else procedures.gather(pl.Series(claims))
    if not isinstance(cells.dtype, pl.List):
        cells = cells.cast(pl.String).str.split("|")
    if not any_procedure:
        first = cells.list.get(0, null_on_oob=True)
        return every, np.zeros(len(claims), np.int64), sets.of(first)
    sizes = cells.list.len().fill_null(0).to_numpy().astype(np.int64)
    kept = np.maximum(sizes, 1)
    at = np.repeat(every, kept)
    place = np.arange(len(at)) - np.repeat(np.cumsum(kept) - kept, kept)
    found = np.zeros(len(at), np.int64)
    codes = cells.filter(pl.Series(sizes > 0)).explode()
    found[np.repeat(sizes > 0, kept)] = sets.of(codes)
    # A procedure that no row names changes nothing; the first stays for rows that ask for none.
    used = (found > 0) | (place == 0)
    return at[used], place[used], found[used]


def _keys(column: Texts, here: Ints, key: Callable[[str], str]) -> tuple[list[str], Ints]:
    """Distinct keys and which one each claim has; ``""`` for a cell that is empty."""
    if column is None:
        return [""], np.zeros(len(here), np.int64)
    if isinstance(column, pl.Series):
        names, numbers = _numbers(column.gather(pl.Series(here)))
    else:
        names, numbers = list(column.names), column.codes[here].astype(np.int64)
    return [*(key(name) for name in names), ""], numbers


def _numbers(series: pl.Series) -> tuple[list[str], Ints]:
    """Distinct texts and, by row, which one; an empty row has the number after them."""
    if not isinstance(series.dtype, pl.Enum):
        series = series.cast(pl.String)
        series = series.cast(pl.Enum(series.unique().drop_nulls().sort()))
    names: list[str] = series.dtype.categories.to_list()  # type: ignore[attr-defined]
    numbers = series.to_physical().cast(pl.Int64).fill_null(len(names))
    return names, numbers.to_numpy()


def _combined(*columns: Ints) -> tuple[Ints, Ints]:
    """Distinct rows of the columns, and which one each is."""
    lows = [int(column.min()) for column in columns]
    spans = [int(column.max()) - low + 1 for column, low in zip(columns, lows, strict=True)]
    mixed = np.zeros(len(columns[0]), np.int64)
    for column, low, span in zip(columns, lows, spans, strict=True):
        mixed = mixed * span + (column - low)
    _, first, number = np.unique(mixed, return_index=True, return_inverse=True)
    return np.stack([column[first] for column in columns], axis=1), number
