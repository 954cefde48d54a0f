"""From a policy's tree to the validated policy: provenance, what is left open, digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from drg.errors import TableError
from drg.payment.policy import Policy, Provenance
from drg.payment.policy.checks import check_origins, check_rows, check_sizes
from drg.payment.policy.digest import disease_table, policy_digest, weight_tables
from drg.payment.policy.errors import PolicyError, pydantic_error
from drg.payment.policy.paths import bare_type, inner_type, value_at
from drg.payment.policy.read import Draft, Leaf, leaves
from drg.payment.policy.whole import check_whole, unsaid
from drg.text import language

__all__ = ["build_policy"]

_MISSING = object()
#: What names a part of a policy and needs no document.
_NAMES = ("id", "title_zh", "title_en")
_WEIGHTS, _DISEASES = ("drg", "weights"), ("per_disease", "table")
_CATALOGUE = ("dip", "catalogue")


def build_policy(draft: Draft) -> Policy:
    """Validate a tree and hold the policy to the rules.

    Raises
    ------
    PolicyError
        P461-P469, P473, P477: what is wrong with it, the first thing found.
    TableError
        T102 a table of per-disease standards that is not there; T170-T184 a table of weights.
    """
    found = dict(leaves(draft.tree))
    values = {name: _plain(node, (name,)) for name, node in draft.tree.items()}
    if "bed_day" in values:
        values["bed_day"] = list(values["bed_day"].values())
    header = {key: draft.header[key] for key in draft.header if key in Policy.model_fields}
    if said := draft.header.get(f"in_force_note_{language()}"):
        header["in_force_note"] = said
    header.pop("sources", None)
    try:
        policy = Policy.model_validate({**header, **values, "folder": str(draft.file.parent)})
    except ValidationError as error:
        raise _worded(error, draft, found) from None
    for path, leaf in found.items():
        if leaf.required and value_at(policy, path) not in (None, "", (), {}):
            raise PolicyError("P469", where=leaf.file, path=".".join(path))
    given = {
        path: (leaf, value_at(policy, path)) for path, leaf in found.items() if not leaf.required
    }
    check_origins(given, draft)
    check_rows(policy, str(draft.file))
    tables = weight_tables(policy)
    check_sizes(policy, tables, str(draft.file))
    check_whole(policy, str(draft.file))
    wanted = {".".join(path): _note(leaf) for path, leaf in found.items() if leaf.required}
    provenance = {
        ".".join(path): _provenance(leaf)
        for path, (leaf, _) in given.items()
        if leaf.origin.status and path[-1] not in _NAMES
    }
    used = {p.source for p in provenance.values()} | {*draft.header.get("sources", ())}
    made_up = any(p.status == "synthetic" for p in provenance.values())
    return policy.model_copy(
        update={
            "provenance": provenance,
            "wanted": unsaid(policy) | wanted,
            "sources": tuple(sorted(used - {""})),
            "synthetic": policy.synthetic or made_up,
            "digest": policy_digest(policy, tables, disease_table(policy)),
        }
    )


def _plain(node: Any, path: tuple[str, ...]) -> Any:
    """A tree without its leaves' origins; what is left open is not there."""
    if isinstance(node, Leaf):
        return _MISSING if node.required else _located(node, path)
    if isinstance(node, dict):
        parts = {key: _plain(value, (*path, key)) for key, value in node.items()}
        return {key: value for key, value in parts.items() if value is not _MISSING}
    rows = [_plain(value, (*path, str(n))) for n, value in enumerate(node)]
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


def _worded(error: ValidationError, draft: Draft, found: Mapping[tuple[str, ...], Leaf]) -> Any:
    first = error.errors()[0]
    ids = [*draft.tree.get("bed_day", ())]
    path: list[str] = []
    for part in first["loc"]:
        by_id = path == ["bed_day"] and isinstance(part, int) and part < len(ids)
        path.append(ids[int(part)] if by_id else str(part))
    annotation: Any = Policy
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
