"""Which finished runs keep their last checkpoint, and how those of all others are removed.

A run is needed while something reads its weights: the export, and the maps and moved images of the report. All of
these choose the best or the first of all complete runs, and that makes removal safe beside other workers: a run
that is not chosen among some runs is not chosen among more of them either, so a worker that does not know yet of the
latest ends removes nothing that will be wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..choices import Plan
from ..config import Metric, StudyConfig
from ..facts import RunState
from ..search.best_run import best_run
from ..store import RunRecord, Store, StudyRecord
from .files import run_checkpoints
from .folders import has_checkpoints, remove_stale_attempts

__all__ = ["needed_runs", "remove_superfluous"]

_MOST_HOSTS = 3
"""How many runs of the host a report measures on moved images."""


def needed_runs(config: StudyConfig, runs: Sequence[RunRecord], metric: Metric) -> set[int]:
    """The numbers of the complete runs whose checkpoint stays.

    A confirmation needs all of them: the test images are read with the weights of every seed.
    """
    complete = [run for run in runs if run.state == RunState.COMPLETE]
    if config.files.keep == "all" or config.confirmation is not None:
        return {run.number for run in complete}
    return {run.number for run in _needed(complete, metric) if run is not None}


def remove_superfluous(store: Store, study: StudyRecord) -> None:
    """Remove all checkpoints of finished runs that are not needed; what another process removes is not missed.

    Workers call it after each run; whoever resumes the study makes up for one that was killed before it could.
    """
    runs = store.runs(study)
    needed = needed_runs(study.config, runs, study.metric)
    for run in runs:
        if run.finished is None or run.plan is None or not has_checkpoints(store, study, run):
            continue
        remove_stale_attempts(store, study, run)  # a frozen worker may have thawed since
        if run.number not in needed:
            run_checkpoints(store, study, run).remove_all()


def _needed(complete: Sequence[RunRecord], metric: Metric) -> Iterator[RunRecord | None]:
    hosts = [run for run in complete if run.plan == Plan()]
    yield best_run(complete, metric)
    yield max(complete, key=lambda run: (run.finished.timestamp() if run.finished else 0.0, run.number), default=None)
    yield best_run(hosts, metric)
    yield from sorted(hosts, key=lambda run: run.number)[:_MOST_HOSTS]
    yield best_run((run for run in complete if run.plan is not None and run.plan.relaxes), metric)
