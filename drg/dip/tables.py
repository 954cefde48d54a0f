"""Tables of a DIP catalogue folder: their formats, read into the model and checked.

Cells are text, as in every table of ``tables/``. Scores and costs stand as published and are
rounded half up once, when they are read: scores to 10⁻⁴ points, costs to fen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from drg.dip.grammar import Terms, parse_terms
from drg.dip.model import (
    GROUP_CLASSES,
    AuxiliaryClass,
    Comorbidity,
    Group,
    Matching,
    Subtype,
)
from drg.errors import TableError
from drg.money import round_scaled
from drg.schemes.folder import Folder
from drg.schemes.tables import Column, TableFormat, read_table
from drg.schemes.versions import STATUSES

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "CATALOGUE_TABLES",
    "JOIN_CONDITIONS",
    "JOIN_DIAGNOSES",
    "KindRow",
    "Tables",
    "read_catalogue_tables",
    "read_comorbidities",
    "read_kinds",
]

#: Origins of a group: of the national library, added by the region, or not told.
ORIGINS = ("national", "local", "")
#: Between diagnoses of a group, and between its conditions.
JOIN_DIAGNOSES, JOIN_CONDITIONS = "|", " and "
_STATUS = Column("status", choices=STATUSES)
#: Digits before the point: more would leave a score's or an amount's column.
_DIGITS, _DECIMALS = 12, 40
#: Bits of a word that the kernel keeps comorbidities in.
_MAX_COMORBIDITIES = 64


def _format(name: str, columns: Iterable[Column | str], key: str, optional: bool) -> TableFormat:
    made = tuple(c if isinstance(c, Column) else Column(c) for c in columns)
    return TableFormat(name, made, tuple(key.split()), optional)


def _may(*names: str) -> list[Column]:
    return [Column(name, empty=True) for name in names]


#: Every table that a catalogue folder may hold.
CATALOGUE_TABLES: Mapping[str, TableFormat] = {
    t.name: t
    for t in (
        _format(
            "groups",
            [
                "group",
                Column("class", choices=GROUP_CLASSES),
                *_may("diagnosis", "procedures", "attribute", "conditions"),
                "name",
                *_may("score", "mean_cost", "mean_days", "cv", "cases"),
                Column("origin", empty=True, choices=ORIGINS),
            ],
            "group",
            False,
        ),
        _format(
            "auxiliary",
            ["group", "subtype", "score", *_may("mean_cost", "cases")],
            "group subtype",
            True,
        ),
        _format(
            "auxiliary_class",
            [
                "type",
                Column("order", integer=True),
                "subtype",
                "name_zh",
                "name_en",
                *_may("conditions"),
                _STATUS,
                *_may("reason"),
            ],
            "type order",
            True,
        ),
        _format("procedure_kind", ["code", "kind", _STATUS, *_may("reason")], "code", True),
        _format(
            "comorbidity",
            ["name", Column("weight", integer=True), "codes", *_may("replaces"), _STATUS],
            "name",
            True,
        ),
    )
}


class KindRow(NamedTuple):
    """A procedure's kind, how it is known, and why it is that."""

    kind: str
    status: str
    reason: str


class Tables(NamedTuple):
    """Tables of a catalogue as model objects."""

    groups: tuple[Group, ...]
    subtypes: tuple[Subtype, ...]
    classes: tuple[AuxiliaryClass, ...]


def read_catalogue_tables(
    folder: Folder, matching: Matching, conditions: Collection[str]
) -> Tables:
    """Read ``groups``, ``auxiliary`` and ``auxiliary_class`` of a folder.

    Parameters
    ----------
    folder : Folder
        With its header read.
    matching : Matching
        Names the attributes that groups may have.
    conditions : collection of str
        Names that conditions may have.

    Raises
    ------
    TableError
        T102-T110, T121 as ``read_table`` · T152 not a number · T153 procedures that cannot be
        read · T154 no such attribute · T155 no such condition · T156 a subtype's group is not in
        groups.csv · T157 a group with both procedures and an attribute · T162 a subtype of two
        auxiliary types · T164 a subtype whose full code is another group's.
    """
    groups = tuple(_groups(folder, matching, frozenset(conditions)))
    known = {group.code for group in groups}
    classes = tuple(_classes(folder, frozenset(conditions)))
    return Tables(groups, tuple(_subtypes(folder, known)), classes)


def read_kinds(folder: Folder) -> dict[str, KindRow]:
    """``procedure_kind.csv`` of a folder by code; empty where it has none."""
    frame = _read(folder, "procedure_kind")
    if frame is None:
        return {}
    return {code: KindRow(*rest) for code, *rest in frame.iter_rows()}


