"""Console blocks of the documentation: their commands, run in this process, and what they print.

In a block the lines after a ``$`` command are its output; ``…`` there stands for anything within a
line. That ``drg`` starts as a program of its own is for other tests.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import NamedTuple

from click.testing import CliRunner

from drg.cli import cli

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Ran(NamedTuple):
    """What a command came to: the command's own exit code, stdout behind its pipe."""

    returncode: int
    stdout: str
    stderr: str


def commands_of(block: str) -> list[tuple[str, list[str]]]:
    """Commands of a console block, each with the lines it is to print."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def run_shown(command: str) -> Ran:
    """Run ``drg …``, ``drg … | head …`` or ``drg … 2>&1 | …`` in the folder this process is in."""
    words = shlex.split(command)
    end = words.index("|") if "|" in words else len(words)
    program, *args = words[:end]
    assert program == "drg", command
    done = CliRunner().invoke(cli, [word for word in args if word != "2>&1"])
    assert done.exception is None or isinstance(done.exception, SystemExit), command
    joined = "2>&1" in args
    printed, told = (done.output, "") if joined else (done.stdout, done.stderr)
    if pipe := words[end + 1 :]:
        passed = subprocess.run(
            pipe, input=printed, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert passed.returncode == 0, (command, printed, passed.stderr)
        printed = passed.stdout
    return Ran(done.exit_code, printed, told)


def assert_shown(command: str, ran: Ran, wanted: list[str]) -> None:
    """It printed the lines that the page shows."""
    printed = ran.stdout.splitlines()
    assert len(printed) == len(wanted), (command, ran.stdout)
    for line, pattern in zip(printed, wanted, strict=True):
        assert re.fullmatch(re.escape(pattern).replace("…", ".*"), line), (command, line, pattern)
