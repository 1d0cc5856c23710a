"""What of the runs of a study enters its evidence: plans as a design, values as a staircase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from ..choices import CONV, Plan
from ..config import ACCURACY, Metric
from ..facts import EndCause, RunState
from ..runs.results import EpochResult
from ..store import RunRecord, StudyRecord
from .missing import Matrix

__all__ = ["Cell", "Observed", "cells_of", "main_effects", "observe"]

Cell = tuple[str, str]
"""A site and the token of a choice there."""


@dataclass(frozen=True)
class Observed:
    """The runs that are used, and their values as gains.

    Attributes:
        complete: the complete runs that have a value.
        pruned: the runs that fell behind; none if they are left aside, as they are without a complete run.
        plans: of the complete runs, then of those pruned.
        outcomes: (plans, steps): at each epoch where a run was pruned, then at the end; NaN after that epoch.
    """

    complete: tuple[RunRecord, ...]
    pruned: tuple[RunRecord, ...]
    plans: tuple[Plan, ...]
    outcomes: Matrix

    def without_pruned(self) -> Observed:
        """The complete runs alone."""
        number = len(self.complete)
        return Observed(self.complete, (), self.plans[:number], self.outcomes[:number, -1:])


def observe(
    runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]], metric: Metric = ACCURACY
) -> Observed:
    """Gather what is used, from all runs of a study and, by run id, their recorded epochs.

    Runs that failed, diverged or did not fit in memory are not: that they ended tells of their plans what no
    recorded value does.
    """
    planned = [run for run in runs if run.plan is not None]
    complete = tuple(run for run in planned if isfinite(_end(run, metric)))
    pruned = tuple(run for run in planned if run.cause == EndCause.BEHIND and epochs.get(run.run_id))
    rungs = sorted({len(epochs[run.run_id]) for run in pruned})
    outcomes = np.full((len(complete + pruned), len(rungs) + 1), np.nan)
    for row, run in zip(outcomes, complete + pruned, strict=True):
        reached = [metric.gain(epoch.value) for epoch in epochs.get(run.run_id, ())]
        row[:-1] = [reached[rung - 1] if rung <= len(reached) else np.nan for rung in rungs]
        row[-1] = _end(run, metric)
    plans = tuple(run.plan for run in complete + pruned if run.plan is not None)
    seen = Observed(complete, pruned, plans, outcomes)
    # Complete runs alone tell how the end follows from a rung, and only with their epochs.
    told = bool(complete) and np.isfinite(outcomes[: len(complete)]).all()
    return seen if told else seen.without_pruned()


def cells_of(study: StudyRecord) -> list[Cell]:
    """Every choice at every site except ``conv``, in the order of the study's space."""
    return [(site, token) for site, tokens in study.space.items() for token in tokens if token != str(CONV)]


def main_effects(cells: Sequence[Cell], plans: Sequence[Plan]) -> Matrix:
    """The one-hot design: (plans, 1 + cells), with the host's column of ones first."""
    columns = {cell: column for column, cell in enumerate(cells, start=1)}
    design = np.zeros((len(plans), 1 + len(cells)))
    design[:, 0] = 1
    for row, plan in enumerate(plans):
        for cell in plan.tokens.items():
            if cell in columns:
                design[row, columns[cell]] = 1
    return design


def _end(run: RunRecord, metric: Metric) -> float:
    """Of a complete run, its value as a gain; NaN if it has none."""
    return metric.gain(run.value) if run.state == RunState.COMPLETE and run.value is not None else np.nan
