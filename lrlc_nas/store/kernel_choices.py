"""Which computation each layer uses: kept with the study, so that a resumed training stays the same to the bit."""

from __future__ import annotations

import hashlib

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .models import KernelChoiceRow
from .records import StudyRecord
from .studies import Store

__all__ = ["KernelChoices"]


class KernelChoices:
    """The computations that a study has chosen: a memory for `lrlc_nas.layers.remembering`.

    All workers of a study agree: the first that measures a situation decides it, and the choice is in the
    database before anything is computed with it.
    """

    def __init__(self, store: Store, study: StudyRecord) -> None:
        self._store, self._study_id = store, study.study_id
        self._known = self.all()

    def all(self) -> dict[str, str]:
        """The text of each situation that the study has met, to the computation chosen in it."""
        return self._store.retry(self._read)

    def get(self, situation: str, /) -> str | None:
        """The computation for a situation that this process has met, or None."""
        return self._known.get(situation)

    def setdefault(self, situation: str, computation: str, /) -> str:
        """Record a computation unless another worker has recorded one, and return the recorded one."""
        # A layer asks, and trouble with the database is no fault of its network.
        with self._store.answering():
            self._known[situation] = self._store.retry(lambda: self._recorded(situation, computation))
        return self._known[situation]

    def _recorded(self, situation: str, computation: str) -> str:
        digest = hashlib.sha256(situation.encode()).hexdigest()
        row = KernelChoiceRow(study_id=self._study_id, digest=digest, situation=situation, computation=computation)
        try:
            with Session(self._store.engine) as session, session.begin():
                session.add(row)
        except IntegrityError:
            return self._read()[situation]
        return computation

    def _read(self) -> dict[str, str]:
        query = "SELECT situation, computation FROM nas_kernel_choice WHERE study_id = :study"
        return {row.situation: row.computation for row in self._store.select(query, study=self._study_id)}
