"""Records of rows: what comes out of the tables. A row has its columns as attributes, whoever has read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..choices import Plan
from ..config import StudyConfig
from ..errors import InputError, StorageError
from ..facts import EndCause, Role, RunState
from ..runs.results import EpochResult
from .records import RunRecord, SiteRecord, StudyRecord

__all__ = ["epoch_result", "run_record", "study_record"]

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
def run_record(row: Any) -> RunRecord:
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


@_whole_rows
def study_record(row: Any, sites: Iterable[Any]) -> StudyRecord:
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
        circumstance=str(row.circumstance),
    )


def _config(row: Any) -> StudyConfig:
    try:
        return StudyConfig.from_json(row.config)
    except InputError as error:
        raise InputError(f"configuration of study {row.name!r}: {error}") from None


@_whole_rows
def epoch_result(row: Any) -> EpochResult:
    """The result of an epoch; it raises as `run_record` does."""
    scores = {name: float(score) for name, score in json.loads(row.scores).items()}
    return EpochResult(int(row.epoch), float(row.value), float(row.seconds), scores)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
