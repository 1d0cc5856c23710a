"""The looks at the sealed test images: each opening is recorded before an image is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from .engine import READING, database_now
from .models import LookRow
from .records import StudyRecord
from .retry import repeatable
from .studies import Store


__all__ = ["LookRecord", "add_look", "looks", "record_results"]


@dataclass(frozen=True)
class LookRecord:
    """One opening of the test split.

    Attributes:
        look_id: our own number of it.
        opened: when, UTC.
        subject: what was to be tested: plain JSON values.
        results: what was found; None if it was never finished, though the images may have been read.
    """

    look_id: int
    opened: datetime
    subject: Mapping[str, Any]
    results: Mapping[str, Any] | None


def add_look(store: Store, study: StudyRecord, subject: Mapping[str, Any]) -> LookRecord:
    """Record that the test split is about to be opened.

    It is not tried again: the answer may be lost after it is recorded, and one opening shall not count twice.
    """
    with store.answering(), Session(store.engine) as session, session.begin():
        row = LookRow(study_id=study.study_id, subject=json.dumps(subject), results=None)
        row.opened = database_now(session.connection())
        session.add(row)
        session.flush()
        return _record(row)


@repeatable
def record_results(store: Store, look: LookRecord, results: Mapping[str, Any]) -> None:
    """Record what a look has found."""
    with Session(store.engine) as session, session.begin():
        session.get_one(LookRow, look.look_id).results = json.dumps(results)


@repeatable
def looks(store: Store, study: StudyRecord) -> list[LookRecord]:
    """All openings of the test split for a study, the first one first."""
    query = select(LookRow).where(LookRow.study_id == study.study_id).order_by(LookRow.look_id)
    with Session(store.engine.execution_options(**{READING: True})) as session:
        return [_record(row) for row in session.scalars(query)]


def _record(row: LookRow) -> LookRecord:
    return LookRecord(
        look_id=row.look_id,
        opened=datetime.fromtimestamp(row.opened, UTC),
        subject=json.loads(row.subject),
        results=None if row.results is None else json.loads(row.results),
    )
