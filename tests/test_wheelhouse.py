"""The offline bundle: what it holds, that nothing in it was changed, on which machines."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

VERSION = "3.12"
REAL_RUN = subprocess.run


@pytest.fixture(scope="module")
def wheelhouse():
    spec = importlib.util.spec_from_file_location("wheelhouse", ROOT / ".ci" / "wheelhouse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made_wheel(folder: Path, name: str, *requires: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name.replace('_', '-')}", "Version: 1.0"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join([*lines, ""]))
    return path


OURS = (
    'part; extra == "x"',
    "always>=0.5",
    'drg-engine[x]; extra == "all"',
    'test-only; extra == "test"',
)


@pytest.fixture
def index(tmp_path, monkeypatch, wheelhouse):
    """A package index of four packages, and pip as it behaves: it reads markers for Linux."""
    folder = tmp_path / "index"
    folder.mkdir()
    made_wheel(folder, "always", 'on_windows; sys_platform == "win32"')
    made_wheel(folder, "part")
    made_wheel(folder, "on_windows", 'deeper; platform_system == "Windows"')
    made_wheel(folder, "deeper")
    asked = []

    def run(command: list[str], **rest: object) -> None:
        wheels = Path(command[command.index("--dest") + 1])
        names = [word for word in command[command.index("--platform") :] if word[0] != "-"]
        assert command[command.index("--only-binary") + 1] == ":all:"
        for name in names:
            found = folder / f"{name.split('>')[0].replace('-', '_')}-1.0-py3-none-any.whl"
            if found.exists():
                asked.append(found.name.partition("-")[0])
                shutil.copy2(found, wheels)

    monkeypatch.setattr(wheelhouse.subprocess, "run", run)
    return asked


@pytest.mark.parametrize(
    ("target", "fetched"),
    [
        ("windows-amd64", ["part", "always", "on_windows", "deeper"]),
        ("linux-x86_64", ["part", "always"]),
    ],
)
def test_what_the_other_machine_needs_is_there(wheelhouse, index, tmp_path, target, fetched):
    own = made_wheel(tmp_path, "drg_engine", *OURS)
    folder = wheelhouse.bundle(tmp_path / "out", own, target, VERSION)
    assert folder.name == f"drg-engine-1.0-{target}-cp312"
    assert sorted(index) == sorted(fetched)
    lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    assert len(lines) == len(fetched) + 1
    digest = hashlib.sha256(own.read_bytes()).hexdigest()
    assert f"drg-engine[all]==1.0 --hash=sha256:{digest}" in lines
    bat, told = ((folder / name).read_bytes() for name in ("install.bat", "README.zh.txt"))
    assert bat.isascii()  # cmd reads it in GBK
    assert told.startswith(b"\xef\xbb\xbf")  # by which Notepad knows UTF-8
    for data in (bat, told):
        assert data.count(b"\n") == data.count(b"\r\n") > 5
        assert b"@version@" not in data
        assert b"@python@" not in data
    assert b"\r" not in (folder / "install.sh").read_bytes()


def test_a_changed_file_is_noticed(wheelhouse, index, tmp_path):
    own = made_wheel(tmp_path, "drg_engine", *OURS)
    folder = wheelhouse.bundle(tmp_path / "out", own, "linux-x86_64", VERSION)

    def verified() -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", folder / "verify.py"]
        done = REAL_RUN(command, capture_output=True, encoding="utf-8", check=False)
        return done.returncode, done.stdout

    assert verified()[0] == 0
    part = folder / "wheels" / "part-1.0-py3-none-any.whl"
    part.write_bytes(part.read_bytes() + b"x")
    (folder / "requirements.txt").unlink()
    (folder / "wheels" / "more-1.0-py3-none-any.whl").write_bytes(b"")
    code, out = verified()
    assert code == 1
    assert out.splitlines() == [
        "missing: requirements.txt",
        f"changed: wheels/{part.name}",
        "not listed: more-1.0-py3-none-any.whl",
    ]
