"""Rows of what is new: what goes into the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..facts import Role, RunState
from ..runs.results import EpochResult
from .models import EpochRow, RunRow
from .records import NewRun

__all__ = ["epoch_row", "run_rows"]


def run_rows(study_id: int, first: int, runs: Sequence[NewRun]) -> list[RunRow]:
    """The rows of new runs of a study, which wait."""
    return [
        RunRow(
            study_id=study_id,
            number=number,
            role=Role(run.role).value,
            repeat=run.repeat,
            seed=run.seed,
            plan=None if run.plan is None else run.plan.to_json(),
            plan_digest=None if run.plan is None else run.plan.digest,
            parameters=run.parameters,
            macs=run.macs,
            state=RunState.WAITING.value,
            reason="",
            attempt=0,
            worker_id="",
            expires=0.0,
            epoch=0,
            done=0,
            facts="{}",
            stage=run.stage,
        )
        for number, run in enumerate(runs, start=first)
    ]


def epoch_row(run_id: int, attempt: int, result: EpochResult) -> EpochRow:
    """The row of an epoch. JSON has each number by its repr, from which the same one is read back."""
    return EpochRow(
        run_id=run_id,
        epoch=result.epoch,
        attempt=attempt,
        value=result.value,
        seconds=result.seconds,
        scores=json.dumps({name: float(score) for name, score in result.scores.items()}),
    )
