"""Studies in the database: opened, listed, read."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError, StorageError
from ..facts import RunState
from ..runs.results import EpochResult
from .databases import DATABASES
from .outage_history import OutageHistory
from .records import RunRecord, StudyRecord
from .retry import RETRY_SECONDS, RetryPolicy, reason, repeatable, retry
from .rows import epoch_result, run_record, study_record
from .study_database import StudyDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Store"]

T = TypeVar("T")
_EPOCHS = "FROM nas_epoch e JOIN nas_run r ON r.run_id = e.run_id"


class Store(StudyDatabase):
    """The study database.

    It fails at once when the database does not answer; `retrying` gives one that waits. Whoever reads waits for no
    writer; tables of an older version are read through a copy in memory, and stay as they are.

    Args:
        url: a storage URL, see `lrlc_nas.store.parse_url`.

    Raises:
        StorageError: if the URL is refused or the database does not answer.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._policy = RetryPolicy()
        self.outages = OutageHistory()  # of the same database there is one

    def retrying(self, seconds: float = RETRY_SECONDS, should_stop: Callable[[], bool] = lambda: False) -> Store:
        """The same database, for somebody who can wait while it does not answer.

        Args:
            seconds: for how long.
            should_stop: asked while waiting; True ends the waiting.
        """
        return self._with(RetryPolicy(seconds, should_stop))

    @property
    def retry_seconds(self) -> float:
        """For how many seconds this store waits."""
        return self._policy.seconds

    def within(self, seconds: float) -> Store:
        """The same database, for somebody who waits for so many seconds and tells of the outage in his own words."""
        return self._with(replace(self._policy, seconds=seconds, quiet=True))

    def retry(self, call: Callable[[], T], /) -> T:
        """Make a call that may be repeated, again and again until the database answers.

        Raises:
            StorageError: if it does not for as long as this store waits.
        """
        began = time.monotonic()
        try:
            result = retry(call, self._policy, self.shown)
        except StorageError:
            self.outages.failed(began)
            raise
        self.outages.answered(began)
        return result

    def exists(self) -> bool:
        """Whether the database holds tables of ours. Writes nothing, not even an empty file.

        Raises:
            StorageError: if the database does not answer or is of a newer version.
        """
        if self.is_empty_file():
            return False
        with self.answering():
            return self._has_tables()

    def has_optuna_study(self, name: str | None = None) -> bool:
        """Whether Optuna's tables, if they are there at all, hold a study of this name, or any. Writes nothing.

        Optuna's own classes write to an older database as soon as they open it.
        """
        if self.is_empty_file():
            return False
        from sqlalchemy import inspect, text  # see `StudyDatabase`

        query = text("SELECT COUNT(*) FROM studies WHERE study_name = COALESCE(:name, study_name)")
        query = query.bindparams(name=name)
        with self.answering(), self._reading.database.connect() as connection:
            there = inspect(connection)  # somebody else may have a table of studies as well
            whole = there.has_table("studies") and there.has_table("version_info")
            return whole and bool(connection.scalar(query))

    def is_optunas_alone(self, name: str) -> bool:
        """Whether a name is that of a study of Optuna's own, which this package did not start."""
        return name not in self.names() and self.has_optuna_study(name)

    def create(self) -> None:
        """Create the database file and our tables where they are missing."""
        from .schema import create_tables  # see `StudyDatabase`

        with self.answering():
            DATABASES[self.engine.dialect.name].create(self.engine)
            create_tables(self.engine)

    def names(self) -> list[str]:
        """The names of all studies, oldest first."""
        return self._names() if self.exists() else []

    def study(self, name: str) -> StudyRecord:
        """Read one study.

        Raises:
            InputError: if there is none of this name; the message lists those that are there.
        """
        if name not in (names := self.names()):
            there = f"it holds {', '.join(names)}" if names else "it holds no study"
            if self.has_optuna_study(name):
                there = "Optuna's tables hold one, which 'lrlc-nas show' and 'lrlc-nas report' read"
            raise InputError(f"no study {name!r} in {self.shown}; {there}")
        found = self._found("name", name)
        assert found is not None
        return found

    def confirmation_of(self, study: StudyRecord, circumstance: str = "") -> StudyRecord | None:
        """The confirmation of a search, or its challenge under a circumstance, whatever it is called; None without."""
        return self._found("parent_study_id", study.study_id, circumstance)

    def circumstances(self, study: StudyRecord) -> list[str]:
        """The circumstances under which the claims of a search were challenged, in their order."""
        query = "SELECT circumstance FROM nas_study WHERE parent_study_id = :study ORDER BY study_id"
        found = self.select(query, study=study.study_id)
        return [row.circumstance for row in found if row.circumstance]

    def search_of(self, study: StudyRecord) -> StudyRecord | None:
        """The search that a confirmation belongs to; None for a search."""
        return self._found("study_id", study.parent_study_id)

    @repeatable
    def runs(self, study: StudyRecord) -> list[RunRecord]:
        """All runs of a study, by number."""
        query = "SELECT * FROM nas_run WHERE study_id = :study ORDER BY number"
        return [run_record(row) for row in self.select(query, study=study.study_id)]

    @repeatable
    def epochs(self, study: StudyRecord) -> dict[int, list[EpochResult]]:
        """All recorded epochs of a study: run id to its epochs in order."""
        query = f"SELECT e.* {_EPOCHS} WHERE r.study_id = :study ORDER BY e.run_id, e.epoch"
        result: dict[int, list[EpochResult]] = {}
        for row in self.select(query, study=study.study_id):
            result.setdefault(row.run_id, []).append(epoch_result(row))
        return result

    @repeatable
    def items(self, study: StudyRecord) -> dict[int, NDArray[np.float64]]:
        """Run id to the scores of its samples after its last epoch, in the order of the split; only of runs with some.

        Raises:
            StorageError: if they are damaged.
        """
        query = (
            "SELECT i.run_id, i.items FROM nas_items i JOIN nas_run r ON r.run_id = i.run_id "
            "WHERE r.study_id = :study AND i.epoch = r.epoch - 1"
        )
        from ..runs.items import unpack_items  # NumPy is slow to import, and few who look ask for this

        return {row.run_id: unpack_items(row.items) for row in self.select(query, study=study.study_id)}

    @repeatable
    def run_epochs(self, run: RunRecord) -> list[EpochResult]:
        """The recorded epochs of one run, in order."""
        query = "SELECT * FROM nas_epoch WHERE run_id = :run ORDER BY epoch"
        return [epoch_result(row) for row in self.select(query, run=run.run_id)]

    @repeatable
    def last_ended(self, study: StudyRecord, number: int) -> list[RunRecord]:
        """The runs of a study that ended last, the very last first."""
        query = (
            "SELECT * FROM nas_run WHERE study_id = :study AND done = 1 "
            "ORDER BY finished DESC, number DESC LIMIT :number"
        )
        return [run_record(row) for row in self.select(query, study=study.study_id, number=number)]

    @repeatable
    def counts(self, study: StudyRecord) -> dict[str, int]:
        """State (a `RunState`) to number of runs."""
        query = "SELECT state, COUNT(*) AS runs FROM nas_run WHERE study_id = :study GROUP BY state"
        return {RunState(row.state): row.runs for row in self.select(query, study=study.study_id)}

    @repeatable
    def is_done(self, study: StudyRecord) -> bool:
        """Whether every run of a study that has a trial has ended."""
        query = "SELECT COUNT(*) AS runs FROM nas_run WHERE study_id = :study AND done = 0 AND trial_id IS NOT NULL"
        (row,) = self.select(query, study=study.study_id)
        return not row.runs

    @repeatable
    def values(self, study: StudyRecord, epoch: int) -> dict[int, float]:
        """Run id to the value of this epoch, for all runs of the study that have recorded it."""
        query = f"SELECT e.run_id, e.value {_EPOCHS} WHERE r.study_id = :study AND e.epoch = :epoch"
        return {row.run_id: row.value for row in self.select(query, study=study.study_id, epoch=epoch)}

    def is_empty_file(self) -> bool:
        """Whether this is a SQLite file that holds nothing yet, or is not even there."""
        return self.path is not None and (not self.path.exists() or self.path.stat().st_size == 0)

    def _with(self, policy: RetryPolicy) -> Store:
        _ = self._reading  # made before, so that both have the same
        other = copy.copy(self)
        other._policy = policy
        return other

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn what the database or its file objects to inside the block into `StorageError`."""
        try:
            yield
        except OSError as error:
            raise StorageError(f"storage {self.shown}: {error.strerror}: {error.filename}") from None
        except Exception as error:
            from sqlalchemy.exc import DBAPIError  # see `StudyDatabase`

            if not isinstance(error, DBAPIError):
                raise
            why = reason(error)
            raise StorageError(f"storage {self.shown}: the database does not answer: {why}") from None

    @repeatable
    def _has_tables(self) -> bool:
        if self.is_present():
            return True
        from .schema import has_tables, require_known_version

        with self._reading.database.connect() as connection:
            require_known_version(connection)
            return has_tables(connection)

    @repeatable
    def _names(self) -> list[str]:
        return [row.name for row in self.select("SELECT name FROM nas_study ORDER BY study_id")]

    @repeatable
    def _found(self, column: str, value: str | int | None, circumstance: str | None = None) -> StudyRecord | None:
        query = f"SELECT * FROM nas_study WHERE {column} = :value"  # noqa: S608 - ours
        if circumstance is None:
            found = self.select(query, value=value)
        else:
            found = self.select(f"{query} AND circumstance = :of", value=value, of=circumstance)
        if not found:
            return None
        (row,) = found
        sites = "SELECT * FROM nas_site WHERE study_id = :study ORDER BY position"
        return study_record(row, self.select(sites, study=row.study_id))
