"""Windows, other encodings, other file systems: what Linux would forgive."""

from __future__ import annotations

import ast
import errno
import io
import os
import re
import runpy
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from conftest import ROOT

from drg import cli_text, placing
from drg.placing import put_in_place

#: Modules that Windows lacks.
POSIX_MODULES = {"fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
#: What ``os`` and ``signal`` lack there, or mean otherwise.
POSIX_NAMES = re.compile(
    r"os\.(?:fork|forkpty|kill|killpg|getuid|geteuid|getpgid|setsid|nice|chown|chmod|mkfifo|symlink"
    r"|link|umask|uname|getloadavg|sched_\w+|wait\w*|statvfs|sync|register_at_fork)"
    r"|signal\.(?:SIGKILL|SIGPIPE|SIGHUP|SIGUSR1|SIGUSR2|SIGALRM|SIGCHLD|SIGQUIT|alarm|pause)"
    r"|\w+\.(?:symlink_to|hardlink_to|chmod|lchmod)"
)
#: The few that stand behind a look at the system, and that look.
GUARDED = {
    "drg/forked.py os.register_at_fork": 'hasattr(os, "register_at_fork")',
    "drg/grouping/jobs.py os.sched_getaffinity": 'hasattr(os, "sched_getaffinity")',
    "drg/settlement/one_run.py fcntl": 'sys.platform == "win32"',
}
#: What starts another program, or hands a line to a shell.
STARTS = re.compile(r"subprocess|os\.(?:system|popen|startfile|exec\w*|spawn\w*|posix_spawn\w*)")
#: Only modules that say one of these are parsed.
SPEAKS_OF = re.compile(
    r"\bopen\(|(?:read|write)_text\(|TextIO|NamedTemp|strftime|\bos\.|signal\.|subprocess|link_to\("
    r"|chmod|(?:draft|path|folder|final|before|temporary)\)?\.(?:rename|replace)\(|\bimport (?:"
    + "|".join(sorted(POSIX_MODULES)) + r")\b"
)  # fmt: skip


class Spoken(NamedTuple):
    """What a module imports, which dotted names it uses, what it calls."""

    imports: set[str]
    names: set[str]
    calls: list[tuple[str, ast.Call]]


def told(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def spoken() -> dict[str, Spoken]:
    found = {}
    for path in sorted((ROOT / "drg").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not SPEAKS_OF.search(text):
            continue
        one = found[told(path)] = Spoken(set(), set(), [])
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                one.imports.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                one.imports.add((node.module or "").partition(".")[0])
                one.names.update(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                one.names.add(f"{node.value.id}.{node.attr}")
            elif isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else None
                one.calls.append((name or getattr(called, "id", ""), node))
    return found


def test_nothing_is_posix_only(spoken):
    found = {
        f"{place} {name}" for place, one in spoken.items() for name in one.imports & POSIX_MODULES
    }
    found |= {
        f"{place} {name}"
        for place, one in spoken.items()
        for name in one.names
        if POSIX_NAMES.fullmatch(name)
    }
    assert found == set(GUARDED)
    for place, guard in GUARDED.items():
        assert guard in (ROOT / place.partition(" ")[0]).read_text(encoding="utf-8")


def test_no_program_is_started(spoken):
    found = {
        place
        for place, one in spoken.items()
        if any(STARTS.fullmatch(name) for name in one.imports | one.names)
    }
    assert found <= {"drg/service/probe.py"}  # it starts Python again, by its own path


def text_calls(spoken: dict[str, Spoken]) -> Iterator[tuple[str, str, str, ast.Call]]:
    """Calls that read or write text: their place, name, mode and node."""
    for place, one in spoken.items():
        for name, call in one.calls:
            plain = [str(a.value) for a in call.args if isinstance(a, ast.Constant)]
            mode = next((text for text in plain if re.fullmatch(r"[rwaxb+t]{1,3}", text)), "")
            by_name = any(k.arg in ("encoding", "newline") for k in call.keywords)
            if name in ("read_text", "write_text") or (
                name in ("open", "fdopen", "TextIOWrapper", "NamedTemporaryFile")
                and "b" not in mode
                and (mode or by_name)
            ):
                yield f"{place}:{call.lineno}", name, mode, call


def test_text_is_read_and_written_in_a_named_encoding(spoken):
    """What a Chinese Windows takes for its own encoding is GBK."""
    found = list(text_calls(spoken))
    assert len(found) > 30
    assert not [
        place
        for place, name, _, call in found
        if not any(k.arg == "encoding" for k in call.keywords)
        and len(call.args) <= {"read_text": 0, "write_text": 1}.get(name, 9)
    ]


def test_lines_end_alike_everywhere(spoken):
    """Written text names its line ends; Windows would write others, and digests would differ."""
    assert not [
        place
        for place, name, mode, call in text_calls(spoken)
        if (name == "write_text" or re.search("[wax]", mode))
        and not any(k.arg == "newline" for k in call.keywords)
    ]


def test_days_are_written_by_marks_that_every_system_knows(spoken):
    """``%-d`` is the C library's own on Linux; polars brings its marks along."""
    for place, one in spoken.items():
        for name, call in one.calls:
            if name == "strftime" and call.args and isinstance(call.args[0], ast.Constant):
                assert not re.search(r"%[-#^]", str(call.args[0].value)), place


def test_what_takes_its_place_does_so_with_patience(spoken):
    """A move by hand would fail on Windows while a scanner looks into the file."""
    by_hand = {
        place
        for place, one in spoken.items()
        for name, call in one.calls
        if name in ("rename", "replace")
        and len(call.args) == 1
        and not call.keywords
        and re.search(r"draft|path|Path|folder|final", ast.unparse(call.func.value))
    }
    assert by_hand == {"drg/schemes/array_file.py"}  # a cache may fail


def test_a_move_is_tried_again(monkeypatch, tmp_path):
    (tmp_path / "draft").write_text("new", "utf-8")
    tries = []
    real = Path.replace

    def busy(self: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "in use")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", busy)
    if os.name != "nt":
        with pytest.raises(PermissionError):
            put_in_place(tmp_path / "draft", tmp_path / "final")
        tries.clear()
    monkeypatch.setattr(placing, "_PATIENCE", 2.0)
    monkeypatch.setattr(placing, "_PAUSE", 0.001)
    put_in_place(tmp_path / "draft", tmp_path / "final")
    assert len(tries) == 3
    assert (tmp_path / "final").read_text("utf-8") == "new"


# ---------------------------------------------------------------- names

_DEVICES = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))}
#: Windows takes 260 characters; a checkout or an installation lies some folders deep.
_LONGEST = 150


def test_every_name_can_stand_on_every_file_system():
    seen: dict[str, str] = {}
    for top in ("drg", "grouper_core", "tables", "tests", "bench", "docs", "examples"):
        for path in (ROOT / top).rglob("*"):
            name = told(path)
            if "__pycache__" in name or ".pytest_cache" in name:
                continue
            assert not re.search(r'[<>:"|?*\\\x00-\x1f]', name), name
            assert len(name) <= _LONGEST, name
            for part in path.relative_to(ROOT).parts:
                assert not part.endswith((".", " ")), name
                assert part.partition(".")[0].casefold() not in _DEVICES, name
            assert seen.setdefault(name.casefold(), name) == name


# ---------------------------------------------------------------- consoles

CLAIM = "claim_id,hospital_id,sex,age,diagnoses\n𠮷¥✓,é,M,60,I63.905\n2,3,9,60,I63.905\n"
#: A console of a Chinese Windows, and one of a western.
CONSOLES = ("gbk", pytest.param("cp1252", marks=pytest.mark.long))
RUN = """
import sys
import sysconfig
from drg.cli import cli

codes = []
for line in sys.argv[1:]:
    try:
        cli(line.split())
    except SystemExit as end:
        codes.append(int(end.code or 0))
print(codes)
"""


@pytest.mark.parametrize("console", CONSOLES)
def test_a_console_that_lacks_a_character_shows_another(console, tmp_path):
    """Rare characters, signs and the whole of Chinese: something else is shown, nothing breaks."""
    (tmp_path / "claims.csv").write_text(CLAIM, "utf-8")
    lines = [
        "--help",
        "schemes",
        "rule E101",
        "group claims.csv -s demo -o out.csv",
        "explain claims.csv --id 𠮷¥✓ -s demo",
        "explain claims.csv --id 𠮷 -s demo",
        "policies show demo-2024",
    ]
    environment = os.environ | {"PYTHONIOENCODING": console, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUTF8", None)
    done = subprocess.run(
        [sys.executable, "-c", RUN, *lines],
        cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    out, err = done.stdout.decode(console), done.stderr.decode(console)
    assert out.splitlines()[-1] == "[0, 0, 0, 1, 0, 2, 0]", err
    assert "Traceback" not in err
    assert "UnicodeEncodeError" not in out + err
    assert "BR15" in out
    if console == "gbk":
        assert "分组" in out
    rows = (tmp_path / "out.csv").read_text("utf-8-sig").splitlines()
    assert rows[1].startswith("𠮷¥✓,é,")  # files know every character, whatever the console does


def test_a_reader_that_has_gone_on_windows(monkeypatch):
    """There the end of a pipe is an invalid argument; one of another file stays what it is."""

    class Gone(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

    invalid = OSError(errno.EINVAL, "Invalid argument")
    assert cli_text._reader_gone(BrokenPipeError())
    assert not cli_text._reader_gone(invalid)
    monkeypatch.setattr(cli_text.os, "name", "nt")
    assert not cli_text._reader_gone(invalid)
    monkeypatch.setattr(cli_text.sys, "stdout", Gone())
    assert cli_text._reader_gone(invalid)


@pytest.mark.parametrize(
    ("lock_gone", "trial", "refused"), [(1, "", True), (1, "1", False), (0, "", False)]
)
def test_an_interpreter_without_its_lock_is_refused_at_the_build(
    lock_gone, trial, refused, monkeypatch
):
    """polars has no build for it, and whoever tries is told so before anything is compiled."""
    built = []
    fakes = {
        "Cython.Build": SimpleNamespace(cythonize=lambda modules, **how: modules),
        "setuptools": SimpleNamespace(
            Extension=lambda name, *rest, **how: name, setup=lambda **how: built.append(how)
        ),
    }
    for name, fake in fakes.items():
        monkeypatch.setitem(sys.modules, name, fake)
    told = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig,
        "get_config_var",
        lambda name: lock_gone if name == "Py_GIL_DISABLED" else told(name),
    )
    monkeypatch.setenv("DRG_FREE_THREADED", trial)
    monkeypatch.delenv("DRG_DEBUG", raising=False)
    if refused:
        with pytest.raises(SystemExit, match="polars"):
            runpy.run_path(str(ROOT / "setup.py"))
    else:
        runpy.run_path(str(ROOT / "setup.py"))
    assert bool(built) != refused
