"""How far each study has come, in two cheap queries: whoever shows a study asks this before reading it all again."""

from __future__ import annotations

from dataclasses import dataclass

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
        circumstance: see `StudyRecord`.
    """

    study_id: int
    parent_study_id: int | None
    text: str
    circumstance: str = ""


@repeatable
def change_tokens(store: Store) -> dict[str, ChangeToken]:
    """Name of each study to its token, oldest study first."""
    if not store.exists():
        return {}
    rows = store.select(
        "SELECT s.study_id, s.parent_study_id, s.circumstance, s.name, s.created, s.trials, COUNT(r.plan) AS plans, "
        "SUM(r.attempt) AS attempts, SUM(r.epoch) AS epochs, SUM(r.done) AS ended, "
        "SUM(CASE WHEN r.state = 'running' THEN 1 ELSE 0 END) AS running "
        "FROM nas_study s LEFT JOIN nas_run r ON r.study_id = s.study_id "
        "GROUP BY s.study_id, s.parent_study_id, s.circumstance, s.name, s.created, s.trials ORDER BY s.study_id"
    )
    openings = "SELECT study_id, COUNT(*) AS opened, COUNT(results) AS told FROM nas_test_opening GROUP BY study_id"
    opened = {row.study_id: (row.opened, row.told) for row in store.select(openings)}
    result = {}
    for row in rows:
        runs = (row.trials, row.plans, row.attempts, row.epochs, row.ended, row.running)
        numbers = (row.created, *runs, *opened.get(row.study_id, (0, 0)))
        token = "-".join(f"{number or 0:.6f}" for number in numbers)
        result[row.name] = ChangeToken(row.study_id, row.parent_study_id, token, row.circumstance)
    return result
