"""What the confirmation of a study and its challenges conclude, read from the database."""

from __future__ import annotations

from ..errors import InputError
from ..evidence.challenge import ChallengeResult, Trained, challenged, judge_challenges
from ..evidence.conclusion import Conclusion, conclude
from ..store import Store, StudyRecord

__all__ = ["concluded", "conclusion_of"]


def conclusion_of(store: Store, name: str) -> tuple[StudyRecord, Conclusion]:
    """The confirmation of a study, and what it concludes; the verdicts tell what challenges have shown.

    Raises:
        InputError: if there is no such study, or it has no confirmation.
    """
    search = store.study(name)
    study = store.confirmation_of(search)
    if study is None:
        raise InputError(f"study {name!r} has no confirmation yet; 'lrlc-nas confirm' trains its claims on fresh seeds")
    return study, concluded(store, search, study)[0]


def concluded(
    store: Store, search: StudyRecord, confirmation: StudyRecord
) -> tuple[Conclusion, tuple[ChallengeResult, ...]]:
    """What the confirmation of a search concludes, and the challenges of its claims that help, one for each of them."""
    conclusion = conclude(confirmation, store.runs(confirmation), store.items(confirmation))
    studies = [store.confirmation_of(search, circumstance) for circumstance in store.circumstances(search)]
    trained = [
        Trained(study, store.runs(study), store.epochs(study), store.items(study))
        for study in studies
        if study is not None
    ]
    results = judge_challenges(conclusion, trained)
    return challenged(conclusion, results), results
