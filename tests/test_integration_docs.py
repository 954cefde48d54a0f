"""The page on integration: its parts of programs are the files', and the files run as it says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from conftest import ROOT
from doors import door
from served import served
from shown_commands import BLOCK

import drg
from drg.cli import cli

FOLDER = ROOT / "examples" / "integration"
PAGE, OTHER = ((ROOT / "docs" / f"{n}.md").read_text("utf-8") for n in ("integration", "service"))
#: Languages of blocks to the file whose lines they are.
FILES = {
    "java": "DrgClient.java", "csharp": "DrgClient.cs", "sh": "curl.sh", "ini": "drg.service",
}  # fmt: skip
#: A proxy that is set on a machine must not be asked; Java starts quicker so.
MACHINE = {
    "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9",
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
}  # fmt: skip
BLOCKS = BLOCK.findall(PAGE)


def blocks(language: str) -> list[str]:
    return [code for named, code in BLOCKS if named == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the project's root, where the clients run and write."""
    made = tmp_path_factory.mktemp("integration")
    shutil.copytree(FOLDER, made / "examples" / "integration")
    return made


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with served("-s", "haerbin-2022") as running:
        yield running.url


def command_of(program: str) -> tuple[str, str]:
    """The command that the page shows for a program, and what it prints."""
    for code in blocks("console"):
        first, _, printed = code.partition("\n")
        if program in first:
            return first.removeprefix("$ "), printed
    raise AssertionError(f"the page shows no command with {program}")


def run(command: str, base: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the page, its address exchanged for that of the service."""
    words = [base if "127.0.0.1" in word else word for word in command.split()]
    if words[0] == "python":
        words[0] = sys.executable
    return subprocess.run(
        words, cwd=folder, env=os.environ | MACHINE, capture_output=True, text=True,
        encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip


def columns_of(frame: pl.DataFrame) -> list[tuple[str | None, ...]]:
    return frame.select("claim_id", "group", "outcome", "reason").cast(pl.String).rows()


def is_grouped(file: Path, folder: Path) -> bool:
    """Whether a file is that of the page as the library groups it."""
    claims = pl.read_csv(folder / "examples" / "integration" / "claims.csv", infer_schema=False)
    wanted = drg.Grouper.load("haerbin-2022").group_frame(claims)
    return columns_of(pl.read_csv(file, infer_schema=False)) == columns_of(wanted)


def try_client(name: str, service: str, folder: Path) -> None:
    """The program prints what the page shows, though the service is busy at first."""
    command, wanted = command_of(name)
    target = folder / command.split()[-1]
    target.unlink(missing_ok=True)
    with door(service, busy=True) as base:
        done = run(command, base, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == wanted
    assert is_grouped(target, folder)
    assert not list(folder.glob("*.part"))


def need(*programs: str) -> None:
    """Leave the test out, in plain words, where a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} on this machine: its client is not run")


@pytest.fixture(scope="module")
def built(service: str, folder: Path) -> None:
    """The .NET client, compiled as the page says."""
    need("mcs", "mono")
    done = run(command_of("mcs")[0], service, folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_python_client(service: str, folder: Path) -> None:
    try_client("drg_client.py", service, folder)


def test_java_client(service: str, folder: Path) -> None:
    need("java", "javac")
    try_client("DrgClient.java", service, folder)


@pytest.mark.usefixtures("built")
def test_net_client(service: str, folder: Path) -> None:
    try_client("mono DrgClient.exe", service, folder)


def test_curl(service: str, folder: Path) -> None:
    """The answers that curl prints hold what the page shows of them."""
    need("curl")
    command, _ = command_of("curl.sh")
    with door(service, busy=True) as base:
        done = run(command, base, folder)
    assert done.returncode == 0, done.stderr
    grouping, explained = (json.loads(line) for line in done.stdout.splitlines())
    shown = [json.loads(code) for code in blocks("json")]
    holds(shown[1], grouping)
    holds(shown[2], explained)
    assert is_grouped(folder / "grouped.csv", folder)


def test_requests_and_errors_are_as_shown(
    service: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's Python lines run; its JSON is what is sent and what comes back."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(FOLDER))
    names: dict[str, Any] = {}
    exec(compile("from drg_client import Drg, Refused", "page", "exec"), names)
    for n, code in enumerate(blocks("python")):
        here = code.replace("http://127.0.0.1:8765", service)
        exec(compile(here, f"integration.md python block {n}", "exec"), names)
    request, _, _, scenario, refusal = (json.loads(code) for code in blocks("json"))
    holds(scenario, names["answer"]["scenarios"][scenario["place"] - 1])
    assert request["claim"] == json.loads((FOLDER / "case.json").read_text("utf-8"))
    assert names["client"].ask("/group", request)["group"] == "BR21"
    request["scheme"] = "chs-drg-2"
    with pytest.raises(names["Refused"]) as refused:
        names["client"].ask("/group?lang=en", request)
    assert refused.value.error == refusal


def holds(shown: Any, answer: Any, at: str = "answer") -> None:
    """What is shown is in the answer: fields, first elements of arrays, a text up to its ``…``."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in answer, f"{at}.{name}"
            holds(value, answer[name], f"{at}.{name}")
    elif isinstance(shown, list):
        for n, value in enumerate(shown):
            holds(value, answer[n], f"{at}[{n}]")
    elif isinstance(shown, str) and shown.endswith("…"):
        assert answer.startswith(shown[:-1]), at
    else:
        assert shown == answer, at


@pytest.mark.parametrize("language", FILES)
def test_blocks_are_parts_of_the_files(language: str) -> None:
    text = (FOLDER / FILES[language]).read_text("utf-8")
    found = [code for named, code in (*BLOCKS, *BLOCK.findall(OTHER)) if named == language]
    assert found
    for code in found:
        assert code in text, code


def breaks_off(name: str, service: str, folder: Path) -> None:
    """All of an answer but its end becomes no file, and the program fails."""
    command, _ = command_of(name)
    target = folder / command.split()[-1]
    target.unlink(missing_ok=True)
    with door(service, cut=True) as base:
        done = run(command, base, folder)
    assert done.returncode != 0
    assert not target.exists()
    assert not list(folder.glob("*.part"))


def test_a_broken_answer_leaves_no_file_in_python(service: str, folder: Path) -> None:
    breaks_off("drg_client.py", service, folder)


@pytest.mark.long
@pytest.mark.usefixtures("built")
def test_a_broken_answer_leaves_no_file_in_net(service: str, folder: Path) -> None:
    breaks_off("mono DrgClient.exe", service, folder)


def test_a_broken_answer_leaves_no_file_of_curl(service: str, folder: Path) -> None:
    need("curl")
    breaks_off("curl.sh", service, folder)


@pytest.mark.long
def test_a_broken_answer_leaves_no_file_in_java(service: str, folder: Path) -> None:
    need("java", "javac")
    breaks_off("DrgClient.java", service, folder)


def test_without_the_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = CliRunner().invoke(cli, ["serve", "--port", "0", "--lang", "en"])
    assert done.exit_code == 2
    assert "pip install 'drg-engine[service]'" in done.stderr
