"""The page: one HTML file that holds its figures and asks the network for nothing.

Names come from whoever made the study, so nothing from the database is trusted: Jinja2 escapes all text,
figures travel as JSON in which ``<`` is escaped, the ids of elements are fixed, and a content security policy
lets only the two scripts of the page run, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ..errors import InputError
from ..evidence import audit, screen
from ..store import EpochRecord, RunRecord, Store, StudyRecord
from ..study import study_importances
from .method import method
from .panels import panels
from .question import question
from .tables import audit_rows, disagreement_rows, effect_rows, trial_rows
from .verdict import verdict


__all__ = ["report_page", "write_report"]


def report_page(store: Store, name: str) -> str:
    """Write the report of a study as one HTML page.

    Args:
        store: the study database.
        name: of the study.

    Returns:
        The page; it works without a network, and states only what the study holds by now.

    Raises:
        InputError: if there is no such study.
    """
    study = store.study(name)
    return _render(study, store.runs(study), store.epochs(study), study_importances(store, name))


def write_report(store: Store, name: str, path: Path) -> None:
    """Write the report of a study to a file, whole or not at all.

    Raises:
        InputError: if there is no such study, or the file cannot be written.
    """
    page = report_page(store, name)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write the report {path}: {error.strerror}") from None


def _render(
    study: StudyRecord,
    runs: Sequence[RunRecord],
    epochs: Mapping[int, Sequence[EpochRecord]],
    importances: Mapping[str, float],
) -> str:
    screening = screen(study, runs, epochs)
    audited = audit(study, runs, epochs)
    answer, *qualifications = verdict(study, runs, screening)
    plotly, script, style = get_plotlyjs(), _asset("page.js"), _asset("page.css")
    return (
        _environment()
        .get_template("page.html")
        .render(
            study=study,
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            answer=answer,
            qualifications=qualifications,
            question=question(study, runs),
            screening=screening,
            effects=effect_rows(screening, importances),
            disagreements=disagreement_rows(screening),
            audit=audited,
            audit_rows=audit_rows(audited),
            panels=panels(runs, epochs, screening),
            trials=trial_rows(runs, epochs),
            method=method(study, runs, epochs),
            policy=_policy(plotly, script),
            # Our own files and plotly's: the only text that is not escaped.
            plotly=Markup(plotly),
            script=Markup(script),
            style=Markup(style),
        )
    )


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("lrlc_nas.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return files("lrlc_nas.report").joinpath("assets", name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
