"""Studies in the database: opened, created, listed, read."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, column, func, inspect, select, table
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from ..config import StudyConfig
from ..errors import InputError, LrlcNasError, StorageError
from ..facts import RunState
from ..fault_points import fault_point
from ..runs.results import EpochResult
from .databases import shown, sqlite_path
from .engine import create_database, database_now, make_engine
from .models import EpochRow, RunRow, SiteRow, StudyRow
from .older_tables import ReadingEngine
from .outage_history import OutageHistory
from .records import NewRun, RunRecord, SiteRecord, StudyRecord
from .retry import RETRY_SECONDS, RetryPolicy, reason, repeatable, retry
from .rows import epoch_result, run_record, run_rows, study_record
from .schema import create_tables, has_tables, require_known_version
from .url import parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Engine


__all__ = ["Store"]

T = TypeVar("T")


class Store:
    """The study database.

    It fails at once when the database does not answer; `retrying` gives one that waits.

    Args:
        url: a storage URL, see `lrlc_nas.store.parse_url`.

    Raises:
        StorageError: if the URL is refused or the database does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url: URL = parse_url(url)
        self.engine = make_engine(self.url)
        self._reading = ReadingEngine(self.engine)
        self._policy = RetryPolicy()
        self.outages = OutageHistory()  # of the same database there is one

    def retrying(self, seconds: float = RETRY_SECONDS, should_stop: Callable[[], bool] = lambda: False) -> Store:
        """The same database, for somebody who can wait while it does not answer.

        Args:
            seconds: for how long.
            should_stop: asked while waiting; True ends the waiting.
        """
        other = copy.copy(self)
        other._policy = RetryPolicy(seconds, should_stop)
        return other

    @property
    def retry_seconds(self) -> float:
        """For how many seconds this store waits."""
        return self._policy.seconds

    def within(self, seconds: float) -> Store:
        """The same database, for somebody who waits for so many seconds and tells of the outage in his own words."""
        other = copy.copy(self)
        other._policy = replace(self._policy, seconds=seconds, quiet=True)
        return other

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

    @property
    def reading(self) -> Engine:
        """For whoever only reads: he waits for no writer, and meets tables of the present version alone.

        Those of an older version are read through a copy in memory, and stay as they are.
        """
        return self._reading.engine()

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return shown(self.url)

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
        studies = table("studies", column("study_name"))
        query = select(func.count()).select_from(studies)
        query = query if name is None else query.where(studies.c.study_name == name)
        with self.answering(), self._reading.database.connect() as connection:
            there = inspect(connection)  # somebody else may have a table of studies as well
            whole = there.has_table(studies.name) and there.has_table("version_info")
            return whole and bool(connection.scalar(query))

    def is_optunas_alone(self, name: str) -> bool:
        """Whether a name is that of a study of Optuna's own, which this package did not start."""
        return name not in self.names() and self.has_optuna_study(name)

    def create(self) -> None:
        """Create the database file and our tables where they are missing."""
        with self.answering():
            create_database(self.engine)
            create_tables(self.engine)

    def add_study(
        self,
        *,
        name: str,
        config: StudyConfig,
        space: Mapping[str, Sequence[str]],
        left_out: Mapping[str, Mapping[str, str]],
        refused: Mapping[str, str],
        host_fingerprint: str,
        data_fingerprint: str,
        facts: Mapping[str, Any],
        files: str,
        sites: Sequence[SiteRecord],
        runs: Sequence[NewRun],
        parent_study_id: int | None = None,
    ) -> StudyRecord:
        """Add a study with all its runs, in one transaction.

        Raises:
            InputError: if a study of this name exists, or the search that it confirms has a confirmation.
        """
        with self.answering(), Session(self.engine) as session, session.begin():
            study = StudyRow(
                name=name,
                created=database_now(session.connection()),
                trials=len(runs),
                config=config.to_json(),
                space=json.dumps(space),
                left_out=json.dumps(left_out),
                refused=json.dumps(refused),
                host_fingerprint=host_fingerprint,
                data_fingerprint=data_fingerprint,
                facts=json.dumps(facts),
                files=files,
                parent_study_id=parent_study_id,
            )
            session.add(study)
            try:
                session.flush()
            except IntegrityError as error:
                raise self._taken(name, parent_study_id, error) from None
            geometries = [(site.name, json.dumps(site.geometry)) for site in sites]
            for position, (site, geometry) in enumerate(geometries):
                session.add(SiteRow(study_id=study.study_id, position=position, name=site, geometry=geometry))
            session.add_all(run_rows(study.study_id, 0, runs))
            session.flush()
            fault_point("study.commit")
        fault_point("study.stored")
        return self.study(name)

    def extend(self, study: StudyRecord, total: int, runs: Sequence[NewRun]) -> None:
        """Raise the total number of runs to `total` by appending as many of `runs` as are missing.

        Two processes that raise the total at once end with the larger one, not with the sum.
        """
        with self.answering(), Session(self.engine) as session, session.begin():
            row = session.get_one(StudyRow, study.study_id, with_for_update=True)
            missing = max(0, total - row.trials)
            session.add_all(run_rows(row.study_id, row.trials, runs[len(runs) - missing :]))
            row.trials = max(row.trials, total)
            session.flush()
            fault_point("total.commit")
        fault_point("total.stored")

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
        found = self._found(StudyRow.name == name)
        assert found is not None
        return found

    def confirmation_of(self, study: StudyRecord) -> StudyRecord | None:
        """The confirmation of a search, whatever it is called; None before there is one."""
        return self._found(StudyRow.parent_study_id == study.study_id)

    def search_of(self, study: StudyRecord) -> StudyRecord | None:
        """The search that a confirmation belongs to; None for a search."""
        return self._found(StudyRow.study_id == study.parent_study_id)

    @repeatable
    def runs(self, study: StudyRecord) -> list[RunRecord]:
        """All runs of a study, by number."""
        with Session(self.reading) as session:
            rows = session.scalars(select(RunRow).where(RunRow.study_id == study.study_id).order_by(RunRow.number))
            return [run_record(row) for row in rows]

    @repeatable
    def epochs(self, study: StudyRecord) -> dict[int, list[EpochResult]]:
        """All recorded epochs of a study: run id to its epochs in order."""
        query = (
            select(EpochRow)
            .join(RunRow, RunRow.run_id == EpochRow.run_id)
            .where(RunRow.study_id == study.study_id)
            .order_by(EpochRow.run_id, EpochRow.epoch)
        )
        result: dict[int, list[EpochResult]] = {}
        with Session(self.reading) as session:
            for row in session.scalars(query):
                result.setdefault(row.run_id, []).append(epoch_result(row))
        return result

    @repeatable
    def run_epochs(self, run: RunRecord) -> list[EpochResult]:
        """The recorded epochs of one run, in order."""
        query = select(EpochRow).where(EpochRow.run_id == run.run_id).order_by(EpochRow.epoch)
        with Session(self.reading) as session:
            return [epoch_result(row) for row in session.scalars(query)]

    @repeatable
    def last_ended(self, study: StudyRecord, number: int) -> list[RunRecord]:
        """The runs of a study that ended last, the very last first."""
        query = (
            select(RunRow)
            .where(RunRow.study_id == study.study_id, RunRow.done == 1)
            .order_by(RunRow.finished.desc(), RunRow.number.desc())
            .limit(number)
        )
        with Session(self.reading) as session:
            return [run_record(row) for row in session.scalars(query)]

    @repeatable
    def counts(self, study: StudyRecord) -> dict[str, int]:
        """State (a `RunState`) to number of runs."""
        query = select(RunRow.state, func.count()).where(RunRow.study_id == study.study_id).group_by(RunRow.state)
        with Session(self.reading) as session:
            return {RunState(row[0]): row[1] for row in session.execute(query)}

    @repeatable
    def is_done(self, study: StudyRecord) -> bool:
        """Whether every run of a study that has a trial has ended."""
        query = select(func.count()).where(
            RunRow.study_id == study.study_id, RunRow.done == 0, RunRow.trial_id.is_not(None)
        )
        with Session(self.reading) as session:
            return session.scalar(query) == 0

    @repeatable
    def values(self, study: StudyRecord, epoch: int) -> dict[int, float]:
        """Run id to the value of this epoch, for all runs of the study that have recorded it."""
        query = (
            select(EpochRow.run_id, EpochRow.value)
            .join(RunRow, RunRow.run_id == EpochRow.run_id)
            .where(RunRow.study_id == study.study_id, EpochRow.epoch == epoch)
        )
        with Session(self.reading) as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def is_empty_file(self) -> bool:
        """Whether this is a SQLite file that holds nothing yet, or is not even there."""
        path = sqlite_path(self.url)
        return path is not None and (not path.exists() or path.stat().st_size == 0)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn what the database or its file objects to inside the block into `StorageError`."""
        try:
            yield
        except DBAPIError as error:
            why = reason(error)
            raise StorageError(f"storage {self.shown}: the database does not answer: {why}") from None
        except OSError as error:
            raise StorageError(f"storage {self.shown}: {error.strerror}: {error.filename}") from None

    @repeatable
    def _has_tables(self) -> bool:
        with self._reading.database.connect() as connection:
            require_known_version(connection)
            return has_tables(connection)

    @repeatable
    def _names(self) -> list[str]:
        with Session(self.reading) as session:
            return list(session.scalars(select(StudyRow.name).order_by(StudyRow.study_id)))

    @repeatable
    def _found(self, condition: ColumnElement[bool]) -> StudyRecord | None:
        with Session(self.reading) as session:
            row = session.scalars(select(StudyRow).where(condition)).one_or_none()
            if row is None:
                return None
            sites = session.scalars(select(SiteRow).where(SiteRow.study_id == row.study_id).order_by(SiteRow.position))
            return study_record(row, sites)

    def _taken(self, name: str, parent_study_id: int | None, error: IntegrityError) -> LrlcNasError:
        """Which of the two keys of a study is taken; the names of keys are written otherwise in each database."""
        if name in self.names():
            return InputError(f"study {name!r} exists already in {self.shown}")
        if parent_study_id is not None:
            return InputError(f"study {name!r}: the search that it confirms has a confirmation already")
        return StorageError(f"storage {self.shown}: {reason(error)}")
