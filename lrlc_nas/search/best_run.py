"""What the runs of a study come to: which is the best, and how many there can be."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..choices import Plan
from ..config import Metric
from ..facts import RunState
from ..store import RunRecord, StudyRecord

__all__ = ["best_run", "most_trials"]


def best_run(runs: Iterable[RunRecord], metric: Metric) -> RunRecord | None:
    """The completed run with the best value; the earliest of equals."""
    complete = [run for run in runs if run.state == RunState.COMPLETE and run.value is not None]
    return max(complete, key=lambda run: (metric.gain(run.value or 0.0), -run.number), default=None)


def most_trials(study: StudyRecord, runs: Iterable[RunRecord]) -> int:
    """How many runs a study can have: each plan of its space once, and the host as often as it is planned."""
    plans = math.prod(len(tokens) for tokens in study.space.values())
    return plans - 1 + sum(run.plan == Plan() for run in runs)
