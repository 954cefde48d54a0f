"""Files of settlement lists: JSON of interface 4101 or 4101A as frames of claims and of charges.

A file holds one list, an array of lists, or one a line; each may stand in the interface's
envelope. Lists are read one after the other and laid down in parts, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from drg.claims.encoding import PlainText, plain_text
from drg.claims.interface.fields import LISTS
from drg.claims.interface.json_text import Placed, kind_of, read_values
from drg.claims.interface.rows import ITEM_COLUMNS, list_reader
from drg.errors import InputError

__all__ = [
    "LIST_SUFFIXES",
    "OpenedLists",
    "list_nodes",
    "list_schema",
    "list_text",
    "open_lists",
    "read_nodes",
]

LIST_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
#: Where an envelope holds the list.
_ENVELOPE = ("input", "output")
_BATCH = 5_000
_CODES = ("diagnoses", "procedures")


class OpenedLists(NamedTuple):
    """A file of lists, laid down as Parquet in a working folder.

    Attributes
    ----------
    claims, items : LazyFrame
        One row a list; one row a class of charges, tied to it by ``claim_id``.
    schema : polars.Schema
        Of ``claims``.
    rows : int
        Lists.
    encoding : str
        As ``drg.claims.encoding.PlainText`` names it.
    """

    claims: pl.LazyFrame
    items: pl.LazyFrame
    schema: pl.Schema
    rows: int
    encoding: str


def list_schema() -> pl.Schema:
    """Columns of a frame of lists: text, diagnoses and procedures lists of text."""
    return pl.Schema(
        {
            name: pl.List(pl.String()) if name in _CODES else pl.String()
            for name in list_reader().columns
        }
    )


def open_lists(path: Path, workdir: Callable[[], Path]) -> OpenedLists:
    """Read a file of lists.

    Parameters
    ----------
    path : Path
        File with one of ``LIST_SUFFIXES``.
    workdir : callable
        Gives the working folder, which the caller removes.

    Raises
    ------
    InputError
        F107-F109, F126 no text; F150-F162 no lists (``read_values``, ``read_nodes``).
    """
    text = list_text(path, workdir)
    folder = workdir() / "lists"
    folder.mkdir()
    reader, schema = list_reader(), list_schema()
    item_schema = pl.Schema(dict.fromkeys(ITEM_COLUMNS, pl.String()))
    claims: list[dict[str, Any]] = []
    items: list[dict[str, str | None]] = []
    parts: list[tuple[Path, Path]] = []
    rows = 0

    def lay_down() -> None:
        pair = tuple(folder / f"{kind}-{len(parts):06d}.parquet" for kind in ("claims", "items"))
        pl.DataFrame(claims, schema=schema).write_parquet(pair[0])
        pl.DataFrame(items, schema=item_schema).write_parquet(pair[1])
        parts.append((pair[0], pair[1]))
        claims.clear()
        items.clear()

    for placed in read_values(text.path, str(path)):
        for nodes in read_nodes(placed, str(path)):
            row = reader.row(nodes)
            claims.append(row.values)
            items.extend(row.items)
            rows += 1
            if len(claims) == _BATCH:
                lay_down()
    if claims or not parts:
        lay_down()
    frames = [pl.scan_parquet([part[side] for part in parts], glob=False) for side in (0, 1)]
    return OpenedLists(frames[0], frames[1], schema, rows, text.encoding)


def list_text(path: Path, workdir: Callable[[], Path]) -> PlainText:
    """The text of a file of lists (``plain_text``); an empty one is F162: it has no header."""
    try:
        return plain_text(path, workdir)
    except InputError as error:
        if error.code != "F103":
            raise
        raise InputError("F162", where=str(path)) from None


def read_nodes(placed: Placed, where: str) -> Iterator[dict[str, Any]]:
    """The lists of one value of a file: the list itself, or those its envelope holds.

    Yields
    ------
    dict
        Node to object (``setlinfo``) or list of objects; nodes that are absent or null left out.

    Raises
    ------
    InputError
        F157 the value is no object, F158 it has no ``setlinfo``, F159 a node is of another kind.
    """
    for found in list_nodes(placed, where):
        nodes = {}
        for name in ("setlinfo", *LISTS):
            node = found.get(name)
            if node is None:
                continue
            if name == "setlinfo":
                _check(node, dict, name, placed, where)
            else:
                # Some systems write a single entry without its array.
                node = [node] if isinstance(node, dict) else node
                _check(node, list, name, placed, where)
                for entry in node:
                    _check(entry, dict, name, placed, where)
            nodes[name] = node
        yield nodes


def list_nodes(placed: Placed, where: str) -> Iterator[dict[str, Any]]:
    """The objects with a ``setlinfo`` in one value of a file, as they stand there.

    Raises
    ------
    InputError
        F157, F158.
    """
    value = placed.value
    _check_object(value, placed, where)
    if "setlinfo" not in value:
        name = next((name for name in _ENVELOPE if name in value), None)
        if name is None:
            raise _no_list(value, placed, where)
        value = value[name]
    for found in value if isinstance(value, list) else [value]:
        _check_object(found, placed, where)
        if found.get("setlinfo") is None:
            raise _no_list(found, placed, where)
        yield found


def _check_object(value: object, placed: Placed, where: str) -> None:
    if not isinstance(value, dict):
        raise InputError(
            "F157", where=where, number=placed.number, line=placed.line, kind=kind_of(value)
        )


def _no_list(value: Mapping[str, object], placed: Placed, where: str) -> InputError:
    keys = ", ".join([*value][:8]) or "{}"
    return InputError("F158", where=where, number=placed.number, line=placed.line, keys=keys)


def _check(node: object, wanted: type, name: str, placed: Placed, where: str) -> None:
    if not isinstance(node, wanted):
        raise InputError(
            "F159", where=where, number=placed.number, line=placed.line, node=name,
            kind=kind_of(node), wanted="object" if wanted is dict else "array",
        )  # fmt: skip
