"""An offline bundle: every wheel that ``drg-engine[all]`` needs, with digests and installers.

    python .ci/wheelhouse.py dist --wheel dist/drg_engine-…-win_amd64.whl
        --platform windows-amd64 --python-version 3.12

It is made where a package index can be reached and installed where none can (docs/install.md).
Markers such as ``sys_platform == "win32"`` are read for the machine that the bundle is for.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PARTS = HERE / "wheelhouse"
EXTRAS = "all"
#: By the name of a platform: tags of wheels that run there, and what markers ask for.
_GLIBC = ("_2_28", "_2_27", "_2_26", "_2_24", "_2_17", "2014", "_2_12", "2010", "_2_5", "1")
_LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
_WINDOWS = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}
_MACOS = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
PLATFORMS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "linux-x86_64": (tuple(f"manylinux{v}_x86_64" for v in _GLIBC), _LINUX),
    "linux-aarch64": (tuple(f"manylinux{v}_aarch64" for v in _GLIBC[:6]), _LINUX),
    "windows-amd64": (("win_amd64",), _WINDOWS),
    "macos-arm64": (tuple(f"macosx_{v}_0_{a}" for v in range(14, 10, -1)
                          for a in ("arm64", "universal2")), _MACOS),
    "macos-x86_64": (tuple(f"macosx_{v}_{a}" for v in ("13_0", "12_0", "11_0", "10_15",
                           "10_12", "10_9") for a in ("x86_64", "universal2")), _MACOS),
}  # fmt: skip


def main() -> None:
    """Make the bundle that the command line asks for."""
    version = "{}.{}".format(*sys.version_info[:2])
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--platform", choices=sorted(PLATFORMS), default=_this())
    parser.add_argument("--python-version", default=version)
    parser.add_argument("--wheel", type=Path, help="our own wheel; built here when left out")
    parser.add_argument("--no-zip", action="store_true")
    asked = parser.parse_args()
    native = asked.platform == _this() and asked.python_version == version
    if asked.wheel is None and not native:
        parser.error(
            f"--wheel is needed: our own wheel for {asked.platform} is built there, or by "
            "cibuildwheel (docs/release.md)"
        )
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    own = asked.wheel or _build(out)
    folder = bundle(out, own, asked.platform, asked.python_version)
    print(folder)
    if not asked.no_zip:
        print(shutil.make_archive(str(folder), "zip", out, folder.name))


def bundle(out: Path, own: Path, target: str, version: str) -> Path:
    """Fill a new folder below ``out``; one of this name is replaced."""
    release = str(parse_wheel_filename(own.name)[1])
    tag = version.replace(".", "")
    folder = out / f"drg-engine-{release}-{target}-cp{tag}"
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    shutil.copy2(own, wheels)
    _fetch(wheels, own, target, version)
    lines = []
    for path in sorted(wheels.iterdir()):
        name, number, *_ = parse_wheel_filename(path.name)
        extras = f"[{EXTRAS}]" if path.name == own.name else ""
        lines.append(f"{name}{extras}=={number} --hash=sha256:{_digest(path)}\n")
    (folder / "requirements.txt").write_text("".join(lines), "utf-8", newline="\n")
    words = {"version": release, "platform": target, "python": version}
    for part in sorted(PARTS.iterdir()):
        text = part.read_text("utf-8")
        for key, value in words.items():
            text = text.replace(f"@{key}@", value)
        windows = part.suffix in (".bat", ".txt")  # read by Notepad and cmd
        coding = "utf-8-sig" if part.suffix == ".txt" else "utf-8"
        (folder / part.name).write_text(text, coding, newline="\r\n" if windows else "\n")
    shutil.copy2(ROOT / "LICENSE", folder / "LICENSE")
    sums = [
        f"{_digest(path)}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8", newline="\n")
    return folder


def _fetch(wheels: Path, own: Path, target: str, version: str) -> None:
    """Fetch what the wheels in the folder require there, until nothing is missing."""
    tags, markers = PLATFORMS[target]
    environment = markers | {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": {"windows-amd64": "AMD64"}.get(target, target.partition("-")[2]),
    }
    wanted = _required(own, EXTRAS.split(","), environment)
    while wanted:
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--dest", str(wheels), "--only-binary", ":all:", "--find-links", str(wheels),
            "--implementation", "cp", "--python-version", version,
        ]  # fmt: skip
        for tag in tags:
            command += ["--platform", tag]
        subprocess.run([*command, *(str(_plain(one)) for one in wanted)], check=True)
        # pip read the markers for this machine: what the other one needs besides comes next.
        there = {parse_wheel_filename(path.name)[0]: path for path in wheels.iterdir()}
        wanted = []
        for path in (own, *(p for p in there.values() if p.name != own.name)):
            extras = EXTRAS.split(",") if path == own else []
            for one in _required(path, extras, environment):
                found = there.get(canonicalize_name(one.name))
                if found is None:
                    wanted.append(one)
                elif parse_wheel_filename(found.name)[1] not in one.specifier:
                    raise SystemExit(f"{path.name} wants {one}, and {found.name} is here")


def _required(wheel: Path, extras: list[str], environment: dict[str, str]) -> list[Requirement]:
    """What a wheel requires in an environment; extras of its own are followed."""
    with zipfile.ZipFile(wheel) as file:
        (name,) = (n for n in file.namelist() if n.endswith(".dist-info/METADATA"))
        told = Parser().parsestr(file.read(name).decode())
    lines = [Requirement(line) for line in told.get_all("Requires-Dist") or []]
    own, found, open_extras, done = canonicalize_name(told["Name"]), [], ["", *extras], set()
    while open_extras:
        extra = open_extras.pop()
        if extra in done:
            continue
        done.add(extra)
        for one in lines:
            if one.marker and not one.marker.evaluate(environment | {"extra": extra}):
                continue
            if canonicalize_name(one.name) == own:
                open_extras += sorted(one.extras)
            elif one not in found:
                found.append(one)
    return found


def _plain(one: Requirement) -> Requirement:
    """Without its marker, which has been read already."""
    bare = Requirement(str(one))
    bare.marker = None
    return bare


def _build(out: Path) -> Path:
    """Our own wheel, for this machine."""
    with_version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    tag = "cp{}{}".format(*sys.version_info[:2])
    return max(
        out.glob(f"drg_engine-{with_version}-{tag}-*.whl"), key=lambda path: path.stat().st_mtime_ns
    )


def _this() -> str:
    system = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}[platform.system()]
    return f"{system}-{platform.machine().lower()}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
