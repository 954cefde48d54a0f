"""What is asked: requests to the service, numbers of a policy, other schemes, other values."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from functools import cache
from typing import Any

from fuzz.documented import chosen, documented

from drg.scale.elsewhere import (
    Setting,
    corrections_of,
    load_setting,
    other_of,
    read_other,
)
from drg.simulate.corrections import read_value

__all__ = ["other", "service", "supply"]

#: Statuses that the service answers with on purpose.
ON_PURPOSE = {200, 400, 403, 404, 405, 408, 413, 415, 422, 503}
_FILES = ("/batch", "/batch/events")
#: Of every mechanism one; the first byte of an input chooses.
POLICIES = (
    "demo-2024", "dip-demo-2025", "chuxiong-2017", "taian-2025", "haerbin-2024", "taicang-undated",
)  # fmt: skip


class _Service:
    """The application on a loop of its own, started once."""

    def __init__(self) -> None:
        from drg.service.app import create_app
        from drg.service.settings import Limits, Settings

        limits = Limits(codes=60, rows=4000, batches=1, seconds=20.0)
        self.app = create_app(Settings(scheme="demo", policy="demo-2024", limits=limits))
        self.loop = asyncio.new_event_loop()
        self.life = self.app.router.lifespan_context(self.app)
        self.loop.run_until_complete(self.life.__aenter__())

    def ask(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        """One request as the server under it would hand it over."""
        path, _, query = target.partition("?")
        kind = "application/octet-stream" if path in _FILES else "application/json"
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8765),
            "headers": [(b"host", b"127.0.0.1:8765"), (b"content-type", kind.encode())],
        }  # fmt: skip
        heads: list[MutableMapping[str, Any]] = []
        found: list[bytes] = []
        asked = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not asked:
                await asyncio.sleep(3600)  # a client that stays until it is answered
            return asked.pop()

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                heads.append(message)
            else:
                found.append(message.get("body", b""))

        self.loop.run_until_complete(self.app(scope, receive, send))
        return heads[0]["status"], b"".join(found)


_served = cache(_Service)


def service(data: bytes) -> None:
    """A request: method and address in the first line, then the body."""
    line, _, body = data.partition(b"\n")
    method, _, target = line.decode("ascii", errors="replace").partition(" ")
    if method not in ("GET", "POST", "PUT", "HEAD") or not target.startswith("/"):
        return
    status, answer = _served().ask(method, target, body)
    assert status in ON_PURPOSE, (status, answer)
    if status >= 400:
        assert {"code", "what", "where", "mend"} == {*json.loads(answer)}, answer


def supply(data: bytes) -> None:
    """``--set`` of a policy, of a plan of benefits and of audit rules, one a line."""
    from drg.audit.rules import load_rules
    from drg.benefits.plan import load_plan
    from drg.payment.policy.catalog import load_policy
    from drg.payment.policy.supply import read_supply

    wanted, content = chosen(data, (*POLICIES, "plan", "rules"))
    with documented():
        given = read_supply(content.decode("utf-8", errors="replace").split("\n"))
        if wanted == "plan":
            load_plan("ankang-2019", supply=given)
        elif wanted == "rules":
            load_rules("national", supply=given)
        else:
            loaded = load_policy(wanted, supply=given)
            assert load_policy(wanted, supply=given).digest == loaded.digest


@cache
def _base() -> tuple[Setting, Any]:
    setting = Setting(scheme="demo", policy="demo-2024")
    return setting, load_setting(setting)


def other(data: bytes) -> None:
    """``--other``, ``--correct`` and ``--change`` as they are typed; the first byte says which."""
    from drg.simulate.change import read_change

    kind, content = chosen(data, ("other", "correct", "change"))
    words = content.decode("utf-8", errors="replace")
    with documented():
        if kind == "other":
            setting, loaded = _base()
            found = other_of(read_other(words), setting, loaded)
            assert found.label
        elif kind == "change":
            read_change(words)
        else:
            for name, value in corrections_of(tuple(words.split("\n"))).items():
                read_value(name, value)
