"""A door before a running service: busy at first, or breaking off before the end of an answer."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LAST_CHUNK = b"0\r\n\r\n"
BUSY = b'{"code": "H430", "what": "busy", "where": "", "mend": "later"}'


@contextmanager
def door(base: str, *, busy: bool = False, cut: bool = False) -> Iterator[str]:
    """An address that is ``base``, byte for byte.

    ``busy``: but its first request is answered with 503. ``cut``: but the connection breaks before
    the end of an answer of unknown length.
    """
    port = int(base.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_keep, args=(listening, port, busy, cut), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _keep(listening: socket.socket, port: int, busy: bool, cut: bool) -> None:
    with suppress(OSError):
        if busy:
            _send_away(listening.accept()[0])
        while True:
            visitor, _ = listening.accept()
            threading.Thread(target=_lead, args=(visitor, port, cut), daemon=True).start()


def _send_away(visitor: socket.socket) -> None:
    head = f"HTTP/1.1 503 Busy\r\nContent-Length: {len(BUSY)}\r\nRetry-After: 0\r\n"
    with visitor:
        visitor.recv(1 << 16)
        visitor.sendall(f"{head}Connection: close\r\n\r\n".encode() + BUSY)
        visitor.shutdown(socket.SHUT_WR)
        while visitor.recv(1 << 16):
            pass


def _lead(visitor: socket.socket, port: int, cut: bool) -> None:
    """Pass bytes on in both directions until one side has no more."""
    with visitor, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as service:
        while True:
            for one in select.select([visitor, service], [], [])[0]:
                part = one.recv(1 << 16)
                last = cut and one is service and part.endswith(LAST_CHUNK)
                rest = part.removesuffix(LAST_CHUNK) if last else part
                (service if one is visitor else visitor).sendall(rest)
                if last or not part:
                    return
