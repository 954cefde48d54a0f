"""The way of a file through the service: received into a folder of its own, answered, removed.

The answer streams while the file is worked on. An error before the first byte is an answer like any
other; after it the connection is broken, so that a part never looks like the whole.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from asyncio import run_coroutine_threadsafe
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from drg.errors import DrgError
from drg.service.batch import MEDIA, Batch, BatchAsked, Gone, Head
from drg.service.errors import ServiceError
from drg.service.guard import (
    RETRY_SECONDS,
    answer_error,
    drain,
    fault,
    problem_bytes,
    too_large,
)
from drg.service.stock import Stock

__all__ = ["Answer", "Desk"]

#: Bytes kept before they are written.
_BUFFER = 1 << 20


class Desk:
    """Where files are worked on: a few at once, each in its own folder.

    Parameters
    ----------
    stock : Stock
    """

    def __init__(self, stock: Stock) -> None:
        self.stock = stock
        self.limits = stock.settings.limits
        self._at_work = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """A private folder for as long as the service runs."""
        before = tempfile.tempdir
        with tempfile.TemporaryDirectory(prefix="drg-serve-", ignore_cleanup_errors=True) as root:
            self.limiter = CapacityLimiter(self.limits.batches)
            # Readers and writers keep parts of a file while they work: here, and nowhere else.
            tempfile.tempdir = root
            try:
                yield
            finally:
                tempfile.tempdir = before

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Path]:
        """A folder of one's own, removed afterwards.

        Raises
        ------
        ServiceError
            H430: every place is taken.
        """
        if self._at_work >= self.limits.batches:
            raise ServiceError("H430", limit=self.limits.batches, seconds=RETRY_SECONDS)
        self._at_work += 1
        folder = Path(tempfile.mkdtemp())
        try:
            yield folder
        finally:
            self._at_work -= 1
            shutil.rmtree(folder, ignore_errors=True)


class Answer(Response):
    """The answer to a file: its result, or the events of its making.

    Parameters
    ----------
    desk : Desk
    asked : BatchAsked
    events : bool
    """

    def __init__(self, desk: Desk, asked: BatchAsked, *, events: bool) -> None:
        super().__init__()
        self._desk, self._asked, self._events = desk, asked, events
        self._started = False
        self._sized = False
        self._held = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the body, then answer."""

        async def sending(message: Message) -> None:
            self._started = True
            await send(message)

        try:
            async with self._desk.place() as folder:
                path = folder / f"claims{Path(self._asked.name).suffix.lower()}"
                await self._save(receive, path)
                await self._work(path, scope, receive, sending)
            # Whoever has the whole answer finds the place free, and nothing left of the file.
            await sending({"type": "http.response.body", "body": self._held, "more_body": False})
        except Gone:
            return
        except Exception as error:
            told = error if isinstance(error, DrgError) else fault(error)
            if told.code == "H430":  # the body has not been looked at
                await drain(receive, self._desk.limits.batch_bytes)
            await self._fail(told, sending)

    async def _save(self, receive: Receive, path: Path) -> None:
        limit, size = self._desk.limits.batch_bytes, 0
        try:
            async with asyncio.timeout(self._desk.limits.seconds):
                with path.open("wb") as file:
                    kept = bytearray()
                    more = True
                    while more:
                        message = await receive()
                        if message["type"] == "http.disconnect":
                            raise Gone
                        part = message.get("body", b"")
                        size += len(part)
                        more = message.get("more_body", False)
                        if size > limit:
                            await drain(receive, limit if more else 0)
                            raise too_large(limit)
                        kept += part
                        if len(kept) >= _BUFFER or not more:
                            await run_sync(file.write, bytes(kept))
                            kept.clear()
        except TimeoutError:
            raise ServiceError("H416", seconds=f"{self._desk.limits.seconds:g}") from None

    async def _work(self, path: Path, scope: Scope, receive: Receive, send: Send) -> None:
        batch = Batch(self._desk.stock, self._asked, path)

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            batch.stop.set()

        async def body(piece: bytes) -> None:
            if self._sized:  # the last piece is the end of the answer
                piece, self._held = self._held, piece
            await send({"type": "http.response.body", "body": piece, "more_body": True})

        # A writer of files may ask for the next rows in a thread of its own.
        loop = asyncio.get_running_loop()

        def wait(sending: Coroutine[Any, Any, None]) -> None:
            seconds = self._desk.limits.seconds
            sent = run_coroutine_threadsafe(sending, loop)
            try:
                sent.result(seconds)
            except TimeoutError:  # a client that reads nothing does not keep its place
                sent.cancel()
                raise ServiceError("H431", seconds=f"{seconds:g}") from None

        def head(told: Head) -> None:
            wait(self._head(send, told, batch.result_name))

        def emit(piece: bytes) -> None:
            wait(body(piece))

        # Without a size and without chunks only the end of the connection ends an answer.
        whole = scope["http_version"] == "1.0"
        watching = asyncio.create_task(watch())
        try:
            if self._events:
                await self._start_events(send)
                await run_sync(batch.events, emit, limiter=self._desk.limiter)
            else:
                await run_sync(
                    lambda: batch.file(head, emit, whole=whole), limiter=self._desk.limiter
                )
        finally:
            batch.stop.set()
            watching.cancel()

    async def _start_events(self, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _head(self, send: Send, told: Head, name: str) -> None:
        headers = [
            (b"content-type", MEDIA[self._asked.form].encode()),
            (b"content-disposition", f"attachment; filename*=UTF-8''{quote(name)}".encode()),
            (b"x-drg-rows", str(told.rows).encode()),
        ]
        if told.size is not None:
            self._sized = True
            headers.append((b"content-length", str(told.size).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _fail(self, error: DrgError, send: Send) -> None:
        """Say what went wrong, as far as that can still be said."""
        if self._started and not self._events:
            raise ConnectionAbortedError from None
        if self._started:
            # The file is told by its own name in place of where it lay here.
            line = b'{"event": "error", ' + problem_bytes(error, self._asked.name)[1:] + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": False})
            return
        await answer_error(error, send, self._asked.name)
