"""Our pages: the studies, one study with its report, one run.

Each answers at once from what is in the database or drawn already. What keeps them live is asked for every two
seconds by each open page: the version of what it shows, which is two cheap queries.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ..errors import InputError, StorageError
from ..report.page import page_environment
from ..report.trial import trial_view
from ..store import Store, change_tokens
from .optuna_pages import optuna_ids
from .overview import Overview, states_text, version_of
from .reports import Reports

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from starlette.requests import Request

__all__ = ["REPORT_POLICY", "Pages"]

REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""That of a report. The page narrows it down to its own scripts by their hashes; a page has to pass both."""


class Pages:
    """The pages on a database."""

    def __init__(self, store: Store, storage: RDBStorage) -> None:
        self._store = store
        self._storage = storage
        self._overview = Overview(store, storage)
        self._reports = Reports(store)
        self._templates = page_environment("lrlc_nas.dashboard")

    def studies(self, request: Request) -> Response:
        """The first page: all studies."""
        version = self._everything()
        alone, shown = self._overview.optunas_alone(), self._store.shown
        return self._page("studies.html", version=version, lines=self._overview.lines(), alone=alone, shown=shown)

    def studies_version(self, request: Request) -> Response:
        """The version of the first page."""
        return JSONResponse({"version": self._everything()})

    def study(self, request: Request) -> Response:
        """One study: a bar, and below it the report, which is a page of its own in a frame."""
        number, name, version = self._asked(request)
        return self._page(
            "study.html",
            number=number,
            name=name,
            state=self._state(name, version),
            optuna=optuna_ids(self._storage).get(name),
            related=self._related(name),
        )

    def study_version(self, request: Request) -> Response:
        """The version of one study, how far it is, and the version of the report that is drawn."""
        _, name, version = self._asked(request)
        return JSONResponse(self._state(name, version))

    def report(self, request: Request) -> Response:
        """The report of one study, as it was drawn last; a confirmation is part of that of its search."""
        _, name, version = self._asked(request)
        search = self._store.study(name).parent_study_id
        if search is not None:
            return RedirectResponse(f"/studies/{search}/report")
        return self._drawn(request, name, version)

    def optuna_report(self, request: Request) -> Response:
        """The report of a study that only Optuna knows."""
        wanted = request.path_params["study"]
        for name, number in self._overview.optunas_alone().items():
            if number == wanted:
                trials = self._storage.get_all_trials(number, deepcopy=False)
                version = f"{len(trials)}-{sum(len(trial.intermediate_values) for trial in trials)}-"
                version += f"{sum(trial.state.is_finished() for trial in trials)}"
                return self._drawn(request, name, version)
        raise InputError(f"no study of Optuna's own has the number {wanted} in {self._store.shown}")

    def _drawn(self, request: Request, name: str, version: str) -> Response:
        drawn = self._reports.wait(name, version)
        if drawn is None:
            raise HTTPException(503, "the report is still being drawn; ask again", {"Retry-After": "10"})
        if drawn.error:
            raise HTTPException(500, drawn.error)
        headers = {"Content-Security-Policy": REPORT_POLICY, "X-Frame-Options": "SAMEORIGIN"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HTMLResponse(gzip.decompress(drawn.page), headers=headers)
        return HTMLResponse(drawn.page, headers=headers | {"Content-Encoding": "gzip"})

    def trial(self, request: Request) -> Response:
        """One run of a study."""
        number, name, version = self._asked(request)
        view = trial_view(self._store, name, request.path_params["number"])
        optuna = optuna_ids(self._storage).get(name)
        return self._page("trial.html", number=number, view=view, version=version, optuna=optuna)

    def by_name(self, request: Request) -> Response:
        """Lead from the quoted name of a study, with or without a run, to the address with its number."""
        wanted = request.path_params["name"]
        name, _, number = wanted.rpartition("/trials/")
        known = change_tokens(self._store)
        if wanted in known:
            return RedirectResponse(f"/studies/{known[wanted].study_id}")
        if name in known and number.isascii() and number.isdecimal():
            return RedirectResponse(f"/studies/{known[name].study_id}/trials/{number}")
        raise InputError(f"no study {wanted!r} in {self._store.shown}")

    def trouble(self, request: Request, error: Exception) -> Response:
        """What stands where a page cannot be shown."""
        status, why, headers = 503 if isinstance(error, StorageError) else 404, str(error), None
        if isinstance(error, HTTPException):
            status, why, headers = error.status_code, error.detail, error.headers
        page = self._templates.get_template("trouble.html").render(status=status, why=why)
        return HTMLResponse(page, status, headers=headers)

    def _page(self, template: str, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(values))

    def _asked(self, request: Request) -> tuple[int, str, str]:
        """The number, the name and the version of the study that an address leads to."""
        now = change_tokens(self._store)
        number = request.path_params["study"]
        for name, version in now.items():
            if number == version.study_id:
                return version.study_id, name, version_of(name, now)
        raise InputError(f"no study {number} in {self._store.shown}")

    def _related(self, name: str) -> tuple[str, int] | None:
        """The confirmation of a study, or the study that a confirmation belongs to: what it is, and its number."""
        now = change_tokens(self._store)
        asked = now[name]
        if asked.parent_study_id is not None:
            return "its search", asked.parent_study_id
        of = (e.study_id for e in now.values() if e.parent_study_id == asked.study_id and not e.circumstance)
        return next((("confirmation", number) for number in of), None)

    def _state(self, name: str, version: str) -> dict[str, str]:
        drawn = self._reports.newest(name, version)
        return {
            "version": version,
            "drawn": "" if drawn is None or drawn.error else drawn.version,
            "error": "" if drawn is None else drawn.error,
            "words": states_text(self._store.counts(self._store.study(name))),
        }

    def _everything(self) -> str:
        return "_".join(token.text for token in change_tokens(self._store).values())
