"""Rows and records: what of this package goes into the tables, and comes out of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from ..choices import Plan
from ..config import StudyConfig
from ..errors import InputError, StorageError
from ..facts import EndCause, Role, RunState
from ..runs.results import EpochResult
from .models import EpochRow, RunRow, SiteRow, StudyRow
from .records import NewRun, RunRecord, SiteRecord, StudyRecord

__all__ = ["epoch_result", "epoch_row", "run_record", "run_rows", "study_record"]

P = ParamSpec("P")
T = TypeVar("T")


def _whole_rows(make: Callable[P, T]) -> Callable[P, T]:
    """Let what this package never wrote into a row be one clear line.

    SQLite keeps any text in a column of numbers, and a number of a run is a part of a path.
    """

    @wraps(make)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return make(*args, **kwargs)
        except (TypeError, ValueError, AttributeError, ArithmeticError, OSError, RecursionError) as error:
            raise StorageError(f"the study database is damaged: {error}") from None

    return checked


@_whole_rows
def run_record(row: RunRow) -> RunRecord:
    """The record of a row.

    Raises:
        StorageError: if the row holds what this package never wrote.
    """
    return RunRecord(
        run_id=int(row.run_id),
        number=int(row.number),
        trial_id=row.trial_id,
        role=Role(row.role),
        repeat=row.repeat,
        seed=row.seed,
        plan=None if row.plan is None else Plan.from_json(row.plan),
        parameters=None if row.parameters is None else int(row.parameters),
        macs=None if row.macs is None else int(row.macs),
        state=RunState(row.state),
        reason=row.reason,
        value=None if row.value is None else float(row.value),
        attempt=int(row.attempt),
        worker_id=row.worker_id,
        epoch=int(row.epoch),
        started=_moment(row.started),
        finished=_moment(row.finished),
        facts=json.loads(row.facts),
        cause=None if row.cause is None else EndCause(row.cause),
        stage=int(row.stage),
    )


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


@_whole_rows
def study_record(row: StudyRow, sites: Iterable[SiteRow]) -> StudyRecord:
    """The record of a study and its sites; it raises as `run_record` does."""
    return StudyRecord(
        study_id=row.study_id,
        name=row.name,
        created=datetime.fromtimestamp(row.created, UTC),
        trials=int(row.trials),
        config=_config(row),
        space={site: tuple(tokens) for site, tokens in json.loads(row.space).items()},
        left_out=json.loads(row.left_out),
        refused=json.loads(row.refused),
        host_fingerprint=row.host_fingerprint,
        data_fingerprint=row.data_fingerprint,
        facts=json.loads(row.facts),
        files=row.files,
        sites=tuple(SiteRecord(site.name, json.loads(site.geometry)) for site in sites),
        parent_study_id=None if row.parent_study_id is None else int(row.parent_study_id),
    )


def _config(row: StudyRow) -> StudyConfig:
    try:
        return StudyConfig.from_json(row.config)
    except InputError as error:
        raise InputError(f"configuration of study {row.name!r}: {error}") from None


@_whole_rows
def epoch_result(row: EpochRow) -> EpochResult:
    """The result of an epoch; it raises as `run_record` does."""
    scores = {name: float(score) for name, score in json.loads(row.scores).items()}
    return EpochResult(int(row.epoch), float(row.value), float(row.seconds), scores)


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


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
