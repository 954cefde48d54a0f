"""Fields of the settlement list (interface 4101 and 4101A) and the canonical columns they feed.

The table is ``tables/interface/fields.csv``; docs/interfaces.md shows it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from drg.claims.interface.dictionaries import dictionaries
from drg.claims.interface.tables import interface_folder, read_table
from drg.errors import TableError

__all__ = ["LISTS", "NODES", "READINGS", "Field", "fields"]

#: Nodes of a list; ``setlinfo`` is one object, the others hold any number of entries.
NODES = (
    "setlinfo", "payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo", "bldinfo",
)  # fmt: skip
LISTS = NODES[1:]
#: How a field is read. ``open``: a code set to which places add codes of their own. ``whole``:
#: decimals cut off. ``single``: the only one of several values. ``hours``, ``minutes``:
#: ``days/hours/minutes``, incomplete units cut off. ``codes``, ``joined``, ``sum``, ``item``: one
#: value an entry of its node.
READINGS = (
    "text", "whole", "single", "money", "code", "open", "hours", "minutes", "codes", "joined",
    "sum", "item",
)  # fmt: skip
_HEADER = (
    "node", "field", "type", "title_zh", "title_en", "canonical", "reading", "dictionary",
    "in_4101", "in_4101a", "source", "status",
)  # fmt: skip


class Field(NamedTuple):
    """One field of the list.

    Attributes
    ----------
    node, field : str
        Place in a list; order in a node is that of the table: of several fields that feed one
        column, the first that is filled counts.
    type : str
        Length and type as the document prints them; empty where not known.
    title_zh, title_en : str
    canonical : str
        Column it feeds; empty: the field is not read (kept when a list is filled in).
    reading : str
        One of ``READINGS``.
    dictionary : str
        Its code set; empty: none that is in ``dictionaries()``.
    in_4101, in_4101a : bool
        Which upload carries it; neither: known from the settlement output.
    source, status : str
    """

    node: str
    field: str
    type: str
    title_zh: str
    title_en: str
    canonical: str
    reading: str
    dictionary: str
    in_4101: bool
    in_4101a: bool
    source: str
    status: str


def fields() -> tuple[Field, ...]:
    """Every field, in the order of the table.

    Raises
    ------
    TableError
        The table is broken.
    """
    return _fields(interface_folder())


@cache
def _fields(folder: Path) -> tuple[Field, ...]:
    path = folder / "fields.csv"
    found = []
    for number, row in enumerate(read_table(path, _HEADER, ("node", "field")), start=2):
        for column, known in (
            ("node", NODES), ("reading", READINGS), ("dictionary", ("", *dictionaries())),
            ("in_4101", ("", "1")), ("in_4101a", ("", "1")),
        ):  # fmt: skip
            if row[column] not in known:
                raise TableError("T109", where=str(path), row=number, column=column,
                                 cell=row[column], choices=", ".join(known))  # fmt: skip
        flags = {name: row[name] == "1" for name in ("in_4101", "in_4101a")}
        found.append(Field(**{**row, **flags}))  # type: ignore[arg-type]
    return tuple(found)
