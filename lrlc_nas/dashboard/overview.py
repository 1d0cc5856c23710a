"""The studies of a database, a line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..search import best_run
from ..store import ChangeToken, Store, change_tokens
from .optuna_pages import optuna_ids

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

__all__ = ["Overview", "StudyLine", "states_text", "version_of"]

_ORDER = ("complete", "pruned", "failed", "running", "waiting")


@dataclass(frozen=True)
class StudyLine:
    """One study on the first page.

    Attributes:
        study_id: our own number of it, by which the addresses of its pages go.
        states: how many runs there are in each state.
        best: the best value of a complete run, `best_number`, with its metric; None before there is one.
        optuna: the number of its Optuna study; None if that was deleted.
        confirmation: the study that confirms it, if there is one.
    """

    study_id: int
    name: str
    host: str
    data: str
    states: Mapping[str, int]
    best: str | None
    best_number: int | None
    created: datetime
    optuna: int | None = None
    confirmation: StudyLine | None = None

    @property
    def text(self) -> str:
        """Its states as text."""
        return states_text(self.states)


class Overview:
    """Reads the lines of all studies, and those alone again that have changed."""

    def __init__(self, store: Store, storage: RDBStorage) -> None:
        self._store = store
        self._storage = storage
        self._known: dict[str, tuple[str, StudyLine]] = {}

    def lines(self) -> list[StudyLine]:
        """One line for each study, newest first; a confirmation stands in the line of its study."""
        now = change_tokens(self._store)
        ids = optuna_ids(self._storage)
        lines = {name: self._line(name, token.text, ids.get(name)) for name, token in now.items()}
        self._known = {name: (now[name].text, lines[name]) for name in now}
        confirmations = {token.parent_study_id: lines[name] for name, token in now.items() if not token.circumstance}
        return [
            replace(line, confirmation=confirmations.get(line.study_id))
            for name, line in reversed(lines.items())
            if now[name].parent_study_id is None
        ]

    def optunas_alone(self) -> dict[str, int]:
        """Name of each study that only Optuna knows, to the number that Optuna gave it."""
        ours = change_tokens(self._store)
        return {name: number for name, number in optuna_ids(self._storage).items() if name not in ours}

    def _line(self, name: str, version: str, optuna: int | None) -> StudyLine:
        known_version, line = self._known.get(name, ("", None))
        if line is not None and known_version == version and line.optuna == optuna:
            return line
        study = self._store.study(name)
        best = best_run(self._store.runs(study), study.metric)
        return StudyLine(
            study_id=study.study_id,
            name=name,
            host=study.config.host_name,
            data=study.config.data_name,
            states=self._store.counts(study),
            best=None if best is None or best.value is None else study.metric.named(best.value),
            best_number=None if best is None else best.number,
            created=study.created,
            optuna=optuna,
        )


def version_of(name: str, now: Mapping[str, ChangeToken]) -> str:
    """The version of what a page on a study shows: its own and that of its confirmation."""
    number = now[name].study_id
    return ".".join(token.text for token in now.values() if number in (token.study_id, token.parent_study_id))


def states_text(states: Mapping[str, int]) -> str:
    """How many runs there are in each state, as text: ``12 complete, 2 running``."""
    return ", ".join(f"{states[state]} {state}" for state in _ORDER if states.get(state)) or "none yet"
