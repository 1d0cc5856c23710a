"""The routes: our pages, what they need, and Optuna's dashboard, all behind the guard."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from ..errors import InputError
from ..report.trial import plotly_script
from ..store import Store, as_outage
from .guard import Guard
from .optuna_pages import optuna_routes
from .pages import Pages

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from starlette.requests import Request

__all__ = ["application"]

_ASSETS = {
    "dashboard.css": "text/css",
    "live.js": "text/javascript",
    "figures.js": "text/javascript",
    "plotly.js": "text/javascript",
}


def application(store: Store, storage: RDBStorage, *, token: str, writable: bool = False) -> Guard:
    """Our pages and Optuna's dashboard on a database, behind the guard of this token; `writable` lets notes be put."""
    pages = Pages(store, storage)
    app = Starlette(
        routes=[
            Route("/", _answered(pages.studies)),
            Route("/version", _answered(pages.studies_version)),
            Route("/studies/{study:int}", _answered(pages.study)),
            Route("/studies/{study:int}/version", _answered(pages.study_version)),
            Route("/studies/{study:int}/report", _answered(pages.report)),
            Route("/studies/{study:int}/trials/{number:int}", _answered(pages.trial)),
            Route("/optuna/{study:int}/report", _answered(pages.optuna_report)),
            Route("/studies/{name:path}", _answered(pages.by_name)),
            Route("/assets/{name}", _asset),
            *optuna_routes(storage, writable=writable),
        ],
        exception_handlers={HTTPException: pages.trouble, InputError: pages.trouble},
    )
    return Guard(app, token, writable=writable)


def _answered(page: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Let an outage that a page meets be trouble with the database, like those that were foreseen."""

    @wraps(page)
    def answering(request: Request) -> Response:
        try:
            return page(request)
        except Exception as error:
            if (told := as_outage(error)) is None:
                raise
            raise told from None

    return answering


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise HTTPException(404, "no such file")
    # The browser may keep it for as long as this start lasts, but asks again after an upgrade.
    return Response(_text(name), media_type=_ASSETS[name], headers={"Cache-Control": "private, max-age=60"})


@cache
def _text(name: str) -> str:
    if name == "plotly.js":
        return plotly_script()
    return files("lrlc_nas.dashboard").joinpath("assets", name).read_text(encoding="utf-8")
