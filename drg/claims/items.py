"""Read charges item by item: CSV, TSV, Parquet or XLSX, into one compact typed table by claim.

Headers are data (``tables/headers/items/``). A cell that is empty and one that cannot be read
are both "not given"; how many could not be read is told.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.days import read_days
from drg.claims.frame import BLANKS
from drg.claims.list_columns import ITEM_COLUMNS, ITEM_NAMES
from drg.claims.profiles import Header
from drg.claims.readers import BATCH, open_file
from drg.claims.typed import read_yuan
from drg.errors import InputError, TableError
from drg.money import PLACES
from drg.paths import tables_root

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ITEMS", "ItemTable", "match_items", "open_items", "read_scaled", "type_items"]

#: What a typed charge has; its level and who ordered it stay in the file, for no rule reads them.
#: Texts are Categorical, ``item_code`` in capitals without blanks around it; ``quantity`` and
#: ``unit_price`` (yuan) are scaled 10⁴, amounts are fen.
ITEMS = pl.Schema(
    {
        "claim_id": pl.String(),
        "item_code": pl.Categorical(),
        "item_name": pl.Categorical(),
        "charged_on": pl.Date(),
        "quantity": pl.Int64(),
        "unit_price": pl.Int64(),
        "amount": pl.Int64(),
        "in_scope_amount": pl.Int64(),
        "fee_class": pl.Categorical(),
    }
)
_SCALED = ("quantity", "unit_price")
#: Without one of these a row says nothing about a charge.
_ANY_OF = ("quantity", "amount", "in_scope_amount")
#: Beyond this a product of quantity and price could leave int64.
_LARGEST = 10**17
_MOST_PLACES = 18
_POWERS = 10 ** np.arange(_MOST_PLACES + 1, dtype=np.int64)
#: Rows read at once.
_ROWS = 10 * BATCH


class ItemTable:
    """Every charge of a file, by claim.

    Parameters
    ----------
    frame : DataFrame
        With the columns and dtypes of ``ITEMS``.
    unreadable : mapping of str to int, optional
        Column to number of cells that hold something that cannot be read.

    Attributes
    ----------
    rows : int
        Charges, those that name no claim included.
    homeless : int
        Charges that name no claim; no claim gets them.
    """

    def __init__(self, frame: pl.DataFrame, unreadable: Mapping[str, int] | None = None) -> None:
        self.rows = frame.height
        self.unreadable = dict(unreadable or {})
        ids = frame["claim_id"]
        self.homeless = ids.null_count()
        if self.homeless:
            frame = frame.filter(pl.col("claim_id").is_not_null())
            ids = frame["claim_id"]
        starts = _starts(ids)
        names = ids.gather(starts)
        if names.n_unique() < len(names):  # charges of a claim lie apart
            numbers = ids.cast(pl.Categorical).to_physical().to_numpy()
            frame = frame[np.argsort(numbers, kind="stable").astype(np.uint32)]
            starts = _starts(frame["claim_id"])
            names = frame["claim_id"].gather(starts)
        self._frame = frame.drop("claim_id")
        ends = np.append(starts[1:], len(ids))
        self._claims = pl.DataFrame({"claim_id": names, "start": starts, "count": ends - starts})

    @property
    def claims(self) -> int:
        """Claims with at least one charge."""
        return self._claims.height

    def of(self, ids: pl.Series) -> pl.DataFrame:
        """The charges of these claims.

        Parameters
        ----------
        ids : Series of String
            Ids of claims; null has no charges, an id that stands twice has them twice.

        Returns
        -------
        DataFrame
            The columns of ``ITEMS`` but ``claim_id``, and before them ``row`` (UInt32), the place
            in ``ids`` from 0; by that place, then in the order of the file.
        """
        wanted = pl.DataFrame({"claim_id": ids.cast(pl.String)})
        found = wanted.join(self._claims, on="claim_id", how="left", maintain_order="left")
        count = found["count"].fill_null(0).to_numpy()
        start = found["start"].fill_null(0).to_numpy()
        row = np.repeat(np.arange(len(count), dtype=np.uint32), count)
        # The k-th charge of a claim stands k places after its first.
        place = np.repeat(start - (np.cumsum(count) - count), count) + np.arange(len(row))
        charges = self._frame[place.astype(np.uint32)]
        return charges.insert_column(0, pl.Series("row", row))

    def unknown_claims(self, ids: pl.Series) -> int:
        """Claims of these charges that are none of the given ids."""
        known = pl.DataFrame({"claim_id": ids.cast(pl.String)})
        return self._claims.join(known, on="claim_id", how="anti").height


def open_items(path: str | Path, *, sheet: str | int | None = None) -> ItemTable:
    """Read a file of charges whole.

    Parameters
    ----------
    path : str or Path
        One row a charge, in any order; formats as for claims.
    sheet : str or int, optional
        XLSX only, as for claims.

    Raises
    ------
    InputError
        As for claims, and F130: no column of claim ids; F131: nothing that counts or costs.
    """
    unreadable: dict[str, int] = {}
    with open_file(path, sheet=sheet) as source:
        columns = match_items(source.schema.names(), where=str(path))
        used = {columns[name] for name in ITEMS if name in columns}
        idle = [name for name in source.schema.names() if name not in used]
        parts = [_typed(part, columns, unreadable) for part in source.batches(_ROWS, without=idle)]
    return ItemTable(pl.concat([ITEMS.to_frame(), *parts]), unreadable)


def type_items(frame: pl.DataFrame) -> ItemTable:
    """Charges of a frame with any known header.

    Raises
    ------
    InputError
        F130, F131 as ``open_items``.
    """
    unreadable: dict[str, int] = {}
    return ItemTable(_typed(frame, match_items(frame.columns), unreadable), unreadable)


def match_items(columns: Sequence[str], *, where: str = "") -> dict[str, str]:
    """Which columns of a file hold which field of ``ITEM_COLUMNS``.

    Raises
    ------
    InputError
        F112 two columns spell one name, F130 no claim ids, F131 neither quantity nor amount.
    TableError
        T120: the header profile is broken.
    """
    header = Header(columns, where)
    profile = _profile(tables_root() / "headers" / "items" / "items.toml")
    found = {field: header.one(names) for field, names in profile.items()}
    matched = {field: name for field, name in found.items() if name is not None}
    if "claim_id" not in matched:
        raise InputError("F130", where=where, found=", ".join(columns[:12]))
    if not any(field in matched for field in _ANY_OF):
        raise InputError("F131", where=where, found=", ".join(columns[:12]))
    return matched


@cache
def _profile(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        read: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))["columns"]
        if set(read) != set(ITEM_NAMES):
            odd = ", ".join(sorted(set(read) ^ set(ITEM_NAMES)))
            raise ValueError(f"[columns] {odd}")
        return {field: tuple(map(str, names)) for field, names in read.items()}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise TableError("T120", where=str(path), detail=str(error)) from error


def _typed(
    frame: pl.DataFrame, columns: Mapping[str, str], unreadable: dict[str, int]
) -> pl.DataFrame:
    made = []
    for column in ITEM_COLUMNS:
        name = column.name
        if name not in ITEMS:
            continue
        dtype = ITEMS[name]
        if name not in columns:
            made.append(pl.Series(name, [None] * frame.height, dtype=dtype))
            continue
        series = frame[columns[name]]
        if column.kind == "str":
            read = _texts(series, capitals=name == "item_code").cast(dtype)
        else:
            if column.kind == "date":
                read = read_days(series)
            else:
                read = read_scaled(series) if name in _SCALED else read_yuan(series)
            lost = read.null_count() - series.null_count()
            if lost and (lost := lost - _empty(series)):
                unreadable[name] = unreadable.get(name, 0) + lost
        made.append(read.cast(dtype).alias(name))
    return pl.DataFrame(made)


def read_scaled(series: pl.Series, places: int = PLACES) -> pl.Series:
    """A column of decimal numbers as Int64 scaled by 10 to the ``places``.

    Parameters
    ----------
    series : Series
        Text, integers, Decimal, or floats, which are read to six decimals.
    places : int, optional

    Returns
    -------
    Series of Int64
        Rounded half up where there are more places; null: not given or not readable.
    """
    if series.dtype.is_integer():
        whole = series.cast(pl.Int64, strict=False)
        large = (whole.abs() > _LARGEST // 10**places).fill_null(False)
        fitting: pl.Series = whole.set(large, None) * 10**places
        return fitting
    if series.dtype.is_float():
        series = series.fill_nan(None).cast(pl.Decimal(38, 6), strict=False)
    text = series.cast(pl.String).str.strip_chars(BLANKS).alias("text")
    point = pl.col("text").str.find(".", literal=True)
    size = pl.col("text").str.len_bytes()
    parts = text.to_frame().select(
        pl.col("text").str.replace(".", "", literal=True).cast(pl.Int64, strict=False),
        places=pl.when(point.is_null()).then(0).otherwise(size - point - 1).cast(pl.Int64),
    )
    digits, after = (part.fill_null(0).to_numpy() for part in parts.get_columns())
    # Digits past the eighteenth place were none that int64 could hold.
    here = parts["text"].is_not_null().to_numpy() & (after <= _MOST_PLACES)
    missing = np.clip(places - after, 0, None)
    here &= np.abs(digits) <= _LARGEST // _POWERS[missing]
    found = np.where(here, digits, 0) * _POWERS[missing]
    more = np.flatnonzero(here & (after > places))
    if len(more):
        over = _POWERS[after[more] - places]
        whole, rest = np.divmod(np.abs(digits[more]), over)
        found[more] = np.sign(digits[more]) * (whole + (rest >= over - rest))
    return pl.Series(series.name, found).set(pl.Series(~here), None)


def _texts(series: pl.Series, *, capitals: bool = False) -> pl.Series:
    texts = series.cast(pl.String)
    # Few distinct texts: only those are cleaned.
    spelled = texts.cast(pl.Categorical)
    kinds = spelled.unique().drop_nulls()
    clean = kinds.cast(pl.String).str.strip_chars(BLANKS)
    if capitals:
        clean = clean.str.to_uppercase()
    clean = clean.set(clean == "", None)
    if clean.eq_missing(kinds.cast(pl.String)).all():
        return spelled
    return texts.replace_strict(kinds.cast(pl.String), clean, return_dtype=pl.String)


def _empty(series: pl.Series) -> int:
    """Cells that hold blanks only."""
    if series.dtype != pl.String:
        return 0
    return int((series.str.strip_chars(BLANKS) == "").sum())


def _starts(ids: pl.Series) -> NDArray[np.int64]:
    """Places where another claim begins."""
    fresh = (ids != ids.shift()).fill_null(True)
    return fresh.arg_true().to_numpy().astype(np.int64)