def read_comorbidities(folder: Folder) -> tuple[Comorbidity, ...]:
    """``comorbidity.csv`` of a folder; empty where it has none.

    Raises
    ------
    TableError
        As ``read_table`` · T124 more than 64 rows · T163 a row replaces what is not there, or in
        the end itself.
    """
    frame = _read(folder, "comorbidity")
    if frame is None:
        return ()
    where = str(folder.path / "comorbidity.csv")
    if frame.height > _MAX_COMORBIDITIES:
        raise TableError(
            "T124", where=where, what="comorbidities", found=frame.height, limit=_MAX_COMORBIDITIES
        )
    replaces = dict(frame.select("name", "replaces").iter_rows())
    for n, name in enumerate(replaces, start=2):
        passed, after = {name}, replaces[name]
        while after:
            if after in passed or after not in replaces:
                raise TableError("T163", where=where, row=n, name=name, found=after)
            passed.add(after)
            after = replaces[after]
    return tuple(
        Comorbidity(name, int(weight), tuple(codes.split(JOIN_DIAGNOSES)), replaced)
        for name, weight, codes, replaced, _ in frame.iter_rows()
    )


def _read(folder: Folder, name: str) -> pl.DataFrame | None:
    table = CATALOGUE_TABLES[name]
    if table.optional and name not in folder.entries:
        return None
    return read_table(folder, table)


def _groups(folder: Folder, matching: Matching, conditions: frozenset[str]) -> Iterator[Group]:
    frame = read_table(folder, CATALOGUE_TABLES["groups"])
    where = str(folder.path / "groups.csv")
    for n, cells in enumerate(frame.iter_rows(), start=2):
        code, cls, diagnosis, procedures, attribute, told, name, *numbers, origin = cells
        score, mean, days, cv, cases = numbers
        at = _At(where, n)
        terms = at.terms(procedures)
        if attribute and attribute not in matching.attributes:
            known = ", ".join(matching.attributes)
            raise TableError("T154", where=where, row=n, found=attribute, known=known)
        if attribute and terms:
            raise TableError("T157", where=where, row=n, group=code)
        yield Group(
            code,
            cls,
            tuple(diagnosis.split(JOIN_DIAGNOSES)) if diagnosis else (),
            terms,
            attribute,
            at.conditions(told, conditions),
            name,
            at.scaled("score", score, 4),
            at.scaled("mean_cost", mean, 2),
            at.exact("mean_days", days),
            at.exact("cv", cv),
            at.whole("cases", cases),
            origin,
        )


def _subtypes(folder: Folder, groups: Collection[str]) -> Iterator[Subtype]:
    frame = _read(folder, "auxiliary")
    where = str(folder.path / "auxiliary.csv")
    for n, cells in enumerate(frame.iter_rows() if frame is not None else (), start=2):
        group, subtype, score, mean, cases = cells
        at = _At(where, n)
        if group not in groups:
            raise TableError("T156", where=where, row=n, group=group)
        if f"{group}_{subtype}" in groups:
            raise TableError("T164", where=where, row=n, group=f"{group}_{subtype}")
        yield Subtype(
            group,
            subtype,
            at.scaled("score", score, 4) or 0,
            at.scaled("mean_cost", mean, 2),
            at.whole("cases", cases),
        )


def _classes(folder: Folder, conditions: frozenset[str]) -> Iterator[AuxiliaryClass]:
    frame = _read(folder, "auxiliary_class")
    if frame is None:
        return
    where = str(folder.path / "auxiliary_class.csv")
    rows = list(enumerate(frame.iter_rows(), start=2))
    # By type as they first stand, within a type by order.
    types = {row[0]: n for n, row in reversed(rows)}
    rows.sort(key=lambda item: (types[item[1][0]], int(item[1][1])))
    type_of: dict[str, str] = {}
    for n, (kind, _, subtype, zh, en, told, _, _) in rows:
        if type_of.setdefault(subtype, kind) != kind:
            types_told = f"{type_of[subtype]}, {kind}"
            raise TableError("T162", where=where, row=n, subtype=subtype, types=types_told)
        yield AuxiliaryClass(kind, subtype, zh, en, _At(where, n).conditions(told, conditions))


class _At(NamedTuple):
    """A row, for messages."""

    where: str
    row: int

    def exact(self, column: str, cell: str) -> Fraction | None:
        """The number in a cell, None in an empty one; T152 for any other, below 0 or too large."""
        if not cell:
            return None
        whole, _, part = cell.partition(".")
        digits = (whole + part).isdecimal() and (whole + part).isascii()
        if not digits or not 1 <= len(whole) <= _DIGITS or len(part) > _DECIMALS:
            raise TableError("T152", where=self.where, row=self.row, column=column, cell=cell)
        return Fraction(cell)

    def scaled(self, column: str, cell: str, places: int) -> int | None:
        number = self.exact(column, cell)
        return None if number is None else round_scaled(number, places)

    def whole(self, column: str, cell: str) -> int | None:
        number = self.exact(column, cell)
        if number is not None and number.denominator != 1:
            raise TableError("T152", where=self.where, row=self.row, column=column, cell=cell)
        return None if number is None else int(number)

    def terms(self, cell: str) -> Terms:
        try:
            return parse_terms(cell)
        except ValueError as error:
            raise TableError("T153", where=self.where, row=self.row, cell=cell) from error

    def conditions(self, cell: str, known: frozenset[str]) -> tuple[str, ...]:
        names = tuple(cell.split(JOIN_CONDITIONS)) if cell else ()
        if lost := [name for name in names if name not in known]:
            raise TableError("T155", where=self.where, row=self.row, condition=lost[0])
        return names
