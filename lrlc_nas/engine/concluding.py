"""What the confirmation of a study concludes, read from the database."""

from __future__ import annotations

from ..errors import InputError
from ..evidence.conclusion import Conclusion, conclude
from ..store import Store, StudyRecord

__all__ = ["conclusion_of"]


def conclusion_of(store: Store, name: str) -> tuple[StudyRecord, Conclusion]:
    """The confirmation of a study, and what it concludes.

    Raises:
        InputError: if there is no such study, or it has no confirmation.
    """
    study = store.confirmation_of(store.study(name))
    if study is None:
        raise InputError(f"study {name!r} has no confirmation yet; 'lrlc-nas confirm' trains its claims on fresh seeds")
    return study, conclude(study, store.runs(study), store.items(study))
