"""The life of a study: started once, resumed as often as needed, its total raised when the user wants more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ..config import StudyConfig
from ..errors import InputError
from ..facts import Role
from ..references import import_function, is_reference
from ..search.best_run import most_trials
from ..search.initial_design import balanced_block
from ..search.optuna_view import OptunaView, create_optuna_tables, require_optuna
from ..store import NewRun, Store, StudyRecord, extend_study, insert_study, release_dead
from .compatibility import require_unchanged, sources, versions
from .folders import files_folder
from .preparation import Prepared, prepare
from .retention import remove_superfluous

__all__ = ["OpenStudy", "add_study", "catch_up", "open_study", "resume_study", "start_study"]


@dataclass(frozen=True)
class OpenStudy:
    """A study with all that its workers need."""

    store: Store
    record: StudyRecord
    prepared: Prepared


def start_study(store: Store, config: StudyConfig) -> OpenStudy:
    """Create a study with all its runs waiting; nothing is written before everything is checked.

    Raises:
        InputError: if the name is taken, or anything in the configuration is wrong.
    """
    if config.name in store.names():
        raise InputError(
            f"study {config.name!r} exists already in {store.shown}; "
            f"'lrlc-nas resume' continues it, --name gives this one another name"
        )
    if store.has_optuna_study(config.name):
        raise InputError(
            f"study {config.name!r}: {store.shown} holds an Optuna study of this name that lrlc-nas did not make"
        )
    require_optuna(store)
    config = config.with_absolute_paths()
    for hook in config.hooks:
        import_function(hook)
    prepared = prepare(config)
    return add_study(store, prepared, _planned_runs(prepared))


def add_study(
    store: Store,
    prepared: Prepared,
    runs: Sequence[NewRun],
    facts: Mapping[str, Any] | None = None,
    parent: StudyRecord | None = None,
    circumstance: str = "",
) -> OpenStudy:
    """Write a study with all its runs waiting.

    Args:
        store: the study database.
        prepared: what the study is.
        runs: all that are planned, or left to the sampler.
        facts: what the report tells besides the facts of `prepared`.
        parent: the search that it confirms; None for a search.
        circumstance: under which it challenges the claims of the confirmation; empty for all others.
    """
    config = prepared.config
    require_optuna(store)
    store.create()
    create_optuna_tables(store)
    record = insert_study(
        store,
        name=config.name,
        config=config,
        space=prepared.space.tokens,
        left_out=prepared.space.left_out,
        refused=prepared.survey.refused,
        host_fingerprint=prepared.host_fingerprint,
        data_fingerprint=prepared.data_fingerprint,
        facts={"versions": versions(), "sources": sources(config), **prepared.facts, **(facts or {})},
        files=str(files_folder(store)),
        sites=prepared.site_records,
        runs=runs,
        parent_study_id=None if parent is None else parent.study_id,
        circumstance=circumstance,
    )
    study = OpenStudy(store, record, prepared)
    catch_up(study)
    return study


def open_study(store: Store, name: str, *, looking: bool = False) -> OpenStudy:
    """Read a study back and check that data, host and space are still those that it recorded.

    Args:
        store: the study database.
        name: of the study.
        looking: for somebody who only looks: nothing that the study names is imported or fetched, because whoever
            writes to the database can name anything.

    Raises:
        InputError: if there is no such study, something has changed (the message names the difference), or
            somebody who only looks would run the functions that the study names.
    """
    record = store.study(name)
    prepared = prepare(_without_foreign_code(record.config) if looking else record.config)
    require_unchanged(record, prepared)
    return OpenStudy(store, record, prepared)


def resume_study(store: Store, name: str, trials: int | None = None) -> OpenStudy:
    """Make a study ready to go on, with a larger total if asked.

    Claims of workers that have died on this machine are given back at once; others expire by themselves.

    Raises:
        InputError: as `open_study`; or if `trials` is below the present total or above what the space holds.
    """
    study = open_study(store, name)
    require_optuna(store)
    store.create()  # an older version may have made the tables
    if trials is not None:
        _raise_total(study, trials)
    release_dead(store, study.record)
    catch_up(study)
    return OpenStudy(store, store.study(name), study.prepared)


def catch_up(study: OpenStudy) -> None:
    """Bring Optuna's side, and the files, to where our tables stand."""
    store, record = study.store, study.record
    with closing(OptunaView(store, record.name, record.space, create=record.metric.direction)) as view:
        view.add_trials(store, record, store.runs(record))
        view.catch_up(store.runs(record), store.epochs(record))
    remove_superfluous(store, record)


def _without_foreign_code(config: StudyConfig) -> StudyConfig:
    """The same study, which fetches nothing; refused if task, host, images or a choice are a function of somebody's."""
    named_by = [("task", config.task.name), ("host", config.host.name), ("data", config.data.name)]
    named_by += [("choice", token) for token in config.space.choices]
    for key, named in named_by:
        if is_reference(named):
            raise InputError(
                f"the {key} of study {config.name!r} is {named}, a function that looking does not run; "
                "'lrlc-nas report --trust' does"
            )
    return config.model_copy(update={"data": config.data.model_copy(update={"download": False})})


def _planned_runs(prepared: Prepared) -> list[NewRun]:
    config = prepared.config
    block = balanced_block(prepared.space, config.budget.trials, config.search.host_repeats, config.seed)
    runs: list[NewRun] = []
    for run in block:
        if prepared.excess(run.plan):
            continue  # it would be pruned before its first step; the sampler has the use of its number
        cost = prepared.cost(run.plan)
        seed = config.seed + len(runs)
        runs.append(NewRun(run.role, seed, run.repeat, run.plan, cost.parameters, cost.macs))
    return runs + _sampled_runs(config, len(runs), config.budget.trials)


def _sampled_runs(config: StudyConfig, first: int, total: int) -> list[NewRun]:
    """Every run has a seed of its own: one more source of noise that no plan can profit from."""
    return [NewRun(Role.SAMPLED, config.seed + number) for number in range(first, total)]


def _raise_total(study: OpenStudy, trials: int) -> None:
    record, prepared = study.record, study.prepared
    if prepared.config.confirmation is not None:
        raise InputError(
            f"study {record.name!r} is a confirmation: "
            f"'lrlc-nas confirm {prepared.config.confirmation.of} --seeds N' adds seeds to it"
        )
    if trials < record.trials:
        raise InputError(
            f"--trials is the total and can only be raised: study {record.name!r} has {record.trials}; got {trials}"
        )
    most = most_trials(record, study.store.runs(record))
    if trials > most:
        raise InputError(f"--trials: the space of study {record.name!r} holds at most {most} runs; got {trials}")
    runs = _sampled_runs(prepared.config, record.trials, trials)
    extend_study(study.store, record, trials, runs)
