"""Which way computed each layer: kept with the study, so that a training that goes on stays the same to the bit."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .engine import READING
from .models import PathRow
from .records import StudyRecord
from .studies import Store


__all__ = ["ComputePaths"]


class ComputePaths:
    """The paths that a study has chosen: a memory for `lrlc_nas.layers.remembering`.

    All workers of a study agree: the first that measures a situation decides it, and the choice is in the
    database before anything is computed with it.
    """

    def __init__(self, store: Store, study: StudyRecord) -> None:
        self._store, self._study_id = store, study.study_id
        self._known = self.all()

    def all(self) -> dict[str, str]:
        """The text of each situation that the study has met, to the path chosen in it."""
        return self._store.outlast(self._read)

    def get(self, situation: str, /) -> str | None:
        """The path of a situation that this process has met, or None."""
        return self._known.get(situation)

    def setdefault(self, situation: str, path: str, /) -> str:
        """Record a path unless another worker has recorded one, and return the recorded one."""
        with (
            self._store.answering()
        ):  # a layer asks, and trouble with the database is no fault of its network
            self._known[situation] = self._store.outlast(lambda: self._recorded(situation, path))
        return self._known[situation]

    def _recorded(self, situation: str, path: str) -> str:
        digest = hashlib.sha256(situation.encode()).hexdigest()
        row = PathRow(study_id=self._study_id, digest=digest, situation=situation, path=path)
        try:
            with Session(self._store.engine) as session, session.begin():
                session.add(row)
        except IntegrityError:
            return self._read()[situation]
        return path

    def _read(self) -> dict[str, str]:
        query = select(PathRow.situation, PathRow.path).where(PathRow.study_id == self._study_id)
        with Session(self._store.engine.execution_options(**{READING: True})) as session:
            return {row[0]: row[1] for row in session.execute(query)}
