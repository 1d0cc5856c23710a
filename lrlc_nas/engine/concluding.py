"""What the confirmation of a study and its challenges conclude, read from the database."""

from __future__ import annotations

from ..errors import InputError
from ..evidence.challenge import ChallengeResult, Trained, judge_challenges
from ..evidence.conclusion import Conclusion, conclude
from ..store import Store, StudyRecord

__all__ = ["challenges_of", "conclusion_of"]


def conclusion_of(store: Store, name: str) -> tuple[StudyRecord, Conclusion]:
    """The confirmation of a study, and what it concludes.

    Raises:
        InputError: if there is no such study, or it has no confirmation.
    """
    study = store.confirmation_of(store.study(name))
    if study is None:
        raise InputError(f"study {name!r} has no confirmation yet; 'lrlc-nas confirm' trains its claims on fresh seeds")
    return study, conclude(study, store.runs(study), store.items(study))


def challenges_of(store: Store, search: StudyRecord, conclusion: Conclusion) -> tuple[ChallengeResult, ...]:
    """What the challenges of the confirmed claims of a search have told so far, one result for each claim."""
    studies = [store.confirmation_of(search, circumstance) for circumstance in store.circumstances(search)]
    trained = [
        Trained(study, store.runs(study), store.epochs(study), store.items(study))
        for study in studies
        if study is not None
    ]
    return judge_challenges(conclusion, trained)
