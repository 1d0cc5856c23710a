"""What is added to the database: studies, and runs of a study."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..config import StudyConfig
from ..errors import InputError, LrlcNasError, StorageError
from ..fault_points import fault_point
from .engine import database_now
from .models import SiteRow, StudyRow
from .new_rows import run_rows
from .records import NewRun, SiteRecord, StudyRecord
from .retry import reason
from .studies import Store

__all__ = ["extend_study", "insert_study"]


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
        )
        session.add(study)
        try:
            session.flush()
        except IntegrityError as error:
            raise _taken(store, name, parent_study_id, error) from None
        geometries = [(site.name, json.dumps(site.geometry)) for site in sites]
        for position, (site, geometry) in enumerate(geometries):
            session.add(SiteRow(study_id=study.study_id, position=position, name=site, geometry=geometry))
        session.add_all(run_rows(study.study_id, 0, runs))
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
        session.add_all(run_rows(row.study_id, row.trials, runs[len(runs) - missing :]))
        row.trials = max(row.trials, total)
        session.flush()
        fault_point("total.commit")
    fault_point("total.stored")


def _taken(store: Store, name: str, parent_study_id: int | None, error: IntegrityError) -> LrlcNasError:
    """Which of the two keys of a study is taken; the names of keys are written otherwise in each database."""
    if name in store.names():
        return InputError(f"study {name!r} exists already in {store.shown}")
    if parent_study_id is not None:
        return InputError(f"study {name!r}: the search that it confirms has a confirmation already")
    return StorageError(f"storage {store.shown}: {reason(error)}")
