"""What a study cost from end to end: the search, its failures, and the confirmation with its controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...choices import Plan
from ...config import Metric
from ...runs.results import EpochResult
from ...store import RunRecord
from ..numbers import count, duration, percent
from ..reading import Confirmation, Reading
from .printed import PrintedTable

__all__ = ["TABLE", "Spent", "spending"]

_Epochs = Mapping[int, Sequence[EpochResult]]


@dataclass(frozen=True)
class Spent:
    """What one kind of runs of a stage, ``search`` or ``confirmation``, took.

    Attributes:
        runs: how many have recorded an epoch.
        epochs: recorded epochs.
        seconds: of training and evaluation, summed over them; an epoch that was cut short and trained again counts
            once.
    """

    stage: str
    what: str
    runs: int
    epochs: int
    seconds: float


def spending(reading: Reading) -> tuple[Spent, ...]:
    """Sum up what was recorded, by stage and kind of run; kinds without an epoch are left out."""
    found = [
        _spent("search", what, [run for run in reading.runs if run.state in states], reading.epochs)
        for what, states in _STATES.items()
    ]
    if reading.confirmation is not None:
        found += _of_confirmation(reading.confirmation)
    return tuple(spent for spent in found if spent.epochs)


def _rows(spent: Sequence[Spent]) -> list[tuple[Spent, float | None]]:
    """Each kind of runs, and their sum, with its share of the time."""
    total = sum(each.seconds for each in spent)
    every = Spent("all", "runs", sum(s.runs for s in spent), sum(s.epochs for s in spent), total)
    return [(each, each.seconds / total if total else None) for each in ((*spent, every) if spent else ())]


def _cells(row: tuple[Spent, float | None], metric: Metric) -> tuple[str, ...]:
    each, share = row
    return (each.stage, each.what, count(each.runs), count(each.epochs), duration(each.seconds), percent(share))


_STATES = {
    "complete runs": ("complete",),
    "runs that were pruned": ("pruned",),
    "runs that failed": ("failed",),
    "runs under way": ("running", "waiting"),
}


def _of_confirmation(confirmation: Confirmation) -> list[Spent]:
    claims = {result.plan for result in confirmation.conclusion.results}
    kinds: dict[str, list[RunRecord]] = {"host": [], "claims": [], "controls": [], "runs that failed": []}
    for run in confirmation.runs:
        ended = "host" if run.plan == Plan() else "claims" if run.plan in claims else "controls"
        kinds["runs that failed" if run.state == "failed" else ended].append(run)
    return [_spent("confirmation", what, runs, confirmation.epochs) for what, runs in kinds.items()]


def _spent(stage: str, what: str, runs: Sequence[RunRecord], epochs: _Epochs) -> Spent:
    recorded = [epochs[run.run_id] for run in runs if epochs.get(run.run_id)]
    return Spent(
        stage, what, len(recorded), sum(map(len, recorded)), sum(epoch.seconds for those in recorded for epoch in those)
    )


TABLE = PrintedTable(
    key="spent",
    title="what the study cost",
    columns={"Stage": "", "Runs": "", "Number": "number", "Epochs": "number", "Time": "number", "Share": "number"},
    rows=lambda reading: _rows(spending(reading)),
    cells=_cells,
    call="report.spending(reading)",
    note=(
        "Training and evaluation of all recorded epochs, one device each, summed; loading, starting and what "
        "was lost in interruptions is not in it."
    ),
    css=lambda row: "clear" if row[0].stage == "all" else "",
)
