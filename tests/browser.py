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
_HELD = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
#: Code, virtual key and text of keys that are no letters.
_KEYS = {
    "Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "Escape": ("Escape", 27, ""),
    " ": ("Space", 32, " "), "Delete": ("Delete", 46, ""), "Home": ("Home", 36, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""), "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""), "ArrowDown": ("ArrowDown", 40, ""),
}  # fmt: skip
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
        self.visit(page.resolve().as_uri(), width, media=media)
        return self.look()

    def visit(self, url: str, width: int, *, media: str = "screen") -> None:
        """Open an address and wait until it is loaded."""
        self.said.clear()
        self.window(width, media=media)
        self._ask("Page.navigate", url=url)
        self._wait("Page.loadEventFired")

    def window(self, width: int, *, media: str = "screen") -> None:
        """Another size, or paper instead of the screen, for the page that is open."""
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=768, deviceScaleFactor=1,
            mobile=False,
        )  # fmt: skip
        self._ask("Emulation.setEmulatedMedia", media=media)

    def look(self) -> dict[str, Any]:
        """What ``LOOK`` tells of the page that is open."""
        told: dict[str, Any] = json.loads(self.run(LOOK))
        return told

    def run(self, script: str) -> Any:
        """Value of an expression in the page; a promise is waited for."""
        found = self._ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, (script, found["exceptionDetails"])
        return found["result"].get("value")

    def until(self, script: str, seconds: float = 20) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < end, (script, self.said)
            time.sleep(0.03)

    def write(self, words: str) -> None:
        """Write into what has the focus."""
        self._ask("Input.insertText", text=words)

    def press(self, *keys: str) -> None:
        """Press keys one after another, such as ``"Tab"`` or ``"Control+Shift+Enter"``."""
        for chord in keys:
            *held, key = chord.split("+")
            mask = sum(_HELD[name] for name in held)
            code, virtual, words = _KEYS.get(key, (key, 0, key))
            named = {"key": key, "code": code, "windowsVirtualKeyCode": virtual, "modifiers": mask}
            down = {"text": words} if words and not mask else {}
            self._ask("Input.dispatchKeyEvent", type="keyDown", **named, **down)
            self._ask("Input.dispatchKeyEvent", type="keyUp", **named)

    def download_to(self, folder: Path) -> None:
        """Keep what the page lets a user download in a folder."""
        self._ask(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder.resolve())
        )

    def choose_file(self, selector: str, path: Path) -> None:
        """Give a file to an ``<input type=file>``."""
        root = self._ask("DOM.getDocument")["root"]["nodeId"]
        node = self._ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._ask("DOM.setFileInputFiles", nodeId=node, files=[str(path.resolve())])

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
