"""A policy's TOML as a tree in which every value knows its document, its status and its file.

A section's ``source`` and ``status`` hold for what stands in it; a number may be an inline table
with its own, or ``{ required = true }``. Trees are merged before they are validated, so that a
policy may extend another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from drg.errors import TableError
from drg.payment.policy.errors import PolicyError, near, shown
from drg.text import text
from drg.toml_file import TomlError, read_toml

__all__ = [
    "HEADER", "POLICY", "SECTIONS", "Draft", "Leaf", "Origin", "Shape", "documents_of", "leaves",
    "merged", "read_draft",
]  # fmt: skip

#: Parts of a policy that hold numbers.
SECTIONS = (
    "drg", "dip", "per_disease", "bed_day", "outpatient", "community", "budget", "month", "year",
)  # fmt: skip
#: What else may stand at the top.
HEADER = (
    "id", "kind", "place", "place_zh", "also", "title_zh", "title_en", "in_force",
    "in_force_status", "in_force_note", "in_force_note_zh", "in_force_note_en", "insurances",
    "synthetic", "sources", "notes",
)  # fmt: skip
_ORIGIN = ("source", "status", "note", "note_zh", "note_en")
_OTHER = ("extends", "documents", *_ORIGIN)
_NUMBER = ("value", "required")
#: What an extending policy says for itself.
_OWN = ("id", "extends", "notes", "sources")


class Shape(NamedTuple):
    """What may stand at the top of a file of this kind.

    Attributes
    ----------
    sections : tuple of str
        Parts that hold numbers.
    others : tuple of str
        Beside them, ``HEADER``, ``extends`` and ``documents``.
    """

    sections: tuple[str, ...]
    others: tuple[str, ...] = ()


#: A payment policy.
POLICY = Shape(SECTIONS, ("tables",))


@dataclass(frozen=True, slots=True)
class Origin:
    """Document and status of a value, with a note in either language; ``""`` not said.

    ``by_user``: given with the call, not by a file of the policy.
    """

    source: str = ""
    status: str = ""
    note_zh: str = ""
    note_en: str = ""
    by_user: bool = False

    def over(self, said: Mapping[str, Any], where: str, path: str) -> Origin:
        """What a section or a number says, the rest as around it; notes are its own."""
        for key in _ORIGIN:
            if not isinstance(said.get(key, ""), str):
                raise PolicyError("P463", where=where, path=f"{path}.{key}", value=shown(said[key]),
                                  wanted=text("policies.type_string"))  # fmt: skip
        note = said.get("note", "")
        return Origin(
            said.get("source", self.source),
            said.get("status", self.status),
            said.get("note_zh", note),
            said.get("note_en", note),
            self.by_user,
        )


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value as the file has it; ``required`` ones have none."""

    value: Any
    origin: Origin
    file: str
    required: bool = False


Node = Leaf | dict[str, Any] | list[Any]


@dataclass(slots=True)
class Draft:
    """A policy before validation.

    Attributes
    ----------
    file : Path
    header : dict
        Id, place, titles and dates as written.
    tree : dict
        Section to values; ``bed_day`` by id.
    tables : dict
        ``[tables.*]`` as written.
    documents : frozenset of str
        Ids of documents that the file, or a ``sources.toml`` beside it, describes.
    """

    file: Path
    header: dict[str, Any]
    tree: dict[str, Any]
    tables: dict[str, Any] = field(default_factory=dict)
    documents: frozenset[str] = frozenset()
    origin: Origin = field(default_factory=Origin)


def read_draft(path: Path, shape: Shape = POLICY) -> Draft:
    """Read one file; what it extends stays a name in the header.

    Parameters
    ----------
    path : Path
    shape : Shape, optional
        A payment policy's when omitted.

    Raises
    ------
    TableError
        T120: no readable TOML.
    PolicyError
        P461 unknown key, P463 wrong type, P464 bed-day payment without id, P468 a number table that
        contradicts itself, P473 two bed-day payments of one id.
    """
    where = str(path)
    raw = _toml(path)
    known = (*HEADER, *shape.sections, *shape.others, *_OTHER)
    for key in raw:
        if key not in known:
            raise PolicyError("P461", where=where, path=key, near=near(key, known))
    origin = Origin().over(raw, where, "")
    tree: dict[str, Any] = {}
    for name in shape.sections:
        if name in raw:
            section = _bed_days(raw[name], where) if name == "bed_day" else raw[name]
            if not isinstance(section, dict):
                raise PolicyError("P463", where=where, path=name, value=shown(section),
                                  wanted=text("policies.type_model"))  # fmt: skip
            tree[name] = _node(section, name, origin, where)
    return Draft(
        file=path,
        header={key: raw[key] for key in (*HEADER, "extends") if key in raw},
        tree=tree,
        tables=_section(raw, "tables", where),
        documents=frozenset(_section(raw, "documents", where)) | documents_of(path.parent),
        origin=origin,
    )


