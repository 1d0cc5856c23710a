"""Optuna's side of a study: each of our runs is one of its trials.

Our tables are the truth; what stands here follows them. Every call may be repeated, so that a worker killed
between two of them leaves nothing that the next one does not mend. While the database does not answer, workers wait
here as they do for our own tables, which are in the same place: so Optuna's side misses nothing.

The methods of Optuna's storage are used; `study.ask` is not enough, because it takes several transactions and a kill
between them leaves an orphan.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import SCHEMA_VERSION, BaseModel
from optuna.trial import FrozenTrial, TrialState, create_trial

from ..choices import Plan
from ..errors import InputError
from ..facts import RunState
from ..fault_points import fault_point
from ..runs.results import EpochResult
from ..store import (
    OptunaSchema,
    RunRecord,
    Store,
    StudyRecord,
    engine_options,
    harden,
    make_optuna_tables,
    repeatable,
    require_optuna_schema,
    set_trial,
)

__all__ = ["OptunaView", "create_optuna_tables", "open_storage", "optuna_study", "require_optuna"]

_STATES = {RunState.COMPLETE: TrialState.COMPLETE, RunState.PRUNED: TrialState.PRUNED, RunState.FAILED: TrialState.FAIL}
_NUMBER = "slot"  # as all versions have called it

Direction = Literal["maximize", "minimize"]
T = TypeVar("T")


class OptunaView:
    """The Optuna study that belongs to one of our studies; each site is one categorical parameter of the trials.

    With `create`, a direction, Optuna's tables and its study are made where they are missing.

    Raises:
        InputError: if Optuna has no study of this name and `create` is None.
        StorageError: if Optuna's tables are of another version than Optuna itself.
    """

    def __init__(
        self, store: Store, name: str, space: Mapping[str, tuple[str, ...]], *, create: Direction | None = None
    ) -> None:
        self.space = {site: CategoricalDistribution(tokens) for site, tokens in space.items()}
        self._store = store
        if create:
            create_optuna_tables(store)
        else:
            require_optuna(store)
        self._storage = self.retry(lambda: _open_hardened(store))
        if create:
            self.study = self.retry(
                lambda: optuna.create_study(
                    study_name=name, storage=self._storage, direction=create, load_if_exists=True
                )
            )
        else:
            try:
                self.study = self.retry(lambda: optuna.load_study(study_name=name, storage=self._storage))
            except KeyError:
                raise InputError(f"study {name!r}: its Optuna study was deleted from {store.shown}") from None

    def retry(self, call: Callable[[], T], /) -> T:
        """Make a call that may be repeated and asks Optuna, for as long as the store retries.

        Raises:
            StorageError: if the database does not answer for so long.
        """
        return self._store.retry(call)

    def within(self, seconds: float) -> OptunaView:
        """The same trials, for somebody who waits for at most so many seconds; see `Store.within`."""
        other = copy.copy(self)
        other._store = self._store.within(seconds)
        return other

    def add_trials(self, store: Store, study: StudyRecord, runs: Iterable[RunRecord]) -> None:
        """Give every run that has none its trial, waiting."""
        missing = [run for run in runs if run.trial_id is None]
        if not missing:
            return
        # Whoever made them before may have been killed before it could tie them to their runs.
        known: dict[int, int] = {}
        for trial in self._trials():
            number = _number_of(trial)
            if number is not None and not trial.state.is_finished():
                known.setdefault(number, trial._trial_id)
        for run in missing:
            trial_id = known.get(run.number)
            if trial_id is None:
                trial_id = self._new_trial(run)
                fault_point("trial.made")
            if not set_trial(store, study, run.number, trial_id):
                self._fail(trial_id)  # another process has tied this run to another trial in the same moment
            fault_point("trial.tied")

    @repeatable
    def begin(self, run: RunRecord) -> FrozenTrial:
        """Set the trial of a claimed run running; it may run already."""
        assert run.trial_id is not None
        fault_point("running.before")
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_state_values(run.trial_id, TrialState.RUNNING)
        fault_point("running.after")
        return self._storage.get_trial(run.trial_id)

    @repeatable
    def show_plan(self, run: RunRecord, attributes: Mapping[str, object]) -> None:
        """Write the plan of a run as the trial's parameters, and some attributes for Optuna's dashboard."""
        assert run.trial_id is not None
        assert run.plan is not None
        with suppress(UpdateFinishedTrialError):
            for site, token in self._params(run.plan).items():
                distribution = self.space[site]
                index = distribution.to_internal_repr(token)
                self._storage.set_trial_param(run.trial_id, site, index, distribution)
            for key, value in attributes.items():
                self._storage.set_trial_user_attr(run.trial_id, key, value)

    @repeatable
    def report(self, run: RunRecord, epoch: int, value: float) -> None:
        """Report the value of one epoch."""
        assert run.trial_id is not None
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_intermediate_value(run.trial_id, epoch, value)

    @repeatable
    def end(self, run: RunRecord) -> None:
        """End the trial of a run that has ended."""
        assert run.trial_id is not None
        if run.reason:
            with suppress(UpdateFinishedTrialError):
                self._storage.set_trial_user_attr(run.trial_id, "reason", run.reason[:1000])
        # Optuna takes no value for a failed trial.
        values = None if run.value is None or run.state == RunState.FAILED else [run.value]
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_state_values(run.trial_id, _STATES[run.state], values)

    @repeatable
    def catch_up(self, runs: Iterable[RunRecord], epochs: Mapping[int, list[EpochResult]]) -> None:
        """End every trial whose run has ended, with all that is recorded of it, and those that no run can have."""
        runs = list(runs)
        tied = {run.number: run.trial_id for run in runs}
        open_trials = {trial._trial_id: trial for trial in self._trials() if not trial.state.is_finished()}
        for trial_id, trial in open_trials.items():
            # Its maker was killed after another process had tied the run to another trial.
            number = _number_of(trial)
            if number is not None and tied.get(number) not in (None, trial_id):
                self._fail(trial_id)
        for run in runs:
            if run.state not in _STATES or run.trial_id not in open_trials:
                continue
            self.begin(run)
            if run.plan is not None:
                self.show_plan(run, {})
            for epoch in epochs.get(run.run_id, []):
                self.report(run, epoch.epoch, epoch.value)
            self.end(run)

    def close(self) -> None:
        """Close the connections to the database; the next call opens them again."""
        self._storage.engine.dispose()

    @repeatable
    def _fail(self, trial_id: int) -> None:
        """End a trial that no run can have; whoever else saw that may have ended it."""
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)

    @repeatable
    def _new_trial(self, run: RunRecord) -> int:
        """Make a trial; a second one if the answer to the first try was lost, which is left to `catch_up`."""
        waiting = create_trial(
            state=TrialState.WAITING, user_attrs={_NUMBER: run.number, "role": run.role.value}, system_attrs={}
        )
        return self._storage.create_new_trial(self.study._study_id, template_trial=waiting)

    def _params(self, plan: Plan) -> dict[str, str]:
        return {site: plan.at(site).token for site in self.space}

    @repeatable
    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)


def create_optuna_tables(store: Store) -> None:
    """Create Optuna's tables where they are missing.

    Raises:
        StorageError: if there are tables of another version than Optuna itself.
    """
    make_optuna_tables(store, _schema())


def require_optuna(store: Store) -> None:
    """Refuse Optuna's tables of another version, before anything is written.

    Raises:
        StorageError: if there are such.
    """
    require_optuna_schema(store, _schema())


def _schema() -> OptunaSchema:
    scripts = Path(optuna.storages._rdb.__file__).parent / "alembic"
    return OptunaSchema(optuna.__version__, SCHEMA_VERSION, scripts, BaseModel.metadata)


def _number_of(trial: FrozenTrial) -> int | None:
    """The number of a trial; the user's own trials have none."""
    number = trial.user_attrs.get(_NUMBER)
    return number if isinstance(number, int) else None


def open_storage(store: Store) -> RDBStorage:
    """Optuna's storage in the same database, whose tables are there."""
    optuna.logging.set_verbosity(logging.WARNING)
    url = store.url.render_as_string(hide_password=False)
    return RDBStorage(
        url.replace("{", "{{").replace("}", "}}"),  # Optuna takes the URL for a template
        engine_kwargs=engine_options(store.url),
        skip_compatibility_check=True,  # it comes after the first write, and takes longer than all else here
        skip_table_creation=True,
    )


@contextmanager
def optuna_study(store: Store, name: str) -> Iterator[optuna.Study]:
    """A study that Optuna's tables hold, whoever made it, while it is read."""
    storage = open_storage(store)
    try:
        yield optuna.load_study(study_name=name, storage=storage)
    finally:
        storage.engine.dispose()


def _open_hardened(store: Store) -> RDBStorage:
    storage = open_storage(store)
    harden(storage.engine)
    return storage
