"""The server: one address on the loopback interface, until Ctrl-C."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from ..errors import InputError
from ..store import Store
from .application import application
from .guard import ENTRANCE, new_token
from .optuna_pages import open_storage

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["Server", "serve"]

_HOSTS = ("127.0.0.1", "localhost", "::1")
_PATIENCE = 2
"""Seconds that answers under way get after Ctrl-C."""


def serve(
    store: Store,
    *,
    port: int = 8080,
    host: str = "127.0.0.1",
    writable: bool = False,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Open the dashboard until it is interrupted, at ``127.0.0.1``, ``localhost`` or ``::1``.

    Port 0 is any free one, ``writable`` lets notes on Optuna's pages be written, and ``ready`` is called with the
    address that lets a browser in, once it answers.

    Raises:
        InputError: if the database holds no study, `host` is another one, or the port cannot be had.
    """
    if host not in _HOSTS:
        raise InputError(
            f"host {host!r}: the dashboard knows no passwords, so it serves this machine alone; "
            f"required is {', '.join(_HOSTS[:-1])} or {_HOSTS[-1]}"
        )
    storage = open_storage(store)
    token = new_token()
    try:
        with _listen(host, port) as listening, suppress(KeyboardInterrupt):
            shown = f"[{host}]" if ":" in host else host
            address = f"http://{shown}:{listening.getsockname()[1]}{ENTRANCE}?token={token}"
            app = application(store, storage, token=token, writable=writable)
            Server(app, lambda: ready(address) if ready is not None else None).run(sockets=[listening])
    finally:
        storage.engine.dispose()


class Server(uvicorn.Server):
    """Says by `answers` when it answers, and logs errors alone."""

    def __init__(self, app: ASGIApp, answers: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_PATIENCE,
            )
        )
        self._answers = answers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._answers()


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port < 2**16:
        raise InputError(f"port must be 0 to 65535; got {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} is in use; give another one with --port") from None
        raise InputError(f"cannot listen at {host}, port {port}: {error.strerror}") from None
