"""From Python: the one call that recomputes what each part of the page shows.

Every call starts from `reading`, which `setup` gives: a study as its report takes it, read from the database once.
What a call returns holds the numbers as they were computed; the page rounds them. The call of a figure and of a
table stands in its record.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..store import StudyRecord

__all__ = ["TEXTS", "setup"]

TEXTS: Mapping[str, str] = {
    "The verdict": "report.verdict(reading.study, reading.runs, reading.screening, reading.confirmation)",
    "What was asked": "report.question(reading.study, reading.runs)",
    "How often the test split was opened": "len(reading.confirmation.openings) if reading.confirmation else 0",
    "Before you believe it": "reading.screening.caveats",
    "What pruning costs": "reading.audit.sentence",
    "How it was done": "report.method(reading.study, reading.runs, reading.epochs)",
}
"""What a part of the page in words says, to its call."""

_SETUP = """\
from lrlc_nas import report
from lrlc_nas.store import Store

# inside=True also looks into the trained networks, for the maps of space, and takes seconds;
# where the host or the images are functions of your own, it needs trusted=True as well
reading = report.read_study(Store("sqlite:///lrlc-nas.db"), {name!r}, inside=True)
"""


_SETUP_OF_OPTUNA = """\
import optuna

from lrlc_nas import Metric, report

study = optuna.load_study(study_name={name!r}, storage="sqlite:///lrlc-nas.db")
reading = report.read_study(study, metric={metric!r})
"""


def setup(study: StudyRecord) -> str:
    """The lines that all calls need before them, for this study."""
    lines = _SETUP_OF_OPTUNA if study.is_optunas_alone else _SETUP
    return lines.format(name=study.name, metric=study.metric)
