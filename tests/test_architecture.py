"""The house's shape: imports go down only, the kernel stands alone, start-up is cheap."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

#: From the top down; a module imports its own layer and those below it.
LAYERS = (
    (
        "drg.__main__",
        "drg.cli",
        "drg.cli_audit",
        "drg.cli_bar",
        "drg.cli_benefit",
        "drg.cli_clear",
        "drg.cli_dip",
        "drg.cli_fund",
        "drg.cli_kpi",
        "drg.cli_lists",
        "drg.cli_policies",
        "drg.cli_serve",
        "drg.cli_settle",
        "drg.cli_simulate",
        "drg.cli_tables",
        "drg.cli_text",
        "drg.cli_weights",
        "drg.cli_whatif",
        "drg.service",
    ),
    ("drg.scale", "drg.reports"),
    ("drg.simulate",),
    ("drg.settlement",),
    ("drg.benefits", "drg.payment"),
    ("drg.dip",),
    ("drg.grouping",),
    ("drg.audit", "drg.schemes"),
    ("drg.claims",),
    ("drg.quotients",),
    ("drg.money", "drg.dates", "drg.reasons"),
    (
        "drg.errors",
        "drg.fen_column",
        "drg.forked",
        "drg.placing",
        "drg.text",
        "drg.toml_file",
        "drg.paths",
    ),
)
#: The public names, loaded lazily from everywhere, so it stands beside the layers.
ABOVE_ALL = ("drg",)
KERNEL_USERS = ("drg.schemes.compiled", "drg.schemes.spelling", "drg.grouping", "drg.dip")
#: Modules past 400 lines, each with the reason why it is still one idea.
LONG: dict[str, str] = {}
MAX_LINES = 400

MODULES = sorted(p for p in (ROOT / "drg").rglob("*.py"))
SOURCES = [*MODULES, *sorted((ROOT / "grouper_core").glob("*.py*"))]
SOURCES = [p for p in SOURCES if p.suffix in (".py", ".pyx", ".pyi", ".pxd")]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int | None:
    for depth, names in enumerate(LAYERS):
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return depth
    return None


def imports_of(path: Path) -> list[str]:
    """Absolute names of what a module imports for use; imports for types alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [
                n
                for n in names
                if (ROOT / Path(*n.split("."))).is_dir()
                or (ROOT / Path(*n.split("."))).with_suffix(".py").is_file()
            ]
            found += known or [node.module or ""]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path):
    name = module_name(path)
    if name in ABOVE_ALL:
        return_types = {n for n in imports_of(path) if n.startswith("drg")}
        assert not return_types, "drg/__init__.py loads its names lazily"
        return
    own = layer_of(name)
    assert own is not None, f"{name} stands in no layer: add it to LAYERS"
    for imported in imports_of(path):
        if imported.split(".")[0] == "grouper_core":
            assert name.startswith(KERNEL_USERS), f"{name} must not touch the kernel"
        elif imported.split(".")[0] == "drg" and imported != "drg":
            below = layer_of(imported)
            assert below is not None, imported
            assert below >= own, f"{name} imports {imported}, which stands above it"


def test_kernel_imports_nothing_of_ours():
    for path in (p for p in SOURCES if p.parent.name == "grouper_core" and p.suffix != ".pyi"):
        text = path.read_text(encoding="utf-8")
        # A stub may name numpy's array type; it is never imported.
        banned = "drg|polars|pandas" if path.suffix == ".pyi" else "drg|polars|numpy|pandas"
        assert not re.search(rf"^\s*(from|c?import)\s+({banned})\b", text, re.M), path


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh process has loaded after running the code."""
    printed = subprocess.run(
        [sys.executable, "-c",
         f"{code}\nimport sys\nprint(*{{n.split('.')[0] for n in sys.modules}})"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(printed.stdout.splitlines()[-1].split())


def test_kernel_alone_in_a_fresh_process():
    loaded = modules_after("import grouper_core")
    assert "grouper_core" in loaded
    assert not loaded & {"drg", "polars", "numpy", "pandas", "pyarrow", "pydantic"}


def test_import_drg_is_cheap():
    loaded = modules_after("import drg")
    assert not loaded & {
        "polars",
        "numpy",
        "pandas",
        "pyarrow",
        "pydantic",
        "click",
        "rich",
        "grouper_core",
    }


def test_command_line_starts_without_frames():
    loaded = modules_after("import drg.cli")
    assert not loaded & {"polars", "numpy", "pandas", "pyarrow", "grouper_core"}


def test_one_claim_needs_no_frame_library():
    """A settlement service that groups claim by claim, from the cache, never loads polars."""
    code = (
        "import drg; g = drg.Grouper.load('demo'); "
        "assert g.group(drg.Claim(sex='M', age=60, diagnoses=['I63.905'])).group == 'BR15'"
    )
    modules_after(code)  # fills the cache
    assert "polars" not in modules_after(code)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_short(path):
    name = path.relative_to(ROOT).as_posix()
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if name in LONG:
        assert lines > MAX_LINES, f"{name} is short again: take it off the list"
    else:
        assert lines <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_headers_are_short(path):
    header = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert header, "a module says what lives there"
    assert len(header.splitlines()) <= 10


def test_no_machine_paths():
    """No path of a developer's machine in code, tables, tests or docs."""
    wrong = re.compile("/" + r"(?:wor" + r"k|ro" + r"ot|hom" + r"e/\w+|Users|tm" + r"p)/")
    checked = 0
    for folder in ("drg", "grouper_core", "tables", "tests", "bench", "docs", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if (
                path.suffix in (".py", ".pyx", ".pxd", ".pyi", ".toml", ".md", ".csv", "")
                and path.is_file()
            ):
                checked += 1
                # The fuzzers' corpus holds bytes that are no text.
                told = path.read_text(encoding="utf-8", errors="surrogateescape")
                assert not wrong.search(told), path
    assert checked > 100


def test_every_extension_is_listed_for_the_build():
    listed = re.search(r"modules = \(([^)]*)\)", (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert listed
    names = set(re.findall(r'"(\w+)"', listed.group(1)))
    assert names == {p.stem for p in (ROOT / "grouper_core").glob("*.pyx")}
    assert all((ROOT / "grouper_core" / f"{name}.pyi").is_file() for name in names)
