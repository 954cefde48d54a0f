"""A claim frame as typed arrays: money in fen, days, few-valued texts, codes.

Each column is read when first asked for. A value that is not there and one that cannot be read
are both "not given"; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from drg.claims.days import read_days
from drg.claims.few import FEW, coded_cells, day_cells, whole_cells, yuan_cells
from drg.claims.frame import BLANKS, RESULT_NAMES
from drg.claims.named import Named, clean_code
from drg.forked import refuse_after_fork
from drg.money import read_fen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "Amounts", "ClaimArrays", "coded", "day_number", "fits", "folded", "numbered", "read_yuan",
]  # fmt: skip

#: Digits of an amount of thirteen before the point and two after it, and the point.
_LONGEST = 16
#: Fields of money that every pricing reads.
_EVERY = ("total_cost", "patient_paid")
_YES = frozenset({"1", "是", "y", "yes", "true", "t"})
_NO = frozenset({"0", "否", "n", "no", "false", "f"})


class Amounts(NamedTuple):
    """A column of money.

    Attributes
    ----------
    fen : int64 array
        0 where not given.
    given : bool array
        There is an amount and it can be read.
    """

    fen: Ints
    given: Flags


def read_yuan(series: pl.Series) -> pl.Series:
    """Yuan as Int64 fen, null where not given; ``drg.money.read_fen``, quicker for ``123.45``.

    Parameters
    ----------
    series : Series
        Of any dtype.
    """
    return read_yuan_columns([series])[0]


def read_yuan_columns(columns: Sequence[pl.Series]) -> list[pl.Series]:
    """``read_yuan`` of several columns at once."""
    texts = {str(n): series for n, series in enumerate(columns) if series.dtype == pl.String}
    # A point before the last two characters, and nothing but digits and a sign once it is gone:
    # then what is left is the amount in fen.
    plain = (pl.all().str.slice(-3, 1) == ".") & (pl.all().str.len_bytes() <= _LONGEST)
    digits = pl.all().str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
    quick = pl.DataFrame(texts).lazy().select(pl.when(plain).then(digits)).collect()
    found = []
    for n, series in enumerate(columns):
        if series.dtype != pl.String:
            found.append(read_fen(series).fen)
            continue
        fen = quick[str(n)]
        if fen.null_count() > series.null_count():
            odd = (series.is_not_null() & fen.is_null()).arg_true()
            fen = fen.scatter(odd, read_fen(series.gather(odd)).fen)
        found.append(fen)
    return found


def coded(series: pl.Series | None, rows: int, key: Callable[[str], str] = str.strip) -> Named:
    """A column of few distinct texts as numbers.

    Parameters
    ----------
    series : Series or None
        None: no such column, no claim reports it.
    rows : int
        Number of claims.
    key : callable, optional
        Makes one text of harmless spellings; ``""`` counts as not reported.
    """
    if series is None:
        return Named((), np.zeros(rows, np.uint32))
    dtype = series.dtype
    if rows <= FEW:
        texts = series if dtype == pl.String else series.cast(pl.String)
        return coded_cells(texts.to_list(), key)
    if not isinstance(dtype, pl.Enum):
        texts = series.cast(pl.String)
        series = texts.cast(pl.Enum(texts.unique().drop_nulls().sort()))
    spelled: list[str] = series.dtype.categories.to_list()  # type: ignore[attr-defined]
    numbers = series.to_physical().cast(pl.UInt32).fill_null(len(spelled)).to_numpy()
    keys = [key(text) for text in spelled]
    names = tuple(sorted({text for text in keys if text}))
    if list(names) == keys:
        return Named(names, numbers)
    place = {name: n for n, name in enumerate(names)}
    slots = np.array([*(place.get(text, len(names)) for text in keys), len(names)], np.uint32)
    return Named(names, slots[numbers])


def numbered(series: pl.Series) -> Ints:
    """A number for every distinct value, -1 for null: the row that has it first."""
    # A column of rows, not `int_range`: that one is not cut up by the groups.
    frame = series.to_frame("value").with_row_index("row")
    number = pl.when(pl.col("value").is_not_null()).then(pl.col("row").first().over("value"))
    found: Ints = frame.select(number.cast(pl.Int64).fill_null(-1)).to_series().to_numpy()
    return found


def _few_amounts(series: pl.Series) -> Amounts:
    fen, given, odd = yuan_cells(series.to_list())
    if odd:
        rest = _amounts(read_fen(series.gather(odd)).fen, len(odd))
        fen[odd], given[odd] = rest.fen, rest.given
    return Amounts(fen, given)


def _amounts(fen: pl.Series | None, rows: int) -> Amounts:
    if fen is None:
        return Amounts(np.zeros(rows, np.int64), np.zeros(rows, np.bool_))
    return Amounts(fen.fill_null(0).to_numpy(), fen.is_not_null().to_numpy())


class ClaimArrays:
    """A frame of grouped claims, read for pricing.

    Parameters
    ----------
    frame : DataFrame
        What a grouper gives.
    columns : ClaimColumns
        Which columns feed which field.
    """

    def __init__(self, frame: pl.DataFrame, columns: ClaimColumns) -> None:
        refuse_after_fork()
        self.frame = frame
        self.columns = columns
        self.rows = frame.height
        self._money: dict[str, Amounts] = {}
        self._named: dict[tuple[str, Callable[[str], str] | None], Named] = {}

    def column(self, field: str) -> pl.Series | None:
        """The column of a field; grouping has renamed one whose name is that of a result."""
        name = self.columns.scalars.get(field)
        if name is None:
            return None
        return self.frame[f"{name}_input" if name in RESULT_NAMES else name]

    def money(self, field: str) -> Amounts:
        """Amounts of a field, in fen."""
        if field not in self._money:
            series = self.column(field)
            if series is not None and series.dtype == pl.String and self.rows <= FEW:
                self._money[field] = _few_amounts(series)
                return self._money[field]
            # The two that every claim has are read together: that is quicker than one by one.
            wanted = [*_EVERY] if field in _EVERY else [field]
            there = {name: self.column(name) for name in wanted}
            read = [series for series in there.values() if series is not None]
            found = iter(read_yuan_columns(read))
            for name, series in there.items():
                fen = None if series is None else next(found)
                self._money[name] = _amounts(fen, self.rows)
        return self._money[field]

    def blank(self, field: str) -> Flags:
        """Where a field holds nothing, or the file has no such column."""
        series = self.column(field)
        if series is None:
            return np.ones(self.rows, np.bool_)
        if series.dtype == pl.String:
            series = series.set(series.str.strip_chars(BLANKS) == "", None)
        return series.is_null().to_numpy()

    def unreadable(self, field: str) -> Flags:
        """Where a field of money holds something that is no amount."""
        given = self.money(field).given
        return np.zeros(self.rows, np.bool_) if given.all() else ~given & ~self.blank(field)

    def texts(self, field: str, key: Callable[[str], str] = str.strip) -> Named:
        """Values of a field with few distinct ones."""
        found = self._named.get((field, key))
        if found is None:
            found = coded(self.column(field), self.rows, key)
            self._named[field, key] = found
        return found

    def result(self, name: str) -> Named:
        """Values of a column that grouping added."""
        found = self._named.get((name, None))
        if found is None:
            found = coded(self.frame[name] if name in self.frame.columns else None, self.rows)
            self._named[name, None] = found
        return found

    def numbers(self, field: str) -> Amounts:
        """Whole numbers of a field; ``fen`` holds them as they are."""
        series = self.column(field)
        if series is None:
            return Amounts(np.zeros(self.rows, np.int64), np.zeros(self.rows, np.bool_))
        dtype = series.dtype
        few = (dtype == pl.String or dtype.is_integer()) and self.rows <= FEW
        if few and (found := whole_cells(series.to_list())) is not None:
            return Amounts(*found)
        if dtype == pl.String:
            series = series.str.strip_chars(BLANKS).str.strip_suffix(".0")
        whole = series.cast(pl.Int64, strict=False)
        if series.dtype.is_float():
            whole = whole.set(series != whole, None)
        return Amounts(whole.fill_null(0).to_numpy(), whole.is_not_null().to_numpy())

    def days(self, field: str) -> tuple[NDArray[np.int32], Flags]:
        """Days since 1970-01-01 of a field, 0 where not given; and where they are given."""
        series = self.column(field)
        if series is None:
            return np.zeros(self.rows, np.int32), np.zeros(self.rows, np.bool_)
        if self.rows <= FEW and series.dtype == pl.String:
            return day_cells(series.to_list())
        days = read_days(series)
        there = days.is_not_null().to_numpy()
        return days.to_physical().fill_null(0).to_numpy().astype(np.int32, copy=False), there

    def yes(self, field: str) -> tuple[Flags, Flags]:
        """Where a field says yes, and where it says yes or no."""
        named = self.texts(field, folded)
        return named.marked(_YES.__contains__), named.marked((_YES | _NO).__contains__)

    @cached_property
    def ids(self) -> pl.Series:
        """Ids of the claims as text; null: none."""
        series = self.column("claim_id")
        if series is None:
            return pl.Series("claim_id", [None] * self.rows, dtype=pl.String)
        return _blanks_null(series.cast(pl.String).alias("claim_id"))

    @cached_property
    def patients(self) -> pl.Series:
        """Persons as text; null: not reported."""
        series = self.column("patient_id")
        if series is None:
            return pl.Series("patient_id", [None] * self.rows, dtype=pl.String)
        return _blanks_null(series.cast(pl.String).alias("patient_id"))

    @cached_property
    def principal(self) -> pl.Series:
        """Principal diagnosis; null: none."""
        return self._codes(self.columns.diagnoses[:1], self.columns.diagnoses_joined).list.first()

    def diagnoses(self, rows: NDArray[np.integer[Any]]) -> pl.Series:
        """Lists of the diagnoses of these claims, the principal one first."""
        joined = self.columns.diagnoses_joined
        return self._codes(self.columns.diagnoses, joined, pl.Series(rows))

    def procedures(self, rows: NDArray[np.integer[Any]]) -> pl.Series:
        """Lists of the procedures of these claims, the principal one first."""
        joined = self.columns.procedures_joined
        return self._codes(self.columns.procedures, joined, pl.Series(rows))

    def has_diagnosis(self, rows: NDArray[np.integer[Any]], patterns: Sequence[str]) -> Flags:
        """Whether some diagnosis of these claims is a listed code or begins as a ``prefix*``."""
        lists = self.diagnoses(rows)
        row = np.repeat(np.arange(len(rows)), lists.list.len().fill_null(0).to_numpy())
        codes = lists.explode(empty_as_null=False, keep_nulls=False)
        found = np.zeros(len(rows), np.bool_)
        found[row[fits(codes, patterns)]] = True
        return found

    def _codes(
        self, names: Sequence[str], joined: bool, rows: pl.Series | None = None
    ) -> pl.Series:
        own = [f"{name}_input" if name in RESULT_NAMES else name for name in names]
        parts = [self.frame[n] if rows is None else self.frame[n].gather(rows) for n in own]
        if not parts:
            count = self.rows if rows is None else len(rows)
            return pl.Series("code", [[]] * count, dtype=pl.List(pl.String))
        if joined:
            parts = [
                part
                if isinstance(part.dtype, pl.List)
                else part.cast(pl.String).str.split(self.columns.separator)
                for part in parts
            ]
        else:
            parts = [part.cast(pl.String) for part in parts]
        return pl.select(pl.concat_list([pl.lit(part) for part in parts]).alias("code")).to_series()


def _blanks_null(texts: pl.Series) -> pl.Series:
    there = "" in texts.to_list() if len(texts) <= FEW else bool((texts == "").any())
    return texts.set(texts == "", None) if there else texts


def fits(codes: pl.Series, patterns: Sequence[str]) -> Flags:
    """Whether each code is one of the codes or prefixes ending in ``*``; null is none."""
    exact = {clean_code(p) for p in patterns if not p.endswith("*")}
    starts = tuple(clean_code(p).removesuffix("*") for p in patterns if p.endswith("*"))
    named = coded(codes, len(codes), clean_code)
    return named.marked(lambda name: name in exact or name.startswith(starts))


def folded(text: str) -> str:
    """A text of few letters or a number without harmless differences: ``Yes `` is ``yes``."""
    return text.strip().casefold().removesuffix(".0")


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()
