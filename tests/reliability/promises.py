"""What must hold of a study that has ended, however often it was interrupted."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from lrlc_nas.engine.files import run_checkpoints
from lrlc_nas.runs import Checkpoints
from lrlc_nas.runs.results import EpochResult
from lrlc_nas.search.optuna_view import OptunaView
from lrlc_nas.store import RunRecord, Store, StudyRecord, sqlite_path

from .toy import NAME

__all__ = ["broken", "recorded", "story"]

_STATES = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}


def broken(store: Store) -> list[str]:
    """All that is not as promised, in words; nothing of a study that is whole."""
    study = store.study(NAME)
    runs, epochs = store.runs(study), store.epochs(study)
    return [
        *_budget(study, runs),
        *_epochs(study, runs, epochs),
        *_writers(store, runs),
        *_checkpoints(store, study, runs),
        *_optuna(store, study, runs, epochs),
        *_files(store, study),
    ]


def story(store: Store) -> list[tuple[object, ...]]:
    """All that a study found and must repeat to the last bit: no times, attempts and owners."""
    study = store.study(NAME)
    epochs = store.epochs(study)
    return [
        (
            *(run.number, run.role, run.repeat, run.seed, str(run.plan), run.state, run.reason, run.value),
            *map(_timeless, epochs.get(run.run_id, [])),
            _weights(run_checkpoints(store, study, run)),
        )
        for run in store.runs(study)
    ]


def recorded(store: Store) -> int:
    """How many epochs are recorded; 0 where there is no study yet."""
    if NAME not in store.names():
        return 0
    return sum(map(len, store.epochs(store.study(NAME)).values()))


def _budget(study: StudyRecord, runs: list[RunRecord]) -> Iterator[str]:
    if [run.number for run in runs] != list(range(study.trials)):
        yield f"{study.trials} runs are the budget, there are those at {[run.number for run in runs]}"
    for run in runs:
        if run.state not in ("complete", "pruned"):
            yield f"run {run.number} is {run.state} {run.reason}"
    plans = [run.plan for run in runs if run.role != "host"]
    if len(set(plans)) != len(plans):
        yield "a plan was trained twice"


def _epochs(study: StudyRecord, runs: list[RunRecord], epochs: dict[int, list[EpochResult]]) -> Iterator[str]:
    wanted = study.config.recipe.epochs
    for run in runs:
        there = epochs.get(run.run_id, [])
        if [epoch.epoch for epoch in there] != list(range(run.epoch)):
            yield f"run {run.number} counts {run.epoch} epochs and has {[epoch.epoch for epoch in there]}"
        if run.state == "complete" and run.epoch != wanted:
            yield f"run {run.number} is complete after {run.epoch} of {wanted} epochs"
        if there and run.value != there[-1].value:
            yield f"run {run.number} has value {run.value}, its last epoch {there[-1].value}"


def _writers(store: Store, runs: list[RunRecord]) -> Iterator[str]:
    """Each epoch names the attempt that wrote it; after a later attempt has written, an earlier one must not."""
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT run_id, epoch, attempt FROM nas_epoch ORDER BY run_id, epoch")
        written = [tuple(row) for row in rows]
    numbers = {run.run_id: run.number for run in runs}
    for (run_id, _, before), (same, epoch, attempt) in pairwise(written):
        if run_id == same and attempt < before:
            yield f"run {numbers[run_id]}: attempt {attempt} wrote epoch {epoch} after attempt {before}"


def _checkpoints(store: Store, study: StudyRecord, runs: list[RunRecord]) -> Iterator[str]:
    for run in (run for run in runs if run.plan is not None):
        checkpoints = run_checkpoints(store, study, run)
        files = [path for path in sorted(checkpoints.folder.parent.rglob("*")) if path.is_file()]
        wanted = 1 if run.state == "complete" else 0
        if len(files) != wanted:
            yield f"run {run.number} is {run.state} and keeps {[path.name[:11] for path in files]}"
        newest = checkpoints.load_newest()
        if wanted and (newest is None or newest["epoch"] != run.epoch - 1):
            yield f"run {run.number}: its last checkpoint does not verify"


def _optuna(
    store: Store, study: StudyRecord, runs: list[RunRecord], epochs: dict[int, list[EpochResult]]
) -> Iterator[str]:
    with closing(OptunaView(store, NAME, study.space)) as view:
        trials = {trial._trial_id: trial for trial in view.study.get_trials()}
    for run in runs:
        trial = trials.pop(run.trial_id or 0, None)
        ours = {epoch.epoch: epoch.value for epoch in epochs.get(run.run_id, [])}
        if trial is None:
            yield f"run {run.number} has no trial"
        elif (trial.state.name, trial.value) != (_STATES.get(run.state), run.value):
            its_end = f"{trial.state.name} with {trial.value}"
            yield f"run {run.number} is {run.state} with {run.value}, its trial {its_end}"
        elif trial.intermediate_values != ours:
            yield f"run {run.number} has {ours}, its trial {trial.intermediate_values}"
        elif run.plan is None or trial.params != {site: run.plan.at(site).token for site in study.space}:
            yield f"run {run.number} has plan {run.plan}, its trial {trial.params}"
    for number, trial in trials.items():
        # Of two processes that make the trial of a run in one moment one finds it tied, and fails its own.
        if trial.state.name != "FAIL":
            yield f"trial {number} belongs to no run and is {trial.state.name}"


def _files(store: Store, study: StudyRecord) -> Iterator[str]:
    path = sqlite_path(store.url)
    if path is not None:
        with closing(sqlite3.connect(path)) as connection:
            for (line,) in connection.execute("PRAGMA integrity_check"):
                if line != "ok":
                    yield f"the database: {line}"
    folder = Path(study.files).parent if path is None else path.parent
    yield from (f"left behind: {each.relative_to(folder)}" for each in folder.rglob("*.tmp"))


def _weights(checkpoints: Checkpoints) -> str:
    """A digest of the weights that a run ended with; empty for one that keeps none."""
    newest = checkpoints.load_newest()
    if newest is None:
        return ""
    digest = hashlib.sha256()
    for name, tensor in sorted(newest["network"].items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


_TIMELESS = ("train_loss", "train_accuracy", "loss", "learning_rate")


def _timeless(epoch: EpochResult) -> tuple[float, ...]:
    return (epoch.epoch, epoch.value, *(epoch.scores[name] for name in _TIMELESS))
