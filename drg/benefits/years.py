"""Whose visit in which year: persons as numbers, what each has used up, and the order of visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.benefits.columns import VisitColumns
from drg.benefits.model import Balance
from drg.payment.policy.errors import PolicyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Places = NDArray[np.intp]

__all__ = ["BALANCE_COLUMNS", "NUMBERS", "PersonYears"]

_KEYS = ("patient_id", "year")
#: Fields of ``Balance`` that are fen or counts.
NUMBERS = Balance._fields[:-1]
#: Columns of balances: person (String), year (Int32), ``Balance``'s numbers (Int64, fen or counts)
#: and its region (String; ``""``: none so far).
BALANCE_COLUMNS = (*_KEYS, *Balance._fields)


class PersonYears:
    """The persons and years of a frame.

    Parameters
    ----------
    visits : VisitColumns
    balances : DataFrame or None
        ``BALANCE_COLUMNS``.
    regions : sequence of str
        The plan's regions, the lowest first.

    Attributes
    ----------
    person : integer array
        Number of the person and year of each visit; a visit without a person has its own.
    state : dict of str to int64 array
        What each has used up, by field of ``Balance``; ``region`` as its rank, -1 none.

    Raises
    ------
    PolicyError
        B417: the balances are not in order.
    """

    def __init__(
        self, visits: VisitColumns, balances: pl.DataFrame | None, regions: Sequence[str]
    ) -> None:
        self._visits, self._regions = visits, tuple(regions)
        rows = len(visits.total)
        keys = pl.DataFrame({"patient_id": visits.patients, "year": pl.Series(visits.year)})
        # A row of its own number stands for a visit without a person.
        alone = pl.when(pl.col("patient_id").is_null()).then(pl.int_range(rows)).otherwise(-1)
        grouped = keys.with_columns(alone=alone).with_row_index("row")
        first = grouped.select(pl.col("row").first().over("patient_id", "year", "alone"))
        self._first, place = np.unique(first.to_series().to_numpy(), return_inverse=True)
        self.person: Places = place.reshape(-1)
        self._people = keys[self._first]
        self.state = self._taken_in(balances)
        self._settled = np.zeros(len(self._first), np.bool_)

    def waves(self) -> Iterator[Places]:
        """Rows that can be settled: the first visit of everyone, then the second, and so on."""
        rows = np.flatnonzero(self._visits.reason == "")
        person = self.person[rows]
        self._settled[person] = True
        counts = np.bincount(person, minlength=len(self._first))
        often = counts[person] > 1
        yield rows[~often]
        many = rows[often]
        ordered = (
            pl.DataFrame(
                {
                    "person": self.person[many],
                    "day": self._visits.day[many],
                    "id": self._visits.ids.gather(many),
                    "row": many,
                }
            )
            .sort("person", "day", "id", "row", nulls_last=True)
            .with_columns(turn=pl.int_range(pl.len()).over("person"))
            .sort("turn", maintain_order=True)
        )
        turns = np.bincount(ordered["turn"].to_numpy()) if ordered.height else np.empty(0, int)
        sorted_rows = ordered["row"].to_numpy()
        for end, size in zip(np.cumsum(turns).tolist(), turns.tolist(), strict=True):
            yield sorted_rows[end - size : end]

    def balances(self) -> pl.DataFrame:
        """``BALANCE_COLUMNS`` of the persons and years of whom a visit was settled."""
        known = self._settled & self._people["patient_id"].is_not_null().to_numpy()
        names = pl.Series(["", *self._regions])
        numbers = {name: self.state[name][known] for name in NUMBERS}
        return self._people.filter(known).with_columns(
            *(pl.Series(name, values) for name, values in numbers.items()),
            names.gather(self.state["region"][known] + 1).alias("region"),
        ).sort(*_KEYS)  # fmt: skip

    def _taken_in(self, balances: pl.DataFrame | None) -> dict[str, Ints]:
        count = len(self._first)
        state = {name: np.zeros(count, np.int64) for name in NUMBERS}
        state["region"] = np.full(count, -1, np.int64)
        if balances is None or not balances.height:
            return state
        given = _checked(balances, self._regions)
        found = self._people.join(given, on=[*_KEYS], how="left", maintain_order="left")
        for name in NUMBERS:
            state[name] = found[name].fill_null(0).to_numpy().copy()
        ranks = {name: rank for rank, name in enumerate(self._regions)}
        region = found["region"].replace_strict(ranks, default=-1, return_dtype=pl.Int64)
        state["region"] = region.fill_null(-1).to_numpy().copy()
        return state


def _checked(balances: pl.DataFrame, regions: Sequence[str]) -> pl.DataFrame:
    missing = [name for name in BALANCE_COLUMNS if name not in balances.columns]
    if missing:
        raise PolicyError("B417", where=", ".join(missing))
    try:
        given = balances.select(
            pl.col("patient_id").cast(pl.String),
            pl.col("year").cast(pl.Int32),
            pl.col(NUMBERS).cast(pl.Int64),
            pl.col("region").cast(pl.String).fill_null(""),
        )
    except pl.exceptions.PolarsError as error:
        raise PolicyError("B417", where=str(error).splitlines()[0]) from None
    bad = given.filter(
        pl.any_horizontal(pl.col(*_KEYS, *NUMBERS).is_null())
        | pl.any_horizontal(pl.col(NUMBERS) < 0)
        | ~pl.col("region").is_in(["", *regions])
        | pl.struct(_KEYS).is_duplicated()
    )
    if bad.height:
        raise PolicyError("B417", where=" ".join(map(str, bad.row(0)[:2])))
    return given
