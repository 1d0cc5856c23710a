"""From Python: the one call that recomputes what each part of the page shows.

Every call starts from `reading`, which `setup` gives: a study as its report takes it, read from the database once.
What a call returns holds the numbers as they were computed; the page rounds them.
"""

from __future__ import annotations

from collections.abc import Mapping


__all__ = ["FIGURES", "TABLES", "TEXTS", "setup"]

FIGURES: Mapping[str, str] = {
    "forest": "report.forest(reading).rows",
    "effects": "report.effect_map(reading.screening, reading.runs, reading.conclusion).cells",
    "ranks": "report.rank_curves(reading.screening)",
    "company": "report.company(reading.screening).contexts",
    "pairs": "report.pair_matrix(reading.screening).pairs",
    "parameters": 'report.trade_off(reading.runs, "parameters", reading.confirmation)',
    "macs": 'report.trade_off(reading.runs, "macs", reading.confirmation)',
    "latency": 'report.trade_off(reading.runs, "latency", reading.confirmation)',
    "maps": "report.pictures(reading.inside.maps)",
    "shifts": "reading.inside.shifts",
    "curves": "report.learning_curves(reading.runs, reading.epochs, reading.screening.best).curves",
    "anytime-runs": "report.anytime(reading.runs, reading.epochs).steps",
    "anytime-seconds": "report.anytime(reading.runs, reading.epochs).steps",
}
"""Key of a figure to its call."""

TABLES: Mapping[str, str] = {
    "claims": "report.forest(reading).rows",
    "tested": "report.tested(reading.confirmation)",
    "effects": "reading.screening.effects, reading.importances",
    "disagreements": "[each for each in reading.screening.contexts if each.disagrees], "
    "[each for each in reading.screening.interactions if each.flagged]",
    "audit": "reading.audit.rows",
    "spent": "report.spending(reading)",
    "trials": "reading.runs, reading.epochs",
}
"""Id of a table to its call."""

TEXTS: Mapping[str, str] = {
    "The verdict": "report.verdict(reading.study, reading.runs, reading.screening, reading.confirmation)",
    "What was asked": "report.question(reading.study, reading.runs)",
    "How often the test split was opened": "len(reading.confirmation.looks) if reading.confirmation else 0",
    "Before you believe it": "reading.screening.caveats",
    "What giving up costs": "reading.audit.sentence",
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


def setup(name: str) -> str:
    """The lines that all calls need before them.

    Args:
        name: of the study.
    """
    return _SETUP.format(name=name)
