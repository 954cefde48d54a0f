"""Requests at a steady rate, whether or not earlier ones are answered: how long each took.

A client that waits for an answer before it asks again hides how long others would have waited.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Latency", "latency"]

_CONNECTIONS = 16


class Latency(NamedTuple):
    """Milliseconds from the moment a request was due to the last byte of its answer."""

    requests: int
    p50: float
    p99: float
    most: float

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests: p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms, "
            f"max {self.most:.2f} ms"
        )


def latency(host: str, path: str, bodies: Sequence[bytes], rate: int, seconds: float) -> Latency:
    """Ask ``rate`` times a second over kept connections; every answer must be 200."""
    return asyncio.run(_asked(host, path, bodies, rate, seconds))


async def _asked(
    host: str, path: str, bodies: Sequence[bytes], rate: int, seconds: float
) -> Latency:
    name, port = host.split(":")
    free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    free = asyncio.LifoQueue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(name, int(port)))
    requests = [_request(host, path, body) for body in bodies]
    took: list[float] = []

    async def ask(number: int, due: float) -> None:
        reader, writer = await free.get()
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        took.append(time.perf_counter() - due)
        free.put_nowait((reader, writer))

    start = time.perf_counter() + 0.05
    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(number, due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[1].close()
    took.sort()
    at = [1000 * took[min(len(took) - 1, int(len(took) * share))] for share in (0.5, 0.99, 1)]
    return Latency(len(took), *at)


def _request(host: str, path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
