"""Optuna's dashboard, as far as it is let through.

Its frontend asks for absolute paths, so it stays where it expects to be and our pages take other ones. What is
open is listed, not what is closed. Closed in every case: artifacts (an uploaded page would run beside ours),
whatever deletes or renames a study, ends trials or changes their attributes (workers build on those), migrations
of the database, and what needs a language model.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware
from optuna.storages import RDBStorage
from optuna_dashboard import wsgi
from starlette.routing import Route

from ..errors import InputError
from ..store import READING, Store, engine_options, harden
from .spreadsheets import harmless_tables

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

__all__ = ["mended", "open_storage", "optuna_ids", "optuna_routes"]

_READING = (
    "/dashboard",
    "/dashboard/{rest:path}",
    "/api/meta",
    "/api/studies",
    "/api/studies/{study:int}",
    "/api/studies/{study:int}/param_importances",
    "/api/studies/{study:int}/plot/{plot}",
    "/csv/{study:int}",
    "/static/{rest:path}",
    "/favicon.ico",
    "/incompatible-rdb-schema",
)
_NOTES = ("/api/studies/{study:int}/note", "/api/studies/{study:int}/{trial:int}/note")
_FRAMING = ";frame-ancestors 'none';base-uri 'none';form-action 'none'"


def open_storage(store: Store) -> RDBStorage:
    """Open Optuna's tables to read them.

    No transaction takes the write lock of a SQLite file when it begins: a reader that did would hold training up.

    Raises:
        InputError: if the database holds no study.
    """
    if not store.names() and not store.has_optuna_study():
        raise InputError(f"storage {store.shown} holds no study")
    url = store.url.render_as_string(hide_password=False)
    storage = RDBStorage(
        url.replace("{", "{{").replace("}", "}}"),  # Optuna takes the URL for a template
        engine_kwargs=engine_options(store.url) | {"execution_options": {READING: True}},
        skip_compatibility_check=True,  # the dashboard itself says what to do about another version
        skip_table_creation=True,
    )
    harden(storage.engine)
    return storage


def optuna_ids(storage: RDBStorage) -> dict[str, int]:
    """Name of each of Optuna's studies to its number, by which the addresses of its pages go."""
    return {study.study_name: study._study_id for study in storage.get_all_studies()}


def optuna_routes(storage: RDBStorage, *, writable: bool = False) -> list[Route]:
    """The routes to Optuna's dashboard; `writable` lets notes be written, and nothing else ever is."""
    # Without a store for artifacts, whose routes are closed as well. Any: a2wsgi names the types of WSGI anew.
    app: Any = mended(harmless_tables(wsgi(storage)))
    inner = WSGIMiddleware(app)
    routes = [Route(path, inner, methods=["GET"]) for path in _READING]
    if writable:
        routes += [Route(path, inner, methods=["PUT"]) for path in _NOTES]
    return routes


def mended(inner: WSGIApplication) -> WSGIApplication:
    """Mend what Optuna's dashboard forgets: clients that name no encoding, other sites' frames, where errors go."""

    def answering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ.setdefault("HTTP_ACCEPT_ENCODING", "identity")
        environ["wsgi.errors"] = sys.stderr

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            mended = [
                (name, value + _FRAMING if name.lower() == "content-security-policy" else value)
                for name, value in headers
            ]
            return start_response(status, mended, exc_info)

        return inner(environ, start)

    return answering
