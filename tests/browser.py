"""A headless Chromium that opens a page and tells what it saw, over the pipe of its protocol."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Nothing of a profile, no network of its own, no first-run page.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
WAIT = 60
#: Width, wide elements, drawings and texts of drawings that lie outside them.
LOOK = """(() => {
  const wide = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
  const over = [...document.querySelectorAll('body *')].filter(
    e => !e.closest('svg') && e.getBoundingClientRect().right > room + 1);
  const outside = [...document.querySelectorAll('svg text')].filter(t => {
    const a = t.getBoundingClientRect(), b = t.closest('svg').getBoundingClientRect();
    return a.left < b.left - 2 || a.right > b.right + 2 || a.top < b.top - 2
      || a.bottom > b.bottom + 2; });
  return JSON.stringify({title: document.title, width: wide, room: room,
    over: over.slice(0, 5).map(e => e.tagName + ' ' + e.textContent.slice(0, 40)),
    outside: outside.slice(0, 5).map(t => t.textContent),
    drawings: document.querySelectorAll('svg').length, text: document.body.innerText.length,
    sources: [...document.querySelectorAll('[src],link,script')].length}); })()"""


def find_chromium() -> str | None:
    """The program; None: there is none on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab of it."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self._process, self._to, self._back = process, to, back
        self._number, self._rest, self._session = 0, b"", ""
        self.said: list[str] = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def open(self, page: Path, width: int, *, media: str = "screen") -> dict[str, Any]:
        """Open a page in a window of a width, as on the screen or on paper; what ``LOOK`` tells."""
        self.said.clear()
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=768, deviceScaleFactor=1,
            mobile=False,
        )  # fmt: skip
        self._ask("Emulation.setEmulatedMedia", media=media)
        self._ask("Page.navigate", url=page.resolve().as_uri())
        self._wait("Page.loadEventFired")
        found = self._ask("Runtime.evaluate", expression=LOOK)
        told: dict[str, Any] = json.loads(found["result"]["value"])
        return told

    def picture(self) -> bytes:
        """The whole page as PNG."""
        found = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def _ask(self, method: str, **params: Any) -> Mapping[str, Any]:
        self._number += 1
        call = {"id": self._number, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._to, json.dumps(call).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, (method, message)
                result: Mapping[str, Any] = message["result"]
                return result

    def _wait(self, event: str) -> None:
        while self._next().get("method") != event:
            pass

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + WAIT
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], max(until - time.monotonic(), 0))
            part = os.read(self._back, 1 << 20) if ready else b""
            if not part:
                raise AssertionError(f"chromium says nothing (exit code {self._process.poll()})")
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if message.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled",
                                     "Runtime.exceptionThrown"):  # fmt: skip
            self.said.append(json.dumps(message["params"], ensure_ascii=False)[:500])
        return message


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """A browser with a fresh profile, gone afterwards."""
    profile = tempfile.mkdtemp(prefix="chromium-")
    read_calls, to = os.pipe()
    back, write_answers = os.pipe()
    # The protocol is spoken on the descriptors 3 and 4.
    shell = f'exec "$@" 3<&{read_calls} 4>&{write_answers}'
    process = subprocess.Popen(
        ["/bin/bash", "-c", shell, "chromium", program, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(read_calls, write_answers), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(read_calls)
    os.close(write_answers)
    try:
        yield Browser(process, to, back)
    finally:
        os.close(to)
        os.close(back)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(profile, ignore_errors=True)
