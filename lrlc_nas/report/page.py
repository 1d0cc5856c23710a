"""The page: one HTML file that holds its figures and asks the network for nothing.

Names come from whoever made the study, so nothing from the database is trusted: Jinja2 escapes all text,
figures travel as JSON in which ``<`` is escaped, the ids of elements are fixed, and a content security policy
lets only the two scripts of the page run, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ..config import Metric
from ..errors import InputError
from ..store import Store
from .figures import FIGURES, Figure
from .figures.drawn import drawn_sections
from .from_python import TEXTS, setup
from .method_lines import method
from .question_lines import question
from .reading import Reading, read_study
from .tables import TABLES
from .tables.printed import shown
from .verdict_lines import opened, verdict

if TYPE_CHECKING:
    from ..search import OptunaStudy

__all__ = ["page_environment", "report_page", "write_report"]


def report_page(
    source: Store | OptunaStudy | Reading,
    name: str = "",
    *,
    metric: Metric | str | None = None,
    inside: bool = False,
    trusted: bool = False,
    figures: Sequence[Figure[Any]] = FIGURES,
) -> str:
    """Write the report of a study as one HTML page that works without a network.

    Args:
        source: a study database, a study of Optuna's, or a reading of either.
        name: of the study in the database.
        metric: as in `read_study`; of no effect on a reading, like what follows.
        inside: whether to look into the trained networks, which reads checkpoints and images and takes seconds; a
            page that is kept live goes without.
        trusted: whether functions that the study names as its host or images may be run for that; a database that
            others write to may name anything.
        figures: that the page shows, in this order within each section.

    Raises:
        InputError: as `read_study`.
    """
    if not isinstance(source, Reading):
        source = read_study(source, name, metric=metric, inside=inside, trusted=trusted)
    return _render(source, figures)


def write_report(
    store: Store, name: str, path: Path, *, metric: Metric | str | None = None, trusted: bool = False
) -> None:
    """As `report_page`, to a file, whole or not at all, with what the trained networks show."""
    page = report_page(store, name, metric=metric, inside=True, trusted=trusted)
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


def _render(reading: Reading, figures: Sequence[Figure[Any]]) -> str:
    study, runs, screening = reading.study, reading.runs, reading.screening
    answer, *qualifications = verdict(study, runs, screening, reading.confirmation)
    plotly, script, style = get_plotlyjs(), _asset("page.js"), _asset("page.css")
    return (
        page_environment("lrlc_nas.report")
        .get_template("page.html")
        .render(
            study=study,
            metric=reading.metric,
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            answer=answer,
            qualifications=qualifications,
            question=question(study, runs),
            screening=screening,
            confirmation=reading.confirmation,
            opened=_opened(reading),
            audit=reading.audit,
            figures=drawn_sections(figures, reading),
            tables={table.key: shown(table, reading) for table in TABLES},
            method=method(study, runs, reading.epochs),
            text_calls=TEXTS,
            setup=setup(study),
            policy=_policy(plotly, script),
            # Our own files and plotly's: the only text that is not escaped.
            plotly=Markup(plotly),  # noqa: S704 - as said
            script=Markup(script),  # noqa: S704
            style=Markup(style),  # noqa: S704
        )
    )


def page_environment(package: str) -> Environment:
    """The templates in the folder of assets of a package; they escape all text, and forget nothing."""
    return Environment(
        loader=PackageLoader(package, "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return files("lrlc_nas.report").joinpath("assets", name).read_text(encoding="utf-8")


def _opened(reading: Reading) -> str:
    found = reading.confirmation
    return opened(len(found.openings), found.opened_elsewhere) if found else opened(0)


def _policy(*scripts: str) -> str:
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
