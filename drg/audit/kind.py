"""What the functions of audit rules get to see, and how such a function is declared.

A kind judges whole columns. ``CLAIM`` and ``ITEMS`` kinds see one batch (``AuditClaims``);
``WHOLE`` kinds see the narrow columns that they ask for, of every claim of the run (``Whole``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from drg.audit.model import Scope, Verdict
from drg.audit.vocabulary import Vocabulary
from drg.claims.few import FEW
from drg.claims.frame import BLANKS, COLUMNS, PRICING_COLUMNS, SEPARATOR, Column
from drg.claims.list_columns import LIST_COLUMNS
from drg.claims.named import Named
from drg.claims.typed import Amounts, ClaimArrays, coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["FIELDS", "AuditClaims", "CodeRows", "Kind", "Params", "Whole", "field_name"]

T = TypeVar("T")

#: Every field of a claim by name; what is no field is a column that grouping or payment added.
FIELDS: dict[str, Column] = {c.name: c for c in (*COLUMNS, *PRICING_COLUMNS, *LIST_COLUMNS)}
_CODES = ("diagnoses", "procedures")
#: What lists write where a field does not apply; it holds nothing.
DASHES = ("-", "--", "—", "——", "\uff0d")
_EMPTY = rf"^[{BLANKS}]*(?:{'|'.join(DASHES)})?[{BLANKS}]*$"
_EMPTY_TEXT = re.compile(_EMPTY.strip("^$"))


class Params(BaseModel):
    """Base of the parameters of a kind: unknown keys are refused, values are what they say."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Kind(NamedTuple):
    """A kind of rule.

    Attributes
    ----------
    name : str
        What a rule's ``kind`` names.
    scope : Scope
    params : type of Params
        Checked when a rule set is loaded.
    judge : callable
        ``judge(claims, params) -> Verdict``: one entry a claim, in order. ``claims`` is an
        ``AuditClaims`` for ``CLAIM`` and ``ITEMS``, a ``Whole`` for ``WHOLE``.
    needs : callable, optional
        ``WHOLE`` only: ``needs(params)`` gives the columns that ``Whole.frame`` must have: fields
        of a claim, ``principal_dx``, or columns that grouping and payment add.
    amount : bool
        Whether its verdicts can carry an amount; only such a rule may deduct by itself.
    """

    name: str
    scope: Scope
    params: type[Params]
    judge: Callable[[Any, Any], Verdict]
    needs: Callable[[Any], tuple[str, ...]] | None = None
    amount: bool = False


class CodeRows(NamedTuple):
    """Every code of every claim, one entry each, empty ones left out; in order of the claims.

    Attributes
    ----------
    row : int64 array
        Place of the claim in the batch.
    place : int64 array
        Place of the code in its claim, counted with the empty ones; 0 is the principal one.
    code : Named
        The codes without blanks around them, in capitals.
    written : Series of String
        The codes as the file has them.
    vocabulary : Vocabulary
        What ``code`` is numbered by.
    """

    row: Ints
    place: Ints
    code: Named
    written: pl.Series
    vocabulary: Vocabulary

    def among(self, patterns: tuple[str, ...]) -> Flags:
        """Which codes are listed, whole or by a prefix ending in ``*``, in capitals."""
        found: Flags = self.vocabulary.among(patterns)[self.code.codes]
        return found


