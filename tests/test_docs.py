"""The documentation holds: what it shows runs as written, links resolve, the twins agree.

In a console block the lines after a ``$`` command are its output; ``…`` there stands for anything
within a line. Blocks of ``make`` lines are run by CI itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ROOT
from shown_commands import BLOCK, Ran, assert_shown, commands_of, run_shown

import drg

ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ENGLISH, CHINESE, *DOCS, ROOT / "tables" / "README.md"]
#: Pages whose code runs as written.
RUNNING = [ENGLISH, CHINESE, ROOT / "docs" / "library.md"]
#: Guides whose commands run one after the other, and print what they show.
CONSOLES = [ROOT / "docs" / "policies.md"]
GUIDES = {page: str(page.relative_to(ROOT)) for page in PAGES}

_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_TOP = "drg|grouper_core|tables|docs|examples|tests|bench"
_NAMED_PATH = re.compile(rf"`((?:{_TOP})/[\w./-]+)`")
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|mnt|private)/|\b[A-Z]:\\")


class Block(NamedTuple):
    language: str
    code: str


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def blocks_of(page: Path) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(text_of(page))]


def prose_of(page: Path) -> str:
    """The page without its code blocks."""
    return BLOCK.sub("", text_of(page))


def shown(page: Path) -> str:
    return GUIDES[page]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder like the project's root to what the pages run; what they write stays in it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "tables" / "schemes" / "demo", tmp_path / "tables" / "schemes" / "demo")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRG_LANG", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize("page", RUNNING, ids=shown)
def test_python_runs_as_written(page, project):
    code = [block.code for block in blocks_of(page) if block.language == "python"]
    assert code
    names: dict[str, object] = {}
    for n, block in enumerate(code):
        exec(compile(block, f"{shown(page)} block {n}", "exec"), names)
    assert isinstance(names["grouper"], drg.Grouper)


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=shown)
def test_console_prints_what_it_shows(page, project):
    commands = [c for b in blocks_of(page) if b.language == "console" for c in commands_of(b.code)]
    assert len(commands) >= 2
    for n, (command, wanted) in enumerate(commands):
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, encoding="utf-8", check=False
        )
        # The page says of its first command: 1, for a claim was rejected.
        assert done.returncode == (1 if n == 0 else 0), done.stderr
        assert_shown(command, Ran(done.returncode, done.stdout, done.stderr), wanted)


@pytest.mark.parametrize("page", CONSOLES, ids=shown)
def test_guides_print_what_they_show(page, project):
    commands = [c for b in blocks_of(page) if b.language == "console" for c in commands_of(b.code)]
    assert len(commands) >= 5
    for command, wanted in commands:
        done = run_shown(command)
        # 1: some claims were rejected, or not paid.
        assert done.returncode in (0, 1), done.stderr
        assert not done.stderr
        assert_shown(command, done, wanted)


def test_twins_have_the_same_shape():
    """Heading for heading, table row for table row, link for link."""
    shapes = []
    for page in (ENGLISH, CHINESE):
        prose = prose_of(page)
        headings = [len(marks) for marks, _ in _HEADING.findall(prose)]
        rows = [line.count("|") for line in prose.splitlines() if line.startswith("|")]
        links = [link for link in _LINK.findall(prose) if link not in (ENGLISH.name, CHINESE.name)]
        shapes.append((headings, rows, links))
    assert shapes[0] == shapes[1]


def test_twins_have_the_same_code():
    """Comments and outputs are translated, the code is not."""
    pages = []
    for page in (ENGLISH, CHINESE):
        code = []
        for block in blocks_of(page):
            if block.language == "console":
                commands = [command for command, _ in commands_of(block.code)]
                code.append([command.removesuffix(" --lang en") for command in commands])
            else:
                code.append([re.sub(r" *#.*", "", line) for line in block.code.splitlines()])
        pages.append(code)
    assert pages[0] == pages[1]


def test_readme_lists_the_shipped_schemes():
    for page in (ENGLISH, CHINESE):
        rows = re.findall(r"^\| `([\w.-]+)` \|.*?\| (\d\d+) \|", text_of(page), re.MULTILINE)
        alone = [info for info in drg.list_schemes() if not info.base]
        assert rows == [(info.id, str(info.groups)) for info in alone]


def test_regional_schemes_are_told_where_the_readme_says():
    """The agreement page has one row a region; the README counts them."""
    regions = [info for info in drg.list_schemes() if info.base]
    rows = re.findall(
        r"^\| ([a-z]+-20\d\d) \| (1\.\d) \| (?:high|medium|low) \|",
        text_of(ROOT / "docs" / "agreement.md"), re.MULTILINE,
    )  # fmt: skip
    assert [(i.id, i.base.removeprefix("chs-drg-")) for i in regions] == rows
    for page in (ENGLISH, CHINESE):
        assert f" {len(regions)} " in text_of(page)


def test_readme_counts_what_the_agreement_page_counts():
    counted = re.findall(
        r"^\| (chs-drg-[\d.]+) \| ([\d,]+) \| ([\d,]+) \|", text_of(ROOT / "docs" / "agreement.md"),
        re.MULTILINE,
    )  # fmt: skip
    assert counted
    wanted = [(scheme, claims) for scheme, claims, equal in counted if equal == claims]
    assert len(wanted) == len(counted)
    for page in (ENGLISH, CHINESE):
        text = text_of(page)
        assert re.findall(r"^\| `([\w.-]+)` \| ([\d,]+) \| 0 \|", text, re.MULTILINE) == wanted


def test_index_links_every_page():
    linked = set(_LINK.findall(text_of(ROOT / "docs" / "README.md")))
    assert {page.name for page in DOCS} - {"README.md"} <= linked


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_resolve(page):
    for link in _LINK.findall(_CODE_SPAN.sub("", prose_of(page))):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor:
            titles = [title for _, title in _HEADING.findall(prose_of(target))]
            assert anchor in map(_anchor, titles), link


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_named_files_exist(page):
    """A file or folder of the project that a page names in code type is there."""
    for name in _NAMED_PATH.findall(prose_of(page)):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_page_is_finished(page):
    text = text_of(page)
    assert not re.findall(r"<<[^>]*>>|@@\w+@@|TODO|FIXME", text)
    assert not _MACHINE_PATH.findall(text)
    assert _HEADING.match(text)


def test_architecture_names_every_module():
    text = text_of(ROOT / "docs" / "architecture.md")
    modules = [*(ROOT / "drg").rglob("*.py"), *(ROOT / "grouper_core").glob("*.pyx")]
    names = {module.stem for module in modules} - {"__init__"}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def _anchor(title: str) -> str:
    """The anchor a heading gets on the usual Markdown sites."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
