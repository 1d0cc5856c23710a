"""How far each study has come, in two cheap queries: whoever shows a study asks this before reading it all again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, inspect, select
from sqlalchemy.orm import Session

from .engine import READING
from .models import LookRow, RunRow, StudyRow
from .retry import repeatable
from .studies import Store


__all__ = ["Version", "versions"]


@dataclass(frozen=True)
class Version:
    """How far a study has come.

    Attributes:
        study_id: our own number of the study.
        text: changes with every run that is added, claimed, given back, planned or ended, with every epoch that is
            recorded, and with every look at the test images; it means nothing else.
    """

    study_id: int
    text: str


@repeatable
def versions(store: Store) -> dict[str, Version]:
    """Name of each study to its version, oldest study first."""
    if not store.exists():
        return {}
    running = func.sum(case((RunRow.state == "running", 1), else_=0))
    sums = (func.sum(RunRow.attempt), func.sum(RunRow.epoch), func.sum(RunRow.done), running)
    study = (StudyRow.study_id, StudyRow.name, StudyRow.created, StudyRow.trials)
    runs = (
        select(*study, func.count(RunRow.plan), *sums)
        .outerjoin(RunRow, RunRow.study_id == StudyRow.study_id)
        .group_by(*study)
        .order_by(StudyRow.study_id)
    )
    looks = select(LookRow.study_id, func.count(), func.count(LookRow.results)).group_by(LookRow.study_id)
    with Session(store.engine.execution_options(**{READING: True})) as session:
        # Older versions made no such table, and reading makes none.
        rows = (
            session.execute(looks) if inspect(session.connection()).has_table(LookRow.__tablename__) else ()
        )
        opened = {study_id: numbers for study_id, *numbers in rows}
        return {
            name: Version(study_id, _text([*numbers, *opened.get(study_id, (0, 0))]))
            for study_id, name, *numbers in session.execute(runs)
        }


def _text(numbers: Sequence[float | None]) -> str:
    return "-".join(f"{number or 0:.6f}".rstrip("0").rstrip(".") for number in numbers)
