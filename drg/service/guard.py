"""What stands before every request: who may ask, how much, how long; and what every answer says.

Plain ASGI, because it stands in the way of every request. A JSON body is read here, whole and
bounded, so that nothing behind waits for a slow sender. Nothing of a request is ever logged: a
fault of ours is answered by its kind and the line of ours where it arose, never by its values.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import traceback
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from drg.errors import DrgError
from drg.service.errors import ServiceError, problem_of, status_of
from drg.service.settings import MIB, Settings, is_loopback
from drg.text import LANGUAGES, set_language, text

__all__ = [
    "RETRY_SECONDS",
    "Guard",
    "answer_error",
    "drain",
    "fault",
    "problem_bytes",
    "retry_headers",
    "too_large",
]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = "application/json"
_FORMS = ("multipart/", "application/x-www-form-urlencoded")
#: Addresses that take a file as it is.
_FILES = ("/batch", "/batch/events")
_CSP = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
        "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_PACKAGE = Path(__file__).resolve().parents[1]
#: Seconds after which a client whose file found no place may try again.
RETRY_SECONDS = 5
#: Seconds that a body which is not wanted is still taken for.
_DRAIN_SECONDS = 10.0


class Guard:
    """Wraps the application.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, answered in any case."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # the server leaves the body out
            scope = {**scope, "method": "GET"}
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        set_language(_language(scope["query_string"], headers))
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name.lower() for name, _ in message.get("headers", ())}
                extra = [pair for pair in _HEADERS if pair[0] not in given]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        try:
            self._admit(scope, headers)
            if scope["method"] == "POST" and scope["path"] not in _FILES:
                receive = await self._whole(headers, receive)
            await self.app(scope, receive, sending)
        except Exception as error:
            if started:
                # The length is not told yet: only a broken connection says that this is not all.
                raise ConnectionAbortedError from None
            told = error if isinstance(error, DrgError) else fault(error)
            await answer_error(told, sending)

    def _admit(self, scope: Scope, headers: dict[bytes, str]) -> None:
        """Refuse a foreign host or page, and a body of the wrong kind."""
        host = headers.get(b"host", "")
        if not _ours(_hostname(host), self.settings):
            raise ServiceError("H412", host=_short(host))
        if scope["method"] != "POST":
            return
        origin = headers.get(b"origin")
        site = headers.get(b"sec-fetch-site", "none")
        if origin not in (None, f"{scope['scheme']}://{host}") or site not in (
            "none", "same-origin",
        ):  # fmt: skip
            raise ServiceError("H413", where=_short(origin or site))
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if scope["path"] in _FILES:
            if kind.startswith(_FORMS):
                raise ServiceError("H414", found=kind, wanted="application/octet-stream")
        elif kind != _JSON:
            raise ServiceError("H414", found=_short(kind), wanted=_JSON)

    async def _whole(self, headers: dict[bytes, str], receive: Receive) -> Receive:
        """The body read into memory, within its bounds, and given again."""
        limits = self.settings.limits
        declared = headers.get(b"content-length", "")
        if declared.isdecimal() and int(declared) > limits.json_bytes:
            await drain(receive, limits.batch_bytes)
            raise too_large(limits.json_bytes)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(limits.seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        break
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    more = message.get("more_body", False)
                    if size > limits.json_bytes:
                        await drain(receive, limits.batch_bytes if more else 0)
                        raise too_large(limits.json_bytes)
        except TimeoutError:
            raise ServiceError("H416", seconds=f"{limits.seconds:g}") from None
        body = b"".join(parts)
        _refuse_no_text(body)
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        return again


async def drain(receive: Receive, most: int) -> None:
    """Take the rest of a body and leave it: a sender that is cut off would not hear why."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while most > 0:
                message = await receive()
                most -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _refuse_no_text(body: bytes) -> None:
    """Refuse what Python's JSON takes for text, but is none: half of a surrogate pair.

    It would read UTF-16 too, by its zeros, and halves in it.
    """
    try:
        if b"\0" in body:
            raise ValueError
        body.decode()
        if b"\\ud" in body or b"\\uD" in body:
            from_json(body)
    except ValueError:
        raise ServiceError("H417", why=text("service.not_readable")) from None


def too_large(limit: int) -> ServiceError:
    """The error of a body beyond a limit in bytes."""
    return ServiceError("H415", limit=f"{limit / MIB:g}")


def problem_bytes(error: DrgError, name: str = "") -> bytes:
    """The answer to an error as JSON; ``name`` is the file that a request brought."""
    return json.dumps(problem_of(error, name), ensure_ascii=False).encode()


def retry_headers(error: DrgError) -> list[tuple[bytes, bytes]]:
    """When to try again, where that helps."""
    return [(b"retry-after", str(RETRY_SECONDS).encode())] if error.code == "H430" else []


async def answer_error(error: DrgError, send: Send, name: str = "") -> None:
    """Answer with an error, nothing having been sent yet; ``name`` as in ``problem_bytes``."""
    body = problem_bytes(error, name)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *retry_headers(error),
    ]
    status = status_of(error)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def fault(error: Exception) -> ServiceError:
    """A fault of ours: its kind and the last line of ours it passed, nothing of its values."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(_PACKAGE)]
    last = (ours or list(frames))[-1]
    name = Path(last.filename).name
    return ServiceError("H440", kind=type(error).__name__, place=f"{name}:{last.lineno}")


def _ours(name: str, settings: Settings) -> bool:
    """Whether a host name can be meant for this service.

    A page of another site can make its own name lead here, never an address: under
    ``--allow-remote`` any address is taken, and of names the one it was started with.
    """
    if is_loopback(name) or name == settings.host.strip("[]").lower():
        return True
    return settings.allow_remote and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _hostname(host: str) -> str:
    """A Host header without its port, and an IPv6 address without its brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def _language(query: bytes, headers: dict[bytes, str]) -> str:
    """``lang`` of the query, else the first language asked for that we speak, else Chinese."""
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name == b"lang" and (asked := value.decode("latin-1")) in LANGUAGES:
            return asked
    return _accepted(headers.get(b"accept-language", "").split(","))


def _accepted(wanted: Iterable[str]) -> str:
    for part in wanted:
        language = part.partition(";")[0].strip()[:2].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def _short(text: str) -> str:
    """A header's text for a message: printable, not long."""
    return "".join(char for char in text[:80] if char.isprintable())
