"""What is added to the database: studies, runs of a study, and openings of the test split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..config import StudyConfig
from ..errors import InputError, LrlcNasError, StorageError
from ..facts import Role, RunState
from ..fault_points import fault_point
from .engine import database_now
from .models import RunRow, SiteRow, StudyRow, TestOpeningRow
from .records import NewRun, SiteRecord, StudyRecord
from .retry import reason, repeatable
from .studies import Store
from .test_openings import TestOpening, opening_record

__all__ = ["add_test_opening", "extend_study", "insert_study", "record_results"]


def insert_study(
    store: Store,
    *,
    name: str,
    config: StudyConfig,
    space: Mapping[str, Sequence[str]],
    left_out: Mapping[str, Mapping[str, str]],
    refused: Mapping[str, str],
    host_fingerprint: str,
    data_fingerprint: str,
    facts: Mapping[str, Any],
    files: str,
    sites: Sequence[SiteRecord],
    runs: Sequence[NewRun],
    parent_study_id: int | None = None,
    circumstance: str = "",
) -> StudyRecord:
    """Insert a study with all its runs, in one transaction.

    Raises:
        InputError: if a study of this name exists, or the search that it confirms has a confirmation.
    """
    with store.answering(), Session(store.engine) as session, session.begin():
        study = StudyRow(
            name=name,
            created=database_now(session.connection()),
            trials=len(runs),
            config=config.to_json(),
            space=json.dumps(space),
            left_out=json.dumps(left_out),
            refused=json.dumps(refused),
            host_fingerprint=host_fingerprint,
            data_fingerprint=data_fingerprint,
            facts=json.dumps(facts),
            files=files,
            parent_study_id=parent_study_id,
            circumstance=circumstance,
        )
        session.add(study)
        try:
            session.flush()
        except IntegrityError as error:
            raise _taken(store, name, parent_study_id, error) from None
        geometries = [(site.name, json.dumps(site.geometry)) for site in sites]
        for position, (site, geometry) in enumerate(geometries):
            session.add(SiteRow(study_id=study.study_id, position=position, name=site, geometry=geometry))
        session.add_all(_run_rows(study.study_id, 0, runs))
        session.flush()
        fault_point("study.commit")
    fault_point("study.stored")
    return store.study(name)


def extend_study(store: Store, study: StudyRecord, total: int, runs: Sequence[NewRun]) -> None:
    """Raise the total number of runs to `total` by appending as many of `runs` as are missing.

    Two processes that raise the total at once end with the larger one, not with the sum.
    """
    with store.answering(), Session(store.engine) as session, session.begin():
        row = session.get_one(StudyRow, study.study_id, with_for_update=True)
        missing = max(0, total - row.trials)
        session.add_all(_run_rows(row.study_id, row.trials, runs[len(runs) - missing :]))
        row.trials = max(row.trials, total)
        session.flush()
        fault_point("total.commit")
    fault_point("total.stored")


def add_test_opening(store: Store, study: StudyRecord, subject: Mapping[str, Any]) -> TestOpening:
    """Record that the test split is about to be opened.

    It is not tried again: the answer may be lost after it is recorded, and one opening shall not count twice.
    """
    with store.answering(), Session(store.engine) as session, session.begin():
        row = TestOpeningRow(study_id=study.study_id, subject=json.dumps(subject), results=None)
        row.opened = database_now(session.connection())
        session.add(row)
        session.flush()
        return opening_record(row)


@repeatable
def record_results(store: Store, opening: TestOpening, results: Mapping[str, Any]) -> None:
    """Record what an opening has found."""
    with Session(store.engine) as session, session.begin():
        session.get_one(TestOpeningRow, opening.opening_id).results = json.dumps(results)


def _run_rows(study_id: int, first: int, runs: Sequence[NewRun]) -> list[RunRow]:
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


def _taken(store: Store, name: str, parent_study_id: int | None, error: IntegrityError) -> LrlcNasError:
    """Which of the two keys of a study is taken; the names of keys are written otherwise in each database."""
    if name in store.names():
        return InputError(f"study {name!r} exists already in {store.shown}")
    if parent_study_id is not None:
        return InputError(f"study {name!r}: the search that it confirms has a confirmation already")
    return StorageError(f"storage {store.shown}: {reason(error)}")
