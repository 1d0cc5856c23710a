"""How far each study has come, in two cheap queries: whoever shows a study asks this before reading it all again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from ..facts import RunState
from .models import RunRow, StudyRow, TestOpeningRow
from .retry import repeatable
from .studies import Store

__all__ = ["ChangeToken", "change_tokens"]


@dataclass(frozen=True)
class ChangeToken:
    """How far a study has come.

    Attributes:
        study_id: our own number of the study.
        parent_study_id: number of the search that a confirmation belongs to; None for a search.
        text: changes with every run that is added, claimed, given back, planned or ended, with every epoch that is
            recorded, and with every opening of the test split; it means nothing else.
    """

    study_id: int
    parent_study_id: int | None
    text: str


@repeatable
def change_tokens(store: Store) -> dict[str, ChangeToken]:
    """Name of each study to its token, oldest study first."""
    if not store.exists():
        return {}
    running = func.sum(case((RunRow.state == RunState.RUNNING.value, 1), else_=0))
    sums = (func.sum(RunRow.attempt), func.sum(RunRow.epoch), func.sum(RunRow.done), running)
    study = (StudyRow.study_id, StudyRow.parent_study_id, StudyRow.name, StudyRow.created, StudyRow.trials)
    runs = (
        select(*study, func.count(RunRow.plan), *sums)
        .outerjoin(RunRow, RunRow.study_id == StudyRow.study_id)
        .group_by(*study)
        .order_by(StudyRow.study_id)
    )
    opening = TestOpeningRow.study_id
    openings = select(opening, func.count(), func.count(TestOpeningRow.results)).group_by(opening)
    with Session(store.reading) as session:
        opened = {study_id: numbers for study_id, *numbers in session.execute(openings)}
        return {
            name: ChangeToken(number, parent, "-".join(f"{n or 0:.6f}" for n in (*rest, *opened.get(number, (0, 0)))))
            for number, parent, name, *rest in session.execute(runs)
        }
