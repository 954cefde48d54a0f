"""From a file's tree to validated numbers, each with its document: policies and plans alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from drg.errors import TableError
from drg.payment.policy.checks import check_origins
from drg.payment.policy.errors import PolicyError, near, pydantic_error
from drg.payment.policy.model import Provenance, Sourced
from drg.payment.policy.paths import bare_type, inner_type, value_at
from drg.payment.policy.read import Draft, Leaf, leaves
from drg.text import language

__all__ = ["drafted", "plain_values"]

_MISSING = object()
#: What names a part of a policy and needs no document.
_NAMES = ("id", "title_zh", "title_en")
_WEIGHTS, _DISEASES = ("drg", "weights"), ("per_disease", "table")
_CATALOGUE = ("dip", "catalogue")

S = TypeVar("S", bound=Sourced)


def drafted(draft: Draft, kind: type[S]) -> S:
    """Validate a tree; what no single number shows is for the caller to check.

    Parameters
    ----------
    draft : Draft
    kind : type
        ``Policy`` or another whose fields are the sections of the draft.

    Raises
    ------
    PolicyError
        P461-P469: what is wrong with a value, its document or its status.
    TableError
        T102: a table that is not there.
    """
    found = dict(leaves(draft.tree))
    values = {name: plain_values(node, (name,)) for name, node in draft.tree.items()}
    if "bed_day" in values:
        values["bed_day"] = list(values["bed_day"].values())
    header = {key: draft.header[key] for key in draft.header if key in kind.model_fields}
    if said := draft.header.get(f"in_force_note_{language()}"):
        header["in_force_note"] = said
    header.pop("sources", None)
    try:
        made = kind.model_validate({**header, **values, "folder": str(draft.file.parent)})
    except ValidationError as error:
        raise _worded(error, draft, found, kind) from None
    for path, leaf in found.items():
        if leaf.required:
            _check_open(made, path, leaf)
    given = {path: leaf for path, leaf in found.items() if not leaf.required}
    check_origins({path: (leaf, value_at(made, path)) for path, leaf in given.items()}, draft)
    provenance = {
        ".".join(path): _provenance(leaf)
        for path, leaf in given.items()
        if leaf.origin.status and path[-1] not in _NAMES
    }
    used = {p.source for p in provenance.values()} | {*draft.header.get("sources", ())}
    made_up = any(p.status == "synthetic" for p in provenance.values())
    return made.model_copy(
        update={
            "provenance": provenance,
            "wanted": {
                ".".join(path): _note(leaf) for path, leaf in found.items() if leaf.required
            },
            "sources": tuple(sorted(used - {""})),
            "synthetic": made.synthetic or made_up,
        }
    )


def _check_open(made: Sourced, path: tuple[str, ...], leaf: Leaf) -> None:
    """Refuse a number left open that there is not, or that has to stand there."""
    annotation: Any = type(made)
    for part in path:
        inner = inner_type(annotation, part)
        if inner is None:
            kind = bare_type(annotation)
            known = [*kind.model_fields] if hasattr(kind, "model_fields") else []
            raise PolicyError("P461", where=leaf.file, path=".".join(path), near=near(part, known))
        annotation = inner
    try:
        held = value_at(made, path)
    except KeyError:  # an entry by key, such as that of a level: it is simply not there yet
        return
    except IndexError:  # a row of nothing else
        held = path
    if held not in (None, "", (), {}):
        raise PolicyError("P469", where=leaf.file, path=".".join(path))


def plain_values(node: Any, path: tuple[str, ...]) -> Any:
    """A tree without its leaves' origins; what is left open is not there."""
    if isinstance(node, Leaf):
        return _MISSING if node.required else _located(node, path)
    if isinstance(node, dict):
        parts = {key: plain_values(value, (*path, key)) for key, value in node.items()}
        return {key: value for key, value in parts.items() if value is not _MISSING}
    rows = [plain_values(value, (*path, str(n))) for n, value in enumerate(node)]
    return [row for row in rows if row is not _MISSING]


def _located(leaf: Leaf, path: tuple[str, ...]) -> Any:
    """A value; names of files as paths, seen from the file that names them."""
    if path == _WEIGHTS and isinstance(leaf.value, list):
        return [_file_of(leaf, name) if _is_file(name) else name for name in leaf.value]
    if path == _DISEASES and isinstance(leaf.value, str):
        return _file_of(leaf, leaf.value)
    if path == _CATALOGUE and isinstance(leaf.value, str) and ("/" in leaf.value):
        return str((Path(leaf.file).parent / leaf.value).absolute())
    return leaf.value


def _is_file(name: object) -> bool:
    return isinstance(name, str) and Path(name).suffix.lower() in (
        ".csv", ".tsv", ".xlsx", ".parquet", ".toml",
    )  # fmt: skip


def _file_of(leaf: Leaf, name: str) -> str:
    file = (Path(leaf.file).parent / name).absolute()
    if not file.is_file():
        raise TableError("T102", where=str(file))
    return str(file)


def _worded(
    error: ValidationError,
    draft: Draft,
    found: Mapping[tuple[str, ...], Leaf],
    model: type[Sourced],
) -> PolicyError:
    first = error.errors()[0]
    ids = [*draft.tree.get("bed_day", ())]
    path: list[str] = []
    for part in first["loc"]:
        by_id = path == ["bed_day"] and isinstance(part, int) and part < len(ids)
        path.append(ids[int(part)] if by_id else str(part))
    annotation: Any = model
    for part in path[:-1]:
        annotation = inner_type(annotation, part) if annotation is not None else None
    kind = bare_type(annotation)
    fields = [*kind.model_fields] if hasattr(kind, "model_fields") else []
    at = tuple(path)
    there = [p for p in found if p[: len(at)] == at or at[: len(p)] == p]
    file = found[there[0]].file if there else str(draft.file)
    return pydantic_error(first, at, fields, file, at in found and found[at].required)


def _provenance(leaf: Leaf) -> Provenance:
    return Provenance.model_validate(
        {"source": leaf.origin.source, "status": leaf.origin.status, "note": _note(leaf)}
    )


def _note(leaf: Leaf) -> str:
    return leaf.origin.note_zh if language() == "zh" else leaf.origin.note_en