class AuditClaims(ClaimArrays):
    """One batch of claims.

    Parameters
    ----------
    frame : DataFrame
        Claims, possibly with the columns that grouping and payment added.
    columns : ClaimColumns
        Which columns feed which field.
    items : DataFrame, optional
        Charges of these claims: the columns of ``ITEM_COLUMNS``, typed, and ``row``, the place of
        the claim in the batch. None: no charges were given.
    vocabulary : Vocabulary, optional
        Codes that earlier batches of the run had.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns,
        items: pl.DataFrame | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        super().__init__(frame, columns)
        self.items = items
        self._vocabulary = vocabulary or Vocabulary()
        # Many rules ask for the same few columns.
        self._rows_of: dict[str, CodeRows] = {}
        self._days: dict[str, tuple[NDArray[np.int32], Flags]] = {}
        self._numbers: dict[str, Amounts] = {}
        self._blanks: dict[str, Flags] = {}

    def has(self, field: str) -> bool:
        """Whether the file has a column of this field, or grouping added one of this name."""
        if field in FIELDS:
            return field in self.columns.scalars or bool(self._sources(field)[0])
        return field in self.frame.columns

    @cached_property
    def hospitals(self) -> Named:
        """Hospitals of the claims."""
        return self.texts("hospital_id")

    @cached_property
    def sex(self) -> Named:
        """``M`` or ``F``; a text that is neither counts as not reported."""
        return coded(self.column("sex"), self.rows, lambda text: _SEXES.get(_plain(text), ""))

    @cached_property
    def bare(self) -> Flags:
        """Claims without a single diagnosis."""
        bare = np.ones(self.rows, np.bool_)
        bare[self.codes("diagnoses").row] = False
        return bare

    def codes(self, field: str) -> CodeRows:
        """Codes of ``diagnoses`` or ``procedures``."""
        if field not in self._rows_of:
            self._rows_of[field] = self._read_codes(*self._sources(field))
        return self._rows_of[field]

    def cells(self, field: str, rows: NDArray[np.integer[Any]]) -> pl.Series:
        """Cells of some claims as the file has them, as text; null where blank."""
        if field in _CODES:
            return self.joined(field, rows)
        series = (
            self.column(field) if field in FIELDS else self.frame.get_column(field, default=None)
        )
        if series is None:
            return pl.Series(field, [None] * len(rows), dtype=pl.String)
        texts = series.gather(rows).cast(pl.String)
        if len(rows) <= FEW:
            read = [text.strip(BLANKS) or None if text else None for text in texts.to_list()]
            return pl.Series(texts.name, read, dtype=pl.String)
        texts = texts.str.strip_chars(BLANKS)
        return texts if not (texts == "").any() else texts.set(texts == "", None)

    def joined(
        self, field: str, rows: NDArray[np.integer[Any]], marked: Flags | None = None,
        separator: str = SEPARATOR,
    ) -> pl.Series:  # fmt: skip
        """Codes of some claims as the file has them, joined; null where there is none.

        Parameters
        ----------
        field : {"diagnoses", "procedures"}
        rows : int array
            Places of the claims.
        marked : bool array, optional
            Codes that are wanted, each once; all of them, as often as they stand there, if omitted.
        separator : str, optional
        """
        codes = self.codes(field)
        wanted = np.zeros(self.rows, np.bool_)
        wanted[rows] = True
        chosen = wanted[codes.row]
        places = np.flatnonzero(chosen if marked is None else chosen & marked)
        if len(rows) <= FEW:
            found: dict[int, list[str]] = {}
            written = codes.written.gather(places).to_list()
            for row, told in zip(codes.row[places].tolist(), written, strict=True):
                found.setdefault(row, []).append(told)
            lists = (found.get(int(row)) for row in rows)
            each = (c if c is None or marked is None else dict.fromkeys(c) for c in lists)
            joined = [None if codes is None else separator.join(codes) for codes in each]
            return pl.Series("code", joined, dtype=pl.String)
        code = pl.col("code") if marked is None else pl.col("code").unique(maintain_order=True)
        texts = (
            pl.DataFrame({"row": codes.row[places], "code": codes.written.gather(places)})
            .group_by("row", maintain_order=True)
            .agg(code.str.join(separator))
        )
        asked = pl.DataFrame({"row": np.asarray(rows, np.int64)})
        return asked.join(texts, on="row", how="left", maintain_order="left")["code"]

    def days(self, field: str) -> tuple[NDArray[np.int32], Flags]:
        if field not in self._days:
            self._days[field] = super().days(field)
        return self._days[field]

    def numbers(self, field: str) -> Amounts:
        """Whole numbers of a field, ``3200.00`` among them; ``fen`` holds them as they are."""
        if field not in self._numbers:
            series = self.column(field)
            if series is None or series.dtype != pl.String:
                self._numbers[field] = super().numbers(field)
            else:
                texts = series.str.strip_chars(BLANKS).str.replace(r"\.0+$", "")
                whole = texts.cast(pl.Int64, strict=False)
                given = whole.is_not_null().to_numpy()
                self._numbers[field] = Amounts(whole.fill_null(0).to_numpy(), given)
        return self._numbers[field]

    def blank(self, field: str) -> Flags:
        """Where a field holds nothing or a dash, or the file has no such column."""
        if field not in self._blanks:
            series = self.column(field)
            if series is None or series.dtype != pl.String:
                self._blanks[field] = super().blank(field)
            elif self.rows <= FEW:
                texts = series.to_list()
                few = [text is None or _EMPTY_TEXT.fullmatch(text) is not None for text in texts]
                self._blanks[field] = np.array(few, np.bool_)
            else:
                empty = series.str.contains(_EMPTY)
                self._blanks[field] = empty.fill_null(True).to_numpy()
        return self._blanks[field]

    def _sources(self, field: str) -> tuple[tuple[str, ...], bool]:
        columns = self.columns
        if field == "diagnoses":
            return columns.diagnoses, columns.diagnoses_joined
        if field == "procedures":
            return columns.procedures, columns.procedures_joined
        return (), False

    def _read_codes(self, names: tuple[str, ...], joined: bool) -> CodeRows:
        rows, places, texts = [], [], []
        before: Ints = np.zeros(self.rows, np.int64)
        for name in names:
            series = self.frame[name]
            if joined:
                if not isinstance(series.dtype, pl.List):
                    series = series.cast(pl.String).str.split(self.columns.separator)
                count = series.list.len().fill_null(0).to_numpy().astype(np.int64)
                row = np.repeat(np.arange(self.rows), count)
                place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
                place += before[row]
                flat = series.explode(empty_as_null=False, keep_nulls=False)
            else:
                count = np.ones(self.rows, np.int64)
                row, place, flat = np.arange(self.rows), before.copy(), series
            before = before + count
            rows.append(row)
            places.append(place)
            texts.append(flat.cast(pl.String).alias("code"))
        if not names:
            none = np.zeros(0, np.int64)
            written = pl.Series("code", [], dtype=pl.String)
            return CodeRows(none, none, Named((), none), written, self._vocabulary)
        row, place = np.concatenate(rows), np.concatenate(places)
        written = pl.concat(texts, rechunk=True) if len(texts) > 1 else texts[0]
        code = self._vocabulary.numbered(written)
        there = ~code.missing
        if len(names) > 1 or not there.all():
            order = np.flatnonzero(there)
            if len(names) > 1:
                order = order[np.lexsort((place[order], row[order]))]
            row, place, code = row[order], place[order], code.take(order)
            written = written.gather(order)
        return CodeRows(row, place, code, written, self._vocabulary)


@dataclass(frozen=True)
class Whole:
    """Every claim of a run, in order.

    Attributes
    ----------
    frame : DataFrame
        ``row`` (Int64, place in the run), ``claim_id``, ``hospital_id`` (String) and the columns
        asked for: text as String, whole numbers as Int64, days as Date, money as Int64 fen,
        ``diagnoses``/``procedures`` as List(String) cleaned, ``principal_dx`` as String; a column
        of grouping or payment as it is, text as String. Null: not given or not readable; a
        column the file does not have is all null.
    reference : DataFrame or None
        Claims, typed alike, to take distributions from; None: this run's own.
    """

    frame: pl.DataFrame
    reference: pl.DataFrame | None = None
    _known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What several rules go by, made once: ``make()`` the first time, then the same."""
        if name not in self._known:
            self._known[name] = make()
        found: T = self._known[name]
        return found


def field_name(field: str, lang: str | None) -> str:
    """What a field is called in a language: the list's own name, or the column's."""
    if lang == "en" or field not in FIELDS:
        return field
    return FIELDS[field].title_zh


def _plain(text: str) -> str:
    return text.strip(BLANKS).casefold().removesuffix(".0")


_SEXES = {
    **dict.fromkeys(("m", "1", "男", "male"), "M"),
    **dict.fromkeys(("f", "2", "女", "female"), "F"),
}