def documents_of(folder: Path) -> frozenset[str]:
    """Ids of the documents that a folder's ``sources.toml`` registers; none where there is none.

    Raises
    ------
    TableError
        T120: no readable TOML.
    """
    file = folder / "sources.toml"
    if not file.is_file():
        return frozenset()
    said = file.stat()
    return _ids(file, said.st_mtime_ns, said.st_size)


@cache
def _ids(file: Path, changed: int, size: int) -> frozenset[str]:
    """Of a register as it is now: it is read again once it has changed."""
    return frozenset(_toml(file))


def merged(base: Draft, own: Draft) -> Draft:
    """A policy's own words over those of the one it extends; lists are replaced whole."""
    header = {key: value for key, value in base.header.items() if key not in _OWN}
    if own.header.get("place", base.header.get("place")) != base.header.get("place"):
        header.pop("also", None)
    header |= own.header
    header["notes"] = [*base.header.get("notes", []), *own.header.get("notes", [])]
    header["sources"] = [*base.header.get("sources", []), *own.header.get("sources", [])]
    return Draft(own.file, header, _merge(base.tree, own.tree), {}, base.documents | own.documents)


def leaves(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    """Every value of a tree with its path."""
    if isinstance(node, Leaf):
        yield path, node
        return
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield from leaves(value, (*path, str(key)))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path, exactly=True)
    except (OSError, TomlError) as error:
        missing = isinstance(error, FileNotFoundError)
        detail = text("policies.why_no_file") if missing else str(error)
        raise TableError("T120", where=str(path), detail=detail) from error


def _merge(base: Any, own: Any) -> Any:
    if isinstance(base, dict) and isinstance(own, dict):
        return base | {k: _merge(base[k], v) if k in base else v for k, v in own.items()}
    return own


def _node(value: Any, path: str, origin: Origin, where: str) -> Node:
    if isinstance(value, dict):
        if any(key in value for key in _NUMBER):
            return _number(value, path, origin, where)
        inner = origin.over(value, where, path)
        return {
            key: _node(part, f"{path}.{key}", inner, where)
            for key, part in value.items()
            if key not in _ORIGIN
        }
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        return [_node(part, f"{path}.{n}", origin, where) for n, part in enumerate(value)]
    return Leaf(value, origin, where)


def _number(said: Mapping[str, Any], path: str, origin: Origin, where: str) -> Leaf:
    """``{ value = …, source = … }`` or ``{ required = true, note_zh = … }``."""
    for key in said:
        if key not in (*_NUMBER, *_ORIGIN):
            known = (*_NUMBER, *_ORIGIN)
            raise PolicyError("P461", where=where, path=f"{path}.{key}", near=near(key, known))
    if "value" in said and "required" in said:
        raise PolicyError("P468", where=where, path=path)
    inner = origin.over(said, where, path)
    if "value" in said:
        return Leaf(said["value"], inner, where)
    if said["required"] is not True:
        value = shown(said["required"])
        raise PolicyError("P463", where=where, path=f"{path}.required", value=value, wanted="true")
    return Leaf(None, inner, where, required=True)


def _bed_days(raw: Any, where: str) -> dict[str, Any]:
    """``[[bed_day]]`` by id, so that an extending policy can name one."""
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        raise PolicyError(
            "P463", where=where, path="bed_day", value=shown(raw), wanted="[[bed_day]]"
        )
    found: dict[str, Any] = {}
    for number, entry in enumerate(raw):
        name = entry.get("id")
        if not isinstance(name, str) or not name:
            raise PolicyError("P464", where=where, path=f"bed_day.{number}.id")
        if name in found:
            raise PolicyError("P473", where=where, path="bed_day", scope=name, first="id",
                              second="id")  # fmt: skip
        found[name] = entry
    return found


def _section(raw: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    found = raw.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(e, dict) for e in found.values()):
        raise PolicyError(
            "P463", where=where, path=name, value=shown(found), wanted=text("policies.type_model")
        )
    return found
