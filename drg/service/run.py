"""The server under the application: uvicorn on one socket, quiet, until it is told to end."""

from __future__ import annotations

import contextlib
import gc
import logging
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING

from drg.claims.encoding import system_code
from drg.service.errors import ServiceError
from drg.service.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["serve"]

_PARTS = ("fastapi", "uvicorn", "httptools")
#: Seconds that requests at work are given when the service is told to end.
_LAST_SECONDS = 5
#: Seconds that an idle connection is kept; beyond what clients of a settlement service pause.
_KEEP_SECONDS = 30
_WAITING = 128
#: Seconds that a thread works before another has its turn.
_TURN_SECONDS = 0.0005


def serve(settings: Settings, ready: Callable[[str], None], *, show: bool = False) -> None:
    """Serve until interrupted or terminated.

    Parameters
    ----------
    settings : Settings
    ready : callable
        Called with the address once it can be used.
    show : bool, optional
        Open it in the browser.

    Raises
    ------
    ServiceError
        H401: other machines could reach it; H402: FastAPI or uvicorn is missing; H403: the port
        cannot be had.
    DrgError
        What the settings name cannot be loaded.
    """
    settings.check_host()
    app, run_on = _parts(settings)
    with _listening(settings) as listening:
        app.state.stock.open()
        # What is loaded stays: no collection need look at it again.
        gc.freeze()
        # A thread that explains a case is not to keep others waiting for 5 ms at a time.
        sys.setswitchinterval(_TURN_SECONDS)
        url = _url(listening)
        ready(url)
        if show:
            webbrowser.open(url)
        run_on(listening)


def _parts(settings: Settings) -> tuple[FastAPI, Callable[[socket.socket], None]]:
    """The application, and what runs it on a socket."""
    try:
        import httptools  # noqa: F401
        import uvicorn

        from drg.service.app import create_app
    except ModuleNotFoundError as error:
        if error.name not in _PARTS:
            raise
        raise ServiceError("H402", module=error.name) from None
    app = create_app(settings)

    def run(listening: socket.socket) -> None:
        # uvicorn would write what went wrong, and with it what was asked.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_SECONDS,
            timeout_graceful_shutdown=_LAST_SECONDS,
        )
        server = uvicorn.Server(config)
        # It hands the signal that ended it on to whoever listened before.
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            server.run(sockets=[listening])
        if not server.started:
            raise ServiceError("H404", folder=tempfile.gettempdir())

    return app, run


def _listening(settings: Settings) -> socket.socket:
    host = settings.host.strip("[]")
    try:
        family = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, settings.port), family=family, backlog=_WAITING)
    except OSError as error:
        raise ServiceError(
            "H403", host=settings.host, port=settings.port, system=system_code(error)
        ) from error


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
