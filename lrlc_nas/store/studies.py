"""Studies in the database: opened, created, listed, read."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import column, func, inspect, select, table
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from ..config import StudyConfig
from ..errors import InputError, StorageError
from ..fault_points import fault_point
from .engine import READING, create_sqlite_file, database_now, make_engine
from .models import EpochRow, RunRow, SiteRow, StudyRow
from .outage_history import Hearing
from .records import EpochRecord, NewRun, RunRecord, SiteRecord, StudyRecord
from .retry import PATIENCE_SECONDS, Patience, outlast, reason, repeatable
from .rows import epoch_record, run_record, run_rows, study_record
from .schema import create_tables, has_tables, require_known_version
from .url import parse_url, shown, sqlite_path


if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL


__all__ = ["Store"]

T = TypeVar("T")


class Store:
    """The study database.

    It fails at once when the database does not answer; `patient` gives one that waits.

    Args:
        url: a storage URL, see `lrlc_nas.store.parse_url`.

    Raises:
        StorageError: if the URL is refused or the database does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url: URL = parse_url(url)
        self.engine = make_engine(self.url)
        self._reading = self.engine.execution_options(**{READING: True})
        self._patience = Patience()
        self.hearing = Hearing()  # of the same database there is one

    def patient(
        self, seconds: float = PATIENCE_SECONDS, should_stop: Callable[[], bool] = lambda: False
    ) -> Store:
        """The same database, for somebody who can wait while it does not answer.

        Args:
            seconds: for how long.
            should_stop: asked while waiting; True ends the patience.
        """
        other = copy.copy(self)
        other._patience = Patience(seconds, should_stop)
        return other

    @property
    def patience(self) -> float:
        """For how many seconds this store waits."""
        return self._patience.seconds

    def within(self, seconds: float) -> Store:
        """The same database, for somebody who waits for so many seconds and tells of the outage in his own words."""
        other = copy.copy(self)
        other._patience = replace(self._patience, seconds=seconds, quiet=True)
        return other

    def outlast(self, call: Callable[[], T], /) -> T:
        """Make a call that may be repeated, again and again until the database answers.

        Raises:
            StorageError: if it does not for as long as this store is patient.
        """
        began = time.monotonic()
        try:
            result = outlast(call, self._patience, self.shown)
        except StorageError:
            self.hearing.failed(began)
            raise
        self.hearing.answered(began)
        return result

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

    def has_optuna_study(self, name: str) -> bool:
        """Whether Optuna's tables, if they are there at all, hold a study of this name. Writes nothing.

        Optuna's own classes write to an older database as soon as they open it.
        """
        if self.is_empty_file():
            return False
        studies = table("studies", column("study_name"))
        query = select(func.count()).select_from(studies).where(studies.c.study_name == name)
        with self.answering(), self._reading.connect() as connection:
            return inspect(connection).has_table(studies.name) and bool(connection.scalar(query))

    def create(self) -> None:
        """Create the database file and our tables where they are missing."""
        with self.answering():
            create_sqlite_file(self.engine)
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
    ) -> StudyRecord:
        """Add a study with all its runs, in one transaction.

        Raises:
            InputError: if a study of this name exists.
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
            )
            session.add(study)
            try:
                session.flush()
            except IntegrityError:
                raise InputError(f"study {name!r} exists already in {self.shown}") from None
            for position, site in enumerate(sites):
                row = SiteRow(study_id=study.study_id, position=position, name=site.name)
                row.geometry = json.dumps(site.geometry)
                session.add(row)
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
        names = self.names()
        if name not in names:
            there = f"it holds {', '.join(names)}" if names else "it holds no study"
            raise InputError(f"no study {name!r} in {self.shown}; {there}")
        return self._study(name)

    @repeatable
    def runs(self, study: StudyRecord) -> list[RunRecord]:
        """All runs of a study, by slot."""
        with Session(self._reading) as session:
            rows = session.scalars(
                select(RunRow).where(RunRow.study_id == study.study_id).order_by(RunRow.slot)
            )
            return [run_record(row) for row in rows]

    @repeatable
    def epochs(self, study: StudyRecord) -> dict[int, list[EpochRecord]]:
        """All recorded epochs of a study: run id to its epochs in order."""
        query = (
            select(EpochRow)
            .join(RunRow, RunRow.run_id == EpochRow.run_id)
            .where(RunRow.study_id == study.study_id)
            .order_by(EpochRow.run_id, EpochRow.epoch)
        )
        result: dict[int, list[EpochRecord]] = {}
        with Session(self._reading) as session:
            for row in session.scalars(query):
                result.setdefault(row.run_id, []).append(epoch_record(row))
        return result

    @repeatable
    def run_epochs(self, run: RunRecord) -> list[EpochRecord]:
        """The recorded epochs of one run, in order."""
        query = select(EpochRow).where(EpochRow.run_id == run.run_id).order_by(EpochRow.epoch)
        with Session(self._reading) as session:
            return [epoch_record(row) for row in session.scalars(query)]

    @repeatable
    def last_ended(self, study: StudyRecord, number: int) -> list[RunRecord]:
        """The runs of a study that ended last, the very last first."""
        query = (
            select(RunRow)
            .where(RunRow.study_id == study.study_id, RunRow.done == 1)
            .order_by(RunRow.finished.desc(), RunRow.slot.desc())
            .limit(number)
        )
        with Session(self._reading) as session:
            return [run_record(row) for row in session.scalars(query)]

    @repeatable
    def counts(self, study: StudyRecord) -> dict[str, int]:
        """State to number of runs."""
        query = (
            select(RunRow.state, func.count()).where(RunRow.study_id == study.study_id).group_by(RunRow.state)
        )
        with Session(self._reading) as session:
            return {row[0]: row[1] for row in session.execute(query)}

    @repeatable
    def is_done(self, study: StudyRecord) -> bool:
        """Whether every run of a study that has a trial has ended."""
        query = select(func.count()).where(
            RunRow.study_id == study.study_id, RunRow.done == 0, RunRow.trial_id.is_not(None)
        )
        with Session(self._reading) as session:
            return session.scalar(query) == 0

    @repeatable
    def accuracies(self, study: StudyRecord, epoch: int) -> dict[int, float]:
        """Run id to accuracy on the search split, for all runs of the study that have recorded this epoch."""
        query = (
            select(EpochRow.run_id, EpochRow.accuracy)
            .join(RunRow, RunRow.run_id == EpochRow.run_id)
            .where(RunRow.study_id == study.study_id, EpochRow.epoch == epoch)
        )
        with Session(self._reading) as session:
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
        with self._reading.connect() as connection:
            require_known_version(connection)
            return has_tables(connection)

    @repeatable
    def _names(self) -> list[str]:
        with Session(self._reading) as session:
            return list(session.scalars(select(StudyRow.name).order_by(StudyRow.study_id)))

    @repeatable
    def _study(self, name: str) -> StudyRecord:
        with Session(self._reading) as session:
            row = session.scalars(select(StudyRow).where(StudyRow.name == name)).one()
            sites = session.scalars(
                select(SiteRow).where(SiteRow.study_id == row.study_id).order_by(SiteRow.position)
            )
            return study_record(row, sites)
