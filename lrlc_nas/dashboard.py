"""Optuna's dashboard, read only and for this machine alone.

By itself the dashboard answers to any ``Host`` and deletes a study for whoever asks. A page in the user's
browser can use the first by DNS rebinding to reach the second, so that a guard stands before it: known hosts,
reading methods, and no active content from artifacts.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.storages import RDBStorage
from optuna_dashboard import wsgi

from .errors import InputError
from .store import Store, engine_options


if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo


__all__ = ["application", "guarded", "open_storage", "serve"]

_LOG = logging.getLogger(__name__)
_HOSTS = ("127.0.0.1", "localhost")
_METHODS = ("GET", "HEAD")
_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
_ARTIFACT_HEADERS = [("Content-Disposition", "attachment"), ("Content-Security-Policy", "sandbox")]
_REPLACED = {"access-control-allow-origin"} | {name.lower() for name, _ in _HEADERS}
_REPLACED_FOR_ARTIFACTS = _REPLACED | {name.lower() for name, _ in _ARTIFACT_HEADERS}


def serve(
    store: Store, *, port: int = 8080, host: str = "127.0.0.1", ready: Callable[[str], None] | None = None
) -> None:
    """Open Optuna's dashboard until it is interrupted.

    Args:
        store: the study database.
        port: to listen at; 0 for any free one.
        host: ``127.0.0.1`` or ``localhost``.
        ready: called with the address once it answers.

    Raises:
        InputError: if the database holds no study, `host` is another one, or the port cannot be had.
    """
    if host not in _HOSTS:
        raise InputError(
            f"host {host!r}: the dashboard knows no passwords, so it serves this machine alone; "
            f"required is {' or '.join(_HOSTS)}"
        )
    storage = open_storage(store)
    try:
        with _listen(application(storage), host, port) as server, suppress(KeyboardInterrupt):
            if ready is not None:
                ready(f"http://{host}:{server.server_port}/")
            server.serve_forever()
    finally:
        storage.engine.dispose()


def open_storage(store: Store) -> RDBStorage:
    """Open Optuna's tables to read them.

    The engine is not hardened as a worker's is: a reader that took the write lock would hold training up.

    Raises:
        InputError: if the database holds no study.
    """
    if not store.names():
        raise InputError(f"storage {store.shown} holds no study")
    return RDBStorage(
        store.url.render_as_string(hide_password=False),
        engine_kwargs=engine_options(store.url),
        skip_compatibility_check=True,  # the dashboard itself says what to do about another version
        skip_table_creation=True,
    )


def application(storage: RDBStorage) -> WSGIApplication:
    """Optuna's dashboard behind the guard, without a store for artifacts."""
    dashboard: WSGIApplication = wsgi(storage)
    return guarded(dashboard)


def guarded(inner: WSGIApplication) -> WSGIApplication:
    """Put the guard before an application.

    Args:
        inner: a WSGI application.

    Returns:
        An application that refuses every ``Host`` but this machine's (403) and every method that writes
        (405), and adds headers that keep browsers from embedding what it serves and from running artifacts.
    """

    def guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_HOST", "").partition(":")[0].lower() not in _HOSTS:
            return _refuse(start_response, "403 Forbidden", "this address is not served; use 127.0.0.1")
        if environ["REQUEST_METHOD"] not in _METHODS:
            return _refuse(start_response, "405 Method Not Allowed", "the dashboard is read only")
        return inner(environ, _with_headers(start_response, environ.get("PATH_INFO", "")))

    return guard


def _with_headers(start_response: StartResponse, path: str) -> StartResponse:
    artifact = path.startswith("/artifacts")
    added = _HEADERS + _ARTIFACT_HEADERS if artifact else _HEADERS
    replaced = _REPLACED_FOR_ARTIFACTS if artifact else _REPLACED

    def start(
        status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        kept = [(name, value) for name, value in headers if name.lower() not in replaced]
        return start_response(status, kept + added, exc_info)

    return start


def _refuse(start_response: StartResponse, status: str, why: str) -> list[bytes]:
    body = f"{why}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    if status.startswith("405"):
        headers.append(("Allow", ", ".join(_METHODS)))
    start_response(status, headers)
    return [body]


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread of its own; none of them keeps the process from ending."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        # A browser that leaves in the middle of an answer is no error of ours.
        _LOG.debug("request from %s", client_address, exc_info=True)


class _QuietHandler(WSGIRequestHandler):
    """Logs at debug level what the standard library prints for each request."""

    def log_message(self, format: str, *args: object) -> None:
        _LOG.debug(format, *args)


def _listen(app: WSGIApplication, host: str, port: int) -> WSGIServer:
    try:
        return make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} is in use; give another one with --port") from None
        raise InputError(f"cannot listen at {host}, port {port}: {error.strerror}") from None
    except OverflowError:
        raise InputError(f"port must be 0 to 65535; got {port}") from None
