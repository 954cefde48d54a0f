"""The packages as they are shipped: a wheel and an sdist, used outside the checkout."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import drg

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMMAND = "from drg.cli import main; main()"
CLAIMS = "claim_id,sex,age,diagnoses,procedures\n1,M,60,I63.905|E87.600,\n2,3,60,I63.905,\n"


def test_packages_are_listed():
    """The list in pyproject.toml names every package of the tree, and nothing else."""
    found = {
        ".".join(p.parent.relative_to(ROOT).parts)
        for top in ("drg", "grouper_core")
        for p in (ROOT / top).rglob("*.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found | {"drg._tables"}


def test_version_is_one():
    assert PROJECT["project"]["version"] == drg.__version__


def test_extras():
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(extras) == {"xlsx", "report", "service", "spark", "all", "test"}
    (everything,) = extras["all"]
    named = set(everything.removeprefix("drg-engine[").removesuffix("]").split(","))
    assert named == set(extras) - {"all", "spark", "test"}


def test_every_dependency_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for group in (
        PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"].values(),
    ):
        for requirement in group:
            if not requirement.startswith("drg-engine"):
                (line,) = [
                    row for row in text.splitlines() if row.startswith(f'    "{requirement}",')
                ]
                assert "#" in line, requirement


def build(source: Path, out: Path, kind: str) -> Path:
    """Build without a network: the build tools are those of the test extra."""
    subprocess.run(
        [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", out, source],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """Built from the unpacked sdist, as an installer would."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as file:
        file.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return build(source, tmp_path_factory.mktemp("wheel"), "wheel")


def run_installed(
    wheel: Path, folder: Path, *command: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command of an environment that holds the wheel; the dependencies are this one's."""
    home = folder / "env"
    if not home.is_dir():
        venv.create(home, with_pip=False)
        site = next(home.glob("lib/python*/site-packages"))
        with zipfile.ZipFile(wheel) as file:
            file.extractall(site)
        ours = Path(next(p for p in sys.path if p.endswith("site-packages")))
        (site / "dependencies.pth").write_text(f"{ours}\n", encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "DRG_TABLES")}
    environment["DRG_CACHE"] = str(folder / "cache")
    return subprocess.run(
        [str(home / "bin" / "python"), *command],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=check,
    )  # fmt: skip


@pytest.mark.long
def test_sdist_holds_sources_only(sdist):
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    for wanted in (
        "LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "Makefile", "setup.py",
        "tables/sources.toml",
        "grouper_core/kernel.pyx", "grouper_core/program.pxd", "tests/conftest.py",
        "bench/README.md",
        "tests/golden/chs_drg_20.csv.gz",
    ):  # fmt: skip
        assert wanted in names, wanted
    assert not [name for name in names if name.endswith((".c", ".so", ".pyc"))]


def hashes_of(wheel: Path) -> dict[str, str]:
    """The files that a wheel's RECORD lists; each is held to its hash and size."""
    with zipfile.ZipFile(wheel) as file:
        (record,) = [n for n in file.namelist() if n.endswith("dist-info/RECORD")]
        rows = list(csv.reader(file.read(record).decode("utf-8").splitlines()))
        found = {name: digest for name, digest, _ in rows if name != record}
        for name, digest, size in rows:
            if name != record:
                data = file.read(name)
                told = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
                assert (digest, int(size)) == (f"sha256={told}", len(data)), name
    return found


@pytest.mark.long
def test_wheel_holds_what_runs(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        (metadata,) = [n for n in names if n.endswith("dist-info/METADATA")]
        header = file.read(metadata).decode()
    assert "License-Expression: Apache-2.0\n" in header
    assert "License-File: NOTICE\n" in header
    on_disk = {p.relative_to(ROOT / "tables").as_posix() for p in (ROOT / "tables").rglob("*.csv")}
    assert {n.removeprefix("drg/_tables/") for n in names if n.endswith(".csv")} == on_disk
    hashed = hashes_of(wheel)
    assert set(hashed) == names - {n for n in names if n.endswith("dist-info/RECORD")}
    for wanted in (
        "drg/py.typed",
        "grouper_core/py.typed",
        "grouper_core/kernel.pyi",
        "drg/catalogue/errors.toml",
        "drg/_tables/policies/haerbin/2024.toml",
    ):
        assert wanted in names, wanted
    page = {p.relative_to(ROOT).as_posix() for p in (ROOT / "drg/service/page").iterdir()}
    assert "drg/service/page/index.html" in page
    assert {n for n in names if n.startswith("drg/service/page/")} == page
    compiled = {p.stem for p in (ROOT / "grouper_core").glob("*.pyx")}
    assert {n.split("/")[1].split(".")[0] for n in names if n.endswith((".so", ".pyd"))} == compiled
    strange = {n.split("/")[0] for n in names} - {"drg", "grouper_core", metadata.split("/")[0]}
    assert not strange
    assert not [n for n in names if n.endswith((".pyx", ".pxd", ".c"))]
    assert wheel.stat().st_size < 8_000_000


@pytest.mark.long
def test_wheel_works_outside_the_checkout(wheel, tmp_path):
    (tmp_path / "claims.csv").write_text(CLAIMS, encoding="utf-8")
    where = run_installed(
        wheel,
        tmp_path,
        "-c",
        "import drg, grouper_core; print(drg.__file__, grouper_core.__file__)",
    )
    assert all(path.startswith(str(tmp_path)) for path in where.stdout.split())
    listed = run_installed(wheel, tmp_path, "-c", COMMAND, "schemes")
    for scheme in ("chs-drg-1.0", "chs-drg-1.1", "chs-drg-2.0", "demo"):
        assert scheme in listed.stdout
    done = run_installed(
        wheel,
        tmp_path,
        "-c",
        COMMAND,
        "group",
        "claims.csv",
        "-s",
        "chs-drg-2.0",
        "-o",
        "out.csv",
        check=False,
    )
    assert done.returncode == 1, done.stderr  # one claim is rejected
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    assert "BR23" in lines[1] or "GROUPED" in lines[1]
    assert "REJECTED" in lines[2]
    assert "E102" in lines[2]


@pytest.mark.long
def test_a_bundle_installs_and_works_without_a_network(wheel, tmp_path):
    """What ``make wheelhouse`` makes, in a fresh environment that reaches no index."""
    make = [sys.executable, ROOT / ".ci" / "wheelhouse.py", tmp_path, "--wheel", wheel, "--no-zip"]
    made = subprocess.run(make, capture_output=True, encoding="utf-8", check=False)
    if made.returncode and "No matching distribution" in made.stderr:
        pytest.skip("no package index can be reached to make a bundle from")
    assert made.returncode == 0, made.stderr
    alone = ["unshare", "-n"] if shutil.which("unshare") and os.geteuid() == 0 else []
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "DRG_TABLES")}
    environment |= {"PYTHON": sys.executable, "PIP_CONFIG_FILE": os.devnull}
    home = tmp_path / "home"
    for command in (
        ["sh", Path(made.stdout.splitlines()[-1]) / "install.sh", home],
        [home / "bin" / "python", ROOT / ".ci" / "installed.py"],
    ):
        done = subprocess.run(
            [*alone, *command], cwd=tmp_path, env=environment, capture_output=True,
            encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert "installed and at work" in done.stdout
