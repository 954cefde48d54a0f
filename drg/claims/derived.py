"""Canonical columns worked out from the columns of a file whose codes and layout are others'.

A header profile says in ``[derived]`` which: codes translated by a dictionary, several columns
joined or added up, cells that only say "nothing". The file's own columns stay as they are; a
column that already bears the canonical name, from an earlier run, is taken as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from drg.claims.frame import BLANKS, SEPARATOR
from drg.claims.interface.dictionaries import dictionaries, translation

if TYPE_CHECKING:
    import polars as pl

    from drg.claims.profiles import ClaimColumns, Header

__all__ = ["Derived", "derive", "read_derived"]

#: Fields with a value for every diagnosis, and for every procedure.
_BESIDE = ("conditions_at_admission", "procedure_dates")
#: Text of parts that make one id.
_JOINT = "-"
#: Amounts of a front sheet have 18 digits and two places; more are no amount.
_PLACES = 4


@dataclass(frozen=True)
class Derived:
    """The part ``[derived]`` of a header profile. Names of columns may hold ``{n}``.

    Attributes
    ----------
    marks : tuple of str
        Cells that say "nothing", such as ``-``.
    cleaned : tuple of str
        Fields of the profile's scalars that may hold a mark.
    values : mapping of str to (columns, dictionary)
        Fields whose codes are those of a dictionary: the first of the columns that is there.
    joined : mapping of str to columns
        Fields with one value each column, in order, joined by ``|``: conditions of the diagnoses,
        days of the procedures; left out where there are not as many columns as codes have.
    sums : mapping of str to columns
        Fields of money added up; null where one of the amounts is.
    concat : mapping of str to columns
        Ids made of several columns.
    """

    marks: tuple[str, ...] = ()
    cleaned: tuple[str, ...] = ()
    values: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    concat: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """Canonical columns that only this part finds."""
        return (*self.values, *self.joined, *self.sums, *self.concat)


def read_derived(data: Mapping[str, Any], scalars: Sequence[str]) -> Derived:
    """The part ``[derived]`` of a profile.

    Parameters
    ----------
    data : mapping
        As TOML gives it.
    scalars : sequence of str
        Fields that the profile finds by their headers.

    Raises
    ------
    KeyError, TypeError, ValueError
        It is written wrong.
    """
    unknown = set(data) - {"marks", "cleaned", "values", "joined", "sums", "concat"}
    if unknown:
        raise ValueError(f"[derived] {', '.join(sorted(unknown))}")
    values = {}
    for name, given in data.get("values", {}).items():
        if given["dictionary"] not in dictionaries():
            raise ValueError(f"[derived] {name}: {given['dictionary']}")
        translation(given["dictionary"], name)
        values[name] = (tuple(given["columns"]), str(given["dictionary"]))
    found = Derived(
        marks=tuple(data.get("marks", ())),
        cleaned=tuple(data.get("cleaned", ())),
        values=values,
        **{
            part: {name: tuple(columns) for name, columns in data.get(part, {}).items()}
            for part in ("joined", "sums", "concat")
        },
    )
    twice = set(found.fields) & set(scalars)
    if twice or not set(found.cleaned) <= set(scalars) or not set(found.joined) <= {*_BESIDE}:
        raise ValueError(f"[derived] {', '.join(sorted(twice)) or 'cleaned, joined'}")
    return found


def derive(
    columns: ClaimColumns, derived: Derived, header: Header
) -> tuple[list[pl.Expr], ClaimColumns]:
    """Expressions of the canonical columns to add, and the columns of the claim with them.

    Parameters
    ----------
    columns : ClaimColumns
        As the profile found them.
    derived : Derived
        Of that profile.
    header : Header
        The file's columns.

    Returns
    -------
    list of Expr, ClaimColumns
        The file's columns with the expressions added are what the ``ClaimColumns`` speak of.
    """
    scalars = dict(columns.scalars)
    marks = derived.marks
    beside = dict(zip(_BESIDE, (columns.diagnoses, columns.procedures), strict=True))
    made: dict[str, pl.Expr] = {}
    for name, (wanted, dictionary) in derived.values.items():
        if (source := header.one(wanted)) is not None:
            made[name] = _translated(source, dictionary, name, marks)
    for make, part in (
        (_joined, derived.joined), (_sum, derived.sums), (_concat, derived.concat),
    ):  # fmt: skip
        for name, wanted in part.items():
            sources = _present(header, wanted)
            # A sum of some of its parts would be another amount, and values that belong to codes
            # have to be as many as these are.
            whole = len(beside[name]) if name in beside else len(wanted)
            if sources and (make is _concat or len(sources) == whole):
                made[name] = make(sources, marks)
    for name in derived.cleaned:
        if name in scalars:
            made[name] = _clean(scalars[name], marks)
    made = {name: expr for name, expr in made.items() if name not in header.names}
    scalars |= {name: name for name in made}
    if marks and "diagnoses" not in header.names:
        made["diagnoses"] = _joined(columns.diagnoses, marks)
        columns = replace(columns, diagnoses=("diagnoses",), diagnoses_joined=True)
    if marks and columns.procedures and "procedures" not in header.names:
        made["procedures"] = _joined(columns.procedures, marks)
        columns = replace(columns, procedures=("procedures",), procedures_joined=True)
    added = [expr.alias(name) for name, expr in made.items()]
    return added, replace(columns, scalars=scalars)


def _present(header: Header, wanted: Sequence[str]) -> list[str]:
    """The columns that the file has, in order; ``{n}`` stands for a numbered family."""
    found: list[str] = []
    for name in wanted:
        if "{n}" in name:
            found += [n for n in header.numbered([name]) if n not in found]
        elif (column := header.one([name])) is not None:
            found.append(column)
    return found


def _clean(column: str, marks: Sequence[str]) -> pl.Expr:
    """A column as text without blanks around it; null where it says nothing."""
    import polars as pl

    text = pl.col(column).cast(pl.String).str.strip_chars(BLANKS)
    return pl.when(~text.is_in(["", *marks])).then(text)


def _translated(column: str, dictionary: str, to: str, marks: Sequence[str]) -> pl.Expr:
    codes = translation(dictionary, to)
    known: dict[str, str | None] = {}
    for code in dictionaries()[dictionary]:
        value = codes.get(code)
        known |= dict.fromkeys((code, f"{code}.0", f"0{code}"), value)
    # A code that is in no dictionary stays as it is, so that it can be told.
    text = _clean(column, marks)
    return text.replace_strict(known, default=text)


def _joined(columns: Sequence[str], marks: Sequence[str]) -> pl.Expr:
    import polars as pl

    cells = [_clean(column, marks).fill_null("") for column in columns]
    text = pl.concat_str(cells, separator=SEPARATOR).str.strip_chars_end(SEPARATOR)
    return pl.when(text != "").then(text)


def _sum(columns: Sequence[str], marks: Sequence[str]) -> pl.Expr:
    import polars as pl

    amount = pl.Decimal(38, _PLACES)
    total = pl.lit("0").cast(amount)
    for column in columns:
        total = total + _clean(column, marks).cast(amount, strict=False)
    text = total.cast(amount).cast(pl.String)
    return text.str.replace(r"0{2}$", "")


def _concat(columns: Sequence[str], marks: Sequence[str]) -> pl.Expr:
    import polars as pl

    cells = [_clean(column, marks) for column in columns]
    # Without its first part an id names nothing.
    parts = pl.concat_str(cells, separator=_JOINT, ignore_nulls=True)
    return pl.when(cells[0].is_not_null()).then(parts)
