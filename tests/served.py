"""A running ``drg serve`` on a free port, asked over loopback like any client asks it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
#: A claim's number that must never turn up in what a service writes or leaves behind.
SECRET = "Z99999SECRET"


class Reply(NamedTuple):
    """One answer: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """The service as a process; ``written`` is what it wrote once it has ended."""

    def __init__(self, process: subprocess.Popen[str], url: str, folder: Path) -> None:
        self.process, self.url, self.folder = process, url, folder
        self.host = urlsplit(url).netloc
        self.written = ""

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own; anything but bytes is sent as JSON."""
        given = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, told, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        return self.ask("POST", path, body, headers)

    def left(self) -> list[str]:
        """Files that lie in the folder for temporary files."""
        return sorted(str(path) for path in self.folder.rglob("*") if path.is_file())


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """``drg serve`` with these options; ended afterwards, with what it wrote kept."""
    with tempfile.TemporaryDirectory(prefix="served-") as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": folder}
        process = subprocess.Popen(
            [sys.executable, "-m", "drg", "serve", "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
            env=environment,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            words = first.split()
            url = next((word for word in words if word.startswith("http://")), "")
            assert url, first + process.stdout.read()
            service = Served(process, url, Path(folder))
            yield service
        finally:
            process.terminate()
            rest = process.stdout.read()
            process.stdout.close()
            process.wait(timeout=20)
        service.written = first + rest
