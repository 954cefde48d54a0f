"""Every public name is documented, and what its docstring lists is what it has."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

import pytest
from conftest import ROOT

import drg

MODULES = sorted((ROOT / "drg").rglob("*.py"))
_ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: :.*)?$")
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def defined(tree: ast.Module) -> Iterator[tuple[str, Named]]:
    """Public functions and classes of a module, and public functions of these classes."""
    for node in tree.body:
        if isinstance(node, Named) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def section(doc: str, title: str) -> list[str]:
    """Names that a section of a NumPy docstring lists."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", doc, re.M | re.S)
    names: list[str] = []
    for line in (found[1] if found else "").splitlines():
        if entry := _ENTRY.match(line):
            names += [name.lstrip("*") for name in entry[1].split(", ")]
    return names


def arguments(node: Named) -> set[str] | None:
    """Names of what is passed; None: what a class takes is not written in its body."""
    if isinstance(node, ast.ClassDef):
        made = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        return arguments(made[0]) if made else None
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {one.arg for one in every if one is not None} - {"self", "cls"}


def test_public_names_are_documented() -> None:
    """Names in ``__all__`` are there and have a docstring; it lists no parameter they have not."""
    wrong: list[object] = []
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        public = exported(tree)
        names = {name for node in tree.body for name in bound(node)}
        if path.name != "__init__.py":
            wrong += [(path, name) for name in set(public or ()) - names]
        for name, node in defined(tree):
            doc = ast.get_docstring(node)
            if not doc and "." not in name and (public is None or name in public):
                wrong.append((path, name, "no docstring"))
            takes = arguments(node)
            listed = section(doc or "", "Parameters")
            if takes is not None and set(listed) - takes:
                wrong.append((path, name, set(listed) - takes))
    assert not wrong, "\n".join(map(str, wrong))


def bound(node: ast.stmt) -> list[str]:
    """Names that a statement of a module binds."""
    if isinstance(node, Named):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Assign):
        return [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.If):
        return [name for inner in [*node.body, *node.orelse] for name in bound(inner)]
    return []


@pytest.mark.parametrize("name", sorted(set(drg.__all__) - {"__version__"}))
def test_the_packages_own_names_tell_their_parameters(name: str) -> None:
    """What ``import drg`` offers says of every parameter and every error what it is."""
    thing = getattr(drg, name)
    doc = inspect.getdoc(thing) or ""
    assert doc
    if inspect.isfunction(thing) and (takes := inspect.signature(thing).parameters):
        assert set(section(doc, "Parameters")) == set(takes), name
